"""What an experiment would ask and cost, before anything is spent.

What the agents will say is not known yet, so that the teacher's rules stand in for theirs, and the
real mail for every draft that is to be judged: the prompts come out near to what they would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daemon.evaluation.agents import Agents
from daemon.evaluation.writing import Writing
from daemon.large_models import list_price
from daemon.outgoing import Door
from daemon.store import evaluations
from mlx_agent import render
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.experiments import Person, Plan
from mlx_agent.evaluate.systems import Arm
from mlx_agent.large.prices import priced
from mlx_agent.records import DraftTask, JudgeTask, Lesson, Task, Usage
from mlx_agent.teach.cost import CHARS_PER_TOKEN

Keys = Mapping[Arm, Mapping[str, Lesson]]
"""Of each arm the keys of its trials, and the mails that they are of."""
VERDICT_TOKENS = 200
"""What a judge writes for a verdict, its thinking included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is still to be done. `cost_usd` is None where a price is unknown; `hosts` get mail."""

    trainings: int
    drafts: int
    judgements: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    hosts: tuple[str, ...]


async def ahead(
    door: Door, agents: Agents, people: Sequence[Person], plan: Plan, seed: int
) -> Ahead:
    """Look into the store for what is there, and count the rest."""
    by_name = {person.name: person for person in people}
    known = await door.database.read(evaluations.trainings, list(by_name))
    trainings = [
        one for one in plan.trainings if one.id not in known or not agents.made(known[one.id])
    ]
    writing = Writing.of(door, agents, by_name, {}, seed)
    keys = {arm: writing.keys(arm) for arm in plan.arms}
    drafts = await _drafts(door, keys)
    judged = await _pairs(door, plan, keys)
    asked = [task for arm, lesson in drafts if (task := _task(arm, lesson, by_name[arm.person]))]
    writer = _usage(asked, [len(lesson.own_text) / CHARS_PER_TOKEN for _, lesson in drafts])
    verdicts = [
        JudgeTask(x=one.x, truth=one.own_text, first=one.own_text, second=one.own_text)
        for one in judged
    ] * 2
    judge = _usage(verdicts, [VERDICT_TOKENS] * len(verdicts))
    costs = [_cost(door, "writer", writer), _cost(door, "judge", judge)]
    models = [door.models[getattr(door.config.models, role)] for role in ("writer", "judge")]
    return Ahead(
        trainings=len(trainings),
        drafts=len(drafts),
        judgements=len(judged),
        input_tokens=writer.input_tokens + judge.input_tokens,
        output_tokens=writer.output_tokens + judge.output_tokens,
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        hosts=tuple(dict.fromkeys(model.host for model in models if model.remote)),
    )


async def _drafts(door: Door, keys: Keys) -> list[tuple[Arm, Lesson]]:
    """What has to be written."""
    there = await door.database.read(
        evaluations.trials, {key for of_arm in keys.values() for key in of_arm}
    )
    return [
        (arm, lesson)
        for arm, of_arm in keys.items()
        for key, lesson in of_arm.items()
        if key not in there
    ]


async def _pairs(door: Door, plan: Plan, keys: Keys) -> list[Lesson]:
    """The mails of the pairs that have to be judged; both arms of a pair have the same mails."""
    pairs = [
        (first, second, lesson)
        for one, other in plan.pairs
        for (first, lesson), second in zip(keys[one].items(), keys[other], strict=True)
    ]
    ids = {key for first, second, _ in pairs for key in (first, second)}
    name = door.models[door.config.models.judge].name
    judged = {
        (one.first, one.second)
        for one in await door.database.read(evaluations.judgements, ids)
        if one.judge == name
    }
    return [lesson for first, second, lesson in pairs if (first, second) not in judged]


def _task(arm: Arm, lesson: Lesson, person: Person) -> Task | None:
    if arm.how in ("small", "truth"):
        return None
    if arm.how == "examples":
        return systems.few_shot_task(lesson.x, person.splits.train[-systems.SHOTS :])
    return DraftTask(x=lesson.x, rules=lesson.rules if arm.how == "rules" else ())


def _usage(tasks: Iterable[Task], written: Sequence[float]) -> Usage:
    read = sum(len(m.content) for task in tasks for m in render.messages(task))
    return Usage(input_tokens=round(read / CHARS_PER_TOKEN), output_tokens=round(sum(written)))


def _cost(door: Door, role: str, usage: Usage) -> float | None:
    name = getattr(door.config.models, role)
    return priced(usage, list_price(door.config, name, door.models[name]), batch=False).cost_usd
