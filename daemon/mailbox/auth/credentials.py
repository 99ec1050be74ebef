"""What a server is shown: a password or an OAuth token, and where each comes from.

A password comes from the config's text, a command, the environment or the keychain; a token from a
command or from the account's sign-in (`trimtab login`). Nothing is remembered here: each call asks
the source anew, so what the user changes there holds at the next connection. Blocking.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from daemon.config import Imap, Smtp
from daemon.errors import CommandFailed, PasswordMissing
from daemon.mailbox.auth import keychain, oauth

Mechanism = Literal["login", "xoauth2", "oauthbearer"]
_COMMAND_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """`secret` is the password for "login", the access token for the other two mechanisms."""

    user: str
    secret: str = field(repr=False)
    mechanism: Mechanism


def find_credential(account: str, server: Imap | Smtp, *, refused: bool = False) -> Credential:
    """What to log in with. `refused`: the server has refused the last one, so renew a token.

    A caller that was refused asks once more for a token, and never for a password, which the same
    source would give again. Raises PasswordMissing, CommandFailed, KeychainMissing, and what
    `oauth.access_token` raises: SignInNeeded, ClientRefused, ServerUnreachable and ServerBusy.
    """
    if server.auth == "password":
        secret = _find_password(account, server)
        return Credential(user=server.user, secret=secret, mechanism="login")
    if server.token_command:
        token = _token_from_command(account, server.token_command)
    else:
        token = oauth.access_token(account, refused=refused)
    return Credential(user=server.user, secret=token, mechanism=server.auth)


def keep_password(account: str, user: str, password: str) -> None:
    """Store a password in the system's keychain; raises KeychainMissing."""
    keychain.keep(account, _entry(account, user), password)


def entries(account: str, servers: Iterable[Imap | Smtp | None]) -> tuple[str, ...]:
    """The names under which an account's passwords and sign-in are kept in the keychain."""
    users = dict.fromkeys(server.user for server in servers if server is not None)
    return (*(_entry(account, user) for user in users), account)


def first_line(command: str) -> str | None:
    """The first line that a command prints; None if it fails. Nothing is typed to it."""
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,  # what the user types is not for it
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.split("\n", 1)[0]


def _find_password(account: str, server: Imap | Smtp) -> str:
    """From the first source that the config names; the keychain if it names none."""
    if server.password:
        return server.password
    if server.password_command:
        return _password_from_command(account, server.password_command)
    if server.password_env:
        found = os.environ.get(server.password_env, "")
        if not found:
            raise PasswordMissing(account, f"the variable {server.password_env} is not set")
        return found
    kept = keychain.read(account, _entry(account, server.user))
    if kept is None:
        raise PasswordMissing(account, "the keychain has no entry for it")
    return kept


def _password_from_command(account: str, command: str) -> str:
    password = first_line(command)
    if password is None:
        raise PasswordMissing(account, "password_command failed")
    if not password:
        raise PasswordMissing(account, "password_command printed nothing")
    return password


def _token_from_command(account: str, command: str) -> str:
    printed = first_line(command)
    if printed is None:
        raise CommandFailed(account, "token_command", "failed")
    token = printed.strip()
    if not re.fullmatch(oauth.TOKEN, token):
        raise CommandFailed(account, "token_command", "printed no token")
    return token


def _entry(account: str, user: str) -> str:
    return f"{account}/{user}"
