"""Which slots are due at `now`: pure, by the newsroom's wall clock.

APScheduler's CronTrigger knows the calendar; what was due and what was missed is decided here, so that a clock
that stands still, jumps or starts twice changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from publisher.model.newsletter import Missed

_LONGEST_LOOK_BACK = timedelta(days=31)
_ON_TIME = timedelta(minutes=2)
_DAY_NAMES = re.compile(r"^[a-z*,/\-]+(/\d+)?$|^\*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """A moment a newsletter was due. `name` is its key: local wall clock, or UTC for hourly schedules."""

    name: str
    instant: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """Slots to compose now, and slots that passed and are only to be recorded."""

    compose: tuple[Slot, ...] = ()
    missed: tuple[Slot, ...] = ()


def cron(line: str, zone: ZoneInfo) -> CronTrigger:
    """Parse five cron fields; ValueError says what to write instead."""
    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f'"{line}" is not a cron line. Write "0 7 * * mon-fri" (minute hour day month weekday).')
    if not _DAY_NAMES.match(fields[4]):
        # APScheduler counts weekdays from Monday, cron from Sunday: "1" would be Tuesday (apscheduler#286).
        raise ValueError(f'weekday "{fields[4]}" is a number. Write a name, such as "mon-fri" or "sat".')
    try:
        return CronTrigger.from_crontab(line, timezone=zone)
    except ValueError as error:
        raise ValueError(f'"{line}" is not a cron line ({error}). Write "0 7 * * mon-fri".') from error


def slots(line: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[Slot]:
    """The slots in (after, until], each once.

    A wall-clock time that a clock change repeats is due at its first pass only; one that it skips is due at the
    shifted instant. Schedules by the hour are keyed by the instant, so that no hour is lost in a repeated one.
    """
    trigger = cron(line, zone)
    hourly = any(character in line.split()[1] for character in "*/,-")
    seen: set[str] = set()
    instant = after.astimezone(UTC)
    while True:
        # Stepping in UTC: arithmetic on a zone's own time forgets the fold and would stand still there.
        fire = trigger.get_next_fire_time(None, (instant + timedelta(microseconds=1)).astimezone(zone))
        if fire is None or fire.astimezone(UTC) > until:
            return
        instant = fire.astimezone(UTC)
        name = instant.strftime("%Y-%m-%dT%H:%MZ") if hourly else _wall_clock(instant, zone)
        repeated = not hourly and instant.astimezone(zone).fold == 1
        if name not in seen and not repeated:
            seen.add(name)
            yield Slot(name, instant)


def due(line: str, zone: ZoneInfo, last_seen: datetime, now: datetime, missed: Missed, late: timedelta) -> Due:
    """Split the slots in (last_seen, now] into those to compose and those that were missed."""
    start = max(last_seen, now - _LONGEST_LOOK_BACK)
    passed = list(slots(line, zone, start, now))
    if missed is Missed.ALL:
        return Due(compose=tuple(passed))
    limit = _ON_TIME if missed is Missed.SKIP else late
    chosen = [slot for slot in passed[-1:] if now - slot.instant <= limit]
    return Due(compose=tuple(chosen), missed=tuple(slot for slot in passed if slot not in chosen))


def next_slot(line: str, zone: ZoneInfo, now: datetime) -> Slot | None:
    """The first slot after `now` within the coming 400 days."""
    return next(slots(line, zone, now, now + timedelta(days=400)), None)


def slot_at(instant: datetime, zone: ZoneInfo) -> Slot:
    """The slot of an edition that an editor builds by hand: this second, so that it never takes a scheduled one."""
    return Slot(instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"), instant)


def _wall_clock(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
