"""Pings to hubs (WebSub §7): what is to be announced, and how the last one went."""

from collections.abc import Sequence

from sqlalchemy import Connection


def working(db: Connection, hubs: Sequence[str]) -> tuple[str, ...]:
    """The hubs whose last ping succeeded, in their order."""
    return ()
