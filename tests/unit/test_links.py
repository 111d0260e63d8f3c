"""Asking whether links answer, of real servers on 127.0.0.1 by the one client that may ask."""

import asyncio
from collections.abc import Collection, Iterator

import pytest

from publisher.fetch import Fetcher
from publisher.pipeline import links
from tests.websites import Answer, Website, a_website


@pytest.fixture
def website() -> Iterator[Website]:
    with a_website() as site:
        yield site


def asked(urls: Collection[str], allow: Collection[str] = ("127.0.0.1",), **limits) -> dict[str, str]:
    async def once() -> dict[str, str]:
        async with Fetcher(allow, pause=0, **limits) as http:
            return await links.ask(urls, http)

    return asyncio.run(once())


@pytest.mark.parametrize("status", [200, 204, 401, 403, 405, 429])
def test_somebody_is_there(website, status):
    website.answers["/"] = Answer(status=status)

    assert asked([f"{website.url}/"]) == {f"{website.url}/": ""}


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_what_does_not_answer_well_is_told_by_its_status(website, status):
    website.answers["/"] = Answer(status=status)

    assert asked([f"{website.url}/"]) == {f"{website.url}/": str(status)}


def test_the_answer_at_the_end_of_a_redirect_counts(website):
    website.answers["/old"] = Answer(status=301, headers={"Location": "/new"})
    website.answers["/new"] = Answer(b"here")
    website.answers["/lost"] = Answer(status=302, headers={"Location": "/nowhere"})

    answers = asked([f"{website.url}/old", f"{website.url}/lost"])

    assert list(answers.values()) == ["", "404"]


def test_where_nobody_answers_the_reason_is_told_and_the_others_are_asked(website):
    website.answers["/"] = Answer()
    gone, odd = "http://127.0.0.1:1/", "ftp://127.0.0.1/"

    answers = asked([gone, odd, f"{website.url}/"])

    assert answers[gone].startswith("no answer: ")
    assert "refused" in answers[gone]
    assert answers[odd] == "no answer: is not fetched: only http and https are."
    assert answers[f"{website.url}/"] == ""


def test_a_private_address_is_refused_as_ever(website):
    [answer] = asked([f"{website.url}/"], allow=()).values()

    assert "private address" in answer
    assert website.asked == []


def test_addresses_that_differ_in_the_fragment_are_asked_once(website):
    website.answers["/"] = Answer()
    urls = [f"{website.url}/", f"{website.url}/#one", f"{website.url}/#two"]

    answers = asked(urls)

    assert answers == dict.fromkeys(urls, "")
    assert len(website.asked) == 1


def test_only_a_few_are_asked_at_once(website):
    website.answers = {f"/{number}": Answer(seconds=0.02) for number in range(30)}

    answers = asked([f"{website.url}/{number}" for number in range(30)], per_host=30)

    assert set(answers.values()) == {""}
    assert website.most <= 8


def test_nothing_to_ask_is_no_answer():
    assert asked([]) == {}
