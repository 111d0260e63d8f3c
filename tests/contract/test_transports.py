"""What every transport promises: a copy arrives as it was printed, once, and each answer is an outcome."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from pathlib import Path

import pytest

from publisher.errors import TransportDown
from publisher.model.delivery import Copy, OutcomeKind
from publisher.transports.folder import FolderTransport
from publisher.transports.smtp import SmtpTransport
from tests.servers import FaultServer, certificate, smtp_server

MESSAGE = b"From: a@journal.example\r\nMessage-ID: <%d@journal.example>\r\n\r\n.a dot\r\n..two\r\nlast\r\n"


def a_copy(number: int = 1, recipient: str = "") -> Copy:
    to = recipient or f"reader{number}@example.org"
    return Copy("briefing@journal.example", to, f"<{number}@journal.example>", MESSAGE % number)


def carry(transport, *copies):
    async def all_of_them():
        carrier = await transport.connect()
        try:
            return [await carrier.carry(copy) for copy in copies]
        finally:
            await carrier.close()

    return asyncio.run(all_of_them())


@contextmanager
def folder(tmp_path: Path):
    yield (
        FolderTransport(tmp_path / "mail"),
        lambda: [f.read_bytes() for f in sorted((tmp_path / "mail").glob("*.eml"))],
    )


@contextmanager
def plain(tmp_path: Path):
    with smtp_server() as (port, inbox):
        yield SmtpTransport("127.0.0.1", port, "none"), lambda: [message for _, message in inbox.caught]


@contextmanager
def starttls(tmp_path: Path):
    context, ca = certificate(tmp_path)
    with smtp_server(starttls=context, password="secret") as (port, inbox):
        transport = SmtpTransport("127.0.0.1", port, "starttls", "press", "secret", ca)
        yield transport, lambda: [message for _, message in inbox.caught]


@contextmanager
def tls(tmp_path: Path):
    context, ca = certificate(tmp_path)
    with smtp_server(tls=context) as (port, inbox):
        yield SmtpTransport("127.0.0.1", port, "tls", ca_file=ca), lambda: [message for _, message in inbox.caught]


@contextmanager
def one_command_at_a_time(tmp_path: Path):
    server = FaultServer(lambda verb, line: "", pipelining=False)
    with server.running():
        yield SmtpTransport("127.0.0.1", server.port, "none"), lambda: [_unstuffed(body) for body in server.bodies]


@contextmanager
def pipelined(tmp_path: Path):
    server = FaultServer(lambda verb, line: "")
    with server.running():
        yield SmtpTransport("127.0.0.1", server.port, "none"), lambda: [_unstuffed(body) for body in server.bodies]


def _unstuffed(body: bytes) -> bytes:
    return body.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


@pytest.fixture(params=[folder, plain, starttls, tls, one_command_at_a_time, pipelined])
def carried(request, tmp_path) -> Iterator[tuple]:
    with request.param(tmp_path) as both:
        yield both


def test_copies_arrive_byte_for_byte(carried):
    transport, arrived = carried

    outcomes = carry(transport, a_copy(1), a_copy(2))

    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.ACCEPTED}
    assert sorted(arrived()) == [MESSAGE % 1, MESSAGE % 2]


def test_an_address_that_could_smuggle_a_command_is_refused(carried):
    transport, arrived = carried
    if isinstance(transport, FolderTransport):
        return  # a folder has no envelope

    with pytest.raises(ValueError, match="character that SMTP cannot carry"):
        carry(transport, a_copy(1, "a@example.org>\r\nRCPT TO:<b@example.org"))

    assert arrived() == []


def test_a_copy_that_is_carried_twice_to_a_folder_is_one_file(tmp_path):
    carry(FolderTransport(tmp_path), a_copy(1), a_copy(1))

    [file] = tmp_path.glob("*.eml")
    assert message_from_bytes(file.read_bytes())["Message-ID"] == "<1@journal.example>"


def test_a_folder_that_cannot_be_written_takes_no_mail(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(TransportDown, match="cannot be written"):
        carry(FolderTransport(tmp_path / "file"), a_copy())


class TestSmtpFaults:
    """Each fault has an outcome, and only what was lost after the final dot is uncertain."""

    def outcomes(self, script, *copies, pipelining=True, seconds=2.0):
        with FaultServer(script, pipelining).running() as server:
            return carry(SmtpTransport("127.0.0.1", server.port, "none", seconds=seconds), *copies), server

    @pytest.mark.parametrize("pipelining", [True, False])
    @pytest.mark.parametrize(
        ("verb", "answer", "kind"),
        [
            ("RCPT", "550 5.1.1 no such user", OutcomeKind.REJECTED),
            ("RCPT", "451 4.7.1 greylisted", OutcomeKind.DEFERRED),
            ("RCPT", "452 4.5.3 too many", OutcomeKind.DEFERRED),
            ("MAIL", "451 4.3.0 busy", OutcomeKind.DEFERRED),
            ("DATA", "451 4.3.0 busy", OutcomeKind.DEFERRED),
            ("BODY", "554 5.7.1 spam", OutcomeKind.REJECTED),
            ("BODY", "452 4.3.1 disk full", OutcomeKind.DEFERRED),
            ("BODY", "421 4.3.2 closing", OutcomeKind.DEFERRED),
            ("MAIL", None, OutcomeKind.DEFERRED),
            ("BODY", None, OutcomeKind.UNCERTAIN),
            ("BODY", "accept and drop", OutcomeKind.UNCERTAIN),
            ("BODY", "not an SMTP reply", OutcomeKind.UNCERTAIN),
            ("BODY", "²50 kept", OutcomeKind.UNCERTAIN),
            ("BODY", "354 again?", OutcomeKind.UNCERTAIN),
            ("BODY", "999 what", OutcomeKind.UNCERTAIN),
            ("DATA", "250 no", OutcomeKind.DEFERRED),
        ],
    )
    def test_one_copys_fault_leaves_the_next_copy_well(self, verb, answer, kind, pipelining):
        first = [True]

        def script(asked, line):
            if asked == verb and first:
                first.clear()
                return answer
            return ""

        [faulty, good], server = self.outcomes(script, a_copy(1), a_copy(2), pipelining=pipelining)

        assert (faulty.kind, good.kind) == (kind, OutcomeKind.ACCEPTED)
        assert server.accepted[-1] == "reader2@example.org"

    def test_a_copy_that_was_cut_in_the_middle_was_not_sent(self):
        large = Copy(
            "a@journal.example", "b@example.org", "<1@journal.example>", b"Subject: x\r\n\r\n" + b"x\r\n" * 9**7
        )

        [outcome], server = self.outcomes(lambda verb, line: None if verb == "PART" else "", large)

        assert (outcome.kind, server.accepted) == (OutcomeKind.DEFERRED, [])

    def test_a_server_that_stays_silent_after_the_dot_leaves_a_copy_in_doubt(self):
        def script(verb, line):
            if verb == "BODY":
                import time

                time.sleep(1.5)
                return None
            return ""

        [outcome], _ = self.outcomes(script, a_copy(), seconds=0.5)

        assert outcome.kind is OutcomeKind.UNCERTAIN

    def test_a_server_that_stays_silent_before_the_message_defers(self):
        [outcome], _ = self.outcomes(lambda verb, line: "silence" if verb == "RCPT" else "", a_copy(), seconds=0.5)

        assert outcome.kind is OutcomeKind.DEFERRED

    def test_replies_are_kept_without_addresses(self):
        def script(verb, line):
            return "550 <reader1@example.org> unknown" if verb == "RCPT" else ""

        [outcome], _ = self.outcomes(script, a_copy())

        assert (outcome.code, outcome.reply) == (550, "<…> unknown")

    def test_replies_are_kept_without_control_characters_and_other_ways_to_write_an_address(self):
        def script(verb, line):
            return "550 \x1b[2J reader1%40example.org is unknown, reader1" if verb == "RCPT" else ""

        [outcome], _ = self.outcomes(script, a_copy())

        assert outcome.reply == "[2J … is unknown, …"

    def test_a_goodbye_without_end_harms_nothing(self):
        [outcome], _ = self.outcomes(lambda verb, line: "221 " + "x" * 300_000 if verb == "QUIT" else "", a_copy())

        assert outcome.kind is OutcomeKind.ACCEPTED

    @pytest.mark.parametrize("answer", ["421 come back later", "554 no service", None])
    def test_a_server_that_takes_nobody_charges_no_reader(self, answer):
        with pytest.raises(TransportDown, match="cannot be used"):
            self.outcomes(lambda verb, line: answer if verb == "CONNECT" else "", a_copy())

    def test_a_refused_sender_charges_no_reader(self):
        with pytest.raises(TransportDown, match="refuses the sender"):
            self.outcomes(lambda verb, line: "550 5.7.1 not you" if verb == "MAIL" else "", a_copy())

    def test_nobody_listening_charges_no_reader(self):
        with pytest.raises(TransportDown, match="cannot be used"):
            carry(SmtpTransport("127.0.0.1", 9, "none"), a_copy())

    def test_one_connection_carries_many_copies(self):
        _, server = self.outcomes(lambda verb, line: "", *(a_copy(number) for number in range(20)))

        assert (server.connections, len(server.accepted)) == (1, 20)


class TestTlsAndLogin:
    """Encryption that was asked for is never given up in silence."""

    def test_an_untrusted_certificate_is_refused(self, tmp_path):
        context, _ = certificate(tmp_path)
        with smtp_server(starttls=context) as (port, inbox), pytest.raises(TransportDown, match="certificate"):
            carry(SmtpTransport("127.0.0.1", port, "starttls"), a_copy())

        assert inbox.caught == []

    def test_a_certificate_for_another_host_is_refused(self, tmp_path):
        context, ca = certificate(tmp_path, "elsewhere.example")
        with smtp_server(tls=context) as (port, inbox), pytest.raises(TransportDown, match="cannot be used"):
            carry(SmtpTransport("127.0.0.1", port, "tls", ca_file=ca), a_copy())

        assert inbox.caught == []

    def test_a_server_without_starttls_is_refused(self):
        with smtp_server() as (port, inbox), pytest.raises(TransportDown, match="STARTTLS"):
            carry(SmtpTransport("127.0.0.1", port, "starttls"), a_copy())

        assert inbox.caught == []

    def test_a_wrong_password_charges_no_reader_and_is_not_repeated(self, tmp_path):
        context, ca = certificate(tmp_path)
        transport = SmtpTransport("127.0.0.1", 0, "starttls", "press", "hunter2-wrong", ca)
        with smtp_server(starttls=context, password="secret") as (port, _):
            object.__setattr__(transport, "port", port)
            with pytest.raises(TransportDown, match="535") as caught:
                carry(transport, a_copy())

        assert "hunter2" not in str(caught.value) + repr(transport)

    @pytest.mark.parametrize("answers", [{"EHLO": "550 not you"}, {"CONNECT": "554 no service"}])
    def test_a_session_that_does_not_open_leaves_no_socket(self, answers):
        with FaultServer(lambda verb, line: answers.get(verb, "")).running() as server:
            left_open = _sockets_left_by(SmtpTransport("127.0.0.1", server.port, "none"))

        assert left_open == []

    def test_a_refused_login_leaves_no_socket(self, tmp_path):
        context, ca = certificate(tmp_path)
        with smtp_server(starttls=context, password="secret") as (port, _):
            left_open = _sockets_left_by(
                SmtpTransport("127.0.0.1", port, "starttls", "press", "wrong", ca, "localhost")
            )

        assert left_open == []


def _sockets_left_by(transport: SmtpTransport) -> list[str]:
    """What the garbage collector finds open after a session that could not be opened."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ResourceWarning)
        with suppress(TransportDown):  # pytest.raises would keep the error, and with it the socket, alive
            carry(transport, a_copy())
            pytest.fail("the session opened")
        gc.collect()
    return [str(warning.message) for warning in found]


def test_an_address_beyond_ascii_goes_only_to_a_server_that_takes_it():
    copy = a_copy(1, "用户@example.org")
    with smtp_server() as (port, inbox):
        [offered] = carry(SmtpTransport("127.0.0.1", port, "none"), copy)
    with FaultServer(lambda verb, line: "").running() as server:
        [refused] = carry(SmtpTransport("127.0.0.1", server.port, "none"), copy)

    assert (offered.kind, inbox.recipients) == (OutcomeKind.ACCEPTED, ["用户@example.org"])
    assert (refused.kind, server.accepted) == (OutcomeKind.REJECTED, [])
