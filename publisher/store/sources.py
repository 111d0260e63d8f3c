"""What each source remembers between fetches, and how its last fetch went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from publisher.store.schema import sources


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """`failures` counts fetches in a row that brought nothing; `problems` are the last fetch's, as text."""

    name: str
    state: Mapping[str, Any]
    checked_at: datetime
    changed_at: datetime | None
    failures: int
    problems: tuple[str, ...]


def load(db: Connection) -> dict[str, SourceRecord]:
    rows = db.execute(select(sources).order_by(sources.c.name)).mappings()
    return {row["name"]: SourceRecord(**{**row, "problems": tuple(row["problems"])}) for row in rows}


def remember(
    db: Connection,
    name: str,
    *,
    state: Mapping[str, Any],
    checked_at: datetime,
    changed_at: datetime | None,
    failures: int = 0,
    problems: Sequence[str] = (),
) -> None:
    """Replace what is known of a source."""
    db.execute(delete(sources).where(sources.c.name == name))
    db.execute(
        insert(sources).values(
            name=name,
            state=dict(state),
            checked_at=checked_at,
            changed_at=changed_at,
            failures=failures,
            problems=list(problems),
        )
    )
