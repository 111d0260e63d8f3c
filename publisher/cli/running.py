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
    from collections.abc import Coroutine
    from socket import socket

    from publisher.app import App

_TICK_SECONDS = 15
_SITE_SECONDS = 0.5  # what is filed is seen by readers within a second
_PING_SECONDS = 5
_DELIVERY_SECONDS = 2
_DRAIN_SECONDS = 30

log = structlog.get_logger()


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where to listen; [site] host by default.")] = "",
    port: Annotated[int, typer.Option(help="[site] port by default.")] = 0,
    workers: Annotated[
        int, typer.Option(min=0, help="How many processes serve; by default as many as the cores it may use.")
    ] = 0,
) -> None:
    """Serve web pages and feeds."""
    from publisher.web.server import listen
    from publisher.web.workers import cores, keep

    _log_everything()
    with opened(context) as app:  # and close it: what is open does not outlive a fork
        site, settings = app.newsroom.site.path, app.config.site
    host, port = host or settings.host, port or settings.port
    with listen(host, port) as listening:
        output(context).say(f"Serving {site} at http://{host}:{listening.getsockname()[1]}/. Ctrl-C ends it.")
        if (workers or cores()) == 1:
            _serve(context, listening)
        else:
            keep(workers or cores(), lambda end: _serve(context, listening, end))


def _serve(context: typer.Context, listening: "socket", end: int | None = None) -> None:
    """In this process, until a signal comes or the descriptor `end` can be read."""
    from publisher.web.server import loop_factory, serving_on

    async def until_stopped(application: Any) -> None:
        stop = _stop_on_signals()
        if end is not None:
            asyncio.get_running_loop().add_reader(end, stop.set)
        async with serving_on(listening, application):
            await stop.wait()

    with opened(context) as app, asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(until_stopped(_application(app)))


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
    works = _Clockwork(app)
    for job, seconds in ((works.tick, _TICK_SECONDS), (works.publish, _SITE_SECONDS), (works.announce, _PING_SECONDS)):
        clock.add_job(
            job,
            "interval",
            seconds=seconds,
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

        await self._safely("tick", cycle.tick(self._app.newsroom, now(), self._memory))

    async def publish(self) -> None:
        from publisher.pipeline import cycle

        await self._safely("build", cycle.publish(self._app.newsroom, now(), self._memory))

    async def announce(self) -> None:
        from publisher.pipeline import cycle

        await self._safely("announcing", cycle.announce_news(self._app.newsroom, now()))

    async def _safely(self, name: str, work: "Coroutine[Any, Any, object]") -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the next turn tries again, and says so again
            log.error(f"{name} failed", error=f"{type(error).__name__}: {error}")


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

    most = app.config.site.requests_per_minute
    return application(app.newsroom.database, app.newsroom.site, app.newsroom.tokens, now, most)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


def _log_everything() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a turn that is still running needs no second one
