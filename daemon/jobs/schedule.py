"""What runs when: the timetable of the nights, and what follows what.

`triggers` and `followers` decide, purely; `start` hands the timetable to APScheduler, which only
ever submits. Knows no task, no database and no network. Times of day are local to the machine, as
the user means them. A submission that fails is logged by its class and comes again at its next
turn. When an account is synced is for `daemon.mailbox.watch` to say.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import time, timedelta, tzinfo
from typing import TYPE_CHECKING

from daemon.config import Config
from daemon.records import Job, JobKind
from mlx_agent.errors import TrimtabError
from mlx_agent.log_lines import told

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

Submit = Callable[[JobKind, str], Awaitable[object]]
Waiting = Callable[[], Awaitable[Collection[str]]]
"""The accounts whose teaching waits for a batch."""

log = logging.getLogger(__name__)

LOOK_AT_THE_CLOCK = timedelta(minutes=5)
"""The longest time between two looks at the clock. A timer stands still while the machine sleeps;
without this, what was due at night would run hours after the machine woke."""


GO_ON = timedelta(minutes=10)
"""How often a provider is asked for the answers to a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """At what time a kind of job is submitted for an account, daily."""

    kind: JobKind
    account: str
    at: time


def triggers(config: Config) -> tuple[Trigger, ...]:
    """The timetable: every account learns at night, from what came in by day."""
    teach_at = time.fromisoformat(config.schedule.teach_at)
    train_at = time.fromisoformat(config.schedule.train_at)
    return (
        *(Trigger(kind="teach", account=name, at=teach_at) for name in config.accounts),
        *(Trigger(kind="train", account=name, at=train_at) for name in config.accounts),
    )


def followers(job: Job) -> tuple[JobKind, ...]:
    """What is due because `job` ended: after mail came in, a look for the edits in it."""
    return ("edits",) if job.kind == "sync" and job.state == "done" else ()


def start(
    config: Config, submit: Submit, waiting: Waiting, zone: tzinfo | None = None
) -> AsyncIOScheduler:
    """Submit by the timetable on the running loop from now on.

    Teaching that waits for a provider's batch is submitted again time after time, by `waiting`.
    Turns that were missed, for the machine slept, are made up for by one. `zone` is that of the
    times of day, the machine's by default. The caller shuts the scheduler down. APScheduler reads
    the system's clock itself.
    """
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    scheduler = AsyncIOScheduler(
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        **({"timezone": zone} if zone else {}),
    )
    for trigger in triggers(config):
        arguments = (submit, trigger.kind, trigger.account)
        name = f"{trigger.kind} {trigger.account}"
        when = {"trigger": "cron", "hour": trigger.at.hour, "minute": trigger.at.minute}
        scheduler.add_job(_submit, args=arguments, id=name, name=name, **when)
    again = {"trigger": "interval", "seconds": GO_ON.total_seconds()}
    scheduler.add_job(_go_on, args=(submit, waiting), id="batches", **again)
    scheduler.add_job(_nothing, "interval", seconds=LOOK_AT_THE_CLOCK.total_seconds(), id="clock")
    scheduler.start()
    return scheduler


async def _submit(submit: Submit, kind: JobKind, account: str) -> None:
    try:
        await submit(kind, account)
    except TrimtabError as error:
        failed = told(kind=kind, account=account, error=type(error).__name__)
        log.warning("job was not queued", extra=failed)


async def _go_on(submit: Submit, waiting: Waiting) -> None:
    try:
        accounts = await waiting()
    except TrimtabError as error:
        failed = told(error=type(error).__name__)
        log.warning("open batches cannot be looked for", extra=failed)
        return
    for account in sorted(accounts):
        await _submit(submit, "teach", account)


async def _nothing() -> None:
    """To have run is enough: the scheduler looks for what is due whenever anything is."""
