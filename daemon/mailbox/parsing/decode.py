"""A text leaf as it was fetched, to the words in it. Pure, total and linear.

Its transfer encoding, charset and soft line breaks are undone; files and seals that programs of old
put into the text itself (uuencode, PGP) are taken out, for they are not the user's words.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape

from daemon.mailbox.parsing.charsets import decode, decode_base64
from daemon.records import TextPart

MAX_TEXT = 262_144
"""Bytes of a text part that are read, as many as a sync fetches; no person writes more."""

_BASE64_LINE = re.compile(rb"\s*(?:[A-Za-z0-9+/]*+=*+)*+\s*")
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_LINE_ENDS = re.compile(r"\r+\n?")
_TAG = re.compile(r"<[^<>]*>")
_UU_BEGIN = re.compile(r"begin [0-7]{3,4} \S")
_UU_LINE = re.compile(r"[ -`]+")
_ARMOUR = re.compile(r"-----BEGIN PGP ([A-Z ]+)-----\s*$")
_ARMOURED = re.compile(r"(?:[A-Za-z0-9+/=]*|[A-Z][A-Za-z]*: .*)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The text of a message in its two forms, and whether a sealed text was in it."""

    plain: str | None
    html: str | None
    sealed: bool


def decode_body(parts: Sequence[TextPart]) -> Body:
    """The text leaves of a message, in their order, as one text in each form.

    Some programs write one mail in pieces of both forms, around what was pasted into it. The plain
    pieces alone would be half of it; so all is HTML then, unless they say the same as the HTML.
    """
    texts = [(part, decode_text(part)) for part in parts]
    plain = _joined(text for part, text in texts if part.subtype == "plain")
    html = _joined(text for part, text in texts if part.subtype == "html")
    plain, sealed = (None, False) if plain is None else without_files(plain)
    mixed = any(part.alone and part.subtype == "html" for part in parts)
    if mixed and plain and html and _says_more(plain, html):
        pieces = (
            text if part.subtype == "html" else _as_html(text)
            for part, text in texts
            if part.subtype == "html" or (part.alone and part.subtype == "plain")
        )
        return Body(plain=None, html=_joined(pieces), sealed=sealed)
    return Body(plain=plain, html=html, sealed=sealed)


def decode_text(part: TextPart) -> str:
    """A text leaf's payload as text with line feeds; nothing in it can raise."""
    data = _transfer_decoded(part.payload[:MAX_TEXT], part.encoding, part.charset)
    text = decode(data, part.charset, whole=len(part.payload) < MAX_TEXT)
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        text = _LINE_ENDS.sub(_line_end, text)
    text = text.replace("\x00", "").removeprefix("\ufeff")
    return _unflowed(text, " " if part.delsp else "") if part.flowed else text


def _line_end(found: re.Match[str]) -> str:
    """One for any number of returns above a line feed, which a program doubled; else one each."""
    return "\n" if found[0].endswith("\n") else "\n" * len(found[0])


def without_files(text: str) -> tuple[str, bool]:
    """A text without the files and seals in it, and whether a sealed text was among them."""
    if not any(f"\n{mark}" in f"\n{text}" for mark in ("begin ", "-----BEGIN PGP ")):
        return text, False
    lines = text.split("\n")
    sealed = any((found := _ARMOUR.match(line)) and found[1] == "MESSAGE" for line in lines)
    return "\n".join(_own_lines(lines)), sealed


def _joined(texts: Iterable[str]) -> str | None:
    kept = list(texts)
    return "\n".join(kept)[:MAX_TEXT] if kept else None


def _says_more(plain: str, html: str) -> bool:
    """Whether the plain text has words of its own; a tenth may be written otherwise in HTML."""
    words = set(plain.split())
    return len(words - set(unescape(_TAG.sub(" ", html)).split())) > len(words) // 10


def _as_html(text: str) -> str:
    return "<div>" + "<br>\n".join(escape(without_files(text)[0]).split("\n")) + "</div>"


def _transfer_decoded(payload: bytes, encoding: str, charset: str) -> bytes:
    encoding = encoding.split(";", maxsplit=1)[0].strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(payload)
    if encoding == "base64":
        return _base64_decoded(payload, charset)
    if encoding in {"x-uuencode", "uuencode", "x-uue"}:
        return _uu_decoded(payload)
    return payload


def _base64_decoded(payload: bytes, charset: str) -> bytes:
    """What is base64 of a payload: a list's footer below it stays, and so does what lies."""
    lines = payload.splitlines()
    odd = (i for i, line in enumerate(lines) if not _BASE64_LINE.fullmatch(line))
    count = next(odd, len(lines))
    decoded = decode_base64(b"".join(lines[:count]))
    if not decoded or (_CONTROLS.search(decoded) and not _is_text(decoded, charset)):
        return payload
    return b"\n".join([decoded, *lines[count:]])


def _is_text(decoded: bytes, charset: str) -> bool:
    """Whether bytes with control characters among them are text all the same."""
    if charset.strip("\"' ").lower().startswith(("utf-16", "utf-32")):
        return True
    try:
        return bool(decoded.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _uu_decoded(payload: bytes) -> bytes:
    lines = payload.splitlines()
    first = next((i + 1 for i, line in enumerate(lines) if line.startswith(b"begin ")), 0)
    decoded = []
    for line in lines[first:]:
        if line.strip() == b"end":
            break
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            return payload
    return b"".join(decoded) or payload


def _own_lines(lines: list[str]) -> Iterator[str]:
    """Lines that are of no uuencoded file and of no armour (RFC 4880, 6.2 and 7)."""
    i = 0
    signed = False
    while i < len(lines):
        armour = _ARMOUR.match(lines[i])
        end = _armour_end(lines, i, armour[1]) if armour else _uu_end(lines, i)
        if end > i:
            signed = bool(armour and armour[1] == "SIGNED MESSAGE")
            i = end
            continue
        yield lines[i].removeprefix("- ") if signed else lines[i]
        i += 1


def _armour_end(lines: list[str], i: int, kind: str) -> int:
    """Where a block ends; of a signed text only what stands before it."""
    i += 1
    if kind == "SIGNED MESSAGE":
        while i < len(lines) and lines[i].startswith("Hash: "):
            i += 1
        return i + (i < len(lines) and not lines[i].strip())
    while i < len(lines) and _ARMOURED.match(lines[i]):
        i += 1
    return i + (i < len(lines) and lines[i].startswith("-----END PGP "))


def _uu_end(lines: list[str], i: int) -> int:
    """Where the uuencoded file that begins at a line ends; that line if none does."""
    if not _UU_BEGIN.match(lines[i]):
        return i
    end = i + 1
    while end < len(lines) and _is_uu(lines[end]):
        end += 1
    if end == i + 1:
        return i
    tail = [line.strip() for line in lines[end : end + 2]]
    return end + (1 if tail[:1] == ["end"] else 2 if tail == ["", "end"] else 0)


def _is_uu(line: str) -> bool:
    """Whether a line has the length that its first character tells."""
    if not _UU_LINE.fullmatch(line):
        return False
    length = ((ord(line[0]) - 32) % 64 + 2) // 3 * 4
    spaces_lost = line[0] == "M" and 20 < len(line) <= 61
    return len(line) - 1 in {length, length + 1} or spaces_lost


def _unflowed(text: str, soft: str) -> str:
    """format=flowed (RFC 3676): a line that ends in a space goes on; `soft` is cut off there.

    Quotes, blank lines and the line above a signature stand alone.
    """
    lines: list[str] = []
    paragraph: list[str] = []
    for line in text.split("\n"):
        line = line.removeprefix(" ")  # noqa: PLW2901  # stuffed, so that it cannot be a quote
        alone = line == "-- " or line.startswith(">") or not line.strip()
        if not alone:
            goes_on = line.endswith(" ")
            paragraph.append(line.removesuffix(soft) if goes_on else line)
        if paragraph and (alone or not goes_on):
            lines.append("".join(paragraph).rstrip())
            paragraph = []
        if alone:
            lines.append(line if line == "-- " else line.rstrip())
    return "\n".join([*lines, *(["".join(paragraph).rstrip()] if paragraph else [])])
