"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1); feedparser does not read it."""

import json
from collections.abc import Mapping
from typing import Any

from publisher.errors import Problem, SourceError
from publisher.model.article import Author, Image, RawArticle
from publisher.sources.feed.entries import (
    Dates,
    Feed,
    digest,
    identity,
    paragraphs,
    plain,
    says_nothing,
    unescaped,
    web,
)

Item = Mapping[str, Any]


def read(text: str, where: str, address: str, dates: Dates) -> Feed:
    """Every item that has something to say, in the feed's order. `address` is where the feed came from."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(f"{where}{line} is not JSON: {getattr(error, 'msg', error)}.") from None
    if not isinstance(table, dict) or not str(table.get("version", "")).startswith("https://jsonfeed.org/version/"):
        raise SourceError(f'{where} is not a JSON Feed: its "version" does not name jsonfeed.org.')
    base = web(_text(table, "home_page_url"), address) or address
    feed = Feed(hub=_hub(table, address), topic=web(_text(table, "feed_url"), address))
    for number, item in enumerate(_list(table, "items"), 1):
        place = f"{where}#{number}"
        article = _article(item, table, place, base, dates) if isinstance(item, dict) else None
        if article:
            feed.articles.append(article)
        else:
            feed.problems.append(Problem(place, "the item has neither title nor text.", "It is left out."))
    return feed


def _hub(table: Item, address: str) -> str:
    hubs = (hub for hub in _list(table, "hubs") if isinstance(hub, dict) and _text(hub, "type").lower() == "websub")
    return next((url for hub in hubs if (url := web(_text(hub, "url"), address))), "")


def _article(item: Item, feed: Item, where: str, base: str, dates: Dates) -> RawArticle | None:
    origins: dict[str, str] = {}
    body, title = _body(item, origins), plain(_text(item, "title"))
    if says_nothing(title, body):
        return None
    link = _text(item, "url") or _text(item, "external_url")
    url = web(link, base) or link
    return RawArticle(
        source_id=identity(str(item.get("id") or "")) or web(url, "") or digest(title, body),
        title=title,
        body=body,
        where=where,
        format="json feed",
        url=url or None,
        base=base or url or None,
        standfirst=plain(_text(item, "summary")) if "body" not in origins else "",
        authors=_authors(item, feed, base, origins),
        published=dates.read(_text(item, "date_published"), where, "date_published"),
        modified=dates.read(_text(item, "date_modified"), where, "date_modified"),
        sections=_tags(item),
        tags=_tags(item),
        image=next((Image(_text(item, key)) for key in ("image", "banner_image") if _text(item, key)), None),
        language=_text(item, "language") or _text(feed, "language") or None,
        origins=origins,
    )


def _body(item: Item, origins: dict[str, str]) -> str:
    body = unescaped(_text(item, "content_html")) or paragraphs(_text(item, "content_text"))
    if not body and (body := paragraphs(_text(item, "summary"))):
        origins["body"] = "summary"
    return body


def _text(table: Item, key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _list(table: Item, key: str) -> list[Any]:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _authors(item: Item, feed: Item, base: str, origins: dict[str, str]) -> tuple[Author, ...]:
    own = _named(item, base)
    if not own and (own := _named(feed, base)):
        origins["authors"] = "feed"
    return own


def _named(table: Item, base: str) -> tuple[Author, ...]:
    entries = _list(table, "authors") or [table.get("author")]
    people = ((plain(_text(entry, "name")), entry) for entry in entries if isinstance(entry, dict))
    return tuple(
        Author(name, url=web(_text(entry, "url"), base), picture=web(_text(entry, "avatar"), base))
        for name, entry in people
        if name
    )


def _tags(item: Item) -> tuple[str, ...]:
    tags = (plain(tag) for tag in _list(item, "tags") if isinstance(tag, str))
    return tuple(tag for tag in tags if tag)
