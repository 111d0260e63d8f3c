"""What is broken is said with its place and left out; the rest goes on."""

from tests.stories.newsroom import FOLDER


def test_a_broken_article_is_reported_with_file_and_line_and_the_others_go_on(newsroom):
    newsroom.article("world/good.md")
    bad = newsroom.path / "articles/world/bad.md"
    bad.write_text("---\ndate: 2026-11-19\ntitle: Analysis: the colon\n---\nText\n")

    done = newsroom.run("gather")

    assert "desk: world/bad.md:3" in done.stderr
    assert 'Put it in quotes: title: "Analysis: the colon"' in done.stderr
    assert [one["headline"] for one in newsroom.json("articles", "list")] == ["Story good"]

    bad.write_text('---\ndate: 2026-11-19\ntitle: "Analysis: the colon"\n---\nText\n')
    newsroom.run("gather")
    assert {one["headline"] for one in newsroom.json("articles", "list")} == {"Story good", "the colon"}


def test_a_source_that_is_down_leaves_the_others_working(newsroom):
    down = '[[source]]\nname = "down"\ntype = "feed"\nurl = "http://127.0.0.1:9/feed"\n'
    newsroom.write(extra="\n[fetch]\nallow_private = ['127.0.0.1']\n" + down).article("world/one.md")

    done = newsroom.run("gather", code=3)

    assert "down: http://127.0.0.1:9/feed cannot be fetched" in done.stderr
    assert len(newsroom.json("articles", "list")) == 1
    assert "source down fails" in newsroom.run("status").stdout


def test_a_source_on_a_private_address_is_refused_and_says_how_to_allow_it(newsroom):
    down = '[[source]]\nname = "inside"\ntype = "feed"\nurl = "http://127.0.0.1:9/feed"\n'
    newsroom.write(extra=down).article("world/one.md")

    done = newsroom.run("gather", code=3)

    assert 'allow_private = ["127.0.0.1"]' in done.stderr


def test_every_mistake_of_the_configuration_is_listed_at_once(newsroom):
    text = (newsroom.path / "config.toml").read_text()
    text = (
        text.replace("0 7 * * *", "7am")
        .replace("Asia/Karachi", "Karachi")
        .replace('type = "folder"\npath = "mail"', 'type = "fax"')
    )
    (newsroom.path / "config.toml").write_text(text)

    done = newsroom.run("gather", code=2)

    lines = done.stderr.splitlines()
    assert [line.split("  ")[0].split(":")[0] for line in lines[:-1]] == ["config.toml"] * 3
    assert '"7am" is not a cron line. Write "0 7 * * mon-fri"' in done.stderr
    assert lines[-1] == "3 mistakes. Nothing was changed."


def test_check_lists_articles_and_templates_offline(newsroom):
    newsroom.article("nowhere/lost.md")
    own = newsroom.path / "templates/email/digest.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<!DOCTYPE html>\n{% for %}")

    done = newsroom.run("check", code=1)

    assert "email/digest.html.j2:2" in done.stdout
    assert "nowhere/lost.md:1" in done.stdout


def test_a_template_that_breaks_fails_its_edition_alone_and_says_where(newsroom):
    own = newsroom.path / "templates/email/digest.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<!DOCTYPE html>\n<p>\n{{ edition.no_such_thing }}</p>")
    newsroom.article("world/one.md").readers("ada@example.org,,*").run("gather")
    edition = str(newsroom.json("editions", "build", "briefing")["id"])

    done = newsroom.run("editions", "send", edition, "--yes", code=1)

    assert "email/digest.html.j2:3" in done.stderr
    assert newsroom.mail() == []


def test_refused_readers_are_listed_with_their_lines(newsroom):
    file = newsroom.path / "list.csv"
    rows = [
        "address,timezone,cadence",
        "ada@example.org,Asia/Karachi,daily",
        "ada lovelace,,",
        "bob@example.org,Mars,",
        "eve@example.org,,hourly",
        "ADA@example.org,,",
    ]
    file.write_text("\n".join(rows) + "\n")

    done = newsroom.run("subscribers", "import", str(file), code=3)

    assert [line.split("  ")[0] for line in done.stderr.splitlines()] == ["list.csv:3", "list.csv:4", "list.csv:5"]
    assert "lovelace" not in done.stderr
    assert len(newsroom.json("subscribers", "list")) == 1


def test_a_mail_server_that_is_down_keeps_every_copy_waiting(newsroom):
    smtp = '[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
    newsroom.write(smtp).article("world/one.md").readers("ada@example.org,,*", "bob@example.org,,*").run("gather")
    edition = str(newsroom.json("editions", "build", "briefing")["id"])

    done = newsroom.run("editions", "send", edition, "--yes", code=3)

    assert "Delivery waits: the mail server 127.0.0.1:9 cannot be used" in done.stderr
    shown = newsroom.json("editions", "show", edition)
    assert (shown["state"], shown["deliveries"]) == ("sending", {"queued": 2})
    assert "cannot be used" in shown["reasons"][0]["reply"]

    newsroom.write(FOLDER)
    database = newsroom.path / "var/publisher.db"
    import sqlite3

    with sqlite3.connect(database) as db:
        db.execute("UPDATE deliveries SET next_at = '2020-01-01 00:00:00.000000'")
    newsroom.run("editions", "send", edition, "--yes")
    assert len(newsroom.mail()) == 2


def test_a_database_of_a_newer_publisher_is_refused(newsroom):
    import sqlite3

    newsroom.run("status")
    with sqlite3.connect(newsroom.path / "var/publisher.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "Upgrade Publisher" in newsroom.run("status", code=1).stderr


def test_a_file_that_stops_being_csv_keeps_the_rows_before_it(newsroom):
    file = newsroom.path / "list.csv"
    file.write_text('address,name\nada@example.org,Ada\nbob@example.org,Bob\n"d"x@example.org,D\n')

    done = newsroom.run("subscribers", "import", str(file), code=3)

    assert "list.csv:4  is not CSV" in done.stderr
    assert len(newsroom.json("subscribers", "list")) == 2


def test_a_reader_of_a_section_that_is_not_there_is_refused(newsroom):
    file = newsroom.path / "list.csv"
    file.write_text("address,sections\nada@example.org,wrold\n")

    assert 'list.csv:2  there is no section "wrold"' in newsroom.run("subscribers", "import", str(file), code=3).stderr


def test_a_headline_in_square_brackets_is_only_a_headline(newsroom):
    newsroom.article("world/one.md", "The [/end] of [bold]it :fire:").run("gather")

    assert "The [/end] of [bold]it :fire:" in newsroom.run("articles", "list").stdout


def test_an_edition_to_nobody_is_not_sent(newsroom):
    newsroom.article("world/one.md").run("gather")
    edition = str(newsroom.json("editions", "build", "briefing")["id"])

    assert "nobody reads briefing" in newsroom.run("editions", "send", edition, "--yes", code=1).stderr
    assert newsroom.json("editions", "show", edition)["state"] == "draft"


def test_a_withdrawn_story_leaves_the_site_whichever_part_was_built_before(newsroom):
    newsroom.article("world/libel.md").run("gather")
    newsroom.run("build", "--only", "pages")
    assert (newsroom.path / "site/articles/libel.html").exists()
    newsroom.article("world/libel.md", draft="true").run("gather")

    newsroom.run("build")

    assert not (newsroom.path / "site/articles/libel.html").exists()
    assert "libel" not in (newsroom.path / "site/index.html").read_text()
