"""The daemon's side of the worker: it asks, it listens, and it outlives the process."""

import asyncio
import os
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from kernels import scratch_in
from training_examples import Trained, a_request, lessons_of

from daemon.explain import explain
from daemon.jobs.worker import Worker
from mlx_agent import adapters, pocket
from mlx_agent.errors import (
    AdapterDamaged,
    BaseNotFound,
    TooFewLessons,
    TrainingDiverged,
    WorkerDied,
    WorkerFailed,
)
from mlx_agent.protocol import VERSION
from mlx_agent.records import AgentAnswer, RenderSettings, Rule, X
from mlx_agent.teach.dataset import Splits
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio(loop_scope="module")]
ROOT = Path(__file__).parent.parent
DEAD_LINE_S = 60
"""A hang fails the test instead of the whole run."""
RENDER = RenderSettings(context_words=25)
XS: list[X] = [lesson.x for lesson in lessons_of(2)]
LONG = {"epochs": 500}
"""Settings of a training that no test waits for."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    """One for the whole module: whatever a test does to it, the next one finds it at work."""
    home = tmp_path_factory.mktemp("home")
    worker = Worker(home / "worker.log", scratch=scratch_in(home))
    async with asyncio.timeout(3 * DEAD_LINE_S):
        yield worker
        await worker.close()


async def rules(worker: Worker, base: str = "pocket") -> list[AgentAnswer]:
    async with asyncio.timeout(DEAD_LINE_S):
        return await worker.rules(base, None, XS, RENDER)


class Training:
    """A training in the background; `under_way` is set by its first step."""

    def __init__(self, worker: Worker, request: TrainRequest) -> None:
        self.under_way = asyncio.Event()
        self.task = asyncio.create_task(worker.train(request, self._hear))

    def _hear(self, event: TrainEvent) -> None:
        if event.step:
            self.under_way.set()


async def begin(worker: Worker, root: Path) -> "asyncio.Task[Adapter]":
    """A long training that is under way."""
    training = Training(worker, a_request(root, 4, settings=LONG))
    async with asyncio.timeout(DEAD_LINE_S):
        await training.under_way.wait()
    return training.task


# --- asking ----------------------------------------------------------------------------------


async def test_the_process_starts_with_the_first_request(tmp_path: Path) -> None:
    """Not before; its log is for the user alone. Closing it ends it, and may be repeated."""
    worker = Worker(tmp_path / "worker.log", scratch=tmp_path / "scratch")
    await worker.close()
    assert worker.pid is None
    assert not worker.log.exists()
    first, second = await asyncio.gather(worker.hello(), worker.hello())
    pid = worker.pid
    assert pid is not None
    assert first == second
    assert stat.S_IMODE(worker.log.stat().st_mode) == 0o600
    await worker.close()
    await worker.close()
    assert worker.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_daemon_never_loads_mlx() -> None:
    """Neither with its side of the worker nor with all of its modules."""
    code = (
        "import importlib, pkgutil, sys, daemon\n"
        "for module in pkgutil.walk_packages(daemon.__path__, 'daemon.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "heavy = {'mlx', 'mlx_lm', 'transformers', 'mlx_agent.engine'}\n"
        "print('daemon.jobs.worker' in sys.modules, sorted(heavy & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert said == b"True []\n"


async def test_hints_and_warmth_change_no_answer(worker: Worker) -> None:
    """Only the passes that it takes, and the rules come one by one."""
    (plain,) = await worker.rules("pocket", None, XS[:1], RENDER)
    await worker.warm("pocket", None, replace(XS[0], intent=()), RENDER)
    heard: list[Rule] = []
    (fast,) = await worker.rules(
        "pocket", None, XS[:1], RENDER, hints=[plain.text], on_rule=heard.append
    )
    assert (fast.text, fast.rules) == (plain.text, plain.rules)
    assert fast.passes < plain.passes / 3
    assert tuple(heard) == fast.rules[: len(heard)]


async def test_rules_are_records_in_the_order_of_the_xs(worker: Worker) -> None:
    """Each x has an answer of its own."""
    together = await rules(worker)
    (second,) = await worker.rules("pocket", None, XS[1:], RENDER)
    assert [answer.valid for answer in together] == [True, True]
    assert (second.text, second.rules) == (together[1].text, together[1].rules)
    assert together[0].rules


async def test_training_is_heard_step_by_step(worker: Worker, tmp_path: Path) -> None:
    """And gives the adapter, which lies complete where the request said."""
    request = a_request(tmp_path, 8, settings={"epochs": 2})
    heard: list[TrainEvent] = []
    adapter = await worker.train(request, heard.append)
    assert [(event.step, event.steps) for event in heard] == [(1, 2), (2, 2)]
    assert adapters.verify(request.adapters_root, adapter.id) == adapter
    (answer, _) = await worker.rules("pocket", tmp_path / "adapters" / adapter.id, XS, RENDER)
    assert answer.valid


async def test_errors_come_back_as_what_they_are(worker: Worker, tmp_path: Path) -> None:
    """Classes of ours with their fields, and so with their sentences."""
    with pytest.raises(BaseNotFound) as not_found:
        await rules(worker, base="nowhere")
    assert not_found.value.base == "nowhere"
    some = tuple(lessons_of(2))
    with pytest.raises(TooFewLessons) as too_few:
        await worker.train(
            a_request(tmp_path, 2, splits=Splits(train=some, valid=(), test=())), pytest.fail
        )
    assert (too_few.value.account, too_few.value.have) == ("work", 2)
    with pytest.raises(TrainingDiverged) as diverged:
        await worker.train(a_request(tmp_path, 4, settings={"learning_rate": 1e38}), pytest.fail)
    assert explain(diverged.value).startswith("Training for account 'work' went astray at step 1 ")


async def test_an_adapter_is_refused_on_another_base(
    worker: Worker, tmp_path: Path, trained: Trained
) -> None:
    """Its weights would mean nothing there; so too when the base was changed in its place."""
    other = shutil.copytree(pocket.path(), tmp_path / "base")
    copied = await worker.rules(str(other), trained.path, XS, RENDER)
    assert len(copied) == len(XS)
    changed = shutil.copytree(pocket.path(), tmp_path / "changed")
    (changed / "trimtab.json").write_text('{"context_words": 26}', "utf-8")
    with pytest.raises(AdapterDamaged) as raised:
        await worker.rules(str(changed), trained.path, XS, RENDER)
    assert raised.value.adapter_id == trained.adapter.id
    assert raised.value.reason == "its base model has changed"


async def test_a_bug_in_the_worker_is_told_by_its_class(worker: Worker, tmp_path: Path) -> None:
    """It is an error of ours, though not one that the user can mend; the worker goes on."""
    request = replace(a_request(tmp_path, 4), dataset=tmp_path / "nowhere")
    with pytest.raises(WorkerFailed) as raised:
        await worker.train(request, pytest.fail)
    assert raised.value.kind == "FileNotFoundError"
    assert (await worker.hello())["version"] == VERSION


# --- busy, cancelled, dead -------------------------------------------------------------------


async def test_rules_are_answered_during_training(worker: Worker, tmp_path: Path) -> None:
    """Between two steps, and the training goes on."""
    alone = await rules(worker)
    training = await begin(worker, tmp_path)
    beside = await rules(worker)
    assert [answer.text for answer in beside] == [answer.text for answer in alone]
    await worker.warm("pocket", None, XS[0], RENDER)
    assert not training.done()
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training


async def test_cancelling_ends_the_training_and_not_the_process(
    worker: Worker, tmp_path: Path
) -> None:
    """The next request is served by the same process; no adapter is left."""
    training = await begin(worker, tmp_path)
    pid = worker.pid
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    assert (await worker.hello())["version"] == VERSION  # waits until the training has ended
    assert len(await rules(worker)) == 2
    assert worker.pid == pid
    assert not adapters.adapters(tmp_path / "adapters", "work")


async def test_whoever_waits_when_the_process_is_killed_is_told(
    worker: Worker, tmp_path: Path
) -> None:
    """Each of them; the next request starts a new process."""
    training = await begin(worker, tmp_path)
    hello = asyncio.create_task(worker.hello())
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    ended = await asyncio.wait_for(
        asyncio.gather(training, hello, return_exceptions=True), DEAD_LINE_S
    )
    assert [type(error) for error in ended] == [WorkerDied, WorkerDied]
    assert [getattr(error, "exit_code", None) for error in ended] == [-signal.SIGKILL] * 2
    assert len(await rules(worker)) == 2
    assert worker.pid not in {None, pid}
    assert not adapters.adapters(tmp_path / "adapters", "work")


async def test_a_request_right_after_a_kill_is_told_or_served(worker: Worker) -> None:
    """Whether the death is known already or not; it never waits for ever."""
    await worker.hello()
    for _ in range(2):
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            await asyncio.wait_for(worker.hello(), DEAD_LINE_S)
        assert (await asyncio.wait_for(worker.hello(), DEAD_LINE_S))["version"] == VERSION


async def test_closing_during_training_tells_who_waits(worker: Worker, tmp_path: Path) -> None:
    """The process leaves by itself."""
    training = await begin(worker, tmp_path)
    await worker.close()
    with pytest.raises(WorkerDied) as raised:
        await training
    assert raised.value.exit_code == 0
    assert not adapters.adapters(tmp_path / "adapters", "work")


async def test_a_listener_that_fails_ends_its_request(
    worker: Worker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not wait for ever for a process that nobody listens to; the log has its class."""

    def fail(event: TrainEvent) -> None:
        raise LookupError("of a mail")

    with pytest.raises(WorkerDied):
        await asyncio.wait_for(
            worker.train(a_request(tmp_path, 4, settings=LONG), fail), DEAD_LINE_S
        )
    assert "an answer failed with LookupError" in caplog.text
    assert "of a mail" not in caplog.text
    assert len(await rules(worker)) == 2


# --- killed in every state -------------------------------------------------------------------


def kill(worker: Worker) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)


async def kill_while_it_reads(worker: Worker, file: Path, asked: Coroutine[Any, Any, Any]) -> None:
    """Kill the process when it has opened the file, which gives it nothing."""
    os.unlink(file)  # noqa: PTH108  # at once
    os.mkfifo(file)
    task = asyncio.create_task(asked)
    writer = await asyncio.wait_for(asyncio.to_thread(os.open, file, os.O_WRONLY), DEAD_LINE_S)
    kill(worker)
    try:
        await task
    finally:
        os.close(writer)
        os.unlink(file)  # noqa: PTH108


async def idle(worker: Worker, _: Path) -> None:
    await rules(worker)
    kill(worker)
    await rules(worker)


async def loading(worker: Worker, root: Path) -> None:
    base = shutil.copytree(pocket.path(), root / "base")
    await kill_while_it_reads(worker, base / "model.safetensors", rules(worker, str(base)))


async def answering(worker: Worker, _: Path) -> None:
    await worker.rules("pocket", None, XS[:1], RENDER, on_rule=lambda _: kill(worker))


async def warming(worker: Worker, root: Path) -> None:
    base = str(shutil.copytree(pocket.path(), root / "base"))
    before = {*(worker.scratch / "prefixes").glob("*")}
    (root / "base" / "README.md").unlink()
    config = root / "base" / "trimtab.json"
    config.write_text(config.read_text("utf-8") + " ", "utf-8")  # another base: another file
    await worker.warm(base, None, XS[0], RENDER)
    (file,) = {*(worker.scratch / "prefixes").glob("*")} - before
    await worker.close()
    await kill_while_it_reads(worker, file, worker.warm(base, None, XS[0], RENDER))


async def training(worker: Worker, root: Path) -> None:
    await worker.train(a_request(root, 4, settings=LONG), lambda _: kill(worker))


async def saving(worker: Worker, root: Path) -> None:
    def hear(event: TrainEvent) -> None:
        if event.step == event.steps:
            kill(worker)

    await worker.train(a_request(root, 4), hear)


@pytest.mark.parametrize("state", [idle, loading, answering, warming, training, saving])
async def test_a_kill_costs_one_answer(
    worker: Worker, tmp_path: Path, state: Callable[[Worker, Path], Awaitable[None]]
) -> None:
    """Whatever it was at; the next request starts a new process, and no adapter is broken."""
    before = (await worker.hello(), worker.pid)[1]
    with suppress(WorkerDied):
        await asyncio.wait_for(state(worker, tmp_path), DEAD_LINE_S)
    assert [answer.valid for answer in await rules(worker)] == [True, True]
    assert worker.pid != before
    for adapter in adapters.adapters(tmp_path / "adapters", "work"):
        adapters.verify(tmp_path / "adapters", adapter.id)


async def test_the_process_ends_with_a_killed_daemon(tmp_path: Path) -> None:
    """Nobody could close it: its standard input is at its end."""
    code = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from daemon.jobs.worker import Worker\n"
        "async def main():\n"
        "    home = Path(sys.argv[1])\n"
        "    worker = Worker(home / 'log', scratch=home / 'scratch')\n"
        "    await worker.hello()\n"
        "    print(worker.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())"
    )
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await daemon.communicate()
    assert daemon.returncode == -signal.SIGKILL
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.Process(int(said)).wait, DEAD_LINE_S)
    assert not psutil.pid_exists(int(said))
