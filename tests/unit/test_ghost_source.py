"""Ghost's Content API. The site here is a small real server that pages, filters and orders as Ghost 5 and 6 do."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Access, Author, Image, RawArticle
from publisher.ports import Fetched
from publisher.sources.ghost.source import GhostSource
from tests.builders import NOW, fetched_from
from tests.websites import Answer, serving

KEY = "22444f78447824223cefc48062"
HTTP = Fetcher(["127.0.0.1"], pause=0)
YESTERDAY = NOW - timedelta(days=1)
_PLACE = re.compile(r"updated_at:>'(?P<at>[^']+)'(,\(updated_at:'(?P=at)'\+id:>'(?P<id>\w+)'\))?")


@dataclass
class GhostSite:
    """Holds posts; `asked` are the queries. `meanwhile` is called after each page, `instead` is given instead of it."""

    url: str
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    meanwhile: Callable[[int], None] = lambda page: None
    instead: Answer | None = None

    def answer(self, address: str) -> Answer:
        path, query = urlsplit(address).path, dict(parse_qsl(urlsplit(address).query))
        self.asked.append(query)
        if self.instead:
            return self.instead
        if path != "/ghost/api/content/posts/":
            return Answer(status=404)
        if query.get("key") != KEY:
            return Answer(b'{"errors": [{"message": "Unknown Content API Key"}]}', 401)
        found = sorted(filter(self._chosen(query.get("filter", "")), self.posts), key=self._order(query["order"]))
        size = min(int(query["limit"]), 100)
        pages = {"page": 1, "limit": size, "total": len(found), "next": 2 if len(found) > size else None, "prev": None}
        fields = query.get("fields", "").split(",")
        shown = [post if fields == [""] else {name: post[name] for name in fields} for post in found[:size]]
        document = json.dumps({"posts": shown, "meta": {"pagination": pages}}).encode()
        self.meanwhile(len(self.asked))
        return Answer(document, headers={"Content-Type": "application/json; charset=utf-8"})

    def _chosen(self, said: str) -> Callable[[dict[str, Any]], bool]:
        if not said:
            return lambda post: True
        if said.startswith("id:>"):
            return lambda post: post["id"] > said[5:-1]
        place = _PLACE.fullmatch(said)
        assert place, said
        return lambda post: (
            stored(post) > place["at"] or (stored(post) == place["at"] and post["id"] > (place["id"] or "~"))
        )

    def _order(self, said: str) -> Callable[[dict[str, Any]], Any]:
        names = [part.removesuffix(" asc") for part in said.split(",")]
        return lambda post: [stored(post) if name == "updated_at" else post[name] for name in names]


def stored(post: dict[str, Any]) -> str:
    """As Ghost's database has it: a text in UTC."""
    return f"{datetime.fromisoformat(post['updated_at']).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@contextmanager
def a_ghost_site() -> Iterator[GhostSite]:
    site = GhostSite("")
    with serving(lambda address, headers: site.answer(address)) as site.url:
        yield site


@pytest.fixture
def site() -> Iterator[GhostSite]:
    with a_ghost_site() as ghost:
        yield ghost


def a_post(number: int = 1, changed: datetime = YESTERDAY, **changes: Any) -> dict[str, Any]:
    """As the Content API gives one, with an offset of the site's zone."""
    written = changed.astimezone(ZoneInfo("Asia/Karachi")).isoformat(timespec="milliseconds")
    plain = {
        "id": f"{number:024x}",
        "title": f"Post {number}",
        "slug": f"post-{number}",
        "html": f"<p>The text of post {number}.</p>",
        "visibility": "public",
        "access": True,
        "comments": False,
        "published_at": written,
        "updated_at": written,
        "url": f"https://ghost.example/post-{number}/",
        "excerpt": "Cut from the text",
        "tags": [],
        "authors": [],
        "primary_tag": None,
    }
    return {**plain, **changes}


def posts(count: int, changed: datetime = YESTERDAY, apart: timedelta = timedelta(minutes=1)) -> list[dict[str, Any]]:
    return [a_post(number, changed + number * apart) for number in range(1, count + 1)]


def a_source(site: GhostSite, http: Fetcher, key: str = KEY, url: str = "") -> GhostSource:
    return GhostSource("magazine", url or site.url, key, ZoneInfo("Asia/Karachi"), http)


def fetch(site: GhostSite, state=None, now: datetime = NOW) -> tuple[list[RawArticle], list[Fetched]]:
    """All articles of all parts, and the parts."""

    async def whole() -> list[Fetched]:
        async with HTTP as http:
            parts = [await fetched_from(a_source(site, http), state or {}, now)]
            while parts[-1].more:
                parts.append(await fetched_from(a_source(site, http), parts[-1].state, now))
            return parts

    parts = asyncio.run(whole())
    return [article for part in parts for article in part.articles], parts


def ask_once(site: GhostSite, state=None, now: datetime = NOW, **other: str) -> Fetched:
    async def once() -> Fetched:
        async with HTTP as http:
            return await fetched_from(a_source(site, http, **other), state or {}, now)

    return asyncio.run(once())


def read(site: GhostSite, **changes: Any) -> RawArticle:
    site.posts = [a_post(**changes)]
    fetched = ask_once(site)
    assert fetched.problems == ()
    return fetched.articles[0]


def refused(site: GhostSite, answer: Answer | None = None, state=None, **other: str) -> SourceError:
    site.instead = answer
    with pytest.raises(SourceError) as caught:
        ask_once(site, state, **other)
    return caught.value


class TestPost:
    def test_one_with_everything(self, site):
        article = read(
            site,
            title="Analysis: The port & <fuel>",
            custom_excerpt="In short",
            feature_image="https://ghost.example/cranes.jpg",
            feature_image_alt="Cranes",
            feature_image_caption="Photo by <a href='#'>Bob &amp; Co</a>",
            published_at="2026-11-19T09:30:00.000+05:00",
            authors=[
                {
                    "name": "Ada Writer",
                    "bio": "Ada writes.",
                    "profile_image": "https://ghost.example/ada.jpg",
                    "url": "https://ghost.example/author/ada/",
                },
                {"name": "Bob Reporter", "bio": None, "profile_image": None},
            ],
            comments=True,
            og_title="Another title",
            og_image="https://ghost.example/another.jpg",
        )

        assert article == RawArticle(
            source_id=f"{1:024x}",
            title="Analysis: The port & <fuel>",
            body="<p>The text of post 1.</p>",
            where="https://ghost.example/post-1/",
            format="ghost",
            url="https://ghost.example/post-1/",
            base="https://ghost.example/post-1/",
            standfirst="In short",
            authors=(
                Author(
                    "Ada Writer", "Ada writes.", "https://ghost.example/ada.jpg", "https://ghost.example/author/ada/"
                ),
                Author("Bob Reporter"),
            ),
            published=datetime(2026, 11, 19, 4, 30, tzinfo=UTC),
            modified=YESTERDAY,
            image=Image("https://ghost.example/cranes.jpg", "Cranes", "Photo by Bob & Co"),
            slug="post-1",
            comments="https://ghost.example/post-1/#ghost-comments",
        )

    def test_an_excerpt_that_nobody_wrote_is_no_standfirst(self, site):
        assert read(site, custom_excerpt=None).standfirst == ""

    def test_tags_are_sections_with_the_primary_first_and_internal_ones_are_left(self, site):
        asia = {"name": "Asia", "slug": "asia", "visibility": "public"}
        world = {"name": "World", "slug": "world", "visibility": "public"}
        internal = [
            {"name": "#newsletter", "slug": "hash-newsletter", "visibility": "internal"},
            {"name": "#no-visibility", "slug": "hash-no-visibility"},
            {"name": "No hash", "slug": "no-hash", "visibility": "internal"},
        ]

        article = read(site, tags=[*internal, asia, world], primary_tag=world)

        assert article.sections == article.tags == ("World", "Asia")

    def test_an_internal_primary_tag_is_no_section(self, site):
        secret = {"name": "#secret", "slug": "hash-secret", "visibility": "internal"}

        assert read(site, tags=[secret], primary_tag=secret).sections == ()

    def test_the_canonical_address_is_the_storys(self, site):
        article = read(site, canonical_url="https://elsewhere.example/port")

        assert (article.url, article.base) == ("https://elsewhere.example/port", "https://ghost.example/post-1/")

    def test_a_post_that_the_sites_routes_lead_nowhere_has_no_address(self, site):
        article = read(site, url="https://ghost.example/404/", comments=True)

        assert (article.url, article.base, article.comments) == (None, site.url, "")

    @pytest.mark.parametrize("comments", [False, None, "yes"])
    def test_without_public_comments_there_is_no_link_to_them(self, site, comments):
        assert read(site, comments=comments).comments == ""

    @pytest.mark.parametrize(
        "broken",
        [
            None,
            7,
            [],
            {},
            {"id": 7, "title": "a"},
            {"id": None, "title": "a"},
            {"title": "a"},
            {"id": "a", "title": ""},
        ],
    )
    def test_what_is_no_post_is_a_problem_and_the_others_arrive(self, site, broken):
        site.instead = Answer(json.dumps({"posts": [broken, a_post()]}).encode())

        fetched = ask_once(site)

        assert [article.title for article in fetched.articles] == ["Post 1"]
        assert len(fetched.problems) == 1
        assert fetched.problems[0].where.startswith(f"{site.url}/ghost/api/content/posts/#")

    def test_a_date_that_is_none_is_unknown_and_reported(self, site):
        site.posts = [a_post(published_at="soon")]

        fetched = ask_once(site)

        assert fetched.articles[0].published is None
        assert [problem.message for problem in fetched.problems] == ['published_at: "soon" is not a date.']


class TestGate:
    @pytest.mark.parametrize(
        ("gate", "access"),
        [
            ({"visibility": "members", "access": False}, Access.MEMBERS),
            ({"visibility": "paid", "access": False}, Access.PAID),
            ({"visibility": "tiers", "access": False, "tiers": [{"name": "Gold"}]}, Access.PAID),
            ({"visibility": "label:vip", "access": False}, Access.PAID),
            ({"visibility": "members", "access": True}, Access.MEMBERS),
            ({"visibility": "public", "access": False}, Access.MEMBERS),
            ({"visibility": None, "access": None}, Access.MEMBERS),
        ],
    )
    def test_a_post_that_not_everybody_may_read_comes_without_its_text(self, site, gate, access):
        article = read(site, html="<p>The public opening.</p><p>Secret.</p>", excerpt="Secret.", **gate)

        assert (article.access, article.title, article.body, article.teaser) == (access, "Post 1", "", "")
        assert "ecret" not in repr(article)

    @pytest.mark.parametrize("gate", [{}, {"access": None}, {"visibility": None}])
    def test_a_public_post_comes_with_it(self, site, gate):
        article = read(site, **gate)

        assert (article.access, article.body) == (Access.PUBLIC, "<p>The text of post 1.</p>")


class TestPages:
    def test_129_posts_over_two_pages_all_arrive(self, site):
        site.posts = posts(129)

        articles, parts = fetch(site)

        assert [article.title for article in articles] == [f"Post {number}" for number in range(1, 130)]
        assert [len(part.articles) for part in parts] == [100, 29]
        assert [part.more for part in parts] == [True, False]

    def test_every_page_asks_for_authors_and_tags_and_no_more_than_a_hundred(self, site):
        site.posts = posts(129)

        fetch(site)

        assert {(query["limit"], query["include"]) for query in site.asked} == {("100", "authors,tags")}

    @pytest.mark.parametrize("ago", [timedelta(minutes=1), timedelta(days=1)])
    def test_posts_of_one_second_all_arrive(self, site, ago):
        """An import saves hundreds at once."""
        site.posts = posts(250, NOW - ago, apart=timedelta())

        articles, _ = fetch(site)

        assert len({article.source_id for article in articles}) == len(articles) == 250

    @pytest.mark.parametrize("apart", [timedelta(), timedelta(minutes=1)])
    def test_a_post_that_is_edited_during_paging_arrives_again_and_none_is_missed(self, site, apart):
        site.posts = posts(250, apart=apart)

        def edit(page: int) -> None:
            if page == 1:
                site.posts[9] = a_post(10, NOW, title="Edited")

        site.meanwhile = edit

        articles, _ = fetch(site)

        assert {article.source_id for article in articles} == {post["id"] for post in site.posts}
        assert [article.title for article in articles if article.source_id == site.posts[9]["id"]] == [
            "Post 10",
            "Edited",
        ]

    def test_a_post_that_is_deleted_during_paging_hides_no_other(self, site):
        site.posts = posts(250)
        kept = {post["id"] for post in site.posts[5:]}

        def delete(page: int) -> None:
            if page == 1:
                del site.posts[:5]

        site.meanwhile = delete

        articles, _ = fetch(site)

        assert kept <= {article.source_id for article in articles}

    def test_a_fetch_that_stopped_goes_on_where_it_was(self, site):
        site.posts = posts(129)
        first = ask_once(site)

        rest, _ = fetch(site, json.loads(json.dumps(first.state)))

        assert [article.title for article in rest] == [f"Post {number}" for number in range(101, 130)]

    def test_a_site_that_gives_the_same_page_again_and_again_is_an_error(self, site):
        page = json.dumps({"posts": posts(1), "meta": {"pagination": {"next": 2}}}).encode()
        site.instead = Answer(page)
        first = ask_once(site)

        assert "gave the same page again" in str(refused(site, Answer(page), first.state))


class TestChanges:
    def test_without_one_nothing_is_brought(self, site):
        site.posts = posts(3, NOW - timedelta(minutes=10))
        _, parts = fetch(site)

        second = ask_once(site, parts[-1].state)

        assert (second.articles, second.unchanged, second.more) == ((), True, False)
        assert second.state == parts[-1].state

    def test_an_edited_post_and_a_new_one_arrive_alone(self, site):
        site.posts = posts(3, NOW - timedelta(minutes=10))
        _, parts = fetch(site)
        site.posts[0] = a_post(1, NOW, title="Edited")
        site.posts.append(a_post(4, NOW))

        articles, _ = fetch(site, parts[-1].state)

        assert [article.title for article in articles] == ["Edited", "Post 4"]

    def test_a_post_that_was_saved_late_is_not_missed(self, site):
        """The site's clock said a time, and the database had the post a little later."""
        site.posts = posts(3, NOW - timedelta(minutes=10))
        _, parts = fetch(site)
        site.posts.append(a_post(4, NOW - timedelta(minutes=8)))

        articles, _ = fetch(site, parts[-1].state)

        assert [article.title for article in articles] == ["Post 4"]

    def test_after_an_hour_what_was_read_is_not_asked_for_again(self, site):
        """Else a site whose last change was an import would be read again and again."""
        site.posts = posts(250, apart=timedelta())
        _, parts = fetch(site)
        asked = len(site.asked)

        second = ask_once(site, parts[-1].state)

        assert (second.unchanged, len(site.asked) - asked) == (True, 1)

    def test_the_state_keeps_only_what_the_next_fetch_may_bring_again(self, site):
        site.posts = posts(129)

        _, parts = fetch(site)

        assert len(parts[-1].state["seen"]) == 5

    def test_a_change_from_the_future_hides_no_other(self, site):
        site.posts = [a_post(1, NOW + timedelta(days=5000)), a_post(2)]
        _, parts = fetch(site)
        site.posts.append(a_post(3, NOW + timedelta(days=2)))

        articles, (again,) = fetch(site, parts[-1].state, NOW + timedelta(days=2, hours=2))

        assert [article.title for article in articles] == ["Post 3"]
        assert ask_once(site, again.state, NOW + timedelta(days=2, hours=3)).unchanged is True

    def test_an_empty_site_is_one(self, site):
        first = ask_once(site)

        assert (first.articles, first.unchanged, first.more) == ((), True, False)
        assert ask_once(site, first.state).unchanged is True


class TestReconciliation:
    def later(self, site: GhostSite) -> tuple[dict[str, Any], datetime]:
        """The state after a first fetch, and a time when reconciliation is due."""
        _, parts = fetch(site)
        site.asked.clear()
        return dict(parts[-1].state), NOW + timedelta(days=7, minutes=1)

    def test_once_a_week_all_ids_are_told(self, site):
        site.posts = posts(129)
        state, week = self.later(site)
        del site.posts[3]

        articles, (reconciled, rest) = fetch(site, state, week)

        assert reconciled.present == {post["id"] for post in site.posts}
        assert rest.present is None
        assert articles == []
        assert [query.get("fields") for query in site.asked] == ["id", "id", None]

    def test_before_a_week_none_are(self, site):
        site.posts = posts(3)
        state, week = self.later(site)

        _, parts = fetch(site, state, week - timedelta(minutes=2))

        assert [part.present for part in parts] == [None]

    def test_it_is_not_done_twice(self, site):
        site.posts = posts(3)
        state, week = self.later(site)
        _, parts = fetch(site, state, week)

        _, again = fetch(site, parts[-1].state, week + timedelta(days=1))

        assert [part.present for part in again] == [None]

    def test_a_fetch_that_stopped_is_finished_first(self, site):
        site.posts = posts(3)
        state, week = self.later(site)

        fetch(site, {**state, "reading": True}, week)

        assert [query.get("fields") for query in site.asked] == [None]

    def test_ids_that_come_and_go_meanwhile_push_out_no_other(self, site):
        site.posts = posts(250)
        state, week = self.later(site)
        kept = {post["id"] for post in site.posts[5:]}

        def delete(page: int) -> None:
            if page == 1:
                del site.posts[:5]

        site.meanwhile = delete

        assert kept <= ask_once(site, state, week).present

    def test_a_site_without_posts_tells_nothing(self, site):
        site.posts = posts(3)
        state, week = self.later(site)
        site.posts.clear()

        assert ask_once(site, state, week).present is None

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(status=500),
            Answer(b"<html></html>"),
            Answer(b'{"posts": [{"id": "b"}, {"id": "b"}]}'),
            Answer(b'{"posts": [{"id": "b"}], "meta": {"pagination": {"next": 2}}}'),
            Answer(b'{"posts": [], "meta": {"pagination": {"next": 2}}}'),
            Answer(b'{"posts": [null]}'),
        ],
    )
    def test_a_list_that_is_not_whole_tells_nothing_and_the_posts_come_all_the_same(self, site, answer):
        site.posts = posts(3)
        state, week = self.later(site)
        site.posts.append(a_post(4, week))
        site.instead = answer

        reconciled = ask_once(site, state, week)
        site.instead = None
        articles, parts = fetch(site, reconciled.state, week)

        assert (reconciled.present, len(reconciled.problems)) == (None, 1)
        assert [article.title for article in articles] == ["Post 4"]
        assert fetch(site, parts[-1].state, week + timedelta(hours=25))[1][0].present is not None

    @pytest.mark.parametrize("page", [1, 2])
    def test_a_server_that_wants_to_be_left_alone_meanwhile_is(self, site, page):
        """Its ids are told another time, and its posts are not asked for at once."""
        site.posts = posts(129)
        state, week = self.later(site)
        busy = Answer(status=429, headers={"Retry-After": "600"})
        site.instead = busy if page == 1 else None
        site.meanwhile = lambda asked: setattr(site, "instead", busy)

        with pytest.raises(SourceError) as caught:
            ask_once(site, state, week)
        site.instead, site.meanwhile = None, lambda asked: None
        _, parts = fetch(site, state, week + timedelta(minutes=10))

        assert caught.value.not_before == week + timedelta(minutes=10)
        assert parts[0].present == {post["id"] for post in site.posts}


class TestRefusals:
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_wrong_key_says_where_to_find_the_right_one(self, site, status):
        error = refused(site, Answer(b"{}", status))

        assert f"refuses the key ({status})" in str(error)
        assert "Settings → Integrations" in str(error)

    def test_an_address_without_a_ghost_is_named(self, site):
        error = refused(site, Answer(status=404))

        assert f"{site.url}/ghost/api/content/posts/ is not there (404)" in str(error)

    @pytest.mark.parametrize(
        "body", [b"<!doctype html><title>Log in</title>", b"", b"[]", b"{}", b'{"posts": 1}', b"\xff"]
    )
    def test_what_is_no_list_of_posts_asks_whether_it_is_a_ghost(self, site, body):
        assert "Ghost site?" in str(refused(site, Answer(body, headers={"Content-Type": "text/html"})))

    def test_too_many_requests_say_when_to_come_again(self, site):
        error = refused(site, Answer(status=429, headers={"Retry-After": "600"}))

        assert error.not_before == NOW + timedelta(minutes=10)

    def test_the_address_may_end_in_a_slash(self, site):
        site.posts = posts(1)

        assert len(ask_once(site, url=f"{site.url}/").articles) == 1

    @pytest.mark.parametrize("meta", [None, [], {}, {"pagination": None}, {"pagination": []}])
    def test_an_answer_that_says_nothing_of_pages_is_the_only_one(self, site, meta):
        site.instead = Answer(json.dumps({"posts": posts(1), "meta": meta}).encode())

        assert ask_once(site).more is False


class TestKey:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer(status=401),
            Answer(status=404),
            Answer(status=429),
            Answer(status=500),
            Answer(b"<html>"),
            Answer(b"{}"),
            Answer(status=302, headers={"Location": f"/elsewhere?key={KEY}"}),
            Answer(status=302, headers={"Location": f"ftp://ghost.example/?key={KEY}"}),
            Answer(status=302, headers={"Location": f"ftp://ghost.example/{KEY}"}),
            Answer(headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
        ],
    )
    def test_no_error_tells_it_however_deep_one_looks(self, site, answer):
        error = refused(site, answer)

        while error:
            assert KEY not in f"{error} {error!r}"
            error = error.__cause__ or error.__context__

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "ghost.example", "http://[::1"]
    )
    def test_no_address_that_leads_nowhere_tells_it(self, site, url):
        error = refused(site, url=url)

        assert KEY not in str(error)
        assert "?" not in str(error)
        assert error.__context__ is None

    def test_it_is_quoted_in_the_address(self, site):
        error = refused(site, key="an id:and & a secret")

        assert site.asked[0]["key"] == "an id:and & a secret"
        assert "secret" not in str(error)

    def test_nothing_that_is_kept_or_logged_tells_it(self, site, caplog):
        caplog.set_level(logging.INFO, "publisher")
        site.posts = [*posts(101), a_post(102, title="", html="")]

        _, parts = fetch(site)

        assert parts[0].problems != ()
        assert KEY not in repr(parts)
        assert KEY not in caplog.text

    def test_a_source_does_not_show_it(self, site):
        source = a_source(site, HTTP)

        assert KEY not in f"{source} {source!r}"


class TestPassword:
    """Of a site that is behind one: https://user:password@site."""

    def url(self, site: GhostSite) -> str:
        return site.url.replace("//", "//ada:SECRET@")

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(status=401),
            Answer(status=404),
            Answer(status=429),
            Answer(b"<html>"),
            Answer(b"{}"),
            Answer(status=302, headers={"Location": "ftp://ghost.example/"}),
        ],
    )
    def test_no_error_tells_it(self, site, answer):
        error = refused(site, answer, url=self.url(site))

        assert f"{site.url}/ghost/api/content/posts/" in str(error)
        assert "SECRET" not in f"{error} {error!r}"

    def test_neither_the_same_page_again_nor_ids_in_disorder_tell_it(self, site):
        page = Answer(json.dumps({"posts": posts(1), "meta": {"pagination": {"next": 2}}}).encode())
        site.instead = page
        first = ask_once(site, url=self.url(site))

        again = refused(site, page, first.state, url=self.url(site))
        state = {**first.state, "reading": False, "reconciled": NOW.isoformat()}
        disorder = ask_once(site, state, NOW + timedelta(days=8), url=self.url(site))

        assert "same page again" in str(again)
        assert "in order" in disorder.problems[0].message
        assert "SECRET" not in f"{again} {disorder}"

    def test_no_article_problem_or_state_tells_it(self, site):
        """A post without an address has its links start at the site, and they are printed."""
        site.posts = [a_post(1, url="https://ghost.example/404/"), a_post(2, title="", html="", url="")]

        fetched = ask_once(site, url=self.url(site))

        assert fetched.articles[0].base == site.url
        assert fetched.problems[0].where == f"{site.url}/ghost/api/content/posts/#{2:024x}"
        assert "SECRET" not in repr(fetched)

    def test_a_source_does_not_show_it(self, site):
        source = a_source(site, HTTP, url=self.url(site))

        assert "SECRET" not in f"{source} {source!r}"
