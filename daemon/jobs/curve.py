"""The curve of a training: its events thinned out, told to who watches and kept in the store.

However long a training is, its curve is bounded; the events that measured the validation loss, or
say something, are the last to go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from daemon.errors import StoreFull
from daemon.records import Progress
from daemon.store import trainings
from daemon.store.database import Database
from mlx_agent.train.records import TrainEvent

KEPT, TOLD = 300, 48
"""Events that are kept of a run, and that who watches is told of it, besides the LATEST."""
LATEST = 16
"""So many are told without a gap, for who looks a few times a second."""
WRITE_S = 5.0


@dataclass(slots=True)
class Curve:
    """At most `most` events of a run, and its last one."""

    most: int
    stride: int = 1
    kept: list[TrainEvent] = field(default_factory=list)
    last: TrainEvent | None = None

    def add(self, event: TrainEvent) -> None:
        """Take the next event; where there are too many, every second step goes."""
        self.last = event
        if self._stays(event):
            self.kept.append(event)
        if len(self.kept) > self.most:
            self.stride *= 2
            self.kept = list(filter(self._stays, self.kept))
        if len(self.kept) > self.most:
            self.kept = self.kept[::2]

    def events(self) -> tuple[TrainEvent, ...]:
        """What is left of the run, its first step first."""
        tail = [self.last] if self.last and self.last not in self.kept[-1:] else []
        return (*self.kept, *tail)

    def _stays(self, event: TrainEvent) -> bool:
        told = event.valid_loss is not None or event.note
        return bool(told) or event.step % self.stride == 1 % self.stride


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Hears of the events of one run; `run` is None where no job is running."""

    database: Database
    account: str
    run: int | None
    report: Callable[[Progress], None]
    adapter_id: str | None = None
    dataset: str | None = None
    whole: Curve = field(default_factory=lambda: Curve(KEPT))
    shown: Curve = field(default_factory=lambda: Curve(TOLD))
    latest: deque[TrainEvent] = field(default_factory=lambda: deque(maxlen=LATEST))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, event: TrainEvent) -> None:
        """Take the next event."""
        self.whole.add(event)
        self.shown.add(event)
        self.latest.append(event)
        self._changed.set()

    def tell(self, progress: Progress) -> None:
        """Report how far the job is, with the curve."""
        first = self.latest[0].step if self.latest else 0
        older = (event for event in self.shown.events() if event.step < first)
        self.report(replace(progress, curve=(*older, *self.latest)))

    async def write(self) -> None:
        """Keep what there is; where the disk is full, the training matters more."""
        if self.run is None:
            return
        with suppress(StoreFull):
            await self.database.write(
                trainings.keep,
                self.run,
                self.account,
                self.whole.events(),
                self.adapter_id,
                dataset=self.dataset,
            )

    async def keep_writing(self) -> None:
        """Write every now and then, so that a run that dies has its curve; ends by cancellation."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.write()
            await asyncio.sleep(WRITE_S)


@asynccontextmanager
async def recorded(
    database: Database,
    account: str,
    report: Callable[[Progress], None],
    dataset: str | None = None,
) -> AsyncIterator[Recorder]:
    """A recorder of the account's running job, whose curve is in the store after the block.

    `dataset` is the name of what the training learns from.
    """
    run = await database.read(trainings.under_way, account)
    recorder = Recorder(database=database, account=account, run=run, report=report, dataset=dataset)
    writing = asyncio.create_task(recorder.keep_writing())
    try:
        yield recorder
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        await asyncio.shield(recorder.write())
