"""Checks of a draft against what was asked: is all of it said, and is all that is said asked? Pure.

Three things can be found: bullets that are not in the draft, facts that neither x nor the user's
own word holds, and another language than the one wanted (`language.wanted`). All are heuristics
over words: they point at a place to look, and change nothing.

A bullet is in the draft if every fact of it is, in whatever form, and most of its other words are,
in whatever ending; where draft and bullets are in two languages, its facts alone can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlx_agent import wording
from mlx_agent.characters import folded
from mlx_agent.claims import Claim, Ground, claims, ground, ground_of
from mlx_agent.findings import Checks, Uncovered, Unsupported, WrongLanguage
from mlx_agent.language import STOP_WORDS, language, wanted
from mlx_agent.names import words as name_words
from mlx_agent.records import DraftTask, X
from mlx_agent.sameness import Vocabulary, stems

COVERED = 0.6
"""The share of a bullet's content words that a draft must hold for the bullet to count as said."""
COVERED_WITH_FACTS = 0.5
"""The same where the bullet has facts, and all of them are there."""

_STOP = frozenset(
    "a an the and or but of to in on at for with from by as is are was were be been it its this "
    "that i you he she we they me him her us them my your his our their will would can could "
    "should may do does did have has had not no so if then there here please thanks thank".split()
)
_TELLING = frozenset("ask tell say mention".split())
"""What a note says the writer should do, and a mail does."""
_TELLING_KINDS = frozenset({"address", "link", "file", "name", "amount"})
"""Facts that hardly stand in a draft by chance: with one of them, one other word may be missing."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NOT = re.compile(r"\b(?:not|cannot|never|nicht|nie|kein\w*|ne|jamais)\b|n['’]t\b", re.IGNORECASE)
_DENIES = re.compile(
    rf"{_NOT.pattern}|\b(?:no|none|nobody|nothing|neither|nor|without|unable|unfortunately|afraid"
    r"|decline|declined|refuse|refused|hardly|rather|instead|sorry|avoid|stop|fail|failed|miss"
    r"|lack|too|only|cant|wont|dont|doesnt|didnt|isnt|arent|wasnt|havent|hasnt|couldnt|nein|niemand"
    r"|nichts|ohne|leider|weder|pas|rien|aucune?|sans|hélas|malheureusement"
    r"|un(?!der|til|it|ion|iqu|iver)\w{4,}|dis(?:agree|like|appoint|continu)\w*|impossible|invalid"
    r"|in(?:correct|sufficient|convenient|complete|active))\b",
    re.IGNORECASE,
)
"""A bullet that says `not` is not said by a draft that denies nothing, in any of these words."""


def check(text: str, task: DraftTask) -> Checks:
    """What is wrong with the draft that was written for a task."""
    written, meant = language(text), wanted(task.x, task.instruction)
    wrong = WrongLanguage(written=written, wanted=meant)
    return Checks(
        uncovered=uncovered(task.x, text),
        unsupported=unsupported(text, task),
        language=wrong if written and meant and written != meant else None,
    )


def uncovered(x: X, draft: str) -> tuple[Uncovered, ...]:
    """The bullets that the draft does not say."""
    written, noted = language(draft), language("\n".join(x.intent), fewest=1)
    said = ground([draft])
    comparable = not written or noted == written or (not noted and written == "en")
    vocabulary = Vocabulary(_content(draft, written)) if comparable else None
    denies = bool(_DENIES.search(draft))
    people = {folded(w) for p in (x.metadata.sender, *x.metadata.to) for w in name_words(p)}
    found = []
    for position, point in enumerate(x.intent):
        its_claims = claims(point, noted)
        missing = _missing(its_claims, said, people)
        words = _content(_without(point, its_claims), noted, _TELLING | people)
        told = len(words) < 2 and any(claim.kind in _TELLING_KINDS for claim in its_claims)
        lost = vocabulary is not None and _share(words, vocabulary) < _least(its_claims)
        if missing or (lost and not told) or (_NOT.search(point) and not denies):
            found.append(Uncovered(position=position, facts=missing))
    return tuple(found)


def unsupported(draft: str, task: DraftTask) -> tuple[Unsupported, ...]:
    """The facts of a draft that neither x holds nor the user's own word, in their order."""
    held = ground_of(task.x, task.instruction, (rule.instruction for rule in task.rules))
    return tuple(
        Unsupported(kind=claim.kind, text=claim.text, start=claim.start, end=claim.end)
        for claim in claims(draft, language(draft, fewest=1))
        if not held.holds(claim)
    )


def _missing(its_claims: Sequence[Claim], said: Ground, people: set[str]) -> tuple[str, ...]:
    """The facts of a bullet that are not said.

    People who write and read are `I` and `you`, and of a name one part is enough.
    """
    missing: list[str] = []
    whole: list[Claim] = []
    for claim in its_claims:
        if claim.kind != "name":
            missing += [] if said.holds(claim) else [claim.text]
        elif whole and claim.start == whole[-1].end + 1:
            whole.append(claim)
        else:
            missing += _unnamed(whole, said, people)
            whole = [claim]
    missing += _unnamed(whole, said, people)
    return tuple(dict.fromkeys(missing))


def _unnamed(name: Sequence[Claim], said: Ground, people: set[str]) -> list[str]:
    """The name, in one piece, if no part of it is said."""
    if not name or any(said.holds(part) or folded(part.text) in people for part in name):
        return []
    return [" ".join(part.text for part in name)]


def _without(point: str, its_claims: Sequence[Claim]) -> str:
    """A bullet without its facts, which are looked for by themselves."""
    for claim in its_claims:
        point = f"{point[: claim.start]}{' ' * (claim.end - claim.start)}{point[claim.end :]}"
    return point


def _least(its_claims: Sequence[Claim]) -> float:
    return COVERED_WITH_FACTS if its_claims else COVERED


def _share(words: Sequence[str], vocabulary: Vocabulary) -> float:
    return sum(map(vocabulary.holds, words)) / len(words) if words else 1.0


def _content(
    text: str, its_language: str, but: frozenset[str] | set[str] = frozenset()
) -> Sequence[str]:
    """The stems of the words that carry content, contractions and shorthand written out."""
    plain = wording.expand(wording.lengthen(text))
    stop = _STOP | but
    if its_language not in {"", "en"}:
        stop |= STOP_WORDS[its_language]
    return stems(word for word in _WORD.findall(plain) if folded(word) not in stop)
