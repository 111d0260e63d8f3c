"""What kinds of source a site offers, told from its front page. The sites are handmade and served on 127.0.0.1."""

import asyncio
import json
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from publisher.config import load
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.ports import Http, Response
from publisher.sources.detect import Offer, detect
from tests.builders import NOW
from tests.websites import Answer, Website, a_website

KEY = "22444f78447824223cefc48062"
INDEX = {"name": "The Journal", "namespaces": ["oembed/1.0", "wp/v2"]}
API = '<link rel="https://api.w.org/" href="/wp-json/">'
ROOT, POSTS = "/wp-json/", "/wp-json/wp/v2/posts?per_page=1"
GUESSES = ["/feed/", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json"]
BROKEN = '<script type="application/ld+json">{broken</script>'
RSS, ATOM, JSON_FEED = "application/rss+xml", "application/atom+xml", "application/feed+json"


@dataclass
class Recorded:
    """Passes requests on, and keeps their addresses."""

    http: Http
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        self.asked.append(url)
        return await self.http.get(url, headers)


@pytest.fixture
def website() -> Iterator[Website]:
    with a_website() as site:
        yield site


def detected(url: str, allow: tuple[str, ...] = ("127.0.0.1",)) -> tuple[list[Offer], list[str]]:
    """The offers, and the addresses that were asked."""

    async def once() -> tuple[list[Offer], list[str]]:
        async with Fetcher(allow, seconds=5, pause=0) as http:
            recorded = Recorded(http)
            return await detect(recorded, url, NOW), recorded.asked

    return asyncio.run(once())


def offers_of(site: Website, head: str = "", **answers: Answer) -> list[Offer]:
    """The offers of a front page with this head, on a site that answers on these paths too."""
    site.answers |= {"/": Answer(a_page(head)), **answers}
    return detected(site.url)[0]


def a_page(head: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>The Journal</title>{head}</head><body><p>News</p></body></html>".encode()


def a_link(href: str, kind: str = RSS, title: str = "") -> str:
    return f'<link rel="alternate" type="{kind}" href="{href}" title="{title}">'


def rss(*paths: str, body: str = "Words.", title: str = "The Journal in RSS") -> Answer:
    items = "".join(
        f"<item><title>{path}</title><link>https://journal.example/{path}</link><description>{body}</description></item>"
        for path in paths
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'
    return Answer(feed.encode())


def atom(*paths: str, body: str = "Words.") -> Answer:
    entries = "".join(
        f"<entry><id>urn:{path}</id><title>{path}</title><link href='https://journal.example/{path}'/>"
        f"<content type='html'>{body}</content></entry>"
        for path in paths
    )
    return Answer(
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>The Journal in Atom</title>{entries}</feed>'.encode()
    )


def json_feed(*paths: str, body: str = "Words.") -> Answer:
    items = [
        {"id": path, "title": path, "url": f"https://journal.example/{path}", "content_html": body} for path in paths
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "The Journal in JSON", "items": items}
    return Answer(json.dumps(feed).encode())


def a_json(value: object, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"})


def wordpress(folder: str = "") -> dict[str, Answer]:
    return {f"{folder}{ROOT}": a_json(INDEX), f"{folder}{POSTS}": a_json([{"id": 1}])}


def ghost() -> dict[str, Answer]:
    return {"/ghost/api/content/posts/": a_json({"errors": [{"type": "NoPermissionError"}]}, 403)}


# WordPress


def test_a_linked_wordpress_api_that_shows_posts_comes_first(website):
    head = a_link("/feed/") + API

    offers = offers_of(website, head, **wordpress(), **{"/feed/": rss("a")})

    assert [(offer.type, offer.url, offer.checked) for offer in offers] == [
        ("wordpress", website.url, True),
        ("feed", f"{website.url}/feed/", True),
    ]
    assert (offers[0].title, offers[0].why) == ("The Journal", "the page links its WordPress API")


def test_a_wordpress_api_in_the_link_header_is_found(website):
    link = f'<{website.url}/style.css>; rel=preload; as=style, <{website.url}/wp-json/>; rel="https://api.w.org/"'
    website.answers |= {"/": Answer(a_page(""), headers={"Link": link}), **wordpress()}

    (offer,), _ = detected(website.url)

    assert (offer.type, offer.checked, offer.why) == ("wordpress", True, "the server names its WordPress API")


@pytest.mark.parametrize("folder", ["", "/blog"])
def test_a_page_that_links_itself_in_the_api_leads_to_the_api(website, folder):
    head = a_link(f"{folder}/wp-json/wp/v2/pages/7", "application/json")

    (offer,) = offers_of(website, head, **wordpress(folder))

    assert (offer.type, offer.url, offer.checked) == ("wordpress", f"{website.url}{folder}", True)


@pytest.mark.parametrize("root", ["/?rest_route=/", "/index.php?rest_route=/", "/index.php/wp-json/", "/a-name/"])
def test_an_api_without_permalinks_or_under_another_name_leads_to_the_site_too(website, root):
    head = f'<link rel="https://api.w.org/" href="{root}">'
    always = "/?rest_route=/"  # in every WordPress

    (offer,) = offers_of(website, head, **{always: a_json(INDEX), f"{always}wp/v2/posts&per_page=1": a_json([])})

    assert (offer.type, offer.url, offer.checked) == ("wordpress", website.url, True)


@pytest.mark.parametrize(
    ("head", "folder", "why"),
    [
        ('<meta name="generator" content="WordPress 6.8">', "", "the page was made with WordPress"),
        ('<script src="/wp-content/themes/a.js"></script>', "", "the page's files lie where WordPress keeps them"),
        ('<img src="/blog/wp-content/a.jpg">', "/blog", "the page's files lie where WordPress keeps them"),
        (
            '<img src="https://cdn.example.org/x/wp-content/a.jpg">',
            "",
            "the page's files lie where WordPress keeps them",
        ),
    ],
)
def test_traces_of_wordpress_count_where_the_api_answers(website, head, folder, why):
    assert offers_of(website, head) == []

    (offer,) = offers_of(website, head, **wordpress(folder))

    assert (offer.type, offer.url, offer.checked, offer.why) == ("wordpress", f"{website.url}{folder}", True, why)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({ROOT: Answer(status=404)}, "it did not answer as one"),
        ({ROOT: Answer(status=500)}, "it did not answer as one"),
        ({ROOT: Answer(b"<html>Log in</html>")}, "it did not answer as one"),
        ({ROOT: a_json({"namespaces": ["oembed/1.0"]})}, "it did not answer as one"),
        ({ROOT: a_json({"code": "rest_not_logged_in"}, 401)}, "the site keeps it closed"),
        ({POSTS: a_json({"code": "rest_forbidden"}, 403)}, "the site keeps it closed"),
        ({POSTS: a_json({})}, "it did not answer as one"),
    ],
)
def test_a_linked_api_that_does_not_answer_is_offered_unchecked_after_what_does(website, broken, fault):
    head = API + a_link("/feed/")

    offers = offers_of(website, head, **{**wordpress(), **broken, "/feed/": rss("a")})

    assert [(offer.type, offer.checked) for offer in offers] == [("feed", True), ("wordpress", False)]
    assert offers[1].why == f"the page links its WordPress API, but {fault}"


@pytest.mark.parametrize(
    "path", [ROOT, "/wp-json", "/wp-json/wp/v2/posts?per_page=5", "/?rest_route=/", "/index.php?a=1&rest_route=/wp/v2"]
)
def test_the_address_of_a_wordpress_api_leads_to_its_site(website, path):
    website.answers |= {path: a_json({"routes": {}}), **wordpress()}

    (offer,), asked = detected(f"{website.url}{path}")

    assert (offer.type, offer.url, offer.checked) == ("wordpress", website.url, True)
    assert len(asked) == 3


def test_the_index_of_a_wordpress_api_names_the_site(website):
    website.answers |= {**wordpress(), ROOT: a_json({**INDEX, "name": "Journal &amp; Co"})}

    (offer,), _ = detected(f"{website.url}{ROOT}")

    assert offer.title == "Journal & Co"


# Ghost


def test_a_ghost_site_is_offered_and_its_key_stays_in_the_page(website):
    head = (
        '<meta name="generator" content="Ghost 5.82">'
        f'<script defer src="https://cdn.example.org/portal.min.js" data-ghost="{website.url}/" data-key="{KEY}"'
        f' data-api="{website.url}/ghost/api/content/"></script>' + a_link("/rss/")
    )
    website.answers |= {"/": Answer(a_page(head)), **ghost(), "/rss/": rss("a")}

    offers, asked = detected(website.url)

    assert [(offer.type, offer.url, offer.checked) for offer in offers] == [
        ("ghost", website.url, True),
        ("feed", f"{website.url}/rss/", True),
    ]
    assert "the public Content API key stands in the page as data-key" in offers[0].why
    assert KEY not in repr((offers, asked))


def test_the_api_of_a_ghost_site_may_be_on_another_host(website):
    with a_website() as admin:
        admin.answers |= ghost()
        script = f'<script data-ghost="{website.url}/" data-api="{admin.url}/ghost/api/content/"></script>'

        (offer,) = offers_of(website, script)

    assert (offer.type, offer.url, offer.checked) == ("ghost", admin.url, True)


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="generator" content="Ghost 6.0">',
        '<script data-ghost="/"></script>',
        '<script data-sodo-search="/" src="https://cdn.example.org/sodo-search.min.js"></script>',
        '<script data-api="/ghost/api/v3/content/"></script>',
    ],
)
def test_every_sign_of_ghost_is_an_offer_and_says_where_its_key_is_made(website, head):
    (silent,) = offers_of(website, head)
    (offer,) = offers_of(website, head, **ghost())

    assert (silent.type, silent.url, silent.checked) == ("ghost", website.url, False)
    assert silent.why.endswith("but the API did not answer as one")
    assert (offer.type, offer.url, offer.checked) == ("ghost", website.url, True)
    assert "the public Content API key is made in Ghost under Settings, Integrations" in offer.why


def test_a_script_that_asks_ghost_counts_where_ghost_answers(website):
    script = f'<script>fetch("{website.url}/ghost/api/content/tags/?key={KEY}")</script>'

    assert offers_of(website, script) == []
    assert [(offer.type, offer.url) for offer in offers_of(website, script, **ghost())] == [("ghost", website.url)]


def test_the_address_of_a_ghost_api_leads_to_its_site_and_its_key_is_dropped(website):
    website.answers |= {"/": Answer(a_page('<meta name="generator" content="Ghost 5.82">')), **ghost()}

    offers, asked = detected(f"{website.url}/ghost/api/content/posts/?key={KEY}")

    assert [(offer.type, offer.checked) for offer in offers] == [("ghost", True)]
    assert KEY not in repr((offers, asked))


# Feeds


def test_linked_feeds_come_in_the_pages_order_with_the_sites_titles(website):
    head = a_link("/world.xml", ATOM, "World &amp; Asia") + a_link("/economy.xml")

    offers = offers_of(website, head, **{"/world.xml": atom("a", "b"), "/economy.xml": rss("c")})

    assert [(offer.title, offer.url, offer.why) for offer in offers] == [
        ("World & Asia", f"{website.url}/world.xml", "the page links it: Atom, 2 entries"),
        ("The Journal in RSS", f"{website.url}/economy.xml", "the page links it: RSS, 1 entry"),
    ]


def test_a_feed_in_the_link_header_is_found(website):
    link = f'</feed/>; rel="alternate"; type="{RSS}"; title="All, and more"'
    website.answers |= {"/": Answer(a_page(""), headers={"Link": link}), "/feed/": rss("a")}

    (offer,), _ = detected(website.url)

    assert (offer.url, offer.title, offer.checked) == (f"{website.url}/feed/", "All, and more", True)


def test_feeds_of_the_same_stories_are_one_offer_the_richest(website):
    head = a_link("/rss") + a_link("/world", RSS) + a_link("/atom", ATOM) + a_link("/json", JSON_FEED)
    stories = tuple("abcdefg")
    feeds = {"/rss": rss(*stories), "/atom": atom(*stories[:5]), "/json": json_feed(*stories), "/world": rss("x", "y")}

    offers = offers_of(website, head, **feeds)

    assert [offer.url for offer in offers] == [f"{website.url}/json", f"{website.url}/world"]
    assert offers[0].why == "the page links it: JSON Feed, 7 entries, the same as RSS and Atom"


def test_a_feed_with_the_whole_text_is_richer_than_one_with_a_line_of_it(website):
    head = a_link("/rss") + a_link("/json", JSON_FEED)

    (offer,) = offers_of(website, head, **{"/rss": rss("a", body="A story. " * 50), "/json": json_feed("a", body="A")})

    assert offer.url == f"{website.url}/rss"


def test_a_section_that_has_the_newest_stories_is_an_offer_of_its_own(website):
    head = a_link("/all") + a_link("/world", ATOM)

    offers = offers_of(website, head, **{"/all": rss(*"abcdefg"), "/world": atom("a", "b")})

    assert [offer.url for offer in offers] == [f"{website.url}/all", f"{website.url}/world"]


@pytest.mark.parametrize(
    ("href", "title", "entry"),
    [
        ("/comments/feed/", "Kommentar-Feed", "a"),
        ("/?feed=comments-rss2", "", "a"),
        ("/feeds/7/comments/default", "", "a"),
        ("/talk.xml", "The Journal » Comments Feed", "a"),
        ("/talk.xml", "", "story#comment-7"),
    ],
)
def test_comments_come_last_and_are_called_so(website, href, title, entry):
    head = a_link(href, RSS, title) + a_link("/dead") + '<meta property="og:type" content="article">'

    offers = offers_of(website, head, **{href: rss(entry)})

    assert [offer.url for offer in offers] == [f"{website.url}{path}" for path in ("", "/dead", href)]
    assert offers[2].why.endswith("; it holds comments, not articles")


@pytest.mark.parametrize("canonical", ["", "https://www.journal.example/2026/story"])
def test_an_articles_own_feed_holds_its_comments(website, canonical):
    own = f"{canonical or website.url + '/2026/story'}/feed/"
    head = a_link(own) + f'<link rel="canonical" href="{canonical}"><meta property="og:type" content="article">'
    website.answers["/2026/story"] = Answer(a_page(head))

    offers, _ = detected(f"{website.url}/2026/story")

    assert [offer.type for offer in offers] == ["page", "feed"]
    assert offers[1].why.endswith("; it holds comments, not articles")


def test_the_feed_of_a_front_page_that_calls_itself_an_article_is_no_comments_feed(website):
    head = a_link("/feed/") + '<meta property="og:type" content="article">'

    offers = offers_of(website, head, **{"/feed/": rss("a")})

    assert [(offer.type, offer.why) for offer in offers] == [
        ("feed", "the page links it: RSS, 1 entry"),
        ("page", "the page itself is an article"),
    ]


@pytest.mark.parametrize("title", ["Commentary", "Kommentare", "No comment"])
def test_opinion_is_not_taken_for_comments(website, title):
    (offer,) = offers_of(website, a_link("/opinion", RSS, title), **{"/opinion": rss("a")})

    assert "holds comments" not in offer.why


@pytest.mark.parametrize("answer", [Answer(b"<html>Not found, sorry</html>"), rss(), Answer(b""), a_json({"a": 1})])
def test_a_linked_feed_that_is_none_or_empty_is_not_offered(website, answer):
    assert offers_of(website, a_link("/feed/"), **{"/feed/": answer}) == []


def test_a_linked_feed_that_does_not_answer_is_offered_unchecked_after_those_that_do(website):
    head = a_link("/down", RSS, "World") + a_link("/up")

    offers = offers_of(website, head, **{"/down": Answer(status=503), "/up": rss("a")})

    assert [(offer.url, offer.checked) for offer in offers] == [
        (f"{website.url}/up", True),
        (f"{website.url}/down", False),
    ]
    assert (offers[1].title, offers[1].why) == ("World", f"the page links it, but {website.url}/down answered 503")


@pytest.mark.parametrize(("status", "path"), [(301, "/new"), (308, "/new"), (302, "/old"), (307, "/old")])
def test_a_feed_that_has_moved_for_good_is_offered_at_its_new_address(website, status, path):
    moved = Answer(status=status, headers={"Location": "/new"})

    (offer,) = offers_of(website, a_link("/old"), **{"/old": moved, "/new": rss("a")})

    assert (offer.url, offer.checked) == (f"{website.url}{path}", True)


@pytest.mark.parametrize(
    "link",
    [
        a_link("/oembed", "application/json+oembed"),
        a_link("/calendar", "text/calendar"),
        '<link rel="alternate" hreflang="de" href="/de/">',
        '<link rel="stylesheet" type="text/css" href="/style.css">',
        '<link rel="search" type="application/opensearchdescription+xml" href="/search">',
        f'<link rel="alternate" type="{RSS}">',
        a_link("mailto:desk@journal.example"),
        a_link("javascript:alert(1)"),
    ],
)
def test_what_is_no_feed_is_never_asked(website, link):
    website.answers["/"] = Answer(a_page(link))

    offers, asked = detected(website.url)

    assert offers == []
    assert asked[1:] == [f"{website.url}{path}" for path in GUESSES]


@pytest.mark.parametrize("kind", ["application/json", "application/xml", "text/xml"])
def test_a_link_that_may_be_a_feed_counts_where_it_is_one(website, kind):
    head = a_link("/feed", kind)

    assert offers_of(website, head) == []
    assert [offer.url for offer in offers_of(website, head, **{"/feed": json_feed("a")})] == [f"{website.url}/feed"]


# Guesses


@pytest.mark.parametrize("path", GUESSES)
def test_where_nothing_is_linked_the_usual_places_are_tried(website, path):
    (offer,) = offers_of(website, **{path: rss("a")})

    assert (offer.type, offer.url, offer.checked) == ("feed", f"{website.url}{path}", True)
    assert offer.why == "the page links no feed, but here is one: RSS, 1 entry"


@pytest.mark.parametrize("head", [a_link("/dead"), API])
def test_where_something_is_linked_nothing_is_guessed(website, head):
    website.answers["/"] = Answer(a_page(head))

    _, asked = detected(website.url)

    assert not {f"{website.url}{path}" for path in GUESSES} & set(asked)


def test_a_site_that_offers_nothing_is_an_empty_list(website):
    assert offers_of(website) == []


# Articles


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:type" content="article">',
        '<script type="application/ld+json">{"@type": "NewsArticle"}</script>',
        '<script type="application/ld+json">[{"@type": "WebSite"}, {"@type": ["Thing", "Article"]}]</script>',
        '<script type="application/ld+json">{"@graph": [{"@type": "https://schema.org/BlogPosting"}]}</script>',
        BROKEN + '<script type="application/ld+json">{"@type": "OpinionNewsArticle"}</script>',
    ],
)
def test_an_article_is_offered_as_a_page(website, head):
    (offer,) = offers_of(website, '<meta property="og:title" content="A Lethal &amp; Old Link">' + head)

    assert (offer.type, offer.url, offer.checked) == ("page", website.url, True)
    assert (offer.title, offer.why) == ("A Lethal & Old Link", "the page itself is an article")


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:type" content="website">',
        '<script type="application/ld+json">{"@type": "JobPosting"}</script>',
        '<script type="application/ld+json">{"@type": "ItemList", "item": [{"@type": "NewsArticle"}]}</script>',
        '<script type="application/ld+json">{"@type": {"@type": "NewsArticle"}, "@graph": 7}</script>',
        f'<script type="application/ld+json">{"[" * 100_000}</script>',
    ],
)
def test_a_page_that_only_lists_articles_is_not_one(website, head):
    assert offers_of(website, head) == []


# The address


@pytest.mark.parametrize("answer", [rss("a", "b"), atom("a", "b"), json_feed("a", "b")])
@pytest.mark.parametrize("kind", ["text/html", "application/xml", "application/json"])
def test_the_address_of_a_feed_is_the_offer(website, answer, kind):
    website.answers["/latest"] = Answer(answer.body, headers={"Content-Type": kind})

    (offer,), asked = detected(f"{website.url}/latest")

    assert (offer.type, offer.url, offer.checked) == ("feed", f"{website.url}/latest", True)
    assert offer.title.startswith("The Journal in ")
    assert len(asked) == 1


def test_a_feed_that_is_empty_now_is_offered_unchecked(website):
    website.answers["/latest"] = rss()

    (offer,), _ = detected(f"{website.url}/latest")

    assert (offer.type, offer.checked, offer.why) == ("feed", False, "the address is a feed, but it is empty")


def test_without_a_scheme_https_is_tried_before_http(website):
    website.answers |= {"/": Answer(a_page(a_link("/feed/"))), "/feed/": rss("a")}
    host = website.url.removeprefix("http://")

    (offer,), asked = detected(host)

    assert asked[:2] == [f"https://{host}", f"http://{host}"]
    assert offer.url == f"http://{host}/feed/"


def test_links_start_where_a_redirect_ends(website):
    website.answers |= {
        "/": Answer(status=302, headers={"Location": "/en/"}),
        "/en/": Answer(a_page(a_link("feed"))),
        "/en/feed": rss("a"),
    }

    (offer,), _ = detected(website.url)

    assert offer.url == f"{website.url}/en/feed"


@pytest.mark.parametrize(
    "head",
    [
        a_link("/feeds/all?a=1&amp;b=2"),
        a_link("feeds/all?a=1&#038;b=2"),
        '<base href="/feeds/">' + a_link("all?a=1&amp;b=2"),
        '<base target="_blank"><base href="feeds/"><base href="/no/">' + a_link("\n all?a=1&b=2 "),
    ],
)
def test_every_way_to_write_a_link_leads_to_its_feed(website, head):
    (offer,) = offers_of(website, head, **{"/feeds/all?a=1&b=2": rss("a")})

    assert (offer.url, offer.checked) == (f"{website.url}/feeds/all?a=1&b=2", True)


@pytest.mark.parametrize(
    ("before", "encoding", "kind"),
    [
        ("", "utf-8", "text/html"),
        ("", "utf-8", "text/html; charset=UTF-8"),
        ("", "utf-8", 'text/html; charset="no-such"'),
        ("", "utf-8-sig", "text/html"),
        ("", "utf-16", "text/html"),
        ("", "windows-1251", "text/html; charset=windows-1251"),
        ('<meta charset="windows-1251">', "windows-1251", "text/html"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r", "text/html"),
        ('<title>Журнал</title><meta charset="UTF-8" />', "utf-8", "text/html"),
        ('<?xml version="1.0" encoding="utf-8"?>', "utf-8", "application/xhtml+xml"),
    ],
)
def test_titles_are_read_in_the_pages_encoding(website, before, encoding, kind):
    page = f"{before}<title>Журнал</title>{a_link('/feed/', RSS, 'Новости')}"
    website.answers |= {"/": Answer(page.encode(encoding), headers={"Content-Type": kind}), "/feed/": rss("a")}

    (offer,), _ = detected(website.url)

    assert offer.title == "Новости"


@pytest.mark.parametrize(
    "page",
    [
        "<body><p>Text<LINK REL=Alternate TYPE=Application/RSS+XML HREF=/feed/><table><a",
        '<<html><!-- <link rel="alternate"> --><link rel="alternate" type="application/rss+xml; x" href=\'/feed/\'/',
        '<head><link type="application/rss+xml" rel="nofollow alternate home" href="/feed/"></head></html></html>\0\0',
        '<link rel="alternate" type="application/rss+xml" href="/feed/">' + "<div>" * 100_000,
    ],
)
def test_broken_html_does_not_hide_a_feed(website, page):
    website.answers |= {"/": Answer(page.encode()), "/feed/": rss("a")}

    offers, _ = detected(website.url)

    assert [(offer.url, offer.checked) for offer in offers] == [(f"{website.url}/feed/", True)]


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"<!-- -->", b"\x89PNG\r\n\x1a\n\0\0\0", b"{", b'{"a": 1}', b"<feeds>"]
)
def test_an_address_that_is_no_page_offers_nothing(website, content):
    website.answers["/"] = Answer(content)

    assert detected(website.url)[0] == []


def test_a_page_that_links_many_feeds_costs_few_requests(website):
    head = API + "".join(a_link(f"/{number}", RSS, f"Section {number}") for number in range(40))
    website.answers |= {"/": Answer(a_page(head)), **{f"/{number}": rss(f"{number}") for number in range(40)}}

    offers, asked = detected(website.url)

    assert len(asked) == 12
    assert [offer.checked for offer in offers] == [True] * 9 + [False] * 32
    assert [offer.title for offer in offers if offer.type == "feed"] == [f"Section {number}" for number in range(40)]
    assert offers[-1].why == "the page links it, but it was not asked, as the page links so many"


@pytest.mark.parametrize(
    "head",
    [
        "".join(a_link(f"/{number}") for number in range(20_000)),
        a_link("/" + "?" * 1_000_000),
        a_link("/feed/", RSS, "<" * 1_000_000),
        f"<script>{'a/' * 1_000_000}/ghost/api/content</script>",
        "<base href=''>" * 20_000,
    ],
)
def test_a_page_made_to_keep_us_busy_does_not(website, head):
    website.answers["/"] = Answer(a_page(head))
    started = time.process_time()

    offers, asked = detected(website.url)

    assert time.process_time() - started < 5
    assert len(offers) <= 50
    assert len(asked) <= 12


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, r'answered 404\. There is no such page; write the site\'s front page, "http://127\.0\.0\.1:\d+/"\.'),
        (410, "answered 410. There is no such page"),
        (403, "answered 403. It does not let programs in; ask the site for its feed"),
        (500, "answered 500. Try again later, or write the address of the site's feed"),
    ],
)
def test_a_refusal_says_what_to_write_instead(website, status, words):
    website.answers["/gone"] = Answer(a_page(a_link("/feed/")), status)

    with pytest.raises(SourceError, match=words):
        detected(f"{website.url}/gone")


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/", "no-such-host.invalid"])
def test_a_site_that_is_not_there_is_named(url):
    with pytest.raises(SourceError, match=r"no-such-host\.invalid.* write the address that the browser shows"):
        detected(url)


def test_a_private_site_is_refused_with_what_to_write(website):
    with pytest.raises(SourceError, match=r'allow_private = \["127\.0\.0\.1"\]'):
        detected(website.url, allow=())

    assert website.asked == []


@pytest.mark.parametrize("url", ["", " ", "ftp://journal.example/", "file:///etc/passwd", "the journal", "http://[::1"])
def test_what_is_no_address_is_refused_with_what_to_write(url):
    with pytest.raises(SourceError, match=r'is not a web address\. Write "https://journal\.example"\.'):
        detected(url)


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_refusal_does_not_repeat_what_the_address_keeps_secret(website, status):
    website.answers["/gone?k=SECRET"] = Answer(b"", status)

    with pytest.raises(SourceError, match=rf"/gone\?k=… answered {status}") as caught:
        detected(f"{website.url.replace('//', '//ada:SECRET@')}/gone?k=SECRET")

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://ada:SECRET@journal.example/?k=SECRET", "http://[::1?k=SECRET", "a b?k=SECRET"])
def test_what_is_no_address_is_refused_without_its_secrets(url):
    with pytest.raises(SourceError, match="is not a web address") as caught:
        detected(url)

    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("answer", [rss("a"), Answer(status=503)])
def test_an_offer_says_why_without_what_its_address_keeps_secret(website, answer):
    (offer,) = offers_of(website, a_link("/feed?k=SECRET"), **{"/feed?k=SECRET": answer})

    assert "SECRET" in offer.config
    assert "SECRET" not in offer.why


# What to write


def test_every_offer_comes_with_its_table_for_the_configuration(website):
    head = API + a_link("/a.xml") + a_link("/b.xml") + '<meta name="generator" content="Ghost 5.82">'
    head += '<meta property="og:type" content="article">'

    offers = offers_of(website, head, **wordpress(), **ghost(), **{"/a.xml": rss("a"), "/b.xml": rss("b")})
    tables = [tomllib.loads(offer.config)["source"][0] for offer in offers]

    assert [table["type"] for table in tables] == [offer.type for offer in offers]
    assert [table.get("url") or table["urls"][0] for table in tables] == [offer.url for offer in offers]
    assert [table["name"] for table in tables] == [
        "127-0-0-1", "127-0-0-1-ghost", "127-0-0-1-feed", "127-0-0-1-feed-2", "127-0-0-1-page",
    ]  # fmt: skip
    assert [table.get("key_file") for table in tables] == [None, "var/127-0-0-1-ghost.key", None, None, None]


def test_the_tables_are_what_the_configuration_reads(website, tmp_path):
    publication = '[publication]\nname = "J"\nurl = "https://journal.example"\nsecret_key = "{}"\n'.format("s" * 40)
    head = a_link("/a.xml?x=%22'\\\"&quot;") + '<meta property="og:type" content="article">'
    head += API + '<meta name="generator" content="Ghost 5.82">'
    offers = offers_of(website, head)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "127-0-0-1-ghost.key").write_text(KEY)
    (tmp_path / "config.toml").write_text("\n".join([publication, *(offer.config for offer in offers)]))

    sources = load(tmp_path / "config.toml").sources

    assert {source.type for source in sources} == {"wordpress", "ghost", "feed", "page"}
    assert [source.type for source in sources] == [offer.type for offer in offers]
