"""A model in two halves gives what it gives whole; where it would not, it is trained whole."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from training_examples import a_request, lessons_of, loss_of, plain_loss, train_here

from mlx_agent import bases, pocket
from mlx_agent.engine import load, mx
from mlx_agent.records import RenderSettings
from mlx_agent.render import lesson_messages
from mlx_agent.train.batches import Item, batch_of, padded_tokens, targets, tokenise
from mlx_agent.train.halves import Halves
from mlx_agent.train.run import ACTIVATIONS

from mlx_lm import utils as mlx_lm_utils  # isort: skip  # after the engine
from mlx_lm.models import llama  # isort: skip

pytestmark = pytest.mark.mlx
BLOCKS = 4
QUICK = {"epochs": 2, "layers": 2}


def some_items(count: int) -> list[Item]:
    tokenizer = load(bases.find("pocket"))[1]
    render = RenderSettings(context_words=25)
    return [
        tokenise(
            [asdict(said) for said in lesson_messages(one.x, one.rules, render)], tokenizer, 1024
        )
        for one in lessons_of(count)
    ]


def scaled_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture that scales what it starts from: given hidden states, it does so again."""
    usual = llama.LlamaModel.__call__

    def scaling(
        self: Any, inputs: mx.array, cache: Any = None, input_embeddings: mx.array | None = None
    ) -> Any:
        start = self.embed_tokens(inputs) if input_embeddings is None else input_embeddings
        return usual(self, inputs, cache, 2 * start)

    monkeypatch.setattr(llama.LlamaModel, "__call__", scaling)


# --- logits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("trained", [0, 1, 2, 3, BLOCKS])
def test_the_halves_give_the_whole_models_logits(trained: int) -> None:
    """At the positions before the answers' tokens, of padded lessons too."""
    batch = batch_of(some_items(3))
    tokens, (positions, _, weights) = padded_tokens(batch), targets(batch)
    whole, _ = load(bases.find("pocket"))
    expected = mx.take_along_axis(whole(tokens), positions[..., None], axis=1)
    halves = Halves(load(bases.find("pocket"))[0], trained)
    halves.divide()
    assert halves.depth == (BLOCKS - trained if trained else 0)
    found = halves.logits(halves.below(tokens) if halves.depth else tokens, positions)
    apart = mx.abs(found - expected) * weights[..., None]
    assert apart.max().item() < 1e-4
    assert mx.abs(expected).max().item() > 1


def test_a_model_that_is_not_divided_gives_its_own_logits() -> None:
    """Where `split` is None everything starts from tokens."""
    batch = batch_of(some_items(2))
    positions, _, _ = targets(batch)
    model, _ = load(bases.find("pocket"))
    halves = Halves(model, 2)
    halves.split = None
    halves.divide()
    assert halves.depth == 0
    expected = mx.take_along_axis(model(padded_tokens(batch)), positions[..., None], axis=1)
    assert mx.array_equal(halves.logits(padded_tokens(batch), positions), expected)


@pytest.mark.parametrize("trained", [1, 3])
def test_the_pocket_bases_halves_agree(trained: int) -> None:
    """To try it changes nothing about the model."""
    (tokens, _), *_ = some_items(1)
    model, _ = load(bases.find("pocket"))
    before = model(mx.array([tokens]))
    assert Halves(model, trained).agrees(tokens)
    assert mx.array_equal(model(mx.array([tokens])), before)


# --- an architecture that is not to be divided -----------------------------------------------


def test_halves_that_do_not_agree_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embeddings that are scaled twice; and a model without an inner one does not agree either."""
    (tokens, _), *_ = some_items(1)
    model, _ = load(bases.find("pocket"))
    scaled_embeddings(monkeypatch)
    assert not Halves(model, 2).agrees(tokens)
    monkeypatch.undo()
    assert Halves(model, 2).agrees(tokens)
    del model["model"]
    monkeypatch.setattr(llama.Model, "layers", [None] * BLOCKS)
    assert not Halves(model, 2).agrees(tokens)


def test_it_is_trained_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of it, and what it learned is what is told."""
    scaled_embeddings(monkeypatch)
    trained = train_here(a_request(tmp_path, 10, settings=QUICK))
    assert not (tmp_path / "adapters" / ACTIVATIONS).exists()
    measured = plain_loss(trained.request.dataset / "valid.jsonl", "pocket", trained.path)
    assert measured == pytest.approx(trained.adapter.metrics["valid_loss"], rel=1e-4)
    assert trained.events[-1].loss < trained.events[0].loss


def test_whole_and_divided_trainings_learn_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same losses, step by step."""
    divided = train_here(a_request(tmp_path / "divided", 10, settings=QUICK))
    monkeypatch.setattr(Halves, "agrees", lambda *_: False)
    whole = train_here(a_request(tmp_path / "whole", 10, settings=QUICK))
    losses = [[event.loss for event in one.events] for one in (divided, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


# --- names -----------------------------------------------------------------------------------


def test_parameters_keep_their_names(tmp_path: Path) -> None:
    """An adapter of the upper two blocks loads by mlx-lm's own loader, and answers as measured."""
    trained = train_here(a_request(tmp_path, 10, settings=QUICK))
    names = mx.load(str(trained.path / "adapters.safetensors"))
    assert {name.split(".")[2] for name in names} == {"2", "3"}
    model = mlx_lm_utils.load_adapters(load(pocket.path())[0], str(trained.path))
    adapted = [hasattr(layer.self_attn.q_proj, "lora_a") for layer in model.layers]
    assert adapted == [False, False, True, True]
    path = trained.request.dataset / "valid.jsonl"
    told = trained.adapter.metrics["valid_loss"]
    assert plain_loss(path, "pocket", trained.path) == pytest.approx(told, rel=1e-4)
    assert plain_loss(path, "pocket", None) > told
    assert loss_of(model, some_items(1)) < loss_of(load(pocket.path())[0], some_items(1))
