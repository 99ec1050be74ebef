"""The experiments: which trainings and which systems each needs, and what is set beside what. Pure.

Each is one of the paper's tables or figures, or a question that it left open. Whatever several of
them need has the same key, and is done once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlx_agent import codec
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.records import Target, Training
from mlx_agent.evaluate.systems import Arm
from mlx_agent.records import Lesson, Rule, Strategy
from mlx_agent.rules import format_rules
from mlx_agent.teach.dataset import Splits

Name = Literal[
    "table", "swap", "ranks", "naive", "strategies", "hand-written", "sizes", "nightly", "all"
]
NAMES: tuple[Name, ...] = (
    *("table", "swap", "ranks", "naive", "strategies", "hand-written", "sizes", "nightly"),
    "all",
)
RANKS = (4, 16, 64)
"""The paper sweeps the rank with alpha = rank (Figure 10)."""
SIZES = (25, 50, 100, 200, 400, 800)
NIGHTS = (0.4, 0.6, 0.8, 1.0)
"""The share of the training mails that are there at each night of the nightly retraining."""
LEAST = 20
"""Lessons that a training needs."""

Pair = tuple[Arm, Arm]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whose mail is evaluated on.

    `lessons` are their splits as each strategy taught them, those of R3 always among them, whose
    test split all systems are asked about; `hand_written` the rules that a person wrote for them.
    """

    name: str
    lessons: Mapping[Strategy, Splits]
    hand_written: tuple[Rule, ...] = ()

    @property
    def splits(self) -> Splits:
        """Those of the default strategy."""
        return self.lessons["R3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an experiment writes, and which of it a judge compares; every pair is of its arms."""

    arms: tuple[Arm, ...]
    pairs: tuple[Pair, ...] = ()

    @property
    def trainings(self) -> tuple[Training, ...]:
        """Each once, those of the most lessons first, so that two workers end together."""
        found: dict[str, Training] = {}
        for arm in self.arms:
            if arm.training is not None:
                found.setdefault(arm.training.id, arm.training)
        return tuple(sorted(found.values(), key=lambda one: (-(one.lessons or 10**6), one.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How trainings get their keys: `settings` names the base and all settings but the rank."""

    settings: str
    rank: int = 16
    seed: int = 1

    def training(
        self,
        person: Person,
        *,
        target: Target = "rules",
        strategy: Strategy = "R3",
        rank: int | None = None,
        lessons: int = 0,
        part: str = "",
    ) -> Training:
        """A training of a person's; its key is the hash of all that it follows from.

        Those of different strategies that taught the same are one, and so is the one that thinks
        where the teacher said nothing of its thoughts.
        """
        chosen = Training(
            id="",
            person=person.name,
            target=target,
            strategy=strategy,
            rank=rank or self.rank,
            lessons=lessons,
            part=part,
        )
        known = trained_on(person, chosen)
        if target == "thinking" and not any(one.thinking for one in known.train):
            chosen = replace(chosen, target="rules")
        parts = (
            *(person.name, chosen.target, str(chosen.rank), self.settings, str(self.seed)),
            *(_learned(one, chosen.target) for one in (*known.train, *known.valid)),
        )
        digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()
        return replace(chosen, id=digest[:24])


def _learned(lesson: Lesson, target: Target) -> str:
    """What a training learns from a lesson."""
    thinking = lesson.thinking if target == "thinking" else ""
    answer = lesson.own_text if target == "text" else format_rules(lesson.rules)
    return "\x01".join((lesson.sample_id, codec.dumps(lesson.x), thinking, answer))


def trained_on(person: Person, training: Training) -> Splits:
    """The lessons of a training: the latest so many; of a night, the oldest so many.

    Whatever is trained on, the held-out mails are those of all.
    """
    splits = person.lessons[training.strategy]
    train = splits.train
    if training.lessons:
        train = train[: training.lessons] if training.part else train[-training.lessons :]
    return Splits(train=train, valid=splits.valid, test=person.splits.test)


def plan(name: Name, people: Sequence[Person], making: Making) -> Plan:
    """What an experiment needs; of `all`, what all of them need together."""
    chosen = _EXPERIMENTS.values() if name == "all" else (_EXPERIMENTS[name],)
    plans = [experiment(people, making) for experiment in chosen]
    return Plan(
        arms=tuple(dict.fromkeys(arm for one in plans for arm in one.arms)),
        pairs=tuple(dict.fromkeys(pair for one in plans for pair in one.pairs)),
    )


def strategies_of(name: Name) -> tuple[Strategy, ...]:
    """The strategies whose lessons an experiment needs."""
    return ("R3", "R1", "R2") if name in ("table", "strategies", "all") else ("R3",)


# --- each of them -----------------------------------------------------------------------------


def _table(people: Sequence[Person], making: Making) -> Plan:
    """Table 2: the agent against every rival."""
    own = {person.name: _agent(person, making) for person in people}
    rivals = [
        arm
        for person in people
        for arm in (
            *_without_agent(person),
            *_small(person, making),
            *_other_agents(person, making),
        )
    ]
    return Plan(
        arms=(*_real(people), *own.values(), *rivals),
        pairs=tuple((own[rival.person], rival) for rival in rivals),
    )


def _swap(people: Sequence[Person], making: Making) -> Plan:
    """Table 3 and Figure 3: each agent on the mails of everybody."""
    agents = {person.name: _agent(person, making) for person in people}
    arms = [
        Arm(
            person=person.name,
            system=systems.AGENT,
            agent_of=owner,
            training=agents[owner].training,
        )
        for person in people
        for owner in agents
    ]
    pairs = [(agents[arm.person], arm) for arm in arms if arm.agent_of != arm.person]
    return Plan(arms=(*_real(people), *arms), pairs=tuple(pairs))


def _ranks(people: Sequence[Person], making: Making) -> Plan:
    """Figures 10 and 12: rank, alpha with it, and loss."""
    return Plan(arms=tuple(_agent(p, making, rank=rank) for p in people for rank in RANKS))


def _naive(people: Sequence[Person], making: Making) -> Plan:
    """Figure 2: rules against the mails themselves, with the same lessons and settings."""
    arms = [(_agent(person, making), _small(person, making)[1]) for person in people]
    return Plan(arms=tuple(arm for pair in arms for arm in pair), pairs=tuple(arms))


def _strategies(people: Sequence[Person], making: Making) -> Plan:
    """R1 against R2 against R3, and R3 with what the teacher thought."""
    own = {person.name: _agent(person, making) for person in people}
    others = [arm for person in people for arm in _other_agents(person, making)]
    return Plan(
        arms=(*own.values(), *others), pairs=tuple((own[arm.person], arm) for arm in others)
    )


def _hand_written(people: Sequence[Person], making: Making) -> Plan:
    """Rules made by a model against rules that a person wrote once and for all."""
    pairs = [
        (_agent(person, making), Arm(person=person.name, system=systems.HAND_WRITTEN))
        for person in people
        if person.hand_written
    ]
    return Plan(arms=tuple(arm for pair in pairs for arm in pair), pairs=tuple(pairs))


def _sizes(people: Sequence[Person], making: Making) -> Plan:
    """The latest 25 lessons, twice as many, and so on to all of them."""
    arms = []
    for person in people:
        sizes = [size for size in SIZES if size < len(person.splits.train)]
        arms += [_agent(person, making, lessons=size) for size in (*sizes, 0)]
    return Plan(arms=tuple(arms))


def _nightly(people: Sequence[Person], making: Making) -> Plan:
    """What retraining every night gains on mails that come after all of the nights."""
    arms = []
    for person in people:
        every = len(person.splits.train)
        for night, share in enumerate(NIGHTS, 1):
            known = round(share * every)
            if known >= LEAST:
                arms.append(_night(person, making, night, 0 if share == 1.0 else known))
    return Plan(arms=tuple(arms))


_EXPERIMENTS: dict[str, Callable[[Sequence[Person], Making], Plan]] = {
    "table": _table,
    "swap": _swap,
    "ranks": _ranks,
    "naive": _naive,
    "strategies": _strategies,
    "hand-written": _hand_written,
    "sizes": _sizes,
    "nightly": _nightly,
}


# --- arms -------------------------------------------------------------------------------------


def _real(people: Sequence[Person]) -> list[Arm]:
    return [Arm(person=person.name, system=systems.REAL) for person in people]


def _agent(person: Person, making: Making, *, rank: int | None = None, lessons: int = 0) -> Arm:
    label = f"rank {rank}" if rank not in (None, making.rank) else ""
    label = f"of {lessons} lessons" if lessons else label
    training = making.training(person, rank=rank, lessons=lessons)
    return _arm(person, systems.AGENT, training, label)


def _night(person: Person, making: Making, night: int, lessons: int) -> Arm:
    """Of the last night, when all mails are there, it is the agent that others use too."""
    if not lessons:
        return _agent(person, making)
    training = making.training(person, lessons=lessons, part=f"night {night}")
    return _arm(person, systems.AGENT, training, f"night {night}")


def _other_agents(person: Person, making: Making) -> list[Arm]:
    """Those of the other strategies, and the one that thinks."""
    found = [
        _arm(person, systems.STRATEGIES[strategy], making.training(person, strategy=strategy))
        for strategy in ("R1", "R2")
        if strategy in person.lessons
    ]
    thinking = making.training(person, target="thinking")
    return [*found, _arm(person, systems.THINKING, thinking)]


def _without_agent(person: Person) -> list[Arm]:
    """What the large model writes without an agent."""
    names = (
        *(systems.FEW_SHOT_NEAR, systems.FEW_SHOT_RANDOM),
        *(systems.STYLE_CARD, systems.NEAREST_RULES),
    )
    arms = [Arm(person=person.name, system=systems.ZERO_SHOT)]
    arms += [Arm(person=person.name, system=name, agent_of=person.name) for name in names]
    if person.hand_written:
        arms.append(Arm(person=person.name, system=systems.HAND_WRITTEN))
    return arms


def _small(person: Person, making: Making) -> tuple[Arm, Arm]:
    """M_S as it is, and M_F, trained on the mails themselves."""
    naive = making.training(person, target="text")
    return Arm(person=person.name, system=systems.SMALL), _arm(person, systems.NAIVE, naive)


def _arm(person: Person, system: str, training: Training, label: str = "") -> Arm:
    return Arm(
        person=person.name,
        system=system,
        agent_of=person.name,
        training=training,
        label=label,
    )


def lessons_of(people: Sequence[Person]) -> list[Lesson]:
    """The held-out lessons of all people."""
    return [lesson for person in people for lesson in person.splits.test]
