"""Redaction: what tells of people becomes placeholders before a task leaves, and comes back after.

Hidden are links, addresses, everything with a digit in it, and names: every part of the names of
the task's people and of the local parts of their addresses, other words with a capital inside a
sentence, and lines of such words alone, as in a greeting or below a mail. Of the rest this is no
anonymity: a name that only ever begins a sentence stays, and so does what a story tells.

The first and the last name of a person are `NAME_1` and `SURNAME_1`, so that a model can greet them
by either. One word becomes one word, so that lengths stay what they are. Equal values have equal
placeholders in the whole task, and equal tasks are redacted equally.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlx_agent import names, task_texts
from mlx_agent.characters import SPACELESS, folded, visible
from mlx_agent.ordinary import CALENDAR, NAMES_TOO, ORDINARY
from mlx_agent.records import Address, Task
from mlx_agent.task_texts import AnyTask, Change

_KINDS = ("SURNAME", "NAME", "NUMBER", "ADDRESS", "LINK")
_PLACEHOLDER = re.compile(
    r"(SURNAME|(?<!SUR)NAME|NUMBER|ADDRESS|LINK)\\?_([0-9]{1,9})(?![0-9])",
    re.IGNORECASE | re.ASCII,
)
"""In any case, for a model may begin sentences small; Markdown has a backslash before the line."""
_LONGEST = 24

_JOINED = SPACELESS + "\uac00-\ud7af"
"""Scripts in which a name stands in one piece with what follows it."""
_IN_ONE_PIECE = re.compile(f"[{_JOINED}]+")
_PIECE = re.compile(rf"(?P<joined>[{_JOINED}]+)|[^\s<>()\[\]{{}}\"“”„«»|{_JOINED}]+")
_MARKS = ".,;:!?'’‘`*…-–—~=&、。，：；！？「」『』（）"
_UNIT = re.compile(rf"[{_JOINED}]+|[^\W\d_{_JOINED}](?:[^\W\d_{_JOINED}]|[\u0300-\u036f])*")
_DOMAIN = re.compile(
    r"(?:[\w-]{2,63}\.){1,9}(?:com|org|net|edu|gov|info|biz|example|[a-z]{2})(?:[:/?#]\S*)?",
    re.IGNORECASE,
)
_CLOSING = "'’*\"”)"
_SHORT = frozenset("mr mrs ms dr prof st no nr vs cf ca approx dept e.g i.e".split())
_NEW_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_ALONE = re.compile(r"\W*+[^\W\d_]++(?:[^\w\n]{1,3}+[^\W\d_]++){0,2}+\W*+")
_NO_LOCAL_PART = ORDINARY | NAMES_TOO
_LENGTH = re.compile(
    r"((?<!\S)\d{1,5}(?:(?: ?[-–] ?| to | and | or )\d{1,5})?[ -](?:short |long )?"
    r"(?:words?|sentences?|paragraphs?|lines?|points?|characters?)\b)"
)
_PARTICLES = frozenset(
    "de la le du des da do dos das del della di van von der den het ten ter zu zum zur el al bin "
    "ibn of the and und et for via at".split()
)


@dataclass(frozen=True, slots=True)
class Placeholders:
    """The way back: the value of each placeholder of one task."""

    values: Mapping[str, str] = field(repr=False)

    def restore(self, text: str) -> str:
        """The text with what the placeholders stand for; an unknown one stays as it is.

        A name's placeholder in small letters is the name in small letters.
        """
        return _PLACEHOLDER.sub(self._value, text)

    def restorer(self) -> Restorer:
        """Restores a text that comes in pieces."""
        return Restorer(self)

    def _value(self, match: re.Match[str]) -> str:
        kind, number = match.groups()
        value = self.values.get(f"{kind.upper()}_{number}", match[0])
        return value.lower() if kind.islower() and kind.endswith("name") else value


class Restorer:
    """Restores a text that comes in pieces, each as soon as no placeholder can go on in it."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._before = ""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be told of the text so far, after what was told before."""
        text = self._before + self._held + piece
        first = max(len(self._before), len(text) - _LONGEST)
        begun = (start for start in range(first, len(text)) if self._may_become(text[start:]))
        end = next(begun, len(text))
        return self._told(text[:end], text[end:])

    def end(self) -> str:
        """The rest."""
        return self._told(self._before + self._held, "")

    def _may_become(self, begun: str) -> bool:
        if begun[0] not in "SNALsnal" or not begun.isascii():
            return False
        begun = begun.upper().replace("\\", "")
        return any(name.startswith(begun) for name in self._placeholders.values)

    def _told(self, text: str, held: str) -> str:
        """The text restored, but for what is before it, which was told already."""
        told = self._placeholders.restore(text)[len(self._before) :]
        self._before, self._held = text[-len("SUR") :], held
        return told


def redact(task: AnyTask) -> tuple[AnyTask, Placeholders]:
    """The task with placeholders, and what they stand for.

    Rules and instructions keep the lengths that they name. Texts lose what nobody sees of them
    (`characters.visible`); a person's name is shown in its order of speaking.
    """
    redactor = _Redactor(task)
    change = Change(text=redactor.text, style=redactor.style, person=redactor.person)
    return change.of(task), Placeholders(redactor.values)


class _Redactor:
    """The placeholders of one task, given out as values are met."""

    def __init__(self, task: Task) -> None:
        people = dict.fromkeys(task_texts.people(task))
        texts = [visible(text) for text in task_texts.texts(task)]
        shown = [f"{person.name} {person.address}" for person in people]
        self.values: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._numbers = dict.fromkeys(_KINDS, 0)
        self._taken = {m[2] for text in (*texts, *shown) for m in _PLACEHOLDER.finditer(text)}
        self._known: dict[str, str] = {}
        for person in people:
            self._introduce(person)
        for person in people:
            for part in _parts(Address(address=person.address)):
                if folded(part) not in _NO_LOCAL_PART and len(part) > 2:
                    self._know(part)
        joined = (name for name in self._known.values() if _IN_ONE_PIECE.fullmatch(name))
        longest_first = sorted((name for name in joined if len(name) > 1), key=len, reverse=True)
        self._joined = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self._found = {name for text in texts for name in _names_in(text)}

    def text(self, text: str) -> str:
        """A text redacted."""
        text = visible(text)
        pieces, end = [], 0
        for piece in _pieces(text):
            pieces += [text[end : piece.start], self._hidden(piece)]
            end = piece.end
        return "".join([*pieces, text[end:]])

    def style(self, text: str) -> str:
        """Words on style redacted, but for lengths in words and the like."""
        kept_next = _LENGTH.split(visible(text))
        return "".join(p if i % 2 else self.text(p) for i, p in enumerate(kept_next))

    def person(self, person: Address) -> Address:
        """A person by placeholders alone."""
        shown = " ".join(_parts(person, whole=True))
        name = _UNIT.sub(lambda unit: self._placeholders.get(unit[0], unit[0]), shown)
        address = visible(person.address).strip()
        return Address(name=name, address=self._hide("ADDRESS", address) if address else "")

    def _introduce(self, person: Address) -> None:
        """Give a person's names placeholders, of one number where both are new."""
        first, *others = _parts(person) or [""]
        if not first:
            return
        number = self._know(first).partition("_")[2]
        for other in others[:-1]:
            self._know(other)
        if others and others[-1] not in self._placeholders:
            free = f"SURNAME_{number}" not in self.values
            self._give(others[-1], "SURNAME", number if free else self._number("NAME"))
            self._know(others[-1])
        if _IN_ONE_PIECE.fullmatch(first):
            self._know("".join([first, *others]))

    def _know(self, name: str) -> str:
        self._known.setdefault(folded(name), name)
        return self._hide("NAME", name)

    def _hide(self, kind: str, value: str) -> str:
        """The placeholder of a value, a new one at its first occurrence."""
        if value not in self._placeholders:
            self._give(value, kind, self._number(kind))
        return self._placeholders[value]

    def _give(self, value: str, kind: str, number: str) -> None:
        self._placeholders[value] = f"{kind}_{number}"
        self.values[f"{kind}_{number}"] = value

    def _number(self, kind: str) -> str:
        """The next number that stands in no text behind such a word."""
        self._numbers[kind] += 1
        while str(self._numbers[kind]) in self._taken:
            self._numbers[kind] += 1
        return str(self._numbers[kind])

    def _hidden(self, piece: _Piece) -> str:
        if piece.kind == "joined":
            known = self._placeholders.get(piece.text)
            return known or self._joined.sub(lambda name: self._hide("NAME", name[0]), piece.text)
        if piece.kind == "word":
            return self._word(piece.text, starts=piece.starts)
        return self._hide(piece.kind, piece.text)

    def _word(self, word: str, *, starts: bool) -> str:
        key = folded(word)
        name = self._known.get(key, "")
        small = word[0].islower()
        opens = starts and key not in CALENDAR
        if not name or (small and key in NAMES_TOO) or (key in ORDINARY and (small or opens)):
            return self._hide("NAME", word) if word in self._found else word
        if word == name.lower() != name:
            return self._hide("NAME", name).lower()
        return self._hide("NAME", word)


# --- reading ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A value to hide, a word that may be one, or a run of a script without blanks.

    `starts`: whether a sentence, a paragraph or a list's item starts with it.
    """

    kind: str
    text: str
    start: int
    end: int
    starts: bool


def _pieces(text: str) -> Iterator[_Piece]:
    starts, end = True, 0
    for match in _PIECE.finditer(text):
        gap, piece = text[end : match.start()], match[0]
        starts = starts or bool(_NEW_PARAGRAPH.search(gap))
        if match["joined"]:
            yield _Piece("joined", piece, match.start(), match.end(), starts)
        else:
            for found in _read(piece, match.start(), starts=starts):
                yield found
                starts = False
        bare = piece.strip(_MARKS).lower()
        if not bare:
            starts = starts or "\n" in gap
        elif piece.rstrip(_CLOSING).endswith((".", "!", "?", "…")):
            starts = bare not in _SHORT and (len(bare) > 1 or bare.isdecimal())
        end = match.end()


def _read(piece: str, at: int, *, starts: bool) -> Iterator[_Piece]:
    """What is in a piece without blanks: one value, or words."""
    core = piece.strip(_MARKS)
    start = at + len(piece) - len(piece.lstrip(_MARKS))
    kind = _kind(core)
    if kind:
        yield _Piece(kind, core, start, start + len(core), starts)
        return
    for unit in _UNIT.finditer(piece):
        yield _Piece("word", unit[0], at + unit.start(), at + unit.end(), starts)
        starts = False


def _kind(core: str) -> str:
    if "://" in core or core[:4].lower() == "www." or _DOMAIN.fullmatch(core):
        return "LINK"
    if "@" in core.strip("@") or (core.startswith("@") and len(core) > 1):
        return "ADDRESS"
    return "NUMBER" if any(map(str.isdecimal, core)) else ""


def _names_in(text: str) -> Iterator[str]:
    """Words with a capital that are not ordinary, inside a sentence or on a line of their own."""
    for piece in _pieces(text):
        if piece.kind == "word" and not piece.starts and _is_name(piece.text):
            yield piece.text
    for line in text.split("\n") if "\n" in text else ():
        if len(line) < 60 and _ALONE.fullmatch(line):
            words = _UNIT.findall(line)
            yield from words if all(map(_is_name, words)) else ()


def _is_name(word: str) -> bool:
    return (
        len(word) > 1
        and not word[0].islower()
        and word[0].isupper()
        and folded(word) not in ORDINARY
    )


def _parts(person: Address, *, whole: bool = False) -> list[str]:
    """The parts of a name; `whole`: also the particles between them, as it is shown."""
    seen = Address(name=visible(person.name), address=visible(person.address))
    words = _UNIT.findall(" ".join(names.words(seen)))
    shown = [word for word in words if len(word) > 1 or _IN_ONE_PIECE.match(word)]
    return [word for word in shown if whole or word not in _PARTICLES]
