"""An editor looks at an edition before anybody else does: on a local page, and as a proof in a mailbox."""

import contextlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from tests.servers import FaultServer, Inbox, smtp_server
from tests.stories.newsroom import NewsroomOnDisk

READERS = ("ada@example.org,Ada,economy", "bob@example.org,Bob,*")


def smtp(port: int) -> str:
    return f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Edition 1, a draft of two stories in two sections, and two readers."""
    newsroom = NewsroomOnDisk(tmp_path_factory.mktemp("made")).write()
    newsroom.article("world/port.md", "The port").article("economy/budget.md", "The budget").readers(*READERS)
    newsroom.run("gather")
    newsroom.run("editions", "build", "briefing")
    return newsroom.path


@pytest.fixture
def draft(made: Path, tmp_path: Path) -> NewsroomOnDisk:
    """The same, for one test alone."""
    return NewsroomOnDisk(shutil.copytree(made, tmp_path / "newsroom"))


def rows(newsroom: NewsroomOnDisk) -> list[str]:
    """Every row of the database."""
    with sqlite3.connect(newsroom.path / "var/publisher.db") as db:
        return list(db.iterdump())


def own_template(newsroom: NewsroomOnDisk, name: str, source: str) -> None:
    file = newsroom.path / "templates" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, "utf-8")


def get(url: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(url: str) -> None:
    """Until somebody answers; `serve` says its address a little before it does."""
    for _ in range(200):
        with contextlib.suppress(urllib.error.URLError):
            get(url)
            return
        time.sleep(0.1)
    pytest.fail(f"nobody answers at {url}")


@contextlib.contextmanager
def started(newsroom: NewsroomOnDisk, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command that serves, and the address that it says."""
    process = newsroom.start(*arguments)
    try:
        said = ""
        for line in process.stdout or ():
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield process, found[0]
                break
        else:
            pytest.fail(f"it ended with {process.wait(20)}: {said}")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def mailbox(draft: NewsroomOnDisk) -> Iterator[Inbox]:
    """What a real server catches, to which the newsroom's mail goes."""
    with smtp_server() as (port, inbox):
        draft.write(smtp(port))
        yield inbox


def opened(message: bytes) -> EmailMessage:
    found = message_from_bytes(message, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


class TestPreview:
    def test_it_shows_a_draft_writes_nothing_and_ends_when_asked(self, draft, free_port):
        file = draft.path / "var/publisher.db"
        before, content = rows(draft), file.read_bytes()

        with started(draft, "editions", "preview", "1", "--no-open", "--port", str(free_port)) as (process, url):
            pages = [get(url + path) for path in ("", "state", "frame", "frame?part=text", "message.eml")]
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

        assert url == f"http://127.0.0.1:{free_port}/"
        assert [status for status, _ in pages] == [200] * 5
        assert "draft: as it would be pressed now" in pages[0][1]
        assert "The port" in pages[2][1]
        assert process.returncode == 0
        assert (rows(draft), file.read_bytes()) == (before, content)
        assert {one["state"] for one in draft.json("editions", "list")} == {"draft"}

    def test_ctrl_c_ends_it_as_well(self, draft):
        with started(draft, "editions", "preview", "1") as (process, _):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)

        assert process.returncode == 0

    def test_it_shows_the_copy_of_the_subscriber_it_was_asked_for(self, draft):
        with started(draft, "editions", "preview", "1", "--no-open", "--as", "ada@example.org") as (_, url):
            page, mail = get(url)[1], get(f"{url}frame")[1]

        assert 'value="ada@example.org"' in page
        assert "The budget" in mail
        assert "The port" not in mail
        assert "bob@" not in page + mail

    def test_a_sent_edition_is_shown_as_it_was_pressed(self, draft):
        draft.run("--yes", "editions", "send", "1", "--accept", "https", "--accept", "dkim")
        draft.article("world/port.md", "Another headline").run("gather")

        with started(draft, "editions", "preview", "1", "--no-open") as (_, url):
            page, mail = get(url)[1], get(f"{url}frame")[1]

        assert "as it was pressed on" in page
        assert "The port" in mail
        assert "Another headline" not in mail

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("7",), "there is no edition 7"),
            (("1", "--as", "eve@example.org"), "eve@example.org does not read briefing"),
            (("1", "--as", "nonsense"), '"nonsense" is not an address'),
        ],
    )
    def test_what_cannot_be_shown_is_said_at_once(self, draft, arguments, says):
        assert says in draft.run("editions", "preview", "--no-open", *arguments, code=2).stderr

    def test_a_taken_port_is_said(self, draft):
        with started(draft, "editions", "preview", "1", "--no-open") as (_, url):
            port = str(urllib.parse.urlsplit(url).port)
            done = draft.run("editions", "preview", "1", "--no-open", "--port", port, code=1)

        assert f"port {port} is taken" in done.stderr


class TestProof:
    def test_proofs_arrive_marked_and_nothing_else_happens(self, draft, mailbox):
        before = rows(draft)

        done = draft.run("editions", "proof", "1", "--to", "editor@journal.example", "--to", "desk@journal.example")

        assert mailbox.recipients == ["editor@journal.example", "desk@journal.example"]
        message = opened(mailbox.caught[0][1])
        assert message["Subject"].startswith("[Proof] ")
        assert message["To"] == "editor@journal.example"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert {"The port", "The budget"} <= set(text_of(message).splitlines())
        assert done.stdout.count("accepted") == 2
        assert rows(draft) == before

    def test_its_links_work_and_change_nobody(self, draft, free_port):
        with smtp_server() as (port, inbox):
            draft.write(smtp(port), port=free_port)
            draft.run("editions", "proof", "1", "--to", "ada@example.org", "--as", "ada@example.org")
        message = opened(inbox.caught[0][1])
        unsubscribe = message["List-Unsubscribe"].split(">")[0].strip("<")
        preferences = re.search(r"http://\S+/preferences/\S+", text_of(message))
        assert preferences
        before = rows(draft)

        with started(draft, "serve") as (_, url):
            wait_for(f"{url}health")
            answers = [get(unsubscribe), get(preferences[0])]
            left = get(unsubscribe, b"List-Unsubscribe=One-Click")
            chosen = get(preferences[0], b"section=world")

        assert all(status < 500 and "<h1>" in page for status, page in [*answers, left, chosen])
        assert rows(draft) == before
        assert {one["state"] for one in draft.json("subscribers", "list")} == {"active"}

    def test_it_is_the_copy_of_the_reader_that_was_asked_for(self, draft, mailbox):
        draft.run("editions", "proof", "1", "--to", "editor@journal.example", "--as", "ada@example.org")
        draft.run("editions", "proof", "1", "--to", "editor@journal.example", "--sections", "world,world/asia")

        adas, worlds = (text_of(opened(message)) for _, message in mailbox.caught)

        assert ("The budget" in adas, "The port" in adas) == (True, False)
        assert ("The budget" in worlds, "The port" in worlds) == (False, True)
        assert "ada@" not in adas + worlds

    def test_a_second_proof_is_no_double_of_the_first(self, draft, mailbox):
        for _ in range(2):
            draft.run("editions", "proof", "1", "--to", "editor@journal.example")

        assert len({opened(message)["Message-ID"] for _, message in mailbox.caught}) == 2

    def test_checks_that_fail_are_said_and_stop_no_proof(self, draft, mailbox):
        own_template(draft, "email/subject.txt.j2", "Re: {{ edition.title }}")

        done = draft.run("editions", "proof", "1", "--to", "editor@journal.example")

        assert done.stderr == "1 check fails: no-fake-reply; see publisher editions show 1 --checks\n"
        assert opened(mailbox.caught[0][1])["Subject"] == "[Proof] Re: The Briefing"

    def test_outcomes_are_named_for_each_address_in_json(self, draft, mailbox):
        found = draft.json("editions", "proof", "1", "--to", "editor@journal.example")

        assert [(one["to"], one["kind"], one["code"]) for one in found] == [("editor@journal.example", "accepted", 250)]

    def test_one_refused_address_is_a_job_done_in_part(self, draft):
        def refuses(verb: str, line: str) -> str:
            return "550 no such mailbox" if verb == "RCPT" and "gone@" in line else ""

        with FaultServer(refuses).running() as server:
            draft.write(smtp(server.port))
            to = ("--to", "gone@journal.example", "--to", "editor@journal.example")
            done = draft.run("editions", "proof", "1", *to, code=3)

        assert server.accepted == ["editor@journal.example"]
        assert re.search(r"gone@journal\.example +rejected +550 +no such mailbox", done.stdout)

    def test_a_server_that_is_not_there_is_said(self, draft, free_port):
        draft.write(smtp(free_port))

        done = draft.run("editions", "proof", "1", "--to", "editor@journal.example", code=1)

        assert re.search(rf"editor@journal\.example +failed .*127\.0\.0\.1:{free_port} cannot be used", done.stdout)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("1", "--to", "nonsense"), '--to: "nonsense" is not an address; write name@domain.'),
            (("1", "--to", "a@b@example.org", "--to", "x"), '"x" is not an address'),
            (("7", "--to", "a@example.org"), "there is no edition 7"),
            (
                ("1", "--to", "a@example.org", "--sections", "sport"),
                'there is no section "sport". Write some of: world',
            ),
            (("1", "--to", "a@example.org", "--as", "eve@example.org"), "eve@example.org does not read briefing"),
            (("1", "--to", "a@example.org", "--as", "a@example.org", "--sections", "world"), "Leave --sections out"),
            (("1",), "--to"),
        ],
    )
    def test_a_wrong_request_sends_nothing(self, draft, arguments, says):
        done = draft.run("editions", "proof", *arguments, code=2)

        assert says in done.stderr
        assert draft.mail() == []

    def test_a_reader_for_whom_it_holds_nothing_gets_no_proof(self, draft):
        done = draft.run("editions", "proof", "1", "--to", "a@example.org", "--sections", "world/asia", code=1)

        assert "nothing in edition 1 is for this reader; no proof was sent" in done.stderr

    def test_a_broken_template_is_said_with_file_and_line(self, draft):
        own_template(draft, "email/subject.txt.j2", "\n{{ unknown }}")

        done = draft.run("editions", "proof", "1", "--to", "a@example.org", code=1)

        assert "email/subject.txt.j2:2  'unknown' is undefined" in done.stderr
