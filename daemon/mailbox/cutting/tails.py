"""Recurring tails: what the same account's mails end with, time and again. Pure, deterministic.

A signature that no rule knows is still told by its recurrence: a firm's name, a slogan, a banner
below the name that signs. But a sign-off and a name recur as well, and they are style. So a line
is learned only if it recurs, and stands below the name that signs, or holds a number, an address, a
title or a firm. Sign-offs, names, wishes and lines of one or two words are never learned.

Time and memory are linear in the texts: of each, only the last lines are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from daemon.mailbox.cutting.closings import is_name, is_sign_off
from daemon.mailbox.cutting.contacts import is_image, is_titled, may_be_of_block, weigh
from daemon.records import Tails

_MOST_LINES = 14
"""Lines of a tail, blank ones aside."""
_LONGEST = 300
"""Characters of a line that is compared; longer ones are paragraphs of a text."""
_FEWEST = 3
_SHARE = 0.02
_ENOUGH = 20
"""In how many mails a line must recur: 3, and one in fifty. Below a name, what recurs in 20 mails
is no chance, however many others there are: the signature of some years ago is one, too."""
_BELOW = 0.8
"""The share of a line's occurrences that must be below the name; a phrase is mostly above it."""
_MOST_MAILS = 0.6
"""The share of mails in which a name stands that must be the account's own."""
_OPEN = 0.5
"""The share of a block's occurrences below which another line follows, for it to be a frame."""
_MOST_OPEN = 4
"""Lines of what stands in such a frame, as a quotation of the day."""


@dataclass(frozen=True, slots=True)
class _End:
    """The last lines of a text, and where among them the name that signs ends; 0 without one."""

    lines: tuple[str, ...]
    signed: int


def learn_tails(texts: Iterable[str]) -> Tails:
    """The recurring tails of an account's own texts, of which equal ones count once."""
    ends = [_last_lines(text) for text in dict.fromkeys(texts)]
    enough = min(max(_FEWEST, round(_SHARE * len(ends))), _ENOUGH)
    seen = Counter(line for lines in ends for line in set(lines))
    kinds = {line: _kind(line) for line, count in seen.items() if count >= enough}
    if not any(kind in _LEARNED for kind in kinds.values()):
        return Tails()
    ends = [lines for lines in ends if not kinds.keys().isdisjoint(lines)]
    names = _signing_names(ends, kinds)
    read = [_End(lines, _signed(lines, kinds, names)) for lines in ends]
    below = Counter(line for end in read for line in set(_candidates(end, kinds)))
    lines = {
        line for line, count in below.items() if count >= enough and count >= _BELOW * seen[line]
    }
    return Tails(lines=frozenset(lines), frames=frozenset(_frames(read, lines, kinds, enough)))


def split_tail(own_text: str, tails: Tails) -> tuple[str, str]:
    """An own text without its recurring tail, and the tail; empty where it has none."""
    if not tails.lines:
        return own_text, ""
    lines = own_text.split("\n")
    start = _tail_start(lines, tails)
    if start is None:
        return own_text, ""
    return "\n".join(lines[:start]).rstrip(), "\n".join(lines[start:]).strip("\n")


def _last_lines(text: str) -> tuple[str, ...]:
    """The last lines that hold anything, from the top."""
    found: list[str] = []
    end = len(text)
    while end > 0 and len(found) <= _MOST_LINES:
        start = text.rfind("\n", 0, end) + 1
        line = " ".join(text[start:end][: 2 * _LONGEST].split())
        if line:
            found.append(line[:_LONGEST])
        end = start - 1
    return tuple(reversed(found[:_MOST_LINES]))


# --- learning ---------------------------------------------------------------------------------

_LEARNED = ("told", "words")
_STYLE = ("sign-off", "name", "short")


def _kind(line: str) -> str:
    """What a recurring line is: style, something told by its words alone, or neither."""
    if is_sign_off(line):
        return "sign-off"
    weight = weigh(line)
    if is_image(line) or (weight.kinds and may_be_of_block(line)):
        told = bool(weight.kinds & {"phone", "email", "site", "place"}) or is_titled(line)
        return "told" if told else "words"
    if is_name(line) and len(line.split()) <= 3:
        return "name"
    return "words" if len(line.split()) >= 3 or len(line) >= 12 else "short"


def _signing_names(ends: list[tuple[str, ...]], kinds: dict[str, str]) -> set[str]:
    """The recurring names that sign: last of a mail, below a sign-off, or in most mails."""
    counts = Counter(line for lines in ends for line in set(lines) if kinds.get(line) == "name")
    names = {name for name, count in counts.items() if count > _MOST_MAILS * len(ends)}
    for lines in ends:
        names |= {lines[-1]} & counts.keys()
        above = ("", *lines)
        names |= {b for a, b in zip(above, lines, strict=False) if kinds.get(a) == "sign-off"}
    return names & counts.keys()


def _signed(lines: Sequence[str], kinds: dict[str, str], names: set[str]) -> int:
    """Where the name that signs ends: below the last sign-off, else at the first such name."""
    for i in range(len(lines) - 1, 0, -1):
        if kinds.get(lines[i]) == "sign-off":
            follows = i + 1 < len(lines) and (
                kinds.get(lines[i + 1]) in ("name", "short") or is_name(lines[i + 1])
            )
            return i + 1 + follows
    return next((i + 1 for i in range(1, len(lines)) if lines[i] in names), 0)


def _candidates(end: _End, kinds: dict[str, str]) -> Iterator[str]:
    """Lines of an end that may be of a tail: those below the name, else what tells of itself."""
    for line in end.lines[end.signed :]:
        kind = kinds.get(line)
        if kind == "told" or (kind == "words" and end.signed):
            yield line


def _frames(ends: list[_End], lines: set[str], kinds: dict[str, str], enough: int) -> Iterator[str]:
    """Learned lines that are the last of their block, and have something else below."""
    last: Counter[str] = Counter()
    followed: Counter[str] = Counter()
    for end in ends:
        at = max((i for i, line in enumerate(end.lines) if line in lines), default=-1)
        below = end.lines[at + 1 :]
        if at >= 0:
            last[end.lines[at]] += 1
            style = any(kinds.get(line) in _STYLE for line in below)
            followed[end.lines[at]] += 0 < len(below) <= _MOST_OPEN and not style
    return (line for line, n in followed.items() if n >= enough and n >= _OPEN * last[line])


# --- splitting --------------------------------------------------------------------------------


def _tail_start(lines: list[str], tails: Tails) -> int | None:
    """The first line of the tail, if the text ends with one."""
    filled = [i for i in range(len(lines) - 1, -1, -1) if lines[i].strip()][: _MOST_LINES + 2]
    marks = [_comparable(lines[i]) in tails.lines for i in filled]
    at = next((n for n, mark in enumerate(marks) if mark), None)
    if at is None or (at and not _is_framed(lines, filled, at, tails)):
        return None
    while at + 1 < len(filled) and (marks[at + 1] or any(marks[at + 1 : at + 3])):
        at += 1
    return _with_title(lines, filled, at)


def _is_framed(lines: list[str], filled: list[int], at: int, tails: Tails) -> bool:
    """Whether what follows the last learned line is what changes in a frame."""
    if at > _MOST_OPEN or _comparable(lines[filled[at]]) not in tails.frames:
        return False
    return not any(is_sign_off(lines[i]) for i in filled[:at])


def _with_title(lines: list[str], filled: list[int], at: int) -> int:
    """The start of a tail, with the rule above it, and a second name below the one that signs."""
    while at + 1 < len(filled) and not lines[filled[at + 1]].strip(" -—_*=~|•·"):
        at += 1
    names = [n for n in (at + 1, at + 2) if n < len(filled) and _is_signing(lines[filled[n]])]
    if len(names) == 2 and not is_sign_off(lines[filled[at + 1]]):
        at += 1
    return filled[at]


def _is_signing(line: str) -> bool:
    return is_name(line) and not is_sign_off(line) and not line.rstrip().endswith((".", "!", "?"))


def _comparable(line: str) -> str:
    return " ".join(line[: 2 * _LONGEST].split())[:_LONGEST]
