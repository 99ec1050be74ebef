"""What training an 8B base takes of a 16 GB machine's memory, measured on a CPU (`make bench-8b`).

    PYTHONPATH=tests python -m benchmarks.eight [--folder FOLDER] [--lessons N]

A base of random weights in Llama-3-8B's shape, 4-bit, is trained for one epoch by the code and with
the settings of every night, planned as for a machine of 16 GiB. MLX's own product of 4-bit weights
takes a hundred times too long on a CPU, so one that calls a BLAS is preloaded in its place
(`products.cpp`, compiled here by g++); of MLX's memory it takes the same. A CPU's operations are
handed out further ahead than a GPU's, which can only make the peak higher.

Printed are the plan's estimate and the peak as MLX counts it, after each step. Ends with 1 where
the peak is above 9 GB. The base takes eight minutes on two cores and is kept in FOLDER; a step some
twenty. Needs the people's mail beside the repository.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes.util
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import people
from benchmarks.lessons import people_lessons, written
from benchmarks.shapes import LLAMA_3_8B, make_base
from mlx_agent import codec
from mlx_agent.engine import mx
from mlx_agent.teach.dataset import Dataset
from mlx_agent.train import memory
from mlx_agent.train.records import TrainEvent, TrainRequest, TrainSettings, usual_rate
from mlx_agent.train.run import train

MACHINE, BOUND_GB = 16 * 2**30, 9.0
FOLDER = Path(__file__).parent.parent / "build" / "8b"
SOURCE = Path(__file__).parent / "products.cpp"
LESSONS = 4


def products(folder: Path) -> Path:
    """The library that is preloaded, compiled for this machine."""
    mlx = Path(mx.__file__).parent
    library = folder / "products.so"
    flags = ["-O3", "-march=native", "-std=c++20", "-shared", "-fPIC", f"-I{mlx / 'include'}"]
    links = [f"-L{mlx / 'lib'}", "-lmlx", f"-Wl,-rpath,{mlx / 'lib'}"]
    subprocess.run(["g++", *flags, str(SOURCE), "-o", str(library), *links], check=True)
    return library


def request(base: Path, dataset: Dataset, lessons: int, scratch: Path) -> TrainRequest:
    """What a night asks for, with the plan for a machine of 16 GiB."""
    settings = TrainSettings(epochs=1, learning_rate=usual_rate("8b"))
    plan = memory.plan(
        memory.shape_of(LLAMA_3_8B),
        memory=MACHINE,
        trained=LLAMA_3_8B["num_hidden_layers"],
        rank=settings.rank,
        batch_tokens=settings.batch_tokens,
        longest=settings.max_tokens,
    )
    print(f"planned for 16 GiB: {plan.told()}", flush=True)
    checkpointing = "on" if plan.checkpointing else "off"
    return TrainRequest(
        account="work",
        base=str(base),
        dataset=dataset.path,
        dataset_hash=dataset.hash,
        lessons=lessons,
        settings=replace(settings, batch_tokens=plan.batch_tokens, checkpointing=checkpointing),
        adapters_root=scratch / "adapters",
    )


def measure(asked: Path) -> None:
    """In a process of its own: train as the file asks, and print the peak after each step."""

    def told(event: TrainEvent) -> None:
        # not to standard output, which the trainer has turned aside meanwhile
        so_far = f"{event.peak_memory_mb / 1000:.2f} GB at the most"
        print(f"step {event.step} of {event.steps}: {so_far}", file=sys.stderr, flush=True)

    train(codec.loads(TrainRequest, asked.read_text("utf-8")), told)
    peak = mx.get_peak_memory() / memory.GB
    met = "met" if peak <= BOUND_GB else "MISSED"
    print(f"peak {peak:.2f} GB, bound {BOUND_GB:.1f} GB: {met}", flush=True)
    sys.exit(peak > BOUND_GB)


def main() -> int:
    """Measure; 1 where the bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the base is kept")
    parser.add_argument("--lessons", type=int, default=LESSONS)
    parser.add_argument("--asked", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.asked:
        measure(chosen.asked)
    blas = ctypes.util.find_library("openblas")
    if not people.FOLDER.is_dir() or blas is None:
        sys.exit(f"needs OpenBLAS (Debian: libopenblas0-pthread), and the mail in {people.FOLDER}")
    base = chosen.folder / "base"
    if not (base / "config.json").exists():
        make_base(base, LLAMA_3_8B)
    library = products(chosen.folder)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        everyone = asyncio.run(people_lessons(scratch))
        dataset = written(scratch / "dataset", everyone, chosen.lessons)
        valid = dataset.path / "valid.jsonl"  # one of them, for each takes a minute
        valid.write_text(valid.read_text("utf-8").partition("\n")[0] + "\n", "utf-8")
        asked = scratch / "request.json"
        asked.write_text(codec.dumps(request(base, dataset, chosen.lessons, scratch)), "utf-8")
        command = [sys.executable, "-m", "benchmarks.eight", "--asked", str(asked)]
        more = {"LD_PRELOAD": f"{blas} {library}", "OPENBLAS_NUM_THREADS": str(os.cpu_count())}
        return subprocess.run(command, check=False, env=os.environ | more).returncode


if __name__ == "__main__":
    sys.exit(main())
