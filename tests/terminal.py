"""A terminal for tests: tmux, which types keys and tells what is on the screen."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable

from tools import require

LIMIT_S = 60.0


class Terminal:
    """A program in tmux, of a name of its own; to be ended."""

    def __init__(
        self, name: str, environment: dict[str, str], shape: tuple[int, int] = (100, 40)
    ) -> None:
        """`shape` is columns and lines."""
        self._shape = shape
        self._tmux = [require("tmux", "tmux"), "-L", name, "-f", "/dev/null"]
        self._environment = os.environ | environment | {"TERM": "xterm-256color"}

    def start(self, command: list[str]) -> None:
        columns, lines = map(str, self._shape)
        shape = ["-x", columns, "-y", lines]
        self._run("new-session", "-d", *shape, shlex.join(command))

    def type(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self._run("send-keys", *keys)

    def shown(self) -> str:
        return self._run("capture-pane", "-p")

    def until(self, words: str) -> None:
        """Wait until these words are on the screen."""
        found = eventually(lambda: words in self.shown())
        assert found, f"{words!r} is not shown\n{self.shown()}"

    def end(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        return done.stdout


def eventually(look: Callable[[], bool]) -> bool:
    until = time.monotonic() + LIMIT_S
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
