"""publisher articles: what was gathered."""

from dataclasses import asdict
from typing import Annotated

import typer

from publisher.cli.opening import opened, output
from publisher.cli.output import when
from publisher.errors import UsageError

app = typer.Typer(help="What was gathered.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def listed(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
) -> None:
    """List the newest articles."""
    from publisher.store import articles, database

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = articles.listed(db, limit)
        zone = app.newsroom.publication.zone
    rows = [
        (one.id, when(one.published, zone), one.sections[0] if one.sections else "–", one.title, one.source)
        for one in found
    ]
    records = [{key: value for key, value in asdict(one).items() if key != "body"} for one in found]
    output(context).table(("Id", "Published", "Section", "Headline", "Source"), rows, records)


@app.command()
def show(context: typer.Context, article: Annotated[str, typer.Argument(help="Id, slug or address.")]) -> None:
    """Show all that is known of an article."""
    from publisher.clean.text import from_html
    from publisher.store import articles, database

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = articles.find(db, article)
    if found is None:
        raise UsageError(f'there is no article "{article}". See: publisher articles list')
    if output(context).json:
        output(context).data(found)
        return
    zone = app.newsroom.publication.zone
    values = {
        "headline": found.title,
        "standfirst": found.standfirst,
        "authors": [author.name for author in found.authors],
        "sections": found.sections,
        "published": when(found.published, zone),
        "updated": when(found.updated, zone),
        "address": found.url or f"{app.newsroom.publication.url}/articles/{found.slug}.html",
        "language": f"{found.language} ({found.direction})",
        "length": f"{found.words} words, {found.minutes} min",
        "image": found.image.url if found.image else None,
        "tags": ", ".join(found.tags),
        "source": f"{found.source}: {found.source_id}",
        "first seen": when(found.first_seen, zone),
        "usable": "yes" if found.usable else "withheld",
        "feed id": found.tag,
        "begins": from_html(found.body)[:300],
    }
    output(context).record(values)
