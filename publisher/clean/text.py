"""Characters and plain text: what XML, mail and mailboxes refuse never gets further than here."""

import html
import re
import unicodedata

import nh3

# XML 1.0 §2.2 Char: what may not stand in a document at all, lone surrogates included.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_C1 = re.compile("[\x80-\x9f]")
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_BLOCK_END = re.compile(
    r"</(?:p|div|h[1-6]|li|dt|dd|blockquote|figcaption|td|th|tr|pre|section|article)>|<br\s*/?>",
    re.IGNORECASE,
)
_OPENERS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c",
            "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}  # fmt: skip
_BIDI = re.compile(f"[{''.join({*_OPENERS, *_OPENERS.values()})}]")
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
    text = " ".join(repair(text).split())
    return text if text.isascii() else _closed(unicodedata.normalize("NFC", text))


def _closed(text: str) -> str:
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
    spaced = _BLOCK_END.sub(lambda match: f" {match[0]}", repair(markup))
    return one_line(html.unescape(nh3.clean(spaced, tags=set())))


def first_words(text: str, count: int) -> str:
    """The first words of a plain text, with an ellipsis where it goes on."""
    words = text.split()
    return text if len(words) <= count else " ".join(words[:count]).rstrip(" ,;:–—-") + "…"


def shortened(text: str, length: int) -> str:
    """The text, or as many whole words of it as fit into a length, with an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0] + "…"


def slug(text: str) -> str:
    """Small ASCII letters, digits and hyphens; empty where the text has none."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _UNSAFE_IN_SLUG.sub("-", ascii_text.replace("'", "")).strip("-")[:80].rstrip("-")
