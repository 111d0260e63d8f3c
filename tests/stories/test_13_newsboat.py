"""A real feed reader, newsboat, follows a served feed: all articles once, a 304 in between, an edit as an edit."""

import shutil
import socket
import sqlite3
import subprocess
import time
from calendar import timegm
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import feedparser
import pytest

PATIENCE = 30.0  # seconds for a server to come up


@contextmanager
def relayed(port: int) -> Iterator[tuple[int, list[str]]]:
    """A way to a server on this machine that remembers its status lines."""
    statuses: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def carry() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                Thread(target=_exchange, args=(client, port, statuses), daemon=True).start()

        Thread(target=carry, daemon=True).start()
        yield listening.getsockname()[1], statuses
        listening.shutdown(socket.SHUT_RDWR)


def _exchange(client: socket.socket, port: int, statuses: list[str]) -> None:
    """One request and its answer: the server is asked to close after it, so that its end is the answer's."""
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(65_536)
            if not part:
                return
            head += part
        server.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        answer = b""
        while part := server.recv(65_536):
            answer += part
        statuses.append(answer.partition(b"\r\n")[0].decode())
        client.sendall(answer)


@contextmanager
def serving(newsroom, port: int) -> Iterator[None]:
    server = newsroom.start("serve")
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and server.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"it does not serve: {server.stdout.read() if server.poll() is not None else 'no answer'}")
        yield
    finally:
        server.terminate()
        server.communicate(timeout=20)


class Newsboat:
    """The reader with its own home: it polls one feed and keeps what it read in a database of its own."""

    def __init__(self, home: Path, url: str) -> None:
        found = shutil.which("newsboat")
        if not found:
            pytest.skip("newsboat is not installed: apt-get install newsboat")
        home.mkdir()
        (home / "urls").write_text(f"{url}\n", "utf-8")
        (home / "config").write_text("use-proxy no\n", "utf-8")
        self.home = home
        files = {"-u": "urls", "-c": "cache.db", "-C": "config"}
        self.command = [found, *(part for key, name in files.items() for part in (key, str(home / name)))]

    def poll(self) -> None:
        place = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [*self.command, "-x", "reload"], env=place, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def articles(self) -> list[tuple[str, str, str, int, str]]:
        """Of each, guid, title, address, date in seconds, and text; newest first."""
        kept = "SELECT guid, title, url, pubDate, content FROM rss_item WHERE deleted = 0 ORDER BY pubDate DESC, guid"
        with closing(sqlite3.connect(self.home / "cache.db")) as db:
            return db.execute(kept).fetchall()


@pytest.fixture
def published(newsroom, free_port):
    """A newsroom with three stories, built."""
    newsroom.write(port=free_port)
    newsroom.article("world/harbour.md", "The harbour “reopens”", "Ships *at last*.", date="2026-11-19T08:00:00+05:00")
    newsroom.article("world/asia/khaleej.md", "خلیج کی نئی سفارت کاری", "متن", date="2026-11-18T08:00:00+05:00")
    newsroom.article("economy/tea.md", "Tea & rain <wet>", "Rain.", date="2026-11-17T08:00:00+05:00")
    newsroom.run("gather")
    newsroom.run("build")
    return newsroom


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_newsboat_reads_each_story_once_and_is_told_when_nothing_changed(published, free_port, tmp_path, name):
    expected = stories(published.path / "site/feeds" / name)
    assert [title for _, title, _, _ in expected] == [
        "The harbour “reopens”",
        "خلیج کی نئی سفارت کاری",
        "Tea & rain <\u200bwet>",
    ]

    with serving(published, free_port), relayed(free_port) as (port, statuses):
        reader = Newsboat(tmp_path / "newsboat", f"http://127.0.0.1:{port}/feeds/{name}")
        reader.poll()
        first = reader.articles()
        assert [one[:4] for one in first] == expected
        assert "<em>at last</em>" in first[0][4]

        reader.poll()  # Debian's newsboat forgets the ETag of its very first poll (newsboat#2734)
        reader.poll()
        assert reader.articles() == first
        assert len(statuses) == 3, "it polls once each time"
        assert statuses[0] == "HTTP/1.1 200 OK"
        assert statuses[2] == "HTTP/1.1 304 Not Modified"

        edited = published.path / "articles/economy/tea.md"
        edited.write_text(edited.read_text("utf-8").replace("Rain.", "More rain."), "utf-8")
        published.run("gather")
        published.run("build")
        reader.poll()

    third = reader.articles()
    assert [one[0] for one in third] == [one[0] for one in first], "no story twice, and none is lost"
    assert "More rain." in third[2][4]
    assert third[:2] == first[:2]
    assert statuses[3:] == ["HTTP/1.1 200 OK"]


def stories(file: Path) -> list[tuple[str, str, str, int]]:
    """What a built feed holds, as newsboat keeps it."""
    return [
        (entry.id, entry.title, entry.link, timegm(entry.published_parsed))
        for entry in feedparser.parse(file.read_bytes(), sanitize_html=False).entries
    ]
