"""The edition that press, copies and sign measure: forty articles of the made-up journal, and who reads it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import process_time
from typing import TypeVar

from benchmarks import journal
from publisher.model.delivery import Delivery
from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.render import edition as layout
from publisher.render import mail
from publisher.render.environment import Templates, shipped
from publisher.render.plate import Plate
from publisher.tokens import Tokens

ARTICLES = 40

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
EDITION = Edition(1, journal.NEWSLETTER.name, "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW)
STORIES = {article.id: article for article in journal.articles(ARTICLES, NOW)}
TEMPLATES = Templates(journal.PUBLICATION, shipped())
TOKENS = Tokens([journal.SECRET])

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work made, and how many seconds of our own processor time it took."""
    start = process_time()
    return work(), process_time() - start


def deliveries(readers: int) -> list[Delivery]:
    """As the outbox would hand them out: readers of one section, of all twelve, or of any number between."""
    return [
        Delivery(reader.id, EDITION.id, reader.address, reader.name, reader.key, subscription.sections)
        for reader, subscription in journal.readers(readers, fewest=1, most=12)
    ]


def placements() -> list[Placement]:
    """Every article under each of its sections."""
    places = [
        (section.path, story)
        for section in journal.PUBLICATION.sections
        for story in STORIES.values()
        if section.path in story.sections
    ]
    return [Placement(position, path, story.id) for position, (path, story) in enumerate(places)]


def a_view(placed: Sequence[Placement]) -> layout.EditionView:
    return layout.view(EDITION, journal.NEWSLETTER, journal.PUBLICATION, placed, STORIES, journal.PUBLICATION.url)


def make_plate(templates: Templates = TEMPLATES) -> Plate:
    placed = placements()
    return mail.make_plate(a_view(placed), placed, templates, digest=TOKENS.seal(EDITION.key), now=NOW)


def printer(plate: Plate) -> mail.CopyPrinter:
    return mail.CopyPrinter(plate, EDITION.key, journal.PUBLICATION, TOKENS)
