"""What is known of each folder: which UID is which mail, how it stood, and what has gone from it.

A UID of a folder is linked to a mail, or in quarantine, or still to be fetched: there is no
high-water mark that could be wrong. A mail that came from a folder and lies in none any more is
forgotten with its lessons; a tombstone without content says so. Knows nothing of IMAP beyond the
numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.records import DeletedPolicy, FolderState, FolderView, Forgotten, Reading
from daemon.store import tombstones
from daemon.store.columns import to_optional_moment, to_text

AT_ONCE = 5
"""A folder that loses more than one in so many mails at once is not believed without the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUids:
    """The UIDs of a folder that need no fetching; `linked` are also those of forgotten mails."""

    linked: frozenset[int]
    quarantined: frozenset[int]


def state(connection: sqlite3.Connection, account: str) -> FolderState | None:
    """The account's folder; None if none was ever opened."""
    row = connection.execute(
        "SELECT * FROM folder WHERE account = ? ORDER BY found_at DESC LIMIT 1", (account,)
    ).fetchone()
    return None if row is None else _state(row)


def open_folder(
    connection: sqlite3.Connection, account: str, name: str, view: FolderView, found_at: datetime
) -> FolderState:
    """A folder is about to be read; what is known of it now.

    With another UIDVALIDITY nothing is known of its UIDs, and the syncs that found one each are
    counted; the mails and their old links stay. So it is with a UIDNEXT that went down: an older
    folder was put back, and the UIDs above it are given anew.
    """
    row = connection.execute(
        "SELECT * FROM folder WHERE account = ? AND name = ?", (account, name)
    ).fetchone()
    old = None if row is None else _state(row)
    same = old is not None and old.uidvalidity == view.uidvalidity
    if same and old and old.view and view.uidnext < old.view.uidnext:
        same = False
        connection.execute(_DISOWN, {"account": account, "folder": name})
    opened = FolderState(
        account=account,
        folder=name,
        uidvalidity=view.uidvalidity,
        view=old.view if old and same else None,
        changes=_changes(old, same=same),
        answer=old.answer if old else None,
        found_at=found_at,
    )
    if not same:
        for table in ("quarantine", "passed_uid"):
            connection.execute(
                f"DELETE FROM {table} WHERE account = ? AND folder = ?",  # noqa: S608  # of our own
                (account, name),
            )
    if opened != old:
        _save(connection, opened)
    return opened


_DISOWN = """
    UPDATE OR REPLACE uid_link SET uidvalidity = -uidvalidity
    WHERE account = :account AND folder = :folder AND uidvalidity > 0
"""
"""Makes the links of a folder those of an older one; no UIDVALIDITY is below 1."""


def _changes(old: FolderState | None, *, same: bool) -> int:
    """The syncs running that found another UIDVALIDITY; one that was cut short counts once."""
    if old is None or (same and old.view is not None):
        return 0
    return old.changes if same else old.changes + 1


def known_uids(connection: sqlite3.Connection, folder: FolderState) -> KnownUids:
    """The UIDs that are linked to a mail, those of forgotten mails, and those in quarantine."""
    linked = connection.execute(
        "SELECT uid FROM uid_link WHERE account = ? AND folder = ? AND uidvalidity = ?",
        (folder.account, folder.folder, folder.uidvalidity),
    )
    aside = connection.execute(
        "SELECT uid FROM quarantine WHERE account = ? AND folder = ?",
        (folder.account, folder.folder),
    )
    return KnownUids(
        linked=frozenset(row["uid"] for row in linked) | tombstones.passed_uids(connection, folder),
        quarantined=frozenset(row["uid"] for row in aside),
    )


def has_mails(connection: sqlite3.Connection, account: str) -> bool:
    """Whether the account has any mail stored."""
    row = connection.execute("SELECT 1 FROM mail WHERE account = ? LIMIT 1", (account,)).fetchone()
    return row is not None


def known_mails(
    connection: sqlite3.Connection, account: str, heads: Iterable[tuple[int, str, bytes]]
) -> dict[int, str]:
    """Which messages are stored already: of (key, Message-ID, header block), key to mail id.

    A header block is the same if its lines are; a Message-ID alone proves nothing.
    """
    found = {}
    for key, message_id, header in heads:
        rows = connection.execute(
            """
            SELECT mail.id, source.header FROM mail
            JOIN source ON source.account = mail.account AND source.mail_id = mail.id
            WHERE mail.account = ? AND mail.message_id = ? AND mail.message_id != ''
            """,
            (account, message_id),
        )
        for row in rows:
            if _lines(row["header"]) == _lines(header):
                found[key] = row["id"]
    return found


def finish(
    connection: sqlite3.Connection, reading: Reading, policy: DeletedPolicy, now: datetime
) -> Forgotten:
    """A folder was read to its end: keep how it stands, and forget the mails that have gone.

    More than a fifth gone at once is held back, and nothing at all is changed, until the user has
    answered; with the policy `keep` mails stay whatever the server does.
    """
    folder = reading.folder
    _list_present(connection, reading.present or ())
    place = _place(reading)
    lost = [row["mail_id"] for row in connection.execute(_LOST, place)]
    of = connection.execute(
        "SELECT count(DISTINCT mail_id) FROM uid_link WHERE account = ?", (folder.account,)
    ).fetchone()[0]
    policy = folder.answer or policy
    if len(lost) * AT_ONCE > of and policy == "forget" and folder.answer is None:
        return Forgotten(mails=len(lost), of=of, held=True)
    connection.execute(_UNLINK, place)
    connection.execute(_STALE_QUARANTINE, place)
    connection.execute(f"DELETE FROM passed_uid WHERE {_STALE}", place)  # noqa: S608  # as above
    connection.execute("DELETE FROM folder WHERE account = :account AND name != :folder", place)
    if policy == "forget":
        for mail_id in lost:
            _forget(connection, folder.account, mail_id, now)
    finished = replace(folder, view=reading.view, answer=None)
    if finished != state(connection, folder.account):
        _save(connection, finished)
    return Forgotten(mails=len(lost) if policy == "forget" else 0, of=of)


def set_answer(connection: sqlite3.Connection, account: str, answer: DeletedPolicy) -> None:
    """What the user says about the mails that a folder lost at once; it holds for one reading."""
    connection.execute("UPDATE folder SET answer = ? WHERE account = ?", (answer, account))


_STALE = """
    account = :account AND NOT (
        folder = :folder AND uidvalidity = :uidvalidity
        AND (:unlisted OR uid IN (SELECT uid FROM temp.present))
    )
"""
_LOST = f"""
    SELECT DISTINCT mail_id FROM uid_link AS gone WHERE {_STALE} AND NOT EXISTS (
        SELECT 1 FROM uid_link AS live
        WHERE live.account = gone.account AND live.mail_id = gone.mail_id
            AND live.folder = :folder AND live.uidvalidity = :uidvalidity
            AND (:unlisted OR live.uid IN (SELECT uid FROM temp.present))
    ) ORDER BY mail_id
"""  # noqa: S608  # of constants alone
_UNLINK = f"DELETE FROM uid_link WHERE {_STALE}"  # noqa: S608  # as above
_STALE_QUARANTINE = """
    DELETE FROM quarantine WHERE account = :account AND folder != '' AND NOT (
        folder = :folder AND (:unlisted OR uid IN (SELECT uid FROM temp.present))
    )
"""


def _list_present(connection: sqlite3.Connection, uids: Iterable[int]) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS present (uid INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.present")
    connection.executemany("INSERT INTO temp.present VALUES (?)", ((uid,) for uid in uids))


def _place(reading: Reading) -> dict[str, str | int]:
    return {
        "account": reading.folder.account,
        "folder": reading.folder.folder,
        "uidvalidity": reading.folder.uidvalidity,
        "unlisted": reading.present is None,
    }


def _forget(connection: sqlite3.Connection, account: str, mail_id: str, now: datetime) -> None:
    for statement in (
        "DELETE FROM lesson WHERE account = ? AND sample_id = ?",
        "DELETE FROM set_aside WHERE account = ? AND sample_id = ?",
        "DELETE FROM answer WHERE account = ? AND sample_id = ?",
        "DELETE FROM source WHERE account = ? AND mail_id = ?",
        "DELETE FROM mail WHERE account = ? AND id = ?",
    ):
        connection.execute(statement, (account, mail_id))
    tombstones.bury(connection, account, mail_id, now, by_user=False)


def _lines(header: bytes) -> bytes:
    return header.replace(b"\r\n", b"\n").strip()


def _save(connection: sqlite3.Connection, folder: FolderState) -> None:
    view = folder.view
    connection.execute(
        """
        INSERT OR REPLACE INTO folder (account, name, uidvalidity, uidnext, messages, modseq,
            changes, answer, found_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            folder.account,
            folder.folder,
            folder.uidvalidity,
            view.uidnext if view else None,
            view.messages if view else None,
            view.modseq if view else None,
            folder.changes,
            folder.answer,
            to_text(folder.found_at) if folder.found_at else None,
        ),
    )


def _state(row: sqlite3.Row) -> FolderState:
    view = FolderView(
        uidvalidity=row["uidvalidity"],
        uidnext=row["uidnext"] or 0,
        messages=row["messages"] or 0,
        modseq=row["modseq"],
    )
    return FolderState(
        account=row["account"],
        folder=row["name"],
        uidvalidity=row["uidvalidity"],
        view=None if row["messages"] is None else view,
        changes=row["changes"],
        answer=row["answer"],
        found_at=to_optional_moment(row["found_at"]),
    )
