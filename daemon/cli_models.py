"""`trimtab models`: options, and nothing else, as in `daemon.cli`."""

from __future__ import annotations

from typing import Annotated

import typer

models_app = typer.Typer(no_args_is_help=True, help="The small models that agents are made of.")

Name = Annotated[str, typer.Argument(help="OWNER/NAME at the hub, or a name that `list` shows.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models_app.command(name="list")
def models_list(*, as_json: Json = False) -> None:
    """List the models that trimtab knows or finds, and what suits this machine."""
    from daemon.commands.models import list_models as command

    command(as_json=as_json)


@models_app.command(name="download")
def models_download(name: Name, *, as_json: Json = False) -> None:
    """Download a model and check it; goes on where it was stopped."""
    from daemon.commands.models import download as command

    command(name, as_json=as_json)


@models_app.command(name="remove")
def models_remove(
    name: Name,
    *,
    force: Annotated[bool, typer.Option("--force", help="Even one that is needed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a model that was downloaded."""
    from daemon.commands.models import remove as command

    command(name, force=force, as_json=as_json)
