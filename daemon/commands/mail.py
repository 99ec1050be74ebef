"""`import` and `extract`: mail from files."""

from __future__ import annotations

import codecs
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from daemon.commands.output import console, print_json, progress_bar, say
from daemon.commands.session import choose_account, load
from daemon.errors import SourceUnreadable
from daemon.learning import find_edits
from daemon.lock import HomeLock
from daemon.mailbox.importing import import_path
from daemon.mailbox.parse import parse
from daemon.mailbox.parsing.charsets import decode
from daemon.mailbox.text import Cut, cut
from daemon.records import Progress
from daemon.store.database import Database
from mlx_agent import codec
from mlx_agent.records import ContextMessage

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CHARSET = re.compile(rb"<meta[^>]{1,120}charset=[\"' ]{0,2}([\w\-]{2,40})", re.IGNORECASE)
_OPENS_WITH_TAG = re.compile(
    r"\s*<(?:!doctype|!--|\?xml|(?:html|head|body|meta|style|div|p|br|span|table|font|blockquote|"
    r"center|pre|ul|ol|h[1-6]|a|b|i|u)(?=[\s/>]))",
    re.IGNORECASE,
)
_TAGS = re.compile(r"<br ?/?>|</(?:p|div|span|a|b|td|li|font|blockquote)>|<(?:div|blockquote)[ >]")


async def import_mail(path: Path, account: str | None, *, as_json: bool) -> None:
    """Import into the store, and look for edits of drafts in it.

    A running daemon must be stopped first: it owns the store.
    """
    paths, settings = load()
    name = choose_account(settings, account)
    with HomeLock(paths.lock), progress_bar() as show:
        database = await Database.open(paths.database)
        try:
            result = await import_path(path, name, database, lambda at: show(_data(at)))
            own = settings.account(name).addresses
            await find_edits(database, name, lambda: datetime.now(UTC), own)
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
    """Print the parts of one mail and the reason for each cut. Any bytes are a mail, or a body."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise SourceUnreadable(file, error.strerror or "unreadable") from error
    parts = _cut_body(raw, file.suffix) if body else _cut_message(raw)
    if as_json:
        return print_json(codec.to_data(parts))
    _show("own text", parts.own_text)
    for message in parts.context:
        _show(f"context: {_told(message)}", message.text)
    _show("signature", parts.signature)
    _show("forwarded", parts.forwarded)
    cuts = [f"{c.what}: {c.why}" + f" (line {c.line})" * bool(c.line) for c in parts.cuts]
    _show("cuts", "\n".join(cuts))
    return None


def _show(name: str, text: str) -> None:
    """A part under its name, without the signs that would steer the terminal."""
    if text:
        console.rule(Text(_CONTROLS.sub("", name)), align="left")
        say(_CONTROLS.sub("", text))


def _told(message: ContextMessage) -> str:
    author = message.author.name or message.author.address or "somebody"
    return f"{author}, {message.sent_at:%Y-%m-%d %H:%M}" if message.sent_at else author


def _cut_message(raw: bytes) -> Cut:
    parsed = parse(raw, datetime.now(UTC))
    return cut(parsed.plain, parsed.html)


def _cut_body(raw: bytes, suffix: str) -> Cut:
    text = _decoded(raw)
    if suffix.lower() in {".html", ".htm"} or (suffix.lower() != ".txt" and _is_html(text)):
        return cut(None, text)
    return cut(text, None)


def _decoded(raw: bytes) -> str:
    """A body as text: by its byte order mark, or by what an HTML page says of itself."""
    marks = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    marked = next((name for mark, name in marks.items() if raw.startswith(mark)), None)
    said = _CHARSET.search(raw[:2048])
    charset = marked or (said[1].decode("ascii") if said else "utf-8")
    return decode(raw, charset).removeprefix("\ufeff").replace("\x00", "")


def _is_html(text: str) -> bool:
    """Whether a body begins with a tag, or holds what only a page's text holds."""
    return bool(_OPENS_WITH_TAG.match(text)) or len(_TAGS.findall(text)) > 1


def _data(at: Progress) -> dict[str, object]:
    return {"step": at.step, "done": at.done, "total": at.total, "note": at.note}
