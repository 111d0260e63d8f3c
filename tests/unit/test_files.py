"""The built site on the wire: real connections to our own server, both by its short way and as plain ASGI."""

import contextlib
import hashlib
import os
import socket
import time
from datetime import datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import MappingProxyType

import pytest

from publisher.errors import TemplateProblem
from publisher.model.moves import Moves
from publisher.model.newsletter import Syndication
from publisher.pipeline.site_folder import SiteFolder, given
from publisher.web import negotiation
from publisher.web.files import Files
from publisher.web.limits import Limits, who
from publisher.web.reading import HELD, link_field
from tests.builders import NOW
from tests.webserver import ask, web_server

RSS = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<atom:link rel="self" href="https://journal.example/feeds/world/rss.xml"/>
<atom:link rel="hub" href="https://hub.example/?a=1&amp;b=2"/>
<title>World</title>
<item><title>One</title><atom:link rel="hub" href="https://forged.example/"/></item>
%b</channel></rss>
""" % (b"<item><title>Some more news of the world</title></item>\n" * 60)
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id>
<link rel="self" href="https://journal.example/feeds/world/atom.xml"/><title>World</title></feed>"""
JSON = b"""{"version": "https://jsonfeed.org/version/1.1", "feed_url": "https://journal.example/feeds/world/feed.json",
"hubs": [{"type": "WebSub", "url": "https://hub.example/"}], "items": []}"""
SITE = {
    "index.html": b"<!doctype html><title>Front</title>" + b"<p>A page.</p>" * 50,
    "style.css": b"body { color: black }\n" * 20,
    "articles/one.html": b"<!doctype html><title>One</title>" + b"<p>Words.</p>" * 50,
    "images/one.png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "feeds/index.html": b"<!doctype html><title>Feeds</title>" + b"<p>A feed.</p>" * 50,
    "feeds/feed.css": b"rss { display: block }\n" * 20,
    "feeds/feeds.opml": b"<opml version='2.0'>" + b"<outline/>" * 100 + b"</opml>",
    "feeds/world/rss.xml": RSS,
    "feeds/world/atom.xml": ATOM,
    "feeds/world/feed.json": JSON,
    "feeds/world/archive-1.xml": ATOM,
    "feeds/economy/rss.xml": RSS.replace(b"world", b"economy"),
    "sitemap.xml": b"<urlset/>",
    ".well-known/security.txt": b"Contact: mailto:desk@journal.example\n",
}
FEED = "/feeds/world/rss.xml"
FEED_CACHE = "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400"
RULES = Syndication(
    moved=MappingProxyType({"old": "older/still", "older": "world", "world-news": "podcasts/daily"}),
    closed=("podcasts", "world/gone"),
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now


def files(path: Path, clock: Clock, **changes) -> Files:
    whole = {"root": path, "syndication": RULES, "base": "", "missing": lambda: "<p>No such page.</p>", "now": clock}
    return Files(**{**whole, "limits": Limits(0), **changes})


def publish(path: Path, content: dict[str, bytes], now: datetime = NOW) -> None:
    SiteFolder(path, now).publish({name: given(text) for name, text in content.items()}, remove=False)


def plain(application: Files):
    """The same application for a server that knows nothing of it."""

    async def asgi(scope, receive, send) -> None:
        await application(scope, receive, send)

    return asgi


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["short way", "asgi"])
def way(request):
    return (lambda application: application) if request.param == "short way" else plain


@pytest.fixture
def site(tmp_path, clock, way):
    """(folder, port) of a built site that is served."""
    publish(tmp_path / "site", SITE)
    with web_server(way(files(tmp_path / "site", clock))) as port:
        yield tmp_path / "site", port


def until(condition):
    """What is built shows within a second; a slow machine is given more."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail("it never showed")


def unpacked(got) -> bytes:
    import gzip

    import brotli
    import zstandard

    ways = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": lambda one: zstandard.decompress(one)}
    return ways.get(got.headers["Content-Encoding"], bytes)(got.body)


class TestValidators:
    @pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
    def test_the_tag_is_a_hash_of_the_bytes_that_are_sent(self, site, coding):
        got = ask(site[1], FEED, {"Accept-Encoding": coding})

        assert got.headers["ETag"] == f'"{hashlib.sha256(got.body).hexdigest()[:32]}"'
        assert got.headers.get("Content-Encoding", "identity") == coding
        assert unpacked(got) == RSS

    def test_every_coding_has_a_tag_of_its_own(self, site):
        tags = {ask(site[1], FEED, {"Accept-Encoding": name}).headers["ETag"] for name in ("", "gzip", "br", "zstd")}

        assert len(tags) == 4

    def test_a_feed_that_did_not_change_keeps_its_tag_while_another_does(self, site):
        folder, port = site
        before = {path: ask(port, path).headers["ETag"] for path in (FEED, "/feeds/economy/rss.xml")}

        publish(folder, {"feeds/world/rss.xml": RSS.replace(b"One", b"Two")}, NOW + timedelta(minutes=1))

        until(lambda: ask(port, FEED).headers["ETag"] != before[FEED])
        assert ask(port, "/feeds/economy/rss.xml").headers["ETag"] == before["/feeds/economy/rss.xml"]

    def test_the_same_bytes_written_again_have_the_same_tag(self, site):
        folder, port = site
        before = ask(port, FEED)

        publish(folder, {"feeds/world/rss.xml": RSS + b" "}, NOW + timedelta(minutes=1))
        until(lambda: ask(port, FEED).body == RSS + b" ")
        publish(folder, {"feeds/world/rss.xml": RSS}, NOW + timedelta(minutes=2))

        after = until(lambda: (got := ask(port, FEED)).body == RSS and got)
        assert after.headers["ETag"] == before.headers["ETag"]
        assert after.headers["Last-Modified"] > before.headers["Last-Modified"]

    @pytest.mark.parametrize("shape", ["{}", "W/{}", '"other", {}', 'W/"x,y" , W/{}', "*", ' "a","b",{},"c"'])
    def test_who_names_the_tag_gets_304(self, site, shape):
        whole = ask(site[1], FEED, {"Accept-Encoding": "gzip"})

        got = ask(site[1], FEED, {"Accept-Encoding": "gzip", "If-None-Match": shape.format(whole.headers["ETag"])})

        assert (got.status, got.body) == (304, b"")

    @pytest.mark.parametrize("shape", ['"other"', "", "nonsense", '"{}', 'W/"other", "x"'])
    def test_who_names_another_gets_the_whole(self, site, shape):
        tag = ask(site[1], FEED).headers["ETag"].strip('"')

        assert ask(site[1], FEED, {"If-None-Match": shape.format(tag)}).status == 200

    def test_the_tag_of_another_coding_is_another(self, site):
        tag = ask(site[1], FEED, {"Accept-Encoding": "br"}).headers["ETag"]

        assert ask(site[1], FEED, {"Accept-Encoding": "gzip", "If-None-Match": tag}).status == 200

    def test_if_none_match_beats_if_modified_since(self, site):
        whole = ask(site[1], FEED)
        same, other = whole.headers["ETag"], '"other"'
        late, early = whole.headers["Last-Modified"], formatdate(0, usegmt=True)

        statuses = [
            ask(site[1], FEED, {"If-None-Match": tag, "If-Modified-Since": since}).status
            for tag, since in ((same, early), (other, late))
        ]

        assert statuses == [304, 200]

    @pytest.mark.parametrize(
        ("seconds", "status"),
        [(0, 304), (60, 304), (-1, 200), (86_401, 200)],
        ids=["same", "later", "older", "to come"],
    )
    def test_if_modified_since(self, site, seconds, status):
        since = formatdate(NOW.timestamp() + seconds, usegmt=True)

        assert ask(site[1], FEED, {"If-Modified-Since": since}).status == status

    @pytest.mark.parametrize("since", ["yesterday", "", "Sun, 99 Nov 9999999 08:49:37 GMT", "\xff"])
    def test_a_date_that_is_none_says_nothing(self, site, since):
        assert ask(site[1], FEED, {"If-Modified-Since": since}).status == 200

    def test_a_304_carries_what_the_whole_would(self, site):
        whole = ask(site[1], FEED)

        got = ask(site[1], FEED, {"If-None-Match": whole.headers["ETag"]})

        assert got.fields() == whole.fields("content-type", "content-length", "x-content-type-options")
        assert {"etag", "cache-control", "vary", "last-modified", "link"} < got.fields().keys()

    @pytest.mark.parametrize("path", [FEED, "/", "/images/one.png", "/nowhere", "/feeds/podcasts", "/feeds"])
    def test_head_is_get_without_the_body(self, site, path):
        whole = ask(site[1], path, {"Accept-Encoding": "gzip"})

        got = ask(site[1], path, {"Accept-Encoding": "gzip"}, "HEAD")

        assert (got.status, got.fields(), got.body) == (whole.status, whole.fields(), b"")

    def test_a_head_can_be_answered_with_304(self, site):
        tag = ask(site[1], FEED).headers["ETag"]

        assert ask(site[1], FEED, {"If-None-Match": tag}, "HEAD").status == 304


class TestLastModified:
    def test_it_is_the_file_s_time(self, site):
        assert ask(site[1], FEED).headers["Last-Modified"] == "Fri, 20 Nov 2026 08:00:00 GMT"

    def test_a_time_to_come_is_left_out_until_it_has_come(self, site, clock):
        folder, port = site
        clock.now = NOW - timedelta(seconds=1)
        publish(folder, {"feeds/world/rss.xml": RSS + b" "})  # the folder dates it a second after the last
        early = until(lambda: (got := ask(port, FEED)).body == RSS + b" " and got)
        previous = ask(port, FEED, {"If-Modified-Since": formatdate(NOW.timestamp() - 5, usegmt=True)}).status

        clock.now = NOW + timedelta(seconds=1)

        assert "Last-Modified" not in early.headers
        assert previous == 200
        until(lambda: ask(port, FEED).headers["Last-Modified"] == "Fri, 20 Nov 2026 08:00:01 GMT")

    def test_taking_the_newest_story_away_never_lowers_it(self, site):
        folder, port = site
        before = ask(port, FEED)

        publish(folder, {"feeds/world/rss.xml": RSS.replace(b"<item><title>One</title>", b"<item>")})

        after = until(lambda: (got := ask(port, FEED)).headers["ETag"] != before.headers["ETag"] and got)
        assert after.headers["Last-Modified"] > before.headers["Last-Modified"]
        stale = {"If-Modified-Since": before.headers["Last-Modified"]}
        assert ask(port, FEED, stale).status == 200


class TestCodings:
    @pytest.mark.parametrize(
        ("asked", "sent"),
        [
            (None, "identity"),
            ("", "identity"),
            ("identity", "identity"),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("GZIP;Q=1", "gzip"),
            ("gzip, deflate, br, zstd", "smallest"),
            ("*", "smallest"),
            ("gzip;q=1.0, br;q=0.9", "gzip"),
            ("gzip;q=0.5, identity", "identity"),
            ("gzip;q=0.1", "gzip"),
            ("br;q=0, zstd;q=0, *", "gzip"),
            ("gzip;q=0", "identity"),
            ("deflate, compress", "identity"),
            ("identity;q=0, br", "br"),
            ("*;q=0, zstd", "zstd"),
            ("gzip;q=2, br;q=nonsense", "identity"),
        ],
    )
    def test_the_reader_chooses(self, asked, sent):
        sizes = {"identity": 1000, "gzip": 110, "br": 90, "zstd": 100}

        assert negotiation.coding(asked, sizes) == ("br" if sent == "smallest" else sent)

    @pytest.mark.parametrize("asked", ["identity;q=0", "*;q=0", "identity;q=0, deflate"])
    def test_who_takes_nothing_that_we_have_is_told(self, asked, site):
        got = ask(site[1], "/images/one.png", {"Accept-Encoding": asked})

        assert (got.status, got.headers["Vary"]) == (406, "Accept-Encoding")

    def test_several_lines_are_one_list(self, site):
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", site[1], timeout=10)
        connection.putrequest("GET", FEED, skip_accept_encoding=True)
        for value in ("gzip;q=0.2", "zstd;q=0.9"):
            connection.putheader("Accept-Encoding", value)
        connection.endheaders()
        got = connection.getresponse()

        assert got.getheader("Content-Encoding") == "zstd"
        connection.close()

    def test_a_neighbour_of_another_version_is_passed_over(self, site):
        folder, port = site
        neighbour = folder / "feeds/world/atom.xml.gz"
        os.utime(neighbour, (NOW.timestamp() - 5,) * 2)

        got = ask(port, "/feeds/world/atom.xml", {"Accept-Encoding": "gzip"})

        assert (got.headers["Content-Encoding"], got.body) == (None, ATOM)

    def test_a_picture_is_sent_as_it_is(self, site):
        got = ask(site[1], "/images/one.png", {"Accept-Encoding": "gzip, br, zstd"})

        assert (got.headers["Content-Encoding"], got.headers["Vary"], got.body) == (None, None, SITE["images/one.png"])


READER = "application/rss+xml; charset=utf-8"
ATOM_TYPE = "application/atom+xml; charset=utf-8"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


class TestTypes:
    @pytest.mark.parametrize(
        ("path", "reader", "browser"),
        [
            (FEED, READER, "application/xml; charset=utf-8"),
            ("/feeds/world/atom.xml", ATOM_TYPE, "application/xml; charset=utf-8"),
            ("/feeds/world/archive-1.xml", ATOM_TYPE, "application/xml; charset=utf-8"),
            ("/feeds/world/feed.json", "application/feed+json", "application/feed+json"),
            ("/feeds/feeds.opml", "text/x-opml; charset=utf-8", "application/xml; charset=utf-8"),
            ("/feeds/feed.css", "text/css; charset=utf-8", "text/css; charset=utf-8"),
            ("/", "text/html; charset=utf-8", "text/html; charset=utf-8"),
            ("/images/one.png", "image/png", "image/png"),
            ("/sitemap.xml", "application/xml; charset=utf-8", "application/xml; charset=utf-8"),
            ("/.well-known/security.txt", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ],
    )
    def test_a_reader_and_a_browser_each_get_what_they_can_show(self, site, path, reader, browser):
        asked = [ask(site[1], path, accept) for accept in ({}, {"Accept": "*/*"}, {"Accept": BROWSER})]

        assert [got.headers["Content-Type"] for got in asked] == [reader, reader, browser]
        assert {got.headers["X-Content-Type-Options"] for got in asked} == {"nosniff"}

    @pytest.mark.parametrize(
        ("path", "vary"),
        [
            (FEED, "Accept, Accept-Encoding"),
            ("/feeds/world/feed.json", "Accept, Accept-Encoding"),
            ("/feeds/feeds.opml", "Accept, Accept-Encoding"),
            ("/feeds/feed.css", "Accept-Encoding"),
            ("/", "Accept-Encoding"),
            ("/images/one.png", None),
        ],
    )
    def test_caches_are_told_what_an_answer_depends_on(self, site, path, vary):
        assert ask(site[1], path).headers["Vary"] == vary

    @pytest.mark.parametrize(
        ("path", "cache"),
        [
            (FEED, FEED_CACHE),
            ("/feeds/world/archive-1.xml", FEED_CACHE),
            ("/feeds/feeds.opml", FEED_CACHE),
            ("/", "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"),
            ("/feeds/", "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400"),
            ("/feeds/feed.css", "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400"),
            ("/images/one.png", "public, max-age=86400, stale-while-revalidate=86400, stale-if-error=604800"),
            ("/nowhere", "public, max-age=60"),
        ],
    )
    def test_caches_are_told_how_long_a_copy_is_fresh(self, site, path, cache):
        assert ask(site[1], path).headers["Cache-Control"] == cache

    def test_the_newsroom_says_how_long_a_feed_is_fresh(self, tmp_path, clock, way):
        publish(tmp_path, SITE)
        with web_server(way(files(tmp_path, clock, syndication=Syndication(max_age=timedelta(minutes=15))))) as port:
            got = ask(port, FEED)

        assert got.headers["Cache-Control"] == "public, max-age=900, stale-while-revalidate=900, stale-if-error=86400"


class TestLinks:
    @pytest.mark.parametrize(
        ("path", "link"),
        [
            (
                FEED,
                '<https://journal.example/feeds/world/rss.xml>; rel="self", <https://hub.example/?a=1&b=2>; rel="hub"',
            ),
            ("/feeds/world/atom.xml", '<https://journal.example/feeds/world/atom.xml>; rel="self"'),
            (
                "/feeds/world/feed.json",
                '<https://journal.example/feeds/world/feed.json>; rel="self", <https://hub.example/>; rel="hub"',
            ),
            ("/", None),
            ("/sitemap.xml", None),
        ],
    )
    def test_the_field_says_what_the_feed_says(self, site, path, link):
        assert ask(site[1], path).headers["Link"] == link

    def test_it_follows_the_feed(self, site):
        folder, port = site
        assert "hub" in ask(port, FEED).headers["Link"]

        publish(folder, {"feeds/world/rss.xml": RSS.replace(b'rel="hub"', b'rel="x"')}, NOW + timedelta(minutes=1))

        until(lambda: "hub" not in ask(port, FEED).headers["Link"])

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            (b"<rss", b""),
            (b"", b""),
            (b"{", b""),
            (b'{"hubs": []}', b""),
            (b"{}\xff", b""),
            (b'{"feed_url": 7, "hubs": [3, {"url": null}]}', b""),
            (b'{"feed_url": "https://x/>\\r\\nSet-Cookie: a"}', b'<https://x/%3E%0D%0ASet-Cookie:%20a>; rel="self"'),
        ],
    )
    def test_a_feed_that_is_broken_or_hostile_forges_nothing(self, content, field):
        assert link_field(content) == field


class TestScripts:
    @pytest.mark.parametrize("path", [FEED, "/feeds/world/feed.json", "/feeds/feeds.opml", "/feeds/feed.css"])
    def test_those_of_other_sites_may_read_feeds(self, site, path):
        assert ask(site[1], path).headers["Access-Control-Allow-Origin"] == "*"
        asked = {"Origin": "https://reader.example", "Access-Control-Request-Headers": "If-None-Match"}
        got = ask(site[1], path, {**asked, "Access-Control-Request-Method": "GET"}, "OPTIONS")
        assert got.status == 204
        assert got.headers["Access-Control-Allow-Origin"] == "*"
        assert got.headers["Access-Control-Allow-Headers"] == "*"
        assert "GET" in got.headers["Access-Control-Allow-Methods"]

    @pytest.mark.parametrize("path", ["/", "/style.css", "/images/one.png", "/feeds/"])
    def test_they_may_not_read_pages(self, site, path):
        assert "Access-Control-Allow-Origin" not in ask(site[1], path).headers
        got = ask(site[1], path, {"Origin": "https://reader.example"}, "OPTIONS")
        assert (got.status, got.headers["Access-Control-Allow-Origin"]) == (204, None)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_nothing_can_be_written(self, site, method):
        got = ask(site[1], FEED, {"Content-Length": "0"}, method)

        assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


class TestAddresses:
    @pytest.mark.parametrize("query", ["", "?", "?utm_source=x", "?v=1&v=2", "?%00", "?a=%2e%2e"])
    def test_a_query_changes_nothing(self, site, query):
        whole, got = ask(site[1], FEED), ask(site[1], f"{FEED}{query}")

        assert (got.status, got.body, got.fields()) == (200, RSS, whole.fields())

    @pytest.mark.parametrize(
        "path", ["/feeds/podcasts", "/feeds/podcasts/", "/feeds/podcasts/a/rss.xml", "/feeds/world/gone/x"]
    )
    def test_a_closed_feed_is_gone_with_all_below_it(self, site, path):
        got = ask(site[1], path)

        assert (got.status, got.headers["Cache-Control"]) == (410, "public, max-age=3600")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/feeds/older/rss.xml", "/feeds/world/rss.xml"),
            ("/feeds/older/asia/feed.json?x=1", "/feeds/world/asia/feed.json"),
            ("/feeds/old/archive-1.xml", "/feeds/world/still/archive-1.xml"),
            ("/feeds/older", "/feeds/world"),
            ("/feeds/older/", "/feeds/world/"),
            ("/feeds/older/%0d%0aX:%20y", "/feeds/world/%0D%0AX%3A%20y"),
        ],
    )
    def test_a_moved_feed_is_found_in_one_step(self, site, old, new):
        got = ask(site[1], old)

        assert (got.status, got.headers["Location"]) == (301, new)
        assert got.headers["X"] is None

    def test_a_feed_that_moved_to_a_closed_one_is_gone(self, site):
        assert ask(site[1], "/feeds/world-news/rss.xml").status == 410

    def test_a_site_below_a_path_is_moved_within_it(self, tmp_path, clock, way):
        publish(tmp_path, SITE)
        with web_server(way(files(tmp_path, clock, base="/news"))) as port:
            assert ask(port, "/feeds/older/rss.xml").headers["Location"] == "/news/feeds/world/rss.xml"
            assert ask(port, "/feeds").headers["Location"] == "/news/feeds/"

    def test_names_that_only_begin_alike_stay(self, site):
        assert ask(site[1], "/feeds/oldest/rss.xml").status == 404

    def test_a_folder_is_its_index(self, site):
        got = ask(site[1], "/feeds")

        assert (got.status, got.headers["Location"]) == (301, "/feeds/")
        assert ask(site[1], "/feeds/").body == SITE["feeds/index.html"]
        assert ask(site[1], "/").body == SITE["index.html"]

    @pytest.mark.parametrize(
        "path",
        [
            "/nowhere",
            "/images",
            "/images/",
            "/index.html/",
            "/../config.toml",
            "/feeds/../../config.toml",
            "/%2e%2e/config.toml",
            "/..%2fconfig.toml",
            "//etc/passwd",
            "/feeds//world/rss.xml",
            "/./index.html",
            "/feeds/world/rss.xml%00",
            "/%00",
            "/%ff%fe",
            "/%ed%a0%80",
            "/" + "x" * 300,
            "/" + "x/" * 1500,
            "/.published",
            "/feeds/world/.rss.xml.0a1b2c3d.half",
            "/feeds/.well-known/x",
            "/secret.txt",
        ],
    )
    def test_what_is_no_address_of_ours_is_missing(self, site, path):
        folder, port = site
        (folder.parent / "config.toml").write_text("secret")
        (folder / "secret.txt").symlink_to(folder.parent / "config.toml")
        (folder / "feeds/world/.rss.xml.0a1b2c3d.half").write_text("half")

        got = ask(port, path)

        assert (got.status, got.body) == (404, b"<p>No such page.</p>")
        assert got.headers["Content-Type"] == "text/html; charset=utf-8"

    def test_a_page_that_cannot_be_rendered_is_missing_all_the_same(self, tmp_path, clock, way):
        def broken() -> str:
            raise TemplateProblem("web/missing.html.j2:1  unexpected '}'")

        with web_server(way(files(tmp_path, clock, missing=broken))) as port:
            assert ask(port, "/nowhere").status == 404

    @pytest.mark.parametrize("path", [FEED, "/", "/nowhere", "/feeds", "/feeds/podcasts"])
    def test_there_is_never_a_cookie(self, site, path):
        assert "Set-Cookie" not in ask(site[1], path, {"Cookie": "a=b"}).headers


class TestDisk:
    def test_a_new_version_shows_and_then_the_old_never_again(self, site):
        folder, port = site
        versions = [RSS.replace(b"One", str(number).encode()) for number in range(4)]
        ask(port, FEED)

        for number, version in enumerate(versions):
            publish(folder, {"feeds/world/rss.xml": version}, NOW + timedelta(minutes=number))
            until(lambda version=version: unpacked(ask(port, FEED, {"Accept-Encoding": "gzip"})) == version)

            assert unpacked(ask(port, FEED, {"Accept-Encoding": "br"})) == version

    def test_a_file_that_is_removed_goes(self, site):
        folder, port = site
        ask(port, FEED)

        (folder / "feeds/world/rss.xml").unlink()

        until(lambda: ask(port, FEED).status == 404)

    def test_a_file_that_comes_later_shows(self, site):
        folder, port = site
        assert ask(port, "/late.html").status == 404

        publish(folder, {"late.html": b"<p>Late</p>"})

        assert ask(port, "/late.html").status == 200

    def test_a_large_file_is_sent_in_pieces_with_the_same_care(self, site):
        folder, port = site
        content = os.urandom(HELD + 12_345)
        publish(folder, {"film.mp4": content})
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'

        got = ask(port, "/film.mp4")
        again = ask(port, "/film.mp4", {"If-None-Match": tag})
        head = ask(port, "/film.mp4", method="HEAD")

        assert (got.status, got.body == content, got.headers["ETag"]) == (200, True, tag)
        assert (again.status, again.body) == (304, b"")
        assert (head.fields(), head.body) == (got.fields(), b"")

    def test_many_files_and_strange_fields_stay_within_bounds(self, tmp_path, clock, monkeypatch):
        from publisher.web import files as module

        monkeypatch.setattr(module, "_MEMORY", 20_000)
        publish(tmp_path, {f"{number}.txt": b"x" * 1000 for number in range(30)})
        served = files(tmp_path, clock)

        for number in range(30):
            for turn in range(200):
                served.answer("GET", f"/{number}.txt", [(b"accept", b"%d" % turn)], ("192.0.2.1", 1))

        assert len(served._known) < 20
        assert all(len(held.answers) <= 64 for held in served._known.values())
        assert served._weight == sum(held.weight for held in served._known.values())


class TestConnections:
    """What a client may do with one connection, whichever way its answers take."""

    @staticmethod
    def talk(port: int, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(sent)
            heard = b""
            while piece := connection.recv(65_536):
                heard += piece
        return heard

    def test_requests_in_one_breath_are_answered_in_their_order(self, site):
        asked = [FEED, "/feeds/world/atom.xml", "/nowhere", "/health%20x", "/style.css"]
        sent = b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() for path in asked)

        heard = self.talk(site[1], sent + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        statuses = [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"200", b"404", b"404", b"200", b"200"]
        assert heard.index(RSS) < heard.index(ATOM) < heard.index(SITE["style.css"]) < heard.index(SITE["index.html"])

    def test_one_who_says_no_more_is_let_go(self, site):
        """As a shop closes its door: some seconds after the last customer, and not in the face of the next."""
        with socket.create_connection(("127.0.0.1", site[1]), timeout=60) as connection:
            heard = b""
            for _ in range(2):
                connection.sendall(b"GET /feeds/world/atom.xml HTTP/1.1\r\nHost: x\r\n\r\n")
                while heard[-len(ATOM) :] != ATOM:
                    heard += connection.recv(65_536)
                heard = b""
            assert connection.recv(1) == b""

    def test_an_old_client_is_let_go(self, site):
        heard = self.talk(site[1], b"GET /feeds/world/atom.xml HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

        assert heard.endswith(ATOM)

    @pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
    def test_what_is_no_request_is_refused(self, site, sent):
        assert self.talk(site[1], sent).startswith(b"HTTP/1.1 400")

    def test_a_request_with_a_body_leaves_the_next_one_whole(self, site):
        first = b"GET /feeds/world/atom.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"

        heard = self.talk(site[1], first + b"GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert heard.count(b"HTTP/1.1 200") == 2

    def test_a_reader_who_does_not_listen_fills_no_memory(self, tmp_path, clock, way):
        """A million requests for 1.5 MB each, and not one byte read."""
        publish(tmp_path, {"large.png": bytes(1_500_000)})
        served = files(tmp_path, clock)
        counted = 0
        whole = served.answer

        def counting(*given):
            nonlocal counted
            counted += 1
            return whole(*given)

        served.answer = counting
        with web_server(way(served)) as port, socket.create_connection(("127.0.0.1", port)) as deaf:
            deaf.settimeout(2)
            with pytest.raises(TimeoutError):
                deaf.sendall(b"GET /large.png HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000_000)
            assert ask(port, "/large.png", method="HEAD").status == 200

        assert counted < 100


class TestLimits:
    def test_an_abuser_is_told_when_to_come_back(self, tmp_path, clock, way):
        publish(tmp_path, SITE)
        with web_server(way(files(tmp_path, clock, limits=Limits(3)))) as port:
            got = [ask(port, path) for path in (FEED, "/", "/nowhere", FEED)]
            other = ask(port, FEED, {"X-Forwarded-For": "spoofed, 192.0.2.7"})

        assert [one.status for one in got] == [200, 200, 404, 429]
        assert 1 <= int(got[3].headers["Retry-After"]) <= 20
        assert got[3].headers["Cache-Control"] == "no-store"
        assert other.status == 200

    def test_a_bucket_holds_a_minute_and_fills_evenly(self):
        limits = Limits(60)

        first = [limits.wait("a", 100.0) for _ in range(61)]
        later = [limits.wait("a", 102.0) for _ in range(3)]

        assert (first, later) == ([0] * 60 + [1], [0, 0, 1])

    def test_who_waits_as_told_is_served(self):
        limits = Limits(7)
        for _ in range(7):
            limits.wait("a", 50.0)

        told = limits.wait("a", 50.0)

        assert told == 9
        assert limits.wait("a", 50.0 + told) == 0

    def test_others_do_not_pay(self):
        limits = Limits(1)
        limits.wait("a", 0.0)

        assert (limits.wait("a", 0.0) > 0, limits.wait("b", 0.0)) == (True, 0)

    def test_zero_is_no_limit(self):
        limits = Limits(0)

        assert not any(limits.wait("a", 0.0) for _ in range(1000))

    def test_a_million_addresses_take_bounded_memory(self):
        limits = Limits(1, most=100)

        for number in range(1000):
            limits.wait(str(number), number / 100)

        assert len(limits._full) <= 100
        assert limits.wait("999", 10.0) > 0

    @pytest.mark.parametrize(
        ("client", "forwarded", "whose"),
        [
            (("192.0.2.1", 5), "", "192.0.2.1"),
            (("192.0.2.1", 5), "198.51.100.1", "192.0.2.1"),
            (("127.0.0.1", 5), "198.51.100.1", "198.51.100.1"),
            (("127.0.0.1", 5), "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            (("::1", 5), "2001:db8:1:2::9", "2001:db8:1:2::"),
            (("2001:db8:1:2:3:4:5:6", 5), "", "2001:db8:1:2::"),
            (("::ffff:192.0.2.1", 5), "", "192.0.2.1"),
            (("fe80::1%eth0", 5), "", "fe80::"),
            (None, "198.51.100.1", "198.51.100.1"),
            (None, "", ""),
        ],
    )
    def test_whose_a_request_is(self, client, forwarded, whose):
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []

        assert who(client, headers) == whose


class TestMoves:
    def test_the_longest_path_decides(self):
        moves = Moves({"a": "b", "a/x": "c"}, ("a/y",))

        assert [moves.place(path) for path in ("a/rss.xml", "a/x/rss.xml", "a/y/rss.xml", "d")] == [
            "b/rss.xml",
            "c/rss.xml",
            None,
            "d",
        ]

    @pytest.mark.parametrize("moved", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "a/b"}, {"a": "b/c", "b": "a"}])
    def test_one_that_never_ends_is_found(self, moved):
        with pytest.raises(ValueError, match="for ever"):
            Moves(moved).place("a")


class TestPatience:
    """A connection that brings no whole request in time is closed, and one that brings too much at once."""

    @pytest.fixture
    def way(self):
        return lambda application: application  # plain uvicorn waits for ever

    def closed_within(self, port: int, *sent: bytes, pause: float = 0.5) -> bytes:
        """Send in pieces, then read to the end; the test's own limit is far above the server's."""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            for piece in sent:
                line.sendall(piece)
                time.sleep(pause)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := line.recv(65_536):
                    got += piece
            return got

    def test_one_that_says_nothing(self, site):
        assert self.closed_within(site[1]) == b""

    def test_one_that_never_ends_its_header(self, site):
        assert self.closed_within(site[1], b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", b"X-B: c\r\n") == b""

    def test_one_that_dawdles_after_an_answer(self, site):
        whole = f"GET {FEED} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

        assert self.closed_within(site[1], whole, b"GET / HTT").startswith(b"HTTP/1.1 200")

    def test_a_header_without_end(self, site):
        got = self.closed_within(site[1], b"GET / HTTP/1.1\r\nX-A: ", b"a" * 70_000, pause=0)

        assert got.startswith(b"HTTP/1.1 431") or got == b""

    def test_an_empty_date_is_no_validator(self, site):
        assert ask(site[1], FEED, {"If-Modified-Since": ""}).status == 200
