"""Slots by the newsroom's wall clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from publisher import schedule
from publisher.model.newsletter import Missed

BERLIN = ZoneInfo("Europe/Berlin")


def names(line: str, start: datetime, days: int, zone: ZoneInfo = BERLIN) -> list[str]:
    return [slot.name for slot in schedule.slots(line, zone, start, start + timedelta(days=days))]


def test_a_time_that_spring_skips_is_due_once_at_the_shifted_instant():
    assert names("30 2 * * *", datetime(2026, 3, 28, tzinfo=UTC), 2) == ["2026-03-28T02:30", "2026-03-29T03:30"]


def test_a_time_that_autumn_repeats_is_due_once():
    found = list(
        schedule.slots("30 2 * * *", BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    )

    assert [slot.instant for slot in found] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_an_hourly_schedule_loses_no_hour_when_autumn_repeats_one():
    found = names("0 * * * *", datetime(2026, 10, 24, 22, 30, tzinfo=UTC), 1)

    assert len(found) == 24
    assert len(set(found)) == 24


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Karachi", "Pacific/Auckland"])
def test_every_local_day_of_a_year_has_one_slot(zone):
    found = names("0 7 * * *", datetime(2025, 12, 31, 12, tzinfo=UTC), 365, ZoneInfo(zone))

    assert len({name[:10] for name in found}) == len(found) == 365


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("7am", "is not a cron line"),
        ("0 7 * * 1", "is a number"),
        ("0 25 * * mon", "is not a cron line"),
        ("0 7 * * foo", "cron"),
    ],
)
def test_a_wrong_cron_line_says_what_to_write(line, says):
    with pytest.raises(ValueError, match=says):
        schedule.cron(line, BERLIN)


class TestMissedSlots:
    """Three days down, an hourly newsletter."""

    NOW = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
    LAST = NOW - timedelta(days=3)

    def due(self, missed: Missed, late: timedelta = timedelta(hours=3)) -> schedule.Due:
        return schedule.due("0 * * * *", ZoneInfo("UTC"), self.LAST, self.NOW, missed, late)

    def test_latest_makes_one_and_records_the_rest(self):
        due = self.due(Missed.LATEST)

        assert [slot.name for slot in due.compose] == ["2026-11-20T12:00Z"]
        assert len(due.missed) == 71

    def test_latest_makes_none_that_is_too_late(self):
        assert self.due(Missed.LATEST, late=timedelta(minutes=1)).compose == ()

    def test_skip_makes_none(self):
        due = self.due(Missed.SKIP)

        assert (len(due.compose), len(due.missed)) == (0, 72)

    def test_all_makes_all(self):
        assert len(self.due(Missed.ALL).compose) == 72

    def test_a_clock_that_stepped_back_is_due_for_nothing(self):
        due = schedule.due(
            "0 * * * *", ZoneInfo("UTC"), self.NOW, self.NOW - timedelta(minutes=10), Missed.ALL, self.LAST - self.LAST
        )

        assert due == schedule.Due()
