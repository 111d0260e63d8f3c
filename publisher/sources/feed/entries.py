"""What entries of every format have in common: titles as plain text, dates in a zone, addresses, one id each. Pure."""

import hashlib
import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime, parsedate_tz
from time import struct_time
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.clean.text import from_html, one_line
from publisher.errors import Problem
from publisher.model.article import RawArticle

_SLACK = timedelta(days=1)  # a clock that is a little wrong is no mistake
LONGEST_LINE = 20_000  # characters of a title that are looked at; three hundred will be printed
_LONGEST_ID = 500
_LONGEST_BODY = 1_000_000  # characters; cleaning leaves out what is longer, and says so
_SHOWN = 60
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_PAIRS = {
    "a", "abbr", "b", "big", "blockquote", "center", "cite", "code", "del", "div", "em", "font", "h1", "h2", "h3", "h4",
    "h5", "h6", "i", "iframe", "ins", "kbd", "li", "mark", "ol", "p", "q", "s", "script", "small", "span", "strike",
    "strong", "style", "sub", "sup", "tt", "u", "ul",
}  # fmt: skip
_OPENED = re.compile(r"<([A-Za-z][A-Za-z0-9]{0,9})(?=[\s/>])")
_CLOSED = re.compile(r"</([A-Za-z][A-Za-z0-9]{0,9})\s*>")
_ALONE = re.compile(r"<(?:(?:br|img|hr|wbr)(?=[\s/>])|!--)[^<>]*>", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n\s*?\n")
_UTC = ZoneInfo("UTC")
_YEAR_FIRST = re.compile(r"\d{4}-\d\d-\d\d")
_BASIC = re.compile(r"\d{8}(T\d{4}(\d\d)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)  # ISO 8601 without its hyphens
_MISREAD = re.compile(r"\d\s*[ap]\.?m\b|[a-z][ -]0\d{3}\b", re.IGNORECASE)  # 9:30 PM, and the year 1 of some programs
_DAY_AND_MONTH = re.compile(r"(?=.*[^\W\d_]{3})\D*\d+\D+\d+.*")
_CLOCK = re.compile(r"\d:\d\d(?::\d\d(?:\.\d+)?)?|\b\d\d?\.\d\d(?:\.\d\d)?(?=\s|$)")
_YEAR_LAST = re.compile(r"(?:^|\s)[1-9]\d{3}$")  # of C's asctime
_OFFSET = re.compile(r"(?:UTC?|GMT)?\s*([+-])(\d\d):?(\d\d)(?:[\s(].*)?", re.IGNORECASE)
_HOURS = {  # those of RFC 5322 §4.3, and what means one place alone; IST and BST are two or three
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7,
    "PST": -8, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "PKT": 5, "JST": 9, "AEST": 10,
    "AEDT": 11,
}  # fmt: skip
_ZONE_NAMED = re.compile(r"\d\s*(Z|UTC?|GMT|[ECMP][SD]T|[+-]\d\d:?\d\d)\b")


@dataclass(slots=True)
class Feed:
    """A feed that was read. `whole` is false where entries may have been lost."""

    articles: list[RawArticle] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    hub: str = ""
    topic: str = ""
    whole: bool = True


def is_markup(text: str) -> bool:
    """Whether a text opens and closes elements of HTML, or holds one that needs no end."""
    if "<" not in text:
        return False
    closed = _PAIRS.intersection(name.lower() for name in _CLOSED.findall(text))
    return any(name.lower() in closed for name in _OPENED.findall(text)) or bool(_ALONE.search(text))


def plain(text: str) -> str:
    """One line of plain text, of a field that should be plain and often is not.

    Elements that are opened and closed are markup and go; references such as `&amp;` are read; and both again, for many
    feeds escape twice. Everything else is what was meant: `AT&T`, `a < b` and a lone `<b>` stay.
    """
    text = text[:LONGEST_LINE].replace("<![CDATA[", "").replace("]]>", "")
    for _ in range(4 if "<" in text or "&" in text else 0):
        if is_markup(text):
            text = from_html(text)
        elif _REFERENCE.search(text):
            text = _REFERENCE.sub(lambda match: html.unescape(match[0]), text)
        else:
            break
    return " ".join(text.split())


def unescaped(body: str) -> str:
    """HTML that was escaped once more than its format asks for: not one element, but the text of some."""
    if len(body) > _LONGEST_BODY:
        return body
    return html.unescape(body) if "<" not in body and "&lt;/" in body and is_markup(html.unescape(body)) else body


def says_nothing(title: str, body: str) -> bool:
    """Whether an entry has neither a title nor words. A body that is far too long is not looked through."""
    return not title and len(body) <= _LONGEST_BODY and not from_html(body)


def paragraphs(text: str) -> str:
    """Plain text as HTML."""
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in _BLANK_LINE.split(text) if part.strip())


def web(url: object, base: str) -> str:
    """The absolute http(s) address, or nothing."""
    written = str(url or "").strip()
    if written.startswith(("https://", "http://")):
        return written
    try:
        joined = urljoin(base, written) if written else ""
    except ValueError:
        return ""
    return joined if joined.lower().startswith(("http://", "https://")) else ""


def identity(written: str) -> str:
    """An id on one line; one that is absurdly long is shortened to its digest."""
    return one_line(written) if len(written) <= _LONGEST_ID else digest(written)


def digest(*texts: str) -> str:
    """An id for what has none. Half a surrogate pair, which JSON can hold, is no letter of UTF-8."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).hexdigest()


@dataclass(slots=True)
class Dates:
    """Reads the dates of a feed, without an offset as the zone's wall clock; what is none becomes one of `problems`."""

    zone: ZoneInfo
    now: datetime
    problems: list[Problem]

    def read(self, written: str, where: str, what: str, parsed: struct_time | None = None) -> datetime | None:
        """None where nothing was written, or nothing that can be."""
        if not written:
            return None
        try:
            moment = _moment(" ".join(written.split()), self.zone, parsed)
        except (ValueError, OverflowError):
            message = f'{what}: "{one_line(written)[:_SHOWN]}" is not a date.'
            self.problems.append(Problem(where, message, "It is taken as unknown."))
            return None
        if moment > self.now + _SLACK:  # what is published is public, so a date to come is a mistake
            message = f"{what}: {moment:%Y-%m-%d} is in the future."
            self.problems.append(Problem(where, message, "It is taken as unknown."))
            return None
        return moment


def _moment(written: str, zone: ZoneInfo, parsed: struct_time | None) -> datetime:
    """ISO 8601, RFC 5322, or what feedparser knows beside them: months in other tongues, a day without an hour."""
    if _BASIC.fullmatch(written):
        return _in_zone(datetime.fromisoformat(written), zone)
    bare, named = _apart(written)
    if _MISREAD.search(bare):
        raise ValueError
    try:
        wall = dates.instant(bare, _UTC) if _YEAR_FIRST.match(bare) else parsedate_to_datetime(bare)
    except ValueError:
        if parsedate_tz(written) or parsed is None or not _DAY_AND_MONTH.fullmatch(written[:_SHOWN]):
            raise  # feedparser would take the rest from today's date
        if named and not _ZONE_NAMED.search(written):
            raise  # feedparser takes a zone that it does not know for none
        return _in_zone(datetime(*parsed[:6], tzinfo=UTC if named else zone), zone)
    assert wall is not None
    return _in_zone(wall.replace(tzinfo=_zone(named, wall, zone)), zone)


def _apart(written: str) -> tuple[str, str]:
    """A date without its zone, and the zone: what stands behind the clock, but for a year."""
    clock = _CLOCK.search(written)
    if not clock:
        return written, ""
    rest = written[clock.end() :]
    year = _YEAR_LAST.search(rest)
    bare = written[: clock.end()] + (year[0] if year else "")
    return bare, (rest[: year.start()] if year else rest).strip()


def _zone(named: str, wall: datetime, zone: ZoneInfo) -> tzinfo:
    """The zone that a date names, or else the source's; ValueError where nobody knows it.

    `-0000` is UTC as well, of a writer who does not say where he is (RFC 5322 §3.3).
    """
    if not named:
        return zone
    if offset := _OFFSET.fullmatch(named):
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    name = named.strip("()[] ").upper()
    if name in _HOURS:
        return timezone(timedelta(hours=_HOURS[name]))
    if wall.replace(tzinfo=zone).tzname() == name:  # India's IST, of a source in India
        return zone
    raise ValueError


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def distinct(articles: Sequence[RawArticle], problems: list[Problem]) -> list[RawArticle]:
    """One id each. An id that several entries share is none: their addresses, or else their words, tell them apart."""
    uses = Counter(article.source_id for article in articles)
    if len(uses) == len(articles):
        return list(articles)
    found: dict[str, RawArticle] = {}
    for article in articles:
        shared = uses[article.source_id] > 1
        own = (article.url or digest(article.title or article.body)) if shared else article.source_id
        if own in found:
            message = f'its id "{article.source_id[:_SHOWN]}" stands twice in the feed.'
            problems.append(Problem(article.where, message, "It is left out."))
        else:
            found[own] = replace(article, source_id=own)
    return list(found.values())
