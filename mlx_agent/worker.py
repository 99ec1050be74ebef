"""The worker process: the only one that loads MLX. `python -m mlx_agent` runs it.

Its protocol is in `mlx_agent.protocol`. Requests run one after the other on the main thread, which
owns MLX. A reader thread takes the lines, so that `cancel` works at any time, and that the process
ends with its parent: at the end of standard input. Mail is never logged; whatever a library prints
goes to standard error.

A training and answers exclude each other politely. What the agent is asked is served between two
steps of a training, if the agent is loaded or fits beside it; else they are answered WorkerBusy
at once, as `chat` is. What a training makes is the same to the bit whether anything was answered or
not.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from typing import Any, BinaryIO, TextIO

from pydantic import ValidationError

from mlx_agent import codec
from mlx_agent.engine import BLAS, mx
from mlx_agent.errors import ProtocolRefused, TrimtabError, WorkerBusy
from mlx_agent.large.local import ChatEnd
from mlx_agent.log_lines import bound, guard_standard_error
from mlx_agent.models import Models
from mlx_agent.protocol import (
    VERSION,
    Asked,
    ChatParams,
    LossParams,
    Request,
    RequestMalformed,
    RulesParams,
    WarmParams,
    WriteParams,
    described,
    id_of,
    request_of,
)
from mlx_agent.records import AgentAnswer, Rule
from mlx_agent.train.background import in_background
from mlx_agent.train.records import TrainEvent, TrainRequest
from mlx_agent.train.run import train

IDLE_S = 15 * 60.0
"""How long a model stays loaded that nobody asks."""
LOOK_S = 10.0
"""Between two looks at what is idle and how much memory there is, while nothing is asked."""


class Cancelled(Exception):
    """The request was cancelled; ends an operation at its next event."""


class Worker:
    """Takes requests from one stream and answers on another."""

    def __init__(self, requests: BinaryIO, answers: TextIO, models: Models) -> None:
        self._requests = requests
        self._answers = answers
        self._models = models
        self._output = threading.Lock()
        self._queue: queue.Queue[Request] = queue.Queue()
        self._cancelled: set[int] = set()
        self._trainings: set[int] = set()  # under way and queued
        self._between: queue.Queue[Request] = queue.Queue()  # for between two steps
        self._stepping = False  # steps of a training follow each other
        self._door = threading.Lock()  # of the two above
        self._ops: dict[str, Callable[[Request], Any]] = {
            "hello": self._hello,
            "rules": self._rules,
            "warm": self._warm,
            "loss": self._loss,
            "write": self._write,
            "chat": self._chat,
            "train": self._train,
        }

    def run(self) -> None:
        """Serve until standard input ends; does not return."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            bound(2)
            try:
                request = self._queue.get(timeout=min(LOOK_S, self._models.idle_s))
            except queue.Empty:
                self._models.sweep()
            else:
                self._models.sweep()
                self._serve(request)

    # --- the reader thread --------------------------------------------------------------------

    def _read(self) -> None:
        for line in self._requests:
            try:
                self._take(request_of(line))
            except ValidationError:
                self._say(id=id_of(line), **described(RequestMalformed()))
            except (RequestMalformed, ProtocolRefused) as error:
                self._say(id=id_of(line), **described(error))
        os._exit(0)  # the parent is gone; whatever runs has nobody to tell

    def _take(self, request: Request) -> None:
        if request.op == "cancel":
            self._cancelled.add(request.cancels)
        elif request.op in {"rules", "warm", "loss", "write", "chat"} and self._trainings:
            if not self._is_put_between(request):
                self._say(id=request.id, **described(WorkerBusy()))
        else:
            if request.op == "train":
                self._trainings.add(request.id)
            self._queue.put(request)

    def _is_put_between(self, request: Request) -> bool:
        """Whether the request will be served at the end of the training's step."""
        if request.op == "chat" or not self._can_answer(request):
            return False
        with self._door:
            if self._stepping:
                self._between.put(request)
            return self._stepping

    def _can_answer(self, request: Request) -> bool:
        try:
            return self._models.can_answer(codec.from_data(Asked, request.params))
        except (TrimtabError, ValidationError):
            return True  # its error is told when it is served

    # --- the main thread ----------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        answer = self._answer(request)
        self._cancelled.discard(request.id)
        if request.op == "train":
            mx.clear_cache()
            with self._door:
                self._stepping = False
            self._trainings.discard(request.id)  # before the answer: `rules` may follow at once
        self._say(id=request.id, **answer)
        if request.op == "train":
            self._serve_those_between()

    def _answer(self, request: Request) -> dict[str, Any]:
        try:
            self._check(request)
            return {"result": self._ops[request.op](request)}
        except Exception as error:  # noqa: BLE001  # the class alone: a text may quote mail
            return described(error)

    def _hello(self, request: Request) -> dict[str, Any]:
        del request
        return {
            "version": VERSION,
            "mlx": metadata.version("mlx"),
            "mlx_lm": metadata.version("mlx-lm"),
            "device": str(mx.default_device()),
            "blas": BLAS,
            "loaded": self._models.names(),
        }

    def _rules(self, request: Request) -> list[Any]:
        params = codec.from_data(RulesParams, request.params)

        def on_rule(rule: Rule) -> None:
            self._event(request, {"index": 0, "rule": codec.to_data(rule)})

        def on_answer(index: int, answer: AgentAnswer) -> None:
            self._event(request, {"index": index, "answer": codec.to_data(answer)})

        answers = self._models.agent(params).rules(
            params.xs,
            params.render,
            on_answer,
            on_rule=on_rule,
            hints=params.hints,
            check=lambda: self._check(request),
        )
        return [codec.to_data(answer) for answer in answers]

    def _warm(self, request: Request) -> dict[str, int]:
        params = codec.from_data(WarmParams, request.params)
        agent = self._models.agent(params)
        return {"tokens": agent.warm(params.x, params.render, lambda: self._check(request))}

    def _loss(self, request: Request) -> list[float]:
        params = codec.from_data(LossParams, request.params)
        return self._models.agent(params).losses(
            list(zip(params.xs, params.lists, strict=True)),
            params.render,
            params.max_tokens,
            lambda: self._check(request),
        )

    def _write(self, request: Request) -> list[str]:
        params = codec.from_data(WriteParams, request.params)
        agent = self._models.agent(params)
        return agent.write(
            params.xs, params.render, params.max_tokens, lambda: self._check(request)
        )

    def _chat(self, request: Request) -> Any:
        params = codec.from_data(ChatParams, request.params)
        pieces = self._models.large(params.model).chat(
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
        self._models.make_way(chosen.base)

        def on_event(event: TrainEvent) -> None:
            with self._door:  # before the event is told: who hears of it may ask at once
                self._stepping = 0 < event.step < event.steps
            self._event(request, codec.to_data(event))
            self._serve_those_between()

        with in_background():
            return codec.to_data(train(chosen, on_event))

    def _serve_those_between(self) -> None:
        """Answer what waits for the end of a step; the training's random numbers stay its own."""
        if self._between.empty():
            return
        state: Any = mx.random.state
        high, low = state[0].tolist()
        try:
            while not self._between.empty():
                self._serve(self._between.get())
        finally:
            mx.random.seed(high << 32 | low)
            mx.clear_cache()

    # --- both ---------------------------------------------------------------------------------

    def _event(self, request: Request, event: Any) -> None:
        self._check(request)
        self._say(id=request.id, event=event)

    def _check(self, request: Request) -> None:
        if request.id in self._cancelled:
            raise Cancelled

    def _say(self, **answer: Any) -> None:
        with self._output:
            self._answers.write(json.dumps(answer) + "\n")
            self._answers.flush()


def main() -> None:
    """Keep the protocol's stream for the protocol: everything else printed goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m mlx_agent")
    parser.add_argument("--idle-seconds", type=float, default=IDLE_S)
    idle_s = parser.parse_args().idle_seconds
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    guard_standard_error()
    Worker(sys.stdin.buffer, answers, Models(idle_s=idle_s)).run()
