"""DKIM: what we sign, dkimpy and OpenDKIM verify; what anyone changes or adds, both refuse."""

import hashlib
import re
import shlex
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dkim.canonicalization import Relaxed
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.model.newsletter import Mailbox
from publisher.render import dkim, mime

DOMAIN = "journal.example"
RSA = dkim.Signer(DOMAIN, "rsa2026", rsa.generate_private_key(65537, 2048))
ED25519 = dkim.Signer(DOMAIN, "ed2026", ed25519.Ed25519PrivateKey.generate())
KEYS = (RSA, ED25519)
AT = datetime(2026, 1, 2, 7, 0, tzinfo=UTC)  # long past: OpenDKIM refuses a signature from the future

SHARED = b"".join(
    [
        mime.address_header("From", Mailbox("The Meridian Journal", f"briefing@{DOMAIN}")),
        mime.header("Subject", "Strait talk: خلیج کی نئی سفارت کاری اور اس کے اثرات " * 3),
        mime.header("Date", "Fri, 02 Jan 2026 07:00:00 +0000"),
        mime.address_header("List-ID", Mailbox("The Morning Briefing", f"briefing.{DOMAIN}")),
        mime.header("Auto-Submitted", "auto-generated"),
        b"MIME-Version: 1.0\r\n",
        b'Content-Type: multipart/alternative;\r\n\tboundary="=_5f2a"\r\n',
    ]
)
BODY = (
    b"--=_5f2a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    + mime.quoted_printable("A  headline\t\n\n.\nFrom the Gulf: خلیج \n".encode() * 40)
    + b"\r\n--=_5f2a--\r\n"
)


def own_fields(link: str = "short", name: str = "Ada Lovelace") -> bytes:
    return (
        mime.address_header("To", Mailbox(name, "ada@example.org"))
        + f"Message-ID: <5f2a@{DOMAIN}>\r\n"
        f"List-Unsubscribe: <https://{DOMAIN}/unsubscribe/{link}>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
    )


OWN = own_fields()


def signed(own: bytes = OWN, shared: bytes = SHARED, keys: Sequence[dkim.Signer] = KEYS) -> bytes:
    """A whole message. The body's hash is the plain SHA-256 of its bytes."""
    signature = dkim.Signature(keys, shared).sign(own, hashlib.sha256(BODY).digest(), AT)
    return signature + own + shared + b"\r\n" + BODY


def by_dkimpy(message: bytes) -> list[bool]:
    """dkimpy's verdict on each signature. The DNS is ours."""
    published = {f"{name}.".encode(): text.encode() for name, text in map(dkim.dns_record, KEYS)}

    def verdict(number: int) -> bool:
        try:
            found = dkimpy.DKIM(message, minkey=2048).verify(number, dnsfunc=lambda name, timeout=5: published[name])
        except dkimpy.ValidationError:
            return False
        return bool(found)

    return [verdict(number) for number in range(len(re.findall(rb"^DKIM-Signature:", message, re.MULTILINE)))]


@pytest.fixture
def by_opendkim(tmp_path: Path) -> Callable[[bytes], list[bool]]:
    """OpenDKIM's verdict on each signature, from the Authentication-Results that it would add."""
    program = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin")
    if not program:
        pytest.skip("no opendkim; Debian's package of that name has it")
    keys, conf, file = tmp_path / "keys.txt", tmp_path / "opendkim.conf", tmp_path / "copy.eml"
    keys.write_text("".join(f"{name} {text}\n" for name, text in map(dkim.dns_record, KEYS)))
    conf.write_text(f"Mode v\nTestPublicKeys {keys}\n")

    def verify(message: bytes) -> list[bool]:
        file.write_bytes(message)
        run = subprocess.run([program, "-x", conf, "-t", file, "-vv"], capture_output=True, text=True, check=True)
        return [word == "pass" for word in re.findall(r"\bdkim=(\w+)", run.stdout)]

    return verify


def signatures(message: bytes) -> list[dict[str, str]]:
    """The tags of each signature, blanks removed."""
    fields = message_from_bytes(message, policy=default).get_all("DKIM-Signature", [])
    texts = ["".join(str(field).split()) for field in fields]
    return [dict(tag.split("=", 1) for tag in text.split(";")) for text in texts]


class TestVerified:
    @pytest.mark.parametrize("keys", [[RSA], [ED25519], [ED25519, RSA]], ids=["rsa", "ed25519", "both"])
    def test_by_dkimpy_and_opendkim(self, keys, by_opendkim):
        """With two signatures OpenDKIM passes both, and names only the first in its closing line."""
        message = signed(keys=keys)

        assert by_dkimpy(message) == [True] * len(keys)
        assert by_opendkim(message) == [True] * len(keys)

    @pytest.mark.parametrize(
        "own",
        [
            own_fields(name="Ada " * 30 + "Lovelace"),
            own_fields(name="Åsa 漢字 عائشہ " * 8),
            own_fields(link="x" * 900),
            b"tO:\t  ada@example.org \t \r\n" + OWN.partition(b"\r\n")[2],
            OWN + b"X-Auto-Response-Suppress: All\r\n",
            b"To: ada@example.org\r\n",
            b"",
        ],
        ids=["folded", "encoded", "long-link", "odd", "unsigned", "one", "none"],
    )
    def test_whatever_the_fields_look_like(self, own, by_opendkim):
        message = signed(own)

        assert by_dkimpy(message) == [True, True]
        assert by_opendkim(message) == [True, True]

    def test_when_a_field_stands_in_both_parts(self, by_opendkim):
        own = b"Reply-To: one@example.org\r\nReply-To: two@example.org\r\n" + OWN
        shared = SHARED + b"Reply-To: three@example.org\r\n"

        message = signed(own, shared)

        assert by_dkimpy(message) == [True, True]
        assert by_opendkim(message) == [True, True]
        assert signatures(message)[0]["h"].split(":").count("Reply-To") == 4

    def test_when_copies_of_one_edition_hold_other_fields(self):
        signer = dkim.Signature(KEYS, SHARED)
        digest = hashlib.sha256(BODY).digest()

        for own in (OWN, b"To: ada@example.org\r\n", b"Cc: bob@example.org\r\n" + OWN, OWN):
            assert by_dkimpy(signer.sign(own, digest, AT) + own + SHARED + b"\r\n" + BODY) == [True, True]

    def test_after_a_server_on_the_way_folded_the_fields_anew_and_added_its_own(self, by_opendkim):
        message = signed()
        travelled = b"Received: by mx.example.org\r\n" + message.replace(b"To: ", b"TO:\r\n\t  ", 1)

        assert travelled.count(b"TO:\r\n") == 1
        assert by_dkimpy(travelled) == [True, True]
        assert by_opendkim(travelled) == [True, True]

    @settings(max_examples=50, deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
    def test_whatever_the_reader_is_called(self, name):
        assert by_dkimpy(signed(own_fields(name=name), keys=[ED25519])) == [True]


class TestRefused:
    @pytest.mark.parametrize("name", dkim.SIGNED)
    def test_with_a_second_field_above_ours(self, name, by_opendkim):
        """RFC 6376 §8.15: a mailbox shows the first Subject, and a verifier reads the last."""
        forged = f"{name}: forged@example.com\r\n".encode() + signed()

        assert by_dkimpy(forged) == [False, False]
        assert by_opendkim(forged) == [False, False]

    @pytest.mark.parametrize("name", dkim.SIGNED)
    def test_with_a_second_field_below_ours(self, name, by_opendkim):
        message = signed()
        end = message.index(b"\r\n\r\n") + 2

        forged = message[:end] + f"{name}: forged@example.com\r\n".encode() + message[end:]

        assert by_dkimpy(forged) == [False, False]
        assert by_opendkim(forged) == [False, False]

    @pytest.mark.parametrize("offset", [0, len(BODY) // 2, len(BODY) - 5])
    def test_with_one_byte_of_the_body_changed(self, offset, by_opendkim):
        message = bytearray(signed())
        message[len(message) - len(BODY) + offset] ^= 1

        assert by_dkimpy(bytes(message)) == [False, False]
        assert by_opendkim(bytes(message)) == [False, False]

    def test_with_words_added_to_the_body(self, by_opendkim):
        """RFC 6376 §8.2: what an l= would have let through."""
        longer = signed() + b"and buy this\r\n"

        assert by_dkimpy(longer) == [False, False]
        assert by_opendkim(longer) == [False, False]

    @pytest.mark.parametrize("change", [(b"/short>", b"/other>"), (b"ada@", b"eve@"), (b"t=17", b"t=16")])
    def test_with_a_field_changed(self, change, by_opendkim):
        forged = signed().replace(*change)

        assert by_dkimpy(forged) == [False, False]
        assert by_opendkim(forged) == [False, False]


class TestSignature:
    def test_rsa_comes_first_and_says_how_it_was_made(self):
        first, second = signatures(signed(keys=[ED25519, RSA]))

        assert (first["a"], first["s"]) == ("rsa-sha256", "rsa2026")
        assert (second["a"], second["s"]) == ("ed25519-sha256", "ed2026")
        for tags in (first, second):
            assert (tags["v"], tags["c"], tags["d"]) == ("1", "relaxed/relaxed", DOMAIN)
            assert int(tags["t"]) == AT.timestamp()
            assert b64decode(tags["bh"]) == hashlib.sha256(BODY).digest()
            assert "l" not in tags

    def test_every_name_is_signed_once_more_than_it_occurs(self):
        message = signed(b"Cc: bob@example.org\r\nCc: eve@example.org\r\n" + OWN)
        present = [name.lower() for name in message_from_bytes(message).keys()]  # noqa: SIM118

        for tags in signatures(message):
            listed = tags["h"].lower().split(":")
            assert {name: listed.count(name) - present.count(name) for name in listed} == {
                name.lower(): 1 for name in dkim.SIGNED
            }

    def test_both_unsubscribe_fields_are_signed(self):
        """RFC 8058 §4."""
        for tags in signatures(signed()):
            assert {"List-Unsubscribe", "List-Unsubscribe-Post"} <= set(tags["h"].split(":"))

    def test_lines_are_short(self):
        signature = signed()[: -len(OWN + SHARED + b"\r\n" + BODY)]

        assert signature.endswith(b"\r\n")
        assert max(map(len, signature.split(b"\r\n"))) <= 76
        assert [line[:1] for line in signature.split(b"\r\n")[:-1] if line[:1] != b" "] == [b"D", b"D"]

    def test_the_same_copy_at_the_same_time_has_the_same_signature(self):
        digest = hashlib.sha256(BODY).digest()

        once = dkim.Signature(KEYS, SHARED).sign(OWN, digest, AT)

        assert dkim.Signature(KEYS, SHARED).sign(OWN, digest, AT) == once
        assert dkim.Signature(KEYS, SHARED).sign(OWN, digest, AT + timedelta(seconds=1)) != once

    @pytest.mark.parametrize(
        "fields",
        [b"To: ada@example.org", b"To: a\r\n\r\n", b"To: a\nBcc: b\r\n", b"To: a\rb\r\n", b" a: b\r\n", b"a\r\n"],
    )
    def test_what_is_not_a_header_is_not_signed(self, fields):
        with pytest.raises(ValueError, match="header"):
            dkim.Signature([ED25519], SHARED).sign(fields, bytes(32), AT)
        with pytest.raises(ValueError, match="header"):
            dkim.Signature([ED25519], fields)

    def test_no_key_and_two_keys_under_one_name_are_refused(self):
        with pytest.raises(ValueError, match="without a key"):
            dkim.Signature([], SHARED)
        with pytest.raises(ValueError, match="share one selector"):
            dkim.Signature([RSA, dkim.Signer(DOMAIN, RSA.selector, ED25519.key)], SHARED)


# dkimpy strips vertical tabs and form feeds too, which RFC 6376 §3.4.2 leaves alone; we write neither.
_VISIBLE = st.binary(max_size=8).map(lambda data: data.translate(None, b"\r\n\x0b\x0c"))
_FOLDS = st.from_regex(rb"(\r\n)?[ \t]{1,3}", fullmatch=True)
_VALUES = st.lists(st.one_of(_VISIBLE, _FOLDS), max_size=8).map(b"".join)
_NAMES = st.from_regex(rb"[!-9;-~]{1,9}", fullmatch=True)


class TestCanonical:
    @given(st.lists(st.tuples(_NAMES, _VALUES), max_size=5))
    def test_fields_folded_any_legal_way_look_to_us_as_to_dkimpy(self, fields):
        header = b"".join(b"%b:%b\r\n" % field for field in fields)

        ours = dkim.canonical(header)

        theirs = Relaxed.canonicalize_headers(fields)
        assert ours == [(name, b"%b:%b" % (name, value)) for name, value in theirs]

    @settings(deadline=None)
    @given(st.text())
    def test_relaxed_canonicalisation_leaves_quoted_printable_alone(self, text):
        """So the body's hash needs no pass over it."""
        body = mime.quoted_printable(text.encode("utf-8", "replace")) + b"\r\n--end--\r\n"

        assert Relaxed.canonicalize_body(body) == body


def pem(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class TestKeys:
    @pytest.mark.parametrize("key", KEYS, ids=["rsa", "ed25519"])
    def test_a_key_is_read_from_pem(self, key):
        loaded = dkim.load_signer(DOMAIN, key.selector, pem(key.key))

        assert dkim.dns_record(loaded) == dkim.dns_record(key)
        assert loaded.algorithm == key.algorithm

    def test_an_rsa_key_in_openssls_older_form_is_read_too(self):
        text = RSA.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

        assert dkim.dns_record(dkim.load_signer(DOMAIN, RSA.selector, text)) == dkim.dns_record(RSA)

    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            (b"", "not a private key in PEM form"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key in PEM form"),
            (pem(rsa.generate_private_key(65537, 1024)), "has 2048 to 4096 bits; this one has 1024"),
            (pem(ec.generate_private_key(ec.SECP256R1())), "RSA and Ed25519 keys only"),
        ],
        ids=["empty", "broken", "short", "other-kind"],
    )
    def test_a_key_that_will_not_do_says_why_and_how_to_make_one(self, text, wrong):
        with pytest.raises(ValueError, match=wrong) as refusal:
            dkim.load_signer(DOMAIN, "news2026", text)

        assert "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048" in str(refusal.value)

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_an_encrypted_key_says_how_to_decrypt_it(self, form):
        text = RSA.key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))

        with pytest.raises(ValueError, match=r"is encrypted.*openssl pkey -in"):
            dkim.load_signer(DOMAIN, "news2026", text)

    def test_a_public_key_is_told_apart(self):
        text = RSA.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        with pytest.raises(ValueError, match="public key"):
            dkim.load_signer(DOMAIN, "news2026", text)

    @pytest.mark.parametrize(
        ("domain", "selector", "wrong"),
        [
            ("bücher.example", "news", "domain"),
            ("journal.example; l=0", "news", "domain"),
            ("", "news", "domain"),
            (DOMAIN, "news 2026", "selector"),
            (DOMAIN, "news\r\nBcc: x", "selector"),
            (DOMAIN, "news._domainkey", "selector"),
        ],
    )
    def test_a_name_that_dns_does_not_take_is_refused(self, domain, selector, wrong):
        with pytest.raises(ValueError, match=f"is not a DKIM {wrong}"):
            dkim.load_signer(domain, selector, pem(ED25519.key))

    def test_the_commands_that_an_error_names_make_good_keys(self, tmp_path):
        if not shutil.which("openssl"):
            pytest.skip("no openssl")
        with pytest.raises(ValueError) as refusal:
            dkim.load_signer(DOMAIN, "news2026", b"")
        commands = re.findall(r"openssl genpkey .*?\.pem", str(refusal.value))

        for command in commands:
            subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)

        made = [dkim.load_signer(DOMAIN, "news2026", file.read_bytes()).algorithm for file in tmp_path.iterdir()]
        assert sorted(made) == ["ed25519-sha256", "rsa-sha256"]


class TestRecord:
    def test_an_ed25519_record_is_that_of_rfc_8463(self):
        """RFC 8463 appendix A.2."""
        private = ed25519.Ed25519PrivateKey.from_private_bytes(
            b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
        )

        record = dkim.dns_record(dkim.Signer("football.example.com", "brisbane", private))

        assert record == (
            "brisbane._domainkey.football.example.com",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        )

    def test_an_rsa_record_is_what_openssl_says_the_public_key_is(self):
        spoken = RSA.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

        name, text = dkim.dns_record(RSA)

        assert name == f"rsa2026._domainkey.{DOMAIN}"
        assert text == "v=DKIM1; k=rsa; p=" + "".join(spoken.splitlines()[1:-1])
