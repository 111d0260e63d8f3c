"""Masks: what a reader has received in another edition, or may have, is left out of that reader's copy.

A mask is decided in the claim of a delivery's first try and kept, so every later try prints the same copy under the
same Message-ID. A crash leaves neither lease nor mask, or both. A delivery that was put back before anything of it
left is decided anew: nobody has seen its copy.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, update

from publisher.model.delivery import UNFINISHED, DeliveryState
from publisher.model.newsletter import Placement, within
from publisher.store.schema import deliveries, editions, placements


def held(placed: Iterable[Placement], sections: Collection[str], masked: Collection[int]) -> frozenset[int]:
    """The articles that a copy for a reader of these sections holds: those under one of them and not masked."""
    return frozenset(
        one.article_id
        for one in placed
        if one.article_id not in masked and any(within(one.section, chosen) for chosen in sections)
    )


def decide(db: Connection, edition_id: int, ids: Sequence[int]) -> None:
    """Write the masks of those among an edition's claimed deliveries that are tried for the first time."""
    shared = _shared(db, edition_id)
    if not shared:
        return
    _take_turns(db, [edition_id, *shared])

    @cache
    def inside(other: int, sections: str, masked: str) -> frozenset[int]:
        return held(shared[other], sections.split(), parsed(masked))

    first_tries = _first_tries(db, ids)
    found: dict[int, frozenset[int]] = {}
    for reader, other, sections, masked in db.execute(_other_copies(first_tries, shared)):
        mine = first_tries[reader]
        found[mine] = found.get(mine, frozenset()) | inside(other, sections, masked or "")
    _write(db, found)


def parsed(masked: str | None) -> tuple[int, ...]:
    """The column's article ids; none where nothing was decided yet."""
    return tuple(int(article) for article in (masked or "").split())


def _shared(db: Connection, edition_id: int) -> dict[int, list[Placement]]:
    """By other edition, its placements of this edition's articles."""
    mine = select(placements.c.article_id).where(placements.c.edition_id == edition_id)
    elsewhere = and_(placements.c.article_id.in_(mine), placements.c.edition_id != edition_id)
    found: dict[int, list[Placement]] = {}
    for row in db.execute(select(placements).where(elsewhere)):
        found.setdefault(row.edition_id, []).append(Placement(row.position, row.section, row.article_id))
    return found


def _take_turns(db: Connection, edition_ids: Sequence[int]) -> None:
    """Two editions with a story in common are claimed one after the other, so that the second sees the first.

    SQLite has one writer anyway. The lock admits rows that refer to the editions, which every claim writes, and is
    taken in one order, so that nobody waits in a circle.
    """
    query = select(editions.c.id).where(editions.c.id.in_(edition_ids)).order_by(editions.c.id)
    db.execute(query.with_for_update(key_share=True)).all()


def _first_tries(db: Connection, ids: Sequence[int]) -> dict[int, int]:
    """By reader, the claimed deliveries that are tried for the first time."""
    first = and_(deliveries.c.id.in_(ids), deliveries.c.state == DeliveryState.SENDING, deliveries.c.tries == 1)
    rows = db.execute(select(deliveries.c.subscriber_id, deliveries.c.id).where(first))
    return {row.subscriber_id: row.id for row in rows}


def _other_copies(readers: Collection[int], edition_ids: Collection[int]) -> Select[int, int, str, str | None]:
    """What these readers have of those editions, or may get: (reader, edition, sections, masked).

    The readers are spelled out: joined to their claimed deliveries, SQLite without statistics reads the other
    editions from end to end.
    """
    theirs = and_(deliveries.c.edition_id.in_(edition_ids), deliveries.c.subscriber_id.in_(readers))
    return select(*deliveries.c["subscriber_id", "edition_id", "sections", "masked"]).where(theirs, _may_arrive())


def _may_arrive() -> ColumnElement[bool]:
    """Received, in doubt once and so perhaps received whatever came after, or tried and to be tried again."""
    tried = and_(deliveries.c.state.in_(UNFINISHED), deliveries.c.tries > 0)
    return or_(deliveries.c.state == DeliveryState.ACCEPTED, deliveries.c.uncertain_count > 0, tried)


def _write(db: Connection, found: Mapping[int, Collection[int]]) -> None:
    """One statement for each mask: readers of the same sections, as most are, share theirs."""
    alike: dict[str, list[int]] = {}
    for delivery, mask in found.items():
        if mask:
            alike.setdefault(" ".join(str(article) for article in sorted(mask)), []).append(delivery)
    for text, ids in alike.items():
        db.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(masked=text))
