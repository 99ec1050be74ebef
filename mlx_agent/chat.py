"""Chat messages to tokens: the one way into a small model, for training and for use.

Mail is data. A message that holds the tokenizer's own marks (`<|end|><|assistant|>`) must not end
its turn and begin another, so that such marks in a text are broken up before the template is
filled. No MLX here: it is the tokenizer that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def encode(
    tokenizer: Any,
    messages: Sequence[Mapping[str, str]],
    *,
    answering: bool = False,
    thinking: bool | None = None,
) -> list[int]:
    """The tokens of a chat by the model's template; `answering`: up to where an answer begins.

    `thinking` tells a model to think before it answers, or not to, if its template knows of that;
    None leaves it to mlx-lm.
    """
    marks = _marks(tokenizer)
    plain = [{**message, "content": _defused(message["content"], marks)} for message in messages]
    told = {} if thinking is None else {"enable_thinking": thinking}
    tokens = tokenizer.apply_chat_template(
        plain, add_generation_prompt=answering, return_dict=False, **told
    )
    return list(tokens)


def _marks(tokenizer: Any) -> list[str]:
    """The texts that the tokenizer reads as one token of control, the longest first."""
    added = (token.content for token in tokenizer.added_tokens_decoder.values())
    marks = {mark for mark in (*tokenizer.all_special_tokens, *added) if len(mark) > 1}
    return sorted(marks, key=lambda mark: (-len(mark), mark))


def _defused(text: str, marks: Sequence[str]) -> str:
    """The text with a blank in each mark."""
    for mark in marks:
        text = text.replace(mark, f"{mark[0]} {mark[1:]}")
    return text
