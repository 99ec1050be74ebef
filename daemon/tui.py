"""The status as a rich renderable. Pure: what `GET /v1/status` answered in, lines out.

What matters most stands on top, for a small terminal shows no more. Nothing is told by colour
alone, and 80 columns hold everything: what is too long is cut or folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from daemon.advice import Warned, warnings
from daemon.sparkline import sparkline
from daemon.status_keys import View

_CURVE = 24
"""Columns of the running training's loss curve."""
_BAR = 24
_COUNTS = ("mails", "lessons", "drafts", "edits")
_JOBS = 6
_AGENTS = 3
KEYS = "r run the night now  p pause  b roll back  tab account  q quit"


def render_status(state: dict[str, Any], now: datetime, view: View | None = None) -> RenderableType:
    """The status at `now`, whose zone is that of the times shown; with a view, the live one."""
    parts: list[RenderableType] = [] if view is None else [_head(state, now, view)]
    if state.get("daemon") is False:
        parts += [Text(f"No daemon is running; this is what is stored ({now:%H:%M}).")]
    parts += [_accounts(state["accounts"], now, view)]
    sections: dict[str, Sequence[RenderableType]] = {
        "Running": _running(state, now),
        "To do": _warned(warnings(state, now)),
        "Tonight": _night(state.get("night"), now),
        "Agents": _agents(state["accounts"]),
        "Use and cost": [*_use(state["accounts"]), *_budget(state["budget"])],
        "Last jobs": [_jobs(state["jobs"][:_JOBS], now)] if state["jobs"] else [],
        "Set aside": _unreadable(state["accounts"]),
    }
    for title, lines in sections.items():
        if lines:
            parts += [Text(f"\n{title}", style="bold"), Padding(Group(*lines), (0, 0, 0, 2))]
    return Group(*parts)


def _head(state: dict[str, Any], now: datetime, view: View) -> RenderableType:
    said = view.said
    if view.asks:
        name = state["accounts"][view.chosen]["account"]
        said = f"Roll the agent of {name} back to the one before? y/n"
    return Group(Text(f"trimtab {now:%H:%M}  {KEYS}", style="bold"), Text(said))


def _accounts(accounts: list[dict[str, Any]], now: datetime, view: View | None) -> RenderableType:
    if not accounts:
        return Text("There is no account; make one with `trimtab init`.")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", width=1)
    table.add_column("account", no_wrap=True)
    for name in _COUNTS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("agent", no_wrap=True)
    table.add_column("last sync", no_wrap=True)
    for place, row in enumerate(accounts):
        mark = ">" if view is not None and place == view.chosen else ""
        counted = (str(row[name]) for name in _COUNTS)
        agent = _short(row["adapter"], row["account"]) or "none yet"
        synced = ago(row["last_sync"], now)
        table.add_row(mark, _cut(row["account"], 14), *counted, _cut(agent, 15), synced)
    return table


def _running(state: dict[str, Any], now: datetime) -> list[RenderableType]:
    """The running job: a bar, what is left, and a training's loss curve."""
    jobs = [job for job in state["jobs"] if job["state"] == "running"]
    progress = state.get("progress")
    if not jobs:
        return []
    job = jobs[0]
    begun = job["started_at"]
    lines = [f"{job['kind']} of {job['account']}, since {_clock(begun, now)}"]
    if progress:
        lines += [_progress(progress, begun, now)]
        points = [(each["step"], each["loss"]) for each in progress.get("curve", [])]
        if curve := sparkline(points, _CURVE):
            lines += [f"loss {curve} {points[-1][1]:.2f}"]
    waiting = [job for job in state["jobs"][::-1] if job["state"] == "queued"]
    queued = [f"{job['kind']} of {job['account']}" for job in waiting]
    if queued:
        lines += [f"next: {', '.join(queued)}"]
    return [Text(line) for line in lines]


def _progress(progress: dict[str, Any], begun: str | None, now: datetime) -> str:
    step, done, total = progress["step"], progress["done"], progress["total"]
    if not total:
        return f"{step}: {done} {progress['note']}".rstrip()
    share = min(1.0, done / total)
    bar = "#" * round(share * _BAR)
    left = time_left(progress, begun, now)
    said = f"{step} [{bar:-<{_BAR}}] {share:.0%}, {done} of {total}"
    return f"{said}, {left}" if left else said


def time_left(progress: dict[str, Any], begun: str | None, now: datetime) -> str:
    """What a step will take still, if it goes on as since the job began; "" where unknown."""
    done, total = progress["done"], progress["total"]
    if not (begun and done and total) or done >= total:
        return ""
    passed = (now - datetime.fromisoformat(begun)).total_seconds()
    return f"about {span(passed / done * (total - done))} left" if passed > 0 else ""


def _warned(found: list[Warned]) -> list[RenderableType]:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    for each in found:
        table.add_row("!", Text(each.what))
        if each.do:
            table.add_row("", Text(f"-> {each.do}"))
    return [table] if found else []


def _night(night: dict[str, Any] | None, now: datetime) -> list[RenderableType]:
    """When the next night is, what it waits for, and what the last one did."""
    if night is None:
        return []
    lines = [_when(night, now)]
    lines += [f"waits: {sentence}" for sentence in night["waits_for"]]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for run in night["runs"]:
        cost = f"{run['usd']:.2f} USD" if run["usd"] else ""
        took = span(run["seconds"]) if run["seconds"] is not None else run["state"]
        what = Text(f"{run['account']}: {run['sentence']}", overflow="fold")
        table.add_row(_clock(run["started_at"], now), run["kind"], took, cost, what)
    return [*map(Text, lines), *([table] if night["runs"] else [])]


def _when(night: dict[str, Any], now: datetime) -> str:
    if night["paused"]:
        return "the nights are paused; p lets them run again"
    if not night["next"]:
        return "no night is planned"
    begins = _clock(night["next"], now)
    return f"next night {begins}, until {_hour(night['ends'], now)}" if night["ends"] else begins


def _agents(accounts: list[dict[str, Any]]) -> list[RenderableType]:
    """The newest agents of each account with the gate's verdict."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(min_width=20)
    for row in accounts:
        for agent in row.get("agents", [])[:_AGENTS]:
            used = "in use; " if agent["id"] == row["adapter"] else ""
            verdict = agent["verdict"]
            said = f"{'passed' if verdict['promoted'] else 'kept'}: {verdict['reason']}"
            table.add_row(Text(agent["id"]), Text(f"{used}{said}"))
    return [table] if table.rows else []


def _use(accounts: list[dict[str, Any]]) -> list[Text]:
    """How the drafts of each account have served, where any was sent."""
    return [
        Text(
            f"{row['account']}: {use['sent']} of {use['drafts']} drafts sent, "
            f"{use['share']:.0%} as they were; median edit distance {use['distance']:.2f}"
        )
        for row in accounts
        if (use := row.get("use")) and use["sent"]
    ]


def _budget(budget: dict[str, float]) -> list[Text]:
    """What large models have cost, and what teaching may still cost; nothing if all is offline."""
    if not budget["month_usd"]:
        return []
    return [
        Text(
            f"Large models: {budget['night_usd']:.2f} USD this night "
            f"({budget['night_left_usd']:.2f} left), {budget['month_usd']:.2f} this month "
            f"({budget['month_left_usd']:.2f} left)"
        )
    ]


def _jobs(jobs: list[dict[str, Any]], now: datetime) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(no_wrap=True)
    for job in jobs:
        at = _clock(job["finished_at"] or job["requested_at"], now)
        what = job["error"] or _outcome(job["outcome"])
        # what failed last is whole in "To do"
        line = Text(what, no_wrap=True, overflow="ellipsis")
        table.add_row(at, job["kind"], job["state"], _cut(job["account"], 14), line)
    return table


def _unreadable(accounts: list[dict[str, Any]]) -> list[RenderableType]:
    """The mails that are set aside, by the reason why; a UID finds each on the server."""
    lines = []
    for row in accounts:
        reasons: dict[str, list[int]] = {}
        for item in row["unreadable"]:
            reasons.setdefault(item["reason"], []).append(item["uid"])
        for reason, uids in reasons.items():
            shown = ", ".join(map(str, uids))
            lines.append(Text(f"{row['account']}: {reason}: UID {shown}"))
        if row["quarantined"] > len(row["unreadable"]):
            lines.append(Text(f"{row['account']}: and more, {row['quarantined']} in all"))
    return [*lines]


def _outcome(outcome: dict[str, Any]) -> str:
    told = (f"{key} {value}" for key, value in outcome.items() if not isinstance(value, dict))
    return ", ".join(told)


def _short(agent: str | None, account: str) -> str:
    """The time in an agent's id, where it has one as `mlx_agent.adapters` makes them."""
    name = (agent or "").removeprefix(f"{account}-")
    return name.rpartition("-")[0] or name


def _cut(text: str, cells: int) -> Text:
    """At most so many columns of a terminal: a wide character takes two."""
    found = Text(text)
    found.truncate(cells, overflow="ellipsis")
    return found


def ago(time: str | None, now: datetime) -> str:
    """How long ago it was, in the largest unit; `never` for None."""
    if time is None:
        return "never"
    seconds = (now - datetime.fromisoformat(time)).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 60 else "just now"


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} days"


def _clock(time: str | None, now: datetime) -> str:
    """The local time, with the date where it is not today's."""
    if time is None:
        return ""
    at = datetime.fromisoformat(time).astimezone(now.tzinfo)
    days = (at.date() - now.date()).days
    day = {0: "", 1: "tomorrow "}.get(days, f"{at:%Y-%m-%d} ")
    return f"{day}{at:%H:%M}"


def _hour(time: str, now: datetime) -> str:
    return f"{datetime.fromisoformat(time).astimezone(now.tzinfo):%H:%M}"
