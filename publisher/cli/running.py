"""publisher serve, run: the processes that stay."""

import asyncio
import contextlib
import logging
import signal
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from publisher.cli.opening import now, opened, output
from publisher.errors import Busy

if TYPE_CHECKING:
    from publisher.app import App

_TICK_SECONDS = 15
_DELIVERY_SECONDS = 2
_DRAIN_SECONDS = 30

log = structlog.get_logger()


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen; [site] host by default.")] = "",
    port: Annotated[int, typer.Option(help="[site] port by default.")] = 0,
) -> None:
    """Serve web pages and feeds."""
    _log_everything()
    with opened(context) as app:
        host, port = host or app.config.site.host, port or app.config.site.port
        output(context).say(f"Serving {app.newsroom.site.path} at http://{host}:{port}/. Ctrl-C ends it.")
        asyncio.run(serve_until_stopped(_application(app), host, port))


async def serve_until_stopped(application: Any, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    from publisher.web.server import serving

    stop = _stop_on_signals()
    async with serving(application, host, port):
        await stop.wait()


def run(context: typer.Context) -> None:
    """Clock, gathering, press, delivery and web in one process, until SIGTERM."""
    _log_everything()
    with opened(context) as app:
        asyncio.run(_run(app))


async def _run(app: "App") -> None:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from publisher.web.server import serving

    host, port = app.config.site.host, app.config.site.port
    stop = _stop_on_signals()
    clock = AsyncIOScheduler(timezone="UTC")
    # The clock, never the record: what is due is decided from the tables, so a late or lost tick loses nothing.
    clock.add_job(
        _Clockwork(app).tick,
        "interval",
        seconds=_TICK_SECONDS,
        next_run_time=now(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    async with serving(_application(app), host, port):
        clock.start()
        delivering = asyncio.create_task(_deliver(app, stop))
        log.info("running", host=host, port=port)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, delivering], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        stop.set()
        clock.shutdown(wait=False)
        app.engine.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(delivering, _DRAIN_SECONDS)  # raises what ended it, for whoever restarts us
    log.info("stopped")


class _Clockwork:
    def __init__(self, app: "App") -> None:
        from publisher.pipeline.cycle import Memory

        self._app, self._memory = app, Memory()

    async def tick(self) -> None:
        from publisher.pipeline import cycle

        try:
            await cycle.tick(self._app.newsroom, now(), self._memory)
        except Exception as error:  # noqa: BLE001 - the next tick tries again, and says so again
            log.error("tick failed", error=f"{type(error).__name__}: {error}")


async def _deliver(app: "App", stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await app.engine.work(now)
        except Busy as error:
            log.warning("delivery waits", reason=str(error))
        if app.engine.progress.down:
            log.warning("delivery waits", reason=app.engine.progress.down)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _DELIVERY_SECONDS)


def _application(app: "App") -> Any:
    from publisher.web.application import application

    return application(app.newsroom.database, app.newsroom.site, app.newsroom.tokens, now)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


def _log_everything() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
