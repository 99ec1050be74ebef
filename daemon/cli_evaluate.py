"""`trimtab eval`: the agent beside its rivals, in use, and in the paper's experiments.

Options, and nothing else, as in `daemon.cli`.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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


@app.command(name="eval")
def evaluate(
    experiment: Annotated[
        Experiment | None,
        typer.Argument(help="One of the paper's experiments; without it, your agent in use."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account, by its name.")] = None,
    *,
    in_use: Annotated[
        bool, typer.Option("--use", help="How your drafts were sent, by agent and week.")
    ] = False,
    people: Annotated[
        str, typer.Option(help="Accounts to compare, with commas; all, if left out.")
    ] = "",
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 1,
    mails: Annotated[
        int, typer.Option(min=0, help="The latest so many mails of each; all with 0.")
    ] = 0,
    sampling: Annotated[
        Sampling, typer.Option(help="The latest threads held out, or mails by chance.")
    ] = Sampling.OURS,
    hand_written: Annotated[
        Path | None, typer.Option(help="A folder of rules written by hand, <account>.txt.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for tables, figures and pictures.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=8, help="Trainings at once; 1 for a large base.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would take and cost.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask what costs money.")] = False,
    as_json: Json = False,
) -> None:
    """Compare your agent with its rivals on held-out mails, or see how it serves you."""
    if experiment is None:
        from daemon.commands.evaluate import evaluate as command
        from daemon.commands.evaluate import use

        _run((use if in_use else command)(account, as_json=as_json))
        return
    from daemon.commands.experiments import Asked
    from daemon.commands.experiments import experiment as run

    named = tuple(name.strip() for name in (people or account or "").split(",") if name.strip())
    _run(
        run(
            Asked(
                experiment=experiment.value,
                people=named,
                seed=seed,
                most=mails,
                sampling=sampling.value,
                hand_written=hand_written,
                out=out,
                workers=workers,
                dry_run=dry_run,
                yes=yes,
                as_json=as_json,
            )
        )
    )


def _run(work: Any) -> None:
    from daemon.commands.loop import run

    run(work)
