"""Article HTML by allow-list: safe in a mailbox, a feed reader and a page.

Links and images become absolute; what cannot is dropped. Embeds become a link that names what they embedded. What
comes out goes in again unchanged.
"""

import html
import re
import threading
import unicodedata
from typing import Any
from urllib.parse import urlsplit

import nh3

from publisher.clean.text import closed, from_html, repair, shallow
from publisher.clean.urls import absolute

_TAGS = {
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "dd", "del", "div", "dl", "dt",
    "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "time", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_WITH_CONTENT = {
    "script", "style", "form", "button", "select", "textarea", "noscript", "noembed", "noframes", "svg", "math",
    "template", "title", "head",
}  # fmt: skip
# Kept through the first pass only, until each has become something that is allowed.
_EMBEDS = {"iframe", "video", "audio", "object", "embed", "source", "param"}
_LAZY = ("data-src", "data-lazy-src", "data-original")  # where a picture waits for a script
_EMBEDDED = (*_LAZY, "src", "data", "href")
_SIZES = ("data-srcset", "srcset")
_EMBED_ATTRIBUTES = {
    **_ATTRIBUTES,
    "img": _ATTRIBUTES["img"] | {*_LAZY, *_SIZES},
    "object": {"data", "title"},
    "param": {"name", "value"},
    **{name: {"src", "title", *_LAZY} for name in _EMBEDS - {"object", "param"}},
}
_PLACES = {"href", "src", "data"}
_RULES: dict[str, Any] = {
    "clean_content_tags": _WITH_CONTENT,
    "url_schemes": {"http", "https", "mailto", "tel"},
    "link_rel": None,
    "strip_comments": True,
}


class _Here(threading.local):
    """Where relative addresses start: nh3 prepares its rules once, and so hears of each article's base by the side."""

    base: str | None = None


_HERE = _Here()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name in _PLACES:
        # No address is the page itself: right for a link, but no picture.
        return absolute(value, _HERE.base) if name == "href" or value.strip() else None
    if name in ("width", "height"):
        return value if _DIMENSION.fullmatch(value) else None
    return value


_WITH_EMBEDS = nh3.Cleaner(tags=_TAGS | _EMBEDS, attributes=_EMBED_ATTRIBUTES, attribute_filter=_attribute, **_RULES)
_WITHOUT_EMBEDS = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, attribute_filter=_attribute, **_RULES)
_SETTLING = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, **_RULES)

_TOP_HEADING = re.compile(r"<(/?)h1\b", re.IGNORECASE)
_NO_SCRIPT_EMBED = re.compile(r"<noscript[^<>]*>(?=\s*<iframe)", re.IGNORECASE)  # what readers without scripts got
_ATTRIBUTE_TEXT = r'(?:\s[\w-]+(?:="[^"]*")?)*'  # as the parser writes them: quoted, with entities
_EMBED = re.compile(
    rf"<(?P<tag>iframe|video|audio|object)(?P<own>{_ATTRIBUTE_TEXT})\s*>(?P<inside>.*?)</(?P=tag)>"
    rf"|<(?:embed|source|param)(?P<void>{_ATTRIBUTE_TEXT})\s*/?>",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"<(?:iframe|video|audio|object|embed|source|param)\b|\s(?:data-[a-z-]+|srcset)=")
_IMAGE = re.compile(rf"<img({_ATTRIBUTE_TEXT})\s*/?>")
_VALUE = re.compile(r'\s([\w-]+)="([^"]*)"')
_EMPTY = re.compile(r"<(p|div|span|figure|figcaption|h[2-6])(?:\s[^<>]*)?>(?:\s|&nbsp;|<br>)*</\1>")
_ANY_TAG = re.compile(rf"<(/?)([a-z0-9]+){_ATTRIBUTE_TEXT}\s*>")
_HEADING = re.compile(r"\A\s*<(h[2-6])(?:\s[^<>]*)?>(.*?)</\1>", re.DOTALL)
_DIMENSION = re.compile(r"\d{1,5}")
_SCALED = re.compile(r"(-\d{2,5}x\d{2,5}|-scaled)?(?=\.\w{3,4}$)")
_OVERRIDES = re.compile("[\u202d\u202e]")
_BETWEEN_MARKS = re.compile(r"[^<>]+")  # a combining stroke would make another character of ">"
_CARRIED = re.compile(r"\bdata:(?:[a-z]+/|[;,])[^\"'<>]{1000,}", re.IGNORECASE)
_PRE = re.compile(r"(<pre(?:\s[^<>]*)?>)\n+")
_MOST_READINGS = 6
_VOID = {"br", "hr", "img"}
_DEEPEST = 100  # elements inside one another; parsers of mail and pages give up at 256


def sanitise(markup: str, base: str | None) -> str:
    """Return HTML of allowed elements with absolute addresses; `base` resolves relative ones."""
    prepared = _NO_SCRIPT_EMBED.sub("", _TOP_HEADING.sub(r"<\1h2", shallow(repair(markup))))
    _HERE.base = base
    cleaned = _WITH_EMBEDS.clean(prepared)
    if _UNFINISHED.search(cleaned):
        # An embed's link is a paragraph, which may stand inside another; the parser closes that one.
        cleaned = _IMAGE.sub(_loaded, _EMBED.sub(_link_to_embed, cleaned))
        cleaned = _WITHOUT_EMBEDS.clean(cleaned)
    if cleaned.count("<") > _DEEPEST:
        cleaned = _flattened(cleaned)
    return _settled(cleaned)


def without_data(markup: str) -> str:
    """HTML without what its addresses carry themselves (RFC 2397), a picture of a megabyte perhaps; nobody shows it."""
    return _CARRIED.sub("data:,", markup)


def _settled(markup: str) -> str:
    """Drop what shows nothing, and read it again until reading changes nothing more."""
    for _ in range(_MOST_READINGS):
        # The parser turns entities such as &#11; into characters that XML refuses, and eats a newline after <pre>.
        shown = _without_empty(_PRE.sub(r"\1", _IMAGE.sub(_if_it_shows, _composed(repair(markup)))))
        markup = _SETTLING.clean(shown)
        if markup == shown:
            break
    return markup


def _composed(markup: str) -> str:
    """Text composed (NFC), without the overrides that turn all that follows around; a tag's own marks stay apart.

    An isolate or embedding that is left open ends with the text it stands in.
    """
    if markup.isascii():
        return markup
    markup = _OVERRIDES.sub("", markup)
    if not unicodedata.is_normalized("NFC", markup):
        markup = _BETWEEN_MARKS.sub(lambda run: unicodedata.normalize("NFC", run[0]), markup)
    words = "".join(_BETWEEN_MARKS.findall(markup)).rstrip()
    return markup if closed(words) == words else _BETWEEN_MARKS.sub(lambda run: closed(run[0]), markup)


def _values(attributes: str) -> dict[str, str]:
    """Attributes as the parser wrote them, their values still encoded."""
    return dict(_VALUE.findall(attributes))


def _link_to_embed(match: re.Match[str]) -> str:
    places = [_values(match["own"] or match["void"] or "")]
    places += [_values(inner) for inner in re.findall(rf"<\w+({_ATTRIBUTE_TEXT})", match["inside"] or "")]
    place = next((value for one in places for name in _EMBEDDED if (value := one.get(name))), "")
    if not place:
        parameters = (one.get("value", "") for one in places if one.get("name", "").lower() in ("movie", "src", "url"))
        place = next(filter(None, parameters), "")
    if not place:
        return ""
    title = next((one["title"] for one in places if one.get("title", "").strip()), "")
    host, address = _readable(html.unescape(place))
    name = f"{title} ({html.escape(host)})" if title and host else title or html.escape(address)
    return f'<p><a href="{place}">{name}</a></p>'


def _readable(url: str) -> tuple[str, str]:
    """(the host, the address as a person would write it: no scheme, no query)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return host, f"{host}{parts.path.rstrip('/')}"


def _loaded(match: re.Match[str]) -> str:
    """A picture that waits for a script gets its address at once; its `src`, if any, is a grey box until then."""
    values = _values(match[1])
    waiting = [values.get(name) for name in _LAZY] + [_largest(values.get("data-srcset", "")), values.get("src")]
    place = next((address for address in (*waiting, _largest(values.get("srcset", ""))) if address), "")
    kept = "".join(f' {name}="{values[name]}"' for name in ("alt", "width", "height", "lang", "dir") if name in values)
    return f'<img src="{place}"{kept}>'


def _largest(candidates: str) -> str:
    """The widest picture of a `srcset`: `a.jpg 300w, b.jpg 1024w`."""
    sizes = [candidate.split() for candidate in re.split(r",\s+", candidates) if candidate.strip()]
    return (
        max(sizes, key=lambda size: float(size[1][:-1]) if size[1:] and size[1][:-1].isdecimal() else 0)[0]
        if sizes
        else ""
    )


def _if_it_shows(match: re.Match[str]) -> str:
    """A picture without an address, or of one pixel, is none."""
    values = _values(match[1])
    tiny = values.get("width") in ("0", "1") or values.get("height") in ("0", "1")
    return match[0] if values.get("src") and not tiny else ""


def _flattened(markup: str) -> str:
    """Leave out the tags, never the text, of elements that stand too deep inside others."""
    depth = 0

    def tag(match: re.Match[str]) -> str:
        nonlocal depth
        if match[2] in _VOID:
            return match[0]
        if match[1]:
            depth -= 1
            return match[0] if depth < _DEEPEST else ""
        depth += 1
        return match[0] if depth <= _DEEPEST else ""

    return _ANY_TAG.sub(tag, markup)


def _without_empty(markup: str) -> str:
    """An element that held only what was left out is left out, and then perhaps the one around it."""
    found = 1
    while found:
        markup, found = _EMPTY.subn("", markup)
    return markup.strip()


def without_picture(markup: str, url: str) -> str:
    """Remove the first picture from a body where it is the lead image too, in whatever size, so that it shows once."""
    lead = _picture_key(url)

    def picture(match: re.Match[str]) -> str:
        nonlocal lead
        if _picture_key(html.unescape(_values(match[1]).get("src", ""))) != lead:
            return match[0]
        lead = "\0"
        return ""

    return _without_empty(_IMAGE.sub(picture, markup))


def _picture_key(url: str) -> str:
    """What the sizes of one picture share: WordPress writes `a-1024x683.jpg` and `a-scaled.jpg` beside `a.jpg`."""
    return _SCALED.sub("", url.partition("://")[2])


def without_title(markup: str, title: str) -> str:
    """Remove a first heading that only says the title again."""
    heading = _HEADING.match(markup)
    said = from_html(heading[2]).casefold() if heading else ""
    return markup[heading.end() :].strip() if heading and said == title.casefold() else markup
