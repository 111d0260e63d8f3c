"""The shape of config.toml. Every key is documented in config.example.toml."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from publisher.config.positions import Key
from publisher.config.values import (
    Address,
    Bounces,
    Color,
    Cron,
    Domain,
    Duration,
    ExactUrl,
    Fonts,
    HttpUrl,
    Language,
    Logo,
    Minutes,
    Name,
    SectionPath,
    Selector,
    Sender,
    Zone,
)
from publisher.errors import Problem
from publisher.model.newsletter import Design, Missed
from publisher.model.theme import DAY, NIGHT, PLAIN


class Table(BaseModel):
    """A table of the file: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PublicationConfig(Table):
    name: str = Field(min_length=1)
    url: HttpUrl
    timezone: Zone = "UTC"
    language: Language = "en"
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
    edits: Literal["announced", "silent"] = "announced"
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
    title: str = Field(min_length=1, pattern=r"\S")
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
    language: Language | None = None
    layout: Design = Design.DIGEST


class FeedConfig(Table):
    sections: tuple[str, ...] = ("*",)
    descendants: bool = True
    authors: bool | None = None
    kinds: bool | None = None
    newsletters: bool | None = None
    formats: tuple[Literal["rss", "atom", "json"], ...] = ("rss", "atom", "json")
    entries: int = Field(default=50, ge=1, le=500)


class SyndicationConfig(Table):
    """What holds for all feeds. `moved` and `closed` are feeds' paths below `feeds/`, such as a section's."""

    hubs: tuple[ExactUrl, ...] = ()
    moved: dict[str, str] = {}
    closed: tuple[str, ...] = ()
    max_age: Minutes = timedelta(minutes=5)
    max_bytes: int = Field(default=250_000, ge=10_000, le=1_000_000)


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
    bounces: Bounces = ""
    unsubscribe: Address = ""


class DkimConfig(Table):
    """`key` is PEM text, from `key_file` once the configuration is loaded."""

    domain: Domain
    selector: Selector
    key: SecretStr | None = None
    key_file: Path | None = None


class PreflightConfig(Table):
    accept: tuple[str, ...] = ()


class DayConfig(Table):
    paper: Color = DAY.paper
    sheet: Color = DAY.sheet
    ink: Color = DAY.ink
    soft: Color = DAY.soft
    accent: Color = DAY.accent
    rule: Color = DAY.rule


class NightConfig(Table):
    paper: Color = NIGHT.paper
    sheet: Color = NIGHT.sheet
    ink: Color = NIGHT.ink
    soft: Color = NIGHT.soft
    accent: Color = NIGHT.accent
    rule: Color = NIGHT.rule


class ThemeConfig(Table):
    width: int = Field(default=PLAIN.width, ge=480, le=800)
    text_font: Fonts = PLAIN.text_font
    label_font: Fonts = PLAIN.label_font
    logo: Logo = ""
    logo_dark: Logo = ""
    logo_width: int = Field(default=0, ge=0, le=800)
    logo_height: int = Field(default=0, ge=0, le=400)
    light: DayConfig = DayConfig()
    dark: NightConfig = NightConfig()


class SiteConfig(Table):
    path: Path = Path("site")
    static: Path = Path("static")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    requests_per_minute: int = Field(default=300, ge=0)


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
    syndication: SyndicationConfig = SyndicationConfig()
    store: StoreConfig = StoreConfig()
    transport: TransportConfig = FolderTransportConfig(type="folder")
    delivery: DeliveryConfig = DeliveryConfig()
    dkim: tuple[DkimConfig, ...] = ()
    theme: ThemeConfig = ThemeConfig()
    preflight: PreflightConfig = PreflightConfig()
    site: SiteConfig = SiteConfig()
    fetch: FetchConfig = FetchConfig()
    _place: Callable[[Key, str], Problem] | None = PrivateAttr(default=None)

    def placed(self, place: Callable[[Key, str], Problem]) -> Self:
        """Let it know where its keys stand, for mistakes that only the builder of the newsroom can see."""
        self._place = place
        return self

    def problem(self, key: Key, message: str) -> Problem:
        """A mistake at a key as it stands in the file: `("dkim", 0, "key_file")`."""
        if self._place is None:
            return Problem(f"config.toml {'.'.join(map(str, key))}", message)
        return self._place(key, message)

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
