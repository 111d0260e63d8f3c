"""Hubs hear of news once it is served, again after a failure, and never twice of the same.

Site, hubs and client are real, on 127.0.0.1.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.errors import FetchError
from publisher.fetch import Fetcher
from publisher.model.newsletter import Syndication
from publisher.pipeline import announce, syndicate
from publisher.pipeline.syndicate import FeedRule, Memory, Site
from publisher.store import database, pings
from tests.builders import NOW, a_newsletter, a_publication, an_article, file_articles, templates
from tests.hubs import Hub, a_hub
from tests.websites import Answer, serving

MINUTE = timedelta(minutes=1)
FEEDS = {"rss": "feeds/rss.xml", "json": "feeds/feed.json", "desk": "feeds/world/rss.xml"}


@dataclass
class Press:
    """A folder that is served, and the hubs that are to hear of it. `old` is what is served instead, for a while."""

    site: Path
    hub: Hub
    other: Hub
    url: str = ""
    old: bytes = b""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        if headers["User-Agent"].startswith("Publisher/"):
            self.asked.append(path)
        file = self.site / path.lstrip("/")
        return Answer(self.old or file.read_bytes()) if file.is_file() else Answer(status=410)

    def build(self, **files: str) -> list[str]:
        """Write feeds, as a build does: `rss="text"`."""
        for name, text in files.items():
            file = self.site / FEEDS[name]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return [FEEDS[name] for name in files]

    def told(self, hub: Hub | None = None) -> list[str]:
        return [topic.removeprefix(f"{self.url}/") for topic in (hub or self.hub).told]


@pytest.fixture
def press(tmp_path) -> Iterator[Press]:
    with ExitStack() as running:
        press = Press(tmp_path, running.enter_context(a_hub()), running.enter_context(a_hub()))
        press.url = running.enter_context(serving(press.answer))
        yield press


def note(engine, press, paths, now=NOW, hubs=None) -> None:
    chosen = [press.hub] if hubs is None else hubs
    announce.note(engine, [hub.url for hub in chosen], press.site, press.url, paths, now)


def ping(engine, now=NOW, seconds=20.0, *, everything=False) -> int:
    async def once() -> int:
        async with Fetcher(["127.0.0.1"], 5, per_host=1, pause=0) as http:
            return await announce.ping(engine, http, now, seconds, everything=everything)

    return asyncio.run(once())


def working(engine, *hubs: Hub) -> list[Hub]:
    with database.reading(engine) as db:
        found = pings.working(db, [hub.url for hub in hubs])
    by_url = {hub.url: hub for hub in hubs}
    return [by_url[url] for url in found]


def rows(engine) -> list[pings.Ping]:
    with database.reading(engine) as db:
        return pings.load(db)


def only(engine) -> pings.Ping:
    (one,) = rows(engine)
    return one


class TestWhatIsAnnounced:
    def test_a_hub_hears_of_each_feed_that_changed_and_of_no_archive(self, engine, press):
        others = ["index.html", "feeds/feeds.opml", "feeds/archive-1.xml", "feeds/feed.css", "world/rss.xml"]
        for path in others:
            (press.site / path).parent.mkdir(exist_ok=True)
            (press.site / path).write_text("x")
        note(engine, press, [*press.build(rss="a", json="b"), *others])

        assert ping(engine) == 2
        assert sorted(press.told()) == ["feeds/feed.json", "feeds/rss.xml"]

    def test_the_feeds_that_most_follow_come_first(self, engine, press):
        note(engine, press, press.build(desk="1", rss="1"))
        ping(engine)

        assert press.told() == ["feeds/rss.xml", "feeds/world/rss.xml"]

    def test_nothing_is_announced_twice(self, engine, press):
        for moment in range(3):
            note(engine, press, press.build(rss="same"), NOW + moment * MINUTE)
            ping(engine, NOW + moment * MINUTE)

        assert len(press.told()) == 1

    def test_a_ping_that_was_noted_outlives_a_crash(self, engine, press):
        note(engine, press, press.build(rss="new"))
        engine.dispose()

        assert ping(engine, NOW + 60 * MINUTE) == 1

    def test_two_processes_that_note_the_same_moment_agree(self, engine, press):
        paths = press.build(rss="new")
        topics = {f"{press.url}/{paths[0]}": hashlib.sha256(b"new").hexdigest()}
        with database.writing(engine) as db:
            pings.note(db, [press.hub.url], topics, NOW)
            pings._begin(db, pings.load(db)[0])  # the other one did not see it yet

        assert ping(engine) == 1

    def test_a_hub_that_is_ours_no_more_is_forgotten(self, engine, press):
        note(engine, press, press.build(rss="1"), hubs=[press.hub, press.other])

        note(engine, press, [], hubs=[press.other])
        ping(engine)

        assert press.told() == []
        assert press.told(press.other) == ["feeds/rss.xml"]

    def test_a_feed_that_is_gone_is_forgotten_and_held_against_no_hub(self, engine, press):
        note(engine, press, press.build(rss="1", desk="1"))
        press.hub.refuses = "/world/"
        ping(engine)
        assert working(engine, press.hub) == []

        (press.site / FEEDS["desk"]).unlink()
        note(engine, press, [])

        assert working(engine, press.hub) == [press.hub]
        assert only(engine).topic == f"{press.url}/feeds/rss.xml"

    def test_a_publication_that_moves_forgets_where_it_was(self, engine, press):
        note(engine, press, press.build(rss="1"))

        announce.note(engine, [press.hub.url], press.site, "https://new.example", [FEEDS["rss"]], NOW)

        assert only(engine).topic == "https://new.example/feeds/rss.xml"


class TestOnlyWhatIsServed:
    def test_the_bytes_are_served_before_the_hub_hears_of_them(self, engine, press):
        press.old = b"what was there before"
        note(engine, press, press.build(rss="new"))

        assert ping(engine) == 0
        assert press.told() == []
        assert press.asked == ["/feeds/rss.xml"]
        assert only(engine).tries == 0
        assert only(engine).is_unserved
        assert "not served yet" in only(engine).reply

        press.old = b""
        assert ping(engine, NOW + MINUTE / 2) == 0
        assert ping(engine, NOW + MINUTE) == 1
        assert press.hub.fetched == [(f"{press.url}/feeds/rss.xml", b"new")]
        assert not only(engine).is_unserved

    def test_whoever_asks_for_it_need_not_wait(self, engine, press):
        press.old = b"what was there before"
        note(engine, press, press.build(rss="new"))
        ping(engine)

        press.old = b""

        assert ping(engine, everything=True) == 1
        assert ping(engine, everything=True) == 0
        assert len(press.told()) == 1

    def test_an_address_that_gives_nothing_says_why(self, engine, press):
        note(engine, press, press.build(rss="new"))
        (press.site / FEEDS["rss"]).unlink()

        ping(engine)

        assert only(engine).reply == "its address answers 410"
        assert press.told() == []

    def test_an_address_that_is_not_served_hides_no_failure_of_a_hub(self, engine, press):
        press.hub.status = 500
        note(engine, press, press.build(rss="new"))
        ping(engine)

        press.old = b"what was there before"
        ping(engine, NOW + 5 * MINUTE)

        assert only(engine).reply == "500"
        assert only(engine).is_failing


class TestHubsThatFail:
    def test_a_hub_that_fails_is_tried_again_later_and_later(self, engine, press):
        press.hub.status, press.hub.words = 500, b"some words"
        note(engine, press, press.build(rss="new"))
        now, waits = NOW, []
        while (due := only(engine).due_at) is not None:
            waits.append(due - now)
            now = due
            assert ping(engine, now) == 0

        seconds = [wait.total_seconds() for wait in waits]
        assert len(press.told()) == 10
        assert seconds[0] == 0
        for number, wait in enumerate(seconds[1:]):
            assert 0.75 <= wait / min(60 * 2**number, 7200) <= 1.25
        assert only(engine).reply == "500 some words"

        note(engine, press, press.build(rss="newer"), now)
        press.hub.status = 202
        assert ping(engine, now) == 1

    def test_the_feeds_of_a_hub_that_fails_come_back_at_different_moments(self, engine, press):
        press.hub.status = 500
        note(engine, press, press.build(rss="1", json="1", desk="1"))

        ping(engine)

        assert len({one.due_at for one in rows(engine)}) == 3

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_hub_that_says_when_is_asked_then_by_all_feeds(self, engine, press, status):
        press.hub.status, press.hub.headers = status, {"Retry-After": "3600"}
        note(engine, press, press.build(rss="new", desk="new"))

        ping(engine)

        assert press.told() == ["feeds/rss.xml"]
        assert {one.due_at for one in rows(engine)} == {NOW + timedelta(hours=1)}

    def test_a_hub_that_says_in_a_year_is_asked_in_a_day(self, engine, press):
        press.hub.status, press.hub.headers = 503, {"Retry-After": "31536000"}
        note(engine, press, press.build(rss="new"))

        ping(engine)

        assert only(engine).due_at == NOW + timedelta(days=1)

    def test_a_hub_that_cannot_be_reached_costs_the_others_nothing(self, engine, press):
        down = Hub(url="http://127.0.0.1:9/")
        note(engine, press, press.build(rss="new"), hubs=[down, press.other])

        assert ping(engine) == 1
        assert working(engine, down, press.other) == [press.other]

    def test_a_hub_that_hangs_is_asked_once_in_a_round_and_holds_no_other_up(self, engine, press):
        press.hub.free.clear()
        note(engine, press, press.build(rss="1", json="1", desk="1"), hubs=[press.hub, press.other])

        async def impatient() -> int:
            async with Fetcher(["127.0.0.1"], 0.5, pause=0) as http:
                return await announce.ping(engine, http, NOW, 20)

        assert asyncio.run(impatient()) == 3
        assert len(press.told()) == 1
        assert len(press.told(press.other)) == 3
        assert [one.tries for one in rows(engine) if one.hub == press.hub.url] == [1, 1, 1]

    def test_a_round_ends_in_time_and_keeps_what_it_did(self, engine, press):
        press.hub.free.clear()
        note(engine, press, press.build(rss="1"), hubs=[press.hub, press.other])

        assert ping(engine, seconds=1) == 1
        assert {one.hub: one.due_at for one in rows(engine)} == {press.hub.url: NOW, press.other.url: None}

        press.hub.free.set()
        assert ping(engine) == 1

    def test_a_redirect_is_no_success_and_says_where_the_hub_is(self, engine, press):
        press.hub.status, press.hub.headers = 308, {"Location": press.other.url}
        note(engine, press, press.build(rss="1"))

        assert ping(engine) == 0
        assert press.told(press.other) == []
        assert working(engine, press.hub) == []
        assert press.other.url in only(engine).reply
        assert "[syndication] hubs" in only(engine).reply

    def test_what_a_hub_says_cannot_hurt(self, engine, press):
        """PostgreSQL takes no NUL, a terminal no escape."""
        press.hub.status, press.hub.words = 400, b"no\x00\x1b[31m\r\n \xff\xfe" + b"x" * 1000
        note(engine, press, press.build(rss="1"))

        ping(engine)

        assert only(engine).is_failing
        assert only(engine).reply.startswith("400 no")
        assert only(engine).reply.isprintable()
        assert len(only(engine).reply) < 250

    def test_a_hub_on_a_private_address_is_refused_with_what_to_write(self, engine, press):
        async def once() -> None:
            async with Fetcher(pause=0) as http:
                await http.post(press.hub.url, {})

        with pytest.raises(FetchError, match=r'allow_private = \["127.0.0.1"\]'):
            asyncio.run(once())
        assert press.told() == []


class TestWhichHubsWork:
    def test_a_hub_works_while_its_last_ping_of_every_feed_succeeded(self, engine, press):
        assert working(engine, press.hub) == []
        note(engine, press, press.build(rss="1", json="1"))
        assert working(engine, press.hub) == []

        ping(engine)
        assert working(engine, press.hub) == [press.hub]

        note(engine, press, press.build(rss="2"))
        assert working(engine, press.hub) == [press.hub]  # the last one that ended went well
        assert not any(one.is_unserved for one in rows(engine))

        press.hub.status = 503
        ping(engine)
        assert working(engine, press.hub) == []

        press.hub.status = 204
        ping(engine, NOW + 5 * MINUTE)
        assert working(engine, press.hub) == [press.hub]

    def test_the_hubs_keep_their_order(self, engine, press):
        note(engine, press, press.build(rss="1"), hubs=[press.other, press.hub])
        ping(engine)

        assert working(engine, press.other, press.hub) == [press.other, press.hub]
        assert working(engine, press.hub, press.other) == [press.hub, press.other]

    def test_a_hub_that_is_back_hears_of_what_was_given_up_too(self, engine, press):
        """Else the feed of a quiet section would keep the hub out of all feeds until it has news."""
        press.hub.status = 500
        note(engine, press, press.build(rss="1", desk="1"))
        now = NOW
        for _ in range(15):
            ping(engine, now)
            now += timedelta(hours=3)
        assert [one.due_at for one in rows(engine)] == [None, None]

        press.hub.status = 204
        note(engine, press, press.build(rss="2"), now)
        assert ping(engine, now) == 1
        assert ping(engine, now) == 1
        assert working(engine, press.hub) == [press.hub]

    def test_a_feed_that_a_hub_refuses_is_given_up_though_others_arrive(self, engine, press):
        press.hub.refuses = "/world/"
        note(engine, press, press.build(rss="0", desk="1"))
        now = NOW
        for number in range(1, 30):
            ping(engine, now)
            now += timedelta(hours=3)
            note(engine, press, press.build(rss=str(number)), now)

        assert press.told().count("feeds/world/rss.xml") == 10
        assert press.told().count("feeds/rss.xml") == 29

    def test_a_feed_that_is_refused_by_a_hub_that_is_back_waits_for_its_time(self, engine, press):
        press.hub.status = 500
        note(engine, press, press.build(rss="1", desk="1"))
        ping(engine)

        press.hub.status, press.hub.refuses = 204, "/world/"
        ping(engine, NOW + 5 * MINUTE)

        assert {one.topic.removeprefix(f"{press.url}/"): bool(one.due_at) for one in rows(engine)} == {
            FEEDS["rss"]: False,
            FEEDS["desk"]: True,
        }
        assert ping(engine, NOW + 6 * MINUTE) == 0
        assert len(press.told()) == 4

    def test_a_person_may_try_what_was_given_up(self, engine, press):
        press.hub.status = 500
        note(engine, press, press.build(rss="1"))
        for number in range(15):
            ping(engine, NOW + number * timedelta(hours=3))

        press.hub.status = 204

        assert ping(engine, NOW) == 0
        assert ping(engine, NOW, everything=True) == 1


class TestNewsMeanwhile:
    @pytest.mark.parametrize("succeeded", [True, False])
    def test_news_that_comes_while_a_hub_is_told_stays_due(self, engine, press, succeeded):
        note(engine, press, press.build(rss="1"))
        old = only(engine)
        note(engine, press, press.build(rss="2"))

        with database.writing(engine) as db:
            pings.record(db, old, "an answer", None, succeeded=succeeded)

        assert only(engine).due_at == NOW
        assert only(engine).digest == hashlib.sha256(b"2").hexdigest()
        assert only(engine).succeeded is succeeded
        assert not only(engine).is_unserved

    def test_news_that_comes_while_the_old_is_awaited_is_not_put_off(self, engine, press):
        note(engine, press, press.build(rss="1"))
        old = only(engine)
        note(engine, press, press.build(rss="2"))

        with database.writing(engine) as db:
            pings.postpone(db, old, "its new bytes are not served yet", NOW + MINUTE)

        assert only(engine).due_at == NOW


class TestTheWholeSite:
    """The hub's link is news itself: once."""

    @pytest.fixture
    def whole(self, press) -> Site:
        publication = a_publication(url=press.url)
        return Site(
            publication=publication,
            newsletters={"briefing": a_newsletter()},
            feeds=[FeedRule(entries=10)],
            templates=templates(publication),
            path=press.site,
            static=press.site / "static",
            founded=NOW,
            root=press.site,
            syndication=Syndication((press.hub.url,)),
        )

    def turn(self, engine, press, site: Site, memory: Memory, now) -> tuple[int, int]:
        """(files written, pings that arrived) of one build and what follows."""
        written = syndicate.build(engine, site, now, memory=memory).written
        announce.note(engine, site.syndication.hubs, site.path, press.url, written, now)
        return len(written), ping(engine, now)

    def rss(self, press) -> str:
        return (press.site / "feeds/rss.xml").read_text()

    def test_the_link_comes_with_the_first_success_is_told_once_and_then_all_rests(self, engine, press, whole):
        with database.writing(engine) as db:
            file_articles(db, an_article(1, image=None))
        memory = Memory()

        written, first = self.turn(engine, press, whole, memory, NOW)
        assert 'rel="hub"' not in press.hub.fetched[0][1].decode()
        before = syndicate.fingerprint(engine, whole, NOW)
        again, second = self.turn(engine, press, whole, memory, NOW + MINUTE)

        assert written > again >= first == second > 10
        assert f'rel="hub" href="{press.hub.url}"' in self.rss(press)
        assert press.hub.url in before
        assert self.turn(engine, press, whole, memory, NOW + 2 * MINUTE) == (0, 0)
        assert self.turn(engine, press, whole, Memory(), NOW + 3 * MINUTE) == (0, 0)
        assert syndicate.fingerprint(engine, whole, NOW) == before

    def test_a_hub_that_fails_leaves_the_feeds_and_comes_back_and_each_ends(self, engine, press, whole):
        with database.writing(engine) as db:
            file_articles(db, an_article(1, image=None))
        memory, now = Memory(), NOW
        for _ in range(2):
            self.turn(engine, press, whole, memory, now)

        press.hub.status = 500
        with database.writing(engine) as db:
            file_articles(db, an_article(2, image=None))
        states = []
        for _ in range(4):
            now += timedelta(hours=3)
            written, _ = self.turn(engine, press, whole, memory, now)
            states.append((written > 0, 'rel="hub"' in self.rss(press)))
        assert states == [(True, True), (True, False), (False, False), (False, False)]

        press.hub.status = 204
        states = []
        for _ in range(4):
            now += timedelta(hours=3)
            written, arrived = self.turn(engine, press, whole, memory, now)
            states.append((written > 0, arrived > 0, 'rel="hub"' in self.rss(press)))
        assert states == [(False, True, False), (True, True, True), (False, False, True), (False, False, True)]
