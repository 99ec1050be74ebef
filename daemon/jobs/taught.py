"""What a run of teaching has made so far: stored, counted and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daemon.records import Progress
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent.records import Lesson
from mlx_agent.teach.lessons import SetAside

Report = Callable[[Progress], None]


@dataclass(slots=True)
class Taught:
    """Stores what a run of teaching makes, and counts it."""

    database: Database
    account: str
    report: Report
    total: int
    known: int = 0
    lessons: int = 0
    set_aside: int = 0
    generalised: int = 0
    dropped: int = 0
    waiting: int = 0

    async def tell(self, *, known: int) -> None:
        """So many samples had their lesson already."""
        self.known = known
        self._report()

    async def add(self, made: Lesson | SetAside) -> None:
        """Store a lesson, or why there is none."""
        if isinstance(made, SetAside):
            aside = (self.account, made.sample_id, made.reason)
            await self.database.write(lesson_store.set_aside, *aside)
            self.set_aside += 1
        elif await self.database.write(lesson_store.add_lesson, made):
            self.lessons += 1
            self.generalised += made.generalised
            self.dropped += made.dropped
        self._report()

    def outcome(self) -> dict[str, object]:
        """Counts of lessons and samples, of rules that were mended, of questions waited for."""
        return {
            "lessons": self.lessons,
            "known": self.known,
            "set_aside": self.set_aside,
            "rules_generalised": self.generalised,
            "rules_dropped": self.dropped,
            "waiting": self.waiting,
        }

    def _report(self) -> None:
        done = self.known + self.lessons + self.set_aside
        note = f"{self.waiting} asked in batches" if self.waiting else ""
        self.report(Progress(step="teach", done=done, total=self.total, note=note))
