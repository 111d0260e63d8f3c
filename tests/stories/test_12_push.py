"""A hub hears of news from a press that runs, and finds it where it was told to look."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest

from tests.hubs import Hub, a_hub

SECONDS = 60


@pytest.fixture
def hub() -> Iterator[Hub]:
    with a_hub() as one:
        yield one


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def rests(hub: Hub) -> bool:
    """Whether the hub hears nothing for longer than a press waits between two rounds."""
    heard = len(hub.told)
    time.sleep(6)
    return len(hub.told) == heard


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def settings(*hubs: Hub) -> str:
    urls = json.dumps([hub.url for hub in hubs])
    return f'[syndication]\nhubs = {urls}\n[fetch]\nallow_private = ["127.0.0.1"]\npause = "10ms"\n'


@contextmanager
def press(newsroom) -> Iterator[Popen[str]]:
    process = newsroom.start("run")
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_hub_finds_the_news_that_it_hears_of_and_then_stands_in_the_feed(newsroom, hub, free_port, store_url):
    newsroom.write(port=free_port, store=store_url, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    address = f"http://127.0.0.1:{free_port}/feeds/rss.xml"

    def feed() -> tuple[str, str]:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read().decode(), answer.headers.get("Link", "")

    with press(newsroom):
        until(lambda: hub.heard(b"The first story"))
        until(lambda: f'<atom:link rel="hub" href="{hub.url}"/>' in feed()[0])

        assert f'<{hub.url}>; rel="hub"' in feed()[1]
        assert f'<{address}>; rel="self"' in feed()[1]
        assert json.loads((newsroom.path / "site/feeds/feed.json").read_text())["hubs"] == [
            {"type": "WebSub", "url": hub.url}
        ]
        until(lambda: rests(hub))  # the link itself is news, once
        topics = {topic.removeprefix(f"http://127.0.0.1:{free_port}/") for topic in hub.told}
        assert {"feeds/rss.xml", "feeds/atom.xml", "feeds/feed.json", "feeds/world/rss.xml"} <= topics
        assert max(map(hub.told.count, hub.told)) == 2
        assert newsroom.json("status")["needs"] == []

        hub.told.clear()
        newsroom.article("world/two.md", title="The second story")
        newsroom.run("gather")
        until(lambda: hub.heard(b"The second story"))
        until(lambda: rests(hub))
        assert any("/feeds/world/" in topic for topic in hub.told)
        assert not any("/feeds/economy/" in topic for topic in hub.told)


def test_a_hub_that_fails_leaves_the_feed_needs_a_person_and_comes_back(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    rss = newsroom.path / "site/feeds/rss.xml"

    with press(newsroom):
        until(lambda: rss.is_file() and 'rel="hub"' in rss.read_text())
        hub.status, hub.words = 500, b"out of order"
        newsroom.article("world/two.md", title="The second story")
        newsroom.run("gather")
        until(lambda: "The second story" in rss.read_text())
        until(lambda: 'rel="hub"' not in rss.read_text())
        (need,) = newsroom.json("status")["needs"]
        assert need.startswith(f"hub {hub.url} did not take ")
        assert need.endswith("500 out of order")

        hub.status = 204
        newsroom.run("feeds", "ping")
        until(lambda: 'rel="hub"' in rss.read_text())
        assert newsroom.json("status")["needs"] == []


def test_a_press_that_dies_while_it_tells_a_hub_tells_it_after_all(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    hub.free.clear()

    with press(newsroom) as process:
        until(lambda: bool(hub.told))
        process.kill()
    (begun,) = hub.told
    hub.free.set()
    with press(newsroom):
        until(lambda: begun in dict(hub.fetched))
        until(lambda: hub.heard(b"The first story"))
        until(lambda: 'rel="hub"' in (newsroom.path / "site/feeds/rss.xml").read_text())


def test_a_site_that_is_copied_elsewhere_tells_its_hubs_when_it_is_there(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    newsroom.run("gather")

    built = newsroom.run("build")
    early = newsroom.run("feeds", "ping", code=1)

    assert "publisher feeds ping" in built.stderr
    assert "wait" in early.stderr
    assert hub.told == []
    (need,) = newsroom.json("status")["needs"]
    assert need.startswith(f"hubs have not heard of http://127.0.0.1:{free_port}/feeds/")
    serving = newsroom.start("serve", "--workers", "1")
    try:
        until(lambda: _answers(free_port))
        done = newsroom.run("feeds", "ping")
        assert "0 wait" in done.stderr
        assert hub.heard(b"The first story")
    finally:
        serving.terminate()
        serving.communicate(timeout=30)


def test_a_hub_on_a_private_address_is_not_asked_unless_the_newsroom_says_so(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=f'[syndication]\nhubs = ["{hub.url}"]\n')
    newsroom.article("world/one.md").run("gather")
    newsroom.run("build")

    refused = newsroom.run("feeds", "ping", code=1)

    assert "allow_private" in refused.stdout + refused.stderr
    assert hub.told == []


def test_a_hub_that_is_struck_from_the_configuration_needs_nobody(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md").run("gather")
    newsroom.run("build")
    newsroom.run("feeds", "ping", code=1)
    assert newsroom.json("status")["needs"]

    newsroom.write(port=free_port)

    assert newsroom.json("status")["needs"] == []


def test_to_ping_without_a_hub_says_what_to_write(newsroom):
    assert "[syndication] hubs" in newsroom.run("feeds", "ping", code=1).stderr
