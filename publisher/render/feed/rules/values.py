"""Values that feeds write: addresses, ids, dates, languages, characters.

Each tells what is wrong, and is empty where nothing is.
"""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.entities import html5

from publisher.clean.text import NON_CHARACTERS
from publisher.render.preflight.verdict import quoted

_CHARACTERS = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HTTP = re.compile(  # RFC 3986 §3, with a host and without a user
    rf"https?://(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?"
    rf"(?:/{_CHARACTERS})?(?:\?{_CHARACTERS})?(?:#{_CHARACTERS})?"
)
_OTHER = re.compile(rf"(?:mailto|tel):{_CHARACTERS}")
_TAG = re.compile(  # RFC 4151 §2.1
    rf"tag:(?:[A-Za-z0-9._-]+@)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?,[0-9]{{4}}(?:-[0-9]{{2}}(?:-[0-9]{{2}})?)?"
    rf":{_CHARACTERS}(?:#{_CHARACTERS})?"
)
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_RFC_822 = re.compile(
    rf"({'|'.join(_DAYS)}), [0-9]{{1,2}} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{{4}}"
    r" [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})"
)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")  # RFC 5646 §2.1
_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")  # RFC 6838 §4.2
_MAIL = re.compile(r"[^\s@<>()\"']+@[^\s@<>()\"']+\.[^\s@<>()\"']+")
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9A-Fa-f]+)|([A-Za-z][A-Za-z0-9]*));")
_ELEMENT = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>|<!--")
_BAD = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{NON_CHARACTERS}]")
_OPEN_END = {**dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"), **dict.fromkeys("\u2066\u2067\u2068", "\u2069")}
_BIDI = re.compile(f"[{''.join({*_OPEN_END, *_OPEN_END.values()})}]")

HTML = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "address",
        "area",
        "article",
        "aside",
        "audio",
        "b",
        "base",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "body",
        "br",
        "button",
        "canvas",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "data",
        "datalist",
        "dd",
        "del",
        "details",
        "dfn",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "em",
        "embed",
        "fieldset",
        "figcaption",
        "figure",
        "font",
        "footer",
        "form",
        "frame",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hgroup",
        "hr",
        "html",
        "i",
        "iframe",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "legend",
        "li",
        "link",
        "main",
        "map",
        "mark",
        "menu",
        "meta",
        "meter",
        "nav",
        "noscript",
        "object",
        "ol",
        "optgroup",
        "option",
        "output",
        "p",
        "param",
        "picture",
        "pre",
        "progress",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "script",
        "search",
        "section",
        "select",
        "slot",
        "small",
        "source",
        "span",
        "strike",
        "strong",
        "style",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "template",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "time",
        "title",
        "tr",
        "track",
        "tt",
        "u",
        "ul",
        "var",
        "video",
        "wbr",
    ]
)


def address(text: str, *, web: bool = True) -> str:
    """What keeps a text from being an absolute URI of the web, or where `web` is not asked, of mail and telephones."""
    if _HTTP.fullmatch(text) or (not web and _OTHER.fullmatch(text)):
        return ""
    if not text:
        return "is empty"
    if not text.isascii():
        return f"{quoted(text)} has characters beyond ASCII; write the host in Punycode and the rest percent-encoded"
    if re.search(r"\s", text):
        return f"{quoted(text)} has white space in it; write %20"
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return f"{quoted(text)} is no address of the web"
    return f"{quoted(text)} is no absolute address (RFC 3986)"


def tag(text: str) -> str:
    if _TAG.fullmatch(text):
        return ""
    return f"{quoted(text)} is no tag: URI, such as tag:journal.example,2026-01-31:articles/1" if text else "is missing"


def rfc_822(text: str) -> datetime | str:
    """The instant, or what is wrong with a date of RSS and OPML: four digits for the year, and UTC."""
    match = _RFC_822.fullmatch(text)
    if not match:
        return f"{quoted(text)} is no RFC 822 date, such as Fri, 20 Nov 2026 08:00:00 +0000"
    if match[2] not in ("GMT", "+0000"):
        return f"{quoted(text)} is not in UTC; some readers know no other offset"
    try:
        moment = parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return f"{quoted(text)} is not in the calendar"
    if _DAYS[moment.weekday()] != match[1]:
        return f"{quoted(text)} was a {_DAYS[moment.weekday()]}"
    return moment


def rfc_3339(text: str) -> datetime | str:
    """The instant, or what is wrong with a date of Atom and JSON Feed."""
    match = _RFC_3339.fullmatch(text)
    if not match:
        return f"{quoted(text)} is no RFC 3339 date, such as 2026-11-20T08:00:00Z"
    if match[1] is None:
        return f"{quoted(text)} does not say how far from UTC it is"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return f"{quoted(text)} is not in the calendar"


def language(text: str) -> str:
    return "" if _LANGUAGE.fullmatch(text) else f"{quoted(text)} is no language tag, such as en or ur-PK"


def media_type(text: str) -> str:
    return "" if _TYPE.fullmatch(text) else f"{quoted(text)} is no media type, such as image/jpeg"


def number(text: str | None, least: int = 0) -> str:
    written = (text or "").strip()
    if written.isascii() and written.isdigit() and int(written) >= least:
        return ""
    return f"{quoted(written)} is no whole number from {least}"


def mail(text: str) -> str:
    return f"{quoted(text)} gives a mail address away" if _MAIL.search(text) else ""


def markup(text: str, *, references: bool = True) -> str:
    """HTML, or where `references` is asked a character reference, in what is plain text."""
    for match in _ELEMENT.finditer(text):
        if match[1] is None or match[1].lower() in HTML:
            return f"{quoted(match[0])} is markup, where only words belong"
    for match in _REFERENCE.finditer(text) if references else ():
        if match[1] is None or f"{match[1]};" in html5:
            return f"{quoted(match[0])} is a character reference; readers show {quoted(html.unescape(match[0]))}"
    return ""


def characters(text: str) -> str:
    match = _BAD.search(text)
    return f"it holds U+{ord(match[0]):04X}, near {quoted(around(text, match.start()))}" if match else ""


def bidi(text: str) -> str:
    """A bidirectional override, embedding or isolate that is never closed (UAX #9): it turns what follows."""
    waiting: list[tuple[str, int]] = []
    for match in _BIDI.finditer(text):
        if match[0] in _OPEN_END:
            waiting.append((_OPEN_END[match[0]], match.start()))
        elif waiting and waiting[-1][0] == match[0]:
            waiting.pop()
    if not waiting:
        return ""
    at = waiting[-1][1]
    return f"U+{ord(text[at]):04X} is never closed, near {quoted(around(text, at))}"


def around(text: str, at: int) -> str:
    return text[max(0, at - 20) : at + 20]
