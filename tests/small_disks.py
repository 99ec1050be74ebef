"""A file system of a few megabytes, to be filled: what a full disk does cannot be planted."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools import absent


@contextmanager
def small_disk(where: Path, megabytes: int) -> Iterator[Path]:
    """It, mounted at `where`; skips the test, or fails it, where none may be mounted."""
    where.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(where)]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        absent("a small file system to fill (mount -t tmpfs, as root on Linux)")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert shutil.disk_usage(path.parent).free == 0
