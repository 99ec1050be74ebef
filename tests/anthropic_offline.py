"""A stand-in for Claude that sees what Claude sees: the words of the prompts and nothing else.

It tells by the words which task was rendered, takes the task's fields back out of their fences,
and lets the offline model answer it. What a prompt does not show (addresses) is lost on the way, so
its answers have the form of the offline model's and are not always the same.
"""

import re
from functools import cache
from importlib import resources

from mlx_agent.large import offline
from mlx_agent.records import (
    Address,
    BaselineTask,
    ContextMessage,
    DraftTask,
    IntentTask,
    JudgeTask,
    Metadata,
    Rule,
    RulesTask,
    Task,
    X,
)
from mlx_agent.rules import parse_rules

FENCED = r"<(data-[0-9a-f]{16})>\n(.*?)\n</\%d>"


@cache
def _prompts() -> tuple[tuple[str, str, re.Pattern[str], tuple[str, ...]], ...]:
    """Each prompt by its name: its system part, a pattern of its user part, and that one's fields.

    A field is two groups of the pattern: the name of its fence and what stands in it.
    """
    found = []
    for folder in sorted(
        (resources.files("mlx_agent") / "prompts").iterdir(), key=lambda f: f.name
    ):
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            system, user = file.read_text("utf-8").split("\n---\n")
            first, *rest = re.split(r"\$(\w+)", user.strip())
            pattern = re.escape(first)
            for index in range(0, len(rest), 2):
                fenced = FENCED % (index + 1)
                pattern += f"(?:{fenced}|.*?)" + re.escape(rest[index + 1])
            name = file.name.removesuffix(".txt")
            found.append((name, system.strip(), re.compile(pattern, re.DOTALL), tuple(rest[::2])))
    return tuple(found)


def offline_answer(system: str, user: str) -> str:
    """The offline model's answer to a rendered task, or a plain line to anything else."""
    for name, its_system, pattern, fields in _prompts():
        match = pattern.fullmatch(user) if system == its_system else None
        if match:
            return offline.answer(
                _task(name, dict(zip(fields, match.groups("")[1::2], strict=True)))
            )
    return "Nothing to say."


def _task(name: str, fields: dict[str, str]) -> Task:
    x = _x(fields["x"])
    if name == "intent":
        return IntentTask(own_text=fields["own_text"], metadata=x.metadata, context=x.context)
    if name.startswith("rules"):
        return RulesTask(x=x, own_text=fields["own_text"], baseline=fields.get("baseline") or None)
    if name == "judge":
        return JudgeTask(x=x, truth=fields["truth"], first=fields["first"], second=fields["second"])
    if name in {"draft", "redraft"}:
        wish = fields.get("instruction", "")
        return DraftTask(
            x=x, rules=_rules(fields["rules"]), instruction="" if wish == "none" else wish
        )
    return BaselineTask(x=x)


def _rules(text: str) -> tuple[Rule, ...]:
    return () if text == "none" else parse_rules(text)


def _x(text: str) -> X:
    head, _, rest = text.partition("\nPoints:\n")
    about = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    lines = rest.splitlines()
    points = tuple(line[2:] for line in lines if line.startswith("- "))
    said = tuple(
        ContextMessage(author=Address(), text=line[2:]) for line in lines if line.startswith("> ")
    )
    names = about.get("To", "").split(", ")
    metadata = Metadata(
        sender=Address(name=about.get("From", "")),
        to=tuple(Address(name=name) for name in names if name),
        subject=about.get("Subject", ""),
        reply=about.get("Mail", "").startswith("reply"),
    )
    return X(intent=points, metadata=metadata, context=said)
