"""A file of the site in memory, with its compressed neighbours and what its own bytes say about it.

A neighbour counts only while it bears the file's own time: one of another version is passed over, so whatever a build
that was killed has left, an answer is of one version and whole.
"""

import io
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from lxml import etree

from publisher.web.negotiation import IDENTITY
from publisher.web.policy import CODINGS

HELD = 2_000_000  # bytes; a larger file stays on disk
CHUNK = 1 << 18
_ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
_ENTRIES = ("item", "{http://www.w3.org/2005/Atom}entry")

Stamp = tuple[int, int, int]  # inode, nanoseconds since 1970, bytes


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as they are sent, with their strong validator (RFC 9110 §8.8.3)."""

    content: bytes
    etag: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A file's bodies by coding, none where it is too large to be held; `link` is a Link field for feeds."""

    place: Path
    stamp: Stamp
    bodies: Mapping[str, Body]
    link: bytes = b""

    @property
    def modified(self) -> float:
        """Seconds since 1970."""
        return self.stamp[1] / 1e9


def stamp(place: Path) -> Stamp | None:
    """What tells one version of a file from another; None where there is no file."""
    try:
        found = os.stat(place)  # noqa: PTH116 - a third of the time of Path.stat
    except (OSError, ValueError):  # a name too long or with a NUL is no file of ours
        return None
    return _stamp(found)


def _stamp(found: os.stat_result) -> Stamp | None:
    return (found.st_ino, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def read(place: Path, *, packed: bool, feed: bool) -> Document | None:
    """Read a file, its neighbours where it is one that has some, and for a feed its links."""
    try:
        with place.open("rb") as file:
            mark = _stamp(os.fstat(file.fileno()))
            if mark is None or mark[2] > HELD:
                return Document(place, mark, {}) if mark else None
            content = file.read()
    except (OSError, ValueError):
        return None
    bodies = {IDENTITY: Body(content, etag(sha256(content).hexdigest()))}
    if packed:
        bodies |= dict(_neighbours(place, mark[1]))
    return Document(place, mark, bodies, link_field(content) if feed else b"")


def _neighbours(place: Path, nanoseconds: int) -> Iterator[tuple[str, Body]]:
    for coding, suffix in CODINGS.items():
        try:
            with place.with_name(place.name + suffix).open("rb") as file:
                found = _stamp(os.fstat(file.fileno()))
                if found and found[1] == nanoseconds:
                    content = file.read()
                    yield coding, Body(content, etag(sha256(content).hexdigest()))
        except OSError:
            continue


def etag(digest: str) -> bytes:
    return f'"{digest[:32]}"'.encode()


def digest(file: BinaryIO) -> str:
    """Of all its bytes; it is left at its beginning."""
    found = sha256()
    while piece := file.read(CHUNK):
        found.update(piece)
    file.seek(0)
    return found.hexdigest()


def link_field(content: bytes) -> bytes:
    """The feed's own address and its hubs as a Link field (RFC 8288; WebSub §4), so that the two always agree."""
    try:
        found = list(_json_links(content) if content[:1] == b"{" else _xml_links(content))
    except (etree.XMLSyntaxError, ValueError):
        return b""
    fields = [f'<{quote(url, safe="%/:?#[]@!$&()*+,;=~")}>; rel="{rel}"' for rel, url in found if url]
    return ", ".join(fields).encode("ascii")


def _xml_links(content: bytes) -> Iterator[tuple[str, str]]:
    """From the head of a feed, which ends where its first entry starts; RFC 4287 does not order it, we do."""
    for event, element in etree.iterparse(io.BytesIO(content), ("start", "end"), resolve_entities=False):
        if event == "start" and element.tag in _ENTRIES:
            return
        if event == "end" and element.tag == _ATOM_LINK and (rel := element.get("rel", "")) in ("self", "hub"):
            yield rel, element.get("href", "")


def _json_links(content: bytes) -> Iterator[tuple[str, str]]:
    """Its head alone is ours to trust: whatever has another shape says nothing."""
    feed = json.loads(content)
    hubs = feed.get("hubs")
    found = [("self", feed.get("feed_url"))]
    found += [("hub", hub.get("url")) for hub in (hubs if isinstance(hubs, list) else ()) if isinstance(hub, dict)]
    yield from ((rel, url) for rel, url in found if isinstance(url, str))
