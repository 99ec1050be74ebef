"""The closed wording of the offline model's rules: a manner to rules, and back.

Each aspect has one sentence for each thing that can be measured of it, so that equal measurements
have equal words, a small model can learn them, and the writer can obey them. They are plain English
all the same, for a real large model reads them too. Names are never in a rule. A courtesy is quoted
as `anatomy.quotable` allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from mlx_agent.anatomy import quotable
from mlx_agent.records import Kind, Rule, X
from mlx_agent.rules import in_order, most_telling, stated_length
from mlx_agent.style import LENGTHS, MARKS, PLAIN, SIGNATURES, Manner, measure
from mlx_agent.wording import SHORTHAND

NAME_FORMS = {"{first}": "first name", "{last}": "last name", "{name}": "full name"}
ENDINGS = {",": "a comma", "!": "an exclamation mark", ":": "a colon", "-": "a dash"}
ENDINGS |= {"--": "two dashes", "–": "an en dash", ".": "a full stop"}
REQUESTS = {
    "please": 'ask with "please"',
    "could you": 'ask with "could you"',
    "bare": "ask plainly, without a softening word",
}
EXCLAMATION = ("use no exclamation mark", "use one exclamation mark", "use several")
SENTENCES = {
    "short": "short ones, under seven words",
    "medium": "of medium length",
    "long": "long ones, over eighteen words",
}

OF_LETTERS = frozenset({"greeting", "opening", "requests", "closing", "sign-off", "signature"})
"""The aspects that plain code finds in what somebody is written to, and in nothing else."""

Change = dict[str, Any]
_MARK_LIST = re.compile(r"^use (.+)$")
_GREETING = re.compile(
    r'^open with (?:"(?P<word>[^"]+)")?(?:, | )?(?:the recipient\'s (?P<name>\w+ name))?'
    r"(?: and (?P<end>an? [\w ]+|two dashes))?(?P<inline>, and go on in the same line)?$"
)
_SIGN_OFF = re.compile(r'^sign off with "(?P<word>[^"]+)"(?: and (?P<end>an? [\w ]+|two dashes))?$')
_FORMS = re.compile(r'^write "[^"]+"(?:, "[^"]+")*$')
_QUOTED = re.compile(r'"([^"]+)"')


def rules_of(manner: Manner, default: Manner | None, *, letter: bool = True) -> tuple[Rule, ...]:
    """Rules for what is not as in `default`; for every aspect where there is no default.

    Greeting, length, sign-off and signature are always stated: they are what a reader sees first.
    Of what is no `letter`, the aspects that only one has are left out.
    """
    rules = []
    for aspect, names, say in _SAY:
        if aspect in OF_LETTERS and not letter:
            continue
        stated = aspect in {"greeting", "length", "sign-off", "signature"}
        differs = default is None or any(getattr(manner, n) != getattr(default, n) for n in names)
        if stated or differs:
            rules.append(Rule(aspect=aspect, instruction=say(manner)))
    return in_order(rules)


def manner_of(rules: Iterable[Rule], default: Manner) -> Manner:
    """`default`, changed by every rule whose wording is known; the others are passed over."""
    change: Change = {}
    for rule in rules:
        change |= _HEAR[rule.aspect](rule.instruction) if rule.aspect in _HEAR else {}
    known = {field.name for field in fields(Manner)}
    return replace(default, **{name: value for name, value in change.items() if name in known})


def rules_for(x: X, own_text: str, baseline: str | None) -> tuple[Rule, ...]:
    """The rules that separate `own_text` from `baseline`; without one, the most that it shows."""
    generic = None if baseline is None else _measured(baseline, x, usual(x.kind))
    manner = _measured(own_text, x, generic or usual(x.kind))
    return most_telling(rules_of(manner, generic, letter=x.kind == "email"))


def usual(kind: Kind) -> Manner:
    """The manner of a text of that kind that nobody in particular wrote."""
    return Manner() if kind == "email" else PLAIN


def _measured(text: str, x: X, default: Manner) -> Manner:
    letter = x.kind == "email"
    return measure(text, x.metadata.sender, x.metadata.to, default, letter=letter)


def _say_greeting(manner: Manner) -> str:
    if not manner.greeting:
        return "use no greeting"
    words, name, end = _form(manner.greeting)
    said = f'"{words}"' if words else ""
    if name:
        said += f"{', ' if words else ''}the recipient's {NAME_FORMS[name]}"
    said += f" and {ENDINGS[end]}" if end else ""
    return f"open with {said}{', and go on in the same line' if manner.inline else ''}"


def _hear_greeting(text: str) -> Change:
    if text == "use no greeting":
        return {"greeting": "", "inline": False}
    match = _GREETING.match(text)
    if not match or not (match["word"] or match["name"]):
        return {}
    names = {name: form for form, name in NAME_FORMS.items()}
    if match["name"] not in {None, *names} or match["end"] not in {None, *ENDINGS.values()}:
        return {}
    parts = [match["word"] or "", names.get(match["name"] or "", "")]
    form = " ".join(part for part in parts if part)
    return {"greeting": form + _ending(match["end"]), "inline": bool(match["inline"])}


def _form(form: str) -> tuple[str, str, str]:
    end = next((e for e in sorted(ENDINGS, key=len, reverse=True) if form.endswith(e)), "")
    body = form.removesuffix(end).strip()
    name = next((name for name in NAME_FORMS if body.endswith(name)), "")
    return body.removesuffix(name).strip(), name, end


def _ending(words: str | None) -> str:
    end = next((mark for mark, said in ENDINGS.items() if said == words), "")
    return f" {end}" if end.startswith(("-", "–")) else end


def _say_sign_off(manner: Manner) -> str:
    if not manner.sign_off:
        return "end without a sign-off"
    word, _, end = _form(manner.sign_off)
    return f'sign off with "{word}"' + (f" and {ENDINGS[end]}" if end else "")


def _hear_sign_off(text: str) -> Change:
    match = _SIGN_OFF.match(text)
    if match and match["end"] in {None, *ENDINGS.values()}:
        return {"sign_off": match["word"] + _ending(match["end"]).replace(" ", "")}
    return {"sign_off": ""} if text == "end without a sign-off" else {}


def _say_signature(manner: Manner) -> str:
    return "add no name" if manner.signature == "no name" else f"sign with the {manner.signature}"


def _hear_signature(text: str) -> Change:
    form = "no name" if text == "add no name" else text.removeprefix("sign with the ")
    return {"signature": form} if form in SIGNATURES else {}


def _phrase(
    name: str, none: str, say: str
) -> tuple[Callable[[Manner], str], Callable[..., Change]]:
    def spoken(manner: Manner) -> str:
        phrase = getattr(manner, name)
        return f'{say} "{quotable(phrase) or phrase}"' if phrase else none

    def heard(text: str) -> Change:
        match = re.fullmatch(rf'{say} "([^"]+)"', text)
        return {name: match[1]} if match else {name: ""} if text == none else {}

    return spoken, heard


def _choice(
    name: str, says: dict[Any, str]
) -> tuple[Callable[[Manner], str], Callable[..., Change]]:
    hears = {said: value for value, said in says.items()}

    def spoken(manner: Manner) -> str:
        return says[getattr(manner, name)]

    def heard(text: str) -> Change:
        return {name: hears[text]} if text in hears else {}

    return spoken, heard


def _say_shorthand(manner: Manner) -> str:
    quoted = ", ".join(f'"{form}"' for form in manner.shorthand)
    return f"write {quoted}" if quoted else "write every word out"


def _hear_shorthand(text: str) -> Change:
    quoted = _QUOTED.findall(text) if _FORMS.match(text) else []
    forms = tuple(form for form in SHORTHAND.values() if form in quoted)
    return {"shorthand": forms} if forms or text == "write every word out" else {}


def _say_marks(manner: Manner) -> str:
    return f"use {', '.join(manner.marks)}" if manner.marks else "use commas and full stops alone"


def _hear_marks(text: str) -> Change:
    match = _MARK_LIST.match(text)
    named = match[1].split(", ") if match else []
    marks = tuple(mark for mark in MARKS if mark in named)
    return {"marks": marks} if marks or text == "use commas and full stops alone" else {}


_LAYOUTS = {
    "one block": "one block",
    "short paragraphs": "short paragraphs",
    "a paragraph for each point": "a paragraph for each point",
    "numbered list": "a numbered list",
    "bulleted list": "a bulleted list",
}
_CHOICES: dict[str, tuple[str, dict[Any, str]]] = {
    "length": ("words", {n: stated_length(n) for n in LENGTHS} | {0: "a few words"}),
    "sentences": ("sentences", SENTENCES),
    "contractions": ("contractions", {True: "use contractions", False: "use no contractions"}),
    "requests": ("requests", REQUESTS),
    "exclamation": ("exclamation", dict(enumerate(EXCLAMATION))),
    "capitals": (
        "lower_case",
        {True: "begin sentences with a small letter", False: "begin sentences with a capital"},
    ),
    "subject": (
        "drop_subject",
        {True: 'leave out "I" at the start of a sentence', False: 'keep the "I"'},
    ),
    "layout": ("layout", _LAYOUTS),
}
_OPENING = _phrase("opening", "go straight to the point", "begin with")
_CLOSING = _phrase("closing", "add no closing line", "close with")

_SAY: list[tuple[str, tuple[str, ...], Callable[[Manner], str]]] = [
    ("greeting", ("greeting", "inline"), _say_greeting),
    ("opening", ("opening",), _OPENING[0]),
    *((aspect, (name,), _choice(name, says)[0]) for aspect, (name, says) in _CHOICES.items()),
    ("shorthand", ("shorthand",), _say_shorthand),
    ("marks", ("marks",), _say_marks),
    ("closing", ("closing",), _CLOSING[0]),
    ("sign-off", ("sign_off",), _say_sign_off),
    ("signature", ("signature",), _say_signature),
]
_HEAR: dict[str, Callable[[str], Change]] = {
    "greeting": _hear_greeting,
    "opening": _OPENING[1],
    **{aspect: _choice(name, says)[1] for aspect, (name, says) in _CHOICES.items()},
    "shorthand": _hear_shorthand,
    "marks": _hear_marks,
    "closing": _CLOSING[1],
    "sign-off": _hear_sign_off,
    "signature": _hear_signature,
}
