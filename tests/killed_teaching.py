"""Kill teaching over and over, for tests: a process of its own, which forks the runs.

    python killed_teaching.py HOME [--random SEED --kills N]

HOME is a home whose accounts have mail. Teaching is run for each account until it is done; the
k-th run dies within its k-th commit (every statement executed, nothing committed yet), or, with
`--random`, so many runs at a random time of up to half a second. Every run goes on from what the
one before it left. Prints how many were killed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from daemon import config, teaching
from daemon.app import build_door, build_tasks
from daemon.errors import NothingToTeach
from daemon.jobs.worker import Worker
from daemon.store.database import Database

KILLED = 100
teaching.GRACE = timedelta(0)  # nobody waits here for a batch that is on its way


class Mortal(Database):
    """A store whose process dies within its `dies_at`-th transaction that writes."""

    dies_at = 0

    async def write(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As it is, except for the death."""
        self.dies_at -= 1
        last = self.dies_at == 0

        def deadly(connection: sqlite3.Connection) -> Any:
            result = fn(connection, *args, **kwargs)
            if last:
                os._exit(KILLED)
            return result

        return await super().write(deadly)


async def teach_all(home: Path, dies_at: int = 0) -> None:
    """Run the job for each account until nothing is waited for."""
    paths = config.find_paths(str(home))
    settings = config.load(paths.config)
    database = await Mortal.open(paths.database)
    database.dies_at = dies_at
    worker = Worker(paths.logs / "worker.log", scratch=paths.scratch)
    door = build_door(settings, database, worker)
    tasks = build_tasks(paths, door, worker)
    try:
        for account in settings.accounts:
            with suppress(NothingToTeach):
                while (await tasks.teach(account, lambda _: None))["waiting"]:
                    time.sleep(0.01)  # noqa: ASYNC251  # nothing else runs here
    finally:
        await door.close()
        await database.close()


def _in_a_process(home: Path, dies_at: int = 0, dies_after: float | None = None) -> int:
    """The exit code; forked, because starting Python anew takes longer than the run."""
    child = os.fork()
    if child == 0:
        if dies_after is not None:
            timer = threading.Thread(target=_kill, args=(dies_after,), daemon=True)
            timer.start()
        asyncio.run(teach_all(home, dies_at))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _kill(after: float) -> None:
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--random", type=int)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--longest", type=float, default=0.5, help="seconds before a kill")
    asked = parser.parse_args()
    killed = 0
    if asked.random is not None:
        draw = random.Random(asked.random)
        while killed < asked.kills:
            code = _in_a_process(asked.home, dies_after=asked.longest * draw.random())
            if code == 0:
                break
            assert code == -signal.SIGKILL, f"exit {code}"
            killed += 1
        assert _in_a_process(asked.home) == 0
    else:
        for k in count(1):
            code = _in_a_process(asked.home, k)
            if code == 0:
                break
            assert code == KILLED, f"exit {code} at commit {k}"
            killed += 1
    print(killed)


if __name__ == "__main__":
    main()
