"""Gather: ask each source for what changed, clean it, file it.

Each source is one transaction of its own: a crash leaves a source as it was, and the next fetch repeats it.
Safe to repeat: an article that is known is updated or left alone.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from publisher.clean import article as cleaning
from publisher.clean import urls
from publisher.errors import Problem, PublisherError
from publisher.model.article import RawArticle
from publisher.ports import Fetched, Source
from publisher.store import articles, database
from publisher.store import sources as records
from publisher.store.articles import Change

_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A source, how its articles are read, and how often it is asked."""

    source: Source
    desk: cleaning.Desk
    every: timedelta


@dataclass(frozen=True, slots=True)
class Gathered:
    """One source's news. `error` is set where nothing could be read; `unchanged` where nothing had to be."""

    source: str
    new: int = 0
    updated: int = 0
    same: int = 0
    problems: tuple[Problem, ...] = ()
    error: str = ""
    unchanged: bool = False


def due(engine: Engine, assignments: Sequence[Assignment], now: datetime) -> list[Assignment]:
    """The sources whose time has come; one that fails is asked ever less often, up to an hour apart."""
    with database.reading(engine) as db:
        known = records.load(db)
    return [one for one in assignments if _is_due(one, known.get(one.source.name), now)]


def _is_due(assignment: Assignment, record: records.SourceRecord | None, now: datetime) -> bool:
    if record is None:
        return True
    backed_off = max(assignment.every, min(assignment.every * 2 ** min(record.failures, 12), timedelta(hours=1)))
    return bool(now >= record.checked_at + backed_off - _SLACK)


async def gather(
    engine: Engine, assignments: Sequence[Assignment], now: datetime, *, dry_run: bool = False
) -> list[Gathered]:
    """Ask all sources at once; a dry run files nothing and counts what would be filed."""
    with database.reading(engine) as db:
        known = records.load(db)
    return list(
        await asyncio.gather(*(_one(engine, one, known.get(one.source.name), now, dry_run) for one in assignments))
    )


async def _one(
    engine: Engine, assignment: Assignment, record: records.SourceRecord | None, now: datetime, dry_run: bool
) -> Gathered:
    name, rules = assignment.source.name, _rules(assignment.desk)
    state: Mapping[str, Any] = record.state if record and record.state.get("rules") == rules else {}
    try:
        fetched = await assignment.source.fetch(state, now)
        state = {**fetched.state, "rules": rules}
        return await asyncio.to_thread(_file, engine, assignment, record, fetched, state, now, dry_run)
    except PublisherError as error:
        return await asyncio.to_thread(_failed, engine, name, record, str(error), now, dry_run)
    except Exception as error:  # noqa: BLE001 - a source we do not know must not stop the others
        reason = f"{name} failed inside Publisher: {type(error).__name__}: {error}."
        return await asyncio.to_thread(_failed, engine, name, record, reason, now, dry_run)


def _rules(desk: cleaning.Desk) -> str:
    """A digest of how articles are read: other rules read everything again."""
    return hashlib.sha256(repr(desk).encode()).hexdigest()[:16]


def _failed(
    engine: Engine, name: str, record: records.SourceRecord | None, reason: str, now: datetime, dry_run: bool
) -> Gathered:
    if not dry_run:
        with database.writing(engine) as db:
            records.remember(
                db,
                name,
                state=record.state if record else {},
                checked_at=now,
                changed_at=record.changed_at if record else None,
                failures=record.failures + 1 if record else 1,
                problems=[reason],
            )
    return Gathered(name, error=reason)


def _file_one(
    db: Connection, raw: RawArticle, source: str, desk: cleaning.Desk, now: datetime, *, own_address: bool
) -> tuple[Change | None, list[Problem]]:
    article, problems = cleaning.clean(raw, source, desk)
    if article is None:
        return None, problems
    prefix = f"tag:{desk.publication.host},{now:%Y-%m-%d}:articles/"
    # An address that several entries of one fetch share, a podcast's or a live blog's, tells none of them apart.
    key = urls.key(article.url) if own_address else None
    return articles.file(db, article, key, prefix, now), problems


def _file(
    engine: Engine,
    assignment: Assignment,
    record: records.SourceRecord | None,
    fetched: Fetched,
    state: Mapping[str, Any],
    now: datetime,
    dry_run: bool,
) -> Gathered:
    counts = dict.fromkeys(Change, 0)
    problems = list(fetched.problems)
    desk, name = assignment.desk, assignment.source.name
    addresses = [raw.url and urls.key(urls.absolute(raw.url, raw.base)) for raw in fetched.articles]
    uses = Counter(addresses)
    with database.writing(engine) as db:
        for raw, address in zip(fetched.articles, addresses, strict=True):
            try:
                with db.begin_nested():
                    change, found = _file_one(db, raw, name, desk, now, own_address=uses[address] == 1)
            except Exception as error:  # noqa: BLE001 - one poisoned article is reported, the others are filed
                change, found = None, [Problem(raw.where, f"cannot be filed: {type(error).__name__}: {error}.")]
            problems += found
            if change:
                counts[change] += 1
        changed = counts[Change.NEW] + counts[Change.UPDATED] > 0
        records.remember(
            db,
            name,
            state=state,
            checked_at=now,
            changed_at=now if changed else (record.changed_at if record else None),
            problems=[str(problem) for problem in problems],
        )
        if dry_run:
            db.rollback()
    return Gathered(
        name,
        counts[Change.NEW],
        counts[Change.UPDATED],
        counts[Change.SAME],
        tuple(problems),
        "",
        fetched.unchanged,
    )
