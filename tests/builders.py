"""Things to test with: each builder makes a good one, and takes what a test wants otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from publisher.clean import urls
from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import Mailbox, Newsletter, Publication, Section
from publisher.model.subscriber import Reader, Subscription
from publisher.ports import Fetched, Source
from publisher.render import feed
from publisher.render.environment import Templates
from publisher.store import filing, subscribers
from publisher.store.recognition import Candidate
from publisher.tokens import Tokens

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
SECRET = "a secret for tests, longer than thirty-two characters"

SECTIONS = (
    Section("world", "World"),
    Section("world/asia", "Asia"),
    Section("economy", "Economy"),
    Section("climate", "Climate"),
)


def a_publication(**changes: Any) -> Publication:
    plain = Publication(
        name="The Test Journal",
        url="https://journal.example",
        zone=ZoneInfo("Asia/Karachi"),
        language="en",
        description="News for tests",
        address="1 Test Road",
        kinds=("Analysis", "Opinion"),
        sections=SECTIONS,
    )
    return replace(plain, **changes)


def a_newsletter(**changes: Any) -> Newsletter:
    plain = Newsletter(
        name="briefing",
        title="The Briefing",
        sections=("*",),
        schedule={"daily": "0 7 * * *", "weekly": "0 9 * * sat"},
        sender=Mailbox("The Test Journal", "briefing@journal.example"),
    )
    return replace(plain, **changes)


def an_article(number: int = 1, **changes: Any) -> Article:
    plain = Article(
        source="desk",
        source_id=f"story-{number}",
        headline=f"Story {number}",
        body=f"<p>The text of story {number}.</p>",
        language="en",
        content_hash=f"hash-{number}",
        teaser=f"Teaser of story {number}",
        authors=(Author("Ada Writer", "Ada writes."),),
        published=NOW - timedelta(hours=number),
        sections=("world",),
        image=Image(f"https://journal.example/{number}.jpg", "A picture"),
        words=500,
        slug=f"story-{number}",
    )
    return replace(plain, **changes)


async def fetched_from(source: Source, state: Mapping[str, Any], now: datetime = NOW) -> Fetched:
    """One whole fetch, as the gathering step does it."""
    return source.read(await source.ask(state, now), state, now)


def file_articles(db: Connection, *stories: Article, now: datetime = NOW) -> None:
    for story in stories:
        filing.file(db, [Candidate(story, urls.key(story.url))], "tag:journal.example,2026-11-20:articles/", now)


def subscribe(
    db: Connection,
    *addresses: str,
    sections: Sequence[str] = ("*",),
    cadence: str = "daily",
    newsletter: str = "briefing",
    name: str = "",
) -> None:
    for address in addresses:
        reader = Reader(address, name, key=f"key-of-{address}")
        subscribers.add(db, reader, address, Subscription(newsletter, cadence, tuple(sections)), NOW)


def templates(publication: Publication | None = None, root: Path = Path("/nowhere")) -> Templates:
    feeds = [(feed.TYPES[form], f"feeds/{name}") for form, name in feed.FILES.items()]
    return Templates(publication or a_publication(), root, feeds)


def tokens() -> Tokens:
    return Tokens([SECRET])


def tables(engine: Engine) -> None:
    """Empty every table of a database that tests share."""
    from publisher.store.schema import metadata

    with engine.begin() as db:
        for table in reversed(metadata.sorted_tables):
            db.execute(table.delete())
