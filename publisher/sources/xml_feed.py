"""RSS, RDF and Atom by feedparser, which has met twenty years of broken feeds."""

import hashlib
import re
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser

from publisher.clean.text import from_html, one_line, repair
from publisher.errors import Problem, SourceError
from publisher.model.article import Author, Image, RawArticle

_MAIL = re.compile(r"[<(]?[^\s<>()]+@[^\s<>()]+[>)]?")
_NO_DAY = re.compile(r"(?!\d{8}$)\d+|\d{4}-\d\d")  # a year, a month or a Unix time; feedparser guesses a day
_LONGEST_NAME = 1000
_LONGEST_STANDFIRST = 80  # words; a longer summary is the body again
_PICTURE = re.compile(r"\.(jpe?g|png|webp|gif|avif)(\?|$)", re.IGNORECASE)
_TAIL = re.compile(r"(\[…\]|\[\.\.\.\]|Continue reading\s*\.{3}|Read more\s*\.{3})\s*$", re.IGNORECASE)

Entry = Mapping[str, Any]


def read(content: bytes, where: str, base: str, content_type: str) -> tuple[list[RawArticle], list[Problem]]:
    """Every entry that has something to say, in the feed's order."""
    headers = {"content-location": base, "content-type": content_type}
    parsed = feedparser.parse(
        BytesIO(content),  # bare bytes that name a file would be opened as that file
        response_headers={name: value for name, value in headers.items() if value},
        sanitize_html=False,  # ours is stricter, keeps embeds as links, and runs on every source
        resolve_relative_uris=False,
    )
    if not parsed.entries and not parsed.get("version"):
        raise SourceError(f"{where} is not a feed: {_fault(parsed) or 'no RSS, RDF, Atom or JSON Feed was found'}.")
    problems = []
    if parsed.bozo and (fault := _fault(parsed)):
        problems.append(Problem(f"{where}{_line(parsed)}", f"the feed is malformed ({fault}).",
                                f"{len(parsed.entries)} entries were read."))  # fmt: skip
    feed = parsed.feed
    link = feed.get("link") or base
    language = feed.get("language") or ""
    articles = []
    for number, entry in enumerate(parsed.entries, 1):
        article = _article(entry, f"{where}#{number}", link, language, is_rss=not parsed.version.startswith("atom"))
        if article:
            articles.append(article)
        else:
            problems.append(Problem(f"{where}#{number}", "the entry has neither title nor text.", "It is left out."))
    return articles, problems


def _fault(parsed: Any) -> str:
    """The parser's complaint, if it is about content; a wrong encoding label is mended in silence."""
    error = parsed.get("bozo_exception")
    if error is None or isinstance(error, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType):
        return ""
    message = getattr(error, "getMessage", lambda: str(error))()
    return one_line(str(message)) or type(error).__name__


def _line(parsed: Any) -> str:
    locate = getattr(parsed.get("bozo_exception"), "getLineNumber", None)
    return f":{locate()}" if locate else ""


def _article(entry: Entry, where: str, base: str, language: str, *, is_rss: bool) -> RawArticle | None:
    body, summary = _body(entry)
    published, modified = _instant(entry, "published_parsed"), _instant(entry, "updated_parsed")
    if is_rss and published is None:
        published, modified = modified, None  # feedparser files dc:date, RSS 1.0's only date, under "updated"
    title = _title(entry)
    if not title and not from_html(body):
        return None
    url = entry.get("link") or None
    return RawArticle(
        source_id=entry.get("id") or url or hashlib.sha256(f"{title}\n{body}".encode()).hexdigest(),
        title=title,
        body=body,
        where=where,
        url=url,
        base=_base(entry) or (url if url and url.startswith("http") else base) or None,
        standfirst=_TAIL.sub("", summary).strip(),
        authors=tuple(_authors(entry)),
        published=published,
        modified=modified,
        sections=tuple(_terms(entry)),
        tags=tuple(_terms(entry)),
        image=_image(entry),
        language=_language(entry) or language or None,
    )


def _title(entry: Entry) -> str:
    detail = entry.get("title_detail") or {}
    value = str(detail.get("value") or "")
    return one_line(value) if detail.get("type") == "text/plain" else from_html(value)


def _body(entry: Entry) -> tuple[str, str]:
    """(body as HTML, summary as text where it is something else than the body)."""
    contents = [part for part in entry.get("content", ()) if part.get("value")]
    summary = entry.get("summary_detail") or {}
    if not contents:
        return _as_html(summary), ""
    body = _as_html(max(contents, key=lambda part: ("html" in part.get("type", ""), len(part["value"]))))
    words = from_html(_as_html(summary))
    short = 0 < len(words.split()) <= _LONGEST_STANDFIRST
    return body, words if short and words != from_html(body) else ""


def _as_html(detail: Entry) -> str:
    value = repair(str(detail.get("value") or ""))
    if detail.get("type") != "text/plain":
        return value
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"<p>{paragraph}</p>" for paragraph in re.split(r"\n\s*\n", escaped) if paragraph.strip())


def _base(entry: Entry) -> str | None:
    details = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    return next((part["base"] for part in details if str(part.get("base") or "").startswith("http")), None)


def _instant(entry: Entry, key: str) -> datetime | None:
    # feedparser answers .get("updated_parsed") with the *published* date; the plain dict does not.
    given = dict(entry)
    value = given.get(key)
    if _NO_DAY.fullmatch(str(given.get(key.removesuffix("_parsed"), "")).strip()):
        return None
    try:
        return datetime.fromtimestamp(timegm(value), UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None


def _authors(entry: Entry) -> list[Author]:
    written = [str(author.get("name") or "") for author in entry.get("authors", ())]
    if len(written) <= 1:  # feedparser cuts an address after four letters of its top domain; the text is whole
        written = [str(entry.get("author") or "")]
    texts = (from_html(name[:_LONGEST_NAME]) for name in written)
    names = (_without_brackets(one_line(_MAIL.sub("", name)).strip('" ')) for name in texts)
    return [Author(name) for name in names if name]


def _without_brackets(name: str) -> str:
    """RSS 2.0 writes `address (name)`."""
    return name[1:-1].strip() if name.startswith("(") and name.endswith(")") else name


def _terms(entry: Entry) -> list[str]:
    terms = (from_html(str(tag.get("label") or tag.get("term") or "")) for tag in entry.get("tags", ()))
    return [term for term in terms if term]


def _image(entry: Entry) -> Image | None:
    credit = next((one_line(part.get("content", "")) for part in entry.get("media_credit", ())), "")
    pictures = [part for part in entry.get("media_content", ()) if _is_picture(part)]
    largest = sorted(pictures, key=lambda part: _number(part.get("width")), reverse=True)
    enclosed = [{"url": part.get("href")} for part in entry.get("enclosures", ()) if _is_picture(part)]
    for part in [*largest, *entry.get("media_thumbnail", ()), *enclosed]:
        if part.get("url"):
            return Image(part["url"], credit=credit)
    return None


def _is_picture(part: Entry) -> bool:
    kind = str(part.get("medium") or part.get("type") or "")
    return kind.startswith("image") or (not kind and bool(_PICTURE.search(str(part.get("url", "")))))


def _number(text: object) -> int:
    return int(str(text)) if str(text).isdecimal() else 0


def _language(entry: Entry) -> str:
    return next((str(part["language"]) for part in entry.get("content", ()) if part.get("language")), "")
