"""What every source promises, whatever it reads."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from publisher.clean import article as cleaning
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.ports import Fetched, Http, Source
from publisher.sources.feed.source import FeedSource
from publisher.sources.folder import FolderSource
from publisher.sources.ghost.source import GhostSource
from publisher.sources.ninjs.source import NinjsSource
from publisher.sources.page.source import PageSource
from publisher.sources.wordpress.source import WordPressSource
from publisher.sources.wxr import WxrSource
from tests.builders import a_publication, fetched_from
from tests.unit import test_ghost_source as ghost
from tests.unit import test_wordpress_source as wordpress
from tests.websites import Answer, a_website

DATA = Path(__file__).parents[1] / "data"
ZONE = a_publication().zone
BODY = '<p onclick="steal()">The cranes move again, <a href="/cranes">all nine</a>.</p><script>steal()</script>'
Make = Callable[[str, Http], Source]


@dataclass
class Case:
    """A kind of source with two good entries and a bad one, and one of its kind that is not there."""

    make: Make
    here: str
    gone: str

    def fetch(self, state: Mapping[str, Any] | None = None, place: str = "") -> Fetched:
        """All parts of one fetch as one; the state has been to disk and back."""
        return asyncio.run(self._fetch(place or self.here, state or {}))

    async def _fetch(self, place: str, state: Mapping[str, Any]) -> Fetched:
        parts: list[Fetched] = []
        async with Fetcher(allow_private=["127.0.0.1"], pause=0) as http:
            while not parts or parts[-1].more:
                before = json.loads(json.dumps(dict(parts[-1].state if parts else state)))
                parts.append(await fetched_from(self.make(place, http), before))
                assert len(parts) < 20
        return Fetched(
            tuple(article for part in parts for article in part.articles),
            parts[-1].state,
            tuple(problem for part in parts for problem in part.problems),
            all(part.unchanged for part in parts),
            present=next((part.present for part in parts if part.present is not None), None),
        )


@contextmanager
def a_folder(tmp_path: Path) -> Iterator[Case]:
    folder = tmp_path / "articles"
    folder.mkdir()
    port = '---\ntitle: "Analysis: The port reopens"\ndate: 2026-11-19T09:30:00+05:00\nsection: World\n---\n'
    (folder / "port.md").write_text(port + "The cranes move again, [all nine](/cranes).\n")
    (folder / "fish.html").write_text("<title>Fish &amp; fuel</title><p>Prices rise.</p>")
    (folder / "nothing.md").write_text("")
    yield Case(lambda place, http: FolderSource("wire", Path(place), ZONE), str(folder), str(tmp_path / "nowhere"))


def a_feed_file(name: str) -> Callable[[Path], Any]:
    @contextmanager
    def case(tmp_path: Path) -> Iterator[Case]:
        shutil.copy(DATA / "feeds" / name, tmp_path / name)
        yield Case(
            lambda place, http: FeedSource("wire", place, Path("/"), http),
            str(tmp_path / name),
            str(tmp_path / "nowhere.xml"),
        )

    return case


def a_feed_on_the_web(name: str) -> Callable[[Path], Any]:
    @contextmanager
    def case(tmp_path: Path) -> Iterator[Case]:
        with a_website() as site:
            site.answers["/feed"] = Answer((DATA / "feeds" / name).read_bytes(), headers={"ETag": '"one"'})
            yield Case(
                lambda place, http: FeedSource("wire", place, Path("/"), http),
                f"{site.url}/feed",
                f"{site.url}/nowhere",
            )

    return case


@contextmanager
def a_wordpress(tmp_path: Path) -> Iterator[Case]:
    undated = {"date": "0000-00-00T00:00:00", "date_gmt": "0000-00-00T00:00:00"}
    with wordpress.a_wordpress() as site:
        site.add(
            wordpress.a_post(
                1,
                title={"rendered": "Analysis: The port reopens"},
                content={"rendered": BODY, "protected": False},
                date="2026-11-19T09:30:00",
                date_gmt="2026-11-19T04:30:00",
                link="https://wire.example/2026/port/",
            ),
            wordpress.a_post(2, "2026-11-19T10:00:00", title={"rendered": "Fish &amp; fuel"}, categories=[4]) | undated,
            wordpress.a_post(3),
        )
        site.failing = {3}
        yield Case(lambda place, http: WordPressSource("wire", place, ZONE, http), site.url, "http://127.0.0.1:9")


@contextmanager
def a_ghost(tmp_path: Path) -> Iterator[Case]:
    world = {"name": "World", "slug": "world", "visibility": "public"}
    with ghost.a_ghost_site() as site:
        site.posts = [
            ghost.a_post(
                1,
                title="Analysis: The port reopens",
                html=BODY,
                published_at="2026-11-19T04:30:00.000+00:00",
                url="https://wire.example/2026/port/",
                tags=[world],
                primary_tag=world,
            ),
            ghost.a_post(2, title="Fish & fuel", html="<p>Prices rise.</p>", published_at=None),
            ghost.a_post(3, title="", html=""),
        ]
        yield Case(
            lambda place, http: GhostSource("wire", place, ghost.KEY, ZONE, http), site.url, "http://127.0.0.1:9"
        )


def a_wire(name: str) -> Callable[[Path], Any]:
    @contextmanager
    def case(tmp_path: Path) -> Iterator[Case]:
        shutil.copy(DATA / "ninjs" / name, tmp_path / name)
        yield Case(
            lambda place, http: NinjsSource("wire", place, Path("/"), ZONE, http),
            str(tmp_path / name),
            str(tmp_path / "nowhere.json"),
        )

    return case


@contextmanager
def an_export(tmp_path: Path) -> Iterator[Case]:
    shutil.copy(DATA / "wxr" / "export.xml", tmp_path / "export.xml")
    yield Case(
        lambda place, http: WxrSource("wire", Path(place), ZONE),
        str(tmp_path / "export.xml"),
        str(tmp_path / "nowhere.xml"),
    )


@contextmanager
def some_pages(tmp_path: Path) -> Iterator[Case]:
    with a_website() as site:
        for name in ("port-graph", "fish", "nothing"):
            content = (DATA / "pages" / f"{name}.html").read_bytes()
            site.answers[f"/{name}"] = Answer(content, headers={"ETag": f'"{name}"'})
        pages = " ".join(f"{site.url}/{name}" for name in ("port-graph", "fish", "nothing"))
        yield Case(
            lambda place, http: PageSource("wire", tuple(place.split()), Path("/"), ZONE, http),
            pages,
            f"{site.url}/nowhere",
        )


FORMATS = ("rss.xml", "rdf.xml", "atom.xml", "feed.json")
CASES = {
    "folder": a_folder,
    **{f"file {name}": a_feed_file(name) for name in FORMATS},
    **{f"http {name}": a_feed_on_the_web(name) for name in FORMATS},
    "wordpress": a_wordpress,
    "ghost": a_ghost,
    **{f"ninjs {generation}": a_wire(f"wire-{generation}.json") for generation in (1, 2, 3)},
    "wxr": an_export,
    "page": some_pages,
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with CASES[request.param](tmp_path) as made:
        yield made


def test_the_good_entries_arrive_and_the_bad_one_is_a_problem(case):
    fetched = case.fetch()

    assert sorted(article.title for article in fetched.articles) == ["Analysis: The port reopens", "Fish & fuel"]
    assert len({problem.where for problem in fetched.problems}) == 1
    assert fetched.unchanged is False


def test_fetched_again_it_brings_nothing_new(case):
    first = case.fetch()

    second = case.fetch(first.state)

    assert first.articles != ()
    assert second.articles == ()


def test_ids_are_unique_and_the_same_from_a_fresh_start(case):
    first, second = case.fetch(), case.fetch()

    ids = [article.source_id for article in first.articles]
    assert ids == [article.source_id for article in second.articles]
    assert len(set(ids)) == len(ids)
    assert all(ids)


def test_dates_are_aware_or_unknown(case):
    dates = {article.title: article.published for article in case.fetch().articles}

    assert dates["Fish & fuel"] is None
    assert dates["Analysis: The port reopens"].isoformat() == "2026-11-19T04:30:00+00:00"


def test_every_article_and_every_problem_names_its_place(case):
    fetched = case.fetch()

    assert all(each.where for each in (*fetched.articles, *fetched.problems))
    assert all(article.format for article in fetched.articles)


def test_a_source_that_is_not_there_is_an_error_with_its_place(case):
    with pytest.raises(SourceError) as caught:
        case.fetch(place=case.gone)

    assert case.gone in str(caught.value)


def test_what_it_says_is_present_are_ids_that_it_brings(case):
    fetched = case.fetch()

    if fetched.present is not None:
        assert {article.source_id for article in fetched.articles} <= fetched.present


def test_its_articles_survive_cleaning(case):
    desk = cleaning.Desk(a_publication(), section="economy")

    cleaned = [cleaning.clean(raw, "wire", desk) for raw in case.fetch().articles]

    port = next(one.article for one in cleaned if one.article and one.article.kind)
    assert [problem for one in cleaned for problem in one.problems] == []
    assert (port.kind, port.headline, port.sections) == ("Analysis", "The port reopens", ("world",))
    assert "The cranes move again" in port.body
    assert port.teaser
    assert port.origins["published"]
    assert "script" not in port.body
    assert "onclick" not in port.body
    assert 'href="/' not in port.body
