"""Feeds as people see them: the stylesheet of a feed, the list of all feeds, and the links by which they are found."""

import re
from typing import Any

import pytest
from babel.messages.pofile import read_po
from lxml import html

from publisher.model.article import direction
from publisher.model.newsletter import Edition, EditionState, Placement
from publisher.model.theme import PLAIN, Palette, Theme
from publisher.render import edition as layout
from publisher.render import feed, page
from publisher.render.edition import Shelf
from publisher.render.environment import Templates, shipped
from publisher.render.page import Alternate, FeedGroup, FeedLink
from tests.builders import NOW, SECTIONS, a_newsletter, a_publication, an_article, templates

LANGUAGES = ("ar", "de", "es", "fr", "ja", "ur", "zh")
TOLD = ("This is a feed", "This is an older part of a feed", "Read the story", "Nothing has been printed yet.")
RSS_ONLY = {"rss": "https://journal.example/feeds/rss.xml"}
NASTY = 'A "title" & <b>more</b>'


def a_link(title: str = "World", path: str = "world/", level: int = 1, language: str = "en") -> FeedLink:
    links = {form: f"https://journal.example/feeds/{path}{name}" for form, name in feed.FILES.items()}
    return FeedLink(title, level, language, links)


def the_list(*groups: FeedGroup, **publication: Any) -> Any:
    ours = a_publication(**publication)
    return html.document_fromstring(page.feeds_page(groups, ours, templates(ours)))


def stylesheet(**publication: Any) -> str:
    return page.feed_stylesheet(templates(a_publication(**publication)))


def strings(css: str) -> list[str]:
    """Every string in it, as a browser reads it (css-syntax-3 §4.3.7)."""
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', css)
    return [re.sub(r"\\([0-9a-f]{1,6}) ?", lambda match: chr(int(match[1], 16)), one) for one in found]


def alternates(document: Any) -> list[tuple[str, str, str]]:
    return [
        (one.get("type"), one.get("title"), one.get("href")) for one in document.cssselect("head link[rel=alternate]")
    ]


def ours(root: str) -> list[tuple[str, str, str]]:
    """The publication's own feeds, as a page names them."""
    return [(feed.TYPES[form], "The Test Journal", f"{root}/feeds/{name}") for form, name in feed.FILES.items()]


class TestTheStylesheet:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_it_explains_the_feed_in_the_publications_language(self, language):
        with (shipped() / f"templates/locale/{language}.po").open("rb") as file:
            catalogue = read_po(file, locale=language)

        said = strings(stylesheet(language=language))

        assert {catalogue[text].string for text in TOLD} <= set(said)
        assert not set(TOLD) & set(said)

    def test_in_a_language_without_texts_of_ours_it_explains_it_in_english(self):
        assert set(TOLD) <= set(strings(stylesheet(language="sw")))

    def test_it_has_the_colours_and_fonts_of_the_theme(self):
        day = Palette("#010101", "#020202", "#030303", "#040404", "#050505", "#060606")
        theme = Theme(day, PLAIN.dark, "Charter, serif", "Inter, sans-serif")

        light, _, dark = stylesheet(theme=theme).partition("@media (prefers-color-scheme: dark)")

        for color in (day.sheet, day.paper, day.ink, day.soft, day.accent, day.rule):
            assert f": {color};" in light
        assert "--text: Charter, serif;" in light
        assert "--label: Inter, sans-serif;" in light
        assert f"--paper: {PLAIN.dark.sheet};" in dark

    def test_a_translation_cannot_end_its_string(self, tmp_path):
        (tmp_path / "templates/locale").mkdir(parents=True)
        text = 'Say \\"this\\" \\\\ and </style>\\nor that; } * { color: red'
        header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        catalogue = f'{header}msgid "This is a feed"\nmsgstr "{text}"\n'
        (tmp_path / "templates/locale/de.po").write_text(catalogue, "utf-8")
        publication = a_publication(language="de")

        css = page.feed_stylesheet(Templates(publication, tmp_path))

        assert 'Say "this" \\ and </style>\nor that; } * { color: red' in strings(css)
        assert "</style" not in css

    def test_a_newsrooms_own_wins(self, tmp_path):
        (tmp_path / "feeds").mkdir()
        (tmp_path / "feeds/feed.css.j2").write_text("rss { color: {{ publication.theme.light.ink }} }")

        assert page.feed_stylesheet(templates(root=tmp_path)) == f"rss {{ color: {PLAIN.light.ink} }}"

    def test_it_knows_every_language_that_is_written_from_the_right(self):
        [tags] = re.findall(r":root\[xml\|lang]:is\((.*?)\) \{ direction: rtl; }", stylesheet())

        known = set(re.findall(r":lang\((\w+)\)", tags))

        every = {"".join(pair) for pair in _pairs()} | {"ckb", "arc", "sdh", "prs", "uzs"}
        assert {tag for tag in every if direction(tag) == "rtl"} == known

    @pytest.mark.parametrize(("language", "expected"), [("en", "ltr"), ("ur", "rtl"), ("fa", "rtl")])
    def test_a_feed_that_does_not_say_its_language_runs_as_the_publication_does(self, language, expected):
        assert f":root {{ direction: {expected}; }}" in stylesheet(language=language)


def _pairs() -> list[tuple[str, str]]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [(one, other) for one in letters for other in letters]


class TestTheListOfFeeds:
    def test_each_feed_stands_under_its_group_with_the_first_address_in_a_field(self):
        document = the_list(
            FeedGroup("everything", [a_link("The Test Journal", "")]),
            FeedGroup("author", [a_link("Ada Writer", "by/ada-writer/")]),
        )

        groups = {
            section.findtext("h2"): [
                (label.text_content(), document.get_element_by_id(label.get("for")).get("value"))
                for label in section.cssselect("label")
            ]
            for section in document.cssselect("section")
        }

        assert groups == {
            "Everything": [("The Test Journal", "https://journal.example/feeds/rss.xml")],
            "Authors": [("Ada Writer", "https://journal.example/feeds/by/ada-writer/rss.xml")],
        }
        assert all(field.get("readonly") is not None for field in document.cssselect("input"))

    def test_each_format_has_a_link_that_says_which_feed_it_is_of(self):
        document = the_list(FeedGroup("section", [a_link()]))

        links = {one.text_content(): one.get("href") for one in document.cssselect(".formats a")}

        assert links == {
            "RSS: World": "https://journal.example/feeds/world/rss.xml",
            "Atom: World": "https://journal.example/feeds/world/atom.xml",
            "JSON: World": "https://journal.example/feeds/world/feed.json",
        }

    def test_sections_are_nested(self):
        feeds = [a_link(), a_link("Asia", "world/asia/", 2), a_link("Deep", "a/b/c/d/", 4)]

        rows = the_list(FeedGroup("section", feeds)).cssselect("li.feed")

        assert [row.get("class") for row in rows] == ["feed level1", "feed level2", "feed level3"]

    def test_all_can_be_taken_at_once(self):
        [link] = the_list(FeedGroup("section", [a_link()])).cssselect("a[download]")

        assert link.get("href") == "feeds.opml"

    def test_a_group_without_feeds_is_not_there(self):
        document = the_list(FeedGroup("everything", [a_link()]), FeedGroup("kind", []))

        assert [heading.text for heading in document.cssselect("h2")] == ["Everything"]

    def test_a_newsroom_without_feeds_has_a_page(self):
        assert the_list().findtext(".//h1") == "Feeds"

    def test_long_lists_can_be_jumped_to(self):
        kinds: tuple[Any, ...] = ("everything", "section", "author")
        document = the_list(*(FeedGroup(kind, [a_link()]) for kind in kinds))

        jumps = [one.get("href") for one in document.cssselect(".jumps a")]

        assert jumps == ["#section", "#author"]
        assert all(document.get_element_by_id(jump[1:]) is not None for jump in jumps)

    def test_where_there_is_one_format_nothing_is_said_of_others(self):
        one = the_list(FeedGroup("section", [FeedLink("World", 1, "en", RSS_ONLY)]))
        three = the_list(FeedGroup("section", [a_link()]))

        assert "JSON" not in one.find(".//main").text_content()
        assert "three ways" in three.find(".//main").text_content()

    def test_a_title_in_another_language_says_so(self):
        [label] = the_list(FeedGroup("author", [a_link("عائشہ", "by/a/", language="ur")])).cssselect("label")

        assert dict(label.find("span").attrib) == {"lang": "ur", "dir": "rtl"}

    def test_a_title_is_text(self):
        document = the_list(FeedGroup("author", [a_link(NASTY)]))

        assert [label.text_content() for label in document.cssselect("label")] == [NASTY]
        assert document.cssselect("b") == []

    def test_every_id_is_there_once(self):
        document = the_list(FeedGroup("section", [a_link(), a_link()]), FeedGroup("kind", [a_link("Opinion")]))

        ids = [one.get("id") for one in document.cssselect("[id]")]

        assert len(ids) == len(set(ids))

    def test_buttons_come_with_the_script(self):
        document = the_list(FeedGroup("section", [a_link()]))

        assert [button.getparent().tag for button in document.cssselect("button")] == ["template"]

    @pytest.mark.parametrize(
        ("language", "heading"), [("ur", "فیڈز"), ("de", "Feeds"), ("fr", "Flux"), ("fa", "Feeds")]
    )
    def test_it_speaks_the_publications_language(self, language, heading):
        document = the_list(language=language)

        assert document.findtext(".//h1") == heading
        assert document.get("lang") == ("en" if language == "fa" else language)

    def test_it_says_where_it_is(self):
        [link] = the_list().cssselect("link[rel=canonical]")

        assert link.get("href") == "https://journal.example/feeds/"


class TestAutodiscovery:
    OF_ASIA = Alternate("application/rss+xml", "The Test Journal: Asia", "feeds/world/asia/rss.xml")

    def test_every_page_names_the_publications_feeds_once_in_each_format(self):
        publication, desk = a_publication(), templates()
        edition = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.PRESSED, NOW)
        view = layout.view(edition, a_newsletter(), publication, [Placement(0, "world", 1)], {1: an_article(id=1)}, "")
        pages = {
            ".": page.front_page(page.FrontPage(NOW, [], [], []), publication, desk),
            "..": page.article_page(an_article(), "https://journal.example/a", publication, desk),
            "../..": page.published(page.edition_page(view, desk), ()),
            "https://journal.example": page.missing_page(publication, desk),
        }

        found = {root: alternates(html.document_fromstring(text)) for root, text in pages.items()}

        assert found == {root: ours(root) for root in pages}
        assert alternates(the_list()) == ours("..")

    def test_an_articles_page_names_the_feeds_it_is_given_after_them(self):
        shown = page.article_page(
            an_article(), "https://journal.example/a", a_publication(), templates(), [self.OF_ASIA]
        )

        found = alternates(html.document_fromstring(shown))

        assert found == [*ours(".."), ("application/rss+xml", "The Test Journal: Asia", "../feeds/world/asia/rss.xml")]

    def test_so_does_an_editions(self):
        edition = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.PRESSED, NOW)
        view = layout.view(edition, a_newsletter(), a_publication(), [], {}, "")

        shown = page.edition_page(view, templates(), [Alternate("application/atom+xml", NASTY, "feeds/n/atom.xml")])

        expected = ("application/atom+xml", NASTY, "../../feeds/n/atom.xml")
        assert alternates(html.document_fromstring(shown))[-1] == expected


class TestTheFrontPage:
    def test_it_offers_the_first_feeds_and_a_way_to_all(self):
        links = {"rss": "feeds/rss.xml", "atom": "feeds/atom.xml"}
        front = page.FrontPage(NOW, list[Shelf](), [], [(section, links) for section in (None, *SECTIONS)])

        document = html.document_fromstring(page.front_page(front, a_publication(), templates()))

        assert [row.text for row in document.cssselect(".feeds th")] == ["Everything", "World", "Economy", "Climate"]
        assert [link.get("href") for link in document.cssselect(".more a")] == ["feeds/"]
