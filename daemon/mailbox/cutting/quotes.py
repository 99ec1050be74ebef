"""Where quotes and forwards lie in a body's lines. Pure, total, and linear in the body's length.

A quote is either marked line by line, and text may follow it, or is all that follows a heading: a
header block, "Original message", a line that introduces it. The lines come back as blocks, in
order; a quote within a marked quote is found by reading the quote's lines again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from daemon.mailbox.cutting.attributions import attributions
from daemon.mailbox.cutting.header_blocks import (
    header_blocks,
    notes_headings,
    read_block,
    read_field,
)
from daemon.mailbox.cutting.marks import marked, marked_end, unmark_heads
from daemon.mailbox.cutting.phrases import (
    DASHED,
    DRAWN,
    FORWARD_OPENS,
    FORWARDED,
    LONGEST,
    ORIGINAL,
    RULE,
)

Kind = Literal["text", "marked", "heading"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Lines, up to `end`, above a quote.

    `introduces`: `On ... wrote:` and nothing more. `whole`: all that follows is quoted, for its
    program marks no lines; marks below it are of an older quote.
    """

    end: int
    why: str
    forward: bool = False
    introduces: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines of one kind. Those before `head_end` tell of the quote and are not of it.

    After a `heading`, all text is that of another writer.
    """

    kind: Kind
    start: int
    head_end: int
    end: int
    why: str = ""
    forward: bool = False
    introduces: bool = False


def read_blocks(lines: list[str]) -> list[Block]:
    """A body's blocks, in order; together they are the whole."""
    marks = marked(lines)
    unmark_heads(lines, marks)
    heads = _heads(lines, marks)
    return list(_blocks(lines, marks, heads))


def next_filled(lines: list[str], i: int) -> int:
    """The first line from i on that holds anything."""
    while i < len(lines) and not lines[i].strip():
        i += 1
    return i


def _blocks(lines: list[str], marks: list[bool], heads: dict[int, Head]) -> Iterator[Block]:
    i = start = 0
    while i < len(lines):
        head = heads.get(i)
        if head is None and not marks[i]:
            i += 1
            continue
        if start < i:
            yield Block(kind="text", start=start, head_end=start, end=i)
        block = _quote(lines, marks, i, head or Head(end=i, why="quoted lines", whole=False))
        yield block
        i = start = block.end
    if start < len(lines):
        yield Block(kind="text", start=start, head_end=start, end=len(lines))


def _quote(lines: list[str], marks: list[bool], start: int, head: Head) -> Block:
    below = next_filled(lines, head.end)
    is_marked = not head.whole and below < len(lines) and marks[below]
    return Block(
        kind="marked" if is_marked else "heading",
        start=start,
        head_end=below if is_marked else head.end,
        end=marked_end(lines, marks, below) if is_marked else head.end,
        why=head.why,
        forward=head.forward,
        introduces=head.introduces,
    )


def _heads(lines: list[str], marks: list[bool]) -> dict[int, Head]:
    """The heads above quotes, by their first lines; the rule that is drawn above one is of it."""
    colons = [i for i, line in enumerate(lines) if ":" in line or "：" in line]
    ends = [i for i, line in enumerate(lines) if ":" in line or "：" in line or "--" in line]
    drawn = [i for i, line in enumerate(lines) if line and _is_drawn(line)]
    rules = {i for i in drawn if len(lines[i]) < LONGEST and RULE.match(lines[i])}
    dashed = dict(_forwards(lines, colons))
    dashed |= dict(_dashed_heads(lines, drawn))
    others = {i for i, mark in enumerate(marks) if mark}
    others |= {i for start, head in dashed.items() for i in range(start, head.end)}
    ruled = {next_filled(lines, i + 1) for i in rules}
    heads = {
        start: Head(end=end, why="a line that introduces a quote", introduces=True, whole=False)
        for start, end in attributions(lines, marks, ends).items()
    }
    for start, end in notes_headings(lines, others).items():
        heads[start] = Head(end=end, why="a Notes header")
    for start, end in header_blocks(lines, colons, ruled).items():
        heads[start] = Head(end=end, why="a header block")
    for start, head in dashed.items():
        heads[start] = _with_header(lines, head, heads)
    return {_with_rule(lines, start, rules): head for start, head in heads.items()}


def _is_drawn(line: str) -> bool:
    return line[0] in DRAWN or (line[0] in " \t" and line.lstrip()[:1] in DRAWN)


def _forwards(lines: list[str], colons: list[int]) -> Iterator[tuple[int, Head]]:
    """`Begin forwarded message:`, as Apple Mail writes it."""
    for i in colons:
        line = lines[i].strip()
        if len(line) < LONGEST and line.endswith((":", "：")) and FORWARD_OPENS.match(line):
            yield i, Head(end=i + 1, why="a forwarded message", forward=True, whole=False)


def _dashed_heads(lines: list[str], drawn: list[int]) -> Iterator[tuple[int, Head]]:
    """`--- Original Message ---`, `--- Forwarded by ... ---`."""
    for i in drawn:
        head = _dashed_head(lines, i) if len(lines[i]) < LONGEST else None
        if head is not None:
            yield i, head


def _dashed_head(lines: list[str], i: int) -> Head | None:
    match = DASHED.match(lines[i])
    if match is None:
        return None
    closed = bool(match["close"])
    if FORWARDED.search(match["words"]) and (closed or len(match["open"]) >= 5):
        below = lines[i + 1 : i + 3] if not closed else []
        wrapped = (n for n, line in enumerate(below, 1) if line.rstrip().endswith("--"))
        return Head(end=i + 1 + next(wrapped, 0), why="a forwarded message", forward=True)
    if not closed:
        return None
    first = next_filled(lines, i + 1)
    headed = first < len(lines) and read_field(lines[first]) is not None
    if headed or ORIGINAL.search(match["words"]):
        return Head(end=i + 1, why="an original message below")
    return None


def _with_header(lines: list[str], head: Head, heads: dict[int, Head]) -> Head:
    """The same, with the header lines that follow."""
    below = next_filled(lines, head.end)
    if below - head.end > 2 or below == len(lines):
        return head
    header = heads.get(below)
    if header is not None:
        return replace(head, end=header.end, whole=head.whole and header.whole)
    return replace(head, end=max(head.end, read_block(lines, below).end))


def _with_rule(lines: list[str], start: int, rules: set[int]) -> int:
    for i in range(start - 1, max(-1, start - 4), -1):
        if i in rules:
            return i
        if lines[i].strip():
            break
    return start
