"""What stands before the rules: kept of a teacher's answer, learned, thought, and left out."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import a_lesson
from training_examples import a_request, lessons_of, train_here

from mlx_agent import bases, thoughts
from mlx_agent.agent import Agent
from mlx_agent.engine import load
from mlx_agent.records import Rule
from mlx_agent.rules import format_rules, parse_rules
from mlx_agent.teach.dataset import split, write_dataset
from mlx_agent.train.batches import read_items

X = a_lesson().x
OWN = "Hello Tim,\n\nthe zebra crossing of Oslo is closed since May 7. Bring Ingrid along.\n\nNora"
RULES = (
    Rule(aspect="greeting", instruction='open with "Hello"'),
    Rule(aspect="length", instruction="about 10 words"),
)


def kept(text: str) -> str:
    return thoughts.kept(f"{text}\n<rules>\nLength: about 10 words\n</rules>", X, OWN, None)


# --- of a teacher's answer ---------------------------------------------------------------------


def test_what_stands_before_the_rules_is_kept_line_by_line() -> None:
    """Without blank lines, and without a tag around it."""
    said = "The person is shorter.\n\n  The person does not thank. "
    assert kept(said) == "The person is shorter.\nThe person does not thank."
    assert kept(f"<thinking>\n{said}\n</thinking>") == kept(said)
    assert kept("") == ""


@pytest.mark.parametrize(
    "line",
    [
        "The person speaks of Oslo.",
        "They name May 7 at once.",
        "They ask to bring Ingrid along.",
        'They write "the zebra crossing of Oslo is closed".',
        "They say the zebra crossing of it, and nothing else is closed since then.",
    ],
)
def test_a_line_with_a_fact_of_the_mail_is_left_out(line: str) -> None:
    """Its neighbours stay."""
    found = kept(f"The person is shorter.\n{line}\nThe person does not thank.").splitlines()
    assert found[0] == "The person is shorter."
    assert found[-1] == "The person does not thank."
    assert not any(name in "\n".join(found) for name in ("Oslo", "May 7", "Ingrid"))


def test_a_long_one_is_cut_between_two_lines() -> None:
    """At so many words that the agent does not think for ever."""
    found = kept("\n".join(["one two three four five six seven"] * 100))
    assert 140 < len(found.split()) <= thoughts.MOST_WORDS
    assert set(found.splitlines()) == {"one two three four five six seven"}


# --- of an agent's answer ----------------------------------------------------------------------


@given(st.text(), st.integers(0, 200))
def test_only_the_rules_of_an_answer_are_told(thinking: str, cut: int) -> None:
    """None while it still thinks, and all of them at its end."""
    thinking = thinking.replace(thoughts.CLOSE, "")
    whole = thoughts.with_thinking(thinking, format_rules(RULES))
    assert parse_rules(thoughts.without_thinking(whole)) == RULES
    assert format_rules(RULES).startswith(thoughts.without_thinking(whole[:cut]))


@given(st.text())
def test_an_answer_that_does_not_think_stays_as_it_is(text: str) -> None:
    """Unless it begins as thinking does."""
    if not text.startswith("<"):
        assert thoughts.without_thinking(text) == text


# --- trained and thought -----------------------------------------------------------------------


@pytest.mark.mlx
def test_what_is_learned_is_what_is_thought(tmp_path: Path) -> None:
    """Thinking stands in the data set's answers, and the agent's rules have none of it."""
    splits = split([replace(one, thinking="Shorter.") for one in lessons_of(40)])
    render = replace(bases.render_settings(bases.find("pocket")), thinking=True)
    dataset = write_dataset(tmp_path / "datasets", "work", splits, render)
    _, tokenizer = load(bases.find("pocket"), lazy=True)
    tokens, offset = read_items(dataset.path / "train.jsonl", tokenizer, 1024)[0]
    assert "<thinking>\nShorter.\n</thinking>\n" in tokenizer.decode(tokens[offset:])
    settings = {"epochs": 6, "batch_tokens": 1024}
    request = a_request(tmp_path, 40, splits=splits, settings=settings)
    asked = replace(request, dataset=dataset.path, dataset_hash=dataset.hash)
    trained = train_here(asked, splits)
    agent = Agent(bases.find("pocket"), trained.path)
    xs = [one.x for one in splits.test]
    alone, together = agent.rules(xs[:1], render), agent.rules(xs, render)
    assert all(answer.valid for answer in together)
    assert not any("thinking" in answer.text for answer in (*alone, *together))
    assert alone[0].rules == together[0].rules
    said = agent._generate([agent._prompt(xs[0], render)], 400, lambda: None)[0]
    assert tokenizer.decode(said).startswith("<thinking>\nShorter.\n</thinking>\n")


def test_a_lesson_without_thinking_is_learned_as_it_is(tmp_path: Path) -> None:
    """From before there was any, or of a teacher that keeps it to itself."""
    splits = split(lessons_of(8))
    usual = bases.render_settings(bases.find("pocket"))
    texts = {
        (write_dataset(tmp_path, "work", splits, render).path / "train.jsonl").read_text("utf-8")
        for render in (usual, replace(usual, thinking=True))
    }
    assert len(texts) == 1
