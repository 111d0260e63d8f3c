"""The Nu HTML checker of the W3C: every copy is valid HTML, but for what Outlook needs, and so is every page."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from publisher.render import page
from tests.builders import a_publication, templates
from tests.judges.conftest import package, program

ALLOWED = ".*(mso-|-ms-interpolation|xmlns:[vo]).*"
FAULTS = {
    "nesting": "<table><p>x</table>",
    "alternative": '<img src="x.png">',
    "obsolete": "<center>x</center>",
}
LEAVING = {"asks": {}, "done": {"done": True}, "unknown": {"known": False}, "proof": {"proof": True}}
CHOOSING = {"offers": {}, "asks": {"asked": True}, "done": {"done": True}, "unknown": {"known": False}}


def findings(files: Sequence[Path]) -> list[str]:
    """What is wrong, with file and line. One Java judges all, for its start is slow."""
    assert all(file.is_file() for file in files)  # vnu says nothing of a file that it does not find
    # Its schemas recurse deeper than a thread's usual stack allows; a short run gains nothing from the second compiler.
    command = [program("java"), "-Xss8m", "-XX:TieredStopAtLevel=1", "-jar", str(package("vnu-jar/build/dist/vnu.jar"))]
    command += ["--errors-only", "--format", "json", "--filterpattern", ALLOWED, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stderr)["messages"]
    assert done.returncode == bool(found), done.stderr
    return [f"{_place(one['url'])}:{one.get('lastLine')}  {one['message']}  {one.get('extract')}" for one in found]


def _place(url: str) -> str:
    return "/".join(Path(url).parts[-2:])


@pytest.fixture
def personal(tmp_path: Path) -> list[Path]:
    """The pages behind the links of a copy, in each of their states, and the one for an address that leads nowhere."""
    publication, desk = a_publication(), templates()
    choices = [(section, section.level == 1) for section in publication.sections]
    found = {"missing": page.missing_page(publication, desk)}
    for language in ("en", "ur"):
        for name, state in LEAVING.items():
            found[f"unsubscribe-{language}-{name}"] = page.unsubscribe_page(
                "The Briefing", publication, desk, language=language, **state
            )
        for name, state in CHOOSING.items():
            found[f"preferences-{language}-{name}"] = page.preferences_page(
                "The Briefing", choices, desk, language=language, **state
            )
    files = {tmp_path / f"{name}.html": html for name, html in found.items()}
    for file, html in files.items():
        file.write_text(html, "utf-8")
    return list(files)


def test_every_copy_is_valid_html(pages):
    assert findings(pages) == []


def test_every_page_is_valid_html(demo, personal):
    site = sorted((demo / "site").rglob("*.html"))
    assert {"index.html", "articles"} < {file.relative_to(demo / "site").parts[0] for file in site}

    found = findings([*site, *personal])

    # An article's headings begin at the level that its author chose.
    assert [one for one in found if not (one.startswith("articles/") and "skipping 1 heading level" in one)] == []


def test_the_checker_bites(tmp_path):
    files = [tmp_path / f"{fault}.html" for fault in FAULTS]
    for file in files:
        body = FAULTS[file.stem]
        file.write_text(
            f'<!DOCTYPE html><html lang="en"><head><title>x</title></head><body>{body}</body></html>', "utf-8"
        )

    found = findings(files)

    assert {Path(one.split(":")[0]).stem for one in found} == set(FAULTS)
