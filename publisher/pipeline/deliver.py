"""Deliver: print the copies of a leased batch, hand them to a transport, write each outcome down.

Connections take the batch in order and wait until an outcome is on disk before they take the next copy; one commit
serves all that wait. A crash therefore leaves at most one copy per open connection in doubt, and `outbox.close`
knows which. Repeating a batch repeats nothing: what has an outcome is not claimed again.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from publisher.errors import TransportDown
from publisher.model.delivery import Batch, Copy, Delivery, Outcome, OutcomeKind
from publisher.ports import Carrier, Transport
from publisher.store import database, outbox
from publisher.store.outbox import Settled

_PAUSE = timedelta(minutes=1)  # how long copies wait for a transport that takes no mail

Clock = Callable[[], datetime]
Print = Callable[[Delivery], Copy | None]


@dataclass(frozen=True, slots=True)
class Policy:
    """`resend` sends a copy in doubt once more; without it the copy stays uncertain for an editor to decide."""

    resend: bool = True
    batch: int = 500
    give_up_after: timedelta = timedelta(hours=24)


@dataclass(slots=True)
class Progress:
    """Counts as they happen, and the switch that stops the press after the copies in hand."""

    settled: dict[OutcomeKind, int] = field(default_factory=dict)
    stopping: bool = False
    down: str = ""

    def count(self, outcome: Outcome) -> None:
        self.settled[outcome.kind] = self.settled.get(outcome.kind, 0) + 1


async def deliver(
    engine: Engine,
    batch: Batch,
    print_copy: Print,
    transport: Transport,
    policy: Policy,
    expires_at: datetime,
    clock: Clock,
    progress: Progress,
) -> None:
    """Settle every delivery of the batch, or put back those of which nothing left."""
    waiting = iter(batch.deliveries)
    journal = _Journal(engine, batch.id, policy, expires_at, clock)
    returned: list[Delivery] = []
    writer = asyncio.create_task(journal.run())
    connections = [
        asyncio.create_task(_connection(waiting, returned, print_copy, transport, journal, progress))
        for _ in range(min(transport.connections, len(batch.deliveries)))
    ]
    try:
        await asyncio.gather(*connections)
    finally:
        for task in (*connections, writer):
            task.cancel()
        await asyncio.gather(*connections, writer, return_exceptions=True)  # each closes its carrier first
    left = [delivery.id for delivery in (*returned, *waiting)]
    await asyncio.to_thread(_close, engine, batch.id, left, policy, progress, clock())


async def _connection(
    waiting: Iterator[Delivery],
    returned: list[Delivery],
    print_copy: Print,
    transport: Transport,
    journal: "_Journal",
    progress: Progress,
) -> None:
    carrier = await transport.connect()
    try:
        while not progress.stopping and not progress.down:
            delivery = next(waiting, None)
            if delivery is None:
                return
            try:
                outcome = await _try(delivery, print_copy, carrier)
            except TransportDown as error:
                progress.down = str(error)
                returned.append(delivery)
                return
            await journal.write(Settled(delivery, outcome))
            progress.count(outcome)
    finally:
        await carrier.close()


async def _try(delivery: Delivery, print_copy: Print, carrier: Carrier) -> Outcome:
    try:
        copy = print_copy(delivery)
        return Outcome(OutcomeKind.NOTHING_NEW) if copy is None else await carrier.carry(copy)
    except TransportDown:
        raise
    except Exception as error:  # noqa: BLE001 - one poisoned reader is parked, the batch goes on
        return Outcome(OutcomeKind.FAILED, None, f"{type(error).__name__} while printing or carrying")


class _Journal:
    """Writes outcomes in group commits: whoever arrives during a commit shares the next one."""

    def __init__(self, engine: Engine, batch_id: int, policy: Policy, expires_at: datetime, clock: Clock) -> None:
        self._engine, self._batch_id, self._policy = engine, batch_id, policy
        self._expires_at, self._clock = expires_at, clock
        self._pending: list[tuple[Settled, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    async def write(self, settled: Settled) -> None:
        """Return when the outcome is on disk."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((settled, done))
        self._arrived.set()
        await done

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            group, self._pending = self._pending, []
            try:
                await asyncio.to_thread(self._commit, [settled for settled, _ in group])
            except Exception as error:  # noqa: BLE001 - handed to every connection that waits for this commit
                for _, done in group:
                    done.set_exception(error)
            for _, done in group:
                if not done.done():
                    done.set_result(None)

    def _commit(self, group: list[Settled]) -> None:
        with database.writing(self._engine) as db:
            outbox.settle(
                db,
                self._batch_id,
                group,
                resend=self._policy.resend,
                expires_at=self._expires_at,
                now=self._clock(),
            )


def _close(engine: Engine, batch_id: int, left: list[int], policy: Policy, progress: Progress, now: datetime) -> None:
    next_at = now + _PAUSE if progress.down else now
    with database.writing(engine) as db:
        outbox.release(db, batch_id, left, next_at, progress.down, now)
        outbox.close(db, batch_id, resend=policy.resend, now=now)
