"""Syndicate: the site as files. Feeds, edition pages, article pages and the front page.

Each file is written beside its place and renamed into it, and left alone where its bytes are the same: a crash leaves
the old file or the new one. Safe to repeat. `.published` lists what we wrote, so that what is withdrawn is removed
and nobody else's file is touched.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, Engine

from publisher.model.article import Article
from publisher.model.newsletter import EVERYTHING, Newsletter, Publication, Section, Syndication, within
from publisher.render import feed as feeds
from publisher.render import page
from publisher.render.edition import Shelf, Story, article_path, article_url, edition_path
from publisher.render.environment import Templates, shipped
from publisher.store import articles, database, editions
from publisher.store import sources as records

_MANIFEST = ".published"
_FRONT_STORIES = 4
_FRONT_EDITIONS = 10


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """One feed to serve: a section's, or the whole publication's where `section` is None."""

    section: Section | None
    formats: tuple[str, ...]
    entries: int

    @property
    def path(self) -> str:
        return f"feeds/{self.section.path}" if self.section else "feeds"


@dataclass(frozen=True, slots=True)
class Site:
    """What the site is made of. `founded` dates the ids of feeds."""

    publication: Publication
    newsletters: Mapping[str, Newsletter]
    feeds: Sequence[FeedPlan]
    templates: Templates
    path: Path
    static: Path
    founded: datetime
    root: Path
    syndication: Syndication = Syndication()


@dataclass(frozen=True, slots=True)
class Built:
    """Paths below the site that changed, and how many stayed as they were."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    same: int


def fingerprint(engine: Engine, now: datetime) -> str:
    """What the site depends on, in one line: another one means that a build would find something to do."""
    with database.reading(engine) as db:
        gathered = {name: record.changed_at for name, record in records.load(db).items()}
        hidden = sum(map(len, editions.withdrawn_from(db, now).values()))
        return f"{gathered} {editions.last_pressed(db)} {articles.count_public(db, now)} {hidden}"


def build(engine: Engine, site: Site, now: datetime, only: str = "") -> Built:
    """Write what changed; `only` is `feeds`, `pages` or empty for both."""
    with database.reading(engine) as db:
        files = dict(_files(db, site, now, only))
    written = tuple(path for path, content in sorted(files.items()) if _write(site.path / path, content))
    removed = tuple(_remove_what_is_gone(site.path, set(files), keep=bool(only)))
    return Built(written, removed, len(files) - len(written))


def _files(db: Connection, site: Site, now: datetime, only: str) -> Iterator[tuple[str, bytes]]:
    if only != "pages":
        yield from _feeds(db, site, now)
        yield "feeds/feed.css", _own_or_shipped(site, "feeds/feed.css")
    if only != "feeds":
        yield "style.css", _own_or_shipped(site, "templates/web/style.css")
        yield from _static(site.static)
        yield from _pages(db, site, now)


def _own_or_shipped(site: Site, path: str) -> bytes:
    own = site.root / path
    return (own if own.is_file() else shipped() / path).read_bytes()


def _static(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if file.is_file() and not file.name.startswith("."):
            yield file.relative_to(folder).as_posix(), file.read_bytes()


def _feeds(db: Connection, site: Site, now: datetime) -> Iterator[tuple[str, bytes]]:
    bodies: dict[int, str] = {}
    for plan in site.feeds:
        sections = [plan.section.path] if plan.section else [EVERYTHING]
        found = articles.newest(db, now, sections, plan.entries)
        for article in found:
            if article.id not in bodies:
                bodies[article.id] = page.entry_body(article, site.publication, site.templates)
        view = _feed_view(plan, found, bodies, site)
        for form in plan.formats:
            yield f"{plan.path}/{feeds.FILES[form]}", feeds.render(view, form)


def _feed_view(plan: FeedPlan, found: Sequence[Article], bodies: Mapping[int, str], site: Site) -> feeds.FeedView:
    publication = site.publication
    entries = [
        feeds.FeedEntryView(
            article,
            article_url(article, publication.url),
            bodies[article.id],
            article.updated or site.founded,
        )
        for article in found
    ]
    title = f"{publication.name}: {plan.section.title}" if plan.section else publication.name
    return feeds.FeedView(
        publication=publication,
        id=f"tag:{publication.host},{site.founded:%Y-%m-%d}:{plan.path}",
        title=title,
        description=publication.description or f"News of {title}",
        path=plan.path,
        home=f"{publication.url}/",
        updated=max((entry.updated for entry in entries), default=site.founded),
        entries=entries,
    )


def _pages(db: Connection, site: Site, now: datetime) -> Iterator[tuple[str, bytes]]:
    pressed, withdrawn = editions.with_page(db), editions.withdrawn_from(db, now)
    for edition, content in pressed:
        gone = withdrawn.get(edition.id, ())
        yield edition_path(edition), page.published(content.decode(), gone).encode()
    public = articles.newest(db, now, limit=1_000_000)
    for article in public:
        if article.url is None:
            url = article_url(article, site.publication.url)
            yield (
                article_path(article),
                page.article_page(article, url, site.publication, site.templates).encode(),
            )
    front = page.FrontPage(
        moment=max(
            (article.published or article.first_seen or site.founded for article in public),
            default=site.founded,
        ),
        shelves=list(_front_shelves(public, site.publication)),
        editions=[
            (edition, site.newsletters[edition.newsletter].title, edition_path(edition))
            for edition, _ in pressed[:_FRONT_EDITIONS]
            if edition.newsletter in site.newsletters
        ],
        feeds=[
            (plan.section, {form: f"{plan.path}/{feeds.FILES[form]}" for form in plan.formats}) for plan in site.feeds
        ],
    )
    yield "index.html", page.front_page(front, site.publication, site.templates).encode()


def _front_shelves(public: Iterable[Article], publication: Publication) -> Iterator[Shelf]:
    """The newest stories of each top section, each story once."""
    shown: set[int] = set()
    stories = list(public)
    for section in publication.sections:
        if section.level == 1:
            own = [story for story in stories if story.id not in shown and _belongs(story, section)][:_FRONT_STORIES]
            shown.update(story.id for story in own)
            if own:
                placed = tuple(Story(n, story, article_url(story, ".")) for n, story in enumerate(own))
                yield Shelf(section, placed, ())


def _belongs(article: Article, section: Section) -> bool:
    return bool(article.sections) and within(article.sections[0], section.path)


def _write(path: Path, content: bytes) -> bool:
    """Write by rename; False where the file already holds these bytes."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.half")  # two builds at once must not meet
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    return True


def _remove_what_is_gone(site: Path, current: set[str], *, keep: bool) -> Iterator[str]:
    """Remove what an earlier build wrote and this one did not; a build of one part only remembers it all."""
    manifest = site / _MANIFEST
    try:
        before = json.loads(manifest.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        before = []
    if keep:
        _write(manifest, json.dumps(sorted(current.union(before)), indent=0).encode())
        return
    for path in before:
        inside = isinstance(path, str) and ".." not in PurePosixPath(path).parts and not path.startswith("/")
        if inside and path not in current and (site / path).is_file():
            (site / path).unlink()
            yield path
    _write(manifest, json.dumps(sorted(current), indent=0).encode())
