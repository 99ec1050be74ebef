"""`trimtab report`: one page about how well the user's voice is met, each number traced.

Options, and nothing else, as in `daemon.cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def report(
    account: Annotated[
        str | None, typer.Option("--account", "-a", help="One account; all, if left out.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="The file.")] = Path("report.html"),
    explain: Annotated[
        str | None,
        typer.Option(help="Say what a number of it was computed from, and compute it again."),
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="List the names of all numbers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write one HTML file about your agents, their drafts and what they cost."""
    from daemon.commands.loop import run
    from daemon.commands.report import explain as explained
    from daemon.commands.report import names as listed
    from daemon.commands.report import report as command

    if explain is not None:
        run(explained(account, explain, as_json=as_json))
    elif names:
        run(listed(account, as_json=as_json))
    else:
        run(command(account, out.absolute(), as_json=as_json))
