"""`corpus stats`: what the home's accounts hold, as the paper's Table 1 and Figures 4 to 9."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rich.table import Table

from daemon.commands.output import console, print_json, say
from daemon.commands.session import load
from daemon.config import Config
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.evaluate.sampling import Leaks, leaks, splits
from mlx_agent.evaluate.statistics import (
    Count,
    KindStatistics,
    Measured,
    Named,
    by_kind,
    counter,
    measured,
)
from mlx_agent.records import Mail

SEED = 1
"""Of the random split whose leaks are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The figures by kind, what they are counted in, and what a random split of lessons leaks."""

    unit: str
    kinds: tuple[KindStatistics, ...]
    leaks: Leaks


async def stats(*, as_json: bool) -> None:
    """Read all accounts, one at a time, and print; nothing is written."""
    paths, settings = load()
    unit, count = await asyncio.to_thread(counter, settings.train.base)
    database = await Database.open(paths.database)
    try:
        texts = [
            text
            for name in settings.accounts
            for text in await _texts(name, settings, database, count)
        ]
        leaked = [await _leaks(name, settings, database) for name in settings.accounts]
    finally:
        await database.close()
    found = Stats(unit=unit, kinds=by_kind(texts), leaks=_sum(leaked))
    return print_json(codec.to_data(found)) if as_json else _print(found)


async def _texts(name: str, settings: Config, database: Database, count: Count) -> list[Measured]:
    """What the person themselves sent."""
    account = settings.account(name)
    mails = await database.read(mail_store.mails, name)

    def own() -> list[Measured]:
        sent: list[Mail] = [m for m in mails if m.sender.address.lower() in account.addresses]
        return measured(sent, name, account.kind, count)

    return await asyncio.to_thread(own)


async def _leaks(name: str, settings: Config, database: Database) -> Leaks:
    lessons = await database.read(lesson_store.lessons, name)
    return leaks(splits(lessons, "paper", SEED, settings.account(name).kind))


def _sum(found: list[Leaks]) -> Leaks:
    return Leaks(
        test=sum(one.test for one in found),
        threads=sum(one.threads for one in found),
        texts=sum(one.texts for one in found),
        either=sum(one.either for one in found),
    )


def _print(found: Stats) -> None:
    if not found.kinds:
        return say("There is no text in this home yet; see `trimtab corpus load --help`.")
    console.print(_table(found))
    for one in found.kinds:
        say(f"{one.kind.capitalize()}s by length: {_bars(one)}.")
        say(f"  Most by: {_names(one.writers)}.")
        if one.receivers:
            say(f"  Most to: {_names(one.receivers)}.")
    if found.leaks.test:
        say(
            f"A random split as the paper's would leak {found.leaks.either} of "
            f"{found.leaks.test} test lessons ({found.leaks.threads} by their thread, "
            f"{found.leaks.texts} by their text)."
        )
    return None


def _table(found: Stats) -> Table:
    table = Table(title=f"Texts, in {found.unit}", title_justify="left")
    for name in ("kind", "texts", "people", "average", "median", "answering", "context"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for one in found.kinds:
        context = "" if one.context is None else f"{one.context:.2f}"
        table.add_row(
            one.kind,
            f"{one.texts}",
            f"{one.people}",
            f"{one.tokens:.2f}",
            f"{one.lengths.median:g}",
            f"{one.answering}",
            context,
        )
    return table


def _bars(one: KindStatistics) -> str:
    """The bars that have texts, as `32 to 63: 7`."""
    return ", ".join(
        f"{bar.start} to {bar.end - 1}: {bar.texts}" if bar.end else f"{bar.start}+: {bar.texts}"
        for bar in one.lengths.bars
        if bar.texts
    )


def _names(names: tuple[Named, ...]) -> str:
    return ", ".join(f"{one.name} ({one.texts})" for one in names)
