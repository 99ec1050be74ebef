"""What an agent does not foresee of the teacher's lists: as training counts it."""

import pytest
from training_examples import Trained, loss_of

from mlx_agent import bases
from mlx_agent.agent import Agent
from mlx_agent.engine import load
from mlx_agent.train.batches import read_items

pytestmark = pytest.mark.mlx


def test_each_lists_loss_is_that_of_its_lesson(trained: Trained) -> None:
    """Of the same tokens that are trained on, by the whole model, one lesson after the other."""
    base = bases.find("pocket")
    model, tokenizer = load(base, trained.path)
    items = read_items(trained.request.dataset / "valid.jsonl", tokenizer, 1024)
    expected = [loss_of(model, [item]) for item in items]
    lessons = [(one.x, one.rules) for one in trained.splits.valid]
    found = Agent(base, trained.path).losses(lessons, trained.adapter.render, 1024)
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_agent_foresees_more_than_its_base(trained: Trained) -> None:
    """That is what it was trained for."""
    base, render = bases.find("pocket"), trained.adapter.render
    lessons = [(one.x, one.rules) for one in trained.splits.valid]
    own = Agent(base, trained.path).losses(lessons, render, 1024)
    bare = Agent(base, None).losses(lessons, render, 1024)
    assert sum(own) < 0.8 * sum(bare)


def test_the_work_can_be_ended_before_each_lesson(trained: Trained) -> None:
    """By what `check` raises."""

    def check() -> None:
        raise InterruptedError

    lessons = [(one.x, one.rules) for one in trained.splits.valid]
    agent = Agent(bases.find("pocket"), trained.path)
    with pytest.raises(InterruptedError):
        agent.losses(lessons, trained.adapter.render, 1024, check)
