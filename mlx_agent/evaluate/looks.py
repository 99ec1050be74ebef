"""Whose every trial looks like, by classifiers of the people's training mails. Deterministic.

A measure's name ends with a part of the classifier's hash, for it means something beside these
people and these mails only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_agent.evaluate.attribution import MACHINE, Attributor, Written, attributed, train, written
from mlx_agent.evaluate.experiments import Person
from mlx_agent.evaluate.masking import Mode
from mlx_agent.evaluate.records import Measure, Trial
from mlx_agent.evaluate.verification import Verifier

KINDS = ("attributed", "raw", "to owner", "machine", "verified")
"""Of content words hidden: looks like the person, like the agent's owner, like a machine, passes
for the person's; `raw` is the first of these on the words themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookers:
    """The classifiers of some people."""

    shape: Attributor
    raw: Attributor
    verifiers: dict[str, Verifier]


def name_of(kind: str, people: Sequence[Person], seed: int) -> str:
    """The measure's name for these people's classifier."""
    said = [str(seed), *(one.id for person in people for one in person.splits.train)]
    return f"{kind} {hashlib.sha256(chr(0).join(said).encode()).hexdigest()[:8]}"


def lookers(people: Sequence[Person], seed: int) -> Lookers:
    """Train them on the training mails, and on what the teacher's zero-shot mails were for them.

    Raises TooFewAuthors, TooFewTexts and ExtraMissing.
    """
    own = {p.name: [written(one.own_text, one.x) for one in p.splits.train] for p in people}
    machine = [
        written(one.baseline, one.x)
        for person in people
        for one in person.splits.train
        if one.baseline
    ]
    modes: dict[Mode, Attributor] = {
        mode: train(own, machine, mode, seed) for mode in ("shape", "raw")
    }
    verifiers = {person: Verifier(modes["shape"], person) for person in own}
    return Lookers(shape=modes["shape"], raw=modes["raw"], verifiers=verifiers)


def at(trials: Sequence[Trial], people: Sequence[Person], seed: int) -> list[Measure]:
    """The measures of KINDS of trials of these people's mails; raises what `lookers` does."""
    chosen = lookers(people, seed)
    xs = {one.id: one.x for person in people for one in person.splits.test}
    texts = [written(trial.text, xs[trial.lesson]) for trial in trials]
    shape, raw = (by.attribute_all(texts) for by in (chosen.shape, chosen.raw))
    names = {kind: name_of(kind, people, seed) for kind in KINDS}
    passes = _passes(chosen, trials, texts)

    def found() -> Iterator[Measure]:
        for trial, by_shape, by_words in zip(trials, shape, raw, strict=True):
            owner = trial.agent_of or trial.person
            values = {
                "attributed": attributed([by_shape], trial.person)[0],
                "raw": attributed([by_words], trial.person)[0],
                "to owner": attributed([by_shape], owner)[0],
                "machine": attributed([by_shape], MACHINE)[0],
                "verified": float(passes[trial.id]),
            }
            for kind, value in values.items():
                yield Measure(trial=trial.id, name=names[kind], value=value)

    return list(found())


def _passes(chosen: Lookers, trials: Sequence[Trial], texts: Sequence[Written]) -> dict[str, bool]:
    """Whether each trial passes for its person's, by its id."""
    found: dict[str, bool] = {}
    for person, verifier in chosen.verifiers.items():
        its = [(t.id, text) for t, text in zip(trials, texts, strict=True) if t.person == person]
        accepted = verifier.accepts([text for _, text in its])
        found |= {key: passed for (key, _), passed in zip(its, accepted, strict=True)}
    return found
