"""What is wrong, by the status, and what to do about each. Pure.

The most urgent comes first. What the daemon says in a sentence already holds what to do, and is
told as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LONG_AGO = timedelta(days=2)
LITTLE_DISK_GB = 2
"""A model being trained, its checkpoints and a copy of the store need about as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What is wrong, and what to do; `do` is empty where `what` says it."""

    what: str
    do: str = ""


def warnings(state: dict[str, Any], now: datetime) -> list[Warned]:
    """Of a status as `GET /v1/status` gives it; `now` is aware."""
    found = [*_daemon(state), *_disk(state), *_budget(state)]
    for row in state["accounts"]:
        found += [*_failed(state, row), *_mail(row, now), *_agent(state, row)]
    return found


def _daemon(state: dict[str, Any]) -> Iterator[Warned]:
    if state.get("daemon") is False:
        yield Warned(
            what="The daemon is not running: no mail comes in, and nothing is learned at night.",
            do="start it with `trimtab run`",
        )


def _disk(state: dict[str, Any]) -> Iterator[Warned]:
    free = (state.get("disk") or {}).get("free_gb")
    if free is not None and free < LITTLE_DISK_GB:
        yield Warned(
            what=f"The disk is nearly full ({free} GB left).",
            do="make room, or `trimtab adapters prune`",
        )


def _budget(state: dict[str, Any]) -> Iterator[Warned]:
    budget = state["budget"]
    for period in ("month", "night"):
        if budget[f"{period}_usd"] and budget[f"{period}_left_usd"] < 0.005:  # reads as 0.00
            yield Warned(
                what=f"The budget of this {period} is spent; drafts go on, teaching waits.",
                do=f"wait for the next {period}, or raise budget.{period}_usd in the config",
            )
            return


def _failed(state: dict[str, Any], row: dict[str, Any]) -> Iterator[Warned]:
    """The last job of each kind, where it failed."""
    seen: set[str] = set()
    for job in state["jobs"]:  # newest first
        ended = job["state"] in {"done", "failed"}
        if job["account"] != row["account"] or job["kind"] in seen or not ended:
            continue
        seen.add(job["kind"])
        if job["state"] == "failed" and _counts(job, row):
            sentence = job["error"] or "it said nothing"
            yield Warned(what=f"{row['account']}: the last {job['kind']} failed: {sentence}")


def _counts(job: dict[str, Any], row: dict[str, Any]) -> bool:
    """Too few lessons to train on is no failure while mails still become lessons."""
    return job["kind"] != "train" or bool(row["lessons"])


def _mail(row: dict[str, Any], now: datetime) -> Iterator[Warned]:
    name = row["account"]
    if row["last_sync"] is not None:
        ago = now - datetime.fromisoformat(row["last_sync"])
        if ago > LONG_AGO:
            yield Warned(
                what=f"{name}: the last sync was {ago.days} days ago.",
                do=f"`trimtab sync --account {name}`",
            )
    if row["quarantined"]:
        some = row["quarantined"] != 1
        yield Warned(
            what=f"{name}: {row['quarantined']} mail{'s' * some} could not be read "
            f"and {'are' if some else 'is'} set aside.",
            do="nothing: they are tried again once a day; by the UID you find each on the server",
        )


def _trains(state: dict[str, Any], account: str) -> bool:
    return any(
        job["kind"] == "train" and job["account"] == account
        for job in state["jobs"]
        if job["state"] in {"queued", "running"}
    )


def _agent(state: dict[str, Any], row: dict[str, Any]) -> Iterator[Warned]:
    name, need = row["account"], state.get("min_lessons")
    if row.get("kept"):
        yield Warned(
            what=f"{name}: the agent trained last is kept, but not used: {row['kept']}.",
            do=f"nothing: the next is trained on more; `trimtab adapters list --account {name}`",
        )
    elif row["adapter"] is None and need and row["lessons"] >= need and not _trains(state, name):
        yield Warned(
            what=f"{name}: {row['lessons']} lessons are enough for an agent, but there is none.",
            do=f"wait for the night, or `trimtab train --account {name}`",
        )
