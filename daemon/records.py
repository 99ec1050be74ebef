"""The daemon's own records: what crosses the borders between mailbox, store, jobs and socket.

The vocabulary of learning is in `mlx_agent.records`; these add where mail came from, where a folder
stands, and what a job did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mlx_agent.records import Mail, Rule, Usage
from mlx_agent.train.records import TrainEvent

JobKind = Literal["sync", "edits", "teach", "train"]
DeletedPolicy = Literal["forget", "keep"]
JobState = Literal["queued", "running", "done", "failed", "interrupted"]
Wait = Literal["paused", "battery", "low_power", "in_use", "busy", "answers", "off"]
"""Why a night does nothing: the last three are a job under way, a provider, and nobody there."""
NightReport = Literal["trying", "done", "failed", "unknown"]
DeliveryKind = Literal["save", "send", "file"]
DeliveryState = Literal["trying", "done", "failed", "unknown"]
Role = Literal["teacher", "writer", "judge"]
LedgerEvent = Literal["sent", "answered", "unpaid", "lost"]
BatchState = Literal["submitting", "submitted", "collected", "abandoned"]


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
class Tails:
    """What an account's mails end with time and again: lines, their white space collapsed.

    `frames` are those of them below which each mail has something else.
    """

    lines: frozenset[str] = frozenset()
    frames: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRules:
    """By what an account's mails are cut: the program's rules and its own recurring tails.

    `version` names both, and is stored with every mail; `learned_from` is how many mails the tails
    were learned from.
    """

    version: int
    tails: Tails = Tails()
    learned_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A mail on its way into the store. `uid` is None when it did not come over IMAP.

    `tail` is the recurring tail that was taken off its own text, and stands in its signature.
    """

    mail: Mail
    source: Source
    uid: int | None = None
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that could not be read; `reason` never quotes it."""

    uid: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderView:
    """How a folder stands on the server (RFC 9051, 7; RFC 7162 for `modseq`, None without it).

    Two equal views of one folder mean that no message came or went in between.
    """

    uidvalidity: int
    uidnext: int
    messages: int
    modseq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """What is known of a folder.

    `view` is how it stood when it was last read to its end, None if it never was. `changes` counts
    the syncs running that found another UIDVALIDITY each. `answer` is what the user said about a
    folder that lost much at once. `found_at` is when the folder was last looked for by its role.
    """

    account: str
    folder: str
    uidvalidity: int
    view: FolderView | None = None
    changes: int = 0
    answer: DeletedPolicy | None = None
    found_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A text leaf as fetched: its subtype, transfer encoding and charset, and its bytes.

    `flowed` and `delsp` are of `format=flowed` (RFC 3676). `alone`: no other form of it is in the
    message, for it is in no `multipart/alternative`.
    """

    subtype: str
    encoding: str
    charset: str
    flowed: bool
    payload: bytes
    delsp: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A message as a folder gave it, not yet read: its header block, text leaves, and all types.

    With `parts` None the message came whole, and `header` is all of it.
    """

    uid: int
    header: bytes
    received_at: datetime
    parts: tuple[TextPart, ...] | None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedBatch:
    """What one transaction of a fetch stores.

    `linked` are messages whose header was known: the UID and the id of the mail.
    """

    folder: FolderState
    messages: tuple[RawMessage, ...] = ()
    linked: tuple[tuple[int, str], ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Mails that one transaction stores. `folder` says where their UIDs are from, if they have."""

    account: str
    incoming: tuple[Incoming, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    folder: FolderState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The end of a reading of a folder: what the server has, as far as it was listed.

    `present` are the UIDs that it lists; None where its count alone says that none has gone.
    """

    folder: FolderState
    view: FolderView
    present: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Mails that are gone from the server: how many of how many; `held` if the user must say."""

    mails: int = 0
    of: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step is, for a progress bar; `total` is None while unknown.

    `curve` is what a training has reported so far, older steps thinned out.
    """

    step: str
    done: int
    total: int | None = None
    note: str = ""
    curve: tuple[TrainEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a sync or an import did.

    `known` counts mails that were already stored, `forgotten` those that the mailbox lost.
    """

    account: str
    added: int
    known: int
    quarantined: int
    forgotten: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the job table. `outcome` is JSON-compatible; `error` is a finished sentence.

    `night` is the date of the night that asked for it, if one did; it then stops at the `deadline`.
    """

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
    night: str | None = None
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The hours of a night, aware UTC. `date` is the local one on which it begins, and names it."""

    date: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRow:
    """A night, and what held it up when it was last looked at."""

    night: Night
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCounts:
    """What the store holds of an account.

    `kept` says why the gate did not let the adapter that it judged last be used; None if it did.
    """

    account: str
    mails: int
    quarantined: int
    forgotten: int
    lessons: int
    drafts: int
    edits: int
    last_sync: datetime | None
    adapter: str | None
    kept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How far a draft has got on one way out: into Drafts, by SMTP, or as a copy into Sent.

    `trying` was committed before the first byte went out, so it is also what a crash leaves behind.
    `failed`: nothing arrived. `unknown`: the link died before the server's answer.
    """

    draft_id: str
    kind: DeliveryKind
    state: DeliveryState
    attempts: int
    begun_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRules:
    """What the user has said once and for all of an account's rules.

    `pinned` rules hold for every draft, in place of what is found on their aspects; of the `banned`
    aspects no rule is ever found. No aspect is both.
    """

    pinned: tuple[Rule, ...] = ()
    banned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a draft: its edit distance (0 to 1) where it is known to have been sent.

    `made_by` is the id of the adapter that wrote its rules, else the rung of the ladder.
    """

    made_at: datetime
    made_by: str
    distance: float | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What left this machine, or what came of it; without any text.

    A request has an entry "sent" before it leaves, and one of the others when its end is known:
    "answered", "unpaid" (it failed and cost nothing) or "lost" (it may have been paid for). `about`
    is the id of the mail or draft. `cost_usd` is what an answer cost, and else what it can cost at
    the most; None where the price is unknown. `note` is why it was asked or how it failed.
    """

    request: str
    event: LedgerEvent
    at: datetime
    account: str
    role: Role
    model: str
    host: str
    prompt: str
    about: str
    characters: int
    redacted: bool = False
    usage: Usage | None = None
    cost_usd: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """USD since a time: `usd` for what is known, `reserved` of it for what has no end yet.

    `unpriced` is the number of requests whose price is unknown.
    """

    usd: float = 0.0
    reserved: float = 0.0
    requests: int = 0
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A request as the ledger has it: the rows of its start and its end, None without one.

    `month` is that in which it was sent, such as `2026-03`, in UTC. `usd` is what it cost, or can
    have cost at the most where its end is not known; None where the price is unknown.
    """

    row: int
    end: int | None
    month: str
    role: Role
    usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCost:
    """What one role cost in one month: USD of priced requests, and how many requests there were."""

    month: str
    role: Role
    usd: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachBatch:
    """Questions handed in together at a provider's batch service.

    `asks` are their keys, `provider_id` the provider's name for the batch, None until it is known.
    `passed_over` are batches at the provider that look like this one and are not.
    """

    id: str
    account: str
    model: str
    state: BatchState
    begun_at: datetime
    asks: tuple[str, ...]
    provider_id: str | None = None
    passed_over: tuple[str, ...] = ()
