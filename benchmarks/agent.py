"""Answering, measured (`make bench-agent`): passes, identity, time to the first rule, waiting.

    PYTHONPATH=tests python -m benchmarks.agent [--brief] [--only SECTION...]

An adapter of the pocket base is trained on the first half of each of four people's mail,
and asked about the rest; the nearest lessons of the training part are the hints. Sections:

    passes   forward passes for a list, and whether it is what plain decoding says
    first    time to the first rule with nothing kept, with the prefix kept, and warm, as ratios
    waiting  steps of a training that pass while rules are waited for

Needs the people's mail beside the repository; ends with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import people
from benchmarks.teach import Result, opened
from daemon.habits import shown, with_habits
from daemon.jobs.tasks import Tasks, lessons_to_train
from daemon.store.nearest import nearest_among
from mlx_agent import bases
from mlx_agent.agent import Agent
from mlx_agent.few_shot import NEIGHBOURS
from mlx_agent.prefixes import Shelf
from mlx_agent.records import Lesson, RenderSettings, Rule, X
from mlx_agent.rules import format_rules
from mlx_agent.teach.dataset import split, write_dataset
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest, TrainSettings

SECTIONS = ("passes", "first", "waiting")
MAILS, BRIEF_MAILS = 500, 60
FIRST = 25
"""Mails whose first rule is timed, for each way."""
WAITS = 20
"""Drafts during a training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An agent, and the later mails with the hints that they would have in use."""

    adapter: Adapter
    path: Path
    request: TrainRequest
    xs: tuple[X, ...]
    hints: tuple[tuple[str, ...], ...]

    def agent(self, shelf: Shelf | None = None) -> Agent:
        """The agent, loaded anew."""
        return Agent(bases.find("pocket"), self.path, shelf)


async def trained(tasks: Tasks, who: str) -> Person:
    """A person's agent of the earlier mails."""
    await tasks.teach(who, lambda _: None)
    lessons = await lessons_to_train(tasks.config, tasks.database, tasks.door, who)
    cut = len(lessons) // 2
    earlier, later = split(lessons[:cut]), lessons[cut:]
    render = bases.render_settings(bases.find("pocket"))
    dataset = write_dataset(tasks.datasets_root, who, with_habits(earlier), render)
    request = TrainRequest(
        account=who,
        base="pocket",
        dataset=dataset.path,
        dataset_hash=dataset.hash,
        lessons=len(earlier.train),
        settings=TrainSettings(),
        adapters_root=tasks.adapters_root,
    )
    adapter = await tasks.worker.train(request, lambda _: None)
    xs = tuple(lesson.x for lesson in shown(later, earlier.train))
    return Person(
        adapter=adapter,
        path=tasks.adapters_root / adapter.id,
        request=request,
        xs=xs,
        hints=tuple(_hints(earlier.train, xs)),
    )


def _hints(known: Sequence[Lesson], xs: Sequence[X]) -> list[tuple[str, ...]]:
    orders = nearest_among(known, list(xs), NEIGHBOURS)
    return [
        tuple(format_rules(lesson.rules) for lesson in list(order)[:NEIGHBOURS]) for order in orders
    ]


# --- passes -----------------------------------------------------------------------------------


def passes(found: dict[str, Person], *, brief: bool) -> list[Result]:
    """With the hints and without any proposal, on the same mails."""
    mails = BRIEF_MAILS if brief else MAILS
    results, differ, asked = [], 0, 0
    totals = [0, 0]
    for who, one in found.items():
        agent = one.agent()
        tokens = fast = 0
        share = -(-(mails - asked) // (len(found) - len(results)))
        for x, hints in list(zip(one.xs, one.hints, strict=True))[:share]:
            answer = agent.rules([x], one.adapter.render, hints=hints)[0]
            plain = agent.rules([x], one.adapter.render, hints=None)[0]
            differ += (answer.text, answer.rules) != (plain.text, plain.rules)
            tokens, fast, asked = tokens + plain.passes, fast + answer.passes, asked + 1
        totals = [totals[0] + tokens, totals[1] + fast]
        results.append(Result(what=f"  {who}: tokens in a pass", measured=f"{tokens / fast:.2f}"))
    rate = totals[0] / totals[1]
    return [
        Result(
            what="tokens in a pass, held-out mails",
            measured=f"{rate:.2f} ({totals[0] / asked:.0f} -> {totals[1] / asked:.1f} a list)",
            bound="2.0",
            met=rate >= 2.0,
        ),
        *results,
        Result(
            what=f"answers that differ from plain decoding, of {asked}",
            measured=str(differ),
            bound="0",
            met=not differ and asked == mails,
        ),
    ]


# --- first ------------------------------------------------------------------------------------


def first(found: dict[str, Person], scratch: Path) -> list[Result]:
    """The median time to the first rule in three ways, each mail in all of them."""
    one = max(found.values(), key=lambda person: len(person.xs))
    shelf = Shelf(directory=scratch / "prefixes", owner=one.adapter.id)
    render = one.adapter.render
    one.agent(shelf).warm(one.xs[0], render)
    times: dict[str, list[float]] = {"nothing": [], "prefix": [], "warm": []}
    for x, hints in list(zip(one.xs, one.hints, strict=True))[:FIRST]:
        times["nothing"].append(_first_rule(one.agent(), x, render, None))
        times["prefix"].append(_first_rule(one.agent(shelf), x, render, hints))
        warm = one.agent(shelf)
        warm.warm(replace(x, intent=(), habits=()), render)
        times["warm"].append(_first_rule(warm, x, render, hints))
    whole = median(times["nothing"])
    results = [Result(what="time to the first rule, nothing kept, plain", measured="1.00")]
    for name, what in (("prefix", "prefix kept, speculating"), ("warm", "warm, speculating")):
        ratio = median(times[name]) / whole
        results.append(
            Result(what=f"  {what}", measured=f"{ratio:.2f}", bound="below 1", met=ratio < 1)
        )
    return results


def _first_rule(agent: Agent, x: X, render: RenderSettings, hints: Sequence[str] | None) -> float:
    heard: list[float] = []
    begun = time.perf_counter()

    def on_rule(_: Rule) -> None:
        heard.append(time.perf_counter() - begun)

    agent.rules([x], render, on_rule=on_rule, hints=hints)
    return heard[0] if heard else time.perf_counter() - begun


# --- waiting ----------------------------------------------------------------------------------


async def waiting(tasks: Tasks, found: dict[str, Person]) -> list[Result]:
    """Steps that end between a question during a training and its answer."""
    one = max(found.values(), key=lambda person: person.request.lessons)
    settings = replace(one.request.settings, epochs=100, seed=one.request.settings.seed + 1)
    steps, heard = 0, asyncio.Event()

    def hear(event: TrainEvent) -> None:
        nonlocal steps
        steps = event.step
        if event.step:
            heard.set()

    training = asyncio.create_task(
        tasks.worker.train(replace(one.request, settings=settings), hear)
    )
    await heard.wait()
    waits = []
    for x in one.xs[:WAITS]:
        before = steps
        await tasks.worker.rules("pocket", one.path, [x], one.adapter.render)
        waits.append(steps - before)
    training.cancel()
    await asyncio.wait([training])
    return [
        Result(
            what=f"steps waited for rules during a training, {len(waits)} times",
            measured=f"median {median(waits):.0f}, most {max(waits)}",
            bound="most 2: the one under way, and one told late",
            met=max(waits) <= 2,
        )
    ]


async def run(only: Sequence[str], scratch: Path, *, brief: bool) -> list[Result]:
    """The sections that were asked for."""
    paths, config = await people.fill(scratch / "home", {})
    results: list[Result] = []
    async with opened(paths, config) as tasks:
        try:
            found = {who: await trained(tasks, who) for who in config.accounts}
            sections: dict[str, Callable[[], list[Result]]] = {
                "passes": lambda: passes(found, brief=brief),
                "first": lambda: first(found, scratch),
            }
            for name in only:
                if name == "waiting":
                    results += await waiting(tasks, found)
                else:
                    results += await asyncio.to_thread(sections[name])
        finally:
            await tasks.worker.close()
    return results


def main() -> None:
    """Measure, print, and end with 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brief", action="store_true", help=f"{BRIEF_MAILS} mails")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=SECTIONS)
    chosen = parser.parse_args()
    if not people.FOLDER.is_dir():
        print(f"there is no mail in {people.FOLDER}", file=sys.stderr)
        sys.exit(1)
    with tempfile.TemporaryDirectory() as scratch:
        results = asyncio.run(run(chosen.only, Path(scratch), brief=chosen.brief))
    table = Table("what", "measured", "bound", "")
    for one in results:
        table.add_row(one.what, one.measured, one.bound, "" if one.met else "MISSED")
    Console().print(table)
    sys.exit(not all(one.met for one in results))


if __name__ == "__main__":
    main()
