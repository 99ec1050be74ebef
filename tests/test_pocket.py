"""The pocket base: invented people, a tokenizer that follows from them, and weights that ship."""

import json
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_examples import loss_of

from daemon.sample.cast import CAST
from mlx_agent import bases, pocket
from mlx_agent.engine import load
from mlx_agent.pocket import personas, pretrain, world
from mlx_agent.pocket.personas import CONDITIONS, lessons
from mlx_agent.pocket.pretrain import ARCHITECTURE, RENDER, Plan
from mlx_agent.records import ASPECTS, Rule, X
from mlx_agent.render import lesson_messages
from mlx_agent.rules import filter_facts, format_rules, parse_rules
from mlx_agent.train.batches import tokenise

from mlx.utils import tree_flatten  # isort: skip  # after the engine

pytestmark = pytest.mark.mlx
PARAMETERS = 935_040
HELD_OUT_SEED = 7
"""A stream of lessons that neither pre-training nor the log's held-out loss has seen."""


@pytest.fixture(scope="module")
def some() -> list[tuple[X, tuple[Rule, ...]]]:
    """Some hundred lessons of the pre-training stream."""
    return list(islice(lessons(Plan().seed), 400))


@pytest.fixture(scope="module")
def base() -> tuple[Any, Any]:
    """The shipped model and tokenizer."""
    return load(pocket.path())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script makes in three steps, with all else as by default."""
    out = tmp_path_factory.mktemp("pretrained") / "base"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["pretrain", "--out", str(out), "--steps", "3"])
        pretrain.main()
    return out


# --- invented people -------------------------------------------------------------------------


def test_lessons_follow_from_the_seed() -> None:
    """The same people write the same mails; another seed has other people."""
    one, same, other = (list(islice(lessons(seed), 40)) for seed in (1, 1, 2))
    assert one == same
    assert not {repr(x) for x, _ in one} & {repr(x) for x, _ in other}


def test_lessons_are_lists_of_rules(some: list[tuple[X, tuple[Rule, ...]]]) -> None:
    """Each parses into itself, in the fixed order of aspects."""
    for _, rules in some:
        assert parse_rules(format_rules(rules)) == rules
        assert [rule.aspect for rule in rules] == sorted(
            (rule.aspect for rule in rules), key=ASPECTS.index
        )


def test_lessons_hold_no_facts_and_no_names(some: list[tuple[X, tuple[Rule, ...]]]) -> None:
    """The base learns to speak of the recipient's first name, never to say one."""
    names = re.compile(rf"\b({'|'.join([*world.FIRST, *world.LAST])})\b")
    for x, rules in some:
        assert filter_facts(rules, x) == (rules, ())
        assert not names.search(format_rules(rules))


def test_a_manner_depends_on_the_mail() -> None:
    """The first condition that x meets decides; every condition occurs, met and not."""
    random = Random(3)
    seen = set()
    for _ in range(300):
        who = personas.persona(random)
        x = personas.lesson(random, who).x
        seen |= {(name, met(x)) for name, met in CONDITIONS.items()}
        met_first = [manner for name, manner in who.special if CONDITIONS[name](x)]
        assert who.manner(x) == (met_first or [who.usual])[0]
    assert seen == {(name, met) for name in CONDITIONS for met in (True, False)}


def cast_names() -> Iterator[str]:
    for person in CAST:
        yield person.address.name
        yield from person.inside
        yield from (name for name, _ in person.outside)


def test_nobody_of_the_demo_is_in_the_pre_training_data(
    some: list[tuple[X, tuple[Rule, ...]]],
) -> None:
    """Neither in these mails nor by any seed: no name of the cast can be drawn."""
    text = "\n".join(m.content for x, rules in some for m in lesson_messages(x, rules, RENDER))
    assert "From: " in text
    for name in cast_names():
        *_, first, last = name.split()
        assert name not in text
        assert not (first in world.FIRST and last in world.LAST)
    for person in CAST:
        assert person.address.name.split()[-1] not in text


# --- the tokenizer ---------------------------------------------------------------------------


def test_the_script_trains_the_tokenizer_that_ships(made: Path) -> None:
    """To the byte."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (made / name).read_bytes() == (pocket.path() / name).read_bytes()


@given(text=st.text())
def test_any_text_comes_back_from_tokens(base: tuple[Any, Any], text: str) -> None:
    """Bytes are the alphabet."""
    assert base[1].decode(base[1].encode(text)) == text


def test_pre_training_speaks_as_training_does(
    base: tuple[Any, Any], some: list[tuple[X, tuple[Rule, ...]]]
) -> None:
    """The script's tokens of a lesson are those of the chat template that ships."""
    raw = pretrain.Tokenizer.from_file(str(pocket.path() / "tokenizer.json"))
    for x, rules in some[:50]:
        chat = [{"role": m.role, "content": m.content} for m in lesson_messages(x, rules, RENDER)]
        assert pretrain.chat(raw, x, rules) == tokenise(chat, base[1], 2048)


# --- what ships ------------------------------------------------------------------------------


def test_the_base_is_small(base: tuple[Any, Any]) -> None:
    """It travels in the repository and in the wheel."""
    files = [path for path in pocket.path().iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 4_000_000
    assert sum(value.size for _, value in tree_flatten(base[0].parameters())) == PARAMETERS


def test_the_base_has_learned_what_rules_are_like(base: tuple[Any, Any]) -> None:
    """Its mean loss on mails of people that it has never seen is below 0.3 nats a token."""
    model, tokenizer = base
    items = []
    for x, rules in islice(lessons(HELD_OUT_SEED), 40):
        chat = [{"role": m.role, "content": m.content} for m in lesson_messages(x, rules, RENDER)]
        items.append(tokenise(chat, tokenizer, 2048))
    assert loss_of(model, items) < 0.3


def test_the_base_is_what_the_script_says(made: Path) -> None:
    """The same architecture and rendering, and the log of the default plan."""
    for path in (pocket.path(), made):
        assert json.loads((path / "config.json").read_text("utf-8")) == ARCHITECTURE
        assert bases.render_settings(path) == RENDER
    log = (pocket.path() / "pretrain.log").read_text("utf-8").splitlines()
    assert log[0].endswith(f" {Plan()}")
    assert log[-1].startswith(f"step {Plan().steps:5} ")


def test_the_card_says_what_is_true() -> None:
    """The number of parameters, and the last held-out loss of the log."""
    card = (pocket.path() / "README.md").read_text("utf-8")
    log = (pocket.path() / "pretrain.log").read_text("utf-8")
    assert f"{PARAMETERS:,} parameters" in card
    assert f"held-out loss: {log.split()[-1]} nats" in card


def test_the_script_writes_a_base_that_loads(made: Path) -> None:
    """After three steps too: a model directory like the one that ships, and its log."""
    model, tokenizer = load(made)
    assert {path.name for path in made.iterdir()} == {
        path.name for path in pocket.path().iterdir() if path.name != "README.md"
    }
    assert sum(value.size for _, value in tree_flatten(model.parameters())) == PARAMETERS
    assert tokenizer.eos_token_id == ARCHITECTURE["eos_token_id"]
    lines = (made / "pretrain.log").read_text("utf-8").splitlines()
    assert "steps=3," in lines[0]
    held_out = re.fullmatch(r"step +3 loss \d\.\d{3} tokens +\d+ +\d+ s held-out (\S+)", lines[1])
    assert held_out is not None
    assert 3 < float(held_out[1]) < 8
