"""Characters and plain text: what XML, mail and mailboxes refuse never gets further than here."""

import hashlib
import html
import re
import unicodedata
from functools import lru_cache

import nh3

# XML 1.0 §2.2 Char: what may not stand in a document at all, lone surrogates included.
# Unicode §23.7: for nobody's use between programs; the last two of each plane among them.
_LAST_OF_PLANES = "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
NON_CHARACTERS = f"\ufdd0-\ufdef{_LAST_OF_PLANES}"
_ILLEGAL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff{NON_CHARACTERS}]")
_C1 = re.compile("[\x80-\x9f]")
# A quick look first: whatever is not plainly harmless, emoji too. A class that names the last of each plane is slow.
_SUSPECT = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")
_BLOCK_END = re.compile(
    r"</(?:p|div|h[1-6]|li|dt|dd|blockquote|figcaption|td|th|tr|pre|section|article)>|<br\s*/?>",
    re.IGNORECASE,
)
_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c",
            "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}  # fmt: skip
_NO_TAGS = nh3.Cleaner(tags=set())
_DEEPEST = 100
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)[^<>]*>")
_CLEAN_TAG = re.compile(r'</?[a-z0-9]+(?:\s[\w-]+(?:="[^"]*")?)*\s*/?>')
# Elements that hold none, and those that the next of their kind ends though nobody closed them.
_NEVER_DEEP = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "rp", "rt", "html",
    "head", "body",
}  # fmt: skip
_BIDI = re.compile(f"[{''.join({*_OPENERS, *_OPENERS.values()})}]")
# A word and whether a blank follows: East Asian characters are words of one, with the closing marks after them.
_EAST_ASIAN = "\u2e80-\u2fff\u3040-\u33ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_CLOSING = "\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u30fc\u2019\u201d.,;:!?)\\]"
_WORD = re.compile(rf"([{_EAST_ASIAN}][{_CLOSING}]*|[^\s{_EAST_ASIAN}]+)(\s*)")
_JOINER, _VIRAMA = "\u200d", 9  # what joins emoji; the combining class of what joins Indic consonants
_TAILS = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")  # skin tones, and the letters of a region's flag
_HALF_A_FLAG = re.compile("(?<![\U0001f1e6-\U0001f1ff])(?:[\U0001f1e6-\U0001f1ff]{2})*[\U0001f1e6-\U0001f1ff]\\Z")
_UNSAFE_IN_SLUG = re.compile(r"[^a-z0-9]+")


def repair(text: str) -> str:
    """Drop what no document may hold; read stray C1 bytes as the Windows-1252 they once were."""
    if not _SUSPECT.search(text):
        return text
    text = _C1.sub(_from_windows_1252, text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _ILLEGAL.sub("", text)


def _from_windows_1252(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode("windows-1252")
    except UnicodeDecodeError:
        return ""


def one_line(text: str) -> str:
    """Repaired plain text on one line, composed (NFC), with every bidi override closed again."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = " ".join(repair(text).split())
    return text if text.isascii() else closed(unicodedata.normalize("NFC", text))


def closed(text: str) -> str:
    """The text with every bidi control that it opens closed again (UAX #9 §2)."""
    open_controls: list[str] = []
    for control in _BIDI.findall(text):
        if control in _OPENERS:
            open_controls.append(_OPENERS[control])
        elif open_controls and control == open_controls[-1]:
            open_controls.pop()
    return text + "".join(reversed(open_controls))


def from_html(markup: str) -> str:
    """The words of HTML on one line."""
    if "<" not in markup and "&" not in markup:
        return one_line(markup)
    spaced = _BLOCK_END.sub(r" \g<0>", shallow(repair(markup)))
    return one_line(html.unescape(_NO_TAGS.clean(spaced)))


def from_clean_html(markup: str) -> str:
    """The words of HTML that `markup.sanitise` made, on one line: the same as `from_html`, without a parser."""
    return one_line(html.unescape(_CLEAN_TAG.sub("", _BLOCK_END.sub(r" \g<0>", markup))))


def shallow(markup: str) -> str:
    """HTML without the tags, never the text, of elements far inside others: a parser's time grows with their depth."""
    if markup.count("<") <= _DEEPEST:
        return markup
    depth = 0

    def tag(match: re.Match[str]) -> str:
        nonlocal depth
        if match[2].lower() in _NEVER_DEEP:
            return match[0]
        if match[1]:
            depth = max(0, depth - 1)
            return match[0] if depth < _DEEPEST else ""
        depth += 1
        return match[0] if depth <= _DEEPEST else ""

    return _TAG.sub(tag, markup)


def first_words(text: str, count: int) -> str:
    """The first words of a plain text, with an ellipsis where it goes on."""
    words = text.split()
    return text if len(words) <= count else closed(" ".join(words[:count]).rstrip(" ,;:–—-") + "…")


def shortened(text: str, length: int) -> str:
    """The text, or as many whole words of it as fit into a length, with an ellipsis.

    A word that does not fit by itself ends between two characters as a reader sees them, never within an emoji.
    """
    if len(text) <= length:
        return text
    words, blank, _ = text[: length - 1].rpartition(" ")
    return closed((words if blank else _whole(text, length - 1)) + "…")


def _whole(text: str, length: int) -> str:
    """At most so many characters, without one whose tail would be cut off (UAX #29 §3.1)."""
    end = length
    while end and _goes_on(text, end):
        end -= 1
    return text[: end or length]


def _goes_on(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _JOINER in (before, after) or unicodedata.category(after)[0] == "M" or _TAILS.match(after):
        return True
    if unicodedata.combining(before) == _VIRAMA:
        return True
    return "\U0001f1e6" <= after <= "\U0001f1ff" and bool(_HALF_A_FLAG.search(text[:at]))


def shows(text: str) -> bool:
    """Whether there is anything to see: spaces of no width, marks and controls alone are nothing."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


def wrapped(text: str, width: int = 72, indent: str = "") -> str:
    """Plain text in lines of at most `width` columns; a word longer than that, such as an address, stays whole.

    East Asian text breaks anywhere, and each of its characters takes two columns (UAX #11, UAX #14).
    """
    lines, line, at = list[str](), indent, len(indent)
    for word, gap in _WORD.findall(text.strip()):
        size = columns(word)
        if at > len(indent) and at + size > width:
            lines.append(line.rstrip())
            line, at = indent, len(indent)
        line += word + (" " if gap else "")
        at += size + bool(gap)
    return "\n".join([*lines, line.rstrip()])


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def slug(text: str) -> str:
    """Small ASCII letters, digits and hyphens; empty where the text has none."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _UNSAFE_IN_SLUG.sub("-", ascii_text.replace("'", "")).strip("-")[:80].rstrip("-")


@lru_cache(10_000)
def handle(name: str) -> str:
    """A person's or a kind's name as a part of an address: its slug, with a digest where the slug loses letters."""
    lost = [one for one in unicodedata.normalize("NFKD", name) if one.isalnum() and not one.isascii()]
    if not lost:
        return slug(name)
    digest = hashlib.sha256(one_line(name).casefold().encode()).hexdigest()[:8]
    return f"{slug(name)}-{digest}".lstrip("-")
