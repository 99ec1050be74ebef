"""Adapters on disk: `root/<id>/` with weights and a manifest written last, and who is current.

A directory without a manifest does not exist, and neither does one still being built, whose name
begins with a dot; what a killed process left of one goes with the next save.

The current adapter of an account is the last line of `root/<account>.current`, the lines above it
are those before; the file is replaced in one step, so that promotion and roll-back are atomic. One
process at a time changes it or prunes. No MLX here: the daemon lists and promotes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlx_agent import bases, codec
from mlx_agent.errors import AdapterDamaged, AdapterNotFound, no_room_told
from mlx_agent.train.records import Adapter

MANIFEST = "manifest.json"
KEPT = 5
"""Lines of the history of promotions, and how many of the newest stay besides."""
UNFINISHED = ".unfinished"
"""Holds the state of trainings that were ended early, and a lock for each account."""
ACTIVATIONS = ".activations"
"""Holds what the frozen blocks make of lessons."""
_VERSIONS = ("trimtab", "mlx", "mlx-lm")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An adapter's record, the SHA-256 of each of its files, and by what versions it was made.

    `hash` is the SHA-256 of all the rest of it; empty, as `versions`, where it is older than both.
    """

    adapter: Adapter
    files: dict[str, str]
    versions: dict[str, str] = field(default_factory=dict)
    hash: str = ""


def new_id(account: str, dataset_hash: str, settings_hash: str, at: datetime) -> str:
    """An id that sorts by time within an account."""
    stamp = at.strftime("%Y%m%d-%H%M%S")
    key = hashlib.sha256(f"{dataset_hash}{settings_hash}{at.isoformat()}".encode()).hexdigest()
    return f"{account}-{stamp}-{key[:6]}"


@no_room_told()
def save(root: Path, adapter: Adapter, write: Callable[[Path], None]) -> Adapter:
    """Let `write` fill a directory, then make it exist: manifest last, then rename.

    Raises AdapterNotFound for an id that cannot be a directory's name, and DiskFull.
    """
    _check(adapter.id)
    _sweep(root)
    building = root / f".{adapter.id}.{os.getpid()}"
    building.mkdir(parents=True, mode=0o700)
    try:
        write(building)
        files = {file.name: _hash(file) for file in sorted(building.iterdir())}
        data = codec.to_data(Manifest(adapter=adapter, files=files, versions=_versions()))
        sealed = json.dumps(data | {"hash": _seal(data)}, ensure_ascii=False)
        (building / MANIFEST).write_text(sealed + "\n", "utf-8")
        for file in building.iterdir():
            file.chmod(0o600)
        building.rename(root / adapter.id)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return adapter


def adapters(root: Path, account: str) -> list[Adapter]:
    """The account's complete adapters, oldest first."""
    directories = [path.parent for path in root.glob(f"*/{MANIFEST}")]
    found = [_read(path) for path in directories if _ID.fullmatch(path.name)]
    return sorted(
        (m.adapter for m in found if m and m.adapter.account == account),
        key=lambda adapter: (adapter.created_at, adapter.id),
    )


def verify(root: Path, adapter_id: str) -> Adapter:
    """The adapter, its files intact; raises AdapterNotFound and AdapterDamaged."""
    return verified(root, adapter_id).adapter


def verified(root: Path, adapter_id: str) -> Manifest:
    """The manifest of an adapter whose files are intact; raises as `verify`."""
    _check(adapter_id)
    if not (root / adapter_id).is_dir():
        raise AdapterNotFound(adapter_id)
    manifest = _read(root / adapter_id)
    if manifest is None:
        raise AdapterDamaged(adapter_id, "its manifest is missing or cannot be read")
    if manifest.adapter.id != adapter_id:
        raise AdapterDamaged(adapter_id, "its manifest is another adapter's")
    if not _is_sealed(root / adapter_id, manifest):
        raise AdapterDamaged(adapter_id, "its manifest was changed")
    for name, digest in manifest.files.items():
        file = root / adapter_id / name
        if not file.is_file() or _hash(file) != digest:
            raise AdapterDamaged(adapter_id, f"{name} is missing or changed")
    return manifest


def verify_usable(root: Path, adapter_id: str) -> Adapter:
    """The adapter, intact and made for its base as that is now.

    Raises as `verify`, and BaseNotFound.
    """
    adapter = verify(root, adapter_id)
    if bases.base_hash(bases.find(adapter.base)) != adapter.base_hash:
        raise AdapterDamaged(adapter_id, "its base model has changed")
    return adapter


def current(root: Path, account: str) -> str | None:
    """The id of the adapter in use, None where there is none."""
    return next(reversed(_history(root, account)), None)


def promoted(root: Path, account: str) -> tuple[str, ...]:
    """The ids of the adapters that were promoted last, the current one at the end."""
    return tuple(_history(root, account))


def promote(root: Path, account: str, adapter_id: str) -> None:
    """Use this adapter from now on; raises AdapterNotFound for what cannot be an id."""
    _check(adapter_id)
    with _changing(root, account):
        history = [one for one in _history(root, account) if one != adapter_id]
        _write_history(root, account, [*history, adapter_id][-KEPT:])


def rollback(root: Path, account: str) -> str | None:
    """Use the last adapter before the current one that is intact, or none; its id."""
    with _changing(root, account):
        history = _history(root, account)[:-1]
        while history and not _is_intact(root, history[-1]):
            history.pop()
        _write_history(root, account, history)
    return history[-1] if history else None


def prune(root: Path, account: str) -> list[str]:
    """Remove the account's adapters but for the last KEPT promoted and the KEPT newest; their ids.

    What goes has gone in one step for whoever is about to load it; the current one stays always.
    """
    with _changing(root, account):
        known = [adapter.id for adapter in adapters(root, account)]
        kept = {*_history(root, account), *known[-KEPT:]}
        gone = [one for one in known if one not in kept]
        _remove(root, gone)
    return gone


def remove(root: Path, account: str, ids: Collection[str]) -> list[str]:
    """Remove these adapters of the account, the current one too if it is named; what has gone.

    What was promoted before is current then, if it is intact.
    """
    with _changing(root, account):
        gone = [adapter.id for adapter in adapters(root, account) if adapter.id in ids]
        history = [one for one in _history(root, account) if one not in ids]
        while history and not _is_intact(root, history[-1]):
            history.pop()
        if history:
            _write_history(root, account, history)
        else:
            (root / f"{account}.current").unlink(missing_ok=True)
        _remove(root, gone)
    return gone


@contextmanager
def frozen(root: Path) -> Iterator[Path]:
    """A copy of all adapters and of who is current, as of one moment, for the `with` block.

    It is made of links where the disk has them, so that nothing waits for it; a copy that a killed
    process left goes with the next save.
    """
    copy = root / f".frozen.{os.getpid()}"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sweep(root)
        shutil.copytree(root, copy, copy_function=_link, ignore=_hidden)
    finally:
        os.close(lock)
    try:
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _hidden(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".")]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def drop_derived(root: Path, account: str) -> None:
    """Remove what trainings keep of lessons: the account's unfinished ones, all activations.

    A training that is under way keeps its own, and ends as it would have.
    """
    shutil.rmtree(root / ACTIVATIONS, ignore_errors=True)
    lock = root / UNFINISHED / f"{account}.lock"
    if not lock.exists():
        return
    with lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        for path in lock.parent.glob(f"{account}.*/"):
            shutil.rmtree(path, ignore_errors=True)


def _remove(root: Path, ids: Iterable[str]) -> None:
    _sweep(root)
    for one in ids:
        leaving = root / f".{one}.{os.getpid()}"
        (root / one).rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)


@contextmanager
def _changing(root: Path, account: str) -> Iterator[None]:
    """One process at a time in the `with` block; the lock goes with the process at the latest."""
    _check(account)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _is_intact(root: Path, adapter_id: str) -> bool:
    try:
        verify(root, adapter_id)
    except (AdapterDamaged, AdapterNotFound):
        return False
    return True


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _VERSIONS}


def _seal(manifest: dict[str, Any]) -> str:
    """The hash of a manifest as it was written: read as records, a later program sees more."""
    rest = {name: value for name, value in manifest.items() if name != "hash"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _is_sealed(path: Path, manifest: Manifest) -> bool:
    return not manifest.hash or manifest.hash == _seal(json.loads((path / MANIFEST).read_bytes()))


def _check(name: str) -> None:
    if not _ID.fullmatch(name):
        raise AdapterNotFound(name)


def _sweep(root: Path) -> None:
    for leftover in list(_leftovers(root)):
        shutil.rmtree(leftover, ignore_errors=True)


def _leftovers(root: Path) -> Iterator[Path]:
    """What a process was building or removing when it was killed, or what this one left."""
    for path in root.glob(".*.*"):
        pid = path.name.rpartition(".")[2]
        if path.is_dir() and pid.isdigit() and not _is_another_alive(int(pid)):
            yield path


def _is_another_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid != os.getpid()


def _history(root: Path, account: str) -> list[str]:
    _check(account)
    try:
        return (root / f"{account}.current").read_text("utf-8").split()
    except FileNotFoundError:
        return []


def _write_history(root: Path, account: str, history: list[str]) -> None:
    path = root / f"{account}.current"
    building = path.with_name(f".{path.name}.{os.getpid()}")
    building.write_text("".join(f"{one}\n" for one in history), "utf-8")
    building.chmod(0o600)
    building.replace(path)


def _read(path: Path) -> Manifest | None:
    try:
        return codec.loads(Manifest, (path / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
