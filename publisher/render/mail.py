"""An edition's mail: render once, inline once, compile the plate; then print readers' copies from it."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from publisher.clean.text import one_line
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import EVERYTHING, Mailbox, Placement, Publication
from publisher.render import mime
from publisher.render.edition import EditionView, Story
from publisher.render.environment import Templates
from publisher.render.plate import Placed, Plate, compile_plate
from publisher.render.printer import REMEMBERED, Cut, Printer, Skeleton
from publisher.render.seal import Seal
from publisher.tokens import Tokens

if TYPE_CHECKING:
    from publisher.render.dkim import Signer

_PROOF = "[Proof] "
_LONGEST_VALUE = 400  # more than a name, an address or a token takes in HTML
_END = b"\r\n"  # the empty line between header and body
_NOT_IN_A_SENDER_ID = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Post:
    """What the newsroom's mail is sent with.

    `bounces` is the mailbox that returned mail comes back to, each copy's with a token of its own (VERP); empty where
    it is the newsletter's own. `unsubscribe` takes mail of readers who leave; else it is the newsletter's too.
    """

    bounces: str = ""
    unsubscribe: str = ""
    signers: "tuple[Signer, ...]" = ()


PLAIN = Post()


def subjects(view: EditionView, templates: Templates) -> dict[int, str]:
    """By article id, the subject of the copies that the article leads."""
    return {story.article.id: _subject(story, view, templates) for story in view.stories}


def _subject(story: Story, view: EditionView, templates: Templates) -> str:
    return one_line(templates.render("email/subject.txt.j2", _values(view, lead=story)))


def _values(view: EditionView, **more: object) -> dict[str, object]:
    return {"edition": view, "language": view.language, **more}


def make_plate(
    view: EditionView, placements: Sequence[Placement], templates: Templates, *, digest: str, now: datetime
) -> Plate:
    """Compile an edition. `digest` is its seal; `now` becomes the Date of every copy."""
    from publisher.render.inline import inline  # premailer is slow to import, and only the press needs it

    base = templates.publication.url
    sealed = Seal(
        digest,
        {
            "unsubscribe_url": _unsubscribe_url(base, ""),
            "preferences_url": f"{base}/preferences/",
            "web_url": f"{base}/copy/{view.id}/",
        },
    )
    values = _values(view, reader=sealed.reader, marks=sealed)
    page = inline(templates.render(f"email/{view.layout}.html.j2", values))
    text = templates.render(f"email/{view.layout}.txt.j2", values)
    order = {story.article.id: story.article.sections for story in view.stories}
    return compile_plate(
        seal=sealed,
        newsletter=view.newsletter,
        boundary=f"=_{hashlib.sha256(digest.encode()).hexdigest()[:24]}",  # a copy must not tell its seal
        head=_shared_fields(view, templates.publication, now),
        subjects=subjects(view, templates),
        text=text,
        page=page,
        placed=[Placed(p.article_id, p.section, order[p.article_id].index(p.section)) for p in placements],
        now=now,
        longest=_LONGEST_VALUE,
    )


def _shared_fields(view: EditionView, publication: Publication, now: datetime) -> bytes:
    newsletter = view.newsletter
    host = newsletter.sender.address.rpartition("@")[2]
    fields = [
        mime.address_header("From", newsletter.sender),
        mime.header("Date", format_datetime(now.astimezone(UTC))),
        # RFC 2919 §2: a label under a domain that the newsroom owns.
        mime.address_header("List-ID", Mailbox(newsletter.title, f"{newsletter.name}.{host}")),
        mime.header("Feedback-ID", _feedback_id(view, publication)),
        mime.header("Auto-Submitted", "auto-generated"),  # RFC 3834 §5: no holiday notes, please
        mime.header("X-Auto-Response-Suppress", "All"),  # … in Exchange's words
        mime.header("Precedence", "bulk"),
    ]
    if newsletter.reply_to:
        fields.insert(1, mime.address_header("Reply-To", Mailbox("", newsletter.reply_to)))
    return b"".join(fields)


def _feedback_id(view: EditionView, publication: Publication) -> str:
    """Google 6254652: three fields of our choice, then who sends, in 5 to 15 characters; nothing about the reader."""
    sender = _NOT_IN_A_SENDER_ID.sub("", publication.host)[:15].ljust(5, "0")
    edition = view.path.rpartition("/")[2].removesuffix(".html")
    return f"{edition}:{view.newsletter.name}:{view.layout}:{sender}"


class CopyPrinter:
    """Prints one edition's copies; tokens make each reader's links, Message-ID and envelope sender."""

    def __init__(
        self,
        plate: Plate,
        edition_key: str,
        publication: Publication,
        tokens: Tokens,
        post: Post = PLAIN,
        *,
        proof: bool = False,
    ) -> None:
        self._printer = Printer(plate)
        self._plate = plate
        self._publication, self._tokens, self._post = publication, tokens, post
        self._message_id = tokens.message_ids(edition_key, plate.sender.address.rpartition("@")[2])
        prefix = _PROOF if proof else ""
        self._subjects = {article: mime.header("Subject", prefix + text) for article, text in plate.subjects.items()}
        self._leave = post.unsubscribe or plate.reply_to or plate.sender.address
        self._bounces = post.bounces.rpartition("@")[::2]
        self._sign = _signing(post.signers, plate)

    def print(self, delivery: Delivery) -> Copy | None:
        """A reader's copy, or None where their sections hold nothing new. The same at every try."""
        skeleton = self._printer.skeleton(delivery.sections, delivery.masked)
        if skeleton is None:
            return None
        links = self._tokens.links(delivery.reader_key, self._plate.newsletter)
        message_id = self._message_id(delivery.reader_key)
        own = self._own_fields(delivery, skeleton, links.unsubscribe, message_id)
        values = {
            "name": delivery.name,
            "address": delivery.address,
            "unsubscribe_url": links.unsubscribe,
            "preferences_url": links.preferences,
            "web_url": links.copy,
        }
        body = self._printer.fill(skeleton, values)
        signature = self._sign(own, skeleton, body) if self._sign else b""
        message = b"".join((signature, own, self._plate.head, *body))
        return Copy(self._envelope_sender(delivery), delivery.address, message_id, message)

    def page(self, delivery: Delivery) -> str | None:
        """The HTML of a reader's copy for the web: without what is only the reader's own."""
        skeleton = self._printer.skeleton(delivery.sections, delivery.masked, personal=False)
        if skeleton is None:
            return None
        message = message_from_bytes(b"".join((self._plate.head, *self._printer.fill(skeleton, {}))))
        html = [part for part in message.walk() if part.get_content_type() == "text/html"]
        return bytes(html[0].get_payload(decode=True)).decode() if html else None

    @property
    def largest(self) -> int:
        """Bytes of HTML in the largest copy: that of a reader of everything."""
        return self._printer.size((EVERYTHING,))

    @property
    def cut(self) -> Cut:
        """What had to be cut for that copy to fit."""
        skeleton = self._printer.skeleton((EVERYTHING,))
        return skeleton.cut if skeleton else Cut()

    def _own_fields(self, delivery: Delivery, skeleton: Skeleton, token: str, message_id: str) -> bytes:
        # RFC 8058 §3.1: one https address and the POST field, both unfolded and unencoded; RFC 2369 §3.2: by mail too.
        return (
            mime.address_header("To", Mailbox(delivery.name, delivery.address))
            + self._subjects[skeleton.lead]
            + f"Message-ID: {message_id}\r\n"
            f"List-Unsubscribe: <{_unsubscribe_url(self._publication.url, token)}>,\r\n"
            f" <mailto:{self._leave}?subject=unsubscribe%20{token}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
        )

    def _envelope_sender(self, delivery: Delivery) -> str:
        """Where a bounce goes to: with a token it says by itself which delivery came back (VERP)."""
        mailbox, domain = self._bounces
        if not mailbox:
            return self._plate.sender.address
        return f"{mailbox}+{self._tokens.bounce(delivery.id)}@{domain}"


def _unsubscribe_url(base: str, token: str) -> str:
    return f"{base}/unsubscribe/{token}"


Sign = Callable[[bytes, Skeleton, Sequence[bytes]], bytes]


def _signing(signers: "Iterable[Signer]", plate: Plate) -> Sign | None:
    """What makes the DKIM-Signature fields of a copy from its own fields and its body; None where nobody signs."""
    host = plate.sender.address.rpartition("@")[2]
    ours = [signer for signer in signers if _aligned(signer.domain, host)]
    if not ours:
        return None
    from publisher.render.dkim import Signature  # slow to import, and only those who sign need it

    signature = Signature(ours, plate.head.removesuffix(_END))

    @lru_cache(maxsize=REMEMBERED)
    def begun(skeleton: Skeleton) -> "hashlib._Hash":
        """The hash of what all copies of a choice begin with: up to the first value of a reader's own."""
        return hashlib.sha256(b"".join(skeleton.pieces[: skeleton.shared]))

    def sign(own: bytes, skeleton: Skeleton, body: Sequence[bytes]) -> bytes:
        digest = begun(skeleton).copy()
        for piece in body[skeleton.shared :]:
            digest.update(piece)
        return signature.sign(own, digest.digest(), plate.pressed_at)

    return sign


def _aligned(domain: str, host: str) -> bool:
    """Whether a signature of this domain speaks for the sender (RFC 9989: relaxed)."""
    return host == domain or host.endswith(f".{domain}")
