"""The printer: what a choice of sections makes of a plate, within its budget and without a byte twice in memory."""

import re
from collections.abc import Collection, Sequence
from email import message_from_bytes
from email.policy import default
from itertools import chain, combinations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from publisher.render import seal
from publisher.render.plate import Placed, Plate, compile_plate
from publisher.render.printer import Cut, Printer, Skeleton
from publisher.render.seal import Seal
from tests.builders import NOW, a_newsletter

SEAL = Seal("0123456789abcdef01234567")
MARK = re.compile(r"\[(\w+)\]")
UNBOUNDED = 10**9
PATHS = ("world", "world/asia", "economy", "climate")

# Article 7 stands under two sections; economy is its first, asia its second.
PLACED = (
    Placed(1, "world", 0),
    Placed(7, "world/asia", 1),
    Placed(7, "economy", 0),
    Placed(9, "climate", 0),
)


def block(conditions: Sequence[str], content: str) -> str:
    return f"{SEAL.open(conditions)}{content}{SEAL.close()}\n"


def a_page(placed: Sequence[Placed], whole: Sequence[int], short: Sequence[int], line: str = "é") -> str:
    """What the shipped templates do, in words that a test can count: `whole` and `short` are lengths of teasers."""
    parts = [block(["p"], "<p>[links]</p>"), block(["c"], "<p>[cut]</p>")]
    everywhere = range(len(placed))
    parts += [block(seal.leads(at), f"<p>[pre{at}] {line * short[at]}</p>") for at in everywhere]
    for at in everywhere:
        parts.append(block(seal.shown([at]), block(seal.at_depth(at, 0, 1, 2), f"<li>[line{at}]</li>")))
    for at in everywhere:
        parts.append(block(seal.leads(at), _story(at, "lead", whole[at] + 40, short[at], line)))
    for section in dict.fromkeys(one.section for one in placed):
        own = [at for at, one in enumerate(placed) if one.section == section]
        parts.append(block(seal.follows(own), f"<h2>[heading{PATHS.index(section)}]</h2>"))
        parts += [block(seal.follows([at]), _story(at, "story", whole[at], short[at], line)) for at in own]
    return "<div>\n" + "".join(parts) + "</div>\n"


def _story(at: int, name: str, whole: int, short: int, line: str) -> str:
    return block(
        seal.at_depth(at, 0, 1, 2),
        f"<h3>[{name}{at}]</h3>\n"
        + block(seal.at_depth(at, 0), f"<p>[at{at}d0] {line * whole}</p>")
        + block(seal.at_depth(at, 1), f"<p>[at{at}d1] {line * short}</p>")
        + block(seal.at_depth(at, 2), f"<p>[at{at}d2]</p>"),
    )


def a_plate(page: str, placed: Sequence[Placed] = PLACED, budget: int = UNBOUNDED, text: str | None = None) -> Plate:
    stories = [block(seal.shown([at]), f"[text{at}]") for at in range(len(placed))]
    return compile_plate(
        seal=SEAL,
        newsletter=a_newsletter(),
        boundary="=_boundary",
        head=b"Precedence: bulk\r\n",
        subjects={one.article_id: f"Story {one.article_id}" for one in placed},
        text="".join(stories) if text is None else text,
        page=page,
        placed=placed,
        now=NOW,
        budget=budget,
    )


def parts_of(printer: Printer, skeleton: Skeleton) -> tuple[str, bytes]:
    """The text and the HTML of a copy as another program decodes them."""
    message = message_from_bytes(printer.plate.head + b"".join(printer.fill(skeleton, {})), policy=default)
    text, page = (bytes(part.get_payload(decode=True)) for part in message.iter_parts())
    return text.decode(), page


def choices(sections: Sequence[str] = PATHS) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(sections, count) for count in range(1, len(sections) + 1)))


class TestPositions:
    @pytest.mark.parametrize(
        ("chosen", "seen"),
        [
            (["*"], [0, 2, 3]),
            (["world"], [0, 1]),
            (["world/asia"], [1]),
            (["economy"], [2]),
            (["world", "economy"], [0, 2]),
            (["world/asia", "climate"], [1, 3]),
            (["world", "world/asia", "world"], [0, 1]),
            (["worl"], []),
            (["world/asia/japan"], []),
            (["sport"], []),
            ([], []),
        ],
    )
    def test_a_reader_sees_each_article_once_under_the_first_of_its_sections_they_have(self, chosen, seen):
        assert Printer(a_plate("")).positions(chosen) == seen

    @pytest.mark.parametrize(
        ("masked", "seen"), [([7], [0, 3]), ([1, 9], [2]), ([1, 7, 9], []), ([404], [0, 2, 3]), ([], [0, 2, 3])]
    )
    def test_what_a_reader_has_already_read_is_left_out_wherever_it_stands(self, masked, seen):
        assert Printer(a_plate("")).positions(["*"], masked) == seen

    @pytest.mark.parametrize(
        ("chosen", "masked"), [((), ()), (("sport",), ()), (("world",), (1, 7)), (("*",), (1, 7, 9))]
    )
    def test_a_reader_with_nothing_new_has_no_copy(self, chosen, masked):
        assert Printer(a_plate("")).skeleton(chosen, masked) is None

    def test_the_first_of_the_copys_stories_leads(self):
        printer = Printer(a_plate(""))

        leads = [
            printer.skeleton(chosen, masked).lead for chosen, masked in (("*", ()), ("*", (1,)), (("climate",), ()))
        ]

        assert leads == [1, 7, 9]


class TestCopies:
    PAGE = a_page(PLACED, [50] * 4, [9] * 4)

    @pytest.mark.parametrize(
        ("chosen", "words"),
        [
            ("*", "links pre0 line0 line2 line3 lead0 at0d0 heading2 story2 at2d0 heading3 story3 at3d0"),
            ("world", "links pre0 line0 line1 lead0 at0d0 heading1 story1 at1d0"),
            ("climate", "links pre3 line3 lead3 at3d0"),
            ("world/asia climate", "links pre1 line1 line3 lead1 at1d0 heading3 story3 at3d0"),
        ],
    )
    def test_the_lead_stands_first_and_once_and_no_heading_over_nothing(self, chosen, words):
        printer = Printer(a_plate(self.PAGE))

        _, page = parts_of(printer, printer.skeleton(chosen.split()))

        assert MARK.findall(page.decode()) == words.split()

    def test_a_masked_lead_hands_over_to_the_next_story(self):
        printer = Printer(a_plate(self.PAGE))

        text, page = parts_of(printer, printer.skeleton(["*"], [1]))

        assert MARK.findall(page.decode()) == [
            "links",
            "pre2",
            "line2",
            "line3",
            "lead2",
            "at2d0",
            "heading3",
            "story3",
            "at3d0",
        ]
        assert MARK.findall(text) == ["text2", "text3"]

    def test_a_copy_for_the_web_is_the_same_without_what_is_personal(self):
        printer = Printer(a_plate(self.PAGE))

        personal, public = (parts_of(printer, printer.skeleton(["*"], (), p))[1].decode() for p in (True, False))

        assert MARK.findall(public) == MARK.findall(personal)[1:]


class TestMemory:
    def test_two_readers_of_one_choice_share_one_skeleton(self):
        printer = Printer(a_plate(TestCopies.PAGE))

        one, other = printer.skeleton(["world", "economy"], [9]), printer.skeleton(("economy", "world"), (9,))

        assert one is other

    @pytest.mark.parametrize("budget", [UNBOUNDED, 2_000])
    def test_all_copies_together_hold_the_plates_bytes_and_no_joined_ones(self, budget):
        plate = a_plate(a_page(PLACED, [300] * 4, [40] * 4), budget=budget)
        printer = Printer(plate)

        made = [printer.skeleton(chosen) for chosen in choices()]

        kept = {id(piece): piece for skeleton in made if skeleton for piece in skeleton.pieces}
        assert sum(map(len, kept.values())) <= sum(len(p.text) for p in plate.pieces if isinstance(p.text, bytes))

    def test_one_readers_values_do_not_stay_for_the_next(self):
        printer = Printer(a_plate(f"<p>{SEAL.reader['name']}</p>"))
        skeleton = printer.skeleton(["*"])

        first, second, third = (b"".join(printer.fill(skeleton, {"name": name})) for name in ("Ada", "Bob", "Ada"))

        assert first == third
        assert b"Ada" in first
        assert b"Ada" not in second


# Budgets

LENGTHS = st.lists(st.integers(0, 900), min_size=4, max_size=4)
SHORT = st.lists(st.integers(0, 60), min_size=4, max_size=4)
CHOICE = st.sets(st.sampled_from(PATHS), min_size=1)
LINES = st.sampled_from(["x", "é", "漢", "<b>&amp;</b>\n", " ", ".", "\n"])


def depths_in(page: str, positions: Sequence[int]) -> list[int]:
    """How deep each story of a copy was printed, the lead's first."""
    found = {int(at): int(depth) for at, depth in re.findall(r"\[at(\d)d(\d)\]", page)}
    return [found.get(position, 3) for position in positions]


@settings(deadline=None, max_examples=300)
@given(LENGTHS, SHORT, LINES, st.integers(200, 6_000), CHOICE, st.sets(st.sampled_from([1, 7, 9]), max_size=2))
@example([900] * 4, [60] * 4, "漢", 1_500, {"world", "economy", "climate"}, set())
@example([0] * 4, [60] * 4, "x", 1_100, {"world", "economy", "climate"}, set())
def test_a_copy_fits_its_budget_and_is_cut_from_the_end_a_little_before_a_lot(
    whole, short, line, budget, chosen, masked
):
    page = a_page(PLACED, whole, short, line)
    uncut, printer = Printer(a_plate(page)), Printer(a_plate(page, budget=budget))
    positions = printer.positions(chosen, masked)
    assume(positions)

    skeleton = printer.skeleton(chosen, masked)

    text, printed = parts_of(printer, skeleton)
    longest = parts_of(uncut, uncut.skeleton(chosen, masked))[1]
    depths = depths_in(printed.decode(), positions)
    assert len(printed) <= budget or depths == [3] * len(depths)
    assert depths == sorted(depths)
    assert depths[-1] - depths[0] <= 1
    assert skeleton.cut == Cut(depths.count(1), depths.count(2), depths.count(3))
    assert bool(skeleton.cut) is (b"[cut]" in printed)
    assert MARK.findall(text) == [f"text{position}" for position in positions]
    if len(longest) <= budget:
        assert printed == longest


@settings(deadline=None, max_examples=200)
@given(LENGTHS, SHORT, LINES, st.integers(3_000, 14_000))
@example([0] * 4, [0] * 4, "x", 700)
def test_an_edition_that_is_said_to_fit_fits_for_every_choice(whole, short, line, budget):
    """The bound spares the printer the question; it may be too careful, never too careless."""
    printer = Printer(a_plate(a_page(PLACED, whole, short, line), budget=budget))
    assume(printer.fits)

    for chosen in choices():
        skeleton = printer.skeleton(chosen)
        assert not skeleton.cut
        assert len(parts_of(printer, skeleton)[1]) == printer.size(chosen) <= budget


@settings(deadline=None, max_examples=100)
@given(LENGTHS, SHORT, LINES, CHOICE)
def test_a_copy_is_the_same_whether_the_edition_fits_or_only_the_copy(whole, short, line, chosen):
    page = a_page(PLACED, whole, short, line)
    uncut = Printer(a_plate(page))
    size = uncut.size(chosen)

    exact = Printer(a_plate(page, budget=size))

    assert parts_of(exact, exact.skeleton(chosen)) == parts_of(uncut, uncut.skeleton(chosen))
    assert not exact.skeleton(chosen).cut


def test_a_story_is_as_large_as_at_the_largest_of_its_places():
    placed = [Placed(article, section, rank) for section, rank in (("world", 1), ("economy", 0)) for article in (7, 9)]
    page = a_page(placed, [900, 900, 0, 0], [0] * 4)
    size = Printer(a_plate(page, placed)).size(["world"])

    assert not Printer(a_plate(page, placed, budget=size - 1)).fits


class TestCuts:
    def test_one_byte_too_many_cuts_the_last_story_first(self):
        page = a_page(PLACED, [400] * 4, [20] * 4)
        size = Printer(a_plate(page)).size(["*"])

        printer = Printer(a_plate(page, budget=size - 1))

        printed = parts_of(printer, printer.skeleton(["*"]))[1].decode()
        assert depths_in(printed, [0, 2, 3]) == [0, 0, 1]
        assert "[cut]" in printed

    def test_a_heading_whose_stories_are_all_left_to_the_web_stands_over_nothing_no_more(self):
        placed = [Placed(number, PATHS[number // 10], 0) for number in range(40)]
        page = a_page(placed, [400] * 40, [60] * 40)
        smallest = Printer(a_plate(page, placed, budget=1)).size(["*"])

        printer = Printer(a_plate(page, placed, budget=smallest + 700))

        words = MARK.findall(parts_of(printer, printer.skeleton(["*"]))[1].decode())
        headings = [word for word in words if word.startswith("heading")]
        followed = {f"heading{int(word[5:]) // 10}" for word in words if word.startswith("story")}
        assert 0 < len(headings) < 4
        assert set(headings) == followed

    def test_a_budget_that_nothing_can_meet_still_prints_what_the_edition_is(self):
        printer = Printer(a_plate(a_page(PLACED, [400] * 4, [20] * 4), budget=1))

        skeleton = printer.skeleton(["*"])

        text, page = parts_of(printer, skeleton)
        assert skeleton.cut == Cut(0, 0, 3)
        assert MARK.findall(page.decode()) == ["links", "cut", "pre0"]
        assert MARK.findall(text) == ["text0", "text2", "text3"]

    def test_the_longest_values_are_counted(self):
        """A copy must fit whoever gets it."""
        page = a_page(PLACED, [400] * 4, [20] * 4) + f'<a href="{SEAL.reader["web_url"]}">{SEAL.reader["address"]}</a>'
        printer = Printer(a_plate(page))
        skeleton = printer.skeleton(["*"])

        longest = {"web_url": "https://journal.example/" + "x" * 270, "address": "a" * 64 + "@" + "b" * 189}
        message = message_from_bytes(printer.plate.head + b"".join(printer.fill(skeleton, longest)), policy=default)

        html = next(part for part in message.walk() if part.get_content_type() == "text/html").get_payload(decode=True)
        assert len(html) <= printer.size(["*"])


def test_the_order_of_sections_and_masks_changes_no_byte():
    printer = Printer(a_plate(TestCopies.PAGE))

    made: list[Collection[bytes]] = [
        printer.fill(printer.skeleton(chosen, masked), {})
        for chosen in (["economy", "world"], ["world", "economy"])
        for masked in ([9, 1], (1, 9), {1, 9})
    ]

    assert all(one == made[0] for one in made)
