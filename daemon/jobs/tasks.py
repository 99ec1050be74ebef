"""What each job does: thin glue between the store and the packages that know how.

A task reads what an earlier stage committed, writes its own rows, and never calls the next stage.
Each is idempotent by the key that the design gives its stage, so a repeat is harmless. The outcome
is what the job's row keeps; it holds counts and ids, never text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from daemon.agents import select_settings
from daemon.config import Config
from daemon.errors import NothingToTeach
from daemon.jobs.runner import Task
from daemon.jobs.worker import Worker
from daemon.learning import drafted_unchanged, find_edits
from daemon.mailbox.sync import sync_account
from daemon.records import JobKind, Progress
from daemon.store import adapters as adapter_store
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent import adapters, bases
from mlx_agent.errors import TooFewLessons
from mlx_agent.large import LargeModel
from mlx_agent.recipients import walk
from mlx_agent.records import (
    Adapter,
    Edit,
    Lesson,
    Mail,
    Recipient,
    TrainEvent,
    TrainRequest,
    TrainSettings,
    Verdict,
)
from mlx_agent.teach.dataset import Dataset, Splits, split, write_dataset
from mlx_agent.teach.lessons import SetAside, TeachItem, TeachSettings, teach
from mlx_agent.teach.select import Selection, counts, select
from mlx_agent.train.gate import GateScores, decide, score

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The tasks of all kinds with what they need. One per app."""

    config: Config
    database: Database
    worker: Worker
    teacher: LargeModel
    gate_writer: LargeModel
    adapters_root: Path
    datasets_root: Path
    clock: Callable[[], datetime]

    def by_kind(self) -> dict[JobKind, Task]:
        """The table that the runner runs from."""
        return {"sync": self.sync, "edits": self.edits, "teach": self.teach, "train": self.train}

    async def sync(self, account: str, report: Report) -> dict[str, object]:
        """Fetch what is new in the account's Sent folder."""
        settings = self.config.account(account)
        result = await sync_account(account, settings, self.database, report)
        return {
            "added": result.added,
            "known": result.known,
            "quarantined": result.quarantined,
            "forgotten": result.forgotten,
        }

    async def edits(self, account: str, report: Report) -> dict[str, object]:
        """Find the drafts that came back as sent mail, and what the user changed in them."""
        del report
        found = await find_edits(self.database, account, self.clock)
        return {"edits": len(found), "unchanged": sum(edit.unchanged for edit in found)}

    async def teach(self, account: str, report: Report) -> dict[str, object]:
        """Make a lesson of every mail that teaches and has none yet."""
        plan = await plan_teaching(self.config, self.database, account)
        if not plan.items:
            raise NothingToTeach(account, plan.mails)
        settings = TeachSettings(strategy=self.config.teach.strategy, seed=self.config.teach.seed)
        known = await self.database.read(lesson_store.lesson_ids, account)
        made = aside = 0
        report(Progress(step="teach", done=0, total=len(plan.items)))
        async for result in teach(plan.items, self.teacher, settings, known):
            if isinstance(result, SetAside):
                await self.database.write(
                    lesson_store.set_aside, account, result.sample_id, result.reason
                )
                aside += 1
            else:
                made += await self.database.write(lesson_store.add_lesson, result)
            report(Progress(step="teach", done=made + aside, total=len(plan.items)))
        return {
            "lessons": made,
            "known": len(plan.items) - made - aside,
            "set_aside": aside,
            "left_out": counts(plan.selection.left_out),
        }

    async def train(self, account: str, report: Report) -> dict[str, object]:
        """Train a candidate on the account's lessons, and promote it if the gate lets it pass."""
        lessons = await self.database.read(lesson_store.lessons, account)
        need = self.config.train.min_lessons
        if len(lessons) < need:
            raise TooFewLessons(account, len(lessons), need)
        splits = split(lessons)
        render = bases.render_settings(bases.find(self.config.train.base))
        dataset = write_dataset(self.datasets_root, account, splits, render)
        candidate = await self.worker.train(
            self._train_request(account, dataset, len(splits.train)), partial(_report_step, report)
        )
        await self.database.write(adapter_store.add_adapter, candidate)
        report(Progress(step="gate", done=0, total=None))
        verdict = await self._gate(candidate, splits)
        await self.database.write(adapter_store.add_verdict, verdict, self.clock())
        if verdict.promoted:
            adapters.promote(self.adapters_root, account, candidate.id)
        return {"adapter": candidate.id, "promoted": verdict.promoted, "why": verdict.reason}

    def _train_request(self, account: str, dataset: Dataset, lessons: int) -> TrainRequest:
        chosen = self.config.train
        return TrainRequest(
            base=chosen.base,
            dataset=dataset.path,
            dataset_hash=dataset.hash,
            account=account,
            settings=TrainSettings(
                rank=chosen.rank,
                epochs=chosen.epochs,
                batch_size=chosen.batch_size,
                learning_rate=chosen.learning_rate,
                max_tokens=chosen.max_tokens,
                seed=chosen.seed,
            ),
            adapters_root=self.adapters_root,
            parent=adapters.current(self.adapters_root, account),
            lessons=lessons,
        )

    async def _gate(self, candidate: Adapter, splits: Splits) -> Verdict:
        """Drafts on held-out later mail, under the same prompts as in production."""
        held_out = splits.valid
        current = adapters.current(self.adapters_root, candidate.account)
        scored, validity = await self._score(candidate.id, held_out)
        now, now_validity = await self._score(current, held_out) if current else (None, None)
        zero_shot = await score(held_out, [()] * len(held_out), self.gate_writer)
        scores = GateScores(
            candidate=tuple(scored),
            current=None if now is None else tuple(now),
            zero_shot=tuple(zero_shot),
            validity=validity,
            current_validity=now_validity,
        )
        return decide(candidate.id, scores)

    async def _score(self, adapter_id: str, lessons: Sequence[Lesson]) -> tuple[list[float], float]:
        """Style distances of drafts under an adapter's rules, and the share of valid answers."""
        adapter = adapters.verify(self.adapters_root, adapter_id)
        answers = await self.worker.rules(
            adapter.base,
            self.adapters_root / adapter.id,
            [lesson.x for lesson in lessons],
            adapter.render,
        )
        rules = [answer.rules for answer in answers]
        valid = sum(answer.valid for answer in answers) / max(1, len(answers))
        return await score(lessons, rules, self.gate_writer), valid


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachPlan:
    """What teaching would do: the mails that teach, and why the others do not."""

    mails: int
    selection: Selection
    items: tuple[TeachItem, ...]


async def plan_teaching(config: Config, database: Database, account: str) -> TeachPlan:
    """Select the mails that teach; a mail that was an edited draft brings that draft along."""
    mails = await database.read(mail_store.mails, account)
    edits = {e.mail_id: e for e in await database.read(edit_store.edits, account) if e.mail_id}
    drafts = await database.read(draft_store.drafts, account)
    sent_as = await database.read(draft_store.drafts_by_message_id, account)
    unchanged = drafted_unchanged(mails, drafts, sent_as)
    unchanged |= {mail_id for mail_id, edit in edits.items() if edit.unchanged}
    selection = select(mails, select_settings(config, account, unchanged))
    chosen = {mail.id for mail in selection.chosen}
    items = tuple(
        _teach_item(mail, known, edits.get(mail.id))
        for mail, known in walk(mails)
        if mail.id in chosen
    )
    return TeachPlan(mails=len(mails), selection=selection, items=items)


def _teach_item(mail: Mail, known: Recipient | None, edit: Edit | None) -> TeachItem:
    return TeachItem(mail=mail, recipient=known, baseline=edit.draft_text if edit else None)


def _report_step(report: Report, event: TrainEvent) -> None:
    note = f"loss {event.loss:.2f}"
    report(Progress(step="train", done=event.step, total=event.steps, note=note))
