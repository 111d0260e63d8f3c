"""What the judges of the mail look at: every edition of the tests in every layout, and the demo's mail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from publisher.model.theme import Theme
from tests import editions

HERE = Path(__file__).parent
NODE_MODULES = HERE / "node_modules"
LOGO = Theme(
    logo="https://journal.example/logo.png",
    logo_dark="https://journal.example/night.png",
    logo_width=220,
    logo_height=48,
)


def program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def package(path: str) -> Path:
    """A file of an npm package; a skip where `make judges` did not bring it."""
    if not (NODE_MODULES / path).exists():
        pytest.skip(f"{path} is not here: make judges")
    return NODE_MODULES / path


@pytest.fixture(scope="session")
def messages() -> dict[str, bytes]:
    """A copy of every edition in every language and layout, by name."""
    found = {
        f"{language}-{layout}": editions.copy(language, layout).message
        for language in editions.LANGUAGES
        for layout in editions.LAYOUTS
    }
    return found | {"en-logo": editions.copy("en", "digest", theme=LOGO).message}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The HTML of those copies, as files."""
    folder = tmp_path_factory.mktemp("pages")
    for language in editions.LANGUAGES:
        for layout in editions.LAYOUTS:
            page = editions.html_of(editions.copy(language, layout))
            (folder / f"{language}-{layout}.html").write_text(page, "utf-8")
    (folder / "en-logo.html").write_text(editions.html_of(editions.copy("en", "digest", theme=LOGO)), "utf-8")
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The largest copy of each edition of the demo."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "publisher", "demo", "--once", "--dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    largest: dict[str, bytes] = {}
    for file in (folder / "mail").glob("*.eml"):
        message = file.read_bytes()
        edition = next(line for line in message.split(b"\r\n") if line.startswith(b"Feedback-ID:")).decode()
        if len(message) > len(largest.get(edition, b"")):
            largest[edition] = message
    assert len(largest) == 2
    return largest
