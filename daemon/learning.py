"""Learning from edits: which sent mail was which draft, and what the user changed.

The decisions (`normalise`, `edit_distance`, `pair`) are pure; `find_edits` and `record_sent` read
and write the store and may be repeated. Nothing here reads a mailbox or calls a model.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from daemon.errors import DraftNotFound
from daemon.mailbox.message_ids import is_ours
from daemon.mailbox.text import cut, uncited
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Address, Draft, Edit, Mail

WINDOW = timedelta(days=14)
"""A mail that names no draft is looked for this long after the draft was made."""
SKEW = timedelta(minutes=2)
"""By this much a mail's Date may lie before the draft it came from: clocks differ."""
SIMILAR = 0.5
"""1 - edit distance from which a mail to the same recipient is the draft."""

MatchedBy = Literal["header", "message-id", "thread", "similarity", "client"]
Clock = Callable[[], datetime]

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00a0": " ",
        "\u200b": "",
        "\u00ad": "",
        "\ufeff": "",
    }
)
_DASHES = re.compile("-{2,}")
_REPLY_MARKS = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|rif|odp|ref)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE
)
# --- how far apart two texts are --------------------------------------------------------------


def normalise(text: str) -> str:
    """The text as it reads, on one line: single blanks, plain quotes and dashes.

    Mail programs wrap lines and exchange signs; neither is an edit of the user's.
    """
    return _DASHES.sub("-", " ".join(text.translate(_SIGNS).split()))


def edit_distance(draft_text: str, final_text: str) -> float:
    """Words inserted, deleted or replaced, divided by the words of the longer text: 0 to 1.

    Both texts are normalised first.
    """
    return _share_edited(normalise(draft_text).split(), normalise(final_text).split())


def _share_edited(draft: Sequence[str], final: Sequence[str]) -> float:
    return word_edits(draft, final) / max(len(draft), len(final), 1)


def word_edits(first: Sequence[str], second: Sequence[str]) -> int:
    """The Levenshtein distance of two sequences of words.

    Bit-parallel: a column of the dynamic programme is two integers of one bit a word of `first`,
    the words at which it steps up and down (Myers, JACM 46(3), 1999, in Hyyrö's form of 2003 for
    whole sequences). 2,000 words against 2,000 take a few milliseconds.
    """
    if not first:
        return len(second)
    places: dict[str, int] = {}
    for position, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << position
    every, last = (1 << len(first)) - 1, 1 << (len(first) - 1)
    up, down, distance = every, 0, len(first)
    for word in second:
        same = places.get(word, 0) | down
        diagonal = (((same & up) + up) ^ up) | same
        right, left = down | (every & ~(diagonal | up)), up & diagonal
        distance += bool(right & last) - bool(left & last)
        right = (right << 1 | 1) & every
        up, down = (left << 1 & every) | (every & ~(diagonal | right)), right & diagonal
    return distance


# --- which mail was which draft ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A sent mail and the draft it was."""

    mail: Mail
    draft: Draft
    matched_by: MatchedBy


def pair(
    mails: Sequence[Mail], drafts: Sequence[Draft], by_message_id: Mapping[str, Draft]
) -> list[Pair]:
    """Which mail was which draft: each mail and each draft at most once, oldest mail first.

    A mail is, in this order: the draft that its own header names; the draft saved or sent under its
    Message-ID; of the drafts of the 14 days before to the same first recipient, the nearest with
    the same subject; or else the nearest, if the texts are similar. A forward, and a mail to
    somebody else, is no draft unless its header or Message-ID says so. What is certain goes first,
    so that no guess takes a draft that another mail names; a mail that names a draft which is not
    in `drafts` is none of them.
    """
    sought = _Sought(drafts, by_message_id)
    pairs: dict[str, Pair] = {}
    for find in (sought.certain, sought.likely):
        for mail in sorted(mails, key=lambda mail: (mail.sent_at, mail.id)):
            found = None if mail.id in pairs else find(mail)
            if found is not None:
                draft, matched_by = found
                pairs[mail.id] = Pair(mail=mail, draft=draft, matched_by=matched_by)
                sought.take(draft)
    return list(pairs.values())


class _Sought:
    """The drafts that no mail has been found for yet."""

    def __init__(self, drafts: Sequence[Draft], by_message_id: Mapping[str, Draft]) -> None:
        self._by_id = {draft.id: draft for draft in drafts}
        self._words = {draft.id: normalise(draft.text).split() for draft in drafts}
        self._by_message_id = by_message_id
        self._by_recipient: dict[str, list[Draft]] = {}
        for draft in drafts:
            self._by_recipient.setdefault(_first(draft.x.metadata.to), []).append(draft)

    def take(self, draft: Draft) -> None:
        """This one has been found."""
        del self._by_id[draft.id]

    def certain(self, mail: Mail) -> tuple[Draft, MatchedBy] | None:
        """The draft that the mail itself names."""
        if mail.draft_id is not None:
            named = self._by_id.get(mail.draft_id)
            return (named, "header") if named else None
        sent_as = self._by_message_id.get(mail.message_id)
        return (sent_as, "message-id") if sent_as and sent_as.id in self._by_id else None

    def likely(self, mail: Mail) -> tuple[Draft, MatchedBy] | None:
        """The nearest draft in reach, if the mail is not another's."""
        spoken_for = mail.draft_id is not None or mail.message_id in self._by_message_id
        if spoken_for or mail.forwarded or "forward" in mail.flags:
            return None
        near = self._in_reach(mail)
        thread = [draft for draft in near if _same_subject(mail, draft)]
        if thread:
            return self._nearest(mail, thread)[0], "thread"
        draft, distance = self._nearest(mail, near) if near else (None, 1.0)
        return (draft, "similarity") if draft and distance <= 1 - SIMILAR else None

    def _nearest(self, mail: Mail, drafts: Sequence[Draft]) -> tuple[Draft, float]:
        """The draft with the nearest text, of equals the newest, and how far it is."""
        words = normalise(mail.own_text).split()
        far = {draft.id: _share_edited(self._words[draft.id], words) for draft in drafts}
        newest_first = sorted(drafts, key=lambda draft: draft.created_at, reverse=True)
        nearest = min(newest_first, key=lambda draft: far[draft.id])
        return nearest, far[nearest.id]

    def _in_reach(self, mail: Mail) -> list[Draft]:
        """Drafts to the same first recipient within the window."""
        return [
            draft
            for draft in self._by_recipient.get(_first(mail.to), [])
            if mail.to and draft.id in self._by_id
            if -SKEW <= mail.sent_at - draft.created_at <= WINDOW
        ]


def drafted_unchanged(
    mails: Iterable[Mail], drafts: Sequence[Draft], by_message_id: Mapping[str, Draft]
) -> frozenset[str]:
    """The ids of the mails that trimtab wrote and, as far as is known, the user did not change.

    A mail is a draft of ours if its header or its Message-ID names one; of a draft that is not
    known any more it is not known what was changed.
    """
    by_id = {draft.id: draft for draft in drafts}
    found = set()
    for mail in mails:
        named = mail.draft_id is not None or is_ours(mail.message_id)
        draft = by_id.get(mail.draft_id or "") or by_message_id.get(mail.message_id)
        if (named and draft is None) or (
            draft and not edit_distance(draft.text, _final(mail, draft))
        ):
            found.add(mail.id)
    return frozenset(found)


def _final(mail: Mail, draft: Draft) -> str:
    """The user's text; with what was cut off as a signature, if the draft had that too."""
    texts = mail.own_text, f"{mail.own_text}\n\n{mail.signature}"
    return min(texts, key=lambda text: edit_distance(draft.text, text))


def _first(recipients: Sequence[Address]) -> str:
    return recipients[0].address.lower() if recipients else ""


def _same_subject(mail: Mail, draft: Draft) -> bool:
    subject = bare_subject(mail.subject)
    return bool(subject) and subject == bare_subject(draft.x.metadata.subject)


def bare_subject(subject: str) -> str:
    """A subject without marks of reply, in lower case with single blanks."""
    return " ".join(_REPLY_MARKS.sub("", subject).casefold().split())


# --- the store --------------------------------------------------------------------------------


async def find_edits(database: Database, account: str, clock: Clock) -> list[Edit]:
    """Record the drafts that came back as sent mail; the edits that are new. Repeatable."""
    edits = await database.read(edit_store.edits, account)
    known = {edit.mail_id for edit in edits}
    returned = {edit.draft_id for edit in edits if edit.mail_id is not None}
    drafts = await database.read(draft_store.drafts, account)
    missing = [draft for draft in drafts if draft.id not in returned]
    if not missing:
        return []
    since = min(draft.created_at for draft in missing) - SKEW
    mails = await database.read(mail_store.mails, account)
    recent = [mail for mail in mails if mail.sent_at >= since and mail.id not in known]
    sent_as = await database.read(draft_store.drafts_by_message_id, account)
    # beside the loop: comparing many texts takes a while
    pairs = await asyncio.to_thread(pair, recent, missing, sent_as)
    found = [
        _edit(
            each.draft,
            _final(each.mail, each.draft),
            each.matched_by,
            clock(),
            mail_id=each.mail.id,
        )
        for each in pairs
    ]
    return [edit for edit in found if await database.write(edit_store.add_edit, edit)]


async def record_sent(
    database: Database, draft_id: str, text: str, message_id: str, clock: Clock
) -> Edit:
    """Record the text that a client saw being sent; raises DraftNotFound. Repeatable.

    What the client's text quotes, and its signature block, are cut off as in a mail. The Message-ID
    lets the mail itself be known later, when it comes with the Sent folder.
    """
    draft = await database.read(draft_store.draft, draft_id)
    if draft is None:
        raise DraftNotFound(draft_id)
    if message_id:
        await database.write(draft_store.set_message_id, draft_id, message_id)
    final = uncited(cut(text, None).own_text)
    edit = _edit(draft, final, "client", clock(), mail_id=None)
    await database.write(edit_store.add_edit, edit)
    return edit


def _edit(
    draft: Draft, final_text: str, matched_by: MatchedBy, now: datetime, *, mail_id: str | None
) -> Edit:
    distance = edit_distance(draft.text, final_text)
    return Edit(
        draft_id=draft.id,
        mail_id=mail_id,
        account=draft.account,
        draft_text=draft.text,
        final_text=final_text,
        distance=distance,
        unchanged=distance == 0,
        matched_by=matched_by,
        created_at=now,
    )
