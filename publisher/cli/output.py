"""How commands speak: tables or JSON on stdout, everything else on stderr, questions only to a person."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from publisher.clean.text import repair
from publisher.errors import ConfirmationNeeded

_WIDE = 400


@dataclass(frozen=True, slots=True)
class Output:
    """The global options, and the two streams."""

    config: Path
    json: bool = False
    yes: bool = False
    no_input: bool = False
    quiet: bool = False
    no_color: bool = False

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], records: Iterable[Any] = ()) -> None:
        """Print rows for a person, or `records` (by default the rows under their columns) as JSON."""
        rows = list(rows)
        if self.json:
            named = list(records) or [dict(zip(map(_key, columns), row, strict=True)) for row in rows]
            self.data(named)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text("" if value is None else repair(str(value))) for value in row))
        self._console(sys.stdout).print(table)

    def record(self, values: Mapping[str, Any]) -> None:
        """Print one thing, its values by name."""
        if self.json:
            self.data(values)
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in values.items():
            table.add_row(name.replace("_", " "), Text(repair(_text(value))))
        self._console(sys.stdout).print(table)

    def data(self, value: Any) -> None:
        print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))

    def say(self, text: str) -> None:
        """A line for the person at the terminal."""
        if not self.quiet:
            self._console(sys.stderr).print(repair(text), markup=False, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that --quiet does not silence."""
        self._console(sys.stderr).print(repair(text), markup=False, highlight=False, soft_wrap=True)

    def confirm(self, question: str) -> bool:
        """Ask; ConfirmationNeeded where nobody can answer. `--yes` answers."""
        if self.yes:
            return True
        if self.no_input or not sys.stdin.isatty():
            raise ConfirmationNeeded(f"{question} Nobody can be asked here; add --yes to agree.")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Any]:
        """A bar on stderr where a person looks; yields a function that takes how many are done."""
        console = self._console(sys.stderr)
        hidden = self.quiet or not console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def _console(self, stream: Any) -> Console:
        wide = None if stream.isatty() else _WIDE  # a pipe has no edge to fold lines at
        return Console(file=stream, width=wide, no_color=self.no_color or None, highlight=False)


def when(moment: datetime | None, zone: ZoneInfo) -> str:
    """An instant in the newsroom's zone, or a dash."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") if moment else "–"


def _key(column: str) -> str:
    return column.lower().replace(" ", "_")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "–"
    if isinstance(value, list | tuple):
        return "\n".join(str(part) for part in value) or "–"
    return "–" if value in (None, "") else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
