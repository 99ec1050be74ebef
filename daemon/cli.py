"""The `trimtab` command: options, and nothing else.

Each subcommand lives in `daemon.commands` and is imported when it is called, so that `--help`
answers at once. Exit 0: done; 1: failed, with one sentence; 2: wrong usage.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli_corpora import corpus_app
from daemon.cli_evaluate import app as evaluate_app
from daemon.cli_home import app as home_app
from daemon.cli_init import init
from daemon.cli_models import models_app
from daemon.cli_report import app as report_app

app = typer.Typer(
    name="trimtab",
    help="Drafts your mail in your voice. Everything that is learned stays on this machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
adapters_app = typer.Typer(no_args_is_help=True, help="Your agents: what was trained, and when.")
app.add_typer(adapters_app, name="adapters")
plugin_app = typer.Typer(no_args_is_help=True, help="The extension for Thunderbird.")
app.add_typer(plugin_app, name="plugin")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AccountOption = Annotated[
    str | None, typer.Option("--account", "-a", help="Which account; may be left out if only one.")
]


app.command()(init)


@app.command()
def login(
    account: AccountOption = None,
    *,
    browser: Annotated[bool, typer.Option(help="Open the browser, or print its address only.")] = (
        True
    ),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the browser comes back to; 0: any free.")
    ] = 0,
) -> None:
    """Sign in with Google, Microsoft or another OAuth provider, in the browser."""
    from daemon.commands.login import login as command

    command(account, browser=browser, port=port)


@app.command()
def run() -> None:
    """Run the daemon in the foreground."""
    from daemon.commands.run import run_daemon

    _run(run_daemon())


@app.command()
def status(
    *,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    as_json: Json = False,
) -> None:
    """Show accounts, jobs and agents."""
    from daemon.commands.show import status as command

    _run(command(once=once, as_json=as_json))


class Level(StrEnum):
    """How grave a line of the log is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.command()
def logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="At most the last so many; 0 for all.")
    ] = 50,
    since: Annotated[str | None, typer.Option(help="How far back: 90s, 15m, 1h or 2d.")] = None,
    level: Annotated[Level, typer.Option(help="This and graver.")] = Level.INFO,
) -> None:
    """Show what happened, one line for each thing."""
    from daemon.commands.logs import logs as command

    command(follow=follow, lines=lines, since=since, level=level.value)


class Deleted(StrEnum):
    """What the user says of mails that a folder lost at once."""

    FORGET = "forget"
    KEEP = "keep"


@app.command()
def sync(
    account: AccountOption = None,
    *,
    deleted: Annotated[
        Deleted | None, typer.Option(help="What to do with mails that are gone, if trimtab asks.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch what is new in the Sent folder."""
    from daemon.commands.jobs import sync as command

    _run(command(account, deleted=deleted and deleted.value, as_json=as_json))


@app.command(name="import")
def import_mail(
    path: Annotated[Path, typer.Argument(help="An mbox file, a Maildir, or a directory of .eml.")],
    account: AccountOption = None,
    *,
    as_json: Json = False,
) -> None:
    """Take mail from files."""
    from daemon.commands.mail import import_mail as command

    _run(command(path, account, as_json=as_json))


@app.command()
def extract(
    file: Annotated[Path, typer.Argument(help="A message (.eml), or - for standard input.")],
    *,
    body: Annotated[bool, typer.Option("--body", help="A bare text or HTML body.")] = False,
    as_json: Json = False,
) -> None:
    """Show a mail's own text, quote and signature, and why each was cut."""
    from daemon.commands.mail import extract as command

    command(file, body=body, as_json=as_json)


@app.command()
def teach(
    account: AccountOption = None,
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many mails.")] = None,
    live: Annotated[bool, typer.Option("--live", help="At once, at the full price.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost, and what would leave.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Work out what separates your mails from generic ones, as lessons."""
    from daemon.commands.teach import teach as command

    _run(command(account, limit=limit, live=live, dry_run=dry_run, as_json=as_json))


@app.command()
def ledger(
    account: AccountOption = None,
    *,
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    limit: Annotated[int, typer.Option(min=1, help="At most so many entries.")] = 1000,
    as_json: Json = False,
) -> None:
    """Show what left this machine: when, to whom, why, and at what price."""
    from daemon.commands.ledger import ledger as command

    _run(command(account, days=days, limit=limit, as_json=as_json))


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="The model's name under `large` in the config.")],
) -> None:
    """Keep the key of a large model in the system's keychain."""
    from daemon.commands.ledger import key as command

    command(name)


@app.command()
def train(account: AccountOption = None, *, as_json: Json = False) -> None:
    """Train your agent on the lessons; it is used if it is better."""
    from daemon.commands.jobs import train as command

    _run(command(account, as_json=as_json))


@app.command()
def draft(
    account: AccountOption = None,
    *,
    to: Annotated[list[str] | None, typer.Option(help="Recipient; may be repeated.")] = None,
    cc: Annotated[list[str] | None, typer.Option(help="Copied to; may be repeated.")] = None,
    subject: Annotated[str, typer.Option(help="The subject.")] = "",
    reply_to: Annotated[Path | None, typer.Option(help="The mail being answered (.eml).")] = None,
    instruction: Annotated[str, typer.Option(help='For example "shorter".')] = "",
    off: Annotated[
        list[str] | None, typer.Option(help="An aspect to leave out, such as exclamation.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="A rule for this draft: 'Aspect: instruction'.")
    ] = None,
    again: Annotated[str, typer.Option(help="The id of a draft to write anew.")] = "",
    save: Annotated[bool, typer.Option("--save", help="Put it into your Drafts folder.")] = False,
    as_json: Json = False,
) -> None:
    """Write a draft from the bullets on standard input, one a line."""
    from daemon.commands.draft import DraftOptions
    from daemon.commands.draft import draft as command

    options = DraftOptions(
        to=tuple(to or ()),
        cc=tuple(cc or ()),
        subject=subject,
        reply_to=reply_to,
        instruction=instruction,
        off=tuple(off or ()),
        rule=tuple(rule or ()),
        again=again,
        save=save,
    )
    _run(command(account, options, as_json=as_json))


@app.command()
def rules(
    account: AccountOption = None,
    *,
    pin: Annotated[
        list[str] | None, typer.Option(help="A rule for every draft: 'Aspect: instruction'.")
    ] = None,
    ban: Annotated[
        list[str] | None, typer.Option(help="An aspect that no draft has a rule on.")
    ] = None,
    free: Annotated[
        list[str] | None, typer.Option(help="An aspect to leave to your agent again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show and change the rules that hold for every draft, whatever your agent says."""
    from daemon.commands.rules import RuleChanges
    from daemon.commands.rules import rules as command

    changes = RuleChanges(pin=tuple(pin or ()), ban=tuple(ban or ()), free=tuple(free or ()))
    _run(command(account, changes, as_json=as_json))


@app.command()
def edits(
    account: AccountOption = None,
    *,
    undo: Annotated[
        str, typer.Option(help="The id of a draft whose edit is not to be learned from.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what is learned from your edits of drafts, and take it back."""
    from daemon.commands.edits import edits as command

    _run(command(account, undo=undo, limit=limit, as_json=as_json))


@app.command()
def demo(*, as_json: Json = False) -> None:
    """Do the main job, end to end, on a sample mailbox. No key, no network."""
    from daemon.demo import demo as command

    _run(command(as_json=as_json))


@adapters_app.command(name="list")
def adapters_list(account: AccountOption = None, *, as_json: Json = False) -> None:
    """List the adapters of an account, and the gate's verdict on each."""
    from daemon.commands.adapters import list_adapters as command

    _run(command(account, as_json=as_json))


@adapters_app.command(name="show")
def adapters_show(adapter_id: str, *, as_json: Json = False) -> None:
    """Show an adapter: its manifest, the gate's figures, and the curve of its training."""
    from daemon.commands.adapters import show as command

    _run(command(adapter_id, as_json=as_json))


@adapters_app.command(name="promote")
def adapters_promote(adapter_id: str, *, as_json: Json = False) -> None:
    """Use this adapter from now on, whatever the gate said."""
    from daemon.commands.adapters import promote as command

    command(adapter_id, as_json=as_json)


@adapters_app.command(name="rollback")
def adapters_rollback(account: AccountOption = None, *, as_json: Json = False) -> None:
    """Go back to the adapter that was used before."""
    from daemon.commands.adapters import rollback as command

    command(account, as_json=as_json)


@adapters_app.command(name="prune")
def adapters_prune(account: AccountOption = None, *, as_json: Json = False) -> None:
    """Remove old adapters; the last five used and the five newest stay."""
    from daemon.commands.adapters import prune as command

    command(account, as_json=as_json)


@plugin_app.command(name="install")
def plugin_install(
    *,
    http: Annotated[
        bool, typer.Option("--http", help="Also for a Thunderbird in a sandbox, by api.port.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let Thunderbird find trimtab, and build the extension to install in it."""
    from daemon.commands.plugin import install as command

    command(http=http, as_json=as_json)


@plugin_app.command(name="uninstall")
def plugin_uninstall(*, as_json: Json = False) -> None:
    """Remove what `install` wrote."""
    from daemon.commands.plugin import uninstall as command

    command(as_json=as_json)


@plugin_app.command(name="doctor")
def plugin_doctor(*, as_json: Json = False) -> None:
    """Check each piece between Thunderbird and the daemon, and say what to do."""
    from daemon.commands.plugin import doctor as command

    command(as_json=as_json)


@plugin_app.command(name="build")
def plugin_build(
    *,
    to: Annotated[
        Path | None, typer.Option(help="Where to; where `install` puts it, if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the extension (.xpi), the same bytes from the same files."""
    from daemon.commands.plugin import build as command

    command(to, as_json=as_json)


app.add_typer(home_app)
app.add_typer(evaluate_app)
app.add_typer(report_app)
app.add_typer(models_app, name="models")
app.add_typer(corpus_app, name="corpus")


def _run(work: Any) -> None:
    from daemon.commands.loop import run

    run(work)


def main() -> None:
    """Run the command; an error becomes its sentence and exit code 1."""
    os.umask(0o077)  # whatever is written is the user's alone
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from daemon.explain import explain
        from mlx_agent.errors import TrimtabError
        from plugin.client import ApiError

        if isinstance(error, ApiError):
            sys.exit(error.message)
        if isinstance(error, TrimtabError):
            sys.exit(explain(error))
        raise
