"""The worker's other end, for tests: its process, its lines in, and its lines out."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from mlx_agent import codec
from mlx_agent.protocol import VERSION
from mlx_agent.records import RenderSettings, X
from mlx_agent.train.records import TrainRequest

DEAD_LINE_S = 60
"""A hang fails the test instead of the whole run."""
Line = dict[str, Any]
POCKET: Line = {
    "base": "pocket",
    "adapter": None,
    "render": codec.to_data(RenderSettings(context_words=25)),
}
"""Whom `rules` and `warm` ask, if no other is named."""


class Wire:
    """`python -m mlx_agent`, spoken to line by line."""

    def __init__(self, log: Path, *options: str) -> None:
        self.log = log
        self.lines: list[bytes] = []
        self._queue: queue.Queue[bytes] = queue.Queue()
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlx_agent", *options],
                cwd=Path(__file__).parent.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._queue.put(line)

    def write(self, line: bytes) -> None:
        """Any line at all."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, op: str, **params: Any) -> int:
        """Send a request; its id."""
        self._last += 1
        request = {"v": VERSION, "id": self._last, "op": op, "params": params}
        self.write(json.dumps(request).encode())
        return self._last

    def ask_rules(self, *xs: X, **asked: Any) -> int:
        """Send `rules`; its id."""
        return self.ask("rules", xs=[codec.to_data(x) for x in xs], **(POCKET | asked))

    def ask_warm(self, x: X, **asked: Any) -> int:
        """Send `warm`; its id."""
        return self.ask("warm", x=codec.to_data(x), **(POCKET | asked))

    def ask_training(self, request: TrainRequest) -> int:
        """Send `train`; its id."""
        return self.ask("train", **codec.to_data(request))

    def next(self) -> Line:
        """The next line of the worker's."""
        line: Line = json.loads(self._queue.get(timeout=DEAD_LINE_S))
        return line

    def settle(self) -> None:
        """Pass over what is still under way."""
        last = self.ask("hello")
        while self.next()["id"] != last:
            pass

    def result(self, number: int) -> Any:
        """The result of the request, whose events are passed over."""
        return self.end(number)["result"]

    def error(self, number: int) -> Line:
        """The error of the request."""
        error: Line = self.end(number)["error"]
        return error

    def end(self, number: int) -> Line:
        """The line that ends the request; the next ones must all be of it."""
        while True:
            line = self.next()
            assert line["id"] == number, line
            if "event" not in line:
                return line
