"""Articles made to break the press: none crashes it, each arrives harmless or is one clear line, the rest goes on."""

import json
import re
from email import message_from_bytes
from email.policy import default

import feedparser
import pytest
from lxml import etree, html

from tests.stories.newsroom import without_our_script

HEAD = "---\ntitle: {title}\ndate: 2026-11-19T08:00:00+05:00\n---\n"
DEEP = "<div>" * 300 + "deep" + "</div>" * 300
PICTURE = "data:image/png;base64," + "A" * 900_000

HARMLESS = {
    "script": ("Script", "<p onclick='steal()'>Visible</p><script>steal()</script>"),
    "addresses": ("Addresses", "[a](javascript:steal()) <a href='data:text/html,x'>b</a> <a href='vbscript:x'>c</a>"),
    "srcdoc": ("Srcdoc", "<iframe srcdoc='<script>steal()</script>' src='javascript:steal()'></iframe>Visible"),
    "bidi": ("Read \\u202egnihtyreve backwards", "Visible \u202e backwards"),
    "controls": ("Controls", "Vis\x0b\x0c\x08ible"),
    "entities": ("Entities", "<p>Visible &#xD800; &#0; &#11; &#xFFFE;</p>"),
    "deep": ("Deep", DEEP),
    "comment": ("Comment", "<p>Visible</p><!--[if mso]><p>steal()"),
    "closing": ("Closing", "</td></tr></table></div></body></html><p>Visible</p>"),
    "templates": ("{{ 7 * 7 }} {% raw %}", "{{ publication.url }} *|UNSUB|* %recipient% ${7*7}"),
    "long-title": ("word " * 4000, "Visible"),
    "data-image": ("Data image", f"<img src='{PICTURE}'>Visible"),
    "stylesheet": ("Stylesheet", "<style>@import url(http://169.254.169.254/);</style><link href=x>Visible"),
    "svg": ("Svg", "<svg onload='steal()'><script>steal()</script></svg>Visible"),
    "form": ("Form", "<form action='/steal'><input name='password'><button>Go</button></form>Visible"),
    "cdata": ("Ends ]]> here", "Visible ]]> <![CDATA[ x ]]> &lt;![CDATA["),
    "closes-style": ("</style></title><![endif]-->", "</textarea><plaintext>Visible"),
    "word": ("Word", "<o:p>Visible</o:p><p class=MsoNormal style='mso-x:y;position:fixed'>Visible</p>"),
    "characters": ("Emoji \U0001f469\u200d\U0001f4bb \ufffe\ufdd0", "Visible \x92 \u2028 \u2029 e\u0301"),
    "marks": ("Marks", "<!--[0.1]-->Visible<!--[/]--> <!--b0-->Visible"),
}  # fmt: skip
REPORTED = {
    "alias-bomb": ("---\na: &a [x, x]\nb: &b [*a, *a]\ntitle: [*b, *b]\n---\nText", "aliases"),
    "impossible-date": ("---\ntitle: Never\ndate: 2026-02-30\n---\nText", "date"),
    "wrong-encoding": (b"---\ntitle: Caf\xe9\n---\nText", "UTF-8"),
    "never-closes": ("---\ntitle: Open\nText", "never closes"),
    "huge": ("&" * 1_200_000, "characters long"),
}


@pytest.fixture
def attacked(newsroom):
    newsroom.article("world/good.md", "A good story", "Good words.")
    folder = newsroom.path / "articles/world"
    for name, (title, body) in HARMLESS.items():
        head = HEAD.format(title=json.dumps(title).replace("\\\\u", "\\u"))
        (folder / f"{name}.md").write_bytes((head + body).encode("utf-8", "surrogatepass"))
    for name, (content, _) in REPORTED.items():
        (folder / f"{name}.md").write_bytes(content if isinstance(content, bytes) else content.encode())
    return newsroom


def test_each_is_filed_harmless_or_one_clear_line(attacked):
    [report] = attacked.json("gather")

    assert report["new"] == len(HARMLESS) + 1
    said = {problem["where"].split(":")[0]: problem for problem in report["problems"]}
    assert set(said) == {f"world/{name}.md" for name in REPORTED}
    for name, (_, expected) in REPORTED.items():
        problem = said[f"world/{name}.md"]
        assert expected in problem["message"]
        assert re.match(r"world/[\w-]+\.md:\d+", problem["where"])


def test_feeds_pages_and_mail_of_them_are_well_formed_and_inert(attacked):
    attacked.readers("ada@example.org,{{ 7*7 }},*").run("gather")
    edition = attacked.json("editions", "build", "briefing")

    attacked.run("editions", "send", str(edition["id"]), "--yes")
    attacked.run("build")

    [file] = attacked.mail()
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert not message.defects
    texts = [message.get_body((kind,)).get_content() for kind in ("plain", "html")]
    assert all("A good story" in text and "{{ 7 * 7 }}" in text for text in texts)
    feeds = list((attacked.path / "site/feeds").rglob("*.xml"))
    for feed in feeds:
        etree.fromstring(feed.read_bytes())
        parsed = feedparser.parse(feed.read_bytes(), sanitize_html=False)
        assert not parsed.bozo, feed
        texts += [part["value"] for entry in parsed.entries for part in entry.get("content", ())]
    pages = [page.read_text() for page in (attacked.path / "site").rglob("*.html")]
    assert len(feeds) > 4
    assert len(pages) > len(HARMLESS)
    for text in (*texts[1:], *map(without_our_script, pages)):
        assert_inert(text)


def assert_inert(text: str) -> None:
    tree = html.fromstring(text, parser=html.HTMLParser(huge_tree=True))
    for element in tree.iter():
        assert element.tag not in ("script", "iframe", "object", "embed", "form", "svg", "base")
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE)
