"""Signed names: for one purpose each, through a change of keys, and never for who did not get them from us."""

import re
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.clean.addresses import address
from publisher.tokens import Tokens

OLD, NEW, OTHER = (f"{name} key, longer than thirty-two characters" for name in ("old", "new", "another"))
TOKENS = Tokens([OLD])
KEY, NEWSLETTER = "key-of-ada", "briefing"
MAKERS = {
    "unsubscribe": lambda tokens: tokens.links(KEY, NEWSLETTER).unsubscribe,
    "preferences": lambda tokens: tokens.links(KEY, NEWSLETTER).preferences,
    "copy": lambda tokens: tokens.links(KEY, NEWSLETTER).copy,
    "bounce": lambda tokens: tokens.bounce(7),
}
READ = {"unsubscribe": (KEY, NEWSLETTER), "preferences": (KEY, NEWSLETTER), "copy": (KEY, NEWSLETTER), "bounce": 7}
# RFC 5321 §4.5.3.1.1: an envelope's local part has at most 64 octets.
LONGEST_LOCAL = 64


def read(purpose: str, token: str, tokens: Tokens = TOKENS) -> Any:
    return getattr(tokens, f"read_{purpose}")(token)


@pytest.mark.parametrize("purpose", MAKERS)
def test_a_token_says_what_it_was_made_of(purpose):
    assert read(purpose, MAKERS[purpose](TOKENS)) == READ[purpose]


@pytest.mark.parametrize("purpose", MAKERS)
def test_a_token_is_the_same_at_every_try_and_plain_in_an_address(purpose):
    token = MAKERS[purpose](TOKENS)

    assert token == MAKERS[purpose](Tokens([OLD]))
    assert re.fullmatch("[A-Za-z0-9_.-]+", token)


@pytest.mark.parametrize(("made_for", "tried_for"), [*permutations(MAKERS, 2)])
def test_a_token_opens_nothing_else_than_what_it_was_made_for(made_for, tried_for):
    assert read(tried_for, MAKERS[made_for](TOKENS)) is None


@pytest.mark.parametrize("purpose", MAKERS)
class TestKeys:
    def test_a_rotated_key_still_opens_old_mail(self, purpose):
        rotated = Tokens([NEW, OLD])

        assert read(purpose, MAKERS[purpose](TOKENS), rotated) == READ[purpose]

    def test_the_newest_key_signs(self, purpose):
        assert read(purpose, MAKERS[purpose](Tokens([NEW, OLD])), Tokens([NEW])) == READ[purpose]

    def test_a_key_that_was_given_up_opens_nothing(self, purpose):
        assert read(purpose, MAKERS[purpose](TOKENS), Tokens([NEW])) is None

    def test_another_newsrooms_token_opens_nothing(self, purpose):
        assert read(purpose, MAKERS[purpose](Tokens([OTHER])), Tokens([NEW, OLD])) is None


def test_without_a_key_nothing_is_signed():
    with pytest.raises(ValueError, match="key"):
        Tokens([])


class TestForgeries:
    @pytest.mark.parametrize("purpose", MAKERS)
    def test_a_token_with_one_character_changed_opens_nothing(self, purpose):
        token = MAKERS[purpose](TOKENS)

        # The last character of unpadded base64 has bits that nobody reads: two of its spellings are one token.
        for at, character in enumerate(token[:-1]):
            changed = token[:at] + ("b" if character != "b" else "c") + token[at + 1 :]
            assert read(purpose, changed) is None, at

    @pytest.mark.parametrize("purpose", MAKERS)
    @pytest.mark.parametrize(
        "token",
        [
            "",
            ".",
            "..",
            "-",
            "a.b",
            "\0",
            "\ud800",
            "١-aaaaaaaaaaaaaaaa",
            "=" * 9,
            "x" * 100_000,
            "1-",
            "-" * 20,
            "é.é",
        ],
    )
    def test_what_is_no_token_opens_nothing(self, purpose, token):
        assert read(purpose, token) is None

    @pytest.mark.parametrize("purpose", MAKERS)
    def test_a_token_that_was_cut_or_grew_opens_nothing(self, purpose):
        token = MAKERS[purpose](TOKENS)

        for wrong in (token[:-2], token[1:], f"{token}x", f" {token}", f"{token}\n", f"{token}.{token}", token * 2):
            assert read(purpose, wrong) is None

    @settings(deadline=None)
    @given(st.sampled_from(sorted(MAKERS)), st.text(max_size=80))
    def test_no_text_at_all_opens_anything(self, purpose, token):
        assert read(purpose, token) is None

    def test_the_parts_of_two_tokens_do_not_make_a_third(self):
        ada, bob = (TOKENS.links(name, NEWSLETTER).unsubscribe for name in ("ada", "bob"))

        mixed = f"{ada.rpartition('.')[0]}.{bob.rpartition('.')[2]}"

        assert TOKENS.read_unsubscribe(mixed) is None


class TestBounces:
    @pytest.mark.parametrize("delivery", [0, 1, 41, 10**6, 10**18 - 1])
    def test_a_token_says_its_delivery(self, delivery):
        assert TOKENS.read_bounce(TOKENS.bounce(delivery)) == delivery

    @pytest.mark.parametrize("folded", [str.upper, str.lower, str.title, str.swapcase])
    def test_it_survives_a_server_that_changes_its_case(self, folded):
        assert TOKENS.read_bounce(folded(TOKENS.bounce(41))) == 41

    def test_it_stands_in_a_local_part_of_any_server(self):
        token = TOKENS.bounce(10**18 - 1)

        local = f"bounce+{token}"
        assert len(local) <= LONGEST_LOCAL
        assert address(f"{local}@bounces.journal.example") == f"{local}@bounces.journal.example"

    @pytest.mark.parametrize("other", [40, 42, 4, 410])
    def test_the_digest_of_one_delivery_is_none_for_another(self, other):
        digest = TOKENS.bounce(41).partition("-")[2]

        assert TOKENS.read_bounce(f"{other}-{digest}") is None

    @settings(deadline=None)
    @given(st.integers(0, 10**18 - 1), st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16))
    def test_a_guess_is_refused(self, delivery, digest):
        assert TOKENS.read_bounce(f"{delivery}-{digest}") is None


class TestDerived:
    def test_a_message_id_is_of_edition_and_reader_alone_and_says_neither(self):
        ids = {TOKENS.message_ids(edition, "journal.example")(key) for edition in "ab" for key in ("ada", "bob")}

        assert len(ids) == 4
        assert all(re.fullmatch(r"<[0-9a-f]{32}@journal\.example>", one) for one in ids)

    def test_a_seal_is_of_its_edition_and_of_these_keys(self):
        seals = {TOKENS.seal("one"), TOKENS.seal("two"), Tokens([NEW]).seal("one")}

        assert len(seals) == 3
        assert all(re.fullmatch("[0-9a-f]{24}", one) for one in seals)

    def test_nothing_of_a_reader_or_a_message_tells_a_seal(self):
        seal = TOKENS.seal("edition")

        assert not [
            token
            for token in [*(make(TOKENS) for make in MAKERS.values()), TOKENS.message_ids("edition", "x")(KEY)]
            if seal[:8] in token
        ]
