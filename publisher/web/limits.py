"""How often one address may ask: a token bucket each, a minute's worth deep.

Only the moment when a bucket will be full again is kept (the generic cell rate algorithm, ITU-T I.371), one number for
each address that asked lately, for a bounded number of addresses. Every process counts for itself.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_MOST = 20_000  # addresses
_DEPTH = 60.0  # seconds


class Limits:
    """`per_minute` 0 is no limit. Moments are seconds of any clock that never goes back."""

    def __init__(self, per_minute: int, most: int = _MOST) -> None:
        self._step = 60 / per_minute if per_minute else 0.0
        self._most = most
        self._full: dict[str, float] = {}

    def wait(self, host: str, now: float) -> int:
        """Count a request; 0, or where it is one too many the seconds after which the next is welcome."""
        if not self._step:
            return 0
        full = self._full.get(host, now)
        full = max(full, now) + self._step
        if full - now > _DEPTH + 1e-6:  # a refused request costs nothing, so that whoever waits as told is served
            return math.ceil(full - now - _DEPTH)
        self._full[host] = full
        if len(self._full) > self._most:
            self._forget(now)
        return 0

    def _forget(self, now: float) -> None:
        """Forget whose bucket is full, and where that is not enough, the longest known."""
        kept = {host: full for host, full in self._full.items() if full > now}
        for host in list(kept)[: max(len(kept) - self._most // 2, 0)]:
            del kept[host]
        self._full = kept


def who(client: Sequence[object] | None, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Whose request it is. A proxy on this machine says so in X-Forwarded-For, its own word the last of it."""
    host = str(client[0]) if client else ""
    if not host or host in ("127.0.0.1", "::1"):
        for name, value in reversed(headers):
            if name == b"x-forwarded-for":
                host = value.rpartition(b",")[2].strip().decode("latin-1")[:64]
                break
    return _network(host) if ":" in host else host


@lru_cache(4096)
def _network(host: str) -> str:
    """The /64 of an IPv6 address, which is what one household has; an IPv4 address in its place is one."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(getattr(address, "ipv4_mapped", None) or address)
