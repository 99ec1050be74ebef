"""`adapters list | show | promote | rollback | prune`."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table

from daemon.commands.output import console, print_json, say
from daemon.commands.session import choose_account, load
from daemon.commands.training import curve_lines
from daemon.config import Paths
from daemon.store import adapters as adapter_store
from daemon.store import forgetting, trainings
from daemon.store.database import Connection, Database
from mlx_agent import adapters, codec
from mlx_agent.train.records import Beside, Lists, TrainEvent, Verdict

FORGOTTEN = "learned from forgotten mail; trained anew tonight"


async def list_adapters(account: str | None, *, as_json: bool) -> None:
    """Every adapter of the account, oldest first, with the gate's verdict."""
    paths, settings = load()
    name = choose_account(settings, account)
    found = adapters.adapters(paths.adapters, name)
    current = adapters.current(paths.adapters, name)
    judged, marked = await _judged(paths, name)
    verdicts = {verdict.adapter_id: verdict for verdict in judged}
    if as_json:
        return print_json(
            [
                codec.to_data(adapter)
                | {"current": adapter.id == current, "forgotten": adapter.id in marked}
                | {"verdict": _data(verdicts.get(adapter.id))}
                for adapter in found
            ]
        )
    table = Table("adapter", "lessons", "used", "the gate")
    for adapter in found:
        used = "now" if adapter.id == current else ""
        said = verdict_line(verdicts.get(adapter.id))
        if adapter.id in marked:
            said = f"{FORGOTTEN} ({said})"
        table.add_row(adapter.id, str(adapter.lessons), used, said)
    return console.print(table)


async def _judged(paths: Paths, account: str) -> tuple[list[Verdict], frozenset[str]]:
    """The gate's verdicts, and the adapters that learned from forgotten mail."""
    database = await Database.open(paths.database)
    try:
        verdicts = await database.read(adapter_store.verdicts, account)
        return verdicts, await database.read(forgetting.marked, account)
    finally:
        await database.close()


def verdict_line(verdict: Verdict | None) -> str:
    """What the gate decided, and why."""
    if verdict is None:
        return "not judged"
    return f"{'passed' if verdict.promoted else 'kept'}: {verdict.reason}"


async def show(adapter_id: str, *, as_json: bool) -> None:
    """The manifest of an adapter whose files are intact, its verdict and its training's curve."""
    paths, _ = load()
    manifest = adapters.verified(paths.adapters, adapter_id)
    database = await Database.open(paths.database)
    try:
        verdict, curve = await database.read(_history, adapter_id)
    finally:
        await database.close()
    data = codec.to_data(manifest.adapter) | {"versions": manifest.versions}
    if as_json:
        told = {"verdict": _data(verdict), "curve": [codec.to_data(event) for event in curve]}
        return print_json(data | told)
    for key, value in data.items():
        say(f"{key:<14}{_plain(value)}")
    say(f"{'the gate':<14}{verdict_line(verdict)}")
    if verdict is not None:
        _print_figures(verdict)
    for line in curve_lines(curve):
        say(line)
    return None


def _history(
    connection: Connection, adapter_id: str
) -> tuple[Verdict | None, tuple[TrainEvent, ...]]:
    verdict = adapter_store.verdict(connection, adapter_id)
    return verdict, trainings.curve(connection, adapter_id)


def _data(verdict: Verdict | None) -> Any:
    return None if verdict is None else codec.to_data(verdict)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_figures(verdict: Verdict) -> None:
    """Its distances beside each rival's, and what the rule lists of both adapters are like."""
    table = Table("beside", "writer", "mails", "its", "theirs", "nearer by (95 %)")
    for one in verdict.beside:
        table.add_row(*_row(one))
    if verdict.beside:
        console.print(table)
    for name, lists in (("its lists", verdict.lists), ("current's", verdict.current_lists)):
        if lists is not None:
            say(f"{name:<14}{_lists(lists)}")


def _row(one: Beside) -> tuple[str, ...]:
    interval = f"{one.nearer:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
    figures = (f"{one.candidate:.3f}", f"{one.rival:.3f}")
    return (one.name, one.writer, str(one.mails), *figures, interval)


def _lists(lists: Lists) -> str:
    said = f"{lists.validity:.0%} parse, {lists.leaked:.0%} hold facts of other mails"
    known = lists.loss is not None and math.isfinite(lists.loss)
    return f"{said}, validation loss {lists.loss:.3f}" if known else said


def promote(adapter_id: str, *, as_json: bool) -> None:
    """Point its account at this adapter, which must be intact and made for its base."""
    paths, settings = load()
    adapter = adapters.verify_usable(paths.adapters, adapter_id)
    settings.account(adapter.account)
    adapters.promote(paths.adapters, adapter.account, adapter.id)
    _print_used(adapter.account, adapter.id, as_json=as_json)


def rollback(account: str | None, *, as_json: bool) -> None:
    """Point the account at the last intact adapter before the current one, or at none."""
    paths, settings = load()
    name = choose_account(settings, account)
    _print_used(name, adapters.rollback(paths.adapters, name), as_json=as_json)


def prune(account: str | None, *, as_json: bool) -> None:
    """Remove the adapters that are neither among the last promoted nor among the newest."""
    paths, settings = load()
    names = list(settings.accounts) if account is None else [choose_account(settings, account)]
    gone = {name: adapters.prune(paths.adapters, name) for name in names}
    if as_json:
        return print_json(gone)
    for name, ids in gone.items():
        say(f"{name}: {_counted(len(ids))} removed.")
    return None


def _counted(count: int) -> str:
    return f"{count or 'no'} adapter{'s'[: count != 1]}"


def _print_used(account: str, adapter_id: str | None, *, as_json: bool) -> None:
    if as_json:
        return print_json({"account": account, "adapter": adapter_id})
    if adapter_id is None:
        return say(f"{account}: no agent; your nearest mails or your style card from now on.")
    return say(f"{account}: {adapter_id} is used from now on.")
