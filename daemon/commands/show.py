"""`status`: what the daemon holds and does, once or live.

Without a daemon the store is read once, and the live status waits for one to come. The home is not
held meanwhile, so that a daemon can be started beside it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.live import Live

from daemon.app import open_app
from daemon.commands.output import console, print_json
from daemon.commands.session import load
from daemon.config import Config, Paths
from daemon.explain import explain
from daemon.keyboard import keys
from daemon.logs import logging_to
from daemon.status_keys import Action, View, press
from daemon.tui import render_status
from mlx_agent import adapters
from mlx_agent.errors import TrimtabError
from plugin.client import ApiError, Client, DaemonNotRunning

TICK_S = 1.0
NIGHT: tuple[str, ...] = ("sync", "teach", "train")
News = dict[str, Any] | str
"""A new status, or a key."""


async def status(*, once: bool, as_json: bool) -> None:
    """Print the status; on a terminal, keep it up to date until q or Ctrl-C."""
    paths, settings = load()
    live = console.is_terminal and not console.is_dumb_terminal
    if not as_json and not once and live:
        return await _live(paths, settings)
    state = await _look(paths, settings)
    if as_json:
        return print_json(state)
    return console.print(render_status(state, _now()))


async def _look(paths: Paths, settings: Config) -> dict[str, Any]:
    """The status by the daemon, or where none runs, by the store."""
    try:
        async with Client(paths.socket) as client:
            return await client.status() | {"daemon": True}
    except DaemonNotRunning:
        return await _stored(paths, settings)


async def _stored(paths: Paths, settings: Config) -> dict[str, Any]:
    """The status with no daemon; raises HomeInUse where one begins or ends."""
    with logging_to(paths.logs):
        async with open_app(paths, settings, disk_retry_s=None) as app:
            return await app.status() | {"daemon": False}


async def _live(paths: Paths, settings: Config) -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    news.put_nowait(await _look(paths, settings))
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, news.put_nowait, "q")
    feed = asyncio.create_task(_feed(paths, settings, news.put_nowait))
    feed.add_done_callback(lambda _: news.put_nowait("q"))
    try:
        with (
            Live(
                console=console, auto_refresh=False, screen=True, vertical_overflow="crop"
            ) as live,
            keys(news.put_nowait),
        ):
            await _Screen(paths, live).run(news)
    finally:
        feed.cancel()
    if feed.done():
        feed.result()  # raises what ended it


async def _feed(paths: Paths, settings: Config, tell: Callable[[News], None]) -> None:
    """Every new status, for ever: the daemon's, or once whenever there is none, the stored one."""
    served = True
    while True:
        with suppress(ApiError):
            async with Client(paths.socket) as client, aclosing(client.events()) as events:
                async for state in events:
                    served = True
                    tell(state | {"daemon": True})
        if served:
            with suppress(TrimtabError):  # HomeInUse: a daemon begins or ends just now
                tell(await _stored(paths, settings))
                served = False
        await asyncio.sleep(TICK_S)


class _Screen:
    """The live picture: takes what is new, does what keys ask for, draws what has changed."""

    def __init__(self, paths: Paths, live: Live) -> None:
        self._paths = paths
        self._live = live
        self._view = View()
        self._state: dict[str, Any] = {}
        self._shown: object = None

    async def run(self, news: asyncio.Queue[News]) -> None:
        """Until q."""
        action: Action | None = None
        while action != "quit":
            action = None
            with suppress(TimeoutError):
                new = await asyncio.wait_for(news.get(), TICK_S)
                if isinstance(new, str):
                    self._view, action = press(new, self._view, self._accounts())
                else:
                    self._state = new
            if action in {"run", "pause", "roll back"}:
                said = await self._told(action)
                self._view = View(chosen=self._view.chosen, said=said)
            if self._state and news.empty():
                self._draw(render_status(self._state, _now(), self._view))

    def _draw(self, picture: RenderableType) -> None:
        """Send a picture to the terminal unless that is what it shows: it may be far away."""
        lines = (console.size, console.render_lines(picture))
        if lines != self._shown:
            self._live.update(picture, refresh=True)
            self._shown = lines

    def _accounts(self) -> list[str]:
        return [row["account"] for row in self._state.get("accounts", [])]

    async def _told(self, action: Action | None) -> str:
        """Do it; a sentence on how it went."""
        try:
            if action == "roll back":
                return self._roll_back()
            async with Client(self._paths.socket) as client:
                return await (self._run_now(client) if action == "run" else self._pause(client))
        except ApiError as error:
            if error.code == "not_found":
                return "This daemon has no nights to pause."
            return error.message
        except TrimtabError as error:
            return explain(error)

    async def _run_now(self, client: Client) -> str:
        name = self._accounts()[self._view.chosen]
        for kind in NIGHT:
            await client.submit_job(kind, name)
        return f"{name}: {', '.join(NIGHT)} are queued."

    async def _pause(self, client: Client) -> str:
        paused = not (self._state.get("night") or {}).get("paused", False)
        night = await client.pause_nights(paused=paused)
        return "The nights are paused." if night["paused"] else "The nights run again."

    def _roll_back(self) -> str:
        name = self._accounts()[self._view.chosen]
        used = adapters.rollback(self._paths.adapters, name)
        if used is None:
            return f"{name}: no agent is used from now on."
        return f"{name}: {used} is used from now on."


def _now() -> datetime:
    return datetime.now().astimezone()
