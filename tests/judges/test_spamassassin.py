"""SpamAssassin, without the network: real editions are nothing that it minds, at -0.9 or less."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.judges.conftest import program

BAR = -0.9
PICTURE_ONLY = b"""From: The Journal <a@journal.example>\r
To: Ada <b@example.org>\r
Subject: The news of today\r
Date: Wed, 25 Nov 2026 06:00:00 +0000\r
Message-ID: <b020957a324510caf9b40c6e9767b052@journal.example>\r
MIME-Version: 1.0\r
Content-Type: text/html; charset=utf-8\r
\r
<html><body><a href="https://journal.example/x"><img src="https://journal.example/x.png"></a></body></html>\r
"""
_STATUS = re.compile(r"^X-Spam-Status: (\w+, score=(-?[\d.]+) .*(?:\n[ \t].*)*)", re.MULTILINE)


def verdicts(messages: Mapping[str, bytes], folder: Path) -> dict[str, tuple[float, str]]:
    """By name, the score and the rules that made it. One process judges all, for its start is slow."""
    files = [folder / f"{name}.eml" for name in messages]
    for file, message in zip(files, messages.values(), strict=True):
        file.write_bytes(message)
    # With Bayes it would learn from these messages into its user's own files, and judge by what it learnt there.
    command = [program("spamassassin"), "-t", "-L", "-x", "--cf=use_bayes 0", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=True)
    found = _STATUS.findall(done.stdout)
    assert len(found) == len(files), done.stderr
    return {name: (float(score), " ".join(why.split())) for name, (why, score) in zip(messages, found, strict=True)}


def test_no_edition_is_spam(messages, tmp_path):
    judged = verdicts(messages, tmp_path)

    assert {name: why for name, (score, why) in judged.items() if score > BAR} == {}


def test_the_judge_bites(messages, tmp_path):
    judged = verdicts({"good": messages["en-digest"], "picture": PICTURE_ONLY}, tmp_path)

    assert judged["good"][0] <= BAR
    assert judged["picture"][0] > 1, judged["picture"]
