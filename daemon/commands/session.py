"""A client of the daemon: of the one that runs, or of one that lives as long as the command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from daemon import config
from daemon.app import App, open_app
from daemon.config import Config, Paths
from daemon.errors import HomeInUse
from daemon.logs import logging_to
from plugin.client import Client


def load() -> tuple[Paths, Config]:
    """Where things are, the places made, and the user's config.

    Raises ConfigMissing and ConfigInvalid, with nothing made.
    """
    paths = config.find_paths()
    settings = config.load(paths.config)
    config.make_directories(paths)
    return paths, settings


def choose_account(settings: Config, name: str | None) -> str:
    """The named account, or the only one; raises AccountUnknown."""
    if name is None and len(settings.accounts) == 1:
        return next(iter(settings.accounts))
    chosen = name or ""
    settings.account(chosen)
    return chosen


@asynccontextmanager
async def daemon_client(paths: Paths, settings: Config) -> AsyncIterator[Client]:
    """A client of the running daemon, or of one brought up for the duration."""
    async with AsyncExitStack() as stack:
        with suppress(HomeInUse):  # a daemon is running on this home: be its client
            await stack.enter_async_context(local_app(paths, settings))
        yield await stack.enter_async_context(Client(paths.socket))


@asynccontextmanager
async def own_client(paths: Paths, settings: Config) -> AsyncIterator[Client]:
    """A client of a daemon with these very settings; raises HomeInUse where another runs."""
    async with local_app(paths, settings), Client(paths.socket) as client:
        yield client


@asynccontextmanager
async def local_app(paths: Paths, settings: Config) -> AsyncIterator[App]:
    """An app of our own that serves its socket but starts nothing by itself."""
    with logging_to(paths.logs):
        async with open_app(paths, settings, disk_retry_s=None) as app, app.serving():
            yield app
