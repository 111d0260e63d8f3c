"""WordPress exports: what a post says, what it refers to, and what must not be believed."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import SourceError
from publisher.model.article import Access, Author, Image, RawArticle, Status
from publisher.ports import Fetched
from publisher.sources import wxr
from publisher.sources.wxr import WxrSource, as_html
from tests.builders import NOW, fetched_from

EXPORT = Path(__file__).parents[1] / "data" / "wxr" / "export.xml"
HEAD = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
    ' xmlns:wp="http://wordpress.org/export/1.2/">\n<channel>'
)


def fetch(path: Path, state=None) -> Fetched:
    return asyncio.run(fetched_from(WxrSource("old site", path, ZoneInfo("Asia/Karachi")), state or {}))


def export(tmp_path: Path, *items: str, head: str = HEAD) -> Path:
    path = tmp_path / "export.xml"
    path.write_text(f"{head}{''.join(items)}</channel></rss>")
    return path


def a_post(title: str = "The port", content: str = "Cranes.", extra: str = "", **values: str) -> str:
    fields = {"post_id": "7", "post_type": "post", "status": "publish", **values}
    elements = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in fields.items())
    text = f"<content:encoded><![CDATA[{content}]]></content:encoded>"
    return f"\n<item><title>{title}</title><link>https://wire.example/port/</link>{text}{elements}{extra}</item>"


def read(tmp_path: Path, *items: str) -> RawArticle:
    fetched = fetch(export(tmp_path, *items))
    assert fetched.problems == ()
    (article,) = fetched.articles
    return article


class TestAPost:
    def test_it_says_all_that_the_export_knows(self):
        port = fetch(EXPORT).articles[0]

        assert port == RawArticle(
            source_id="11",
            title="Analysis: The port reopens",
            body='<p>The cranes move again, <a href="/cranes">all nine</a>.<br>\nThey were idle for a year.</p>\n'
            '<figure><a href="/cranes.jpg"><img src="/cranes.jpg" alt="Nine cranes" width="300" /></a>'
            "<figcaption>The cranes on <em>Monday</em></figcaption></figure>"
            "<p>The harbour master is content.</p>\n",
            where="export.xml:39",
            format="wxr",
            url="https://wire.example/2026/port/",
            standfirst="The cranes move again after a year.",
            authors=(Author("Ada Writer", "Ada writes about ports."),),
            published=datetime(2026, 11, 19, 4, 30, tzinfo=UTC),
            modified=datetime(2026, 11, 19, 5, 30, tzinfo=UTC),
            sections=("World",),
            tags=("cranes & ships",),
            image=Image(
                "https://wire.example/files/cranes.jpg", "Nine cranes at dawn", "The cranes, seen from the sea"
            ),
            language="en-GB",
            slug="port",
            comments="https://wire.example/2026/port/#respond",
        )

    def test_its_categories_are_trails_of_names(self):
        assert fetch(EXPORT).articles[1].sections == ("World/Asia & Pacific/Ports",)

    def test_parents_that_lead_in_a_circle_end(self, tmp_path):
        terms = "".join(
            f"<wp:category><wp:category_nicename>{name}</wp:category_nicename>"
            f"<wp:category_parent>{parent}</wp:category_parent><wp:cat_name>{name}</wp:cat_name></wp:category>"
            for name, parent in (("a", "b"), ("b", "a"))
        )
        filed = '<category domain="category" nicename="a">a</category>'

        assert read(tmp_path, terms, a_post(extra=filed)).sections == ("b/a",)

    def test_the_primary_category_comes_first(self, tmp_path):
        terms = "".join(
            f"<wp:category><wp:term_id>{number}</wp:term_id><wp:category_nicename>{name}</wp:category_nicename>"
            f"<wp:cat_name>{name}</wp:cat_name></wp:category>"
            for number, name in ((1, "a"), (2, "b"))
        )
        filed = "".join(f'<category domain="category" nicename="{name}">{name}</category>' for name in "ab")
        primary = (
            "<wp:postmeta><wp:meta_key>_yoast_wpseo_primary_category</wp:meta_key>"
            "<wp:meta_value>2</wp:meta_value></wp:postmeta>"
        )

        assert read(tmp_path, terms, a_post(extra=filed + primary)).sections == ("b", "a")

    def test_a_category_that_the_export_does_not_explain_keeps_its_name(self, tmp_path):
        filed = '<category domain="category" nicename="sea">The Sea</category><category>The Sea</category>'

        assert read(tmp_path, a_post(extra=filed)).sections == ("The Sea",)

    def test_an_author_that_the_export_does_not_explain_keeps_the_login(self):
        assert fetch(EXPORT).articles[1].authors == (Author("nobody-known"),)

    def test_a_title_is_text(self, tmp_path):
        assert read(tmp_path, a_post("The &lt;em&gt;port&lt;/em&gt; &amp;amp; I")).title == "The port & I"

    @pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
    def test_every_version_of_the_format_is_read(self, tmp_path, version):
        path = export(tmp_path, a_post(), head=HEAD.replace("export/1.2", f"export/{version}"))

        assert [article.source_id for article in fetch(path).articles] == ["7"]

    def test_a_slug_in_another_script_is_decoded(self, tmp_path):
        assert read(tmp_path, a_post(post_name="%d8%ae%d8%a8%d8%b1")).slug == "خبر"


class TestStatus:
    @pytest.mark.parametrize("status", ["draft", "pending", "private", "auto-draft", "inherit", "in-review"])
    def test_what_was_never_published_is_left_out(self, tmp_path, status):
        fetched = fetch(export(tmp_path, a_post(status=status)))

        assert (fetched.articles, fetched.problems) == ((), ())

    @pytest.mark.parametrize("kind", ["page", "attachment", "nav_menu_item", "revision"])
    def test_what_is_no_post_is_left_out(self, tmp_path, kind):
        assert fetch(export(tmp_path, a_post(post_type=kind))).articles == ()

    def test_a_post_in_the_trash_is_cancelled(self, tmp_path):
        assert read(tmp_path, a_post(status="trash")).status is Status.CANCELLED

    def test_a_scheduled_post_waits_for_its_moment(self, tmp_path):
        article = read(tmp_path, a_post(status="future", post_date_gmt="2026-12-01 06:00:00"))

        assert article.status is Status.USABLE
        assert article.embargo == article.published == datetime(2026, 12, 1, 6, tzinfo=UTC)

    def test_a_scheduled_post_whose_moment_has_come_waits_for_nothing(self, tmp_path):
        article = read(tmp_path, a_post(status="future", post_date_gmt="2026-11-01 06:00:00"))

        assert (article.status, article.embargo) == (Status.USABLE, None)

    def test_a_scheduled_post_without_a_moment_is_withheld(self, tmp_path):
        assert read(tmp_path, a_post(status="future")).status is Status.WITHHELD

    def test_the_text_behind_a_password_stays_there(self, tmp_path):
        excerpt = "<excerpt:encoded>In short</excerpt:encoded>"

        article = read(tmp_path, a_post(content="Secret.", extra=excerpt, post_password="open sesame"))

        assert (article.access, article.body, article.standfirst) == (Access.MEMBERS, "", "")
        assert "sesame" not in repr(article)

    def test_a_post_that_says_nothing_is_reported_by_its_line(self):
        (problem,) = fetch(EXPORT).problems

        assert problem.where == "export.xml:92"
        assert "neither title nor text" in problem.message


class TestDates:
    def test_a_missing_gmt_date_is_the_wall_clock_of_the_site(self, tmp_path):
        article = read(tmp_path, a_post(post_date_gmt="0000-00-00 00:00:00", post_date="2026-11-19 09:30:00"))

        assert article.published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    def test_the_date_of_the_feed_is_the_last_resort(self, tmp_path):
        written = "<pubDate>Thu, 19 Nov 2026 09:30:00 +0500</pubDate>"

        assert read(tmp_path, a_post(extra=written)).published == datetime(2026, 11, 19, 4, 30, tzinfo=UTC)

    @pytest.mark.parametrize("zero", ["", "0000-00-00 00:00:00"])
    def test_a_zero_date_is_unknown(self, tmp_path, zero):
        article = read(tmp_path, a_post(post_date_gmt=zero, post_date=zero, post_modified_gmt=zero))

        assert (article.published, article.modified) == (None, None)

    @pytest.mark.parametrize("wrong", ["2026-11-19 19:57:357", "2026-02-30 00:00:00", "yesterday"])
    def test_an_impossible_date_is_unknown_and_reported_with_its_line(self, tmp_path, wrong):
        fetched = fetch(export(tmp_path, a_post(post_date_gmt=wrong, post_date="2026-11-19 09:30:00")))

        assert fetched.articles[0].published is None
        assert fetched.problems[0].where == "export.xml:3"
        assert wrong in fetched.problems[0].message


class TestText:
    def test_blank_lines_make_paragraphs_and_line_ends_make_breaks(self):
        assert as_html("One\nstill one\r\n\r\n  \nTwo") == "<p>One<br>\nstill one</p>\n<p>Two</p>\n"

    def test_text_between_blocks_makes_paragraphs(self):
        written = "Before\n<h2>Ports</h2>\nBetween\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\nAfter"

        assert as_html(written) == (
            "<p>Before</p>\n<h2>Ports</h2><p>Between</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul><p>After</p>\n"
        )

    def test_quotes_hold_paragraphs(self):
        assert as_html("<blockquote>One\n\nTwo</blockquote>") == "<blockquote><p>One</p>\n<p>Two</p>\n</blockquote>"

    def test_a_paragraph_with_a_blank_line_is_two(self):
        assert as_html("<p>One\n\nTwo</p>") == "<p>One</p>\n<p>Two</p>"

    def test_two_breaks_are_a_paragraph(self):
        assert as_html("One<br /><br />Two") == "<p>One</p>\n<p>Two</p>\n"

    def test_preformatted_text_stays_as_it_is(self):
        assert as_html("<pre>a\n\n  b</pre>") == "<pre>a\n\n  b</pre>"

    def test_a_tag_over_two_lines_is_not_broken(self):
        assert as_html('<img\n  src="a.jpg">\nText') == '<p><img\n  src="a.jpg"><br>\nText</p>\n'

    def test_the_comments_of_the_block_editor_go_and_its_paragraphs_stay(self):
        written = (
            '<!-- wp:heading {"level":3} -->\n<h3>Ports</h3>\n<!-- /wp:heading -->\n\n<p>One\ntwo</p>\n<!-- wp:x /-->'
        )

        assert as_html(written).split() == ["<h3>Ports</h3>", "<p>One", "two</p>"]

    def test_an_address_alone_is_a_link(self):
        address = "https://video.example/?v=1&amp;t=2"

        assert as_html(f"Look:\n\n{address}") == f'<p>Look:</p>\n<p><a href="{address}">{address}</a></p>\n'

    @pytest.mark.parametrize(
        "written",
        [
            "[embed]https://video.example/1[/embed]",
            '[video width="640" src="https://video.example/1"][/video]',
            "[youtube https://video.example/1]",
        ],
    )
    def test_a_player_becomes_a_link(self, written):
        assert as_html(written) == '<p><a href="https://video.example/1">https://video.example/1</a></p>\n'

    def test_a_caption_in_the_old_style_is_one_too(self):
        written = '[caption id="a" caption="Nine cranes"]<img src="a.jpg" />[/caption]'

        assert as_html(written) == '<figure><img src="a.jpg" /><figcaption>Nine cranes</figcaption></figure>'

    @pytest.mark.parametrize("written", ['[gallery ids="1,2"]', "[gallery]", '[contact-form-7 id="3"]', "[box][/box]"])
    def test_other_shortcodes_are_removed(self, written):
        assert as_html(f"One {written} two").split() == ["<p>One", "two</p>"]

    def test_the_text_inside_a_shortcode_stays(self):
        assert as_html('[box color="red"]Prices rise.[/box]') == "<p>Prices rise.</p>\n"

    @pytest.mark.parametrize("prose", ["It were [sic] ships.", "[The minister] said so.", "See [1] and […].", "a[i]"])
    def test_brackets_in_prose_stay(self, prose):
        assert as_html(prose) == f"<p>{prose}</p>\n"

    def test_an_escaped_shortcode_is_text(self):
        assert as_html("Write [[gallery]].") == "<p>Write [gallery].</p>\n"

    @pytest.mark.parametrize(
        "junk", ["[" * 9_999, "<" * 9_999, "[caption]" * 9_999, "<div>" * 9_999, " \n" * 9_999, "<!--" * 99_999]
    )
    def test_junk_takes_no_time(self, junk):
        before = time.monotonic()

        as_html(junk)

        assert time.monotonic() - before < 1

    def test_a_comment_that_is_never_closed_hides_what_follows(self):
        assert as_html("One<!-- two") == "<p>One</p>\n"

    def test_a_text_longer_than_any_article_is_left_out_and_the_others_arrive(self, tmp_path):
        fetched = fetch(export(tmp_path, a_post(content="x" * 1_000_001), a_post(post_id="8")))

        assert [article.source_id for article in fetched.articles] == ["8"]
        assert "its text is 1,000,001 characters long. It is left out" in str(fetched.problems[0])


class TestTheFile:
    def test_read_again_it_is_no_work(self):
        first = fetch(EXPORT)

        assert fetch(EXPORT, first.state) == Fetched(state=first.state, unchanged=True)

    def test_a_new_export_is_read_whole(self, tmp_path):
        path = export(tmp_path, a_post())
        first = fetch(path)
        os.utime(path, (1, 1))

        assert len(fetch(path, first.state).articles) == 1

    def test_an_export_is_no_promise_of_what_stands_today(self):
        assert fetch(EXPORT).present is None

    def test_a_long_one_is_handed_over_in_parts(self, tmp_path, monkeypatch):
        monkeypatch.setattr(wxr, "_PART", 2)
        path = export(tmp_path, *(a_post(post_id=str(number)) for number in range(1, 6)))

        parts = [fetch(path)]
        while parts[-1].more:
            parts.append(fetch(path, parts[-1].state))

        assert [[article.source_id for article in part.articles] for part in parts] == [["1", "2"], ["3", "4"], ["5"]]
        assert fetch(path, parts[-1].state).unchanged

    def test_a_file_that_changes_between_two_parts_starts_again(self, tmp_path, monkeypatch):
        monkeypatch.setattr(wxr, "_PART", 1)
        path = export(tmp_path, a_post(post_id="1"), a_post(post_id="2"))
        first = fetch(path)
        os.utime(path, (1, 1))

        assert [article.source_id for article in fetch(path, first.state).articles] == ["1"]

    def test_control_characters_do_not_spoil_it(self, tmp_path):
        assert read(tmp_path, a_post("The \x0b\x00port")).title == "The port"

    @pytest.mark.parametrize(
        ("content", "fault"),
        [
            ("", ":1 is not well-formed"),
            ("news", ":1 is not well-formed"),
            (f"{HEAD}\n\n<item></channel></rss>", ":4 is not well-formed"),
            (f"{HEAD}\n<item><title>&nbsp;</title></item></channel></rss>", ":3 is not well-formed"),
            ("<html><body/></html>", ":1 is not a WordPress export"),
            ("<rss><channel><item><title>a</title></item></channel></rss>", ":1 is not a WordPress export"),
        ],
    )
    def test_what_is_no_export_is_a_source_error_with_its_line(self, tmp_path, content, fault):
        path = tmp_path / "export.xml"
        path.write_text(content)

        with pytest.raises(SourceError) as caught:
            fetch(path)

        assert f"{path}{fault}" in str(caught.value)

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(SourceError, match=r"nowhere\.xml cannot be read"):
            fetch(tmp_path / "nowhere.xml")

    @pytest.mark.parametrize("place", ["<title>&l9;</title>", '<title a="&l9;"/>'])
    def test_a_billion_laughs_are_refused_at_once(self, tmp_path, place):
        grown = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        path = tmp_path / "export.xml"
        path.write_text(f'<!DOCTYPE rss [<!ENTITY l0 "lol">{grown}]>{HEAD}<item>{place}</item></channel></rss>')
        before = time.monotonic()

        with pytest.raises(SourceError):
            fetch(path)

        assert time.monotonic() - before < 1

    def test_an_entity_opens_no_file(self, tmp_path):
        (tmp_path / "secret").write_text("secret")
        path = export(tmp_path, a_post("&x;"), head=f'<!DOCTYPE rss [<!ENTITY x SYSTEM "secret">]>{HEAD}')

        with pytest.raises(SourceError, match="DOCTYPE"):
            fetch(path)


def test_the_posts_of_the_theme_unit_test_arrive(samples):
    """WordPress' own sample export: https://github.com/WordPress/theme-test-data"""
    fetched = fetch(samples / "wordpress" / "themeunittestdata.wordpress.xml")

    posts = {article.source_id: article for article in fetched.articles}
    assert fetched.problems == ()
    assert len(posts) == len(fetched.articles) == 57
    assert posts["1011"].image.alt == "Horizontal Featured Image"
    assert "Parent/Child 1/Child 2" in posts["1152"].sections
    assert posts["1168"].access is Access.MEMBERS
    assert posts["1153"].embargo == datetime(2030, 1, 1, 19, 0, 18, tzinfo=UTC)
    assert posts["1173"].title == "Markup: Title With Markup"
    assert posts["1730"].published == datetime(2018, 11, 1, 7, 10, 43, tzinfo=UTC)
    assert "[caption" not in "".join(article.body for article in fetched.articles)
    assert posts["1163"].body.count("<figcaption>") == 1
    assert "1164" not in posts
    assert posts["163"].published < NOW
