"""Nights over the real store and runner: queued step by step, held up, stopped, paused, told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from smtp_server import SmtpServer, running_smtp
from store_samples import AN_ENTRY, a_draft

from daemon import morning
from daemon.app import open_app
from daemon.config import Account, Config, Imap, Paths, Schedule, Smtp
from daemon.errors import ServerUnreachable
from daemon.explain import explain
from daemon.jobs.bounds import Halt
from daemon.jobs.night import hours
from daemon.jobs.runner import Runner
from daemon.learning import find_edits
from daemon.mailbox.importing import import_path
from daemon.night_words import WAITS
from daemon.nights import Nights
from daemon.power import Power
from daemon.records import Job, JobKind, NightRow, Progress
from daemon.store import drafts as draft_store
from daemon.store import jobs as job_store
from daemon.store import ledger
from daemon.store import mail as mail_store
from daemon.store import nights as night_store
from daemon.store.database import Database
from mlx_agent.teach.select import SelectSettings, select

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = hours(date(2026, 3, 3), Schedule(), BERLIN)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORK = Account(addresses=("a@b.example",), imap=Imap(host="imap.example", user="a"))
OLD = Account(addresses=("c@d.example",))
SETTINGS = SelectSettings(min_words=1, max_words=400, limit=9, addresses=frozenset({"a@b.example"}))
MAINS, BATTERY = Power(mains=True), Power(mains=False)


@dataclass(slots=True)
class World:
    """A clock and a power supply that the test sets, and jobs that end as it says."""

    database: Database
    config: Config = field(default_factory=lambda: Config(accounts={"work": WORK}))
    time: datetime = NOON
    power: Power = MAINS
    outcomes: dict[JobKind, dict[str, object] | Exception] = field(default_factory=dict)
    held: asyncio.Event | None = None
    nights: Nights = field(init=False)
    runner: Runner = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As a process does that knows nothing but the store."""
        kinds: tuple[JobKind, ...] = ("sync", "edits", "teach", "train")
        tasks = {kind: self._task(kind) for kind in kinds}
        self.runner = Runner(self.database, tasks, self.clock, explain, retry_s=0.01)
        self.nights = Nights(
            config=self.config,
            database=self.database,
            submit=self.runner.submit,
            halt=Halt(),
            clock=self.clock,
            zone=BERLIN,
            power=lambda: self.power,
        )

    def clock(self) -> datetime:
        return self.time

    async def look_at(self, moment: datetime) -> None:
        """Look, and let what was queued come to its end."""
        self.time = moment
        await self.nights.look()
        if not await self.database.read(job_store.open_jobs):
            return
        async with running(self.runner):
            while queued := await self.database.read(job_store.open_jobs):
                await self.runner.wait(queued[0].id)

    async def through(self, start: datetime, end: datetime) -> None:
        """Look every few minutes."""
        moment = start
        while moment < end:
            await self.look_at(moment)
            moment += timedelta(minutes=5)

    async def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        return (await self.database.read(job_store.history, 1000))[::-1]

    async def ran(self) -> list[tuple[str, str, str | None]]:
        """What ran in nights."""
        return [(j.kind, j.account, j.night) for j in await self.jobs() if j.kind != "edits"]

    def _task(self, kind: JobKind) -> Any:
        async def task(account: str, report: Any) -> dict[str, object]:
            report(Progress(step=kind, done=0))
            if self.held is not None:
                await self.held.wait()
            outcome = self.outcomes.get(kind, {})
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return task


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[None]:
    task = asyncio.create_task(runner.run_forever())
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


STEPS = [(kind, "work", "2026-03-03") for kind in ("sync", "teach", "train")]


# --- a night ----------------------------------------------------------------------------------


async def test_a_night_syncs_teaches_and_trains_once(world: World) -> None:
    """Each as a job of its own with the night's end for its deadline; by day nothing is done."""
    await world.through(NOON, NOON + timedelta(hours=36))
    assert await world.ran() == STEPS
    assert {job.deadline for job in await world.jobs() if job.night} == {NIGHT.ends}
    row = await world.database.read(night_store.last)
    assert row == NightRow(night=NIGHT, waits=())


async def test_one_account_follows_the_other(database: Database) -> None:
    """The one that has no server is not synced."""
    world = World(database, config=Config(accounts={"work": WORK, "old": OLD}))
    await world.through(NIGHT.starts, NIGHT.ends)
    old = [(kind, "old", "2026-03-03") for kind in ("teach", "train")]
    assert await world.ran() == [*STEPS, *old]


async def test_a_night_that_was_slept_through_is_made_up_for_within_its_hours(world: World) -> None:
    """The machine wakes at five."""
    await world.look_at(NIGHT.starts - timedelta(hours=1))
    await world.through(NIGHT.ends - timedelta(hours=1), NIGHT.ends)
    assert await world.ran() == STEPS


async def test_a_night_that_is_over_is_not_made_up_for_but_told(world: World) -> None:
    """It has its row, and says why it did nothing; so do those before it."""
    await world.through(NIGHT.starts, NIGHT.ends)
    three_days = timedelta(days=3, hours=8)
    await world.look_at(NIGHT.ends + three_days)
    assert await world.ran() == STEPS
    rows = await world.database.read(night_store.history, 10)
    assert [(row.night.date, row.waits) for row in rows] == [
        ("2026-03-06", ("off",)),
        ("2026-03-05", ("off",)),
        ("2026-03-04", ("off",)),
        ("2026-03-03", ()),
    ]


@pytest.mark.parametrize(
    ("day", "looks"),
    [(date(2026, 3, 29), 24 * 12), (date(2026, 10, 25), 24 * 12)],
    ids=["an hour is left out", "an hour comes twice"],
)
async def test_when_the_clocks_change_the_night_comes_once(
    world: World, day: date, looks: int
) -> None:
    """Looked after all day long, from noon to noon."""
    noon = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC)
    noon += timedelta(hours=12)
    await world.through(noon, noon + timedelta(minutes=5 * looks))
    assert await world.ran() == [(kind, "work", day.isoformat()) for kind, _, _ in STEPS]


async def test_a_night_goes_on_after_a_crash(world: World) -> None:
    """A process that knows nothing but the store takes up the step that was cut off."""
    await world.look_at(NIGHT.starts)
    world.held = asyncio.Event()
    world.time += timedelta(minutes=5)
    await world.nights.look()
    async with running(world.runner):
        with world.runner.subscribe() as events:
            while (await events.get()).job.state != "running":
                pass
    world.held = None
    world.start()
    await world.through(world.time + timedelta(minutes=5), NIGHT.ends)
    sync, teach, train = STEPS
    assert await world.ran() == [sync, teach, teach, train]
    assert [j.state for j in await world.jobs() if j.kind == "teach"] == ["interrupted", "done"]


async def test_what_fails_is_for_the_next_night_and_holds_up_nothing(world: World) -> None:
    """The failure's own sentence is told."""
    error = ServerUnreachable("work", "imap.example", 993, "timed out")
    world.outcomes["sync"] = error
    await world.through(NIGHT.starts, NIGHT.ends)
    assert await world.ran() == STEPS
    runs = (await world.nights.state())["runs"]
    assert runs[-1]["sentence"] == explain(error)


async def test_the_users_own_job_is_waited_for(world: World) -> None:
    """It has no deadline, and does not count as the night's."""
    await world.database.write(job_store.enqueue, "sync", "work", NIGHT.starts)
    world.time = NIGHT.starts
    await world.nights.look()
    assert (await world.nights.state())["waits_for"] == [WAITS["busy"]]
    await world.through(NIGHT.starts, NIGHT.ends)
    assert await world.ran() == [("sync", "work", None), *STEPS]


# --- held up, paused and stopped --------------------------------------------------------------


async def test_on_battery_nothing_is_done_until_there_are_mains(world: World) -> None:
    """Within the hours of the night."""
    world.power = BATTERY
    await world.through(NIGHT.starts, NIGHT.starts + timedelta(hours=2))
    assert await world.ran() == []
    assert (await world.nights.state())["waits_for"] == [WAITS["battery"]]
    world.power = MAINS
    await world.through(NIGHT.starts + timedelta(hours=2), NIGHT.ends)
    assert await world.ran() == STEPS


async def test_a_night_without_mains_has_its_reason(world: World) -> None:
    """It is not made up for by day."""
    world.power = BATTERY
    await world.through(NIGHT.starts, NIGHT.ends)
    world.power = MAINS
    await world.look_at(NIGHT.ends + timedelta(hours=1))
    assert await world.ran() == []
    row = await world.database.read(night_store.last)
    assert row is not None
    assert row.waits == ("battery",)


async def test_what_is_under_way_is_stopped_when_mains_go_and_goes_on_after(world: World) -> None:
    """It is asked to, by the halt; and no more once there are mains again."""
    world.time = NIGHT.starts
    world.power = BATTERY
    await world.nights.look()
    assert world.nights.halt.asked
    world.power = MAINS
    world.outcomes["teach"] = {"stopped": "asked"}
    await world.look_at(NIGHT.starts)
    assert not world.nights.halt.asked
    await world.look_at(NIGHT.starts + timedelta(minutes=5))
    world.outcomes.clear()
    await world.through(NIGHT.starts + timedelta(minutes=10), NIGHT.ends)
    sync, teach, train = STEPS
    assert await world.ran() == [sync, teach, teach, train]


async def test_nights_that_are_paused_stay_so_across_restarts(world: World) -> None:
    """Until they are wanted again; the answer is the night's part of the status."""
    told = await world.nights.pause(paused=True)
    assert (told["paused"], told["waits_for"]) == (True, [WAITS["paused"]])
    world.start()
    await world.through(NIGHT.starts, NIGHT.starts + timedelta(hours=1))
    assert await world.ran() == []
    told = await world.nights.pause(paused=False)
    assert (told["paused"], told["waits_for"]) == (False, [])
    await world.through(world.time + timedelta(minutes=5), NIGHT.ends)
    assert await world.ran() == STEPS


async def test_a_pause_stops_what_a_night_has_under_way(world: World) -> None:
    """At once, not at the next look."""
    world.time = NIGHT.starts
    await world.nights.look()
    await world.nights.pause(paused=True)
    assert world.nights.halt.asked


# --- told -------------------------------------------------------------------------------------


async def test_the_status_tells_the_next_night_and_what_the_last_one_did(world: World) -> None:
    """With durations, costs and a sentence each, the newest first."""
    world.outcomes["teach"] = {"lessons": 3}
    await world.through(NIGHT.starts, NIGHT.ends)
    teach = next(job for job in await world.jobs() if job.kind == "teach")
    assert teach.started_at is not None
    paid = replace(AN_ENTRY, account="work", at=teach.started_at, cost_usd=0.25)
    other = replace(paid, request="other", account="old")
    await world.database.write(ledger.add, [paid, other])
    world.time = NIGHT.ends + timedelta(hours=1)
    state = await world.nights.state()
    assert state["next"] == "2026-03-04T01:30:00+00:00"
    assert state["ends"] == "2026-03-04T05:00:00+00:00"
    assert [(run["kind"], run["usd"]) for run in state["runs"]] == [
        ("train", 0.0),
        ("teach", 0.25),
        ("sync", 0.0),
    ]
    assert state["runs"][1] == {
        "account": "work",
        "kind": "teach",
        "state": "done",
        "started_at": teach.started_at.isoformat(),
        "ended_at": teach.started_at.isoformat(),
        "seconds": 0.0,
        "usd": 0.25,
        "sentence": "3 new lessons.",
    }


async def test_without_accounts_there_are_no_nights(database: Database) -> None:
    """The daemon of a fresh config only serves its socket."""
    world = World(database, config=Config())
    await world.through(NIGHT.starts, NIGHT.ends)
    nothing = {"next": None, "ends": None, "paused": False, "waits_for": [], "runs": []}
    assert await world.nights.state() == nothing


async def test_the_daemon_tells_of_its_nights_and_keeps_a_pause(
    home: Paths, write_config: Callable[[str], Config]
) -> None:
    """The app itself, in the machine's own time zone, and its successor."""
    config = write_config('[accounts.old]\naddresses = ["c@d.example"]')
    async with open_app(home, config) as app:
        night = (await app.status())["night"]
        assert set(night) == {"next", "ends", "paused", "waits_for", "runs"}
        starts = datetime.fromisoformat(night["next"]).astimezone()
        assert f"{starts:%H:%M}" == config.schedule.night_at
        assert (await app.pause_nights(paused=True))["waits_for"] == [WAITS["paused"]]
    async with open_app(home, config) as app:
        assert (await app.status())["night"]["paused"]


async def test_a_days_syncs_do_not_pile_up(world: World) -> None:
    """Their rows go after a month, but for the last that was done; what nights did stays."""
    long_ago = NIGHT.starts - timedelta(days=90)
    for number in range(3):
        world.time = long_ago + timedelta(hours=number)
        async with running(world.runner):
            await world.runner.wait((await world.runner.submit("sync", "work")).id)
    await world.through(NIGHT.starts, NIGHT.ends)
    await world.look_at(NIGHT.ends + timedelta(minutes=1))
    assert await world.ran() == STEPS


# --- the morning's mail -----------------------------------------------------------------------


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with running_smtp() as running:
        yield running


def reporting(database: Database, server: SmtpServer) -> World:
    """A world whose account sends by that server, and wants mail in the morning."""
    smtp = Smtp(host="127.0.0.1", port=server.port, security="plain", user="ada", password="secret")
    accounts = {"work": WORK.model_copy(update={"smtp": smtp}), "old": OLD}
    return World(database, config=Config(accounts=accounts, schedule=Schedule(report=True)))


async def mornings(world: World) -> None:
    """A night, and then looks all morning."""
    await world.through(NIGHT.starts, NIGHT.ends)
    await world.through(NIGHT.ends, NIGHT.ends + timedelta(minutes=30))


async def test_the_morning_brings_one_mail_to_oneself(
    database: Database, server: SmtpServer
) -> None:
    """Of that account's runs alone; an account that cannot send gets none."""
    world = reporting(database, server)
    world.outcomes |= {"sync": {"added": 2}, "train": {"promoted": False, "why": "no better"}}
    await mornings(world)
    (content,) = server.contents
    message = message_from_bytes(content, policy=policy.default)
    assert (message["From"], message["To"]) == ("a@b.example", "a@b.example")
    assert message["Subject"] == "trimtab: the night of 2026-03-03, account work"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == [
        "sync (0 s): 2 new mails.",
        "teach (0 s): No new lessons.",
        "train (0 s): The agent in use stays: no better.",
    ]


async def test_a_night_that_did_nothing_says_why(database: Database, server: SmtpServer) -> None:
    """Or one would look for the fault in the mail."""
    world = reporting(database, server)
    world.power = BATTERY
    await mornings(world)
    (content,) = server.contents
    lines = message_from_bytes(content, policy=policy.default).get_content().splitlines()
    assert lines == ["Nothing was done this night.", WAITS["battery"]]


async def test_nobody_who_has_not_asked_gets_one(database: Database, server: SmtpServer) -> None:
    """`report` is false by default."""
    world = reporting(database, server)
    world.config = world.config.model_copy(update={"schedule": Schedule()})
    world.start()
    await mornings(world)
    assert server.connections == 0


async def test_a_mail_that_may_have_been_sent_is_not_sent_again(
    database: Database, server: SmtpServer
) -> None:
    """The link died after the final dot."""
    server.drop_at = "dot"
    world = reporting(database, server)
    await mornings(world)
    assert len(server.received) == 1
    assert await database.read(night_store.reports, NIGHT.date) == {"work": "unknown"}


async def test_after_a_crash_on_the_way_it_is_not_sent_again(
    database: Database, server: SmtpServer
) -> None:
    """The row that was committed before the first byte says so."""
    assert await database.write(night_store.begin_report, NIGHT.date, "work")
    await mornings(reporting(database, server))
    assert server.connections == 0


async def test_without_a_connection_it_is_tried_again(
    database: Database, server: SmtpServer
) -> None:
    """Nothing has left then."""
    server.drop_at = "greeting"
    await mornings(reporting(database, server))
    assert (len(server.received), server.connections) == (1, 2)
    assert await database.read(night_store.reports, NIGHT.date) == {"work": "done"}


async def test_what_the_server_refuses_is_given_up(database: Database, server: SmtpServer) -> None:
    """It would say the same all day."""
    server.verdict = "550 no"
    await mornings(reporting(database, server))
    assert server.connections == 1
    assert await database.read(night_store.reports, NIGHT.date) == {"work": "failed"}


@pytest.mark.parametrize("marked", [True, False])
async def test_in_the_sent_folder_it_neither_teaches_nor_is_paired(
    database: Database, server: SmtpServer, tmp_path: Path, marked: bool
) -> None:
    """As it was sent, so it comes in. By its mark alone: without that, this draft were found."""
    await mornings(reporting(database, server))
    mark = b"Auto-Submitted: auto-generated\r\n"
    raw = server.contents[0] if marked else server.contents[0].replace(mark, b"")
    (tmp_path / "sent.eml").write_bytes(raw)
    await import_path(tmp_path / "sent.eml", "work", database, lambda _: None)
    (mail,) = await database.read(mail_store.mails, "work")
    assert mail.flags == ({"automatic"} if marked else set())
    draft = a_draft(text=mail.own_text, created_at=mail.sent_at - timedelta(hours=1))
    metadata = replace(draft.x.metadata, sender=mail.sender, to=mail.to)
    await database.write(
        draft_store.add_draft, replace(draft, x=replace(draft.x, metadata=metadata))
    )
    edits = await find_edits(database, "work", lambda: NOON)
    assert len(edits) == (0 if marked else 1)
    chosen = select([mail], SETTINGS).chosen
    assert list(chosen) == ([] if marked else [mail])


def test_an_address_beyond_ascii_can_be_written_to() -> None:
    """Its envelope says so (RFC 6531)."""
    account = Account(name="Zoë", addresses=("zoë@büro.example",))
    mail = morning.compose("work", account, NightRow(night=NIGHT, waits=("off",)), [], NOON)
    assert (mail.utf8, mail.sender) == (True, "zoë@büro.example")
    assert "To: zoë@büro.example".encode() in mail.content
