"""Header blocks above a quote: as Outlook and Exchange write them, and as Notes does.

A block is told by the names of its lines, in any language of `phrases.FIELDS`; that of Notes by a
name and a date above its `To:`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from daemon.mailbox.cutting.phrases import DATED, DIRECTIONS, FIELDS, LONGEST, TIME, YEAR, Field

_LONGEST_NAME = 44
"""With the signs around it: programs indent it, and make it bold."""
_AROUND = " \t*_"
_PLAIN = {**DIRECTIONS, ord("："): ":"}
_MOST_LINES = 80
"""A list of recipients may take as many."""
_WRAPPED = 55
"""A line as long as this may go on in the next one."""

_NOTES_DATE = re.compile(
    r"(?<!\d)\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2}) "
    r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:[AP]M)?\s*$"
)
_NOTES_HEAD = re.compile(
    r"^(?:\t|\s*(?:Please respond to|Sent by:|From:|Gesendet von:|Von:|Envoyé par|Enviado por:|"
    r"Inviato da:|Verzonden door:|De:|Da:|Van:))"
)
TO_LINE = re.compile(r"^\s{0,12}(?:to|an|à|para|aan|till|til|do|komu)\s{0,4}(?::|$)", re.IGNORECASE)
"""`To: ...`, or `To` alone, as Notes writes it since its sixth version."""
_NOTES_SUBJECT = (
    "subject",
    "thema",
    "betreff",
    "objet",
    "asunto",
    "oggetto",
    "onderwerp",
    "assunto",
)


@dataclass(slots=True)
class _Block:
    """A header block while it is read; `end` is the line after its last."""

    end: int
    fields: dict[Field, str] = field(default_factory=dict)
    last: Field = "other"


def read_field(line: str) -> tuple[Field, str] | None:
    """The kind and the value of a header line."""
    line = line[:LONGEST]
    if not line.isascii():
        line = line.translate(_PLAIN)
    name, colon, value = line.partition(":")
    kind = FIELDS.get(name.strip(_AROUND).lower()) if colon and len(name) <= _LONGEST_NAME else None
    return (kind, value.strip(_AROUND)) if kind else None


def header_blocks(lines: list[str], colons: list[int], ruled: set[int]) -> dict[int, int]:
    """Where header blocks begin and end; below a drawn rule (`ruled`) less is asked of one.

    `colons` are the lines that hold a colon.
    """
    found = {}
    end = 0
    for i in colons:
        named = read_field(lines[i]) if i >= end else None
        if named is None or named[0] == "other":
            continue
        block = read_block(lines, i)
        if _is_header(block.fields, ruled=i in ruled):
            end = found[i] = block.end
    return found


def read_block(lines: list[str], i: int) -> _Block:
    """The header lines from line i on, blank lines between them aside."""
    block = _Block(end=i)
    for n, line in enumerate(lines[i : i + _MOST_LINES], i):
        named = read_field(line)
        if named and (named[0] == "other" or named[0] not in block.fields):
            block.fields[named[0]] = named[1]
            block.last = named[0]
        elif named or not (_is_wrapped(lines, n, block) or _goes_on(lines, n, block)):
            break
        block.end = n + 1 if line.strip() else block.end
    return block


def _is_wrapped(lines: list[str], i: int, block: _Block) -> bool:
    """Whether a line is the rest of the header line above it."""
    line, above = lines[i].rstrip(), lines[i - 1].rstrip() if i else ""
    if not line or not above or not block.fields:
        return False
    listed = block.last in ("to", "cc") and ("@" in line or ";" in line)
    return listed or line[0] in " \t[<" or len(above) >= _WRAPPED or above.endswith((",", ";"))


def _goes_on(lines: list[str], i: int, block: _Block) -> bool:
    """Whether a line, blank or with a name that is not known, stands among header lines."""
    if not block.fields or (lines[i].strip() and ":" not in lines[i][:_LONGEST_NAME]):
        return False
    following = next((line for line in lines[i + 1 : i + 3] if line.strip()), "")
    named = read_field(following)
    return named is not None and named[0] not in block.fields


def _is_header(fields: dict[Field, str], *, ruled: bool) -> bool:
    """Whether these are enough of a header: with an address, or a date that a program wrote."""
    others = len(fields.keys() & {"sent", "to", "cc", "subject"})
    sent = fields.get("sent", "")
    sure = any("@" in value for value in fields.values())
    sure |= bool(
        DATED.search(sent) and ("subject" in fields or (YEAR.search(sent) and TIME.search(sent)))
    )
    sure |= _NOTES_DATE.search(fields.get("from", "")) is not None
    if "from" not in fields:
        return ruled and sure and others >= 3
    return sure and others >= (1 if ruled else 2)


def notes_headings(lines: list[str], others: set[int]) -> dict[int, int]:
    """Where headings of Notes begin and end: a name and a date above `To:`, or a whole memo.

    `others` are lines that are marked, or of another kind of head: no heading reaches above one.
    """
    found = {}
    end = 0
    for to in sorted(others.union(i for i, line in enumerate(lines) if TO_LINE.match(line))):
        if to < end or to in others:
            end = max(end, to + 1)
            continue
        start, dated = _top(lines, to, end)
        bare = ":" not in lines[to]
        below = _bare_end(lines, to) if bare else read_block(lines, to).end
        if below and (dated or (not bare and _is_memo(lines, to))):
            end = found[start] = below
    return found


def _top(lines: list[str], to: int, least: int) -> tuple[int, bool]:
    """The first line of the heading that ends at a `To:`, and whether a date is in it."""
    start, dated = to, False
    bottom = to
    while bottom > least and to - bottom < 20:
        for _ in range(3):
            bottom -= bool(bottom > least and not lines[bottom - 1].strip())
        top = bottom
        begun = False
        while not begun and top > least and to - top < 30 and _is_heading(lines[top - 1]):
            top -= 1
            begun = not lines[top].startswith("\t") and _names_sender(lines[top])
        block = lines[top:bottom]
        dates = [line for line in block if _NOTES_DATE.search(line[-40:])]
        if not dates and not any(map(_NOTES_HEAD.match, block)):
            break
        dated = dated or bool(dates)
        start = bottom = top
        if begun:
            break
    return start, dated


def _names_sender(line: str) -> bool:
    named = read_field(line)
    return named is not None and named[0] == "from"


def _is_heading(line: str) -> bool:
    """Whether a line can be of such a heading: a name, a place, a number, a date."""
    if _NOTES_HEAD.match(line):
        return True
    return bool(line.strip()) and len(line) < 80 and not line.rstrip().endswith(tuple(".?!,;"))


def _is_memo(lines: list[str], to: int) -> bool:
    """Whether `cc:` and `Subject:` follow a `To:`."""
    fields = read_block(lines, to).fields
    return "subject" in fields and "cc" in fields


def _bare_end(lines: list[str], to: int) -> int | None:
    """Where a heading ends whose names stand on lines of their own: below the subject's."""
    for i in range(to + 1, min(len(lines), to + 20)):
        if lines[i].strip().lower() in _NOTES_SUBJECT:
            return min(len(lines), i + 2)
    return None
