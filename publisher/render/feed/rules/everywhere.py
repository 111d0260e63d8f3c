"""What holds for RSS, Atom and JSON Feed alike: ids, dates, addresses, words, bodies, order, size."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.render.feed.rules import body, values
from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import (
    ATOM,
    DC,
    DCTERMS,
    MEDIA,
    SY,
    THR,
    TOMBSTONES,
    WFW,
    Document,
    Entry,
    Reader,
    elements,
    objects,
)
from publisher.render.preflight.verdict import Verdict, quoted

HARD_LIMIT = 1_000_000
_BEGIN = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS = timedelta(minutes=10)  # that clocks of two machines may differ
_RFC_822 = ("pubDate", "lastBuildDate")
_RFC_3339 = {f"{DCTERMS}modified", f"{DCTERMS}created", f"{DCTERMS}issued", f"{DC}date", f"{SY}updateBase"}
_RFC_3339 |= {f"{ATOM}updated", f"{ATOM}published"}
_DATED = {f"{TOMBSTONES}deleted-entry": "when", f"{ATOM}link": f"{THR}updated"}
_PLACES = {"link", "docs", "comments", "url", f"{WFW}commentRss", f"{WFW}comment"}
_PLACES |= {f"{ATOM}uri", f"{ATOM}icon", f"{ATOM}logo"}
_PEOPLE = {"author", "managingEditor", "webMaster", f"{DC}creator", f"{DC}contributor", f"{MEDIA}credit"}
_PEOPLE |= {f"{ATOM}name", f"{ATOM}email", f"{ATOM}uri"}
_PLACE_ATTRIBUTES = ("href", "url", "src", "uri")
_JSON_PLACES = ("home_page_url", "feed_url", "next_url", "icon", "favicon", "url", "avatar", "external_url", "image",
                "banner_image")  # fmt: skip


def sniff(document: Document, facts: Facts) -> Iterator[Fault]:
    begin = document.content[:_BEGIN]
    root = {"rss": b"<rss", "atom": b"<feed", "json": b"{"}[document.form]
    if root not in begin:
        yield Fault(
            "", f"{root.decode()} does not stand in its first {_BEGIN} bytes; write comments after it, if at all"
        )
    if begin.startswith(b"\xef\xbb\xbf"):
        yield Fault("", "it begins with a byte order mark; leave it out")


def ids(document: Document, facts: Facts) -> Iterator[Fault]:
    if document.form == "atom" and (fault := values.tag(document.id)):
        yield Fault("", f"the feed's id {fault}")
    counts = Counter(entry.id for entry in document.entries)
    for entry in document.entries:
        if fault := values.tag(entry.id):
            yield Fault(entry.name, f"its id {fault}")
        elif counts[entry.id] > 1:
            yield Fault(entry.name, f"its id stands {counts[entry.id]} times")
        if document.form == "rss" and _permanent(entry.node):
            yield Fault(entry.name, 'its guid is no address; write isPermaLink="false"')


def _permanent(item: Any) -> bool:
    guid = item.find("guid")
    return guid is not None and guid.get("isPermaLink", "true") != "false"


def dates(document: Document, facts: Facts) -> Iterator[Fault]:
    """Form and likelihood of every date; what comes after `now` is under embargo, or a clock is wrong."""
    for name, what, written, reader in _dates(document):
        moment = reader(written)
        if isinstance(moment, str):
            yield Fault(name, f"{what} {moment}")
        elif moment < _EPOCH:
            yield Fault(name, f"{what} {quoted(written)} is before 1970; no reader believes it")
        elif moment > facts.now + _CLOCKS:
            yield Fault(name, f"{what} {quoted(written)} is in the future")
        elif document.form != "rss" and ("t" in written or "z" in written):
            yield Fault(name, f"{what} {quoted(written)} has a small t or z (RFC 4287 §3.3)")


def _dates(document: Document) -> Iterator[tuple[str, str, str, Reader]]:
    if document.form == "json":
        for entry in document.entries:
            for key in ("date_published", "date_modified"):
                if isinstance(entry.node.get(key), str):
                    yield entry.name, key, entry.node[key], values.rfc_3339
        return
    for name, node in nodes(document):
        if node.tag in _RFC_822:
            yield name, node.tag, node.text or "", values.rfc_822
        elif node.tag in _RFC_3339:
            yield name, short(node), node.text or "", values.rfc_3339
        elif node.tag in _DATED and node.get(_DATED[node.tag]) is not None:
            yield name, f"the date of <{short(node)}>", node.get(_DATED[node.tag]), values.rfc_3339


def nodes(document: Document) -> Iterator[tuple[str, Any]]:
    """Every element of an XML feed with the name of the entry that it stands in."""
    entries = {entry.node: entry.name for entry in document.entries}
    head = document.root.find("channel") if document.form == "rss" else document.root
    for child in elements(head):
        for node in child.iter():
            if isinstance(node.tag, str):
                yield entries.get(child, ""), node


def short(node: Any) -> str:
    prefix, name = node.prefix, str(node.tag).rpartition("}")[2]
    return f"{prefix}:{name}" if prefix else name


def chronology(document: Document, facts: Facts) -> Iterator[Fault]:
    """No change before the first printing; the feed is as new as its newest entry; newest first."""
    newest, before = None, None
    for entry in document.entries:
        published, changed = document.published(entry), document.changed(entry)
        if published and changed and changed < published:
            yield Fault(entry.name, f"it was changed {entry.updated}, before it was published {entry.published}")
        if published and before and published > before:
            yield Fault(entry.name, f"it was published {entry.published}, after the one above it; newest first")
        before = published or before
        newest = max(filter(None, (newest, changed)), default=None)
    feed = document.instant(document.updated)
    if newest and isinstance(feed, datetime) and feed < newest.replace(microsecond=0):
        yield Fault("", f"the feed says that it was changed {document.updated}, but an entry was after that")


def itself(document: Document, facts: Facts) -> Iterator[Fault]:
    """The link to itself, which readers keep as the feed's address."""
    own, said = f"{facts.url}/{document.path}", document.to("self")
    if said != [own]:
        shown = " and ".join(map(quoted, said)) or "missing"
        yield Fault("", f"its link to itself is {shown}; it lies at {quoted(own)}")


def alternates(document: Document, facts: Facts) -> Iterator[Fault]:
    """The page that the feed, or an entry, is the feed of."""
    if len(document.to("alternate")) != 1:
        yield Fault("", f"{len(document.to('alternate'))} links lead to its page; write one")
    for entry in document.entries:
        if not entry.url:
            yield Fault(entry.name, "no link leads to where it is read")


def addresses(document: Document, facts: Facts) -> Iterator[Fault]:
    for name, what, written in _addresses(document):
        if fault := values.address(written):
            yield Fault(name, f"{what} {fault}")


def _addresses(document: Document) -> Iterator[tuple[str, str, str]]:
    if document.form == "json":
        yield from _json_addresses("", {key: value for key, value in document.root.items() if key != "items"})
        for entry in document.entries:
            yield from _json_addresses(entry.name, entry.node)
        return
    for name, node in nodes(document):
        if node.tag in _PLACES and not (node.tag == "link" and node.get("href")):
            yield name, short(node), node.text or ""
        for attribute in _PLACE_ATTRIBUTES:
            written = node.get(attribute)
            if written is not None:
                yield name, f"{attribute} of <{short(node)}>", written


def _json_addresses(name: str, table: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key, value in table.items():
        if key in _JSON_PLACES and isinstance(value, str):
            yield name, key, value
        for inner in value if isinstance(value, list) else ():
            if isinstance(inner, dict):
                yield from _json_addresses(name, inner)


def titles(document: Document, facts: Facts) -> Iterator[Fault]:
    """Words on one line. Markup may be meant, in a headline about it, so that is for an editor to see."""
    for name, title in [("", document.title), *((entry.name, entry.title) for entry in document.entries)]:
        if not title.strip():
            yield Fault(name, "its title is empty")
        elif title != " ".join(title.split()):
            yield Fault(name, f"the title {quoted(title)} has line breaks or stray blanks")
        elif fault := values.markup(title):
            yield Fault(name, f"in the title {quoted(title)}, {fault}", Verdict.WARN)


def authors(document: Document, facts: Facts) -> Iterator[Fault]:
    """Names, and no address that robots could gather."""
    for entry in document.entries:
        for author in entry.authors:
            if not author.strip():
                yield Fault(entry.name, "an author has no name")
    for name, written in _people(document):
        if fault := values.mail(written):
            yield Fault(name, fault)


def _people(document: Document) -> Iterator[tuple[str, str]]:
    if document.form == "json":
        for owner, table in [("", document.root), *((entry.name, entry.node) for entry in document.entries)]:
            for person in objects(table, "authors"):
                yield from ((owner, value) for value in person.values() if isinstance(value, str))
        return
    yield from ((name, node.text or "") for name, node in nodes(document) if node.tag in _PEOPLE)


def language(document: Document, facts: Facts) -> Iterator[Fault]:
    if not document.language:
        yield Fault("", "it does not say its language")
    written = [("", document.language), *((entry.name, entry.language) for entry in document.entries)]
    for name, tag in written:
        if tag and (fault := values.language(tag)):
            yield Fault(name, fault)


def _spoken(document: Document) -> Iterator[tuple[str, str]]:
    """Every text that a person sees, the words of bodies among them."""
    yield from document.texts()
    for entry in document.entries:
        if entry.body:
            yield entry.name, body.read(entry.body).text


def characters(document: Document, facts: Facts) -> Iterator[Fault]:
    yield from _once_each(document, values.characters)


def bidi(document: Document, facts: Facts) -> Iterator[Fault]:
    yield from _once_each(document, values.bidi)


def _once_each(document: Document, look: Callable[[str], str]) -> Iterator[Fault]:
    """The first fault of each entry: what stands in its text as it is written stands there as it is read, too."""
    said: set[str] = set()
    for name, text in _spoken(document):
        if name not in said and not (text.isascii() and text.isprintable()) and (fault := look(text)):
            said.add(name)
            yield Fault(name, fault)


def relative(document: Document, facts: Facts) -> Iterator[Fault]:
    for entry, read in _bodies(document):
        yield from (Fault(entry.name, fault) for fault in read.wrong_addresses())


def unsafe(document: Document, facts: Facts) -> Iterator[Fault]:
    for entry, read in _bodies(document):
        yield from (Fault(entry.name, fault) for fault in read.unsafe)


def markup(document: Document, facts: Facts) -> Iterator[Fault]:
    for entry, read in _bodies(document):
        yield from (Fault(entry.name, fault) for fault in read.markup)


def _bodies(document: Document) -> Iterator[tuple[Entry, body.Body]]:
    """Full texts, and the summaries of RSS, which are HTML as well."""
    for entry in document.entries:
        yield entry, body.read(entry.body)
        if document.form == "rss":
            yield entry, body.read(entry.summary)


def summaries(document: Document, facts: Facts) -> Iterator[Fault]:
    """Words. In RSS they are HTML, so what looks like markup and is none must be escaped once more."""
    is_html = document.form == "rss"
    for entry in document.entries:
        if not entry.body.strip() and not entry.summary.strip():
            yield Fault(entry.name, "it has neither a text nor a summary", Verdict.WARN)
        elif fault := values.markup(entry.summary, references=not is_html):
            yield Fault(entry.name, f"in its summary, {fault}", Verdict.FAIL if is_html else Verdict.WARN)


def size(document: Document, facts: Facts) -> Iterator[Fault]:
    """Over `max_bytes` the oldest entries lose their texts; over a megabyte, nobody should be asked to take it."""
    length = len(document.content)
    if length > HARD_LIMIT:
        yield Fault("", f"it has {length:,} bytes, more than {HARD_LIMIT:,}")
    elif not document.archive and length > facts.max_bytes and any(entry.body for entry in document.entries):
        detail = f"it has {length:,} bytes, more than the {facts.max_bytes:,} of [syndication] max_bytes, "
        yield Fault("", f"{detail}and still holds whole texts", Verdict.WARN)
