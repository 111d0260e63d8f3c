"""publisher feeds: what feed readers can follow."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from publisher.cli.opening import now, opened, output
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.render.feed.rules import Printed

app = typer.Typer(help="What feed readers can follow.", no_args_is_help=True, rich_markup_mode=None)
_FEED = re.compile(r"(?:rss\.xml|atom\.xml|feed\.json|feeds\.opml|archive-[0-9]+\.xml)(?:\.gz|\.br|\.zst)?")


@app.command("list")
def listed(context: typer.Context) -> None:
    """List every feed with its address."""
    from publisher.pipeline.syndicate import planned
    from publisher.render.feed import FILES

    with opened(context) as app:
        site = app.newsroom.site
        rows = [
            (plan.title, plan.of, form, f"{site.publication.url}/{plan.path}/{FILES[form]}",
             (site.path / plan.path / FILES[form]).is_file())
            for plan in planned(app.newsroom.database, site, now())
            for form in plan.formats
        ]  # fmt: skip
    records = [dict(zip(("feed", "of", "format", "url", "built"), row, strict=True)) for row in rows]
    shown = [(*row[:4], "yes" if row[4] else "not yet") for row in rows]
    output(context).table(("Feed", "Of", "Format", "Address", "Built"), shown, records)


@app.command()
def check(context: typer.Context) -> None:
    """Check every feed that is built against the rules of its format; opens no connection and changes nothing."""
    from publisher.clean.text import one_line
    from publisher.render.feed.rules import Facts, examine
    from publisher.render.preflight import Verdict

    out = output(context)
    with opened(context) as app:
        site = app.newsroom.site
    folders = _folders(site.path)
    if not folders:
        raise PublisherError(f"{site.path / 'feeds'} holds no feed yet. Build them: publisher build")
    rules = site.syndication
    facts = Facts(site.publication.url, now(), rules.max_age, rules.max_bytes)
    findings = list(examine((dict(_printed(site.path, paths)) for paths in folders.values()), facts))
    if out.json:
        out.data(findings)
    else:
        for one in findings:
            mild = "" if one.verdict is Verdict.FAIL else f" {one.verdict}"
            place = f"{one.file} [{one.entry}]" if one.entry else one.file
            print(f"{one_line(place)}  {one_line(f'{one.rule}{mild}: {one.detail} ({one.reference})')}")
    wrong = sum(one.verdict is Verdict.FAIL for one in findings)
    files = sum(path.suffix not in (".gz", ".br", ".zst") for paths in folders.values() for path in paths)
    out.say(f"{files} files, {wrong} faults, {len(findings) - wrong} warnings. Nothing was changed.")
    if wrong:
        raise typer.Exit(1)


@app.command()
def ping(context: typer.Context) -> None:
    """Tell the hubs which feeds have news, once their new bytes are served; `publisher run` does so by itself."""
    import asyncio

    from publisher.pipeline import cycle
    from publisher.store import database, pings

    out = output(context)
    with opened(context) as app:
        room = app.newsroom
        if not room.site.syndication.hubs:
            raise PublisherError('no hub is configured. Write [syndication] hubs = ["https://hub.example/"].')
        sent = asyncio.run(cycle.announce_news(room, now(), everything=True))
        with database.reading(room.database) as db:
            waiting = pings.left(db)
    rows = [(one.hub, one.topic, one.tries, one.reply) for one in waiting]
    out.table(("Hub", "Feed", "Failures", "Why it waits"), rows, [asdict(one) for one in waiting])
    out.say(f"{sent} announced, {len(waiting)} wait.")
    if waiting:
        raise typer.Exit(3 if sent else 1)


@app.command()
def nginx(context: typer.Context) -> None:
    """Print a configuration of nginx that serves the built site as `publisher serve` does."""
    from publisher.web.nginx import configuration

    with opened(context) as app:
        site, settings = app.newsroom.site, app.config.site
    upstream = f"{settings.host}:{settings.port}"
    most = settings.requests_per_minute
    print(configuration(site.publication, site.syndication, site.path.resolve(), upstream, most), end="")


def _folders(site: Path) -> dict[Path, list[Path]]:
    """The files of every feed by its folder; what a half-written build left beside them is none of ours."""
    found: dict[Path, list[Path]] = {}
    for path in sorted((site / "feeds").rglob("*")):
        if _FEED.fullmatch(path.name) and path.is_file():
            found.setdefault(path.parent, []).append(path)
    return found


def _printed(site: Path, paths: list[Path]) -> "Iterator[tuple[str, Printed]]":
    from publisher.render.feed.rules import Printed

    for path in paths:
        yield path.relative_to(site).as_posix(), Printed(path.read_bytes(), path.stat().st_mtime_ns)
