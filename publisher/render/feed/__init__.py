"""Feeds: RSS 2.0, Atom 1.0 (RFC 4287) and JSON Feed 1.1 of the same entries, and OPML 2.0 of all feeds."""

from publisher.render.feed.document import Fragments, fitted, render, without
from publisher.render.feed.opml import OPML_FILE, OPML_TYPE, Outline, opml
from publisher.render.feed.view import FILES, TYPES, Entry, FeedView, Tombstone, archive_file, entry, repaired

__all__ = [
    "FILES",
    "OPML_FILE",
    "OPML_TYPE",
    "TYPES",
    "Entry",
    "FeedView",
    "Fragments",
    "Outline",
    "Tombstone",
    "archive_file",
    "entry",
    "fitted",
    "opml",
    "render",
    "repaired",
    "without",
]
