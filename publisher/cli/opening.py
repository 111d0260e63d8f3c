"""What every command needs: the clock, the options, and the opened newsroom."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from publisher.cli.output import Output
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app import App
    from publisher.model.newsletter import Edition


def now() -> datetime:
    """The one place where commands read the clock."""
    return datetime.now(UTC)


def output(context: typer.Context) -> Output:
    found = context.find_object(Output)
    assert found is not None
    return found


@contextmanager
def opened(context: typer.Context) -> "Iterator[App]":
    """The newsroom of `--config`; imported late, so that `--help` is quick."""
    from publisher import app

    with app.opened(output(context).config, now()) as newsroom:
        yield newsroom


def find_edition(app: "App", edition_id: int) -> "Edition":
    from publisher.store import database, editions

    with database.reading(app.newsroom.database) as db:
        edition = editions.get(db, edition_id)
    if edition is None:
        raise UsageError(f"there is no edition {edition_id}. See: publisher editions list")
    return edition
