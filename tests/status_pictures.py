"""States of the daemon as `GET /v1/status` gives them, and their pictures at 80 columns."""

import io
from datetime import datetime
from typing import Any

from rich.console import Console

from daemon.status_keys import View
from daemon.tui import render_status

NOW = datetime.fromisoformat("2026-03-03T09:42:00+01:00")
BUDGET = {"night_usd": 0.0, "night_left_usd": 5.0, "month_usd": 0.0, "month_left_usd": 20.0}
SPENT = {"night_usd": 0.5, "night_left_usd": 4.5, "month_usd": 7.25, "month_left_usd": 12.75}
NIGHT: dict[str, Any] = {
    "next": "2026-03-04T01:00:00+00:00",
    "ends": "2026-03-04T05:00:00+00:00",
    "paused": False,
    "waits_for": [],
    "runs": [],
}


def account(name: str = "work", **changed: Any) -> dict[str, Any]:
    row = {
        "account": name,
        "addresses": [f"{name}@field.example"],
        "mails": 12,
        "quarantined": 0,
        "lessons": 9,
        "drafts": 1,
        "edits": 0,
        "adapter": None,
        "last_sync": "2026-03-03T08:30:00.000000+00:00",
        "unreadable": [],
    }
    return row | changed


def job(kind: str = "sync", state: str = "done", **changed: Any) -> dict[str, Any]:
    row = {
        "id": 1,
        "kind": kind,
        "account": "work",
        "state": state,
        "attempt": 1,
        "requested_at": "2026-03-03T08:30:00+00:00",
        "started_at": "2026-03-03T08:30:00+00:00",
        "finished_at": "2026-03-03T08:30:00+00:00" if state in {"done", "failed"} else None,
        "outcome": {"added": 3, "known": 0} if state == "done" else {},
        "error": None,
    }
    return row | changed


def state(*accounts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A daemon that runs, with one account unless others are given."""
    found = {
        "accounts": list(accounts) or [account()],
        "budget": BUDGET,
        "jobs": [],
        "progress": None,
        "min_lessons": 200,
        "disk": {"free_gb": 80},
        "daemon": True,
    }
    return found | changed


TRAINED = "work-20260302-013000-ab12cd"
USE = {"drafts": 1240, "sent": 1005, "unchanged": 423, "share": 0.421, "distance": 0.0834}
AGENTS = [
    {
        "id": "work-20260303-013000-9f00aa",
        "verdict": {"promoted": False, "reason": "only 80% of its rule lists parse"},
    },
    {
        "id": TRAINED,
        "verdict": {"promoted": True, "reason": "nearer than the style card by 0.031"},
    },
]
WORK = account(
    mails=4120, lessons=905, drafts=1240, edits=582, adapter=TRAINED, agents=AGENTS, use=USE
)
CURVE = [{"step": step, "loss": 4.0 / (1 + step / 20)} for step in range(1, 181, 6)]
TRAINING = {"step": "train", "done": 180, "total": 400, "note": "loss 0.40", "curve": CURVE}
SHRUNK = (
    "812 of the 4120 mails of account 'work' are gone from its Sent folder at once; nothing was "
    "forgotten yet. Say which is right: `trimtab sync --account work --deleted forget` (you "
    "deleted them), or `--deleted keep` (learn from them still)."
)
RUNS = [
    {
        "account": "work",
        "kind": "train",
        "state": "done",
        "started_at": "2026-03-03T01:30:00+00:00",
        "ended_at": "2026-03-03T02:12:00+00:00",
        "seconds": 2520.0,
        "usd": 0.0,
        "sentence": "The agent was trained and kept, but is not used.",
    },
    {
        "account": "work",
        "kind": "teach",
        "state": "done",
        "started_at": "2026-03-03T01:00:00+00:00",
        "ended_at": "2026-03-03T01:12:00+00:00",
        "seconds": 720.0,
        "usd": 0.35,
        "sentence": "31 mails became lessons.",
    },
]
ASIDE = [
    {"uid": 7, "reason": "the server refuses it (IMAPClientError)"},
    {"uid": 8, "reason": "the server does not hand it out"},
    {"uid": 9, "reason": "the server refuses it (IMAPClientError)"},
]

STATES = {
    "nothing": state(account(mails=0, lessons=0, drafts=0, last_sync=None)),
    "no account": state() | {"accounts": []},
    "a good day": state(
        WORK,
        account("private", mails=88, drafts=0),
        budget=SPENT,
        night=NIGHT,
        jobs=[job(), job("train", outcome={"adapter": TRAINED, "promoted": True})],
    ),
    "everything": state(
        WORK | {"kept": "only 80% of its rule lists parse", "quarantined": 3, "unreadable": ASIDE},
        account("private", lessons=240, last_sync="2026-02-20T08:00:00+00:00", edits=1),
        budget=SPENT | {"night_usd": 5.0, "night_left_usd": 0.0},
        night=NIGHT | {"waits_for": ["The machine runs on battery."], "runs": RUNS},
        progress=TRAINING,
        disk={"free_gb": 1},
        jobs=[
            job("train", "queued", account="private"),
            job("train", "running", started_at="2026-03-03T08:30:00+00:00"),
            job("sync", "failed", error=SHRUNK),
            job("teach", outcome={"lessons": 31, "skipped": {"short": 3}}),
        ],
    ),
    "no daemon": state(daemon=False),
    "long and wide names": state(
        account("the-account-of-my-second-company-abroad", mails=1234567, lessons=100000),
        account("個人のメール", adapter="個人のメール-20260302-013000-ab12cd", lessons=250),
        account("zoë", last_sync="2026-03-03T08:41:30+00:00"),
        jobs=[job(account="the-account-of-my-second-company-abroad"), job(account="個人のメール")],
    ),
    "a question": state(WORK, account("private")),
    "paused": state(night=NIGHT | {"paused": True}),
}
VIEWS = {
    "everything": View(chosen=0),
    "a question": View(chosen=1, asks=True),
    "paused": View(said="The nights are paused."),
}


def picture(shown: dict[str, Any], view: View | None = None, width: int = 80) -> str:
    """What a terminal shows, without what no eye sees."""
    console = Console(width=width, file=io.StringIO())
    console.print(render_status(shown, NOW, view))
    text: str = console.file.getvalue()
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
