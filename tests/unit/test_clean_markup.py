"""Article HTML that is safe in a mailbox, a feed reader and a page."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html

from publisher.clean import markup
from publisher.clean.text import from_html

BASE = "https://journal.example/2026/story"
PIECES = st.sampled_from(
    ["<script>", "</script>", "<p onclick=x>", '<a href="javascript:x">', "<a href='java\nscript:x'>", "<iframe>",
     '<iframe src="/v">', "</iframe>", "<img src=x onerror=y>", "<img alt='", '"', "'", ">", "<", "&lt;", "&quot;",
     "<svg><style>", "</style>", "<math>", "<!--", "-->", "<![CDATA[", "]]>", "<noscript>", "<h1>", "</h1>", "<p>",
     "</p>", "<br>", " src=", " title=", "<a title='<iframe>'>", "</a>", "javascript:alert(1)", "text"]
)  # fmt: skip
HOSTILE = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


def sanitised(text: str) -> str:
    return markup.sanitise(text, BASE)


@settings(deadline=None)
@given(HOSTILE)
@example("<a title='<iframe>'>a</a><iframe src='/v'></iframe><p lang='x onclick=y z'>b</p>")
@example("<iframe><script>x</script></iframe>")
@example("<svg></p><style><a id='</style><img src=1 onerror=x>'>")
def test_whatever_comes_in_nothing_that_runs_comes_out(text):
    tree = html.fromstring(f"<div>{sanitised(text)}</div>", parser=html.HTMLParser(huge_tree=True))

    for element in tree.iter():
        assert element.tag not in ("script", "style", "iframe", "object", "form", "svg", "math", "meta", "base")
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            assert name not in ("href", "src") or value.startswith(("https:", "http:", "mailto:", "tel:"))


@settings(deadline=None)
@given(HOSTILE)
def test_cleaning_twice_changes_nothing_that_a_reader_sees(text):
    once = sanitised(text)

    assert from_html(sanitised(once)) == from_html(once)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<p>a<script>steal()</script>b</p>", "<p>ab</p>"),
        ('<p onclick="steal()" style="position:fixed">a</p>', "<p>a</p>"),
        ('<a href="javascript:steal()">a</a>', "<a>a</a>"),
        ('<a href=" JaVa\tScript:steal()">a</a>', "<a>a</a>"),
        ('<a href="&#106;avascript:steal()">a</a>', "<a>a</a>"),
        ('<a href="vbscript:x">a</a>', "<a>a</a>"),
        ('<p>a</p><img src="data:image/png;base64,AAAA" alt="a > b">', "<p>a</p>"),
        ('<img src="x.png" onerror="steal()">', '<img src="https://journal.example/2026/x.png">'),
        ('<form action="/x"><input name="a"></form><p>a</p>', "<p>a</p>"),
        ("<o:p>a</o:p><!--[if mso]>b<![endif]-->", "a"),
        ("<p>a</p><p>&nbsp;</p><p><br></p>", "<p>a</p>"),
        ("<svg><script>steal()</script></svg>a", "a"),
        ("<h1>Title</h1>", "<h2>Title</h2>"),
        ("<p>a ]]> b &amp;nbsp; c</p>", "<p>a ]]&gt; b &amp;nbsp; c</p>"),
        ("<p>it\x92s\x0b</p>", "<p>it’s</p>"),
        ('<img src="/a.png" width="100%" height="80">', '<img src="https://journal.example/a.png" height="80">'),
    ],
)
def test_what_is_not_allowed_is_left_out(dirty, clean):
    assert sanitised(dirty) == clean


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ('<a href="/x y">a</a>', '<a href="https://journal.example/x%20y">a</a>'),
        ('<a href="next">a</a>', '<a href="https://journal.example/2026/next">a</a>'),
        ('<a href="//b.example/">a</a>', '<a href="https://b.example/">a</a>'),
        ('<a href="https://пример.рф/ж">a</a>', '<a href="https://xn--e1afmkfd.xn--p1ai/%D0%B6">a</a>'),
        ('<a href="mailto:a@b.example">a</a>', '<a href="mailto:a@b.example">a</a>'),
    ],
)
def test_an_address_becomes_absolute(written, resolved):
    assert sanitised(written) == resolved


def test_a_picture_whose_text_holds_an_angle_bracket_is_kept():
    (picture,) = html.fragments_fromstring(sanitised('<img alt="a > b" src="/a.png">'))

    assert (picture.tag, picture.get("alt")) == ("img", "a > b")


@pytest.mark.parametrize("embed", ['<iframe src="/v?a=1&b=2"></iframe>', '<iframe title="x" src="/v?a=1&amp;b=2">'])
def test_an_embed_becomes_a_link_to_what_it_embedded(embed):
    (link,) = html.fragment_fromstring(sanitised(embed))

    assert (link.tag, link.get("href")) == ("a", "https://journal.example/v?a=1&b=2")


def test_an_embed_inside_a_paragraph_becomes_a_paragraph_of_its_own():
    paragraphs = html.fragments_fromstring(sanitised('<p>a <iframe src="/v"></iframe> b</p>'))

    assert [part.text_content().strip() if hasattr(part, "tag") else part for part in paragraphs][:2] == [
        "a",
        "https://journal.example/v",
    ]


@pytest.mark.parametrize("embed", ["<iframe></iframe>", '<iframe src="javascript:x"></iframe>', "<iframe srcdoc='x'>"])
def test_an_embed_of_nothing_vanishes(embed):
    assert sanitised(f"<p>a</p>{embed}") == "<p>a</p>"


def test_text_under_three_hundred_elements_is_kept():
    assert from_html(sanitised("<div>" * 300 + "deep" + "</div>" * 300)) == "deep"


def test_a_relative_address_without_a_base_is_no_address():
    assert markup.sanitise('<a href="/x">a</a><img src="/y.png">', None) == "<a>a</a>"


class TestLeadImage:
    URL = "https://journal.example/a.png?w=1&h=2"
    IMAGE = '<img src="https://journal.example/a.png?w=1&amp;h=2" alt="x > y">'

    def test_it_leaves_the_body_once(self):
        body = markup.sanitise(f"<figure>{self.IMAGE}</figure><p>a</p>{self.IMAGE}", None)

        dropped = markup.drop_image(body, self.URL)

        assert dropped.startswith("<p>a</p>")
        assert dropped.count("<img") == 1

    def test_another_picture_stays(self):
        body = markup.sanitise(self.IMAGE, None)

        assert markup.drop_image(body, "https://journal.example/b.png") == body


def test_characters_that_xml_refuses_cannot_come_in_as_entities():
    cleaned = markup.sanitise(
        '<p title="&#11;">a &#11; b &#1; &#xFFFE;</p><img src="https://a.example/x" alt="&#8;">', None
    )

    assert not set(cleaned) & {"\x0b", "\x01", "\ufffe", "\x08"}
