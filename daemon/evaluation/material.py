"""What an experiment is about: people, their lessons by each strategy, and their splits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from daemon.config import Config
from daemon.errors import BudgetSpent
from daemon.jobs.tasks import Tasks, lessons_to_train
from daemon.records import Progress
from daemon.store import standing
from mlx_agent.errors import TooFewLessons
from mlx_agent.evaluate.experiments import LEAST, Person
from mlx_agent.records import Lesson, Rule, Strategy
from mlx_agent.teach.dataset import Splits

POLL_S = 30.0
"""How often a batch is looked after."""

Split = Callable[[Sequence[Lesson]], Splits]
Report = Callable[[Progress], None]


def taught_by(config: Config, strategy: Strategy) -> Config:
    """The config with another strategy of teaching."""
    teach = config.teach.model_copy(update={"strategy": strategy})
    return config.model_copy(update={"teach": teach})


async def teach(
    tasks: Tasks, people: Sequence[str], strategies: Sequence[Strategy], report: Report
) -> None:
    """Make the lessons that are missing, and wait for what is asked in batches.

    Raises NothingToTeach, BudgetSpent, and what teaching raises.
    """
    for strategy in strategies:
        taught = replace(tasks, config=taught_by(tasks.config, strategy))
        for person in people:
            while not await _is_taught(taught, person, report):  # noqa: ASYNC110  # by a provider
                await asyncio.sleep(POLL_S)


async def _is_taught(tasks: Tasks, person: str, report: Report) -> bool:
    outcome = await tasks.teach(person, report)
    if outcome.get("budget_spent") == "night":
        raise BudgetSpent("night", tasks.config.budget.night_usd)
    if outcome.get("budget_spent"):
        raise BudgetSpent("month", tasks.config.budget.month_usd)
    return not outcome.get("waiting")


async def people_of(
    tasks: Tasks,
    names: Sequence[str],
    strategies: Sequence[Strategy],
    split: Split,
    *,
    most: int,
    hand_written: Mapping[str, tuple[Rule, ...]],
) -> list[Person]:
    """These people with their latest `most` lessons, all with 0.

    Raises TooFewLessons where too few of them are left to train on when others are held out.
    """
    found = []
    for name in names:
        by_strategy = {
            strategy: await lessons_to_train(
                taught_by(tasks.config, strategy), tasks.database, tasks.door, name
            )
            for strategy in strategies
        }
        lessons = by_strategy["R3"][-most:]
        splits = await asyncio.to_thread(split, lessons)
        if len(splits.train) < LEAST or not splits.test:
            raise TooFewLessons(name, len(splits.train), LEAST)
        rules = hand_written.get(name) or await _pinned(tasks, name)
        found.append(
            Person(
                name=name,
                lessons={
                    strategy: _likewise(splits, lessons)
                    for strategy, lessons in by_strategy.items()
                },
                hand_written=rules,
            )
        )
    return found


async def _pinned(tasks: Tasks, name: str) -> tuple[Rule, ...]:
    """The rules that the user has pinned are rules written by hand."""
    return (await tasks.database.read(standing.standing_rules, name)).pinned


def _likewise(splits: Splits, lessons: Sequence[Lesson]) -> Splits:
    """Another strategy's lessons of the same mails, on the same sides."""
    by_sample = {lesson.sample_id: lesson for lesson in lessons}

    def of(some: Sequence[Lesson]) -> tuple[Lesson, ...]:
        return tuple(by_sample[one.sample_id] for one in some if one.sample_id in by_sample)

    return Splits(train=of(splits.train), valid=of(splits.valid), test=of(splits.test))
