"""Thirty days of a laptop that nobody looks after, with all that befalls one.

Real are the store in its file, the runner, the nights' decisions, the reading of mail, the offline
teacher and the look for edits. The clock and the power supply are the test's. Stand-ins are the
mail server, a directory whose files are read, and the training, which writes the rows that a real
one writes. A crash is a cut before or after some write to the store: from then on nothing is
written, and another process takes over from the file alone.
"""

import asyncio
import gc
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest
from store_samples import a_verdict, an_adapter, an_event

from daemon import sample
from daemon.app import build_door, build_tasks
from daemon.config import Config, Paths
from daemon.errors import ServerUnreachable, StoreFull
from daemon.explain import explain
from daemon.jobs.curve import recorded
from daemon.jobs.night import hours
from daemon.jobs.runner import Runner
from daemon.jobs.tasks import Tasks, lessons_to_train, plan_teaching
from daemon.jobs.worker import Worker
from daemon.mailbox.importing import import_path
from daemon.nights import Nights
from daemon.power import Power
from daemon.records import Job, JobKind
from daemon.sample.cast import ADA
from daemon.store import adapters as adapter_store
from daemon.store import jobs as job_store
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store import nights as night_store
from daemon.store.database import Connection, Database

CONFIG = f"""
[accounts.work]
name = "{ADA.address.name}"
addresses = ["{ADA.address.address}"]
imap = {{ host = "imap.field.example", user = "ada" }}
[accounts.old]
name = "{ADA.address.name}"
addresses = ["{ADA.address.address}"]
[train]
min_lessons = 2
"""
BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 10, 10)
DAYS = 30
"""The clocks are set back on the sixteenth of them."""
MAILS_A_DAY = 3
OLD = 6
"""Mails of the account that has no server."""
OFFLINE = range(8, 15)
FULL = (5, 20)
SLEPT = (3, 17, 24)
"""Nights that the machine sleeps through whole; in others it wakes late."""
ON_BATTERY = (11, 24)
SET_BACK = 27
"""On this day the clock is a day behind, as if set by mistake."""
MEASURED = (10, 20, DAYS - 1)
"""After these days the objects are counted, and the memory in use is measured."""


MAINS, BATTERY = Power(mains=True), Power(mains=False)


class Cut(BaseException):
    """The power is gone."""


class Plug(Database):
    """A store that is cut off at one of its next writes; `left` counts down to it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.left: int | None = None
        self.after = False
        self.gone = asyncio.Event()

    async def write(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.gone.is_set():
            raise Cut
        self.left = None if self.left is None else self.left - 1
        if self.left == 0 and not self.after:
            self.gone.set()
            raise Cut
        result = await super().write(fn, *args, **kwargs)
        if self.left == 0:
            self.gone.set()
            raise Cut
        return result


@dataclass(slots=True)
class Laptop:
    """One account with a server and one without, on a machine that the test plays fate for."""

    paths: Paths
    config: Config
    random: Random
    time: datetime
    power: Power = MAINS
    full: bool = False
    off: timedelta = timedelta(0)
    online: bool = True
    crashes: int = 0
    sent: list[bytes] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    database: Plug = field(init=False)
    tasks: Tasks = field(init=False)
    runner: Runner = field(init=False)
    nights: Nights = field(init=False)

    async def start(self) -> None:
        """As a process does that knows nothing but the file."""
        self.database = await Plug.open(self.paths.database)
        worker = Worker(self.paths.logs / "worker.log", scratch=self.paths.scratch)
        door = build_door(self.config, self.database, worker)
        self.tasks = replace(build_tasks(self.paths, door, worker), clock=self.clock)
        table = self.tasks.by_kind() | {"sync": self.sync, "train": self.train}
        self.runner = Runner(self.database, table, self.clock, explain, retry_s=0.05)
        self.nights = Nights(
            config=self.config,
            database=self.database,
            submit=self.runner.submit,
            halt=self.tasks.halt,
            clock=self.clock,
            zone=BERLIN,
            power=lambda: self.power,
        )

    def clock(self) -> datetime:
        """Goes on by a second whenever it is read."""
        self.time += timedelta(seconds=1)
        return self.time

    # --- what the jobs do ---------------------------------------------------------------------

    async def sync(self, account: str, report: Any) -> dict[str, object]:
        """Read the files of the last days, as a sync looks at the last messages."""
        if not self.online:
            raise ServerUnreachable(account, "imap.field.example", 993, "no network")
        found = await import_path(self.mailbox, account, self.database, report)
        return {"added": found.added, "known": found.known}

    async def train(self, account: str, report: Any) -> dict[str, object]:
        """Write what a training writes; now and then it is stopped, as by its hour or a halt."""
        tasks = self.tasks
        lessons = await lessons_to_train(self.config, self.database, tasks.door, account)
        async with recorded(self.database, account, report, f"set-{len(lessons)}") as recorder:
            assert recorder.run is not None
            for step in range(1, 41):
                recorder.add(an_event(step))
                await asyncio.sleep(0)
            if self.random.random() < 0.15:
                return {"stopped": self.random.choice(("hour", "asked")), "step": 20, "steps": 40}
            adapter = replace(an_adapter(recorder.run), account=account, lessons=len(lessons))
            await self.database.write(adapter_store.add_adapter, adapter)
            recorder.adapter_id = adapter.id
        verdict = replace(a_verdict(), adapter_id=adapter.id)
        await self.database.write(adapter_store.add_verdict, verdict, self.clock())
        return {"adapter": adapter.id, "promoted": True, "why": verdict.reason}

    # --- what befalls it ----------------------------------------------------------------------

    @property
    def mailbox(self) -> Path:
        """The server's folder, as far as a sync looks back."""
        return self.paths.scratch / "server"

    def receive(self, day: int, mails: list[bytes]) -> None:
        """The user sends some mails; none that are older than the longest absence are looked at."""
        self.mailbox.mkdir(exist_ok=True)
        for number, raw in enumerate(mails):
            (self.mailbox / f"{day:02}-{number}.eml").write_bytes(raw)
        for path in self.mailbox.glob(f"{day - len(OFFLINE) - 2:02}-*"):
            path.unlink()
        self.sent += mails

    def threaten(self, within: int) -> None:
        """The power will be cut at one of the next writes."""
        self.database.left = self.random.randint(1, within)
        self.database.after = self.random.random() < 0.5

    async def look_at(self, moment: datetime, *, sync: bool = False) -> None:
        """Look after the night, and let all that is queued end; start again where that is cut."""
        self.time = moment + self.off
        work = asyncio.create_task(self._work(sync=sync))
        cut = asyncio.create_task(self.database.gone.wait())
        first = asyncio.FIRST_COMPLETED
        done, _ = await asyncio.wait([work, cut], timeout=60, return_when=first)
        assert done, "it hangs"
        for task in (work, cut):
            task.cancel()
        with suppress(asyncio.CancelledError, Cut):
            await work
        if self.database.gone.is_set():
            self.crashes += 1
            await self._restart()

    async def _work(self, *, sync: bool) -> None:
        with suppress(StoreFull):  # as the scheduler does, which looks again
            if sync:
                await self.runner.submit("sync", "work")
            await self.nights.look()
        if not await self.database.read(job_store.open_jobs):
            return
        runs = asyncio.create_task(self.runner.run_forever())
        try:
            while queued := await self.database.read(job_store.open_jobs):
                ended = asyncio.create_task(self.runner.wait(queued[0].id))
                first = asyncio.FIRST_COMPLETED
                done, _ = await asyncio.wait([ended, runs], timeout=1, return_when=first)
                ended.cancel()
                if runs.done():
                    runs.result()
                if not done and self.full:  # the runner would wait for room as long as it takes
                    return
        finally:
            runs.cancel()
            with suppress(asyncio.CancelledError, Cut):
                await runs

    async def _restart(self) -> None:
        await self.database.close()
        await self.start()
        # What was running is reaped by the new process before it does anything else.
        reaped = lambda connection: job_store.reap(connection, self.clock())  # noqa: E731
        await self.database.write(reaped)

    async def fill_up(self, *, full: bool) -> None:
        """The store's file may not grow any more; or has room again."""

        def bound(connection: Connection) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0] if full else 2**30
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

        await self.database.read(bound)
        self.full = full


# --- thirty days ------------------------------------------------------------------------------


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of the clock on the wall, in UTC."""
    local = datetime.combine(FIRST + timedelta(days=day), time(hour, minute), BERLIN)
    return local.astimezone(UTC)


async def a_day(laptop: Laptop, day: int, mails: list[bytes]) -> None:
    """A night, and the day after it: two crashes, one in each, and what the day's fate is."""
    laptop.online = day not in OFFLINE
    laptop.power = BATTERY if day in ON_BATTERY else MAINS
    awake = range(0 if day % 4 else 3, 8) if day not in SLEPT else range(0)
    if day in FULL:
        await laptop.fill_up(full=True)
    laptop.threaten(within=12)
    for step in awake:
        await laptop.look_at(at(day, 2, 30) + timedelta(minutes=25 * step))
    await laptop.fill_up(full=False)
    laptop.receive(day, mails)
    laptop.threaten(within=4)
    for hour in (9, 19):
        await laptop.look_at(at(day, hour), sync=True)
    laptop.database.left = None


async def thirty_days(laptop: Laptop, mails: Iterator[bytes]) -> None:
    for day in range(DAYS):
        laptop.off = timedelta(days=-1 if day == SET_BACK else 0)
        await a_day(laptop, day, [next(mails) for _ in range(MAILS_A_DAY)])
        if day in MEASURED:
            gc.collect()
            laptop.objects.append(len(gc.get_objects()))
            laptop.memory.append(psutil.Process().memory_info().rss)
    laptop.online, laptop.power = True, MAINS
    for step in range(12):
        await laptop.look_at(at(DAYS, 2, 30) + timedelta(minutes=15 * step))
    await laptop.look_at(at(DAYS, 9))


@pytest.fixture
async def lived(home: Paths, write_config: Callable[[str], Config]) -> Laptop:
    """The laptop after its thirty days and a quiet night, closed."""
    laptop = Laptop(paths=home, config=write_config(CONFIG), random=Random(20261010), time=at(0, 0))
    mails = iter(sample.load(ADA.key))
    old = home.scratch / "old"
    old.mkdir(parents=True)
    for number in range(OLD):
        (old / f"{number}.eml").write_bytes(next(mails))
    await laptop.start()
    await import_path(old, "old", laptop.database, lambda _: None)
    await thirty_days(laptop, mails)
    return laptop


async def test_thirty_days_lose_nothing_and_double_nothing(lived: Laptop) -> None:
    """Mails, lessons, jobs, nights and adapters are all accounted for; size and memory stay."""
    database = lived.database
    try:
        await assert_every_mail_taught_once(lived)
        every = await database.read(job_store.history, 10_000)
        nights = await database.read(night_store.history, 100)
        assert_all_jobs_ended(every)
        assert_every_night_is_told([row.night.date for row in nights], every)
        reasons = {row.night.date: row.waits for row in nights}
        await assert_every_adapter_is_known(lived, every)
    finally:
        await database.close()
    for day in ON_BATTERY[:1]:
        assert reasons[(FIRST + timedelta(days=day)).isoformat()] == ("battery",)
    for day in SLEPT:
        assert reasons[(FIRST + timedelta(days=day)).isoformat()] == ("off",)
    assert lived.crashes >= DAYS
    assert_small(lived.paths.database)
    assert max(lived.objects) < 1.05 * lived.objects[0]
    assert max(lived.memory) < lived.memory[0] + 10_000_000


async def assert_every_mail_taught_once(lived: Laptop) -> None:
    database = lived.database
    expected = {raw_id(raw) for raw in lived.sent}
    mails = await database.read(mail_store.mails, "work")
    assert {mail.message_id for mail in mails} == expected
    assert len({mail.id for mail in mails}) == len(mails)
    for account in lived.config.accounts:
        plan = await plan_teaching(lived.config, database, lived.tasks.door, account)
        lessons = await database.read(lesson_store.lessons, account)
        samples = Counter(lesson.sample_id for lesson in lessons)
        aside = await database.read(lesson_store.set_aside_samples, account)
        assert set(samples) | set(aside) == {item.mail.id for item in plan.items}
        assert set(samples.values()) == {1}


async def assert_every_adapter_is_known(lived: Laptop, jobs: list[Job]) -> None:
    """None that a job tells of is lost; one that no job tells of was made by one that was cut."""
    made = {str(job.outcome["adapter"]) for job in jobs if "adapter" in job.outcome}
    stored: set[str] = set()
    for account in lived.config.accounts:
        found = await lived.database.read(adapter_store.adapters, account)
        stored |= {adapter.id for adapter in found}
    cut = {an_adapter(job.id).id for job in jobs if job.state == "interrupted"}
    assert made <= stored <= made | cut


def raw_id(raw: bytes) -> str:
    """The Message-ID of a mail of the sample."""
    return str(message_from_bytes(raw)["Message-ID"]).strip()


def assert_all_jobs_ended(jobs: list[Job]) -> None:
    """Each with the time of its end; a failed one with a sentence."""
    assert {job.state for job in jobs} == {"done", "failed", "interrupted"}
    assert all(job.finished_at for job in jobs)
    assert all(job.error for job in jobs if job.state == "failed")


def assert_every_night_is_told(nights: list[str], jobs: list[Job]) -> None:
    """Each has its row; none has a step twice; most have come to their end."""
    assert sorted(nights) == [(FIRST + timedelta(days=n)).isoformat() for n in range(DAYS + 1)]
    assert {job.night for job in jobs if job.night} <= set(nights)
    ended = Counter(
        (job.night, job.account, job.kind)
        for job in jobs
        if job.night and job.state == "done" and "stopped" not in job.outcome
    )
    assert set(ended.values()) == {1}
    trained: dict[JobKind, int] = Counter(kind for _, _, kind in ended)
    assert trained["train"] >= DAYS
    for job in jobs:
        if job.night and job.started_at:
            night = hours(date.fromisoformat(job.night), Config().schedule, BERLIN)
            assert night.starts <= job.requested_at < night.ends


def assert_small(path: Path) -> None:
    """Under 1.2 times what a copy without any free space takes."""
    connection = sqlite3.connect(path)
    copy = path.with_name("copy.db")
    connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    assert path.stat().st_size < 1.2 * copy.stat().st_size
