"""`init`: ask for an account, check the connection, write the config."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import tomli_w
import typer

from daemon import config
from daemon.commands.output import say
from daemon.config import Config, Imap
from daemon.errors import ConfigMissing, PasswordMissing, TrimtabError
from daemon.explain import explain
from daemon.mailbox.passwords import keep_password
from daemon.mailbox.sync import find_folder, open_mailbox


def init() -> None:
    """Add an account to the config; an account that is there is asked for again."""
    paths = config.find_paths()
    config.make_directories(paths)
    data = _existing(paths.config)
    name = typer.prompt("A short name for the account", default="work")
    account = _ask_account()
    if typer.confirm("Is its Sent folder on an IMAP server?", default=True):
        account["imap"] = _ask_imap(name, account["addresses"][0])
    data.setdefault("accounts", {})[name] = account
    checked = config.validate(data, paths.config)
    if checked.accounts[name].imap is not None:
        asyncio.run(_check(name, checked))
    _write(paths.config, data)
    say(f"Wrote {paths.config}. Next: `trimtab sync`, or `trimtab import PATH`.")


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


def _ask_imap(account: str, address: str) -> dict[str, Any]:
    domain = address.partition("@")[2]
    found: dict[str, Any] = {"host": typer.prompt("IMAP server", default=f"imap.{domain}")}
    found["port"] = typer.prompt("Port", default=993, type=int)
    local = found["host"] in config.LOOPBACK
    default = "tls" if found["port"] == 993 else "plain" if local else "starttls"
    found["security"] = typer.prompt("Security (tls, starttls, plain)", default=default)
    found["user"] = typer.prompt("User name there", default=address)
    return found | _ask_password(account, found["user"])


def _ask_password(account: str, user: str) -> dict[str, str]:
    """Into the keychain; where there is none, a command or a variable is named instead."""
    password = typer.prompt("Password (kept in the system's keychain)", hide_input=True)
    try:
        keep_password(account, user, password)
    except PasswordMissing:
        say("This system has no keychain.")
        command = typer.prompt("A command that prints the password (empty: none)", default="")
        if command:
            return {"password_command": command}
        return {"password_env": typer.prompt("The environment variable that holds it")}
    return {}


async def _check(name: str, settings: Config) -> None:
    server = settings.accounts[name].imap
    assert isinstance(server, Imap)
    try:
        async with open_mailbox(name, server) as mailbox:
            folder = await find_folder(mailbox, "sent", server.sent_folder)
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
