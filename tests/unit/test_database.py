"""The database: one schema on two engines, and nobody else's."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from publisher.errors import Busy, SchemaError
from publisher.store import articles, database, editions
from publisher.store.schema import metadata
from tests.builders import NOW


def test_the_migrations_make_the_schema_that_the_program_uses(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(engine):
    database.migrate(engine)


def test_an_older_newsroom_keeps_its_articles_when_it_is_brought_up_to_date(empty):
    database.migrate(empty, "0001")
    columns = (
        "id, source, source_id, url, url_key, slug, tag, kind, headline, standfirst, teaser, body, authors, tags, "
        "language, words, usable, first_seen, updated, content_hash"
    )
    story = "'desk', 's', 'https://a.example/s', 'a.example/s', 's', 't', '', 'S', '', '', '', '[]', '[]', 'en', 1"
    moment = "'2026-11-20 08:00:00'"
    with database.writing(empty) as db:
        db.execute(text(f"INSERT INTO articles ({columns}) VALUES (7, {story}, false, {moment}, {moment}, 'h')"))
        db.execute(text("INSERT INTO article_origins (source, source_id, article_id) VALUES ('desk', 's', 7)"))
        db.execute(text("INSERT INTO article_sections (article_id, position, section) VALUES (7, 0, 'world')"))

    database.migrate(empty)

    with database.reading(empty) as db:
        (found,) = articles.listed(db, 9)
        addresses = db.execute(text("SELECT url_key, article_id FROM article_addresses")).all()
        filed = db.execute(text("SELECT article_id, rule FROM article_origins")).all()
        assert (found.id, found.status, found.access, found.sections) == (7, "withheld", "public", ("world",))
        assert (addresses, filed) == ([("a.example/s", 7)], [(7, "new")])
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_an_older_newsroom_keeps_its_editions_ungreeted_and_its_deliveries_unmasked(empty):
    database.migrate(empty, "0002")
    subscriber = "id, key, address, address_key, name, language, timezone, created_at"
    delivery = "id, edition_id, subscriber_id, state, sections, tries, uncertain_count, next_at, updated_at, reply"
    moment = "'2026-11-20 08:00:00'"
    with database.writing(empty) as db:
        edition = f"3, 'briefing', 'daily', '2026-11-20T07:00', 'sent', 'S', '', {moment}"
        reader = f"5, 'k', 'ada@example.org', 'ada@example.org', '', 'en', 'UTC', {moment}"
        columns = "id, newsletter, cadence, slot, state, subject, note, composed_at"
        db.execute(text(f"INSERT INTO editions ({columns}) VALUES ({edition})"))
        db.execute(text(f"INSERT INTO subscribers ({subscriber}) VALUES ({reader})"))
        sent = f"7, 3, 5, 'accepted', '*', 1, 0, {moment}, {moment}, ''"
        db.execute(text(f"INSERT INTO deliveries ({delivery}) VALUES ({sent})"))

    database.migrate(empty)

    with database.reading(empty) as db:
        found = editions.get(db, 3)
        kept = db.execute(text("SELECT id, state, masked FROM deliveries")).all()
        assert found is not None
        assert (found.greeting, kept) == ("", [(7, "accepted", None)])


def test_a_newer_schema_is_refused(tmp_path):
    engine = database.open_engine("sqlite:///own.db", tmp_path)
    database.migrate(engine)
    with database.writing(engine) as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match="schema 9999, newer than this Publisher knows"):
        database.migrate(engine)
    engine.dispose()


def test_somebody_elses_tables_are_left_alone(tmp_path):
    engine = database.open_engine("sqlite:///own.db", tmp_path)
    with database.writing(engine) as db:
        db.execute(text("CREATE TABLE theirs (id INTEGER)"))

    with pytest.raises(SchemaError, match="not Publisher's"):
        database.migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "sqlite://"])
def test_an_address_of_no_database_we_know_says_what_to_write(tmp_path, url):
    with pytest.raises(SchemaError, match=r"sqlite:///var/publisher\.db"):
        database.open_engine(url, tmp_path)


def test_a_second_press_on_a_database_is_refused(engine):
    with database.only_press(engine), pytest.raises(Busy), database.only_press(engine):
        pass

    with database.only_press(engine):
        pass


def test_the_lock_dies_with_its_process(tmp_path):
    engine = database.open_engine("sqlite:///own.db", tmp_path)
    script = (
        "import os, pathlib\nfrom publisher.store import database\n"
        f"engine = database.open_engine('sqlite:///own.db', pathlib.Path({str(tmp_path)!r}))\n"
        "database.only_press(engine).__enter__()\nos._exit(9)\n"
    )

    subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])

    with database.only_press(engine):
        pass
    engine.dispose()


def test_the_founding_day_never_changes(engine):
    first = database.founded(engine, NOW)

    assert database.founded(engine, NOW.replace(year=2030)) == first == NOW


def test_sqlite_writes_to_disk_before_it_says_so(tmp_path):
    engine = database.open_engine("sqlite:///own.db", tmp_path)
    with database.reading(engine) as db:
        settings = [db.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert settings == ["wal", 2, 1]
    engine.dispose()
