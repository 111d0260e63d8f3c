"""The one HTTP client for everything outside: guarded, capped, patient for a limited time.

It resolves a name once and connects to that very address, so a name that changes its mind between check and
connect gains nothing; redirects pass the same guard. Private addresses are refused unless the newsroom lists
the host in `[fetch] allow_private`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from publisher import __version__
from publisher.errors import FetchError

_REDIRECTS = 3
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Response:
    """`url` is where the answer came from after redirects; header names are lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes


class Fetcher:
    """Holds the connection pool; use as an async context."""

    def __init__(self, allow_private: Iterable[str] = (), seconds: float = 20, max_bytes: int = 10_000_000) -> None:
        self._seconds, self._max_bytes = seconds, max_bytes
        transport = httpx2.AsyncHTTPTransport()
        # httpx2 has no argument for the network backend; its pool does, and is rebuilt with ours.
        transport._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            network_backend=_Guard(frozenset(allow_private)),
        )
        self._client = httpx2.AsyncClient(
            transport=transport,
            timeout=seconds,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            trust_env=False,
            headers={"User-Agent": f"Publisher/{__version__}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """GET with all redirects, within the deadline and the size cap; FetchError says what failed."""
        if not url.lower().startswith(("http://", "https://")):
            raise FetchError(f"{url} is not fetched: only http and https are.")
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("GET", url, headers=headers) as answer,
            ):
                content = await self._read(answer, url)
                return Response(answer.status_code, str(answer.url), dict(answer.headers), content)
        except TimeoutError:
            raise FetchError(f"{url} gave no full answer within {self._seconds:g} s.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FetchError(f"{url} cannot be fetched: {error or type(error).__name__}.") from None

    async def _read(self, answer: httpx2.Response, url: str) -> bytes:
        content = bytearray()
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > self._max_bytes:
                raise FetchError(f"{url} is larger than {self._max_bytes:,} bytes.")
        return bytes(content)


class _Guard(httpcore2.AsyncNetworkBackend):
    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = await self._resolve(host, port)
        for address in others:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue  # a host that answers on IPv4 only is often listed with IPv6 first
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[str]:
        """Every address of a host, the best first."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no host name"
            raise httpcore2.ConnectError(f"the name {host} has no address ({reason})") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if host in self._allowed:
            return addresses
        for address in addresses:
            if not is_public(address):
                raise httpcore2.ConnectError(
                    f"{host} is at the private address {address}; to allow it, "
                    f'write allow_private = ["{host}"] under [fetch]'
                )
        return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, looking through IPv4 carried in IPv6."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
