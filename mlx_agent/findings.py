"""What can be found wrong with a draft, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A bullet, by its position, that the draft does not say, and its facts that are not in it."""

    position: int
    facts: tuple[str, ...] = ()


FactKind = Literal["number", "date", "time", "amount", "name", "address", "link", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A fact of the draft that x does not hold: `text` stands there from `start` to `end`."""

    kind: FactKind
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongLanguage:
    """A draft that is written in another language than it has to be, as ISO 639-1 codes."""

    written: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was found wrong with a draft; nothing, as far as can be told, where all are empty."""

    uncovered: tuple[Uncovered, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    language: WrongLanguage | None = None

    @property
    def findings(self) -> int:
        """How many there are; a fact that is named twice is one."""
        facts = {(fact.kind, fact.text) for fact in self.unsupported}
        return len(self.uncovered) + len(facts) + (self.language is not None)
