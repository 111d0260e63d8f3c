"""A hub hears of news from a press that runs, and finds it where it was told to look."""

import contextlib
import json
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

SECONDS = 40


@dataclass
class Hub:
    """A hub that comes for the feed at once when it is told of it, as WebSub §7 has it; `status` is its answer."""

    status: int = 204
    fetched: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""

    def heard(self, word: bytes) -> bool:
        return any(word in content for _, content in self.fetched)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            assert form["hub.mode"] == ["publish"]
            if hub.status < 300:
                with urllib.request.urlopen(form["hub.url"][0], timeout=5) as answer:
                    hub.fetched.append((form["hub.url"][0], answer.read()))
            self.send_response(hub.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running(Hub()) as one:
        yield one


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def settings(hub: Hub) -> str:
    return f'[syndication]\nhubs = ["{hub.url}"]\n[fetch]\nallow_private = ["127.0.0.1"]\npause = "10ms"\n'


@contextmanager
def press(newsroom) -> Iterator[None]:
    process = newsroom.start("run")
    try:
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_hub_finds_the_news_that_it_hears_of_and_then_stands_in_the_feed(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    address = f"http://127.0.0.1:{free_port}/feeds/rss.xml"

    def feed() -> tuple[str, str]:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read().decode(), answer.headers.get("Link", "")

    with press(newsroom):
        until(lambda: hub.heard(b"The first story"))
        until(lambda: f'<atom:link rel="hub" href="{hub.url}"/>' in feed()[0])

        assert f'<{hub.url}>; rel="hub"' in feed()[1]
        assert json.loads((newsroom.path / "site/feeds/feed.json").read_text())["hubs"] == [
            {"type": "WebSub", "url": hub.url}
        ]
        topics = {topic.removeprefix(f"http://127.0.0.1:{free_port}/") for topic, _ in hub.fetched}
        assert {"feeds/rss.xml", "feeds/atom.xml", "feeds/feed.json", "feeds/world/rss.xml"} <= topics

        until(lambda: "needs a person" in newsroom.run("status").stdout)
        quiet = len(hub.fetched)
        time.sleep(1)
        while len(hub.fetched) != quiet:  # the link itself is news once, and then it rests
            quiet = len(hub.fetched)
            time.sleep(6)

        newsroom.article("world/two.md", title="The second story")
        newsroom.run("gather")
        until(lambda: hub.heard(b"The second story"))


def test_a_hub_that_fails_leaves_the_feed_and_needs_a_person(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    rss = newsroom.path / "site/feeds/rss.xml"

    with press(newsroom):
        until(lambda: rss.is_file() and 'rel="hub"' in rss.read_text())
        hub.status = 500
        newsroom.article("world/two.md", title="The second story")
        newsroom.run("gather")
        until(lambda: "The second story" in rss.read_text())
        until(lambda: 'rel="hub"' not in rss.read_text())

    needs = newsroom.json("status")["needs"]
    assert any(f"hub {hub.url} did not take" in need for need in needs)


def test_a_site_that_is_copied_elsewhere_tells_its_hubs_when_it_is_there(newsroom, hub, free_port):
    newsroom.write(port=free_port, extra=settings(hub))
    newsroom.article("world/one.md", title="The first story")
    newsroom.run("gather")

    built = newsroom.run("build")
    early = newsroom.run("feeds", "ping", code=1)

    assert "publisher feeds ping" in built.stderr
    assert "wait" in early.stderr
    assert not hub.fetched
    serving = newsroom.start("serve", "--workers", "1")
    try:
        until(lambda: _answers(free_port))
        with sqlite3.connect(newsroom.path / "var/publisher.db") as db:  # a minute later
            db.execute("UPDATE pings SET due_at = '2026-01-01 00:00:00.000000'")
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
    assert not hub.fetched


def test_to_ping_without_a_hub_says_what_to_write(newsroom):
    assert "[syndication] hubs" in newsroom.run("feeds", "ping", code=1).stderr
