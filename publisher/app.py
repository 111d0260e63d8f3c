"""Build the newsroom from its configuration: the only place that picks sources, transports and the engine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from publisher.clean.article import Desk
from publisher.config import (
    Config,
    FeedSourceConfig,
    FolderSourceConfig,
    GhostSourceConfig,
    NewsletterConfig,
    NinjsSourceConfig,
    PageSourceConfig,
    SectionConfig,
    SmtpTransportConfig,
    SourceConfig,
    WordPressSourceConfig,
    WxrSourceConfig,
    is_web_address,
    load,
)
from publisher.engines.embedded import EmbeddedEngine
from publisher.errors import ConfigError, FetchError, Problem
from publisher.model.newsletter import EVERYTHING, Mailbox, Newsletter, Publication, Section, Syndication
from publisher.model.theme import Palette, Theme
from publisher.pipeline.cycle import Newsroom
from publisher.pipeline.deliver import Policy
from publisher.pipeline.gather import Assignment
from publisher.pipeline.syndicate import FeedRule, Site, feeds_of_everything
from publisher.ports import Http, Response, Source, Transport
from publisher.render.environment import Templates
from publisher.render.mail import Post
from publisher.sources.feed.source import FeedSource
from publisher.sources.folder import FolderSource
from publisher.sources.ghost.source import GhostSource
from publisher.sources.ninjs.source import NinjsSource
from publisher.sources.page.source import PageSource
from publisher.sources.wordpress.source import WordPressSource
from publisher.sources.wxr import WxrSource
from publisher.store import database
from publisher.tokens import Tokens
from publisher.transports.folder import FolderTransport
from publisher.transports.smtp import SmtpTransport

if TYPE_CHECKING:
    from publisher.fetch import Fetcher
    from publisher.render.dkim import Signer


@dataclass(frozen=True, slots=True)
class App:
    """A configured newsroom, its engine and where it lives."""

    config: Config
    root: Path
    newsroom: Newsroom
    engine: EmbeddedEngine

    def online(self) -> "Fetcher":
        """The guarded HTTP client, for whoever asks the network by hand."""
        return _fetcher(self.config)


def read(path: Path) -> Config:
    """The configuration alone, without opening anything; its keys and checks are tried all the same."""
    config = load(path)
    problems: list[Problem] = []
    for trial in (signers, accepted):
        try:
            trial(config)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return config


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
    rules = feed_rules(config)
    templates = Templates(house, root, feeds_of_everything(rules))
    secret = config.publication.secret_key
    tokens = Tokens([secret.get_secret_value() if secret else ""])
    newsletters = MappingProxyType({entry.name: newsletter(entry) for entry in config.newsletters})
    policy = Policy(
        resend=config.delivery.on_uncertain == "resend",
        batch=config.delivery.batch,
        give_up_after=config.delivery.give_up_after,
    )
    post = Post(config.delivery.bounces, config.delivery.unsubscribe, signers(config))
    engine = EmbeddedEngine(store, transport(config, root), house, tokens, policy, post)
    site = Site(
        publication=house,
        newsletters=newsletters,
        feeds=rules,
        templates=templates,
        path=root / config.site.path,
        static=root / config.site.static,
        founded=founded.astimezone(UTC),
        root=root,
        syndication=syndication(config),
    )
    http = client(config)
    newsroom = Newsroom(
        database=store,
        publication=house,
        newsletters=newsletters,
        assignments=assignments(config, house, root, http),
        templates=templates,
        tokens=tokens,
        site=site,
        dispatcher=engine,
        post=post,
        accept=accepted(config),
        http=http,
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
        teaser_words=own.teaser_words,
        sections=sections,
        theme=theme(config),
    )


def theme(config: Config) -> Theme:
    own = config.theme
    return Theme(
        light=Palette(**own.light.model_dump()),
        dark=Palette(**own.dark.model_dump()),
        text_font=own.text_font,
        label_font=own.label_font,
        width=own.width,
        logo=_address(own.logo, config),
        logo_dark=_address(own.logo_dark, config),
        logo_width=own.logo_width,
        logo_height=own.logo_height,
    )


def _address(picture: str, config: Config) -> str:
    """The static folder is copied into the site as it is, so a path below it is one below the publication's address."""
    if not picture or is_web_address(picture):
        return picture
    return f"{config.publication.url}/{quote(picture)}"


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
        language=entry.language or "",
        layout=entry.layout,
    )


_NOT_ALONE = "an Ed25519 key cannot be read by every mailbox. Add a [[dkim]] with an RSA key for the same domain."


def signers(config: Config) -> "tuple[Signer, ...]":
    """Who signs our mail, RSA before Ed25519, else in the order of the file; ConfigError lists every unusable key."""
    if not config.dkim:
        return ()
    from publisher.render import dkim  # slow to import, and most commands sign nothing

    found: list[Signer] = []
    problems: list[Problem] = []
    for index, entry in enumerate(config.dkim):
        pem = entry.key.get_secret_value() if entry.key else ""
        try:
            found.append(dkim.load_signer(entry.domain, entry.selector, pem.encode()))
        except ValueError as error:
            place = ("dkim", index, "key_file" if entry.key_file else "key")
            problems.append(config.problem(place, str(error)))
    readable = {signer.domain for signer in found if signer.algorithm.startswith("rsa")}
    for index, entry in enumerate(config.dkim):
        # RFC 8463 §5: not every verifier knows Ed25519, and to the others the mail would be unsigned.
        if not problems and entry.domain not in readable:
            problems.append(config.problem(("dkim", index), _NOT_ALONE))
    if problems:
        raise ConfigError(problems)
    return tuple(sorted(found, key=lambda signer: not signer.algorithm.startswith("rsa")))


def accepted(config: Config) -> frozenset[str]:
    """The checks before a sending that may fail without stopping it."""
    names = config.preflight.accept
    if not names:
        return frozenset()
    from publisher.render import preflight

    problems = [
        config.problem(("preflight", "accept", position), _unknown_check(name, preflight.NAMES))
        for position, name in enumerate(names)
        if name not in preflight.NAMES
    ]
    if problems:
        raise ConfigError(problems)
    return frozenset(names)


def _unknown_check(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    fix = f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(known)}."
    return f'there is no check "{name}". {fix}'


def feed_rules(config: Config) -> tuple[FeedRule, ...]:
    """Whose feeds there are; `*` means everybody's, unless a rule says otherwise."""
    return tuple(
        FeedRule(
            formats=entry.formats,
            entries=entry.entries,
            everything=(everything := EVERYTHING in entry.sections),
            sections=entry.sections,
            authors=everything if entry.authors is None else entry.authors,
            kinds=everything if entry.kinds is None else entry.kinds,
            newsletters=everything if entry.newsletters is None else entry.newsletters,
            descendants=entry.descendants,
        )
        for entry in config.feeds
    )


def syndication(config: Config) -> Syndication:
    own = config.syndication
    return Syndication(own.hubs, MappingProxyType(dict(own.moved)), own.closed, own.max_age, own.max_bytes)


def assignments(config: Config, house: Publication, root: Path, http: Http | None) -> tuple[Assignment, ...]:
    """Every source with its desk; `http` is None where all of them are on this machine."""
    return tuple(
        Assignment(
            _source(entry, house, root, http or _NoNetwork()),
            Desk(house, entry.section, MappingProxyType(dict(entry.sections)), entry.language, entry.edits == "silent"),
            entry.every,
        )
        for entry in config.sources
    )


class _NoNetwork:
    """The client of sources that need none; it keeps a command that opens no connection from importing one."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        raise FetchError(f"{url} is not fetched: this command opens no connection.")


def client(config: Config) -> "Fetcher | None":
    """The HTTP client of sources and hubs, closed until a round opens it; None where nobody needs it."""
    if all(map(is_local, config.sources)) and not config.syndication.hubs:
        return None
    return _fetcher(config)


def _fetcher(config: Config) -> "Fetcher":
    from publisher.fetch import Fetcher  # slow to import

    fetch = config.fetch
    seconds, pause = fetch.timeout.total_seconds(), fetch.pause.total_seconds()
    return Fetcher(fetch.allow_private, seconds, fetch.max_bytes, per_host=fetch.per_host, pause=pause)


def is_local(entry: SourceConfig) -> bool:
    """Whether a source is on this machine."""
    match entry:
        case FolderSourceConfig() | WxrSourceConfig():
            return True
        case FeedSourceConfig() | NinjsSourceConfig():
            return not is_web_address(entry.url)
        case PageSourceConfig():
            return not any(map(is_web_address, entry.urls))
        case _:
            return False


def local_sources(config: Config, house: Publication, root: Path) -> list[Assignment]:
    """The sources that need no network."""
    every = zip(config.sources, assignments(config, house, root, None), strict=True)
    return [assignment for entry, assignment in every if is_local(entry)]


def _source(entry: SourceConfig, house: Publication, root: Path, http: Http) -> Source:
    zone = ZoneInfo(entry.timezone) if entry.timezone else house.zone
    match entry:
        case FolderSourceConfig():
            return FolderSource(entry.name, root / entry.path, zone)
        case FeedSourceConfig():
            return FeedSource(entry.name, entry.url, root, http, zone)
        case WordPressSourceConfig():
            return WordPressSource(entry.name, entry.url, zone, http, entry.reconcile)
        case GhostSourceConfig():
            key = entry.key.get_secret_value() if entry.key else ""
            return GhostSource(entry.name, entry.url, key, zone, http, entry.reconcile)
        case NinjsSourceConfig():
            return NinjsSource(entry.name, entry.url, root, zone, http)
        case WxrSourceConfig():
            return WxrSource(entry.name, root / entry.path, zone)
        case PageSourceConfig():
            return PageSource(entry.name, entry.urls, root, zone, http)


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
