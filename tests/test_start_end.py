"""The daemon's beginning and end: there from the first moment, gone in order, safe to kill."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from command import sentence, trimtab
from draft_examples import body
from openai_server import DONE, chunk, usage
from running_daemon import Running, a_home, ask, started, status_of, wait_until_ready

from daemon.api.front import front
from daemon.store import jobs as job_store
from daemon.store.database import Database
from plugin.client import ApiError, DaemonNotRunning

END_SECONDS = 30
"""A limit for what hangs, not for what is slow; the end is to take 5 s."""


class HeldWriter:
    """A writer that speaks OpenAI's protocol and says its second word when it may."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # no one asked
            await reader.readuntil(b"\r\n\r\n")
            await self.answer(writer)
        writer.close()

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        writer.write(head + chunk("Hello", role="assistant"))
        self.asked.set()
        await self.may.wait()
        writer.write(chunk(" Tim") + chunk(finish="stop") + usage(20, 5) + DONE)


@asynccontextmanager
async def held_writer() -> AsyncIterator[HeldWriter]:
    held = HeldWriter()
    server = await asyncio.start_server(held.serve, "127.0.0.1", 0)
    held.port = server.sockets[0].getsockname()[1]
    yield held
    held.may.set()
    server.close()
    await server.wait_closed()


def config(writer: HeldWriter) -> str:
    return f"""
[accounts.home]
addresses = ["nora@falk.example"]
[large.held]
provider = "openai"
model = "m"
base_url = "http://127.0.0.1:{writer.port}/v1"
key = "k"
[models]
writer = "held"
"""


@pytest.fixture
async def writer() -> AsyncIterator[HeldWriter]:
    async with held_writer() as held:
        yield held


@pytest.fixture
def home(writer: HeldWriter) -> Iterator[Path]:
    with a_home(config(writer)) as home:
        yield home


async def draft(daemon: Running) -> list[tuple[str, dict[str, Any]]]:
    """The events of a draft; an error is the last of them."""
    events: list[tuple[str, dict[str, Any]]] = []
    async with daemon.client() as client:
        try:
            async for event in client.draft(body()):
                events += [(event.name, event.data)]
        except ApiError as error:
            events += [("error", {"code": error.code})]
    return events


# --- the start ----------------------------------------------------------------------------------


async def test_before_there_is_an_api_health_is_answered_and_the_rest_waits() -> None:
    """And once there is none any more, the rest is refused."""
    with tempfile.TemporaryDirectory(prefix="tt") as directory:
        path = Path(directory) / "s"
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with (
            front(path) as door,
            httpx.AsyncClient(transport=transport, base_url="http://x/v1") as http,
        ):
            assert (await http.get("/health")).json() == {"api": 1, "ready": False}
            waiting = asyncio.create_task(http.get("/status"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await door.close()
            answer = await waiting
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "daemon_not_ready"
            with pytest.raises(httpx.ConnectError):
                await http.get("/health")


def test_a_request_in_the_first_moment_is_answered_as_soon_as_it_can_be(home: Path) -> None:
    """A client that comes while the daemon loads need not come again."""
    with started(home) as daemon:
        while True:
            try:
                first = ask(daemon, b"GET /v1/health", tcp=False)
                break
            except OSError:
                assert daemon.process.poll() is None
        assert first.endswith(b'{"api": 1, "ready": false}')
        assert status_of(ask(daemon, b"GET /v1/status", tcp=False)) == 200
        assert ask(daemon, b"GET /v1/health", tcp=False).endswith(b'{"api":1,"ready":true}')


def test_a_wrong_config_ends_the_start_with_its_sentence(home: Path) -> None:
    """The socket that answered meanwhile is gone."""
    (home / "config.toml").write_text("[api]\nport = 70000\n")
    done = trimtab("run", home=home, code=1)
    assert "api.port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "run" / "trimtab.sock").exists()


def test_a_port_that_is_taken_ends_the_start_with_a_sentence(
    home: Path, writer: HeldWriter
) -> None:
    """It says how to go on."""
    with (home / "config.toml").open("a") as file:
        file.write(f"[api]\nport = {writer.port}\n")
    said = sentence(trimtab("run", home=home, code=1))
    assert said.startswith(f"Port {writer.port} of 127.0.0.1 cannot be had (Address already in use")


def test_a_second_daemon_of_the_home_is_refused(home: Path) -> None:
    """The first goes on, its socket untouched."""
    with started(home) as daemon:
        wait_until_ready(daemon)
        assert "Another trimtab is running" in sentence(trimtab("run", home=home, code=1))
        assert status_of(ask(daemon, b"GET /v1/status", tcp=False)) == 200


# --- the end ------------------------------------------------------------------------------------


async def test_a_draft_that_is_soon_done_is_finished_before_the_end(
    home: Path, writer: HeldWriter
) -> None:
    """What was paid for arrives; nothing new is taken in."""
    with started(home) as daemon:
        await asyncio.to_thread(wait_until_ready, daemon)
        drafting = asyncio.create_task(draft(daemon))
        await writer.asked.wait()
        ending = asyncio.create_task(asyncio.to_thread(daemon.end))
        await asyncio.sleep(0.3)
        async with daemon.client() as late:
            with pytest.raises(DaemonNotRunning):
                await late.status()
        writer.may.set()
        name, data = (await drafting)[-1]
        assert (name, data["draft"]["text"]) == ("done", "Hello Tim")
        await ending


async def test_a_draft_that_is_not_is_refused_in_time(home: Path, writer: HeldWriter) -> None:
    """Its client is told, and the daemon does not wait for the writer."""
    with started(home) as daemon:
        await asyncio.to_thread(wait_until_ready, daemon)
        drafting = asyncio.create_task(draft(daemon))
        await writer.asked.wait()
        assert await asyncio.to_thread(daemon.end) < END_SECONDS
        assert (await drafting)[-1] == ("error", {"code": "draft_cancelled"})
        assert not daemon.paths.socket.exists()


async def test_a_kill_leaves_nothing_that_the_next_start_does_not_mend(
    home: Path, writer: HeldWriter
) -> None:
    """The lock is free, the socket replaced, the job reaped; the draft can be asked for again."""
    hold_the_sync(home, writer)
    with started(home) as daemon:
        await asyncio.to_thread(wait_until_ready, daemon)
        drafting = asyncio.create_task(draft(daemon))
        await writer.asked.wait()
        job = await running_job(daemon)
        daemon.kill()
        assert (await drafting)[-1] == ("error", {"code": "connection_lost"})
        assert daemon.paths.socket.exists()
    writer.may.set()
    with started(home) as daemon:
        await asyncio.to_thread(wait_until_ready, daemon)
        async with daemon.client() as client:
            (reaped,) = [each for each in await client.jobs() if each["id"] == job["id"]]
        assert (reaped["kind"], reaped["state"]) == ("sync", "interrupted")
        assert (await draft(daemon))[-1][0] == "done"


async def test_a_job_in_mid_work_does_not_hold_up_the_end(home: Path, writer: HeldWriter) -> None:
    """It is recorded as interrupted."""
    hold_the_sync(home, writer)
    with started(home) as daemon:
        await asyncio.to_thread(wait_until_ready, daemon)
        job = await running_job(daemon)
        assert await asyncio.to_thread(daemon.end) < END_SECONDS
    database = await Database.open(daemon.paths.database)
    ended = await database.read(job_store.job, job["id"])
    await database.close()
    assert ended is not None
    assert ended.state == "interrupted"


def hold_the_sync(home: Path, server: HeldWriter) -> None:
    """The account's mail server, from now on, takes a connection and says nothing."""
    with (home / "config.toml").open("a") as file:
        file.write(
            f'[accounts.home.imap]\nhost = "127.0.0.1"\nport = {server.port}\n'
            'security = "plain"\nuser = "nora"\npassword = "x"\n'
        )


async def running_job(daemon: Running) -> dict[str, Any]:
    """A sync, once it runs."""
    kind = "Content-Type: application/json"
    await asyncio.to_thread(
        ask, daemon, b"POST /v1/jobs/sync", kind, body=b'{"account": "home"}', tcp=False
    )
    async with daemon.client() as client, asyncio.timeout(60):
        while True:
            for job in await client.jobs():
                if job["state"] == "running":
                    return job
            await asyncio.sleep(0.05)
