"""A training on the machines of the config: here this one twice, as mlx.launch starts them."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from kernels import scratch_in
from training_examples import a_request

from daemon.errors import HostUnknown
from daemon.explain import explain
from daemon.jobs.fleet import LOCAL, train_on
from daemon.jobs.worker import Worker
from mlx_agent import adapters
from mlx_agent.errors import TooFewLessons, WorkerDied
from mlx_agent.train.records import TrainEvent, TrainRequest

pytestmark = pytest.mark.mlx
TWO = (LOCAL, LOCAL)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """One for all tests; its process is never started."""
    home = tmp_path_factory.mktemp("home")
    return Worker(home / "worker.log", scratch=scratch_in(home))


@pytest.fixture
def request_(tmp_path: Path) -> TrainRequest:
    """Some steps, in two epochs."""
    return a_request(tmp_path, 14, settings={"epochs": 2, "batch_tokens": 768})


def trainings() -> Iterator[psutil.Process]:
    """The processes that train."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "mlx_agent.train" in process.cmdline() and "-m" in process.cmdline():
                yield process


async def gone() -> bool:
    """Whether none of them is left, after a while."""
    for _ in range(300):
        if not list(trainings()):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_two_machines_make_an_adapter(worker: Worker, request_: TrainRequest) -> None:
    """Told step by step; nothing of it runs in the worker, which is free."""
    told: list[TrainEvent] = []
    adapter = await train_on(TWO, worker, request_, told.append)
    assert [event.step for event in told] == list(range(1, told[-1].steps + 1))
    assert adapters.verify(request_.adapters_root, adapter.id) == adapter
    assert worker.pid is None
    assert await gone()


async def test_what_is_asked_is_for_the_user_alone(worker: Worker, request_: TrainRequest) -> None:
    """It names where the data set of their mail is."""
    (request_.dataset / "valid.jsonl").write_text("", "utf-8")
    with pytest.raises(TooFewLessons):
        await train_on(TWO, worker, request_, lambda _: None)
    assert worker.scratch.stat().st_mode & 0o777 == 0o700


async def test_cancelled_it_ends_on_all_machines(worker: Worker, request_: TrainRequest) -> None:
    """And goes on from where it was, another time."""
    heard = asyncio.Event()
    asked = replace(request_, checkpoint_s=0.0)
    training = asyncio.create_task(train_on(TWO, worker, asked, lambda _: heard.set()))
    await heard.wait()
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    assert await gone()


async def test_a_machine_that_dies_ends_the_others(worker: Worker, request_: TrainRequest) -> None:
    """Or they would wait for it for ever."""
    heard = asyncio.Event()
    asked = replace(request_, settings=replace(request_.settings, epochs=100))
    training = asyncio.create_task(train_on(TWO, worker, asked, lambda _: heard.set()))
    await heard.wait()
    programs = [one for one in trainings() if "mlx.launch" not in " ".join(one.cmdline())]
    max(programs, key=lambda one: one.pid).kill()  # the one that was started last
    with pytest.raises(WorkerDied):
        await training
    assert await gone()


async def test_a_machine_that_nobody_knows_is_named(worker: Worker, request_: TrainRequest) -> None:
    """With what to correct."""
    with pytest.raises(HostUnknown) as raised:
        await train_on((LOCAL, "nowhere.invalid"), worker, request_, lambda _: None)
    assert "train.hosts" in explain(raised.value)
    assert "'nowhere.invalid'" in explain(raised.value)
