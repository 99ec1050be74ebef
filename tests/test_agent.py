"""The agent: rules for any x, alone or among others, and never an error for what it says."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from training_examples import Trained

from mlx_agent import pocket
from mlx_agent.agent import BATCH, MAX_TOKENS, Agent
from mlx_agent.engine import load, mx
from mlx_agent.errors import AdapterDamaged, BaseDamaged
from mlx_agent.records import ASPECTS, AgentAnswer, RenderSettings, X
from mlx_agent.rules import MAX_RULES, format_rules, most_telling, parse_rules

pytestmark = pytest.mark.mlx


@pytest.fixture(scope="module")
def agent(trained: Trained) -> Agent:
    """The persona's agent."""
    return Agent(pocket.path(), trained.path)


@pytest.fixture(scope="module")
def xs(trained: Trained) -> list[X]:
    """Mails of the persona that it was not trained on."""
    return [lesson.x for lesson in trained.splits.test]


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """An agent without any knowledge: all weights 0, so that it never ends."""
    base = shutil.copytree(pocket.path(), tmp_path_factory.mktemp("bases") / "zero")
    parameters = mx.load(str(base / "model.safetensors"))
    zeros = {name: mx.zeros_like(value) for name, value in parameters.items()}
    mx.save_safetensors(str(base / "model.safetensors"), zeros, metadata={"format": "mlx"})
    return Agent(base, None)


def said(answers: list[AgentAnswer]) -> list[tuple[str, int]]:
    return [(answer.text, answer.tokens) for answer in answers]


def answered(agent: Agent, text: str, x: X, tokens: int | None = None) -> AgentAnswer:
    """What becomes of a decoded text, which the model need not have learned to say."""
    _, tokenizer = load(pocket.path())
    ids = tokenizer.encode(text)
    said = ids if tokens is None else (ids * tokens)[:tokens]
    return agent._answer(x, RenderSettings(), said, 0.5)


# --- what it says ----------------------------------------------------------------------------


def test_rule_lists_are_valid(agent: Agent, xs: list[X], trained: Trained) -> None:
    """Every one parses whole, and its rules are those of its text."""
    for answer in agent.rules(xs, trained.adapter.render):
        assert answer.valid
        assert answer.rules == parse_rules(answer.text)
        assert format_rules(answer.rules) == answer.text
        assert 0 < answer.tokens < MAX_TOKENS
        assert answer.seconds > 0


def test_a_batch_says_what_each_says_alone(agent: Agent, xs: list[X], trained: Trained) -> None:
    """Whatever stands beside it, and however long."""
    together = agent.rules(xs, trained.adapter.render)
    alone = [agent.rules([x], trained.adapter.render)[0] for x in xs[:2]]
    assert said(alone) == said(together[:2])
    assert said(agent.rules(xs[::-1], trained.adapter.render)) == said(together)[::-1]


def test_more_than_a_batch_keeps_its_order(agent: Agent, xs: list[X], trained: Trained) -> None:
    """Each answer is told with its position, and then all are given."""
    many = (xs * BATCH)[: BATCH + 3]
    told: list[tuple[int, AgentAnswer]] = []
    answers = agent.rules(many, trained.adapter.render, lambda *one: told.append(one))
    assert told == list(enumerate(answers))
    assert said(answers) == [said(answers)[number % len(xs)] for number in range(BATCH + 3)]


def test_nothing_asked_is_nothing_answered(agent: Agent, trained: Trained) -> None:
    """Not an error."""
    assert agent.rules([], trained.adapter.render) == []


def test_the_render_settings_are_the_adapters(agent: Agent, xs: list[X], trained: Trained) -> None:
    """What they leave out of x cannot change the answer."""
    render = replace(trained.adapter.render, context_words=0)
    bare = [replace(x, context=()) for x in xs[:2]]
    assert said(agent.rules(xs[:2], render)) == said(agent.rules(bare, render))


def test_the_bare_base_answers_too(xs: list[X], trained: Trained) -> None:
    """Without an adapter: rules that fit x, of nobody in particular."""
    (answer,) = Agent(pocket.path(), None).rules(xs[:1], trained.adapter.render)
    assert answer.valid


@pytest.mark.parametrize(
    "intent", [(), ("",), ("<|end|><|assistant|>",), ("🙂 \u2028 \x00",), ("word " * 600,)]
)
def test_any_x_gets_an_answer(
    agent: Agent, xs: list[X], trained: Trained, intent: tuple[str, ...]
) -> None:
    """Empty, odd, with the template's own marks, or too long to have been trained on."""
    (answer,) = agent.rules([replace(xs[0], intent=intent)], trained.adapter.render)
    assert answer.valid == bool(answer.rules)


# --- what it must not say --------------------------------------------------------------------


def test_an_answer_that_does_not_end_is_invalid(
    silent: Agent, xs: list[X], trained: Trained
) -> None:
    """Cut off at the limit; the caller goes down the ladder."""
    (answer,) = silent.rules(xs[:1], trained.adapter.render)
    assert (answer.valid, answer.rules, answer.tokens) == (False, (), MAX_TOKENS)


def test_a_list_cut_off_at_the_limit_is_invalid(agent: Agent, xs: list[X]) -> None:
    """Though it parses: its last rule may be half a rule."""
    text = "Length: about 20 words, "
    whole = answered(agent, text, xs[0])
    cut = answered(agent, text, xs[0], MAX_TOKENS)
    assert (whole.valid, cut.valid, cut.rules) == (True, False, ())


@pytest.mark.parametrize(
    "text",
    ["", "I am glad to help.", "Length: short\nMood: sunny", "Mood: sunny", "Length:", "<|end|>"],
)
def test_what_is_no_list_of_rules_is_invalid(agent: Agent, xs: list[X], text: str) -> None:
    """It is kept as it was said."""
    answer = answered(agent, text, xs[0])
    assert (answer.valid, answer.rules, answer.text) == (False, (), text)


def test_rules_with_facts_of_other_mails_are_left_out(agent: Agent, xs: list[X]) -> None:
    """The rest stays, and the answer is valid."""
    text = "Greeting: greet Zebediah too\nLength: about 20 words\nPhrases: call 555 0177"
    answer = answered(agent, text, xs[0])
    assert answer.valid
    assert [rule.aspect for rule in answer.rules] == ["length"]
    assert answer.text == text


def test_a_list_that_is_too_long_keeps_its_most_telling_rules(agent: Agent, xs: list[X]) -> None:
    """As the lists that it was trained on."""
    text = "\n".join(f"{aspect.capitalize()}: so" for aspect in ASPECTS)
    answer = answered(agent, text, xs[0])
    assert answer.valid
    assert answer.rules == most_telling(parse_rules(text))
    assert len(answer.rules) == MAX_RULES


def test_what_cannot_be_loaded_is_an_error(trained: Trained, tmp_path: Path) -> None:
    """Of the base or of the adapter, whichever it is."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}), "utf-8")
    with pytest.raises(BaseDamaged):
        Agent(tmp_path, None)
    with pytest.raises(AdapterDamaged):
        Agent(pocket.path(), trained.path.parent)


def test_the_small_model_itself_writes(agent: Agent, xs: list[X], trained: Trained) -> None:
    """A text for each x, the same whoever is asked beside it, and no longer than allowed."""
    settings = replace(trained.adapter.render, habits=False)
    texts = agent.write(xs[:3], settings, 12)
    assert len(texts) == 3
    assert all(isinstance(text, str) for text in texts)
    assert agent.write(xs[2:3], settings, 12) == texts[2:]
    _, tokenizer = load(pocket.path())
    assert all(len(tokenizer.encode(text, add_special_tokens=False)) <= 14 for text in texts)
