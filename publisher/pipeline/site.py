"""What a site is made of, and what one process remembers of it from build to build."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from publisher import __version__
from publisher.clean.text import one_line
from publisher.errors import Problem, PublisherError
from publisher.model.article import Article
from publisher.model.newsletter import Newsletter, Publication, Syndication
from publisher.pipeline.feed_plans import FeedRule, Index, Key, Window
from publisher.render import feed, page
from publisher.render.edition import article_url
from publisher.render.environment import Templates
from publisher.render.feed import FILES, Entry, Fragments
from publisher.render.page import Alternate
from publisher.store import articles, feeds
from publisher.store.feeds import Listing, Mark

_MOST_ENTRIES = 4_000


@dataclass(frozen=True, slots=True)
class Site:
    """What the site is made of. `founded` dates the ids of feeds."""

    publication: Publication
    newsletters: Mapping[str, Newsletter]
    feeds: Sequence[FeedRule]
    templates: Templates
    path: Path
    static: Path
    founded: datetime
    root: Path
    syndication: Syndication = field(default_factory=Syndication)

    def digest(self) -> str:
        """What decides the bytes of pages and entries beside the articles themselves."""
        return digest(__version__, self.templates.digest(), self.publication, self.founded)


@dataclass(frozen=True, slots=True)
class PageKey:
    """What decides an article's page: `whole` of the site, `key` of itself, the feeds that its head names."""

    whole: str
    key: str
    alternates: tuple[Alternate, ...]


class Memory:
    """Everything that a build finds out and the next one needs not; a new one begins without.

    `index` holds all articles, `unshown` those that no build printed yet; `windows` and `pages` what was decided of
    feeds and article pages, until one of their articles changes; `archived` in which archive page each article of a
    feed is; `fragments` printed entries.
    """

    def __init__(self) -> None:
        self.index = Index(())
        self.unshown: set[int] = set()
        self.fragments = Fragments(2 * len(FILES) * _MOST_ENTRIES)
        self.archived: dict[str, dict[int, int]] = {}
        self.windows: dict[Key, Window] = {}
        self.pages: dict[int, PageKey] = {}
        self._problems: list[Problem] = []
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._mark: Mark | None = None
        self._seen: datetime | None = None

    def refresh(self, db: Connection, now: datetime) -> None:
        """Take in what changed since the last time."""
        mark, ids = feeds.changes(db, self._mark, self._seen, now)
        listings = feeds.census(db, now, ids)
        self.unshown.update(one.id for one in listings if one.public and not one.shown)
        if ids is None:
            self.index = Index(listings)
            self.archived, self.windows, self.pages = {}, {}, {}
        else:
            for article_id in ids:
                self.pages.pop(article_id, None)
            for key in self.index.update(ids, listings):
                self.windows.pop(key, None)
        self._mark, self._seen = mark, now  # last: whoever fails before begins there again

    def entries(self, db: Connection, site: Site, listings: Sequence[Listing], edition: str) -> list[Entry]:
        """Articles as entries, in their order; `edition` is the digest of the site that prints them."""
        wanted = {one.id: f"{one.version} {edition}" for one in listings}
        known = {key: self._entries[key] for key in wanted.keys() & self._entries.keys()}
        known = {key: entry for key, entry in known.items() if entry.version == wanted[key]}
        for article in articles.by_ids(db, wanted.keys() - known.keys()).values():
            entry = self._entry(article, site, wanted[article.id])
            if entry:
                known[article.id] = self._entries[article.id] = entry
        for key in known:
            self._entries.move_to_end(key)
        while len(self._entries) > max(_MOST_ENTRIES, len(wanted)):
            self._entries.popitem(last=False)
        return [known[one.id] for one in listings if one.id in known]

    def _entry(self, article: Article, site: Site, version: str) -> Entry | None:
        """None where nothing can be made of it: then the feed goes without."""
        where = f"article {article.id} ({one_line(article.slug)})"
        try:
            body = page.entry_body(article, site.publication, site.templates)
            url = article_url(article, site.publication.url)
            entry = feed.entry(article, url, body, site.publication, version, site.founded)
            clean = feed.repaired(entry)
            for form in FILES:
                self.fragments.of(clean, form)
        except Exception as error:  # noqa: BLE001 - one bad article must not stop a feed
            told = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
            self._problems.append(Problem(where, f"it stands in no feed: {told}"))
            return None
        if clean != entry:
            repair = "characters that no feed may hold were left out."
            self._problems.append(Problem(where, repair))
        return clean

    def told(self) -> list[Problem]:
        """What was wrong with articles since it was asked last."""
        problems, self._problems = self._problems, []
        return list(dict.fromkeys(problems))


def digest(*deciding: object) -> str:
    return hashlib.sha256(repr(deciding).encode()).hexdigest()[:32]
