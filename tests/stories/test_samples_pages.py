"""Saved pages of real journals: one article in three shapes against what it says, and six pages of one theme family."""

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from publisher.clean import article as cleaning
from publisher.clean.text import from_html, one_line
from publisher.fetch import Fetcher
from publisher.model.article import Article, Author, RawArticle
from publisher.model.newsletter import Section
from publisher.sources.page.source import PageSource
from tests.builders import NOW, a_publication, fetched_from

JOURNAL = ["page-with-metadata.html", "page-opengraph-only.html", "page-without-metadata.html"]
SECTIONS = (
    Section("global-affairs", "Global Affairs"),
    Section("global-affairs/diplomacy", "Diplomacy and Foreign Policy"),
)


def read(path: Path) -> RawArticle:
    async def once() -> RawArticle:
        async with Fetcher() as http:
            source = PageSource("journal", (path.name,), path.parent, ZoneInfo("Asia/Karachi"), http)
            fetched = await fetched_from(source, {}, NOW)
        assert fetched.problems == ()
        return fetched.articles[0]

    return asyncio.run(once())


def cleaned(raw: RawArticle) -> Article:
    desk = cleaning.Desk(a_publication(kinds=("Analysis",), sections=SECTIONS))
    article = cleaning.clean(raw, "journal", desk)[0]
    assert article is not None
    return article


def trail(article: Article) -> list[str]:
    """The titles from the top section down to the article's primary one."""
    titles = {section.path: section.title for section in SECTIONS}
    parts = article.sections[0].split("/")
    return [titles["/".join(parts[: depth + 1])] for depth in range(len(parts))]


def blocks(body: str) -> list[dict[str, str]]:
    names = {"p": "paragraph", **{f"h{level}": "heading" for level in range(1, 7)}}
    elements = html.fragments_fromstring(body)
    return [
        {"type": names.get(each.tag, each.tag), "text": one_line(each.text_content())}
        for each in elements
        if one_line(each.text_content())
    ]


@pytest.fixture
def truth(samples: Path) -> dict[str, Any]:
    return json.loads((samples / "journal" / "truth.json").read_text())


@pytest.mark.parametrize("name", JOURNAL)
class TestTheJournal:
    def test_its_page_says_who_wrote_what_and_when(self, samples, truth, name):
        raw = read(samples / "journal" / name)

        published, modified = (truth[field][name] for field in ("published", "modified"))
        assert raw.title == truth["raw_title"]
        assert raw.sections == ("/".join(truth["sections"]),)
        assert [(each.name, each.biography) for each in raw.authors] == [
            (each["name"], each["biography"]) for each in truth["authors"]
        ]
        assert raw.published == (datetime.fromisoformat(published) if published else None)
        assert raw.modified == (datetime.fromisoformat(modified) if modified else None)
        assert (raw.language or "").partition("-")[0] == truth["language"]

    def test_its_text_arrives_block_by_block_and_nothing_else(self, samples, truth, name):
        raw = read(samples / "journal" / name)

        assert blocks(raw.body) == truth["blocks"]
        assert [text for text in truth["never_in_the_body"] if text in from_html(raw.body)] == []

    def test_its_related_stories_arrive_with_their_teasers(self, samples, truth, name):
        raw = read(samples / "journal" / name)

        assert [{"title": each.title, "teaser": each.teaser} for each in raw.related] == truth["related"]

    def test_cleaned_it_is_what_the_journal_printed(self, samples, truth, name):
        article = cleaned(read(samples / "journal" / name))

        assert (article.kind, article.headline) == (truth["kind"], truth["headline"])
        assert article.title == truth["raw_title"]
        assert trail(article) == truth["sections"]
        assert [{"name": each.name, "biography": each.biography} for each in article.authors] == truth["authors"]
        assert article.language.partition("-")[0] == truth["language"]
        for field in ("published", "modified"):
            instant = getattr(article, field)
            assert (instant and instant.isoformat()) == truth[field][name]
        assert blocks(article.body) == truth["blocks"]
        assert [{"title": each.title, "teaser": each.teaser} for each in article.related] == truth["related"]
        assert [text for text in truth["never_in_the_body"] if text in article.body] == []

    def test_its_text_arrives_as_whole_where_no_theme_is_known(self, samples, truth, name, tmp_path):
        """Without the theme's name for it, the text is found by trafilatura."""
        page = (
            (samples / "journal" / name).read_text().replace("td-post-content", "a").replace("tdb_single_content", "b")
        )
        (tmp_path / name).write_text(page)

        raw = read(tmp_path / name)

        assert raw.origins["body"] == "trafilatura"
        assert blocks(raw.body) == truth["blocks"]


@dataclass(frozen=True)
class Expected:
    name: str
    title: str
    authors: tuple[str, ...]
    published: str
    sections: tuple[str, ...]
    language: str
    words: range


INLINE = ("a", "b", "em", "i", "iframe", "img", "strong")
PAGES = [
    Expected(
        "caymancompass.com-prison.html",
        "Prison official: ‘Anyone’ could escape from Northward",
        ("James Whittaker",),
        "2022-05-04T05:01:53+00:00",
        ("Issues",),
        "en-GB",
        range(20, 40),  # the rest is behind the journal's pay barrier
    ),
    Expected(
        "elpais.cr-gobierno.html",
        "Gobierno entrega directriz para fortalecer ciberseguridad del sector público tico",
        (),  # its byline is the site
        "2022-04-22T05:46:58+00:00",
        ("Nacionales",),
        "es",
        range(420, 500),
    ),
    Expected(
        "theplanetarypress.com.forestlands.html",
        "Management of Intact Forestlands by Indigenous Peoples Key to Protecting Climate",
        (),  # its byline is the site
        "2020-01-17T21:08:00+00:00",
        ("Climate",),
        "en-US",
        range(920, 1020),
    ),
    Expected(
        "ticotimes.net-migration.html",
        "United States seeks agreement on migration with Latin America",
        ("Ileana Fernandez",),
        "2022-04-21T20:00:18+00:00",
        ("Costa Rica", "Latin America", "News"),
        "en-US",
        range(380, 430),
    ),
    Expected(
        "volksblatt.at-Alkoholkonsum.html",
        "Österreich erneut im Spitzenfeld bei Alkoholkonsum",
        (),  # its author is the publisher
        "2023-11-07T11:12:58+00:00",
        ("Chronik/Österreich",),
        "de-DE",
        range(300, 360),
    ),
    Expected(
        "wildundhund.de-bonn.html",
        "Bonn: UN-Konvention veröffentlicht Empfehlungen zur Vogelgrippe und zum Umgang mit Wildvögeln",
        ("fhaacker",),
        "2022-01-26T13:52:00+00:00",
        ("Meldungen",),
        "de-DE",
        range(140, 180),
    ),
]
# What stands around or between the text on these pages: other stories, headings of blocks, comment forms, advertising.
FOREIGN = (
    ".td-module-title a, .sc_moreOfThis .title, .td-block-title, .block-title, .td-related-title, .td-adspot-title,"
    " #respond label, .td-warning-comment, .td-warning-author, .comment-reply-title, .tdb-author-descr"
)


def on_the_page(path: Path, css: str) -> list[str]:
    tree = html.fromstring(path.read_bytes(), parser=html.HTMLParser(encoding="utf-8"))
    return [text for each in tree.cssselect(css) if (text := one_line(each.text_content()))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_real_page_says_what_its_readers_see(samples, page):
    raw = read(samples / "pages" / page.name)

    assert raw.title == page.title
    assert tuple(author.name for author in raw.authors) == page.authors
    assert raw.published == datetime.fromisoformat(page.published)
    assert raw.sections == page.sections
    assert raw.language == page.language
    assert raw.url == raw.source_id
    assert raw.image is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_real_pages_text_is_whole_and_alone(samples, page):
    path = samples / "pages" / page.name

    raw = read(path)

    text = from_html(raw.body)
    foreign = [*on_the_page(path, FOREIGN), *(each.title for each in raw.related)]
    paragraphs = [each for each in on_the_page(path, ".td-post-content p") if each not in foreign]
    assert len(text.split()) in page.words
    assert [text.find(each) for each in paragraphs] == sorted(text.find(each) for each in paragraphs)
    assert [each for each in paragraphs if each not in text] == []
    assert [each for each in foreign if each in text] == []
    assert set(re.findall(r"<(\w+)", raw.body)) <= {"p", "h2", "h3", "h6", "ul", "li", "figure", *INLINE}


def test_an_author_of_two_places_is_one_with_an_address(samples):
    tico = read(samples / "pages" / "ticotimes.net-migration.html")

    (author,) = tico.authors
    assert author == Author("Ileana Fernandez", "", author.picture, "https://ticotimes.net/author/ifernandezm10")
    assert author.picture.startswith("https://secure.gravatar.com/")


def test_a_lead_images_caption_and_credit_are_told_apart(samples):
    image = read(samples / "pages" / "volksblatt.at-Alkoholkonsum.html").image

    assert image is not None
    assert image.credit.startswith("©")
    assert image.caption
    assert image.credit not in image.caption
