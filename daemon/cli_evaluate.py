"""`trimtab eval`: the agent beside its rivals, in use, blindly, and in the paper's experiments.

Options, and nothing else, as in `daemon.cli`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from daemon import cli_blind, cli_experiments

app = typer.Typer()
Account = Annotated[str | None, typer.Option("--account", "-a", help="The account, by its name.")]
Use = Annotated[bool, typer.Option("--use", help="How your drafts were sent, by agent and week.")]
Seed = Annotated[int | None, typer.Option(help="What chance begins with; 1.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="eval")
def evaluate(
    experiment: cli_experiments.Chosen = None,
    account: Account = None,
    *,
    in_use: Use = False,
    people: cli_experiments.People = "",
    mails: cli_experiments.Mails = 0,
    sampling: cli_experiments.Held = cli_experiments.Sampling.OURS,
    hand_written: cli_experiments.HandWritten = None,
    metrics: cli_experiments.Metrics = "",
    out: cli_experiments.Out = None,
    workers: cli_experiments.Workers = None,
    dry_run: cli_experiments.DryRun = False,
    yes: cli_experiments.Yes = False,
    blind: cli_blind.Blind = False,
    pairs: cli_blind.Pairs = None,
    systems: cli_blind.Systems = None,
    no_open: cli_blind.NoOpen = False,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Compare your agent with its rivals on held-out mails, or see how it serves you."""
    if blind:
        return _run(cli_blind.run(account, pairs, systems, seed, no_open=no_open, as_json=as_json))
    if experiment is None:
        from daemon.commands import evaluate as command

        return _run((command.use if in_use else command.evaluate)(account, as_json=as_json))
    return _run(
        cli_experiments.run(
            experiment,
            people or account or "",
            seed=seed,
            mails=mails,
            sampling=sampling,
            hand_written=hand_written,
            metrics=metrics,
            out=out,
            workers=workers,
            dry_run=dry_run,
            yes=yes,
            as_json=as_json,
        )
    )


def _run(work: Any) -> None:
    from daemon.commands.loop import run

    run(work)
