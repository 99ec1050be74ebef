"""`init`'s questions about an account: who writes from it, its servers, and its password."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from daemon.commands.asking import Asker, typed_secret
from daemon.commands.init_records import Options, Part, Secret, Seen
from daemon.commands.output import say
from daemon.config import LOOPBACK, Account, Config, Imap, Oauth, Smtp
from daemon.discovery import discover, is_reserved
from daemon.errors import FolderNotFound
from daemon.mailbox.auth import oauth
from daemon.mailbox.auth.credentials import keep_password
from daemon.mailbox.imap import Mailbox
from daemon.mailbox.session import open_session
from daemon.providers import Endpoint, Security, Servers, by_address, domain_of

SECURITIES = ("tls", "starttls", "plain")
_NO_SOURCE = {"password": "", "password_command": "", "password_env": ""}


def account_name(settings: Config, address: str) -> str:
    """The account that has this address, else a name for a new one: "work", or its domain's."""
    has = (name for name, one in settings.accounts.items() if address.lower() in one.addresses)
    label = domain_of(address).partition(".")[0][:30].strip("-_")
    usual = "work" if "work" not in settings.accounts else label or "home"
    return next(has, usual)


def ask_person(
    asker: Asker, options: Options, address: str, before: Account | None
) -> dict[str, Any]:
    """The user's name and addresses, by their names in the account's table."""
    known = list(before.addresses) if before else []
    all_known = ", ".join(dict.fromkeys([address.lower(), *known]))
    name = options.name
    if name is None:
        name = asker.text("Your name as it stands in your mails", before.name if before else "")
    told = asker.text(
        "Every address that you write from, with commas between", all_known, check=check_addresses
    )
    return {"name": name, "addresses": _split(told)}


def check_addresses(text: str) -> str:
    """Each has exactly one @, and something on both sides of it."""
    parts = _split(text)
    fine = parts and all(part.count("@") == 1 and all(part.split("@")) for part in parts)
    return "" if fine else "An address has exactly one @."


def _split(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


# --- servers --------------------------------------------------------------------------------------


def ask_servers(
    asker: Asker, options: Options, address: str, before: Account | None
) -> Servers | None:
    """Where mail is read and handed in; None if it is not on a server."""
    wants = before is None or before.imap is not None or options.imap_host is not None
    if not asker.whether("Is its Sent folder on an IMAP server?", default=wants):
        return None
    found = _find(options, address, before)
    if found is not None:
        say(_told(found))
        if found.hint:
            say(found.hint)
        if asker.whether("Use these servers?", default=True):
            return found
    return _ask_endpoints(asker, address, found)


def _find(options: Options, address: str, before: Account | None) -> Servers | None:
    if options.imap_host is not None:
        return _named(options.imap_host, options.imap_user or address)
    if before is not None and before.imap is not None and address.lower() in before.addresses:
        return _as_configured(before, before.imap)
    if known := by_address(address):
        return known
    if is_reserved(domain := domain_of(address)):
        return None
    say(f"Looking for the servers of {domain} ...")
    return asyncio.run(discover(address))


def _named(host: str, user: str) -> Servers:
    """A server by HOST or HOST:PORT."""
    name, _, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "993")
    number = (
        int(port) if port.isascii() and port.isdecimal() else 0
    )  # the config says what is wrong
    security = _usual(name, number, implicit=993)
    imap = Endpoint(host=name, port=number, security=security, user=user)
    return Servers(source="The command line", imap=imap, oauth=oauth.provider_at(name))


def _as_configured(before: Account, imap: Imap) -> Servers:
    return Servers(
        source="Your config",
        imap=_endpoint(imap),
        smtp=_endpoint(before.smtp) if before.smtp else None,
        oauth=oauth.provider_at(imap.host),
    )


def _endpoint(server: Imap | Smtp) -> Endpoint:
    return Endpoint(host=server.host, port=server.port, security=server.security, user=server.user)


def _told(found: Servers) -> str:
    text = f"{found.source}: mail is read at {_place(found.imap)} as {found.imap.user}"
    return text + (f", and handed in at {_place(found.smtp)}." if found.smtp else ".")


def _place(server: Endpoint) -> str:
    return f"{server.host}:{server.port} ({server.security})"


def _ask_endpoints(asker: Asker, address: str, found: Servers | None) -> Servers:
    domain = domain_of(address)
    imap = _ask_endpoint(
        asker,
        "IMAP server",
        found.imap if found else None,
        host=f"imap.{domain}",
        port=993,
        user=address,
    )
    smtp, known = None, found.smtp if found else None
    if asker.whether("Is mail to be handed in, too (SMTP)?", default=known is not None):
        smtp = _ask_endpoint(
            asker, "SMTP server", known, host=f"smtp.{domain}", port=465, user=imap.user
        )
    return Servers(source="You", imap=imap, smtp=smtp, oauth=oauth.provider_at(imap.host))


def _ask_endpoint(
    asker: Asker, what: str, known: Endpoint | None, *, host: str, port: int, user: str
) -> Endpoint:
    host = asker.text(what, known.host if known else host)
    implicit, port = port, asker.number("Port", known.port if known else port)
    same = known is not None and (known.host, known.port) == (host, port)
    security = known.security if known and same else _usual(host, port, implicit=implicit)
    asked = asker.choice("Security (tls, starttls, plain)", SECURITIES, security)
    chosen: Security = "plain" if asked == "plain" else "tls" if asked == "tls" else "starttls"
    user = asker.text("User name there", known.user if known else user)
    return Endpoint(host=host, port=port, security=chosen, user=user)


def _usual(host: str, port: int, *, implicit: int) -> Security:
    return "tls" if port == implicit else "plain" if host in LOOPBACK else "starttls"


# --- how to log in --------------------------------------------------------------------------------


def ask_access(
    asker: Asker, options: Options, name: str, servers: Servers, before: Account | None
) -> Part:
    """The tables of the servers and of an OAuth client, and the password for the keychain."""
    changes: dict[tuple[str, ...], Any] = {}
    account = ("accounts", name)
    ends = {"imap": servers.imap} | ({"smtp": servers.smtp} if servers.smtp else {})
    for table, end in ends.items():
        for key in ("host", "port", "security", "user"):
            changes[*account, table, key] = getattr(end, key)
    client = _ask_client(asker, options, servers, before.oauth if before else None)
    tables = tuple((*account, table) for table in ends)
    if client is not None:
        changes |= {(*table, "auth"): "xoauth2" for table in tables}
        changes |= {(*account, "oauth", key): value for key, value in client.items()}
        return Part(changes=changes)
    access = _ask_password(asker, options, name, servers, tables)
    return Part(changes=changes | dict(access.changes), secrets=access.secrets)


def _ask_client(
    asker: Asker, options: Options, servers: Servers, before: Oauth | None
) -> dict[str, str] | None:
    provider = servers.oauth
    if not provider or options.passwords:
        return None
    if asker.silent and before is None:
        return None
    if not asker.whether(
        f"Sign in by OAuth, with a client id that you have registered with {provider.title()}?",
        default=before is not None or provider == "microsoft",  # it takes no passwords any more
    ):
        return None
    client_id = asker.text("Client id", before.client_id if before else None)
    return {"provider": provider, "client_id": client_id}


def _ask_password(
    asker: Asker, options: Options, name: str, servers: Servers, tables: tuple[tuple[str, ...], ...]
) -> Part:
    """From where it comes; what the config said before is taken away where that is changed."""
    named = {
        "password_command": options.password_command,
        "password_env": options.password_env,
    }
    typed = ""
    if options.password_stdin:
        typed = typed_secret()
    elif not any(named.values()):
        typed = asker.secret("Password, for the system's keychain (Enter: leave it as it is)")
    if not typed and not any(named.values()):
        return Part()
    source = _NO_SOURCE | {"auth": "password"} | {k: v for k, v in named.items() if v}
    changes = {(*table, key): value for table in tables for key, value in source.items()}
    if not typed:
        return Part(changes=changes)
    users = dict.fromkeys([servers.imap.user, *([servers.smtp.user] if servers.smtp else [])])
    secrets = tuple(
        Secret(
            what="password",
            value=typed,
            keep=partial(keep_password, name, user),
            tables=tuple(t for t, u in _users(servers, tables) if u == user),
        )
        for user in users
    )
    return Part(changes=changes, secrets=secrets)


def _users(
    servers: Servers, tables: tuple[tuple[str, ...], ...]
) -> list[tuple[tuple[str, ...], str]]:
    ends = [servers.imap, *([servers.smtp] if servers.smtp else [])]
    return [(table, end.user) for table, end in zip(tables, ends, strict=True)]


# --- the test of it -------------------------------------------------------------------------------


async def look(name: str, server: Imap) -> Seen:
    """Log in and look at the folders; raises what `open_session` and `find_folder` raise."""
    async with open_session(name, server) as session:
        sent = await session.call(Mailbox.find_folder, "sent", server.sent_folder)
        view = await session.call(Mailbox.status, sent)
        try:
            drafts = await session.call(Mailbox.find_folder, "drafts", server.drafts_folder)
        except FolderNotFound:
            drafts = None
    return Seen(sent=sent, drafts=drafts, mails=view.messages if view else 0)


def sentence(seen: Seen) -> str:
    """What was found, for people."""
    drafts = f"your drafts in {seen.drafts!r}" if seen.drafts else "there is no Drafts folder"
    return (
        f"The connection works; your sent mail is in {seen.sent!r}, {drafts}. "
        f"About {seen.mails} mails would be looked at for learning."
    )
