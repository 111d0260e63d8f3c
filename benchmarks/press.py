"""Copies printed from a plate against the usual way: Jinja, premailer and EmailMessage for every reader.

Both ways take turns for three rounds and the median of each counts, in seconds of our own processor time so that
what else runs on the machine matters less. The usual way is slow, so it prints for a sample of the readers; the plate
prints for all of them, with nothing remembered from the round before.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from statistics import mean, median
from time import process_time
from typing import TypeVar

from lxml import html

from benchmarks import journal
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import Edition, EditionState, Placement, within
from publisher.pipeline.press import edition_key
from publisher.render import edition as layout
from publisher.render import mail
from publisher.render.environment import Templates, shipped
from publisher.render.inline import inline
from publisher.render.mail import CopyPrinter
from publisher.render.plate import NoMarks, Plate
from publisher.tokens import Tokens

ARTICLES = 40
READERS = 1_000
SAMPLE = 15
ROUNDS = 3
BAR = 100

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
EDITION = Edition(1, journal.NEWSLETTER.name, "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW)
STORIES = {article.id: article for article in journal.articles(ARTICLES, NOW)}
TEMPLATES = Templates(journal.PUBLICATION, shipped())
TOKENS = Tokens([journal.SECRET])

T = TypeVar("T")


def main() -> None:
    readers = deliveries()
    sample = readers[:: READERS // SAMPLE][:SAMPLE]
    usual_way(sample[0])  # Jinja compiles its templates once, outside every measurement
    plate, seconds = timed(make_plate)
    assert_same_headlines(sample, plate)
    copies: list[Copy] = []
    printed, usual = [], []
    for _ in range(ROUNDS):
        copies, spent = timed(lambda: from_the_plate(readers, plate))
        printed.append(len(copies) / spent)
        _, spent = timed(lambda: [usual_way(reader) for reader in sample])
        usual.append(len(sample) / spent)
    size = mean(len(copy.message) for copy in copies)
    print(f"{ARTICLES} articles, {READERS:,} readers of whom {len(copies):,} have something new")
    print(f"the plate: {seconds * 1000:.0f} ms to make, once; {len(plate.dump()):,} bytes; copies of {size:,.0f} bytes")
    print(f"from the plate: {median(printed):,.0f} copies/s")
    print(f"the usual way: {median(usual):,.1f} copies/s (on a sample of {SAMPLE} readers)")
    print(f"the bar: ratio >= {BAR}")
    print(f"press ratio={median(printed) / median(usual):.2f}")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    start = process_time()
    return work(), process_time() - start


def deliveries() -> list[Delivery]:
    """As the outbox would hand them out."""
    return [
        Delivery(reader.id, EDITION.id, reader.address, reader.name, reader.key, subscription.sections)
        for reader, subscription in journal.readers(READERS, fewest=1, most=6)
    ]


def make_plate() -> Plate:
    view = a_view(placements())
    subject = mail.subject_line(view, TEMPLATES)
    seal = TOKENS.seal(edition_key(EDITION))
    return mail.make_plate(view, placements(), TEMPLATES, subject=subject, digest=seal, now=NOW)


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


def from_the_plate(readers: Sequence[Delivery], plate: Plate) -> list[Copy]:
    printer = CopyPrinter(plate, edition_key(EDITION), journal.PUBLICATION, TOKENS)
    return [copy for copy in map(printer.print, readers) if copy]


def usual_way(reader: Delivery) -> bytes:
    """Render, inline and assemble one reader's message with what every Python programmer has at hand."""
    view = a_view([placed for placed in placements() if is_for(reader, placed)])
    unsubscribe = f"{journal.PUBLICATION.url}/unsubscribe/{TOKENS.unsubscribe(reader.reader_key, EDITION.newsletter)}"
    person = {"name": reader.name, "address": reader.address, "unsubscribe_url": unsubscribe}
    values = {"edition": view, "language": view.language, "reader": person, "marks": NoMarks()}
    sender = journal.NEWSLETTER.sender
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = formataddr((sender.name, sender.address))
    message["To"] = formataddr((reader.name, reader.address))
    message["Subject"] = mail.subject_line(view, TEMPLATES)
    message["Date"] = format_datetime(NOW)
    message["Message-ID"] = TOKENS.message_id(edition_key(EDITION), reader.reader_key, "journal.example")
    message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(TEMPLATES.render("email/digest.txt.j2", values))
    message.add_alternative(inline(TEMPLATES.render("email/digest.html.j2", values)), subtype="html")
    return message.as_bytes()


def is_for(reader: Delivery, placed: Placement) -> bool:
    """Whether this is the first of the article's sections that the reader chose."""
    own = STORIES[placed.article_id].sections
    theirs = (path for path in own if any(within(path, chosen) for chosen in reader.sections))
    return placed.section == next(theirs, None)


def assert_same_headlines(readers: Sequence[Delivery], plate: Plate) -> None:
    for reader, copy in zip(readers, from_the_plate(readers, plate), strict=True):
        expected = headlines(usual_way(reader))
        assert expected, f"reader {reader.id} has nothing to read"
        assert headlines(copy.message) == expected, f"reader {reader.id} reads other headlines from the plate"


def headlines(message: bytes) -> list[str]:
    page = message_from_bytes(message, policy=policy.default).get_body(("html",))
    assert page is not None
    return [str(found.xpath("string()")) for found in html.fromstring(page.get_content()).iterfind(".//h4")]


if __name__ == "__main__":
    main()
