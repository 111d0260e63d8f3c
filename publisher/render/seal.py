"""Sentinels and marks: what a template leaves where a copy will differ from reader to reader.

A sentinel stands where a reader's value belongs, marks stand around what only some copies hold. Both carry the
edition's seal, a keyed digest, so that no article can forge them. What a mark asks for is a set of conditions, and one
that holds opens it:

    s3    the story at position 3 is in the copy
    l3    … and leads it
    r3    … and follows its lead, not left to the web
    d3.1  … at this depth: 0 whole, 1 shortened, 2 headline only, 3 left out
    c     something in the copy was cut to its size
    p     the copy is one reader's own: mail, not the web
"""

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from markupsafe import Markup

SLOTS = ("name", "address", "unsubscribe_url", "preferences_url", "web_url")
DEPTHS = (0, 1, 2, 3)
PERSONAL = "p"
CUT = "c"


def shown(positions: Iterable[int]) -> list[str]:
    return [f"s{position}" for position in positions]


def leads(position: int) -> list[str]:
    return [f"l{position}"]


def follows(positions: Iterable[int]) -> list[str]:
    """In the copy, but not as its lead."""
    return [f"r{position}" for position in positions]


def at_depth(position: int, *depths: int) -> list[str]:
    return [f"d{position}.{depth}" for depth in depths]


def state(positions: Collection[int]) -> set[str]:
    """The conditions that hold in a copy of these stories: the first of them leads it."""
    first = min(positions)
    rest = (position for position in positions if position != first)
    return {*shown(positions), *leads(first), *follows(rest)}


class Seal:
    """What templates call while an edition is pressed: `reader.name` leaves a sentinel, `marks.open(…)` a mark."""

    def __init__(self, digest: str, before: Mapping[str, str] = MappingProxyType({})) -> None:
        """`before` says what stands before a slot's value in every copy: of links all but their last part."""
        self._digest = digest
        # Lower-case letters and digits only: the same in text, attributes, addresses and through every inliner.
        self.reader = {slot: f"{before.get(slot, '')}{digest}s{number}z" for number, slot in enumerate(SLOTS)}
        self.pattern = re.compile(
            rf"<!--{digest}b(?P<open>[a-z0-9.,]*)-->|<!--(?P<close>{digest}e)-->|{digest}s(?P<slot>\d+)z"
        )

    def holds(self, conditions: Iterable[str]) -> bool:
        """Everything is rendered; the copies choose."""
        return True

    def open(self, conditions: Iterable[str]) -> Markup:
        return Markup("<!--{}b{}-->").format(self._digest, ",".join(conditions))

    def close(self) -> Markup:
        return Markup("<!--{}e-->").format(self._digest)


class Chosen:
    """What templates call where the reader is known beforehand: no mark, and only what the conditions ask for."""

    def __init__(self, conditions: Collection[str]) -> None:
        self._conditions = frozenset(conditions)

    def holds(self, conditions: Iterable[str]) -> bool:
        return not self._conditions.isdisjoint(conditions)

    def open(self, conditions: Iterable[str]) -> str:
        return ""

    def close(self) -> str:
        return ""
