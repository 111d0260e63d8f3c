"""Article HTML that is safe in a mailbox, a feed reader and a page."""

from time import monotonic

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html

from publisher.clean import markup
from publisher.clean.text import from_clean_html, from_html

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
@example("<pre>\n\n<li>a")
@example("<caption></script><body><h2></p><a href='x'></style><img src=x>text<pre></video>\n<li>")
@example("<br><dd><p><table></figure><math></a><noscript><xmp></script><dd><svg><style>\x0b<li><caption><blockquote>")
def test_what_comes_out_goes_in_again_unchanged(text):
    once = sanitised(text)

    assert sanitised(once) == once


@settings(deadline=None)
@given(HOSTILE)
@example('<img alt="a > b" src="/x">c<p title="<b>">d</p>')
def test_the_words_of_what_comes_out_need_no_parser(text):
    clean = sanitised(text)

    assert from_clean_html(clean) == from_html(clean)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="<>&"))
PAGES = st.recursive(
    WORDS,
    lambda inside: (
        st.tuples(st.sampled_from(["p", "div", "em", "blockquote", "font", "section", "ul", "td"]), inside).map(
            lambda part: f'<{part[0]} onclick="x" style="y">{part[1]}</{part[0]}>'
        )
        | st.lists(inside, max_size=4).map("".join)
    ),
)


@settings(deadline=None)
@given(PAGES)
def test_the_visible_text_is_kept(page):
    """Character by character: markup may move a space, never a word."""
    assert "".join(from_html(sanitised(page)).split()) == "".join(from_html(page).split())


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
        "journal.example/v",
    ]


@pytest.mark.parametrize(
    ("embed", "address", "name"),
    [
        ('<iframe src="https://www.v.example/e/7?a=1"></iframe>', "https://www.v.example/e/7?a=1", "v.example/e/7"),
        ('<iframe title="At dawn" src="https://v.example/7"></iframe>', "https://v.example/7", "At dawn (v.example)"),
        ('<video><source src="https://v.example/a.mp4"></video>', "https://v.example/a.mp4", "v.example/a.mp4"),
        ('<audio src="https://v.example/a.mp3"></audio>', "https://v.example/a.mp3", "v.example/a.mp3"),
        ('<object data="https://v.example/m" title="A map"></object>', "https://v.example/m", "A map (v.example)"),
        ('<object><embed src="https://v.example/old"></object>', "https://v.example/old", "v.example/old"),
        ('<embed src="https://v.example/m.svg">', "https://v.example/m.svg", "v.example/m.svg"),
        ('<iframe src="about:blank" data-src="https://v.example/7"></iframe>', "https://v.example/7", "v.example/7"),
        ('<video data-src="https://v.example/7"></video>', "https://v.example/7", "v.example/7"),
        ('<noscript><iframe src="https://v.example/7"></iframe></noscript>', "https://v.example/7", "v.example/7"),
        ('<object><param name="movie" value="https://v.example/7"></object>', "https://v.example/7", "v.example/7"),
    ],
)
def test_an_embed_of_any_kind_becomes_a_link_that_names_its_target(embed, address, name):
    (link,) = html.fragment_fromstring(sanitised(embed))

    assert (link.get("href"), link.text_content()) == (address, name)


@pytest.mark.parametrize(
    "picture",
    [
        '<img src="/grey.gif" data-src="/port.jpg" alt="The port">',
        '<img src="data:image/gif;base64,R0lGOD" data-lazy-src="/port.jpg" alt="The port">',
        '<img srcset="/small.jpg 300w, /port.jpg 1024w" alt="The port">',
        '<img data-srcset="/small.jpg 1x, /port.jpg 2x" alt="The port"><noscript><img src="/port.jpg"></noscript>',
        '<img src="/port.jpg" srcset="/small.jpg 300w, /huge.jpg 4000w" alt="The port">',
    ],
)
def test_a_picture_that_waits_for_a_script_is_shown_at_once(picture):
    assert sanitised(picture) == '<img src="https://journal.example/port.jpg" alt="The port">'


def test_a_picture_of_one_pixel_is_no_picture():
    assert sanitised('<p>a</p><img src="/count.gif" width="1" height="1">') == "<p>a</p>"


@pytest.mark.parametrize("name", ["div", "blockquote", "em", "ul", "table"])
def test_what_is_nested_too_deep_is_flattened_and_keeps_its_text(name):
    flat = sanitised(f"<{name}><td>" * 300 + "deep" + f"</td></{name}>" * 300)

    tree = html.fragment_fromstring(flat, create_parent="div")
    assert max(len(list(element.iterancestors())) for element in tree.iter()) < 250
    assert tree.text_content() == "deep"


@pytest.mark.parametrize(
    "unit", ["<ul><li>", "<div>", "<pre>", "<b>", "<table><tr><td>", "<noscript>", "<iframe ", "<!--"]
)
def test_no_depth_makes_the_cleaner_slow(unit):
    started = monotonic()

    sanitised(unit * (400_000 // len(unit)))

    assert monotonic() - started < 10


def test_letters_are_composed_and_overrides_left_out_but_no_tag_is_touched():
    assert sanitised("<p>\u0338\u202ecafe\u0301</p>") == "<p>\u0338caf\xe9</p>"


def test_a_first_heading_that_says_the_title_again_is_left_out():
    body = "<h2>The <em>port</em> reopens</h2><p>a</p><h2>The port reopens</h2>"

    assert markup.without_title(body, "The port reopens") == "<p>a</p><h2>The port reopens</h2>"
    assert markup.without_title(body, "Another") == body


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

        dropped = markup.without_picture(body, self.URL)

        assert dropped.startswith("<p>a</p>")
        assert dropped.count("<img") == 1

    @pytest.mark.parametrize("size", ["a-1024x683.png", "a-scaled.png", "a.png"])
    def test_it_leaves_in_whatever_size_it_is_shown(self, size):
        body = markup.sanitise(f'<p>a</p><img src="https://journal.example/{size}">', None)

        assert markup.without_picture(body, "http://journal.example/a-300x200.png") == "<p>a</p>"

    def test_another_picture_stays(self):
        body = markup.sanitise(self.IMAGE, None)

        assert markup.without_picture(body, "https://journal.example/b.png") == body


def test_characters_that_xml_refuses_cannot_come_in_as_entities():
    cleaned = markup.sanitise(
        '<p title="&#11;">a &#11; b &#1; &#xFFFE;</p><img src="https://a.example/x" alt="&#8;">', None
    )

    assert not set(cleaned) & {"\x0b", "\x01", "\ufffe", "\x08"}
