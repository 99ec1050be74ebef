"""Adapters on disk: `root/<id>/` with weights and a manifest written last, and who is current.

A directory without a manifest does not exist, and neither does one still being built, whose name
begins with a dot; what a killed process left of one goes with the next save.

The current adapter of an account is the last line of `root/<account>.current`, the lines above it
are those before; the file is replaced in one step, so that promotion and roll-back are atomic. No
MLX here: the daemon lists and promotes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from mlx_agent import codec
from mlx_agent.errors import AdapterDamaged, AdapterNotFound, no_room_told
from mlx_agent.records import Adapter

MANIFEST = "manifest.json"
KEPT = 5
"""Lines of the history of promotions."""
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An adapter's record and the SHA-256 of each of its files."""

    adapter: Adapter
    files: dict[str, str]


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
    for leftover in list(_leftovers(root)):
        shutil.rmtree(leftover, ignore_errors=True)
    building = root / f".{adapter.id}.{os.getpid()}"
    building.mkdir(parents=True, mode=0o700)
    try:
        write(building)
        files = {file.name: _hash(file) for file in sorted(building.iterdir())}
        manifest = codec.dumps(Manifest(adapter=adapter, files=files))
        (building / MANIFEST).write_text(manifest + "\n", "utf-8")
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
    _check(adapter_id)
    if not (root / adapter_id).is_dir():
        raise AdapterNotFound(adapter_id)
    manifest = _read(root / adapter_id)
    if manifest is None:
        raise AdapterDamaged(adapter_id, "its manifest is missing or cannot be read")
    if manifest.adapter.id != adapter_id:
        raise AdapterDamaged(adapter_id, "its manifest is another adapter's")
    for name, digest in manifest.files.items():
        file = root / adapter_id / name
        if not file.is_file() or _hash(file) != digest:
            raise AdapterDamaged(adapter_id, f"{name} is missing or changed")
    return manifest.adapter


def current(root: Path, account: str) -> str | None:
    """The id of the adapter in use, None where there is none."""
    return next(reversed(_history(root, account)), None)


def promote(root: Path, account: str, adapter_id: str) -> None:
    """Use this adapter from now on; raises AdapterNotFound for what cannot be an id."""
    _check(adapter_id)
    history = [one for one in _history(root, account) if one != adapter_id]
    _write_history(root, account, [*history, adapter_id][-KEPT:])


def rollback(root: Path, account: str) -> str | None:
    """Use the adapter before the current one, or none; its id."""
    history = _history(root, account)[:-1]
    _write_history(root, account, history)
    return history[-1] if history else None


def _check(name: str) -> None:
    if not _ID.fullmatch(name):
        raise AdapterNotFound(name)


def _leftovers(root: Path) -> Iterator[Path]:
    """Directories that a process was building when it was killed, or that this one left."""
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
