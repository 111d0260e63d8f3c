"""The mail that leaves: what a reader's program finds in a copy printed from the shipped templates."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from lxml import html as lxml_html

from publisher.model.article import Article
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import Edition, EditionState, Mailbox, Newsletter, Placement, Publication
from publisher.render import edition as layout
from publisher.render import mail
from tests.builders import NOW, a_newsletter, a_publication, an_article, templates, tokens

URDU = "خلیج کی نئی سفارت کاری"
EDITION = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW)
KEY = "briefing/daily/2026-11-20T07:00"
ONCE = (
    "To", "From", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-ID",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Precedence",
)  # fmt: skip


def stories() -> list[Article]:
    """One of every kind: plain, Urdu, in two sections, and with everything missing."""
    return [
        an_article(1),
        an_article(2, headline=URDU, teaser=URDU, language="ur", sections=("world/asia",), image=None),
        an_article(3, kind="Analysis", sections=("economy", "world"), url="https://elsewhere.example/three?a=1&b=2"),
        an_article(4, sections=("climate",), image=None, authors=(), standfirst="", teaser="", published=None),
    ]


def a_delivery(**changes: Any) -> Delivery:
    return replace(Delivery(1, 1, "ada@example.org", "Ada", "key-of-ada", ("*",)), **changes)


@dataclass(frozen=True)
class Printed:
    """A copy and its parts as another program reads them."""

    copy: Copy
    message: EmailMessage
    text: str
    page: str

    @property
    def head(self) -> bytes:
        return self.copy.message.partition(b"\r\n\r\n")[0]

    @property
    def tree(self) -> Any:
        return lxml_html.document_fromstring(self.page)


def print_copy(
    articles: Sequence[Article],
    delivery: Delivery,
    publication: Publication | None = None,
    newsletter: Newsletter | None = None,
) -> Copy | None:
    publication = publication or a_publication()
    found = {number: replace(one, id=number) for number, one in enumerate(articles, 1)}
    order = [section.path for section in publication.sections]
    placed = sorted((order.index(path), number) for number, one in found.items() for path in one.sections)
    placements = [Placement(at, order[rank], number) for at, (rank, number) in enumerate(placed)]
    view = layout.view(EDITION, newsletter or a_newsletter(), publication, placements, found, publication.url)
    desk = templates(publication)
    subject = mail.subject_line(view, desk)
    plate = mail.make_plate(view, placements, desk, subject=subject, digest=tokens().seal(KEY), now=NOW)
    return mail.CopyPrinter(plate, KEY, publication, tokens()).print(delivery)


def a_copy(articles: Sequence[Article] | None = None, delivery: Delivery | None = None, **changes: Any) -> Printed:
    copy = print_copy(articles or stories(), delivery or a_delivery(), **changes)
    assert copy is not None
    message = message_from_bytes(copy.message, policy=default)
    text, page = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return Printed(copy, message, text, page)


@pytest.fixture(scope="module")
def printed() -> Printed:
    return a_copy()


def unsubscribe_url(printed: Printed) -> str:
    [url] = re.findall(rb"^List-Unsubscribe: <(\S+)>\r$", printed.head, re.MULTILINE)
    return url.decode()


class TestHeaders:
    def test_a_copy_parses_without_a_defect(self, printed):
        assert not printed.message.defects
        assert not [defect for part in printed.message.walk() for defect in part.defects]
        assert not [defect for value in printed.message.values() for defect in value.defects]

    @pytest.mark.parametrize("name", ONCE)
    def test_every_field_stands_once(self, name):
        printed = a_copy(newsletter=a_newsletter(reply_to="desk@journal.example"))

        assert len(printed.message.get_all(name, [])) == 1

    def test_no_other_field_is_there(self, printed):
        assert set(printed.message.keys()) == set(ONCE) - {"Reply-To"}

    def test_the_fields_say_who_what_and_when(self, printed):
        message = printed.message

        assert message["To"] == "Ada <ada@example.org>"
        assert message["From"] == "The Test Journal <briefing@journal.example>"
        assert message["Subject"] == "The Briefing · November 20, 2026"
        assert message["Date"].datetime == NOW
        assert message["List-ID"] == "The Briefing <briefing.journal.example>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_the_envelope_is_the_senders_and_the_readers(self, printed):
        assert (printed.copy.sender, printed.copy.recipient) == ("briefing@journal.example", "ada@example.org")

    def test_the_unsubscribe_link_is_signed_for_this_reader_and_newsletter(self, printed):
        start, _, token = unsubscribe_url(printed).rpartition("/")

        assert start == "https://journal.example/unsubscribe"
        assert tokens().read_unsubscribe(token) == ("key-of-ada", "briefing")

    @pytest.mark.parametrize("length", [400, 900])
    def test_a_long_unsubscribe_link_is_raw_and_on_one_line(self, length):
        """Python's own folding turns it into an encoded word (cpython#85725)."""
        printed = a_copy(publication=a_publication(url="https://journal.example/" + "p" * (length - 100)))

        url = unsubscribe_url(printed)
        assert len(url) > length - 60
        assert url in printed.text
        assert url in printed.page
        assert max(map(len, printed.copy.message.split(b"\r\n"))) <= 998

    def test_header_lines_fold_at_78_but_for_the_link(self):
        publication = a_publication(name="Ünïcode Zeitung für Alle " * 6)
        newsletter = a_newsletter(title="A long, quoted title " * 6, sender=Mailbox("漢字" * 30, "b@journal.example"))

        lines = a_copy(publication=publication, newsletter=newsletter).head.split(b"\r\n")

        assert [line for line in lines if len(line) > 78 and not line.startswith(b"List-Unsubscribe: ")] == []

    def test_the_message_id_is_of_edition_and_reader_and_says_neither(self, printed):
        again = a_copy(delivery=a_delivery(id=99, tries=3, name="Ada L."))
        other = a_copy(delivery=a_delivery(reader_key="key-of-bob"))

        assert printed.copy.message_id == printed.message["Message-ID"] == again.copy.message_id
        assert other.copy.message_id != printed.copy.message_id
        assert re.fullmatch(r"<[0-9a-f]{32}@journal\.example>", printed.copy.message_id)

    @pytest.mark.parametrize(
        "name", ["", "{{7*7}}", "Doe, Jane", "Ada\r\nBcc: victim@example.org", "عائشہ", "<b>Ada</b>"]
    )
    def test_a_readers_name_is_only_a_name(self, name):
        printed = a_copy(delivery=a_delivery(name=name))

        [mailbox] = printed.message["To"].addresses
        assert (mailbox.display_name, mailbox.addr_spec) == (" ".join(name.split()), "ada@example.org")
        assert "Bcc" not in printed.message
        assert ", ," not in " ".join(printed.text.split())

    def test_same_inputs_make_the_same_bytes(self):
        assert a_copy().copy == a_copy().copy

    def test_a_reader_with_nothing_new_gets_no_copy(self):
        assert print_copy([an_article(1)], a_delivery(sections=("climate",))) is None


class TestText:
    def test_it_carries_every_headline_address_and_the_unsubscribe_link(self, printed):
        for story in stories():
            assert story.title in printed.text
            assert layout.article_url(story, "https://journal.example") in printed.text
        assert unsubscribe_url(printed) in printed.text

    def test_a_story_in_two_sections_is_printed_once_under_its_first(self, printed):
        assert printed.text.count("Analysis: Story 3") == 1
        assert printed.text.index("Economy\n") < printed.text.index("Story 3") < printed.text.index("Climate\n")

    def test_a_reader_of_the_second_section_finds_it_there(self):
        printed = a_copy(delivery=a_delivery(sections=("world",)))

        assert printed.text.index("World\n") < printed.text.index("Story 3")
        assert "Economy" not in printed.text + printed.page
        assert "Climate" not in printed.text + printed.page

    def test_lines_are_at_most_78_but_for_addresses(self):
        words = "Some words that make a long line and go on " * 4
        publication = a_publication(name="The Journal of a Very Long Name " * 3, address=words.strip())
        story = an_article(1, headline=words.strip(), teaser=words * 5, authors=stories()[0].authors * 9)

        printed = a_copy([story], publication=publication, newsletter=a_newsletter(title="A Long Title " * 5))

        assert [line for line in printed.text.splitlines() if len(line) > 78 and "https://" not in line] == []

    def test_a_story_without_a_teaser_leaves_no_hole(self, printed):
        _, _, after = printed.text.partition("Story 4\n")

        assert after.startswith("https://journal.example/articles/story-4.html")

    def test_body_lines_are_short_enough_for_any_server(self, printed):
        body = printed.copy.message.partition(b"\r\n\r\n")[2]

        assert body.isascii()
        assert max(map(len, body.split(b"\r\n"))) <= 76


class TestPage:
    def test_language_and_direction_stand_on_html_and_on_the_wrapper(self, printed):
        tree = printed.tree

        wrapper = tree.find("body")[0]
        assert (tree.get("lang"), tree.get("dir")) == (wrapper.get("lang"), wrapper.get("dir")) == ("en", "ltr")

    @pytest.mark.parametrize(("language", "direction"), [("ur", "rtl"), ("ar", "rtl"), ("ja", "ltr"), ("de", "ltr")])
    def test_an_edition_is_in_its_own_language(self, language, direction):
        tree = a_copy(publication=a_publication(language=language)).tree

        assert (tree.get("lang"), tree.get("dir")) == (language, direction)

    def test_a_story_in_another_language_says_so(self, printed):
        [headline] = [one for one in printed.tree.cssselect("h4") if one.text_content() == URDU]

        [story] = list(headline.iterancestors("div"))[:1]
        assert (story.get("lang"), story.get("dir")) == ("ur", "rtl")

    def test_a_story_in_the_editions_language_says_nothing(self, printed):
        [headline] = [one for one in printed.tree.cssselect("h4") if one.text_content() == "Story 1"]

        assert next(headline.iterancestors("div")).get("lang") is None

    @pytest.mark.parametrize("alt", ["", 'A "quoted" picture'])
    def test_every_image_has_an_alt_even_an_empty_one(self, alt):
        story = an_article(1)

        images = a_copy([replace(story, image=replace(story.image, alt=alt))]).tree.cssselect("img")

        assert [image.get("alt") for image in images] == [alt]

    def test_an_image_keeps_its_width_for_outlook(self, printed):
        assert {image.get("width") for image in printed.tree.cssselect("img")} == {"592"}

    def test_one_can_unsubscribe_near_the_top_and_at_the_end(self, printed):
        url = html.escape(unsubscribe_url(printed))

        places = [match.start() for match in re.finditer(re.escape(f'href="{url}"'), printed.page)]
        assert len(places) == 2
        assert places[0] < printed.page.index("Story 1") < printed.page.rindex("Story 4") < places[1]

    def test_the_style_is_within_gmails_budget(self, printed):
        styles = re.findall("<style[^>]*>(.*?)</style>", printed.page, re.DOTALL)

        assert sum(map(len, styles)) <= 16_000
        assert all("data-ogsc" in style and "prefers-color-scheme: dark" in style for style in styles)
        assert "!important" in styles[0]
        assert not re.search(r"\S!important|! important|!IMPORTANT", "".join(styles))

    def test_it_says_the_same_as_the_text(self, printed):
        words = set(re.findall(r"\w+", printed.tree.find("body").text_content()))

        assert {"Story", "World", "Asia", "Economy", "Climate", "Unsubscribe", *URDU.split()} <= words

    def test_nothing_of_the_seal_or_of_jinja_is_left(self, printed):
        assert tokens().seal(KEY) not in printed.page + printed.text
        assert not re.search(r"\{\{|\{%|None|Undefined", printed.page + printed.text)

    def test_without_the_comments_for_outlook_the_words_are_the_same(self, printed):
        bare = re.sub(r"<!--.*?-->", "", printed.page, flags=re.DOTALL)

        assert lxml_html.document_fromstring(bare).text_content() == printed.tree.text_content()


HOSTILE = [
    "News</style><script>alert(1)</script>",
    "News<![endif]--><b>bold</b><!--",
    "{{ x }} {% raw %} {# y #}",
    "*|UNSUB|* %recipient% [[unsubscribe]]",
    "one\u2028two",
    '" onmouseover="alert(1)',
    "&lt;b&gt; &amp;",
]


@pytest.mark.parametrize("headline", HOSTILE)
def test_a_hostile_headline_is_words_and_nothing_else(headline):
    printed = a_copy([an_article(1, headline=headline, teaser=headline, slug="one"), an_article(2)])

    headlines = [one.text_content() for one in printed.tree.cssselect("h4")]
    assert headlines == [headline, "Story 2"]
    assert headline.split() == printed.text.partition("World\n-----\n")[2].split()[: len(headline.split())]
    assert not printed.tree.cssselect("script, [onmouseover]")
    assert unsubscribe_url(printed) in printed.text


@pytest.mark.parametrize(
    "missing", [{"image": None}, {"authors": ()}, {"teaser": ""}, {"published": None}, {"words": 0}]
)
def test_an_article_with_something_missing_is_printed_all_the_same(missing):
    printed = a_copy([an_article(1, **missing)])

    assert [one.text_content() for one in printed.tree.cssselect("h4")] == ["Story 1"]
    assert "Story 1" in printed.text
