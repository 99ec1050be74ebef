"""Four people's lessons as data sets, taught by the offline model; needs the people's mail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import people
from benchmarks.beside import HELD_OUT, LONGEST
from benchmarks.teach import opened
from daemon.habits import with_habits
from daemon.jobs.tasks import lessons_to_train
from mlx_agent import pocket
from mlx_agent.chat import encode
from mlx_agent.engine import load
from mlx_agent.records import Lesson, RenderSettings
from mlx_agent.render import lesson_messages
from mlx_agent.teach.dataset import Dataset, Splits, split, write_dataset


async def people_lessons(scratch: Path) -> list[Splits]:
    """Each person's lessons."""
    paths, config = await people.fill(scratch / "home", {})
    async with opened(paths, config) as tasks:
        found = []
        for who in config.accounts:
            await tasks.teach(who, lambda _: None)
            lessons = await lessons_to_train(tasks.config, tasks.database, tasks.door, who)
            found.append(with_habits(split(lessons)))
        await tasks.worker.close()
    return found


def written(root: Path, everyone: Sequence[Splits], count: int) -> Dataset:
    """A data set of so many lessons of everybody, rendered as for a base that says nothing."""
    tokenizer = load(pocket.path(), lazy=True)[1]
    train, valid, test = (
        _some(tokenizer, [one for splits in everyone for one in getattr(splits, name)], size)
        for name, size in (("train", count), ("valid", HELD_OUT), ("test", 1))
    )
    return write_dataset(
        root, "work", Splits(train=train, valid=valid, test=test), RenderSettings()
    )


def _some(tokenizer: Any, lessons: Sequence[Lesson], count: int) -> tuple[Lesson, ...]:
    short = [one for one in lessons if _length(tokenizer, one) <= LONGEST]
    return tuple(Random(1).sample(short, count))


def _length(tokenizer: Any, lesson: Lesson) -> int:
    chat = lesson_messages(lesson.x, lesson.rules, RenderSettings())
    return len(encode(tokenizer, [{"role": m.role, "content": m.content} for m in chat]))
