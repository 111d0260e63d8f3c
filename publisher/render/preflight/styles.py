"""What a reader would see of each element: its colour, the colour behind it, its size, and whether it is hidden.

Not a browser: the rules of `<style>` outside any at-rule, then style attributes, then what is `!important`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree
from lxml.cssselect import CSSSelector, SelectorError

from publisher.model.theme import contrast

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_QUOTED = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|url\([^)]{0,2000}\)', re.IGNORECASE)
_DECLARATION = re.compile(r"(?<![-\w])([-\w]+)\s*:\s*((?:[^;\"'(]|\"[^\"]*\"|'[^']*'|\([^)]*\))*)")
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*1(?:\.0*)?\s*)?\)", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\([^)]*\)|[a-z]+", re.IGNORECASE)
_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%)?", re.IGNORECASE)
_LONGEST_LENGTH = 20  # characters
_PIXELS = {"px": 1.0, "pt": 4 / 3, "rem": 16.0, "": 1.0}
_NAMED = {
    "black": "#000000", "white": "#ffffff", "gray": "#808080", "grey": "#808080", "silver": "#c0c0c0",
    "maroon": "#800000", "red": "#ff0000", "purple": "#800080", "fuchsia": "#ff00ff", "magenta": "#ff00ff",
    "green": "#008000", "lime": "#00ff00", "olive": "#808000", "yellow": "#ffff00", "navy": "#000080",
    "blue": "#0000ff", "teal": "#008080", "aqua": "#00ffff", "cyan": "#00ffff", "orange": "#ffa500",
    "darkgray": "#a9a9a9", "darkgrey": "#a9a9a9", "lightgray": "#d3d3d3", "lightgrey": "#d3d3d3",
    "dimgray": "#696969", "dimgrey": "#696969", "whitesmoke": "#f5f5f5", "ivory": "#fffff0", "crimson": "#dc143c",
}  # fmt: skip
_UNKNOWN = ""
_SAME = 1.15  # below this contrast nobody sees a word
_LINK = "#0000ee"  # what browsers give a link that has no colour of its own


@dataclass(frozen=True, slots=True)
class Look:
    """`color` and `ground` are `#rrggbb`, empty where unknown; `size` is in pixels; `hidden` says by what."""

    color: str = "#000000"
    ground: str = "#ffffff"
    size: float = 16.0
    hidden: str = ""
    styled: bool = False

    @property
    def contrast(self) -> float | None:
        """None where a colour is unknown, or nobody chose any."""
        return contrast(self.color, self.ground) if self.styled and self.color and self.ground else None

    @property
    def unreadable(self) -> str:
        """What hides the words, if anything does."""
        if self.hidden:
            return self.hidden
        if self.size <= 1:
            return f"font-size: {self.size:g}px"
        ratio = self.contrast
        return f"{self.color} on {self.ground}" if ratio is not None and ratio < _SAME else ""


def looks(tree: Any) -> dict[Any, Look]:
    """The look of every element of the body."""
    body = tree.find("body")
    if body is None:
        return {}
    sheet, important = _from_sheets(tree)
    found: dict[Any, Look] = {}
    for element in body.iter(etree.Element):
        own = _declarations(element.get("style", ""))
        values = {**sheet.get(element, {}), **own[0], **important.get(element, {}), **own[1]}
        found[element] = _look(element, values, found.get(element.getparent(), Look()))
    return found


def style_text(tree: Any) -> list[str]:
    return [element.text or "" for element in tree.iter("style")]


def nested_at_rules(css: str) -> list[str]:
    """At-rules inside at-rules: Gmail drops the whole block (hteumeuleu/email-bugs#21)."""
    found, depth = list[str](), 0
    for mark in re.findall(r"@[\w-]+|[{}]", _QUOTED.sub("", _COMMENT.sub("", css))):
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth = max(0, depth - 1)
        elif depth:
            found.append(mark)
    return found


def _from_sheets(tree: Any) -> tuple[dict[Any, dict[str, str]], dict[Any, dict[str, str]]]:
    plain: dict[Any, dict[str, str]] = {}
    important: dict[Any, dict[str, str]] = {}
    for css in style_text(tree):
        for selectors, block in _rules(css):
            usual, urgent = _declarations(block)
            for element in _matching(tree, selectors):
                plain.setdefault(element, {}).update(usual)
                important.setdefault(element, {}).update(urgent)
    return plain, important


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of the rules that hold everywhere."""
    selectors, depth = "", 0
    for piece in re.split("([{}])", _COMMENT.sub("", css)):
        if piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(0, depth - 1)
        elif not depth:
            selectors = piece.rpartition(";")[2].strip()  # behind an @import
        elif depth == 1 and not selectors.startswith("@"):
            yield selectors, piece


def _matching(tree: Any, selectors: str) -> list[Any]:
    try:
        found = CSSSelector(selectors, translator="html")(tree)
    except (SelectorError, etree.LxmlError, ValueError, RecursionError):
        return []  # a selector that a mail program alone understands
    return found if isinstance(found, list) else []


def _declarations(block: str) -> tuple[dict[str, str], dict[str, str]]:
    """Usual ones and important ones."""
    usual, urgent = dict[str, str](), dict[str, str]()
    for name, value in _DECLARATION.findall(block):
        plain, mark, _ = value.lower().partition("!")
        (urgent if mark else usual)[name.lower()] = plain.strip()
    return usual, urgent


def _look(element: Any, values: Mapping[str, str], around: Look) -> Look:
    color = _color(values["color"]) if "color" in values else (_color(element.get("color", "")) or around.color)
    if element.tag == "a" and element.get("href") and "color" not in values:
        color = _LINK
    ground = _ground(element, values, around.ground)
    size = _size(values.get("font-size", ""), around.size)
    return replace(
        around,
        color=around.color if values.get("color") in ("inherit", "currentcolor") else color,
        ground=ground,
        size=size,
        hidden=around.hidden or _hiding(element, values),
        styled=around.styled or "color" in values or bool(element.get("color")) or ground != around.ground,
    )


def _ground(element: Any, values: Mapping[str, str], around: str) -> str:
    short = values.get("background", "")
    if "url(" in short or "gradient(" in short or "url(" in values.get("background-image", ""):
        return _UNKNOWN
    written = values.get("background-color") or short or element.get("bgcolor", "").lower()
    if written.split(" ")[0] in ("", "transparent", "inherit", "none", "initial", "unset"):
        return around
    return next((known for known in map(_color, _COLOUR.findall(written)) if known), _UNKNOWN)


def _color(written: str) -> str:
    """`#rrggbb`, or empty for what we cannot read."""
    written = written.strip().lower()
    if _HEX.fullmatch(written):
        return written if len(written) == 7 else "#" + "".join(digit * 2 for digit in written[1:])
    channels = _RGB.fullmatch(written)
    if channels:
        return "#" + "".join(f"{min(255, int(channel)):02x}" for channel in channels.groups())
    return _NAMED.get(written, _UNKNOWN)


def _size(written: str, around: float) -> float:
    match = _LENGTH.fullmatch(written[:_LONGEST_LENGTH])
    if not match:
        return around
    number, unit = float(match[1]), (match[2] or "").lower()
    return number * {"em": around, "%": around / 100}.get(unit, _PIXELS.get(unit, 1.0))


def _hiding(element: Any, values: Mapping[str, str]) -> str:
    """The declaration that takes an element out of sight."""
    for name, hides in (("display", "none"), ("visibility", "hidden"), ("visibility", "collapse")):
        if values.get(name) == hides:
            return f"{name}: {hides}"
    if values.get("color") == "transparent":
        return "color: transparent"
    if _zero(values.get("opacity")):
        return "opacity: 0"
    for name in ("max-height", "height", "max-width", "width"):
        if _zero(values.get(name)) and values.get("overflow") == "hidden":
            return f"{name}: 0"
    if _size(values.get("text-indent", ""), 0) <= -500:
        return "text-indent"
    return "the attribute hidden" if element.get("hidden") is not None else ""


def _zero(written: str | None) -> bool:
    match = _LENGTH.fullmatch((written or "")[:_LONGEST_LENGTH])
    return match is not None and float(match[1]) == 0
