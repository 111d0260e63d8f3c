"""Gathering on both databases: one bad source or article never stops the rest, and nothing is written twice."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
import structlog
from sqlalchemy import Engine, select, text

from publisher.clean.article import Desk
from publisher.errors import SourceError
from publisher.model.article import RawArticle
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
        def file(db, candidates, prefix, now):
            if any(one.article.source_id == "id-2" for one in candidates):
                db.execute(text("SELECT no_such_column FROM articles"))
            return filed(db, candidates, prefix, now)

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


class TestWithdrawal:
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
