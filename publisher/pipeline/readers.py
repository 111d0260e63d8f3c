"""Readers from a file: checked row by row, filed in transactions of a thousand.

A crash keeps what was filed; running it again files the rest and changes nothing twice.
"""

import csv
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import available_timezones

from sqlalchemy import Engine

from publisher.clean.addresses import address, address_key
from publisher.clean.text import one_line
from publisher.errors import Problem, UsageError
from publisher.model.newsletter import EVERYTHING, Newsletter, Publication
from publisher.model.subscriber import Reader, Subscription
from publisher.store import database, subscribers
from publisher.store.subscribers import Added

_COLUMNS = ("address", "name", "newsletter", "sections", "cadence", "timezone", "hour", "language")
_ADDRESS_NAMES = ("email", "e-mail", "email_address", "email address")
_CHUNK = 1000


@dataclass(slots=True)
class Report:
    """How many rows ended how, and why some were refused, with their lines."""

    counts: dict[Added, int] = field(default_factory=lambda: dict.fromkeys(Added, 0))
    problems: list[Problem] = field(default_factory=list)


class _Refused(ValueError):
    """Says what is wrong with a row, without the address."""


def import_csv(
    engine: Engine,
    file: Path,
    newsletters: Mapping[str, Newsletter],
    publication: Publication,
    default: str,
    now: datetime,
    *,
    dry_run: bool,
) -> Report:
    """File every good row; refused ones are reported with their lines. A dry run stores nothing."""
    if default and default not in newsletters:
        raise UsageError(f'there is no newsletter "{default}". Write one of: {", ".join(newsletters)}.')
    if not default and len(newsletters) == 1:
        default = next(iter(newsletters))
    report = Report()
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, strict=True)
            _check_header(rows.fieldnames, file)
            numbered = _numbered(rows, file, report)
            while chunk := list(islice(numbered, _CHUNK)):
                with database.writing(engine) as db:
                    for line, reader, subscription in _good(chunk, file, newsletters, publication, default, report):
                        added = subscribers.add(db, reader, address_key(reader.address), subscription, now)
                        report.counts[added] += 1
                        if added in (Added.SUPPRESSED, Added.ENDED):
                            why = "left" if added is Added.ENDED else "is never to be mailed"
                            report.problems.append(Problem(f"{file.name}:{line}", f"this reader {why}.", "Kept out."))
                    if dry_run:
                        db.rollback()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text. Save it as CSV UTF-8.") from None
    return report


def _numbered(rows: "csv.DictReader[str]", file: Path, report: Report) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their lines, up to where the file stops being CSV."""
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        where, fix = f"{file.name}:{rows.line_num + 1}", "Quote fields that hold quotes; what follows was not read."
        report.problems.append(Problem(where, f"is not CSV: {error}.", fix))


def _check_header(names: object, file: Path) -> None:
    known = [str(name).strip().lower() for name in names] if isinstance(names, list) else []
    if not any(name in ("address", *_ADDRESS_NAMES) for name in known):
        raise UsageError(f"{file.name}:1  the header names no address. Write: {','.join(_COLUMNS)}")


def _good(
    chunk: list[tuple[int, dict[str, str]]],
    file: Path,
    newsletters: Mapping[str, Newsletter],
    publication: Publication,
    default: str,
    report: Report,
) -> Iterator[tuple[int, Reader, Subscription]]:
    for line, row in chunk:
        values = {str(name).strip().lower(): one_line(value) for name, value in row.items() if isinstance(value, str)}
        try:
            yield line, _reader(values), _subscription(values, newsletters, publication, default)
        except _Refused as error:
            report.problems.append(Problem(f"{file.name}:{line}", str(error), "Left out."))


def _reader(row: Mapping[str, str]) -> Reader:
    given = row.get("address") or next((row[name] for name in _ADDRESS_NAMES if row.get(name)), "")
    if not given:
        raise _Refused("has no address.")
    try:
        valid = address(given)
    except ValueError as error:
        raise _Refused(f"the address {error}.") from None
    zone = row.get("timezone", "")
    if zone and zone not in available_timezones():
        raise _Refused(f'"{zone}" is not a time zone; write a name such as "Asia/Karachi".')
    return Reader(valid, row.get("name", ""), row.get("language", ""), zone, secrets.token_urlsafe(16))


def _subscription(
    row: Mapping[str, str], newsletters: Mapping[str, Newsletter], publication: Publication, default: str
) -> Subscription:
    name = row.get("newsletter") or default
    newsletter = newsletters.get(name)
    if newsletter is None:
        raise _Refused(f'there is no newsletter "{name}"; write one of: {", ".join(newsletters)}.')
    cadence = row.get("cadence") or next(iter(newsletter.schedule))
    if cadence not in newsletter.schedule:
        raise _Refused(f'{name} has no cadence "{cadence}"; write one of: {", ".join(newsletter.schedule)}.')
    hour = row.get("hour", "")
    if hour and not (hour.isdecimal() and hour.isascii() and int(hour) < 24):
        raise _Refused(f'"{hour}" is not an hour; write 0 to 23.')
    sections = tuple(row.get("sections", "").replace(";", " ").split()) or (EVERYTHING,)
    known = {EVERYTHING, *(section.path for section in publication.sections)}
    for path in sections:
        if path not in known:
            raise _Refused(f'there is no section "{path}"; write one of: {", ".join(sorted(known))}.')
    return Subscription(name, cadence, sections, int(hour) if hour else None)
