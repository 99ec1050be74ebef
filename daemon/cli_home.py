"""The commands about living with it: the service, what is wrong, and undoing things.

Options, and nothing else, as in `daemon.cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def doctor(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Leave the network out.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write what was found to this new file, without private content."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check everything that can be wrong, and say for each how to mend it."""
    from daemon.commands.doctor import doctor as command

    command(offline=offline, report=report, as_json=as_json)


service_app = typer.Typer(no_args_is_help=True, help="trimtab at every log-in.")
app.add_typer(service_app, name="service")


@service_app.command(name="install")
def service_install(*, as_json: Json = False) -> None:
    """Run trimtab now and at every log-in; again after an update or a move of the home."""
    from daemon.commands.service import install as command

    command(as_json=as_json)


@service_app.command(name="uninstall")
def service_uninstall(*, as_json: Json = False) -> None:
    """End the service, and remove what `install` wrote."""
    from daemon.commands.service import uninstall as command

    command(as_json=as_json)


@service_app.command(name="status")
def service_status(*, as_json: Json = False) -> None:
    """Say whether the service is there and runs, and what is wrong with it."""
    from daemon.commands.service import status as command

    command(as_json=as_json)


@service_app.command(name="run", hidden=True)
def service_run() -> None:
    """Run the daemon as the service."""
    from daemon.commands.service import run as command

    _run(command())


@app.command()
def forget(
    *,
    mail: Annotated[str | None, typer.Option(help="A mail, by its id or Message-ID.")] = None,
    account: Annotated[
        str | None, typer.Option("--account", "-a", help="All that is kept of an account.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="What is older than a day, 2025-12-31.")] = (
        None
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Forget mails for good, with their lessons, drafts and edits; they do not come back."""
    if not (mail or account or before) or (mail and (account or before)):
        raise typer.BadParameter("give --mail, or --account, --before, or both of these")
    from daemon.commands.forget import choice
    from daemon.commands.forget import forget as command

    _run(command(choice(mail, account, before), yes=yes, dry_run=dry_run, as_json=as_json))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to; a folder that is new, or empty.")],
    *,
    as_json: Json = False,
) -> None:
    """Write all that trimtab knows of you to files that you can read."""
    from daemon.commands.export import export as command

    _run(command(folder.absolute(), as_json=as_json))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to, such as trimtab.tar.gz.")],
    *,
    as_json: Json = False,
) -> None:
    """Write everything to one file; the daemon may run."""
    from daemon.commands.backup import backup as command

    _run(command(file.absolute(), as_json=as_json))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Set aside what is there.")] = False,
    as_json: Json = False,
) -> None:
    """Bring back what `backup` wrote; no daemon may run."""
    from daemon.commands.backup import restore as command

    _run(command(file.absolute(), force=force, as_json=as_json))


@app.command()
def uninstall(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove all that trimtab knows and has installed: service, plugin, secrets, home."""
    from daemon.commands.uninstall import uninstall as command

    command(yes=yes)


def _run(work: Any) -> None:
    from daemon.commands.loop import run

    run(work)
