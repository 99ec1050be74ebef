"""`doctor --report`: what a bug report needs, without private content."""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import psutil

from daemon.doctor.findings import ORDER, Finding, Scene
from daemon.doctor.private import Scrubber, words_of_config
from daemon.files import refusals
from daemon.logs import NAME
from daemon.paths import Paths
from daemon.store.inspection import ENGINE

LIBRARIES = ("trimtab", "mlx", "mlx-lm", "imapclient", "keyring", "pydantic", "fastapi", "uvicorn")
LINES, TAIL = 60, 65_536
"""Of the log: so many lines at the end, from so many bytes."""
_LINE = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:,.]+")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|“[^”\n]*”")


def write_report(path: Path, scene: Scene, found: Sequence[Finding]) -> None:
    """Write a new file, for the user alone; raises FileRefused, also where there is one."""
    text = "\n".join(report(scene.paths, found)) + "\n"
    with refusals(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)


def report(paths: Paths, found: Sequence[Finding]) -> Iterator[str]:
    """The lines; versions and the platform hold nothing private, all else is scrubbed."""
    clean = scrubber(paths)
    yield "A report of `trimtab doctor`. Names, addresses, hosts and paths are replaced."
    yield f"Versions: {', '.join(_versions())}"
    yield f"Platform: {platform.platform()}, {psutil.cpu_count()} cores, {_memory()} of memory"
    yield "\nFindings"
    for one in sorted(found, key=lambda one: ORDER.index(one.state)):
        yield f"{one.state:<8} {clean(one.check)}: {clean(f'{one.what} {one.mend}'.strip())}"
    yield "\nThe end of the log"
    yield from (_without_quotes(clean(line)) for line in log_lines(paths.logs / NAME))


def scrubber(paths: Paths) -> Scrubber:
    """For what is private in this home and on this machine."""
    try:
        words = words_of_config(paths.config.read_text("utf-8", "replace"))
    except OSError:
        words = frozenset()
    host = socket.gethostname()
    places = {
        str(paths.config.parent): "<trimtab>",
        str(paths.database.parent): "<trimtab>",
        str(paths.logs): "<trimtab>",
        str(Path.home()): "<home>",
        _user(): "<user>",
        host: "<machine>",
        host.partition(".")[0]: "<machine>",
    }
    return Scrubber(words, places)


def log_lines(path: Path) -> list[str]:
    """The last lines that the daemon wrote; others, such as a traceback's, may quote anything."""
    try:
        with path.open("rb") as content:
            content.seek(max(0, path.stat().st_size - TAIL))
            lines = content.read(TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if _LINE.match(line)][-LINES:]


def _without_quotes(line: str) -> str:
    return _QUOTED.sub("<quoted>", line)


def _versions() -> Iterator[str]:
    for name in LIBRARIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} missing"
    yield f"Python {platform.python_version()}"
    yield f"SQLite {ENGINE}"


def _memory() -> str:
    return f"{psutil.virtual_memory().total / 1e9:.0f} GB"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
