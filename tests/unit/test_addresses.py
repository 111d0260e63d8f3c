"""Reader addresses: valid enough to mail, and comparable."""

import pytest

from publisher.clean.addresses import address, address_key


@pytest.mark.parametrize(
    ("typed", "mailed"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@Example.ORG\n", "Ada@example.org"),
        ("ada+news@example.org", "ada+news@example.org"),
        ("o'hara@sub.example.co.uk", "o'hara@sub.example.co.uk"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_an_address_is_mailed_with_an_ascii_domain(typed, mailed):
    assert address(typed) == mailed


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "write name@domain"),
        ("ada", "write name@domain"),
        ("@example.org", "write name@domain"),
        ("ada@", "write name@domain"),
        ("ada@localhost", "domain that cannot exist"),
        ("ada@example..org", "domain that cannot exist"),
        ("ada@-example.org", "domain that cannot exist"),
        ("ada@127.0.0.1", "domain that cannot exist"),
        ("ada@" + "ü" * 70 + ".org", "domain that cannot exist"),
        ("ada@example.org\nRCPT TO:<bob@example.org>", "cannot hold|cannot exist"),
        ("ada\r\nBcc: bob@example.org", "cannot hold"),
        ("ada lovelace@example.org", "cannot hold"),
        ("ada@bob@example.org", "cannot hold"),
        ('"ada"@example.org', "cannot hold"),
        ("Ada <ada@example.org>", "cannot hold|cannot exist"),
        (".ada@example.org", "cannot hold"),
        ("a..da@example.org", "cannot hold"),
        ("a" * 65 + "@example.org", "cannot hold"),
    ],
)
def test_what_cannot_be_mailed_is_refused_with_a_reason(typed, says):
    with pytest.raises(ValueError, match=says):
        address(typed)


def test_one_reader_has_one_key_however_the_address_was_typed():
    assert address_key(address("Ada@Example.org")) == address_key(address("ada@EXAMPLE.ORG "))


def test_a_plus_address_is_another_reader():
    assert address_key(address("ada+a@example.org")) != address_key(address("ada@example.org"))
