"""The inliner: premailer with its known faults closed, and nothing fetched."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.errors import PressError
from publisher.render.inline import inline


def a_page(body: str = "<p>Words</p>", *, css: str = "p { color: red }", head: str = "") -> str:
    return f"<!DOCTYPE html>\n<html><head><style>{css}</style>{head}</head><body>{body}</body></html>"


def kept(css: str) -> str:
    return f'<style data-premailer="ignore">{css}</style>'


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


@pytest.mark.parametrize("start", ["", "<!doctype html>\n", "\n<!DOCTYPE html>\n", "<!DOCTYPE html PUBLIC '-//W3C'>\n"])
def test_a_page_without_the_plain_doctype_is_refused(start):
    with pytest.raises(PressError, match="<!DOCTYPE html>"):
        inline(start + a_page().partition("\n")[2])


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
    ],
)
def test_rules_that_only_a_stylesheet_can_hold_are_kept_as_they_are(css):
    inlined = inline(a_page(head=kept(css)))

    assert f"<style>{css}</style>" in inlined
    assert '<p style="color:red">' in inlined


def test_comments_for_outlook_are_kept():
    ghost = '<!--[if mso]><table role="presentation" width="640"><tr><td><![endif]-->'

    assert f"{ghost}<p" in inline(a_page(f"{ghost}<p>Words</p><!--[if mso]></td></tr></table><![endif]-->"))


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

    assert "FromTheFile" not in inline(a_page(head=head.format(path=secret)))


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


def test_a_page_whose_words_would_get_lost_is_refused():
    """libxml2 drops what is nested deeper than 256, and all that follows."""
    with pytest.raises(PressError, match="changed the text near"):
        inline(a_page("<div>" * 300 + "deep" + "</div>" * 300 + "<p>and what follows</p>"))


def test_a_selector_that_the_inliner_cannot_read_is_an_error_for_the_editor():
    with pytest.raises(PressError, match="style"):
        inline(a_page(css='a[title="x,y"] { color: red }'))
