"""Gathering on both databases: one bad source or article never stops the rest, and nothing is written twice."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
import structlog
from sqlalchemy import Engine, select, text, update

from publisher.clean.article import Desk
from publisher.errors import SourceError
from publisher.model.article import RawArticle, Status
from publisher.pipeline import gather
from publisher.pipeline.gather import Assignment, Gathered
from publisher.ports import Fetched
from publisher.store import articles, database, filing, schema
from publisher.store import sources as records
from tests.builders import NOW, a_publication

WORDS = " ".join(f"word{number}" for number in range(60))


@dataclass
class Told:
    """A source that brings what it is told to, one part a fetch."""

    name: str
    parts: list[Fetched | Exception] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)
    seconds: float = 0

    async def ask(self, state, now):
        self.asked.append(dict(state))
        await asyncio.sleep(self.seconds)

    def read(self, answer, state, now):
        part = self.parts.pop(0) if len(self.parts) > 1 else self.parts[0]
        if isinstance(part, Exception):
            raise part
        return part


def raw(number: int, **changes) -> RawArticle:
    plain = RawArticle(f"id-{number}", f"Title {number}", "<p>Text</p>", f"file-{number}", sections=("world",))
    return replace(plain, **changes)


def bringing(name: str, *brought: RawArticle, **more) -> Told:
    return Told(name, [Fetched(brought, **more)])


def failing(name: str, error: Exception) -> Told:
    return Told(name, [error])


def assigned(*sources, every: timedelta = timedelta(minutes=10)) -> list[Assignment]:
    return [Assignment(source, Desk(a_publication()), every) for source in sources]


def gathered(engine: Engine, *sources, now: datetime = NOW, **options) -> list[Gathered]:
    return asyncio.run(gather.gather(engine, assigned(*sources), now, **options))


def stored(engine: Engine) -> list[str]:
    with database.reading(engine) as db:
        return sorted(article.source_id for article in articles.newest(db, NOW, limit=5000))


def dumped(engine: Engine) -> list:
    tables: Sequence = (schema.sources, schema.articles, schema.article_origins, schema.article_history)
    with database.reading(engine) as db:
        return [db.execute(select(table)).all() for table in tables]


def due_minutes(engine: Engine, source: Told, asked: dict | None = None, span: int = 120) -> list[int]:
    minutes = range(span)
    return [at for at in minutes if gather.due(engine, assigned(source), NOW + timedelta(minutes=at), asked)]


@pytest.mark.parametrize("error", [SourceError("gone"), RuntimeError("a bug")])
def test_a_source_that_fails_leaves_the_others_working(engine, error):
    failed, good = gathered(engine, failing("bad", error), bringing("good", raw(1)))

    assert (bool(failed.error), good.new) == (True, 1)


def test_a_slow_source_keeps_nobody_waiting(engine):
    ended: list[tuple[str, float]] = []
    slow = bringing("slow", raw(99))
    slow.seconds = 2
    quick = [bringing(f"quick-{number}", raw(number, source_id=f"{number}")) for number in range(20)]
    started = monotonic()

    gathered(engine, slow, *quick, done=lambda one: ended.append((one.source, monotonic() - started)))

    assert len(ended) == 21
    assert ended[-1][0] == "slow"
    assert ended[-2][1] < 2


class TestArticles:
    def test_a_poisoned_one_is_reported_and_the_others_are_filed(self, engine):
        poisoned = raw(2, published="not a datetime")

        [done] = gathered(engine, bringing("desk", raw(1), poisoned, raw(3)))

        assert (done.new, [problem.where for problem in done.problems]) == (2, ["file-2"])

    def test_one_that_the_database_refuses_is_reported_and_the_others_are_filed(self, engine, monkeypatch):
        def file(db, candidates, prefix, now, shelf):
            if any(one.article.source_id == "id-2" for one in candidates):
                db.execute(text("SELECT no_such_column FROM articles"))
            return filed(db, candidates, prefix, now, shelf)

        filed = filing.file
        monkeypatch.setattr(filing, "file", file)

        [done] = gathered(engine, bringing("desk", raw(1), raw(2), raw(3)))

        assert stored(engine) == ["id-1", "id-3"]
        assert [problem.where for problem in done.problems] == ["desk: id-2"]

    def test_an_id_that_two_articles_claim_is_the_first_ones(self, engine):
        [done] = gathered(engine, bringing("desk", raw(1), raw(2, source_id="id-1")))

        assert (done.new, [problem.where for problem in done.problems]) == (1, ["file-2"])

    def test_an_address_that_entries_share_tells_none_of_them_apart(self, engine):
        live = [raw(number, url="https://journal.example/live") for number in range(3)]

        [done] = gathered(engine, bringing("desk", *live))

        assert done.new == 3

    def test_thousands_with_one_headline_are_filed_in_a_moment(self, engine):
        same = [raw(number, title="a") for number in range(1500)]

        [done] = gathered(engine, bringing("desk", *same))

        with database.reading(engine) as db:
            assert len({article.slug for article in articles.listed(db, 2000)}) == done.new == 1500

    def test_a_year_that_nobody_means_is_unknown(self, engine):
        [done] = gathered(engine, bringing("desk", raw(1, published=datetime(1, 1, 2, tzinfo=UTC))))

        with database.reading(engine) as db:
            assert articles.listed(db, 1)[0].published is None
        assert [problem.where for problem in done.problems] == ["file-1"]

    def test_a_text_of_a_million_characters_is_left_out_and_said(self, engine):
        [done] = gathered(engine, bringing("desk", raw(1, body="&" * 9_000_000), raw(2)))

        assert (done.new, [problem.where for problem in done.problems]) == (1, ["file-1"])

    def test_repairs_are_logged_with_the_articles_id(self, engine):
        with structlog.testing.capture_logs() as lines:
            gathered(engine, bringing("desk", raw(1, body="<p>a\x0b</p><script>x</script><script>y</script>")))

        with database.reading(engine) as db:
            [article] = articles.listed(db, 9)
        assert [line for line in lines if line["event"] == "repaired"] == [
            {"event": "repaired", "article": article.id, "source": "desk", "log_level": "info",
             "repairs": "control characters 1, scripts 2"}
        ]  # fmt: skip


class TestParts:
    """A source may hand its articles over in parts; each is filed before the next is asked for."""

    def test_all_of_them_arrive_with_the_state_of_the_part_before(self, engine):
        parts = [Fetched((raw(number),), {"page": number}, more=number < 3) for number in (1, 2, 3)]
        source = Told("site", parts)

        [done] = gathered(engine, source)

        assert (done.new, stored(engine)) == (3, ["id-1", "id-2", "id-3"])
        assert [state.get("page") for state in source.asked] == [None, 1, 2]

    def test_a_failure_half_way_keeps_what_came_and_goes_on_there(self, engine):
        parts = [
            Fetched((raw(1),), {"page": 1}, more=True),
            SourceError("the line broke"),
            Fetched((raw(2),), {"page": 2}),
        ]
        source = Told("site", parts)

        [broken] = gathered(engine, source)
        [whole] = gathered(engine, source)

        assert (broken.new, broken.error) == (1, "the line broke")
        assert (whole.new, stored(engine)) == (1, ["id-1", "id-2"])
        assert [state.get("page") for state in source.asked] == [None, 1, 1]

    def test_one_that_never_ends_is_stopped_and_said(self, engine, monkeypatch):
        monkeypatch.setattr(gather, "_MOST_PARTS", 5)

        [done] = gathered(engine, bringing("site", raw(1), more=True))

        assert "without an end" in done.error


class TestOldIsNeverNew:
    """An empty, failed or half fetch, a changed id or address: nothing that was filed is ever new again."""

    @pytest.mark.parametrize("between", [Fetched(), Fetched(unchanged=True), SourceError("down"), Fetched(problems=())])
    def test_after_a_fetch_that_brought_nothing(self, engine, between):
        brought = Fetched((raw(1), raw(2)))
        source = Told("feed", [brought, between, brought])

        news = [gathered(engine, source)[0].new for _ in range(3)]

        assert news == [2, 0, 0]

    def test_after_a_fetch_that_brought_half(self, engine):
        source = Told("feed", [Fetched((raw(1), raw(2))), Fetched((raw(2),)), Fetched((raw(1), raw(2)))])

        assert [gathered(engine, source)[0].new for _ in range(3)] == [2, 0, 0]

    def test_when_every_id_and_address_was_regenerated(self, engine):
        before = [raw(n, body=f"<p>{WORDS} {n}</p>", url=f"https://journal.example/{n}") for n in range(5)]
        after = [replace(one, source_id=f"new-{one.source_id}", url=f"{one.url}-moved") for one in before]
        source = Told("feed", [Fetched(tuple(before)), Fetched(tuple(after))])

        news = [gathered(engine, source)[0].new for _ in range(2)]

        assert news == [5, 0]


def words(name: str) -> str:
    return "<p>" + " ".join(f"{name}{number}" for number in range(60)) + "</p>"


def day(number: int) -> datetime:
    return NOW - timedelta(days=number)


class TestTwoStoriesStayTwo:
    """However alike two stories are, what stands side by side at the source is not one."""

    BUDGET = raw(1, title="Budget passes", body=words("a"), url="https://x.example/budget", published=day(9))

    def titles(self, engine) -> list[str]:
        with database.reading(engine) as db:
            return sorted(article.headline for article in articles.newest(db, NOW))

    def test_two_editorials_of_one_day(self, engine):
        first = raw(1, title="Editorial", body=words("a"), url="https://x.example/1", published=day(1))
        second = raw(2, title="Editorial", body=words("b"), url="https://x.example/2", published=day(1))

        gathered(engine, bringing("desk", first))
        [done] = gathered(engine, bringing("desk", second))

        assert (done.new, self.titles(engine)) == (1, ["Editorial", "Editorial"])

    def test_one_that_takes_a_headline_while_the_source_still_holds_the_other(self, engine):
        first, second = (raw(number, title="Letters", published=day(1)) for number in (1, 2))
        gathered(engine, bringing("desk", first, present=frozenset({"id-1"})))

        [done] = gathered(engine, bringing("desk", second, present=frozenset({"id-1", "id-2"})))

        assert (done.new, self.titles(engine)) == (1, ["Letters", "Letters"])

    def test_one_that_takes_an_address_which_the_other_left(self, engine):
        moved = replace(self.BUDGET, url="https://x.example/budget-2")
        fails = raw(2, title="Budget fails", body=words("b"), url=self.BUDGET.url, published=day(1))
        for brought in ([self.BUDGET], [moved], [moved, fails], [moved, fails]):
            [done] = gathered(engine, bringing("feed", *brought))

        assert (done.new, done.updated) == (0, 0)
        assert self.titles(engine) == ["Budget fails", "Budget passes"]

    def test_stories_that_follow_one_another_at_one_address(self, engine):
        for number in range(4):
            live = raw(
                number,
                title=f"Day {number}",
                body=words(f"q{number}x"),
                url="https://x.example/live",
                published=day(9 - number),
            )
            gathered(engine, bringing("feed", live))

        assert self.titles(engine) == ["Day 0", "Day 1", "Day 2", "Day 3"]

    def test_stories_that_follow_one_another_in_one_file(self, engine):
        for number in range(7):
            today = raw(
                1,
                slug="today",
                title=f"Day {number}",
                body=words(f"q{number}x"),
                url=f"https://x.example/{number}",
                published=day(9 - number),
            )
            [done] = gathered(engine, bringing("desk", today), now=day(9 - number))
            assert (done.new, done.error, done.problems) == (1, "", ())

        with database.reading(engine) as db:
            assert len({article.slug for article in articles.newest(db, NOW)}) == 7

    def test_one_that_takes_the_id_of_a_withdrawn_one(self, engine):
        monday, tuesday = (
            raw(1, title=name, body=words(name), published=day(n)) for n, name in ((9, "Mon"), (1, "Tue"))
        )
        gathered(engine, bringing("desk", monday, present=frozenset({"id-1"})))
        gathered(engine, bringing("desk", present=frozenset()))

        [done] = gathered(engine, bringing("desk", tuesday, present=frozenset({"id-1"})))

        assert (done.new, self.titles(engine)) == (1, ["Tue"])

    def test_the_story_whose_id_another_took_is_withdrawn(self, engine):
        other = raw(1, title="Other", body=words("z"), url="https://x.example/o", published=day(0))
        gathered(engine, bringing("desk", self.BUDGET, present=frozenset({"id-1"})))

        gathered(engine, bringing("desk", other, present=frozenset({"id-1"})))

        assert self.titles(engine) == ["Other"]


class TestTwoSources:
    X = raw(1, url="https://x.example/a", title="Shared")

    def test_a_cancellation_counts_whoever_says_it(self, engine):
        gathered(engine, bringing("site", self.X))
        gathered(engine, bringing("wire", replace(self.X, source_id="w")))

        [done] = gathered(engine, bringing("wire", replace(self.X, source_id="w", status=Status.CANCELLED)))

        assert (done.updated, stored(engine)) == (1, [])

    def test_a_later_embargo_counts_whoever_says_it(self, engine):
        gathered(engine, bringing("site", self.X))

        gathered(engine, bringing("wire", replace(self.X, source_id="w", embargo=NOW + timedelta(days=1))))

        assert stored(engine) == []

    def test_a_feed_that_cannot_tell_keeps_no_story_that_its_site_deleted(self, engine):
        site, feed = (
            bringing("site", self.X, present=frozenset({"id-1"})),
            bringing("feed", replace(self.X, source_id="f")),
        )
        gathered(engine, site, feed)

        gathered(engine, bringing("site", present=frozenset()), configured=["site", "feed"])

        assert stored(engine) == []

    def test_a_source_that_is_not_configured_any_more_gives_its_stories_over(self, engine):
        gathered(engine, bringing("site", self.X, present=frozenset({"id-1"})))

        [done] = gathered(engine, bringing("site2", replace(self.X, title="Corrected"), present=frozenset({"id-1"})))
        [gone] = gathered(engine, bringing("site2", present=frozenset()))

        assert (done.updated, gone.withdrawn, stored(engine)) == (1, 1, [])


class TestWhatCannotStopARound:
    def test_a_state_of_another_shape(self, engine):
        gathered(engine, bringing("odd", raw(1)))
        with database.writing(engine) as db:
            db.execute(update(schema.sources).values(state=["x"]))

        odd, good = gathered(engine, bringing("odd", raw(1)), bringing("good", raw(2, source_id="2")))

        assert (odd.error, odd.same, good.new) == ("", 1, 1)

    def test_a_failure_that_cannot_even_be_written_down(self, engine, monkeypatch):
        def broken(db, record):
            if record.name == "odd":
                raise RuntimeError("no")
            remember(db, record)

        remember = records.remember
        monkeypatch.setattr(records, "remember", broken)

        odd, good = gathered(engine, bringing("odd", raw(1)), bringing("good", raw(2, source_id="2")))

        assert "odd failed inside Publisher" in odd.error
        assert (good.new, stored(engine)) == (1, ["2"])

    def test_a_source_with_part_after_part_leaves_the_rest_for_the_next_round(self, engine):
        parts = [Fetched((raw(number),), {"page": number}, more=number < 9) for number in range(10)]
        source = Told("site", parts)
        source.seconds = 0.05

        [first] = gathered(engine, source, seconds=0.12)
        due = gather.due(engine, assigned(source), NOW + timedelta(seconds=1), {"site": NOW})
        [rest] = gathered(engine, source)

        assert 0 < first.new < 10
        assert len(due) == 1
        assert (first.new + rest.new, len(stored(engine))) == (10, 10)


class TestWithdrawal:
    @pytest.mark.parametrize("name", ["a  b.md", "cafe\u0301.md", "x\x85.md"])
    def test_an_id_that_is_repaired_is_still_present(self, engine, name):
        [done] = gathered(engine, bringing("desk", raw(1, source_id=name), present=frozenset({name})))

        assert (done.new, done.withdrawn, len(stored(engine))) == (1, 0, 1)

    def filed(self, engine, count: int) -> list[RawArticle]:
        brought = [raw(number) for number in range(count)]
        gathered(engine, bringing("desk", *brought, present=frozenset(one.source_id for one in brought)))
        return brought

    def test_what_a_source_does_not_hold_any_more_leaves_the_readers(self, engine):
        self.filed(engine, 4)

        [done] = gathered(engine, bringing("desk", present=frozenset({"id-0", "id-1", "id-2"})))

        assert (done.withdrawn, stored(engine)) == (1, ["id-0", "id-1", "id-2"])

    def test_a_source_that_lost_nearly_all_is_taken_for_ill(self, engine):
        self.filed(engine, 20)

        [done] = gathered(engine, bringing("desk", present=frozenset({"id-0"})))

        assert (done.withdrawn, len(stored(engine))) == (0, 20)
        assert "publisher gather desk --withdraw" in str(done.problems[0])

    def test_unless_the_editor_says_that_it_is_right(self, engine):
        self.filed(engine, 20)

        [done] = gathered(engine, bringing("desk", present=frozenset({"id-0"})), withdraw=True)

        assert (done.withdrawn, stored(engine)) == (19, ["id-0"])

    def test_a_renamed_file_is_the_same_article(self, engine):
        gathered(engine, bringing("desk", raw(1, body=WORDS), present=frozenset({"id-1"})))

        [done] = gathered(
            engine, bringing("desk", raw(1, source_id="renamed", body=WORDS), present=frozenset({"renamed"}))
        )

        assert (done.new, done.withdrawn, len(stored(engine))) == (0, 0, 1)


class TestWhatIsWritten:
    def test_a_dry_run_writes_nothing(self, engine):
        [done] = gathered(engine, bringing("desk", raw(1)), dry_run=True)

        assert (done.new, dumped(engine)) == (1, [[], [], [], []])

    def test_a_round_in_which_nothing_changed_writes_no_row(self, engine):
        source = Told("desk", [Fetched((raw(1),), {"etag": "a"}), Fetched(state={"etag": "a"}, unchanged=True)])
        gathered(engine, source)
        before = dumped(engine)

        [done] = gathered(engine, source, now=NOW + timedelta(minutes=10))

        assert done.unchanged
        assert dumped(engine) == before

    def test_that_nothing_changed_is_written_down_once_an_hour(self, engine):
        source = Told("desk", [Fetched((raw(1),)), Fetched(unchanged=True)])
        gathered(engine, source)

        gathered(engine, source, now=NOW + timedelta(hours=1))

        with database.reading(engine) as db:
            record = records.load(db)["desk"]
        assert (record.checked_at, record.changed_at) == (NOW + timedelta(hours=1), NOW)


class TestWhoIsDue:
    def test_a_failing_source_is_asked_less_and_less_often(self, engine):
        source = failing("bad", SourceError("gone"))
        for _ in range(3):
            gathered(engine, source)

        assert min(due_minutes(engine, source)) == 60

    def test_a_source_that_asked_for_peace_has_it(self, engine):
        source = failing("busy", SourceError("429", NOW + timedelta(minutes=90)))
        gathered(engine, source)

        assert min(due_minutes(engine, source)) == 90
        assert gather.waiting(engine, assigned(source), NOW) == {"busy": NOW + timedelta(minutes=90)}
        assert gather.waiting(engine, assigned(source), NOW + timedelta(minutes=90)) == {}

    def test_what_this_process_asked_a_moment_ago_is_not_due(self, engine):
        source = bringing("desk", raw(1))
        gathered(engine, source)

        assert min(due_minutes(engine, source)) == 10
        assert min(due_minutes(engine, source, {"desk": NOW + timedelta(minutes=10)})) == 20


def test_two_hundred_sources_are_gathered_at_once(engine):
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    sources = [bringing(f"source-{n}", raw(1, source_id=f"{n}", slug=f"s{n}")) for n in range(200)]
    for source in sources:
        source.seconds = 0.2
    started = monotonic()

    done = gathered(engine, *sources)

    assert sum(one.new for one in done) == 200
    assert monotonic() - started < 0.2 * 200 / 4
