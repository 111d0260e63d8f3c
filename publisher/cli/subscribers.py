"""publisher subscribers: the readers."""

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.opening import now, opened, output

app = typer.Typer(help="The readers.", no_args_is_help=True, rich_markup_mode=None)


@app.command("import")
def imported(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header; only `address` is required.")],
    newsletter: Annotated[str, typer.Option(help="For rows that name none.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, but store nothing.")] = False,
) -> None:
    """Add readers from a CSV file. Safe to repeat; whoever left or was suppressed stays out."""
    from publisher.pipeline.readers import import_csv

    out = output(context)
    with opened(context) as app:
        report = import_csv(
            app.newsroom.database,
            file,
            app.newsroom.newsletters,
            app.newsroom.publication,
            newsletter,
            now(),
            dry_run=dry_run,
        )
    for problem in report.problems:
        out.warn(str(problem))
    counts = {added.value: number for added, number in report.counts.items()} | {"refused": len(report.problems)}
    if out.json:
        out.data({**counts, "problems": report.problems, "dry_run": dry_run})
    else:
        verb = "Would import" if dry_run else "Imported"
        print(
            f"{verb} {file}: "
            + ", ".join(f"{number} {name}" for name, number in counts.items() if number or name == "new")
        )
    if report.problems:
        raise typer.Exit(3)


@app.command("list")
def listed(
    context: typer.Context,
    newsletter: Annotated[str, typer.Option(help="Only this newsletter's readers.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 1000,
) -> None:
    """List readers with what they chose."""
    from publisher.store import database, subscribers

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = list(subscribers.listed(db, limit, newsletter))
    rows = [
        (reader.address, reader.name, one.newsletter, one.cadence, " ".join(one.sections), reader.timezone, one.state)
        for reader, one in found
    ]
    records = [
        {"address": reader.address, "name": reader.name, "language": reader.language, "timezone": reader.timezone,
         "newsletter": one.newsletter, "cadence": one.cadence, "sections": one.sections, "hour": one.hour,
         "state": one.state}
        for reader, one in found
    ]  # fmt: skip
    columns = ("Address", "Name", "Newsletter", "Cadence", "Sections", "Time zone", "State")
    output(context).table(columns, rows, records)
