"""The preview of an edition: what it shows, what it leaves alone, and what it says when a template is broken."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from publisher.errors import PressError, TemplateProblem, UsageError
from publisher.model.article import Image, Status
from publisher.model.newsletter import Newsletter
from publisher.pipeline import compose, press, proof
from publisher.pipeline.syndicate import Site
from publisher.store import database, editions, subscribers
from publisher.store.schema import metadata
from publisher.web import emulation, preview
from tests.builders import (
    NOW,
    a_newsletter,
    a_publication,
    an_article,
    file_articles,
    subscribe,
    templates,
    tokens,
)

PUBLICATION = a_publication()
DOCTYPE = "<!DOCTYPE html><html><head><title>x</title></head><body>"
OWN = Image("https://journal.example/images/port.jpg", "The port at dawn")
ELSEWHERE = Image("https://pictures.example/far.jpg", "Far away")
STORIES = (
    an_article(1, headline="The port", image=OWN),
    an_article(2, headline="The budget", sections=("economy",), image=ELSEWHERE),
)


def a_room(engine: Engine, root: Path, newsletter: Newsletter | None = None, *stories, subscriber: str = ""):
    """The preview of a draft of two stories, and the desk that it was made at."""
    chosen = newsletter or a_newsletter()
    (root / "static/images").mkdir(parents=True, exist_ok=True)
    (root / "static/images/port.jpg").write_bytes(b"a picture")
    with database.writing(engine) as db:
        file_articles(db, *(stories or STORIES))
    edition = compose.build(engine, chosen, "daily", PUBLICATION, NOW)
    assert edition is not None
    desk = proof.Desk(PUBLICATION, {chosen.name: chosen}, templates(root=root), tokens(), static=root / "static")
    site = Site(
        publication=PUBLICATION,
        newsletters=desk.newsletters,
        feeds=(),
        templates=desk.templates,
        path=root / "site",
        static=root / "static",
        founded=NOW,
        root=root,
    )
    pages = preview.application(engine, edition.id, desk, site, lambda: NOW, subscriber)
    return TestClient(pages, base_url="http://127.0.0.1:8040", follow_redirects=False), desk, edition


@pytest.fixture
def window(engine, tmp_path) -> TestClient:
    return a_room(engine, tmp_path)[0]


def own_template(root: Path, name: str, source: str) -> Path:
    file = root / "templates" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, "utf-8")
    return file


def frame_of(page: str) -> str:
    found = re.search(r'<iframe src="([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def rows(engine: Engine) -> dict[str, list]:
    with database.reading(engine) as db:
        return {table.name: [tuple(row) for row in db.execute(select(table))] for table in metadata.sorted_tables}


class TestWhatIsShown:
    def test_the_mail_stands_in_a_frame_without_scripts(self, window):
        page = window.get("/").text

        mail = window.get(frame_of(page))

        assert re.search(r'<iframe [^>]*sandbox="([^"]*)"', page)[1].split() == [
            "allow-same-origin",
            "allow-popups",
            "allow-popups-to-escape-sandbox",
        ]
        assert "default-src 'none'" in mail.headers["content-security-policy"]
        assert "script-src" not in mail.headers["content-security-policy"]
        assert "The port" in mail.text
        assert "The budget" in mail.text

    @pytest.mark.parametrize(
        ("part", "says"),
        [
            ("text", "Unsubscribe:"),
            ("headers", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
            ("source", "&lt;!DOCTYPE html"),
            ("web", 'rel="canonical"'),
        ],
    )
    def test_every_part_can_be_read(self, window, part, says):
        page = window.get("/", params={"part": part}).text

        assert says in window.get(frame_of(page)).text

    def test_the_whole_message_is_there_for_a_mail_program(self, window):
        answer = window.get("/message.eml")

        assert answer.headers["content-type"] == "message/rfc822"
        assert answer.content.startswith(b"To: reader@example.org\r\n")

    def test_the_size_the_subject_and_every_check_stand_beside_it(self, window):
        page = window.get("/").text

        assert 'class="subject">The port' in page
        assert re.search(r"[0-9,]+ bytes of HTML; 90,000 may be used", page)
        assert "Every story is whole" in page
        assert page.index(">dkim<") < page.index("checks pass") < page.index(">holes<")

    def test_a_failing_check_stands_before_all_others(self, engine, tmp_path):
        window, _, _ = a_room(engine, tmp_path)
        source = f"{DOCTYPE}{{{{ marks.open(['s0']) }}}}No way to leave{{{{ marks.close() }}}}"
        own_template(tmp_path, "email/digest.html.j2", source)

        page = window.get("/").text

        kinds = re.findall(r'<tr class="(\w+)">', page)
        assert kinds[0] == "fail"
        assert sorted(kinds, key=["fail", "warn", "unseen", "pass"].index) == kinds

    def test_what_had_to_be_cut_is_said(self, engine, tmp_path):
        many = [an_article(number, teaser="Many words of a story. " * 25) for number in range(1, 91)]
        window, _, _ = a_room(engine, tmp_path, a_newsletter(max_articles=200), *many)

        page = window.get("/").text

        assert re.search(r"To fit, [1-9][0-9]* stories are shortened", page)

    def test_what_is_not_offered_becomes_what_is(self, window):
        page = window.get("/", params={"part": "../etc", "width": "9", "scheme": "<b>", "reader": "x"}).text

        assert "part=mail&scheme=light&pictures=on&reader=everything" in frame_of(page)
        assert "<b>" not in page

    def test_a_pressed_edition_is_shown_as_it_was_pressed(self, engine, tmp_path):
        window, desk, edition = a_room(engine, tmp_path)
        press.press(engine, edition, desk, NOW, accept=["dkim", "alt", "https", "size", "language"])
        before = window.get("/frame").text
        own_template(tmp_path, "email/digest.html.j2", "Another design")

        after = window.get("/frame").text
        page = window.get("/").text

        assert after == before
        assert "as it was pressed on November 20, 2026" in page


class TestForWhom:
    def test_a_subscribers_copy_has_their_sections_and_links_of_nobodys(self, engine, tmp_path):
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org", sections=["economy"], name="Ada")
            subscribe(db, "bob@example.org")
        window, _, _ = a_room(engine, tmp_path, subscriber="Ada@Example.org")

        page = window.get("/").text
        mail = window.get(frame_of(page)).text

        assert "The budget" in mail
        assert "The port" not in mail
        assert "bob@" not in page + mail
        links = re.findall(r"https://journal\.example/unsubscribe/([^\"<\s]+)", mail)
        assert {tokens().read_unsubscribe(token) for token in links} == {("nobody", "briefing")}

    def test_an_address_that_reads_no_such_mail_is_said(self, window):
        page = window.get("/", params={"reader": "address", "as": "eve@example.org"})

        assert page.status_code == 200
        assert "eve@example.org does not read briefing" in page.text
        assert "<iframe" not in page.text

    def test_a_reader_who_left_is_no_subscriber(self, engine):
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org")
            subscribers.unsubscribe(db, "key-of-ada@example.org", "briefing", NOW)

        with pytest.raises(UsageError, match="does not read briefing"):
            proof.as_reader(engine, "briefing", "ada@example.org")

    def test_sections_can_be_chosen(self, window):
        mail = window.get("/frame", params={"reader": "sections", "section": ["economy"]}).text

        assert "The budget" in mail
        assert "The port" not in mail

    def test_a_reader_of_whose_sections_it_holds_nothing_gets_no_mail(self, window):
        asked = {"reader": "sections", "section": "climate"}

        page = window.get("/", params=asked).text

        assert "nothing in this edition is for this reader" in page
        assert window.get("/frame", params=asked).status_code == 409


class TestPictures:
    def test_our_own_come_from_the_static_folder_before_the_site_is_up(self, window):
        mail = window.get("/frame").text

        assert 'src="/site/images/port.jpg"' in mail
        assert f'src="{ELSEWHERE.url}"' in mail
        assert window.get("/site/images/port.jpg").content == b"a picture"

    def test_the_web_page_finds_its_pictures_and_its_stylesheet(self, window):
        address = frame_of(window.get("/", params={"part": "web", "scheme": "dark"}).text)
        page = window.get(address).text

        assert 'src="../../images/port.jpg"' in page
        assert 'href="../../style.css?scheme=dark"' in page
        assert "prefers-color-scheme" not in window.get("/site/style.css?scheme=dark").text

    @pytest.mark.parametrize("path", ["articles/one.html", "..%2f..%2fconfig.toml", "%2e%2e/secret", ".hidden", "%00"])
    def test_what_is_not_ours_to_serve_is_where_the_site_is(self, engine, tmp_path, path):
        window, _, _ = a_room(engine, tmp_path)
        for name in ("config.toml", "secret", "static/.hidden"):
            (tmp_path / name).write_text("a secret")

        answer = window.get(f"/site/{path}")

        assert answer.status_code == 307
        assert urlsplit(answer.headers["location"]).netloc == "journal.example"

    def test_without_them_their_texts_are_left(self, window):
        mail = window.get("/frame", params={"pictures": "off"}).text

        assert not re.search(r"<img[^>]*\ssrc", mail)
        assert 'alt="The port at dawn"' in mail


class TestNothingIsWritten:
    def test_no_row_changes_whatever_is_looked_at(self, engine, tmp_path):
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org")
        window, _, edition = a_room(engine, tmp_path, subscriber="ada@example.org")
        before = rows(engine)

        for part in preview.PARTS:
            window.get(frame_of(window.get("/", params={"part": part}).text))
        window.get("/state")
        window.get("/message.eml")

        assert rows(engine) == before
        with database.reading(engine) as db:
            assert editions.get(db, edition.id) == edition

    def test_only_this_machine_is_answered(self, window):
        assert window.get("/", headers={"Host": "elsewhere.example"}).status_code == 400

    def test_nothing_can_be_posted(self, window):
        assert {window.post(path).status_code for path in ("/", "/frame", "/state", "/site/x")} == {405}

    def test_the_page_runs_its_own_script_alone(self, window):
        policies = [window.get("/").headers["content-security-policy"] for _ in range(2)]

        assert policies[0] != policies[1]
        for policy in policies:
            assert re.search(r"script-src 'nonce-[\w-]{20,}';", policy)
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy


class TestChanges:
    def test_the_state_stays_while_nothing_changes(self, window):
        assert window.get("/state").text == window.get("/state").text
        assert f'data-state="{window.get("/state").text}"' in window.get("/").text

    def test_a_new_copy_of_a_template_is_seen_at_once(self, window, tmp_path):
        before = window.get("/state").text
        window.get("/frame")

        own_template(tmp_path, "email/subject.txt.j2", "Our own subject")

        assert window.get("/state").text != before
        assert 'class="subject">Our own subject' in window.get("/").text

    def test_a_note_to_the_readers_is_seen_at_once(self, engine, tmp_path):
        window, _, edition = a_room(engine, tmp_path)
        before = window.get("/state").text
        with database.writing(engine) as db:
            editions.greet(db, edition.id, "Good morning to you")

        assert window.get("/state").text != before
        assert "Good morning to you" in window.get("/frame").text

    def test_a_broken_template_is_said_with_file_line_and_source_until_it_is_mended(self, window, tmp_path):
        file = own_template(tmp_path, "email/subject.txt.j2", "one\ntwo\n{{ unknown }}\nfour")

        page = window.get("/")
        broken = re.sub(r"<[^>]+>", "", page.text)
        frame = window.get("/frame")
        file.write_text("Mended")

        assert page.status_code == 200
        assert "templates/email/subject.txt.j2:3" in broken
        assert "unknown&#39; is undefined" in broken
        assert '<li class="here"><span class="number">3</span>{{ unknown }}' in page.text
        assert frame.status_code == 409
        assert 'class="subject">Mended' in window.get("/").text

    def test_what_breaks_the_press_is_said_too(self, window, tmp_path):
        own_template(tmp_path, "email/digest.html.j2", f"{DOCTYPE}{{{{ marks.open(['s0']) }}}}")

        page = window.get("/").text

        assert "the template opens a block that it does not close" in page

    def test_an_edition_without_a_story_left_is_said(self, engine, tmp_path):
        window, _, _ = a_room(engine, tmp_path, None, STORIES[0])
        with database.writing(engine) as db:
            file_articles(db, replace(STORIES[0], status=Status.CANCELLED, content_hash="later"))

        assert "all were withdrawn" in window.get("/").text


class TestProblems:
    def test_it_names_whose_file_it_is(self, tmp_path):
        own_template(tmp_path, "shared/own.html.j2", "\n".join(f"line {number}" for number in range(1, 30)))

        ours = preview.problem(TemplateProblem("shared/own.html.j2:10  wrong."), tmp_path)
        shipped = preview.problem(TemplateProblem("email/head.css:1  wrong."), tmp_path)

        assert (ours.file, ours.line, ours.message) == ("templates/shared/own.html.j2", 10, "wrong.")
        assert [number for number, _ in ours.lines] == list(range(6, 15))
        assert dict(ours.lines)[10] == "line 10"
        assert (ours.whose, shipped.whose) == ("the newsroom's own", "the one that came with Publisher")
        assert shipped.lines[0][0] == 1

    @pytest.mark.parametrize("text", ["email/none.j2:7  gone.", "email/base.html.j2:?  odd.", "no place at all"])
    def test_one_without_a_line_to_show_is_said_all_the_same(self, tmp_path, text):
        found = preview.problem(TemplateProblem(text), tmp_path)

        assert found.lines == ()
        assert found.message in text

    def test_an_error_of_another_kind_is_its_own_text(self, tmp_path):
        assert preview.problem(PressError("a.j2:1  no"), tmp_path) == preview.Problem("a.j2:1  no")


class TestOtherPrograms:
    @pytest.mark.parametrize(
        ("rule", "light", "dark"),
        [
            ("(prefers-color-scheme: dark)", "(max-width: 0)", "(min-width: 0)"),
            ("( Prefers-Color-Scheme:DARK )", "(max-width: 0)", "(min-width: 0)"),
            ("(prefers-color-scheme: light)", "(min-width: 0)", "(max-width: 0)"),
        ],
    )
    def test_a_scheme_is_answered_here_and_not_by_the_system(self, rule, light, dark):
        css = f"@media screen and {rule} {{ p {{ color: red; }} }}"

        assert emulation.in_scheme(css, "light") == emulation.in_scheme(css, "forced") == css.replace(rule, light)
        assert emulation.in_scheme(css, "dark") == css.replace(rule, dark)

    @pytest.mark.parametrize(
        ("tag", "without"),
        [
            ('<img class="p" src="a.jpg" alt="A > B" width="9">', '<img class="p" alt="A > B" width="9">'),
            ('<img alt=\'src="x"\' src="a.jpg">', "<img alt='src=\"x\"'>"),
            ('<img srcset="a.jpg 2x" src="a.jpg">', "<img>"),
            ('<td background="a.jpg">', "<td>"),
            ('<div style="background: url(a.jpg) red">', '<div style="background: none red">'),
            ('<a href="a.jpg" title=" src="">', '<a href="a.jpg" title=" src="">'),
        ],
    )
    def test_pictures_are_taken_away_and_nothing_else(self, tag, without):
        assert emulation.without_pictures(f"<p>one {tag} two") == f"<p>one {without} two"

    def test_links_open_beside_the_page(self):
        page = emulation.shown("<html><head><title>x</title></head><body></body></html>", "light")

        assert '<base target="_blank">' in page.partition("</head>")[0]

    def test_a_page_without_a_head_is_shown_too(self):
        assert emulation.shown("words", "forced").endswith("words")

    def test_a_text_is_shown_as_it_is_written(self):
        assert "&lt;b&gt; &amp;amp;" in emulation.as_text("<b> &amp;")
