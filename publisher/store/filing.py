"""File articles: recognise each, insert what is new, update what changed, withdraw what is gone.

One story, one identity for life: by (source, source id) first, then by any address it ever had, then, where a source
gave it another id, by its headline and date or by its words. Called within a transaction for all articles of one
fetch. Safe to repeat: what is known and the same is left alone.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, insert, select, update

from publisher.model.article import Article, Author, Change, Image, Related, Rule, Status
from publisher.store.database import chunks
from publisher.store.schema import article_addresses, article_history, article_origins, article_sections, articles


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cleaned article to be filed.

    `address` is its comparable address, None where that does not tell it from others; `words_key` a digest of its
    words, None where they are few; `repairs` what cleaning had to mend.
    """

    article: Article
    address: str | None = None
    words_key: str | None = None
    repairs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a candidate."""

    candidate: Candidate
    article_id: int
    change: Change
    rule: Rule


_RECOGNISED_BY = articles.c["id", "source", "content_hash", "headline", "published", "updated", "words_key"]


def file(db: Connection, candidates: Sequence[Candidate], tag_prefix: str, now: datetime) -> list[Filed]:
    """File candidates of one source; their order is kept.

    A story known from another source gains a second origin and keeps the first source's text.
    """
    if not candidates:
        return []
    known = _Known(db, candidates)
    matches = [(candidate, *known.match(candidate)) for candidate in candidates]
    fresh = [candidate for candidate, row, _ in matches if row is None]
    inserted = dict(zip(map(id, fresh), _insert(db, fresh, tag_prefix, now), strict=True))
    filed = []
    for candidate, row, rule in matches:
        if row is None:
            filed.append(Filed(candidate, inserted[id(candidate)], Change.NEW, rule))
            continue
        change = _change(row, candidate)
        if change is Change.UPDATED:
            _update(db, row, candidate, rule, now)
        filed.append(Filed(candidate, row.id, change, rule))
    _remember_origins(db, known, filed, now)
    _remember_addresses(db, known, filed)
    return filed


def _change(row: Row[Any], candidate: Candidate) -> Change:
    anothers = row.source != candidate.article.source and row.content_hash != ""
    return Change.SAME if anothers or row.content_hash == candidate.article.content_hash else Change.UPDATED


class _Known:
    """What the store knows that candidates might be, loaded in a few queries."""

    def __init__(self, db: Connection, candidates: Sequence[Candidate]) -> None:
        self.source = candidates[0].article.source
        ids = [candidate.article.source_id for candidate in candidates]
        self.origins = {row.source_id: row for row in _rows(db, self._by_origin(), article_origins.c.source_id, ids)}
        keys = {candidate.address for candidate in candidates if candidate.address}
        self.addresses = {row.url_key: row for row in _rows(db, self._by_address(), article_addresses.c.url_key, keys)}
        own = (row.id for row in self.origins.values())
        self._addressed = {
            row.article_id for row in _rows(db, select(article_addresses), article_addresses.c.article_id, own)
        }
        strangers = [one for one in candidates if one.article.source_id not in self.origins]
        strangers = [one for one in strangers if one.address not in self.addresses]
        # An article whose own id came in this fetch too is not one of these under another id.
        self._taken = {row.id for row in self.origins.values()}
        words = {one.words_key for one in strangers if one.words_key}
        dates = {one.article.published for one in strangers if one.article.published}
        self._words = {row.words_key: row for row in _rows(db, self._of_source(), articles.c.words_key, words)}
        found = _rows(db, self._of_source(), articles.c.published, dates)
        self._headlines = {(row.headline, row.published): row for row in found}

    def _by_origin(self) -> Select[Any]:
        query = select(*_RECOGNISED_BY, *article_origins.c["source_id", "gone_at"]).join_from(article_origins, articles)
        return query.where(article_origins.c.source == self.source)

    def _by_address(self) -> Select[Any]:
        return select(*_RECOGNISED_BY, article_addresses.c.url_key).join_from(article_addresses, articles)

    def _of_source(self) -> Select[Any]:
        return select(*_RECOGNISED_BY).where(articles.c.source == self.source)

    def match(self, candidate: Candidate) -> tuple[Row[Any] | None, Rule]:
        """The article that a candidate is, and the rule that says so."""
        own = self.origins.get(candidate.article.source_id)
        at = self.addresses.get(candidate.address) if candidate.address else None
        if own is not None:
            return (None, Rule.REUSED_ID) if self._is_another_story(own, candidate, at) else (own, Rule.ID)
        if at is not None:
            return at, Rule.ADDRESS
        article = candidate.article
        rules = {
            Rule.HEADLINE: self._headlines.get((article.headline, article.published)) if article.published else None,
            Rule.WORDS: self._words.get(candidate.words_key) if candidate.words_key else None,
        }
        for rule, row in rules.items():
            if row is not None and row.id not in self._taken:
                self._taken.add(row.id)
                return row, rule
        return None, Rule.NEW

    def _is_another_story(self, own: Row[Any], candidate: Candidate, at: Row[Any] | None) -> bool:
        """Whether nothing but the id is left; where date, address or words are unknown, the benefit of the doubt."""
        article = candidate.article
        moved = candidate.address is not None and own.id in self._addressed and (at is None or at.id != own.id)
        other_date = None not in (own.published, article.published) and own.published != article.published
        other_words = None not in (own.words_key, candidate.words_key) and own.words_key != candidate.words_key
        return moved and other_date and other_words and own.headline != article.headline


def _rows(db: Connection, query: Select[Any], column: Any, values: Iterable[Any]) -> list[Row[Any]]:
    return [row for part in chunks(values) for row in db.execute(query.where(column.in_(part)))]


def _insert(db: Connection, fresh: Sequence[Candidate], tag_prefix: str, now: datetime) -> list[int]:
    if not fresh:
        return []
    rows = []
    for candidate, slug in zip(fresh, _free_slugs(db, fresh), strict=True):
        article = candidate.article
        first = {"first_seen": now, "updated": article.modified or article.published or now}
        rows.append({**_columns(candidate), "slug": slug, "tag": f"{tag_prefix}{slug}", **first})
    inserting = insert(articles).returning(articles.c.id, sort_by_parameter_order=True)
    ids = list(db.scalars(inserting, rows))
    _insert_sections(db, zip(ids, (candidate.article for candidate in fresh), strict=True))
    return ids


def _update(db: Connection, known: Row[Any], candidate: Candidate, rule: Rule, now: datetime) -> None:
    article = candidate.article
    before = db.execute(select(articles).where(articles.c.id == known.id)).mappings().one()
    sections = _sections_of(db, known.id)
    newer = article.modified if article.modified and article.modified > known.updated else now
    values = _columns(candidate)
    db.execute(update(articles).where(articles.c.id == known.id).values(**values, updated=newer))
    db.execute(delete(article_sections).where(article_sections.c.article_id == known.id))
    _insert_sections(db, [(known.id, article)])
    fields = [name for name, value in values.items() if name in _SHOWN and before[name] != value]
    if sections != article.sections:
        fields.append("sections")
    remember(db, [_entry(known.id, candidate, Change.UPDATED, rule, now, fields)])


_SHOWN = {
    "url", "kind", "headline", "standfirst", "teaser", "body", "authors", "image", "related", "tags", "language",
    "status", "access", "published", "embargo", "comments",
}  # fmt: skip


def _columns(candidate: Candidate) -> dict[str, Any]:
    article = candidate.article
    plain = {
        name: getattr(article, name)
        for name in (
            "source", "source_id", "url", "kind", "headline", "standfirst", "teaser", "body", "language", "words",
            "published", "modified", "embargo", "comments", "content_hash",
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


def _free_slugs(db: Connection, fresh: Sequence[Candidate]) -> list[str]:
    """The wanted slugs, or where others have them, ones with as much of the articles' own digests as it takes."""
    wishes = [_wishes(candidate.article) for candidate in fresh]
    query = select(articles.c.slug)
    taken = {row.slug for row in _rows(db, query, articles.c.slug, (slug for wish in wishes for slug in wish))}
    slugs = []
    for wish in wishes:
        slugs.append(next(slug for slug in wish if slug not in taken))
        taken.add(slugs[-1])
    return slugs


def _wishes(article: Article) -> list[str]:
    base = article.slug or "article"
    digest = hashlib.sha256(f"{article.source}\n{article.source_id}".encode()).hexdigest()
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


def _remember_origins(db: Connection, known: _Known, filed: Sequence[Filed], now: datetime) -> None:
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
        elif before.gone_at is not None:
            db.execute(update(article_origins).where(_here(known.source, source_id)).values(gone_at=None))
    if origins:
        db.execute(insert(article_origins), origins)
    remember(db, entries)


def _here(source: str, source_id: str) -> ColumnElement[bool]:
    return and_(article_origins.c.source == source, article_origins.c.source_id == source_id)


def _remember_addresses(db: Connection, known: _Known, filed: Sequence[Filed]) -> None:
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


def missing(db: Connection, source: str, present: frozenset[str]) -> tuple[list[str], int]:
    """(the ids under which we know articles of a source that are not `present` there, how many we know)."""
    own = (article_origins.c.source == source) & article_origins.c.gone_at.is_(None)
    known = list(db.scalars(select(article_origins.c.source_id).where(own)))
    return [source_id for source_id in known if source_id not in present], len(known)


def withdraw(db: Connection, source: str, source_ids: Iterable[str], now: datetime) -> list[int]:
    """Withhold what a source does not hold any more; return the articles.

    A story that another source still holds stays, and takes that source's text when it next changes. Its content
    hash is cleared either way, so that whoever brings it again brings it back.
    """
    withheld = []
    for source_id in source_ids:
        here = _here(source, source_id)
        article_id = db.scalar(select(article_origins.c.article_id).where(here))
        db.execute(update(article_origins).where(here).values(gone_at=now))
        elsewhere = (article_origins.c.article_id == article_id) & article_origins.c.gone_at.is_(None)
        others = set(db.scalars(select(article_origins.c.source).where(elsewhere)))
        if others:
            ours = (articles.c.id == article_id) & (articles.c.source == source)
            if source not in others:  # else it only has another id there
                db.execute(update(articles).where(ours).values(content_hash=""))
            continue
        values = {"status": Status.WITHHELD.value, "content_hash": ""}
        db.execute(update(articles).where(articles.c.id == article_id).values(values))
        gone = {"change": Change.WITHDRAWN.value, "rule": Rule.ABSENCE.value, "fields": ["status"], "repairs": {}}
        remember(db, [{"article_id": article_id, "at": now, "source": source, "source_id": source_id, **gone}])
        withheld.append(article_id)
    return [article_id for article_id in withheld if article_id is not None]
