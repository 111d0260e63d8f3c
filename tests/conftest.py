"""Databases for tests: every test that asks for `engine` runs on SQLite and on PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from publisher.store import database
from tests.builders import SAMPLES, tables

POSTGRES = os.environ.get("PUBLISHER_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")


@contextmanager
def a_postgres_database(name: str) -> Iterator[Engine]:
    """An empty database of this run's own, dropped at the end; a skip where there is no server."""
    server = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    admin = create_engine(server.set(database=server.database or "postgres"), isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        pytest.skip(f"no PostgreSQL at {server.render_as_string()}; set PUBLISHER_TEST_POSTGRES")
    engine = database.open_engine(server.set(database=name, drivername="postgresql").render_as_string(False), Path())
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A migrated PostgreSQL database that all tests share."""
    with a_postgres_database(f"publisher_test_{os.getpid()}") as engine:
        database.migrate(engine)
        yield engine


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a table."""
    if request.param == "postgres":
        with a_postgres_database(f"publisher_empty_{os.getpid()}") as engine:
            yield engine
        return
    own = database.open_engine("sqlite:///empty.db", tmp_path)
    yield own
    own.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated, empty database."""
    if request.param == "postgres":
        shared: Engine = request.getfixturevalue("postgres")
        tables(shared)
        yield shared
        return
    own = database.open_engine("sqlite:///test.db", tmp_path)
    database.migrate(own)
    yield own
    own.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    with database.writing(engine) as connection:
        yield connection


@pytest.fixture
def samples() -> Path:
    """Real input that is no part of the project."""
    if not SAMPLES.is_dir():
        pytest.skip("../shared/samples is not here")
    return SAMPLES
