"""The clockwork: one tick does whatever is due, in the order of the paper's path.

Every step is safe to repeat, so a tick may come late, twice, or on two machines at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Engine

from publisher.model.newsletter import Edition, Newsletter, Publication
from publisher.pipeline import announce, compose, gather, press, syndicate
from publisher.pipeline.gather import Assignment, Gathered
from publisher.pipeline.press import Pressed
from publisher.pipeline.proof import Desk
from publisher.pipeline.syndicate import Built, Site
from publisher.ports import Client, Dispatcher
from publisher.render.environment import Templates
from publisher.render.mail import PLAIN, Post
from publisher.tokens import Tokens

log = structlog.get_logger()

_GATHERING_SECONDS = 60  # of one source in one turn, so that a long backfill holds up no edition


@dataclass(frozen=True, slots=True)
class Newsroom:
    """All that the steps need, built by `app` from the configuration.

    `accept` names the checks that may fail without stopping an edition. `http` is the client of the sources, closed
    until a round of gathering opens it; None where no source needs one.
    """

    database: Engine
    publication: Publication
    newsletters: Mapping[str, Newsletter]
    assignments: Sequence[Assignment]
    templates: Templates
    tokens: Tokens
    site: Site
    dispatcher: Dispatcher
    post: Post = PLAIN
    accept: frozenset[str] = frozenset()
    http: AbstractAsyncContextManager[Client] | None = None

    @property
    def press_desk(self) -> Desk:
        return Desk(
            publication=self.publication,
            newsletters=self.newsletters,
            templates=self.templates,
            tokens=self.tokens,
            post=self.post,
            accept=self.accept,
            static=self.site.static,
            alternates=syndicate.alternates_of_newsletters(self.site),
            enqueue=self.dispatcher.enqueue,
        )


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn of the clockwork did."""

    gathered: tuple[Gathered, ...] = ()
    composed: tuple[Edition, ...] = ()
    pressed: tuple[Pressed, ...] = ()
    built: Built | None = None


@dataclass(slots=True)
class Memory:
    """What one process knows between ticks; a new one begins without, and only does a little too much.

    `site` is the fingerprint of the last whole build, `entries` what it printed, `noted` whether what was built before
    this process was compared with what hubs heard; builds take turns. `asked` is when each source was asked last.
    """

    site: str = ""
    noted: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    entries: syndicate.Memory = field(default_factory=syndicate.Memory)
    asked: dict[str, datetime] = field(default_factory=dict)


async def tick(newsroom: Newsroom, now: datetime, memory: Memory) -> Tick:
    """Gather what is due, compose and press due editions, and rebuild the site where something changed."""
    due = await asyncio.to_thread(gather.due, newsroom.database, newsroom.assignments, now, memory.asked)
    names = [one.source.name for one in newsroom.assignments]
    gathered = await gather.gather(
        newsroom.database, due, now, http=newsroom.http, configured=names, seconds=_GATHERING_SECONDS
    )
    memory.asked |= {one.source.name: now for one in due}
    composed, pressed = await asyncio.to_thread(_editions, newsroom, now)
    memory.site = ""  # the fingerprint sees almost everything that changes the site; a build sees everything
    built = await publish(newsroom, now, memory)
    turn = Tick(tuple(gathered), tuple(composed), tuple(pressed), built)
    _log(turn)
    return turn


async def publish(newsroom: Newsroom, now: datetime, memory: Memory) -> Built | None:
    """Rebuild the site where something changed, and write down what hubs are to hear; None where nothing changed."""
    async with memory.turn:
        current = await asyncio.to_thread(syndicate.fingerprint, newsroom.database, newsroom.site, now)
        if current == memory.site:
            return None
        built = await asyncio.to_thread(_build, newsroom, now, memory)
        memory.site = current
    for problem in built.problems:
        log.warning("site", problem=str(problem))
    if not built.written and not built.removed:
        return None
    log.info("site built", written=len(built.written), removed=len(built.removed))
    return built


def _build(newsroom: Newsroom, now: datetime, memory: Memory) -> Built:
    site = newsroom.site
    built = syndicate.build(newsroom.database, site, now, memory=memory.entries)
    # What was built before is looked at once: whoever ended between building and noting had not told of it yet.
    paths = built.written if memory.noted else syndicate.published(site)
    announce.note(newsroom.database, site.syndication.hubs, site.path, site.publication.url, paths, now)
    memory.noted = True
    return built


async def announce_news(newsroom: Newsroom, now: datetime, *, everything: bool = False) -> int:
    """Send the pings that are due, or every one that is left; return how many succeeded."""
    if newsroom.http is None or not newsroom.site.syndication.hubs:
        return 0
    async with newsroom.http as http:
        return await announce.ping(newsroom.database, http, now, everything=everything)


def _editions(newsroom: Newsroom, now: datetime) -> tuple[list[Edition], list[Pressed]]:
    newsletters = newsroom.newsletters.values()
    composed = compose.compose_due(newsroom.database, newsletters, newsroom.publication, now)
    return composed, press.press_approved(newsroom.database, newsroom.press_desk, now)


def _log(turn: Tick) -> None:
    for one in turn.gathered:
        if one.error:
            log.warning("source failed", source=one.source, error=one.error)
        elif one.new or one.updated or one.withdrawn or one.problems:
            counts = {"new": one.new, "updated": one.updated, "withdrawn": one.withdrawn, "problems": len(one.problems)}
            log.info("gathered", source=one.source, **counts)
    for edition in turn.composed:
        log.info(
            "composed",
            edition=edition.id,
            newsletter=edition.newsletter,
            slot=edition.slot,
            state=edition.state,
        )
    for pressed in turn.pressed:
        if pressed.error:
            log.warning("not pressed", edition=pressed.edition.id, error=pressed.error)
        else:
            log.info("pressed", edition=pressed.edition.id, queued=pressed.queued)
