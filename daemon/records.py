"""The daemon's own records: what crosses the borders between mailbox, store, jobs and socket.

The vocabulary of learning is in `mlx_agent.records`; these add where mail came from, where a folder
stands, and what a job did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mlx_agent.records import Mail

JobKind = Literal["sync", "edits", "teach", "train"]
JobState = Literal["queued", "running", "done", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was fetched of a mail, kept unchanged so that its own text can be cut anew.

    `header` is the header block as it came; `plain` and `html` are the decoded text parts, None
    where the mail has none.
    """

    header: bytes
    plain: str | None
    html: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A mail on its way into the store. `uid` is None when it did not come over IMAP."""

    mail: Mail
    source: Source
    uid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that could not be read; `reason` never quotes it."""

    uid: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """How far a folder has been read: every UID up to `last_uid` is stored or quarantined."""

    account: str
    folder: str
    uidvalidity: int
    last_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction of a sync or an import stores, with the folder's new state."""

    account: str
    incoming: tuple[Incoming, ...]
    quarantined: tuple[Quarantined, ...] = ()
    folder: FolderState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step is, for a progress bar; `total` is None while unknown."""

    step: str
    done: int
    total: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a sync or an import did; `known` counts mails that were already stored."""

    account: str
    added: int
    known: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the job table. `outcome` is JSON-compatible; `error` is a finished sentence."""

    id: int
    kind: JobKind
    account: str
    state: JobState
    attempt: int
    requested_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: dict[str, object] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCounts:
    """What the store holds of an account."""

    account: str
    mails: int
    quarantined: int
    lessons: int
    drafts: int
    edits: int
    last_sync: datetime | None
    adapter: str | None
