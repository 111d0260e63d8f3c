"""A page as another program would show it: by night, with its colours turned, or without its pictures.

Made of the page's text, so that it looks the same whatever the browser and the system that shows it prefer.
"""

import re
from collections.abc import Callable
from html import escape

_DARK, _LIGHT = (re.compile(rf"\(\s*prefers-color-scheme\s*:\s*{one}\s*\)", re.IGNORECASE) for one in ("dark", "light"))
_YES, _NO = "(min-width: 0)", "(max-width: 0)"  # a condition in place of a condition, whatever stands around it
_TAG = re.compile(r"""<(?:img|source|table|td|body|div)\b(?:[^"'>]|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
_PICTURE = re.compile(r'\s(?:src|srcset|background)="[^"]*"', re.IGNORECASE)
_SOURCE = re.compile(r'(?P<before>\ssrc=")(?P<address>[^"]*)"', re.IGNORECASE)
_BACKGROUND = re.compile(r"url\([^()]*\)", re.IGNORECASE)
_HEAD = re.compile(r"</head\s*>", re.IGNORECASE)
# The whole sheet inverted, and its pictures back: near to what Gmail for iOS and Outlook do, who look at each colour.
_INVERTED = "filter: invert(1) hue-rotate(180deg)"
_STYLES = {
    "light": ":root { color-scheme: light !important; }",
    "dark": ":root { color-scheme: dark !important; }",
    "forced": f":root {{ color-scheme: light !important; background: #fff; {_INVERTED}; }} img {{ {_INVERTED}; }}",
}
_TEXT = (
    "body { margin: 20px; background: Canvas; color: CanvasText; font: 13px/1.55 Consolas, Menlo, monospace; "
    "white-space: pre-wrap; overflow-wrap: anywhere; }"
)


def in_scheme(text: str, scheme: str) -> str:
    """HTML or CSS with its questions for the reader's colour scheme answered, whatever this machine prefers."""
    dark = scheme == "dark"
    return _LIGHT.sub(_NO if dark else _YES, _DARK.sub(_YES if dark else _NO, text))


def without_pictures(html: str) -> str:
    """HTML as a mail program shows it that loads no pictures: their texts stand for them."""
    return _TAG.sub(lambda tag: _BACKGROUND.sub("none", _PICTURE.sub("", tag[0])), html)


def with_pictures_at(html: str, place: Callable[[str], str]) -> str:
    """HTML whose pictures are taken from where `place` says for their address."""
    return _TAG.sub(
        lambda tag: _SOURCE.sub(lambda source: f'{source["before"]}{place(source["address"])}"', tag[0]), html
    )


def as_text(text: str) -> str:
    """A page that shows a text as it is written, in letters of one width."""
    head = f'<html lang="en"><head><title>As it is sent</title><style>{_TEXT}</style></head>'
    return f"<!DOCTYPE html>{head}<body>{escape(text)}</body></html>"


def shown(html: str, scheme: str) -> str:
    """A page in a scheme: `light`, `dark` or `forced`. Its links open beside it."""
    more = f'<base target="_blank"><style>{_STYLES[scheme]}</style>'
    html = in_scheme(html, scheme)
    return _HEAD.sub(lambda end: more + end[0], html, count=1) if _HEAD.search(html) else more + html
