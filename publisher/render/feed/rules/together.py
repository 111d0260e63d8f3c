"""What the files of one feed owe each other: the formats agree, the archive is whole, the dead stay dead."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from html import unescape
from typing import Any

from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import HISTORY, TOMBSTONES, Document, Entry
from publisher.render.preflight.verdict import quoted

Placed = tuple[str, Fault]  # a file, and what is wrong in it


def agreement(documents: Sequence[Document], facts: Facts) -> Iterator[Placed]:
    """Same entries in the same order; of each the same title, address, dates, authors and text."""
    current = [document for document in documents if not document.archive]
    for document in current[1:]:
        first = current[0]
        if document.language.lower() != first.language.lower() or document.title != first.title:
            yield document.path, Fault("", f"its title or language is not that of {first.path}")
        if set(document.to("alternate")) != set(first.to("alternate")):
            yield document.path, Fault("", f"its page is not that of {first.path}")
        if [entry.id for entry in document.entries] != [entry.id for entry in first.entries]:
            yield (
                document.path,
                Fault(_odd(document, first), f"its entries are not those of {first.path}, in its order"),
            )
            continue
        for one, other in zip(document.entries, first.entries, strict=True):
            for what, left, right in _compared(document, one, first, other):
                if left != right:
                    detail = f"{what} is {quoted(str(left))}, and {quoted(str(right))} in {first.path}"
                    yield document.path, Fault(one.name, detail)


def _odd(document: Document, first: Document) -> str:
    """The first entry that is not in its place."""
    known = [entry.id for entry in first.entries]
    for place, entry in enumerate(document.entries):
        if place >= len(known) or known[place] != entry.id:
            return entry.name
    return first.entries[len(document.entries)].name


def _compared(document: Document, one: Entry, first: Document, other: Entry) -> Iterator[tuple[str, Any, Any]]:
    yield "its title", one.title, other.title
    yield "its address", one.url, other.url
    yield "the date of publication", _seconds(document.published(one)), _seconds(first.published(other))
    if one.updated and other.updated:
        yield "the date of its change", _seconds(document.changed(one)), _seconds(first.changed(other))
    yield "who wrote it", ", ".join(one.authors), ", ".join(other.authors)
    if one.language and other.language:
        yield "its language", one.language.lower(), other.language.lower()
    if one.summary and other.summary:
        yield "its summary", _words(document, one.summary), _words(first, other.summary)
    if one.body and other.body:
        yield "its text", one.body.strip(), other.body.strip()
    yield "its image", "".join(one.images[:1]), "".join(other.images[:1])


def _words(document: Document, summary: str) -> str:
    """A summary's words: in RSS it is HTML."""
    return unescape(summary) if document.form == "rss" else summary


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def hubs(documents: Sequence[Document], facts: Facts) -> Iterator[Placed]:
    """WebSub §4: every format names the same hubs, and no archive names any, for it never changes."""
    for document in documents:
        said = sorted(document.to("hub"))
        if document.archive and said:
            yield document.path, Fault("", "an archive page never changes; it needs no hub")
        elif not document.archive and said != sorted(documents[0].to("hub")):
            mine = ", ".join(said) or "none"
            yield document.path, Fault("", f"its hubs are {quoted(mine)}, and others in {documents[0].path}")


def archive(documents: Sequence[Document], facts: Facts) -> Iterator[Placed]:
    """RFC 5005 §4: from the feed back through every page, each saying that it is one, no entry in two of them."""
    pages = {f"{facts.url}/{document.path}": document for document in documents if document.archive}
    atom = next((one for one in documents if one.form == "atom" and not one.archive), None)
    for document in documents:
        if document.form == "rss" and atom and document.to("prev-archive") != atom.to("prev-archive"):
            yield document.path, Fault("", f"its prev-archive is not that of {atom.path}")
    yield from _marks(documents, f"{facts.url}/{atom.path}" if atom else "")
    reached: dict[str, Document] = {}
    here = atom
    while here:
        before = here.to("prev-archive")
        if not before:
            break
        if len(before) > 1 or before[0] not in pages or before[0] in reached:
            fault = "leads to no archive page" if before[0] not in pages else "goes round or forks"
            yield here.path, Fault("", f"its prev-archive {quoted(before[0])} {fault}")
            break
        here = reached[before[0]] = pages[before[0]]
    for place, document in pages.items():
        if place not in reached:
            yield document.path, Fault("", "no prev-archive leads here from the feed")
    yield from _twice(pages.values())


def _marks(documents: Sequence[Document], current: str) -> Iterator[Placed]:
    for document in documents:
        marked = document.form == "atom" and document.root.find(f"{HISTORY}archive") is not None
        if document.archive and not marked:
            yield document.path, Fault("", "it does not say <fh:archive/>")
        elif marked and not document.archive:
            yield document.path, Fault("", "it says <fh:archive/>, and is the feed itself")
        if document.archive and document.to("current") != [current]:
            yield document.path, Fault("", f"its link to the current feed is not {quoted(current)}")


def _twice(pages: Iterable[Document]) -> Iterator[Placed]:
    known: dict[str, str] = {}
    for document in pages:
        for entry in document.entries:
            if entry.id in known and known[entry.id] != document.path:
                yield document.path, Fault(entry.name, f"it stands in {known[entry.id]} too")
            known[entry.id] = document.path


def tombstones(documents: Sequence[Document], facts: Facts) -> Iterator[Placed]:
    """RFC 6721 §3: what is deleted has an id and a date, and is in no file any more."""
    atoms = [document for document in documents if document.form == "atom"]
    dead: dict[str, str] = {}
    for document in atoms:
        for node in document.root.iter(f"{TOMBSTONES}deleted-entry"):
            ref = node.get("ref", "")
            if not ref or node.get("when") is None:
                yield document.path, Fault(ref, "<at:deleted-entry> needs ref and when")
            if ref in dead and dead[ref] == document.path:
                yield document.path, Fault(ref, "<at:deleted-entry> stands twice")
            dead[ref] = document.path
    for document in documents:
        for entry in document.entries:
            if entry.id in dead:
                yield document.path, Fault(entry.name, f"{dead[entry.id]} says that it is deleted")


FolderRule = Callable[[Sequence[Document], Facts], Iterator[Placed]]
