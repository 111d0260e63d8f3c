"""The mail that leaves: what a reader's program finds in a copy printed from the shipped templates."""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from typing import Any

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from premailer import Premailer

from publisher.model.article import Article, Author, Image, Related
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import Design, Edition, EditionState, Mailbox, Newsletter, Placement, Publication
from publisher.render import dkim, mail, seal
from publisher.render import edition as layout
from publisher.render.edition import EditionView
from publisher.render.environment import Templates
from publisher.render.mail import CopyPrinter, Post
from publisher.render.plate import Plate
from publisher.render.printer import Printer
from publisher.render.seal import Chosen, Seal
from tests.builders import NOW, a_newsletter, a_publication, an_article, templates, tokens

URDU = "خلیج کی نئی سفارت کاری"
URDU_TEXT = "وزرائے خارجہ کا اجلاس جنیوا میں ہوا اور اس میں آبنائے کے مستقبل پر بات چیت ہوئی۔ " * 8
EDITION = Edition(1, "briefing", "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW)
KEY = "briefing/daily/2026-11-20T07:00"
ONCE = (
    "To", "From", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-ID",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Precedence", "Feedback-ID",
    "X-Auto-Response-Suppress",
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
class Pressed:
    """An edition as it was pressed, and what it was pressed from."""

    view: EditionView
    plate: Plate
    publication: Publication
    desk: Templates

    def printer(self, post: Post = mail.PLAIN, proof: bool = False) -> CopyPrinter:
        return CopyPrinter(self.plate, KEY, self.publication, tokens(), post, proof=proof)

    def rendered(self, kind: str, conditions: Collection[str], reader: Mapping[str, str]) -> str:
        """What Jinja alone makes of the template for a reader who is known beforehand."""
        values = {"edition": self.view, "language": self.view.language, "reader": reader, "marks": Chosen(conditions)}
        return self.desk.render(f"email/{self.view.layout}.{kind}.j2", values)


def press(
    articles: Sequence[Article],
    publication: Publication | None = None,
    newsletter: Newsletter | None = None,
    greeting: str = "",
    budget: int = 0,
) -> Pressed:
    publication = publication or a_publication()
    found = {number: replace(one, id=number) for number, one in enumerate(articles, 1)}
    order = [section.path for section in publication.sections]
    placed = sorted((order.index(path), number) for number, one in found.items() for path in one.sections)
    placements = [Placement(at, order[rank], number) for at, (rank, number) in enumerate(placed)]
    edition = replace(EDITION, greeting=greeting)
    view = layout.view(edition, newsletter or a_newsletter(), publication, placements, found, publication.url)
    desk = templates(publication)
    plate = mail.make_plate(view, placements, desk, digest=tokens().seal(KEY), now=NOW)
    return Pressed(view, replace(plate, budget=budget or plate.budget), publication, desk)


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

    @property
    def headlines(self) -> list[str]:
        """The words of the headings that are links, in order."""
        return [one.text_content() for one in self.tree.cssselect("h2, h3, h4, h5, h6") if one.cssselect("a")]


def read(copy: Copy | None) -> Printed:
    assert copy is not None
    message = message_from_bytes(copy.message, policy=default)
    text, page = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return Printed(copy, message, text, page)


def a_copy(articles: Sequence[Article] | None = None, delivery: Delivery | None = None, **changes: Any) -> Printed:
    return read(press(articles or stories(), **changes).printer().print(delivery or a_delivery()))


@pytest.fixture(scope="module")
def printed() -> Printed:
    return a_copy()


def unsubscribe_url(printed: Printed) -> str:
    [url] = re.findall(rb"^List-Unsubscribe: <(\S+)>,\r\n <mailto:\S+>\r$", printed.head, re.MULTILINE)
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
        assert message["Subject"] == "Story 1 · The Briefing"
        assert message["Date"].datetime == NOW
        assert message["List-ID"] == "The Briefing <briefing.journal.example>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_the_feedback_id_has_four_fields_and_says_nothing_of_the_reader(self, printed):
        """Google 6254652: the last names the sender, in 5 to 15 characters."""
        fields = printed.message["Feedback-ID"].split(":")

        assert len(fields) == 4
        assert 5 <= len(fields[-1]) <= 15
        assert fields == a_copy(delivery=a_delivery(reader_key="key-of-bob")).message["Feedback-ID"].split(":")

    def test_the_envelope_is_the_senders_and_the_readers(self, printed):
        assert (printed.copy.sender, printed.copy.recipient) == ("briefing@journal.example", "ada@example.org")

    def test_a_bounce_comes_back_with_the_name_of_its_delivery(self):
        copy = press(stories()).printer(Post(bounces="bounce@bounces.journal.example")).print(a_delivery(id=41))

        local, _, domain = copy.sender.partition("@")
        assert (local.partition("+")[0], domain) == ("bounce", "bounces.journal.example")
        assert tokens().read_bounce(local.partition("+")[2].upper()) == 41
        assert len(local) <= 64

    def test_the_unsubscribe_link_is_signed_for_this_reader_and_newsletter(self, printed):
        start, _, token = unsubscribe_url(printed).rpartition("/")

        assert start == "https://journal.example/unsubscribe"
        assert tokens().read_unsubscribe(token) == ("key-of-ada", "briefing")

    @pytest.mark.parametrize(
        ("post", "newsletter", "mailbox"),
        [
            (Post(), {}, "briefing@journal.example"),
            (Post(), {"reply_to": "desk@journal.example"}, "desk@journal.example"),
            (Post(unsubscribe="leave@journal.example"), {"reply_to": "desk@journal.example"}, "leave@journal.example"),
        ],
    )
    def test_one_can_leave_by_mail_too(self, post, newsletter, mailbox):
        printed = read(press(stories(), newsletter=a_newsletter(**newsletter)).printer(post).print(a_delivery()))

        token = unsubscribe_url(printed).rpartition("/")[2]
        assert f" <mailto:{mailbox}?subject=unsubscribe%20{token}>".encode() in printed.head

    @pytest.mark.parametrize("length", [400, 900])
    def test_a_long_unsubscribe_link_is_raw_and_on_one_line(self, length):
        """Python's own folding turns it into an encoded word (cpython#85725)."""
        printed = a_copy(publication=a_publication(url="https://journal.example/" + "p" * (length - 82)))

        url = unsubscribe_url(printed)
        assert length - 30 < len(url) <= length
        assert url in printed.text
        assert url in printed.page
        assert max(map(len, printed.copy.message.split(b"\r\n"))) <= 998

    def test_header_lines_fold_at_78_but_for_the_links_to_leave(self):
        publication = a_publication(name="Ünïcode Zeitung für Alle " * 6)
        newsletter = a_newsletter(title="A long, quoted title " * 6, sender=Mailbox("漢字" * 30, "b@journal.example"))

        lines = a_copy(publication=publication, newsletter=newsletter).head.split(b"\r\n")

        links = (b"List-Unsubscribe: ", b" <mailto:")
        assert [line for line in lines if len(line) > 78 and not line.startswith(links)] == []

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

    @pytest.mark.parametrize(
        "articles", [stories(), [an_article(1, headline=URDU, teaser=URDU_TEXT, language="ur")] * 9]
    )
    def test_a_signed_copy_is_verified_by_another_program(self, articles):
        key = dkim.Signer("journal.example", "press2026", rsa.generate_private_key(65537, 2048))
        name, record = dkim.dns_record(key)

        copy = press(articles[:1]).printer(Post(signers=(key,))).print(a_delivery())

        assert dkimpy.verify(
            copy.message, dnsfunc=lambda asked, timeout=5: {f"{name}.".encode(): record.encode()}[asked]
        )

    def test_same_inputs_make_the_same_bytes(self):
        assert a_copy().copy == a_copy().copy

    def test_a_reader_with_nothing_new_gets_no_copy(self):
        printer = press([an_article(1)]).printer()

        assert printer.print(a_delivery(sections=("climate",))) is None
        assert printer.print(a_delivery(masked=(1,))) is None
        assert printer.page(a_delivery(masked=(1,))) is None


class TestLead:
    """The first story of a copy leads it: subject, preheader, and the place on top."""

    @pytest.mark.parametrize(
        ("delivery", "subject", "preheader"),
        [
            ({}, "Story 1 · The Briefing", "Teaser of story 1"),
            ({"masked": (1,)}, f"\u2068{URDU}\u2069 · The Briefing", URDU),
            ({"sections": ("economy",)}, "Analysis: Story 3 · The Briefing", "Teaser of story 3"),
            ({"sections": ("climate",)}, "Story 4 · The Briefing", ""),
        ],
    )
    def test_subject_and_preheader_are_of_the_readers_own_first_story(self, delivery, subject, preheader):
        printed = a_copy(delivery=a_delivery(**delivery))

        assert printed.message["Subject"] == subject
        shown = [one.text_content() for one in printed.tree.cssselect("p.preheader")]
        assert shown == ([preheader] if preheader else [])

    def test_a_proof_says_so_in_its_subject(self):
        printed = read(press(stories()).printer(proof=True).print(a_delivery()))

        assert printed.message["Subject"] == "[Proof] Story 1 · The Briefing"

    @pytest.mark.parametrize(
        ("delivery", "headlines"),
        [
            ({}, ["Story 1", URDU, "Story 3", "Story 4"]),
            ({"sections": ("world",)}, ["Story 1", "Story 3", URDU]),
            ({"sections": ("economy", "climate")}, ["Story 3", "Story 4"]),
            ({"masked": (1, 3)}, [URDU, "Story 4"]),
        ],
    )
    def test_the_lead_stands_first_and_no_story_twice(self, delivery, headlines):
        printed = a_copy(delivery=a_delivery(**delivery))

        assert printed.headlines == headlines
        contents = [line.get("href") for line in printed.tree.cssselect("ul a")]
        assert contents == [one.get("href") for one in printed.tree.cssselect("h2 a, h3 a, h4 a")]

    @pytest.mark.parametrize(
        ("delivery", "vanished"),
        [
            ({"sections": ("climate",)}, "World|Asia|Economy"),
            ({"sections": ("economy",)}, "World|Asia|Climate"),
            ({"sections": ("world",), "masked": (2,)}, "Asia|Economy|Climate"),
            ({"masked": (4,)}, "Climate"),
        ],
    )
    def test_a_heading_without_a_story_of_the_readers_vanishes(self, delivery, vanished):
        printed = a_copy(delivery=a_delivery(**delivery))

        assert not re.search(vanished, printed.tree.text_content() + printed.text)

    def test_masked_stories_are_nowhere_in_the_copy(self):
        printed = a_copy(delivery=a_delivery(masked=(1, 3)))

        assert not re.search("Story [13]|story-1|elsewhere", printed.text + printed.page + printed.message["Subject"])


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

    @pytest.mark.parametrize("language", ["en", "ur"])
    def test_body_lines_are_short_enough_for_any_server(self, language):
        printed = a_copy([an_article(1, headline=URDU, teaser=URDU_TEXT, language=language)])

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
        [headline] = [one for one in printed.tree.cssselect("h3, h4") if one.text_content() == URDU]

        [story] = list(headline.iterancestors("div"))[:1]
        assert (story.get("lang"), story.get("dir")) == ("ur", "rtl")

    def test_a_story_in_the_editions_language_says_nothing(self, printed):
        [headline] = [one for one in printed.tree.cssselect("h2") if one.text_content() == "Story 1"]

        assert next(headline.iterancestors("div")).get("lang") is None

    @pytest.mark.parametrize("alt", ["", 'A "quoted" picture'])
    def test_every_image_has_an_alt_even_an_empty_one(self, alt):
        story = an_article(1)

        images = a_copy([replace(story, image=replace(story.image, alt=alt))]).tree.cssselect("img")

        assert [image.get("alt") for image in images] == [alt]

    def test_an_image_keeps_its_width_for_outlook(self, printed):
        assert all(image.get("width", "").isdecimal() for image in printed.tree.cssselect("img"))

    def test_one_can_unsubscribe_near_the_top_and_at_the_end(self, printed):
        url = html.escape(unsubscribe_url(printed))

        places = [match.start() for match in re.finditer(re.escape(f'href="{url}"'), printed.page)]
        assert len(places) == 2
        assert places[0] < printed.page.rindex("Story 1") < printed.page.rindex("Story 4") < places[1]

    def test_the_style_is_within_gmails_budget(self, printed):
        styles = re.findall("<style[^>]*>(.*?)</style>", printed.page, re.DOTALL)

        assert sum(map(len, styles)) <= 16_000
        assert all("data-ogsc" in style and "prefers-color-scheme: dark" in style for style in styles)
        assert "!important" in styles[0]
        assert not re.search(r"\S!important|! important|!IMPORTANT", "".join(styles))

    def test_it_says_the_same_as_the_text(self, printed):
        words = set(re.findall(r"\w+", printed.tree.find("body").text_content()))

        assert {"Story", "World", "Asia", "Economy", "Climate", "Unsubscribe", *URDU.split()} <= words

    def test_nothing_of_jinja_is_left(self, printed):
        assert not re.search(r"\{\{|\{%|None|Undefined", printed.page + printed.text)

    def test_without_the_comments_for_outlook_the_words_are_the_same(self, printed):
        bare = re.sub(r"<!--.*?-->", "", printed.page, flags=re.DOTALL)

        assert lxml_html.document_fromstring(bare).text_content() == printed.tree.text_content()

    def test_on_the_web_it_is_the_same_without_what_is_the_readers_own(self, printed):
        page = press(stories()).printer().page(a_delivery())

        tree = lxml_html.document_fromstring(page)
        assert [one.text_content() for one in tree.cssselect("h2 a, h3 a, h4 a")] == printed.headlines
        assert not re.search("ada@example|/unsubscribe/|/preferences/|/copy/", page)


# Every copy against a rendering for one reader


def rich(number: int, words: int = 60, **changes: Any) -> Article:
    """A story with everything that a layout can print of it."""
    text = f"Word {number} of the story " * words
    plain: dict[str, Any] = {
        "teaser": f"Teaser {number}: {text}"[: 40 + 97 * number],
        "body": f"<p>{text}</p><blockquote>“{text[:90]}”</blockquote><p>An <a href='https://a.example/{number}'>end</a></p>",
        "image": Image(f"https://journal.example/{number}.jpg", f"Picture {number}", "A caption", "A credit"),
        "authors": (Author("Ada Writer", f"Ada writes {number}."), Author("Bob")),
        "related": (Related("Another", f"https://journal.example/another-{number}"), Related("None")),
        "comments": f"https://journal.example/{number}#comments",
        "kind": ("", "Analysis", "Opinion")[number % 3],
    }
    return an_article(number, **{**plain, **changes})


SHELVES = (
    ("world",),
    ("world/asia",),
    ("economy", "world"),
    ("climate", "economy"),
    ("world/asia", "climate"),
    ("economy",),
)


@cache
def an_edition(design: Design, urdu: bool = False) -> Pressed:
    articles = [rich(number, sections=shelves) for number, shelves in enumerate(SHELVES, 1)]
    if urdu:
        articles = [replace(one, headline=URDU, teaser=URDU_TEXT, language="ur") for one in articles]
    return press(articles, newsletter=a_newsletter(layout=design), greeting="Dear readers,\n\n*welcome* on this day.")


def conditions(pressed: Pressed, delivery: Delivery) -> set[str]:
    """What holds in a reader's copy: its stories in order, the last ones cut deeper than the first."""
    printer = Printer(pressed.plate)
    positions = printer.positions(delivery.sections, delivery.masked)
    cut = printer.skeleton(delivery.sections, delivery.masked).cut
    deep = [1] * cut.shortened + [2] * cut.headlines + [3] * cut.left_out
    depths = dict(zip(positions, [0] * (len(positions) - len(deep)) + deep, strict=True))
    left_out = [position for position, depth in depths.items() if depth == 3]
    held = seal.state(positions).difference(seal.follows(left_out)) | {"p", *(["c"] if cut else [])}
    return held.union(*(seal.at_depth(position, depth) for position, depth in depths.items()))


def reader_of(printed: Printed) -> dict[str, str]:
    unsubscribe = unsubscribe_url(printed)
    base = "https://journal.example"
    return {
        "name": "Ada",
        "address": "ada@example.org",
        "unsubscribe_url": unsubscribe,
        "preferences_url": f"{base}/preferences/{tokens().links('key-of-ada', 'briefing').preferences}",
        "web_url": f"{base}/copy/1/{tokens().links('key-of-ada', 'briefing').copy}",
    }


def seen(page: str) -> tuple[list[str], list[str]]:
    """What a reader sees of a page: its words, and where its links and pictures lead, in order."""
    body = lxml_html.document_fromstring(page).find("body")
    places = [one.get("href") or one.get("src") for one in body.iter("a", "img")]
    return " ".join(body.itertext()).split(), places


@pytest.mark.parametrize("urdu", [False, True])
@pytest.mark.parametrize("design", Design)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_copy_is_what_jinja_alone_would_have_made_for_this_reader(design, urdu, data):
    """The plate is only faster: same words, same order, same links, whatever was chosen, masked and cut."""
    pressed = an_edition(design, urdu)
    pressed = replace(
        pressed, plate=replace(pressed.plate, budget=data.draw(st.sampled_from([90_000, 24_000, 17_000, 13_000])))
    )
    chosen = data.draw(st.sets(st.sampled_from(["*", "world", "world/asia", "economy", "climate"]), min_size=1))
    masked = data.draw(st.sets(st.sampled_from(range(1, 7)), max_size=4))
    delivery = a_delivery(sections=tuple(chosen), masked=tuple(masked))
    copy = pressed.printer().print(delivery)
    assume(copy)

    printed = read(copy)

    held, reader = conditions(pressed, delivery), reader_of(printed)
    assert seen(printed.page) == seen(pressed.rendered("html", held, reader))
    lines = pressed.rendered("txt", held, reader).rstrip("\n").split("\n")
    assert [line.rstrip() for line in printed.text.rstrip("\n").split("\n")] == [line.rstrip() for line in lines]


class TestBudget:
    @pytest.mark.parametrize(("design", "language"), [(Design.BRIEF, "en"), (Design.DIGEST, "en"), (Design.FULL, "ur")])
    def test_two_hundred_long_stories_fit_and_the_text_names_them_all(self, design, language):
        shelves = ("world", "world/asia", "economy", "climate")
        text = URDU_TEXT if language == "ur" else "Some words of a long teaser. " * 20
        articles = [
            rich(
                1,
                words=300,
                slug=f"s{number}",
                headline=f"Story {number}.",
                sections=(shelves[number % 4],),
                teaser=text,
            )
            for number in range(200)
        ]

        pressed = press(articles, newsletter=a_newsletter(layout=design), publication=a_publication(language=language))
        printed = read(pressed.printer().print(a_delivery()))

        raw = next(part for part in printed.message.walk() if part.get_content_type() == "text/html")
        assert len(raw.get_payload(decode=True)) <= pressed.plate.budget
        assert not [number for number in range(200) if f"Story {number}." not in printed.text]
        assert printed.tree.cssselect("p.cut a")
        assert unsubscribe_url(printed) in printed.page

    def test_an_edition_that_fits_says_nothing_of_cuts(self, printed):
        assert not printed.tree.cssselect("p.cut")


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

    assert printed.headlines == [headline, "Story 2"]
    assert headline.split() == printed.text.partition("World\n=====\n")[2].split()[: len(headline.split())]
    assert not printed.tree.cssselect("script, [onmouseover]")
    assert unsubscribe_url(printed) in printed.text


OTHER = Seal(tokens().seal("briefing/daily/2026-11-19T07:00"))
FORGED = [
    *OTHER.reader.values(),
    str(OTHER.open(["p"])),
    str(OTHER.close()),
    "<!--bp-->",
    "<!--[p]-->",
    "s2z",
    f"{'0' * 24}s2z",
    "{{ reader.unsubscribe_url }}",
    "{{ unsub }}",
    "*|UNSUB|*",
    "%recipient%",
]


@pytest.mark.parametrize("forged", FORGED)
def test_no_article_can_ask_for_a_readers_value_or_open_a_block(forged):
    """Every field of an article that is printed, with a mark of another edition, of nobody, or of another program."""
    story = rich(
        1,
        headline=f"H {forged}",
        teaser=f"T {forged}",
        kind=forged,
        body=f"<p>B {html.escape(forged)}</p>",
        authors=(Author(f"A {forged}", f"Biography {forged}"),),
        image=Image("https://journal.example/1.jpg", "Alt", f"Caption {forged}", f"Credit {forged}"),
        related=(Related(f"R {forged}", "https://journal.example/r"),),
    )

    printed, clean = (
        read(
            press([one], newsletter=a_newsletter(layout=Design.FULL), greeting=html.escape(words))
            .printer()
            .print(a_delivery())
        )
        for one, words in ((story, forged), (rich(1), "words"))
    )

    own = ("/unsubscribe/", "/preferences/", "/copy/", "ada@example.org")
    assert [printed.page.count(value) for value in own] == [clean.page.count(value) for value in own]
    assert [printed.text.count(value) for value in own] == [clean.text.count(value) for value in own]
    assert f"H {forged}" in printed.headlines[0]
    assert " ".join(f"B {forged}".split()) in " ".join(printed.tree.text_content().split())


@pytest.mark.parametrize(
    "alt",
    [
        *(one for one in FORGED if "<!--" not in one),
        "<!--x-->",
        '"><b>',
    ],
)
def test_a_pictures_text_is_words_too(alt):
    printed = a_copy([an_article(1, image=Image("https://journal.example/1.jpg", alt))])

    assert [image.get("alt") for image in printed.tree.cssselect("img")] == [alt]


def test_a_copy_never_tells_its_seal():
    """A proof is read before the edition is pressed: who knows the seal could write the marks into an article."""
    printed = read(press(stories()).printer(proof=True).print(a_delivery()))

    assert tokens().seal(KEY).encode() not in printed.copy.message


@pytest.mark.parametrize(
    "missing", [{"image": None}, {"authors": ()}, {"teaser": ""}, {"published": None}, {"words": 0}]
)
def test_an_article_with_something_missing_is_printed_all_the_same(missing):
    printed = a_copy([an_article(1, **missing)])

    assert printed.headlines == ["Story 1"]
    assert "Story 1" in printed.text


def test_premailer_is_called_once_for_an_edition_however_many_readers(monkeypatch):
    calls = []
    transform = Premailer.transform
    monkeypatch.setattr(
        Premailer, "transform", lambda self, *args, **how: calls.append(1) or transform(self, *args, **how)
    )

    printer = press(stories()).printer()
    copies = [
        printer.print(a_delivery(id=number, sections=("world", "economy")[: number % 3])) for number in range(100)
    ]

    assert len([copy for copy in copies if copy]) > 50
    assert calls == [1]
