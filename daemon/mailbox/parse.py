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
    "cp-850": "cp850",
    "iso-8859-8-i": "iso-8859-8",
}
_ENCRYPTED = frozenset(
    {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_ADDRESS = re.compile(r"[^\s<>(),;:\"@]{1,64}@[^\s<>(),;:\"@]+")
_MAX_HEADER = 65_536
_MAX_TEXT = 262_144
"""Bytes of one text part that are read, as many as a sync fetches; no person writes more."""


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
    """A message's headers that matter, and its text. `dated`: `sent_at` is the message's own."""

    header: bytes
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    sent_at: datetime
    dated: bool
    flags: frozenset[str]
    draft_id: str | None
    plain: str | None
    html: str | None


def parse(raw: bytes, received_at: datetime) -> Parsed:
    """Parse a whole message; `received_at` stands in for a missing or impossible date."""
    header = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    try:
        message: Message = BytesParser(policy=compat32).parsebytes(raw)
    except RecursionError:  # nested deeper than any mail program can show: its header is left
        message = BytesHeaderParser(policy=compat32).parsebytes(header + b"\r\n\r\n")
    parts, types = [], []
    for part in _parts(message):
        types.append(part.get_content_type())
        if _is_text(part) and not _attached(part):
            parts.append(_text_part(part))
    return parse_parts(header, parts, types, received_at)


def parse_parts(
    header: bytes, parts: list[TextPart], types: list[str], received_at: datetime
) -> Parsed:
    """The same from a header block and the text leaves that were fetched."""
    message = BytesHeaderParser(policy=compat32).parsebytes(header + b"\r\n\r\n")
    sender = _addresses(message, "From", "X-From")
    sent_at = _date(message)
    return Parsed(
        header=header,
        message_id=next(iter(_message_ids(message, "Message-ID")), ""),
        in_reply_to=next(iter(_message_ids(message, "In-Reply-To")), ""),
        references=tuple(_message_ids(message, "References")),
        sender=sender[0] if sender else Address(),
        to=_addresses(message, "To", "X-To"),
        cc=_addresses(message, "Cc", "X-cc"),
        subject=_header(message, "Subject"),
        sent_at=sent_at or received_at,
        dated=sent_at is not None,
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

    The tag names the recipe: sender, recipients, minute (if its date is its own), subject and body
    without white space. A mail without a body is known by its header, which no copy shares: it
    teaches nothing anyway.
    """
    texts = (parsed.plain or "", parsed.html or "", parsed.header.decode("latin-1"))
    body = next(filter(None, ("".join(text.split()) for text in texts)), "")
    people = [parsed.sender.address, *sorted(a.address for a in (*parsed.to, *parsed.cc))]
    minute = parsed.sent_at.strftime("%Y-%m-%dT%H:%M") if parsed.dated else ""
    text = "\x00".join([*people, minute, " ".join(parsed.subject.split()), body])
    return f"mail1:{hashlib.sha256(text.lower().encode()).hexdigest()[:40]}"


def decode_text(part: TextPart) -> str:
    """A text leaf's payload as text with line feeds; nothing in it can raise."""
    data = _transfer_decoded(part.payload[:_MAX_TEXT], part.encoding)
    text = _decode(data, part.charset, whole=len(part.payload) < _MAX_TEXT)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return _unflowed(text) if part.flowed else text


def _forward(parts: Cut) -> frozenset[str]:
    return frozenset({"forward"}) if parts.forwarded and not parts.own_text else frozenset()


def _parts(message: Message) -> Iterator[Message]:
    """All parts of a message; a message within it is an attachment and stays whole."""
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            stack.extend(reversed([child for child in payload if isinstance(child, Message)]))
        yield part


def _is_text(part: Message) -> bool:
    """A text leaf; and a multipart whose parts cannot be told apart, for nothing may be lost."""
    kind = part.get_content_maintype()
    return kind == "text" or (kind == "multipart" and isinstance(part.get_payload(), str))


def _attached(leaf: Message) -> bool:
    return str(leaf.get("Content-Disposition", "")).strip().lower().startswith("attachment")


def _text_part(leaf: Message) -> TextPart:
    encoding = str(leaf.get("Content-Transfer-Encoding", ""))
    del leaf["Content-Transfer-Encoding"]  # without it, the payload is given as it came
    payload = leaf.get_payload(decode=True)
    return TextPart(
        subtype=leaf.get_content_subtype() if leaf.get_content_maintype() == "text" else "plain",
        encoding=encoding,
        charset=_parameter(leaf, "charset"),
        flowed=_parameter(leaf, "format").lower() == "flowed",
        payload=payload if isinstance(payload, bytes) else b"",
    )


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
    encoding = encoding.split(";", maxsplit=1)[0].strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(payload)
    if encoding == "base64":
        return _base64_decoded(payload)
    return payload


def _base64_decoded(payload: bytes) -> bytes:
    """Base64 as it comes: with line ends, with a stray or missing end, in several pieces."""
    pieces = re.findall(rb"[A-Za-z0-9+/]+", re.sub(rb"[^A-Za-z0-9+/=]", b"", payload))
    whole = (piece[: len(piece) - (len(piece) % 4 == 1)] for piece in pieces)
    decoded = b"".join(base64.b64decode(piece + b"=" * (-len(piece) % 4)) for piece in whole)
    return decoded or payload


def _decode(data: bytes, charset: str, *, whole: bool = True) -> str:
    """Bytes as text; the last character of what is not `whole` may be in halves."""
    name = charset.strip().strip("\"'").lower()
    for candidate in (_ALIASES.get(name, name), "utf-8"):
        try:
            codecs.lookup(candidate)
            return data.decode(candidate)
        except UnicodeDecodeError as error:
            if not whole and len(data) - error.start < 4:
                return data[: error.start].decode(candidate)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("latin-1")


def _unflowed(text: str) -> str:
    """format=flowed (RFC 3676): a line that ends in a space goes on, `-- ` excepted."""
    lines: list[str] = []
    for line in text.split("\n"):
        unstuffed = line.removeprefix(" ")
        quoted = unstuffed.startswith(">")
        goes_on = bool(lines) and lines[-1].endswith(" ") and not lines[-1].startswith((">", "-- "))
        if goes_on and not quoted and unstuffed.strip() and unstuffed != "-- ":
            lines[-1] += unstuffed
        else:
            lines.append(unstuffed)
    return "\n".join(line if line == "-- " else line.rstrip() for line in lines)


def _raw(message: Message, name: str) -> list[str]:
    """A header's values with their bytes as they came; `get` makes 8-bit ones unreadable."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]


def _header(message: Message, name: str) -> str:
    return " ".join(_readable(next(iter(_raw(message, name)), "")).split())


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
    values = _raw(message, name)
    try:
        pairs = [(n, a) for n, a in getaddresses(values) if a]
    except (ValueError, IndexError, TypeError):
        pairs = []
    pairs = pairs or [("", a) for a in _ADDRESS.findall(" ".join(values)[:_MAX_HEADER])]
    found = [(_readable(n).strip(), _readable(a).strip().lower()) for n, a in pairs]
    names = [n.strip() for n in _header(message, shown).split(",")] if _raw(message, shown) else []
    if len(found) == len(names):  # an archive's own header, where the standard one has no names
        found = [(n or better, a) for (n, a), better in zip(found, names, strict=True)]
    once = {a: "" if "@" in n else n for n, a in reversed(found)}  # `a@b <a@b>` gives it twice
    return tuple(Address(name=once[a], address=a) for a in dict.fromkeys(a for _, a in found))


def _message_ids(message: Message, name: str) -> list[str]:
    text = _header(message, name)
    return re.findall(r"<[^<>\s]+>", text) or [word for word in text.split() if "@" in word][:1]


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(_header(message, "Date"))
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if 1970 <= date.year < 2100 else None


def _flags(message: Message, types: list[str]) -> frozenset[str]:
    automatic = _header(message, "Auto-Submitted").lower() not in {"", "no"}
    automatic |= _header(message, "Precedence").lower() in {"bulk", "auto_reply", "junk"}
    automatic |= bool(message.get("X-Autoreply") or message.get("X-Autorespond"))
    automatic |= "multipart/report" in types
    found = {
        "automatic": automatic,
        "list": bool(message.get("List-Id")),
        "calendar": "text/calendar" in types,
        "encrypted": not _ENCRYPTED.isdisjoint(types),
    }
    return frozenset(name for name, holds in found.items() if holds)
