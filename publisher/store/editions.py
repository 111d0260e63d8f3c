"""Editions and their placements, and the clock that says which slots were seen."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.store.articles import is_public
from publisher.store.schema import articles, clock, editions, placements

_RELEASED = (EditionState.CANCELLED, EditionState.FAILED)  # their articles are news again, if none was sent
_SUMMARY = [column for column in editions.c if column.name not in ("plate", "page")]


def seen_at(db: Connection, newsletter: str, cadence: str) -> datetime | None:
    same = (clock.c.newsletter == newsletter) & (clock.c.cadence == cadence)
    return db.scalar(select(clock.c.seen_at).where(same))


def see(db: Connection, newsletter: str, cadence: str, now: datetime) -> None:
    """Move the clock of a newsletter forward; it never goes back."""
    known = seen_at(db, newsletter, cadence)
    if known is None:
        db.execute(insert(clock).values(newsletter=newsletter, cadence=cadence, seen_at=now))
    elif now > known:
        same = (clock.c.newsletter == newsletter) & (clock.c.cadence == cadence)
        db.execute(update(clock).where(same).values(seen_at=now))


def start(
    db: Connection,
    newsletter: str,
    cadence: str,
    slot: str,
    state: EditionState,
    now: datetime,
    note: str = "",
) -> Edition | None:
    """Insert the edition of a slot; None where the slot already has one. The unique key elects the winner."""
    values = {
        "newsletter": newsletter,
        "cadence": cadence,
        "slot": slot,
        "state": state,
        "subject": "",
        "note": note,
        "composed_at": now,
    }
    try:
        with db.begin_nested():
            edition_id: int = db.scalars(insert(editions).values(values).returning(editions.c.id)).one()
    except IntegrityError:
        return None
    return get(db, edition_id)


def place(db: Connection, edition_id: int, placed: Sequence[Placement]) -> None:
    """Replace an edition's placements."""
    db.execute(delete(placements).where(placements.c.edition_id == edition_id))
    rows = [
        {"edition_id": edition_id, "position": p.position, "section": p.section, "article_id": p.article_id}
        for p in placed
    ]
    if rows:
        db.execute(insert(placements), rows)


def placed_in(db: Connection, edition_id: int) -> list[Placement]:
    order = placements.c.position
    rows = db.execute(select(placements).where(placements.c.edition_id == edition_id).order_by(order))
    return [Placement(row.position, row.section, row.article_id) for row in rows]


def carried(newsletter: str, cadence: str) -> Select[tuple[int]]:
    """The ids of articles that an edition of this newsletter and cadence carries or carried."""
    return (
        select(placements.c.article_id)
        .join(editions, editions.c.id == placements.c.edition_id)
        .where(
            editions.c.newsletter == newsletter,
            editions.c.cadence == cadence,
            editions.c.state.not_in(_RELEASED),
        )
    )


def move(db: Connection, edition_id: int, expected: Iterable[EditionState], state: EditionState, **values: Any) -> bool:
    """Change an edition's state if it is one of `expected`; False where somebody was faster."""
    same = (editions.c.id == edition_id) & editions.c.state.in_(list(expected))
    return db.execute(update(editions).where(same).values(state=state, **values)).rowcount == 1


def greet(db: Connection, edition_id: int, text: str) -> bool:
    """Set the editor's greeting; False where the edition is frozen already, or unknown."""
    unpressed = editions.c.state.in_([EditionState.DRAFT, EditionState.APPROVED])
    same = (editions.c.id == edition_id) & unpressed
    return db.execute(update(editions).where(same).values(greeting=text)).rowcount == 1


def get(db: Connection, edition_id: int) -> Edition | None:
    found = _load(db, select(*_SUMMARY).where(editions.c.id == edition_id))
    return found[0] if found else None


def listed(db: Connection, limit: int, newsletter: str = "") -> list[Edition]:
    query = select(*_SUMMARY).order_by(editions.c.id.desc()).limit(limit)
    return _load(db, query.where(editions.c.newsletter == newsletter) if newsletter else query)


def in_state(db: Connection, *states: EditionState) -> list[Edition]:
    return _load(db, select(*_SUMMARY).where(editions.c.state.in_(states)).order_by(editions.c.id))


def pressed(db: Connection, newsletter: str = "", limit: int | None = None) -> list[Edition]:
    """The editions that have a web page, newest first."""
    query = select(*_SUMMARY).where(editions.c.page.is_not(None)).order_by(editions.c.id.desc()).limit(limit)
    return _load(db, query.where(editions.c.newsletter == newsletter) if newsletter else query)


def withdrawn_from(db: Connection, now: datetime) -> dict[int, set[int]]:
    """By pressed edition, the positions of articles that may not be printed any more."""
    columns = placements.c["edition_id", "position"]
    query = select(*columns).join(articles, articles.c.id == placements.c.article_id).join(editions)
    found: dict[int, set[int]] = {}
    for row in db.execute(query.where(editions.c.page.is_not(None), ~is_public(now))):
        found.setdefault(row.edition_id, set()).add(row.position)
    return found


def plate(db: Connection, edition_id: int) -> bytes | None:
    return db.scalar(select(editions.c.plate).where(editions.c.id == edition_id))


def page(db: Connection, edition_id: int) -> bytes | None:
    return db.scalar(select(editions.c.page).where(editions.c.id == edition_id))


def last_pressed(db: Connection) -> datetime | None:
    found: datetime | None = db.scalar(select(func.max(editions.c.pressed_at)))
    return found


def states(db: Connection) -> dict[str, int]:
    query = select(editions.c.state, func.count()).group_by(editions.c.state)
    return {row[0]: row[1] for row in db.execute(query)}


def _load(db: Connection, query: Select[Any]) -> list[Edition]:
    return [_edition(row) for row in db.execute(query).mappings()]


def _edition(row: Mapping[Any, Any]) -> Edition:
    return Edition(**{**row, "state": EditionState(row["state"])})
