"""What each job does: thin glue between the store and the packages that know how.

A task reads what an earlier stage committed, writes its own rows, and never calls the next stage.
Each is idempotent by the key that the design gives its stage, so a repeat is harmless. The outcome
is what the job's row keeps; it holds counts and ids, never text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from daemon.agents import select_settings
from daemon.config import Config, Train
from daemon.errors import BudgetSpent, NothingToTeach
from daemon.habits import with_habits
from daemon.jobs.bounds import Bound, Halt, Halted
from daemon.jobs.curve import recorded
from daemon.jobs.fleet import train_on
from daemon.jobs.judging import Judge
from daemon.jobs.runner import Task
from daemon.jobs.taught import Report, Taught
from daemon.jobs.worker import Worker
from daemon.learning import find_edits, origins
from daemon.mailbox.sync import sync_account
from daemon.outgoing import Door
from daemon.records import JobKind, Progress
from daemon.slots import Slots
from daemon.store import adapters as adapter_store
from daemon.store import forgetting, trainings
from daemon.store import jobs as job_store
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from daemon.teaching import BatchTeaching, StoreDesk
from mlx_agent import adapters, bases
from mlx_agent.errors import TooFewLessons, TrainingPaused
from mlx_agent.large import LargeModel
from mlx_agent.log_lines import told
from mlx_agent.recipients import walk
from mlx_agent.records import Lesson
from mlx_agent.teach.dataset import Dataset, Splits, split, splits_of, write_dataset
from mlx_agent.teach.desk import IN_FLIGHT, teach
from mlx_agent.teach.exclude import excluded_mail
from mlx_agent.teach.lessons import Recipe, TeachItem, lesson_id, usable
from mlx_agent.teach.select import Selection, counts, select
from mlx_agent.train.records import (
    Adapter,
    TrainEvent,
    TrainRequest,
    TrainSettings,
    Verdict,
    usual_rate,
)

log = logging.getLogger(__name__)

AT_HAND = 2
"""Samples for each request in flight: while one is waited for, another's question is made ready or
its answer written down, so that no slot is empty for want of a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The tasks of all kinds with what they need. One per app."""

    config: Config
    database: Database
    worker: Worker
    door: Door
    gate_writer: LargeModel
    adapters_root: Path
    datasets_root: Path
    clock: Callable[[], datetime]
    halt: Halt = field(default_factory=Halt)

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
        own = self.config.account(account).addresses
        found = await find_edits(self.database, account, self.clock, own)
        return {"edits": len(found), "unchanged": sum(edit.unchanged for edit in found)}

    async def teach(self, account: str, report: Report) -> dict[str, object]:
        """Make a lesson of every mail that teaches and has none yet.

        Where the teacher is asked in batches, what is still at the provider is told as `waiting`;
        the next run goes on from there. A budget that is spent ends the run and is told too, and so
        does the end of the night that asked for it.
        """
        plan = await plan_teaching(self.config, self.database, self.door, account)
        if not plan.items:
            raise NothingToTeach(account, plan.mails)
        done = Taught(self.database, account, report, total=len(plan.items))
        known = await self.database.read(lesson_store.lesson_ids, account)
        items = [item for item in plan.items if lesson_id(item, plan.recipe) not in known]
        await done.tell(known=len(plan.items) - len(items))
        bound = await self._bound("teach", account)
        early: dict[str, object] = {}
        try:
            await self._make_lessons(account, plan.recipe, items, done, bound)
        except BudgetSpent as error:
            early = {"budget_spent": error.period}
        if bound.stopped:
            early = {"stopped": bound.stopped}
        return done.outcome() | {"left_out": counts(plan.selection.left_out)} | early

    async def _bound(self, kind: JobKind, account: str) -> Bound:
        """What bounds the account's job under way."""
        job = await self.database.read(job_store.under_way, kind, account)
        return Bound(deadline=job.deadline if job else None, halt=self.halt, clock=self.clock)

    async def _make_lessons(
        self,
        account: str,
        recipe: Recipe,
        items: Sequence[TeachItem],
        done: Taught,
        bound: Bound,
    ) -> None:
        errand = self.door.errand("teach", account)
        batches = errand.model.batches
        name = self.config.models.teacher
        chosen = self.config.large.get(name)
        if batches is not None and chosen is not None and chosen.batch:
            teaching = BatchTeaching(
                errand=errand,
                batches=batches,
                database=self.database,
                recipe=recipe,
                clock=self.clock,
            )
            return await _in_batches(teaching, items, done, bound)
        in_flight = chosen.in_flight if chosen else IN_FLIGHT
        desk = StoreDesk(errand, self.database, Slots(in_flight) if chosen else nullcontext())
        taken_up = bound.until(items)
        async with aclosing(teach(taken_up, desk, recipe, AT_HAND * in_flight)) as lessons:
            async for made in lessons:
                await done.add(made)
        return None

    async def train(self, account: str, report: Report) -> dict[str, object]:
        """Train a candidate on the account's lessons, and promote it if the gate lets it pass.

        One that a night asked for stops at the night's end, and the next night's goes on with what
        it had begun.
        """
        lessons = await lessons_to_train(self.config, self.database, self.door, account)
        need = self.config.train.min_lessons
        if len(lessons) < need:
            raise TooFewLessons(account, len(lessons), need)
        bound = await self._bound("train", account)
        splits = await self._splits(account, lessons, bound)
        render = replace(
            bases.render_settings(bases.find(self.config.train.base)),
            thinking=self.config.train.target == "thinking",
        )
        dataset = write_dataset(self.datasets_root, account, splits, render)
        marked = await self.database.read(forgetting.marked, account)
        request = self._train_request(account, dataset, len(splits.train), marked)
        learned = {one.sample_id for one in (*splits.train, *splits.valid, *splits.test)}
        try:
            candidate = await self._candidate(
                replace(request, deadline=bound.deadline), learned, report, bound
            )
        except (TrainingPaused, Halted) as error:
            if bound.deadline is None:
                raise
            return {"stopped": bound.stopped or "hour"} | _reached(error)
        return await self._judged(candidate, splits)

    async def _splits(self, account: str, lessons: Sequence[Lesson], bound: Bound) -> Splits:
        """Those of the training that an earlier night has begun; else new ones."""
        name = await self.database.read(trainings.unfinished, account)
        if bound.deadline is not None and name is not None:
            everything = await self.database.read(lesson_store.lessons, account)
            begun = splits_of(self.datasets_root / name, everything)
            if begun is not None:
                return await asyncio.to_thread(with_habits, begun)
        return await asyncio.to_thread(with_habits, split(lessons))

    async def _candidate(
        self, request: TrainRequest, learned: Collection[str], report: Report, bound: Bound
    ) -> Adapter:
        """Train, with the curve told and kept; raises TrainingPaused and Halted."""
        name = request.dataset.name
        async with recorded(self.database, request.account, report, name) as recorder:

            def hear(event: TrainEvent) -> None:
                recorder.add(event)
                _report_step(recorder.tell, event)

            hosts = self.config.train.hosts
            training = (
                train_on(hosts, self.worker, request, hear)
                if hosts
                else self.worker.train(request, hear)
            )
            candidate = await bound.within(training)
            await self.database.write(adapter_store.add_adapter, candidate)
            await self.database.write(
                forgetting.trained, request.account, request.dataset_hash, learned
            )
            recorder.adapter_id = candidate.id
        recorder.tell(Progress(step="gate", done=0, total=None))
        return candidate

    async def _judged(self, candidate: Adapter, splits: Splits) -> dict[str, object]:
        """Let the candidate pass the gate or not, and remove the adapters that nobody needs.

        One that learned from mail which the user had forgotten is no rival, and goes with the first
        that did not.
        """
        marked = await self.database.read(forgetting.marked, candidate.account)
        judge = Judge(
            door=self.door,
            worker=self.worker,
            offline=self.gate_writer,
            root=self.adapters_root,
            forgotten=marked,
        )
        verdict = await judge.judge(candidate, splits)
        await self.database.write(adapter_store.add_verdict, verdict, self.clock())
        log.info("gate decided", extra=_decided(candidate, verdict))
        if verdict.promoted:
            adapters.promote(self.adapters_root, candidate.account, candidate.id)
            if marked and candidate.id not in marked:
                adapters.remove(self.adapters_root, candidate.account, marked)
        adapters.prune(self.adapters_root, candidate.account)
        return {"adapter": candidate.id, "promoted": verdict.promoted, "why": verdict.reason}

    def _train_request(
        self, account: str, dataset: Dataset, lessons: int, marked: Collection[str]
    ) -> TrainRequest:
        parent = adapters.current(self.adapters_root, account)
        chosen = self.config.train
        base = bases.named(chosen.base)
        return TrainRequest(
            base=base,
            dataset=dataset.path,
            dataset_hash=dataset.hash,
            account=account,
            settings=train_settings(chosen, base),
            keep_bytes=round(chosen.keep_gb * 1e9),
            adapters_root=self.adapters_root,
            parent=None if parent in marked else parent,
            lessons=lessons,
        )


def train_settings(chosen: Train, base: str) -> TrainSettings:
    """The hyper-parameters of the config for a base by name."""
    rate = chosen.learning_rate
    return TrainSettings(
        rank=chosen.rank,
        epochs=chosen.epochs,
        layers=chosen.layers,
        batch_tokens=chosen.batch_tokens,
        learning_rate=usual_rate(base) if rate == "auto" else rate,
        max_tokens=chosen.max_tokens,
        checkpointing=chosen.checkpointing,
        start=chosen.start,
        replay=chosen.replay,
        seed=chosen.seed,
    )


async def _in_batches(
    teaching: BatchTeaching, items: Sequence[TeachItem], done: Taught, bound: Bound
) -> None:
    """Rounds as long as they bring something at once; what takes longer is for another run."""
    left = list(items)
    while left and not bound.over():
        found = await teaching.round(left)
        for made in found.made:
            await done.add(made)
        ended = {made.sample_id for made in found.made}
        left = [item for item in left if item.mail.id not in ended]
        done.waiting = found.waiting
        if not found.moved and not found.made:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachPlan:
    """What teaching would do: the mails that teach, newest first, and why the others do not."""

    mails: int
    selection: Selection
    items: tuple[TeachItem, ...]
    recipe: Recipe


async def plan_teaching(config: Config, database: Database, door: Door, account: str) -> TeachPlan:
    """Select the mails that teach; a mail that was an edited draft brings that draft along.

    What the user excludes from leaving this machine does not teach a teacher elsewhere, and what
    they took back teaches none.
    """
    mails = await database.read(mail_store.mails, account)
    known = await origins(database, account, mails)
    teacher = door.models[config.models.teacher]
    excluded = known.taken_back
    if teacher.remote:
        exclusions = await door.exclusions(account)
        excluded |= {mail.id for mail in mails if excluded_mail(mail, exclusions)}
    selection = select(mails, select_settings(config, account, known.unchanged, excluded))
    chosen = {mail.id for mail in selection.chosen}
    items = [
        TeachItem(mail=mail, recipient=recipient, baseline=known.baselines.get(mail.id))
        for mail, recipient in walk(mails)
        if mail.id in chosen
    ]
    recipe = Recipe(
        model=teacher.name,
        strategy=config.teach.strategy,
        seed=config.teach.seed,
        sampled=teacher.takes_temperature,
        kind=config.account(account).kind,
    )
    return TeachPlan(
        mails=len(mails), selection=selection, items=tuple(reversed(items)), recipe=recipe
    )


async def lessons_to_train(
    config: Config, database: Database, door: Door, account: str
) -> list[Lesson]:
    """The lessons of the mails that teach now, one each, oldest first."""
    plan = await plan_teaching(config, database, door, account)
    planned = {item.mail.id: lesson_id(item, plan.recipe) for item in plan.items}
    aside = await database.read(lesson_store.set_aside_samples, account)
    return usable(await database.read(lesson_store.lessons, account), planned, aside)


def _reached(error: TrainingPaused | Halted) -> dict[str, object]:
    return {"step": error.step, "steps": error.steps} if isinstance(error, TrainingPaused) else {}


def _decided(candidate: Adapter, verdict: Verdict) -> dict[str, dict[str, object]]:
    return told(account=candidate.account, adapter=candidate.id, promoted=verdict.promoted)


def _report_step(report: Report, event: TrainEvent) -> None:
    note = f"loss {event.loss:.2f}"
    report(Progress(step="train", done=event.step, total=event.steps, note=note))
