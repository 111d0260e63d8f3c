"""Instants: aware UTC, or None where nobody said. Nothing here guesses."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def instant(value: object, zone: ZoneInfo) -> datetime | None:
    """Read an ISO 8601 text, a date or a datetime; without an offset it is the newsroom's wall clock.

    Raises ValueError for anything else but None and the empty string.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            value = _parse(value.strip())
        if isinstance(value, datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=zone)
            return aware.astimezone(UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f'"{value}" is beyond the calendar') from None
    raise ValueError(f'"{value}" is not a date')


def _parse(text: str) -> datetime:
    if not _ISO.fullmatch(text):
        raise ValueError(f'"{text}" is not a date')
    # A space before the offset is Hugo's and Jekyll's habit; ISO 8601 has none.
    try:
        return datetime.fromisoformat(re.sub(r"\s+(?=[Zz+-])", "", text))
    except ValueError as error:
        raise ValueError(f'"{text}" is not a date: {error}') from None
