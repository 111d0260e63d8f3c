"""uvicorn under somebody else's command: whoever runs it decides when it ends.

Where an application knows an answer at once, it goes out without a task and without a message for each part: half the
work of a 304 would be those.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any, Protocol, runtime_checkable

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from publisher.errors import PublisherError
from publisher.web.files import Answer, Client, Headers

_ONE_WRITE = 65_536  # bytes; a larger body is not copied behind its head
_LONGEST_HEAD = 65_536  # bytes of a request before its body
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_ANSWERED: Any = SimpleNamespace(response_complete=True, message_event=asyncio.Event())


@runtime_checkable
class Ready(Protocol):
    """An ASGI application that knows most of its answers at once."""

    def answer(self, method: str, path: str, headers: Headers, client: Client) -> Answer | None:
        """None where it has to be called as ASGI has it."""
        ...


class _Connection(HttpToolsProtocol):
    """uvicorn's connection. Whatever is not plain goes uvicorn's way: pipelines, slow readers, HTTP/1.0, bodies."""

    app: Any
    _own_of: object = None  # the header fields that `_own` was made of
    _own = b""
    _idle_since = math.inf
    _watching = False
    _in_head = True
    _head = 0  # bytes of a header that is not complete

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._head > _LONGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url, self.headers, self._in_head = b"", [], True
        self._wait()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head, self._head, self._idle_since = False, 0, math.inf
        method = _METHODS.get(self.parser.get_method())
        answer = self._known(method) if method and self._is_plain() else None
        if answer is None:
            self._uvicorns_way()
            return
        self.cycle = _ANSWERED
        self.server_state.total_requests += 1
        self._write(answer, b"" if method == "HEAD" else answer.body)
        self._wait()

    def on_message_complete(self) -> None:
        if self.cycle is not _ANSWERED:
            super().on_message_complete()

    def _uvicorns_way(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def _is_plain(self) -> bool:
        parser, url, cycle = self.parser, self.url, self.cycle
        return (
            (cycle is _ANSWERED or cycle is None or cycle.response_complete)
            and url[:1] == b"/"
            and b"%" not in url
            and url.isascii()
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
        )

    def _known(self, method: str) -> Answer | None:
        path = self.url.partition(b"?")[0].decode("ascii")
        try:
            answer: Answer | None = self.app.answer(method, path, self.headers, self.client)
        except Exception:  # noqa: BLE001 - it is asked again uvicorn's way, which tells and answers 500
            return None
        return answer

    def _write(self, answer: Answer, body: bytes) -> None:
        fields = self.server_state.default_headers  # another list every second, with another Date
        if fields is not self._own_of:
            self._own_of, self._own = fields, b"".join(b"%b: %b\r\n" % pair for pair in fields) + b"\r\n"
        if len(body) < _ONE_WRITE:
            self.transport.write(answer.head + self._own + body)
        else:
            self.transport.write(answer.head + self._own)
            self.transport.write(body)

    def _unset_keepalive_if_required(self) -> None:
        if self.timeout_keep_alive_task is not None:
            super()._unset_keepalive_if_required()

    def _wait(self) -> None:
        """From now on a whole request must come in time."""
        self._idle_since = self.loop.time()
        if not self._watching:
            self._watch()

    def _watch(self) -> None:
        """Close a silent or dawdling connection. One timer looks again and again; one a request would cost as much."""
        answering = self.cycle is not None and self.cycle is not _ANSWERED and not self.cycle.response_complete
        idle = 0.0 if answering else self.loop.time() - self._idle_since
        self._watching = not self.transport.is_closing()
        if self._watching and idle >= self.timeout_keep_alive:
            self.timeout_keep_alive_handler()
        elif self._watching:
            self.loop.call_later(self.timeout_keep_alive - max(idle, 0), self._watch)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: stopping is decided by whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed (the extra `speed`); None is asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise PublisherError(
            f"cannot listen on {host}:{port}: {error.strerror}. Set another port under [site], or end who has it."
        ) from None


@contextlib.asynccontextmanager
async def serving(application: Any, host: str, port: int) -> AsyncIterator[None]:
    """Serve in the background; at the end, let answers in hand go out."""
    with listen(host, port) as listening:
        async with serving_on(listening, application):
            yield


@contextlib.asynccontextmanager
async def serving_on(listening: socket.socket, application: Any) -> AsyncIterator[None]:
    """The same on a socket that is there."""
    config = uvicorn.Config(
        application,
        http=_Connection if isinstance(application, Ready) else "httptools",
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `limits.who` reads what a proxy says
        ws="none",
        timeout_graceful_shutdown=5,
    )
    web = _Server(config)
    task = asyncio.create_task(web.serve(sockets=[listening]))
    try:
        yield
    finally:
        web.should_exit = True
        await task
