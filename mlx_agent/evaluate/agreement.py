"""How far judges agree, with each other and with people. Pure.

Raw agreement says what a reader sees, Cohen's kappa (1960) what is left of it beyond chance, and
Krippendorff's alpha (nominal; "Computing Krippendorff's Alpha-Reliability", 2011) the same for any
number of judges of whom each may have passed over some pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from mlx_agent.bootstrap import RESAMPLES, Interval, interval
from mlx_agent.evaluate.records import BlindPair, Judgement
from mlx_agent.large.answers import Choice

_MIRRORED: dict[Choice, Choice] = {"first": "second", "second": "first", "tie": "tie"}
_PLACES: dict[str, Choice] = {"left": "first", "right": "second", "tie": "tie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Which of two trials somebody found nearer to the truth."""

    first: str
    second: str
    choice: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two judges on the pairs that both have judged.

    `raw` is the share on which they agree. `kappa` is 1 for full agreement and 0 for chance, with
    its bootstrap 95 % interval over pairs; None where both always said one and the same, at which
    chance cannot be told from agreement.
    """

    pairs: int
    raw: Interval
    kappa: Interval | None


def of_judgement(judgement: Judgement) -> Vote:
    """A judge's vote from both orders; what they contradict each other about is a tie."""
    score = judgement.score
    choice: Choice = "tie" if score == 0.5 else "first" if score > 0.5 else "second"
    return Vote(first=judgement.first, second=judgement.second, choice=choice)


def of_person(pair: BlindPair) -> Vote | None:
    """A person's vote, None where they have not chosen yet."""
    if pair.choice is None:
        return None
    return Vote(first=pair.left, second=pair.right, choice=_PLACES[pair.choice])


def agreement(one: Iterable[Vote], other: Iterable[Vote], seed: int = 1) -> Agreement | None:
    """How far two judges agree; None where there is no pair that both have judged.

    Votes on one pair are found whatever the order of its trials. What is first and second is as
    `one` has it: where its first trials are all of one system, chance is what would be agreed on by
    knowing how often that system wins.
    """
    cells = _cells(one, other)
    if not cells:
        return None
    return Agreement(
        pairs=len(cells),
        raw=interval([float(a == b) for a, b in cells], seed),
        kappa=_kappa_interval(cells, seed),
    )


def _cells(one: Iterable[Vote], other: Iterable[Vote]) -> list[tuple[Choice, Choice]]:
    """What both said of each pair that both judged; of several votes on a pair the last counts."""
    said: dict[tuple[str, str], Choice] = {}
    for vote in other:
        said[vote.first, vote.second] = vote.choice
        said[vote.second, vote.first] = _MIRRORED[vote.choice]
    votes = {frozenset((vote.first, vote.second)): vote for vote in one}
    return [
        (vote.choice, said[vote.first, vote.second])
        for vote in votes.values()
        if (vote.first, vote.second) in said
    ]


def kappa(cells: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen's kappa of at least one pair of ratings; None where it is undefined."""
    count = len(cells)
    rows, columns = Counter(a for a, _ in cells), Counter(b for _, b in cells)
    by_chance = sum(rows[value] * columns[value] for value in rows) / count**2
    if by_chance == 1:
        return None
    agreed = sum(a == b for a, b in cells) / count
    return (agreed - by_chance) / (1 - by_chance)


def _kappa_interval(cells: Sequence[tuple[Choice, Choice]], seed: int) -> Interval | None:
    """Resamples at which it is undefined count as full agreement, for both said the same."""
    found = kappa(cells)
    if found is None:
        return None
    random = Random(seed)
    drawn = (kappa(random.choices(cells, k=len(cells))) for _ in range(RESAMPLES))
    resampled = sorted(1.0 if value is None else value for value in drawn)
    return Interval(
        mean=found,
        low=resampled[int(0.025 * RESAMPLES)],
        high=resampled[int(0.975 * RESAMPLES)],
    )


def alpha(ratings: Sequence[Mapping[str, Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal values of several judges.

    Each judge is a mapping from what was judged to the value given. None where nothing was judged
    twice, or where all values are the same.
    """
    units = {unit for judge in ratings for unit in judge}
    together: dict[tuple[Hashable, Hashable], float] = {}
    for unit in sorted(units):
        counts = Counter(judge[unit] for judge in ratings if unit in judge)
        others = counts.total() - 1
        for a, b in product(counts, counts) if others else ():
            pairs = counts[a] * (counts[b] - (a == b))
            together[a, b] = together.get((a, b), 0.0) + pairs / others
    return _alpha(together)


def _alpha(together: Mapping[tuple[Hashable, Hashable], float]) -> float | None:
    """Alpha from a matrix of coincidences."""
    of_value: dict[Hashable, float] = {}
    for (a, _), weight in together.items():
        of_value[a] = of_value.get(a, 0.0) + weight
    total = sum(of_value.values())
    expected = total**2 - sum(weight**2 for weight in of_value.values())
    if not expected:
        return None
    observed = sum(weight for (a, b), weight in together.items() if a != b)
    return 1 - (total - 1) * observed / expected
