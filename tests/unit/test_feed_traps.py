"""The tricky inputs of feeds: each comes in by the real door, costs at most itself, and leaves the feed as it was.

Alone and all together: every other entry stays as it is byte by byte, the feed is well-formed and finds no fault with
our own rules, and where something was mended one line of the log names the article and the repair.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.parsers import expat

import feedparser
import pytest
import structlog
from sqlalchemy import update

from publisher.clean.article import Desk
from publisher.model.article import Author, Image, RawArticle
from publisher.pipeline import gather, syndicate
from publisher.pipeline.gather import Assignment
from publisher.pipeline.syndicate import Built, Memory
from publisher.ports import Fetched
from publisher.render.feed.rules import Facts, Printed, examine
from publisher.store import database
from publisher.store.schema import articles
from tests.builders import NOW, a_publication
from tests.unit.test_syndicate import a_site, parsed

HOUR = timedelta(hours=1)
FILES = ("rss.xml", "atom.xml", "feed.json")
CUTS = {"rss.xml": b"<item ", "atom.xml": b"<entry ", "feed.json": b'{\n "id": '}


@dataclass
class Wire:
    """A source that brings what it was given."""

    brought: tuple[RawArticle, ...]
    name: str = "wire"

    async def ask(self, state: Mapping[str, Any], now: datetime) -> None:
        return None

    def read(self, answer: None, state: Mapping[str, Any], now: datetime) -> Fetched:
        return Fetched(self.brought)


@dataclass(frozen=True)
class Trap:
    """What is brought, and what must hold of its entry in JSON Feed; None where it must not stand in a feed."""

    number: int
    name: str
    brought: Mapping[str, Any]
    holds: Callable[[dict[str, Any]], bool] | None
    is_repaired: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> RawArticle:
        given = {"title": f"Trap {self.number}", "body": f"<p>Some words {self.number}.</p>", **self.brought}
        moment = NOW - timedelta(minutes=self.number)
        plain = RawArticle(
            f"trap-{self.number}", given.pop("title"), given.pop("body"), f"trap {self.number}",
            sections=("world",), published=moment, authors=(Author("Ada Writer"),),
        )  # fmt: skip
        return replace(plain, **given)


def body(text: str) -> dict[str, Any]:
    return {"body": text}


def has(*words: str, without: tuple[str, ...] = ()) -> Callable[[dict[str, Any]], bool]:
    def check(item: dict[str, Any]) -> bool:
        text = item.get("content_html", item.get("content_text", ""))
        return all(word in text for word in words) and not any(word in text.lower() for word in without)

    return check


def titled(title: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: bool(item["title"] == title)


def at(url: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: bool(item["url"] == url)


KATHMANDU = timezone(timedelta(hours=5, minutes=45))
LONG = "Enough words to tell one story from another. " * 6
OURS = "https://journal.example/articles/"
TRAPS = [
    Trap(1, "a vertical tab in a body", body("<p>one\x0btwo\x10</p>"), has("onetwo"), True),
    Trap(2, "form feed and backspace in a title", {"title": "Form\x0cfeed back\x08space"},
         titled("Formfeed backspace"), True),
    Trap(3, "NUL", {"title": "N\0UL", "body": "<p>a\0b</p>"}, titled("NUL"), True),
    Trap(4, "a lone surrogate", body("<p>half \ud83d of one</p>"), has("half", "of one"), True),
    Trap(5, "a non-character", body("<p>end\ufffe</p>"), has("<p>end</p>"), True),
    Trap(6, "C1 for Windows-1252", body("<p>It\x92s</p>"), has("It’s"), True),
    Trap(7, "an unclosed override", {"title": "Read \u202ethis", "body": "<p>\u2067open</p>"},
         lambda item: item["title"].endswith("\u202c") and "\u2069" in item["content_html"], True),
    Trap(8, "joined and astral emoji", {"title": "👩‍💻 𠮷", "body": f"<p>{'👨‍👩‍👧 ' * 200}</p>"}, titled("👩‍💻 𠮷")),
    Trap(9, "the end of CDATA", body("<p>x ]]&gt; y ]]></p>"), has("]]")),
    Trap(10, "markup in a title", {"title": "An <em>element</em>"}, titled("An <\u200bem>element<\u200b/em>")),
    Trap(11, "references in a title", {"title": "AT&amp;T &lt;b&gt;"},
         titled("AT&\u200bamp;T &\u200blt;b&\u200bgt;")),
    Trap(12, "a no-break space", body("<p>a&nbsp;b</p>"),
         lambda item: bool(re.search("a(&nbsp;|\xa0)b", item["content_html"]))),
    Trap(13, "relative addresses",
         {**body('<p><a href="/on">on</a><img src="x.jpg" alt="x"></p>'), "url": "https://journal.example/13/"},
         has('href="https://journal.example/on"', 'src="https://journal.example/13/x.jpg"')),
    Trap(14, "a script", body("<p>seen</p><script>steal()</script>"), has("seen", without=("script", "steal")), True),
    Trap(15, "a frame", body('<iframe src="https://video.example/1" title="A film"></iframe>'),
         has('<a href="https://video.example/1">', without=("iframe",)), True),
    Trap(16, "handlers, fixed positions, script addresses",
         body('<p onclick="x()" style="position:fixed">seen <a href="javascript:x()">here</a></p>'),
         has("seen", without=("onclick", "position", "javascript")), True),
    Trap(17, "a script for an address", {"url": "javascript:steal()"}, lambda item: item["url"].startswith(OURS)),
    Trap(18, "a domain and path beyond ASCII", {"url": "https://пример.example/новости"},
         at("https://xn--e1afmkfd.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8")),
    Trap(19, "blanks and brackets in an address", {"url": 'https://elsewhere.example/a b/"c"<d>'},
         at("https://elsewhere.example/a%20b/%22c%22%3Cd%3E")),
    Trap(20, "nobody wrote it", {"authors": ()}, lambda item: "authors" not in item),
    Trap(21, "a mailbox for an author", {"authors": (Author('"Doe, Jane" <jane@journal.example>'),)},
         lambda item: item.get("authors") == [{"name": "Doe, Jane"}]),
    Trap(22, "a date to come", {"published": NOW + 10 * HOUR}, None),
    Trap(23, "a date without a zone", {"published": datetime(2026, 11, 20, 7, 0)}, None),
    Trap(24, "an odd offset", {"published": datetime(2026, 11, 20, 12, 45, tzinfo=KATHMANDU)},
         lambda item: datetime.fromisoformat(item["date_published"]) == datetime(2026, 11, 20, 7, 0, tzinfo=UTC)),
    Trap(25, "changed before it was printed, in 1969",
         {"modified": datetime(1969, 12, 31, 23, 59, tzinfo=UTC)},
         lambda item: item["date_modified"] == item["date_published"]),
    Trap(26, "an id of another story",
         {**body(f"<p>{LONG}</p>"), "source_id": "good-1", "url": "https://journal.example/26"}, titled("Trap 26")),
    Trap(27, "no title, no text", {"title": ""}, titled("Some words 27.")),
    Trap(28, "line breaks in id and address", {"source_id": "trap\n28 ", "url": "https://journal.example/28\n/x "},
         at("https://journal.example/28/x")),
    Trap(29, "a picture of a megabyte in its address", body(f'<p>seen</p><img src="data:image/png,{"A" * 900_000}">'),
         has("seen", without=("data:",)), True),
    Trap(30, "Word", body("<p>seen<o:p>&nbsp;</o:p></p><!--[if mso]><p>no</p><![endif]-->"),
         has("seen", without=("o:p", "mso"))),
    Trap(32, "right to left", {"title": "خلیج کی نئی سفارت کاری", "language": "ur"},
         lambda item: item["language"] == "ur"),
]  # fmt: skip
GOOD = tuple(
    RawArticle(f"good-{n}", f"Good {n}", f"<p>Good {n}. {LONG} {n}</p>", f"good {n}", url=f"https://journal.example/good/{n}",
               sections=("economy",), authors=(Author("Ada Writer"),), published=NOW - n * HOUR,
               image=Image("https://journal.example/p.jpg", "A picture"))
    for n in range(1, 4)
)  # fmt: skip
ALL = pytest.mark.parametrize(
    "traps", [*[(trap,) for trap in TRAPS], tuple(TRAPS)], ids=[*(f"{one.number} {one.name}" for one in TRAPS), "all"]
)


def bring(engine: Any, *brought: RawArticle) -> list[dict[str, Any]]:
    """Gather; return the log."""
    assignment = Assignment(Wire(brought), Desk(a_publication()), timedelta(minutes=10))
    with structlog.testing.capture_logs() as logs:
        (gathered,) = asyncio.run(gather.gather(engine, [assignment], NOW))
    assert not gathered.error
    return [dict(line) for line in logs]


def entries(site: Any) -> dict[str, dict[str, bytes]]:
    """By file, the bytes of each entry by its id."""
    found: dict[str, dict[str, bytes]] = {}
    for name in FILES:
        content = (site.path / "feeds" / name).read_bytes()
        pieces = content.split(CUTS[name])[1:]
        tag = re.compile(rb"tag:journal\.example,[^\"<]+")
        found[name] = {}
        for piece in pieces:
            match = tag.search(piece)
            assert match
            whole = piece.replace(b"</channel></rss>\n", b"").replace(b"</feed>\n", b"").removesuffix(b"\n ]\n}\n")
            found[name][match[0].decode()] = whole.rstrip(b",\n")
    return found


def sound(site: Any) -> None:
    for name in FILES[:2]:
        content = (site.path / "feeds" / name).read_bytes()
        expat.ParserCreate().Parse(content, True)
        assert not feedparser.parse(content).bozo
    folders: dict[str, dict[str, Printed]] = {}
    for file in sorted((site.path / "feeds").rglob("*")):
        if file.is_file() and not file.name.startswith((".", "index.html", "feed.css")):
            name = file.relative_to(site.path).as_posix()
            folders.setdefault(name.rpartition("/")[0], {})[name] = Printed(file.read_bytes(), file.stat().st_mtime_ns)
    rules = site.syndication
    facts = Facts(site.publication.url, NOW, rules.max_age, rules.max_bytes)
    assert list(examine(folders.values(), facts)) == []


@ALL
def test_a_trap_costs_at_most_itself(engine, tmp_path, traps):
    untrapped, site = a_site(tmp_path / "good"), a_site(tmp_path / "all")
    bring(engine, *GOOD)
    syndicate.build(engine, untrapped, NOW)
    before = entries(untrapped)

    logs = bring(engine, *(trap.raw for trap in traps), *GOOD)
    built = syndicate.build(engine, site, NOW)

    after = entries(site)
    items = {item["id"]: item for item in json.loads((site.path / "feeds/feed.json").read_bytes())["items"]}
    assert built.problems == ()
    for name in FILES:
        assert {tag: after[name].get(tag) for tag in before[name]} == before[name], name
    shown = [item for tag, item in items.items() if tag not in before["feed.json"]]
    assert len(shown) == sum(trap.holds is not None for trap in traps)
    by_moment = sorted(shown, key=lambda item: item["id"])
    for trap in traps:
        if trap.holds:
            assert any(trap.holds(item) for item in by_moment), (trap.name, shown)
    mended = [line for line in logs if line["event"] == "repaired"]
    assert len(mended) == sum(trap.is_repaired for trap in traps)
    assert all(line["article"] and line["repairs"] for line in mended)
    assert "jane@" not in (site.path / "feeds/rss.xml").read_text() + (site.path / "feeds/atom.xml").read_text()
    sound(site)


def test_31_an_empty_section_is_a_valid_feed(engine, tmp_path):
    site = a_site(tmp_path)
    bring(engine, *GOOD)

    syndicate.build(engine, site, NOW)

    assert parsed(site, "feeds/climate/rss.xml").entries == []
    assert parsed(site, "feeds/climate/atom.xml").entries == []
    assert json.loads((site.path / "feeds/climate/feed.json").read_bytes())["items"] == []


def test_22_a_date_to_come_is_shown_when_it_has_come(engine, tmp_path):
    site = a_site(tmp_path)
    bring(engine, next(trap for trap in TRAPS if trap.number == 22).raw)

    syndicate.build(engine, site, NOW + 11 * HOUR)

    assert [entry.title for entry in parsed(site).entries] == ["Trap 22"]


@pytest.mark.parametrize("remembers", [False, True])
def test_characters_that_came_past_the_cleaning_cost_only_themselves(engine, tmp_path, remembers):
    site, memory = a_site(tmp_path), Memory() if remembers else None
    bring(engine, *GOOD)
    syndicate.build(engine, site, NOW, memory=memory)
    before = entries(site)
    bring(engine, TRAPS[8].raw)
    with database.writing(engine) as db:
        db.execute(
            update(articles).where(articles.c.source_id == "trap-9").values(body="<p>b\x0bad</p>", teaser="\x10")
        )

    built = syndicate.build(engine, site, NOW, memory=memory)

    assert [str(problem) for problem in built.problems if "trap-9" in str(problem)]
    after = entries(site)
    for name in FILES:
        assert {tag: after[name].get(tag) for tag in before[name]} == before[name]
        assert len(after[name]) == len(before[name]) + 1
    sound(site)


def test_a_template_that_fails_for_one_story_costs_only_that_one(engine, tmp_path):
    site: Any = a_site(tmp_path)
    own = tmp_path / "feeds/entry.html.j2"
    own.parent.mkdir()
    own.write_text("{{ 1 / (article.words - 4) }}{{ article.body | safe }}")
    from tests.builders import templates

    site = replace(site, templates=templates(site.publication, tmp_path))
    few = replace(GOOD[0], source_id="few", title="Few", body="<p>One two three four.</p>", url=None)
    bring(engine, *GOOD, few)

    built: Built = syndicate.build(engine, site, NOW)

    assert [entry.title for entry in parsed(site).entries] == [f"Good {n}" for n in (1, 2, 3)]
    told = {problem.where for problem in built.problems if "stands in no feed" in problem.message}
    assert len(told) == 1
