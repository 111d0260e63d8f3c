"""Press an approved edition: check it, freeze it, queue one delivery per reader.

One transaction: a crash leaves an approved edition or a full outbox, never half. Safe to repeat: an edition that
is pressed is not approved any more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from publisher.errors import PreflightFailed, PressError, PublisherError
from publisher.model.newsletter import Edition, EditionState
from publisher.pipeline import proof
from publisher.pipeline.proof import Desk, Pressing
from publisher.store import database, editions, outbox

_UNPRESSED = (EditionState.DRAFT, EditionState.APPROVED)


@dataclass(frozen=True, slots=True)
class Pressed:
    """`queued` deliveries wait in the outbox; `error` says why an edition failed, or is a draft again, instead."""

    edition: Edition
    queued: int = 0
    error: str = ""


def press_approved(engine: Engine, desk: Desk, now: datetime) -> list[Pressed]:
    """Press every approved edition; one that cannot be pressed stops with its reason, the others go on."""
    with database.reading(engine) as db:
        waiting = editions.in_state(db, EditionState.APPROVED)
    done = []
    for edition in waiting:
        try:
            done.append(Pressed(edition, press(engine, edition, desk, now)))
        except PreflightFailed as error:
            done.append(_stopped(engine, edition, str(error), EditionState.DRAFT))
        except PublisherError as error:
            done.append(_stopped(engine, edition, str(error), EditionState.FAILED, now))
        except Exception as error:  # noqa: BLE001 - an edition that breaks the press must not stop the others
            why = f"the press broke: {type(error).__name__}: {error}"
            done.append(_stopped(engine, edition, why, EditionState.FAILED, now))
    return done


def _stopped(engine: Engine, edition: Edition, why: str, state: EditionState, ended: datetime | None = None) -> Pressed:
    """A draft waits for an editor; what failed has ended, and its articles are news again."""
    with database.writing(engine) as db:
        editions.move(db, edition.id, [EditionState.APPROVED], state, note=why, finished_at=ended)
    return Pressed(edition, error=why)


def approve(engine: Engine, edition: Edition) -> None:
    """A draft becomes approved, and `publisher run` presses it; PressError where it is neither."""
    with database.writing(engine) as db:
        if not editions.move(db, edition.id, _UNPRESSED, EditionState.APPROVED):
            raise PressError(f"edition {edition.id} is {edition.state}; only a draft can be approved")


def press(engine: Engine, edition: Edition, desk: Desk, now: datetime, accept: Collection[str] = ()) -> int:
    """Return how many deliveries were queued; PreflightFailed where a check failed that is not accepted.

    The clockwork presses what is approved. An editor who presses a draft approves it by that.
    """
    pressing = proof.prepare(engine, edition, desk, now)
    proof.refuse(proof.check(pressing, desk), {*desk.accept, *accept})
    frozen = {
        "plate": pressing.plate.dump(),
        "page": pressing.page.encode(),
        "subject": pressing.subject,
        "note": _note(edition, pressing, desk),
        "pressed_at": now,
    }
    with database.writing(engine) as db:
        current = editions.get(db, edition.id)
        if current and current.greeting == edition.greeting:
            if not editions.move(db, edition.id, _UNPRESSED, EditionState.PRESSED, **frozen):
                raise PressError(f"edition {edition.id} is not a draft or approved any more")
            editions.place(db, edition.id, pressing.placed)
            queued = outbox.queue_readers(db, edition, now)
            desk.enqueue(db, edition.id)
            return queued
    if current is None:
        raise PressError(f"edition {edition.id} is gone")
    return press(engine, current, desk, now, accept)  # an editor changed the note meanwhile


def _note(edition: Edition, pressing: Pressing, desk: Desk) -> str:
    """What was said of the edition, and what had to be cut for the largest copies to fit."""
    cut = proof.printer(pressing, desk).cut
    counted = {"shortened": cut.shortened, "headlines only": cut.headlines, "left to the web": cut.left_out}
    told = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    return "; ".join(filter(None, (edition.note, told and f"to fit {pressing.plate.budget:,} bytes: {told}")))
