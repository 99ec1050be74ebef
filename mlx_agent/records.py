"""The vocabulary of trimtab as frozen records.

Every value that crosses a module border is one of these. They hold no behaviour beyond what
follows from their own fields, import nothing of ours, and are (de)serialised in `codec`.
Times are aware UTC. Texts are Unicode with line feeds as line ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mlx_agent.findings import Checks

Kind = Literal["email", "article", "review"]
Strategy = Literal["R1", "R2", "R3"]
Register = Literal["formal", "plain", "casual"]
Rung = Literal["adapter", "few-shot", "style-card", "zero-shot"]
Split = Literal["train", "valid", "test"]

ASPECTS: tuple[str, ...] = (
    "greeting",
    "opening",
    "length",
    "sentences",
    "tone",
    "contractions",
    "requests",
    "exclamation",
    "capitals",
    "subject",
    "layout",
    "shorthand",
    "marks",
    "phrases",
    "closing",
    "sign-off",
    "signature",
)
"""What a rule can be about, in the fixed order in which rules are always written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mail address; `name` is the display name, possibly empty."""

    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextMessage:
    """One message that the user is answering, as quoted or as fetched."""

    author: Address
    sent_at: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One immutable message of the user, cut into its parts.

    `id` is the tagged content hash. `flags` names what selection must know, for example
    `automatic`, `list`, `forward`, `encrypted`, `calendar`, `unsure`; `whole` is a text that is no
    mail, of which nothing is cut. `draft_id` is the draft named by the mail's own
    `X-Trimtab-Draft` header, if it carries one. `context` is nearest first.
    """

    id: str
    account: str
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    sent_at: datetime
    own_text: str
    context: tuple[ContextMessage, ...]
    signature: str
    forwarded: str
    flags: frozenset[str]
    draft_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What the store knows of the first recipient at the time of the mail.

    `greeting` and `sign_off` are the ones last used with them, with names replaced by `{first}`,
    `{last}` or `{name}`; an empty string means that none was used, None that nothing is known.
    `register` is that of their own mail.
    """

    earlier_mails: int = 0
    same_domain: bool = False
    greeting: str | None = None
    sign_off: str | None = None
    register: Register | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """m: who writes to whom about what, and what the store knows of the recipient."""

    sender: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    reply: bool = False
    recipient: Recipient | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One preference rule: an aspect of `ASPECTS` and one instruction, a single line."""

    aspect: str
    instruction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A rule, and how many of the nearest lessons (`said` of `of`) hold just that."""

    rule: Rule
    said: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class X:
    """x: the intent u (bullets, first person, no style), the metadata m, and the context.

    `habits` are what the account's nearest lessons say; only the agent is shown them, and they are
    worked out anew whenever it is asked.
    """

    intent: tuple[str, ...]
    metadata: Metadata
    context: tuple[ContextMessage, ...] = ()
    kind: Kind = "email"
    habits: tuple[Habit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """(x, g): `own_text` is the ground truth g. `id` is the mail's id; `thread` groups threads."""

    id: str
    account: str
    x: X
    own_text: str
    sent_at: datetime
    thread: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleCard:
    """An account's usual rule per aspect, measured from `mails` of its own mails."""

    rules: tuple[Rule, ...]
    mails: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call of a large model used. `cost_usd` is None where the price is unknown.

    `input_tokens` are those paid in full; what a provider's cache gave or took stands beside them.
    Thinking counts as output.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Provenance of one call: the task's prompt, its version (hash), the model, what it used."""

    prompt: str
    version: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """(x, p) with its provenance. `own_text` and `baseline` stay for evaluation and audit.

    `recipe` is what its id was made of besides the mail: lessons of one recipe are comparable.
    `generalised` and `dropped` count the teacher's rules that could not be trusted as they were.
    `thinking` is what it wrote before the rules, as far as any mail might hold it.
    """

    id: str
    sample_id: str
    account: str
    x: X
    rules: tuple[Rule, ...]
    own_text: str
    baseline: str | None
    sent_at: datetime
    thread: str
    strategy: Strategy
    calls: tuple[Call, ...]
    recipe: str = ""
    generalised: int = 0
    dropped: int = 0
    thinking: str = ""


# --- tasks for a large model -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentTask:
    """Extract the core of `own_text` as bullets; `variant` 0..2 is one of three ways to do so.

    With a `temperature` the variant is that, and the manner of the notes is always the plain one;
    without, it is one of three manners of note-taking.
    """

    own_text: str
    metadata: Metadata
    context: tuple[ContextMessage, ...] = ()
    variant: int = 0
    kind: Kind = "email"
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineTask:
    """Write y_z, the zero-shot mail for x."""

    x: X


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTask:
    """Work out the rules for (x, g); `baseline` is y_z for R3 and None for R1 and R2."""

    x: X
    own_text: str
    baseline: str | None
    strategy: Strategy = "R3"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTask:
    """Write y_a, the mail for x under the rules, and under an instruction of the user's.

    `previous` is the draft that the user wants written anew.
    """

    x: X
    rules: tuple[Rule, ...] = ()
    instruction: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTask:
    """Say which of two drafts is nearer to the truth: `first`, `second` or `tie`."""

    x: X
    truth: str
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A mail of the user's and what it was to say."""

    x: X
    own_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShotTask:
    """Write the mail for x as the author of these examples, at least one, would; for evaluation."""

    x: X
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedraftTask:
    """Write the draft of `task` again: `checks` found in `text` what has to be mended."""

    task: DraftTask
    text: str
    checks: Checks


FirstTask = (
    IntentTask | BaselineTask | RulesTask | DraftTask | JudgeTask | FewShotTask | RedraftTask
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairTask:
    """Answer `task` again: the `answer` given had a wrong form, for this `reason`."""

    task: FirstTask
    answer: str
    reason: str


Task = FirstTask | RepairTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a large model answered, unparsed, and what it cost."""

    text: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One chat message as a model sees it."""

    role: Literal["system", "user", "assistant"]
    content: str


# --- the small model -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """How x is rendered; part of an adapter's manifest, so that use equals training.

    `context_words` bounds the context, nearest message first; `recipient` and `habits` switch what
    the store knows of the recipient, and what the nearest lessons say, on or off (for evaluation).
    With `thinking` the agent's answer is what the teacher thought, and then the rules.
    """

    context_words: int = 300
    recipient: bool = True
    habits: bool = True
    thinking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAnswer:
    """The rules an agent wrote for one x. `text` is what it decoded; `valid`: it parsed whole.

    `passes` are the model's after the prompt was read, 0 where several were answered together.
    `adapter` and `base` are ids, named by whoever chose the adapter, for the draft's provenance.
    """

    rules: tuple[Rule, ...]
    text: str
    valid: bool
    tokens: int
    seconds: float
    adapter: str | None = None
    base: str | None = None
    passes: int = 0


# --- drafts and edits ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a draft came from. `degraded` says in words why a higher rung was not reached.

    `writer` is the large model's name, and `stand_in` says why it is not the one of the config.
    `rule_ids` are those of the rules it was written under (`rules.rule_id`), in their order.
    `prompt_version` is of the writer's prompt, `agent_prompt_version` of the agent's, empty where
    no agent answered. `timings_ms` are the milliseconds from the request to the end of each stage:
    `x`, `rules`, `first_text`, `text`, and `repair` where there was one. `usage` is the writer's,
    `agent_tokens` are those that the agent decoded.

    `instruction` is what the user asked for besides the bullets. `repair` says whether the writer
    was asked to mend the draft, and what came of it: the mended text was `used`, or was `no
    better`, or the request `failed`. `usage` counts that request as well.
    """

    rung: Rung
    voice: bool
    degraded: str | None
    adapter: str | None
    base: str | None
    writer: str
    prompt_version: str
    timings_ms: dict[str, float]
    usage: Usage
    stand_in: str | None = None
    rule_ids: tuple[str, ...] = ()
    agent_prompt_version: str = ""
    agent_tokens: int = 0
    instruction: str = ""
    repair: Literal["", "used", "no better", "failed"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the writer wrote under the rules, y_a.

    `in_reply_to` and `references` are the Message-IDs of the thread that it goes into, empty for a
    new one. They are no part of x: no model is shown them.
    """

    id: str
    account: str
    key: str
    x: X
    rules: tuple[Rule, ...]
    text: str
    provenance: Provenance
    created_at: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """At the draft's word `at` (from 0), the words `removed` were taken out and `put` put in.

    Words are those of the normalised text, joined by blanks; either may be empty.
    """

    at: int
    removed: str
    put: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The difference between a draft and the mail then sent.

    Both texts are without quote and signature. `distance` is the word-level edit distance divided
    by the longer text's words (0..1), `changes` lead from the draft's words to the final text's.
    """

    draft_id: str
    mail_id: str | None
    account: str
    draft_text: str
    final_text: str
    distance: float
    unchanged: bool
    matched_by: Literal["header", "message-id", "thread", "similarity", "client"]
    created_at: datetime
    changes: tuple[Change, ...] = ()
