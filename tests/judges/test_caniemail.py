"""caniemail: what the mail uses and a mail program lacks is known, and has a reason (`caniemail.toml`)."""

import json
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.judges.conftest import HERE, package, program

ALLOWED: dict[str, str] = tomllib.loads((HERE / "caniemail.toml").read_text("utf-8"))


def findings(files: Sequence[Path]) -> dict[str, set[str]]:
    """By feature, the mail programs that do not have it."""
    package("caniemail/package.json")
    command = [program("node"), str(HERE / "lint.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, set[str]] = {}
    for issues in json.loads(done.stdout).values():
        for client, feature in issues:
            found.setdefault(feature, set()).add(client)
    return found


def test_whatever_a_mail_program_lacks_was_thought_of(pages):
    found = findings(pages)

    assert {feature: sorted(clients) for feature, clients in found.items() if feature not in ALLOWED} == {}
    assert sorted(set(ALLOWED) - set(found)) == []


def test_every_allowance_says_why():
    assert [feature for feature, why in ALLOWED.items() if len(why) < 20] == []


def test_the_linter_bites(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<div style="display:grid"><video src="x"></video></div>', "utf-8")

    assert any("grid" in feature for feature in findings([page]))
