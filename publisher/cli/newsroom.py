"""publisher check, gather, build, status: the newsroom as a whole."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from publisher.cli.opening import now, opened, output
from publisher.cli.output import when
from publisher.errors import Problem, PublisherError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.cli.output import Output
    from publisher.model.delivery import DeliveryState
    from publisher.pipeline.gather import Assignment, Gathered
    from publisher.store.pings import Ping


def check(context: typer.Context) -> None:
    """Check configuration, templates and local articles; opens no connection and changes nothing."""
    from publisher import app
    from publisher.clean.text import one_line
    from publisher.render.environment import Templates

    out = output(context)
    config = app.read(out.config)
    root = out.config.resolve().parent
    house = app.publication(config)
    problems: list[Problem | str] = [*Templates(house, root).check()]
    articles = 0
    for source in app.local_sources(config, house, root):
        found, count = _read(source)
        problems += found
        articles += count
    if out.json:
        out.data({"problems": problems, "articles": articles})
    else:
        for problem in problems:
            print(one_line(str(problem)))
    plural = "problem" if len(problems) == 1 else "problems"
    out.say(f"{articles} local articles, {len(problems)} {plural}. Nothing was changed.")
    if problems:
        raise typer.Exit(1)


def _read(assignment: "Assignment") -> tuple[list[Problem], int]:
    from publisher.pipeline import gather as step

    try:
        trial = asyncio.run(step.attempt(assignment, now()))
    except PublisherError as error:
        return [Problem(assignment.source.name, str(error))], 0
    return list(trial.problems), len(trial.articles)


def gather(
    context: typer.Context,
    sources: Annotated[list[str] | None, typer.Argument(help="Only these sources.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be filed, but file nothing.")] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Let a source lose most of its articles at once.")
    ] = False,
) -> None:
    """Ask the sources for what changed."""
    from publisher.pipeline import gather as step

    out = output(context)
    with opened(context) as app:
        room = app.newsroom
        chosen = _chosen(room.assignments, sources or [])
        resting = {} if sources else step.waiting(room.database, chosen, now())
        for name, until in resting.items():
            out.say(f"{name} asked to be left alone until {when(until, room.publication.zone)}.")
        chosen = [one for one in chosen if one.source.name not in resting]
        with out.progress("Gathering", len(chosen)) as advance:
            ended: list[Gathered] = []

            def done(one: "Gathered") -> None:
                ended.append(one)
                advance(len(ended))

            names = [one.source.name for one in room.assignments]
            asking = step.gather(
                room.database,
                chosen,
                now(),
                http=room.http,
                configured=names,
                dry_run=dry_run,
                withdraw=withdraw,
                done=done,
            )
            gathered = asyncio.run(asking)
    _report(out, gathered)


def _chosen(assignments: "Sequence[Assignment]", names: list[str]) -> "list[Assignment]":
    known = {one.source.name: one for one in assignments}
    for name in names:
        if name not in known:
            raise UsageError(f'there is no source "{name}". Write one of: {", ".join(known) or "none yet"}.')
    return [known[name] for name in names] if names else list(known.values())


def _report(out: "Output", gathered: "list[Gathered]") -> None:
    for one in gathered:
        for problem in one.problems:
            out.warn(f"{one.source}: {problem}")
        if one.error:
            out.warn(f"{one.source}: {one.error}")
    columns = ("Source", "State", "New", "Updated", "Same", "Withdrawn", "Problems")
    rows = [
        (one.source, _verdict(one), one.new, one.updated, one.same, one.withdrawn, len(one.problems))
        for one in gathered
    ]
    out.table(columns, rows, [asdict(one) for one in gathered])
    failed = [one for one in gathered if one.error]
    if failed:
        raise typer.Exit(1 if len(failed) == len(gathered) else 3)


def _verdict(one: "Gathered") -> str:
    return "failed" if one.error else "unchanged" if one.unchanged else "read"


def build(
    context: typer.Context,
    only: Annotated[Literal["feeds", "pages"] | None, typer.Option(help="Only these files.")] = None,
) -> None:
    """Build the site as files: feeds and pages; only what changed is written."""
    from publisher.pipeline import announce, syndicate

    out = output(context)
    with opened(context) as app:
        site, moment = app.newsroom.site, now()
        built = syndicate.build(app.newsroom.database, site, moment, only or "")
        hubs = site.syndication.hubs
        announce.note(app.newsroom.database, hubs, site.path, site.publication.url, syndicate.published(site), moment)
    for problem in built.problems:
        out.warn(str(problem))
    if out.json:
        out.data(asdict(built))
    else:
        print(f"{site.path}: {len(built.written)} written, {len(built.removed)} removed, {built.same} unchanged")
    if hubs and announce.topics(built.written):
        out.say("Once the site is online, tell the hubs of it: publisher feeds ping")
    if built.problems:
        raise typer.Exit(3)


def status(context: typer.Context) -> None:
    """What is happening, and what needs a person."""
    from publisher import schedule
    from publisher.model.newsletter import EditionState as State
    from publisher.store import articles, database, editions, outbox, pings
    from publisher.store import sources as records

    out = output(context)
    with opened(context) as app, database.reading(app.newsroom.database) as db:
        room, zone, moment = app.newsroom, app.newsroom.publication.zone, now()
        known = records.load(db)
        names = {source.name for source in app.config.sources}
        orphans = {name: number for name, number in articles.count_by_source(db).items() if name not in names}
        active = editions.in_state(db, State.DRAFT, State.APPROVED, State.PRESSED, State.SENDING, State.HELD)
        deliveries = {one.id: outbox.count(db, one.id) for one in active}
        reasons = {one.id: outbox.reasons(db, one.id) for one in active}
        upcoming = {
            f"{name} {cadence}": slot.instant
            for name, one in room.newsletters.items()
            for cadence, line in one.schedule.items()
            if (slot := schedule.next_slot(line, zone, moment))
        }
        latest = editions.listed(db, 20)
        unheard = [one for one in pings.left(db) if one.hub in room.site.syndication.hubs]
        values = {"articles": articles.count(db), "editions": editions.states(db)}
    asked = [record for record in known.values() if record.name in names]
    failing = [record for record in asked if record.failures]
    needs = [f"source {record.name} fails: {'; '.join(record.problems)}" for record in failing]
    needs += [f"source {record.name}: {problem}" for record in asked if not record.failures
              for problem in record.problems]  # fmt: skip
    needs += [f"{number} articles are of the source {name}, which is not configured any more"
              for name, number in orphans.items()]  # fmt: skip
    needs += [f"edition {one.id} waits: {reply}" for one in active for _, _, reply, _ in reasons[one.id] if reply]
    needs += [f"edition {one.id} waits for an editor: publisher editions preview {one.id}" for one in active
              if one.state is State.DRAFT]  # fmt: skip
    needs += _unheard(unheard)
    troubled = (State.FAILED, State.SENT_WITH_FAILURES)
    needs += [f"edition {one.id} is {one.state}: publisher editions show {one.id}" for one in latest
              if one.state in troubled]  # fmt: skip
    if out.json:
        sending = [{**asdict(one), "deliveries": deliveries[one.id]} for one in active]
        out.data({**values, "active": sending, "next": upcoming, "needs": needs})
        return
    out.record(
        {
            **values,
            "active": [f"{one.id} {one.newsletter} {one.state} {_counts(deliveries[one.id])}" for one in active],
            "next": [f"{when(instant, zone)}  {name}" for name, instant in sorted(upcoming.items(), key=_instant)],
            "needs a person": needs or "nothing",
        }
    )


def _unheard(left: "list[Ping]") -> list[str]:
    """A line for each hub that fails, and one for the feeds that cannot be announced yet."""
    needs = []
    for hub in dict.fromkeys(one.hub for one in left if one.is_failing):
        failing = [one for one in left if one.hub == hub and one.is_failing]
        worst = max(failing, key=lambda one: one.tries)
        end = "" if worst.due_at else ", given up until it changes; to try now: publisher feeds ping"
        needs.append(f"hub {hub} did not take {_first(worst.topic, failing)} ({worst.tries} tries{end}): {worst.reply}")
    unserved = list({one.topic: one for one in left if one.is_unserved}.values())
    if unserved:
        needs.append(f"hubs have not heard of {_first(unserved[0].topic, unserved)} yet: {unserved[0].reply}")
    return needs


def _first(topic: str, of: "list[Ping]") -> str:
    return f"{topic} and {len(of) - 1} more" if len(of) > 1 else topic


def _instant(item: "tuple[str, object]") -> str:
    return str(item[1])


def _counts(counts: "dict[DeliveryState, int]") -> str:
    return " ".join(f"{state.value} {number}" for state, number in counts.items())
