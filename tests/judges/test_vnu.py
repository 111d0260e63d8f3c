"""The Nu HTML checker of the W3C: every copy is valid HTML, but for what Outlook needs."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.judges.conftest import package, program

ALLOWED = ".*(mso-|-ms-interpolation|xmlns:[vo]).*"


def findings(files: Sequence[Path]) -> list[str]:
    """What is wrong, with file and line."""
    command = [program("java"), "-jar", str(package("vnu-jar/build/dist/vnu.jar")), "--errors-only", "--format", "json"]
    command += ["--filterpattern", ALLOWED, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stderr)["messages"]
    return [f"{Path(one['url']).name}:{one.get('lastLine')}  {one['message']}  {one.get('extract')}" for one in found]


def test_every_copy_is_valid_html(pages):
    assert len(pages) == 16
    assert findings(pages) == []


@pytest.mark.parametrize("body", ["<table><p>x</table>", '<img src="x.png">', "<center>x</center>"])
def test_the_checker_bites(tmp_path, body):
    page = tmp_path / "bad.html"
    page.write_text(f'<!DOCTYPE html><html lang="en"><head><title>x</title></head><body>{body}</body></html>', "utf-8")

    assert findings([page])
