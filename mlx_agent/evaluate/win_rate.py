"""How often a system wins before a judge, and how much of that is length. Pure.

A judge may prefer the longer text. The length-controlled rate is the idea of Dubois et al. (2024,
arXiv:2404.04475), for one pair of systems: a logistic regression of the outcomes on an intercept
and on how much longer the system's draft is, and its prediction where both are equally long.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlx_agent.bootstrap import RESAMPLES, Interval, interval
from mlx_agent.errors import extra_needed
from mlx_agent.evaluate.records import Judgement

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_FIRM = 1e-6, 1e-2
"""The precisions of the priors on intercept and slope, which only keep them finite."""
_STEP, _STEPS, _STILL = 1.0, 100, 1e-6
"""Newton's method goes so far in a step at the most, in so many steps, and ends below the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """What a system won before a judge, over pairs.

    `rate` is its mean score, a tie half, and `controlled` the same at equal lengths. `ties` are the
    pairs at one half. Of these, in `contradicted` the two orders named different drafts, and in
    `first_shown` each order named what was shown first.
    """

    pairs: int
    rate: Interval
    controlled: Interval
    ties: int
    contradicted: int
    first_shown: int

    @property
    def position_bias(self) -> float:
        """The share of pairs that the place alone decided."""
        return self.contradicted / self.pairs


def win_rate(
    judgements: Sequence[Judgement],
    of: Collection[str],
    words: Mapping[str, float],
    seed: int = 1,
) -> WinRate:
    """The win rate of the system whose trials are `of`, over at least one judgement.

    In each of them exactly one of the two trials is the system's. `words` are the lengths of all
    trials. ExtraMissing without NumPy.
    """
    scores = [seen_from(judgement, of) for judgement in judgements]
    longer = [_longer(judgement, of, words) for judgement in judgements]
    contradicted = [j for j in judgements if {j.forward, j.backward} == {"first", "second"}]
    return WinRate(
        pairs=len(scores),
        rate=interval(scores, seed),
        controlled=length_controlled(scores, longer, seed),
        ties=scores.count(0.5),
        contradicted=len(contradicted),
        first_shown=sum(judgement.forward == "first" for judgement in contradicted),
    )


def seen_from(judgement: Judgement, of: Collection[str]) -> float:
    """The score of a judgement for the system whose trials are `of`: 0 to 1."""
    return judgement.score if _is_first(judgement, of) else 1 - judgement.score


def _is_first(judgement: Judgement, of: Collection[str]) -> bool:
    first, second = judgement.first in of, judgement.second in of
    if first == second:
        raise ValueError("a judgement is between a trial of the system and another's")
    return first


def _longer(judgement: Judgement, of: Collection[str], words: Mapping[str, float]) -> float:
    more = words[judgement.first] - words[judgement.second]
    return more if _is_first(judgement, of) else -more


def length_controlled(scores: Sequence[float], longer: Sequence[float], seed: int = 1) -> Interval:
    """The win rate at equal lengths, with its bootstrap 95 % interval over pairs.

    `scores` are 0 to 1, one for each pair, at least one; `longer` says by how many words the
    system's draft is longer. A fractional score is a win and a loss with such weights. The length
    difference is divided by its standard deviation and bounded by tanh, as in the paper; the terms
    for the difficulty of an instruction are left out. Where all differences are equal nothing can
    be controlled, and this is the plain rate. Where the system's drafts are nearly always the
    longer ones, it is an extrapolation.
    """
    with extra_needed("numpy", "eval"):
        import numpy as np
    won, difference = np.asarray(scores, float), np.asarray(longer, float)
    spread = difference.std()
    feature = np.tanh(difference / spread) if spread else np.zeros(len(won))
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(won), np.full(len(won), 1 / len(won)), size=RESAMPLES)
    rates = _at_equal_length(np.vstack([np.ones(len(won)), drawn]), won, feature)
    resampled = np.sort(rates[1:])
    return Interval(
        mean=float(rates[0]),
        low=float(resampled[int(0.025 * RESAMPLES)]),
        high=float(resampled[int(0.975 * RESAMPLES)]),
    )


def _at_equal_length(weights: Array, won: Array, feature: Array) -> Array:
    """The prediction at feature 0 for each row of weights (rows, pairs), by Newton's method."""
    import numpy as np

    share = weights @ won / weights.sum(axis=1)
    intercept, slope = np.zeros(len(weights)), np.zeros(len(weights))
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-(intercept[:, None] + slope[:, None] * feature)))
        left = weights * (won - expected)
        curve = weights * expected * (1 - expected)
        pull = left.sum(axis=1) - _FIRM[0] * intercept
        tilt = left @ feature - _FIRM[1] * slope
        a, b, c = curve.sum(axis=1) + _FIRM[0], curve @ feature, curve @ feature**2 + _FIRM[1]
        room = a * c - b**2
        step = np.stack([(c * pull - b * tilt) / room, (a * tilt - b * pull) / room])
        step = np.clip(step, -_STEP, _STEP)
        intercept, slope = intercept + step[0], slope + step[1]
        if abs(step).max() < _STILL:
            break
    rate: Array = 1 / (1 + np.exp(-intercept))
    return np.where((share == 0) | (share == 1), share, rate)
