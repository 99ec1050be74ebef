"""`draft`: bullets on standard input become a draft on standard output."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from daemon.commands.output import console, print_json, progress_console
from daemon.commands.session import choose_account, daemon_client, load
from daemon.config import Account
from daemon.errors import SourceUnreadable
from daemon.mailbox.message_ids import Answered, answer_to
from daemon.mailbox.parse import Parsed, parse
from daemon.mailbox.text import cut
from mlx_agent import codec
from mlx_agent.records import Address, ContextMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOptions:
    """What the command line says of the mail to be written."""

    to: tuple[str, ...]
    subject: str
    reply_to: Path | None
    instruction: str


async def draft(account: str | None, options: DraftOptions, *, as_json: bool) -> None:
    """Rules go to standard error as they come, the draft to standard output."""
    paths, settings = load()
    name = choose_account(settings, account)
    bullets = read_bullets(sys.stdin.read())
    if not bullets:
        sys.exit("There is nothing to write: give one bullet a line on standard input.")
    request = build_request(name, settings.account(name), bullets, options)
    done: dict[str, Any] = {}
    async with daemon_client(paths, settings) as client:
        async for event in client.draft(request):
            if event.name == "rules" and not as_json:
                _show_rules(event.data)
            elif event.name == "done":
                done = event.data
    if as_json:
        return print_json(done)
    _show_done(done)
    return None


def read_bullets(text: str) -> tuple[str, ...]:
    """One bullet a line; a leading `-` or `*` is dropped, empty lines too."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(b for line in lines if (b := line.removeprefix("-").removeprefix("*").strip()))


def build_request(
    name: str, account: Account, bullets: tuple[str, ...], options: DraftOptions
) -> dict[str, Any]:
    """The body of `POST /v1/drafts`; `--reply-to` fills what the options leave open."""
    to = [Address(name=name, address=address) for name, address in getaddresses(options.to)]
    if any(address.address.count("@") != 1 for address in to):
        sys.exit("--to takes a mail address, such as 'Robin Hale <robin@hale.example>'.")
    subject = options.subject
    context: tuple[ContextMessage, ...] = ()
    answered = Answered()
    if options.reply_to is not None:
        parsed = _read_reply(options.reply_to)
        to = to or [parsed.sender]
        subject = subject or _reply_subject(parsed.subject)
        context = _context(parsed)
        answered = answer_to(parsed)
    sender = Address(name=account.name, address=account.addresses[0])
    return {
        "account": name,
        "key": str(uuid.uuid4()),
        "from": codec.to_data(sender),
        "to": [codec.to_data(address) for address in to],
        "cc": [],
        "subject": subject,
        "reply": options.reply_to is not None,
        "in_reply_to": answered.in_reply_to,
        "references": list(answered.references),
        "context": [codec.to_data(message) for message in context],
        "bullets": list(bullets),
        "instruction": options.instruction,
    }


def _read_reply(path: Path) -> Parsed:
    try:
        return parse(path.read_bytes(), datetime.now(UTC))
    except OSError as error:
        raise SourceUnreadable(path, error.strerror or "unreadable") from error


def _context(parsed: Parsed) -> tuple[ContextMessage, ...]:
    """What that mail says, and before it what it answers itself."""
    parts = cut(parsed.plain, parsed.html)
    nearest = ContextMessage(author=parsed.sender, sent_at=parsed.sent_at, text=parts.own_text)
    return nearest, *parts.context


def _reply_subject(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _show_rules(data: dict[str, Any]) -> None:
    for rule in data["rules"]:
        line = f"{rule['aspect'].capitalize()}: {rule['instruction']}"
        progress_console.print(line, style="dim", markup=False, highlight=False)
    progress_console.print()


def _show_done(done: dict[str, Any]) -> None:
    console.file.write(done["draft"]["text"] + "\n")
    provenance = done["draft"]["provenance"]
    why = f": {provenance['degraded']}" if provenance["degraded"] else ""
    progress_console.print(f"\n({provenance['rung']}{why})", style="dim")
    for finding in done["checks"].get("uncovered", []):
        progress_console.print(f"Not in the draft: bullet {finding + 1}.", style="yellow")
    for kind in done["checks"].get("unsupported", []):
        progress_console.print(f"Check this: {kind}.", style="yellow")
