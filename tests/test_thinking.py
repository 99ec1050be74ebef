"""Thinking told from text, however the answer is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.large.thinking import Splitter

CASES = {
    "Hi Ann,\n\nyes.": "Hi Ann,\n\nyes.",
    "<think>short? <b>yes</think>\n\nHi Ann": "Hi Ann",
    "\n<think>\none\n</think>\n<think>two</think>Hi": "Hi",
    "<think></think>Hi": "Hi",
    "<think>never closed </thin": "",
    "Hi <think>this stays</think> Ann": "Hi <think>this stays</think> Ann",
    "<think>a</think>Hi <think>b</think>": "Hi <think>b</think>",
    "<thinking>no</thinking>": "<thinking>no</thinking>",
    "<thi": "<thi",
    "  ": "  ",
    "": "",
}


@pytest.mark.parametrize(("answer", "text"), CASES.items())
@given(data=st.data())
def test_split_at_any_place(answer: str, text: str, data: st.DataObject) -> None:
    """The text is the same whatever the pieces."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    splitter = Splitter()
    pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    assert "".join([*map(splitter.feed, pieces), splitter.end()]) == text


def test_text_is_not_held_back() -> None:
    """What is surely text comes with its piece."""
    splitter = Splitter()
    assert [splitter.feed(piece) for piece in ("<th", "ink>no", "</think>", "\nHi", " A")] == [
        "",
        "",
        "",
        "Hi",
        " A",
    ]
    assert splitter.end() == ""


def test_a_block_that_the_template_opened() -> None:
    """An answer may begin inside a block."""
    splitter = Splitter(thinking=True)
    assert splitter.feed("so, short</think>\n\nHi") == "Hi"


def test_a_long_thought_is_not_kept() -> None:
    """Memory does not grow with the thinking."""
    splitter = Splitter(thinking=True)
    for _ in range(1000):
        splitter.feed("on and on ")
    assert len(splitter._held) < 10
