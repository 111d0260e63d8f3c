"""What readers are told of a story over time: when it came out, when it changed, what was wrong; on both databases."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update

from publisher.clean.article import Desk
from publisher.model.article import Access, Article, Author, Change, Correction, Image, RawArticle, Related, Status
from publisher.pipeline import gather
from publisher.pipeline.gather import Assignment
from publisher.ports import Fetched
from publisher.store import articles, corrections, database, filing, schema
from publisher.store.recognition import Candidate
from tests.builders import NOW, a_publication, an_article, file_articles

PUBLISHED = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)
ADA = Author("Ada Writer", "Ada wrote.", "https://a.example/p.jpg", "https://a.example/", "Chief")
PICTURE = "https://journal.example/port.jpg"
WRONG_YEAR, WRONG_PORT = "An earlier version gave the wrong year.", "An earlier version named the wrong port."
STORY = RawArticle(
    source_id="port",
    title="Analysis: The port reopens",
    body="<p>The cranes <em>move</em> again, <a href='/cranes'>all nine</a>.</p>",
    where="port.md:1",
    url="https://journal.example/port",
    standfirst="In short",
    authors=(Author("Ada Writer", "Ada writes."),),
    published=PUBLISHED,
    sections=("world",),
    tags=("ports",),
    image=Image(f"{PICTURE}?width=800", "The port", "Cranes", "Bob"),
    comments="https://journal.example/port#comments",
)


@dataclass
class Source:
    """A source that brings what it is told to, and can say what it holds no more where it `tells`."""

    name: str = "desk"
    stories: tuple[RawArticle, ...] = ()
    tells: bool = False

    async def ask(self, state: object, now: object) -> None: ...

    def read(self, answer: None, state: object, now: object) -> Fetched:
        present = frozenset(story.source_id for story in self.stories)
        return Fetched(self.stories, present=present if self.tells else None)


@dataclass
class Newsroom:
    """A database into which sources are gathered, an hour after one another."""

    engine: Engine
    hours: int = -1
    silent: bool = False
    sources: dict[str, Source] = field(default_factory=lambda: {"desk": Source(tells=True)})

    @property
    def now(self):
        return NOW + self.hours * HOUR

    def gathers(self, *stories: RawArticle, source: str = "desk") -> Article:
        """The story after a source brought it, an hour later than the last."""
        self.hours += 1
        desk = Desk(a_publication(), silent=self.silent)
        self.sources.setdefault(source, Source(source)).stories = stories
        assignments = [Assignment(self.sources[source], desk, HOUR)]
        [report] = asyncio.run(gather.gather(self.engine, assignments, self.now, configured=self.sources))
        assert report.error == ""
        assert report.problems == ()
        return self.story()

    def told(self, **changes: Any) -> Article:
        return self.gathers(replace(STORY, **changes))

    def story(self) -> Article:
        with database.reading(self.engine) as db:
            [found] = articles.listed(db, 9)
            return found

    def history(self) -> list[Any]:
        with database.reading(self.engine) as db:
            return articles.history(db, self.story().id)

    def correct(self, note: str) -> Article:
        self.hours += 1
        with database.writing(self.engine) as db:
            assert corrections.correct(db, self.story(), note, self.now)
        return self.story()


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return Newsroom(engine)


def notes(story: Article) -> list[str]:
    return [one.note for one in story.corrections]


class TestEdits:
    @pytest.mark.parametrize(
        "change",
        [
            {"title": "Analysis: The port closes"},
            {"title": "Opinion: The port reopens"},
            {"standfirst": "In other words"},
            {"body": "<p>The cranes stand still again, all nine.</p>"},
            {"authors": (Author("Bob Writer"),)},
            {"authors": (*STORY.authors, Author("Bob Writer"))},
            {"image": None},
            {"image": Image("https://journal.example/crane.jpg")},
            {"status": Status.WITHHELD},
            {"status": Status.CANCELLED},
            {"access": Access.MEMBERS},
            {"embargo": NOW + timedelta(days=9)},
        ],
    )
    def test_other_words_are_told_and_the_date_of_publication_stays(self, newsroom, change):
        first = newsroom.told()

        after = newsroom.told(**change)

        assert (first.published, first.updated) == (PUBLISHED, PUBLISHED)
        assert (after.published, after.updated) == (PUBLISHED, newsroom.now)

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"tags": ("ships",)}, ("tags",)),
            ({"sections": ("economy",)}, ("sections",)),
            ({"related": (Related("The strait"),)}, ("related",)),
            ({"comments": "https://journal.example/port#talk"}, ("comments",)),
            ({"url": "https://www2.journal.example/harbour"}, ("url", "body")),  # its links begin there
            ({"teaser": "Cranes"}, ("teaser",)),
            ({"language": "en-GB"}, ("language",)),
            ({"authors": (ADA,)}, ("authors",)),
            ({"image": Image(f"{PICTURE}?width=800", "A port", "Nine cranes", "Ada")}, ("image",)),
            ({"image": Image(f"{PICTURE}?width=900", "The port", "Cranes", "Bob")}, ("image",)),
            ({"body": "<p>The cranes move <strong>again</strong>, <a href='/nine'>all nine</a>.</p>"}, ("body",)),
        ],
    )
    def test_what_is_no_news_to_a_reader_is_printed_and_kept_in_the_history_alone(self, newsroom, change, fields):
        before = newsroom.told()

        after = newsroom.told(**change)

        assert after.content_hash != before.content_hash
        assert after.updated == before.updated
        assert [(one.change, one.fields) for one in newsroom.history()][1:] == [(Change.UPDATED, fields)]

    def test_a_label_that_the_newsroom_took_on_changes_no_story(self, engine):
        """The same title, read by other rules."""
        newsroom = Newsroom(engine)
        before = newsroom.told(title="Report: The port")
        desk = Desk(a_publication(kinds=("Report",)))

        [_] = asyncio.run(gather.gather(engine, [Assignment(newsroom.sources["desk"], desk, HOUR)], NOW + HOUR))

        after = newsroom.story()
        assert (after.kind, after.headline) == ("Report", "The port")
        assert after.updated == before.updated

    def test_an_older_text_is_an_edit_again(self, newsroom):
        newsroom.told()
        second = newsroom.told(body="<p>Other words.</p>")

        third = newsroom.told()

        assert "move" in third.body
        assert (second.updated, third.updated) == (NOW + HOUR, NOW + 2 * HOUR)
        assert len(newsroom.history()) == 3

    def test_the_moment_that_the_source_names_counts(self, newsroom):
        newsroom.told(modified=PUBLISHED + HOUR)

        after = newsroom.told(body="<p>Other words.</p>", modified=PUBLISHED + 2 * HOUR)

        assert after.updated == PUBLISHED + 2 * HOUR

    @pytest.mark.parametrize("said", [NOW + timedelta(days=2), PUBLISHED - HOUR])
    def test_one_in_the_future_or_before_the_last_edit_does_not(self, newsroom, said):
        newsroom.told(modified=PUBLISHED + HOUR)

        after = newsroom.told(body="<p>Other words.</p>", modified=said)

        assert after.updated == newsroom.now

    def test_a_change_is_never_before_publication_nor_in_the_future(self, newsroom):
        assert newsroom.told(modified=PUBLISHED - HOUR).updated == PUBLISHED
        assert newsroom.told(published=NOW - HOUR, modified=PUBLISHED - HOUR).updated == NOW - HOUR
        assert newsroom.told(published=NOW, minor=True, body="<p>Other.</p>").updated == NOW

    def test_nor_where_the_first_that_we_hear_of_it_lies_in_the_future(self, newsroom):
        assert newsroom.told(modified=NOW + timedelta(days=400)).updated == NOW

    def test_a_story_that_comes_out_earlier_than_planned_changed_when_it_came_out(self, newsroom):
        planned = newsroom.told(published=NOW + timedelta(days=400))

        out = newsroom.told(published=NOW + HOUR)

        assert planned.updated == NOW + timedelta(days=400)
        assert out.updated == NOW + HOUR


class TestMinorEdits:
    OTHER = "<p>The cranes move again, all ten.</p>"

    def test_one_that_the_source_calls_minor_is_printed_in_silence(self, newsroom):
        before = newsroom.told()

        after = newsroom.told(body=self.OTHER, minor=True)

        assert "ten" in after.body
        assert (after.published, after.updated) == (before.published, before.updated)
        assert newsroom.history()[-1].fields == ("body",)

    def test_the_next_one_is_told_again(self, newsroom):
        newsroom.told(minor=True)
        newsroom.told(body=self.OTHER, minor=True)

        assert newsroom.told().updated == newsroom.now

    def test_one_at_the_same_moment_of_change_is_the_same_version(self, newsroom):
        before = newsroom.told(modified=PUBLISHED + HOUR)

        after = newsroom.told(body=self.OTHER, modified=PUBLISHED + HOUR)

        assert "ten" in after.body
        assert after.updated == before.updated

    def test_a_source_whose_edits_are_silent_announces_none(self, newsroom):
        newsroom.silent = True
        before = newsroom.told(modified=PUBLISHED + HOUR)

        after = newsroom.told(body=self.OTHER, modified=PUBLISHED + 2 * HOUR)

        assert "ten" in after.body
        assert after.updated == before.updated

    @pytest.mark.parametrize("silent", [True, False])
    @pytest.mark.parametrize(
        "change", [{"status": Status.CANCELLED}, {"access": Access.PAID}, {"embargo": NOW + timedelta(days=9)}]
    )
    def test_who_may_read_a_story_is_never_minor(self, newsroom, change, silent):
        newsroom.silent = silent
        newsroom.told(modified=PUBLISHED)

        assert newsroom.told(**change, modified=PUBLISHED, minor=True).updated == newsroom.now


class TestReplies:
    def test_their_number_is_printed_and_is_no_edit(self, newsroom):
        before = newsroom.told(replies=2)

        after = newsroom.told(replies=3)

        assert (before.replies, after.replies) == (2, 3)
        assert after.updated == before.updated
        assert len(newsroom.history()) == 1

    def test_it_is_unknown_where_nobody_said_and_that_is_not_none(self, newsroom):
        assert newsroom.told().replies is None
        assert newsroom.told(replies=0).replies == 0
        assert newsroom.told(replies=10**12).replies is None


class TestCorrections:
    def test_one_by_the_source_is_told_and_dated_and_the_publication_stays(self, newsroom):
        newsroom.told()

        after = newsroom.told(body="<p>In 2025.</p>", correction=WRONG_YEAR)

        assert after.corrections == (Correction(newsroom.now, WRONG_YEAR),)
        assert (after.published, after.updated) == (PUBLISHED, newsroom.now)
        assert newsroom.history()[-1].fields == ("body", "correction")

    @pytest.mark.parametrize("silent", [True, False])
    def test_it_is_told_of_a_silent_source_and_with_a_minor_edit_of_the_same_version(self, newsroom, silent):
        newsroom.silent = silent
        newsroom.told(modified=PUBLISHED)

        after = newsroom.told(correction=WRONG_YEAR, minor=True, modified=PUBLISHED)

        assert after.updated == newsroom.now
        assert after.corrections == (Correction(newsroom.now, WRONG_YEAR),)

    def test_it_has_the_moment_that_the_source_names(self, newsroom):
        newsroom.told()

        after = newsroom.told(correction=WRONG_YEAR, modified=PUBLISHED + HOUR)

        assert (after.updated, after.corrections[0].at) == (PUBLISHED + HOUR, PUBLISHED + HOUR)

    def test_it_does_not_have_the_moment_of_a_silent_edit_before_it(self, newsroom):
        newsroom.told(modified=PUBLISHED)
        newsroom.told(modified=PUBLISHED + HOUR, body="<p>Other words.</p>", minor=True)

        after = newsroom.told(modified=PUBLISHED + HOUR, body="<p>Other words.</p>", correction=WRONG_YEAR)

        assert (after.updated, after.corrections[0].at) == (newsroom.now, newsroom.now)

    def test_a_story_may_come_with_one(self, newsroom):
        first = newsroom.told(correction=f" {WRONG_YEAR}\n")

        assert first.corrections == (Correction(NOW, WRONG_YEAR),)
        assert (first.published, first.updated) == (PUBLISHED, NOW)

    def test_an_old_story_may_come_with_an_old_one(self, newsroom):
        first = newsroom.told(correction=WRONG_YEAR, modified=PUBLISHED + HOUR)

        assert (first.corrections[0].at, first.updated) == (PUBLISHED + HOUR, PUBLISHED + HOUR)

    def test_it_stands_once_and_is_told_once_however_often_the_source_says_it(self, newsroom):
        newsroom.told()
        newsroom.told(correction=WRONG_YEAR)
        told = newsroom.told(correction=WRONG_YEAR, tags=())

        assert notes(told) == [WRONG_YEAR]
        assert told.updated == NOW + HOUR

    def test_two_in_a_row_are_two_in_order(self, newsroom):
        newsroom.told()
        newsroom.told(correction=WRONG_YEAR)
        second = newsroom.told(correction=WRONG_PORT)

        assert second.corrections == (Correction(NOW + HOUR, WRONG_YEAR), Correction(NOW + 2 * HOUR, WRONG_PORT))
        assert second.updated == NOW + 2 * HOUR

    def test_it_stays_when_the_source_says_it_no_more(self, newsroom):
        newsroom.told(correction=WRONG_YEAR)

        after = newsroom.told(body="<p>Rewritten, in the same year.</p>")

        assert notes(after) == [WRONG_YEAR]

    def test_that_the_source_says_it_no_more_is_no_news(self, newsroom):
        before = newsroom.told(correction=WRONG_YEAR)

        assert newsroom.told().updated == before.updated

    def test_one_by_an_editor_is_told_and_survives_the_source(self, newsroom):
        newsroom.silent = True
        newsroom.told()

        corrected = newsroom.correct(WRONG_YEAR)
        after = newsroom.told(body="<p>Rewritten.</p>")

        assert corrected.corrections == after.corrections == (Correction(NOW + HOUR, WRONG_YEAR),)
        assert (after.published, after.updated) == (PUBLISHED, NOW + HOUR)
        assert [(one.source, one.fields) for one in newsroom.history()][1] == ("editor", ("correction",))

    def test_an_editors_words_by_the_source_are_the_same_one(self, newsroom):
        newsroom.told()
        newsroom.correct(WRONG_YEAR)

        assert notes(newsroom.told(correction=WRONG_YEAR)) == [WRONG_YEAR]

    def test_the_same_words_again_by_an_editor_change_nothing(self, newsroom):
        before = newsroom.told(correction=WRONG_YEAR)

        with database.writing(newsroom.engine) as db:
            assert not corrections.correct(db, before, WRONG_YEAR, NOW + 9 * HOUR)

        assert newsroom.story().updated == before.updated

    def test_a_slip_in_one_is_mended_in_silence_and_in_its_place(self, newsroom):
        newsroom.told(correction="The wrnog year.")
        before = newsroom.told(correction=WRONG_PORT)

        with database.writing(newsroom.engine) as db:
            corrections.reword(db, before, 1, WRONG_YEAR, NOW + 9 * HOUR)

        after = newsroom.story()
        assert after.corrections == (Correction(NOW, WRONG_YEAR), before.corrections[1])
        assert after.updated == before.updated
        assert newsroom.history()[-1].fields == ("correction, taken back: The wrnog year.",)

    def test_a_note_has_an_id_of_its_own_after_that(self, newsroom):
        """Feeds see by it that its words are others."""
        before = newsroom.told(correction="The wrnog year.")
        ids = select(schema.corrections.c.id)

        with database.writing(newsroom.engine) as db:
            first = db.scalars(ids).all()
            corrections.reword(db, before, 1, WRONG_YEAR, NOW)

            assert db.scalars(ids).one() not in first

    @pytest.mark.parametrize("reworded", [True, False])
    def test_the_source_does_not_bring_back_what_an_editor_took_back(self, newsroom, reworded):
        before = newsroom.told(correction=WRONG_PORT)
        with database.writing(newsroom.engine) as db:
            if reworded:
                corrections.reword(db, before, 1, WRONG_YEAR, NOW + HOUR)
            else:
                corrections.remove(db, before, 1, NOW + HOUR)

        after = newsroom.told(correction=WRONG_PORT, tags=("ships",))

        assert notes(after) == ([WRONG_YEAR] if reworded else [])
        assert after.updated == before.updated

    def test_an_editor_may_say_again_what_was_taken_back(self, newsroom):
        before = newsroom.told(correction=WRONG_YEAR)
        with database.writing(newsroom.engine) as db:
            corrections.remove(db, before, 1, NOW)

        assert notes(newsroom.correct(WRONG_YEAR)) == [WRONG_YEAR]

    def test_one_of_a_story_that_is_not_out_yet_makes_it_no_older(self, newsroom):
        newsroom.told(published=NOW + timedelta(days=9))

        assert newsroom.correct(WRONG_YEAR).updated == NOW + timedelta(days=9)

    def test_every_way_to_an_article_brings_its_own_in_one_query_for_all(self, engine):
        with database.writing(engine) as db:
            file_articles(db, *(an_article(number) for number in range(1, 21)))
            for story in articles.listed(db, 20)[::2]:
                corrections.correct(db, story, f"It said another thing than {story.headline}.", NOW)

        with database.reading(engine) as db, counted(engine) as asked:
            found = articles.listed(db, 20)

        assert len([one for one in asked if "FROM corrections" in one]) == 1
        assert [notes(story) for story in found] == [
            [f"It said another thing than {story.headline}."] if number % 2 == 0 else []
            for number, story in enumerate(found)
        ]
        with database.reading(engine) as db:
            one = found[0]
            ways = [articles.find(db, one.slug), articles.by_ids(db, [one.id])[one.id], articles.newest(db, NOW)[0]]
        assert [way.corrections for way in ways if way] == [one.corrections] * 3


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_):
        asked.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


class TestTwoSources:
    THEIRS = replace(STORY, source_id="wire-7", body="<p>Theirs.</p>")

    def test_the_other_ones_correction_is_not_of_the_text_that_is_printed(self, newsroom):
        before = newsroom.told()
        newsroom.gathers(self.THEIRS, source="wire")

        after = newsroom.gathers(replace(self.THEIRS, correction=WRONG_PORT), source="wire")

        assert (notes(after), after.updated, after.body) == ([], before.updated, before.body)

    def test_it_counts_once_the_text_is_theirs(self, newsroom):
        newsroom.told(correction=WRONG_YEAR)
        newsroom.gathers(self.THEIRS, source="wire")
        newsroom.sources["wire"].tells = True
        newsroom.gathers(self.THEIRS, source="wire")
        newsroom.gathers()

        after = newsroom.gathers(replace(self.THEIRS, correction=WRONG_PORT), source="wire")

        assert after.body == "<p>Theirs.</p>"
        assert notes(after) == [WRONG_YEAR, WRONG_PORT]
        assert after.updated == newsroom.now

    def test_another_sources_moment_is_no_sign_of_the_same_version(self, newsroom):
        newsroom.told(modified=PUBLISHED + HOUR)
        theirs = replace(self.THEIRS, modified=PUBLISHED + HOUR)
        newsroom.sources["wire"] = Source("wire", tells=True)
        newsroom.gathers(theirs, source="wire")
        newsroom.gathers()

        assert newsroom.gathers(theirs, source="wire").updated == newsroom.now

    def test_who_holds_a_story_back_is_obeyed_and_that_is_told(self, newsroom):
        newsroom.told()

        after = newsroom.gathers(replace(self.THEIRS, status=Status.CANCELLED), source="wire")

        assert (after.status, after.updated) == (Status.CANCELLED, newsroom.now)


class TestWithdrawal:
    def test_a_story_that_is_gone_changed_when_it_went_and_when_it_came_back(self, newsroom):
        newsroom.told(modified=PUBLISHED, correction=WRONG_YEAR)

        gone = newsroom.gathers()
        back = newsroom.told(modified=PUBLISHED, correction=WRONG_YEAR)

        assert (gone.status, gone.updated) == (Status.WITHHELD, NOW + HOUR)
        assert (back.status, back.updated, back.published) == (Status.USABLE, NOW + 2 * HOUR, PUBLISHED)
        assert notes(back) == [WRONG_YEAR]

    def test_it_does_even_where_the_source_is_silent(self, newsroom):
        newsroom.silent = True
        newsroom.told(minor=True)

        assert newsroom.gathers().updated == NOW + HOUR
        assert newsroom.told(minor=True).updated == NOW + 2 * HOUR

    def test_one_that_nobody_could_read_any_more_does_not_go_twice(self, newsroom):
        newsroom.told()
        cancelled = newsroom.told(status=Status.CANCELLED)

        gone = newsroom.gathers()

        assert gone.status is Status.WITHHELD
        assert gone.updated == cancelled.updated

    def test_one_that_another_source_still_tells_of_did_not_change(self, newsroom):
        before = newsroom.told()
        newsroom.sources["wire"] = Source("wire", tells=True)
        newsroom.gathers(replace(STORY, source_id="wire-7"), source="wire")

        assert newsroom.gathers().updated == before.updated


def test_a_row_of_an_older_program_is_made_right_by_the_next_edit(db):
    """Once, a story could be called changed before it was published."""
    story = an_article()
    file_articles(db, story)
    db.execute(update(schema.articles).values(updated=PUBLISHED))

    filing.file(db, [Candidate(replace(story, tags=("new",), content_hash="new"))], "tag:j.example,2026:a/", NOW)

    [after] = articles.listed(db, 1)
    assert after.updated == story.published
