"""Press an approved edition: freeze it, compile its plate, queue one delivery per reader.

One transaction: a crash leaves an approved edition or a full outbox, never half. Safe to repeat: an edition that
is pressed is not approved any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from publisher.errors import PressError, PublisherError
from publisher.model.article import Article
from publisher.model.newsletter import Edition, EditionState, Newsletter, Placement, Publication
from publisher.render import edition as layout
from publisher.render import mail, page
from publisher.render.environment import Templates
from publisher.store import articles, database, editions, outbox
from publisher.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Desk:
    """What the press needs of the newsroom."""

    publication: Publication
    newsletters: Mapping[str, Newsletter]
    templates: Templates
    tokens: Tokens
    enqueue: Callable[[Connection, int], None] = lambda db, edition_id: None


@dataclass(frozen=True, slots=True)
class Pressed:
    """`queued` deliveries wait in the outbox; `error` says why an edition failed instead."""

    edition: Edition
    queued: int = 0
    error: str = ""


def press_approved(engine: Engine, desk: Desk, now: datetime) -> list[Pressed]:
    """Press every approved edition; one that cannot be pressed fails with its reason, the others go on."""
    with database.reading(engine) as db:
        waiting = editions.in_state(db, EditionState.APPROVED)
    done = []
    for edition in waiting:
        try:
            done.append(Pressed(edition, press(engine, edition, desk, now)))
        except PublisherError as error:
            done.append(_failed(engine, edition, str(error), now))
        except Exception as error:  # noqa: BLE001 - an edition that breaks the press must not stop the others
            done.append(_failed(engine, edition, f"the press broke: {type(error).__name__}: {error}", now))
    return done


def _failed(engine: Engine, edition: Edition, why: str, now: datetime) -> Pressed:
    with database.writing(engine) as db:
        ended = {"note": why, "finished_at": now}
        editions.move(db, edition.id, [EditionState.APPROVED], EditionState.FAILED, **ended)
    return Pressed(edition, error=why)


def approve(engine: Engine, edition: Edition) -> None:
    """A draft becomes approved; PressError where it is neither."""
    with database.writing(engine) as db:
        if not editions.move(db, edition.id, [EditionState.DRAFT, EditionState.APPROVED], EditionState.APPROVED):
            raise PressError(f"edition {edition.id} is {edition.state}; only a draft can be approved")


def press(engine: Engine, edition: Edition, desk: Desk, now: datetime) -> int:
    """Return how many deliveries were queued."""
    newsletter = desk.newsletters.get(edition.newsletter)
    if newsletter is None:
        raise PressError(f'edition {edition.id} belongs to "{edition.newsletter}", which is no newsletter any more')
    with database.reading(engine) as db:
        placed, stories = _contents(db, edition, now)
    if not placed:
        raise PressError(f"edition {edition.id} has no article left: all were withdrawn")
    in_mail = layout.view(edition, newsletter, desk.publication, placed, stories, desk.publication.url)
    on_web = layout.view(edition, newsletter, desk.publication, _once(placed, stories), stories, "../..")
    subject = mail.subject_line(in_mail, desk.templates)
    digest = desk.tokens.seal(edition_key(edition))
    plate = mail.make_plate(in_mail, placed, desk.templates, subject=subject, digest=digest, now=now)
    frozen = {
        "plate": plate.dump(),
        "page": page.edition_page(on_web, desk.templates).encode(),
        "subject": subject,
        "pressed_at": now,
    }
    with database.writing(engine) as db:
        if not editions.move(db, edition.id, [EditionState.APPROVED], EditionState.PRESSED, **frozen):
            raise PressError(f"edition {edition.id} is not approved")
        editions.place(db, edition.id, placed)
        queued = outbox.queue_readers(db, edition, now)
        desk.enqueue(db, edition.id)
        return queued


def edition_key(edition: Edition) -> str:
    """What Message-IDs and the seal are derived from: the edition's own name, the same on every database."""
    return f"{edition.newsletter}/{edition.cadence}/{edition.slot}"


def _contents(db: Connection, edition: Edition, now: datetime) -> tuple[list[Placement], dict[int, Article]]:
    """Placements whose article may still be printed, numbered anew."""
    placed = editions.placed_in(db, edition.id)
    stories = articles.by_ids(db, {placement.article_id for placement in placed})
    printable = [
        one for one in placed if stories[one.article_id].public(now) and one.section in stories[one.article_id].sections
    ]
    return [replace(one, position=number) for number, one in enumerate(printable)], stories


def _once(placed: list[Placement], stories: Mapping[int, Article]) -> list[Placement]:
    """Each article under the first of its own sections: what a reader of everything sees."""
    first: dict[int, Placement] = {}
    for one in placed:
        order = stories[one.article_id].sections
        known = first.get(one.article_id)
        if known is None or order.index(one.section) < order.index(known.section):
            first[one.article_id] = one
    return sorted(first.values(), key=lambda one: one.position)
