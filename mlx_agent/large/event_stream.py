"""Server-sent events from the pieces in which a response comes. Pure.

The format is that of the HTML standard, section 9.2.6, without what a model's stream never has:
ids, times to come again, and a carriage return alone as the end of a line. The SDK's decoder takes
each line for itself, and three times as long as it takes to read the JSON in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """`name` is empty where the stream gives none."""

    name: str
    data: bytes


class EventReader:
    """What has come of one stream and is no whole event yet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that end in this piece; those without data, and comments, are none."""
        text = self._rest + piece
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        *whole, self._rest = text.split(b"\n\n")
        for block in whole:
            name, data = "", []
            for line in block.split(b"\n"):
                field, _, value = line.partition(b":")
                if field == b"data":
                    data.append(value.removeprefix(b" "))
                elif field == b"event":
                    name = value.removeprefix(b" ").decode("utf-8", "replace")
            if data:
                yield Event(name, b"\n".join(data))
