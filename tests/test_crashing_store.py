"""The store and the daemon itself break in the middle of a draft.

The user has one clear error, no half draft is kept, and the same key then makes the draft.
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
from anthropic_server import Broken, Held, Server, serving
from command import TRIMTAB
from crash_examples import (
    BEGUN,
    PATIENCE_S,
    assert_works,
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

from daemon.config import Paths
from plugin.client import ApiError, Client


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


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
                await asyncio.wait_for(server.seen[0].gone.wait(), PATIENCE_S)
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
