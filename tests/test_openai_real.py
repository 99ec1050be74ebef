"""The client against a real server: mlx_lm.server with the pocket base.

The base writes something whatever it is asked, at temperature 0 always the same, so that an answer
can be told from another; what it writes is not judged here.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from teaching_examples import a_lesson
from tokenizers import Tokenizer
from tools import free_port

from mlx_agent import pocket, render
from mlx_agent.errors import AnswerCutOff, ModelMissing
from mlx_agent.large.openai import OpenAI
from mlx_agent.large.settings import ModelSettings
from mlx_agent.records import Answer, DraftTask, IntentTask

pytestmark = pytest.mark.mlx
TASK = DraftTask(x=a_lesson().x)
ROOT = Path(__file__).parent.parent
DEADLINE_S = 120.0
ANSWERS, GAVE_UP = '" 200', "Exception occurred during processing of request"
"""What the server writes when it begins an answer, and when nobody is there to take it."""
SERVE = """
from mlx_agent import blas
blas.load()
from mlx_lm.server import main
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server; what it writes goes into `log`. `endless` is a model that never stops writing."""

    url: str
    log: Path
    endless: Path

    def wrote(self, words: str) -> int:
        """How often these words stand in what it wrote."""
        return self.log.read_text("utf-8").count(words)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for the module, with no network."""
    home = tmp_path_factory.mktemp("server")
    port = free_port()
    running = Running(
        url=f"http://127.0.0.1:{port}", log=home / "log", endless=endless(home / "endless")
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    command = [sys.executable, "-c", SERVE, "--model", str(pocket.path()), "--port", str(port)]
    with (
        running.log.open("wb") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            wait_until_healthy(running, process)
            yield running
        finally:
            process.kill()


def endless(directory: Path) -> Path:
    """The pocket base with a mark for the end that it has never seen."""
    shutil.copytree(pocket.path(), directory)
    for name, change in (
        ("config", {"eos_token_id": 0}),
        ("tokenizer_config", {"eos_token": "<|pad|>"}),
    ):
        path = directory / f"{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    return directory


def wait_until_healthy(running: Running, process: subprocess.Popen[bytes]) -> None:
    def healthy() -> bool:
        assert process.poll() is None, running.log.read_text("utf-8")
        try:
            with urlopen(f"{running.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, TimeoutError):
            return False

    wait_until(healthy)


def wait_until(reached: Callable[[], bool]) -> None:
    """Look again and again at what another process does."""
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Callable[..., OpenAI]]:
    """Opens clients of the server, which are closed after the test."""
    opened: list[OpenAI] = []

    async def no_key() -> str:
        return ""

    def opens(**changes: Any) -> OpenAI:
        settings = ModelSettings(
            model="default_model", base_url=f"{server.url}/v1", remote=False, max_tokens=256
        )
        opened.append(OpenAI(replace(settings, **changes), no_key))
        return opened[-1]

    yield opens
    for model in opened:
        await model.close()


async def test_a_whole_answer_with_its_tokens(client: Callable[..., OpenAI]) -> None:
    """The server counts what its tokenizer makes of the prompt and of the answer."""
    answer = await client().complete(TASK)
    assert len(answer.text.split()) > 20
    tokenizer = Tokenizer.from_file(str(pocket.path() / "tokenizer.json"))
    asked = "".join(f"<|{m.role}|>{m.content}<|end|>" for m in render.messages(TASK))
    read = len(tokenizer.encode(f"{asked}<|assistant|>").ids)
    wrote = len(tokenizer.encode(f"{answer.text}<|end|>").ids)
    assert answer.usage.input_tokens + answer.usage.cache_read_tokens == read
    assert answer.usage.output_tokens == wrote
    assert answer.usage.cost_usd == 0.0


async def test_a_stream_is_the_same_answer_in_pieces(client: Callable[..., OpenAI]) -> None:
    """A second time its prompt comes out of the server's cache, which is told."""
    model = client()
    first = await model.complete(TASK)
    *pieces, whole = [piece async for piece in model.stream(TASK)]
    assert isinstance(whole, Answer)
    assert len(pieces) > 20
    assert "".join(map(str, pieces)) == whole.text == first.text
    assert whole.usage.cache_read_tokens > 0
    assert whole.usage.output_tokens == first.usage.output_tokens


async def test_several_at_once_are_all_answered(client: Callable[..., OpenAI]) -> None:
    """The server works at them together."""
    model = client()
    alone = await model.complete(TASK)
    answers = await asyncio.gather(*(model.complete(TASK) for _ in range(4)))
    assert {answer.text for answer in answers} == {alone.text}


async def test_a_temperature_is_obeyed(client: Callable[..., OpenAI]) -> None:
    """Hot answers differ, of which the server is the judge."""
    task = IntentTask(own_text="Come at six.", metadata=TASK.x.metadata, temperature=1.0)
    model = client()
    texts = {(await model.complete(task)).text for _ in range(3)}
    cold = {(await model.complete(replace(task, temperature=0.0))).text for _ in range(2)}
    assert len(texts) == 3
    assert len(cold) == 1


async def test_an_answer_at_its_bound_is_cut_off(client: Callable[..., OpenAI]) -> None:
    """The server says so."""
    with pytest.raises(AnswerCutOff):
        await client(max_tokens=5).complete(TASK)


async def test_a_model_that_the_server_has_not(client: Callable[..., OpenAI]) -> None:
    """It looks on the disk alone."""
    with pytest.raises(ModelMissing):
        await client(model="nobody/nothing").complete(TASK)


async def test_who_leaves_stops_the_server(server: Running, client: Callable[..., OpenAI]) -> None:
    """By closing the iterator or by being cancelled: its next word finds nobody."""
    model = client(model=str(server.endless), max_tokens=1_000_000)
    pieces = model.stream(TASK)
    assert await anext(pieces)
    assert server.wrote(GAVE_UP) == 0
    await pieces.aclose()
    await asyncio.to_thread(wait_until, lambda: server.wrote(GAVE_UP) == 1)

    begun = server.wrote(ANSWERS)
    task = asyncio.create_task(model.complete(TASK))
    await asyncio.to_thread(wait_until, lambda: server.wrote(ANSWERS) == begun + 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(wait_until, lambda: server.wrote(GAVE_UP) == 2)
