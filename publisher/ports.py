"""The three plug-in points: where articles come from, what carries copies, and what runs deliveries.

Adding a source or a transport means one module that fills a port here, one line in `app`, and a place in
the contract suite of its port under tests/contract/.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from publisher.errors import Problem
from publisher.model.article import RawArticle
from publisher.model.delivery import Copy, Outcome

_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer over HTTP. `url` is where it came from after redirects; header names are lower case.

    `moved` is the address to ask from now on, where every redirect on the way was permanent (RFC 9110 §15.4), else
    empty.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes
    moved: str = ""

    def retry_after(self, now: datetime) -> datetime | None:
        """When the server wants to be asked again (RFC 9110 §10.2.3): seconds or a date; in a day at the latest."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal() and value.isascii():
            return now + timedelta(seconds=min(int(value[:9]), _LONGEST_WAIT.total_seconds()))
        try:
            moment = parsedate_to_datetime(value)
            aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            return None
        return max(now, min(aware, now + _LONGEST_WAIT))


class Http(Protocol):
    """The guarded client, as sources see it."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Any answer is a Response; FetchError where there was none."""


class Client(Http, Protocol):
    """The guarded client, as hubs need it too."""

    async def post(self, url: str, fields: Mapping[str, str]) -> Response:
        """Send a form; no redirect is followed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch brought. `state` (JSON) comes back at the next fetch; `problems` were reported and skipped.

    `unchanged` says that nothing had to be read. `more` asks to be asked again at once: the source hands its articles
    over in parts. `present` are the ids of all that the source holds, where it can tell: what we have of it and is
    not among them was withdrawn.
    """

    articles: tuple[RawArticle, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unchanged: bool = False
    more: bool = False
    present: frozenset[str] | None = None


class Source(Protocol):
    """Where articles come from. It never touches the database.

    A fetch is two steps, so that waiting for a slow server keeps nobody from work, and work is done by few at a time.
    """

    @property
    def name(self) -> str: ...

    async def ask(self, state: Mapping[str, Any], now: datetime) -> Any:
        """Wait for the network, if there is one; SourceError where nothing could be had. `read` takes the answer."""

    def read(self, answer: Any, state: Mapping[str, Any], now: datetime) -> Fetched:
        """Make articles of the answer, on this machine alone; called in a thread. SourceError where it is no use."""


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
