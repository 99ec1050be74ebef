"""A training of the pocket base that is killed at random points and gone on with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

from benchmarks.teach import Result
from mlx_agent import bases, codec
from mlx_agent.teach.dataset import Splits, write_dataset
from mlx_agent.train.records import TrainRequest, TrainSettings

STEP_S = 0.3
"""Within so long after a step's word the kill comes: in the next step, or while its state is kept.

(A kill before the first step is one of the random points, too.)
"""


def killed(scratch: Path, splits: Splits, kills: int) -> list[Result]:
    """Whether it ends at the same weights as an undisturbed one, to the bit."""
    dataset = write_dataset(
        scratch / "datasets", "killed", splits, bases.render_settings(bases.find("pocket"))
    )
    request = TrainRequest(
        account="killed",
        base="pocket",
        dataset=dataset.path,
        dataset_hash=dataset.hash,
        lessons=len(splits.train),
        settings=TrainSettings(layers=2, batch_tokens=1024),
        adapters_root=scratch / "whole",
        checkpoint_s=0.0,
    )
    steps, whole = _trained(request)
    broken = replace(request, adapters_root=scratch / "broken")
    random, died = Random(1), 0
    while died < kills and _dies(broken, random.randrange(2 * steps // kills), random.random()):
        died += 1
    _, found = _trained(broken)
    return verdict(whole, found, died=died, kills=kills, steps=steps)


def verdict(whole: bytes, found: bytes, *, died: int, kills: int, steps: int) -> list[Result]:
    """Met if every kill came, and the weights are the same."""
    return [
        Result(
            what=f"killed at random points of {steps} steps",
            measured=f"{died} times",
            bound=str(kills),
            met=died == kills,
        ),
        Result(
            what="  weights in the end",
            measured="the same to the bit" if whole == found else "others",
            bound="the same",
            met=whole == found,
        ),
    ]


def _started(request: TrainRequest) -> subprocess.Popen[str]:
    path = request.adapters_root.with_suffix(".json")
    path.write_text(codec.dumps(request), "utf-8")
    command = [sys.executable, "-m", "mlx_agent.train", str(path)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
    )


def _trained(request: TrainRequest) -> tuple[int, bytes]:
    """Train to the end: the steps in all, and the adapter's weights."""
    with _started(request) as process:
        lines = [json.loads(line) for line in process.stdout or ()]
    weights = request.adapters_root / lines[-1]["adapter"]["id"] / "adapters.safetensors"
    return lines[-2]["event"]["steps"], weights.read_bytes()


def _dies(request: TrainRequest, after: int, wait: float) -> bool:
    """Kill it after so many steps and a moment; whether it was alive until then."""
    with _started(request) as process:
        assert process.stdout is not None
        heard = sum(1 for _, line in zip(range(after), process.stdout, strict=False) if line)
        time.sleep(wait * STEP_S)
        alive = heard == after and process.poll() is None
        process.kill()
    return alive
