"""Single keys from a terminal, which is as before once the block is left, however it is left."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daemon.status_keys import keys_of


@contextmanager
def keys(hear: Callable[[str], None]) -> Iterator[None]:
    """Call `hear` on the running loop with each key pressed; nothing where stdin is no terminal.

    Ctrl-C stays the signal that it is.
    """
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            data = os.read(descriptor, 1024)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            loop.remove_reader(descriptor)
            hear("q")
        for key in keys_of(data):
            hear(key)

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, read)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
