"""File articles: recognise each, insert what is new, update what changed, withdraw what is gone.

Called within a transaction for all articles of one fetch, so a crash files all of them or none. Safe to repeat: what is
known and the same is left alone.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from publisher.model.article import Article, Author, Change, Image, Related, Rule, Status
from publisher.store import corrections, edits
from publisher.store.recognition import Candidate, Known, Shelf, rows_where
from publisher.store.schema import article_addresses, article_history, article_origins, article_sections, articles


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a candidate."""

    candidate: Candidate
    article_id: int
    change: Change
    rule: Rule


_ALONE = Shelf()


def file(
    db: Connection, candidates: Sequence[Candidate], tag_prefix: str, now: datetime, shelf: Shelf = _ALONE
) -> list[Filed]:
    """File candidates of one source; their order is kept.

    A story known from another source gains a second origin and keeps the first source's text, as long as that source
    is configured; but whoever cancels it or holds it back is obeyed.
    """
    if not candidates:
        return []
    known = Known(db, candidates, shelf)
    matches = [(candidate, *known.match(candidate)) for candidate in candidates]
    fresh = [candidate for candidate, row, _ in matches if row is None]
    inserted = dict(zip(map(id, fresh), _insert(db, fresh, tag_prefix, now), strict=True))
    filed = []
    for candidate, row, rule in matches:
        if row is None:
            filed.append(Filed(candidate, inserted[id(candidate)], Change.NEW, rule))
        else:
            filed.append(Filed(candidate, row.id, _changed(db, row, candidate, rule, now, shelf), rule))
    _remember_origins(db, known, filed, now, shelf)
    _remember_addresses(db, known, filed)
    return filed


def _changed(db: Connection, row: Row[Any], candidate: Candidate, rule: Rule, now: datetime, shelf: Shelf) -> Change:
    article = candidate.article
    anothers = row.source != article.source and row.content_hash != "" and shelf.is_configured(row.source)
    if row.content_hash == article.content_hash:
        return Change.SAME
    if not anothers:
        _update(db, row, candidate, rule, now)
        return Change.UPDATED
    held = _held_back(row, article)
    if not held:
        return Change.SAME
    db.execute(update(articles).where(articles.c.id == row.id).values(**held, updated=max(now, row.updated)))
    remember(db, [_entry(row.id, candidate, Change.UPDATED, rule, now, sorted(held))])
    return Change.UPDATED


def _held_back(row: Row[Any], article: Article) -> dict[str, Any]:
    """What a source says against printing a story whose text is another's."""
    held: dict[str, Any] = {}
    if article.status is not Status.USABLE and row.status == Status.USABLE:
        held["status"] = article.status.value
    if article.embargo and (row.embargo is None or article.embargo > row.embargo):
        held["embargo"] = article.embargo
    return held


def _insert(db: Connection, fresh: Sequence[Candidate], tag_prefix: str, now: datetime) -> list[int]:
    if not fresh:
        return []
    rows = []
    for candidate, slug in zip(fresh, _free_slugs(db, fresh, now), strict=True):
        updated = edits.first_moment(candidate.article, now, corrected=bool(candidate.correction))
        first = {"first_seen": now, "updated": updated}
        rows.append({**_columns(candidate), "slug": slug, "tag": f"{tag_prefix}{slug}", **first})
    inserting = insert(articles).returning(articles.c.id, sort_by_parameter_order=True)
    ids = list(db.scalars(inserting, rows))
    _insert_sections(db, zip(ids, (candidate.article for candidate in fresh), strict=True))
    filed = zip(ids, rows, fresh, strict=True)
    corrections.add(db, ((key, row["updated"], one.correction) for key, row, one in filed if one.correction))
    return ids


def _update(db: Connection, known: Row[Any], candidate: Candidate, rule: Rule, now: datetime) -> None:
    article, same = candidate.article, articles.c.id == known.id
    row = db.execute(select(articles).where(same).with_for_update()).mappings().one()  # an editor may be correcting it
    before = {**row, "sections": _sections_of(db, known.id)}
    values = _columns(candidate)
    after = {**values, "sections": article.sections}
    corrected = bool(candidate.correction) and corrections.is_new(db, known.id, candidate.correction)
    news = corrected or edits.is_news(before, after, minor=candidate.minor)
    updated = edits.moment(before, after, now, news=news)
    db.execute(update(articles).where(same).values(**values, updated=updated))
    db.execute(delete(article_sections).where(article_sections.c.article_id == known.id))
    _insert_sections(db, [(known.id, article)])
    fields = edits.fields(before, after)
    if corrected:
        corrections.add(db, [(known.id, updated, candidate.correction)])
        fields.append("correction")
    if fields != ["replies"]:  # readers' comments are no edits, and would bury them
        remember(db, [_entry(known.id, candidate, Change.UPDATED, rule, now, fields)])


def _columns(candidate: Candidate) -> dict[str, Any]:
    article = candidate.article
    plain = {
        name: getattr(article, name)
        for name in (
            "source", "source_id", "url", "kind", "headline", "standfirst", "teaser", "body", "language", "words",
            "published", "modified", "embargo", "comments", "replies", "content_hash",
        )
    }  # fmt: skip
    return plain | {
        "authors": [_table(author) for author in article.authors],
        "image": _table(article.image) if article.image else None,
        "related": [_table(one) for one in article.related],
        "tags": list(article.tags),
        "status": article.status.value,
        "access": article.access.value,
        "origins": dict(article.origins),
        "words_key": candidate.words_key,
    }


def _table(one: Author | Image | Related) -> dict[str, str]:
    return {name: getattr(one, name) for name in one.__slots__}


def _free_slugs(db: Connection, fresh: Sequence[Candidate], now: datetime) -> list[str]:
    """The wanted slugs, or where others have them, ones with as much of the articles' own digests as it takes."""
    wishes = [_wishes(candidate.article, now) for candidate in fresh]
    query = select(articles.c.slug)
    taken = {row.slug for row in rows_where(db, query, articles.c.slug, (slug for wish in wishes for slug in wish))}
    slugs = []
    for wish in wishes:
        slugs.append(next((slug for slug in wish if slug not in taken), wish[-1]))
        taken.add(slugs[-1])
    return slugs


def _wishes(article: Article, now: datetime) -> list[str]:
    base = article.slug or "article"
    digest = hashlib.sha256(f"{article.source}\n{article.source_id}\n{now.isoformat()}".encode()).hexdigest()
    return [base, *(f"{base}-{digest[:length]}" for length in (6, 12, 64))]


def _sections_of(db: Connection, article_id: int) -> tuple[str, ...]:
    query = select(article_sections.c.section).where(article_sections.c.article_id == article_id)
    return tuple(db.scalars(query.order_by(article_sections.c.position)))


def _insert_sections(db: Connection, placed: Iterable[tuple[int, Article]]) -> None:
    rows = [
        {"article_id": article_id, "position": position, "section": section}
        for article_id, article in placed
        for position, section in enumerate(article.sections)
    ]
    if rows:
        db.execute(insert(article_sections), rows)


def _remember_origins(db: Connection, known: Known, filed: Sequence[Filed], now: datetime, shelf: Shelf) -> None:
    """Write down under which id the source knows each article now, and the history of what is new."""
    entries, origins = [], []
    for one in filed:
        source_id = one.candidate.article.source_id
        before = known.origins.get(source_id)
        if one.change is Change.NEW or (before is None and one.change is Change.SAME):
            entries.append(_entry(one.article_id, one.candidate, one.change, one.rule, now))
        if before is None:
            origin = {"source": known.source, "source_id": source_id, "article_id": one.article_id}
            origins.append({**origin, "rule": one.rule.value, "filed_at": now})
        elif before.id != one.article_id:
            values = {"article_id": one.article_id, "rule": one.rule.value, "filed_at": now, "gone_at": None}
            db.execute(update(article_origins).where(_here(known.source, source_id)).values(values))
            if shelf.present is not None:
                _let_go(db, before.id, known.source, source_id, shelf, now)
        elif before.gone_at is not None:
            db.execute(update(article_origins).where(_here(known.source, source_id)).values(gone_at=None))
    if origins:
        db.execute(insert(article_origins), origins)
    remember(db, entries)


def _here(source: str, source_id: str) -> ColumnElement[bool]:
    return and_(article_origins.c.source == source, article_origins.c.source_id == source_id)


def _remember_addresses(db: Connection, known: Known, filed: Sequence[Filed]) -> None:
    """An address that leads to an article leads there for good; another article's stays that one's."""
    rows = [
        {"url_key": one.candidate.address, "article_id": one.article_id}
        for one in filed
        if one.candidate.address and one.candidate.address not in known.addresses
    ]
    if rows:
        db.execute(insert(article_addresses), rows)


def _entry(
    article_id: int, candidate: Candidate, change: Change, rule: Rule, now: datetime, fields: Sequence[str] = ()
) -> dict[str, Any]:
    article = candidate.article
    return {
        "article_id": article_id,
        "at": now,
        "source": article.source,
        "source_id": article.source_id,
        "change": change.value,
        "rule": rule.value,
        "fields": list(fields),
        "repairs": dict(candidate.repairs),
    }


def remember(db: Connection, entries: Sequence[Mapping[str, Any]]) -> None:
    if entries:
        db.execute(insert(article_history), list(entries))


def missing(db: Connection, source: str, present: Collection[str]) -> tuple[list[str], int]:
    """(the ids under which we know articles of a source that are not `present` there, how many we know)."""
    own = (article_origins.c.source == source) & article_origins.c.gone_at.is_(None)
    known = list(db.scalars(select(article_origins.c.source_id).where(own)))
    return [source_id for source_id in known if source_id not in present], len(known)


def withdraw(db: Connection, source: str, source_ids: Iterable[str], now: datetime, shelf: Shelf = _ALONE) -> list[int]:
    """Withhold what a source does not hold any more; return the articles.

    A story that another source still holds, one that could tell if it did not, stays and takes that source's text
    when it next changes. The content hash is cleared, so that whoever brings the story again, a feed that still lists
    it for example, brings it back.
    """
    withheld = []
    for source_id in source_ids:
        here = _here(source, source_id)
        article_id = db.scalar(select(article_origins.c.article_id).where(here))
        db.execute(update(article_origins).where(here).values(gone_at=now))
        if article_id is not None and _let_go(db, article_id, source, source_id, shelf, now):
            withheld.append(article_id)
    return withheld


def _let_go(db: Connection, article_id: int, source: str, source_id: str, shelf: Shelf, now: datetime) -> bool:
    """Withhold an article that a source gave up, unless somebody else holds it; whether it was."""
    elsewhere = (article_origins.c.article_id == article_id) & article_origins.c.gone_at.is_(None)
    holders = set(db.scalars(select(article_origins.c.source).where(elsewhere)))
    if source in holders:  # it only has another id there
        return False
    article = articles.c.id == article_id
    if any(map(shelf.tells, holders)):
        db.execute(update(articles).where(article, articles.c.source == source).values(content_hash=""))
        return False
    row = db.execute(select(*articles.c["status", "updated"]).where(article)).one()
    # Readers would call it changed only where they could still read it; the tombstone dates from then.
    updated = max(now, row.updated) if row.status == Status.USABLE else row.updated
    values = {"status": Status.WITHHELD.value, "content_hash": "", "updated": updated}
    db.execute(update(articles).where(article).values(values))
    gone = {"change": Change.WITHDRAWN.value, "rule": Rule.ABSENCE.value, "fields": ["status"], "repairs": {}}
    remember(db, [{"article_id": article_id, "at": now, "source": source, "source_id": source_id, **gone}])
    return True
