"""Feeds that others publish: every format, every fault, and the manners of asking again."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Author, Image
from publisher.ports import Fetched
from publisher.sources.feed import FeedSource, parse
from tests.builders import NOW
from tests.unit.test_fetch import Answer, a_website

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
FORMATS = ["rss.xml", "rdf.xml", "atom.xml", "feed.json"]
RSS = (FEEDS / "rss.xml").read_bytes()


def fetch(url: str, state=None, max_bytes: int = 1_000_000, allow=("127.0.0.1",)) -> Fetched:
    async def once() -> Fetched:
        async with Fetcher(allow, max_bytes=max_bytes) as http:
            return await FeedSource("wire", url, FEEDS, http).fetch(state or {}, NOW)

    return asyncio.run(once())


def rss(items: str) -> Fetched:
    head = '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>t</title>'
    return parse(f"{head}<link>https://wire.example/</link>{items}</channel></rss>".encode(), "wire", NOW)


def json_feed(*items: object, **feed: object) -> Fetched:
    return parse(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items, **feed}).encode(), "w", NOW)


@pytest.fixture
def website():
    with a_website() as site:
        yield site


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_same_story(name):
    fetched = parse((FEEDS / name).read_bytes(), name, NOW)

    story, other = fetched.articles
    assert story.title == "Analysis: The port reopens"
    assert story.url in ("https://wire.example/2026/port", "https://wire.example/2026/port?utm_source=rss")
    assert story.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
    assert story.authors == (Author("Ada Writer"),)
    assert story.sections == ("World",)
    assert (other.title, other.published) == ("Fish & fuel", None)
    assert "Prices rise." in other.body


@pytest.mark.parametrize("name", FORMATS)
def test_an_entry_that_says_nothing_is_reported_by_its_number(name):
    (problem,) = parse((FEEDS / name).read_bytes(), name, NOW).problems

    assert problem.where == f"{name}#3"
    assert "neither title nor text" in problem.message


class TestHttp:
    def test_validators_are_echoed_as_they_came(self, website):
        validators = {"ETag": 'W/"odd one"', "Last-Modified": "Thu, 19 Nov 2026 09:30:00 +0500"}
        website.answers["/"] = Answer(RSS, headers=validators)
        first = fetch(f"{website.url}/")

        fetch(f"{website.url}/", first.state)

        assert website.asked[1]["If-None-Match"] == validators["ETag"]
        assert website.asked[1]["If-Modified-Since"] == validators["Last-Modified"]

    def test_validators_survive_a_304_without_any(self, website):
        website.answers["/"] = Answer(RSS, headers={"ETag": '"a"'})
        first = fetch(f"{website.url}/")

        second = fetch(f"{website.url}/", first.state)
        third = fetch(f"{website.url}/", second.state)

        assert [len(each.articles) for each in (first, second, third)] == [2, 0, 0]
        assert (second.unchanged, third.unchanged) == (True, True)
        assert first.state == second.state == third.state == {"etag": '"a"'}

    def test_validators_that_are_gone_are_forgotten(self, website):
        website.answers["/"] = Answer(RSS)

        assert fetch(f"{website.url}/", {"etag": '"old"'}).state == {}

    @pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
    def test_a_refusal_is_a_source_error(self, website, status):
        website.answers["/"] = Answer(RSS, status=status)

        with pytest.raises(SourceError, match=f"{website.url}/ answered {status}"):
            fetch(f"{website.url}/")

    def test_a_feed_over_the_cap_is_a_source_error(self, website):
        website.answers["/"] = Answer(RSS + b" " * 5000)

        with pytest.raises(SourceError, match="larger than 5,000 bytes"):
            fetch(f"{website.url}/", max_bytes=5000)

    def test_a_private_address_is_a_source_error(self, website):
        with pytest.raises(SourceError, match="private address"):
            fetch(f"{website.url}/", allow=())

    def test_relative_links_start_where_the_redirect_ended(self, website):
        item = b"<rss version='2.0'><channel><item><title>a</title><link>story</link></item></channel></rss>"
        website.answers["/old"] = Answer(status=301, headers={"Location": "/new/feed"})
        website.answers["/new/feed"] = Answer(item)

        (article,) = fetch(f"{website.url}/old").articles

        assert article.url == f"{website.url}/new/story"

    @pytest.mark.parametrize(
        "kind", ["text/xml", "text/html", "application/octet-stream", "text/plain; charset=latin-1"]
    )
    def test_a_wrong_content_type_spoils_no_letter(self, website, kind):
        item = '<rss version="2.0"><channel><item><title>اردو</title></item></channel></rss>'
        feed = f'<?xml version="1.0" encoding="utf-8"?>{item}'
        website.answers["/"] = Answer(feed.encode(), headers={"Content-Type": kind})

        (article,) = fetch(f"{website.url}/").articles

        if "latin-1" not in kind:  # RFC 7303 §3.2: a charset in the header is the last word
            assert article.title == "اردو"


class TestWhatIsNoFeed:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"news",
            b"<html><body>404</body></html>",
            b"{}",
            b'{"version": 1}',
            b'{"version": "https://',
            b"\x00\xff",
        ],
    )
    def test_it_is_a_source_error_that_names_its_place(self, content):
        with pytest.raises(SourceError, match="wire"):
            parse(content, "wire", NOW)

    def test_broken_json_says_where(self):
        with pytest.raises(SourceError, match=r"wire:2:3 is not JSON"):
            parse(b"{\n  x}", "wire", NOW)

    def test_a_body_that_names_a_file_here_is_not_that_file(self):
        with pytest.raises(SourceError):
            parse(str(FEEDS / "rss.xml").encode(), "wire", NOW)

    def test_a_file_that_is_not_there_is_named(self):
        with pytest.raises(SourceError, match=r"nowhere\.xml cannot be read"):
            fetch("nowhere.xml")

    def test_a_feed_without_entries_is_one(self):
        assert rss("").articles == ()


class TestIdentity:
    def test_it_is_the_guid_then_the_link_then_the_words(self):
        fetched = rss(
            "<item><guid>g</guid><link>https://wire.example/a</link><title>a</title></item>"
            "<item><link>https://wire.example/b</link><title>b</title></item>"
            "<item><title>c</title></item><item><description>d</description></item>"
        )

        ids = [article.source_id for article in fetched.articles]
        assert ids[:2] == ["g", "https://wire.example/b"]
        assert len(set(ids)) == 4

    def test_items_of_json_without_id_address_and_title_differ_by_their_words(self):
        fetched = json_feed({"content_text": "a"}, {"content_text": "b"}, {"id": " ", "content_text": "c"})

        assert len({article.source_id for article in fetched.articles}) == 3
        assert all(article.source_id.strip() for article in fetched.articles)

    def test_words_with_half_a_letter_make_an_id_too(self):
        (article,) = json_feed({"content_text": "a \ud83d b"}).articles

        assert article.source_id

    def test_a_guid_that_every_entry_shares_gives_way_to_the_link(self):
        fetched = rss(
            "<item><guid>same</guid><link>https://wire.example/a</link><title>a</title></item>"
            "<item><guid>same</guid><link>https://wire.example/b</link><title>b</title></item>"
        )

        assert [one.source_id for one in fetched.articles] == ["https://wire.example/a", "https://wire.example/b"]
        assert fetched.problems == ()

    def test_an_entry_that_stands_twice_is_reported(self):
        fetched = rss("<item><guid>g</guid><title>a</title></item>" * 2)

        assert len(fetched.articles) == 1
        assert "stands twice" in fetched.problems[0].message


class TestDates:
    def test_one_that_is_still_to_come_is_unknown_and_reported(self):
        fetched = rss("<item><title>a</title><pubDate>Thu, 01 Jan 2041 00:00:00 GMT</pubDate></item>")

        assert fetched.articles[0].published is None
        assert "2041-01-01 is in the future" in fetched.problems[0].message

    def test_a_clock_that_is_a_little_fast_is_believed(self):
        soon = NOW + timedelta(hours=1)

        (article,) = json_feed({"id": "a", "title": "a", "date_published": soon.isoformat()}).articles

        assert article.published == soon

    @pytest.mark.parametrize("date", ["soon", "", "Thu, 99 Jan 2026 00:00:00 GMT", "1518478934", "2026", "2026-11"])
    def test_one_that_is_none_is_unknown(self, date):
        assert rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>").articles[0].published is None

    def test_one_that_is_none_in_json_is_reported(self):
        fetched = json_feed({"id": "a", "title": "a", "date_published": "soon"})

        assert fetched.articles[0].published is None
        assert fetched.problems[0].message == 'date_published: "soon" is not a date.'

    def test_an_offset_is_counted(self):
        (article,) = rss("<item><title>a</title><pubDate>Thu, 19 Nov 2026 09:30:00 +0500</pubDate></item>").articles

        assert article.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    def test_an_update_is_not_a_publication(self):
        feed = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title>a</title>
        <updated>2026-11-19T00:00:00Z</updated></entry></feed>"""

        (article,) = parse(feed, "wire", NOW).articles

        assert (article.published, article.modified) == (None, datetime(2026, 11, 19, tzinfo=UTC))


class TestTraps:
    def test_the_markup_of_a_title_is_gone_and_its_text_stays(self):
        (article,) = rss("<item><title>&lt;em&gt;The&lt;/em&gt; port &amp;amp; I</title></item>").articles

        assert article.title == "The port & I"

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("<author>ada@wire.example (Ada Writer)</author>", "Ada Writer"),
            ("<author>ada@wire.org (Ada Writer)</author>", "Ada Writer"),
            ('<author>"Writer, Ada" &lt;ada@wire.example&gt;</author>', "Writer, Ada"),
            ("<author>Ada Writer (Reuters)</author>", "Ada Writer (Reuters)"),
        ],
    )
    def test_an_author_is_a_name_without_an_address(self, written, name):
        (article,) = rss(f"<item><title>a</title>{written}</item>").articles

        assert article.authors == (Author(name),)

    def test_an_author_who_is_only_an_address_is_none(self):
        assert rss("<item><title>a</title><author>ada@wire.example</author></item>").articles[0].authors == ()

    def test_authors_of_atom_are_all_named(self):
        named = "".join(f"<author><name>{name}</name><email>x@wire.example</email></author>" for name in ("Ada", "Bob"))
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title>a</title>{named}</entry></feed>'

        assert parse(feed.encode(), "wire", NOW).articles[0].authors == (Author("Ada"), Author("Bob"))

    @pytest.mark.parametrize("width", ["²", "wide", "-1", ""])
    def test_a_picture_of_an_odd_size_is_a_picture(self, width):
        media = f'<media:content url="https://wire.example/a.jpg" medium="image" width="{width}"/>'

        assert rss(f"<item><title>a</title>{media}</item>").articles[0].image == Image("https://wire.example/a.jpg")

    def test_the_widest_picture_is_the_lead(self):
        media = "".join(f'<media:content url="https://wire.example/{w}.jpg" width="{w}"/>' for w in (90, 1200, 300))

        assert rss(f"<item><title>a</title>{media}</item>").articles[0].image == Image("https://wire.example/1200.jpg")

    def test_a_broken_feed_gives_what_came_before_the_break(self):
        fetched = parse(b"<rss version='2.0'><channel><item><title>a</title></item><item><title>b", "wire", NOW)

        assert fetched.articles[0].title == "a"
        assert "malformed" in fetched.problems[0].message

    def test_an_entity_reads_no_file(self):
        feed = b"""<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>
        <rss version="2.0"><channel><item><title>a &x;</title></item></channel></rss>"""

        (article,) = parse(feed, "wire", NOW).articles

        assert "root:" not in article.title

    def test_json_of_odd_shapes_is_read_as_far_as_it_goes(self):
        fetched = json_feed(
            None,
            7,
            {"id": 7, "title": "a", "tags": "x", "authors": "x", "image": 1, "url": 2, "date_published": 3},
        )

        assert [article.source_id for article in fetched.articles] == ["7"]
        assert len(fetched.problems) == 2

    @pytest.mark.parametrize("items", [None, {}, "x"])
    def test_json_without_a_list_of_items_is_an_empty_feed(self, items):
        feed = json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode()

        assert parse(feed, "wire", NOW).articles == ()

    def test_a_relative_link_in_json_starts_at_the_feeds_home(self):
        (article,) = json_feed({"id": "a", "title": "a", "url": "/a"}, home_page_url="https://wire.example/").articles

        assert (article.url, article.base) == ("/a", "https://wire.example/")

    def test_plain_text_in_json_is_escaped_into_paragraphs(self):
        (article,) = json_feed({"id": "a", "content_text": "1 < 2\n\nb"}).articles

        assert article.body == "<p>1 &lt; 2</p><p>b</p>"
