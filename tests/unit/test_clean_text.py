"""Characters that XML, mail and terminals refuse go no further than here."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from publisher.clean import text

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("a\x0bb", "ab"),
        ("a\x0cb\x08", "ab"),
        ("a\x00b", "ab"),
        ("a\x7fb", "ab"),
        ("a\ud800b", "ab"),
        ("a\ufffeb\uffff", "ab"),
        ("a\ufdd0b", "ab"),
        ("it\x92s \x93so\x94", "it’s “so”"),
        ("10 \x80", "10 €"),
        ("a\x81b", "ab"),
        ("a\r\nb\rc\u2028d\u2029e", "a\nb\nc\nd\ne"),
        ("👩‍💻 ]]> \U0001f600\t", "👩‍💻 ]]> \U0001f600\t"),
    ],
)
def test_a_broken_character_is_mended_and_a_good_one_left_alone(broken, mended):
    assert text.repair(broken) == mended


@settings(deadline=None)
@given(ANYTHING)
def test_repaired_text_can_be_encoded_and_stands_in_xml(anything):
    repaired = text.repair(anything)

    element = etree.Element("p")
    element.text = repaired

    assert etree.fromstring(etree.tostring(element, encoding="utf-8")).text in (repaired, None)
    assert text.repair(repaired) == repaired


@settings(deadline=None)
@given(ANYTHING)
def test_one_line_is_one_line_and_closes_what_it_opens(anything):
    line = text.one_line(anything)

    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert text.one_line(line) == line


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("abc \u202edef", "abc \u202edef\u202c"),
        ("abc \u202edef\u202c", "abc \u202edef\u202c"),
        ("\u2067a \u202eb", "\u2067a \u202eb\u202c\u2069"),
        ("plain \u202c", "plain \u202c"),
    ],
)
def test_a_bidi_override_ends_with_its_line(opened, closed):
    assert text.one_line(opened) == closed


def test_one_line_composes_accents():
    assert text.one_line("Cafe\u0301\n  noir ") == "Café noir"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("One<br>two", "One two"),
        ("<td>1</td><td>2</td>", "1 2"),
        ("<b>O</b>ne", "One"),
        ("Fish &amp; &lt;b&gt; fuel&nbsp;!", "Fish & <b> fuel !"),
        ("<p>Text<script>steal()</script><style>p{}</style></p>", "Text"),
        ("", ""),
    ],
)
def test_the_words_of_html_stand_apart_and_without_markup(markup, words):
    assert text.from_html(markup) == words


def test_text_under_three_hundred_elements_is_kept():
    assert text.from_html("<div>" * 300 + "deep" + "</div>" * 300) == "deep"


@pytest.mark.parametrize(
    ("words", "count", "teaser"),
    [("one two three", 3, "one two three"), ("one two, three", 2, "one two…"), ("", 3, ""), ("one – two", 2, "one…")],
)
def test_a_teaser_ends_between_words(words, count, teaser):
    assert text.first_words(words, count) == teaser


def test_a_cut_text_closes_what_it_opened():
    turned = text.one_line("\u202e" + "word " * 100)

    assert text.first_words(turned, 3).endswith("…\u202c")
    assert text.shortened(turned, 30).endswith("…\u202c")


@pytest.mark.parametrize("character", ["\ufdd0", "\ufffe", "\U0001fffe", "\U0010ffff"])
def test_what_is_no_character_is_dropped(character):
    assert text.repair(f"a{character}b") == "ab"


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("Hamas, Hezbollah: A lethal connection", "hamas-hezbollah-a-lethal-connection"),
        ("Café “noir” — it's l’été", "cafe-noir-its-lete"),
        ("اردو", ""),
        ("x" * 100, "x" * 80),
        ("../../etc/passwd\x00", "etc-passwd"),
    ],
)
def test_a_slug_is_safe_in_a_path(headline, slug):
    assert text.slug(headline) == slug


PROSE = st.lists(st.text("abé漢字、。（ء\u0301-", min_size=1, max_size=30), max_size=20).map(" ".join)
WIDTHS = st.integers(1, 80)


@settings(deadline=None)
@given(PROSE, WIDTHS, st.sampled_from(["", "  ", "> "]))
def test_wrapped_text_has_the_same_words_in_lines_that_fit(prose, width, indent):
    lines = text.wrapped(prose, width, indent).split("\n")

    assert "".join("".join(line.removeprefix(indent.rstrip()).split()) for line in lines) == "".join(prose.split())
    for line in lines:
        words = line.removeprefix(indent.rstrip()).strip()
        assert text.columns(line) <= width or len(words.split()) == 1
        assert line == line.rstrip()


@pytest.mark.parametrize(
    ("prose", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "three"]),
        (
            "see https://journal.example/a/long/address now",
            10,
            ["see", "https://journal.example/a/long/address", "now"],
        ),
        ("漢字漢字漢字", 4, ["漢字", "漢字", "漢字"]),
        ("漢字。漢字", 6, ["漢字。", "漢字"]),
        ("漢字。漢字", 4, ["漢", "字。", "漢字"]),
        ("東京 and Köln", 8, ["東京 and", "Köln"]),
        ("  around \n  lines  ", 72, ["around lines"]),
        ("", 72, [""]),
        ("서울의 거리에서", 8, ["서울의", "거리에서"]),
    ],
)
def test_lines_break_where_their_script_breaks(prose, width, lines):
    assert text.wrapped(prose, width) == "\n".join(lines)


@pytest.mark.parametrize("width", range(2, 40))
def test_no_line_begins_with_a_mark_that_closes(width):
    lines = text.wrapped("各国部长在日内瓦举行会议，讨论海峡的未来。「本当に」と彼は言った！", width).split("\n")

    assert not [line for line in lines if line[:1] in "，。」！、"]


@pytest.mark.parametrize(
    ("word", "columns"),
    [("abc", 3), ("漢字", 4), ("ﾊﾝｶｸ", 4), ("Ａ", 2), ("e\u0301", 1), ("خلیج", 4), ("", 0), ("서울", 4)],
)
def test_columns_are_what_a_terminal_shows(word, columns):
    assert text.columns(word) == columns
