"""One sync in a process of its own, as `benchmarks.mail` starts it; prints what it was as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from daemon.config import Account, Imap
from daemon.mailbox.sync import sync_account
from daemon.records import Progress
from daemon.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync: fetching, from before it connects to after its last commit, and reading after it.

    Reading parses what was fetched and cuts it. Peak memory, in MB, is that of both.
    """

    seconds: float
    read_seconds: float
    peak_mb: float
    added: int


def main() -> None:
    """Sync one mailbox into the store at PATH."""
    parser = argparse.ArgumentParser(description="Sync one mailbox once.")
    parser.add_argument("path", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("--kill-at", type=int, help="end by SIGKILL once so many are committed")
    asked = parser.parse_args()
    imap = Imap(host="127.0.0.1", port=asked.port, security="plain", user=asked.user)
    account = Account(
        addresses=("ada@example.com",), imap=imap.model_copy(update={"password": "secret"})
    )
    print(json.dumps(asdict(asyncio.run(_sync(asked.path, account, asked.kill_at)))))


async def _sync(path: Path, account: Account, kill_at: int | None) -> Sync:
    start = fetched = time.perf_counter()

    def report(progress: Progress) -> None:
        nonlocal fetched
        if progress.step == "sync":  # what it tells of has just been committed
            fetched = time.perf_counter()
            if kill_at is not None and progress.done >= kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    database = await Database.open(path)
    try:
        start = fetched = time.perf_counter()
        result = await sync_account("work", account, database, report)
        end = time.perf_counter()
    finally:
        await database.close()
    return Sync(
        seconds=fetched - start,
        read_seconds=end - fetched,
        peak_mb=_peak_mb(),
        added=result.added,
    )


def _peak_mb() -> float:
    """Linux keeps a process's peak by itself; what getrusage gives there is its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
