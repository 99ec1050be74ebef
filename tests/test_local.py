"""The large model of this machine, with the real worker: no mail leaves, nothing is paid.

The pocket base writes rules and no mails, but it is a real model.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio
from local_models import a_model, an_endless_model
from training_examples import a_request, lessons_of

from daemon.jobs.worker import Worker
from mlx_agent.errors import AnswerCutOff, ModelMissing, ModelOverloaded, PromptTooLong
from mlx_agent.large import LargeModel
from mlx_agent.large.local import Local
from mlx_agent.large.settings import ModelSettings
from mlx_agent.protocol import VERSION
from mlx_agent.records import Answer, BaselineTask, IntentTask, Price, RulesTask, Task, X
from mlx_agent.train.records import TrainEvent

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio(loop_scope="module")]
DEAD_LINE_S = 60
"""A hang fails the test instead of the whole run."""
THE_X: X = lessons_of(1)[0].x
TASK = BaselineTask(x=THE_X)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    log = tmp_path_factory.mktemp("home") / "worker.log"
    worker = Worker(log, scratch=Path(tempfile.gettempdir()))  # with kernels compiled before
    async with asyncio.timeout(3 * DEAD_LINE_S):
        yield worker
        await worker.close()


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(an_endless_model(tmp_path_factory.mktemp("models") / "endless"))


def local(worker: Worker, model: str = "pocket", max_tokens: int = 400) -> Local:
    return Local(ModelSettings(model=model, remote=False, max_tokens=max_tokens), worker.chat)


async def listen(model: Local, heard: Callable[[], None] = lambda: None) -> list[str | Answer]:
    """All that comes of a stream; `heard` with each item."""
    items: list[str | Answer] = []
    async for item in model.stream(TASK):
        items.append(item)
        heard()
    return items


async def complete(model: Local, task: Task = TASK) -> Answer:
    async with asyncio.timeout(DEAD_LINE_S):
        return await model.complete(task)


async def test_it_is_a_large_model_that_keeps_mail_here(tmp_path: Path) -> None:
    """Free, unless the user has named a price."""
    worker = Worker(tmp_path / "worker.log", scratch=tmp_path / "scratch")
    model: LargeModel = local(worker)
    told = (model.name, model.remote, model.host, model.takes_temperature, model.batches)
    assert told == ("pocket", False, "", True, None)
    assert model.most(TASK) == 0.0
    price = Price(input=1.0, output=2.0)
    dear = Local(ModelSettings(model="pocket", max_tokens=500_000, price=price), worker.chat)
    assert (dear.most(TASK) or 0) > 1.0


async def test_an_answer_with_its_tokens(worker: Worker) -> None:
    """The same at each asking; it cost nothing."""
    first = await complete(local(worker))
    assert await complete(local(worker)) == first
    assert first.model == "pocket"
    assert first.text
    assert first.usage.input_tokens > first.usage.output_tokens > 20
    assert first.usage.cost_usd == 0.0


async def test_a_stream_ends_with_the_whole_answer(worker: Worker) -> None:
    """Which is its pieces, and what `complete` gives."""
    *pieces, whole = await listen(local(worker))
    assert whole == await complete(local(worker))
    assert isinstance(whole, Answer)
    assert "".join(map(str, pieces)) == whole.text
    assert len(pieces) > 20


async def test_a_task_is_sampled_at_its_temperature(worker: Worker) -> None:
    """Intents may vary, other tasks do not."""
    intent = IntentTask(own_text="Hi, all is well.", metadata=THE_X.metadata)
    warm = IntentTask(own_text="Hi, all is well.", metadata=THE_X.metadata, temperature=1.2)
    assert len({(await complete(local(worker), intent)).text for _ in range(3)}) == 1
    assert len({(await complete(local(worker), warm)).text for _ in range(4)}) > 1


async def test_an_answer_that_reaches_its_bound(worker: Worker) -> None:
    """Is no answer; what came of it was heard."""
    with pytest.raises(AnswerCutOff) as raised:
        await complete(local(worker, max_tokens=9))
    assert (raised.value.prompt, raised.value.max_tokens) == ("baseline", 9)
    heard: list[None] = []
    with pytest.raises(AnswerCutOff):
        await listen(local(worker, max_tokens=9), lambda: heard.append(None))
    assert heard


async def test_what_cannot_be_asked_is_told(worker: Worker, tmp_path: Path) -> None:
    """No such model, a broken one, and a prompt that does not fit, by the task's prompt."""
    broken = a_model(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"")
    for name in ("nowhere", str(broken)):
        with pytest.raises(ModelMissing) as missing:
            await complete(local(worker, name))
        assert missing.value.model == name
    narrow = str(a_model(tmp_path / "narrow", max_position_embeddings=8))
    task = RulesTask(x=THE_X, own_text="Hi", baseline=None, strategy="R2")
    with pytest.raises(PromptTooLong) as too_long:
        await complete(local(worker, narrow), task)
    assert too_long.value.prompt == "rules_thinking"


async def test_closing_a_stream_ends_the_work(worker: Worker, endless: str) -> None:
    """The worker, which does one thing at a time, answers the next request."""
    async with aclosing(local(worker, endless, 1 << 19).stream(TASK)) as items:
        assert isinstance(await anext(items), str)
    async with asyncio.timeout(DEAD_LINE_S):
        assert (await worker.hello())["version"] == VERSION
    assert worker._waiting == {}


async def test_cancelling_ends_the_work(worker: Worker, endless: str) -> None:
    """Under way or still waiting for another one's end."""
    begun = asyncio.Event()
    running = asyncio.create_task(listen(local(worker, endless, 1 << 19), begun.set))
    async with asyncio.timeout(DEAD_LINE_S):
        await begun.wait()
    waiting = asyncio.create_task(local(worker).complete(TASK))
    hello = asyncio.create_task(worker.hello())
    for task in (waiting, running):
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(DEAD_LINE_S):
        assert (await hello)["version"] == VERSION
    assert worker._waiting == {}


async def test_it_cannot_answer_during_training(worker: Worker, tmp_path: Path) -> None:
    """And can again after it."""
    begun = asyncio.Event()

    def hear(_: TrainEvent) -> None:
        begun.set()

    request = a_request(tmp_path, 4, settings={"epochs": 500})
    training = asyncio.create_task(worker.train(request, hear))
    async with asyncio.timeout(DEAD_LINE_S):
        await begun.wait()
    with pytest.raises(ModelOverloaded) as raised:
        await complete(local(worker))
    assert raised.value.model == "pocket"
    training.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training
    await worker.hello()  # it waits until the training has ended
    assert (await complete(local(worker))).text


async def test_a_worker_that_dies_cannot_answer(worker: Worker, endless: str) -> None:
    """Whoever listens is told; the next question finds a new process."""
    await worker.hello()
    pid = worker.pid
    assert pid is not None
    with pytest.raises(ModelOverloaded):
        await listen(local(worker, endless, 1 << 19), lambda: os.kill(pid, signal.SIGKILL))
    assert (await complete(local(worker))).text
    await local(worker).close()
    assert worker.pid is not None
