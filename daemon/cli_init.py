"""The options of `trimtab init`, which are many."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class MayLeave(StrEnum):
    """What may be sent to a large model that is not on this machine."""

    NEVER = "never"
    DRAFTS = "drafts"
    ALL = "all"


def init(
    account: Annotated[
        str | None, typer.Option("--account", "-a", help="A short name for the account.")
    ] = None,
    *,
    address: Annotated[str | None, typer.Option(help="Your address.")] = None,
    name: Annotated[str | None, typer.Option(help="Your name as it stands in your mails.")] = None,
    imap_host: Annotated[str | None, typer.Option(help="HOST or HOST:PORT.")] = None,
    imap_user: Annotated[str | None, typer.Option(help="The user name there.")] = None,
    password_command: Annotated[
        str | None, typer.Option(help="A command that prints the password.")
    ] = None,
    password_env: Annotated[
        str | None, typer.Option(help="The environment variable that holds the password.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from standard input's first line.")
    ] = False,
    cloud: Annotated[
        MayLeave | None, typer.Option(help="What may be sent to a large model elsewhere.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not log in to see whether it works.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: what is not said is as it is.")
    ] = False,
) -> None:
    """Set up an account and its models, see whether they work, and write the config."""
    from daemon.commands.init import init as command
    from daemon.commands.init_records import Options

    options = Options(
        account=account,
        address=address,
        name=name,
        imap_host=imap_host,
        imap_user=imap_user,
        password_command=password_command,
        password_env=password_env,
        password_stdin=password_stdin,
        cloud=cloud and cloud.value,
        check=not no_check,
        yes=yes,
    )
    command(options)
