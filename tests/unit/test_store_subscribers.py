"""Readers: one address, one reader; who left stays out."""

from datetime import timedelta

from publisher.model.subscriber import Reader, Subscription, SubscriptionState
from publisher.store import subscribers
from publisher.store.subscribers import Added
from tests.builders import NOW, subscribe


def add(db, address="ada@example.org", **choice):
    reader = Reader(address, choice.pop("name", ""), key=f"key-{address}")
    return subscribers.add(db, reader, address, Subscription("briefing", choice.pop("cadence", "daily"), **choice), NOW)


def test_a_reader_is_added_once(db):
    assert [add(db), add(db)] == [Added.NEW, Added.SAME]


def test_another_choice_is_an_update(db):
    add(db)

    assert add(db, sections=("world",)) is Added.UPDATED
    assert [one.sections for _, one in subscribers.listed(db, 9)] == [("world",)]


def test_a_suppressed_address_cannot_be_imported_again(db):
    subscribers.suppress(db, "ada@example.org", "complained", NOW)

    assert add(db) is Added.SUPPRESSED
    assert list(subscribers.listed(db, 9)) == []


def test_a_reader_who_left_stays_out(db):
    subscribe(db, "ada@example.org")

    assert subscribers.unsubscribe(db, "key-of-ada@example.org", "briefing", NOW)

    assert add(db) is Added.ENDED
    assert [one.state for _, one in subscribers.listed(db, 9)] == [SubscriptionState.ENDED]


def test_unsubscribing_twice_changes_nothing_more(db):
    subscribe(db, "ada@example.org")

    answers = [
        subscribers.unsubscribe(db, "key-of-ada@example.org", "briefing", NOW + timedelta(days=n)) for n in (0, 1)
    ]

    assert answers == [True, True]


def test_an_unknown_reader_cannot_unsubscribe(db):
    assert subscribers.unsubscribe(db, "nobody", "briefing", NOW) is False
