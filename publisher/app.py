"""Build the newsroom from its configuration: the only place that picks sources, transports and the engine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from publisher.clean.article import Desk
from publisher.config import (
    Config,
    FeedSourceConfig,
    FolderSourceConfig,
    NewsletterConfig,
    SectionConfig,
    SmtpTransportConfig,
    load,
)
from publisher.engines.embedded import EmbeddedEngine
from publisher.model.newsletter import EVERYTHING, Mailbox, Newsletter, Publication, Section
from publisher.pipeline.cycle import Newsroom
from publisher.pipeline.deliver import Policy
from publisher.pipeline.gather import Assignment
from publisher.pipeline.syndicate import FeedPlan, Site
from publisher.ports import Source, Transport
from publisher.render.environment import Templates
from publisher.render.feed import FILES, TYPES
from publisher.sources.feed import FeedSource, Getter
from publisher.sources.folder import FolderSource
from publisher.store import database
from publisher.tokens import Tokens
from publisher.transports.folder import FolderTransport
from publisher.transports.smtp import SmtpTransport


@dataclass(frozen=True, slots=True)
class App:
    """A configured newsroom, its engine and where it lives."""

    config: Config
    root: Path
    newsroom: Newsroom
    engine: EmbeddedEngine


def read(path: Path) -> Config:
    """The configuration alone, without opening anything."""
    return load(path)


@contextmanager
def opened(path: Path, now: datetime) -> Iterator[App]:
    """Read the configuration, open the database and build the newsroom; close all of it at the end."""
    config, root = load(path), path.resolve().parent
    store = database.open_engine(config.store.url, root)
    try:
        database.migrate(store)
        founded = database.founded(store, now)
        yield _build(config, root, store, founded)
    finally:
        store.dispose()


def _build(config: Config, root: Path, store: Engine, founded: datetime) -> App:
    house = publication(config)
    plans = feed_plans(config, house.sections)
    whole = [(TYPES[form], f"{plan.path}/{FILES[form]}") for plan in plans if not plan.section for form in plan.formats]
    templates = Templates(house, root, whole)
    secret = config.publication.secret_key
    tokens = Tokens([secret.get_secret_value() if secret else ""])
    newsletters = MappingProxyType({entry.name: newsletter(entry) for entry in config.newsletters})
    policy = Policy(
        resend=config.delivery.on_uncertain == "resend",
        batch=config.delivery.batch,
        give_up_after=config.delivery.give_up_after,
    )
    engine = EmbeddedEngine(store, transport(config, root), house, tokens, policy)
    site = Site(
        publication=house,
        newsletters=newsletters,
        feeds=plans,
        templates=templates,
        path=root / config.site.path,
        static=root / config.site.static,
        founded=founded.astimezone(UTC),
        root=root,
    )
    newsroom = Newsroom(
        database=store,
        publication=house,
        newsletters=newsletters,
        assignments=assignments(config, house, root),
        templates=templates,
        tokens=tokens,
        site=site,
        dispatcher=engine,
    )
    return App(config, root, newsroom, engine)


def publication(config: Config) -> Publication:
    own = config.publication
    sections = tuple(Section(section.path, section.title) for section in _parents_first(config))
    return Publication(
        name=own.name,
        url=own.url,
        zone=ZoneInfo(own.timezone),
        language=own.language,
        description=own.description,
        address=own.address,
        kinds=own.kinds,
        sections=sections,
    )


def _parents_first(config: Config) -> Sequence[SectionConfig]:
    """The order of the file, each section's children behind it."""
    order = {section.path: number for number, section in enumerate(config.sections)}

    def place(path: str) -> tuple[int, ...]:
        parts = path.split("/")
        return tuple(order.get("/".join(parts[: depth + 1]), 0) for depth in range(len(parts)))

    return sorted(config.sections, key=lambda section: place(section.path))


def newsletter(entry: NewsletterConfig) -> Newsletter:
    name, address = parseaddr(entry.sender)
    return Newsletter(
        name=entry.name,
        title=entry.title,
        sections=entry.sections,
        schedule=MappingProxyType(dict(entry.schedule)),
        sender=Mailbox(name, address),
        description=entry.description,
        reply_to=entry.reply_to,
        needs_approval=entry.approval == "editor",
        missed=entry.missed,
        late=entry.late,
        max_age=entry.max_age,
        max_articles=entry.max_articles,
    )


def feed_plans(config: Config, sections: Sequence[Section]) -> tuple[FeedPlan, ...]:
    """Every feed once; `*` means the publication and each of its sections."""
    plans: dict[str, FeedPlan] = {}
    for entry in config.feeds:
        everything = EVERYTHING in entry.sections
        chosen: list[Section | None] = [None] if everything else []
        chosen += [section for section in sections if everything or section.path in entry.sections]
        for section in chosen:
            plan = FeedPlan(section, entry.formats, entry.entries)
            plans[plan.path] = plan
    return tuple(plans.values())


def assignments(config: Config, house: Publication, root: Path) -> tuple[Assignment, ...]:
    http = _fetcher(config) if any(isinstance(entry, FeedSourceConfig) for entry in config.sources) else None
    return tuple(
        Assignment(
            _source(entry, house, root, http),
            Desk(house, entry.section, MappingProxyType(dict(entry.sections)), entry.language),
            entry.every,
        )
        for entry in config.sources
    )


def _fetcher(config: Config) -> Getter:
    from publisher.fetch import Fetcher  # the HTTP client is slow to import, and a folder needs none

    fetch = config.fetch
    return Fetcher(fetch.allow_private, fetch.timeout.total_seconds(), fetch.max_bytes)


def local_sources(config: Config, house: Publication, root: Path) -> list[Assignment]:
    """The sources that need no network."""
    network = {
        entry.name
        for entry in config.sources
        if isinstance(entry, FeedSourceConfig) and entry.url.lower().startswith(("http://", "https://"))
    }
    return [one for one in assignments(config, house, root) if one.source.name not in network]


def _source(
    entry: FolderSourceConfig | FeedSourceConfig, house: Publication, root: Path, http: Getter | None
) -> Source:
    if isinstance(entry, FolderSourceConfig):
        return FolderSource(entry.name, root / entry.path, house.zone)
    assert http is not None
    return FeedSource(entry.name, entry.url, root, http)


def transport(config: Config, root: Path) -> Transport:
    chosen = config.transport
    if isinstance(chosen, SmtpTransportConfig):
        return SmtpTransport(
            host=chosen.host,
            port=chosen.port,
            security=chosen.security,
            username=chosen.username,
            password=chosen.password.get_secret_value() if chosen.password else "",
            ca_file=root / chosen.ca_file if chosen.ca_file else None,
            hello=chosen.hello,
            connections=chosen.connections,
            seconds=chosen.timeout.total_seconds(),
        )
    return FolderTransport(root / chosen.path)
