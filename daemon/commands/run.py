"""`run`: the daemon in the foreground.

It answers before it is there: only what the socket needs is loaded first, and the rest beside it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack

from daemon.api.front import Front, front
from daemon.errors import ConfigMissing
from daemon.lock import HomeLock
from daemon.logs import logging_to
from daemon.paths import Paths, find_paths, make_directories

log = logging.getLogger(__name__)


async def run_daemon(*, aloud: bool = True) -> None:
    """Run the daemon until SIGINT or SIGTERM; raises ConfigMissing with nothing made.

    `aloud`: what goes to the log is said on standard error, too.
    """
    paths = find_paths()
    if not paths.config.exists():
        raise ConfigMissing(paths.config)
    make_directories(paths)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with logging_to(paths.logs, aloud=aloud), HomeLock(paths.lock):
        async with front(paths.socket) as door, AsyncExitStack() as stack:
            await _enter(stack, paths, door)
            log.info("trimtab answers at %s; Ctrl-C ends it", paths.socket)
            await stop.wait()
        log.info("trimtab has ended")


async def _enter(stack: AsyncExitStack, paths: Paths, door: Front) -> None:
    """Load the daemon on a thread, for the door answers meanwhile, and open the app behind it."""
    await asyncio.to_thread(_load)
    from daemon import config
    from daemon.app import build_app

    app = await stack.enter_async_context(build_app(paths, config.load(paths.config)))
    await stack.enter_async_context(app.serving(door))
    await stack.enter_async_context(app.scheduled())


def _load() -> None:
    import daemon.app  # noqa: F401  # seconds, on a slow machine
