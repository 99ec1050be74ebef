"""Learning from what was sent: the edits of drafts, and what each mail of an account goes back to.

`daemon.pairing` says which mail was which draft and `mlx_agent.differences` what was changed; these
functions read and write the store, and may be repeated. Nothing here reads a mailbox or calls a
model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon.errors import DraftNotFound
from daemon.mailbox.message_ids import bracketed, is_ours
from daemon.mailbox.reading import VERSION
from daemon.mailbox.text import written
from daemon.pairing import GUESSES, SKEW, MatchedBy, Sought, copied, named_draft, pair
from daemon.records import Tails
from daemon.store import cut_rules
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.differences import Written, as_compared, changes, edit_distance
from mlx_agent.log_lines import told
from mlx_agent.records import Draft, Edit, Mail

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

# --- edits ------------------------------------------------------------------------------------


async def find_edits(
    database: Database, account: str, clock: Clock, own: Collection[str] = ()
) -> list[Edit]:
    """Record the drafts that came back as sent mail; the edits that are new. Repeatable.

    `own` are the account's addresses in small letters. A mail that names its draft is recorded even
    where another was taken for it before.
    """
    edits = await database.read(edit_store.edits, account)
    sought = await _sought(database, account, edits)
    if not sought.drafts:
        return []
    known = {edit.mail_id for edit in edits}
    since = min(draft.created_at for draft in sought.drafts) - SKEW
    mails = await database.read(mail_store.mails, account)
    recent = [mail for mail in mails if mail.sent_at >= since and mail.id not in known]
    tails = (await database.read(cut_rules.rules, account, VERSION)).tails

    def found() -> list[Edit]:
        return [
            _edit(
                each.draft,
                as_compared(_drafted(each.draft, tails), _sent(each.mail)),
                clock(),
                matched_by=each.matched_by,
                mail_id=each.mail.id,
            )
            for each in pair(recent, sought, own)
        ]

    # beside the loop: comparing many texts takes a while
    made = await asyncio.to_thread(found)
    return [edit for edit in made if await database.write(edit_store.add_edit, edit)]


async def _sought(database: Database, account: str, edits: Sequence[Edit]) -> Sought:
    """The drafts that no mail is known for, or none that names them."""
    by_mail = [edit for edit in edits if edit.mail_id is not None]
    certain = {edit.draft_id for edit in by_mail if edit.matched_by not in GUESSES}
    drafts = await database.read(draft_store.drafts, account)
    return Sought(
        drafts=[draft for draft in drafts if draft.id not in certain],
        by_message_id=await database.read(draft_store.drafts_by_message_id, account),
        reported={edit.draft_id: edit.final_text for edit in edits if edit.mail_id is None},
        guessed={edit.draft_id for edit in by_mail} - certain,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SentText:
    """What a client saw being sent: the text, or HTML where there is none; and its Message-ID."""

    text: str = ""
    html: str = ""
    message_id: str = ""


async def record_sent(database: Database, draft_id: str, sent: SentText, clock: Clock) -> Edit:
    """Record what a client saw being sent; raises DraftNotFound. Repeatable.

    What it quotes, and its signature, are cut off as of a mail. The Message-ID lets the mail itself
    be known later, when it comes with the Sent folder.
    """
    draft = await _draft(database, draft_id)
    if name := bracketed(sent.message_id):
        await database.write(draft_store.set_message_id, draft_id, name)
    tails = (await database.read(cut_rules.rules, draft.account, VERSION)).tails
    final = await asyncio.to_thread(written, sent.text, sent.html, tails)
    edit = _edit(draft, as_compared(_drafted(draft, tails), final), clock(), matched_by="client")
    await database.write(edit_store.add_edit, edit)
    known = told(account=draft.account, distance=edit.distance, unchanged=edit.unchanged)
    log.info("edit recorded", extra=known)
    return edit


async def take_back(database: Database, draft_id: str, clock: Clock) -> None:
    """Learn nothing from what became of a draft, now or later; raises DraftNotFound. Repeatable.

    The lessons of the mail that it became are gone at once; an agent knows them until it is trained
    anew.
    """
    await _draft(database, draft_id)
    await database.write(edit_store.take_back, draft_id, clock())


async def _draft(database: Database, draft_id: str) -> Draft:
    draft = await database.read(draft_store.draft, draft_id)
    if draft is None:
        raise DraftNotFound(draft_id)
    return draft


def _edit(
    draft: Draft,
    texts: tuple[str, str],
    now: datetime,
    *,
    matched_by: MatchedBy,
    mail_id: str | None = None,
) -> Edit:
    draft_text, final_text = texts
    distance = edit_distance(draft_text, final_text)
    return Edit(
        draft_id=draft.id,
        mail_id=mail_id,
        account=draft.account,
        draft_text=draft_text,
        final_text=final_text,
        distance=distance,
        unchanged=distance == 0,
        matched_by=matched_by,
        created_at=now,
        changes=changes(draft_text, final_text),
    )


def _sent(mail: Mail) -> Written:
    return mail.own_text, mail.signature


def _drafted(draft: Draft, tails: Tails) -> Written:
    """A draft's text, cut as a mail is; as it is, if nothing else would be left."""
    own_text, signature = written(draft.text, None, tails)
    return (own_text, signature) if own_text else (draft.text, "")


# --- what a mail goes back to -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """What of an account's mails goes back to drafts, by the mails' ids.

    `baselines` are the texts of the drafts that the user changed into them. `unchanged` are mails
    that trimtab wrote and, as far as is known, the user did not change; `taken_back` those of which
    the user said that nothing is to be learned.
    """

    baselines: Mapping[str, str]
    unchanged: frozenset[str]
    taken_back: frozenset[str]


async def origins(database: Database, account: str, mails: Sequence[Mail]) -> Origins:
    """What the store knows of where these mails come from."""
    drafts = await database.read(draft_store.drafts, account)
    taken_back = await database.read(edit_store.taken_back_mails, account)
    if not drafts:  # then no mail can be one, unless it says so
        found = await asyncio.to_thread(trace, mails, (), {}, (), Tails())
    else:
        sent_as = await database.read(draft_store.drafts_by_message_id, account)
        edits = await database.read(edit_store.standing, account)
        tails = (await database.read(cut_rules.rules, account, VERSION)).tails
        found = await asyncio.to_thread(trace, mails, drafts, sent_as, edits, tails)
    baselines, unchanged = found
    return Origins(baselines=baselines, unchanged=unchanged, taken_back=frozenset(taken_back))


def trace(
    mails: Sequence[Mail],
    drafts: Sequence[Draft],
    by_message_id: Mapping[str, Draft],
    edits: Sequence[Edit],
    tails: Tails,
) -> tuple[dict[str, str], frozenset[str]]:
    """The texts that mails were changed from, and the mails that trimtab wrote; pure.

    `edits` are those that stand. Both texts are cut by the rules of today. A mail that names a
    draft which is not known is trimtab's, for nobody knows what the user changed; and so is one
    that holds mostly what stood in drafts, if it is none of them.
    """
    by_id = {draft.id: draft for draft in drafts}
    edited = {edit.mail_id: by_id[edit.draft_id] for edit in edits if edit.draft_id in by_id}
    baselines: dict[str, str] = {}
    unchanged, others = set(), []
    for mail in mails:
        draft = edited.get(mail.id) or named_draft(mail, by_id, by_message_id)
        if draft is not None:
            draft_text, final_text = as_compared(_drafted(draft, tails), _sent(mail))
            if edit_distance(draft_text, final_text):
                baselines[mail.id] = draft_text
            else:
                unchanged.add(mail.id)
        elif mail.draft_id is not None or is_ours(mail.message_id):
            unchanged.add(mail.id)
        else:
            others.append(mail)
    return baselines, frozenset(unchanged) | copied(others, drafts)
