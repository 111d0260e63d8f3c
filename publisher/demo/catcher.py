"""A local mail catcher: takes every message by SMTP, keeps it as a file, and shows it on a page."""

import email
import html
from email.message import EmailMessage
from email.policy import default
from itertools import count
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ max-width: 60rem; margin: 0 auto; padding: 1.5rem; font: 1rem/1.5 Arial, sans-serif; color: #1c1b19; }}
h1 {{ font: bold 1.75rem/1.3 Georgia, serif; }} table {{ width: 100%; border-collapse: collapse; }}
th, td {{ padding: .5rem .75rem .5rem 0; text-align: start; border-bottom: 1px solid #d9d2c3; }}
iframe {{ width: 100%; height: 75vh; border: 1px solid #d9d2c3; }}
pre {{ white-space: pre-wrap; background: #f3f0e9; padding: 1rem; }}
</style></head><body>{body}</body></html>"""


class Catcher:
    """Listens on 127.0.0.1 and writes `NNNN.eml` files into a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = count(
            1 + max((int(file.stem) for file in folder.glob("*.eml") if file.stem.isdigit()), default=0)
        )
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self.caught = 0

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        (self._folder / f"{next(self._numbers):04}.eml").write_bytes(content)
        self.caught += 1
        return "250 caught"


def viewer(folder: Path) -> Starlette:
    """Pages that list and show the caught messages."""

    def listed(request: Request) -> Response:
        rows = []
        for file in sorted(folder.glob("*.eml")):
            message = _read(file)
            cells = "".join(f"<td>{html.escape(str(message[name]))}</td>" for name in ("To", "Subject"))
            rows.append(f'<tr><td><a href="{file.stem}">{file.stem}</a></td>{cells}</tr>')
        table = f"<table><tr><th>No.</th><th>To</th><th>Subject</th></tr>{''.join(rows)}</table>"
        return HTMLResponse(_PAGE.format(title="Caught mail", body=f"<h1>{len(rows)} caught messages</h1>{table}"))

    def shown(request: Request) -> Response:
        file = folder / f"{request.path_params['number']:04}.eml"
        if not file.is_file():
            return HTMLResponse(_PAGE.format(title="No such mail", body="<h1>No such mail</h1>"), 404)
        message = _read(file)
        text = message.get_body(("plain",))
        headers = html.escape("\n".join(f"{name}: {value}" for name, value in message.items()))
        body = (
            f'<p><a href="./">All caught mail</a></p><h1>{html.escape(str(message["Subject"]))}</h1>'
            f'<iframe title="HTML part" sandbox="allow-popups" src="{file.stem}/html"></iframe>'
            f"<h2>Headers</h2><pre>{headers}</pre>"
            f"<h2>Text part</h2><pre>{html.escape(text.get_content() if text else '')}</pre>"
        )
        return HTMLResponse(_PAGE.format(title=html.escape(str(message["Subject"])), body=body))

    def part(request: Request) -> Response:
        file = folder / f"{request.path_params['number']:04}.eml"
        page = _read(file).get_body(("html",)) if file.is_file() else None
        return HTMLResponse(page.get_content() if page else "", 200 if page else 404)

    return Starlette(
        routes=[Route("/", listed), Route("/{number:int}", shown), Route("/{number:int}/html", part)],
    )


def _read(file: Path) -> EmailMessage:
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message
