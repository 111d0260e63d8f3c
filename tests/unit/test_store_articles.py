"""One story, one identity for life; on both databases."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.clean import urls
from publisher.model.article import Access, Change, Related, Rule, Status
from publisher.store import articles, editions, filing, schema
from publisher.store.recognition import Candidate
from publisher.store.schema import article_origins
from tests.builders import NOW, an_article, file_articles

PREFIX = "tag:journal.example,2026-11-20:articles/"


def file(db, article, now=NOW):
    [filed] = filing.file(db, [Candidate(article, urls.key(article.url))], PREFIX, now)
    return filed.change


def test_an_unknown_article_is_new_and_comes_back_as_it_was(db):
    told = {
        "related": (Related("Another", "https://journal.example/b"),),
        "access": Access.PAID,
        "comments": "https://c.example",
    }
    origins = {"published": "json-ld"}
    story = an_article(
        url="https://journal.example/a", tags=("one",), sections=("world", "climate"), origins=origins, **told
    )

    change = file(db, story)

    found = articles.find(db, "story-1")
    assert change is Change.NEW
    assert found is not None
    assert (found.tag, found.first_seen) == (f"{PREFIX}story-1", NOW)
    for name in (
        "headline",
        "body",
        "related",
        "access",
        "status",
        "embargo",
        "comments",
        "origins",
        "authors",
        "image",
        "published",
        "modified",
        "sections",
        "tags",
        "words",
        "url",
    ):
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


class TestIdentity:
    """The same story is the same article, whatever else changed; nothing old is ever new again."""

    WORDS = "a digest of its words"

    def filed(self, db, article, words=None, now=NOW):
        [one] = filing.file(db, [Candidate(article, urls.key(article.url), words)], PREFIX, now)
        return one

    def story(self, **changes):
        return an_article(**{"url": "https://journal.example/a", **changes})

    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({"url": "https://journal.example/another-slug"}, Rule.ID),
            ({"url": None}, Rule.ID),
            ({"headline": "Another headline"}, Rule.ID),
            ({"published": NOW + timedelta(days=3)}, Rule.ID),
            ({"published": None}, Rule.ID),
            ({"slug": "another"}, Rule.ID),
            ({"source_id": "regenerated"}, Rule.ADDRESS),
            ({"source_id": "regenerated", "url": "http://www.journal.example/a/?utm_source=x"}, Rule.ADDRESS),
            ({"source_id": "regenerated", "headline": "Another", "published": None}, Rule.ADDRESS),
            ({"source_id": "regenerated", "url": "https://journal.example/b"}, Rule.HEADLINE),
            ({"source_id": "regenerated", "url": None, "headline": "Another headline"}, Rule.WORDS),
            ({"source_id": "regenerated", "url": "https://journal.example/b", "published": None}, Rule.WORDS),
        ],
    )
    def test_one_change_or_two_make_no_other_article(self, db, changes, rule):
        first = self.filed(db, self.story(), self.WORDS)

        again = self.filed(db, self.story(content_hash="changed", **changes), self.WORDS)

        assert (again.article_id, again.change, again.rule) == (first.article_id, Change.UPDATED, rule)
        assert articles.count(db) == 1
        assert articles.listed(db, 1)[0].tag == f"{PREFIX}story-1"

    def test_every_address_it_ever_had_leads_to_it(self, db):
        first = self.filed(db, self.story())
        self.filed(db, self.story(url="https://journal.example/b", content_hash="moved"))

        old = self.filed(db, self.story(source="agency", source_id="x", content_hash="theirs"))

        assert (old.article_id, old.rule) == (first.article_id, Rule.ADDRESS)
        assert articles.addresses(db, first.article_id) == ["journal.example/a", "journal.example/b"]

    def test_an_id_that_is_used_for_another_story_makes_another_article(self, db):
        first = self.filed(db, self.story(), "words of the first")
        other = self.story(
            url="https://journal.example/b", headline="Other", published=NOW, slug="other", content_hash="other"
        )

        second = self.filed(db, other, "words of the second")
        again = self.filed(db, replace(other, content_hash="corrected"), "words of the second")

        assert (second.change, second.rule) == (Change.NEW, Rule.REUSED_ID)
        assert (again.article_id, again.rule) == (second.article_id, Rule.ID)
        assert first.article_id != second.article_id

    def test_two_stories_of_one_fetch_are_two_however_alike(self, db):
        pair = [
            Candidate(self.story(source_id=name, url=None, slug=name), None, self.WORDS) for name in ("one", "other")
        ]

        first = filing.file(db, pair, PREFIX, NOW)
        second = filing.file(db, pair, PREFIX, NOW)

        assert [one.change for one in first] == [Change.NEW] * 2
        assert [(one.change, one.rule) for one in second] == [(Change.SAME, Rule.ID)] * 2
        assert articles.count(db) == 2

    def test_stories_of_two_sources_are_not_taken_for_one_by_their_headlines(self, db):
        self.filed(db, self.story(), self.WORDS)

        other = self.filed(db, self.story(source="agency", url="https://agency.example/a"), self.WORDS)

        assert other.change is Change.NEW

    def test_its_history_says_what_changed_by_which_rule_and_what_was_repaired(self, db):
        first = self.filed(db, self.story())
        corrected = self.story(headline="Corrected", sections=("climate",), content_hash="corrected")
        later = NOW + timedelta(hours=1)

        filing.file(db, [Candidate(corrected, None, None, {"scripts": 2})], PREFIX, later)

        new, updated = articles.history(db, first.article_id)
        assert (new.change, new.rule, new.at) == (Change.NEW, Rule.NEW, NOW)
        assert (updated.change, updated.rule, updated.at) == (Change.UPDATED, Rule.ID, later)
        assert updated.fields == ("headline", "sections")
        assert updated.repairs == {"scripts": 2}

    def test_filing_the_same_again_writes_nothing(self, db):
        first = self.filed(db, self.story())
        before = dumped(db)

        self.filed(db, self.story(), now=NOW + timedelta(days=1))

        assert dumped(db) == before
        assert len(articles.history(db, first.article_id)) == 1


class TestWithdrawal:
    def test_what_the_source_does_not_hold_any_more_is_withheld(self, db):
        file_articles(db, an_article(1), an_article(2))
        gone, known = filing.missing(db, "desk", frozenset({"story-2"}))

        withheld = filing.withdraw(db, "desk", gone, NOW)

        assert (gone, known, len(withheld)) == (["story-1"], 2, 1)
        assert [article.source_id for article in articles.newest(db, NOW)] == ["story-2"]
        assert articles.history(db, withheld[0])[-1].change is Change.WITHDRAWN
        assert filing.missing(db, "desk", frozenset({"story-2"})) == ([], 1)

    def test_it_comes_back_as_the_same_article_when_the_source_brings_it_again(self, db):
        file_articles(db, an_article(1))
        [article_id] = filing.withdraw(db, "desk", ["story-1"], NOW)

        change = file(db, an_article(1), NOW + timedelta(days=1))

        assert change is Change.UPDATED
        assert [article.id for article in articles.newest(db, NOW)] == [article_id]
        assert articles.origins(db, article_id)[0].gone_at is None

    def test_a_story_that_another_source_still_holds_stays_and_takes_its_text(self, db):
        file(db, an_article(url="https://journal.example/a"))
        theirs = an_article(source="agency", url="https://journal.example/a", body="theirs", content_hash="x")
        file(db, theirs)

        withheld = filing.withdraw(db, "desk", ["story-1"], NOW)
        file(db, theirs)

        assert withheld == []
        assert [article.body for article in articles.newest(db, NOW)] == ["theirs"]

    def test_a_new_id_at_the_same_source_keeps_it(self, db):
        file(db, an_article(url="https://journal.example/a"))
        file(db, an_article(url="https://journal.example/a", source_id="renamed"))

        assert filing.withdraw(db, "desk", ["story-1"], NOW) == []
        assert len(articles.newest(db, NOW)) == 1


def dumped(db) -> list:
    tables = (schema.articles, schema.article_origins, schema.article_addresses, schema.article_history)
    return [db.execute(select(table)).all() for table in tables]


def test_an_embargo_holds_an_article_until_its_moment(db):
    file_articles(db, an_article(1, embargo=NOW + timedelta(hours=1)), an_article(2))

    assert [article.source_id for article in articles.newest(db, NOW)] == ["story-2"]
    assert len(articles.newest(db, NOW + timedelta(hours=1))) == 2


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
    withheld, later = an_article(1, status=Status.WITHHELD), an_article(2, published=NOW + timedelta(hours=1))
    file_articles(db, withheld, later, an_article(3))

    assert [article.source_id for article in articles.newest(db, NOW)] == ["story-3"]
    assert len(articles.newest(db, NOW + timedelta(hours=1))) == 2


def test_old_articles_are_not_news_to_a_newsletter(db):
    file_articles(db, an_article(1), an_article(2, published=NOW - timedelta(days=400)))

    found = articles.unplaced(db, editions.carried("briefing", "daily"), ["*"], NOW - timedelta(days=31), NOW)

    assert [article.source_id for article in found] == ["story-1"]
