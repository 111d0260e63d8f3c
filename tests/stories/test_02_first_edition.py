"""An editor's first day: init, check, gather, build, look, send. Doing anything twice sends nothing twice."""

import socket
import threading
from email import message_from_bytes
from email.policy import default

import pytest

from tests.stories.newsroom import NewsroomOnDisk


@pytest.fixture
def ready(newsroom):
    newsroom.article("world/one.md", "Analysis: One: and two").article("world/asia/two.md", "Two")
    newsroom.readers("ada@example.org,Ada,*", "bob@example.org,,world/asia", "eve@example.org,Eve,economy")
    newsroom.run("gather")
    return newsroom


def test_init_makes_a_newsroom_that_works_at_once(tmp_path):
    newsroom = NewsroomOnDisk(tmp_path)
    newsroom.run("init", str(tmp_path))
    (tmp_path / "readers.csv").write_text("address\nada@example.org\n")

    newsroom.run("check")
    newsroom.run("subscribers", "import", str(tmp_path / "readers.csv"))
    newsroom.run("gather")
    edition = newsroom.json("editions", "build", "briefing")
    newsroom.run("editions", "send", str(edition["id"]), "--yes")

    assert len(newsroom.mail()) == 1


def test_init_leaves_a_newsroom_that_is_there_alone(newsroom):
    before = (newsroom.path / "config.toml").read_bytes()

    done = newsroom.run("init", str(newsroom.path), code=2)

    assert "exists" in done.stderr
    assert (newsroom.path / "config.toml").read_bytes() == before


def test_init_with_the_sample_journal(tmp_path):
    newsroom = NewsroomOnDisk(tmp_path)
    newsroom.run("init", str(tmp_path), "--demo")

    newsroom.run("check")

    assert len(newsroom.json("subscribers", "list")) == 60


def test_an_edition_goes_to_everybody_with_something_new(ready):
    edition = ready.json("editions", "build", "briefing")

    ready.run("editions", "send", str(edition["id"]), "--yes")

    shown = ready.json("editions", "show", str(edition["id"]))
    assert shown["state"] == "sent"
    assert shown["deliveries"] == {"accepted": 2, "nothing_new": 1}
    to = {message_from_bytes(file.read_bytes(), policy=default)["To"] for file in ready.mail()}
    assert to == {"Ada <ada@example.org>", "bob@example.org"}


def test_every_command_twice_sends_nothing_twice(ready):
    edition = ready.json("editions", "build", "briefing")
    send = ("editions", "send", str(edition["id"]), "--yes")
    ready.run(*send)
    first = {file: file.stat().st_mtime_ns for file in ready.mail()}

    ready.run("gather")
    again = ready.json("editions", "build", "briefing")
    ready.run(*send)

    assert again is None
    assert {file: file.stat().st_mtime_ns for file in ready.mail()} == first


def test_sending_asks_and_nobody_to_ask_is_exit_4(ready):
    edition = ready.json("editions", "build", "briefing")

    done = ready.run("editions", "send", str(edition["id"]), code=4)

    assert "to 3 readers?" in done.stderr
    assert ready.mail() == []


def test_a_dry_run_writes_no_row_and_opens_no_socket(ready):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(1)
    port = listener.getsockname()[1]
    connections: list[object] = []

    def wait() -> None:
        try:
            connections.append(listener.accept())
        except TimeoutError:
            return

    watching = threading.Thread(target=wait)
    watching.start()
    ready.write(f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n')
    edition = ready.json("editions", "build", "briefing")

    counted = ready.json("editions", "send", str(edition["id"]), "--dry-run")
    ready.run("editions", "build", "briefing", "--dry-run")
    ready.run("gather", "--dry-run")

    watching.join()
    listener.close()
    assert (counted["readers"], connections) == (3, [])
    assert ready.json("editions", "show", str(edition["id"]))["deliveries"] == {}


def test_a_cancelled_edition_gives_its_articles_back(ready):
    first = ready.json("editions", "build", "briefing")
    ready.run("editions", "cancel", str(first["id"]))

    layout = ready.json("editions", "build", "briefing", "--dry-run")

    assert layout["articles"] == 2


def test_an_updated_article_is_not_news_again(ready):
    edition = ready.json("editions", "build", "briefing")
    ready.run("editions", "send", str(edition["id"]), "--yes")
    ready.article("world/one.md", "Analysis: One: and two", body="A correction.")

    report = ready.json("gather")

    assert (report[0]["new"], report[0]["updated"]) == (0, 1)
    assert ready.json("editions", "build", "briefing") is None


@pytest.mark.parametrize(
    "command",
    [
        ("sources", "list"), ("articles", "list"), ("articles", "show", "one"), ("editions", "list"), ("feeds", "list"),
        ("subscribers", "list"), ("status",),
    ],
)  # fmt: skip
def test_every_listing_speaks_to_people_and_in_json(ready, command):
    ready.run("editions", "build", "briefing")

    assert ready.run(*command).stdout
    assert ready.json(*command)


def test_global_options_may_stand_anywhere(ready):
    assert ready.run("articles", "list", "--json").stdout == ready.run("--json", "articles", "list").stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("editions", "show", "99"), "publisher editions list"),
        (("editions", "build", "nothing"), "Write one of: briefing"),
        (("editions", "build", "briefing", "--cadence", "hourly"), "Write one of: daily"),
        (("articles", "show", "nothing"), "publisher articles list"),
        (("gather", "nothing"), "Write one of: desk"),
        (("subscribers", "import", "/nowhere.csv"), "No such file"),
        (("artcles", "list"), "articles"),
    ],
)
def test_what_does_not_exist_is_exit_2_and_says_what_does(ready, command, says):
    assert says in ready.run(*command, code=2).stderr
