"""How long a build of the site takes after one story changed, against feedgen alone for the same feeds.

10,000 stories in 60 feeds. Run: python -m benchmarks.syndicate

feedgen gets finished articles and bodies and returns RSS and Atom of them, saying what ours say as far as its own
extensions can: Dublin Core, Media RSS, syndication.
Ours finds out what changed, prints them (and JSON Feed in the second part), compresses each three times, and writes all
of it to disk lastingly.
A build with no change compares keys, and writes nothing.
"""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TypeVar

from feedgen.feed import FeedGenerator
from sqlalchemy import Engine

from benchmarks import journal
from publisher.model.article import Article, Author
from publisher.pipeline import syndicate
from publisher.pipeline.syndicate import Built, FeedRule, Memory, Site
from publisher.render import page
from publisher.render.environment import Templates
from publisher.store import articles, database, filing
from publisher.store.recognition import Candidate

STORIES = 10_000
AUTHORS = 43
FEEDS = 60
ROUNDS = 5
T = TypeVar("T")
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def main() -> None:
    print(f"{STORIES:,} stories, {FEEDS} feeds")
    both = measure(("rss", "atom"))
    three = measure(("rss", "atom", "json"))
    print("the bars: ratio <= 2, idle < 0.1")
    print(f"syndicate ratio={both[0]:.2f} with_json={three[0]:.2f} idle={max(both[1], three[1]):.3f}")


def measure(formats: tuple[str, ...]) -> tuple[float, float]:
    """(our time after one change over feedgen's, our time after none over that of the first build)."""
    with tempfile.TemporaryDirectory(prefix="publisher-bench-") as name:
        engine = database.open_engine("sqlite:///publisher.db", Path(name))
        database.migrate(engine)
        stories = [written_by(one) for one in journal.articles(STORIES, NOW)]
        file(engine, stories, NOW)
        site, memory = a_site(Path(name), formats), Memory()
        full, first = timed(lambda: syndicate.build(engine, site, NOW, memory=memory))
        assert len(feeds_in(first)) == len(formats) * FEEDS, len(feeds_in(first))
        rounds = [one_change(engine, site, memory, stories, number) for number in range(1, ROUNDS + 1)]
        forgetful = [timed(lambda: syndicate.build(engine, site, NOW, memory=Memory()))[0] for _ in range(ROUNDS)]
        engine.dispose()
    ours, peer, idle = (median(values) for values in zip(*rounds, strict=True))
    print(f"{', '.join(formats)}: the first build {full:.2f} s, {len(first.written)} files")
    print(f"  feedgen alone, RSS and Atom of one story's feeds: {peer * 1000:.0f} ms")
    print(f"  one story changed: {ours * 1000:.0f} ms")
    print(f"  nothing changed: {idle * 1000:.0f} ms; by a process without memory {median(forgetful) * 1000:.0f} ms")
    return ours / peer, idle / full


def written_by(article: Article) -> Article:
    return replace(article, authors=(Author(f"Writer {article.id % AUTHORS}"),))


def a_site(folder: Path, formats: tuple[str, ...]) -> Site:
    return Site(
        publication=journal.PUBLICATION,
        newsletters={journal.NEWSLETTER.name: journal.NEWSLETTER},
        feeds=[FeedRule(formats)],
        templates=Templates(journal.PUBLICATION, folder),
        path=folder / "site",
        static=folder / "static",
        founded=NOW,
        root=folder,
    )


def file(engine: Engine, stories: Sequence[Article], now: datetime) -> None:
    with database.writing(engine) as db:
        filing.file(db, [Candidate(one, one.url) for one in stories], "tag:journal.example,2026:", now)


def one_change(
    engine: Engine, site: Site, memory: Memory, stories: list[Article], number: int
) -> tuple[float, float, float]:
    """(seconds of our build after a story changed, of feedgen alone, of our build after nothing changed)."""
    now = NOW + timedelta(minutes=number)
    changed = replace(stories[number], teaser=f"Another teaser, the {number}th.", content_hash=f"another {number}")
    file(engine, [changed], now)
    ours, built = timed(lambda: syndicate.build(engine, site, now, memory=memory))
    folders = sorted({path.rpartition("/")[0] for path in feeds_in(built)})
    assert set(folders) == feeds_of(changed), (folders, feeds_of(changed))
    members = [entries_of(site, folder) for folder in folders]
    with database.reading(engine) as db:
        told = [list(articles.by_ids(db, ids).values()) for ids in members]
    bodies = {one.id: page.entry_body(one, site.publication, site.templates) for group in told for one in group}
    peer, _ = timed(lambda: [feedgen_alone(group, bodies, NOW) for group in told])
    idle, same = timed(lambda: syndicate.build(engine, site, now, memory=memory))
    assert not same.written
    return ours, peer, idle


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = perf_counter()
    done = work()
    return perf_counter() - started, done


def feeds_in(built: Built) -> list[str]:
    return [path for path in built.written if path.endswith(("rss.xml", "atom.xml", "feed.json"))]


def feeds_of(article: Article) -> set[str]:
    sections = {path[: end or None] for path in article.sections for end in (path.find("/") + 1 and path.find("/"), 0)}
    kinds = {f"kind/{article.kind.lower()}"} if article.kind else set()
    authors = {f"by/{one.name.lower().replace(' ', '-')}" for one in article.authors}
    return {"feeds", *(f"feeds/{name}" for name in sections | kinds | authors)}


def entries_of(site: Site, folder: str) -> list[int]:
    """The stories of a feed as it was built; the journal's slugs end in their numbers."""
    links = re.findall(rb"<link>[^<]*-(\d+)</link>", (site.path / folder / "rss.xml").read_bytes())
    return list(map(int, links))


def feedgen_alone(stories: Sequence[Article], bodies: dict[int, str], now: datetime) -> list[bytes]:
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False)
    feed.load_extension("media")
    feed.load_extension("syndication", atom=False)
    feed.id("tag:journal.example,2026:feed")
    feed.title("The Meridian Journal")
    feed.description("Everything")
    feed.link(href="https://journal.example/feeds/rss.xml", rel="self", type="application/rss+xml")
    feed.link(href="https://journal.example/", rel="alternate", type="text/html")
    feed.author(name="The Meridian Journal", uri="https://journal.example/")
    feed.language("en")
    feed.ttl(5)
    feed.syndication.update_period("hourly")
    feed.syndication.update_frequency(12)
    feed.updated(now)
    feed.lastBuildDate(now)
    for story in stories:
        entry = feed.add_entry(order="append")
        entry.id(story.tag)
        entry.title(story.title)
        entry.link(href=str(story.url), rel="alternate", type="text/html")
        entry.summary(story.teaser)
        entry.content(bodies[story.id], type="html")
        entry.published(story.published)
        entry.updated(story.updated)
        for author in story.authors:
            entry.author(name=author.name)
        entry.dc.dc_creator([author.name for author in story.authors])
        entry.dc.dc_language(story.language)
        for section in story.sections:
            entry.category(term=section, label=section)
        if story.image:
            entry.media.content(url=story.image.url, medium="image", type="image/jpeg", group=None)
            entry.media.thumbnail(url=story.image.url, group=None)
    return [feed.rss_str(), feed.atom_str()]


if __name__ == "__main__":
    main()
