"""Whose is a text? A classifier of authors, which no large model has a part in.

TF-IDF of character 1- to 5-grams and a logistic regression (a strong baseline of authorship
attribution: Stamatatos, JASIST 60(3), 2009), trained on each person's training mails against the
others'. Machine text is an author of its own: without that class a generic draft goes to whoever
writes most formally. In the mode "shape" names and content words are hidden, see `masking`; in
"raw" the names alone.

Deterministic by its seed. scikit-learn is loaded when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from mlx_agent.bootstrap import Interval, interval
from mlx_agent.errors import TooFewAuthors, TooFewTexts, extra_needed
from mlx_agent.evaluate.masking import Mode, prepared
from mlx_agent.records import Address, X

MACHINE = "(machine)"
"""The author of what no person wrote; no account is called that."""
FEWEST = 20
"""So many training mails a person must have."""

_FEATURES = 30_000
"""The commonest n-grams; rarer ones cost time and tell little."""
_STRENGTH = 10.0
"""The inverse of the regression's penalty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text and the people whose names must not give it away."""

    text: str
    sender: Address
    to: tuple[Address, ...] = ()


def written(text: str, x: X) -> Written:
    """A text that was written for x."""
    return Written(text=text, sender=x.metadata.sender, to=x.metadata.to)


class Attributor:
    """A trained classifier of authors; `train` makes it. Not changed by use."""

    def __init__(self, mode: Mode, seed: int, vectoriser: Any, matrix: Any, labels: Any) -> None:
        with extra_needed("scikit-learn", "eval"):
            from sklearn.linear_model import LogisticRegression

        self.mode = mode
        self.seed = seed
        self.matrix = matrix
        """The features of the training texts, (texts, features)."""
        self.labels: list[str] = labels
        """Their authors."""
        self._vectoriser = vectoriser
        self._classifier: Any = LogisticRegression(
            C=_STRENGTH, class_weight="balanced", solver="newton-cg", max_iter=1000
        ).fit(matrix, labels)

    @property
    def authors(self) -> tuple[str, ...]:
        """Who can be told apart, MACHINE among them if it is known, in the alphabet's order."""
        return tuple(map(str, self._classifier.classes_))

    def features(self, texts: Sequence[Written]) -> Any:
        """The features of texts, (texts, features)."""
        return self._vectoriser.transform(_prepared(texts, self.mode))

    def attribute(self, text: Written) -> dict[str, float]:
        """The probability of each author."""
        return self.attribute_all([text])[0]

    def attribute_all(self, texts: Sequence[Written]) -> list[dict[str, float]]:
        """The same for many texts, which is faster."""
        if not texts:
            return []
        found = self._classifier.predict_proba(self.features(texts))
        return [dict(zip(self.authors, map(float, row), strict=True)) for row in found]


def train(
    people: Mapping[str, Sequence[Written]],
    machine: Sequence[Written] = (),
    mode: Mode = "shape",
    seed: int = 1,
) -> Attributor:
    """Train on each person's training mails; `machine` are zero-shot drafts of the same mails.

    Of the drafts as many are drawn as the most that a person has. Raises TooFewAuthors for less
    than two people, TooFewTexts for one with less than FEWEST mails, ExtraMissing without
    scikit-learn.
    """
    _check(people)
    with extra_needed("scikit-learn", "eval"):
        from sklearn.feature_extraction.text import TfidfVectorizer

    most = max(map(len, people.values()))
    drawn = Random(seed).sample(list(machine), min(most, len(machine)))
    authors = {**people, MACHINE: drawn} if drawn else dict(people)
    texts = [text for its in authors.values() for text in its]
    vectoriser = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, 5),
        lowercase=False,
        sublinear_tf=True,
        min_df=2,
        max_features=_FEATURES,
    )
    matrix = vectoriser.fit_transform(_prepared(texts, mode))
    labels = [author for author, its in authors.items() for _ in its]
    return Attributor(mode, seed, vectoriser, matrix, labels)


def _check(people: Mapping[str, Sequence[Written]]) -> None:
    if len(people) < 2:
        raise TooFewAuthors(have=len(people), need=2)
    for person, texts in people.items():
        if len(texts) < FEWEST:
            raise TooFewTexts(person, have=len(texts), need=FEWEST)


def _prepared(texts: Sequence[Written], mode: Mode) -> list[str]:
    return [prepared(one.text, one.sender, one.to, mode) for one in texts]


def attributed(found: Sequence[Mapping[str, float]], author: str) -> list[float]:
    """For each text 1 if the author is its most probable one, else 0."""
    return [float(max(one, key=lambda who: one[who]) == author) for one in found]


def share_attributed(found: Sequence[Mapping[str, float]], author: str, seed: int = 1) -> Interval:
    """The share of at least one text that goes to the author, with its interval over texts."""
    return interval(attributed(found, author), seed)
