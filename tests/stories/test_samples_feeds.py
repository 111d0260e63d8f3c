"""Feeds of real newsrooms, and the corner cases that others collected."""

import asyncio
import json
from calendar import timegm
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import feedparser
import pytest

from publisher.clean import article as cleaning
from publisher.clean.text import from_html
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.ports import Fetched
from publisher.sources.feed.source import FeedSource, parse
from tests.builders import NOW, SAMPLES, a_publication, fetched_from

NAMES = sorted(path.name for path in (SAMPLES / "feeds").iterdir()) if SAMPLES.is_dir() else ["none here"]
GOOD = [name for name in NAMES if name != "unrecognized.rss"]
XML = [name for name in GOOD if not name.endswith(".json")]


def parsed(samples: Path, name: str) -> Fetched:
    return parse((samples / "feeds" / name).read_bytes(), name, NOW)


def entries(samples: Path, name: str) -> list[dict]:
    """What feedparser reads, but the entries with nothing to read."""
    found = feedparser.parse(BytesIO((samples / "feeds" / name).read_bytes()), sanitize_html=False)
    said = ("title", "summary", "content")
    return [entry for entry in found.entries if any(entry.get(key) for key in said)]


def date(entry: dict, *keys: str) -> datetime | None:
    given = next((dict(entry)[key] for key in keys if dict(entry).get(key)), None)
    return datetime.fromtimestamp(timegm(given), UTC) if given else None


def test_what_is_no_feed_is_refused(samples):
    with pytest.raises(SourceError, match=r"unrecognized\.rss is not a feed"):
        parsed(samples, "unrecognized.rss")


@pytest.mark.parametrize("name", XML)
def test_every_entry_of_xml_arrives_with_its_title_link_and_date(samples, name):
    expected = entries(samples, name)
    keys = ("published_parsed",) if name.endswith(".atom") or "atom" in name else ("published_parsed", "updated_parsed")

    articles = parsed(samples, name).articles

    home = [entry.get("feedburner_origlink") or entry.get("link") for entry in expected]
    assert [article.url for article in articles] == home
    published = [article.published and article.published.replace(microsecond=0) for article in articles]
    assert published == [date(entry, *keys) for entry in expected]
    assert [article.title for article in articles] == [from_html(entry.get("title", "")) for entry in expected]


@pytest.mark.parametrize("name", GOOD)
def test_a_feed_is_gathered_and_then_unchanged(samples, name):
    source = FeedSource("wire", name, samples / "feeds", Fetcher())

    first = asyncio.run(fetched_from(source, {}))
    second = asyncio.run(fetched_from(source, first.state))

    assert first.articles == parsed(samples, name).articles
    assert second.unchanged is (name != "invalid-date.rss")  # its end is missing, so it may still be on its way


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".json")])
def test_every_item_of_json_arrives_with_its_title_link_and_date(samples, name):
    items = json.loads((samples / "feeds" / name).read_bytes())["items"]

    articles = parsed(samples, name).articles

    assert [article.source_id for article in articles] == [str(item["id"]) for item in items]
    assert [article.title for article in articles] == [from_html(item.get("title", "")) for item in items]
    assert [article.url for article in articles] == [item.get("url") for item in items]
    assert [article.published for article in articles] == [
        datetime.fromisoformat(item["date_published"]) for item in items
    ]


@pytest.mark.parametrize("name", ["incomplete-fields.atom", "missing-fields.atom"])
def test_an_entry_that_says_nothing_is_reported(samples, name):
    fetched = parsed(samples, name)

    assert fetched.articles == ()
    assert [problem.where for problem in fetched.problems] == [f"{name}#1"]


@pytest.mark.parametrize("name", GOOD)
def test_ids_are_unique_and_stable(samples, name):
    ids = [article.source_id for article in parsed(samples, name).articles]

    assert len(set(ids)) == len(ids)
    assert ids == [article.source_id for article in parsed(samples, name).articles]


@pytest.mark.parametrize("name", GOOD)
def test_every_entry_survives_cleaning_with_its_words(samples, name):
    desk = cleaning.Desk(a_publication(), section="world")

    for raw in parsed(samples, name).articles:
        article, problems, *_ = cleaning.clean(raw, name, desk)

        assert article is not None
        assert problems == []
        assert article.words >= 0.9 * len(from_html(raw.body).split())
        assert "<script" not in article.body


@pytest.mark.parametrize(
    ("name", "word"), [("windows-1251.rss", "Цитата"), ("urdu.rss", "کے"), ("uolNoticias.rss", "ção")]
)
def test_letters_of_every_encoding_arrive(samples, name, word):
    assert any(word in f"{article.title} {article.body}" for article in parsed(samples, name).articles)
