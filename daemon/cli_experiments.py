"""The options of an experiment, `trimtab eval EXPERIMENT`. Nothing else, as in `daemon.cli`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


class Experiment(enum.StrEnum):
    """As `mlx_agent.evaluate.experiments` has them, which loads too much for --help."""

    TABLE = "table"
    SWAP = "swap"
    RANKS = "ranks"
    NAIVE = "naive"
    STRATEGIES = "strategies"
    HAND_WRITTEN = "hand-written"
    SIZES = "sizes"
    NIGHTLY = "nightly"
    ALL = "all"


class Sampling(enum.StrEnum):
    """How mails are held out."""

    OURS = "ours"
    PAPER = "paper"


Chosen = Annotated[
    Experiment | None,
    typer.Argument(help="One of the paper's experiments; without it, your agent in use."),
]
People = Annotated[str, typer.Option(help="Accounts to compare, with commas; else all.")]
Mails = Annotated[int, typer.Option(min=0, help="The latest so many mails of each; all with 0.")]
Held = Annotated[Sampling, typer.Option(help="The latest threads held out, or mails by chance.")]
HandWritten = Annotated[
    Path | None, typer.Option(help="A folder of rules written by hand, <account>.txt.")
]
Metrics = Annotated[
    str, typer.Option(help="More measures: tf-idf, bleu, rouge-1, rouge-l, bertscore, mauve.")
]
Out = Annotated[Path | None, typer.Option(help="A folder for tables, figures and pictures.")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=8, help="Trainings at once; 1 for a large base.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it takes and costs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask what costs money.")]


def run(
    experiment: Experiment,
    people: str,
    *,
    seed: int | None,
    mails: int,
    sampling: Sampling,
    hand_written: Path | None,
    metrics: str,
    out: Path | None,
    workers: int | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> Coroutine[Any, Any, None]:
    """The command's work."""
    from daemon.commands.experiments import Asked
    from daemon.commands.experiments import experiment as command
    from mlx_agent.evaluate.extras import Extra

    extras = _named(metrics)
    if unknown := [name for name in extras if name not in get_args(Extra)]:
        raise typer.BadParameter(f"no measure is called {unknown[0]!r}", param_hint="--metrics")
    return command(
        Asked(
            experiment=experiment.value,
            people=_named(people),
            seed=1 if seed is None else seed,
            most=mails,
            sampling=sampling.value,
            hand_written=hand_written,
            extras=cast("tuple[Extra, ...]", extras),
            out=out,
            workers=workers,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )
    )


def _named(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
