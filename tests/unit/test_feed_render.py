"""Feeds and pages as their readers parse them: three formats, one content."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.parsers import expat

import feedparser
import pytest
from lxml import etree, html

from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.render import edition as layout
from publisher.render import feed, page
from publisher.render.edition import Shelf, Story
from tests.builders import NOW, a_newsletter, a_publication, an_article, templates

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
FOUNDED = datetime(2026, 1, 1, tzinfo=UTC)
FORMATS = ["rss", "atom", "json"]
XML = ["rss", "atom"]
ROOT = Path(__file__).parents[2]


def stories() -> list[Article]:
    return [
        filed(1, kind="Analysis", authors=(Author("Ada Writer"), Author("عائشہ لکھاری"))),
        filed(2, headline="خلیج کی نئی سفارت کاری", language="ur", sections=("world/asia",), tags=("gulf",)),
        filed(3, published=None, authors=(), teaser="", image=None, sections=()),
        filed(4, headline="A literal &lt;b&gt; &amp; <em>mark</em> ]]>", url="https://elsewhere.example/4?a=1&b=2"),
    ]


def filed(number: int, **changes: Any) -> Article:
    given = {"tag": f"tag:journal.example,2026-01-01:articles/{number}", "updated": NOW - timedelta(minutes=number)}
    return an_article(number, **given | changes)


def a_view(articles: Sequence[Article] | None = None) -> feed.FeedView:
    publication = a_publication()
    found = stories() if articles is None else articles
    entries = [
        feed.entry(
            one,
            layout.article_url(one, publication.url),
            page.entry_body(one, publication, templates(publication)),
            publication,
            one.content_hash,
            FOUNDED,
        )
        for one in found
    ]
    return feed.FeedView(
        publication=publication,
        id="tag:journal.example,2026-01-01:feeds/world",
        title="The Test Journal: World",
        description="News of the world",
        path="feeds/world",
        home="https://journal.example/",
        language="en",
        updated=max((entry.updated for entry in entries), default=FOUNDED),
        entries=entries,
    )


def parsed(form: str, articles: Sequence[Article] | None = None) -> Any:
    """As feedparser reads it, after expat found it well-formed."""
    data = feed.render(a_view(articles), form)
    expat.ParserCreate().Parse(data, True)
    found = feedparser.parse(data)
    assert not found.bozo
    return found


def body(entry: Any) -> str:
    """feedgen writes the body of an RSS item without a teaser into its description."""
    return str(entry.content[0].value if "content" in entry else entry.summary)


def as_json(articles: Sequence[Article] | None = None) -> dict[str, Any]:
    document = json.loads(feed.render(a_view(articles), "json"))
    assert isinstance(document, dict)
    return document


def tree(form: str, articles: Sequence[Article] | None = None) -> Any:
    return etree.fromstring(feed.render(a_view(articles), form))


@pytest.mark.parametrize("form", XML)
class TestXml:
    def test_titles_links_ids_and_order_are_the_articles(self, form):
        entries = parsed(form).entries

        assert [html.fromstring(f"<p>{entry.title}</p>").text_content() for entry in entries][:3] == [
            story.title for story in stories()[:3]
        ]
        assert [entry.link for entry in entries] == [
            layout.article_url(story, "https://journal.example") for story in stories()
        ]
        assert [entry.id for entry in entries] == [story.tag for story in stories()]

    def test_a_title_is_plain_text_whatever_stands_in_it(self, form):
        name = "item/title" if form == "rss" else f"{ATOM}entry/{ATOM}title"

        titles = [element.text for element in tree(form).iterfind(f".//{name}")]

        # An invisible space keeps what looks like markup from being taken for it, by readers who unescape once more.
        assert [title.replace("\u200b", "") for title in titles] == [story.title for story in stories()]
        assert titles[3] == "A literal &\u200blt;b&\u200bgt; &\u200bamp; <\u200bem>mark<\u200b/em> ]]>"

    def test_the_body_is_the_whole_article(self, form):
        for entry, story in zip(parsed(form).entries, stories(), strict=True):
            assert story.body in body(entry)
            assert not story.teaser or entry.summary == story.teaser

    def test_dates_are_the_articles(self, form):
        for entry, story in zip(parsed(form).entries, stories(), strict=True):
            if story.published:
                assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == story.published

    def test_an_article_without_a_date_gets_none(self, form):
        data = feed.render(a_view([filed(1, published=None)]), form)

        assert b"<published>" not in data
        assert b"<pubDate>" not in data
        assert "published" not in parsed(form, [filed(1, published=None)]).entries[0]

    def test_an_empty_section_is_a_valid_feed(self, form):
        found = parsed(form, [])

        assert found.entries == []
        assert found.feed.title == "The Test Journal: World"
        assert datetime(*found.feed.updated_parsed[:6], tzinfo=UTC) == FOUNDED

    def test_the_feed_names_itself_and_its_home(self, form):
        found = parsed(form).feed

        links = {link.rel: (link.href, link.get("type")) for link in found.links}
        assert links["self"] == (f"https://journal.example/feeds/world/{form}.xml", feed.TYPES[form])
        assert links["alternate"][0] == found.link == "https://journal.example/"
        assert found.language == "en"

    def test_a_browser_is_told_of_the_stylesheet(self, form):
        root = tree(form)

        instruction = root.getprevious()
        assert instruction.target == "xml-stylesheet"
        assert dict(instruction.attrib) == {"type": "text/css", "href": "../feed.css"}

    def test_the_kind_of_document_shows_in_the_first_512_bytes(self, form):
        start = feed.render(a_view(), form)[:512]

        assert start.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
        assert (b"<rss" if form == "rss" else b"<feed") in start


class TestRss:
    def test_all_authors_are_named_and_no_address(self):
        items = tree("rss").findall(".//item")

        assert [[one.text for one in item.findall(f"{DC}creator")] for item in items] == [
            [author.name for author in story.authors] for story in stories()
        ]
        assert not tree("rss").findall(".//author")

    def test_the_guid_is_no_link(self):
        assert {guid.get("isPermaLink") for guid in tree("rss").iter("guid")} == {"false"}

    def test_the_channels_link_is_its_home(self):
        assert tree("rss").findtext("channel/link") == "https://journal.example/"


class TestAtom:
    def test_links_of_entries_keep_rel_and_type(self):
        """feedgen 1.0.0 loses them, so an enclosure becomes a second alternate (python-feedgen#135)."""
        for entry in tree("atom").iterfind(f"{ATOM}entry"):
            [link] = entry.findall(f"{ATOM}link")
            assert (link.get("rel"), link.get("type")) == ("alternate", "text/html")
            assert link.get("href")

    def test_updated_is_when_readers_would_call_it_changed(self):
        entries = parsed("atom").entries

        assert [datetime(*entry.updated_parsed[:6], tzinfo=UTC) for entry in entries] == [
            story.updated for story in stories()
        ]

    def test_every_entry_has_an_author_its_own_or_the_feeds(self):
        root = tree("atom")

        assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Test Journal"
        assert [
            [name.text for name in entry.iterfind(f"{ATOM}author/{ATOM}name")]
            for entry in root.iterfind(f"{ATOM}entry")
        ] == [[author.name for author in story.authors] for story in stories()]

    def test_categories_are_sections_kind_and_tags(self):
        entries = list(tree("atom").iterfind(f"{ATOM}entry"))

        found = [
            [(one.get("term"), one.get("label")) for one in entry.iterfind(f"{ATOM}category")] for entry in entries
        ]
        assert found[0] == [("world", "World"), ("analysis", "Analysis")]
        assert found[1] == [("world/asia", "Asia"), ("gulf", "gulf")]
        assert found[2] == []


PICTURE = Image("https://journal.example/lead.jpg?w=800", "Two ships", "At dawn", "Ada Lens")
SPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "media": "http://search.yahoo.com/mrss/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
}
HUB = "https://hub.example/"


def found(form: str, path: str, *articles: Article, **changes: Any) -> list[Any]:
    """What an XPath gives in a feed of these articles."""
    view = replace(a_view(articles or stories()), **changes)
    return list(etree.fromstring(feed.render(view, form)).xpath(path, namespaces=SPACES))


class TestWhatFeedgenCannotSay:
    """Each of its known faults, closed; and what its extensions do not know."""

    @pytest.mark.parametrize("form", XML)
    def test_a_hub_stands_in_every_format(self, form):
        assert found(form, "//a:link[@rel='hub']/@href", hubs=(HUB,)) == [HUB]
        assert found(form, "//a:link[@rel='hub']") == []
        assert json.loads(feed.render(replace(a_view(), hubs=(HUB,)), "json"))["hubs"] == [
            {"type": "WebSub", "url": HUB}
        ]

    def test_the_channels_link_is_the_home_page_whatever_other_links_there_are(self):
        assert found("rss", "/rss/channel/link/text()", hubs=(HUB,), previous=3) == ["https://journal.example/"]

    @pytest.mark.parametrize("form", XML)
    def test_a_feed_leads_to_the_archive_before_it(self, form):
        address = "https://journal.example/feeds/world/archive-3.xml"

        assert found(form, "//a:link[@rel='prev-archive']/@href", previous=3) == [address]
        assert found(form, "//a:link[@rel='prev-archive']") == []

    @pytest.mark.parametrize(
        ("minutes", "period", "often"), [(5, "hourly", "12"), (60, "hourly", "1"), (180, "daily", "8")]
    )
    def test_the_syndication_module_is_spelled_as_it_is_read_and_agrees_with_ttl(self, minutes, period, often):
        age = timedelta(minutes=minutes)

        assert found("rss", "//sy:updatePeriod/text()", max_age=age) == [period]
        assert found("rss", "//sy:updateFrequency/text()", max_age=age) == [often]
        assert found("rss", "//ttl/text()", max_age=age) == [str(minutes)]

    def test_a_body_alone_is_content_and_no_description(self):
        bare = filed(1, teaser="")

        assert found("rss", "//item/description", bare) == []
        assert len(found("rss", "//item/content:encoded", bare)) == 1

    def test_a_story_without_a_word_has_its_title_for_a_summary(self):
        assert found("rss", "//item/description/text()", filed(1, teaser="", body="", words=0)) == ["Story 1"]

    def test_content_is_html_and_never_cdata(self):
        assert set(found("atom", "//a:content/@type")) == {"html"}
        assert b"CDATA" not in feed.render(a_view([filed(1)]), "rss")

    def test_authors_stand_by_name_alone_and_no_address_is_made_up(self):
        assert found("rss", "//item[1]/dc:creator/text()") == ["Ada Writer", "عائشہ لکھاری"]
        assert found("rss", "//item/author") == []

    def test_an_author_has_a_page_where_there_is_one(self):
        known = filed(1, authors=(Author("Ada Writer", url="https://journal.example/ada"),))

        assert found("atom", "//a:entry/a:author/a:uri/text()", known) == ["https://journal.example/ada"]

    def test_a_change_is_told_in_rss_too(self):
        assert found("rss", "//item[1]/dcterms:modified/text()") == [(NOW - timedelta(minutes=1)).isoformat()]

    @pytest.mark.parametrize("form", XML)
    def test_every_entry_says_its_language(self, form):
        entry = "item" if form == "rss" else "a:entry"

        assert found(form, f"//{entry}/@xml:lang") == [story.language for story in stories()]
        assert found(form, "/*/@xml:lang") == ["en"]

    @pytest.mark.parametrize("form", XML)
    def test_the_lead_image_has_its_type_words_and_credit(self, form):
        shown = filed(1, image=PICTURE)

        def first(path: str) -> str:
            return str(found(form, f"//media:content/{path}", shown)[0])

        assert (first("@url"), first("@medium"), first("@type")) == (PICTURE.url, "image", "image/jpeg")
        assert first("media:title/text()") == "Two ships"
        assert first("media:description/text()") == "At dawn"
        assert first("media:credit/text()") == "Ada Lens"
        assert found(form, "//media:thumbnail/@url", shown) == [PICTURE.url]
        assert found(form, "//media:group", shown) == []

    def test_a_picture_whose_name_tells_no_type_has_none(self):
        assert found("rss", "//media:content/@type", filed(1, image=Image("https://journal.example/p/7"))) == []

    def test_the_lead_image_is_in_the_body_once_with_its_words(self):
        (entry,) = parsed("atom", [filed(1, image=PICTURE)]).entries

        pictures = html.fromstring(body(entry)).xpath("//img")
        assert [(one.get("src"), one.get("alt")) for one in pictures] == [(PICTURE.url, "Two ships")]
        assert "Ada Lens" in body(entry)

    def test_readers_answers_are_counted_where_somebody_counted(self):
        said = filed(1, comments="https://journal.example/1#talk", replies=3)

        assert found("rss", "//item/slash:comments/text()", said) == ["3"]
        assert found("rss", "//item/comments/text()", said) == ["https://journal.example/1#talk"]
        assert found("atom", "//a:entry/a:link[@rel='replies']/@thr:count", said) == ["3"]
        assert found("rss", "//thr:total/text()", said) == found("atom", "//thr:total/text()", said) == ["3"]
        assert found("atom", "//thr:total | //a:link[@rel='replies']", filed(1)) == []

    def test_no_change_is_older_than_the_story(self):
        odd = filed(1, updated=NOW - timedelta(days=3), published=NOW)

        assert found("atom", "//a:entry/a:updated/text()", odd) == [NOW.isoformat()]


class TestJson:
    def test_it_has_what_the_specification_requires(self):
        document = as_json()

        assert document["version"] == "https://jsonfeed.org/version/1.1"
        assert document["title"] == "The Test Journal: World"
        assert document["feed_url"] == "https://journal.example/feeds/world/feed.json"
        assert document["home_page_url"] == "https://journal.example/"
        assert all(isinstance(item["id"], str) and item["content_html"] for item in document["items"])

    def test_items_are_the_articles(self):
        items = as_json()["items"]

        for item, story in zip(items, stories(), strict=True):
            assert item["id"] == story.tag
            assert item["title"].replace("\u200b", "") == story.title
            assert item["url"] == layout.article_url(story, "https://journal.example")
            assert story.body in item["content_html"]
            assert item["language"] == story.language
            assert [author["name"] for author in item.get("authors", [])] == [author.name for author in story.authors]
            assert datetime.fromisoformat(item["date_modified"]) == story.updated

    def test_an_article_without_a_date_has_none(self):
        items = as_json()["items"]

        assert [item.get("date_published") for item in items] == [
            story.published.isoformat() if story.published else None for story in stories()
        ]

    def test_nothing_unknown_is_written_as_null_or_empty(self):
        assert all(value not in (None, "", []) for item in as_json()["items"] for value in item.values())

    def test_an_empty_section_is_a_valid_feed(self):
        assert as_json([])["items"] == []


def test_the_formats_agree():
    rss, atom, items = parsed("rss").entries, parsed("atom").entries, as_json()["items"]

    assert [entry.id for entry in rss] == [entry.id for entry in atom] == [item["id"] for item in items]
    assert [entry.link for entry in rss] == [entry.link for entry in atom] == [item["url"] for item in items]
    assert [entry.title for entry in rss] == [entry.title for entry in atom]
    assert [body(entry) for entry in rss] == [body(entry) for entry in atom]


@pytest.mark.parametrize("form", FORMATS)
def test_an_edit_of_one_entry_leaves_the_bytes_of_the_others(form):
    before, after = (feed.render(a_view([filed(1), filed(2, teaser=teaser)]), form) for teaser in ("old", "new"))

    assert before != after
    assert before.replace(b"old", b"new") == after


def test_two_processes_make_the_same_bytes():
    program = (
        "import sys; from publisher.render import feed; from tests.unit.test_feed_render import a_view, FORMATS;"
        "[sys.stdout.buffer.write(feed.render(a_view(), form)) for form in FORMATS]"
    )

    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert made == {b"".join(feed.render(a_view(), form) for form in FORMATS)}


EDITION = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.PRESSED, NOW)


def an_edition_page(language: str = "en") -> Any:
    publication = a_publication(language=language)
    found = {number: replace(one, id=number) for number, one in enumerate(stories(), 1)}
    placements = [Placement(0, "world", 1), Placement(1, "world/asia", 2), Placement(2, "world", 4)]
    view = layout.view(EDITION, a_newsletter(), publication, placements, found, "../..")
    return html.document_fromstring(page.published(page.edition_page(view, templates(publication)), ()))


def an_article_page(article: Article) -> Any:
    publication = a_publication()
    url = layout.article_url(article, publication.url)
    return html.document_fromstring(page.article_page(article, url, publication, templates(publication)))


def a_front_page(articles: Sequence[Article]) -> Any:
    publication = a_publication()
    placed = tuple(Story(n, one, layout.article_url(one, ".")) for n, one in enumerate(articles))
    front = page.FrontPage(
        moment=NOW,
        shelves=[Shelf(publication.sections[0], placed, ())] if placed else [],
        editions=[(EDITION, "The Briefing", layout.edition_path(EDITION))],
        feeds=[
            (None, {"rss": "feeds/rss.xml", "atom": "feeds/atom.xml", "json": "feeds/feed.json"}),
            (publication.sections[1], {"rss": "feeds/world/asia/rss.xml"}),
        ],
    )
    return html.document_fromstring(page.front_page(front, publication, templates(publication)))


PAGES = [
    pytest.param(an_edition_page, "../..", id="edition"),
    pytest.param(lambda: an_article_page(stories()[0]), "..", id="article"),
    pytest.param(lambda: a_front_page(stories()), ".", id="front"),
]


def links(document: Any, relation: str) -> list[tuple[str | None, str]]:
    return [(link.get("type"), link.get("href")) for link in document.cssselect(f'head link[rel="{relation}"]')]


class TestPages:
    @pytest.mark.parametrize(("make", "root"), PAGES)
    def test_a_page_says_its_language_and_where_the_feeds_are(self, make, root):
        document = make()

        assert (document.get("lang"), document.get("dir")) == ("en", "ltr")
        assert links(document, "alternate") == [
            ("application/rss+xml", f"{root}/feeds/rss.xml"),
            ("application/atom+xml", f"{root}/feeds/atom.xml"),
            ("application/feed+json", f"{root}/feeds/feed.json"),
        ]
        assert links(document, "stylesheet") == [(None, f"{root}/style.css")]

    @pytest.mark.parametrize(("make", "root"), PAGES)
    def test_a_page_holds_no_personal_link(self, make, root):
        markup = html.tostring(make(), encoding="unicode").lower()

        assert "unsubscribe" not in markup
        assert "<!--" not in markup

    @pytest.mark.parametrize(("make", "root"), PAGES)
    def test_a_page_has_one_main_heading_and_alts(self, make, root):
        document = make()

        assert len(document.cssselect("h1")) == 1
        assert all(image.get("alt") is not None for image in document.cssselect("img"))
        assert document.findtext("head/title")

    def test_an_edition_has_one_address_of_its_own(self):
        [(_, canonical)] = links(an_edition_page(), "canonical")

        assert canonical == "https://journal.example/editions/briefing/2026-11-20-0700-daily.html"

    def test_an_article_has_one_address_of_its_own(self):
        assert links(an_article_page(stories()[0]), "canonical") == [
            (None, "https://journal.example/articles/story-1.html")
        ]

    def test_links_lead_from_an_edition_to_its_articles_as_plain_files(self):
        document = an_edition_page()

        addresses = [one.get("href") for one in document.cssselect(".headline a")]
        assert addresses == [
            "../../articles/story-1.html",
            "https://elsewhere.example/4?a=1&b=2",
            "../../articles/story-2.html",
        ]

    def test_an_urdu_article_is_an_urdu_page_with_the_journal_in_its_own_language(self):
        document = an_article_page(stories()[1])

        assert (document.get("lang"), document.get("dir")) == ("ur", "rtl")
        assert {(one.get("lang"), one.get("dir")) for one in document.cssselect("header, footer")} == {("en", "ltr")}

    @pytest.mark.parametrize("make", [an_edition_page, lambda: a_front_page(stories())])
    def test_an_urdu_story_on_an_english_page_says_so(self, make):
        [story] = [one for one in make().cssselect("article") if "خلیج" in one.text_content()]

        assert (story.get("lang"), story.get("dir")) == ("ur", "rtl")

    def test_a_headline_is_words_and_nothing_else(self):
        headline = "</title><script>alert(1)</script>{{ 7*7 }}"

        document = an_article_page(filed(1, headline=headline))

        assert document.cssselect("h1")[0].text_content() == headline
        assert not document.cssselect("script")

    def test_an_article_with_nothing_but_words_is_a_page(self):
        bare = filed(1, published=None, authors=(), teaser="", image=None, sections=(), words=0)

        document = an_article_page(bare)

        assert "The text of story 1." in document.text_content()
        assert not document.cssselect("time, figure, .trail")

    def test_a_front_page_before_the_first_article_says_so(self):
        assert "Nothing has been printed yet." in a_front_page([]).text_content()

    def test_the_front_page_lists_every_feed_and_edition(self):
        addresses = {one.get("href") for one in a_front_page(stories()).cssselect("aside a")}

        assert addresses == {
            "editions/briefing/2026-11-20-0700-daily.html",
            "feeds/rss.xml",
            "feeds/atom.xml",
            "feeds/feed.json",
            "feeds/",
        }


class TestPublished:
    """An edition's page is kept with marks, and shown without them and without what was withdrawn."""

    def test_what_was_withdrawn_leaves_it_with_its_heading(self):
        marked = "<h1>A</h1><!--[s0,s1]--><h2>World</h2><!--[/]--><!--[s0]-->one<!--[/]--><!--[s1]-->two<!--[/]--> end"

        assert page.published(marked, ()) == "<h1>A</h1><h2>World</h2>onetwo end"
        assert page.published(marked, {1}) == "<h1>A</h1><h2>World</h2>one end"
        assert page.published(marked, {0, 1}) == "<h1>A</h1> end"

    def test_an_article_cannot_write_a_mark(self):
        sly = an_article(1, headline="<!--[7]-->", teaser="<!--[/]-->", id=1)
        view = layout.view(EDITION, a_newsletter(), a_publication(), [Placement(0, "world", 1)], {1: sly}, "../..")

        shown = page.published(page.edition_page(view, templates()), {7})

        assert "&lt;!--[7]--&gt;" in shown
        assert "&lt;!--[/]--&gt;" in shown
