"""The plate: an edition as encoded byte pieces with holes for one reader's values. Copies are printed from it.

Templates render once. Where a reader's value belongs they leave a sentinel, and around what only some readers see
they leave marks; both carry the edition's seal, a keyed digest that no article can forge. Afterwards the text is
cut at them, each piece is encoded to start at a line's start, and a copy is a join of pieces.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from publisher.errors import PressError
from publisher.model.newsletter import Mailbox, Placement, within
from publisher.render import mime

_VERSION = 1
SLOTS = ("name", "address", "unsubscribe_url")


class Seal:
    """What templates call: `reader.name` leaves a sentinel, `marks.open(positions)` begins a block."""

    def __init__(self, digest: str) -> None:
        self._digest = digest
        # Lower-case letters and digits only: the same in text, attributes, addresses and through every inliner.
        self.reader = {slot: f"{digest}s{number}z" for number, slot in enumerate(SLOTS)}
        self.pattern = re.compile(
            rf"<!--{digest}b(?P<open>[0-9.]*)-->|<!--(?P<close>{digest}e)-->|{digest}s(?P<slot>\d+)z"
        )

    def open(self, positions: Iterable[int]) -> Markup:
        return Markup("<!--{}b{}-->").format(self._digest, ".".join(map(str, positions)))

    def close(self) -> Markup:
        return Markup("<!--{}e-->").format(self._digest)


class NoMarks:
    """For pages that everybody sees whole."""

    def open(self, positions: Iterable[int]) -> str:
        return ""

    def close(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is encoded bytes, or the slot's index where `escape` is set; shown where all `gates` are."""

    text: bytes
    slot: int | None
    escape: bool
    gates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """One placement as the plate needs it. `rank` is the section's place in the article's own order."""

    article_id: int
    section: str
    rank: int


@dataclass(frozen=True)
class Plate:
    """`head` are the header fields all copies share; each gate is the set of positions that opens it."""

    sender: Mailbox
    newsletter: str
    head: bytes
    pieces: tuple[Piece, ...]
    gates: tuple[frozenset[int], ...]
    placed: tuple[Placed, ...]

    def positions(self, chosen: Iterable[str]) -> frozenset[int]:
        """The placements a reader of these sections sees: each article once, under the first of its sections."""
        offered = {placed.section for placed in self.placed}
        wanted = {path for path in offered if any(within(path, section) for section in chosen)}
        first: dict[int, tuple[int, int]] = {}
        for position, placed in enumerate(self.placed):
            if placed.section in wanted:
                best = first.get(placed.article_id)
                if best is None or placed.rank < best[0]:
                    first[placed.article_id] = (placed.rank, position)
        return frozenset(position for _, position in first.values())

    def dump(self) -> bytes:
        return json.dumps(
            {
                "version": _VERSION,
                "sender": [self.sender.name, self.sender.address],
                "newsletter": self.newsletter,
                "head": self.head.decode(),
                "pieces": [[piece.text.decode(), piece.slot, piece.escape, piece.gates] for piece in self.pieces],
                "gates": [sorted(gate) for gate in self.gates],
                "placed": [[placed.article_id, placed.section, placed.rank] for placed in self.placed],
            },
            separators=(",", ":"),
        ).encode()


def load(data: bytes) -> Plate:
    """Read what `dump` wrote; PressError for a plate of another version, or none."""
    try:
        saved = json.loads(data)
        if saved["version"] != _VERSION:
            raise PressError(f"the plate has version {saved['version']}; this Publisher prints version {_VERSION}")
        return _restored(saved)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PressError(f"the plate cannot be read: {type(error).__name__}") from None


def _restored(saved: Mapping[str, Any]) -> Plate:
    return Plate(
        Mailbox(*saved["sender"]),
        saved["newsletter"],
        saved["head"].encode(),
        tuple(Piece(text.encode(), slot, escape, tuple(gates)) for text, slot, escape, gates in saved["pieces"]),
        tuple(frozenset(gate) for gate in saved["gates"]),
        tuple(Placed(*placed) for placed in saved["placed"]),
    )


class Printer:
    """Prints copies from a plate; remembers which pieces each choice of sections needs, not the bytes."""

    def __init__(self, plate: Plate) -> None:
        self.plate = plate
        self._for_choice = lru_cache(maxsize=4096)(self._skeleton)

    def print(self, sections: tuple[str, ...], head: bytes, values: Mapping[str, str]) -> bytes | None:
        """A reader's message, or None where nothing in it is for them. `head` are the reader's own fields."""
        skeleton = self._for_choice(frozenset(sections))
        if skeleton is None:
            return None
        encoded = [
            mime.quoted_printable_value(html.escape(values[slot]) if escape else values[slot])
            for escape in (False, True)
            for slot in SLOTS
        ]
        return b"".join(
            (
                head,
                self.plate.head,
                *[part if isinstance(part, bytes) else encoded[part] for part in skeleton],
            )
        )

    def _skeleton(self, sections: frozenset[str]) -> list[bytes | int] | None:
        shown = self.plate.positions(sections)
        if not shown:
            return None
        closed = {number for number, gate in enumerate(self.plate.gates) if gate.isdisjoint(shown)}
        skeleton: list[bytes | int] = []
        for piece in self.plate.pieces:
            if closed.isdisjoint(piece.gates):
                escaped_slots = len(SLOTS) if piece.escape else 0
                skeleton.append(piece.text if piece.slot is None else piece.slot + escaped_slots)
        return skeleton


def compile_plate(
    *,
    seal: Seal,
    boundary: str,
    sender: Mailbox,
    newsletter: str,
    head: bytes,
    text: str,
    page: str,
    placements: Sequence[Placement],
    ranks: Callable[[Placement], int],
) -> Plate:
    """Cut the text and the inlined page at their marks and encode what lies between."""
    gates: dict[frozenset[int], int] = {}
    pieces: list[Piece] = []
    for kind, content in (("plain", text), ("html", page)):
        fields = (
            f"--{boundary}",
            f"Content-Type: text/{kind}; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
        )
        opening = "\r\n".join((*fields, "", ""))
        pieces.append(Piece(opening.encode(), None, False, ()))
        pieces += _cut(content, seal, gates, escape=kind == "html")
        pieces.append(Piece(b"\r\n", None, False, ()))
    pieces.append(Piece(f"--{boundary}--\r\n".encode(), None, False, ()))
    placed = tuple(Placed(p.article_id, p.section, ranks(p)) for p in placements)
    content_type = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    return Plate(sender, newsletter, head + content_type.encode(), tuple(_merged(pieces)), tuple(gates), placed)


def _cut(content: str, seal: Seal, gates: dict[frozenset[int], int], *, escape: bool) -> Iterator[Piece]:
    stack: list[int] = []
    at = 0
    for match in seal.pattern.finditer(content):
        if match.start() > at:
            yield Piece(_encoded(content[at : match.start()]), None, False, tuple(stack))
        at = match.end()
        if match["slot"] is not None:
            yield Piece(b"", int(match["slot"]), escape, tuple(stack))
        elif match["close"] is not None:
            if not stack:
                raise PressError("the template closes a block that it did not open")
            stack.pop()
        else:
            positions = frozenset(int(number) for number in match["open"].split(".") if number)
            stack.append(gates.setdefault(positions, len(gates)))
    if stack:
        raise PressError("the template opens a block that it does not close")
    if content[at:]:
        yield Piece(_encoded(content[at:]), None, False, ())


def _encoded(text: str) -> bytes:
    """Encoded so that the next piece may start at a line's start: whole lines, or a soft break at the end."""
    encoded = mime.quoted_printable(text.encode())
    return encoded if text.endswith("\n") else encoded + b"=\r\n"


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours that always stand together."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting and waiting.slot is None and piece.slot is None and waiting.gates == piece.gates:
            waiting = Piece(waiting.text + piece.text, None, False, piece.gates)
            continue
        if waiting:
            yield waiting
        waiting = piece
    if waiting:
        yield waiting
