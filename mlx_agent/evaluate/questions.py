"""Which figures an experiment has: a name, what is measured, and on which trials. Pure.

They follow from the plan alone. A system that wrote nothing for a mail is compared on the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlx_agent.evaluate import systems
from mlx_agent.evaluate.experiments import NIGHTS, Person, Plan
from mlx_agent.evaluate.figures import BESIDE
from mlx_agent.evaluate.records import Question, Trial
from mlx_agent.evaluate.systems import Arm

ALL = "all"
"""Instead of a person: everybody's mails together."""
OTHERS = "another's agent"
PLAIN = (
    *("distance", "edit", "words", "unsupported", "uncovered"),
    *("attributed", "raw", "machine", "verified"),
)
"""What is measured of every arm; a trial without a measure is left out of its mean."""
SWAPPED = ("distance", "attributed", "to owner")
"""What the swap matrix is told by: `to owner` is the share that looks like the agent's owner."""

Written = Mapping[Arm, Mapping[str, Trial]]
"""The trials of each arm, by their mails."""


def questions(
    plan: Plan, people: Sequence[Person], written: Written, extras: Sequence[str] = ()
) -> list[Question]:
    """Every figure of the plan, those over all people after each person's.

    `extras` are names of `mlx_agent.evaluate.extras` that were measured, too.
    """
    names = [person.name for person in people]
    measures = (*PLAIN, *extras)
    found = [*_of_arms(plan, names, measures, written), *_of_pairs(plan, names, written)]
    found += [*_of_swaps(plan, written), *_beside_others(plan, names, written)]
    return list({one.name: one for one in found if one.of}.values())


def _of_arms(
    plan: Plan, names: Sequence[str], measures: Sequence[str], written: Written
) -> Iterator[Question]:
    own = [arm for arm in plan.arms if not _swapped(arm)]
    for system in dict.fromkeys(arm.name for arm in own):
        arms = [arm for arm in own if arm.name == system]
        for who in (*names, ALL):
            of = [t.id for arm in arms if who in (arm.person, ALL) for t in written[arm].values()]
            for measure in measures:
                yield Question(name=f"{measure}/{system}/{who}", measure=measure, of=tuple(of))


def _of_pairs(plan: Plan, names: Sequence[str], written: Written) -> Iterator[Question]:
    pairs = [pair for pair in plan.pairs if not _swapped(pair[1])]
    rivals = dict.fromkeys((one.name, other.name) for one, other in pairs)
    for rival in rivals:
        chosen = [pair for pair in pairs if (pair[0].name, pair[1].name) == rival]
        for who in (*names, ALL):
            some = [pair for pair in chosen if who in (pair[0].person, ALL)]
            yield from _beside(f"{rival[0]}/{rival[1]}/{who}", some, written)


def _of_swaps(plan: Plan, written: Written) -> Iterator[Question]:
    """Every agent on everybody's mails; only where agents were swapped."""
    agents = [arm for arm in plan.arms if arm.system == systems.AGENT and not arm.label]
    if not any(map(_swapped, agents)):
        return
    for arm in agents:
        of = tuple(trial.id for trial in written[arm].values())
        for measure in SWAPPED:
            name = f"swap/{measure}/{arm.agent_of}/{arm.person}"
            yield Question(name=name, measure=measure, of=of)


def _beside_others(plan: Plan, names: Sequence[str], written: Written) -> Iterator[Question]:
    """The own agents against each other one, all taken together."""
    pairs = [pair for pair in plan.pairs if _swapped(pair[1])]
    for who in (*names, ALL) if pairs else ():
        some = [pair for pair in pairs if who in (pair[0].person, ALL)]
        yield from _beside(f"{systems.AGENT}/{OTHERS}/{who}", some, written)


def _beside(path: str, pairs: Iterable[tuple[Arm, Arm]], written: Written) -> Iterator[Question]:
    both = [
        (trial.id, written[other][mail].id)
        for one, other in pairs
        for mail, trial in written[one].items()
        if mail in written[other]
    ]
    of, against = tuple(a for a, _ in both), tuple(b for _, b in both)
    for measure in BESIDE:
        yield Question(name=f"{measure}/{path}", measure=measure, of=of, against=against)


def _swapped(arm: Arm) -> bool:
    return arm.agent_of is not None and arm.agent_of != arm.person


def night_names() -> tuple[str, ...]:
    """The systems of the nightly experiment by night; the last one is the agent of all lessons."""
    nights = range(1, len(NIGHTS))
    return (*(f"{systems.AGENT} night {night}" for night in nights), systems.AGENT)
