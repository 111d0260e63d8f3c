"""The site as files, the one-click unsubscribe, and a health page."""

import os
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from publisher.model.newsletter import Newsletter
from publisher.pipeline.syndicate import Site
from publisher.render.page import unsubscribe_page
from publisher.store import database, subscribers
from publisher.tokens import Tokens

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' https: http:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def application(engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> Starlette:
    """An ASGI application for one newsroom."""
    site.path.mkdir(parents=True, exist_ok=True)
    pages = _Unsubscribe(engine, site, tokens, now)
    return Starlette(
        routes=[
            Route("/unsubscribe/{token}", pages.ask, methods=["GET"]),
            Route("/unsubscribe/{token}", pages.act, methods=["POST"]),
            Route("/health", _health, methods=["GET"]),
            Mount("/", _Files(directory=site.path, html=True)),
        ]
    )


class _Files(StaticFiles):
    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        try:
            return super().lookup_path(path)
        except (OSError, ValueError):  # a name too long or with a NUL is no file of ours
            return "", None


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


class _Unsubscribe:
    def __init__(self, engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._engine, self._site, self._tokens, self._now = engine, site, tokens, now

    async def ask(self, request: Request) -> Response:
        # RFC 8058 §3.2: mail software follows links by itself, so GET asks and POST acts.
        read = self._tokens.read_unsubscribe(request.path_params["token"])
        newsletter = self._site.newsletters.get(read[1]) if read else None
        return self._page(newsletter, known=newsletter is not None)

    async def act(self, request: Request) -> Response:
        read = self._tokens.read_unsubscribe(request.path_params["token"])
        async with request.form(max_fields=10, max_files=0) as form:
            asked = form.get("List-Unsubscribe") == "One-Click"
        if read is None or not asked:
            return self._page(None, known=False)
        reader_key, name = read
        await run_in_threadpool(self._end, reader_key, name)
        return self._page(self._site.newsletters.get(name), known=True, done=True)

    def _end(self, reader_key: str, newsletter: str) -> None:
        with database.writing(self._engine) as db:
            subscribers.unsubscribe(db, reader_key, newsletter, self._now())

    def _page(self, newsletter: Newsletter | None, *, known: bool, done: bool = False) -> Response:
        title = newsletter.title if newsletter else "this newsletter"
        page = unsubscribe_page(title, self._site.publication, self._site.templates, done=done, known=known)
        return HTMLResponse(page, status_code=200 if known else 400, headers=_HEADERS)
