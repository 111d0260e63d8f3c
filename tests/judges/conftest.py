"""What the judges of the mail look at: every edition of the tests in every layout, and the demo's mail and site."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
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
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo that ran once."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "publisher", "demo", "--once", "--dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="session")
def messages(demo: Path) -> dict[str, bytes]:
    """By name, a copy of every edition in every language and layout, one with logos, and the demo's two editions."""
    found = {
        f"{language}-{layout}": editions.copy(language, layout).message
        for language in editions.LANGUAGES
        for layout in editions.LAYOUTS
    }
    found["en-logo"] = editions.copy("en", theme=LOGO).message
    found |= _largest(demo)
    assert len(found) == 15 + 1 + 2
    return found


def _largest(demo: Path) -> Iterator[tuple[str, bytes]]:
    """By cadence, the copy that holds most of the demo's edition."""
    copies = sorted((file.read_bytes() for file in (demo / "mail").glob("*.eml")), key=len)
    for cadence in ("daily", "weekly"):
        yield f"demo-{cadence}", [copy for copy in copies if f"-{cadence}:briefing:".encode() in copy][-1]


@pytest.fixture(scope="session")
def pages(messages: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The HTML of those copies, as files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, message in messages.items():
        body = message_from_bytes(message, policy=default).get_body(("html",))
        assert body is not None, name
        (folder / f"{name}.html").write_text(body.get_content().replace("\r\n", "\n"), "utf-8")
    return sorted(folder.iterdir())
