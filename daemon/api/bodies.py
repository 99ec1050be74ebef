"""What clients send, validated, and turned into our records at once.

Unknown fields are errors: a client that misspells a field must hear of it. Sizes are bounded by the
whole body (`limits.MAX_BODY`).
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from daemon.draft_records import DraftRequest
from daemon.learning import SentText
from daemon.mailbox.message_ids import MAX_REFERENCES, is_message_id
from daemon.records import DeletedPolicy, StandingRules
from mlx_agent.records import ASPECTS, Address, ContextMessage, Rule
from mlx_agent.rules import MAX_INSTRUCTION, in_order


def _known_aspect(aspect: str) -> str:
    if aspect not in ASPECTS:
        raise ValueError(f"is none of {', '.join(ASPECTS)}")
    return aspect


def _well_formed(rule: Rule) -> Rule:
    _known_aspect(rule.aspect)
    if not 0 < len(rule.instruction.strip()) <= MAX_INSTRUCTION or "\n" in rule.instruction:
        raise ValueError(f"an instruction is one line of at most {MAX_INSTRUCTION} characters")
    return rule


def _message_id(text: str) -> str:
    if not is_message_id(text):
        raise ValueError("is no Message-ID, such as <a@b.example>")
    return text


def _in_utc(message: ContextMessage) -> ContextMessage:
    if message.sent_at is None:
        return message
    if message.sent_at.tzinfo is None:
        raise ValueError("sent_at has no time zone")
    return ContextMessage(
        author=message.author, sent_at=message.sent_at.astimezone(UTC), text=message.text
    )


Bullet = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Aspect = Annotated[str, AfterValidator(_known_aspect)]
AddedRule = Annotated[Rule, AfterValidator(_well_formed)]
MessageId = Annotated[str, AfterValidator(_message_id)]
MessageIdOrNone = Annotated[str, AfterValidator(lambda text: text and _message_id(text))]
Message = Annotated[ContextMessage, AfterValidator(_in_utc)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _can_be_written(cls, data: Any) -> Any:
        """JSON can name half a character, which no file and no answer could hold."""
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half a character (a lone surrogate)") from None
        return data


class WarmBody(_Body):
    """`POST /v1/warm`: what is known of a mail when its window opens, nearest context first."""

    account: str = Field(min_length=1, max_length=100)
    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    context: tuple[Message, ...] = ()
    reply: bool = False

    def request(self: Self) -> DraftRequest:
        """The request as drafting knows it."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return DraftRequest(**{"key": "", "bullets": ()} | fields)


class DraftBody(WarmBody):
    """`POST /v1/drafts`. `context` is nearest first; `key` makes a repeat harmless.

    `in_reply_to` is the Message-ID of the mail that is answered, `references` its thread, oldest
    first. Both go into the headers and are shown to no model. `replaces` is the id of a draft that
    is to be written anew, under a key of its own.
    """

    key: str = Field(min_length=1, max_length=200)
    bullets: tuple[Bullet, ...] = Field(min_length=1, max_length=200)
    in_reply_to: MessageIdOrNone = ""
    references: tuple[MessageId, ...] = Field(default=(), max_length=MAX_REFERENCES)
    instruction: str = ""
    rules_off: frozenset[Aspect] = frozenset()
    rules_added: tuple[AddedRule, ...] = ()
    replaces: str = Field(default="", max_length=100)


class SendBody(_Body):
    """`POST /v1/drafts/{id}/send`. `again`: even if it may have been sent; the user has looked."""

    again: bool = False


class SentBody(_Body):
    """`POST /v1/drafts/{id}/sent`: what the user sent, and its Message-ID if known.

    As `text`, or as the `html` of a window that has no plain text; of both, the text is read.
    """

    text: str = ""
    html: str = ""
    message_id: str = Field(default="", max_length=998)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text.strip() and not self.html.strip():
            raise ValueError("text or html is needed")
        return self

    def sent(self) -> SentText:
        """The same as learning knows it."""
        return SentText(text=self.text, html=self.html, message_id=self.message_id)


class NightsBody(_Body):
    """`POST /v1/nights`: no nights until said otherwise, or nights again; kept across restarts."""

    paused: bool


class JobBody(_Body):
    """`POST /v1/jobs/{kind}`."""

    account: str = Field(min_length=1, max_length=100)


class RulesBody(_Body):
    """`PUT /v1/accounts/{account}/rules`: all of the account's pinned rules and banned aspects."""

    pinned: tuple[AddedRule, ...] = Field(default=(), max_length=len(ASPECTS))
    banned: frozenset[Aspect] = frozenset()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        aspects = [rule.aspect for rule in self.pinned]
        if len(set(aspects)) < len(aspects):
            raise ValueError("an aspect is pinned twice")
        if self.banned.intersection(aspects):
            raise ValueError("an aspect is both pinned and banned")
        return self

    def standing(self: Self) -> StandingRules:
        """The rules as the store keeps them."""
        return StandingRules(pinned=in_order(self.pinned), banned=self.banned)


class DeletionsBody(_Body):
    """`PUT /v1/accounts/{account}/deletions`: about mails that the folder lost at once."""

    answer: DeletedPolicy
