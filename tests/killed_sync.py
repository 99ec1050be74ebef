"""Kill a sync at every commit, for tests: a process of its own, which forks the syncs.

    python killed_sync.py HOME WORK

HOME is a home with a config whose account is `work`, and with a store. For k = 1, 2, ... it is
copied to WORK/k; a sync there dies within its k-th commit (every statement executed, nothing
committed yet), and another one goes on from what is left. It ends with the first k that is more
than a sync commits: that copy, WORK/clean, is the undisturbed run. Prints how many were killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from daemon import config
from daemon.mailbox.sync import sync_account
from daemon.store.database import Database

KILLED = 100


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


async def _sync(home: Path, dies_at: int) -> None:
    paths = config.find_paths(str(home))
    database = await Mortal.open(paths.database)
    database.dies_at = dies_at
    try:
        account = config.load(paths.config).account("work")
        await sync_account("work", account, database, lambda _: None)
    finally:
        await database.close()


def _in_a_process(home: Path, dies_at: int) -> int:
    """The exit code; forked, because starting Python anew takes longer than the sync."""
    child = os.fork()
    if child == 0:
        asyncio.run(_sync(home, dies_at))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(home: Path, work: Path) -> None:
    """See above."""
    for k in count(1):
        copy = work / str(k)
        shutil.copytree(home, copy)
        code = _in_a_process(copy, k)
        if code == 0:
            copy.rename(work / "clean")
            print(k - 1)
            return
        assert code == KILLED, f"exit {code} at commit {k}"
        code = _in_a_process(copy, 0)
        assert code == 0, f"exit {code} after the kill at commit {k}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
