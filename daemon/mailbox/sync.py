"""Snapshot -> plan -> apply -> commit: one account's Sent folder into the store.

What is to be fetched is what the server has and the store has no link for, newest first; so a sync
that was killed goes on where it stopped, and no gap can be jumped. Each batch is one transaction,
after the server's tagged OK. Then what was fetched is read (`reading`), and at the end the folder's
state is kept, and what has gone from the server is forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from daemon.config import Account, Imap
from daemon.errors import (
    FolderNotFound,
    FolderShrunk,
    FolderUnstable,
    ServerMissing,
    TrimtabError,
)
from daemon.mailbox import exclude, plan
from daemon.mailbox.fetching import Fetcher
from daemon.mailbox.imap import PAGE, Mailbox
from daemon.mailbox.reading import read_account, settle_cuts
from daemon.mailbox.session import Session, open_session
from daemon.records import (
    FolderState,
    FolderView,
    Progress,
    Reading,
    SyncResult,
)
from daemon.store import fetched as fetched_store
from daemon.store import folders as folder_store
from daemon.store.database import Database
from daemon.store.folders import KnownUids

Report = Callable[[Progress], None]

LOOK_AGAIN = timedelta(days=1)
"""So often the folder is looked for anew, and what is in quarantine is tried once more."""
MAX_CHANGES = 5
"""A folder with another UIDVALIDITY at so many syncs running would be read anew for ever."""


async def sync_account(
    name: str, account: Account, database: Database, report: Report
) -> SyncResult:
    """Fetch what is new, read it, and forget what the folder has lost. An empty folder is fine.

    Raises what `fetch_account` raises, after reading what came in before; and FolderShrunk: what is
    new has come in, and nothing is forgotten.
    """
    before = await read_account(name, database, report)  # left over by a sync that was killed
    try:
        fetched = await fetch_account(name, account, database, report)
    except TrimtabError:
        await read_account(name, database, report)
        raise
    read = await read_account(name, database, report)
    await settle_cuts(name, database, report)
    forgotten = await _finish(name, account, fetched.reading, database)
    added = before.added + read.added
    return SyncResult(
        account=name,
        added=added,
        known=before.read + read.read + fetched.linked - added,
        quarantined=before.quarantined + read.quarantined + fetched.quarantined,
        forgotten=forgotten,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """What a fetch did. `reading` is how the folder stands, None if nothing at all has changed."""

    fetched: int = 0
    linked: int = 0
    quarantined: int = 0
    reading: Reading | None = None


async def fetch_account(
    name: str, account: Account, database: Database, report: Report
) -> FetchResult:
    """Store what is new in the folder, as it comes, and which mails are excluded.

    Raises ServerMissing, FolderNotFound, FolderUnstable, what a session raises, and what the store
    does; what was committed before stays.
    """
    if account.imap is None:
        raise ServerMissing(name)
    state = await database.read(folder_store.state, name)
    async with open_session(name, account.imap) as session:
        if state and _is_recent(state, account.imap) and await _is_unchanged(session, state):
            result, sent = FetchResult(), state.folder
        else:
            opened = await _open(session, account.imap, state, database)
            result = await _fetch(session, opened, database, report)
            sent = opened.folder.folder
        await exclude.renew(session, account.exclude, sent, database)
        return result


async def _finish(name: str, account: Account, reading: Reading | None, database: Database) -> int:
    """Keep how the folder stands, and forget what it has lost; how many mails."""
    if reading is None:
        return 0
    assert account.imap is not None, "it was read from a server"
    forgotten = await database.write(
        folder_store.finish, reading, account.imap.deleted, datetime.now(UTC)
    )
    if forgotten.held:
        raise FolderShrunk(name, forgotten.mails, forgotten.of)
    return forgotten.mails


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The folder as it is known and as it stands; `anew`: it was looked for anew."""

    folder: FolderState
    view: FolderView
    anew: bool


def _is_recent(state: FolderState, server: Imap) -> bool:
    """Whether the folder need not be looked for by its role."""
    if server.sent_folder and state.folder != server.sent_folder:
        return False
    return state.found_at is not None and datetime.now(UTC) - state.found_at < LOOK_AGAIN


async def _is_unchanged(session: Session, state: FolderState) -> bool:
    """Whether one question is enough; only where mod-sequences tell of marks of deletion too."""
    if state.view is None or state.view.modseq is None:
        return False
    return state.view == await session.call(Mailbox.status, state.folder)


async def _open(
    session: Session, server: Imap, state: FolderState | None, database: Database
) -> _Opened:
    """Open the folder; one that is not where it was is looked for."""
    recent = state is not None and _is_recent(state, server)
    name, view, found_at = "", None, None
    if state is not None and recent:
        name, found_at = state.folder, state.found_at
        view = await session.call(Mailbox.examine, name)
    if view is None or found_at is None:
        recent, found_at = False, datetime.now(UTC)
        name = await session.call(Mailbox.find_folder, "sent", server.sent_folder)
        view = await session.call(Mailbox.examine, name)
    if view is None:
        raise FolderNotFound(session.account, name)
    folder = await database.write(folder_store.open_folder, session.account, name, view, found_at)
    changed = state is None or state.uidvalidity != folder.uidvalidity
    if changed and folder.changes >= MAX_CHANGES:
        raise FolderUnstable(session.account)
    return _Opened(folder=folder, view=view, anew=not recent)


async def _fetch(
    session: Session, opened: _Opened, database: Database, report: Report
) -> FetchResult:
    """Fetch what is missing; how the folder stands is told if that, or anything else, is news."""
    folder, view = opened.folder, opened.view
    known = await database.read(folder_store.known_uids, folder)
    new, present = await _list(session, folder, view, known)
    aside = known.quarantined if present is None else known.quarantined & present
    todo = new | (aside if opened.anew else set())
    fetcher = Fetcher(session, database, folder, plan.newest_first(todo))
    result = await _store_all(fetcher, database, report, len(todo))
    if not todo and present is None and folder.view == view:
        return result
    return replace(result, reading=Reading(folder=folder, view=view, present=present))


async def _list(
    session: Session, folder: FolderState, view: FolderView, known: KnownUids
) -> tuple[set[int], frozenset[int] | None]:
    """The UIDs to be fetched, and all that there are; None for those where counting is enough."""
    live = known.linked | known.quarantined
    small = view.messages - len(live) <= PAGE
    countable = small and plan.is_gapless(folder.view, view, len(live))
    if countable and not await session.call(Mailbox.deleted):
        top = max(live, default=0)
        grown = folder.view is None or view.uidnext != folder.view.uidnext
        new = await session.call(Mailbox.uids_after, top) if grown else set()
        if view.messages == len(live) + len(new):
            return new, None
    present = frozenset(await session.call(Mailbox.uids, view))
    return set(present - live), present


async def _store_all(
    fetcher: Fetcher, database: Database, report: Report, total: int
) -> FetchResult:
    """Store batch after batch; while one is stored, the next one is being fetched."""
    result = FetchResult()
    report(Progress(step="sync", done=0, total=total))
    ahead = asyncio.ensure_future(fetcher.next())
    try:
        while (batch := await ahead) is not None:
            ahead = asyncio.ensure_future(fetcher.next())
            await database.write(fetched_store.add, batch)
            result = FetchResult(
                fetched=result.fetched + len(batch.messages),
                linked=result.linked + len(batch.linked),
                quarantined=result.quarantined + len(batch.quarantined),
            )
            done = result.fetched + result.linked + result.quarantined
            report(Progress(step="sync", done=done, total=total))
    finally:
        ahead.cancel()
        await asyncio.wait([ahead])
        if not ahead.cancelled():
            ahead.exception()  # looked at, or the loop would complain of it
    return result
