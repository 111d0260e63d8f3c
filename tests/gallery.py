"""Photograph the digest and the feeds for the manual: `make gallery` writes docs/gallery/*.png and docs/feeds/*.png.

Nothing in it moves and every date is fixed, so that the same templates, fonts and browser make the same pictures.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Playwright, Route, sync_playwright

from tests import editions
from tests.browser import sites
from tests.builders import a_publication

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"
PICTURES = ROOT / "publisher" / "demo" / "sample" / "static" / "images"
FEEDS = ROOT / "docs" / "feeds"
JOURNAL = "https://journal.example"
CHROMIUM = "/usr/bin/chromium"
TALL = {360: 1600, 800: 1500}
# The sample journal's own illustrations, under the numbers of the stories.
SHOWN = {
    "1": "a-quiet-channel-through-muscat",
    "4": "the-strait-nobody-wants-to-close",
    "5": "karachis-port-fewer-ships-fuller-boxes",
    "8": "a-siren-below-the-ice",
}
OTHERS = "nobody-signs-a-map"
# (file, address, width and height in pixels, colour scheme), by language.
FEED_SHOTS: dict[str, list[tuple[str, str, int, int, Any]]] = {
    "en": [
        ("feed-en-1000-light", "feeds/atom.xml", 1000, 900, "light"),
        ("feed-en-360-dark", "feeds/rss.xml", 360, 800, "dark"),
        ("archive-en-800-light", "feeds/archive-1.xml", 800, 500, "light"),
        ("list-en-1000-light", "feeds/", 1000, 1000, "light"),
        ("list-en-360-dark", "feeds/", 360, 800, "dark"),
    ],
    "ur": [
        ("feed-ur-1000-light", "feeds/atom.xml", 1000, 800, "light"),
        ("list-ur-360-light", "feeds/", 360, 800, "light"),
    ],
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        for dark in (False, True):
            forced = ["--blink-settings=forceDarkModeEnabled=true"] if dark else []
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *forced])
            window = browser.new_page()
            window.route("**/*", answer)
            for name, language, layout, width, scheme, pictures in shots(dark):
                shoot(window, name, editions.html_of(editions.copy(language, layout)), width, scheme, pictures)
            browser.close()
        photograph_feeds(playwright)


def photograph_feeds(playwright: Playwright) -> None:
    """Feeds and their list as a browser shows them, from a host that is not there."""
    FEEDS.mkdir(parents=True, exist_ok=True)
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    window = browser.new_page()
    for language, given, stories in (
        ("en", sites.ENGLISH, sites.english()),
        ("ur", sites.IN_URDU, sites.in_urdu()),
    ):
        files = sites.files(a_publication(url=JOURNAL, **given), stories)
        window.unroute_all()
        window.route("**/*", partial(answer_from, files))
        for name, path, width, height, scheme in FEED_SHOTS[language]:
            window.set_viewport_size({"width": width, "height": height})
            window.emulate_media(color_scheme=scheme)
            window.goto(f"{JOURNAL}/{path}")
            window.screenshot(path=FEEDS / f"{name}.png", animations="disabled")
            print(f"docs/feeds/{name}.png")
    browser.close()


def answer_from(files: Mapping[str, str], route: Route) -> None:
    path = route.request.url.removeprefix(f"{JOURNAL}/")
    path += "index.html" if path.endswith("/") else ""
    if path in files:
        kinds = {"xml": "application/xml", "css": "text/css", "html": "text/html"}
        route.fulfill(body=files[path], content_type=f"{kinds[path.rpartition('.')[2]]}; charset=utf-8")
    else:
        route.abort()


def shots(forced: bool) -> Iterator[tuple[str, str, str, int, Any, bool]]:
    """(file, language, layout, width in pixels, colour scheme, with pictures)."""
    if forced:
        yield "digest-en-360-forced-dark", "en", "digest", 360, "light", True
        return
    for language in ("en", "ur"):
        for width in (800, 360):
            for scheme in ("light", "dark"):
                yield f"digest-{language}-{width}-{scheme}", language, "digest", width, scheme, True
    yield "digest-en-360-no-pictures", "en", "digest", 360, "light", False
    for layout in ("brief", "full"):
        yield f"{layout}-en-800-light", "en", layout, 800, "light", True


def shoot(window: Page, name: str, page: str, width: int, scheme: Any, pictures: bool) -> None:
    window.set_viewport_size({"width": width, "height": TALL[width]})
    window.emulate_media(color_scheme=scheme)
    window.set_content(page if pictures else page.replace(editions.PICTURES, "https://nowhere.example"))
    window.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(f"docs/gallery/{name}.png")


def answer(route: Route) -> None:
    url = route.request.url
    if url.startswith(editions.PICTURES):
        picture = SHOWN.get(url.rpartition("/")[2].removesuffix(".jpg"), OTHERS)
        route.fulfill(body=(PICTURES / f"{picture}.jpg").read_bytes(), content_type="image/jpeg")
    else:
        route.abort()


if __name__ == "__main__":
    main()
