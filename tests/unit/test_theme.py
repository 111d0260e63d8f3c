"""Colours: the contrast that WCAG measures, and the nearest colour that can be read."""

from colorsys import rgb_to_hls
from dataclasses import astuple

import pytest

from publisher.model.theme import DAY, NIGHT, READABLE, Palette, contrast, nearest_readable


def hue(color: str) -> float:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return rgb_to_hls(red, green, blue)[0]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#777777", "#ffffff", 4.478),  # the grey that famously just fails, and the next one that passes
        ("#767676", "#ffffff", 4.542),
        ("#ff0000", "#ffffff", 3.998),
        ("#0000ff", "#ffffff", 8.592),
        ("#00ff00", "#000000", 15.304),
        ("#8a2b1d", "#8a2b1d", 1),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize("palette", [DAY, NIGHT])
def test_our_own_texts_can_be_read_on_both_grounds(palette: Palette):
    for text in (palette.ink, palette.soft, palette.accent):
        assert contrast(text, palette.sheet) >= READABLE
        assert contrast(text, palette.paper) >= READABLE


@pytest.mark.parametrize("palette", [DAY, NIGHT])
def test_our_own_colours_are_written_in_full(palette: Palette):
    assert all(len(color) == 7 and color == color.lower() for color in astuple(palette))


@pytest.mark.parametrize(
    ("color", "grounds"),
    [
        ("#ff8888", ("#ffffff", "#f3f0e9")),
        ("#8a2b1d", ("#14130f", "#222222")),
        ("#33cc66", ("#ffffff",)),
        ("#0000ff", ("#000000",)),
    ],
)
def test_the_nearest_colour_keeps_its_hue_and_can_just_be_read(color, grounds):
    found = nearest_readable(color, *grounds)

    assert found is not None
    assert READABLE <= min(contrast(found, ground) for ground in grounds) < READABLE + 0.15
    assert hue(found) == pytest.approx(hue(color), abs=0.02)


def test_a_colour_that_can_be_read_is_its_own_nearest():
    assert nearest_readable("#8a2b1d", DAY.sheet, DAY.paper) == "#8a2b1d"


def test_no_colour_can_be_read_on_two_grounds_too_far_apart():
    assert nearest_readable("#8a2b1d", "#000000", "#8b8b8b") is None
