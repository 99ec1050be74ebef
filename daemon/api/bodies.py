"""What clients send, validated, and turned into our records at once.

Unknown fields are errors: a client that misspells a field must hear of it. Sizes are bounded by the
whole body (`limits.MAX_BODY`).
"""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from daemon.drafting import DraftRequest
from mlx_agent.records import ASPECTS, Address, ContextMessage, Rule
from mlx_agent.rules import MAX_INSTRUCTION


def _known_aspect(aspect: str) -> str:
    if aspect not in ASPECTS:
        raise ValueError(f"is none of {', '.join(ASPECTS)}")
    return aspect


def _well_formed(rule: Rule) -> Rule:
    _known_aspect(rule.aspect)
    if not 0 < len(rule.instruction.strip()) <= MAX_INSTRUCTION or "\n" in rule.instruction:
        raise ValueError(f"an instruction is one line of at most {MAX_INSTRUCTION} characters")
    return rule


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
Message = Annotated[ContextMessage, AfterValidator(_in_utc)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DraftBody(_Body):
    """`POST /v1/drafts`. `context` is nearest first; `key` makes a repeat harmless."""

    account: str = Field(min_length=1, max_length=100)
    key: str = Field(min_length=1, max_length=200)
    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    context: tuple[Message, ...] = ()
    bullets: tuple[Bullet, ...] = Field(min_length=1, max_length=200)
    reply: bool = False
    instruction: str = ""
    rules_off: frozenset[Aspect] = frozenset()
    rules_added: tuple[AddedRule, ...] = ()

    def request(self: Self) -> DraftRequest:
        """The request as drafting knows it."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return DraftRequest(**fields)


class SentBody(_Body):
    """`POST /v1/drafts/{id}/sent`: the text that the user sent, and its Message-ID if known."""

    text: str = Field(min_length=1)
    message_id: str = Field(default="", max_length=998)


class JobBody(_Body):
    """`POST /v1/jobs/{kind}`."""

    account: str = Field(min_length=1, max_length=100)
