"""What the frozen blocks make of lessons: kept, found again, computed anew where it is broken."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_disks import fill, small_disk
from training_examples import a_request, train_here

from mlx_agent.engine import mx
from mlx_agent.train import activations, run
from mlx_agent.train.activations import Activations, home
from mlx_agent.train.batches import Item, batch_of
from mlx_agent.train.records import TrainRequest

pytestmark = pytest.mark.mlx
HALF = {"epochs": 2, "layers": 2}
WIDTH = 16
ITEMS: list[Item] = [([number + 1] * length, 1) for number, length in enumerate((3, 5, 7))]


def below(tokens: mx.array) -> mx.array:
    """Hidden states that tell the tokens: each as often as the width."""
    return mx.repeat(tokens[..., None].astype(mx.float32), WIDTH, axis=-1)


def some(root: Path, most_bytes: int = 10**9) -> Activations:
    return Activations(home(root / "kept", "0" * 64, 2), below, most_bytes)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Activations]:
    """Those of each training of a test."""
    found: list[Activations] = []

    def remember(*given: object) -> Activations:
        found.append(Activations(*given))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(run, "Activations", remember)
    return found


# --- one lesson ------------------------------------------------------------------------------


def test_they_are_padded_with_zeros(tmp_path: Path) -> None:
    """Computed or kept, each lesson's own and nothing after it."""
    batch = batch_of(ITEMS)
    for _ in range(2):
        hidden = some(tmp_path).of(batch)
        assert hidden.shape == (3, batch.length, WIDTH)
        for row, (tokens, _) in zip(hidden[..., 0].tolist(), ITEMS, strict=True):
            assert row == [*tokens, *[0] * (batch.length - len(tokens))]


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    """Whichever lessons it comes with."""
    first, later = some(tmp_path), some(tmp_path)
    first.of(batch_of(ITEMS))
    later.of(batch_of(ITEMS[::-1]))
    later.of(batch_of(ITEMS[1:2]))
    assert (first.computed, later.computed) == (3, 0)


def test_only_the_user_can_read_them(tmp_path: Path) -> None:
    """They follow from mail: 0700 the directories, 0600 the files, whatever the umask."""
    old = os.umask(0)
    try:
        some(tmp_path).of(batch_of(ITEMS))
    finally:
        os.umask(old)
    paths = list(tmp_path.rglob("*"))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)} == {0o600}
    assert len(files(tmp_path)) == 3


@pytest.mark.parametrize("fault", ["empty", "cut short", "header alone", "other", "shorter"])
def test_a_broken_file_is_computed_again(tmp_path: Path, fault: str) -> None:
    """And is whole afterwards."""
    batch = batch_of(ITEMS)
    expected = some(tmp_path).of(batch)
    path = files(tmp_path)[1]
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut short": whole[:-7],
            "header alone": whole[:80],
            "other": b"no array" * 99,
            "shorter": whole,
        }[fault]
    )
    if fault == "shorter":
        mx.save_safetensors(str(path), {"hidden": mx.zeros((2, WIDTH))})
    again = some(tmp_path)
    assert mx.array_equal(again.of(batch), expected)
    assert again.computed == 3
    assert path.read_bytes() == whole
    assert len(files(tmp_path)) == 3


# --- how much is kept ------------------------------------------------------------------------


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """Of all bases' together; to be read counts as use."""
    other = Activations(home(tmp_path / "kept", "1" * 64, 2), below, 10**9)
    other.of(batch_of(ITEMS[:1]))
    (oldest,) = files(tmp_path)
    one = some(tmp_path)
    for item in ITEMS:
        one.of(batch_of([item]))
    mine = [path for path in files(tmp_path) if path != oldest]
    for age, path in enumerate([oldest, *mine]):
        os.utime(path, (age + 1, age + 1))
    one.of(batch_of(ITEMS[:1]))
    (used,) = [path for path in mine if path.stat().st_mtime > 9]
    left = {
        used,
        max((path for path in mine if path != used), key=lambda path: path.stat().st_mtime),
    }
    some(tmp_path, sum(path.stat().st_size for path in left)).prune()
    assert set(files(tmp_path)) == left


def test_the_bound_is_kept_while_they_are_made(tmp_path: Path) -> None:
    """But for an eighth of it, in between."""
    items: list[Item] = [([number] * 60, 1) for number in range(40)]
    bound = 60_000
    one = some(tmp_path, bound)
    for item in items:
        one.of(batch_of([item]))
        assert sum(path.stat().st_size for path in files(tmp_path)) <= bound * 1.25
    one.prune()
    assert 0 < sum(path.stat().st_size for path in files(tmp_path)) <= bound


def test_what_a_kill_left_half_written_goes(tmp_path: Path) -> None:
    """Its name begins with a dot, and it is never read."""
    one = some(tmp_path)
    one.of(batch_of(ITEMS))
    whole = files(tmp_path)
    (whole[0].parent / ".x.17.safetensors").write_bytes(b"half")
    one.prune()
    assert files(tmp_path) == whole


# --- no room ---------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A full one, of which nothing is to be left for others."""
    monkeypatch.setattr(activations, "RESERVE", -(10**12))
    with small_disk(tmp_path / "disk", 1) as found:
        fill(found / "other")
        yield found


def test_a_full_disk_keeps_nothing(disk: Path) -> None:
    """They are computed each time; no half of a file is left, and with room they are kept."""
    batch, one = batch_of([([7] * 900, 1)]), some(disk)
    for times in (1, 2):
        assert one.of(batch)[0, 899, 0].item() == 7
        assert one.computed == times
    assert [path for path in files(disk) if path.stat().st_size] == [disk / "other"]
    (disk / "other").unlink()
    one.of(batch)
    one.of(batch)
    assert one.computed == 3


def test_a_training_goes_on_with_a_full_disk(
    disk: Path, tmp_path: Path, made: list[Activations]
) -> None:
    """To the weights that it would have come to."""
    usual = train_here(a_request(tmp_path / "usual", 10, settings=HALF))
    request = a_request(tmp_path / "full", 10, settings=HALF)
    request.adapters_root.mkdir(parents=True)
    (request.adapters_root / run.ACTIVATIONS).symlink_to(disk)
    full = train_here(request)
    assert made[1].computed > made[0].computed
    assert weights(full.path) == weights(usual.path)


def test_room_is_left_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the reserve nothing is kept."""
    monkeypatch.setattr(activations, "RESERVE", 10**18)
    some(tmp_path).of(batch_of(ITEMS))
    assert files(tmp_path) == []


# --- trainings -------------------------------------------------------------------------------


def weights(path: Path) -> bytes:
    return (path / "adapters.safetensors").read_bytes()


def test_kept_ones_give_the_same_weights(tmp_path: Path, made: list[Activations]) -> None:
    """To the bit: computed in every epoch, in the first alone, and in an earlier night."""
    first = a_request(tmp_path / "first", 10, settings=HALF)
    never = replace(a_request(tmp_path / "never", 10, settings=HALF), keep_bytes=0)
    paths = [train_here(request).path for request in (first, first, never)]
    assert len({weights(path) for path in paths}) == 1
    lessons = made[0].computed
    assert [one.computed for one in made[:2]] == [lessons, 0]
    assert made[2].computed >= lessons
    assert files(never.adapters_root / run.ACTIVATIONS) == []


def test_another_night_finds_them(tmp_path: Path, made: list[Activations]) -> None:
    """With other settings and another order; at another depth there are none."""
    request = a_request(tmp_path, 10, settings=HALF)

    def night(**changes: object) -> TrainRequest:
        return replace(request, settings=replace(request.settings, **changes))  # type: ignore[arg-type]

    train_here(request)
    train_here(night(seed=9, rank=4, learning_rate=1e-3, epochs=1, batch_tokens=1024))
    train_here(night(layers=3, epochs=1))
    assert made[0].computed == made[2].computed > made[1].computed == 0
