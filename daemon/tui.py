"""The status as a rich renderable. Pure: what `GET /v1/status` answered in, tables out."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.sparkline import sparkline

_CURVE = 24
"""Columns of the running training's loss curve."""


def render_status(state: dict[str, Any]) -> RenderableType:
    """Accounts, the last jobs, use, the budget, what cannot be read, and what runs."""
    accounts = state["accounts"]
    tables = (_accounts(accounts), Text(), _jobs(state["jobs"]))
    told = (*_kept(accounts), *_use(accounts), *_budget(state["budget"]))
    return Group(*tables, *told, *_unreadable(accounts), *_running(state))


def _accounts(accounts: list[dict[str, Any]]) -> Table:
    table = Table("account", "mails", "lessons", "drafts", "edits", "agent", "last sync", box=None)
    for row in accounts:
        mails = str(row["mails"])
        if row["quarantined"]:
            mails += f" ({row['quarantined']} unreadable)"
        table.add_row(
            row["account"],
            mails,
            str(row["lessons"]),
            str(row["drafts"]),
            str(row["edits"]),
            row["adapter"] or "none yet: style card",
            _minute(row["last_sync"]) or "never",
        )
    return table


def _kept(accounts: list[dict[str, Any]]) -> list[Text]:
    """Why the newest agent of an account is not used, where the gate has kept it."""
    return [
        Text(f"\n{row['account']}: the agent trained last is kept, but not used: {row['kept']}.")
        for row in accounts
        if row.get("kept")
    ]


def _use(accounts: list[dict[str, Any]]) -> list[Text]:
    """How the drafts of each account have served, where any was sent."""
    return [
        Text(
            f"\n{row['account']}: {use['sent']} of {use['drafts']} drafts sent, "
            f"{use['share']:.0%} as they were; median edit distance {use['distance']:.2f}"
        )
        for row in accounts
        if (use := row.get("use")) and use["sent"]
    ]


def _jobs(jobs: list[dict[str, Any]]) -> Table:
    table = Table("job", "account", "state", "finished", "what", box=None)
    for job in jobs:
        table.add_row(
            job["kind"],
            job["account"],
            job["state"],
            _minute(job["finished_at"]),
            job["error"] or _outcome(job["outcome"]),
        )
    return table


def _budget(budget: dict[str, float]) -> list[Text]:
    """What large models have cost, and what teaching may still cost; nothing if all is offline."""
    if not budget["month_usd"]:
        return []
    spent = [
        f"{budget[f'{period}_usd']:.2f} USD this {period} ({budget[f'{period}_left_usd']:.2f} left)"
        for period in ("night", "month")
    ]
    return [Text(f"\nLarge models: {', '.join(spent)}")]


def _unreadable(accounts: list[dict[str, Any]]) -> list[Text]:
    """The mails that are set aside, by the reason why; a UID finds each on the server."""
    lines = []
    for row in accounts:
        reasons: dict[str, list[int]] = {}
        for item in row["unreadable"]:
            reasons.setdefault(item["reason"], []).append(item["uid"])
        for reason, uids in reasons.items():
            shown = ", ".join(map(str, uids))
            lines.append(Text(f"\n{row['account']}: {reason}: UID {shown}"))
        if row["quarantined"] > len(row["unreadable"]):
            lines.append(Text(f"{row['account']}: and more, {row['quarantined']} in all"))
    return lines


def _running(state: dict[str, Any]) -> list[Text]:
    progress = state.get("progress")
    if not progress:
        return []
    total = f" of {progress['total']}" if progress["total"] else ""
    said = f"\n{progress['step']}: {progress['done']}{total} {progress['note']}"
    curve = sparkline([(e["step"], e["loss"]) for e in progress.get("curve", [])], _CURVE)
    return [Text(f"{said} {curve}".rstrip())]


def _outcome(outcome: dict[str, Any]) -> str:
    return ", ".join(
        f"{key} {value}" for key, value in outcome.items() if not isinstance(value, dict)
    )


def _minute(time: str | None) -> str:
    return time[:16].replace("T", " ") if time else ""
