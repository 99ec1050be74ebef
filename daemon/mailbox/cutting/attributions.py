"""Lines that introduce a quote: `On ... wrote:`, in any language, on one line or on several.

Where the quoted text is marked, a date, an address or a verb of writing above it is enough. Where
it is not, all that is below would go, so the line must hold a date and a verb, or an address and
one of the two, as the programs write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from daemon.mailbox.cutting.dates import read_date
from daemon.mailbox.cutting.marks import is_framed
from daemon.mailbox.cutting.phrases import (
    ADDRESS,
    BRACKETED,
    DATED,
    FIRST_PERSON,
    LONGEST,
    OPENS,
    QUOTING,
    TIME,
    last_verb,
    may_tell_of_writing,
)

_INVISIBLE = " \t\u200b\u200e\u200f\u202a\u202b\u202c\u2068\u2069"
_COLONS = (":", "：")
_MOST_LINES = 4
_WIDTH = 58
"""Programs wrap at this column or later."""
_MOST_BROKEN_LINES = 6
"""An address may stand on lines of its own, its brackets too."""
_WITH_TEXT = re.compile(
    r"^(\W{0,4}\w[^\n]{15,200}?<[^<>\s]{1,64}@[^<>\s]{1,80}>[^\n:]{0,24}[:：])[ \t]+(?=[^\s>])",
    re.MULTILINE,
)
_BARE = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2} \d{1,2}:\d{2} (?:GMT|UTC)\S* \S.{0,80}$")
"""Gmail's own, before 2016: it ends with the name, and says nothing of writing."""


def on_own_lines(text: str) -> str:
    """The text with a line end after each introduction that the quote follows on its own line.

    Yahoo's mobile program writes so.
    """
    return _WITH_TEXT.sub(_line_end_after, text) if "@" in text else text


def _line_end_after(match: re.Match[str]) -> str:
    line = match[1]
    sure = OPENS.match(line) and TIME.search(line) and last_verb(line) and read_date(line)
    return f"{line}\n" if sure else match[0]


def attributions(lines: list[str], marks: list[bool], ends: list[int]) -> dict[int, int]:
    """Where lines that introduce a quote begin, and where they end.

    `ends` are the lines that may be the last of such: those that hold a colon or dashes.
    """
    above = _above_marks(lines, marks)
    found = {}
    for last in sorted(above.union(ends)):
        quoted = last in above
        if marks[last] or not (quoted or _may_end(lines, last)):
            continue
        start = _start(lines, marks, last, quoted=quoted)
        if start is not None:
            found[start] = last + 1
    return found


def _may_end(lines: list[str], i: int) -> bool:
    """Whether a line can end such lines where no mark is below: with a name, a date or a verb."""
    line = lines[i].rstrip(_INVISIBLE)
    if is_framed(line):
        return True
    if not line.endswith((*_COLONS, "--")):
        return line[:1].isdigit() and bool(_BARE.match(line))
    told = (
        ">" in line or any(map(str.isdigit, line[:LONGEST])) or may_tell_of_writing(line[:LONGEST])
    )
    return told or (i > 0 and _is_wrapped(lines[i - 1], line))


def _is_wrapped(above: str, line: str) -> bool:
    """Whether a line is so long that the next one's first word found no place on it."""
    word = line.lstrip().split(" ", 1)[0]
    return len(above.strip()) + len(word) >= _WIDTH


def _above_marks(lines: list[str], marks: list[bool]) -> set[int]:
    """The lines that stand right above marked ones, blank lines aside."""
    found, filled = set(), -1
    for i, line in enumerate(lines):
        if marks[i]:
            if filled >= 0:
                found.add(filled)
            filled = -1
        elif line.strip():
            filled = i
    return found


def _start(lines: list[str], marks: list[bool], last: int, *, quoted: bool) -> int | None:
    """The first of the lines that together introduce what is below `last`."""
    joined, weak, strong = "", None, None
    for i in _upwards(lines, marks, last):
        line = lines[i].strip(_INVISIBLE)
        dated = strong is not None and bool(DATED.search(joined))
        if strong is not None and _completes(line, dated=dated):
            return i
        if strong is not None and dated and not _belongs(line, lines[i + 1]):
            return strong
        joined = f"{line} {joined}" if joined else line
        if strong is not None:
            strong = i if dated or _belongs(line, lines[i + 1]) else strong
        elif _is_whole(joined, quoted=quoted) and (i == last or _may_open(line)):
            strong = i
        elif quoted and (_hints(joined) if weak is None else _is_wrapped(line, lines[i + 1])):
            weak = i
        if strong is not None and OPENS.match(line) and DATED.search(joined):
            return strong
    return weak if strong is None else strong


def _upwards(lines: list[str], marks: list[bool], last: int) -> Iterator[int]:
    """Lines from `last` upwards that may be read together with it; of blank ones, none is given."""
    length = opened = closed = 0
    below = ""
    for i in range(last, max(-1, last - _MOST_BROKEN_LINES), -1):
        line = lines[i].strip(_INVISIBLE)
        length += len(line)
        broken = closed > opened or below.startswith("<")
        if marks[i] or length > LONGEST or (i < last and _ends_sentence(line)):
            return
        if not broken and (not line or last - i >= _MOST_LINES):
            return
        if line:
            yield i
        below = line or below
        opened, closed = opened + line.count("<"), closed + line.count(">")


def _ends_sentence(line: str) -> bool:
    """Whether a line ends one; a point after a number or a short word may be of a date."""
    if line.endswith("."):
        word = line.rsplit(" ", 1)[-1].rstrip(".")
        return len(word) > 4 and word.isalpha()
    return line.endswith(tuple("!?。！？"))


def _completes(line: str, *, dated: bool) -> bool:
    """Whether a line above what is whole already gives it its beginning, or the date it lacks."""
    if not DATED.search(line):
        return False
    return bool(OPENS.match(line)) or (not dated and _may_open(line))


def _belongs(line: str, below: str) -> bool:
    """Whether a line above what is whole already was wrapped, and is no line of a text."""
    return _is_wrapped(line, below) and (_may_open(line) or line[:1].isupper())


def _may_open(line: str) -> bool:
    """Whether the first of several lines looks like one: with a date, an address or a verb."""
    return bool(
        OPENS.match(line)
        or any(map(str.isdigit, line[:16]))
        or BRACKETED.search(line)
        or last_verb(line) is not None
    )


def _is_whole(joined: str, *, quoted: bool) -> bool:
    """Whether this can introduce a quote that nothing marks; a marked one needs less."""
    addressed = BRACKETED.search(joined) if "@" in joined else None
    if not addressed and not DATED.search(joined):
        return False
    verb = last_verb(joined)
    if verb is not None:
        return quoted or (_ends_rightly(joined, verb) and bool(addressed or read_date(joined)))
    if is_framed(joined):
        return True
    signed = addressed and joined.endswith(_COLONS) and TIME.search(joined) and read_date(joined)
    return bool(signed or _BARE.match(joined))


def _ends_rightly(joined: str, verb: re.Match[str]) -> bool:
    """Whether the verb ends the line but for a name or a date, and tells of somebody else."""
    if FIRST_PERSON.search(joined[: verb.start()]) or FIRST_PERSON.search(joined[verb.start() :]):
        return False
    rest = joined[verb.end() :].rstrip(":：- ").strip()
    if not rest or ADDRESS.search(rest) or (DATED.search(rest) and read_date(joined)):
        return True
    words = rest.split()
    return len(words) <= 6 and sum(word[0].islower() for word in words) <= 1


def _hints(joined: str) -> bool:
    """Whether this, right above marked lines, introduces them."""
    if last_verb(joined) is not None or QUOTING.match(joined):
        return True
    ends = joined.endswith(_COLONS)
    dated, addressed = bool(DATED.search(joined)), bool(ADDRESS.search(joined))
    return (dated and addressed) or (ends and (dated or addressed))
