"""`login`: sign in with an OAuth provider in the browser, and keep the tokens in the keychain."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from collections.abc import Callable

import typer

from daemon.commands.output import console, say
from daemon.commands.session import choose_account, load
from daemon.config import Account, Imap, Oauth, Smtp
from daemon.errors import CommandFailed, ProviderMissing
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.credentials import first_line
from daemon.mailbox.auth.oauth import TokenSet
from daemon.mailbox.auth.sign_in import sign_in
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.session import open_session


def login(account: str | None, *, browser: bool, port: int) -> None:
    """Sign the account in; a sign-in that is there is replaced only by one that succeeds."""
    _, settings = load()
    name = choose_account(settings, account)
    chosen = settings.account(name)
    if chosen.oauth is None:
        raise ProviderMissing(name)
    kept = oauth.kept_tokens(name)  # first of all: no keychain, no need to bother the user
    secret = _client_secret(name, chosen.oauth, kept)
    show = _shower(browser=browser)
    tokens = sign_in(name, chosen.oauth, secret, user=_user(chosen), show=show, port=port)
    oauth.keep_tokens(name, tokens)
    say(f"{name} is signed in; the sign-in is kept in the system's keychain.")
    if chosen.imap and _uses_it(chosen.imap):
        folder = asyncio.run(_find_sent(name, chosen.imap))
        say(f"The connection works; your sent mail is in {folder!r}.")
    elif not (chosen.smtp and _uses_it(chosen.smtp)):
        say(f'To use it, set auth = "xoauth2" in accounts.{name}.imap and accounts.{name}.smtp.')


def _client_secret(name: str, client: Oauth, kept: TokenSet | None) -> str:
    """From the command, else asked for; Microsoft gives desktop apps none."""
    if client.client_secret_command:
        secret = first_line(client.client_secret_command)
        if not secret:
            raise CommandFailed(name, "client_secret_command", "printed no secret")
        return secret
    if client.provider == "microsoft":
        return ""
    before = kept.client_secret if kept and kept.client_id == client.client_id else ""
    empty = "as before" if before else "none"
    return str(
        typer.prompt(
            f"The client's secret (kept in the system's keychain; empty: {empty})",
            default=before,
            hide_input=True,
            show_default=False,
        )
    )


def _user(account: Account) -> str:
    """Whom the provider is told to expect."""
    server = account.imap or account.smtp
    return server.user if server else account.addresses[0]


def _uses_it(server: Imap | Smtp) -> bool:
    return server.auth != "password" and not server.token_command


async def _find_sent(name: str, server: Imap) -> str:
    async with open_session(name, server) as session:
        return await session.call(Mailbox.find_folder, "sent", server.sent_folder)


def _shower(*, browser: bool) -> Callable[[str, int], None]:
    def show(address: str, port: int) -> None:
        say("Sign in with your browser, at this address:")
        console.print(address, soft_wrap=True, markup=False, highlight=False)
        if browser:  # in a thread, for it may block as long as the browser runs
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        else:
            say(
                f"It leads back to port {port} of this machine. With a browser on another one, run "
                f"this there first: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE"
            )

    return show
