"""Pings to hubs: what is to be announced to whom, and how the last one ended. One row for each hub and topic.

A topic is the address of a feed document; its digest is that of the bytes to be announced. WebSub leaves the ping
itself to publisher and hub (§6), and what is here is what both need to agree on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from publisher.store.schema import pings


@dataclass(frozen=True, slots=True)
class Ping:
    """`tries` counts failures in a row; `due_at` is None where nothing is to be done.

    `succeeded` tells of the last ping that ended; `reply` says in words how it ended, or why this one did not leave.
    """

    hub: str
    topic: str
    digest: str
    tries: int = 0
    due_at: datetime | None = None
    succeeded: bool = False
    reply: str = ""

    @property
    def is_failing(self) -> bool:
        """Whether the hub did not take the last one."""
        return bool(self.tries) and not self.succeeded

    @property
    def is_unserved(self) -> bool:
        """Whether it waits, by no fault of the hub's, for its topic to be served."""
        return self.due_at is not None and not self.tries and bool(self.reply)


def load(db: Connection) -> list[Ping]:
    return [Ping(**row) for row in db.execute(select(pings).order_by(pings.c.hub, pings.c.topic)).mappings()]


def due(db: Connection, now: datetime) -> list[Ping]:
    return _found(db, pings.c.due_at <= now)


def left(db: Connection) -> list[Ping]:
    """Everything that hubs have not heard of, due or not, what was given up too."""
    return _found(db, or_(pings.c.due_at.is_not(None), _fails()))


def _found(db: Connection, which: ColumnElement[bool]) -> list[Ping]:
    query = select(pings).where(which).order_by(pings.c.due_at, pings.c.topic, pings.c.hub)
    return [Ping(**row) for row in db.execute(query).mappings()]


def note(
    db: Connection, hubs: Sequence[str], topics: Mapping[str, str], now: datetime, gone: Collection[str] = ()
) -> None:
    """Let each hub hear of topics, by digest, whose bytes it has not heard of.

    Forget hubs that are ours no more, and topics that are `gone`: nobody can come for them, and a failure of theirs
    would be held against a hub for ever.
    """
    db.execute(delete(pings).where(or_(pings.c.hub.not_in(hubs), pings.c.topic.in_(gone))))
    known = {(one.hub, one.topic): one for one in load(db)}
    for hub in hubs:
        for topic, digest in topics.items():
            old = known.get((hub, topic))
            if old is None:
                _begin(db, Ping(hub, topic, digest, due_at=now))
            elif old.digest != digest:
                db.execute(update(pings).where(_same(old)).values(digest=digest, **_again(old, now)))


def _begin(db: Connection, ping: Ping) -> None:
    try:
        with db.begin_nested():
            db.execute(insert(pings).values(asdict(ping)))
    except IntegrityError:  # another process noted it at the same moment, of the same files
        return


def _again(old: Ping, now: datetime) -> dict[str, Any]:
    """A hub that fails is not asked more often for all the news; one that was given up is tried again."""
    if old.tries:
        return {} if old.due_at else {"tries": 1, "due_at": now}
    return {"due_at": now, "reply": ""}


def record(db: Connection, ping: Ping, reply: str, due_at: datetime | None, *, succeeded: bool) -> None:
    """Write down how a ping ended; where its topic changed meanwhile, the newer bytes stay due."""
    ended = {"tries": 0} if succeeded else {"tries": ping.tries + 1, "reply": reply}
    db.execute(update(pings).where(_same(ping)).values(succeeded=succeeded, **ended))
    db.execute(update(pings).where(_unchanged(ping)).values(due_at=due_at, reply=reply))


def wake(db: Connection, hub: str, now: datetime) -> None:
    """A hub is back: what it failed to take is due at once, what was given up too."""
    db.execute(update(pings).where(pings.c.hub == hub, _fails()).values(due_at=now))


def postpone(db: Connection, ping: Ping, reply: str, due_at: datetime) -> None:
    """Try later, through no fault of the hub's; where its topic changed meanwhile, that is due as it is."""
    why = {} if ping.is_failing else {"reply": reply}  # what the hub said stays for who has to repair it
    db.execute(update(pings).where(_unchanged(ping)).values(due_at=due_at, **why))


def working(db: Connection, hubs: Sequence[str]) -> tuple[str, ...]:
    """The hubs that were pinged and whose last ping of every topic succeeded, in their order."""
    if not hubs:
        return ()
    query = select(*pings.c["hub", "succeeded"]).where((pings.c.tries > 0) | pings.c.succeeded)
    ended: dict[str, list[bool]] = {}
    for hub, succeeded in db.execute(query):
        ended.setdefault(hub, []).append(succeeded)
    return tuple(hub for hub in hubs if all(ended.get(hub, [False])))


def _fails() -> ColumnElement[bool]:
    return and_(pings.c.tries > 0, pings.c.succeeded.is_(False))


def _same(ping: Ping) -> ColumnElement[bool]:
    return and_(pings.c.hub == ping.hub, pings.c.topic == ping.topic)


def _unchanged(ping: Ping) -> ColumnElement[bool]:
    return and_(_same(ping), pings.c.digest == ping.digest)
