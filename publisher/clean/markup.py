"""Article HTML by allow-list: safe in a mailbox, a feed reader and a page.

Links and images become absolute; what cannot is dropped. Embeds become a link to what they embedded.
"""

import re

import nh3

from publisher.clean.text import repair
from publisher.clean.urls import absolute

_TAGS = {
    "a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "cite", "code", "dd", "del", "div", "dl", "dt",
    "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "iframe", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "time", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title", "hreflang"},
    "iframe": {"src", "title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
_WITH_CONTENT = {"script", "style", "form", "noscript", "object", "svg", "math", "template", "title", "head"}
_TOP_HEADING = re.compile(r"<(/?)h1\b", re.IGNORECASE)
_IFRAME = re.compile(r'<iframe((?:\s[\w-]+="[^"]*")*)\s*>.*?</iframe>', re.DOTALL)
_IMAGE_WITHOUT_SOURCE = re.compile(r'<img(?![^>]*\ssrc=)(?:\s[\w-]+(?:="[^"]*")?)*\s*/?>')
_EMPTY = re.compile(r"<(p|div|span|figure|h[2-6])(?:\s[^<>]*)?>(?:\s|&nbsp;|<br>)*</\1>")
_SRC = re.compile(r'\ssrc="([^"]*)"')
_DIMENSION = re.compile(r"\d{1,5}")


def sanitise(markup: str, base: str | None) -> str:
    """Return HTML of allowed elements with absolute addresses; `base` resolves relative ones."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name in ("href", "src"):
            return absolute(value, base)
        if name in ("width", "height"):
            return value if _DIMENSION.fullmatch(value) else None
        return value

    def allowed(text: str) -> str:
        return nh3.clean(
            text,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            clean_content_tags=_WITH_CONTENT,
            attribute_filter=attribute,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel=None,
            strip_comments=True,
        )

    cleaned = allowed(_TOP_HEADING.sub(r"<\1h2", repair(markup)))
    if _IFRAME.search(cleaned):
        # The link's paragraph may stand inside another; the parser closes that one.
        cleaned = allowed(_IFRAME.sub(_link_to_embed, cleaned))
    # Again: the parser has turned entities such as &#11; into the characters that XML refuses.
    cleaned = _IMAGE_WITHOUT_SOURCE.sub("", repair(cleaned))
    return _EMPTY.sub("", cleaned).strip()


def _link_to_embed(match: re.Match[str]) -> str:
    source = _SRC.search(match[1])
    return f'<p><a href="{source[1]}">{source[1]}</a></p>' if source else ""


def drop_image(markup: str, url: str) -> str:
    """Remove the first image from a body where it is the lead image too, so that it shows once."""
    escaped = re.escape(url.replace("&", "&amp;"))
    pattern = re.compile(rf'<img(?=[^>]*\ssrc="{escaped}")(?:\s[\w-]+(?:="[^"]*")?)*\s*/?>')
    return _EMPTY.sub("", pattern.sub("", markup, count=1)).strip()
