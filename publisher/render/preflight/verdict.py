"""What a preflight says: a verdict with its reason, and the facts that it needs beside the copy."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from publisher.model.theme import PLAIN, Theme
from publisher.render.plate import BUDGET

_MOST_PLACES = 5
_LONGEST_PLACE = 90
_SECRET = re.compile(r"(/(?:unsubscribe|preferences|copy)/)[^\s/?#]+")


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    UNSEEN = "cannot be seen from here"


@dataclass(frozen=True, slots=True)
class Check:
    """`detail` says to an editor what is wrong, where, and what to write instead; `reference` says who asks for it."""

    name: str
    verdict: Verdict
    detail: str
    reference: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the copy cannot say itself.

    `expected` are headline and address of every story, in the order of the copy. `signed` are the domains whose DKIM
    keys sign, `bounce_domain` is that of the envelope sender, empty where it is the From address. `largest` is how many
    bytes of HTML the largest copy has, `left_out` how many of the last stories it leaves to the web to fit the budget.
    `local` says that the publication's address is on this machine or a private network. `pictures` are sizes in bytes
    by address, None where unknown. `answers` say of a link or picture what is wrong, "" where it answers; None where
    nobody asked.
    """

    expected: Sequence[tuple[str, str]]
    language: str
    sender_domain: str
    theme: Theme = PLAIN
    signed: tuple[str, ...] = ()
    bounce_domain: str = ""
    largest: int = 0
    left_out: int = 0
    budget: int = BUDGET
    local: bool = False
    pictures: Mapping[str, int | None] = field(default_factory=dict)
    answers: Mapping[str, str] | None = None


class Finding(NamedTuple):
    """A verdict and its reason, before it has a name."""

    verdict: Verdict
    detail: str


def unseen(detail: str) -> Finding:
    return Finding(Verdict.UNSEEN, detail)


def weighed(good: str, *, wrong: Sequence[str] = (), doubtful: Sequence[str] = (), advice: str = "") -> Finding:
    """FAIL where anything is wrong, WARN where anything is doubtful, else PASS and what is good."""
    faults = [*wrong, *doubtful]
    if not faults:
        return Finding(Verdict.PASS, good)
    return Finding(Verdict.FAIL if wrong else Verdict.WARN, f"{listed(faults)}. {advice}".rstrip())


def listed(places: Iterable[str]) -> str:
    """At most five of them, and how many more."""
    distinct = list(dict.fromkeys(places))
    more = len(distinct) - _MOST_PLACES
    return "; ".join(distinct[:_MOST_PLACES]) + (f"; and {more} more" if more > 0 else "")


def quoted(text: str) -> str:
    """Text of the copy as it may be shown: printable, short, and without a reader's token."""
    line = " ".join("".join(c if c.isprintable() else " " for c in _SECRET.sub(r"\1…", text)).split())
    return f'"{line if len(line) <= _LONGEST_PLACE else line[: _LONGEST_PLACE - 1] + "…"}"'
