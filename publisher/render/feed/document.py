"""RSS 2.0, Atom 1.0 (RFC 4287) and JSON Feed 1.1 of a list of articles.

feedgen assembles the XML; every date is given, so that the same articles make the same bytes on any day.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publisher.model.article import Article
from publisher.model.newsletter import Publication

FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}
TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}
_GENERATOR = "Publisher"
_STYLESHEET = "feed.css"


@dataclass(frozen=True, slots=True)
class FeedEntryView:
    """An article with the address where it is read and its body as the shared templates print it."""

    article: Article
    url: str
    body: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class FeedView:
    """`path` is the feed's folder below the publication's address; `updated` is its newest entry's, or its founding."""

    publication: Publication
    id: str
    title: str
    description: str
    path: str
    home: str
    updated: datetime
    entries: Sequence[FeedEntryView]

    def url(self, form: str) -> str:
        return f"{self.publication.url}/{self.path}/{FILES[form]}"


def render(view: FeedView, form: str) -> bytes:
    """The feed's bytes in one of the formats of `FILES`."""
    return _json(view) if form == "json" else _xml(view, form)


class _Entry(FeedEntry):  # type: ignore[misc]
    def atom_entry(self, extensions: bool = True) -> Any:
        # feedgen 1.0.0 loses rel, type and length of every entry link (python-feedgen#135).
        entry = super().atom_entry(extensions)
        for element, link in zip(entry.findall("link"), self.link() or [], strict=True):
            element.attrib.update({key: value for key, value in link.items() if key != "href" and value})
        return entry


def _xml(view: FeedView, form: str) -> bytes:
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False, rss=True)
    feed.id(view.id)
    feed.title(view.title)
    feed.description(view.description)
    feed.link(href=view.url(form), rel="self", type=TYPES[form])
    feed.link(href=view.home, rel="alternate", type="text/html")  # last: RSS takes its <link> from the last one
    feed.author(name=view.publication.name)
    feed.language(view.publication.language)
    feed.generator(_GENERATOR)
    feed.updated(view.updated)
    feed.lastBuildDate(view.updated)
    for entry in view.entries:
        feed.add_entry(_entry(entry, view.publication), order="append")
    root = etree.fromstring(feed.rss_str() if form == "rss" else feed.atom_str())
    style = etree.ProcessingInstruction(
        "xml-stylesheet", f'type="text/css" href="{view.publication.url}/feeds/{_STYLESHEET}"'
    )
    root.addprevious(style)
    document: bytes = etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _entry(view: FeedEntryView, publication: Publication) -> _Entry:
    article = view.article
    entry = _Entry()
    entry.load_extension("dc", atom=False, rss=True)
    entry.id(article.tag)
    entry.title(article.title)
    entry.link(href=view.url, rel="alternate", type="text/html")
    entry.updated(view.updated)
    if article.published:
        entry.published(article.published)
    if article.teaser:
        entry.summary(article.teaser)
    entry.content(view.body, type="html")
    for author in article.authors:
        entry.author(name=author.name)
    if article.authors:
        entry.dc.dc_creator([author.name for author in article.authors])
    for term, label in _categories(article, publication):
        entry.category(term=term, label=label)
    return entry


def _categories(article: Article, publication: Publication) -> list[tuple[str, str]]:
    sections = [section for path in article.sections if (section := publication.section(path))]
    kinds = [(article.kind.lower(), article.kind)] if article.kind else []
    return [(section.path, section.title) for section in sections] + kinds + [(tag, tag) for tag in article.tags]


def _json(view: FeedView) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": view.title,
        "home_page_url": view.home,
        "feed_url": view.url("json"),
        "description": view.description,
        "language": view.publication.language,
        "authors": [{"name": view.publication.name, "url": view.publication.url}],
        "items": [_item(entry, view.publication) for entry in view.entries],
    }
    return json.dumps(_without_empty(document), ensure_ascii=False, indent=1).encode() + b"\n"


def _item(view: FeedEntryView, publication: Publication) -> dict[str, Any]:
    article = view.article
    item = {
        "id": article.tag,
        "url": view.url,
        "title": article.title,
        "content_html": view.body,
        "summary": article.teaser,
        "image": article.image.url if article.image else None,
        "date_published": article.published.isoformat() if article.published else None,
        "date_modified": view.updated.isoformat(),
        "authors": [{"name": author.name} for author in article.authors],
        "tags": [label for _, label in _categories(article, publication)],
        "language": article.language,
    }
    return _without_empty(item)


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value or key in ("items", "title", "content_html")}
