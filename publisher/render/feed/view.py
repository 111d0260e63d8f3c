"""A feed and its entries as every format prints them."""

import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from publisher.clean.text import repair, shortened
from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import Publication

FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # many readers count seconds from here, and show an older story as new
_SHORT_SUMMARY = 500  # characters
TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `body` is HTML, empty where only the summary is printed; instants are aware, `updated` the latest.

    `id` never changes (RFC 4151); `version` differs whenever any other field does. `categories` are (term, label).
    """

    id: str
    version: str
    url: str
    title: str
    body: str
    summary: str
    updated: datetime
    published: datetime | None
    language: str
    authors: tuple[Author, ...] = ()
    categories: tuple[tuple[str, str], ...] = ()
    image: Image | None = None
    comments: str = ""
    replies: int | None = None

    def shortened(self) -> "Entry":
        """The same without its body and the rest of a long summary: who wants the whole follows the link."""
        return replace(self, body="", summary=shortened(self.summary, _SHORT_SUMMARY), version=f"{self.version} short")

    @property
    def picture_type(self) -> str:
        """The media type of the lead image by its name; empty where the name does not tell."""
        guessed = mimetypes.guess_type(urlsplit(self.image.url).path)[0] if self.image else ""
        return guessed if guessed and guessed.startswith("image/") else ""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An entry that is withdrawn, and since when (RFC 6721)."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedView:
    """`path` is the feed's folder below the publication's address; `updated` is its newest entry's, or its founding.

    `entries` stand newest first. `archive` is the number of an archive page, 0 for the feed itself; `previous` is the
    number of the archive page before this document, 0 where there is none (RFC 5005). `max_age` is how long a copy
    is fresh.
    """

    publication: Publication
    id: str
    title: str
    description: str
    path: str
    home: str
    language: str
    updated: datetime
    entries: Sequence[Entry]
    tombstones: Sequence[Tombstone] = ()
    hubs: tuple[str, ...] = ()
    archive: int = 0
    previous: int = 0
    max_age: timedelta = timedelta(minutes=5)

    def url(self, form: str) -> str:
        """The address of this document."""
        return f"{self.publication.url}/{self.path}/{archive_file(self.archive) if self.archive else FILES[form]}"

    @property
    def previous_url(self) -> str:
        return f"{self.publication.url}/{self.path}/{archive_file(self.previous)}" if self.previous else ""

    @property
    def stylesheet(self) -> str:
        """Relative to the document, for browsers take a stylesheet of XML from the same origin alone."""
        return "../" * self.path.count("/") + "feed.css"


def archive_file(number: int) -> str:
    return f"archive-{number}.xml"


def entry(article: Article, url: str, body: str, publication: Publication, version: str, oldest: datetime) -> Entry:
    """An article as an entry; `oldest` dates those that nobody dated."""
    changed = article.updated or oldest
    published = article.published
    if published and published < _FIRST:
        published, changed = None, max(changed, oldest)
    return Entry(
        id=article.tag,
        version=version,
        url=url,
        title=article.title,
        body=body,
        summary=article.teaser or ("" if article.words else article.title),
        updated=max(changed, published or changed),  # RFC 4287 §4.2.15: no change before the first printing
        published=published,
        language=article.language,
        authors=article.authors,
        categories=tuple(_categories(article, publication)),
        image=article.image,
        comments=article.comments,
        replies=article.replies,
    )


def repaired(entry: Entry) -> Entry:
    """The same without characters that XML refuses (XML 1.0 §2.2), should any have come past the cleaning."""
    return replace(
        entry,
        title=repair(entry.title),
        body=repair(entry.body),
        summary=repair(entry.summary),
        authors=tuple(replace(author, name=repair(author.name)) for author in entry.authors),
        categories=tuple((repair(term), repair(label)) for term, label in entry.categories),
        image=entry.image and replace(
            entry.image,
            alt=repair(entry.image.alt),
            caption=repair(entry.image.caption),
            credit=repair(entry.image.credit),
        ),
    )  # fmt: skip


_LIKE_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def words(text: str) -> str:
    """Plain text that nobody takes for HTML: RSS does not say which of the two its titles and descriptions are, and
    some readers unescape those of Atom and JSON Feed twice.

    What looks like a tag or a character reference gets an invisible space (U+200B) behind its first character, so that
    it is shown as it was written whether its reader unescapes it or not.
    """
    return _LIKE_MARKUP.sub("\\g<0>\u200b", repair(text))


def _categories(article: Article, publication: Publication) -> list[tuple[str, str]]:
    """Sections, kind and tags, each label once."""
    sections = [section for path in article.sections if (section := publication.section(path))]
    found = [(section.path, section.title) for section in sections]
    found += [(article.kind.lower(), article.kind)] if article.kind else []
    found += [(tag, tag) for tag in article.tags]
    return list({label.casefold(): (term, label) for term, label in reversed(found)}.values())[::-1]
