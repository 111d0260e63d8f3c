"""DKIM signatures against what they cannot do without: one RSA operation and one SHA-256 of the body.

The floor and ours take turns, a batch of copies each, and the median of each counts, in seconds of our own processor
time. Ours is everything that a copy costs: the hash of its body, the canonical form of its own header fields, the
signature, and the complete field folded and ready to send. Every copy has another reader's fields.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from statistics import median
from time import process_time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks import journal
from publisher.model.newsletter import Mailbox
from publisher.render import mime
from publisher.render.dkim import Signature, Signer

SIZE = 75_000
COPIES = 50  # in a batch
ROUNDS = 40
BAR = 1.3

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DOMAIN = "journal.example"
RSA = generate_private_key(65537, 2048)
RSA_KEY = Signer(DOMAIN, "rsa2026", RSA)
ED25519_KEY = Signer(DOMAIN, "ed2026", Ed25519PrivateKey.generate())

Way = Callable[[bytes, bytes], bytes]  # a copy's own fields and its body in, signature out


def main() -> None:
    body = make_body()
    headers = [own_fields(number) for number in range(COPIES)]
    ways = {
        "the floor": the_floor(),
        "RSA": signing_with(RSA_KEY),
        "Ed25519": signing_with(ED25519_KEY),
        "both": signing_with(RSA_KEY, ED25519_KEY),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            spent[name].append(seconds(way, headers, body))
    each = {name: median(times) for name, times in spent.items()}
    print(f"copies with a body of {len(body):,} bytes; a signature with RSA-2048 and one with Ed25519")
    for name, time in each.items():
        print(f"{name}: {time * 1e6:.0f} µs a copy, {1 / time:,.0f} copies/s")
    print(f"the bar: ratio <= {BAR}")
    print(f"sign ratio={each['RSA'] / each['the floor']:.2f}")


def seconds(way: Way, headers: list[bytes], body: bytes) -> float:
    """For one copy, the mean of a batch."""
    start = process_time()
    for own in headers:
        way(own, body)
    return (process_time() - start) / len(headers)


def the_floor() -> Way:
    padding, prehashed = PKCS1v15(), Prehashed(SHA256())
    return lambda own, body: RSA.sign(sha256(body).digest(), padding, prehashed)


def signing_with(*signers: Signer) -> Way:
    signer = Signature(signers, shared_fields())
    return lambda own, body: signer.sign(own, sha256(body).digest(), NOW)


def make_body() -> bytes:
    text = "\n\n".join(article.body for article in journal.articles(40, NOW))
    return mime.quoted_printable(text.encode())[:SIZE] + b"\r\n"


def own_fields(number: int) -> bytes:
    return (
        mime.address_header("To", Mailbox(f"Reader Number {number}", f"reader-{number}@town-{number % 97}.example"))
        + f"Message-ID: <{number:032x}@{DOMAIN}>\r\n"
        f"List-Unsubscribe: <https://{DOMAIN}/unsubscribe/{number:0130x}>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
    )


def shared_fields() -> bytes:
    return b"".join(
        [
            mime.address_header("From", journal.NEWSLETTER.sender),
            mime.header("Subject", "The finance ministry wants to postpone the monsoon forecast — and four more"),
            mime.header("Date", "Fri, 20 Nov 2026 02:00:00 +0000"),
            mime.address_header("List-ID", Mailbox(journal.NEWSLETTER.title, f"briefing.{DOMAIN}")),
            mime.header("Auto-Submitted", "auto-generated"),
            mime.header("Precedence", "bulk"),
            b"MIME-Version: 1.0\r\n",
            b'Content-Type: multipart/alternative; boundary="=_5f2a"\r\n',
        ]
    )


if __name__ == "__main__":
    main()
