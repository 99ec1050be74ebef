"""What texts there are, in numbers: the paper's Table 1, and its Figures 4 to 9. Pure.

Of each kind of text: how many there are, of how many people, and how many tokens they and their
previous context have on average; who wrote most, to whom most was written, and how long texts are.
The paper does not say whether its average of the previous context counts mails without one; ours is
over those that have one, and tells how many these are.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlx_agent import bases
from mlx_agent.errors import BaseNotFound
from mlx_agent.records import Kind, Mail

TOP = 10
"""Writers and receivers that are named, as in the paper's figures."""
EDGES = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Where the bars of a distribution begin, in tokens; the last one has no end."""

Count = Callable[[Sequence[str]], list[int]]
"""The tokens of each text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One text: who wrote it, to whom first (empty for nobody), and tokens.

    `context` counts those of all that it answers, 0 where it answers nothing.
    """

    person: str
    kind: Kind
    receiver: str
    tokens: int
    context: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Somebody, and how many texts are theirs."""

    name: str
    texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """So many texts have `start` tokens or more, and fewer than `end`, None for no end."""

    start: int
    end: int | None
    texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long texts are: quartiles, the longest, and how many of each size; tokens."""

    lower: float
    median: float
    upper: float
    longest: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStatistics:
    """All texts of a kind. Averages are of tokens; `context` is None where nothing is answered.

    `answering` is how many texts answer another. `receivers` leaves those of nobody out.
    """

    kind: Kind
    texts: int
    people: int
    tokens: float
    answering: int
    context: float | None
    writers: tuple[Named, ...]
    receivers: tuple[Named, ...]
    lengths: Lengths


def measured(mails: Sequence[Mail], person: str, kind: Kind, count: Count) -> list[Measured]:
    """A person's texts, with their tokens; a mail without own text is none."""
    written = [mail for mail in mails if mail.own_text.strip()]
    tokens = count([mail.own_text for mail in written])
    contexts = count(["\n".join(message.text for message in mail.context) for mail in written])
    return [
        Measured(
            person=person,
            kind=kind,
            receiver=mail.to[0].address.lower() if mail.to else "",
            tokens=own,
            context=context,
        )
        for mail, own, context in zip(written, tokens, contexts, strict=True)
    ]


def by_kind(texts: Iterable[Measured]) -> tuple[KindStatistics, ...]:
    """The figures of each kind that there are texts of, in the order of the kinds' names."""
    kinds: dict[Kind, list[Measured]] = {}
    for text in texts:
        kinds.setdefault(text.kind, []).append(text)
    return tuple(_statistics(kind, kinds[kind]) for kind in sorted(kinds))


def words(texts: Sequence[str]) -> list[int]:
    """What stands between white space, where there is no tokenizer."""
    return [len(text.split()) for text in texts]


def counter(base: str) -> tuple[str, Count]:
    """How tokens are counted, and its name: by the base's own tokenizer, else as words.

    The base need not be loaded: its `tokenizer.json` says all.
    """
    try:
        path = bases.find(base) / "tokenizer.json"
    except BaseNotFound:
        return "words", words
    if not path.is_file():
        return "words", words
    return f"tokens of {bases.named(base)}", partial(_tokens, _tokenizer(path))


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(path))
    found.no_truncation()
    found.no_padding()
    return found


def _tokens(tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """Without the marks that a model adds around a text."""
    encoded = tokenizer.encode_batch([_whole(text) for text in texts], add_special_tokens=False)
    return [len(one.ids) for one in encoded]


def _whole(text: str) -> str:
    """Without half characters, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _statistics(kind: Kind, texts: Sequence[Measured]) -> KindStatistics:
    answering = [text.context for text in texts if text.context]
    return KindStatistics(
        kind=kind,
        texts=len(texts),
        people=len({text.person for text in texts}),
        tokens=statistics.fmean(text.tokens for text in texts),
        answering=len(answering),
        context=statistics.fmean(answering) if answering else None,
        writers=_top(text.person for text in texts),
        receivers=_top(text.receiver for text in texts if text.receiver),
        lengths=_lengths([text.tokens for text in texts]),
    )


def _top(names: Iterable[str]) -> tuple[Named, ...]:
    counted = sorted(Counter(names).items(), key=lambda each: (-each[1], each[0]))
    return tuple(Named(name=name, texts=texts) for name, texts in counted[:TOP])


def _lengths(tokens: Sequence[int]) -> Lengths:
    several = tokens if len(tokens) > 1 else [*tokens, *tokens]  # one text has no quartiles
    quartiles = statistics.quantiles(several, n=4, method="inclusive")
    sizes = Counter(bisect_right(EDGES, one) - 1 for one in tokens)
    ends = (*EDGES[1:], None)
    return Lengths(
        lower=quartiles[0],
        median=quartiles[1],
        upper=quartiles[2],
        longest=max(tokens),
        bars=tuple(
            Bar(start=start, end=end, texts=sizes[place])
            for place, (start, end) in enumerate(zip(EDGES, ends, strict=True))
        ),
    )
