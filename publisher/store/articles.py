"""Articles as readers and editors ask for them; `filing` is what writes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from publisher.model.article import (
    Access,
    Article,
    Author,
    Change,
    Correction,
    Filing,
    Image,
    Origin,
    Related,
    Rule,
    Status,
)
from publisher.model.newsletter import EVERYTHING
from publisher.store import corrections
from publisher.store.database import chunks
from publisher.store.schema import (
    article_addresses,
    article_history,
    article_origins,
    article_sections,
    articles,
    editions,
    placements,
)

_ID = re.compile(r"[0-9]{1,9}")
MOMENT = func.coalesce(articles.c.published, articles.c.first_seen)


def newest(db: Connection, now: datetime, sections: Iterable[str] = (EVERYTHING,), limit: int = 50) -> list[Article]:
    """Public articles of the sections and their children, each once, newest first."""
    query = _public(now).where(in_sections(sections)).order_by(MOMENT.desc(), articles.c.id.desc()).limit(limit)
    return _load(db, query)


def unplaced(
    db: Connection, already: Select[tuple[int]], sections: Iterable[str], since: datetime, now: datetime
) -> list[Article]:
    """Public articles of the sections, not older than `since`, that no edition in `already` carries."""
    query = _public(now).where(in_sections(sections), since <= MOMENT, articles.c.id.not_in(already))
    return _load(db, query.order_by(MOMENT.desc(), articles.c.id.desc()))


def by_ids(db: Connection, ids: Iterable[int]) -> dict[int, Article]:
    wanted = (select(articles).where(articles.c.id.in_(part)) for part in chunks(ids))
    return {article.id: article for query in wanted for article in _load(db, query)}


def listed(db: Connection, limit: int) -> list[Article]:
    """The newest articles, withheld ones included, for an editor."""
    return _load(db, select(articles).order_by(MOMENT.desc(), articles.c.id.desc()).limit(limit))


def find(db: Connection, name: str, url_key: str | None = None) -> Article | None:
    """By id, slug, address, or the comparable form of any address that it ever had."""
    ever = select(article_addresses.c.article_id).where(article_addresses.c.url_key == (url_key or ""))
    same = or_(
        articles.c.slug == name,
        articles.c.url == name,
        articles.c.id == (int(name) if _ID.fullmatch(name) else -1),
        articles.c.id.in_(ever),
    )
    found = _load(db, select(articles).where(same).limit(1))
    return found[0] if found else None


def count(db: Connection) -> int:
    return db.scalar(select(func.count()).select_from(articles)) or 0


def count_public(db: Connection, now: datetime) -> int:
    return db.scalar(select(func.count()).select_from(_public(now).subquery())) or 0


def is_public(now: datetime) -> ColumnElement[bool]:
    """A condition: the article may be printed."""
    instants = (articles.c.published, articles.c.embargo)
    return and_(articles.c.status == Status.USABLE, *(or_(one.is_(None), one <= now) for one in instants))


def _public(now: datetime) -> Select[Any]:
    return select(articles).where(is_public(now))


def in_sections(sections: Iterable[str]) -> Any:
    """A condition: the article stands in one of the sections or below it."""
    chosen = list(sections)
    if EVERYTHING in chosen:
        return articles.c.id.is_not(None)
    column = article_sections.c.section
    below = [or_(column == path, column.startswith(f"{path}/", autoescape=True)) for path in chosen]
    return articles.c.id.in_(select(article_sections.c.article_id).where(or_(False, *below)))


@dataclass(frozen=True, slots=True)
class Placed:
    """An edition that holds an article."""

    edition: int
    newsletter: str
    cadence: str
    state: str
    section: str


def origins(db: Connection, article_id: int) -> list[Origin]:
    """Under which ids its sources know an article, the first first."""
    query = select(article_origins).where(article_origins.c.article_id == article_id)
    rows = db.execute(query.order_by(article_origins.c.filed_at, article_origins.c.source, article_origins.c.source_id))
    return [Origin(row.source, row.source_id, Rule(row.rule), row.filed_at, row.gone_at) for row in rows]


def addresses(db: Connection, article_id: int) -> list[str]:
    """Every address that an article has had, without scheme, `www.` and tracking."""
    query = select(article_addresses.c.url_key).where(article_addresses.c.article_id == article_id)
    return list(db.scalars(query.order_by(article_addresses.c.url_key)))


def history(db: Connection, article_id: int) -> list[Filing]:
    """What became of an article, the oldest first."""
    columns = article_history.c["at", "source", "source_id", "change", "rule", "fields", "repairs"]
    query = select(*columns).where(article_history.c.article_id == article_id).order_by(article_history.c.id)
    return [_filing(row) for row in db.execute(query).mappings()]


def _filing(row: Mapping[Any, Any]) -> Filing:
    named = {"change": Change(row["change"]), "rule": Rule(row["rule"]), "fields": tuple(row["fields"])}
    return Filing(**{**row, **named})


def editions_with(db: Connection, article_id: int) -> list[Placed]:
    columns = editions.c["id", "newsletter", "cadence", "state"]
    query = select(*columns, placements.c.section).join_from(placements, editions)
    rows = db.execute(query.where(placements.c.article_id == article_id).order_by(editions.c.id, placements.c.position))
    return [Placed(row.id, row.newsletter, row.cadence, row.state, row.section) for row in rows]


def count_by_source(db: Connection) -> dict[str, int]:
    query = select(articles.c.source, func.count()).where(articles.c.status == Status.USABLE)
    return {row[0]: row[1] for row in db.execute(query.group_by(articles.c.source))}


def _load(db: Connection, query: Select[Any]) -> list[Article]:
    rows = db.execute(query).mappings().all()
    sections: dict[int, list[str]] = {row["id"]: [] for row in rows}
    order = (article_sections.c.article_id, article_sections.c.position)
    for ids in chunks(sections):
        wanted = article_sections.c.article_id.in_(ids)
        for row in db.execute(select(article_sections).where(wanted).order_by(*order)):
            sections[row.article_id].append(row.section)
    notes = corrections.of(db, sections)
    return [_article(row, sections[row["id"]], notes.get(row["id"], ())) for row in rows]


def _article(row: Mapping[Any, Any], sections: Sequence[str], notes: Sequence[Correction]) -> Article:
    plain = {key: value for key, value in row.items() if key not in ("words_key", "shown_at")}
    return Article(
        **{
            **plain,
            "authors": tuple(Author(**author) for author in row["authors"]),
            "image": Image(**row["image"]) if row["image"] else None,
            "related": tuple(Related(**one) for one in row["related"]),
            "status": Status(row["status"]),
            "access": Access(row["access"]),
            "tags": tuple(row["tags"]),
            "sections": tuple(sections),
            "corrections": tuple(notes),
        }
    )
