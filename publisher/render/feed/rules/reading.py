"""A feed's file as every rule looks at it: the same words for RSS, Atom and JSON Feed, nothing repaired."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat

from lxml import etree

from publisher.render.feed.rules import values

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
DCTERMS = "{http://purl.org/dc/terms/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}"
SY = "{http://purl.org/rss/1.0/modules/syndication/}"
THR = "{http://purl.org/syndication/thread/1.0}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
WFW = "{http://wellformedweb.org/CommentAPI/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

Reader = Callable[[str], datetime | str]


class Unreadable(Exception):
    """The file is no feed: what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is how findings call it. `published` and `updated` are as written; `node` is the element or object."""

    name: str
    id: str
    title: str
    url: str
    published: str
    updated: str
    summary: str
    body: str
    language: str
    authors: tuple[str, ...]
    images: tuple[str, ...]
    node: Any


@dataclass(frozen=True, slots=True)
class Document:
    """`form` is rss, atom or json; `archive` the number of an archive page. `links` are (rel, type, address)."""

    path: str
    form: str
    content: bytes
    root: Any
    title: str
    id: str
    language: str
    updated: str
    links: tuple[tuple[str, str, str], ...]
    entries: tuple[Entry, ...] = field(default=())
    archive: int = 0

    def to(self, relation: str) -> list[str]:
        return [address for rel, _, address in self.links if rel == relation]

    @property
    def instant(self) -> Reader:
        """Reads a date in the way of the format, but for the modules of RSS."""
        return values.rfc_822 if self.form == "rss" else values.rfc_3339

    def published(self, entry: Entry) -> datetime | None:
        return _known(self.instant(entry.published)) if entry.published else None

    def changed(self, entry: Entry) -> datetime | None:
        return _known(values.rfc_3339(entry.updated)) if entry.updated else None

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text and attribute with the entry that it stands in."""
        if self.form == "json":
            rest = {key: value for key, value in self.root.items() if key != "items"}
            yield from (("", text) for text in _strings(rest))
            yield from ((entry.name, text) for entry in self.entries for text in _strings(entry.node))
            return
        names = {entry.node: entry.name for entry in self.entries}
        yield from _xml_texts(self.root, names, "")


def _known(read: datetime | str) -> datetime | None:
    return read if isinstance(read, datetime) else None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _xml_texts(node: Any, names: Mapping[Any, str], name: str) -> Iterator[tuple[str, str]]:
    name = names.get(node, name)
    yield name, node.text or ""
    yield from ((name, value) for value in node.attrib.values())
    for child in node:
        yield from _xml_texts(child, names, name)
        yield name, child.tail or ""


def elements(node: Any) -> Iterator[Any]:
    """Children without comments and processing instructions."""
    return (child for child in node if isinstance(child.tag, str))


def read(path: str, content: bytes) -> Document:
    """Unreadable where it is not the format that its name says."""
    name = PurePosixPath(path).name
    if name.endswith(".json"):
        return _json(path, content)
    root = xml(content)
    if name == "rss.xml":
        return _rss(path, content, root)
    return _atom(path, content, root)


def xml(content: bytes) -> Any:
    """The root element of well-formed XML in UTF-8 without a DTD."""
    parser = expat.ParserCreate()
    doctypes: list[str] = []
    encodings: list[str] = []
    parser.StartDoctypeDeclHandler = lambda name, *_: doctypes.append(name)
    parser.XmlDeclHandler = lambda version, encoding, standalone: encodings.append(encoding or "UTF-8")
    try:
        parser.Parse(content, True)
        content.decode("utf-8")
    except expat.ExpatError as error:
        raise Unreadable(f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not UTF-8") from None
    if doctypes:
        raise Unreadable("it has a document type declaration; readers refuse or ignore it")
    if encodings and encodings[0].upper() != "UTF-8":
        raise Unreadable(f"it says that it is in {encodings[0]}; write UTF-8")
    parser_of_tree = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        return etree.fromstring(content, parser_of_tree)
    except etree.XMLSyntaxError as error:  # expat forgives what libxml2 does not, such as an odd declaration
        raise Unreadable(str(error)) from None


def _text(node: Any, name: str) -> str:
    found = node.find(name)
    return "" if found is None else "".join(found.itertext())


def _named(place: int, *candidates: str) -> str:
    return next((one for one in candidates if one.strip()), f"entry {place}")


def _links(node: Any) -> tuple[tuple[str, str, str], ...]:
    found = node.findall(f"{ATOM}link")
    return tuple((one.get("rel", "alternate"), one.get("type", ""), one.get("href", "")) for one in found)


def _media(node: Any) -> tuple[str, ...]:
    return tuple(one.get("url", "") for one in node.iter(f"{MEDIA}content") if one.get("medium") in (None, "image"))


def _rss(path: str, content: bytes, root: Any) -> Document:
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise Unreadable("its root is not <rss> with a <channel>")
    entries = [
        Entry(
            name=_named(place, _text(node, "guid"), _text(node, "title")),
            id=_text(node, "guid"),
            title=_text(node, "title"),
            url=_text(node, "link"),
            published=_text(node, "pubDate"),
            updated=_text(node, f"{DCTERMS}modified"),
            summary=_text(node, "description"),
            body=_text(node, f"{CONTENT}encoded"),
            language=_text(node, f"{DC}language"),
            authors=tuple(one.text or "" for one in node.findall(f"{DC}creator")),
            images=_media(node),
            node=node,
        )
        for place, node in enumerate(channel.findall("item"), 1)
    ]
    return Document(
        path, "rss", content, root,
        title=_text(channel, "title"), id="", language=_text(channel, "language"),
        updated=_text(channel, "lastBuildDate"), entries=tuple(entries),
        links=(("alternate", "text/html", _text(channel, "link")), *_links(channel)),
    )  # fmt: skip


def _atom(path: str, content: bytes, root: Any) -> Document:
    if root.tag != f"{ATOM}feed":
        raise Unreadable("its root is not <feed> of Atom 1.0")
    entries = []
    for place, node in enumerate(root.findall(f"{ATOM}entry"), 1):
        links = _links(node)
        entries.append(
            Entry(
                name=_named(place, _text(node, f"{ATOM}id"), _text(node, f"{ATOM}title")),
                id=_text(node, f"{ATOM}id"),
                title=_text(node, f"{ATOM}title"),
                url=next((address for rel, _, address in links if rel == "alternate"), ""),
                published=_text(node, f"{ATOM}published"),
                updated=_text(node, f"{ATOM}updated"),
                summary=_text(node, f"{ATOM}summary"),
                body=_text(node, f"{ATOM}content"),
                language=node.get(XML_LANG, ""),
                authors=tuple(one.text or "" for one in node.findall(f"{ATOM}author/{ATOM}name")),
                images=_media(node),
                node=node,
            )
        )
    digits = PurePosixPath(path).stem.removeprefix("archive-")
    return Document(
        path, "atom", content, root,
        title=_text(root, f"{ATOM}title"), id=_text(root, f"{ATOM}id"), language=root.get(XML_LANG, ""),
        updated=_text(root, f"{ATOM}updated"), entries=tuple(entries), links=_links(root),
        archive=int(digits) if digits.isdigit() else 0,
    )  # fmt: skip


def _json(path: str, content: bytes) -> Document:
    try:
        root = json.loads(content.decode("utf-8"), parse_constant=_refused, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON in UTF-8: {error}") from None
    items = root.get("items") if isinstance(root, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unreadable("it is no object with a list of objects under items")
    links = [("alternate", "text/html", _word(root, "home_page_url")), ("self", "", _word(root, "feed_url"))]
    links += [("hub", "", _word(hub, "url")) for hub in objects(root, "hubs")]
    return Document(
        path, "json", content, root,
        title=_word(root, "title"), id="", language=_word(root, "language"), updated="",
        links=tuple(link for link in links if link[2] or link[0] == "hub"),
        entries=tuple(_item(place, item) for place, item in enumerate(items, 1)),
    )  # fmt: skip


def _item(place: int, item: dict[str, Any]) -> Entry:
    """A text instead of a body is what a shortened entry has, so it is its summary."""
    image = _word(item, "image")
    return Entry(
        name=_named(place, _word(item, "id"), _word(item, "title")),
        id=_word(item, "id"),
        title=_word(item, "title"),
        url=_word(item, "url"),
        published=_word(item, "date_published"),
        updated=_word(item, "date_modified"),
        summary=_word(item, "summary") or _word(item, "content_text"),
        body=_word(item, "content_html"),
        language=_word(item, "language"),
        authors=tuple(_word(one, "name") for one in objects(item, "authors")),
        images=(image,) if image else (),
        node=item,
    )


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        twice = next(key for key in table if [name for name, _ in pairs].count(key) > 1)
        raise ValueError(f'"{twice}" stands twice in one object')
    return table


def _word(table: Any, key: str) -> str:
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, str) else ""


def objects(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = table.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
