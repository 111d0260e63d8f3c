"""Corrections: what was wrong in a story, in plain words. They stay with it for life, whatever its source files next.

A note stands once, by its words. What an editor does is an entry of the article's history; what an editor took back is
kept there in words, so that a source that still says them does not bring them again. Each function is one step of its
caller's transaction.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from publisher.model.article import Article, Change, Correction, Rule
from publisher.store.database import chunks
from publisher.store.schema import article_history, articles, corrections

_EDITOR = "editor"


def of(db: Connection, article_ids: Iterable[int]) -> dict[int, list[Correction]]:
    """By article, the first first; an article without any is not in it."""
    found: dict[int, list[Correction]] = {}
    for ids in chunks(article_ids):
        for row in db.execute(_notes().where(corrections.c.article_id.in_(ids))):
            found.setdefault(row.article_id, []).append(Correction(row.at, row.note))
    return found


def _notes() -> Any:
    return select(corrections).order_by(corrections.c.article_id, corrections.c.at, corrections.c.id)


def is_new(db: Connection, article_id: int, note: str) -> bool:
    """Whether what a source says is neither printed yet nor taken back by an editor."""
    same = (corrections.c.article_id == article_id) & (corrections.c.note == note)
    if db.scalar(select(corrections.c.id).where(same).limit(1)):
        return False
    own = (article_history.c.article_id == article_id) & (article_history.c.rule == Rule.EDITOR)
    return not any(_taken_back(note) in fields for fields in db.scalars(select(article_history.c.fields).where(own)))


def add(db: Connection, notes: Iterable[tuple[int, datetime, str]]) -> None:
    """Write down notes: (article, since when it is right, the words)."""
    rows = [{"article_id": article_id, "at": at, "note": note} for article_id, at, note in notes]
    if rows:
        db.execute(insert(corrections), rows)


def correct(db: Connection, article: Article, note: str, now: datetime) -> bool:
    """An editor's correction, which readers are told of; False where the story says it already."""
    if any(one.note == note for one in article.corrections):
        return False
    add(db, [(article.id, now, note)])
    since = max(now, article.updated or now)  # later only of a story that is not out yet
    db.execute(update(articles).where(articles.c.id == article.id).values(updated=since))
    _remember(db, article.id, "correction", now)
    return True


def reword(db: Connection, article: Article, number: int, note: str, now: datetime) -> None:
    """Other words for a note, counted from 1, as of the same moment: a slip in a note is no news."""
    old = _row(db, article, number)
    add(db, [(article.id, old.at, note)])  # under an id of its own, by which feeds see that it changed
    _take_back(db, old, now)


def remove(db: Connection, article: Article, number: int, now: datetime) -> None:
    """Take a note back, counted from 1, as if it had never been said."""
    _take_back(db, _row(db, article, number), now)


def _row(db: Connection, article: Article, number: int) -> Row[Any]:
    row: Row[Any] = db.execute(_notes().where(corrections.c.article_id == article.id)).all()[number - 1]
    return row


def _take_back(db: Connection, row: Row[Any], now: datetime) -> None:
    db.execute(delete(corrections).where(corrections.c.id == row.id))
    _remember(db, row.article_id, _taken_back(row.note), now)


def _taken_back(note: str) -> str:
    return f"correction, taken back: {note}"


def _remember(db: Connection, article_id: int, what: str, now: datetime) -> None:
    entry = {"article_id": article_id, "at": now, "source": _EDITOR, "source_id": "", "repairs": {}}
    change = {"change": Change.UPDATED.value, "rule": Rule.EDITOR.value, "fields": [what]}
    db.execute(insert(article_history).values(**entry, **change))
