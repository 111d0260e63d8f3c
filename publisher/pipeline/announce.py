"""Announce: tell hubs which feeds have news, by WebSub, once the news is being served.

`note` writes down what is to be announced, so that no crash loses it; `ping` does what is due. A ping leaves only when
the topic's own address gives the bytes that it is about: a hub that comes for the news at once must find it.
How a round of pings ended is written down at its end: a crash repeats a round at most, which costs a hub one look.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import structlog
from sqlalchemy import Engine

from publisher.clean.text import one_line
from publisher.errors import FetchError
from publisher.ports import Client, Response
from publisher.render.feed import FILES
from publisher.store import database, pings
from publisher.store.pings import Ping

log = structlog.get_logger()

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=2)
_MOST_TRIES = 10  # over six hours; then the hub waits for the next news
_UNSERVED_WAIT = timedelta(minutes=1)
_LONGEST_REPLY = 200


@dataclass(frozen=True, slots=True)
class _Answer:
    """How a ping ended, in words. `later` is when the hub wants to be asked again, where it says so.

    `closed` says that the hub need not be asked by other topics now: it cannot be reached, or wants to be left alone.
    """

    reply: str
    succeeded: bool = False
    later: datetime | None = None
    closed: bool = False


@dataclass(slots=True)
class _Hub:
    """A hub in one round: told of one topic after the other, until an answer closes it."""

    url: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    closed: _Answer | None = None


@dataclass(slots=True)
class _Round:
    """What became of the pings of one round."""

    answered: list[tuple[Ping, _Answer]] = field(default_factory=list)
    unserved: list[tuple[Ping, str]] = field(default_factory=list)


def topics(paths: Iterable[str]) -> list[str]:
    """Those of a site's files that hubs hear of: feeds in their formats, no archives."""
    return [path for path in paths if path.startswith("feeds/") and path.rpartition("/")[2] in FILES.values()]


def note(engine: Engine, hubs: Sequence[str], site: Path, url: str, paths: Iterable[str], now: datetime) -> None:
    """Write down what hubs are to hear of: files below `site`, which are served below `url`.

    Topics without a file are forgotten: a feed that is not built any more, or not at that address.
    """
    digests = {
        f"{url}/{path}": _digest((site / path).read_bytes()) for path in topics(paths) if (site / path).is_file()
    }
    with database.reading(engine) as db:
        known = {(one.hub, one.topic): one.digest for one in pings.load(db)}
    gone = {topic for _, topic in known if not (site / topic.removeprefix(f"{url}/")).is_file()}
    news = any(known.get((hub, topic)) != digest for hub in hubs for topic, digest in digests.items())
    if news or gone or any(hub not in hubs for hub, _ in known):
        with database.writing(engine) as db:
            pings.note(db, hubs, digests, now, gone)


async def ping(engine: Engine, http: Client, now: datetime, seconds: float = 60, *, everything: bool = False) -> int:
    """Send the pings that are due, for at most so many seconds; return how many succeeded. The rest stay due.

    With `everything`, those too that wait for their time or were given up: a person asks, who knows that it is time.
    """
    waiting = await asyncio.to_thread(_waiting, engine, now, everything)
    by_topic: dict[str, list[Ping]] = {}
    for one in waiting:
        by_topic.setdefault(one.topic, []).append(one)
    hubs = {one.hub: _Hub(one.hub) for one in waiting}
    done = _Round()
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for topic in sorted(by_topic, key=_breadth):
                group.create_task(_topic(http, topic, by_topic[topic], hubs, now, done))
    except TimeoutError:
        log.warning("pings wait", left=len(waiting) - len(done.answered) - len(done.unserved))
    finally:
        if waiting:
            await asyncio.to_thread(_write, engine, done, now)
    return sum(answer.succeeded for _, answer in done.answered)


def _waiting(engine: Engine, now: datetime, everything: bool) -> list[Ping]:
    with database.reading(engine) as db:
        return pings.left(db) if everything else pings.due(db, now)


def _breadth(topic: str) -> int:
    """The publication's own feeds are followed by most, and come first; an author's last."""
    return topic.count("/")


async def _topic(
    http: Client, topic: str, waiting: Sequence[Ping], hubs: dict[str, _Hub], now: datetime, done: _Round
) -> None:
    served, why = await _served(http, topic)
    asked = [one for one in waiting if one.digest == served]
    done.unserved += [(one, why or "its new bytes are not served yet") for one in waiting if one.digest != served]
    async with asyncio.TaskGroup() as group:
        for one in asked:
            group.create_task(_ping(http, hubs[one.hub], one, now, done))


async def _served(http: Client, topic: str) -> tuple[str, str]:
    """(digest of what the topic's address gives, why it gives nothing)."""
    try:
        answer = await http.get(topic, {"cache-control": "no-cache"})
    except FetchError as error:
        return "", str(error)
    return (_digest(answer.content), "") if answer.status == 200 else ("", f"its address answers {answer.status}")


async def _ping(http: Client, hub: _Hub, one: Ping, now: datetime, done: _Round) -> None:
    async with hub.turn:
        answer = hub.closed or await _answer(http, hub.url, one.topic, now)
        if answer.closed:
            hub.closed = answer
    done.answered.append((one, answer))


async def _answer(http: Client, hub: str, topic: str, now: datetime) -> _Answer:
    # WebSub leaves the fields open. PubSubHubbub 0.4 §7 calls the address `hub.url`, others `hub.topic`: both are sent.
    fields = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
    try:
        answer = await http.post(hub, fields)
    except FetchError as error:
        return _Answer(one_line(str(error)), closed=True)
    if 200 <= answer.status < 300:
        return _Answer(_reply(answer), succeeded=True)
    later = answer.retry_after(now)
    return _Answer(_reply(answer), later=later, closed=later is not None)


def _reply(answer: Response) -> str:
    place = answer.headers.get("location", "")
    if 300 <= answer.status < 400 and place:
        words = f"it moved to {place}; write that address under [syndication] hubs"
    else:
        words = answer.content[:_LONGEST_REPLY].decode(errors="replace")
    return one_line(f"{answer.status} {words}")


def _write(engine: Engine, done: _Round, now: datetime) -> None:
    # Successes first: what they wake may have failed in this very round, and that waits for its own time.
    answered = [
        (one, answer, _due_at(one, answer, now))
        for one, answer in sorted(done.answered, key=lambda ended: not ended[1].succeeded)
    ]
    with database.writing(engine) as db:
        for one, why in done.unserved:
            pings.postpone(db, one, one_line(why), now + _UNSERVED_WAIT)
        for one, answer, due_at in answered:
            pings.record(db, one, answer.reply, due_at, succeeded=answer.succeeded)
            if answer.succeeded and one.tries:
                pings.wake(db, one.hub, now)
    for one, answer, due_at in answered:
        if answer.succeeded:
            log.info("announced", topic=one.topic, hub=one.hub)
        else:
            again = due_at or "when the feed changes"
            tries = one.tries + 1
            log.warning("not announced", topic=one.topic, hub=one.hub, reply=answer.reply, tries=tries, again=again)


def _due_at(one: Ping, answer: _Answer, now: datetime) -> datetime | None:
    """When it is sent again; None where it arrived, or is given up."""
    if answer.succeeded or one.tries + 1 >= _MOST_TRIES:
        return None
    return max(answer.later or now, now + _wait(one))


def _wait(one: Ping) -> timedelta:
    """Twice as long each time, and never for all topics at once."""
    chance = Random(f"{one.hub} {one.topic} {one.tries}")  # noqa: S311 - spreads load, keeps no secret
    wait: timedelta = min(_FIRST_WAIT * 2**one.tries, _LONGEST_WAIT) * chance.uniform(0.75, 1.25)
    return wait


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
