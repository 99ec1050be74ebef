"""`draft`: bullets on standard input become a draft on standard output."""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from daemon.commands.output import console, print_json, progress_console
from daemon.commands.rules import aspects, read_rules
from daemon.commands.session import choose_account, daemon_client, load
from daemon.commands.standard_input import standard_input
from daemon.config import Account
from daemon.errors import SourceUnreadable
from daemon.mailbox.message_ids import Answered, answer_to
from daemon.mailbox.parse import Parsed, parse
from daemon.mailbox.text import cut
from mlx_agent import codec
from mlx_agent.language import NAMES
from mlx_agent.records import Address, ContextMessage
from plugin.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOptions:
    """What the command line says of the mail to be written."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    reply_to: Path | None
    instruction: str
    off: tuple[str, ...]
    rule: tuple[str, ...]
    again: str
    save: bool


async def draft(account: str | None, options: DraftOptions, *, as_json: bool) -> None:
    """Rules go to standard error as they come, the draft to standard output.

    The agent is made ready while the bullets are still being typed.
    """
    paths, settings = load()
    name = choose_account(settings, account)
    known = build_request(name, settings.account(name), options)
    async with daemon_client(paths, settings) as client:
        bullets = await _bullets(client, known)
        request = known | {
            "key": str(uuid.uuid4()),
            "bullets": list(bullets),
            "instruction": options.instruction,
            "rules_off": sorted(aspects(options.off)),
            "rules_added": [codec.to_data(rule) for rule in read_rules(options.rule)],
            "replaces": options.again,
        }
        done: dict[str, Any] = {}
        async for event in client.draft(request):
            if event.name == "rules" and not as_json:
                _show_rules(event.data)
            elif event.name == "done":
                done = event.data
        if options.save:
            await client.save(done["draft"]["id"])
    if as_json:
        return print_json(done)
    _show_done(done, saved=options.save)
    return None


async def _bullets(client: Client, known: dict[str, Any]) -> tuple[str, ...]:
    """What is typed, while the agent reads what is known already."""
    read = known.keys() - {"in_reply_to", "references"}
    warming = asyncio.create_task(client.warm({name: known[name] for name in read}))
    try:
        text = await standard_input()
    finally:
        warming.cancel()  # the draft itself waits for the agent, if it is not ready by then
        await asyncio.gather(warming, return_exceptions=True)
    bullets = read_bullets(text)
    if not bullets:
        sys.exit("There is nothing to write: give one bullet a line on standard input.")
    return bullets


def read_bullets(text: str) -> tuple[str, ...]:
    """One bullet a line; a leading `-` or `*` is dropped, empty lines too."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(b for line in lines if (b := line.removeprefix("-").removeprefix("*").strip()))


def build_request(name: str, account: Account, options: DraftOptions) -> dict[str, Any]:
    """What is known before the bullets are; `--reply-to` fills what the options leave open."""
    to, cc = _addresses("--to", options.to), _addresses("--cc", options.cc)
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
        "from": codec.to_data(sender),
        "to": [codec.to_data(address) for address in to],
        "cc": [codec.to_data(address) for address in cc],
        "subject": subject,
        "reply": options.reply_to is not None,
        "in_reply_to": answered.in_reply_to,
        "references": list(answered.references),
        "context": [codec.to_data(message) for message in context],
    }


def _addresses(option: str, texts: tuple[str, ...]) -> list[Address]:
    found = [Address(name=name, address=address) for name, address in getaddresses(texts)]
    if any(address.address.count("@") != 1 for address in found):
        sys.exit(f"{option} takes a mail address, such as 'Robin Hale <robin@hale.example>'.")
    return found


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


def _show_done(done: dict[str, Any], *, saved: bool) -> None:
    console.file.write(done["draft"]["text"] + "\n")
    provenance = done["draft"]["provenance"]
    why = f": {provenance['degraded']}" if provenance["degraded"] else ""
    progress_console.print(f"\n({provenance['rung']}{why})", style="dim", soft_wrap=True)
    if provenance["stand_in"]:
        told = f"(written by {provenance['writer']}: {provenance['stand_in']})"
        progress_console.print(told, style="dim", soft_wrap=True)
    where = ", in your Drafts folder" if saved else ""
    again = f"(draft {done['draft']['id']}{where}; another one: trimtab draft --again ID)"
    progress_console.print(again, style="dim", soft_wrap=True)
    for finding in findings(done["checks"]):
        progress_console.print(finding, style="yellow", markup=False, highlight=False)


def findings(checks: dict[str, Any]) -> list[str]:
    """What was found wrong with a draft, in sentences."""
    found = []
    for missing in checks["uncovered"]:
        facts = f" ({', '.join(missing['facts'])})" if missing["facts"] else ""
        found.append(f"Not in the draft: bullet {missing['position'] + 1}{facts}.")
    odd = dict.fromkeys((fact["text"], fact["kind"]) for fact in checks["unsupported"])
    found += [f"In neither bullets nor mail: {text} ({kind})." for text, kind in odd]
    if wrong := checks["language"]:
        written, meant = (NAMES[wrong[which]] for which in ("written", "wanted"))
        found.append(f"The draft is in {written}, not in {meant}.")
    return found
