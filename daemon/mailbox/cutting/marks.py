"""Lines that a mail program marked as quoted: `>`, `|`, a sign, the writer's initials. Linear."""

from __future__ import annotations

import re

from daemon.mailbox.cutting.phrases import LONGEST, last_verb

_MARK = re.compile(r" {0,3}(?:>|(?P<sign>[|:}%]|[A-Z][A-Za-z]{0,2}>)(?: |$))")
_ESCAPED = ">From "
_BROKEN = 60
"""A line as long as this may have been wrapped; the rest of an address and its verb is shorter."""
_LONGEST_REMAINDER = 30


def marked(lines: list[str]) -> list[bool]:
    """Which lines are marked: by `>`, or by another sign that the next line bears too."""
    marks = [False] * len(lines)
    signs: dict[int, str] = {}
    for i, line in enumerate(lines):
        match = _MARK.match(line) if line else None
        if match is None:
            continue
        sign = match["sign"]
        if sign is not None:
            signs[i] = sign
        else:
            marks[i] = not line.startswith(_ESCAPED) or (i > 0 and marks[i - 1])
    _mark_signs(lines, marks, signs)
    return marks


def _mark_signs(lines: list[str], marks: list[bool], signs: dict[int, str]) -> None:
    """Mark runs of two lines or more with one sign; a sign of no letters needs an introduction."""
    i = 0
    for start, sign in signs.items():
        if start < i:
            continue
        i = start
        while signs.get(i) == sign:
            i += 1
        above = next((line for line in reversed(lines[max(0, start - 3) : start]) if line), "")
        sure = sign == "|" or sign.endswith(">") or last_verb(above[-100:]) is not None
        if i - start > 1 and sure and not _is_table(lines[start:i]):
            marks[start:i] = [True] * (i - start)


def _is_table(lines: list[str]) -> bool:
    return all(line.rstrip().endswith("|") and line.strip() != "|" for line in lines[:2])


def unmark_heads(lines: list[str], marks: list[bool]) -> None:
    """Take the marks off lines that begin with `>` and quote nothing.

    `> wrote:` below an address's open bracket closes it; `>>> Ben 3/3/26 9:30 >>>` is how GroupWise
    introduces a quote.
    """
    for i, line in enumerate(lines):
        if marks[i] and is_framed(line):
            marks[i] = False
        elif marks[i] and len(line) < _BROKEN and line.rstrip().endswith((":", "：")):
            above = "".join(lines[j] for j in range(max(0, i - 3), i) if not marks[j])
            marks[i] = "@" not in above or above.count("<") <= above.count(">")


def is_framed(line: str) -> bool:
    """Whether a line is as GroupWise introduces a quote, between two threefold signs."""
    return line.startswith(">>> ") and line.rstrip().endswith(" >>>") and len(line) < LONGEST


def marked_end(lines: list[str], marks: list[bool], start: int) -> int:
    """Where a run of marked lines ends; blank lines and wrapped ones between them are of it."""
    i = end = start
    while i < len(lines):
        if marks[i]:
            end = i + 1
        elif lines[i].strip() and not _is_remainder(lines, marks, i):
            break
        i += 1
    return end


def _is_remainder(lines: list[str], marks: list[bool], i: int) -> bool:
    """Whether this is the end of the marked line above, which was too long and was wrapped."""
    if i + 1 >= len(lines) or not marks[i + 1] or not marks[i - 1]:
        return False
    above, line = lines[i - 1].rstrip(), lines[i].strip()
    whole = len(above) < _BROKEN or above.endswith(tuple(".?!:>"))
    return not whole and len(line) <= _LONGEST_REMAINDER and line[0].islower()


def unmarked(line: str) -> str:
    """A marked line without its first mark; any other as it is."""
    match = _MARK.match(line)
    if match is None:
        return line
    rest = line[match.end() :]
    return rest.removeprefix(" ") if match["sign"] is None else rest
