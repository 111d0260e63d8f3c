"""Twenty inputs that break newsletters, each tried on a whole printed copy, cleaned where that is the answer."""

import asyncio
import re
import socket
import unicodedata
from dataclasses import replace
from email.header import decode_header
from pathlib import Path
from typing import Any

import httpx2
import pytest

from publisher.clean import article as cleaning
from publisher.clean.addresses import address
from publisher.errors import PressError
from publisher.model.article import Article, Author, Image, RawArticle
from publisher.model.delivery import OutcomeKind
from publisher.model.newsletter import Design, Mailbox
from publisher.pipeline.syndicate import Site
from publisher.render import mail
from publisher.render.mail import Post
from publisher.render.plate import load
from publisher.store import database, subscribers
from publisher.transports.smtp import SmtpTransport
from publisher.web.application import application
from tests.builders import NOW, a_newsletter, a_publication, an_article, subscribe, templates, tokens
from tests.servers import FaultServer, smtp_server
from tests.unit.test_mail import KEY, Printed, a_copy, a_delivery, press, rich, unsubscribe_url

FULL = a_newsletter(layout=Design.FULL)


def cleaned(title: str = "A headline", body: str = "<p>Some words.</p>", **fields: Any) -> Article:
    """What a source brought, as it is filed."""
    desk = cleaning.Desk(a_publication(), "world")
    found = cleaning.clean(RawArticle("1", title, body, "one.md:1", **fields), "desk", desk).article
    assert found is not None
    return found


def carried(copy, server: str = "aiosmtpd"):
    """The outcome at a real server, and what it got: one that takes SMTPUTF8, or one that does not."""

    async def carry(port: int):
        carrier = await SmtpTransport("127.0.0.1", port, "none").connect()
        try:
            return await carrier.carry(copy)
        finally:
            await carrier.close()

    if server == "aiosmtpd":
        with smtp_server() as (port, inbox):
            return asyncio.run(carry(port)), inbox.caught
    with FaultServer(lambda verb, line: "").running() as faulty:
        return asyncio.run(carry(faulty.port)), faulty.accepted


def words(printed: Printed) -> str:
    return " ".join(printed.tree.text_content().split())


def sound(printed: Printed) -> None:
    """What must hold whatever the article said."""
    body = printed.copy.message.partition(b"\r\n\r\n")[2]
    assert not printed.message.defects
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not re.search(rb"[^\x0a\x0d\x20-\x7e]", body)
    assert printed.page.count(unsubscribe_url(printed)) == 2
    assert unsubscribe_url(printed) in printed.text
    assert not printed.tree.cssselect("script, link, iframe, form, [onclick], [onerror], [onload], [onmouseover]")
    assert printed.page.rstrip().endswith("</html>")
    assert "Unsubscribe from The Briefing" in printed.tree.text_content()


def test_01_a_signed_address_of_four_hundred_characters_arrives_as_it_was_signed():
    printed = a_copy(publication=a_publication(url="https://journal.example/" + "p" * 320))

    outcome, [(_, arrived)] = carried(printed.copy)

    url = unsubscribe_url(printed)
    assert (outcome.kind, len(url) >= 390) == (OutcomeKind.ACCEPTED, True)
    assert f"\r\nList-Unsubscribe: <{url}>,\r\n".encode() in arrived
    assert arrived == printed.copy.message
    sound(printed)


LINE_ENDS = ("\u2028", "\u2029", "\r\n", "\n")


@pytest.mark.parametrize(
    ("control", "filed"),
    # What HTML has no place for is for the cleaning to take away.
    [*((one, True) for one in (*LINE_ENDS, "\0", "\x0b", "\x85")), *((one, False) for one in LINE_ENDS)],
)
def test_02_a_headline_with_a_line_end_or_a_nul_is_one_line_and_no_field(control, filed):
    headline = f"News{control}Bcc: victim@example.org"
    story = cleaned(headline) if filed else an_article(1, headline=headline)

    printed = a_copy([story])

    assert "Bcc" not in printed.message
    assert re.fullmatch("News.{0,2}Bcc: victim@example.org · The Briefing", printed.message["Subject"])
    sound(printed)


def test_03_a_subject_of_joined_emoji_german_and_chinese_is_cut_between_characters():
    headline = "Familie 👨‍👩‍👧‍👦 in der Straßenbahn nach Köln: 東京の路面電車が街を走る。 " * 3

    printed = a_copy([cleaned(headline)])

    subject = printed.message["Subject"]
    assert subject == f"{headline.strip()} · The Briefing"
    raw = re.search(rb"^Subject: [^\r]*(?:\r\n [^\r]*)*", printed.head, re.MULTILINE)[0]
    parts = [decode_header(word.decode())[0][0].decode() for word in re.findall(rb"=\?utf-8\?b\?\S+\?=", raw)]
    assert "".join(parts) == subject
    assert not [part for part in parts if part[0] in "\u200d\ufe0f" or part[-1] == "\u200d"]
    sound(printed)


@pytest.mark.parametrize("name", ['Doe, "Jane" <jane@work>', "a@b.example", "Müller, Åsa 漢字", "=?utf-8?q?Eve?="])
def test_04_a_display_name_stays_a_name(name):
    printed = a_copy(delivery=a_delivery(name=name), newsletter=a_newsletter(sender=Mailbox(name, "b@journal.example")))

    for field, mailbox in (("To", "ada@example.org"), ("From", "b@journal.example")):
        assert [(one.display_name, one.addr_spec) for one in printed.message[field].addresses] == [(name, mailbox)]
    sound(printed)


class Test05Addresses:
    @pytest.mark.parametrize("server", ["aiosmtpd", "without SMTPUTF8"])
    def test_05_a_domain_beyond_ascii_goes_to_every_server(self, server):
        recipient = address("a@bücher.example")

        printed = a_copy(delivery=a_delivery(address=recipient, name=""))
        outcome, arrived = carried(printed.copy, server)

        assert printed.message["To"] == recipient == "a@xn--bcher-kva.example"
        assert (outcome.kind, len(arrived)) == (OutcomeKind.ACCEPTED, 1)
        assert printed.head.isascii()

    @pytest.mark.parametrize(
        ("server", "kind"), [("aiosmtpd", OutcomeKind.ACCEPTED), ("without SMTPUTF8", OutcomeKind.REJECTED)]
    )
    def test_05_a_name_beyond_ascii_only_to_one_that_takes_it(self, server, kind):
        recipient = address("用户@例え.jp")

        printed = a_copy(delivery=a_delivery(address=recipient, name=""))
        outcome, arrived = carried(printed.copy, server)

        assert recipient == "用户@xn--r8jz45g.jp"
        assert f"\r\nTo: {recipient}\r\n".encode() in b"\r\n" + printed.head
        assert (outcome.kind, len(arrived)) == (kind, int(kind is OutcomeKind.ACCEPTED))


def test_06_what_a_paste_left_behind_is_read_as_it_was_meant():
    printed = a_copy([cleaned("It\x92s a \ud800\x93headline\x94", "<p>caf\x82 \udfff</p>", teaser="30 \x80\ud83d")])

    assert printed.headlines == ["It’s a “headline”"]
    assert "30 €" in printed.text
    assert not re.search("[\x80-\x9f\ud800-\udfff]", printed.text + printed.page)
    sound(printed)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_07_long_lines_dots_and_from_survive_smtp(language):
    text = "From here\n.\n..\nFrom there " + "x" * 2000
    story = replace(cleaned("From the desk", "<p>.</p><p>From here</p><pre>.\n..\nFrom</pre>"), teaser=text)
    if language == "ur":
        story = replace(story, headline="خلیج " * 40, teaser="." + "خلیج " * 100)

    printed = a_copy([story], newsletter=FULL)
    outcome, [(_, arrived)] = carried(printed.copy)

    assert (outcome.kind, arrived) == (OutcomeKind.ACCEPTED, printed.copy.message)
    assert not re.search(rb"^(\.|From )", printed.copy.message.partition(b"\r\n\r\n")[2], re.MULTILINE)
    sound(printed)


def test_08_two_hundred_articles_and_a_hundred_kilobytes_of_html_in_one_summary():
    huge = cleaned("Huge", teaser="<b>bold</b> and <i>more</i> " * 4000)
    articles = [huge, *(rich(1, headline=f"Story {number}.", slug=f"s{number}") for number in range(199))]

    printed = a_copy(articles)

    html = next(part for part in printed.message.walk() if part.get_content_type() == "text/html")
    assert len(html.get_payload(decode=True)) <= 90_000
    assert not [number for number in range(199) if f"Story {number}." not in printed.text]
    assert printed.headlines[0] == "Huge"
    sound(printed)


class Test09Css:
    @pytest.mark.parametrize(
        ("css", "says"),
        [
            (".x { color: red !important; }\n" * 600, "Gmail"),
            ("@media screen { @media (max-width: 1px) { p { color: red !important; } } }", "another rule"),
        ],
    )
    def test_09_a_sheet_that_gmail_would_drop_does_not_leave(self, css, says, tmp_path):
        (tmp_path / "templates/email").mkdir(parents=True)
        (tmp_path / "templates/email/head.css").write_text(css)
        pressed = press([an_article(1)])

        with pytest.raises(PressError, match=says):
            mail.make_plate(pressed.view, [], templates(root=tmp_path), digest=tokens().seal(KEY), now=NOW)

    def test_09_an_articles_own_sheet_is_dropped(self):
        printed = a_copy([cleaned(body=f"<style>{'p { color: red } ' * 2000}</style><p style='color: red'>x</p>")])

        assert "color: red }" not in printed.page
        sound(printed)


def test_10_nothing_that_an_article_names_is_opened(tmp_path):
    secret = tmp_path / "secret.css"
    secret.write_text("p { content: 'the secret' }")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        near = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        story = cleaned(
            body=f"<link rel=stylesheet href={near}><style>@import '{near}'; @import 'file://{secret}';</style>"
            f"<img src='{near}x.png'><img src='file://{secret}'><iframe src='file://{secret}'></iframe>"
            f"<link rel=stylesheet href=http://169.254.169.254/><p style='background: url(file://{secret})'>text</p>",
            image=Image(f"{near}lead.png", f"@import '{near}'"),
        )

        printed = a_copy([story], newsletter=FULL)

        with pytest.raises(BlockingIOError):
            listening.accept()
    assert not re.search("the secret|file:|169.254|@import url", printed.page)
    sound(printed)


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 300 + "deep" + "</div>" * 300 + "<p>after</p>",
        "<p>deep</p><!--[if mso]><table><tr><td>",
        "<p>deep</p><p>after</p></td></tr></table></body></html>",
        "<table><tr><td><p>deep<b>after",
        "<p>deep<!-- never closed <p>after",
        "<p>deep<![endif]--></p><p>after</p>",
        "<ul><li>deep<blockquote><p>after",
    ],
)
@pytest.mark.parametrize("other", [an_article(2)])
def test_11_broken_markup_ends_with_its_article(body, other):
    printed = a_copy([cleaned(body=body), other], newsletter=FULL)

    assert printed.headlines == ["A headline", "Story 2"]
    assert "deep" in words(printed)
    assert "deep" in printed.text
    sound(printed)


@pytest.mark.parametrize(
    "scheme", ["javascript:alert(1)", "JaVa\tScript:alert(1)", "data:text/html,<b>x", "vbscript:x"]
)
def test_12_a_link_that_acts_is_only_words(scheme):
    story = cleaned(
        "</style><script>alert(1)</script><![endif]-->",
        f'<p><a href="{scheme}">link</a></p>',
        url=scheme,
        comments=scheme,
        authors=(Author("Ada", "x", scheme, scheme),),
        image=Image(scheme, "alt"),
    )

    printed = a_copy([story], newsletter=FULL)

    assert printed.headlines == ["</style><script>alert(1)</script><![endif]-->"]
    targets = [one.get("href") or one.get("src") for one in printed.tree.cssselect("[href], [src]")]
    assert not [target for target in targets if not target.startswith("https://journal.example/")]
    sound(printed)


@pytest.mark.parametrize(
    "literal", ["{{ unsub }}", "{{ reader.unsubscribe_url }}", "*|UNSUB|*", "%recipient%", "{% raw %}"]
)
def test_13_what_other_programs_would_fill_in_is_print(literal):
    printed = a_copy([cleaned(f"A {literal} headline", f"<p>{literal}</p>", teaser=literal)], newsletter=FULL)

    assert printed.headlines == [f"A {literal} headline"]
    assert words(printed).count(literal) >= 3
    assert literal in printed.text
    sound(printed)


class Test14Directions:
    ARABIC = "اجتمع الوزراء في جنيف"

    def test_14_an_arabic_digest_with_an_english_headline(self):
        articles = [
            cleaned(self.ARABIC, language="ar"),
            cleaned("Ministers \u2067meet\u2069 (in Geneva) \u202eagain", language="en"),
        ]

        printed = a_copy(articles, publication=a_publication(language="ar"))

        [english] = [one for one in printed.tree.cssselect("h3, h4") if "Ministers" in one.text_content()]
        tongue = next(one for one in [english, *english.iterancestors()] if one.get("dir"))
        assert (printed.tree.get("dir"), tongue.get("dir"), tongue.get("lang")) == ("rtl", "ltr", "en")
        assert balanced(printed.text)
        assert balanced(printed.message["Subject"])

    def test_14_a_teaser_over_several_lines_is_kept_apart_on_each(self):
        printed = a_copy([cleaned(self.ARABIC, language="ar", teaser=f"{self.ARABIC}. " * 9)])

        assert balanced(printed.text)

    def test_14_a_list_from_the_right_in_a_section_from_the_left(self):
        body = f'<ul dir="rtl" lang="ar"><li>{self.ARABIC}</li></ul><p>English</p>'

        printed = a_copy([cleaned(body=body, language="en")], newsletter=FULL)

        [shelf] = printed.tree.cssselect('ul[dir="rtl"]')
        assert shelf.text_content().strip() == self.ARABIC
        sound(printed)


def balanced(text: str) -> bool:
    """Whether each line closes what it opens, so that the next is read in its own direction."""
    for line in text.split("\n"):
        names = [unicodedata.bidirectional(character) for character in line]
        opened = (
            sum(name in ("LRI", "RLI", "FSI") for name in names),
            sum(name in ("LRE", "RLE", "LRO", "RLO") for name in names),
        )
        if opened != (names.count("PDI"), names.count("PDF")):
            return False
    return True


PICTURES = ["no.jpg", "IMG_2034.JPG", "1x1.gif", "x.svg", "x.webp", "wide.jpg"]


class Test15Pictures:
    @pytest.mark.parametrize("name", PICTURES)
    def test_15_a_lead_picture_has_a_width_for_outlook_and_an_alt_if_only_an_empty_one(self, name):
        story = cleaned(image=Image(f"https://a.example/{name}", name if "IMG" in name else ""))

        printed = a_copy([story])

        for image in printed.tree.cssselect("img"):
            assert image.get("alt") is not None
            assert 0 < int(image.get("width")) <= 640
        sound(printed)

    def test_15_a_picture_within_a_text_too(self):
        body = (
            '<p>x</p><img src="https://a.example/x.jpg"><img src="https://a.example/y.jpg" width="4000" height="3000">'
        )

        printed = a_copy([cleaned(body=body)], newsletter=FULL)

        images = printed.tree.cssselect("div.prose img")
        assert [image.get("alt") for image in images] == ["", ""]
        assert all(int(image.get("width", 0)) <= 640 for image in images)

    def test_15_a_pixel_that_counts_readers_is_dropped(self):
        printed = a_copy(
            [cleaned(body='<p>x</p><img src="https://a.example/p.gif" width="1" height="1">')], newsletter=FULL
        )

        assert "p.gif" not in printed.page


@pytest.mark.parametrize("layout", Design)
def test_16_what_is_missing_leaves_no_hole(layout):
    bare = cleaned("Only a headline", "", published=None)

    printed = a_copy([bare], newsletter=a_newsletter(layout=layout))

    assert printed.headlines == ["Only a headline"]
    assert not printed.tree.cssselect("img")
    assert not re.search(r"None|\n\n\n\n", printed.text)
    assert not [one for one in printed.tree.iter("p", "h2", "h3", "h4", "li") if not one.text_content().strip()]
    assert not re.search("Asia|Economy|Climate", words(printed) + printed.text)
    sound(printed)


class Test17Twice:
    STORY = an_article(1, sections=("economy", "world"))

    @pytest.mark.parametrize("sections", [("*",), ("world", "economy"), ("world",), ("economy",)])
    def test_17_a_story_in_two_sections_is_printed_once(self, sections):
        printed = a_copy([self.STORY, an_article(2)], a_delivery(sections=sections))

        assert printed.headlines.count("Story 1") == 1
        assert printed.text.count("articles/story-1.html") == 1

    def test_17_an_edit_after_the_edition_froze_changes_no_copy(self):
        frozen = press([self.STORY]).plate.dump()
        before = press([self.STORY]).printer().print(a_delivery())

        edited = press([replace(self.STORY, headline="Corrected", teaser="Other words")])

        assert replace(edited, plate=load(frozen)).printer().print(a_delivery()) == before


def test_18_an_address_with_blanks_ampersands_and_a_name_beyond_ascii_leads_where_it_led():
    url = "https://bücher.example/ein artikel?utm_source=wire&a=1&b=é#anfang"
    story = cleaned(url=url, body=f'<p><a href="{url}">link</a></p>')

    printed = a_copy([story], newsletter=FULL)

    meant = "https://xn--bcher-kva.example/ein%20artikel?utm_source=wire&a=1&b=%C3%A9#anfang"
    assert story.url == meant
    assert {one.get("href") for one in printed.tree.cssselect("h2 a, div.prose a")} == {meant}
    assert f"\n{meant}\n" in printed.text
    sound(printed)


class Test19Bounces:
    """What comes back is told by its envelope; reading the reports themselves is `record`'s."""

    def test_19_each_copy_comes_back_under_a_name_of_its_own(self):
        printer = press([an_article(1)]).printer(Post(bounces="bounce@bounces.journal.example"))

        senders = [printer.print(a_delivery(id=number)).sender for number in (41, 42)]

        found = [
            tokens().read_bounce(re.fullmatch(r"bounce\+(.*)@bounces\.journal\.example", one)[1]) for one in senders
        ]
        assert found == [41, 42]

    @pytest.mark.parametrize("forged", ["41", "41-", "41-aaaaaaaaaaaaaaaa", "-" * 20, "", "41-{digest of 42}"])
    def test_19_a_forged_name_is_of_no_delivery(self, forged):
        forged = forged.replace("{digest of 42}", tokens().bounce(42).partition("-")[2])

        assert tokens().read_bounce(forged) is None


class Test20Unsubscribe:
    """RFC 8058 §3.2 at the application; `tests/stories/test_04_clockwork.py` clicks the link of a printed copy."""

    @pytest.fixture
    def asked(self, engine, tmp_path):
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org")
            subscribe(db, "ada@example.org", newsletter="weekend")
        publication = a_publication()
        newsletters = {name: a_newsletter(name=name) for name in ("briefing", "weekend")}
        site = Site(publication, newsletters, (), templates(publication), tmp_path, Path(tmp_path), NOW, tmp_path)
        app = application(engine, site, tokens(), lambda: NOW)

        def ask(method: str, token: str = "", **request: Any) -> httpx2.Response:
            async def once() -> httpx2.Response:
                async with httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app), base_url="https://journal.example"
                ) as http:
                    return await http.request(method, f"/unsubscribe/{token or self.token()}", **request)

            return asyncio.run(once())

        def active() -> list[str]:
            with database.reading(engine) as db:
                return [name for name in newsletters if subscribers.sections(db, "key-of-ada@example.org", name)]

        return ask, active

    @staticmethod
    def token(newsletter: str = "briefing") -> str:
        return tokens().links("key-of-ada@example.org", newsletter).unsubscribe

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_20_a_look_changes_nothing(self, asked, method):
        ask, active = asked

        assert ask(method).status_code == 200
        assert active() == ["briefing", "weekend"]

    @pytest.mark.parametrize(
        "request_of_a_scanner",
        [
            {},
            {"data": {}},
            {"data": {"List-Unsubscribe": "Two-Click"}},
            {"data": {"list-unsubscribe": "One-Click"}},
            {"json": {"List-Unsubscribe": "One-Click"}},
            {"params": {"List-Unsubscribe": "One-Click"}},
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
        ],
    )
    def test_20_a_post_without_the_words_of_one_click_changes_nothing(self, asked, request_of_a_scanner):
        ask, active = asked

        assert ask("POST", **request_of_a_scanner).status_code == 400
        assert active() == ["briefing", "weekend"]

    @pytest.mark.parametrize(
        "form", [{"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}]
    )
    def test_20_one_click_in_either_encoding_ends_one_newsletter_however_often_it_comes(self, asked, form):
        ask, active = asked

        answers = [ask("POST", **form) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert not [answer for answer in answers if {"location", "set-cookie"} & set(answer.headers)]
        assert active() == ["weekend"]

    def test_20_the_token_of_another_newsletter_ends_that_one(self, asked):
        ask, active = asked

        ask("POST", self.token("weekend"), data={"List-Unsubscribe": "One-Click"})

        assert active() == ["briefing"]

    @pytest.mark.parametrize("wrong", ["x", "{}x", "x{}", "{}.{}", "%00", "%2e%2e"])
    def test_20_a_token_that_is_not_ours_ends_nothing(self, asked, wrong):
        ask, active = asked

        answer = ask("POST", wrong.replace("{}", self.token()), data={"List-Unsubscribe": "One-Click"})

        assert answer.status_code in (400, 404, 405)
        assert active() == ["briefing", "weekend"]

    def test_20_a_token_for_another_purpose_ends_nothing(self, asked):
        ask, active = asked
        preferences = tokens().links("key-of-ada@example.org", "briefing").preferences

        assert ask("POST", preferences, data={"List-Unsubscribe": "One-Click"}).status_code == 400
        assert active() == ["briefing", "weekend"]
