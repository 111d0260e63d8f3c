"""Signed names for links, envelopes and messages; nothing here says who the reader is.

The first key signs, all keys verify, so a key can be rotated without breaking links in old mail. Each purpose has keys
of its own: whoever sees an unsubscribe link cannot make a preferences link of it.
"""

import hashlib
import hmac
import re
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from itsdangerous import BadSignature, Signer

_BOUNCE = re.compile(r"([0-9]{1,18})-([a-z2-7]{16})")


class Tokens:
    """Holds the newsroom's secret keys, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one secret key is needed")
        self._keys = [key.encode() for key in keys]
        self._unsubscribe = self._signer("unsubscribe")
        self._preferences = self._signer("preferences")
        self._copy = self._signer("copy")

    def unsubscribe(self, reader_key: str, newsletter: str) -> str:
        """The token in a reader's unsubscribe link."""
        return _sealed(self._unsubscribe, reader_key, newsletter)

    def read_unsubscribe(self, token: str) -> tuple[str, str] | None:
        """(reader key, newsletter), or None for a token that we did not sign."""
        return _opened(self._unsubscribe, token)

    def preferences(self, reader_key: str, newsletter: str) -> str:
        return _sealed(self._preferences, reader_key, newsletter)

    def read_preferences(self, token: str) -> tuple[str, str] | None:
        return _opened(self._preferences, token)

    def copy(self, reader_key: str, edition_id: int) -> str:
        """The token of a reader's copy as a web page."""
        return _sealed(self._copy, reader_key, str(edition_id))

    def read_copy(self, token: str) -> tuple[str, int] | None:
        """(reader key, edition id), or None."""
        found = _opened(self._copy, token)
        return (found[0], int(found[1])) if found and found[1].isdecimal() else None

    def bounce(self, delivery_id: int) -> str:
        """What an envelope address says of its delivery (VERP): letters whose case may be lost on the way."""
        return f"{delivery_id}-{self._bounce_digest(self._keys[0], delivery_id)}"

    def read_bounce(self, token: str) -> int | None:
        """The delivery that a bounce came back for, or None for a token that we did not sign."""
        found = _BOUNCE.fullmatch(token.lower())
        if not found:
            return None
        delivery_id = int(found[1])
        ours = (self._bounce_digest(key, delivery_id) for key in self._keys)
        return delivery_id if any(hmac.compare_digest(found[2], one) for one in ours) else None

    def message_id(self, edition: str, reader_key: str, host: str) -> str:
        """The Message-ID of a reader's copy: the same at every try (RFC 5322 §3.6.4)."""
        return f"<{self._digest('message', edition, reader_key)[:32]}@{host}>"

    def seal(self, edition: str) -> str:
        """A keyed digest that marks holes in an edition's template; lower-case hexadecimal."""
        return self._digest("plate", edition)[:24]

    def _bounce_digest(self, key: bytes, delivery_id: int) -> str:
        return b32encode(hmac.digest(key, f"bounce\0{delivery_id}".encode(), "sha256")[:10]).decode().lower()

    def _digest(self, *parts: str) -> str:
        return hmac.digest(self._keys[0], "\0".join(parts).encode(), "sha256").hex()

    def _signer(self, purpose: str) -> Signer:
        # Derived here once: itsdangerous would derive it again for every signature.
        derived = [hmac.digest(key, f"links\0{purpose}".encode(), "sha256") for key in reversed(self._keys)]
        return Signer(derived, key_derivation="none", digest_method=hashlib.sha256)


def _sealed(signer: Signer, reader_key: str, what: str) -> str:
    """What `signer.sign` makes, a good deal faster: every copy needs some."""
    payload = urlsafe_b64encode(f"{reader_key}\0{what}".encode()).rstrip(b"=")
    signature = hmac.digest(signer.secret_key, payload, "sha256")
    return f"{payload.decode()}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def _opened(signer: Signer, token: str) -> tuple[str, str] | None:
    try:
        payload = signer.unsign(token.encode())
        reader_key, _, what = urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)).decode().partition("\0")
    except (BadSignature, ValueError):
        return None
    return reader_key, what
