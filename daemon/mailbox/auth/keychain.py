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


def remove(account: str, entry: str) -> bool:
    """Whether there was such a secret, which is gone now; raises KeychainMissing.

    A system without a keychain keeps none.
    """
    import keyring
    from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError

    try:
        if keyring.get_password(SERVICE, entry) is None:
            return False
        keyring.delete_password(SERVICE, entry)
    except (NoKeyringError, PasswordDeleteError):
        return False
    except KeyringError as error:
        raise KeychainMissing(account, _reason(error)) from error
    return True


def _reason(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return "this system has no keychain"
    if isinstance(error, KeyringLocked):
        return "the keychain is locked"
    return "the keychain refused"
