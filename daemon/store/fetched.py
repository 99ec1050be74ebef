"""Messages as a folder gave them, until they are read: what a fetch leaves and the reading takes.

Fetching must not wait for reading, nor reading for the network; between them lies this. A message
leaves it in the transaction that stores the mail.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.records import Batch, FetchedBatch, FolderState, RawMessage, TextPart
from daemon.store import mail
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec

Leaf = tuple[str, str, str, bool, bool, bool, int]
"""A text leaf without its bytes: subtype, encoding, charset, flowed, delsp, alone; its length."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """The types of a message, and its leaves; None where it came whole."""

    types: tuple[str, ...]
    leaves: tuple[Leaf, ...] | None


def add(connection: sqlite3.Connection, batch: FetchedBatch) -> None:
    """Store what a fetch brought: messages, links of known mails, and quarantine, together."""
    folder = batch.folder
    place = (folder.account, folder.folder, folder.uidvalidity)
    connection.executemany(
        "INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*place, *_columns(message)) for message in batch.messages],
    )
    for uid, mail_id in batch.linked:
        mail.link(connection, folder, uid, mail_id)
    mail.set_aside(connection, folder.account, folder.folder, batch.quarantined)


def count(connection: sqlite3.Connection, account: str) -> int:
    """How many messages wait to be read."""
    row = connection.execute("SELECT count(*) FROM fetched WHERE account = ?", (account,))
    return int(row.fetchone()[0])


def waiting(connection: sqlite3.Connection, account: str, limit: int) -> FetchedBatch | None:
    """The newest messages of one folder that wait to be read; None if none does."""
    first = connection.execute(
        "SELECT folder, uidvalidity FROM fetched WHERE account = ? LIMIT 1", (account,)
    ).fetchone()
    if first is None:
        return None
    folder = FolderState(account=account, folder=first["folder"], uidvalidity=first["uidvalidity"])
    rows = connection.execute(
        """
        SELECT * FROM fetched WHERE account = ? AND folder = ? AND uidvalidity = ?
        ORDER BY uid DESC LIMIT ?
        """,
        (account, folder.folder, folder.uidvalidity, limit),
    )
    return FetchedBatch(folder=folder, messages=tuple(_message(row) for row in rows))


def settle(connection: sqlite3.Connection, batch: Batch, cut_version: int) -> int:
    """Store the mails that these messages are, and take the messages away; how many are new."""
    folder = batch.folder
    assert folder is not None, "what was fetched lies in a folder"
    added = mail.add_batch(connection, batch, cut_version)
    uids = [each.uid for each in batch.incoming] + [each.uid for each in batch.quarantined]
    connection.executemany(
        "DELETE FROM fetched WHERE account = ? AND folder = ? AND uidvalidity = ? AND uid = ?",
        [(folder.account, folder.folder, folder.uidvalidity, uid) for uid in uids],
    )
    return added


def _columns(message: RawMessage) -> tuple[int, str, bytes, str, bytes]:
    parts = message.parts
    leaves = None if parts is None else tuple(_leaf(part) for part in parts)
    return (
        message.uid,
        to_text(message.received_at),
        message.header,
        codec.dumps(_Shape(message.types, leaves)),
        b"".join(part.payload for part in parts or ()),
    )


def _leaf(part: TextPart) -> Leaf:
    size = len(part.payload)
    kind = (part.subtype, part.encoding, part.charset)
    return (*kind, part.flowed, part.delsp, part.alone, size)


def _message(row: sqlite3.Row) -> RawMessage:
    shape = codec.loads(_Shape, row["shape"])
    return RawMessage(
        uid=row["uid"],
        header=row["header"],
        received_at=to_moment(row["received_at"]),
        parts=None if shape.leaves is None else _parts(shape.leaves, row["payload"]),
        types=shape.types,
    )


def _parts(leaves: Sequence[Leaf], payload: bytes) -> tuple[TextPart, ...]:
    parts, start = [], 0
    for subtype, encoding, charset, flowed, delsp, alone, size in leaves:
        parts.append(
            TextPart(
                subtype=subtype,
                encoding=encoding,
                charset=charset,
                flowed=flowed,
                payload=payload[start : start + size],
                delsp=delsp,
                alone=alone,
            )
        )
        start += size
    return tuple(parts)
