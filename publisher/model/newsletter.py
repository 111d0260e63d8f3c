"""The publication, its sections and newsletters, and the editions that come of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publisher.model.theme import PLAIN, Theme

EVERYTHING = "*"
# Where feeds lie that are no section's, by folder below `feeds/`.
FEED_FOLDERS = {"by": "authors", "kind": "kinds", "newsletter": "newsletters"}


@dataclass(frozen=True, slots=True)
class Section:
    path: str
    title: str

    @property
    def level(self) -> int:
        """1 for a top section, 2 for its child."""
        return self.path.count("/") + 1


def within(path: str, chosen: str) -> bool:
    """Whether a section path is the chosen section or lies below it; `*` holds everything."""
    return chosen == EVERYTHING or path == chosen or path.startswith(f"{chosen}/")


@dataclass(frozen=True, slots=True)
class Publication:
    """The journal itself. `url` has no trailing slash; sections stand parents before children.

    `teaser_words` is how many words of a story make its teaser where the source gives none.
    """

    name: str
    url: str
    zone: ZoneInfo
    language: str
    description: str
    address: str
    kinds: tuple[str, ...]
    sections: tuple[Section, ...]
    teaser_words: int = 30
    theme: Theme = PLAIN

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "localhost"

    def section(self, path: str) -> Section | None:
        return next((section for section in self.sections if section.path == path), None)


@dataclass(frozen=True, slots=True)
class Syndication:
    """What holds for all feeds: WebSub hubs, feeds' paths that moved or closed, and the limits of a feed.

    A path is the one below `feeds/`, such as a section's. `max_age` is how long a copy is fresh; `max_bytes` is the
    size over which the oldest entries keep only their summaries.
    """

    hubs: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    max_age: timedelta = timedelta(minutes=5)
    max_bytes: int = 250_000


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name and an address (RFC 5322 §3.4 name-addr)."""

    name: str
    address: str


class Missed(StrEnum):
    """What becomes of slots that passed while nobody looked."""

    LATEST = "latest"
    SKIP = "skip"
    ALL = "all"


class Design(StrEnum):
    """How an edition's mail is laid out: stories with a teaser, headlines with one line, or complete texts."""

    DIGEST = "digest"
    BRIEF = "brief"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Newsletter:
    """A recurring product. `schedule` maps a cadence to a cron line in the newsroom's zone.

    `language` is the interface's, empty where it is the publication's. Articles older than `max_age` are no longer
    news to it; an edition holds at most `max_articles` and leaves the rest for the next. Slots found later than
    `late` are handled as `missed` says.
    """

    name: str
    title: str
    sections: tuple[str, ...]
    schedule: Mapping[str, str]
    sender: Mailbox
    description: str = ""
    reply_to: str = ""
    needs_approval: bool = False
    missed: Missed = Missed.LATEST
    late: timedelta = timedelta(hours=3)
    max_age: timedelta = timedelta(days=31)
    max_articles: int = 40
    language: str = ""
    layout: Design = Design.DIGEST


class EditionState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    PRESSED = "pressed"
    SENDING = "sending"
    HELD = "held"
    SENT = "sent"
    SENT_WITH_FAILURES = "sent_with_failures"
    SKIPPED = "skipped"
    MISSED = "missed"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Edition:
    """One dated sending. `slot` is the newsroom's wall clock, `2026-11-23T07:00`; `note` says why it ended so.

    `greeting` is the editor's note to the readers, in Markdown.
    """

    id: int
    newsletter: str
    cadence: str
    slot: str
    state: EditionState
    composed_at: datetime
    subject: str = ""
    note: str = ""
    pressed_at: datetime | None = None
    finished_at: datetime | None = None
    greeting: str = ""

    @property
    def key(self) -> str:
        """The edition's own name, the same on every database: its Message-IDs and its seal come of it."""
        return f"{self.newsletter}/{self.cadence}/{self.slot}"


@dataclass(frozen=True, slots=True)
class Placement:
    """An article under one section of an edition. `position` counts from 0 over the whole edition."""

    position: int
    section: str
    article_id: int
