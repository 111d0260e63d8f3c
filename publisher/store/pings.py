"""Pings to hubs: what is to be announced to whom, and how the last one ended. One row for each hub and topic.

A topic is the address of a feed document; its digest is that of the bytes to be announced. WebSub leaves the ping
itself to publisher and hub (§6), and what is here is what both need to agree on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from publisher.store.schema import pings


@dataclass(frozen=True, slots=True)
class Ping:
    """`tries` counts failures in a row; `due_at` is None where nothing is to be done.

    `succeeded` tells of the last ping that ended, `reply` in words.
    """

    hub: str
    topic: str
    digest: str
    tries: int = 0
    due_at: datetime | None = None
    succeeded: bool = False
    reply: str = ""


def load(db: Connection) -> list[Ping]:
    return [Ping(**row) for row in db.execute(select(pings).order_by(pings.c.hub, pings.c.topic)).mappings()]


def due(db: Connection, now: datetime) -> list[Ping]:
    query = select(pings).where(pings.c.due_at <= now).order_by(pings.c.due_at, pings.c.topic, pings.c.hub)
    return [Ping(**row) for row in db.execute(query).mappings()]


def note(db: Connection, hubs: Sequence[str], topics: Mapping[str, str], now: datetime) -> None:
    """Let each hub hear of topics, by digest, whose bytes it has not heard of; forget hubs that are ours no more."""
    db.execute(delete(pings).where(pings.c.hub.not_in(hubs)))
    known = {(one.hub, one.topic): one for one in load(db)}
    for hub in hubs:
        for topic, digest in topics.items():
            old = known.get((hub, topic))
            if old is None:
                new = Ping(hub, topic, digest, due_at=now)
                db.execute(insert(pings).values({name: getattr(new, name) for name in Ping.__slots__}))
            elif old.digest != digest:
                db.execute(update(pings).where(_same(old)).values(digest=digest, **_again(old, now)))


def _again(old: Ping, now: datetime) -> dict[str, Any]:
    """A hub that fails is not asked more often for all the news; one that was given up is tried again."""
    if old.tries and old.due_at:
        return {}
    return {"tries": min(old.tries, 1), "due_at": now}


def record(db: Connection, ping: Ping, reply: str, due_at: datetime | None, *, succeeded: bool) -> None:
    """Write down how a ping ended; where its topic changed meanwhile, the newer bytes stay due."""
    ended = {"succeeded": succeeded, "reply": reply, "tries": 0 if succeeded else ping.tries + 1}
    db.execute(update(pings).where(_same(ping)).values(ended))
    db.execute(update(pings).where(_same(ping), pings.c.digest == ping.digest).values(due_at=due_at))


def postpone(db: Connection, ping: Ping, reply: str, due_at: datetime) -> None:
    """Try later, through no fault of the hub's."""
    db.execute(update(pings).where(_same(ping)).values(reply=reply, due_at=due_at))


def forget(db: Connection, ping: Ping) -> None:
    db.execute(delete(pings).where(_same(ping)))


def working(db: Connection, hubs: Sequence[str]) -> tuple[str, ...]:
    """The hubs that were pinged and whose last ping of every topic succeeded, in their order."""
    if not hubs:
        return ()
    query = select(*pings.c["hub", "succeeded"]).where((pings.c.tries > 0) | pings.c.succeeded)
    ended: dict[str, list[bool]] = {}
    for hub, succeeded in db.execute(query):
        ended.setdefault(hub, []).append(succeeded)
    return tuple(hub for hub in hubs if all(ended.get(hub, [False])))


def failing(db: Connection) -> list[Ping]:
    """The pings whose last try failed."""
    return [ping for ping in load(db) if ping.tries and not ping.succeeded]


def _same(ping: Ping) -> ColumnElement[bool]:
    return and_(pings.c.hub == ping.hub, pings.c.topic == ping.topic)
