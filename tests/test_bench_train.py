"""The benchmark of training: it counts right, and its checks can fail."""

import pytest

from benchmarks import operations
from benchmarks.beside import BASE, Run
from benchmarks.kills import verdict
from benchmarks.train import BLOCKS, SHAPE, compared

LLAMA_3_8B = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


def per_block(config: dict[str, int]) -> float:
    """Weights of a block, by a product of none of our own."""
    return operations.cost(config, rank=0, length=0).there / 2


def test_a_block_of_llama_3_8b_has_218_million_weights() -> None:
    """Two operations for each there, and two back; its head has 525 million more."""
    one = operations.cost(LLAMA_3_8B, rank=0, length=0)
    assert one.there == one.back == one.frozen == pytest.approx(2 * 218.1e6, rel=0.001)
    assert one.head == pytest.approx(4 * 525.3e6, rel=0.001)


def test_the_base_has_llama_3_8bs_proportions() -> None:
    """Of the head to all blocks, and of each matrix to the others."""
    for config in (LLAMA_3_8B, SHAPE):
        blocks = config["num_hidden_layers"] * per_block(config)
        head = config["hidden_size"] * config["vocab_size"]
        assert head / blocks == pytest.approx(0.0752, rel=0.01)
        assert config["intermediate_size"] / config["hidden_size"] == 3.5
        assert config["num_attention_heads"] / config["num_key_value_heads"] == 4
    assert BASE["tie_word_embeddings"] is False


def test_what_is_left_out_is_not_counted() -> None:
    """A row of two tokens, the head at one of them, half of two blocks trained."""
    config = LLAMA_3_8B | {"num_hidden_layers": 2}
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
