"""Batches and the loss: every lesson counts, and of a lesson the answer's tokens alone."""

import json
import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent import bases
from mlx_agent.engine import load, mx
from mlx_agent.train.batches import (
    PAD_TO,
    Item,
    arrays,
    batch_iterator,
    loss,
    order,
    read_items,
    tokenise,
)

pytestmark = pytest.mark.mlx
MESSAGES = [
    {"role": "system", "content": "Write the rules."},
    {"role": "user", "content": "To: Ben. Points: the boat is ready, the mast is not."},
    {"role": "assistant", "content": "Length: about 20 words"},
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The pocket base's."""
    return load(bases.find("pocket"))[1]


def items_of(lengths: list[int]) -> list[Item]:
    """Items of these lengths that can be told apart."""
    return [([number] * length, 1) for number, length in enumerate(lengths)]


def table(tokens: mx.array) -> mx.array:
    """A model over four tokens whose logits depend on the last token alone."""
    rows = mx.array([[0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 0.0, 2.0], [0.0, 4.0, 1.0, 1.0], [1.0] * 4])
    return rows[tokens]


def nats(logits: list[float], target: int) -> float:
    """The cross-entropy of one target, by hand."""
    return math.log(sum(math.exp(logit) for logit in logits)) - logits[target]


# --- order -----------------------------------------------------------------------------------

lengths = st.lists(st.integers(2, 90), min_size=1, max_size=40)


@given(lengths, st.integers(1, 9), st.integers(0, 5))
def test_every_item_is_in_one_batch(found: list[int], size: int, seed: int) -> None:
    """A small set makes a small batch, and a remainder is not dropped."""
    items = items_of(found)
    batches = order(items, size, Random(seed))
    assert len(batches) == math.ceil(len(items) / size)
    assert sorted(item for batch in batches for item in batch) == sorted(items)
    assert sorted(len(batch) for batch in batches)[1:] == [size] * (len(batches) - 1)


@given(lengths, st.integers(1, 9), st.integers(0, 5))
def test_like_lengths_are_together(found: list[int], size: int, seed: int) -> None:
    """The batches' lengths overlap nowhere, so that little is padded."""
    batches = order(items_of(found), size, Random(seed))
    spans = sorted(sorted(len(tokens) for tokens, _ in batch) for batch in batches)
    flat = [length for span in spans for length in span]
    assert flat == sorted(found)


def of_epochs(stream: Iterator[tuple[mx.array, mx.array]], batches: int) -> list[list[int]]:
    """The items of the next batches, by their numbers."""
    return [tokens[:, 0].tolist() for tokens, _ in islice(stream, batches)]


def test_each_epoch_has_every_item_in_an_order_of_its_own() -> None:
    """Eleven items in batches of four, three epochs on end."""
    items = items_of([5] * 11)
    stream = batch_iterator(1)(items, 4, 1024, loop=True)
    epochs = [of_epochs(stream, 3) for _ in range(3)]
    for epoch in epochs:
        assert sorted(number for batch in epoch for number in batch) == list(range(11))
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_order_follows_from_the_seed() -> None:
    """The same seed trains alike, another one otherwise."""
    items = items_of([5] * 11)
    one, same, other = (
        of_epochs(batch_iterator(seed)(items, 4, 1024, loop=True), 6) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_without_a_loop_there_is_one_epoch() -> None:
    """As the trainer asks for validation, with arguments of its own."""
    stream = batch_iterator(1)(items_of([3, 4]), 8, 1024, comm_group=None)
    assert [tokens.shape for tokens, _ in stream] == [(2, PAD_TO)]


# --- arrays and the loss ---------------------------------------------------------------------


def test_arrays_are_padded_to_a_round_length() -> None:
    """Rows of zeros' padding; spans say where the answer begins and the item ends."""
    tokens, spans = arrays([([7] * 33, 4), ([8] * 2, 1)])
    assert tokens.shape == (2, 2 * PAD_TO)
    assert tokens.sum(axis=1).tolist() == [7 * 33, 8 * 2]
    assert spans.tolist() == [[4, 33], [1, 2]]


def test_the_loss_is_the_mean_over_the_answers_tokens() -> None:
    """Computed by hand: two answers of two and of one token."""
    value, count = loss(table, *arrays([([1, 2, 1, 3], 2), ([3, 2, 2], 2)]))
    row_of = {1: [3.0, 1.0, 0.0, 2.0], 2: [0.0, 4.0, 1.0, 1.0]}
    by_hand = [nats(row_of[2], 1), nats(row_of[1], 3), nats(row_of[2], 2)]
    assert count.item() == 3
    assert value.item() == pytest.approx(sum(by_hand) / 3, rel=1e-6)


def test_the_prompt_is_no_target() -> None:
    """Prompts of any words: what counts is what follows from their last token."""
    answer = [2, 1, 3]
    values = [
        loss(table, *arrays([([*prompt, 1, *answer], len(prompt) + 1)]))[0].item()
        for prompt in ([], [1], [2, 3, 2], [3] * 40)
    ]
    assert values == pytest.approx([values[0]] * 4, rel=1e-6)


def test_padding_does_not_count() -> None:
    """Beside a long item a short one has the loss that it has alone, whatever fills its row."""
    short, long = ([1, 2, 1], 1), ([2, 1] * 40, 79)
    tokens, spans = arrays([short, long])
    alone = loss(table, *arrays([short]))[0].item()
    last = loss(table, *arrays([long]))[0].item()
    filled = mx.where(mx.arange(tokens.shape[1]) < spans[:, 1:], tokens, 3)
    for rows in (tokens, filled):
        value, count = loss(table, rows, spans)
        assert count.item() == 3
        assert value.item() == pytest.approx((2 * alone + last) / 3, rel=1e-6)


# --- lessons to tokens -----------------------------------------------------------------------


def test_a_lesson_is_its_prompt_and_its_answer(tokenizer: Any) -> None:
    """The offset parts them; the answer ends with the end token, which is learned too."""
    tokens, offset = tokenise(MESSAGES, tokenizer, 1024)
    assert tokenizer.decode(tokens[:offset]) == (
        "<|system|>Write the rules.<|end|><|user|>To: Ben. Points: the boat is ready, the mast is "
        "not.<|end|><|assistant|>"
    )
    assert tokenizer.decode(tokens[offset:]) == "Length: about 20 words<|end|>"
    assert tokens[-1] == tokenizer.eos_token_id


def test_too_long_a_lesson_loses_the_start_of_its_prompt(tokenizer: Any) -> None:
    """Of the answer nothing goes."""
    whole, offset = tokenise(MESSAGES, tokenizer, 1024)
    answer = whole[offset:]
    cut, new_offset = tokenise(MESSAGES, tokenizer, len(answer) + 5)
    assert cut == whole[offset - 5 :]
    assert new_offset == 5


@pytest.mark.parametrize("most", [1, 4])
def test_an_answer_longer_than_the_limit_stays_whole(tokenizer: Any, most: int) -> None:
    """After one token of the prompt, for the first target needs one before it."""
    whole, offset = tokenise(MESSAGES, tokenizer, 1024)
    assert tokenise(MESSAGES, tokenizer, most) == (whole[offset - 1 :], 1)


def test_a_split_is_read_line_by_line(tokenizer: Any, tmp_path: Path) -> None:
    """In the file's order; an empty file is an empty split."""
    other = [*MESSAGES[:2], {"role": "assistant", "content": "Marks: use dots"}]
    lines = [json.dumps({"messages": one}) for one in (MESSAGES, other)]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "valid.jsonl").write_text("", "utf-8")
    found = read_items(tmp_path / "train.jsonl", tokenizer, 1024)
    assert found == [tokenise(one, tokenizer, 1024) for one in (MESSAGES, other)]
    assert read_items(tmp_path / "valid.jsonl", tokenizer, 1024) == []
