"""What a rule says of a feed, and what it needs to know beside the bytes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from publisher.render.preflight.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Printed:
    """A file as it lies on the disk; `mtime` in nanoseconds."""

    content: bytes
    mtime: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """`url` is the publication's address; no date lies after `now`; `max_age` and `max_bytes` as in `[syndication]`."""

    url: str
    now: datetime
    max_age: timedelta = timedelta(minutes=5)
    max_bytes: int = 250_000


class Fault(NamedTuple):
    """What is wrong in a file before it has a rule; `entry` is its id or title, empty for the file itself."""

    entry: str
    detail: str
    verdict: Verdict = Verdict.FAIL


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` says what is wrong and what to write instead, `rule` the name and `reference` who asks for it."""

    file: str
    entry: str
    rule: str
    verdict: Verdict
    detail: str
    reference: str
