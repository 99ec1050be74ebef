"""The header block of a message or of one of its parts: its fields, and what they say.

Total and linear: any bytes are read, in time proportional to their length, without recursion. The
standard library's readers are neither (nested comments, runs of semicolons or of encoded words),
and take most of the time of a sync; they are asked for dates alone.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import unquote

from daemon.mailbox.parsing.charsets import decode, decode_base64
from mlx_agent.records import Address

Fields = dict[bytes, list[bytes]]
"""Values by name in small letters, in order, unfolded, with their bytes as they came."""

_BLOCK = re.compile(rb"(?:(?!--)(?:[!-9;-~]++[ \t]*+:|[ \t]|>?From )[^\n]*+(?:\n|\Z))*+")
_BLANK = re.compile(rb"\r*\n")
_END = re.compile(rb"\n\r*\n")
_KNOWN = re.compile(
    rb"^(?:received|from|to|cc|subject|date|message-id|mime-version|content-type"
    rb"|content-transfer-encoding)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_WORD = re.compile(
    r"=\?(?P<charset>[^?\s]{1,60})\?(?P<kind>[bq])\?(?P<data>.*?)\?=(?P<gap>\s*(?==\?))?",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*+)(?P<closed>")?'
    r"|\((?P<comment>(?:[^()\\]|\\.|\([^()]*+\))*+)\)?"
    r"|<(?P<route>[^<>]*+)(?P<ended>>)?"
    r"|(?P<word>=\?[^?\s]++\?[bBqQ]\?[^?\s]*+\?=|[^\s\"(<,;:]++)"
    r"|(?P<end>[,;])|(?P<group>:)|\s++",
    re.DOTALL,
)
_PARAMETER = r"[;\s]{}(?:\*(\d{{1,3}}))?(\*?)\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"?|([^\s;]+))"
"""One parameter, perhaps cut in numbered pieces and percent-encoded (RFC 2231)."""
_COMMENT = re.compile(r"\([^()]*\)")
_LOCAL = re.compile(r"[\w.+-]+")
_ADDRESS = re.compile(r"[^\s<>(),;:\"@]{1,64}@[^\s<>(),;:\"@]+")
_ID = re.compile(r"<[^<>\s]+>")
_LONGEST = 262_144
"""Bytes that are read of one field."""
_SHORT = 4000
"""Bytes that are read of a date, or of a field with parameters."""


def split_message(raw: bytes) -> tuple[bytes, bytes]:
    """The header block, without the blank line that ends it, and the body.

    A block ends at the first line that is none of a header, as a text without any header begins
    with one. A line of rubbish with well-known fields below it is passed over.
    """
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    end, start = block_end(raw, 0)
    if 0 < end == start < len(raw):  # not ended by a blank line
        blank = _END.search(raw, end)
        if blank and _KNOWN.search(raw, end, blank.start()):
            end, start = blank.start(), blank.end()
    return raw[:end].rstrip(b"\r\n"), raw[start:]


def block_end(raw: bytes, start: int) -> tuple[int, int]:
    """Where the header block at `start` ends, and where the body begins."""
    block = _BLOCK.match(raw, start)
    end = block.end() if block else start
    blank = _BLANK.match(raw, end)
    return end, blank.end() if blank else end


def read_fields(block: bytes) -> Fields:
    """The fields of a header block; lines that are none are passed over."""
    fields: Fields = {}
    for line in block.replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n"):
        name, colon, value = line.partition(b":")
        name = name.rstrip().lower()
        if colon and b" " not in name:
            fields.setdefault(name, []).append(value[:_LONGEST])
    return fields


def text_of(fields: Fields, name: bytes) -> str:
    """A field's first value in one line, with encoded words (RFC 2047) decoded; else nothing."""
    values = fields.get(name)
    return " ".join(_readable(_decoded(values[0])).split()) if values else ""


def token_of(fields: Fields, name: bytes) -> str:
    """What stands before the first parameter, in small letters."""
    values = fields.get(name)
    return _decoded(values[0][:_SHORT]).split(";", 1)[0].strip().lower() if values else ""


def parameter_of(fields: Fields, name: bytes, parameter: str) -> str:
    """A parameter of a field such as Content-Type; empty where there is none."""
    values = fields.get(name)
    if not values or b"=" not in values[0]:
        return ""
    value = _decoded(values[0][:_SHORT])
    if parameter not in value.lower():
        return ""
    found = re.findall(_PARAMETER.format(parameter), value, re.IGNORECASE)
    pieces = sorted(found, key=lambda piece: int(piece[0] or 0))
    joined = "".join(_unescaped(quoted) or bare for _, _, quoted, bare in pieces)
    return unquote(joined.split("'", 2)[-1]) if pieces and pieces[0][1] else joined


def addresses_of(fields: Fields, name: bytes, shown: bytes) -> tuple[Address, ...]:
    """The people that a field names, each once; `shown` is an archive's field for their names."""
    values = [_decoded(value) for value in fields.get(name, ())]
    found = [(_readable(n).strip(), _readable(a).strip().lower()) for n, a in _mailboxes(values)]
    if shown in fields:
        names = [n.strip() for n in text_of(fields, shown).split(",")]
        if len(found) == len(names):  # where the standard field has no names
            found = [(n or better, a) for (n, a), better in zip(found, names, strict=True)]
    once = {a: "" if "@" in n else n for n, a in reversed(found)}  # `a@b <a@b>` gives it twice
    return tuple(Address(name=once[a], address=a) for a in dict.fromkeys(a for _, a in found))


def ids_of(fields: Fields, name: bytes) -> tuple[str, ...]:
    """Message-IDs in their angle brackets; one without them is one only if it looks so."""
    text = text_of(fields, name)
    bare = (word.strip('<>"') for word in text.split() if "@" in word[1:-1])
    return tuple(_ID.findall(text)) or tuple(islice(bare, 1))


def date_of(fields: Fields, name: bytes) -> datetime | None:
    """A date in UTC; None where it is missing, cannot be read, or cannot be meant."""
    text = text_of(fields, name)[:_SHORT]
    if not text or re.search(r"\b0\d{3}\b(?!:)", text.split(":", 1)[0]):  # the year 0001 is no year
        return None
    try:
        date = parsedate_to_datetime(text)
        if 100 <= date.year < 1000:  # a count since 1900 (RFC 5322, 4.3)
            date = date.replace(year=date.year + 1900)
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if 1970 <= date.year < 2100 else None


def _unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted) if "\\" in quoted else quoted


def _decoded(value: bytes) -> str:
    text = value.decode("ascii") if value.isascii() else decode(value, "")
    return text.replace("\x00", "")


def _readable(text: str) -> str:
    """Encoded words decoded. All is linear, for no word is begun that does not end."""
    last = text.rfind("?=") + 2
    if last < 2 or "=?" not in text:
        return text
    pieces: list[str] = []
    run: list[bytes] = []
    charset, end = "", 0
    for word in _WORD.finditer(text, 0, last):
        if word.start() > end or word["charset"].lower() != charset:
            pieces += [decode(b"".join(run), charset), text[end : word.start()]]
            charset, run = word["charset"].lower(), []
        run.append(_word_bytes(word["kind"], word["data"]))
        end = word.end()
    return "".join([*pieces, decode(b"".join(run), charset), text[end:]])


def _word_bytes(kind: str, data: str) -> bytes:
    raw = data.encode("utf-8")
    return decode_base64(raw) if kind in "bB" else binascii.a2b_qp(raw, header=True)


def _mailboxes(values: Iterable[str]) -> list[tuple[str, str]]:
    """Names and addresses in order (RFC 5322, 3.4), from whatever looks like them."""
    found: list[tuple[str, str]] = []
    for value in values:
        here, sound = _tokens(value)
        found += here if sound else [("", a) for a in _ADDRESS.findall(value)]
    return found


def _tokens(value: str) -> tuple[list[tuple[str, str]], bool]:
    """The mailboxes of one value, and whether all that was opened was closed."""
    found: list[tuple[str, str]] = []
    words: list[str] = []
    comment, route, sound = "", "", True
    for token in _TOKEN.finditer(value):
        kind = token.lastgroup
        if kind in {"closed", "quoted"}:
            words.append(_unescaped(token["quoted"]))
            sound = sound and kind == "closed"
        elif kind in {"ended", "route"}:
            route = token["route"].strip() or route
            sound = sound and kind == "ended"
        elif kind == "comment":
            comment = token["comment"]
        elif kind == "word":
            words.append(token["word"])
        elif kind == "group":
            words = []
        elif kind == "end" and (route or token[0] == ";" or not _is_name(words)):
            found += _mailbox(words, comment, route)
            words, comment, route = [], "", ""
        elif kind == "end":  # `Hollis, Ben <ben@yard.example>`, without its quotes
            words[-1] += ","
    return found + _mailbox(words, comment, route), sound


def _is_name(words: list[str]) -> bool:
    return bool(words) and not any("@" in word for word in words)


def _mailbox(words: list[str], comment: str, route: str) -> list[tuple[str, str]]:
    if route:
        address = _COMMENT.sub("", route) if "(" in route else route
        if address.startswith("@"):  # through which hosts it went, in old mail
            address = address.rpartition(":")[2]
        return [(" ".join(words) or comment, address)] if ";" not in address else []
    spelled = [word.strip(",") for word in words if "@" in word or word.endswith(",")]
    if len(words) == len(spelled) + 1 and _LOCAL.fullmatch(words[-1]):
        spelled.append(words[-1])  # somebody on the same machine
    return [(comment, word) for word in spelled if word]
