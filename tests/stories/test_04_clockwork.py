"""`publisher run`: everything on schedule, the site served, and a clean end."""

import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from publisher.store import database, editions


def wait_for(condition, seconds: float = 40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("it never happened")


def get(url: str, data: bytes | None = None) -> tuple[int, str, dict]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=5) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)
    except OSError:
        return 0, "", {}


@pytest.fixture
def running(newsroom, free_port):
    """A press that was last seen a minute ago, with a newsletter due every minute."""
    newsroom.write(port=free_port, cron="* * * * *")
    newsroom.article("world/one.md", "The news").readers("ada@example.org,Ada,*", "bob@example.org,Bob,*")
    engine = database.open_engine("sqlite:///var/publisher.db", newsroom.path)
    with database.writing(engine) as db:
        editions.see(db, "briefing", "daily", datetime.now(UTC) - timedelta(seconds=61))
    engine.dispose()
    process = newsroom.start("run")
    yield newsroom, process, f"http://127.0.0.1:{free_port}"
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_what_is_due_is_gathered_printed_sent_and_served(running):
    newsroom, process, url = running

    wait_for(lambda: len(newsroom.mail()) == 2)

    _, page, _ = wait_for(lambda: (found := get(f"{url}/"))[0] == 200 and found)
    assert "The news" in page
    assert get(f"{url}/feeds/rss.xml")[0] == 200
    assert get(f"{url}/health")[1] == "ok\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=35)
    assert process.returncode == 0, output
    assert "example.org" not in output
    states = {one["state"] for one in newsroom.json("editions", "list")}
    assert "sent" in states


def test_the_site_follows_what_another_process_gathers(running):
    newsroom, _, url = running
    wait_for(lambda: "The news" in get(f"{url}/")[1])

    newsroom.article("world/late.md", "Late news").run("gather")

    wait_for(lambda: "Late news" in get(f"{url}/")[1])


def test_a_reader_leaves_by_one_click_and_never_by_a_look(running):
    newsroom, _, _ = running
    wait_for(lambda: len(newsroom.mail()) == 2)
    message = message_from_bytes(newsroom.mail()[0].read_bytes(), policy=default)
    link = message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    wait_for(lambda: get(link)[0] == 200)

    looked = [get(link)[0] for _ in range(3)]
    after_looking = [one["state"] for one in newsroom.json("subscribers", "list")]
    status, _, headers = get(link, b"List-Unsubscribe=One-Click")
    again = get(link, b"List-Unsubscribe=One-Click")[0]

    states = sorted(one["state"] for one in newsroom.json("subscribers", "list"))
    assert (looked, after_looking) == ([200] * 3, ["active"] * 2)
    assert (status, again, states) == (200, 200, ["active", "ended"])
    assert "set-cookie" not in {name.lower() for name in headers}
    assert get(f"{link}x", b"List-Unsubscribe=One-Click")[0] == 400


def test_two_presses_on_one_database_send_each_copy_once(running, newsroom):
    second = newsroom.start("run")
    try:
        wait_for(lambda: len(newsroom.mail()) == 2)
        made = [one for one in newsroom.json("editions", "list") if one["state"] != "skipped"]
        assert len(made) == 1
    finally:
        second.kill()
        second.communicate()


def test_a_taken_port_is_said(newsroom, free_port):
    import socket

    with socket.create_server(("127.0.0.1", free_port)):
        newsroom.write(port=free_port)

        done = newsroom.run("serve", code=1)

    assert f"cannot listen on 127.0.0.1:{free_port}" in done.stderr


def test_serve_ends_cleanly(newsroom, free_port):
    newsroom.write(port=free_port)
    newsroom.run("build")
    process = newsroom.start("serve")

    wait_for(lambda: get(f"http://127.0.0.1:{free_port}/")[0] == 200)
    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=15)
    assert process.returncode == 0
    assert not list(Path(newsroom.path, "site").rglob("*.half"))
