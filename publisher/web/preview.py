"""An edition on one local page, as its readers will see it; shown anew whenever a template or the edition changes.

Nothing is written, no row and no file, so a crash leaves nothing behind. What the page shows is made on this machine
for this machine; links in it belong to nobody.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from threading import Lock
from urllib.parse import quote, unquote, urlencode

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from publisher.errors import PressError, PublisherError, TemplateProblem
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import Edition
from publisher.pipeline import proof
from publisher.pipeline.proof import Desk, Pressing
from publisher.pipeline.syndicate import Site, feeds_of_everything
from publisher.render import page
from publisher.render.environment import Templates, shipped
from publisher.render.preflight import Check, Verdict
from publisher.render.printer import Cut, Printer
from publisher.store import articles, database, editions
from publisher.web import emulation

PARTS = {"mail": "Mail", "text": "Text part", "headers": "Headers", "source": "HTML source", "web": "Web page"}
WIDTHS = {"360": "360, a phone", "640": "640", "800": "800", "full": "As wide as it goes"}
SCHEMES = {"light": "Light", "dark": "Dark", "forced": "Forced dark"}
READERS = {"everything": "A reader of everything", "sections": "A choice of sections", "address": "A subscriber"}
_FOLDERS = ("templates", "feeds")
_CLIPPED = 102 * 1024  # bytes of HTML that Gmail shows
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.UNSEEN, Verdict.PASS)
_PLACE = re.compile(r"(?P<file>\S+):(?P<line>[0-9]+)  (?P<message>.*)", re.DOTALL)
_AROUND = 4  # lines of source shown on each side of a mistake
_HOSTS = ["127.0.0.1", "localhost"]  # a name that somebody else has pointed here is refused (DNS rebinding)
_COMMON = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_FRAME = {
    **_COMMON,
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline' https:; font-src https: data:; "
    "img-src 'self' https: http: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page is asked to show; what is not offered becomes the first of what is."""

    part: str = "mail"
    width: str = "full"
    scheme: str = "light"
    pictures: bool = True
    reader: str = "everything"
    address: str = ""
    sections: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        asked = {"part": self.part, "scheme": self.scheme, "pictures": "on" if self.pictures else "off"}
        whom = {"reader": self.reader, "as": self.address, "section": self.sections}
        return urlencode({**asked, **whom}, doseq=True)


def choice(request: Request, subscriber: str) -> Choice:
    """Read a query; without one the reader is the subscriber that the command named."""
    asked = request.query_params

    def one_of(offered: Mapping[str, str], name: str, usual: str) -> str:
        return found if (found := asked.get(name, usual)) in offered else usual

    return Choice(
        part=one_of(PARTS, "part", "mail"),
        width=one_of(WIDTHS, "width", "full"),
        scheme=one_of(SCHEMES, "scheme", "light"),
        pictures=asked.get("pictures") != "off",
        reader=one_of(READERS, "reader", "address" if subscriber else "everything"),
        address=asked.get("as", subscriber),
        sections=tuple(asked.getlist("section")),
    )


def application(
    engine: Engine, edition_id: int, desk: Desk, site: Site, now: Callable[[], datetime], subscriber: str = ""
) -> Starlette:
    """An ASGI application for one edition; `subscriber` is the address that it is shown for at first."""
    pages = _Pages(engine, _Bench(engine, edition_id, desk, site, now), site, subscriber)
    return Starlette(
        routes=[
            Route("/", pages.tool),
            Route("/state", pages.state),
            Route("/frame", pages.frame),
            Route("/message.eml", pages.message),
            Route("/site/{path:path}", pages.site),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)],
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """The edition as it stands: what it became, or why it became nothing."""

    state: str
    edition: Edition | None = None
    pressing: Pressing | None = None
    checks: tuple[Check, ...] = ()
    problem: PublisherError | None = None

    def ready(self) -> Pressing:
        if self.problem:
            raise self.problem
        assert self.pressing is not None
        return self.pressing


class _Bench:
    """Renders the edition when what it is made of has changed, and remembers it until then."""

    def __init__(self, engine: Engine, edition_id: int, desk: Desk, site: Site, now: Callable[[], datetime]) -> None:
        self._engine, self._edition_id, self.desk, self._site, self._now = engine, edition_id, desk, site, now
        self._lock = Lock()
        self._work = _Work("")

    def state(self) -> str:
        """Another one means that something has changed: a template, the edition, or a story in it."""
        digest = sha256()
        for file in _template_files(self._site.root):
            with suppress(FileNotFoundError):  # editors write beside a file and rename
                about = file.stat()
                digest.update(f"{file} {about.st_mtime_ns} {about.st_size}\n".encode())
        with database.reading(self._engine) as db:
            edition, placed = editions.get(db, self._edition_id), editions.placed_in(db, self._edition_id)
            stories = articles.by_ids(db, {one.article_id for one in placed})
        contents = {number: (story.content_hash, story.status) for number, story in sorted(stories.items())}
        digest.update(f"{edition} {placed} {contents}".encode())
        return digest.hexdigest()[:16]

    def work(self) -> _Work:
        with self._lock:
            state = self.state()
            if state != self._work.state:
                # Jinja looks again at the files that it has read, but a newsroom's new copy of one is no such file.
                self.desk = replace(self.desk, templates=_templates(self._site))
                self._work = self._made(state)
            return self._work

    def _made(self, state: str) -> _Work:
        with database.reading(self._engine) as db:
            edition = editions.get(db, self._edition_id)
        try:
            if edition is None:
                raise PressError(f"there is no edition {self._edition_id} any more")
            pressing = proof.prepare(self._engine, edition, self.desk, self._now())
            return _Work(state, edition, pressing, proof.check(pressing, self.desk))
        except PublisherError as error:
            return _Work(state, edition, problem=error)
        except Exception as error:  # noqa: BLE001 - what breaks the press is shown, and is to be mended like the rest
            return _Work(state, edition, problem=PressError(f"the press broke: {type(error).__name__}: {error}"))


def _template_files(root: Path) -> Iterator[Path]:
    for base in (root, shipped()):
        for folder in _FOLDERS:
            yield from (file for file in sorted((base / folder).rglob("*")) if file.is_file())


def _templates(site: Site) -> Templates:
    return Templates(site.publication, site.root, feeds_of_everything(site.feeds))


class _Pages:
    def __init__(self, engine: Engine, bench: _Bench, site: Site, subscriber: str) -> None:
        self._engine, self._bench, self._site, self._subscriber = engine, bench, site, subscriber

    def state(self, request: Request) -> Response:
        return PlainTextResponse(self._bench.state(), headers=_COMMON)

    def tool(self, request: Request) -> Response:
        asked, work, nonce = choice(request, self._subscriber), self._bench.work(), secrets.token_urlsafe(16)
        shown, wrong = None, None
        try:
            shown = self._shown(work, asked)
        except PublisherError as error:
            wrong = problem(error, self._site.root)
        values: dict[str, object] = {"parts": PARTS, "widths": WIDTHS, "schemes": SCHEMES, "readers": READERS}
        values |= {"choice": asked, "shown": shown, "problem": wrong}
        values |= {"state": work.state, "edition": work.edition, "nonce": nonce, "language": "en"}
        html = self._bench.desk.templates.render("web/preview.html.j2", values)
        return HTMLResponse(html, headers={**_COMMON, "Content-Security-Policy": _tool_policy(nonce)})

    def _shown(self, work: _Work, asked: Choice) -> "Shown":
        pressing = work.ready()
        whom = self._reader(pressing, asked)
        copy = self._copy(pressing, whom)
        skeleton = Printer(pressing.plate).skeleton(whom.sections, whom.masked)
        html = parts(copy)["source"]
        sheet = f"site/{pressing.view.path}" if asked.part == "web" else "frame"
        assert skeleton is not None, "a copy was printed of it"
        return Shown(
            subject=pressing.plate.subjects[skeleton.lead],
            address=f"{sheet}?{asked.query}",
            size=len(html.encode()),
            budget=pressing.plate.budget,
            cut=skeleton.cut,
            checks=sorted(work.checks, key=lambda check: _ORDER.index(check.verdict)),
            accepted=self._bench.desk.accept,
        )

    def frame(self, request: Request) -> Response:
        """The part that was asked for, for the frame in the page."""
        asked = choice(request, self._subscriber)
        try:
            pressing = self._bench.work().ready()
            found = parts(self._copy(pressing, self._reader(pressing, asked)))
        except PublisherError as error:
            return PlainTextResponse(str(error), 409, headers=_FRAME)
        if asked.part in found:
            return HTMLResponse(emulation.shown(emulation.as_text(found[asked.part]), asked.scheme), headers=_FRAME)
        return HTMLResponse(self._seen(found["source"], asked, "/site"), headers=_FRAME)

    def message(self, request: Request) -> Response:
        """The whole copy, for a mail program on this machine."""
        asked = choice(request, self._subscriber)
        try:
            pressing = self._bench.work().ready()
            copy = self._copy(pressing, self._reader(pressing, asked))
        except PublisherError as error:
            return PlainTextResponse(str(error), 409, headers=_FRAME)
        name = {"Content-Disposition": f'attachment; filename="edition-{pressing.edition.id}.eml"'}
        return Response(copy.message, media_type="message/rfc822", headers={**_COMMON, **name})

    def site(self, request: Request) -> Response:
        """The edition's web page with what belongs to it, as the site will have them; the rest is where the site is."""
        path, asked = request.path_params["path"], choice(request, self._subscriber)
        work = self._bench.work()
        if work.pressing and path == work.pressing.view.path:
            html = page.published(work.pressing.page, ())
            styled = html.replace("/style.css", f"/style.css?scheme={asked.scheme}", 1)
            return HTMLResponse(self._seen(styled, asked, ""), headers=_FRAME)
        if path == "style.css":
            own = self._site.root / "templates/web/style.css"
            file = own if own.is_file() else shipped() / "templates/web/style.css"
            return Response(
                emulation.in_scheme(file.read_text("utf-8"), asked.scheme), media_type="text/css", headers=_FRAME
            )
        if found := self._static(path):
            return FileResponse(found, headers=_FRAME)
        return RedirectResponse(f"{self._site.publication.url}/{quote(path)}", headers=_FRAME)

    def _static(self, path: str) -> Path | None:
        """A file that a build would copy into the site."""
        folder = self._site.static.resolve()
        try:
            file = (folder / path).resolve()
            inside = file.is_relative_to(folder) and not file.name.startswith(".")
            return file if inside and file.is_file() else None
        except (OSError, ValueError):  # a name too long or with a NUL is no file of ours
            return None

    def _seen(self, html: str, asked: Choice, ours: str) -> str:
        """A page as the reader's program would show it. `ours` is where this machine has the site's own pictures."""
        if not asked.pictures:
            html = emulation.without_pictures(html)
        elif ours:
            html = emulation.with_pictures_at(html, lambda picture: self._local(picture, ours))
        return emulation.shown(html, asked.scheme)

    def _local(self, picture: str, ours: str) -> str:
        base = f"{self._site.publication.url}/"
        path = picture.removeprefix(base)
        return f"{ours}/{path}" if picture.startswith(base) and self._static(unquote(path)) else picture

    def _reader(self, pressing: Pressing, asked: Choice) -> Delivery:
        if asked.reader == "address":
            return proof.as_reader(self._engine, pressing.edition.newsletter, asked.address)
        if asked.reader == "sections":
            return replace(proof.everybody(), sections=asked.sections)
        return proof.everybody()

    def _copy(self, pressing: Pressing, whom: Delivery) -> Copy:
        copy = proof.printer(pressing, self._bench.desk).print(whom)
        if copy is None:
            raise PressError("nothing in this edition is for this reader, who gets no mail")
        return copy


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says beside its frame. `address` is the frame's; sizes are bytes of HTML."""

    subject: str
    address: str
    size: int
    budget: int
    cut: Cut
    checks: Sequence[Check]
    accepted: frozenset[str]
    clipped: int = _CLIPPED


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is nothing to show; `file`, `whose` and `lines` (number, text) where a template is to be mended."""

    message: str
    file: str = ""
    line: int = 0
    whose: str = ""
    lines: tuple[tuple[int, str], ...] = ()


def problem(error: PublisherError, root: Path) -> Problem:
    """An error with the lines of the template around its place."""
    place = _PLACE.fullmatch(str(error)) if isinstance(error, TemplateProblem) else None
    if place is None:
        return Problem(str(error))
    name, line = place["file"], int(place["line"])
    for base, whose in ((root, "the newsroom's own"), (shipped(), "the one that came with Publisher")):
        for file in (f"templates/{name}", name):
            if (base / file).is_file():
                source = (base / file).read_text("utf-8", "replace").splitlines()
                first = max(line - _AROUND, 1)
                around = tuple(enumerate(source[first - 1 : line + _AROUND], first))
                return Problem(place["message"], file, line, whose, around)
    return Problem(place["message"], name, line)


def parts(copy: Copy) -> dict[str, str]:
    """What there is to read in a copy, by PARTS: its header as it is sent, its text and its HTML."""
    header, _, _ = copy.message.partition(b"\r\n\r\n")
    found = {part.get_content_type(): part.get_payload(decode=True) for part in message_from_bytes(copy.message).walk()}
    text, source = (bytes(found.get(kind) or b"").decode() for kind in ("text/plain", "text/html"))
    return {"headers": header.decode("utf-8", "replace").replace("\r\n", "\n"), "text": text, "source": source}


def _tool_policy(nonce: str) -> str:
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
