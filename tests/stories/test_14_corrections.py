"""The truth over time, as an editor tells it and as readers get it: edits, corrections, what was taken back."""

import json
from datetime import datetime
from email import policy
from email.parser import BytesParser

import pytest

from tests.stories.newsroom import NewsroomOnDisk

WRONG_YEAR, WRONG_PORT = "An earlier version gave the wrong year.", "An earlier version named the wrong port."


@pytest.fixture
def newsroom(tmp_path, store_url) -> NewsroomOnDisk:
    return NewsroomOnDisk(tmp_path).write(store=store_url)


def configure(newsroom: NewsroomOnDisk, line: str, more: str) -> None:
    """Write one more line into config.toml, behind another."""
    file = newsroom.path / "config.toml"
    before = file.read_text()
    assert before.count(line) == 1
    file.write_text(before.replace(line, f"{line}\n{more}"))


def gathered(newsroom: NewsroomOnDisk) -> dict:
    """The story as it is after the next gathering."""
    newsroom.run("gather")
    return newsroom.json("articles", "show", "one")


def entry(newsroom: NewsroomOnDisk) -> dict:
    """The story in the feed of everything, after the next build."""
    newsroom.run("build")
    [found] = json.loads((newsroom.path / "site/feeds/feed.json").read_text())["items"]
    return found


def test_a_slip_is_mended_in_silence_and_a_correction_is_told(newsroom):
    newsroom.article("world/one.md", "The port", "It opnes in 2025.")
    first = gathered(newsroom)

    newsroom.article("world/one.md", "The port", "It opens in 2025.", minor="true")
    mended, in_feed = gathered(newsroom), entry(newsroom)
    newsroom.article("world/one.md", "The port", "It opens in 2026.", correction=WRONG_YEAR)
    corrected, after = gathered(newsroom), entry(newsroom)

    assert "opens in 2025" in in_feed["content_html"]
    assert mended["updated"] == first["updated"]
    assert corrected["published"] == first["published"]
    assert corrected["updated"] > first["updated"]
    assert [one["note"] for one in corrected["corrections"]] == [WRONG_YEAR]
    assert (after["id"], after["date_published"]) == (in_feed["id"], in_feed["date_published"])
    assert datetime.fromisoformat(after["date_modified"]) > datetime.fromisoformat(in_feed["date_modified"])
    assert f"</strong> {WRONG_YEAR}</p>" in after["content_html"]
    page = (newsroom.path / "site/articles/one.html").read_text()
    assert page.count(WRONG_YEAR) == 1
    history = newsroom.json("articles", "explain", "one")["history"]
    assert [one["fields"] for one in history][1:] == [["teaser", "body"], ["teaser", "body", "correction"]]


class TestAnEditor:
    def test_corrects_what_a_source_cannot_and_the_source_takes_nothing_back(self, newsroom):
        configure(newsroom, 'path = "articles"', 'edits = "silent"')
        newsroom.article("world/one.md", "The port")
        before = gathered(newsroom)

        done = newsroom.run("articles", "correct", "one", WRONG_YEAR)
        corrected = newsroom.json("articles", "show", "one")
        newsroom.article("world/one.md", "The port of tomorrow")
        after = gathered(newsroom)

        assert f"says from now on: {WRONG_YEAR}" in done.stderr
        assert f": {WRONG_YEAR}" in done.stdout
        assert after["headline"] == "The port of tomorrow"
        assert after["corrections"] == corrected["corrections"]
        assert after["updated"] == corrected["updated"] > before["updated"]
        assert WRONG_YEAR in entry(newsroom)["content_html"]
        assert WRONG_YEAR in newsroom.run("articles", "explain", "one").stdout

    def test_mends_a_slip_in_a_note_and_takes_another_back(self, newsroom):
        newsroom.article("world/one.md", "The port", correction="The wrnog year.")
        gathered(newsroom)
        newsroom.run("articles", "correct", "one", WRONG_PORT)
        before = newsroom.json("articles", "show", "one")
        assert "wrnog" in entry(newsroom)["content_html"]

        newsroom.run("articles", "correct", "one", WRONG_YEAR, "--instead-of", "1")
        left = newsroom.json("articles", "correct", "one", "--remove", "2")
        after = newsroom.json("articles", "show", "one")

        assert [one["note"] for one in left] == [WRONG_YEAR]
        assert after["corrections"] == [{"at": before["corrections"][0]["at"], "note": WRONG_YEAR}]
        assert after["updated"] == before["updated"]
        content = entry(newsroom)["content_html"]
        assert WRONG_YEAR in content
        assert "wrnog" not in content
        assert WRONG_PORT not in content
        assert f"taken back: {WRONG_PORT}" in newsroom.run("articles", "explain", "one").stdout

    def test_is_told_what_is_wrong_with_a_command(self, newsroom):
        newsroom.article("world/one.md", "The port")
        gathered(newsroom)
        newsroom.run("articles", "correct", "one", WRONG_YEAR)

        again = newsroom.run("articles", "correct", "one", WRONG_YEAR)
        nothing = newsroom.run("articles", "correct", "one", code=2)
        both = newsroom.run("articles", "correct", "one", "Words.", "--remove", "1", code=2)
        number = newsroom.run("articles", "correct", "one", "--remove", "2", code=2)
        long = newsroom.run("articles", "correct", "one", "Word " * 300, code=2)
        unknown = newsroom.run("articles", "correct", "two", WRONG_YEAR, code=2)

        assert "says so already; nothing was changed" in again.stderr
        assert "write either what was wrong" in nothing.stderr
        assert "write either what was wrong" in both.stderr
        assert "has 1 correction" in number.stderr
        assert "1,499 characters; 1,000 are the most" in long.stderr
        assert 'there is no article "two"' in unknown.stderr
        assert [one["note"] for one in newsroom.json("articles", "show", "one")["corrections"]] == [WRONG_YEAR]


def test_a_story_that_was_taken_back_keeps_its_corrections(newsroom):
    newsroom.article("world/one.md", "The port", correction=WRONG_YEAR)
    first = gathered(newsroom)
    (newsroom.path / "articles/world/one.md").unlink()
    gone = gathered(newsroom)
    newsroom.run("build")
    files = [path for path in (newsroom.path / "site").rglob("*") if path.suffix in (".html", ".xml", ".json")]
    text = "".join(path.read_text() for path in files)

    newsroom.article("world/one.md", "The port")
    back = gathered(newsroom)

    assert (gone["status"], back["status"]) == ("withheld", "usable")
    assert first["updated"] < gone["updated"] < back["updated"]
    assert first["published"] == back["published"]
    assert WRONG_YEAR not in text
    assert WRONG_YEAR in entry(newsroom)["content_html"]


def test_complete_mail_says_it_in_both_its_parts(newsroom):
    configure(newsroom, 'title = "The Briefing"', 'layout = "full"')
    newsroom.article("world/one.md", "The port", correction=WRONG_YEAR).readers("a@example.org,A,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")

    newsroom.run("editions", "send", str(edition["id"]), "--yes")

    [mail] = newsroom.mail()
    message = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part in parts:
        words = " ".join(part.get_content().split())
        assert "Correction, " in words
        assert WRONG_YEAR in words
