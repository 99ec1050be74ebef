"""The small model's part in an experiment: adapters trained for it, their rules, its own mails.

Adapters of experiments stand in a directory of their own, apart from those that drafts are written
with, and none of them passes a gate. Several workers train at once where the base is so small that
one of them leaves most of the machine idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from daemon.config import Train
from daemon.habits import shown, with_habits
from daemon.jobs.fleet import train_on
from daemon.jobs.tasks import train_settings
from daemon.jobs.worker import Worker
from mlx_agent import adapters, bases
from mlx_agent.errors import AdapterDamaged, AdapterNotFound
from mlx_agent.evaluate.experiments import Person, trained_on
from mlx_agent.evaluate.records import Training
from mlx_agent.evaluate.systems import MAIL_TOKENS
from mlx_agent.records import Lesson, RenderSettings, Rule
from mlx_agent.teach.dataset import write_dataset
from mlx_agent.train.records import TrainEvent, TrainRequest

AT_ONCE = 32
"""Mails that are asked about in one request."""

Hear = Callable[[TrainEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """Trains and asks. `root` is the experiments' own directory, `chosen` the config's part.

    One worker does one thing at a time; who needs one waits until one is free.
    """

    workers: Sequence[Worker]
    root: Path
    chosen: Train
    free: asyncio.Queue[Worker] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        for worker in self.workers:
            self.free.put_nowait(worker)

    @property
    def base(self) -> str:
        """The base by the name that it has today."""
        return bases.named(self.chosen.base)

    def place(self, training: Training) -> Path:
        """Where its adapter and checkpoints go, for those of one account would lock each other."""
        return self.root / "adapters" / training.id

    def made(self, training: Training) -> bool:
        """Whether its adapter is there, whole."""
        try:
            adapters.verify(self.place(training), training.adapter or "")
        except (AdapterDamaged, AdapterNotFound):
            return False
        return training.adapter is not None

    async def train(self, training: Training, person: Person, hear: Hear) -> Training:
        """Train it; with its adapter and its curve. Raises what the worker raises."""
        request = await asyncio.to_thread(self._request, training, person)
        events: list[TrainEvent] = []

        def listen(event: TrainEvent) -> None:
            events.append(event)
            hear(event)

        async with self._worker() as worker:
            hosts = self.chosen.hosts
            adapter = await (
                train_on(hosts, worker, request, listen) if hosts else worker.train(request, listen)
            )
        return replace(
            training,
            adapter=adapter.id,
            seconds=adapter.metrics["seconds"],
            steps=tuple(one.step for one in events),
            losses=tuple(one.loss for one in events),
            valid_losses=tuple(one.valid_loss for one in events),
        )

    async def rules(
        self, training: Training, owner: Person, lessons: Sequence[Lesson]
    ) -> list[tuple[Rule, ...]]:
        """What an agent says of each x, seeing the habits of its own user."""
        adapter = adapters.verify(self.place(training), training.adapter or "")
        known = trained_on(owner, training).train
        asked = await asyncio.to_thread(shown, lessons, known)
        path = self.place(training) / adapter.id
        found: list[tuple[Rule, ...]] = []
        async with self._worker() as worker:
            for start in range(0, len(asked), AT_ONCE):
                xs = [one.x for one in asked[start : start + AT_ONCE]]
                answers = await worker.rules(adapter.base, path, xs, adapter.render)
                found += [answer.rules for answer in answers]
        return found

    async def write(self, training: Training | None, lessons: Sequence[Lesson]) -> list[str]:
        """The mails that M_F writes, or M_S where there is no training."""
        path = None if training is None else self.place(training) / (training.adapter or "")
        xs = [lesson.x for lesson in lessons]
        async with self._worker() as worker:
            return await worker.write(self.base, path, xs, self._plain(), MAIL_TOKENS)

    def _request(self, training: Training, person: Person) -> TrainRequest:
        splits = trained_on(person, training)
        naive = training.target == "text"
        render = (
            self._plain()
            if naive
            else replace(
                bases.render_settings(bases.find(self.base)), thinking=training.target == "thinking"
            )
        )
        dataset = write_dataset(
            self.root / "datasets",
            person.name,
            splits if naive else with_habits(splits),
            render,
            "text" if naive else "rules",
        )
        return TrainRequest(
            account=person.name,
            base=self.base,
            dataset=dataset.path,
            dataset_hash=dataset.hash,
            lessons=len(splits.train),
            settings=replace(train_settings(self.chosen, self.base), rank=training.rank),
            adapters_root=self.place(training),
            keep_bytes=round(self.chosen.keep_gb * 1e9),
        )

    def _plain(self) -> RenderSettings:
        """For who writes the mail itself: rules of other mails are none of x."""
        return replace(bases.render_settings(bases.find(self.base)), habits=False)

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[Worker]:
        worker = await self.free.get()
        try:
            yield worker
        finally:
            self.free.put_nowait(worker)
