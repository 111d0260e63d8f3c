"""A feed that somebody else publishes, over HTTP or from a file: RSS 0.9–2.0, RDF, Atom, JSON Feed.

Validators are echoed back as they came (RFC 9110 §13.1); a 304 or an unchanged file is no work. A feed that is broken
leaves none, so that the next fetch asks for all of it again. Where an address moved for good, and that it is gone, is
remembered for the address in the configuration alone.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from publisher.errors import Problem, SourceError
from publisher.ports import Fetched, Http, Response
from publisher.sources.asking import ask, shown
from publisher.sources.feed.entries import Dates, Feed, distinct, web
from publisher.sources.feed.text import decoded

_ACCEPT = "application/feed+json, application/atom+xml, application/rss+xml, */*;q=0.5"
_LONGEST_VALIDATOR = 1000
_MOST_PROBLEMS = 100
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";,]*)", re.IGNORECASE)
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the network, and from which address it was asked."""

    response: Response
    asked: str = field(repr=False)  # there may be a key in it


@dataclass(frozen=True, slots=True)
class FeedSource:
    """`url` is an http(s) address or a path below `root`. Dates without an offset are `zone`'s wall clock.

    The state: `of` marks the address it belongs to, `etag` and `last_modified` or `stamp` the version that was read;
    `moved` is where that address leads for good, `gone` that it answered 410; `hub` and `topic` are what WebSub needs.
    """

    name: str
    url: str = field(repr=False)  # there may be a password in it
    root: Path
    http: Http
    zone: ZoneInfo = _UTC

    async def ask(self, state: Mapping[str, Any], now: datetime) -> Answer | None:
        """None where there is nobody to ask: a file, or an address that is gone."""
        known = self._own(state)
        if not self.url.lower().startswith(("http://", "https://")) or known.get("gone"):
            return None
        if known.get("moved"):
            try:
                return await self._asked(known["moved"], known, now, good=(200,))
            except SourceError as error:
                if error.not_before:
                    raise
        return await self._asked(self.url, {} if known.get("moved") else known, now, good=(200, 410))

    async def _asked(self, url: str, known: Mapping[str, Any], now: datetime, good: tuple[int, ...]) -> Answer:
        headers = {"Accept": _ACCEPT}
        if known.get("etag"):
            headers["If-None-Match"] = known["etag"]
        if known.get("last_modified"):
            headers["If-Modified-Since"] = known["last_modified"]
        unchanged = (304,) if len(headers) > 1 else ()
        return Answer(await ask(self.http, url, now, headers, good=good + unchanged), url)

    def read(self, answer: Answer | None, state: Mapping[str, Any], now: datetime) -> Fetched:
        known = self._own(state)
        if answer is None:
            return self._gone() if known.get("gone") else self._from_file(known, now)
        return self._from_network(answer, known, now)

    def _from_network(self, answer: Answer, known: Mapping[str, Any], now: datetime) -> Fetched:
        response, where = answer.response, shown(self.url)
        if response.status == 410:
            return self._gone()
        moved = response.moved or answer.asked
        moved = moved if moved != self.url else ""
        kept = {key: known[key] for key in ("etag", "last_modified", "hub", "topic") if key in known}
        feed = Feed()
        if response.status != 304:
            feed = _read(
                response.content, where, now, response.url, response.headers.get("content-type", ""), self.zone
            )
            kept = {**_validators(response, feed), **_hub(response, feed)}
        if moved and moved != known.get("moved"):
            feed.problems.append(Problem(where, "has moved for good.", f'Write url = "{shown(moved)}".'))
        state = self._state(kept | ({"moved": moved} if moved else {}))
        return Fetched(tuple(feed.articles), state, tuple(feed.problems), unchanged=response.status == 304)

    def _from_file(self, known: Mapping[str, Any], now: datetime) -> Fetched:
        path = self.root / self.url
        try:
            status = path.stat()
            stamp = f"{status.st_mtime_ns}:{status.st_size}"
            if known.get("stamp") == stamp:
                return Fetched(state=known, unchanged=True)
            content = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
        feed = _read(content, self.url, now, "", "", self.zone)
        return Fetched(tuple(feed.articles), self._state({"stamp": stamp} if feed.whole else {}), tuple(feed.problems))

    def _gone(self) -> Fetched:
        problem = Problem(shown(self.url), "is gone (410).", "Remove the source or give it another url.")
        return Fetched(state=self._state({"gone": True}), problems=(problem,))

    def _own(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is remembered of the configured address; of another one nothing holds."""
        return state if state.get("of") == self._mark else {}

    def _state(self, known: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"of": self._mark, **known}

    @property
    def _mark(self) -> str:
        """A digest, as there may be a key in the address."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]


def parse(
    content: bytes, where: str, now: datetime, base: str = "", content_type: str = "", zone: ZoneInfo = _UTC
) -> Fetched:
    """Read a feed of any format. SourceError where it is none; single bad entries are problems."""
    feed = _read(content, where, now, base, content_type, zone)
    return Fetched(tuple(feed.articles), {}, tuple(feed.problems))


def _read(content: bytes, where: str, now: datetime, address: str, content_type: str, zone: ZoneInfo) -> Feed:
    from publisher.sources.feed import json_feed, xml_feed  # feedparser is slow to import, and a folder needs none

    text, guess = decoded(content, content_type)
    dates = Dates(zone, now, [])
    read = json_feed.read if text.lstrip()[:1] == "{" else xml_feed.read
    feed = read(text, where, address, dates)
    feed.problems += dates.problems
    feed.articles = distinct(feed.articles, feed.problems)
    if guess:
        message = f"its letters are not in the encoding that it names; they were read as {guess}."
        feed.problems.append(Problem(where, message, "Ask its publisher to name the right one."))
    if len(feed.problems) > _MOST_PROBLEMS:
        more = len(feed.problems) - _MOST_PROBLEMS
        feed.problems[_MOST_PROBLEMS:] = [Problem(where, f"has {more:,} more mistakes like these.")]
    return feed


def _validators(response: Response, feed: Feed) -> dict[str, str]:
    """What to send back next time; what came with a broken feed, or is no sane header, is not."""
    if not feed.whole:
        return {}
    given = {"etag": response.headers.get("etag", ""), "last_modified": response.headers.get("last-modified", "")}
    return {
        name: value
        for name, value in given.items()
        if 0 < len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable()
    }


def _hub(response: Response, feed: Feed) -> dict[str, str]:
    """WebSub §4: the header's links count before the document's."""
    links: dict[str, str] = {}
    for target, parameters in _LINK.findall(response.headers.get("link", "")):
        for rel in found[1].lower().split() if (found := _REL.search(parameters)) else ():
            links.setdefault(rel, web(target, response.url))
    hub, topic = links.get("hub") or feed.hub, links.get("self") or feed.topic or response.url
    return {"hub": hub, "topic": topic} if hub and (hub + topic).isascii() else {}
