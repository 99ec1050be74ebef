"""`backup` and `restore`: a home as one file, and back.

A backup is a .tar.gz: what it is, then config, store, adapters and data sets, each as of one
moment, while the daemon runs. It is made beside its place, and a home is unpacked and looked at
beside its own: what fails leaves everything as it was. Of a file's names only those are taken that
we write.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePosixPath

from daemon import ownership
from daemon.commands.output import print_json, say
from daemon.commands.session import load
from daemon.errors import BackupUnreadable, FileForeign, FolderTaken
from daemon.files import refusals
from daemon.lock import HomeLock
from daemon.paths import Paths, find_paths, make_directories
from daemon.store import snapshot
from daemon.store.database import Database
from mlx_agent import adapters

FORMAT = 1
CHUNK = 1 << 20
SECRETS = "The passwords and keys in the keychain are not in it."


async def backup(file: Path, *, as_json: bool) -> None:
    """Write the home to a file (0600; absolute), in place of an older backup; raises FileForeign.

    Raises FileRefused where it cannot be written, with the older one kept.
    """
    paths, _ = load()
    _refuse_foreign(file)
    with refusals(file), tempfile.TemporaryDirectory(prefix=".trimtab.", dir=file.parent) as name:
        building = Path(name)
        await _copy_store(paths.database, building / "trimtab.db")
        packed = building / "backup"
        packed.touch(mode=0o600)
        with adapters.frozen(paths.adapters) as frozen:
            _pack(packed, paths, building / "trimtab.db", frozen)
        packed.replace(file)
    size = file.stat().st_size  # noqa: ASYNC240
    if as_json:
        return print_json({"file": str(file), "bytes": size})
    return say(f"Wrote {file} ({size / 1e6:.1f} MB). {SECRETS}")


async def restore(file: Path, *, force: bool, as_json: bool) -> None:
    """Put a backup in a home's place, which has to be empty, or is set aside by `force`.

    Raises HomeInUse while a daemon runs, FolderTaken, BackupUnreadable, StoreTooNew and
    StoreDamaged, with nothing changed.
    """
    paths = find_paths()
    taken = [part for part in ownership.kept(paths).values() if _holds(part)]
    if taken and not force:
        raise FolderTaken(taken[0], forcible=True)
    if not _is_backup(file):
        raise BackupUnreadable(file, "it is none of trimtab's")
    with refusals(paths.database.parent):
        make_directories(paths)
        with HomeLock(paths.lock), _staging(paths) as staged:
            _unpack(file, staged)
            await _look_at(file, staged)
            aside = _exchange(paths, staged, taken)
    if as_json:
        return print_json({"home": str(paths.database.parent), "aside": aside and str(aside)})
    if aside:
        say(f"What was there is in {aside}.")
    say(f"Restored {paths.database.parent}. {SECRETS}")
    return say("Next: `trimtab service install` and `trimtab plugin install`, if you use them.")


def _refuse_foreign(file: Path) -> None:
    if file.exists() and not _is_backup(file):
        raise FileForeign(file)


# --- packing --------------------------------------------------------------------------------------


async def _copy_store(database: Path, to: Path) -> None:
    opened = await Database.open(database)
    try:
        await opened.alone(lambda connection: snapshot.write_to(connection, to))
    finally:
        await opened.close()


def _pack(packed: Path, paths: Paths, store: Path, frozen: Path) -> None:
    about = {
        "format": FORMAT,
        "trimtab": metadata.version("trimtab"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with tarfile.open(packed, "w:gz", compresslevel=1) as target:  # weights do not get smaller
        content = json.dumps(about).encode() + b"\n"
        first = tarfile.TarInfo(ownership.ABOUT)
        first.size, first.mode = len(content), 0o600
        target.addfile(first, io.BytesIO(content))
        target.add(paths.config, "config.toml", filter=_private)
        target.add(store, "trimtab.db", filter=_private)
        for name, root in (("adapters", frozen), ("datasets", paths.datasets)):
            for path in sorted(root.rglob("*")):
                hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
                if not hidden and path.is_file():
                    with suppress(FileNotFoundError):  # a data set that was just written anew
                        target.add(path, f"{name}/{path.relative_to(root)}", filter=_private)


def _private(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the names of the user and of their group."""
    member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
    return member


def _is_backup(file: Path) -> bool:
    try:
        with tarfile.open(file, "r:gz") as source:
            first = source.next()
            return first is not None and first.name == ownership.ABOUT
    except (OSError, EOFError, tarfile.TarError):
        return False


# --- unpacking ------------------------------------------------------------------------------------


def _holds(part: Path) -> bool:
    return any(part.iterdir()) if part.is_dir() else part.exists()


@contextmanager
def _staging(paths: Paths) -> Iterator[Path]:
    """A directory beside the home's parts; what a killed restore left goes first."""
    root = paths.database.parent
    for left in root.glob(".restore.*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = root / f".restore.{os.getpid()}"
    staged.mkdir(mode=0o700)
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _unpack(file: Path, staged: Path) -> None:
    """Write the files of a backup; raises BackupUnreadable for any that is not as we write it."""
    try:
        _read_through(file)
        with tarfile.open(file, "r:gz") as source:
            for member in source:
                if member.name == ownership.ABOUT:
                    continue
                content = source.extractfile(member) if member.isreg() else None
                if content is None or not ownership.is_safe(member.name):
                    raise BackupUnreadable(file, "it holds what no backup does")
                path = staged / PurePosixPath(member.name)
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with content, open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as to:  # noqa: PTH123
                    shutil.copyfileobj(content, to)
    except (EOFError, tarfile.TarError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and not _is_damage(error):
            raise
        raise BackupUnreadable(file, "it is damaged") from error


def _read_through(file: Path) -> None:
    """Raises for a single wrong bit: the sum at gzip's end is looked at by who reads that far."""
    with gzip.open(file) as source:
        while source.read(CHUNK):
            pass


def _is_damage(error: OSError) -> bool:
    """What gzip says is an OSError without a number; one with a number is the disk's."""
    return error.errno is None


async def _look_at(file: Path, staged: Path) -> None:
    """Raises BackupUnreadable, StoreTooNew and StoreDamaged; the store is of today afterwards."""
    if not (staged / "trimtab.db").exists() or not (staged / "config.toml").exists():
        raise BackupUnreadable(file, "it is not whole")
    database = await Database.open(staged / "trimtab.db")
    try:
        whole = await database.read(snapshot.is_whole)
    finally:
        await database.close()
    if not whole:
        raise BackupUnreadable(file, "its store is damaged")
    root = staged / "adapters"
    for pointer in root.glob("*.current"):
        if (current := adapters.current(root, pointer.stem)) is not None:
            adapters.verify(root, current)


def _exchange(paths: Paths, staged: Path, taken: list[Path]) -> Path | None:
    """Set aside what is there, and put the restored in its place; what fails is undone.

    The config comes last, for without it no trimtab starts. Where the old parts are, if any were.
    """
    root = paths.database.parent
    aside = root.with_name(f"{root.name}.aside-{time.strftime('%Y%m%d-%H%M%S')}")
    if taken:
        aside.mkdir(mode=0o700)
    moves = [(found, aside / found.name) for part in taken for found in ownership.beside(part)]
    parts = sorted(ownership.kept(paths).items(), key=lambda part: part[0] == "config.toml")
    moves += [(staged / name, place) for name, place in parts if (staged / name).exists()]
    done = []
    try:
        for source, target in moves:
            _move(source, target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            _move(target, source)
        raise
    make_directories(paths)
    return aside if taken else None


def _move(source: Path, target: Path) -> None:
    """Also to another disk, and onto an empty directory."""
    with suppress(OSError):
        target.rmdir()
    shutil.move(source, target)
