"""Reader addresses: valid enough to mail, and comparable."""

import re

import idna

from publisher.clean.text import one_line

# RFC 5321 §4.1.2 dot-string; quoted local parts are legal, unused, and a way to smuggle commands.
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,64}")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE
)


def address(text: str) -> str:
    """The address as it is mailed, its domain as A-labels; ValueError says what is wrong."""
    local, at, domain = one_line(text).rpartition("@")
    if not at or not local or not domain:
        raise ValueError("is not an address; write name@domain")
    try:
        ascii_domain = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode().lower()
    except UnicodeError:
        raise ValueError("has a domain that cannot exist") from None
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        raise ValueError("has characters that an address cannot hold before the @")
    if not _DOMAIN.fullmatch(ascii_domain):
        raise ValueError("has a domain that cannot exist")
    return f"{local}@{ascii_domain}"


def address_key(valid: str) -> str:
    """What is equal for one reader however the address was typed; plus-addresses stay distinct."""
    return valid.casefold()
