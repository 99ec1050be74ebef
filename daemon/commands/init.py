"""`init`: ask for an account, check the connection, write the config."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, get_args

import tomli_w
import typer

from daemon import config
from daemon.commands.output import say
from daemon.config import Imap
from daemon.errors import ConfigMissing, KeychainMissing, TrimtabError
from daemon.explain import explain
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.credentials import keep_password
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.session import open_session

_CLOUD: tuple[str, ...] = get_args(config.Cloud)


def init() -> None:
    """Add an account to the config; an account that is there is asked for again."""
    paths = config.find_paths()
    config.make_directories(paths)
    data = _existing(paths.config)
    name = typer.prompt("A short name for the account", default="work")
    account = _ask_account()
    if typer.confirm("Is its Sent folder on an IMAP server?", default=True):
        account |= _ask_server(name, account["addresses"][0])
    account["cloud"] = _ask_cloud()
    data.setdefault("accounts", {})[name] = account
    checked = config.validate(data, paths.config).accounts[name]
    if checked.imap is not None and checked.oauth is None:
        asyncio.run(_check(name, checked.imap))
    _write(paths.config, data)
    first = f"`trimtab login --account {name}`, then " if checked.oauth else ""
    say(f"Wrote {paths.config}. Next: {first}`trimtab sync`, or `trimtab import PATH`.")


def _existing(path: Path) -> dict[str, Any]:
    """The config as it stands, so that adding an account keeps the rest."""
    try:
        return config.load(path).model_dump(exclude_unset=True, mode="json")
    except ConfigMissing:
        return {}


def _ask_account() -> dict[str, Any]:
    name = typer.prompt("Your name as it stands in your mails")
    addresses = typer.prompt("Every address that you write from, with commas between")
    return {"name": name, "addresses": [a.strip() for a in addresses.split(",") if a.strip()]}


def _ask_server(account: str, address: str) -> dict[str, Any]:
    """The tables of the IMAP server, and of the OAuth client where that is how to log in."""
    imap = _ask_imap(address)
    provider = oauth.provider_at(imap["host"])
    if provider and typer.confirm(
        f"Sign in by OAuth, with a client id that you have registered with {provider.title()}?",
        default=provider == "microsoft",  # it takes no passwords any more
    ):
        client = {"provider": provider, "client_id": typer.prompt("Client id")}
        return {"imap": imap | {"auth": "xoauth2"}, "oauth": client}
    return {"imap": imap | _ask_password(account, imap["user"])}


def _ask_cloud() -> str:
    """What may leave this machine; nothing, unless the user says so."""
    say("What may be sent to a large model that is not on this machine?")
    say("  never   nothing")
    say("  drafts  the drafts that you ask for, with the mail you answer")
    say(
        "  all     your sent mails too, for teaching; `trimtab teach --dry-run` shows what and when"
    )
    while (choice := typer.prompt("Your choice", default="never").strip()) not in _CLOUD:
        say(f"Say {', '.join(_CLOUD)}.")
    return str(choice)


def _ask_imap(address: str) -> dict[str, Any]:
    domain = address.partition("@")[2]
    found: dict[str, Any] = {"host": typer.prompt("IMAP server", default=f"imap.{domain}")}
    found["port"] = typer.prompt("Port", default=993, type=int)
    local = found["host"] in config.LOOPBACK
    default = "tls" if found["port"] == 993 else "plain" if local else "starttls"
    found["security"] = typer.prompt("Security (tls, starttls, plain)", default=default)
    found["user"] = typer.prompt("User name there", default=address)
    return found


def _ask_password(account: str, user: str) -> dict[str, str]:
    """Into the keychain; where there is none, a command or a variable is named instead."""
    password = typer.prompt("Password (kept in the system's keychain)", hide_input=True)
    try:
        keep_password(account, user, password)
    except KeychainMissing as error:
        say(f"The password cannot be kept: {error.reason}.")
        command = typer.prompt("A command that prints the password (empty: none)", default="")
        if command:
            return {"password_command": command}
        return {"password_env": typer.prompt("The environment variable that holds it")}
    return {}


async def _check(name: str, server: Imap) -> None:
    try:
        async with open_session(name, server) as session:
            folder = await session.call(Mailbox.find_folder, "sent", server.sent_folder)
    except TrimtabError as error:
        say(explain(error))
        if not typer.confirm("Write the config all the same?", default=False):
            raise typer.Exit(1) from error
    else:
        say(f"The connection works; your sent mail is in {folder!r}.")


def _write(path: Path, data: dict[str, Any]) -> None:
    """Written beside and moved, so that a crash leaves the old one; readable by the user alone."""
    building = path.with_suffix(".new")
    building.touch(mode=0o600)
    building.write_text(tomli_w.dumps(data), "utf-8")
    building.replace(path)
