"""One training on two machines: here two processes in a ring, as `mlx.launch` starts them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_examples import a_request, train_here

from mlx_agent import adapters, codec
from mlx_agent.train.records import TrainRequest

pytestmark = pytest.mark.mlx
ROOT = Path(__file__).parent.parent
LAUNCH = Path(sys.executable).parent / "mlx.launch"


def launched(request: TrainRequest, directory: Path) -> list[dict[str, Any]]:
    """What two processes said of a training."""
    (directory / "request.json").write_text(codec.dumps(request), "utf-8")
    command = [str(LAUNCH), "-n", "2", "--backend", "ring", "--", sys.executable]
    done = subprocess.run(
        [*command, "-m", "mlx_agent.train", str(directory / "request.json")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("layers", [0, 2])
def test_two_machines_reach_the_loss_of_one(tmp_path: Path, layers: int) -> None:
    """Step for step, up to rounding; one adapter is written, by the first of them."""
    settings = {"epochs": 2, "batch_tokens": 1024, "layers": layers}
    alone = train_here(a_request(tmp_path / "alone", 14, settings=settings))
    request = replace(alone.request, adapters_root=tmp_path / "shared" / "adapters")
    said = launched(request, tmp_path)
    losses = [one["event"]["loss"] for one in said if "event" in one]
    valid = [one["event"]["valid_loss"] for one in said if "event" in one]
    assert losses == pytest.approx([event.loss for event in alone.events], rel=1e-3)
    expected = [event.valid_loss for event in alone.events]
    for found, true in zip(valid, expected, strict=True):
        assert found == (None if true is None else pytest.approx(true, rel=1e-3))
    (adapter,) = adapters.adapters(request.adapters_root, "work")
    assert said[-1]["adapter"]["id"] == adapter.id
