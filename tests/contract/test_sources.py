"""What every source promises, whatever it reads."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from publisher.clean import article as cleaning
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.ports import Fetched
from publisher.sources.feed import FeedSource
from publisher.sources.folder import FolderSource
from tests.builders import NOW, a_publication
from tests.unit.test_fetch import Answer, a_website

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
FORMATS = ["rss.xml", "rdf.xml", "atom.xml", "feed.json"]


@dataclass
class Case:
    """A kind of source with two good entries and a bad one, and one of its kind that is not there."""

    kind: str
    here: str
    gone: str

    def fetch(self, state: Mapping[str, Any] | None = None, place: str = "") -> Fetched:
        return asyncio.run(self._fetch(place or self.here, state or {}))

    async def _fetch(self, place: str, state: Mapping[str, Any]) -> Fetched:
        async with Fetcher(allow_private=["127.0.0.1"]) as http:
            if self.kind == "folder":
                return await FolderSource("wire", Path(place), a_publication().zone).fetch(state, NOW)
            return await FeedSource("wire", place, Path("/"), http).fetch(state, NOW)


@pytest.fixture(params=["folder", *(f"file {name}" for name in FORMATS), *(f"http {name}" for name in FORMATS)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    kind, _, name = request.param.partition(" ")
    if kind == "folder":
        yield Case(kind, str(_a_folder(tmp_path / "articles")), str(tmp_path / "nowhere"))
    elif kind == "file":
        shutil.copy(FEEDS / name, tmp_path / name)
        yield Case(kind, str(tmp_path / name), str(tmp_path / "nowhere.xml"))
    else:
        with a_website() as site:
            site.answers["/feed"] = Answer((FEEDS / name).read_bytes(), headers={"ETag": '"one"'})
            yield Case(kind, f"{site.url}/feed", f"{site.url}/nowhere")


def _a_folder(folder: Path) -> Path:
    folder.mkdir()
    port = '---\ntitle: "Analysis: The port reopens"\ndate: 2026-11-19T09:30:00+05:00\nsection: World\n---\n'
    (folder / "port.md").write_text(port + "The cranes move again, [all nine](/cranes).\n")
    (folder / "fish.html").write_text("<title>Fish &amp; fuel</title><p>Prices rise.</p>")
    (folder / "nothing.md").write_text("")
    return folder


def test_the_good_entries_arrive_and_the_bad_one_is_a_problem(case):
    fetched = case.fetch()

    assert sorted(article.title for article in fetched.articles) == ["Analysis: The port reopens", "Fish & fuel"]
    assert len(fetched.problems) == 1
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


def test_a_source_that_is_not_there_is_an_error_with_its_place(case):
    with pytest.raises(SourceError) as caught:
        case.fetch(place=case.gone)

    assert case.gone in str(caught.value)


def test_its_articles_survive_cleaning(case):
    desk = cleaning.Desk(a_publication(), section="economy")

    cleaned = [cleaning.clean(raw, "wire", desk) for raw in case.fetch().articles]

    port = next(article for article, _ in cleaned if article and article.kind)
    assert [problem for _, problems in cleaned for problem in problems] == []
    assert (port.kind, port.headline, port.sections) == ("Analysis", "The port reopens", ("world",))
    assert port.teaser.startswith("The cranes move again")
    assert "script" not in port.body
    assert "onclick" not in port.body
    assert 'href="/' not in port.body
