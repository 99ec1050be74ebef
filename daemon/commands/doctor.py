"""`doctor`: every check beside each other, a table of what was found, and a report of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from daemon import config
from daemon.commands import plugin
from daemon.commands.output import console, print_json, say
from daemon.doctor import home, mail, models, running
from daemon.doctor.findings import ORDER, Finding, Look, Scene, examine
from daemon.doctor.report import write_report
from daemon.errors import ConfigInvalid, ConfigMissing
from daemon.paths import Paths, find_paths
from mlx_agent import codec
from plugin.client import ApiError, Client

LOOKS: dict[str, Look] = {
    "config": home.look_at_config,
    "home": home.look_at_home,
    "disk": home.look_at_disk,
    "store": home.look_at_store,
    "logs": home.look_at_logs,
    "daemon": running.look_at_socket,
    "service": running.look_at_service,
    "plugin": running.look_at_plugin,
    "base": models.look_at_base,
    "weights": models.look_at_weights,
    "mlx": models.look_at_worker,
    "agents": home.look_at_adapters,
    "clock": running.look_at_clock,
}
STYLES = {"ok": "green", "warn": "yellow", "wrong": "bold red", "skipped": "dim"}


def doctor(*, offline: bool, report: Path | None, as_json: bool) -> None:
    """Look at everything and say what mends it; exit code 1 where something is wrong."""
    scene = scene_of(find_paths())
    found = examine(all_looks(scene, offline=offline), scene)
    if as_json:
        print_json([codec.to_data(one) for one in found])
    else:
        console.print(table(found))
        say(verdict(found))
    if report is not None:
        write_report(report, scene, found)
        if not as_json:
            say(f"Wrote {report}, without private content; look it over before you send it.")
    if any(one.state == "wrong" for one in found):
        sys.exit(1)


def scene_of(paths: Paths) -> Scene:
    """What the checks look at, on this machine now."""
    settings, problem = None, None
    try:
        settings = config.load(paths.config)
    except (ConfigMissing, ConfigInvalid) as error:
        problem = error
    return Scene(
        paths=paths,
        settings=settings,
        problem=problem,
        now=datetime.now(UTC),
        health=lambda: asyncio.run(_health(paths.socket)),
        plugin=plugin.examined,
        synchronised=running.synchronised,
    )


def all_looks(scene: Scene, *, offline: bool) -> dict[str, Look]:
    """Every check by its name, those of accounts and models after the home's."""
    more = [*mail.looks(scene, offline=offline), *models.looks(scene, offline=offline)]
    return LOOKS | dict(more)


async def _health(socket: Path) -> dict[str, Any]:
    try:
        async with Client(socket) as client:
            return await client.health()
    except ApiError as error:
        raise OSError from error


def table(found: Iterable[Finding]) -> Table:
    """What is wrong comes first."""
    shown = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold", max_width=20)
    shown.add_column(overflow="fold", ratio=1)
    for one in sorted(found, key=lambda one: ORDER.index(one.state)):
        said = Text(f"{one.what} {one.mend}".strip())
        shown.add_row(Text(one.state, STYLES[one.state]), Text(one.check), said)
    return shown


def verdict(found: Sequence[Finding]) -> str:
    """How it stands, in one sentence."""
    count = sum(one.state == "wrong" for one in found)
    warned = sum(one.state == "warn" for one in found)
    also = f", and {warned} may be" if warned else ""
    if count:
        return f"{count} thing{' is' if count == 1 else 's are'} wrong{also}."
    if warned:
        return f"Nothing is wrong; {warned} thing{'s'[: warned != 1]} may be."
    return "Nothing is wrong."
