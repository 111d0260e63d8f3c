"""A copy read apart as a mail program would: fields, parts, page, links and pictures. Never raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32, default
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lxml import etree, html

from publisher.model.delivery import Copy
from publisher.render.preflight.styles import Look, looks

# Python's parser of fields fails in many ways on what is none: an index, an attribute, a codec that does not exist.
CRASHES = (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError, MessageError)
_CONTINUED = re.compile(r"\r\n(?=[ \t])")
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)", re.DOTALL)
_BRACKETS = re.compile(r"<([^<>]*)>")
_LONGEST_FIELD = 8_000
_WORD = re.compile(r"\w+")
_SILENT = {"head", "style", "script", "template", "title", "noscript"}
_OWN_PAGES = re.compile(r"/(?:unsubscribe|preferences|copy)(?:/|$)")
_LOCAL_NAMES = ("localhost", "local", "internal", "lan", "home.arpa", "test", "invalid")


@dataclass(frozen=True, slots=True)
class Link:
    """`words` are those that a reader sees and follows; `at` is how many words of the page stand before it."""

    url: str
    words: str
    at: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    charset: str
    text: str
    broken: bool


@dataclass(frozen=True)
class Reading:
    """`fields` are in order, names in lower case, unfolded and not decoded; `words` is how many the page has."""

    raw: bytes
    recipient: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    parts: tuple[Part, ...] = ()
    defects: tuple[str, ...] = ()
    tree: Any = None
    looks: dict[Any, Look] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    words: int = 0

    @property
    def text(self) -> str:
        return next((part.text for part in self.parts if part.kind == "text/plain"), "")

    @property
    def page(self) -> str:
        return next((part.text for part in self.parts if part.kind == "text/html"), "")

    @property
    def subject(self) -> str:
        return decoded(self.value("subject"))

    @property
    def sender_domain(self) -> str:
        written = self.value("from")
        address = (_BRACKETS.findall(written) or [written])[-1]
        return address.rpartition("@")[2].strip().lower() if "@" in address else ""

    @property
    def unsubscribe(self) -> str:
        """The address that a one-click unsubscribe posts to (RFC 8058 §3.1), or empty."""
        offered = [bare.strip() for bare in _BRACKETS.findall(self.value("list-unsubscribe"))]
        return next((url for url in offered if url.lower().startswith(("https:", "http:"))), "")

    @property
    def leaving(self) -> list[Link]:
        """The links of the page that unsubscribe."""
        if self.unsubscribe:
            return [link for link in self.links if link.url == self.unsubscribe]
        return [link for link in self.links if "unsubscribe" in link.url.lower()]

    @property
    def images(self) -> list[Any]:
        return [] if self.tree is None else list(self.tree.iter("img"))

    def values(self, name: str) -> list[str]:
        return [value for field_name, value in self.fields if field_name == name]

    def value(self, name: str) -> str:
        return next(iter(self.values(name)), "")


def read(copy: Copy) -> Reading:
    raw = copy.message
    parts = _parts(raw)
    page = next((part.text for part in parts if part.kind == "text/html"), "")
    tree = _tree(page)
    looked = {} if tree is None else looks(tree)
    links, words = ((), 0) if tree is None else _links(tree, looked)
    fields = _fields(raw)
    long = [f"{name} has {len(value):,} characters" for name, value in fields if len(value) > _LONGEST_FIELD]
    defects = tuple(long) or _defects(raw)  # Python's parser takes minutes over a field without end
    return Reading(raw, copy.recipient, fields, parts, defects, tree, looked, links, words)


def own_text(element: Any) -> str:
    """The text that stands in an element itself, not in one of its children."""
    if element.tag in _SILENT:
        return ""
    return " ".join([element.text or "", *(child.tail or "" for child in element)])


def decoded(value: str) -> str:
    """An unstructured field as it is read (RFC 2047); as it is written where it cannot be."""
    try:
        return str(make_header(decode_header(value)))
    except CRASHES:
        return value


def split(url: str) -> SplitResult | None:
    """The parts of an address, or None where it has none."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def is_local(url: str) -> bool:
    """Whether an address leads to this machine or a private network, as far as its name tells."""
    parts = split(url)
    host = ((parts and parts.hostname) or "").rstrip(".")
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES)))


def is_own_page(url: str, unsubscribe: str) -> bool:
    """Whether following an address could act for the reader: it unsubscribes, or shows what is theirs.

    RFC 8058 §1: software that follows every link has unsubscribed people. The publication's address is what stands
    before `/unsubscribe/`; where the copy names none, any such path is left alone.
    """
    root, found, _ = unsubscribe.partition("/unsubscribe/")
    if url == unsubscribe:
        return True
    if found and not url.startswith(root):
        return False
    parts = split(url.removeprefix(root) if found else url)
    return parts is None or bool(_OWN_PAGES.match(parts.path) if found else _OWN_PAGES.search(parts.path))


def _fields(raw: bytes) -> tuple[tuple[str, str], ...]:
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    matches = map(_FIELD.fullmatch, _CONTINUED.sub("", head).split("\r\n"))
    return tuple((match[1].lower(), match[2].rstrip()) for match in matches if match)


def _parts(raw: bytes) -> tuple[Part, ...]:
    try:
        message = message_from_bytes(raw, policy=compat32)
        return tuple(_part(part) for part in message.walk() if not part.is_multipart())
    except CRASHES:
        return ()


def _part(part: "Message[str, str]") -> Part:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset("us-ascii"))
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return Part(part.get_content_type(), charset, text, "\ufffd" in text and not _is_utf8(data))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _defects(raw: bytes) -> tuple[str, ...]:
    """What Python's parser of structured fields has to complain of, in every part."""
    found: list[str] = []
    try:
        message = message_from_bytes(raw, policy=default)
        for part in message.walk():
            found += [type(defect).__name__ for defect in part.defects]
            for name, value in part.items():
                found += [f"{name}: {type(defect).__name__}" for defect in value.defects]
        senders = getattr(message["From"], "addresses", ())
        if len(senders) > 1:
            found.append("From names several mailboxes")
    except CRASHES as error:
        found.append(f"a field cannot be read ({type(error).__name__})")
    return tuple(found)


def _tree(page: str) -> Any:
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        # As bytes: lxml refuses a str that declares an encoding.
        return html.document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None


def _links(tree: Any, looked: dict[Any, Look]) -> tuple[tuple[Link, ...], int]:
    """Every link in reading order, and how many words there are."""
    places, count = list[tuple[Any, int]](), 0
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        if event == "start":
            if element.tag in ("a", "area") and element.get("href") is not None:
                places.append((element, count))
            count += 0 if element.tag in _SILENT else len(_WORD.findall(element.text or ""))
        else:
            count += len(_WORD.findall(element.tail or ""))
    return tuple(_link(element, at, looked) for element, at in places), count


def _link(element: Any, at: int, looked: dict[Any, Look]) -> Link:
    words = " ".join(" ".join(_seen(element, looked)).split())
    hidden = bool(looked.get(element, Look()).hidden)
    return Link(element.get("href"), words, at, hidden)


def _seen(element: Any, looked: dict[Any, Look]) -> Iterator[str]:
    for inner in element.iter(etree.Element):
        if not looked.get(inner, Look()).unreadable:
            yield own_text(inner)
            yield inner.get("alt", "") if inner.tag in ("img", "area") else ""
