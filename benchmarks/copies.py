"""Copies printed from a plate against the usual way, and against a bare join of the same pieces.

The usual way is Jinja, premailer and EmailMessage for every reader. Readers chose their sections, copies have all their
header fields, and nobody signs. The ways take turns and the median of each counts, in seconds of our own processor time
so that what else runs on the machine matters less. The usual way is slow, so it prints for a sample of the readers;
the plate prints for all of them, with nothing remembered from the round before.
"""

import tracemalloc
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from statistics import median

from lxml import html

from benchmarks import journal
from benchmarks.edition import (
    ARTICLES,
    EDITION,
    NOW,
    STORIES,
    TEMPLATES,
    TOKENS,
    a_view,
    deliveries,
    make_plate,
    placements,
    printer,
    timed,
)
from publisher.model.delivery import Delivery
from publisher.model.newsletter import Placement, within
from publisher.render import mail, seal
from publisher.render.inline import inline
from publisher.render.plate import Plate
from publisher.render.printer import Printer

READERS = 100_000
SAMPLE = 15
ROUNDS = 3
BAR, JOIN_BAR = 1_000, 12


def main() -> None:
    readers = deliveries(READERS)
    sample = readers[:: READERS // SAMPLE][:SAMPLE]
    usual_way(sample[0])  # Jinja compiles its templates once, outside every measurement
    plate = make_plate()
    assert_same_headlines(sample, plate)
    pieces = messages(plate, readers[:1_000])
    printed, joined, usual = [], [], []
    for _ in range(ROUNDS):
        size, spent = timed(lambda: from_the_plate(readers, plate))
        printed.append(spent / len(readers))
        _, spent = timed(lambda: sum(len(b"".join(message)) for message in pieces))
        joined.append(spent / len(pieces))
        _, spent = timed(lambda: [usual_way(reader) for reader in sample])
        usual.append(spent / len(sample))
    print(f"{ARTICLES} articles, {READERS:,} readers; copies of {size / len(readers):,.0f} bytes")
    print(f"from the plate: {1 / median(printed):,.0f} copies/s; the usual way: {1 / median(usual):,.1f} copies/s")
    print(f"a copy: {median(printed) * 1e6:.1f} µs; a bare join of its pieces: {median(joined) * 1e6:.1f} µs")
    few, many = (peak_kilobytes(readers[:count], plate) for count in (READERS // 10, READERS))
    print(f"memory at its peak: {few:,.0f} KB for {READERS // 10:,} readers, {many:,.0f} KB for {READERS:,}")
    print(f"the bars: ratio >= {BAR:,}, join <= {JOIN_BAR}")
    print(f"copies ratio={median(usual) / median(printed):.0f} join={median(printed) / median(joined):.1f}")


def from_the_plate(readers: Sequence[Delivery], plate: Plate) -> int:
    """Print a copy for each and let it go; return how many bytes they were."""
    ours = printer(plate)
    return sum(len(copy.message) for copy in map(ours.print, readers) if copy)


def messages(plate: Plate, readers: Sequence[Delivery]) -> list[list[bytes]]:
    """The pieces of some of the copies, their header among them, ready to be joined."""
    ours = Printer(plate)
    found = [ours.skeleton(reader.sections) for reader in readers]
    return [[plate.head, plate.head, *ours.fill(skeleton, {})] for skeleton in found if skeleton]


def peak_kilobytes(readers: Sequence[Delivery], plate: Plate) -> float:
    tracemalloc.start()
    from_the_plate(readers, plate)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024


def usual_way(reader: Delivery) -> bytes:
    """Render, inline and assemble one reader's message with what every Python programmer has at hand."""
    view = a_view([placed for placed in placements() if is_for(reader, placed)])
    base = journal.PUBLICATION.url
    links = TOKENS.links(reader.reader_key, EDITION.newsletter)
    unsubscribe = f"{base}/unsubscribe/{links.unsubscribe}"
    person = {
        "name": reader.name,
        "address": reader.address,
        "unsubscribe_url": unsubscribe,
        "preferences_url": f"{base}/preferences/{links.preferences}",
        "web_url": f"{base}/copy/{EDITION.id}/{links.copy}",
    }
    positions = [story.position for story in view.stories]
    whole = {condition for position in positions for condition in seal.at_depth(position, 0)}
    marks = seal.Chosen({*seal.state(positions), *whole, seal.PERSONAL})
    values = {"edition": view, "language": view.language, "reader": person, "marks": marks}
    message = the_fields(reader, unsubscribe)
    message["Subject"] = mail.subjects(view, TEMPLATES)[view.stories[0].article.id]
    message.set_content(TEMPLATES.render("email/digest.txt.j2", values))
    message.add_alternative(inline(TEMPLATES.render("email/digest.html.j2", values)), subtype="html")
    return message.as_bytes()


def the_fields(reader: Delivery, unsubscribe: str) -> EmailMessage:
    sender = journal.NEWSLETTER.sender
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = formataddr((sender.name, sender.address))
    message["To"] = formataddr((reader.name, reader.address))
    message["Date"] = format_datetime(NOW)
    message["Message-ID"] = TOKENS.message_ids(EDITION.key, "journal.example")(reader.reader_key)
    message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def is_for(reader: Delivery, placed: Placement) -> bool:
    """Whether this is the first of the article's sections that the reader chose."""
    own = STORIES[placed.article_id].sections
    theirs = (path for path in own if any(within(path, chosen) for chosen in reader.sections))
    return placed.section == next(theirs, None)


def assert_same_headlines(readers: Sequence[Delivery], plate: Plate) -> None:
    ours = printer(plate)
    for reader in readers:
        expected, copy = headlines(usual_way(reader)), ours.print(reader)
        assert expected, f"reader {reader.id} has nothing to read"
        assert copy is not None
        assert headlines(copy.message) == expected, f"reader {reader.id} reads other headlines from the plate"


def headlines(message: bytes) -> list[str]:
    page = message_from_bytes(message, policy=policy.default).get_body(("html",))
    assert page is not None
    found = html.fromstring(page.get_content()).cssselect(".headline")
    return [str(one.xpath("string()")) for one in found]


if __name__ == "__main__":
    main()
