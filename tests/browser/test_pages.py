"""What readers see, in a real browser: the digest and the pages on a phone and a desk, by day and by night."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from publisher.model.article import Article, Author, Image
from publisher.model.delivery import Delivery
from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.render import edition as layout
from publisher.render import mail, page
from publisher.render.edition import Shelf, Story
from publisher.render.environment import shipped
from tests.builders import NOW, a_newsletter, a_publication, an_article, templates, tokens

CHROMIUM = Path("/usr/bin/chromium")
EDITION = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.PRESSED, NOW)
PUBLICATION = a_publication()
# A mail stands inside a mail program's page, which has the landmarks.
IN_MAIL = {"landmark-one-main", "region"}
BODY = (
    "<p>Words with <a href='https://journal.example/'>a link</a>.</p><h2>A heading</h2>"
    "<blockquote><p>Said.</p></blockquote>"
    "<table><thead><tr><th>Year</th><th>Tonnes</th></tr></thead><tbody><tr><td>2025</td><td>1,200,300</td></tr></tbody></table>"
    f"<table><tr>{'<td>Kilowattstunden</td>' * 7}</tr></table><pre>{'a long line of code ' * 9}</pre>"
    f"<p>https://journal.example/{'address/' * 20}</p>"
)


def stories() -> dict[int, Article]:
    urdu = "خلیج کی نئی سفارت کاری اور اس کے دور رس اثرات"
    found = [
        an_article(
            1, kind="Analysis", body=BODY, standfirst="What it is about", headline="Story 1 has a long headline " * 3
        ),
        an_article(2, headline=urdu, teaser=urdu, body=f"<p>{urdu}</p>", language="ur", sections=("world/asia",)),
        an_article(3, image=Image("https://journal.example/3.jpg", "", "A caption", "A credit"), sections=("economy",)),
        an_article(4, image=None, authors=(), teaser="", published=None, sections=("economy",)),
        an_article(5, headline="Donaudampfschifffahrtsgesellschaftskapitän", authors=(Author("Ada"), Author("Bob"))),
    ]
    return {number: replace(one, id=number) for number, one in enumerate(found, 1)}


def placements() -> list[Placement]:
    placed = [("world", 1), ("world", 5), ("world/asia", 2), ("economy", 3), ("economy", 4)]
    return [Placement(position, section, article) for position, (section, article) in enumerate(placed)]


def digest() -> str:
    """The page of a printed copy, as a mail program decodes it."""
    desk = templates()
    view = layout.view(EDITION, a_newsletter(), PUBLICATION, placements(), stories(), PUBLICATION.url)
    plate = mail.make_plate(view, placements(), desk, digest=tokens().seal("browser"), now=NOW)
    delivery = Delivery(1, 1, "a.reader.with.a.long.address@example.org", "Ada", "key", ("*",))
    copy = mail.CopyPrinter(plate, "browser", PUBLICATION, tokens()).print(delivery)
    assert copy is not None
    _, part = message_from_bytes(copy.message, policy=default).iter_parts()
    return str(part.get_content())


def front() -> str:
    sections = {section.path: section for section in PUBLICATION.sections}
    shelves = [
        Shelf(sections[path], tuple(Story(n, stories()[n], f"./articles/story-{n}.html") for n in numbers), ())
        for path, numbers in {"world": (1, 2, 5), "economy": (3, 4)}.items()
    ]
    feeds = [
        (section, {form: f"feeds/{form}.xml" for form in ("rss", "atom", "json")})
        for section in (None, *PUBLICATION.sections)
    ]
    shown = page.FrontPage(NOW, shelves, [(EDITION, "The Briefing", layout.edition_path(EDITION))], feeds)
    return page.front_page(shown, PUBLICATION, templates())


def an_edition() -> str:
    view = layout.view(EDITION, a_newsletter(), PUBLICATION, placements(), stories(), "../..")
    return page.published(page.edition_page(view, templates()), ())


def an_article_page(number: int) -> str:
    article = stories()[number]
    return page.article_page(article, layout.article_url(article, PUBLICATION.url), PUBLICATION, templates())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One window for all, with no network."""
    context = browser.new_context()
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as files, where the site would have them."""
    root = tmp_path_factory.mktemp("site")
    files = {
        "mail.html": digest(),
        "index.html": front(),
        layout.edition_path(EDITION): an_edition(),
        "articles/story-1.html": an_article_page(1),
        "articles/story-2.html": an_article_page(2),
        "style.css": (shipped() / "templates/web/style.css").read_text("utf-8"),
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8")
    return root


@pytest.fixture
def opened(window: Page, site: Path, name: str, width: int, scheme: Any) -> Page:
    """The window, showing the page."""
    window.set_viewport_size({"width": width, "height": 800})
    window.emulate_media(color_scheme=scheme)
    window.goto((site / name).as_uri())
    return window


PAGES = [
    "mail.html",
    "index.html",
    "editions/briefing/2026-11-20-0700-daily.html",
    "articles/story-1.html",
    "articles/story-2.html",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_window_and_everybody_can_read_it(opened, name, width):
    content_width = opened.evaluate("document.documentElement.scrollWidth")

    found = Axe().run(opened).response["violations"]

    assert content_width <= width
    allowed = IN_MAIL if name == "mail.html" else set()
    assert [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical") and one["id"] not in allowed
    ] == []


@pytest.mark.parametrize(("name", "width", "scheme"), [(name, 360, "dark") for name in PAGES])
def test_a_page_is_dark_where_the_reader_wants_it_dark(opened):
    background, color = opened.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )

    assert brightness(background) < 60 < 180 < brightness(color)


@pytest.mark.parametrize(("name", "width", "scheme"), [("mail.html", 360, "light")])
def test_a_mail_fits_where_its_stylesheet_is_removed(opened):
    opened.evaluate("document.querySelectorAll('style').forEach(style => style.remove())")

    assert opened.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(("name", "width", "scheme"), [(name, 360, "light") for name in PAGES[:3]])
def test_an_urdu_headline_starts_at_the_right(opened):
    headline = opened.locator('[lang="ur"] .headline')

    assert headline.evaluate("element => getComputedStyle(element).direction") == "rtl"
    assert (
        headline.evaluate(
            "element => { const range = document.createRange(); range.selectNodeContents(element);"
            "return element.getBoundingClientRect().right - range.getBoundingClientRect().right }"
        )
        < 2
    )


def brightness(color: str) -> float:
    """The mean of `rgb(r, g, b)`."""
    channels = [int(channel) for channel in color.removeprefix("rgb(").removesuffix(")").split(",")]
    return sum(channels) / 3
