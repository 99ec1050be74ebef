"""`sync` and `train`: run a job now and say what it did."""

from __future__ import annotations

from typing import Any

from daemon.commands.output import print_json, progress_bar, say
from daemon.commands.session import choose_account, daemon_client, load
from daemon.commands.training import EventLines, live_training
from daemon.config import Config, Paths
from daemon.errors import FolderEmpty
from daemon.store import trainings
from daemon.store.database import Database
from plugin.client import Client


async def sync(account: str | None, *, deleted: str | None, as_json: bool) -> None:
    """Sync one account, or all that have a server; then look for edits.

    `deleted` answers for one account whose folder lost much at once.
    """
    paths, settings = load()
    names = _with_server(settings) if account is None and deleted is None else []
    names = names or [choose_account(settings, account)]
    outcomes: dict[str, Any] = {}
    async with daemon_client(paths, settings) as client:
        for name in names:
            if deleted is not None:
                await client.answer_deletions(name, deleted)
            before = await _counts(client, name)
            outcomes[name] = await run(client, "sync", name)
            await run(client, "edits", name)  # after the look for edits that follows every sync
            after = await _counts(client, name)
            outcomes[name] |= {"mails": after["mails"], "edits": after["edits"] - before["edits"]}
    _print_synced(outcomes, as_json=as_json)
    for name, outcome in outcomes.items():
        if not outcome["mails"]:
            raise FolderEmpty(name)


async def _counts(client: Client, account: str) -> dict[str, Any]:
    """What the store holds of an account."""
    rows = (await client.status())["accounts"]
    return next(row for row in rows if row["account"] == account)


def _print_synced(outcomes: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        return print_json(outcomes)
    for name, outcome in outcomes.items():
        line = f"{name}: {outcome['added']} new mails, {outcome['known']} known"
        line += f", {outcome['forgotten']} forgotten" if outcome["forgotten"] else ""
        line += f", {outcome['quarantined']} unreadable" if outcome["quarantined"] else ""
        say(f"{line}, {outcome['edits']} edits of drafts found.")
    return None


async def train(account: str | None, *, as_json: bool) -> None:
    """Train a candidate under its loss curve, and say whether the gate let it pass.

    As JSON it is a line for each event, and one for the outcome.
    """
    paths, settings = load()
    name = choose_account(settings, account)
    if as_json:
        return await _train_in_json(paths, settings, name)
    async with daemon_client(paths, settings) as client:
        with live_training() as show:
            outcome = await client.run_job("train", name, on_progress=show)
    verdict = "is used from now on" if outcome["promoted"] else "is kept, but not used"
    return say(f"{name}: adapter {outcome['adapter']} {verdict}: {outcome['why']}.")


async def _train_in_json(paths: Paths, settings: Config, name: str) -> None:
    lines = EventLines()
    async with daemon_client(paths, settings) as client:
        outcome = await client.run_job("train", name, on_progress=lines.show)
    database = await Database.open(paths.database)
    try:  # what fell between two looks at the job
        lines.write(await database.read(trainings.curve, outcome["adapter"]))
    finally:
        await database.close()
    lines.line({"outcome": outcome})


async def run(client: Client, kind: str, account: str) -> dict[str, Any]:
    """Run one job to its end under a progress bar; raises ApiError if it fails."""
    with progress_bar() as show:
        return await client.run_job(kind, account, on_progress=show)


def _with_server(settings: Config) -> list[str]:
    return [name for name, account in settings.accounts.items() if account.imap]
