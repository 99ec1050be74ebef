"""Nights in words: one sentence for what a job did, and one for what a night waits for. Pure.

They hold counts, never text; the sentence of a failure is the job's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemon.records import Job, JobKind, Wait

WAITS: Mapping[Wait, str] = {
    "paused": "Nights are paused.",
    "battery": "The machine is on battery; nights wait for mains (schedule.only_on_mains).",
    "low_power": "The machine saves power; nights wait for the end of it "
    "(schedule.not_in_low_power).",
    "in_use": "The machine is in use; nights wait until it has been left alone for "
    "schedule.idle_minutes.",
    "busy": "A job is under way.",
    "answers": "The provider of the teacher has not answered all questions yet.",
    "off": "The machine was off or asleep, or trimtab was not running.",
}
_STOPPED = {
    "hour": "stopped at its hour, goes on next night",
    "asked": "stopped for now, goes on when the night may",
}


def sentence(job: Job) -> str:
    """What became of a job."""
    if job.state == "queued":
        return "Waits for its turn."
    if job.state == "running":
        return "Is under way."
    if job.state == "interrupted":
        return "Was cut off before its end; the next run goes on from there."
    if job.state == "failed":
        return job.error or "Failed."
    return _DONE[job.kind](job.outcome)


def _sync(outcome: Mapping[str, Any]) -> str:
    told = [_counted(outcome.get("added", 0), "new mail")]
    told += [f"{count} forgotten"] if (count := outcome.get("forgotten")) else []
    told += [f"{count} unreadable"] if (count := outcome.get("quarantined")) else []
    return _joined(told)


def _edits(outcome: Mapping[str, Any]) -> str:
    return _joined([_counted(outcome.get("edits", 0), "new edit")])


def _teach(outcome: Mapping[str, Any]) -> str:
    told = [_counted(outcome.get("lessons", 0), "new lesson")]
    if waiting := outcome.get("waiting"):
        told.append(f"{_counted(waiting, 'question')} still at the provider")
    if period := outcome.get("budget_spent"):
        told.append(f"the budget of this {period} is spent")
    return _joined([*told, *_stopped(outcome)])


def _train(outcome: Mapping[str, Any]) -> str:
    if stopped := _stopped(outcome):
        at = [f"at step {outcome['step']} of {outcome['steps']}"] if "steps" in outcome else []
        return _joined([f"training {stopped[0]}", *at])
    what = "a new agent is in use" if outcome.get("promoted") else "the agent in use stays"
    return _joined([f"{what}: {outcome.get('why', '')}".rstrip(": ")])


_DONE: Mapping[JobKind, Callable[[Mapping[str, Any]], str]] = {
    "sync": _sync,
    "edits": _edits,
    "teach": _teach,
    "train": _train,
}


def _stopped(outcome: Mapping[str, Any]) -> list[str]:
    why = outcome.get("stopped")
    return [_STOPPED[why]] if why in _STOPPED else []


def _counted(count: Any, what: str) -> str:
    number = "no" if count == 0 else str(count)
    return f"{number} {what}{'' if count == 1 else 's'}"


def _joined(told: list[str]) -> str:
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}."
