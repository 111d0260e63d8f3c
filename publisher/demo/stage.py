"""The whole press on the sample journal: gather, press, deliver by SMTP into a local catcher, build the site."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from publisher import app as building
from publisher.config import SmtpTransportConfig
from publisher.demo.catcher import Catcher, viewer
from publisher.demo.journal import lay_out
from publisher.errors import PublisherError
from publisher.model.newsletter import EditionState
from publisher.pipeline import compose, gather, press, readers, syndicate
from publisher.render.feed import FILES
from publisher.store import articles, database, outbox
from publisher.web.application import application

Clock = Callable[[], datetime]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Account:
    """What the demo did."""

    articles: int
    sections: int
    readers: int
    editions: int
    deliveries: dict[str, int]
    caught: int
    feeds: int
    pages: int


def prepare(folder: Path, now: datetime) -> Path:
    """The folder's config.toml: the sample journal's, or the one that is there from an earlier demo."""
    path = folder / "config.toml"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(8000)
    return lay_out(folder, now, url=f"http://127.0.0.1:{port}", site_port=port, smtp_port=free_port(8025))


def free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1 if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PublisherError("no port of 127.0.0.1 is free")


def catcher(app: building.App) -> Catcher:
    """A catcher where the demo's configuration sends its mail."""
    transport = app.config.transport
    if not isinstance(transport, SmtpTransportConfig) or transport.host != "127.0.0.1":
        raise PublisherError(f"{app.root}/config.toml is no demo's: its mail would leave this machine.")
    return Catcher(app.root / "mail", transport.port)


def perform(app: building.App, clock: Clock, catching: Catcher, say: Say) -> Account:
    """Do the whole job once and count what came of it; done again, it finds nothing new and sends nothing twice."""
    room = app.newsroom
    say("Reading in the readers")
    file = app.root / "readers.csv"
    listed = readers.import_csv(room.database, file, room.newsletters, room.publication, "", clock(), dry_run=False)
    say("Gathering the articles")
    gathered = asyncio.run(gather.gather(room.database, room.assignments, clock(), http=room.http))
    for problem in (problem for one in gathered for problem in one.problems):
        say(f"  {problem}")
    say("Composing and pressing the editions")
    pressed = _press(app, clock)
    say("Building the site")
    built = syndicate.build(room.database, room.site, clock())
    say("Delivering by SMTP")
    before = catching.caught
    asyncio.run(app.engine.work(clock))
    with database.reading(room.database) as db:
        total = articles.count(db)
        outcomes: dict[str, int] = {}
        for one in pressed:
            for state, number in outbox.count(db, one.edition.id).items():
                outcomes[state.value] = outcomes.get(state.value, 0) + number
    paths = [*built.written]
    return Account(
        articles=total,
        sections=len(room.publication.sections),
        readers=sum(listed.counts.values()),
        editions=len(pressed),
        deliveries=outcomes,
        caught=catching.caught - before,
        feeds=sum(path.rpartition("/")[2] in FILES.values() for path in paths),
        pages=sum(path.endswith(".html") for path in paths),
    )


def _press(app: building.App, clock: Clock) -> list[press.Pressed]:
    room = app.newsroom
    for newsletter in room.newsletters.values():
        for cadence in newsletter.schedule:
            edition = compose.build(room.database, newsletter, cadence, room.publication, clock())
            if edition and edition.state is EditionState.DRAFT:
                press.approve(room.database, edition)
    return press.press_approved(room.database, room.press_desk, clock())


def pages(app: building.App, clock: Clock) -> Starlette:
    """The site with its pages that act, and the caught mail beside it."""
    room = app.newsroom
    site = application(room.database, room.site, room.tokens, clock)
    return Starlette(routes=[Mount("/caught-mail", viewer(app.root / "mail")), Mount("/", site)])
