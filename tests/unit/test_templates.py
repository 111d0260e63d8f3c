"""Templates: a newsroom's own copies, and mistakes said with file and line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import TemplateProblem
from publisher.model.article import Author
from publisher.model.newsletter import Publication
from publisher.render.environment import Templates, locale
from tests.builders import a_publication, templates


def a_newsroom(root: Path, publication: Publication | None = None, /, **files: str) -> Templates:
    """Templates with files of the newsroom's own: `web_page="…"` is templates/web/page.html.j2."""
    for name, source in files.items():
        path = root / "templates" / f"{name.replace('_', '/', 1)}.html.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return templates(publication, root)


def rendered(root: Path, source: str, **values: Any) -> str:
    return a_newsroom(root, web_page=source).render("web/page.html.j2", values)


class TestOwnCopies:
    def test_the_newsrooms_copy_wins_over_ours(self, tmp_path):
        own = a_newsroom(tmp_path, web_unsubscribe="Our own words")

        assert own.render("web/unsubscribe.html.j2", {}) == "Our own words"

    def test_it_wins_for_that_file_alone(self, tmp_path):
        own = a_newsroom(tmp_path, web_base="<title>Ours</title>{% block main %}{% endblock %}")

        page = own.render("web/unsubscribe.html.j2", {"known": False})

        assert page.startswith("<title>Ours</title>")
        assert "This link does not work" in page

    def test_no_template_reaches_a_file_outside_the_template_folders(self, tmp_path):
        (tmp_path / "config.toml").write_text("secret = 1")

        with pytest.raises(TemplateProblem):
            rendered(tmp_path, '{% include "web/../../config.toml" %}')

    def test_every_shipped_template_compiles(self):
        assert templates().check() == []


class TestMistakes:
    @pytest.mark.parametrize(
        ("expression", "says"),
        [
            ("{{ unknown }}", "'unknown' is undefined"),
            ("{{ article.unknown }}", "has no attribute 'unknown'"),
            ("{{ ''.__class__ }}", "unsafe"),
            ("{{ ''.__class__.__mro__ }}", "unsafe"),
            ("{{ article.append(1) }}", "unsafe|not safely callable"),
            ("{{ 1 / 0 }}", "zero"),
            ("{{ 'today' | day }}", "astimezone"),
            ("{{ 1 + 'a' }}", "unsupported operand"),
            ('{% include "web/none.html.j2" %}', "none.html.j2"),
            ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recursion"),
        ],
    )
    def test_a_mistake_names_file_and_line(self, tmp_path, expression, says):
        with pytest.raises(TemplateProblem, match=rf"web/page\.html\.j2:3  .*({says})"):
            rendered(tmp_path, f"one\ntwo\n{expression}\n", article=[])

    def test_a_syntax_error_names_file_and_line(self, tmp_path):
        with pytest.raises(TemplateProblem, match=r"web/page\.html\.j2:2  Encountered unknown tag 'iff'\.$"):
            rendered(tmp_path, "one\n{% iff %}")

    def test_a_mistake_in_an_imported_template_names_that_file(self, tmp_path):
        own = a_newsroom(
            tmp_path,
            web_page='{% import "shared/own.html.j2" as own %}\n{{ own.line() }}',
            shared_own="{% macro line() %}\n\n\n{{ unknown }}{% endmacro %}",
        )

        with pytest.raises(TemplateProblem, match=r"shared/own\.html\.j2:4 "):
            own.render("web/page.html.j2", {})

    def test_check_finds_every_file_that_does_not_compile(self, tmp_path):
        own = a_newsroom(tmp_path, web_one="{% iff %}", email_two="\n{{ }}", web_fine="{{ unknown }}")

        problems = sorted(own.check())

        assert [problem.split("  ")[0] for problem in problems] == ["email/two.html.j2:2", "web/one.html.j2:1"]

    def test_templates_see_neither_configuration_nor_environment(self, tmp_path):
        for name in ("config", "environ", "request", "self._environment"):
            with pytest.raises(TemplateProblem):
                rendered(tmp_path, f"{{{{ {name} }}}}")


class TestWords:
    def test_text_is_escaped_and_never_rendered(self, tmp_path):
        assert rendered(tmp_path, "{{ text }}", text="<b>{{ 7*7 }}</b>") == "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;"

    def test_a_date_is_the_newsrooms_day(self, tmp_path):
        late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

        printed = rendered(tmp_path, "{{ at | day }}|{{ at | short_day }}|{{ at | clock }}|{{ at | iso }}", at=late)

        assert printed.split("|") == [
            "Saturday, November 21, 2026",
            "November 21, 2026",
            "11/21/26, 4:30\u202fAM",
            "2026-11-20T23:30:00+00:00",
        ]

    def test_the_zone_is_the_publications(self, tmp_path):
        there = a_publication(zone=ZoneInfo("America/New_York"))
        at = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

        own = a_newsroom(tmp_path, there, web_page="{{ at | short_day }}")

        assert own.render("web/page.html.j2", {"at": at}) == "November 19, 2026"

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("de", "20. November 2026"),
            ("ur", "20 نومبر، 2026"),
            ("en-PK", "20 November 2026"),
            ("tlh", "November 20, 2026"),
        ],
    )
    def test_a_date_is_in_the_language_asked_for(self, tmp_path, language, said):
        at = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

        assert rendered(tmp_path, "{{ at | short_day(language) }}", at=at, language=language) == said

    @pytest.mark.parametrize("tag", ["en", "ur-PK", "zh-Hant-TW", "xx-nonsense", "", "not a tag"])
    def test_every_language_tag_has_a_locale(self, tag):
        assert locale(tag).language in {"en", "ur", "zh"}

    @pytest.mark.parametrize(
        ("language", "said"), [("en", "Ada, Bob, and Cy"), ("de", "Ada, Bob und Cy"), ("ur", "Ada، Bob، اور Cy")]
    )
    def test_authors_are_listed_as_their_language_does(self, tmp_path, language, said):
        authors = (Author("Ada"), Author("Bob"), Author("Cy"))

        assert rendered(tmp_path, "{{ authors | names(language) }}", authors=authors, language=language) == said

    @pytest.mark.parametrize(
        ("language", "printed"),
        [("ur", "\u2068<تجزیہ>\u2069"), ("ar-EG", "\u2068<تجزیہ>\u2069"), ("de", "<تجزیہ>"), ("en", "<تجزیہ>")],
    )
    def test_plain_text_of_another_direction_is_kept_apart(self, tmp_path, language, printed):
        """UAX #9 §2.4: else its brackets would stand on the wrong side of a subject."""
        own = a_newsroom(tmp_path, email_page="{{ text | kept_apart(of) | safe }}")

        assert own.render("email/page.html.j2", {"language": "en", "text": "<تجزیہ>", "of": language}) == printed

    def test_words_in_another_language_are_isolated(self, tmp_path):
        source = "{{ '<تجزیہ>' | isolated('ur') }} {{ 'Opinion' | isolated('en') }}"

        printed = rendered(tmp_path, source, language="en")

        assert printed == '<span lang="ur" dir="rtl">&lt;تجزیہ&gt;</span> Opinion'
