"""Files beside files: the compressed ones, and the list of all feeds (OPML 2.0)."""

import gzip
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import brotli
import zstandard

from publisher.render.feed.rules import values
from publisher.render.feed.rules.finding import Facts, Fault, Printed
from publisher.render.feed.rules.reading import Unreadable, elements, xml
from publisher.render.preflight.verdict import quoted

ENCODED = (".gz", ".br", ".zst")
OPML = "feeds/feeds.opml"
_DATES = ("dateCreated", "dateModified")
_HEAD = {"title", *_DATES, "ownerName", "ownerEmail", "ownerId", "docs", "expansionState", "vertScrollState",
         "windowTop", "windowLeft", "windowBottom", "windowRight"}  # fmt: skip


def source(path: str) -> str:
    """The file that a compressed one is made of, or the path itself."""
    return next((path.removesuffix(suffix) for suffix in ENCODED if path.endswith(suffix)), path)


def neighbours(files: Mapping[str, Printed]) -> Iterator[tuple[str, Fault]]:
    """Beside every file its .gz, .br and .zst, of the same bytes and the same time: static hosts send them instead."""
    for path, printed in files.items():
        if source(path) != path:
            if source(path) not in files:
                yield path, Fault("", f"there is no {PurePosixPath(source(path)).name} of which it is made")
            continue
        for suffix in ENCODED:
            beside = files.get(path + suffix)
            if beside is None:
                yield path, Fault("", f"there is no {PurePosixPath(path).name}{suffix} beside it")
            elif _unpacked(suffix, beside.content) != printed.content:
                yield path + suffix, Fault("", f"it does not unpack to {PurePosixPath(path).name}")
            elif beside.mtime != printed.mtime:
                yield path + suffix, Fault("", f"it is not as old as {PurePosixPath(path).name}")


def _unpacked(suffix: str, content: bytes) -> bytes | None:
    try:
        if suffix == ".gz":
            return gzip.decompress(content)
        if suffix == ".br":
            return bytes(brotli.decompress(content))
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    except (OSError, EOFError, zlib.error, brotli.error, zstandard.ZstdError):
        return None


def opml(content: bytes, built: Collection[str], facts: Facts) -> Iterator[Fault]:
    """`built` are the paths of all feeds; each that is XML is listed, and each that is listed is built."""
    try:
        root = xml(content)
    except Unreadable as error:
        yield Fault("", str(error))
        return
    if root.tag != "opml" or root.get("version") != "2.0":
        yield Fault("", 'its root is not <opml version="2.0">')
    parts = [part.tag for part in elements(root)]
    if parts != ["head", "body"]:
        yield Fault("", "it is not one <head> and one <body>")
        return
    yield from _head(root.find("head"))
    outlines = list(root.find("body").iter("outline"))
    if not outlines:
        yield Fault("", "its <body> has no <outline>")
    for outline in outlines:
        yield from (Fault(outline.get("text", ""), fault) for fault in _outline(outline, built, facts))
    yield from _listing([outline.get("xmlUrl") for outline in outlines if outline.get("xmlUrl")], built, facts)


def _head(head: Any) -> Iterator[Fault]:
    counts = Counter(child.tag for child in elements(head))
    for name, number in counts.items():
        if name not in _HEAD or number > 1:
            yield Fault("", f"<{name}> is not known in <head>, or stands twice")
    if not (head.findtext("title") or "").strip():
        yield Fault("", "its <title> is empty")
    if head.find("ownerEmail") is not None:
        yield Fault("", "<ownerEmail> gives a mail address away")
    for name in _DATES:
        written = head.findtext(name)
        if written is not None and isinstance(moment := values.rfc_822(written), str):
            yield Fault("", f"<{name}> {moment}")
    for name in ("ownerId", "docs"):
        written = head.findtext(name)
        if written is not None and (fault := values.address(written)):
            yield Fault("", f"<{name}> {fault}")


def _outline(outline: Any, built: Collection[str], facts: Facts) -> Iterator[str]:
    if not outline.get("text", "").strip():
        yield "an <outline> has no text"
    elif fault := values.markup(outline.get("text")):
        yield fault
    place = outline.get("xmlUrl")
    if outline.get("type") is None and place is None:
        return  # a heading
    if outline.get("type") != "rss":
        yield f'its type is {quoted(outline.get("type", ""))}; write type="rss", for Atom too'
    if not place:
        yield "it has no xmlUrl"
    elif place.removeprefix(f"{facts.url}/") not in built:
        yield f"its xmlUrl {quoted(place)} is none of the feeds that are built"
    if outline.get("htmlUrl") is not None and (fault := values.address(outline.get("htmlUrl"))):
        yield f"htmlUrl {fault}"
    if outline.get("language") is not None and (fault := values.language(outline.get("language"))):
        yield f"language {fault}"


def _listing(listed: list[str], built: Collection[str], facts: Facts) -> Iterator[Fault]:
    for place, number in Counter(listed).items():
        if number > 1:
            yield Fault(place, f"it is listed {number} times")
    folders = {str(PurePosixPath(place.removeprefix(f"{facts.url}/")).parent) for place in listed}
    for path in sorted(built):
        folder = str(PurePosixPath(path).parent)
        if folder not in folders and PurePosixPath(path).name in ("rss.xml", "atom.xml"):
            folders.add(folder)
            yield Fault("", f"no outline leads to {path}")
