"""Write a text from x under rules: plain code that obeys the closed wording. Pure.

The bullets are the content and none is dropped, however its words are put; the manner is the
baseline's, changed by the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mlx_agent import names, wording
from mlx_agent.anatomy import LIST_ITEM, SMILEY
from mlx_agent.large.offline_intent import neutral
from mlx_agent.large.offline_rules import OF_LETTERS, manner_of, usual
from mlx_agent.records import Address, Rule, X
from mlx_agent.style import Manner, sign

Sentences = list[str]
_ENDED = re.compile(r"[.!?][\"')\]]+$|:$")


def baseline(x: X) -> str:
    """y_z: the generic text for x."""
    return write(x, ())


def write(x: X, rules: tuple[Rule, ...], instruction: str = "") -> str:
    """The text for x in the manner that the rules give; an instruction goes before them.

    Neither makes a letter of an article: an agent that began as one for mail may well try.
    """
    letter = x.kind == "email"
    heard = [rule for rule in rules if letter or rule.aspect not in OF_LETTERS]
    manner = instructed(manner_of(heard, usual(x.kind)), instruction)
    return compose(x, manner if letter else replace(manner, greeting="", sign_off=""))


def instructed(manner: Manner, instruction: str) -> Manner:
    """A manner under a user's instruction; the words understood are few."""
    wish = instruction.lower()
    words = set(re.findall(r"[a-z]+", wish))
    negated = {"less", "not", "t", "never", "without"} & words
    if {"short", "shorter", "brief", "briefer"} & words:
        manner = replace(manner, opening="", closing="")
    if {"formal", "formally"} & words and not negated:
        manner = replace(manner, greeting="Dear {name},", contractions=False, sign_off="Regards,")
        manner = replace(manner, exclamation=0, shorthand=(), lower_case=False, marks=())
    if ("warm" in wish or "friendl" in wish) and not negated:
        manner = replace(manner, contractions=True, exclamation=max(1, manner.exclamation))
    return manner


def compose(x: X, manner: Manner) -> str:
    """The mail for x in one manner."""
    core = [_sentence(point, manner) for point in x.intent]
    said = [s for s in (manner.opening, *_joined(core, manner), manner.closing) if s]
    said = _punctuated(said, manner)
    opening = said.pop(0) if manner.opening and said else ""
    closing = said.pop() if manner.closing and said else ""
    body = _laid_out(opening, said, closing, manner)
    greeting = _greeting(manner.greeting, x.metadata.to)
    if greeting:
        inline = manner.inline and not greeting[-1].isalnum() and not LIST_ITEM.match(body)
        body = f"{greeting} {body}" if inline else f"{greeting}\n\n{body}"
    ending = [line for line in (manner.sign_off, sign(manner.signature, x.metadata.sender)) if line]
    return "\n\n".join(part for part in (body, "\n".join(ending)) if part)


def _sentence(point: str, manner: Manner) -> str:
    text = neutral(SMILEY.sub("", point)) or " ".join(point.split())
    question = text.endswith("?")
    if wording.request_style(text) == "bare":
        text, question = _request(text, manner.requests)
    elif manner.drop_subject:
        text = wording.drop_subject(text)
    if manner.contractions:
        text = wording.contract(text)
    text = wording.shorten(text, manner.shorthand)
    text = wording.capitalised(text.rstrip(".!,; ") or text)
    ended = question or text.endswith("?") or _ENDED.search(text)
    return text if ended else f"{text}."


def _request(text: str, style: str) -> tuple[str, bool]:
    verb = text[:1].lower() + text[1:]
    if style == "please":
        return f"Please {verb}", False
    return (f"Could you {verb}?", True) if style == "could you" else (text, False)


def _joined(core: Sentences, manner: Manner) -> Sentences:
    """Join two statements by the manner's mark, or several where its sentences are long."""
    for mark, joint in (("semicolons", "; "), ("dashes", " - "), ("double dashes", " -- ")):
        if mark in manner.marks:
            core = _join_first(core, joint)
    return core


def _join_first(core: Sentences, joint: str) -> Sentences:
    for i in range(len(core) - 1):
        if core[i].endswith(".") and not core[i + 1].startswith("I "):
            joined = core[i][:-1] + joint + wording.joined_on(core[i + 1])
            return [*core[:i], joined, *core[i + 2 :]]
    return core


def _punctuated(said: Sentences, manner: Manner) -> Sentences:
    if "dots" in manner.marks and not any("..." in s for s in said):
        said = _change_last(said, lambda s: f"{s[:-1]}..." if s.endswith(".") else s)
    missing = manner.exclamation - sum(s.count("!") for s in said)
    for _ in range(missing):
        said = _change_last(said, lambda s: f"{s[:-1]}!" if _plain_stop(s) else s)
    if "a smiley" in manner.marks and said:
        said = [*said[:-1], f"{said[-1]} :)"]
    if "no final stop" in manner.marks and said:
        said = [*said[:-1], re.sub(r"[.]+( :\))?$", r"\1", said[-1])]
    return [_uncapital(s) for s in said] if manner.lower_case else said


def _plain_stop(sentence: str) -> bool:
    return sentence.endswith(".") and not sentence.endswith("..")


def _change_last(said: Sentences, change: Callable[[str], str]) -> Sentences:
    """Change the last sentence that the change changes."""
    for i in reversed(range(len(said))):
        if (changed := change(said[i])) != said[i]:
            return [*said[:i], changed, *said[i + 1 :]]
    return said


def _laid_out(opening: str, core: Sentences, closing: str, manner: Manner) -> str:
    space = "  " if "two spaces" in manner.marks else " "
    if manner.layout in {"numbered list", "bulleted list"} and len(core) > 1:
        numbered = manner.layout == "numbered list"
        items = [f"{f'{i}.' if numbered else '-'} {s}" for i, s in enumerate(core, 1)]
        parts = [opening, "\n".join(items), closing]
    elif manner.layout == "a paragraph for each point":
        parts = [opening, *core, closing]
    elif manner.layout == "short paragraphs" and len(core) > 2:
        pairs = [space.join(core[i : i + 2]) for i in range(0, len(core), 2)]
        parts = [opening, *pairs, closing]
    else:
        parts = [space.join(s for s in (opening, *core, closing) if s)]
    return "\n\n".join(part for part in parts if part)


def _greeting(form: str, to: tuple[Address, ...]) -> str:
    who = to[0] if to else Address()
    filled = form
    for placeholder, name in (
        ("{first}", names.first_name(who)),
        ("{last}", names.last_name(who)),
        ("{name}", names.full_name(who)),
    ):
        filled = filled.replace(placeholder, name)
    filled = re.sub(r" +([,!:.])", r"\1", filled).strip()
    return filled if any(map(str.isalpha, filled)) else ""


def _uncapital(text: str) -> str:
    """A small first letter, but not for `I`, a short form of it, or a word in capitals."""
    first = text.split(maxsplit=1)[0] if text else ""
    keep = first.rstrip(",.") == "I" or first.startswith(("I'", "I’")) or first[1:2].isupper()
    return text if keep else text[:1].lower() + text[1:]
