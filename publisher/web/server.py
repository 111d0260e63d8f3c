"""uvicorn under somebody else's command: whoever runs it decides when it ends."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette

from publisher.errors import PublisherError


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: stopping is decided by whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise PublisherError(
            f"cannot listen on {host}:{port}: {error.strerror}. Set another port under [site], or end who has it."
        ) from None


@contextlib.asynccontextmanager
async def serving(application: Starlette, host: str, port: int) -> AsyncIterator[None]:
    """Serve in the background; at the end, let answers in hand go out."""
    config = uvicorn.Config(
        application,
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    with _listen(host, port) as listening:
        web = _Server(config)
        task = asyncio.create_task(web.serve(sockets=[listening]))
        try:
            yield
        finally:
            web.should_exit = True
            await task
