"""DKIM signatures (RFC 6376; keys and algorithms of RFC 8301 and 8463) on the copies of one edition.

What all copies share is canonicalised and hashed once; a copy costs its own few fields, one hash and the signing.
There is no pass over the body: a plate prints it such that relaxed canonicalisation changes nothing (RFC 6376 §3.4.4),
so its hash is the plain SHA-256 of its bytes. Nothing is random: the same copy at the same time has the same signature.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

# Signed once more often than they occur, so that one put before ours breaks the signature (RFC 6376 §5.4.2, §8.15).
# Both unsubscribe fields must be signed (RFC 8058 §4). Whatever is not named here may come and go on the way.
SIGNED = (
    "From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "Sender",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    "List-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "Precedence",
)  # fmt: skip

_SPELLING = {name.lower().encode(): name for name in SIGNED}
_FOLD = 76
_FIELD = re.compile(rb"([!-9;-~]+):([^\r\n]*)")  # unfolded; RFC 5322 §2.2
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_LEAST_BITS, _MOST_BITS = 2048, 4096  # RFC 8301 §3.2: signers should use 2048; above 4096 verifiers may give up
_PADDING, _PREHASHED = PKCS1v15(), Prehashed(SHA256())
_MAKE_ONE = (
    "Make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out dkim.pem "
    "(or, to sign twice: openssl genpkey -algorithm ED25519 -out dkim-ed25519.pem)."
)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and where the world finds its other half. Not every mailbox can read Ed25519: sign with RSA too."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(digest, _PADDING, _PREHASHED)
        return self.key.sign(digest)  # RFC 8463 §3: what is signed is the SHA-256 itself


def load_signer(domain: str, selector: str, pem: bytes) -> Signer:
    """Read an unencrypted PEM file; ValueError says what is wrong with it and how to make a good one."""
    for what, text, like in (("domain", domain, "journal.example"), ("selector", selector, "news2026")):
        if not _HOST.fullmatch(text):
            raise ValueError(f'"{text}" is not a DKIM {what}. Write letters, digits, hyphens and dots: "{like}".')
    if b"-----BEGIN PUBLIC KEY-----" in pem:
        raise ValueError(
            "This is a public key, which belongs in the DNS. Write the private key here that it was made from."
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError(
            "The key is encrypted, and nobody is there to type its password. "
            "Decrypt it with: openssl pkey -in dkim.pem -out plain.pem."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"This is not a private key in PEM form. {_MAKE_ONE}") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError(f"DKIM knows RSA and Ed25519 keys only; this is another kind. {_MAKE_ONE}")
    if isinstance(key, RSAPrivateKey) and not _LEAST_BITS <= key.key_size <= _MOST_BITS:
        raise ValueError(f"An RSA key for DKIM has 2048 to 4096 bits; this one has {key.key_size}. {_MAKE_ONE}")
    return Signer(domain, selector, key)


def dns_record(signer: Signer) -> tuple[str, str]:
    """The name and the text of the TXT record to publish (RFC 6376 §3.6.1); cut it where a server takes only 255."""
    public = signer.key.public_key()
    if isinstance(signer.key, RSAPrivateKey):
        kind, data = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, data = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)  # RFC 8463 §4
    return f"{signer.selector}._domainkey.{signer.domain}", f"v=DKIM1; k={kind}; p={b64encode(data).decode()}"


class Signature:
    """Signs copies whose header ends in the same fields, `shared`; RSA first. Fields are whole, each with its CRLF."""

    def __init__(self, signers: Sequence[Signer], shared: bytes) -> None:
        if not signers:
            raise ValueError("a copy cannot be signed without a key")
        if len({(signer.domain, signer.selector) for signer in signers}) < len(signers):
            raise ValueError("two DKIM keys share one selector, so one of them can never verify; give each its own")
        self._signers = sorted(signers, key=lambda signer: isinstance(signer.key, Ed25519PrivateKey))
        fields = _signed_fields(shared)
        self._shared_names = [name for name, _ in fields]
        self._shared_hash = hashlib.sha256(b"".join(field for _, field in fields))
        self._tags: dict[tuple[bytes, ...], list[tuple[bytes, bytes]]] = {}

    def sign(self, own: bytes, body_digest: bytes, at: datetime) -> bytes:
        """The DKIM-Signature fields to put before `own + shared`. The digest is the SHA-256 of the body, 32 bytes."""
        fields = _signed_fields(own)
        names = tuple(name for name, _ in fields)
        tags = self._tags.get(names) or self._tags.setdefault(names, self._make_tags(names))
        header_hash = self._shared_hash.copy()
        header_hash.update(b"".join(field for _, field in fields))
        seconds, body = b"%d" % at.timestamp(), b64encode(body_digest)
        signatures = []
        for signer, (before, between) in zip(self._signers, tags, strict=True):
            unsigned = b"%b%b%b%b;\r\n b=" % (before, seconds, between, body)
            signed = header_hash.copy()
            # RFC 6376 §3.7: the signature itself comes last, with nothing after its b= and without its line end.
            signed.update(b"dkim-signature:" + unsigned.replace(b"\r\n ", b" "))
            signatures += [b"DKIM-Signature: ", unsigned, _folded_base64(signer.sign(signed.digest())), b"\r\n"]
        return b"".join(signatures)

    def _make_tags(self, own_names: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """For each signer the signature's text up to its time, and from there to the body's hash."""
        names = [_SPELLING[name] for name in [*self._shared_names, *own_names]]
        listed = _folded_names([*names, *SIGNED])
        return [
            (
                f"v=1; a={signer.algorithm}; c=relaxed/relaxed; t=".encode(),
                f";\r\n d={signer.domain};\r\n s={signer.selector};\r\n h={listed};\r\n bh=".encode(),
            )
            for signer in self._signers
        ]


def canonical(fields: bytes) -> list[tuple[bytes, bytes]]:
    """Each field's name in lower case, and the field in relaxed form with its CRLF (RFC 6376 §3.4.2)."""
    unfolded = fields.replace(b"\t", b" ").replace(b"\r\n ", b" ")
    while b"  " in unfolded:
        unfolded = unfolded.replace(b"  ", b" ")
    lines = unfolded.split(b"\r\n")
    if lines.pop():
        raise ValueError("the last field of the header does not end in CRLF")
    found = []
    for number, line in enumerate(lines, 1):
        field = _FIELD.fullmatch(line)
        if not field:
            raise ValueError(f"line {number} of the header is not a field: no name, a lone CR or LF, or nothing at all")
        name = field[1].lower()
        found.append((name, b"%b:%b\r\n" % (name, field[2].strip(b" "))))
    return found


def _signed_fields(fields: bytes) -> list[tuple[bytes, bytes]]:
    """Those to be signed, last first: a name listed twice means the lowest field, then the one above (§5.4.2)."""
    return [field for field in reversed(canonical(fields)) if field[0] in _SPELLING]


def _folded_names(names: Sequence[str]) -> str:
    lines = ["h="]
    for name in names:
        if len(lines[-1]) + len(name) + 2 > _FOLD:  # a blank before, a colon or semicolon after
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n ".join(lines)[len("h=") : -1]


def _folded_base64(data: bytes) -> bytes:
    text = b64encode(data)
    return b"\r\n ".join(text[start : start + 72] for start in range(0, len(text), 72))
