"""Feeds that others publish: every format, every fault, and the manners of asking again."""

import asyncio
import html
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.clean import article as cleaning
from publisher.errors import Problem, SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Article, Author, Image
from publisher.ports import Fetched
from publisher.sources.feed import entries
from publisher.sources.feed.source import FeedSource, parse
from tests.builders import NOW, a_publication, fetched_from
from tests.websites import Answer, a_website

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
FORMATS = ["rss.xml", "rdf.xml", "atom.xml", "feed.json"]
RSS = (FEEDS / "rss.xml").read_bytes()


KARACHI = ZoneInfo("Asia/Karachi")
ATOM = "http://www.w3.org/2005/Atom"
SPACES = "".join(
    f' xmlns:{prefix}="{address}"'
    for prefix, address in {
        "atom": ATOM,
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
        "media": "http://search.yahoo.com/mrss/",
    }.items()
)


def fetch(url: str, state=None, max_bytes: int = 1_000_000, allow=("127.0.0.1",), root=FEEDS) -> Fetched:
    async def once() -> Fetched:
        async with Fetcher(allow, max_bytes=max_bytes, pause=0) as http:
            return await fetched_from(FeedSource("wire", url, root, http), state or {})

    return asyncio.run(once())


def rss_text(items: str, channel: str = "<link>https://wire.example/</link>") -> str:
    return f'<rss version="2.0"{SPACES}><channel><title>t</title>{channel}{items}</channel></rss>'


def rss(items: str, channel: str = "<link>https://wire.example/</link>", base: str = "", zone=KARACHI) -> Fetched:
    return parse(rss_text(items, channel).encode("utf-8", "surrogatepass"), "wire", NOW, base, zone=zone)


def atom(entries: str, feed: str = "", base: str = "") -> Fetched:
    head = f'<feed xmlns="{ATOM}" xmlns:media="http://search.yahoo.com/mrss/"><title>t</title>'
    return parse(f"{head}{feed}{entries}</feed>".encode(), "wire", NOW, base)


def json_feed(*items: object, **feed: object) -> Fetched:
    return parse(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items, **feed}).encode(), "w", NOW)


def described(markup: str) -> str:
    return f"<description>{html.escape(markup, quote=False)}</description>"


def whole(markup: str) -> str:
    return f"<content:encoded>{html.escape(markup, quote=False)}</content:encoded>"


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


@pytest.mark.parametrize(
    ("name", "form"), [("rss.xml", "rss"), ("rdf.xml", "rdf"), ("atom.xml", "atom"), ("feed.json", "json feed")]
)
def test_an_article_says_what_it_came_in(name, form):
    fetched = parse((FEEDS / name).read_bytes(), name, NOW)

    assert {article.format for article in fetched.articles} == {form}


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
        assert first.state == second.state == third.state
        assert first.state["etag"] == '"a"'

    def test_validators_that_are_gone_are_forgotten(self, website):
        website.answers["/"] = Answer(RSS, headers={"ETag": '"a"'})
        first = fetch(f"{website.url}/")
        website.answers["/"] = Answer(RSS)

        assert "etag" not in fetch(f"{website.url}/", first.state).state

    @pytest.mark.parametrize(
        "headers", [{"ETag": '"ä"'}, {"ETag": f'"{"x" * 5000}"'}, {"Last-Modified": "x" * 5000}, {"ETag": ""}]
    )
    def test_validators_that_no_server_means_are_not_kept(self, website, headers):
        website.answers["/"] = Answer(RSS, headers=headers)
        first = fetch(f"{website.url}/")

        fetch(f"{website.url}/", first.state)

        assert not {"If-None-Match", "If-Modified-Since"} & {*website.asked[1]}

    def test_a_broken_feed_is_asked_for_in_full_again(self, website):
        """Its end may have been lost on the way, and a 304 would keep it lost."""
        website.answers["/"] = Answer(RSS[:-300], headers={"ETag": '"half"'})
        first = fetch(f"{website.url}/")
        website.answers["/"] = Answer(RSS, headers={"ETag": '"half"'})

        second = fetch(f"{website.url}/", first.state)

        assert "malformed" in first.problems[0].message
        assert (len(second.articles), second.state["etag"]) == (2, '"half"')

    def test_what_is_no_feed_leaves_what_was_known(self, website):
        website.answers["/"] = Answer(RSS, headers={"ETag": '"a"'})
        first = fetch(f"{website.url}/")
        website.answers["/"] = Answer(b"<html>Maintenance</html>", headers={"ETag": '"b"'})

        with pytest.raises(SourceError, match="not a feed: it is a web page"):
            fetch(f"{website.url}/", first.state)

    def test_validators_of_another_address_are_not_sent(self, website):
        website.answers["/a"] = website.answers["/b"] = Answer(RSS, headers={"ETag": '"a"'})
        first = fetch(f"{website.url}/a")

        second = fetch(f"{website.url}/b", first.state)

        assert "If-None-Match" not in website.asked[1]
        assert len(second.articles) == 2

    def test_a_304_that_nobody_asked_for_is_a_source_error(self, website):
        website.answers["/"] = Answer(status=304)

        with pytest.raises(SourceError, match="answered 304"):
            fetch(f"{website.url}/")

    def test_a_key_in_the_address_is_shown_nowhere(self, website):
        website.answers["/feed?key=s3cret"] = Answer(RSS)

        fetched = fetch(f"{website.url}/feed?key=s3cret")

        told = [*(article.where for article in fetched.articles), *map(str, fetched.problems), str(fetched.state)]
        assert f"{website.url}/feed?key=…#1" in told
        assert "s3cret" not in "".join(told)

    @pytest.mark.parametrize("status", [404, 429, 500, 503])
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

        assert article.title == "اردو"


class TestGone:
    """RFC 9110 §15.5.11: 410 is meant for good."""

    def test_it_is_remembered_and_said_each_time(self, website):
        website.answers["/"] = Answer(status=410)

        first = fetch(f"{website.url}/")
        second = fetch(f"{website.url}/", first.state)

        assert len(website.asked) == 1
        assert [str(problem) for problem in first.problems] == [
            f"{website.url}/  is gone (410). Remove the source or give it another url."
        ]
        assert (second.problems, second.state, second.articles) == (first.problems, first.state, ())

    def test_another_address_is_asked(self, website):
        website.answers["/"] = Answer(status=410)
        website.answers["/new"] = Answer(RSS)
        first = fetch(f"{website.url}/")

        assert len(fetch(f"{website.url}/new", first.state).articles) == 2


class TestMoved:
    @pytest.fixture
    def moved(self, website):
        website.answers["/old"] = Answer(status=301, headers={"Location": "/new"})
        website.answers["/new"] = Answer(RSS, headers={"ETag": '"a"'})
        return website

    def test_it_is_said_once_with_what_to_write_and_asked_there_from_now_on(self, moved):
        first = fetch(f"{moved.url}/old")
        second = fetch(f"{moved.url}/old", first.state)
        third = fetch(f"{moved.url}/old", second.state)

        assert str(first.problems[0]) == f"{moved.url}/old#3  the entry has neither title nor text. It is left out."
        assert str(first.problems[1]) == f'{moved.url}/old  has moved for good. Write url = "{moved.url}/new".'
        assert len(moved.asked) == 4  # old, new, new, new
        assert (second.unchanged, second.problems, third.problems) == (True, (), ())

    def test_for_now_is_not_for_good(self, moved):
        moved.answers["/old"] = Answer(status=302, headers={"Location": "/new"})

        first = fetch(f"{moved.url}/old")
        fetch(f"{moved.url}/old", first.state)

        assert len(moved.asked) == 4  # old, new, old, new
        assert len(first.problems) == 1

    def test_where_the_new_address_fails_the_old_one_is_asked(self, moved):
        first = fetch(f"{moved.url}/old")
        del moved.answers["/new"]
        moved.answers["/old"] = Answer(RSS)

        second = fetch(f"{moved.url}/old", first.state)

        assert len(second.articles) == 2
        assert "moved" not in second.state

    def test_a_new_address_that_wants_peace_gets_it(self, moved):
        first = fetch(f"{moved.url}/old")
        moved.answers["/new"] = Answer(status=503, headers={"Retry-After": "600"})

        with pytest.raises(SourceError) as caught:
            fetch(f"{moved.url}/old", first.state)

        assert caught.value.not_before == NOW + timedelta(minutes=10)
        assert len(moved.asked) == 3

    def test_another_address_in_the_configuration_wins(self, moved):
        first = fetch(f"{moved.url}/old")
        moved.answers["/other"] = Answer(RSS)

        second = fetch(f"{moved.url}/other", first.state)

        assert len(second.articles) == 2
        assert "moved" not in second.state

    def test_to_what_is_no_feed_nothing_moves(self, moved):
        moved.answers["/new"] = Answer(b"<html>Buy this domain</html>")

        with pytest.raises(SourceError, match="web page"):
            fetch(f"{moved.url}/old")

    def test_a_move_that_a_304_tells_of_is_kept(self, moved):
        moved.answers["/old"] = moved.answers["/new"]
        first = fetch(f"{moved.url}/old")
        moved.answers["/old"] = Answer(status=308, headers={"Location": "/new"})

        second = fetch(f"{moved.url}/old", first.state)

        assert (second.unchanged, second.state["moved"]) == (True, f"{moved.url}/new")
        assert "moved for good" in second.problems[0].message


class TestWebSub:
    HUB, TOPIC = "https://hub.example/", "https://wire.example/feed"

    @pytest.mark.parametrize(
        "feed",
        [
            rss_text("", '<atom:link rel="hub" href="HUB"/><atom:link rel="self" href="TOPIC"/>'),
            f'<feed xmlns="{ATOM}"><link rel="hub" href="HUB"/><link rel="self" href="TOPIC"/></feed>',
            """{"version": "https://jsonfeed.org/version/1.1", "feed_url": "TOPIC",
            "hubs": [{"type": "rssCloud", "url": "https://no.example/"}, {"type": "WebSub", "url": "HUB"}]}""",
        ],
    )
    def test_the_hub_of_a_feed_is_kept(self, website, feed):
        website.answers["/"] = Answer(feed.replace("HUB", self.HUB).replace("TOPIC", self.TOPIC).encode())

        state = fetch(f"{website.url}/").state

        assert (state["hub"], state["topic"]) == (self.HUB, self.TOPIC)

    @pytest.mark.parametrize(
        "header",
        [
            '<https://hub.example/>; rel="hub", <https://wire.example/feed>; rel="self"',
            "<https://wire.example/feed>;rel=self,<https://hub.example/>;rel=hub",
            '<https://hub.example/>; title="a"; REL="preload hub", <https://wire.example/feed>; rel=self',
        ],
    )
    def test_the_header_counts_before_the_document(self, website, header):
        body = rss_text("", '<atom:link rel="hub" href="https://other.example/"/>').encode()
        website.answers["/"] = Answer(body, headers={"Link": header})

        state = fetch(f"{website.url}/").state

        assert (state["hub"], state["topic"]) == (self.HUB, self.TOPIC)

    def test_a_feed_that_does_not_name_itself_is_the_address_that_was_asked(self, website):
        website.answers["/"] = Answer(RSS, headers={"Link": '<https://hub.example/>; rel="hub"'})

        assert fetch(f"{website.url}/").state["topic"] == f"{website.url}/"

    @pytest.mark.parametrize("header", ["", "<>; rel=hub", "<javascript:x>; rel=hub", "<<<>>>;;;,rel=hub", "hub"])
    def test_what_is_no_hub_is_none(self, website, header):
        website.answers["/"] = Answer(RSS, headers={"Link": header})

        assert "hub" not in fetch(f"{website.url}/").state

    def test_it_survives_a_304(self, website):
        headers = {"Link": '<https://hub.example/>; rel="hub"', "ETag": '"a"'}
        website.answers["/"] = Answer(RSS, headers=headers)
        first = fetch(f"{website.url}/")

        assert fetch(f"{website.url}/", first.state).state == first.state


class TestFile:
    def test_it_is_read_when_it_has_changed(self, tmp_path):
        (tmp_path / "feed.xml").write_bytes(RSS)
        first = fetch("feed.xml", root=tmp_path)
        second = fetch("feed.xml", first.state, root=tmp_path)
        (tmp_path / "feed.xml").write_bytes(RSS + b"\n")
        third = fetch("feed.xml", second.state, root=tmp_path)

        assert [len(each.articles) for each in (first, second, third)] == [2, 0, 2]
        assert [each.unchanged for each in (first, second, third)] == [False, True, False]

    def test_one_that_is_still_being_written_is_read_again(self, tmp_path):
        (tmp_path / "feed.xml").write_bytes(RSS[:-300])

        first = fetch("feed.xml", root=tmp_path)

        assert len(fetch("feed.xml", first.state, root=tmp_path).articles) == len(first.articles) > 0


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

    def test_a_guid_and_a_link_that_every_entry_shares_are_one_story(self):
        item = "<item><guid>same</guid><link>https://wire.example/a</link><title>{}</title></item>"

        fetched = rss(item.format("new") + item.format("old"))

        assert [article.title for article in fetched.articles] == ["new"]
        assert "stands twice" in fetched.problems[0].message

    def test_a_guid_that_is_all_that_entries_share_leaves_their_words(self):
        fetched = rss("<item><guid>same</guid><title>a</title></item><item><guid>same</guid><title>b</title></item>")

        assert len({article.source_id for article in fetched.articles}) == 2

    def test_a_guid_is_the_same_wherever_the_feed_is_asked(self):
        item = "<item><guid>12345</guid><title>a</title></item>"

        ids = {
            rss(item, base=base).articles[0].source_id for base in ("https://a.example/feed", "https://b.example/x/")
        }

        assert ids == {"12345"}

    def test_an_entry_that_stands_twice_is_reported(self):
        fetched = rss("<item><guid>g</guid><title>a</title></item>" * 2)

        assert len(fetched.articles) == 1
        assert "stands twice" in fetched.problems[0].message


class TestDates:
    def test_one_that_is_still_to_come_is_unknown_and_reported(self):
        fetched = rss("<item><title>a</title><pubDate>Thu, 01 Jan 2041 00:00:00 GMT</pubDate></item>")

        assert fetched.articles[0].published is None
        assert "2041-01-01 is in the future" in fetched.problems[0].message

    def test_an_update_that_is_still_to_come_is_unknown_too(self):
        fetched = json_feed({"id": "a", "title": "a", "date_modified": "2041-01-01T00:00:00Z"})

        assert fetched.articles[0].modified is None
        assert "date_modified: 2041-01-01 is in the future" in fetched.problems[0].message

    def test_a_clock_that_is_a_little_fast_is_believed(self):
        soon = NOW + timedelta(hours=1)

        (article,) = json_feed({"id": "a", "title": "a", "date_published": soon.isoformat()}).articles

        assert article.published == soon

    @pytest.mark.parametrize(
        "date",
        [
            "soon",
            "Thu, 99 Jan 2026 00:00:00 GMT",
            "Mon, 30 Feb 2026 00:00:00 GMT",
            "Thu, 19 Nov 2026 25:00:00 GMT",
            "Thu, 19 Nov 2026 09:30:00 +9900",
            "Mon, 01 Jan 0001 00:00:00 +0000",
            "Mon Jan 01 00:00:00 EST 0001",
            "Nov 19, 2026 9:30 PM",
            "Nov 19, 2026 9:30 p.m. EST",
            "2026-11-19 9:30 PM",
            "2026-02-30",
            "2026-02-30T00:00:00Z",
            "2026-11-19T25:00:00Z",
            "0000-00-00 00:00:00",
            "1518478934",
            "2026",
            "2026-11",
            "November 2026",
            "2026-T T",
            "19.11.2026",
            "9999-12-31T23:59:59-12:00",
        ],
    )
    def test_one_that_is_none_is_unknown_and_reported(self, date):
        fetched = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>")

        assert fetched.articles[0].published is None
        assert fetched.problems[0].message == f'published: "{date}" is not a date.'

    @pytest.mark.parametrize(
        "date",
        [
            "Mon, 01 Jan 2024 10:00:00 PST8",
            "Mon, 01 Jan 2024 10:00:00 IST",  # India's, Ireland's or Israel's
            "Mon, 01 Jan 2024 10:00:00 (ABC)",
            "Mon, 01 Jan 2024 10:00:00 Pacific Standard Time",
            "Mon, 01 Jan 2024 10:00:00 GMT+5",
            "Mon Jan 01 10:00:00 ABC 2024",
            "2024-01-01T10:00:00 ABC",
            "2024-01-01 10:00:00 America/New_York",
        ],
    )
    def test_one_of_a_zone_that_nobody_knows_is_not_the_sources_wall_clock(self, date):
        fetched = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>", zone=KARACHI)

        assert fetched.articles[0].published is None
        assert [problem.message for problem in fetched.problems] == [f'published: "{date}" is not a date.']

    def test_a_name_that_the_sources_own_zone_has_is_its_own(self):
        """IST is three zones, and BST is two; a source in Kolkata means its own."""
        date = "<pubDate>Thu, 19 Nov 2026 10:00:00 IST</pubDate>"

        (article,) = rss(f"<item><title>a</title>{date}</item>", zone=ZoneInfo("Asia/Kolkata")).articles

        assert article.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    def test_months_in_portuguese_are_unknown_and_each_is_one_problem(self):
        date = "Seg, 24 Set 2018 19:42:40 -0300"

        fetched = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>")

        assert fetched.articles[0].published is None
        assert [str(problem) for problem in fetched.problems] == [
            f'wire#1  published: "{date}" is not a date. It is taken as unknown.'
        ]

    def test_one_that_is_none_in_json_is_reported(self):
        fetched = json_feed({"id": "a", "title": "a", "date_published": "soon"})

        assert fetched.articles[0].published is None
        assert fetched.problems[0].message == 'date_published: "soon" is not a date.'

    def test_none_at_all_is_no_mistake(self):
        fetched = rss("<item><title>a</title><pubDate> </pubDate></item>")

        assert (fetched.articles[0].published, fetched.problems) == (None, ())

    @pytest.mark.parametrize(
        "date",
        [
            "Thu, 19 Nov 2026 09:30:00 +0500",
            "Thu, 19 Nov 2026 04:30:00 GMT",
            "Thu, 19 Nov 2026 04:30:00 Z",
            "19 Nov 26 04:30 UT",
            "Thu, 19 Nov 2026 04:30:00 -0000",  # RFC 5322 §3.3: UTC, of a writer who does not say where he is
            "Wed, 18 Nov 2026 23:30:00 EST",
            "Wed, 18 Nov 2026 23:30:00 (EST)",
            "Thu, 19 Nov 2026 05:30:00 CET",
            "Thu, 19 Nov 2026 05:30:00 (CET)",
            "Thu, 19 Nov 2026 05.30 CET",
            "Thu, 19 Nov 2026 05:30:00 +0100 (CET)",
            "Thu Nov 19 05:30:00 CET 2026",
            "Thu Nov 19 09:30:00 +0500 2026",
            "Thu Nov 19 2026 09:30:00 GMT+0500 (Pakistan Standard Time)",
            "Thu Nov 19 2026 00:30:00 GMT-0400 (Atlantic Standard Time)",
            "2026-11-18T20:30:00 PST",
            "2026-11-19 09:30:00 +0500",
            "2026-11-19 04:30:00 +0000 UTC",
            "2026-11-19T04:30:00Z",
            "2026-11-19T10:15:00+05:45",
            "2026-11-19T04:30:00.1234567Z",
            "2026-11-19 04:30:00 UTC",
            "20261119T043000Z",
        ],
    )
    def test_an_offset_is_counted(self, date):
        fetched = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>")

        assert fetched.problems == ()
        assert fetched.articles[0].published.replace(microsecond=0) == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        "date",
        [
            "Thu, 19 Nov 2026 09:30:00",
            "Thu, 19 Nov 2026 09:30:00 PKT",
            "Thu Nov 19 09:30:00 2026",
            "2026-11-19T09:30:00",
            "2026-11-19 09:30",
            "20261119T0930",
        ],
    )
    def test_without_one_it_is_the_sources_wall_clock(self, date):
        (article,) = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>", zone=KARACHI).articles

        assert article.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    @pytest.mark.parametrize("date", ["2026-11-19", "19 Nov 2026", "Thu, 19 Nov 2026", "20261119"])
    def test_a_day_begins_at_the_sources_midnight(self, date):
        (article,) = rss(f"<item><title>a</title><pubDate>{date}</pubDate></item>", zone=KARACHI).articles

        assert article.published == datetime(2026, 11, 18, 19, 0, tzinfo=UTC)

    def test_json_has_the_same_clock(self):
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "items": [{"title": "a", "date_published": "2026-11-19"}],
        }

        (article,) = parse(json.dumps(feed).encode(), "wire", NOW, zone=KARACHI).articles

        assert article.published == datetime(2026, 11, 18, 19, 0, tzinfo=UTC)

    def test_the_zone_of_a_source_is_utc_unless_told(self, tmp_path):
        (tmp_path / "feed.xml").write_text(rss_text("<item><title>a</title><pubDate>2026-11-19</pubDate></item>"))

        (article,) = fetch("feed.xml", root=tmp_path).articles

        assert article.published == datetime(2026, 11, 19, tzinfo=UTC)

    def test_an_update_is_not_a_publication(self):
        (article,) = atom("<entry><id>a</id><title>a</title><updated>2026-11-19T00:00:00Z</updated></entry>").articles

        assert (article.published, article.modified) == (None, datetime(2026, 11, 19, tzinfo=UTC))

    def test_a_publication_is_not_an_update(self):
        """feedparser answers .get("updated_parsed") with the publication."""
        (article,) = rss("<item><title>a</title><pubDate>Thu, 19 Nov 2026 00:00:00 GMT</pubDate></item>").articles

        assert (article.published, article.modified) == (datetime(2026, 11, 19, tzinfo=UTC), None)

    def test_an_update_of_rss_is_no_publication_either(self):
        (article,) = rss("<item><title>a</title><atom:updated>2026-11-19T00:00:00Z</atom:updated></item>").articles

        assert (article.published, article.modified) == (None, datetime(2026, 11, 19, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("dates", "day", "origins"),
        [
            ("<dc:date>2026-11-18T00:00:00Z</dc:date>", 18, {"published": "dc:date"}),
            ("<pubDate>Thu, 19 Nov 2026 00:00:00 GMT</pubDate><dc:date>2026-11-18T00:00:00Z</dc:date>", 19, {}),
            ("<dc:date>2026-11-18T00:00:00Z</dc:date><pubDate>Thu, 19 Nov 2026 00:00:00 GMT</pubDate>", 19, {}),
            ("<pubDate>yesterday</pubDate><dc:date>2026-11-18T00:00:00Z</dc:date>", 18, {"published": "dc:date"}),
        ],
    )
    def test_dublin_core_dates_what_has_no_pubdate(self, dates, day, origins):
        (article,) = rss(f"<item><title>a</title>{dates}</item>").articles

        assert (article.published, article.modified) == (datetime(2026, 11, day, tzinfo=UTC), None)
        assert article.origins == origins


class TestTitle:
    @pytest.mark.parametrize(
        ("written", "title"),
        [
            ("AT&amp;T", "AT&T"),
            ("AT&amp;amp;T", "AT&T"),
            ("AT&amp;amp;amp;T", "AT&T"),
            ("<![CDATA[AT&T]]>", "AT&T"),
            ("<![CDATA[AT&amp;T]]>", "AT&T"),
            ("Q&amp;A; more", "Q&A; more"),
            ("a &lt; b", "a < b"),
            ("<![CDATA[a < b]]>", "a < b"),
            ("a &amp;lt; b", "a < b"),
            ("a&lt;b and c&gt;d", "a<b and c>d"),
            ("2 &lt; 3 &amp;amp; 4 &gt; 3", "2 < 3 & 4 > 3"),
            ("&lt;em&gt;The&lt;/em&gt; port &amp;amp; I", "The port & I"),
            ("&lt;a href='x'&gt;The port&lt;/a&gt;", "The port"),
            ("&amp;lt;b&amp;gt;The&amp;lt;/b&amp;gt; port", "The port"),
            ("How to use &amp;lt;b&amp;gt;", "How to use <b>"),
            ("The &lt;unknown&gt;port&lt;/unknown&gt;", "The <unknown>port</unknown>"),
            ("The&lt;br/&gt;port", "The port"),
            ("The port&lt;!-- draft --&gt;", "The port"),
            ("&lt;script&gt;steal()&lt;/script&gt;The port", "The port"),
            ("&lt;img src=x onerror=steal()&gt;The port", "The port"),
            ("The port&amp;#8217;s crane", "The port’s crane"),
            ("The port&amp;nbsp;reopens", "The port reopens"),
            ("&lt;![CDATA[The port]]&gt;", "The port"),
            ("The&#10;  port\t", "The port"),
            ("&amp;bogus; &amp;#xZZ;", "&bogus; &#xZZ;"),
        ],
    )
    def test_it_is_plain_text_and_what_was_meant_stays(self, written, title):
        (article,) = rss(f"<item><guid>g</guid><title>{written}</title></item>").articles

        assert article.title == title

    @pytest.mark.parametrize(
        ("written", "title"),
        [
            ('<title type="html">The &lt;em&gt;port</title>', "The port"),
            ('<title type="html">a &amp;lt; b &amp;amp; c</title>', "a < b & c"),
            (
                '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">The <em>port</em></div></title>',
                "The port",
            ),
            ("<title>a &lt; b</title>", "a < b"),
            ('<title type="text">AT&amp;amp;T</title>', "AT&T"),
        ],
    )
    def test_a_title_of_atom_is_what_its_type_says(self, written, title):
        assert atom(f"<entry><id>a</id>{written}</entry>").articles[0].title == title

    @pytest.mark.parametrize(("written", "title"), [("AT&amp;T", "AT&T"), ("a < b", "a < b"), ("<b>a</b>", "a")])
    def test_a_title_of_json_is_no_markup_either(self, written, title):
        assert json_feed({"id": "a", "title": written}).articles[0].title == title

    def test_the_title_of_a_picture_is_not_the_entrys(self):
        media = '<media:content url="https://wire.example/a.jpg"><media:title>Cranes</media:title></media:content>'

        assert rss(f"<item>{media}<title>The port</title></item>").articles[0].title == "The port"
        assert rss(f"<item><title>The port</title>{media}</item>").articles[0].title == "The port"


class TestBody:
    def test_the_whole_text_comes_before_the_summary(self):
        (article,) = rss(f"<item><title>a</title>{described('Short.')}{whole('<p>Long.</p>')}</item>").articles

        assert (article.body, article.standfirst, article.origins) == ("<p>Long.</p>", "Short.", {})

    @pytest.mark.parametrize(
        "fetched",
        [
            rss("<item><title>a</title><description>&lt;p&gt;Short.&lt;/p&gt;</description></item>"),
            atom('<entry><id>a</id><title>a</title><summary type="html">&lt;p&gt;Short.&lt;/p&gt;</summary></entry>'),
            json_feed({"id": "a", "title": "a", "summary": "Short."}),
        ],
    )
    def test_a_feed_may_carry_an_excerpt_only(self, fetched):
        (article,) = fetched.articles

        assert (article.body, article.standfirst) == ("<p>Short.</p>", "")
        assert article.origins == {"body": "summary"}

    def test_a_summary_that_is_the_text_again_is_no_standfirst(self):
        item = f"<item><title>a</title>{described('Same words.')}{whole('<p>Same words.</p>')}</item>"

        assert rss(item).articles[0].standfirst == ""

    def test_the_caption_of_a_picture_is_not_the_text(self):
        """feedparser takes a second description for the content."""
        caption = "<media:description>Cranes at dusk</media:description>"
        media = f'<media:content url="https://wire.example/a.jpg">{caption}</media:content>'

        for item in (f"<description>The text.</description>{media}", f"{media}<description>The text.</description>"):
            (article,) = rss(f"<item><title>a</title>{item}</item>").articles

            assert (article.body, article.standfirst) == ("The text.", "")

    def test_a_video_that_is_only_described_is_told_in_these_words(self):
        text = "<media:description>1 &lt; 2\n\nThe end.</media:description>"

        (article,) = atom(
            f"<entry><id>a</id><media:group><media:title>a</media:title>{text}</media:group></entry>"
        ).articles

        assert article.body == "<p>1 &lt; 2</p><p>The end.</p>"
        assert article.origins == {"body": "media:description"}

    def test_html_that_was_escaped_twice_is_html(self):
        (article,) = rss(f"<item><title>a</title>{described(html.escape('<p>The <b>port</b>.</p>'))}</item>").articles

        assert article.body == "<p>The <b>port</b>.</p>"

    def test_html_about_html_is_left_alone(self):
        text = "<p>Write &lt;b&gt;bold&lt;/b&gt;.</p>"

        assert json_feed({"id": "a", "content_html": text}).articles[0].body == text

    def test_plain_text_stays_plain(self):
        (article,) = atom("<entry><id>a</id><content>1 &lt; 2 &amp;amp; 3\n\nThe end.</content></entry>").articles

        assert article.body == "<p>1 &lt; 2 &amp;amp; 3</p><p>The end.</p>"

    def test_plain_text_in_json_is_escaped_into_paragraphs(self):
        (article,) = json_feed({"id": "a", "content_text": "1 < 2\n\nb"}).articles

        assert article.body == "<p>1 &lt; 2</p><p>b</p>"

    @pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "application/json"])
    def test_content_that_nobody_can_read_is_not_the_text(self, kind):
        entry = f'<id>a</id><title>a</title><summary>Short.</summary><content type="{kind}">AAAA</content>'

        (article,) = atom(f"<entry>{entry}</entry>").articles

        assert article.body == "<p>Short.</p>"


class TestAddresses:
    def test_a_relative_one_starts_at_xml_base_the_feeds_link_or_where_the_feed_was(self):
        item = "<title>a</title><link>story</link><description>&lt;a href='b'&gt;b&lt;/a&gt;</description>"
        based = f'<item xml:base="https://base.example/x/">{item}</item>'

        (first,) = rss(based, base="https://feeds.example/wire/feed.xml").articles
        (second,) = rss(f"<item>{item}</item>", base="https://feeds.example/wire/feed.xml").articles
        (third,) = rss(f"<item>{item}</item>", channel="", base="https://feeds.example/wire/feed.xml").articles

        assert (first.url, first.base) == ("https://base.example/x/story", "https://base.example/x/")
        assert (second.url, second.base) == ("https://wire.example/story", "https://wire.example/")
        assert (third.url, third.base) == ("https://feeds.example/wire/story", "https://feeds.example/wire/feed.xml")

    def test_a_relative_xml_base_starts_where_the_feed_was(self):
        item = '<item xml:base="/x/"><title>a</title><description>&lt;a href="b"&gt;b&lt;/a&gt;</description></item>'

        (article,) = rss(item, base="https://feeds.example/wire/feed.xml").articles

        assert article.base == "https://feeds.example/x/"

    def test_a_relative_link_in_json_starts_at_the_feeds_home(self):
        (article,) = json_feed({"id": "a", "title": "a", "url": "/a"}, home_page_url="https://wire.example/").articles

        assert (article.url, article.base) == ("https://wire.example/a", "https://wire.example/")

    @pytest.mark.parametrize("link", ["javascript:steal()", "data:text/html,x", "file:///etc/passwd", "//[", ""])
    def test_what_is_no_web_address_is_no_id(self, link):
        (article,) = rss(f"<item><title>a</title><link>{link}</link></item>", channel="").articles

        assert len(article.source_id) == 64
        assert not (article.url or "").startswith("http")

    def test_a_guid_is_the_link_where_it_says_so_and_is_one(self):
        (article,) = rss("<item><title>a</title><guid>https://wire.example/a</guid></item>").articles

        assert (article.url, article.origins) == ("https://wire.example/a", {"url": "guid"})

    @pytest.mark.parametrize(
        "guid",
        ["<guid>12345</guid>", '<guid isPermaLink="false">https://wire.example/?p=1</guid>', "<guid>tag:a</guid>"],
    )
    def test_a_guid_is_no_link_where_it_is_none(self, guid):
        assert rss(f"<item><title>a</title>{guid}</item>", base="https://wire.example/feed").articles[0].url is None

    def test_what_feedburner_hides_is_the_address(self):
        links = "<link>https://feedproxy.example/~3/x</link><feedburner:origLink>https://wire.example/a</feedburner:origLink>"

        (article,) = rss(f"<item><title>a</title>{links}</item>").articles

        assert (article.url, article.origins) == ("https://wire.example/a", {"url": "feedburner:origLink"})

    def test_an_ampersand_in_an_address_is_one(self):
        (article,) = rss("<item><title>a</title><link>https://wire.example/?a=1&amp;b=2</link></item>").articles

        assert article.url == "https://wire.example/?a=1&b=2"

    @pytest.mark.parametrize(
        "fetched",
        [
            rss("<item><title>a</title><comments>/a#talk</comments></item>"),
            atom('<entry><id>a</id><title>a</title><link rel="replies" type="application/atom+xml" href="https://no.example/"/>'
                 '<link rel="replies" type="text/html" href="https://wire.example/a#talk"/></entry>'),
        ],
    )  # fmt: skip
    def test_where_readers_talk_is_kept(self, fetched):
        assert fetched.articles[0].comments == "https://wire.example/a#talk"

    def test_a_number_of_comments_is_no_address(self):
        slash = 'xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
        item = f"<item><title>a</title><slash:comments {slash}>7</slash:comments></item>"

        assert rss(item).articles[0].comments == ""


class TestAuthors:
    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("<author>ada@wire.example (Ada Writer)</author>", "Ada Writer"),
            ("<author>ada@wire.org (Ada Writer)</author>", "Ada Writer"),
            ('<author>"Writer, Ada" &lt;ada@wire.example&gt;</author>', "Writer, Ada"),
            ("<author>Ada Writer (Reuters)</author>", "Ada Writer (Reuters)"),
            ("<dc:creator>Ada &amp;amp; Bob</dc:creator>", "Ada & Bob"),
            ("<dc:creator>&lt;b&gt;Ada&lt;/b&gt;</dc:creator>", "Ada"),
        ],
    )
    def test_one_is_a_name_without_an_address(self, written, name):
        (article,) = rss(f"<item><title>a</title>{written}</item>").articles

        assert article.authors == (Author(name),)

    def test_one_who_is_only_an_address_is_none(self):
        assert rss("<item><title>a</title><author>ada@wire.example</author></item>").articles[0].authors == ()

    def test_every_creator_is_one(self):
        names = "".join(f"<dc:creator>{name}</dc:creator>" for name in ("Ada Writer", "Bob Editor", "Cy Photo"))

        (article,) = rss(f"<item><title>a</title>{names}</item>").articles

        assert article.authors == (Author("Ada Writer"), Author("Bob Editor"), Author("Cy Photo"))

    def test_those_of_atom_are_all_named(self):
        named = "".join(
            f"<author><name>{name}</name><email>x@wire.example</email><uri>/{name}</uri></author>"
            for name in ("Ada", "Bob")
        )

        (article,) = atom(f"<entry><id>a</id><title>a</title>{named}</entry>", base="https://wire.example/").articles

        assert article.authors == (
            Author("Ada", url="https://wire.example/Ada"),
            Author("Bob", url="https://wire.example/Bob"),
        )

    @pytest.mark.parametrize(
        "fetched",
        [
            atom("<entry><id>a</id><title>a</title></entry>", "<author><name>The desk</name></author>"),
            json_feed({"id": "a", "title": "a"}, authors=[{"name": "The desk"}]),
        ],
    )
    def test_a_feeds_author_wrote_what_nobody_else_did(self, fetched):
        (article,) = fetched.articles

        assert (article.authors, article.origins) == ((Author("The desk"),), {"authors": "feed"})

    def test_the_editor_of_rss_did_not_write_everything(self):
        channel = "<managingEditor>Ed</managingEditor>"

        assert rss("<item><title>a</title></item>", channel).articles[0].authors == ()

    def test_json_knows_more_of_them(self):
        person = {"name": "Ada", "url": "https://wire.example/ada", "avatar": "/ada.jpg"}

        (article,) = json_feed(
            {"id": "a", "title": "a", "authors": [person]}, home_page_url="https://wire.example"
        ).articles

        assert article.authors == (
            Author("Ada", url="https://wire.example/ada", picture="https://wire.example/ada.jpg"),
        )


class TestImage:
    @pytest.mark.parametrize("width", ["²", "wide", "-1", ""])
    def test_a_picture_of_an_odd_size_is_a_picture(self, width):
        media = f'<media:content url="https://wire.example/a.jpg" medium="image" width="{width}"/>'

        assert rss(f"<item><title>a</title>{media}</item>").articles[0].image == Image("https://wire.example/a.jpg")

    def test_the_widest_is_the_lead_with_its_own_words(self):
        said = "<media:title>Title {0}</media:title><media:description>Caption {0}</media:description>"
        picture = '<media:content url="https://wire.example/{0}.jpg" width="{0}">' + said
        picture += "<media:credit>Credit {0}</media:credit></media:content>"
        media = "".join(picture.format(width) for width in (90, 1200, 300))

        (article,) = rss(f"<item><title>a</title>{media}</item>").articles

        assert article.image == Image("https://wire.example/1200.jpg", "Title 1200", "Caption 1200", "Credit 1200")

    def test_what_is_said_of_a_group_is_said_of_each(self):
        group = (
            '<media:group><media:content url="https://wire.example/a.jpg"/><media:content url="https://wire.example/b.jpg"/>'
            "<media:credit>Cy Photo</media:credit><media:description>Cranes</media:description></media:group>"
        )

        (article,) = rss(f"<item><title>a</title><description>Text.</description>{group}</item>").articles

        assert article.image == Image("https://wire.example/a.jpg", "", "Cranes", "Cy Photo")

    def test_a_file_name_is_no_alternative_text(self):
        media = '<media:content url="https://wire.example/IMG_20.jpg"><media:title>IMG_20</media:title></media:content>'

        assert rss(f"<item><title>a</title>{media}</item>").articles[0].image.alt == ""

    @pytest.mark.parametrize(
        "media",
        [
            '<media:thumbnail url="https://wire.example/a.jpg"/>',
            '<enclosure url="https://wire.example/a.jpg" type="image/jpeg" length="1"/>',
            '<media:content url="https://0.gravatar.com/avatar/a" medium="image"/><media:thumbnail url="https://wire.example/a.jpg"/>',
            '<media:content url="data:image/png;base64,AA" medium="image"/><media:thumbnail url="https://wire.example/a.jpg"/>',
            '<media:content url="https://wire.example/a.mp4" type="video/mp4"/><media:thumbnail url="https://wire.example/a.jpg"/>',
        ],
    )
    def test_it_is_looked_for_in_every_place(self, media):
        assert rss(f"<item><title>a</title>{media}</item>").articles[0].image == Image("https://wire.example/a.jpg")

    def test_a_podcast_has_none(self):
        sound = '<enclosure url="https://wire.example/a.mp3" type="audio/mpeg" length="1"/>'

        assert rss(f"<item><title>a</title>{sound}</item>").articles[0].image is None


class TestEncoding:
    RUSSIAN = "Привет из порта, где снова работают краны"

    @pytest.mark.parametrize(
        ("encoding", "prolog", "header"),
        [
            ("utf-8", "utf-8", ""),
            ("utf-8", "", ""),
            ("utf-8", "windows-1251", ""),
            ("utf-8", "us-ascii", "text/xml"),
            ("utf-8", "", "text/plain; charset=latin-1"),
            ("utf-8", "utf-16", ""),
            ("utf-8-sig", "", ""),
            ("utf-8-sig", "windows-1251", "text/xml; charset=windows-1251"),
            ("windows-1251", "windows-1251", ""),
            ("windows-1251", "windows-1251", "text/xml; charset=utf-8"),
            ("windows-1251", "windows-1251", "text/xml; charset=ISO-8859-1"),
            ("windows-1251", "utf-8", 'text/xml; charset="windows-1251"'),
            ("windows-1251", "", "text/xml;charset=windows-1251"),
            ("windows-1251", "no-such-code", "text/xml; charset=windows-1251"),
            ("koi8-r", "koi8-r", ""),
            ("utf-16", "utf-16", ""),
            ("utf-16", "utf-8", ""),
            ("utf-16-le", "utf-16", ""),
            ("utf-16-be", "utf-16", "text/xml; charset=utf-8"),
            ("utf-32", "utf-32", ""),
        ],
    )
    def test_letters_arrive_whatever_the_labels_say(self, encoding, prolog, header):
        declaration = f'<?xml version="1.0" encoding="{prolog}"?>\n' if prolog else '<?xml version="1.0"?>'
        feed = f"{declaration}{rss_text(f'<item><title>{self.RUSSIAN}</title></item>')}".encode(encoding)

        fetched = parse(feed, "wire", NOW, content_type=header)

        assert (fetched.articles[0].title, fetched.problems) == (self.RUSSIAN, ())

    @pytest.mark.parametrize(
        ("encoding", "language", "text", "said"),
        [
            ("windows-1251", "", RUSSIAN, "windows-1251"),
            ("windows-1251", "<language>ru-RU</language>", "Ю", "windows-1251"),
            ("windows-1256", "<language>ur</language>", "اردو", "windows-1256"),
            ("windows-1253", "<language>el</language>", "Αθήνα", "windows-1253"),
            ("windows-1252", "<language>pt-br</language>", "Notícias", "windows-1252"),
            ("windows-1252", "", "Notícias “de hoje”", "windows-1252"),
        ],
    )
    def test_where_every_label_lies_the_guess_is_said(self, encoding, language, text, said):
        body = rss_text(f"<item><title>{text}</title></item>", language)
        feed = f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode(encoding)

        fetched = parse(feed, "wire", NOW)

        assert fetched.articles[0].title == text
        assert f"they were read as {said}" in fetched.problems[-1].message

    def test_a_few_broken_letters_do_not_spoil_the_others(self):
        feed = rss_text(f"<item><title>{self.RUSSIAN}@</title></item>").encode().replace(b"@", b"\xd0")

        assert parse(feed, "wire", NOW).articles[0].title == f"{self.RUSSIAN}�"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
    def test_json_may_come_in_any_unicode(self, encoding):
        feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "a", "title": self.RUSSIAN}]}

        assert parse(json.dumps(feed, ensure_ascii=False).encode(encoding), "w", NOW).articles[0].title == self.RUSSIAN

    @pytest.mark.parametrize("label", ["utf-7", "unicode_escape", "idna", "punycode", "hex", "rot13"])
    def test_a_label_that_is_a_trick_is_not_followed(self, label):
        trick = f'<?xml version="1.0" encoding="{label}"?>+ADwAIQ-ENTITY \\x3c'

        with pytest.raises(SourceError, match="not a feed"):
            parse(trick.encode() + b"\xff", "wire", NOW)


LAUGHS = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 12))


class TestDtd:
    @pytest.mark.parametrize(
        "doctype",
        [
            f'<!DOCTYPE lolz [<!ENTITY lol0 "lol">{LAUGHS}]>',
            '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE rss [\n  <!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd">\n  %x;\n]>',
            f'<!DOCTYPE rss [<!ENTITY x "{"x" * 100_000}">]>',
            '<!-- <rss --><!DOCTYPE rss [<!ATTLIST rss a CDATA "]>"><!ENTITY x "y">]>',
            '<!-- -->\n<?php ?>\n<!doctype rss PUBLIC "a" "b" [<!ENTITY x "y">]>',
            '<!DOCTYPE rss [<!ENTITY x "y">',
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_a_feed_with_entities_of_its_own_is_refused_at_once(self, doctype, encoding):
        feed = f'<?xml version="1.0"?>{doctype}{rss_text("<item><title>&x;&lol11;</title></item>")}'.encode(encoding)
        began = time.monotonic()

        with pytest.raises(SourceError, match="wire declares entities of its own"):
            parse(feed, "wire", NOW)

        assert time.monotonic() - began < 1

    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"\n "http://my.netscape.com/rss-0.91.dtd">',
            '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">',
            "<!DOCTYPE rss>",
            '<!DOCTYPE rss [<!ATTLIST rss version CDATA "2.0">]>',
        ],
    )
    def test_a_doctype_that_declares_none_is_harmless(self, doctype):
        fetched = parse(
            f'<?xml version="1.0"?>\n{doctype}\n{rss_text("<item><title>a</title></item>")}'.encode(), "w", NOW
        )

        assert (fetched.articles[0].title, fetched.problems) == ("a", ())

    def test_a_story_about_entities_is_read(self):
        text = "<![CDATA[<p>Write &lt;!ENTITY x> or <!ENTITY in a <!DOCTYPE x [.</p>]]>"

        assert len(rss(f"<item><title>a</title><description>{text}</description></item>").articles) == 1


class TestBroken:
    def test_a_feed_gives_what_came_before_the_break(self):
        fetched = parse(b"<rss version='2.0'><channel><item><title>a</title></item><item><title>b", "wire", NOW)

        assert fetched.articles[0].title == "a"
        assert "malformed" in fetched.problems[0].message

    @pytest.mark.parametrize(
        ("broken", "title"),
        [
            ("Fish & fuel", "Fish & fuel"),
            ("Caf&eacute;&nbsp;&hellip;", "Café …"),
            ("A&foo;B", "A&foo;B"),
            ("A\x0bB\x00C", "ABC"),
            ("A&#11;B&#0;&#xD83D;&#xFFFE;&#99999999999;C", "ABC"),
            ("A ]]> B", "A B"),
            ("1 < 2", "1 < 2"),
        ],
    )
    def test_what_is_mended_is_whole_and_said(self, broken, title):
        fetched = rss(
            f"<item><guid>1</guid><title>{broken}</title></item>" + "<item><guid>2</guid><title>b</title></item>"
        )

        assert [article.title for article in fetched.articles] == [title, "b"]
        assert [problem.where for problem in fetched.problems] == ["wire:1"]

    @pytest.mark.parametrize(
        "around",
        [
            "<br />\n<b>Warning</b>: mysql_connect() in /x.php\n{}",
            "\n\n \ufeff{}",
            "{}\n<!-- cached --> Goodbye",
            "<html><body>{}</body></html>",
        ],
    )
    def test_a_feed_with_something_around_it_is_read(self, around):
        text = around.format(rss_text("<item><title>a</title></item>"))

        fetched = parse(text.encode(), "wire", NOW)

        assert (fetched.articles[0].title, len(fetched.problems)) == ("a", 1)

    def test_the_line_of_a_fault_is_that_of_the_file(self):
        head, feed = "<?xml version='1.0'?>\n<!-- a\ncomment -->\n", rss_text("<item>\n<title>a & b</title></item>")

        fetched = parse(f"{head}{feed}".encode(), "wire", NOW)

        assert fetched.problems[0].where == "wire:5"

    def test_mistakes_without_end_are_counted(self):
        fetched = rss("<item><pubDate>never</pubDate></item>" * 5000)

        assert len(fetched.problems) == 101
        assert str(fetched.problems[-1]) == "wire  has 4,900 more mistakes like these."

    def test_an_element_that_nobody_knows_is_not_taken_for_one_of_ours(self):
        odd = "".join(
            f'<{name} a="b">c</{name}>'
            for name in ("links", "tags", "title_detail", "published_parsed", "media_description", "dc_date", "authors")
        )

        assert rss(f"<item>{odd}<title>a</title></item>").articles[0].title == "a"

    def test_three_hundred_elements_deep_is_deep_enough(self):
        deep = "<b>" * 300 + "a" + "</b>" * 300

        assert len(rss(f"<item><title>t</title><description>{deep}</description></item>").articles) == 1
        assert len(rss(f"<item><title>t</title>{deep}</item>").articles) == 1

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

    @pytest.mark.parametrize(
        "item",
        [
            f"<title>t</title><author>{'a.a-' * 100_000}</author>",
            "<title>t</title>" + "".join(f"<category>{number}</category>" for number in range(20_000)),
            f"<title>t</title><description>{'<![CDATA[' * 50_000}</description>",
            f"<title>{'&lt;b&gt;' * 100_000}</title>",
            f"<title>t</title><pubDate>{'(' * 500_000}</pubDate>",
            f"<title>t</title><guid>{'x' * 1_000_000}</guid>",
        ],
        ids=["author", "tags", "cdata", "title", "date", "guid"],
    )
    def test_what_is_made_to_take_for_ever_does_not(self, item):
        began = time.monotonic()

        rss(f"<item>{item}</item>")

        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "parsed",
    [
        lambda body: rss(f"<item><guid>a</guid>{described(body)}</item>"),
        lambda body: json_feed({"id": "a", "content_html": body}),
        lambda body: rss(f"<item><guid>a</guid>{described(html.escape(body))}</item>"),
    ],
)
def test_a_body_that_cleaning_will_leave_out_is_not_looked_through_before(monkeypatch, parsed):
    seen: list[int] = []
    monkeypatch.setattr(entries, "from_html", lambda body: seen.append(len(body)) or body)

    fetched = parsed("<p>a</p>" * 200_000)

    articles, problems = cleaned(fetched)
    assert (len(fetched.articles), articles, len(problems)) == (1, [], 1)
    assert max(seen, default=0) <= 1_000_000


def test_a_source_is_printed_without_its_address():
    source = FeedSource("wire", "https://ada:s3cret@wire.example/?key=s3cret", FEEDS, Fetcher())

    assert "s3cret" not in repr(source)


HOSTILE = {
    "script": "<title>t</title>" + described("<p>a</p><script>steal()</script>"),
    "script in a title": "<title>&lt;script&gt;steal()&lt;/script&gt;t</title>",
    "handlers": "<title>t</title>" + described("<p onclick='steal()' style='position:fixed'>a</p>"),
    "script in a link": "<title>t</title>" + described("<a href=' javascript:steal()'>a</a>"),
    "script as the link": "<title>t</title><link>javascript:steal()</link>",
    "bidi": "<title>t \u202e gnp.exe</title>" + described("<p>a \u202e b</p>"),
    "nul": "<title>t\x00</title><description>a\x00b</description>",
    "control": "<title>t\x0b\x08\x1b</title><description>a\x0c\x7fb</description>",
    "control as entity": "<title>t&#11;&#8;</title>" + described("<p>a&#11;b</p>"),
    "half a letter": "<title>t&#xD83D;</title><description>a&#xDE00;b</description>",
    "no letter": "<title>t&#xFFFE;</title><description>a\ufffe&#xFFFF;b</description>",
    "beyond letters": "<title>t&#x110000;</title><description>a&#99999999999;b</description>",
    "windows": "<title>t&#146;s</title><description>a\x92b</description>",
    "long title": f"<title>{'t ' * 1_000_000}</title>",
    "long body": f"<title>t</title><description>{'a ' * 1_000_000}</description>",
    "data": "<title>t</title>" + described(f"<img src='data:image/png;base64,{'A' * 500_000}'>a"),
    "open comment": "<title>t</title>" + described("<p>a</p><!-- b <script>steal()"),
    "end of cdata": "<title>t ]]> t</title><description><![CDATA[a]]>]]&gt;</description>",
    "cdata in cdata": "<title>t</title><description><![CDATA[a <![CDATA[b]]> c]]></description>",
    "tables": "<title>t</title>" + described(f"{'<table><tr><td>' * 300}a"),
    "deep": f"<title>t</title><description>{'<div>' * 300}a{'</div>' * 300}</description>",
    "svg": "<title>t</title>" + described("<svg><script>steal()</script></svg><a xlink:href='javascript:steal()'>a"),
    "form": "<title>t</title>" + described("<form action='/x'><input onfocus=steal() autofocus></form>a"),
    "word": "<title>t</title>" + described("<!--[if mso]><xml><o:p>x</o:p></xml><![endif]--><o:p>a</o:p>"),
    "entities": "<title>t&nbsp;&bogus; &</title><description>a & b &eacute;</description>",
    "author": "<title>t</title><dc:creator>&lt;script&gt;steal()&lt;/script&gt;Ada\x0b</dc:creator>",
    "category": "<title>t</title><category>&lt;b onclick='steal()'&gt;c&lt;/b&gt;\x00</category>",
    "picture": "<title>t</title><media:content url='javascript:steal()' medium='image'/>",
    "meta": "<title>t</title>"
    + described("<meta http-equiv=refresh content='0;javascript:steal()'><base href='//x'>a"),
}
GOOD = "<item><guid>good</guid><title>The port reopens</title><description>Prices rise.</description></item>"


class TestHostileEntries:
    """Each arrives clean or is one clear problem, and its neighbour does not notice."""

    @pytest.mark.parametrize("name", HOSTILE)
    def test_one_is_clean_or_a_problem_and_its_neighbour_arrives(self, name):
        fetched = rss(f"<item><guid>bad</guid>{HOSTILE[name]}</item>{GOOD}")

        articles, problems = cleaned(fetched)
        assert [article.headline for article in articles if article.source_id == "good"] == ["The port reopens"]
        assert len(articles) == 2 or any("#1" in problem.where for problem in problems)
        for article in articles:
            assert_clean(article)

    def test_all_of_them_at_once_do_no_more_harm(self):
        items = "".join(f"<item><guid>{name}</guid>{item}</item>" for name, item in HOSTILE.items())

        articles, _ = cleaned(rss(items + GOOD))

        ids = {article.source_id for article in articles}
        assert ids >= {"good", *HOSTILE} - {"long body"}
        for article in articles:
            assert_clean(article)

    def test_json_can_be_as_bad(self):
        item = {
            "id": "a\u0000\ud83d",
            "url": "javascript:steal()",
            "title": "<script>steal()</script>t\u202e\ud83d\u000b",
            "content_html": "<p onclick=steal()>a\ud83d\u000b</p><script>steal()</script><!-- <img onerror=steal()>",
            "summary": "s\ud83d\u0000",
            "authors": [{"name": "Ada\ud83d", "url": "javascript:steal()"}],
            "tags": ["<b>c</b>\u0000"],
            "image": "javascript:steal()",
            "language": "\u202e",
        }

        articles, _ = cleaned(json_feed(item))

        assert_clean(articles[0])


def cleaned(fetched: Fetched) -> tuple[list[Article], list[Problem]]:
    desk = cleaning.Desk(a_publication(), section="world")
    both = [cleaning.clean(raw, "wire", desk) for raw in fetched.articles]
    problems = [*fetched.problems, *(problem for one in both for problem in one.problems)]
    return [one.article for one in both if one.article], problems


def assert_clean(article: Article) -> None:
    texts = [article.source_id, article.headline, article.standfirst, article.teaser, article.body, article.url or ""]
    texts += [*article.tags, *(author.name for author in article.authors), article.comments]
    whole = "\n".join(texts)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", whole)
    assert not re.search(r"steal|<script|<form|<svg|<!--|javascript:|data:|\son\w+=", whole)
    assert article.headline.count("\u202e") == article.headline.count("\u202c")
    assert len(article.headline) <= 300


class TestReplies:
    SLASH = 'xmlns:s="http://purl.org/rss/1.0/modules/slash/"'
    THREADS = 'xmlns:t="http://purl.org/syndication/thread/1.0"'
    COUNTED = '<link rel="replies" type="text/html" href="https://wire.example/a#talk" t:count="5"/>'

    @pytest.mark.parametrize(
        ("said", "replies", "origin"),
        [
            ("<s:comments>12</s:comments>", 12, "slash:comments"),
            ("<s:comments> 0 </s:comments>", 0, "slash:comments"),
            ("<t:total>7</t:total>", 7, "thr:total"),
            ("<s:comments>12</s:comments><t:total>13</t:total>", 13, "thr:total"),
            ("<comments>https://wire.example/a#talk</comments>", None, None),
            ("<s:comments>many</s:comments>", None, None),
            ("<s:comments>-1</s:comments>", None, None),
            ("<s:comments>99999999999999999999</s:comments>", None, None),
            ("<s:comments><b>3</b></s:comments>", None, None),
            ("", None, None),
        ],
    )
    def test_rss_says_how_many_by_either_module_under_any_prefix(self, said, replies, origin):
        item = f"<item {self.SLASH} {self.THREADS}><guid>a</guid><title>a</title>{said}</item>"

        [article] = rss(item).articles

        assert (article.replies, article.origins.get("replies")) == (replies, origin)

    @pytest.mark.parametrize(
        ("said", "replies"),
        [("<t:total>7</t:total>", 7), (COUNTED, 5), (f"{COUNTED}<t:total>7</t:total>", 7), ("", None)],
    )
    def test_atom_says_it_by_its_threads(self, said, replies):
        entry = f"<entry {self.THREADS}><id>a</id><title>a</title>{said}</entry>"

        assert atom(entry).articles[0].replies == replies

    def test_a_broken_feed_says_it_too(self):
        item = f"<item {self.SLASH}><guid>a</guid><title>a & b</title><s:comments>3</s:comments></item>"

        assert rss(item).articles[0].replies == 3
