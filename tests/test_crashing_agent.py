"""The agent breaks in the middle of a draft, and the ladder is gone down rung by rung.

A whole daemon with a trained agent in a real worker process, asked over its socket; one for all
tests of this module: whatever a test does to it, the next one finds it at work.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from anthropic_server import Broken, Held, Server, serving
from crash_examples import (
    BEGUN,
    PATIENCE_S,
    WORK,
    Daemon,
    body,
    broken,
    came,
    daemon,
    events,
    home,
    settings,
    some_mails,
)
from training_examples import Trained

from daemon.jobs.worker import Worker
from daemon.store.database import Connection
from mlx_agent import adapters, codec, pocket
from plugin.client import ApiError

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio(loop_scope="module")]
DIED = "the agent's process ended: rules from your nearest mails"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    async with serving() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(server: Server, trained: Trained) -> AsyncIterator[Daemon]:
    """With an agent, and with lessons of thirty mails."""
    with home() as root:
        async with daemon(root, settings(server.url), trained) as started:
            await started.take_in(some_mails(30))
            await started.client.run_job("teach", WORK)
            yield started


async def assert_agent_answers(running: Daemon, key: str) -> None:
    """On the top rung."""
    told = came(await running.draft(key))
    assert (told["rung"], told["degraded"]) == ("adapter", None)


def kill(worker: Worker) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)


async def read_by_somebody(pipe: Path) -> int:
    """Wait until the pipe is read, which gets nothing; its other end."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody yet
                await asyncio.sleep(0.01)


# --- the worker is killed ---------------------------------------------------------------------


async def test_a_kill_while_the_agent_answers_costs_a_rung(
    running: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first of its rules; the next draft is the agent's again."""
    rules = Worker.rules

    async def killed(self: Worker, *args: Any, **more: Any) -> Any:
        return await rules(self, *args, **more, on_rule=lambda _: kill(self))

    await assert_agent_answers(running, "before")
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "rules", killed)
        told = came(await running.draft("killed"))
    assert (told["rung"], told["degraded"], told["adapter"]) == ("few-shot", DIED, None)
    await assert_agent_answers(running, "after")


async def test_a_kill_while_the_base_is_loaded_costs_a_rung(
    running: Daemon, tmp_path: Path, trained: Trained
) -> None:
    """It has opened the base's file, and reads for ever."""
    base = shutil.copytree(pocket.path(), tmp_path / "base")
    root, agent = running.app.paths.adapters, f"{trained.adapter.id}-moved"
    moved = codec.to_data(trained.adapter) | {"id": agent, "base": str(base)}
    adapters.save(
        root,
        codec.from_data(type(trained.adapter), moved),
        lambda building: shutil.copytree(
            trained.path, building, ignore=lambda *_: [adapters.MANIFEST], dirs_exist_ok=True
        ),
    )
    adapters.promote(root, WORK, agent)
    try:
        weights = base / "model.safetensors"
        whole = weights.read_bytes()
        weights.unlink()
        os.mkfifo(weights)
        drafting = asyncio.create_task(running.draft("loading"))
        file = await read_by_somebody(weights)
        kill(running.app.worker)
        told = came(await drafting)
        os.close(file)
        assert (told["rung"], told["degraded"]) == ("few-shot", DIED)
        weights.unlink()
        weights.write_bytes(whole)
        await assert_agent_answers(running, "loaded")
    finally:
        adapters.rollback(root, WORK)


async def test_a_kill_while_it_trains_ends_the_job_and_no_draft(running: Daemon) -> None:
    """The job says so; drafts before and after it are the agent's, and so it stays."""
    current = adapters.current(running.app.paths.adapters, WORK)
    heard = asyncio.Event()
    job = asyncio.create_task(
        running.client.run_job("train", WORK, lambda step: heard.set() if step["done"] else None)
    )
    await asyncio.wait_for(heard.wait(), PATIENCE_S)
    await assert_agent_answers(running, "beside")
    kill(running.app.worker)
    with pytest.raises(ApiError) as caught:
        await job
    assert caught.value.code == "job_failed"
    assert caught.value.message.startswith("The model process ended (exit code -9)")
    await assert_agent_answers(running, "after training")
    assert adapters.current(running.app.paths.adapters, WORK) == current


# --- cancelling -------------------------------------------------------------------------------


async def test_a_cancelled_draft_hangs_up_on_the_writer(running: Daemon, server: Server) -> None:
    """Its server sees that nobody listens any more."""
    server.next.append(Broken(BEGUN, "hang"))
    count, cancelling = len(server.seen), asyncio.get_running_loop().create_future()

    def cancel(event: Any) -> None:
        if event.name == "rules":
            cancelling.set_result(event.data["draft_id"])

    following = asyncio.create_task(broken(running.client, cancel, "cancelled"))
    seen = await server.asked(count + 1)
    await running.client.cancel(await asyncio.wait_for(cancelling, PATIENCE_S))
    _, error = await following
    assert error.code == "draft_cancelled"
    await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)
    await assert_agent_answers(running, "cancelled")


@pytest.mark.parametrize("writes", [False, True])
async def test_who_hangs_up_on_the_daemon_ends_the_writers_work(
    running: Daemon, server: Server, writes: bool
) -> None:
    """Before its first word and after it."""
    never = asyncio.Event()
    server.next.append(Broken(BEGUN, "hang") if writes else Held(never))
    count, key = len(server.seen), f"hung up {writes}"
    drafting = running.client.draft(body(key))
    assert (await anext(drafting)).name == "rules"
    if writes:
        assert (await anext(drafting)).name == "text"
    seen = await server.asked(count + 1)
    await drafting.aclose()
    await asyncio.wait_for(seen.gone.wait(), PATIENCE_S)
    await assert_agent_answers(running, key)


async def test_who_hangs_up_while_the_agent_answers_stops_it(
    running: Daemon, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the worker, whose answer ends as cancelled; the writer is never asked."""
    rules, take = Worker.rules, Worker._hand_over
    begun, answers, count = asyncio.Event(), [], len(server.seen)

    def stop(worker: Worker) -> None:
        if not begun.is_set():
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGSTOP)  # or a slow test might find that it has ended
            begun.set()

    async def stopped(self: Worker, *args: Any, **more: Any) -> Any:
        return await rules(self, *args, **more, on_rule=lambda _: stop(self))

    def spied(self: Worker, answer: dict[str, Any]) -> None:
        if "event" not in answer:
            answers.append(answer.get("error", {}).get("type"))
        take(self, answer)

    monkeypatch.setattr(Worker, "rules", stopped)
    monkeypatch.setattr(Worker, "_hand_over", spied)
    drafting = asyncio.create_task(events(running.client, "left"))
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    drafting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drafting
    worker = running.app.worker
    async with asyncio.timeout(PATIENCE_S):
        while worker._waiting:  # noqa: ASYNC110  # nobody else is told
            await asyncio.sleep(0.01)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGCONT)
        await worker.hello()
    assert answers == ["Cancelled", None]
    assert len(server.seen) == count
    await assert_agent_answers(running, "left")


# --- the ladder -------------------------------------------------------------------------------


def forget(*tables: str) -> Callable[[Connection], None]:
    """Remove all rows."""

    def run(connection: Connection) -> None:
        for table in tables:
            connection.execute(f"DELETE FROM {table}")

    return run


async def test_each_rung_is_reached_by_breaking_those_above(
    running: Daemon, trained: Trained
) -> None:
    """And the draft names it, and everything that is missing. The last test: it mends nothing."""
    written = await running.draft("rung 1")
    told = came(written)
    assert (told["rung"], told["voice"], told["degraded"]) == ("adapter", True, None)
    assert (told["adapter"], told["base"]) == (trained.adapter.id, "pocket")
    (running.app.paths.adapters / trained.adapter.id / "adapters.safetensors").write_bytes(b"")
    told = came(await running.draft("rung 2"))
    why = "the agent's files are damaged"
    assert (told["rung"], told["voice"], told["adapter"]) == ("few-shot", True, None)
    assert told["degraded"] == f"{why}: rules from your nearest mails"
    await running.app.database.write(forget("lesson"))
    told = came(await running.draft("rung 3"))
    why += "; too few lessons yet"
    assert (told["rung"], told["voice"]) == ("style-card", True)
    assert told["degraded"] == f"{why}: your usual greeting, length and sign-off"
    await running.app.database.write(forget("source", "mail"))
    made = await running.draft("rung 4")
    told = came(made)
    why += "; no mail of yours to go by"
    assert (told["rung"], told["voice"]) == ("zero-shot", False)
    assert told["degraded"] == f"{why}: a plain mail, not in your voice"
    assert made["draft"]["rules"] == []
