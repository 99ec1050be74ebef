"""Bytes to a parsed message. Total: any bytes give a `Parsed`, and no part loses the others.

A message that came over IMAP in pieces (header block, text parts) and one read from a file meet in
`Parsed`. Each header field is read once, by itself, so that none spoils another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.mailbox.parsing.decode import decode_body
from daemon.mailbox.parsing.fields import (
    Fields,
    addresses_of,
    date_of,
    ids_of,
    parameter_of,
    read_fields,
    split_message,
    text_of,
    token_of,
)
from daemon.mailbox.parsing.mime import Part, read_parts
from daemon.mailbox.text import cut, uncited
from daemon.records import Incoming, Source, TextPart
from mlx_agent.records import Address, Mail

_ENCRYPTED = frozenset(
    {
        "multipart/encrypted",
        "application/pgp-encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    }
)
_ROBOTS = (b"x-autoreply", b"x-autorespond", b"x-mail-autoreply")
_TYPE, _DISPOSITION = b"content-type", b"content-disposition"
_SKEW = timedelta(days=1)
"""By how much a mail may be older than its arrival: a clock or a zone that is set wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A message's headers that matter, and its text.

    `date` is the message's own, if it has one; `sent_at` is when it was sent as far as is known.
    """

    header: bytes
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    sent_at: datetime
    date: datetime | None
    flags: frozenset[str]
    draft_id: str | None
    plain: str | None
    html: str | None

    @property
    def dated(self) -> bool:
        """Whether the message tells its date."""
        return self.date is not None


def parse(raw: bytes, received_at: datetime) -> Parsed:
    """Parse a whole message; `received_at` stands in for a missing or impossible date."""
    header, body = split_message(raw)
    fields = read_fields(header)
    texts: list[TextPart] = []
    types: list[str] = []
    for part in read_parts(fields, body):
        attached = _is_attached(part, first=not texts)
        types += [part.type] if part.type != "text/calendar" or not attached else []
        if part.payload is not None and not attached:
            texts.append(_text_part(part, part.payload))
    return _parsed(header, fields, texts, types, received_at)


def parse_parts(
    header: bytes, parts: list[TextPart], types: list[str], received_at: datetime
) -> Parsed:
    """The same from a header block and the text leaves that were fetched."""
    return _parsed(header, read_fields(header), parts, types, received_at)


def _parsed(
    header: bytes, fields: Fields, parts: list[TextPart], types: list[str], received_at: datetime
) -> Parsed:
    sender = addresses_of(fields, b"from", b"x-from")
    date = date_of(fields, b"date")
    body = decode_body(parts)
    return Parsed(
        header=header,
        message_id=next(iter(ids_of(fields, b"message-id")), ""),
        in_reply_to=next(iter(ids_of(fields, b"in-reply-to")), ""),
        references=ids_of(fields, b"references"),
        sender=sender[0] if sender else Address(),
        to=addresses_of(fields, b"to", b"x-to"),
        cc=addresses_of(fields, b"cc", b"x-cc"),
        subject=text_of(fields, b"subject"),
        sent_at=_sent_at(date, received_at),
        date=date,
        flags=_flags(fields, types, sealed=body.sealed),
        draft_id=text_of(fields, b"x-trimtab-draft") or None,
        plain=body.plain,
        html=body.html,
    )


def build(account: str, parsed: Parsed) -> Incoming:
    """A parsed message as it goes into the store: its own text cut, its identity given."""
    mail = Mail(
        id=mail_id(parsed),
        account=account,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        sender=parsed.sender,
        to=parsed.to,
        cc=parsed.cc,
        subject=parsed.subject,
        sent_at=parsed.sent_at,
        own_text="",
        context=(),
        signature="",
        forwarded="",
        flags=parsed.flags,
        draft_id=parsed.draft_id,
    )
    source = Source(header=parsed.header, plain=parsed.plain, html=parsed.html)
    return Incoming(mail=cut_mail(mail, source), source=source)


def cut_mail(mail: Mail, source: Source) -> Mail:
    """The mail with the parts that its source is cut into; what its user cites is not own text.

    Nothing is cut off what was stored as `whole`: no program has added anything to it.
    """
    if "whole" in mail.flags:
        return replace(mail, own_text=(source.plain or "").strip())
    parts = cut(source.plain, source.html)
    own_text = uncited(parts.own_text)
    found = {"forward": bool(parts.forwarded and not own_text), "unsure": parts.is_unsure}
    return replace(
        mail,
        own_text=own_text,
        context=parts.context,
        signature=parts.signature,
        forwarded=parts.forwarded,
        flags=mail.flags.difference(found) | {name for name, holds in found.items() if holds},
    )


def mail_id(parsed: Parsed) -> str:
    """The identity of a mail by its content: copies carry different Message-IDs.

    The tag names the recipe: sender, recipients, minute (if its date is its own), subject and body
    without white space. A mail without a body is known by its header, which no copy shares: it
    teaches nothing anyway.
    """
    body = (
        "".join((parsed.plain or "").split())
        or "".join((parsed.html or "").split())
        or "".join(parsed.header.decode("latin-1").split())
    )
    people = [parsed.sender.address, *sorted(a.address for a in (*parsed.to, *parsed.cc))]
    minute = parsed.date.strftime("%Y-%m-%dT%H:%M") if parsed.date else ""
    text = "\x00".join([*people, minute, " ".join(parsed.subject.split()), body])
    return f"mail1:{hashlib.sha256(text.lower().encode()).hexdigest()[:40]}"


def _sent_at(date: datetime | None, received_at: datetime) -> datetime:
    """The date, unless the mail arrived before it: then one of the clocks is wrong, the sender's.

    A server that knows no time of arrival says 1970, which proves nothing.
    """
    if date is None or (date > received_at + _SKEW and received_at.year > 1980):
        return received_at
    return date


def _is_attached(part: Part, *, first: bool) -> bool:
    """Whether a leaf is a file: it is called one, or has a name and is not the first text."""
    if token_of(part.fields, _DISPOSITION).startswith("attachment"):
        return True
    named = parameter_of(part.fields, _DISPOSITION, "filename") or parameter_of(
        part.fields, _TYPE, "name"
    )
    return bool(named) and not first


def _text_part(part: Part, payload: bytes) -> TextPart:
    main, _, subtype = part.type.partition("/")
    return TextPart(
        subtype=subtype if main == "text" else "plain",
        encoding=token_of(part.fields, b"content-transfer-encoding"),
        charset=parameter_of(part.fields, _TYPE, "charset"),
        flowed=parameter_of(part.fields, _TYPE, "format").lower() == "flowed",
        delsp=parameter_of(part.fields, _TYPE, "delsp").lower() == "yes",
        alone=not part.alternative,
        payload=payload,
    )


def _flags(fields: Fields, types: list[str], *, sealed: bool) -> frozenset[str]:
    """What selection must know. `X-Auto-Response-Suppress` says nothing: Exchange adds it to all.

    A list's own mark of bulk mail is on what people write to it as well.
    """
    found = {
        "list": b"list-id" in fields,
        "calendar": "text/calendar" in types
        or "calendarmessage" in token_of(fields, b"content-class"),
        "encrypted": sealed or not _ENCRYPTED.isdisjoint(types),
        "automatic": "multipart/report" in types or _is_automatic(fields),
    }
    return frozenset(name for name, holds in found.items() if holds)


def _is_automatic(fields: Fields) -> bool:
    said = text_of(fields, b"auto-submitted").lower().replace("(", ";").split(";")[0].strip()
    if said not in {"", "no"} or any(fields.get(name) for name in _ROBOTS):
        return True
    precedence = text_of(fields, b"precedence").lower()
    return precedence == "auto_reply" or (
        precedence in {"bulk", "junk"} and b"list-id" not in fields
    )
