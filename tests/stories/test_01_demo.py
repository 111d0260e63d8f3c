"""A newcomer types one command and sees the whole job done."""

import json
import re
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import feedparser
import pytest

ROOT = Path(__file__).parents[2]


def demo(folder: Path) -> dict:
    command = [sys.executable, "-m", "publisher", "--json", "demo", "--once", "--dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder)


@pytest.fixture(scope="module")
def mail(played):
    files = sorted((played[0] / "mail").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=default) for file in files]


def test_the_account_counts_the_whole_journal(played):
    folder, account = played

    assert account["articles"] >= 24
    assert account["readers"] == account["caught"] == 60
    assert account["deliveries"] == {"accepted": 60}
    assert account["editions"] == 2
    command = [sys.executable, "-m", "publisher", "--config", str(folder / "config.toml"), "--json", "feeds", "list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert account["feeds"] == len(json.loads(listed.stdout)) > 3 * (1 + account["sections"])


def test_everything_is_where_the_manual_says(played):
    folder, _ = played

    for path in ("config.toml", "site/index.html", "site/feeds/rss.xml", "var/publisher.db", "mail/0001.eml"):
        assert (folder / path).is_file(), path
    assert (folder / "var/secret.key").stat().st_mode & 0o077 == 0


def test_every_reader_got_one_well_formed_digest(mail):
    assert max(Counter(message["To"] for message in mail).values()) == 1
    for message in mail:
        assert not message.defects
        assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:")
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_readers_get_their_own_sections(mail):
    subjects = {message["To"].addresses[0].addr_spec: message.get_body(("html",)).get_content() for message in mail}
    few = [page for page in subjects.values() if page.count('class="story"') < 10]

    assert len({page.count('class="story"') for page in subjects.values()}) > 5
    assert few, "somebody chose a child section only"


def test_no_digest_holds_a_story_twice(mail):
    for message in mail:
        lines = [line for line in message.get_body(("plain",)).get_content().splitlines() if "/articles/" in line]
        assert len(lines) == len(set(lines)) > 0


def test_urdu_stories_read_from_right_to_left(mail):
    pages = [message.get_body(("html",)).get_content() for message in mail]

    assert any('lang="ur" dir="rtl"' in page for page in pages)


def test_every_feed_parses_and_a_parent_holds_its_childrens_stories_once(played):
    folder, _ = played

    for file in (folder / "site/feeds").rglob("*.xml"):
        parsed = feedparser.parse(file.read_bytes())
        ids = [entry.id for entry in parsed.entries]
        assert not parsed.bozo, file
        assert len(ids) == len(set(ids)) > 0, file
    climate = {entry.id for entry in feedparser.parse((folder / "site/feeds/climate/rss.xml").read_bytes()).entries}
    water = {entry.id for entry in feedparser.parse((folder / "site/feeds/climate/water/rss.xml").read_bytes()).entries}
    assert water < climate


def test_the_pages_work_as_plain_files_with_their_pictures(played):
    site = played[0] / "site"

    sources = [(file, src) for file in site.rglob("*.html") for src in re.findall(r'src="([^"]+)"', file.read_text())]

    assert len(sources) > 28
    assert [src for file, src in sources if not (file.parent / src).is_file()] == []


def test_the_demo_again_sends_nothing_twice_and_writes_nothing_anew(played):
    folder, _ = played

    def times() -> dict[Path, int]:
        files = (file for file in (folder / "site").rglob("*") if file.is_file())
        return {file: file.stat().st_mtime_ns for file in files if not file.name.startswith(".published")}

    before = times()
    account = demo(folder)

    assert (account["caught"], account["editions"], account["feeds"], account["pages"]) == (0, 0, 0, 0)
    assert times() == before
