"""Instants are read, never guessed."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from publisher.clean import dates

KARACHI = ZoneInfo("Asia/Karachi")


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-20T07:30:00Z", datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
        ("2026-11-20t07:30:00z".upper(), datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
        ("2026-11-20T07:30:00+05:00", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
        ("2026-11-20 07:30:00 +0500", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
        ("2026-11-20T07:30:00+05:45", datetime(2026, 11, 20, 1, 45, tzinfo=UTC)),
        ("2026-11-20T07:30:00.123456789Z", datetime(2026, 11, 20, 7, 30, 0, 123456, tzinfo=UTC)),
        (
            datetime(2026, 11, 20, 7, 30, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
        ),
    ],
)
def test_an_offset_is_kept_to_the_minute(value, instant):
    assert dates.instant(value, KARACHI) == instant


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-20T07:30", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
        ("2026-11-20 07:30:00", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
        (" 2026-11-20 ", datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 7, 30), datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
        (date(2026, 11, 20), datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
    ],
)
def test_without_an_offset_it_is_the_clock_on_the_newsrooms_wall(value, instant):
    assert dates.instant(value, KARACHI) == instant


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_stays_unknown(value):
    assert dates.instant(value, KARACHI) is None


@pytest.mark.parametrize(
    "value",
    ["yesterday", "20 November 2026", "11/20/2026", "2026", "2026-11", "2026-02-30", "2026-11-20T25:00", "false", 5,
     True, "2026-11-20+05:00", "2026-11-20T07:30:00 PKT", "２０２６-11-20", "0001-01-01", "9999-12-31T23:59:59-05:00",
     ["2026-11-20"]],
)  # fmt: skip
def test_what_is_no_date_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"is not a date|is beyond the calendar") as caught:
        dates.instant(value, KARACHI)

    assert str(value)[:10] in str(caught.value)
