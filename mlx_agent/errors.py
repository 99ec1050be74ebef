"""The root of the error tree, and the errors that learning raises.

    TrimtabError
    ├── UserError               the user can mend it: one sentence says what to do, exit 1
    │   ├── BaseNotFound            no model directory for the configured base
    │   ├── BaseDamaged             the model directory cannot be loaded
    │   ├── TooFewLessons           not enough lessons to train on
    │   ├── TrainingDiverged        a loss that is no number; no adapter was written
    │   ├── AdapterNotFound
    │   ├── AdapterDamaged          a file of the adapter is missing or differs from its manifest
    │   ├── DiskFull                no room for a data set or an adapter
    │   └── ModelUnknown            the config names a large model that there is no client for
    ├── TransientError          try again later: retried with backoff
    │   ├── WorkerDied              the worker process ended while a request was in flight
    │   └── WorkerBusy              the worker is training
    ├── WorkerFailed            a bug in the worker process, by the class of its exception
    └── AnswerMalformed         a model's answer could not be parsed; the sample is set aside

`daemon.errors` adds the daemon's branches. Errors carry fields; only `daemon.explain` makes
sentences of them. Everything outside this tree is a bug. No field ever holds mail text, an
address, a subject or a key.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class TrimtabError(Exception):
    """Root of everything that trimtab raises on purpose."""


class UserError(TrimtabError):
    """The user can mend it."""


class TransientError(TrimtabError):
    """It may work later."""


@dataclass(eq=False)
class BaseNotFound(UserError):
    base: str


@dataclass(eq=False)
class BaseDamaged(UserError):
    base: str
    reason: str


@dataclass(eq=False)
class TooFewLessons(UserError):
    account: str
    have: int
    need: int


@dataclass(eq=False)
class TrainingDiverged(UserError):
    account: str
    step: int


@dataclass(eq=False)
class AdapterNotFound(UserError):
    adapter_id: str


@dataclass(eq=False)
class AdapterDamaged(UserError):
    adapter_id: str
    reason: str


@dataclass(eq=False)
class DiskFull(UserError):
    pass


@dataclass(eq=False)
class ModelUnknown(UserError):
    role: str
    model: str


@dataclass(eq=False)
class WorkerDied(TransientError):
    exit_code: int | None


@dataclass(eq=False)
class WorkerBusy(TransientError):
    pass


@dataclass(eq=False)
class WorkerFailed(TrimtabError):
    kind: str


@dataclass(eq=False)
class AnswerMalformed(TrimtabError):
    prompt: str
    reason: str


@contextmanager
def no_room_told() -> Iterator[None]:
    """In the `with` block, what the system raises for a full disk is DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull from error
        raise
