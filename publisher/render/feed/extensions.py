"""What feedgen cannot say by itself, by its own extension mechanism: links, dates, pictures, threads, history.

feedgen writes Atom's own elements without a namespace and names it once on the root, so these do the same there.
"""

from collections.abc import Sequence
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from publisher.render.feed.view import Entry, FeedView

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ATOM = "http://www.w3.org/2005/Atom"
_SHORTEST = 3600  # seconds: what `sy` can say in times an hour


class _Namespace(BaseExtension):  # type: ignore[misc]
    """An extension of one namespace: `prefix` and `uri`."""

    prefix = uri = ""

    def extend_ns(self) -> dict[str, str]:
        return {self.prefix: self.uri}

    def add(self, parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
        element = etree.SubElement(parent, f"{{{self.uri}}}{name}", attributes)
        element.text = text
        return element


class Links(BaseExtension):  # type: ignore[misc]
    """Hubs (WebSub §4) and the archive before this document (RFC 5005 §4), which feedgen writes in Atom alone."""

    view: FeedView

    def extend_ns(self) -> dict[str, str]:
        return {"atom": _ATOM}

    def extend_atom(self, feed: Any) -> Any:
        return self._links(feed, "link")

    def extend_rss(self, feed: Any) -> Any:
        self._links(feed[0], f"{{{_ATOM}}}link")
        return feed

    def _links(self, parent: Any, name: str) -> Any:
        for hub in self.view.hubs:
            etree.SubElement(parent, name, rel="hub", href=hub)
        if self.view.previous:
            kind = "application/atom+xml"
            etree.SubElement(parent, name, rel="prev-archive", type=kind, href=self.view.previous_url)
        return parent


class AtomLinks(Links):
    """The same where the document's own namespace is Atom's."""

    def extend_ns(self) -> dict[str, str]:
        return {}


class History(_Namespace):
    """Says of an archive page that it is one (RFC 5005 §4)."""

    prefix, uri = "fh", "http://purl.org/syndication/history/1.0"
    view: FeedView

    def extend_atom(self, feed: Any) -> Any:
        if self.view.archive:
            self.add(feed, "archive")
            etree.SubElement(
                feed, "link", rel="current", type="application/atom+xml",
                href=f"{self.view.publication.url}/{self.view.path}/atom.xml",
            )  # fmt: skip
        return feed


class Tombstones(_Namespace):
    """Entries that are withdrawn (RFC 6721 §3)."""

    prefix, uri = "at", "http://purl.org/atompub/tombstones/1.0"
    view: FeedView

    def extend_atom(self, feed: Any) -> Any:
        for tombstone in self.view.tombstones:
            self.add(feed, "deleted-entry", ref=tombstone.id, when=tombstone.at.isoformat())
        return feed


class Syndication(_Namespace):
    """How often to ask, in the spelling of the module; feedgen's own begins with capitals, which nobody reads."""

    prefix, uri = "sy", "http://purl.org/rss/1.0/modules/syndication/"
    view: FeedView

    def extend_rss(self, feed: Any) -> Any:
        seconds = self.view.max_age.total_seconds()
        hourly = seconds < 2 * _SHORTEST
        self.add(feed[0], "updatePeriod", "hourly" if hourly else "daily")
        self.add(feed[0], "updateFrequency", str(max(1, round((1 if hourly else 24) * _SHORTEST / seconds))))
        return feed


class _EntryNamespace(_Namespace, BaseEntryExtension):  # type: ignore[misc]
    entry: Entry


class DublinCore(_EntryNamespace):
    """Authors by name alone, which RSS's own element does not allow, and the entry's language."""

    prefix, uri = "dc", "http://purl.org/dc/elements/1.1/"

    def extend_rss(self, item: Any) -> Any:
        for author in self.entry.authors:
            self.add(item, "creator", author.name)
        self.add(item, "language", self.entry.language)
        return item


class Terms(_EntryNamespace):
    """When an entry was changed, which RSS has no element for."""

    prefix, uri = "dcterms", "http://purl.org/dc/terms/"

    def extend_rss(self, item: Any) -> Any:
        self.add(item, "modified", self.entry.updated.isoformat())
        return item


class Media(_EntryNamespace):
    """The lead image with its words (Media RSS 1.5.1); feedgen's own puts it into a group and knows no credit."""

    prefix, uri = "media", "http://search.yahoo.com/mrss/"

    def extend_rss(self, item: Any) -> Any:
        return self.extend_atom(item)

    def extend_atom(self, entry: Any) -> Any:
        image = self.entry.image
        if image is None:
            return entry
        attributes = {"url": image.url, "medium": "image", "type": self.entry.picture_type}
        content = self.add(entry, "content", **{name: value for name, value in attributes.items() if value})
        for name, text in (("title", image.alt), ("description", image.caption)):
            if text:
                self.add(content, name, text, type="plain")
        if image.credit:
            self.add(content, "credit", image.credit)
        self.add(entry, "thumbnail", url=image.url)
        return entry


class Threading(_EntryNamespace):
    """Where readers answer, and how many did (RFC 4685 §4)."""

    prefix, uri = "thr", "http://purl.org/syndication/thread/1.0"

    def extend_atom(self, entry: Any) -> Any:
        if self.entry.comments:
            link = etree.SubElement(entry, "link", rel="replies", type="text/html", href=self.entry.comments)
            if self.entry.replies is not None:
                link.set(f"{{{self.uri}}}count", str(self.entry.replies))
        return self.extend_rss(entry)

    def extend_rss(self, item: Any) -> Any:
        if self.entry.replies is not None:
            self.add(item, "total", str(self.entry.replies))
        return item


class Slash(_EntryNamespace):
    """How many readers answered, in RSS."""

    prefix, uri = "slash", "http://purl.org/rss/1.0/modules/slash/"

    def extend_rss(self, item: Any) -> Any:
        if self.entry.replies is not None:
            self.add(item, "comments", str(self.entry.replies))
        return item


class Language(BaseEntryExtension):  # type: ignore[misc]
    """The entry's own language (XML 1.0 §2.12)."""

    entry: Entry

    def extend_atom(self, entry: Any) -> Any:
        entry.set(_XML_LANG, self.entry.language)
        return entry

    def extend_rss(self, item: Any) -> Any:
        return self.extend_atom(item)


class Content(_EntryNamespace):
    """The body, beside a summary or alone; alone, feedgen would make it the description."""

    prefix, uri = "content", "http://purl.org/rss/1.0/modules/content/"

    def extend_rss(self, item: Any) -> Any:
        if self.entry.body:
            self.add(item, "encoded", self.entry.body)
        return item


ENTRY: dict[str, Sequence[type[BaseEntryExtension]]] = {
    "rss": (Language, Content, DublinCore, Terms, Media, Slash, Threading),
    "atom": (Language, Media, Threading),
}


def namespaces(form: str) -> dict[str, str]:
    """The namespaces that the entries of a format use, by prefix."""
    return {name.prefix: name.uri for name in ENTRY[form] if issubclass(name, _Namespace)}


class _Namespaces(BaseExtension):  # type: ignore[misc]
    """Declares the entries' namespaces once, on the root, instead of on each of their elements."""

    form = ""
    view: FeedView

    def extend_ns(self) -> dict[str, str]:
        return namespaces(self.form)


class RssNamespaces(_Namespaces):
    form = "rss"

    def extend_rss(self, feed: Any) -> Any:
        feed.set(_XML_LANG, self.view.language)  # beside the channel's own element, which no stylesheet can read
        return feed


class AtomNamespaces(_Namespaces):
    form = "atom"


FEED: dict[str, Sequence[type[BaseExtension]]] = {
    "rss": (RssNamespaces, Links, Syndication),
    "atom": (AtomNamespaces, AtomLinks, History, Tombstones),
}
