"""Training on a real base: it learns, it repeats, and what it writes is whole or not there."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from training_examples import Trained, a_request, lessons_of, plain_loss, train_here

from mlx_agent import adapters, bases, codec, pocket
from mlx_agent.agent import Agent
from mlx_agent.engine import load, mx, nn
from mlx_agent.errors import BaseDamaged, BaseNotFound, TooFewLessons, TrainingDiverged
from mlx_agent.records import RenderSettings
from mlx_agent.teach.dataset import Splits
from mlx_agent.train.course import Course
from mlx_agent.train.records import TrainEvent
from mlx_agent.train.run import UNFINISHED, train

from mlx.utils import tree_flatten  # isort: skip  # after the engine
from mlx_lm import utils as mlx_lm_utils  # isort: skip
from mlx_lm.models import gpt2  # isort: skip

pytestmark = pytest.mark.mlx
ROOT = Path(__file__).parent.parent
LINEAR_LAYERS = 7
BLOCKS = 4
DIED = """
import os, signal, sys
from pathlib import Path
from mlx_agent import codec
from mlx_agent.train.records import TrainRequest
from mlx_agent.train.run import train

request = codec.loads(TrainRequest, sys.stdin.read())
train(request, lambda event: os.kill(os.getpid(), signal.SIGKILL))
"""


def weights(path: Path) -> dict[str, mx.array]:
    found: dict[str, mx.array] = mx.load(str(path / "adapters.safetensors"))
    return found


def valid_loss(trained: Trained, base: str | Path = "pocket") -> float:
    """The loss on the validation split, measured anew with the adapter as it lies on disk."""
    return plain_loss(trained.request.dataset / "valid.jsonl", base, trained.path)


# --- what it learns --------------------------------------------------------------------------


def test_the_loss_falls(trained: Trained) -> None:
    """On the lessons trained on, and on the ones held out."""
    losses = [event.loss for event in trained.events]
    before = plain_loss(trained.request.dataset / "valid.jsonl", "pocket", None)
    assert losses[-1] < losses[0] * 0.6
    assert trained.adapter.metrics["valid_loss"] < before / 2


def test_the_agent_answers_otherwise_than_the_base(trained: Trained) -> None:
    """More of the persona's own rules on mails it was not trained on."""
    xs = [lesson.x for lesson in trained.splits.test]
    right = {}
    for adapter in (None, trained.path):
        answers = Agent(pocket.path(), adapter).rules(xs, trained.adapter.render)
        pairs = zip(answers, trained.splits.test, strict=True)
        right[adapter] = sum(len({*answer.rules} & {*true.rules}) for answer, true in pairs)
    assert right[trained.path] > right[None]


def test_the_adapter_loads_through_mlx_lm(trained: Trained) -> None:
    """By its own loader: two matrices for each linear layer of each block, and scale 1."""
    model, _ = mlx_lm_utils.load(str(pocket.path()), adapter_path=str(trained.path))[:2]
    layer = model.layers[0].self_attn.q_proj
    assert layer.scale == 1.0
    assert layer.lora_a.shape == (128, 16)
    assert mx.abs(layer.lora_b).max().item() > 0
    assert len(weights(trained.path)) == 2 * LINEAR_LAYERS * BLOCKS


# --- what it says and writes -----------------------------------------------------------------


def test_every_step_is_told(trained: Trained) -> None:
    """18 lessons make two steps an epoch; the last one of an epoch tells the validation loss."""
    told = [(event.step, event.steps, event.epoch) for event in trained.events]
    assert told == [(step, 6, (step - 1) // 2 + 1) for step in range(1, 7)]
    measured = [event.step for event in trained.events if event.valid_loss is not None]
    assert measured == [2, 4, 6]


def test_what_was_decided_is_told_first(trained: Trained) -> None:
    """How large the batches are, and what memory that takes."""
    assert trained.events[0].note.startswith("4 blocks, batches of 3072 tokens, about 0.")
    assert not any(event.note for event in trained.events[1:])


def test_events_hold_sane_figures(trained: Trained) -> None:
    """The time left comes to nothing with the last step."""
    for event in trained.events:
        assert math.isfinite(event.loss)
        assert event.tokens_per_second > 0
        assert event.peak_memory_mb > 1
        assert (event.seconds_left == 0) == (event.step == event.steps)


def test_the_adapter_says_what_it_is(trained: Trained) -> None:
    """Where it came from, how x is rendered for it, and how well it did; and it is intact."""
    adapter, request = trained.adapter, trained.request
    assert adapters.verify(request.adapters_root, adapter.id) == adapter
    assert adapter.id.startswith("work-")
    assert (adapter.account, adapter.base, adapter.lessons) == ("work", "pocket", 18)
    assert adapter.base_hash == bases.base_hash(pocket.path())
    assert adapter.dataset_hash == request.dataset_hash
    assert adapter.render == RenderSettings(context_words=25)
    assert adapter.parent == "work-before"
    assert adapter.metrics["valid_loss"] == min(e.valid_loss or 9 for e in trained.events)
    assert adapter.metrics["train_loss"] == trained.events[-1].loss


def test_a_trained_adapter_is_not_yet_used(trained: Trained) -> None:
    """The gate promotes, not the training."""
    assert adapters.current(trained.request.adapters_root, "work") is None


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    """To the last bit, and another seed gives others."""
    one, same, other = (
        train_here(a_request(tmp_path / name, 8, settings={"seed": seed}))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    files = [(each.path / "adapters.safetensors").read_bytes() for each in (one, same, other)]
    assert files[0] == files[1] != files[2]
    assert one.adapter.settings_hash == same.adapter.settings_hash != other.adapter.settings_hash


def test_the_best_epoch_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four the second, as is told; its weights are what is written."""
    told, true = iter((0.5, 0.1, 0.3, 0.2)), []
    measured = Course.valid_loss

    def other(course: Course) -> float:
        true.append(measured(course))
        return next(told)

    monkeypatch.setattr(Course, "valid_loss", other)
    trained = train_here(a_request(tmp_path, 12, settings={"epochs": 4}))
    assert trained.adapter.metrics["valid_loss"] == 0.1
    assert valid_loss(trained) == pytest.approx(true[1], rel=1e-5)
    assert len({round(loss, 6) for loss in true}) == 4


def test_too_long_lessons_train(tmp_path: Path) -> None:
    """They are cut to the limit."""
    trained = train_here(a_request(tmp_path, 8, settings={"max_tokens": 96}))
    assert math.isfinite(trained.adapter.metrics["valid_loss"])


# --- 4 bits ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def four_bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pocket base quantised to 4 bits, as mlx-lm's converter writes it."""
    directory = tmp_path_factory.mktemp("quantised") / "pocket-4bit"
    model, tokenizer, config = mlx_lm_utils.load(str(pocket.path()), return_config=True)
    model, config = mlx_lm_utils.quantize_model(model, config, group_size=32, bits=4)
    mlx_lm_utils.save(directory, str(pocket.path()), model, tokenizer, config)
    (directory / "trimtab.json").write_text('{"context_words": 25}', "utf-8")
    return directory


def test_a_four_bit_base_trains_through_the_same_code(tmp_path: Path, four_bits: Path) -> None:
    """QLoRA: the base stays quantised and as it was, and the adapter is in full precision."""
    before = bases.base_hash(four_bits)
    trained = train_here(a_request(tmp_path, 5, base=str(four_bits)))
    model, _ = load(four_bits, trained.path)
    layer = model.layers[0].self_attn.q_proj
    assert isinstance(layer.linear, nn.QuantizedLinear)
    assert layer.linear.bits == 4
    assert {value.dtype for value in weights(trained.path).values()} == {mx.float32}
    assert mx.abs(layer.lora_b).max().item() > 0
    assert trained.adapter.base_hash == before == bases.base_hash(four_bits)
    measured = trained.adapter.metrics["valid_loss"]
    assert valid_loss(trained, four_bits) == pytest.approx(measured, rel=1e-4)


# --- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["train", "valid"])
def test_an_empty_split_is_too_few_lessons(tmp_path: Path, empty: str) -> None:
    """Before any step; one lesson more than there are is the least that helps."""
    some = tuple(lessons_of(2))
    splits = {"train": some, "valid": some, "test": (), empty: ()}
    with pytest.raises(TooFewLessons) as raised:
        train(a_request(tmp_path, 2, splits=Splits(**splits)), pytest.fail)
    assert (raised.value.account, raised.value.have, raised.value.need) == ("work", 2, 3)
    assert adapters.adapters(tmp_path / "adapters", "work") == []


def test_a_diverged_training_writes_nothing(tmp_path: Path) -> None:
    """It goes back twice, with half the rate each time; then it ends, and leaves no state."""
    events: list[TrainEvent] = []
    request = a_request(tmp_path, 8, settings={"learning_rate": 1e30, "epochs": 2})
    with pytest.raises(TrainingDiverged) as raised:
        train(request, events.append)
    assert raised.value.account == "work"
    assert adapters.adapters(tmp_path / "adapters", "work") == []
    assert not list((tmp_path / "adapters" / UNFINISHED).glob("*/state*"))


def test_a_base_that_is_nowhere_trains_nothing(tmp_path: Path) -> None:
    """Nor does a broken one."""
    with pytest.raises(BaseNotFound):
        train(a_request(tmp_path, 4, base="nowhere"), pytest.fail)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{}", "utf-8")
    with pytest.raises(BaseDamaged):
        train(a_request(tmp_path, 4, base=str(tmp_path / "broken")), pytest.fail)


def test_a_base_of_other_layers_trains_nothing(tmp_path: Path) -> None:
    """Here a GPT-2, whose linear layers have other names: an adapter would change nothing."""
    base = tmp_path / "gpt2"
    sizes = {"n_ctx": 512, "n_positions": 512, "n_embd": 32, "n_head": 2, "n_layer": 2}
    config = {**sizes, "model_type": "gpt2", "vocab_size": 1024, "layer_norm_epsilon": 1e-5}
    shutil.copytree(pocket.path(), base)
    (base / "config.json").write_text(json.dumps(config), "utf-8")
    parameters = gpt2.Model(gpt2.ModelArgs.from_dict(config)).parameters()
    mx.save_safetensors(str(base / "model.safetensors"), dict(tree_flatten(parameters)))
    with pytest.raises(BaseDamaged) as raised:
        train(a_request(tmp_path, 4, base=str(base)), pytest.fail)
    assert raised.value.reason == "it has none of the layers that an adapter changes"


def test_an_event_that_raises_ends_the_training(tmp_path: Path) -> None:
    """That is how it is cancelled; no adapter is written."""

    def cancel(event: TrainEvent) -> None:
        raise InterruptedError(event.step)

    with pytest.raises(InterruptedError):
        train(a_request(tmp_path, 4), cancel)
    assert adapters.adapters(tmp_path / "adapters", "work") == []


def test_a_killed_training_leaves_no_adapter(tmp_path: Path) -> None:
    """SIGKILL in its middle."""
    request = a_request(tmp_path, 8, settings={"epochs": 2})
    died = subprocess.run(
        [sys.executable, "-c", DIED],
        input=codec.dumps(request),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL
    assert adapters.adapters(tmp_path / "adapters", "work") == []
    assert adapters.adapters(tmp_path / "adapters", "work") == []


def test_training_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The trainer draws on standard output, which may be somebody's protocol."""
    train_here(a_request(tmp_path, 4))
    assert capfd.readouterr().out == ""
