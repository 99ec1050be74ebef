"""What drafting asks of an account, with a real agent in the worker and lessons in the store."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kernels import scratch_in
from training_examples import Trained, lessons_of

from daemon.agents import Agents
from daemon.config import Account, Config
from daemon.jobs.worker import Worker
from daemon.store import lessons as lesson_store
from daemon.store.database import Database
from mlx_agent import adapters
from mlx_agent.errors import AdapterDamaged

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio]
LESSONS = lessons_of(24)
X = LESSONS[0].x


@asynccontextmanager
async def agents_in(home: Path) -> AsyncIterator[Agents]:
    """Of a home with lessons, whose agent is in `adapters`, if it has one."""
    database = await Database.open(home / "trimtab.db")
    worker = Worker(home / "worker.log", scratch=scratch_in(home))
    config = Config(accounts={"work": Account(addresses=("ada@field.example",))})
    try:
        for lesson in LESSONS[1:]:
            await database.write(lesson_store.add_lesson, lesson)
        yield Agents(config, home / "adapters", worker, database)
    finally:
        await worker.close()
        await database.close()


async def test_the_past_lists_of_the_user_make_the_agent_fast(
    tmp_path: Path, trained: Trained
) -> None:
    """Warmed before the user has typed; the answer says who gave it."""
    shutil.copytree(trained.request.adapters_root, tmp_path / "adapters")
    adapters.promote(tmp_path / "adapters", "work", trained.adapter.id)
    async with agents_in(tmp_path) as agents:
        assert await agents.warm("work", replace(X, intent=()))
        answer = await agents.rules("work", X)
    assert answer is not None
    assert answer.valid
    assert (answer.adapter, answer.base) == (trained.adapter.id, "pocket")
    assert 0 < 2 * answer.passes <= answer.tokens


async def test_without_an_agent_there_is_nothing_to_warm(tmp_path: Path) -> None:
    """And no process is started for it."""
    async with agents_in(tmp_path) as agents:
        assert not await agents.warm("work", X)
        assert await agents.rules("work", X) is None
        assert agents.worker.pid is None


async def test_a_damaged_agent_is_not_warmed(tmp_path: Path, trained: Trained) -> None:
    """It says so, as it does when it is asked."""
    shutil.copytree(trained.request.adapters_root, tmp_path / "adapters")
    adapters.promote(tmp_path / "adapters", "work", trained.adapter.id)
    (tmp_path / "adapters" / trained.adapter.id / "adapters.safetensors").write_bytes(b"")
    async with agents_in(tmp_path) as agents:
        with pytest.raises(AdapterDamaged):
            await agents.warm("work", X)
