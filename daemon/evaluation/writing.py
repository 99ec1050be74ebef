"""Drafts for an experiment: every system's text for every held-out mail that has none yet."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Literal

from daemon.errors import MailExcluded
from daemon.evaluation.agents import Agents
from daemon.outgoing import Door
from daemon.slots import Slots
from daemon.store import mail as mail_store
from daemon.store.nearest import nearest_among
from mlx_agent import render
from mlx_agent.card import style_card
from mlx_agent.errors import SampleError
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.experiments import Person
from mlx_agent.evaluate.records import Training, Trial
from mlx_agent.evaluate.systems import Arm
from mlx_agent.few_shot import NEIGHBOURS
from mlx_agent.large.answers import parse_mail
from mlx_agent.records import DraftTask, FewShotTask, Lesson, Rule

Asked = DraftTask | FewShotTask
Trained = Mapping[str, Training]
"""The trainings that are done, by their ids."""
AUTHOR = "(author)"
"""Who wrote the real mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes the trials of arms. `slots` bounds what is asked of the writer at once."""

    door: Door
    agents: Agents
    people: Mapping[str, Person]
    trained: Trained
    slots: AbstractAsyncContextManager[object]
    seed: int

    @classmethod
    def of(
        cls,
        door: Door,
        agents: Agents,
        people: Mapping[str, Person],
        trained: Trained,
        seed: int,
    ) -> Writing:
        """With as many requests at once as the config allows the writer."""
        return cls(
            door=door,
            agents=agents,
            people=people,
            trained=trained,
            slots=slots_of(door, "writer"),
            seed=seed,
        )

    def keys(self, arm: Arm) -> dict[str, Lesson]:
        """The keys of the arm's trials, and the mails that they are of."""
        writer, prompt = self._writer(arm), self._prompt(arm)
        data = _known(arm, self.people)
        return {
            systems.trial_id(
                arm, lesson, writer=writer, prompt=prompt, data=data, seed=self.seed
            ): lesson
            for lesson in self.people[arm.person].splits.test
        }

    async def write(self, arm: Arm, missing: Mapping[str, Lesson]) -> AsyncIterator[Trial]:
        """A trial for each key; a mail that the writer refuses, or that may not leave, gets none.

        Raises what the worker and the door raise.
        """
        lessons = list(missing.values())
        if arm.how in ("truth", "small"):
            texts = await self._texts(arm, lessons)
            for (key, lesson), text in zip(missing.items(), texts, strict=True):
                yield self._trial(arm, key, lesson, text=text)
            return
        asked = await self._tasks(arm, lessons)
        pairs = zip(missing.items(), asked, strict=True)
        for coming in asyncio.as_completed(
            [self._drafted(arm, key, lesson, task) for (key, lesson), task in pairs]
        ):
            trial = await coming
            if trial is not None:
                yield trial

    async def _texts(self, arm: Arm, lessons: Sequence[Lesson]) -> list[str]:
        if arm.how == "truth":
            return [lesson.own_text for lesson in lessons]
        training = self.trained[arm.training.id] if arm.training else None
        texts = await self.agents.write(training, lessons)
        return [systems.written(t, one.x) for t, one in zip(texts, lessons, strict=True)]

    async def _tasks(self, arm: Arm, lessons: Sequence[Lesson]) -> list[Asked]:
        known = self.people[arm.person].splits.train
        if arm.how == "examples":
            shown = await asyncio.to_thread(self._examples, arm, lessons, known)
            pairs = zip(lessons, shown, strict=True)
            return [systems.few_shot_task(one.x, examples) for one, examples in pairs]
        rules = await self._rules(arm, lessons, known)
        pairs_ = zip(lessons, rules, strict=True)
        return [systems.draft_task(one.x, chosen) for one, chosen in pairs_]

    def _examples(
        self, arm: Arm, lessons: Sequence[Lesson], known: Sequence[Lesson]
    ) -> Sequence[tuple[Lesson, ...]]:
        xs = [lesson.x for lesson in lessons]
        if arm.system == systems.FEW_SHOT_NEAR:
            return nearest_among(known, xs, systems.SHOTS)
        return [systems.random_examples(known, x, self.seed) for x in xs]

    async def _rules(
        self, arm: Arm, lessons: Sequence[Lesson], known: Sequence[Lesson]
    ) -> Sequence[tuple[Rule, ...]]:
        if arm.training is not None:
            owner = self.people[arm.training.person]
            return await self.agents.rules(self.trained[arm.training.id], owner, lessons)
        if arm.system == systems.NEAREST_RULES:
            return await asyncio.to_thread(_nearest_rules, lessons, known)
        fixed = _fixed_rules(arm, self.people[arm.person])
        return [fixed] * len(lessons)

    async def _drafted(self, arm: Arm, key: str, lesson: Lesson, task: Asked) -> Trial | None:
        mail = await self.door.database.read(mail_store.mail, arm.person, lesson.sample_id)
        thread = (mail.message_id, mail.in_reply_to, *mail.references) if mail else ()
        errand = self.door.errand("evaluate", arm.person, lesson.sample_id, thread)
        try:
            answer = await errand.complete(task, slot=self.slots)
            text = parse_mail(answer.text, lesson.x)
        except (SampleError, MailExcluded):
            return None
        rules = task.rules if isinstance(task, DraftTask) else ()
        trial = self._trial(arm, key, lesson, text=text)
        return replace(trial, rules=rules, usage=answer.usage)

    def _trial(self, arm: Arm, key: str, lesson: Lesson, *, text: str) -> Trial:
        return Trial(
            id=key,
            person=arm.person,
            mail=lesson.sample_id,
            lesson=lesson.id,
            system=arm.name,
            agent_of=arm.agent_of,
            writer=self._writer(arm),
            text=text,
            training=arm.training.id if arm.training else None,
        )

    def _writer(self, arm: Arm) -> str:
        if arm.how == "truth":
            return AUTHOR
        return (
            self.agents.base
            if arm.how == "small"
            else self.door.models[self.door.config.models.writer].name
        )

    def _prompt(self, arm: Arm) -> str:
        names = {"examples": "few_shot", "small": "writer"}
        lesson = self.people[arm.person].splits.test[0]
        return render.prompt_version(names.get(arm.how, "draft"), lesson.x.kind)


def slots_of(door: Door, role: Literal["writer", "judge"]) -> AbstractAsyncContextManager[object]:
    """What bounds the requests in flight to the model of a role; the offline one needs no bound."""
    chosen = door.config.large.get(getattr(door.config.models, role))
    return Slots(chosen.in_flight) if chosen else nullcontext()


def _fixed_rules(arm: Arm, person: Person) -> tuple[Rule, ...]:
    """The same rules for every mail: none, by hand, or the style card of the training mails."""
    if arm.system == systems.HAND_WRITTEN:
        return person.hand_written
    if arm.system == systems.STYLE_CARD:
        return style_card([(one.x, one.own_text) for one in person.splits.train]).rules
    return ()


def _nearest_rules(lessons: Sequence[Lesson], known: Sequence[Lesson]) -> list[tuple[Rule, ...]]:
    near = nearest_among(known, [one.x for one in lessons], NEIGHBOURS)
    pairs = zip(near, lessons, strict=True)
    return [systems.nearest_rules(found, lesson.x) for found, lesson in pairs]


def _known(arm: Arm, people: Mapping[str, Person]) -> str:
    """A name for what an arm knows without a training, for its trials follow from that."""
    if arm.system == systems.HAND_WRITTEN:
        return _hashed(f"{r.aspect}: {r.instruction}" for r in people[arm.person].hand_written)
    if arm.training is None and arm.agent_of is not None:
        return _hashed(lesson.id for lesson in people[arm.person].splits.train)
    return ""


def _hashed(parts: Iterable[str]) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
