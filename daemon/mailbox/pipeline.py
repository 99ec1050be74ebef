"""FETCH over one connection, several commands under way at a time (RFC 9051, 5.5). Blocking.

A command may be asked ahead: it is on its way while the answers to others come in, so that a round
trip costs nothing. All that are under way name different messages. A server may mix the answers of
such commands; each row is kept under its UID until its command is answered.
"""

# ruff: noqa: SLF001  # imaplib's own methods wait for each answer before the next command is sent
from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from daemon.mailbox.connection import BUSY
from daemon.mailbox.parsing.fetch_answers import Row, read_rows

Command = tuple[tuple[int, ...], tuple[str, ...]]
"""The UIDs of different messages, and the items asked of each."""

REFUSALS = 5
"""So many messages refused one after another, and none read, are a broken server."""
UNREADABLE = (imaplib.IMAP4.error, ValueError, TypeError, IndexError, KeyError, AttributeError)
"""What is raised for one answer; the connection is fine after it, unless it is imaplib's abort."""

T = TypeVar("T")


class Pipeline:
    """The commands of one connection, `imap`: the standard library's object within imapclient."""

    def __init__(self, imap: Any) -> None:
        self._imap = imap
        self._under_way: dict[Command, bytes] = {}
        self._rows: dict[int, Row] = {}

    def ask(self, commands: Iterable[Command]) -> None:
        """Send commands whose answers are fetched later, in this order."""
        for command in commands:
            if command not in self._under_way:
                self._under_way[command] = self._send(command)

    def fetch(self, command: Command) -> dict[int, Row]:
        """Rows by UID, of a command asked before or now; who is not there has none.

        Raises imaplib's error for NO and BAD, ValueError for an answer that cannot be read.
        """
        self.ask([command])
        tag = self._under_way.pop(command)
        try:
            kind, text = self._imap._command_complete("FETCH", tag)
        finally:
            sound = self._keep_rows()
            found = {uid: self._rows.pop(uid) for uid in command[0] if uid in self._rows}
            if not self._under_way:
                self._rows.clear()  # what nobody asked for
        if kind != "OK":
            raise imaplib.IMAP4.error(f"FETCH was refused: {text!r}")
        if not sound:
            raise ValueError("an answer that cannot be read")
        return found

    def _send(self, command: Command) -> bytes:
        uids, items = command
        numbers = ",".join(map(str, uids))
        tag: bytes = self._imap._command("UID", "FETCH", numbers, f"({' '.join(items)})")
        return tag

    def _keep_rows(self) -> bool:
        """Read what has come, for whichever command; whether all of it could be read."""
        rows, sound = read_rows(self._imap.untagged_responses.pop("FETCH", ()))
        for uid, row in rows.items():
            self._rows.setdefault(uid, {}).update(row)
        return sound


def bisected(
    uids: Sequence[int], read: Callable[[tuple[int, ...]], T], alone: Callable[[int], T]
) -> Iterator[T]:
    """`read` of these messages, in halves where it fails; `alone` of one that fails by itself.

    A server that refuses one after another is broken, not its messages: its refusal is raised.
    """
    todo, fine, refused = [tuple(uids)], False, 0
    while todo:
        some = todo.pop()
        try:
            found = read(some)
            fine = True
        except imaplib.IMAP4.abort:
            raise
        except UNREADABLE as error:
            if is_refusal(error) and BUSY.search(str(error)):
                raise
            if len(some) > 1:
                half = len(some) // 2
                todo += [some[half:], some[:half]]
                continue
            refused += is_refusal(error)
            if refused >= REFUSALS and not fine:
                raise
            found = alone(some[0])
        yield found


def is_refusal(error: Exception) -> bool:
    """A tagged NO or BAD, as against an answer that cannot be read."""
    return isinstance(error, imaplib.IMAP4.error)
