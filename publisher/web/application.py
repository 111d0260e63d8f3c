"""The site as files, the pages that a reader's signed links lead to, and a health page."""

import os
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from publisher.pipeline.syndicate import Site
from publisher.tokens import Tokens
from publisher.web import personal


def application(engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> Starlette:
    """An ASGI application for one newsroom."""
    site.path.mkdir(parents=True, exist_ok=True)
    return Starlette(
        routes=[
            *personal.routes(engine, site, tokens, now),
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
