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
    "load",
]
