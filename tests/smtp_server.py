"""A real SMTP server in the test's own loop, which can be told to refuse, and to drop the link."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

DropAt = Literal["greeting", "MAIL", "RCPT", "DATA", "dot"]


@dataclass(slots=True, kw_only=True)
class SmtpServer:
    """What it was given, and what it says to it.

    `drop_at`: where it cuts the connection, once; `dot` is after it has the whole mail, before its
    answer. `on_mail` is called with each mail before the answer, in the loop.
    """

    port: int = 0
    refused: frozenset[str] = frozenset()
    verdict: str = "250 queued"
    to_sender: str = "250 OK"
    drop_at: DropAt | None = None
    password: bytes = b"secret"
    token: bytes = b""
    on_mail: Callable[[bytes], object] = lambda _: None
    received: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0
    encrypted: list[bool] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    @property
    def contents(self) -> list[bytes]:
        """The mails that it has."""
        return [bytes(mail.content) for mail in self.received if isinstance(mail.content, bytes)]

    async def handle_MAIL(self, *given: Any) -> str:  # noqa: N802  # aiosmtpd's name for it
        server, _, envelope, address, options = given
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.named.append(server.session.host_name)
        if self.drops("MAIL", server):
            return ""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.to_sender

    async def handle_RCPT(self, *given: Any) -> str:  # noqa: N802
        server, _, envelope, address = given[:4]
        if self.drops("RCPT", server):
            return ""
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802
        server, _, envelope = given
        if self.verdict.startswith("250"):
            self.received.append(envelope)
            await asyncio.to_thread(self.on_mail, envelope.content)
        if self.drops("dot", server):
            return ""
        return self.verdict

    def authenticate(self, *given: Any) -> AuthResult:
        login: LoginPassword = given[4]
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == self.password, handled=False)

    async def auth_XOAUTH2(self, _: SMTP, words: list[str]) -> AuthResult:  # noqa: N802
        user, token = b64decode(words[1]).rstrip(b"\x01").split(b"\x01auth=Bearer ")
        self.logins.append((user.removeprefix(b"user="), token))
        return AuthResult(success=token == self.token, handled=False)

    def drops(self, step: DropAt, server: SMTP) -> bool:
        """Cut the connection if this is the step."""
        if self.drop_at != step:
            return False
        self.drop_at = None
        server.transport.abort()
        return True


class _Protocol(SMTP):  # type: ignore[misc]  # aiosmtpd is not typed here
    """Counts connections, cuts them where asked, and says nothing to one that is cut."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.session:
            self.event_handler.connections += 1
        super().connection_made(transport)
        self.event_handler.drops("greeting", self)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if not self.event_handler.drops("DATA", self):
            await super().smtp_DATA(arg)

    async def push(self, status: str | bytes) -> None:
        if not self.transport.is_closing():
            await super().push(status)


@asynccontextmanager
async def running_smtp(
    *,
    context: ssl.SSLContext | None = None,
    starttls: bool = False,
    utf8: bool = False,
    size: int | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[SmtpServer]:
    """A server on a free port; with a context TLS from the start, or by STARTTLS."""
    state = SmtpServer()
    listener = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(
            state,
            hostname="mail.example",
            authenticator=state.authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=utf8,
            data_size_limit=size,
            tls_context=context if starttls else None,
        ),
        host,
        0,
        ssl=None if starttls else context,
    )
    async with listener:
        state.port = listener.sockets[0].getsockname()[1]
        yield state
