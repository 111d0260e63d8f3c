"""The mail, from an editor's command to a reader's click: checked, signed, each story once, and a way to choose."""

import re
import urllib.error
import urllib.parse
import urllib.request
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree, html

from publisher.render.dkim import dns_record, load_signer
from tests.servers import smtp_server
from tests.stories.newsroom import FOLDER, NewsroomOnDisk
from tests.stories.test_04_clockwork import get, wait_for

EVENING = """
[[newsletter]]
name = "evening"
title = "The Evening"
from = "The Test Journal <evening@journal.example>"
schedule = { daily = "0 18 * * *" }
max_age = "36500d"

"""


def parsed(message: bytes) -> tuple[str, html.HtmlElement]:
    text, page = message_from_bytes(message, policy=default).iter_parts()
    return text.get_content(), html.document_fromstring(page.get_content())


def headlines(tree: html.HtmlElement) -> list[str]:
    return [found.text_content() for found in tree.cssselect(".headline")]


def send(newsroom: NewsroomOnDisk, *options: str, newsletter: str = "briefing") -> dict:
    edition = newsroom.json("editions", "build", newsletter)
    return newsroom.json("editions", "send", str(edition["id"]), "--yes", *options)


def test_mail_page_and_feed_carry_the_same_articles_in_the_same_order(newsroom):
    """One section after the other: a feed is a section's, newest first, and so is its part of a digest."""
    for number in range(1, 8):
        section = ("world", "world/asia", "economy")[number % 3]
        newsroom.article(f"{section}/{number}.md", f"Story {number}", date=f"2026-11-1{number}T08:00:00+05:00")
    newsroom.readers("ada@example.org,Ada,*").run("gather")

    send(newsroom)
    newsroom.run("build")

    text, mail = parsed(newsroom.mail()[0].read_bytes())
    site = newsroom.path / "site"
    [page] = (site / "editions" / "briefing").glob("*.html")
    printed = headlines(mail)
    assert headlines(html.document_fromstring(page.read_text("utf-8"))) == printed
    assert list(dict.fromkeys(re.findall(r"Story \d", text))) == printed
    assert sorted(printed) == [f"Story {number}" for number in range(1, 8)]
    for section in ("world/asia", "economy"):
        own = [item.findtext("title") for item in etree.parse(site / "feeds" / section / "rss.xml").iter("item")]
        assert [title for title in printed if title in own] == own


def test_an_edition_that_fails_a_check_is_not_sent_unless_the_check_is_accepted_by_name(newsroom):
    config = newsroom.path / "config.toml"
    config.write_text(config.read_text("utf-8").replace('accept = ["https"]', "accept = []"), "utf-8")
    newsroom.article("world/one.md").readers("ada@example.org,Ada,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")["id"]

    refused = newsroom.run("editions", "send", str(edition), "--yes", code=1)
    checks = {one["check"]: one for one in newsroom.json("editions", "show", str(edition), "--checks", code=1)}
    unknown = newsroom.run("editions", "send", str(edition), "--yes", "--accept", "htps", code=2)

    assert "https" in refused.stderr
    assert "--accept https" in refused.stderr
    assert checks["https"]["verdict"] == "fail"
    assert checks["one-click"]["reference"]
    assert {one["verdict"] for one in checks.values()} <= {"pass", "warn", "fail", "cannot be seen from here"}
    assert "Write one of: size" in unknown.stderr
    assert newsroom.mail() == []
    assert newsroom.json("editions", "show", str(edition))["state"] == "draft"
    assert newsroom.json("editions", "send", str(edition), "--yes", "--accept", "https")["state"] == "sent"


def test_under_the_clock_it_waits_for_an_editor_with_its_reason(newsroom, free_port):
    newsroom.write(port=free_port)
    config = newsroom.path / "config.toml"
    config.write_text(config.read_text("utf-8").replace('accept = ["https"]', "accept = []"), "utf-8")
    newsroom.article("world/one.md").readers("ada@example.org,Ada,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")["id"]
    newsroom.run("editions", "approve", str(edition), "--yes")

    process = newsroom.start("run")
    try:
        wait_for(lambda: newsroom.json("editions", "show", str(edition))["state"] == "draft")
    finally:
        process.terminate()
        process.communicate(timeout=40)

    shown = newsroom.json("editions", "show", str(edition))
    assert "https" in shown["note"]
    assert any(f"edition {edition} waits for an editor" in need for need in newsroom.json("status")["needs"])
    assert newsroom.mail() == []


def test_what_a_reader_had_in_one_newsletter_is_not_in_their_copy_of_another(newsroom):
    newsroom.write(extra=EVENING)
    newsroom.article("world/one.md", "Both have it")
    file = newsroom.path / "two.csv"
    file.write_text("address,newsletter,sections\n" + "".join(
        f"{who},{what},{which}\n"
        for who, what, which in [
            ("ada@example.org", "briefing", "world"), ("ada@example.org", "evening", "*"),
            ("bob@example.org", "evening", "*"),
        ]
    ))  # fmt: skip
    newsroom.run("subscribers", "import", str(file))
    newsroom.run("gather")
    send(newsroom)
    newsroom.article("economy/two.md", "Only the evening has it").run("gather")

    send(newsroom, newsletter="evening")

    copies = {message["To"]: (message["Subject"], headlines(parsed(data)[1])) for data, message in (
        (file.read_bytes(), message_from_bytes(file.read_bytes(), policy=default)) for file in newsroom.mail()
    ) if "evening" in message["From"]}  # fmt: skip
    assert copies == {
        "ada@example.org": ("Only the evening has it · The Evening", ["Only the evening has it"]),
        "bob@example.org": ("Both have it · The Evening", ["Both have it", "Only the evening has it"]),
    }


def test_a_signed_copy_verifies_where_it_arrives_and_bounces_to_its_own_address(newsroom):
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (newsroom.path / "dkim.pem").write_bytes(key)
    signing = '[[dkim]]\ndomain = "journal.example"\nselector = "news"\nkey_file = "dkim.pem"\n'
    bounces = '[delivery]\nbounces = "bounce@bounces.journal.example"\nunsubscribe = "leave@journal.example"\n'
    name, record = dns_record(load_signer("journal.example", "news", key))
    with smtp_server() as (port, inbox):
        smtp = f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        newsroom.write(smtp, extra=signing + bounces)
        newsroom.article("world/one.md", "خبر", language="ur", body="متن").readers("ada@example.org,Ada,*").run(
            "gather"
        )

        send(newsroom)

    [(_, message)] = inbox.caught
    [sender] = inbox.senders
    read = message_from_bytes(message, policy=default)
    assert dkim.verify(
        message, dnsfunc=lambda asked, timeout=5: record.encode() if asked == f"{name}.".encode() else b""
    )
    assert re.fullmatch(r"bounce\+\d+-[a-z2-7]{16}@bounces\.journal\.example", sender)
    assert "mailto:leave@journal.example" in read["List-Unsubscribe"]


class TestLinks:
    """What the links in a copy lead to, while the site is served."""

    @pytest.fixture
    def served(self, newsroom, free_port):
        newsroom.write(FOLDER, port=free_port)
        newsroom.article("world/one.md", "The world").article("economy/two.md", "The economy")
        newsroom.readers("ada@example.org,Ada,*").run("gather")
        send(newsroom)
        process = newsroom.start("serve")
        wait_for(lambda: get(f"http://127.0.0.1:{free_port}/health")[0] == 200)
        yield newsroom
        process.terminate()
        process.communicate(timeout=20)

    def link(self, newsroom: NewsroomOnDisk, path: str) -> str:
        _, page = parsed(newsroom.mail()[0].read_bytes())
        return next(a.get("href") for a in page.iter("a") if f"/{path}/" in a.get("href"))

    def test_preferences_show_a_choice_and_keep_another(self, served):
        url = self.link(served, "preferences")
        _, before, _ = get(url)

        status, after, headers = get(url, urllib.parse.urlencode({"section": "economy"}).encode())

        checked = [box.get("value") for box in html.document_fromstring(before).cssselect("input[checked]")]
        kept = [box.get("value") for box in html.document_fromstring(after).cssselect("input[checked]")]
        assert (status, "Location" in headers, "Set-Cookie" in headers) == (200, False, False)
        assert (checked, kept) == (["world", "world/asia", "economy"], ["economy"])
        served.article("world/three.md", "More world").article("economy/four.md", "More economy").run("gather")
        send(served)
        newest = max(served.mail(), key=lambda file: file.stat().st_mtime_ns)
        assert headlines(parsed(newest.read_bytes())[1]) == ["More economy"]

    def test_looking_changes_nothing_and_an_empty_choice_neither(self, served):
        url = self.link(served, "preferences")

        for data in (None, b"", urllib.parse.urlencode({"section": "nowhere"}).encode()):
            get(url, data)

        assert served.json("subscribers", "list")[0]["sections"] == ["*"]

    def test_a_copy_on_the_web_is_the_readers_without_what_is_only_theirs(self, served):
        status, page, headers = get(self.link(served, "copy"))

        tree = html.document_fromstring(page)
        hrefs = " ".join(a.get("href") for a in tree.iter("a"))
        assert status == 200
        assert headlines(tree) == ["The world", "The economy"]
        assert "ada@example.org" not in page
        assert "/unsubscribe/" not in hrefs
        assert "/preferences/" not in hrefs
        assert "noindex" in headers["x-robots-tag"]

    def test_what_was_withdrawn_leaves_it_too(self, served):
        url = self.link(served, "copy")
        (served.path / "articles" / "world" / "one.md").unlink()
        served.run("gather")

        status, page, _ = get(url)

        assert (status, headlines(html.document_fromstring(page))) == (200, ["The economy"])

    @pytest.mark.parametrize("path", ["preferences", "copy"])
    def test_another_links_token_opens_nothing(self, served, path):
        url = self.link(served, path)
        stolen = self.link(served, "unsubscribe").rpartition("/")[2]

        status, page, _ = get(f"{url.rpartition('/')[0]}/{stolen}")

        assert status in (400, 404)
        assert "The world" not in page


def test_a_note_stands_at_the_head_of_the_copies_and_of_the_page(newsroom):
    newsroom.article("world/one.md").readers("ada@example.org,Ada,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing", "--note", "Good *morning*.<script>x</script>")["id"]

    assert "Good *morning*." in newsroom.run("editions", "show", str(edition)).stdout
    newsroom.run("editions", "send", str(edition), "--yes")
    newsroom.run("build")
    checks = {one["check"]: one for one in newsroom.json("editions", "show", str(edition), "--checks")}

    assert checks["text"]["verdict"] == "cannot be seen from here"
    text, page = parsed(newsroom.mail()[0].read_bytes())
    [web] = (newsroom.path / "site" / "editions" / "briefing").glob("*.html")
    assert "Good morning." in text
    assert page.cssselect(".note em")[0].text == "morning"
    assert "<script" not in web.read_text("utf-8")
    assert "<em>morning</em>" in web.read_text("utf-8")
    refused = newsroom.run("editions", "note", str(edition), "Too late", code=2)
    assert "only a draft" in refused.stderr


def test_a_proof_link_says_that_it_acts_for_nobody(newsroom, free_port, tmp_path: Path):
    newsroom.write(port=free_port)
    newsroom.article("world/one.md").readers("ada@example.org,Ada,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")["id"]
    newsroom.run("editions", "proof", str(edition), "--to", "desk@example.org")
    [proof] = newsroom.mail()
    [url] = re.findall(r"^List-Unsubscribe: <([^>]+)>", proof.read_text("utf-8"), re.MULTILINE)

    process = newsroom.start("serve")
    try:
        wait_for(lambda: get(f"http://127.0.0.1:{free_port}/health")[0] == 200)
        status, page, _ = get(url, b"List-Unsubscribe=One-Click")
    finally:
        process.terminate()
        process.communicate(timeout=20)

    assert status == 200
    assert "This is a proof" in page
    assert newsroom.json("subscribers", "list")[0]["state"] == "active"
