"""Which mails teach, and why the others do not. Pure.

Every mail that does not teach has one reason, the first that applies, of a closed set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlx_agent.records import Mail

Reason = Literal[
    "from another address",
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

    `unchanged` are the ids of mails that trimtab wrote and the user sent as they were.
    """

    min_words: int
    max_words: int
    limit: int
    addresses: frozenset[str]
    unchanged: frozenset[str] = frozenset()


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
    """Choose the mails that teach: of equal texts the oldest, within the limit the newest."""
    chosen: list[Mail] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    for mail in sorted(mails, key=lambda mail: (mail.sent_at, mail.id)):
        reason = _reason(mail, settings) or _repeats(mail, seen)
        if reason:
            left_out.append(LeftOut(mail_id=mail.id, reason=reason))
        else:
            chosen.append(mail)
    too_many = chosen[: max(0, len(chosen) - settings.limit)]
    left_out += [LeftOut(mail_id=mail.id, reason="beyond the limit") for mail in too_many]
    return Selection(chosen=tuple(chosen[len(too_many) :]), left_out=tuple(left_out))


def counts(left_out: Iterable[LeftOut]) -> dict[str, int]:
    """How many mails were left out for each reason, the commonest first."""
    return dict(Counter(one.reason for one in left_out).most_common())


def _reason(mail: Mail, settings: SelectSettings) -> Reason | None:
    words = len(mail.own_text.split())
    tests: tuple[tuple[bool, Reason], ...] = (
        (mail.sender.address.lower() not in settings.addresses, "from another address"),
        (bool(mail.flags & {"automatic", "list"}), "automatic"),
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


def _repeats(mail: Mail, seen: set[str]) -> Reason | None:
    text = " ".join(mail.own_text.lower().split())
    if text in seen:
        return "duplicate"
    seen.add(text)
    return None
