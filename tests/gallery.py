"""Photograph the digest for the manual: `make gallery` writes docs/gallery/*.png.

Nothing in it moves and every date is fixed, so that the same templates, fonts and browser make the same pictures.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

from tests import editions

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"
PICTURES = ROOT / "publisher" / "demo" / "sample" / "static" / "images"
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
