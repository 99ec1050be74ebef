"""An mbox, cut into its messages as a stream, in each of its four dialects.

They differ in how a line of text that begins with `From ` is told from one that begins a message:
mboxo and mboxrd escape it with `>`, mboxcl and mboxcl2 tell each message's length (RFC 4155 and
qmail's mbox(5)). A length is believed only where another message or the end follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

_LINE = 65_536
_LONGEST = 300
"""Bytes of a line between messages, and the bound that keeps every search here linear."""
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_FROM = re.compile(rb"From (?=.*\b" + _MONTH + rb"\b).*\d:\d\d.*\d{4}\s*$")
"""A line between messages tells a date and a time; a sentence that begins so hardly does."""
_SURE = re.compile(rb"From .*\b[A-Z][a-z]{2} " + _MONTH + rb" [ \d]\d \d\d:\d\d.*\d{4}\s*$")
"""Such a line in the form of `asctime`, which needs no blank line above it."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})\s*$", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def split_mbox(file: BinaryIO, limit: int) -> Iterator[tuple[bytes, bytes]]:
    """Each message's `From ` line, empty for what stands above the first, and its bytes.

    Of a message longer than `limit`, about so many bytes are kept.
    """
    opening, held = b"", b""
    message = bytearray()
    blank, starts, in_header = True, True, True
    while line := file.readline(_LINE):
        if held and _FIELD.match(line):  # it began a message, for a header follows
            yield opening, _taken(message)
            opening, in_header = held, True
        elif held:
            message += held
        held = line if starts and _begins(line, _FROM if blank else _SURE) else b""
        blank = starts and line in {b"\n", b"\r\n"}
        starts = line.endswith(b"\n")
        if not held and len(message) < limit:
            message += line
        if blank and in_header:
            in_header = False
            _take_body(file, message, limit)
    if message:
        yield opening, _taken(message)


def _begins(line: bytes, form: re.Pattern[bytes]) -> bool:
    return line.startswith(b"From ") and len(line) < _LONGEST and form.match(line) is not None


def _take_body(file: BinaryIO, message: bytearray, limit: int) -> None:
    """Read the body at once if the header tells its length and that can be believed."""
    told = _LENGTH.search(message)
    if not told or not file.seekable():
        return
    start, length = file.tell(), int(told[1])
    if _ends_message(file, start + length):
        file.seek(start)
        message += file.read(min(length, max(0, limit - len(message))))
        file.seek(start + length)
    else:
        file.seek(start)


def _ends_message(file: BinaryIO, place: int) -> bool:
    if place > file.seek(0, 2):
        return False
    file.seek(place)
    below = file.read(1000).lstrip(b"\r\n")
    return not below or _begins(below.split(b"\n", 1)[0], _FROM)


def _taken(message: bytearray) -> bytes:
    """A message as it was sent; one with a bare `From ` in it was kept by who escapes nothing."""
    raw = bytes(message)
    message.clear()
    return raw if b"\n>" not in raw or b"\nFrom " in raw else _ESCAPED.sub(rb"\1", raw)
