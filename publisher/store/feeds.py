"""What feeds remember: their ids, what was shown once, and archive pages, which stay as they were printed."""

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from publisher.clean.text import handle, one_line
from publisher.model.article import Status
from publisher.store.articles import is_public
from publisher.store.database import chunks
from publisher.store.schema import (
    archived,
    article_history,
    article_sections,
    articles,
    corrections,
    feed_archives,
    feeds,
    subscriptions,
)

_LATE = 2 * 86_400  # seconds: what is filed later than this after its date is history, not news


@dataclass(frozen=True, slots=True)
class Listing:
    """An article as feeds choose it. `version` differs whenever what readers see does.

    `moment` is its date, or when we first saw it; `appeared` is when readers could first have seen it here. `public`
    is False for one that was shown once and may not be any more, `withdrawn` where it is no more than that: one that
    was put off is still to come, and nobody hears of when. `own` says that its page is ours.
    """

    id: int
    tag: str
    slug: str
    version: str
    moment: datetime
    appeared: datetime
    updated: datetime
    sections: tuple[str, ...]
    authors: tuple[str, ...]
    kind: str
    own: bool
    public: bool
    withdrawn: bool
    shown: bool

    @property
    def handles(self) -> tuple[str, ...]:
        """Its authors as their feeds' addresses name them."""
        return tuple(map(handle, self.authors))


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the history of articles was read: how many entries there are, and the last one's number.

    `replies` are all that readers wrote: their number moves without an entry.
    """

    entries: int
    last: int
    replies: int


def changes(db: Connection, mark: Mark | None, before: datetime | None, now: datetime) -> tuple[Mark, set[int] | None]:
    """The articles that may have changed since a mark, or that time alone released since `before`.

    None stands for all of them: where there is no mark, and where an entry was written late by another process.
    """
    entries, last = db.execute(select(func.count(), func.coalesce(func.max(article_history.c.id), 0))).one()
    here = Mark(entries, last, _replies(db))
    if mark is None or before is None or before > now or here.replies != mark.replies:
        return here, None
    fresh = db.execute(select(article_history.c.article_id).where(article_history.c.id > mark.last)).scalars().all()
    if len(fresh) != entries - mark.entries:
        return here, None
    released = {*fresh}
    for instant in (articles.c.published, articles.c.embargo):
        released.update(db.scalars(select(articles.c.id).where(instant > before, instant <= now)))
    return here, released


def _replies(db: Connection) -> int:
    return db.scalar(select(func.sum(articles.c.replies)).where(articles.c.replies.is_not(None))) or 0


def census(db: Connection, now: datetime, ids: Collection[int] | None = None) -> list[Listing]:
    """Every article that may be printed or once was, or only those of these; in no order."""
    if ids is None:
        return _census(db, now, None)
    return [listing for part in chunks(ids) for listing in _census(db, now, part)]


def _census(db: Connection, now: datetime, ids: Collection[int] | None) -> list[Listing]:
    each = corrections.c.article_id
    counts = func.count().label("notes"), func.max(corrections.c.id).label("note")
    noted = select(each, *counts).group_by(each).subquery()
    names = (
        "id", "tag", "slug", "url", "content_hash", "replies", "published", "embargo", "first_seen", "updated",
        "authors", "kind", "shown_at", "status",
    )  # fmt: skip
    public = is_public(now)
    query = (
        select(*articles.c[names], *noted.c["notes", "note"], public.label("public"))
        .outerjoin(noted, noted.c.article_id == articles.c.id)
        .where(or_(public, articles.c.shown_at.is_not(None)))
    )
    placed = select(*article_sections.c["article_id", "section"])
    if ids is not None:
        query = query.where(articles.c.id.in_(ids))
        placed = placed.where(article_sections.c.article_id.in_(ids))
    sections: dict[int, list[str]] = {}
    for article_id, section in db.execute(placed.order_by(article_sections.c.article_id, article_sections.c.position)):
        sections.setdefault(article_id, []).append(section)
    return [_listing(row, tuple(sections.get(row["id"], ())), now) for row in db.execute(query).mappings()]


def _listing(row: RowMapping, sections: tuple[str, ...], now: datetime) -> Listing:
    published, seen = row["published"], row["first_seen"]
    moment = published or seen
    dated = max(moment, row["embargo"] or moment)
    late = seen > dated and (seen - dated).total_seconds() < _LATE
    return Listing(
        id=row["id"],
        tag=row["tag"],
        slug=row["slug"],
        version=" ".join(
            map(str, (row["content_hash"][:20], row["updated"], row["replies"], row["notes"], row["note"]))
        ),
        moment=moment,
        appeared=seen if late else dated,
        updated=row["updated"],
        sections=sections,
        authors=tuple(filter(None, (one_line(author.get("name", "")) for author in row["authors"]))),
        kind=row["kind"],
        own=row["url"] is None,
        public=bool(row["public"]),
        withdrawn=row["status"] != Status.USABLE and row["updated"] <= now,
        shown=row["shown_at"] is not None,
    )


def show(db: Connection, ids: Iterable[int], now: datetime) -> None:
    """Remember of articles that readers may have seen them."""
    for part in chunks(ids):
        db.execute(update(articles).where(articles.c.id.in_(part)).values(shown_at=now))


def moment(db: Connection, now: datetime) -> str:
    """Where the history of articles stands, and when time alone will next release one; by indexes alone."""
    last = db.scalar(select(func.max(article_history.c.id)))
    instants = (articles.c.published, articles.c.embargo)
    following = [db.scalar(select(func.min(one)).where(one > now)) for one in instants]
    return f"{last} {_replies(db)} {following}"


def tags(db: Connection) -> dict[str, str]:
    """The ids of feeds by path, for life."""
    return {row.path: row.tag for row in db.execute(select(feeds))}


def name(db: Connection, given: Mapping[str, str]) -> None:
    """Give feeds their ids, by path."""
    if given:
        db.execute(insert(feeds), [{"path": path, "tag": tag} for path, tag in given.items()])


def archive(db: Connection, feed: str, number: int, content: bytes, article_ids: Iterable[int]) -> str:
    """Keep a finished archive page and its articles; return its digest. IntegrityError where there is such a page."""
    packed = _packed(content)
    db.execute(insert(feed_archives).values(feed=feed, number=number, **packed))
    rows = [{"feed": feed, "article_id": article_id, "number": number} for article_id in article_ids]
    db.execute(insert(archived), rows)
    return str(packed["digest"])


def _packed(content: bytes) -> dict[str, Any]:
    return {"digest": hashlib.sha256(content).hexdigest(), "content": zlib.compress(content)}


def archived_among(db: Connection, ids: Iterable[int]) -> list[tuple[str, int, int]]:
    """(feed, archive page, article) of those of the articles that are archived."""
    columns = archived.c["feed", "number", "article_id"]
    query = (select(*columns).where(archived.c.article_id.in_(part)) for part in chunks(ids))
    return [(row.feed, row.number, row.article_id) for each in query for row in db.execute(each)]


def sections(db: Connection) -> set[str]:
    """Every section that an article is or was filed under."""
    return set(db.scalars(select(article_sections.c.section).distinct()))


def archived_in(db: Connection, feed: str) -> dict[int, int]:
    """In which of a feed's archive pages each of its articles is."""
    query = select(*archived.c["article_id", "number"]).where(archived.c.feed == feed)
    return {row.article_id: row.number for row in db.execute(query)}


def archives(db: Connection) -> dict[str, dict[int, str]]:
    """By feed, its archive pages in order, each with its digest."""
    found: dict[str, dict[int, str]] = {}
    order = (feed_archives.c.feed, feed_archives.c.number)
    for feed, number, digest in db.execute(select(*feed_archives.c["feed", "number", "digest"]).order_by(*order)):
        found.setdefault(feed, {})[number] = digest
    return found


def archive_page(db: Connection, feed: str, number: int) -> bytes:
    same = and_(feed_archives.c.feed == feed, feed_archives.c.number == number)
    content: bytes = db.execute(select(feed_archives.c.content).where(same)).scalar_one()
    return zlib.decompress(content)


def redact(db: Connection, feed: str, number: int, content: bytes, article_ids: Sequence[int]) -> str:
    """Replace an archive page by one without articles that may not be printed any more; return its digest.

    One that comes back is archived again, in a later page.
    """
    same = and_(feed_archives.c.feed == feed, feed_archives.c.number == number)
    packed = _packed(content)
    db.execute(update(feed_archives).where(same).values(packed))
    for part in chunks(article_ids):
        db.execute(delete(archived).where(archived.c.feed == feed, archived.c.article_id.in_(part)))
    return str(packed["digest"])


def move_section(db: Connection, old: str, new: str) -> None:
    """Let the articles and the readers of one section be another's."""
    same = article_sections.c.section == old
    doubled = select(article_sections.c.article_id).where(article_sections.c.section == new)
    db.execute(delete(article_sections).where(same, article_sections.c.article_id.in_(doubled)))
    db.execute(update(article_sections).where(same).values(section=new))
    for row in db.execute(select(subscriptions).where(subscriptions.c.sections.contains(old, autoescape=True))):
        chosen = " ".join(dict.fromkeys(new if path == old else path for path in row.sections.split()))
        this = and_(subscriptions.c.subscriber_id == row.subscriber_id, subscriptions.c.newsletter == row.newsletter)
        if chosen != row.sections:
            db.execute(update(subscriptions).where(this).values(sections=chosen))


def in_section(db: Connection, path: str) -> bool:
    """Whether any article or reader is in a section by this path."""
    placed = select(article_sections.c.article_id).where(article_sections.c.section == path)
    chosen = select(subscriptions.c.sections).where(subscriptions.c.sections.contains(path, autoescape=True))
    return db.scalar(placed.limit(1)) is not None or any(path in row.sections.split() for row in db.execute(chosen))


def versions(listings: Iterable[Listing]) -> list[Any]:
    """What of these articles decides the bytes of whatever shows them."""
    return [(one.id, one.version) for one in listings]
