"""Which mails teach, and why the others do not. Pure.

Every mail that does not teach has one reason, the first that applies, of a closed set. All of it
takes O(n log n) for n mails, and depends on the mails alone, not on their order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlx_agent import names
from mlx_agent.records import Mail
from mlx_agent.teach.lessons import thread_of

RECIPIENT_SHARE, THREAD_SHARE = 0.2, 0.02
"""Of the places within the limit, what mails to one recipient and mails of one thread take at most,
as long as there are others to take the rest."""
SEVERAL = 2
"""Mails of one recipient or thread that are no crowd, however small the limit."""
LONG = 15
"""Words from which on texts that differ only in their capitalised words are one text."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.!?:\n]")
_ENDS = frozenset(".!?:\n")

Reason = Literal[
    "from another address",
    "excluded",
    "automatic",
    "calendar",
    "encrypted",
    "unsure where its quote ends",
    "forward without own text",
    "empty",
    "too short",
    "too long",
    "duplicate",
    "drafted and unchanged",
    "beyond the limit",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectSettings:
    """Bounds in words; `addresses` are the account's own in small letters.

    `unchanged` are the ids of mails that trimtab wrote and the user sent as they were; `excluded`
    those of mails that the user wants to be left out.
    """

    min_words: int
    max_words: int
    limit: int
    addresses: frozenset[str]
    unchanged: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A mail that does not teach, and why."""

    mail_id: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The mails that teach, oldest first, and those left out."""

    chosen: tuple[Mail, ...]
    left_out: tuple[LeftOut, ...]


def select(mails: Sequence[Mail], settings: SelectSettings) -> Selection:
    """Choose the mails that teach: of equal texts the oldest, within the limit the newest.

    Texts are equal too where they differ only in names and numbers. A recipient or a thread that
    has its share of the limit stands back: first the newest of the others are taken, and if there
    are not enough of them, the newest that stood back.
    """
    fit: list[Mail] = []
    left_out: list[LeftOut] = []
    seen: set[tuple[str, ...]] = set()
    for mail in sorted(mails, key=lambda mail: (mail.sent_at, mail.id)):
        reason = _reason(mail, settings) or _repeats(mail, seen)
        if reason:
            left_out.append(LeftOut(mail_id=mail.id, reason=reason))
        else:
            fit.append(mail)
    kept = {mail.id for mail in _varied(fit[::-1], settings.limit)}
    left_out += [
        LeftOut(mail_id=mail.id, reason="beyond the limit") for mail in fit if mail.id not in kept
    ]
    return Selection(
        chosen=tuple(mail for mail in fit if mail.id in kept), left_out=tuple(left_out)
    )


def counts(left_out: Iterable[LeftOut]) -> dict[str, int]:
    """How many mails were left out for each reason, the commonest first."""
    return dict(Counter(one.reason for one in left_out).most_common())


def _reason(mail: Mail, settings: SelectSettings) -> Reason | None:
    words = len(mail.own_text.split())
    tests: tuple[tuple[bool, Reason], ...] = (
        (mail.sender.address.lower() not in settings.addresses, "from another address"),
        (mail.id in settings.excluded, "excluded"),
        ("automatic" in mail.flags, "automatic"),
        ("calendar" in mail.flags, "calendar"),
        ("encrypted" in mail.flags, "encrypted"),
        ("unsure" in mail.flags, "unsure where its quote ends"),
        (not words and bool(mail.forwarded), "forward without own text"),
        (not words, "empty"),
        (words < settings.min_words, "too short"),
        (words > settings.max_words, "too long"),
        (mail.id in settings.unchanged, "drafted and unchanged"),
    )
    return next((reason for applies, reason in tests if applies), None)


def _repeats(mail: Mail, seen: set[tuple[str, ...]]) -> Reason | None:
    as_written, masked = tuple(mail.own_text.lower().split()), _said(mail)
    known = as_written in seen or masked in seen
    seen |= {as_written, masked}
    return "duplicate" if known else None


def _said(mail: Mail) -> tuple[str, ...]:
    """The words of a mail in small letters, one for all numbers and one for all names.

    Names are those of the people named in the header and, in a long text, whatever has a capital
    within a sentence. In a short one two such words would make most texts equal.
    """
    pieces = _WORD.findall(mail.own_text)
    people = {word.lower() for word in names.maskable(mail.sender, *mail.to, *mail.cc)}
    long = sum(piece not in _ENDS for piece in pieces) >= LONG
    said = []
    for before, piece in zip([".", *pieces], pieces, strict=False):
        if piece in _ENDS:
            continue
        capital = long and before not in _ENDS and piece[0].isupper()
        if any(map(str.isdigit, piece)):
            said.append("0")
        elif capital or piece.lower() in people:
            said.append("Name")
        else:
            said.append(piece.lower())
    return tuple(said)


def _varied(newest_first: Sequence[Mail], limit: int) -> list[Mail]:
    """At most `limit` of the mails, those of a crowd after the others."""
    most_to_one = max(SEVERAL, int(limit * RECIPIENT_SHARE))
    most_in_one = max(SEVERAL, int(limit * THREAD_SHARE))
    to, within = Counter[str](), Counter[str]()
    taken: list[Mail] = []
    crowd: list[Mail] = []
    for mail in newest_first:
        who, thread = _first_recipient(mail), thread_of(mail)
        if to[who] >= most_to_one or within[thread] >= most_in_one:
            crowd.append(mail)
        else:
            taken.append(mail)
            to[who] += 1
            within[thread] += 1
    return [*taken, *crowd][:limit]


def _first_recipient(mail: Mail) -> str:
    return mail.to[0].address.lower() if mail.to else ""
