"""Snapshot -> plan -> apply -> commit: one account's Sent folder into the store.

One transaction a batch: rows and the high-water mark together, after the server's tagged OK. What
is killed or fails between two batches goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from daemon.config import Account, Imap
from daemon.errors import FolderNotFound, ServerMissing
from daemon.mailbox import plan
from daemon.mailbox.imap import Fetched, Mailbox, connect
from daemon.mailbox.parse import build
from daemon.mailbox.passwords import find_password
from daemon.records import Batch, FolderState, Incoming, Progress, SyncResult
from daemon.store import mail as mail_store
from daemon.store.database import Database

Report = Callable[[Progress], None]


async def sync_account(
    name: str, account: Account, database: Database, report: Report
) -> SyncResult:
    """Fetch what is new. An empty folder is fine.

    Raises ServerMissing, FolderNotFound, FolderUnstable, PasswordMissing, LoginRefused, ServerBusy
    and ServerUnreachable; what was committed before stays.
    """
    if account.imap is None:
        raise ServerMissing(name)
    async with open_mailbox(name, account.imap) as mailbox:
        folder = await find_folder(mailbox, "sent", account.imap.sent_folder)
        start = await _start(name, folder, mailbox, database)
        found = await asyncio.to_thread(mailbox.uids_after, start.last_uid)
        uids = plan.new_uids(found, start.last_uid)
        return await _fetch_all(mailbox, start, uids, database, report)


@asynccontextmanager
async def open_mailbox(name: str, server: Imap) -> AsyncIterator[Mailbox]:
    """A connection for the `with` block; all blocking calls are made in threads."""
    password = await asyncio.to_thread(find_password, name, server)
    mailbox = await asyncio.to_thread(connect, name, server, password)
    try:
        yield mailbox
    finally:
        await asyncio.to_thread(mailbox.close)


async def find_folder(mailbox: Mailbox, role: plan.Role, configured: str) -> str:
    """The name of the account's Sent or Drafts folder; raises FolderNotFound."""
    folders = await asyncio.to_thread(mailbox.folders)
    folder = plan.choose_folder(folders, role, configured)
    if folder is None:
        raise FolderNotFound(mailbox.account, configured or None, role)
    return folder


async def _start(name: str, folder: str, mailbox: Mailbox, database: Database) -> FolderState:
    """Where to go on: after the last UID if the folder is the one we know, else from the start."""
    selected = await asyncio.to_thread(mailbox.examine, folder)
    state = await database.read(mail_store.folder_state, name, folder)
    if state is not None and plan.is_known(state, selected.uidvalidity):
        return state
    if state is not None:
        await database.write(mail_store.forget_uids, name, folder)
    return FolderState(account=name, folder=folder, uidvalidity=selected.uidvalidity, last_uid=0)


async def _fetch_all(
    mailbox: Mailbox,
    state: FolderState,
    uids: tuple[int, ...],
    database: Database,
    report: Report,
) -> SyncResult:
    added = done = quarantined = 0
    report(Progress(step="sync", done=0, total=len(uids)))
    for batch in plan.batches(uids):
        fetched = await asyncio.to_thread(mailbox.fetch, batch)
        row = await asyncio.to_thread(_batch, state, batch, fetched)
        added += await database.write(mail_store.add_batch, row)
        done += len(fetched.messages)
        quarantined += len(fetched.quarantined)
        report(Progress(step="sync", done=done + quarantined, total=len(uids)))
    return SyncResult(
        account=state.account, added=added, known=done - added, quarantined=quarantined
    )


def _batch(state: FolderState, uids: tuple[int, ...], fetched: Fetched) -> Batch:
    incoming = []
    for uid, parsed in fetched.messages:
        built = build(state.account, parsed)
        incoming.append(Incoming(mail=built.mail, source=built.source, uid=uid))
    return Batch(
        account=state.account,
        incoming=tuple(incoming),
        quarantined=fetched.quarantined,
        folder=FolderState(
            account=state.account,
            folder=state.folder,
            uidvalidity=state.uidvalidity,
            last_uid=uids[-1],
        ),
    )
