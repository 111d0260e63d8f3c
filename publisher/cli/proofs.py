"""publisher editions preview, proof: look at an edition before anybody else does. Neither writes a row."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.opening import find_edition, now, opened, output
from publisher.errors import PublisherError, TransportDown, UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from publisher.app import App
    from publisher.model.delivery import Copy, Delivery, Outcome
    from publisher.model.newsletter import Edition
    from publisher.pipeline.proof import Pressing
    from publisher.ports import Transport

_HOST = "127.0.0.1"  # a draft is nobody's business but this machine's
_PORT = 8040


def preview(
    context: typer.Context,
    edition: Annotated[int, typer.Argument(help="Its id.")],
    reader: Annotated[str, typer.Option("--as", help="As this subscriber will see it.")] = "",
    port: Annotated[
        int, typer.Option(min=0, max=65535, show_default=False, help="By default 8040, or any that is free.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
) -> None:
    """Show an edition on one local page that follows every change of a template."""
    from publisher.pipeline.proof import as_reader
    from publisher.web.preview import application

    out = output(context)
    with opened(context) as app:
        chosen, room = find_edition(app, edition), app.newsroom
        if reader:
            as_reader(room.database, chosen.newsletter, reader)
        chosen_port = _free_port(port)
        url = f"http://{_HOST}:{chosen_port}/"
        pages = application(room.database, edition, room.press_desk, room.site, now, reader)

        def ready() -> None:
            out.warn(f"Edition {edition} is at {url} until Ctrl-C.")
            if not no_open and sys.stderr.isatty():
                _open(url)

        asyncio.run(_serve(pages, chosen_port, ready))


def _free_port(wanted: int) -> int:
    """The port that was asked for; without one ours, or any other that nobody has."""
    import socket

    for port in (wanted,) if wanted else (_PORT, 0):
        with contextlib.suppress(OSError), socket.create_server((_HOST, port)) as probe:
            return int(probe.getsockname()[1])
    raise PublisherError(f"port {wanted} is taken. Leave --port out, and one that is free is found.")


def _open(url: str) -> None:
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)


async def _serve(pages: "Starlette", port: int, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM."""
    from publisher.web.server import serving

    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with serving(pages, _HOST, port):
        await asyncio.to_thread(ready)
        await stop.wait()


def proof(
    context: typer.Context,
    edition: Annotated[int, typer.Argument(help="Its id.")],
    to: Annotated[list[str], typer.Option("--to", help="An address that gets a copy; may be repeated.")],
    reader: Annotated[str, typer.Option("--as", help="The copy of this subscriber.")] = "",
    sections: Annotated[str, typer.Option(help="The copy of a reader of these sections, between commas.")] = "",
) -> None:
    """Send copies for a look; the edition stays as it is, and no reader notices."""
    from publisher.model.delivery import OutcomeKind

    out = output(context)
    addresses = _addresses(to)
    with opened(context) as app:
        chosen = find_edition(app, edition)
        pressing, copies = _copies(app, chosen, addresses, _whom(app, chosen, reader, sections))
        failing = _failing(app, pressing)
        outcomes = asyncio.run(_carry(app.engine.transport, copies))
    accepted = sum(one.kind is OutcomeKind.ACCEPTED for one in outcomes)
    columns = ("To", "Outcome", "Code", "Reply")
    answers = list(zip(addresses, outcomes, strict=True))
    rows = [(one, outcome.kind.value, outcome.code, outcome.reply) for one, outcome in answers]
    out.table(columns, rows, [{"to": one, **asdict(outcome)} for one, outcome in answers])
    if failing:
        plural = "check fails" if len(failing) == 1 else "checks fail"
        out.warn(f"{len(failing)} {plural}: {', '.join(failing)}; see publisher editions show {edition} --checks")
    if accepted < len(outcomes):
        raise typer.Exit(3 if accepted else 1)


def _addresses(typed: Sequence[str]) -> list[str]:
    """Each once, in the order in which they were typed; UsageError names every one that is no address."""
    from publisher.clean.addresses import address

    good: dict[str, None] = {}
    wrong: list[str] = []
    for one in typed:
        try:
            good[address(one)] = None
        except ValueError as error:
            wrong.append(f'--to: "{one}" {error}.')
    if wrong:
        raise UsageError(" ".join(wrong))
    return list(good)


def _whom(app: "App", edition: "Edition", reader: str, sections: str) -> "Delivery":
    """The reader whose copy is printed, under nobody's key: a link in a proof never acts for a reader."""
    from publisher.pipeline.proof import as_reader, everybody

    if reader and sections:
        raise UsageError("--as is a copy of one subscriber's own sections. Leave --sections out, or --as.")
    if reader:
        return as_reader(app.newsroom.database, edition.newsletter, reader)
    if not sections:
        return everybody()
    chosen = tuple(part for part in sections.replace(",", " ").split())
    known = [section.path for section in app.newsroom.publication.sections]
    for path in chosen:
        if path not in known:
            raise UsageError(f'--sections: there is no section "{path}". Write some of: {", ".join(known)}.')
    return replace(everybody(), sections=chosen)


def _copies(
    app: "App", edition: "Edition", addresses: Sequence[str], whom: "Delivery"
) -> "tuple[Pressing, list[Copy]]":
    from publisher.pipeline.proof import prepare
    from publisher.render.mail import CopyPrinter

    room, moment = app.newsroom, now()
    desk = room.press_desk
    pressing = prepare(room.database, edition, desk, moment)
    # Mailboxes drop a second message of the same Message-ID, so every proof has one of its own.
    key = f"{edition.key}/proof/{moment.isoformat()}"
    printer = CopyPrinter(pressing.plate, key, desk.publication, desk.tokens, desk.post, proof=True)
    copies = [printer.print(replace(whom, address=one)) for one in addresses]
    if None in copies:
        raise PublisherError(f"nothing in edition {edition.id} is for this reader; no proof was sent.")
    return pressing, [copy for copy in copies if copy]


def _failing(app: "App", pressing: "Pressing") -> list[str]:
    """The checks that would stop a sending; they stop no proof."""
    from publisher.pipeline.proof import check
    from publisher.render.preflight import blocking

    desk = app.newsroom.press_desk
    return [one.name for one in blocking(check(pressing, desk), desk.accept)]


async def _carry(transport: "Transport", copies: "Sequence[Copy]") -> "list[Outcome]":
    """Carry one after the other; where the far side takes no mail at all, nothing more is tried."""
    from publisher.model.delivery import Outcome, OutcomeKind

    outcomes: list[Outcome] = []
    carrier = await transport.connect()
    try:
        while len(outcomes) < len(copies):
            outcomes.append(await carrier.carry(copies[len(outcomes)]))
    except TransportDown as error:
        outcomes += [Outcome(OutcomeKind.FAILED, None, str(error))] * (len(copies) - len(outcomes))
    finally:
        await carrier.close()
    return outcomes
