"""Addresses: absolute, encoded as URIs (RFC 3986), and comparable."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

import idna

from publisher.clean.text import repair

_SCHEMES = ("http", "https", "mailto", "tel")
_TRACKING = re.compile(r"(utm_\w+|fbclid|gclid|mc_[ce]id|at_\w+|ref)", re.IGNORECASE)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"  # RFC 1035 §2.3.1, and the underscores that exist
_HOST = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*{_LABEL}\.?|\[[0-9a-f:.]+\]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = r"(?:[\w/:@!$&'()*+,;=.~-]|%[0-9A-Fa-f]{2})*"
_AS_IT_SHOULD_BE = re.compile(rf"https?://{_LABEL}(?:\.{_LABEL})+(?:/{_SAFE})?(?:\?{_SAFE})?", re.ASCII)
_WHITE = re.compile(r"[\x00-\x20\x7f]+")


def absolute(url: str, base: str | None) -> str | None:
    """An absolute http, https, mailto or tel URI with ASCII only, or None for anything else."""
    if _AS_IT_SHOULD_BE.fullmatch(url):
        return url
    url = _WHITE.sub(lambda match: "%20" if match[0].strip("\t\r\n") else "", repair(url).strip())
    try:
        joined = urljoin(base, url) if base else url
        parts = urlsplit(joined)
        if parts.scheme.lower() not in _SCHEMES:
            return None
        if parts.scheme.lower() in ("mailto", "tel"):
            return quote(joined, safe="%:/?#[]@!$&'()*+,;=~")
        host = _host(parts.hostname or "")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        return None
    if not _HOST.fullmatch(host):
        return None
    path = _quoted(parts.path, "%/:@!$&'()*+,;=~")
    query = _quoted(parts.query, "%/?:@!$&'()*+,;=~[]")
    return urlunsplit((parts.scheme.lower(), host + port, path, query, _quoted(parts.fragment, "%/?:@!$&'()*+,;=~")))


def _quoted(part: str, safe: str) -> str:
    return _LONE_PERCENT.sub("%25", quote(part, safe=safe))


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def key(url: str | None) -> str | None:
    """What two addresses of one story share: no scheme, `www.`, tracking, fragment or closing slash."""
    if not url:
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    query = urlencode(sorted(pair for pair in parse_qsl(parts.query) if not _TRACKING.fullmatch(pair[0])))
    return f"{host}{parts.path.rstrip('/')}{f'?{query}' if query else ''}"
