"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1); feedparser does not read it."""

import hashlib
import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.clean.text import from_html, one_line, repair
from publisher.errors import Problem, SourceError
from publisher.model.article import Author, Image, RawArticle

_UTC = ZoneInfo("UTC")

Item = Mapping[str, Any]


def read(content: bytes, where: str, base: str, _content_type: str) -> tuple[list[RawArticle], list[Problem]]:
    try:
        feed = json.loads(content)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(f"{where}{line} is not JSON: {getattr(error, 'msg', error)}.") from None
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith("https://jsonfeed.org/version/"):
        raise SourceError(f'{where} is not a JSON Feed: its "version" does not name jsonfeed.org.')
    items = feed.get("items")
    articles, problems = [], []
    for number, item in enumerate(items if isinstance(items, list) else [], 1):
        place = f"{where}#{number}"
        article, mistakes = _article(item, feed, place, base) if isinstance(item, dict) else (None, [])
        problems += mistakes
        if article:
            articles.append(article)
        else:
            problems.append(Problem(place, "the item has neither title nor text.", "It is left out."))
    return articles, problems


def _article(item: Item, feed: Item, where: str, base: str) -> tuple[RawArticle | None, list[Problem]]:
    body = (
        _text(item, "content_html") or _paragraphs(_text(item, "content_text")) or _paragraphs(_text(item, "summary"))
    )
    title = one_line(_text(item, "title"))
    if not title and not from_html(body):
        return None, []
    url = _text(item, "url") or _text(item, "external_url") or None
    problems: list[Problem] = []
    article = RawArticle(
        source_id=str(item.get("id") or "").strip() or url or _digest(title, body),
        title=title,
        body=body,
        where=where,
        url=url,
        base=(url if url and url.startswith("http") else "") or _text(feed, "home_page_url") or base or None,
        standfirst=one_line(_text(item, "summary")) if item.get("content_html") or item.get("content_text") else "",
        authors=tuple(_authors(item) or _authors(feed)),
        published=_instant(item, "date_published", where, problems),
        modified=_instant(item, "date_modified", where, problems),
        sections=_tags(item),
        tags=_tags(item),
        image=next((Image(_text(item, key)) for key in ("image", "banner_image") if _text(item, key)), None),
        language=_text(item, "language") or _text(feed, "language") or None,
    )
    return article, problems


def _digest(title: str, body: str) -> str:
    """An id for an item that has none; JSON can hold a lone surrogate, UTF-8 cannot."""
    return hashlib.sha256(repair(f"{title}\n{body}").encode()).hexdigest()


def _text(table: Item, key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def _authors(table: Item) -> list[Author]:
    entries = table.get("authors") or [table.get("author")]
    named = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [Author(_text(entry, "name")) for entry in named if _text(entry, "name")]


def _tags(item: Item) -> tuple[str, ...]:
    tags = item.get("tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _instant(item: Item, key: str, where: str, problems: list[Problem]) -> datetime | None:
    try:
        found = dates.instant(_text(item, key), _UTC)
    except ValueError as error:
        problems.append(Problem(where, f"{key}: {error}.", "It is taken as unknown."))
        return None
    return found.astimezone(UTC) if found else None
