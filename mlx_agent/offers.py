"""Which models suit a machine: their size, the memory they take, and how fast they may answer.

Everything but the models on disk is computed from their shapes. Speed is an estimate: to generate a
token all weights are read once, so that the memory's bandwidth bounds it. Pure, but for `chip`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from mlx_agent.room import ANSWERING, Machine
from mlx_agent.train import memory
from mlx_agent.train.memory import Shape
from mlx_agent.train.records import TrainSettings

LLAMA_3_8B = Shape(
    layers=32,
    hidden=4096,
    inner=14336,
    heads=32,
    key_values=1024,
    vocabulary=128_256,
    bits=4.5,
    width=2,
    tied=False,
)
LLAMA_32_3B = Shape(
    layers=28,
    hidden=3072,
    inner=8192,
    heads=24,
    key_values=1024,
    vocabulary=128_256,
    bits=4.5,
    width=2,
    tied=True,
)
LLAMA_32_1B = Shape(
    layers=16,
    hidden=2048,
    inner=8192,
    heads=32,
    key_values=512,
    vocabulary=128_256,
    bits=4.5,
    width=2,
    tied=True,
)
KNOWN = {
    "mlx-community/Meta-Llama-3-8B-Instruct-4bit": LLAMA_3_8B,
    "mlx-community/Llama-3.2-3B-Instruct-4bit": LLAMA_32_3B,
    "mlx-community/Llama-3.2-1B-Instruct-4bit": LLAMA_32_1B,
}
"""The models of `bases.SIZES`, as their `config.json` at the hub has them."""
BANDWIDTH = {
    "M1": 68, "M1 Pro": 200, "M1 Max": 400, "M1 Ultra": 800,
    "M2": 100, "M2 Pro": 200, "M2 Max": 400, "M2 Ultra": 800,
    "M3": 100, "M3 Pro": 150, "M3 Max": 300, "M3 Ultra": 800,
    "M4": 120, "M4 Pro": 273, "M4 Max": 410,
}  # fmt: skip
"""GB/s of memory as Apple states it for each chip; of two kinds of one name, the slower."""
REACHED = 0.7
"""The share of the bandwidth that generation is taken to reach: assumed, not measured."""
USUAL = TrainSettings()
"""What a training is asked for by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model on a machine. Bytes; `tokens_s` None where the machine is unknown.

    `fits`: it can answer there; `trains`: it can be trained there, with the defaults or less.
    """

    model: str
    size: int
    answering: int
    training: int
    fits: bool
    trains: bool
    tokens_s: float | None
    here: bool


def offer(
    model: str, shape: Shape, machine: Machine, bandwidth: int | None, *, size: int | None
) -> Offer:
    """What a model of that shape takes there; `size` of its weights where they are on the disk."""
    weights = size or weights_of(shape)
    plan = memory.plan(
        shape,
        memory=machine.total,
        trained=shape.layers,
        rank=USUAL.rank,
        batch_tokens=USUAL.batch_tokens,
        longest=USUAL.max_tokens,
    )
    whole = Machine(total=machine.total, available=machine.total)
    return Offer(
        model=model,
        size=weights,
        answering=int(weights * ANSWERING),
        training=int(plan.needs),
        fits=weights * ANSWERING <= whole.spare,
        trains=plan.fits,
        tokens_s=None if bandwidth is None else REACHED * bandwidth * 1e9 / weights,
        here=size is not None,
    )


def weights_of(shape: Shape) -> int:
    """Bytes of all weights."""
    return int((shape.layers * shape.block + shape.embedding) * shape.bits / 8)


def bandwidth_of(chip: str) -> int | None:
    """GB/s of memory by the chip's name, such as `Apple M1 Pro`; None for one that is unknown."""
    found = re.fullmatch(r"Apple (M\d+(?: (?:Pro|Max|Ultra))?)", chip.strip())
    return BANDWIDTH.get(found[1]) if found else None


def chip() -> str:
    """The name of this machine's chip; empty where no Mac tells it."""
    if sys.platform != "darwin":
        return ""
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
