"""Addresses: absolute and ASCII, and equal where they lead to one story."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.clean import urls

BASE = "https://journal.example/2026/story"


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/a", "https://journal.example/a"),
        ("b?c=1#d", "https://journal.example/2026/b?c=1#d"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("http://a.example", "http://a.example"),
        (" https://a.example/x \n", "https://a.example/x"),
        ("https://a.example/long\n\t/path", "https://a.example/long/path"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/a%20b", "https://a.example/a%20b"),
        ("https://a.example/<x>\"'", "https://a.example/%3Cx%3E%22'"),
        ("https://bücher.example/ü?q=ä#ö", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4#%C3%B6"),
        ("HTTPS://A.Example:8443/X", "https://a.example:8443/X"),
        ("https://user:secret@a.example/", "https://a.example/"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("mailto:desk@a.example?subject=a b", "mailto:desk@a.example?subject=a%20b"),
        ("tel:+92-21-111", "tel:+92-21-111"),
        ("https://a.example/\ud800x", "https://a.example/x"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://a.example/100%", "https://a.example/100%25"),
        ("https://a.example/%zz?a=%", "https://a.example/%25zz?a=%25"),
    ],
)
def test_an_address_is_absolute_and_encoded(url, absolute):
    assert urls.absolute(url, BASE) == absolute


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:image/png;base64,AAAA",
        "data:text/html," + "x" * 1_500_000,
        "file:///etc/passwd",
        "vbscript:x",
        "http://a.example:99999/",
        "http://[::1",
        'http://a"b<c>.example/',
        "http://" + "ü" * 80 + ".example/",
        "http://../x",
        "http://-/",
        "http://-a.example/",
        f"http://{'a' * 64}.example/",
    ],
)
def test_what_is_no_web_address_is_none(url):
    assert urls.absolute(url, BASE) is None


@pytest.mark.parametrize("url", ["/a", "a.example/b", "https://", "https:///path", ""])
def test_an_address_without_a_host_and_without_a_base_is_none(url):
    assert urls.absolute(url, None) is None


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@settings(deadline=None)
@given(st.one_of(ANYTHING, ANYTHING.map("https://a.example/".__add__), ANYTHING.map("https://".__add__)))
@example("https://ß.example/%")
@example("http:\\\\a.example")
def test_absolute_is_ascii_and_changes_nothing_the_second_time(anything):
    once = urls.absolute(anything, BASE)

    if once is not None:
        assert once.isascii()
        assert not set(once) & set(' <>"\n')
        assert urls.absolute(once, BASE) == once


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/story",
        "http://a.example/story",
        "https://www.a.example/story",
        "https://a.example/story/",
        "https://A.EXAMPLE/story#comments",
        "https://a.example/story?utm_source=rss&utm_medium=feed",
        "https://a.example/story?fbclid=1",
    ],
)
def test_addresses_of_one_story_share_a_key(url):
    assert urls.key(url) == "a.example/story"


def test_a_query_in_another_order_is_the_same_story():
    assert urls.key("https://a.example/?b=2&a=1") == urls.key("https://a.example/?a=1&b=2")


@pytest.mark.parametrize("url", ["https://a.example/?p=2", "https://b.example/?p=1", "https://a.example/x?p=1"])
def test_addresses_of_other_stories_do_not(url):
    assert urls.key(url) != urls.key("https://a.example/?p=1")


@pytest.mark.parametrize("url", [None, ""])
def test_no_address_has_no_key(url):
    assert urls.key(url) is None
