"""The only IMAP I/O. Blocking; `sync` calls it from a thread.

The mailbox is never changed: folders are opened with EXAMINE, bodies fetched with PEEK. After any
failure of the connection it is dropped and never used again. Only what is needed of imapclient's
inner object is touched, and here alone: its debug level, which costs half the time of a sync, and
its socket, for keep-alive.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from daemon.config import Imap
from daemon.errors import FolderUnstable, LoginRefused, ServerBusy, ServerUnreachable
from daemon.mailbox import parse
from daemon.mailbox.parse import Parsed, TextPart
from daemon.mailbox.plan import MAX_PART_BYTES, Folder, Section, Structure, read_structure
from daemon.records import Quarantined

CONNECT_S, READ_S = 20, 60
_META = ("INTERNALDATE", "BODYSTRUCTURE", "BODY.PEEK[HEADER]")
_HEADER = b"BODY[HEADER]"
_WHOLE = b"BODY[]"
_UNREADABLE = (IMAPClientError, imaplib.IMAP4.error, ValueError, TypeError, IndexError, KeyError)
_BUSY = re.compile(r"throttl|overquota|too many|backoff|try again|unavailable", re.IGNORECASE)
_DELAY_MS = re.compile(r"backoff time: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """An opened folder."""

    uidvalidity: int
    uidnext: int
    exists: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a batch brought: messages by UID, and those that cannot be read."""

    messages: tuple[tuple[int, Parsed], ...]
    quarantined: tuple[Quarantined, ...]


class Mailbox:
    """One connection, made by `connect`. Every method raises ServerBusy and ServerUnreachable."""

    def __init__(self, account: str, server: Imap, client: IMAPClient) -> None:
        self.account = account
        self._client = client
        self._translated = partial(_translated, account, server)

    def close(self) -> None:
        """Log out, or drop the connection if that fails."""
        _disconnect(self._client)

    def folders(self) -> list[Folder]:
        """All folders."""
        with self._translated():
            listed = self._client.list_folders()
        return [
            Folder(
                name=name if isinstance(name, str) else name.decode("utf-8", "replace"),
                flags=tuple(flag.decode("ascii", "replace") for flag in flags),
                delimiter=delimiter.decode("ascii") if delimiter else None,
            )
            for flags, delimiter, name in listed
        ]

    def examine(self, folder: str) -> Selected:
        """Open a folder read-only. Raises FolderUnstable without a UIDVALIDITY."""
        with self._translated():
            found = self._client.select_folder(folder, readonly=True)
        uidvalidity = int(found.get(b"UIDVALIDITY", 0))
        if uidvalidity <= 0:
            raise FolderUnstable(self.account)
        return Selected(
            uidvalidity=uidvalidity,
            uidnext=int(found.get(b"UIDNEXT", 0)),
            exists=int(found.get(b"EXISTS", 0)),
        )

    def uids_after(self, uid: int) -> list[int]:
        """UIDs from `uid` + 1 on; by the protocol, the folder's last one too."""
        with self._translated():
            return [int(found) for found in self._client.search(["UID", f"{uid + 1}:*"])]

    def fetch(self, uids: Sequence[int]) -> Fetched:
        """Header, structure and text parts of these messages; attachments stay where they are.

        A batch that cannot be read is halved until the one message is found; that one is fetched
        whole, and set aside if even that fails. Messages that are gone meanwhile are left out.
        """
        with self._translated():
            return self._fetch(uids)

    def _fetch(self, uids: Sequence[int]) -> Fetched:
        try:
            return self._fetch_parts(uids)
        except imaplib.IMAP4.abort:
            raise
        except _UNREADABLE:
            if len(uids) == 1:
                return self._fetch_whole(uids[0])
        half = len(uids) // 2
        first, second = self._fetch(uids[:half]), self._fetch(uids[half:])
        return Fetched(
            messages=first.messages + second.messages,
            quarantined=first.quarantined + second.quarantined,
        )

    def append(self, folder: str, message: bytes, flags: Sequence[bytes]) -> None:
        """APPEND a message."""
        with self._translated():
            self._client.append(folder, message, flags)

    def holds(self, folder: str, message_id: str) -> bool:
        """Whether a folder holds a message of that Message-ID."""
        with self._translated():
            self._client.select_folder(folder, readonly=True)
            return bool(self._client.search(["HEADER", "Message-ID", message_id]))

    def _fetch_parts(self, uids: Sequence[int]) -> Fetched:
        meta = self._client.fetch(list(uids), _META)
        structures = {uid: read_structure(row[b"BODYSTRUCTURE"]) for uid, row in meta.items()}
        bodies = self._fetch_sections(structures)
        messages = [
            (uid, _parsed(meta[uid], structures[uid], bodies.get(uid, {}))) for uid in sorted(meta)
        ]
        return Fetched(messages=tuple(messages), quarantined=())

    def _fetch_sections(self, structures: dict[int, Structure]) -> dict[int, dict[str, bytes]]:
        """Text parts, one command for each section number that occurs."""
        wanted: dict[str, list[int]] = {}
        for uid, structure in structures.items():
            for section in structure.sections:
                wanted.setdefault(section.number, []).append(uid)
        bodies: dict[int, dict[str, bytes]] = {}
        for number, uids in wanted.items():
            item = f"BODY.PEEK[{number}]<0.{MAX_PART_BYTES}>"
            for uid, row in self._client.fetch(uids, [item]).items():
                key = next((k for k in row if k.startswith(f"BODY[{number}]".encode())), None)
                if key is not None:
                    bodies.setdefault(uid, {})[number] = row[key] or b""
        return bodies

    def _fetch_whole(self, uid: int) -> Fetched:
        try:
            row = self._client.fetch([uid], ["INTERNALDATE", "BODY.PEEK[]"]).get(uid)
            if row is None:
                return Fetched(messages=(), quarantined=())
            parsed = parse.parse(row[_WHOLE], _received(row))
        except imaplib.IMAP4.abort:
            raise
        except _UNREADABLE as error:
            reason = f"the server's answer cannot be read ({type(error).__name__})"
            return Fetched(messages=(), quarantined=(Quarantined(uid=uid, reason=reason),))
        return Fetched(messages=((uid, parsed),), quarantined=())


def connect(account: str, server: Imap, password: str) -> Mailbox:
    """A mailbox that is logged in; raises LoginRefused, ServerBusy and ServerUnreachable."""
    with _translated(account, server):
        client = _connect(server)
        try:
            _login(client, account, server, password)
        except BaseException:
            _disconnect(client)
            raise
        return Mailbox(account, server, client)


@contextmanager
def _translated(account: str, server: Imap) -> Iterator[None]:
    """Failures of the connection as errors of ours; they never quote the server."""
    try:
        yield
    except (OSError, imaplib.IMAP4.abort) as error:
        raise ServerUnreachable(account, server.host, server.port, _failure(error)) from error
    except imaplib.IMAP4.error as error:
        raise _refusal(account, server, error) from error


def _connect(server: Imap) -> IMAPClient:
    timeout = SocketTimeout(connect=CONNECT_S, read=READ_S)
    client = IMAPClient(
        server.host, server.port, ssl=server.security == "tls", timeout=timeout, use_uid=True
    )
    client._imap.debug = 0  # noqa: SLF001  # imapclient forces 5, which doubles a sync's time
    sock = client.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if server.security == "starttls":
        client.starttls(ssl.create_default_context())
    return client


def _login(client: IMAPClient, account: str, server: Imap, password: str) -> None:
    try:
        client.login(server.user, password)
    except LoginError as error:
        if _BUSY.search(str(error)):
            raise
        raise LoginRefused(account, server.host) from error
    client.capabilities()  # asked now: later it would be asked in the middle of other commands


def _disconnect(client: IMAPClient) -> None:
    try:
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        try:
            client.shutdown()
        except OSError:
            return


def _refusal(account: str, server: Imap, error: Exception) -> ServerBusy | ServerUnreachable:
    text = str(error)
    if _BUSY.search(text):
        delay = _DELAY_MS.search(text)
        return ServerBusy(account, server.host, float(delay[1]) / 1000 if delay else 60.0)
    return ServerUnreachable(account, server.host, server.port, "the server refused a command")


def _failure(error: Exception) -> str:
    known: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLCertVerificationError, "its certificate cannot be verified"),
        (ssl.SSLError, "no TLS connection"),
        (socket.gaierror, "its name is not known"),
        (ConnectionRefusedError, "the connection was refused"),
        (TimeoutError, "no answer in time"),
    )
    said = (words for kind, words in known if isinstance(error, kind))
    return next(said, "the connection was lost")


def _parsed(row: dict[bytes, Any], structure: Structure, bodies: dict[str, bytes]) -> Parsed:
    parts = [_part(section, bodies.get(section.number, b"")) for section in structure.sections]
    return parse.parse_parts(row[_HEADER], parts, list(structure.types), _received(row))


def _part(section: Section, payload: bytes) -> TextPart:
    return TextPart(
        subtype=section.subtype,
        encoding=section.encoding,
        charset=section.charset,
        flowed=section.flowed,
        payload=payload,
    )


def _received(row: dict[bytes, Any]) -> datetime:
    date = row.get(b"INTERNALDATE")
    if not isinstance(date, datetime):
        return datetime.now(UTC)
    return date.astimezone(UTC)
