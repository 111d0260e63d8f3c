"""Gathering 10,000 articles from 200 feeds against bare feedparser over the same bytes.

Both take turns for three rounds, each in a process of its own, and the median of each counts; so does the peak of
memory, the interpreter and all libraries included. Gathering parses, cleans, recognises and files every article in a
new SQLite database; then it gathers again, when nothing has changed, and must write no row.
"""

import asyncio
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

from benchmarks import journal
from publisher.clean.article import Desk
from publisher.model.article import Article
from publisher.pipeline import gather
from publisher.pipeline.gather import Assignment
from publisher.ports import Response
from publisher.render import feed
from publisher.render.feed import FeedView
from publisher.sources.feed.source import FeedSource
from publisher.store import database

FEEDS = 200
ENTRIES = 50
ROUNDS = 3
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(ROLES[sys.argv[1]](Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory(prefix="publisher-bench-") as name:
        folder = Path(name)
        size = write_feeds(folder)
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(in_a_process("bare", folder))
            ours.append(in_a_process("ours", folder))
    peer, first = median(one["seconds"] for one in bare), median(one["seconds"] for one in ours)
    second, memory = median(one["again"] for one in ours), max(one["megabytes"] for one in ours)
    print(f"{FEEDS * ENTRIES:,} articles in {FEEDS} feeds, {size / 1e6:.1f} MB")
    print(f"bare feedparser: {peer:.2f} s, {FEEDS * ENTRIES / peer:,.0f} articles/s")
    print(f"gathered, filed: {first:.2f} s, {FEEDS * ENTRIES / first:,.0f} articles/s, {memory:.0f} MB at most")
    print(f"gathered again, nothing changed: {second:.3f} s, no row written")
    print("the bars: ratio >= 0.5, again <= 0.05, memory_mb < 150")
    print(f"gather ratio={peer / first:.2f} again={second / first:.3f} memory_mb={memory:.0f}")


def write_feeds(folder: Path) -> int:
    """RSS and Atom in turn; return how many bytes."""
    size = 0
    for number in range(FEEDS):
        stories = journal.articles(ENTRIES, NOW, first=number * ENTRIES + 1)
        view = FeedView(
            publication=journal.PUBLICATION,
            id=f"tag:wire-{number}.example,2026:feed",
            title=f"Wire {number}",
            description="Everything",
            path=f"wire-{number}",
            home=f"https://wire-{number}.example/",
            language="en",
            updated=NOW,
            entries=[
                feed.entry(
                    replace(one, tag=f"tag:wire.example,2026:{one.id}"),
                    str(one.url),
                    one.body,
                    journal.PUBLICATION,
                    "",
                    NOW,
                )
                for one in stories
            ],
        )
        content = feed.render(view, ("rss", "atom")[number % 2])
        (folder / f"{number}.xml").write_bytes(content)
        size += len(content)
    return size


def _retagged(article: Article) -> Article:
    return replace(article, tag=f"tag:wire.example,2026:{article.id}")


def in_a_process(role: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.gather", role, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def bare(folder: Path) -> dict[str, float]:
    import feedparser

    started, entries = perf_counter(), 0
    for number in range(FEEDS):
        entries += len(feedparser.parse(BytesIO((folder / f"{number}.xml").read_bytes())).entries)
    seconds = perf_counter() - started
    assert entries == FEEDS * ENTRIES
    return {"seconds": seconds}


class Offline:
    async def get(self, url: str, headers: Any = None) -> Response:
        raise AssertionError("the benchmark opens no connection")


def ours(folder: Path) -> dict[str, float]:
    desk = Desk(journal.PUBLICATION)
    sources = [FeedSource(f"wire-{n}", f"{n}.xml", folder, Offline()) for n in range(FEEDS)]
    assignments = [Assignment(source, desk, timedelta(minutes=15)) for source in sources]
    with tempfile.TemporaryDirectory() as home:
        engine = database.open_engine("sqlite:///publisher.db", Path(home))
        database.migrate(engine)
        first = timed_round(engine, assignments, NOW, new=FEEDS * ENTRIES)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        before = written(Path(home))
        again = timed_round(engine, assignments, NOW + timedelta(minutes=15), new=0)
        assert written(Path(home)) == before
        engine.dispose()
    return {"seconds": first, "again": again, "megabytes": megabytes}


def timed_round(engine: Engine, assignments: list[Assignment], now: datetime, new: int) -> float:
    started = perf_counter()
    gathered = asyncio.run(gather.gather(engine, assignments, now))
    seconds = perf_counter() - started
    assert sum(one.new for one in gathered) == new
    assert not any(one.error or one.problems for one in gathered)
    return seconds


def written(home: Path) -> str:
    """A digest of the database and its write-ahead log: a row that is written, with whatever values, changes it."""
    files = (home / "publisher.db", home / "publisher.db-wal")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


ROLES = {"bare": bare, "ours": ours}


if __name__ == "__main__":
    main()
