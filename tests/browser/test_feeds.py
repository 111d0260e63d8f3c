"""A feed opened in a real browser, and the list of all feeds: readable, explained, easy to copy from."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from lxml import etree
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from publisher.model.theme import READABLE, contrast
from tests.browser import sites

CHROMIUM = Path("/usr/bin/chromium")
ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = [f"{language}/feeds/{name}" for language in ("en", "ur") for name in sites.FEEDS]
LISTS = ["en/feeds/", "ur/feeds/"]
# Every element that shows a text of its own or one of the stylesheet: [name, text, ink, ground, left, top, right].
SHOWN = """() => {
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
  };
  const found = [];
  for (const element of document.querySelectorAll("*")) {
    const own = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join("").trim();
    if (own && element.getClientRects().length) {
      const box = element.getBoundingClientRect();
      const color = getComputedStyle(element).color;
      found.push([element.localName, own, color, ground(element), box.left, box.top, box.right]);
    }
    for (const part of ["::before", "::after"]) {
      const style = getComputedStyle(element, part);
      if (element.getClientRects().length && !["none", "normal", '""'].includes(style.content)) {
        const own = style.backgroundColor;
        found.push([part, style.content, style.color, own !== "rgba(0, 0, 0, 0)" ? own : ground(element), 0, 0, 0]);
      }
    }
  }
  return found;
}"""
# How far the first letter of an element is from its left and its right edge.
MARGINS = """element => {
  const range = document.createRange();
  range.setStart(element.firstChild, 0);
  range.setEnd(element.firstChild, 1);
  const letter = range.getBoundingClientRect(), box = element.getBoundingClientRect();
  return [letter.left - box.left, box.right - letter.right];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sites.hosted(tmp_path_factory.mktemp("host")) as address:
        yield address


@pytest.fixture(scope="module")
def context(browser: Browser, host: str) -> Iterator[BrowserContext]:
    """Windows that see nothing but the host, and may use the clipboard."""
    made = browser.new_context(viewport={"width": 1200, "height": 900}, color_scheme="light")
    made.grant_permissions(["clipboard-read", "clipboard-write"], origin=host)
    made.route("**/*", lambda route: route.continue_() if route.request.url.startswith(host) else route.abort())
    yield made
    made.close()


@pytest.fixture
def window(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def visit(window: Page, address: str, width: int = 1200, scheme: Any = "light") -> Page:
    window.set_viewport_size({"width": width, "height": 900})
    window.emulate_media(color_scheme=scheme)
    window.goto(address)
    return window


def shown(window: Page) -> list[list[Any]]:
    found: list[list[Any]] = window.evaluate(SHOWN)
    return found


def hexadecimal(color: str) -> str:
    channels = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", color)
    assert channels, color
    return "#" + "".join(f"{int(channel):02x}" for channel in channels.groups())


class TestAFeed:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [360, 1200])
    @pytest.mark.parametrize("name", FEEDS)
    def test_it_fits_its_window_and_can_be_read(self, window, host, name, width, scheme):
        visit(window, f"{host}/{name}", width, scheme)

        texts = shown(window)

        assert window.evaluate("document.documentElement.scrollWidth") <= width
        assert len(texts) > 12
        assert [
            one[:4] for one in texts if one[2] and contrast(hexadecimal(one[2]), hexadecimal(one[3])) < READABLE
        ] == []

    @pytest.mark.parametrize("name", FEEDS)
    def test_a_static_hosts_media_type_is_good_enough(self, window, host, name):
        answer = window.goto(f"{host}/{name}")

        assert answer.headers["content-type"] == "application/xml"
        assert window.locator("channel, feed").evaluate("element => getComputedStyle(element).display") == "grid"

    @pytest.mark.parametrize("language", ["en", "ur"])
    def test_the_browser_knows_every_rule_of_the_stylesheet(self, window, host, language):
        """It drops a rule with a selector that it does not know."""
        visit(window, f"{host}/{language}/feeds/rss.xml")
        css = window.request.get(f"{host}/{language}/feeds/feed.css").text()
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/', "", css)

        written = len(re.findall(r"@namespace|\{", bare))
        known = window.evaluate(
            "[...document.styleSheets[0].cssRules].flatMap(one => [one, ...(one.media ? one.cssRules : [])]).length"
        )

        assert known == written > 40

    @pytest.mark.parametrize(("name", "width"), [(name, width) for name in FEEDS for width in (360, 1200)])
    def test_no_text_leaves_its_window(self, window, host, name, width):
        visit(window, f"{host}/{name}", width)

        assert [one for one in shown(window) if one[6] > width or one[4] < 0] == []

    @pytest.mark.parametrize("name", FEEDS)
    def test_it_is_dark_where_the_reader_wants_it_dark(self, window, host, name):
        visit(window, f"{host}/{name}", scheme="dark")

        style = "getComputedStyle(document.documentElement)"
        ground, ink = window.evaluate(f"[{style}.backgroundColor, {style}.color]")

        assert contrast(hexadecimal(ground), "#000000") < 1.5
        assert contrast(hexadecimal(ink), "#ffffff") < 1.5

    @pytest.mark.parametrize(
        ("name", "elements"),
        [
            ("rss.xml", {"title", "description", "link", "creator", "pubDate"}),
            ("atom.xml", {"title", "subtitle", "summary", "name", "published"}),
            ("archive-1.xml", {"title", "subtitle", "summary", "name", "published"}),
        ],
    )
    def test_nothing_is_shown_that_is_noise_to_people(self, window, host, name, elements):
        visit(window, f"{host}/en/feeds/{name}")

        texts = [one for one in shown(window) if not one[0].startswith("::")]

        assert {one[0] for one in texts} == elements
        said = " ".join(one[1] for one in texts)
        for noise in ("tag:journal.example", "a tag nobody reads", "<p>", "A Photographer", "Cranes at dawn"):
            assert noise not in said
        assert [one[1] for one in texts].count("The Meridian Journal") == 1

    @pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
    def test_a_story_is_headline_summary_and_who_and_when(self, window, host, name):
        visit(window, f"{host}/en/feeds/{name}")

        texts = [one for one in shown(window) if not one[0].startswith("::")]

        top = {one[1]: one[5] for one in reversed(texts)}
        story = sites.english()[0]
        assert (
            top["The Meridian Journal"]
            < top["News and policy from the Indian Ocean to the Arctic"]
            < top[story.title]
            < top[story.teaser]
            < top["Omar Siddiqui"]
        )
        assert abs(top["Leila Haddad"] - top["Omar Siddiqui"]) < 2

    @pytest.mark.parametrize(("name", "day"), [("rss.xml", "Fri, 20 Nov 2026"), ("atom.xml", "2026-11-20")])
    def test_of_a_date_just_the_day_is_seen(self, window, host, name, day):
        visit(window, f"{host}/en/feeds/{name}")

        first = window.locator("pubDate, published").first

        assert (first.text_content() or "").startswith(day)
        seen = first.evaluate(
            "(element, count) => { const range = document.createRange(); range.setStart(element.firstChild, 0);"
            "range.setEnd(element.firstChild, count); return range.getBoundingClientRect().width }",
            len(day),
        )
        assert abs(seen - first.evaluate("element => element.clientWidth")) < 1

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("en/feeds/rss.xml", "copy the address of this page"),
            ("en/feeds/atom.xml", "copy the address of this page"),
            ("en/feeds/archive-1.xml", "older part of a feed"),
            ("en/feeds/empty.xml", "Nothing has been printed yet."),
            ("ur/feeds/rss.xml", "یہ ایک فیڈ ہے"),
            ("ur/feeds/archive-1.xml", "یہ فیڈ کا ایک پرانا حصہ ہے"),
        ],
    )
    def test_it_explains_itself(self, window, host, name, words):
        visit(window, f"{host}/{name}")

        assert words in " ".join(one[1] for one in shown(window) if one[0].startswith("::"))

    def test_an_archive_page_says_where_the_feed_itself_is(self, window, host):
        visit(window, f"{host}/en/feeds/archive-1.xml")

        assert f'"{host}/en/feeds/atom.xml"' in [one[1] for one in shown(window)]

    @pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
    @pytest.mark.parametrize("language", ["en", "ur"])
    def test_an_urdu_headline_starts_at_the_right(self, window, host, name, language):
        visit(window, f"{host}/{language}/feeds/{name}", 360)

        before, after = self.title(window, sites.URDU).evaluate(MARGINS)

        assert after < 12  # Nastaliq leans out of its box
        assert before > 200

    @pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
    def test_an_urdu_feed_is_laid_out_from_the_right(self, window, host, name):
        visit(window, f"{host}/ur/feeds/{name}")

        second, third = (self.title(window, story.headline).bounding_box() for story in sites.in_urdu()[1:3])

        assert second
        assert third
        assert second["x"] > third["x"]
        assert abs(second["y"] - third["y"]) < 2

    def test_a_click_takes_the_whole_address_of_a_story(self, window, host):
        visit(window, f"{host}/en/feeds/rss.xml", 360)
        link = window.locator("item > link").first

        link.click()

        assert window.evaluate("getSelection().toString()") == link.text_content()

    def test_atom_says_the_address_of_a_story(self, window, host):
        visit(window, f"{host}/en/feeds/atom.xml")
        link = window.locator("entry > link").first

        said = link.evaluate("element => getComputedStyle(element, '::before').content")

        assert said == f'"{link.get_attribute("href")}"'
        assert link.is_visible()

    def test_a_link_of_html_within_a_story_takes_the_whole_story(self, window, host):
        """RFC 4287 §4.2.7 lets an atom:link hold what it likes."""
        address = f"{host}/en/feeds/atom.xml"
        document = etree.fromstring(window.request.get(address).body())
        for link in document.iterfind(f"{ATOM}entry/{ATOM}link"):
            etree.SubElement(link, "{http://www.w3.org/1999/xhtml}a", href=link.get("href"))
        body = etree.tostring(document.getroottree(), encoding="UTF-8", xml_declaration=True)
        window.route(address, lambda route: route.fulfill(body=body, content_type="application/xml"))
        visit(window, address, 360)
        story = document.find(f"{ATOM}entry/{ATOM}link").get("href")

        self.title(window, sites.english()[0].title).click(force=True)
        clicked = window.url
        visit(window, address, 360)
        window.keyboard.press("Tab")
        window.keyboard.press("Enter")
        window.wait_for_url(story)

        assert clicked == story

    @staticmethod
    def title(window: Page, words: str) -> Locator:
        return window.locator("item > title, entry > title").filter(has_text=words)


class TestTheListOfFeeds:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [360, 800, 1200])
    @pytest.mark.parametrize("name", LISTS)
    def test_it_fits_its_window_and_everybody_can_read_it(self, window, host, name, width, scheme):
        visit(window, f"{host}/{name}", width, scheme)

        found = Axe().run(window).response["violations"]

        assert window.evaluate("document.documentElement.scrollWidth") <= width
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []

    def test_each_feed_has_its_address_in_a_field_under_its_name(self, window, host):
        visit(window, f"{host}/en/feeds/")

        for title, path in {"Global Affairs": "world/", "Diplomacy and Foreign Policy": "world/diplomacy/"}.items():
            field = window.get_by_label(title, exact=True).and_(window.locator("input"))
            expect(field).to_have_value(f"{host}/en/feeds/{path}rss.xml")
            expect(field).not_to_be_editable()

    def test_a_field_that_is_entered_is_selected(self, window, host):
        visit(window, f"{host}/en/feeds/")
        field = self.field(window, "Economy")

        field.click()

        assert self.selected(field) == field.input_value()

    def test_a_button_copies(self, window, host):
        visit(window, f"{host}/en/feeds/")

        button = self.button(window, "Economy")
        button.click()

        expect(button).to_have_text("Copied")
        expect(window.get_by_role("status")).to_have_text("Copied")
        assert self.clipboard(window) == f"{host}/en/feeds/economy/rss.xml"
        expect(button).to_have_text("Copy")
        expect(window.get_by_role("status")).to_have_text("")

    def test_it_copies_where_a_site_has_no_https(self, window, host):
        """There is no navigator.clipboard on an insecure site."""
        window.add_init_script("delete Navigator.prototype.clipboard")
        visit(window, f"{host}/en/feeds/")

        window.get_by_role("button", name="Copy Climate").click()

        expect(window.get_by_role("status")).to_have_text("Copied")
        other = window.context.new_page()
        visit(other, f"{host}/en/feeds/rss.xml")
        assert self.clipboard(other) == f"{host}/en/feeds/climate/rss.xml"
        other.close()

    def test_nothing_says_copied_where_nothing_was(self, window, host):
        window.add_init_script("delete Navigator.prototype.clipboard; document.execCommand = () => false;")
        visit(window, f"{host}/en/feeds/")

        window.get_by_role("button", name="Copy Climate").click()

        field = self.field(window, "Climate")
        assert self.selected(field) == field.input_value()
        expect(window.get_by_role("button", name="Copy Climate")).to_have_text("Copy")
        expect(window.get_by_role("status")).to_have_text("")

    def test_a_keyboard_is_enough(self, window, host):
        visit(window, f"{host}/en/feeds/")
        self.field(window, "Economy").focus()

        window.keyboard.press("Tab")
        outline = window.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        window.keyboard.press("Enter")

        expect(window.get_by_role("status")).to_have_text("Copied")
        assert outline == "solid"
        assert self.clipboard(window) == f"{host}/en/feeds/economy/rss.xml"

    def test_a_keyboard_stays_where_it_was_after_copying(self, window, host):
        visit(window, f"{host}/en/feeds/")
        button = self.button(window, "Economy")
        button.focus()

        window.keyboard.press("Enter")

        expect(window.get_by_role("status")).to_have_text("Copied")
        expect(button).to_be_focused()

    def test_without_scripts_there_is_no_button_and_the_fields_are_there(self, browser, host):
        context = browser.new_context(java_script_enabled=False)
        page = visit(context.new_page(), f"{host}/en/feeds/", 360)
        field = self.field(page, "Economy")

        field.focus()
        page.keyboard.press("Control+a")

        expect(page.get_by_role("button")).to_have_count(0)
        assert self.selected(field) == f"{host}/en/feeds/economy/rss.xml"
        expect(page.get_by_text("Get a feed reader")).to_be_visible()
        context.close()

    @staticmethod
    def field(window: Page, title: str) -> Locator:
        return window.get_by_label(title, exact=True).and_(window.locator("input"))

    @staticmethod
    def button(window: Page, title: str) -> Locator:
        """By its place: what it says changes."""
        assert window.get_by_role("button", name=f"Copy {title}", exact=True).count() == 1
        return window.locator("li").filter(has=window.get_by_label(title, exact=True)).get_by_role("button")

    @staticmethod
    def selected(field: Locator) -> str:
        return str(field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)"))

    @staticmethod
    def clipboard(window: Page) -> str:
        return str(window.evaluate("navigator.clipboard.readText()"))
