"""An article: what a source said of it (`RawArticle`) and what we made of that (`Article`)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
_WORDS_PER_MINUTE = 238  # Brysbaert 2019: silent reading of English non-fiction


class Status(StrEnum):
    """What the newsroom says of a story: printed, kept back for now, or withdrawn for good (IPTC pubStatus)."""

    USABLE = "usable"
    WITHHELD = "withheld"
    CANCELLED = "cancelled"


class Access(StrEnum):
    """Who may read the whole story at its home; only `public` text is ours to print."""

    PUBLIC = "public"
    MEMBERS = "members"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Author:
    """`picture` and `url` are absolute addresses; all but the name is empty where nobody said."""

    name: str
    biography: str = ""
    picture: str = ""
    url: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """The lead image. `url` is absolute; `alt` is empty where the source gave none."""

    url: str
    alt: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """A story that the source sets beside this one."""

    title: str
    url: str = ""
    teaser: str = ""


@dataclass(frozen=True, slots=True)
class RawArticle:
    """One article as its source tells it, before any cleaning. Unknown is None or empty, never a guess.

    `title`, `standfirst` and `teaser` are plain text, `body` is HTML whose relative addresses start at `base`.
    `kind` is the label where the source has a field of its own for it; `sections` are the source's own names, the
    primary first, a nested one as `Parent/Child`. `embargo` is an instant before which nobody may read it.
    `replies` counts readers' comments. `minor` says that what changed since last time is not worth telling readers,
    `correction` in plain words what was wrong before.
    `format` names the shape it came in, such as `rss` or `ninjs 2`; `origins` says, for fields that came from another
    place than that, from which, such as `{"published": "json-ld"}`. `where` is `file:line` or an address, for messages.
    """

    source_id: str
    title: str
    body: str
    where: str
    format: str = ""
    url: str | None = None
    base: str | None = None
    kind: str = ""
    standfirst: str = ""
    teaser: str = ""
    authors: tuple[Author, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    embargo: datetime | None = None
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    related: tuple[Related, ...] = ()
    language: str | None = None
    slug: str = ""
    access: Access = Access.PUBLIC
    status: Status = Status.USABLE
    comments: str = ""
    replies: int | None = None
    minor: bool = False
    correction: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong in a story and since when it is mended, in plain words."""

    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Article:
    """One story, one identity for life. Instants are aware UTC; `published` is None where nobody said.

    `url` is None where the story's home is our own archive page. `sections` are configured paths, the
    primary first. `body` is empty where `access` is not public. `origins` says where each field came from: a place at
    the source, or `derived`, `default`. `tag` is the immutable feed id (RFC 4151). `first_seen` and `updated` are
    ours: when the article was filed, and when readers would call it changed.
    """

    source: str
    source_id: str
    headline: str
    body: str
    language: str
    content_hash: str
    url: str | None = None
    kind: str = ""
    standfirst: str = ""
    teaser: str = ""
    authors: tuple[Author, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    embargo: datetime | None = None
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    related: tuple[Related, ...] = ()
    words: int = 0
    access: Access = Access.PUBLIC
    status: Status = Status.USABLE
    comments: str = ""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    slug: str = ""
    id: int = 0
    tag: str = ""
    replies: int | None = None
    corrections: tuple[Correction, ...] = ()
    first_seen: datetime | None = field(default=None, compare=False)
    updated: datetime | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """The headline with its kind, as the newsroom wrote it."""
        return f"{self.kind}: {self.headline}" if self.kind else self.headline

    def public(self, now: datetime) -> bool:
        """Whether it may be printed: usable, published, and no embargo holds it."""
        released = (instant is None or instant <= now for instant in (self.published, self.embargo))
        return self.status is Status.USABLE and all(released)

    @property
    def minutes(self) -> int:
        """Reading time in whole minutes, at least one."""
        return max(1, math.ceil(self.words / _WORDS_PER_MINUTE))

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, the `dir` attribute of the article's text."""
        return direction(self.language)


class Change(StrEnum):
    """What filing did with an article that a source brought."""

    NEW = "new"
    UPDATED = "updated"
    SAME = "same"
    WITHDRAWN = "withdrawn"


class Rule(StrEnum):
    """How an article was recognised."""

    NEW = "new"
    ID = "id"
    ADDRESS = "address"
    HEADLINE = "headline and date"
    WORDS = "words"
    REUSED_ID = "reused id"
    ABSENCE = "absence"
    EDITOR = "editor"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Rule.NEW: "neither its id, its address nor its words were known",
    Rule.ID: "the source knows it by this id",
    Rule.ADDRESS: "its address is one that the article has or had",
    Rule.HEADLINE: "an article of this source with another id had this headline and date",
    Rule.WORDS: "an article of this source with another id had exactly these words",
    Rule.REUSED_ID: "only the id was known: address, headline, date and words were all others, so it is another story",
    Rule.ABSENCE: "the source does not hold it any more",
    Rule.EDITOR: "an editor named it",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Under which id a source knows an article, by which rule we learned it, and when it was gone from there."""

    source: str
    source_id: str
    rule: Rule
    filed_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filing:
    """One entry of an article's history: what changed, by which rule it was recognised, what had to be repaired."""

    at: datetime
    source: str
    source_id: str
    change: Change
    rule: Rule
    fields: tuple[str, ...]
    repairs: Mapping[str, int]


def direction(language: str) -> str:
    """The writing direction of a BCP 47 tag: `rtl` or `ltr`."""
    return "rtl" if language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"
