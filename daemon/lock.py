"""The home's lock: at most one process writes a home at a time.

An flock on an open file. The kernel lets go of it when the process ends, however it ends, so the
file that stays behind is no obstacle; it is never removed, for a process that waits for a removed
file would lock nothing. Fails with HomeInUse, at once.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.errors import HomeInUse


class HomeLock:
    """Held for the `with` block. The file holds the owner's process id, for a human to read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock; raises HomeInUse if any other holder has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise HomeInUse(self._path.parent) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
