"""The tables of an experiment, from its figures and trainings. Pure.

A cell is a number with its bootstrap 95 % interval; what was not measured is an empty cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from mlx_agent.evaluate import systems
from mlx_agent.evaluate.experiments import RANKS
from mlx_agent.evaluate.extras import Extra
from mlx_agent.evaluate.figures import BESIDE, CONTRADICTED, CONTROLLED, NEARER, TIED, WIN
from mlx_agent.evaluate.questions import ALL, OTHERS, SWAPPED, night_names
from mlx_agent.evaluate.records import Figure, Training

SYSTEMS = (
    *(systems.REAL, systems.AGENT, systems.THINKING, systems.STRATEGIES["R2"]),
    *(systems.STRATEGIES["R1"], systems.NEAREST_RULES, systems.STYLE_CARD, systems.HAND_WRITTEN),
    *(systems.FEW_SHOT_NEAR, systems.FEW_SHOT_RANDOM, systems.ZERO_SHOT),
    *(systems.NAIVE, systems.SMALL),
)
"""In the order in which they stand in a table."""
UNKNOWN = 0.9
"""A rate at equal length with an interval this wide: one of the two is always the longer one."""
_SHARES = frozenset(("attributed", "raw", "verified", "machine", "to owner", *BESIDE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts: `rows` are as long as `header`; `note` says how to read it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(
    figures: Sequence[Figure], trainings: Mapping[str, Training], people: Sequence[str]
) -> list[Table]:
    """Every table that the figures fill at least one row of."""
    by_name = {one.name: one for one in figures}
    found = [
        _nearness(by_name),
        _content(by_name),
        _rivals(by_name),
        _by_person(by_name, people),
        *_swaps(by_name, people),
        _ranks(by_name, trainings),
        _targets(trainings),
        _series(by_name, "Lessons that the agent was trained on", by_size(by_name)),
        _series(by_name, "Retrained night after night, on mail after the last night", _nights()),
    ]
    return [table for table in found if table.rows]


def cell(figure: Figure | None, measure: str = "") -> str:
    """A figure with its interval; a share in percent."""
    if figure is None or math.isnan(figure.value):
        return ""
    if figure.high - figure.low > UNKNOWN and measure == CONTROLLED:
        return "cannot be told"
    if measure in _SHARES:
        return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})"
    digits = 1 if measure == "words" else 3
    value, low, high = (f"{one:.{digits}f}" for one in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})"


def markdown(table: Table) -> str:
    """The table as Markdown, with its title and its note."""
    lines = [f"## {table.title}", ""]
    if table.note:
        lines += [table.note, ""]
    rows = [table.header, tuple("---" for _ in table.header), *table.rows]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _nearness(by_name: Mapping[str, Figure]) -> Table:
    return _systems(
        by_name,
        "How near each system's drafts are",
        ("distance", "edit", "attributed", "verified"),
        "distance: of style from the real mail, names masked. edit: words to change of all. "
        "attributed: to its author among these people and a machine, content words hidden. "
        "verified: passes for the author's.",
    )


def _content(by_name: Mapping[str, Figure]) -> Table:
    measured = {name.partition("/")[0] for name in by_name}
    extras = [name for name in get_args(Extra) if name in measured]
    return _systems(
        by_name,
        "What each system's drafts say",
        ("words", "unsupported", "uncovered", *extras),
        "A draft's words, facts that nothing holds, and points left out, on average.",
    )


def _systems(
    by_name: Mapping[str, Figure], title: str, measures: Sequence[str], note: str
) -> Table:
    names = [name for name in SYSTEMS if f"distance/{name}/{ALL}" in by_name]
    rows = tuple(
        (name, *(cell(by_name.get(f"{m}/{name}/{ALL}"), m) for m in measures)) for name in names
    )
    return Table(
        title=title,
        header=("drafts by", *measures),
        rows=rows if len(rows) > 1 else (),
        note=note,
    )


def _rivals(by_name: Mapping[str, Figure]) -> Table:
    """How the agent fares against each rival, before the judge and by distance."""
    measures = (WIN, CONTROLLED, TIED, CONTRADICTED, NEARER)
    rows = tuple(
        (rival, *(cell(by_name.get(_beside(m, rival, ALL)), m) for m in measures))
        for rival in _there(by_name)
    )
    return Table(
        title="The agent (R3) against each rival, in % of the mails",
        header=(
            *("rival", "wins before the judge", "the same at equal length"),
            *("ties", "orders disagree", "nearer in style"),
        ),
        rows=rows,
        note="Each pair was judged in both orders, and ties count half, those among them on which "
        "the orders disagree. Intervals are bootstraps over mails (95 %); those that hold 50 % "
        "show no difference.",
    )


def _by_person(by_name: Mapping[str, Figure], people: Sequence[str]) -> Table:
    rows = tuple(
        (rival, *(cell(by_name.get(_beside(NEARER, rival, who)), NEARER) for who in people))
        for rival in _there(by_name)
    )
    return Table(
        title="The agent (R3) is nearer in style, in % of each person's mails",
        header=("rival", *people),
        rows=rows if len(people) > 1 else (),
    )


def _there(by_name: Mapping[str, Figure]) -> list[str]:
    """The rivals that the agent was set beside."""
    return [name for name in (*SYSTEMS, OTHERS) if _beside(WIN, name, ALL) in by_name]


def _beside(measure: str, rival: str, who: str) -> str:
    return f"{measure}/{systems.AGENT}/{rival}/{who}"


def _swaps(by_name: Mapping[str, Figure], people: Sequence[str]) -> Iterator[Table]:
    said = {
        "distance": "style distance from the real mail",
        "attributed": "attributed to the mail's author",
        "to owner": "attributed to the agent's owner",
    }
    for measure in SWAPPED:
        cells = {
            (owner, who): by_name.get(f"swap/{measure}/{owner}/{who}")
            for owner in people
            for who in people
        }
        full = any(cells.values())
        yield Table(
            title=f"Agents swapped: {said[measure]}",
            header=("agent of", *(f"mail of {who}" for who in people)),
            rows=tuple(
                (owner, *(cell(cells[owner, who], measure) for who in people)) for owner in people
            )
            if full
            else (),
        )


def _ranks(by_name: Mapping[str, Figure], trainings: Mapping[str, Training]) -> Table:
    some = [one for one in trainings.values() if _plain(one) and one.target == "rules"]
    ranks = [rank for rank in RANKS if any(one.rank == rank for one in some)]
    rows = []
    for rank in ranks if len(ranks) > 1 else ():
        usual = rank == next(iter({t.rank for t in trainings.values() if t.target == "text"}), 16)
        name = systems.AGENT if usual else f"{systems.AGENT} rank {rank}"
        of_rank = [one for one in some if one.rank == rank]
        distance = cell(by_name.get(f"distance/{name}/{ALL}"))
        rows.append((str(rank), *_losses(of_rank), distance))
    return Table(
        title="The rank of the adapter (alpha = rank)",
        header=("rank", "training loss", "best validation loss", "seconds", "distance"),
        rows=tuple(rows),
    )


def _targets(trainings: Mapping[str, Training]) -> Table:
    """Figure 2: what is learned decides what is left of the loss."""
    names = {"rules": "rules", "thinking": "thinking and rules", "text": "the mail itself (M_F)"}
    usual = {one.rank for one in trainings.values() if one.target != "rules"}
    rows = [
        (name, *_losses(of_target))
        for target, name in names.items()
        if (
            of_target := [
                one
                for one in trainings.values()
                if one.target == target and _plain(one) and one.rank in usual
            ]
        )
    ]
    return Table(
        title="What is learned, with the same lessons and settings",
        header=("target", "training loss", "best validation loss", "seconds"),
        rows=tuple(rows) if len(rows) > 1 else (),
        note="Losses in nats a token; tokens of mails and of rules are not alike, so that the "
        "curves' forms compare, and not their heights.",
    )


def _plain(training: Training) -> bool:
    return training.strategy == "R3" and not training.lessons and not training.part


def _losses(some: Sequence[Training]) -> tuple[str, str, str]:
    """The means of the last training loss, the best validation loss, and the seconds."""
    last = [one.losses[-1] for one in some if one.losses]
    best = [min(found) for one in some if (found := [v for v in one.valid_losses if v is not None])]
    return _mean(last), _mean(best), _mean([one.seconds for one in some], 0)


def _mean(values: Sequence[float], digits: int = 3) -> str:
    return f"{sum(values) / len(values):.{digits}f}" if values else ""


def by_size(by_name: Iterable[str]) -> dict[str, str]:
    """Of names of figures: by how many lessons it was trained on, the system."""
    said = f"{systems.AGENT} of "
    found = {name.split("/")[1] for name in by_name if name.startswith(f"distance/{said}")}
    sizes = sorted(int(name.removeprefix(said).removesuffix(" lessons")) for name in found)
    every = {"all": systems.AGENT} if sizes else {}
    return {str(size): f"{said}{size} lessons" for size in sizes} | every


def _nights() -> dict[str, str]:
    return {f"night {number}": name for number, name in enumerate(night_names(), 1)}


def _series(by_name: Mapping[str, Figure], title: str, names: Mapping[str, str]) -> Table:
    measures = ("distance", "attributed", "edit")
    there = {said: n for said, n in names.items() if f"distance/{n}/{ALL}" in by_name}
    rows = tuple(
        (said, *(cell(by_name.get(f"{m}/{name}/{ALL}"), m) for m in measures))
        for said, name in there.items()
    )
    return Table(title=title, header=("", *measures), rows=rows if len(rows) > 1 else ())
