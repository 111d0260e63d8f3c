"""feedparser's two parsers, on text that is already decoded and free of a DTD.

First the strict one; where that stumbles, the commonest faults are mended and it tries again; what is beyond that
goes to the forgiving one, which reads tags as browsers do.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from xml.sax import SAXException, SAXParseException, expatreader

import feedparser
from feedparser import api

from publisher.clean.text import one_line
from publisher.sources.feed.text import Document, until_end

# feedparser meets hostile input with whatever Python raises there: a lone surrogate is a UnicodeError, for example.
_FAULTS = (SAXException, feedparser.UndeclaredNamespace, ArithmeticError, AssertionError, AttributeError,
           LookupError, RuntimeError, TypeError, ValueError)  # fmt: skip
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0 §2.2
_AMPERSAND = re.compile(r"&(?:#(x?)([0-9a-f]{1,20});|([a-z][a-z0-9]{1,31});|)", re.IGNORECASE)
_PREDEFINED = {"amp", "lt", "gt", "quot", "apos"}
_LONGEST_GUESS = 1_000_000  # characters; the forgiving parser takes its time
_LONGEST_NAME = 1000
_MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class Parsed:
    """What feedparser made of a feed. `fault` says what is broken; `whole` that nothing was lost by it."""

    entries: Sequence[Mapping[str, Any]]
    feed: Mapping[str, Any]
    fault: str = ""
    line: int = 0
    whole: bool = True


def parse(document: Document) -> Parsed:
    """Every entry that can be found, with the fault of what is broken."""
    parser, error = _strict(document.text)
    if error is None:
        return Parsed(parser.entries, parser.feeddata)
    line = document.line - 1 + (error.getLineNumber() or 1 if isinstance(error, SAXParseException) else 1)
    message = error.getMessage() if isinstance(error, SAXException) else str(error)
    fault = one_line(message) or type(error).__name__
    mended = _mended(document)
    parser, error = _strict(mended)
    whole = error is None
    if not whole and len(mended) <= _LONGEST_GUESS:
        with suppress(*_FAULTS):
            parser = _forgiving(mended)
    return Parsed(parser.entries, parser.feeddata, fault, line, whole)


def _strict(text: str) -> tuple[Any, Exception | None]:
    """The parser with what it has read, and what stopped it."""
    handler = _StrictParser("", None, "utf-8")
    reader = expatreader.create_parser(namespaceHandling=True)  # noqa: S315 - no DTD is left that could attack it
    reader.setContentHandler(handler)
    reader.setErrorHandler(handler)
    try:
        reader.feed(text.encode("utf-8", "replace"))
        reader.close()
    except _FAULTS as error:
        return handler, error
    return handler, None


def _forgiving(text: str) -> Any:
    parser = _ForgivingParser("", None, "utf-8", {})
    parser.feed(text)
    return parser


def _mended(document: Document) -> str:
    """Without what XML cannot hold and what follows the root; `&` and HTML's entities as XML writes them."""
    text = _ILLEGAL.sub("", until_end(document.text, document.root))
    parts, at = [], 0
    while (start := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", start)) >= 0:
        parts += [_escaped(text[at:start]), text[start : end + 3]]
        at = end + 3
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return _AMPERSAND.sub(_reference, text).replace("]]>", "]]&gt;")


def _reference(match: re.Match[str]) -> str:
    hexadecimal, number, name = match.groups()
    if name:
        if name in _PREDEFINED:
            return match[0]
        return html.escape(html.unescape(match[0]))
    if not number:
        return "&amp;"
    try:
        character = chr(int(number, 16 if hexadecimal else 10))
    except (ValueError, OverflowError):
        return ""
    return "" if _ILLEGAL.match(character) else f"&#{ord(character)};"


# feedparser copies these flat dictionaries deeply, three for each entry: an eighth of its time.
_Parameters = type("_Parameters", (feedparser.FeedParserDict,), {"__deepcopy__": lambda self, memo: self.copy()})


class _Elements:
    """The elements that we read otherwise than feedparser does.

    An id is no relative address. `dc:date` is a date of its own. What Media RSS says of a picture belongs to the
    picture: feedparser would take its description for the entry's, and its title for the entry's.
    """

    _matchnamespaces: ClassVar = {
        **{address.lower(): prefix for address, prefix in api.StrictFeedParser.namespaces.items()},
        "http://purl.org/syndication/thread/1.0": "thr",  # RFC 4685; feedparser knows the module before it alone
    }
    resolve_relative_uris = False
    sanitize_html = False  # ours is stricter, keeps embeds as links, and runs on every source
    picture: dict[str, str] | None = None
    permalink = False

    def push_content(self: Any, *arguments: Any) -> None:
        parent: Any = super()
        parent.push_content(*arguments)
        self.contentparams = _Parameters(self.contentparams)

    def _sync_author_detail(self: Any, key: str = "author") -> None:
        parent: Any = super()
        context = self._get_context()
        if len(context.get(key) or "") > _LONGEST_NAME:  # it looks for an address in it by the square of its length
            context[key] = context[key][:_LONGEST_NAME]
        parent._sync_author_detail(key)

    def _add_tag(self: Any, *arguments: Any) -> None:
        parent: Any = super()
        if len(self._get_context().get("tags", ())) < _MOST_TAGS:  # it compares each with all before
            parent._add_tag(*arguments)

    def _start_guid(self: Any, attributes: dict[str, str]) -> None:
        self.permalink = attributes.get("ispermalink", "true") == "true"
        self.push("id", 1)

    def _end_guid(self: Any) -> None:
        value = self.pop("id")
        if value and self.permalink:
            self._save("permalink", value)

    def _start_id(self: Any, attributes: dict[str, str]) -> None:
        self.push("id", 1)

    def _end_id(self: Any) -> None:
        self.pop("id")

    def _start_dc_date(self: Any, attributes: dict[str, str]) -> None:
        self.push("dc_date", 1)

    def _end_dc_date(self: Any) -> None:
        self.pop("dc_date")

    def _start_media_content(self: Any, attributes: dict[str, str]) -> None:
        self.picture = attributes
        self._get_context().setdefault("media_content", []).append(attributes)

    def _end_media_content(self: Any) -> None:
        self.picture = None

    def _start_media_part(self: Any, attributes: dict[str, str]) -> None:
        self.push("media_part", 0)

    def _keep(self: Any, name: str) -> None:
        value = self.pop("media_part")
        place = self._get_context() if self.picture is None else self.picture
        place.setdefault(name, value or "")

    def _end_media_title(self: Any) -> None:
        self._keep("media_title")

    def _end_media_description(self: Any) -> None:
        self._keep("media_description")

    def _end_media_credit(self: Any) -> None:
        self._keep("media_credit")

    _start_media_title = _start_media_description = _start_media_credit = _start_media_part


_StrictParser: Callable[..., Any] = type("_StrictParser", (_Elements, api.StrictFeedParser), {})
_ForgivingParser: Callable[..., Any] = type("_ForgivingParser", (_Elements, api.LooseFeedParser), {})
