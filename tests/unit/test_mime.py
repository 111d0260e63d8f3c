"""Header fields and quoted-printable: what we write, the standard library reads back."""

import quopri
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.clean.text import one_line
from publisher.model.newsletter import Mailbox
from publisher.render import mime

SUBJECTS = [
    "Family 👨‍👩‍👧‍👦 " * 8 + "Straßenbahn 東京",
    "日本語の見出しは長くなることがありますので折り返しが必要です。" * 4,
    "خلیج کی نئی سفارت کاری اور اس کے اثرات " * 5 + "end",
    "Grüße",
    "A literal =?utf-8?q?not_encoded?= in a headline",
]
NAMES = [
    "Ada Lovelace",
    "Doe, Jane",
    'Jane "JD" Doe',
    "jane@work",
    "Åsa 漢字 عائشہ",
    "=?utf-8?q?trick?=",
    "Back\\slash",
]
BREAKS = ["\r\n", "\n", "\r", "\0", "\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1f"]
WORDS = re.compile(r"=\?utf-8\?b\?[A-Za-z0-9+/=]*\?=")


def fields(raw: bytes) -> list[tuple[str, str]]:
    message = message_from_bytes(raw + b"\r\n", policy=default)
    assert not message.defects
    return list(message.items())


def decoded(raw: bytes) -> str:
    """The value as RFC 2047 reads it; `email.header` is the other party here."""
    unfolded = raw.decode("ascii").partition(": ")[2].replace("\r\n", "")
    return str(make_header(decode_header(unfolded)))


class TestHeaders:
    @pytest.mark.parametrize("value", [*SUBJECTS, "plain words " * 30 + "end", "x" * 600])
    def test_a_field_is_ascii_and_folds_at_78(self, value):
        raw = mime.header("Subject", value)

        assert raw.isascii()
        assert raw.endswith(b"\r\n")
        assert max(map(len, raw.split(b"\r\n"))) <= 78

    @pytest.mark.parametrize("value", [*SUBJECTS, "plain words " * 30 + "end", "x" * 600])
    def test_a_field_says_what_was_given(self, value):
        assert decoded(mime.header("Subject", value)) == value

    @pytest.mark.parametrize("value", SUBJECTS)
    def test_encoded_words_are_short_and_each_holds_whole_characters(self, value):
        words = WORDS.findall(mime.header("Subject", value).decode())

        assert words
        assert max(map(len, words)) <= 75
        for word in words:
            [(content, charset)] = decode_header(word)
            assert content.decode(charset)

    @settings(deadline=None)
    @given(st.text())
    def test_any_text_makes_one_field_that_says_the_same_on_one_line(self, value):
        raw = mime.header("Subject", value)

        assert len(fields(raw)) == 1
        assert decoded(raw) == one_line(value)

    @settings(deadline=None)
    @given(st.text(st.characters(codec="utf-8"), max_size=80))
    @example("=?utf-8?q?Bcc=3A_victim=40example=2Eorg?=")
    @example("=?utf-8?b?R3LDvMOfZQ==?= and =?iso-8859-1?q?=A1?=")
    @example("=?utf-8?q?an_opened_word")
    def test_another_program_reads_the_same_value_without_a_defect(self, value):
        raw = mime.header("Subject", value)

        message = message_from_bytes(raw + b"\r\n", policy=default)
        assert not [*message.defects, *message["Subject"].defects]
        assert message["Subject"] == one_line(value)

    @pytest.mark.parametrize(
        "seen",
        ["👨‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🇵🇰", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "e\u0323\u0301", "نٌّ", "क्षि", "1️⃣"],
    )
    @pytest.mark.parametrize("before", range(12))
    def test_no_word_ends_within_what_a_reader_takes_for_one_character(self, seen, before):
        raw = mime.header("Subject", "x" * before + seen * 30)

        for word in WORDS.findall(raw.decode()):
            [(content, _)] = decode_header(word)
            assert content.decode().lstrip("x").replace(one_line(seen), "") == ""

    def test_a_character_longer_than_a_word_is_cut_all_the_same(self):
        value = "Z" + "\u0335" * 200

        raw = mime.header("Subject", value)

        assert decoded(raw) == value
        assert max(map(len, raw.split(b"\r\n"))) <= 78

    @pytest.mark.parametrize("control", BREAKS)
    def test_a_subject_cannot_add_a_field(self, control):
        raw = mime.header("Subject", f"News{control}Bcc: victim@example.org{control}")

        assert [name for name, _ in fields(raw)] == ["Subject"]

    @pytest.mark.parametrize("control", BREAKS)
    @pytest.mark.parametrize("part", ["name", "address"])
    def test_a_mailbox_cannot_add_a_field(self, control, part):
        given = {"name": "Ada", "address": "ada@example.org"}
        given[part] += f"{control}Bcc: victim@example.org"

        raw = mime.address_header("To", Mailbox(**given))

        assert len(re.findall(rb"^\S", raw, re.MULTILINE)) == 1
        assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", raw)


class TestDisplayNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_reads_back_as_it_was_and_stays_one_mailbox(self, name):
        raw = mime.address_header("To", Mailbox(name, "ada@example.org"))

        found = message_from_bytes(raw + b"\r\n", policy=default)["To"]
        assert [(one.display_name, one.addr_spec) for one in found.addresses] == [(name, "ada@example.org")]
        assert not found.defects

    @pytest.mark.parametrize("name", [*NAMES, "Doe, " * 40 + "Jane", "漢" * 80, "j" * 300, "Jane " * 40 + "Doe"])
    def test_a_long_name_is_folded_and_not_cut(self, name):
        raw = mime.address_header("To", Mailbox(name, "ada@example.org"))

        # parseaddr, for the parser of email.policy sets blanks between encoded words of a name.
        phrase, address = parseaddr(raw.decode("ascii").partition(": ")[2].replace("\r\n", ""))
        assert address == "ada@example.org"
        assert str(make_header(decode_header(phrase))) == name
        assert max(map(len, raw.split(b"\r\n"))) <= 78

    @settings(deadline=None)
    @given(st.text(max_size=60))
    @example('Doe, "Jane" <jane@work>, née 漢字')
    @example("=?utf-8?q?Bcc=3A?= <victim@example.org>")
    @example("(comment)")
    @example("a;b:c.d[e]\\")
    def test_any_name_stays_the_name_of_one_mailbox(self, name):
        raw = mime.address_header("To", Mailbox(name, "ada@example.org"))

        message = message_from_bytes(raw + b"\r\n", policy=default)
        [found] = message["To"].addresses
        phrase, _ = parseaddr(raw.decode("ascii").partition(": ")[2].replace("\r\n", ""))
        assert not [*message.defects, *message["To"].defects]
        assert found.addr_spec == "ada@example.org"
        assert str(make_header(decode_header(phrase))) == one_line(name)

    def test_no_name_leaves_the_bare_address(self):
        assert mime.address_header("To", Mailbox(" ", "ada@example.org")) == b"To: ada@example.org\r\n"

    def test_the_address_is_never_encoded(self):
        raw = mime.address_header("From", Mailbox("Ünïcode " * 20, "long.address@journal.example"))

        assert b"<long.address@journal.example>" in raw


class TestAddresses:
    @pytest.mark.parametrize(
        ("given", "written"),
        [
            ("a@bücher.example", "a@xn--bcher-kva.example"),
            ("a@例え.jp", "a@xn--r8jz45g.jp"),
            ("a@例え。jp", "a@xn--r8jz45g.jp"),
            ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("Ada@Example.org", "Ada@Example.org"),
            ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ],
    )
    @pytest.mark.parametrize("name", ["", "Ada"])
    def test_a_domain_is_written_as_the_dns_has_it_and_what_is_before_it_stays(self, given, written, name):
        """RFC 5891 §4.4 for the domain; RFC 6532 for the rest, which only goes to servers with SMTPUTF8."""
        raw = mime.address_header("To", Mailbox(name, given))

        assert raw.decode() == (f"To: {name} <{written}>\r\n" if name else f"To: {written}\r\n")

    @pytest.mark.parametrize("domain", ["☃️.example", "-ü-.example", "ü" * 70 + ".example", "."])
    def test_a_domain_that_cannot_exist_does_not_stop_the_edition(self, domain):
        assert mime.address_header("To", Mailbox("", f"a@{domain}")) == f"To: a@{domain}\r\n".encode()

    def test_a_list_id_below_such_a_domain_is_plain_too(self):
        raw = mime.address_header("List-ID", Mailbox("Bücher", "briefing.bücher.example"))

        assert raw.endswith(b" <briefing.xn--bcher-kva.example>\r\n")
        assert raw.isascii()


TRICKY_LINES = [
    "",
    ".",
    "..",
    "From the desk",
    "x" * 2000,
    "." * 300,
    " " * 300,
    ". " * 200,
    " " + "." * 300,
    " ." * 200,
    "From " * 40,
    "x" + "=" * 74 + "." * 80,
    "=" * 200,
    "trailing blank ",
    "trailing tab\t",
    "-- ",
    "two  blanks",
    "a" * 75 + ".",
    "a" * 75 + "From here",
    "a" * 74 + " From here",
    "a" * 75 + " b",
    "漢" * 100,
    "\x00\x7f\x85\u2028",
    "carriage\rreturn",
]
LINES = st.one_of(
    st.sampled_from(TRICKY_LINES),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=200),
    st.text(st.sampled_from(" .=Fromx"), max_size=200),
)


def texts_of(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


class TestQuotedPrintable:
    @settings(deadline=None)
    @given(st.lists(LINES))
    @example(TRICKY_LINES)
    def test_what_is_encoded_decodes_to_the_same_text(self, lines):
        encoded = mime.quoted_printable(texts_of(lines))

        assert quopri.decodestring(encoded).replace(b"\r\n", b"\n") == texts_of(lines)

    @settings(deadline=None)
    @given(st.lists(LINES))
    @example(TRICKY_LINES)
    def test_no_server_mailbox_or_signer_has_a_reason_to_change_a_line(self, lines):
        encoded = mime.quoted_printable(texts_of(lines))

        assert encoded.isascii()
        for line in encoded.split(b"\r\n"):
            assert len(line) <= 76
            assert not line.startswith((b".", b"From "))
            assert not line.endswith((b" ", b"\t"))
            assert not re.search(rb"\s\s|[\x00-\x1f\x7f]", line)
