"""A client of the daemon: of the one that runs, or of one that lives as long as the command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from daemon import config
from daemon.app import App, open_app
from daemon.config import Config, Paths
from daemon.errors import HomeInUse
from plugin.client import Client


def load() -> tuple[Paths, Config]:
    """Where things are, and the user's config; raises ConfigMissing and ConfigInvalid."""
    paths = config.find_paths()
    return paths, config.load(paths.config)


def choose_account(settings: Config, name: str | None) -> str:
    """The named account, or the only one; raises AccountUnknown."""
    if name is None and len(settings.accounts) == 1:
        return next(iter(settings.accounts))
    settings.account(name or "")
    assert name is not None
    return name


@asynccontextmanager
async def daemon_client(paths: Paths, settings: Config) -> AsyncIterator[Client]:
    """A client of the running daemon, or of one brought up for the duration."""
    async with AsyncExitStack() as stack:
        with suppress(HomeInUse):  # a daemon is running on this home: be its client
            await stack.enter_async_context(local_app(paths, settings))
        yield await stack.enter_async_context(Client(paths.socket))


@asynccontextmanager
async def local_app(paths: Paths, settings: Config) -> AsyncIterator[App]:
    """An app of our own that serves its socket but starts nothing by itself."""
    async with open_app(paths, settings) as app, app.serving():
        yield app


async def run_daemon() -> None:
    """Run the daemon until SIGINT or SIGTERM."""
    paths, settings = load()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_app(paths, settings) as app, app.serving():
        with app.scheduled():
            await stop.wait()
