"""Runs a plan: what it needs and the store does not hold yet, step by step, and then its figures.

Everything is written down as soon as it is there, so that a run that is ended anywhere goes on
where it was: trainings, trials and judgements have keys, and are done once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.errors import MailExcluded, only_cause
from daemon.evaluation.agents import Agents
from daemon.evaluation.writing import Writing
from daemon.outgoing import Door
from daemon.records import Progress
from daemon.store import evaluations
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.errors import SampleError
from mlx_agent.evaluate import looks
from mlx_agent.evaluate.experiments import Person, Plan
from mlx_agent.evaluate.extras import Extra, score
from mlx_agent.evaluate.figures import figure, scores_of
from mlx_agent.evaluate.judging import judge
from mlx_agent.evaluate.measures import measure
from mlx_agent.evaluate.questions import Written, questions
from mlx_agent.evaluate.records import Figure, Judgement, Measure, Question, Run, Training, Trial
from mlx_agent.evaluate.systems import Arm
from mlx_agent.records import Lesson

TOGETHER = 64
"""Trials or judgements in a transaction, at the most."""

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One run. `judge_slots` bounds what is asked of the judge at once."""

    door: Door
    agents: Agents
    people: Sequence[Person]
    plan: Plan
    run: Run
    clock: Callable[[], datetime]
    judge_slots: AbstractAsyncContextManager[object]
    extras: tuple[Extra, ...] = ()
    report: Report = lambda _: None

    @property
    def database(self) -> Database:
        """The home's store."""
        return self.door.database

    @property
    def by_name(self) -> dict[str, Person]:
        """The people by their names."""
        return {person.name: person for person in self.people}

    async def figures(self) -> list[Figure]:
        """Do what is missing, and store the figures. Raises what the worker and the door raise."""
        try:
            return await self._all()
        except BaseExceptionGroup as failures:
            cause = only_cause(failures)
        first = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause
        raise only_cause(first)

    async def _all(self) -> list[Figure]:
        await self.database.write(evaluations.begin, self.run)
        trained = await self._train()
        written = await self._write(trained)
        await self._measure(written)
        await self._judge(written)
        found = await self._work_out(written)
        await self.database.write(evaluations.end, self.run.id, found, self.clock())
        return found

    # --- trainings ----------------------------------------------------------------------------

    async def _train(self) -> dict[str, Training]:
        people = self.by_name
        known = await self.database.read(evaluations.trainings, list(people))
        done = {one.id: known[one.id] for one in self.plan.trainings if self._made(known, one)}
        missing = [one for one in self.plan.trainings if one.id not in done]
        total = len(self.plan.trainings)

        async def train(training: Training) -> None:
            person = people[training.person]
            made = await self.agents.train(training, person, lambda _: None)
            await self.database.write(evaluations.add_training, made)
            done[made.id] = made
            self.report(Progress(step="train", done=len(done), total=total))

        self.report(Progress(step="train", done=len(done), total=total))
        async with asyncio.TaskGroup() as group:
            for training in missing:
                group.create_task(train(training))
        return done

    def _made(self, known: Mapping[str, Training], training: Training) -> bool:
        return training.id in known and self.agents.made(known[training.id])

    # --- trials -------------------------------------------------------------------------------

    async def _write(self, trained: Mapping[str, Training]) -> Written:
        writing = Writing.of(self.door, self.agents, self.by_name, trained, self.run.seed)
        keys = {arm: writing.keys(arm) for arm in self.plan.arms}
        every = {key for of_arm in keys.values() for key in of_arm}
        known = await self.database.read(evaluations.trials, every)
        await self.database.write(evaluations.use, self.run.id, list(known))
        tally = _Tally(self.report, "write", len(every), len(known))

        async def write(arm: Arm) -> None:
            missing = {key: one for key, one in keys[arm].items() if key not in known}
            if missing:
                await self._written(writing, arm, missing, tally)

        async with asyncio.TaskGroup() as group:
            for arm in self.plan.arms:
                group.create_task(write(arm))
        found = await self.database.read(evaluations.trials, every)
        return {
            arm: {found[key].mail: found[key] for key in of_arm if key in found}
            for arm, of_arm in keys.items()
        }

    async def _written(
        self, writing: Writing, arm: Arm, missing: Mapping[str, Lesson], tally: _Tally
    ) -> None:
        held: list[Trial] = []
        try:
            async for trial in writing.write(arm, missing):
                held.append(trial)
                tally.add(1)
                if len(held) == TOGETHER:
                    await self.database.write(evaluations.add_trials, self.run.id, held[:])
                    held.clear()
        finally:  # what is paid for is kept, whatever ended this
            await asyncio.shield(self.database.write(evaluations.add_trials, self.run.id, held))

    # --- measures and judgements --------------------------------------------------------------

    async def _measure(self, written: Written) -> None:
        trials = [trial for of_arm in written.values() for trial in of_arm.values()]
        known = await self.database.read(evaluations.measures, {one.id for one in trials})
        missing = [one for one in trials if "uncovered" not in known.get(one.id, {})]
        lessons = self._lessons()
        tally = _Tally(self.report, "measure", len(trials), len(trials) - len(missing))
        for start in range(0, len(missing), TOGETHER):
            some = missing[start : start + TOGETHER]
            found = await asyncio.to_thread(
                lambda chosen: [m for one in chosen for m in measure(one, lessons[one.lesson])],
                some,
            )
            await self.database.write(evaluations.add_measures, found)
            tally.add(len(some))
        if len(self.people) > 1:
            seen = await asyncio.to_thread(looks.at, trials, self.people, self.run.seed)
            await self.database.write(evaluations.add_measures, seen)

        for name in self.extras:
            found = await asyncio.to_thread(self._extra, name, written)
            await self.database.write(evaluations.add_measures, found)

    def _extra(self, name: Extra, written: Written) -> list[Measure]:
        """An extra measure, arm by arm, for some of them are of all drafts together."""
        lessons = self._lessons()
        found = []
        for of_arm in written.values():
            trials = list(of_arm.values())
            truths = [lessons[one.lesson].own_text for one in trials]
            values = score(name, [one.text for one in trials], truths)
            found += [
                Measure(trial=one.id, name=name, value=value)
                for one, value in zip(trials, values, strict=True)
            ]
        return found

    async def _judge(self, written: Written) -> None:
        pairs = [
            (trial, written[other][mail])
            for one, other in self.plan.pairs
            for mail, trial in written[one].items()
            if mail in written[other]
        ]
        ids = {trial.id for pair in pairs for trial in pair}
        known = await self.database.read(evaluations.judgements, ids)
        name = self._judge_name()
        prompt = self._judge_prompt()
        there = {
            (one.first, one.second) for one in known if (one.judge, one.prompt) == (name, prompt)
        }
        missing = [pair for pair in pairs if (pair[0].id, pair[1].id) not in there]
        tally = _Tally(self.report, "judge", len(pairs), len(pairs) - len(missing))
        for start in range(0, len(missing), TOGETHER):
            some = missing[start : start + TOGETHER]
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._judged(*pair)) for pair in some]
            found = [task.result() for task in asked]
            kept = [one for one in found if one is not None]
            await self.database.write(evaluations.add_judgements, kept)
            tally.add(len(some))

    async def _judged(self, first: Trial, second: Trial) -> Judgement | None:
        lesson = self._lessons()[first.lesson]
        mail = await self.database.read(mail_store.mail, first.person, first.mail)
        thread = (mail.message_id, mail.in_reply_to, *mail.references) if mail else ()
        errand = self.door.errand("judge", first.person, first.mail, thread)
        try:
            async with self.judge_slots:
                return await judge(lesson, first, second, errand)
        except (SampleError, MailExcluded):
            return None

    def _lessons(self) -> dict[str, Lesson]:
        return {one.id: one for person in self.people for one in person.splits.test}

    # --- figures ------------------------------------------------------------------------------

    async def _work_out(self, written: Written) -> list[Figure]:
        asked = questions(self.plan, self.people, written, self.extras)
        ids = {one for question in asked for one in (*question.of, *question.against)}
        values = await self.database.read(evaluations.measures, ids)
        judged = await self.database.read(evaluations.judgements, ids)
        scores = scores_of(judged, self._judge_name(), self._judge_prompt())
        named = {kind: looks.name_of(kind, self.people, self.run.seed) for kind in looks.KINDS}

        def work_out(asked: Question) -> Figure | None:
            named_ = replace(asked, measure=named.get(asked.measure, asked.measure))
            return figure(self.run.id, named_, values, scores, self.run.seed)

        found = await asyncio.to_thread(lambda: [work_out(one) for one in asked])
        return [one for one in found if one is not None]

    def _judge_prompt(self) -> str:
        return self.run.settings["judge prompt"]

    def _judge_name(self) -> str:
        return self.door.models[self.door.config.models.judge].name


class _Tally:
    """Tells how far a step is."""

    def __init__(self, report: Report, step: str, total: int, done: int) -> None:
        self._report, self._step, self._total, self._done = report, step, total, done
        self.add(0)

    def add(self, count: int) -> None:
        self._done += count
        self._report(Progress(step=self._step, done=self._done, total=self._total))
