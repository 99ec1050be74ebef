"""The log: a file of bounded size that the user alone can read; for `run`, standard error too.

What is logged are job numbers, account names and classes of errors: never a body, an address, a
subject or a key. Other libraries' loggers are left alone, for some of them log what they carry.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

NAME = "trimtab.log"
BYTES, KEPT = 1_000_000, 3
"""Size of a file, and how many older ones are kept."""


@contextmanager
def logging_to(directory: Path, *, aloud: bool = False) -> Iterator[None]:
    """Write the daemon's log to `directory` for the `with` block, and `aloud` to standard error."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handlers: list[logging.Handler] = [_PrivateFile(directory / NAME)]
    if aloud:
        handlers.append(logging.StreamHandler())
    log = logging.getLogger("daemon")
    before = log.level, log.propagate
    log.setLevel(logging.INFO)
    log.propagate = False
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
        log.level, log.propagate = before


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
