"""How a source asks a server: what is no answer says so, when to come again, and never a key."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from publisher.errors import FetchError, SourceError
from publisher.ports import Response
from publisher.sources.asking import ask, parsed_json, shown
from tests.builders import NOW

URL = "https://wire.example/feed?key=s3cret"


class Server:
    """A fake: it has one answer, or fails."""

    def __init__(self, status: int = 200, content: bytes = b"", **headers: str) -> None:
        self.response = Response(
            status, URL, {name.replace("_", "-"): value for name, value in headers.items()}, content
        )

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        if self.response.status == 0:
            raise FetchError("https://wire.example/feed?key=… gave no full answer within 20 s.")
        return self.response


@pytest.mark.parametrize("status", [200, 304])
def test_a_good_answer_is_handed_over(status):
    assert asyncio.run(ask(Server(status), URL, NOW)).status == status


@pytest.mark.parametrize("status", [201, 301, 401, 404, 410, 429, 500, 503])
def test_any_other_is_a_source_error_that_tells_no_key(status):
    with pytest.raises(SourceError) as caught:
        asyncio.run(ask(Server(status), URL, NOW))

    assert str(caught.value) == f"https://wire.example/feed?key=… answered {status}."
    assert caught.value.not_before is None


def test_what_is_good_is_the_callers_choice():
    assert asyncio.run(ask(Server(410), URL, NOW, good=(200, 410))).status == 410


def test_no_answer_is_a_source_error():
    with pytest.raises(SourceError, match="no full answer"):
        asyncio.run(ask(Server(0), URL, NOW))


def test_a_server_that_wants_peace_says_until_when():
    with pytest.raises(
        SourceError, match=r"answered 503 and wants to be asked again after 2026-11-20 08:10 UTC"
    ) as caught:
        asyncio.run(ask(Server(503, retry_after="600"), URL, NOW))

    assert caught.value.not_before == NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("0", NOW),
        ("120", NOW + timedelta(seconds=120)),
        (" 120 ", NOW + timedelta(seconds=120)),
        ("9" * 40, NOW + timedelta(days=1)),
        ("Fri, 20 Nov 2026 09:00:00 GMT", NOW + timedelta(hours=1)),
        ("Fri, 20 Nov 2026 14:00:00 +0500", NOW + timedelta(hours=1)),
        ("Fri, 20 Nov 2026 09:00:00", NOW + timedelta(hours=1)),
        ("Thu, 19 Nov 2026 09:00:00 GMT", NOW),
        ("Thu, 19 Nov 2065 09:00:00 GMT", NOW + timedelta(days=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 99 Nov 2026 09:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(value, moment):
    assert Server(503, retry_after=value).response.retry_after(NOW) == moment


def test_json_is_read():
    assert parsed_json(Server(200, b'{"a": [1]}').response, "wire") == {"a": [1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "wire:1:1 is not JSON"),
        (b"<html>Log in</html>", "wire:1:1 is not JSON"),
        (b"{\n  x}", "wire:2:3 is not JSON"),
        (b"[" * 100_000, "wire is not JSON"),
        (b'"\xff"', "wire is not JSON"),
        (b"9" * 5000, "wire is not JSON"),
    ],
)
def test_what_is_no_json_says_where(content, message):
    with pytest.raises(SourceError, match=message):
        parsed_json(Server(200, content).response, "wire")


def test_an_address_is_shown_without_its_key():
    assert shown("https://ada:pass@wire.example/feed?key=abc") == "https://wire.example/feed?key=…"
