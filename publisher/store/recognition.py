"""Recognise articles: by id, by any address they ever had, by headline and date, by their words.

Reads only; `filing` writes. The rules are argued in docs/decisions/0005.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from publisher.model.article import Article, Rule
from publisher.store.database import chunks
from publisher.store.schema import article_addresses, article_origins, articles


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cleaned article to be filed.

    `address` is its comparable address, None where that does not tell it from others; `words_key` a digest of its
    words, None where they are few; `repairs` what cleaning had to mend. `minor` says that its last change is not to be
    announced, `correction` what was wrong before.
    """

    article: Article
    address: str | None = None
    words_key: str | None = None
    repairs: Mapping[str, int] = field(default_factory=dict)
    minor: bool = False
    correction: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is known around the candidates.

    `sources` are those that are configured, `telling` those of them that can say what they hold no more; None where all
    are. `present` are the ids of all that the candidates' own source holds, None where it cannot tell.
    """

    sources: Collection[str] | None = None
    telling: Collection[str] | None = None
    present: Collection[str] | None = None

    def is_configured(self, source: str) -> bool:
        return self.sources is None or source in self.sources

    def tells(self, source: str) -> bool:
        return self.telling is None or source in self.telling


_RECOGNISED_BY = articles.c[
    "id", "source", "content_hash", "headline", "published", "updated", "words_key", "status", "embargo"
]


class Known:
    """What the store knows that candidates might be, loaded in a few queries."""

    def __init__(self, db: Connection, candidates: Sequence[Candidate], shelf: Shelf) -> None:
        self.source = candidates[0].article.source
        ids = {candidate.article.source_id for candidate in candidates}
        self.origins = {
            row.source_id: row for row in rows_where(db, self._by_origin(), article_origins.c.source_id, ids)
        }
        keys = {candidate.address for candidate in candidates if candidate.address}
        self.addresses = {
            row.url_key: row for row in rows_where(db, self._by_address(), article_addresses.c.url_key, keys)
        }
        own = {row.id for row in self.origins.values()}
        found = rows_where(db, select(article_addresses), article_addresses.c.article_id, own)
        self._addressed = {row.article_id for row in found}
        strangers = [one for one in candidates if one.article.source_id not in self.origins]
        words = {one.words_key for one in strangers if one.words_key}
        dates = {one.article.published for one in strangers if one.article.published}
        self._words = {row.words_key: row for row in rows_where(db, self._of_source(), articles.c.words_key, words)}
        found = rows_where(db, self._of_source(), articles.c.published, dates)
        self._headlines = {(row.headline, row.published): row for row in found}
        maybe = {row.id for table in (self.addresses, self._words, self._headlines) for row in table.values()}
        origins = rows_where(db, self._ours(), article_origins.c.article_id, maybe)
        self._ours_ever = {row.article_id for row in origins}
        # An article whose own id stands beside this one, in this fetch or at the source, is another story.
        here = {*ids, *(shelf.present or ())}
        self._taken = own | {row.article_id for row in origins if row.gone_at is None and row.source_id in here}

    def _by_origin(self) -> Select[Any]:
        query = select(*_RECOGNISED_BY, *article_origins.c["source_id", "gone_at"]).join_from(article_origins, articles)
        return query.where(article_origins.c.source == self.source)

    def _by_address(self) -> Select[Any]:
        return select(*_RECOGNISED_BY, article_addresses.c.url_key).join_from(article_addresses, articles)

    def _of_source(self) -> Select[Any]:
        return select(*_RECOGNISED_BY).where(articles.c.source == self.source)

    def _ours(self) -> Select[Any]:
        return select(article_origins).where(article_origins.c.source == self.source)

    def match(self, candidate: Candidate) -> tuple[Row[Any] | None, Rule]:
        """The article that a candidate is, and the rule that says so."""
        own = self.origins.get(candidate.article.source_id)
        at = self.addresses.get(candidate.address) if candidate.address else None
        if own is not None:
            return (None, Rule.REUSED_ID) if self._is_reused(own, candidate, at) else (own, Rule.ID)
        if at is not None and at.id not in self._taken:
            another = at.id in self._ours_ever and _is_another_story(at, candidate)
            return (None, Rule.NEW) if another else self._take(at, Rule.ADDRESS)
        article = candidate.article
        titled = self._headlines.get((article.headline, article.published)) if article.published else None
        if titled is not None and titled.id not in self._taken and not self._is_beside(titled, candidate):
            return self._take(titled, Rule.HEADLINE)
        worded = self._words.get(candidate.words_key) if candidate.words_key else None
        if worded is not None and worded.id not in self._taken and not _is_repeated(worded, candidate):
            return self._take(worded, Rule.WORDS)
        return None, Rule.NEW

    def _take(self, row: Row[Any], rule: Rule) -> tuple[Row[Any], Rule]:
        self._taken.add(row.id)
        return row, rule

    def _is_reused(self, own: Row[Any], candidate: Candidate, at: Row[Any] | None) -> bool:
        """Whether nothing but the id is left; where date, address or words are unknown, the benefit of the doubt."""
        moved = candidate.address is not None and own.id in self._addressed and (at is None or at.id != own.id)
        return (moved or own.gone_at is not None) and _is_another_story(own, candidate)

    def _is_beside(self, row: Row[Any], candidate: Candidate) -> bool:
        """Two editorials of one day: other words at another address."""
        return _differ(row.words_key, candidate.words_key) and candidate.address is not None


def _differ(one: object, other: object) -> bool:
    """Whether two values are both known and not the same."""
    return None not in (one, other) and one != other


def _is_another_story(row: Row[Any], candidate: Candidate) -> bool:
    article = candidate.article
    other_words = _differ(row.words_key, candidate.words_key)
    return other_words and _differ(row.published, article.published) and row.headline != article.headline


def _is_repeated(row: Row[Any], candidate: Candidate) -> bool:
    """The same words again under another headline on another day: a form, not a story."""
    return row.headline != candidate.article.headline and _differ(row.published, candidate.article.published)


def rows_where(db: Connection, query: Select[Any], column: Any, values: Iterable[Any]) -> list[Row[Any]]:
    return [row for part in chunks(values) for row in db.execute(query.where(column.in_(part)))]
