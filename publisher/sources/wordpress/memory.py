"""How far a WordPress site has been read: what a source keeps between two steps, as JSON.

Times are the site's own wall clock as it writes them, `2026-11-19T09:30:00`. They sort as text, and the site is asked
with what it said itself, so neither a zone nor a clock of ours comes between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from publisher.sources.wordpress.api import PER_PAGE, Listed

# A site's zone can be set from UTC-12 to UTC+14 one day, and what was written before stays as it was.
_OVERLAP = timedelta(hours=26)
_SECOND = timedelta(seconds=1)
_SAVING = timedelta(minutes=2)
_LONGEST_FETCH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """A post in a list of what there is."""

    id: int
    modified: str
    date: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        modified, date = (str(row.get(key) or "") for key in ("modified", "date"))
        lists = (row.get(key) for key in ("categories", "tags"))
        categories, tags = (tuple(map(str, ids)) if isinstance(ids, list) else () for ids in lists)
        return cls(int(row["id"]), modified, date, categories, tags)

    @property
    def stamp(self) -> list[str]:
        return [self.modified, self.date]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of such a list, in the order of `by`."""

    by: str
    entries: tuple[Entry, ...]
    total: int

    @classmethod
    def of(cls, by: str, listed: Listed) -> Self:
        return cls(by, tuple(Entry.of(row) for row in listed.rows if is_post(row)), listed.total)

    @property
    def values(self) -> list[Any]:
        return [getattr(entry, self.by) for entry in self.entries]


def is_post(row: Any) -> bool:
    return isinstance(row, dict) and type(row.get("id")) is int


@dataclass(frozen=True, slots=True)
class Memory:
    """The first reading has come as far as the id `last`, about the `offset`th; then it is `complete`.

    After it, changes are looked for behind the times `after`, by "modified" and by "date"; `walk` is where such a
    search was interrupted, and `seen` are the times of the posts behind `after` that were read. `crowd` is a second
    with more posts than a page, which is read by ids too. `owed` are posts that the site could not bring. `listing`
    are the ids so far of a listing of all, the last of which was at `listed_at`.
    """

    site: str = ""
    root: str = ""
    categories: Mapping[str, Sequence[Any] | None] = field(default_factory=dict)
    categories_at: str = ""
    complete: bool = False
    last: int = 0
    offset: int = 0
    after: Mapping[str, str] = field(default_factory=dict)
    walk: Sequence[str] = ()
    crowd: Sequence[str] = ()
    seen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    owed: Sequence[int] = ()
    listing: Sequence[int] | None = None
    listed_at: str = ""

    @classmethod
    def of(cls, state: Mapping[str, Any], site: str) -> Self:
        """Nothing is known of a site whose address has changed."""
        if state.get("site") != site:
            return cls(site)
        return cls(**{each.name: state[each.name] for each in fields(cls) if each.name in state})

    def state(self) -> dict[str, Any]:
        return asdict(self)

    def is_new(self, entry: Entry) -> bool:
        return entry.id not in self.owed and list(self.seen.get(str(entry.id), ())) != entry.stamp

    def having_read(self, entries: Iterable[Entry]) -> Self:
        seen = {**self.seen, **{str(entry.id): entry.stamp for entry in entries}}
        modified, date = self.after.get("modified", ""), self.after.get("date", "")
        kept = {key: stamp for key, stamp in seen.items() if stamp[0] > modified or stamp[1] > date}
        return replace(self, seen=kept)

    def settled(self, clock: datetime) -> Self:
        """Forget what was read in the minute it was saved, by the site's clock as the fetch began.

        WordPress sets `modified` first, and categories and pictures some moments later; then it does not tell.
        """
        since, until = _written(clock - _SAVING), _written(clock + _LONGEST_FETCH)
        kept = {key: stamp for key, stamp in self.seen.items() if not any(since < time < until for time in stamp)}
        return replace(self, seen=kept)

    def is_crowded(self, page: Page) -> bool:
        """Whether one second holds more posts than a page: no time leads through them, and their order is not firm."""
        return page.total > PER_PAGE and bool(page.entries) and second_from(page.values[-1], -1) <= self.walk[1]

    def past(self, page: Page, now: datetime) -> Self:
        """The walk behind a page: on to the next, or from "modified" to "date", or at its end."""
        by = self.walk[0]
        if page.total > PER_PAGE and page.entries:
            # Others of the last second may stand on the next page.
            last = page.values[-1] if self.is_crowded(page) else second_from(page.values[-1], -1)
            return replace(self, walk=(by, last))
        start = max(self.after[by], behind(page.values[-1], now)) if page.entries else self.after[by]
        return replace(
            self, after={**self.after, by: start}, walk=("date", self.after["date"]) if by == "modified" else ()
        )


def behind(newest: str, now: datetime) -> str:
    """Where to look from for what comes after the newest; one of the year 2041 must not hide all that comes before."""
    clock = now.astimezone(UTC).replace(tzinfo=None)
    moment = _moment(newest)
    return _written(min(moment, clock) - _OVERLAP if moment else clock - _OVERLAP)


def second_from(time: str, steps: int) -> str:
    moment = _moment(time)
    return _written(moment + steps * _SECOND) if moment else time


def _moment(time: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(time).replace(tzinfo=None)
    except ValueError:
        return None
    return moment if 1 < moment.year < 9999 else None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
