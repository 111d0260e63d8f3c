"""The plate: what a reader's copy holds, what it leaves out, and whose values stand in it."""

import html
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import PressError
from publisher.model.newsletter import Mailbox, Placement
from publisher.render import plate as plates
from publisher.render.inline import inline
from publisher.render.plate import NoMarks, Plate, Printer, Seal, compile_plate

DIGEST = "0123456789abcdef01234567"
SEAL = Seal(DIGEST)
SENDER = Mailbox("The Test Journal", "briefing@journal.example")
VALUES = {"name": "Ada", "address": "ada@example.org", "unsubscribe_url": "https://journal.example/unsubscribe/token"}
HEAD = b"To: ada@example.org\r\n"

# Article 7 stands under two sections; economy is its first, asia its second.
PLACEMENTS = (
    Placement(0, "world", 1),
    Placement(1, "world/asia", 7),
    Placement(2, "economy", 7),
    Placement(3, "climate", 9),
)
OWN_ORDER = {1: ("world",), 7: ("economy", "world/asia"), 9: ("climate",)}


def a_plate(text: str = "", page: str = "", seal: Seal = SEAL, **changes: Any) -> Plate:
    return compile_plate(
        **{
            "seal": seal,
            "boundary": f"=_{DIGEST}",
            "sender": SENDER,
            "newsletter": "briefing",
            "head": b"Subject: News\r\n",
            "text": text,
            "page": page,
            "placements": PLACEMENTS,
            "ranks": lambda placed: OWN_ORDER[placed.article_id].index(placed.section),
            **changes,
        }
    )


def copy_of(plate: Plate, *sections: str, **values: str) -> tuple[str, str]:
    """The decoded text and page of a reader's copy."""
    message = Printer(plate).print(sections or ("*",), HEAD, VALUES | values)
    assert message is not None
    parsed = message_from_bytes(message, policy=default)
    parts = list(parsed.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert not [defect for part in (parsed, *parts) for defect in part.defects]
    text, page = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in parts)
    return text, page


def block(positions: Sequence[int], content: str, seal: Seal = SEAL) -> str:
    return f"{seal.open(positions)}{content}{seal.close()}"


class TestPositions:
    @pytest.mark.parametrize(
        ("chosen", "seen"),
        [
            (["*"], {0, 2, 3}),
            (["world"], {0, 1}),
            (["world/asia"], {1}),
            (["economy"], {2}),
            (["world", "economy"], {0, 2}),
            (["world/asia", "climate"], {1, 3}),
            (["worl"], set()),
            (["world/asia/japan"], set()),
            ([], set()),
        ],
    )
    def test_a_reader_sees_each_article_once_under_the_first_of_its_sections_they_have(self, chosen, seen):
        assert a_plate().positions(chosen) == seen

    def test_the_order_of_choosing_changes_nothing(self):
        plate = a_plate()

        assert plate.positions(["economy", "world"]) == plate.positions(["world", "economy"])


class TestBlocks:
    CONTENT = (
        "Masthead\n"
        + block([0, 1], "WORLD\n")
        + block([0], "one\n")
        + block([1], "ASIA\n" + block([1], "seven\n"))
        + block([2], "ECONOMY\n")
        + block([2], "seven\n")
        + block([3], "CLIMATE\n")
        + block([3], "nine\n")
        + "Footer\n"
    )

    @pytest.mark.parametrize(
        ("chosen", "lines"),
        [
            ("*", "Masthead WORLD one ECONOMY seven CLIMATE nine Footer"),
            ("world", "Masthead WORLD one ASIA seven Footer"),
            ("climate", "Masthead CLIMATE nine Footer"),
        ],
    )
    def test_a_copy_holds_the_readers_sections_and_no_empty_heading(self, chosen, lines):
        text, page = copy_of(a_plate(self.CONTENT, self.CONTENT), chosen)

        assert text.split() == page.split() == lines.split()

    @pytest.mark.parametrize("chosen", [(), ("sport",), ("economy/trade",)])
    def test_a_reader_with_nothing_new_gets_no_copy(self, chosen):
        assert Printer(a_plate(self.CONTENT, self.CONTENT)).print(chosen, HEAD, VALUES) is None

    def test_a_block_for_no_position_is_never_shown(self):
        text, _ = copy_of(a_plate("a" + block([], "hidden") + "b"))

        assert text == "ab"

    @pytest.mark.parametrize(
        "content",
        [str(SEAL.open([0])), str(SEAL.close()), block([0], str(SEAL.close())), block([0], str(SEAL.open([1])))],
    )
    @pytest.mark.parametrize("part", ["text", "page"])
    def test_unbalanced_blocks_are_refused(self, content, part):
        with pytest.raises(PressError, match="block"):
            a_plate(**{part: content})

    def test_a_page_for_everybody_has_no_marks(self):
        assert (NoMarks().open([1]), NoMarks().close()) == ("", "")


class TestValues:
    def test_values_stand_in_text_attribute_and_address_after_the_inliner(self):
        page = inline(
            "<!DOCTYPE html>\n<html><head><style>a { color: red }</style></head><body>"
            f'<p title="For {SEAL.reader["name"]}">{SEAL.reader["name"]}, {SEAL.reader["address"]}</p>'
            f'<a href="{SEAL.reader["unsubscribe_url"]}">stop</a>{block([0], "<p>one</p>")}</body></html>'
        )

        _, printed = copy_of(a_plate(page=page))

        assert '<p title="For Ada">Ada, ada@example.org</p>' in printed
        assert '<a href="https://journal.example/unsubscribe/token" style="color:red">stop</a><p>one</p>' in printed
        assert DIGEST not in printed

    @pytest.mark.parametrize(
        "name",
        [
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
            str(SEAL.open([3])),
            SEAL.reader["unsubscribe_url"],
            "x" * 300,
        ],
    )
    def test_a_value_is_data_escaped_on_the_page_and_literal_in_the_text(self, name):
        content = f"Dear {SEAL.reader['name']}, hello"

        text, page = copy_of(a_plate(content, content), name=name)

        assert text == f"Dear {name}, hello"
        assert page == f"Dear {html.escape(name)}, hello"

    @pytest.mark.parametrize(
        "forged",
        [
            Seal("fedcba9876543210fedcba98").reader["unsubscribe_url"],
            str(Seal("fedcba9876543210fedcba98").open([0])),
            str(Seal("fedcba9876543210fedcba98").close()),
            "<!--b0-->",
            "s0z",
            f"{DIGEST[:-1]}s0z",
            "{{ reader.unsubscribe_url }}",
        ],
    )
    def test_a_mark_that_another_edition_or_nobody_made_is_print(self, forged):
        text, page = copy_of(a_plate(forged, forged))

        assert (text, page) == (forged, forged)


class TestBytes:
    CONTENT = TestBlocks.CONTENT + SEAL.reader["name"]

    def test_a_plate_is_the_same_after_dump_and_load(self):
        plate = a_plate(self.CONTENT, "Ünïcode " + self.CONTENT)

        loaded = plates.load(plate.dump())

        assert loaded == plate
        assert loaded.dump() == plate.dump()

    def test_a_plate_of_another_version_is_refused(self):
        dumped = a_plate().dump().replace(b'"version":', b'"version":9')

        with pytest.raises(PressError, match="version"):
            plates.load(dumped)

    def test_the_same_reader_gets_the_same_bytes_from_every_printer(self):
        plate = a_plate(self.CONTENT, self.CONTENT)
        printer = Printer(plate)
        first = printer.print(("world",), HEAD, VALUES)
        printer.print(("*",), HEAD, VALUES | {"name": "Somebody else"})

        assert printer.print(("world",), HEAD, VALUES) == first
        assert Printer(plates.load(plate.dump())).print(("world",), HEAD, VALUES) == first

    def test_the_readers_fields_come_first_and_lines_end_in_crlf(self):
        message = Printer(a_plate(self.CONTENT, self.CONTENT)).print(("*",), HEAD, VALUES)

        assert message.startswith(HEAD + b"Subject: News\r\n")
        assert b"\n" not in message.replace(b"\r\n", b"")


# A piece of content is a text, the name of a slot, or (positions, pieces) for a block.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=90)
CONTENT = st.recursive(
    st.lists(
        st.one_of(TEXT.map(lambda text: ("text", text)), st.sampled_from(plates.SLOTS).map(lambda s: ("slot", s)))
    ),
    lambda inner: st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=3), inner), max_size=4),
    max_leaves=12,
)


def written(content: Sequence[Any]) -> str:
    """As a template leaves it."""
    return walk(content, lambda slot: SEAL.reader[slot], block)


def expected(content: Sequence[Any], shown: frozenset[int], escape: Callable[[str], str]) -> str:
    """What a reader should read: blocks that are not theirs removed, slots filled in."""
    return walk(
        content, lambda slot: escape(VALUES[slot]), lambda positions, inner: inner if shown & {*positions} else ""
    )


def walk(content: Sequence[Any], slot: Callable[[str], str], wrap: Callable[[Sequence[int], str], str]) -> str:
    parts = []
    for head, rest in content:
        if head == "text":
            parts.append(rest)
        elif head == "slot":
            parts.append(slot(rest))
        else:
            parts.append(wrap(head, walk(rest, slot, wrap)))
    return "".join(parts)


@settings(deadline=None)
@given(CONTENT, CONTENT, st.lists(st.sampled_from(["*", "world", "world/asia", "economy", "climate"]), min_size=1))
def test_every_copy_equals_the_template_with_blocks_removed_and_slots_filled(text, page, chosen):
    plate = a_plate(written(text), written(page))
    shown = plate.positions(chosen)

    printed = copy_of(plates.load(plate.dump()), *chosen)

    assert printed == (expected(text, shown, str), expected(page, shown, html.escape))
