"""Is a text by this person or not? One author against all others, on the features of attribution.

Attribution asks who of these people it was; a draft that is nobody's is somebody's there.
Verification asks of one person, and may say no. Its threshold is where, in a cross-validation over
the training texts, as many of the person's own are refused as of others' are accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlx_agent.bootstrap import Interval, interval
from mlx_agent.errors import extra_needed
from mlx_agent.evaluate.attribution import Attributor, Written

_FOLDS = 5
_STRENGTH = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How well a verifier tells a person's mails from others', on texts it was not trained on.

    `auc` is the area under the ROC curve (0.5 for chance), `equal_error` the rate at which both
    errors are equal. `accepted` are the shares of the person's own that its threshold lets pass,
    `falsely` of the others'.
    """

    person: str
    own: int
    others: int
    auc: float
    equal_error: float
    accepted: Interval
    falsely: Interval


class Verifier:
    """Trained for one of an attributor's authors, MACHINE included. Not changed by use."""

    def __init__(self, attributor: Attributor, person: str) -> None:
        """ValueError for an author that the attributor does not know."""
        if person not in attributor.authors:
            raise ValueError("the attributor knows no such author")
        with extra_needed("scikit-learn", "eval"):
            from sklearn.linear_model import LogisticRegression
            from sklearn.model_selection import StratifiedKFold, cross_val_predict

        self.person = person
        self._attributor = attributor
        matrix, own = attributor.matrix, [label == person for label in attributor.labels]
        model = LogisticRegression(
            C=_STRENGTH,
            class_weight="balanced",
            solver="liblinear",
            dual=True,  # many more features than texts
            max_iter=1000,
            random_state=attributor.seed,
        )
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=attributor.seed)
        unseen = cross_val_predict(model, matrix, own, cv=folds, method="decision_function")
        self.threshold = _equal_error(own, unseen)[1]
        self._model: Any = model.fit(matrix, own)

    def scores(self, texts: Sequence[Written]) -> list[float]:
        """How much speaks for the person, in log odds; comparable within one verifier only."""
        if not texts:
            return []
        found = self._model.decision_function(self._attributor.features(texts))
        return list(map(float, found))

    def accepts(self, texts: Sequence[Written]) -> list[bool]:
        """Whether each text passes for the person's."""
        return [score >= self.threshold for score in self.scores(texts)]

    def accepted(self, texts: Sequence[Written]) -> Interval:
        """The share of at least one text that passes, with its interval over texts."""
        return interval(list(map(float, self.accepts(texts))), self._attributor.seed)


def verify(verifier: Verifier, own: Sequence[Written], others: Sequence[Written]) -> Verification:
    """Measure a verifier on held-out mails of its person and of others, at least one of each."""
    from sklearn.metrics import roc_auc_score

    scores = verifier.scores([*own, *others])
    is_own = [True] * len(own) + [False] * len(others)
    return Verification(
        person=verifier.person,
        own=len(own),
        others=len(others),
        auc=float(roc_auc_score(is_own, scores)),
        equal_error=_equal_error(is_own, scores)[0],
        accepted=verifier.accepted(own),
        falsely=verifier.accepted(others),
    )


def _equal_error(is_own: Sequence[bool], scores: Sequence[float]) -> tuple[float, float]:
    """The rate at which both errors are nearest to each other, and the threshold there."""
    from sklearn.metrics import roc_curve

    falsely, accepted, thresholds = roc_curve(is_own, scores, drop_intermediate=False)
    # the first threshold is infinite, and refuses everything
    at = 1 + int(abs(1 - accepted - falsely)[1:].argmin())
    return float((1 - accepted[at] + falsely[at]) / 2), float(thresholds[at])
