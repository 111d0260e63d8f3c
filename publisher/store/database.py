"""Open the database, hold its transactions, know its schema, and keep a second press away.

SQLite runs in WAL mode with `synchronous=FULL`: what a commit said is on disk. A writer takes its lock at the
start (`BEGIN IMMEDIATE`), so it waits for its turn instead of failing at the end.
"""

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from publisher.errors import Busy, SchemaError
from publisher.store.schema import newsroom

HEAD = "0004"
_BUSY_MS = 30_000
_MOST_PARAMETERS = 10_000  # SQLite takes 32,766 in a statement, PostgreSQL 65,535
_T = TypeVar("_T")
_LOCK_KEY = 0x50_52_45_53_53  # "PRESS", the advisory lock on PostgreSQL


def open_engine(url: str, root: Path) -> Engine:
    """Open a `sqlite:///` or `postgresql://` address; a relative SQLite path starts at `root`."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise SchemaError(
            f'[store] url: "{url}" is not a database address. Write "sqlite:///var/publisher.db".'
        ) from None
    if address.get_backend_name() == "postgresql":
        return create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    if address.get_backend_name() != "sqlite" or not address.database:
        raise SchemaError('[store] url: write "sqlite:///var/publisher.db" or "postgresql://user@host/name".')
    path = root / address.database
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address.set(database=str(path)), connect_args={"timeout": _BUSY_MS / 1000}, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    mode = "DEFERRED" if connection.get_execution_options().get("reading") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it or nothing."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent view that never makes a writer wait."""
    with engine.connect() as connection, connection.execution_options(reading=True).begin():
        yield connection


def migrate(engine: Engine, target: str = "head") -> None:
    """Bring the schema to what this program knows; refuse one that is newer or not ours."""
    version = _version(engine)
    if version == HEAD:
        return
    if version is None and not _is_empty(engine):
        raise SchemaError(
            f"the database {_shown(engine)} holds tables that are not Publisher's. Give it one of its own."
        )
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    try:
        if version is not None:
            ScriptDirectory.from_config(config).get_revision(version)
        command.upgrade(config, target)
    except CommandError:
        raise SchemaError(
            f"the database {_shown(engine)} has schema {version}, newer than this Publisher knows ({HEAD}). "
            "Upgrade Publisher."
        ) from None


def chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Parts that fit into one statement's parameters."""
    left = iter(values)
    while part := list(islice(left, _MOST_PARAMETERS)):
        yield part


def founded(engine: Engine, now: datetime) -> datetime:
    """When this newsroom was founded: the first time anybody asked."""
    with writing(engine) as db:
        known = db.scalar(select(newsroom.c.founded_at))
        if known is None:
            db.execute(insert(newsroom).values(founded_at=now))
        return known or now


def _version(engine: Engine) -> str | None:
    try:
        with reading(engine) as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)
    except DatabaseError as error:
        raise SchemaError(f"the database {_shown(engine)} cannot be opened: {error.orig}.") from None


def _is_empty(engine: Engine) -> bool:
    with reading(engine) as connection:
        return set(inspect(connection).get_table_names()) <= {"alembic_version"}


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def only_press(engine: Engine) -> Iterator[None]:
    """Hold the right to deliver from this database; Busy where another process has it.

    The lock dies with its process: a file lock beside SQLite, an advisory lock on PostgreSQL.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}):
                raise Busy("another process is delivering from this database")
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
        return
    with Path(f"{engine.url.database}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("another process is delivering from this database") from None
        yield
