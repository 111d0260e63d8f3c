"""SMTP (RFC 5321) to one server, pipelined where it offers that (RFC 2920).

aiosmtplib opens the session: EHLO, STARTTLS, AUTH. The message loop is ours, on its connection, because the answer
matters exactly: what was lost before the final dot was not sent; what was lost after it is uncertain.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import aiosmtplib

from publisher.clean.text import one_line
from publisher.errors import TransportDown
from publisher.model.delivery import Copy, Outcome, OutcomeKind

_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
_UNSAFE = re.compile(r"[\s<>\x00-\x1f\x7f]")
_REPLY = re.compile(r"[2-5][0-9]{2}([ -]|$)")  # RFC 5321 §4.2
_LONGEST_REPLY = 300
_LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """`security` is `starttls` (required, verified), `tls` (from the first byte) or `none`; `seconds` is per phase."""

    host: str
    port: int = 0
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    hello: str = ""
    connections: int = 4
    seconds: float = 60
    name: str = "smtp"

    async def connect(self) -> "SmtpCarrier":
        return SmtpCarrier(self)


class SmtpCarrier:
    """One connection, opened for the first copy and again after a loss."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._session: _Session | None = None

    async def carry(self, copy: Copy) -> Outcome:
        if _UNSAFE.search(copy.sender + copy.recipient):
            raise ValueError("an envelope address holds a character that SMTP cannot carry")
        session = self._session or await _open(self._transport)
        self._session = session
        try:
            return _without_the_reader(await session.send(copy), copy.recipient)
        except _LOST as error:
            session.broken = True
            reason = _why(error)
            if session.dot_sent:
                return Outcome(OutcomeKind.UNCERTAIN, None, f"lost after the final dot: {reason}")
            return Outcome(OutcomeKind.DEFERRED, None, f"lost before the final dot: {reason}")
        finally:
            if session.broken:
                self._session = None
                session.abort()

    async def close(self) -> None:
        if self._session:
            await self._session.quit()
            self._session = None


def _without_the_reader(outcome: Outcome, recipient: str) -> Outcome:
    """Servers name the reader in their answers, in more ways than one; a ledger that is shown must not."""
    local = re.escape(recipient.rpartition("@")[0])
    named = re.compile(rf"{re.escape(recipient)}|\b{local}\b(%40\S+)?", re.IGNORECASE)
    return replace(outcome, reply=named.sub("…", outcome.reply))


class _Garbled(Exception):
    """The server said something that is no SMTP reply."""


_LOST = (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, _Garbled)


@dataclass(frozen=True, slots=True)
class _Reply:
    code: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300

    def outcome(self) -> Outcome:
        kind = OutcomeKind.REJECTED if self.code >= 500 else OutcomeKind.DEFERRED
        return Outcome(kind, self.code, self.text)


@lru_cache(maxsize=8)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Verify the server's certificate and name; loading the authorities takes 45 ms, so once for all connections."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


class _Client(aiosmtplib.SMTP):
    def close(self) -> None:
        # A polite end of TLS keeps the socket until the server answers it, and a refused login may end our loop first.
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


async def _open(transport: SmtpTransport) -> "_Session":
    """Open a session; TransportDown says what the server or the network refused."""
    where = f"{transport.host}:{transport.port or 'default port'}"
    try:
        client = _Client(
            hostname=transport.host,
            port=transport.port or None,
            use_tls=transport.security == "tls",
            start_tls=transport.security == "starttls",
            username=transport.username or None,
            password=transport.password or None,
            local_hostname=transport.hello or None,
            tls_context=None if transport.security == "none" else _trust(transport.ca_file),
            timeout=transport.seconds,
        )
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await _greet(client)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise TransportDown(f"the mail server {where} cannot be used: {_why(error)}.") from None
    return _Session(client, transport.seconds)


async def _greet(client: _Client) -> None:
    try:
        await client.ehlo()
    except BaseException:
        client.close()
        raise


def _why(error: BaseException) -> str:
    text = _ADDRESS.sub("…", one_line(str(error)) or type(error).__name__)
    return text[:_LONGEST_REPLY].rstrip(".")


class _Session:
    """The message loop on a connection that aiosmtplib has opened."""

    def __init__(self, client: aiosmtplib.SMTP, seconds: float) -> None:
        transport = client.transport
        if not isinstance(transport, asyncio.WriteTransport):
            raise TransportDown("the connection was lost as it opened.")
        self._client, self._seconds = client, seconds
        self._pipelining = client.supports_extension("pipelining")
        self._unicode = client.supports_extension("smtputf8")
        self._reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(self._reader)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        self._writer = asyncio.StreamWriter(transport, protocol, self._reader, asyncio.get_running_loop())
        self.broken = False
        self.dot_sent = False

    async def send(self, copy: Copy) -> Outcome:
        """One transaction with one recipient; `dot_sent` tells how far it came if this raises."""
        self.dot_sent = False
        ascii_only = copy.recipient.isascii() and copy.sender.isascii()
        if not ascii_only and not self._unicode:
            return Outcome(OutcomeKind.REJECTED, None, "the server does not take addresses beyond ASCII (SMTPUTF8)")
        parameters = "" if ascii_only else " SMTPUTF8"
        commands = [f"MAIL FROM:<{copy.sender}>{parameters}", f"RCPT TO:<{copy.recipient}>", "DATA"]
        mail, recipient, data = await self._transaction(commands)
        if recipient.ok and data.code == 354:
            return await self._body(copy.message)
        if data.code == 354:
            await self._command(".")  # RFC 2920 §3.1: DATA was taken though no recipient was
        if not (recipient.code == 421 or data.code == 421 or mail.code == 421):
            await self._command("RSET")
        else:
            self.broken = True
        if not mail.ok and mail.code >= 500 and ascii_only:
            self.broken = True
            raise TransportDown(f"the mail server refuses the sender ({mail.code} {mail.text}).")
        refusals = [reply for reply in (mail, recipient, data) if reply.code >= 400]
        if not refusals:
            raise _Garbled(f'the server answered DATA with "{data.code}"')
        return refusals[0].outcome()

    async def _transaction(self, commands: list[str]) -> tuple[_Reply, _Reply, _Reply]:
        if self._pipelining:
            await self._write("".join(f"{command}\r\n" for command in commands).encode())
            return await self._reply(), await self._reply(), await self._reply()
        replies = []
        for command in commands:
            replies.append(await self._command(command))
            if not (replies[-1].ok or replies[-1].code == 354):
                break
        replies += [replies[-1]] * (3 - len(replies))
        return replies[0], replies[1], replies[2]

    async def _body(self, message: bytes) -> Outcome:
        # Plates hold no line that begins with a dot; whatever else is carried is stuffed here (RFC 5321 §4.5.2).
        if b"\r\n." in message or message.startswith(b"."):
            message = re.sub(rb"(\A|\r\n)\.", rb"\1..", message)
        await self._write(message)
        self.dot_sent = True
        await self._write(b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
        reply = await self._reply()
        if not (reply.ok or reply.code >= 400):
            raise _Garbled(f'the server answered the message with "{reply.code}"')
        self.broken = reply.code == 421
        return Outcome(OutcomeKind.ACCEPTED, reply.code, reply.text) if reply.ok else reply.outcome()

    async def _command(self, command: str) -> _Reply:
        await self._write(f"{command}\r\n".encode())
        return await self._reply()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(self._seconds):
            await self._writer.drain()

    async def _reply(self) -> _Reply:
        """One reply, all its lines (RFC 5321 §4.2.1)."""
        texts: list[str] = []
        async with asyncio.timeout(self._seconds):
            while True:
                line = (await self._reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\r\n")
                if not _REPLY.match(line) or len(texts) > 100:
                    raise _Garbled(f'the server said "{line[:60]}"')
                texts.append(line[4:])
                if line[3:4] != "-":
                    text = _ADDRESS.sub("…", one_line(" ".join(texts)))[:_LONGEST_REPLY]
                    return _Reply(int(line[:3]), text)

    async def quit(self) -> None:
        try:
            await self._command("QUIT")
        except _LOST:
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        self._writer.transport.abort()
        self._client.close()
