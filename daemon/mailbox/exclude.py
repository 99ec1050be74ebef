"""Which mails lie in folders, or bear labels, that the config excludes: their Message-IDs.

At each sync of an account that names any, all of them are asked for and replace those known before:
what was moved out of a folder is excluded no longer. Nothing else of those mails is fetched. A
folder stands for itself and not for the folders below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal
from unicodedata import normalize

from daemon.config import Exclude
from daemon.errors import FolderNotFound
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.parsing.fields import ids_of, read_fields
from daemon.mailbox.plan import BATCH, Folder, take_batch
from daemon.mailbox.session import Session
from daemon.records import FolderView
from daemon.store import excluded as excluded_store
from daemon.store.database import Database


async def renew(session: Session, exclude: Exclude, sent: str, database: Database) -> None:
    """Keep the Message-IDs of what is excluded now; nothing is asked if nothing is named.

    `sent` is the Sent folder, where labels are looked for. Raises FolderNotFound, with those known
    before kept, and what a session and the store raise.
    """
    found: frozenset[str] = frozenset()
    if exclude.folders or exclude.labels:
        found = await session.call(_message_ids, exclude, sent)
    await database.write(excluded_store.replace, session.account, found, exclude.places)


def named(folders: Iterable[Folder], wanted: str) -> list[str]:
    """The folders that a name of the config means: the one called so, else those of that path.

    In the config `/` stands between the parts of a path, whatever the server's delimiter.
    """
    folders = list(folders)
    if any(folder.name == wanted for folder in folders):
        return [wanted]
    path = _parts(wanted, "/")
    return [each.name for each in folders if _parts(each.name, each.delimiter) == path]


def _parts(name: str, delimiter: str | None) -> list[str]:
    parts = normalize("NFC", name).split(delimiter) if delimiter else [normalize("NFC", name)]
    return ["INBOX" if part.upper() == "INBOX" else part for part in parts]


def _message_ids(mailbox: Mailbox, exclude: Exclude, sent: str) -> frozenset[str]:
    return frozenset(_ids(_blocks(mailbox, exclude, sent)))


def _blocks(mailbox: Mailbox, exclude: Exclude, sent: str) -> Iterator[bytes]:
    """The Message-ID fields of all that is excluded."""
    folders = mailbox.folders() if exclude.folders else []
    for wanted in exclude.folders:
        names = named(folders, wanted)
        if not names:
            raise FolderNotFound(mailbox.account, wanted, "excluded")
        for name in names:
            view = _open(mailbox, name, "excluded")
            yield from _fetched(mailbox, mailbox.uids(view, "ALL"))
    if exclude.labels:
        view = _open(mailbox, sent, "sent")
        for label in exclude.labels:
            yield from _fetched(mailbox, mailbox.labelled(view, label))


def _fetched(mailbox: Mailbox, uids: Iterable[int]) -> Iterator[bytes]:
    todo = sorted(uids)
    while page := take_batch(todo, BATCH):
        yield from mailbox.message_ids(page)
        del todo[: len(page)]


def _open(mailbox: Mailbox, folder: str, role: Literal["sent", "excluded"]) -> FolderView:
    view = mailbox.examine(folder)
    if view is None:
        raise FolderNotFound(mailbox.account, folder, role)
    return view


def _ids(blocks: Iterable[bytes]) -> Iterator[str]:
    """As `parse` reads them; a message without one answers to no name."""
    for block in blocks:
        yield from ids_of(read_fields(block), b"message-id")[:1]
