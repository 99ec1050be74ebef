"""`status`: what the daemon holds and does, once or live."""

from __future__ import annotations

import asyncio

from rich.live import Live

from daemon.commands.output import console, print_json
from daemon.commands.session import daemon_client, load
from daemon.tui import render_status


async def status(*, once: bool, as_json: bool) -> None:
    """Print the status; on a terminal, keep it up to date until Ctrl-C."""
    paths, settings = load()
    async with daemon_client(paths, settings) as client:
        state = await client.status()
        if as_json:
            return print_json(state)
        if once or not console.is_terminal:
            return console.print(render_status(state))
        with Live(render_status(state), console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(1)
                live.update(render_status(await client.status()), refresh=True)
