"""Announce: tell hubs which feeds have news, by WebSub, once the news is being served.

`note` writes down what is to be announced, so that no crash loses it; `ping` does what is due. A ping leaves only when
the topic's own address gives the bytes that it is about: a hub that comes for the news at once must find it.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import structlog
from sqlalchemy import Engine

from publisher.errors import FetchError
from publisher.ports import Client
from publisher.render.feed import FILES
from publisher.store import database, pings
from publisher.store.pings import Ping

log = structlog.get_logger()

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_MOST_TRIES = 10  # over a day and a half; then the hub waits for the next news
_UNSERVED_WAIT = timedelta(minutes=1)
_LONGEST_REPLY = 200


def topics(paths: Iterable[str]) -> list[str]:
    """Those of a site's files that hubs hear of: feeds in their formats, no archives."""
    return [path for path in paths if path.startswith("feeds/") and path.rpartition("/")[2] in FILES.values()]


def note(engine: Engine, hubs: Sequence[str], site: Path, url: str, paths: Iterable[str], now: datetime) -> None:
    """Write down what hubs are to hear of: files below `site`, which are served below `url`."""
    digests = {
        f"{url}/{path}": _digest((site / path).read_bytes()) for path in topics(paths) if (site / path).is_file()
    }
    with database.reading(engine) as db:
        known = {(one.hub, one.topic): one.digest for one in pings.load(db)}
    news = any(known.get((hub, topic)) != digest for hub in hubs for topic, digest in digests.items())
    if news or any(hub not in hubs for hub, _ in known):
        with database.writing(engine) as db:
            pings.note(db, hubs, digests, now)


async def ping(engine: Engine, http: Client, now: datetime, seconds: float = 60) -> int:
    """Send the pings that are due, for at most so many seconds; return how many succeeded. The rest stay due."""
    with database.reading(engine) as db:
        due = pings.due(db, now)
    by_topic: dict[str, list[Ping]] = {}
    for one in due:
        by_topic.setdefault(one.topic, []).append(one)
    done: list[bool] = []
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for topic, each in by_topic.items():
                group.create_task(_topic(engine, http, topic, each, now, done))
    except TimeoutError:
        log.warning("pings wait", left=len(due) - len(done))
    return sum(done)


async def _topic(
    engine: Engine, http: Client, topic: str, due: Sequence[Ping], now: datetime, done: list[bool]
) -> None:
    served, why = await _served(http, topic)
    for one in due:
        if served != one.digest:
            with database.writing(engine) as db:
                pings.postpone(db, one, why or "its new bytes are not served yet", now + _UNSERVED_WAIT)
            done.append(False)
        else:
            done.append(await _hub(engine, http, one, now))


async def _served(http: Client, topic: str) -> tuple[str, str]:
    """(digest of what the topic's address gives, why it gives nothing)."""
    try:
        answer = await http.get(topic, {"cache-control": "no-cache"})
    except FetchError as error:
        return "", str(error)
    return (_digest(answer.content), "") if answer.status == 200 else ("", f"its address answers {answer.status}")


async def _hub(engine: Engine, http: Client, one: Ping, now: datetime) -> bool:
    # WebSub leaves the fields open. PubSubHubbub 0.4 §7 calls the address `hub.url`, others `hub.topic`: both are sent.
    fields = {"hub.mode": "publish", "hub.url": one.topic, "hub.topic": one.topic}
    later, succeeded = None, False
    try:
        answer = await http.post(one.hub, fields)
        succeeded, later = 200 <= answer.status < 300, answer.retry_after(now)
        reply = f"{answer.status} {answer.content[:_LONGEST_REPLY].decode(errors='replace')}".strip()
    except FetchError as error:
        reply = str(error)
    due_at = None if succeeded or one.tries + 1 >= _MOST_TRIES else max(later or now, now + _wait(one))
    with database.writing(engine) as db:
        pings.record(db, one, " ".join(reply.split()), due_at, succeeded=succeeded)
    if succeeded:
        log.info("announced", topic=one.topic, hub=one.hub)
    else:
        log.warning("not announced", topic=one.topic, hub=one.hub, reply=reply, tries=one.tries + 1, again=due_at)
    return succeeded


def _wait(one: Ping) -> timedelta:
    """Twice as long each time, and never for all topics at once."""
    chance = Random(f"{one.hub} {one.topic} {one.tries}")  # noqa: S311 - spreads load, keeps no secret
    wait: timedelta = min(_FIRST_WAIT * 2**one.tries, _LONGEST_WAIT) * chance.uniform(0.75, 1.25)
    return wait


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
