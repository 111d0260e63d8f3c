"""A whole sending against Postfix's own load generator, into the same smtp-sink, over as many connections.

Ours claims, prints, sends and writes every outcome to a SQLite database on disk; smtp-source sends one message of the
same size again and again. They take turns, two rounds each, and the best of each counts. smtp-source is the floor:
nothing that speaks SMTP without pipelining does less for a message.
"""

import argparse
import asyncio
import logging
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import mean
from time import monotonic, perf_counter, process_time, sleep

import structlog
from sqlalchemy import Engine

from benchmarks import journal
from publisher.clean.addresses import address_key
from publisher.clean.urls import key
from publisher.engines.embedded import EmbeddedEngine
from publisher.errors import PublisherError
from publisher.model.delivery import Delivery, DeliveryState, OutcomeKind
from publisher.model.newsletter import EVERYTHING, Edition
from publisher.pipeline import compose, press
from publisher.pipeline.deliver import Policy
from publisher.pipeline.proof import Desk
from publisher.render import plate
from publisher.render.environment import Templates, shipped
from publisher.render.mail import CopyPrinter
from publisher.store import database, editions, filing, outbox, subscribers
from publisher.store.recognition import Candidate
from publisher.tokens import Tokens
from publisher.transports.smtp import SmtpTransport

READERS = 10_000
ARTICLES = 25
SECTIONS = (10, 12)  # readers choose nearly all twelve, so that copies are about as long as the full one
FULL_COPY = range(55_000, 65_001)
CONNECTIONS = 10
ROUNDS = 2
SECONDS = 300  # a round that takes longer has failed
TOKENS = Tokens([journal.SECRET])


@dataclass(frozen=True, slots=True)
class Round:
    """Messages a second, and processor seconds of the sending process for each."""

    rate: float
    cpu: float


def main() -> None:
    readers = arguments()
    sink, source = program("smtp-sink"), program("smtp-source")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder, listening(sink) as port:
        newsroom = Path(folder) / "newsroom"
        full, size = prepare(newsroom, readers)
        print(f"{readers:,} readers, copies of {size:,} bytes ({full:,} with everything), {CONNECTIONS} connections")
        floors, ours = [], []
        for _ in range(ROUNDS):
            floors.append(smtp_source(source, port, readers, size))
            ours.append(publisher(newsroom, port, readers))
    floor, best = max(floors, key=lambda one: one.rate), max(ours, key=lambda one: one.rate)
    print(f"floor, smtp-source: {shown(floor)} (best of {ROUNDS})")
    print(f"publisher: {shown(best)} (best of {ROUNDS})")
    print(f"send ratio={best.rate / floor.rate:.2f}")


def arguments() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.send", description="A whole sending, timed.")
    parser.add_argument("--readers", type=int, default=READERS, metavar="N", help=f"how many (default {READERS})")
    readers: int = parser.parse_args().readers
    if readers < 1:
        parser.error("--readers: write a number above 0")
    return readers


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        print(f"{name} is missing; it comes with Postfix (Debian: apt-get install postfix).", file=sys.stderr)
        raise SystemExit(1)
    return found


def shown(one: Round) -> str:
    return f"{one.rate:,.0f} messages/s, {one.cpu * 1e6:.0f} µs of processor time a message"


@contextmanager
def listening(sink: str) -> Iterator[int]:
    """Run smtp-sink on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([sink, *user, f"127.0.0.1:{port}", "1024"])
    try:
        await_server(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def await_server(port: int) -> None:
    give_up = monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if monotonic() > give_up:
                raise
            sleep(0.05)


def prepare(newsroom: Path, readers: int) -> tuple[int, int]:
    """File articles and readers and press an edition; return how long its full copy and its mean copy are."""
    store = database.open_engine("sqlite:///publisher.db", newsroom)
    try:
        database.migrate(store)
        edition = pressed(store, readers, datetime.now(UTC))
        with database.reading(store) as db:
            saved = editions.plate(db, edition.id)
        assert saved is not None
    finally:
        store.dispose()
    printer = CopyPrinter(plate.load(saved), edition.key, journal.PUBLICATION, TOKENS)
    full = copy_size(printer, Delivery(0, edition.id, "ada@example.org", "Ada", "key", (EVERYTHING,)))
    assert full in FULL_COPY, f"a full copy has {full} bytes; change ARTICLES"
    sample = islice(journal.readers(readers, *SECTIONS), 500)
    sizes = [copy_size(printer, Delivery(0, 0, who.address, who.name, who.key, to.sections)) for who, to in sample]
    return full, round(mean(sizes))


def pressed(store: Engine, readers: int, now: datetime) -> Edition:
    """An edition with a delivery queued for every reader."""
    with database.writing(store) as db:
        for article in journal.articles(ARTICLES, now):
            filing.file(db, [Candidate(article, key(article.url))], "tag:journal.example,2026:articles/", now)
        for reader, subscription in journal.readers(readers, *SECTIONS):
            subscribers.add(db, reader, address_key(reader.address), subscription, now)
    newsletters = {journal.NEWSLETTER.name: journal.NEWSLETTER}
    desk = Desk(journal.PUBLICATION, newsletters, Templates(journal.PUBLICATION, shipped()), TOKENS)
    edition = compose.build(store, journal.NEWSLETTER, "daily", journal.PUBLICATION, now)
    assert edition is not None
    press.approve(store, edition)
    queued = press.press(store, edition, desk, now)
    assert queued == readers, f"{queued} deliveries queued for {readers} readers"
    return edition


def copy_size(printer: CopyPrinter, delivery: Delivery) -> int:
    copy = printer.print(delivery)
    assert copy is not None
    return len(copy.message)


def smtp_source(source: str, port: int, messages: int, size: int) -> Round:
    """`-d` keeps a connection for the next message, as we do."""
    before, start = children_cpu(), perf_counter()
    command = [source, "-d", "-s", f"{CONNECTIONS}", "-m", f"{messages}", "-l", f"{size}", f"127.0.0.1:{port}"]
    subprocess.run(command, check=True, timeout=SECONDS)
    spent = perf_counter() - start
    return Round(messages / spent, (children_cpu() - before) / messages)


def children_cpu() -> float:
    """Of children that have ended: smtp-source, never the sink."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def publisher(newsroom: Path, port: int, messages: int) -> Round:
    """Deliver the edition from a fresh copy of the database, all of it as `publisher run` does."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(newsroom, folder, dirs_exist_ok=True)
        store = database.open_engine("sqlite:///publisher.db", Path(folder))
        transport = SmtpTransport("127.0.0.1", port, security="none", connections=CONNECTIONS)
        engine = EmbeddedEngine(store, transport, journal.PUBLICATION, TOKENS, Policy())
        try:
            cpu, start = process_time(), perf_counter()
            asyncio.run(work(engine))
            spent, cpu = perf_counter() - start, process_time() - cpu
            assert_all_accepted(engine, messages)
        finally:
            store.dispose()
    return Round(messages / spent, cpu / messages)


async def work(engine: EmbeddedEngine) -> None:
    async with asyncio.timeout(SECONDS):
        await engine.work(lambda: datetime.now(UTC))


def assert_all_accepted(engine: EmbeddedEngine, messages: int) -> None:
    if engine.progress.settled != {OutcomeKind.ACCEPTED: messages}:
        raise PublisherError(f"not all {messages} copies arrived: {engine.progress.settled} {engine.progress.down}")
    with database.reading(engine.database) as db:
        [edition] = editions.listed(db, 2)
        assert outbox.count(db, edition.id) == {DeliveryState.ACCEPTED: messages}
        assert edition.state == "sent"


if __name__ == "__main__":
    main()
