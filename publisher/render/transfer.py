"""Transfer encodings (RFC 2045 §6) of text that is cut into pieces: each piece starts and ends at a line's start.

Quoted-printable is shorter for Latin scripts, base64 for the others. Base64 takes bytes by threes, so a piece is filled
up with at most two blanks, and a reader's value is encoded together with its neighbours. The blanks stand

    in HTML        at the end of a piece, which is at a mark, after a blank, or before the > of a tag; never in an
                   attribute's value, never in a comment
    in plain text  at the end of a line, or at a mark where the piece holds no line's end
"""

import re
from binascii import a2b_base64, a2b_qp, b2a_base64
from dataclasses import dataclass
from typing import Protocol

from publisher.render.mime import quoted_printable

_THREE = 3
_LINE = 57  # bytes that make 76 characters (RFC 2045 §6.8)
_WIDTH = 75  # of a line of quoted-printable, without its soft break
_PLAIN_VALUE = re.compile(rb"[A-Za-z0-9~_:/@+-][A-Za-z0-9~_:/@+.-]*")  # nothing to encode
# Where a value's neighbours end. HTML that was serialised has < and > around tags only: a > that comes first closes the
# tag that the value stands in. A < that comes first says that it stands in text: its neighbours end at a blank, at a
# comment or in the next tag.
_NEIGHBOURS = {
    "html": re.compile(r"[^<>]*(?=>)|[^<>\s]*[ \t\n](?=[^<>]*<)|[^<>]*(?=<!)|[^<>]*<[^>]*(?=>)"),
    "plain": re.compile(r"[^\n]*(?=\n)"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What is encoded for each reader: bytes that stay and the numbers of slots; `escape` for HTML."""

    parts: tuple[bytes | int, ...]
    escape: bool


class Encoding(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, text: str) -> bytes:
        """Text that is the same in every copy."""

    def before_value(self, text: str) -> tuple[str, bytes]:
        """Split text that a value follows: what is a run, and what is encoded with the value."""

    def after_value(self, text: str) -> tuple[bytes, str]:
        """Split text that follows a value: what is encoded with the value, and what is a run."""

    def cell(self, raw: bytes) -> bytes: ...

    def size(self, encoded: bytes) -> int:
        """How many bytes an encoded piece is when it is read."""


@dataclass(frozen=True, slots=True)
class QuotedPrintable:
    """`soft` line breaks let a piece end anywhere."""

    name: str = "quoted-printable"

    def run(self, text: str) -> bytes:
        encoded = quoted_printable(text.encode())
        return encoded if text.endswith("\n") else encoded + b"=\r\n"

    def before_value(self, text: str) -> tuple[str, bytes]:
        return text, b""

    def after_value(self, text: str) -> tuple[bytes, str]:
        return b"", text

    def cell(self, raw: bytes) -> bytes:
        if len(raw) <= _WIDTH and _PLAIN_VALUE.fullmatch(raw):  # a token or an address: every copy has some
            return raw + b"=\r\n"
        return quoted_printable(raw.replace(b"\n", b" ")) + b"=\r\n"

    def size(self, encoded: bytes) -> int:
        return len(a2b_qp(encoded))


@dataclass(frozen=True, slots=True)
class Base64:
    """`kind` is the text's subtype, `html` or `plain`: it says where a blank does not show."""

    kind: str
    name: str = "base64"

    def run(self, text: str) -> bytes:
        blanks = " " * (-len(_canonical(text)) % _THREE)
        if self.kind == "plain" and "\n" in text:
            head, _, tail = text.rpartition("\n")  # at the end of the last line, not before the next
            return _lines(_canonical(f"{head}{blanks}\n{tail}"))
        return _lines(_canonical(f"{text}{blanks}"))

    def before_value(self, text: str) -> tuple[str, bytes]:
        cut, size = len(text), len(_canonical(text))
        while size % _THREE:
            cut -= 1
            size -= len(_canonical(text[cut]))
        return text[:cut], _canonical(text[cut:])

    def after_value(self, text: str) -> tuple[bytes, str]:
        found = _NEIGHBOURS[self.kind].match(text)
        at = found.end() if found else len(text)
        return _canonical(text[:at]), text[at:]

    def cell(self, raw: bytes) -> bytes:
        return _lines(raw.ljust(len(raw) + -len(raw) % _THREE))

    def size(self, encoded: bytes) -> int:
        return len(a2b_base64(encoded))


def _canonical(text: str) -> bytes:
    """Text as it is encoded: its lines end in CRLF before base64 hides them (RFC 2045 §6.8)."""
    return text.encode().replace(b"\n", b"\r\n")


def _lines(raw: bytes) -> bytes:
    """Base64 in lines of 76, CRLF at the end of each."""
    return b"".join(b2a_base64(raw[at : at + _LINE], newline=False) + b"\r\n" for at in range(0, len(raw), _LINE))


def shortest(text: str, kind: str) -> Encoding:
    """The encoding that makes the text shorter; quoted-printable where they tie."""
    raw = _canonical(text)
    return (
        Base64(kind) if (len(raw) + 2) // 3 * 4 * 78 // 76 < len(quoted_printable(text.encode())) else QuotedPrintable()
    )
