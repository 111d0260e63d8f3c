"""No article twice to the same reader: masks, decided in the ledger, on both databases."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from publisher.model.delivery import Batch, Delivery, Outcome, OutcomeKind
from publisher.model.delivery import DeliveryState as State
from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.store import articles, database, editions, masks, outbox, subscribers
from publisher.store.outbox import Settled
from publisher.store.schema import deliveries
from tests.builders import NOW, an_article, file_articles, subscribe

ADA, BOB = "ada@example.org", "bob@example.org"
LATER = NOW + timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture
def stories(db) -> list[int]:
    return file_stories(db, 4)


def file_stories(db: Connection, number: int) -> list[int]:
    file_articles(db, *(an_article(one) for one in range(1, number + 1)))
    return sorted(article.id for article in articles.listed(db, number))


def press(db: Connection, newsletter: str, cadence: str, slot: str, *placed: tuple[str, int]) -> Edition:
    """A pressed edition with its (section, article id) placements and a delivery for each of its readers."""
    made = editions.start(db, newsletter, cadence, slot, EditionState.APPROVED, NOW)
    assert made is not None
    editions.place(db, made.id, [Placement(number, *one) for number, one in enumerate(placed)])
    editions.move(db, made.id, [EditionState.APPROVED], EditionState.PRESSED, pressed_at=NOW)
    outbox.queue_readers(db, made, NOW)
    return made


def claim(db: Connection, edition: Edition, now=NOW, size=10) -> Batch:
    batch = outbox.claim(db, size, 1, now, give_up_after=WEEK, only=edition.id)
    assert batch is not None
    return batch


def settle(db: Connection, batch: Batch, kind: OutcomeKind, *which: Delivery, now=NOW, resend=True, expires=WEEK):
    done = [Settled(delivery, Outcome(kind, None, "why")) for delivery in which or batch.deliveries]
    outbox.settle(db, batch.id, done, resend=resend, expires_at=NOW + expires, now=now)


def masked(batch: Batch) -> dict[str, tuple[int, ...]]:
    return {delivery.address: delivery.masked for delivery in batch.deliveries}


def two_newsletters(db: Connection, *addresses: str, sections: Sequence[str] = ("*",)) -> None:
    subscribe(db, *addresses, sections=sections)
    subscribe(db, *addresses, newsletter="asia", cadence="weekly")


def test_a_reader_who_changes_from_daily_to_weekly_reads_no_story_again(db, stories):
    subscribe(db, ADA, cadence="daily")
    daily = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]), ("world", stories[1]))
    settle(db, claim(db, daily), OutcomeKind.ACCEPTED)
    subscribe(db, ADA, cadence="weekly")

    weekly = press(db, "briefing", "weekly", "2026-11-21T09:00", *(("world", story) for story in stories))

    assert masked(claim(db, weekly)) == {ADA: (stories[0], stories[1])}


def test_a_reader_of_two_newsletters_reads_a_story_once(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]), ("climate", stories[1]))
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world/asia", stories[1]), ("world/asia", stories[2]))

    assert masked(claim(db, asia)) == {ADA: (stories[1],)}


def test_another_reader_is_untouched(db, stories):
    two_newsletters(db, ADA)
    subscribe(db, BOB, newsletter="asia", cadence="weekly")
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world/asia", stories[0]), ("world/asia", stories[1]))

    assert masked(claim(db, asia)) == {ADA: (stories[0],), BOB: ()}


def test_a_story_outside_of_the_chosen_sections_was_not_received(db, stories):
    two_newsletters(db, ADA, sections=("economy", "world/asia"))
    placed = [("world", stories[0]), ("world/asia", stories[1]), ("climate", stories[2]), ("economy", stories[2])]
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", *placed)
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", *(("world", story) for story in stories))

    assert masked(claim(db, asia)) == {ADA: (stories[1], stories[2])}


def test_the_sections_of_the_copy_count_and_not_those_chosen_since(db, stories):
    two_newsletters(db, ADA, sections=("climate",))
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("climate", stories[0]), ("world", stories[1]))
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)
    subscribe(db, ADA, sections=("world",))

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))

    assert masked(claim(db, asia)) == {ADA: (stories[0],)}


def test_what_the_other_copy_left_out_was_not_received_through_it(db, stories):
    """Rejected daily, masked asia, and a third: the story reached nobody, so the third prints it."""
    two_newsletters(db, ADA)
    subscribe(db, ADA, newsletter="third")
    daily = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    trying = claim(db, daily)
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))
    settle(db, claim(db, asia), OutcomeKind.ACCEPTED)
    settle(db, trying, OutcomeKind.REJECTED)

    third = press(db, "third", "daily", "2026-11-20T09:00", ("world", stories[0]), ("world", stories[1]))

    assert masked(claim(db, third)) == {ADA: (stories[1],)}


@pytest.mark.parametrize(
    "kind", [OutcomeKind.REJECTED, OutcomeKind.FAILED, OutcomeKind.NOTHING_NEW], ids=lambda kind: kind.value
)
def test_a_copy_that_did_not_arrive_masks_nothing(db, stories, kind):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), kind)

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))

    assert masked(claim(db, asia)) == {ADA: ()}


def test_a_copy_that_was_deferred_until_it_expired_masks_nothing(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), OutcomeKind.DEFERRED, expires=timedelta(0))
    assert outbox.count(db, briefing.id) == {State.EXPIRED: 1}

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))

    assert masked(claim(db, asia)) == {ADA: ()}


def test_a_suppressed_copy_masks_nothing(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    subscribers.unsubscribe(db, f"key-of-{ADA}", "briefing", NOW)
    assert claim(db, briefing).deliveries == ()

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))

    assert masked(claim(db, asia)) == {ADA: ()}


def test_a_copy_that_nobody_has_tried_yet_masks_nothing_and_is_masked_in_its_turn(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))

    first, second = claim(db, asia), claim(db, briefing)

    assert (masked(first), masked(second)) == ({ADA: ()}, {ADA: (stories[0],)})


@pytest.mark.parametrize("kind", [OutcomeKind.UNCERTAIN, OutcomeKind.DEFERRED], ids=lambda kind: kind.value)
def test_a_copy_that_will_be_tried_again_masks_its_stories(db, stories, kind):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), kind)
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))

    first = claim(db, asia)
    again = claim(db, briefing, LATER)

    assert (masked(first), masked(again)) == ({ADA: (stories[0],)}, {ADA: ()})


@pytest.mark.parametrize("end", [OutcomeKind.UNCERTAIN, OutcomeKind.REJECTED], ids=lambda kind: kind.value)
def test_a_copy_once_in_doubt_may_have_arrived_whatever_came_after(db, stories, end):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), OutcomeKind.UNCERTAIN)
    settle(db, claim(db, briefing), end)

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))

    assert masked(claim(db, asia)) == {ADA: (stories[0],)}


def test_a_mask_is_kept_when_a_copy_is_tried_again_and_the_other_has_failed_meanwhile(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))
    other, first = claim(db, briefing), claim(db, asia)
    settle(db, first, OutcomeKind.DEFERRED)
    settle(db, other, OutcomeKind.REJECTED)

    again = claim(db, asia, LATER)

    assert masked(again) == masked(first) == {ADA: (stories[0],)}
    assert [delivery.tries for delivery in again.deliveries] == [2]


def test_a_copy_put_back_before_it_left_holds_nothing_and_is_decided_anew(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]), ("world", stories[1]))
    stopped = claim(db, briefing)
    outbox.release(db, stopped.id, [delivery.id for delivery in stopped.deliveries], NOW, "", NOW)
    outbox.close(db, stopped.id, resend=True, now=NOW)

    first, again = claim(db, asia), claim(db, briefing)

    assert (masked(first), masked(again)) == ({ADA: ()}, {ADA: (stories[0],)})


def test_a_mask_that_was_put_back_is_forgotten_when_the_other_copy_failed(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))
    other, stopped = claim(db, briefing), claim(db, asia)
    outbox.release(db, stopped.id, [delivery.id for delivery in stopped.deliveries], NOW, "", NOW)
    settle(db, other, OutcomeKind.REJECTED)

    again = claim(db, asia)

    assert (masked(stopped), masked(again)) == ({ADA: (stories[0],)}, {ADA: ()})


def test_a_delivery_from_before_there_were_masks_held_all_of_its_sections(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[0]))
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)
    db.execute(update(deliveries).values(masked=None))

    asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[0]))

    assert masked(claim(db, asia)) == {ADA: (stories[0],)}


def test_a_delivery_is_undecided_until_its_claim_and_then_it_is_written_down(db, stories):
    two_newsletters(db, ADA)
    briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", stories[1]), ("world", stories[0]))
    settle(db, claim(db, briefing), OutcomeKind.ACCEPTED)
    press(db, "asia", "weekly", "2026-11-20T08:00", ("world", stories[1]), ("world", stories[0]))
    column = select(deliveries.c.masked).order_by(deliveries.c.id)

    before = list(db.scalars(column))
    outbox.claim(db, 10, 1, NOW)

    assert before == ["", None]
    assert list(db.scalars(column)) == ["", f"{stories[0]} {stories[1]}"]


def test_a_claim_waits_for_the_claim_of_an_edition_with_the_same_story(engine):
    """Two presses at once: whoever comes second sees what the first has taken."""
    with database.writing(engine) as db:
        two_newsletters(db, ADA)
        (story,) = file_stories(db, 1)
        briefing = press(db, "briefing", "daily", "2026-11-20T07:00", ("world", story))
        asia = press(db, "asia", "weekly", "2026-11-20T08:00", ("world", story))
    second: list[Batch] = []

    def other_press() -> None:
        with database.writing(engine) as db:
            second.append(claim(db, asia))

    thread = threading.Thread(target=other_press)
    with database.writing(engine) as db:
        first = claim(db, briefing)
        thread.start()
        thread.join(0.2)  # long enough to claim, if nothing held it up
        assert second == []
    thread.join()

    assert (masked(first), masked(second[0])) == ({ADA: ()}, {ADA: (story,)})


@pytest.mark.parametrize(
    ("sections", "left_out", "expected"),
    [
        (["*"], (), {1, 2, 3}),
        (["world"], (), {1, 2}),
        (["world/asia"], (), {2}),
        (["climate"], (), {2}),
        (["economy", "climate"], (2,), {3}),
        (["wor"], (), set()),
        ([], (), set()),
    ],
)
def test_a_copy_holds_the_stories_of_its_sections_without_the_masked(sections, left_out, expected):
    placed = [
        Placement(0, "world", 1),
        Placement(1, "world/asia", 2),
        Placement(2, "climate", 2),
        Placement(3, "economy", 3),
    ]

    assert masks.held(placed, sections, left_out) == expected


SHELVES = ("world", "world/asia", "economy")
CADENCES = ("daily", "weekly", "monthly")
RECEIVED = (OutcomeKind.ACCEPTED, OutcomeKind.UNCERTAIN)
placed_at_random = st.lists(st.tuples(st.sampled_from(SHELVES), st.integers(0, 3)), min_size=2, max_size=6, unique=True)
chosen_at_random = st.lists(st.sampled_from(("*", *SHELVES)), min_size=1, max_size=2, unique=True)
ends_at_random = st.sampled_from([*OutcomeKind, *RECEIVED, "put back", "later", "later"])
steps_at_random = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(0, 2), st.tuples(ends_at_random, ends_at_random)),
        st.tuples(st.just("end"), st.integers(0, 5), ends_at_random),
        st.tuples(st.just("crash"), st.integers(0, 5), st.booleans()),
    ),
    min_size=15,
    max_size=30,
)


@dataclass
class Readers:
    """What each reader may have received, told from the copies alone."""

    placed: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    received: dict[tuple[str, int], int] = field(default_factory=dict)  # (address, article): the edition it came in
    offered: dict[tuple[str, int], set[int]] = field(default_factory=dict)  # (address, article): editions tried
    masks: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def read(self, delivery: Delivery) -> set[int]:
        """The articles in the copy."""
        everything = "*" in delivery.sections
        return {
            article
            for section, article in self.placed[delivery.edition_id]
            if article not in delivery.masked
            and (everything or any(f"{section}/".startswith(f"{chosen}/") for chosen in delivery.sections))
        }

    def expect(self, delivery: Delivery) -> None:
        """What is masked was offered in another edition; a copy that is tried again is the same copy."""
        for article in delivery.masked:
            assert self.offered[delivery.address, article] - {delivery.edition_id}
        if delivery.tries > 1:
            assert delivery.masked == self.masks[delivery.id]
        self.masks[delivery.id] = delivery.masked
        for article in self.read(delivery):
            self.offered.setdefault((delivery.address, article), set()).add(delivery.edition_id)

    def receive(self, delivery: Delivery) -> None:
        for article in self.read(delivery):
            first = self.received.setdefault((delivery.address, article), delivery.edition_id)
            assert first == delivery.edition_id, f"article {article} twice to {delivery.address}"


@dataclass
class Press:
    """Claims, outcomes and crashes, an hour apart; `open` are the claimed copies without an end, in their order."""

    db: Connection
    editions: list[Edition]
    readers: Readers
    now: datetime = NOW
    open: list[tuple[Batch, Delivery]] = field(default_factory=list)

    def step(self, what: str, which: int, how: Any) -> None:
        self.now += timedelta(hours=1)
        if what == "claim":
            self.claim(self.editions[which], how)
        elif self.open:
            batch, delivery = self.open[which % len(self.open)]
            self.crash(batch, how) if what == "crash" else self.end(batch, delivery, how)

    def claim(self, edition: Edition, ends: Sequence[Any]) -> None:
        batch = outbox.claim(self.db, len(ends), 1, self.now, give_up_after=WEEK, only=edition.id)
        for delivery, end in zip(batch.deliveries if batch else (), ends, strict=False):
            self.readers.expect(delivery)
            self.open.append((batch, delivery))
            self.end(batch, delivery, end)

    def end(self, batch: Batch, delivery: Delivery, end: Any) -> None:
        if end == "later":
            return
        if end == "put back":
            outbox.release(self.db, batch.id, [delivery.id], self.now, "", self.now)
        else:
            settle(self.db, batch, end, delivery, now=self.now, expires=timedelta(hours=24))
        if end in RECEIVED:
            self.readers.receive(delivery)
        self.open = [one for one in self.open if one[1] is not delivery]

    def crash(self, batch: Batch, resend: bool) -> None:
        """The one connection held the batch's first open copy, and its reader may have it."""
        outbox.close(self.db, batch.id, resend=resend, now=self.now)
        held = next(delivery for of, delivery in self.open if of is batch)
        self.readers.receive(held)
        self.open = [one for one in self.open if one[0] is not batch]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(placed_at_random, min_size=3, max_size=3),
    sections=st.lists(chosen_at_random, min_size=3, max_size=3),
    steps=steps_at_random,
)
def test_whatever_happens_no_article_is_received_in_two_editions(engine, contents, sections, steps):
    with engine.connect() as db, db.begin() as transaction:
        stories = file_stories(db, 4)
        readers, pressed = Readers(), []
        for number, (placed, chosen) in enumerate(zip(contents, sections, strict=True)):
            newsletter, cadence = f"letter{number}", CADENCES[number]
            subscribe(db, ADA, BOB, newsletter=newsletter, cadence=cadence, sections=chosen)
            here = [(section, stories[article]) for section, article in placed]
            pressed.append(press(db, newsletter, cadence, "2026-11-20T07:00", *here))
            readers.placed[pressed[-1].id] = here
        at_work = Press(db, pressed, readers)

        for step in steps:
            at_work.step(*step)

        transaction.rollback()
