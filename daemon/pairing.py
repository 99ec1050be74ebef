"""Which sent mail was which draft. Pure.

A wrong pair would teach the agent a stranger's mail, and a missed one trimtab's own text; so what
is certain goes before what is likely, and what is nearer before what is farther.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from daemon.mailbox.message_ids import draft_named_by, is_ours
from mlx_agent.differences import share_edited, words_of
from mlx_agent.records import Address, Draft, Mail

WINDOW = timedelta(days=14)
"""A mail that names no draft is looked for this long after the draft was made."""
SKEW = timedelta(minutes=2)
"""By this much a mail's Date may lie before the draft it came from: clocks differ."""
SIMILAR = 0.5
"""1 - edit distance from which a mail to the same recipient is the draft."""
RUN, COPIED = 5, 0.5
"""A mail that names no draft is trimtab's if half of its runs of five words stand in drafts."""

MatchedBy = Literal["header", "message-id", "thread", "similarity", "client"]
GUESSES: frozenset[MatchedBy] = frozenset({"thread", "similarity"})
_UNTOLD = frozenset({"automatic", "calendar", "encrypted", "forward", "unsure"})
"""Flags of mails of which nobody can tell what the user wrote in them, or that are no letters."""
_REPLY_MARKS = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|rif|odp|ref)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A sent mail and the draft it was."""

    mail: Mail
    draft: Draft
    matched_by: MatchedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """The drafts that mails are looked for.

    `by_message_id` are those saved or sent, by the Message-ID they left under; `reported` the texts
    that clients saw being sent, by the draft's id; `guessed` the ids of drafts that have a mail
    already which does not name them, and which one that does takes the place of.
    """

    drafts: Sequence[Draft]
    by_message_id: Mapping[str, Draft] = field(default_factory=dict)
    reported: Mapping[str, str] = field(default_factory=dict)
    guessed: Collection[str] = frozenset()


def pair(mails: Sequence[Mail], sought: Sought, own: Collection[str] = ()) -> list[Pair]:
    """Which mail was which draft: each mail and each draft at most once, the surest first.

    A mail is, in this order: the draft that its own header names; the draft saved or sent under its
    Message-ID; a draft of its thread; a draft whose text is similar. Whatever a later way finds, an
    earlier one has not, for any mail. The last two look among the drafts of the 14 days before to
    one of the mail's recipients, and take the nearest texts first. They find nothing for a forward,
    for a mail that names another draft, nor for one whose sender is neither the draft's nor among
    `own`, the account's addresses in small letters.
    """
    search = _Search(mails, sought, own)
    ways: tuple[tuple[MatchedBy, Callable[[], Iterator[tuple[Mail, Draft]]]], ...] = (
        ("header", search.by_header),
        ("message-id", search.by_message_id),
        ("thread", search.by_thread),
        ("similarity", search.by_similarity),
    )
    pairs = []
    for matched_by, way in ways:
        for mail, draft in way():
            if search.take(mail, draft):
                pairs.append(Pair(mail=mail, draft=draft, matched_by=matched_by))
    return pairs


def named_draft(
    mail: Mail, drafts: Mapping[str, Draft], by_message_id: Mapping[str, Draft]
) -> Draft | None:
    """The draft that the mail itself names: by its header, else by its Message-ID."""
    if mail.draft_id is not None:
        return drafts.get(mail.draft_id)
    ours = draft_named_by(mail.message_id)
    return by_message_id.get(mail.message_id) or drafts.get(ours)


class _Search:
    """The mails and drafts that have not found each other yet."""

    def __init__(self, mails: Sequence[Mail], sought: Sought, own: Collection[str]) -> None:
        letters = [mail for mail in mails if _UNTOLD.isdisjoint(mail.flags)]
        self._mails = sorted(letters, key=lambda mail: (mail.sent_at, mail.id))
        self._sought = sought
        self._own = own
        self._drafts = {draft.id: draft for draft in sought.drafts}
        self._found: set[str] = set()
        self._by_recipient: dict[str, list[Draft]] = {}
        for draft in sought.drafts:
            if draft.id not in sought.guessed:
                self._by_recipient.setdefault(_first(draft), []).append(draft)
        self._words = {
            draft.id: [words_of(text) for text in _texts(draft, sought.reported)]
            for draft in sought.drafts
        }

    def take(self, mail: Mail, draft: Draft) -> bool:
        """These two, unless one of them has been found."""
        if mail.id in self._found or draft.id not in self._drafts:
            return False
        self._found.add(mail.id)
        del self._drafts[draft.id]
        return True

    def by_header(self) -> Iterator[tuple[Mail, Draft]]:
        """Whatever subject, recipient and text have become."""
        for mail in self._mails:
            named = self._drafts.get(mail.draft_id or "")
            if named is not None:
                yield mail, named

    def by_message_id(self) -> Iterator[tuple[Mail, Draft]]:
        """The same; but for a mail whose header names another draft."""
        for mail in self._mails:
            sent_as = named_draft(mail, self._drafts, self._sought.by_message_id)
            if sent_as is not None and mail.draft_id is None:
                yield mail, sent_as

    def by_thread(self) -> Iterator[tuple[Mail, Draft]]:
        """Answers to the same mail first, then the nearest texts."""
        yield from self._nearest(_same_thread, lambda mail, draft: not _same_parent(mail, draft))

    def by_similarity(self) -> Iterator[tuple[Mail, Draft]]:
        """The nearest texts that are near enough."""
        yield from self._nearest(_any_thread, lambda *_: False, farthest=1 - SIMILAR)

    def _nearest(
        self,
        fits: Callable[[Mail, Draft], bool],
        stands_back: Callable[[Mail, Draft], bool],
        farthest: float = 1.0,
    ) -> Iterator[tuple[Mail, Draft]]:
        """Of equally near ones the earliest mail goes first, and the newest draft."""
        found = []
        for place, mail in enumerate(self._mails):
            words = words_of(mail.own_text)
            for draft in self._in_reach(mail):
                far = self._far(draft, words, farthest) if fits(mail, draft) else 2.0
                if far <= farthest:
                    age = mail.sent_at - draft.created_at
                    found.append(((stands_back(mail, draft), far, place, age), mail, draft))
        for _, mail, draft in sorted(found, key=lambda each: each[0]):
            yield mail, draft

    def _far(self, draft: Draft, words: Sequence[str], farthest: float) -> float:
        """How far the nearest text is; more than `farthest` where its length alone says that."""
        near = [
            text
            for text in self._words[draft.id]
            if abs(len(text) - len(words)) <= farthest * max(len(text), len(words))
        ]
        return min((share_edited(text, words) for text in near), default=2.0)

    def _in_reach(self, mail: Mail) -> list[Draft]:
        """Drafts to one of the mail's recipients within the window, if it may be one of them.

        One that was made before it had a recipient may be what answers the same mail.
        """
        if mail.id in self._found or mail.forwarded or self._is_named(mail):
            return []
        to = {address.address.lower() for address in mail.to}
        return [
            draft
            for recipient in ("", *to)
            for draft in self._by_recipient.get(recipient, ())
            if (recipient or _same_parent(mail, draft)) and draft.id in self._drafts
            if self._is_from(mail, draft.x.metadata.sender)
            if -SKEW <= mail.sent_at - draft.created_at <= WINDOW
        ]

    def _is_from(self, mail: Mail, sender: Address) -> bool:
        address = mail.sender.address.lower()
        return address == sender.address.lower() or address in self._own

    def _is_named(self, mail: Mail) -> bool:
        named = mail.draft_id is not None or mail.message_id in self._sought.by_message_id
        return named or is_ours(mail.message_id)


def _texts(draft: Draft, reported: Mapping[str, str]) -> list[str]:
    """What a mail is like that the draft became."""
    return [draft.text, *filter(None, [reported.get(draft.id)])]


def _first(draft: Draft) -> str:
    to = draft.x.metadata.to
    return to[0].address.lower() if to else ""


def _any_thread(mail: Mail, draft: Draft) -> bool:  # noqa: ARG001  # as `_same_thread` is called
    return True


def _same_parent(mail: Mail, draft: Draft) -> bool:
    return bool(draft.in_reply_to) and draft.in_reply_to == mail.in_reply_to


def _same_thread(mail: Mail, draft: Draft) -> bool:
    """By the Message-IDs of both (RFC 5322, 3.6.4); by the subject where one of them has none."""
    ours = {draft.in_reply_to, *draft.references} - {""}
    theirs = {mail.in_reply_to, *mail.references} - {""}
    if ours and theirs:
        return not ours.isdisjoint(theirs)
    subject = bare_subject(mail.subject)
    return bool(subject) and subject == bare_subject(draft.x.metadata.subject)


def bare_subject(subject: str) -> str:
    """A subject without marks of reply, in lower case with single blanks."""
    return " ".join(_REPLY_MARKS.sub("", subject).casefold().split())


# --- texts that drafts were copied into -------------------------------------------------------


def copied(mails: Sequence[Mail], drafts: Sequence[Draft]) -> frozenset[str]:
    """The ids of the mails that hold mostly what stood in drafts made before them.

    It finds what no pair does: a draft that went to somebody else, into a forward, or out again
    later. Linear in the texts.
    """
    waiting = sorted(drafts, key=lambda draft: draft.created_at, reverse=True)
    known: set[tuple[str, ...]] = set()
    found = set()
    for mail in sorted(mails, key=lambda mail: mail.sent_at):
        while waiting and waiting[-1].created_at <= mail.sent_at + SKEW:
            known |= _runs(waiting.pop().text)
        runs = _runs(mail.own_text) if known else set()
        if runs and len(runs & known) >= COPIED * len(runs):
            found.add(mail.id)
    return frozenset(found)


def _runs(text: str) -> set[tuple[str, ...]]:
    """The runs of five words; of a shorter text itself."""
    words = words_of(text)
    return {tuple(words[i : i + RUN]) for i in range(max(1, len(words) - RUN + 1)) if words}
