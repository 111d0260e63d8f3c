"""The embedded engine: an asyncio loop over the tables, one process at a time on a database.

It holds the press's lock while it works, so every lease it finds open belongs to a process that died: those batches
are closed first, and their copies in doubt follow the newsroom's policy.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from publisher.errors import PressError
from publisher.model.delivery import Batch
from publisher.model.newsletter import EditionState, Publication
from publisher.pipeline import deliver
from publisher.pipeline.deliver import Policy, Progress
from publisher.ports import Health, Transport
from publisher.render import plate
from publisher.render.mail import PLAIN, CopyPrinter, Post
from publisher.store import database, editions, outbox
from publisher.tokens import Tokens

log = structlog.get_logger()


@dataclass(slots=True)
class EmbeddedEngine:
    database: Engine
    transport: Transport
    publication: Publication
    tokens: Tokens
    policy: Policy
    post: Post = PLAIN
    progress: Progress = field(default_factory=Progress)
    watch: Callable[[Progress], None] = lambda progress: None

    def enqueue(self, db: Connection, edition_id: int) -> None:
        """Nothing to do: this engine looks at the deliveries themselves."""

    async def work(self, now: Callable[[], datetime], only: int | None = None) -> int:
        """Deliver all that is due, or one edition's part of it; Busy where another process is at it."""
        self.progress = Progress(stopping=self.progress.stopping)
        with database.only_press(self.database):
            await asyncio.to_thread(self._close_leases_of_the_dead, now())
            printers: dict[int, CopyPrinter] = {}
            while not self.progress.stopping and not self.progress.down:
                batch = await asyncio.to_thread(self._claim, now(), only)
                if batch is None:
                    break
                try:
                    await self._deliver(batch, printers, now)
                except PressError as error:
                    await asyncio.to_thread(self._give_up, batch, str(error), now())
                self.watch(self.progress)
            await asyncio.to_thread(self._finish, now())
        return sum(self.progress.settled.values())

    def stop(self) -> None:
        """Let the copies in hand arrive, take no more."""
        self.progress.stopping = True

    def health(self) -> Health:
        return Health(not self.progress.down, self.progress.down or "ready")

    async def _deliver(self, batch: Batch, printers: dict[int, CopyPrinter], now: Callable[[], datetime]) -> None:
        if batch.edition_id not in printers:
            printers.clear()  # one plate in memory at a time
            printers[batch.edition_id] = await asyncio.to_thread(self._printer, batch.edition_id)
        with database.reading(self.database) as db:
            edition = editions.get(db, batch.edition_id)
        pressed_at = edition.pressed_at if edition and edition.pressed_at else now()
        await deliver.deliver(
            self.database,
            batch,
            printers[batch.edition_id].print,
            self.transport,
            self.policy,
            pressed_at + self.policy.give_up_after,
            now,
            self.progress,
        )
        counts: Mapping[str, int] = {kind.value: number for kind, number in self.progress.settled.items()}
        log.info("batch", batch=batch.id, edition=batch.edition_id, **counts)

    def _printer(self, edition_id: int) -> CopyPrinter:
        with database.reading(self.database) as db:
            edition, saved = editions.get(db, edition_id), editions.plate(db, edition_id)
        if edition is None or saved is None:
            raise PressError(f"edition {edition_id} has no plate")
        return CopyPrinter(plate.load(saved), edition.key, self.publication, self.tokens, self.post)

    def _give_up(self, batch: Batch, why: str, now: datetime) -> None:
        """An edition without a readable plate: nothing leaves, every delivery ends, an editor is told."""
        with database.writing(self.database) as db:
            outbox.fail(db, batch.edition_id, why, now)
            outbox.close(db, batch.id, resend=self.policy.resend, now=now)
            ended = {"note": why, "finished_at": now}
            editions.move(db, batch.edition_id, [EditionState.SENDING], EditionState.FAILED, **ended)
        log.error("edition cannot be printed", edition=batch.edition_id, reason=why)

    def _claim(self, now: datetime, only: int | None) -> Batch | None:
        policy = self.policy
        with database.writing(self.database) as db:
            return outbox.claim(
                db, policy.batch, self.transport.connections, now, give_up_after=policy.give_up_after, only=only
            )

    def _close_leases_of_the_dead(self, now: datetime) -> None:
        with database.writing(self.database) as db:
            for batch_id in outbox.open_batches(db):
                in_doubt = outbox.close(db, batch_id, resend=self.policy.resend, now=now)
                log.warning("a press stopped in the middle of a batch", batch=batch_id, uncertain=in_doubt)

    def _finish(self, now: datetime) -> None:
        with database.writing(self.database) as db:
            for edition_id in outbox.finish(db, now):
                log.info("edition finished", edition=edition_id)
