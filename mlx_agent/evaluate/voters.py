"""Whoever has a say on which of two trials is nearer: judges, people, and style distance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from mlx_agent.bootstrap import Interval
from mlx_agent.evaluate.agreement import Vote, agreement, of_judgement, of_person
from mlx_agent.evaluate.figures import TIE, Values
from mlx_agent.evaluate.records import BlindPair, Judgement
from mlx_agent.evaluate.tables import Table

DISTANCE, PERSON = "style distance", "you, blindly"


def voters(
    judgements: Sequence[Judgement], values: Values, blind: Iterable[BlindPair]
) -> dict[str, list[Vote]]:
    """The votes by who gave them; style distance has one on every pair that anybody judged."""
    found: dict[str, list[Vote]] = {}
    for one in judgements:
        found.setdefault(f"judge {one.judge}", []).append(of_judgement(one))
    chosen = [vote for pair in blind if (vote := of_person(pair)) is not None]
    if chosen:
        found[PERSON] = chosen
    pairs = {(vote.first, vote.second) for votes in found.values() for vote in votes}
    nearer = [vote for pair in sorted(pairs) if (vote := _nearer(pair, values)) is not None]
    return found | ({DISTANCE: nearer} if nearer else {})


def _nearer(pair: tuple[str, str], values: Values) -> Vote | None:
    first, second = (values.get(one, {}).get("distance") for one in pair)
    if first is None or second is None:
        return None
    if abs(first - second) < TIE:
        return Vote(first=pair[0], second=pair[1], choice="tie")
    return Vote(first=pair[0], second=pair[1], choice="first" if first < second else "second")


def agreements(votes: Mapping[str, Sequence[Vote]], seed: int) -> Table:
    """How far each two agree, on the pairs that both had a say on."""
    rows = []
    for one, other in combinations(votes, 2):
        found = agreement(votes[one], votes[other], seed)
        if found is not None:
            kappa = "" if found.kappa is None else f"{found.kappa.mean:.2f} ({_told(found.kappa)})"
            raw = f"{found.raw.mean:.0%} ({found.raw.low:.0%} to {found.raw.high:.0%})"
            rows.append((f"{one} and {other}", str(found.pairs), raw, kappa))
    return Table(
        title="How far judges agree",
        header=("who", "pairs", "the same verdict", "Cohen's kappa"),
        rows=tuple(rows),
        note="Kappa is what is left of agreement beyond chance: 1 for all of it, 0 for none.",
    )


def _told(interval: Interval) -> str:
    return f"{interval.low:.2f} to {interval.high:.2f}"
