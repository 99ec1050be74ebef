"""The state of a training on disk: whole or the one before, for the user alone, one at a time."""

import os
import stat
from pathlib import Path

import pytest
from small_disks import fill, small_disk

from mlx_agent.engine import mx
from mlx_agent.errors import DiskFull, WorkerBusy
from mlx_agent.train import checkpoints
from mlx_agent.train.checkpoints import FILE, Figures, State

pytestmark = pytest.mark.mlx


def a_state(step: int, size: int = 8) -> State:
    """One whose arrays tell the step."""
    array = mx.full((size,), float(step))
    return State(
        figures=Figures(step=step, first_loss=1.5, batch_tokens=512),
        weights={"model.layers.1.lora_a": array},
        best={"model.layers.1.lora_a": array + 1},
        optimizer={"step": mx.array(step), "model": {"layers": [{}, {"lora_a": {"m": array}}]}},
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Figures, weights, the best ones and the optimizer's tree."""
    checkpoints.save(tmp_path / "one", a_state(3))
    checkpoints.save(tmp_path / "one", a_state(4))
    found = checkpoints.load(tmp_path / "one")
    assert found is not None
    assert found.figures == a_state(4).figures
    assert found.weights["model.layers.1.lora_a"].tolist() == [4.0] * 8
    assert found.best["model.layers.1.lora_a"].tolist() == [5.0] * 8
    assert found.optimizer["step"].item() == 4
    assert found.optimizer["model"]["layers"][1]["lora_a"]["m"].tolist() == [4.0] * 8


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    """Weights tell of mail."""
    old = os.umask(0)
    try:
        checkpoints.save(tmp_path / "root" / "one", a_state(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "root" / "one").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "root" / "one" / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [b"", b"no state" * 99, None])
def test_a_broken_state_is_none(tmp_path: Path, left: bytes | None) -> None:
    """A training begins anew then; nor is there one in an empty directory."""
    assert checkpoints.load(tmp_path / "one") is None
    checkpoints.save(tmp_path / "one", a_state(1))
    path = tmp_path / "one" / FILE
    path.write_bytes(path.read_bytes()[:-9] if left is None else left)
    assert checkpoints.load(tmp_path / "one") is None


def test_a_full_disk_leaves_the_earlier_state(tmp_path: Path) -> None:
    """It raises DiskFull, and no half of the new one stays."""
    with small_disk(tmp_path / "disk", 1) as disk:
        checkpoints.save(disk / "one", a_state(1))
        fill(disk / "other")
        with pytest.raises(DiskFull):
            checkpoints.save(disk / "one", a_state(2, size=10_000))
        found = checkpoints.load(disk / "one")
        assert found is not None
        assert found.figures.step == 1
        assert [path.name for path in (disk / "one").iterdir()] == [FILE]


def test_a_full_disk_from_the_start(tmp_path: Path) -> None:
    """DiskFull too where not even the directory can be made."""
    with small_disk(tmp_path / "disk", 1) as disk:
        fill(disk / "other")
        with pytest.raises(DiskFull):
            checkpoints.save(disk / "one", a_state(1, size=10_000))
        assert checkpoints.load(disk / "one") is None


def test_the_newest_unfinished_trainings_stay(tmp_path: Path) -> None:
    """Three with the one to be kept; another account's are not touched."""
    for age, name in enumerate(["work.a", "work.b", "work.c", "work.d", "home.a"]):
        checkpoints.save(tmp_path / name, a_state(1))
        os.utime(tmp_path / name, (age, age))
    checkpoints.prune(tmp_path, "work", keep=tmp_path / "work.a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "home.a",
        "work.a",
        "work.c",
        "work.d",
    ]


def test_one_training_at_a_time(tmp_path: Path) -> None:
    """For each account; when it has ended the next may begin."""
    with checkpoints.alone(tmp_path / "root", "work"):
        with checkpoints.alone(tmp_path / "root", "home"):
            pass
        with pytest.raises(WorkerBusy), checkpoints.alone(tmp_path / "root", "work"):
            pass
    with checkpoints.alone(tmp_path / "root", "work"):
        pass
