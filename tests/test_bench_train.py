"""The benchmarks of training: they count right, and their checks can fail."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from training_examples import lessons_of

from benchmarks import large, operations
from benchmarks.beside import Bench, Run, bench
from benchmarks.kills import verdict
from benchmarks.shapes import LLAMA_3_8B, SMALL, SMALL_4BIT, TINY, Config, make_base
from benchmarks.train import BLOCKS, compared
from mlx_agent.engine import load, mx
from mlx_agent.records import RenderSettings
from mlx_agent.teach.dataset import Splits, write_dataset


def per_block(config: Config) -> float:
    """Weights of a block, by a product of none of our own."""
    return operations.cost(config, rank=0, length=0).there / 2


def test_a_block_of_llama_3_8b_has_218_million_weights() -> None:
    """Two operations for each there, and two back; its head has 525 million more."""
    one = operations.cost(LLAMA_3_8B, rank=0, length=0)
    assert one.there == one.back == one.frozen == pytest.approx(2 * 218.1e6, rel=0.001)
    assert one.head == pytest.approx(4 * 525.3e6, rel=0.001)


def test_the_base_has_llama_3_8bs_proportions() -> None:
    """Of the head to all blocks, and of each matrix to the others."""
    for config in (LLAMA_3_8B, SMALL):
        blocks = config["num_hidden_layers"] * per_block(config)
        head = config["hidden_size"] * config["vocab_size"]
        assert head / blocks == pytest.approx(0.0752, rel=0.01)
        assert config["intermediate_size"] / config["hidden_size"] == 3.5
        assert config["num_attention_heads"] / config["num_key_value_heads"] == 4
    assert SMALL["tie_word_embeddings"] is False


def test_what_is_left_out_is_not_counted() -> None:
    """A row of two tokens, the head at one of them, half of two blocks trained."""
    config = {**LLAMA_3_8B, "num_hidden_layers": 2}
    one = operations.cost(config, rank=16, length=2)
    whole = operations.epoch(config, 16, 1, 1, [(1, 2, 2)])
    assert whole == pytest.approx(2 * (one.frozen + one.there + one.back + one.head))
    kept = operations.epoch(config, 16, 1, 0, [(1, 2, 1)])
    assert whole - kept == pytest.approx(2 * one.frozen + one.head)
    assert operations.epoch(config, 16, 1, 1, [(3, 2, 2)]) == pytest.approx(3 * whole)


def a_run(seconds: float) -> Run:
    return Run(seconds=seconds, peak_mb=1.0, tokens=300, shapes=[(1, 100, 10)], adapter="")


def test_a_ratio_below_its_bound_is_missed() -> None:
    """And one above it is met."""
    for seconds, met in ((1.0, True), (1.2, False)):
        result = compared("x", a_run(seconds), a_run(2.0), trained=BLOCKS, lower=0, bound=1.8)[0]
        assert result.met == met


@pytest.mark.parametrize(
    ("found", "died", "met"),
    [(b"same", 20, [True, True]), (b"other", 20, [True, False]), (b"same", 19, [False, True])],
)
def test_a_kill_that_did_not_come_or_other_weights_are_missed(
    found: bytes, died: int, met: list[bool]
) -> None:
    results = verdict(b"same", found, died=died, kills=20, steps=100)
    assert [result.met for result in results] == met


# --- in absolute figures ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `prepare` writes, of a persona's lessons."""
    lessons = lessons_of(9)
    splits = Splits(train=tuple(lessons[:4]), valid=tuple(lessons[4:8]), test=tuple(lessons[8:]))
    for name in ("warm", "found"):
        write_dataset(tmp_path / "folder" / name, "work", splits, RenderSettings())
    return tmp_path / "folder"


def a_bench(folder: Path, base: Path) -> Bench:
    return bench(folder.parent / "runs", base, large.prepared(folder / "found"))


def test_a_part_is_measured_after_warming_up_and_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, planned for 9 GB; of warming up no loss is measured."""
    monkeypatch.setenv("MLX_DISABLE_COMPILE", "1")  # which takes a CPU most of the time
    assert large.run(folder, "tiny", tmp_path / "found.json", ["short"], minutes=5)
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    warm, short = found["results"]
    assert "loss" not in warm
    assert 0 < short["loss"] < 9
    assert len(short["ends"]) == 3 * len(short["shapes"])
    assert short["tokens"] == 3 * sum(found["lengths"])
    assert short["plan"]["layers"] == 2


def test_a_part_that_fails_says_of_what(folder: Path, tmp_path: Path) -> None:
    """And has a line of its own in the table."""
    make_base(tmp_path / "base", TINY)
    found = a_bench(folder, tmp_path / "base")
    (tmp_path / "base" / "model.safetensors").unlink()
    result = large.measured(TINY, found, large.parts(2)[0])
    assert "BaseDamaged" in result["failed"]
    assert large.told(result).startswith("upper half, mlx-lm ")
    assert not large.kept(result)


def test_what_takes_more_than_was_planned_is_missed() -> None:
    """9 GB are 9 billion bytes."""
    for peak, met in ((9000.0, True), (9001.0, False)):
        assert large.kept({"peak_mb": peak, "planned_gb": 9.0}) == met
    assert large.kept({"peak_mb": 50_000.0})


def test_an_8b_base_is_planned_whole_within_9_gb(folder: Path, tmp_path: Path) -> None:
    """All blocks and batches as large as the peer's, computed twice; not where there is room."""
    make_base(tmp_path / "base", TINY)
    found = replace(a_bench(folder, tmp_path / "base"), lengths=(450,))
    ample, short = (
        large.plan(LLAMA_3_8B, found, large.Part(what="", name="", within=within))
        for within in (large.AMPLE_GB, large.SHORT_GB)
    )
    assert (ample.layers, ample.batch_tokens, ample.checkpointing) == (32, 1800, False)
    assert (short.layers, short.batch_tokens, short.checkpointing) == (32, 1800, True)
    assert short.fits


def test_a_4_bit_base_has_sane_logits(tmp_path: Path) -> None:
    """Its scales are in bfloat16, as those of models that are published in 4 bits."""
    make_base(tmp_path / "base", {**SMALL_4BIT, "hidden_size": 64, "intermediate_size": 128})
    model, _ = load(tmp_path / "base")
    assert model.lm_head.bits == 4
    assert model.layers[0].mlp.up_proj.scales.dtype == mx.bfloat16
    logits = model(mx.array([[1, 2, 3]])).astype(mx.float32)
    assert 0 < float(mx.abs(logits).max().item()) < 10
