"""The plate: cut from a template's text, kept as bytes, and read back; what conditions and values become in a copy."""

import html
import json
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.errors import PressError
from publisher.render import plate as plates
from publisher.render import seal
from publisher.render.inline import inline
from publisher.render.plate import Cutter, Placed, Plate, compile_plate
from publisher.render.printer import Printer
from publisher.render.seal import SLOTS, Chosen, Seal
from tests.builders import NOW, a_newsletter

DIGEST = "0123456789abcdef01234567"
SEAL = Seal(DIGEST)
FOREIGN = Seal("fedcba9876543210fedcba98")
VALUES = {
    "name": "Ada",
    "address": "ada@example.org",
    "unsubscribe_url": "https://journal.example/unsubscribe/token",
    "preferences_url": "https://journal.example/preferences/token?a=1&b=2",
    "web_url": "https://journal.example/copy/token",
}
URDU = "خلیج کی نئی سفارت کاری اور اس کے اثرات\n" * 40  # enough of it for base64
PLACED = (Placed(1, "world", 0), Placed(2, "economy", 0), Placed(3, "climate", 0))
EVERYTHING = frozenset({"world", "economy", "climate"})


def a_plate(text: str = "", page: str = "", sealed: Seal = SEAL, **changes: Any) -> Plate:
    return compile_plate(
        **{
            "seal": sealed,
            "newsletter": a_newsletter(),
            "boundary": "=_boundary",
            "head": b"Precedence: bulk\r\n",
            "subjects": {1: "One", 2: "Two — zwei", 3: "Three"},
            "text": text,
            "page": page,
            "placed": PLACED,
            "now": NOW,
            **changes,
        }
    )


def copy_of(
    plate: Plate, *sections: str, personal: bool = True, masked: Collection[int] = (), **values: str
) -> tuple[str, str]:
    """The decoded text and page of a reader's copy."""
    printer = Printer(plate)
    skeleton = printer.skeleton(sections or EVERYTHING, masked, personal)
    assert skeleton is not None
    message = plate.head + b"".join(printer.fill(skeleton, VALUES | values))
    assert b"\n" not in message.replace(b"\r\n", b"")
    parsed = message_from_bytes(message, policy=default)
    parts = list(parsed.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert not [defect for part in (parsed, *parts) for defect in part.defects]
    text, page = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in parts)
    return text, page


def block(conditions: Sequence[str], content: str, sealed: Seal = SEAL) -> str:
    return f"{sealed.open(conditions)}{content}{sealed.close()}"


class TestConditions:
    CONTENT = (
        "Masthead\n"
        + block(seal.leads(0), "ONE\n")
        + block(seal.leads(1), "TWO\n")
        + block(seal.follows([0, 1]), "Heading\n")
        + block(seal.follows([0]), "one\n")
        + block(seal.follows([1]), "two\n")
        + block(seal.follows([2]), "Climate\n" + block(seal.at_depth(2, 0), "three\n"))
        + block(seal.shown([0, 2]), "Contents\n")
        + block([seal.CUT], "cut\n")
        + block([seal.PERSONAL], "Bye\n")
        + "Footer\n"
    )

    @pytest.mark.parametrize(
        ("chosen", "lines"),
        [
            ("world economy climate", "Masthead ONE Heading two Climate three Contents Bye Footer"),
            ("economy climate", "Masthead TWO Climate three Contents Bye Footer"),
            ("world", "Masthead ONE Contents Bye Footer"),
            ("economy", "Masthead TWO Bye Footer"),
            ("*", "Masthead ONE Heading two Climate three Contents Bye Footer"),
        ],
    )
    def test_a_copy_holds_what_its_stories_open(self, chosen, lines):
        text, page = copy_of(a_plate(self.CONTENT, self.CONTENT), *chosen.split())

        assert text.split() == page.split() == lines.split()

    def test_what_is_personal_stays_out_of_the_web(self):
        text, page = copy_of(a_plate(self.CONTENT, self.CONTENT), personal=False)

        assert "Bye" not in text + page
        assert "Footer" in page

    @pytest.mark.parametrize("content", ["hidden", block(seal.shown([0]), "hidden"), block(["p"], "hidden")])
    def test_a_block_that_nothing_opens_is_never_shown(self, content):
        text, page = copy_of(a_plate(f"a{block([], content)}b", f"a{block([], content)}b"))

        assert (text, page) == ("ab", "ab")

    def test_a_block_within_another_needs_both(self):
        content = block(["p"], "a" + block(seal.shown([1]), "b" + block(seal.leads(0), "c")) + "d")

        shown = [copy_of(a_plate(content), *chosen)[0] for chosen in (["world"], ["economy"], ["world", "economy"])]

        assert shown == ["ad", "abd", "abcd"]

    def test_a_depth_alone_says_that_its_story_is_in_the_copy(self):
        """A newsroom's template may leave the outer block out; no reader may see another's story for it."""
        content = "".join(block(seal.at_depth(position, 0, 1), f"<p>{position}</p>") for position in range(3))

        assert copy_of(a_plate(page=content), "economy")[1] == "<p>1</p>"

    @pytest.mark.parametrize(
        "content",
        [
            str(SEAL.open(["s0"])),
            str(SEAL.close()),
            block(["s0"], str(SEAL.close())),
            block(["s0"], str(SEAL.open(["s1"]))),
            f"{SEAL.close()}{SEAL.open(['s0'])}",
        ],
    )
    @pytest.mark.parametrize("part", ["text", "page"])
    def test_unbalanced_blocks_are_refused(self, content, part):
        with pytest.raises(PressError, match="block"):
            a_plate(**{part: content})

    @pytest.mark.parametrize("asked", [["x9"], ["special"], ["s0", "d0.0"], ["p", "l1"], ["d0"], ["s"]])
    def test_a_block_on_what_nothing_can_open_or_on_two_kinds_at_once_is_refused(self, asked):
        with pytest.raises(PressError, match="opens a block on"):
            a_plate(page=block(asked, "x"))

    def test_white_space_of_a_line_between_two_words_stays_a_blank(self):
        page = f"<p>stories{block(['s0'], ', one')} {block(['s1'], 'and two')}</p>"

        assert copy_of(a_plate(page=page), "economy")[1] == "<p>stories and two</p>"


class TestChosen:
    """What a template prints where the reader is known beforehand: the same rules, without a mark."""

    def test_it_leaves_no_mark(self):
        chosen = Chosen({"s0"})

        assert (chosen.open(["s0"]), chosen.close()) == ("", "")

    @pytest.mark.parametrize(
        ("conditions", "holds"), [(["s0"], True), (["s9", "p"], True), (["s1"], False), ([], False)]
    )
    def test_one_condition_that_holds_opens(self, conditions, holds):
        assert Chosen({"s0", "p"}).holds(conditions) is holds

    @pytest.mark.parametrize(
        ("positions", "held"),
        [([4], {"s4", "l4"}), ([2, 7, 9], {"s2", "s7", "s9", "l2", "r7", "r9"}), ([9, 2], {"s2", "s9", "l2", "r9"})],
    )
    def test_the_first_of_the_positions_leads(self, positions, held):
        assert seal.state(positions) == held


class TestValues:
    def test_values_stand_in_text_attribute_and_address_after_the_inliner(self):
        page = inline(
            "<!DOCTYPE html>\n<html><head><style>a { color: red }</style></head><body>"
            f'<p title="For {SEAL.reader["name"]}">{SEAL.reader["name"]}, {SEAL.reader["address"]}</p>'
            f'<a href="{SEAL.reader["unsubscribe_url"]}">stop</a>{block(["s0"], "<p>one</p>")}</body></html>'
        )

        _, printed = copy_of(a_plate(page=page))

        assert '<p title="For Ada">Ada, ada@example.org</p>' in printed
        assert '<a href="https://journal.example/unsubscribe/token" style="color:red">stop</a><p>one</p>' in printed
        assert DIGEST not in printed

    NAMES = (
        "{{7*7}}",
        "{% raw %}",
        "<script>alert(1)</script>",
        "\"quoted\" & 'single'",
        "%recipient%",
        "*|NAME|*",
        "عائشہ 👩‍🚀",
        ".",
        "From me",
        "",
        " blank ",
        str(SEAL.open(["s2"])),
        SEAL.reader["unsubscribe_url"],
        "x" * 300,
        "\\g<0> \\1",
    )

    @pytest.mark.parametrize("name", NAMES)
    def test_a_value_is_data_escaped_on_the_page_and_literal_in_the_text(self, name):
        content = f"Dear {SEAL.reader['name']}, hello"

        text, page = copy_of(a_plate(content, content), name=name)

        assert text == f"Dear {name}, hello"
        assert page == f"Dear {html.escape(name)}, hello"

    @pytest.mark.parametrize("name", NAMES)
    def test_the_same_in_base64(self, name):
        content = f"{URDU}\nDear {SEAL.reader['name']}, hello\nhere"

        text, page = copy_of(a_plate(content, content), name=name)

        assert text.split("\n")[-2].rstrip() == f"Dear {name}, hello"
        assert page.split("\n")[-2].split() == f"Dear {html.escape(name)}, hello".split()

    def test_two_values_side_by_side_are_not_mixed_up(self):
        content = "".join(SEAL.reader[slot] for slot in SLOTS)

        text, page = copy_of(a_plate(content, content))

        assert text == "".join(VALUES[slot] for slot in SLOTS)
        assert page == "".join(html.escape(VALUES[slot]) for slot in SLOTS)

    def test_a_value_that_nobody_gave_is_empty(self):
        plate = a_plate(f"a{SEAL.reader['name']}b")
        printer = Printer(plate)
        skeleton = printer.skeleton(EVERYTHING)

        assert b"a=\r\n=\r\nb" in b"".join(printer.fill(skeleton, {}))

    @pytest.mark.parametrize(
        "forged",
        [
            FOREIGN.reader["unsubscribe_url"],
            str(FOREIGN.open(["s0"])),
            str(FOREIGN.close()),
            "<!--bs0-->",
            "<!--[s0]-->",
            "s0z",
            f"{DIGEST[:-1]}s0z",
            f"{DIGEST.upper()}s2z",
            f"{DIGEST}S2Z",
            f"{DIGEST} s2z",
            f"&#48;{DIGEST[1:]}s2z",
            "{{ reader.unsubscribe_url }}",
            "{{ unsub }}",
            "*|UNSUB|*",
            "%recipient%",
        ],
    )
    @pytest.mark.parametrize("around", ["", URDU])
    def test_a_mark_that_another_edition_or_nobody_made_is_print(self, forged, around):
        text, page = copy_of(a_plate(f"{around}{forged}\n", f"{around}{forged}\n"))

        assert text.split() == page.split() == f"{around}{forged}".split()


class TestBytes:
    CONTENT = TestConditions.CONTENT + SEAL.reader["name"] + "\n"

    @pytest.mark.parametrize("around", ["Ünïcode ", URDU, "\x00\x80\xff"])
    def test_a_plate_is_the_same_after_dump_and_load(self, around):
        plate = a_plate(self.CONTENT, around + self.CONTENT, budget=77_000)

        loaded = plates.load(plate.dump())

        assert loaded == plate
        assert loaded.dump() == plate.dump()

    def test_the_same_inputs_make_the_same_plate_byte_for_byte(self):
        assert a_plate(self.CONTENT, URDU + self.CONTENT).dump() == a_plate(self.CONTENT, URDU + self.CONTENT).dump()

    def test_a_copy_from_a_loaded_plate_is_the_same(self):
        plate = a_plate(self.CONTENT, URDU + self.CONTENT)

        assert copy_of(plates.load(plate.dump()), "world") == copy_of(plate, "world")

    @pytest.mark.parametrize("version", [1, 3, "2", None])
    def test_a_plate_of_another_version_is_refused(self, version):
        saved = json.loads(a_plate().dump()) | {"version": version}

        with pytest.raises(PressError, match=r"version .*; this Publisher prints version 2"):
            plates.load(json.dumps(saved).encode())

    @pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"version":2}'])
    def test_what_is_no_plate_is_refused(self, data):
        with pytest.raises(PressError, match="plate"):
            plates.load(data)

    @pytest.mark.parametrize("field", json.loads(a_plate("x", SEAL.reader["name"]).dump()))
    @pytest.mark.parametrize("wrong", [None, [[1]], [[[1], [99], 0]]])
    def test_a_plate_with_a_damaged_field_is_refused_or_read_and_never_breaks_the_press(self, field, wrong):
        saved = json.loads(a_plate("x", SEAL.reader["name"]).dump()) | {field: wrong}

        with suppress(PressError):
            plates.load(json.dumps(saved).encode())

    def test_pieces_that_always_stand_together_are_one(self):
        plate = a_plate("plain text\n", "<p>one</p>\n" + block(["s0"], "two") + "three")

        gates = [piece.gates for piece in plate.pieces]
        assert gates == [(), (frozenset({"s0"}),), ()]

    def test_a_value_in_many_places_is_one_cell(self):
        page = f'<a href="{SEAL.reader["web_url"]}">x</a>' * 9

        assert len(a_plate(page=page).cells) == 1

    def test_only_values_are_encoded_for_each_reader(self):
        content = "".join(block(seal.shown([n % 3]), f"<p>{n}</p>") + "\n" for n in range(9)) + SEAL.reader["name"]

        plate = a_plate(content, content)

        assert [cell.parts for _, cell in plate.cells] == [(0,), (0,)]

    @pytest.mark.parametrize("around", ["", URDU])
    def test_pieces_know_how_many_bytes_of_html_they_are(self, around):
        page = f"{around}<p>\none\n</p>{block(['s0'], 'two')}<p>three</p>"

        plate = a_plate("text " * 99, page)

        _, printed = copy_of(plate)
        assert sum(piece.size for piece in plate.pieces) == len(printed.replace("\n", "\r\n").encode())


# A piece of content is a text, the name of a slot, or (conditions, pieces) for a block.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)
KINDS = (("s0", "s1", "s2"), ("l0", "l1"), ("r1", "r2"), ("p",), ("d0.0", "d1.1", "d0.1"))
CONDITIONS = st.sampled_from(KINDS).flatmap(lambda kind: st.lists(st.sampled_from(kind), max_size=3))
CONTENT = st.recursive(
    st.lists(st.one_of(TEXT.map(lambda text: ("text", text)), st.sampled_from(SLOTS).map(lambda s: ("slot", s)))),
    lambda inner: st.lists(st.tuples(CONDITIONS, inner), max_size=4),
    max_leaves=12,
)


def written(content: Sequence[Any]) -> str:
    """As a template leaves it."""
    return walk(content, lambda slot: SEAL.reader[slot], block)


def expected(content: Sequence[Any], holding: Collection[str], escape: Callable[[str], str]) -> str:
    """What a reader should read: closed blocks removed, slots filled in."""
    chosen = Chosen(holding)
    return walk(content, lambda slot: escape(VALUES[slot]), lambda own, inner: inner if chosen.holds(own) else "")


def walk(content: Sequence[Any], slot: Callable[[str], str], wrap: Callable[[Sequence[str], str], str]) -> str:
    parts = []
    for head, rest in content:
        if head == "text":
            parts.append(rest)
        elif head == "slot":
            parts.append(slot(rest))
        else:
            parts.append(wrap(head, walk(rest, slot, wrap)))
    return "".join(parts)


def bare(text: str) -> str:
    return re.sub(r"[ \n]", "", text)


@settings(deadline=None)
@given(CONTENT, CONTENT, st.sets(st.sampled_from(sorted(EVERYTHING)), min_size=1), st.booleans())
@example([(["s1"], [("slot", "name")])], [(["d1.1"], [("text", "x")])], {"economy"}, True)
def test_every_copy_equals_the_template_with_closed_blocks_removed_and_slots_filled(text, page, chosen, personal):
    plate = plates.load(a_plate(written(text), written(page)).dump())
    positions = Printer(plate).positions(chosen)
    holding = {*seal.state(positions), *(f"d{position}.0" for position in positions), *(["p"] if personal else [])}

    found_text, found_page = copy_of(plate, *chosen, personal=personal)

    assert bare(found_text) == bare(expected(text, holding, str))
    assert bare(found_page) == bare(expected(page, holding, html.escape))
    if b"base64" not in plate.dump():
        assert found_text == expected(text, holding, str)


@settings(deadline=None)
@given(CONTENT, st.sampled_from(["plain", "html"]))
def test_a_part_is_cut_into_pieces_that_each_end_a_line(content, kind):
    for piece in Cutter(SEAL, 300).part(kind, URDU + written(content)):
        assert isinstance(piece.text, int) or piece.text.endswith(b"\r\n")
