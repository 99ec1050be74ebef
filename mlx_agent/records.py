"""The vocabulary of trimtab as frozen records.

Every value that crosses a module border is one of these. They hold no behaviour beyond what
follows from their own fields, import nothing of ours, and are (de)serialised in `codec`.
Times are aware UTC. Texts are Unicode with line feeds as line ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

Kind = Literal["email", "article", "review"]
Strategy = Literal["R1", "R2", "R3"]
Register = Literal["formal", "plain", "casual"]
Rung = Literal["adapter", "few-shot", "style-card", "zero-shot"]
Split = Literal["train", "valid", "test"]
Settings = dict[str, bool | int | float | str | None]
"""Settings by name, as they were; what of them a later program knows is for it to say."""

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
    `automatic`, `list`, `forward`, `encrypted`, `calendar`, `unsure`. `draft_id` is the draft
    named by the mail's own `X-Trimtab-Draft` header, if it carries one. `context` is nearest first.
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
    """Write y_a, the mail for x under the rules, and under an instruction of the user's."""

    x: X
    rules: tuple[Rule, ...] = ()
    instruction: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTask:
    """Say which of two drafts is nearer to the truth: `first`, `second` or `tie`."""

    x: X
    truth: str
    first: str
    second: str


FirstTask = IntentTask | BaselineTask | RulesTask | DraftTask | JudgeTask


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
    """

    context_words: int = 300
    recipient: bool = True
    habits: bool = True


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter directory by its manifest (`manifest.json`, written last).

    `settings` are those that it was trained with, by name; empty where the manifest is older.
    """

    id: str
    account: str
    base: str
    base_hash: str
    dataset_hash: str
    settings_hash: str
    lessons: int
    render: RenderSettings
    metrics: dict[str, float]
    created_at: datetime
    parent: str | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One fixed set of hyper-parameters, as in the paper: alpha = rank, that is `scale` 1.0.

    The linear layers of the upper `layers` blocks are adapted, of all with 0. `batch_tokens` bounds
    a batch, padding included, and `max_tokens` a lesson: the context of a longer one is cut.
    `warm_up` is the share of the steps in which the rate rises. From the adapter before it a
    training starts with what is new since then, and with `replay` older lessons for each.
    """

    rank: int = 16
    scale: float = 1.0
    layers: int = 0
    epochs: int = 4
    batch_tokens: int = 3072
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    max_tokens: int = 1024
    checkpointing: Literal["auto", "on", "off"] = "auto"
    start: Literal["base", "adapter"] = "base"
    replay: int = 3
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the worker is asked to train: a complete data set, and where the adapter goes.

    `parent` is the adapter before it. Past the `deadline` the training stops where it is; its state
    is written at least every `checkpoint_s` seconds. Of what the frozen blocks make of lessons,
    `keep_bytes` stay on disk for other nights.
    """

    account: str
    base: str
    dataset: Path
    dataset_hash: str
    lessons: int
    settings: TrainSettings
    adapters_root: Path
    parent: str | None = None
    deadline: datetime | None = None
    checkpoint_s: float = 60.0
    keep_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainEvent:
    """One step of training. Losses are mean cross-entropies of the rules' tokens, in nats.

    `tokens_per_second` counts real tokens, prompts included. `note` is what was decided on the way.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    valid_loss: float | None
    tokens_per_second: float
    peak_memory_mb: float
    seconds_left: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A candidate beside a rival on the same held-out mails, their drafts written by `writer`.

    `candidate` and `rival` are mean style distances from the truth; `nearer` is by how much the
    candidate's is the smaller one, on average, and `low` to `high` its bootstrap 95 % interval.
    """

    name: str
    writer: str
    mails: int
    candidate: float
    rival: float
    nearer: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What an adapter's rule lists are like.

    `validity` is the share that parse, `leaked` the share that hold a fact of another mail, and
    `loss` the mean cross-entropy on the validation split, None where it was measured on another.
    """

    validity: float
    leaked: float
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's decision on a candidate: the measured style distances and the reason.

    Distances are those by the offline writer; `beside` has each rival's, with the intervals.
    """

    adapter_id: str
    promoted: bool
    reason: str
    candidate: float
    current: float | None
    zero_shot: float
    validity: float
    beside: tuple[Beside, ...] = ()
    lists: Lists | None = None
    current_lists: Lists | None = None


# --- drafts and edits ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a draft came from. `degraded` says in words why a higher rung was not reached."""

    rung: Rung
    voice: bool
    degraded: str | None
    adapter: str | None
    base: str | None
    writer: str
    prompt_version: str
    timings_ms: dict[str, float]
    usage: Usage


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
class Edit:
    """The difference between a draft and the mail then sent.

    `distance` is the word-level edit distance divided by the longer text's words (0..1).
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
