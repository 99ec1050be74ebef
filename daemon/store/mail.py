"""Mails and what they were cut from.

A mail's identity is (account, content hash): the same mail from two folders, or fetched again after
a UIDVALIDITY change, is one row. Its source is kept unchanged; the cut parts can be replaced by a
later cut. Where a mail lies on the server is `daemon.store.folders`' business. Parses nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable

from daemon.records import Batch, FolderState, Incoming, Quarantined, Source
from daemon.store import tombstones
from daemon.store.columns import to_moment, to_text
from mlx_agent import codec
from mlx_agent.records import Address, ContextMessage, Mail

LAST_MAILS = 20
"""From so many mails the account's signature block is known."""
NO_FOLDER = ""
"""The folder of what was quarantined by an import."""


def add_batch(connection: sqlite3.Connection, batch: Batch, cut_version: int) -> int:
    """Store a batch, rows and links together; the number of mails that were not known yet.

    What the user had forgotten is passed over.
    """
    added = sum(_add(connection, incoming, batch, cut_version) for incoming in batch.incoming)
    folder = batch.folder.folder if batch.folder else NO_FOLDER
    set_aside(connection, batch.account, folder, batch.quarantined)
    return added


def set_aside(
    connection: sqlite3.Connection, account: str, folder: str, items: Iterable[Quarantined]
) -> None:
    """Put messages into quarantine."""
    connection.executemany(
        "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?)",
        [(account, folder, item.uid, item.reason) for item in items],
    )


def mails(connection: sqlite3.Connection, account: str) -> list[Mail]:
    """All mails of the account, oldest first."""
    rows = connection.execute(
        "SELECT * FROM mail WHERE account = ? ORDER BY sent_at, id", (account,)
    )
    return [_mail(row) for row in rows]


def last_to(connection: sqlite3.Connection, account: str, address: str) -> tuple[int, Mail | None]:
    """How many mails with own text went to a first recipient, and the latest of them."""
    counted = connection.execute(
        "SELECT count(*) FROM mail WHERE account = ? AND first_to = lower(?) AND own_text != ''",
        (account, address),
    ).fetchone()
    row = connection.execute(
        """
        SELECT * FROM mail WHERE account = ? AND first_to = lower(?) AND own_text != ''
        ORDER BY sent_at DESC, id DESC LIMIT 1
        """,
        (account, address),
    ).fetchone()
    return int(counted[0]), None if row is None else _mail(row)


def mail(connection: sqlite3.Connection, account: str, mail_id: str) -> Mail | None:
    """One mail, None if the account has none of that id."""
    row = connection.execute(
        "SELECT * FROM mail WHERE account = ? AND id = ?", (account, mail_id)
    ).fetchone()
    return None if row is None else _mail(row)


def usual_signature(connection: sqlite3.Connection, account: str) -> str:
    """The signature block under most of the account's last mails, empty where there is none."""
    rows = connection.execute(
        "SELECT signature FROM mail WHERE account = ? ORDER BY sent_at DESC, id LIMIT ?",
        (account, LAST_MAILS),
    ).fetchall()
    found = Counter(row["signature"] for row in rows)
    signature, times = found.most_common(1)[0] if found else ("", 0)
    return str(signature) if 2 * times > len(rows) else ""


def count_outdated(connection: sqlite3.Connection, account: str, version: int) -> int:
    """How many mails have been cut by other rules than those of this version."""
    row = connection.execute(
        "SELECT count(*) FROM mail WHERE account = ? AND cut_version != ?", (account, version)
    ).fetchone()
    return int(row[0])


def outdated(
    connection: sqlite3.Connection, account: str, version: int, limit: int
) -> list[tuple[Mail, Source]]:
    """The newest of them, with what they are to be cut from."""
    rows = connection.execute(
        """
        SELECT mail.*, header, plain, html FROM mail
        JOIN source ON source.account = mail.account AND source.mail_id = mail.id
        WHERE mail.account = ? AND cut_version != ? ORDER BY sent_at DESC, id LIMIT ?
        """,
        (account, version, limit),
    )
    return [
        (_mail(row), Source(header=row["header"], plain=row["plain"], html=row["html"]))
        for row in rows
    ]


def replace_cuts(
    connection: sqlite3.Connection, cuts: Iterable[tuple[Mail, str]], cut_version: int
) -> None:
    """Store the parts of known mails, with their tails, as the rules of this version found them.

    A mail whose own text is another one now has no lesson any more: that taught the old one.
    """
    rows = [_columns(mail, cut_version) | {"tail": tail} for mail, tail in cuts]
    connection.executemany(
        """
        DELETE FROM lesson WHERE account = :account AND sample_id = :id AND EXISTS (
            SELECT 1 FROM mail
            WHERE mail.account = :account AND mail.id = :id AND own_text != :own_text
        )
        """,
        rows,
    )
    connection.executemany(
        """
        UPDATE mail SET own_text = :own_text, context = :context, signature = :signature,
            forwarded = :forwarded, flags = :flags, cut_version = :cut_version, tail = :tail
        WHERE account = :account AND id = :id
        """,
        rows,
    )


def endings(connection: sqlite3.Connection, account: str, mails: int, characters: int) -> list[str]:
    """The ends of the newest own texts, tails and all, of those that a person wrote here."""
    rows = connection.execute(
        """
        SELECT substr(own_text, -:characters) AS ending, tail FROM mail
        WHERE account = :account AND own_text != '' AND flags NOT LIKE '%"automatic"%'
        ORDER BY sent_at DESC, id LIMIT :mails
        """,
        {"account": account, "mails": mails, "characters": characters},
    )
    return ["\n".join(filter(None, (row["ending"], row["tail"]))) for row in rows]


def count(connection: sqlite3.Connection, account: str) -> int:
    """How many mails the account has."""
    row = connection.execute("SELECT count(*) FROM mail WHERE account = ?", (account,))
    return int(row.fetchone()[0])


def quarantined(connection: sqlite3.Connection, account: str) -> list[Quarantined]:
    """What could not be read, by folder and UID."""
    rows = connection.execute(
        "SELECT uid, reason FROM quarantine WHERE account = ? ORDER BY folder, uid", (account,)
    )
    return [Quarantined(uid=row["uid"], reason=row["reason"]) for row in rows]


def _add(
    connection: sqlite3.Connection, incoming: Incoming, batch: Batch, cut_version: int
) -> bool:
    assert incoming.mail.account == batch.account, "a batch is of one account"
    if tombstones.is_forgotten(connection, batch.account, incoming.mail.id):
        if incoming.uid is not None and batch.folder is not None:
            tombstones.pass_over(connection, batch.folder, incoming.uid)
        return False
    is_new = _add_mail(connection, incoming.mail, incoming.tail, cut_version)
    if is_new:
        connection.execute(
            "DELETE FROM tombstone WHERE account = ? AND mail_id = ?",
            (batch.account, incoming.mail.id),
        )
        source = incoming.source
        connection.execute(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?)",
            (batch.account, incoming.mail.id, source.header, source.plain, source.html),
        )
    if incoming.uid is not None:
        assert batch.folder is not None, "a UID is one of a folder"
        link(connection, batch.folder, incoming.uid, incoming.mail.id)
    return is_new


def _add_mail(connection: sqlite3.Connection, mail: Mail, tail: str, cut_version: int) -> bool:
    cursor = connection.execute(
        """
        INSERT INTO mail VALUES (:account, :id, :message_id, :in_reply_to, :reference_ids, :sender,
            :to_addresses, :cc_addresses, :subject, :sent_at, :own_text, :context, :signature,
            :forwarded, :flags, :draft_id, :cut_version, :tail)
        ON CONFLICT (account, id) DO NOTHING
        """,
        _columns(mail, cut_version) | {"tail": tail},
    )
    return cursor.rowcount == 1


def link(connection: sqlite3.Connection, folder: FolderState, uid: int, mail_id: str) -> None:
    """A message of a folder is this mail."""
    connection.execute(
        "INSERT OR REPLACE INTO uid_link VALUES (?, ?, ?, ?, ?)",
        (folder.account, folder.folder, folder.uidvalidity, uid, mail_id),
    )
    # A message that could not be read before and now can is no longer in quarantine.
    connection.execute(
        "DELETE FROM quarantine WHERE account = ? AND folder = ? AND uid = ?",
        (folder.account, folder.folder, uid),
    )


def _columns(mail: Mail, cut_version: int) -> dict[str, str | int | None]:
    return {
        "account": mail.account,
        "id": mail.id,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "reference_ids": codec.dumps(mail.references),
        "sender": codec.dumps(mail.sender),
        "to_addresses": codec.dumps(mail.to),
        "cc_addresses": codec.dumps(mail.cc),
        "subject": mail.subject,
        "sent_at": to_text(mail.sent_at),
        "own_text": mail.own_text,
        "context": codec.dumps(mail.context),
        "signature": mail.signature,
        "forwarded": mail.forwarded,
        "flags": codec.dumps(tuple(sorted(mail.flags))),
        "draft_id": mail.draft_id,
        "cut_version": cut_version,
    }


def _mail(row: sqlite3.Row) -> Mail:
    return Mail(
        id=row["id"],
        account=row["account"],
        message_id=row["message_id"],
        in_reply_to=row["in_reply_to"],
        references=codec.loads(tuple[str, ...], row["reference_ids"]),
        sender=codec.loads(Address, row["sender"]),
        to=codec.loads(tuple[Address, ...], row["to_addresses"]),
        cc=codec.loads(tuple[Address, ...], row["cc_addresses"]),
        subject=row["subject"],
        sent_at=to_moment(row["sent_at"]),
        own_text=row["own_text"],
        context=codec.loads(tuple[ContextMessage, ...], row["context"]),
        signature=row["signature"],
        forwarded=row["forwarded"],
        flags=codec.loads(frozenset[str], row["flags"]),
        draft_id=row["draft_id"],
    )
