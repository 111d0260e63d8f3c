"""The digest as readers see it, in a real browser: five languages, three layouts, by day, by night, without styles."""

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

from publisher.model.article import direction
from publisher.model.theme import Theme
from publisher.render.plate import BUDGET
from tests import editions
from tests.editions import LANGUAGES, LAYOUTS

CHROMIUM = Path("/usr/bin/chromium")
# A mail stands inside a mail program's page, which has the landmarks.
IN_MAIL = {"landmark-one-main", "region"}
SUBSECTIONS = {
    "en": "world/asia",
    "ur": "dunya/asia",
    "ar": "alam/asia",
    "ja": "kokusai/asia",
    "de": "politik/kommunen",
}
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAJmIdwAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==")

# How bright a screenshot is: its mean, and its brightest spot.
BRIGHTNESS = """async picture => {
    const image = new Image()
    image.src = 'data:image/png;base64,' + picture
    await image.decode()
    const canvas = document.createElement('canvas')
    Object.assign(canvas, {width: image.width, height: image.height})
    const pen = canvas.getContext('2d')
    pen.drawImage(image, 0, 0)
    const data = pen.getImageData(0, 0, image.width, image.height).data
    const values = []
    for (let at = 0; at < data.length; at += 4) values.push((data[at] + data[at + 1] + data[at + 2]) / 3)
    const sum = values.reduce((before, one) => before + one, 0)
    return [sum / values.length, values.reduce((most, one) => Math.max(most, one))]
}"""

every_language = pytest.mark.parametrize("language", LANGUAGES)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if not CHROMIUM.is_file():
        pytest.skip("chromium is not installed")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield started
    started.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Page:
    """One window for all, with pictures and no network."""
    page = browser.new_page()
    page.route("**/*", with_pictures)
    return page


def with_pictures(route: Route) -> None:
    if "/pictures/" in route.request.url:
        route.fulfill(body=PIXEL, content_type="image/gif")
    else:
        route.abort()


def show(window: Page, page: str, width: int = 360, scheme: Any = "light") -> Page:
    window.set_viewport_size({"width": width, "height": 800})
    window.emulate_media(color_scheme=scheme)
    window.set_content(page)
    return window


def page_of(language: str, layout: str, *sections: str) -> str:
    return editions.html_of(editions.copy(language, layout, sections=sections or ("*",)))


def offences(window: Page) -> list[tuple[str, list[str]]]:
    """What axe, in the page already, finds serious or critical; only that comes back, for the rest is slow to read."""
    violations = window.evaluate(
        "axe.run({resultTypes: ['violations'], preload: false}).then(found => found.violations)"
    )
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in violations
        if one["impact"] in ("serious", "critical") and one["id"] not in IN_MAIL
    ]


@every_layout
@every_language
def test_a_digest_fits_its_window_and_everybody_can_read_it(window, language, layout):
    show(window, page_of(language, layout)).evaluate(Axe().axe_script)

    found = {}
    for styles in ("light", "dark", "off"):
        window.emulate_media(color_scheme="dark" if styles == "dark" else "light")
        if styles == "off":
            window.evaluate("document.querySelectorAll('style').forEach(style => style.remove())")
        for width in (360, 800):
            window.set_viewport_size({"width": width, "height": 800})
            over = window.evaluate("document.documentElement.scrollWidth") - width
            found[styles, width] = over, offences(window)

    assert found == dict.fromkeys(found, (0, []))


@every_layout
@every_language
def test_no_level_of_heading_is_skipped_in_any_copy(window, language, layout):
    for sections in ((), (SUBSECTIONS[language],)):
        show(window, page_of(language, layout, *sections))

        levels = heading_levels(window)

        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_a_copy_that_was_cut_to_its_size_says_so_and_is_as_good(window):
    page = editions.html_of(editions.copy("en", "full", repeat=5))

    show(window, page, 800).evaluate(Axe().axe_script)

    levels = heading_levels(window)
    assert len(page.encode()) <= BUDGET
    assert window.locator(".cut a").count() == 1
    assert window.locator(".headline").count() == 45
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert offences(window) == []


def test_a_lead_leads_and_is_not_printed_again(window):
    show(window, page_of("en", "digest"))

    headlines = window.eval_on_selector_all(".headline", "all => all.map(one => [one.tagName, one.textContent])")

    assert headlines[0] == ["H2", "A quiet channel through Muscat outlives the men who opened it"]
    assert len({text for _, text in headlines}) == len(headlines) == 9


@every_layout
def test_a_digest_is_dark_where_the_reader_wants_it_dark(window, layout):
    show(window, page_of("en", layout), scheme="dark")

    for place in ("body", ".sheet"):
        look = f"getComputedStyle(document.querySelector('{place}'))"
        background, color = window.evaluate(f"[{look}.backgroundColor, {look}.color]")
        assert brightness(background) < 60 < 180 < brightness(color)


@pytest.mark.parametrize("hook", ["data-ogsc", "data-ogsb"])
def test_outlook_on_the_web_is_dark_by_its_own_hooks(window, hook):
    show(window, page_of("en", "digest"))

    window.evaluate(f"document.documentElement.setAttribute('{hook}', '')")

    color, background = window.evaluate(
        "[getComputedStyle(document.querySelector('.headline a')).color,"
        " getComputedStyle(document.querySelector('.sheet')).backgroundColor]"
    )
    assert (brightness(color) > 180) == (hook == "data-ogsc")
    assert (brightness(background) < 60) == (hook == "data-ogsb")


def test_a_digest_can_be_read_where_a_program_turns_its_colours_around(playwright):
    dark = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--blink-settings=forceDarkModeEnabled=true"]
    )
    try:
        page = show(dark.new_page(), page_of("en", "brief"))
        picture = base64.b64encode(page.screenshot()).decode()
        mean, brightest = page.evaluate(BRIGHTNESS, picture)
    finally:
        dark.close()

    assert mean < 70 < 200 < brightest


@every_layout
@every_language
def test_text_starts_where_its_language_starts(window, language, layout):
    """Headlines of the edition's language and of the other, in stories and in the contents, and section headings."""
    show(window, page_of(language, layout), 800)

    starts = window.eval_on_selector_all(
        ".headline, .section, .list a, .teaser",
        """all => all.map(one => {
            const range = document.createRange()
            range.selectNodeContents(one)
            const box = one.getBoundingClientRect(), text = range.getBoundingClientRect()
            const direction = getComputedStyle(one).direction
            return [direction, direction == 'rtl' ? box.right - text.right : text.left - box.left]
        })""",
    )

    assert [gap for _, gap in starts if gap > 2] == []
    assert {way for way, _ in starts} == {"ltr", "rtl"}
    assert starts[0][0] == direction(language)


@every_language
def test_links_in_rows_are_easy_to_touch(window, language):
    show(window, page_of(language, "digest"))

    heights = window.eval_on_selector_all(
        ".links a, .list a, .byline a, .related a, .small a",
        "all => all.map(one => one.getBoundingClientRect().height)",
    )

    assert len(heights) > 15
    assert min(heights) >= 24


def test_pictures_have_a_width_in_numbers_and_leave_room_for_their_text(window):
    page = page_of("en", "digest").replace("/pictures/", "/missing/")

    show(window, page)

    pictures = window.eval_on_selector_all(
        ".picture",
        """all => all.map(one => {
            const look = getComputedStyle(one)
            return [one.getAttribute('width'), look.color, getComputedStyle(one.parentElement).textDecorationLine]
        })""",
    )
    assert pictures == [["592", "rgb(28, 27, 25)", "none"]] * 2
    assert window.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_logo_takes_the_place_of_the_name_by_day_and_by_night(window):
    logo = f"{editions.PICTURES}/logo.png"
    theme = Theme(logo=logo, logo_dark=f"{editions.PICTURES}/dark.png", logo_width=320, logo_height=60)
    page = editions.html_of(editions.copy("en", theme=theme))

    for scheme, shown in (("light", ["logo.png"]), ("dark", ["dark.png"])):
        show(window, page, scheme=scheme)

        images = window.eval_on_selector_all(
            ".logo",
            """all => all.filter(one => one.offsetWidth)
                .map(one => [one.src.split('/').pop(), one.alt, one.offsetWidth])""",
        )

        assert images == [[*shown, "The Meridian Journal", 320]]


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_long_edition_has_its_contents_under_the_names_of_sections(window, language):
    page = editions.html_of(editions.copy(language, repeat=5))

    show(window, page, 800)

    groups = window.eval_on_selector_all(".group", "all => all.map(one => one.textContent)")
    tops = [section.title for section in editions.an_edition(language).publication.sections if section.level == 1]
    assert groups == tops
    assert window.locator(".list a").count() == 45
    assert window.evaluate("document.documentElement.scrollWidth") <= 800


def heading_levels(window: Page) -> list[int]:
    levels: list[int] = window.eval_on_selector_all(
        "h1, h2, h3, h4, h5, h6", "all => all.map(one => Number(one.tagName[1]))"
    )
    return levels


def brightness(color: str) -> float:
    """The mean of `rgb(r, g, b)`."""
    return sum(map(int, re.findall(r"\d+", color)[:3])) / 3
