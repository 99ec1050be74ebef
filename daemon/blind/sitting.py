"""A sitting at the blind test: the account's open session, or a new one, and what is shown of it.

Every choice is stored before the next pair is shown, so that whatever ends a sitting, the next one
goes on there. What is shown tells of no system, as long as there is anything to choose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from daemon.research_errors import BlindTestUnready
from daemon.store import blind as blind_store
from daemon.store import evaluations, lessons
from daemon.store.columns import to_text
from daemon.store.database import Connection, Database
from mlx_agent import codec
from mlx_agent.evaluate import blind
from mlx_agent.evaluate.records import BlindPair, Trial
from mlx_agent.records import Lesson

Choice = Literal["left", "right", "tie"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user said of a session; None, and no systems, where nothing."""

    pairs: int | None = None
    systems: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A pair as the page shows it: nothing in it says who wrote what.

    `index` counts from 0; `back` is the index of the pair before.
    """

    index: int
    pairs: int
    answered: int
    back: int | None
    intent: tuple[str, ...]
    own_text: str
    left: str
    right: str
    choice: Choice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the sitting is: at the pair `next`, or at the end."""

    pairs: int
    answered: int
    next: int | None
    back: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A session's pairs, their trials by id, and the lessons of these by id."""

    pairs: tuple[BlindPair, ...]
    trials: Mapping[str, Trial]
    lessons: Mapping[str, Lesson]


class Sitting:
    """Holds a session while it is answered. Made by `sit_down`."""

    def __init__(self, database: Database, material: Material) -> None:
        self._database = database
        self._pairs = list(material.pairs)
        self._material = material
        self.told = False
        """Whether the result was, after which nothing can be chosen."""

    @property
    def pairs(self) -> tuple[BlindPair, ...]:
        """With what was chosen so far."""
        return tuple(self._pairs)

    def place(self) -> Place:
        """How far it is."""
        following = blind.following(self._pairs)
        return Place(
            pairs=len(self._pairs),
            answered=blind.answered(self._pairs),
            next=following,
            back=blind.preceding(self._pairs, following),
        )

    def shown(self, index: int) -> Shown:
        """The pair of this index; raises IndexError."""
        pair = self._pairs[index]
        left, right = self._material.trials[pair.left], self._material.trials[pair.right]
        lesson = self._material.lessons[left.lesson]
        return Shown(
            index=index,
            pairs=len(self._pairs),
            answered=blind.answered(self._pairs),
            back=blind.preceding(self._pairs, index),
            intent=lesson.x.intent,
            own_text=lesson.own_text,
            left=left.text,
            right=right.text,
            choice=pair.choice,
        )

    async def choose(self, index: int, choice: Choice) -> None:
        """Store a choice, the first or another one; raises IndexError."""
        now = datetime.now(UTC)
        chosen = replace(self._pairs[index], choice=choice, chosen_at=now)
        await self._database.write(blind_store.choose, chosen, now)
        self._pairs[index] = chosen

    def result(self) -> blind.Result | None:
        """What was found; None before the end."""
        if blind.following(self._pairs) is not None:
            return None
        return blind.result(self._pairs, self._material.trials)


async def sit_down(database: Database, account: str, wishes: Wishes) -> Sitting:
    """Go on with the last session if it is open and as wished, or begin one.

    Raises BlindTestUnready where no evaluation has what it takes.
    """
    return Sitting(database, await database.write(_material, account, wishes, datetime.now(UTC)))


def _material(connection: Connection, account: str, wishes: Wishes, now: datetime) -> Material:
    open_ = _with_texts(connection, account, blind_store.latest(connection, account))
    if blind.following(open_.pairs) is not None and _fits(open_.pairs[0].session, wishes):
        return open_
    pairs = _drawn(connection, account, wishes, f"{to_text(now)} {_mark(wishes)}")
    blind_store.add(connection, pairs)
    return _with_texts(connection, account, pairs)


def _with_texts(connection: Connection, account: str, pairs: Sequence[BlindPair]) -> Material:
    """Without the pairs of lessons that are gone, as those of a mail that was cut anew are."""
    ids = {trial for pair in pairs for trial in (pair.left, pair.right)}
    trials = evaluations.trials(connection, ids)
    wanted = {trial.lesson for trial in trials.values()}
    kept = {one.id: one for one in lessons.lessons(connection, account) if one.id in wanted}
    shown = tuple(pair for pair in pairs if trials[pair.left].lesson in kept)
    return Material(pairs=shown, trials=trials, lessons=kept)


def _fits(session: str, wishes: Wishes) -> bool:
    return wishes == Wishes() or session.endswith(_mark(wishes))


def _mark(wishes: Wishes) -> str:
    return hashlib.sha256(codec.dumps(wishes).encode()).hexdigest()[:12]


def _drawn(connection: Connection, account: str, wishes: Wishes, session: str) -> list[BlindPair]:
    """Of the account's latest evaluation that has differing texts of the systems wished for."""
    known = lessons.lesson_ids(connection, account)
    trainings = evaluations.trainings(connection, [account])
    count = blind.PAIRS if wishes.pairs is None else wishes.pairs
    seed = 1 if wishes.seed is None else wishes.seed
    for run in reversed(evaluations.runs(connection)):
        if run.ended_at is None or account not in run.people:
            continue
        trials = evaluations.trials_of(connection, run.id)
        own = [one for one in trials if one.person == account and one.lesson in known]
        wrote = blind.written(own, trainings)
        systems = blind.compared(wrote, wishes.systems)
        if pairs := blind.draw(session, wrote, systems, count=count, seed=seed):
            return list(pairs)
    raise BlindTestUnready(account, wishes.systems)
