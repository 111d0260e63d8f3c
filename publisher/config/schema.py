"""The shape of config.toml. Every key is documented in config.example.toml."""

import re
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from publisher.model.newsletter import Missed
from publisher.schedule import cron

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_525)
_DURATION = re.compile(r"(\d+)\s*(ms|[smhdw])")
_SECTION_PATH = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ADDRESS = re.compile(r"[^\s@<>\",;:]+@[^\s@<>\",;:]+")


def duration(value: object) -> object:
    """`10m`, `3h`, `31d` → timedelta; a timedelta stays."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'"{value}" is not a length of time. Write "30s", "10m", "3h", "7d" or "2w".')
    if len(match[1]) > 9 or (length := timedelta(**{_UNITS[match[2]]: int(match[1])})) > _LONGEST:
        raise ValueError(f'"{value}" is longer than a hundred years. Write "31d".')
    return length


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'"{value}" is not a web address. Write "https://journal.example".')
    return value.rstrip("/")


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f'"{value}" is not a time zone. Write a name such as "Asia/Karachi" or "Europe/Berlin".')
    return value


def _section_path(value: str) -> str:
    if not _SECTION_PATH.fullmatch(value):
        raise ValueError(f'"{value}" is not a section path. Write "global-affairs" or "global-affairs/diplomacy".')
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f'"{value}" cannot be a name. Write small letters, digits and hyphens, such as "briefing".')
    return value


def _sender(value: str) -> str:
    if not _ADDRESS.fullmatch(parseaddr(value)[1]):
        raise ValueError(f'"{value}" is not a sender. Write "The Journal <briefing@journal.example>".')
    return value


def _address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError(f'"{value}" is not an address. Write "desk@journal.example".')
    return value


def _cron(value: str) -> str:
    cron(value, ZoneInfo("UTC"))
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Zone = Annotated[str, AfterValidator(_zone)]
SectionPath = Annotated[str, AfterValidator(_section_path)]
Name = Annotated[str, AfterValidator(_name)]
Sender = Annotated[str, AfterValidator(_sender)]
Address = Annotated[str, AfterValidator(_address)]
Cron = Annotated[str, AfterValidator(_cron)]


class Table(BaseModel):
    """A table of the file: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PublicationConfig(Table):
    name: str = Field(min_length=1)
    url: HttpUrl
    timezone: Zone = "UTC"
    language: str = "en"
    description: str = ""
    address: str = ""
    kinds: tuple[str, ...] = ()
    teaser_words: int = Field(default=30, ge=1, le=200)
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None


class SectionConfig(Table):
    path: SectionPath
    title: str = Field(min_length=1)


class _Source(Table):
    """What every source has. `timezone` is for its dates without an offset; the newsroom's where it is not given."""

    name: Name
    section: str = ""
    sections: dict[str, str] = {}
    language: str = ""
    timezone: Zone | None = None
    every: Duration = timedelta(minutes=15)


class FolderSourceConfig(_Source):
    type: Literal["folder"]
    path: Path
    every: Duration = timedelta(minutes=1)


class FeedSourceConfig(_Source):
    type: Literal["feed"]
    url: str = Field(min_length=1)


class WordPressSourceConfig(_Source):
    type: Literal["wordpress"]
    url: HttpUrl
    reconcile: Duration = timedelta(days=7)


class GhostSourceConfig(_Source):
    type: Literal["ghost"]
    url: HttpUrl
    key: SecretStr | None = None
    key_file: Path | None = None
    reconcile: Duration = timedelta(days=7)


class NinjsSourceConfig(_Source):
    type: Literal["ninjs"]
    url: str = Field(min_length=1)


class WxrSourceConfig(_Source):
    type: Literal["wxr"]
    path: Path


class PageSourceConfig(_Source):
    type: Literal["page"]
    urls: tuple[str, ...] = Field(min_length=1)
    every: Duration = timedelta(hours=1)


class NewsletterConfig(Table):
    name: Name
    title: str = Field(min_length=1)
    description: str = ""
    sections: tuple[str, ...] = ("*",)
    schedule: dict[Name, Cron] = Field(min_length=1)
    sender: Sender = Field(alias="from")
    reply_to: Address = ""
    approval: Literal["automatic", "editor"] = "automatic"
    missed: Missed = Missed.LATEST
    late: Duration = timedelta(hours=3)
    max_age: Duration = timedelta(days=31)
    max_articles: int = Field(default=40, ge=1, le=500)


class FeedConfig(Table):
    sections: tuple[str, ...] = ("*",)
    formats: tuple[Literal["rss", "atom", "json"], ...] = ("rss", "atom", "json")
    entries: int = Field(default=50, ge=1, le=1000)


class StoreConfig(Table):
    url: str = "sqlite:///var/publisher.db"


class FolderTransportConfig(Table):
    type: Literal["folder"]
    path: Path = Path("mail")


class SmtpTransportConfig(Table):
    type: Literal["smtp"]
    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    hello: str = ""
    connections: int = Field(default=4, ge=1, le=200)
    timeout: Duration = timedelta(seconds=60)


class DeliveryConfig(Table):
    on_uncertain: Literal["resend", "hold"] = "resend"
    batch: int = Field(default=500, ge=1, le=10_000)
    give_up_after: Duration = timedelta(hours=24)


class SiteConfig(Table):
    path: Path = Path("site")
    static: Path = Path("static")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)


class FetchConfig(Table):
    allow_private: tuple[str, ...] = ()
    timeout: Duration = timedelta(seconds=20)
    max_bytes: int = Field(default=10_000_000, ge=1000)
    per_host: int = Field(default=2, ge=1, le=20)
    pause: Duration = timedelta(milliseconds=500)


SourceConfig = Annotated[
    FolderSourceConfig
    | FeedSourceConfig
    | WordPressSourceConfig
    | GhostSourceConfig
    | NinjsSourceConfig
    | WxrSourceConfig
    | PageSourceConfig,
    Field(discriminator="type"),
]
TransportConfig = Annotated[FolderTransportConfig | SmtpTransportConfig, Field(discriminator="type")]


class Environment(EnvSettingsSource):
    """A list or table that is no JSON stays text, so that it is listed with all the other mistakes."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Config(BaseSettings):
    """The whole configuration. `root` is the folder of config.toml; relative paths start there."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="PUBLISHER_",
        env_prefix_target="all",  # else an alias stands without it, and SOURCE or FEED of another program is ours
        env_nested_delimiter="__",
        populate_by_name=True,
    )

    publication: PublicationConfig
    sections: tuple[SectionConfig, ...] = Field(default=(), alias="section")
    sources: tuple[SourceConfig, ...] = Field(default=(), alias="source")
    newsletters: tuple[NewsletterConfig, ...] = Field(default=(), alias="newsletter")
    feeds: tuple[FeedConfig, ...] = Field(default=(FeedConfig(),), alias="feed")
    store: StoreConfig = StoreConfig()
    transport: TransportConfig = FolderTransportConfig(type="folder")
    delivery: DeliveryConfig = DeliveryConfig()
    site: SiteConfig = SiteConfig()
    fetch: FetchConfig = FetchConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is read."""
        return Environment(settings_cls), init_settings
