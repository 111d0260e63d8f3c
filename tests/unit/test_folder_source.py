"""Articles kept as files."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import SourceError
from publisher.model.article import Access, Author, Image, RawArticle, Related, Status
from publisher.ports import Fetched
from publisher.sources.folder import FolderSource
from tests.builders import fetched_from

KARACHI = ZoneInfo("Asia/Karachi")


def fetch(folder: Path, state=None) -> Fetched:
    return asyncio.run(fetched_from(FolderSource("desk", folder, KARACHI), state or {}))


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, name: str = "story.md") -> RawArticle:
    write(folder, name, content)
    fetched = fetch(folder)
    assert fetched.problems == ()
    return fetched.articles[0]


def mistake(folder: Path, content: str | bytes, name: str = "story.md") -> str:
    write(folder, name, content)
    fetched = fetch(folder)
    assert fetched.articles == ()
    return str(fetched.problems[0])


def test_a_file_with_everything(tmp_path):
    article = read(
        tmp_path,
        "---\nid: port-1\ntitle: 'Analysis: The port'\ndescription: In short\nauthors: [Ada Writer]\ndate: 2026-11-20\n"
        "lastmod: 2026-11-20T09:00:00Z\ntags: [ports]\nlang: en-GB\nslug: port\nurl: https://journal.example/port\n"
        "image: /port.jpg\nimage_alt: Cranes\nimage_credit: Bob\n---\nThe *cranes* move.\n",
        "world/asia/2026-11-20-port.md",
    )

    assert article == RawArticle(
        source_id="port-1",
        title="Analysis: The port",
        body="<p>The <em>cranes</em> move.</p>\n",
        where="world/asia/2026-11-20-port.md:1",
        format="front matter",
        origins={"body": "file", "sections": "folder"},
        url="https://journal.example/port",
        standfirst="In short",
        authors=(Author("Ada Writer"),),
        published=datetime(2026, 11, 19, 19, 0, tzinfo=UTC),
        modified=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        sections=("world/asia",),
        tags=("ports",),
        image=Image("/port.jpg", "Cranes", "", "Bob"),
        language="en-GB",
        slug="port",
    )


def test_a_file_says_who_may_read_it_and_from_when_and_what_belongs_to_it(tmp_path):
    article = read(
        tmp_path,
        "---\ntitle: The port\nkind: Analysis\nteaser: Cranes again\nembargo: 2026-11-21T06:00:00+05:00\n"
        "access: members\nstatus: cancelled\ncomments: /port#comments\n"
        "related:\n  - title: The strait\n    url: /strait\n  - The road\n---\nText",
    )

    assert (article.kind, article.teaser, article.comments) == ("Analysis", "Cranes again", "/port#comments")
    assert (article.access, article.status) == (Access.MEMBERS, Status.CANCELLED)
    assert article.embargo == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    assert article.related == (Related("The strait", "/strait"), Related("The road"))


@pytest.mark.parametrize("line", ["access: everybody", "status: gone"])
def test_a_word_that_is_not_known_is_a_mistake_with_its_line(tmp_path, line):
    said = mistake(tmp_path, f"---\ntitle: x\n{line}\n---\nText")

    assert said.startswith("story.md:3  ")
    assert "Write one of: " in said


class TestPresence:
    """A source of files can tell what was withdrawn: a file that is gone."""

    def test_every_file_is_present_changed_or_not(self, tmp_path):
        write(tmp_path, "one.md", "---\nid: first\n---\nText")
        write(tmp_path, "two.md", "Text")
        first = fetch(tmp_path)

        second = fetch(tmp_path, first.state)

        assert second.unchanged
        assert first.present == second.present == {"first", "two.md"}

    def test_a_file_that_is_gone_is_not(self, tmp_path):
        write(tmp_path, "one.md", "Text")
        gone = write(tmp_path, "two.md", "Text")
        first = fetch(tmp_path)
        gone.unlink()

        assert fetch(tmp_path, first.state).present == {"one.md"}

    def test_a_file_that_is_broken_for_a_while_is(self, tmp_path):
        file = write(tmp_path, "one.md", "---\nid: first\n---\nText")
        first = fetch(tmp_path)
        file.write_text("---\nid: [\n---\nText")

        broken = fetch(tmp_path, first.state)
        file.write_text("---\nid: first\n---\nMended")
        mended = fetch(tmp_path, broken.state)

        assert (broken.present, len(broken.problems)) == ({"first"}, 1)
        assert [article.source_id for article in mended.articles] == ["first"]


def test_a_file_with_nothing_but_text_takes_the_rest_from_its_path(tmp_path):
    article = read(tmp_path, "The cranes move.\n", "world/2026-11-20-port.md")

    assert (article.source_id, article.slug, article.sections) == ("world/2026-11-20-port.md", "port", ("world",))
    assert (article.title, article.published, article.url, article.status) == ("", None, None, "usable")


class TestTitle:
    @pytest.mark.parametrize(
        ("name", "content", "title"),
        [
            ("a.md", "---\ntitle: no\n---\n", "no"),
            ("a.md", "# The port #\n\nText", "The port"),
            ("a.md", "# The port", "The port"),
            ("a.md", "---\ntitle: The port\n---\n# The port\nText", "The port"),
            ("a.html", "<html><head><title>The &amp; port</title></head><body><p>Text</p></body></html>", "The & port"),
            ("a.htm", "<h1>The <em>port</em></h1><p>Text</p>", "The port"),
        ],
    )
    def test_it_is_the_front_matters_or_the_first_heading(self, tmp_path, name, content, title):
        assert read(tmp_path, content, name).title == title

    def test_it_is_not_printed_again_in_the_body(self, tmp_path):
        assert read(tmp_path, "# The port\n\nText\n").body == "<p>Text</p>\n"

    def test_another_heading_stays_in_the_body(self, tmp_path):
        assert "<h1>Cranes</h1>" in read(tmp_path, "---\ntitle: The port\n---\n# Cranes\n\nText\n").body


class TestDates:
    @pytest.mark.parametrize(
        ("front_matter", "published"),
        [
            ("---\ndate: 2026-11-20\n---\n", datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
            ("---\ndate: 2026-11-20 07:30\n---\n", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
            ("---\ndate: 2026-11-20T07:30:00-05:00\n---\n", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
            ("---\npublishDate: 2026-11-20 07:30:00 +0100\n---\n", datetime(2026, 11, 20, 6, 30, tzinfo=UTC)),
            ("+++\ndate = 2026-11-20\n+++\n", datetime(2026, 11, 19, 19, 0, tzinfo=UTC)),
            ("+++\ndate = 2026-11-20T07:30:00\n+++\n", datetime(2026, 11, 20, 2, 30, tzinfo=UTC)),
            ("+++\ndate = 2026-11-20T07:30:00Z\n+++\n", datetime(2026, 11, 20, 7, 30, tzinfo=UTC)),
            ("---\ndate:\n---\n", None),
            ("---\ntitle: x\n---\n", None),
        ],
    )
    def test_a_date_is_read_by_the_newsrooms_clock(self, tmp_path, front_matter, published):
        assert read(tmp_path, f"{front_matter}Text").published == published

    @pytest.mark.parametrize("date", ["tomorrow", "20 Nov 2026", "2026-02-30", "0001-01-01"])
    def test_what_is_no_date_is_a_mistake_at_its_line(self, tmp_path, date):
        said = mistake(tmp_path, f"---\ntitle: x\ndate: {date}\n---\nText")

        assert said.startswith("story.md:3  date: ")
        assert date in said
        assert said.endswith("Write 2026-11-20T07:30:00+05:00 or 2026-11-20.")

    def test_the_date_in_a_file_name_is_not_the_articles(self, tmp_path):
        assert read(tmp_path, "Text", "2026-11-20-port.md").published is None


class TestAuthors:
    @pytest.mark.parametrize(
        ("front_matter", "authors"),
        [
            ("---\nauthor: Ada Writer\n---\n", (Author("Ada Writer", "Ada writes."),)),
            ("---\nauthors: [Ada Writer, Bob]\n---\n", (Author("Ada Writer", "Ada writes."), Author("Bob"))),
            ("---\nauthors:\n  - name: Ada Writer\n    bio: Else.\n---\n", (Author("Ada Writer", "Else."),)),
            ('+++\n[[authors]]\nname = "Bob"\nbiography = "Bob too."\n+++\n', (Author("Bob", "Bob too."),)),
            ("---\ntitle: x\n---\n", ()),
        ],
    )
    def test_they_are_a_name_a_list_or_tables(self, tmp_path, front_matter, authors):
        write(tmp_path, "_authors.toml", '["Ada Writer"]\nbiography = "Ada writes."\n')

        assert read(tmp_path, f"{front_matter}Text").authors == authors

    def test_a_new_biography_reads_every_file_again(self, tmp_path):
        write(tmp_path, "story.md", "---\nauthor: Ada Writer\n---\nText")
        first = fetch(tmp_path)
        write(tmp_path, "_authors.toml", '["Ada Writer"]\nbiography = "Ada writes."\n')

        second = fetch(tmp_path, first.state)

        assert [article.authors for article in second.articles] == [(Author("Ada Writer", "Ada writes."),)]

    def test_a_broken_list_of_biographies_stops_no_article(self, tmp_path):
        write(tmp_path, "_authors.toml", "Ada: writes")
        write(tmp_path, "story.md", "Text")

        fetched = fetch(tmp_path)

        assert len(fetched.articles) == 1
        assert fetched.problems[0].where == "_authors.toml"

    def test_a_list_where_a_name_belongs_is_a_mistake(self, tmp_path):
        assert mistake(tmp_path, "---\nauthors: [[Ada]]\n---\nText").startswith("story.md:2  authors: is not a list")


@pytest.mark.parametrize(
    ("line", "status"),
    [("draft: true", "withheld"), ("draft: Yes", "withheld"), ("draft: false", "usable"), ("title: x", "usable")],
)
def test_a_draft_is_not_for_readers(tmp_path, line, status):
    assert read(tmp_path, f"---\n{line}\n---\nText").status == status


def test_a_draft_in_toml_is_one_too(tmp_path):
    assert read(tmp_path, "+++\ndraft = true\n+++\nText").status == "withheld"


@pytest.mark.parametrize(
    ("line", "sections"),
    [
        ("section: economy", ("economy",)),
        ("categories: [economy, climate]", ("economy", "climate")),
        ("sections: economy, climate", ("economy", "climate")),
        ("sections: []", ("world",)),
    ],
)
def test_front_matter_names_the_section_before_the_folder_does(tmp_path, line, sections):
    assert read(tmp_path, f"---\n{line}\n---\nText", "world/story.md").sections == sections


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf---\r\ntitle: The port\r\n---\r\nText\r\n",
        b"---\rtitle: The port\r---\rText\r",
        b"---\ntitle: The\x0b port\x00\n---\nText\n",
        b"---\ntitle: The port\xc2\x81\n---\nText\n",
    ],
)
def test_line_ends_marks_and_stray_bytes_are_no_matter(tmp_path, content):
    article = read(tmp_path, content)

    assert (article.title, article.body) == ("The port", "<p>Text</p>\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "story.md:1  the file is empty."),
        ("---\ndate: 2026-11-20\n---\n \n", "story.md:1  the file is empty."),
        ("a\nb\nKöln".encode("latin-1"), "story.md:3  is not UTF-8 text. Save the file as UTF-8."),
        ("---\ntitle: Analysis: The port\n---\n", 'story.md:2:16  title holds ": ". Put it in quotes:'),
        ("---\ntitle: x\n", 'story.md:1  front matter opens with "---"'),
        ("---\nslug: x\ntitle: [a, b]\n---\n", "story.md:3  title: a list where a text belongs."),
        ("---\nslug: x\ntags: {a: b}\n---\nText", "story.md:3  tags: is not a list of names. Write tags: [one, two]"),
    ],
)
def test_a_mistake_says_where_and_what_to_write(tmp_path, content, said):
    assert mistake(tmp_path, content).startswith(said)


def test_a_mistake_stops_no_other_file_and_is_told_until_it_is_mended(tmp_path):
    write(tmp_path, "bad.md", "---\ntitle: a: b\n---\n")
    write(tmp_path, "good.md", "Text")
    first = fetch(tmp_path)

    second = fetch(tmp_path, first.state)
    write(tmp_path, "bad.md", "---\ntitle: 'a: b'\n---\n")
    third = fetch(tmp_path, second.state)

    assert [article.source_id for article in first.articles] == ["good.md"]
    assert first.problems == second.problems != ()
    assert (second.articles, second.unchanged) == ((), False)
    assert [article.title for article in third.articles] == ["a: b"]
    assert third.problems == ()


def test_a_link_out_of_the_folder_is_not_read_and_stops_no_other(tmp_path):
    (tmp_path / "bad.md").symlink_to("/etc/passwd")
    write(tmp_path, "good.md", "Text")

    fetched = fetch(tmp_path)

    assert [article.source_id for article in fetched.articles] == ["good.md"]
    assert str(fetched.problems[0]) == "bad.md:1  is a link that leads out of the folder. Copy the file here."


def test_a_file_that_did_not_change_is_not_read_again(tmp_path):
    path = write(tmp_path, "story.md", "Text one")
    before = path.stat()
    first = fetch(tmp_path)

    write(tmp_path, "story.md", "Text two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = fetch(tmp_path, first.state)
    write(tmp_path, "story.md", "Text three")
    third = fetch(tmp_path, second.state)

    assert (second.articles, second.unchanged) == ((), True)
    assert [article.body for article in third.articles] == ["<p>Text three</p>\n"]


@pytest.mark.parametrize("name", [".draft.md", "_notes/a.md", ".git/a.md", "a.txt", "a.md~", "_index.md"])
def test_what_is_no_article_is_left_alone(tmp_path, name):
    write(tmp_path, name, "Text")

    nothing = Fetched(state={"authors": "", "files": {}}, unchanged=True, present=frozenset())
    assert fetch(tmp_path) == nothing


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere: there is no such folder"):
        fetch(tmp_path / "nowhere")


class TestTruthOverTime:
    def test_a_file_says_what_was_wrong_what_is_minor_and_how_many_replied(self, tmp_path):
        article = read(tmp_path, "---\ntitle: a\ncorrection: The wrong year.\nminor: true\nreplies: 12\n---\nText")

        assert (article.correction, article.minor, article.replies) == ("The wrong year.", True, 12)

    def test_toml_says_the_same(self, tmp_path):
        article = read(tmp_path, '+++\ntitle = "a"\ncorrection = "The year."\nminor = true\nreplies = 0\n+++\nText')

        assert (article.correction, article.minor, article.replies) == ("The year.", True, 0)

    @pytest.mark.parametrize("front", ["", "minor: false\n", "minor: no\n", "minor:\nreplies:\ncorrection:\n"])
    def test_nothing_said_is_nothing_known(self, tmp_path, front):
        article = read(tmp_path, f"---\ntitle: a\n{front}---\nText")

        assert (article.correction, article.minor, article.replies) == ("", False, None)

    @pytest.mark.parametrize(
        ("front", "said"),
        [
            ("replies: many", 'story.md:3  replies: "many" is not a number. Write replies: 12'),
            ("replies: -1", 'story.md:3  replies: "-1" is not a number. Write replies: 12'),
            ("replies: 99999999999", 'story.md:3  replies: "99999999999" is not a number. Write replies: 12'),
            ("minor: perhaps", 'story.md:3  minor: "perhaps" is neither true nor false. Write minor: true'),
            (
                "correction: [a, b]",
                "story.md:3  correction: a list where a text belongs. Write correction: one line of text",
            ),
            (
                "correction: It said: no",
                'story.md:3:20  correction holds ": ". Put it in quotes: correction: "It said: no"',
            ),
        ],
    )
    def test_a_mistake_says_where_and_what_to_write(self, tmp_path, front, said):
        assert mistake(tmp_path, f"---\ntitle: a\n{front}\n---\nText") == said
