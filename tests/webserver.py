"""Our own web server for tests, on a free port of 127.0.0.1, and a client that sends just what it is told to."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from typing import Any

from publisher.web.server import listen, serving_on


@contextmanager
def web_server(application: Any) -> Iterator[int]:
    """Serve in a thread of its own; yield the port."""
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with serving_on(listening, application):
            ready.set()
            await stop.wait()

    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
        thread.start()
        assert ready.wait(10)
        try:
            yield listening.getsockname()[1]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()


@dataclass(frozen=True)
class Got:
    status: int
    headers: HTTPMessage
    body: bytes

    def fields(self, *without: str) -> dict[str, str]:
        """Header fields in small letters, Date left out."""
        given = {name.lower(): value for name, value in self.headers.items()}
        return {name: value for name, value in given.items() if name not in ("date", *without)}


def ask(port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Got:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return Got(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
