"""The tricky inputs of feeds: each comes in by the real door, costs at most itself, and leaves the feed as it was.

Alone and all together: every other entry stays as it is byte by byte, the feed is well-formed and finds no fault with
our own rules, and where something was mended one line of the log names the article and the repair.
"""

import asyncio
import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pytest
import structlog
from lxml import etree
from sqlalchemy import Engine, select, update

from publisher.clean.article import Desk
from publisher.clean.text import one_line, slug
from publisher.errors import Problem
from publisher.model.article import Author, RawArticle
from publisher.pipeline import gather, syndicate
from publisher.pipeline.gather import Assignment
from publisher.pipeline.syndicate import FeedRule, Memory, Site
from publisher.ports import Fetched
from publisher.render.feed.rules import Facts, Printed, examine
from publisher.sources.folder import FolderSource
from publisher.store import database
from publisher.store.schema import articles
from tests.builders import NOW, a_publication, tables, templates
from tests.unit.test_syndicate import a_site, parsed

HOUR = timedelta(hours=1)
FILES = ("rss.xml", "atom.xml", "feed.json")
CUTS = {"rss.xml": b"<item ", "atom.xml": b"<entry ", "feed.json": b'{\n "id": '}
ENDS = (b"</channel></rss>\n", b"</feed>\n", b"\n ]\n}\n", b",\n")
KATHMANDU = timezone(timedelta(hours=5, minutes=45))
OURS = "https://journal.example/articles/"
LONG = "Enough words to tell one story from another. " * 6
FAMILY = "👨‍👩‍👧"


@dataclass(frozen=True)
class Wire:
    """A source that hands over what no file in UTF-8 can hold."""

    brought: tuple[RawArticle, ...]
    name: str = "wire"

    async def ask(self, state: Mapping[str, Any], now: datetime) -> None:
        return None

    def read(self, answer: None, state: Mapping[str, Any], now: datetime) -> Fetched:
        return Fetched(self.brought)


@dataclass(frozen=True)
class Shown:
    """An entry as a file of the feed says it."""

    title: str
    body: str
    summary: str
    url: str
    authors: tuple[str, ...]
    published: datetime | None
    updated: datetime
    language: str
    picture: str


@dataclass(frozen=True)
class Trap:
    """One bad input, its number and name, and what becomes of it.

    `given` is the front matter of a file, or where `is_wired` the fields of what a source brings. `holds` is true of
    its entry in every format, None where it may stand in none. `repairs` is what the log says, `told` what the editor
    reads; both are empty where nobody hears of it.
    """

    name: str
    body: str = "<p>Some words.</p>"
    given: Mapping[str, Any] = field(default_factory=dict)
    holds: Callable[[Shown], object] | None = None
    repairs: str = ""
    told: str = ""
    is_wired: bool = False

    @property
    def stem(self) -> str:
        return slug(self.name)

    @property
    def path(self) -> str:
        """Below the folder of stories; the folder is its section."""
        return f"world/{self.stem}.html"

    @property
    def source_id(self) -> str:
        return one_line(self.given.get("source_id", self.stem)) if self.is_wired else self.given.get("id", self.path)

    @property
    def raw(self) -> RawArticle:
        plain = RawArticle(self.stem, f"Trap {self.name}", self.body, self.stem, sections=("world",),
                           published=NOW - HOUR, authors=(Author("Ada Writer"),))  # fmt: skip
        return replace(plain, **self.given)

    def write(self, folder: Path) -> None:
        plain = {"title": f"Trap {self.name}", "date": (NOW - HOUR).isoformat(), "author": "Ada Writer"}
        a_file(folder / self.path, {**plain, **self.given}, self.body)


def a_file(path: Path, front: Mapping[str, Any], body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    path.write_text("\n".join(["---", *lines, "---", body]), "utf-8")


def has(*words: str, but: tuple[str, ...] = ()) -> Callable[[Shown], bool]:
    return lambda entry: all(word in entry.body for word in words) and not any(word in entry.body for word in but)


def titled(title: str) -> Callable[[Shown], bool]:
    """These words, and the same ones to a reader who unescapes them twice."""
    return lambda entry: entry.title == title == html.unescape(html.unescape(entry.title))


def at(url: str) -> Callable[[Shown], bool]:
    return lambda entry: entry.url == url


def ours(entry: Shown) -> bool:
    return entry.url.startswith(OURS)


def closed(entry: Shown) -> bool:
    return entry.title == "Read \u202ethis\u202c" and entry.body == "<p>\u2067open\u2069</p>"


def whole_families(entry: Shown) -> bool:
    """Cut between two of them, never within one."""
    return bool(re.fullmatch(f"({FAMILY})+…", entry.title)) and f"{FAMILY} {FAMILY}" in entry.body


TRAPS = [
    Trap("1 a vertical tab in a body", "<p>one\x0btwo\x10</p>", {}, has("<p>onetwo</p>"), "control characters 2",
         is_wired=True),
    Trap("2 form feed and backspace in a title", given={"title": "Form\x0cfeed back\x08space"},
         holds=titled("Formfeed backspace"), repairs="control characters 2", is_wired=True),
    Trap("3 NUL", "<p>a\0b</p>", {"title": "N\0UL"}, lambda entry: (entry.title, entry.body) == ("NUL", "<p>ab</p>"),
         "control characters 2", is_wired=True),
    Trap("4 a lone surrogate", "<p>half \ud83d of one</p>", {}, has("<p>half  of one</p>"), "lone surrogates 1",
         is_wired=True),
    Trap("5 a non-character", "<p>end\ufffe</p>", {}, has("<p>end</p>"), "non-characters 1", is_wired=True),
    Trap("6 C1 for Windows-1252", "<p>It\x92s</p>", {}, has("<p>It’s</p>"), "stray Windows-1252 1", is_wired=True),
    Trap("7 bidi left open", "<p>\u2067open</p>", {"title": "Read \u202ethis"}, closed, "bidi overrides 2",
         is_wired=True),
    Trap("8 joined and astral emoji", given={"title": "👩‍💻 𠮷"}, holds=titled("👩‍💻 𠮷")),
    Trap("8 emoji to be cut", f"<p>{f'{FAMILY} ' * 200}</p>", {"title": FAMILY * 100}, whole_families),
    Trap("9 the end of CDATA", "<p>x ]]&gt; y ]]></p>", {"title": "x ]]> y"},
         lambda entry: entry.title == "x ]]> y" and entry.body == "<p>x ]]&gt; y ]]&gt;</p>"),
    Trap("10 markup in a title", given={"title": "An <em>element</em>"},
         holds=titled("An <\u200bem>element<\u200b/em>")),
    Trap("11 references in a title", given={"title": "AT&amp;T &lt;b&gt;"},
         holds=titled("AT&\u200bamp;T &\u200blt;b&\u200bgt;")),
    Trap("12 a no-break space", "<p>a&nbsp;b</p>", {}, lambda entry: html.unescape(entry.body) == "<p>a\xa0b</p>"),
    Trap("13 relative addresses", '<p><a href="/on">on</a> <img src="x.jpg" alt="x"></p>',
         {"url": "https://journal.example/13/"},
         has('href="https://journal.example/on"', 'src="https://journal.example/13/x.jpg"'), "relative addresses 2"),
    Trap("13 a picture without an address", '<p>seen</p><img src="" alt="x">', {},
         lambda entry: entry.body == "<p>seen</p>"),
    Trap("14 a script", "<p>seen</p><script>steal()</script>", {}, has("<p>seen</p>", but=("script", "steal")),
         "scripts 1"),
    Trap("15 a frame", '<iframe src="https://video.example/1" title="A film"></iframe>', {},
         has('<a href="https://video.example/1">A film (video.example)</a>', but=("<iframe",)), "embeds 1"),
    Trap("16 handlers, fixed positions, script addresses",
         '<p onclick="x()" style="position:fixed">seen <a href="javascript:x()">here</a></p>', {},
         has("<p>seen <a>here</a></p>"), "event handlers 1, script addresses 1, styles 1"),
    Trap("17 a script for an address", given={"url": "javascript:steal()"}, holds=ours,
         repairs="addresses that are none 1", told="is not a web address"),
    Trap("18 a domain and path beyond ASCII", given={"url": "https://пример.example/новости"},
         holds=at("https://xn--e1afmkfd.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"),
         repairs="characters in addresses 1"),
    Trap("19 blanks and brackets in addresses",
         given={"url": 'https://elsewhere.example/a b/"c"<d>', "image": "https://elsewhere.example/a b.jpg"},
         holds=lambda entry: (entry.url, entry.picture) == ("https://elsewhere.example/a%20b/%22c%22%3Cd%3E",
                                                            "https://elsewhere.example/a%20b.jpg"),
         repairs="characters in addresses 2"),
    Trap("20 nobody wrote it", given={"author": ""}, holds=lambda entry: entry.authors == ()),
    Trap("21 a mailbox for an author", given={"author": '"Doe, Jane" <jane@journal.example>'},
         holds=lambda entry: entry.authors == ("Doe, Jane",), repairs="mail addresses of authors 1"),
    Trap("22 a date to come", given={"date": (NOW + 10 * HOUR).isoformat()}),
    Trap("22 an embargo", given={"embargo": (NOW + 10 * HOUR).isoformat()}),
    Trap("23 a date without a zone", given={"published": datetime(2026, 11, 20, 7)}, told="has no time zone",
         is_wired=True),
    Trap("23 an embargo without a zone", given={"embargo": datetime(2026, 11, 20, 7)}, told="has no time zone",
         is_wired=True),
    Trap("24 an odd offset", given={"date": "2026-11-20T12:45:00+05:45"},
         holds=lambda entry: entry.published == entry.updated == datetime(2026, 11, 20, 7, tzinfo=UTC)),
    Trap("25 changed before it was printed, in 1969", given={"updated": "1969-12-31T23:59:00Z"},
         holds=lambda entry: entry.updated == entry.published == NOW - HOUR, repairs="dates that are none 1",
         told="is no day of news"),
    Trap("25 printed in 1969", given={"date": "1969-07-20T20:17:00Z"},
         holds=lambda entry: entry.published is None and entry.updated <= NOW),
    Trap("26 an id of another story", f"<p>{LONG}</p>", {"id": "economy/good-1.html"},
         told='id "economy/good-1.html" is another article\'s too'),
    Trap("27 no title", given={"title": ""}, holds=titled("Some words."), repairs="no title 1"),
    Trap("27 a title that nobody sees", given={"title": "\u200b\ufeff"}, holds=titled("Some words."),
         repairs="no title 1"),
    Trap("27 no text", "", {}, lambda entry: entry.title == entry.summary == "Trap 27 no text"),
    Trap("27 neither title nor text", "", {"title": ""}, told="the file is empty"),
    Trap("28 line breaks in id and address", given={"source_id": "trap\n28 ", "url": "https://a.example/28\n/x "},
         holds=at("https://a.example/28/x"), repairs="blanks in ids 1, characters in addresses 1", is_wired=True),
    Trap("29 pictures of megabytes in their addresses",
         f'<p>seen</p><img src="data:image/png;base64,{"A" * 1_500_000}" alt="x"><p>after</p>'
         f"<img src=data:;base64,{'A' * 1_500_000}><p><a href='data:text/html,{'A' * 1_500_000}'>file</a></p>", {},
         lambda entry: entry.body == "<p>seen</p><p>after</p><p><a>file</a></p>", "data addresses 3"),
    Trap("30 Word", '<p class="MsoNormal">seen<o:p>&nbsp;</o:p></p><!--[if mso]><p>no</p><![endif]-->', {},
         lambda entry: html.unescape(entry.body) == "<p>seen\xa0</p>", "Office markup 2"),
    Trap("32 right to left", given={"title": "خلیج کی نئی سفارت کاری", "language": "ur"},
         holds=lambda entry: (entry.title, entry.language) == ("خلیج کی نئی سفارت کاری", "ur")),
]  # fmt: skip
ALL = pytest.mark.parametrize(
    "traps", [*[(trap,) for trap in TRAPS], tuple(TRAPS)], ids=[*(trap.name for trap in TRAPS), "all"]
)


def good(folder: Path) -> None:
    """Four ordinary stories; nothing stands in climate, which is trap 31."""
    for number, section in enumerate(("economy", "world", "world/asia", "economy"), 1):
        front = {"title": f"Good {number}", "author": "Ada Writer", "date": (NOW - number * 20 * HOUR).isoformat(),
                 "image": {"url": f"https://journal.example/{number}.jpg", "alt": "A picture", "credit": "A. Camera"},
                 "url": f"https://journal.example/good/{number}", "tags": ["trade"]}  # fmt: skip
        a_file(folder / f"{section}/good-{number}.html", front, f"<p>Good {number}. {LONG} {number}</p>")


def bring(engine: Engine, folder: Path, *wired: RawArticle) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Gather the folder, and what came by wire; return the log, and what the editor is told."""
    publication = a_publication()
    sources = [FolderSource("desk", folder, publication.zone), *([Wire(wired)] if wired else ())]
    assignments = [Assignment(source, Desk(publication), timedelta(minutes=10)) for source in sources]
    with structlog.testing.capture_logs() as logs:
        found = asyncio.run(gather.gather(engine, assignments, NOW))
    assert [one.error for one in found if one.error] == []
    return [dict(line) for line in logs], [problem for one in found for problem in one.problems]


def pieces(site: Site) -> dict[str, dict[str, bytes]]:
    """By file, the bytes of each entry by its id."""
    found: dict[str, dict[str, bytes]] = {}
    for name in FILES:
        found[name] = {}
        for piece in (site.path / "feeds" / name).read_bytes().split(CUTS[name])[1:]:
            for end in ENDS:
                piece = piece.removesuffix(end)
            tag = re.search(rb"tag:journal\.example,[^\"<]+", piece)
            assert tag
            found[name][tag[0].decode()] = piece
    return found


def shown(site: Site) -> dict[str, dict[str, Shown]]:
    """By file, each entry by its id, read by nothing but a parser of XML or JSON."""
    rss, atom = (etree.parse(site.path / "feeds" / name) for name in FILES[:2])
    items = json.loads((site.path / "feeds/feed.json").read_bytes())["items"]
    return {
        "rss.xml": {node.findtext("guid"): _of_rss(node) for node in rss.iter("item")},
        "atom.xml": {node.findtext("{*}id"): _of_atom(node) for node in atom.iter("{*}entry")},
        "feed.json": {item["id"]: _of_json(item) for item in items},
    }


def _of_rss(node: Any) -> Shown:
    said = node.findtext("pubDate")
    return Shown(
        node.findtext("title"),
        node.findtext("{*}encoded") or "",
        node.findtext("description") or "",
        node.findtext("link"),
        tuple(creator.text for creator in node.findall("{*}creator")),
        parsedate_to_datetime(said) if said else None,
        datetime.fromisoformat(node.findtext("{*}modified")),
        node.findtext("{http://purl.org/dc/elements/1.1/}language"),
        _picture(node),
    )


def _of_atom(node: Any) -> Shown:
    said = node.findtext("{*}published")
    return Shown(
        node.findtext("{*}title"),
        node.findtext("{http://www.w3.org/2005/Atom}content") or "",
        node.findtext("{*}summary") or "",
        node.find("{*}link[@rel='alternate']").get("href"),
        tuple(author.findtext("{*}name") for author in node.findall("{*}author")),
        datetime.fromisoformat(said) if said else None,
        datetime.fromisoformat(node.findtext("{*}updated")),
        node.get("{http://www.w3.org/XML/1998/namespace}lang"),
        _picture(node),
    )


def _picture(node: Any) -> str:
    found = node.find("{http://search.yahoo.com/mrss/}content")
    return "" if found is None else str(found.get("url"))


def _of_json(item: Mapping[str, Any]) -> Shown:
    said = item.get("date_published")
    return Shown(
        item["title"],
        item.get("content_html", ""),
        item.get("summary", ""),
        item["url"],
        tuple(author["name"] for author in item.get("authors", ())),
        datetime.fromisoformat(said) if said else None,
        datetime.fromisoformat(item["date_modified"]),
        item["language"],
        item.get("image", ""),
    )


def files(site: Site) -> list[Path]:
    """Everything below feeds/ that was built."""
    return [file for file in sorted((site.path / "feeds").rglob("*")) if file.is_file() and file.name[0] != "."]


def sound(site: Site) -> None:
    """Well-formed, no fault to feedparser nor to our own rules; a section without a story has feeds all the same."""
    folders: dict[str, dict[str, Printed]] = {}
    for file in files(site):
        if file.suffix in (".xml", ".opml"):
            expat.ParserCreate().Parse(file.read_bytes(), True)
        if not file.name.startswith(("index.html", "feed.css")):
            name = file.relative_to(site.path).as_posix()
            folders.setdefault(name.rpartition("/")[0], {})[name] = Printed(file.read_bytes(), file.stat().st_mtime_ns)
    for folder in ("feeds", "feeds/world", "feeds/climate"):
        for name in FILES[:2]:
            parsed(site, f"{folder}/{name}")
    rules = site.syndication
    assert list(examine(folders.values(), Facts(site.publication.url, NOW, rules.max_age, rules.max_bytes))) == []
    assert json.loads((site.path / "feeds/climate/feed.json").read_bytes())["items"] == []


def rows(engine: Engine) -> dict[str, Any]:
    """What is filed, by the id that its source gave."""
    with database.reading(engine) as db:
        found = db.execute(select(articles.c["id", "source_id", "tag", "slug"]))
        return {row.source_id: row for row in found}


@pytest.fixture
def plain(engine, tmp_path) -> dict[str, dict[str, bytes]]:
    """The entries of a feed that never saw a trap; its database is empty again."""
    site = a_site(tmp_path / "plain", FeedRule(entries=100))
    good(tmp_path / "plain/stories")
    assert bring(engine, tmp_path / "plain/stories") == ([], [])
    assert syndicate.build(engine, site, NOW).problems == ()
    sound(site)
    tables(engine)
    found = pieces(site)
    assert [len(found[name]) for name in FILES] == [4, 4, 4]
    return found


@ALL
def test_a_trap_costs_at_most_itself(engine, tmp_path, plain, traps):
    site, folder = a_site(tmp_path, FeedRule(entries=100)), tmp_path / "stories"
    good(folder)
    for trap in traps:
        if not trap.is_wired:
            trap.write(folder)

    logs, problems = bring(engine, folder, *(trap.raw for trap in traps if trap.is_wired))
    built = syndicate.build(engine, site, NOW)

    assert built.problems == ()
    after, entries, filed = pieces(site), shown(site), rows(engine)
    for name in FILES:
        assert {tag: after[name].get(tag) for tag in plain[name]} == plain[name], name
        assert len(after[name]) == 4 + sum(trap.holds is not None for trap in traps), name
    for trap in traps:
        if trap.holds:
            rss, atom, other = (entries[name][filed[trap.source_id].tag] for name in FILES)
            assert rss == replace(atom, updated=rss.updated) == replace(other, updated=rss.updated)
            assert [trap.holds(one) for one in (rss, atom, other)] == [True, True, True], (trap.name, other)
        else:
            assert not [file for file in files(site) if f">Trap {trap.name}<".encode() in file.read_bytes()]
    mended = [(line["article"], line["repairs"]) for line in logs if line["event"] == "repaired"]
    assert sorted(mended) == sorted((filed[trap.source_id].id, trap.repairs) for trap in traps if trap.repairs)
    told = [trap for trap in traps if trap.told]
    assert len(problems) == len(told)
    for trap in told:
        [said] = [problem for problem in problems if trap.stem in problem.where]
        assert trap.told in str(said)
    everything = [file.read_bytes() for file in site.path.rglob("*") if file.is_file()]
    assert not [content for content in everything if b"jane@" in content or b"steal()" in content]
    sound(site)


def test_22_what_is_to_come_is_shown_when_its_time_has_come(engine, tmp_path):
    site, folder = a_site(tmp_path), tmp_path / "stories"
    waiting = [trap for trap in TRAPS if trap.name.startswith("22 ")]
    for trap in waiting:
        trap.write(folder)
    bring(engine, folder)

    syndicate.build(engine, site, NOW + 9 * HOUR)
    before = [entry.title for entry in parsed(site).entries]
    syndicate.build(engine, site, NOW + 11 * HOUR)

    assert before == []
    assert sorted(entry.title for entry in parsed(site).entries) == sorted(f"Trap {trap.name}" for trap in waiting)


def test_26_an_id_that_is_used_again_makes_no_guid_twice(engine, tmp_path, plain):
    """The wire calls another story what it called the first: ids are its own, a guid is ours."""
    site, folder = a_site(tmp_path, FeedRule(entries=100)), tmp_path / "stories"
    good(folder)
    first = replace(TRAPS[0].raw, source_id="7", title="One", body=f"<p>{LONG}</p>", url="https://a.example/1")
    second = replace(first, title="Two", body=f"<p>Not the same. {LONG}</p>", url="https://a.example/2",
                     published=NOW - 2 * HOUR)  # fmt: skip
    bring(engine, folder, first)
    syndicate.build(engine, site, NOW)
    before = pieces(site)

    bring(engine, folder, second)
    syndicate.build(engine, site, NOW)

    after = pieces(site)
    assert [entry.title for entry in parsed(site).entries][:2] == ["One", "Two"]
    for name in FILES:
        assert {tag: after[name].get(tag) for tag in before[name]} == before[name]
        assert len(after[name]) == 6
    sound(site)


BAD = "b\x0ba\ufffed\x10"
# Words are mended once more; an address or a language that cannot be is the end of its entry.
BEYOND_REPAIR = ("an author's addresses", "a picture", "an address", "comments", "a language")
PAST_THE_CLEANING: Mapping[str, Mapping[str, Any]] = {
    "a body": {"body": f"<p>{BAD}</p>"},
    "a headline and a teaser": {"headline": BAD, "teaser": BAD},
    "an author": {"authors": [{"name": BAD, "biography": BAD, "picture": "", "url": "", "role": BAD}]},
    "an author's addresses": {
        "authors": [{"name": "Ada Writer", "biography": "", "role": "",
                     "picture": f"https://a.example/{BAD}", "url": f"https://a.example/{BAD}"}]
    },
    "words of a picture": {"image": {"url": "https://a.example/x.jpg", "alt": BAD, "caption": BAD, "credit": BAD}},
    "a picture": {"image": {"url": f"https://a.example/{BAD}.jpg", "alt": "", "caption": "", "credit": ""}},
    "a tag": {"tags": [BAD]},
    "an address": {"url": f"https://a.example/{BAD}"},
    "comments": {"comments": f"https://a.example/{BAD}"},
    "a language": {"language": BAD},
    "a kind": {"kind": BAD},
}  # fmt: skip


def damaged(engine: Engine, folder: Path, damage: Mapping[str, Any]) -> Any:
    """Four good stories, and one that somebody wrote into the table past all cleaning; returns that one's row."""
    good(folder)
    a_file(folder / "world/bad.html", {"title": "Bad", "date": (NOW - HOUR).isoformat()}, "<p>Words.</p>")
    bring(engine, folder)
    bad = rows(engine)["world/bad.html"]
    with database.writing(engine) as db:
        db.execute(update(articles).where(articles.c.id == bad.id).values(**damage))
    return bad


@pytest.mark.parametrize("remembers", [False, True], ids=["forgetful", "remembering"])
@pytest.mark.parametrize("damage", PAST_THE_CLEANING)
def test_what_came_past_the_cleaning_costs_only_itself(engine, tmp_path, plain, damage, remembers):
    site = a_site(tmp_path, FeedRule(entries=100))
    bad = damaged(engine, tmp_path / "stories", PAST_THE_CLEANING[damage])

    built = syndicate.build(engine, site, NOW, memory=Memory() if remembers else None)

    is_left_out = damage in BEYOND_REPAIR
    [problem] = built.problems
    assert problem.where == f"article {bad.id} ({bad.slug})"
    assert ("it stands in no feed" if is_left_out else "were left out") in problem.message
    after = pieces(site)
    for name in FILES:
        assert {tag: after[name].get(tag) for tag in plain[name]} == plain[name]
        assert set(after[name]) - set(plain[name]) == (set() if is_left_out else {bad.tag})
    sound(site)


@pytest.mark.parametrize("remembers", [False, True], ids=["forgetful", "remembering"])
def test_a_template_that_fails_for_one_story_costs_only_that_one(engine, tmp_path, remembers):
    site, folder = a_site(tmp_path), tmp_path / "stories"
    memory = Memory() if remembers else None
    own = tmp_path / "feeds/entry.html.j2"
    own.parent.mkdir()
    own.write_text("{{ 1 / (article.words - 4) }}{{ article.body | safe }}")
    site = replace(site, templates=templates(site.publication, tmp_path))
    good(folder)
    bring(engine, folder)
    syndicate.build(engine, site, NOW, memory=memory)
    before = pieces(site)
    a_file(folder / "world/few.html", {"title": "Few", "date": (NOW - HOUR).isoformat()}, "<p>One two three four.</p>")
    bring(engine, folder)
    few = rows(engine)["world/few.html"]

    built = syndicate.build(engine, site, NOW, memory=memory)

    assert pieces(site) == before
    assert {problem.where for problem in built.problems} == {f"article {few.id} ({few.slug})"}
    assert all("it stands in no feed" in problem.message and "zero" in problem.message for problem in built.problems)
    assert {len(parsed(site, f"feeds/{name}").entries) for name in FILES[:2]} == {4}
