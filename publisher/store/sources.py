"""What each source remembers between fetches, and how its last fetch went."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

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
    return {row["name"]: SourceRecord(**{**row, "problems": tuple(row["problems"])}) for row in rows}


def remember(db: Connection, record: SourceRecord) -> None:
    """Replace what is known of a source."""
    values = {name: getattr(record, name) for name in SourceRecord.__slots__}
    db.execute(delete(sources).where(sources.c.name == record.name))
    db.execute(insert(sources).values({**values, "state": dict(record.state), "problems": list(record.problems)}))
