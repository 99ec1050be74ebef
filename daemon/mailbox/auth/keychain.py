"""The system's keychain (by keyring), in which passwords and sign-ins are kept."""

from __future__ import annotations

from daemon.errors import KeychainMissing

SERVICE = "trimtab"


def read(account: str, entry: str) -> str | None:
    """The secret kept under that name; raises KeychainMissing."""
    import keyring
    from keyring.errors import KeyringError

    try:
        found: str | None = keyring.get_password(SERVICE, entry)
    except KeyringError as error:
        raise KeychainMissing(account, _reason(error)) from error
    return found or None


def keep(account: str, entry: str, secret: str) -> None:
    """Store a secret under that name, in place of the one before; raises KeychainMissing."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, entry, secret)
    except KeyringError as error:
        raise KeychainMissing(account, _reason(error)) from error


def _reason(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return "this system has no keychain"
    if isinstance(error, KeyringLocked):
        return "the keychain is locked"
    return "the keychain refused"
