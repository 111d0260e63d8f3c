"""The interface in eight languages: every text translated, its direction marked, and mistakes said with a line."""

import gettext
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from lxml import html

from publisher.errors import TemplateProblem
from publisher.model.article import direction
from publisher.model.delivery import Delivery
from publisher.model.newsletter import Edition, EditionState, Placement, Publication
from publisher.render import edition as layouts
from publisher.render import mail, page
from publisher.render.edition import EditionView, Shelf, Story
from publisher.render.environment import Templates, shipped
from tests.builders import SECTIONS, a_newsletter, a_publication, an_article, templates, tokens

ROOT = Path(__file__).parents[2]
LANGUAGES = ("ar", "de", "es", "fr", "ja", "ur", "zh")
RIGHT_TO_LEFT = ("ar", "ur")
LATE = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)  # past midnight in Karachi
EDITION = Edition(1, "briefing", "daily", "2026-11-21T01:30", EditionState.APPROVED, LATE)
PLACEMENTS = [Placement(0, "world", 1)]
# Of each language: a text of the front page, of the unsubscribe page, of a mail, and three minutes of reading.
WORDS = {
    "ar": ("لم يُنشر شيء بعد.", "إلغاء الاشتراك", "القراءة على الموقع", "قراءة في 3 دقائق"),
    "de": ("Noch ist nichts erschienen.", "Abbestellen", "Im Web lesen", "3 Min. Lesezeit"),
    "en": ("Nothing has been printed yet.", "Unsubscribe", "Read on the web", "3 min read"),
    "es": ("Todavía no se ha publicado nada.", "Darse de baja", "Leer en la web", "3 min de lectura"),
    "fr": ("Rien n’a encore été publié.", "Se désabonner", "Lire en ligne", "3 min de lecture"),
    "ja": ("まだ何も掲載されていません。", "配信を停止する", "ウェブで読む", "読了目安 3分"),
    "ur": ("ابھی تک کچھ شائع نہیں ہوا۔", "سبسکرپشن ختم کریں", "ویب سائٹ پر پڑھیں", "3 منٹ کا مطالعہ"),
    "zh": ("尚未刊出任何内容。", "退订", "在网页上阅读", "阅读约需 3 分钟"),
}
# The day and the line of an edition on the front page.
DATES = {
    "ar": ("السبت، 21 نوفمبر 2026", "العدد اليومي، 21 نوفمبر 2026"),
    "de": ("Samstag, 21. November 2026", "Tagesausgabe, 21. November 2026"),
    "en": ("Saturday, November 21, 2026", "daily, November 21, 2026"),
    "es": ("sábado, 21 de noviembre de 2026", "Edición diaria, 21 de noviembre de 2026"),
    "fr": ("samedi 21 novembre 2026", "Édition quotidienne, 21 novembre 2026"),
    "ja": ("2026年11月21日土曜日", "日刊、2026年11月21日"),
    "ur": ("ہفتہ، 21 نومبر، 2026", "روزانہ شمارہ، 21 نومبر، 2026"),
    "zh": ("2026年11月21日星期六", "日刊，2026年11月21日"),
}


@cache
def source() -> Catalog:
    """The texts of the templates, as `make messages` finds them."""
    [mapping] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]["mappings"]
    method, pattern = mapping.pop("method"), mapping.pop("pattern")
    found = Catalog()
    for folder in ("templates", "feeds"):
        for _, _, text, _, _ in extract_from_dir(ROOT / folder, [(pattern, method)], {pattern: mapping}):
            found.add(text)
    return found


@cache
def catalogue(language: str) -> Catalog:
    with (shipped() / f"templates/locale/{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def texts(one_or_more: Any) -> Sequence[str]:
    return (one_or_more,) if isinstance(one_or_more, str) else one_or_more


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[a-z]|%%|\{\w*\}", text))


def numbers_of(language: str) -> list[list[int]]:
    """Of each plural form, the numbers from 0 to 1000 that take it, by the catalogue's own header."""
    form = gettext.c2py(catalogue(language).plural_expr)
    taken: list[list[int]] = [[] for _ in range(catalogue(language).num_plurals)]
    for number in range(1001):
        taken[form(number)].append(number)
    return taken


class TestCatalogues:
    def test_the_templates_have_texts(self):
        assert len(source()) > 40
        assert {"Unsubscribe", "Nothing has been printed yet.", "Read on the web"} <= {one.id for one in source()}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_text_is_translated_in_every_plural_form(self, language):
        said = {one.id: one for one in catalogue(language) if one.id and not one.fuzzy and all(texts(one.string))}

        assert [one.id for one in source() if one.id and one.id not in said] == []
        assert {len(one.string) for one in said.values() if one.pluralizable} == {catalogue(language).num_plurals}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_nothing_is_translated_that_no_template_says(self, language):
        known = {one.id for one in source()}

        assert [one.id for one in catalogue(language) if one.id not in known] == []
        assert not catalogue(language).obsolete

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_translation_has_the_values_of_its_source(self, language):
        """A form of one number alone may say it in words, as Arabic says two."""
        in_words = {form for form, numbers in enumerate(numbers_of(language)) if len(numbers) == 1}

        for one in catalogue(language):
            expected = set().union(*map(placeholders, texts(one.id)))
            for form, text in enumerate(texts(one.string) if one.id and one.string else ()):
                spared = {"%(num)s"} if one.pluralizable and form in in_words else set()
                assert placeholders(text) | spared == expected | spared, text

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_numbers_take_the_plural_forms_of_cldr(self, language):
        """But for the many of a round million in French and Spanish, which gettext does not know and no text says."""
        category = Locale.parse(language).plural_form

        categories = [{category(number) for number in numbers} for numbers in numbers_of(language)]

        assert all(len(one) == 1 for one in categories)
        assert len(set.union(*categories)) == len(categories)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_header_says_language_and_characters(self, language):
        lines = (shipped() / f"templates/locale/{language}.po").read_text("utf-8").partition("\n\n")[0].splitlines()
        header = dict(line.strip('"').removesuffix("\\n").split(": ", 1) for line in lines if ": " in line)

        assert header["Language"] == language
        assert header["Content-Type"] == "text/plain; charset=utf-8"
        assert header["Plural-Forms"].startswith(f"nplurals={catalogue(language).num_plurals};")

    @pytest.mark.parametrize("language", RIGHT_TO_LEFT)
    def test_names_and_addresses_stand_apart_from_right_to_left_words(self, language):
        """UAX #9 §2.4: an address that starts a line would else draw the words around it to the left."""
        for one in catalogue(language):
            for text in texts(one.string) if one.id else ():
                names = re.findall(r"%\((?:address|newsletter|publication)\)s", text)
                assert re.findall("\u2068(.*?)\u2069", text) == names

    def test_collecting_the_texts_again_changes_nothing(self, tmp_path):
        for name in ("templates", "feeds"):
            shutil.copytree(ROOT / name, tmp_path / name)
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        (tmp_path / ".venv").mkdir()
        installed = tmp_path / ".venv/.installed"
        installed.touch()

        subprocess.run(
            ["make", "--old-file=.venv/.installed", f"BIN={Path(sys.executable).parent}", "messages"],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip

        for file in (ROOT / "templates/locale").iterdir():
            assert (tmp_path / "templates/locale" / file.name).read_text("utf-8") == file.read_text("utf-8"), file.name

    def test_every_catalogue_of_ours_passes_the_check(self):
        assert templates().check() == []


def a_view(publication: Publication, language: str = "", article: str = "") -> EditionView:
    """An edition with one story of three minutes; `article` is the story's language."""
    story = an_article(1, id=1, language=article or language or publication.language, words=600)
    newsletter = a_newsletter(language=language)
    return layouts.view(EDITION, newsletter, publication, PLACEMENTS, {1: story}, publication.url)


def a_mail(view: EditionView, desk: Templates) -> tuple[str, Any]:
    """The text and the parsed HTML of a copy."""
    plate = mail.make_plate(view, PLACEMENTS, desk, digest=tokens().seal(EDITION.key), now=LATE)
    delivery = Delivery(1, 1, "ada@example.org", "Ada", "key-of-ada", ("*",))
    copy = mail.CopyPrinter(plate, EDITION.key, desk.publication, tokens()).print(delivery)
    assert copy is not None
    text, page = (part.get_content() for part in message_from_bytes(copy.message, policy=default).iter_parts())
    return text, html.document_fromstring(page)


def a_front_page(desk: Templates, *, stories: int = 0) -> Any:
    told = [Story(0, an_article(1, words=600), "./articles/story-1.html")] * stories
    shelves = [Shelf(SECTIONS[0], tuple(told), (0,))] if told else []
    feeds = [(section, {"rss": "feeds/rss.xml"}) for section in (None, SECTIONS[0])]
    front = page.FrontPage(LATE, shelves, [(EDITION, "The Briefing", "e.html")], feeds)
    return html.document_fromstring(page.front_page(front, desk.publication, desk))


def an_unsubscribe_page(desk: Templates, language: str = "", **values: Any) -> Any:
    shown = page.unsubscribe_page("The Briefing", desk.publication, desk, language=language, **values)
    return html.document_fromstring(shown)


def tongue(element: Any) -> tuple[str, str]:
    return element.get("lang"), element.get("dir")


def tongue_of(document: Any, words: str) -> tuple[str, str]:
    """The language and direction that words on a page are marked with, on themselves or around them."""
    marked = document.xpath("//*[normalize-space(text())=$words]/ancestor-or-self::*[@lang][1]", words=words)
    assert marked, f"nobody says {words!r}"
    return tongue(marked[0])


def words_of(document: Any) -> str:
    return " ".join(document.text_content().split())


@pytest.mark.parametrize("language", WORDS)
class TestEachLanguage:
    def test_a_front_page_speaks_it(self, language):
        document = a_front_page(templates(a_publication(language=language)))

        assert tongue(document) == (language, direction(language))
        assert WORDS[language][0] in words_of(document)
        assert all(said in words_of(document) for said in DATES[language])

    def test_an_unsubscribe_page_speaks_it(self, language):
        document = an_unsubscribe_page(templates(a_publication(language=language)))

        assert tongue(document) == (language, direction(language))
        assert document.findtext(".//button") == WORDS[language][1]

    def test_a_newsletter_in_it_has_its_unsubscribe_page_in_it(self, language):
        document = an_unsubscribe_page(templates(), language, done=True)

        assert tongue(document) == (language, direction(language))
        assert tongue(document.find(".//header")) == ("en", "ltr")
        assert "The Briefing" in words_of(document.find(".//main"))

    def test_a_newsletter_in_it_is_a_mail_in_it(self, language):
        publication = a_publication()
        view = a_view(publication, language)

        text, document = a_mail(view, templates(publication))

        assert tongue(document) == tongue(document.cssselect("body > div")[0]) == (language, direction(language))
        for said in (DATES[language][0], WORDS[language][2]):
            assert said in text
            assert said in words_of(document)
        assert WORDS[language][1] in words_of(document)
        assert WORDS[language][3] in words_of(document)
        assert "ada@example.org" in words_of(document)

    def test_an_edition_in_it_has_its_page_in_it(self, language):
        publication = a_publication()
        shown = page.published(page.edition_page(a_view(publication, language), templates(publication)), ())

        document = html.document_fromstring(shown)

        assert tongue(document) == (language, direction(language))
        assert tongue_of(document, DATES[language][0]) == (language, direction(language))
        assert WORDS[language][3] in words_of(document)


class TestMinutes:
    @pytest.mark.parametrize(
        ("minutes", "said"),
        [
            (1, "قراءة في دقيقة واحدة"),
            (2, "قراءة في دقيقتين"),
            (10, "قراءة في 10 دقائق"),
            (11, "قراءة في 11 دقيقة"),
            (99, "قراءة في 99 دقيقة"),
            (100, "قراءة في 100 دقيقة"),
            (103, "قراءة في 103 دقائق"),
        ],
    )
    def test_arabic_counts_as_arabic_does(self, tmp_path, minutes, said):
        (tmp_path / "templates/web").mkdir(parents=True)
        text = '{{ ngettext("%(num)s min read", "%(num)s min read", minutes) }}'
        (tmp_path / "templates/web/minutes.html.j2").write_text(text)

        printed = templates(root=tmp_path).render("web/minutes.html.j2", {"language": "ar", "minutes": minutes})

        assert printed == said


class TestUnknownLanguages:
    def test_a_newsletter_without_a_catalogue_has_texts_in_the_publications_language(self):
        """Swahili has dates in CLDR, and no texts of ours."""
        publication = a_publication(language="ur")

        text, document = a_mail(a_view(publication, "sw"), templates(publication))

        assert tongue(document) == ("sw", "ltr")
        assert "Jumamosi, 21 Novemba 2026" in text
        assert WORDS["ur"][2] in text
        assert tongue_of(document, WORDS["ur"][3]) == ("ur", "rtl")

    def test_so_has_its_edition_page(self):
        publication = a_publication(language="ur")
        shown = page.published(page.edition_page(a_view(publication, "sw"), templates(publication)), ())

        document = html.document_fromstring(shown)

        assert tongue(document) == ("sw", "ltr")
        assert tongue_of(document, WORDS["ur"][3]) == ("ur", "rtl")

    def test_a_publication_without_a_catalogue_has_english_texts_that_say_so(self):
        document = a_front_page(templates(a_publication(language="fa")))

        assert tongue(document) == ("fa", "rtl")
        assert tongue_of(document, "Nothing has been printed yet.") == ("en", "ltr")
        assert tongue_of(document, "Editions") == ("en", "ltr")
        assert tongue_of(document, DATES["en"][1]) == ("en", "ltr")

    @pytest.mark.parametrize(("of_the_publication", "expected"), [("ur", ("ur", "rtl")), ("fa", ("en", "ltr"))])
    def test_a_page_of_nothing_but_our_texts_is_in_their_language(self, of_the_publication, expected):
        desk = templates(a_publication(language=of_the_publication))

        document = an_unsubscribe_page(desk, "sw", known=False)

        assert tongue(document) == expected
        assert tongue(html.document_fromstring(page.missing_page(desk.publication, desk))) == expected

    def test_an_article_in_it_says_whose_words_stand_beside_it(self):
        publication = a_publication(language="de")
        article = an_article(1, language="fa", words=600)

        document = html.document_fromstring(
            page.article_page(article, article.slug, publication, templates(publication))
        )

        assert tongue(document) == ("fa", "rtl")
        assert tongue_of(document, "3 Min. Lesezeit") == ("de", "ltr")


class TestUnknownNewsletters:
    def test_whoever_left_a_newsletter_that_is_no_more_reads_a_whole_sentence(self):
        shown = page.unsubscribe_page("", a_publication(), templates(), done=True)

        assert "You will get no more mail from this newsletter." in words_of(html.document_fromstring(shown))


def own(root: Path, language: str, *lines: str, header: str = "") -> Templates:
    """Templates of a newsroom with a catalogue of its own."""
    folder = root / "templates/locale"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{language}.po").write_text("\n".join((header, *lines, "")), "utf-8")
    return templates(a_publication(language=language), root)


class TestRegions:
    @pytest.mark.parametrize(
        "tag", ["de-AT", "DE", "de-Latn-CH-1996", "fr-CA", "ur-IN", "zh-CN", "zh-Hans-SG", "en-GB"]
    )
    def test_a_region_has_the_texts_of_its_language(self, tag):
        document = a_front_page(templates(a_publication(language=tag)))

        assert document.get("lang") == tag
        assert tongue_of(document, WORDS[tag[:2].lower()][0]) == (tag, direction(tag))

    def test_brazil_reads_a_newsrooms_portuguese(self, tmp_path):
        own(tmp_path, "pt", 'msgid "Editions"', 'msgstr "Edições"')

        document = a_front_page(templates(a_publication(language="pt-BR"), tmp_path))

        assert tongue_of(document, "Edições") == ("pt-BR", "ltr")

    @pytest.mark.parametrize("tag", ["zh-TW", "zh-Hant", "zh-Hant-HK"])
    def test_who_writes_another_script_is_told_that_these_texts_do_not(self, tag):
        """The tag chooses the font: traditional shapes for simplified characters would be neither."""
        document = a_front_page(templates(a_publication(language=tag)))

        assert document.get("lang") == tag
        assert tongue_of(document, WORDS["zh"][0]) == ("zh", "ltr")

    def test_the_longest_tag_wins(self, tmp_path):
        own(tmp_path, "zh-Hant", 'msgid "Editions"', 'msgstr "各期"')

        document = a_front_page(templates(a_publication(language="zh-Hant-TW"), tmp_path))

        assert tongue_of(document, "各期") == ("zh-Hant-TW", "ltr")

    def test_a_tag_leads_to_no_other_file(self, tmp_path):
        own(tmp_path, "de", 'msgid "Editions"', 'msgstr "Fremdes"')

        document = a_front_page(templates(a_publication(language="x/../de"), tmp_path))

        assert "Fremdes" not in words_of(document)


class TestOwnCatalogues:
    def test_the_newsrooms_catalogue_wins_over_ours(self, tmp_path):
        document = a_front_page(own(tmp_path, "de", 'msgid "Editions"', 'msgstr "Nachlese"'))

        assert tongue_of(document, "Nachlese") == ("de", "ltr")
        assert "Ausgaben" not in words_of(document)
        assert "Nothing has been printed yet." in words_of(document)

    def test_it_may_reword_the_english(self, tmp_path):
        document = a_front_page(own(tmp_path, "en", 'msgid "Editions"', 'msgstr "Back numbers"'))

        assert "Back numbers" in words_of(document)

    def test_a_doubtful_translation_is_not_printed(self, tmp_path):
        document = a_front_page(own(tmp_path, "de", "#, fuzzy", 'msgid "Editions"', 'msgstr "Auflagen"'))

        assert "Auflagen" not in words_of(document)

    def test_a_language_that_cldr_does_not_know_counts_as_its_header_says(self, tmp_path):
        """Klingon."""
        header = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n==3 ? 1 : 2);\\n"\n'
        minutes = ['msgid "%(num)s min read"', 'msgid_plural "%(num)s min read"']
        forms = [f'msgstr[{form}] "{word} %(num)s"' for form, word in enumerate(("wa", "wej", "law"))]

        desk = own(tmp_path, "tlh", *minutes, *forms, header=header)

        assert desk.check() == []
        assert "wej 3" in words_of(a_front_page(desk, stories=1))


UNCLOSED = ('msgid "Editions"', 'msgstr "Ausgaben')
BROKEN = [
    pytest.param(UNCLOSED, r"de\.po:3  This is no line of a catalogue\.", id="unclosed"),
    pytest.param(('msgid "Editions"', "", 'msgid "Feeds"', 'msgstr ""'), r"de\.po:2  Missing msgstr", id="missing"),
    pytest.param(('msgid "Editions"', 'msgstring "A"'), r"de\.po:3  This is no line", id="keyword"),
    pytest.param(('"Ausgaben"',), r"de\.po:2  Got line starting with", id="alone"),
    pytest.param(
        ('msgid "a"', 'msgid_plural "b"', *(f'msgstr[{form}] "c"' for form in range(3)), 'msgid "d"', 'msgstr ""'),
        r"de\.po:2  .*num_plurals",
        id="plurals",
    ),
    pytest.param(
        ('msgid ""', 'msgstr ""', '"Plural-Forms: nplurals=2; plural=n+;\\n"'),
        r"de\.po:1  Plural-Forms: ",
        id="formula",
    ),
    pytest.param(
        ('msgid ""', 'msgstr ""', '"Plural-Forms: nplurals=two;\\n"', "", 'msgid "a"', 'msgstr ""'),
        r"de\.po:6  invalid literal",
        id="header",
    ),
]


class TestMistakes:
    @pytest.mark.parametrize(("lines", "says"), BROKEN)
    def test_a_broken_catalogue_stops_the_page_and_names_the_line(self, tmp_path, lines, says):
        desk = own(tmp_path, "de", *lines)

        with pytest.raises(TemplateProblem, match=rf"^locale/{says}"):
            a_front_page(desk)

    @pytest.mark.parametrize(("lines", "says"), BROKEN)
    def test_the_check_finds_it_whatever_the_publications_language(self, tmp_path, lines, says):
        own(tmp_path, "de", *lines)

        [problem] = templates(root=tmp_path).check()

        assert re.match(rf"locale/{says}", problem)

    def test_it_stops_no_page_in_another_language(self, tmp_path):
        own(tmp_path, "de", *UNCLOSED)

        assert WORDS["fr"][0] in words_of(a_front_page(templates(a_publication(language="fr"), tmp_path)))

    def test_a_catalogue_in_another_encoding_is_refused_with_the_line(self, tmp_path):
        own(tmp_path, "de")
        file = tmp_path / "templates/locale/de.po"
        file.write_bytes('\nmsgid "Everything"\nmsgstr "Für alle"\n'.encode("latin-1"))

        assert templates(root=tmp_path).check() == ["locale/de.po:3  This is not UTF-8. Save the file as UTF-8."]

    @pytest.mark.parametrize(
        ("lines", "says"),
        [
            (
                ('msgid "Your sections of %(newsletter)s"', 'msgstr "%(rundbrief)s: Ressorts"'),
                "locale/de.po:2  Nothing fills %(rundbrief)s here. This text may hold %(newsletter)s.",
            ),
            (
                ('msgid "Save"', 'msgstr "100 % sichern"'),
                "locale/de.po:2  A % stands alone. Write %% for a percent sign, %(…)s for a value.",
            ),
            (
                ('msgid "%(num)s min"', 'msgid_plural "%(num)s min"', 'msgstr[0] "%(num)s Min."', 'msgstr[1] ""'),
                "locale/de.po:2  2 plural forms are needed, not 1.",
            ),
        ],
    )
    def test_the_check_finds_what_could_not_be_filled(self, tmp_path, lines, says):
        own(tmp_path, "de", *lines)

        assert templates(root=tmp_path).check() == [says]
