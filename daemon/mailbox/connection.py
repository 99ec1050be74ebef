"""One IMAP connection: opened, logged in, watched, and dropped at its first failure.

Time-outs of a socket hold for each read, and a server that drips never trips them; so every command
has a deadline by the clock, at which the connection is shut down under it. After any failure of the
connection it is dead and is never used again. No error of ours quotes the server.

imapclient's inner object is the standard library's. Its debug level is put to 0, for it costs half
the time of a sync, and its socket is made here, so that it can be watched from before the TLS
handshake on.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, LoginError

from daemon.config import LOOPBACK, Imap
from daemon.errors import LoginRefused, ServerBusy, ServerUnreachable
from daemon.mailbox.auth.credentials import Credential

CONNECT_S = 30
"""For the connection, TLS, the greeting and the login, each."""
READ_S = 60
"""Silence of the server after which the connection is given up."""
COMMAND_S = 300
"""For one command, however busily the server drips."""
GOODBYE_S = 5

BUSY = re.compile(
    r"throttl|overquota|too many|simultaneous|backoff|try again|unavailable|\[(?:inuse|limit)\]"
    r"|authenticated but not connected|session expired|temporar",
    re.IGNORECASE,
)
_DELAY_MS = re.compile(r"backoff time: (\d{1,12})", re.IGNORECASE)
_LONG = re.compile(r"overquota|bandwidth", re.IGNORECASE)
_DELAY_S, _LONG_DELAY_S, _LONGEST_DELAY_S = 60.0, 900.0, 3600.0
_UNREADABLE = (ValueError, TypeError, IndexError, KeyError, RecursionError)


class Watchdog:
    """Shuts a socket down when a deadline passes; one deadline at a time."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.expired = False

    def watch(self, watched: socket.socket) -> None:
        """Take a second handle of the connection; the first may be wrapped for TLS later."""
        self.close()
        self._socket = watched.dup()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Shut the socket down if the block takes longer."""
        timer = threading.Timer(seconds, self._bark)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let go of the handle."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _bark(self) -> None:
        self.expired = True
        self.bite()

    def bite(self) -> None:
        """Shut the socket down, whoever waits on it."""
        watched = self._socket
        if watched is not None:
            with contextlib.suppress(OSError):
                watched.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class _Dial:
    """What a protocol object needs to make its socket."""

    server: Imap
    watchdog: Watchdog

    def dial(self) -> socket.socket:
        """A connected socket, within TLS where the config says so from the start."""
        plain = socket.create_connection((self.server.host, self.server.port), CONNECT_S)
        self.watchdog.watch(plain)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.security != "tls":
            return plain
        try:
            return tls_context(self.server.host).wrap_socket(
                plain, server_hostname=self.server.host
            )
        except BaseException:
            plain.close()
            raise


class _Protocol(imaplib.IMAP4):
    """imaplib's protocol over a socket of ours."""

    def __init__(self, dial: _Dial) -> None:
        self._dial = dial
        self._greeted = False
        super().__init__(dial.server.host, dial.server.port)

    def capability(self) -> tuple[str, list[Any]]:
        """As the greeting told them; asked where it did not, and always after STARTTLS."""
        _, told = self.response("CAPABILITY")
        first, self._greeted = not self._greeted, True
        return ("OK", told) if first and told != [None] else super().capability()

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002  # its own
        return self._dial.dial()


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient's client over that protocol."""

    def __init__(self, dial: _Dial) -> None:
        self._dial = dial
        super().__init__(dial.server.host, dial.server.port, ssl=dial.server.security == "tls")
        self._imap.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  # imapclient's name
        return _Protocol(self._dial)


class Link:
    """A connection that is logged in, made by `open_link`. Blocking; for one thread at a time."""

    def __init__(self, account: str, server: Imap, client: IMAPClient, watchdog: Watchdog) -> None:
        self.account = account
        self.server = server
        self._client = client
        self._watchdog = watchdog
        self._broken = False

    @contextmanager
    def command(self, seconds: float = COMMAND_S) -> Iterator[IMAPClient]:
        """The client, for commands that take at most so long together.

        Raises ServerBusy, LoginRefused and ServerUnreachable for what the server or the network
        does within the block; ServerUnreachable also for an answer that cannot be read.
        """
        try:
            with (
                _translated(self.account, self.server, self._watchdog),
                self._watchdog.deadline(seconds),
            ):
                yield self._client
        except ServerUnreachable as error:
            self._broken = self._broken or error.lost
            raise

    @property
    def protocol(self) -> Any:
        """The standard library's object, for what imapclient cannot do; in `command` blocks."""
        return self._client._imap  # noqa: SLF001

    def has(self, capability: str) -> bool:
        """Whether the server offers an extension. Asked of what the login told; sends nothing."""
        return bool(self._client.has_capability(capability))

    def expires(self) -> datetime | None:
        """When the server's certificate ends; None where there is none, or none is verified."""
        return _expires(self._client.socket())

    def abort(self) -> None:
        """Shut the connection down under the command that is running; from any thread."""
        self._broken = True
        self._watchdog.bite()

    def close(self) -> None:
        """Log out, or drop the connection if it is broken or does not say goodbye."""
        _disconnect(self._client, self._watchdog, politely=not self._broken)


def open_link(account: str, server: Imap, credential: Credential) -> Link:
    """Connect and log in; raises LoginRefused, ServerBusy and ServerUnreachable."""
    watchdog = Watchdog()
    with _translated(account, server, watchdog):
        client = _connect(server, watchdog)
        try:
            with watchdog.deadline(CONNECT_S):
                _login(client, account, server, credential)
        except BaseException:
            _disconnect(client, watchdog, politely=False)
            raise
    return Link(account, server, client, watchdog)


def meet(account: str, server: Imap) -> datetime | None:
    """Connect, with TLS as the config says, and leave; when the server's certificate ends.

    Raises ServerBusy and ServerUnreachable.
    """
    watchdog = Watchdog()
    with _translated(account, server, watchdog):
        client = _connect(server, watchdog)
        try:
            return _expires(client.socket())
        finally:
            _disconnect(client, watchdog, politely=True)


def _expires(link: socket.socket) -> datetime | None:
    told = link.getpeercert() if isinstance(link, ssl.SSLSocket) else None
    ends = (told or {}).get("notAfter")
    if not isinstance(ends, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)


def tls_context(host: str) -> ssl.SSLContext:
    """Certificates are verified; only on this machine (a bridge, a test) may they be home-made."""
    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _connect(server: Imap, watchdog: Watchdog) -> IMAPClient:
    try:
        with watchdog.deadline(CONNECT_S):
            client = _Client(_Dial(server, watchdog))
    except BaseException:
        watchdog.close()
        raise
    try:
        client.socket().settimeout(READ_S)
        if server.security == "starttls":
            with watchdog.deadline(CONNECT_S):
                client.starttls(tls_context(server.host))
    except BaseException:
        _disconnect(client, watchdog, politely=False)
        raise
    return client


def _login(client: IMAPClient, account: str, server: Imap, credential: Credential) -> None:
    """Authenticate by the credential's mechanism, and take the capabilities that hold after it.

    Taken now: later they would be asked for in the middle of other commands.
    """
    try:
        if credential.mechanism == "xoauth2":
            client.oauth2_login(credential.user, credential.secret)
        elif credential.mechanism == "oauthbearer":
            client.oauthbearer_login(credential.user, credential.secret)
        else:
            client.login(credential.user, credential.secret)
    except LoginError as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):  # no refusal: the connection broke
            raise error.__context__ from None
        if BUSY.search(str(error)):
            raise
        raise LoginRefused(account, server.host, credential.mechanism) from error
    client.capabilities()


def _disconnect(client: IMAPClient, watchdog: Watchdog, *, politely: bool) -> None:
    try:
        with contextlib.suppress(OSError, imaplib.IMAP4.error), watchdog.deadline(GOODBYE_S):
            if politely:
                client.logout()
                return
        with contextlib.suppress(OSError):
            client.shutdown()
    finally:
        watchdog.close()


@contextmanager
def _translated(account: str, server: Imap, watchdog: Watchdog) -> Iterator[None]:
    """Failures as errors of ours, without a word of the server's."""
    try:
        yield
    except (OSError, imaplib.IMAP4.error) as error:
        raise _failure(account, server, error, expired=watchdog.expired) from error
    except _UNREADABLE as error:
        what = "its answer cannot be read"
        raise ServerUnreachable(account, server.host, server.port, what) from error


def _failure(
    account: str, server: Imap, error: Exception, *, expired: bool
) -> ServerBusy | ServerUnreachable:
    if not expired and isinstance(error, imaplib.IMAP4.error) and BUSY.search(str(error)):
        return ServerBusy(account, server.host, busy_delay(str(error)))
    lost = isinstance(error, OSError | imaplib.IMAP4.abort) or expired
    reason = "no answer in time" if expired else _reason(error)
    return ServerUnreachable(account, server.host, server.port, reason, lost=lost)


def busy_delay(text: str) -> float:
    """Seconds to wait after such an answer: what it says (Microsoft tells ms), within an hour."""
    told = _DELAY_MS.search(text)
    if told:
        return min(float(told[1]) / 1000, _LONGEST_DELAY_S)
    return _LONG_DELAY_S if _LONG.search(text) else _DELAY_S


def _reason(error: Exception) -> str:
    known: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLCertVerificationError, "its certificate cannot be verified"),
        (ssl.SSLError, "no TLS connection"),
        (socket.gaierror, "its name is not known"),
        (ConnectionRefusedError, "the connection was refused"),
        (TimeoutError, "no answer in time"),
        (OSError, "the connection was lost"),
        (imaplib.IMAP4.abort, "the connection was lost"),
        (CapabilityError, "it cannot do what the config asks"),
    )
    said = (words for kind, words in known if isinstance(error, kind))
    return next(said, "the server refused a command")
