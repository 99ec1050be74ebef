"""Preference rules: their text form, parsing, and what makes them fit for every mail. Pure.

The text form is one rule a line, `Aspect: instruction`, aspects in the order of `ASPECTS`, each at
most once and at most MAX_RULES of them. It is what the agent is trained to write, what the writer
reads and what the user sees.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mlx_agent import facts
from mlx_agent.anatomy import dissect
from mlx_agent.errors import TrimtabError
from mlx_agent.facts import Fact, Held
from mlx_agent.generalise import compares, quotes, straight, unnamed, without, without_comparison
from mlx_agent.records import ASPECTS, Address, Rule, X
from mlx_agent.style import bucket

MAX_RULES = 12
MAX_INSTRUCTION = 240
"""Characters in one instruction."""

LEAST_TELLING = (
    "sentences", "shorthand", "requests", "subject", "exclamation", "capitals", "layout", "marks",
    "tone", "phrases", "contractions", "opening", "closing",
)  # fmt: skip
"""The order in which aspects leave a list that is too long.

From least to most by how much nearer a draft comes to the mail for having the rule, measured on
real mails; tone and phrases, which cannot be measured, by judgement. Greeting, length, sign-off and
signature never leave: they are what a reader sees first.
"""

_SYNONYMS = {
    "greeting": "greetings|salutation",
    "opening": "opening line|opening sentence",
    "length": "exact length|overall length|mail length|email length",
    "sentences": "sentence|sentence length|sentence structure",
    "contractions": "contraction",
    "requests": "request",
    "exclamation": "exclamations|exclamation mark|exclamation marks|exclamation points",
    "capitals": "capital|capitalisation|capitalization|capital letters",
    "layout": "structure|format|formatting|paragraphs",
    "shorthand": "abbreviations",
    "marks": "punctuation|punctuation marks",
    "phrases": "phrase|common phrases|recurring phrases",
    "closing": "closing line|closing sentence",
    "sign-off": "signoff|valediction",
    "signature": "signature name",
}
_ASPECT_OF = {aspect.replace("-", " "): aspect for aspect in ASPECTS} | {
    name: aspect for aspect, known in _SYNONYMS.items() for name in known.split("|")
}
_LINE = re.compile(
    r"(?:[-*•–+] +|\d{1,2}[.)] *)?(?P<bold>\*\*|__|)(?P<aspect>[A-Za-z][A-Za-z _-]*?) *"
    r"(?P<inner>\*\*|__|) *: *(?P<said>.*)"
)
_ORNAMENT = re.compile(r"[-*_=`#]{3,}(?:\w+)?")
_ORDER = {aspect: position for position, aspect in enumerate(ASPECTS)}

_COUNT = r"(?:\d+(?:(?: ?[-–] ?| to | and | or )\d+)?)"
_UNITS = (
    "word|sentence|paragraph|line|bullet|point|item|character|syllable|mark|question|space|dot"
    "|dash|comma|emoji|smiley|break"
)
_SIZE = re.compile(rf"\b{_COUNT}[ -](?:[a-z]+ )?(?:{_UNITS})(?:e?s)?\b", re.IGNORECASE)
_WORDS_STATED = re.compile(
    rf"\b(?:(?:exactly|about|around|roughly|approximately|some) )?{_COUNT}[ -]words?\b",
    re.IGNORECASE,
)
_LENGTH_STATED = re.compile(
    rf"\b(?:{_COUNT}|one|two|three|four|five|six|seven|eight|nine|ten|an?|single)[ -]"
    r"(?:[a-z]+ )?(?:word|sentence|line)s?\b|a few words",
    re.IGNORECASE,
)
_WRONG = 1.4
"""A stated number of words is wrong if it is so many times too large or too small."""
_EACH = re.compile(r"\b(?:each|per|sentences? of|on average|a sentence)\b", re.IGNORECASE)
"""Where a number of words is that of a part."""
_EDGES = frozenset({"greeting", "sign-off"})
_CAPITALISED = re.compile(r"(?<![\w'’])[A-ZÀ-ÖØ-Þ][\w'’\-]*")


@dataclass(eq=False)
class RulesMalformed(TrimtabError):
    """A text that is no list of rules. `reason` never quotes it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Rules that are right for every mail, in the fixed order.

    `generalised` and `dropped` count rules by why they could not stay as they were, each by the
    first reason: a kind of fact, `run`, `comparison` or `over twelve`. Where we had to state the
    length, `length` is generalised too.
    """

    rules: tuple[Rule, ...]
    generalised: Mapping[str, int]
    dropped: Mapping[str, int]


def format_rules(rules: Iterable[Rule]) -> str:
    """The text form, one rule a line, without a final line end."""
    return "\n".join(f"{rule.aspect.capitalize()}: {rule.instruction}" for rule in rules)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Parse the text form into rules in the fixed order.

    Bullets, numbers, bold aspects and their near synonyms are read as what they mean, and two rules
    of one aspect as one. Raises RulesMalformed for an empty list, a line without a known aspect,
    rules of one aspect that are too long together, and an empty or overlong instruction.
    """
    lines = [line.strip() for line in text.splitlines()]
    rules = [_parse_line(line) for line in lines if line and not _ORNAMENT.fullmatch(line)]
    if not rules:
        raise RulesMalformed("no rule")
    said: dict[str, list[str]] = {}
    for rule in rules:
        said.setdefault(rule.aspect, []).append(rule.instruction)
    return in_order(Rule(aspect=a, instruction=_merged(told)) for a, told in said.items())


def rule_id(rule: Rule) -> str:
    """A name for a rule that does not quote it: the same words on one aspect have the same."""
    return hashlib.sha256(format_rules((rule,)).encode()).hexdigest()[:12]


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules sorted by the fixed order of aspects."""
    return tuple(sorted(rules, key=lambda rule: _ORDER[rule.aspect]))


def most_telling(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """At most MAX_RULES of the rules, in the fixed order: the LEAST_TELLING aspects go first."""
    kept = in_order(rules)
    for aspect in LEAST_TELLING:
        if len(kept) > MAX_RULES:
            kept = tuple(rule for rule in kept if rule.aspect != aspect)
    return kept


def stated_length(words: int) -> str:
    """A length in words as a rule states it."""
    return f"about {bucket(words)} words"


def trusted(rules: Iterable[Rule], x: X, own_text: str, baseline: str | None) -> Trusted:
    """The rules of a teacher that saw `own_text` and `baseline`, made fit for every mail.

    No rule left speaks of either text, or holds a fact or RUN words in a row that x does not hold;
    the length is stated; there are at most MAX_RULES. Empty where nothing of the teacher's is left.
    """
    judge = _judge(x, own_text, baseline or "")
    kept: list[Rule] = []
    generalised, dropped = Counter[str](), Counter[str]()
    for rule in rules:
        usable, why = _settled(rule, judge)
        if usable is not None:
            kept.append(usable)
        if why is not None:
            (dropped if usable is None else generalised)[why] += 1
    if kept:
        sized = _with_length(kept, judge)
        generalised["length"] += sized != kept
        few = most_telling(sized)
        dropped["over twelve"] += len(sized) - len(few)
        kept = list(few)
    return Trusted(rules=tuple(kept), generalised=+generalised, dropped=+dropped)


def filter_facts(rules: Iterable[Rule], x: X) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules that may stay where x alone is known, some of them generalised, and those dropped.

    What may not stay is a fact that x does not hold, RUN quoted words that x does not hold, and a
    comparison with another text.
    """
    kept: list[Rule] = []
    dropped: list[Rule] = []
    for rule, usable in fitted(rules, x):
        (dropped if usable is None else kept).append(usable or rule)
    return tuple(kept), tuple(dropped)


def fitted(rules: Iterable[Rule], x: X) -> Iterator[tuple[Rule, Rule | None]]:
    """Each rule with how it may stay where x alone is known, None where it may not."""
    judge = _judge(x, "", "")
    return ((rule, _settled(rule, judge)[0]) for rule in rules)


def sayable(lines: Iterable[str], x: X, own_text: str, baseline: str | None) -> list[str]:
    """The lines that hold no fact, no quote and no run of either text that x does not hold."""
    judge = _judge(x, own_text, baseline or "")
    return [line for line in lines if _leak(line, "phrases", judge) is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """What x holds; names and runs of the mails that it does not; the mail."""

    held: Held
    names: frozenset[str]
    runs: frozenset[tuple[str, ...]]
    sender: Address
    to: tuple[Address, ...]
    own_text: str

    @property
    def recipient(self) -> Address:
        return self.to[0] if self.to else Address()

    @property
    def words(self) -> int:
        return len(self.own_text.split())

    @property
    def core_words(self) -> int:
        """Without greeting, sign-off and name."""
        core = dissect(self.own_text, self.sender, self.to).sentences
        return len(" ".join(core).split())


@lru_cache(maxsize=1)  # an answer is looked through twice: its rules, and what stands before them
def _judge(x: X, own_text: str, baseline: str) -> _Judge:
    held = facts.held(x, addresses=False)
    known = held.people | held.tokens
    named = facts.names_in(own_text) | facts.names_in(baseline)
    said = [*facts.runs(own_text), *facts.runs(baseline)]
    return _Judge(
        held=held,
        names=frozenset(name for name in named if name.casefold() not in known),
        runs=frozenset(run for run, _, _ in said) - held.runs,
        sender=x.metadata.sender,
        to=x.metadata.to,
        own_text=own_text,
    )


def _settled(rule: Rule, judge: _Judge) -> tuple[Rule | None, str | None]:
    """The rule as it may stay, or nothing, and why it could not stay as it was."""
    said, why = straight(rule.instruction), None
    text: str | None = said
    if compares(said):
        text, why = without_comparison(said), "comparison"
    if text is not None:
        named = unnamed(text, rule.aspect, judge.recipient, judge.sender)
        text, why = named, why or ("name" if named != text else None)
    while text is not None and (leak := _leak(text, rule.aspect, judge)) is not None:
        why = why or leak.kind
        edge, piece = rule.aspect in _EDGES, leak.kind == "run"
        text = without(text, leak.start, leak.end, piece=piece, edge=edge)
    if why is None:
        return rule, None
    if text is None or len(text) > MAX_INSTRUCTION:
        return None, why
    settled, _ = _settled(replace(rule, instruction=text), judge)  # a cut joins what was apart
    return settled, why


def _leak(text: str, aspect: str, judge: _Judge) -> Fact | None:
    """The first fact in an instruction that x does not hold, or run that it must not have."""
    sized = _SIZE.sub(lambda match: "x" * len(match.group()), text)
    found = [*facts.foreign(facts.find(sized), judge.held)]
    found += [_fact("name", text, *span) for span in _told_names(text, judge.names)]
    found += [_fact("run", text, a, b) for run, a, b in facts.runs(text) if run in judge.runs]
    for start, end in quotes(text):
        if not judge.held.holds_run(text[start:end]):
            found.append(_fact("run", text, start, end))
        elif aspect in {"greeting", "signature"} and _is_name(text[start:end], judge.held):
            found.append(_fact("name", text, start, end))
    return min(found, key=lambda fact: fact.start, default=None)


def _told_names(text: str, known: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where a name of the mails stands, though it begins a sentence or a phrase."""
    for match in _CAPITALISED.finditer(text):
        if re.sub(r"['’]s?$", "", match.group()) in known:
            yield match.span()


def _is_name(phrase: str, held: Held) -> bool:
    """Whether a whole greeting or signature is a name, and begins with one that x lacks."""
    words = re.findall(r"[\w'’\-]+", phrase)
    capitalised = all(word[:1].isupper() and len(word) > 1 for word in words)
    known = facts.NO_NAMES | held.people | held.tokens
    return bool(words) and capitalised and words[0].casefold() not in known


def _fact(kind: str, text: str, start: int, end: int) -> Fact:
    return Fact(kind=kind, text=text[start:end], start=start, end=end, tokens=())


def _with_length(rules: Sequence[Rule], judge: _Judge) -> list[Rule]:
    """The rules with one that states how long the mail is, which a model guesses and we count."""
    stated = stated_length(judge.words)
    said = next((rule for rule in rules if rule.aspect == "length"), None)
    if said is None:
        return [*rules, Rule(aspect="length", instruction=stated)]
    text = said.instruction
    if not _LENGTH_STATED.search(text):
        longer = f"{stated}; {text}"
        text = longer if len(longer) <= MAX_INSTRUCTION else stated
    elif (match := _WORDS_STATED.search(text)) and not _EACH.search(text):
        text = _WORDS_STATED.sub(stated, text, 1) if _is_wrong(match.group(), judge) else text
    sized = replace(said, instruction=text)
    return [sized if rule is said else rule for rule in rules]


def _is_wrong(stated: str, judge: _Judge) -> bool:
    """Whether a number of words is far from that of the mail, with or without its edges."""
    numbers = [int(number) for number in re.findall(r"\d+", stated)]
    return min(numbers) > judge.words * _WRONG or max(numbers) * _WRONG < judge.core_words


def _merged(instructions: Sequence[str]) -> str:
    text = "; ".join(dict.fromkeys(instructions))
    if len(text) > MAX_INSTRUCTION:
        raise RulesMalformed("an aspect occurs twice")
    return text


def _parse_line(line: str) -> Rule:
    match = _LINE.fullmatch(line)
    name = re.sub(r"[ _-]+", " ", match["aspect"].lower()) if match else ""
    if not match or name not in _ASPECT_OF:
        raise RulesMalformed("a line without a known aspect")
    instruction = match["said"]
    if (bold := match["bold"]) and not match["inner"]:
        instruction = instruction.removeprefix(bold).removesuffix(bold)
    instruction = instruction.strip()
    if not 0 < len(instruction) <= MAX_INSTRUCTION:
        raise RulesMalformed("an instruction that is empty or too long")
    return Rule(aspect=_ASPECT_OF[name], instruction=instruction)
