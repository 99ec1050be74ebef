"""How fast and how large teaching is, over invented mails and against a server on this machine."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anthropic_server import process
from large_homes import HOME, fill, settings, write_home
from teaching_examples import a_mail

from benchmarks.mail import Figure
from benchmarks.taught import Taught
from daemon.store import ledger
from daemon.store.database import Database
from mlx_agent.records import Mail

ROOT = Path(__file__).parent.parent
LATENCY_S, IN_FLIGHT = 0.3, 50
THEORETICAL = IN_FLIGHT / LATENCY_S
"""Requests a second, if nothing but the server took any time."""
ALL = {"budget": {"night_usd": 1e6, "month_usd": 1e6}, "teach": {"limit": 1_000_000}}
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
CHUNK = 1_000
_WORDS = (
    "boat sail mast rope dinghy oar anchor hull deck keel rudder tiller buoy chart compass lantern "
    "net hook paddle canvas"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Requests a second, in the steady state and of the whole run, and ms of CPU for each."""

    steady: float
    whole: float
    cpu_ms: float


def throughput(scratch: Path, brief: bool) -> Iterator[Figure]:
    """Live teaching and a plain loop in turn, with the server's limit as the number in flight."""
    samples, turns = (200, 1) if brief else (400, 3)
    ours: list[Speed] = []
    theirs: list[Speed] = []
    peak = 0.0
    for turn in range(turns):
        job, peak_mb = _job_speed(scratch / f"job{turn}", samples)
        ours.append(job)
        peak = max(peak, peak_mb)
        theirs.append(_bare_speed(scratch / f"bare{turn}", samples))
    steady, whole = (_median(ours, what) for what in ("steady", "whole"))
    best = max(speed.steady for speed in ours)
    yield Figure(
        what="live teaching, steady: requests/s, of the theoretical maximum",
        value=steady / THEORETICAL,
        at_least=0.95,
        note=f"median of {turns} runs of {samples} mails, {steady:.0f} of {THEORETICAL:.0f}/s; "
        f"best {best / THEORETICAL:.3f}; without the first and last {2 * IN_FLIGHT} answers",
    )
    yield Figure(
        what="the same, from the first question to the last answer",
        value=whole / THEORETICAL,
        note=f"{_median(ours, 'cpu_ms'):.1f} ms of CPU a request, peak memory {peak:.0f} MB",
    )
    bare = _median(theirs, "steady")
    yield Figure(
        what="a plain loop with the same client, steady, of the maximum",
        value=bare / THEORETICAL,
        note=f"whole {_median(theirs, 'whole') / THEORETICAL:.3f}, "
        f"{_median(theirs, 'cpu_ms'):.1f} ms of CPU a request",
    )
    yield Figure(
        what="live teaching, of the plain loop",
        value=steady / bare,
        note="with ledger, budget, store, parsing and checking of rules; the loop has none of it",
    )


def memory(scratch: Path, brief: bool) -> Iterator[Figure]:
    """Growth from a fifth of the samples to all of them, with the offline teacher."""
    samples = 2_500 if brief else 10_000
    asyncio.run(a_home(scratch, samples, {"models": {"teacher": "offline", "writer": "offline"}}))
    run = in_a_process(scratch)
    first = samples // 5
    assert run.outcome["lessons"] == samples, run.outcome
    yield Figure(
        what=f"memory: growth from {first:,} to {samples:,} samples",
        value=run.mb[samples] - run.mb[first],
        unit="MB",
        at_most=5.0,
        note="the offline teacher through the same path, the store included",
    )
    begun = run.mb[0] - run.start_mb
    yield Figure(
        what=f"memory: the {samples:,} mails, read at the start and kept",
        value=begun,
        unit="MB",
        note=f"{begun / samples * 1e3:.1f} KB a mail; peak {max(run.mb.values()):.0f} MB, "
        f"{run.seconds / samples * 1e3:.1f} ms a sample",
    )


def steady_rate(answered: Sequence[float], in_flight: int) -> float:
    """Answers a second between the first and the last two in flight's worth.

    Both ends of the interval are at whole numbers of those in flight: answers may come in waves.
    """
    ends = sorted(answered)
    first, last = 2 * in_flight - 1, len(ends) - 2 * in_flight - 1
    if last <= first:
        raise ValueError("too few answers for a steady state")
    return (last - first) / (ends[last] - ends[first])


def synthetic(count: int) -> Iterator[Mail]:
    """Mails that teach, no two of them alike, up to 160,000."""
    size = len(_WORDS)
    for number in range(count):
        one, two, three, four = (_WORDS[number // size**place % size] for place in range(4))
        said = f"the {one} and the {two} are ready, and so is the {three} with its {four}."
        text = f"Hello Tim,\n\n{said} Can you bring the keys?\n\nCheers,\nNora"
        yield a_mail(number, own_text=text)


async def a_home(root: Path, samples: int, changes: dict[str, Any]) -> None:
    """A home with so many invented mails; `changes` go on top of its config."""
    paths, _ = write_home(root, settings("http://127.0.0.1:9") | ALL | changes)
    database = await Database.open(paths.database)
    try:
        mails = list(synthetic(samples))
        for start in range(0, samples, CHUNK):
            await fill(database, mails[start : start + CHUNK])
    finally:
        await database.close()


def in_a_process(home: Path, *arguments: str, account: str = HOME) -> Taught:
    """A run of `benchmarks.taught`."""
    command = [sys.executable, "-m", "benchmarks.taught", str(home), account, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"the run ended with {done.returncode}")
    said = json.loads(done.stdout)
    return Taught(**said | {"mb": {int(key): mb for key, mb in said["mb"].items()}})


def _job_speed(home: Path, samples: int) -> tuple[Speed, float]:
    """The speed of the job, by its own ledger, and its peak memory in MB."""
    run = _against_server(home, samples)
    assert run.outcome["lessons"] == samples, run.outcome
    sent, answered = asyncio.run(_times(home))
    return _speed(answered, min(sent), run), max(run.mb.values())


def _bare_speed(home: Path, samples: int) -> Speed:
    run = _against_server(home, samples, "--bare")
    return _speed(run.answered, 0.0, run)


def _against_server(home: Path, samples: int, *arguments: str) -> Taught:
    server = ("--latency", str(LATENCY_S), "--limit", str(IN_FLIGHT))
    with process(*server) as url:
        large = settings(url, batch=False, in_flight=IN_FLIGHT)
        asyncio.run(a_home(home, samples, large))
        return in_a_process(home, *arguments)


async def _times(home: Path) -> tuple[list[float], list[float]]:
    """When requests were sent and when they were answered, by the ledger, in seconds."""
    database = await Database.open(home / "trimtab.db")
    try:
        every = await database.read(ledger.entries, account=None, since=EPOCH, limit=1_000_000)
    finally:
        await database.close()
    sent = [entry.at.timestamp() for entry in every if entry.event == "sent"]
    answered = [entry.at.timestamp() for entry in every if entry.event == "answered"]
    assert len(sent) == len(answered), "a request was refused"
    return sent, answered


def _speed(answered: Sequence[float], start: float, run: Taught) -> Speed:
    return Speed(
        steady=steady_rate(answered, IN_FLIGHT),
        whole=len(answered) / (max(answered) - start),
        cpu_ms=run.cpu_seconds / len(answered) * 1e3,
    )


def _median(speeds: Sequence[Speed], what: str) -> float:
    return statistics.median(getattr(speed, what) for speed in speeds)
