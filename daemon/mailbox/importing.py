"""Mail from files: mbox, Maildir, a directory of .eml files, one .eml file.

From the bytes of a message on, the way is the same as for a sync. Importing twice adds nothing, for
a mail's identity is its content.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from daemon.errors import SourceUnreadable
from daemon.mailbox.parse import parse
from daemon.mailbox.reading import VERSION, incoming, settle_cuts
from daemon.records import Batch, CutRules, Incoming, Progress, SyncResult
from daemon.store import cut_rules as rules_store
from daemon.store import mail as mail_store
from daemon.store.database import Database

BATCH = 500
_FROM_LINE = re.compile(rb"^From .*\d:\d\d.*\d{4}\s*$")
"""A line between messages tells a time and a year; a sentence that begins so does not."""
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)

Report = Callable[[Progress], None]


async def import_path(path: Path, name: str, database: Database, report: Report) -> SyncResult:
    """Import every message under `path`; raises SourceUnreadable if there is none."""
    messages = _messages(path)
    rules = await database.read(rules_store.rules, name, VERSION)
    added = done = 0
    while batch := await asyncio.to_thread(_read_batch, messages, name, rules):
        row = Batch(account=name, incoming=batch)
        added += await database.write(mail_store.add_batch, row, rules.version)
        done += len(batch)
        report(Progress(step="import", done=done))
    if not done:
        raise SourceUnreadable(path, "there is no message in it")
    await settle_cuts(name, database, report)
    return SyncResult(account=name, added=added, known=done - added, quarantined=0)


def _read_batch(messages: Iterator[bytes], name: str, rules: CutRules) -> tuple[Incoming, ...]:
    now = datetime.now(UTC)
    return tuple(incoming(name, parse(raw, now), rules) for raw in islice(messages, BATCH))


def _messages(path: Path) -> Iterator[bytes]:
    """The raw messages under a path, in the order of their names."""
    try:
        if path.is_dir() and (path / "cur").is_dir():
            yield from _maildir(path)
        elif path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.suffix.lower() == ".eml"):
                if file.is_file():
                    yield file.read_bytes()
        elif _is_mbox(path):
            yield from _mbox(path)
        elif raw := path.read_bytes().strip():
            yield raw
    except OSError as error:
        raise SourceUnreadable(path, error.strerror or "it cannot be read") from error


def _maildir(path: Path) -> Iterator[bytes]:
    """Messages of a Maildir; a copy of one may lack the directories that were empty."""
    files = [file for name in ("cur", "new") for file in (path / name).glob("*")]
    for file in sorted(files, key=lambda file: file.name):
        if file.is_file() and not file.name.startswith("."):
            yield file.read_bytes()


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().startswith(b"From ")


def _mbox(path: Path) -> Iterator[bytes]:
    """Messages of an mbox, read as a stream; `>From ` is undone (mboxrd)."""
    lines: list[bytes] = []
    blank = True
    with path.open("rb") as file:
        for line in file:
            if blank and _FROM_LINE.match(line):
                if lines:
                    yield _unescaped(lines)
                lines = []
            else:
                lines.append(line)
            blank = line in {b"\n", b"\r\n"}
    if lines:
        yield _unescaped(lines)


def _unescaped(lines: list[bytes]) -> bytes:
    return _ESCAPED.sub(rb"\1", b"".join(lines))
