"""Articles: filed once, updated in place, the same article for life."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, or_, select, update

from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import EVERYTHING
from publisher.store.schema import article_origins, article_sections, articles


class Change(StrEnum):
    NEW = "new"
    UPDATED = "updated"
    SAME = "same"


def file(db: Connection, article: Article, url_key: str | None, tag_prefix: str, now: datetime) -> Change:
    """Store an article under its identity: (source, source id) first, then the canonical address.

    A story known from another source gains a second origin and keeps the first source's text.
    """
    known = _by_origin(db, article) or _by_address(db, article, url_key)
    if known is None:
        _insert(db, article, url_key, tag_prefix, now)
        return Change.NEW
    if known.source != article.source or known.content_hash == article.content_hash:
        return Change.SAME
    _update(db, known, article, url_key, now)
    return Change.UPDATED


def _by_origin(db: Connection, article: Article) -> Row[Any] | None:
    same = and_(article_origins.c.source == article.source, article_origins.c.source_id == article.source_id)
    return db.execute(select(articles).join(article_origins).where(same)).first()


def _by_address(db: Connection, article: Article, url_key: str | None) -> Row[Any] | None:
    if url_key is None:
        return None
    known = db.execute(select(articles).where(articles.c.url_key == url_key)).first()
    if known is not None:
        _add_origin(db, article, known.id)
    return known


def _add_origin(db: Connection, article: Article, article_id: int) -> None:
    db.execute(
        insert(article_origins).values(source=article.source, source_id=article.source_id, article_id=article_id)
    )


def _insert(db: Connection, article: Article, url_key: str | None, tag_prefix: str, now: datetime) -> None:
    slug = _free_slug(db, article)
    values = _columns(article) | {
        "url_key": url_key,
        "slug": slug,
        "tag": f"{tag_prefix}{slug}",
        "first_seen": now,
        "updated": article.modified or article.published or now,
    }
    article_id: int = db.scalars(insert(articles).values(values).returning(articles.c.id)).one()
    _add_origin(db, article, article_id)
    _set_sections(db, article_id, article.sections)


def _update(db: Connection, known: Row[Any], article: Article, url_key: str | None, now: datetime) -> None:
    taken = url_key is not None and db.scalar(
        select(articles.c.id).where(articles.c.url_key == url_key, articles.c.id != known.id)
    )
    newer = article.modified if article.modified and article.modified > known.updated else now
    values = _columns(article) | {"url_key": known.url_key if taken else url_key, "updated": newer}
    db.execute(update(articles).where(articles.c.id == known.id).values(values))
    _set_sections(db, known.id, article.sections)


def _columns(article: Article) -> dict[str, Any]:
    return {
        "source": article.source,
        "source_id": article.source_id,
        "url": article.url,
        "kind": article.kind,
        "headline": article.headline,
        "standfirst": article.standfirst,
        "teaser": article.teaser,
        "body": article.body,
        "authors": [asdict(author) for author in article.authors],
        "image": asdict(article.image) if article.image else None,
        "tags": list(article.tags),
        "language": article.language,
        "words": article.words,
        "usable": article.usable,
        "published": article.published,
        "modified": article.modified,
        "content_hash": article.content_hash,
    }


def _free_slug(db: Connection, article: Article) -> str:
    """The wanted slug, or where another article has it, one with as much of the article's own digest as it takes."""
    base = article.slug or "article"
    digest = hashlib.sha256(f"{article.source}\n{article.source_id}".encode()).hexdigest()
    wanted = [base, *(f"{base}-{digest[:length]}" for length in (6, 12, 64))]
    taken = set(db.scalars(select(articles.c.slug).where(articles.c.slug.in_(wanted))))
    return next(slug for slug in wanted if slug not in taken)


def _set_sections(db: Connection, article_id: int, sections: Sequence[str]) -> None:
    db.execute(delete(article_sections).where(article_sections.c.article_id == article_id))
    if sections:
        rows = [
            {"article_id": article_id, "position": position, "section": section}
            for position, section in enumerate(sections)
        ]
        db.execute(insert(article_sections), rows)


_ID = re.compile(r"[0-9]{1,9}")
_MOST_PARAMETERS = 10_000  # PostgreSQL takes 65,535 in a statement
_MOMENT = func.coalesce(articles.c.published, articles.c.first_seen)


def newest(db: Connection, now: datetime, sections: Iterable[str] = (EVERYTHING,), limit: int = 50) -> list[Article]:
    """Public articles of the sections and their children, each once, newest first."""
    query = _public(now).where(in_sections(sections)).order_by(_MOMENT.desc(), articles.c.id.desc()).limit(limit)
    return _load(db, query)


def unplaced(
    db: Connection, already: Select[tuple[int]], sections: Iterable[str], since: datetime, now: datetime
) -> list[Article]:
    """Public articles of the sections, not older than `since`, that no edition in `already` carries."""
    query = _public(now).where(in_sections(sections), since <= _MOMENT, articles.c.id.not_in(already))
    return _load(db, query.order_by(_MOMENT.desc(), articles.c.id.desc()))


def by_ids(db: Connection, ids: Iterable[int]) -> dict[int, Article]:
    return {article.id: article for article in _load(db, select(articles).where(articles.c.id.in_(list(ids))))}


def listed(db: Connection, limit: int) -> list[Article]:
    """The newest articles, withheld ones included, for an editor."""
    return _load(db, select(articles).order_by(_MOMENT.desc(), articles.c.id.desc()).limit(limit))


def find(db: Connection, name: str) -> Article | None:
    """By id, slug or address."""
    same = or_(
        articles.c.slug == name,
        articles.c.url == name,
        articles.c.id == (int(name) if _ID.fullmatch(name) else -1),
    )
    found = _load(db, select(articles).where(same).limit(1))
    return found[0] if found else None


def count(db: Connection) -> int:
    return db.scalar(select(func.count()).select_from(articles)) or 0


def count_public(db: Connection, now: datetime) -> int:
    return db.scalar(select(func.count()).select_from(_public(now).subquery())) or 0


def _public(now: datetime) -> Select[Any]:
    released = or_(articles.c.published.is_(None), articles.c.published <= now)
    return select(articles).where(articles.c.usable, released)


def in_sections(sections: Iterable[str]) -> Any:
    """A condition: the article stands in one of the sections or below it."""
    chosen = list(sections)
    if EVERYTHING in chosen:
        return articles.c.id.is_not(None)
    column = article_sections.c.section
    below = [or_(column == path, column.startswith(f"{path}/", autoescape=True)) for path in chosen]
    return articles.c.id.in_(select(article_sections.c.article_id).where(or_(False, *below)))


def _load(db: Connection, query: Select[Any]) -> list[Article]:
    rows = db.execute(query).mappings().all()
    sections: dict[int, list[str]] = {row["id"]: [] for row in rows}
    order = (article_sections.c.article_id, article_sections.c.position)
    for ids in _chunks(list(sections)):
        wanted = article_sections.c.article_id.in_(ids)
        for row in db.execute(select(article_sections).where(wanted).order_by(*order)):
            sections[row.article_id].append(row.section)
    return [_article(row, sections[row["id"]]) for row in rows]


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _MOST_PARAMETERS] for start in range(0, len(ids), _MOST_PARAMETERS))


def _article(row: Mapping[Any, Any], sections: Sequence[str]) -> Article:
    plain = {key: value for key, value in row.items() if key != "url_key"}
    return Article(
        **{
            **plain,
            "authors": tuple(Author(**author) for author in row["authors"]),
            "image": Image(**row["image"]) if row["image"] else None,
            "tags": tuple(row["tags"]),
            "sections": tuple(sections),
        }
    )
