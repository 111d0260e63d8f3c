"""A WordPress site by its REST API, played by a server on 127.0.0.1 that keeps to what WordPress 6.1 was seen to do."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.clean import article as cleaning
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Access, Author, Image, RawArticle, Status
from publisher.ports import Fetched
from publisher.sources.wordpress import memory as wordpress_memory
from publisher.sources.wordpress.api import Api
from publisher.sources.wordpress.post import article
from publisher.sources.wordpress.source import WordPressSource
from tests.builders import NOW, a_publication
from tests.websites import Answer, serving

KARACHI = ZoneInfo("Asia/Karachi")
WEEK = timedelta(days=7)
ADA = {
    "name": "Ada Writer",
    "slug": "ada",
    "description": "Ada writes &amp; reads.",
    "link": "https://journal.example/author/ada/",
    "avatar_urls": {"24": "https://journal.example/24.png", "96": "https://journal.example/96.png"},
}
INVALID_USER = {"code": "rest_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 404}}
CATEGORIES = (
    {"id": 1, "name": "Uncategorized", "slug": "uncategorized", "parent": 0},
    {"id": 2, "name": "World", "slug": "world", "parent": 0},
    {"id": 3, "name": "Trier &amp; Region", "slug": "trier", "parent": 2},
    {"id": 4, "name": "Economy", "slug": "economy", "parent": 0},
)


def a_post(number: int = 1, modified: str = "", **changes: Any) -> dict[str, Any]:
    """A post of the site's 19 November 2026, a second for each number; `modified` is the site's time, as is `date`."""
    date = changes.get("date") or _site_time(datetime(2026, 11, 19, 8) + timedelta(seconds=number))
    link = f"https://journal.example/2026/11/story-{number}/"
    plain = {
        "id": number,
        "date": date,
        "date_gmt": _gmt(date),
        "modified": modified or date,
        "modified_gmt": _gmt(modified or date),
        "slug": f"story-{number}",
        "status": "publish",
        "link": link,
        "title": {"rendered": f"Story {number} &#8211; &amp; more"},
        "content": {"rendered": f"<p>The text of story {number}.</p>", "protected": False},
        "excerpt": {"rendered": f"<p>The text of story {number}.</p>\n", "protected": False},
        "comment_status": "closed",
        "categories": [2],
        "_links": {"author": [{"embeddable": True, "href": "https://journal.example/wp-json/wp/v2/users/1"}]},
        "_embedded": {"author": [ADA], "wp:term": [[{"id": 2, "name": "World", "taxonomy": "category"}], []]},
    }
    return {**plain, **changes}


def _site_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _gmt(time: str) -> str:
    return _site_time(datetime.fromisoformat(time) - timedelta(hours=5))


@dataclass
class WordPress:
    """A site: what it holds may change between two requests, or `before` one of them.

    `asked` are the queries of all requests. `failing` posts break every answer that they are a part of. `refuse` may
    give an answer of its own. Without `pretty` permalinks, and for what is unknown, a theme's page is shown.
    """

    url: str = ""
    folder: str = ""
    pretty: bool = True
    posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    categories: list[Mapping[str, Any]] = field(default_factory=lambda: list(CATEGORIES))
    most: int = 100
    failing: set[int] = field(default_factory=set)
    knows_modified_after: bool = True
    tells_total: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    before: Callable[["WordPress", dict[str, str]], None] = lambda site, query: None
    refuse: Callable[[dict[str, str]], Answer | None] = lambda query: None

    def add(self, *posts: dict[str, Any]) -> None:
        self.posts.update({post["id"]: post for post in posts})

    def edit(self, number: int, time: str, title: str = "Edited") -> None:
        self.posts[number] |= {"modified": time, "modified_gmt": _gmt(time), "title": {"rendered": title}}

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            del self.posts[number]

    def lists(self) -> list[dict[str, str]]:
        return [query for query in self.asked if query["route"] == "posts" and "_embed" not in query]

    def whole(self) -> list[dict[str, str]]:
        return [query for query in self.asked if "_embed" in query]

    def answer(self, address: str) -> Answer:
        query = self._route(address)
        self.asked.append(query)
        self.before(self, query)
        refused = self.refuse(query)
        if refused:
            return refused
        if query["route"] == "index":
            return _json({"name": "A journal", "namespaces": ["oembed/1.0", "wp/v2"]})
        if query["route"] == "categories":
            return self._page(self.categories, query)
        if query["route"] == "tags":
            return self._page(
                [{"id": int(n), "name": f"Tag {n} &amp; more"} for n in query["include"].split(",")], query
            )
        return self._posts(query) if query["route"] == "posts" else Answer(b"<!DOCTYPE html><title>A journal</title>")

    def _route(self, address: str) -> dict[str, str]:
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query))
        path = parts.path.removeprefix(self.folder)
        route = path.removeprefix("/wp-json") if self.pretty and path.startswith("/wp-json/") else ""
        route = route or (query.get("rest_route", "") if path == "/" else "")
        routes = {"/": "index", "/wp/v2/posts": "posts", "/wp/v2/categories": "categories", "/wp/v2/tags": "tags"}
        return {"route": routes.get(route, "page"), **query}

    def _posts(self, query: Mapping[str, str]) -> Answer:
        rows = [post for post in self.posts.values() if post["status"] == "publish" or query.get("status")]
        known = ("", "modified_") if self.knows_modified_after else ("",)
        for prefix, key in zip(known, ("date", "modified"), strict=False):
            after, before = query.get(f"{prefix}after", ""), query.get(f"{prefix}before", "~")
            rows = [post for post in rows if after < post[key] < before]
        if "include" in query:
            rows = [post for post in rows if str(post["id"]) in query["include"].split(",")]
        key = query.get("orderby", "date")
        # MariaDB does not promise an order for rows that it was given none for.
        rows.sort(key=lambda post: (post[key], random.random()), reverse=query.get("order", "desc") == "desc")
        return self._page(rows, query)

    def _page(self, rows: list[Any], query: Mapping[str, str]) -> Answer:
        size, number = int(query.get("per_page", 10)), int(query.get("page", 1))
        start = int(query["offset"]) if "offset" in query else size * (number - 1)
        if number > 1 and start >= len(rows) and query["route"] == "posts":
            return _json({"code": "rest_post_invalid_page_number", "message": "Too large."}, status=400)
        page = rows[start : start + size]
        broken = len(page) > self.most or any(row["id"] in self.failing for row in page)
        if broken and "content" in query.get("_fields", ""):
            return Answer(b"<p>There has been a critical error on this website.</p>", status=500)
        total = {"X-WP-Total": str(len(rows) if page else 0)} if self.tells_total else {}
        return _json([_shown(row, query) for row in page], headers=total)


def _shown(row: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    fields = query["_fields"].split(",") if "_fields" in query else list(row)
    embeds = "_embed" in query and "_links" in fields
    return {name: value for name, value in row.items() if name in fields and (name != "_embedded" or embeds)}


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})


@contextmanager
def a_wordpress(folder: str = "") -> Iterator[WordPress]:
    site = WordPress(folder=folder)
    with serving(lambda address, headers: site.answer(address)) as top:
        site.url = f"{top}{folder}"
        yield site


@pytest.fixture
def site() -> Iterator[WordPress]:
    with a_wordpress() as wordpress:
        yield wordpress


@dataclass
class Reader:
    """Reads a site as the press does: as long as there is more, with a state that has been on disk."""

    url: str
    state: Mapping[str, Any] = field(default_factory=dict)
    zone: ZoneInfo = KARACHI
    steps: list[Fetched] = field(default_factory=list)

    def fetch(self, now: datetime = NOW) -> list[RawArticle]:
        self.steps = []
        asyncio.run(self._fetch(now))
        return [raw for step in self.steps for raw in step.articles]

    async def _fetch(self, now: datetime) -> None:
        async with Fetcher(["127.0.0.1"], pause=0) as http:
            source = WordPressSource("site", self.url, self.zone, http)
            while not self.steps or self.steps[-1].more:
                answer = await source.ask(self.state, now)
                self.steps.append(source.read(answer, self.state, now))
                self.state = json.loads(json.dumps(self.steps[-1].state))
                assert len(self.steps) < 500

    @property
    def problems(self) -> list[str]:
        return [str(problem) for step in self.steps for problem in step.problems]

    @property
    def present(self) -> frozenset[str] | None:
        return next((step.present for step in self.steps if step.present is not None), None)


def ids(articles: list[RawArticle]) -> list[int]:
    return [int(raw.source_id) for raw in articles]


def once(site: WordPress, step: Callable[[dict[str, str]], bool], change: Callable[[], None]) -> None:
    """Change the site before it answers the first query that is meant."""

    def before(_: WordPress, query: dict[str, str]) -> None:
        if step(query):
            site.before = lambda *_: None
            change()

    site.before = before


class TestTheFirstReading:
    @pytest.mark.parametrize("tells_total", [True, False])
    @pytest.mark.parametrize("count", [1, 50, 99, 100, 101, 200, 250])
    def test_every_post_arrives_once(self, site, count, tells_total):
        site.tells_total = tells_total
        site.add(*(a_post(3 * number) for number in range(1, count + 1)))

        articles = Reader(site.url).fetch()

        assert ids(articles) == [3 * number for number in range(1, count + 1)]

    def test_nothing_unpublished_is_read(self, site):
        site.add(a_post(1), a_post(2, status="draft"), a_post(3, status="future"), a_post(4, status="private"))

        assert ids(Reader(site.url).fetch()) == [1]

    def test_posts_of_one_and_the_same_second_arrive_once_each(self, site):
        site.add(*(a_post(number, date="2026-11-19T08:00:00") for number in range(1, 251)))

        assert ids(Reader(site.url).fetch()) == list(range(1, 251))

    def test_posts_edited_meanwhile_arrive_as_they_became_and_none_is_lost(self, site):
        site.add(*(a_post(number) for number in range(1, 251)))

        def edit_two() -> None:
            site.edit(10, "2026-11-20T12:00:00")
            site.edit(240, "2026-11-20T12:00:01")

        once(site, lambda query: query.get("offset") == "99", edit_two)

        articles = Reader(site.url).fetch()

        latest = {int(raw.source_id): raw.title for raw in articles}
        assert sorted(latest) == list(range(1, 251))
        assert (latest[10], latest[240], latest[11]) == ("Edited", "Edited", "Story 11 – & more")
        assert ids(articles).count(10) == 2
        assert ids(articles).count(240) == 1

    @pytest.mark.parametrize("gone", [1, 30, 60, 99])
    def test_posts_deleted_meanwhile_hide_no_other(self, site, gone):
        site.add(*(a_post(number) for number in range(1, 351)))
        once(site, lambda query: query.get("offset") == "99", lambda: site.delete(*range(1, gone + 1)))

        articles = Reader(site.url).fetch()

        assert ids(articles) == list(range(1, 351))

    def test_old_drafts_published_meanwhile_arrive_too(self, site):
        site.add(*(a_post(number) for number in range(1000, 1250)))
        late = [a_post(number, date="2026-11-20T12:00:00") for number in range(1, 151)]
        once(site, lambda query: query.get("offset") == "99", lambda: site.add(*late))

        articles = Reader(site.url).fetch()

        assert sorted(ids(articles)) == [*range(1, 151), *range(1000, 1250)]

    def test_a_failure_half_way_keeps_what_was_read_and_goes_on_from_there(self, site):
        site.add(*(a_post(number) for number in range(1, 251)))
        site.refuse = lambda query: Answer(status=503) if query.get("offset") == "99" else None
        reader = Reader(site.url)
        with pytest.raises(SourceError, match="answered 503"):
            reader.fetch()
        first = [raw for step in reader.steps for raw in step.articles]
        site.refuse = lambda query: None

        rest = reader.fetch()

        assert ids(first) == list(range(1, 101))
        assert ids(rest) == list(range(101, 251))

    def test_a_site_without_posts_has_been_read(self, site):
        reader = Reader(site.url)
        assert reader.fetch() == []
        site.add(a_post(1, date="2026-11-20T12:50:00"))

        assert ids(reader.fetch()) == [1]


class TestChanges:
    @pytest.fixture
    def read(self, site) -> Reader:
        site.add(*(a_post(number) for number in range(1, 31)))
        reader = Reader(site.url)
        reader.fetch()
        site.asked.clear()
        return reader

    def test_where_there_are_none_two_short_lists_are_asked_for(self, site, read):
        articles = read.fetch()

        (step,) = read.steps
        assert (articles, step.unchanged, step.more, step.present) == ([], True, False, None)
        assert [query["orderby"] for query in site.asked] == ["modified", "date"]
        assert all(query["_fields"] == "id,modified,date,categories,tags" for query in site.asked)

    def test_the_search_goes_back_more_than_fourteen_hours(self, site, read):
        read.fetch()

        newest = max(post["modified"] for post in site.posts.values())
        assert _site_time(datetime.fromisoformat(newest) - timedelta(hours=14)) >= site.asked[0]["modified_after"]

    def test_an_edit_arrives_once(self, site, read):
        site.edit(7, "2026-11-20T12:50:00")

        articles, again = read.fetch(), read.fetch()

        assert [(raw.source_id, raw.title) for raw in articles] == [("7", "Edited")]
        assert (again, read.steps[0].unchanged) == ([], True)

    def test_an_edit_that_the_site_dates_hours_back_arrives(self, site, read):
        site.edit(7, "2026-11-18T20:00:00")

        assert ids(read.fetch()) == [7]

    def test_a_post_that_is_just_being_saved_is_read_again(self, site, read):
        site.edit(7, "2026-11-20T12:59:55")
        ids(read.fetch())
        site.posts[7]["categories"] = [4]

        (later,) = read.fetch(NOW + timedelta(minutes=10))
        again = read.fetch(NOW + timedelta(minutes=20))

        assert later.sections == ("Economy",)
        assert again == []

    def test_a_new_post_arrives_in_one_step(self, site, read):
        site.add(a_post(31, date="2026-11-20T12:50:00"))

        articles = read.fetch()

        assert ids(articles) == [31]
        assert [(step.more, step.unchanged) for step in read.steps] == [(False, False)]

    def test_a_scheduled_post_arrives_though_it_was_modified_weeks_before(self, site, read):
        site.add(a_post(5000, "2026-10-01T08:00:00", date="2026-11-20T07:00:00"))

        articles, again = read.fetch(), read.fetch()

        assert ids(articles) == [5000]
        assert again == []

    def test_many_arrive_once_each_while_others_are_edited(self, site, read):
        site.add(*(a_post(number, date=f"2026-11-20T12:00:{number % 60:02}") for number in range(101, 351)))
        once(site, lambda query: "_embed" in query, lambda: site.edit(150, "2026-11-20T12:30:00"))

        articles = read.fetch()

        assert sorted(set(ids(articles))) == list(range(101, 351))
        assert len(articles) <= 251
        assert [raw.title for raw in articles if raw.source_id == "150"][-1] == "Edited"
        assert read.fetch() == []

    def test_none_of_many_is_lost_where_the_site_brings_seven_at_a_time(self, site, read):
        site.add(*(a_post(number) for number in range(31, 81)))
        read.fetch()
        site.most = 7
        site.add(*(a_post(number) for number in range(81, 211)))

        assert ids(read.fetch()) == list(range(81, 211))

    def test_hundreds_changed_in_one_second_arrive_once_each(self, site, read):
        site.add(*(a_post(number) for number in range(31, 251)))
        read.fetch()
        for number in range(1, 251):
            site.edit(number, "2026-11-20T12:00:00", f"Edited {number}")

        articles, again = read.fetch(), read.fetch()

        assert sorted(ids(articles)) == list(range(1, 251))
        assert all(raw.title.startswith("Edited") for raw in articles)
        assert again == []

    def test_a_post_from_the_year_2041_hides_no_later_edit(self, site, read):
        site.add(a_post(2041, date="2041-01-01T00:00:00"))
        assert ids(read.fetch()) == [2041]
        site.edit(7, "2026-11-20T12:50:00")

        assert ids(read.fetch()) == [7]
        assert read.fetch() == []

    def test_time_goes_on(self, site, read):
        for day in range(1, 10):
            now = NOW + timedelta(days=day)
            local = _site_time((now - timedelta(hours=1)).astimezone(KARACHI))
            site.add(a_post(100 + day, date=local))
            site.edit(day, local)

            assert sorted(ids(read.fetch(now))) == [day, 100 + day]

        assert len(read.state["seen"]) < 6

    def test_a_failure_loses_nothing(self, site, read):
        site.add(*(a_post(number, date="2026-11-20T12:00:00") for number in range(101, 181)))
        site.refuse = lambda query: Answer(status=503) if len(site.whole()) > 1 else None
        with pytest.raises(SourceError):
            read.fetch()
        first = [raw for step in read.steps for raw in step.articles]
        site.refuse = lambda query: None

        rest = read.fetch()

        assert sorted(ids([*first, *rest])) == list(range(101, 181))

    def test_one_deleted_between_the_list_and_its_own_turn_is_not_asked_for_again(self, site, read):
        site.edit(7, "2026-11-20T12:50:00")
        once(site, lambda query: "_embed" in query, lambda: site.delete(7))

        assert read.fetch() == []
        assert read.fetch() == []

    def test_a_wordpress_that_does_not_know_modified_after_is_an_error_that_says_so(self, site, read):
        site.knows_modified_after = False
        site.add(a_post(31, date="2026-10-01T08:00:00"))

        with pytest.raises(SourceError, match=r"WordPress 5\.7"):
            read.fetch()


class ALivelyNewsroom:
    """Publishes, edits and deletes before the site answers, now and then by the hundred."""

    def __init__(self, site: WordPress, seed: int) -> None:
        self.site, self.dice = site, random.Random(seed)
        self.clock = datetime(2026, 11, 20, 12)
        self.energy = 0
        self.drafts = list(range(2, 2000, 5))
        site.add(*(a_post(number) for number in range(1, 2000, 5)))
        site.before = self.work

    def work(self, _: WordPress, query: dict[str, str]) -> None:
        self.energy -= 1
        acts = [self.edit, self.publish, self.publish_scheduled, self.delete, self.edit_many]
        for act in self.dice.choices(acts, [4, 4, 4, 3, 2], k=2) if self.energy > 0 else ():
            act()

    @property
    def time(self) -> str:
        return _site_time(self.clock)

    def some(self, count: int) -> list[int]:
        return self.dice.sample(sorted(self.site.posts), min(count, len(self.site.posts)))

    def edit(self) -> None:
        self.clock += timedelta(seconds=self.dice.randrange(2))
        for number in self.some(3):
            self.site.edit(number, self.time, f"Edited at {self.time}, {self.dice.random()}")

    def edit_many(self) -> None:
        pace = self.dice.choice([0, 0.2, 1])
        for number in self.some(130):
            self.site.edit(number, self.time, f"Edited at {self.time}, {self.dice.random()}")
            self.clock += timedelta(seconds=self.dice.random() < pace)

    def publish(self) -> None:
        self.site.add(a_post(self.draft(), date=self.time))

    def publish_scheduled(self) -> None:
        self.site.add(a_post(self.draft(), "2026-10-01T08:00:00", date=self.time))

    def draft(self) -> int:
        return self.drafts.pop(self.dice.randrange(len(self.drafts)))

    def delete(self) -> None:
        self.site.delete(*sorted(self.site.posts)[: self.dice.randrange(20)])


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_newsroom_does_meanwhile_the_press_knows_it_in_the_end(site, seed, monkeypatch):
    """The search reaches back far enough to mend mistakes of the press; here it does not."""
    monkeypatch.setattr(wordpress_memory, "_OVERLAP", timedelta(seconds=2))
    newsroom = ALivelyNewsroom(site, seed)
    reader, known = Reader(site.url), {}
    for energy in (25, 25, 25, 0):
        newsroom.energy = energy
        now = (newsroom.clock - timedelta(hours=5)).replace(tzinfo=UTC) + timedelta(seconds=1)

        known |= {found.source_id: found.title for found in reader.fetch(now)}

        newsroom.clock += timedelta(hours=3)
    living = {str(number): raw(**post).title for number, post in site.posts.items()}
    assert {key: known.get(key) for key in living} == living


class TestWhatIsStillThere:
    @pytest.fixture
    def read(self, site) -> Reader:
        site.add(*(a_post(number) for number in range(1, 251)))
        reader = Reader(site.url)
        reader.fetch()
        site.asked.clear()
        return reader

    def test_is_told_after_a_week_and_not_before(self, site, read):
        site.delete(7)

        read.fetch(NOW + WEEK - timedelta(minutes=1))
        before = read.present
        read.fetch(NOW + WEEK)
        then = read.present
        read.fetch(NOW + WEEK + timedelta(minutes=1))

        assert before is None
        assert then == frozenset(str(number) for number in range(1, 251) if number != 7)
        assert read.present is None
        assert [query["_fields"] for query in site.lists() if "offset" in query] == ["id", "id", "id"]

    def test_what_comes_and_goes_meanwhile_hides_none_that_stayed(self, site, read):
        once(site, lambda query: query.get("offset") == "99", lambda: site.delete(*range(1, 51)))

        read.fetch(NOW + WEEK)

        assert read.present >= {str(number) for number in range(51, 251)}

    def test_a_list_that_fails_half_way_is_not_told_and_stops_nothing(self, site, read):
        site.edit(7, "2026-11-27T12:00:00")
        site.refuse = lambda query: Answer(status=500) if query.get("offset") == "198" else None

        articles = read.fetch(NOW + WEEK)

        assert ids(articles) == [7]
        assert read.present is None
        assert "cannot be listed" in read.problems[0]
        read.fetch(NOW + WEEK + timedelta(minutes=10))
        assert read.problems == []
        site.refuse = lambda query: None
        read.fetch(NOW + WEEK + timedelta(days=1))
        assert len(read.present) == 250

    def test_a_list_that_is_empty_is_not_told(self, site, read):
        site.posts.clear()

        read.fetch(NOW + WEEK)

        assert read.present is None

    def test_a_server_that_asks_for_patience_is_asked_for_the_rest_later(self, site, read):
        patience = Answer(status=429, headers={"Retry-After": "600"})
        site.refuse = lambda query: patience if query.get("offset") == "198" else None
        with pytest.raises(SourceError, match="429"):
            read.fetch(NOW + WEEK)
        site.refuse = lambda query: None

        read.fetch(NOW + WEEK + timedelta(minutes=10))

        assert len(read.present) == 250


class TestPostsThatBreakTheSite:
    def test_the_others_arrive_and_it_is_named(self, site):
        site.add(*(a_post(number) for number in range(1, 121)))
        site.failing = {60}
        reader = Reader(site.url)

        articles = reader.fetch()

        assert sorted(ids(articles)) == [number for number in range(1, 121) if number != 60]
        assert f"{site.url}/?p=60  cannot be read: " in reader.problems[0]
        assert "answered 500" in reader.problems[0]

    def test_it_arrives_once_the_site_is_mended(self, site):
        site.add(*(a_post(number) for number in range(1, 121)))
        site.failing = {60, 61, 62}
        reader = Reader(site.url)
        reader.fetch()
        site.failing = {61}

        later = reader.fetch() + reader.fetch()
        reader.fetch()

        assert sorted(ids(later)) == [60, 62]
        assert len(reader.problems) == 1

    def test_one_that_was_deleted_is_asked_for_no_more(self, site):
        site.add(a_post(1), a_post(2))
        site.failing = {2}
        reader = Reader(site.url)
        reader.fetch()
        site.delete(2)

        reader.fetch()
        reader.fetch()

        assert (reader.problems, reader.steps[0].unchanged) == ([], True)

    def test_a_site_that_cannot_bring_so_many_is_asked_for_fewer(self, site):
        site.add(*(a_post(number) for number in range(1, 31)))
        site.most = 7
        reader = Reader(site.url)

        articles = reader.fetch()

        assert ids(articles) == list(range(1, 31))
        assert reader.problems == []

    def test_a_site_that_fails_at_everything_is_an_error(self, site):
        site.add(*(a_post(number) for number in range(1, 51)))
        site.most = 0

        with pytest.raises(SourceError, match="answered 500"):
            Reader(site.url).fetch()


class TestFindingTheApi:
    def test_it_is_looked_for_once(self, site):
        site.add(a_post(1))
        reader = Reader(site.url)

        reader.fetch()
        reader.fetch()

        assert [query["route"] for query in site.asked].count("index") == 1

    def test_it_is_found_without_pretty_permalinks(self, site):
        site.pretty = False
        site.add(*(a_post(number) for number in range(1, 121)))

        assert ids(Reader(site.url).fetch()) == list(range(1, 121))

    @pytest.mark.parametrize("pretty", [True, False])
    @pytest.mark.parametrize("end", ["", "/", "/wp-json/"])
    def test_it_is_found_in_a_subfolder(self, pretty, end):
        with a_wordpress("/news") as site:
            site.pretty = pretty
            site.add(a_post(1))

            assert ids(Reader(site.url + end).fetch()) == [1]

    def test_it_is_found_again_when_the_permalinks_were_changed(self, site):
        site.add(a_post(1))
        reader = Reader(site.url)
        reader.fetch()
        site.pretty = False
        site.add(a_post(2, date="2026-11-20T12:50:00"))

        assert ids(reader.fetch()) == [2]

    def test_another_address_in_the_configuration_is_another_site(self, site):
        site.add(a_post(1))
        reader = Reader(site.url)
        reader.fetch()
        with a_wordpress() as other:
            other.add(a_post(1), a_post(2))
            reader.url = other.url

            assert ids(reader.fetch()) == [1, 2]

    def test_a_permanent_redirect_is_remembered(self, site):
        with a_wordpress() as new:
            new.add(a_post(1))
            to_the_new = Answer(status=301, headers={"Location": f"{new.url}/wp-json/"})
            site.refuse = lambda query: to_the_new
            reader = Reader(site.url)

            articles = reader.fetch()

            assert ids(articles) == [1]
            assert len(site.asked) == 1


class TestErrors:
    def error(self, site: WordPress, state: Mapping[str, Any] | None = None) -> SourceError:
        with pytest.raises(SourceError) as caught:
            Reader(site.url, state or {}).fetch()
        return caught.value

    def test_a_site_that_is_no_wordpress_is_named_with_what_it_said(self, site):
        site.refuse = lambda query: Answer(b"<!DOCTYPE html><title>Hello</title>")

        message = str(self.error(site))

        assert f"{site.url} shows no WordPress REST API" in message
        assert f"{site.url}/wp-json/ is a web page, not JSON" in message
        assert f'type = "feed", url = "{site.url}/feed/"' in message

    def test_a_login_page_is_named_by_its_own_address(self, site):
        login = Answer(status=302, headers={"Location": f"{site.url}/wp-login.php"})
        site.refuse = lambda query: login if query["route"] == "index" else None

        assert f"which leads to {site.url}/wp-login.php, is a web page" in str(self.error(site))

    def test_a_web_page_where_posts_should_be_is_an_error(self, site):
        site.refuse = lambda query: Answer(b"<p>Maintenance</p>") if query["route"] == "posts" else None

        assert "is a web page, not a list in JSON" in str(self.error(site))

    @pytest.mark.parametrize("body", [b"", b"{}", b"[", b'{"namespaces": 3}', b"\xff", b'{"namespaces": ["x"]}'])
    def test_an_index_that_is_none_is_an_error(self, site, body):
        site.refuse = lambda query: Answer(body)

        assert "shows no WordPress REST API" in str(self.error(site))

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("route", ["index", "posts"])
    def test_a_closed_api_names_the_feed_as_the_way_out(self, site, status, route):
        closed = _json({"code": "rest_login_required", "message": "Only for <b>members</b>."}, status)
        site.refuse = lambda query: closed if query["route"] == route else None

        message = str(self.error(site))

        assert f"answered {status} (Only for members)" in message
        assert "keeps its REST API closed" in message
        assert f'type = "feed", url = "{site.url}/feed/"' in message
        assert len(site.asked) <= 2

    @pytest.mark.parametrize("route", ["index", "posts", "categories"])
    def test_too_many_requests_say_when_to_come_again(self, site, route):
        site.add(a_post(1))
        patience = Answer(status=429, headers={"Retry-After": "120"})
        site.refuse = lambda query: patience if query["route"] == route else None

        assert self.error(site).not_before == NOW + timedelta(minutes=2)

    def test_whole_posts_refused_for_a_while_are_not_asked_for_one_by_one(self, site):
        site.add(a_post(1), a_post(2))
        patience = Answer(status=429, headers={"Retry-After": "120"})
        site.refuse = lambda query: patience if "_embed" in query else None

        assert self.error(site).not_before == NOW + timedelta(minutes=2)
        assert len(site.whole()) == 1

    def test_a_parameter_that_the_site_refuses_is_told_in_its_words(self, site):
        refusal = _json({"code": "rest_invalid_param", "message": "Invalid parameter(s): per_page"}, 400)
        site.refuse = lambda query: refusal if query["route"] == "posts" else None

        assert "answered 400 (Invalid parameter(s): per_page)" in str(self.error(site))

    def test_a_site_that_is_not_there_is_an_error(self):
        with pytest.raises(SourceError, match="cannot be fetched"):
            Reader("http://127.0.0.1:1").fetch()

    def test_a_page_past_the_last_is_the_end_and_no_error(self, site):
        site.add(*(a_post(number) for number in range(1, 101)))

        async def past() -> tuple[Any, ...]:
            async with Fetcher(["127.0.0.1"], pause=0) as http:
                listed = await Api(http, site.url, f"{site.url}/wp-json/", NOW).list("wp/v2/posts", page=2)
                return listed.rows

        assert asyncio.run(past()) == ()


class TestCategories:
    def test_all_pages_are_read(self, site):
        site.categories = [{"id": n, "name": f"C{n}", "slug": f"c{n}", "parent": n - 1} for n in range(10, 260)]
        site.add(a_post(1, categories=[259]))

        (raw,) = Reader(site.url).fetch()

        assert raw.sections[0].startswith("C10/C11/")
        assert raw.sections[0].endswith("/C258/C259")

    def test_one_that_the_site_keeps_to_itself_is_looked_for_once_a_day(self, site):
        terms = [[{"id": 99, "name": "Members", "slug": "members", "taxonomy": "category"}]]
        site.add(*(a_post(number, categories=[99], _embedded={"wp:term": terms}) for number in range(1, 121)))

        articles = Reader(site.url).fetch()

        assert {found.sections for found in articles} == {("Members",)}
        assert [query["route"] for query in site.asked].count("categories") == 1

    def test_they_are_read_again_for_an_unknown_one_and_after_a_day(self, site):
        site.add(a_post(1))
        reader = Reader(site.url)
        reader.fetch()
        site.categories.append({"id": 9, "name": "Climate", "slug": "climate", "parent": 0})
        site.add(a_post(2, date="2026-11-20T12:50:00", categories=[9]))
        (second,) = reader.fetch()
        site.categories[1] = {"id": 2, "name": "The World", "slug": "world", "parent": 0}
        site.add(a_post(3, date="2026-11-20T12:55:00"))
        (third,) = reader.fetch()
        site.add(a_post(4, date="2026-11-21T13:00:00"))
        (fourth,) = reader.fetch(NOW + timedelta(days=1, hours=1))

        assert (second.sections, third.sections, fourth.sections) == (("Climate",), ("World",), ("The World",))
        assert [query["route"] for query in site.asked].count("categories") == 3


class TestTags:
    def test_of_a_post_with_more_than_are_embedded_are_all_read(self, site):
        ten = [{"id": n, "name": f"Tag {n} &amp; more", "taxonomy": "post_tag"} for n in range(1, 11)]
        site.add(a_post(1, tags=list(range(1, 131)), _embedded={"wp:term": [[], ten]}), a_post(2, tags=[7, 999]))

        first, second = Reader(site.url).fetch()

        assert first.tags == tuple(f"Tag {number} & more" for number in range(1, 131))
        assert second.tags == ()
        assert [len(query["include"].split(",")) for query in site.asked if query["route"] == "tags"] == [100, 30]

    def test_are_those_embedded_where_the_site_keeps_the_others_closed(self, site):
        ten = [{"id": n, "name": f"Tag {n}", "taxonomy": "post_tag"} for n in range(1, 11)]
        site.add(a_post(1, tags=list(range(1, 12)), _embedded={"wp:term": [[], ten]}))
        site.refuse = lambda query: Answer(status=403) if query["route"] == "tags" else None
        reader = Reader(site.url)

        (found,) = reader.fetch()

        assert len(found.tags) == 10
        assert "its tags cannot be read" in reader.problems[0]


def raw(**changes: Any) -> RawArticle:
    categories = {"1": ("", 0), "2": ("World", 0), "3": ("Trier & Region", 2), "7": ("Lost", 8), "8": ("Loop", 7)}
    return article(a_post(1) | changes, categories, {}, KARACHI, "https://journal.example")


def embedding(**relations: Any) -> RawArticle:
    return raw(_embedded={name.replace("wp_", "wp:"): value for name, value in relations.items()})


class TestAPost:
    def test_it_arrives_with_all_that_it_says(self, site):
        photograph = {
            "source_url": "https://journal.example/port.jpg",
            "alt_text": "The port &amp; its cranes",
            "caption": {"rendered": "<p>Cranes <em>move</em>.</p>"},
            "media_details": {"image_meta": {"credit": "Bob Lens"}},
        }
        terms = [[{"id": 3, "name": "Trier", "taxonomy": "category"}], [{"name": "Q&amp;A", "taxonomy": "post_tag"}]]
        embedded = {"author": [ADA], "wp:featuredmedia": [photograph], "wp:term": terms}
        site.add(a_post(1, categories=[3, 2], comment_status="open", _embedded=embedded, sticky=True))

        (found,) = Reader(site.url).fetch()

        link = "https://journal.example/2026/11/story-1/"
        assert found == RawArticle(
            source_id="1",
            title="Story 1 – & more",
            body="<p>The text of story 1.</p>",
            where=link,
            format="wordpress",
            url=link,
            base=link,
            authors=(
                Author(
                    "Ada Writer",
                    "Ada writes & reads.",
                    "https://journal.example/96.png",
                    "https://journal.example/author/ada/",
                ),
            ),
            published=datetime(2026, 11, 19, 3, 0, 1, tzinfo=UTC),
            modified=datetime(2026, 11, 19, 3, 0, 1, tzinfo=UTC),
            sections=("World/Trier & Region", "World"),
            tags=("Q&A",),
            image=Image("https://journal.example/port.jpg", "The port & its cranes", "Cranes move.", "Bob Lens"),
            slug="story-1",
            comments=f"{link}#respond",
        )

    def test_it_survives_cleaning(self):
        desk = cleaning.Desk(a_publication())

        cleaned = cleaning.clean(raw(content={"rendered": "<p>It <a href='/x'>moves</a>.</p>"}), "site", desk)

        assert cleaned.problems == []
        assert (cleaned.article.headline, cleaned.article.sections) == ("Story 1 – & more", ("world",))
        assert 'href="https://journal.example/x"' in cleaned.article.body

    def test_one_without_anything_embedded_is_read(self):
        post = a_post(1)
        del post["_embedded"], post["_links"]

        found = article(post, {"2": ("World", 0)}, {}, KARACHI, "https://journal.example")

        assert (found.authors, found.tags, found.image, found.sections) == ((), (), None, ("World",))

    def test_a_protected_one_is_for_members_and_has_no_text(self):
        hidden = {"rendered": "<p>Secret</p>", "protected": True}

        found = raw(content=hidden, excerpt=hidden)

        assert (found.access, found.body, found.standfirst) == (Access.MEMBERS, "", "")

    def test_only_a_published_one_is_usable(self):
        assert raw().status is Status.USABLE
        assert raw(status="private").status is Status.WITHHELD

    def test_a_slug_in_another_script_is_readable(self):
        assert raw(slug="%d8%a8%d9%86%d8%af%d8%b1").slug == "بندر"

    def test_one_without_a_link_is_placed_by_its_id(self):
        found = raw(link=None, comment_status="open")

        assert (found.url, found.where, found.comments) == (None, "https://journal.example/?p=1", "")


class TestDates:
    def test_the_universal_ones_are_taken(self):
        found = raw(date_gmt="2026-11-19T04:30:00", modified_gmt="2026-11-19T05:30:00")

        assert found.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
        assert found.modified == datetime(2026, 11, 19, 5, 30, tzinfo=UTC)
        assert found.origins == {}

    @pytest.mark.parametrize("gmt", [None, "", "0000-00-00T00:00:00", "-0001-11-30T00:00:00", "2026-02-31T00:00:00", 7])
    def test_the_sites_own_stand_in_and_are_told(self, gmt):
        found = raw(date="2026-11-19T09:30:00", date_gmt=gmt, modified_gmt=gmt, modified="2026-11-19T10:30:00")

        assert found.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
        assert found.modified == datetime(2026, 11, 19, 5, 30, tzinfo=UTC)
        assert found.origins == {"published": "date", "modified": "modified"}

    @pytest.mark.parametrize(
        "none", [None, "0000-00-00T00:00:00", "-0001-11-30T00:00:00", "soon", "2026-13-01T00:00:00"]
    )
    def test_without_any_they_are_unknown(self, none):
        post = a_post(1) | {"date": none, "date_gmt": none, "modified": none, "modified_gmt": none}

        found = article(post, {}, {}, KARACHI, "https://journal.example")

        assert (found.published, found.modified, found.origins) == (None, None, {})


class TestTheStandfirst:
    BODY = "<p>" + " ".join(f"word{number}" for number in range(200)) + "</p>"
    FIRST = " ".join(f"word{number}" for number in range(55))

    def of(self, excerpt: str, body: str = BODY) -> str:
        return raw(excerpt={"rendered": excerpt}, content={"rendered": body}).standfirst

    @pytest.mark.parametrize(
        "excerpt",
        [
            "",
            f"<p>{FIRST} [&hellip;]</p>\n",
            f"<p>{FIRST} [...]</p>",
            f"<p>{FIRST}&hellip;</p>",
            f"<p>{FIRST}</p>",
            f'<p>{FIRST} &hellip; <a class="more-link" href="/">Continue reading <span>“Story”</span></a></p>',
            f'<p>{FIRST} <a href="/">Read More</a></p>',
            "<p>Other words than the text, cut by a plugin [&hellip;]</p>",
            '<p>Other words&hellip; <a href="/">Continue reading Story</a></p>',
        ],
    )
    def test_of_an_excerpt_that_wordpress_cut_is_empty(self, excerpt):
        assert self.of(excerpt) == ""

    def test_of_a_short_story_that_is_its_own_excerpt_is_empty(self):
        assert self.of("<p>Prices rise.</p>\n", "<p>Prices <b>rise</b>.</p>") == ""

    def test_of_an_excerpt_that_left_a_caption_out_is_empty(self):
        assert self.of(f"<p>{self.FIRST}</p>", f"<figcaption>A caption of some words</figcaption>{self.BODY}") == ""

    @pytest.mark.parametrize(
        "excerpt",
        [
            "The cranes move again.",
            "The cranes move again…",
            "Why people read more than ever.",
            "“The port […] is open,” she said.",
            "word0 word1 and then something that nobody else wrote",
        ],
    )
    def test_that_a_person_wrote_is_kept(self, excerpt):
        assert self.of(f"<p>{excerpt}</p>\n") == excerpt


class TestAuthors:
    def test_an_error_in_the_place_of_one_is_none(self):
        assert embedding(author=[INVALID_USER]).authors == ()

    def test_a_forbidden_list_is_none(self):
        assert embedding(author={"code": "rest_forbidden", "message": "No."}).authors == ()

    def test_the_plugin_publishpress_tells_all_of_them(self):
        bob = {
            "slug": "bob",
            "display_name": "Bob O&#8217;Lens",
            "is_guest": 1,
            "description": "Bob <b>photographs</b>.",
            "avatar_url": {"url": "https://journal.example/bob.png", "url2x": "https://journal.example/bob2.png"},
            "job_title": "Photographer",
        }
        listed = [bob, {"slug": "ada", "display_name": "Ada Writer", "avatar_url": "https://journal.example/a.png"}]

        found = raw(authors=listed)

        assert [author.name for author in found.authors] == ["Bob O’Lens", "Ada Writer"]
        assert found.authors[0].biography == "Bob photographs."
        assert found.authors[0].picture == "https://journal.example/bob2.png"
        assert found.authors[0].role == "Photographer"
        assert found.authors[1].biography == "Ada writes & reads."
        assert found.authors[1].url == "https://journal.example/author/ada/"
        assert found.origins == {"authors": "authors"}

    def test_the_plugin_co_authors_plus_tells_them_as_terms(self):
        terms = [
            {"name": "ada", "slug": "cap-ada", "taxonomy": "author"},
            {"name": "carl-de-vries", "slug": "cap-carl-de-vries", "taxonomy": "author"},
            {"name": "The Desk", "slug": "desk", "taxonomy": "author", "link": "https://journal.example/author/desk/"},
        ]

        found = embedding(author=[ADA], wp_term=[[], [], terms])

        assert [author.name for author in found.authors] == ["Ada Writer", "Carl De Vries", "The Desk"]
        assert found.authors[0].biography == "Ada writes & reads."
        assert found.authors[2].url == "https://journal.example/author/desk/"
        assert found.origins == {"authors": "wp:term"}

    def test_a_field_of_bare_ids_tells_nobody(self):
        found = raw(coauthors=[12, 13])

        assert [author.name for author in found.authors] == ["Ada Writer"]

    def test_a_field_of_people_does(self):
        found = raw(coauthors=[{"display_name": "Eve Extra", "user_nicename": "eve"}])

        assert [author.name for author in found.authors] == ["Eve Extra"]
        assert found.origins == {"authors": "coauthors"}


class TestTheImage:
    @pytest.mark.parametrize("media", [[{"code": "rest_forbidden", "message": "No."}], {"code": "x"}, [[]], [], None])
    def test_that_is_forbidden_is_none(self, media):
        assert embedding(wp_featuredmedia=media).image is None

    def test_without_details_is_its_address(self):
        found = embedding(wp_featuredmedia=[{"source_url": "https://journal.example/a.jpg", "media_details": []}])

        assert found.image == Image("https://journal.example/a.jpg")

    def test_has_its_credit_from_a_plugins_field_too(self):
        media = {"source_url": "https://journal.example/a.jpg", "meta": {"credit_url": "x", "media_credit": "Bob Lens"}}

        assert embedding(wp_featuredmedia=[media]).image.credit == "Bob Lens"

    def test_is_taken_from_jetpack_where_nothing_is_embedded(self):
        found = raw(jetpack_featured_media_url="https://journal.example/b.jpg")

        assert found.image == Image("https://journal.example/b.jpg")
        assert found.origins == {"image": "jetpack_featured_media_url"}


class TestSections:
    @pytest.mark.parametrize(
        ("categories", "sections"),
        [
            ([2], ("World",)),
            ([3, 2], ("World/Trier & Region", "World")),
            ([1], ()),
            ([1, 2], ("World",)),
            ([], ()),
            ([99], ()),
            ([7], ("Loop/Lost",)),
            ([2, 2], ("World",)),
            (None, ("World",)),
        ],
    )
    def test_are_trails_of_names(self, categories, sections):
        assert raw(categories=categories).sections == sections

    def test_that_the_site_hides_from_its_list_have_their_names_alone(self):
        terms = [[{"id": 99, "name": "Hidden &amp; Co", "taxonomy": "category"}]]

        found = raw(categories=[99], _embedded={"wp:term": terms})

        assert found.sections == ("Hidden & Co",)

    def test_and_a_list_that_php_wrote_as_an_object_is_one(self):
        terms = {"0": {"1": {"name": "port", "taxonomy": "post_tag"}}}

        assert embedding(wp_term=terms).tags == ("port",)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "rendered", "author", "wp:term", "id", "slug", "96", "avatar_urls", "taxonomy"])
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*a_post(1), "authors", "coauthors"]), junk))
def test_a_post_of_any_shape_is_an_article(changes):
    found = article(a_post(1) | changes | {"id": 1}, {"2": ("World", 0)}, {}, KARACHI, "https://journal.example")

    assert isinstance(found.title, str)
    assert all(author.name for author in found.authors)
