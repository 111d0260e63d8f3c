"""Pages: the same story in every shape, what is taken from where, and what is never taken."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.clean.markup import sanitise
from publisher.clean.text import from_html
from publisher.errors import Problem, SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Access, Author, Image, RawArticle, Related
from publisher.ports import Fetched, Response
from publisher.sources.page.encoding import decode
from publisher.sources.page.source import PageSource
from tests.builders import NOW, fetched_from
from tests.websites import Answer, a_website

PAGES = Path(__file__).parents[1] / "data" / "pages"
PORTS = ["port-tagdiv.html", "port-graph.html", "port-blog.html"]
ADDRESS = "https://wire.example/2026/11/port/"
MORNING = datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
FRAME = '<iframe src="https://v.example"></iframe>'
TEXT = "<p>The cranes move again, all nine of them, and the harbour master is content.</p>"


@dataclass
class FakeHttp:
    """Answers by host; a host without an answer has a page."""

    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        self.asked.append(url)
        await asyncio.sleep(0)
        answer = self.answers.get(url.split("/")[2], Answer(a_page(body=TEXT).encode()))
        given = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, url, given, answer.body)


def a_source(*urls: str, http=None) -> PageSource:
    return PageSource("old site", urls, PAGES, ZoneInfo("Asia/Karachi"), http)


def fetch(*urls: str, state=None) -> Fetched:
    async def once() -> Fetched:
        async with Fetcher(["127.0.0.1"]) as http:
            return await fetched_from(a_source(*urls, http=http), state or {})

    return asyncio.run(once())


def fetch_page(content: str | bytes, address: str = ADDRESS, kind: str = "text/html") -> Fetched:
    data = content.encode() if isinstance(content, str) else content
    return a_source(address).read([Response(200, address, {"content-type": kind}, data)], {}, NOW)


def read(content: str | bytes, address: str = ADDRESS, kind: str = "text/html") -> RawArticle:
    fetched = fetch_page(content, address, kind)
    assert fetched.problems == ()
    return fetched.articles[0]


def read_file(name: str, address: str = ADDRESS) -> RawArticle:
    return read((PAGES / name).read_bytes(), address)


def a_page(head: str = "", body: str = "", title: str = "The port") -> str:
    return (
        f"<html><head><title>{title}</title>{head}</head><body><article><h1>The port</h1>{body}</article></body></html>"
    )


def with_text(text: str) -> str:
    return a_page(body=f'<div class="entry-content">{text}</div>')


def json_ld(**values: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", **values})}</script>'


def crumbs(*names: str, base: str = "/") -> str:
    links = "".join(f'<a class="tdb-entry-crumb" href="{base}{name.lower()}">{name}</a>' for name in names)
    return f'<a class="tdb-entry-crumb" href="/">Home</a>{links}'


class TestEveryShapeTellsTheSameStory:
    @pytest.mark.parametrize("name", PORTS)
    def test_its_facts_arrive(self, name):
        article = read_file(name)

        assert article.title == "Analysis: The port reopens"
        assert article.source_id == article.url == ADDRESS
        assert [author.name for author in article.authors] == ["Ada Writer"]
        assert article.authors[0].url == "https://wire.example/author/ada/"
        assert article.published == MORNING
        assert article.sections == ("World",)
        assert (article.language, article.slug, article.format) == ("en-GB", "port", "page")

    @pytest.mark.parametrize("name", PORTS)
    def test_its_text_arrives_in_order_and_nothing_else(self, name):
        body = sanitise(read_file(name).body, ADDRESS)

        assert body.split("\n") == [
            '<p>The cranes move again, <a href="https://wire.example/cranes">all nine</a>.</p>',
            "<h3>A year of silence</h3>",
            "<p>The harbour master is content.</p>",
            "<p>So are the pilots.</p>",
            "<blockquote><p>It was <em>loud</em> today.</p></blockquote>",
            "<ul><li>nine cranes</li><li>four tugs</li></ul>",
        ]

    def test_the_author_box_and_the_graph_say_who_the_author_is(self):
        ada = Author(
            "Ada Writer",
            "Ada writes about ports.",
            "https://wire.example/ada.jpg",
            "https://wire.example/author/ada/",
        )

        assert read_file("port-tagdiv.html").authors == read_file("port-graph.html").authors == (ada,)

    def test_the_lead_image_is_described_by_whoever_describes_it(self):
        files = "https://wire.example/files"

        assert read_file("port-tagdiv.html").image == Image(
            f"{files}/cranes-scaled.jpg", "Nine cranes", "The cranes at dawn", "© Bob"
        )
        assert read_file("port-graph.html").image == Image(
            f"{files}/cranes-1024x683.jpg", "", "The cranes at dawn", "© Bob"
        )

    def test_related_stories_come_with_their_teasers(self):
        assert read_file("port-tagdiv.html").related == (
            Related("Ships: a new timetable", "https://wire.example/ships", "The ships leave earlier..."),
            Related("The tides of March", "https://wire.example/tides"),
        )

    def test_a_comment_form_is_where_readers_answer(self):
        assert read_file("port-tagdiv.html").comments == f"{ADDRESS}#respond"
        assert read_file("port-graph.html").comments == ""

    def test_every_field_names_its_place(self):
        graph, tagdiv, blog = (
            read_file(name).origins for name in ("port-graph.html", "port-tagdiv.html", "port-blog.html")
        )

        assert {graph[field] for field in ("title", "authors", "published", "modified", "sections", "language")} == {
            "json-ld"
        }
        assert (graph["image"], graph["url"], graph["body"], graph["related"]) == ("opengraph", "html", "html", "html")
        assert {tagdiv[field] for field in ("title", "authors", "sections", "body", "related")} == {"theme"}
        assert (tagdiv["published"], tagdiv["comments"]) == ("opengraph", "html")
        assert (blog["published"], blog["modified"], blog["title"]) == ("time element", "time element", "html")

    def test_a_page_without_any_metadata_gives_its_title_and_text(self):
        article = read_file("fish.html")

        assert (article.title, article.published, article.authors, article.sections) == ("Fish & fuel", None, (), ())
        assert article.origins["body"] == "trafilatura"
        assert re.findall(r"<(\w+)>", article.body) == ["p", "h2", "p", "h2", "p"]
        assert from_html(article.body).startswith("Prices rise. Two months after")
        assert from_html(article.body).endswith("the day that his turn comes.")
        for foreign in ("Friday", "About", "comment", "reply", "Related", "rights"):
            assert foreign not in article.body


class TestTitle:
    @pytest.mark.parametrize(
        "written",
        [
            "The port - The Wire",
            "The port | The Wire",
            "The port – The Wire",
            "The Wire: The port",
            "The Wire » The port",
            "The port",
        ],
    )
    def test_it_does_not_carry_the_name_of_the_site(self, written):
        head = f'<meta property="og:site_name" content="The Wire"><meta property="og:title" content="{written}">'

        assert read(a_page(head, TEXT)).title == "The port"

    def test_what_is_no_name_of_the_site_stays(self):
        head = '<meta property="og:title" content="Ports - what they cost">'

        assert read(f"<html><head>{head}</head><body>{TEXT}</body></html>").title == "Ports - what they cost"

    def test_the_site_is_also_known_by_what_the_page_shows_as_its_heading(self):
        assert read(a_page('<meta property="og:title" content="The port – Some Site">', TEXT)).title == "The port"

    @pytest.mark.parametrize("written", ["Trier &amp;amp; Region", "Trier &amp; Region", "Trier & Region"])
    def test_entities_are_decoded_also_twice(self, written):
        assert read(a_page(f'<meta property="og:title" content="{written}">', TEXT)).title == "Trier & Region"

    def test_a_kind_stays_in_it(self):
        assert read_file("port-graph.html").title.startswith("Analysis: ")


class TestAuthors:
    @pytest.mark.parametrize("written", ["By Ada Writer", "Por Ada Writer", "Ada Writer -", "by: Ada Writer"])
    def test_a_byline_is_a_name(self, written):
        assert read(a_page(f'<meta name="author" content="{written}">', TEXT)).authors == (Author("Ada Writer"),)

    @pytest.mark.parametrize(
        "written",
        ["The Wire", "Por Wire.example", "wire.example", "https://social.example/ada", "admin", "a@b.example"],
    )
    def test_the_site_a_login_and_an_address_are_no_authors(self, written):
        head = f'<meta property="og:site_name" content="The Wire"><meta name="author" content="{written}">'

        assert read(a_page(head, TEXT)).authors == ()

    def test_an_organisation_named_like_the_host_is_the_site(self):
        author = {"@type": "Organization", "name": "Tagblatt Online"}

        article = read(a_page(json_ld(headline="The port", author=author), TEXT), "https://tagblatt.example/port")

        assert article.authors == ()

    def test_an_agency_is_an_author(self):
        author = {"@type": "Organization", "name": "Press Agency"}

        assert read(a_page(json_ld(headline="The port", author=author), TEXT)).authors == (Author("Press Agency"),)

    @pytest.mark.parametrize(
        "author",
        [
            "Ada Writer",
            ["Ada Writer"],
            {"name": "Ada Writer"},
            [{"@type": "Person", "name": ["Ada Writer"]}],
            ["Ada Writer"] * 2,
        ],
    )
    def test_json_ld_may_name_one_in_any_shape(self, author):
        assert read(a_page(json_ld(headline="The port", author=author), TEXT)).authors == (Author("Ada Writer"),)

    def test_several_keep_their_order(self):
        article = read(a_page(json_ld(headline="The port", author=["Bob Painter", "Ada Writer"]), TEXT))

        assert [author.name for author in article.authors] == ["Bob Painter", "Ada Writer"]

    def test_one_of_another_story_is_none(self):
        other = '<div class="related"><a rel="author" href="/eve">Eve Else</a></div>'

        assert read(a_page(body=TEXT + other)).authors == ()


class TestDates:
    def test_one_without_an_offset_is_of_the_zone(self):
        assert (
            read(a_page(json_ld(headline="The port", datePublished="2026-11-19T09:30:00"), TEXT)).published == MORNING
        )

    @pytest.mark.parametrize(
        "shown",
        [
            '<div class="date">Thursday, November 19, 2026</div>',
            "<p>On 19 November 2026 the port reopened.</p>",
            '<p>It was closed <time datetime="2025-11-19">a year ago</time>.</p>',
            '<div class="related"><time datetime="2026-11-01">November 1</time></div>',
            '<div class="td_module_flex"><time class="entry-date" datetime="2026-11-01">November 1</time></div>',
            '<div id="comments"><time datetime="2026-11-19">today</time></div>',
            '<aside><time datetime="2026-11-19">today</time></aside>',
        ],
    )
    def test_one_that_is_not_the_storys_own_is_none(self, shown):
        page = f'<html><body><h1>The port</h1><div class="entry-content">{TEXT}{shown}</div></body></html>'

        assert read(page).published is None

    def test_a_mastheads_is_none(self):
        masthead = '<div class="today"><time datetime="2026-11-20">Friday</time></div>'
        text = f'<div class="entry-content">{TEXT}</div>'

        assert read(f"<html><body>{masthead}<h1>The port</h1>{text}</body></html>").published is None
        assert read(f"<html><body><article>{masthead}<h1>The port</h1>{text}</article></body></html>").published is None

    def test_one_between_heading_and_text_is_the_storys(self):
        time_element = '<div class="date"><time datetime="2026-11-19T04:30Z">Thursday</time></div>'
        text = f'<div class="entry-content">{TEXT}</div>'

        assert read(f"<html><body><h1>The port</h1>{time_element}{text}</body></html>").published == MORNING

    def test_two_that_differ_are_none(self):
        times = "".join(f'<time datetime="2026-11-0{day}">day {day}</time>' for day in (1, 2))

        assert read(a_page(body=f'{times}<div class="entry-content">{TEXT}</div>')).published is None

    def test_one_that_is_no_date_is_reported_and_the_next_place_is_asked(self):
        head = json_ld(headline="The port", datePublished="yesterday")
        opengraph = '<meta property="article:published_time" content="2026-11-19T04:30:00Z">'

        fetched = fetch_page(a_page(head + opengraph, TEXT))

        assert fetched.articles[0].published == MORNING
        assert fetched.articles[0].origins["published"] == "opengraph"
        assert 'published (json-ld): "yesterday" is not a date' in fetched.problems[0].message

    def test_one_that_is_still_to_come_is_passed_over(self):
        fetched = fetch_page(a_page(json_ld(headline="The port", datePublished="2041-01-01T12:00"), TEXT))

        assert fetched.articles[0].published is None
        assert "2041-01-01 is in the future" in fetched.problems[0].message

    def test_an_update_is_no_publication(self):
        article = read(a_page('<meta property="article:modified_time" content="2026-11-19T04:30:00Z">', TEXT))

        assert (article.published, article.modified) == (None, MORNING)


class TestSections:
    def test_a_trail_is_one_entry_without_front_page_and_story(self):
        article = read(a_page(body=crumbs("World", "Asia", "The port") + TEXT))

        assert article.sections == ("World/Asia",)

    def test_the_story_is_known_by_its_address_too(self):
        own = f'<a class="tdb-entry-crumb" href="{ADDRESS}">A port opens</a>'

        assert read(a_page(body=crumbs("World") + own + TEXT)).sections == ("World",)

    def test_a_trail_of_front_page_and_story_gives_way_to_what_is_named(self):
        head = json_ld(headline="The port", articleSection=["Asia", "Asia", "News &amp; views"])

        assert read(a_page(head, crumbs("The port") + TEXT)).sections == ("Asia", "News & views")

    def test_a_front_page_is_known_by_its_address_in_any_language(self):
        trail = '<div class="breadcrumbs"><a href="https://wire.example">Etusivu 1</a><a href="/world">World</a></div>'

        assert read(a_page(body=trail + TEXT)).sections == ("World",)

    def test_what_is_not_filed_names_none(self):
        assert read(a_page(body=crumbs("Uncategorized") + TEXT)).sections == ()


class TestAddress:
    def canonical(self, href: str, address: str = ADDRESS) -> RawArticle:
        return read(a_page(f'<link rel="canonical" href="{href}">', TEXT), address)

    @pytest.mark.parametrize("href", ["/2026/port", "//wire.example/2026/port", "https://wire.example/2026/port#top"])
    def test_a_canonical_one_is_absolute_and_without_a_fragment(self, href):
        assert self.canonical(href).url == "https://wire.example/2026/port"

    def test_a_canonical_one_elsewhere_is_believed(self):
        assert self.canonical("https://agency.example/port").url == "https://agency.example/port"

    @pytest.mark.parametrize("href", ["https://wire.example/", "https://other.example", "javascript:x", "http://[", ""])
    def test_one_that_cannot_be_the_storys_is_not(self, href):
        assert self.canonical(href).url == ADDRESS

    @pytest.mark.parametrize(
        ("given", "believed"),
        [
            ("https://www.wire.example/port", True),
            ("https://news.wire.example/port", True),
            ("https://staging.other.example/port", False),
        ],
    )
    def test_open_graphs_is_believed_on_the_same_site(self, given, believed):
        article = read(a_page(f'<meta property="og:url" content="{given}">', TEXT))

        assert article.url == (given if believed else ADDRESS)

    def test_without_a_canonical_one_the_identity_is_the_address_that_was_asked(self):
        answer = Response(200, "https://wire.example/new", {}, a_page(body=TEXT).encode())

        (article,) = a_source("https://wire.example/old").read([answer], {}, NOW).articles

        assert (article.source_id, article.url) == ("https://wire.example/old", "https://wire.example/new")

    @pytest.mark.parametrize(
        ("address", "slug"),
        [
            ("https://wire.example/2026/11/port/", "port"),
            ("https://wire.example/port.html", "port"),
            ("https://wire.example/news/port/4711", "port"),
            ("https://wire.example/%D8%AE%D8%A8%D8%B1", "خبر"),
        ],
    )
    def test_its_last_word_is_the_slug(self, address, slug):
        assert read(a_page(body=TEXT), address).slug == slug


class TestJsonLd:
    def test_another_storys_description_is_not_this_ones(self):
        other = json_ld(headline="Ships", url="https://wire.example/ships", author="Eve Else")
        third = json_ld(headline="Tides", url="https://wire.example/tides", author="Bob Painter")

        assert read(a_page(other + third, TEXT)).authors == ()

    def test_a_description_of_the_page_counts_where_there_is_none_of_the_story(self):
        page = json_ld(
            **{"@type": "WebPage", "@id": ADDRESS, "name": "The port | Wire", "datePublished": "2026-11-19T04:30:00Z"}
        )

        article = read(a_page(page, TEXT))

        assert (article.title, article.published) == ("The port", MORNING)

    @pytest.mark.parametrize(
        "broken", ["{", "[[[", "null", '"text"', "[" * 100_000, '{"@type": ["Article", 5], "author": {}}']
    )
    def test_a_broken_one_spoils_nothing(self, broken):
        page = a_page(
            f'<script type="application/ld+json">{broken}</script>{json_ld(headline="The port", author="Ada Writer")}',
            TEXT,
        )

        assert read(page).authors == (Author("Ada Writer"),)

    def test_things_that_refer_to_themselves_end(self):
        head = json_ld(**{"@id": "#a", "headline": "The port", "author": {"@id": "#a"}, "image": {"@id": "#a"}})

        assert read(a_page(head, TEXT)).title == "The port"


class TestTeaser:
    def test_a_description_is_one(self):
        assert read(a_page('<meta name="description" content="What it costs.">', TEXT)).teaser == "What it costs."

    @pytest.mark.parametrize("description", ["The cranes move again, all nine […]", "The port", "The port: in short"])
    def test_one_that_repeats_the_opening_or_the_title_is_none(self, description):
        page = a_page(f'<meta name="description" content="{description}">', f'<div class="entry-content">{TEXT}</div>')

        assert read(page).teaser == ""

    def test_a_shown_standfirst_is_not_in_the_text(self):
        article = read(a_page(body=f'<p class="standfirst">In short.</p><div class="entry-content">{TEXT}</div>'))

        assert (article.standfirst, article.body) == ("In short.", TEXT)


class TestText:
    def body(self, text: str) -> str:
        return re.sub(r"\s*\n\s*", "", read(with_text(text)).body)

    @pytest.mark.parametrize(
        ("written", "blocks"),
        [
            (
                "Loose <b>words</b>.<p>A paragraph.</p>More.",
                "<p>Loose <b>words</b>.</p><p>A paragraph.</p><p>More.</p>",
            ),
            ("<div><div>One.</div><div>Two.</div></div>", "<p>One.</p><p>Two.</p>"),
            ("<section><p>One.</p>Two.</section>", "<p>One.</p><p>Two.</p>"),
            ("<p>One.<br><br/>Two.<br>Three.</p>", "<p>One.</p><p>Two.<br>Three.</p>"),
            ("<p></p><p>&nbsp;</p><p>One.</p><h3></h3><div></div>", "<p>One.</p>"),
            ("<ul><li><div>one</div><div>two</div></li></ul>", "<ul><li> one  two </li></ul>"),
            ("<blockquote>One.<p>Two.</p></blockquote>", "<blockquote><p>One.</p><p>Two.</p></blockquote>"),
            (
                "<figure><div><img data-src='a.jpg' src='data:x'></div><figcaption>A</figcaption></figure>",
                '<figure> <img src="a.jpg"> <figcaption>A</figcaption></figure>',
            ),
            ("<p style='x' class='y' lang='fr' onclick='z'>Un.</p>", '<p lang="fr">Un.</p>'),
            (
                "<table><tr><td class='x' colspan=2>a</td></tr></table>",
                '<table><tr><td colspan="2">a</td></tr></table>',
            ),
            ("<p>One.</p><div><iframe data-src='https://v.example'></iframe></div>", f"<p>One.</p>{FRAME}"),
        ],
    )
    def test_it_is_made_of_blocks(self, written, blocks):
        assert self.body(written) == blocks

    def test_preformatted_text_keeps_its_lines(self):
        assert read(with_text("<pre>a\n\n  b</pre>")).body == "<pre>a\n\n  b</pre>"

    @pytest.mark.parametrize(
        "noise",
        [
            "<script>x</script>",
            "<style>x</style>",
            "<noscript>x</noscript>",
            "<form>x</form>",
            "<nav>x</nav>",
            '<div class="sharedaddy">x</div>',
            '<div class="share-buttons">x</div>',
            '<div class="author-box">x</div>',
            '<div class="related-posts">x</div>',
            '<div class="wp-block-latest-posts">x</div>',
            '<div id="comments">x</div>',
            '<div class="newsletter-signup">x</div>',
            '<ins class="adsbygoogle">x</ins>',
            '<div class="code-block code-block-4">x</div>',
            '<span class="screen-reader-text">x</span>',
            '<div style="display: none">x</div>',
            "<div hidden>x</div>",
            "<p>– Advertisement –</p>",
            "<p>ANZEIGE</p>",
            '<h3>Related stories</h3><ul><li><a href="/a">x</a></li><li><a href="/b">x</a></li></ul>',
            '<h3>More on the port:</h3><p><a href="/a">x</a></p><p><a href="/b">x</a></p>',
            '<p><strong>Read also</strong></p><ul><li><a href="/a">x</a></li></ul>',
            '<strong>Lea también:</strong><a href="/a">x</a>',
            '<div class="box"><strong>More on this</strong><a href="/a">x</a><a href="/b">x</a></div>',
            '<div class="relatedArticles">x</div>',
            '<div class="read-also">x</div>',
            '<div class="fb-comments">x</div>',
            '<p><strong>Also read: <a href="/a">x</a></p>',
            '<p>Read also: <a href="/a">x</a></p>',
            '<section aria-label="Related">x</section>',
            "<aside><p>x</p></aside>",
            '<p style="visibility: hidden">x</p>',
            '<p aria-hidden="true">x</p>',
            '<div><h3>Read also</h3><a href="/a">x</a><a href="https://wire.example/b">x</a></div>',
        ],
    )
    def test_noise_is_removed(self, noise):
        assert self.body(f"<p>One.</p>{noise}<p>Two.</p>") == "<p>One.</p><p>Two.</p>"

    @pytest.mark.parametrize(
        "kept",
        [
            '<p>See <a href="/a">one</a> and <a href="/b">two</a>.</p>',
            '<ul><li><a href="https://a.example/">one</a></li><li><a href="https://b.example/">two</a></li></ul>',
            "<pre><code>x = 1</code></pre>",
            '<p>Two ways:</p><ul><li><a href="/a">one</a></li><li><a href="/b">two</a></li></ul><p>End.</p>',
            '<h3>The reports</h3><ul><li><a href="/a">one</a></li><li><a href="/b">two</a></li></ul>',
            "<h3>Related stories</h3><p>They are told on the quay.</p>",
            '<h3>Related</h3><ul><li><a href="/a">one</a> is told on the quay</li></ul>',
            '<p>The related <a href="/a">story</a> is here.</p>',
        ],
    )
    def test_what_only_looks_like_noise_stays(self, kept):
        assert self.body(f"<p>One.</p>{kept}") == f"<p>One.</p>{kept}"

    def test_an_aside_that_quotes_or_shows_stays(self):
        assert (
            self.body("<aside><blockquote><p>Loud.</p></blockquote></aside>") == "<blockquote><p>Loud.</p></blockquote>"
        )

    def test_links_to_elsewhere_are_sources_and_stay(self):
        sources = '<div><h3>Sources</h3><a href="https://a.example/">one</a> <a href="https://b.example/">two</a></div>'

        assert from_html(self.body(f"<p>One.</p>{sources}")) == "One. Sources one two"

    def test_the_title_is_not_said_again(self):
        assert self.body("<h2>The port</h2><p>One.</p>") == "<p>One.</p>"

    def test_a_list_of_stories_is_no_text_of_one(self):
        posts = "".join(f'<div class="entry-content"><p>Story {number}.</p></div>' for number in range(3))

        assert read(a_page(body=posts)).origins.get("body") != "html"

    @pytest.mark.parametrize("junk", ["<div>" * 20_000, "<b>" * 20_000, "<p>a", "<div>a <b>b</b></div>" * 3000])
    def test_junk_takes_little_time(self, junk):
        before = time.monotonic()

        fetch_page(with_text(junk))

        assert time.monotonic() - before < 5


class TestHostilePages:
    """Half a megabyte of each: what grows with the square of it takes minutes."""

    def seconds(self, page: str) -> float:
        before = time.monotonic()
        fetch_page(page)
        return time.monotonic() - before

    def test_texts_within_texts_take_little_time(self):
        assert self.seconds(a_page(body='<div class="entry-content">x</div>' * 14_000)) < 10

    def test_references_to_one_large_description_take_little_time(self):
        large = {"@id": "#large", **{f"key{number}": number for number in range(10_000)}}
        head = json_ld(headline="The port", author=[{"@id": "#large"}] * 20_000, publisher=[large])

        assert self.seconds(a_page(head, TEXT)) < 10

    def test_stories_that_refer_to_one_large_description_take_little_time(self):
        large = {"@id": "#large", "url": "https://wire.example/" + "x" * 100_000, "headline": "y" * 100_000}
        nodes = [{"@type": "Article", "isAccessibleForFree": 0, "mainEntityOfPage": {"@id": "#large"}}] * 4_000
        head = json_ld(**{"@graph": [large, *nodes], "headline": "The port", "isAccessibleForFree": True})

        assert self.seconds(a_page(head, TEXT)) < 10

    @pytest.mark.parametrize(
        "junk", ["<a href=x>" * 50_000, "<a href=x>" * 19_000, "<div>" * 240 + "<p>a</p>" * 19_000]
    )
    def test_a_page_without_a_named_text_takes_little_time(self, junk):
        assert self.seconds(a_page(body=junk)) < 10

    def test_a_page_of_too_many_elements_says_so(self):
        fetched = fetch_page(a_page(body="<p>a</p>" * 20_001))

        assert fetched.articles == ()
        assert fetched.problems == (
            Problem(
                ADDRESS,
                "the page has more than 20,000 elements, too many to find its text in.",
                "It is left out.",
            ),
        )

    @pytest.mark.parametrize("junk", ["<p><a href=x>a</a></p>", "<p>word <a href=x>a</a></p>", "<h3>Related</h3>"])
    def test_links_and_labels_deep_in_the_text_take_little_time(self, junk):
        assert self.seconds(with_text("<div>" * 240 + junk * 10_000)) < 10

    def test_a_long_text_that_the_theme_names_is_read_all_the_same(self):
        assert read(with_text("<p>a</p>" * 20_001)).body.count("<p>") == 20_001

    def test_a_page_above_three_million_bytes_is_refused(self, tmp_path):
        large = a_page(body="x" * 3_000_000)
        (tmp_path / "large.html").write_text(large)

        with pytest.raises(SourceError, match="is larger than 3,000,000 bytes"):
            fetch_page(large)
        with pytest.raises(SourceError, match="is larger than 3,000,000 bytes"):
            fetch(str(tmp_path / "large.html"))

    def test_metadata_of_one_name_takes_little_time(self):
        head = "".join(f'<meta name="a" content="{number}">' for number in range(18_000))

        assert self.seconds(a_page(head, TEXT)) < 10


class TestAccess:
    def test_a_gated_story_is_for_members_and_its_text_stays_there(self):
        article = read_file("gated.html")

        assert (article.access, article.body) == (Access.MEMBERS, "")
        assert article.teaser == "What the closed port cost the city."
        assert article.origins["access"] == "json-ld"

    @pytest.mark.parametrize("free", [True, "True", "true", None])
    def test_a_free_story_is_public(self, free):
        article = read(a_page(json_ld(headline="The port", isAccessibleForFree=free), TEXT))

        assert article.access is Access.PUBLIC

    @pytest.mark.parametrize(
        "said",
        [
            False, "FALSE", "false ", "No", 0, "0", [False], ["False"], "schema:False", "https://schema.org/False",
            {"@id": "http://schema.org/False"}, {"@value": False}, [{"@value": "no"}],
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "kind", ["NewsArticle", "BlogPosting", "WebPage", "CreativeWork", "WebPageElement", "schema:NewsArticle"]
    )
    def test_whatever_is_said_not_to_be_free_is_a_gate_in_every_spelling(self, said, kind):
        article = read(a_page(json_ld(**{"@type": kind, "isAccessibleForFree": said}), TEXT))

        assert (article.access, article.body) == (Access.MEMBERS, "")

    @pytest.mark.parametrize(
        "part", [{"@type": "WebPageElement", "isAccessibleForFree": False}, {"isAccessibleForFree": "no"}]
    )
    @pytest.mark.parametrize("whole", [{}, {"isAccessibleForFree": True}])
    def test_a_story_with_a_part_that_is_not_free_is_gated(self, part, whole):
        head = json_ld(headline="The port", url=ADDRESS, hasPart=[part], **whole)

        assert read(a_page(head, TEXT)).access is Access.MEMBERS

    @pytest.mark.parametrize(
        "teaser",
        [
            {"url": "https://wire.example/ships", "isAccessibleForFree": False},
            {"headline": "Ships", "isAccessibleForFree": False},
            {"headline": "Ships", "hasPart": {"@type": "WebPageElement", "isAccessibleForFree": False}},
        ],
    )
    def test_a_gated_teaser_does_not_gate_a_page_that_calls_itself_free(self, teaser):
        own = json_ld(headline="The port", url=ADDRESS, isAccessibleForFree=True)

        assert read(a_page(own + json_ld(**teaser), TEXT)).access is Access.PUBLIC

    def test_a_gate_of_nobody_in_particular_counts_where_the_page_does_not_call_itself_free(self):
        other = json_ld(headline="Ships", url="https://wire.example/ships", isAccessibleForFree=False)
        free = json_ld(headline="Tides", url="https://wire.example/tides", isAccessibleForFree=True)

        assert read(a_page(other + free, TEXT)).access is Access.MEMBERS

    @pytest.mark.parametrize("tier", ["locked", "Locked", "metered", " LOCKED "])
    @pytest.mark.parametrize("name", ["article:content_tier", "og:content_tier"])
    def test_a_content_tier_that_is_not_free_is_a_gate(self, tier, name):
        assert read(a_page(f'<meta property="{name}" content="{tier}">', TEXT)).access is Access.MEMBERS

    def test_a_free_content_tier_is_none(self):
        assert read(a_page('<meta property="article:content_tier" content="Free">', TEXT)).access is Access.PUBLIC


class TestEncoding:
    WORDS = "Le café – “fermé”"

    def test_a_page_with_the_wrong_label_comes_out_right(self):
        assert read_file("mislabelled.html").title == "Le café du port – “fermé”"

    @pytest.mark.parametrize(
        ("label", "encoding"),
        [
            ("", "utf-8"),
            ("", "windows-1252"),
            ("iso-8859-1", "utf-8"),
            ("iso-8859-1", "windows-1252"),
            ("utf-8", "windows-1252"),
            ("windows-1252", "windows-1252"),
            ("no-such-charset", "utf-8"),
            ("utf-16", "utf-16"),
            ("utf-8", "utf-16"),
            ("windows-1252", "utf-8-sig"),
        ],
    )
    def test_every_letter_arrives(self, label, encoding):
        data = a_page(title=self.WORDS, body=self.WORDS).encode(encoding)

        assert self.WORDS in decode(data, f"text/html; charset={label}" if label else "text/html")

    @pytest.mark.parametrize(
        ("words", "encoding", "label"),
        [
            ("Новости порта", "windows-1251", "windows-1251"),
            ("港口重新开放", "gb18030", "gb2312"),
            ("港が再開", "shift_jis", "Shift_JIS"),
            ("港が再開", "iso2022_jp", "ISO-2022-JP"),
            ("항구", "cp949", "euc-kr"),
        ],
    )
    @pytest.mark.parametrize("place", ["header", "meta"])
    def test_other_scripts_are_read_as_labelled(self, words, encoding, label, place):
        head = f'<meta charset="{label}">' if place == "meta" else ""
        data = a_page(head, f"<p>{words}</p>").encode(encoding)

        assert words in decode(data, f"text/html; charset={label}" if place == "header" else "")

    def test_a_page_pasted_together_from_two_encodings_is_read_letter_by_letter(self):
        assert decode("é".encode() + "é".encode("latin-1")) == "éé"


class TestFetching:
    @pytest.fixture
    def website(self):
        with a_website() as site:
            yield site

    def test_validators_are_echoed_page_by_page(self, website):
        for name in ("a", "b"):
            website.answers[f"/{name}"] = Answer(a_page(title=name, body=TEXT).encode(), headers={"ETag": f'"{name}"'})
        urls = [f"{website.url}/a", f"{website.url}/b"]
        first = fetch(*urls)

        second = fetch(*urls, state=first.state)

        assert [article.source_id for article in first.articles] == urls
        assert sorted(asked["If-None-Match"] for asked in website.asked[2:]) == ['"a"', '"b"']
        assert (second.articles, second.unchanged, second.state) == ((), True, first.state)

    def test_only_the_page_that_changed_is_read_again(self, website):
        urls = [f"{website.url}/a", f"{website.url}/b"]
        for name in ("a", "b"):
            website.answers[f"/{name}"] = Answer(a_page(body=TEXT).encode())
        first = fetch(*urls)
        website.answers["/b"] = Answer(a_page(body=TEXT + "<p>More.</p>").encode())

        second = fetch(*urls, state=first.state)

        assert [article.source_id for article in second.articles] == urls[1:]

    def test_a_page_that_fails_is_a_problem_and_stops_no_other(self, website):
        website.answers["/a"] = Answer(a_page(body=TEXT).encode())

        fetched = fetch(f"{website.url}/a", f"{website.url}/gone")

        assert len(fetched.articles) == 1
        assert f"{website.url}/gone answered 404" in str(fetched.problems[0])

    def test_a_page_that_fails_keeps_its_validators(self, website):
        website.answers["/a"] = Answer(a_page(body=TEXT).encode(), headers={"ETag": '"a"'})
        website.answers["/b"] = Answer(a_page(body=TEXT).encode())
        first = fetch(f"{website.url}/a", f"{website.url}/b")
        website.answers["/a"] = Answer(status=503)

        second = fetch(f"{website.url}/a", f"{website.url}/b", state=first.state)

        assert second.state == first.state

    def test_all_pages_failing_is_a_source_error(self, website):
        website.answers["/b"] = Answer(status=503, headers={"Retry-After": "600"})

        with pytest.raises(SourceError, match=r"/a answered 404.*/b answered 503") as caught:
            fetch(f"{website.url}/a", f"{website.url}/b")

        assert caught.value.not_before is not None

    def test_a_host_that_wants_to_be_left_alone_is_until_then_and_no_other(self):
        quiet, other = [f"https://quiet.example/{number}" for number in range(20)], "https://other.example/a"
        http = FakeHttp({"quiet.example": Answer(status=429, headers={"Retry-After": "600"})})
        source = a_source(*quiet, other, http=http)

        first = asyncio.run(fetched_from(source, {}))
        asked_first, http.asked = http.asked, []
        again = asyncio.run(fetched_from(source, first.state, NOW + timedelta(seconds=599)))
        asked_again, http.asked, http.answers = http.asked, [], {}
        third = asyncio.run(fetched_from(source, again.state, NOW + timedelta(seconds=601)))

        assert len(asked_first) <= 5  # four are under way at once
        assert asked_again == [other]
        assert sorted(http.asked) == sorted([*quiet, other])
        assert [len(each.articles) for each in (first, again, third)] == [1, 0, 20]
        assert [problem.message for problem in again.problems] == [
            "quiet.example wants to be left alone until 2026-11-20 08:10 UTC."
        ]
        assert "resting" not in third.state

    @pytest.mark.parametrize("address", ["https://wire.example/a?token=SECRET", "https://ada:SECRET@wire.example/a"])
    def test_what_an_address_keeps_secret_is_in_no_message_state_or_identity(self, address):
        page, empty, pdf = a_page(body=TEXT).encode(), b"", {"content-type": "application/pdf"}
        source = a_source(address, f"{address}2", f"{address}3", f"{address}4", address)
        answers = [Response(200, url, {}, page) for url in source.urls]
        answers[1] = Response(200, source.urls[1], {}, empty)
        answers[2] = Response(200, source.urls[2], pdf, b"%PDF")
        answers[3] = Response(200, source.urls[3], {}, b"x" * 3_000_001)

        fetched = source.read(answers, {}, NOW)

        (article,) = fetched.articles
        assert len(fetched.problems) == 4
        assert "wire.example/a" in fetched.problems[0].where
        assert "SECRET" not in f"{fetched.problems} {fetched.state} {source!r} {article.source_id} {article.where}"
        assert re.fullmatch(r"[0-9a-f]{32}", article.source_id)
        assert source.read([Response(304, url, {}, b"") for url in source.urls], fetched.state, NOW).unchanged

    def test_what_is_no_html_is_a_problem(self, website):
        website.answers["/a"] = Answer(b"%PDF", headers={"Content-Type": "application/pdf"})
        website.answers["/b"] = Answer(a_page(body=TEXT).encode())

        fetched = fetch(f"{website.url}/a", f"{website.url}/b")

        assert "no HTML page but application/pdf" in str(fetched.problems[0])

    @pytest.mark.parametrize("content", ["", " \n", "<html></html>", (PAGES / "nothing.html").read_text()])
    def test_a_page_that_is_no_article_is_a_problem_at_every_fetch(self, content):
        fetched = fetch_page(content)

        assert (fetched.articles, fetched.state) == ((), {"pages": {}})
        assert fetched.problems[0].where == ADDRESS

    def test_two_pages_of_one_story_are_one_article(self):
        page = a_page('<link rel="canonical" href="https://wire.example/port">', TEXT).encode()
        source = a_source("https://wire.example/a", "https://wire.example/b")

        fetched = source.read([Response(200, url, {}, page) for url in source.urls], {}, NOW)

        assert len(fetched.articles) == 1
        assert fetched.problems == (
            Problem("https://wire.example/b", "is the same story as https://wire.example/a.", "Drop one."),
        )

    def test_a_file_is_read_again_when_it_changed(self, tmp_path):
        path = tmp_path / "port.html"
        path.write_text(a_page(body=TEXT))
        first = fetch(str(path))
        second = fetch(str(path), state=first.state)
        path.write_text(a_page(body=TEXT + "<p>More.</p>"))
        os.utime(path, (1, 1))

        third = fetch(str(path), state=second.state)

        assert (len(first.articles), second.unchanged, len(third.articles)) == (1, True, 1)
        assert first.articles[0].source_id == str(path)
        assert first.articles[0].url is None

    def test_a_relative_path_starts_at_the_root(self):
        assert fetch("fish.html").articles[0].where == "fish.html"

    def test_a_file_that_is_not_there_is_named(self):
        with pytest.raises(SourceError, match=r"nowhere\.html cannot be read"):
            fetch("nowhere.html")

    def test_pages_that_are_no_longer_listed_are_forgotten(self):
        first = fetch("fish.html", "gated.html")

        assert list(fetch("fish.html", state=first.state).state["pages"]) == ["fish.html"]

    def test_without_the_extra_it_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "trafilatura", None)

        with pytest.raises(SourceError, match=r'needs trafilatura: pip install "publisher\[pages\]"'):
            fetch("fish.html")
