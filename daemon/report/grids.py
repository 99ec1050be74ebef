"""The tables of an experiment as names of numbers, in the order of its own tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from daemon.report.records import Evaluated
from mlx_agent.evaluate import systems
from mlx_agent.evaluate.extras import Extra
from mlx_agent.evaluate.gallery import SWAPS, by_rank, by_target
from mlx_agent.evaluate.questions import ALL, OTHERS, night_names
from mlx_agent.evaluate.tables import SYSTEMS, by_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: in each row a label, and for each column the name of a number, if there is one."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str = ""


MEASURES = {
    "distance": "style distance",
    "edit": "words to change",
    "words": "words",
    "unsupported": "unsupported facts",
    "uncovered": "points left out",
    "attributed": "attributed to the author",
    "verified": "passes for the author's",
}
BESIDE = {
    "win": "wins before the judge",
    "controlled": "the same at equal length",
    "nearer": "nearer in style",
}
LOSSES = {"loss": "training loss", "valid": "least validation loss"}


def grids(evaluated: Evaluated) -> list[Grid]:
    """Those with more than one row, or with anything to compare."""
    names = {one.name for one in evaluated.figures}
    place = evaluated.run.experiment
    found = [
        *_measured(names),
        *_rivals(names, evaluated.run.people),
        *_swaps(names, evaluated.run.people),
        *_trainings(evaluated),
    ]
    return [
        Grid(
            title=grid.title,
            header=grid.header,
            note=grid.note,
            rows=tuple((said, tuple(f"{place}/{n}" for n in row)) for said, row in grid.rows),
        )
        for grid in found
    ]


def _measured(names: set[str]) -> Iterator[Grid]:
    there = {name.partition("/")[0] for name in names}
    measures = MEASURES | {name: name for name in get_args(Extra) if name in there}
    every = {name: name for name in SYSTEMS}
    nights = {f"night {number}": name for number, name in enumerate(night_names(), 1)}
    sizes = {f"{size} lessons": name for size, name in by_size(names).items()}
    ranks = {name for one in names if " rank " in (name := one.split("/")[1])}
    agents = {name: name for name in (systems.AGENT, *sorted(ranks))}
    for title, rows in (
        ("What each system writes", every),
        ("Adapters of other ranks beside the usual one", agents),
        ("Lessons that the agent learned from", sizes),
        ("Retrained night after night, on mail after the last night", nights),
    ):
        some = {said: n for said, n in rows.items() if f"distance/{n}/{ALL}" in names}
        if len(some) > 1:
            yield Grid(
                title=title,
                header=("drafts by", *measures.values()),
                rows=_filled(some, lambda name: [f"{m}/{name}/{ALL}" for m in measures]),
                note="Distances are 0 for the very same; counts are of a draft.",
            )


def _rivals(names: set[str], people: tuple[str, ...]) -> Iterator[Grid]:
    rivals = {
        rival: rival
        for rival in (*SYSTEMS, OTHERS)
        if f"win/{systems.AGENT}/{rival}/{ALL}" in names
        or f"nearer/{systems.AGENT}/{rival}/{ALL}" in names
    }
    if rivals:
        yield Grid(
            title="The agent (R3) against each rival, in % of the mails",
            header=("rival", *BESIDE.values()),
            rows=_filled(
                rivals, lambda rival: [f"{m}/{systems.AGENT}/{rival}/{ALL}" for m in BESIDE]
            ),
            note="Ties count half. An interval that holds 50 % shows no difference.",
        )
    each = {
        rival: rival
        for rival in rivals
        if any(f"nearer/{systems.AGENT}/{rival}/{who}" in names for who in people)
    }
    if each and len(people) > 1:
        yield Grid(
            title="The agent (R3) nearer in style, person by person, in % of the mails",
            header=("rival", *people),
            rows=_filled(
                each, lambda rival: [f"nearer/{systems.AGENT}/{rival}/{who}" for who in people]
            ),
        )


def _swaps(names: set[str], people: tuple[str, ...]) -> Iterator[Grid]:
    for measure, said in SWAPS.items():
        if any(name.startswith(f"swap/{measure}/") for name in names):
            yield Grid(
                title=f"Agents swapped: {said[0].lower()}{said[1:]}",
                header=("agent of", *(f"mail of {who}" for who in people)),
                rows=tuple(
                    (owner, tuple(f"swap/{measure}/{owner}/{who}" for who in people))
                    for owner in people
                ),
            )


def _trainings(evaluated: Evaluated) -> Iterator[Grid]:
    groups = {**by_rank(evaluated.trainings), **by_target(evaluated.trainings)}
    if groups:
        yield Grid(
            title="Trainings: ranks of the adapter, and what is learned",
            header=("trained", *LOSSES.values()),
            rows=_filled(
                {one: one for one in groups},
                lambda label: [f"training/{label}/{name}" for name in LOSSES],
            ),
            note="Nats a token; tokens of mails and of rules are not alike, so that heights of "
            "different targets do not compare.",
        )


def _filled(
    rows: dict[str, str], names: Callable[[str], list[str]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((said, tuple(names(one))) for said, one in rows.items())
