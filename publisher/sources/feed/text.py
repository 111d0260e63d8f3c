"""From the bytes of a feed to its text: encodings that lie, what stands before the root, and DTDs that bite. Pure.

Entities are refused before a parser sees them, so none can grow (billion laughs) or read a file.
"""

import codecs
import re
from dataclasses import dataclass

from publisher.errors import SourceError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16, so it is looked for first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where the zeros of two ASCII characters are tells what has no BOM (XML 1.0 appendix F).
_ZEROS: dict[tuple[bool, ...], str] = {
    (True, True, True, False): "utf-32-be",
    (False, True, True, True): "utf-32-le",
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
}
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_DEFAULTS = {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii", "windows-1252"}
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "x-sjis": "cp932", "euc-kr": "cp949",
          "ks_c_5601-1987": "cp949"}  # fmt: skip
# Codecs of Python that are no encodings of documents, and slow or a way to hide a DTD.
_REFUSED = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_LANGUAGE = re.compile(rb"(?:<(?:dc:)?language>\s*|xml:lang=[\"']|\"language\":\s*\")([A-Za-z]{2})")
_CODE_PAGES = {
    1250: "bs cs hr hu pl ro sk sl sq", 1251: "be bg kk ky mk mn ru sr tg uk", 1253: "el", 1254: "az tr", 1255: "he yi",
    1256: "ar fa ps ug ur", 1257: "et lt lv", 1258: "vi",
}  # fmt: skip
_CODE_PAGE_OF = {
    language: f"windows-{page}" for page, languages in _CODE_PAGES.items() for language in languages.split()
}
_ROOT = re.compile(r"<([\w.-]{1,40}:)?(rss|feed|rdf)(?=[\s>])", re.IGNORECASE)
_TAG = re.compile(r"<([\w.-]{1,40}:)?([\w.-]{1,40})")
_SPACE = re.compile(r"\s*")
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[\]<>\"']|\"[^\"]*\"|'[^']*')*", re.IGNORECASE)
_OF_DOCTYPE = ">"
_CLOSING = {"<?": "?>", "<!--": "-->", "<!DOCTYPE": _OF_DOCTYPE, "<!doctype": _OF_DOCTYPE}
_FORMATS = {"rss": "rss", "channel": "rss", "rdf": "rdf", "feed": "atom"}


def decoded(content: bytes, content_type: str = "") -> tuple[str, str]:
    """The text, and the encoding where it had to be guessed, because none that was named fits.

    What is UTF-8 beyond ASCII is UTF-8 whatever the labels say: no other text is by accident. Of two labels the
    header's counts (RFC 7303 §3.2), unless it is one that servers add without looking.
    """
    for bom, name in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(name, "replace"), ""
    if name := _ZEROS.get(tuple(byte == 0 for byte in content[:4]), ""):
        return content.decode(name, "replace"), ""
    content = content.removeprefix(codecs.BOM_UTF8)
    text = _strictly(content, "utf-8")
    if text is not None and not (text.isascii() and "\x1b" in text):  # ISO-2022 is ASCII with escapes
        return text, ""
    for label in _labels(content, content_type):
        found = _strictly(content, label)
        if found is not None:
            return found, ""
    guess = _guessed(content)
    return content.decode(guess, "replace"), guess


def _labels(content: bytes, content_type: str) -> list[str]:
    header, prolog = _CHARSET.search(content_type), _DECLARED.match(content)
    labels = [header[1].lower()] if header else []
    if prolog:
        labels.insert(0 if labels and labels[0] in _DEFAULTS else 1, prolog[1].decode().lower())
    return labels


def _strictly(content: bytes, label: str) -> str | None:
    try:
        if codecs.lookup(label).name in _REFUSED:
            return None
        return content.decode(_WIDER.get(label, label))
    except (LookupError, UnicodeError):
        return None


def _guessed(content: bytes) -> str:
    """UTF-8 with a few broken letters; else the code page of the feed's language; else what the bytes look like."""
    text = content.decode("utf-8", "replace")
    if len(re.findall("[^\x00-\x7f\ufffd]", text)) > 4 * text.count("\ufffd"):
        return "utf-8"
    if named := _LANGUAGE.search(content, 0, 10_000):
        return _CODE_PAGE_OF.get(named[1].decode().lower(), "windows-1252")
    high, in_words = re.findall(rb"[\xc0-\xff]", content), re.findall(rb"[\xc0-\xff]{4,}", content)
    # Western letters beyond ASCII stand between others; Cyrillic ones stand together.
    return "windows-1251" if 2 * sum(map(len, in_words)) > len(high) else "windows-1252"


@dataclass(frozen=True, slots=True)
class Document:
    """A feed from its root on. `format` is `rss`, `rdf` or `atom`; `line` is where the root stood in the file.

    `stray` says that something else stood around it.
    """

    text: str
    format: str
    root: str
    line: int
    stray: bool = False


def document(text: str, where: str) -> Document:
    """Cut off what stands before the root; SourceError where that declares entities, or where no feed follows."""
    start = _after_prolog(text)
    tag = _TAG.match(text, start)
    known = _FORMATS.get(tag[2].lower(), "") if tag else ""
    found = None if known else _ROOT.search(text, start)
    if found:
        start, tag, known = found.start(), found, _FORMATS[found[2].lower()]
    elif not known or not tag:
        reason = "it is a web page" if tag and tag[2].lower() == "html" else "no RSS, RDF, Atom or JSON Feed was found"
        raise SourceError(f"{where} is not a feed: {reason}.")
    if "<!ENTITY" in text[:start]:
        raise SourceError(
            f"{where} declares entities of its own (<!ENTITY), a way to attack its readers; it is refused."
        )
    root, line = tag[0][1:], text.count("\n", 0, start) + 1
    body = until_end(text[start:], root) if found else text[start:]
    return Document(body, known, root, line, stray=found is not None)


def until_end(text: str, root: str) -> str:
    """Without what follows the root's end, where there is an end."""
    end = text.rfind(f"</{root}>")
    return text if end < 0 else text[: end + len(root) + 3]


def _after_prolog(text: str) -> int:
    """Where the root begins, or whatever is out of place before it (XML 1.0 §2.8)."""
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        closing = next((close for mark, close in _CLOSING.items() if text.startswith(mark, at)), "")
        end = text.find(closing, at) if closing else -1
        if closing == _OF_DOCTYPE:
            end = _end_of_doctype(text, at)
        if end < 0:
            return at
        at = end + len(closing)


def _end_of_doctype(text: str, at: int) -> int:
    head = _DOCTYPE.match(text, at)
    end = head.end() if head else -1
    subset = text.find("]", end) if text.startswith("[", end) else end
    return text.find(_OF_DOCTYPE, subset) if subset >= 0 else -1
