"""A site's WordPress REST API v2: where it is, the lists it gives, and what it says when it gives none.

A list comes in pages of at most a hundred; `X-WP-Total` is its whole length (developer.wordpress.org/rest-api).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from publisher.clean.text import from_html
from publisher.errors import SourceError
from publisher.ports import Http, Response
from publisher.sources.asking import ask, parsed_json, shown

PER_PAGE = 100
_PAST_THE_LAST_PAGE = "rest_post_invalid_page_number"
_BLANK = b"\xef\xbb\xbf \t\r\n"


class NoApi(SourceError):
    """There is no REST API at this address; it may have moved."""


class Closed(SourceError):
    """The REST API is here, and not for us."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, and how long the whole list is."""

    rows: tuple[Mapping[str, Any], ...]
    total: int


@dataclass(frozen=True, slots=True)
class Api:
    """`root` is what a route is written behind: `…/wp-json/`, or `…/?rest_route=/` without pretty permalinks."""

    http: Http
    site: str
    root: str
    now: datetime

    async def get(self, route: str, **query: str | int) -> Response:
        """A list as it came; SourceError where the answer is none."""
        url = f"{self.root}{route}{'&' if '?' in self.root else '?'}{urlencode(query, safe=',:')}"
        answer = await _get(self.http, url, self.site, self.now)
        if answer.status == 400:
            return Response(200, url, {}, b"[]")
        if not answer.content.lstrip(_BLANK).startswith(b"["):
            raise NoApi(f"{_place(answer, url)} is {_kind(answer)}, not a list in JSON. {_way_out(self.site)}")
        return answer

    async def list(self, route: str, **query: str | int) -> Listed:
        """A page of a list, of `PER_PAGE` rows where the query says nothing else."""
        answer = await self.get(route, **{"per_page": PER_PAGE, **query})
        rows = tuple(row for row in _parsed(answer, answer.url) if isinstance(row, dict))
        total = answer.headers.get("x-wp-total", "")
        if total.isdecimal():
            return Listed(rows, int(total))
        return Listed(rows, int(query.get("offset", 0)) + len(rows) + (len(rows) >= PER_PAGE))


async def find(http: Http, site: str, now: datetime) -> str:
    """The root of a site's API: among its pretty permalinks, or else where every WordPress has it."""
    reasons = []
    for root in (f"{site}/wp-json/", f"{site}/?rest_route=/"):
        try:
            answer = await _get(http, root, site, now)
            index = _parsed(answer, root)
        except NoApi as error:
            reasons.append(str(error))
            continue
        namespaces = index.get("namespaces") if isinstance(index, dict) else None
        if isinstance(namespaces, list) and "wp/v2" in namespaces:
            return answer.moved if answer.moved.endswith(("/wp-json/", "?rest_route=/")) else root
        reasons.append(f"{shown(root)} knows no wp/v2.")
    raise SourceError(f"{site} shows no WordPress REST API. {' '.join(reasons)} Check the address. {_way_out(site)}")


async def _get(http: Http, url: str, site: str, now: datetime) -> Response:
    """200, or the 400 that is the end of a list; SourceError for everything else."""
    answer = await ask(http, url, now, {"Accept": "application/json"}, good=(200, 400, 401, 403, 404, 410))
    if answer.status == 200:
        return answer
    code, message = _complaint(answer)
    if answer.status == 400 and code == _PAST_THE_LAST_PAGE:
        return answer
    said = f"{shown(url)} answered {answer.status}{f' ({message})' if message else ''}"
    if answer.status in (401, 403):
        raise Closed(f"{said}: the site keeps its REST API closed. Ask its keeper to open it. {_way_out(site)}")
    raise (SourceError if answer.status == 400 else NoApi)(f"{said}.")


def _complaint(answer: Response) -> tuple[str, str]:
    """Code and message of a WP_Error, where the answer is one."""
    try:
        error = json.loads(answer.content)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code", "")), from_html(str(error.get("message", ""))).rstrip(".")


def _parsed(answer: Response, url: str) -> Any:
    try:
        return parsed_json(answer, shown(url))
    except SourceError:
        raise NoApi(f"{_place(answer, url)} is {_kind(answer)}, not JSON.") from None


def _place(answer: Response, url: str) -> str:
    return shown(url) if answer.url == url else f"{shown(url)}, which leads to {shown(answer.url)},"


def _kind(answer: Response) -> str:
    start = answer.content.lstrip(_BLANK)[:1]
    return "a web page" if start == b"<" else "something else" if start else "empty"


def _way_out(site: str) -> str:
    return f'Or read its feed instead: type = "feed", url = "{site}/feed/".'
