"""The site as files, the pages that a reader's signed links lead to, and a health page."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from publisher.pipeline.syndicate import Site
from publisher.render import page
from publisher.tokens import Tokens
from publisher.web import personal
from publisher.web.files import Answer, Client, Files, Headers, Scope
from publisher.web.limits import Limits


class Application:
    """An ASGI application for one newsroom: files never pass the router of the pages that act."""

    def __init__(self, pages: Starlette, files: Files, acting: frozenset[str]) -> None:
        self._pages, self._files, self.acting = pages, files, acting

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not self._is_acting(scope["path"]):
            await self._files(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def answer(self, method: str, path: str, headers: Headers, client: Client) -> Answer | None:
        """The answer to a request for a file that is held; None for all others."""
        return None if self._is_acting(path) else self._files.answer(method, path, headers, client)

    def _is_acting(self, path: str) -> bool:
        return path.partition("/")[2].partition("/")[0] in self.acting


def application(
    engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime], requests_per_minute: int = 0
) -> Application:
    """`requests_per_minute` is for one address and counts files only: nobody is kept from leaving; 0 is no limit."""
    site.path.mkdir(parents=True, exist_ok=True)
    files = Files(
        root=site.path,
        syndication=site.syndication,
        base=urlsplit(site.publication.url).path,
        missing=partial(page.missing_page, site.publication, site.templates),
        now=now,
        limits=Limits(requests_per_minute),
    )
    acting = [*personal.routes(engine, site, tokens, now), Route("/health", _health, methods=["GET"])]
    pages = Starlette(routes=[*acting, Mount("/", files)])
    return Application(pages, files, frozenset(route.path.split("/")[1] for route in acting))


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})
