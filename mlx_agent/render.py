"""The only renderer of tasks and of x into chat messages.

Teaching, training, evaluating and drafting all come through here, so the agent is asked in exactly
the words it was trained on. Mail text is data: a model sees of it what a reader would, and for a
large model it stands inside a fence whose name is derived from the content, so that no content can
close it. A prompt is one text file per (kind, name), the system part above a line `---` and the
user part below; its version is the hash of the file, and is part of every lesson's key.

Addresses are not rendered: a name and the relation of the domains say all that style depends on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache
from importlib import resources
from string import Template

from mlx_agent.characters import visible
from mlx_agent.findings import Checks
from mlx_agent.language import NAMES as LANGUAGES
from mlx_agent.language import wanted
from mlx_agent.records import (
    Address,
    BaselineTask,
    ContextMessage,
    DraftTask,
    Example,
    FewShotTask,
    FirstTask,
    Habit,
    IntentTask,
    JudgeTask,
    Kind,
    Message,
    Metadata,
    Recipient,
    RedraftTask,
    RenderSettings,
    RepairTask,
    Rule,
    RulesTask,
    Strategy,
    Task,
    X,
)
from mlx_agent.rules import format_rules
from mlx_agent.thoughts import with_thinking

LARGE = RenderSettings(context_words=800, habits=False)
"""How x is rendered for a large model."""

RULES_PROMPTS: dict[Strategy, str] = {
    "R1": "rules_direct",
    "R2": "rules_thinking",
    "R3": "rules_distill",
}
"""The prompt of each strategy."""

WORD_LETTERS = 24
"""So many characters count as a word of the context's budget at the most."""
_NAMED_RECIPIENTS = 3
_ABOUT: dict[Kind, str] = {"article": "Title", "review": "Review of"}
"""What the subject is of a text that is no mail."""
_PLAIN = "plain short statements"
_NO_LANGUAGE = "that of the text being answered, or else that of the notes"
_OUR_WORDS = frozenset({"manner", "language"})
"""The fields that hold nothing of anybody's mail."""
_MANNERS = (
    "terse keywords, a few words a bullet",
    _PLAIN,
    "chatty notes to yourself, with the detail a friend would need",
)
_MARK = re.compile(
    r"[<＜﹤](?![\w.+-]{1,64}+@[\w.-]{1,255}+>|[a-z]{2,12}+:(?://)?+[^<>\s]{1,2000}+>)"
    r"(?=[/／|｜!?]|[^\W\d])"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT))\])"
)


def prompt_name(task: Task) -> str:
    """The prompt file that a task is rendered with, without its suffix."""
    if isinstance(task, RepairTask):
        return prompt_name(task.task)
    if isinstance(task, RulesTask):
        return RULES_PROMPTS[task.strategy]
    return {
        IntentTask: "intent",
        BaselineTask: "baseline",
        DraftTask: "draft",
        JudgeTask: "judge",
        FewShotTask: "few_shot",
        RedraftTask: "redraft",
    }[type(task)]


def prompt_kind(task: Task) -> Kind:
    """The kind of text that a task is about."""
    if isinstance(task, RepairTask | RedraftTask):
        return prompt_kind(task.task)
    return task.kind if isinstance(task, IntentTask) else task.x.kind


@cache
def prompt_version(name: str, kind: Kind = "email") -> str:
    """The first 12 hex digits of the SHA-256 of the prompt's file."""
    return hashlib.sha256(_prompt_text(kind, name).encode()).hexdigest()[:12]


@lru_cache(maxsize=128)  # a request is rendered for its bound, for the ledger and for its model
def messages(task: Task) -> tuple[Message, ...]:
    """The chat messages of a task for a large model."""
    if isinstance(task, RepairTask):
        return (*messages(task.task), *_repair(task))
    return _fill(prompt_kind(task), prompt_name(task), _fenced(_fields(task)))


def agent_messages(x: X, settings: RenderSettings, prompt: str = "agent") -> tuple[Message, ...]:
    """What the agent is asked: the same for training, evaluating and drafting.

    With the prompt `writer` it is what M_F is asked, for the mail itself.
    """
    return _fill(x.kind, prompt, {"x": visible(render_x(x, settings))})


def lesson_messages(
    x: X, rules: Iterable[Rule], settings: RenderSettings, thinking: str = ""
) -> tuple[Message, ...]:
    """A training pair: what the agent is asked, and what it should answer."""
    text = format_rules(rules)
    if settings.thinking and thinking:
        text = with_thinking(visible(thinking), text)
    return (*agent_messages(x, settings), Message(role="assistant", content=text))


def render_x(x: X, settings: RenderSettings) -> str:
    """Render x as text: metadata, the context within its budget of words, points, habits.

    What is known before the user has typed goes first, so that it can be read ahead.
    """
    lines = _metadata_lines(x.metadata, settings, x.kind)
    lines += _context_lines(x.context, settings.context_words)
    lines += [_size_line(x.intent), "Points:"]
    lines += [f"- {_one_line(point)}" for point in x.intent]
    if settings.habits and x.habits:
        lines += ["Usually:", *map(_habit_line, x.habits)]
    return "\n".join(lines)


def _repair(task: RepairTask) -> tuple[Message, ...]:
    """What was answered, and what is wrong with it: in our words, for `reason` quotes nothing."""
    words = f"This cannot be read: {task.reason}. Answer again, in exactly the form asked for."
    # no provider takes an empty message
    said = Message(role="assistant", content=visible(task.answer).strip() or "(nothing)")
    return said, Message(role="user", content=words)


def _fields(task: FirstTask) -> dict[str, str]:  # noqa: PLR0911  # a case for each task
    match task:
        case IntentTask():
            about = _metadata_lines(task.metadata, LARGE, task.kind)
            about += _context_lines(task.context, LARGE.context_words)
            return {
                "manner": _PLAIN if task.temperature is not None else _MANNERS[task.variant],
                "x": "\n".join(about),
                "own_text": task.own_text,
            }
        case BaselineTask():
            return {"x": render_x(task.x, LARGE)}
        case RulesTask():
            return {
                "x": render_x(task.x, LARGE),
                "own_text": task.own_text,
                "baseline": task.baseline or "",
            }
        case DraftTask():
            return {
                "x": render_x(task.x, LARGE),
                "rules": format_rules(task.rules) or "none",
                "instruction": task.instruction or "none",
                "previous": task.previous or "none",
                "language": LANGUAGES.get(wanted(task.x, task.instruction), _NO_LANGUAGE),
            }
        case RedraftTask():
            found = "\n".join(_finding_lines(task.task.x, task.checks))
            return _fields(task.task) | {"draft": task.text, "findings": found}
        case FewShotTask():
            return {
                "x": render_x(task.x, LARGE),
                "examples": "\n\n".join(map(_example, task.examples)),
                "language": LANGUAGES.get(wanted(task.x, ""), _NO_LANGUAGE),
            }
        case JudgeTask():
            return {
                "x": render_x(task.x, LARGE),
                "truth": task.truth,
                "first": task.first,
                "second": task.second,
            }


def _example(example: Example) -> str:
    """What was to be said, without what was answered, and what the author made of it."""
    said = render_x(replace(example.x, context=()), LARGE)
    return f"Notes:\n{said}\n\nWritten:\n{example.own_text}"


def _finding_lines(x: X, checks: Checks) -> Iterable[str]:
    for missing in checks.uncovered:
        facts = f" (above all: {', '.join(missing.facts)})" if missing.facts else ""
        yield _one_line(f"Left out: {x.intent[missing.position]}{facts}")
    for kind, text in dict.fromkeys((fact.kind, fact.text) for fact in checks.unsupported):
        yield f"Not in the material: {_one_line(text)} ({kind})"
    if checks.language is not None:
        written, meant = (
            LANGUAGES[code] for code in (checks.language.written, checks.language.wanted)
        )
        yield f"Wrong language: {written} instead of {meant}"


def _fenced(contents: dict[str, str]) -> dict[str, str]:
    """Each content in a fence of its own, which none of them can close: all of them name it."""
    together = visible("\n".join(contents.values()))
    return {
        name: content if name in _OUR_WORDS else fence(content, f"{name}\n{together}")
        for name, content in contents.items()
    }


def fence(content: str, key: str = "") -> str:
    """The content between a pair of tags that it cannot contain, for its hash names them.

    `key` names them besides. What looks like a tag in the content is broken up, and what nobody
    sees of it is left out, so that it cannot seem to open or close anything either.
    """
    content = unmarked(visible(content))
    named_by = f"{key}\n{content}"
    name = f"data-{hashlib.sha256(named_by.encode()).hexdigest()[:16]}"
    return f"<{name}>\n{content}\n</{name}>"


def unmarked(text: str) -> str:
    """The text with a blank in every tag and in every mark of a chat template.

    Servers read such a mark as one wherever it stands. Links and addresses stay as they are.
    """
    return _MARK.sub(r"\g<0> ", text)


def _metadata_lines(metadata: Metadata, settings: RenderSettings, kind: Kind) -> list[str]:
    if kind != "email":
        about = f"{_ABOUT[kind]}: {_one_line(metadata.subject)}"
        return [f"Author: {display_name(metadata.sender)}", about]
    lines = [f"From: {display_name(metadata.sender)}", f"To: {_names(metadata.to)}"]
    if metadata.cc:
        lines.append(f"Cc: {len(metadata.cc)}")
    lines.append(f"Subject: {_one_line(metadata.subject)}")
    lines.append(f"Mail: {'reply' if metadata.reply else 'new'}, {_audience(metadata)}")
    if settings.recipient and metadata.recipient is not None:
        lines.append(_recipient_line(metadata.recipient))
    return lines


def _recipient_line(known: Recipient) -> str:
    parts = ["same domain" if known.same_domain else "other domain", _earlier(known.earlier_mails)]
    if known.greeting is not None:
        parts.append(f'greeting "{_one_line(known.greeting)}"' if known.greeting else "no greeting")
    if known.sign_off is not None:
        parts.append(f'sign-off "{_one_line(known.sign_off)}"' if known.sign_off else "no sign-off")
    if known.register is not None:
        parts.append(f"writes {known.register}")
    return f"Recipient: {', '.join(parts)}"


def _habit_line(habit: Habit) -> str:
    return f"{format_rules((habit.rule,))} ({habit.said} of {habit.of})"


def _earlier(mails: int) -> str:
    if mails == 0:
        return "no earlier mail"
    if mails <= 3:
        return "few earlier mails"
    return "several earlier mails" if mails <= 20 else "many earlier mails"


def _audience(metadata: Metadata) -> str:
    people = len(metadata.to) + len(metadata.cc)
    return "one recipient" if people <= 1 else f"{people} recipients"


def _size_line(intent: tuple[str, ...]) -> str:
    words = sum(len(point.split()) for point in intent)
    questions = sum(point.rstrip().endswith("?") for point in intent)
    return f"Size: {len(intent)} points, {words} words, {questions} questions"


def _context_lines(context: tuple[ContextMessage, ...], budget: int) -> list[str]:
    lines: list[str] = []
    for message in context:
        words, budget = _within(message.text, budget)
        if words:
            lines += [f"Answering {display_name(message.author)}:", f"> {' '.join(words)}"]
    return lines


def _within(text: str, budget: int) -> tuple[list[str], int]:
    """The words that a budget has room for, the last one maybe in part, and what is left of it.

    A long word counts as several: a link has many tokens, and so has a line of a script without
    blanks.
    """
    words: list[str] = []
    for word in text.split():
        if budget <= 0:
            break
        words.append(word[: budget * WORD_LETTERS])
        budget -= -(-len(word) // WORD_LETTERS)
    return words, max(budget, 0)


def context_words(rendered: str) -> int:
    """How many words of context a rendered x holds."""
    return sum(len(line.split()) - 1 for line in rendered.splitlines() if line.startswith("> "))


def with_context_cut(rendered: str, words: int) -> str:
    """A rendered x with so many words of its context, the first ones, and all else."""
    lines = []
    for line in rendered.splitlines():
        kept = line.split()[1 : words + 1] if line.startswith("> ") else None
        words -= len(kept or ())
        lines.append(line if kept is None else " ".join([">", *kept]))
    return "\n".join(lines)


def display_name(address: Address) -> str:
    """The name to show: the display name, else the part before the @, else `unknown`."""
    return _one_line(address.name) or _one_line(address.address.partition("@")[0]) or "unknown"


def _names(addresses: tuple[Address, ...]) -> str:
    shown = ", ".join(display_name(address) for address in addresses[:_NAMED_RECIPIENTS])
    more = len(addresses) - _NAMED_RECIPIENTS
    return f"{shown} and {more} others" if more > 0 else shown or "unknown"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fill(kind: Kind, name: str, fields: dict[str, str]) -> tuple[Message, ...]:
    system, user = _prompt_text(kind, name).split("\n---\n")
    return (
        Message(role="system", content=system.strip()),
        Message(role="user", content=Template(user.strip()).substitute(fields)),
    )


@cache
def _prompt_text(kind: Kind, name: str) -> str:
    return (resources.files("mlx_agent") / "prompts" / kind / f"{name}.txt").read_text("utf-8")
