"""The log: files of bounded size that the user alone can read; for `run`, standard error too.

What is logged are job numbers, account names, counts and classes of errors: never a body, an
address, a subject or a key. `mlx_agent.log_lines` makes the lines and sees to that. Of other
libraries only warnings are told, by their place and without their words.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from mlx_agent.log_lines import BYTES, LineFormatter

NAME = "trimtab.log"
KEPT = 3
"""How many older files are kept."""


@contextmanager
def logging_to(directory: Path, *, aloud: bool = False) -> Iterator[None]:
    """Write the daemon's log to `directory` for the `with` block, and `aloud` to standard error."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handlers: list[logging.Handler] = [_PrivateFile(directory / NAME)]
    if aloud:
        handlers.append(logging.StreamHandler())
    ours, others = logging.getLogger("daemon"), logging.getLogger()
    before = ours.level, ours.propagate
    ours.setLevel(logging.INFO)
    ours.propagate = False
    for handler in handlers:
        handler.setFormatter(LineFormatter())
        ours.addHandler(handler)
        others.addHandler(handler)  # whose level is WARNING, unless somebody asked for more
    try:
        yield
    finally:
        for handler in handlers:
            ours.removeHandler(handler)
            others.removeHandler(handler)
            handler.close()
        ours.level, ours.propagate = before


def files(directory: Path) -> list[Path]:
    """The files of the log that are there, the oldest first."""
    kept = [directory / f"{NAME}.{number}" for number in range(KEPT, 0, -1)]
    return [path for path in (*kept, directory / NAME) if path.exists()]


def set_aside(path: Path) -> None:
    """Make room for a log that another process writes: a full file becomes the one older one."""
    with suppress(OSError):  # a log must not hold up what it tells of
        if path.stat().st_size > BYTES:
            path.replace(path.with_name(f"{path.name}.1"))


class _PrivateFile(RotatingFileHandler):
    """Each file is made with mode 0600, the first and those after a rotation."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=BYTES, backupCount=KEPT, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        raw = os.fdopen(os.open(self.baseFilename, flags, 0o600), "ab", buffering=0)
        # Unbuffered: what does not fit on a full disk is lost, and does not come up again at the
        # file's end, as it would out of a buffer.
        return TextIOWrapper(raw, encoding="utf-8", write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # its name in logging
        """A log that cannot be written must not hold up what it tells of."""
