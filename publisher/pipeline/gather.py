"""Gather: ask each source for what changed, clean it, file it.

All sources are asked at once, so that a slow one keeps nobody waiting; what they answer is read and filed one after
the other. Each fetch is one transaction of its own: a crash leaves a source as it was, and the next fetch repeats it.
Safe to repeat: an article that is known is updated or left alone.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import StatementError

from publisher.clean import article as cleaning
from publisher.clean import urls
from publisher.clean.article import Cleaned
from publisher.clean.text import one_line
from publisher.errors import Problem, PublisherError, SourceError
from publisher.model.article import Article, Change
from publisher.ports import Fetched, Source
from publisher.store import database, filing
from publisher.store import sources as records
from publisher.store.filing import Filed
from publisher.store.recognition import Candidate, Shelf
from publisher.store.sources import SourceRecord

log = structlog.get_logger()

_SLACK = timedelta(seconds=5)
_LONGEST_BACK_OFF = timedelta(hours=1)
_MOST_PARTS = 10_000  # of one source, one after the other; more is a server that pages for ever
_NEWS_OF_NO_NEWS = timedelta(hours=1)  # how often it is written down that nothing changed
_MORE, _TELLS = "more", "tells"  # notes beside a source's own state: it has parts left; it can take stories back
_LONGEST_PROBLEM = 1000
_FEW = 5  # articles that may vanish from a source at once without a question


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
    withdrawn: int = 0
    problems: tuple[Problem, ...] = ()
    error: str = ""
    unchanged: bool = True

    def plus(self, part: "Gathered") -> "Gathered":
        """This and what another part of the same source brought."""
        return Gathered(
            self.source,
            self.new + part.new,
            self.updated + part.updated,
            self.same + part.same,
            self.withdrawn + part.withdrawn,
            self.problems + part.problems,
            part.error,
            self.unchanged and part.unchanged,
        )


@dataclass(frozen=True, slots=True)
class _Round:
    """One round of gathering. `withdraw` allows a source to lose most of its articles at once.

    `configured` are the newsroom's sources, asked or not; `telling` those that can say what they hold no more.
    `seconds` is how long one source may go on handing over parts; the rest waits for the next round. At the `desk` one
    answer at a time is read and filed: two would fight for one interpreter, and each is held in memory.
    """

    engine: Engine
    now: datetime
    dry_run: bool
    withdraw: bool
    configured: frozenset[str]
    telling: frozenset[str]
    seconds: float
    desk: asyncio.Lock = field(default_factory=asyncio.Lock)

    def shelf(self, name: str, present: frozenset[str] | None) -> Shelf:
        telling = self.telling | {name} if present is not None else self.telling
        return Shelf(self.configured, telling, present)


def due(
    engine: Engine, assignments: Sequence[Assignment], now: datetime, asked: Mapping[str, datetime] | None = None
) -> list[Assignment]:
    """The sources whose time has come; one that fails is asked ever less often, up to an hour apart.

    `asked` is when this process asked them last, since that is not written down where nothing changed.
    """
    with database.reading(engine) as db:
        known = records.load(db)
    last = asked or {}
    return [one for one in assignments if _is_due(one, known.get(one.source.name), last.get(one.source.name), now)]


def _is_due(assignment: Assignment, record: SourceRecord | None, asked: datetime | None, now: datetime) -> bool:
    if record is None:
        return True
    if record.not_before and now < record.not_before:
        return False
    if record.state.get(_MORE) and not record.failures:
        return True
    wait = max(assignment.every, min(assignment.every * 2 ** min(record.failures, 12), _LONGEST_BACK_OFF))
    last = max(record.checked_at, asked or record.checked_at)
    return bool(last + wait - _SLACK <= now)


def waiting(engine: Engine, assignments: Sequence[Assignment], now: datetime) -> dict[str, datetime]:
    """The sources that asked to be left alone, and until when (Retry-After)."""
    with database.reading(engine) as db:
        known = records.load(db)
    asked = [known[one.source.name] for one in assignments if one.source.name in known]
    return {one.name: one.not_before for one in asked if one.not_before and now < one.not_before}


async def gather(
    engine: Engine,
    assignments: Sequence[Assignment],
    now: datetime,
    *,
    http: AbstractAsyncContextManager[Any] | None = None,
    configured: Iterable[str] = (),
    seconds: float = inf,
    dry_run: bool = False,
    withdraw: bool = False,
    done: Callable[[Gathered], None] = lambda gathered: None,
) -> list[Gathered]:
    """Ask all sources at once; a dry run files nothing and counts what would be filed.

    `http` is the client that the sources use, opened for the round; `configured` are the names of all sources where
    only some are asked; `seconds` is how long a source may hand over parts; `done` is told of each source as it ends.
    """
    with database.reading(engine) as db:
        known = records.load(db)
    names = frozenset(configured) | {one.source.name for one in assignments}
    telling = frozenset(name for name in names if name in known and known[name].state.get(_TELLS))
    turn = _Round(engine, now, dry_run, withdraw, names, telling, seconds)

    async def one(assignment: Assignment) -> Gathered:
        name = assignment.source.name
        try:
            gathered = await _one(turn, assignment, known.get(name))
        except Exception as error:  # noqa: BLE001 - what cannot even be written down must not end the others' round
            gathered = Gathered(name, error=f"{name} failed inside Publisher: {error}.", unchanged=False)
        done(gathered)
        return gathered

    async with http or nullcontext():
        return list(await asyncio.gather(*map(one, assignments)))


async def _one(turn: _Round, assignment: Assignment, record: SourceRecord | None) -> Gathered:
    source, rules = assignment.source, _rules(assignment.desk)
    gathered = Gathered(source.name)
    started = asyncio.get_running_loop().time()
    try:
        state: Mapping[str, Any] = record.state if record and record.state.get("rules") == rules else {}
        for _ in range(_MOST_PARTS):
            answer = await source.ask(state, turn.now)
            async with turn.desk:
                read = await asyncio.to_thread(_read, assignment, answer, state, turn.now)
                part, after = await asyncio.to_thread(_file, turn, assignment, record, read, rules)
            gathered, record, state = gathered.plus(part), after, after.state
            if not read.fetched.more or asyncio.get_running_loop().time() - started > turn.seconds:
                return gathered
        raise SourceError(f"{source.name} hands over part after part without an end; {_MOST_PARTS:,} were read.")
    except PublisherError as error:
        later = error.not_before if isinstance(error, SourceError) else None
        return gathered.plus(await asyncio.to_thread(_failed, turn, source.name, record, str(error), later))
    except Exception as error:  # noqa: BLE001 - a source we do not know must not stop the others
        reason = f"{source.name} failed inside Publisher: {type(error).__name__}: {error}."
        afresh = replace(record, state={}) if record else None  # what it remembered may be what broke it
        return gathered.plus(await asyncio.to_thread(_failed, turn, source.name, afresh, reason, None))


@dataclass(frozen=True, slots=True)
class Trial:
    """What one fetch of a source would bring; `more` says that it would be asked again at once."""

    articles: tuple[Article, ...]
    problems: tuple[Problem, ...]
    more: bool


async def attempt(
    assignment: Assignment, now: datetime, *, http: AbstractAsyncContextManager[Any] | None = None
) -> Trial:
    """Ask a source as if for the first time, and file nothing."""
    async with http or nullcontext():
        answer = await assignment.source.ask({}, now)
        fetched = await asyncio.to_thread(assignment.source.read, answer, {}, now)
    problems = list(fetched.problems)
    candidates = _cleaned(fetched, assignment, problems)
    return Trial(tuple(one.article for one in candidates), tuple(problems), fetched.more)


def _rules(desk: cleaning.Desk) -> str:
    """A digest of how articles are read: other rules read everything again."""
    return hashlib.sha256(repr(desk).encode()).hexdigest()[:16]


def _failed(turn: _Round, name: str, record: SourceRecord | None, reason: str, later: datetime | None) -> Gathered:
    reason = one_line(reason)[:_LONGEST_PROBLEM]
    before = record or SourceRecord(name, {}, turn.now)
    failed = replace(before, checked_at=turn.now, failures=before.failures + 1, problems=(reason,), not_before=later)
    if not turn.dry_run:
        with database.writing(turn.engine) as db:
            records.remember(db, failed)
    return Gathered(name, error=reason, unchanged=False)


@dataclass(frozen=True, slots=True)
class _Read:
    """An answer, read and cleaned."""

    fetched: Fetched
    candidates: list[Candidate]
    problems: list[Problem]


def _read(assignment: Assignment, answer: object, state: Mapping[str, Any], now: datetime) -> _Read:
    fetched = assignment.source.read(answer, state, now)
    problems = list(fetched.problems)
    return _Read(fetched, _cleaned(fetched, assignment, problems), problems)


def _file(
    turn: _Round, assignment: Assignment, record: SourceRecord | None, read: _Read, rules: str
) -> tuple[Gathered, SourceRecord]:
    """File what was read, and remember how far the source was.

    All at once; where the database refuses that, again and one by one.
    """
    try:
        return _file_with(turn, assignment, record, read, rules, _filed_at_once)
    except StatementError:
        return _file_with(turn, assignment, record, read, rules, _filed_one_by_one)


def _file_with(
    turn: _Round,
    assignment: Assignment,
    record: SourceRecord | None,
    read: _Read,
    rules: str,
    file: Callable[..., list[Filed]],
) -> tuple[Gathered, SourceRecord]:
    name, fetched, problems = assignment.source.name, read.fetched, list(read.problems)
    present = None if fetched.present is None else frozenset(map(one_line, fetched.present))
    shelf = turn.shelf(name, present)
    with database.writing(turn.engine) as db:
        prefix = f"tag:{assignment.desk.publication.host},{turn.now:%Y-%m-%d}:articles/"
        filed = file(db, read.candidates, prefix, turn.now, shelf, problems)
        gone = _withdrawn(db, turn, name, shelf, problems)
        counts = Counter(one.change for one in filed)
        news = counts[Change.NEW] + counts[Change.UPDATED] + gone > 0
        notes = {"rules": rules, _MORE: fetched.more, _TELLS: present is not None or name in turn.telling}
        after = SourceRecord(
            name,
            {**fetched.state, **notes},
            checked_at=turn.now,
            changed_at=turn.now if news else (record.changed_at if record else None),
            problems=tuple(one_line(str(problem))[:_LONGEST_PROBLEM] for problem in problems),
        )
        if news or _is_news(record, after):
            records.remember(db, after)
        if turn.dry_run:
            db.rollback()
    if not turn.dry_run:
        _log_repairs(name, filed)
    new, updated, same = (counts[change] for change in (Change.NEW, Change.UPDATED, Change.SAME))
    return Gathered(name, new, updated, same, gone, tuple(problems), unchanged=fetched.unchanged), after


def _is_news(before: SourceRecord | None, after: SourceRecord) -> bool:
    """Whether a fetch that filed nothing is worth a row: something else changed, or the last row is old."""
    if before is None or after.checked_at - before.checked_at >= _NEWS_OF_NO_NEWS:
        return True
    return replace(before, checked_at=after.checked_at) != after


def _cleaned(fetched: Fetched, assignment: Assignment, problems: list[Problem]) -> list[Candidate]:
    """The articles of a fetch as candidates; one that breaks the cleaning is reported and left out."""
    cleaned: dict[str, Cleaned] = {}
    for raw in fetched.articles:
        try:
            one = cleaning.clean(raw, assignment.source.name, assignment.desk)
        except Exception as error:  # noqa: BLE001 - one poisoned article is reported, the others are filed
            problems.append(Problem(raw.where, f"cannot be cleaned: {type(error).__name__}: {error}."))
            continue
        problems += one.problems
        if one.article and one.article.source_id in cleaned:
            again = f'its id "{one.article.source_id}" is another article\'s too.'
            problems.append(Problem(raw.where, again, "It is left out; give it an id of its own."))
        elif one.article:
            cleaned[one.article.source_id] = one
    found = [(one, one.article, urls.key(one.article.url)) for one in cleaned.values() if one.article]
    uses = Counter(address for _, _, address in found)
    # An address that several entries share, a podcast's or a live blog's, tells none of them apart.
    return [
        Candidate(
            article, address if uses[address] == 1 else None, one.words_key, one.repairs, one.minor, one.correction
        )
        for one, article, address in found
    ]


def _filed_at_once(
    db: Connection, candidates: Sequence[Candidate], prefix: str, now: datetime, shelf: Shelf, _: list[Problem]
) -> list[Filed]:
    return filing.file(db, candidates, prefix, now, shelf)


def _filed_one_by_one(
    db: Connection,
    candidates: Sequence[Candidate],
    prefix: str,
    now: datetime,
    shelf: Shelf,
    problems: list[Problem],
) -> list[Filed]:
    """File each within a savepoint of its own, so that only one that the database refuses is left out."""
    filed = []
    for candidate in candidates:
        try:
            with db.begin_nested():
                filed += filing.file(db, [candidate], prefix, now, shelf)
        except StatementError as error:
            where = f"{candidate.article.source}: {candidate.article.source_id}"
            problems.append(Problem(where, f"cannot be filed: {error.orig}."))
    return filed


def _withdrawn(db: Connection, turn: _Round, name: str, shelf: Shelf, problems: list[Problem]) -> int:
    """How many articles were withdrawn because the source does not hold them any more.

    A source that seems to have lost most of what it had is likelier to be ill than to mean it.
    """
    if shelf.present is None:
        return 0
    gone, known = filing.missing(db, name, shelf.present)
    if len(gone) > max(_FEW, known // 2) and not turn.withdraw:
        message = f"{len(gone)} of its {known} articles are not there any more; none was withdrawn."
        problems.append(Problem(name, message, f"If that is right: publisher gather {name} --withdraw"))
        return 0
    return len(filing.withdraw(db, name, gone, turn.now, shelf))


def _log_repairs(name: str, filed: Sequence[Filed]) -> None:
    for one in filed:
        if one.candidate.repairs and one.change is not Change.SAME:
            counted = ", ".join(f"{kind} {number}" for kind, number in sorted(one.candidate.repairs.items()))
            log.info("repaired", article=one.article_id, source=name, repairs=counted)
