"""From a text to a message as a Sent folder holds it: MIME, quotes, signatures. Seeded."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from random import Random

from daemon.sample.cast import SamplePerson
from daemon.sample.situations import Situation
from mlx_agent.records import Address

POLICY = policy.SMTP.clone(max_line_length=78)


def message(random: Random, person: SamplePerson, mail: Situation, own_text: str) -> bytes:
    """One sent mail, in one of the forms in which mail programs send."""
    signature = _signature(random, person, mail)
    form = random.choices(("plain", "flowed", "both", "html"), (5, 1, 2, 2))[0]
    letter = _headers(mail, mail.subject, f"{person.key}.{mail.number}")
    if form == "html":
        letter.set_content(_html(random, mail, own_text, signature), subtype="html")
        return letter.as_bytes(policy=POLICY)
    charset = "iso-8859-1" if own_text.isascii() and random.random() < 0.3 else "utf-8"
    encoding = random.choice(("quoted-printable", "quoted-printable", "8bit", "base64"))
    text = _plain(random, mail, own_text, signature, wrapped=form == "plain")
    letter.set_content(text, charset=charset, cte=encoding)
    if form == "flowed":
        letter.set_param("format", "flowed")
    if form == "both":
        letter.add_alternative(_html(random, mail, own_text, signature), subtype="html")
    if random.random() < 0.04:
        letter.add_attachment(b"%PDF-1.4\n%%EOF\n", maintype="application", subtype="pdf")
    return _bytes(letter, f"{person.key}{mail.number}")


def odd_ones(person: SamplePerson, last: Situation) -> Iterator[bytes]:
    """Mails from which nothing must be learned: a forward, an automatic answer, an empty one."""
    forward = _headers(last, "Fwd: minutes", f"{person.key}.forward", days=1)
    forward.set_content(
        "---------- Forwarded message ---------\nFrom: Max Orr <max@orr.example>\n"
        "Subject: minutes\n\nThese are the minutes of the last meeting.\n"
    )
    away = _headers(last, "Out of office", f"{person.key}.away", days=2)
    away["Auto-Submitted"] = "auto-replied"
    away.set_content("I am away until Monday and will answer then.\n")
    empty = _headers(last, "", f"{person.key}.empty", days=3)
    empty.set_content("\n")
    accepted = _headers(last, "Accepted: site meeting", f"{person.key}.accepted", days=4)
    accepted.set_content("")
    answer = "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n"
    accepted.add_alternative(answer, subtype="calendar", params={"method": "REPLY"})
    for letter in (forward, away, empty, accepted):
        yield _bytes(letter, person.key)


def _bytes(letter: EmailMessage, seed: str) -> bytes:
    """The message's bytes; boundaries come from the seed, or they would differ on every run."""
    for depth, part in enumerate(letter.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{seed}_{depth}")
    return letter.as_bytes(policy=POLICY)


def _headers(mail: Situation, subject: str, number: str, days: int = 0) -> EmailMessage:
    letter = EmailMessage(policy=POLICY)
    letter["Message-ID"] = f"<{number}@{mail.sender.address.partition('@')[2]}>"
    letter["Date"] = format_datetime(mail.at + timedelta(days=days))
    letter["From"] = _shown(mail.sender)
    letter["To"] = ", ".join(map(_shown, mail.to))
    letter["Subject"] = subject
    if mail.thread and not days:
        letter["In-Reply-To"] = mail.thread[-1]
        letter["References"] = " ".join(mail.thread)
    return letter


def _shown(address: Address) -> str:
    return f"{address.name} <{address.address}>"


def _signature(random: Random, person: SamplePerson, mail: Situation) -> list[str]:
    if not mail.inside and random.random() < 0.4:
        return ["-- ", *person.signature]
    return ["", "Sent from my phone"] if random.random() < 0.1 else []


def _plain(
    random: Random, mail: Situation, own_text: str, signature: list[str], *, wrapped: bool
) -> str:
    lines = own_text.split("\n")
    if wrapped:
        lines = [part for line in lines for part in textwrap.wrap(line, 72) or [""]]
    quote = _quote(random, mail) if mail.reply else []
    return "\n".join([*lines, *([""] if signature else []), *signature, *quote]) + "\n"


def _quote(random: Random, mail: Situation) -> list[str]:
    author, answered = mail.to[0], mail.at - timedelta(hours=3)
    if random.random() < 0.3:
        return [
            "",
            "-----Original Message-----",
            f"From: {_shown(author)}",
            f"Sent: {answered:%d %B %Y %H:%M}",
            f"To: {_shown(mail.sender)}",
            f"Subject: {mail.subject.removeprefix('Re: ')}",
            "",
            *mail.answers.split("\n"),
        ]
    return ["", _attribution(mail), *(f"> {line}".rstrip() for line in mail.answers.split("\n"))]


def _attribution(mail: Situation) -> str:
    at = mail.at - timedelta(hours=3)
    return f"On {at:%a}, {at.day} {at:%b %Y} at {at:%H:%M}, {_shown(mail.to[0])} wrote:"


def _html(random: Random, mail: Situation, own_text: str, signature: list[str]) -> str:
    parts = [_paragraphs(random, own_text)]
    if signature[:1] == ["-- "]:
        lines = "<br>".join(map(html.escape, signature[1:]))
        parts.append(f'<div class="gmail_signature" dir="ltr">{lines}</div>')
    elif signature:
        parts.append(f"<div><br>{html.escape(signature[-1])}</div>")
    if mail.reply:
        quoted = html.escape(mail.answers).replace("\n", "<br>\n")
        parts.append(
            f'<div class="gmail_quote"><div>{html.escape(_attribution(mail))}<br></div>'
            f'<blockquote type="cite">{quoted}</blockquote></div>'
        )
    return f"<html><body>{''.join(parts)}</body></html>\n"


def _paragraphs(random: Random, own_text: str) -> str:
    """As paragraphs, or as lines with breaks, as programs differ."""
    blocks = [html.escape(block).replace("\n", "<br>\n") for block in own_text.split("\n\n")]
    if random.random() < 0.5:
        return "".join(f"<p>{block}</p>\n" for block in blocks)
    return "<div>" + "<br>\n<br>\n".join(blocks) + "</div>\n"
