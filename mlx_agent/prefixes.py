"""What a model has read of a prompt's beginning, kept on disk: a restarted worker starts warm.

A file holds the keys and values of the tokens that all prompts of an agent begin with. They tell
nothing of any mail. A file that is damaged, or that is not there, is read by the model again; a
disk without room keeps none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_agent.engine import mx

KEPT = 16
"""Files that stay, those that were used last."""
_FORM = "1"
"""Of the file; another one is not read."""

Layers = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The files of one agent. `owner` names its weights by content: adapter and base."""

    directory: Path
    owner: str

    def path(self, tokens: Sequence[int]) -> Path:
        """Where these tokens' file is."""
        name = f"{_FORM}\n{self.owner}\n{list(tokens)}".encode()
        return self.directory / f"{hashlib.sha256(name).hexdigest()}.safetensors"

    def take(self, tokens: Sequence[int], cache: Layers) -> bool:
        """Fill an empty cache with what is kept of these tokens; False where it is not."""
        path = self.path(tokens)
        try:
            loaded: Any = mx.load(str(path), return_metadata=True)
            arrays, told = loaded
            if told["digest"] != _digest(arrays) or len(arrays) != 2 * len(cache):
                raise ValueError("it is damaged")  # noqa: TRY301  # as what mlx raises for one
            path.touch()
        except (OSError, RuntimeError, ValueError, KeyError, TypeError):
            _remove(path)
            return False
        for number, layer in enumerate(cache):
            layer.state = (arrays[f"{number}.keys"], arrays[f"{number}.values"], len(tokens))
        return True

    def keep(self, tokens: Sequence[int], cache: Layers) -> None:
        """Write what a cache of just these tokens holds."""
        arrays = {}
        for number, layer in enumerate(cache):
            arrays[f"{number}.keys"], arrays[f"{number}.values"] = map(
                mx.contiguous, layer.keys_and_values()
            )
        path = self.path(tokens)
        building = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            mx.save_safetensors(str(building), arrays, metadata={"digest": _digest(arrays)})
            building.chmod(0o600)
            building.replace(path)
            self._prune()
        except (OSError, RuntimeError):  # no room: it is read again another time
            _remove(building)

    def _prune(self) -> None:
        files = sorted(
            self.directory.glob("[!.]*.safetensors"), key=lambda one: one.stat().st_mtime
        )
        for file in [*files[:-KEPT], *self.directory.glob(".*.safetensors")]:
            _remove(file)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _digest(arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(memoryview(array.view(mx.uint8)))  # bfloat16 has no buffer of its own
    return digest.hexdigest()
