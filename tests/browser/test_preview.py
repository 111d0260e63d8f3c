"""The preview page in a real browser: what an editor turns on it, and a template that is edited beside it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from publisher.render.environment import shipped
from tests.stories.newsroom import NewsroomOnDisk

CHROMIUM = Path("/usr/bin/chromium")
SHOWN = {"iframes": False}  # axe looks at the tool; the mail in its frame has a test of its own
_PATIENCE = 20_000  # milliseconds; the page asks once a second
# One pixel, dark blue.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c6360a80100010300810fb4b9ef0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> NewsroomOnDisk:
    """A draft of two stories, one with a picture of the newsroom's own, and the preview's readers."""
    made = NewsroomOnDisk(tmp_path_factory.mktemp("preview")).write()
    (made.path / "static").mkdir()
    (made.path / "static/port.png").write_bytes(PICTURE)
    made.article("world/port.md", "The port", image="port.png", image_alt="The port at dawn")
    made.article("economy/budget.md", "The budget").readers("ada@example.org,Ada,economy")
    made.run("gather")
    made.run("editions", "build", "briefing")
    return made


@pytest.fixture(scope="module")
def url(newsroom: NewsroomOnDisk) -> Iterator[str]:
    process = newsroom.start("editions", "preview", "1", "--no-open")
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = re.search(r"http://\S+/", line)
        assert found, line
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def window(browser: Browser, url: str) -> Iterator[Page]:
    """The page, with no network but this machine, in a system that prefers the day."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith(url) else route.abort())
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


@pytest.fixture
def templates(newsroom: NewsroomOnDisk) -> Iterator[Path]:
    """The newsroom's own copies of the mail's templates, for one test."""
    own = newsroom.path / "templates"
    shutil.copytree(shipped() / "templates/email", own / "email")
    yield own / "email"
    shutil.rmtree(own)


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def pick(page: Page, label: str) -> None:
    page.get_by_label(label, exact=True).check(force=True)


def colours(page: Page) -> tuple[float, float]:
    """How bright the mail's sheet and its text are."""
    shown = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color]"
    sheet, ink = (re.findall(r"\d+", one)[:3] for one in frame(page).locator(".sheet").evaluate(shown))
    return sum(map(int, sheet)) / 3, sum(map(int, ink)) / 3


def test_it_is_as_wide_as_the_editor_says(window):
    for label, width in (("360, a phone", 360), ("640", 640), ("800", 800)):
        pick(window, label)

        expect(window.locator("#stage")).to_have_class(f"stage w{width}")
        assert window.locator("iframe").evaluate("frame => frame.clientWidth") == width
    assert "width=800" in window.url


def test_it_is_dark_where_the_reader_wants_it_dark_whatever_this_machine_prefers(window):
    day = colours(window)

    pick(window, "Dark")
    expect(window.locator("iframe")).to_have_attribute("src", re.compile("scheme=dark"))
    frame(window).locator("base").wait_for(state="attached")
    night = colours(window)

    assert day[0] > 180 > 60 > day[1]
    assert night[1] > 180 > 60 > night[0]


def test_forced_dark_turns_the_sheet_and_leaves_the_pictures(window):
    pick(window, "Forced dark")
    expect(window.locator("iframe")).to_have_attribute("src", re.compile("scheme=forced"))

    turned = "element => getComputedStyle(element).filter"

    assert frame(window).locator("html").evaluate(turned) == "invert(1) hue-rotate(180deg)"
    assert frame(window).locator("img").first.evaluate(turned) == "invert(1) hue-rotate(180deg)"
    expect(window.get_by_text("an approximation")).to_be_visible()


def test_our_own_pictures_are_there_before_the_site_is_and_go_when_they_are_blocked(window):
    picture = frame(window).get_by_alt_text("The port at dawn").first
    picture.scroll_into_view_if_needed()
    loaded = picture.evaluate("image => image.decode().then(() => image.naturalWidth)")

    pick(window, "Blocked")
    expect(window.locator("iframe")).to_have_attribute("src", re.compile("pictures=off"))

    assert loaded == 1
    assert frame(window).get_by_alt_text("The port at dawn").first.evaluate("image => image.src") == ""


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("Text part", "Unsubscribe:"),
        ("Headers", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        ("HTML source", "<!DOCTYPE html"),
        ("Web page", "The budget"),
    ],
)
def test_every_part_can_be_looked_at(window, label, says):
    pick(window, label)

    expect(frame(window).locator("body")).to_contain_text(says)


def test_a_reader_is_chosen_by_sections_or_by_address(window):
    pick(window, "A choice of sections")
    window.get_by_label("Economy").check()
    expect(window.locator(".subject")).to_contain_text("The budget")
    expect(frame(window).locator("body")).not_to_contain_text("The port")

    pick(window, "A subscriber")
    window.get_by_label("Their address").fill("eve@example.org")
    window.keyboard.press("Enter")
    expect(window.get_by_role("alert")).to_contain_text("eve@example.org does not read briefing")

    window.get_by_label("Their address").fill("ada@example.org")
    window.keyboard.press("Enter")
    expect(frame(window).locator("body")).to_contain_text("ada@example.org")


def test_it_follows_a_template_while_it_is_edited_broken_and_mended(window, templates):
    parts, before = templates / "digest.html.j2", "{{ parts.teaser(story) }}"
    good = parts.read_text("utf-8")
    assert before in good

    parts.write_text(good.replace(before, f'<p class="ours">Our own line</p>{before}', 1), "utf-8")
    expect(frame(window).locator(".ours")).to_have_text("Our own line", timeout=_PATIENCE)

    parts.write_text(good.replace(before, "{{ story.unknown }}", 1), "utf-8")
    line = good[: good.index(before)].count("\n") + 1
    alert = window.get_by_role("alert")
    expect(alert).to_contain_text(f"templates/email/digest.html.j2:{line}", timeout=_PATIENCE)
    expect(alert.locator(".here")).to_contain_text("{{ story.unknown }}")
    expect(alert).to_contain_text("has no attribute 'unknown'")
    assert serious(window) == []

    parts.write_text(good.replace(before, f'<p class="ours">Mended</p>{before}', 1), "utf-8")
    expect(frame(window).locator(".ours")).to_have_text("Mended", timeout=_PATIENCE)
    expect(alert).to_have_count(0)


def test_a_script_in_a_template_does_not_run(window, templates):
    digest = templates / "base.html.j2"
    script = '<p id="told">no</p><script>document.getElementById("told").textContent = "yes"</script>'

    digest.write_text(digest.read_text("utf-8").replace("{{ parts.footer() }}", f"{{{{ parts.footer() }}}}{script}"))

    expect(frame(window).locator("#told")).to_have_text("no", timeout=_PATIENCE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 1400])
def test_everybody_can_read_the_page(window, scheme, width):
    window.emulate_media(color_scheme=scheme)
    window.set_viewport_size({"width": width, "height": 900})
    window.get_by_text("checks pass").click()
    pick(window, "A choice of sections")

    assert window.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(window) == []


def test_it_says_when_the_preview_has_ended(newsroom, browser):
    process = newsroom.start("editions", "preview", "1", "--no-open")
    assert process.stdout
    found = re.search(r"http://\S+/", process.stdout.readline())
    assert found
    page = browser.new_page()
    page.goto(found[0])

    process.terminate()
    process.communicate(timeout=20)

    expect(page.get_by_role("status")).to_have_text("The preview has ended", timeout=_PATIENCE)
    page.close()


def serious(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page, options=SHOWN).response["violations"]
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
