"""The form of a large model's answers, and what is refused."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import OWN_TEXTS, a_lesson

from mlx_agent.errors import AnswerMalformed
from mlx_agent.large.answers import parse_mail, parse_points, parse_rules_answer, parse_verdict
from mlx_agent.large.offline import Offline
from mlx_agent.records import IntentTask, JudgeTask, Rule, RulesTask

AN_X = a_lesson().x


def test_bullets_are_read_after_the_thinking() -> None:
    """Thinking is dropped, blank lines too."""
    text = "The core is - the date.\n\n<points>\n\n- I come\n  - on Tuesday - early \n</points>\n"
    assert parse_points(text) == ("I come", "on Tuesday - early")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- I come", "<points> occurs 0 times"),
        ("<points>- a</points><points>- b</points>", "<points> occurs 2 times"),
        ("<points>\n- I come", "<points> does not enclose an answer"),
        ("</points>\n- I come\n<points>", "<points> does not enclose an answer"),
        ("It says <points>- a</points>.\n<points>\n- b", "<points> occurs 2 times"),
        ("<points>\n</points>", "no bullet"),
        ("<points>\n- \n</points>", "no bullet"),
        ("<points>\nNotes:\n- I come\n</points>", "a line that is no bullet"),
        ("I answer in <points>: \n<points>\n- a\n</points>", "<points> occurs 2 times"),
    ],
)
def test_an_intent_of_another_form_is_refused(text: str, reason: str) -> None:
    """It is asked for again, never guessed at."""
    with pytest.raises(AnswerMalformed) as caught:
        parse_points(text)
    assert (caught.value.prompt, caught.value.reason) == ("intent", reason)


def test_rules_come_out_in_the_fixed_order() -> None:
    """After the thinking."""
    text = "He is terse.\n<rules>\nTone: dry\nGreeting: none\n</rules>"
    assert parse_rules_answer(text) == (
        Rule(aspect="greeting", instruction="none"),
        Rule(aspect="tone", instruction="dry"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Greeting: none", "<rules> occurs 0 times"),
        ("<rules></rules>", "no rule"),
        ("<rules>\n- Mood: none\n</rules>", "a line without a known aspect"),
        ("<rules>Tone: a</rules> or <rules>Tone: b</rules>", "<rules> occurs 2 times"),
    ],
)
def test_rules_of_another_form_are_refused(text: str, reason: str) -> None:
    """With the reason that parsing rules gives."""
    with pytest.raises(AnswerMalformed) as caught:
        parse_rules_answer(text)
    assert (caught.value.prompt, caught.value.reason) == ("rules", reason)


@pytest.mark.parametrize("choice", ["first", "second", "tie"])
def test_a_verdict_is_one_of_three(choice: str) -> None:
    """Blanks around it do not matter."""
    assert parse_verdict(f"Both greet. <verdict>\n{choice} </verdict>") == choice


@pytest.mark.parametrize("text", ["first", "<verdict>First</verdict>", "<verdict>both</verdict>"])
def test_another_verdict_is_refused(text: str) -> None:
    """A judge that does not decide must not count for either side."""
    with pytest.raises(AnswerMalformed):
        parse_verdict(text)


def test_a_mail_keeps_its_inner_lines() -> None:
    """Outer blank lines and the carriage returns go."""
    assert parse_mail("\n\n Hi Tim,\r\n\r\nthe boat\r\n \n", AN_X) == "Hi Tim,\n\nthe boat"


@pytest.mark.parametrize("text", ["", " \n", "\r\n\r\n"])
def test_an_empty_mail_is_refused(text: str) -> None:
    """A draft that says nothing is no draft."""
    with pytest.raises(AnswerMalformed):
        parse_mail(text, AN_X)


@pytest.mark.parametrize(
    "parse", [parse_points, parse_rules_answer, parse_verdict, partial(parse_mail, x=AN_X)]
)
@given(text=st.text())
def test_any_answer_is_parsed_or_refused(parse: Callable[[str], object], text: str) -> None:
    """Nothing else is raised, whatever a model writes."""
    for said in (text, f"<points>{text}</points><rules>{text}</rules><verdict>{text}</verdict>"):
        with suppress(AnswerMalformed):
            assert parse(said)


@pytest.mark.parametrize("own_text", OWN_TEXTS)
async def test_the_stand_in_is_held_to_the_same_form(own_text: str) -> None:
    """What it answers is parsed like a real model's answer."""
    x, offline = a_lesson().x, Offline()
    intent = await offline.complete(IntentTask(own_text=own_text, metadata=x.metadata))
    assert len(parse_points(intent.text)) >= 2
    rules = await offline.complete(RulesTask(x=x, own_text=own_text, baseline=None))
    assert {"greeting", "length"} <= {rule.aspect for rule in parse_rules_answer(rules.text)}
    judge = JudgeTask(x=x, truth=own_text, first="Dear Sir or Madam,\n\nno.", second=own_text)
    assert parse_verdict((await offline.complete(judge)).text) == "second"
