"""`report`: the page, the names of its numbers, and how each came about."""

from __future__ import annotations

import asyncio
from pathlib import Path

from daemon.app import now
from daemon.commands.output import print_json, say
from daemon.commands.session import choose_account, load
from daemon.explain import explain as sentence
from daemon.files import write_whole
from daemon.report import explaining
from daemon.report.collecting import collect
from daemon.report.drawn import Pictures, drawn
from daemon.report.numbers import numbers
from daemon.report.page import page
from daemon.report.records import Material
from daemon.report.words import explained, with_interval
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.errors import ExtraMissing


async def report(account: str | None, out: Path, *, as_json: bool) -> None:
    """Write the page, for its user only. Raises AccountUnknown and FileRefused."""
    material = await _material(account)
    content, note = await asyncio.to_thread(made, material)
    write_whole(out, content)
    if as_json:
        return print_json({"file": str(out), "bytes": len(content), "note": note or None})
    say(f"Written to {out}, for you alone: it holds private text of your mails.")
    if note:
        say(note)
    return None


async def names(account: str | None, *, as_json: bool) -> None:
    """Every number by its name."""
    found = await asyncio.to_thread(numbers, await _material(account))
    if as_json:
        return print_json({name: one.value for name, one in found.items()})
    for name, one in found.items():
        say(f"{name}: {with_interval(one)}")
    return None


async def explain(account: str | None, name: str, *, as_json: bool) -> None:
    """What a number was computed from. Raises NumberUnknown, and ExtraMissing without NumPy."""
    found = await asyncio.to_thread(explaining.explain, await _material(account), name)
    if as_json:
        return print_json(codec.to_data(found))
    for line in explained(found):
        say(line)
    return None


def made(material: Material) -> tuple[bytes, str]:
    """The page, and a sentence where it has no pictures."""
    note = ""
    pictures: Pictures = {}
    try:
        pictures = drawn(material)
    except ExtraMissing as error:
        note = f"There are no pictures. {sentence(error)}"
    return page(material, numbers(material), pictures, note), note


async def _material(account: str | None) -> Material:
    paths, settings = load()
    only = choose_account(settings, account) if account else None
    database = await Database.open(paths.database)
    try:
        return await database.read(collect, list(settings.accounts), only, now())
    finally:
        await database.close()
