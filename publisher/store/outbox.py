"""The ledger of deliveries: a row for every reader of every edition, and every try written down.

A batch is leased before its first copy leaves. Connections take a batch in order and record each outcome before
they take the next copy; so after a crash the copies in doubt are among the first C of the batch without an outcome
(C = its connections), and the rest never left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from publisher.model.delivery import (
    FAILURES,
    UNFINISHED,
    Batch,
    Delivery,
    DeliveryState,
    Outcome,
    OutcomeKind,
)
from publisher.model.newsletter import Edition, EditionState
from publisher.model.subscriber import SubscriptionState
from publisher.store import masks
from publisher.store.schema import (
    attempts,
    batches,
    deliveries,
    editions,
    subscribers,
    subscriptions,
    suppressions,
)

_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
_OPEN = (EditionState.PRESSED, EditionState.SENDING)
_MOST_UNCERTAIN = 1  # a copy in doubt is sent again at most this often
_FIRST_RETRY = timedelta(minutes=5)
_LONGEST_RETRY = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one claimed delivery."""

    delivery: Delivery
    outcome: Outcome


def queue_readers(db: Connection, edition: Edition, now: datetime) -> int:
    """Queue one delivery per active reader of the edition's newsletter and cadence; those queued stay."""
    values = {
        "edition_id": literal(edition.id),
        "subscriber_id": subscriptions.c.subscriber_id,
        "state": literal(DeliveryState.QUEUED.value),
        "sections": subscriptions.c.sections,
        "tries": literal(0),
        "uncertain_count": literal(0),
        "next_at": literal(now, type_=deliveries.c.next_at.type),
        "updated_at": literal(now, type_=deliveries.c.updated_at.type),
        "reply": literal(""),
    }
    chosen = _readers(edition, *values.values()).order_by(subscriptions.c.subscriber_id)
    queueing = insert(deliveries).from_select(list(values), chosen)
    return db.execute(queueing, execution_options={"preserve_rowcount": True}).rowcount


def count_readers(db: Connection, edition: Edition) -> int:
    """How many deliveries `queue_readers` would queue."""
    return db.scalar(_readers(edition, func.count())) or 0


def _readers(edition: Edition, *columns: Any) -> Select[Any]:
    queued = exists().where(
        deliveries.c.edition_id == edition.id, deliveries.c.subscriber_id == subscriptions.c.subscriber_id
    )
    return (
        select(*columns)
        .select_from(subscriptions.join(subscribers))
        .where(
            subscriptions.c.newsletter == edition.newsletter,
            subscriptions.c.cadence == edition.cadence,
            subscriptions.c.state == SubscriptionState.ACTIVE,
            ~_suppressed(),
            ~queued,
        )
    )


def claim(
    db: Connection,
    size: int,
    connections: int,
    now: datetime,
    *,
    give_up_after: timedelta = timedelta(hours=24),
    only: int | None = None,
) -> Batch | None:
    """Lease the next batch of the oldest edition, or of the `only` one, with something due.

    Readers who left are suppressed instead, and news older than `give_up_after` is expired. A first try gets its mask.
    """
    _expire_old_news(db, now - give_up_after, now)
    due = exists().where(deliveries.c.edition_id == editions.c.id, _due(now))
    query = select(editions.c.id, editions.c.newsletter).where(editions.c.state.in_(_OPEN), due)
    if only is not None:
        query = query.where(editions.c.id == only)
    edition = db.execute(query.order_by(editions.c.pressed_at, editions.c.id).limit(1)).first()
    if edition is None:
        return None
    wanted = deliveries.c.edition_id == edition.id
    picked = select(deliveries.c.id).where(wanted, _due(now)).order_by(deliveries.c.id).limit(size)
    ids = list(db.scalars(picked.with_for_update(skip_locked=True)))
    _suppress_those_who_left(db, ids, edition.newsletter, now)
    lease = insert(batches).values(edition_id=edition.id, connections=connections, claimed_at=now)
    batch_id: int = db.scalars(lease.returning(batches.c.id)).one()
    db.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids), deliveries.c.state.in_(_WAITING))
        .values(
            state=DeliveryState.SENDING,
            batch_id=batch_id,
            tries=deliveries.c.tries + 1,
            masked=case((deliveries.c.tries == 0, ""), else_=deliveries.c.masked),
            updated_at=now,
        )
    )
    masks.decide(db, edition.id, ids)
    db.execute(update(editions).where(editions.c.id == edition.id).values(state=EditionState.SENDING))
    return Batch(batch_id, edition.id, tuple(_claimed(db, batch_id)))


def _expire_old_news(db: Connection, oldest: datetime, now: datetime) -> None:
    old = select(editions.c.id).where(editions.c.state.in_(_OPEN), editions.c.pressed_at < oldest)
    waiting = and_(deliveries.c.edition_id.in_(old), deliveries.c.state.in_(_WAITING))
    db.execute(update(deliveries).where(waiting).values(state=DeliveryState.EXPIRED, updated_at=now))


def fail(db: Connection, edition_id: int, why: str, now: datetime) -> None:
    """End every unfinished delivery of an edition that cannot be printed."""
    unfinished = and_(deliveries.c.edition_id == edition_id, deliveries.c.state.in_(UNFINISHED))
    values = {"state": DeliveryState.FAILED, "reply": why, "updated_at": now}
    db.execute(update(deliveries).where(unfinished).values(values))


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(deliveries.c.state.in_(_WAITING), deliveries.c.next_at <= now)


def _suppressed() -> ColumnElement[bool]:
    return exists().where(suppressions.c.address_key == subscribers.c.address_key)


def _suppress_those_who_left(db: Connection, ids: Sequence[int], newsletter: str, now: datetime) -> None:
    """No mail to someone who asked us to stop after the edition was pressed."""
    active = exists().where(
        subscriptions.c.subscriber_id == subscribers.c.id,
        subscriptions.c.newsletter == newsletter,
        subscriptions.c.state == SubscriptionState.ACTIVE,
    )
    left = select(subscribers.c.id).where(or_(_suppressed(), ~active))
    db.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(ids), deliveries.c.subscriber_id.in_(left))
        .values(state=DeliveryState.SUPPRESSED, updated_at=now)
    )


def _claimed(db: Connection, batch_id: int) -> list[Delivery]:
    rows = db.execute(_printable().where(deliveries.c.batch_id == batch_id, _sending()).order_by(deliveries.c.id))
    return [_delivery(row) for row in rows]


def delivery(db: Connection, edition_id: int, reader_key: str) -> Delivery | None:
    """What is needed to print a reader's copy once more; None where they have none."""
    same = (deliveries.c.edition_id == edition_id) & (subscribers.c.key == reader_key)
    row = db.execute(_printable().where(same)).first()
    return _delivery(row) if row else None


def _printable() -> Select[Any]:
    columns = deliveries.c["id", "edition_id", "sections", "tries", "uncertain_count", "masked"]
    return select(*columns, *subscribers.c["address", "name", "key"]).join_from(deliveries, subscribers)


def _delivery(row: Row[Any]) -> Delivery:
    sections = tuple(row.sections.split())
    return Delivery(
        row.id,
        row.edition_id,
        row.address,
        row.name,
        row.key,
        sections,
        row.tries,
        row.uncertain_count,
        masks.parsed(row.masked),
    )


def _sending() -> ColumnElement[bool]:
    return deliveries.c.state == DeliveryState.SENDING


def settle(
    db: Connection,
    batch_id: int,
    settled: Sequence[Settled],
    *,
    resend: bool,
    expires_at: datetime,
    now: datetime,
) -> int:
    """Write outcomes down; return how many were still ours to write (a lost lease writes nothing)."""
    rows = []
    for item in settled:
        state, next_at, uncertain_count = _next_state(item, resend=resend, expires_at=expires_at, now=now)
        reply = {"new_code": item.outcome.code, "new_reply": item.outcome.reply, "now": now}
        counted = {"new_state": state.value, "new_next_at": next_at, "new_uncertain_count": uncertain_count}
        rows.append({"delivery": item.delivery.id, "lease": batch_id, **counted, **reply})
    if not rows:
        return 0
    written = db.execute(_SETTLE, rows, execution_options={"preserve_rowcount": True}).rowcount
    _write_attempts(db, batch_id, settled, now)
    return written


_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery"),
        deliveries.c.batch_id == bindparam("lease"),
        deliveries.c.state == DeliveryState.SENDING.value,
    )
    .values(
        state=bindparam("new_state"),
        code=bindparam("new_code"),
        reply=bindparam("new_reply"),
        next_at=func.coalesce(bindparam("new_next_at", type_=deliveries.c.next_at.type), deliveries.c.next_at),
        uncertain_count=bindparam("new_uncertain_count"),
        updated_at=bindparam("now"),
    )
)


def _next_state(
    item: Settled, *, resend: bool, expires_at: datetime, now: datetime
) -> tuple[DeliveryState, datetime | None, int]:
    """(state, when it is due again or None, how often it was in doubt)."""
    kind, delivery = item.outcome.kind, item.delivery
    if kind is OutcomeKind.DEFERRED:
        next_at = now + min(_FIRST_RETRY * 2 ** min(delivery.tries - 1, 10), _LONGEST_RETRY)
        if next_at > expires_at:
            return DeliveryState.EXPIRED, None, delivery.uncertain_count
        return DeliveryState.DEFERRED, next_at, delivery.uncertain_count
    if kind is OutcomeKind.UNCERTAIN:
        return _after_doubt(delivery.uncertain_count, resend), now, delivery.uncertain_count + 1
    return DeliveryState(kind.value), None, delivery.uncertain_count


def _after_doubt(uncertain_count: int, resend: bool) -> DeliveryState:
    """Send once more with the same Message-ID, or leave the decision to the newsroom."""
    again = resend and uncertain_count < _MOST_UNCERTAIN
    return DeliveryState.QUEUED if again else DeliveryState.UNCERTAIN


def _write_attempts(db: Connection, batch_id: int, settled: Sequence[Settled], now: datetime) -> None:
    rows = [
        {
            "delivery_id": item.delivery.id,
            "batch_id": batch_id,
            "at": now,
            "outcome": item.outcome.kind,
            "code": item.outcome.code,
            "reply": item.outcome.reply,
        }
        for item in settled
    ]
    if rows:
        db.execute(insert(attempts), rows)


def close(db: Connection, batch_id: int, *, resend: bool, now: datetime) -> int:
    """End a lease. Copies taken but without an outcome are in doubt; return how many.

    Called at the end of a batch, when nothing is left open, and for every batch of a process that died.
    """
    connections = db.scalar(select(batches.c.connections).where(batches.c.id == batch_id)) or 0
    open_rows = and_(deliveries.c.batch_id == batch_id, _sending())
    left = db.execute(select(*deliveries.c["id", "uncertain_count"]).where(open_rows).order_by(deliveries.c.id)).all()
    in_doubt, never_left = left[:connections], left[connections:]
    for row in in_doubt:
        state = _after_doubt(row.uncertain_count, resend)
        db.execute(
            update(deliveries)
            .where(deliveries.c.id == row.id)
            .values(
                state=state,
                uncertain_count=row.uncertain_count + 1,
                next_at=now,
                reply="the connection or the press was lost",
                updated_at=now,
            )
        )
        lost = {
            "outcome": OutcomeKind.UNCERTAIN,
            "reply": "the press stopped before an answer was written down",
        }
        db.execute(insert(attempts).values(delivery_id=row.id, batch_id=batch_id, at=now, **lost))
    if never_left:
        db.execute(
            update(deliveries)
            .where(deliveries.c.id.in_([row.id for row in never_left]))
            .values(state=DeliveryState.QUEUED, tries=deliveries.c.tries - 1, updated_at=now)
        )
    db.execute(update(batches).where(batches.c.id == batch_id).values(closed_at=now))
    return len(in_doubt)


def release(db: Connection, batch_id: int, ids: Sequence[int], next_at: datetime, why: str, now: datetime) -> None:
    """Put back deliveries of which nothing left: the press is stopping, or the transport takes no mail."""
    ours = and_(deliveries.c.batch_id == batch_id, _sending(), deliveries.c.id.in_(ids))
    values = {
        "state": DeliveryState.QUEUED,
        "tries": deliveries.c.tries - 1,
        "next_at": next_at,
        "reply": why,
    }
    db.execute(update(deliveries).where(ours).values(updated_at=now, **values))


def open_batches(db: Connection) -> list[int]:
    """Leases that nobody closed: of this process, or of one that died."""
    return list(db.scalars(select(batches.c.id).where(batches.c.closed_at.is_(None)).order_by(batches.c.id)))


def finish(db: Connection, now: datetime) -> list[int]:
    """End the editions whose deliveries have all ended, and return their ids: counted, never assumed."""
    finished = []
    open_editions = select(editions.c.id).where(editions.c.state.in_(_OPEN)).order_by(editions.c.id)
    for edition_id in list(db.scalars(open_editions)):
        counts = count(db, edition_id)
        if any(counts.get(state) for state in UNFINISHED):
            continue
        failed = any(counts.get(state) for state in FAILURES)
        state = EditionState.SENT_WITH_FAILURES if failed else EditionState.SENT
        values = {"state": state, "finished_at": now}
        db.execute(update(editions).where(editions.c.id == edition_id).values(values))
        finished.append(edition_id)
    return finished


def count(db: Connection, edition_id: int) -> dict[DeliveryState, int]:
    query = select(deliveries.c.state, func.count()).where(deliveries.c.edition_id == edition_id)
    return {DeliveryState(state): number for state, number in db.execute(query.group_by(deliveries.c.state))}


def reasons(db: Connection, edition_id: int) -> list[tuple[DeliveryState, int | None, str, int]]:
    """(state, code, reply, how many) of the deliveries that did not go as they should."""
    columns = deliveries.c["state", "code", "reply"]
    waiting_for_a_reason = and_(deliveries.c.state == DeliveryState.QUEUED, deliveries.c.reply != "")
    troubled = or_(deliveries.c.state.in_([*FAILURES, DeliveryState.DEFERRED]), waiting_for_a_reason)
    query = select(*columns, func.count()).where(deliveries.c.edition_id == edition_id, troubled)
    rows = db.execute(query.group_by(*columns).order_by(func.count().desc(), *columns).limit(20))
    return [(DeliveryState(row[0]), row[1], row[2], row[3]) for row in rows]
