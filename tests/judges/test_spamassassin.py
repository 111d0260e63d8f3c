"""SpamAssassin, without the network: real editions are nothing that it minds, at -0.9 or less."""

import re
import subprocess

import pytest

from tests.judges.conftest import program

BAR = -0.9
PICTURE_ONLY = b"""From: a@journal.example\r
To: b@example.org\r
Subject: FREE!!! Act now\r
Message-ID: <1@journal.example>\r
MIME-Version: 1.0\r
Content-Type: text/html; charset=utf-8\r
\r
<html><body><a href="http://192.0.2.1/x"><img src="http://192.0.2.1/x.png"></a></body></html>\r
"""


def verdict(message: bytes) -> tuple[float, str]:
    """The score, and the rules that made it."""
    done = subprocess.run(
        [program("spamassassin"), "-t", "-L", "-x"], input=message, capture_output=True, timeout=120, check=True
    )
    status = re.search(rb"X-Spam-Status: (.*(?:\r?\n[ \t].*)*)", done.stdout)
    assert status, done.stderr.decode()
    text = " ".join(status[1].decode().split())
    score = re.search(r"score=(-?[\d.]+)", text)
    assert score
    return float(score[1]), text


def test_an_edition_is_no_spam_in_any_language(messages):
    judged = {name: verdict(message) for name, message in messages.items() if name.endswith("digest")}

    assert len(judged) == 5
    assert {name: why for name, (score, why) in judged.items() if score > BAR} == {}


@pytest.mark.parametrize("layout", ["brief", "full"])
def test_nor_in_another_layout(messages, layout):
    score, why = verdict(messages[f"en-{layout}"])

    assert score <= BAR, why


def test_the_editions_of_the_demo_are_none_either(demo):
    judged = {name: verdict(message) for name, message in demo.items()}

    assert {name: why for name, (score, why) in judged.items() if score > BAR} == {}


def test_the_judge_bites():
    score, why = verdict(PICTURE_ONLY)

    assert score > 1, why
