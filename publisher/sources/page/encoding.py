"""From bytes to text for HTML pages, whose labels are often wrong."""

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META = re.compile(
    rb"<meta[^<>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^<>]*?encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE
)
_HEAD = 4096  # bytes; a declaration further down is none (WHATWG HTML §13.2.3.2 looks at 1024)
# WHATWG Encoding §4.2: what pages call by the first name is written with the second.
_MEANT = {
    "ascii": "windows-1252", "iso8859-1": "windows-1252", "iso8859-9": "windows-1254", "iso8859-11": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16.*)|iso8859-.*|cp\d+|koi8.*|mac.*|big5.*|gb.*|euc.*|shift.*|iso2022.*|hz|johab"
)
_STATEFUL = ("iso2022_jp", "hz", "utf-16")  # bytes of these can pass for ASCII
_STRAY = re.compile("[\udc80-\udcff]")


def decode(content: bytes, content_type: str = "") -> str:
    """The text of a page: by its byte order mark, as UTF-8 where it is that, else as it says, else by letter.

    Text in another encoding is as good as never valid UTF-8, so a page that is has a wrong label.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    declared = _declared(content, content_type)
    if not any(encoding.startswith(_STATEFUL) for encoding in declared):
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            pass
    for encoding in declared:
        text = content.decode(encoding, "replace") if encoding != "utf-8" else "\ufffd"
        if text.count("\ufffd") <= len(text) // 100:
            return text
    return _by_letter(content)


def _declared(content: bytes, content_type: str) -> list[str]:
    """The encodings that the server and the page name, the server's first (RFC 9110 §8.3.2)."""
    inside = _META.search(content[:_HEAD])
    labels = [match[1] for match in [_CHARSET.search(content_type)] if match]
    labels += [(inside[1] or inside[2]).decode("ascii", "ignore")] if inside else []
    found = []
    for label in labels:
        try:
            name = codecs.lookup(label).name
        except (LookupError, ValueError):
            continue
        if _CHARSETS.fullmatch(name):  # Python's codecs know more, such as "idna" and "base64"
            found.append(_MEANT.get(name, name))
    return found


def _by_letter(content: bytes) -> str:
    """UTF-8, and each byte that is none as Windows-1252: a page of either, or pasted together from both."""
    text = content.decode("utf-8", "surrogateescape")
    return _STRAY.sub(lambda match: bytes([ord(match[0]) - 0xDC00]).decode("windows-1252", "replace"), text)
