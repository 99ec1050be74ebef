"""How each of the cast writes: a policy that depends on the mail, kept nine times in ten.

This is a writer of its own, apart from the offline model's: what trimtab learns from these mails it
learns from their text.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from daemon.sample.situations import Point, Situation

CONSISTENCY = 0.9
"""The share of mails in which a person keeps to the policy in every respect."""

_SHORT = {
    "I am": "I'm", "I have": "I've", "I will": "I'll", "I would": "I'd", "do not": "don't",
    "cannot": "can't", "It is": "It's", "it is": "it's", "is not": "isn't", "We will": "We'll",
    "We have": "We've", "have not": "haven't", "does not": "doesn't", "did not": "didn't",
}  # fmt: skip

Write = Callable[[Random, Situation], str]


def write(random: Random, who: str, mail: Situation) -> str:
    """The own text of a mail: greeting to signature, without quote and contact block."""
    return _WRITERS[who](random, mail)


def _ada(random: Random, mail: Situation) -> str:
    lapse = random.random() > CONSISTENCY
    if mail.inside:
        said = [_terse(point) for point in mail.points]
        text = " - ".join(s.rstrip(".") for s in said[:2])
        rest = [f"{s.rstrip('?.')}{'?' if s.endswith('?') else '.'}" for s in said[2:]]
        body = " ".join([text if text.endswith("?") else f"{text}.", *rest])
        return f"{body}\n\n{'Ada' if lapse else 'a.'}"
    if not mail.reply or mail.earlier == 0:
        said = [_full(point, "please") for point in mail.points]
        closing = "" if lapse else "Please let me know if that suits you."
        body = "\n\n".join(part for part in (" ".join(said), closing) if part)
        return f"Dear {mail.to[0].name},\n\n{body}\n\nKind regards,\nAda Lindqvist"
    said = [_full(point, "could you") for point in mail.points]
    opening = "" if lapse else "Thank you for your message. "
    return f"Hello {_first(mail)},\n\n{opening}{' '.join(said)}\n\nBest wishes,\nAda"


def _bruno(random: Random, mail: Situation) -> str:
    lapse = random.random() > CONSISTENCY
    said = [_contracted(_full(point, "could you")) for point in mail.points]
    if mail.reply and len(said) == 1:
        return f"{said[0]} Thanks!\nB" if lapse else f"{_loud(said[0])}\n\nThanks!\nB"
    greeting = "Hi all," if len(mail.to) > 1 else f"Hi {_first(mail)}{',' if lapse else '!'}"
    smile = " :)" if mail.earlier > 8 else ""
    if len(said) >= 4:
        lines = [f"{i}. {s}" for i, s in enumerate(said, 1)]
        body = "\n".join(lines) + f"\n\nLet me know what you think!{smile}"
    else:
        closing = "" if lapse else f"Talk soon!{smile}"
        body = f"{_loud(' '.join(said))} {closing}".strip()
    return f"{greeting}\n\n{body}\n\nCheers,\nBruno"


def _cleo(random: Random, mail: Situation) -> str:
    lapse = random.random() > CONSISTENCY
    if mail.official:
        said = [_full(point, "please") for point in mail.points]
        body = _semicolon(said)
        return f"Dear Dr {mail.to[0].name.split()[-1]},\n\n{body}\n\nSincerely,\nCleo Amari"
    said = [_contracted(_bare(point)) for point in _questions_first(mail.points)]
    body = _dashed(said)
    if not lapse:
        body = body.rstrip(".")
    greeting = "" if mail.reply else f"Good morning {_first(mail)} -\n\n"
    if mail.inside:
        asks = any(point.kind == "request" for point in mail.points)
        body = f"{_small(body).rstrip('.')}, pls" if asks else body
        return f"{greeting}{body}\n\nthx\nC"
    return f"{greeting}{body}\n\nCleo"


_WRITERS: dict[str, Write] = {"ada": _ada, "bruno": _bruno, "cleo": _cleo}


def _full(point: Point, request: str) -> str:
    if point.kind == "question":
        return point.text
    if point.kind == "statement":
        return f"{point.text}."
    verb = point.text[:1].lower() + point.text[1:]
    return f"Please {verb}." if request == "please" else f"Could you {verb}?"


def _bare(point: Point) -> str:
    return point.text if point.kind == "question" else f"{point.text}."


def _terse(point: Point) -> str:
    """Lower case, no `I`, no softening."""
    text = _contracted(point.text)
    for start in ("I have ", "I've ", "I am ", "I'm "):
        text = text.removeprefix(start)
    for start, left in (("I will ", "will "), ("I'll ", "will "), ("I'd ", "would "), ("I ", "")):
        if text.startswith(start):
            text = left + text.removeprefix(start)
    return text[:1].lower() + text[1:]


def _contracted(text: str) -> str:
    for long, short in _SHORT.items():
        text = text.replace(f"{long} ", f"{short} ")
    return text


def _loud(text: str) -> str:
    """The last full stop as an exclamation mark."""
    return f"{text[:-1]}!" if text.endswith(".") else text


def _small(text: str) -> str:
    return text if text.startswith("I") else text[:1].lower() + text[1:]


def _semicolon(said: list[str]) -> str:
    if len(said) < 2 or not said[0].endswith("."):
        return " ".join(said)
    return " ".join([f"{said[0][:-1]}; {_small(said[1])}", *said[2:]])


def _dashed(said: list[str]) -> str:
    if len(said) < 2 or not said[0].endswith("."):
        return " ".join(said)
    return " ".join([f"{said[0][:-1]} -- {_small(said[1])}", *said[2:]])


def _questions_first(points: tuple[Point, ...]) -> list[Point]:
    return sorted(points, key=lambda point: point.kind != "question")


def _first(mail: Situation) -> str:
    return mail.to[0].name.removeprefix("Dr ").split()[0]
