"""The next page's address: what is kept of it between two asks, and what is asked.

A place may bear a key, in its query or before its host, and a state lies in the database for all to read. So what is
kept has neither a user nor the values that the place itself says; a page on the place's own server is kept as path
and query. When it is asked, the place gives back what is its own, to its own server all of it, since a link often
leaves the key out, and to another server only what that link had.
"""

from typing import Any
from urllib.parse import unquote_plus, urljoin, urlsplit

_USUAL_PORTS = {"http": ":80", "https": ":443"}


def onwards(document: Any, url: str, place: str) -> str:
    """The next page as it is kept, or nothing. Eve's are relative to the API's root, where its resources are."""
    links = document.get("_links") if isinstance(document, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    if not isinstance(href, str) or not href:
        return ""
    following = _kept(urljoin(url.partition("?")[0].rstrip("/"), href), place)
    return "" if address(following, place) == address(_kept(url, place), place) else following


def address(kept: str, place: str) -> str:
    """What to ask for the page that is kept so."""
    home, at_home = urlsplit(place), kept.startswith("/")
    # Not urljoin: it takes a path that begins with two slashes for another server.
    whole = f"{home.scheme}://{home.netloc}{kept}" if at_home else kept
    own = _pairs(home.query)
    names = {_name(pair) for pair in own}
    path, _, query = whole.partition("?")
    taken = {_name(pair) for pair in _pairs(query) if _name(pair) in names and not pair.partition("=")[2]}
    said = [pair for pair in _pairs(query) if _name(pair) not in taken]
    other = {_name(pair) for pair in said}
    given = [pair for pair in own if _name(pair) not in other and (at_home or _name(pair) in taken)]
    return "?".join(filter(None, (path, "&".join((*said, *given)))))


def _kept(url: str, place: str) -> str:
    parts, own = urlsplit(url), {unquote_plus(pair) for pair in _pairs(urlsplit(place).query)}
    pairs = (_emptied(pair) if unquote_plus(pair) in own else pair for pair in _pairs(parts.query))
    root = "" if _server(url) == _server(place) else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return "?".join(filter(None, (f"{root}{parts.path or '/'}", "&".join(filter(None, pairs)))))


def _emptied(pair: str) -> str:
    """A name without its value; nothing where there is no name, for then the key stands alone."""
    name, equals, _ = pair.partition("=")
    return f"{name}=" if equals else ""


def _pairs(query: str) -> list[str]:
    """As they are written: a server may have signed them."""
    return [pair for pair in query.split("&") if pair]


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return parts.scheme, host.removesuffix(_USUAL_PORTS.get(parts.scheme, ":"))
