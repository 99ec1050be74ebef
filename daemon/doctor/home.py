"""The home: config, permissions, disk, store, logs and adapters."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from daemon.api.server import MAX_SOCKET_PATH
from daemon.config import Config
from daemon.doctor.findings import Finding, Scene, of_error, ok, skipped, warn, wrong
from daemon.errors import SocketPathTooLong
from daemon.logs import NAME
from daemon.paths import Paths
from daemon.store.inspection import inspect
from mlx_agent import adapters
from mlx_agent.errors import AdapterDamaged, AdapterNotFound, BaseNotFound

FULL, SCARCE = 200_000_000, 2_000_000_000
"""Bytes free below which the disk is as good as full, and below which a training may not fit."""
OTHERS = 0o077
NAMED = 3
"""How many files of many are named."""


def look_at_config(scene: Scene) -> Iterator[Finding]:
    """Whether it can be read, by whom, and what secrets it holds."""
    path = scene.paths.config
    if scene.problem is not None:
        yield of_error("config", scene.problem)
    elif scene.settings is not None:
        count = len(scene.settings.accounts)
        yield ok("config", f"{path} is valid and has {count} account{'s'[: count != 1]}.")
        yield from secrets(scene.settings)
    if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & OTHERS:
        what = f"Others may read or change {path} (mode {mode:04o})."
        yield wrong("config permissions", what, f"Run `chmod 600 '{path}'`.")


def secrets(settings: Config) -> Iterator[Finding]:
    """The settings that hold a secret in clear text. Pure."""
    for name, account in settings.accounts.items():
        for kind, server in (("imap", account.imap), ("smtp", account.smtp)):
            if server is not None and server.password:
                where = f"accounts.{name}.{kind}.password"
                mend = "Keep it in the keychain (`trimtab init`), and remove it from the config."
                yield warn("secrets", f"{where} is in clear text.", mend)
    for name, large in settings.large.items():
        if large.key:
            mend = f"Keep it in the keychain (`trimtab key {name}`), and remove it from the config."
            yield warn("secrets", f"large.{name}.key is in clear text.", mend)


def look_at_home(scene: Scene) -> Iterator[Finding]:
    """Whose the directories and files are, and who else may read them."""
    homes = _homes(scene.paths)
    if not any(home.exists() for home in homes):
        yield skipped("home", "There is none yet; the first command makes it.")
        return
    foreign = [home for home in homes if home.exists() and home.stat().st_uid != os.geteuid()]
    for home in foreign:
        mend = f"Run `sudo chown -R \"$USER\" '{home}'`, and trimtab as yourself."
        yield wrong("home", f"{home} is another user's.", mend)
    for home in homes:
        if home.exists() and home not in foreign and not _writable(home):
            mend = f"Run `chmod u+rwx '{home}'`, or mount its disk for writing."
            yield wrong("home", f"Nothing can be written into {home}.", mend)
    if open_ones := sorted(set(_open_to_others(scene.paths))):
        named = ", ".join(str(path) for path in open_ones[:NAMED])
        more = f" and {len(open_ones) - NAMED} more" if len(open_ones) > NAMED else ""
        roots = " ".join(f"'{home}'" for home in homes if not _is_below(home, homes))
        yield wrong(
            "permissions", f"Others may read {named}{more}.", f"Run `chmod -R go= {roots}`."
        )
    elif not foreign:
        yield ok("home", f"{homes[0]} and its files are yours alone.")
    if len(str(scene.paths.socket).encode()) > MAX_SOCKET_PATH:
        yield of_error("home", SocketPathTooLong(scene.paths.socket, MAX_SOCKET_PATH))


def _homes(paths: Paths) -> list[Path]:
    return list(dict.fromkeys([paths.database.parent, paths.config.parent, paths.logs]))


def _is_below(home: Path, homes: list[Path]) -> bool:
    return not home.exists() or any(other in home.parents for other in homes)


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK)


def _open_to_others(paths: Paths) -> Iterator[Path]:
    """Files in a directory that is closed to others are closed, too; the config has its own say."""
    for home in _homes(paths):
        if not home.is_dir():
            continue
        for path in [home, *home.rglob("*")]:
            status = path.lstat()
            readable = not stat.S_ISLNK(status.st_mode) and status.st_mode & OTHERS
            if readable and path != paths.config and _is_reachable(path):
                yield path


def _is_reachable(path: Path) -> bool:
    """Whether others may pass through every directory above it."""
    return all(parent.stat().st_mode & 0o011 for parent in path.parents)


def look_at_disk(scene: Scene) -> Iterator[Finding]:
    """Room for the store, the logs and an adapter."""
    place = next(path for path in scene.paths.database.parents if path.exists())
    yield judge_room(shutil.disk_usage(place).free)


def judge_room(free: int) -> Finding:
    """Of so many bytes. Pure."""
    what = f"{free / 1e9:.1f} GB are free on the disk of the home."
    if free < FULL:
        return wrong("disk", what, "Make room: the store and the logs cannot grow.")
    if free < SCARCE:
        return warn("disk", what, "Make room: a training may find none for its checkpoints.")
    return ok("disk", what)


def look_at_store(scene: Scene) -> Iterator[Finding]:
    """Whether the store can be read, by this version, and is whole."""
    path = scene.paths.database
    if not path.exists():
        yield skipped("store", "There is none yet; the first sync or import makes it.")
        return
    seen = inspect(path)  # raises what of_error explains: StoreTooNew, StoreDamaged, StoreLocked
    older = "" if seen.version == seen.known else "; the next start brings it up to date"
    yield ok("store", f"Whole, {path.stat().st_size / 1e6:.1f} MB, format {seen.version}{older}.")


def look_at_logs(scene: Scene) -> Iterator[Finding]:
    """Whether the log can be written."""
    path = scene.paths.logs / NAME
    there = path if path.exists() else path.parent
    if not there.exists():
        yield skipped("logs", "There are none yet.")
    elif os.access(there, os.W_OK) and (path.is_file() or not path.exists()):
        yield ok("logs", f"{path} can be written.")
    else:
        yield wrong("logs", f"{path} cannot be written.", f"Run `chmod u+w '{there}'`.")


def look_at_adapters(scene: Scene) -> Iterator[Finding]:
    """Whether the agent in use is intact, and made for the base that is here."""
    for account in scene.settings.accounts if scene.settings else ():
        check = f"agent/{account}"
        try:
            current = adapters.current(scene.paths.adapters, account)
            if current is None:
                yield skipped(check, "None yet; `trimtab train` makes one.")
                continue
            adapters.verify_usable(scene.paths.adapters, current)
        except (AdapterDamaged, AdapterNotFound, BaseNotFound) as error:
            found = of_error(check, error)
            back = "Go back with `trimtab adapters rollback`, or train again."
            yield found if isinstance(error, BaseNotFound) else wrong(check, found.what, back)
        except (OSError, UnicodeDecodeError):
            what = f"{account}.current in {scene.paths.adapters} cannot be read."
            yield wrong(check, what, "Name an agent anew with `trimtab adapters promote ID`.")
        else:
            yield ok(check, f"{current} is intact.")
