"""publisher feeds: what feed readers can follow."""

import typer

from publisher.cli.opening import opened, output

app = typer.Typer(help="What feed readers can follow.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def listed(context: typer.Context) -> None:
    """List every feed with its address."""
    from publisher.render.feed import FILES

    with opened(context) as app:
        site = app.newsroom.site
        rows = [
            (plan.section.title if plan.section else "Everything", form, f"{site.publication.url}/{plan.path}/{name}",
             (site.path / plan.path / name).is_file())
            for plan in site.feeds
            for form, name in FILES.items()
            if form in plan.formats
        ]  # fmt: skip
    records = [dict(zip(("feed", "format", "url", "built"), row, strict=True)) for row in rows]
    shown = [(*row[:3], "yes" if row[3] else "not yet") for row in rows]
    output(context).table(("Feed", "Format", "Address", "Built"), shown, records)
