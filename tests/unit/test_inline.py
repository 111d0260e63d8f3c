"""The inliner: premailer with its known faults closed, and nothing fetched."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import premailer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.clean.text import from_html
from publisher.errors import PressError
from publisher.render.inline import STYLE_LIMIT, inline

SENTINEL = "0a1b2c3d4e5f67890a1b2c3d4e5f6789s3z"
GHOST_TABLE = '<!--[if mso]><table role="presentation" width="640"><tr><td><![endif]-->'
GHOST_END = "<!--[if mso]></td></tr></table><![endif]-->"


def a_page(body: str = "<p>Words</p>", *, css: str = "p { color: red }", head: str = "") -> str:
    return f"<!DOCTYPE html>\n<html><head><style>{css}</style>{head}</head><body>{body}</body></html>"


def kept(css: str) -> str:
    return f'<style data-premailer="ignore">{css}</style>'


class Reading(HTMLParser):
    """A page as another parser reads it: its comments, and every tag with its attributes but style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.comments: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "style":
            self.tags.append((tag, {name: value for name, value in attrs if name != "style"}))


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and everybody who ever connected to it."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    visitors: list[str] = []
    closing = threading.Event()

    def wait() -> None:
        while not closing.is_set():
            try:
                connection, peer = server.accept()
            except TimeoutError:
                continue
            visitors.append(str(peer))
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", visitors
    closing.set()
    thread.join()
    server.close()


def test_rules_become_style_attributes():
    inlined = inline(a_page())

    assert '<p style="color:red">Words</p>' in inlined
    assert "<style" not in inlined


def test_the_doctype_is_kept():
    assert inline(a_page()).startswith("<!DOCTYPE html>\n<html>")


@pytest.mark.parametrize("start", ["<!doctype html>\n", "\n<!DOCTYPE html>\n", "<!DocType HTML >"])
def test_however_the_doctype_is_written_mail_programs_get_the_plain_one(start):
    """premailer drops it in lower case, and the page is drawn in quirks mode."""
    assert inline(start + a_page().partition("\n")[2]).startswith("<!DOCTYPE html>\n<html>")


@pytest.mark.parametrize("start", ["", "<!DOCTYPE html PUBLIC '-//W3C'>\n", "<!-- first --><!DOCTYPE html>"])
def test_a_page_without_the_doctype_is_refused(start):
    with pytest.raises(PressError, match="<!DOCTYPE html>"):
        inline(start + a_page().partition("\n")[2])


def test_premailer_is_called_once(monkeypatch):
    calls = []
    transform = premailer.Premailer.transform

    def counted(self, *args, **options):
        calls.append(self)
        return transform(self, *args, **options)

    monkeypatch.setattr(premailer.Premailer, "transform", counted)

    inline(a_page("<p>one</p>" * 40))

    assert len(calls) == 1


def test_a_numeric_width_stays_a_number():
    """Outlook draws width="100%" at the picture's full size (Ghost#17475)."""
    inlined = inline(a_page('<img width="600" alt="A picture">', css="img { width: 100%; height: auto }"))

    [image] = re.findall("<img[^>]*>", inlined)
    assert 'width="600"' in image
    assert "height=" not in image
    assert "width:100%" in image


@pytest.mark.parametrize(
    "css",
    [
        "@media (max-width: 480px) { p { color: blue !important; } }",
        "@media (prefers-color-scheme: dark) { p { color: white !important; } }",
        "@supports (display: grid) { p { color: blue !important; } }",
        '@font-face { font-family: "Own"; src: local("Own"); }',
        "[data-ogsc] p { color: white !important; }",
        "[data-ogsb] p { background-color: black !important; }",
        'p[title="x,y"] { color: rgb(0 0 0 / 50%); }',
        "p > a, :is(h1, h2) &, p:not(a, b) { content: '&amp; <b> é'; }",
        "\n/* > & */\n  [class*=x]   {color:red}\n",
        "",
    ],
)
def test_rules_that_only_a_stylesheet_can_hold_are_kept_as_they_are(css):
    inlined = inline(a_page(head=kept(css)))

    assert f"<style>{css}</style>" in inlined
    assert '<p style="color:red">' in inlined


@pytest.mark.parametrize(
    ("css", "lost"),
    [
        ("@media (max-width: 480px) { p { color: blue !important; } }", "@media"),
        ("@supports (display: grid) { p { color: blue; } }", "@supports"),
        ("@font-face { font-family: Own; src: local(Own); }", "@font-face"),
        ("@import url(https://journal.example/style.css);", "@import"),
        ("[data-ogsc] p { color: white; }", "[data-ogsc] p"),
        ("a:hover { color: red; }", "a:hover"),
        (":is(h1, h2) { color: red; }", ":is(h1, h2)"),
        ("p:not(a, b) { color: red; }", "p:not(a, b)"),
        (":first-child { color: red; }", ":first-child"),
        ("* { color: red; }", "*"),
        ('a[title="x,y"] { color: red; }', 'a[title="x,y"]'),
        ("h1 { margin: 0; }\n\np {\n  margin: 0;\n  color: rgb(0 0 0 / 50%);\n}", "color: rgb(0 0 0 / 50%)"),
        ("p { margin: 0; color: #11223344; }", "color: #11223344"),
        ("p { color red; margin: 0; }", "color red"),
    ],
)
def test_what_the_inliner_would_lose_of_a_sheet_is_refused_and_has_a_place(css, lost):
    with pytest.raises(PressError, match=re.escape(f'"{lost}') + ".*head.css"):
        inline(a_page(css=css))


def test_a_declaration_that_the_inliner_would_lose_of_a_style_attribute_is_refused():
    with pytest.raises(PressError, match=re.escape('"color: rgb(0 0 0 / 50%)"')):
        inline(a_page('<p style="margin: 0; color: rgb(0 0 0 / 50%)">Words</p>'))


def test_a_value_for_older_programs_that_a_style_attribute_cannot_hold_is_refused():
    with pytest.raises(PressError, match='"p" sets background twice'):
        inline(a_page(css="p { background: #000; background: linear-gradient(red, blue) }"))


@pytest.mark.parametrize(
    ("css", "color"),
    [
        ('p { color: red } [class*="wor"] { color: blue }', "blue"),
        ('[class="words"] { color: blue } p { color: red }', "blue"),
        ("p:first-child { color: blue } body p { color: red }", "blue"),
        ("p { color: blue !important } p.words { color: red }", "blue !important"),
    ],
)
def test_the_stronger_rule_wins(css, color):
    assert f'style="color:{color}"' in inline(a_page('<p class="words">Words</p>', css=css))


def test_an_attribute_that_a_rule_would_change_is_refused():
    with pytest.raises(PressError, match='valign="top"'):
        inline(a_page('<table><tr><td valign="top">x</td></tr></table>', css="td { vertical-align: middle }"))


def test_a_floating_picture_is_aligned_for_outlook():
    assert 'align="right"' in inline(a_page('<img alt="A picture">', css="img { float: right }"))


def test_more_style_than_gmail_takes_is_refused():
    rule = "p { color: red; }\n"
    least = rule * (STYLE_LIMIT // len(rule))

    assert inline(a_page(head=kept(least)))
    with pytest.raises(PressError, match=r"16,002 characters.*head\.css"):
        inline(a_page(head=kept(least) + kept(rule)))


@pytest.mark.parametrize(
    ("css", "wrong"),
    [
        ("@media screen { @font-face { font-family: Own; } }", "@font-face in another rule"),
        ("@media screen { p { color: red; } @media print { p { color: blue; } } }", "@media in another rule"),
        ("@media screen { p { color: red; }", "brace"),
        ("p { color: red!important; }", '"!important"'),
        ("p { color: red !IMPORTANT; }", '" !IMPORTANT"'),
        ("p { color: red ! important; }", '" ! important"'),
    ],
)
def test_a_sheet_that_mail_programs_would_drop_or_misread_is_refused(css, wrong):
    with pytest.raises(PressError, match=re.escape(wrong)):
        inline(a_page(head=kept(css)))


def test_neither_a_comment_nor_a_string_of_a_sheet_is_taken_for_a_rule():
    css = "@media screen { /* @media { !IMPORTANT */ a[href*='@{'] { background: url(https://x.example.org/@a{); } }"

    assert f"<style>{css}</style>" in inline(a_page(head=kept(css)))


def test_comments_for_outlook_are_kept():
    office = (
        "<!--[if mso]><noscript><xml><o:OfficeDocumentSettings><o:AllowPNG/>"
        "<o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml></noscript><![endif]-->"
    )
    others = "<!--[if !mso]><!--><p>Not for Outlook</p><!--<![endif]-->"

    inlined = inline(a_page(f"{GHOST_TABLE}<p>Words</p>{others}{GHOST_END}", head=office))

    assert f"{office}</head>" in inlined
    assert f"{GHOST_TABLE}<p" in inlined
    assert f'<!--[if !mso]><!--><p style="color:red">Not for Outlook</p><!--<![endif]-->{GHOST_END}' in inlined


def test_without_its_comments_the_page_says_the_same():
    body = f"{GHOST_TABLE}<p>Words</p>{GHOST_END}"

    inlined = inline(a_page(body))

    assert from_html(re.sub("<!--.*?-->", "", inlined)) == from_html(a_page("<p>Words</p>")) == "Words"


@pytest.mark.parametrize("body", ["<![if !mso]><p>one</p><![endif]>", "<p>one</p><!--[if mso]><p>two</p>", "<?xml?>"])
def test_a_comment_that_is_none_is_refused(body):
    with pytest.raises(PressError, match="changed the comment"):
        inline(a_page(f"<p>before</p>{body}"))


def test_marks_stay_where_they_were_between_the_rows_of_a_table_and_the_lines_of_a_list():
    opened, closed = f"<!--{SENTINEL}b1-->", f"<!--{SENTINEL}e-->"
    body = f"<table><tr><td>a</td></tr>{opened}<tr><td>b</td></tr>{closed}</table><ul>{opened}<li>c</li>{closed}</ul>"

    assert body in inline(a_page(body))


@pytest.mark.parametrize(
    "body",
    [
        f'<a href="{SENTINEL}" title="For {SENTINEL}">{SENTINEL}</a><img src="/{SENTINEL}.png" alt="">',
        '<a href="https://x.example.org/?a=1&amp;b=2&amp;copy=3#c" title="Q&amp;A &quot;now&quot;">x</a>',
        '<a href="https://bücher.example/straße?q=ä ö">x</a><img src="/é.png" alt="é">',
        '<a name="über" href="mailto:a@x.example.org?subject=Grüße%20x">x</a>',
        '<table width="640" height="10" align="center" bgcolor="#ffffff"><tr><td width="50%">x</td></tr></table>',
        '<img width="600" height="338" alt="A picture">',
        '<a href="*|URL|*">x</a><a href="{{ url }}">address0x0z</a>',
    ],
)
def test_attributes_stay_as_they_were(body):
    page = a_page(body, css="a, img, table, td { width: 100%; height: auto; text-align: start; background-color: red }")

    inlined = inline(page)

    assert Reading(inlined).tags == Reading(page).tags


def test_void_elements_are_not_closed():
    assert '<hr style="color:red">a<br>b<img alt="">' in inline(
        a_page('<hr/>a<br/>b<img alt="" />', css="hr{color:red}")
    )


def test_loose_text_between_table_rows_stays():
    inlined = inline(a_page("<table><tr><td>one</td></tr>loose<tr><td>two</td></tr></table>"))

    assert "</tr>loose<tr>" in inlined


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="stylesheet" href="{url}/style.css">',
        '<link rel="stylesheet" href="//{host}/style.css">',
        "<style>@import url({url}/style.css);</style>",
        '<style>@import "{url}/style.css" screen;</style>',
        "<style>p {{ background: url({url}/picture.png) }}</style>",
    ],
)
def test_no_connection_is_opened(listener, head):
    url, visitors = listener

    with suppress(PressError):
        inline(a_page(head=head.format(url=url, host=url.removeprefix("http://"))))

    assert visitors == []


@pytest.mark.parametrize(
    "head",
    [
        '<link rel="stylesheet" href="{path}">',
        '<link rel="stylesheet" href="file://{path}">',
        "<style>@import url(file://{path});</style>",
        '<style>@import "{path}";</style>',
    ],
)
def test_no_file_is_read(tmp_path: Path, head):
    secret = tmp_path / "secret.css"
    secret.write_text("p { font-family: FromTheFile }")

    inlined = ""
    with suppress(PressError):
        inlined = inline(a_page(head=head.format(path=secret)))

    assert "FromTheFile" not in inlined


@pytest.mark.parametrize(
    "body",
    [
        "<p>Ünïcode — 漢字 — عائشہ — 👩‍🚀</p>",
        "<p>&lt;/style&gt; &amp;lt; &lt;![endif]--&gt; {{ x }} *|UNSUB|*</p>",
        "<p>one</p><p>two</p><ul><li>three</li><li>four</li></ul>",
        "<!-- a comment --><p>a<br>b</p>",
    ],
)
def test_a_reader_reads_the_same_words_as_before(body):
    assert body.replace("<p>", '<p style="color:red">') in inline(a_page(body))


def test_deep_nesting_loses_nothing():
    """Elsewhere libxml2 drops what is nested deeper than 256, and all that follows."""
    body = "<div>" * 300 + "deep" + "</div>" * 300 + "<div>and what follows</div>"

    assert body in inline(a_page(body))


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 3000 + "deep" + "</div>" * 3000 + "<p>and what follows</p>",
        "<p>before<style>i { margin: 0 }</style>after</p>",
    ],
)
def test_a_page_whose_words_would_get_lost_is_refused(body):
    with pytest.raises(PressError, match="changed the text near"):
        inline(a_page(body))


def test_ends_of_paragraphs_lines_and_cells_may_be_left_out():
    inlined = inline(a_page("<p>one<p>two<ul><li>three<li>four</ul><table><tr><td>five<td>six</table>"))

    assert '<p style="color:red">one</p><p style="color:red">two</p>' in inlined
    assert "<td>five</td><td>six</td>" in inlined


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=12)
values = st.dictionaries(st.sampled_from(["class", "href", "title", "lang", "width", "align"]), words, max_size=3)
tags = st.sampled_from(
    ["p", "div", "span", "a", "b", "em", "ul", "li", "table", "tr", "td", "h2", "blockquote", "br", "img", "pre"]
)
comments = words.filter(lambda text: "-" not in text and ">" not in text).map(lambda text: f"<!--{text}-->")


def an_element(tag: str, attributes: dict[str, str], children: list[str]) -> str:
    start = f"<{tag}" + "".join(f' {name}="{escape(value)}"' for name, value in attributes.items()) + ">"
    return start if tag in ("br", "img") else f"{start}{''.join(children)}</{tag}>"


bodies = st.recursive(
    st.one_of(words.map(escape), comments),
    lambda inner: st.builds(an_element, tags, values, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(bodies)
def test_a_page_is_refused_or_keeps_every_word_comment_and_attribute(body):
    page = a_page(body, css="p, td, a { color: red; width: 100% } [class] { margin: 0 }")

    with suppress(PressError):
        inlined = inline(page)

        assert from_html(spaced(inlined)) == from_html(spaced(page))
        assert Reading(inlined).comments == Reading(page).comments
        assert Reading(inlined).tags == Reading(page).tags


def spaced(html: str) -> str:
    """With a blank at every end of a block, written out or not."""
    return re.sub("<(?=/?(?:p|div|ul|li|table|tr|td|h2|blockquote|br|pre)[ >])", " <", html)
