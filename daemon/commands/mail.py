"""`import` and `extract`: mail from files."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from daemon.commands.output import console, print_json, progress_bar, say
from daemon.commands.session import choose_account, load
from daemon.errors import SourceUnreadable
from daemon.lock import HomeLock
from daemon.mailbox.importing import import_path
from daemon.mailbox.parse import parse
from daemon.mailbox.text import Cut, cut
from daemon.records import Progress
from daemon.store.database import Database
from mlx_agent import codec


async def import_mail(path: Path, account: str | None, *, as_json: bool) -> None:
    """Import into the store. A running daemon must be stopped first: it owns the store."""
    paths, settings = load()
    name = choose_account(settings, account)
    with HomeLock(paths.lock), progress_bar() as show:
        database = await Database.open(paths.database)
        try:
            result = await import_path(path, name, database, lambda at: show(_data(at)))
        finally:
            await database.close()
    if as_json:
        return print_json(codec.to_data(result))
    say(
        f"{name}: {result.added} mails imported, {result.known} known, "
        f"{result.quarantined} unreadable."
    )
    return None


def extract(file: Path, *, body: bool, as_json: bool) -> None:
    """Print the parts of one mail and the reason for each cut."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise SourceUnreadable(file, error.strerror or "unreadable") from error
    parts = _cut_body(raw) if body else _cut_message(raw)
    if as_json:
        return print_json(codec.to_data(parts))
    for name in ("own_text", "signature", "forwarded"):
        console.rule(name.replace("_", " "), align="left")
        say(getattr(parts, name))
    for message in parts.context:
        console.rule("context", align="left")
        say(message.text)
    console.rule("cuts", align="left")
    for reason in parts.cuts:
        say(codec.dumps(reason))
    return None


def _cut_message(raw: bytes) -> Cut:
    parsed = parse(raw, datetime.now(UTC))
    return cut(parsed.plain, parsed.html)


def _cut_body(raw: bytes) -> Cut:
    text = raw.decode("utf-8", "replace")
    looks_like_html = text.lstrip()[:1] == "<" and "</" in text
    return cut(None, text) if looks_like_html else cut(text, None)


def _data(at: Progress) -> dict[str, object]:
    return {"step": at.step, "done": at.done, "total": at.total, "note": at.note}
