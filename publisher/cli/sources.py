"""publisher sources: where articles come from, how the last fetch went, and what a site or a source would bring."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from publisher.cli.opening import now, opened, output
from publisher.cli.output import when
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import SourceConfig
    from publisher.pipeline.gather import Trial
    from publisher.sources.detect import Offer

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
            checked, changed = (record.checked_at, record.changed_at) if record else (None, None)
            problems = list(record.problems) if record else []
            rows.append((source.name, source.type, _place(source), state, checked, changed, problems))
    columns = ("Name", "Type", "Where", "State", "Last asked", "Last news", "Problems")
    shown = [(*row[:4], when(row[4], zone), when(row[5], zone), len(row[6]) or "") for row in rows]
    names = ("name", "type", "where", "state", "checked_at", "changed_at", "problems")
    output(context).table(columns, shown, [dict(zip(names, row, strict=True)) for row in rows])
    for row in rows:
        for problem in row[6]:
            output(context).say(f"{row[0]}: {problem}")


def _place(source: "SourceConfig") -> str:
    from publisher.config import FolderSourceConfig, PageSourceConfig, WxrSourceConfig

    if isinstance(source, FolderSourceConfig | WxrSourceConfig):
        return str(source.path)
    if isinstance(source, PageSourceConfig):
        return source.urls[0] if len(source.urls) == 1 else f"{len(source.urls)} pages"
    return source.url


@app.command()
def detect(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="A site's address.")],
    private: Annotated[bool, typer.Option("--allow-private", help="The site may be on a private address.")] = False,
) -> None:
    """Tell what a site offers, best first, and what to write into config.toml; needs no newsroom."""
    from publisher.fetch import Fetcher
    from publisher.sources import detect as detection

    async def ask() -> "list[Offer]":
        async with Fetcher([_host(url)] if private else ()) as http:
            return await detection.detect(http, url, now())

    out = output(context)
    offers = asyncio.run(ask())
    rows = [(one.type, one.title, one.url, "yes" if one.checked else "no answer", one.why) for one in offers]
    out.table(("Type", "Title", "Address", "Checked", "Why"), rows, [asdict(one) for one in offers])
    if not offers:
        out.say(f"{url} offers nothing that Publisher reads.")
    elif not out.json:
        out.say(f"\nThe best of it, for config.toml:\n\n{offers[0].config}")


def _host(url: str) -> str:
    return urlsplit(url if "://" in url else f"//{url}").hostname or ""


@app.command("test")
def attempted(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A source's name.")],
    limit: Annotated[int, typer.Option(min=1, help="How many articles to show.")] = 20,
) -> None:
    """Show what one fetch of a source would bring, read from the start; nothing is stored."""
    from publisher.pipeline import gather as step

    out = output(context)
    with opened(context) as app:
        room = app.newsroom
        known = {one.source.name: one for one in room.assignments}
        if name not in known:
            raise UsageError(f'there is no source "{name}". Write one of: {", ".join(known) or "none yet"}.')
        trial = asyncio.run(step.attempt(known[name], now(), http=room.http))
        zone = room.publication.zone
    for problem in trial.problems:
        out.warn(str(problem))
    rows = [
        (when(one.published, zone), one.sections[0] if one.sections else "–", one.title, one.words, one.status.value)
        for one in trial.articles[:limit]
    ]
    out.table(("Published", "Section", "Headline", "Words", "Status"), rows, _records(trial))
    more = ", and there is more to ask for" if trial.more else ""
    out.say(f"{len(trial.articles)} articles, {len(trial.problems)} problems{more}. Nothing was stored.")
    if not trial.articles and trial.problems:
        raise typer.Exit(1)


def _records(trial: "Trial") -> list[dict[str, Any]]:
    return [
        {key: value for key, value in asdict(one).items() if key not in ("id", "tag", "first_seen", "updated")}
        for one in trial.articles
    ]
