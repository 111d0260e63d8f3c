"""The ledger: a row for every reader, and every outcome named; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.model.delivery import DeliveryState as State
from publisher.model.delivery import Outcome, OutcomeKind
from publisher.model.newsletter import EditionState
from publisher.store import editions, outbox, subscribers
from publisher.store.outbox import Settled
from publisher.store.schema import deliveries
from tests.builders import NOW, subscribe

EXPIRES = NOW + timedelta(hours=24)


@pytest.fixture
def edition(db):
    subscribe(db, *(f"reader{number}@example.org" for number in range(6)))
    made = editions.start(db, "briefing", "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW)
    assert made is not None
    editions.move(db, made.id, [EditionState.APPROVED], EditionState.PRESSED, pressed_at=NOW)
    assert outbox.queue_readers(db, made, NOW) == 6
    return made


def settle(db, batch, kind, *deliveries, now=NOW, resend=True, code=None):
    done = [Settled(delivery, Outcome(kind, code, "why")) for delivery in deliveries]
    return outbox.settle(db, batch.id, done, resend=resend, expires_at=EXPIRES, now=now)


def test_queueing_twice_queues_nobody_twice(db, edition):
    assert outbox.queue_readers(db, edition, NOW) == 0


def test_a_suppressed_reader_is_not_queued(db):
    """A complaint outlives a subscription."""
    subscribe(db, "ada@example.org", "bob@example.org")
    subscribers.suppress(db, "ada@example.org", "complained", NOW)
    made = editions.start(db, "briefing", "daily", "2026-11-21T07:00", EditionState.PRESSED, NOW)

    assert outbox.count_readers(db, made) == 1
    assert outbox.queue_readers(db, made, NOW) == 1


def test_only_readers_of_the_cadence_are_queued(db):
    subscribe(db, "ada@example.org", cadence="weekly")
    subscribe(db, "bob@example.org", cadence="daily")
    made = editions.start(db, "briefing", "weekly", "2026-11-21T09:00", EditionState.PRESSED, NOW)

    assert outbox.queue_readers(db, made, NOW) == 1


def test_a_batch_is_leased_once(db, edition):
    first = outbox.claim(db, 4, 2, NOW)
    second = outbox.claim(db, 4, 2, NOW)

    assert (len(first.deliveries), len(second.deliveries), outbox.claim(db, 4, 2, NOW)) == (4, 2, None)
    assert not {one.id for one in first.deliveries} & {one.id for one in second.deliveries}


def test_a_reader_who_leaves_before_the_claim_gets_no_mail(db, edition):
    subscribers.unsubscribe(db, "key-of-reader0@example.org", "briefing", NOW)
    subscribers.suppress(db, "reader1@example.org", "complained", NOW)

    batch = outbox.claim(db, 10, 2, NOW)

    assert [one.address for one in batch.deliveries] == [f"reader{number}@example.org" for number in (2, 3, 4, 5)]
    assert outbox.count(db, edition.id)[State.SUPPRESSED] == 2


def test_an_edition_is_sent_only_when_every_row_has_ended(db, edition):
    batch = outbox.claim(db, 10, 2, NOW)
    settle(db, batch, OutcomeKind.ACCEPTED, *batch.deliveries[:5])
    assert outbox.finish(db, NOW) == []

    settle(db, batch, OutcomeKind.NOTHING_NEW, batch.deliveries[5])

    assert outbox.finish(db, NOW) == [edition.id]
    assert editions.get(db, edition.id).state is EditionState.SENT


@pytest.mark.parametrize("kind", [OutcomeKind.REJECTED, OutcomeKind.FAILED])
def test_a_failure_is_said_on_the_edition(db, edition, kind):
    batch = outbox.claim(db, 10, 2, NOW)
    settle(db, batch, OutcomeKind.ACCEPTED, *batch.deliveries[1:])
    settle(db, batch, kind, batch.deliveries[0], code=550)

    outbox.finish(db, NOW)

    assert editions.get(db, edition.id).state is EditionState.SENT_WITH_FAILURES
    assert outbox.reasons(db, edition.id) == [(State(kind.value), 550, "why", 1)]


def test_a_deferred_copy_waits_longer_each_time_and_expires_at_last(db, edition):
    outbox.claim(db, 5, 1, NOW)
    waits, now = [], NOW
    while batch := outbox.claim(db, 1, 1, now):
        settle(db, batch, OutcomeKind.DEFERRED, *batch.deliveries, now=now, code=451)
        due = db.scalar(select(deliveries.c.next_at).where(deliveries.c.state == State.DEFERRED))
        if due is None:
            break
        waits.append((due - now) // timedelta(minutes=1))
        now = due

    assert waits == [5, 10, 20, 40, 80, 160, 240, 240, 240, 240]
    assert outbox.count(db, edition.id)[State.EXPIRED] == 1


def test_a_deferred_copy_is_not_claimed_before_its_time(db, edition):
    batch = outbox.claim(db, 10, 1, NOW)
    settle(db, batch, OutcomeKind.DEFERRED, *batch.deliveries)

    assert outbox.claim(db, 10, 1, NOW + timedelta(minutes=4)) is None
    assert len(outbox.claim(db, 10, 1, NOW + timedelta(minutes=5)).deliveries) == 6


def test_a_copy_in_doubt_is_sent_once_more_and_then_never_again(db, edition):
    for expected in (State.QUEUED, State.UNCERTAIN):
        batch = outbox.claim(db, 1, 1, NOW)
        settle(db, batch, OutcomeKind.UNCERTAIN, *batch.deliveries)
        counts = outbox.count(db, edition.id)
        assert counts.get(State.UNCERTAIN, 0) == (1 if expected is State.UNCERTAIN else 0)


def test_a_newsroom_that_holds_doubtful_copies_sends_none_again(db, edition):
    batch = outbox.claim(db, 1, 1, NOW)

    settle(db, batch, OutcomeKind.UNCERTAIN, *batch.deliveries, resend=False)

    assert outbox.count(db, edition.id) == {State.UNCERTAIN: 1, State.QUEUED: 5}


def test_after_a_crash_only_the_copies_that_connections_held_are_in_doubt(db, edition):
    """Two connections: 0 and 2 have outcomes, 1 was in hand, 3 may have been; 4 and 5 never left."""
    batch = outbox.claim(db, 10, 2, NOW)
    settle(db, batch, OutcomeKind.ACCEPTED, batch.deliveries[0], batch.deliveries[2])

    in_doubt = outbox.close(db, batch.id, resend=False, now=NOW)

    assert in_doubt == 2
    assert outbox.count(db, edition.id) == {State.ACCEPTED: 2, State.UNCERTAIN: 2, State.QUEUED: 2}
    assert outbox.open_batches(db) == []


def test_an_outcome_that_comes_after_the_lease_was_lost_writes_nothing(db, edition):
    batch = outbox.claim(db, 10, 1, NOW)
    outbox.close(db, batch.id, resend=True, now=NOW)
    again = outbox.claim(db, 10, 1, NOW)

    assert settle(db, batch, OutcomeKind.REJECTED, batch.deliveries[0]) == 0
    assert settle(db, again, OutcomeKind.ACCEPTED, again.deliveries[0]) == 1


def test_what_a_stopping_press_puts_back_costs_no_try(db, edition):
    batch = outbox.claim(db, 10, 2, NOW)

    outbox.release(db, batch.id, [one.id for one in batch.deliveries], NOW, "", NOW)

    assert {one.tries for one in outbox.claim(db, 10, 2, NOW).deliveries} == {1}


@pytest.mark.parametrize("state", [EditionState.DRAFT, EditionState.APPROVED])
def test_an_editor_may_greet_until_the_edition_is_pressed(db, state):
    made = editions.start(db, "briefing", "daily", "2026-11-20T07:00", state, NOW)
    assert made.greeting == ""

    assert editions.greet(db, made.id, "Good *morning*.")

    assert editions.get(db, made.id).greeting == "Good *morning*."


@pytest.mark.parametrize("state", [EditionState.PRESSED, EditionState.HELD, EditionState.CANCELLED])
def test_a_greeting_that_comes_after_the_press_changes_nothing(db, state):
    made = editions.start(db, "briefing", "daily", "2026-11-20T07:00", state, NOW)

    assert not editions.greet(db, made.id, "Too late")

    assert editions.get(db, made.id).greeting == ""


def test_a_held_edition_is_not_claimed(db, edition):
    editions.move(db, edition.id, [EditionState.PRESSED], EditionState.HELD)

    assert outbox.claim(db, 10, 2, NOW) is None
