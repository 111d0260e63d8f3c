"""Articles scraped from HTML pages, one each, for sites that offer nothing better.

A page is read again when it changed: by its validators over HTTP (RFC 9110 §13.1), by time and size as a file, and by
a digest of what came. A page with a mistake is read at every fetch, and stops no other. A host that wants to be left
alone for a while is, with all its pages. What an address may hold of secrets goes into no message and no state.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publisher.errors import Problem, SourceError
from publisher.model.article import RawArticle
from publisher.ports import Fetched, Http, Response
from publisher.sources import asking

_AT_ONCE = 4  # requests; several pages are often one server's
_LARGEST = 3_000_000  # bytes; what is larger is no article, and slow to read

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageSource:
    """`urls` are http(s) addresses or paths; relative paths start at `root`. `zone` is that of dates without one."""

    name: str
    urls: tuple[str, ...] = field(repr=False)
    root: Path
    zone: ZoneInfo
    http: Http

    async def ask(self, state: State, now: datetime) -> Sequence[Response | SourceError | None]:
        """One answer for each of `urls`; None for a path."""
        missing = [module for module in ("extruct", "trafilatura") if find_spec(module) is None]
        if missing:
            needed = " and ".join(missing)
            raise SourceError(f'{self.name} reads pages, which needs {needed}: pip install "publisher[pages]"')
        gate = asyncio.Semaphore(_AT_ONCE)
        resting = {host: datetime.fromisoformat(until) for host, until in (state.get("resting") or {}).items()}
        return await asyncio.gather(*(self._answer(url, _known(state, url), now, gate, resting) for url in self.urls))

    async def _answer(
        self, url: str, known: State, now: datetime, gate: asyncio.Semaphore, resting: dict[str, datetime]
    ) -> Response | SourceError | None:
        """`resting` says until when a host is left alone; it learns from every answer (RFC 9110 §10.2.3)."""
        if not _is_web(url):
            return None
        host = _host(url)
        headers = {"Accept": "text/html, application/xhtml+xml, */*;q=0.5"}
        headers |= {"If-None-Match": known["etag"]} if known.get("etag") else {}
        headers |= {"If-Modified-Since": known["last_modified"]} if known.get("last_modified") else {}
        async with gate:
            if host in resting and resting[host] > now:
                until = resting[host]
                return SourceError(f"{host} wants to be left alone until {until:%Y-%m-%d %H:%M} UTC.", until)
            try:
                return await asking.ask(self.http, url, now, headers)
            except SourceError as error:
                if error.not_before:
                    resting[host] = max(error.not_before, resting.get(host, now))
                return error

    def read(self, answer: Sequence[Response | SourceError | None], state: State, now: datetime) -> Fetched:
        articles: dict[str, RawArticle] = {}
        problems: list[Problem] = []
        failures: list[SourceError] = []
        pages: dict[str, State] = {}
        resting: dict[str, str] = {}
        for url, given in zip(self.urls, answer, strict=True):
            known = _known(state, url)
            try:
                content = self._content(url, given, known)
            except SourceError as error:
                failures.append(error)
                resting |= {_host(url): error.not_before.isoformat()} if error.not_before else {}
                pages |= {_key(url): known} if known else {}
                continue
            if content is None:
                pages[_key(url)] = known
                continue
            article, mistakes = self._article(url, content, now)
            if article and article.source_id in articles:
                mistakes.append(
                    Problem(_shown(url), f"is the same story as {articles[article.source_id].where}.", "Drop one.")
                )
            elif article:
                articles[article.source_id] = article
            problems += mistakes
            pages |= {_key(url): content.state} if article else {}
        if failures and len(failures) == len(self.urls):
            raise _none_could_be_had(failures)
        problems += [Problem(self.name, reason) for reason in dict.fromkeys(map(str, failures))]
        nothing_new = not articles and not problems
        new_state = {"pages": pages, "resting": resting} if resting else {"pages": pages}
        return Fetched(tuple(articles.values()), new_state, tuple(problems), unchanged=nothing_new)

    def _content(self, url: str, given: Response | SourceError | None, known: State) -> "_Content | None":
        """What a page holds now; None where that is known."""
        if isinstance(given, SourceError):
            raise given
        content = _from_file(self.root / url, known) if given is None else _from_answer(given)
        return None if content is None or content.state.get("digest") == known.get("digest") else content

    def _article(self, url: str, content: "_Content", now: datetime) -> tuple[RawArticle | None, list[Problem]]:
        from publisher.sources.page import article as page_article  # lxml is slow to import
        from publisher.sources.page import encoding as page_encoding
        from publisher.sources.page import facts as page_facts

        page = page_facts.parsed(page_encoding.decode(content.data, content.kind), content.address)
        if page is None:
            return None, [Problem(_shown(url), "the page is empty.", "It is left out.")]
        return page_article.read(page, _key(url), _shown(url), self.zone, now)


@dataclass(frozen=True, slots=True)
class _Content:
    """A page's bytes, its media type as the server said it, where it was found, and how to know it again."""

    data: bytes
    kind: str
    address: str
    state: State


def _known(state: State, url: str) -> State:
    pages = state.get("pages") or {}
    return pages.get(_key(url)) or {}


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _key(url: str) -> str:
    """What a page is known by: its address, or a digest of one that may hold a token or a password."""
    return _digest(url.encode()) if _is_web(url) and ("?" in url or "@" in url.partition("#")[0]) else url


def _shown(url: str) -> str:
    return asking.shown(url) if _is_web(url) else url


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _from_answer(answer: Response) -> _Content | None:
    if answer.status == 304:
        return None
    kind = answer.headers.get("content-type", "")
    if kind and not any(word in kind.lower() for word in ("html", "xml", "text/plain", "octet-stream")):
        raise SourceError(f"{asking.shown(answer.url)} is no HTML page but {kind}.")
    if len(answer.content) > _LARGEST:
        raise SourceError(f"{asking.shown(answer.url)} is larger than {_LARGEST:,} bytes; it is not read.")
    validators = {"etag": answer.headers.get("etag"), "last_modified": answer.headers.get("last-modified")}
    state = {key: value for key, value in validators.items() if value and value.isascii()}
    return _Content(answer.content, kind, answer.url, state | {"digest": _digest(answer.content)})


def _from_file(path: Path, known: State) -> _Content | None:
    try:
        status = path.stat()
        stamp = f"{status.st_mtime_ns}:{status.st_size}"
        if known.get("stamp") == stamp:
            return None
        if status.st_size > _LARGEST:
            raise SourceError(f"{path} is larger than {_LARGEST:,} bytes; it is not read.")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
    return _Content(data, "", "", {"stamp": stamp, "digest": _digest(data)})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _none_could_be_had(failures: Sequence[SourceError]) -> SourceError:
    later = [error.not_before for error in failures if error.not_before]
    reasons = " ".join(dict.fromkeys(str(error) for error in failures))
    return SourceError(reasons, max(later, default=None))
