"""The root of the error tree, and the errors that learning raises.

    TrimtabError
    ├── UserError               the user can mend it: one sentence says what to do, exit 1
    │   ├── BaseNotFound            no model directory for the configured base
    │   ├── BaseDamaged             the model directory cannot be loaded
    │   ├── TooFewLessons           not enough lessons to train on
    │   ├── TrainingDiverged        the loss is no number, or grows; no adapter was written
    │   ├── MemoryShort             the machine has too little for a training on this base
    │   ├── AdapterNotFound
    │   ├── AdapterDamaged          a file of the adapter is missing or differs from its manifest
    │   ├── DiskFull                no room for a data set or an adapter
    │   ├── RoomMissing             no room on the disk for a model that is to be downloaded
    │   ├── HubRefused              the model hub has no such model, or not for everybody
    │   ├── DownloadDamaged         a file is not what the hub says it is; it was thrown away
    │   ├── DownloadRunning         another process downloads that model
    │   ├── BaseInUse               the model that is to be removed is needed
    │   ├── KeyMissing              no key for a large model from its source
    │   ├── KeyRefused              the provider refused the key, or its account has no credit
    │   ├── ModelMissing            the provider, or the disk, has no model of that name
    │   ├── RequestRefused          the provider takes no such request
    │   ├── ExtraMissing            a library that only an extra of ours installs is not there
    │   ├── TooFewAuthors           nobody to tell an author from
    │   └── TooFewTexts             too few texts of an author to tell them by
    ├── TransientError          try again later: retried with backoff
    │   ├── WorkerDied              the worker process ended while a request was in flight
    │   ├── WorkerBusy              the worker is training
    │   ├── TrainingPaused          the deadline came; the next training goes on from there
    │   ├── RateLimited             the provider asks to wait; carries its delay
    │   ├── ModelOverloaded         the provider cannot answer now
    │   ├── HubUnreachable          the model hub; what was fetched is kept
    │   └── ModelUnreachable        name, network, TLS or time-out; `sent`: it may have been paid
    ├── ProtocolRefused         the worker process speaks another version of the protocol
    ├── WorkerFailed            a bug in the worker process, by the class of its exception
    └── SampleError             about one sample, which is set aside
        ├── AnswerMalformed         the answer could not be parsed
        ├── AnswerRefused           the model declined to answer
        ├── AnswerCutOff            the answer reached its bound in tokens
        └── PromptTooLong           the task does not fit the model

`daemon.errors` adds the daemon's branches. Errors carry fields; only `daemon.explain` makes
sentences of them. Everything outside this tree is a bug. No field ever holds mail text, an
address, a subject or a key.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlx_agent.records import Usage


class TrimtabError(Exception):
    """Root of everything that trimtab raises on purpose."""


class UserError(TrimtabError):
    """The user can mend it."""


class TransientError(TrimtabError):
    """It may work later."""


@dataclass(eq=False)
class SampleError(TrimtabError):
    """One sample, or one draft, came to nothing; others may do well.

    `usage` is what the answer used where there was one: it was paid for.
    """

    prompt: str
    usage: Usage | None = field(default=None, kw_only=True)


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
class MemoryShort(UserError):
    account: str
    base: str


@dataclass(eq=False)
class TrainingPaused(TransientError):
    account: str
    step: int
    steps: int


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
class RoomMissing(UserError):
    model: str
    need: int
    """Bytes; 0 where the disk was found full."""


@dataclass(eq=False)
class HubRefused(UserError):
    model: str
    reason: str


@dataclass(eq=False)
class DownloadDamaged(UserError):
    model: str
    file: str


@dataclass(eq=False)
class DownloadRunning(UserError):
    model: str


@dataclass(eq=False)
class BaseInUse(UserError):
    base: str
    by: str


@dataclass(eq=False)
class KeyMissing(UserError):
    model: str
    source: str


@dataclass(eq=False)
class KeyRefused(UserError):
    model: str
    reason: str


@dataclass(eq=False)
class ModelMissing(UserError):
    model: str


@dataclass(eq=False)
class RequestRefused(UserError):
    model: str
    reason: str
    """The provider's word for it, such as `invalid_request_error`."""


@dataclass(eq=False)
class ExtraMissing(UserError):
    package: str
    extra: str


@dataclass(eq=False)
class TooFewAuthors(UserError):
    have: int
    need: int


@dataclass(eq=False)
class TooFewTexts(UserError):
    account: str
    have: int
    need: int


@dataclass(eq=False)
class WorkerDied(TransientError):
    exit_code: int | None


@dataclass(eq=False)
class WorkerBusy(TransientError):
    pass


@dataclass(eq=False)
class ProtocolRefused(TrimtabError):
    asked: int
    spoken: int


@dataclass(eq=False)
class WorkerFailed(TrimtabError):
    kind: str


@dataclass(eq=False)
class RateLimited(TransientError):
    model: str
    delay_s: float | None
    """What the provider asks for; None where it does not say."""


@dataclass(eq=False)
class ModelOverloaded(TransientError):
    model: str
    delay_s: float | None = None


@dataclass(eq=False)
class ModelUnreachable(TransientError):
    model: str
    reason: str
    sent: bool = False


@dataclass(eq=False)
class HubUnreachable(TransientError):
    model: str
    reason: str


@dataclass(eq=False)
class AnswerMalformed(SampleError):
    reason: str


@dataclass(eq=False)
class AnswerRefused(SampleError):
    pass


@dataclass(eq=False)
class AnswerCutOff(SampleError):
    max_tokens: int


@dataclass(eq=False)
class PromptTooLong(SampleError):
    pass


@contextmanager
def no_room_told() -> Iterator[None]:
    """In the `with` block, what the system raises for a full disk is DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull from error
        raise


@contextmanager
def extra_needed(package: str, extra: str) -> Iterator[None]:
    """In the `with` block, an import that fails is ExtraMissing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(package, extra) from error
