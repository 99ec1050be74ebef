"""Teaching in a process of its own, as `benchmarks.teach` starts it; prints what it was as JSON.

    python -m benchmarks.taught HOME ACCOUNT            the job, over the store
    python -m benchmarks.taught HOME ACCOUNT --bare     the same questions, asked by a plain loop

The plain loop is the peer: the same client and so many workers, each of which asks one question
after the other. It keeps no answers, no ledger and no budget, and knows its questions beforehand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from daemon import config
from daemon.app import build_door, now
from daemon.jobs.tasks import Tasks, plan_teaching
from daemon.jobs.worker import Worker
from daemon.records import Progress
from daemon.store.database import Database
from mlx_agent.large.offline import Offline
from mlx_agent.teach.cost import foresee

STEP = 500
"""Samples from one look at the memory to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """One run. Memory is resident, in MB: before the mails were read, and after so many samples.

    `answered` are the times of the answers in seconds from the first question, of the plain loop
    alone: the job's stand in its ledger.
    """

    seconds: float
    cpu_seconds: float
    start_mb: float
    mb: dict[int, float] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    answered: list[float] = field(default_factory=list)


def main() -> None:
    """Teach one account once."""
    parser = argparse.ArgumentParser(description="Teach one account once.")
    parser.add_argument("home", type=Path)
    parser.add_argument("account")
    parser.add_argument("--bare", action="store_true", help="ask in a plain loop, keep nothing")
    asked = parser.parse_args()
    run = _bare if asked.bare else _job
    print(json.dumps(asdict(asyncio.run(run(asked.home, asked.account)))))


@asynccontextmanager
async def tasks_of(home: Path) -> AsyncIterator[Tasks]:
    """The tasks of a home, as the daemon builds them."""
    paths = config.find_paths(str(home))
    settings = config.load(paths.config)
    database = await Database.open(paths.database)
    worker = Worker(paths.logs / "worker.log", scratch=paths.scratch)  # is not started
    door = build_door(settings, database, worker)
    try:
        yield Tasks(
            config=settings,
            database=database,
            worker=worker,
            door=door,
            gate_writer=Offline(),
            adapters_root=paths.adapters,
            datasets_root=paths.datasets,
            clock=now,
        )
    finally:
        await door.close()
        await database.close()


async def _job(home: Path, account: str) -> Taught:
    mb: dict[int, float] = {}

    def report(progress: Progress) -> None:
        if progress.done % STEP == 0 and progress.done not in mb:
            mb[progress.done] = _resident_mb()

    async with tasks_of(home) as tasks:
        start_mb = _resident_mb()
        start, cpu = time.perf_counter(), time.process_time()
        outcome = await tasks.teach(account, report)
        return Taught(
            seconds=time.perf_counter() - start,
            cpu_seconds=time.process_time() - cpu,
            start_mb=start_mb,
            mb=mb,
            outcome=outcome,
        )


async def _bare(home: Path, account: str) -> Taught:
    async with tasks_of(home) as tasks:
        plan = await plan_teaching(tasks.config, tasks.database, tasks.door, account)
        questions = iter([one.ask.task for one in foresee(plan.items, plan.recipe, {})])
        teacher = tasks.config.models.teacher
        model, in_flight = tasks.door.models[teacher], tasks.config.large[teacher].in_flight
        answered: list[float] = []
        start_mb = _resident_mb()
        start, cpu = time.perf_counter(), time.process_time()

        async def ask() -> None:
            for task in questions:
                await model.complete(task)
                answered.append(time.perf_counter() - start)

        await asyncio.gather(*(ask() for _ in range(in_flight)))
        return Taught(
            seconds=time.perf_counter() - start,
            cpu_seconds=time.process_time() - cpu,
            start_mb=start_mb,
            answered=answered,
        )


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
