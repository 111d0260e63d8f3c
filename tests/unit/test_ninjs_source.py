"""News in ninjs: three generations of one shape, in files and over HTTP."""

import asyncio
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.clean import article as cleaning
from publisher.errors import SourceError
from publisher.fetch import Fetcher
from publisher.model.article import Author, Image, RawArticle, Related, Status
from publisher.ports import Fetched
from publisher.sources.ninjs.source import NinjsSource
from tests.builders import NOW, a_publication, fetched_from
from tests.websites import Answer, Website, a_website

DATA = Path(__file__).parents[1] / "data" / "ninjs"
KARACHI = ZoneInfo("Asia/Karachi")
HTTP = Fetcher(["127.0.0.1"], pause=0)
WIRES = ["wire-1.json", "wire-2.json", "wire-3.json"]


def fetch(place: str | Path, state=None, now: datetime = NOW, root: Path = DATA) -> Fetched:
    async def once() -> Fetched:
        async with HTTP as http:
            return await fetched_from(NinjsSource("wire", str(place), root, KARACHI, http), state or {}, now)

    return asyncio.run(once())


def walk(place: str, state=None) -> list[Fetched]:
    parts = [fetch(place, state)]
    while parts[-1].more:
        parts.append(fetch(place, json.loads(json.dumps(parts[-1].state))))
    return parts


def write(folder: Path, name: str, document: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return path


def an_item(**changes: Any) -> dict[str, Any]:
    return {"uri": "urn:wire:port", "type": "text", "headline": "The port", "body_text": "Cranes move.", **changes}


def a_later_item(generation: int = 2, **changes: Any) -> dict[str, Any]:
    kind = "contenttype" if generation == 2 else "contentType"
    body = {"value": "<p>Cranes move.</p>", kind: "text/html"}
    return {
        "uri": "urn:wire:port",
        "headlines": [{"value": "The port", kind: "text/plain"}],
        "bodies": [body],
        **changes,
    }


def read(folder: Path, item: Any) -> RawArticle:
    fetched = fetch(write(folder, "item.json", item))
    assert fetched.problems == ()
    return fetched.articles[0]


def titles(fetched: Fetched) -> list[str]:
    return [article.title for article in fetched.articles]


class TestShapes:
    @pytest.mark.parametrize(("name", "generation"), [(name, number) for number, name in enumerate(WIRES, 1)])
    def test_every_generation_tells_the_same_story(self, name, generation):
        story, other = fetch(name).articles

        assert story.format == other.format == f"ninjs {generation}"
        assert story.title == "Analysis: The port reopens"
        assert (story.standfirst, story.teaser) == ("Nine cranes, one quay", "The cranes move again, after a year.")
        assert story.body.startswith('<p onclick="x()">The cranes move again, <a href="/cranes">all nine</a>.')
        assert [author.name for author in story.authors] == ["Ada Writer", "Bob Reporter"]
        assert story.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
        assert story.modified == datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
        assert (story.kind, story.sections[0], story.language) == ("Analysis", "World", "en")
        assert (story.url, story.base) == ("https://wire.example/2026/port", "https://wire.example/2026/port")
        assert (story.status, story.embargo) == (Status.USABLE, None)
        picture = replace(story.image, credit="")
        assert picture == Image(
            "https://wire.example/cranes-1400.jpg", "Nine cranes above a quay", "The cranes of Karachi on Thursday."
        )
        assert (other.title, other.published) == ("Fish & fuel", None)
        assert other.body == "<p>Prices rise.</p><p>Fishers stay ashore.</p>"

    @pytest.mark.parametrize("name", WIRES)
    def test_an_item_without_an_id_is_reported_by_its_number(self, name):
        (problem,) = fetch(name).problems

        assert (problem.where, problem.message) == (f"{name}#3", 'it has no "uri".')

    @pytest.mark.parametrize("name", WIRES)
    def test_their_stories_survive_cleaning(self, name):
        desk = cleaning.Desk(a_publication(), section="economy")

        port, fish = (cleaning.clean(raw, "wire", desk) for raw in fetch(name).articles)

        assert [*port.problems, *fish.problems] == []
        assert (port.article.kind, port.article.headline) == ("Analysis", "The port reopens")
        assert port.article.sections == ("world",)
        assert "script" not in port.article.body

    def test_what_superdesk_says_of_authors_arrives(self):
        story = fetch("wire-1.json").articles[0]

        assert story.authors == (
            Author("Ada Writer", "Ada writes about trade.", "https://wire.example/ada.jpg", "", "writer"),
            Author("Bob Reporter", role="reporter"),
        )
        assert story.tags == ("ports", "fuel")

    @pytest.mark.parametrize(
        ("item", "generation"),
        [
            (an_item(), 1),
            (an_item(**{"$standard": {"name": "ninjs"}, "_links": {"self": {}}}), 1),
            (a_later_item(2), 2),
            (a_later_item(3), 3),
            (an_item(by="Ada"), 2),
            (an_item(versionCreated="2026-11-19T06:00:00Z"), 3),
        ],
    )
    def test_a_generation_is_known_by_its_shape(self, tmp_path, item, generation):
        assert read(tmp_path, item).format == f"ninjs {generation}"

    @pytest.mark.parametrize(
        "container", [lambda i: i, lambda i: [i], lambda i: {"_items": [i]}, lambda i: {"items": [i]}]
    )
    def test_a_document_is_an_item_a_list_or_a_container(self, tmp_path, container):
        assert read(tmp_path, container(an_item())).title == "The port"

    def test_an_empty_container_has_no_stories(self, tmp_path):
        fetched = fetch(write(tmp_path, "wire.json", {"_items": []}))

        assert (fetched.articles, fetched.problems) == ((), ())

    def test_a_byte_order_mark_is_no_mistake(self, tmp_path):
        assert read(tmp_path, b"\xef\xbb\xbf" + json.dumps(an_item()).encode()).title == "The port"


class TestIdentity:
    @pytest.mark.parametrize(
        ("said", "identity"),
        [
            ({"uri": "urn:a", "guid": "b", "altids": {"internal": "c"}}, "urn:a"),
            ({"uri": None, "guid": "b"}, "b"),
            ({"uri": "", "altids": {"internal": "c"}}, "c"),
            ({"uri": " ", "altids": [{"role": "internal", "value": "c"}]}, "c"),
            ({"uri": 7, "altIds": [{"role": "internal", "value": "c"}]}, "c"),
        ],
    )
    def test_it_is_the_uri_then_superdesks_guid_then_another_id(self, tmp_path, said, identity):
        assert read(tmp_path, an_item(**said)).source_id == identity

    def test_a_uri_is_no_address_to_read_at(self, tmp_path):
        """It identifies; Superdesk's leads to its own API."""
        assert read(tmp_path, an_item(uri="https://api.wire.example/items/1")).url is None

    @pytest.mark.parametrize("versions", [(1, 2, 10), (10, 2, 1), ("2", "10", "1")])
    def test_of_several_versions_the_last_one_counts(self, tmp_path, versions):
        items = [an_item(version=version, headline=f"Version {version}") for version in versions]

        assert titles(fetch(write(tmp_path, "wire.json", items))) == ["Version 10"]

    def test_without_numbers_the_latest_version_counts(self, tmp_path):
        items = [
            an_item(versioncreated=f"2026-11-19T{hour}:00:00Z", version="final", headline=f"At {hour}")
            for hour in ("09", "11", "10")
        ]

        assert titles(fetch(write(tmp_path, "wire.json", items))) == ["At 11"]

    def test_of_two_that_are_the_same_version_the_later_one_counts(self, tmp_path):
        items = [an_item(headline="First"), an_item(headline="Second")]

        assert titles(fetch(write(tmp_path, "wire.json", items))) == ["Second"]

    def test_versions_in_several_files_are_one_story(self, tmp_path):
        write(tmp_path, "b.json", an_item(version="1", headline="Old"))
        write(tmp_path, "a.json", an_item(version="2", headline="New"))

        assert titles(fetch(tmp_path)) == ["New"]

    def test_an_old_version_that_comes_late_changes_nothing(self, tmp_path):
        """Else a story that was cancelled would be back."""
        write(tmp_path, "2.json", an_item(version="2", pubstatus="canceled"))
        first = fetch(tmp_path)
        write(tmp_path, "1.json", an_item(version="1"))

        second = fetch(tmp_path, first.state)

        assert [article.status for article in first.articles] == [Status.CANCELLED]
        assert (second.articles, second.unchanged) == ((), True)


class TestWords:
    @pytest.mark.parametrize("role", ["subHeadline", "subhead", "http://wire.example/role/sub-headline", "Deck"])
    def test_a_headline_below_the_headline_is_the_standfirst(self, tmp_path, role):
        headlines = [{"role": role, "value": "Nine cranes"}, {"role": "main", "value": "The port"}]

        article = read(tmp_path, a_later_item(headlines=headlines))

        assert (article.title, article.standfirst) == ("The port", "Nine cranes")

    @pytest.mark.parametrize(
        "headlines",
        [
            [{"role": "short", "value": "Port"}, {"value": "The port"}],
            [{"role": "seo", "value": "Port"}, {"role": "main", "value": "The port"}],
            [{"role": "headline", "contenttype": "text/html", "value": "<b>The port</b>"}],
            [{"role": "web", "value": "The port"}],
        ],
    )
    def test_the_main_headline_is_the_title(self, tmp_path, headlines):
        assert read(tmp_path, a_later_item(headlines=headlines)).title == "The port"

    def test_a_title_serves_where_there_is_no_headline(self, tmp_path):
        assert read(tmp_path, an_item(headline=None, title="The port")).title == "The port"

    @pytest.mark.parametrize(
        "key", ["description_summary", "description_text", "description_html", "description_xhtml"]
    )
    def test_a_description_is_the_standfirst(self, tmp_path, key):
        assert read(tmp_path, an_item(**{key: "Nine cranes"})).standfirst == "Nine cranes"

    def test_a_summary_is_preferred_to_other_descriptions(self, tmp_path):
        said = [
            {"role": "text", "value": "Text"},
            {"role": "summary", "contentType": "text/html", "value": "<p>Sum</p>"},
        ]

        assert read(tmp_path, a_later_item(descriptions=said)).standfirst == "Sum"

    @pytest.mark.parametrize("role", ["creditline", "internal", "edNote"])
    def test_a_description_of_another_purpose_is_none(self, tmp_path, role):
        assert read(tmp_path, a_later_item(descriptions=[{"role": role, "value": "The Wire"}])).standfirst == ""

    def test_a_description_that_is_cut_from_the_text_is_not_printed_twice(self, tmp_path):
        text = "Nine cranes began to move again on Thursday, a year after the storm that had silenced all of them."
        item = an_item(body_html=f"<p>KARACHI (TW) - {text}</p>", description_text=text[:70] + "…")

        article = read(tmp_path, item)

        assert (article.standfirst, article.teaser) == ("", "")

    def test_html_is_preferred_and_text_becomes_paragraphs(self, tmp_path):
        both = read(tmp_path, an_item(body_text="Text", body_xhtml="<p>HTML</p>"))
        text = read(tmp_path, an_item(body_text="1 < 2\r\nand so on\r\n \r\nb"))

        assert both.body == "<p>HTML</p>"
        assert text.body == "<p>1 &lt; 2\nand so on</p><p>b</p>"

    def test_text_without_empty_lines_has_a_paragraph_a_line(self, tmp_path):
        assert read(tmp_path, an_item(body_text="One.\nTwo.\n")).body == "<p>One.</p><p>Two.</p>"

    @pytest.mark.parametrize(
        ("body", "html"),
        [
            ({"role": "richhtml5", "value": "<p>a</p>"}, "<p>a</p>"),
            ({"role": "main", "contenttype": "application/xhtml+xml", "value": "<p>a</p>"}, "<p>a</p>"),
            ({"value": "<p>a</p>"}, "<p>a</p>"),
            ({"value": "<b>KARACHI</b> a"}, "<b>KARACHI</b> a"),
            ({"value": "a < b"}, "<p>a &lt; b</p>"),
            ({"role": "text", "value": "<p>a</p>"}, "<p>&lt;p&gt;a&lt;/p&gt;</p>"),
            ({"role": "html", "contenttype": "text/plain", "value": "a"}, "<p>a</p>"),
        ],
    )
    def test_a_bodys_form_is_its_media_type_then_its_role_then_its_look(self, tmp_path, body, html):
        assert read(tmp_path, a_later_item(bodies=[body])).body == html

    @pytest.mark.parametrize(
        "body",
        [
            {"role": "nitf", "value": "<nitf/>"},
            {"value": "<?xml version='1.0'?>"},
            {"contenttype": "application/xml", "value": "x"},
        ],
    )
    def test_a_body_of_another_form_is_reported_and_the_story_comes_without(self, tmp_path, body):
        fetched = fetch(write(tmp_path, "item.json", a_later_item(bodies=[body])))

        assert [(article.title, article.body) for article in fetched.articles] == [("The port", "")]
        assert "Ask for it as HTML or plain text." in str(fetched.problems[0])


class TestAuthors:
    @pytest.mark.parametrize(
        ("said", "name"),
        [
            ({"byline": "Ada Writer and Bob Reporter"}, "Ada Writer and Bob Reporter"),
            ({"byline": "By Ada Writer"}, "Ada Writer"),
            ({"by": "BY ADA WRITER", "language": "en-GB"}, "ADA WRITER"),
            ({"by": "Von Ada Writer, dpa", "language": "de"}, "Ada Writer, dpa"),
            ({"by": "Von Neumann", "language": "en"}, "Von Neumann"),
            ({"byline": "Byron Writer"}, "Byron Writer"),
        ],
    )
    def test_a_byline_is_kept_but_for_its_languages_by(self, tmp_path, said, name):
        assert read(tmp_path, an_item(**said)).authors == (Author(name),)

    def test_people_who_are_named_as_authors_are_and_others_are_not(self, tmp_path):
        people = [{"name": "A minister", "rel": "about"}, {"name": "Ada", "rel": "author"}]
        sources = [{"name": "The Wire"}, {"name": "Bob", "role": "http://wire.example/role/writer"}]

        article = read(tmp_path, a_later_item(people=people, infosources=sources, by="Staff"))

        assert article.authors == (Author("Ada"), Author("Bob", role="writer"))

    def test_authors_without_a_name_leave_the_byline(self, tmp_path):
        assert read(tmp_path, an_item(authors=[{"code": "ada"}], byline="Ada")).authors == (Author("Ada"),)


class TestDates:
    @pytest.mark.parametrize(
        ("said", "published"),
        [
            ({"firstpublished": "2026-11-19T04:30:00Z", "firstcreated": "2026-11-18T00:00:00Z"}, 19),
            ({"firstcreated": "2026-11-18T00:00:00+0000", "versioncreated": "2026-11-19T00:00:00Z"}, 18),
            ({"firstCreated": "2026-11-18T05:00:00"}, 18),
            ({"versioncreated": "2026-11-19T00:00:00Z", "contentcreated": "2026-11-17T00:00:00Z"}, None),
        ],
    )
    def test_published_is_what_says_so_or_when_the_first_version_was_made(self, tmp_path, said, published):
        article = read(tmp_path, an_item(**said))

        assert (article.published and article.published.day) == published

    def test_a_date_without_a_zone_is_the_newsrooms(self, tmp_path):
        article = read(tmp_path, an_item(firstcreated="2026-11-19T09:30:00", versioncreated="2026-11-19"))

        assert article.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
        assert article.modified == datetime(2026, 11, 18, 19, 0, tzinfo=UTC)

    def test_a_date_that_is_none_is_unknown_and_reported(self, tmp_path):
        fetched = fetch(write(tmp_path, "item.json", an_item(versioncreated="soon", firstcreated=7)))

        assert (fetched.articles[0].published, fetched.articles[0].modified) == (None, None)
        assert sorted(problem.message for problem in fetched.problems) == [
            'firstcreated: "7" is not a date.',
            'versioncreated: "soon" is not a date.',
        ]


class TestStatus:
    @pytest.mark.parametrize("key", ["embargoed", "embargoedUntil", "embargo", "embargoed_until"])
    def test_an_embargoed_story_says_until_when(self, tmp_path, key):
        article = read(tmp_path, an_item(**{key: "2026-11-21T06:00:00+05:00", "embargoedreason": "A speech"}))

        assert article.embargo == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
        assert article.status is Status.USABLE

    @pytest.mark.parametrize("last", ["embargoed", "embargoedUntil", "embargo", "embargoed_until"])
    def test_of_several_embargoes_the_latest_instant_counts(self, tmp_path, last):
        """As instants, not as texts: noon in Karachi is before eight in London."""
        keys = ("embargoed", "embargoedUntil", "embargo", "embargoed_until")
        said = dict.fromkeys(keys, "2026-11-21T12:00:00+05:00") | {last: "2026-11-21T08:00:00Z"}

        assert read(tmp_path, an_item(**said)).embargo == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    @pytest.mark.parametrize("key", ["embargoed", "embargoedUntil", "embargo", "embargoed_until"])
    def test_one_unreadable_embargo_among_several_withholds_the_story_and_is_named(self, tmp_path, key):
        others = {"embargoed": "2026-11-19T00:00:00Z", "embargoedUntil": "2026-11-19T00:00:00Z"}

        fetched = fetch(write(tmp_path, "item.json", an_item(**{**others, key: "soon"})))

        assert (fetched.articles[0].status, fetched.articles[0].embargo) == (Status.WITHHELD, None)
        assert [problem.message for problem in fetched.problems] == [f'{key.lower()}: "soon" is not a date.']

    @pytest.mark.parametrize("said", ["until the speech", True, 7, {}, ["2026-11-21T06:00:00Z"]])
    def test_an_embargo_without_an_end_withholds_the_story(self, tmp_path, said):
        item = an_item(embargoed=said or {"until": "the speech"})

        fetched = fetch(write(tmp_path, "item.json", item))

        assert (fetched.articles[0].status, fetched.articles[0].embargo) == (Status.WITHHELD, None)
        assert "withheld until a version says a time" in fetched.problems[0].fix

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            (None, Status.USABLE),
            ("", Status.USABLE),
            ([], Status.USABLE),
            ({}, Status.USABLE),
            ("usable", Status.USABLE),
            ("Usable", Status.USABLE),
            ("stat:usable", Status.USABLE),
            ("withheld", Status.WITHHELD),
            ("http://cv.iptc.org/newscodes/pubstatusg2/withheld", Status.WITHHELD),
            ("canceled", Status.CANCELLED),
            ("cancelled", Status.CANCELLED),
        ],
    )
    @pytest.mark.parametrize("key", ["pubstatus", "pubStatus"])
    def test_a_status_is_told(self, tmp_path, key, said, status):
        assert read(tmp_path, an_item(**{key: said})).status is status

    @pytest.mark.parametrize("said", ["recalled", 7, 0, False, ["usable"], {"code": "usable"}])
    def test_one_that_is_unknown_withholds_the_story(self, tmp_path, said):
        fetched = fetch(write(tmp_path, "item.json", an_item(pubstatus=said)))

        assert fetched.articles[0].status is Status.WITHHELD
        assert "is unknown" in fetched.problems[0].message

    @pytest.mark.parametrize("said", [{}, {"slugline": "PORT"}])
    def test_a_cancellation_that_says_nothing_else_is_delivered(self, tmp_path, said):
        article = read(tmp_path, {"uri": "urn:wire:port", "version": "9", "pubstatus": "canceled", **said})

        assert (article.source_id, article.status) == ("urn:wire:port", Status.CANCELLED)
        assert cleaning.clean(article, "wire", cleaning.Desk(a_publication(), section="world")).article

    def test_a_cancelled_story_stays_cancelled_whatever_its_embargo_says(self, tmp_path):
        fetched = fetch(write(tmp_path, "item.json", an_item(pubstatus="canceled", embargoed="soon")))

        assert fetched.articles[0].status is Status.CANCELLED


class TestNoStories:
    @pytest.mark.parametrize(
        "item",
        [
            {"type": "picture", "renditions": {}},
            {"type": "picture", "body_text": "What a blind reader hears"},
            {"type": "graphic"},
            {"type": "video"},
            {"type": "audio"},
            {"type": "composite", "associations": {"main": an_item()}},
            {"type": "event"},
            {"type": "planning"},
            {"representationtype": "picture"},
            {"eventDetails": {}},
            {"plannedCoverage": []},
        ],
    )
    def test_they_are_left_without_a_word(self, tmp_path, item):
        fetched = fetch(write(tmp_path, "item.json", {"uri": "urn:wire:cranes", "headline": "Cranes", **item}))

        assert (fetched.articles, fetched.problems) == ((), ())

    @pytest.mark.parametrize("kind", ["picture", "composite", "video"])
    def test_with_a_text_of_their_own_they_are_stories(self, tmp_path, kind):
        assert read(tmp_path, an_item(type=kind, body_html="<p>Cranes move.</p>")).body == "<p>Cranes move.</p>"


class TestImage:
    def picture(self, **changes: Any) -> dict[str, Any]:
        rendition = {"href": "https://wire.example/a.jpg", "mimetype": "image/jpeg", "width": 800}
        return {"type": "picture", "renditions": {"main": rendition}, **changes}

    def test_a_lead_picture_comes_before_those_in_the_text(self, tmp_path):
        item = an_item(associations={"editor_0": self.picture(), "featuremedia": self.picture(headline="Lead")})

        assert read(tmp_path, item).image == Image("https://wire.example/a.jpg", "Lead")

    @pytest.mark.parametrize(
        ("renditions", "name"),
        [
            ([("a.jpg", "image/jpeg", 400), ("b.jpg", "image/jpeg", 1200)], "b.jpg"),
            ([("a.jpg", "image/jpeg", 1200), ("b.jpg", "image/jpeg", 6000)], "a.jpg"),
            ([("a.jpg", "image/jpeg", 6000), ("b.jpg", "image/jpeg", 9000)], "a.jpg"),
            ([("a.tif", "image/tiff", 2000), ("b.png", "image/png", 90)], "b.png"),
            ([("a.xml", "text/xml", 0), ("b.jpg", None, None)], "b.jpg"),
            ([("a.jpg", "image/jpg", "wide"), ("b.jpg", "image/jpg", 10)], "b.jpg"),
            ([("a.jpg", "image/jpeg", 100), ("b.jpg", "image/jpeg", 100)], "a.jpg"),
        ],
    )
    def test_it_is_the_widest_that_suits_the_web(self, tmp_path, renditions, name):
        listed = [
            {"name": f"r{number}", "href": f"https://wire.example/{file}", "contenttype": media_type, "width": width}
            for number, (file, media_type, width) in enumerate(renditions)
        ]

        article = read(tmp_path, a_later_item(associations=[self.picture(name="a", renditions=listed)]))

        assert article.image.url == f"https://wire.example/{name}"

    @pytest.mark.parametrize("worse", [("thumbnail", {}), ("print", {"sizeinbytes": 10_000_000, "width": 1200})])
    def test_neither_a_thumbnail_nor_megabytes_suit_it(self, tmp_path, worse):
        name, size = worse
        renditions = {
            name: {"href": "https://wire.example/a.jpg", **size},
            "web": {"href": "https://wire.example/b.jpg"},
        }

        article = read(tmp_path, an_item(associations={"main": self.picture(renditions=renditions)}))

        assert article.image.url == "https://wire.example/b.jpg"

    @pytest.mark.parametrize(
        "change",
        [
            {"type": "video"},
            {"type": "text"},
            {"type": "graphic"},
            {"renditions": {}},
            {"renditions": {"main": {"href": "https://wire.example/a.mp4"}}},
            {"renditions": {"main": {"mimetype": "image/jpeg"}}},
            {"renditions": "x"},
            {"pubstatus": "canceled"},
            {"embargoed": "2026-11-21T00:00:00Z"},
            {"embargoed": "soon"},
        ],
    )
    def test_what_is_no_picture_or_not_to_be_shown_is_not(self, tmp_path, change):
        assert read(tmp_path, an_item(associations={"main": self.picture(**change)})).image is None

    def test_a_picture_whose_embargo_is_over_is_shown(self, tmp_path):
        past = self.picture(embargoed="2026-11-19T00:00:00Z")

        assert read(tmp_path, an_item(associations={"main": past})).image

    def test_a_storys_own_picture_serves_without_its_words(self, tmp_path):
        item = an_item(renditions=self.picture()["renditions"], description_text="Of the story", byline="Ada")

        assert read(tmp_path, item).image == Image("https://wire.example/a.jpg")

    @pytest.mark.parametrize(
        ("said", "credit"),
        [
            ({"creditline": "Cem/TW", "byline": "Cem"}, "Cem/TW"),
            ({"descriptions": [{"role": "creditline", "value": "TW"}], "by": "Cem"}, "TW"),
            ({"byline": "Cem", "copyrightholder": "TW"}, "Cem"),
            ({"copyrightHolder": "TW", "copyrightNotice": "All rights"}, "TW"),
        ],
    )
    def test_it_is_credited(self, tmp_path, said, credit):
        assert read(tmp_path, an_item(associations={"main": self.picture(**said)})).image.credit == credit

    def test_a_description_is_its_caption_and_what_is_heard_where_nothing_else_is_said(self, tmp_path):
        image = read(tmp_path, an_item(associations={"main": self.picture(description_text="Cranes")})).image

        assert (image.alt, image.caption) == ("Cranes", "Cranes")


class TestRelated:
    def test_a_text_that_is_associated_is_set_beside_the_story_and_is_none(self):
        fetched = fetch("wire-1.json")

        assert fetched.articles[0].related == (
            Related("A harbour's year", "https://wire.example/2026/harbour", "Twelve months without a ship."),
        )
        assert "A harbour's year" not in titles(fetched)

    @pytest.mark.parametrize("change", [{"pubstatus": "canceled"}, {"embargoed": "2026-11-21T00:00:00Z"}])
    def test_one_that_nobody_may_read_yet_is_not(self, tmp_path, change):
        other = {"guid": "b", "type": "text", "headline": "Secret", **change}

        assert read(tmp_path, an_item(associations={"related": other})).related == ()


class TestFiles:
    def test_a_folder_is_read_with_its_folders(self, tmp_path):
        shutil.copy(DATA / "wire-1.json", tmp_path)
        write(tmp_path, "2026/11/ship.json", an_item(uri="urn:ship", headline="A ship"))
        write(tmp_path, ".hidden.json", an_item(uri="urn:hidden"))
        write(tmp_path, "notes.txt", b"no news")

        assert sorted(titles(fetch(tmp_path))) == ["A ship", "Analysis: The port reopens", "Fish & fuel"]

    def test_a_relative_place_starts_at_the_root(self, tmp_path):
        write(tmp_path, "wire/item.json", an_item())

        assert titles(fetch("wire", root=tmp_path)) == titles(fetch("wire/item.json", root=tmp_path)) == ["The port"]

    def test_files_that_did_not_change_are_not_read_again(self, tmp_path):
        write(tmp_path, "a.json", an_item())
        changed = write(tmp_path, "b.json", an_item(uri="urn:b", version="1"))
        first = fetch(tmp_path)
        write(tmp_path, "b.json", an_item(uri="urn:b", version="2", headline="Corrected"))
        os.utime(changed, ns=(1, 1))

        second = fetch(tmp_path, json.loads(json.dumps(first.state)))
        third = fetch(tmp_path, second.state)

        assert (titles(second), second.unchanged) == (["Corrected"], False)
        assert (third.articles, third.unchanged) == ((), True)

    def test_nothing_is_said_of_what_is_gone(self, tmp_path):
        """A wire's files come and go."""
        file = write(tmp_path, "a.json", an_item())
        first = fetch(tmp_path)
        file.unlink()

        second = fetch(tmp_path, first.state)

        assert (first.present, second.present) == (None, None)
        assert second.state == {"files": {}}

    def test_a_mistake_is_told_at_every_fetch_and_what_was_good_comes_once(self, tmp_path):
        write(tmp_path, "wire.json", [an_item(), {"type": "text"}])
        first = fetch(tmp_path)

        second = fetch(tmp_path, first.state)

        assert (len(first.articles), len(second.articles)) == (1, 0)
        assert first.problems == second.problems != ()
        assert second.unchanged is False

    @pytest.mark.parametrize(
        ("content", "where", "message"),
        [
            (b"{\n  x}", "bad.json:2:3", "is not JSON"),
            (b"", "bad.json:1:1", "is not JSON"),
            (b'"\xff"', "bad.json", "is not JSON in UTF-8"),
            (b"[" * 100_000, "bad.json", "is not JSON"),
            (b"7", "bad.json", "is not ninjs"),
            (b'{"name": "a package"}', "bad.json", "is not ninjs"),
        ],
    )
    def test_a_file_that_is_no_use_is_a_problem_and_the_others_are_read(self, tmp_path, content, where, message):
        write(tmp_path, "bad.json", content)
        write(tmp_path, "good.json", an_item())

        fetched = fetch(tmp_path)

        assert titles(fetched) == ["The port"]
        assert [problem.where for problem in fetched.problems] == [where]
        assert message in fetched.problems[0].message

    @pytest.mark.parametrize("content", [b"{\n  x}", b"7", b"{}"])
    def test_alone_it_is_an_error_with_its_place(self, tmp_path, content):
        with pytest.raises(SourceError, match=r"bad\.json.* is not"):
            fetch(write(tmp_path, "bad.json", content))

    def test_a_place_that_is_not_there_is_an_error_with_its_place(self, tmp_path):
        with pytest.raises(SourceError, match=r"nowhere cannot be read: No such file"):
            fetch(tmp_path / "nowhere")

    def test_a_link_out_of_the_folder_is_not_followed(self, tmp_path):
        secret = write(tmp_path, "elsewhere/secret.json", an_item())
        (tmp_path / "wire").mkdir()
        (tmp_path / "wire" / "a.json").symlink_to(secret)

        fetched = fetch(tmp_path / "wire")

        assert fetched.articles == ()
        assert "leads out of the folder" in fetched.problems[0].message

    @pytest.mark.parametrize(
        "item", [None, 7, "x", [], {}, {"uri": "urn:a"}, {"uri": "urn:a", "headline": "", "bodies": 7}]
    )
    def test_an_item_that_is_none_is_a_problem_and_the_others_arrive(self, tmp_path, item):
        fetched = fetch(write(tmp_path, "wire.json", [item, an_item()]))

        assert titles(fetched) == ["The port"]
        assert [problem.where.rpartition("#")[2] for problem in fetched.problems] == ["1"]

    def test_odd_shapes_are_read_as_far_as_they_go(self, tmp_path):
        odd: list[Any] = [None, 7, "x", [None], {"name": 7}, [{"name": None}, 7]]
        keys = ["subjects", "genres", "authors", "people", "keywords", "service", "associations", "renditions",
                "altids", "descriptions", "headlines", "language", "byline", "version", "url"]  # fmt: skip
        items = [an_item(uri=f"urn:{key}:{n}", **{key: value}) for key in keys for n, value in enumerate(odd)]

        fetched = fetch(write(tmp_path, "wire.json", items))

        assert len(fetched.articles) == len(items)


class TestHttp:
    @pytest.fixture
    def website(self):
        with a_website() as site:
            yield site

    def pages(self, site: Website, *documents: list[Any], **headers: str) -> str:
        """Superdesk's Content API: the next page's address is relative to the API's root."""
        for number, items in enumerate(documents, 1):
            links = {"next": {"href": f"items?page={number + 1}"}} if number < len(documents) else {}
            body = json.dumps({"_items": items, "_links": links}).encode()
            path = "/contentapi/items" if number == 1 else f"/contentapi/items?page={number}"
            site.answers[path] = Answer(body, headers=headers)
        return f"{site.url}/contentapi/items"

    def dated(self, *hours: int, **changes: Any) -> list[dict[str, Any]]:
        """Items by the hours since they were made."""
        return [
            an_item(uri=f"urn:{hour}", headline=f"{hour} h", versioncreated=str(NOW - timedelta(hours=hour)), **changes)
            for hour in hours
        ]

    @pytest.mark.parametrize("end", ["", "/"])
    def test_every_page_is_read_one_at_a_time(self, website, end):
        place = self.pages(website, self.dated(1, 2), self.dated(3, 4), self.dated(5))
        website.answers["/contentapi/items/"] = website.answers["/contentapi/items"]

        parts = walk(f"{place}{end}")

        assert [titles(part) for part in parts] == [["1 h", "2 h"], ["3 h", "4 h"], ["5 h"]]
        assert [part.more for part in parts] == [True, True, False]

    def test_validators_are_echoed_as_they_came_and_a_304_is_no_work(self, website):
        validators = {"ETag": 'W/"odd one"', "Last-Modified": "Thu, 19 Nov 2026 09:30:00 +0500"}
        place = self.pages(website, self.dated(1), **validators)
        first = fetch(place)

        second = fetch(place, first.state)

        assert website.asked[1]["If-None-Match"] == validators["ETag"]
        assert website.asked[1]["If-Modified-Since"] == validators["Last-Modified"]
        assert (second.articles, second.unchanged, second.state) == ((), True, first.state)

    def test_a_validator_that_cannot_be_sent_is_forgotten(self, website):
        place = self.pages(website, self.dated(1), ETag='"é"')

        assert "etag" not in fetch(place).state

    def test_validators_are_those_of_the_first_page(self, website):
        place = self.pages(website, self.dated(1), self.dated(2))
        website.answers["/contentapi/items"] = replace(website.answers["/contentapi/items"], headers={"ETag": '"1"'})
        website.answers["/contentapi/items?page=2"].headers = {"ETag": '"2"'}

        parts = walk(place)

        assert parts[-1].state["etag"] == '"1"'
        assert fetch(place, parts[-1].state).unchanged is True

    def test_a_fetch_that_stopped_goes_on_at_its_page(self, website):
        place = self.pages(website, self.dated(1), self.dated(2))
        first = fetch(place)

        rest = walk(place, first.state)

        assert [titles(part) for part in rest] == [["2 h"]]

    def test_pages_that_the_last_fetch_saw_are_not_read_again(self, website):
        place = self.pages(website, self.dated(1, 2), self.dated(3, 30), self.dated(60))
        parts = walk(place)
        self.pages(website, self.dated(0, 2), self.dated(3, 30), self.dated(31, 60))

        again = walk(place, parts[-1].state)

        assert [titles(part) for part in again] == [["0 h", "2 h"], ["3 h", "30 h"]]

    @pytest.mark.parametrize("older", [{"versioncreated": None}, {"versioncreated": "soon"}])
    def test_pages_that_are_not_sorted_by_age_are_all_read(self, website, older):
        place = self.pages(website, self.dated(1), self.dated(60))
        parts = walk(place)
        unsorted = [*self.dated(60), an_item(uri="urn:b", **older)]
        self.pages(website, self.dated(30, 1, 60), unsorted, self.dated(2))

        again = walk(place, parts[-1].state)

        assert titles(again[-1]) == ["2 h"]

    def test_an_old_version_on_a_later_page_changes_nothing(self, website):
        cancelled = [an_item(version="2", pubstatus="canceled")]
        place = self.pages(website, cancelled, [an_item(version="1")])

        parts = walk(place)

        assert [article.status for part in parts for article in part.articles] == [Status.CANCELLED]

    @pytest.mark.parametrize("answer", [Answer(status=500), Answer(b"<html>"), Answer(b"{}")])
    def test_a_page_that_cannot_be_read_is_a_problem_and_the_next_fetch_starts_anew(self, website, answer):
        place = self.pages(website, self.dated(1), self.dated(2), ETag='"1"')
        website.answers["/contentapi/items?page=2"] = answer

        parts = walk(place)
        self.pages(website, self.dated(1), self.dated(2), ETag='"1"')
        again = walk(place, parts[-1].state)

        assert "was not read to its end" in parts[-1].problems[0].message
        assert [titles(part) for part in again] == [["1 h"], ["2 h"]]

    def test_a_page_that_is_to_be_asked_later_is_an_error_and_keeps_its_place(self, website):
        place = self.pages(website, self.dated(1), self.dated(2))
        first = fetch(place)
        website.answers["/contentapi/items?page=2"] = Answer(status=429, headers={"Retry-After": "60"})

        with pytest.raises(SourceError) as caught:
            fetch(place, first.state)

        assert caught.value.not_before == NOW + timedelta(minutes=1)

    @pytest.mark.parametrize("href", ["items", "", 7, None])
    def test_a_next_page_that_is_this_one_or_none_is_not_read(self, website, href):
        body = json.dumps({"_items": self.dated(1), "_links": {"next": {"href": href}}}).encode()
        website.answers["/items"] = Answer(body)

        assert fetch(f"{website.url}/items").more is False

    def test_pages_without_an_end_end(self, website, monkeypatch):
        monkeypatch.setattr("publisher.sources.ninjs.source._MOST_PAGES", 3)
        place = self.pages(website, self.dated(1), self.dated(2))
        turn = {"_items": self.dated(3), "_links": {"next": {"href": "items"}}}
        website.answers["/contentapi/items?page=2"] = Answer(json.dumps(turn).encode())

        parts = walk(place)

        assert len(parts) == 3
        assert "more than 3 pages" in parts[-1].problems[0].message

    @pytest.mark.parametrize("status", [401, 404, 429, 500])
    def test_a_refusal_is_a_source_error(self, website, status):
        website.answers["/items"] = Answer(status=status)

        with pytest.raises(SourceError, match=f"{website.url}/items answered {status}"):
            fetch(f"{website.url}/items")

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"7", b"\xff"])
    def test_what_is_no_ninjs_is_a_source_error_with_its_place(self, website, body):
        website.answers["/items"] = Answer(body)

        with pytest.raises(SourceError, match=rf"{website.url}/items.* is not"):
            fetch(f"{website.url}/items")

    def test_relative_addresses_start_where_the_document_was(self, website):
        website.answers["/old"] = Answer(status=301, headers={"Location": "/new/items"})
        website.answers["/new/items"] = Answer(json.dumps([an_item()]).encode())

        (article,) = fetch(f"{website.url}/old").articles

        assert article.base == f"{website.url}/new/items"


class TestSecrets:
    """An agency's key is in the query of its address, or before its host."""

    @pytest.fixture
    def website(self):
        with a_website() as site:
            yield site

    def place(self, site: Website, query: str = "?apikey=SECRET&lang=en") -> str:
        return f"{site.url.replace('//', '//ada:SECRET@')}/v1/items{query}"

    def answers(self, site: Website, path: str, items: list[Any], following: str = "", **other: Any) -> None:
        document = {"_items": items, "_links": {"next": {"href": following}}}
        site.answers[path] = Answer(json.dumps(document).encode(), **other)

    @pytest.mark.parametrize("body", [b"<html>", b"\xff", b"{}"])
    @pytest.mark.parametrize("query", ["?apikey=SECRET", "?SECRET", ""])
    def test_no_error_tells_them(self, website, body, query):
        website.answers[f"/v1/items{query}"] = Answer(body)

        with pytest.raises(SourceError, match=f"{website.url}/v1/items") as caught:
            fetch(self.place(website, query))

        assert "SECRET" not in f"{caught.value} {caught.value!r} {caught.value.problem}"

    @pytest.mark.parametrize("following", ["items?page=2", "items?apikey=SECRET&page=2&lang=en"])
    @pytest.mark.parametrize("second", [Answer(b"<html>"), Answer(status=500), Answer(b'{"_items": [7]}')])
    def test_no_article_problem_or_state_tells_them(self, website, following, second):
        broken = {"headline": "Without an id"}
        self.answers(website, "/v1/items?apikey=SECRET&lang=en", [an_item(), broken], following)
        website.answers["/v1/items?page=2&apikey=SECRET&lang=en"] = second

        parts = walk(self.place(website))

        assert [part.more for part in parts] == [True, False]
        assert all(part.problems for part in parts)
        assert parts[0].articles[0].where == f"{website.url}/v1/items?apikey=…&lang=…#1"
        assert parts[0].articles[0].base == f"{website.url}/v1/items"
        assert "SECRET" not in repr(parts)

    def test_pages_without_an_end_do_not_tell_them(self, website, monkeypatch):
        monkeypatch.setattr("publisher.sources.ninjs.source._MOST_PAGES", 1)
        self.answers(website, "/v1/items?apikey=SECRET&lang=en", [an_item()], "items?page=2")

        (part,) = walk(self.place(website))

        assert "more than 1 pages" in part.problems[0].message
        assert "SECRET" not in repr(part)

    @pytest.mark.parametrize(
        ("following", "asked"),
        [
            ("items?page=2", "/v1/items?page=2&apikey=SECRET&lang=en"),
            ("items?apikey=SECRET&page=2", "/v1/items?page=2&apikey=SECRET&lang=en"),
            ("items?lang=de&c=a%2Bb==", "/v1/items?lang=de&c=a%2Bb==&apikey=SECRET"),
            ("//{host}//v2?page=2", "//v2?page=2&apikey=SECRET&lang=en"),
        ],
    )
    def test_the_next_page_is_asked_with_what_the_place_says(self, website, following, asked):
        href = following.replace("{host}", website.url.partition("//")[2])
        self.answers(website, "/v1/items?apikey=SECRET&lang=en", [an_item()], href)
        # BaseHTTPRequestHandler takes two slashes at the start for one.
        self.answers(website, asked.replace("//v2", "/v2"), [an_item(uri="urn:b", headline="Next")])

        parts = walk(self.place(website))

        assert [titles(part) for part in parts] == [["The port"], ["Next"]]
        assert website.asked[1]["Authorization"] == website.asked[0]["Authorization"] != ""

    @pytest.mark.parametrize("following", ["items", "items?apikey=SECRET", "items?lang=en&apikey=SECRET#top"])
    def test_a_next_page_that_is_this_one_but_for_them_is_not_read(self, website, following):
        self.answers(website, "/v1/items?apikey=SECRET&lang=en", [an_item()], following)

        assert fetch(self.place(website)).more is False

    @pytest.mark.parametrize(
        ("query", "asked"), [("?page=2", "/b?page=2"), ("?page=2&apikey=SECRET", "/b?page=2&apikey=SECRET")]
    )
    def test_another_server_is_told_no_more_than_its_link_had(self, website, query, asked):
        with a_website() as other:
            self.answers(website, "/v1/items?apikey=SECRET&lang=en", [an_item()], f"{other.url}/b{query}")
            self.answers(other, asked, [an_item(uri="urn:b", headline="Next")])

            parts = walk(self.place(website))

        assert [titles(part) for part in parts] == [["The port"], ["Next"]]
        assert "Authorization" not in other.asked[0]
        assert "SECRET" not in repr(parts)

    def test_a_source_does_not_show_them(self, website):
        source = NinjsSource("wire", self.place(website), DATA, KARACHI, HTTP)

        assert "SECRET" not in f"{source} {source!r}"

    def test_a_files_name_is_no_address_and_is_told_as_it_is(self, tmp_path):
        file = write(tmp_path, "a?b=c#d.json", an_item())

        assert fetch(file).articles[0].where == f"{file}#1"
