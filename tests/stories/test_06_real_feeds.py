"""An edition of real newsrooms' feeds: gathered, pressed, delivered by SMTP, published again, true to the source."""

import html
import json
import re
from calendar import timegm
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import feedparser
import pytest

from tests.servers import smtp_server
from tests.stories.newsroom import without_our_script

FEEDS = ("guardian.rss", "heise.atom", "urdu.rss", "json_feed.json")


@pytest.fixture
def printed(newsroom, samples):
    """(newsroom, the messages that arrived)."""
    sources = "".join(
        f'[[source]]\nname = "{name.replace(".", "-").replace("_", "-")}"\ntype = "feed"\n'
        f'url = "{samples / "feeds" / name}"\nsection = "world"\n'
        for name in FEEDS
    )
    with smtp_server() as (port, inbox):
        smtp = f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        newsroom.write(smtp, extra=f"{sources}\n[[feed]]\nentries = 500\n").article("world/own.md")
        newsroom.readers("ada@example.org,Ada,*", "bob@example.org,Bob,world", "eve@example.org,Eve,world/asia")
        newsroom.run("gather")
        edition = newsroom.json("editions", "build", "briefing")
        newsroom.run("editions", "send", str(edition["id"]), "--yes")
        newsroom.run("build")
        yield newsroom, [message_from_bytes(content, policy=default) for _, content in inbox.caught]


def told_by(path) -> dict[str, tuple[str, datetime | None]]:
    """Title and date by link, as an independent reader sees the source."""
    if path.suffix == ".json":
        items = json.loads(path.read_text())["items"]
        return {
            item["url"]: (plain(item["title"]), datetime.fromisoformat(item["date_published"]).astimezone(UTC))
            for item in items
        }
    parsed = feedparser.parse(path.read_bytes())
    return {entry.link: (plain(entry.title), published(entry)) for entry in parsed.entries}


def published(entry) -> datetime | None:
    moment = dict(entry).get("published_parsed")
    return datetime.fromtimestamp(timegm(moment), UTC) if moment else None


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"</?[a-zA-Z][^>]*>", "", markup)).split())


def test_titles_links_and_dates_are_the_sources(printed, samples):
    newsroom, _ = printed
    expected = {}
    for name in FEEDS:
        expected |= told_by(samples / "feeds" / name)
    listed = {}
    for form in ("rss.xml", "atom.xml"):
        parsed = feedparser.parse((newsroom.path / "site/feeds/world" / form).read_bytes())
        assert not parsed.bozo
        listed[form] = {entry.link: (plain(entry.title), published(entry)) for entry in parsed.entries}
    items = json.loads((newsroom.path / "site/feeds/world/feed.json").read_text())["items"]
    listed["feed.json"] = {
        item["url"]: (plain(item["title"]), datetime.fromisoformat(item["date_published"])) for item in items
    }

    for form, found in listed.items():
        own = {link for link in found if "/articles/own.html" in link}
        assert {link: found[link] for link in found.keys() - own} == expected, form


def test_the_edition_arrives_and_is_cut_to_what_mailboxes_show(printed):
    """More than a hundred stories do not fit: the page says so, and the text part has them all."""
    newsroom, messages = printed
    shown = newsroom.json("editions", "show", "1")
    stories = {one["article_id"]: one["headline"] for one in shown["contents"]}

    assert {message["To"].addresses[0].addr_spec for message in messages} == {"ada@example.org", "bob@example.org"}
    assert shown["deliveries"] == {"accepted": 2, "nothing_new": 1}
    assert "left to the web" in shown["note"]
    for message in messages:
        assert not message.defects
        page = message.get_body(("html",)).get_content()
        text = " ".join(re.sub("[\u2068\u2069]", "", message.get_body(("plain",)).get_content()).split())
        assert len(page.encode()) <= 90_000
        assert 50 < page.count('class="headline"') < len(stories)
        assert 'class="cut"' in page
        assert 'lang="ur"' in page
        assert len(stories) > 100
        assert [headline for headline in stories.values() if " ".join(headline.split()) not in text] == []


def test_nothing_active_comes_through(printed):
    newsroom, messages = printed
    pages = [message.get_body(("html",)).get_content() for message in messages]
    pages += [file.read_text() for file in (newsroom.path / "site").rglob("*.html")]
    pages += [file.read_text() for file in (newsroom.path / "site/feeds").rglob("feed.json")]

    for page in map(without_our_script, pages):
        assert not re.search(r"<script|<iframe|\son\w+=|=.javascript:", page, re.IGNORECASE)


def test_gathering_the_same_files_again_is_no_work(printed):
    newsroom, _ = printed

    again = newsroom.json("gather")

    assert {(one["new"], one["updated"]) for one in again} == {(0, 0)}
