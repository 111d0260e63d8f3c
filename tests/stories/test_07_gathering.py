"""Gathering as an editor meets it: what a source offers and would bring, what was withdrawn, and why."""

from pathlib import Path

import pytest

from tests.stories.newsroom import NewsroomOnDisk
from tests.websites import Answer, a_website

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>The Partner</title><link>{url}/</link>
<item><title>Analysis: The port</title><guid>1</guid><link>{url}/port</link><category>World</category>
<pubDate>Thu, 19 Nov 2026 09:00:00 GMT</pubDate><description>The cranes move again.</description></item>
<item><title>The strait</title><guid>2</guid><link>{url}/strait</link><category>World</category></item>
</channel></rss>"""
FRONT = '<title>The Partner</title><link rel="alternate" type="application/rss+xml" title="News" href="/feed">'


def site_text(newsroom: NewsroomOnDisk) -> str:
    files = [file for file in (newsroom.path / "site").rglob("*") if file.suffix in (".html", ".xml", ".json")]
    return "\n".join(file.read_text() for file in files)


def remove(newsroom: NewsroomOnDisk, name: str) -> Path:
    file = newsroom.path / "articles" / name
    file.unlink()
    return file


class TestWithdrawal:
    def test_a_story_that_is_withdrawn_leaves_feeds_pages_and_the_edition_that_was_not_sent(self, newsroom):
        newsroom.article("world/one.md", "The first").article("world/two.md", "The second").readers("a@example.org,A,*")
        newsroom.run("gather")
        draft = newsroom.json("editions", "build", "briefing")
        newsroom.run("build")
        assert "The second" in site_text(newsroom)

        remove(newsroom, "world/two.md")
        [report] = newsroom.json("gather")
        newsroom.run("editions", "send", str(draft["id"]), "--yes")
        newsroom.run("build")

        [mail] = newsroom.mail()
        assert report["withdrawn"] == 1
        assert "The second" not in site_text(newsroom)
        assert b"The first" in mail.read_bytes()
        assert b"The second" not in mail.read_bytes()

    def test_it_leaves_the_page_of_an_edition_that_was_sent_before(self, newsroom):
        newsroom.article("world/one.md", "The first").article("economy/two.md", "The second")
        newsroom.readers("a@example.org,A,*").run("gather")
        edition = newsroom.json("editions", "build", "briefing")
        newsroom.run("editions", "send", str(edition["id"]), "--yes")
        [page] = (newsroom.path / "site/editions").rglob("*.html")
        before = page.read_text()

        remove(newsroom, "economy/two.md")
        newsroom.run("gather")
        newsroom.run("build")

        assert "The second" in before
        assert "Economy" in before
        assert "The first" in page.read_text()
        assert "The second" not in page.read_text()
        assert "Economy" not in page.read_text()
        assert "<!--" not in before + page.read_text()

    def test_a_cancelled_story_leaves_too_and_explain_says_why(self, newsroom):
        newsroom.article("world/one.md", "The first")
        newsroom.run("gather")
        newsroom.article("world/one.md", "The first", status="cancelled")

        newsroom.run("gather")
        newsroom.run("build")

        explained = newsroom.json("articles", "explain", "one")
        assert "The first" not in site_text(newsroom)
        assert (explained["public"], explained["why"]) == (False, "not public: it is cancelled")
        assert [entry["change"] for entry in explained["history"]] == ["new", "updated"]
        assert explained["history"][1]["fields"] == ["status"]

    def test_a_folder_that_seems_empty_withdraws_nothing_until_an_editor_says_so(self, newsroom):
        for number in range(8):
            newsroom.article(f"world/{number}.md")
        newsroom.run("gather")
        for number in range(8):
            remove(newsroom, f"world/{number}.md")

        asked = newsroom.run("gather")
        kept = len(newsroom.json("articles", "list"))
        [report] = newsroom.json("gather", "desk", "--withdraw")

        assert "publisher gather desk --withdraw" in asked.stderr
        assert (kept, report["withdrawn"]) == (8, 8)


def test_an_embargo_holds_a_story_from_mail_feeds_and_pages(newsroom):
    newsroom.article("world/one.md", "The first").article("world/two.md", "The second", embargo="2999-01-01T00:00:00Z")
    newsroom.readers("a@example.org,A,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")

    newsroom.run("editions", "send", str(edition["id"]), "--yes")
    newsroom.run("build")

    assert b"The second" not in newsroom.mail()[0].read_bytes()
    assert "The second" not in site_text(newsroom)
    assert newsroom.json("articles", "explain", "two")["why"] == "not public: its embargo lies in the future"


def test_the_text_behind_a_wall_is_printed_nowhere(newsroom):
    newsroom.article("world/one.md", "For members", "Secret words.", access="members", standfirst="What it is about.")
    newsroom.readers("a@example.org,A,*").run("gather")
    edition = newsroom.json("editions", "build", "briefing")

    newsroom.run("editions", "send", str(edition["id"]), "--yes")
    newsroom.run("build")

    assert "For members" in site_text(newsroom)
    assert "What it is about." in site_text(newsroom)
    assert "Secret" not in site_text(newsroom)
    assert b"Secret" not in newsroom.mail()[0].read_bytes()


def test_a_renamed_file_is_the_same_article_and_explain_names_the_rule(newsroom):
    words = " ".join(f"word{number}" for number in range(60))
    newsroom.article("world/one.md", "The first", words)
    newsroom.run("gather")
    remove(newsroom, "world/one.md")
    newsroom.article("world/another-name.md", "The first", words)

    [report] = newsroom.json("gather")

    explained = newsroom.json("articles", "explain", "one")
    assert (report["new"], report["withdrawn"]) == (0, 0)
    assert [(one["source_id"], one["rule"]) for one in explained["origins"]] == [
        ("world/one.md", "new"),
        ("world/another-name.md", "headline and date"),
    ]
    assert "headline and date" in newsroom.run("articles", "explain", "one").stdout


class TestTrying:
    @pytest.fixture
    def partner(self):
        with a_website() as site:
            site.answers["/"] = Answer(FRONT.encode(), headers={"Content-Type": "text/html"})
            site.answers["/feed"] = Answer(RSS.format(url=site.url).encode())
            yield site

    def test_detect_tells_what_a_site_offers_and_what_to_write(self, newsroom, partner):
        done = newsroom.run("sources", "detect", partner.url, "--allow-private")
        [offer] = newsroom.json("sources", "detect", partner.url, "--allow-private")

        assert (offer["type"], offer["url"], offer["checked"]) == ("feed", f"{partner.url}/feed", True)
        assert "[[source]]" in done.stderr
        assert f'url = "{partner.url}/feed"' in done.stderr

    def test_what_detect_writes_works(self, newsroom, partner):
        [offer] = newsroom.json("sources", "detect", partner.url, "--allow-private")
        newsroom.write(extra=f'[fetch]\nallow_private = ["127.0.0.1"]\n\n{offer["config"]}\n')

        reports = newsroom.article("world/one.md").json("gather")

        assert [report["new"] for report in reports] == [1, 2]

    def test_a_private_address_is_refused_unless_it_is_meant(self, newsroom, partner):
        assert "private address" in newsroom.run("sources", "detect", partner.url, code=1).stderr

    def test_test_shows_what_one_fetch_would_bring_and_stores_nothing(self, newsroom, partner):
        partner_source = f'[[source]]\nname = "partner"\ntype = "feed"\nurl = "{partner.url}/feed"\n'
        newsroom.write(extra=f'[fetch]\nallow_private = ["127.0.0.1"]\n\n{partner_source}')

        shown = newsroom.json("sources", "test", "partner")
        said = newsroom.run("sources", "test", "partner")

        assert [(one["kind"], one["headline"], one["sections"]) for one in shown] == [
            ("Analysis", "The port", ["world"]),
            ("", "The strait", ["world"]),
        ]
        assert "Nothing was stored." in said.stderr
        assert newsroom.json("articles", "list") == []
        assert [one["state"] for one in newsroom.json("sources", "list")] == ["never asked"] * 2

    def test_a_source_that_does_not_exist_is_exit_2(self, newsroom):
        assert "Write one of: desk" in newsroom.run("sources", "test", "nobody", code=2).stderr


def test_a_source_that_asks_for_peace_has_it(newsroom):
    with a_website() as site:
        site.answers["/feed"] = Answer(status=429, headers={"Retry-After": "3600"})
        busy = f'[[source]]\nname = "busy"\ntype = "feed"\nurl = "{site.url}/feed"\n'
        newsroom.write(extra=f'[fetch]\nallow_private = ["127.0.0.1"]\n\n{busy}').article("world/one.md")
        newsroom.run("gather", code=3)
        asked = len(site.asked)

        done = newsroom.run("gather")

        assert len(site.asked) == asked
        assert "busy asked to be left alone until" in done.stderr
        assert "source busy fails" in newsroom.run("status").stdout
