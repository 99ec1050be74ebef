"""What of trimtab's is the user's to take along or to remove: which places, which secrets. Pure.

Whatever is new under the home's places is removed with them; a new place has to be a field of
`Paths`. The mails themselves stay where they are, in the mailbox.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from daemon.config import Config
from daemon.large_models import entry
from daemon.mailbox.auth import credentials
from daemon.paths import Paths

LEFT_OUT = "(left out)"
KEPT = ("config.toml", "trimtab.db", "adapters", "datasets")
"""What of a home is in a backup: what cannot be made anew. Logs, sockets and the plugin can."""
ABOUT = "trimtab-backup.json"
"""The first file of a backup."""


def places(paths: Paths) -> tuple[Path, ...]:
    """Every file and directory that trimtab makes for its own use, what is in a home."""
    named = [getattr(paths, field.name) for field in dataclasses.fields(paths)]
    return (*named, paths.plugin, paths.evaluation)


def beside(path: Path) -> Iterator[Path]:
    """A place as it is on the disk, with what else has its name: a log of SQLite's, a new one."""
    if path.is_symlink() or path.exists():
        yield path
    yield from (path.parent / name for name in _beside(path))


def _beside(path: Path) -> list[str]:
    named = [f"{path.name}-{end}" for end in ("wal", "shm", "journal")]
    there = [name for name in named if (path.parent / name).exists()]
    return there + sorted(found.name for found in path.parent.glob(f".{path.name}.*"))


def kept(paths: Paths) -> dict[str, Path]:
    """Where each part of a backup belongs."""
    found = (paths.config, paths.database, paths.adapters, paths.datasets)
    return dict(zip(KEPT, found, strict=True))


def secrets(config: Config) -> Iterator[tuple[str, str]]:
    """What may be in the keychain: the account or large model, and the entry's name."""
    for name, account in config.accounts.items():
        for one in credentials.entries(name, (account.imap, account.smtp)):
            yield name, one
    for name in config.large:
        yield name, entry(name)


def without_secrets(data: Any) -> Any:
    """Settings without what is secret, or may hold what is."""
    if isinstance(data, dict):
        return {
            key: LEFT_OUT if value and _is_secret(key) else without_secrets(value)
            for key, value in data.items()
        }
    return [without_secrets(one) for one in data] if isinstance(data, list) else data


def _is_secret(key: str) -> bool:
    return key in {"password", "key"} or key.endswith("_command")


def is_safe(name: str) -> bool:
    """Whether a file's name in a backup is one that we wrote, and leads nowhere else."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return False
    return path.parts[0] in KEPT
