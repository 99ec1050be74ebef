"""Files of ours that the user or another program reads: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.errors import FileRefused


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, folder_mode: int = 0o700) -> None:
    """Put a file in place of an older one, its folder made if need be; raises FileRefused."""
    new = path.with_name(f".{path.name}.new")
    with refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode)
        new.unlink(missing_ok=True)
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """What the system refuses in the block as FileRefused, about that path."""
    try:
        yield
    except OSError as error:
        raise FileRefused(path, error.strerror or type(error).__name__) from error
