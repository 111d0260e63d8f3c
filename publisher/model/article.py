"""An article: what a source said of it (`RawArticle`) and what we made of that (`Article`)."""

import math
from dataclasses import dataclass, field
from datetime import datetime

_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
_WORDS_PER_MINUTE = 238  # Brysbaert 2019: silent reading of English non-fiction


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    biography: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """The lead image. `url` is absolute; `alt` is empty where the source gave none."""

    url: str
    alt: str = ""
    caption: str = ""
    credit: str = ""


@dataclass(frozen=True, slots=True)
class RawArticle:
    """One article as its source tells it, before any cleaning. Unknown is None or empty, never a guess.

    `title` and `standfirst` are plain text, `body` is HTML whose relative addresses start at `base`; `sections`
    are the source's own names; `where` is `file:line` or an address, for messages.
    """

    source_id: str
    title: str
    body: str
    where: str
    url: str | None = None
    base: str | None = None
    standfirst: str = ""
    authors: tuple[Author, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    language: str | None = None
    slug: str = ""
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Article:
    """One story, one identity for life. Instants are aware UTC; `published` is None where nobody said.

    `url` is None where the story's home is our own archive page. `sections` are configured paths, the
    primary first. `tag` is the immutable feed id (RFC 4151). `first_seen` and `updated` are ours: when the
    article was filed, and when readers would call it changed.
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
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    words: int = 0
    usable: bool = True
    slug: str = ""
    id: int = 0
    tag: str = ""
    first_seen: datetime | None = field(default=None, compare=False)
    updated: datetime | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """The headline with its kind, as the newsroom wrote it."""
        return f"{self.kind}: {self.headline}" if self.kind else self.headline

    @property
    def minutes(self) -> int:
        """Reading time in whole minutes, at least one."""
        return max(1, math.ceil(self.words / _WORDS_PER_MINUTE))

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, the `dir` attribute of the article's text."""
        return direction(self.language)


def direction(language: str) -> str:
    """The writing direction of a BCP 47 tag: `rtl` or `ltr`."""
    return "rtl" if language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"
