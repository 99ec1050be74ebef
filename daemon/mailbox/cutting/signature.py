"""Where a signature begins among a mail's own lines. Pure and total.

From the end upwards, whatever a person does not write anew is taken off: a device's line, a legal
notice, a list's footer, a contact block, and all below a separator. Sign-offs are style and stay,
and so does the name that signs.
"""

from __future__ import annotations

import re

from daemon.mailbox.cutting.closings import is_name, is_sign_off
from daemon.mailbox.cutting.contacts import is_block, is_image, is_titled, may_be_of_block, weigh
from daemon.mailbox.cutting.footers import (
    begins_notice,
    is_device_line,
    is_legal_heading,
    is_near_device_line,
    notice,
)

Found = tuple[int, str]

_SEPARATOR = re.compile(r"^(?:(?P<sure>-- ?)|(?P<long>_{20,})|— ?|_{2,19}|\*{2,})\s*$")
_MUTE = re.compile(
    r"^[\s\-_=*#+~|]{5,}$|^\W{1,6}(?:File: )?[^:]{1,100}\.[A-Za-z]{2,4}\W{0,4}$|"
    r"^\(See attached file:.*\)$"
)
_MOST_PARTS = 12
"""Parts of one signature: a block, a notice in two languages, a device's line."""
_MOST_BELOW = 25
"""Lines of a signature below its separator."""
_MOST_CONTACTS = 16
_MOST_NOTICE = 60
"""Lines of one notice."""
_WRAPPED = 55
"""A line as long as this, above a block, goes on in it."""
_MOST_ENDS = 2
_MOST_ENDING = 30
"""Paragraphs that may follow a notice, and their words."""
_PROSE = 15
"""Words of a line that is of a text."""


def signature_start(lines: list[str]) -> Found | None:
    """The line where the signature begins, and why it is one; None where there is none."""
    end = _told(lines, len(lines))
    found: Found | None = _separated(lines, end)
    for _ in range(_MOST_PARTS):
        end = _told(lines, found[0] if found else end)
        above = _devices(lines, end) or _notice(lines, end) or _contacts(lines, end)
        if above is None:
            break
        separated = found is not None and found[1] == "a signature separator"
        found = (above[0], "a signature separator") if separated else above
    return found


def _filled(lines: list[str], end: int) -> int:
    """The end without the blank lines before it."""
    while end and not lines[end - 1].strip():
        end -= 1
    return end


def _told(lines: list[str], end: int) -> int:
    """The end without the lines before it that say nothing: blanks, rules, names of attachments."""
    while end and (not lines[end - 1].strip() or _MUTE.match(lines[end - 1][:200])):
        end -= 1
    return end


def _separated(lines: list[str], end: int) -> Found | None:
    """All below the first line that separates it, if it can be a signature."""
    for i in range(max(0, end - _MOST_BELOW), end):
        match = _SEPARATOR.match(lines[i][:200]) if i or lines[i].startswith("--") else None
        if match and (match["sure"] or lines[:end].count(lines[i]) == 1):
            below = [line for line in lines[i + 1 : end] if line.strip()]
            if match["sure"] or _may_follow(below, long=bool(match["long"])):
                return i, "a signature separator"
    return None


def _may_follow(below: list[str], *, long: bool) -> bool:
    """Whether these lines are a signature: a rule also divides a text, or is above a pasted one."""
    longest = max((len(line.split()) for line in below), default=0)
    if len(below) <= 6:
        return long or longest <= _PROSE or bool(notice(" ".join(below)))
    pasted = long and longest > _PROSE
    return pasted or is_block(below[:_MOST_CONTACTS]) or bool(notice(" ".join(below)))


def _devices(lines: list[str], end: int) -> Found | None:
    """Lines at the end that name a device, and what stands with them."""
    first = end
    for i in range(end - 1, -1, -1):
        line = lines[i]
        if is_device_line(line):
            first = i
        elif line.strip() and not is_near_device_line(line):
            break
    if first == end and end and is_near_device_line(lines[end - 1]):
        return None
    return (first, "a device's line") if first < end else None


def _notice(lines: list[str], end: int) -> Found | None:
    """The last paragraph, if it is a notice, or what it ends; not a mail that is nothing else."""
    last = end
    for _ in range(_MOST_ENDS + 1):
        start = _paragraph(lines, last)
        why = notice(" ".join(lines[start:last])) if start < last else ""
        if why == "a legal notice":
            start = _notice_start(lines, start, last)
        if why and (last == end or why == "a legal notice"):
            return (start, why) if _filled(lines, start) else None
        if not _ends_notice(lines[start:last]):
            return None
        last = _told(lines, start)
    return None


def _paragraph(lines: list[str], end: int) -> int:
    start = end
    while start and lines[start - 1].strip() and end - start < _MOST_NOTICE:
        start -= 1
    return start


def _ends_notice(paragraph: list[str]) -> bool:
    """Whether a short paragraph, not signed, can stand below a notice."""
    words = len(" ".join(paragraph).split())
    return 0 < words <= _MOST_ENDING and not any(map(is_name, paragraph))


def _notice_start(lines: list[str], start: int, end: int) -> int:
    """Where in its paragraph a notice begins, below own words, or with its title above."""
    first = next((i for i in range(start, end) if begins_notice(lines[i])), start)
    if first > start and (_ends(lines[first - 1]) or is_name(lines[first - 1])):
        return first
    above = _filled(lines, start)
    return above - 1 if above and is_legal_heading(lines[above - 1]) else start


def _ends(line: str) -> bool:
    """Whether a line ends a sentence, or is a sign-off."""
    return line.rstrip().endswith((".", "!", "?", ",")) or is_sign_off(line)


def _contacts(lines: list[str], end: int) -> Found | None:
    """A contact block at the end, below the name that signs or a blank line."""
    top = end
    blanks = 0
    while top and end - top < _MOST_CONTACTS and may_be_of_block(lines[top - 1]):
        top -= 1
        blanks = blanks + 1 if not lines[top].strip() else 0
        if blanks > 2:
            break
    start, signed = _below_name(lines, top, end)
    block = [line for line in lines[start:end] if line.strip()]
    above = [line.strip() for line in lines[max(0, start - 6) : start] if line.strip()]
    if not block or not above or any(line.endswith((":", "：")) for line in above[-2:]):
        return None
    if lines[start - 1].strip() and len(above[-1]) > _WRAPPED and not _ends(above[-1]):
        return None
    return (start, "a contact block") if is_block(block, signed=signed) else None


def _below_name(lines: list[str], top: int, end: int) -> tuple[int, bool]:
    """Where a block that lies between these lines begins, and whether a name is above or in it."""
    for i in range(end - 1, max(-1, _filled(lines, top) - 2), -1):
        if is_sign_off(lines[i]) and not weigh(lines[i]).kinds:
            name = next((n for n in range(i + 1, end) if lines[n].strip()), end)
            signs = name < end and _signs(lines[name])
            return max(top, _next_filled(lines, name + 1 if signs else i + 1, end)), signs
    start = _first_of_block(lines, top, end)
    signs = start < end and _signs(lines[start]) and (not start or not lines[start - 1].strip())
    alone = signs and len(lines[start].split()) == 1
    return (_next_filled(lines, start + 1, end) if alone else start), signs


def _signs(line: str) -> bool:
    return is_name(line) and not weigh(line).kinds


def _first_of_block(lines: list[str], top: int, end: int) -> int:
    """Where it begins if no sign-off is there: at its paragraphs of numbers, titles and names."""
    start = end
    while start > top:
        last = _filled(lines, start)
        first = last
        while first > top and lines[first - 1].strip() and _is_of_block(lines[first - 1]):
            first -= 1
        if first == last or not any(_is_told(line) for line in lines[first:last]):
            break
        start = first
        if start > top and lines[start - 1].strip():
            break
    return start


def _is_of_block(line: str) -> bool:
    return _is_told(line) or is_titled(line)


def _is_told(line: str) -> bool:
    """Whether a line holds anything of a contact block."""
    return bool(weigh(line).kinds) or is_image(line)


def _next_filled(lines: list[str], i: int, end: int) -> int:
    while i < end and not lines[i].strip():
        i += 1
    return i
