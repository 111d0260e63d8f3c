"""The plate: an edition as encoded byte pieces with holes for one reader's values. Copies are printed from it.

Templates render once. Where a reader's value belongs they leave a sentinel, and around what only some copies hold they
leave marks (`seal`). The text is cut at them, each piece is encoded to start at a line's start, and a copy is a join.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.errors import PressError
from publisher.model.newsletter import Mailbox, Newsletter
from publisher.render.seal import Seal
from publisher.render.transfer import Base64, Cell, Encoding, QuotedPrintable, shortest

_VERSION = 2
_CONDITION = re.compile(r"[slr]\d+|d\d+\.\d|[cp]")
_LINE_ENDS = re.compile(r"(\s*\n\s*)?")
BUDGET = 90_000  # bytes of HTML in a copy: Gmail clips at about 102 KB


# Sets of conditions, outermost first; each is a gate, and one condition that holds opens it.
Gates = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is encoded bytes, or a cell's number; it stands in copies where every gate is open.

    `size` is how many bytes of HTML it is, before encoding; 0 outside the HTML part.
    """

    text: bytes | int
    gates: Gates
    size: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """One placement as the plate needs it. `rank` is the section's place in the article's own order."""

    article_id: int
    section: str
    rank: int


@dataclass(frozen=True)
class Plate:
    """`head` are the header fields that all copies share; `subjects` belong to the article that leads a copy."""

    sender: Mailbox
    reply_to: str
    newsletter: str
    pressed_at: datetime
    head: bytes
    subjects: Mapping[int, str]
    pieces: tuple[Piece, ...]
    cells: tuple[tuple[str, Cell], ...]
    placed: tuple[Placed, ...]
    budget: int = BUDGET

    def dump(self) -> bytes:
        gates = {gate: number for number, gate in enumerate(dict.fromkeys(g for p in self.pieces for g in p.gates))}
        return json.dumps(
            {
                "version": _VERSION,
                "sender": [self.sender.name, self.sender.address],
                "reply_to": self.reply_to,
                "newsletter": self.newsletter,
                "pressed_at": self.pressed_at.isoformat(),
                "head": self.head.decode(),
                "subjects": list(self.subjects.items()),
                "pieces": [[_saved(p.text), [gates[gate] for gate in p.gates], p.size] for p in self.pieces],
                "cells": [[name, [_saved(part) for part in cell.parts], cell.escape] for name, cell in self.cells],
                "gates": [sorted(gate) for gate in gates],
                "placed": [[placed.article_id, placed.section, placed.rank] for placed in self.placed],
                "budget": self.budget,
            },
            separators=(",", ":"),
        ).encode()


def _saved(part: bytes | int) -> str | int:
    return part if isinstance(part, int) else part.decode("latin-1")


def _part(saved: str | int) -> bytes | int:
    return saved if isinstance(saved, int) else saved.encode("latin-1")


def load(data: bytes) -> Plate:
    """Read what `dump` wrote; PressError for a plate of another version, or none."""
    try:
        saved = json.loads(data)
        if saved["version"] != _VERSION:
            raise PressError(f"the plate has version {saved['version']}; this Publisher prints version {_VERSION}")
        return _restored(saved)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise PressError(f"the plate cannot be read: {type(error).__name__}") from None


def _restored(saved: Mapping[str, Any]) -> Plate:
    gates = [frozenset(gate) for gate in saved["gates"]]
    return Plate(
        sender=Mailbox(*saved["sender"]),
        reply_to=saved["reply_to"],
        newsletter=saved["newsletter"],
        pressed_at=datetime.fromisoformat(saved["pressed_at"]),
        head=saved["head"].encode(),
        subjects={int(article): subject for article, subject in saved["subjects"]},
        pieces=tuple(Piece(_part(text), tuple(gates[n] for n in own), size) for text, own, size in saved["pieces"]),
        cells=tuple((name, Cell(tuple(map(_part, parts)), escape)) for name, parts, escape in saved["cells"]),
        placed=tuple(Placed(*placed) for placed in saved["placed"]),
        budget=saved["budget"],
    )


def encoding(name: str) -> Encoding:
    """The encoding that a cell was cut for."""
    return QuotedPrintable() if name == QuotedPrintable().name else Base64("html")


_Block = tuple[list[str | int], Gates]


class Cutter:
    """Cuts rendered text at the marks and sentinels of a seal; gathers the cells of all its parts."""

    def __init__(self, seal: Seal, longest: int) -> None:
        """`longest` is how many bytes a reader's value may have."""
        self._seal, self._longest = seal, longest
        self._cells: dict[tuple[str, Cell], int] = {}

    @property
    def cells(self) -> tuple[tuple[str, Cell], ...]:
        return tuple(self._cells)

    def part(self, kind: str, text: str) -> Iterator[Piece]:
        """A MIME part (`plain` or `html`) in pieces: its header, then its text."""
        chosen = shortest(self._seal.pattern.sub("", text), kind)
        fields = (f"Content-Type: text/{kind}; charset=utf-8", f"Content-Transfer-Encoding: {chosen.name}", "", "")
        yield Piece("\r\n".join(fields).encode(), ())
        for tokens, gates in _tidied(self._blocks(text)) if kind == "html" else self._blocks(text):
            for piece in self._encoded(tokens, chosen, kind):
                yield Piece(piece.text, gates, piece.size if kind == "html" else 0)

    def _blocks(self, text: str) -> Iterator[_Block]:
        """Runs of text and slot numbers between marks, and the gates around them."""
        stack: list[frozenset[str]] = []
        tokens: list[str | int] = []
        at = 0
        for match in self._seal.pattern.finditer(text):
            tokens.append(text[at : match.start()])
            at = match.end()
            if match["slot"] is not None:
                tokens.append(int(match["slot"]))
                continue
            yield tokens, tuple(stack)
            tokens = []
            if match["open"] is not None:
                stack.append(_conditions(match["open"]))
            elif stack:
                stack.pop()
            else:
                raise PressError("the template closes a block that it did not open")
        if stack:
            raise PressError("the template opens a block that it does not close")
        yield [*tokens, text[at:]], ()

    def _encoded(self, tokens: Sequence[str | int], chosen: Encoding, kind: str) -> Iterator[Piece]:
        cell: list[bytes | int] = []
        for number, token in enumerate(tokens):
            if isinstance(token, int):
                cell.append(token)
                continue
            text = token
            if cell:
                tail, text = chosen.after_value(text)
                cell.append(tail)
                if not text and number + 1 < len(tokens):
                    continue
                yield self._cell(cell, chosen, kind)
                cell = []
            if number + 1 < len(tokens):
                text, lead = chosen.before_value(text)
                cell = [lead]
            if text:
                encoded = chosen.run(text)
                yield Piece(encoded, (), chosen.size(encoded))

    def _cell(self, parts: Iterable[bytes | int], chosen: Encoding, kind: str) -> Piece:
        made = Cell(tuple(part for part in parts if part != b""), escape=kind == "html")
        number = self._cells.setdefault((chosen.name, made), len(self._cells))
        sizes = (self._longest if isinstance(part, int) else len(part) for part in made.parts)
        return Piece(number, (), sum(sizes) + _FILLING)


def _conditions(written: str) -> frozenset[str]:
    """The conditions that a mark asks for; they are of one kind, so that what a block is part of is never in doubt."""
    asked = frozenset(written.split(",")) - {""}
    if not all(map(_CONDITION.fullmatch, asked)) or len({condition[0] for condition in asked}) > 1:
        raise PressError(
            f'the template opens a block on "{", ".join(sorted(asked))}". Write shown, leads, follows or at_depth,'
            " and for two of them one block within the other."
        )
    return asked


def _tidied(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Line ends between two blocks belong to the one before: they do not show, and make no piece of their own."""
    before: _Block | None = None
    for tokens, gates in blocks:
        blank = len(tokens) == 1 and _LINE_ENDS.fullmatch(str(tokens[0]))
        if before and blank and before[1][: len(gates)] == gates:
            before[0][-1] = f"{before[0][-1]}{tokens[0]}"  # a block ends in text, if only in none
            continue
        if before:
            yield before
        before = tokens, gates
    if before:
        yield before


_FILLING = 2  # the most that base64 adds to it


def compile_plate(
    *,
    seal: Seal,
    newsletter: Newsletter,
    boundary: str,
    head: bytes,
    subjects: Mapping[int, str],
    text: str,
    page: str,
    placed: Iterable[Placed],
    now: datetime,
    budget: int = BUDGET,
    longest: int = 300,
) -> Plate:
    """Cut the text and the inlined page at their marks and encode what lies between.

    `longest` is how many bytes a reader's value may have.
    """
    cutter, pieces = Cutter(seal, longest), list[Piece]()
    for kind, content in (("plain", text), ("html", page)):
        pieces += [Piece(f"--{boundary}\r\n".encode(), ()), *cutter.part(kind, content), Piece(b"\r\n", ())]
    pieces.append(Piece(f"--{boundary}--\r\n".encode(), ()))
    content_type = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    return Plate(
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
        newsletter=newsletter.name,
        pressed_at=now,
        head=head + content_type.encode(),
        subjects=subjects,
        pieces=tuple(merged(pieces)),
        cells=cutter.cells,
        placed=tuple(placed),
        budget=budget,
    )


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours that always stand together."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting and waiting.gates == piece.gates:
            before, after = waiting.text, piece.text
            if isinstance(before, bytes) and isinstance(after, bytes):
                waiting = Piece(before + after, piece.gates, waiting.size + piece.size)
                continue
        if waiting:
            yield waiting
        waiting = piece
    if waiting:
        yield waiting
