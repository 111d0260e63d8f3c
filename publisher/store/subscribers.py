"""Readers, their subscriptions, and the addresses never to mail again."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from publisher.model.subscriber import Reader, Subscription, SubscriptionState
from publisher.store.schema import subscribers, subscriptions, suppressions


class Added(StrEnum):
    NEW = "new"
    UPDATED = "updated"
    SAME = "same"
    SUPPRESSED = "suppressed"
    ENDED = "ended"


def add(db: Connection, reader: Reader, address_key: str, subscription: Subscription, now: datetime) -> Added:
    """File a reader with a subscription. A suppression or an ended subscription always wins over it."""
    if is_suppressed(db, address_key):
        return Added.SUPPRESSED
    known = db.execute(select(subscribers).where(subscribers.c.address_key == address_key)).first()
    if known is None:
        values = {
            "key": reader.key,
            "address": reader.address,
            "address_key": address_key,
            "name": reader.name,
            "language": reader.language,
            "timezone": reader.timezone,
            "created_at": now,
        }
        subscriber_id: int = db.scalars(insert(subscribers).values(values).returning(subscribers.c.id)).one()
        _subscribe(db, subscriber_id, subscription, now)
        return Added.NEW
    return _choose(db, known, reader, subscription, now)


def _choose(db: Connection, known: Row[Any], reader: Reader, subscription: Subscription, now: datetime) -> Added:
    same = (subscriptions.c.subscriber_id == known.id) & (subscriptions.c.newsletter == subscription.newsletter)
    current = db.execute(select(subscriptions).where(same)).first()
    if current is not None and current.state == SubscriptionState.ENDED:
        return Added.ENDED
    told = {"name": reader.name, "language": reader.language, "timezone": reader.timezone}
    told = {column: value for column, value in told.items() if value and value != getattr(known, column)}
    if told:
        db.execute(update(subscribers).where(subscribers.c.id == known.id).values(told))
    if current is None:
        _subscribe(db, known.id, subscription, now)
        return Added.UPDATED
    wanted = {
        "sections": " ".join(subscription.sections),
        "cadence": subscription.cadence,
        "hour": subscription.hour,
    }
    if all(getattr(current, column) == value for column, value in wanted.items()):
        return Added.UPDATED if told else Added.SAME
    db.execute(update(subscriptions).where(same).values(wanted))
    return Added.UPDATED


def _subscribe(db: Connection, subscriber_id: int, subscription: Subscription, now: datetime) -> None:
    db.execute(
        insert(subscriptions).values(
            subscriber_id=subscriber_id,
            newsletter=subscription.newsletter,
            state=subscription.state,
            sections=" ".join(subscription.sections),
            cadence=subscription.cadence,
            hour=subscription.hour,
            started_at=now,
        )
    )


def unsubscribe(db: Connection, reader_key: str, newsletter: str, now: datetime) -> bool:
    """End a subscription; True where the reader is known. Safe to repeat."""
    subscriber_id = db.scalar(select(subscribers.c.id).where(subscribers.c.key == reader_key))
    if subscriber_id is None:
        return False
    same = (subscriptions.c.subscriber_id == subscriber_id) & (subscriptions.c.newsletter == newsletter)
    still = subscriptions.c.state != SubscriptionState.ENDED
    db.execute(update(subscriptions).where(same, still).values(state=SubscriptionState.ENDED, ended_at=now))
    return True


def find(db: Connection, address_key: str) -> Reader | None:
    row = db.execute(select(subscribers).where(subscribers.c.address_key == address_key)).first()
    return Reader(row.address, row.name, row.language, row.timezone, row.key, row.id) if row else None


def sections(db: Connection, reader_key: str, newsletter: str) -> tuple[str, ...] | None:
    """What a reader chose of a newsletter; None where they do not have it."""
    found = db.scalar(select(subscriptions.c.sections).where(_active(reader_key, newsletter)))
    return tuple(found.split()) if found is not None else None


def choose(db: Connection, reader_key: str, newsletter: str, chosen: Sequence[str]) -> bool:
    """Store another choice of sections; False where the reader does not have the newsletter. Safe to repeat."""
    values = {"sections": " ".join(chosen)}
    return db.execute(update(subscriptions).where(_active(reader_key, newsletter)).values(values)).rowcount == 1


def _active(reader_key: str, newsletter: str) -> ColumnElement[bool]:
    reader = select(subscribers.c.id).where(subscribers.c.key == reader_key).scalar_subquery()
    return and_(
        subscriptions.c.subscriber_id == reader,
        subscriptions.c.newsletter == newsletter,
        subscriptions.c.state == SubscriptionState.ACTIVE,
    )


def suppress(db: Connection, address_key: str, reason: str, now: datetime) -> None:
    """Never mail this address again. Safe to repeat; the first reason stays."""
    if not is_suppressed(db, address_key):
        db.execute(insert(suppressions).values(address_key=address_key, reason=reason, at=now))


def is_suppressed(db: Connection, address_key: str) -> bool:
    return db.scalar(select(suppressions.c.reason).where(suppressions.c.address_key == address_key)) is not None


def listed(db: Connection, limit: int, newsletter: str = "") -> Iterator[tuple[Reader, Subscription]]:
    """Readers with each of their subscriptions, by id."""
    query = select(
        *subscribers.c["id", "key", "address", "name", "language", "timezone"],
        *subscriptions.c["newsletter", "state", "sections", "cadence", "hour"],
    ).join_from(subscribers, subscriptions)
    if newsletter:
        query = query.where(subscriptions.c.newsletter == newsletter)
    for row in db.execute(query.order_by(subscribers.c.id, subscriptions.c.newsletter).limit(limit)):
        reader = Reader(row.address, row.name, row.language, row.timezone, row.key, row.id)
        state = SubscriptionState(row.state)
        yield reader, Subscription(row.newsletter, row.cadence, tuple(row.sections.split()), row.hour, state)
