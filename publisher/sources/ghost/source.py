"""A Ghost site, by its Content API v5 and v6 (docs.ghost.org/content-api).

Posts come in the order of their last change, at most a hundred an ask. The state holds the place, the time and id of
the last post that was read: a fetch that stops goes on from there, and a post that is edited meanwhile comes once
more at the end. Now and then all ids are listed, for Ghost says nothing of posts that were taken down. The key
travels in the query string, so no message names an address with its query, nor with its user and password.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.errors import Problem, SourceError
from publisher.model.article import RawArticle
from publisher.ports import Fetched, Http, Response
from publisher.sources.asking import ask, parsed_json, shown
from publisher.sources.ghost import post as ghost_post

_PAGE = 100  # the most that Ghost 6 gives
_OVERLAP = timedelta(minutes=5)
_SETTLED = timedelta(hours=1)  # a change this old has been saved, however slow the site's database is
_DAY = timedelta(days=1)
_QUERY = re.compile(r"\?\S*")
_ID = re.compile(r"\w+", re.ASCII)  # so that one can stand in a filter

Post = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ids:
    """All ids of a site, or why they are not known."""

    known: frozenset[str] = frozenset()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class GhostSource:
    """`url` is the site's address, `key` a Content API key; `reconcile` is how often all ids are compared."""

    name: str
    url: str = field(repr=False)
    key: str = field(repr=False)
    zone: ZoneInfo
    http: Http
    reconcile: timedelta = timedelta(days=7)

    @property
    def _address(self) -> str:
        return f"{self.url.rstrip('/')}/ghost/api/content/posts/"

    @property
    def _shown(self) -> str:
        """The address for messages."""
        return shown(self._address)

    async def ask(self, state: Mapping[str, Any], now: datetime) -> Response | Ids:
        if self._is_time_to_reconcile(state, now):
            return await self._ids(now)
        query = {"include": "authors,tags", "order": "updated_at asc,id asc", "filter": _since(state, now)}
        return await self._get({name: value for name, value in query.items() if value}, now)

    def read(self, answer: Response | Ids, state: Mapping[str, Any], now: datetime) -> Fetched:
        return self._reconciled(answer, state, now) if isinstance(answer, Ids) else self._posts(answer, state, now)

    def _is_time_to_reconcile(self, state: Mapping[str, Any], now: datetime) -> bool:
        last = dates.instant(state.get("reconciled"), self.zone)
        return last is not None and not state.get("reading") and now - last > self.reconcile

    async def _get(self, query: Mapping[str, str], now: datetime) -> Response:
        everything = urlencode({"key": self.key, "limit": str(_PAGE), **query}, quote_via=quote)
        headers = {"Accept-Version": "v5.0", "Accept": "application/json"}
        try:
            answer = await ask(self.http, f"{self._address}?{everything}", now, headers, good=(200, 401, 403, 404))
            failure = self._refusal(answer.status)
        except SourceError as error:
            failure = SourceError(self._without_key(str(error)), error.not_before)
        if failure:  # out here, so that the error brings no other along whose text has the key
            raise failure
        return answer

    def _refusal(self, status: int) -> SourceError | None:
        if status == 404:
            message = f"{self._shown} is not there (404). Write the address of a Ghost site that has a Content API."
            return SourceError(message)
        if status in (401, 403):
            where = "Take the Content API key of an integration from Ghost Admin: Settings → Integrations."
            return SourceError(f"{self._shown} refuses the key ({status}). {where}")
        return None

    def _without_key(self, message: str) -> str:
        bare = _QUERY.sub("", message)
        return bare.replace(self.key, "…") if self.key else bare

    def _page(self, answer: Response) -> tuple[Sequence[Any], bool]:
        """The posts of an answer, and whether more follow."""
        try:
            document = parsed_json(answer, self._shown)
        except SourceError as error:
            raise SourceError(f"{error} Is {shown(self.url)} the address of a Ghost site?") from None
        posts = document.get("posts") if isinstance(document, dict) else None
        if not isinstance(posts, list):
            raise SourceError(f"{self._shown} answered without a list of posts. Is {shown(self.url)} a Ghost site?")
        meta = document.get("meta")
        pagination = meta.get("pagination") if isinstance(meta, dict) else None
        return posts, isinstance(pagination, dict) and bool(pagination.get("next"))

    def _posts(self, answer: Response, state: Mapping[str, Any], now: datetime) -> Fetched:
        posts, reading = self._page(answer)
        known = state.get("seen", {})
        where, site = self._shown, shown(self.url)  # links start at the site, and readers are not to have its password
        articles: list[RawArticle] = []
        problems: list[Problem] = []
        for number, post in enumerate(posts, 1):
            if not _is_known(post, known):
                article = ghost_post.read(post, f"{where}#{number}", site, self.zone, problems)
                articles += [article] if article else []
        changes = _changes(posts)
        before = (state.get("at", ""), state.get("id", ""))
        # A change from the future would hide all that comes till then.
        at, last = max([before, *((_written(moment), post["id"]) for moment, post in changes if moment < now + _DAY)])
        if reading and (at, last) == before:
            raise SourceError(f"{where} gave the same page again: it does not heed filter and order.")
        places = {"at": at, "id": last} if at else {}
        seen = _seen(known, changes, at)
        reconciled = state.get("reconciled") or ("" if reading else now.isoformat())
        return Fetched(
            tuple(articles),
            {**places, "seen": seen, "reading": reading, "reconciled": reconciled},
            tuple(problems),
            unchanged=not articles and not problems and not reading,
            more=reading,
        )

    async def _ids(self, now: datetime) -> Ids:
        """All ids, in their own order: they never change, so that what happens meanwhile moves none of them."""
        found: set[str] = set()
        last, reading = "", True
        try:
            while reading:
                query = {"fields": "id", "order": "id asc", **({"filter": f"id:>'{last}'"} if last else {})}
                posts, reading = self._page(await self._get(query, now))
                page = {post["id"] for post in posts if _has_id(post)}
                if len(page) != len(posts) or min(page, default="~") <= last or (reading and not page):
                    raise SourceError(f"{self._shown} does not list its ids in order.")
                found |= page
                last = max(page, default=last)
        except SourceError as error:
            if error.not_before:  # the posts would be asked for at once, and the server wants to be left alone
                raise
            return Ids(failure=str(error))
        return Ids(frozenset(found))

    def _reconciled(self, ids: Ids, state: Mapping[str, Any], now: datetime) -> Fetched:
        if not ids.failure:
            return Fetched(state={**state, "reconciled": now.isoformat()}, present=ids.known or None, more=True)
        problem = Problem(self.name, ids.failure, "Posts that were taken down there stay here; it is tried in a day.")
        later = now - self.reconcile + _DAY
        return Fetched(state={**state, "reconciled": later.isoformat()}, problems=(problem,), more=True)


def _since(state: Mapping[str, Any], now: datetime) -> str:
    """What to ask for (NQL): all after the place; between fetches a little before it, for what was saved late."""
    at = dates.instant(state.get("at"), ZoneInfo("UTC"))
    if at is None:
        return ""
    if state.get("reading") or now - at > _SETTLED:
        return f"updated_at:>'{state['at']}',(updated_at:'{state['at']}'+id:>'{state['id']}')"
    return f"updated_at:>'{_written(at - _OVERLAP)}'"


def _written(moment: datetime) -> str:
    """As Ghost's database writes an instant; it compares them as texts."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _has_id(post: Any) -> bool:
    return isinstance(post, dict) and isinstance(post.get("id"), str) and bool(_ID.fullmatch(post["id"]))


def _is_known(post: Any, known: Mapping[str, str]) -> bool:
    change = known.get(post["id"]) if _has_id(post) else None
    return change is not None and change == post.get("updated_at")


def _changes(posts: Sequence[Any]) -> list[tuple[datetime, Post]]:
    """The posts of a page that have an id and a time of change, with that time."""
    changes: list[tuple[datetime, Post]] = []
    for post in posts:
        if _has_id(post):
            try:
                moment = dates.instant(post.get("updated_at"), ZoneInfo("UTC"))
            except ValueError:
                continue
            if moment:
                changes.append((moment, post))
    return changes


def _seen(known: Mapping[str, str], changes: Sequence[tuple[datetime, Post]], at: str) -> dict[str, str]:
    """The posts that the next fetch may bring again, with the change that is known of each."""
    place = dates.instant(at, ZoneInfo("UTC"))
    if place is None:
        return {}
    both = {**known, **{post["id"]: post["updated_at"] for _, post in changes}}
    recent = ((post, dates.instant(change, ZoneInfo("UTC"))) for post, change in both.items())
    return {post: both[post] for post, moment in recent if moment and moment > place - _OVERLAP}
