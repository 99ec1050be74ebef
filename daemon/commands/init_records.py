"""What the parts of `init` hand to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line has answered already; None for what it has not."""

    account: str | None = None
    address: str | None = None
    name: str | None = None
    imap_host: str | None = None
    imap_user: str | None = None
    password_command: str | None = None
    password_env: str | None = None
    password_stdin: bool = False
    cloud: str | None = None
    check: bool = True
    yes: bool = False

    @property
    def passwords(self) -> int:
        """How many of the three say where the password comes from."""
        return sum(map(bool, (self.password_command, self.password_env, self.password_stdin)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that was typed, for the keychain when all is answered.

    Where there is none, the config names a command or a variable in each of `tables` instead, as
    `<what>_command` or `<what>_env`.
    """

    what: str
    value: str = field(repr=False)
    keep: Callable[[str], None]
    tables: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Answers: new values by their paths in the config, and secrets that are not for it."""

    changes: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server showed: the folders, and how many mails the Sent folder holds."""

    sent: str
    drafts: str | None
    mails: int
