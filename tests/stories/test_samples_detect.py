"""Real pages of newspapers on WordPress: what each links is found, from any one of its articles.

A page is served from this machine under its own path, with its site's address exchanged for the server's. What it
links is not there, so the offers stand unchecked; in the last tests stand-ins of our own answer.
"""

import asyncio
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from publisher.fetch import Fetcher
from publisher.sources.detect import Offer, detect
from tests.builders import NOW
from tests.websites import Answer, Website, a_website


@dataclass(frozen=True)
class Page:
    """What a page links, as its HTML says: the site, its feed, and the feeds of readers' comments."""

    file: str
    site: str
    path: str
    title: str
    feed: str
    comments: tuple[str, ...]
    others: tuple[str, ...] = ()


PAGES = (
    Page(
        "pages/caymancompass.com-prison.html",
        "https://www.caymancompass.com",
        "/2022/05/04/prison-official-anyone-could-escape-from-northward/",
        "Cayman Compass » Feed",
        "/feed/",
        ("/comments/feed/", "/2022/05/04/prison-official-anyone-could-escape-from-northward/feed/"),
    ),
    Page(
        "pages/elpais.cr-gobierno.html",
        "https://www.elpais.cr",
        "/2022/04/21/gobierno-entrega-directriz-para-fortalecer-ciberseguridad-del-sector-publico-tico/",
        "Diario Digital Nuestro País » Feed",
        "/feed/",
        (
            "/comments/feed/",
            "/2022/04/21/gobierno-entrega-directriz-para-fortalecer-ciberseguridad-del-sector-publico-tico/feed/",
        ),
    ),
    Page(
        "pages/theplanetarypress.com.forestlands.html",
        "https://www.theplanetarypress.com",
        "/2020/01/management-of-intact-forestlands-by-indigenous-peoples-key-to-protecting-climate/",
        "The Planetary Press » Feed",
        "/feed/",
        (
            "/comments/feed/",
            "/2020/01/management-of-intact-forestlands-by-indigenous-peoples-key-to-protecting-climate/feed/",
        ),
    ),
    Page(
        "pages/ticotimes.net-migration.html",
        "https://ticotimes.net",
        "/2022/04/21/united-states-seeks-agreement-on-migration-with-latin-america",
        "The Tico Times | Costa Rica News | Travel | Real Estate » Feed",
        "/feed",
        ("/comments/feed",),
    ),
    Page(
        "pages/volksblatt.at-Alkoholkonsum.html",
        "https://volksblatt.at",
        "/chronik/oesterreich/oesterreich-tranken-pro-kopf-111-liter-alkohol-im-jahr-822151/",
        "Oberösterreichisches Volksblatt » Feed",
        "/feed/",
        ("/comments/feed/",),
    ),
    Page(
        "pages/wildundhund.de-bonn.html",
        "https://wildundhund.de",
        "/bonn-un-konvention-veroeffentlicht-empfehlungen-zur-vogelgrippe-und-zum-umgang-mit-wildvoegeln/",
        "WILD UND HUND » Feed",
        "/feed/",
        (
            "/comments/feed/",
            "/bonn-un-konvention-veroeffentlicht-empfehlungen-zur-vogelgrippe-und-zum-umgang-mit-wildvoegeln/feed/",
        ),
        ("/feed/podcast",),
    ),
    *(
        Page(
            f"journal/{name}.html",
            "https://journal.example",
            "/2023/10/analysis-hamas-hezbollah-and-north-korea-a-lethal-connection/",
            "The Think Tank Journal",
            "/feed/",
            (),
        )
        for name in ("page-opengraph-only", "page-with-metadata")
    ),
)


@pytest.fixture
def website() -> Iterator[Website]:
    with a_website() as site:
        yield site


@pytest.fixture(params=PAGES, ids=lambda page: page.file)
def page(request: pytest.FixtureRequest, samples: Path, website: Website) -> Page:
    """A page, served."""
    content = (samples / request.param.file).read_bytes()
    website.answers[request.param.path] = Answer(content.replace(request.param.site.encode(), website.url.encode()))
    return request.param


def offers_of(website: Website, path: str) -> list[Offer]:
    async def once() -> list[Offer]:
        async with Fetcher(["127.0.0.1"], pause=0) as http:
            return await detect(http, website.url + path, NOW)

    return asyncio.run(once())


def kinds(offers: list[Offer]) -> list[tuple[str, str, bool]]:
    return [(offer.type, urlsplit(offer.url).path, offer.checked) for offer in offers]


def test_every_linked_api_and_feed_is_found_and_unchecked_where_it_does_not_answer(page, website):
    offers = offers_of(website, page.path)

    assert kinds(offers) == [
        ("page", page.path, True),
        ("wordpress", "", False),
        *(("feed", path, False) for path in (page.feed, *page.others, *page.comments)),
    ]
    assert all(offer.url.startswith(website.url) for offer in offers)
    assert offers[2].title == page.title
    assert [offer for offer in offers if "holds comments" in offer.why] == offers[len(offers) - len(page.comments) :]


def test_where_they_answer_the_api_is_first_the_feed_second_and_comments_last(page, website, samples):
    feed = Answer((samples / "feeds" / "guardian.rss").read_bytes())
    index = {"name": "The site", "namespaces": ["wp/v2"]}
    website.answers |= {
        "/wp-json/": Answer(json.dumps(index).encode()),
        "/wp-json/wp/v2/posts?per_page=1": Answer(b"[]"),
        page.feed: feed,
        **dict.fromkeys(page.comments, feed),
    }

    offers = offers_of(website, page.path)

    assert kinds(offers) == [
        ("wordpress", "", True),
        ("feed", page.feed, True),
        ("page", page.path, True),
        *(("feed", path, False) for path in page.others),
        *(("feed", path, True) for path in page.comments),
    ]


def test_every_offer_can_be_pasted(page, website):
    offers = offers_of(website, page.path)

    tables = tomllib.loads("\n".join(offer.config for offer in offers))["source"]

    assert [table["type"] for table in tables] == [offer.type for offer in offers]
    assert [table.get("url") or table["urls"][0] for table in tables] == [offer.url for offer in offers]
    assert len({table["name"] for table in tables}) == len(tables)


def test_a_page_that_links_nothing_offers_nothing(website, samples):
    website.answers["/story/"] = Answer((samples / "journal" / "page-without-metadata.html").read_bytes())

    assert offers_of(website, "/story/") == []
