"""The files of feeds: every feed in its formats, archive pages, the list of feeds, OPML and the stylesheet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from publisher.errors import PublisherError
from publisher.model.moves import Moves
from publisher.model.newsletter import Edition, Placement
from publisher.pipeline.feed_plans import FOLDER, FeedPlan, Of, Window, plans, shelf, to_archive, window
from publisher.pipeline.site import Memory, Site, digest
from publisher.pipeline.site_folder import Made, given
from publisher.render import edition as layout
from publisher.render import feed, page
from publisher.render.edition import edition_path
from publisher.render.feed import FILES, OPML_FILE, Entry, FeedView, Outline, Tombstone, archive_file
from publisher.render.page import FeedGroup, FeedLink
from publisher.store import articles, database, editions, feeds, pings
from publisher.store.feeds import Listing

_OPML_VERSIONS = {"rss": "RSS2", "atom": "ATOM1", "json": "JSON1"}
_HEADINGS = {"author": "Authors", "kind": "Kinds", "newsletter": "Newsletters"}


class Desk:
    """All feeds of one build.

    `edition` is the site's digest. Making a desk writes down what must be known for good before anybody reads a feed:
    its id, and what was shown.
    """

    def __init__(self, engine: Engine, site: Site, memory: Memory, now: datetime) -> None:
        self._site, self._memory, self.edition = site, memory, site.digest()
        _move_sections(engine, site)
        with database.reading(engine) as db:
            memory.refresh(db, now)
            self._hubs, self._archives = pings.working(db, site.syndication.hubs), feeds.archives(db)
            known = feeds.tags(db)
        self.plans = plans(site.feeds, site.publication, site.newsletters.values(), memory.index)
        fresh = {plan.path: self._tag(plan, known) for plan in self.plans if plan.path not in known}
        if fresh or memory.unshown:
            with database.writing(engine) as db:
                known = feeds.tags(db)  # two builds at once name a feed once
                feeds.name(db, {path: tag for path, tag in fresh.items() if path not in known})
                feeds.show(db, memory.unshown, now)
            memory.unshown.clear()
        self._tags = fresh | known

    def _tag(self, plan: FeedPlan, known: Mapping[str, str]) -> str:
        """A feed's id for life (RFC 4151): one that moved keeps its own."""
        moves = Moves(self._site.syndication.moved)
        for path, tag in sorted(known.items()):
            if f"{FOLDER}/{moves.place(path.removeprefix(f'{FOLDER}/'))}" == plan.path:
                return tag
        return f"tag:{self._site.publication.host},{self._site.founded:%Y-%m-%d}:{plan.path}"

    def archive(self, engine: Engine) -> None:
        """Take what was withdrawn out of archive pages, and close those that are complete."""
        self._redact(engine)
        for plan in self.plans:
            if plan.is_archived and self._is_touched(plan):
                with database.reading(engine) as db:
                    if plan.path not in self._memory.archived:
                        self._memory.archived[plan.path] = feeds.archived_in(db, plan.path)
                self._close_pages(engine, plan)

    def _is_touched(self, plan: FeedPlan) -> bool:
        return shelf(plan) not in self._memory.windows

    def _window(self, plan: FeedPlan) -> Window:
        known = self._memory.windows
        if shelf(plan) not in known:
            known[shelf(plan)] = window(plan, self._memory.index.of(plan))
        return known[shelf(plan)]

    def _close_pages(self, engine: Engine, plan: FeedPlan) -> None:
        archived, pages = self._memory.archived[plan.path], self._archives.setdefault(plan.path, {})
        shown = window(plan, self._memory.index.of(plan)).shown
        for listings in to_archive(plan, self._memory.index.of(plan), shown, archived):
            number = max(pages, default=0) + 1
            with database.reading(engine) as db:
                entries = self._entries(db, listings)
            if len(entries) < len(listings):  # a page that lacks one now would lack it for good
                return
            view = self._view(plan, entries, archive=number)
            content = feed.render(view, "atom", self._memory.fragments)
            ids = [listing.id for listing in listings]
            try:
                with database.writing(engine) as db:
                    pages[number] = feeds.archive(db, plan.path, number, content, ids)
            except IntegrityError:  # another build was faster; the next one goes on from there
                del self._memory.archived[plan.path]
                return
            archived.update(dict.fromkeys(ids, number))

    def _redact(self, engine: Engine) -> None:
        """Archive pages change for nothing else, whichever feed they are of, and wherever the article is now."""
        with database.reading(engine) as db:
            found = feeds.archived_among(db, self._memory.index.hidden)
        pages: dict[tuple[str, int], list[int]] = {}
        for path, number, article_id in found:
            pages.setdefault((path, number), []).append(article_id)
        for (path, number), gone in pages.items():
            with database.writing(engine) as db:
                tags = {article.tag for article in articles.by_ids(db, gone).values()}
                content = feed.without(feeds.archive_page(db, path, number), tags)
                self._archives[path][number] = feeds.redact(db, path, number, content, gone)
            for article_id in gone:
                self._memory.archived.get(path, {}).pop(article_id, None)

    def files(self, db: Connection) -> dict[str, Made]:
        """Every file below `feeds/`."""
        files: dict[str, Made] = {}
        for plan in self.plans:
            files |= self._letters(db, plan) if plan.of == "newsletter" else self._articles(db, plan)
            folder = plan.path
            for number, key in self._archives.get(folder, {}).items() if plan.is_archived else ():
                files[f"{folder}/{archive_file(number)}"] = Made(key, partial(feeds.archive_page, db, folder, number))
        site, groups = self._site, self._groups()
        listed = digest(self.edition, groups)
        return files | {
            f"{FOLDER}/{OPML_FILE}": Made(listed, lambda: feed.opml(_outlines(groups), site.publication, site.founded)),
            f"{FOLDER}/index.html": Made(
                listed, lambda: page.feeds_page(groups, site.publication, site.templates).encode()
            ),
            f"{FOLDER}/feed.css": self._stylesheet(),
        }

    def _articles(self, db: Connection, plan: FeedPlan) -> dict[str, Made]:
        chosen = self._window(plan)
        holes = [(one.tag, one.updated) for one in chosen.gone]
        key = self._key(plan, feeds.versions(chosen.shown), holes)

        def view() -> FeedView:
            entries = self._entries(db, chosen.shown)
            if chosen.shown and not entries:
                raise PublisherError("none of its stories can be printed")
            return self._view(plan, entries, [Tombstone(*hole) for hole in holes])

        return self._in_formats(plan, key, view)

    def _letters(self, db: Connection, plan: FeedPlan) -> dict[str, Made]:
        """The editions of a newsletter, each with its stories' headlines and teasers."""
        found, newsletter = [], self._site.newsletters[plan.name]
        for edition in editions.pressed(db, plan.name, plan.entries):
            placements = editions.placed_in(db, edition.id)
            known = [(placed, self._memory.index.get(placed.article_id)) for placed in placements]
            told = [(placed, listing) for placed, listing in known if listing and listing.public]
            leads = bool(told) and told[0][0] == placements[0]  # whom the subject names
            version = digest(edition, newsletter, leads, feeds.versions(listing for _, listing in told), self.edition)
            named = edition if leads else replace(edition, subject="")
            found.append((named, [placed for placed, _ in told], version))

        def view() -> FeedView:
            return self._view(plan, [self._letter(db, plan, *one) for one in found])

        return self._in_formats(plan, self._key(plan, newsletter, [version for _, _, version in found]), view)

    def _letter(
        self, db: Connection, plan: FeedPlan, edition: Edition, placed: Sequence[Placement], version: str
    ) -> Entry:
        publication, newsletter = self._site.publication, self._site.newsletters[plan.name]
        told = articles.by_ids(db, (one.article_id for one in placed))
        shown = layout.view(edition, newsletter, publication, placed, told, publication.url)
        titles = [story.article.title for story in shown.stories]
        moment = edition.pressed_at or edition.composed_at
        return Entry(
            id=f"{self._tags[plan.path]}/{edition_path(edition).rpartition('/')[2].removesuffix('.html')}",
            version=version,
            url=shown.url,
            title=edition.subject
            or " · ".join([*(story.article.title for story in shown.stories[:1]), newsletter.title]),
            body=page.edition_body(shown, self._site.templates),
            summary=" · ".join(titles[1:4]),
            updated=moment,
            published=moment,
            language=shown.language,
        )

    def _entries(self, db: Connection, listings: Sequence[Listing]) -> list[Entry]:
        return self._memory.entries(db, self._site, listings, self.edition)

    def _key(self, plan: FeedPlan, *deciding: object) -> str:
        last = max(self._archives.get(plan.path, ()), default=0)
        return digest(self.edition, plan, self._tags[plan.path], self._hubs, last, self._site.syndication, *deciding)

    def _in_formats(self, plan: FeedPlan, key: str, view: Callable[[], FeedView]) -> dict[str, Made]:
        view = cache(view)  # laid out when the first format is made, for all of them

        def make(form: str) -> bytes:
            return feed.render(view(), form, self._memory.fragments)

        return {f"{plan.path}/{FILES[form]}": Made(key, partial(make, form)) for form in plan.formats}

    def _view(
        self, plan: FeedPlan, entries: Sequence[Entry], tombstones: Sequence[Tombstone] = (), archive: int = 0
    ) -> FeedView:
        site, pages = self._site, self._archives.get(plan.path, {})
        publication, most = site.publication, site.syndication.max_bytes
        fitted = entries if archive else feed.fitted(entries, plan.formats, most, self._memory.fragments)
        moments = [entry.updated for entry in entries] + [tombstone.at for tombstone in tombstones]
        letter = site.newsletters[plan.name] if plan.of == "newsletter" else None
        title = publication.name if plan.of == "everything" else f"{publication.name}: {plan.title}"
        return FeedView(
            publication=publication,
            id=f"{self._tags[plan.path]}/archive-{archive}" if archive else self._tags[plan.path],
            title=title,
            description=(letter and letter.description) or publication.description or title,
            path=plan.path,
            home=f"{publication.url}/",
            language=plan.language or publication.language,
            updated=max(moments, default=site.founded),
            entries=fitted,
            tombstones=tombstones,
            hubs=() if archive else self._hubs,
            archive=archive,
            previous=max((number for number in pages if not archive or number < archive), default=0),
            max_age=site.syndication.max_age,
        )

    def _groups(self) -> list[FeedGroup]:
        url, groups = self._site.publication.url, dict[Of, list[FeedLink]]()
        for plan in self.plans:
            links = {form: f"{url}/{plan.path}/{FILES[form]}" for form in plan.formats}
            groups.setdefault(plan.of, []).append(FeedLink(plan.title, plan.level, plan.language, links))
        return [FeedGroup(of, links) for of, links in groups.items()]

    def _stylesheet(self) -> Made:
        own, templates = self._site.root / FOLDER / "feed.css", self._site.templates
        if own.is_file():
            return given(own.read_bytes())
        return Made(self.edition, lambda: page.feed_stylesheet(templates).encode())


def _move_sections(engine: Engine, site: Site) -> None:
    """The articles and readers of a section that moved go with it."""
    moves, paths = Moves(site.syndication.moved), {section.path for section in site.publication.sections}
    if not moves.moved:
        return
    with database.reading(engine) as db:
        known = (feeds.sections(db) | moves.moved.keys()) - paths
        going = [
            (old, new) for old in sorted(known) if (new := moves.place(old)) in paths and feeds.in_section(db, old)
        ]
    if going:
        with database.writing(engine) as db:
            for old, new in going:
                feeds.move_section(db, old, str(new))


def _outlines(groups: Sequence[FeedGroup]) -> list[Outline]:
    """The publication's and its sections' feeds, and the others under a heading."""
    found: list[Outline] = []
    for group in groups:
        outlines = tuple(_outline(one) for one in group.feeds)
        plain = group.kind in ("everything", "section")
        found += outlines if plain else [Outline(_HEADINGS[group.kind], children=outlines)]
    return found


def _outline(link: FeedLink) -> Outline:
    form, url = next(iter(link.links.items()))
    return Outline(link.title, url, language=link.language, version=_OPML_VERSIONS[form])
