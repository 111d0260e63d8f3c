"""The pages that a reader's signed links lead to: unsubscribe, preferences, and their copy of an edition.

RFC 8058 §3.2: mail software follows links by itself, so GET shows and asks, and only POST acts. No cookie, no
redirect; doing it twice does nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from publisher.errors import PressError
from publisher.model.newsletter import EVERYTHING, Newsletter, Section, within
from publisher.pipeline.proof import NOBODY
from publisher.pipeline.syndicate import Site
from publisher.render import page, plate
from publisher.render.mail import CopyPrinter
from publisher.store import database, editions, outbox, subscribers
from publisher.tokens import Tokens

_LARGEST_ID = 2**31 - 1
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' https: http:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
# A mail has its styles in itself, and pictures from wherever its articles have them.
_MAIL_HEADERS = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: http:; "
    "frame-ancestors 'none'; base-uri 'none'"
}


def routes(engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> Sequence[Route]:
    leaving, choosing = _Unsubscribe(engine, site, tokens, now), _Preferences(engine, site, tokens)
    return [
        Route("/unsubscribe/{token}", leaving.ask, methods=["GET"]),
        Route("/unsubscribe/{token}", leaving.act, methods=["POST"]),
        Route("/preferences/{token}", choosing.ask, methods=["GET"]),
        Route("/preferences/{token}", choosing.act, methods=["POST"]),
        Route("/copy/{edition:int}/{token}", _Copies(engine, site, tokens, now).show, methods=["GET"]),
    ]


class _Unsubscribe:
    def __init__(self, engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._engine, self._site, self._tokens, self._now = engine, site, tokens, now

    async def ask(self, request: Request) -> Response:
        read = self._tokens.read_unsubscribe(request.path_params["token"])
        newsletter = self._site.newsletters.get(read[1]) if read else None
        return self._page(newsletter, known=newsletter is not None, proof=bool(read and read[0] == NOBODY))

    async def act(self, request: Request) -> Response:
        read = self._tokens.read_unsubscribe(request.path_params["token"])
        async with request.form(max_fields=10, max_files=0) as form:
            asked = form.get("List-Unsubscribe") == "One-Click"
        if read is None or not asked:
            return self._page(None, known=False)
        reader_key, name = read
        await run_in_threadpool(self._end, reader_key, name)
        return self._page(self._site.newsletters.get(name), known=True, done=True, proof=reader_key == NOBODY)

    def _end(self, reader_key: str, newsletter: str) -> None:
        with database.writing(self._engine) as db:
            subscribers.unsubscribe(db, reader_key, newsletter, self._now())

    def _page(self, newsletter: Newsletter | None, **became: bool) -> Response:
        title, language = (newsletter.title, newsletter.language) if newsletter else ("", "")
        publication, templates = self._site.publication, self._site.templates
        shown = page.unsubscribe_page(title, publication, templates, language=language, **became)
        return HTMLResponse(shown, status_code=200 if became["known"] else 400, headers=_HEADERS)


class _Preferences:
    def __init__(self, engine: Engine, site: Site, tokens: Tokens) -> None:
        self._engine, self._site, self._tokens = engine, site, tokens

    async def ask(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, request.path_params["token"], None)

    async def act(self, request: Request) -> Response:
        async with request.form(max_fields=1000, max_files=0) as form:
            chosen = [value for value in form.getlist("section") if isinstance(value, str)]
        return await run_in_threadpool(self._answer, request.path_params["token"], chosen)

    def _answer(self, token: str, chosen: Sequence[str] | None) -> Response:
        """The page of a reader's choice, after storing another one where there is one to store."""
        read = self._tokens.read_preferences(token)
        newsletter = self._site.newsletters.get(read[1]) if read else None
        if read is None or newsletter is None:
            return self._page(None, (), known=False)
        wanted = _tidy(chosen or (), self._offered(newsletter))
        stored = bool(wanted) and self._store(read[0], newsletter.name, wanted)
        with database.reading(self._engine) as db:
            now = subscribers.sections(db, read[0], newsletter.name)
        return self._page(newsletter, now or (), known=now is not None, asked=chosen is not None, done=stored)

    def _store(self, reader_key: str, newsletter: str, wanted: Sequence[str]) -> bool:
        with database.writing(self._engine) as db:
            return subscribers.choose(db, reader_key, newsletter, wanted)

    def _offered(self, newsletter: Newsletter) -> list[Section]:
        every = self._site.publication.sections
        return [one for one in every if any(within(one.path, section) for section in newsletter.sections)]

    def _page(self, newsletter: Newsletter | None, chosen: Sequence[str], **became: bool) -> Response:
        title, language = (newsletter.title, newsletter.language) if newsletter else ("", "")
        offered = self._offered(newsletter) if newsletter else []
        choices = [(section, any(within(section.path, path) for path in chosen)) for section in offered]
        shown = page.preferences_page(title, choices, self._site.templates, language=language, **became)
        return HTMLResponse(shown, status_code=200 if became["known"] else 400, headers=_HEADERS)


def _tidy(chosen: Sequence[str], offered: Sequence[Section]) -> tuple[str, ...]:
    """Sections that are offered, without those that another one brings; everything is `*`, new sections too."""
    paths = [section.path for section in offered if section.path in chosen]
    kept = [path for path in paths if not any(path != other and within(path, other) for other in paths)]
    whole = all(any(within(section.path, path) for path in kept) for section in offered)
    return (EVERYTHING,) if whole and kept else tuple(kept)


class _Copies:
    """A reader's own copy as a page, without what is only theirs: they may pass its address on.

    What was withdrawn since is left out, as on every page.
    """

    def __init__(self, engine: Engine, site: Site, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._engine, self._site, self._tokens, self._now = engine, site, tokens, now

    async def show(self, request: Request) -> Response:
        asked = request.path_params["edition"], request.path_params["token"]
        shown = await run_in_threadpool(self._printed, *asked)
        if shown is None:
            templates = self._site.templates
            return HTMLResponse(page.missing_page(self._site.publication, templates), status_code=404, headers=_HEADERS)
        return HTMLResponse(shown, headers=_MAIL_HEADERS)

    def _printed(self, edition_id: int, token: str) -> str | None:
        read = self._tokens.read_copy(token)
        if read is None or edition_id > _LARGEST_ID:
            return None
        with database.reading(self._engine) as db:
            edition, saved = editions.get(db, edition_id), editions.plate(db, edition_id)
            delivery = outbox.delivery(db, edition_id, read[0])
            withdrawn = editions.withdrawn_from(db, self._now()).get(edition_id, set())
        if edition is None or edition.newsletter != read[1] or saved is None or delivery is None:
            return None
        try:
            made = plate.load(saved)
        except PressError:
            return None
        gone = (made.placed[position].article_id for position in withdrawn)
        printer = CopyPrinter(made, edition.key, self._site.publication, self._tokens)
        return printer.page(replace(delivery, masked=(*delivery.masked, *gone)))
