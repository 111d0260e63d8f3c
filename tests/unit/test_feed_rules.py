"""The rules of feeds: a good site keeps them all, and a site that is broken in one way breaks that one rule."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.render.feed.rules import ENCODED, OPML, RULES, Facts, Finding, Printed, examine
from publisher.render.preflight import Verdict

URL = "https://journal.example"
PAGE_2 = f"{URL}/feeds/world/archive-2.xml"
FACTS = Facts(URL, datetime(2026, 11, 20, 12, tzinfo=UTC), timedelta(minutes=5), 250_000)
TAG = "tag:journal.example,2026-01-01:articles"
ONE, TWO = f"{TAG}/1", f"{TAG}/2"
PICTURE = f"{URL}/images/1.jpg"
BODY = (
    f'<figure><img src="{PICTURE}" alt="A harbour"><figcaption>Low water. Photo by Ada</figcaption></figure>'
    '<p>The port <a href="https://journal.example/articles/3.html">reopens</a>.</p>'
)
ESCAPED = BODY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
MEDIA = (
    f'<media:content url="{PICTURE}" medium="image" type="image/jpeg" width="800" height="450">'
    '<media:title type="plain">A harbour</media:title><media:credit>Photo by Ada</media:credit></media:content>'
    f'<media:thumbnail url="{PICTURE}"/>'
)

RSS = f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/css" href="{URL}/feeds/feed.css"?>
<rss xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
 xmlns:thr="http://purl.org/syndication/thread/1.0"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" version="2.0"><channel><title>World</title>
<link>{URL}/</link><description>News of the world</description><language>en</language>
<lastBuildDate>Fri, 20 Nov 2026 09:00:00 +0000</lastBuildDate><docs>https://www.rssboard.org/rss-specification</docs>
<ttl>5</ttl><image><url>{URL}/logo.png</url><title>World</title><link>{URL}/</link><width>88</width></image>
<atom:link href="{URL}/feeds/world/rss.xml" rel="self" type="application/rss+xml"/>
<atom:link href="https://hub.example/" rel="hub"/>
<atom:link href="{URL}/feeds/world/archive-2.xml" rel="prev-archive"/>
<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>12</sy:updateFrequency>
<item><title>Ports reopen</title><link>{URL}/articles/1.html</link><description>Ships at last</description>
<content:encoded>{ESCAPED}</content:encoded><guid isPermaLink="false">{ONE}</guid>
<pubDate>Fri, 20 Nov 2026 08:00:00 +0000</pubDate><dc:creator>Ada Writer</dc:creator><dc:language>en</dc:language>
<dcterms:modified>2026-11-20T09:00:00+00:00</dcterms:modified><slash:comments>3</slash:comments>{MEDIA}
<enclosure url="{URL}/1.mp3" length="9" type="audio/mpeg"/></item>
<item><title>Tea &amp; rain</title><link>{URL}/articles/2.html</link><description>Wet &amp;amp; hot</description>
<guid isPermaLink="false">{TWO}</guid><pubDate>Thu, 19 Nov 2026 08:00:00 +0000</pubDate></item>
</channel></rss>
"""
ATOM_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"
 xmlns:fh="http://purl.org/syndication/history/1.0" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:thr="http://purl.org/syndication/thread/1.0" xml:lang="en">
<id>tag:journal.example,2026-01-01:feeds/world</id><title>World</title><subtitle>News of the world</subtitle>
<updated>2026-11-20T09:00:00Z</updated><author><name>The Journal</name><uri>{URL}/</uri></author>
<link href="{URL}/" rel="alternate" type="text/html"/>
"""
ATOM = f"""{ATOM_HEAD}<link href="{URL}/feeds/world/atom.xml" rel="self" type="application/atom+xml"/>
<link href="https://hub.example/" rel="hub"/><link href="{URL}/feeds/world/archive-2.xml" rel="prev-archive"/>
<at:deleted-entry ref="{TAG}/9" when="2026-11-18T09:00:00Z"/>
<entry xml:lang="en"><id>{ONE}</id><title>Ports reopen</title><updated>2026-11-20T09:00:00Z</updated>
<published>2026-11-20T08:00:00Z</published><author><name>Ada Writer</name></author>
<link href="{URL}/articles/1.html" rel="alternate" type="text/html"/>
<link href="{URL}/1.mp3" rel="enclosure" length="9" type="audio/mpeg"/>
<link href="{URL}/talk/1" rel="replies" type="text/html" thr:count="3"/><thr:total>3</thr:total>
<category term="world" label="World"/><summary>Ships at last</summary>
<content type="html">{ESCAPED}</content>{MEDIA}</entry>
<entry><id>{TWO}</id><title>Tea &amp; rain</title><updated>2026-11-19T08:00:00Z</updated>
<published>2026-11-19T08:00:00Z</published><link href="{URL}/articles/2.html" rel="alternate" type="text/html"/>
<summary>Wet &amp; hot</summary></entry>
</feed>
"""


def an_archive(number: int, previous: str = "") -> str:
    link = f'<link href="{URL}/feeds/world/{previous}" rel="prev-archive"/>' if previous else ""
    return f"""{ATOM_HEAD}<link href="{URL}/feeds/world/archive-{number}.xml" rel="self"/><fh:archive/>
<link href="{URL}/feeds/world/atom.xml" rel="current"/>{link}
<entry><id>{TAG}/old-{number}</id><title>Old {number}</title><updated>2026-11-0{number}T08:00:00Z</updated>
<link href="{URL}/articles/old-{number}.html" rel="alternate" type="text/html"/><summary>Old</summary></entry></feed>
"""


JSON: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "World",
    "home_page_url": f"{URL}/",
    "feed_url": f"{URL}/feeds/world/feed.json",
    "language": "en",
    "authors": [{"name": "The Journal", "url": f"{URL}/"}],
    "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
    "items": [
        {
            "id": ONE,
            "url": f"{URL}/articles/1.html",
            "title": "Ports reopen",
            "content_html": BODY,
            "summary": "Ships at last",
            "image": PICTURE,
            "date_published": "2026-11-20T08:00:00+00:00",
            "date_modified": "2026-11-20T14:00:00+05:00",
            "authors": [{"name": "Ada Writer"}],
            "tags": ["World"],
            "language": "en",
            "attachments": [{"url": f"{URL}/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 9}],
        },
        {
            "id": TWO,
            "url": f"{URL}/articles/2.html",
            "title": "Tea & rain",
            "content_text": "Wet & hot",
            "summary": "Wet & hot",
            "date_published": "2026-11-19T08:00:00Z",
            "_ours": {"kept": True},
        },
    ],
}
LIST = f"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>The Journal</title><dateCreated>Thu, 01 Jan 2026 00:00:00 +0000</dateCreated>
<ownerId>{URL}/</ownerId><docs>http://opml.org/spec2.opml</docs></head><body><outline text="Sections">
<outline text="World" type="rss" xmlUrl="{URL}/feeds/world/rss.xml" htmlUrl="{URL}/" language="en"/>
</outline></body></opml>
"""
WORLD = "feeds/world/"
R, A, J = f"{WORLD}rss.xml", f"{WORLD}atom.xml", f"{WORLD}feed.json"
P, N, L = f"{WORLD}archive-1.xml", f"{WORLD}archive-2.xml", OPML
GOOD: dict[str, str] = {
    R: RSS, A: ATOM, J: json.dumps(JSON, ensure_ascii=False, indent=1), P: an_archive(1),
    N: an_archive(2, "archive-1.xml"), L: LIST,
}  # fmt: skip


def pressed(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content, mtime=0)
    return brotli.compress(content) if suffix == ".br" else zstandard.compress(content)


def on_disk(texts: Mapping[str, str | bytes]) -> dict[str, Printed]:
    found = {}
    for path, text in texts.items():
        content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        found[path] = Printed(content, 7)
        found |= {path + suffix: Printed(pressed(content, suffix), 7) for suffix in ENCODED}
    return found


def judged(files: Mapping[str, Printed], facts: Facts = FACTS) -> list[Finding]:
    folders: dict[str, dict[str, Printed]] = {}
    for path, printed in files.items():
        folders.setdefault(path.rpartition("/")[0], {})[path] = printed
    return list(examine(folders.values(), facts))


def broken(path: str, change: Callable[[str], str | bytes]) -> dict[str, Printed]:
    changed = change(GOOD[path])
    assert changed != GOOD[path], "the case changes nothing"
    return on_disk({**GOOD, path: changed})


def swap(old: str, new: str, times: int = 1) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, times) if old in text else text


def body(markup: str) -> Callable[[str], str]:
    """The text of the first entry of RSS with markup after it."""
    escaped = markup.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return swap(ESCAPED, ESCAPED + escaped)


def feed(**changes: Any) -> Callable[[str], str]:
    return lambda text: json.dumps({key: value for key, value in {**JSON, **changes}.items() if value is not None})


def item(**changes: Any) -> Callable[[str], str]:
    first = {key: value for key, value in {**JSON["items"][0], **changes}.items() if value is not None}
    return feed(items=[first, JSON["items"][1]])


OF_ONE_FILE = {rule.name for rule in RULES} - {"agreement", "archive", "hubs", "tombstones"}
# The rule that breaks, the file, and how; a fault in one format is often one of the agreement too.
CASES: list[tuple[str, str, Callable[[str], str | bytes]]] = [
    ("readable", R, swap("</item>", "")),
    ("readable", R, swap("Ports", "Ports\x0b")),
    ("readable", R, swap("Ports", "Ports&#11;")),
    ("readable", R, swap("Ports", "\ufffe")),
    ("readable", A, swap("Ports", "\ud800")),
    ("readable", A, lambda text: text.encode().replace(b"Ports", b"Ports \xe9")),
    ("readable", A, lambda text: text.replace("UTF-8", "ISO-8859-1").encode("latin-1")),
    ("readable", A, swap("<feed", '<!DOCTYPE feed [<!ENTITY x "y">]><feed')),
    ("readable", R, lambda text: text.replace("<rss", "<rdf").replace("</rss", "</rdf")),
    ("readable", A, swap('"http://www.w3.org/2005/Atom"', '"http://purl.org/atom/ns#"')),
    ("readable", J, swap('"World"', "NaN")),
    ("readable", J, lambda text: text[:-9]),
    ("readable", J, swap('"title"', '"title": "x", "title"')),
    ("readable", J, lambda text: "[]"),
    ("readable", J, feed(items={"one": 1})),
    ("sniff", R, swap("<rss", f"<!-- {'x' * 600} -->\n<rss")),
    ("sniff", A, lambda text: "\ufeff" + text),
    ("structure", R, swap('version="2.0"><channel>', 'version="0.92"><channel>')),
    ("structure", R, swap("<description>News of the world</description>", "")),
    ("structure", R, swap("<ttl>5</ttl>", "")),
    ("structure", R, swap("<language>", "<language>en</language><language>")),
    ("structure", R, swap("<ttl>", "<guid>x</guid><ttl>")),
    ("structure", R, swap("<guid", "<Guid/><guid")),
    ("structure", R, swap("</item>\n</channel>", "</item><category>x</category></channel>")),
    ("structure", R, swap(f"<link>{URL}/</link><width>", f"<link>{URL}</link><width>")),
    ("structure", R, swap("<width>88<", "<width>1440<")),
    ("structure", R, swap(f"<url>{URL}/logo.png</url>", "")),
    ("structure", R, swap("<pubDate>", "<dc:date>2026-11-20T08:00:00Z</dc:date><pubDate>")),
    ("structure", R, swap("<content:encoded>", "<content:encoded>x</content:encoded><content:encoded>")),
    ("structure", R, lambda text: text.replace("<description>Ships at last</description>", "").replace(
        "<guid", "<description>Ships at last</description><guid", 1)),
    ("structure", R, swap('length="9"', 'length=""')),
    ("structure", R, swap('type="audio/mpeg"', 'type="mp3"')),
    ("structure", A, swap("<title>World</title>", "<title>World</title><title>World</title>")),
    ("structure", A, swap("<updated>2026-11-19T08:00:00Z</updated>", "")),
    ("structure", A, swap("<published>", "<pubDate/><published>")),
    ("structure", A, swap(f"<author><name>The Journal</name><uri>{URL}/</uri></author>", "")),
    ("structure", A, swap("<name>The Journal</name>", "")),
    ("structure", A, swap('term="world" ', "")),
    ("structure", A, swap("</entry>\n</feed>", "</entry><rights>x</rights></feed>")),
    ("structure", A, swap('rel="enclosure" length="9" type="audio/mpeg"', 'type="text/html"')),
    ("structure", A, swap('length="9"', "")),
    ("structure", A, swap('type="text/html"', 'type="html"')),
    ("structure", A, swap('rel="hub"', 'rel="hub" hreflang="x y"')),
    ("structure", A, swap(f'<link href="{URL}/talk/1"', '<link')),
    ("structure", J, feed(version="https://jsonfeed.org/version/1")),
    ("structure", J, feed(expired="no")),
    ("structure", J, feed(next_url=f"{URL}/feeds/world/feed.json")),
    ("structure", J, feed(author={"name": "x"})),
    ("structure", J, feed(hubs=[{"url": "https://hub.example/"}])),
    ("structure", J, feed(authors=[{}])),
    ("structure", J, item(content_html=None, image=None)),
    ("structure", J, item(summary="")),
    ("structure", J, item(tags=["World", None])),
    ("structure", J, item(attachments=[{"url": f"{URL}/1.mp3"}])),
    ("structure", J, item(attachments=[{"url": f"{URL}/1.mp3", "mime_type": "mp3"}])),
    ("structure", J, item(attachments=[{"url": f"{URL}/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": True}])),
    ("types", A, swap('<content type="html">', '<content type="CDATA">')),
    ("types", A, swap('<content type="html">', "<content>")),
    ("types", A, swap("<title>Ports", '<title type="html">Ports')),
    ("ids", R, swap(ONE, f"{URL}/articles/1")),
    ("ids", R, swap(ONE, TWO)),
    ("ids", R, swap(' isPermaLink="false"', "")),
    ("ids", A, swap("<id>tag:journal.example,2026-01-01:feeds/world", "<id>feeds/world")),
    ("ids", A, swap(f"{ONE}<", f"{ONE} <")),
    ("ids", A, swap(f"{ONE}<", f"{ONE}ß<")),
    ("ids", J, item(id="tag:journal.example,26:articles/1")),
    ("dates", R, swap("20 Nov 2026 08:00:00 +0000", "20 Nov 26 08:00:00 +0000")),
    ("dates", R, swap("Fri, 20 Nov 2026 08:00:00 +0000", "Sat, 20 Nov 2026 08:00:00 +0000")),
    ("dates", R, swap("Fri, 20 Nov 2026 08:00:00 +0000", "Fri, 20 Nov 2026 13:45:00 +0545")),
    ("dates", R, swap("Fri, 20 Nov 2026 08:00:00 +0000", "2026-11-20T08:00:00Z")),
    ("dates", R, swap("Fri, 20 Nov 2026 08:00:00 +0000", "Fri, 31 Nov 2026 08:00:00 +0000")),
    ("dates", R, swap("2026-11-20T09:00:00+00:00", "2026-11-20T09:00:00")),
    ("dates", A, swap("<published>2026-11-20T08:00:00Z", "<published>2026-11-20T08:00:00")),
    ("dates", A, swap("<published>2026-11-20T08:00:00Z", "<published>2026-11-20 08:00:00Z")),
    ("dates", A, swap("<published>2026-11-20T08:00:00Z", "<published>1969-11-20T08:00:00Z")),
    ("dates", A, swap('when="2026-11-18T09:00:00Z"', 'when="yesterday"')),
    ("dates", J, item(date_modified="2026-11-20T19:00:00Z")),
    ("dates", J, item(date_modified="2026-02-30T19:00:00Z")),
    ("dates", J, item(date_modified="2026-11-20")),
    ("chronology", A, swap("T09:00:00Z</updated>\n<published>", "T07:00:00Z</updated>\n<published>")),
    ("chronology", A, swap("<updated>2026-11-20T09:00:00Z", "<updated>2026-11-20T08:59:59Z")),
    ("chronology", R, swap("<lastBuildDate>Fri, 20 Nov 2026 09", "<lastBuildDate>Fri, 20 Nov 2026 08")),
    ("chronology", J, feed(items=JSON["items"][::-1])),
    ("self", R, swap("feeds/world/rss.xml", "feeds/rss.xml")),
    ("self", A, swap('rel="self"', 'rel="via"')),
    ("self", J, feed(feed_url=None)),
    ("alternate", A, swap('rel="alternate" type="text/html"', 'rel="via"')),
    ("alternate", A, swap(f'<link href="{URL}/articles/2.html" rel="alternate" type="text/html"/>', "")),
    ("alternate", J, feed(home_page_url=None)),
    ("addresses", R, swap(f"{URL}/articles/1.html", "javascript:alert(1)")),
    ("addresses", R, swap(f"{URL}/articles/1.html", "/articles/1.html")),
    ("addresses", R, swap(f"{URL}/articles/1.html", f"{URL}/articles/a b.html")),
    ("addresses", R, swap(f"{URL}/articles/1.html", f"{URL}/articles/1.html\n")),
    ("addresses", A, swap(f"{URL}/talk/1", "https://bücher.example/")),
    ("addresses", A, swap(f"<uri>{URL}/", "<uri>desk@journal.example")),
    ("addresses", A, swap(f"{URL}/talk/1", f"{URL}/талк")),
    ("addresses", A, swap(f"{URL}/talk/1", f"{URL}/%zz")),
    ("addresses", J, item(external_url="mailto:desk@journal.example")),
    ("addresses", J, item(attachments=[{"url": "1.mp3", "mime_type": "audio/mpeg"}])),
    ("titles", R, swap("Ports reopen", "Ports &lt;em&gt;reopen&lt;/em&gt;")),
    ("titles", R, swap("Ports reopen", "Ports &amp;amp; reopen")),
    ("titles", A, swap("Ports reopen", "Ports &amp;#8217; reopen")),
    ("titles", A, swap("Ports reopen", " ")),
    ("titles", R, swap("<title>World", "<title>")),
    ("titles", J, item(title="Ports\nreopen")),
    ("summaries", R, swap("<description>Wet &amp;amp; hot</description>", "<description/>")),
    ("summaries", A, swap("Ships at last", "Ships &lt;b&gt;at&lt;/b&gt; last")),
    ("summaries", J, item(summary="Ships &nbsp; at last")),
    ("authors", R, swap("Ada Writer", "Ada Writer &lt;ada@journal.example&gt;")),
    ("authors", A, swap("<name>Ada Writer</name>", "<name>Ada Writer</name><email>ada@journal.example</email>")),
    ("authors", A, swap("<name>Ada Writer</name>", "<name> </name>")),
    ("authors", J, feed(authors=[{"name": "desk@journal.example"}])),
    ("language", R, swap("<language>en", "<language>English (British)")),
    ("language", A, swap(' xml:lang="en">\n<id>tag', ">\n<id>tag")),
    ("language", J, item(language="en_GB")),
    ("characters", R, swap("Ports", "Ports\x92")),
    ("characters", A, swap("Ports", "Ports&#x92;")),
    ("characters", R, swap("reopens", "re\ufdd0opens")),
    ("characters", R, body("<p>re\x80opens</p>")),
    ("characters", J, item(title="Ports \ud800")),
    ("characters", J, item(title="Ports \x0b")),
    ("bidi", A, swap("Ports", "\u202ePorts")),
    ("bidi", R, body("<p>\u2067three</p>")),
    ("bidi", J, item(summary="\u2066two\u2066 one\u2069")),
    ("relative", R, body('<img src="/2.jpg" alt="">')),
    ("relative", R, body('<a href="articles/2.html">x</a>')),
    ("relative", R, body('<a href="//elsewhere.example/">x</a>')),
    ("relative", R, body('<img srcset="/2.jpg 2x" alt="">')),
    ("relative", R, body('<blockquote cite="#here">x</blockquote>')),
    ("relative", R, body('<a href="https://elsewhere.example/a b">x</a>')),
    ("unsafe", R, body("<script>steal()</script>")),
    ("unsafe", R, body('<iframe src="https://elsewhere.example/"></iframe>')),
    ("unsafe", R, body('<p onclick="steal()">x</p>')),
    ("unsafe", R, body('<p style="position:fixed">x</p>')),
    ("unsafe", R, body("<style>p { color: red }</style>")),
    ("unsafe", R, body('<form action="/steal"></form>')),
    ("unsafe", R, body('<a href="javascript:steal()">x</a>')),
    ("unsafe", R, body('<a href=" java\nscript:steal()">x</a>')),
    ("unsafe", R, body('<img src="data:image/png;base64,AAAA" alt="">')),
    ("unsafe", J, item(content_html=f"{BODY}<script src='https://elsewhere.example/x.js'></script>")),
    ("unsafe", A, swap(ESCAPED, f"{ESCAPED}&lt;base href='https://elsewhere.example/'&gt;")),
    ("html", R, body("<o:p>x</o:p>")),
    ("html", R, body("<!--[if mso]><p>x</p><![endif]-->")),
    ("html", R, body("<div>x")),
    ("html", R, body("x</div>")),
    ("html", R, body("<!DOCTYPE html>")),
    ("image", R, swap(ESCAPED, ESCAPED * 2)),
    ("image", R, swap(ESCAPED, "&lt;p&gt;The port reopens. Photo by Ada&lt;/p&gt;")),
    ("image", R, swap(' alt="A harbour"', "")),
    ("image", R, swap("Low water. Photo by Ada", "Low water.")),
    ("image", A, swap("plain\">A harbour", "plain\">A ship")),
    ("image", J, item(image=f"{URL}/images/2.jpg")),
    ("media", R, swap('type="image/jpeg"', 'type="image/png"')),
    ("media", R, swap('type="image/jpeg"', 'type="text/html"')),
    ("media", R, swap('type="image/jpeg"', 'type="jpeg"')),
    ("media", A, swap('width="800"', 'width="800px"')),
    ("media", A, swap('medium="image"', 'medium="picture"')),
    ("media", A, swap("<media:credit>Photo by Ada<", "<media:credit><")),
    ("media", A, swap('type="plain"', 'type="text"')),
    ("media", A, swap(f'<media:thumbnail url="{PICTURE}"/>', "<media:thumbnail/>")),
    ("media", A, swap(f'<media:thumbnail url="{PICTURE}"/>', "<media:group/>")),
    ("polling", R, swap("<ttl>5<", "<ttl>60<")),
    ("polling", R, swap("sy:updatePeriod", "sy:UpdatePeriod", 2)),
    ("polling", R, swap(">hourly<", ">Hourly<")),
    ("polling", R, swap(">12<", ">0<")),
    ("replies", R, swap("<slash:comments>3", "<slash:comments>three")),
    ("replies", R, swap("<slash:comments>3</slash:comments>", "<thr:total>-1</thr:total>")),
    ("replies", A, swap('thr:count="3"', 'thr:count=""')),
    ("replies", A, swap('rel="replies"', 'rel="related"')),
    ("replies", A, swap("<thr:total>3</thr:total>", "<thr:in-reply-to/>")),
    ("size", R, swap("</channel>", f"{' ' * 250_000}</channel>")),
    ("size", A, swap("</feed>", f"{' ' * 1_000_000}</feed>")),
    ("size", P, swap("</feed>", f"{' ' * 1_000_000}</feed>")),
    ("agreement", R, swap("Ports reopen", "Ports close")),
    ("agreement", A, swap("<published>2026-11-20T08:00:00Z", "<published>2026-11-20T08:00:00+05:00")),
    ("agreement", J, item(date_modified="2026-11-20T09:30:00Z")),
    ("agreement", J, item(authors=[{"name": "Bob"}])),
    ("agreement", J, item(content_html=BODY + "<p>More.</p>")),
    ("agreement", J, feed(items=JSON["items"][:1])),
    ("agreement", J, feed(items=[])),
    ("agreement", J, item(language="ur")),
    ("agreement", J, item(url=f"{URL}/articles/3.html")),
    ("agreement", J, feed(language="ur")),
    ("agreement", A, swap(f'href="{URL}/"', f'href="{URL}/world"')),
    ("hubs", J, feed(hubs=None)),
    ("hubs", A, swap("https://hub.example/", "https://other.example/")),
    ("hubs", P, swap("<fh:archive/>", '<fh:archive/><link rel="hub" href="https://hub.example/"/>')),
    ("archive", P, swap("<fh:archive/>", "")),
    ("archive", A, swap("<at:deleted", "<fh:archive/><at:deleted")),
    ("archive", P, swap('rel="current"', 'rel="related"')),
    ("archive", N, swap("archive-1.xml", "archive-7.xml")),
    ("archive", N, swap(f'<link href="{URL}/feeds/world/archive-1.xml" rel="prev-archive"/>', "")),
    ("archive", P, swap("<fh:archive/>", f'<fh:archive/><link rel="prev-archive" href="{PAGE_2}"/>')),
    ("archive", P, swap("old-1</id>", "old-2</id>")),
    ("archive", R, swap("archive-2.xml", "archive-1.xml")),
    ("tombstones", A, swap(f'ref="{TAG}/9"', f'ref="{TWO}"')),
    ("tombstones", A, swap(f'ref="{TAG}/9"', f'ref="{TAG}/old-1"')),
    ("tombstones", A, swap(f'ref="{TAG}/9"', "")),
    ("tombstones", A, swap(' when="2026-11-18T09:00:00Z"', "")),
    ("opml", L, swap("</head>", "")),
    ("opml", L, swap('version="2.0"', 'version="1.0"')),
    ("opml", L, swap("<title>The Journal</title>", "<title/>")),
    ("opml", L, swap("<title>", "<colour/><title>")),
    ("opml", L, swap("<title>", "<ownerEmail>a@journal.example</ownerEmail><title>")),
    ("opml", L, swap("Thu, 01 Jan 2026", "Fri, 01 Jan 2026")),
    ("opml", L, swap(f"<ownerId>{URL}/", "<ownerId>desk")),
    ("opml", L, swap('text="World"', 'text=""')),
    ("opml", L, swap('text="World"', 'text="&lt;b&gt;World&lt;/b&gt;"')),
    ("opml", L, swap('type="rss"', 'type="atom"')),
    ("opml", L, swap(f'xmlUrl="{URL}/feeds/world/rss.xml"', "")),
    ("opml", L, swap("world/rss.xml", "economy/rss.xml")),
    ("opml", L, swap(URL, "https://other.example", 99)),
    ("opml", L, swap('language="en"', 'language="en_GB"')),
    ("opml", L, swap('htmlUrl="https://journal.example/"', 'htmlUrl="/"')),
    ("opml", L, swap("<body>", f'<body><outline text="Again" type="rss" xmlUrl="{URL}/feeds/world/rss.xml"/>')),
    ("opml", L, lambda text: text[: text.index("<body>")] + "<body/></opml>"),
    ("opml", L, lambda text: text.replace("</head><body>", "</head><head/><body>")),
]  # fmt: skip


def test_a_good_site_keeps_every_rule():
    assert judged(on_disk(GOOD)) == []


@pytest.mark.parametrize(("rule", "path", "change"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_what_is_broken_in_one_way_breaks_that_rule(rule, path, change):
    found = judged(broken(path, change))

    at = {path} if rule in OF_ONE_FILE else set(GOOD)
    assert [one for one in found if one.rule == rule and one.file in at], found
    assert all(one.detail and one.reference for one in found)


@pytest.mark.parametrize("title", ["Ports &lt;b&gt;reopen&lt;/b&gt;", "Ports &amp;amp; reopen"])
def test_markup_in_a_title_may_be_meant(title):
    found = judged(broken(A, swap("Ports reopen", title)))

    assert {one.verdict for one in found if one.rule == "titles"} == {Verdict.WARN}


@pytest.mark.parametrize("summary", ["A &lt; b &amp; &lt;em&gt;", "Wet &amp; hot &amp;amp;"])
def test_a_summary_of_rss_is_html_and_must_be_escaped_as_such(summary):
    as_html = summary.replace("&", "&amp;")
    good = {**GOOD, A: ATOM.replace("Ships at last", summary), J: GOOD[J].replace("Ships at last", unescape(summary))}

    right = judged(on_disk({**good, R: RSS.replace("Ships at last", as_html)}))
    wrong = judged(on_disk({**good, R: RSS.replace("Ships at last", summary)}))

    assert [one for one in right if one.verdict is Verdict.FAIL] == []
    assert [one for one in wrong if one.verdict is Verdict.FAIL and one.rule in ("summaries", "agreement")]


def test_every_rule_has_a_case_that_breaks_it():
    tested = {rule for rule, _, _ in CASES} | {"feed-ids", "compressed"}

    assert tested == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.sentence.endswith(".") and rule.reference for rule in RULES)


def test_a_finding_names_the_entry_by_its_id():
    [found] = judged(broken(R, body("<o:p>x</o:p>")))[:1]

    assert (found.file, found.entry, found.rule, found.verdict) == (R, ONE, "html", Verdict.FAIL)
    assert "o:p" in found.detail


def test_two_feeds_with_one_id_are_told_apart():
    files = {path: text for path, text in GOOD.items() if path in (A, P, N, L)}
    other = ATOM.replace("feeds/world/", "feeds/asia/")
    files |= {"feeds/asia/atom.xml": other, L: LIST.replace("rss.xml", "atom.xml")}

    rules = {(one.rule, one.file) for one in judged(on_disk(files))}

    assert ("feed-ids", "feeds/asia/atom.xml") in rules
    assert ("opml", L) in rules, "nor does the list lead to it"


def test_a_site_without_its_list_of_feeds_is_told():
    files = {path: text for path, text in GOOD.items() if path != L}

    assert [(one.file, one.rule, one.detail) for one in judged(on_disk(files))] == [(L, "opml", "it is missing")]


@pytest.mark.parametrize("suffix", ENCODED)
def test_a_compressed_file_is_the_same_and_as_old(suffix):
    good = on_disk(GOOD)

    lost = {path: one for path, one in good.items() if path != R + suffix}
    assert [(one.file, one.rule) for one in judged(lost)] == [(R, "compressed")]
    for change in (
        {R + suffix: Printed(pressed(b"other", suffix), 7)},
        {R + suffix: Printed(good[R + suffix].content[:-9], 7)},
        {R + suffix: Printed(b"nothing of the kind", 7)},
        {R + suffix: replace(good[R + suffix], mtime=6)},
        {f"{WORLD}archive-8.xml{suffix}": good[R + suffix]},
    ):
        [found] = judged({**good, **change})
        assert (found.file, found.rule) == (next(iter(change)), "compressed")


def test_a_large_feed_is_a_warning_until_only_summaries_are_left():
    small = replace(FACTS, max_bytes=100)
    bare = {path: text for path, text in GOOD.items() if path in (R, L)}
    bare[R] = RSS.replace(f"<content:encoded>{ESCAPED}</content:encoded>", "").replace(
        f'<atom:link href="{URL}/feeds/world/archive-2.xml" rel="prev-archive"/>', ""
    )

    assert {(one.rule, one.verdict) for one in judged(on_disk(GOOD), small)} == {("size", Verdict.WARN)}
    assert judged(on_disk(bare), small) == []
    [hard] = judged(on_disk({**bare, R: bare[R].replace("</rss>", f"{' ' * 1_000_000}</rss>")}), small)
    assert (hard.rule, hard.verdict) == ("size", Verdict.FAIL)


def test_an_embargoed_story_is_found_out():
    early = replace(FACTS, now=datetime(2026, 11, 20, 7, tzinfo=UTC))

    assert {(one.rule, one.entry) for one in judged(on_disk(GOOD), early)} >= {("dates", ONE)}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_no_file_however_broken_makes_it_raise(path, data):
    content = GOOD[path].encode()
    at = data.draw(st.integers(0, len(content)))
    size = data.draw(st.integers(0, 40))

    changed = content[:at] + data.draw(st.binary(max_size=8)) + content[at + size :]

    assert isinstance(judged(on_disk({**GOOD, path: changed})), list)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "url", "id"]), inner),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(JSON)), st.sampled_from(sorted(JSON["items"][0])), JSON_VALUES)
def test_no_type_in_json_makes_it_raise(key, inner, value):
    assert isinstance(judged(broken(J, lambda _: json.dumps({**JSON, key: value, "_": 1}))), list)
    assert isinstance(judged(broken(J, item(**{inner: value, "_x": 1}))), list)
