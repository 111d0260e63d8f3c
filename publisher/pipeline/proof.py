"""An edition before it is frozen: render it, check it, print its proofs. Nothing here is stored, nothing is sent."""

import ipaddress
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from publisher.clean.addresses import address, address_key
from publisher.errors import PreflightFailed, PressError, UsageError
from publisher.guard import is_public
from publisher.model.article import Article
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import EVERYTHING, Edition, Newsletter, Placement, Publication
from publisher.render import edition as layout
from publisher.render import mail, page, plate, preflight
from publisher.render.environment import Templates
from publisher.render.mail import CopyPrinter, Post
from publisher.render.page import Alternate
from publisher.render.plate import Plate
from publisher.render.preflight import Check, Facts
from publisher.store import articles, database, editions, subscribers
from publisher.tokens import Tokens

NOBODY = "nobody"  # the key of a reader who does not exist


@dataclass(frozen=True, slots=True)
class Desk:
    """What the press needs of the newsroom. `accept` names the checks that may fail without stopping an edition.

    `static` is the folder whose files the site has under its own address; `alternates` are newsletters' feeds.
    """

    publication: Publication
    newsletters: Mapping[str, Newsletter]
    templates: Templates
    tokens: Tokens
    post: Post = mail.PLAIN
    accept: frozenset[str] = frozenset()
    static: Path | None = None
    alternates: Mapping[str, Sequence[Alternate]] = field(default_factory=dict)
    enqueue: Callable[[Connection, int], None] = lambda db, edition_id: None

    def newsletter(self, edition: Edition) -> Newsletter:
        """PressError where the configuration does not have it any more."""
        found = self.newsletters.get(edition.newsletter)
        if found is None:
            raise PressError(f'edition {edition.id} belongs to "{edition.newsletter}", which is no newsletter any more')
        return found


@dataclass(frozen=True, slots=True)
class Pressing:
    """An edition as it would be frozen, or as it was."""

    edition: Edition
    view: layout.EditionView
    placed: Sequence[Placement]
    plate: Plate
    page: str
    subject: str


def prepare(engine: Engine, edition: Edition, desk: Desk, now: datetime) -> Pressing:
    """Render and compile an edition; PressError or TemplateProblem where that cannot be done.

    One that is pressed comes with the plate its readers' copies are printed from.
    """
    newsletter = desk.newsletter(edition)
    with database.reading(engine) as db:
        placed, stories = _contents(db, edition, desk.publication, now)
        kept = editions.plate(db, edition.id), editions.page(db, edition.id)
    if not placed:
        raise PressError(f"edition {edition.id} has no article left: all were withdrawn, or their sections are gone")
    in_mail = layout.view(edition, newsletter, desk.publication, placed, stories, desk.publication.url)
    if kept[0] and kept[1]:
        return Pressing(edition, in_mail, placed, plate.load(kept[0]), kept[1].decode(), edition.subject)
    digest = desk.tokens.seal(edition.key)
    made = mail.make_plate(in_mail, placed, desk.templates, digest=digest, now=now)
    once = _once(placed, stories)
    on_web = layout.view(edition, newsletter, desk.publication, once, stories, "../..")
    web_page = page.edition_page(on_web, desk.templates, desk.alternates.get(newsletter.name, ()))
    return Pressing(edition, in_mail, placed, made, web_page, made.subjects[once[0].article_id])


def everybody() -> Delivery:
    """A reader of everything who does not exist: for checks, previews and proofs. Their links lead to nobody."""
    return Delivery(0, 0, "reader@example.org", "", NOBODY, (EVERYTHING,))


def as_reader(engine: Engine, newsletter: str, typed: str) -> Delivery:
    """The copy that a subscriber would get, with links of nobody's; UsageError where the address reads no such mail."""
    try:
        key = address_key(address(typed))
    except ValueError as error:
        raise UsageError(f'"{typed}" {error}.') from None
    with database.reading(engine) as db:
        reader = subscribers.find(db, key)
        sections = subscribers.sections(db, reader.key, newsletter) if reader else None
    if reader is None or sections is None:
        raise UsageError(
            f"{typed} does not read {newsletter}. See: publisher subscribers list --newsletter {newsletter}"
        )
    return replace(everybody(), address=reader.address, name=reader.name, sections=sections)


def printer(pressing: Pressing, desk: Desk, *, proof: bool = False) -> CopyPrinter:
    return CopyPrinter(pressing.plate, pressing.edition.key, desk.publication, desk.tokens, desk.post, proof=proof)


def sample(pressing: Pressing, desk: Desk) -> Copy:
    """The copy of a reader of everything."""
    copy = printer(pressing, desk).print(everybody())
    assert copy is not None, "an edition holds a story for a reader of everything"
    return copy


def check(pressing: Pressing, desk: Desk, answers: Mapping[str, str] | None = None) -> tuple[Check, ...]:
    """The preflight of an edition; `answers` tell of its links, where somebody asked."""
    copy, view, ours = sample(pressing, desk), pressing.view, printer(pressing, desk)
    stories = () if pressing.edition.pressed_at else view.stories  # a story may have changed since
    sender = pressing.plate.sender.address.rpartition("@")[2]
    facts = Facts(
        expected=[(story.article.headline, story.url) for story in stories],
        language=view.language,
        sender_domain=sender,
        theme=desk.publication.theme,
        signed=tuple(signer.domain for signer in desk.post.signers),
        bounce_domain=desk.post.bounces.rpartition("@")[2],
        largest=ours.largest,
        left_out=ours.cut.left_out,
        budget=pressing.plate.budget,
        local=_is_local(desk.publication.host),
        pictures=_weights(preflight.links(copy), desk),
        answers=answers,
    )
    return preflight.examine(copy, facts)


def refuse(checks: Collection[Check], accepted: Collection[str]) -> None:
    """PreflightFailed where a check failed that nobody accepted by name."""
    failed = preflight.blocking(checks, accepted)
    if failed:
        reasons = "; ".join(f"{check.name}: {check.detail.rstrip('.')}" for check in failed)
        names = " ".join(f"--accept {check.name}" for check in failed)
        raise PreflightFailed(f"the preflight failed. {reasons}. Mend it, or accept it by name: {names}")


def _weights(addresses: Collection[str], desk: Desk) -> dict[str, int | None]:
    """How many bytes our own pictures have; None for other people's."""
    base, sizes = f"{desk.publication.url}/", dict[str, int | None]()
    for url in addresses:
        file = desk.static / url.removeprefix(base) if desk.static and url.startswith(base) else None
        sizes[url] = file.stat().st_size if file and file.is_file() else None
    return sizes


def _is_local(host: str) -> bool:
    """Whether an address leads nowhere but to this machine or its neighbours."""
    try:
        return not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _contents(
    db: Connection, edition: Edition, publication: Publication, now: datetime
) -> tuple[list[Placement], dict[int, Article]]:
    """Placements whose article may still be printed, numbered anew; those of a pressed edition stay as they were."""
    placed = editions.placed_in(db, edition.id)
    stories = articles.by_ids(db, {placement.article_id for placement in placed})
    if edition.pressed_at:
        return placed, stories
    printable = [
        one
        for one in placed
        if stories[one.article_id].public(now)
        and one.section in stories[one.article_id].sections
        and publication.section(one.section)
    ]
    return [replace(one, position=number) for number, one in enumerate(printable)], stories


def _once(placed: Sequence[Placement], stories: Mapping[int, Article]) -> list[Placement]:
    """Each article under the first of its own sections: what a reader of everything sees."""
    first: dict[int, Placement] = {}
    for one in placed:
        order = stories[one.article_id].sections
        known = first.get(one.article_id)
        if known is None or order.index(one.section) < order.index(known.section):
            first[one.article_id] = one
    return sorted(first.values(), key=lambda one: one.position)
