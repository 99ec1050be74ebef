"""A large model in the worker: what it reads once, where it stops, and what it thinks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from local_models import THINKING, a_model, an_endless_model

from mlx_agent import pocket
from mlx_agent.chatting import STEP, LocalModel
from mlx_agent.errors import BaseDamaged, PromptTooLong
from mlx_agent.large.local import ChatEnd
from mlx_agent.records import Message

pytestmark = pytest.mark.mlx
SYSTEM = "Write the rules for this mail."
POINTS = "From: Ada\nTo: Ben\nSize: 1 points, 4 words, 0 questions\nPoints:\n- the plan is ready"


def asked(user: str = POINTS, system: str = SYSTEM) -> tuple[Message, ...]:
    return Message(role="system", content=system), Message(role="user", content=user)


def go_on() -> None:
    """No cancellation."""


def chat(
    model: LocalModel,
    messages: tuple[Message, ...],
    max_tokens: int = 200,
    temperature: float = 0.0,
    *,
    thinking: bool = False,
    check: Callable[[], None] = go_on,
) -> tuple[str, ChatEnd]:
    """The whole text and how it ended."""
    *pieces, end = model.chat(
        messages, max_tokens=max_tokens, temperature=temperature, thinking=thinking, check=check
    )
    assert isinstance(end, ChatEnd)
    assert all(isinstance(piece, str) for piece in pieces)
    return "".join(map(str, pieces)), end


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel(pocket.path())


def test_an_answer_is_the_same_each_time_at_temperature_zero(model: LocalModel) -> None:
    """Whether the system prompt was read before, and whatever was asked in between."""
    first = chat(model, asked())
    assert first[1].ended == "stop"
    assert chat(model, asked()) == first
    chat(model, asked("- bring the rope"), max_tokens=9)
    assert chat(model, asked()) == first
    chat(model, asked(system="Write a mail."), max_tokens=9)
    assert chat(model, asked()) == first
    assert chat(LocalModel(pocket.path()), asked()) == first


def test_answers_differ_at_a_high_temperature(model: LocalModel) -> None:
    """Nobody has set a seed."""
    found = {chat(model, asked(), max_tokens=40, temperature=1.2)[0] for _ in range(8)}
    assert len(found) > 1


def test_the_system_prompt_is_read_once(model: LocalModel) -> None:
    """A second question with the same one has fewer steps of reading."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    system = "one two three four five " * STEP
    model = LocalModel(pocket.path())
    model._model.args.max_position_embeddings = 1 << 20
    told = []
    for user in ("Hi", "Bye"):
        steps = 0
        chat(model, asked(user, system), max_tokens=1, check=count)
        told.append(steps)
    assert told[1] < told[0] / 2


def test_tokens_are_counted(model: LocalModel) -> None:
    """Of the prompt, and of the answer with the mark that ends it."""
    text, end = chat(model, asked())
    tokenizer = model._tokenizer
    prompt = f"<|system|>{SYSTEM}<|end|><|user|>{POINTS}<|end|><|assistant|>"
    assert end.input_tokens == len(tokenizer.encode(prompt))
    assert end.output_tokens == len(tokenizer.encode(text)) + 1


def test_an_answer_ends_at_its_bound(model: LocalModel) -> None:
    """And is the beginning of what it would have been."""
    whole, _ = chat(model, asked())
    text, end = chat(model, asked(), max_tokens=5)
    assert (end.output_tokens, end.ended) == (5, "length")
    assert whole.startswith(text)
    assert chat(model, asked(), max_tokens=1)[1].output_tokens == 1


def test_an_answer_ends_at_the_models_window(tmp_path: Path) -> None:
    """What is left of it bounds the answer; a prompt that fills it is too long."""
    room = chat(LocalModel(pocket.path()), asked())[1].input_tokens + 7
    narrow = LocalModel(a_model(tmp_path / "narrow", max_position_embeddings=room))
    assert chat(narrow, asked())[1].output_tokens == 7
    with pytest.raises(PromptTooLong):
        chat(narrow, asked(POINTS + " and some more of it to say"))


class Stop(Exception):
    """What a check raises."""


@pytest.mark.parametrize("last", [1, 3, 12])
def test_it_stops_while_it_reads_and_while_it_writes(tmp_path: Path, last: int) -> None:
    """At the next step, and is as it was: the next answer is what it always is."""
    model = LocalModel(an_endless_model(tmp_path / "endless"))
    expected = chat(model, asked(), max_tokens=20)
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == last:
            raise Stop

    with pytest.raises(Stop):
        chat(model, asked("word " * 2 * STEP, "word " * 2 * STEP), 1 << 20, check=check)
    assert checks == last
    assert chat(model, asked(), max_tokens=20) == expected


def test_a_template_that_opens_a_block_of_thinking(tmp_path: Path) -> None:
    """What follows is thinking, unless the model is told not to think."""
    model = LocalModel(a_model(tmp_path / "thinker", {"chat_template": THINKING}))
    text, end = chat(model, asked(), max_tokens=20, thinking=True)
    assert (text, end.output_tokens) == ("", 20)
    assert chat(model, asked()) == chat(LocalModel(pocket.path()), asked())


def test_a_model_that_cannot_chat_is_refused(tmp_path: Path) -> None:
    """It has no template for a chat."""
    mute = a_model(tmp_path / "mute", {"chat_template": None})
    with pytest.raises(BaseDamaged, match="no chat template"):
        LocalModel(mute)
