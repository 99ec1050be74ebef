"""The messages that a body quotes: who wrote them, when, and what. Pure and total.

Each level of marks is a message, and so is what follows each heading. A time without an offset is
read as if in UTC (`daemon.mailbox.cutting.dates`), for a quote does not tell its zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from daemon.mailbox.cutting.marks import unmarked
from daemon.mailbox.cutting.quotes import Block, read_blocks
from daemon.mailbox.cutting.writers import read_author, read_sent
from mlx_agent.records import ContextMessage

_DEEPEST = 20
"""Deeper quotes than this stay part of their message."""


@dataclass(slots=True)
class _Message:
    """A message while it is gathered: the lines that tell of it, its own, what it quotes."""

    head: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    quotes: list[_Message] = field(default_factory=list)


def context_of(lines: list[str], blocks: list[Block]) -> Iterator[ContextMessage]:
    """The messages that these blocks quote, nearest first; the text of the first writer is left."""
    first, *others = _gathered(lines, blocks)
    for quote in first.quotes:
        yield from _read(quote, depth=0)
    for other in others:
        yield from _told(other, depth=0)


def quoted_messages(text: str) -> Iterator[ContextMessage]:
    """The messages in a text that is quoted as a whole, nearest first."""
    return _read(_Message(lines=text.split("\n")), depth=0)


def _gathered(lines: list[str], blocks: list[Block]) -> list[_Message]:
    """The writers of these blocks, each with what it quotes."""
    messages = [_Message()]
    for block in blocks:
        current = messages[-1]
        head, body = lines[block.start : block.head_end], lines[block.head_end : block.end]
        if block.kind == "heading":
            messages.append(_Message(head=head))
        elif block.kind == "text":
            current.lines += body
        elif head or not current.quotes:
            current.quotes.append(_Message(head=head, lines=[unmarked(line) for line in body]))
        else:  # the same message is quoted on, below an answer
            current.quotes[-1].lines += ["", *(unmarked(line) for line in body)]
    return messages


def _read(message: _Message, depth: int) -> Iterator[ContextMessage]:
    """A message and those within it; its lines are read again, once for each level of marks."""
    if depth >= _DEEPEST:
        yield from _told(message, depth)
        return
    first, *others = _gathered(message.lines, read_blocks(message.lines))
    first.head = message.head
    for writer in (first, *others):
        yield from _told(writer, depth + 1)


def _told(message: _Message, depth: int) -> Iterator[ContextMessage]:
    """A message whose lines were read, and what it quotes.

    Below a heading, marks alone are those of the message itself.
    """
    if message.head and len(message.quotes) == 1 and not any(map(str.strip, message.lines)):
        quote = message.quotes[0]
        yield from _read(quote if quote.head else replace(quote, head=message.head), depth)
        return
    text = "\n".join(line.rstrip() for line in message.lines).strip("\n")
    if text.strip():
        yield ContextMessage(
            author=read_author(message.head),
            sent_at=read_sent(message.head),
            text=re.sub(r"\n{3,}", "\n\n", text),
        )
    for quote in message.quotes:
        yield from _read(quote, depth)
