"""What the readers of corpora hand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daemon.mailbox.parsing.mail_files import FileMessage
from mlx_agent.records import Kind

Name = Literal["enron", "articles", "reviews", "panza"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that a person wrote; it is made into a message when it is wanted.

    `person` is the corpus's own word for them, unique in it, `name` how they sign, if that is
    known, and `address` what it was sent from. Two texts of one `digest` are copies.
    """

    person: str
    name: str
    address: str
    message: Callable[[], FileMessage]
    digest: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row, or a file, that gave no text. The reason quotes nothing of it."""

    reason: str


Found = Text | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """How a corpus is read.

    `least` texts make a person worth drawing. `addresses` says which of the addresses that their
    texts were sent from, each with its count, are a person's own. `flags` go with each text into
    the store.
    """

    name: Name
    kind: Kind
    least: int
    read: Callable[[Sequence[Path]], Iterator[Found]]
    addresses: Callable[[str, Mapping[str, int]], tuple[str, ...]]
    flags: frozenset[str] = frozenset()


def all_of(person: str, counts: Iterable[str]) -> tuple[str, ...]:
    """Every address, where a corpus gives a person just one."""
    del person
    return tuple(counts)
