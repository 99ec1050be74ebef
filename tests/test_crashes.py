"""The writer, the store and the daemon break in the middle of a draft.

Whatever does, the user has a draft, which names what stood in, or one clear error; no half draft is
kept, and the next draft of the same client works.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anthropic_http import Told
from anthropic_server import Broken, Held, Next, Refusal, Server, serving
from anthropic_wire import Said
from command import TRIMTAB
from crash_examples import (
    PATIENCE_S,
    Daemon,
    broken,
    came,
    daemon,
    events,
    home,
    light,
    settings,
    write_home,
)
from small_disks import fill, small_disk
from tools import free_port

from daemon.config import Paths
from plugin.client import ApiError, Client

SHORT_S = 0.5
"""The silence that a client bears where there will be nothing else."""
BEGUN = 10
"""Events of an answer, the first words of its text among them."""
HTML = {"content-type": "text/html"}
TOO_MANY = Refusal(429, "rate_limit_error", headers={"retry-after": "soon"})
BUSY = Refusal(529, "overloaded_error")
LATER = Refusal(429, "rate_limit_error", headers={"retry-after": "3600"})
UNAVAILABLE = "writer_unavailable"
FAULTS: dict[str, tuple[list[Next], str, str]] = {
    "silent": ([Broken(0, "hang")], UNAVAILABLE, "time-out"),
    "429": ([TOO_MANY] * 2, UNAVAILABLE, "it is asked too often"),
    "529": ([BUSY] * 2, UNAVAILABLE, "it is overloaded"),
    "no JSON": ([Told(body=b"{]")], UNAVAILABLE, "broke off"),
    "HTML": ([Told(body=b"<html>Sign in</html>", headers=HTML)], UNAVAILABLE, "broke off"),
    "an error in HTML": (
        [Told(status=502, body=b"<html>Bad</html>", headers=HTML)] * 2,
        UNAVAILABLE,
        "it is overloaded",
    ),
    "garbled": ([Broken(4, garbled=True)], UNAVAILABLE, "not the answer of a model"),
    "cut before the text": ([Broken(3, "reset")], UNAVAILABLE, "the connection broke"),
}
HALVES: dict[str, tuple[Next, str]] = {
    "closed": (Broken(BEGUN, "close"), "the connection broke"),
    "reset": (Broken(BEGUN, "reset"), "the connection broke"),
    "ended": (Broken(BEGUN, "finish"), "the answer broke off"),
    "silent": (Broken(BEGUN, "hang"), "time-out"),
    "overloaded": (Broken(BEGUN, "overloaded_error"), "it is overloaded"),
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with asyncio.timeout(PATIENCE_S), serving() as started:
        yield started


async def assert_works(running: Daemon, key: str = "k1") -> None:
    """A draft is made by the writer, by default under the key of the one that failed."""
    before = await running.stored()
    told = came(await running.draft(key))
    assert (told["writer"], told["stand_in"]) == ("claude-sonnet-5-5", None)
    assert await running.stored() == before + 1


def silence(fault: str) -> float:
    """How long the client bears it, in seconds."""
    return SHORT_S if fault == "silent" else 20.0


# --- the writer -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_writer_that_fails_is_one_clear_error(server: Server, fault: str) -> None:
    """It says why, and that the bullets are kept; the key is free."""
    plan, code, why = FAULTS[fault]
    server.next.extend(plan)
    async with light(server, silence_s=silence(fault)) as running:
        found, sentence = await running.refused()
        assert found == code
        assert sentence.startswith("The writer 'claude-sonnet-5-5' did not answer (")
        assert why in sentence
        assert not server.next
        await assert_works(running)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_writer_that_fails_is_stood_in_for(server: Server, fault: str) -> None:
    """By the writer on this machine, and the draft names it; the next one is the writer's again."""
    server.next.extend(FAULTS[fault][0])
    async with light(server, stand_in="offline", silence_s=silence(fault)) as running:
        told = came(await running.draft())
        assert (told["writer"], told["stand_in"]) == ("offline", "the writer could not be reached")
        await assert_works(running, "k2")


@pytest.mark.parametrize("stand_in", ["", "offline"])
@pytest.mark.parametrize("half", HALVES)
async def test_half_a_stream_is_no_draft(server: Server, half: str, stand_in: str) -> None:
    """Its words were shown, so that nobody else goes on with them."""
    plan, why = HALVES[half]
    server.next.append(plan)
    async with light(server, stand_in=stand_in, silence_s=silence(half)) as running:
        names, error = await broken(running.client)
        assert names[:2] == ["rules", "text"]
        assert "done" not in names
        assert (error.code, why in error.message) == (UNAVAILABLE, True)
        assert await running.stored() == 0
        await assert_works(running)


@pytest.mark.parametrize(
    ("plan", "code", "says"),
    [
        (Refusal(401, "authentication_error"), "key_refused", "trimtab key"),
        (Refusal(404, "not_found_error"), "model_missing", "claude-sonnet-5-5"),
        (Said(text="\n "), "answer_malformed", "try again"),
        (Said(text="Dear Tim", stop_reason="max_tokens"), "answer_cut_off", "max_tokens"),
        (Said(text="No.", stop_reason="refusal"), "answer_refused", "declined"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_the_user_must_mend_is_said(
    server: Server, plan: Next, code: str, says: str
) -> None:
    """No stand-in hides it."""
    server.next.append(plan)
    async with light(server, stand_in="offline") as running:
        found, sentence = await running.refused()
        assert (found, says in sentence) == (code, True)
        await assert_works(running)


@pytest.mark.parametrize(
    "plan", [BUSY, Refusal(429, "rate_limit_error", headers={"retry-after": "0.1"})]
)
async def test_a_writer_that_is_busy_for_a_moment_is_waited_for(server: Server, plan: Next) -> None:
    """The user sees nothing of it."""
    server.next.append(plan)
    async with light(server, stand_in="offline") as running:
        await assert_works(running)
    assert not server.next


async def test_a_writer_that_asks_for_an_hour_is_not_waited_for(server: Server) -> None:
    """Nor asked again within it: each draft is told so at once, or written by the stand-in."""
    server.next.extend([LATER, LATER])
    async with light(server) as running:
        for _ in range(2):
            code, sentence = await running.refused()
            assert (code, "it asks to wait 3600 s" in sentence) == (UNAVAILABLE, True)
    assert len(server.seen) == 1
    async with light(server, stand_in="offline") as running:
        for key in ("k1", "k2"):
            assert came(await running.draft(key))["writer"] == "offline"
    assert len(server.seen) == 2


async def test_a_writer_that_is_not_there_may_come_back() -> None:
    """Nothing listens at its address; then something does."""
    absent = Server(port=free_port())
    async with asyncio.timeout(PATIENCE_S), light(absent) as running:
        code, sentence = await running.refused()
        assert (code, "no connection" in sentence) == (UNAVAILABLE, True)
        async with serving(port=absent.port):
            await assert_works(running)


# --- the store --------------------------------------------------------------------------------


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """The store, held by another process."""
    code = (
        "import sqlite3, sys\n"
        "held = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "held.execute('BEGIN IMMEDIATE')\n"
        "print(flush=True)\n"
        "sys.stdin.read()"
    )
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), stdin=pipe, stdout=pipe
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"\n"
    try:
        yield
    finally:
        await holder.communicate(b"")


def impatient(connection: sqlite3.Connection) -> None:
    """Wait for a lock for a moment, and not for SQLite's five seconds."""
    connection.execute("PRAGMA busy_timeout = 50").fetchall()


async def test_a_locked_store_is_one_clear_error(server: Server) -> None:
    """While the writer writes another process takes the store, and gives it back afterwards."""
    go_on = asyncio.Event()
    server.next.append(Held(go_on))
    async with light(server) as running:
        await running.app.database.read(impatient)
        drafting = asyncio.create_task(running.refused())
        await server.asked()
        async with locked(running.app.paths.database):
            go_on.set()
            code, sentence = await drafting
        assert code == "store_locked"
        assert sentence.startswith("Another program holds ")
        await assert_works(running)


async def test_a_draft_that_cannot_be_stored_is_one_clear_error(server: Server) -> None:
    """Its writer is on this machine, so that nothing else was to be noted before."""
    async with light(server, writer="offline") as running:
        await running.app.database.read(impatient)
        async with locked(running.app.paths.database):
            assert (await running.refused())[0] == "store_locked"
        assert came(await running.draft())["writer"] == "offline"


@pytest.mark.parametrize("stand_in", ["", "offline"])
async def test_a_full_disk_is_one_clear_error(
    server: Server, tmp_path: Path, stand_in: str
) -> None:
    """It fills up while the writer writes; with room again the same key makes the draft."""
    go_on = asyncio.Event()
    server.next.append(Held(go_on))
    with small_disk(tmp_path / "s", 8) as disk:
        async with daemon(disk, settings(server.url, stand_in=stand_in)) as running:
            drafting = asyncio.create_task(running.refused())
            await server.asked()
            await asyncio.to_thread(fill, disk / "other")
            go_on.set()
            code, sentence = await drafting
            assert code == "store_full"
            assert sentence.startswith("The disk that holds ")
            (disk / "other").unlink()
            await assert_works(running)


# --- the daemon -------------------------------------------------------------------------------


@asynccontextmanager
async def in_a_process(paths: Paths) -> AsyncIterator[asyncio.subprocess.Process]:
    """`trimtab run` for the home, in the foreground of a process of its own."""
    process = await asyncio.create_subprocess_exec(
        TRIMTAB,
        "run",
        env=os.environ | {"TRIMTAB_HOME": str(paths.database.parent)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        assert b"trimtab answers at" in await process.stderr.readline()
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def test_a_killed_daemon_makes_the_draft_after_its_start(server: Server) -> None:
    """Under the same key, once: nothing was left of it but that it may have been paid for."""
    server.next.append(Broken(BEGUN, "hang"))
    with home() as root:
        paths, _ = write_home(root, settings(server.url))
        async with Client(paths.socket) as client:
            async with in_a_process(paths) as process:
                _, error = await broken(
                    client, lambda event: event.name == "text" and process.kill()
                )
                assert error.code == "connection_lost"
                await server.seen[0].gone.wait()
                await process.wait()
            with pytest.raises(ApiError) as missing:
                await client.health()
            assert missing.value.code == "daemon_not_running"
            async with in_a_process(paths):
                made = (await events(client))[-1].data
                asked = len(server.seen)
                again = (await events(client))[-1].data
        assert made["draft"] == again["draft"]
        assert len(server.seen) == asked > 1
        assert made["draft"]["provenance"]["writer"] == "claude-sonnet-5-5"
