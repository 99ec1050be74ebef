"""`init`: from an address to a config that works.

Questions come first, and nothing is changed until all are answered: then secrets go into the
keychain and the config's new text in place of the old one. Again, it shows what is there.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import typer

from daemon import config
from daemon.commands.asking import Asker
from daemon.commands.init_mail import (
    account_name,
    ask_access,
    ask_person,
    ask_servers,
    check_addresses,
    look,
    sentence,
)
from daemon.commands.init_models import ask_cloud, ask_large, say_base
from daemon.commands.init_records import Options, Part, Secret, Seen
from daemon.commands.output import say
from daemon.config import Config
from daemon.config_text import LayoutUnknown, changed, fresh, value_at, with_account
from daemon.errors import ConfigInvalid, ConfigMissing, ConfigProblem, KeychainMissing, TrimtabError
from daemon.explain import explain
from daemon.files import write_whole
from daemon.paths import Paths

Values = dict[tuple[str, ...], Any]


def init(options: Options) -> None:
    """Ask for an account and models, look whether they work, and write the config."""
    paths = config.find_paths()
    text, before = _existing(paths.config)
    if options.passwords > 1:
        raise typer.BadParameter("one of the --password-... options is enough")
    asker = Asker(silent=options.yes)
    address, name = _ask_which(asker, options, before)
    mail, seen = _ask_mail(asker, options, paths, text, before, address=address, name=name)
    models = ask_large(asker, before)
    values: Values = {**mail.changes, **models.changes}
    settings = _settled(paths, text, name, values)[1]
    cloud = settings.accounts[name].cloud
    values["accounts", name, "cloud"] = ask_cloud(
        asker, options, settings, cloud, seen.mails if seen else None
    )
    say_base(settings)
    for secret in (*mail.secrets, *models.secrets):
        values |= _keep(asker, secret)
    new, settings = _settled(paths, text, name, values)
    config.make_directories(paths)
    write_whole(paths.config, new.encode())
    _offer(asker)
    imap = settings.accounts[name].imap
    signs_in = imap is not None and imap.auth != "password"
    first = f"`trimtab login --account {name}`, then " if signs_in else ""
    say(f"Wrote {paths.config}. Next: {first}`trimtab sync`, or `trimtab import PATH`.")


def _existing(path: Path) -> tuple[str, Config]:
    """The config as it stands, with its text; raises ConfigInvalid."""
    try:
        settings = config.load(path)
    except ConfigMissing:
        return "", Config()
    return path.read_text("utf-8"), settings


def _ask_which(asker: Asker, options: Options, before: Config) -> tuple[str, str]:
    """The address, and the account's name."""
    first = next(iter(before.accounts.values()), None)
    if options.account in before.accounts:
        first = before.accounts[options.account]
    address = options.address or asker.text(
        "Your address",
        first.addresses[0] if first else None,
        check=check_addresses,
        flag="--address",
    )
    if wrong := check_addresses(address) or ("," in address and "Say one address here."):
        raise typer.BadParameter(wrong)
    usual = account_name(before, address)
    name = options.account or asker.text(
        "A short name for the account", usual, check=_check_account
    )
    if wrong := _check_account(name):
        raise typer.BadParameter(wrong)
    return address, name


def _check_account(name: str) -> str:
    fits = 0 < len(name) < 32 and name[0] not in "-_" and name.isascii()
    small = name == name.lower() and name.replace("-", "").replace("_", "").isalnum()
    return "" if fits and small else "A name has small letters, digits, - and _, and is short."


# --- the account ----------------------------------------------------------------------------------


def _ask_mail(
    asker: Asker,
    options: Options,
    paths: Paths,
    text: str,
    before: Config,
    *,
    address: str,
    name: str,
) -> tuple[Part, Seen | None]:
    """Who writes, and where the mail is; asked again as long as the server is not reached."""
    account = before.accounts.get(name)
    person = ask_person(asker, options, address, account)
    values: Values = {("accounts", name, key): value for key, value in person.items()}
    while True:
        servers = ask_servers(asker, options, address, account)
        if servers is None:
            return Part(changes=values), None
        access = ask_access(asker, options, name, servers, account)
        part = Part(changes=values | dict(access.changes), secrets=access.secrets)
        settings = _settled(paths, text, name, part.changes)[1]
        typed = next((secret.value for secret in access.secrets), "")
        if not options.check or not _is_password(settings, name):
            return part, None
        seen, failed = _try(name, settings, typed)
        if not failed or _decide(asker, failed) == "write":
            return part, seen
        account = settings.accounts[name]  # what was typed is shown as the default


def _is_password(settings: Config, name: str) -> bool:
    imap = settings.accounts[name].imap
    return imap is not None and imap.auth == "password"


def _try(name: str, settings: Config, typed: str) -> tuple[Seen | None, str]:
    """What the server shows, or why it does not; `typed` is a password that is not kept yet."""
    imap = settings.accounts[name].imap
    assert imap is not None
    if typed:
        imap = imap.model_copy(update={"password": typed})
    try:
        seen = asyncio.run(look(name, imap))
    except TrimtabError as error:
        return None, explain(error)
    say(sentence(seen))
    return seen, ""


def _decide(asker: Asker, failed: str) -> str:
    say(failed)
    if asker.silent:
        raise typer.Exit(1)
    answer = asker.choice("Go on how (again, write, stop)", ("again", "write", "stop"), "stop")
    if answer == "stop":
        say("Nothing was written.")
        raise typer.Exit(1)
    return answer


# --- writing --------------------------------------------------------------------------------------


def _settled(
    paths: Paths, text: str, name: str, values: Mapping[tuple[str, ...], Any]
) -> tuple[str, Config]:
    """The config's text with these answers, and what it means; raises ConfigInvalid."""
    tables = frozenset(path[2] for path in values if len(path) == 4)
    try:
        if not text:
            text = fresh(name, tables)
        elif name not in tomllib.loads(text).get("accounts", {}):
            text = with_account(text, name, tables)
        new = changed(text, _news(paths, text, values))
        data = tomllib.loads(new)
    except (LayoutUnknown, tomllib.TOMLDecodeError) as error:
        what = "is laid out in a way that `init` cannot change; change it by hand"
        raise ConfigInvalid(paths.config, (ConfigProblem(where="file", what=what),)) from error
    return new, config.validate(data, paths.config)


def _news(paths: Paths, text: str, values: Mapping[tuple[str, ...], Any]) -> Values:
    """Those answers that are not what the text says already, or leaves at its default."""
    data = config.validate(tomllib.loads(text), paths.config).model_dump(mode="json")
    return {path: value for path, value in values.items() if value_at(data, path) != value}


def _keep(asker: Asker, secret: Secret) -> Values:
    """Into the keychain; where there is none, a command or a variable is named instead."""
    try:
        secret.keep(secret.value)
    except KeychainMissing as error:
        if asker.silent:
            raise
        say(f"The {secret.what} cannot be kept: {error.reason}.")
    else:
        return {}
    source = f"{secret.what}_command"
    told = asker.text(f"A command that prints the {secret.what} (Enter: none)", "")
    if not told:
        source = f"{secret.what}_env"
        told = asker.text("The environment variable that holds it (Enter: none)", "")
    return {(*table, source): told for table in secret.tables if told}


# --- what goes with it ----------------------------------------------------------------------------


def _offer(asker: Asker) -> None:
    """The service and the extension; what fails there is told, and the config stays."""
    from daemon.commands import plugin, service

    offers: tuple[tuple[str, Callable[[], None]], ...] = (
        ("Start trimtab at every log-in, as a service?", service.install),
        (
            "Prepare the extension for Thunderbird?",
            partial(plugin.install, http=False, as_json=False),
        ),
    )
    for question, install in offers:
        if not asker.whether(question, default=False):
            continue
        try:
            install()
        except TrimtabError as error:
            say(explain(error))
