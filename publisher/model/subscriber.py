"""Readers and what they chose."""

from dataclasses import dataclass
from enum import StrEnum


class SubscriptionState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Reader × newsletter. `sections` are paths or `*`; `hour` is the reader's own, 0–23."""

    newsletter: str
    cadence: str
    sections: tuple[str, ...] = ("*",)
    hour: int | None = None
    state: SubscriptionState = SubscriptionState.ACTIVE


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with an address. `key` is random and stands for the reader in links."""

    address: str
    name: str = ""
    language: str = ""
    timezone: str = ""
    key: str = ""
    id: int = 0
