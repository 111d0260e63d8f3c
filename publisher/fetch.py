"""The one HTTP client for everything outside: guarded, capped, polite, and patient for a limited time.

Every connection, that of a redirect too, passes the guard, which refuses private addresses. Bodies are unpacked bit by
bit and counted as they grow, so that a bomb ends at the cap. No cookies, no proxies, no netrc; a password stays with
its host, and messages show neither passwords nor the values of a query, where keys travel.
"""

import asyncio
import base64
import os
import re
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from ssl import SSLCertVerificationError, SSLContext, SSLError
from types import TracebackType
from typing import Self
from urllib.parse import unquote_to_bytes, urlencode

import httpcore2
import httpx2

from publisher import __version__
from publisher.errors import FetchError
from publisher.guard import Guard
from publisher.ports import Response

_REDIRECTS = 3
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}  # RFC 9110 §15.4
_TRAVELS = {"accept", "accept-language", "if-none-match", "if-modified-since"}  # what another host may see
_AT_ONCE = 256  # requests in all: no number of dead hosts that a newsroom has keeps the living waiting
_KEEP_IDLE = 5.0  # seconds
_PIECE = 65_536
_LAYERS = 2  # codings on top of each other; nobody needs more
_NO_CODINGS = {"", "identity", "none", "utf-8"}  # what servers write there by mistake means nothing
_CODINGS = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # told apart by their first bytes
_LONGEST_SHOWN = 300
_SCHEME = re.compile(r"\s*(?:(?:https?:|//)[/\\]*)?", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[^\[\]@]*\]|[^\s:@%\[\]]*)(?::\d{1,5})?", re.ASCII)
_AT = re.compile("@|%40")
_LATE_AT = re.compile("(?<!/)(?:@|%40)")  # `/@ada` is a page of many sites


class Fetcher:
    """Cheap to make; opens connections within `async with` only, in one event loop after the other.

    `seconds` are for one answer with its redirects, without the wait for a turn at the host: at most `per_host`
    requests to one at once, and `pause` seconds between their starts.
    """

    def __init__(
        self,
        allow_private: Iterable[str] = (),
        seconds: float = 20,
        max_bytes: int = 10_000_000,
        per_host: int = 2,
        pause: float = 0.5,
    ) -> None:
        self._allowed = frozenset(host.strip("[]").lower() for host in allow_private)
        self._seconds, self._max_bytes = seconds, max_bytes
        self._per_host, self._pause = per_host, pause
        self._users = 0
        self._lines: _Lines | None = None

    async def __aenter__(self) -> Self:
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._lines and not self._users:
            lines, self._lines = self._lines, None
            await lines.close()

    @cached_property
    def _tls(self) -> SSLContext:
        return httpx2.create_ssl_context(trust_env=False)  # 40 ms, so once

    def _open(self) -> "_Lines":
        if not self._users:
            raise RuntimeError("a Fetcher is closed; ask it inside `async with fetcher:`")
        self._lines = self._lines or _Lines(self._allowed, self._tls, self._per_host, self._pause)
        return self._lines

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """GET with all redirects, within the deadline and the size cap; FetchError says what failed."""
        lines = self._open()
        target, own = _parsed(url, shown(url)), {name.lower(): value for name, value in (headers or {}).items()}
        if target.userinfo:
            own["authorization"] = "Basic " + base64.b64encode(unquote_to_bytes(target.userinfo)).decode()
        address, private = _bare(target), bool(target.userinfo)
        permanent, left = True, self._seconds
        for hop in range(_REDIRECTS + 1):
            name = shown(url) if hop == 0 else f"{shown(url)}, redirected to {shown(str(address))},"
            async with lines.turn(address):
                answer, left = await self._exchange(lines, address, own, left, name)
            place = _location(answer, address, name)
            if place is None:
                moved = str(address) if hop and permanent and not private else ""
                return Response(answer.status, str(address), answer.headers, answer.content, moved)
            permanent = permanent and answer.status in _PERMANENT
            own = own if _same_owner(address, place) else {key: own[key] for key in own.keys() & _TRAVELS}
            address = place
        raise FetchError(f"{shown(url)} cannot be fetched: it redirects more than {_REDIRECTS} times.")

    async def post(self, url: str, fields: Mapping[str, str]) -> Response:
        """Send a form (HTML §4.10.21.7); whatever is answered, a redirect too, is the answer."""
        lines, name = self._open(), shown(url)
        target = _parsed(url, name)
        own = {"content-type": "application/x-www-form-urlencoded"}
        if target.userinfo:
            own["authorization"] = "Basic " + base64.b64encode(unquote_to_bytes(target.userinfo)).decode()
        async with lines.turn(target):
            body = urlencode(fields).encode()
            answer, _ = await self._exchange(lines, _bare(target), own, self._seconds, name, body)
        return answer

    async def _exchange(
        self,
        lines: "_Lines",
        address: httpx2.URL,
        headers: Mapping[str, str],
        seconds: float,
        name: str,
        form: bytes | None = None,
    ) -> tuple[Response, float]:
        """One request, and the seconds that are left after it."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(seconds), lines.stream(address, headers, form) as answer:
                fields = _fields(answer)
                follow = answer.status in _REDIRECT_STATUSES and "location" in fields
                content = b"" if follow else await self._body(answer, fields, name)
        except (TimeoutError, httpcore2.TimeoutException):
            raise FetchError(f"{name} gave no full answer within {self._seconds:g} s.") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError, UnicodeError) as error:
            raise FetchError(f"{name} cannot be fetched: {_reason(error)}.") from None
        return Response(answer.status, str(address), fields, content), seconds - (clock() - started)

    async def _body(self, answer: httpcore2.Response, fields: Mapping[str, str], name: str) -> bytes:
        most, length = self._max_bytes, fields.get("content-length", "")
        # A 304 tells the length of the body that it does not have (RFC 9110 §8.6).
        if answer.status != 304 and length.isascii() and length.isdecimal() and int(length[:19]) > most:
            raise _too_large(name, most)
        layers = _layers(fields.get("content-encoding", ""), most, name)
        content, received = bytearray(), 0
        async for chunk in answer.aiter_stream():
            received += len(chunk)
            for piece in _through(layers, chunk):
                content += piece
            if max(received, len(content)) > most:
                raise _too_large(name, most)
        for layer in layers:
            layer.end()
        return bytes(content)


class _Lines:
    """What is open while the client is: connections, turns, and the guard."""

    def __init__(self, allowed: frozenset[str], tls: SSLContext, per_host: int, pause: float) -> None:
        self._guard = Guard(allowed, _AT_ONCE)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=_AT_ONCE,
            keepalive_expiry=_KEEP_IDLE,
            network_backend=self._guard,
        )
        self._everyone = asyncio.Semaphore(_AT_ONCE)
        self._places: dict[tuple[str, int], asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))
        self._next: dict[tuple[str, int], float] = {}
        self._pause = pause

    @asynccontextmanager
    async def turn(self, address: httpx2.URL) -> AsyncIterator[None]:
        host = (address.host, _port(address))
        async with self._places[host], self._everyone:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next.get(host, now))
            self._next[host] = start + self._pause
            await asyncio.sleep(start - now)
            yield

    @asynccontextmanager
    async def stream(
        self, address: httpx2.URL, headers: Mapping[str, str], form: bytes | None
    ) -> AsyncIterator[httpcore2.Response]:
        fields = {"user-agent": f"Publisher/{__version__}", "accept": "*/*", **headers, "accept-encoding": "gzip"}
        sent = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
        target = httpcore2.URL(
            scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=address.raw_path
        )
        if form is not None:
            sent.append((b"content-length", str(len(form)).encode()))
        method = "GET" if form is None else "POST"
        fields_sent = [(b"host", address.netloc), *sent]
        async with self._pool.stream(method, target, headers=fields_sent, content=form) as answer:
            yield answer

    async def close(self) -> None:
        await self._pool.aclose()
        self._guard.close()


class _Layer:
    """One content coding, undone in small pieces (RFC 9110 §8.4.1)."""

    def __init__(self, coding: str, most: int, name: str) -> None:
        self._coding, self._most, self._name = coding, most, name
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._size, self._begun = 0, False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        while data or (len(piece) == _PIECE and not self._zlib.eof):
            if self._zlib.eof:  # RFC 1952 §2.2: gzip may come in several members
                self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
            piece = self._inflated(data)
            data = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
            self._size += len(piece)
            if self._size > self._most:
                raise _too_large(self._name, self._most)
            yield piece

    def _inflated(self, data: bytes) -> bytes:
        first, self._begun = not self._begun, True
        try:
            return self._zlib.decompress(data, _PIECE)
        except zlib.error:
            if first and self._coding == "deflate":  # some servers leave out the wrapper that RFC 1950 demands
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
                return self._inflated(data)
            raise FetchError(f"{self._name} cannot be fetched: its body is not the {self._coding} it claims.") from None

    def end(self) -> None:
        if self._begun and not self._zlib.eof:
            raise FetchError(f"{self._name} cannot be fetched: its {self._coding} ends in the middle.")


def _layers(header: str, most: int, name: str) -> list[_Layer]:
    """What to undo, the outermost first: the header names codings in the order they were applied."""
    codings = [coding for coding in map(str.strip, header.lower().split(",")) if coding not in _NO_CODINGS]
    if len(codings) > _LAYERS or not _CODINGS.issuperset(codings):
        raise FetchError(f"{name} cannot be fetched: we asked for gzip at most, and it is packed as {header[:50]}.")
    return [_Layer(coding, most, name) for coding in reversed(codings)]


def _through(layers: list[_Layer], data: bytes) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    for piece in layers[0].pieces(data):
        yield from _through(layers[1:], piece)


def _too_large(name: str, most: int) -> FetchError:
    return FetchError(f"{name} is larger than {most:,} bytes.")


def shown(url: str) -> str:
    """An address for messages: no user, no password, no fragment, and of a query the names alone."""
    scheme = _SCHEME.match(url)
    start = scheme.end() if scheme else 0
    place, mark, query = (url[:start] + _without_user(url[start:])).partition("#")[0].partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    names = (f"{name}=…" if equals else "…" for name, equals, _ in pairs)
    return "".join(filter(str.isprintable, place + mark + (mark and "&".join(names))))[:_LONGEST_SHOWN]


def _without_user(rest: str) -> str:
    """What follows the scheme, from the host on.

    A password may hold `/`, `?` or `#`, which RFC 3986 §3.2.1 wants escaped: then what looks like the host is none, or
    another `@` follows. Which host was meant is doubtful there, and so as little as possible is shown.
    """
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    user, at, host = authority.rpartition("@")
    if not _HOST.fullmatch(host) or (at and _LATE_AT.search(rest, len(authority))):
        return _AT.split(rest)[-1]
    return rest[len(user) + len(at) :]


def _parsed(written: str, name: str, base: httpx2.URL | None = None) -> httpx2.URL:
    """An address that can be asked; FetchError where it is none."""
    try:
        address = base.join(written) if base else httpx2.URL(written.strip())
    except (httpx2.InvalidURL, ValueError):
        raise FetchError(f"{name} cannot be fetched: it is no web address.") from None
    if address.scheme not in ("http", "https"):
        raise FetchError(f"{name} is not fetched: only http and https are.")
    if not address.host or not 0 < _port(address) <= 65_535:
        raise FetchError(f"{name} cannot be fetched: it is no web address.")
    return address


def _location(answer: Response, address: httpx2.URL, name: str) -> httpx2.URL | None:
    """Where a redirect leads. Browsers take raw UTF-8 in the header, so it is sent."""
    if answer.status not in _REDIRECT_STATUSES or "location" not in answer.headers:
        return None
    written = answer.headers["location"].encode("latin-1").decode(errors="replace")
    return _bare(_parsed(written, f"{name} redirected to {shown(written)}, which", address))


def _bare(address: httpx2.URL) -> httpx2.URL:
    return address.copy_with(username="", password="", fragment=None)


def _port(address: httpx2.URL) -> int:
    return address.port if address.port is not None else {"http": 80, "https": 443}[address.scheme]


def _same_owner(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether what one address may know the other may: the same origin, or its own step up to TLS."""
    here, there = (one.scheme, _port(one)), (other.scheme, _port(other))
    return one.host == other.host and (here == there or (here, there) == (("http", 80), ("https", 443)))


def _fields(answer: httpcore2.Response) -> dict[str, str]:
    """The header; a field that comes several times is one list (RFC 9110 §5.3)."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _reason(error: BaseException) -> str:
    """Why, in a few words. What a server sent instead of HTTP is not repeated."""
    text = str(error).split(": bytearray")[0].rstrip(".")[:_LONGEST_SHOWN]
    if isinstance(error, httpcore2.RemoteProtocolError):
        return f"its answer is not proper HTTP ({text})"
    cause = error.args[0] if error.args else None  # httpcore2 wraps what happened, and hides where it came from
    while isinstance(cause, BaseException):
        if isinstance(cause, SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, SSLError):
            return f"TLS failed ({cause.reason or text})"
        if isinstance(cause, OSError) and cause.errno:
            text = os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return text or type(error).__name__
