"""What each source remembers between fetches, and how its last fetch went."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from publisher.store.schema import sources


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """`failures` counts fetches in a row that brought nothing; `problems` are the last fetch's, as text.

    `not_before` is when the source wants to be asked again, where it said so.
    """

    name: str
    state: Mapping[str, Any]
    checked_at: datetime
    changed_at: datetime | None = None
    failures: int = 0
    problems: tuple[str, ...] = ()
    not_before: datetime | None = None


def load(db: Connection) -> dict[str, SourceRecord]:
    rows = db.execute(select(sources).order_by(sources.c.name)).mappings()
    return {row["name"]: _record(row) for row in rows}


def _record(row: Mapping[Any, Any]) -> SourceRecord:
    # A state that is no table remembers nothing, and the source is read from the start.
    state = row["state"] if isinstance(row["state"], dict) else {}
    return SourceRecord(**{**row, "state": state, "problems": tuple(row["problems"])})


def remember(db: Connection, record: SourceRecord) -> None:
    """Replace what is known of a source; where two processes do so at once, the later one's counts."""
    values = {name: getattr(record, name) for name in SourceRecord.__slots__}
    values |= {"state": dict(record.state), "problems": list(record.problems)}
    replacing = update(sources).where(sources.c.name == record.name).values(values)
    if db.execute(replacing).rowcount:
        return
    try:
        with db.begin_nested():
            db.execute(insert(sources).values(values))
    except IntegrityError:
        db.execute(replacing)
