"""An edition's mail: render once, inline once, compile the plate; then print readers' copies from it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from publisher.clean.text import one_line
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import Mailbox, Placement, Publication
from publisher.render import mime
from publisher.render.edition import EditionView
from publisher.render.environment import Templates
from publisher.render.plate import Plate, Printer, Seal, compile_plate
from publisher.tokens import Tokens


def subject_line(view: EditionView, templates: Templates) -> str:
    return one_line(templates.render("email/subject.txt.j2", {"edition": view, "language": view.language}))


def make_plate(
    view: EditionView,
    placements: Sequence[Placement],
    templates: Templates,
    *,
    subject: str,
    digest: str,
    now: datetime,
) -> Plate:
    """Compile an edition. `digest` is its seal; `now` becomes the Date of every copy."""
    from publisher.render.inline import inline  # premailer is slow to import, and only the press needs it

    seal = Seal(digest)
    values = {"edition": view, "language": view.language, "reader": seal.reader, "marks": seal}
    page = inline(templates.render("email/digest.html.j2", values))
    text = templates.render("email/digest.txt.j2", values)
    order = {story.article.id: story.article.sections for story in view.stories}
    return compile_plate(
        seal=seal,
        boundary=f"=_{digest}",
        sender=view.newsletter.sender,
        newsletter=view.newsletter.name,
        head=_shared_fields(view, subject, now),
        text=text,
        page=page,
        placements=placements,
        ranks=lambda placed: order[placed.article_id].index(placed.section),
    )


def _shared_fields(view: EditionView, subject: str, now: datetime) -> bytes:
    newsletter = view.newsletter
    host = newsletter.sender.address.rpartition("@")[2]
    fields = [
        mime.address_header("From", newsletter.sender),
        mime.header("Subject", subject),
        mime.header("Date", format_datetime(now.astimezone(UTC))),
        # RFC 2919 §2: a label under a domain that the newsroom owns.
        mime.address_header("List-ID", Mailbox(newsletter.title, f"{newsletter.name}.{host}")),
        mime.header("Auto-Submitted", "auto-generated"),
        mime.header("Precedence", "bulk"),
    ]
    if newsletter.reply_to:
        fields.insert(1, mime.address_header("Reply-To", Mailbox("", newsletter.reply_to)))
    return b"".join(fields)


class CopyPrinter:
    """Prints one edition's copies; tokens make each reader's links and Message-ID."""

    def __init__(self, plate: Plate, edition_key: str, publication: Publication, tokens: Tokens) -> None:
        self._printer = Printer(plate)
        self._plate, self._edition_key = plate, edition_key
        self._publication, self._tokens = publication, tokens
        self._host = plate.sender.address.rpartition("@")[2]

    def print(self, delivery: Delivery) -> Copy | None:
        """A reader's copy, or None where their sections hold nothing new. The same at every try."""
        token = self._tokens.unsubscribe(delivery.reader_key, self._plate.newsletter)
        unsubscribe = f"{self._publication.url}/unsubscribe/{token}"
        message_id = self._tokens.message_id(self._edition_key, delivery.reader_key, self._host)
        # RFC 8058 §3.1: one https address and the POST field, both unfolded and unencoded.
        head = (
            mime.address_header("To", Mailbox(delivery.name, delivery.address))
            + f"Message-ID: {message_id}\r\n"
            f"List-Unsubscribe: <{unsubscribe}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
        )
        values = {"name": delivery.name, "address": delivery.address, "unsubscribe_url": unsubscribe}
        message = self._printer.print(delivery.sections, head, values)
        if message is None:
            return None
        return Copy(self._plate.sender.address, delivery.address, message_id, message)
