"""The models that stay loaded between requests.

At most KEPT of them, agents and a large model together, of large models one at a time. What must go
goes before the next one is loaded. So beside a Llama-3-70B in 4 bits (40 GB) there is an 8B agent
(5 GB) and no third. What is idle for too long, or in the way of others on this machine, goes too.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_agent import adapters, bases, room
from mlx_agent.agent import Agent
from mlx_agent.chatting import LocalModel
from mlx_agent.engine import mx
from mlx_agent.errors import AdapterDamaged
from mlx_agent.prefixes import Shelf
from mlx_agent.protocol import Asked

KEPT = 2

Key = tuple[type[Any], Path, Path | None]


@dataclass(slots=True)
class _Held:
    model: Any
    size: int
    used_at: float


@dataclass(slots=True, kw_only=True)
class Models:
    """Loads on demand. `idle_s` is how long a model may lie idle; `clock` gives seconds."""

    idle_s: float
    look: room.Look = room.look
    clock: Callable[[], float] = time.monotonic
    _held: OrderedDict[Key, _Held] = field(default_factory=OrderedDict)

    def agent(self, asked: Asked) -> Agent:
        """Raises BaseNotFound, BaseDamaged, AdapterDamaged and AdapterNotFound."""
        base, adapter = bases.find(asked.base), asked.adapter
        loaded = self._loaded((Agent, base, adapter), lambda: _load(base, adapter, asked.prefixes))
        assert isinstance(loaded, Agent)
        return loaded

    def large(self, name: str) -> LocalModel:
        """Raises BaseNotFound and BaseDamaged."""
        directory = bases.find(name)
        loaded = self._loaded((LocalModel, directory, None), lambda: LocalModel(directory))
        assert isinstance(loaded, LocalModel)
        return loaded

    def can_answer(self, asked: Asked) -> bool:
        """Whether an agent is loaded, or could be beside what runs now; raises BaseNotFound."""
        base = bases.find(asked.base)
        known = (Agent, base, asked.adapter) in self._held
        return known or room.fits(room.weights(base), self.look())

    def make_way(self, base: str) -> None:
        """Before a training on that base: what does not fit beside it goes; raises BaseNotFound."""
        need = int(room.weights(bases.find(base)) * room.TRAINING)
        self._drop([key for key in self._held if key[0] is LocalModel])
        self._drop(room.to_drop_for(need, self._idle(), self.look()))

    def sweep(self) -> None:
        """Unload what has been idle for too long, or what the machine needs the room of."""
        if self._held:
            self._drop(room.to_drop(self._idle(), self.idle_s, self.look()))

    def names(self) -> list[str]:
        """What is loaded, the last used at the end: a kind and a directory each."""
        return [f"{kind.__name__} {directory.name}" for kind, directory, _ in list(self._held)]

    def _loaded(self, key: Key, load: Callable[[], Any]) -> Any:
        if key not in self._held:
            self._make_room(key[0])
            self._held[key] = _Held(load(), room.weights(key[1]), 0.0)
        self._held.move_to_end(key)
        self._held[key].used_at = self.clock()
        return self._held[key].model

    def _make_room(self, kind: type[Any]) -> None:
        if kind is LocalModel:
            self._drop([key for key in self._held if key[0] is LocalModel])
        self._drop(list(self._held)[: max(0, len(self._held) - KEPT + 1)])

    def _idle(self) -> list[room.Loaded]:
        now = self.clock()
        return [
            room.Loaded(key=key, size=held.size, idle_s=now - held.used_at)
            for key, held in self._held.items()
        ]

    def _drop(self, keys: list[Any]) -> None:
        for key in keys:
            del self._held[key]
        if keys:
            mx.clear_cache()


def _load(base: Path, adapter: Path | None, prefixes: Path | None) -> Agent:
    """The agent, if its adapter is intact and was made for this very base: AdapterDamaged."""
    owner = bases.base_hash(base)
    if adapter is not None:
        made = adapters.verify(adapter.parent, adapter.name)
        if made.base_hash != owner:
            raise AdapterDamaged(made.id, "its base model has changed")
        owner = f"{made.id} {made.created_at.isoformat()} {owner}"
    shelf = Shelf(directory=prefixes, owner=owner) if prefixes else None
    return Agent(base, adapter, shelf)
