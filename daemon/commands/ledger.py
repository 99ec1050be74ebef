"""`ledger` and `key`: what left this machine, and the keys of the models it went to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from daemon.commands.output import print_json, say
from daemon.commands.session import load
from daemon.errors import LargeUnknown
from daemon.large_models import entry
from daemon.mailbox.auth import keychain
from daemon.records import LedgerEntry
from daemon.store import ledger as ledger_store
from daemon.store.database import Database
from mlx_agent import codec


async def ledger(account: str | None, *, days: int, limit: int, as_json: bool) -> None:
    """Print the last entries; it may be asked while the daemon runs."""
    paths, settings = load()
    if account is not None:
        settings.account(account)
    since = datetime.now(UTC) - timedelta(days=days)
    database = await Database.open(paths.database)
    try:
        found = await database.read(ledger_store.entries, account=account, since=since, limit=limit)
    finally:
        await database.close()
    if as_json:
        return print_json([codec.to_data(one) for one in found])
    if not found:
        return say(f"Nothing has left this machine in {days} days.")
    for one in found:
        say(_line(one))
    return None


def _line(one: LedgerEntry) -> str:
    """One line, which may be as long as it is: a terminal wraps it, and `grep` finds it."""
    price = "unknown price" if one.cost_usd is None else f"{one.cost_usd:.4f} USD"
    bound = "at most " if one.event in {"sent", "lost"} and one.cost_usd is not None else ""
    hidden = ", redacted" if one.redacted else ""
    return (
        f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}  {one.account}  {one.event} ({one.note}{hidden})"
        f"  {one.prompt}, {one.characters} characters, to {one.model} at {one.host}, "
        f"{bound}{price}"
    )


def key(name: str) -> None:
    """Ask for a large model's key, and keep it in the keychain."""
    _, settings = load()
    if name not in settings.large:
        raise LargeUnknown(name, tuple(settings.large))
    typed = typer.prompt(f"Key for {name!r} (it is not shown)", hide_input=True)
    keychain.keep(name, entry(name), typed.strip())
    say(f"The key for {name!r} is kept in the system's keychain.")
