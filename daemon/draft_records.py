"""What goes into drafting and what comes out of it: the request and the events."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_agent.findings import Checks
from mlx_agent.records import Address, ContextMessage, Draft, Rule, Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """What a client asks for. `key` is its idempotency key within the account.

    `rules_off` are aspects whose rule is left out; a rule in `rules_added` replaces the agent's
    rule on the same aspect. `replaces` is the id of a draft of the account that is to be written
    anew.
    """

    account: str
    key: str
    sender: Address
    bullets: tuple[str, ...]
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    context: tuple[ContextMessage, ...] = ()
    reply: bool = False
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    instruction: str = ""
    rules_off: frozenset[str] = frozenset()
    rules_added: tuple[Rule, ...] = ()
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesReady:
    """The rules are there; the draft's id is announced with them. `rule_ids` are theirs."""

    draft_id: str
    rules: tuple[Rule, ...]
    rule_ids: tuple[str, ...]
    rung: Rung
    voice: bool
    degraded: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """What opening a compose window came to: whether the agent is ready, and if not, why."""

    ready: bool
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPiece:
    """A piece of the draft as the writer writes it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReplaced:
    """The writer has mended its draft: this is the whole text, in place of all pieces so far."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The draft as it was stored, and what is still to be found wrong with it.

    Its text is what the pieces, or what replaced them, make together, without what was cut off:
    talk around the mail, an ending said twice, outer blank lines (`mlx_agent.tidy`).
    """

    draft: Draft
    checks: Checks


DraftEvent = RulesReady | TextPiece | TextReplaced | Done
