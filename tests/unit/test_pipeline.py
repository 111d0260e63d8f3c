"""The steps on both databases: what they promise when something is wrong."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.clean.article import Desk
from publisher.engines.embedded import EmbeddedEngine
from publisher.errors import PressError
from publisher.model.article import RawArticle, Status
from publisher.model.delivery import Copy
from publisher.model.delivery import DeliveryState as State
from publisher.model.newsletter import EditionState, Missed
from publisher.pipeline import compose, cycle, deliver, gather, press, proof
from publisher.pipeline.gather import Assignment
from publisher.pipeline.syndicate import FeedRule, Site
from publisher.ports import Fetched
from publisher.store import articles, database, editions, outbox
from publisher.transports.folder import FolderTransport
from tests.builders import (
    NOW,
    a_newsletter,
    a_publication,
    an_article,
    file_articles,
    subscribe,
    templates,
    tokens,
)


class Desks:
    """Sources that bring what they are told to."""

    def __init__(self, name: str, *brought: RawArticle, error: Exception | None = None) -> None:
        self.name, self._brought, self._error = name, brought, error

    async def ask(self, state, now):
        if self._error:
            raise self._error

    def read(self, answer, state, now):
        return Fetched(self._brought)


@dataclass(frozen=True)
class Interrupted(FolderTransport):
    """A folder that calls somebody before it carries a copy."""

    on_carry: Callable[[Copy], None] = lambda copy: None

    async def connect(self):
        return self

    async def carry(self, copy):
        self.on_carry(copy)
        return await (await super().connect()).carry(copy)

    async def close(self):
        return None


def newsroom_of(engine, folder: Path, *sources) -> cycle.Newsroom:
    publication, letters = a_publication(), {"briefing": a_newsletter()}
    site = Site(
        publication=publication,
        newsletters=letters,
        feeds=[FeedRule(("rss",))],
        templates=templates(),
        path=folder / "site",
        static=folder / "static",
        founded=NOW,
        root=folder,
    )
    press_room = dispatcher(engine, folder / "mail")
    return cycle.Newsroom(engine, publication, letters, assigned(*sources), templates(), tokens(), site, press_room)


def poison_ada(copy: Copy) -> None:
    if copy.recipient.startswith("ada"):
        raise ValueError("a poisoned row")


def raw(number: int, **changes) -> RawArticle:
    return RawArticle(
        f"id-{number}", f"Title {number}", "<p>Text</p>", f"file-{number}", sections=("world",), **changes
    )


def assigned(*sources) -> list[Assignment]:
    return [Assignment(source, Desk(a_publication()), timedelta(minutes=10)) for source in sources]


def gathered(engine, *sources, now=NOW):
    return asyncio.run(gather.gather(engine, assigned(*sources), now))


def press_desk(newsletter=None):
    chosen = newsletter or a_newsletter()
    return proof.Desk(a_publication(), {chosen.name: chosen}, templates(), tokens())


def an_edition(engine, newsletter=None, cadence="daily", now=NOW):
    return compose.build(engine, newsletter or a_newsletter(), cadence, a_publication(), now)


def pressed(engine, newsletter=None):
    edition = an_edition(engine, newsletter)
    press.approve(engine, edition)
    [done] = press.press_approved(engine, press_desk(newsletter), NOW)
    return edition, done


def dispatcher(engine, folder: Path) -> EmbeddedEngine:
    transport = FolderTransport(folder)
    return EmbeddedEngine(engine, transport, a_publication(), tokens(), deliver.Policy())


def test_a_slot_makes_one_edition_however_often_the_clock_ticks(engine):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        editions.see(db, "briefing", "daily", NOW - timedelta(hours=8))
    letters = [a_newsletter(schedule={"daily": "0 7 * * *"})]

    made = [compose.compose_due(engine, letters, a_publication(), NOW - timedelta(hours=5)) for _ in range(3)]

    assert [[edition.slot for edition in turn] for turn in made] == [["2026-11-20T07:00"], [], []]


def test_a_newsletter_that_was_never_seen_owes_nothing(engine):
    assert compose.compose_due(engine, [a_newsletter()], a_publication(), NOW) == []


def test_a_slot_with_nothing_new_is_recorded_as_skipped(engine):
    with database.writing(engine) as db:
        editions.see(db, "briefing", "daily", NOW - timedelta(days=1))

    [edition] = compose.compose_due(
        engine, [a_newsletter(schedule={"daily": "0 7 * * *"}, late=timedelta(days=1))], a_publication(), NOW
    )

    assert (edition.state, edition.note) == (EditionState.SKIPPED, "nothing new")


def test_missed_slots_are_recorded(engine):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        editions.see(db, "briefing", "daily", NOW - timedelta(days=3))
    letter = a_newsletter(schedule={"daily": "0 7 * * *"}, missed=Missed.SKIP)

    made = compose.compose_due(engine, [letter], a_publication(), NOW)

    assert [edition.state for edition in made] == [EditionState.MISSED] * 3


def test_an_edition_waits_for_the_editor_where_the_newsletter_says_so(engine):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        editions.see(db, "briefing", "daily", NOW - timedelta(hours=8))
    letter = a_newsletter(schedule={"daily": "0 7 * * *"}, needs_approval=True, late=timedelta(days=1))

    [edition] = compose.compose_due(engine, [letter], a_publication(), NOW)

    assert edition.state is EditionState.DRAFT
    assert press.press_approved(engine, press_desk(letter), NOW) == []


def test_what_does_not_fit_waits_for_the_next_edition(engine):
    with database.writing(engine) as db:
        file_articles(db, *(an_article(number) for number in range(1, 6)))
    letter = a_newsletter(max_articles=3)

    first, second = an_edition(engine, letter), an_edition(engine, letter, now=NOW + timedelta(seconds=1))

    with database.reading(engine) as db:
        held = [[one.article_id for one in editions.placed_in(db, edition.id)] for edition in (first, second)]
        newest = [article.id for article in articles.newest(db, NOW)]
    assert held == [newest[:3], newest[3:]]
    assert first.note == "2 more articles wait for the next edition"


def test_an_article_withdrawn_after_approval_is_not_printed(engine):
    with database.writing(engine) as db:
        file_articles(db, an_article(1), an_article(2))
        subscribe(db, "ada@example.org")
    edition = an_edition(engine)
    press.approve(engine, edition)
    with database.writing(engine) as db:
        file_articles(db, an_article(1, status=Status.WITHHELD, content_hash="withdrawn"))

    press.press_approved(engine, press_desk(), NOW)

    with database.reading(engine) as db:
        plate = editions.plate(db, edition.id)
    assert b"Story 2" in plate
    assert b"Story 1" not in plate


def test_pressing_twice_queues_nobody_twice(engine):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        subscribe(db, "ada@example.org")
    edition, done = pressed(engine)

    with pytest.raises(PressError, match="is not a draft or approved"):
        press.press(engine, edition, press_desk(), NOW)

    with database.reading(engine) as db:
        assert (done.queued, outbox.count(db, edition.id)) == (1, {State.QUEUED: 1})


def test_an_edition_that_cannot_be_pressed_fails_alone(engine, tmp_path):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
    lost = a_newsletter(name="lost")
    press.approve(engine, an_edition(engine, lost))
    press.approve(engine, an_edition(engine))

    first, second = press.press_approved(engine, press_desk(), NOW)

    with database.reading(engine) as db:
        assert editions.get(db, first.edition.id).state is EditionState.FAILED
        assert editions.get(db, second.edition.id).state is EditionState.PRESSED
    assert "no newsletter any more" in first.error


def test_one_poisoned_reader_is_parked_and_the_others_get_their_copies(engine, tmp_path):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        subscribe(db, "ada@example.org", "bob@example.org")
    edition, _ = pressed(engine)
    press_room = dispatcher(engine, tmp_path)
    press_room.transport = Interrupted(tmp_path, on_carry=poison_ada)

    settled = asyncio.run(press_room.work(lambda: NOW))

    with database.reading(engine) as db:
        assert outbox.count(db, edition.id) == {State.FAILED: 1, State.ACCEPTED: 1}
        assert editions.get(db, edition.id).state is EditionState.SENT_WITH_FAILURES
    assert (settled, len(list(tmp_path.glob("*.eml")))) == (2, 1)


def test_an_edition_with_an_unreadable_plate_ends_every_delivery_and_says_why(engine, tmp_path):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        subscribe(db, "ada@example.org")
    edition, _ = pressed(engine)
    with database.writing(engine) as db:
        editions.move(db, edition.id, [EditionState.PRESSED], EditionState.PRESSED, plate=b'{"version": 99}')

    asyncio.run(dispatcher(engine, tmp_path).work(lambda: NOW))

    with database.reading(engine) as db:
        found = editions.get(db, edition.id)
        assert (found.state, outbox.count(db, edition.id)) == (EditionState.FAILED, {State.FAILED: 1})
        assert "version 99" in found.note


def test_a_press_that_is_told_to_stop_puts_the_rest_back(engine, tmp_path):
    with database.writing(engine) as db:
        file_articles(db, an_article(1))
        subscribe(db, *(f"reader{number}@example.org" for number in range(20)))
    edition, _ = pressed(engine)
    press_room = dispatcher(engine, tmp_path)
    carried = []

    def stop_after_five(copy):
        carried.append(copy)
        if len(carried) == 5:
            press_room.stop()

    press_room.transport = Interrupted(tmp_path, on_carry=stop_after_five)

    asyncio.run(press_room.work(lambda: NOW))

    with database.reading(engine) as db:
        assert outbox.count(db, edition.id) == {State.ACCEPTED: 5, State.QUEUED: 15}
        assert outbox.open_batches(db) == []


def test_entries_that_share_an_address_are_articles_of_their_own(engine):
    """A podcast's page, a live blog: the address tells nothing apart, the id does."""
    episodes = [raw(number, url="https://pod.example/") for number in range(3)]

    [first] = gathered(engine, Desks("pod", *episodes))
    [again] = gathered(engine, Desks("pod", *episodes))

    assert (first.new, again.same) == (3, 3)


def test_the_clockwork_builds_the_site_only_when_something_changed(engine, tmp_path):
    room = newsroom_of(engine, tmp_path, Desks("desk", raw(1), raw(2, published=NOW + timedelta(hours=1))))

    memory = cycle.Memory()
    first = asyncio.run(cycle.tick(room, NOW, memory))
    second = asyncio.run(cycle.tick(room, NOW + timedelta(seconds=15), memory))
    embargo_over = asyncio.run(cycle.tick(room, NOW + timedelta(hours=2), memory))
    by_hand = asyncio.run(gather.gather(engine, assigned(Desks("desk", raw(3))), NOW))
    third = asyncio.run(cycle.tick(room, NOW + timedelta(hours=2, seconds=15), memory))

    assert "index.html" in first.built.written
    assert second.built is None
    assert any("title-2" in path for path in embargo_over.built.written)
    assert by_hand[0].new == 1
    assert any("title-3" in path for path in third.built.written)
