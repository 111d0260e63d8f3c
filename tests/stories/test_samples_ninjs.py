"""Items as agencies write them, in every generation of ninjs."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from publisher.clean import article as cleaning
from publisher.clean.text import from_html
from publisher.fetch import Fetcher
from publisher.model.article import RawArticle, Status
from publisher.ports import Fetched
from publisher.sources.ninjs.source import NinjsSource
from tests.builders import SAMPLES, a_publication, fetched_from

NAMES = sorted(path.name for path in (SAMPLES / "ninjs").iterdir()) if SAMPLES.is_dir() else ["none here"]
EVENT = "3.0-20231004-UEFA-ChampionLeague.json"
STORIES = [name for name in NAMES if name != EVENT]


def fetched(samples: Path, place: str) -> Fetched:
    source = NinjsSource("agency", place, samples, a_publication().zone, Fetcher())
    return asyncio.run(fetched_from(source, {}))


def told(samples: Path, name: str) -> tuple[RawArticle, dict[str, Any]]:
    """The story of a file, and the file with all names in lower case."""
    found = fetched(samples, f"ninjs/{name}")
    assert found.problems == ()
    item = json.loads((samples / "ninjs" / name).read_bytes())
    return found.articles[0], {key.lower(): value for key, value in item.items()}


@pytest.mark.parametrize("name", STORIES)
def test_every_story_arrives_with_what_its_item_says(samples, name):
    article, item = told(samples, name)

    headlines = [one["value"] for one in item.get("headlines", [{"value": item.get("headline")}])]
    assert article.format == f"ninjs {name[0]}"
    assert article.source_id == item["uri"]
    assert article.title == headlines[0]
    assert article.modified == datetime.fromisoformat(item["versioncreated"])
    assert article.language == item.get("language")
    assert (article.status, article.embargo, article.url) == (Status.USABLE, None, None)
    assert [author.name for author in article.authors] == [
        said.removeprefix("Von ") for said in (item.get("by", item.get("byline")),) if said
    ]


@pytest.mark.parametrize("name", STORIES)
def test_it_is_published_when_its_first_version_was_made_or_nobody_knows_when(samples, name):
    article, item = told(samples, name)

    first = item.get("firstcreated")
    assert article.published == (datetime.fromisoformat(first) if first else None)


@pytest.mark.parametrize("name", STORIES)
def test_its_text_is_the_html_and_survives_cleaning(samples, name):
    article, item = told(samples, name)
    bodies = [one["value"] for one in item.get("bodies", []) if "html" in one["role"]] or [item.get("body_xhtml", "")]

    cleaned = cleaning.clean(article, "agency", cleaning.Desk(a_publication(), section="world"))

    assert article.body == bodies[0]
    assert cleaned.problems == []
    assert cleaned.article.words >= 0.9 * len(from_html(article.body).split())


def test_a_calendars_event_is_no_story(samples):
    found = fetched(samples, f"ninjs/{EVENT}")

    assert (found.articles, found.problems) == ((), ())


def test_a_package_with_a_text_is_one_with_its_picture(samples):
    article, item = told(samples, "1.4-ninjsExComplex1.json")

    picture = item["associations"]["mainpic"]
    assert article.image.url == picture["renditions"]["main"]["href"]
    assert article.image.caption == from_html(picture["description_text"])
    assert (article.image.alt, article.image.credit) == (picture["headline"], picture["byline"])


def test_a_picture_for_print_gives_way_to_one_for_the_web(samples):
    article, item = told(samples, "2.1-tt_text_image_2.json")

    (picture,) = item["associations"]
    assert article.image.url == picture["renditions"][1]["href"]
    assert article.image.credit == picture["by"]
    assert (article.kind, article.sections) == (item["genres"][0]["name"], (item["subjects"][0]["name"],))
    assert article.standfirst == ""  # its description is cut from the text


def test_a_story_without_a_text_has_its_description(samples):
    article, item = told(samples, "2.1-ntb_text.json")

    assert (article.standfirst, article.body) == (item["descriptions"][0]["value"].strip(), "")
    assert article.sections == tuple(subject["name"] for subject in item["subjects"])


def test_a_folder_brings_each_story_once(samples):
    """One of them lies there in two generations."""
    found = fetched(samples, "ninjs")

    ids = [article.source_id for article in found.articles]
    assert found.problems == ()
    assert len(ids) == len(set(ids)) == len(STORIES) - 1
