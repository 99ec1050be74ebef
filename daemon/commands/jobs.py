"""`sync`, `teach` and `train`: run a job now and say what it did."""

from __future__ import annotations

from typing import Any

from daemon.commands.output import print_json, progress_bar, say
from daemon.commands.session import choose_account, daemon_client, load, own_client
from daemon.config import Config, Paths
from daemon.errors import FolderEmpty
from daemon.jobs.tasks import TeachPlan, plan_teaching
from daemon.store.database import Database
from mlx_agent.teach.cost import Estimate, estimate
from mlx_agent.teach.select import counts
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


async def teach(account: str | None, *, limit: int | None, dry_run: bool, as_json: bool) -> None:
    """Make lessons, or say how many, at what cost, and what would leave the machine."""
    paths, settings = load()
    name = choose_account(settings, account)
    if limit is not None:
        changed = settings.teach.model_copy(update={"limit": limit})
        settings = settings.model_copy(update={"teach": changed})
    if dry_run:
        return await _teach_dry_run(paths, settings, name, as_json=as_json)
    # a limit is no part of a running daemon's config: it takes a daemon of our own
    chosen_client = daemon_client if limit is None else own_client
    async with chosen_client(paths, settings) as client:
        outcome = await run(client, "teach", name)
    if as_json:
        return print_json(outcome)
    say(
        f"{name}: {outcome['lessons']} new lessons, {outcome['known']} known, "
        f"{outcome['set_aside']} set aside."
    )
    return _print_left_out(outcome["left_out"])


async def train(account: str | None, *, as_json: bool) -> None:
    """Train a candidate and say whether the gate let it pass."""
    paths, settings = load()
    name = choose_account(settings, account)
    async with daemon_client(paths, settings) as client:
        outcome = await run(client, "train", name)
    if as_json:
        return print_json(outcome)
    verdict = "is used from now on" if outcome["promoted"] else "is kept, but not used"
    say(f"{name}: adapter {outcome['adapter']} {verdict}: {outcome['why']}.")
    return None


async def run(client: Client, kind: str, account: str) -> dict[str, Any]:
    """Run one job to its end under a progress bar; raises ApiError if it fails."""
    with progress_bar() as show:
        return await client.run_job(kind, account, on_progress=show)


def _with_server(settings: Config) -> list[str]:
    return [name for name, account in settings.accounts.items() if account.imap]


async def _teach_dry_run(paths: Paths, settings: Config, name: str, *, as_json: bool) -> None:
    database = await Database.open(paths.database)
    try:
        plan = await plan_teaching(settings, database, name)
    finally:
        await database.close()
    teacher = settings.models.teacher
    mails = [item.mail for item in plan.items]
    cost = estimate(mails, settings.teach.strategy, teacher)
    if as_json:
        return print_json(_dry_run_data(plan, cost, teacher))
    price = "an unknown price" if cost.cost_usd is None else f"{cost.cost_usd:.2f} USD"
    say(
        f"{name}: {cost.mails} mails teach; {cost.calls} calls of {teacher!r}, about "
        f"{cost.input_tokens} tokens in and {cost.output_tokens} out: {price}."
    )
    leaves = "Nothing leaves" if teacher == "offline" else "The own text of these mails leaves"
    say(f"{leaves} this machine.")
    return _print_left_out(counts(plan.selection.left_out))


def _dry_run_data(plan: TeachPlan, cost: Estimate, teacher: str) -> dict[str, Any]:
    return {
        "mails": cost.mails,
        "calls": cost.calls,
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
        "cost_usd": cost.cost_usd,
        "model": teacher,
        "leaves_this_machine": teacher != "offline",
        "left_out": counts(plan.selection.left_out),
    }


def _print_left_out(left_out: dict[str, int]) -> None:
    if left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        say(f"Left out: {reasons}.")
