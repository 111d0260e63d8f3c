"""One feed in one format, to its bytes: feedgen assembles the XML.

Every date is given, so that the same entries make the same bytes on any day. What feedgen makes of an entry is kept
for the next feed that holds it.
"""

import json
import math
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from publisher.render.feed import extensions
from publisher.render.feed.view import TYPES, Entry, FeedView, words

_GENERATOR = "Publisher"
_ENDS = {"rss": b"</channel></rss>", "atom": b"</feed>"}
_ENTRY = b"<entry "  # escaped text does not hold it
_HEAD_BYTES = 3_000  # more than any head takes
_HARD_LIMIT = 1_000_000  # JSON Feed: "1MB a burden"


@dataclass(frozen=True, slots=True)
class _Fragment:
    """An entry's bytes in one format."""

    version: str
    content: bytes


class Fragments:
    """The entries that were printed last, by id and format; the oldest are forgotten over `most`."""

    def __init__(self, most: int = 8_000) -> None:
        self._known: OrderedDict[tuple[str, str, bool], _Fragment] = OrderedDict()
        self._most = most

    def of(self, entry: Entry, form: str) -> _Fragment:
        key = entry.id, form, entry.version.endswith(" short")
        known = self._known.get(key)
        if known is None or known.version != entry.version:
            known = self._known[key] = _MAKERS[form](entry)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return known

    def size(self, entry: Entry, forms: Sequence[str]) -> int:
        """Bytes of an entry in the format where it is largest."""
        return max(len(self.of(entry, form).content) for form in forms)


def render(view: FeedView, form: str, fragments: Fragments | None = None) -> bytes:
    """The feed's bytes in one of the formats of `FILES`."""
    kept = fragments or Fragments()
    return _json(view, kept) if form == "json" else _xml(view, form, kept)


def fitted(entries: Sequence[Entry], forms: Sequence[str], most: int, kept: Fragments) -> list[Entry]:
    """The entries with the oldest shortened so that the feed takes at most `most` bytes in each of its formats.

    Where that is not enough it may grow, up to a megabyte; then the oldest are left out.
    """
    whole, room = list(entries), most - _HEAD_BYTES
    total = sum(kept.size(entry, forms) for entry in whole)
    for place in reversed(range(len(whole))):
        if total <= room:
            break
        short = whole[place].shortened()
        total -= kept.size(whole[place], forms) - kept.size(short, forms)
        whole[place] = short
    while total > _HARD_LIMIT - _HEAD_BYTES:
        total -= kept.size(whole.pop(), forms)
    return whole


class _Written(FeedEntry):  # type: ignore[misc]
    def atom_entry(self, extensions: bool = True) -> Any:
        # feedgen 1.0.0 loses rel, type and length of every entry link (python-feedgen#135).
        entry = super().atom_entry(extensions)
        ours = entry.findall("link")[: len(self.link() or [])]
        for element, link in zip(ours, self.link() or [], strict=True):
            element.attrib.update({key: value for key, value in link.items() if key != "href" and value})
        return entry


def _xml(view: FeedView, form: str, kept: Fragments) -> bytes:
    feed = FeedGenerator()
    for extension in extensions.FEED[form]:
        feed.register_extension(extension.__name__, extension)
        getattr(feed, extension.__name__).view = view
    feed.id(view.id)
    feed.title(words(view.title))
    feed.description(words(view.description))
    feed.link(href=view.url(form), rel="self", type=TYPES[form])
    feed.link(href=view.home, rel="alternate", type="text/html")  # last: RSS takes its <link> from the last one
    feed.author(name=view.publication.name, uri=f"{view.publication.url}/")
    feed.language(view.language)
    feed.generator(_GENERATOR)
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.ttl(math.ceil(view.max_age.total_seconds() / 60))
    feed.updated(view.updated)
    feed.lastBuildDate(view.updated)
    if view.publication.theme.logo:
        feed.logo(view.publication.theme.logo)
    written: bytes = feed.rss_str() if form == "rss" else feed.atom_str()
    declaration, _, root = written.partition(b"\n")
    style = f'<?xml-stylesheet type="text/css" href="{view.stylesheet}"?>'
    end = _ENDS[form]
    entries = [kept.of(entry, form).content for entry in view.entries]
    return b"".join([declaration, b"\n", style.encode(), b"\n", root.removesuffix(end), b"\n", *entries, end, b"\n"])


def _element(entry: Entry, form: str) -> _Fragment:
    element = _written(entry, form)
    root = etree.Element("root", nsmap=extensions.namespaces(form))  # or each element would declare them again
    root.text = element.tail = "\n"
    root.append(element)
    written = etree.tostring(root, encoding="UTF-8")
    content = written[written.index(b">\n") + 2 : written.rindex(b"</root>")]
    return _Fragment(entry.version, content)


def _written(entry: Entry, form: str) -> Any:
    written = _Written()
    for extension in extensions.ENTRY[form]:
        written.register_extension(extension.__name__, extension)
        getattr(written, extension.__name__).entry = entry
    written.id(entry.id)
    written.title(words(entry.title or entry.id))
    written.link(href=entry.url, rel="alternate", type="text/html")
    written.updated(entry.updated)
    if entry.published:
        written.published(entry.published)
    if entry.summary:
        written.summary(words(entry.summary))
    if entry.body and form == "atom":
        written.content(entry.body, type="html")
    for author in entry.authors:
        written.author(name=author.name, **({"uri": author.url} if author.url else {}))
    for term, label in entry.categories:
        written.category(term=term, label=label)
    if entry.comments:
        written.comments(entry.comments)
    return written.rss_entry() if form == "rss" else written.atom_entry()


def _json(view: FeedView, kept: Fragments) -> bytes:
    publication = view.publication
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": words(view.title),
        "home_page_url": view.home,
        "feed_url": view.url("json"),
        "description": words(view.description),
        "language": view.language,
        "authors": [{"name": publication.name, "url": f"{publication.url}/"}],
        "hubs": [{"type": "WebSub", "url": hub} for hub in view.hubs],
    }
    opened = json.dumps(_without_empty(head), ensure_ascii=False, indent=1).removesuffix("\n}").encode()
    items = b",\n".join(kept.of(entry, "json").content for entry in view.entries)
    return b"".join([opened, b',\n "items": [\n', items, b"\n ]\n}\n"])


def _item(entry: Entry) -> _Fragment:
    title, summary = words(entry.title), words(entry.summary)
    plain = {} if entry.body else {"content_text": summary or title}
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": title,
        "content_html": entry.body,
        **plain,
        "summary": summary,
        "image": entry.image.url if entry.image else None,
        "date_published": entry.published.isoformat() if entry.published else None,
        "date_modified": entry.updated.isoformat(),
        "authors": [_without_empty({"name": one.name, "url": one.url, "avatar": one.picture}) for one in entry.authors],
        "tags": [label for _, label in entry.categories],
        "language": entry.language,
    }
    return _Fragment(entry.version, json.dumps(_without_empty(item), ensure_ascii=False, indent=1).encode())


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value}


_MAKERS = {
    "rss": lambda entry: _element(entry, "rss"),
    "atom": lambda entry: _element(entry, "atom"),
    "json": _item,
}


def without(archive: bytes, ids: Collection[str]) -> bytes:
    """An archive page that `render` made, without some of its entries; every other byte stays."""
    gone = [f"<id>{escape(name)}</id>".encode() for name in ids]
    end = _ENDS["atom"] + b"\n"
    head, *entries = archive.removesuffix(end).split(_ENTRY)
    kept = [entry for entry in entries if not any(name in entry for name in gone)]
    return _ENTRY.join([head, *kept]) + end
