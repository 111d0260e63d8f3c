"""What only shows when the theme's keys are seen together: text that cannot be read, a logo without its size.

Works on the parsed TOML, before the types are checked, so that these mistakes are listed with all the others.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from publisher.config.references import Mistake
from publisher.config.schema import ThemeConfig
from publisher.config.values import color, is_web_address
from publisher.model.theme import DAY, NIGHT, PLAIN, READABLE, contrast, nearest_readable

_TEXTS = ("ink", "soft", "accent")
_GROUNDS = ("sheet", "paper")
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def flaws(data: Mapping[str, Any]) -> Iterator[Mistake]:
    theme = data.get("theme")
    if not isinstance(theme, dict):
        return
    yield from _sizeless(theme)
    for name, own in (("light", DAY), ("dark", NIGHT)):
        given = theme.get(name, {})
        if isinstance(given, dict):
            yield from _unreadable(name, _colors({**asdict(own), **given}))


def unusable_logos(theme: ThemeConfig, static: Path) -> Iterator[Mistake]:
    """Logos that are files, and are not there or are no pictures for mail."""
    for key, name in (("logo", theme.logo), ("logo_dark", theme.logo_dark)):
        if not name or is_web_address(name):
            continue
        try:
            with (static / name).open("rb") as file:
                start = file.read(8)
        except OSError as error:
            fix = "Put the picture there, or write its web address."
            yield ("theme", key), f'"{static / name}" cannot be read: {error.strerror}. {fix}'
            continue
        if not start.startswith(_SIGNATURES):
            yield ("theme", key), f'"{static / name}" is no PNG, JPEG or GIF, whatever its name. Save it as PNG.'


def _sizeless(theme: Mapping[str, Any]) -> Iterator[Mistake]:
    logo, width = theme.get("logo"), max(480, _pixels(theme.get("width", PLAIN.width)))
    missing = [f"{key} = …" for key in ("logo_width", "logo_height") if not theme.get(key, 0)]
    if logo and missing:
        fix = f"Write {' and '.join(missing)}, in pixels."
        yield ("theme", "logo"), f"has no size, and Outlook would show it as large as the file is. {fix}"
    if theme.get("logo_dark") and not logo:
        yield ("theme", "logo_dark"), 'takes the place of a logo, and there is none. Write logo = "images/logo.png".'
    if _pixels(theme.get("logo_width")) > width:
        yield ("theme", "logo_width"), f"{theme['logo_width']} is wider than the mail. Write {width} or less."


def _pixels(value: object) -> int:
    """A number, also as the environment writes it; 0 for anything else, which is a mistake of its own."""
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0


def _colors(palette: Mapping[str, object]) -> dict[str, str]:
    """Those that are colours; what is not is a mistake of its own."""
    found = {}
    for key, value in palette.items():
        if isinstance(value, str):
            try:
                found[key] = color(value)
            except ValueError:
                continue
    return found


def _unreadable(table: str, colors: Mapping[str, str]) -> Iterator[Mistake]:
    grounds = {key: colors[key] for key in _GROUNDS if key in colors}
    for key in _TEXTS:
        ratios = {ground: contrast(colors[key], grounds[ground]) for ground in grounds if key in colors}
        worst = min(ratios, key=lambda ground: ratios[ground], default="")
        if not worst or ratios[worst] >= READABLE:
            continue
        better = nearest_readable(colors[key], *grounds.values())
        if better is None:
            sheet, paper = grounds["sheet"], grounds["paper"]
            message = (
                f'no text can be read both on "{sheet}" and on paper "{paper}". Write "{paper}" or one close to it.'
            )
            yield ("theme", table, "sheet"), message
            return
        yield ("theme", table, key), _too_pale(colors[key], worst, grounds[worst], better)


def _too_pale(text: str, ground: str, behind: str, better: str) -> str:
    ratio = math.floor(contrast(text, behind) * 10) / 10  # rounded, 4.46 would read as if it were enough
    way = "darker" if contrast(better, "#ffffff") > contrast(text, "#ffffff") else "lighter"
    return (
        f'"{text}" on {ground} "{behind}" has contrast {ratio}:1; text needs {READABLE}:1. Write "{better}" or {way}.'
    )
