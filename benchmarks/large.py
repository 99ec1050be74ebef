"""Training an 8B-shaped 4-bit base beside mlx-lm's own, in absolute figures, on an NVIDIA GPU.

    PYTHONPATH=tests python -m benchmarks.large prepare FOLDER [--lessons N]
    PYTHONPATH=tests python -m benchmarks.large run FOLDER --results FILE [--shape S] [--only ...]

`prepare` writes four people's lessons into FOLDER; it needs their mail beside the repository. `run`
needs neither that nor a network: it makes a base of random weights with Llama-3-8B's shape and
trains it, each time in a process of its own. `mlx_lm.lora` gets the same base, data, rank, layers,
epochs and rate, with the prompt masked, and batches of as many lessons. Printed are real tokens a
second, prompts included, of the whole training without loading and validation, and of its last
epoch alone, in which nothing is compiled; peak memory as MLX counts it; and the validation loss.
FILE has all that was found as JSON, written anew after each part; what a part failed of stands in
it, and the others go on. Ends with 1 where one failed, or took more than was planned for.

Seven trainings of 32 lessons of some 390 tokens are 260,000 tokens: at 3,000 a second a minute and
a half, and three more for the base, warming up and loading.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.beside import BATCH, LONGEST, SETTINGS, Bench, Run, bench
from benchmarks.shapes import LLAMA_3_8B, SMALL_4BIT, TINY, Config, make_base
from mlx_agent.engine import mx
from mlx_agent.teach.dataset import Dataset
from mlx_agent.train import memory
from mlx_agent.train.records import usual_rate

SHAPES = {"8b": LLAMA_3_8B, "small": SMALL_4BIT, "tiny": TINY}
NAMES = ("peer-half", "half", "peer-all", "all", "short", "peer-again")
LESSONS, WARM = 32, 2 * BATCH
AMPLE_GB, SHORT_GB = 40.0, 9.0
"""What our trainings are planned for: half of an 80 GB GPU, and what there is of 16 GB for them."""

Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A training: ours, planned to take `within` so many GB, or the peer's where that is None.

    Adapters are on the upper `layers` blocks, on all with 0. `name` says whose activations are
    kept, and `changes` are settings that differ.
    """

    what: str
    name: str
    layers: int = 0
    within: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


def parts(blocks: int) -> tuple[Part, ...]:
    """What is measured, for a base of so many blocks."""
    half, again = blocks // 2, {"grad_checkpoint": True}
    ours = Part(what="upper half, ours", name="half", layers=half, within=AMPLE_GB)
    return (
        Part(what="upper half, mlx-lm", name="peer-half", layers=half),
        ours,
        replace(ours, what="upper half, ours, another night", changes={"seed": 2}),
        Part(what="all blocks, mlx-lm", name="peer-all"),
        Part(what="all blocks, ours", name="all", within=AMPLE_GB),
        Part(what="all blocks, ours, within 9 GB", name="short", within=SHORT_GB),
        Part(what="all blocks, mlx-lm, checkpointing", name="peer-again", changes=again),
    )


def plan(config: Config, found: Bench, part: Part) -> memory.Plan:
    """Ours for a part, of batches with as many lessons as the peer's where they fit."""
    assert part.within is not None
    return memory.plan(
        memory.shape_of(config),
        memory=part.within * memory.GB / memory.SHARE,
        trained=part.layers or config["num_hidden_layers"],
        rank=found.settings.rank,
        batch_tokens=found.budget,
        longest=LONGEST,
    )


def trained(config: Config, found: Bench, part: Part) -> tuple[Run, Found]:
    """A part's run, and what was planned."""
    if part.within is None:
        return found.peer(part.name, part.layers, **part.changes), {}
    chosen = plan(config, found, part)
    settings = {
        "layers": chosen.layers,
        "batch_tokens": chosen.batch_tokens,
        "checkpointing": "on" if chosen.checkpointing else "off",
    }
    run = found.ours(part.name, **settings, **part.changes)
    return run, {"plan": asdict(chosen), "planned_gb": part.within}


def measured(config: Config, found: Bench, part: Part, *, loss: bool = True) -> Found:
    """What a part gave, and what it failed of if it did."""
    result: Found = {"what": part.what, "begun": time.time()}
    try:
        run, planned = trained(config, found, part)
        result |= asdict(run) | planned
        result |= {"rate": run.rate, "last_rate": run.last_rate, "padding": run.padding}
        if loss:
            result["loss"] = found.loss(run)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        result["failed"] = str(error)
    return result


def kept(result: Found) -> bool:
    """Whether a part was done, and within the memory it was planned for."""
    return "failed" not in result and result["peak_mb"] <= 1000 * result.get("planned_gb", 1e9)


def told(result: Found) -> str:
    """A line of the table; empty columns where nothing was found."""
    columns = [f"{result['what']:42}"]
    for name, scale, shown in (
        ("rate", 1, ".0f"),
        ("last_rate", 1, ".0f"),
        ("peak_mb", 1e-3, ".2f"),
        ("loss", 1, ".3f"),
        ("padding", 100, ".1f"),
        ("seconds", 1, ".1f"),
    ):
        text = format(result[name] * scale, shown) if name in result else ""
        columns.append(f"{text:>10}")
    why = f"  FAILED: {result['failed'][-300:]}" if "failed" in result else ""
    return "".join(columns) + why


HEADER = f"{'':42}" + "".join(
    f"{name:>10}" for name in ("tokens/s", "last", "peak GB", "loss", "padding %", "seconds")
)


def results(
    config: Config, warm: Bench, found: Bench, only: Collection[str], ends: float
) -> Iterator[Found]:
    """Of each part whose name is asked for, and before them of warming up for it.

    A part may take half of the seconds until `ends`.
    """
    chosen = [one for one in parts(config["num_hidden_layers"]) if one.name in only]
    # for MLX to have compiled all kernels; activations are kept elsewhere
    warming = [(warm, replace(one, what=f"({one.what})")) for one in chosen]
    for where, part in warming + [(found, one) for one in chosen]:
        left = ends - time.time()
        if left <= 0:
            yield {"what": part.what, "failed": "no time was left"}
            continue
        timed = replace(where, most_s=left / 2)
        yield measured(config, timed, part, loss=where is found)


# --- the command ------------------------------------------------------------------------------


def prepare(folder: Path, lessons: int) -> None:
    """Write the data sets to warm up with and to measure."""
    from benchmarks import people
    from benchmarks.lessons import people_lessons, written  # where the GPU is there is no mail

    if not people.FOLDER.is_dir():
        sys.exit(f"there is no mail in {people.FOLDER}")
    with tempfile.TemporaryDirectory() as scratch:
        everyone = asyncio.run(people_lessons(Path(scratch)))
    for name, count in (("warm", min(WARM, lessons)), ("found", lessons)):
        dataset = written(folder / name, everyone, count)
        print(f"{dataset.path}: {count} lessons")


def prepared(folder: Path) -> Dataset:
    """The data set in a folder."""
    manifest = next(folder.glob("*/manifest.json"))
    return Dataset(path=manifest.parent, hash=json.loads(manifest.read_text("utf-8"))["hash"])


def run(folder: Path, shape: str, file: Path, only: Collection[str], minutes: float) -> bool:
    """Measure and print, and write all to the file; whether it was as it should be."""
    ends = time.time() + 60 * minutes
    settings = replace(SETTINGS, learning_rate=usual_rate(shape))
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        make_base(base, SHAPES[shape])
        warm, found = (
            bench(Path(scratch) / name, base, prepared(folder / name), settings=settings)
            for name in ("warm", "found")
        )
        all_of_it = _around(SHAPES[shape], found)
        print(HEADER, flush=True)
        for result in results(SHAPES[shape], warm, found, only, ends):
            print(told(result), flush=True)
            all_of_it["results"].append(result)
            file.write_text(json.dumps(all_of_it, indent=1), "utf-8")
    return all(map(kept, all_of_it["results"]))


def _around(config: Config, found: Bench) -> Found:
    """What the results are of."""
    return {
        "shape": dict(config),
        "lengths": found.lengths,
        "batch_tokens": found.budget,
        "settings": asdict(found.settings),
        "device": str(mx.default_device()),
        "versions": {name: version(name) for name in ("mlx", "mlx-lm")},
        "results": [],
    }


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare")
    preparing.add_argument("folder", type=Path)
    preparing.add_argument("--lessons", type=int, default=LESSONS)
    running = commands.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("--results", type=Path, required=True)
    running.add_argument("--shape", choices=SHAPES, default="8b")
    running.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    running.add_argument("--minutes", type=float, default=8.0)
    asked = parser.parse_args()
    if asked.command == "prepare":
        prepare(asked.folder, asked.lessons)
    else:
        sys.exit(not run(asked.folder, asked.shape, asked.results, asked.only, asked.minutes))


if __name__ == "__main__":
    main()
