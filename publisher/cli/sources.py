"""publisher sources: where articles come from, and how the last fetch went."""

import typer

from publisher.cli.opening import opened, output
from publisher.cli.output import when

app = typer.Typer(help="Where articles come from.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def listed(context: typer.Context) -> None:
    """List the sources with how their last fetch went."""
    from publisher.store import database
    from publisher.store import sources as records

    with opened(context) as app:
        with database.reading(app.newsroom.database) as db:
            known = records.load(db)
        zone = app.newsroom.publication.zone
        rows = []
        for source in app.config.sources:
            record = known.get(source.name)
            state = "never asked" if record is None else "failing" if record.failures else "working"
            place = source.url if source.type == "feed" else str(source.path)
            checked, changed = (record.checked_at, record.changed_at) if record else (None, None)
            problems = list(record.problems) if record else []
            rows.append((source.name, source.type, place, state, checked, changed, problems))
    columns = ("Name", "Type", "Where", "State", "Last asked", "Last news", "Problems")
    shown = [(*row[:4], when(row[4], zone), when(row[5], zone), len(row[6]) or "") for row in rows]
    names = ("name", "type", "where", "state", "checked_at", "changed_at", "problems")
    output(context).table(columns, shown, [dict(zip(names, row, strict=True)) for row in rows])
    for row in rows:
        for problem in row[6]:
            output(context).say(f"{row[0]}: {problem}")
