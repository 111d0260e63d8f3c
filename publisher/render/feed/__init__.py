"""RSS 2.0, Atom 1.0 (RFC 4287) and JSON Feed 1.1 of a list of articles, and what every feed keeps to."""

from publisher.render.feed.document import FILES, TYPES, FeedEntryView, FeedView, render

__all__ = ["FILES", "TYPES", "FeedEntryView", "FeedView", "render"]
