"""The plan of a training within a machine's memory, and how true its estimate is."""

import gc
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_examples import a_request, train_here

from mlx_agent import pocket
from mlx_agent.engine import mx
from mlx_agent.errors import MemoryShort
from mlx_agent.train import memory
from mlx_agent.train.memory import SPARE, Plan, Shape, estimate, plan, shape_of
from mlx_agent.train.run import train

pytestmark = pytest.mark.mlx
GIB = 2**30
LLAMA_3_8B = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "quantization": {"bits": 4, "group_size": 64},
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
LARGE = shape_of(LLAMA_3_8B)
SMALL = shape_of(json.loads((pocket.path() / "config.json").read_text("utf-8")))


def planned(memory: float, trained: int = 32, **changes: Any) -> Plan:
    """For Llama-3-8B in 4 bits, at the usual settings."""
    usual: dict[str, Any] = {"rank": 16, "batch_tokens": 3072, "longest": 1024}
    return plan(LARGE, memory=memory, trained=trained, **(usual | changes))


# --- shapes ----------------------------------------------------------------------------------


def test_a_config_gives_the_weights_of_its_base() -> None:
    """Llama-3-8B has 8.0 billion, in 4.5 bits each with their scales: 4.5 GB."""
    count = LARGE.layers * LARGE.block + LARGE.embedding
    assert count == pytest.approx(8.03e9, rel=0.002)
    assert count * LARGE.bits / 8 == pytest.approx(4.5e9, rel=0.01)
    assert (LARGE.key_values, LARGE.width, LARGE.tied) == (1024, 2, False)


def test_the_pocket_bases_weights_are_counted() -> None:
    """As many as its file holds, but for the norms."""
    arrays = mx.load(str(pocket.path() / "model.safetensors"))
    held = sum(one.size for one in arrays.values() if one.ndim == 2)
    assert SMALL.layers * SMALL.block + SMALL.embedding == held
    assert (SMALL.bits, SMALL.width) == (32, 4)


# --- plans -----------------------------------------------------------------------------------


@pytest.mark.parametrize("trained", [32, 16])
def test_llama_3_8b_trains_on_16_gib(trained: int) -> None:
    """Within 9 GB, with adapters on all blocks or on half of them; the rest is the user's."""
    chosen = planned(16 * GIB, trained)
    assert chosen.fits
    assert chosen.needs <= 9e9
    assert chosen.layers == trained
    assert chosen.batch_tokens >= 1024


def test_on_8_gib_fewer_blocks_are_trained_or_none() -> None:
    """What needs least is named, and whether it fits."""
    chosen = planned(8 * GIB)
    assert not chosen.fits or chosen.layers < 32
    assert chosen.fits == (chosen.needs <= 8 * GIB * memory.SHARE)
    assert chosen.checkpointing


def test_half_the_blocks_need_less() -> None:
    """And a checkpointed step less than one that is not."""
    sizes: dict[str, Any] = {"rank": 16, "batch_tokens": 2048, "longest": 1024}
    needs = {
        (trained, again): estimate(LARGE, trained=trained, checkpointing=again, **sizes)
        for trained in (32, 16)
        for again in (False, True)
    }
    assert needs[16, False] < needs[32, False]
    assert needs[16, True] < needs[32, True] < needs[32, False]


@pytest.mark.parametrize("asked", [True, False])
def test_checkpointing_that_is_asked_for_is_not_decided(asked: bool) -> None:
    """On stays on where there is room, off stays off where there is none."""
    for machine in (4 * GIB, 512 * GIB):
        assert planned(machine, checkpointing=asked).checkpointing is asked


def test_with_room_all_is_as_wished() -> None:
    """And told in words."""
    chosen = planned(512 * GIB)
    assert (chosen.layers, chosen.batch_tokens, chosen.checkpointing) == (32, 3072, False)
    assert chosen.told().startswith("32 blocks, batches of 3072 tokens, about ")
    assert ", blocks computed twice, about " in planned(512 * GIB, checkpointing=True).told()


@given(
    st.integers(2, 128),
    st.integers(1, 64),
    st.integers(1, 32),
    st.sampled_from([300, 1024, 2048]),
    st.sampled_from([LARGE, SMALL]),
)
def test_more_memory_never_gives_less(
    gigabytes: int, more: int, trained: int, longest: int, shape: Shape
) -> None:
    """Not smaller batches, unless more blocks or no second computing; the longest lesson fits."""
    wished: dict[str, Any] = {"rank": 16, "batch_tokens": 3072, "longest": longest}
    trained = min(trained, shape.layers)
    less, than = (
        plan(shape, memory=size * GIB, trained=trained, **wished)
        for size in (gigabytes, gigabytes + more)
    )
    assert than.fits or not less.fits
    if less.fits:
        assert _rank(than) >= _rank(less)
        assert than.batch_tokens >= longest
    if (less.layers, less.checkpointing) == (than.layers, than.checkpointing):
        assert than.batch_tokens >= less.batch_tokens


def _rank(one: Plan) -> tuple[int, bool, int]:
    return (one.layers, not one.checkpointing, one.batch_tokens)


# --- real trainings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "again"), [(0, "off"), (2, "off"), (0, "on")], ids=["all", "half", "twice"]
)
def test_the_estimate_against_a_real_training(tmp_path: Path, layers: int, again: str) -> None:
    """Within a factor of 2 of what MLX measured, without the runtime's share."""
    gc.collect()
    mx.clear_cache()
    before = mx.get_active_memory()
    settings = {"layers": layers, "checkpointing": again}
    trained = train_here(a_request(tmp_path, 32, settings=settings))
    measured = trained.adapter.metrics["peak_memory_mb"] * 1e6 - before
    chosen = trained.adapter.settings
    found = estimate(
        SMALL,
        trained=layers or SMALL.layers,
        rank=16,
        batch_tokens=chosen["batch_tokens"],
        longest=_longest(trained.request.dataset),
        checkpointing=again == "on",
    )
    assert 0.7 * measured < found - SPARE < 2 * measured


def _longest(dataset: Path) -> int:
    from mlx_agent.engine import load
    from mlx_agent.train.batches import read_items

    tokenizer = load(pocket.path(), lazy=True)[1]
    items = [read_items(dataset / f"{name}.jsonl", tokenizer, 1024) for name in ("train", "valid")]
    return max(len(tokens) for some in items for tokens, _ in some)


def test_what_fits_no_plan_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of 100 MB; nothing is written."""
    real = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: real._replace(total=100_000_000))
    request = a_request(tmp_path, 8)
    with pytest.raises(MemoryShort) as raised:
        train(request, pytest.fail)
    assert (raised.value.account, raised.value.base) == ("work", "pocket")
    assert not request.adapters_root.exists()


def test_a_smaller_machine_trains_in_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided is told first, and the training is done."""
    real = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: real._replace(total=800_000_000))
    trained = train_here(replace(a_request(tmp_path, 16)))
    assert "batches of 3072 tokens, about" not in trained.events[0].note
    assert len(trained.events) >= 1
