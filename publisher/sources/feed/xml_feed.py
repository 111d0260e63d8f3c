"""RSS, RDF and Atom by feedparser, which has met twenty years of broken feeds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.clean.text import from_html, one_line
from publisher.errors import Problem, SourceError
from publisher.model.article import Author, Image, RawArticle
from publisher.sources.feed import parser as feed_parser
from publisher.sources.feed.entries import (
    LONGEST_LINE,
    Dates,
    Feed,
    digest,
    identity,
    is_markup,
    paragraphs,
    plain,
    says_nothing,
    unescaped,
    web,
)
from publisher.sources.feed.text import document

_MAIL = re.compile(r"[<(]?[^\s<>()]+@[^\s<>()]+[>)]?")
_LONGEST_NAME = 1000
_LONGEST_COUNT = 9
_LONGEST_STANDFIRST = 80  # words; a longer summary is the body again
_SHORT_BODY = 4000  # characters; only such a body can be all in its summary
_PICTURE = re.compile(r"\.(jpe?g|png|webp|gif|avif)(\?|$)", re.IGNORECASE)
_TAIL = re.compile(r"(\[…\]|\[\.\.\.\]|Continue reading\s*\.{3}|Read more\s*\.{3})\s*$", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_TOLD = ("media_title", "media_description", "media_credit")
_READABLE = re.compile(r"^text/plain|html")
_KINDS: dict[str, type] = {
    **dict.fromkeys(("authors", "content", "links", "media_content", "media_thumbnail", "tags"), list),
    **dict.fromkeys(("summary_detail", "title_detail"), dict),
    **dict.fromkeys(("published_parsed", "updated_parsed"), tuple),
}

Entry = dict[str, Any]


def read(text: str, where: str, address: str, dates: Dates) -> Feed:
    """Every entry that has something to say, in the feed's order. `address` is where the feed came from."""
    source = document(text, where)
    parsed = feed_parser.parse(source)
    if not parsed.entries and parsed.fault and not parsed.feed:
        raise SourceError(f"{where}:{parsed.line} is not a feed: {parsed.fault}.")
    own = _sound(parsed.feed)
    links = own.get("links", ())
    feed = Feed(whole=parsed.whole, hub=_linked(links, "hub", address), topic=_linked(links, "self", address))
    fault = parsed.fault or ("something else stands around it" if source.stray else "")
    if fault:
        message = f"the feed is malformed ({fault})."
        place = f"{where}:{parsed.line}" if parsed.line else where
        feed.problems.append(Problem(place, message, f"{len(parsed.entries)} entries were read."))
    reader = _Reader(source.format, own, address, web(own.get("link"), address) or address, dates)
    for number, entry in enumerate(parsed.entries, 1):
        article = reader.article(_sound(entry), f"{where}#{number}")
        if article:
            feed.articles.append(article)
        else:
            feed.problems.append(
                Problem(f"{where}#{number}", "the entry has neither title nor text.", "It is left out.")
            )
    return feed


def _sound(entry: Mapping[str, Any]) -> Entry:
    """A plain dictionary, as feedparser's answers for one key with another's value: for "updated" with "published".

    An element that nobody knows may stand under any key; so what is of another kind than it should be is dropped.
    """
    return {key: value for key, value in entry.items() if isinstance(value, _KINDS.get(key, str))}


def _linked(links: Any, rel: str, base: str) -> str:
    return next((found for link in links if link.get("rel") == rel and (found := web(link.get("href"), base))), "")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes articles of one feed's entries. Relative addresses start at `base`, unless an xml:base says otherwise."""

    format: str
    feed: Entry
    address: str
    base: str
    dates: Dates

    def article(self, entry: Entry, where: str) -> RawArticle | None:
        origins: dict[str, str] = {}
        body, standfirst = _body(entry, origins)
        title = _title(entry, self.format) or plain(entry.get("media_title") or "")
        if says_nothing(title, body):
            return None
        url = self._url(entry, origins)
        published = self._published(entry, where, origins)
        terms = tuple(filter(None, (plain(tag.get("label") or tag.get("term") or "") for tag in entry.get("tags", ()))))
        return RawArticle(
            source_id=identity(entry.get("id") or "") or web(url, "") or digest(title, body),
            title=title,
            body=body,
            where=where,
            format=self.format,
            url=url or None,
            base=self._base(entry) or url or None,
            standfirst=standfirst,
            authors=self._authors(entry, origins),
            published=published,
            modified=self.dates.read(entry.get("updated") or "", where, "updated", entry.get("updated_parsed")),
            sections=terms,
            tags=terms,
            image=_image(entry, self.base),
            language=_language(entry) or self.feed.get("language") or None,
            comments=self._comments(entry),
            replies=self._replies(entry, origins),
            origins=origins,
        )

    def _url(self, entry: Entry, origins: dict[str, str]) -> str:
        """The link; what is none is handed on as it is, and cleaning reports it."""
        if original := web(entry.get("feedburner_origlink"), ""):
            origins["url"] = "feedburner:origLink"
            return original
        link = entry.get("link") or ""
        if found := web(link, self.base):
            return found
        if permalink := web(entry.get("permalink"), ""):
            origins["url"] = "guid"
            return permalink
        return str(link)

    def _base(self, entry: Entry) -> str:
        details = [*entry.get("content", ()), entry.get("summary_detail") or {}]
        declared = next((part["base"] for part in details if part.get("base")), "")
        return web(declared, self.address) if declared else self.base

    def _published(self, entry: Entry, where: str, origins: dict[str, str]) -> datetime | None:
        published = self.dates.read(entry.get("published") or "", where, "published", entry.get("published_parsed"))
        if published is None and entry.get("dc_date"):
            published = self.dates.read(entry["dc_date"], where, "dc:date")
            if published and self.format != "rdf":  # RSS 1.0 has no other
                origins["published"] = "dc:date"
        return published

    def _authors(self, entry: Entry, origins: dict[str, str]) -> tuple[Author, ...]:
        authors = _named(entry, self.base)
        if not authors and self.format == "atom" and (authors := _named(self.feed, self.base)):
            origins["authors"] = "feed"  # RFC 4287 §4.2.1
        return authors

    def _comments(self, entry: Entry) -> str:
        replies = (
            link.get("href")
            for link in entry.get("links", ())
            if link.get("rel") == "replies" and "html" in link.get("type", "html")
        )
        return web(entry.get("comments"), self.base) or web(next(replies, ""), self.base)

    def _replies(self, entry: Entry, origins: dict[str, str]) -> int | None:
        """How many readers commented: RSS's slash module, or Atom's threads (RFC 4685 §4, §5)."""
        links = (link for link in entry.get("links", ()) if link.get("rel") == "replies")
        counts = {"thr:total": entry.get("thr_total"), "slash:comments": entry.get("slash_comments")}
        counts["thr:count"] = next((link["thr:count"] for link in links if link.get("thr:count")), None)
        for origin, written in counts.items():
            if (told := str(written or "").strip()).isdecimal() and len(told) <= _LONGEST_COUNT:
                origins["replies"] = origin
                return int(told)
        return None


def _title(entry: Entry, form: str) -> str:
    detail = entry.get("title_detail") or {}
    value = str(detail.get("value") or "")
    said = form == "atom" and "html" in _type(detail)  # elsewhere feedparser guesses
    return plain(from_html(value[:LONGEST_LINE]) if said and "<" in value else value)


def _body(entry: Entry, origins: dict[str, str]) -> tuple[str, str]:
    """(body as HTML, summary as text where it is something else than the body)."""
    contents = [part for part in entry.get("content", ()) if part.get("value") and _READABLE.search(_type(part))]
    summary = entry.get("summary_detail") or {}
    if contents:
        part = max(contents, key=lambda part: ("html" in _type(part), len(part["value"])))
        body = _as_html(part)
        return body, "" if summary.get("value") == part["value"] else _standfirst(summary, body)
    if summary.get("value"):
        origins["body"] = "summary"
        return _as_html(summary), ""
    if described := entry.pop("media_description", ""):  # which is then no caption
        origins["body"] = "media:description"
        return _as_html({"value": described, "type": "text/plain"}), ""
    return "", ""


def _standfirst(summary: Entry, body: str) -> str:
    value = _as_html(summary)
    if not value or len(value) > LONGEST_LINE:
        return ""
    words = from_html(value)
    alike = len(body) < _SHORT_BODY and len(_TAG.sub("", body)) < 2 * len(words)
    if len(words.split()) > _LONGEST_STANDFIRST or (alike and words == from_html(body)):
        return ""
    return _TAIL.sub("", words).strip()


def _type(detail: Entry) -> str:
    return str(detail.get("type") or "text/html")


def _as_html(detail: Entry) -> str:
    value = str(detail.get("value") or "")
    if _type(detail) == "text/plain" and not is_markup(value):
        return paragraphs(value)
    return unescaped(value)


def _named(entry: Entry, base: str) -> tuple[Author, ...]:
    given = entry.get("authors", ())
    written = [(str(author.get("name") or ""), author.get("href")) for author in given]
    if len(written) <= 1:  # feedparser cuts an address after four letters of its top domain; the text is whole
        written = [(str(entry.get("author") or ""), written[0][1] if written else "")]
    names = ((_name(name), url) for name, url in written)
    return tuple(Author(name, url=web(url, base)) for name, url in names if name)


def _name(written: str) -> str:
    """Without an address; RSS 2.0 writes `address (name)`."""
    name = one_line(_MAIL.sub("", plain(written[:_LONGEST_NAME]))).strip('" ')
    return name[1:-1].strip() if name.startswith("(") and name.endswith(")") else name


def _image(entry: Entry, base: str) -> Image | None:
    pictures = [part for part in entry.get("media_content", ()) if _is_picture(part)]
    largest = sorted(pictures, key=lambda part: _number(part.get("width")), reverse=True)
    enclosed = [link for link in entry.get("links", ()) if link.get("rel") == "enclosure" and _is_picture(link)]
    for part in [*largest, *entry.get("media_thumbnail", ()), *enclosed]:
        url = part.get("url") or part.get("href") or ""
        if web(url, base):
            alt, caption, credit = (plain(part.get(name) or entry.get(name) or "") for name in _TOLD)
            return Image(url, "" if alt and alt in url else alt, caption, credit)
    return None


def _is_picture(part: Entry) -> bool:
    kind, url = str(part.get("medium") or part.get("type") or ""), str(part.get("url") or part.get("href") or "")
    if "gravatar.com/avatar/" in url:  # WordPress.com lists the author's face first
        return False
    return kind.startswith("image") or (not kind and bool(_PICTURE.search(url)))


def _number(text: object) -> int:
    return int(str(text)) if str(text).isdecimal() else 0


def _language(entry: Entry) -> str:
    return next((str(part["language"]) for part in entry.get("content", ()) if part.get("language")), "")
