"""Transfer encodings: whatever is cut where, the pieces of a part decode to the template's text."""

import quopri
import re
from binascii import a2b_base64
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.render.transfer import Base64, Encoding, QuotedPrintable, shortest

LATIN = "Ministers meet in Geneva to talk about the strait, and about who may pass it.\n"
OTHERS = {
    "Urdu": "خلیج کی نئی سفارت کاری اور اس کے اثرات پر ایک نظر۔\n",
    "Arabic": "اجتمع الوزراء في جنيف لبحث مستقبل المضيق.\n",
    "Chinese": "各国部长在日内瓦举行会议，讨论海峡的未来。\n",
    "Japanese": "閣僚らは海峡の将来を話し合うためジュネーブに集まった。\n",
    "Russian": "Министры собрались в Женеве, чтобы обсудить будущее пролива.\n",
}
ENCODINGS: dict[str, tuple[Encoding, str]] = {
    "quoted-printable": (QuotedPrintable(), "html"),
    "base64 of HTML": (Base64("html"), "html"),
    "base64 of text": (Base64("plain"), "plain"),
}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=90)
PAGE = st.lists(
    st.one_of(
        st.text("abc ü漢\n\t.", max_size=12),
        st.sampled_from(
            ['<p class="x y">', "</p>", "<br>", '<a title="a &gt; b">', "</a>", "<!--[if mso]>", "<![endif]-->"]
        ),
    ),
    max_size=12,
).map("".join)


def decoded(encoded: bytes, name: str) -> str:
    """As a strict reader decodes a part: the standard library is the other party here."""
    if name == "quoted-printable":
        raw = quopri.decodestring(encoded)
    else:
        raw = a2b_base64(encoded.replace(b"\r\n", b""), strict_mode=True)
    return raw.decode()


def with_values(encoding: Encoding, texts: Sequence[str], values: Sequence[str]) -> bytes:
    """A block as the plate cuts it: a value between each two texts."""
    pieces, cell = [], b""
    for number, text in enumerate(texts):
        if number:
            tail, rest = encoding.after_value(text)
            cell += values[number - 1].encode() + tail
            last = number + 1 == len(texts)
            if not rest and not last:
                continue
            pieces.append(encoding.cell(cell))
            text, cell = rest, b""
        if number + 1 < len(texts):
            text, cell = encoding.before_value(text)
        if text:
            pieces.append(encoding.run(text))
    return b"".join(pieces)


class TestChoice:
    @pytest.mark.parametrize("kind", ["plain", "html"])
    def test_latin_text_goes_in_quoted_printable(self, kind):
        assert shortest(LATIN * 20, kind).name == "quoted-printable"

    @pytest.mark.parametrize("language", OTHERS)
    @pytest.mark.parametrize("kind", ["plain", "html"])
    def test_other_scripts_go_in_base64(self, language, kind):
        assert shortest(OTHERS[language] * 20, kind).name == "base64"

    @settings(deadline=None)
    @given(st.lists(st.sampled_from([LATIN, *OTHERS.values()]), min_size=1).map("".join))
    def test_the_shorter_one_is_chosen(self, text):
        lengths = {one.name: len(one.run(text)) for one in (QuotedPrintable(), Base64("html"))}

        assert lengths[shortest(text, "html").name] <= min(lengths.values()) * 1.01 + 78  # line ends are estimated

    def test_nothing_is_quoted_printable(self):
        assert shortest("", "plain").name == "quoted-printable"


@pytest.mark.parametrize("case", ENCODINGS)
class TestRuns:
    @settings(deadline=None)
    @given(st.lists(TEXT, max_size=6))
    @example(["", " ", ".", "From ", "\n", "x" * 400, "漢" * 99])
    def test_pieces_that_were_cut_anywhere_decode_to_the_text(self, case, texts):
        encoding, _ = ENCODINGS[case]

        joined = b"".join(encoding.run(text) for text in texts if text)

        found = decoded(joined, encoding.name)
        assert without_blanks(found) == without_blanks("".join(texts))
        if encoding.name == "quoted-printable":
            assert found == canonical("".join(texts))

    @settings(deadline=None)
    @given(TEXT)
    @example("a\nb")
    @example("漢" * 19 + "\n")
    def test_a_run_says_how_many_bytes_it_is_when_read(self, case, text):
        encoding, _ = ENCODINGS[case]

        encoded = encoding.run(text)

        assert encoding.size(encoded) == len(decoded(encoded, encoding.name).encode())
        assert 0 <= encoding.size(encoded) - len(canonical(text).encode()) <= 2

    @settings(deadline=None)
    @given(TEXT, TEXT, TEXT)
    @example(" " * 300, ".", "\n")
    @example("a" * 75, "From ", "b" * 76)
    def test_lines_are_at_most_76_and_pieces_end_with_one(self, case, before, value, after):
        encoding, _ = ENCODINGS[case]

        encoded = with_values(encoding, [before, after], [value])

        assert encoded.isascii()
        assert encoded == b"" or encoded.endswith(b"\r\n")
        assert max(map(len, encoded.split(b"\r\n"))) <= 76

    def test_text_has_canonical_line_ends_before_it_is_encoded(self, case):
        """RFC 2045 §6.8: else a reader of base64 finds lines that end in a bare LF."""
        encoding, _ = ENCODINGS[case]

        found = decoded(encoding.run("one\ntwo\n\nfour\n"), encoding.name)

        assert re.sub(" +\r\n", "\r\n", found) == "one\r\ntwo\r\n\r\nfour\r\n"


@pytest.mark.parametrize("case", ENCODINGS)
class TestValues:
    @settings(deadline=None)
    @given(
        st.lists(st.tuples(TEXT, st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))), max_size=4), TEXT
    )
    @example([("Dear ", ""), ("", "x" * 900)], "")
    @example([("", "漢"), (" ", "é"), ("> ", "👩‍🚀")], "")
    def test_values_of_any_length_decode_between_their_neighbours(self, case, pairs, last):
        encoding, _ = ENCODINGS[case]
        texts, values = [*(text for text, _ in pairs), last], [value for _, value in pairs]

        found = decoded(with_values(encoding, texts, values), encoding.name)

        whole = "".join(text + value for text, value in zip(texts, [*values, ""], strict=True))
        assert without_blanks(found) == without_blanks(whole)
        if encoding.name == "quoted-printable":
            assert found == canonical(whole)


class TestBlanks:
    """Base64 fills its pieces up: at most two blanks each, and only where they do not show."""

    @settings(deadline=None)
    @given(st.lists(st.tuples(TEXT, TEXT).map("\n".join), min_size=2, max_size=4))
    @example(["Sent to: ", "\nYou subscribed\n"])
    @example(["a", " b\nc", "d\n"])
    def test_plain_text_has_them_at_the_ends_of_lines_alone(self, texts):
        values = ["ada@example.org"] * (len(texts) - 1)

        found = decoded(with_values(Base64("plain"), texts, values), "base64")

        whole = "ada@example.org".join(texts)
        assert at_line_ends(found) == at_line_ends(whole)

    @settings(deadline=None)
    @given(PAGE, PAGE)
    @example("<p>Dear ", "</p>")
    @example('<a href="', '" title="a b">text</a>')
    @example('<a title="For ', ' and others">text</a>')
    @example("<p>", "<!--[if mso]> x <![endif]--></p>")
    @example("<p>", "<!--x--></p>")
    def test_a_page_reads_the_same_to_a_parser_up_to_blanks_in_text(self, before, after):
        found = decoded(with_values(Base64("html"), [before, after], ["v"]), "base64").replace("\r\n", "\n")

        assert tags(found) == tags(f"{before}v{after}")

    @pytest.mark.parametrize("size", range(12))
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('<a href="', '">stop</a>\n'),
            ('<a title="For ', ' and others" lang="ur">x</a>'),
            ('<p title="', "\">it's</p>"),
            ("<p>", "</p>"),
            ("<p>Sent to ", ", who subscribed.</p>"),
            ("<p>", "<!--[if mso]><br><![endif]--></p>"),
            ("", ""),
        ],
    )
    def test_an_attribute_keeps_its_value_and_a_comment_its_words(self, before, after, size):
        value = "x" * size

        found = decoded(with_values(Base64("html"), [before, after], [value]), "base64").replace("\r\n", "\n")

        whole = f"{before}{value}{after}"
        assert re.sub(" +>", ">", found).split() == re.sub(" +>", ">", whole).split() or "<!" in after
        assert re.findall('"[^"]*"', found) == re.findall('"[^"]*"', whole)
        assert re.findall("<!.*?>", found) == re.findall("<!.*?>", whole)

    @settings(deadline=None)
    @given(st.lists(TEXT, min_size=1, max_size=4))
    def test_a_piece_grows_by_two_at_the_most(self, texts):
        values = ["v"] * (len(texts) - 1)

        found = decoded(with_values(Base64("html"), texts, values), "base64")

        pieces = 2 * len(texts)
        assert len(found.encode()) - len(canonical("v".join(texts)).encode()) <= 2 * pieces


def canonical(text: str) -> str:
    return text.replace("\n", "\r\n")


def without_blanks(text: str) -> str:
    return re.sub("[ \r\n]", "", text)


def at_line_ends(text: str) -> list[str]:
    return [line.rstrip(" ") for line in text.replace("\r\n", "\n").split("\n")]


def tags(page: str) -> list[str]:
    """Tags and comments whole, a blank before > aside; and the words between."""
    parts = re.split(r"(<!--.*?>|<!\[.*?>|<[^>]*>)", page, flags=re.DOTALL)
    return [
        word
        for number, part in enumerate(parts)
        for word in ([re.sub(r"[ \n\t]+>$", ">", part)] if number % 2 else part.split())
    ]
