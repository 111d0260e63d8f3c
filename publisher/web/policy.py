"""What a file of the site is to its readers: its type, how long a copy is fresh, and who may read it.

The same rules make our own answers and the configuration of nginx.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from publisher.render.feed import FILES, OPML_FILE, OPML_TYPE, TYPES

CODINGS = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}
COMPRESSED = (".html", ".xml", ".json", ".css", ".opml", ".svg", ".txt")
FOR_BROWSERS = "application/xml; charset=utf-8"  # what a browser shows with the feed's own stylesheet
UNKNOWN = "application/octet-stream"
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".opml": f"{OPML_TYPE}; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
}
# For feeds by their file names, regular expressions that nginx reads too; archive pages are Atom (RFC 5005).
FEEDS = {
    r"rss\.xml": f"{TYPES['rss']}; charset=utf-8",
    r"(?:atom|archive-[0-9]+)\.xml": f"{TYPES['atom']}; charset=utf-8",
    r"feed\.json": TYPES["json"],
    r"feeds\.opml": f"{OPML_TYPE}; charset=utf-8",
}
_NAMES = {
    FILES["rss"]: FEEDS[r"rss\.xml"],
    FILES["atom"]: FEEDS[r"(?:atom|archive-[0-9]+)\.xml"],
    FILES["json"]: FEEDS[r"feed\.json"],
    OPML_FILE: FEEDS[r"feeds\.opml"],
}

DAY = 86_400
PAGE = f"public, max-age=60, stale-while-revalidate=60, stale-if-error={DAY}"
STYLE = f"public, max-age=300, stale-while-revalidate=300, stale-if-error={DAY}"
PICTURE = f"public, max-age={DAY}, stale-while-revalidate={DAY}, stale-if-error={7 * DAY}"
EXPOSED = "ETag, Link, Retry-After"  # what scripts of other sites may read beside the fields that they always may
MISSING = "public, max-age=60"
MOVED = GONE = "public, max-age=3600"  # whoever closes a feed by mistake is believed again after an hour


@dataclass(frozen=True, slots=True)
class Policy:
    """`browser_type` is for who names text/html in Accept; `shared` means that scripts of all sites may read it."""

    type: str
    browser_type: str
    cache: str
    vary: str
    shared: bool
    feed: bool


def feed_cache(max_age: timedelta) -> str:
    """Fresh for `max_age`, as long again while a cache asks anew (RFC 5861 §3), a day while we are down (§4)."""
    seconds = int(max_age.total_seconds())
    return f"public, max-age={seconds}, stale-while-revalidate={seconds}, stale-if-error={DAY}"


def policy(path: str, max_age: timedelta) -> Policy:
    """The rules for a file, `path` being the one below the site: `feeds/world/rss.xml`."""
    place = PurePosixPath(path)
    suffix, below = place.suffix.lower(), place.parts[0] == "feeds"
    if below and (kind := _feed_type(place.name)):
        readable = FOR_BROWSERS if suffix in (".xml", ".opml") else kind
        return Policy(kind, readable, feed_cache(max_age), "Accept, Accept-Encoding", shared=True, feed=True)
    kind = MEDIA.get(suffix, UNKNOWN)
    cache = PAGE if suffix == ".html" else STYLE if suffix in COMPRESSED or suffix == ".js" else PICTURE
    vary = "Accept-Encoding" if suffix in COMPRESSED else ""
    return Policy(kind, kind, cache, vary, shared=below and suffix == ".css", feed=False)


def _feed_type(name: str) -> str:
    archive = name.startswith("archive-") and name.endswith(".xml")
    return _NAMES.get("atom.xml" if archive else name, "")
