"""Teaching, measured (`make bench-teach`): rate, memory, kills, leaks and cost.

    PYTHONPATH=tests python -m benchmarks.teach [--brief] [--only SECTION...]

Claude is a server on this machine, in a process of its own, that speaks the real wire format
(`tests/anthropic_server.py`). Sections:

    rate     live requests per second through the daemon's whole way (door, ledger, store) against a
             server that takes 300 ms and 50 requests at a time, and the same client in a bare loop;
             and against one that takes 1 s, for what is lost where computing is not the limit
    memory   the growth while 2,000 and 10,000 samples are taught, above what their mails take
    people   four people's mail by the offline model: lessons, reasons, leaked facts, time
    killed   the same mail in batches, and live, killed ten times at random and gone on with
    cost     tokens and USD for each mail

The last three need the people's mail beside the repository and are left out without it. Ends with 1
where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
from anthropic_server import Ledger, process
from large_homes import HOME, fill, settings, write_home
from rich.console import Console
from rich.table import Table
from teaching_examples import a_mail

from benchmarks import leaks, people
from daemon import config
from daemon.app import build_door, build_tasks
from daemon.commands.loop import tune
from daemon.config import Config, Paths
from daemon.errors import NothingToTeach
from daemon.jobs.tasks import Tasks, plan_teaching
from daemon.jobs.worker import Worker
from daemon.store import ledger as ledger_store
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent import render
from mlx_agent.large.prices import known_price
from mlx_agent.records import Lesson, Mail
from mlx_agent.teach.cost import Foreseen, estimate, foresee

SECTIONS = ("rate", "memory", "people", "killed", "cost")
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5")
LATENCY_S, SLOW_S, IN_FLIGHT, KILLS = 0.3, 1.0, 50, 10
TESTS = Path(__file__).parent.parent / "tests"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
RICH = {"budget": {"night_usd": 1e6, "month_usd": 1e6}}
QUALITIES = "old new grey small large warm cold round broken early late quiet loud plain".split()
THINGS = "boat sail mast rope oar yard plan list key lamp door table chair roof wall road".split()
STATES = "ready lost found here gone done sold fixed painted wet dry open shut clean full".split()
WHOSE = "my your our their his her this that each another some every".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table; without a bound it only tells."""

    what: str
    measured: str
    bound: str = ""
    met: bool = True


# --- homes ------------------------------------------------------------------------------------


def some_mails(count: int) -> list[Mail]:
    """Mails no two of which say the same."""
    return [a_mail(number, own_text=_text(number)) for number in range(count)]


def _text(number: int) -> str:
    said = []
    for words in (QUALITIES, THINGS, STATES, WHOSE):
        number, place = divmod(number, len(words))
        said.append(words[place])
    quality, thing, state, whose = said
    return f"Hello Tim,\n\n{whose} {quality} {thing} is {state}. Can you come?\n\nCheers,\nNora"


@asynccontextmanager
async def opened(paths: Paths, chosen: Config) -> AsyncIterator[Tasks]:
    """The jobs of a home."""
    database = await Database.open(paths.database)
    worker = Worker(paths.logs / "worker.log", scratch=paths.scratch)
    door = build_door(chosen, database, worker)
    try:
        yield build_tasks(paths, door, worker)
    finally:
        await door.close()
        await database.close()


# --- rate -------------------------------------------------------------------------------------


async def rate(scratch: Path, *, brief: bool) -> list[Result]:
    """Live teaching as a share of what the server can give."""
    samples = 150 if brief else 600
    fast = await _taught(scratch / "fast", samples, LATENCY_S)
    slow = await _taught(scratch / "slow", samples, SLOW_S)
    most, slow_most = IN_FLIGHT / LATENCY_S, IN_FLIGHT / SLOW_S
    steady, bare = fast.steady, fast.bare
    return [
        Result(
            what=f"rate, {3 * samples} requests, between the first and the last tenth",
            measured=f"{steady:.0f}/s, {steady / most:.1%} of {most:.0f}/s",
            bound="95 %",
            met=steady >= 0.95 * most,
        ),
        Result(what="  the client in a bare loop", measured=f"{bare:.0f}/s, {bare / most:.1%}"),
        Result(
            what="  computing for a request, in all threads",
            measured=f"{fast.core_ms:.1f} ms, of {1000 / most:.1f} ms at the most there can be",
        ),
        Result(
            what=f"  where an answer takes {SLOW_S:.0f} s",
            measured=f"{slow.steady:.1f}/s, {slow.steady / slow_most:.1%} of {slow_most:.0f}/s",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """Requests per second, and what each takes of the processor, in ms."""

    bare: float
    steady: float
    core_ms: float


async def _taught(scratch: Path, samples: int, latency_s: float) -> _Rates:
    with process("--latency", str(latency_s), "--limit", str(IN_FLIGHT)) as url:
        data = settings(url, batch=False, in_flight=IN_FLIGHT) | RICH
        paths, chosen = write_home(scratch, data)
        async with opened(paths, chosen) as tasks:
            await fill(tasks.database, some_mails(samples))
            bare = await _bare(tasks, samples)
            begun = time.process_time()
            outcome = await tasks.teach(HOME, lambda _: None)
            core = time.process_time() - begun
            assert outcome["lessons"] == samples, outcome
            steady = await _steady(tasks.database)
    return _Rates(bare=bare, steady=steady, core_ms=1000 * core / (3 * samples))


async def _steady(database: Database) -> float:
    """Answers per second, without the tenth of them at each end."""
    found = await database.read(ledger_store.entries, account=None, since=EPOCH, limit=10**6)
    times = sorted(entry.at for entry in found if entry.event == "answered")
    cut = len(times) // 10
    first, last = times[cut], times[-cut - 1]
    return (len(times) - 2 * cut - 1) / (last - first).total_seconds()


async def _bare(tasks: Tasks, samples: int) -> float:
    """Requests per second of the same client when nothing is kept."""
    plan = await plan_teaching(tasks.config, tasks.database, tasks.door, HOME)
    asks = [one.ask.task for one in foresee(plan.items[: samples // 2], plan.recipe, {})]
    model, left = tasks.door.models["claude"], iter(asks)

    async def work() -> None:
        for task in left:
            await model.complete(task)

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return len(asks) / (time.perf_counter() - begun)


# --- memory -----------------------------------------------------------------------------------


def memory(scratch: Path, *, brief: bool) -> list[Result]:
    """The growth while so many samples are taught, each time in a process of its own."""
    grown = {}
    for samples in (500, 2_000) if brief else (2_000, 10_000):
        command = [sys.executable, "-m", "benchmarks.teach", "--grow", str(samples)]
        command += ["--scratch", str(scratch / f"memory{samples}")]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        grown[samples] = json.loads(told)
    (few, small), (many, large) = grown.items()
    more = large["teaching"] - small["teaching"]
    return [
        Result(
            what=f"memory, {many} samples taught instead of {few}",
            measured=f"{more:+.0f} MB ({small['teaching']:.0f} -> {large['teaching']:.0f} MB)",
            bound="flat: +20 MB",
            met=more <= 20,
        ),
        Result(
            what="  the mails and the plan before it",
            measured=f"{small['plan']:.0f} -> {large['plan']:.0f} MB",
        ),
    ]


async def grow(scratch: Path, samples: int) -> dict[str, float]:
    """MB that the plan takes, and that teaching takes above it, the peak of it."""
    data = {"accounts": {HOME: {"addresses": ["nora@falk.example"]}}, "teach": {"limit": samples}}
    paths, chosen = write_home(scratch, data)
    own = psutil.Process()
    async with opened(paths, chosen) as tasks:
        await fill(tasks.database, some_mails(samples))
        start = own.memory_info().rss
        plan = await plan_teaching(chosen, tasks.database, tasks.door, HOME)
        assert len(plan.items) == samples, len(plan.items)
        planned = peak = own.memory_info().rss
        del plan

        def look(_: object) -> None:
            nonlocal peak
            peak = max(peak, own.memory_info().rss)

        outcome = await tasks.teach(HOME, look)
        assert outcome["lessons"] == samples, outcome
    return {"plan": (planned - start) / 1e6, "teaching": (peak - planned) / 1e6}


# --- people -----------------------------------------------------------------------------------


async def taught_people(scratch: Path) -> list[Result]:
    """Four people's lessons by the offline model, looked through by the independent checker."""
    paths, chosen = await people.fill(scratch / "people", {})
    results, total, seconds = [], 0, 0.0
    async with opened(paths, chosen) as tasks:
        for who in chosen.accounts:
            begun = time.perf_counter()
            outcome = await tasks.teach(who, lambda _: None)
            seconds += time.perf_counter() - begun
            total += int(str(outcome["lessons"]))
            left_out = outcome["left_out"]
            assert isinstance(left_out, dict)
            reasons = ", ".join(f"{n} {why}" for why, n in left_out.items()) or "none"
            mended = f"{outcome['rules_generalised']} + {outcome['rules_dropped']}"
            results += [
                Result(
                    what=f"{who}: lessons, set aside, rules generalised + dropped",
                    measured=f"{outcome['lessons']}, {outcome['set_aside']}, {mended}",
                ),
                Result(what="  left out", measured=reasons),
            ]
    found = leaks.look(list(leaks.read(paths.database)), 500, 1)
    leaked = sum(bool(wrong & {*leaks.KINDS}) for wrong, _ in found.bad)
    invalid = sum(bool(wrong & {*leaks.FLAWS}) for wrong, _ in found.bad)
    valid = 1 - invalid / found.sampled
    return [
        *results,
        Result(
            what="rules with a leaked fact, of 500",
            measured=str(leaked),
            bound="0",
            met=not leaked and found.sampled == 500,
        ),
        Result(
            what="rules that are valid", measured=f"{valid:.1%}", bound="99 %", met=valid >= 0.99
        ),
        Result(what="time for 1,000 mails", measured=f"{1000 * seconds / total:.1f} s"),
    ]


# --- killed -----------------------------------------------------------------------------------


async def killed(scratch: Path, *, brief: bool) -> list[Result]:
    """In batches and live: every request paid once, and the lessons of an undisturbed run."""
    limit = 20 if brief else 100
    given = scratch / "given"
    await people.fill(given, {"teach": {"limit": limit}})
    results: list[Result] = []
    clean: dict[str, Lesson] = {}
    for name, changes, kills in (
        ("undisturbed", {}, 0),
        ("in batches", {}, KILLS),
        ("live", {"batch": False, "in_flight": 8}, KILLS),
    ):
        home, account = scratch / name, scratch / f"{name}.jsonl"
        shutil.copytree(given, home)
        with process("--ledger", str(account), "--latency", "0.02") as url:
            _point_at(home, url, limit, changes)
            died = _kill(home, kills, longest=1.5 if brief else 3.0) if kills else _kill(home, 0)
        lessons = {lesson.id: lesson for lesson in await _lessons(home)}
        clean = clean or lessons
        if kills:
            lost = 10 * died if name == "live" else 0  # 8 in flight, 2 being written
            results += verdict(name, Ledger(account).times(), lessons, clean, died=died, lost=lost)
    return results


def verdict(
    name: str,
    paid: Counter[str],
    lessons: dict[str, Lesson],
    clean: dict[str, Lesson],
    *,
    died: int,
    lost: int,
) -> list[Result]:
    """Whether a run that was killed so often paid and made what an undisturbed one does.

    `lost` are the requests that may have been in flight at the kills, which are paid again.
    """
    twice = sum(paid.values()) - len(paid)
    same = {key: _bare_lesson(one) for key, one in lessons.items()} == {
        key: _bare_lesson(one) for key, one in clean.items()
    }
    return [
        Result(
            what=f"killed {died} times, {name}: of {len(paid)} requests paid twice",
            measured=str(twice),
            bound=f"at most {lost}",
            met=twice <= lost and died == KILLS,
        ),
        Result(
            what=f"  its {len(lessons)} lessons against the undisturbed run's {len(clean)}",
            measured="the same" if same else "others",
            bound="the same",
            met=same and bool(clean),
        ),
    ]


def _point_at(home: Path, url: str, limit: int, changes: dict[str, object]) -> None:
    """Make Claude at that address the teacher of a home."""
    paths = config.find_paths(str(home))
    data = settings(url, **changes)
    accounts = {
        who: {"addresses": people.ADDRESSES[who], "cloud": "all"} for who in people.ADDRESSES
    }
    write_home(home, {**data, **RICH, "accounts": accounts, "teach": {"limit": limit}})
    assert paths.database.exists()


def _kill(home: Path, kills: int, longest: float = 0.5) -> int:
    """How many runs were killed until teaching was done."""
    command = [sys.executable, str(TESTS / "killed_teaching.py"), str(home), "--random", "1"]
    command += ["--kills", str(kills), "--longest", str(longest)]
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout)


async def _lessons(home: Path) -> list[Lesson]:
    database = await Database.open(config.find_paths(str(home)).database)
    try:
        return [
            lesson
            for who in people.ADDRESSES
            for lesson in await database.read(lesson_store.lessons, who)
        ]
    finally:
        await database.close()


def _bare_lesson(lesson: Lesson) -> Lesson:
    """Without what its calls used: the price is another one live."""
    return replace(lesson, calls=())


# --- cost -------------------------------------------------------------------------------------


async def cost(scratch: Path) -> list[Result]:
    """Tokens for each mail of the people's, and what they cost."""
    paths, chosen = await people.fill(scratch / "cost", {})
    foreseen: list[Foreseen] = []
    async with opened(paths, chosen) as tasks:
        for who in chosen.accounts:
            with suppress(NothingToTeach):
                plan = await plan_teaching(chosen, tasks.database, tasks.door, who)
                foreseen += list(foresee(plan.items, plan.recipe, {}))
    prompts: dict[str, list[Foreseen]] = {}
    for one in foreseen:
        prompts.setdefault(render.prompt_name(one.ask.task), []).append(one)
    results = []
    for name, some in prompts.items():
        found = estimate(some, None, batch=False)
        each = f"{found.input_tokens / len(some):.0f} in, {found.output_tokens / len(some):.0f} out"
        results.append(Result(what=f"tokens, {name} ({len(some)} mails)", measured=each))
    for model in MODELS:
        live, half = (_usd(foreseen, model, batch=batch) for batch in (False, True))
        measured = f"{live:.5f} a mail, {1000 * live:.2f} per 1,000; in batches {1000 * half:.2f}"
        results.append(Result(what=f"USD, {model}", measured=measured))
    return results


def _usd(foreseen: Iterable[Foreseen], model: str, *, batch: bool) -> float:
    found = estimate(foreseen, known_price(model), batch=batch)
    return (found.cost_usd or 0.0) / found.mails


# --- the command ------------------------------------------------------------------------------


async def measured(section: str, scratch: Path, *, brief: bool) -> list[Result]:
    """One section's lines."""
    if section in {"people", "killed", "cost"} and not people.FOLDER.is_dir():
        return [Result(what=section, measured="left out: no mail of people is here")]
    match section:
        case "rate":
            return await rate(scratch, brief=brief)
        case "memory":
            return memory(scratch, brief=brief)
        case "people":
            return await taught_people(scratch)
        case "killed":
            return await killed(scratch, brief=brief)
    return await cost(scratch)


def main() -> int:
    """Print the table; 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description="Measure teaching.")
    parser.add_argument("--brief", action="store_true", help="smaller sizes")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--grow", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    tune()  # as every command does
    if asked.grow:
        print(json.dumps(asyncio.run(grow(asked.scratch, asked.grow))))
        return 0
    table = Table("measured", "result", "bound", "", title="Teaching")
    lines = []
    for section in asked.only:
        with tempfile.TemporaryDirectory() as scratch:
            lines += asyncio.run(measured(section, Path(scratch), brief=asked.brief))
    for line in lines:
        sign = ("met" if line.met else "MISSED") if line.bound else ""
        table.add_row(line.what, line.measured, line.bound, sign)
    Console(width=130).print(table)
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
