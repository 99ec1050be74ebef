"""Training beside mlx-lm's own (`make bench-train`): speed, memory, loss, and kills.

    PYTHONPATH=tests python -m benchmarks.train [--brief] [--only SECTION...]

The base has Llama-3-8B's proportions (blocks, heads, head of the vocabulary against blocks) and
random weights, 16 million of them; the lessons are four people's. `mlx_lm.lora` gets the same
base, data, rank, layers, epochs, rate and BLAS, with the prompt masked, and batches of as many
lessons. Speed is real tokens, prompts included, per second of training: loading and validation left
out on both sides, keeping activations counted. Sections:

    half     adapters on the upper half of the blocks; and again, as in another night, with the
             activations of the first
    all      adapters on all blocks
    killed   trainings of the pocket base, killed at random points and gone on with

Beside a ratio stands what leaving operations out allows (`benchmarks.operations`). Needs the
people's mail beside the repository; ends with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import operations, people
from benchmarks.beside import EPOCHS, HELD_OUT, SETTINGS, Bench, Run, bench
from benchmarks.kills import killed
from benchmarks.lessons import people_lessons, written
from benchmarks.shapes import SMALL, make_base
from benchmarks.teach import Result
from mlx_agent.teach.dataset import Splits

SECTIONS = ("half", "all", "killed")
KILLS = 20
LESSONS, BRIEF_LESSONS = 48, 16
BLOCKS: int = SMALL["num_hidden_layers"]


# --- half and all -----------------------------------------------------------------------------


def compared(
    what: str, own: Run, other: Run, *, trained: int, lower: float, bound: float
) -> list[Result]:
    """The speeds' ratio, beside what the operations allow (`lower` as in operations.epoch)."""
    needed = operations.epoch(SMALL, SETTINGS.rank, trained, 1, other.shapes)
    left = operations.epoch(SMALL, SETTINGS.rank, trained, lower, own.shapes)
    ratio = own.rate / other.rate
    return [
        Result(
            what=f"{what}: real tokens per second",
            measured=f"{ratio:.2f} times ({own.rate:.0f} against {other.rate:.0f})",
            bound=f"{bound}",
            met=ratio >= bound,
        ),
        Result(what="  operations left out allow", measured=f"{needed / left:.2f} times"),
        Result(what="  padding", measured=f"{own.padding:.1%} against {other.padding:.1%}"),
    ]


def memory_and_loss(what: str, own: Run, other: Run, found: Bench) -> list[Result]:
    """The peaks' ratio, and how far the losses are apart."""
    peak = own.peak_mb / other.peak_mb
    losses = found.loss(own), found.loss(other)
    apart = losses[0] / losses[1] - 1
    return [
        Result(
            what=f"{what}: peak memory",
            measured=f"{peak:.2f} times ({own.peak_mb:.0f} against {other.peak_mb:.0f} MB)",
            bound="at most 0.7",
            met=peak <= 0.7,
        ),
        Result(
            what=f"{what}: validation loss",
            measured=f"{apart:+.1%} ({losses[0]:.3f} against {losses[1]:.3f})",
            bound="within 2 % or lower",
            met=apart <= 0.02,
        ),
    ]


def half(found: Bench) -> list[Result]:
    """Adapters on the upper half, the first night and another one."""
    layers = BLOCKS // 2
    other = found.peer("peer-half", layers)
    first = found.ours("half", layers=layers)
    again = found.ours("half", layers=layers, seed=2)
    return [
        *compared("upper half", first, other, trained=layers, lower=1 / EPOCHS, bound=1.8),
        *memory_and_loss("upper half", first, other, found),
        *compared("upper half, activations kept", again, other, trained=layers, lower=0, bound=2.1),
    ]


def everything(found: Bench) -> list[Result]:
    """Adapters on all blocks."""
    other = found.peer("peer-all", 0)
    own = found.ours("all")
    return [
        *compared("all blocks", own, other, trained=BLOCKS, lower=0, bound=1.4),
        *memory_and_loss("all blocks", own, other, found),
    ]


# --- the command ------------------------------------------------------------------------------


def measured(only: Sequence[str], scratch: Path, *, brief: bool) -> list[Result]:
    """The lines of the sections that were asked for."""
    everyone = asyncio.run(people_lessons(scratch))
    results = []
    if "killed" in only:
        results += killed(scratch, everyone[0], 3 if brief else KILLS)
    if {"half", "all"} & set(only):
        make_base(scratch / "base", SMALL)
        some = _beside(scratch / "warm", everyone, HELD_OUT)  # for the kernels to be there
        some.peer("peer", 1)
        some.ours("ours", layers=1)
        found = _beside(scratch / "found", everyone, BRIEF_LESSONS if brief else LESSONS)
        results += half(found) if "half" in only else []
        results += everything(found) if "all" in only else []
    return results


def _beside(scratch: Path, everyone: Sequence[Splits], count: int) -> Bench:
    dataset = written(scratch / "datasets", everyone, count)
    return bench(scratch, scratch.parent / "base", dataset)


def main() -> None:
    """Measure, print, and end with 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brief", action="store_true", help="fewer lessons, fewer kills")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    chosen = parser.parse_args()
    if not people.FOLDER.is_dir():
        print(f"there is no mail in {people.FOLDER}", file=sys.stderr)
        sys.exit(1)
    with tempfile.TemporaryDirectory() as scratch:
        results = measured(chosen.only, Path(scratch), brief=chosen.brief)
    table = Table("what", "measured", "bound", "")
    for one in results:
        sign = ("met" if one.met else "MISSED") if one.bound else ""
        table.add_row(one.what, one.measured, one.bound, sign)
    Console(width=120).print(table)
    sys.exit(not all(one.met for one in results))


if __name__ == "__main__":
    main()
