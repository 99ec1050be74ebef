"""A training that is killed, stopped or goes astray: what comes of it in the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_disks import fill, small_disk
from training_examples import Trained, a_request, lessons_of, loss_of, plain_loss, train_here

from mlx_agent import adapters, codec, pocket
from mlx_agent.engine import load, mx
from mlx_agent.errors import DiskFull, MemoryShort, TrainingPaused, WorkerBusy
from mlx_agent.teach.dataset import Splits
from mlx_agent.train import checkpoints, run
from mlx_agent.train.batches import read_items
from mlx_agent.train.course import Course
from mlx_agent.train.records import TrainEvent, TrainRequest
from mlx_agent.train.replay import chosen
from mlx_agent.train.run import UNFINISHED, train

from mlx.utils import tree_map  # isort: skip  # after the engine

pytestmark = pytest.mark.mlx
ROOT = Path(__file__).parent.parent
SETTINGS: dict[str, Any] = {"epochs": 2, "layers": 2, "batch_tokens": 768}
DIED = """
import os, signal, sys
from mlx_agent import codec
from mlx_agent.train import activations, checkpoints
from mlx_agent.train.records import TrainRequest
from mlx_agent.train.run import train

where, after = sys.argv[1], int(sys.argv[2])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dies_in(module):
    write, calls = module.save_arrays, []
    def half(path, *arrays):
        calls.append(path)
        write(path, *arrays)
        if len(calls) == after:
            with open(path, "r+b") as file:
                file.truncate(path.stat().st_size // 2)
            die()
    module.save_arrays = half

def heard(event):
    if where == "event" and event.step == after:
        die()

if where == "state":
    dies_in(checkpoints)
if where == "activations":
    dies_in(activations)
train(codec.loads(TrainRequest, sys.stdin.read()), heard)
"""


def a_training(root: Path, **changes: Any) -> TrainRequest:
    """One of a few steps that writes its state down after each."""
    settings = SETTINGS | changes.pop("settings", {})
    return replace(a_request(root, 14, settings=settings), checkpoint_s=0.0, **changes)


def weights(trained: Trained) -> bytes:
    return (trained.path / "adapters.safetensors").read_bytes()


def states(request: TrainRequest) -> list[Path]:
    return list((request.adapters_root / UNFINISHED).glob(f"*/{checkpoints.FILE}"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The training that all others should come to."""
    return train_here(a_training(tmp_path_factory.mktemp("undisturbed")))


# --- the end of a process --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "after", "first"),
    [("event", 1, 1), ("event", 4, 4), ("state", 3, 3), ("activations", 2, 1)],
)
def test_a_killed_training_comes_to_the_same_weights(
    tmp_path: Path, undisturbed: Trained, where: str, after: int, first: int
) -> None:
    """To the bit: killed in a step, and with half a file written."""
    request = a_training(tmp_path)
    died = subprocess.run(
        [sys.executable, "-c", DIED, where, str(after)],
        input=codec.dumps(request),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL
    assert adapters.adapters(request.adapters_root, "work") == []
    again = train_here(request)
    assert again.events[0].step == first
    assert weights(again) == weights(undisturbed)
    assert again.adapter.metrics["valid_loss"] == undisturbed.adapter.metrics["valid_loss"]
    assert states(request) == []


def test_there_are_steps_enough_to_be_killed_in(undisturbed: Trained) -> None:
    """Two epochs of three at least."""
    assert undisturbed.events[-1].step == len(undisturbed.events) >= 6


def test_an_event_that_raises_leaves_a_state(tmp_path: Path, undisturbed: Trained) -> None:
    """However rarely it is written: the step that was told is not done again."""
    request = replace(a_training(tmp_path), checkpoint_s=1e9)

    def cancel(event: TrainEvent) -> None:
        if event.step == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(request, cancel)
    assert len(states(request)) == 1
    again = train_here(request)
    assert again.events[0].step == 4
    assert weights(again) == weights(undisturbed)


def test_the_deadline_pauses_it(tmp_path: Path, undisturbed: Trained) -> None:
    """One that has passed lets each call do one step; the last one ends it."""
    request = a_training(tmp_path, deadline=datetime.now(UTC) - timedelta(hours=1))
    steps = len(undisturbed.events)
    for step in range(1, steps):
        events: list[TrainEvent] = []
        with pytest.raises(TrainingPaused) as raised:
            train(request, events.append)
        assert (raised.value.step, raised.value.steps) == (step, steps)
        assert [event.step for event in events] == [step]
    assert weights(train_here(request)) == weights(undisturbed)


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    """A state is of one data set, one base and one set of settings."""
    request = a_training(tmp_path, deadline=datetime.now(UTC))
    with pytest.raises(TrainingPaused):
        train(request, lambda _: None)
    other = replace(request, deadline=None, settings=replace(request.settings, seed=9, epochs=1))
    assert train_here(other).events[0].step == 1
    assert len(states(request)) == 1


def test_two_at_once_for_one_account(tmp_path: Path, undisturbed: Trained) -> None:
    """The second one is turned away, and the first does not notice."""
    request, turned_away = a_training(tmp_path), []

    def another(event: TrainEvent) -> None:
        if event.step == 2:
            with pytest.raises(WorkerBusy):
                train(request, pytest.fail)
            turned_away.append(event.step)

    adapter = train(request, another)
    assert turned_away == [2]
    path = request.adapters_root / adapter.id / "adapters.safetensors"
    assert path.read_bytes() == weights(undisturbed)


# --- weights that are no numbers -------------------------------------------------------------


def test_weights_that_are_no_numbers_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An overflow in the backward pass leaves the loss finite: it goes back, at half the rate."""
    stepped, save = Course.stepped, checkpoints.save
    planted, kept = [], []

    def overflows(course: Course, loss: float) -> None:
        if course.figures.step == 3 and not planted:
            planted.append(course.figures.step)
            course.model.update(
                tree_map(lambda one: one * mx.nan, course.model.trainable_parameters())
            )
        stepped(course, loss)

    def looked_at(directory: Path, state: checkpoints.State) -> None:
        kept.append(all(mx.isfinite(one).all().item() for one in state.weights.values()))
        save(directory, state)

    monkeypatch.setattr(Course, "stepped", overflows)
    monkeypatch.setattr(checkpoints, "save", looked_at)
    trained = train_here(a_training(tmp_path))
    assert planted == [3]
    assert all(kept)
    notes = {event.step: event.note for event in trained.events[1:] if event.note}
    assert notes == {4: "the loss grew: half the rate"}
    measured = plain_loss(trained.request.dataset / "valid.jsonl", "pocket", trained.path)
    assert measured == pytest.approx(trained.adapter.metrics["valid_loss"], rel=1e-4)


# --- memory ----------------------------------------------------------------------------------


def short_of_memory(monkeypatch: pytest.MonkeyPatch, enough: Callable[[int], bool]) -> list[int]:
    """Fail each loss as MLX does on Metal, but for batches of so many tokens; their sizes."""
    usual, asked = Course._loss, []

    def loss(course: Course, *given: Any) -> Any:
        asked.append(course.figures.batch_tokens)
        if not enough(asked[-1]):
            raise RuntimeError("[metal::malloc] Unable to allocate 123456789 bytes.")
        return usual(course, *given)

    monkeypatch.setattr(Course, "_loss", loss)
    return asked


def test_short_memory_makes_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training begins anew with half of them, says so, and ends well."""
    asked = short_of_memory(monkeypatch, lambda tokens: tokens < 768)
    trained = train_here(a_training(tmp_path))
    assert asked[0] == 768 > max(asked[1:])
    assert trained.events[0].step == 1
    assert trained.events[0].note == f"memory was short: batches of {asked[1]} tokens"
    assert trained.adapter.metrics["valid_loss"] > 0


def test_memory_that_stays_short_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When neither smaller batches nor computing twice helps; no adapter, no state."""
    asked = short_of_memory(monkeypatch, lambda _: False)
    request = a_training(tmp_path)
    with pytest.raises(MemoryShort) as raised:
        train(request, pytest.fail)
    assert (raised.value.account, raised.value.base) == ("work", "pocket")
    assert len(asked) >= 3
    assert states(request) == []
    assert adapters.adapters(request.adapters_root, "work") == []


def test_another_error_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug ends the training at once."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Course, "_loss", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(a_training(tmp_path), pytest.fail)


# --- the disk --------------------------------------------------------------------------------


def test_a_full_disk_ends_it_and_with_room_it_goes_on(tmp_path: Path, undisturbed: Trained) -> None:
    """The state before it stays whole; no adapter is there until the end."""
    with small_disk(tmp_path / "disk", 16) as disk:
        request = a_training(tmp_path, adapters_root=disk / "adapters")

        def fills(event: TrainEvent) -> None:
            if event.step == 3:
                fill(disk / "other")

        with pytest.raises(DiskFull):
            train(request, fills)
        assert adapters.adapters(request.adapters_root, "work") == []
        (disk / "other").unlink()
        again = train_here(request)
        assert again.events[0].step == 3
        assert weights(again) == weights(undisturbed)


# --- from the adapter before it --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """A parent, and a request with more lessons that starts from it."""

    parent: Trained
    request: TrainRequest


OLD, NEW = 12, 3


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A night with twelve lessons, and one with three more."""
    root = tmp_path_factory.mktemp("nights")
    lessons = tuple(lessons_of(OLD + NEW + 2))
    valid = lessons[-2:]
    splits = [Splits(train=lessons[:count], valid=valid, test=()) for count in (OLD, OLD + NEW)]
    parent = train_here(a_request(root, 0, splits=splits[0], settings={"epochs": 3, "layers": 2}))
    settings = {"layers": 2, "start": "adapter", "replay": 1, "batch_tokens": 10**5}
    request = a_request(root, 0, splits=splits[1], settings=settings, parent=parent.adapter.id)
    return Nights(parent=parent, request=request)


def items_of(request: TrainRequest) -> list[Any]:
    return read_items(request.dataset / "train.jsonl", load(pocket.path(), lazy=True)[1], 1024)


def test_what_is_new_is_learned_from_with_some_of_the_old(nights: Nights) -> None:
    """One older lesson for each new one, all different, and the same ones each time."""
    items = items_of(nights.request)
    found = chosen(nights.request, items)
    assert found == chosen(nights.request, items)
    assert found[:NEW] == items[OLD:]
    assert len(found) == 2 * NEW
    assert all(item in items[:OLD] for item in found[NEW:])


def test_it_begins_where_the_parent_ended(nights: Nights, tmp_path: Path) -> None:
    """The first loss is the parent's on what is chosen."""
    trained = train_here(nights.request)
    assert len(trained.events) == 1
    some = chosen(nights.request, items_of(nights.request))
    parents = loss_of(load(pocket.path(), nights.parent.path)[0], some)
    assert trained.events[0].loss == pytest.approx(parents, rel=1e-3)
    assert parents < 0.9 * loss_of(load(pocket.path())[0], some)
    assert trained.adapter.parent == nights.parent.adapter.id


@pytest.mark.parametrize("other", [{"rank": 8}, {"layers": 3}])
def test_a_parent_that_does_not_fit_is_not_used(nights: Nights, other: dict[str, Any]) -> None:
    """Of another rank or other blocks: all lessons are learned from, and from the base."""
    settings = replace(nights.request.settings, **other)
    trained = train_here(replace(nights.request, settings=settings))
    bases_loss = loss_of(load(pocket.path())[0], items_of(nights.request))
    assert trained.events[0].loss == pytest.approx(bases_loss, rel=1e-3)


def test_a_parent_of_another_base_is_not_used(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights would mean nothing."""
    verify = adapters.verify
    monkeypatch.setattr(
        run.adapters, "verify", lambda *named: replace(verify(*named), base_hash="0" * 64)
    )
    trained = train_here(nights.request)
    bases_loss = loss_of(load(pocket.path())[0], items_of(nights.request))
    assert trained.events[0].loss == pytest.approx(bases_loss, rel=1e-3)


def test_without_a_parent_all_lessons_are_new(nights: Nights) -> None:
    """It starts from the base."""
    trained = train_here(replace(nights.request, parent=None))
    bases_loss = loss_of(load(pocket.path())[0], items_of(nights.request))
    assert trained.events[0].loss == pytest.approx(bases_loss, rel=1e-3)
