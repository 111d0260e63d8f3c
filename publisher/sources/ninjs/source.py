"""News in ninjs (IPTC News in JSON) from files or over HTTP: agencies' items, Superdesk's Content API.

A document is one item, a list of items, or a container that has them as `_items` or `items`; what an item is
associated with is part of it. Of several versions of an item the last one counts, whatever order they come in.
Files are read again when their size or time changed. Pages over HTTP are read one an ask, and a fetch that stops goes
on at its page; where they are sorted by age, they are read until they are older than what the last fetch saw. An
address may bear a key, so no message, article or state has it in full.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.errors import Problem, SourceError
from publisher.model.article import RawArticle
from publisher.ports import Fetched, Http, Response
from publisher.sources.asking import ask, shown
from publisher.sources.ninjs import pages
from publisher.sources.ninjs.item import Reading, Story

_MOST_PAGES = 1000
_OVERLAP = timedelta(days=1)  # what reaches a wire late is dated when it was written
_SIGNS = {"uri", "guid", "headline", "headlines", "bodies", "body_text", "body_html", "body_xhtml", "altids", "altIds"}


class Unreadable(SourceError):
    """A document that is no use: an error where it is all there is, else a problem among others."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where} {message}")
        self.problem = Problem(where, message, "Its stories are left out.")


@dataclass(frozen=True, slots=True)
class NinjsSource:
    """`place` is an http(s) address, a file, or a folder of .json files; relative paths start at `root`."""

    name: str
    place: str = field(repr=False)
    root: Path
    zone: ZoneInfo
    http: Http

    @property
    def _on_the_network(self) -> bool:
        return self.place.lower().startswith(("http://", "https://"))

    def _shown(self, following: str = "") -> str:
        """The place, or the page that follows, for messages; a file's name is no address and stays as it is."""
        return shown(self._address(following)) if self._on_the_network else self.place

    def _address(self, following: str) -> str:
        return pages.address(following, self.place) if following else self.place

    async def ask(self, state: Mapping[str, Any], now: datetime) -> Response | str | None:
        """The next page, or why it cannot be had; an error only for the first page and where one is to wait."""
        if not self._on_the_network:
            return None
        following = state.get("next", "")
        headers = {"Accept": "application/json"}
        for name, kept in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
            if state.get(kept) and not following:
                headers[name] = state[kept]
        try:
            return await ask(self.http, self._address(following), now, headers)
        except SourceError as error:
            if error.not_before or not following:
                raise
            return str(error)

    def read(self, answer: Response | str | None, state: Mapping[str, Any], now: datetime) -> Fetched:
        if answer is None:
            return self._files(state, now)
        if isinstance(answer, str):
            return self._broken_off(answer, state)
        if answer.status == 304:
            return Fetched(state=state, unchanged=True)
        return self._page(answer, state, now)

    def _page(self, answer: Response, state: Mapping[str, Any], now: datetime) -> Fetched:
        following = state.get("next", "")
        where = self._shown(following)
        try:
            document = _parsed(answer.content, where)
            items = _items(document, where)
        except Unreadable as error:
            if not following:
                raise
            return self._broken_off(str(error), state)
        base = answer.url.partition("?")[0]  # a link to "#top" would have the query in it, and so the key
        stories, problems = self._stories(items, where, base, now)
        ranks = _ranks(stories, state.get("ranks", {}) if following else {})
        walk = dict(state) if following else {**_validators(answer), "newest": state.get("newest", "")}
        walk |= {"pages": walk.get("pages", 0) + 1, "last": max(walk.get("last", ""), _newest(items, self.zone))}
        onwards = pages.onwards(document, answer.url, self.place)
        if onwards and walk["pages"] >= _MOST_PAGES:
            fix = "Narrow the address, with start_date or max_results for example."
            problems.append(
                Problem(self._shown(), f"it has more than {_MOST_PAGES:,} pages; the rest is not read.", fix)
            )
            onwards = ""
        if not onwards or _is_read(items, walk["newest"], self.zone):
            newest = max(walk["newest"], walk["last"])
            kept = {"etag": walk.get("etag"), "last_modified": walk.get("last_modified"), "newest": newest}
            kept = {name: value for name, value in kept.items() if value}
            return Fetched(_latest(stories, ranks), kept, tuple(problems))
        walk |= {"next": onwards, "ranks": ranks}
        return Fetched(_latest(stories, ranks), walk, tuple(problems), more=True)

    def _broken_off(self, reason: str, state: Mapping[str, Any]) -> Fetched:
        """A page that cannot be had would stop the source for ever, were it asked for again and again."""
        problem = Problem(self._shown(), f"it was not read to its end: {reason}", "The next fetch starts anew.")
        return Fetched(state={"newest": state.get("newest", "")}, problems=(problem,))

    def _files(self, state: Mapping[str, Any], now: datetime) -> Fetched:
        place = self.root / self.place
        known, files = state.get("files", {}), {}
        fresh: list[Story] = []
        problems: list[Problem] = []
        for file, name in _json_files(place, self.place):
            stamp, before = _stamp(file), known.get(name, {})
            changed = before.get("stamp") != stamp
            if not changed and not before["mistakes"]:
                files[name] = before
                continue
            stories, mistakes = self._file(file, name, now, alone=not place.is_dir())
            # Mistakes are told at every fetch, so that they stay in sight until the file is mended.
            problems += mistakes
            fresh += stories if changed else []
            files[name] = {"stamp": stamp, "ranks": _ranks(stories, {}), "mistakes": bool(mistakes)}
        ranks: dict[str, str] = {}
        for one in files.values():
            ranks |= {item: max(rank, ranks.get(item, "")) for item, rank in one["ranks"].items()}
        articles = _latest(fresh, ranks)
        return Fetched(articles, {"files": files}, tuple(problems), unchanged=not articles and not problems)

    def _file(self, file: Path, name: str, now: datetime, *, alone: bool) -> tuple[list[Story], list[Problem]]:
        """A file that is no use is a problem among others, an error where it is all there is."""
        try:
            if not file.resolve().is_relative_to((self.root / self.place).resolve()):
                return [], [Problem(name, "is a link that leads out of the folder.", "Copy the file here.")]
            items = _items(_parsed(_content(file, name), name), name)
        except Unreadable as error:
            if alone:
                raise
            return [], [error.problem]
        return self._stories(items, name, "", now)

    def _stories(self, items: Sequence[Any], where: str, base: str, now: datetime) -> tuple[list[Story], list[Problem]]:
        problems: list[Problem] = []
        reading = Reading(base, self.zone, now, problems)
        stories = (reading.story(item, f"{where}#{number}") for number, item in enumerate(items, 1))
        return [story for story in stories if story], problems


def _json_files(place: Path, name: str) -> Iterator[tuple[Path, str]]:
    if not place.is_dir():
        yield place, name
        return
    for file in sorted(place.rglob("*")):
        relative = file.relative_to(place)
        hidden = any(part[0] in "._" for part in relative.parts)
        if file.suffix.lower() == ".json" and not hidden and file.is_file():
            yield file, relative.as_posix()


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns}:{status.st_size}"


def _content(file: Path, where: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unreadable(where, f"cannot be read: {error.strerror}.") from None


def _parsed(content: bytes, where: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{where}:{error.lineno}:{error.colno}", f"is not JSON: {error.msg}.") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(where, f"is not JSON in UTF-8: {error}.") from None


def _items(document: Any, where: str) -> Sequence[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for key in ("_items", "items"):
            if isinstance(document.get(key), list):
                return list(document[key])
        if _SIGNS & document.keys():
            return [document]
    raise Unreadable(where, "is not ninjs: it holds neither an item nor a list of items.")


def _validators(answer: Response) -> dict[str, str]:
    """Echoed as they came at the next fetch (RFC 9110 §13.1)."""
    said = {"etag": answer.headers.get("etag", ""), "last_modified": answer.headers.get("last-modified", "")}
    return {name: value for name, value in said.items() if value and value.isascii()}


def _ranks(stories: Iterable[Story], known: Mapping[str, str]) -> dict[str, str]:
    """The latest version of each item, by id."""
    ranks = dict(known)
    for story in stories:
        identity = story.article.source_id
        ranks[identity] = max(story.rank, ranks.get(identity, ""))
    return ranks


def _latest(stories: Iterable[Story], ranks: Mapping[str, str]) -> tuple[RawArticle, ...]:
    """The articles but those of which a later version is known."""
    latest = {one.article.source_id: one.article for one in stories if one.rank == ranks[one.article.source_id]}
    return tuple(latest.values())


def _times(items: Sequence[Any], zone: ZoneInfo) -> list[str]:
    """When the items' versions were made, as texts that sort; empty where one does not say."""
    times = []
    for item in items:
        try:
            moment = dates.instant(item.get("versioncreated") or item.get("versionCreated"), zone)
        except (ValueError, AttributeError):
            return []
        times += [moment.isoformat()] if moment else []
    return times if len(times) == len(items) else []


def _newest(items: Sequence[Any], zone: ZoneInfo) -> str:
    return max(_times(items, zone), default="")


def _is_read(items: Sequence[Any], newest: str, zone: ZoneInfo) -> bool:
    """Whether a page is sorted by age, the newest first, and ends before what the last fetch saw."""
    times, known = _times(items, zone), dates.instant(newest, zone)
    if not times or known is None or times != sorted(times, reverse=True):
        return False
    return times[-1] < (known - _OVERLAP).isoformat()
