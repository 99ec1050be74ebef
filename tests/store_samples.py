"""Records as the store keeps them, every field filled, for the store's and the jobs' tests."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from daemon.records import Batch, FolderState, Incoming, LedgerEntry, Source, TeachBatch
from daemon.store import mail, schema
from mlx_agent.records import (
    Address,
    Answer,
    Call,
    Change,
    ContextMessage,
    Draft,
    Edit,
    Lesson,
    Mail,
    Metadata,
    Provenance,
    Recipient,
    RenderSettings,
    Rule,
    Usage,
    X,
)
from mlx_agent.teach.lessons import Answered
from mlx_agent.train.records import Adapter, TrainEvent, Verdict

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
ADA = Address(name="Ada Lindqvist", address="ada@field.example")
BEN = Address(name="Ben Høllis", address="ben@yard.example")
QUOTED = ContextMessage(author=BEN, sent_at=NOW - timedelta(hours=2), text="When can you come?\n")
AN_X = X(
    intent=("I come on Tuesday", "the drawings are ready"),
    metadata=Metadata(
        sender=ADA,
        to=(BEN,),
        cc=(ADA,),
        subject="Re: the yard",
        reply=True,
        recipient=Recipient(earlier_mails=3, greeting="Hi {first},", register="casual"),
    ),
    context=(QUOTED,),
)
RULES = (Rule(aspect="greeting", instruction="none"), Rule(aspect="length", instruction="9 words"))
USAGE = Usage(input_tokens=120, output_tokens=40, cost_usd=None)


def a_mail(number: int = 1, **changes: Any) -> Mail:
    mail = Mail(
        id=f"sha256:{number:04}",
        account="work",
        message_id=f"<{number}@field.example>",
        in_reply_to="<0@yard.example>",
        references=("<0@yard.example>", "<-1@yard.example>"),
        sender=ADA,
        to=(BEN, Address(address="crew@yard.example")),
        cc=(ADA,),
        subject="Re: the yard – Überblick",
        sent_at=NOW + timedelta(minutes=number),
        own_text=f"Mail {number}.\n\nTuesday suits. 🙂\nAda",
        context=(QUOTED, ContextMessage(author=ADA)),
        signature="Ada Lindqvist\n+46 0",
        forwarded="",
        flags=frozenset({"list", "forward"}),
        draft_id=None,
    )
    return replace(mail, **changes)


def a_source(number: int = 1) -> Source:
    header = b"From: \xff\x00ada\r\nSubject: %d\r\n" % number
    return Source(header=header, plain=f"Mail {number}.\n> quoted", html=None)


def an_incoming(number: int = 1, *, uid: int | None = None, **changes: Any) -> Incoming:
    return Incoming(mail=a_mail(number, **changes), source=a_source(number), uid=uid)


def opened() -> sqlite3.Connection:
    """A store in memory, migrated, as `daemon.store.database` would open it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    schema.migrate(connection)
    return connection


add_cut = partial(mail.add_batch, cut_version=1)
"""Stores mails that are cut already."""
A_FOLDER = FolderState(account="work", folder="Sent", uidvalidity=7)


def a_batch(*numbers: int, account: str = "work", **where: Any) -> Batch:
    """Mails of these numbers, whose UIDs are their numbers, from a folder like A_FOLDER."""
    return Batch(
        account=account,
        incoming=tuple(an_incoming(number, uid=number, account=account) for number in numbers),
        folder=replace(A_FOLDER, account=account, **where),
    )


def a_lesson(number: int = 1, **changes: Any) -> Lesson:
    call = Call(prompt="email/intent", version="v1", model="offline", usage=USAGE)
    lesson = Lesson(
        id=f"lesson-{number}",
        sample_id=f"sha256:{number:04}",
        account="work",
        x=AN_X,
        rules=RULES,
        own_text="Tuesday suits.\nAda",
        baseline="Dear Ben,\n\nI come on Tuesday.",
        sent_at=NOW + timedelta(minutes=number),
        thread="<0@yard.example>",
        strategy="R3",
        calls=(call, call),
    )
    return replace(lesson, **changes)


AN_ENTRY = LedgerEntry(
    request="request-1",
    event="sent",
    at=NOW,
    account="work",
    role="teacher",
    model="claude-sonnet-5-5",
    host="api.anthropic.com",
    prompt="intent",
    about="sha256:0002",
    characters=1200,
    redacted=True,
    usage=USAGE,
    cost_usd=0.02,
    note="teach, batch",
)
A_BATCH = TeachBatch(
    id="0123456789ab",
    account="work",
    model="claude-sonnet-5-5",
    state="submitting",
    begun_at=NOW,
    asks=("0123456789ab_lesson-2-0",),
    passed_over=("msgbatch_1",),
)
AN_ANSWER = Answered(
    prompt="intent",
    version="v1",
    answer=Answer(text="<points>\n- I come\n</points>", model="claude-sonnet-5-5", usage=USAGE),
)


def a_draft(number: int = 1, **changes: Any) -> Draft:
    draft = Draft(
        id=f"draft-{number}",
        account="work",
        key=f"key-{number}",
        x=AN_X,
        rules=RULES,
        text="Tuesday suits.",
        provenance=Provenance(
            rung="style-card",
            voice=True,
            degraded="no agent yet",
            adapter=None,
            base="pocket",
            writer="offline",
            prompt_version="v1",
            timings_ms={"rules": 12.5},
            usage=USAGE,
        ),
        created_at=NOW + timedelta(minutes=number),
    )
    return replace(draft, **changes)


def an_edit(number: int = 1, **changes: Any) -> Edit:
    edit = Edit(
        draft_id=f"draft-{number}",
        mail_id=f"sha256:{number:04}",
        account="work",
        draft_text="Tuesday suits.",
        final_text="Tuesday suits, thanks.",
        distance=1 / 3,
        unchanged=False,
        matched_by="header",
        created_at=NOW + timedelta(hours=number),
        changes=(Change(at=1, removed="suits.", put="suits, thanks."),),
    )
    return replace(edit, **changes)


def an_adapter(number: int = 1, **changes: Any) -> Adapter:
    adapter = Adapter(
        id=f"adapter-{number}",
        account="work",
        base="pocket",
        base_hash="b",
        dataset_hash="d",
        settings_hash="s",
        lessons=40,
        render=RenderSettings(context_words=25, recipient=False),
        metrics={"valid_loss": 0.125},
        created_at=NOW + timedelta(days=number),
        parent=None,
    )
    return replace(adapter, **changes)


def a_verdict(number: int = 1, **changes: Any) -> Verdict:
    verdict = Verdict(
        adapter_id=f"adapter-{number}",
        promoted=True,
        reason="nearer than zero-shot",
        candidate=0.25,
        current=None,
        zero_shot=0.5,
        validity=1.0,
    )
    return replace(verdict, **changes)


def an_event(step: int = 1, **changes: Any) -> TrainEvent:
    event = TrainEvent(
        step=step,
        steps=40,
        epoch=1,
        loss=2.0 / step,
        valid_loss=None,
        tokens_per_second=500.0,
        peak_memory_mb=90.5,
        seconds_left=40.0 - step,
    )
    return replace(event, **changes)
