"""TOML + environment + secret files → one frozen Config; every mistake at once, with line and column."""

from publisher.config.load import load
from publisher.config.schema import (
    Config,
    FeedSourceConfig,
    FolderSourceConfig,
    FolderTransportConfig,
    NewsletterConfig,
    SectionConfig,
    SmtpTransportConfig,
)

__all__ = [
    "Config",
    "FeedSourceConfig",
    "FolderSourceConfig",
    "FolderTransportConfig",
    "NewsletterConfig",
    "SectionConfig",
    "SmtpTransportConfig",
    "load",
]
