"""The composition root: builds everything, owns its lifetime, and shuts it down in order.

One app holds a home (the lock), one thread the database, one process MLX. `open_app` starts
nothing by itself: `serving` answers on the sockets and runs the jobs that are asked for,
`scheduled` adds what the daemon does unasked. Everything that can be asked of the daemon over the
socket is a method here; the routes add nothing to it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from daemon.agents import Agents
from daemon.api.front import Front, front
from daemon.api.routes import build_api
from daemon.config import Config, Paths
from daemon.draft_records import DraftRequest
from daemon.drafting import Drafter
from daemon.errors import DraftNotFound, only_cause
from daemon.explain import explain
from daemon.jobs import schedule
from daemon.jobs.runner import Runner
from daemon.jobs.tasks import Tasks
from daemon.jobs.worker import Worker
from daemon.large_models import Models
from daemon.learning import SentText, record_sent, take_back
from daemon.lock import HomeLock
from daemon.mailbox.outbox import Delivered, Outbox
from daemon.mailbox.watch import watch_accounts
from daemon.nights import Nights
from daemon.outgoing import Door
from daemon.purse import Purse
from daemon.records import DeletedPolicy, Job, JobKind, StandingRules
from daemon.store import adapters as adapter_store
from daemon.store import batches as batch_store
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import folders as folder_store
from daemon.store import jobs as job_store
from daemon.store import mail as mail_store
from daemon.store import standing as standing_store
from daemon.store import status as status_store
from daemon.store.database import Database
from daemon.store.known import Known
from daemon.use import use_of
from mlx_agent import adapters, codec
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline
from mlx_agent.recipients import recipient
from mlx_agent.records import Edit, Recipient
from mlx_agent.train.records import Verdict

DRAIN_S = 1.5
"""How long drafts may go on being written once the end was asked for; below SHUTDOWN_SECONDS."""
RECENT_JOBS = 10
RECENT_AGENTS = 5
UNREADABLE_SHOWN = 20


def now() -> datetime:
    """The clock of production: aware UTC."""
    return datetime.now(UTC)


def local_now() -> datetime:
    """The clock of production in the user's own time zone, in which nights and months are meant."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The daemon, ready to be asked. Made by `open_app`."""

    paths: Paths
    config: Config
    database: Database
    worker: Worker
    runner: Runner
    door: Door
    drafter: Drafter
    nights: Nights

    @asynccontextmanager
    async def serving(self, before: Front | None = None) -> AsyncIterator[None]:
        """Answer on the sockets and run the jobs that are submitted, for the `with` block.

        `before` is what answered until now. At the end nothing new is taken in, and drafts that are
        being written get DRAIN_S. Raises PortTaken and SocketPathTooLong.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_running(self.runner.run_forever()))
            if before is None:
                before = await stack.enter_async_context(front(self.paths.socket))
            stack.push_async_callback(before.close)
            if port := self.config.api.port:
                await before.listen_tcp(port, self.paths.token)
            before.open(build_api(self, explain))
            stack.callback(self._drain)
            yield

    def _drain(self) -> None:
        """The end waits for no draft longer: what is not written then is cancelled, and told so."""
        asyncio.get_running_loop().call_later(DRAIN_S, self.drafter.cancel_all)

    @asynccontextmanager
    async def scheduled(self) -> AsyncIterator[None]:
        """Watch the mailboxes, and teach and train at night, for the `with` block."""
        scheduler = schedule.start(self.nights.look, self.submit_job, self._waiting_for_batches)
        poll_s = self.config.schedule.sync_minutes * 60
        try:
            async with _running(watch_accounts(self.config.accounts, self._sync, poll_s)):
                yield
        finally:
            scheduler.shutdown(wait=False)

    async def status(self) -> dict[str, Any]:
        """Accounts with what the store holds of them, budget, jobs, the night, and what runs."""
        return {
            "accounts": [await self._account(name) for name in self.config.accounts],
            "budget": codec.to_data(await self.door.purse.standing()),
            "jobs": [codec.to_data(job) for job in await self.jobs()],
            "night": await self.nights.state(),
            "progress": self._progress(),
            "min_lessons": self.config.train.min_lessons,
            "disk": {"free_gb": shutil.disk_usage(self.paths.run).free // 10**9},
        }

    async def pause_nights(self, *, paused: bool) -> dict[str, Any]:
        """No nights until said otherwise, or nights again; the night's part of the status."""
        return await self.nights.pause(paused=paused)

    async def submit_job(self, kind: JobKind, account: str) -> Job:
        """Queue a job; raises AccountUnknown. A job already waiting is returned instead."""
        self.config.account(account)
        return await self.runner.submit(kind, account)

    async def answer_deletions(self, account: str, answer: DeletedPolicy) -> None:
        """What to do with mails that the folder lost at once; raises AccountUnknown."""
        self.config.account(account)
        await self.database.write(folder_store.set_answer, account, answer)

    async def standing_rules(self, account: str) -> StandingRules:
        """The account's pinned and banned rules; raises AccountUnknown."""
        self.config.account(account)
        return await self.database.read(standing_store.standing_rules, account)

    async def set_standing_rules(self, account: str, standing: StandingRules) -> None:
        """Replace the account's pinned and banned rules; raises AccountUnknown."""
        self.config.account(account)
        await self.database.write(standing_store.set_standing_rules, account, standing)

    async def job(self, job_id: int) -> Job | None:
        """One job, None if there is none of that id."""
        return await self.database.read(job_store.job, job_id)

    async def jobs(self) -> list[Job]:
        """The last jobs, newest first."""
        return await self.database.read(job_store.history, RECENT_JOBS)

    async def sent(self, draft_id: str, sent: SentText) -> Edit:
        """Record what the user sent; raises DraftNotFound."""
        return await record_sent(self.database, draft_id, sent, now)

    async def take_back(self, draft_id: str) -> None:
        """Learn nothing from what became of a draft; raises DraftNotFound."""
        await take_back(self.database, draft_id, now)

    async def save(self, draft_id: str) -> Delivered:
        """Put a draft into the Drafts folder, once and for all; raises DraftNotFound."""
        return await (await self._leaving(draft_id)).save()

    async def send(self, draft_id: str, *, again: bool = False) -> Delivered:
        """Send a draft on the user's explicit word, once and for all; raises DraftNotFound.

        `again`: even if it may have been sent.
        """
        return await (await self._leaving(draft_id)).send(again=again)

    async def _leaving(self, draft_id: str) -> Outbox:
        """The draft at its ways out."""
        draft = await self.database.read(draft_store.draft, draft_id)
        if draft is None:
            raise DraftNotFound(draft_id)
        account = self.config.account(draft.account)
        return Outbox(draft=draft, account=account, database=self.database, clock=now)

    async def _waiting_for_batches(self) -> set[str]:
        """The accounts whose teaching goes on when a provider has its answers."""
        found = await self.database.read(batch_store.open_batches)
        return {batch.account for batch in found} & set(self.config.accounts)

    async def _sync(self, account: str) -> None:
        """Run a sync to its end; raises what made it fail."""
        job = await self.submit_job("sync", account)
        await self.runner.wait(job.id)
        if failure := self.runner.failure("sync", account):
            raise failure

    async def _account(self, name: str) -> dict[str, Any]:
        counts = await self.database.read(status_store.counts, name)
        aside = await self.database.read(mail_store.quarantined, name)
        verdicts = await self.database.read(adapter_store.verdicts, name)
        row: dict[str, Any] = codec.to_data(counts)
        return row | {
            "addresses": list(self.config.account(name).addresses),
            "adapter": adapters.current(self.paths.adapters, name),
            "use": codec.to_data(use_of(await self.database.read(edit_store.outcomes, name))),
            "agents": [_judged(verdict) for verdict in verdicts[: -RECENT_AGENTS - 1 : -1]],
            "unreadable": [codec.to_data(item) for item in aside[:UNREADABLE_SHOWN]],
        }

    def _progress(self) -> dict[str, Any] | None:
        running = self.runner.current
        return codec.to_data(running[1]) if running and running[1] else None


@asynccontextmanager
async def open_app(
    paths: Paths, config: Config, *, disk_retry_s: float | None = 30.0
) -> AsyncIterator[App]:
    """Take the home, whose places must be there, and build the app.

    Raises HomeInUse, StoreDamaged, StoreFull and StoreTooNew. A full disk holds up
    the daemon's jobs until there is room, looked for every `disk_retry_s`; with None it ends
    `serving` with StoreFull, for a command whose user is waiting.
    """
    with HomeLock(paths.lock):
        async with build_app(paths, config, disk_retry_s=disk_retry_s) as app:
            yield app


@asynccontextmanager
async def build_app(
    paths: Paths, config: Config, *, disk_retry_s: float | None = 30.0
) -> AsyncIterator[App]:
    """`open_app` for a caller that holds the home's lock."""
    async with AsyncExitStack() as stack:
        database = await Database.open(paths.database)
        stack.push_async_callback(database.close)
        worker = Worker(
            paths.logs / "worker.log",
            scratch=paths.scratch,
            idle_minutes=config.agent.idle_minutes,
        )
        stack.push_async_callback(worker.close)
        door = build_door(config, database, worker)
        stack.push_async_callback(door.close)
        tasks = build_tasks(paths, door, worker)
        runner = Runner(database, tasks.by_kind(), now, explain, retry_s=disk_retry_s)
        agents = Agents(config=config, root=paths.adapters, worker=worker, database=database)
        yield App(
            paths=paths,
            config=config,
            database=database,
            worker=worker,
            runner=runner,
            nights=Nights(
                config=config,
                database=database,
                submit=runner.submit,
                halt=tasks.halt,
                clock=now,
            ),
            door=door,
            drafter=Drafter(
                database=database,
                agents=agents,
                writer=partial(_writer, door),
                stand_in=partial(_stand_in, door) if config.models.local_writer else None,
                recipient=_recipient,
                clock=now,
                kind_of=config.kind_of,
            ),
        )


def build_door(config: Config, database: Database, worker: Worker) -> Door:
    """The door to the large models of the config; to be closed."""
    return Door(
        config=config,
        database=database,
        purse=Purse(config.budget, database, local_now),
        models=Models(config, worker.chat),
        clock=now,
    )


def build_tasks(paths: Paths, door: Door, worker: Worker) -> Tasks:
    """The jobs of a home, over its door and its store."""
    return Tasks(
        config=door.config,
        database=door.database,
        worker=worker,
        door=door,
        gate_writer=Offline(),
        adapters_root=paths.adapters,
        datasets_root=paths.datasets,
        clock=now,
    )


def _judged(verdict: Verdict) -> dict[str, Any]:
    """An agent and what the gate said of it."""
    said = {"promoted": verdict.promoted, "reason": verdict.reason}
    return {"id": verdict.adapter_id, "verdict": said}


def _writer(door: Door, request: DraftRequest, draft_id: str) -> LargeModel:
    thread = (request.in_reply_to, *request.references)
    return door.errand("draft", request.account, draft_id, thread)


def _stand_in(door: Door, request: DraftRequest, draft_id: str) -> LargeModel:
    return door.errand("draft", request.account, draft_id, model=door.config.models.local_writer)


def _recipient(request: DraftRequest, found: Known) -> Recipient | None:
    """What is known of the first recipient of a draft."""
    if not request.to:
        return None
    return recipient(request.sender, request.to[0], found.earlier, found.last, request.context)


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    """Run a coroutine beside the block; end it with the block; a failure of it ends the block.

    A failure of either comes out as it is, not in a group: there is but one.
    """
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            try:
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as failures:
        failure = only_cause(failures)
    if failure is not None:
        raise failure
