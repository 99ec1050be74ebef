"""The daemon's side of the worker process: starts it, asks it, outlives it.

The process starts with the first request and again after a death; whoever was waiting when it died
gets WorkerDied. Cancelling a request cancels it in the worker. Its protocol is in
`mlx_agent.protocol`; MLX is never loaded here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.logs import set_aside
from mlx_agent import codec, errors
from mlx_agent.errors import TrimtabError, WorkerDied, WorkerFailed
from mlx_agent.large.local import ChatEnd
from mlx_agent.log_lines import told
from mlx_agent.protocol import VERSION
from mlx_agent.records import AgentAnswer, Message, RenderSettings, Rule, X
from mlx_agent.train.records import Adapter, TrainEvent, TrainRequest

_LINE = 64 * 1024 * 1024
"""Bytes in a line; an answer to many xs is one line."""
_CLOSE_S = 2
"""The daemon is to end within 5 s, its drafts and this together."""

log = logging.getLogger(__name__)

OnEvent = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Waiting:
    """A request in flight."""

    answer: asyncio.Future[Any]
    on_event: OnEvent


@dataclass(slots=True)
class Worker:
    """One worker process at a time.

    `log` takes its standard error. `scratch` is a directory of the user's alone: MLX compiles
    kernels into the temporary directory and loads what it finds there, and the system's is open to
    everybody. It also holds what prompts begin with, read. After `idle_minutes` without a question
    a model is unloaded.
    """

    log: Path
    scratch: Path
    idle_minutes: float = 15.0
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _last_id: int = 0
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pid(self) -> int | None:
        """The process id, None while there is no process."""
        return self._process.pid if self._process else None

    async def hello(self) -> dict[str, Any]:
        """Versions, device and BLAS of the worker."""
        found: dict[str, Any] = await self._ask("hello", {})
        return found

    async def rules(
        self,
        base: str,
        adapter: Path | None,
        xs: Sequence[X],
        render: RenderSettings,
        *,
        hints: Sequence[str] = (),
        on_rule: Callable[[Rule], None] | None = None,
    ) -> list[AgentAnswer]:
        """The rules for each x; raises BaseNotFound, BaseDamaged, WorkerBusy and WorkerDied.

        `hints`, rule lists of the user's in their text form, the likeliest first, make the answer
        faster and no other. `on_rule` hears of each rule of a single x as it comes; the answer
        counts.
        """

        def pass_on(event: dict[str, Any]) -> None:
            if on_rule is not None and "rule" in event:
                on_rule(codec.from_data(Rule, event["rule"]))

        params = self._asked(base, adapter, render) | {
            "xs": [codec.to_data(x) for x in xs],
            "hints": list(hints),
        }
        answers = await self._ask("rules", params, pass_on)
        return [codec.from_data(AgentAnswer, answer) for answer in answers]

    async def losses(
        self,
        base: str,
        adapter: Path | None,
        lessons: Sequence[tuple[X, Sequence[Rule]]],
        render: RenderSettings,
        max_tokens: int,
    ) -> list[float]:
        """What an agent does not foresee of each list, in nats a token; raises what `rules` does.

        `max_tokens` is what a lesson may have, its rules included.
        """
        params = self._asked(base, adapter, render) | {
            "xs": [codec.to_data(x) for x, _ in lessons],
            "lists": [[codec.to_data(rule) for rule in rules] for _, rules in lessons],
            "max_tokens": max_tokens,
        }
        return [float(one) for one in await self._ask("loss", params)]

    async def write(
        self,
        base: str,
        adapter: Path | None,
        xs: Sequence[X],
        render: RenderSettings,
        max_tokens: int,
    ) -> list[str]:
        """The mails that the small model itself writes; raises what `rules` does."""
        params = self._asked(base, adapter, render) | {
            "xs": [codec.to_data(x) for x in xs],
            "max_tokens": max_tokens,
        }
        return [str(text) for text in await self._ask("write", params)]

    async def warm(self, base: str, adapter: Path | None, x: X, render: RenderSettings) -> None:
        """Load the agent and read what is known of x; raises what `rules` raises."""
        await self._ask("warm", self._asked(base, adapter, render) | {"x": codec.to_data(x)})

    async def chat(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float,
        thinking: bool,
    ) -> AsyncGenerator[str | ChatEnd, None]:
        """Pieces of a large model's answer, then `ChatEnd`; the `Chat` of `mlx_agent.large.local`.

        Closing it, or cancelling who waits for it, cancels the request.
        """
        params = {
            "model": model,
            "messages": [codec.to_data(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "thinking": thinking,
        }
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        asked = self._ask("chat", params, lambda event: pieces.put_nowait(event["text"]))
        answer = asyncio.create_task(asked)
        answer.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            yield codec.from_data(ChatEnd, await answer)
        finally:
            answer.cancel()
            await asyncio.wait([answer])
            if not answer.cancelled():
                answer.exception()  # looked at, or the loop would complain of it

    async def train(self, request: TrainRequest, on_event: Callable[[TrainEvent], None]) -> Adapter:
        """Train an adapter; raises TooFewLessons, BaseNotFound, BaseDamaged, WorkerDied."""

        def pass_on(event: dict[str, Any]) -> None:
            on_event(codec.from_data(TrainEvent, event))

        result = await self._ask("train", codec.to_data(request), pass_on)
        return codec.from_data(Adapter, result)

    async def close(self) -> None:
        """End the process: it leaves with its standard input, and is killed if it does not."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        except TimeoutError:
            process.kill()
        if self._reader is not None:
            await self._reader

    def _asked(self, base: str, adapter: Path | None, render: RenderSettings) -> dict[str, Any]:
        return {
            "base": base,
            "adapter": str(adapter) if adapter else None,
            "render": codec.to_data(render),
            "prefixes": str(self.scratch / "prefixes"),
        }

    async def _ask(self, op: str, params: dict[str, Any], on_event: OnEvent | None = None) -> Any:
        process = await self._started()
        self._last_id += 1
        number = self._last_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(future, on_event or (lambda _: None))
        try:
            await self._send(process, {"v": VERSION, "id": number, "op": op, "params": params})
            return await future
        except asyncio.CancelledError:
            with suppress(WorkerDied):
                cancel = {"v": VERSION, "id": 0, "op": "cancel", "params": {"id": number}}
                await self._send(process, cancel)
            raise
        finally:
            self._waiting.pop(number, None)

    async def _send(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise WorkerDied(process.returncode) from error

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is not None and self._reader is not None:
                stdin = self._process.stdin
                if stdin is None or stdin.is_closing():  # it is at its end: wait for the next one
                    await asyncio.shield(self._reader)
            if self._process is None:
                self._process = await self._start()
                log.info("worker began", extra=told(pid=self._process.pid))
                self._reader = asyncio.create_task(self._read(self._process))
            return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        async with _log_file(self.log) as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "mlx_agent",
                "--idle-seconds",
                str(self.idle_minutes * 60),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE,
                env=os.environ | self.environment(),
                start_new_session=True,  # Ctrl-C is for the daemon, which closes the worker
            )

    def environment(self) -> dict[str, str]:
        """What is set for a process that loads MLX."""
        self.scratch.mkdir(mode=0o700, exist_ok=True)
        return {
            "HF_HUB_OFFLINE": "1",
            "TMPDIR": str(self.scratch),
            "TOKENIZERS_PARALLELISM": "false",
        }

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand answers to those who wait; at the process's end, tell those who still do."""
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._hand_over(json.loads(line))
        except Exception as error:  # noqa: BLE001  # a bug, here or in who listens to events
            log.error("worker: an answer failed with %s", type(error).__name__)  # noqa: TRY400  # a text may quote mail
            with suppress(ProcessLookupError):
                process.kill()
        finally:
            code = await process.wait()
            log.log(
                logging.WARNING if code else logging.INFO, "worker ended", extra=told(code=code)
            )
            self._process = None  # from here on a request starts a new one
            for waiting in self._waiting.values():
                if not waiting.answer.done():
                    waiting.answer.set_exception(WorkerDied(code))

    def _hand_over(self, answer: dict[str, Any]) -> None:
        waiting = self._waiting.get(answer["id"])
        if waiting is None or waiting.answer.done():
            return
        if "event" in answer:
            waiting.on_event(answer["event"])
        elif "error" in answer:
            waiting.answer.set_exception(error_of(answer["error"]))
        else:
            waiting.answer.set_result(answer["result"])


@asynccontextmanager
async def _log_file(path: Path) -> AsyncIterator[int]:
    """The worker's log, open for the start; private."""
    set_aside(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def error_of(data: dict[str, Any]) -> TrimtabError:
    """The worker's error as the class of ours that it is."""
    kind = getattr(errors, data["type"], None)
    if isinstance(kind, type) and issubclass(kind, TrimtabError):
        return kind(**data["fields"])
    return WorkerFailed(data["type"])
