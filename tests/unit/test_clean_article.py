"""What a source said becomes one safe article, or a problem that names its place."""

from dataclasses import replace
from datetime import timedelta

import pytest

from publisher.clean.article import Desk, clean, split_kind
from publisher.model.article import Access, Article, Author, Image, RawArticle, Related, Status
from tests.builders import NOW, a_publication


def a_raw_article(**changes) -> RawArticle:
    plain = RawArticle(
        source_id="story-1",
        title="Analysis: The port reopens",
        body='<p>The cranes move again, <a href="/cranes">all nine</a>.</p>',
        where="port.md:1",
        url="https://journal.example/port",
        authors=(Author("Ada Writer", "Ada writes."),),
        published=NOW,
        sections=("world",),
        tags=("ports",),
        image=Image("/port.jpg", "The port", "Cranes", "Bob"),
    )
    return replace(plain, **changes)


def a_desk(**changes) -> Desk:
    return replace(Desk(a_publication()), **changes)


def cleaned(raw: RawArticle, desk: Desk | None = None) -> Article:
    article, *_ = clean(raw, "desk", desk or a_desk())
    assert article is not None
    return article


def test_an_article_is_made_of_what_its_source_said():
    article, problems, *_ = clean(a_raw_article(), "desk", a_desk())

    assert problems == []
    assert article is not None
    assert (article.kind, article.headline) == ("Analysis", "The port reopens")
    assert article.body == '<p>The cranes move again, <a href="https://journal.example/cranes">all nine</a>.</p>'
    assert article.teaser == "The cranes move again, all nine."
    assert article.image == Image("https://journal.example/port.jpg", "The port", "Cranes", "Bob")
    assert (article.words, article.slug, article.sections) == (6, "the-port-reopens", ("world",))


class TestKind:
    KINDS = ("Analysis", "Opinion")

    @pytest.mark.parametrize(
        ("title", "parts"),
        [
            ("Analysis: Hamas, Hezbollah: A connection", ("Analysis", "Hamas, Hezbollah: A connection")),
            ("ANALYSIS : The port", ("Analysis", "The port")),
            ("CPEC: The road", ("", "CPEC: The road")),
            ("Modern Security: Analysis: The port", ("", "Modern Security: Analysis: The port")),
            ("Analysis:", ("", "Analysis:")),
            ("Analysis", ("", "Analysis")),
            ("Analysis of a port", ("", "Analysis of a port")),
            (": The port", ("", ": The port")),
        ],
    )
    def test_it_is_a_configured_word_before_the_first_colon(self, title, parts):
        assert split_kind(title, self.KINDS) == parts

    def test_title_and_kind_make_the_title_again(self):
        assert cleaned(a_raw_article()).title == "Analysis: The port reopens"


class TestSections:
    @pytest.mark.parametrize(
        ("named", "found"),
        [
            (("world",), ("world",)),
            (("/world/asia/",), ("world/asia",)),
            (("WORLD",), ("world",)),
            (("Asia",), ("world/asia",)),
            (("Foreign Desk",), ("economy",)),
            (("economy", "World", "world"), ("economy", "world")),
            (("Sport", "climate"), ("climate",)),
        ],
    )
    def test_they_are_found_by_path_title_and_alias(self, named, found):
        desk = a_desk(sections={"foreign desk/": "economy"})

        assert cleaned(a_raw_article(sections=named), desk).sections == found

    def test_a_name_that_leads_nowhere_falls_back_to_the_sources_section(self):
        article, problems, *_ = clean(a_raw_article(sections=("Sport",)), "desk", a_desk(section="climate"))

        assert (article.sections, problems) == (("climate",), [])

    @pytest.mark.parametrize(("named", "says"), [((), "it names no section"), (("Sport",), '("Sport") is configured')])
    def test_an_article_without_any_is_filed_and_reported(self, named, says):
        article, (problem,), *_ = clean(a_raw_article(sections=named), "desk", a_desk())

        assert article.sections == ()
        assert problem.where == "port.md:1"
        assert says in problem.message

    def test_of_two_sections_with_one_title_the_first_is_meant(self):
        publication = a_publication()
        twins = (*publication.sections, replace(publication.sections[0], path="climate/world"))

        article = cleaned(a_raw_article(sections=("World!",)), a_desk(publication=a_publication(sections=twins)))

        assert article.sections == ()
        assert cleaned(
            a_raw_article(sections=("world",)), a_desk(publication=a_publication(sections=twins))
        ).sections == ("world",)


class TestWhatIsMissing:
    def test_an_article_without_a_title_takes_its_first_words(self):
        article = cleaned(a_raw_article(title=" ", body="<p>" + "word " * 20 + "</p>"))

        assert article.headline == "word " * 11 + "word…"

    @pytest.mark.parametrize("body", ["", "<p> </p>", "<script>x</script>", '<img src="/a.png">'])
    def test_an_article_with_neither_title_nor_text_is_a_problem(self, body):
        article, problems, *_ = clean(a_raw_article(title="\x0b", body=body), "desk", a_desk())

        assert article is None
        assert problems[-1].message == "it has neither title nor text."

    def test_a_date_that_nobody_gave_stays_unknown(self):
        assert cleaned(a_raw_article(published=None)).published is None

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "http://[::1"])
    def test_an_address_that_is_none_is_left_out_and_reported(self, url):
        article, problems, *_ = clean(a_raw_article(url=url), "desk", a_desk())

        assert article.url is None
        assert url in problems[0].message

    @pytest.mark.parametrize("url", ["javascript:x", "data:image/png;base64,AA", "mailto:a@b.example", "http://"])
    def test_a_lead_image_without_a_web_address_is_left_out(self, url):
        assert cleaned(a_raw_article(image=Image(url))).image is None

    @pytest.mark.parametrize("authors", [(), (Author(""),), (Author(" \x00"),)])
    def test_an_author_without_a_name_is_none(self, authors):
        assert cleaned(a_raw_article(authors=authors)).authors == ()


@pytest.mark.parametrize(
    ("given", "desk", "language"),
    [
        ("ur", "", "ur"),
        ("en_GB", "", "en-GB"),
        (None, "ur", "ur"),
        (None, "ur_PK", "ur-PK"),
        (None, "", "en"),
        ('en" onclick="x', "", "en"),
        ("\ud800", "ur", "ur"),
        ("English (UK)", "", "en"),
    ],
)
def test_a_language_is_a_tag_or_the_publications_own(given, desk, language):
    assert cleaned(a_raw_article(language=given), a_desk(language=desk)).language == language


def test_broken_characters_are_gone_from_every_text():
    broken = "a\ud800\x0b\ufffe\x92b"
    article = cleaned(
        a_raw_article(
            source_id=broken,
            title=broken,
            body=broken,
            standfirst=broken,
            url=f"https://journal.example/{broken}",
            tags=(broken,),
            authors=(Author(broken, broken),),
            image=Image("/a.png", broken, broken, broken),
            slug=broken,
        )
    )

    author, image = article.authors[0], article.image
    texts = [article.source_id, article.headline, article.body, article.standfirst, article.teaser, *article.tags]
    assert {*texts, author.name, author.biography, image.alt, image.caption, image.credit} == {"a’b"}
    assert article.url == "https://journal.example/a%E2%80%99b"


def test_a_title_cannot_turn_the_rest_of_the_page_around():
    assert cleaned(a_raw_article(title="abc \u202edef")).headline == "abc \u202edef\u202c"


def test_the_lead_image_stands_once():
    article = cleaned(a_raw_article(body='<p><img src="port.jpg"></p><p>Text</p>'))

    assert article.body == "<p>Text</p>"


class TestTrails:
    """A trail leads to its last part; a section whose child is there too is only the way to it."""

    @pytest.mark.parametrize(
        ("named", "sections"),
        [
            (("world/asia",), ("world/asia",)),
            (("World/Asia",), ("world/asia",)),
            (("Elsewhere/Asia",), ("world/asia",)),
            (("World", "Asia"), ("world/asia",)),
            (("Asia", "World", "Economy"), ("world/asia", "economy")),
            (("Economy", "economy"), ("economy",)),
            (("Elsewhere/World",), ("world",)),
            (("Elsewhere",), ()),
        ],
    )
    def test_names_lead_to_configured_paths(self, named, sections):
        assert cleaned(a_raw_article(sections=named)).sections == sections


class TestKindOfItsOwn:
    @pytest.mark.parametrize(
        ("title", "kind", "found"),
        [
            ("The port reopens", "analysis", ("Analysis", "The port reopens")),
            ("Analysis: The port reopens", "Opinion", ("Analysis", "The port reopens")),
            ("The port reopens", "Article", ("", "The port reopens")),
        ],
    )
    def test_a_field_for_it_counts_where_the_title_has_no_label_and_the_newsroom_knows_it(self, title, kind, found):
        article = cleaned(a_raw_article(title=title, kind=kind))

        assert (article.kind, article.headline) == found


class TestAuthorsAndRelated:
    def test_an_author_named_twice_is_one_with_all_that_was_told(self):
        twice = (
            Author("Ada Writer", "", "/ada.jpg"),
            Author("ada writer", "Ada writes.", url="javascript:x", role="Editor"),
        )

        article = cleaned(a_raw_article(authors=twice))

        assert article.authors == (
            Author("Ada Writer", "Ada writes.", "https://journal.example/ada.jpg", "", "Editor"),
        )

    def test_related_stories_stand_once_and_never_the_story_itself(self):
        related = (
            Related("The strait", "/strait", "On ships"),
            Related("The strait", "/strait"),
            Related("Itself", "https://journal.example/port?utm_source=x"),
            Related("", "/nothing"),
            Related("Nowhere", "javascript:x"),
        )

        article = cleaned(a_raw_article(related=related))

        assert article.related == (
            Related("The strait", "https://journal.example/strait", "On ships"),
            Related("Nowhere", "", ""),
        )


class TestTheTextBehindAWall:
    @pytest.mark.parametrize("access", [Access.MEMBERS, Access.PAID])
    def test_it_is_not_kept_in_any_form(self, access):
        article = cleaned(a_raw_article(access=access, body="<p>Secret words.</p>", standfirst=""))

        assert (article.body, article.teaser, article.words) == ("", "", 0)
        assert "ecret" not in repr(article)

    def test_it_does_not_become_a_headline_where_there_is_none(self):
        raw = a_raw_article(access=Access.PAID, title="", body="<p>Secret words.</p>")

        article, problems, *_ = clean(raw, "desk", a_desk())

        assert article is None
        assert "ecret" not in repr(problems)

    def test_what_was_written_for_everybody_stays(self):
        article = cleaned(a_raw_article(access=Access.PAID, standfirst="In short"))

        assert (article.headline, article.standfirst, article.teaser) == ("The port reopens", "In short", "In short")


class TestOrigins:
    def test_each_field_says_where_it_came_from(self):
        raw = a_raw_article(format="rss", origins={"published": "dc:date"}, language="ur", standfirst="In short")

        origins = cleaned(raw).origins

        assert (origins["published"], origins["body"], origins["kind"]) == ("dc:date", "rss", "rss")
        assert (origins["teaser"], origins["language"], origins["sections"]) == ("rss", "rss", "rss")
        assert "modified" not in origins

    def test_what_we_made_is_derived_and_what_the_newsroom_set_is_default(self):
        raw = a_raw_article(format="rss", title="", standfirst="", sections=("Elsewhere",), language=None)

        origins = cleaned(raw, a_desk(section="climate")).origins

        assert (origins["headline"], origins["teaser"]) == ("derived", "derived")
        assert (origins["sections"], origins["language"]) == ("default", "default")


def test_a_derived_teaser_has_as_many_words_as_the_newsroom_wants():
    body = "<p>As the global business landscape rapidly evolves, Pakistan stands at a crossroads.</p>"
    desk = Desk(a_publication(teaser_words=9))

    assert cleaned(a_raw_article(body=body), desk).teaser == (
        "As the global business landscape rapidly evolves, Pakistan stands…"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "The port reopens"},
        {"title": "Analysis: The port"},
        {"body": "<p>Other words.</p>"},
        {"standfirst": "In short"},
        {"url": "https://journal.example/harbour"},
        {"authors": (Author("Ada Writer", "Ada wrote."),)},
        {"image": None},
        {"image": Image("/port.jpg", "The old port", "Cranes", "Bob")},
        {"sections": ("economy",)},
        {"tags": ()},
        {"language": "ur"},
        {"status": Status.WITHHELD},
        {"access": Access.MEMBERS},
        {"embargo": NOW},
        {"comments": "/port#comments"},
        {"related": (Related("The strait"),)},
        {"teaser": "Cranes again"},
        {"published": NOW - timedelta(days=1)},
    ],
)
def test_a_change_that_readers_see_changes_the_hash(change):
    assert cleaned(a_raw_article(**change)).content_hash != cleaned(a_raw_article()).content_hash


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"source_id": "another"},
        {"where": "elsewhere.md:7"},
        {"modified": NOW},
        {"base": "https://journal.example/port"},
        {"title": " Analysis:  The port\nreopens "},
        {"body": '<p onclick="x">The cranes move again, <a href="https://journal.example/cranes">all nine</a>.</p>\n'},
        {"sections": ("World",)},
        {"language": "en"},
    ],
)
def test_a_change_that_nobody_sees_leaves_the_hash(change):
    assert cleaned(a_raw_article(**change)).content_hash == cleaned(a_raw_article()).content_hash


class TestTruthOverTime:
    BEFORE = "04125e3602b3fb437eaa851e5d3f9da96e3fa9061983b30960a04e589c439277"

    def test_a_story_without_correction_and_replies_is_the_same_as_to_the_program_before(self):
        """What is in a newsroom's database must not change with an upgrade; this digest was made before it."""
        assert cleaned(a_raw_article()).content_hash == self.BEFORE

    @pytest.mark.parametrize("change", [{"correction": "The wrong year."}, {"replies": 0}, {"replies": 12}])
    def test_each_of_them_counts_where_it_is_there(self, change):
        assert cleaned(a_raw_article(**change)).content_hash != self.BEFORE

    def test_a_number_is_not_taken_for_a_note(self):
        told, counted = a_raw_article(correction="12"), a_raw_article(replies=12)

        assert cleaned(told).content_hash != cleaned(counted).content_hash

    def test_that_an_edit_is_minor_changes_nothing_in_the_article(self):
        assert cleaned(a_raw_article(minor=True)) == cleaned(a_raw_article())

    def test_a_correction_is_one_line_of_plain_text_that_fits_below_a_story(self):
        raw = a_raw_article(correction=f"  The \x0b<b>wrong</b>\nyear. {'Word ' * 1000}")

        correction = clean(raw, "desk", a_desk()).correction

        assert correction.startswith("The <b>wrong</b> year. Word")
        assert len(correction) <= 1000

    @pytest.mark.parametrize(
        ("minor", "silent", "quiet"), [(False, False, False), (True, False, True), (False, True, True)]
    )
    def test_the_source_or_the_newsroom_keeps_an_edit_quiet(self, minor, silent, quiet):
        assert clean(a_raw_article(minor=minor), "desk", a_desk(silent=silent)).minor is quiet

    def test_where_they_came_from_is_known(self):
        origins = cleaned(
            a_raw_article(format="rss", replies=0, correction="So.", origins={"replies": "thr:total"})
        ).origins

        assert (origins["replies"], origins["correction"]) == ("thr:total", "rss")
