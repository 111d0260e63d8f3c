"""Other people's readers of feeds: the demo's and those of tricky stories are read by all of them as they are meant."""

import json
import shutil
import subprocess
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

import feedparser
import pytest
from jsonschema import Draft202012Validator
from lxml import etree

from tests.judges.conftest import HERE, package, program
from tests.stories.newsroom import NewsroomOnDisk

SCHEMA = Draft202012Validator(json.loads((HERE / "json_feed.schema.json").read_text("utf-8")))
# The traps of feeds, one story each: title, body, and what else stands in its front matter.
TRICKY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "controls": ("Form\x0cfeed and back\x08space", "Vertical\x0btab and \x00 nothing.", {}),
    "for-nobody": ("For nobody\ufffe", "Nobody \ufdd0 uses \U0001ffff these.", {}),
    "mojibake": ("It\x92s mojibake", "\x93Quoted\x94 once.", {}),
    "bidi": ("Read \u202enihtyreve", "And \u2067this.", {}),
    "emoji": ("Astral \U0001f469\u200d\U0001f4bb \U00020bb7", "\U0001f9d1\U0001f3fd\u200d\U0001f680 " * 60, {}),
    "cdata": ("Ends ]]> here", "Text ]]> and <![CDATA[ x ]]>.", {}),
    "markup": ("An <em>element</em> & more", "<p>Plain <em>words</em></p>", {}),
    "entities": ("Literal &amp; and &lt;b&gt;", "<p>A&nbsp;b &amp;amp; c</p>", {}),
    "relative": ("Relative", "![A picture](/images/x.jpg) [on](../other.html) [down](#below)", {}),
    "script": ("Script", "<script>steal()</script><p onclick='steal()' style='position:fixed'>Visible</p>", {}),
    "frame": ("Frame", "<iframe src='https://video.example/1' title='A film'></iframe>", {}),
    "javascript": ("Javascript", "[a](javascript:steal()) text", {"url": "javascript:steal()"}),
    "idn": ("IDN", "[x](https://bücher.example/талк)", {"url": "https://пример.example/новости/один"}),
    "spaces": ("Spaces", "Text", {"url": 'https://elsewhere.example/a b "c" <d>.html '}),
    "nobody": ("Nobody wrote it", "Text", {}),
    "mail": ("Mail", "Text", {"author": '"Doe, Jane" <jane@journal.example>'}),
    "offset": ("Offset", "Text", {"date": "2026-11-19T08:45:00+05:45"}),
    "changed": ("Changed before", "Text", {"updated": "2026-11-01T08:00:00Z"}),
    "empty": ("Empty", "", {}),
    "data": ("Data", f"<img src='data:image/png;base64,{'A' * 200_000}' alt='x'>Visible", {}),
    "word": ("Word", "<o:p>Visible</o:p><!--[if mso]><p>hidden</p><![endif]-->", {}),
    "urdu": ("خلیج کی نئی سفارت کاری", "<p>متن</p>", {"language": "ur"}),
    "lead": ("With a picture", "<p>Text</p>", {"image": "https://journal.example/lead.png", "image_alt": "A & B"}),
    "twice": ("Picture twice", "<img src='https://journal.example/twice.png' alt='x'><p>Text</p>",
              {"image": "https://journal.example/twice.png"}),
}  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A newsroom whose site is built."""

    name: str
    path: Path

    @property
    def feeds(self) -> list[Path]:
        names = ("rss.xml", "atom.xml", "feed.json")
        return sorted(file for name in names for file in (self.path / "site/feeds").rglob(name))

    def check(self, code: int = 0) -> list[dict[str, Any]]:
        return list(NewsroomOnDisk(self.path).json("feeds", "check", code=code))


@pytest.fixture(scope="session")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a newsroom with nothing but traps, and one section that has no story."""
    newsroom = NewsroomOnDisk(tmp_path_factory.mktemp("tricky")).write()
    for minute, (name, (title, body, front)) in enumerate(TRICKY.items()):
        given = {"author": "Ada Writer", "date": f"2026-11-19T08:{minute:02}:00+05:00", **front}
        if name == "nobody":
            del given["author"]
        newsroom.article(f"world/{name}.md", title, body, **given)
    newsroom.run("gather")
    newsroom.run("build")
    return newsroom.path


@pytest.fixture(scope="session", params=["demo", "tricky"])
def built(request: pytest.FixtureRequest) -> Built:
    return Built(request.param, request.getfixturevalue(request.param))


def entries(file: Path) -> list[dict[str, Any]]:
    """What a file says, read by nothing but an XML or JSON parser: the source to which every reader is held."""
    if file.suffix == ".json":
        return [_item(item) for item in json.loads(file.read_text("utf-8"))["items"]]
    root = etree.fromstring(file.read_bytes())
    names = {name or "a": uri for name, uri in root.nsmap.items()}
    names.setdefault("content", "http://purl.org/rss/1.0/modules/content/")
    paths = _RSS if root.tag == "rss" else _ATOM
    nodes = root.xpath("//item | //a:entry", namespaces={"a": "http://www.w3.org/2005/Atom"})
    return [{key: _found(node, path, key in ("authors", "images")) for key, path in paths.items()} for node in nodes]


_NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
}
_RSS = {
    "id": "guid/text()", "title": "title/text()", "link": "link/text()", "published": "pubDate/text()",
    "updated": "dcterms:modified/text()", "authors": "dc:creator/text()", "content": "content:encoded/text()",
    "images": "media:content/@url",
}  # fmt: skip
_ATOM = {
    "id": "a:id/text()", "title": "a:title/text()", "link": "a:link[@rel='alternate']/@href",
    "published": "a:published/text()", "updated": "a:updated/text()", "authors": "a:author/a:name/text()",
    "content": "a:content/text()", "images": "media:content/@url",
}  # fmt: skip


def _found(node: Any, path: str, several: bool) -> Any:
    values = [str(value) for value in node.xpath(path, namespaces=_NAMES)]
    return values if several else (values[0] if values else None)


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "title": item.get("title"),
        "link": item.get("url"),
        "published": item.get("date_published"),
        "updated": item.get("date_modified"),
        "authors": [author["name"] for author in item.get("authors", ())],
        "content": item.get("content_html"),
        "images": [item["image"]] if "image" in item else [],
    }


def second(written: str | None) -> int | None:
    """A date of any format, in whole seconds: RSS knows no parts of them."""
    if written is None:
        return None
    if written[0].isalpha():
        return int(datetime.strptime(written, "%a, %d %b %Y %H:%M:%S %z").timestamp())
    return int(datetime.fromisoformat(written).timestamp())


def stamped(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "published": second(entry["published"]), "updated": second(entry.get("updated"))}


def test_our_own_rules_find_nothing(built):
    assert built.check() == []


def test_the_source_is_there_to_be_read(built):
    everything = entries(built.path / "site/feeds/rss.xml")

    assert len(everything) == (28 if built.name == "demo" else len(TRICKY))
    assert len({entry["id"] for entry in everything}) == len(everything)
    assert len(built.feeds) > 9


def test_all_formats_say_the_same(built):
    for folder in {file.parent for file in built.feeds}:
        rss, atom, other = (
            [stamped(entry) for entry in entries(folder / name)] for name in ("rss.xml", "atom.xml", "feed.json")
        )
        assert rss == atom, folder
        assert atom == other, folder


def test_expat_reads_every_file(built):
    files = [file for file in (built.path / "site/feeds").rglob("*") if file.suffix in (".xml", ".opml")]
    assert len(files) > 6

    for file in files:
        expat.ParserCreate().Parse(file.read_bytes(), True)


def test_feedparser_reads_what_was_written(built):
    for file in built.feeds:
        if file.suffix != ".xml":
            continue
        parsed = feedparser.parse(file.read_bytes(), sanitize_html=False, resolve_relative_uris=False)
        assert not parsed.bozo, (file, parsed.get("bozo_exception"))
        assert [_as_parsed(entry) for entry in parsed.entries] == [stamped(entry) for entry in entries(file)], file


def _as_parsed(entry: Any) -> dict[str, Any]:
    moments = {key: timegm(entry[f"{key}_parsed"]) if entry.get(f"{key}_parsed") else None
               for key in ("published", "updated")}  # fmt: skip
    return {
        "id": entry.id,
        "title": entry.title,
        "link": entry.link,
        **moments,
        "authors": [author.name for author in entry.get("authors", ()) if author],
        "content": entry.content[0].value if "content" in entry else None,
        "images": [content["url"] for content in entry.get("media_content", ())],
    }


def test_feedsmith_and_rss_parser_read_what_was_written(built):
    files = built.feeds
    for file, readers in read_by_npm(files).items():
        expected = [stamped(entry) for entry in entries(file)]
        assert [stamped(entry) for entry in readers["feedsmith"]] == expected, file
        if file.suffix == ".xml":
            shown = [{key: value for key, value in stamped(entry).items() if key != "updated"}
                     for entry in readers["rssParser"]]  # fmt: skip
            assert shown == list(_for_rss_parser(expected, file.name)), file


def _for_rss_parser(expected: list[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """It knows neither several authors nor pictures, and takes the change of an Atom entry without a date for it."""
    for entry in expected:
        kept = {key: entry[key] for key in ("id", "title", "link", "published", "content")}
        if name == "atom.xml" and kept["published"] is None:
            kept["published"] = entry["updated"]
        if kept["content"] is None:
            kept["content"] = entry["title"] if name == "rss.xml" else None  # the summary of a story without a word
        yield kept


def test_feedsmith_finds_every_feed_in_the_list(built):
    file = built.path / "site/feeds/feeds.opml"
    [readers] = read_by_npm([file]).values()

    folders = {feed.parent.relative_to(built.path / "site").as_posix() for feed in built.feeds}
    assert {address.split("/", 3)[3].rpartition("/")[0] for address in readers["feedsmith"]} == folders


def test_json_feeds_keep_the_schema_of_the_specification(built):
    for file in built.feeds:
        if file.suffix == ".json":
            faults = [error.message for error in SCHEMA.iter_errors(json.loads(file.read_text("utf-8")))]
            assert faults == [], file


def read_by_npm(files: list[Path]) -> dict[Path, Any]:
    package("feedsmith/package.json")
    package("rss-parser/package.json")
    command = [program("node"), str(HERE / "read_feeds.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = {Path(file): readers for file, readers in json.loads(done.stdout).items()}
    assert list(found) == files
    return found


class TestTheJudgesBite:
    def test_check_names_file_entry_and_rule(self, tricky, tmp_path):
        copy = shutil.copytree(tricky, tmp_path / "copy")
        file = copy / "site/feeds/world/rss.xml"
        text = file.read_text("utf-8")
        file.write_text(text.replace("<title>Ends ]]&gt; here", "<title>&lt;b&gt;Ends&lt;/b&gt;", 1), "utf-8")
        [identity] = [one["id"] for one in entries(file) if one["title"] == "<b>Ends</b>"]

        found = Built("copy", copy).check(code=1)

        assert ("feeds/world/rss.xml", identity, "titles") in {
            (one["file"], one["entry"], one["rule"]) for one in found
        }
        assert ("feeds/world/rss.xml.gz", "", "compressed") in {
            (one["file"], one["entry"], one["rule"]) for one in found
        }
        said = NewsroomOnDisk(copy).run("feeds", "check", code=1).stdout.splitlines()
        assert len(said) == len(found)
        assert any(f"feeds/world/rss.xml [{identity}]  titles warn: " in line for line in said)

    def test_check_before_the_first_build_says_what_to_do(self, tmp_path):
        newsroom = NewsroomOnDisk(tmp_path).write()

        assert "publisher build" in newsroom.run("feeds", "check", code=1).stderr

    @pytest.mark.parametrize("fault", ["author", "items", "hubs", "date"])
    def test_the_schema_refuses_what_is_no_json_feed(self, demo, fault):
        feed = json.loads((demo / "site/feeds/feed.json").read_text("utf-8"))
        assert SCHEMA.is_valid(feed)

        feed |= {"author": {"author": {"name": "x"}}, "items": {"items": {}}, "hubs": {"hubs": [{"url": "x"}]}}.get(
            fault, {}
        )
        if fault == "date":
            feed["items"][0]["date_modified"] = "2026-11-20 08:00"

        assert not SCHEMA.is_valid(feed)
