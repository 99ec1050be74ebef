"""Which models may stay loaded, and what fits beside what. Decisions are pure; `look` measures.

A model of so many bytes on disk takes about as many loaded. A sixteenth of the machine's memory,
and at least RESERVE bytes, is always left to the user.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

RESERVE = 1 << 29
ANSWERING = 1.25
"""Bytes in use for each byte of weights while a model answers."""
TRAINING = 2.0
"""While an adapter is trained: Llama-3-8B in 4 bits has 4.5 GB and takes 9."""
_WARNING = 2
"""macOS's pressure levels are 1 (normal), 2 (warning) and 4 (critical)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Memory in bytes; `pressed`: the system itself says that it is short of it."""

    total: int
    available: int
    pressed: bool = False

    @property
    def spare(self) -> int:
        """What may be taken, below 0 where memory is short."""
        return self.available - max(RESERVE, self.total // 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model in memory that answers nothing at the moment."""

    key: Hashable
    size: int
    idle_s: float


Look = Callable[[], Machine]


def look() -> Machine:
    """This machine now."""
    memory = psutil.virtual_memory()
    return Machine(total=memory.total, available=memory.available, pressed=_is_pressed())


def weights(directory: Path) -> int:
    """Bytes of a model's weights."""
    return sum(file.stat().st_size for file in directory.glob("*.safetensors"))


def fits(size: int, machine: Machine) -> bool:
    """Whether a model of so many bytes can be loaded and asked besides what runs now."""
    return not machine.pressed and size * ANSWERING <= machine.spare


def to_drop(loaded: Sequence[Loaded], longest_idle_s: float, machine: Machine) -> list[Hashable]:
    """The models to unload: those idle for too long; where memory is short, the idlest first.

    What the system itself complains of is answered by all that can be given.
    """
    gone = [one for one in loaded if machine.pressed or one.idle_s >= longest_idle_s]
    spare = machine.spare + sum(one.size for one in gone)
    for one in sorted(loaded, key=lambda one: -one.idle_s):
        if spare < 0 and one not in gone:
            gone.append(one)
            spare += one.size
    return [one.key for one in gone]


def to_drop_for(need: int, loaded: Sequence[Loaded], machine: Machine) -> list[Hashable]:
    """The models to unload so that so many bytes can be taken: the largest first."""
    gone = []
    spare = machine.spare
    for one in sorted(loaded, key=lambda one: -one.size):
        if machine.pressed or spare < need:
            gone.append(one.key)
            spare += one.size
    return gone


def _is_pressed() -> bool:
    if sys.platform != "darwin":
        return False
    level, size = ctypes.c_int(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    libc = ctypes.CDLL(None)
    name = b"kern.memorystatus_vm_pressure_level"
    failed = libc.sysctlbyname(name, ctypes.byref(level), ctypes.byref(size), None, 0)
    return not failed and level.value >= _WARNING
