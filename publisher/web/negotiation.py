"""What a request's header fields ask for: a content coding, and whether the copy at hand is still good (RFC 9110)."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

IDENTITY = "identity"
_UNSAID = 0.0001  # RFC 9110 §12.5.3: identity is acceptable without being named, below whatever is named
_CODING = re.compile(r"\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_TAG = re.compile(rb'(?:W/)?("[^"]*")')


def coding(accept: str | None, sizes: Mapping[str, int]) -> str | None:
    """The acceptable coding of the highest weight, the smallest of several; None where none is (RFC 9110 §12.5.3).

    `sizes` maps each coding that is at hand to its bytes. Without the field nothing is encoded.
    """
    if accept is None:
        return IDENTITY if IDENTITY in sizes else None
    weights = _weights(accept)
    others = weights.get("*", 0.0)
    ranked = [
        (weights.get(name, weights.get("*", _UNSAID) if name == IDENTITY else others), -size, name)
        for name, size in sizes.items()
    ]
    weight, _, name = max(ranked, default=(0.0, 0, ""))
    return name if weight > 0 else None


def _weights(accept: str) -> dict[str, float]:
    """Codings by weight; a member that cannot be read counts for nothing."""
    found: dict[str, float] = {}
    for member in accept.lower().split(","):
        if match := _CODING.fullmatch(member):
            name = match[1].removeprefix("x-") if match[1] == "x-gzip" else match[1]  # RFC 9110 §8.4.1.3
            found[name] = min(float(match[2] or 1), 1.0)
    return found


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether the field names the tag, by weak comparison (RFC 9110 §13.1.2)."""
    return if_none_match.strip() == b"*" or etag in _TAG.findall(if_none_match)


def unmodified(if_modified_since: bytes, modified: float, now: float) -> bool:
    """Whether a copy of that date is still good (RFC 9110 §13.1.3); seconds since 1970.

    A date that we cannot have given, because it is still to come, says nothing.
    """
    try:
        since = parsedate_to_datetime(if_modified_since.decode("ascii")).timestamp()
    except (ValueError, OverflowError):
        return False
    return int(modified) <= since <= now
