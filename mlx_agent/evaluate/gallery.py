"""Every picture that an experiment has data for, by the name of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlx_agent.evaluate import pictures, systems
from mlx_agent.evaluate.curves import Curve, mean_curve
from mlx_agent.evaluate.pictures import Dot
from mlx_agent.evaluate.questions import ALL, OTHERS, night_names
from mlx_agent.evaluate.records import Figure, Training
from mlx_agent.evaluate.tables import SYSTEMS, by_size

SWAPS = {
    "distance": "Style distance from the real mail (0: alike)",
    "attributed": "Attributed to the mail's author (% of the mails)",
    "to owner": "Attributed to the agent's owner (% of the mails)",
}
TARGETS = {"rules": "rules", "thinking": "thinking and rules", "text": "the mail itself (M_F)"}
SAID = {"distance": "style distance", "attributed": "attributed to the author (share)"}

Named = Mapping[str, Figure]


def of_run(
    figures: Sequence[Figure], trainings: Mapping[str, Training], people: Sequence[str]
) -> dict[str, bytes]:
    """The pictures as SVG; those without data are left out. ExtraMissing without matplotlib."""
    by_name = {one.name: one for one in figures}
    return dict(
        [
            *_rivals(by_name),
            *_swaps(by_name, people),
            *_losses(trainings),
            *_series("sizes.svg", by_name, by_size(by_name), "lessons that the agent learned from"),
            *_series("nightly.svg", by_name, _nights(), "night of the retraining"),
            *_lengths(by_name, people),
        ]
    )


def _rivals(by_name: Named) -> Iterator[tuple[str, bytes]]:
    said = {"win": "wins before the judge", "nearer": "nearer in style"}
    series = {
        label: [
            _dot(rival, one)
            for rival in (*SYSTEMS, OTHERS)
            if (one := by_name.get(f"{measure}/{systems.AGENT}/{rival}/{ALL}"))
        ]
        for measure, label in said.items()
    }
    series = {label: dots for label, dots in series.items() if dots}
    if series:
        label = "the agent against each rival (% of the mails, ties half)"
        yield "rivals.svg", pictures.shares(series, label=label)


def _swaps(by_name: Named, people: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for measure, title in SWAPS.items():
        cells = {
            (owner, who): one.value
            for owner in people
            for who in people
            if (one := by_name.get(f"swap/{measure}/{owner}/{who}"))
        }
        if cells:
            name = f"swap-{measure.replace(' ', '-')}.svg"
            percent = measure != "distance"
            yield name, pictures.heat(cells, people, title=title, percent=percent)


def by_rank(trainings: Mapping[str, Training]) -> dict[str, list[Training]]:
    """The agents of all lessons by the rank of their adapters."""
    rules = [one for one in _plain(trainings) if one.target == "rules"]
    ranks = sorted({one.rank for one in rules})
    return {f"rank {rank}": [one for one in rules if one.rank == rank] for rank in ranks}


def by_target(trainings: Mapping[str, Training]) -> dict[str, list[Training]]:
    """What was trained alike, by what it learns; empty where it is all the same."""
    plain = _plain(trainings)
    usual = {one.rank for one in plain if one.target != "rules"}
    found = {
        said: some
        for target, said in TARGETS.items()
        if (some := [one for one in plain if one.target == target and one.rank in usual])
    }
    return found if len(found) > 1 else {}


def _plain(trainings: Mapping[str, Training]) -> list[Training]:
    return [
        one
        for one in trainings.values()
        if one.strategy == "R3" and not one.lessons and not one.part and one.losses
    ]


def _losses(trainings: Mapping[str, Training]) -> Iterator[tuple[str, bytes]]:
    for name, groups in (("ranks", by_rank(trainings)), ("targets", by_target(trainings))):
        if groups:
            yield f"losses-{name}.svg", pictures.losses(_curves(groups))


def _curves(groups: Mapping[str, Sequence[Training]]) -> dict[str, Curve]:
    return {
        name: mean_curve(
            [list(zip(one.steps, one.losses, one.valid_losses, strict=True)) for one in some]
        )
        for name, some in groups.items()
    }


def _series(
    name: str, by_name: Named, names: Mapping[str, str], across: str
) -> Iterator[tuple[str, bytes]]:
    panels = []
    for measure, said in SAID.items():
        dots = [
            _dot(label, one)
            for label, system in names.items()
            if (one := by_name.get(f"{measure}/{system}/{ALL}"))
        ]
        if len(dots) > 1:
            panels.append(({said: dots}, said, False))
    if panels:
        yield name, pictures.lines(panels, across=across)


def _nights() -> dict[str, str]:
    return {str(number): name for number, name in enumerate(night_names(), 1)}


def _lengths(by_name: Named, people: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Each person's mean; a dot is a person."""
    pairs = {}
    for system in (systems.AGENT, systems.STYLE_CARD, systems.ZERO_SHOT):
        both = [
            (by_name.get(f"words/{systems.REAL}/{who}"), by_name.get(f"words/{system}/{who}"))
            for who in people
        ]
        some = [(real.value, draft.value) for real, draft in both if real and draft]
        if some:
            pairs[system] = some
    if pairs:
        yield "lengths.svg", pictures.lengths(pairs)


def _dot(label: str, figure: Figure) -> Dot:
    return Dot(label=label, value=figure.value, low=figure.low, high=figure.high)
