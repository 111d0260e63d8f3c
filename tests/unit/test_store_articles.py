"""One story, one identity for life; on both databases."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.clean import urls
from publisher.store import articles, editions
from publisher.store.articles import Change
from publisher.store.schema import article_origins
from tests.builders import NOW, an_article, file_articles

PREFIX = "tag:journal.example,2026-11-20:articles/"


def file(db, article, now=NOW):
    return articles.file(db, article, urls.key(article.url), PREFIX, now)


def test_an_unknown_article_is_new_and_comes_back_as_it_was(db):
    story = an_article(url="https://journal.example/a", tags=("one",), sections=("world", "climate"))

    change = file(db, story)

    found = articles.find(db, "story-1")
    assert change is Change.NEW
    assert found is not None
    assert (found.tag, found.first_seen) == (f"{PREFIX}story-1", NOW)
    for name in ("headline", "body", "authors", "image", "published", "modified", "sections", "tags", "words", "url"):
        assert getattr(found, name) == getattr(story, name)


def test_a_missing_date_stays_unknown(db):
    file(db, an_article(published=None))

    assert articles.listed(db, 1)[0].published is None


def test_a_changed_body_is_an_update_of_the_same_article(db):
    file(db, an_article())
    before = articles.listed(db, 9)[0]

    change = file(db, an_article(body="<p>Corrected.</p>", content_hash="other"), NOW + timedelta(hours=1))

    [after] = articles.listed(db, 9)
    assert change is Change.UPDATED
    assert (after.id, after.tag, after.slug, after.first_seen) == (
        before.id,
        before.tag,
        before.slug,
        before.first_seen,
    )
    assert (after.body, after.updated) == ("<p>Corrected.</p>", NOW + timedelta(hours=1))


def test_the_same_article_again_is_no_change(db):
    file(db, an_article())

    assert file(db, an_article(), NOW + timedelta(days=1)) is Change.SAME


@pytest.mark.parametrize(
    "url", ["http://journal.example/a", "https://www.journal.example/a/", "https://journal.example/a?utm_source=x"]
)
def test_a_changed_id_with_the_same_address_is_the_same_article(db, url):
    file(db, an_article(url="https://journal.example/a"))

    change = file(db, an_article(source_id="regenerated", url=url))

    assert change is Change.SAME
    assert articles.count(db) == 1


def test_a_story_from_two_sources_is_one_article_with_two_origins(db):
    file(db, an_article(url="https://journal.example/a"))

    change = file(db, an_article(source="agency", url="https://journal.example/a", body="theirs", content_hash="x"))

    assert change is Change.SAME
    assert articles.listed(db, 9)[0].body == "<p>The text of story 1.</p>"
    assert len(db.execute(select(article_origins)).all()) == 2


def test_articles_with_one_headline_get_slugs_of_their_own(db):
    file(db, an_article(1, slug="same"))
    file(db, an_article(2, slug="same"))

    plain, longer = sorted(article.slug for article in articles.listed(db, 9))
    assert plain == "same"
    assert re.fullmatch("same-[0-9a-f]{6}", longer)


def test_a_parent_section_holds_its_childrens_stories_once(db):
    file_articles(db, an_article(1, sections=("world", "world/asia")), an_article(2, sections=("world/asia",)))
    file_articles(db, an_article(3, sections=("economy",)))

    assert [article.source_id for article in articles.newest(db, NOW, ["world"])] == ["story-1", "story-2"]
    assert len(articles.newest(db, NOW)) == 3


def test_a_section_is_not_taken_for_one_that_begins_like_it(db):
    file_articles(db, an_article(1, sections=("world-cup",)))

    assert articles.newest(db, NOW, ["world"]) == []


def test_withheld_and_future_articles_are_not_public(db):
    file_articles(db, an_article(1, usable=False), an_article(2, published=NOW + timedelta(hours=1)), an_article(3))

    assert [article.source_id for article in articles.newest(db, NOW)] == ["story-3"]
    assert len(articles.newest(db, NOW + timedelta(hours=1))) == 2


def test_old_articles_are_not_news_to_a_newsletter(db):
    file_articles(db, an_article(1), an_article(2, published=NOW - timedelta(days=400)))

    found = articles.unplaced(db, editions.carried("briefing", "daily"), ["*"], NOW - timedelta(days=31), NOW)

    assert [article.source_id for article in found] == ["story-1"]
