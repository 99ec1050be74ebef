"""Bytes to a parsed message. Total: any bytes give a `Parsed`, and no part loses the others.

Headers are read with the standard library's forgiving policy and decoded here, each by itself, for
its strict policy raises on ordinary mail (unknown charsets, broken addresses). A message that came
over IMAP in pieces (header block, text parts) and one read from a file meet in `Parsed`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from daemon.mailbox.text import Cut, cut
from daemon.records import Incoming, Source
from mlx_agent.records import Address, Mail

_ALIASES = {
    "unicode-1-1-utf-7": "utf-7",
    "x-unknown": "latin-1",
    "cp-850": "cp850",
    "iso-8859-8-i": "iso-8859-8",
}
_MAX_TEXT = 262_144
"""Characters kept of one text part; no person writes more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A text leaf as fetched: its subtype, transfer encoding and charset, and its bytes."""

    subtype: str
    encoding: str
    charset: str
    flowed: bool
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A message's headers that matter, and its text.

    `types` are the content types of all its parts in small letters.
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
    flags: frozenset[str]
    draft_id: str | None
    plain: str | None
    html: str | None


def parse(raw: bytes, received_at: datetime) -> Parsed:
    """Parse a whole message; `received_at` stands in for a missing or impossible date."""
    message = BytesParser(policy=compat32).parsebytes(raw)
    header = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    parts, types = [], []
    for leaf in _leaves(message):
        types.append(leaf.get_content_type())
        if leaf.get_content_maintype() == "text" and not _attached(leaf):
            parts.append(_text_part(leaf))
    return parse_parts(header, parts, types, received_at)


def parse_parts(
    header: bytes, parts: list[TextPart], types: list[str], received_at: datetime
) -> Parsed:
    """The same from a header block and the text leaves that were fetched."""
    message = BytesHeaderParser(policy=compat32).parsebytes(header + b"\r\n\r\n")
    sender = _addresses(message, "From", "X-From")
    return Parsed(
        header=header,
        message_id=_message_ids(message, "Message-ID")[:1][0] if message["Message-ID"] else "",
        in_reply_to=next(iter(_message_ids(message, "In-Reply-To")), ""),
        references=tuple(_message_ids(message, "References")),
        sender=sender[0] if sender else Address(),
        to=_addresses(message, "To", "X-To"),
        cc=_addresses(message, "Cc", "X-cc"),
        subject=_header(message, "Subject"),
        sent_at=_date(message, received_at),
        flags=_flags(message, [message.get_content_type(), *types]),
        draft_id=_header(message, "X-Trimtab-Draft") or None,
        plain=_joined(parts, "plain"),
        html=_joined(parts, "html"),
    )


def build(account: str, parsed: Parsed) -> Incoming:
    """A parsed message as it goes into the store: its own text cut, its identity given."""
    parts = cut(parsed.plain, parsed.html)
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
        own_text=parts.own_text,
        context=parts.context,
        signature=parts.signature,
        forwarded=parts.forwarded,
        flags=parsed.flags | _forward(parts),
        draft_id=parsed.draft_id,
    )
    source = Source(header=parsed.header, plain=parsed.plain, html=parsed.html)
    return Incoming(mail=mail, source=source)


def mail_id(parsed: Parsed) -> str:
    """The identity of a mail by its content: copies carry different Message-IDs.

    The tag names the recipe: sender, recipients, minute, subject and body without white space. A
    mail without a body is known by its header, which no copy shares: it teaches nothing anyway.
    """
    header = parsed.header.decode("latin-1")
    body = "".join((parsed.plain or parsed.html or "").split()) or "".join(header.split())
    people = [parsed.sender.address, *sorted(a.address for a in (*parsed.to, *parsed.cc))]
    minute = parsed.sent_at.strftime("%Y-%m-%dT%H:%M")
    text = "\x00".join([*people, minute, " ".join(parsed.subject.split()), body])
    return f"mail1:{hashlib.sha256(text.lower().encode()).hexdigest()[:40]}"


def decode_text(part: TextPart) -> str:
    """A text leaf's payload as text with line feeds; nothing in it can raise."""
    text = _decode(_transfer_decoded(part.payload, part.encoding), part.charset)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")[:_MAX_TEXT]
    return _unflowed(text) if part.flowed else text


def _forward(parts: Cut) -> frozenset[str]:
    return frozenset({"forward"}) if parts.forwarded and not parts.own_text else frozenset()


def _leaves(message: Message) -> Iterator[Message]:
    """The leaves of a message; a message within it is an attachment and stays whole."""
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            stack.extend(reversed([child for child in payload if isinstance(child, Message)]))
        else:
            yield part


def _attached(leaf: Message) -> bool:
    return str(leaf.get("Content-Disposition", "")).strip().lower().startswith("attachment")


def _text_part(leaf: Message) -> TextPart:
    payload = leaf.get_payload()
    text = payload if isinstance(payload, str) else ""
    return TextPart(
        subtype=leaf.get_content_subtype(),
        encoding=str(leaf.get("Content-Transfer-Encoding", "")),
        charset=_parameter(leaf, "charset"),
        flowed=_parameter(leaf, "format").lower() == "flowed",
        payload=text.encode("ascii", "surrogateescape")
        if text.isascii() or _escaped(text)
        else text.encode("utf-8", "replace"),
    )


def _escaped(text: str) -> bool:
    return all(c < "\x80" or "\udc80" <= c <= "\udcff" for c in text)


def _parameter(leaf: Message, name: str) -> str:
    try:
        value = leaf.get_param(name)
    except (ValueError, IndexError, LookupError):
        return ""
    return value[2] if isinstance(value, tuple) else str(value or "")


def _joined(parts: list[TextPart], subtype: str) -> str | None:
    texts = [decode_text(part) for part in parts if part.subtype == subtype]
    return "\n".join(texts) if texts else None


def _transfer_decoded(payload: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(payload)
    if encoding == "base64":
        stripped = re.sub(rb"[^A-Za-z0-9+/=]", b"", payload)
        try:
            return base64.b64decode(stripped + b"=" * (-len(stripped) % 4))
        except binascii.Error:
            return payload
    return payload


def _decode(data: bytes, charset: str) -> str:
    name = charset.strip().strip("\"'").lower()
    for candidate in (_ALIASES.get(name, name), "utf-8"):
        try:
            codecs.lookup(candidate)
            return data.decode(candidate)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("latin-1")


def _unflowed(text: str) -> str:
    """format=flowed (RFC 3676): a line that ends in a space goes on, `-- ` excepted."""
    lines: list[str] = []
    for line in text.split("\n"):
        unstuffed = line.removeprefix(" ")
        quoted = unstuffed.startswith(">")
        if lines and lines[-1].endswith(" ") and lines[-1] != "-- " and not quoted:
            lines[-1] += unstuffed
        else:
            lines.append(unstuffed)
    return "\n".join(line if line == "-- " else line.rstrip() for line in lines)


def _header(message: Message, name: str) -> str:
    value = message.get(name)
    return " ".join(_readable(str(value)).split()) if value is not None else ""


def _readable(value: str) -> str:
    raw = value.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(text)
    except (ValueError, IndexError, LookupError, binascii.Error):
        return text
    return "".join(
        p if isinstance(p, str) else _decode(p, charset or "ascii") for p, charset in pieces
    )


def _addresses(message: Message, name: str, shown: str) -> tuple[Address, ...]:
    values = [str(value) for value in message.get_all(name, [])]
    try:
        pairs = getaddresses(values)
    except (ValueError, IndexError, TypeError):
        pairs = []
    found = [(_readable(n).strip(), _readable(a).strip().lower()) for n, a in pairs if a]
    names = [n.strip() for n in _header(message, shown).split(",")] if message.get(shown) else []
    if len(found) == len(names):  # an archive's own header, where the standard one has no names
        found = [(n or better, a) for (n, a), better in zip(found, names, strict=True)]
    return tuple(Address(name="" if "@" in n else n, address=a) for n, a in found)


def _message_ids(message: Message, name: str) -> list[str]:
    text = _header(message, name)
    return re.findall(r"<[^<>\s]+>", text) or text.split()[:1]


def _date(message: Message, received_at: datetime) -> datetime:
    try:
        date = parsedate_to_datetime(_header(message, "Date"))
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return received_at
    return date if date.year >= 1970 else received_at


def _flags(message: Message, types: list[str]) -> frozenset[str]:
    automatic = _header(message, "Auto-Submitted").lower() not in {"", "no"}
    automatic |= _header(message, "Precedence").lower() in {"bulk", "auto_reply", "junk"}
    automatic |= bool(message.get("X-Autoreply") or message.get("X-Autorespond"))
    found = {
        "automatic": automatic,
        "list": bool(message.get("List-Id")),
        "calendar": "text/calendar" in types,
        "encrypted": bool({"multipart/encrypted", "application/pkcs7-mime"} & set(types)),
    }
    return frozenset(name for name, holds in found.items() if holds)
