"""Teaching killed at random over people's mail: what was paid, and what came of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anthropic_server import KEY, Ledger, process

from benchmarks.mail import Figure
from benchmarks.people import ADDRESSES, fill
from benchmarks.taught import tasks_of
from daemon.jobs.tasks import SPARE
from daemon.store import lessons as lesson_store
from mlx_agent.records import Lesson

ROOT = Path(__file__).parent.parent
KILLS, SEED = 10, 7
IN_FLIGHT = 8
AT_HAND = IN_FLIGHT + IN_FLIGHT // SPARE
"""Samples that have a question out or its answer not yet written down: what one kill can lose."""
PART = 8
"""The longest time to a kill, as a part of the time that is left of an undisturbed run: ten kills
at half of that on average all fall into the run."""

Lessons = Mapping[str, Lesson]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run over all of the mail: what was paid for, by request, and the lessons by account."""

    paid: Counter[str]
    lessons: Lessons
    seconds: float
    kills: int = 0


def killed(scratch: Path, brief: bool) -> Iterator[Figure]:
    """In batches and live, each against an undisturbed run of its own."""
    limit = 30 if brief else 150
    for how, batch in (("in batches", True), ("live", False)):
        home = scratch / ("batches" if batch else "live")
        clean = _run(home / "clean", limit, batch=batch)
        longest = clean.seconds / PART
        hit = _run(home / "killed", limit, batch=batch, longest=longest)
        seen = compared(clean, hit)
        yield Figure(
            what=f"killed {how}: kills",
            value=hit.kills,
            at_least=KILLS,
            note=f"at random, seed {SEED}, after up to {longest:.1f} s each; undisturbed "
            f"{clean.seconds:.0f} s for {len(clean.paid):,} requests, {len(clean.lessons)} lessons",
        )
        yield Figure(
            what=f"killed {how}: requests paid more than once",
            value=seen.surplus,
            at_most=0 if batch else hit.kills * AT_HAND,
            note=f"of {sum(hit.paid.values()):,}" + ("" if batch else f"; {AT_HAND} may be out"),
        )
        yield Figure(
            what=f"killed {how}: requests that only one of the runs paid",
            value=seen.missing,
            at_most=0,
        )
        yield Figure(
            what=f"killed {how}: lessons that differ from the undisturbed run's",
            value=seen.different,
            at_most=0,
            note=f"of {len(clean.lessons)}; all but their usage is compared",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Payments beyond those of an undisturbed run, requests of one run alone, other lessons."""

    surplus: int
    missing: int
    different: int


def compared(clean: Run, hit: Run) -> Compared:
    """What a killed run did otherwise than an undisturbed one."""
    both = clean.lessons.keys() & hit.lessons.keys()
    changed = sum(clean.lessons[key] != hit.lessons[key] for key in both)
    return Compared(
        surplus=sum(max(0, count - clean.paid[key]) for key, count in hit.paid.items()),
        missing=len(clean.paid.keys() ^ hit.paid.keys()),
        different=changed + len(clean.lessons.keys() ^ hit.lessons.keys()),
    )


def _run(home: Path, limit: int, *, batch: bool, longest: float | None = None) -> Run:
    """Teach everybody, killed KILLS times if a longest time to a kill is given."""
    home.mkdir(parents=True)
    payments = home / "paid.jsonl"
    with process("--ledger", str(payments)) as url:
        asyncio.run(fill(home, _settings(url, limit, batch=batch)))
        kills = ["--kills", "0"] if longest is None else ["--longest", str(longest)]
        start = time.perf_counter()
        count = _killed_teaching(home, "--random", str(SEED), *kills)
        seconds = time.perf_counter() - start
    return Run(
        paid=Ledger(payments).times(),
        lessons=asyncio.run(_lessons(home)),
        seconds=seconds,
        kills=count,
    )


def _settings(url: str, limit: int, *, batch: bool) -> dict[str, Any]:
    claude = {
        "provider": "anthropic",
        "model": "claude-sonnet-5-5",
        "base_url": url,
        "key": KEY,
        "batch": batch,
        "in_flight": IN_FLIGHT,
    }
    return {
        "large": {"claude": claude},
        "models": {"teacher": "claude", "writer": "claude"},
        "budget": {"night_usd": 1e6, "month_usd": 1e6},
        "teach": {"limit": limit},
    }


def _killed_teaching(home: Path, *arguments: str) -> int:
    """How many runs were killed until the work was done."""
    tests = ROOT / "tests"
    command = [sys.executable, str(tests / "killed_teaching.py"), str(home), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tests)])}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"the killed runs ended with {done.returncode}")
    return int(done.stdout)


async def _lessons(home: Path) -> Lessons:
    """Every lesson by its account and id, without what its calls cost."""
    async with tasks_of(home) as tasks:
        return {
            f"{who}/{lesson.id}": replace(lesson, calls=())
            for who in ADDRESSES
            for lesson in await tasks.database.read(lesson_store.lessons, who)
        }
