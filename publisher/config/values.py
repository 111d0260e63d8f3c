"""The kinds of value in config.toml: each refuses what it cannot use and says what to write instead."""

import re
from datetime import timedelta
from email.utils import parseaddr
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import idna
from babel import Locale, UnknownLocaleError
from babel.core import parse_locale
from pydantic import AfterValidator, BeforeValidator

from publisher.schedule import cron

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_525)
_DURATION = re.compile(r"(\d+)\s*(ms|[smhdw])")
_SECTION_PATH = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ADDRESS = re.compile(r"[^\s@<>\",;:]+@[^\s@<>\",;:]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_FONT = re.compile(r"""-?[A-Za-z][A-Za-z0-9-]*( -?[A-Za-z][A-Za-z0-9-]*)*|"[A-Za-z0-9 -]+"|'[A-Za-z0-9 -]+'""")
_GENERIC = ("serif", "sans-serif", "monospace", "cursive", "fantasy")  # what every mail program knows
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")  # RFC 6376 §3.1
_PICTURES = (".png", ".jpg", ".jpeg", ".gif")
_UNSHOWN = (".svg", ".svgz", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".ico", ".heic", ".jxl")


def duration(value: object) -> object:
    """`10m`, `3h`, `31d` → timedelta; a timedelta stays."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'"{value}" is not a length of time. Write "30s", "10m", "3h", "7d" or "2w".')
    if len(match[1]) > 9 or (length := timedelta(**{_UNITS[match[2]]: int(match[1])})) > _LONGEST:
        raise ValueError(f'"{value}" is longer than a hundred years. Write "31d".')
    return length


def _minutes(value: timedelta) -> timedelta:
    """RSS counts in whole minutes, and says the same as Cache-Control."""
    if value % timedelta(minutes=1) or not timedelta(minutes=1) <= value <= timedelta(days=1):
        raise ValueError('it is counted in whole minutes, from "1m" to "24h". Write "5m".')
    return value


_PLAIN_URL = re.compile(r"[\x21\x23-\x3b=\x3f-\x7e]+")
_LONGEST_BOUNCES = 27


def _http_url(value: str) -> str:
    """The base of addresses, so without a closing slash."""
    return _exact_url(value).rstrip("/")


def _exact_url(value: str) -> str:
    if not is_web_address(value) or not _host_of(value):
        raise ValueError(f'"{value}" is not a web address. Write "https://journal.example".')
    parts = urlsplit(value)
    if parts.hostname and not parts.hostname.isascii():
        value = value.replace(parts.hostname, host(parts.hostname), 1)
    if not _PLAIN_URL.fullmatch(value):
        # It stands within <> in the header fields of every mail.
        raise ValueError(f'"{value}" holds characters that an address spells out. Write %20 for a blank, and so on.')
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f'"{value}" is not a time zone. Write a name such as "Asia/Karachi" or "Europe/Berlin".')
    return value


def _section_path(value: str) -> str:
    if not _SECTION_PATH.fullmatch(value):
        raise ValueError(f'"{value}" is not a section path. Write "global-affairs" or "global-affairs/diplomacy".')
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f'"{value}" cannot be a name. Write small letters, digits and hyphens, such as "briefing".')
    return value


def _sender(value: str) -> str:
    address = parseaddr(value)[1]
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f'"{value}" is not a sender. Write "The Journal <briefing@journal.example>".')
    return value.replace(address, _ascii(address))


def _address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError(f'"{value}" is not an address. Write "desk@journal.example".')
    return _ascii(value)


def _ascii(address: str) -> str:
    """An address of ours as every server takes it: its domain in A-labels (RFC 5891), nothing else beyond ASCII."""
    local, at, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError(f'"{address}" has letters before the @ that not every server takes. Write a to z.')
    try:
        return f"{local}{at}{domain if domain.isascii() else host(domain)}"
    except ValueError:
        raise ValueError(f'"{address}" has a domain that cannot exist. Write "desk@journal.example".') from None


def _bounces(value: str) -> str:
    """RFC 5321 §4.5.3.1.1: 64 characters before the @, and the token of a copy needs 37 of them."""
    if len(value.rpartition("@")[0]) > _LONGEST_BOUNCES:
        raise ValueError(f'"{value}" has more than {_LONGEST_BOUNCES} characters before the @. Write "bounce@…".')
    return _address(value)


def _cron(value: str) -> str:
    cron(value, ZoneInfo("UTC"))
    return value


def _language(value: str) -> str:
    """A BCP 47 tag whose language and region exist; CLDR need not have texts for the two together, as for ur-AE."""
    tag = value.replace("_", "-")
    if not _LANGUAGE.fullmatch(tag) or not _spoken(tag):
        raise ValueError(f'"{value}" is not a language. Write a tag such as "en", "en-GB", "ur" or "zh-Hant".')
    return tag


def _spoken(tag: str) -> bool:
    try:
        Locale.parse(tag, sep="-")
    except UnknownLocaleError:
        language, region = parse_locale(tag, sep="-")[:2]
        english = Locale("en")
        return language in english.languages and (region is None or region in english.territories)
    except ValueError:
        return False
    return True


def color(value: str) -> str:
    """`#RGB` and `#RRGGBB` → `#rrggbb`."""
    found = value.lower()
    if not _COLOR.fullmatch(found):
        raise ValueError(f'"{value}" is not a colour. Write "#8a2b1d": red, green and blue, two digits each.')
    return found if len(found) == 7 else "#" + "".join(2 * digit for digit in found[1:])


def _fonts(value: str) -> str:
    """A CSS font list, safe in a style; it ends in a generic family, for the reader who has none of the fonts."""
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if not _FONT.fullmatch(name):
            like = re.sub(r"[^A-Za-z0-9 -]", "", name).strip() or "Times New Roman"
            raise ValueError(
                f"{value!r} is not a list of fonts: {name!r} is none. Write names of letters, digits, spaces and "
                f'hyphens with commas between them, and quote a name such as "{like}".'
            )
    if names[-1].lower() not in _GENERIC:
        raise ValueError(
            f"{value!r} ends in a font that a reader may not have. End it with one of: {', '.join(_GENERIC)}."
        )
    return ", ".join(name.replace("'", '"') for name in names)


def _logo(value: str) -> str:
    """An address, or a path below `site.static`; SVG and WebP are shown by neither Outlook nor Gmail."""
    if not value:
        return value
    if is_web_address(value):
        good = bool(_host_of(value)) and not re.search(r"[\s\"'<>\\^`{|}]", value)
        shown = not re.split(r"[?#]", value)[0].lower().endswith(_UNSHOWN)
    else:
        good = not re.search(r"[\\:\x00-\x1f]|^/", value) and ".." not in PurePosixPath(value).parts
        shown = value.lower().endswith(_PICTURES)
    if not good:
        raise ValueError(
            f'"{value}" is neither a web address nor the path of a file in the static folder. '
            'Write "images/logo.png" or "https://journal.example/images/logo.png".'
        )
    if not shown:
        raise ValueError(
            f'"{value}" is no picture that every mail program shows. Write the name of a PNG, JPEG or GIF.'
        )
    return value


def is_web_address(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # a bracket that is no IPv6 address
        return ""


def _domain(value: str) -> str:
    try:
        return host(value)
    except ValueError:
        raise ValueError(f'"{value}" is not a domain. Write "journal.example".') from None


def host(name: str) -> str:
    """A domain as the DNS has it, in small ASCII letters; ValueError where it cannot be one."""
    found = idna.encode(name, uts46=True).decode()  # RFC 6376 §3.5: d= is in A-labels
    if "." not in found.rstrip("."):
        raise ValueError(f'"{name}" has no dot')
    return found.rstrip(".").lower()


def _selector(value: str) -> str:
    if not _SELECTOR.fullmatch(value.lower()):
        raise ValueError(f'"{value}" is not a selector. Write letters, digits and hyphens, such as "press2026".')
    return value.lower()


Duration = Annotated[timedelta, BeforeValidator(duration)]
Minutes = Annotated[timedelta, BeforeValidator(duration), AfterValidator(_minutes)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
ExactUrl = Annotated[str, AfterValidator(_exact_url)]
Zone = Annotated[str, AfterValidator(_zone)]
SectionPath = Annotated[str, AfterValidator(_section_path)]
Name = Annotated[str, AfterValidator(_name)]
Sender = Annotated[str, AfterValidator(_sender)]
Address = Annotated[str, AfterValidator(_address)]
Bounces = Annotated[str, AfterValidator(_bounces)]
Cron = Annotated[str, AfterValidator(_cron)]
Language = Annotated[str, AfterValidator(_language)]
Color = Annotated[str, AfterValidator(color)]
Fonts = Annotated[str, AfterValidator(_fonts)]
Logo = Annotated[str, AfterValidator(_logo)]
Domain = Annotated[str, AfterValidator(_domain)]
Selector = Annotated[str, AfterValidator(_selector)]
