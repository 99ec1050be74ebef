"""One attempt to hand a mail in by SMTP (RFC 6409), of which it is known whether it could arrive.

The server has the mail once it has read the final dot, whether or not its answer comes through. So
the text goes out by itself, after the server has asked for it: what fails before that has sent
nothing, and what is lost after it is unknown. No error quotes the server, which may quote the mail.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiosmtplib

from daemon.config import Smtp
from daemon.errors import LoginRefused, SendingFailed, SendingRefused, SendingUnknown
from daemon.mailbox.auth.credentials import Credential
from daemon.mailbox.auth.smtp_auth import authenticate_smtp
from daemon.mailbox.connection import tls_context

COMMAND_S = 60
ACCEPTANCE_S = 600
"""How long a server may think about a mail that it has read (RFC 5321, 4.5.3.2.6)."""
GOODBYE_S = 5
_CALLS_ITSELF = "[127.0.0.1]"
"""In EHLO: the machine's name is nobody's business, and may take a look-up."""
_GO_ON, _ACCEPTED = 354, 250
_LOST = (
    aiosmtplib.SMTPServerDisconnected,
    aiosmtplib.SMTPConnectError,
    aiosmtplib.SMTPTimeoutError,
    OSError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who hands in what, for whom.

    `content` is the whole message with CRLF, 7 bit. `utf8`: but for its headers, since an address
    has letters outside ASCII (RFC 6531).
    """

    sender: str
    recipients: tuple[str, ...]
    utf8: bool
    content: bytes


async def submit(account: str, server: Smtp, credential: Credential, envelope: Envelope) -> None:
    """Hand the mail in, for all of its recipients or for none.

    Raises LoginRefused, SendingRefused (the server said no) and SendingFailed (no connection), each
    of which means that nothing was sent, and SendingUnknown.
    """
    client = _client(server)
    try:
        with _nothing_sent(account, server, credential):
            await _log_in(account, server, client, credential)
            await _address(account, client, envelope)
        with _perhaps_sent(account, server):
            await _hand_over(client, envelope.content)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=GOODBYE_S)
    finally:
        client.close()


async def knock(account: str, server: Smtp, credential: Credential) -> None:
    """Log in as `submit` does, and leave with nothing handed in.

    Raises LoginRefused, SendingRefused and SendingFailed.
    """
    client = _client(server)
    try:
        with _nothing_sent(account, server, credential):
            await _log_in(account, server, client, credential)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=GOODBYE_S)
    finally:
        client.close()


def _client(server: Smtp) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=tls_context(server.host),
        local_hostname=_CALLS_ITSELF,
        timeout=COMMAND_S,
    )


async def _log_in(
    account: str, server: Smtp, client: aiosmtplib.SMTP, credential: Credential
) -> None:
    await client.connect()
    if server.security == "starttls":
        await client.ehlo()
        if not client.supports_extension("starttls"):
            raise SendingRefused(account, "the server offers no STARTTLS")
        await client.starttls()
    await authenticate_smtp(client, credential)


async def _address(account: str, client: aiosmtplib.SMTP, envelope: Envelope) -> None:
    """Everything up to the server's word that the text may come."""
    options = [f"SIZE={len(envelope.content)}"] if client.supports_extension("size") else []
    if envelope.utf8:
        if not client.supports_extension("smtputf8"):
            raise SendingRefused(account, "the server takes no addresses beyond ASCII")
        options.append("SMTPUTF8")
    encoding = "utf-8" if envelope.utf8 else "ascii"
    await client.mail(envelope.sender, options=options, encoding=encoding)
    refused = 0
    for recipient in envelope.recipients:
        try:
            await client.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused:
            refused += 1
    if refused:
        raise SendingRefused(account, f"the server refused {refused} of its recipients")
    answer = await client.execute_command(b"DATA")
    if answer.code != _GO_ON:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)


async def _hand_over(client: aiosmtplib.SMTP, content: bytes) -> None:
    """The text and the final dot.

    By the client's protocol object: `client.data` would hide whether the text was asked for.
    """
    protocol = client.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("lost")
    protocol.write(smtplib.quotedata(content.decode()).encode() + b".\r\n")
    answer = await protocol.read_response(timeout=ACCEPTANCE_S)
    if answer.code != _ACCEPTED:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)


@contextmanager
def _nothing_sent(account: str, server: Smtp, credential: Credential) -> Iterator[None]:
    """Failures before the text went out."""
    try:
        yield
    except aiosmtplib.SMTPAuthenticationError as error:
        if error.code < 500:
            raise SendingRefused(account, _answered(error.code)) from error
        raise LoginRefused(account, server.host, credential.mechanism) from error
    except aiosmtplib.SMTPResponseException as error:
        raise SendingRefused(account, _answered(error.code)) from error
    except _LOST as error:
        raise SendingFailed(account, server.host, server.port, _failure(error)) from error
    except aiosmtplib.SMTPException as error:
        raise SendingRefused(account, "the server offers no login that the config has") from error


@contextmanager
def _perhaps_sent(account: str, server: Smtp) -> Iterator[None]:
    """Failures from the first byte of the text on."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        if 400 <= error.code < 600:
            raise SendingRefused(account, _answered(error.code)) from error
        raise SendingUnknown(account, server.host) from error
    except _LOST as error:
        raise SendingUnknown(account, server.host) from error


def _answered(code: int) -> str:
    if 400 <= code < 500:
        return f"the server cannot take it now ({code}), so send it again in some minutes"
    if code < 0:
        return "the server does not speak SMTP"
    return "it is too big for the server (552)" if code == 552 else f"the server answered {code}"


def _failure(error: BaseException) -> str:
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    known: tuple[tuple[type[BaseException], str], ...] = (
        (ssl.SSLCertVerificationError, "its certificate cannot be verified"),
        (ssl.SSLError, "no TLS connection"),
        (TimeoutError, "no answer in time"),
    )
    said = (words for kind, words in known if any(isinstance(each, kind) for each in causes))
    return next(said, "the connection failed")
