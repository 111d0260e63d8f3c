"""The built site on the wire, as RFC 9110 and RFC 9111 want it: from memory, looking at the disk ten times a second.

Nothing is written. What a build renames into its place shows within a moment; what is half built never does. The
answer to a request comes from its method, path and a few header fields alone: there is no cookie, and a query changes
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

from publisher.errors import PublisherError
from publisher.model.moves import Moves
from publisher.model.newsletter import Syndication
from publisher.web import policy, reading
from publisher.web.limits import Limits, who
from publisher.web.negotiation import IDENTITY, coding, matches, unmodified
from publisher.web.policy import Policy
from publisher.web.reading import Document

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Client = Sequence[object] | None
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOOK_AGAIN = 0.1  # seconds
_MEMORY = 64_000_000  # bytes of files held
_VARIANTS = 64  # answers kept for each file; the fields that they are kept by are somebody else's
_LONGEST_KEY = 512  # bytes: more than any program sends
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_METHODS = (b"allow", b"GET, HEAD, OPTIONS")
_OPEN: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", policy.EXPOSED.encode()),
]
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]


@dataclass(slots=True)
class Answer:
    """A response without its Date; `etag` and `modified` are what the next request is compared with.

    `head` is the status line and the header fields as they are sent.
    """

    status: int
    headers: Headers
    body: bytes = b""
    etag: bytes = b""
    modified: bytes = b""
    head: bytes = field(init=False)

    def __post_init__(self) -> None:
        lines = b"".join(b"%b: %b\r\n" % pair for pair in self.headers)
        self.head = b"HTTP/1.1 %d %b\r\n%b" % (self.status, HTTPStatus(self.status).phrase.encode(), lines)


@dataclass(slots=True)
class _Held:
    """A file that was asked for: when it was last looked at, and the answers that it made, by header fields."""

    document: Document
    policy: Policy
    checked: float
    dated: bool
    answers: dict[tuple[bytes | None, bytes | None], tuple[Answer, Answer]] = field(default_factory=dict)
    digest: bytes = b""

    @property
    def weight(self) -> int:
        return sum(len(body.content) for body in self.document.bodies.values()) + 1000


@dataclass
class Files:
    """An ASGI application. `base` is the path of the publication's address; `missing` makes the page for a 404."""

    root: Path
    syndication: Syndication
    base: str
    missing: Callable[[], str]
    now: Callable[[], datetime]
    limits: Limits

    def __post_init__(self) -> None:
        self._moves = Moves(self.syndication.moved, self.syndication.closed)
        self._known: dict[str, _Held] = {}
        self._weight = 0
        self._hashing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        answer = self.answer(scope["method"], scope["path"], scope["headers"], scope["client"])
        if answer is None:
            await self._stream(scope, send)
        else:
            await _send_whole(send, answer, scope["method"])

    def answer(self, method: str, path: str, headers: Headers, client: Client) -> Answer | None:
        """The answer to a request, whose body a HEAD does not get; None for a file that has to be read from disk."""
        clock = monotonic()
        found: _Held | Answer | None = self._known.get(path)
        if not isinstance(found, _Held) or clock - found.checked > _LOOK_AGAIN:
            found = self._look(path, clock)
        if isinstance(found, _Held) and not found.document.bodies and method in ("GET", "HEAD"):
            return None
        if wait := self.limits.wait(who(client, headers), clock):
            return _too_many(wait)
        if method not in ("GET", "HEAD"):
            return _other_method(method, found)
        if isinstance(found, Answer):
            return found
        accept, encoding, tags, since = _fields(headers)
        variant = found.answers.get((accept, encoding)) or self._variant(found, accept, encoding)
        return self._conditional(found, variant, tags, since)

    def _conditional(
        self, held: _Held, variant: tuple[Answer, Answer], tags: bytes | None, since: bytes | None
    ) -> Answer:
        """RFC 9110 §13.2.2: If-None-Match where it is given, else If-Modified-Since, and neither for an error."""
        whole, unchanged = variant
        if tags is not None:
            return unchanged if tags == whole.etag or (whole.etag and matches(tags, whole.etag)) else whole
        if since and whole.etag:
            same = since == whole.modified or unmodified(since, held.document.modified, self.now().timestamp())
            return unchanged if same else whole
        return whole

    def _look(self, path: str, clock: float) -> "_Held | Answer":
        """The file as it is now, or what stands in its place; what is known of it is kept where it is still true."""
        held = self._known.pop(path, None)
        if held is not None:
            self._weight -= held.weight
            if held.document.stamp != reading.stamp(held.document.place):
                held = None
        if held is None:
            found = self._found(path, clock)
            if isinstance(found, Answer):
                return found
            held = found
        elif not held.dated and held.document.modified <= self.now().timestamp():
            held.dated = True
            held.answers.clear()
        held.checked = clock
        self._keep(path, held)
        return held

    def _keep(self, path: str, held: _Held) -> None:
        """As the newest; the ones that nobody has asked for lately make room."""
        self._known[path] = held
        self._weight += held.weight
        while self._weight > _MEMORY and len(self._known) > 1:
            oldest = next(iter(self._known))
            self._weight -= self._known.pop(oldest).weight

    def _found(self, path: str, clock: float) -> "_Held | Answer":
        if ruling := self._moved_or_closed(path):
            return ruling
        name = _file_name(path)
        if name is None:
            return self._missing
        rules = policy.policy(name, self.syndication.max_age)
        place = self.root / name
        document = reading.read(place, packed=bool(rules.vary), feed=rules.feed) if self._inside(place) else None
        if document is None:
            if not path.endswith("/") and reading.stamp(place / "index.html"):
                return _redirect(f"{self.base}{quote(path)}/")
            return self._missing
        return _Held(document, rules, clock, document.modified <= self.now().timestamp())

    def _inside(self, place: Path) -> bool:
        try:
            return place.resolve().is_relative_to(self.root.resolve())
        except (OSError, ValueError, RuntimeError):
            return False

    def _moved_or_closed(self, path: str) -> Answer | None:
        if not path.startswith("/feeds/"):
            return None
        place = self._moves.place(path.removeprefix("/feeds/"))
        if place is None:
            return _text(410, b"This feed is closed.\n", [(b"cache-control", policy.GONE.encode()), *_OPEN])
        new = f"/feeds/{place}"
        return _redirect(f"{self.base}{quote(new)}") if new != path else None

    @cached_property
    def _missing(self) -> Answer:
        try:
            page, kind = self.missing().encode(), policy.MEDIA[".html"]
        except PublisherError:  # a template that cannot be rendered
            page, kind = b"There is no such page.\n", policy.MEDIA[".txt"]
        rules: Headers = [(b"cache-control", policy.MISSING.encode()), *_OPEN]
        return Answer(404, [(b"content-type", kind.encode()), *_length(page), *rules, _NOSNIFF], page)

    def _variant(self, held: _Held, accept: bytes | None, encoding: bytes | None) -> tuple[Answer, Answer]:
        sizes = {name: len(body.content) for name, body in held.document.bodies.items()}
        chosen = coding(None if encoding is None else encoding.decode("latin-1"), sizes)
        if chosen is None:
            refused = _text(406, b"No coding of this file is acceptable.\n", [(b"vary", b"Accept-Encoding")])
            variant = refused, refused
        else:
            body = held.document.bodies[chosen]
            variant = _pair(held, body.content, body.etag, chosen, browser=b"text/html" in (accept or b"").lower())
        if len(held.answers) >= _VARIANTS:
            held.answers.clear()
        if len(accept or b"") + len(encoding or b"") < _LONGEST_KEY:
            held.answers[accept, encoding] = variant
        return variant

    async def _stream(self, scope: Scope, send: Send) -> None:
        """A file too large to be held, in pieces; its tag is made once for each version."""
        held = self._known.get(scope["path"])
        wait = self.limits.wait(who(scope["client"], scope["headers"]), monotonic())
        if held is None or wait:
            await _send_whole(send, _too_many(wait) if wait else self._missing, scope["method"])
            return
        _, _, tags, since = _fields(scope["headers"])
        with held.document.place.open("rb") as file:
            async with self._hashing:
                if not held.digest:
                    held.digest = reading.etag(await asyncio.to_thread(reading.digest, file))
            variant = _pair(held, b"", held.digest, IDENTITY, browser=False)
            answer = self._conditional(held, variant, tags, since)
            if answer.status != 200 or scope["method"] == "HEAD":
                await _send_whole(send, answer, scope["method"])
                return
            await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
            left = held.document.stamp[2]
            while left and (piece := await asyncio.to_thread(file.read, min(reading.CHUNK, left))):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})


async def _send_whole(send: Send, answer: Answer, method: str) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None, bytes | None, bytes | None]:
    """Accept, Accept-Encoding, If-None-Match and If-Modified-Since; a list may come in several lines."""
    accept = encoding = tags = since = None
    for name, value in headers:
        if name == b"accept-encoding":
            encoding = value if encoding is None else encoding + b", " + value
        elif name == b"if-none-match":
            tags = value if tags is None else tags + b", " + value
        elif name == b"if-modified-since":
            since = value
        elif name == b"accept":
            accept = value if accept is None else accept + b", " + value
    return accept, encoding, tags, since


def _pair(held: _Held, content: bytes, etag: bytes, chosen: str, *, browser: bool) -> tuple[Answer, Answer]:
    """The whole file, and the news that it has not changed (RFC 9110 §15.4.5)."""
    rules, document = held.policy, held.document
    modified = formatdate(int(document.modified), usegmt=True).encode() if held.dated else b""
    shared: Headers = [(b"etag", etag), (b"cache-control", rules.cache.encode())]
    if rules.vary:
        shared.append((b"vary", rules.vary.encode()))
    if modified:  # RFC 9110 §8.8.2.1: never a time that is still to come
        shared.append((b"last-modified", modified))
    if document.link:
        shared.append((b"link", document.link))
    shared += _OPEN if rules.shared else []
    kind = rules.browser_type if browser else rules.type
    own: Headers = [(b"content-type", kind.encode()), (b"content-length", str(_size(held, content)).encode())]
    if chosen != IDENTITY:
        own.append((b"content-encoding", chosen.encode()))
    whole = Answer(200, [*own, *shared, _NOSNIFF], content, etag, modified)
    return whole, Answer(304, shared, b"", etag, modified)


def _size(held: _Held, content: bytes) -> int:
    return len(content) if held.document.bodies else held.document.stamp[2]


def _too_many(wait: int) -> Answer:
    again: Headers = [(b"retry-after", str(wait).encode()), (b"cache-control", b"no-store"), *_OPEN]
    return _text(429, f"Too many requests. Come back in {wait} s.\n".encode(), again)


def _other_method(method: str, looked: "_Held | Answer") -> Answer:
    shared = isinstance(looked, _Held) and looked.policy.shared
    if method == "OPTIONS":
        return Answer(204, [_METHODS, *(_OPEN + _PREFLIGHT if shared else []), _NOSNIFF])
    return _text(405, b"This can only be read.\n", [_METHODS])


def _redirect(location: str) -> Answer:
    where: Headers = [(b"location", location.encode()), (b"cache-control", policy.MOVED.encode()), *_OPEN]
    return _text(301, f"It is at {location}\n".encode(), where)


def _text(status: int, text: bytes, headers: Headers) -> Answer:
    return Answer(status, [(b"content-type", policy.MEDIA[".txt"].encode()), *_length(text), *headers, _NOSNIFF], text)


def _length(body: bytes) -> Headers:
    return [(b"content-length", str(len(body)).encode())]


def _file_name(path: str) -> str | None:
    """`/feeds/` → `feeds/index.html`; None for what is no address of ours: `..`, `//`, or a hidden file."""
    parts = path.split("/")
    if parts[0] or any(part == "" for part in parts[1:-1]):
        return None
    hidden = (part.startswith(".") and (place, part) != (1, ".well-known") for place, part in enumerate(parts))
    if any(hidden):  # RFC 8615
        return None
    return f"{path[1:]}index.html" if path.endswith("/") else path[1:]
