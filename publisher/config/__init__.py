"""TOML + environment + secret files → one frozen Config; every mistake at once, with line and column."""

from publisher.config.load import load
from publisher.config.schema import (
    Config,
    FeedSourceConfig,
    FolderSourceConfig,
    FolderTransportConfig,
    GhostSourceConfig,
    NewsletterConfig,
    NinjsSourceConfig,
    PageSourceConfig,
    SectionConfig,
    SmtpTransportConfig,
    SourceConfig,
    WordPressSourceConfig,
    WxrSourceConfig,
)
from publisher.config.values import is_web_address

__all__ = [
    "Config",
    "FeedSourceConfig",
    "FolderSourceConfig",
    "FolderTransportConfig",
    "GhostSourceConfig",
    "NewsletterConfig",
    "NinjsSourceConfig",
    "PageSourceConfig",
    "SectionConfig",
    "SmtpTransportConfig",
    "SourceConfig",
    "WordPressSourceConfig",
    "WxrSourceConfig",
    "is_web_address",
    "load",
]
