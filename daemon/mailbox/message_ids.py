"""Message-IDs: those of our drafts, and those of the thread that a new mail goes into. Pure.

The latter come from mail that anybody may have written, so what is no Message-ID goes no further.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon.mailbox.parse import Parsed
from mlx_agent.records import Draft

MAX_REFERENCES = 100
"""Message-IDs in one References header."""
MAX_MESSAGE_ID = 500
"""Characters of one; a header line holds 998."""
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
"""Printable ASCII without blanks and angle brackets, somewhat wider than RFC 5322's msg-id."""
_OURS = "@trimtab.invalid>"


def message_id(draft: Draft) -> str:
    """The Message-ID of a draft: always the same."""
    return f"<{draft.id}{_OURS}"


def is_ours(name: str) -> bool:
    """Whether this is the Message-ID of some draft of ours."""
    return name.endswith(_OURS)


def draft_named_by(name: str) -> str:
    """The id of the draft whose Message-ID this is; empty where it is none of ours."""
    return name[1:].removesuffix(_OURS) if is_ours(name) else ""


def bracketed(name: str) -> str:
    """A Message-ID as a header has it; some mail programs tell it without its brackets."""
    bare = name.strip().removeprefix("<").removesuffix(">")
    return f"<{bare}>" if bare else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """In-Reply-To and References; empty where the mail that is answered has no Message-ID."""

    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def is_message_id(text: str) -> bool:
    """Whether this may stand in a header as a Message-ID."""
    return len(text) <= MAX_MESSAGE_ID and _MESSAGE_ID.fullmatch(text) is not None


def answer_to(parsed: Parsed) -> Answered:
    """The headers of an answer to that mail (RFC 5322, 3.6.4): its thread, and itself as the last.

    A mail without References hands on its In-Reply-To. Of a thread that is too long the first mail
    stays and the latest do.
    """
    parent = tuple(filter(is_message_id, (parsed.message_id,)))
    earlier = dict.fromkeys(parsed.references or (parsed.in_reply_to,))
    thread = (*(one for one in earlier if is_message_id(one) and one not in parent), *parent)
    if len(thread) > MAX_REFERENCES:
        thread = (thread[0], *thread[1 - MAX_REFERENCES :])
    return Answered(in_reply_to="".join(parent), references=thread)
