"""`adapters list | show | promote | rollback`."""

from __future__ import annotations

from rich.table import Table

from daemon.commands.output import console, print_json, say
from daemon.commands.session import choose_account, load
from daemon.store import adapters as adapter_store
from daemon.store.database import Database
from mlx_agent import adapters, codec


async def list_adapters(account: str | None, *, as_json: bool) -> None:
    """Every adapter of the account, oldest first, with the gate's verdict."""
    paths, settings = load()
    name = choose_account(settings, account)
    found = adapters.adapters(paths.adapters, name)
    current = adapters.current(paths.adapters, name)
    database = await Database.open(paths.database)
    try:
        verdicts = {v.adapter_id: v for v in await database.read(adapter_store.verdicts, name)}
    finally:
        await database.close()
    if as_json:
        rows = [codec.to_data(adapter) | {"current": adapter.id == current} for adapter in found]
        return print_json(rows)
    table = Table("adapter", "lessons", "used", "the gate")
    for adapter in found:
        verdict = verdicts.get(adapter.id)
        used = "now" if adapter.id == current else ""
        table.add_row(
            adapter.id, str(adapter.lessons), used, verdict.reason if verdict else "not judged"
        )
    return console.print(table)


def show(adapter_id: str, *, as_json: bool) -> None:
    """The manifest of an adapter whose files are intact."""
    paths, _ = load()
    data = codec.to_data(adapters.verify(paths.adapters, adapter_id))
    if as_json:
        return print_json(data)
    for key, value in data.items():
        say(f"{key:<14}{value}")
    return None


def promote(adapter_id: str, *, as_json: bool) -> None:
    """Point the account at this adapter."""
    paths, _ = load()
    adapter = adapters.verify(paths.adapters, adapter_id)
    adapters.promote(paths.adapters, adapter.account, adapter.id)
    _print_used(adapter.account, adapter.id, as_json=as_json)


def rollback(account: str | None, *, as_json: bool) -> None:
    """Point the account at the adapter before the current one, or at none."""
    paths, settings = load()
    name = choose_account(settings, account)
    _print_used(name, adapters.rollback(paths.adapters, name), as_json=as_json)


def _print_used(account: str, adapter_id: str | None, *, as_json: bool) -> None:
    if as_json:
        return print_json({"account": account, "adapter": adapter_id})
    if adapter_id is None:
        return say(f"{account}: no agent; your nearest mails or your style card from now on.")
    return say(f"{account}: {adapter_id} is used from now on.")
