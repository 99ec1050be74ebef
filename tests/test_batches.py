"""Batches: every lesson counts, little is padded, and any step can be found again."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_examples import lessons_of

from mlx_agent import bases
from mlx_agent.engine import load
from mlx_agent.records import RenderSettings
from mlx_agent.render import context_words, lesson_messages, with_context_cut
from mlx_agent.train.batches import (
    PAD_TO,
    Item,
    batch_of,
    batches,
    from_step,
    order,
    padded_tokens,
    padding,
    read_items,
    targets,
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


RENDER = RenderSettings(context_words=25)


def items_of(lengths: list[int]) -> list[Item]:
    """Items of these lengths that can be told apart."""
    return [([number] * length, 1) for number, length in enumerate(lengths)]


# --- order -----------------------------------------------------------------------------------

lengths = st.lists(st.integers(2, 90), min_size=1, max_size=40)


@given(lengths, st.integers(1, 400))
def test_every_item_is_in_one_batch(found: list[int], budget: int) -> None:
    """A small set makes a small batch, and a remainder is not dropped."""
    items = items_of(found)
    cut = batches(items, budget)
    assert sorted(item for batch in cut for item in batch.items) == sorted(items)


@given(lengths, st.integers(1, 400))
def test_a_batch_keeps_to_its_budget(found: list[int], budget: int) -> None:
    """Padding included; one lesson is a batch whatever its length."""
    for batch in batches(items_of(found), budget):
        assert len(batch.items) == 1 or len(batch.items) * batch.length <= budget


@given(lengths, st.integers(1, 400))
def test_like_lengths_are_together(found: list[int], budget: int) -> None:
    """The batches' lengths overlap nowhere, so that little is padded."""
    cut = batches(items_of(found), budget)
    assert [len(tokens) for batch in cut for tokens, _ in batch.items] == sorted(found)


def test_lessons_are_hardly_padded(tokenizer: Any) -> None:
    """Below 4 % of what is computed, on the lessons of an invented person."""
    messages = [
        [{"role": m.role, "content": m.content} for m in lesson_messages(one.x, one.rules, RENDER)]
        for one in lessons_of(150)
    ]
    cut = batches([tokenise(each, tokenizer, 1024) for each in messages], 3072)
    assert len(cut) > 5
    assert padding(cut) < 0.04


def test_each_epoch_has_every_batch_in_an_order_of_its_own() -> None:
    """Of seven, three epochs on end."""
    epochs = [order(7, seed=1, epoch=epoch) for epoch in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(7))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_the_order_follows_from_the_seed() -> None:
    """The same seed trains alike, another one otherwise."""
    assert order(9, 1, 4) == order(9, 1, 4) != order(9, 2, 4)


@pytest.mark.parametrize("seed", range(5))
def test_the_longest_lessons_come_first(seed: int) -> None:
    """Where memory is short, it shows at once."""
    assert order(9, seed, 0)[0] == 8


@given(lengths, st.integers(0, 90))
def test_any_step_can_be_found_again(found: list[int], done: int) -> None:
    """Going on after so many steps gives what would have come."""
    cut = batches(items_of(found), 128)
    whole = list(islice(from_step(cut, 1, 0), done + 8))
    assert list(islice(from_step(cut, 1, done), 8)) == whole[done:]


# --- shares ----------------------------------------------------------------------------------


@given(lengths, st.integers(1, 4))
def test_machines_share_a_batch(found: list[int], size: int) -> None:
    """Each lesson is one machine's; whoever has none computes for nothing, in the same shape."""
    batch = batch_of(items_of(found))
    shares = [batch.share(rank, size) for rank in range(size)]
    own = [item for share in shares if not share.blank for item in share.items]
    assert sorted(own) == sorted(batch.items)
    assert sum(share.tokens for share in shares) == batch.tokens
    for share in shares:
        assert (share.length, share.most, share.answers) == (
            batch.length,
            batch.most,
            batch.answers,
        )
        assert bool(targets(share)[2].sum().item()) is not share.blank


# --- arrays ----------------------------------------------------------------------------------


def test_rows_are_padded_to_a_round_length() -> None:
    """With zeros."""
    tokens = padded_tokens(batch_of([([7] * (PAD_TO + 1), 4), ([8] * 2, 1)]))
    assert tokens.shape == (2, 2 * PAD_TO)
    assert tokens.sum(axis=1).tolist() == [7 * (PAD_TO + 1), 8 * 2]


def test_targets_are_the_answers_alone() -> None:
    """Each with the position that it is predicted from, and a weight."""
    batch = batch_of([([1, 2, 1, 3], 2), ([3, 2, 5], 2)])
    positions, tokens, weights = (each.tolist() for each in targets(batch))
    gap = [0] * (PAD_TO - 2)
    assert positions == [[1, 2, *gap], [1, 0, *gap]]
    assert tokens == [[1, 3, *gap], [5, 0, *gap]]
    assert weights == [[1.0, 1.0, *gap], [1.0, 0.0, *gap]]
    assert batch.answers == 3


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


def asked(words: int) -> list[dict[str, str]]:
    """A lesson whose context has so many words."""
    context = "\n".join(
        f"> {' '.join(['rope'] * part)}" for part in (words // 2, words - words // 2)
    )
    content = f"To: Ben\nAnswering Ben:\n{context}\nPoints:\n- the boat is ready"
    return [MESSAGES[0], {"role": "user", "content": content}, MESSAGES[2]]


@pytest.mark.parametrize("most", [60, 90, 120])
def test_too_long_a_lesson_loses_its_context(tokenizer: Any, most: int) -> None:
    """As little of it as will do, and nothing else."""
    tokens, offset = tokenise(asked(100), tokenizer, most)
    left = next(n for n in range(100) if len(tokenise(asked(n + 1), tokenizer, 1024)[0]) > most)
    cut = with_context_cut(asked(100)[1]["content"], left)
    assert context_words(cut) == left
    rendered = [MESSAGES[0], {"role": "user", "content": cut}, MESSAGES[2]]
    assert len(tokens) <= most
    assert (tokens, offset) == tokenise(rendered, tokenizer, 1024)


def test_what_is_too_long_without_context_loses_the_start_of_its_prompt(tokenizer: Any) -> None:
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
