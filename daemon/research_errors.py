"""The errors of corpora, experiments, the blind test and the report; a branch of `daemon.errors`.

UserError
├── BlindTestUnready        no evaluation of the account has two systems to compare
├── LinkSpent               a page's link was used before, or is none of ours
├── CorpusUnreadable        nor can it be read as the corpus that it is said to be
├── HomeTaken               a home for research holds accounts of another kind
├── PeopleMissing           a corpus has nobody with enough texts, or not the person named
├── TooFewPeople            an experiment swaps agents, and there is one person
├── NumberUnknown           the report has no number of that name
└── RulesUnreadable         a file of rules written by hand is none
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlx_agent.errors import UserError


@dataclass(eq=False)
class BlindTestUnready(UserError):
    account: str
    systems: tuple[str, ...] = ()


@dataclass(eq=False)
class LinkSpent(UserError):
    pass


@dataclass(eq=False)
class CorpusUnreadable(UserError):
    corpus: str
    path: Path
    reason: str


@dataclass(eq=False)
class HomeTaken(UserError):
    home: Path
    account: str
    corpus: str


@dataclass(eq=False)
class PeopleMissing(UserError):
    corpus: str
    person: str
    least: int


@dataclass(eq=False)
class TooFewPeople(UserError):
    experiment: str


@dataclass(eq=False)
class RulesUnreadable(UserError):
    path: Path
    reason: str


@dataclass(eq=False)
class NumberUnknown(UserError):
    name: str
