"""Compose: take what is due and new, and lay out an edition.

One transaction per newsletter and cadence: the slot, its placements and the clock move together. Safe to repeat
and to run anywhere at once: a slot has one edition, the database's unique key elects it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from publisher import schedule
from publisher.errors import UsageError
from publisher.model.article import Article
from publisher.model.newsletter import Edition, EditionState, Newsletter, Placement, Publication, within
from publisher.store import articles, database, editions

_MOST_SECONDS = 60  # how far a hand-made edition's slot gives way to others of the same second


@dataclass(frozen=True, slots=True)
class Layout:
    """What an edition would hold, and how many articles wait for the next one."""

    placements: tuple[Placement, ...]
    articles: int
    left_over: int


def compose_due(
    engine: Engine, newsletters: Iterable[Newsletter], publication: Publication, now: datetime
) -> list[Edition]:
    """Compose every slot that is due; return the new editions, skipped and missed ones too."""
    made: list[Edition] = []
    for newsletter in newsletters:
        for cadence, line in newsletter.schedule.items():
            with database.writing(engine) as db:
                last = editions.seen_at(db, newsletter.name, cadence)
                if last is not None:
                    made += _due(db, newsletter, cadence, line, publication, last, now)
                editions.see(db, newsletter.name, cadence, now)
    return made


def _due(
    db: Connection,
    newsletter: Newsletter,
    cadence: str,
    line: str,
    publication: Publication,
    last: datetime,
    now: datetime,
) -> list[Edition]:
    due = schedule.due(line, publication.zone, last, now, newsletter.missed, newsletter.late)
    made = []
    for slot in due.missed:
        note = f"nobody was here at {slot.name}"
        made.append(editions.start(db, newsletter.name, cadence, slot.name, EditionState.MISSED, now, note))
    made += [_compose(db, newsletter, cadence, slot.name, publication, now) for slot in due.compose]
    return [edition for edition in made if edition]


def _compose(
    db: Connection, newsletter: Newsletter, cadence: str, slot: str, publication: Publication, now: datetime
) -> Edition | None:
    layout = lay_out(db, newsletter, cadence, publication, now)
    if not layout.placements:
        return editions.start(db, newsletter.name, cadence, slot, EditionState.SKIPPED, now, "nothing new")
    state = EditionState.DRAFT if newsletter.needs_approval else EditionState.APPROVED
    return _start(db, newsletter, cadence, slot, state, layout, now)


def build(
    engine: Engine, newsletter: Newsletter, cadence: str, publication: Publication, now: datetime
) -> Edition | None:
    """Compose a draft by hand, now; None where nothing is new."""
    with database.writing(engine) as db:
        layout = lay_out(db, newsletter, cadence, publication, now)
        if not layout.placements:
            return None
        for later in range(_MOST_SECONDS):
            slot = schedule.slot_at(now + timedelta(seconds=later), publication.zone).name
            edition = _start(db, newsletter, cadence, slot, EditionState.DRAFT, layout, now)
            if edition:
                return edition
    raise UsageError(f"{newsletter.name} already has an edition in each of the coming {_MOST_SECONDS} seconds.")


def _start(
    db: Connection,
    newsletter: Newsletter,
    cadence: str,
    slot: str,
    state: EditionState,
    layout: Layout,
    now: datetime,
) -> Edition | None:
    note = f"{layout.left_over} more articles wait for the next edition" if layout.left_over else ""
    edition = editions.start(db, newsletter.name, cadence, slot, state, now, note)
    if edition:
        editions.place(db, edition.id, layout.placements)
    return edition


def lay_out(db: Connection, newsletter: Newsletter, cadence: str, publication: Publication, now: datetime) -> Layout:
    """Articles that no edition of this newsletter and cadence carries, newest first under each of their sections."""
    already = editions.carried(newsletter.name, cadence)
    new = articles.unplaced(db, already, newsletter.sections, now - newsletter.max_age, now)
    placeable = [article for article in new if _shelves(article, newsletter, publication)]
    chosen = placeable[: newsletter.max_articles]
    return Layout(tuple(_place(chosen, newsletter, publication)), len(chosen), len(placeable) - len(chosen))


def _place(chosen: Sequence[Article], newsletter: Newsletter, publication: Publication) -> Iterable[Placement]:
    position = 0
    for section in publication.sections:
        for article in chosen:
            if section.path in _shelves(article, newsletter, publication):
                yield Placement(position, section.path, article.id)
                position += 1


def _shelves(article: Article, newsletter: Newsletter, publication: Publication) -> list[str]:
    """The article's own sections that this newsletter carries."""
    return [
        path
        for path in article.sections
        if publication.section(path) and any(within(path, chosen) for chosen in newsletter.sections)
    ]
