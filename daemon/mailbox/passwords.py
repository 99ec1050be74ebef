"""Where a password comes from: the config's text, a command, the environment, the keychain."""

from __future__ import annotations

import os
import shlex
import subprocess

from daemon.config import Imap, Smtp
from daemon.errors import PasswordMissing

SERVICE = "trimtab"
_COMMAND_S = 60


def find_password(account: str, server: Imap | Smtp) -> str:
    """The password of a server; raises PasswordMissing, which names the source and no secret."""
    if server.password:
        return server.password
    if server.password_command:
        return _from_command(account, server.password_command)
    if server.password_env:
        found = os.environ.get(server.password_env, "")
        if not found:
            raise PasswordMissing(account, f"the variable {server.password_env} is not set")
        return found
    return _from_keychain(account, server.user)


def keep_password(account: str, user: str, password: str) -> None:
    """Store a password in the system's keychain; raises PasswordMissing where there is none."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, f"{account}/{user}", password)
    except KeyringError as error:
        raise PasswordMissing(account, "this system has no keychain") from error


def _from_command(account: str, command: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,  # what the user types is not for it
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise PasswordMissing(account, "password_command failed") from error
    password = done.stdout.split("\n", 1)[0]
    if not password:
        raise PasswordMissing(account, "password_command printed nothing")
    return password


def _from_keychain(account: str, user: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        found: str | None = keyring.get_password(SERVICE, f"{account}/{user}")
    except KeyringError as error:
        raise PasswordMissing(account, "this system has no keychain") from error
    if not found:
        raise PasswordMissing(account, "the keychain has no entry for it")
    return found
