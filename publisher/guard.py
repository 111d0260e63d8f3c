"""Where a connection may lead: names are resolved once, private addresses refused, and what was looked at is dialled.

A name that changes its mind between check and connect gains nothing. The newsroom may list hosts that are private in
`[fetch] allow_private`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ssl import SSLContext
from typing import Any

import httpcore2

_FIRST_TRY = 3.0  # seconds for each address of a host but its last: IPv6 that leads nowhere is common
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Guard(httpcore2.AsyncNetworkBackend):
    """Resolves names, refuses private addresses, and connects to what it has looked at; for one event loop.

    `at_once` is how many requests there are at most: each finds a thread for its name, however many others wait for a
    name server that is silent.
    """

    def __init__(self, allowed: frozenset[str], at_once: int) -> None:
        self._allowed = allowed
        self._resolvers = ThreadPoolExecutor(at_once, "resolve")
        self._asked: dict[str, asyncio.Future[list[str]]] = {}
        self._network = httpcore2.AnyIOBackend()

    def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = await self._resolve(host)
        for address in others:
            try:
                return _Stream(await self._network.connect_tcp(address, port, _FIRST_TRY))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue  # a host that answers on IPv4 only is often listed with IPv6 first
        return _Stream(await self._network.connect_tcp(last, port, timeout))

    async def _resolve(self, host: str) -> list[str]:
        """Every address of a host, the best first."""
        addresses = [host] if _is_address(host) else await self._looked_up(host)
        if host in self._allowed:
            return addresses
        for address in addresses:
            if not is_public(address):
                raise httpcore2.ConnectError(
                    f"{host} is at the private address {address}; to allow it, "
                    f'write allow_private = ["{host}"] under [fetch]'
                )
        return addresses

    async def _looked_up(self, host: str) -> list[str]:
        """What the resolver says. Who asks while others wait for the same name waits with them."""
        if host not in self._asked:
            asking = asyncio.get_running_loop().run_in_executor(self._resolvers, _addresses, host)
            self._asked[host] = asking
            asking.add_done_callback(lambda _: self._asked.pop(host, None))
        try:
            return await asyncio.shield(self._asked[host])  # one who gives up does not end it for the others
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no host name"
            raise httpcore2.ConnectError(f"the name {host} has no address ({reason})") from None


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is cancelled; httpcore2 would leave it open."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, looking through IPv4 carried in IPv6."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if ip.is_site_local or ip.teredo:  # Teredo (RFC 4380) is retired, and what it carries is anybody's
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
