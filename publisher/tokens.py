"""Signed names for links and messages; nothing here says who the reader is.

The first key signs, all keys verify, so a key can be rotated without breaking links in old mail.
"""

import hashlib
import hmac
from collections.abc import Sequence

from itsdangerous import BadData, URLSafeSerializer


class Tokens:
    """Holds the newsroom's secret keys, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one secret key is needed")
        self._newest = keys[0].encode()
        self._unsubscribe = URLSafeSerializer(list(reversed(keys)), salt="unsubscribe")

    def unsubscribe(self, reader_key: str, newsletter: str) -> str:
        """The token in a reader's unsubscribe link."""
        return str(self._unsubscribe.dumps([reader_key, newsletter]))

    def read_unsubscribe(self, token: str) -> tuple[str, str] | None:
        """(reader key, newsletter), or None for a token that we did not sign."""
        try:
            reader_key, newsletter = self._unsubscribe.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        return str(reader_key), str(newsletter)

    def message_id(self, edition: str, reader_key: str, host: str) -> str:
        """The Message-ID of a reader's copy: the same at every try (RFC 5322 §3.6.4)."""
        return f"<{self._digest('message', edition, reader_key)[:32]}@{host}>"

    def seal(self, edition: str) -> str:
        """A keyed digest that marks holes in an edition's template; lower-case hexadecimal."""
        return self._digest("plate", edition)[:24]

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._newest, "\0".join(parts).encode(), hashlib.sha256).hexdigest()
