"""The source for WordPress against WordPress itself, filled with its theme reviewers' export."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.clean import article as cleaning
from publisher.model.article import Access, RawArticle
from tests.builders import a_publication
from tests.unit.test_wordpress_source import Reader, ids
from tests.wordpress.export import Post, posts, words
from tests.wordpress.site import PLAIN, PRETTY, Site

NOW = datetime.now(UTC)
READ, SOON, LATER = (NOW + timedelta(minutes=minutes) for minutes in (20, 30, 40))


@pytest.fixture(scope="module")
def expected(export: Path) -> dict[str, Post]:
    return {post.id: post for post in posts(export).values() if post.status == "publish"}


def reader(site: Site) -> Reader:
    return Reader(site.url, zone=ZoneInfo("America/Los_Angeles"))


@pytest.fixture(scope="module")
def first(site: Site) -> list[RawArticle]:
    return reader(site).fetch(NOW)


@pytest.fixture
def read(site: Site) -> Reader:
    """One that knows all that the site holds, long after it was saved."""
    known = reader(site)
    known.fetch(READ)
    return known


class TestTheExport:
    @pytest.fixture
    def articles(self, first: list[RawArticle]) -> dict[str, RawArticle]:
        return {raw.source_id: raw for raw in first}

    def test_every_published_post_arrives_once_and_nothing_else(self, first, expected):
        assert len(expected) > 50
        assert sorted(raw.source_id for raw in first) == sorted(expected)

    def test_titles_are_plain_text(self, articles, expected):
        assert {key: words(raw.title) for key, raw in articles.items()} == {
            key: post.words for key, post in expected.items()
        }

    def test_dates_are_the_exports(self, articles, expected):
        published = {key: raw.published for key, raw in articles.items()}

        assert published == {key: post.published for key, post in expected.items()}
        assert all(raw.origins == {} for raw in articles.values())

    def test_sections_are_trails_from_the_top(self, articles, expected):
        sections = {key: frozenset(raw.sections) for key, raw in articles.items()}

        assert sections == {key: post.sections for key, post in expected.items()}
        assert "Parent/Child 1/Child 2" in articles["1152"].sections

    def test_tags_are_the_exports(self, articles, expected):
        assert {key: frozenset(raw.tags) for key, raw in articles.items()} == {
            key: post.tags for key, post in expected.items()
        }

    def test_authors_come_with_biography_picture_and_page(self, articles, expected, site):
        authors = {key: raw.authors for key, raw in articles.items()}

        assert {key: author.name for key, (author,) in authors.items()} == {
            key: post.author for key, post in expected.items()
        }
        assert all(author.biography == f"{author.name} tests themes & writes." for (author,) in authors.values())
        assert all("s=96" in author.picture for (author,) in authors.values())
        assert all(author.url.startswith(site.url) for (author,) in authors.values())

    def test_images_are_the_featured_ones(self, articles, expected):
        images = {key: Path(raw.image.url).name if raw.image else "" for key, raw in articles.items()}

        assert images == {key: post.image for key, post in expected.items()}
        assert articles["1011"].image.alt == "Horizontal Featured Image"

    def test_a_standfirst_is_what_a_person_wrote(self, articles, expected):
        assert {key: raw.standfirst for key, raw in articles.items()} == {
            key: post.excerpt for key, post in expected.items()
        }

    def test_a_protected_post_is_for_members_and_empty(self, articles, expected):
        closed = {key for key, raw in articles.items() if raw.access is Access.MEMBERS}

        assert closed == {key for key, post in expected.items() if post.password}
        assert all(articles[key].body == "" for key in closed)

    def test_comments_are_where_they_are_open(self, articles, expected):
        assert {key for key, raw in articles.items() if raw.comments} == {
            key for key, post in expected.items() if post.comments
        }

    def test_every_article_survives_cleaning(self, first):
        desk = cleaning.Desk(a_publication(), section="world")

        cleaned = [cleaning.clean(raw, "site", desk) for raw in first]

        left_out = [raw.source_id for raw, one in zip(first, cleaned, strict=True) if one.article is None]
        assert left_out == []
        assert [str(problem) for one in cleaned for problem in one.problems] == []


class TestChanges:
    def test_where_there_are_none_the_second_fetch_is_unchanged(self, read):
        articles = read.fetch(SOON)

        assert (articles, [step.unchanged for step in read.steps]) == ([], [True])

    def test_an_edit_arrives(self, site, read):
        site.change("edit", "1011", "Template: edited")

        (raw,) = read.fetch(SOON)
        again = read.fetch(LATER)

        assert (raw.source_id, raw.title) == ("1011", "Template: edited")
        assert again == []

    def test_a_post_is_read_again_as_long_as_the_site_may_be_saving_it(self, site, read):
        site.change("edit", "1016", "Template: saved")
        now = datetime.now(UTC)

        brought = [ids(read.fetch(now + timedelta(minutes=minutes))) for minutes in (0, 10, 20)]

        assert [1016 in numbers for numbers in brought] == [True, True, False]

    def test_a_new_post_arrives(self, site, read):
        number = site.change("add", "News & views")

        (raw,) = read.fetch(SOON)

        assert (raw.source_id, raw.title, raw.sections) == (number, "News & views", ())
        site.change("delete", number)

    def test_a_scheduled_post_arrives_when_its_time_has_come(self, site, read):
        number = site.change("appear", "Written long ago")

        (raw,) = read.fetch(SOON)

        assert raw.source_id == number
        assert raw.modified < raw.published
        site.change("delete", number)

    def test_a_draft_that_is_published_again_arrives(self, site, read):
        site.change("draft", "1148")
        assert read.fetch(SOON) == []
        site.change("publish", "1148")

        assert ids(read.fetch(SOON)) == [1148]

    def test_hundreds_of_one_second_arrive_once_each(self, site, read):
        numbers = site.change("stroke", "230").split()

        articles = read.fetch(SOON)
        again = read.fetch(LATER)

        assert sorted(ids(articles)) == sorted(map(int, numbers))
        assert again == []
        site.change("clear", *numbers)

    def test_a_deletion_is_found_when_all_is_listed_again(self, site, read, expected):
        number = site.change("add", "Soon gone")
        read.fetch(SOON)
        site.change("delete", number)

        read.fetch(NOW + timedelta(days=6))
        before = read.present
        read.fetch(NOW + timedelta(days=8))

        assert before is None
        assert number not in read.present
        assert read.present >= expected.keys()


@pytest.fixture
def other_permalinks(site: Site, read: Reader) -> Iterator[None]:
    before, after = (PRETTY, PLAIN) if "wp-json" in read.state["root"] else (PLAIN, PRETTY)
    site.change("permalinks", after)
    yield
    site.change("permalinks", before)


def test_it_is_read_on_when_its_permalinks_were_changed(site, read, other_permalinks):
    site.change("edit", "1446", "Template: moved")

    assert ids(read.fetch(SOON)) == [1446]
