"""The manner of a text, measured: what the closed wording of the offline rules can speak of.

`measure` is pure and total: it never raises, and equal texts have equal manners. A manner is what a
rule list says in another form (`mlx_agent.large.offline_rules` goes both ways).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_agent import anatomy, names, wording
from mlx_agent.anatomy import Anatomy, dissect
from mlx_agent.records import Address, Register

_OF_MAIL = (5, 10, 15, 20, 30, 40, 50, 65, 80, 100, 130, 170, 220, 300, 400)
LENGTHS: tuple[int, ...] = (*_OF_MAIL, 550, 750, 1000, 1400, 2000, 3000)
"""Buckets of words: a length is stated as the nearest of these. The last are for articles."""
SHORT_SENTENCE, LONG_SENTENCE = 7.0, 18.0
"""Words in a sentence on average."""
MARKS = ("semicolons", "dashes", "double dashes", "dots", "a smiley", "two spaces", "no final stop")
"""Habits of punctuation, in the order in which they are named."""

_TWO_SPACES = re.compile(r"[.!?]  \S")
_ONE_SPACE = re.compile(r"[.!?] [^\s:;]")
_SINGLE_DASH = re.compile(r"(?<!\S)[^\w\s]*+\w\S*+ [-–—] \w")
_DOUBLE_DASH = re.compile(r"\S ?-- ?\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a mail is written, aspect by aspect; the defaults are those of the generic baseline.

    `greeting` and `sign_off` are forms with placeholders, empty for none. `opening` and `closing`
    are courtesies as written, empty for none. `signature` names a form of `SIGNATURES`.
    `words` is the nearest of `LENGTHS`.
    """

    greeting: str = "Dear {name},"
    inline: bool = False
    opening: str = "I hope this message finds you well."
    words: int = 0
    sentences: str = "medium"
    contractions: bool = False
    requests: str = "please"
    exclamation: int = 0
    lower_case: bool = False
    drop_subject: bool = False
    layout: str = "one block"
    shorthand: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    closing: str = "Please do not hesitate to contact me."
    sign_off: str = "Kind regards,"
    signature: str = "full name"


PLAIN = Manner(greeting="", opening="", closing="", sign_off="", signature="no name")
"""The manner of a text to nobody: an article, or a review."""


def measure(
    text: str,
    sender: Address,
    to: tuple[Address, ...],
    default: Manner,
    *,
    letter: bool = True,
) -> Manner:
    """The manner of a text. Where it shows nothing of an aspect, `default`'s is kept.

    What is no `letter` has neither greeting nor courtesies, nor a name below it.
    """
    parts = dissect(text, sender, to, letter=letter)
    core = parts.sentences
    said = " ".join(s for s in (parts.opening, *core, parts.closing) if s)
    return Manner(
        greeting=anatomy.greeting_form(parts.greeting, to),
        inline=parts.inline,
        opening=parts.opening,
        words=bucket(len(text.split())),
        sentences=_sentence_length(core, default.sentences),
        contractions=_contractions(said, default=default.contractions),
        requests=_requests(core, default.requests),
        exclamation=min(2, said.count("!")),
        lower_case=_lower_case(parts, default=default.lower_case),
        drop_subject=_drops_subject(core, default=default.drop_subject),
        layout=_layout(parts, default.layout),
        shorthand=wording.shorthand_used(said),
        marks=_marks(parts, said, text),
        closing=parts.closing,
        sign_off=_plain_sign_off(parts.sign_off),
        signature=signature_form(parts.signature, sender),
    )


def bucket(words: int) -> int:
    """The nearest of LENGTHS, the smaller of two equally near ones."""
    return min(LENGTHS, key=lambda length: (abs(length - words), length))


def greeting_form(text: str, to: tuple[Address, ...]) -> str:
    """The greeting of a mail's own text with names replaced, as `Recipient.greeting` holds it."""
    return anatomy.greeting_form(dissect(text, Address(), to).greeting, to)


def sign_off_form(text: str, sender: Address) -> str:
    """The sign-off of a mail's own text, as `Recipient.sign_off` holds it."""
    return _plain_sign_off(dissect(text, sender, ()).sign_off)


def register(text: str) -> Register:
    """The register of somebody's mail, from its greeting, contractions, marks and case."""
    said = measure(text, Address(), (), Manner())
    above_a_name = "\n".join(text.rstrip().splitlines()[:-1])
    sign_off = (said.sign_off or sign_off_form(above_a_name, Address())).lower()
    formal = said.greeting.lower().startswith("dear") + ("regards" in sign_off)
    formal += "sincerely" in sign_off
    casual = said.greeting.lower().startswith(("hey", "hi", "hiya")) + bool(said.exclamation)
    casual += said.contractions + said.lower_case * 2 + bool(said.shorthand)
    casual += "a smiley" in said.marks
    if formal and formal >= casual:
        return "formal"
    return "casual" if casual >= 2 else "plain"


SIGNATURES = (
    "no name",
    "first name",
    "full name",
    "initial",
    "initials",
    "first name in small letters",
    "initial in small letters",
    "initial and a full stop",
    "initial in small letters and a full stop",
)
"""The forms of the name under a mail."""


def signature_form(signature: str, sender: Address) -> str:
    """Which of SIGNATURES a signature is; an unknown one counts as the first name."""
    if not signature:
        return "no name"
    for form in SIGNATURES[1:]:
        if sign(form, sender) == signature.strip():
            return form
    bare = signature.strip().strip("-–~., ")
    if len(bare) == 1:
        return "initial in small letters" if bare.islower() else "initial"
    if len(bare.split()) > 1:
        return "full name"
    return "first name in small letters" if bare.islower() else "first name"


def sign(form: str, sender: Address) -> str:
    """The sender's name in one of SIGNATURES."""
    first, found = names.first_name(sender), names.words(sender)
    if not first:
        return ""
    initial = first[:1]
    return {
        "no name": "",
        "first name": first,
        "full name": names.full_name(sender),
        "initial": initial,
        "initials": "".join(word[0] for word in found),
        "first name in small letters": first.lower(),
        "initial in small letters": initial.lower(),
        "initial and a full stop": f"{initial}.",
        "initial in small letters and a full stop": f"{initial.lower()}.",
    }[form]


def _plain_sign_off(sign_off: str) -> str:
    word = re.sub(r"\s+", " ", sign_off.strip())
    return re.sub(r" *(?:!+|([,.]|--?))$", lambda mark: mark.group(1) or "!", word)


def _sentence_length(core: tuple[str, ...], default: str) -> str:
    """The bucket of the mean; the default's reaches a quarter further, so that noise is silent."""
    if not core:
        return default
    mean = sum(len(s.split()) for s in core) / len(core)
    short, long = SHORT_SENTENCE, LONG_SENTENCE
    short *= 1.25 if default == "short" else 0.75
    long *= 0.75 if default == "long" else 1.25
    return "short" if mean < short else "long" if mean > long else "medium"


def _contractions(said: str, *, default: bool) -> bool:
    used, avoided = wording.count_contractions(said), wording.count_expanded(said)
    return default if used == avoided else used > avoided


def _requests(core: tuple[str, ...], default: str) -> str:
    styles = [style for s in core if (style := wording.request_style(s))]
    return max(sorted(set(styles)), key=styles.count) if styles else default


def _lower_case(parts: Anatomy, *, default: bool) -> bool:
    """Whether most sentences begin with a small letter; one that begins with a link has no say."""
    said = [s for s in (parts.opening, *parts.sentences, parts.closing) if s and s[0].isalpha()]
    small = sum(s[0].islower() and wording.capitalised(s) != s for s in said)
    starts = small + sum(not s[0].islower() for s in said)
    return 2 * small > starts if starts else default


def _drops_subject(core: tuple[str, ...], *, default: bool) -> bool:
    dropped = sum(map(wording.dropped_subject, core))
    kept = sum(wording.has_subject(s) for s in core)
    return default if dropped == kept else dropped > kept


def _layout(parts: Anatomy, default: str) -> str:
    if len(parts.markers) >= 2:
        numbered = parts.markers[0][0].isdigit()
        return "numbered list" if numbered else "bulleted list"
    sentences = len(parts.sentences)
    if sentences < 2:
        return default
    blocks = len(parts.paragraphs)
    if blocks == 1:
        return "one block"
    return "a paragraph for each point" if blocks == sentences else "short paragraphs"


def _marks(parts: Anatomy, said: str, text: str) -> tuple[str, ...]:
    core = parts.sentences
    found = {
        "semicolons": "; " in said,
        "dashes": bool(_SINGLE_DASH.search(said)),
        "double dashes": bool(_DOUBLE_DASH.search(said)),
        "dots": "..." in said or "…" in said,
        "a smiley": bool(anatomy.SMILEY.search(text)),
        "two spaces": _spaces(text),
        "no final stop": bool(core) and _last(parts)[-1:].isalnum(),
    }
    return tuple(mark for mark in MARKS if found[mark])


def _spaces(text: str) -> bool:
    return len(_TWO_SPACES.findall(text)) > len(_ONE_SPACE.findall(text))


def _last(parts: Anatomy) -> str:
    last = parts.closing or parts.sentences[-1]
    return anatomy.SMILEY.sub("", last).rstrip()
