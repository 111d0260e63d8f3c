"""The preflight: a good copy passes, and a copy that is broken in one way fails in that one check."""

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.model.delivery import Copy
from publisher.model.theme import PLAIN, Palette
from publisher.render.preflight import NAMES, Check, Facts, Verdict, blocking, examine, links

UNSUBSCRIBE = "https://journal.example/unsubscribe/a2V5LW9mLWFkYQ.c2lnbmF0dXJl"
STORIES = [(f"Story {number} of the day", f"https://journal.example/articles/story-{number}") for number in range(1, 4)]
FIELDS = {
    "From": "The Test Journal <briefing@journal.example>",
    "To": "Ada <ada@example.org>",
    "Subject": "Ports reopen, and two more stories",
    "Date": "Fri, 20 Nov 2026 08:00:00 +0000",
    "Message-ID": "<0123456789abcdef@journal.example>",
    "List-ID": "The Briefing <briefing.journal.example>",
    "List-Unsubscribe": f"<{UNSUBSCRIBE}>,\r\n <mailto:briefing@journal.example?subject=unsubscribe>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Feedback-ID": "2026-11-20:briefing:digest:journalexample",
    "MIME-Version": "1.0",
    "Content-Type": 'multipart/alternative; boundary="=_sheet"',
}
STYLE = """
.note { font-size: 14px; }
a:hover { color: #000000 !important; }
@media (max-width: 600px) { .wide { display: none !important } .note { font-size: 16px } }
@media (prefers-color-scheme: dark) { .sheet { background-color: #1d1b16 !important } }
[data-ogsc] .note { color: #ece7db !important }
"""
FILLER = "Harbour news in many words. " * 60
PIXEL = '<img src="https://journal.example/one.jpg" alt="A harbour" width="600" height="400">'
UNSEEN = {"spf", "dmarc", "tls", "ptr", "spam-rate"}


def a_page(
    *, inside: str = "", style: str = STYLE, html_tag: str = '<html lang="en" dir="ltr">', **changes: str
) -> str:
    stories = "".join(f'<h3><a href="{url}">{headline}</a></h3><p>{FILLER}</p>' for headline, url in STORIES)
    parts = {
        "wrapper": '<div lang="en" dir="ltr">',
        "top": f'<p><a href="{UNSUBSCRIBE}">Unsubscribe</a></p>',
        "picture": f'<a href="{STORIES[0][1]}">{PIXEL}</a>',
        "end": f'<p><a href="{UNSUBSCRIBE}">Leave this list</a>, <a href="mailto:desk@journal.example">write</a></p>',
        **changes,
    }
    return (
        f"<!DOCTYPE html>\n{html_tag}<head><title>The Briefing</title><style>{style}</style></head><body>"
        f'{parts["wrapper"]}<!--[if mso]><table width="640"><tr><td><![endif]-->'
        f'<div style="background-color: #ffffff; color: #1c1b19">{parts["top"]}{parts["picture"]}{stories}{inside}'
        f"{parts['end']}</div><!--[if mso]></td></tr></table><![endif]--></div></body></html>"
    )


def a_text(stories: Any = STORIES, end: str = f"Unsubscribe:\n{UNSUBSCRIBE}\n") -> str:
    return "The Briefing\n\n" + "".join(f"{headline}\n{url}\n\n" for headline, url in stories) + end


def a_part(kind: str, content: str | bytes, charset: str = "utf-8") -> bytes:
    data = content if isinstance(content, bytes) else content.encode()
    head = f"--=_sheet\r\nContent-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(data).replace(b"\n", b"\r\n") + b"\r\n"


def a_message(
    fields: dict[str, str | None] | None = None,
    *,
    more: bytes = b"",
    text: str | None = None,
    page: str | None = None,
    body: bytes | None = None,
    **inside: Any,
) -> Copy:
    """A good copy. A field that is None is left out; `more` are further fields, `inside` goes to the page."""
    named = {**FIELDS, **(fields or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value is not None).encode()
    parts = a_part("plain", a_text() if text is None else text) + a_part("html", page or a_page(**inside))
    made = more + head + b"\r\n" + (parts + b"--=_sheet--\r\n" if body is None else body)
    return Copy("briefing@journal.example", "ada@example.org", FIELDS["Message-ID"], made)


def facts(**changes: Any) -> Facts:
    plain = Facts(STORIES, "en", "journal.example", signed=("journal.example",), largest=20_000, answers={})
    everything = dict.fromkeys(links(a_message()), "")
    return replace(plain, **{"answers": everything, **changes})


def checked(copy: Copy, **changes: Any) -> dict[str, Check]:
    return {check.name: check for check in examine(copy, facts(**changes))}


def with_verdict(verdict: Verdict, checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.verdict is verdict}


def failing(copy: Copy, **changes: Any) -> set[str]:
    return with_verdict(Verdict.FAIL, checked(copy, **changes))


def fault(name: str, copy: Copy, **changes: Any) -> str:
    """Why a check fails, having made sure that no other does."""
    checks = checked(copy, **changes)
    failed = {one: checks[one].detail for one in with_verdict(Verdict.FAIL, checks)}
    assert list(failed) == [name], failed
    return failed[name]


def doubt(name: str, copy: Copy, **changes: Any) -> str:
    """Why a check warns, having made sure that nothing fails."""
    checks = checked(copy, **changes)
    assert with_verdict(Verdict.FAIL, checks) == set()
    assert checks[name].verdict is Verdict.WARN
    return checks[name].detail


def test_a_good_copy_passes_all_that_can_be_seen():
    checks = checked(a_message())

    assert with_verdict(Verdict.PASS, checks) == set(NAMES) - UNSEEN
    assert with_verdict(Verdict.UNSEEN, checks) == UNSEEN


def test_checks_come_in_the_order_of_their_names_with_a_reference_and_a_reason():
    checks = examine(a_message(), facts())

    assert tuple(check.name for check in checks) == NAMES
    assert len(set(NAMES)) == len(NAMES) == 25
    assert all(check.reference and check.detail for check in checks)


def test_a_failure_blocks_unless_its_name_is_accepted():
    checks = examine(a_message({"Subject": "Re: news"}, picture='<img src="x">'), facts())

    assert {check.name for check in blocking(checks, ())} == {"no-fake-reply", "alt", "pictures"}
    assert {check.name for check in blocking(checks, ["alt", "spf"])} == {"no-fake-reply", "pictures"}


def test_a_list_of_places_ends_after_five_and_says_how_many_more():
    many = "".join(f'<img src="https://journal.example/{number}.jpg" width="60">' for number in range(8))

    detail = fault("alt", a_message(inside=many), answers=None)

    assert detail.count("has no alt") == 5
    assert "; and 3 more" in detail


def test_no_detail_shows_a_readers_token():
    elsewhere = UNSUBSCRIBE.replace("a2V5", "b2V5")

    checks = checked(a_message(end=f'<a href="{elsewhere}">x</a>'), local=True)

    assert not [check for check in checks.values() if "c2lnbmF0dXJl" in check.detail]


class TestSize:
    def test_a_copy_over_the_budget(self):
        assert "90,001 bytes of HTML, 1 too many" in fault("size", a_message(), largest=90_001)

    def test_this_copy_itself_counts_too(self):
        assert "too many" in fault("size", a_message(), budget=5_000, largest=0)

    def test_more_style_than_gmail_takes(self):
        assert "16,024 characters" in fault("size", a_message(style=STYLE + ".a{top:0px}" * 1_430))

    def test_stories_that_do_not_fit_are_a_doubt_and_not_looked_for(self):
        copy = a_message(text=a_text(STORIES[:2]))

        assert "do not fit: 1 of 3" in doubt("size", copy, left_out=1)
        assert checked(copy, left_out=1)["text"].verdict is Verdict.PASS

    @pytest.mark.parametrize("css", ["@media x{@font-face{font-family:a}}", "@supports (a:b){.a{top:0}@media y{}}"])
    def test_an_at_rule_inside_another(self, css):
        assert "inside another rule" in fault("size", a_message(style=css))

    def test_an_at_in_a_comment_a_text_or_an_address_is_none(self):
        css = "@media x{/* @me */.a{content:'@you';background:url(i@2x.png)}}"

        assert failing(a_message(style=css)) == set()


class TestAlt:
    @pytest.mark.parametrize(
        ("alt", "said"),
        [
            ("", "has no alt"),
            ('alt="IMG_2041.JPG"', "file name"),
            ('alt="harbour-final.png"', "file name"),
            ('alt="DSC00412"', "file name"),
        ],
    )
    def test_a_picture_that_says_nothing(self, alt, said):
        image = f'<img src="https://journal.example/one.jpg" width="60" {alt}>'

        assert said in fault("alt", a_message(picture=image))

    def test_a_picture_that_is_a_link_and_says_nothing(self):
        image = f'<a href="{STORIES[0][1]}"><img src="https://journal.example/one.jpg" width="60" alt=""></a>'

        assert "is a link" in fault("alt", a_message(picture=image))

    @pytest.mark.parametrize("around", ["{}", f'<a href="{STORIES[0][1]}">{{}} Ports reopen</a>'])
    def test_a_decoration_may_be_silent(self, around):
        image = '<img src="https://journal.example/one.jpg" width="60" alt="">'

        assert failing(a_message(picture=around.format(image))) == set()


class TestContrast:
    def test_a_theme_that_cannot_be_read(self):
        pale = Palette("#ffffff", "#ffffff", "#1c1b19", "#aaaaaa", "#8a2b1d", "#d9d2c3")

        assert "light theme's soft on paper is 2.32" in fault("contrast", a_message(), theme=replace(PLAIN, light=pale))
        assert "dark theme's soft" in fault("contrast", a_message(), theme=replace(PLAIN, dark=pale))

    @pytest.mark.parametrize(
        "markup",
        [
            '<p style="color: #999999">pale words</p>',
            '<p style="color:#999">pale words</p>',
            '<p style="color: rgb(153, 153, 153)">pale words</p>',
            '<table bgcolor="#333333"><tr><td style="color: #666666">pale words</td></tr></table>',
            '<div style="background: silver none"><p style="color: gray">pale words</p></div>',
            '<p class="pale">pale words</p>',
            '<font color="#999999">pale words</font>',
        ],
    )
    def test_words_that_can_hardly_be_read(self, markup):
        copy = a_message(inside=markup, style=".pale { color: #999999 }")

        assert '"pale words"' in fault("contrast", copy)

    @pytest.mark.parametrize(
        "markup",
        [
            '<p style="color: #999999"><span style="color: #333333">words</span></p>',
            '<p style="color: #888888; font-size: 30px">large words</p>',
            '<p style="color: #ffffff; background: #000000">words</p>',
            '<p style="color: #ffffff; background: url(https://journal.example/a.jpg)">words on a picture</p>',
            '<p style="color: #999999">· — ·</p>',
            '<p style="color: var(--ink)">words</p>',
        ],
    )
    def test_words_that_can_be_read_or_that_nobody_can_judge(self, markup):
        assert failing(a_message(inside=markup)) == set()


class TestLinks:
    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("/articles/one", "no whole address"),
            ("journal.example/one", "no whole address"),
            ("//journal.example/one", "no whole address"),
            ("#one", "no whole address"),
            ("", "no whole address"),
            ("javascript:alert(1)", "begins with javascript:"),
            ("data:text/html,x", "begins with data:"),
            ("https://journal.example/two words", "space"),
            ("https://journal.example/{{ slug }}", "placeholder"),
            ("https://journal.example/%7B%7Bslug%7D%7D", "placeholder"),
            ("https://journal.example/?id=*|UNIQID|*", "placeholder"),
            ("https://journal.example/%recipient.id%", "placeholder"),
            ("https:///one", "names no host"),
            ("https://[journal/one", "no whole address"),
            ("mailto:", "nothing after mailto:"),
            ("http://localhost:8000/one", "private network"),
            ("https://192.168.1.20/one", "private network"),
        ],
    )
    def test_a_link_that_leads_nowhere(self, url, said):
        assert said in fault("links", a_message(inside=f'<a href="{url}">more</a>'), answers=None)

    @pytest.mark.parametrize(
        "url",
        ["http://elsewhere.example", "tel:+92-51-123", "https://x.example/a%20b?c=%7e#d", "https://[2606:4700::1]/"],
    )
    def test_a_link_that_can_be_followed(self, url):
        assert failing(a_message(inside=f'<a href="{url}">more</a>'), answers=None) == set()

    def test_a_newsroom_that_tries_on_its_own_machine_links_there(self):
        copy = a_message(inside='<a href="http://localhost:8000/one">more</a>')

        assert checked(copy, local=True, answers=None)["links"].verdict is Verdict.PASS


class TestAlive:
    def test_nobody_asked(self):
        check = checked(a_message(), answers=None)["alive"]

        assert check.verdict is Verdict.UNSEEN
        assert "--online" in check.detail

    def test_a_story_that_is_not_there(self):
        answers = {**dict.fromkeys(links(a_message()), ""), STORIES[1][1]: "404"}

        assert f'"{STORIES[1][1]}": 404' in fault("alive", a_message(), answers=answers)

    def test_what_was_not_asked_for_is_not_taken_for_alive(self):
        assert "story-3" in doubt("alive", a_message(), answers={url: "" for _, url in STORIES[:2]})

    def test_addresses_that_act_for_a_reader_are_never_asked_for(self):
        ours = [f"https://journal.example/{page}/dG9rZW4.c2ln" for page in ("preferences", "copy", "unsubscribe")]
        others = ["https://elsewhere.example/copy/desk", "https://journal.example/articles/copy/1"]
        inside = "".join(f'<a href="{url}">x</a>' for url in [*ours, *others, "mailto:a@b.example", "#top"])

        assert set(links(a_message(inside=inside))) == {*others, *(url for _, url in STORIES), STORIES[0][1]} | {
            "https://journal.example/one.jpg"
        }

    def test_where_no_header_names_our_pages_any_such_path_is_left_alone(self):
        inside = '<a href="https://press.example/list/unsubscribe?id=7">x</a>'

        assert "unsubscribe" not in " ".join(links(a_message({"List-Unsubscribe": None}, inside=inside)))


class TestUnsubscribe:
    def test_no_link_near_the_top(self):
        twice = f'<a href="{UNSUBSCRIBE}">Leave</a> <a href="{UNSUBSCRIBE}">Unsubscribe</a>'

        assert "near the top" in fault("unsubscribe", a_message(top="", end=twice))

    def test_no_link_at_the_end(self):
        twice = f'<a href="{UNSUBSCRIBE}">Leave</a> <a href="{UNSUBSCRIBE}">Unsubscribe</a>'

        assert "at the end" in fault("unsubscribe", a_message(top=twice, end=""))

    def test_none_in_the_text(self):
        assert "text part" in fault("unsubscribe", a_message(text=a_text(end="")))

    def test_another_address_than_the_headers(self):
        other = f'<a href="{UNSUBSCRIBE}x">Leave</a>'

        assert "is not the address of List-Unsubscribe" in fault("unsubscribe", a_message(inside=other))


class TestBodyUnsubscribe:
    @pytest.mark.parametrize("inner", ["", '<span style="display: none">Unsubscribe</span>'])
    def test_links_without_words_are_seen_by_nobody(self, inner):
        link = f'<a href="{UNSUBSCRIBE}">{inner}</a>'

        failed = failing(a_message(top=link, end=link))

        assert failed == {"body-unsubscribe"} | ({"hidden-content"} if inner else set())


class TestText:
    def test_a_headline_that_is_left_out(self):
        stories = [("Another headline", STORIES[0][1]), *STORIES[1:]]

        assert 'headline "Story 1 of the day"' in fault("text", a_message(text=a_text(stories)))

    def test_an_address_that_is_left_out_or_goes_on(self):
        stories = [(STORIES[0][0], f"{STORIES[0][1]}/more"), *STORIES[1:]]

        assert "story-1" in fault("text", a_message(text=a_text(stories)))

    def test_no_text_at_all(self):
        assert failing(a_message(text="")) == {"text", "unsubscribe"}

    def test_a_long_line_is_only_a_doubt(self):
        assert "79 characters" in doubt("text", a_message(text=a_text(end=f"{'x' * 79}\n{UNSUBSCRIBE}\n")))

    def test_lines_break_anywhere_and_addresses_are_as_long_as_they_are(self):
        url = f"https://journal.example/{'x' * 200}"
        written = [("長い見出しは\nどこでも改行\u2066できる\u2069", url), *STORIES[1:]]
        expected = [("長い見出しはどこでも改行できる", url), *STORIES[1:]]

        assert checked(a_message(text=a_text(written)), expected=expected)["text"].verdict is Verdict.PASS


class TestLanguage:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"html_tag": '<html dir="ltr">'}, "<html> has no lang"),
            ({"html_tag": '<html lang="en">'}, "<html> has no dir"),
            ({"html_tag": '<html lang="de" dir="ltr">'}, 'is in "de"'),
            ({"html_tag": '<html lang="en" dir="rtl">'}, "is written ltr"),
            ({"wrapper": "<div>"}, "<div> in the body has no lang; <div> in the body has no dir"),
            ({"wrapper": '<div>preheader</div><div lang="en" dir="ltr">'}, "has no lang"),
            ({"wrapper": 'loose words<div lang="en" dir="ltr">'}, "without a wrapper"),
            ({"inside": '<p lang="english_UK">x</p>'}, "is no language tag"),
            ({"inside": '<p dir="right">x</p>'}, "neither ltr nor rtl"),
        ],
    )
    def test_a_page_that_does_not_say_its_language(self, changes, said):
        assert said in fault("language", a_message(**changes))

    def test_an_urdu_edition_reads_from_the_right(self):
        page = a_page(html_tag='<html lang="ur" dir="rtl">', wrapper='<div lang="ur" dir="rtl">')

        assert failing(a_message(page=page), language="ur") == set()
        assert failing(a_message(), language="ur") == {"language"}

    def test_a_story_may_be_in_another_language_and_a_region_is_the_same_language(self):
        page = a_page(html_tag='<html lang="en-GB" dir="ltr">', inside='<p lang="ar" dir="rtl">خبر</p>')

        assert failing(a_message(page=page)) == set()


class TestPictures:
    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("https://journal.example/one.svg", "SVG"),
            ("https://journal.example/one.WEBP?w=600", "WEBP"),
            ("https://journal.example/one.avif", "AVIF"),
            ("data:image/png;base64,AAAA", "data:"),
            ("cid:one", "no web address"),
            ("/one.jpg", "no web address"),
            ("", "no web address"),
            ("http://10.0.0.7/one.jpg", "private network"),
        ],
    )
    def test_a_picture_that_nobody_is_shown(self, source, said):
        image = f'<img src="{source}" alt="A harbour" width="600">'

        assert said in fault("pictures", a_message(picture=image), answers=None)

    @pytest.mark.parametrize("width", ["", 'width="100%"', 'width="auto"', 'width="0"'])
    def test_a_picture_that_outlook_draws_too_large(self, width):
        image = f'<img src="https://journal.example/one.jpg" alt="A harbour" {width}>'

        assert "no width in pixels" in fault("pictures", a_message(picture=image))

    def test_a_picture_that_weighs_too_much(self):
        sizes = {"https://journal.example/one.jpg": 200_001, "https://journal.example/unused.jpg": 9_000_000}

        assert "200,001 bytes" in fault("pictures", a_message(), pictures=sizes)

    def test_pictures_that_weigh_too_much_together(self):
        urls = [f"https://journal.example/{number}.jpg" for number in range(6)]
        many = "".join(f'<img src="{url}" alt="" width="60">' for url in urls)

        copy = a_message(inside=many)

        assert "1,080,000 bytes" in fault("pictures", copy, pictures=dict.fromkeys(urls, 180_000))
        assert failing(copy, pictures={**dict.fromkeys(urls, 160_000), urls[0]: None}) == set()

    def test_a_picture_on_http_is_a_doubt(self):
        image = '<img src="http://elsewhere.example/one.jpg" alt="A harbour" width="600">'

        assert "write https:" in doubt("pictures", a_message(picture=image))

    def test_on_a_machine_of_ones_own_local_pictures_are_a_doubt(self):
        image = '<img src="http://127.0.0.1:8000/one.jpg" alt="A harbour" width="600">'

        check = checked(a_message(picture=image), local=True)["pictures"]

        assert check.verdict is Verdict.WARN
        assert "only here" in check.detail


class TestHeaders:
    @pytest.mark.parametrize(
        ("copy", "said"),
        [
            (a_message(more=b"Subject: another\r\n"), "Subject stands 2 times"),
            (a_message(more=f"List-Unsubscribe: <{UNSUBSCRIBE}>\r\n".encode()), "List-Unsubscribe stands 2"),
            (a_message({"Date": None}), "Date is missing"),
            (a_message({"List-ID": None}), "List-ID is missing"),
            (a_message({"Date": "tomorrow"}), "InvalidDateDefect"),
            (a_message({"From": "Ada <ada@journal.example>, Bob <bob@journal.example>"}), "several mailboxes"),
            (a_message(more=b"X-Long: " + b"x" * 991 + b"\r\n"), "more than 998"),
            (a_message(more=b"X-Null: a\0b\r\n"), "control characters"),
            (a_message(more=b"X-Endless: a" + b"\r\n a" * 5_000 + b"\r\n"), "x-endless has 10,001 characters"),
            (a_message(more="X-Place: Zürich\r\n".encode()), "7 bits"),
            (a_message(more=b"X-Bare: a\nb: c\r\n"), "CR or LF alone"),
            (a_message({"Subject": "=?utf-8?b?YcKSYg==?="}), "U+0092"),
            (a_message(inside="<p>a\x92b</p>"), "the page holds the control character U+0092"),
            (a_message(text=a_text() + "bell \x07\n"), "the text holds the control character U+0007"),
        ],
    )
    def test_a_message_that_is_not_well_formed(self, copy, said):
        assert said in fault("headers", copy)

    @pytest.mark.parametrize(
        "value", ["<=?utf-8?q?https=3A//journal=2Eexample?=>", f"<{UNSUBSCRIBE[:40]}\r\n {'x' * 9}>"]
    )
    def test_an_unsubscribe_address_that_was_folded_or_encoded(self, value):
        checks = checked(a_message({"List-Unsubscribe": value}))

        assert "encoded word or a space" in checks["headers"].detail

    def test_a_line_that_is_no_field_ends_the_header_for_many_programs(self):
        check = checked(a_message(more=b"No colon here\r\n"))["headers"]

        assert check.verdict is Verdict.FAIL
        assert '"No colon here" is no field' in check.detail

    def test_body_lines_that_are_too_long(self):
        copy = a_message()
        long = copy.message.replace(b"--=_sheet\r\n", b"x" * 77 + b"\r\n--=_sheet\r\n", 1)

        assert "77 characters" in fault("headers", replace(copy, message=long))

    def test_parts_in_the_wrong_order(self):
        body = a_part("html", a_page()) + a_part("plain", a_text()) + b"--=_sheet--\r\n"

        assert "then text/html" in fault("headers", a_message(body=body))

    @pytest.mark.parametrize(("charset", "data"), [("windows-1252", b"ok"), ("utf-8", b"caf\xe9")])
    def test_a_part_that_is_not_in_utf_8(self, charset, data):
        body = a_part("plain", a_text().encode() + data, charset) + a_part("html", a_page()) + b"--=_sheet--\r\n"

        assert "text/plain is not in UTF-8" in fault("headers", a_message(body=body))

    def test_a_long_line_that_could_be_folded_is_a_doubt(self):
        assert "fold it" in doubt("headers", a_message({"Subject": "many words " * 8}))

    def test_a_long_address_cannot_be_folded(self):
        url = f"https://journal.example/unsubscribe/{'x' * 800}"

        check = checked(a_message({"List-Unsubscribe": f"<{url}>"}))["headers"]

        assert check.verdict is Verdict.PASS


class TestHoles:
    def test_a_marker_of_the_press(self):
        seal = "0123456789abcdef01234567"

        assert "the page holds" in fault("holes", a_message(inside=f"<p>Dear {seal}s0z</p>"))
        assert "the page holds" in fault("holes", a_message(inside=f"<!--{seal}bs3,l3-->"))
        assert "the text holds" in fault("holes", a_message(text=f"{a_text()}{seal}s3z\n"))
        assert "the header holds" in fault("holes", a_message({"Subject": f"For {seal}s0z"}))

    @pytest.mark.parametrize("hole", ["{{ reader.nmae }}", "*|FNAME|*", "%recipient.name%", "{% if x %}"])
    def test_what_looks_like_another_programs_hole_is_a_doubt(self, hole):
        assert hole in doubt("holes", a_message(inside=f"<p>Dear {hole}</p>"))
        assert hole in doubt("holes", a_message({"Subject": f"For {hole}"}))

    def test_a_headline_may_say_such_things(self):
        told = [("How {{ name }} came into our mail", STORIES[0][1]), *STORIES[1:]]

        check = checked(a_message(text=a_text(told), inside=f"<h3>{told[0][0]}</h3>"), expected=told)["holes"]

        assert check.verdict is Verdict.PASS


class TestHttps:
    def test_an_unsubscribe_address_on_http(self):
        plain = UNSUBSCRIBE.replace("https:", "http:")
        made = a_message(
            {"List-Unsubscribe": f"<{plain}>"},
            text=a_text().replace(UNSUBSCRIBE, plain),
            page=a_page().replace(UNSUBSCRIBE, plain),
        )

        assert "is not https" in fault("https", made)

    def test_a_publication_on_this_machine(self):
        assert "on this machine" in fault("https", a_message(), local=True)


class TestAuthentication:
    @pytest.mark.parametrize("name", sorted(UNSEEN))
    def test_what_only_the_outside_knows_says_where_to_look(self, name):
        check = checked(a_message())[name]

        assert check.verdict is Verdict.UNSEEN
        assert check.detail.startswith("look ")
        assert "Google 81126" in check.reference

    def test_where_nothing_signs_the_relay_must(self):
        check = checked(a_message(), signed=())["dkim"]

        assert (check.verdict, "your relay must" in check.detail) == (Verdict.UNSEEN, True)

    @pytest.mark.parametrize(
        ("tags", "said"),
        [
            ("a=rsa-sha256; h=From:List-Unsubscribe", "leaves out List-Unsubscribe-Post"),
            ("a=rsa-sha256; h=Subject", "leaves out From, List-Unsubscribe, List-Unsubscribe-Post"),
            ("a=rsa-sha1; h=From:List-Unsubscribe:List-Unsubscribe-Post", "rsa-sha1"),
            ("a=rsa-sha256; l=100; h=From:List-Unsubscribe:List-Unsubscribe-Post", "has l="),
        ],
    )
    def test_a_signature_that_protects_too_little(self, tags, said):
        copy = a_message(more=f"DKIM-Signature: v=1; d=journal.example; s=a;\r\n {tags};\r\n bh=x; b=y\r\n".encode())

        assert said in fault("dkim", copy)

    def test_a_whole_signature_passes(self):
        tags = "a=rsa-sha256; h=from:from:list-unsubscribe:\r\n list-unsubscribe-post"
        copy = a_message(more=f"DKIM-Signature: v=1; d=journal.example; s=a;\r\n {tags};\r\n bh=x; b=y\r\n".encode())

        assert checked(copy)["dkim"].verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("signed", "bounces", "verdict"),
        [
            (("journal.example",), "", Verdict.PASS),
            (("mail.journal.example",), "relay.example", Verdict.PASS),
            (("relay.example", "journal.example"), "relay.example", Verdict.PASS),
            ((), "", Verdict.PASS),
            (("relay.example",), "bounces.journal.example", Verdict.PASS),
            ((), "relay.example", Verdict.UNSEEN),
            (("relay.example",), "relay.example", Verdict.FAIL),
            (("ournal.example",), "notjournal.example", Verdict.FAIL),
            (("example",), "relay.example", Verdict.FAIL),
        ],
    )
    def test_somebody_vouches_for_the_domain_in_from(self, signed, bounces, verdict):
        checks = checked(a_message(), signed=signed, bounce_domain=bounces)

        assert checks["from-alignment"].verdict is verdict
        assert with_verdict(Verdict.FAIL, checks) <= {"from-alignment"}

    def test_from_another_domain_than_the_newsletters(self):
        copy = a_message({"From": "x@other.example", "Message-ID": "<a@other.example>"})

        assert "other.example" in fault("from-alignment", copy)

    def test_nobody_may_send_from_a_mailbox_providers_domain(self):
        copy = a_message({"From": "desk@gmail.com", "Message-ID": "<a@gmail.com>"})

        assert "gmail.com" in fault("from-alignment", copy, sender_domain="gmail.com", signed=("gmail.com",))


class TestOneClick:
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"List-Unsubscribe-Post": None}, "Post is missing"),
            ({"List-Unsubscribe-Post": "List-Unsubscribe=1"}, "Post says"),
            ({"List-Unsubscribe": "<mailto:leave@journal.example>"}, "no web address"),
            ({"List-Unsubscribe": None}, "List-Unsubscribe is missing"),
        ],
    )
    def test_fields_that_no_program_can_use(self, fields, said):
        assert said in fault("one-click", a_message(fields))


class TestMessageId:
    @pytest.mark.parametrize("written", ["<a@elsewhere.example>", "<no-at-sign>"])
    def test_one_that_is_not_on_the_senders_domain(self, written):
        checks = checked(a_message({"Message-ID": written}))

        assert checks["message-id"].verdict is Verdict.FAIL
        assert with_verdict(Verdict.FAIL, checks) <= {"message-id", "headers"}


class TestFeedbackId:
    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("briefing:journalexample", "has 2 fields"),
            ("a:b:c:d:journalexample", "has 5 fields"),
            ("a:b:c:jrnl", "no sender of 5 to 15"),
            ("a:b:c:journal-of-the-harbour", "no sender of 5 to 15"),
            ("a:ada@example.org:c:journalexample", "names the reader"),
        ],
    )
    def test_one_that_google_cannot_use(self, written, said):
        assert said in fault("feedback-id", a_message({"Feedback-ID": written}))

    def test_two(self):
        assert "2 times" in fault("feedback-id", a_message(more=b"Feedback-ID: a:b:c:journal\r\n"))

    def test_none_is_a_doubt(self):
        assert doubt("feedback-id", a_message({"Feedback-ID": None}))


class TestNoFakeReply:
    @pytest.mark.parametrize(
        "subject", ["Re: your news", "FWD: news", "re[2]: news", "=?utf-8?q?Re=3A_caf=C3=A9?=", "[List] Fw: x"]
    )
    def test_a_subject_that_pretends(self, subject):
        assert "begins with" in fault("no-fake-reply", a_message({"Subject": subject}))

    @pytest.mark.parametrize("subject", ["Real estate: what now", "Re-election: a guide", "Regarding Henry"])
    def test_a_subject_that_only_looks_like_it(self, subject):
        assert failing(a_message({"Subject": subject})) == set()


class TestHiddenContent:
    @pytest.mark.parametrize(
        "markup",
        [
            '<div style="display:none">secret words</div>',
            '<div style="display: none !important"><p>secret words</p></div>',
            '<div style="visibility: hidden">secret words</div>',
            '<div style="font-size:0">secret words</div>',
            '<div style="font-size: 1px">secret words</div>',
            '<div style="opacity: 0.0">secret words</div>',
            '<div style="max-height: 0px; overflow: hidden">secret words</div>',
            '<div style="text-indent: -9999px">secret words</div>',
            '<div style="color: #ffffff">secret words</div>',
            '<div style="color: transparent">secret words</div>',
            '<div style="background:#1c1b19">secret words</div>',
            "<div hidden>secret words</div>",
            '<div class="gone">secret words</div>',
        ],
    )
    def test_words_that_nobody_sees(self, markup):
        assert '"secret words" is hidden by' in fault(
            "hidden-content", a_message(inside=markup, style=f"{STYLE}.gone {{ display: none }}")
        )

    @pytest.mark.parametrize(
        "comment",
        [
            "<!--[if mso]><p>For Outlook</p><![endif]-->",
            "<!--[if (gte mso 9)|(IE)]><v:rect><v:textbox>For Outlook</v:textbox></v:rect><![endif]-->",
        ],
    )
    def test_words_that_only_outlook_shows(self, comment):
        assert '"For Outlook"' in fault("hidden-content", a_message(inside=comment))

    def test_a_comment_that_is_not_closed_hides_the_rest(self):
        page = a_page().replace("</table><![endif]-->", "</table>")

        assert "not closed" in fault("hidden-content", a_message(page=page))

    @pytest.mark.parametrize(
        "markup",
        [
            "<!--[if mso]><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml><style>p { top: 0 }</style><![endif]-->",
            "<!--[if !mso]><!--><p>seen words</p><!--<![endif]-->",
            "<!-- an editor's remark -->",
            '<div style="display: none">&#847; &zwnj;&nbsp;</div>',
            '<div style="font-size: 0"><p style="font-size: 16px">seen words</p></div>',
            '<p class="wide">seen words</p>',
            '<div style="color: #fff"><p style="background: #222">seen words</p></div>',
        ],
    )
    def test_layout_and_what_is_seen_in_the_end_are_no_secret(self, markup):
        assert failing(a_message(inside=markup)) == set()


def bytes_of_a_message() -> st.SearchStrategy[bytes]:
    """Anything: noise, and good copies with a piece cut out, doubled or replaced."""
    good = a_message().message

    def broken(place: int, length: int, noise: bytes) -> bytes:
        return good[:place] + noise + good[place + length :]

    pieces = st.binary(max_size=60) | st.sampled_from(
        [b"\r\n", b"\0", b"=?utf-8?b?", b"(" * 2000, b"<" * 50, b"\xff", b";"]
    )
    places = st.integers(0, 900) | st.integers(0, len(good))
    return st.binary(max_size=300) | st.builds(broken, places, st.integers(0, 200), pieces)


@settings(max_examples=150, deadline=None)
@given(bytes_of_a_message())
def test_no_message_makes_it_raise(message):
    checks = examine(Copy("", "", "", message), facts())

    assert tuple(check.name for check in checks) == NAMES


SCRAPS = [
    "<div ", 'style="', "color:#fff;", "font-size:1e9em;", "background:url(", "display:none", '">', "</div>", "}", "{",
    "<!--[if mso]>", "<![endif]-->", "<style>", "@media{", ":not(:not(", "a[", "</style>", '<a href="', "https://[",
    "http://a:99999999/", "mailto:", '<img src="', 'width="²"', 'lang="', 'dir="', "\0", "\ud800", "&#xD800;", "<body>",
    "<table>", "word", "<xml>", "%",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SCRAPS) | st.text(max_size=4), max_size=40).map("".join))
def test_no_page_makes_it_raise(scraps):
    made = scraps.encode("utf-8", "replace").decode()

    assert examine(a_message(page=made or "x", text=made), facts())
    assert examine(a_message(inside=made), facts())


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 5_000 + "x",
        "<a href=x>" * 3_000,
        "<!--[if mso]>" + "<xml " * 20_000 + "-->",
        "{" * 90_000,
        "<style>" + "a" * 90_000,
        '<p style="' + "a" * 90_000 + '">x',
    ],
)
def test_a_page_made_to_hold_it_up_is_read_all_the_same(page):
    assert examine(a_message(page=page, text="{" * 90_000), facts())


def test_an_empty_message_fails():
    failed = {check.name for check in examine(Copy("", "", "", b""), facts()) if check.verdict is Verdict.FAIL}

    assert {"size", "unsubscribe", "text", "language", "headers", "one-click", "from-alignment"} <= failed
    assert not re.search("Traceback|Error", " ".join(failed))
