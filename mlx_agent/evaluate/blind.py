"""The blind test: which pairs a person is shown, which comes next, and what their choices say.

Pure and seeded; what is shown and kept is others' business. One system, the champion, is set
against each rival about as often, mails in random order, sides by chance, and what two systems
wrote alike is left out. A person's choice between two drafts unlabelled is the paper's Figure 13.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from random import Random

from mlx_agent.bootstrap import Interval, interval
from mlx_agent.evaluate.records import BlindPair, Training, Trial
from mlx_agent.evaluate.systems import REAL

USUAL = ("agent R3", "style card", "few-shot near", "zero-shot")
"""Who is compared where the user names nobody; the first that there is, is the champion."""
PAIRS = 40

Written = dict[str, dict[str, Trial]]
"""By system, by mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How often a system was chosen: against one rival, or against all where `rival` is None.

    `rate` is its win rate, a tie half; each mail counts once, however many pairs it was in.
    """

    system: str
    rival: str | None
    mails: int
    won: int
    tied: int
    lost: int
    rate: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What all choices say: of every system, and of the champion against each rival."""

    pairs: int
    mails: int
    systems: tuple[Standing, ...]
    rivals: tuple[Standing, ...]


def written(trials: Iterable[Trial], trainings: Mapping[str, Training]) -> Written:
    """What each system wrote for each mail, in the usual way: trained on all there is.

    Of a run that also tried other ranks or fewer lessons only the usual agents are here, and the
    real mail, which is shown above the drafts, is none of them. Where a system still wrote more
    than one text for a mail, none of them stands for it.
    """
    found: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        own = trial.agent_of in {None, trial.person} and trial.system != REAL
        if own and _is_usual(trial, trainings):
            found[trial.system, trial.mail].append(trial)
    by_system: Written = {}
    for (system, mail), some in sorted(found.items()):
        if len(some) == 1:
            by_system.setdefault(system, {})[mail] = some[0]
    return by_system


def _is_usual(trial: Trial, trainings: Mapping[str, Training]) -> bool:
    made = trainings.get(trial.training or "")
    usual = Training(id="", person="")
    return made is None or (
        (made.rank, made.lessons, made.part) == (usual.rank, usual.lessons, usual.part)
    )


def compared(there: Collection[str], named: Sequence[str]) -> tuple[str, ...]:
    """The systems to compare, the champion first; none where not all that are named are there.

    Where nobody is named, the usual ones; where there are no two of these, whoever is there.
    """
    if named:
        return tuple(named) if set(named) <= set(there) else ()
    usual = [system for system in USUAL if system in there]
    others = sorted(set(there) - set(usual), key=lambda name: (not _is_agent(name), name))
    return tuple(usual if len(usual) > 1 else [*usual, *others])


def draw(
    session: str, wrote: Written, systems: Sequence[str], *, count: int, seed: int
) -> tuple[BlindPair, ...]:
    """At most `count` pairs of the first system with the others; none where texts never differ."""
    random = Random(seed)
    champion, *rivals = systems or ("",)
    left_to_take = {rival: _mails_of(wrote, champion, rival) for rival in rivals}
    for mails in left_to_take.values():
        random.shuffle(mails)
    taken = _evenly(left_to_take, count)
    random.shuffle(taken)
    pairs = []
    for number, (rival, mail) in enumerate(taken):
        sides = [wrote[champion][mail].id, wrote[rival][mail].id]
        random.shuffle(sides)
        pairs.append(BlindPair(session=session, number=number, left=sides[0], right=sides[1]))
    return tuple(pairs)


def _mails_of(wrote: Written, champion: str, rival: str) -> list[str]:
    ours, theirs = wrote.get(champion, {}), wrote.get(rival, {})
    both = sorted(ours.keys() & theirs.keys())
    return [mail for mail in both if ours[mail].text.split() != theirs[mail].text.split()]


def _evenly(mails: dict[str, list[str]], count: int) -> list[tuple[str, str]]:
    """Rival by rival in turn; each takes, of its mails, one that was taken least so far."""
    used: Counter[str] = Counter()
    taken: list[tuple[str, str]] = []
    while len(taken) < count and any(mails.values()):
        for rival, waiting in mails.items():
            if waiting and len(taken) < count:
                mail = min(waiting, key=lambda one: used[one])
                waiting.remove(mail)
                used[mail] += 1
                taken.append((rival, mail))
    return taken


def answered(pairs: Sequence[BlindPair]) -> int:
    """How many were."""
    return sum(pair.choice is not None for pair in pairs)


def following(pairs: Sequence[BlindPair]) -> int | None:
    """The index of the first pair without an answer, None at the end."""
    return next((index for index, pair in enumerate(pairs) if pair.choice is None), None)


def preceding(pairs: Sequence[BlindPair], index: int | None) -> int | None:
    """The index of the pair before one, or before the end; None at the beginning."""
    before = (len(pairs) if index is None else index) - 1
    return before if before >= 0 else None


def beyond_chance(standing: Standing) -> bool:
    """Whether this is hardly chance: by the interval, and by the sign test at 5 %, ties aside.

    The bootstrap alone is sure of too much where a few mails all went one way.
    """
    decided, least = standing.won + standing.lost, min(standing.won, standing.lost)
    tail = sum(comb(decided, wins) for wins in range(least + 1)) / 2**decided
    return not standing.rate.low <= 0.5 <= standing.rate.high and 2 * tail <= 0.05


def result(pairs: Sequence[BlindPair], trials: Mapping[str, Trial]) -> Result:
    """What at least one pair, all of them answered, says; `trials` are those of the pairs by id."""
    scores = list(_scores(pairs, trials))
    systems = sorted({score.system for score in scores}, key=_champions_first(scores))
    champion = systems[0]
    return Result(
        pairs=len(pairs),
        mails=len({score.mail for score in scores}),
        systems=tuple(_standing(scores, system, None) for system in systems),
        rivals=tuple(_standing(scores, champion, rival) for rival in systems[1:]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """What one system won in one pair."""

    system: str
    rival: str
    mail: str
    won: float


def _scores(pairs: Iterable[BlindPair], trials: Mapping[str, Trial]) -> Iterable[_Score]:
    for pair in pairs:
        assert pair.choice is not None
        left, right = trials[pair.left], trials[pair.right]
        won = {"left": 1.0, "tie": 0.5, "right": 0.0}[pair.choice]
        for one, other, score in ((left, right, won), (right, left, 1 - won)):
            yield _Score(system=one.system, rival=other.system, mail=one.mail, won=score)


def _champions_first(scores: Sequence[_Score]) -> Callable[[str], tuple[int, bool, str]]:
    """In most pairs; of two in as many, an agent."""
    pairs = Counter(score.system for score in scores)
    return lambda system: (-pairs[system], not _is_agent(system), system)


def _is_agent(system: str) -> bool:
    return system.startswith("agent")


def _standing(scores: Iterable[_Score], system: str, rival: str | None) -> Standing:
    mine = [one for one in scores if one.system == system and rival in {None, one.rival}]
    by_mail: dict[str, list[float]] = defaultdict(list)
    for one in mine:
        by_mail[one.mail].append(one.won)
    won = Counter(one.won for one in mine)
    return Standing(
        system=system,
        rival=rival,
        mails=len(by_mail),
        won=won[1.0],
        tied=won[0.5],
        lost=won[0.0],
        rate=interval([sum(some) / len(some) for some in by_mail.values()]),
    )
