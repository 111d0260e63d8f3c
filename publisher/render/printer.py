"""Print copies from a plate: choose the pieces of a reader's sections, and join them.

A copy holds each story once. Where it would be larger than the plate's budget, its stories are cut, last ones first: to
a shorter teaser, then to a headline, and at the very last they are left to the web.
"""

import html
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from publisher.model.newsletter import within
from publisher.render import seal
from publisher.render.plate import Gates, Piece, Plate, encoding, merged
from publisher.render.seal import CUT, DEPTHS, PERSONAL, SLOTS

REMEMBERED = 4096  # choices of sections whose pieces are kept in mind; the pieces, not their bytes
_FAR = 1 << 40
_ESCAPED = re.compile("[&<>\"']")  # what html.escape changes
_LEFT_OUT = DEPTHS[-1]


@dataclass(frozen=True, slots=True)
class Cut:
    """How many stories of a copy were shortened, became headlines, and were left to the web, to fit the budget."""

    shortened: int = 0
    headlines: int = 0
    left_out: int = 0

    def __bool__(self) -> bool:
        return any((self.shortened, self.headlines, self.left_out))


_UNCUT = Cut()


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """What readers of one choice get: the article that leads, the body's pieces, and which cells stand where in it."""

    lead: int
    pieces: tuple[bytes, ...]
    cells: tuple[tuple[int, int], ...]
    cut: Cut = _UNCUT

    @property
    def shared(self) -> int:
        """How many of the first pieces are the same in every copy of this choice."""
        return min([at for at, _ in self.cells], default=len(self.pieces))


class Printer:
    """Prints copies of one plate."""

    def __init__(self, plate: Plate) -> None:
        self.plate = plate
        self.fits = _Bound(plate).largest() <= plate.budget
        self._cell_slots = [part for _, cell in plate.cells for part in cell.parts if isinstance(part, int)]
        self._slots = sorted(set(self._cell_slots))
        self._names = [SLOTS[slot] for slot in self._slots]
        self._alike = _alike(plate)
        self._pieces = _uncut(plate.pieces) if self.fits else plate.pieces
        self._texts = [piece.text if isinstance(piece.text, bytes) else b"" for piece in self._pieces]
        self._cell_at = {at: piece.text for at, piece in enumerate(self._pieces) if isinstance(piece.text, int)}
        self._opened = _Opened(self._pieces, len(plate.placed))
        self._depths = _depth_sizes(self._pieces)
        self._in_section: dict[str, list[tuple[int, int]]] = {}
        self._skeleton = lru_cache(maxsize=REMEMBERED)(self._assembled)

    def positions(self, sections: Iterable[str], masked: Collection[int] = ()) -> list[int]:
        """The placements that a reader of these sections sees: each article once, under the first of its sections."""
        first: dict[int, int] = {}
        for section in sections:
            for article, place in self._in_section.get(section) or self._placed_in(section):
                if place < first.get(article, _FAR):
                    first[article] = place
        places = len(self.plate.placed)
        return sorted(place % places for article, place in first.items() if article not in masked)

    def _placed_in(self, section: str) -> list[tuple[int, int]]:
        """Articles of a section and what lies below it, with their place: the rank first, then the position."""
        places = len(self.plate.placed)
        placed = enumerate(self.plate.placed)
        found = [(one.article_id, one.rank * places + at) for at, one in placed if within(one.section, section)]
        return self._in_section.setdefault(section, found)

    def skeleton(
        self, sections: Collection[str], masked: Collection[int] = (), personal: bool = True
    ) -> Skeleton | None:
        """What such a reader's copy is made of; None where nothing in the edition is for them."""
        return self._skeleton(frozenset(sections), frozenset(masked), personal)

    def fill(self, skeleton: Skeleton, values: Mapping[str, str]) -> list[bytes]:
        """The body's pieces with the reader's values in them; of a slot without one, nothing."""
        used = [values.get(name, "") for name in self._names]
        if self._alike and not _ESCAPED.search("".join(used)):
            once = dict(zip(self._slots, map(self._alike, map(str.encode, used)), strict=True))
            encoded = [once[slot] for slot in self._cell_slots]
        else:
            encoded = self._encoded([values.get(slot, "") for slot in SLOTS])
        pieces = list(skeleton.pieces)
        for at, number in skeleton.cells:
            pieces[at] = encoded[number]
        return pieces

    def _encoded(self, plain: Sequence[str]) -> list[bytes]:
        """Every cell, each for itself."""
        ways = [value.encode() for value in plain], [html.escape(value).encode() for value in plain]
        encoded = []
        for name, cell in self.plate.cells:
            filling = ways[cell.escape]
            raw = b"".join([filling[part] if isinstance(part, int) else part for part in cell.parts])
            encoded.append(encoding(name).cell(raw))
        return encoded

    def size(self, sections: Collection[str]) -> int:
        """Bytes of HTML in the copies of these sections, with values as long as they may be."""
        chosen = self._choice(frozenset(sections), frozenset(), True)
        return sum(self._pieces[number].size for number in chosen[0]) if chosen else 0

    def _assembled(self, sections: frozenset[str], masked: frozenset[int], personal: bool) -> Skeleton | None:
        chosen = self._choice(sections, masked, personal)
        if chosen is None:
            return None
        numbers, lead, cut = chosen
        texts, cells = self._texts, []
        for number, cell in self._cell_at.items():
            at = bisect_left(numbers, number)
            if at < len(numbers) and numbers[at] == number:
                cells.append((at, cell))
        return Skeleton(lead, tuple([texts[number] for number in numbers]), tuple(cells), cut)

    def _choice(
        self, sections: frozenset[str], masked: frozenset[int], personal: bool
    ) -> tuple[list[int], int, Cut] | None:
        """The numbers of the pieces, the article that leads, and what had to be cut."""
        positions = self.positions(sections, masked)
        if not positions:
            return None
        lead = self.plate.placed[positions[0]].article_id
        also = {PERSONAL} if personal else set[str]()
        if self.fits:
            return self._opened.by(positions, also), lead, _UNCUT
        depths = self._cut_to_fit(positions, also)
        counts = Counter(depths.values())
        cut = Cut(counts[1], counts[2], counts[3])
        also.update(chain.from_iterable(seal.at_depth(position, depth) for position, depth in depths.items()))
        left_out = [position for position, depth in depths.items() if depth == _LEFT_OUT]
        return self._opened.by(positions, also | {CUT} if cut else also, left_out), lead, cut

    def _cut_to_fit(self, positions: Sequence[int], also: Collection[str]) -> dict[int, int]:
        """How deep each story may be printed for the copy to fit."""
        lead = positions[0]
        depths = dict.fromkeys(positions, 0)
        size = self._size(positions, also) + sum(self._depth_size(position, 0, lead) for position in positions)
        if size <= self.plate.budget:
            return depths
        size += self._size(positions, {*also, CUT}) - self._size(positions, also)
        for position, depth in _in_order_of_cutting(positions):
            if size <= self.plate.budget:
                break
            size += self._depth_size(position, depth, lead) - self._depth_size(position, depth - 1, lead)
            depths[position] = depth
        return depths

    def _size(self, positions: Sequence[int], also: Collection[str]) -> int:
        """Bytes of HTML that stand at every depth."""
        return sum(self._pieces[number].size for number in self._opened.by(positions, also))

    def _depth_size(self, position: int, depth: int, lead: int) -> int:
        """Bytes of HTML that a story has at a depth only."""
        place = "l" if position == lead else "r"
        return self._depths["s", position, depth] + self._depths[place, position, depth]


class _Opened:
    """Finds the pieces that stand in a copy: by position, whether leading or following, and those without a gate."""

    def __init__(self, pieces: Sequence[Piece], places: int) -> None:
        self._always: list[int] = []
        self._leading: list[list[int]] = [[] for _ in range(places)]
        self._following: list[list[int]] = [[] for _ in range(places)]
        self._also: dict[str, list[int]] = {}
        self._gates = [piece.gates for piece in pieces]
        self._nested: dict[int, Gates] = {}
        for number, piece in enumerate(pieces):
            self._place(number, _needed(piece.gates))

    def _place(self, number: int, gates: Gates) -> None:
        if not gates:
            self._always.append(number)
            return
        for condition in gates[0]:
            kind, position = condition[0], condition[1:]
            if kind in "sl":
                self._leading[int(position)].append(number)
            if kind in "sr":
                self._following[int(position)].append(number)
            if kind not in "slr":
                self._also.setdefault(condition, []).append(number)
        if len(gates) > 1:
            self._nested[number] = gates[1:]

    def by(self, positions: Sequence[int], also: Collection[str], left_out: Collection[int] = ()) -> list[int]:
        """The numbers of the pieces, in order. The first of the positions leads; `also` are other conditions."""
        if left_out:  # a heading whose stories are all left to the web would stand over nothing
            held = {*seal.state(positions), *also}.difference(seal.follows(left_out))
            return [number for number, gates in enumerate(self._gates) if not any(map(held.isdisjoint, gates))]
        following, nothing = self._following, list[int]()
        found = set(self._always).union(
            self._leading[positions[0]],
            *[following[position] for position in positions[1:]],
            *[self._also.get(condition, nothing) for condition in also],
        )
        if self._nested:
            holding = {*seal.state(positions), *also}
            nested = self._nested
            found -= {n for n in found if n in nested and any(gate.isdisjoint(holding) for gate in nested[n])}
        return sorted(found)


class _Bound:
    """How large a copy can become at the most, told without printing one."""

    def __init__(self, plate: Plate) -> None:
        self._plate = plate
        self._everywhere = 0
        self._leading: Counter[str] = Counter()
        self._stories: Counter[int] = Counter()

    def largest(self) -> int:
        for piece in _uncut(self._plate.pieces):
            self._count(piece)
        largest: dict[int, int] = {}
        for position, size in self._stories.items():
            article = self._plate.placed[position].article_id
            largest[article] = max(size, largest.get(article, 0))
        return self._everywhere + sum(largest.values()) + max(self._leading.values(), default=0)

    def _count(self, piece: Piece) -> None:
        own = next((next(iter(gate)) for gate in reversed(piece.gates) if len(gate) == 1 and _kind(gate) in "lrs"), "")
        if not own:
            self._everywhere += piece.size
        elif own[0] == "l":
            self._leading[own] += piece.size
        else:
            self._stories[int(own[1:])] += piece.size


def _alike(plate: Plate) -> Callable[[bytes], bytes] | None:
    """How to encode a value once for all its cells, where each is a value and nothing else, in the same encoding."""
    names = {name for name, _ in plate.cells}
    alone = all(len(cell.parts) == 1 and isinstance(cell.parts[0], int) for _, cell in plate.cells)
    return encoding(names.pop()).cell if alone and len(names) == 1 else None


def _uncut(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces of copies that are not cut, which need no gates of depth."""
    return tuple(merged(_whole(pieces)))


def _whole(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        deep = [gate for gate in piece.gates if _kind(gate) == "d"]
        if all(any(condition.endswith(".0") for condition in gate) for gate in deep) and {CUT} not in piece.gates:
            yield Piece(piece.text, tuple(_without_depths(piece.gates)), piece.size)


def _without_depths(gates: Gates) -> Iterator[frozenset[str]]:
    """A depth holds only where its story is in the copy, which mostly another gate says already."""
    for gate in gates:
        if _kind(gate) != "d":
            yield gate
            continue
        stories = {condition[1:].partition(".")[0] for condition in gate if condition.endswith(".0")}
        if not any(other <= {f"{kind}{story}" for kind in "slr" for story in stories} for other in gates if other):
            yield frozenset(f"s{story}" for story in stories)


def _depth_sizes(pieces: Iterable[Piece]) -> Counter[tuple[str, int, int]]:
    """Bytes of HTML by place (`l` leading, `r` following, `s` either), position and depth."""
    sizes: Counter[tuple[str, int, int]] = Counter()
    for piece in pieces:
        deep = [gate for gate in piece.gates if _kind(gate) == "d"]
        if deep:
            place = next((_kind(gate) for gate in piece.gates if _kind(gate) in "lr"), "s")
            for condition in frozenset.intersection(*deep):
                position, _, depth = condition[1:].partition(".")
                sizes[place, int(position), int(depth)] += piece.size
    return sizes


def _needed(gates: Gates) -> Gates:
    """The gates that decide: one that asks for no more than another of them is open whenever that one is."""
    distinct = tuple(dict.fromkeys(gates))
    return tuple(gate for gate in distinct if not any(other < gate for other in distinct))


def _kind(gate: frozenset[str]) -> str:
    """The letter of a gate's conditions."""
    return next(iter(gate), "?")[0]


def _in_order_of_cutting(positions: Sequence[int]) -> Iterable[tuple[int, int]]:
    """What to cut first: every story a little before one a lot, the last stories before the first."""
    return ((position, depth) for depth in DEPTHS[1:] for position in reversed(positions))
