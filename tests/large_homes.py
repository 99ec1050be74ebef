"""Homes whose teacher and writer are Claude, at a server on this machine, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import tomli_w
from anthropic_server import KEY, Server
from teaching_examples import a_mail

from daemon import config
from daemon.app import build_door
from daemon.config import Config, Paths
from daemon.jobs.worker import Worker
from daemon.outgoing import Door
from daemon.records import Batch, Incoming, Source
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Mail

HOME = "home"
THINGS = "the boat,the old sail,my mast,the rope,our dinghy,the second oar".split(",")


def settings(url: str, *, account: dict[str, Any] | None = None, **large: Any) -> dict[str, Any]:
    """A config's data: one account, all of which may leave, and Claude for both roles."""
    claude = {"provider": "anthropic", "model": "claude-sonnet-5-5", "base_url": url, "key": KEY}
    return {
        "accounts": {HOME: {"addresses": ["nora@falk.example"], "cloud": "all"} | (account or {})},
        "large": {"claude": claude | large},
        "models": {"teacher": "claude", "writer": "claude"},
    }


def write_home(root: Path, data: dict[str, Any]) -> tuple[Paths, Config]:
    """A home with this config."""
    paths = config.find_paths(str(root))
    config.make_directories(paths)
    paths.config.write_text(tomli_w.dumps(data), "utf-8")
    return paths, config.load(paths.config)


async def fill(database: Database, mails: list[Mail]) -> None:
    """Put mails into the store, as if they had been imported."""
    incoming = tuple(
        Incoming(mail=mail, source=Source(header=b"", plain=mail.own_text, html=None))
        for mail in mails
    )
    await database.write(mail_store.add_batch, Batch(account=HOME, incoming=incoming), 0)


def some_mails(count: int) -> list[Mail]:
    """Mails that teach, of the account `home`, no two of them alike."""
    return [
        a_mail(number, own_text=f"Hello Tim,\n\n{THINGS[number]} is ready.\n\nCheers,\nNora")
        for number in range(count)
    ]


@asynccontextmanager
async def open_door(
    root: Path, server: Server, *, account: dict[str, Any] | None = None, **large: Any
) -> AsyncIterator[tuple[Door, Database]]:
    """The door of a home, with its store."""
    budget = large.pop("budget", {})
    data = settings(server.url, account=account, **large) | {"budget": budget}
    paths, chosen = write_home(root, data)
    database = await Database.open(paths.database)
    worker = Worker(paths.logs / "worker.log", scratch=paths.scratch)
    door = build_door(chosen, database, worker)
    try:
        yield door, database
    finally:
        await door.close()
        await database.close()
