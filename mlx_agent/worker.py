"""The worker process: the only one that loads MLX. `python -m mlx_agent` runs it.

One JSON object a line: requests on standard input, answers on standard output.

    {"v": 1, "id": 7, "op": "rules", "params": {...}}       a request
    {"id": 7, "event": {...}}                                any number of events, then one of
    {"id": 7, "result": ...}
    {"id": 7, "error": {"type": "BaseNotFound", "fields": {"base": "x"}}}

`hello`, `rules`, `chat` and `train` run one after the other on the main thread, which owns MLX. A
reader thread takes the lines, so that `cancel` works at any time, that `rules` and `chat` are
answered WorkerBusy at once during training, and that the process ends with its parent: at the end
of standard input. Mail is never logged; whatever a library prints goes to standard error. A line
that is no request is answered RequestMalformed, with its id where it has one, and null where not.

Memory: KEPT models stay loaded, agents and a large model together, of large models one at a time.
What must go goes before the next one is loaded, and all of it before a training. So beside a
Llama-3-70B in 4 bits (40 GB) there is an 8B agent (5 GB) and no third.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

from pydantic import ValidationError

from mlx_agent import adapters, bases, codec
from mlx_agent.agent import Agent
from mlx_agent.chatting import LocalModel
from mlx_agent.engine import BLAS, mx
from mlx_agent.errors import AdapterDamaged, TrimtabError, WorkerBusy
from mlx_agent.large.local import ChatEnd
from mlx_agent.records import Message, RenderSettings, TrainRequest, X
from mlx_agent.train.run import train

VERSION = 1
KEPT = 2
"""Models that stay loaded between requests."""

M = TypeVar("M", Agent, LocalModel)


class Cancelled(Exception):
    """The request was cancelled; ends an operation at its next event."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of standard input, validated."""

    v: int
    id: int
    op: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RulesParams:
    """`rules`: the xs to answer with a base and, unless None, an adapter's directory."""

    base: str
    adapter: Path | None
    xs: tuple[X, ...]
    render: RenderSettings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChatParams:
    """`chat`: what a large model of this machine is asked. Its events are `{"text": ...}`."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    thinking: bool


class Worker:
    """Takes requests from one stream and answers on another."""

    def __init__(self, requests: BinaryIO, answers: TextIO) -> None:
        self._requests = requests
        self._answers = answers
        self._lock = threading.Lock()
        self._queue: queue.Queue[Request] = queue.Queue()
        self._cancelled: set[int] = set()
        self._trainings: set[int] = set()  # under way and queued
        self._models: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._ops: dict[str, Callable[[Request], Any]] = {
            "hello": self._hello,
            "rules": self._rules,
            "chat": self._chat,
            "train": self._train,
        }

    def run(self) -> None:
        """Serve until standard input ends; does not return."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            self._serve(self._queue.get())

    def _read(self) -> None:
        for line in self._requests:
            try:
                self._take(codec.loads(Request, line))
            except ValidationError:  # never in the log: it quotes the line
                self._say(id=_id(line), error={"type": "RequestMalformed", "fields": {}})
        os._exit(0)  # the parent is gone; whatever runs has nobody to tell

    def _take(self, request: Request) -> None:
        if request.op == "cancel":
            self._cancelled.add(codec.from_data(int, request.params.get("id")))
        elif request.op in {"rules", "chat"} and self._trainings:
            self._say(id=request.id, **_described(WorkerBusy()))
        else:
            if request.op == "train":
                self._trainings.add(request.id)
            self._queue.put(request)

    def _serve(self, request: Request) -> None:
        answer = self._answer(request)
        self._cancelled.discard(request.id)
        if request.op == "train":
            mx.clear_cache()
            self._trainings.discard(request.id)  # before the answer: `rules` may follow at once
        self._say(id=request.id, **answer)

    def _answer(self, request: Request) -> dict[str, Any]:
        try:
            self._check(request)
            return {"result": self._ops[request.op](request)}
        except TrimtabError as error:
            return _described(error)
        except Exception as error:  # noqa: BLE001  # the class alone: a text may quote mail
            return {"error": {"type": type(error).__name__, "fields": {}}}

    def _hello(self, request: Request) -> dict[str, Any]:
        del request
        return {
            "version": VERSION,
            "mlx": metadata.version("mlx"),
            "mlx_lm": metadata.version("mlx-lm"),
            "device": str(mx.default_device()),
            "blas": BLAS,
        }

    def _rules(self, request: Request) -> list[Any]:
        params = codec.from_data(RulesParams, request.params)
        base, adapter = bases.find(params.base), params.adapter
        agent = self._loaded(Agent, (base, adapter), lambda: _load(base, adapter))

        def on_answer(index: int, answer: Any) -> None:
            self._event(request, {"index": index, "answer": codec.to_data(answer)})

        answers = agent.rules(params.xs, params.render, on_answer)
        return [codec.to_data(answer) for answer in answers]

    def _chat(self, request: Request) -> Any:
        params = codec.from_data(ChatParams, request.params)
        directory = bases.find(params.model)
        model = self._loaded(LocalModel, (directory,), lambda: LocalModel(directory))
        pieces = model.chat(
            params.messages,
            max_tokens=params.max_tokens,
            temperature=params.temperature,
            thinking=params.thinking,
            check=lambda: self._check(request),
        )
        with closing(pieces):
            for piece in pieces:
                if isinstance(piece, ChatEnd):
                    return codec.to_data(piece)
                self._event(request, {"text": piece})
        raise AssertionError("a chat ends with its end")

    def _train(self, request: Request) -> Any:
        chosen = codec.from_data(TrainRequest, request.params)
        self._models.clear()
        adapter = train(chosen, lambda event: self._event(request, codec.to_data(event)))
        return codec.to_data(adapter)

    def _loaded(self, kind: type[M], key: tuple[Any, ...], load: Callable[[], M]) -> M:
        """The model of that kind and key, loaded if it is not; what must make room goes first."""
        if (kind, *key) not in self._models:
            self._make_room(kind)
            self._models[(kind, *key)] = load()
        self._models.move_to_end((kind, *key))
        model: M = self._models[(kind, *key)]
        return model

    def _make_room(self, kind: type[Agent | LocalModel]) -> None:
        large = [key for key in self._models if key[0] is LocalModel]
        if kind is LocalModel and large:
            del self._models[large[0]]
        while len(self._models) >= KEPT:
            self._models.popitem(last=False)
        mx.clear_cache()

    def _event(self, request: Request, event: Any) -> None:
        self._check(request)
        self._say(id=request.id, event=event)

    def _check(self, request: Request) -> None:
        if request.id in self._cancelled:
            raise Cancelled

    def _say(self, **answer: Any) -> None:
        with self._lock:
            self._answers.write(json.dumps(answer) + "\n")
            self._answers.flush()


def _load(base: Path, adapter: Path | None) -> Agent:
    """The agent, if its adapter is intact and was made for this very base: AdapterDamaged."""
    if adapter is not None:
        made = adapters.verify(adapter.parent, adapter.name)
        if made.base_hash != bases.base_hash(base):
            raise AdapterDamaged(made.id, "its base model has changed")
    return Agent(base, adapter)


def _described(error: TrimtabError) -> dict[str, Any]:
    fields: dict[str, Any] = dataclasses.asdict(error) if dataclasses.is_dataclass(error) else {}
    return {"error": {"type": type(error).__name__, "fields": fields}}


def _id(line: bytes) -> int | None:
    """The id of a line that is no request, None where it has none."""
    try:
        found = json.loads(line)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, int) else None


def main() -> None:
    """Keep the protocol's stream for the protocol: everything else printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    Worker(sys.stdin.buffer, answers).run()
