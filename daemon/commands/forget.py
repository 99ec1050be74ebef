"""`forget`: mails that are to be unlearned, with all that was made of them.

It may be asked while the daemon runs. First the store forgets, in one step; then the data sets go,
then the bytes. Each of these may be repeated, and is, by the next `forget`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, time

import typer

from daemon.commands.output import print_json, say
from daemon.commands.session import load
from daemon.config import Config, Paths
from daemon.errors import AccountUnknown, DateUnreadable, MailNotFound
from daemon.store import forgetting
from daemon.store.database import Database
from daemon.store.forgetting import Choice, Held
from mlx_agent import adapters
from mlx_agent.teach import dataset

QUOTES = "What other mails quote of it stays with them; forget them, too, if it is to go."


def choice(mail: str | None, account: str | None, before: str | None) -> Choice:
    """What the options mean, a date in the user's own time zone; raises DateUnreadable."""
    since = None
    if before is not None:
        try:
            day = datetime.strptime(before, "%Y-%m-%d").date()  # noqa: DTZ007  # local, next
        except ValueError:
            raise DateUnreadable(before) from None
        since = datetime.combine(day, time()).astimezone()
    return Choice(mail=mail, account=account, before=since)


async def forget(chosen: Choice, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Say what goes, ask, and let it go. Raises MailNotFound and AccountUnknown."""
    paths, settings = load()
    database = await Database.open(paths.database)
    try:
        found = await database.write(forgetting.held, chosen)
        _refuse(chosen, found, settings)
        if dry_run:
            return _tell(found, as_json=as_json, done=False)
        if not yes and not found.empty:
            _tell(found, as_json=False, done=False)
            await asyncio.to_thread(typer.confirm, "Forget that for good?", abort=True)
        gone, clean = await _forget(database, paths, chosen)
    finally:
        await database.close()
    _tell(gone, as_json=as_json, done=True)
    if not clean:
        say("Another program is at the store, whose log still holds it; run this again later.")
    return None


async def _forget(database: Database, paths: Paths, chosen: Choice) -> tuple[Held, bool]:
    """Let it go: what has gone, and whether its bytes have."""
    found = await database.write(forgetting.held, chosen)
    hashes = set()
    for account in _accounts(chosen, found):
        hashes |= {(account, one) for one in await _data(database, paths, account, chosen, found)}
    gone = await database.write(forgetting.forget, chosen, hashes, datetime.now(UTC))
    dataset.remove(paths.datasets, await database.read(forgetting.forgotten_data))
    # Of experiments nothing is kept that may hold it: they are made again where they are wanted.
    shutil.rmtree(paths.evaluation, ignore_errors=True)
    for account in _accounts(chosen, found):
        adapters.drop_derived(paths.adapters, account)
        if chosen.whole:
            every = {one.id for one in adapters.adapters(paths.adapters, account)}
            adapters.remove(paths.adapters, account, every)
    return gone, await database.alone(forgetting.cleanse)


def _accounts(chosen: Choice, found: Held) -> set[str]:
    """The accounts that lose lessons, or all."""
    whole = {chosen.account} if chosen.whole and chosen.account else set()
    return set(found.lesson_ids) | whole


async def _data(
    database: Database, paths: Paths, account: str, chosen: Choice, found: Held
) -> set[str]:
    """The hashes of the account's data sets that held what goes.

    One that is not on the disk any more held it for all that is known.
    """
    kept = {one.hash: ids for of, one, ids in dataset.kept(paths.datasets) if of == account}
    if chosen.whole:
        return set(kept)
    lost = found.lesson_ids.get(account, frozenset())
    unknown = await database.read(forgetting.data_hashes, account) - kept.keys()
    return {one for one, ids in kept.items() if ids & lost} | (unknown if lost else set())


def _refuse(chosen: Choice, found: Held, settings: Config) -> None:
    if chosen.mail is not None and found.empty:
        raise MailNotFound
    if chosen.account is not None and found.empty and chosen.account not in settings.accounts:
        raise AccountUnknown(chosen.account, tuple(settings.accounts))


def _tell(found: Held, *, as_json: bool, done: bool) -> None:
    counts = {
        "mails": found.mails,
        "lessons": found.lessons,
        "drafts": found.drafts,
        "edits": found.edits,
    }
    if as_json:
        return print_json(counts | {"done": done})
    for line in told(counts, done=done):
        say(line)
    return None


def told(counts: dict[str, int], *, done: bool) -> Iterator[str]:
    """What goes or has gone, in words."""
    parts = [f"{count} {name[:-1] if count == 1 else name}" for name, count in counts.items()]
    if not any(counts.values()):
        yield "There is nothing of that to forget."
        return
    what = f"{', '.join(parts[:-1])} and {parts[-1]}"
    yield f"Forgotten: {what}." if done else f"This would be forgotten: {what}."
    if done and counts["lessons"]:
        yield (
            "Agents that learned from it stay in use until the next training has made one that did "
            "not; `trimtab adapters list` marks them."
        )
    yield QUOTES
