"""Header fields and transfer encoding, written by hand: Python's `email` folds a long List-Unsubscribe address into
encoded words, which breaks one-click unsubscribe (cpython#85725).
"""

import base64
import re
import unicodedata
from collections.abc import Iterator

import idna

from publisher.clean.text import one_line
from publisher.model.newsletter import Mailbox

_FOLD = 76  # header lines, below RFC 5322's 78
_WIDTH = 75  # body lines: 76 (RFC 2045 §6.7) less a soft break that the plate may have to add
_LONGEST_WORD = 75  # RFC 2047 §2
_LONGEST_FIRST_WORD = 60  # leaves room for the name of any field we write
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ENCODE = re.compile(rb"[^\x20-\x3c\x3e-\x7e]|  +| (?=\n|\Z)|^\.|^From ", re.MULTILINE)
_PLAIN_MAILBOX = re.compile(r"[A-Za-z-]+: [A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)* <[a-z0-9.+_-]+@[a-z0-9.-]+>\r\n")
_UNIT = re.compile(rb"=[0-9A-F]{2}|[^=]")
_AROUND_WORD = len("=?utf-8?b??=")
_JOINER = "\u200d"
_VIRAMA = 9  # the combining class of what joins Indic consonants
_TAILS = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")  # skin tones, and the letters of a region's flag
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")  # two make a country's flag


def header(name: str, value: str) -> bytes:
    """An unstructured field (RFC 5322 §2.2.1), folded, encoded where it is not plain ASCII (RFC 2047)."""
    value = one_line(value)
    if _is_plain(value):
        return f"{_folded(f'{name}: ', value.split(' '))}\r\n".encode()
    words = encoded_words(value, _LONGEST_WORD - len(name) - 2)
    return (f"{name}: " + "\r\n ".join(words) + "\r\n").encode()


def _is_plain(text: str) -> bool:
    """Whether text may stand as it is: ASCII, nothing like an encoded word, no word too long to fold."""
    return text.isascii() and "=?" not in text and max(map(len, text.split(" "))) <= _LONGEST_FIRST_WORD


def _folded(start: str, words: list[str]) -> str:
    lines, line = [], start
    for number, word in enumerate(words):
        gap = " " if number else ""
        if number and len(line) + len(gap) + len(word) > _FOLD:
            lines.append(line)
            line = f" {word}"
        else:
            line += gap + word
    return "\r\n".join([*lines, line])


def encoded_words(text: str, first: int = _LONGEST_WORD) -> list[str]:
    """Base64 encoded-words, each whole characters and at most 75 long; the first at most `first`."""
    data = text.encode()
    if len(data) <= _bytes_in(min(first, _LONGEST_WORD)):
        return [_encoded_word(data)]
    words, chunk, room = [], "", first
    for part in _units(text, _bytes_in(min(first, _LONGEST_WORD))):
        if chunk and len((chunk + part).encode()) > _bytes_in(room):
            words.append(chunk)
            chunk, room = "", _LONGEST_WORD
        chunk += part
    return [_encoded_word(word.encode()) for word in [*words, chunk] if word]


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode()}?="


def _bytes_in(length: int) -> int:
    """How many bytes an encoded-word of a length holds."""
    return (length - _AROUND_WORD) // 4 * 3


def _units(text: str, most: int) -> Iterator[str]:
    """What readers take for one character (UAX #29, nearly), or its parts where it has more than `most` bytes.

    RFC 2047 §5 asks for whole characters only, but programs that show words one by one would show half an emoji.
    """
    unit = ""
    for character in text:
        if unit and not _belongs(character, unit):
            yield from [unit] if len(unit.encode()) <= most else unit
            unit = ""
        unit += character
    yield from [unit] if len(unit.encode()) <= most else unit


def _belongs(character: str, unit: str) -> bool:
    """Whether a character is seen as part of what stands before it."""
    if character == _JOINER or unit[-1] == _JOINER or unicodedata.combining(unit[-1]) == _VIRAMA:
        return True
    if unicodedata.category(character)[0] == "M" or _TAILS.match(character):
        return True
    return bool(_REGIONAL.match(character) and _REGIONAL.fullmatch(unit))


def address_header(name: str, mailbox: Mailbox) -> bytes:
    """A field with one mailbox (RFC 5322 §3.4); the address itself is never encoded."""
    plain = f"{name}: {mailbox.name} <{mailbox.address}>\r\n"
    if len(plain) < _FOLD and _PLAIN_MAILBOX.fullmatch(plain):  # what most readers are
        return plain.encode()
    address = f"<{_with_a_labels(one_line(mailbox.address))}>"
    phrase = display_name(mailbox.name)
    if not phrase:
        return f"{name}: {address[1:-1]}\r\n".encode()
    return f"{_folded(f'{name}: ', [*phrase, address])}\r\n".encode()


def _with_a_labels(address: str) -> str:
    """An address with its domain as the DNS has it (RFC 5891 §4.4): not every server that takes it knows SMTPUTF8."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def display_name(text: str) -> list[str]:
    """A phrase as words that may be folded apart: atoms, the words of one quoted string, or encoded words."""
    text = one_line(text)
    if not text:
        return []
    if not _is_plain(text):
        return encoded_words(text, _LONGEST_FIRST_WORD)
    if _ATOMS.fullmatch(text):
        return text.split(" ")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.split(" ")


def quoted_printable(data: bytes) -> bytes:
    """Encode text with LF line ends (RFC 2045 §6.7): lines of at most 76, CRLF between.

    No leading dot, no `From `, no runs of blanks and none at a line's end: SMTP need not stuff it, mbox not quote it,
    and DKIM's relaxed canonicalisation (RFC 6376 §3.4.4) leaves it as it is.
    """
    escaped = _ENCODE.sub(_hex, data)
    return b"\r\n".join(_wrapped(line) for line in escaped.split(b"\n"))


def _hex(match: re.Match[bytes]) -> bytes:
    found = match[0]
    if found == b"\n":
        return found
    if found == b"From ":
        return b"=46rom "
    return b"".join(b"=%02X" % byte for byte in found)


def _wrapped(line: bytes) -> bytes:
    if len(line) <= _WIDTH:
        return line
    lines: list[bytes] = []
    start = 0
    while len(line) - start > _WIDTH:
        end = start + _WIDTH
        # Never cut an =XX, and let no line begin with a dot, a blank or "From ".
        while end > start and (
            b"=" in line[end - 2 : end] or line[end : end + 1] in b". " or line[end : end + 5] == b"From "
        ):
            end -= 1
        if end - start < _WIDTH // 2:  # a run of dots or blanks longer than half a line
            return _wrapped_by_unit(line)
        lines.append(line[start:end] + b"=")
        start = end
    return b"\r\n".join([*lines, line[start:]])


def _wrapped_by_unit(line: bytes) -> bytes:
    lines, current = [], b""
    for unit in _UNIT.findall(line):
        safe = b"=%02X" % unit[0] if unit in b". " else unit
        if len(current) + len(safe) > _WIDTH:
            lines.append(current + b"=")
            current = b""
        current += safe
    return b"\r\n".join([*lines, current])
