"""The parts of a message (RFC 2046), found in one pass over its lines. Pure, total and linear.

Any depth is read, for nothing here calls itself: each boundary that is open is looked up by its
name, and one of an outer part closes those within it. What has no end, or no boundary, is read all
the same, so that no text is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from daemon.mailbox.parsing.fields import Fields, block_end, parameter_of, read_fields, token_of

_DASHES = re.compile(rb"\n--([^\n]*)")
_GUESS = re.compile(rb"\n--(\S[^\n]*)\n(?=content-type:)", re.IGNORECASE)
_PREAMBLE = 4000
"""Bytes in which a boundary that no header names is looked for."""
_MOST = 20_000
"""Lines that may be boundaries. What is below so many is of the last part: nobody wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its type such as `text/plain`, its header and, if it may hold text, its bytes.

    A multipart in which no part can be told from another holds text. `alternative`: it is one of
    several forms of one content.
    """

    type: str
    fields: Fields
    alternative: bool
    payload: bytes | None


@dataclass(slots=True, kw_only=True)
class _Open:
    """A part whose end is not yet seen; a leaf has no boundary."""

    type: str
    fields: Fields
    alternative: bool
    start: int
    boundary: bytes = b""
    parts: int = 0


def read_parts(fields: Fields, body: bytes) -> Iterator[Part]:
    """All parts of a message, in the order of their ends; a message within it stays whole."""
    start = int(body.startswith(b"--"))
    body = b"\n" * start + body
    tree = _Tree(body)
    tree.open(fields, start)
    for line in islice(_DASHES.finditer(body), _MOST) if tree.places else ():
        mark = line[1].rstrip()
        ends = mark not in tree.places
        place = tree.places.get(mark[:-2] if ends and mark.endswith(b"--") else mark)
        if place is None:
            continue
        yield from tree.close(place + (not ends), line.start())
        if not ends:
            head, start = block_end(body, line.end() + 1)
            tree.open(read_fields(body[line.end() + 1 : head]), start)
    yield from tree.close(0, len(body))


class _Tree:
    """The parts that are open, outermost first, and their places by boundary."""

    def __init__(self, body: bytes) -> None:
        self.places: dict[bytes, int] = {}
        self._body = body
        self._open: list[_Open] = []

    def open(self, fields: Fields, start: int) -> None:
        """A part begins. A boundary that is open already stays the outer part's."""
        parent = self._open[-1] if self._open else None
        if parent:
            parent.parts += 1
        part = _Open(
            type=_type(fields, parent),
            fields=fields,
            alternative=bool(
                parent and (parent.alternative or parent.type == "multipart/alternative")
            ),
            start=start,
        )
        if part.type.startswith("multipart/"):
            part.boundary = self._boundary(fields, start)
            self.places.setdefault(part.boundary, len(self._open))
        self._open.append(part)

    def close(self, place: int, end: int) -> Iterator[Part]:
        """The parts from a place on end here, with the line before a boundary."""
        end -= end < len(self._body) and self._body[end - 1 : end] == b"\r"
        while len(self._open) > place:
            part = self._open.pop()
            if self.places.get(part.boundary) == len(self._open):
                del self.places[part.boundary]
            text = part.type.startswith("text/") or (part.boundary and not part.parts)
            yield Part(
                type=part.type,
                fields=part.fields,
                alternative=part.alternative,
                payload=self._body[part.start : max(end, part.start)] if text else None,
            )

    def _boundary(self, fields: Fields, start: int) -> bytes:
        told = parameter_of(fields, b"content-type", "boundary")
        if told.strip():
            return told.strip().encode()
        guess = _GUESS.search(self._body, max(0, start - 1), start + _PREAMBLE)
        return guess[1].rstrip() if guess else b"\n"


def _type(fields: Fields, parent: _Open | None) -> str:
    """The type that is told, else the one that stands for nothing told (RFC 2046, 5.1)."""
    told = token_of(fields, b"content-type")
    if told.count("/") == 1 and not told.startswith("/") and not told.endswith("/"):
        return told
    digest = parent and parent.type == "multipart/digest" and not told
    return "message/rfc822" if digest else "text/plain"
