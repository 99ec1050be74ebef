"""Keychains for tests: real backends of keyring's, of which only the storage is another."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class InMemory(KeyringBackend):
    """A keychain that is a dictionary. Nobody gets it unasked."""

    priority = 1
    viable = False

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


class Locked(InMemory):
    """One whose owner has not unlocked it."""

    def get_password(self, *_: str) -> str | None:
        raise KeyringLocked

    def set_password(self, *_: str) -> None:
        raise KeyringLocked


class InFile(InMemory):
    """One that another process finds again, in the file that the environment names."""

    def get_password(self, service: str, username: str) -> str | None:
        found: str | None = self._entries().get(f"{service}:{username}")
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        entries = self._entries() | {f"{service}:{username}": password}
        self._file().write_text(json.dumps(entries))

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        if entries.pop(f"{service}:{username}", None) is None:
            raise PasswordDeleteError
        self._file().write_text(json.dumps(entries))

    def _entries(self) -> dict[str, str]:
        return dict(json.loads(self._file().read_text())) if self._file().exists() else {}

    def _file(self) -> Path:
        return Path(os.environ["TEST_KEYCHAIN"])


@pytest.fixture(params=[InMemory])
def keychain(request: pytest.FixtureRequest) -> Iterator[KeyringBackend]:
    """The system's keychain during the test; the one before comes back."""
    before = keyring.get_keyring()
    backend = request.param()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)
