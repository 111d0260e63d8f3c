"""The files of pages: the front page, editions, articles whose home is here, and what stands beside them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from publisher.model.article import Article
from publisher.model.newsletter import Edition
from publisher.pipeline.feed_plans import FeedPlan, Key, alternates
from publisher.pipeline.site import Memory, PageKey, Site, digest
from publisher.pipeline.site_folder import Made, given
from publisher.render import page
from publisher.render.edition import Shelf, Story, article_path, article_url, edition_path
from publisher.render.environment import shipped
from publisher.render.feed import FILES
from publisher.render.page import Alternate
from publisher.store import articles, editions, feeds
from publisher.store.feeds import Listing

_FRONT_STORIES = 4
_FRONT_EDITIONS = 10


def files(
    db: Connection, site: Site, memory: Memory, plans: Sequence[FeedPlan], edition: str, now: datetime
) -> dict[str, Made]:
    """Every file of the site that is no feed, by path; `edition` is the site's digest."""
    pressed, withdrawn = editions.pressed(db), editions.withdrawn_from(db, now)
    own = site.root / "templates/web/style.css"
    style = (own if own.is_file() else shipped() / "templates/web/style.css").read_bytes()
    return {
        "style.css": given(style),
        **{path: _copied(file) for path, file in _static(site.static)},
        **{edition_path(one): _edition(db, one, sorted(withdrawn.get(one.id, ()))) for one in pressed},
        **dict(_articles(db, site, memory, alternates(plans), edition)),
        "index.html": _front(db, site, memory, plans, edition, pressed[:_FRONT_EDITIONS]),
    }


def _static(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if file.is_file() and not file.name.startswith("."):
            yield file.relative_to(folder).as_posix(), file


def _copied(file: Path) -> Made:
    state = file.stat()
    return Made(digest(state.st_mtime_ns, state.st_size), file.read_bytes)


def _edition(db: Connection, edition: Edition, gone: Sequence[int]) -> Made:
    def make() -> bytes:
        return page.published((editions.page(db, edition.id) or b"").decode(), gone).encode()

    return Made(digest(edition.pressed_at, gone), make)


def _articles(
    db: Connection, site: Site, memory: Memory, named: Mapping[Key, Sequence[Alternate]], edition: str
) -> Iterator[tuple[str, Made]]:
    whole = digest(edition, named)
    for listing in memory.index.all():
        if listing.public and listing.own:
            known = memory.pages.get(listing.id)
            if known is None or known.whole != whole:
                own = tuple(one for key in _shelves(listing) for one in named.get(key, ()))
                known = memory.pages[listing.id] = PageKey(whole, digest(edition, listing.version, own), own)
            yield article_path(listing.slug), Made(known.key, partial(_article, db, site, listing.id, known.alternates))


def _shelves(listing: Listing) -> list[Key]:
    return [("section", path) for path in listing.sections] + [("author", name) for name in listing.handles]


def _article(db: Connection, site: Site, article_id: int, alternates: Sequence[Alternate]) -> bytes:
    article = articles.by_ids(db, [article_id])[article_id]
    url = article_url(article, site.publication.url)
    return page.article_page(article, url, site.publication, site.templates, alternates).encode()


def _front(
    db: Connection, site: Site, memory: Memory, plans: Sequence[FeedPlan], edition: str, pressed: Sequence[Edition]
) -> Made:
    """The newest stories of each top section, each story once."""
    publication, shown = site.publication, set[int]()
    shelves: list[tuple[str, list[Listing]]] = []
    for section in publication.sections:
        if section.level == 1:
            fresh = (listing for listing in memory.index.newest_in(section) if listing.id not in shown)
            shelves.append((section.path, list(islice(fresh, _FRONT_STORIES))))
            shown.update(listing.id for listing in shelves[-1][1])
    newest = next((one.moment for one in reversed(memory.index.all()) if one.public), site.founded)
    known = [one for one in pressed if one.newsletter in site.newsletters]
    letters = [(one, site.newsletters[one.newsletter].title, edition_path(one)) for one in known]
    links = [
        (publication.section(plan.name), {form: f"{plan.path}/{FILES[form]}" for form in plan.formats})
        for plan in plans
        if plan.of in ("everything", "section")
    ]

    def make() -> bytes:
        told = articles.by_ids(db, shown)
        filled = [
            Shelf(section, tuple(_stories(listings, told)), ())
            for path, listings in shelves
            if listings and (section := publication.section(path))
        ]
        return page.front_page(page.FrontPage(newest, filled, letters, links), publication, site.templates).encode()

    stories = [(path, feeds.versions(listings)) for path, listings in shelves]
    return Made(digest(edition, newest, stories, letters, links), make)


def _stories(listings: Iterable[Listing], told: Mapping[int, Article]) -> Iterator[Story]:
    for number, listing in enumerate(listings):
        article = told[listing.id]
        yield Story(number, article, article_url(article, "."))
