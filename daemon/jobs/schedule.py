"""What runs when: how often the night and open batches are looked after, and what follows what.

`start` hands the turns to APScheduler; what a night does, `daemon.jobs.night` decides. Knows no
task, no database and no network. A turn that fails is logged by its class and comes again. When an
account is synced by day is for `daemon.mailbox.watch` to say.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from daemon.jobs.night import GO_ON
from daemon.records import Job, JobKind
from mlx_agent.errors import TrimtabError
from mlx_agent.log_lines import told

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

Submit = Callable[[JobKind, str], Awaitable[object]]
Waiting = Callable[[], Awaitable[Collection[str]]]
"""The accounts whose teaching waits for a batch."""
Look = Callable[[], Awaitable[object]]
"""Looks after the night; see `daemon.nights`."""

log = logging.getLogger(__name__)

LOOK_AT_THE_CLOCK = timedelta(minutes=1)
"""How often the night is looked after. A timer stands still while the machine sleeps, so this is
also how soon after waking a night that was missed is made up for, within its hours."""


def followers(job: Job) -> tuple[JobKind, ...]:
    """What is due because `job` ended: after mail came in, a look for the edits in it."""
    return ("edits",) if job.kind == "sync" and job.state == "done" else ()


def start(look: Look, submit: Submit, waiting: Waiting) -> AsyncIOScheduler:
    """Look after the night and open batches on the running loop from now on.

    Teaching that waits for a provider's batch is submitted again time after time, by `waiting`.
    The caller shuts the scheduler down. APScheduler reads the system's clock itself, and only for
    the intervals: the hours of the night are `look`'s own.
    """
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    scheduler = AsyncIOScheduler(
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )
    every = {"trigger": "interval", "seconds": LOOK_AT_THE_CLOCK.total_seconds()}
    scheduler.add_job(_look, args=(look,), id="night", next_run_time=datetime.now(UTC), **every)
    again = {"trigger": "interval", "seconds": GO_ON.total_seconds()}
    scheduler.add_job(_go_on, args=(submit, waiting), id="batches", **again)
    scheduler.start()
    return scheduler


async def _look(look: Look) -> None:
    try:
        await look()
    except TrimtabError as error:
        log.warning("night cannot be looked after", extra=told(error=type(error).__name__))


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
