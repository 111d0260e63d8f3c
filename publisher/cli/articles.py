"""publisher articles: what was gathered."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.opening import now, opened, output
from publisher.cli.output import when
from publisher.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from publisher.model.article import Article, Correction, Filing, Origin

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
        (one.id, when(one.published, zone), one.sections[0] if one.sections else "–", one.title, one.source,
         "" if one.public(now()) else _why_public(one))
        for one in found
    ]  # fmt: skip
    records = [{key: value for key, value in asdict(one).items() if key != "body"} for one in found]
    output(context).table(("Id", "Published", "Section", "Headline", "Source", "Note"), rows, records)


def _find(db: "Connection", name: str) -> "Article":
    from publisher.clean import urls
    from publisher.store import articles

    found = articles.find(db, name, urls.key(name if "://" in name else None))
    if found is None:
        raise UsageError(f'there is no article "{name}". See: publisher articles list')
    return found


@app.command()
def show(context: typer.Context, article: Annotated[str, typer.Argument(help="Id, slug or address.")]) -> None:
    """Show all that is known of an article."""
    from publisher.clean.text import from_html
    from publisher.store import database

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = _find(db, article)
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
        "status": found.status.value,
        "access": found.access.value,
        "embargo": when(found.embargo, zone),
        "comments": found.comments,
        "replies": found.replies,
        "corrections": _numbered(found, zone),
        "related": [f"{one.title}  {one.url}" for one in found.related],
        "feed id": found.tag,
        "where from": [f"{name}: {place}" for name, place in found.origins.items()],
        "begins": from_html(found.body)[:300],
    }
    output(context).record(values)


@app.command()
def explain(context: typer.Context, article: Annotated[str, typer.Argument(help="Id, slug or address.")]) -> None:
    """Say how an article was recognised, what became of it, and why it is or is not where readers look."""
    from publisher.store import articles, database

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = _find(db, article)
        origins, addresses = articles.origins(db, found.id), articles.addresses(db, found.id)
        history, placed = articles.history(db, found.id), articles.editions_with(db, found.id)
        zone = app.newsroom.publication.zone
    out = output(context)
    if out.json:
        ids = [{**asdict(one), "because": one.rule.meaning} for one in origins]
        became = [{**asdict(one), "because": one.rule.meaning} for one in history]
        seen = {"public": found.public(now()), "why": _why_public(found)}
        seen |= {"published": found.published, "updated": found.updated, "corrections": found.corrections}
        out.data({"id": found.id, "title": found.title, **seen, "origins": ids, "addresses": addresses,
                  "history": became, "editions": placed})  # fmt: skip
        return
    out.record(
        {
            "article": f"{found.id}, {found.title}",
            "for readers": _why_public(found),
            "published": when(found.published, zone),
            "changed": f"{when(found.updated, zone)}, as readers are told",
            "corrections": _numbered(found, zone),
            "known as": [_origin(one, zone) for one in origins],
            "addresses": addresses,
            "history": [_entry(one, zone) for one in history],
            "editions": [
                f"{one.edition}, {one.newsletter} {one.cadence}, {one.state}, under {one.section}" for one in placed
            ],
        }
    )


@app.command()
def correct(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="Id, slug or address.")],
    note: Annotated[str, typer.Argument(help="What was wrong, in plain words; - reads them.")] = "",
    instead_of: Annotated[int | None, typer.Option(min=1, help="The number of a note that this one replaces.")] = None,
    remove: Annotated[int | None, typer.Option(min=1, help="The number of a note to take back.")] = None,
) -> None:
    """Print a correction with a story, and tell readers that it changed; or mend a correction in silence."""
    from publisher.store import corrections, database

    words = _words(sys.stdin.read() if note == "-" else note)
    if bool(words) == bool(remove) or (remove and instead_of):
        raise UsageError('write either what was wrong, "An earlier version gave the wrong year.", or --remove 1')
    out = output(context)
    with opened(context) as app, database.writing(app.newsroom.database) as db:
        found = _find(db, article)
        if any(one.note == words for one in found.corrections):
            said = "says so already; nothing was changed"
        elif remove:
            old = _numbered_note(found, remove)
            corrections.remove(db, found, remove, now())
            said = f"does not say any more: {old.note}"
        elif instead_of:
            old = _numbered_note(found, instead_of)
            corrections.reword(db, found, instead_of, words, now())
            said = f"says, still as of {when(old.at, app.newsroom.publication.zone)}: {words}"
        else:
            corrections.correct(db, found, words, now())
            said = f"says from now on: {words}"
        after = _find(db, str(found.id))
        zone = app.newsroom.publication.zone
    out.say(f"{found.title} {said}")
    if out.json:
        out.data(after.corrections)
    else:
        out.record({"corrections": _numbered(after, zone)})


def _words(note: str) -> str:
    from publisher.clean.article import LONGEST_CORRECTION
    from publisher.clean.text import one_line

    words = one_line(note)
    if len(words) > LONGEST_CORRECTION:
        raise UsageError(f"the correction has {len(words):,} characters; {LONGEST_CORRECTION:,} are the most.")
    return words


def _numbered_note(article: "Article", number: int) -> "Correction":
    if number > len(article.corrections):
        known = len(article.corrections) or "no"
        raise UsageError(f"{article.title} has {known} corrections. See: publisher articles show {article.id}")
    return article.corrections[number - 1]


def _numbered(article: "Article", zone: "ZoneInfo") -> list[str]:
    return [f"{number}. {when(one.at, zone)}: {one.note}" for number, one in enumerate(article.corrections, 1)]


def _why_public(article: "Article") -> str:
    moment = now()
    if article.public(moment):
        return "public" if article.sections else "public, but in no section: it is in the journal's own feed only"
    if article.status.value != "usable":
        return f"not public: it is {article.status.value}"
    held = "embargo" if article.embargo and article.embargo > moment else "publication"
    return f"not public: its {held} lies in the future"


def _origin(origin: "Origin", zone: "ZoneInfo") -> str:
    gone = f", gone since {when(origin.gone_at, zone)}" if origin.gone_at else ""
    known = f"{origin.source}: {origin.source_id}, since {when(origin.filed_at, zone)}{gone}"
    return f"{known}; {origin.rule.value}: {origin.rule.meaning}"


def _entry(entry: "Filing", zone: "ZoneInfo") -> str:
    what = f"{when(entry.at, zone)}  {entry.change.value} by {entry.source}, rule: {entry.rule.value}"
    fields = f"; changed: {', '.join(entry.fields)}" if entry.fields else ""
    mended = ", ".join(f"{kind} {number}" for kind, number in entry.repairs.items())
    return f"{what}{fields}{f'; repaired: {mended}' if mended else ''}"
