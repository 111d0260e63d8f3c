"""publisher editions: build, look at, send."""

import asyncio
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import proofs
from publisher.cli.opening import find_edition, now, opened, output
from publisher.cli.output import when
from publisher.errors import Busy, PublisherError, UsageError

if TYPE_CHECKING:
    from publisher.app import App
    from publisher.model.article import Article
    from publisher.model.delivery import DeliveryState
    from publisher.model.newsletter import Edition, Newsletter
    from publisher.pipeline.proof import Pressing

_LONGEST_NOTE = 5_000

app = typer.Typer(help="Build, look at, send.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def listed(
    context: typer.Context,
    newsletter: Annotated[str, typer.Option(help="Only this newsletter's.")] = "",
    limit: Annotated[int, typer.Option(min=1)] = 30,
) -> None:
    """List the newest editions."""
    from publisher.store import database, editions, outbox

    with opened(context) as app, database.reading(app.newsroom.database) as db:
        found = editions.listed(db, limit, newsletter)
        counts = {one.id: outbox.count(db, one.id) for one in found}
        zone = app.newsroom.publication.zone
    rows = [
        (one.id, one.newsletter, one.cadence, one.slot, one.state, sum(counts[one.id].values()) or "",
         when(one.finished_at, zone), one.note)
        for one in found
    ]  # fmt: skip
    records = [{**asdict(one), "deliveries": counts[one.id]} for one in found]
    columns = ("Id", "Newsletter", "Cadence", "Slot", "State", "Readers", "Finished", "Note")
    output(context).table(columns, rows, records)


@app.command()
def build(
    context: typer.Context,
    newsletter: Annotated[str, typer.Argument(help="Its name.")],
    cadence: Annotated[str, typer.Option(help="Which of its cadences; the first by default.")] = "",
    note: Annotated[str, typer.Option(help="The editor's words to the readers, in Markdown.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would hold, but store nothing.")] = False,
) -> None:
    """Compose a draft from all that is new."""
    from publisher.pipeline import compose
    from publisher.store import database

    out = output(context)
    with opened(context) as app:
        chosen, cadence = _newsletter(app, newsletter, cadence)
        room = app.newsroom
        if dry_run:
            with database.reading(room.database) as db:
                layout = compose.lay_out(db, chosen, cadence, room.publication, now())
            out.record({"articles": layout.articles, "left for the next": layout.left_over})
            return
        edition = compose.build(room.database, chosen, cadence, room.publication, now())
        if edition is None:
            out.say(f"Nothing is new to {chosen.title}, {cadence}: no edition was made.")
            if out.json:
                out.data(None)
            return
        if note:
            edition = _greet(app, edition, note)
        out.say(f"Edition {edition.id} is a draft. Look at it: publisher editions preview {edition.id}")
        _show(context, app, edition)


def _newsletter(app: "App", name: str, cadence: str) -> "tuple[Newsletter, str]":
    newsletter = app.newsroom.newsletters.get(name)
    if newsletter is None:
        known = ", ".join(app.newsroom.newsletters) or "none is configured"
        raise UsageError(f'there is no newsletter "{name}". Write one of: {known}.')
    chosen = cadence or next(iter(newsletter.schedule), "")
    if chosen not in newsletter.schedule:
        raise UsageError(f'{name} has no cadence "{chosen}". Write one of: {", ".join(newsletter.schedule)}.')
    return newsletter, chosen


@app.command()
def note(
    context: typer.Context,
    edition: Annotated[int, typer.Argument(help="Its id.")],
    words: Annotated[str, typer.Argument(help="The editor's words to the readers, in Markdown; - reads them.")],
) -> None:
    """Set an editor's note at the head of a draft; an empty one takes it away."""
    with opened(context) as app:
        text = sys.stdin.read() if words == "-" else words
        _greet(app, find_edition(app, edition), text)
        output(context).say(f"Edition {edition} has {'a' if text.strip() else 'no'} note from the editor.")


def _greet(app: "App", edition: "Edition", words: str) -> "Edition":
    from publisher.store import database, editions

    if len(words) > _LONGEST_NOTE:
        raise UsageError(
            f"the note has {len(words):,} characters; up to {_LONGEST_NOTE:,} stand at the head of a mail."
        )
    with database.writing(app.newsroom.database) as db:
        if not editions.greet(db, edition.id, words.strip()):
            raise UsageError(f"edition {edition.id} is {edition.state}; only a draft can be given a note.")
    return find_edition(app, edition.id)


@app.command()
def show(
    context: typer.Context,
    edition: Annotated[int, typer.Argument(help="Its id.")],
    checks: Annotated[bool, typer.Option("--checks", help="Check what would be sent.")] = False,
    online: Annotated[bool, typer.Option("--online", help="With --checks: ask whether its links are alive.")] = False,
) -> None:
    """Show what an edition holds, and account for every reader."""
    with opened(context) as app:
        chosen = find_edition(app, edition)
        if checks or online:
            _check(context, app, chosen, online)
        else:
            _show(context, app, chosen)


def _check(context: typer.Context, app: "App", edition: "Edition", online: bool) -> None:
    """Print the preflight; exit 1 where it would stop a sending."""
    from publisher.pipeline import proof
    from publisher.render import preflight

    room, out = app.newsroom, output(context)
    pressing = proof.prepare(room.database, edition, room.press_desk, now())
    answers = asyncio.run(_answers(app, pressing)) if online else None
    checks = proof.check(pressing, room.press_desk, answers)
    rows = [(check.name, check.verdict.value, check.detail, check.reference) for check in checks]
    out.table(("Check", "Verdict", "Detail", "Reference"), rows)
    failed = preflight.blocking(checks, room.accept)
    if failed:
        out.warn(f"These would stop a sending: {', '.join(check.name for check in failed)}.")
        raise typer.Exit(1)


async def _answers(app: "App", pressing: "Pressing") -> dict[str, str]:
    from publisher.pipeline import links, proof
    from publisher.render import preflight

    copy = proof.sample(pressing, app.newsroom.press_desk)
    async with app.online() as http:
        return await links.ask(preflight.links(copy), http)


def _show(context: typer.Context, app: "App", edition: "Edition") -> None:
    from publisher.store import articles, database, editions, outbox

    out, zone = output(context), app.newsroom.publication.zone
    with database.reading(app.newsroom.database) as db:
        placed = editions.placed_in(db, edition.id)
        stories = articles.by_ids(db, {one.article_id for one in placed})
        counts, reasons = outbox.count(db, edition.id), outbox.reasons(db, edition.id)
    if out.json:
        contents = [{**asdict(one), "headline": stories[one.article_id].title} for one in placed]
        why = [dict(zip(("state", "code", "reply", "deliveries"), reason, strict=True)) for reason in reasons]
        out.data({**asdict(edition), "contents": contents, "deliveries": counts, "reasons": why})
        return
    out.record(
        {
            "edition": f"{edition.id}, {edition.newsletter}, {edition.cadence}",
            "slot": edition.slot,
            "state": edition.state.value,
            "subject": edition.subject,
            "composed": when(edition.composed_at, zone),
            "pressed": when(edition.pressed_at, zone),
            "finished": when(edition.finished_at, zone),
            "deliveries": {state.value: number for state, number in counts.items()},
            "note": edition.note,
            "editor's note": edition.greeting,
        }
    )
    rows = [(p.section, p.article_id, stories[p.article_id].title, _note(stories[p.article_id])) for p in placed]
    out.table(("Section", "Article", "Headline", "Note"), rows)
    if reasons:
        reasoned = [(state.value, code, reply, number) for state, code, reply, number in reasons]
        out.table(("State", "Code", "Why", "Deliveries"), reasoned)


def _note(story: "Article") -> str:
    """What an editor should know of a story before the edition is pressed."""
    return "" if story.public(now()) else f"{story.status.value}: publisher articles explain {story.id}"


app.command()(proofs.preview)
app.command()(proofs.proof)


@app.command()
def approve(context: typer.Context, edition: Annotated[int, typer.Argument(help="Its id.")]) -> None:
    """Approve a draft: the press that runs (publisher run) checks it and sends it."""
    from publisher.pipeline import press

    with opened(context) as app:
        chosen, out = find_edition(app, edition), output(context)
        if not out.confirm(f"Approve edition {edition} of {chosen.newsletter} for {_readers(app, chosen)} readers?"):
            out.say("Nothing was approved.")
            raise typer.Exit(1)
        press.approve(app.newsroom.database, chosen)
        out.say(f"Edition {edition} is approved: the press that runs sends it.")


@app.command()
def send(
    context: typer.Context,
    edition: Annotated[int, typer.Argument(help="Its id.")],
    accept: Annotated[list[str] | None, typer.Option(help="A check that may fail, by name; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the readers; send nothing.")] = False,
) -> None:
    """Approve, press and deliver an edition; one that was interrupted goes on where it stopped."""
    from publisher.model.newsletter import EditionState as State
    from publisher.pipeline import press, syndicate

    out = output(context)
    _known_checks(accept or [])
    with opened(context) as app:
        chosen, room = find_edition(app, edition), app.newsroom
        if chosen.state not in (State.DRAFT, State.APPROVED, State.PRESSED, State.SENDING):
            out.say(f"Edition {edition} is {chosen.state}: there is nothing to send.")
            _show_result(context, app, chosen)
            return
        readers = _readers(app, chosen)
        if dry_run:
            out.record({"edition": edition, "readers": readers, "sent": 0})
            return
        if readers == 0 and chosen.pressed_at is None:
            raise PublisherError(
                f"nobody reads {chosen.newsletter}, {chosen.cadence}, yet: an edition to no one would use up its "
                "articles. Add readers first: publisher subscribers import FILE"
            )
        if not out.confirm(f"Send edition {edition} of {chosen.newsletter} to {readers} readers?"):
            out.say("Nothing was sent.")
            raise typer.Exit(1)
        if chosen.state in (State.DRAFT, State.APPROVED):
            press.press(room.database, chosen, room.press_desk, now(), accept or ())
        try:
            syndicate.build(room.database, room.site, now(), "pages")
        except (PublisherError, OSError) as error:
            out.warn(f"The site could not be built, the mail goes out all the same: {error}")
        _deliver(context, app, edition, readers)
        failed = _show_result(context, app, find_edition(app, edition))
    if failed:
        raise typer.Exit(3)


def _known_checks(names: list[str]) -> None:
    from publisher.render.preflight import NAMES

    for name in names:
        if name not in NAMES:
            raise UsageError(f'there is no check "{name}". Write one of: {", ".join(NAMES)}.')


def _readers(app: "App", edition: "Edition") -> int:
    """How many readers would still get a copy."""
    from publisher.model.delivery import UNFINISHED
    from publisher.store import database, outbox

    with database.reading(app.newsroom.database) as db:
        if edition.pressed_at is None:
            return outbox.count_readers(db, edition)
        counts = outbox.count(db, edition.id)
    return sum(counts.get(state, 0) for state in UNFINISHED)


async def _work_until_stopped(app: "App", edition_id: int) -> None:
    """Deliver one edition; SIGINT and SIGTERM let the copies in hand arrive first."""
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, app.engine.stop)
    await app.engine.work(now, edition_id)


def _deliver(context: typer.Context, app: "App", edition_id: int, readers: int) -> None:
    out = output(context)
    with out.progress("Sending", readers) as advance:
        app.engine.watch = lambda progress: advance(sum(progress.settled.values()))
        try:
            asyncio.run(_work_until_stopped(app, edition_id))
        except Busy:
            out.say("Handed to the press that is already running on this database.")
    if app.engine.progress.stopping:
        out.warn("Stopped. Type the same line again, and it goes on here.")
    if app.engine.progress.down:
        out.warn(f"Delivery waits: {app.engine.progress.down}")


def _show_result(context: typer.Context, app: "App", edition: "Edition") -> bool:
    """Print what became of the readers; True where some did not get their copy."""
    from publisher.model.delivery import FAILURES, UNFINISHED
    from publisher.store import database, outbox

    with database.reading(app.newsroom.database) as db:
        counts: dict[DeliveryState, int] = outbox.count(db, edition.id)
    deliveries = {state.value: number for state, number in counts.items()}
    output(context).record({"edition": edition.id, "state": edition.state.value, "deliveries": deliveries})
    return any(counts.get(state) for state in (*FAILURES, *UNFINISHED))


@app.command()
def cancel(context: typer.Context, edition: Annotated[int, typer.Argument(help="Its id.")]) -> None:
    """Cancel an edition of which nothing was sent; its articles are news again."""
    from publisher.model.newsletter import EditionState as State
    from publisher.store import database, editions

    with opened(context) as app:
        chosen = find_edition(app, edition)
        with database.writing(app.newsroom.database) as db:
            note = {"note": "cancelled by an editor", "finished_at": now()}
            moved = editions.move(db, edition, [State.DRAFT, State.APPROVED], State.CANCELLED, **note)
        if not moved:
            raise UsageError(
                f"edition {edition} is {chosen.state}; only a draft or an approved edition can be cancelled."
            )
        output(context).say(f"Edition {edition} is cancelled.")
