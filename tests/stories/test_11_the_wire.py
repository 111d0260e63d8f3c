"""`publisher serve` and `publisher run` on the wire: what a feed reader gets, by several processes, until the end."""

import os
import signal
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.webserver import Got, ask

FEED = "/feeds/world/rss.xml"
GZIP = {"Accept-Encoding": "gzip"}


def until(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail("it never happened")


def asked(port: int, path: str = FEED, headers: dict[str, str] | None = None, method: str = "GET") -> Got | None:
    try:
        return ask(port, path, headers, method)
    except OSError:
        return None


@contextmanager
def started(newsroom, port: int, *arguments: str):
    """The process, once it serves."""
    process = newsroom.start(*arguments)
    try:
        until(lambda: (got := asked(port, "/health")) and got.status == 200)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def children(process) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether it still does something; one that ended and that nobody asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def built(newsroom, free_port):
    moves = '[syndication]\nmoved = { "old-world" = "world" }\nclosed = ["podcasts"]\nmax_age = "10m"\n'
    newsroom.write(port=free_port, extra=moves)
    newsroom.article("world/one.md", "The news", "Long words. " * 200).article("economy/two.md", "Money")
    newsroom.run("gather")
    newsroom.run("build")
    return newsroom


def test_a_feed_reader_polls(built, free_port):
    with started(built, free_port, "serve"):
        first = ask(free_port, FEED, GZIP)
        again = ask(free_port, FEED, {**GZIP, "If-None-Match": first.headers["ETag"]})
        dated = ask(free_port, FEED, {**GZIP, "If-Modified-Since": first.headers["Last-Modified"]})
        shown = ask(free_port, FEED, {"Accept": "text/html"})

        assert (first.status, first.headers["Content-Encoding"]) == (200, "gzip")
        assert first.headers["Cache-Control"] == (
            "public, max-age=600, stale-while-revalidate=600, stale-if-error=86400"
        )
        assert f'<http://127.0.0.1:{free_port}{FEED}>; rel="self"' in first.headers["Link"]
        assert [(one.status, one.body, one.headers["ETag"]) for one in (again, dated)] == [
            (304, b"", first.headers["ETag"])
        ] * 2
        assert (first.headers["Content-Type"], shown.headers["Content-Type"]) == (
            "application/rss+xml; charset=utf-8",
            "application/xml; charset=utf-8",
        )
        assert b"The news" in shown.body
        assert ask(free_port, "/feeds/podcasts/rss.xml").status == 410
        assert ask(free_port, "/feeds/old-world/atom.xml").headers["Location"] == "/feeds/world/atom.xml"
        missing = ask(free_port, "/nowhere")
        assert (missing.status, b"There is no such page" in missing.body) == (404, True)


def test_an_abuser_is_slowed_down_and_can_still_leave(built, free_port):
    text = (built.path / "config.toml").read_text()
    (built.path / "config.toml").write_text(text.replace("[site]\n", "[site]\nrequests_per_minute = 5\n"))

    with started(built, free_port, "serve", "--workers", "1"):
        statuses = [ask(free_port, FEED).status for _ in range(7)]
        leaving = ask(free_port, "/unsubscribe/x").status

    assert statuses == [200] * 5 + [429] * 2
    assert leaving == 400


def test_an_edit_in_one_section_leaves_the_feeds_of_the_others_alone(built, free_port):
    with started(built, free_port, "serve"):
        before = {path: ask(free_port, path, GZIP) for path in (FEED, "/feeds/economy/rss.xml")}

        built.article("world/one.md", "The corrected news")
        built.run("gather")
        built.run("build")

        world = until(lambda: (got := ask(free_port, FEED)) and b"corrected" in got.body and got)
        economy = ask(free_port, "/feeds/economy/rss.xml", GZIP)
    assert world.headers["Last-Modified"] > before[FEED].headers["Last-Modified"]
    assert economy.fields() == before["/feeds/economy/rss.xml"].fields()


def test_a_new_article_shows_while_the_press_runs(built, free_port):
    with started(built, free_port, "run"):
        tag = until(lambda: (got := asked(free_port)) and got.status == 200 and got.headers["ETag"])
        assert ask(free_port, FEED, {"If-None-Match": tag}).status == 304

        built.article("world/late.md", "Late news").run("gather")

        got = until(lambda: (got := ask(free_port, FEED, {"If-None-Match": tag})).status == 200 and got)
        assert b"Late news" in got.body


def test_several_processes_serve_and_end_together(built, free_port):
    with started(built, free_port, "serve", "--workers", "3") as process:
        pids = children(process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)

    assert (len(pids), process.returncode) == (3, 0), output
    assert not any(map(is_running, pids))
    assert asked(free_port) is None
    assert "Traceback" not in output


def test_one_process_that_dies_is_replaced(built, free_port):
    with started(built, free_port, "serve", "--workers", "2") as process:
        time.sleep(3.2)  # one that dies sooner ends it all
        victim, other = until(lambda: len(found := children(process)) == 2 and found)

        os.kill(victim, signal.SIGKILL)

        after = until(lambda: len(found := children(process)) == 2 and victim not in found and found)
        assert other in after
        until(lambda: (got := asked(free_port)) and got.status == 200)


def test_processes_that_cannot_live_are_an_error(built, free_port):
    with started(built, free_port, "serve", "--workers", "2") as process:
        while process.poll() is None:
            for pid in children(process) if process.poll() is None else ():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "a serving process ended at once, with exit code -9" in output


def test_nobody_serves_on_when_the_keeper_is_killed(built, free_port):
    with started(built, free_port, "serve", "--workers", "2") as process:
        pids = children(process)
        process.kill()

        until(lambda: not any(map(is_running, pids)))


def test_answers_in_hand_go_out_before_the_end(built, free_port):
    content = os.urandom(30_000_000)
    (built.path / "site/film.mp4").write_bytes(content)
    with started(built, free_port, "serve", "--workers", "2") as process:
        connection = HTTPConnection("127.0.0.1", free_port, timeout=30)
        connection.request("GET", "/film.mp4")
        answer = connection.getresponse()

        process.send_signal(signal.SIGTERM)

        assert answer.read() == content
        connection.close()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_the_configuration_for_nginx_is_this_newsroom_s(built, free_port):
    printed = built.run("feeds", "nginx").stdout

    assert f'root "{built.path.resolve()}/site";' in printed
    assert f"proxy_pass http://127.0.0.1:{free_port};" in printed
    assert "max-age=600" in printed
    assert 'location ~ "^/feeds/podcasts(/.*)?$"' in printed
    assert 'return 301 "/feeds/world$1";' in printed


def test_moves_that_never_end_are_told_before_anything_is_served(built):
    text = (built.path / "config.toml").read_text()
    (built.path / "config.toml").write_text(text.replace('"old-world" = "world"', 'world = "world/asia"'))

    done = built.run("serve", code=2)

    assert '"world" leads to "world/asia" and round for ever.' in done.stderr
