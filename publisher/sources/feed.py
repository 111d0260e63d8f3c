"""A feed that somebody else publishes, over HTTP or from a file: RSS 0.9–2.0, RDF, Atom, JSON Feed.

Validators are echoed back as they came (RFC 9110 §13.1); a 304 or an unchanged file is no work.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from publisher.errors import FetchError, Problem, SourceError
from publisher.model.article import RawArticle
from publisher.ports import Fetched

_SLACK = timedelta(days=1)  # a clock that is a little wrong is no mistake


class Getter(Protocol):
    """What this source needs of `fetch.Fetcher`."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class FeedSource:
    """`url` is an http(s) address or a path."""

    name: str
    url: str
    root: Path
    http: Getter

    async def fetch(self, state: Mapping[str, Any], now: datetime) -> Fetched:
        if self.url.lower().startswith(("http://", "https://")):
            return await self._from_network(state, now)
        return await asyncio.to_thread(self._from_file, state, now)

    async def _from_network(self, state: Mapping[str, Any], now: datetime) -> Fetched:
        headers = {"Accept": "application/feed+json, application/atom+xml, application/rss+xml, */*;q=0.5"}
        if state.get("etag"):
            headers["If-None-Match"] = state["etag"]
        if state.get("last_modified"):
            headers["If-Modified-Since"] = state["last_modified"]
        try:
            answer = await self.http.get(self.url, headers)
        except FetchError as error:
            raise SourceError(str(error)) from None
        if answer.status == 304:
            return Fetched(state=state, unchanged=True)
        if answer.status != 200:
            raise SourceError(f"{self.url} answered {answer.status}.")
        validators = {
            "etag": answer.headers.get("etag"),
            "last_modified": answer.headers.get("last-modified"),
        }
        content_type = answer.headers.get("content-type", "")
        fetched = await asyncio.to_thread(parse, answer.content, self.url, now, answer.url, content_type)
        return replace(fetched, state={key: value for key, value in validators.items() if value and value.isascii()})

    def _from_file(self, state: Mapping[str, Any], now: datetime) -> Fetched:
        path = self.root / self.url
        try:
            status = path.stat()
            stamp = f"{status.st_mtime_ns}:{status.st_size}"
            if state.get("stamp") == stamp:
                return Fetched(state=state, unchanged=True)
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
        return replace(parse(content, self.url, now), state={"stamp": stamp})


def parse(content: bytes, where: str, now: datetime, base: str = "", content_type: str = "") -> Fetched:
    """Read a feed of any format. SourceError where it is none; single bad entries are problems."""
    from publisher.sources import json_feed, xml_feed  # feedparser is slow to import, and a folder needs none

    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    read = json_feed.read if is_json else xml_feed.read
    articles, problems = read(content, where, base, content_type)
    distinct, repeated = _distinct(articles)
    checked = [_not_from_the_future(article, now) for article in distinct]
    future = (problem for _, problem in checked if problem)
    return Fetched(tuple(article for article, _ in checked), {}, (*problems, *repeated, *future))


def _distinct(articles: Sequence[RawArticle]) -> tuple[list[RawArticle], list[Problem]]:
    """An id that several entries share is no id: their addresses tell them apart."""
    uses = Counter(article.source_id for article in articles)
    distinct: dict[str, RawArticle] = {}
    problems = []
    for article in articles:
        identity = (article.url if uses[article.source_id] > 1 else None) or article.source_id
        if identity in distinct:
            problems.append(Problem(article.where, f'its id "{identity}" stands twice in the feed.', "It is left out."))
        else:
            distinct[identity] = replace(article, source_id=identity)
    return list(distinct.values()), problems


def _not_from_the_future(article: RawArticle, now: datetime) -> tuple[RawArticle, Problem | None]:
    """A published entry is public, so a date to come is a mistake; unknown is better than wrong."""
    if article.published is None or article.published <= now + _SLACK:
        return article, None
    message = f"its date {article.published:%Y-%m-%d} is in the future."
    return replace(article, published=None), Problem(article.where, message, "It is taken as undated.")
