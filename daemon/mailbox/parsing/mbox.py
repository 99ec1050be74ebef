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
_FROM = re.compile(rb"From .*\d:\d\d.*\d{4}\s*$")
"""A line between messages tells a time and a year; a sentence that begins so does not."""
_SURE = re.compile(
    rb"From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d.*\d{4}\s*$"
)
"""Such a line in the form of `asctime`, which needs no blank line above it."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})\s*$", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


def split_mbox(file: BinaryIO, limit: int) -> Iterator[tuple[bytes, bytes]]:
    """Each message's `From ` line, empty for what stands above the first, and its bytes.

    Of a message longer than `limit`, so many bytes are kept.
    """
    opening, held = b"", b""
    message = bytearray()
    blank, starts, in_header = True, True, True
    while line := file.readline(_LINE):
        if held and _FIELD.match(line):  # it began a message, for a header follows
            yield opening, _unescaped(message)
            opening, message, in_header = held, bytearray(), True
        elif held:
            message += held
        held = line if starts and _begins(line, _FROM if blank else _SURE) else b""
        blank = starts and line in {b"\n", b"\r\n"}
        starts = line.endswith(b"\n")
        if not held:
            message += line[: max(0, limit - len(message))]
        if blank and in_header:
            in_header = False
            _take_body(file, message, limit)
    if message:
        yield opening, _unescaped(message)


def _begins(line: bytes, form: re.Pattern[bytes]) -> bool:
    return len(line) < _LONGEST and form.match(line) is not None


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


def _unescaped(message: bytearray) -> bytes:
    """A message as it was; one with a bare `From ` in it was written by who escapes nothing."""
    if b"\n>" not in message or b"\nFrom " in message:
        return bytes(message)
    return _ESCAPED.sub(rb"\1", message)
