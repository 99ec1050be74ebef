"""The wait for news of an open folder: IDLE (RFC 2177) over imapclient's connection.

imapclient's own wait loses lines that came in one piece with the server's "+", takes half a line
for a whole one, and spins on a connection that has ended; so this one reads the protocol itself.
Only whole lines are read, and only when some of them is there. Here, and nowhere else, imapclient's
inner object is used, which is the standard library's: up to Python 3.13 it buffers what it read in
`file`, from 3.14 on in `_readbuf`.
"""

# ruff: noqa: SLF001  # see above
from __future__ import annotations

import imaplib
import re
import select
import socket
import ssl
import time
from typing import Any

from imapclient import IMAPClient

ANSWER_S = 30.0
"""How long the server may take to go into IDLE, to finish a line, and to come out again."""
_CHUNK = 8192
_NEWS = re.compile(rb"\* +(?:\d+ +(?:EXISTS|EXPUNGE)|VANISHED)\b")
_BYE = re.compile(rb"\* +BYE\b")


def wait(client: IMAPClient, seconds: float, wake: socket.socket) -> bool:
    """Wait until messages came or went, for at most so long, or until `wake` can be read.

    Whether any did. A folder must be open. The connection can be used for other commands before and
    after, unless this raises: OSError and imaplib's errors, as other commands do, also where the
    server refuses IDLE, ends it by itself, or does not answer in ANSWER_S.
    """
    imap = client._imap
    tag = imap._command("IDLE")
    changed = _until_ready(client, tag) or _until_news(client, tag, seconds, wake)
    imap.send(b"DONE\r\n")
    changed = _until_answered(client, tag) or changed
    imap.untagged_responses.clear()  # EXISTS after EXISTS would pile up there
    return changed


def _until_ready(client: IMAPClient, tag: bytes) -> bool:
    """Read until the "+"; whether there was news before it."""
    changed, until = False, time.monotonic() + ANSWER_S
    while (line := _read(client, until)) is not None:
        _check_idling(client, tag)
        changed = _is_news(line) or changed
    return changed


def _until_news(client: IMAPClient, tag: bytes, seconds: float, wake: socket.socket) -> bool:
    until = time.monotonic() + seconds
    poller = select.poll()
    for watched in (client.socket(), wake):
        poller.register(watched.fileno(), select.POLLIN)
    while (left := until - time.monotonic()) > 0:
        if not _buffered(client):
            ready = [descriptor for descriptor, _ in poller.poll(left * 1000)]
            if not ready or wake.fileno() in ready:
                return False
            if _buffered(client) is None:  # a record of TLS's own
                continue
        line = _read(client, time.monotonic() + ANSWER_S)
        _check_idling(client, tag)
        if _is_news(line):
            return True
    return False


def _until_answered(client: IMAPClient, tag: bytes) -> bool:
    """Read until the tagged answer to IDLE; whether there was news before it."""
    changed, until = False, time.monotonic() + ANSWER_S
    answers = client._imap.tagged_commands
    while not answers[tag]:
        changed = _is_news(_read(client, until)) or changed
    kind, _ = answer = answers.pop(tag)
    if kind != "OK":
        raise imaplib.IMAP4.error(f"IDLE ended with {answer!r}")
    return changed


def _check_idling(client: IMAPClient, tag: bytes) -> None:
    """Raise if the server has answered IDLE though it was not told to come out of it."""
    answer = client._imap.tagged_commands[tag]
    if answer:
        raise imaplib.IMAP4.error(f"IDLE was refused: {answer!r}")


def _read(client: IMAPClient, until: float) -> bytes | None:
    """One whole response, however many pieces it comes in; None for a "+".

    Raises TimeoutError if nothing comes before `until` (by the monotonic clock), and imaplib's
    abort at the connection's end and at a BYE.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock = client.socket()
    usual = sock.gettimeout()
    sock.settimeout(left)
    line: bytes | None = client._imap._get_response()
    sock.settimeout(usual)
    if line and _BYE.match(line):
        raise imaplib.IMAP4.abort(line.decode("ascii", "replace"))
    return line


def _is_news(line: bytes | None) -> bool:
    return line is not None and _NEWS.match(line) is not None


def _buffered(client: IMAPClient) -> bytes | None:
    """What has come and was not yet read, without waiting for more.

    None, or nothing (b""), if nothing has; nothing also at the connection's end.
    """
    sock = client.socket()
    usual = sock.gettimeout()
    sock.settimeout(0.0)
    try:
        return _peek(client._imap, sock)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    finally:
        sock.settimeout(usual)


def _peek(imap: Any, sock: socket.socket) -> bytes:
    """Look into the buffer, and take in what has come if it is empty."""
    if not hasattr(imap, "_readbuf"):
        peeked: bytes = imap.file.peek(1)
        return peeked
    if not any(imap._readbuf):  # a list of pieces, of which some may be empty
        imap._readbuf.append(sock.recv(_CHUNK))
    return b"".join(imap._readbuf)
