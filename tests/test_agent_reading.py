"""A prompt is read once, and an answer is the same to the bit whatever was read before."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_examples import lessons_of

from mlx_agent import agent as agent_module
from mlx_agent import pocket
from mlx_agent.agent import Agent
from mlx_agent.engine import mx
from mlx_agent.prefixes import KEPT, Shelf
from mlx_agent.reading import BLOCK, kept
from mlx_agent.records import ContextMessage, RenderSettings, X

pytestmark = pytest.mark.mlx
RENDER = RenderSettings(context_words=200)
ADA = lessons_of(1)[0].x.metadata.sender
LONG = ContextMessage(author=ADA, text="the plan of the new roof is on the table " * 12)
XS: list[X] = [replace(lesson.x, context=(LONG,)) for lesson in lessons_of(3)]
BARE = replace(XS[0], intent=())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(directory=tmp_path / "prefixes", owner="someone")


def an_agent(shelf: Shelf | None = None) -> Agent:
    return Agent(pocket.path(), None, shelf)


def read(agent: Agent, x: X) -> tuple[list[bytes], int]:
    """What the model knows after reading the prompt for x, to the bit, and in how many passes."""
    passes = 0

    def check() -> None:
        nonlocal passes
        passes += 1

    prompt = agent._prompt(x, RENDER)
    cache = agent._read(prompt, x.kind, RENDER, check)
    found = []
    for layer in cache:
        assert layer.offset == len(prompt) - 1  # type: ignore[attr-defined]  # mlx-lm's
        arrays = layer.keys_and_values()  # type: ignore[attr-defined]
        found += [bytes(mx.contiguous(array).view(mx.uint8)) for array in arrays]
    return found, passes


def test_what_is_warmed_is_not_read_again(shelf: Shelf) -> None:
    """Only what follows the context is; and all is as if nothing had been read before."""
    cold, passes = read(an_agent(), XS[0])
    agent = an_agent(shelf)
    agent.warm(BARE, RENDER)
    warm, fewer = read(agent, XS[0])
    assert warm == cold
    assert fewer < passes / 2


def test_a_question_in_between_changes_nothing() -> None:
    """Nor does the same one twice."""
    agent = an_agent()
    first, _ = read(agent, XS[0])
    agent.rules([XS[1]], RENDER)
    assert read(agent, XS[0])[0] == first
    assert read(agent, XS[0])[0] == first


def test_a_restarted_agent_has_its_prefix_from_the_disk(shelf: Shelf) -> None:
    """To the bit; the files are for the user alone."""
    first, passes = read(an_agent(shelf), XS[0])
    (file,) = shelf.directory.iterdir()
    again, fewer = read(an_agent(shelf), XS[0])
    assert again == first
    assert fewer == passes - 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert shelf.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:-10],
        lambda content: content[:-10] + bytes(10),
        lambda _: os.urandom(100),
    ],
)
def test_a_damaged_file_is_read_by_the_model_again(
    shelf: Shelf, damage: Callable[[bytes], bytes]
) -> None:
    """And mended."""
    first, passes = read(an_agent(shelf), XS[0])
    (file,) = shelf.directory.iterdir()
    content = file.read_bytes()
    file.write_bytes(damage(content))
    assert read(an_agent(shelf), XS[0]) == (first, passes)
    assert file.read_bytes() == content


def test_another_agents_file_is_not_taken(shelf: Shelf) -> None:
    """Its weights would mean something else."""
    read(an_agent(shelf), XS[0])
    read(an_agent(replace(shelf, owner="another")), XS[0])
    assert len(list(shelf.directory.iterdir())) == 2


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    """The answer does not suffer from it."""
    (tmp_path / "file").write_text("", "utf-8")
    shelf = Shelf(directory=tmp_path / "file", owner="someone")
    assert read(an_agent(shelf), XS[0])[0] == read(an_agent(), XS[0])[0]


def test_old_files_go(shelf: Shelf) -> None:
    """Those not used for longest; and what a killed process left."""
    agent = an_agent()
    cache = agent._new_cache()
    agent._model(mx.array([[1, 2, 3]]), cache=cache)
    for number in range(KEPT + 3):
        shelf.keep([number, 2, 3], cache)
        os.utime(shelf.path([number, 2, 3]), (number, number))
    (shelf.directory / ".1.x.safetensors").write_bytes(b"")
    shelf.keep([99, 2, 3], cache)
    assert len(list(shelf.directory.iterdir())) == KEPT
    assert not shelf.path([0, 2, 3]).exists()


class Stop(Exception):
    """What a check raises."""


@pytest.mark.parametrize("last", [1, 2, 4])
def test_reading_that_is_broken_off_leaves_nothing_wrong(last: int) -> None:
    """At whichever pass."""
    expected, _ = read(an_agent(), XS[0])
    agent = an_agent()
    left = last

    def check() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Stop

    with pytest.raises(Stop):
        agent.warm(XS[0], RENDER, check)
    assert read(agent, XS[0])[0] == expected


def test_a_cache_that_cannot_be_trimmed_is_read_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is that of any agent."""
    expected = an_agent().rules([XS[0]], RENDER)[0]
    monkeypatch.setattr(agent_module, "KVCache", type("Another", (), {}))
    answer = an_agent().rules([XS[0]], RENDER, hints=[expected.text])[0]
    assert answer.text == expected.text
    assert answer.passes == answer.tokens + 1


@given(st.integers(0, 200), st.integers(2, 300), st.integers(0, 50))
def test_of_an_earlier_prompt_whole_blocks_serve(same: int, length: int, prefix: int) -> None:
    """Behind the prefix, and never the last token of the new prompt."""
    prompt = list(range(length))
    read_before = prompt[:same] + [-1] * 10
    count = kept(read_before, prompt, prefix)
    assert count <= min(same, length - 1)
    assert count == 0 or (count >= prefix and (count - prefix) % BLOCK == 0)
