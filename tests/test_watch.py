"""When an account is synced: by news, by time, after failures and after the machine's sleep."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import account_toml
from dovecot_server import PASSWORD, Dovecot
from hypothesis import given
from hypothesis import strategies as st
from scripted_imap import Close, Command, ScriptedImap, Stall, first, only

from daemon.app import open_app
from daemon.config import Account, Config, Imap, Paths
from daemon.errors import (
    FolderNotFound,
    FolderShrunk,
    FolderUnstable,
    LoginRefused,
    PasswordMissing,
    ServerBusy,
    ServerUnreachable,
)
from daemon.mailbox import backoff as backoff_module
from daemon.mailbox import listener as listener_module
from daemon.mailbox import watch as watch_module
from daemon.mailbox.backoff import (
    CAP_S,
    LONGEST_S,
    STEADY_S,
    Dropped,
    Failed,
    State,
    Synced,
    Wait,
    backoff,
    next_wait,
)
from daemon.mailbox.listener import Listener, listening
from daemon.mailbox.watch import REST_S, SLICE_S, Watch, watch_accounts
from daemon.records import Job
from daemon.store import mail as mail_store
from mlx_agent.log_lines import LineFormatter

DEAD_LINE_S = 20
"""A hang fails the test instead of the whole run."""
POLL_S = 900.0
HOUR_S = 3600.0
MESSAGE = b"From: ada@field.example\r\nMessage-ID: <1@x>\r\nSubject: one\r\n\r\nOne.\r\n"
DOWN = ServerUnreachable("work", "imap.example", 993, "the connection was refused")
FOR_THE_USER = [
    LoginRefused("work", "imap.example"),
    PasswordMissing("work", "keychain"),
    FolderNotFound("work", None),
    FolderShrunk("work", 30, 100),
    FolderUnstable("work"),
]


def busy(delay_s: float) -> ServerBusy:
    return ServerBusy("work", "imap.example", delay_s)


def by_type(error: Any) -> str:
    return type(error).__name__


# --- decisions -------------------------------------------------------------------------------


def test_tries_are_spaced_out_from_seconds_to_a_quarter_of_an_hour() -> None:
    """Half as long again each time, up to the cap."""
    waits = [backoff(tries, 0) for tries in range(1, 30)]
    assert waits[:4] == [2, 3, 4.5, 6.75]
    assert waits == sorted(waits)
    assert waits[-1] == waits[16] == CAP_S


@given(tries=st.integers(1, 10**6), draw=st.floats(0, 1, exclude_max=True))
def test_chance_shortens_a_wait_by_half_at_most(tries: int, draw: float) -> None:
    """So that not all clients of a server that was down come back at one moment."""
    full = backoff(tries, 0)
    assert full / 2 <= backoff(tries, draw) <= full <= CAP_S


def test_only_a_sync_that_succeeds_ends_a_series_of_failures() -> None:
    """A lost connection neither ends it nor belongs to it."""
    state = State()
    for _ in range(3):
        state, _ = next_wait(state, Failed(error=DOWN), poll_s=POLL_S, draw=0)
    state, _ = next_wait(state, Dropped(error=DOWN), poll_s=POLL_S, draw=0)
    state, wait = next_wait(state, Failed(error=DOWN), poll_s=POLL_S, draw=0)
    assert (state.failures, wait.seconds) == (4, 6.75)
    state, wait = next_wait(state, Synced(), poll_s=POLL_S, draw=0)
    assert (state.failures, wait.seconds) == (0, POLL_S)


@pytest.mark.parametrize(
    ("asked", "failures", "waited"),
    [(300, 0, 300), (0.5, 0, 2), (10, 12, 2 * 1.5**12), (40_000, 0, LONGEST_S)],
)
def test_a_busy_server_is_given_the_time_that_it_asks_for(
    asked: float, failures: int, waited: float
) -> None:
    """And no less than any other that fails; but for an hour at most."""
    failed = Failed(error=busy(asked))
    _, wait = next_wait(State(failures=failures), failed, poll_s=POLL_S, draw=0)
    assert wait == Wait(seconds=waited, firm=True)


@pytest.mark.parametrize("error", FOR_THE_USER, ids=by_type)
@pytest.mark.parametrize("failures", [0, 50])
def test_what_only_the_user_can_mend_is_not_hammered(error: Exception, failures: int) -> None:
    """A password that is refused again and again gets the account locked."""
    state = State(failures=failures)
    assert next_wait(state, Failed(error=error), poll_s=60, draw=0.9)[1] == Wait(seconds=CAP_S)


def test_a_connection_that_lived_long_was_a_good_one() -> None:
    """A server that ends each after ten minutes is reconnected to at once, each time."""
    state = State(drops=7)
    short = Dropped(error=DOWN, lasted_s=STEADY_S - 1)
    long = Dropped(error=DOWN, lasted_s=STEADY_S)
    assert next_wait(state, short, poll_s=POLL_S, draw=0)[0].drops == 8
    assert next_wait(state, long, poll_s=POLL_S, draw=0) == (State(drops=1), Wait(seconds=2))


# --- the watch, in a time of its own ---------------------------------------------------------


class FakeClock:
    """Time that passes only when a test lets it."""

    def __init__(self) -> None:
        self._steady = self._asleep = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = itertools.count()

    def wall(self) -> float:
        return 1.7e9 + self._steady + self._asleep

    def steady(self) -> float:
        return self._steady

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._steady + seconds, next(self._numbers), woken))
        await woken.wait()

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the wall's clock goes on alone."""
        self._asleep += seconds

    async def run(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due in it."""
        until = self._steady + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._steady, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await settle()
        self._steady = until


async def settle() -> None:
    """Let all that can run come to rest; nothing here waits for anything but the clock."""
    for _ in range(30):
        await asyncio.sleep(0)


class FakeListener:
    """A listener whose news and end the test makes."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[Exception | None] = asyncio.Queue()

    def tell(self, error: Exception | None = None) -> None:
        self._told.put_nowait(error)

    async def news(self) -> None:
        error = await self._told.get()
        if error:
            raise error


class World:
    """The account of a watch: notes when what was done, and fails as the test says."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.done: list[tuple[str, float]] = []
        self.sync_error: Exception | None = None
        self.listen_error: Exception | None = None
        self.listener: FakeListener | None = FakeListener()
        self.watch = Watch(
            "work", self.sync, self.listen, POLL_S, clock=self.clock, draw=lambda: 0.0
        )
        self.task: asyncio.Task[None] | None = None

    async def run(self, seconds: float) -> None:
        """Let time pass."""
        self.task = self.task or asyncio.create_task(self.watch.run())
        await self.clock.run(seconds)

    async def sync(self, account: str) -> None:
        assert account == "work"
        self._note("sync")
        if self.sync_error:
            raise self.sync_error

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[FakeListener | None]:
        self._note("open")
        if self.listen_error:
            raise self.listen_error
        try:
            yield self.listener
        finally:
            self._note("close")

    def times(self, what: str) -> list[float]:
        return [at for name, at in self.done if name == what]

    def _note(self, what: str) -> None:
        self.done.append((what, self.clock.steady()))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A watch that begins when the test first lets time pass."""
    world = World()
    yield world
    assert world.task is not None
    world.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await world.task


async def test_the_first_sync_is_at_the_start_and_after_the_listener(world: World) -> None:
    """What happens during the sync is heard."""
    await world.run(1)
    assert world.done == [("open", 0), ("sync", 0)]


async def test_news_is_synced_at_once(world: World) -> None:
    """Not at the next turn of polling, and over the same connection."""
    await world.run(100)
    assert world.listener
    world.listener.tell()
    await world.run(100)
    assert world.done == [("open", 0), ("sync", 0), ("sync", 100)]


async def test_a_burst_of_news_is_a_few_syncs(world: World) -> None:
    """However fast a server tells, there is a rest between two syncs."""
    await world.run(100)
    assert world.listener
    for _ in range(600):
        world.listener.tell()
        await world.run(0.1)
    gaps = [b - a for a, b in itertools.pairwise(world.times("sync"))]
    assert gaps[0] == 100
    assert all(gap == pytest.approx(REST_S) for gap in gaps[1:])


@pytest.mark.parametrize("idle", [True, False])
async def test_an_account_is_polled_whatever_is_heard(world: World, *, idle: bool) -> None:
    """A server without IDLE, or whose IDLE tells nothing."""
    if not idle:
        world.listener = None
    await world.run(HOUR_S)
    assert world.times("sync") == [0, POLL_S, 2 * POLL_S, 3 * POLL_S, 4 * POLL_S]
    assert world.times("open") == [0]


async def test_a_server_that_is_down_for_an_hour_costs_little(world: World) -> None:
    """T7: a few dozen tries, ever rarer; and when it is back, the next failure is the first."""
    world.sync_error = world.listen_error = DOWN
    await world.run(HOUR_S)
    tries = world.times("sync")
    gaps = [b - a for a, b in itertools.pairwise(tries)]
    assert gaps[:3] == [2, 3, 4.5]
    assert gaps == sorted(gaps)
    assert len(tries) < 20
    world.sync_error = world.listen_error = None
    await world.run(CAP_S)
    world.sync_error = DOWN
    assert world.listener
    world.listener.tell()
    failed = world.clock.steady()
    await world.run(4)
    assert [at - failed for at in world.times("sync")[-2:]] == [0, 2]


async def test_a_connection_that_is_lost_is_made_anew_and_synced(world: World) -> None:
    """What happened in between is not told by the new one."""
    await world.run(100)
    assert world.listener
    world.listener.tell(DOWN)
    await world.run(10)
    assert world.done[2:] == [("close", 100), ("open", 102), ("sync", 102)]


async def test_a_server_that_drops_every_listener_is_not_hammered(world: World) -> None:
    """Though every sync succeeds."""
    assert world.listener
    for _ in range(100):
        world.listener.tell(DOWN)
    await world.run(HOUR_S)
    assert len(world.times("sync")) < 20


async def test_without_a_listener_mail_comes_in_all_the_same(world: World) -> None:
    """One connection too many for the server: the other syncs, and it is asked for again."""
    world.listen_error = busy(120)
    await world.run(60)
    assert world.done == [("open", 0), ("sync", 0)]
    world.listen_error = None
    await world.run(100)
    assert world.done[2:] == [("open", 120), ("sync", 120)]


async def test_a_busy_server_is_left_alone(world: World) -> None:
    """T10: for as long as it asks, with both connections, even if the machine sleeps and wakes."""
    world.sync_error = busy(1200)
    await world.run(60)
    world.clock.suspend(100)
    await world.run(1030)
    assert world.done == [("open", 0), ("sync", 0), ("close", 0)]
    await world.run(20)
    assert world.times("sync") == [0, 1100]


@pytest.mark.parametrize("error", FOR_THE_USER, ids=by_type)
async def test_the_user_is_waited_for_patiently(world: World, error: Exception) -> None:
    """Four tries an hour."""
    world.sync_error = error
    await world.run(HOUR_S - 1)
    assert world.times("sync") == [0, CAP_S, 2 * CAP_S, 3 * CAP_S]


async def test_a_machine_that_wakes_reconnects_and_syncs(world: World) -> None:
    """T8: the old connection is dead, though nobody has told."""
    await world.run(100)
    world.clock.suspend(8 * HOUR_S)
    await world.run(SLICE_S)
    assert [name for name, _ in world.done] == ["open", "sync", "close", "open", "sync"]
    assert world.times("sync")[1] <= 100 + SLICE_S


async def test_a_machine_that_wakes_tries_again_what_failed(world: World) -> None:
    """The network is another one, perhaps."""
    world.sync_error = DOWN
    await world.run(2 * HOUR_S)
    tries = len(world.times("sync"))
    world.clock.suspend(300)
    await world.run(SLICE_S)
    assert len(world.times("sync")) == tries + 1


async def test_a_clock_that_is_set_a_little_is_no_sleep(world: World) -> None:
    """Time servers correct it by seconds, both ways."""
    await world.run(100)
    for seconds in (5, -5, 29, -1000):
        world.clock.suspend(seconds)
        await world.run(SLICE_S)
    assert world.times("open") == [0]


async def test_a_failure_is_logged_by_its_class(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """With the account and the wait; nothing that a server said."""
    with caplog.at_level(logging.INFO, "daemon"):
        await world.run(1)
        assert world.listener
        world.listener.tell(DOWN)
        await world.run(1)
    (record,) = caplog.records
    said = "WARNING the wait for news failed; trying again account=work error=ServerUnreachable"
    assert LineFormatter().format(record).partition(" ")[2] == f"{said} again_s=2"


# --- the listener ----------------------------------------------------------------------------


@pytest.fixture
async def server() -> AsyncIterator[ScriptedImap]:
    with ScriptedImap() as running:
        yield running


def imap(port: int, **more: str) -> Imap:
    login = {"password": PASSWORD} | more
    return Imap.model_validate(
        {"host": "127.0.0.1", "port": port, "security": "plain", "user": "ada"} | login
    )


async def on_server(work: Callable[..., None], *arguments: Any) -> None:
    """What waits for the server, in a thread."""
    async with asyncio.timeout(DEAD_LINE_S):
        await asyncio.to_thread(work, *arguments)


def deliver(server: ScriptedImap) -> None:
    """A message for one who idles; it is not there before."""
    server.push(b"")  # which waits until someone idles
    server.deliver("Sent", MESSAGE)


async def test_a_listener_hears_of_one_message_after_the_other(server: ScriptedImap) -> None:
    """Over one connection, which is ended in good order; the folder is opened read-only."""
    async with listening("work", imap(server.port)) as listener:
        assert listener
        for _ in range(2):
            await on_server(deliver, server)
            async with asyncio.timeout(DEAD_LINE_S):
                await listener.news()
        await on_server(server.wait_for, "IDLE", 3)
    await on_server(server.wait, lambda server: server.closed == 1)
    assert server.opened == 1
    commands = [command for command in server.log if command != "IDLE"]
    assert commands[-2:] == ['EXAMINE "Sent"', "LOGOUT"]


async def test_news_that_nobody_waited_for_is_one_piece(server: ScriptedImap) -> None:
    """A sync that took long is followed by one more, however much came meanwhile."""
    async with listening("work", imap(server.port)) as listener:
        assert listener
        for _ in range(3):
            await on_server(deliver, server)
        await on_server(server.wait_for, "IDLE", 4)
        await asyncio.wait_for(listener.news(), DEAD_LINE_S)
        assert listener._told.empty()


async def test_a_password_that_is_refused_is_tried_once(server: ScriptedImap) -> None:
    """The same source would give the same one again."""
    with pytest.raises(LoginRefused):
        async with listening("work", imap(server.port, password="hunter2")):
            pass
    assert len(server.seen("LOGIN")) == 1


async def test_an_idle_is_renewed_before_the_server_ends_it(
    server: ScriptedImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that is no news."""
    monkeypatch.setattr(listener_module, "IDLE_S", 0.01)
    async with listening("work", imap(server.port)) as listener:
        assert listener
        news = asyncio.create_task(listener.news())
        await on_server(server.wait_for, "IDLE", 5)
        assert not news.done()
        await on_server(deliver, server)
        async with asyncio.timeout(DEAD_LINE_S):
            await news
    assert server.opened == 1


async def test_a_server_without_idle_is_not_kept_busy() -> None:
    """The connection is ended at once."""
    with ScriptedImap(capabilities="IMAP4rev1") as server:
        async with listening("work", imap(server.port)) as listener:
            assert listener is None
            await on_server(server.wait, lambda server: server.closed == 1)
        assert server.seen("IDLE") == []


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", ServerUnreachable),
        (b"* BYE Server shutting down\r\n", ServerUnreachable),
        (b"* BYE Too many simultaneous connections\r\n", ServerBusy),
        (b"* BYE [OVERQUOTA] Account exceeded command or bandwidth limits\r\n", ServerBusy),
    ],
)
async def test_the_end_of_a_connection_is_told_once(
    server: ScriptedImap, said: bytes, kind: type[Exception]
) -> None:
    """T4, in the middle of an IDLE: as what it is, and after what came before it."""
    server.answers["IDLE"] = only(2, lambda _: [b"+ idling\r\n", said, Close()])
    async with listening("work", imap(server.port)) as listener:
        assert listener
        await on_server(deliver, server)
        with pytest.raises(kind):
            await asyncio.wait_for(all_news(listener), DEAD_LINE_S)
    assert server.opened == 1


async def test_a_refused_idle_is_told(server: ScriptedImap) -> None:
    """With the delay that the server asks for."""
    slow = "Request is throttled. Suggested Backoff Time: 300000 milliseconds"
    server.answers["IDLE"] = lambda command: command.bad(slow)
    async with listening("work", imap(server.port)) as listener:
        assert listener
        with pytest.raises(ServerBusy) as raised:
            await asyncio.wait_for(all_news(listener), DEAD_LINE_S)
    assert raised.value.delay_s == 300


async def test_a_folder_that_is_not_there_cannot_be_listened_to(server: ScriptedImap) -> None:
    """The sync says the same."""
    with pytest.raises(FolderNotFound):
        async with listening("work", imap(server.port, sent_folder="Outgoing")):
            pass


async def test_a_token_that_expires_during_idle_is_renewed_once(tmp_path: Path) -> None:
    """T9: the server says goodbye; the next connection renews the token after one refusal."""
    token, fresh = tmp_path / "token", tmp_path / "fresh"
    token.write_text("t1\n")
    fresh.write_text("t2\n")
    command = f"sh -c 'cat {token}; cp {fresh} {token}'"
    with ScriptedImap(tokens=["t1"]) as server:
        account = imap(server.port, password="", auth="xoauth2", token_command=command)
        server.answers["IDLE"] = first(lambda _: [b"+ \r\n", b"* BYE Session expired\r\n", Close()])
        async with listening("work", account) as listener:
            assert listener
            token.write_text("t1\n")
            server.tokens = {"t2"}
            with pytest.raises(ServerBusy):
                await listener.news()
        async with listening("work", account) as listener:
            assert listener
        assert len(server.seen("AUTHENTICATE")) == 3
        token.write_text("t1\n")
        fresh.write_text("t3\n")  # no better
        with pytest.raises(LoginRefused):
            async with listening("work", account):
                pass
        assert len(server.seen("AUTHENTICATE")) == 5


async def all_news(listener: Listener) -> None:
    """Until the connection ends."""
    while True:
        await listener.news()


def never_out_of_idle(command: Command) -> Any:
    yield b"+ idling\r\n"
    command.session.idle(True)
    command.read_line()
    yield Stall()


async def test_a_dead_connection_does_not_hold_up_the_end(
    server: ScriptedImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left to its thread, which drops it when its time is over."""
    monkeypatch.setattr(listener_module, "GRACE_S", 0.01)
    server.answers["IDLE"] = never_out_of_idle
    async with listening("work", imap(server.port)) as listener:
        assert listener
        await on_server(server.wait_for, "IDLE")
    assert server.closed == 0


async def test_a_connection_that_is_being_made_does_not_hold_up_the_end(
    server: ScriptedImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never greets."""
    monkeypatch.setattr(listener_module, "GRACE_S", 0.01)
    server.answers["GREETING"] = lambda _: Stall()

    async def listen() -> None:
        async with listening("work", imap(server.port)):
            pass

    task = asyncio.create_task(listen())
    await on_server(server.wait, lambda server: server.opened == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.closed == 0


# --- together --------------------------------------------------------------------------------


async def test_an_account_that_fails_leaves_the_others_alone(
    server: ScriptedImap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it fails with, in its config or by a bug of ours."""
    monkeypatch.setattr(backoff_module, "FIRST_S", 0.01)
    wrong = Imap(host="127.0.0.1", port=server.port, user="a", password_command="false")
    accounts = {
        "wrong": Account(addresses=("a@x.example",), imap=wrong),
        "broken": Account(addresses=("b@x.example",), imap=imap(server.port)),
        "work": Account(addresses=("c@x.example",), imap=imap(server.port)),
        "imported": Account(addresses=("d@x.example",)),
    }
    synced: asyncio.Queue[str] = asyncio.Queue()

    async def sync(account: str) -> None:
        synced.put_nowait(account)
        if account == "wrong":
            raise PasswordMissing(account, "password_command failed")
        if account == "broken":
            raise ValueError("Dear Ms Hollis")

    watching = asyncio.create_task(watch_accounts(accounts, sync, POLL_S))
    async with asyncio.timeout(DEAD_LINE_S):
        assert {await synced.get() for _ in range(3)} == {"wrong", "broken", "work"}
        await asyncio.to_thread(server.wait_for, "IDLE", 1)
        await synced.get()  # "broken" is tried again
    assert not watching.done()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_without_a_server_there_is_nothing_to_watch() -> None:
    """A fresh config, or one whose mail is all imported."""
    await watch_accounts({"old": Account(addresses=("a@x.example",))}, World().sync, POLL_S)


@pytest.mark.dovecot
async def test_a_mail_sent_elsewhere_is_in_the_store_without_polling(
    dovecot: Dovecot,
    user: str,
    home: Paths,
    write_config: Callable[[str], Config],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The daemon's own watch: the next turn of polling would be in a quarter of an hour."""
    monkeypatch.setattr(watch_module, "REST_S", 0.0)
    config = write_config(account_toml("work", "ada@field.example", dovecot.port, user))
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(home, config))
        await stack.enter_async_context(app.serving())
        events = stack.enter_context(app.runner.subscribe())
        await stack.enter_async_context(app.scheduled())
        await next_sync(events)
        await asyncio.to_thread(dovecot.append, user, [MESSAGE])
        assert (await next_sync(events)).outcome["added"] == 1
        (mail,) = await app.database.read(mail_store.mails, "work")
        assert mail.subject == "one"


async def next_sync(events: asyncio.Queue[Any]) -> Job:
    """The next sync that has ended."""
    async with asyncio.timeout(DEAD_LINE_S):
        while True:
            job: Job = (await events.get()).job
            if job.kind == "sync" and job.state not in {"queued", "running"}:
                assert job.state == "done", job.error
                return job
