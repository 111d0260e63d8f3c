"""Deliveries, the copies they carry and the outcomes they end in."""

from dataclasses import dataclass
from enum import StrEnum


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    SUPPRESSED = "suppressed"
    NOTHING_NEW = "nothing_new"
    EXPIRED = "expired"
    FAILED = "failed"


UNFINISHED = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.DEFERRED)
FAILURES = (DeliveryState.REJECTED, DeliveryState.UNCERTAIN, DeliveryState.EXPIRED, DeliveryState.FAILED)


class OutcomeKind(StrEnum):
    """A transport's answer for one copy, and the two ends that need no transport."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    NOTHING_NEW = "nothing_new"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code` is the SMTP reply code or None; `reply` says why, without addresses."""

    kind: OutcomeKind
    code: int | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """One reader's message: envelope (RFC 5321 §3.3) and bytes with CRLF line ends (RFC 5322 §2.1)."""

    sender: str
    recipient: str
    message_id: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery with what is needed to print its copy.

    `masked` are the ids of articles that the reader has already received in another edition.
    """

    id: int
    edition_id: int
    address: str
    name: str
    reader_key: str
    sections: tuple[str, ...]
    tries: int = 0
    uncertain_count: int = 0
    masked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one edition under one lease, in the order in which connections take them."""

    id: int
    edition_id: int
    deliveries: tuple[Delivery, ...]
