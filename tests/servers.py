"""Real SMTP servers for tests: aiosmtpd on 127.0.0.1, and one that fails exactly where it is told to."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Inbox:
    """What a server accepted: (recipient, message), and the envelope sender of each message."""

    caught: list[tuple[str, bytes]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    sessions: int = 0

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.caught]

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.senders.append(envelope.mail_from)
        self.caught.extend((recipient, envelope.content) for recipient in envelope.rcpt_tos)
        return "250 2.0.0 kept"


@contextmanager
def smtp_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, password: str = "", handler=None
) -> Iterator[tuple[int, Inbox]]:
    """An aiosmtpd on a free port: plain, TLS from the first byte, or STARTTLS; with AUTH if there is a password."""
    inbox = handler or Inbox()

    def authenticate(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"press", password.encode())
        return AuthResult(success=good, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            inbox,
            hostname="127.0.0.1",
            enable_SMTPUTF8=True,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=authenticate if password else None,
            auth_required=bool(password),
            auth_require_tls=bool(starttls),
        )

    async def start() -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)

    with _listening(start) as port:
        yield port, inbox


@contextmanager
def _listening(start: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[int]:
    """Run a server on a loop of its own in a thread; yield its port, and leave nothing behind."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(start())
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server context with a certificate of its own, and the file by which a client may trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    alternative = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{host}.pem", folder / f"{host}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


@dataclass
class FaultServer:
    """Answers as its script says: a reply, or None to drop the connection there. Records what it accepted.

    The script is called with the verb (`CONNECT`, `MAIL`, `RCPT`, `DATA`, `BODY` after the final dot, …) and the
    command line; what it does not decide goes well. `PART` is asked in the middle of a message.
    """

    script: Callable[[str, str], str | None]
    pipelining: bool = True
    accepted: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["FaultServer"]:
        with _listening(lambda: asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)) as self.port:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, _Dropped):
            pass
        finally:
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "CONNECT", "", "220 faulty")
        sender, recipients = False, list[str]()
        while True:
            line = (await reader.readuntil(b"\r\n")).decode().rstrip()
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                extra = "250-PIPELINING\r\n" if self.pipelining else ""
                await self._say(writer, verb, line, f"250-faulty\r\n{extra}250 8BITMIME")
            elif verb == "MAIL":
                sender = (await self._say(writer, verb, line, "250 ok")).startswith("250")
            elif verb == "RCPT" and not sender:
                await self._say(writer, "", line, "503 MAIL first")
            elif verb == "RCPT":
                answer = await self._say(writer, verb, line, "250 ok")
                if answer.startswith("250"):
                    recipients.append(line.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                if not recipients:
                    await self._say(writer, verb, line, "554 no valid recipients")
                    continue
                if not (await self._say(writer, verb, line, "354 go")).startswith("354"):
                    continue
                await self._message(reader, writer, recipients)
                sender, recipients = False, []
            elif verb == "RSET":
                sender, recipients = False, []
                await self._say(writer, verb, line, "250 ok")
            elif verb == "QUIT":
                await self._say(writer, verb, line, "221 bye")
                return
            else:
                await self._say(writer, verb, line, "250 ok")

    async def _message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipients: list[str]) -> None:
        if self.script("PART", "") is None:
            await reader.read(100)
            raise _Dropped
        body = b""
        while not body.endswith(b"\r\n.\r\n"):
            body += await reader.readuntil(b".\r\n")
        answer = self.script("BODY", recipients[-1])
        if answer is None:
            raise _Dropped
        answer = answer or "250 kept"
        if answer.startswith("250") or answer == "accept and drop":
            self.accepted += recipients
            self.bodies.append(body)
        if answer == "accept and drop":
            raise _Dropped
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()

    async def _say(self, writer: asyncio.StreamWriter, verb: str, line: str, usual: str) -> str:
        answer = self.script(verb, line)
        if answer is None:
            raise _Dropped
        answer = answer or usual
        if answer != "silence":
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        return answer


class _Dropped(Exception):
    """The server hangs up here."""
