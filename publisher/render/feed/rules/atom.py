"""Atom 1.0: what RFC 4287 §4 asks of a feed and its entries."""

from collections.abc import Iterator
from typing import Any

from publisher.render.feed.rules import values
from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import ATOM, Document, Entry
from publisher.render.feed.rules.rss import MANY, ONE, OPTIONAL, counted, misplaced
from publisher.render.preflight.verdict import quoted

_FEED = {
    "id": ONE, "title": ONE, "updated": ONE, "subtitle": OPTIONAL, "generator": OPTIONAL, "icon": OPTIONAL,
    "logo": OPTIONAL, "rights": OPTIONAL, "author": MANY, "contributor": MANY, "category": MANY, "link": MANY,
    "entry": MANY,
}  # fmt: skip
_ENTRY = {
    "id": ONE, "title": ONE, "updated": ONE, "published": OPTIONAL, "summary": OPTIONAL, "content": OPTIONAL,
    "rights": OPTIONAL, "source": OPTIONAL, "author": MANY, "contributor": MANY, "category": MANY, "link": MANY,
}  # fmt: skip
_PERSON = {"name": ONE, "uri": OPTIONAL, "email": OPTIONAL}
_TEXTS = ("title", "subtitle", "summary", "rights")


def _in_atom(names: dict[str, str]) -> dict[str, str]:
    return {f"{ATOM}{name}": how for name, how in names.items()}


def structure(document: Document, facts: Facts) -> Iterator[Fault]:
    root = document.root
    yield from (Fault("", fault) for fault in counted(root, _in_atom(_FEED), ATOM))
    yield from (Fault("", fault) for fault in _inside(root))
    if misplaced(root, f"{ATOM}entry"):
        yield Fault("", "elements of the feed stand after its entries; write them before")
    house = root.find(f"{ATOM}author") is not None
    for entry in document.entries:
        yield from (Fault(entry.name, fault) for fault in counted(entry.node, _in_atom(_ENTRY), ATOM))
        yield from (Fault(entry.name, fault) for fault in _inside(entry.node))
        if not house and entry.node.find(f"{ATOM}author") is None:
            yield Fault(entry.name, "neither it nor the feed has an author")
        yield from _alternates(entry)


def _inside(node: Any) -> Iterator[str]:
    for person in (*node.findall(f"{ATOM}author"), *node.findall(f"{ATOM}contributor")):
        yield from (f"in <author>, {fault}" for fault in counted(person, _in_atom(_PERSON), ATOM))
    for category in node.findall(f"{ATOM}category"):
        if not category.get("term"):
            yield "<category> has no term"
    for link in node.findall(f"{ATOM}link"):
        yield from _link(link)


def _link(link: Any) -> Iterator[str]:
    if link.get("href") is None:
        yield "<link> has no href"
    if link.get("type") is not None and (fault := values.media_type(link.get("type"))):
        yield f"type of <link> {fault}"
    if link.get("hreflang") is not None and (fault := values.language(link.get("hreflang"))):
        yield f"hreflang of <link> {fault}"
    measured = link.get("rel") == "enclosure" or link.get("length") is not None
    if measured and (fault := values.number(link.get("length"))):
        yield f"length of <link> {fault}"


def _alternates(entry: Entry) -> Iterator[Fault]:
    """RFC 4287 §4.1.2: no two of the same type and language. A lost rel makes one of an enclosure."""
    links = [link for link in entry.node.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    kinds = [(link.get("type"), link.get("hreflang")) for link in links]
    if len(set(kinds)) < len(kinds):
        yield Fault(entry.name, "two links lead to where it is read; write rel on those that lead elsewhere")


def types(document: Document, facts: Facts) -> Iterator[Fault]:
    """The type of every text; feedgen knows a `CDATA` that nobody else does."""
    if document.form != "atom":
        return
    for owner, node in [("", document.root), *((entry.name, entry.node) for entry in document.entries)]:
        for name in _TEXTS:
            for text in node.findall(f"{ATOM}{name}"):
                # NetNewsWire loses titles in xhtml, others show the tags of html.
                if text.get("type", "text") != "text":
                    yield Fault(owner, f"<{name}> is of the type {quoted(text.get('type'))}; write text")
    for entry in document.entries:
        for content in entry.node.findall(f"{ATOM}content"):
            if content.get("type") != "html" or len(content):
                yield Fault(entry.name, f"<content> is of the type {quoted(content.get('type', 'text'))}; write html")
