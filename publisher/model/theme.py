"""How a newsroom's mail looks: colours by day and by night, fonts, width, logo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as `#rrggbb`: `paper` around the `sheet`, three texts that stand on both, and `rule` for lines."""

    paper: str
    sheet: str
    ink: str
    soft: str
    accent: str
    rule: str


DAY = Palette("#f3f0e9", "#fffdf9", "#1c1b19", "#5d574c", "#8a2b1d", "#d9d2c3")
NIGHT = Palette("#14130f", "#1d1b16", "#ece7db", "#b9b09c", "#f0a08f", "#453f33")


@dataclass(frozen=True, slots=True)
class Theme:
    """`text_font` and `label_font` are CSS font lists; `width` and the logo's sizes are in CSS pixels.

    `logo` and `logo_dark` are absolute addresses, empty where the name is printed in letters.
    """

    light: Palette = DAY
    dark: Palette = NIGHT
    text_font: str = 'Georgia, "Times New Roman", serif'
    label_font: str = "Arial, Helvetica, sans-serif"
    width: int = 640
    logo: str = ""
    logo_dark: str = ""
    logo_width: int = 0
    logo_height: int = 0


PLAIN = Theme()
READABLE = 4.5  # the contrast that text needs with what is behind it (WCAG 2.2 §1.4.3)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, 1 to 21 (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def nearest_readable(color: str, *grounds: str) -> str | None:
    """The colour moved to black or white, its hue kept, until it can be read on all grounds; None if it never can."""
    for step in range(256):
        for end in (0, 255):
            moved = _mixed(color, end, step / 255)
            if all(contrast(moved, ground) >= READABLE for ground in grounds):
                return moved
    return None


def _mixed(color: str, end: int, part: float) -> str:
    channels = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(channel + (end - channel) * part):02x}" for channel in channels)


def _luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
