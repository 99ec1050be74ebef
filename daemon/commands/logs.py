"""`logs`: what happened, from the log's files; `-f` goes on as lines come.

Lines are chosen by pure functions; `_news` follows the file over its rotations.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from daemon.commands.output import console
from daemon.errors import SinceUnreadable
from daemon.logs import NAME, files
from daemon.paths import find_paths

LEVELS = ("debug", "info", "warning", "error")
LOOK_S = 0.25
_SPAN = re.compile(r"(\d{1,6})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def logs(*, follow: bool, lines: int, since: str | None, level: str) -> None:
    """Print the last lines, then, to `follow`, those that come, until Ctrl-C."""
    span = None if since is None else parse_span(since)
    directory = find_paths().logs
    news = _news(directory / NAME) if follow else iter(())  # from here on nothing is missed
    after = None if span is None else datetime.now().astimezone() - span
    for line in last(wanted(_read(files(directory)), level=level, after=after), lines):
        _print(line)
    for line in wanted(news, level=level, after=None):
        _print(line)


def parse_span(text: str) -> timedelta:
    """`90s`, `15m`, `1h` or `2d`; raises SinceUnreadable."""
    found = _SPAN.match(text.strip())
    if found is None:
        raise SinceUnreadable(text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def wanted(lines: Iterable[str], *, level: str, after: datetime | None) -> Iterator[str]:
    """The lines of that level or a graver one, written `after`; what is no line of a log is not."""
    least = LEVELS.index(level)
    for line in lines:
        found = _head(line)
        if found is not None and found[1] >= least and (after is None or found[0] >= after):
            yield line


def last(lines: Iterable[str], count: int) -> deque[str]:
    """The last `count` of them; 0 for all."""
    return deque(lines, maxlen=count or None)


def _head(line: str) -> tuple[datetime, int] | None:
    """When a line was written, and its level's place among LEVELS."""
    at, _, rest = line.partition(" ")
    level = rest.partition(" ")[0].lower()
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    return when, LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _read(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            yield from path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:  # it was the oldest, and a rotation removed it
            continue


def _news(path: Path) -> Iterator[str]:
    """What is written from now on, for ever, a whole line at a time; over rotations, too."""
    return _followed(path, _opened(path, at_end=True))


def _followed(path: Path, file: TextIO | None) -> Iterator[str]:
    part = ""
    while True:
        gone = file is not None and not _is_at(path, file)  # looked up first: then read to its end
        while file is not None and (piece := file.readline()):
            part += piece
            if part.endswith("\n"):
                yield part.rstrip("\n")
                part = ""
        if gone and file is not None:
            file.close()
            file, part = None, ""
        if file is None:
            file = _opened(path, at_end=False)
            if file is not None:
                continue
        time.sleep(LOOK_S)


def _opened(path: Path, *, at_end: bool) -> TextIO | None:
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    if at_end:
        file.seek(0, 2)
    return file


def _is_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _print(line: str) -> None:
    console.file.write(line + "\n")
    console.file.flush()
