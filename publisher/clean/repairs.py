"""What had to be repaired in an article, counted for the log: not how, that is `text`, `urls` and `markup`."""

import re
from collections import Counter
from collections.abc import Iterable

from publisher.clean.text import NON_CHARACTERS

_CHARACTERS = {
    "control characters": re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    "stray Windows-1252": re.compile("[\x80-\x9f]"),
    "lone surrogates": re.compile("[\ud800-\udfff]"),
    "non-characters": re.compile(f"[{NON_CHARACTERS}]"),
    "bidi overrides": re.compile("[\u202a-\u202e\u2066-\u2069]"),
}
# A quick look first: whatever is not plainly harmless, emoji too.
_SUSPECT = re.compile("[^\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202f-\\u2065\\u206a-\\ud7ff\\ue000-\\ufdcf\\ufdf0-\\ufffd]")
_ELEMENTS = {
    "script": "scripts", "style": "styles", "form": "forms", "iframe": "embeds", "object": "embeds", "embed": "embeds",
    "video": "embeds", "audio": "embeds",
}  # fmt: skip
_SIGNS = {
    "javascript:": "script addresses", "data:": "data addresses", " style=": "styles",
    "<o:": "Office markup", "<!--[if": "Office markup",
}  # fmt: skip
_OPENING = re.compile(r"<([a-z]+)")
_HANDLER = re.compile(r"<[a-z][^<>]*?\son[a-z]+\s*=")
_RELATIVE = re.compile(r"<(?:a|img)\s[^<>]*?(?:href|src)\s*=\s*[\"']?(?![\"'\s>#]|[a-z][a-z0-9+.-]*:)")


def survey(texts: Iterable[str], markup: str) -> Counter[str]:
    """Count by kind what cleaning will take out of these plain texts and this HTML."""
    found: Counter[str] = Counter()
    for text in (*texts, markup):
        if _SUSPECT.search(text):
            found.update({kind: number for kind, one in _CHARACTERS.items() if (number := len(one.findall(text)))})
    small = markup.lower()
    for name in _OPENING.findall(small):
        if kind := _ELEMENTS.get(name):
            found[kind] += 1
    for sign, kind in _SIGNS.items():
        if number := small.count(sign):
            found[kind] += number
    if handlers := len(_HANDLER.findall(small)) if " on" in small else 0:
        found["event handlers"] += handlers
    if relative := len(_RELATIVE.findall(small)):
        found["relative addresses"] += relative
    return found
