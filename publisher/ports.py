"""The three plug-in points: where articles come from, what carries copies, and what runs deliveries.

Adding a source or a transport means one module that fills a port here, one line in `app`, and a place in
the contract suite of its port under tests/contract/.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from publisher.errors import Problem
from publisher.model.article import RawArticle
from publisher.model.delivery import Copy, Outcome


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch brought. `state` comes back at the next fetch; `problems` were reported and skipped."""

    articles: tuple[RawArticle, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unchanged: bool = False


class Source(Protocol):
    """Where articles come from. It never touches the database."""

    @property
    def name(self) -> str: ...

    async def fetch(self, state: Mapping[str, Any], now: datetime) -> Fetched:
        """Bring what changed since `state`; raise SourceError where nothing could be read."""


class Carrier(Protocol):
    """One open connection of a transport; carries one copy at a time."""

    async def carry(self, copy: Copy) -> Outcome:
        """Answer for this copy. TransportDown where the far side takes no mail at all; then nothing left."""

    async def close(self) -> None: ...


class Transport(Protocol):
    """Carries copies away."""

    @property
    def name(self) -> str: ...

    @property
    def connections(self) -> int:
        """How many carriers may be open at once."""

    async def connect(self) -> Carrier:
        """Make a carrier; it opens its connection for the first copy, and again after a loss."""


@dataclass(frozen=True, slots=True)
class Health:
    working: bool
    detail: str


class Dispatcher(Protocol):
    """Runs deliveries. Deliveries are the truth; a job only says "look at edition 17"."""

    def enqueue(self, db: Connection, edition_id: int) -> None:
        """Within the caller's transaction."""

    async def work(self, now: Callable[[], datetime]) -> int:
        """Deliver what is due; return how many deliveries were settled."""

    def health(self) -> Health: ...
