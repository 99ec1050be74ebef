"""`edits`: what was made of drafts and is learned from, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from daemon.commands.output import print_json, say
from daemon.commands.session import load
from daemon.learning import take_back
from daemon.store import edits as edit_store
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.records import Edit


async def edits(account: str | None, *, undo: str, limit: int, as_json: bool) -> None:
    """The last edits that are learned from, newest first, after one was taken back if asked.

    It may be asked while the daemon runs. Raises DraftNotFound.
    """
    paths, settings = load()
    names = [account] if account is not None else list(settings.accounts)
    for name in names:
        settings.account(name)
    database = await Database.open(paths.database)
    try:
        if undo:
            await take_back(database, undo, lambda: datetime.now(UTC))
        found = [edit for name in names for edit in await database.read(edit_store.standing, name)]
    finally:
        await database.close()
    last = sorted(found, key=lambda edit: edit.created_at, reverse=True)[:limit]
    if as_json:
        return print_json([codec.to_data(one) for one in last])
    for line in told(last):
        say(line)
    return None


def told(found: list[Edit]) -> Iterator[str]:
    """A line for each: no text of a mail, which a terminal keeps."""
    if not found:
        yield "Nothing was learned from an edit yet."
    for one in found:
        changed = "sent unchanged" if one.unchanged else f"{one.distance:.0%} of its words changed"
        at = one.created_at.astimezone()
        yield f"{at:%Y-%m-%d %H:%M}  {one.account}  draft {one.draft_id}: {changed}"
