"""Which feeds there are, and which articles stand in each: pure, from an index of all articles."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from publisher.clean.text import handle
from publisher.model.newsletter import FEED_FOLDERS, Newsletter, Publication, Section, within
from publisher.render.feed import FILES, TYPES
from publisher.render.page import Alternate
from publisher.store.feeds import Listing

FOLDER = "feeds"
Of = Literal["everything", "section", "author", "kind", "newsletter"]
_OVERLAP = timedelta(hours=48)  # who asks once in two days misses nothing
_MOST = 400  # even without their texts they fill most of a megabyte; the rest is archived
_MOST_TOMBSTONES = 20
_LEAST_ARCHIVED = 10


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """One feed. `name` is the section's path, the author's or kind's handle, the newsletter's name.

    `entries` is how many it holds at least; `descendants` says that a section's feed holds its children's stories.
    """

    of: Of
    name: str
    title: str
    formats: tuple[str, ...]
    entries: int
    language: str = ""
    descendants: bool = True

    @property
    def path(self) -> str:
        """The feed's folder below the publication's address."""
        return "/".join(filter(None, (FOLDER, _PLACES[self.of], self.name)))

    @property
    def level(self) -> int:
        """1, and for a section's child 2."""
        return self.name.count("/") + 1

    @property
    def is_archived(self) -> bool:
        """Whether its older articles are kept in archive pages; those of the others are found there too."""
        return self.of in ("everything", "section") and "atom" in self.formats


_PLACES: Mapping[str, str] = {
    "everything": "",
    "section": "",
    **{names.removesuffix("s"): folder for folder, names in FEED_FOLDERS.items()},
}


@dataclass(frozen=True, slots=True)
class FeedRule:
    """One `[[feed]]` of the configuration: for whom there are feeds, and how they are printed."""

    formats: tuple[str, ...] = ("rss", "atom", "json")
    entries: int = 50
    everything: bool = True
    sections: tuple[str, ...] = ()
    authors: bool = True
    kinds: bool = True
    newsletters: bool = True
    descendants: bool = True

    def plans(self, publication: Publication, newsletters: Iterable[Newsletter]) -> Iterator[FeedPlan]:
        """The feeds that the configuration alone decides."""
        spoken = publication.language
        if self.everything:
            yield self._plan("everything", "", publication.name, spoken)
        for section in publication.sections:
            if self.everything or section.path in self.sections:
                yield self._plan("section", section.path, section.title, spoken)
        for kind in publication.kinds if self.kinds else ():
            yield self._plan("kind", handle(kind), kind, spoken)
        for newsletter in newsletters if self.newsletters else ():
            yield self._plan("newsletter", newsletter.name, newsletter.title, newsletter.language or spoken)

    def by_authors(self, index: "Index", language: str) -> Iterator[FeedPlan]:
        """One for each author who has a story, under the name in the newest of them."""
        for key, name in sorted(index.authors()) if self.authors else ():
            yield self._plan("author", key, name, language)

    def _plan(self, of: Of, name: str, title: str, language: str) -> FeedPlan:
        return FeedPlan(of, name, title, self.formats, self.entries, language, self.descendants)


def plans(
    rules: Iterable[FeedRule], publication: Publication, newsletters: Iterable[Newsletter], index: "Index"
) -> list[FeedPlan]:
    """Every feed once, by the last rule that names it, grouped as `Of` lists them, sections in their order."""
    letters, found = list(newsletters), dict[str, FeedPlan]()
    for rule in rules:
        for plan in (*rule.plans(publication, letters), *rule.by_authors(index, publication.language)):
            found[plan.path] = plan
    order = {section.path: place for place, section in enumerate(publication.sections)}
    ranks = list(_PLACES)
    return sorted(found.values(), key=lambda plan: (ranks.index(plan.of), order.get(plan.name, 0)))


def alternates(found: Iterable[FeedPlan]) -> "dict[Key, list[Alternate]]":
    """The feeds of each section, author and newsletter, for the heads of their pages."""
    return {
        (plan.of, plan.name): [
            Alternate(TYPES[form], plan.title, f"{plan.path}/{FILES[form]}") for form in plan.formats
        ]
        for plan in found
        if plan.of in ("section", "author", "newsletter")
    }


Key = tuple[str, str]
_EVERYTHING: Key = ("everything", "")


def _age(listing: Listing) -> tuple[datetime, int]:
    return listing.moment, listing.id


class Index:
    """All articles by section, author and kind, the oldest first; it takes in what changed.

    `hidden` are the ids of those that were shown once and may not be printed any more.
    """

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._known: dict[int, Listing] = {}
        self.hidden: set[int] = set()
        self._shelves: dict[Key, list[Listing]] = {_EVERYTHING: []}
        for listing in sorted(listings, key=_age):
            self._know(listing)
            for key in _keys(listing):
                self._shelves.setdefault(key, []).append(listing)

    def update(self, ids: Iterable[int], listings: Iterable[Listing]) -> set[Key]:
        """Replace the articles of these ids by what they are now, if anything; return the shelves that changed."""
        touched: set[Key] = set()
        for article_id in ids:
            old = self._known.pop(article_id, None)
            self.hidden.discard(article_id)
            if old is None:
                continue
            for key in _keys(old):
                shelf = self._shelves[key]
                del shelf[bisect_left(shelf, _age(old), key=_age)]
                touched.add(key)
        for listing in listings:
            self._know(listing)
            for key in _keys(listing):
                insort(self._shelves.setdefault(key, []), listing, key=_age)
                touched.add(key)
        return touched

    def _know(self, listing: Listing) -> None:
        self._known[listing.id] = listing
        if not listing.public:
            self.hidden.add(listing.id)

    def get(self, article_id: int) -> Listing | None:
        return self._known.get(article_id)

    def all(self) -> Sequence[Listing]:
        return self._shelves[_EVERYTHING]

    def of(self, plan: FeedPlan) -> Sequence[Listing]:
        """The articles of a feed, withdrawn ones among them, the oldest first."""
        return self._shelves.get(shelf(plan), ())

    def authors(self) -> Iterator[tuple[str, str]]:
        """Whoever has a public story: handle, and the name in the newest one."""
        for (of, key), listings in self._shelves.items():
            newest = next((one for one in reversed(listings) if one.public), None) if of == "author" and key else None
            if newest:
                yield key, newest.authors[newest.handles.index(key)]

    def newest_in(self, section: Section) -> Iterator[Listing]:
        """The public articles whose home is a section or lies below it, newest first."""
        for listing in reversed(self._shelves.get(("section", section.path), ())):
            if listing.public and within(listing.sections[0], section.path):
                yield listing


def shelf(plan: FeedPlan) -> Key:
    """Where the index keeps the articles of a feed."""
    own = plan.of == "section" and not plan.descendants
    return ("own" if own else plan.of), plan.name


def _keys(listing: Listing) -> set[Key]:
    keys: set[Key] = {_EVERYTHING}
    for path in listing.sections:
        parts = path.split("/")
        keys.add(("own", path))
        keys.update(("section", "/".join(parts[: depth + 1])) for depth in range(len(parts)))
    keys.update(("author", name) for name in listing.handles)
    if listing.kind:
        keys.add(("kind", handle(listing.kind)))
    return keys


@dataclass(frozen=True, slots=True)
class Window:
    """What a feed shows: its articles newest first, and those that are gone from among them, the last first."""

    shown: tuple[Listing, ...]
    gone: tuple[Listing, ...]


def window(plan: FeedPlan, members: Sequence[Listing]) -> Window:
    """The newest articles, and whatever appeared within 48 hours before the newest did.

    The time of day plays no part: what stands in a feed changes when an article does, and at no other time.
    """
    public = [listing for listing in reversed(members) if listing.public]
    last = max((listing.appeared for listing in public), default=None)
    shown = tuple(
        listing
        for place, listing in enumerate(public)
        if place < plan.entries or (last is not None and last - listing.appeared < _OVERLAP)
    )[:_MOST]
    first = shown[-1].moment if len(public) > len(shown) else None
    gone = [one for one in members if one.withdrawn and (first is None or one.moment >= first)]
    gone.sort(key=lambda one: (one.updated, one.id), reverse=True)
    return Window(shown, tuple(gone[:_MOST_TOMBSTONES]))


def to_archive(
    plan: FeedPlan, members: Sequence[Listing], shown: Sequence[Listing], archived: Collection[int]
) -> list[list[Listing]]:
    """The archive pages that are complete now, the oldest first, each newest first.

    Whatever is not shown any more is archived, and with it as many of the oldest as fill a page: an article is in
    just one page, for good.
    """
    waiting = [listing for listing in members if listing.public and listing.id not in archived]
    visible = {listing.id for listing in shown}
    size = max(_LEAST_ARCHIVED, plan.entries // 2)
    pages = []
    while any(listing.id not in visible for listing in waiting):
        pages.append(waiting[:size][::-1])
        waiting = waiting[size:]
    return pages
