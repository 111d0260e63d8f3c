"""Hubs hear of news once it is served, again after a failure, and never twice of the same."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.errors import FetchError
from publisher.pipeline import announce
from publisher.ports import Response
from publisher.store import database, pings
from tests.builders import NOW

HUB, OTHER = "https://hub.example/", "https://other-hub.example/"
URL = "https://journal.example"
MINUTE = timedelta(minutes=1)


@dataclass
class Net:
    """What is served at the publication's address, and what hubs answer; it remembers what was asked, in order."""

    site: Path
    answers: dict[str, Response | FetchError] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    served: bool = True

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        self.asked.append(("GET", url, ""))
        content = (self.site / url.removeprefix(f"{URL}/")).read_bytes() if self.served else b"what was there before"
        return Response(200, url, {}, content)

    async def post(self, url: str, fields: Mapping[str, str]) -> Response:
        self.asked.append(("POST", url, fields["hub.url"]))
        assert fields["hub.mode"] == "publish"
        given = self.answers.get(url, answer(204))
        if isinstance(given, FetchError):
            raise given
        return given

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(hub, topic.removeprefix(f"{URL}/")) for verb, hub, topic in self.asked if verb == "POST"]


def answer(status: int, **headers: str) -> Response:
    return Response(status, HUB, {name.replace("_", "-"): value for name, value in headers.items()}, b"some words")


@pytest.fixture
def net(tmp_path) -> Net:
    return Net(tmp_path)


def build(net: Net, **files: str) -> list[str]:
    """Write feeds, as a build does: `rss="text"`."""
    (net.site / "feeds").mkdir(exist_ok=True)
    paths = []
    for name, text in files.items():
        paths.append({"rss": "feeds/rss.xml", "json": "feeds/feed.json", "archive": "feeds/archive-1.xml"}[name])
        (net.site / paths[-1]).write_text(text)
    return paths


def note(engine, net, paths, now=NOW, hubs=(HUB,)) -> None:
    announce.note(engine, hubs, net.site, URL, paths, now)


def ping(engine, net, now=NOW, seconds=5.0) -> int:
    return asyncio.run(announce.ping(engine, net, now, seconds))


def working(engine, *hubs: str) -> tuple[str, ...]:
    with database.reading(engine) as db:
        return pings.working(db, hubs or (HUB,))


def only(engine) -> pings.Ping:
    with database.reading(engine) as db:
        (one,) = pings.load(db)
    return one


def test_a_hub_hears_of_each_feed_that_changed_and_of_no_archive(engine, net):
    note(engine, net, [*build(net, rss="a", json="b", archive="c"), "index.html", "feeds/feeds.opml"])

    assert ping(engine, net) == 2
    assert sorted(net.told) == [(HUB, "feeds/feed.json"), (HUB, "feeds/rss.xml")]


def test_the_bytes_are_served_before_the_hub_hears_of_them(engine, net):
    net.served = False
    note(engine, net, build(net, rss="new"))

    assert ping(engine, net) == 0
    assert net.told == []
    assert only(engine).tries == 0
    assert "not served yet" in only(engine).reply

    net.served = True
    assert ping(engine, net, NOW + 30 * timedelta(seconds=1)) == 0
    assert ping(engine, net, NOW + MINUTE) == 1
    assert [verb for verb, _, _ in net.asked][-2:] == ["GET", "POST"]


def test_nothing_is_announced_twice(engine, net):
    for moment in range(3):
        note(engine, net, build(net, rss="same"), NOW + moment * MINUTE)
        ping(engine, net, NOW + moment * MINUTE)

    assert len(net.told) == 1


def test_a_ping_that_was_noted_outlives_a_crash(engine, net):
    note(engine, net, build(net, rss="new"))
    engine.dispose()

    assert ping(engine, net, NOW + 60 * MINUTE) == 1


def test_a_hub_that_fails_is_tried_again_later_and_later(engine, net):
    net.answers[HUB] = answer(500)
    note(engine, net, build(net, rss="new"))
    now, waits = NOW, []
    while (due := only(engine).due_at) is not None:
        waits.append(due - now)
        now = due
        assert ping(engine, net, now) == 0

    assert len(net.told) == 10
    assert waits[0] == timedelta(0)
    assert all(
        timedelta(seconds=45) * 2**n <= wait <= timedelta(seconds=75) * 2**n for n, wait in enumerate(waits[1:7])
    )
    assert max(waits) <= timedelta(hours=7.5)
    assert only(engine).reply == "500 some words"

    note(engine, net, build(net, rss="newer"), now)
    net.answers[HUB] = answer(202)
    assert ping(engine, net, now) == 1


def test_a_hub_that_says_when_is_asked_then(engine, net):
    net.answers[HUB] = answer(429, retry_after="3600")
    note(engine, net, build(net, rss="new"))

    ping(engine, net)

    assert only(engine).due_at == NOW + timedelta(hours=1)


def test_a_hub_that_cannot_be_reached_costs_the_others_nothing(engine, net):
    net.answers[HUB] = FetchError("hub.example cannot be fetched: no route.")
    note(engine, net, build(net, rss="new"), hubs=(HUB, OTHER))

    assert ping(engine, net) == 1
    assert working(engine, HUB, OTHER) == (OTHER,)


def test_a_hub_works_while_its_last_ping_of_every_feed_succeeded(engine, net):
    assert working(engine) == ()
    note(engine, net, build(net, rss="1", json="1"))
    assert working(engine) == ()

    ping(engine, net)
    assert working(engine) == (HUB,)

    note(engine, net, build(net, rss="2"), NOW)
    assert working(engine) == (HUB,)  # the last one that ended went well

    net.answers[HUB] = answer(503)
    ping(engine, net)
    assert working(engine) == ()

    net.answers[HUB] = answer(204)
    ping(engine, net, NOW + 5 * MINUTE)
    assert working(engine) == (HUB,)


def test_a_redirect_is_no_success(engine, net):
    net.answers[HUB] = answer(302)
    note(engine, net, build(net, rss="1"))

    assert ping(engine, net) == 0
    assert working(engine) == ()


def test_a_hub_that_is_ours_no_more_is_forgotten(engine, net):
    note(engine, net, build(net, rss="1"), hubs=(HUB, OTHER))

    note(engine, net, [], hubs=(OTHER,))
    ping(engine, net)

    assert net.told == [(OTHER, "feeds/rss.xml")]


def test_news_that_comes_while_a_hub_is_told_stays_due(engine, net):
    note(engine, net, build(net, rss="1"))
    old = only(engine)
    note(engine, net, build(net, rss="2"))

    with database.writing(engine) as db:
        pings.record(db, old, "204", None, succeeded=True)

    assert only(engine).due_at == NOW
    assert only(engine).digest == hashlib.sha256(b"2").hexdigest()


def test_a_hub_without_an_answer_holds_nobody_up(engine, net):
    class Slow(Net):
        async def post(self, url, fields):
            await asyncio.sleep(60)

    slow = Slow(net.site)
    note(engine, net, build(net, rss="1"))

    assert ping(engine, slow, seconds=0.05) == 0
    assert only(engine).due_at == NOW
    assert ping(engine, net) == 1
