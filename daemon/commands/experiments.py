"""`eval EXPERIMENT`: the paper's tables and figures on the accounts of this home."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from daemon.app import App, build_tasks, now
from daemon.commands.output import console, print_json, progress_bar, say
from daemon.commands.session import load, local_app
from daemon.config import OFFLINE, Paths
from daemon.evaluation import folder
from daemon.evaluation.agents import Agents
from daemon.evaluation.ahead import Ahead, ahead
from daemon.evaluation.material import people_of, taught_by, teach
from daemon.evaluation.running import Running
from daemon.evaluation.writing import slots_of
from daemon.jobs.tasks import Tasks, plan_teaching, train_settings
from daemon.jobs.worker import Worker
from daemon.large_models import list_price
from daemon.records import Progress
from daemon.research_errors import RulesUnreadable, TooFewPeople
from daemon.store import blind as blind_store
from daemon.store import evaluations
from daemon.store import lessons as lesson_store
from mlx_agent import bases, codec
from mlx_agent.evaluate import drawing
from mlx_agent.evaluate.experiments import Making, Name, Person, plan, strategies_of
from mlx_agent.evaluate.extras import Extra
from mlx_agent.evaluate.records import Figure, Run
from mlx_agent.evaluate.sampling import How, splits
from mlx_agent.evaluate.tables import Table as Found
from mlx_agent.evaluate.tables import tables
from mlx_agent.evaluate.voters import agreements, voters
from mlx_agent.records import Lesson, Rule, Strategy
from mlx_agent.render import prompt_version
from mlx_agent.rules import RulesMalformed, parse_rules
from mlx_agent.teach.cost import Estimate, estimate, foresee
from mlx_agent.teach.dataset import Splits
from mlx_agent.teach.lessons import lesson_id

SWAPPING: tuple[Name, ...] = ("swap",)
"""What makes no sense with one person; `all` then leaves it out."""

Show = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asks for. Without `people` it is all accounts, without `out` no folder.

    `most` are the latest so many mails of each person, all with 0.
    """

    experiment: Name
    people: tuple[str, ...]
    seed: int
    most: int
    sampling: How
    hand_written: Path | None
    extras: tuple[Extra, ...]
    out: Path | None
    workers: int | None
    dry_run: bool
    yes: bool
    as_json: bool


async def experiment(asked: Asked) -> None:
    """Say what it takes, ask if it costs, and do it; what was begun goes on where it was.

    Raises what teaching, training, the door and the judges raise; ExtraMissing where pictures are
    asked for that cannot be drawn; typer.Abort for a no.
    """
    paths, settings = load()
    names = asked.people or tuple(settings.accounts)
    for name in names:
        settings.account(name)
    if asked.experiment in SWAPPING and len(names) < 2:
        raise TooFewPeople(asked.experiment)
    if asked.out:  # told before hours of work, not after them
        drawing.needed()
    by_hand = rules_by_hand(asked.hand_written, names)
    async with local_app(paths, settings) as app, agents_of(app, paths, asked.workers) as agents:
        tasks = build_tasks(paths, app.door, app.worker)
        strategies = strategies_of(asked.experiment)
        if not await _taught(tasks, names, strategies, asked):
            return
        people = await people_of(
            tasks,
            names,
            strategies,
            lambda lessons: _held_out(lessons, asked),
            most=asked.most,
            hand_written=by_hand,
        )
        making = Making(settings=_settings(agents), rank=settings.train.rank, seed=asked.seed)
        chosen = plan(asked.experiment, people, making)
        foreseen = await ahead(app.door, agents, people, chosen, asked.seed)
        if await _agreed(foreseen, asked):
            running = Running(
                door=app.door,
                agents=agents,
                people=people,
                plan=chosen,
                run=run_of(asked, people, agents, app),
                clock=now,
                judge_slots=slots_of(app.door, "judge"),
                extras=asked.extras,
            )
            await _run(running, asked)


def _held_out(lessons: Sequence[Lesson], asked: Asked) -> Splits:
    kind = lessons[0].x.kind if lessons else "email"
    return splits(lessons, asked.sampling, asked.seed, kind)


async def _run(running: Running, asked: Asked) -> None:
    with progress_bar() as show:
        shown = replace(running, report=lambda progress: show(asdict(progress)))
        figures = await shown.figures()
    run = running.run
    known = await running.database.read(evaluations.trainings, run.people)
    trainings = {one.id: known[one.id] for one in running.plan.trainings}
    found = [*tables(figures, trainings, run.people), *await _agreements(running)]
    files = folder.write(asked.out, run, figures, found, trainings) if asked.out else []
    if asked.as_json:
        return print_json(_data(run, figures, files))
    for table in found:
        console.print(_shown(table))
    say(f"Run {run.id}; every figure is explained by `trimtab report --explain NAME`.")
    if asked.out:
        say(f"Written to {asked.out}: {', '.join(path.name for path in files)}.")
    return None


async def _agreements(running: Running) -> list[Found]:
    """How far judges and people agree; nothing where the offline judge alone had a say."""
    database = running.database
    ids = {one.id for one in await database.read(evaluations.trials_of, running.run.id)}
    judged = await database.read(evaluations.judgements, ids)
    blind = await database.read(blind_store.answered, ids)
    if not blind and {one.judge for one in judged} <= {OFFLINE}:
        return []
    values = await database.read(evaluations.measures, ids)
    return [agreements(voters(judged, values, blind), running.run.seed)]


@asynccontextmanager
async def agents_of(app: App, paths: Paths, workers: int | None) -> AsyncIterator[Agents]:
    """The home's worker, and others beside it where the base is small."""
    wanted = workers or workers_for(bases.named(app.config.train.base), os.cpu_count() or 1)
    beside = [
        Worker(paths.logs / f"worker-{number}.log", scratch=paths.scratch)
        for number in range(2, wanted + 1)
    ]
    try:
        yield Agents(
            workers=[app.worker, *beside],
            root=paths.evaluation,
            chosen=app.config.train,
        )
    finally:
        for worker in beside:
            await worker.close()


def workers_for(base: str, cores: int) -> int:
    """How many train at once: the pocket base takes one core, any other the whole machine."""
    return max(1, min(cores, 8)) if base == bases.POCKET else 1


def rules_by_hand(place: Path | None, names: Sequence[str]) -> dict[str, tuple[Rule, ...]]:
    """The rules of `<account>.txt` in a folder, one `Aspect: instruction` a line; where there are.

    Raises RulesUnreadable.
    """
    found = {}
    for name in names if place else ():
        path = (place or Path()) / f"{name}.txt"
        if path.exists():
            try:
                found[name] = parse_rules(path.read_text("utf-8").strip())
            except (OSError, ValueError) as error:
                raise RulesUnreadable(path, type(error).__name__) from error
            except RulesMalformed as error:
                raise RulesUnreadable(path, error.reason) from error
    if place and not found:
        raise RulesUnreadable(place, f"no file of that folder is called {names[0]}.txt or so")
    return found


def run_of(asked: Asked, people: Sequence[Person], agents: Agents, app: App) -> Run:
    """The run, whose id is the hash of all that it depends on: the same command goes on with it."""
    models = app.config.models
    settings = {
        "sampling": asked.sampling,
        "base": agents.base,
        "teacher": app.door.models[models.teacher].name,
        "writer": app.door.models[models.writer].name,
        "judge": app.door.models[models.judge].name,
        "judge prompt": prompt_version("judge", people[0].splits.test[0].x.kind),
        "mails": str(sum(len(person.splits.test) for person in people)),
    }
    lessons = [one.id for p in people for part in (p.splits.train, p.splits.test) for one in part]
    by_hand = [str(person.hand_written) for person in people]
    names = [person.name for person in people]
    parts = [asked.experiment, str(asked.seed), *names, *settings.values(), *lessons, *by_hand]
    digest = hashlib.sha256("\x00".join([*parts, _settings(agents)]).encode()).hexdigest()
    return Run(
        id=digest[:12],
        experiment=asked.experiment,
        seed=asked.seed,
        people=tuple(names),
        started_at=now(),
        settings=settings,
    )


def _settings(agents: Agents) -> str:
    """What a training follows from besides its lessons and its rank."""
    settings = codec.to_data(train_settings(agents.chosen, agents.base))
    without = {name: value for name, value in settings.items() if name != "rank"}
    return f"{bases.base_hash(bases.find(agents.base))} {sorted(without.items())}"


# --- what it takes ----------------------------------------------------------------------------


async def _taught(
    tasks: Tasks, names: Sequence[str], strategies: Sequence[Strategy], asked: Asked
) -> bool:
    """Whether every lesson is there, made now if need be; False for a dry run without them."""
    missing = {(n, s): one for n in names for s in strategies if (one := await _cost(tasks, n, s))}
    if missing:
        calls = sum(one.calls for one in missing.values())
        costs = [one.cost_usd for one in missing.values()]
        usd = None if None in costs else sum(cost or 0.0 for cost in costs)
        _tell(asked, f"Lessons are missing: {calls} calls of the teacher, {_usd(usd)}.")
        if asked.dry_run:
            _tell(asked, "What comes after can be said when they are there.")
            return False
        await _ask(asked, usd)
        with progress_bar() as show:
            await teach(tasks, names, strategies, lambda progress: show(asdict(progress)))
    return True


async def _cost(tasks: Tasks, name: str, strategy: Strategy) -> Estimate | None:
    """What the lessons that are missing would take; None where none is."""
    config = taught_by(tasks.config, strategy)
    found = await plan_teaching(config, tasks.database, tasks.door, name)
    known = await tasks.database.read(lesson_store.lesson_ids, name)
    aside = await tasks.database.read(lesson_store.set_aside_samples, name)
    items = [
        item
        for item in found.items
        if lesson_id(item, found.recipe) not in known and item.mail.id not in aside
    ]
    if not items:
        return None
    teacher = config.models.teacher
    price = list_price(config, teacher, tasks.door.models[teacher])
    asked = await asyncio.to_thread(lambda: list(foresee(items, found.recipe, {})))
    return estimate(asked, price, batch=False)


async def _agreed(foreseen: Ahead, asked: Asked) -> bool:
    _tell(
        asked,
        f"{foreseen.trainings} trainings, {foreseen.drafts} drafts and {foreseen.judgements} pairs "
        f"to judge, about {foreseen.input_tokens} tokens in and {foreseen.output_tokens} out: "
        f"{_usd(foreseen.cost_usd)}.",
    )
    where = ", ".join(foreseen.hosts)
    _tell(asked, f"Mail goes to {where}." if where else "Nothing leaves this machine.")
    if asked.dry_run:
        if asked.as_json:
            print_json(codec.to_data(foreseen))
        return False
    await _ask(asked, foreseen.cost_usd)
    return True


async def _ask(asked: Asked, usd: float | None) -> None:
    if usd != 0 and not asked.yes:
        await asyncio.to_thread(typer.confirm, "Go on?", abort=True)


def _tell(asked: Asked, text: str) -> None:
    if not asked.as_json:
        say(text)


def _usd(usd: float | None) -> str:
    return "of unknown price" if usd is None else f"about {usd:.2f} USD"


# --- what came of it --------------------------------------------------------------------------


def _shown(table: Found) -> Table:
    out = Table(title=table.title, caption=table.note or None, caption_justify="left", box=None)
    for number, name in enumerate(table.header):
        out.add_column(name, justify="right" if number else "left", no_wrap=not number)
    for row in table.rows:
        out.add_row(*map(_on_two_lines, row))
    return out


def _on_two_lines(cell: str) -> str:
    """A value, and below it its interval: beside each other they do not fit 80 columns."""
    value, found, rest = cell.partition(" (")
    return f"{value}\n{rest.rstrip(')').replace(' to ', '-')}" if found else cell


def _data(run: Run, figures: Sequence[Figure], files: Sequence[Path]) -> dict[str, Any]:
    keep: Mapping[str, Any] = codec.to_data(run)
    return {
        "run": keep,
        "figures": [
            {"name": f.name, "value": f.value, "low": f.low, "high": f.high, "mails": f.mails}
            for f in figures
        ],
        "files": [str(path) for path in files],
    }
