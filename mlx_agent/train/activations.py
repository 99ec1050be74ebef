"""What the frozen lower blocks make of a lesson, kept on disk for later epochs and later nights.

One file a lesson, under a directory that names the base and how many of its blocks are below; it
follows from mail, so it is for the user alone. Files are written in one step, a damaged one is
computed again, and beyond a bound the ones used longest ago go. What cannot be kept, for want of
room, is computed anew each time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mlx_agent.engine import Array, load_arrays, mx, save_arrays
from mlx_agent.errors import DiskFull
from mlx_agent.train.batches import Batch, Item, padded_tokens

Below = Callable[[mx.array], mx.array]


RESERVE = 1_000_000_000
"""Bytes of the disk that are left for what matters more."""


def home(root: Path, base_hash: str, depth: int) -> Path:
    """Where those of a base at a depth are; it is there once some have been kept."""
    return root / f"{base_hash[:16]}-{depth}"


class Activations:
    """Those in one directory. `computed` counts the lessons that were not found."""

    def __init__(self, where: Path, below: Below, most_bytes: int) -> None:
        """`below` makes hidden states of tokens; all bases' together stay below `most_bytes`."""
        self._home = where
        self._below = below
        self._most = most_bytes
        self._new = 0
        self.computed = 0

    def of(self, batch: Batch) -> mx.array:
        """Hidden states (batch x length x width), zero-padded."""
        found = [self._kept(item) for item in batch.items]
        if any(one is None for one in found):
            found = list(self._made(batch))
        rows = [
            mx.pad(one, [(0, batch.length - one.shape[0]), (0, 0)])
            for one in found
            if one is not None
        ]
        return mx.stack(rows)

    def prune(self) -> None:
        """Remove the files used longest ago until the rest, of all bases, fits."""
        files = [
            (path.stat().st_mtime, path.stat().st_size, path)
            for path in self._home.parent.glob("*/*")
        ]
        kept = 0
        for _, size, path in sorted(files, reverse=True):
            kept += size
            if kept > self._most or path.name.startswith("."):
                path.unlink(missing_ok=True)

    def _kept(self, item: Item) -> Array | None:
        path = self._path(item)
        try:
            hidden = load_arrays(path)[0]["hidden"]
            mx.eval(hidden)
            os.utime(path)
        except Exception:  # noqa: BLE001  # missing or broken, of which MLX makes a dozen classes
            return None
        return hidden if hidden.shape[0] == len(item[0]) else None

    def _made(self, batch: Batch) -> Sequence[mx.array]:
        hidden = self._below(padded_tokens(batch))
        rows = [hidden[number, : len(item[0])] for number, item in enumerate(batch.items)]
        mx.eval(rows)
        self.computed += len(rows)
        for item, row in zip(batch.items, rows, strict=True):
            self._keep(item, row)
        return rows

    def _keep(self, item: Item, row: mx.array) -> None:
        path = self._path(item)
        building = path.with_name(f".{path.stem}.{os.getpid()}.safetensors")
        with suppress(OSError, DiskFull):  # no room: it is computed again
            self._home.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._home.mkdir(exist_ok=True, mode=0o700)
            if shutil.disk_usage(self._home).free < RESERVE + row.nbytes:
                return
            self._new += row.nbytes
            if self._new > self._most // 8:
                self.prune()
                self._new = 0
            try:
                save_arrays(building, {"hidden": row})
                building.replace(path)
            finally:
                building.unlink(missing_ok=True)

    def _path(self, item: Item) -> Path:
        digest = hashlib.sha256(repr(item[0]).encode()).hexdigest()[:32]
        return self._home / f"{digest}.safetensors"
