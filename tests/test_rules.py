"""Rules: their text form, and the facts that they must not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, TIM

from mlx_agent.records import ASPECTS, ContextMessage, Metadata, Rule, X
from mlx_agent.rules import (
    MAX_INSTRUCTION,
    RulesMalformed,
    filter_facts,
    format_rules,
    in_order,
    parse_rules,
)

AN_X = X(
    intent=("the boat is ready on Friday", "berth 42 is ours"),
    metadata=Metadata(sender=NORA, to=(TIM,), subject="The Skylark"),
    context=(ContextMessage(author=TIM, text="Is Old Harbour open? See https://harbour.example"),),
)

INSTRUCTION = (
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=80)
    .map(str.strip)
    .filter(bool)
)
RULE_LISTS = st.lists(
    st.builds(Rule, aspect=st.sampled_from(ASPECTS), instruction=INSTRUCTION),
    unique_by=lambda rule: rule.aspect,
    min_size=1,
)


def test_the_text_form_is_one_rule_a_line() -> None:
    """With the aspect as a heading."""
    rules = (
        Rule(aspect="greeting", instruction="use no greeting"),
        Rule(aspect="sign-off", instruction="none: stop"),
    )
    text = "Greeting: use no greeting\nSign-off: none: stop"
    assert format_rules(rules) == text
    assert parse_rules(text) == rules


@given(RULE_LISTS)
def test_rules_survive_their_text_form(rules: list[Rule]) -> None:
    """In the fixed order, whatever order they had."""
    assert parse_rules(format_rules(rules)) == in_order(rules)


def test_aspects_are_read_in_any_case_and_order() -> None:
    """And come out in the fixed order."""
    found = parse_rules("\n  TONE : warm \n\ngreeting: none\n")
    assert [(rule.aspect, rule.instruction) for rule in found] == [
        ("greeting", "none"),
        ("tone", "warm"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no rule"),
        (" \n ", "no rule"),
        ("Be brief.", "a line without a known aspect"),
        ("Tone: warm\nSure, here are the rules:", "a line without a known aspect"),
        ("Colour: red", "a line without a known aspect"),
        ("Tone: warm\ntone: cold", "an aspect occurs twice"),
        ("Tone: ", "an instruction that is empty or too long"),
        (f"Tone: {'x' * (MAX_INSTRUCTION + 1)}", "an instruction that is empty or too long"),
    ],
)
def test_what_is_no_list_of_rules_is_refused_whole(text: str, reason: str) -> None:
    """The reason quotes nothing of it."""
    with pytest.raises(RulesMalformed) as caught:
        parse_rules(text)
    assert caught.value.reason == reason


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing else is raised, whatever a model writes."""
    try:
        found = parse_rules(text)
    except RulesMalformed:
        return
    assert parse_rules(format_rules(found)) == found


def kept(instruction: str) -> bool:
    rule = Rule(aspect="phrases", instruction=instruction)
    keep, drop = filter_facts([rule], AN_X)
    assert (keep + drop) == (rule,)
    return keep == (rule,)


@pytest.mark.parametrize(
    "instruction",
    [
        "write exactly 43 words",
        "keep to 25-30 words in 2 short paragraphs",
        "between 20 and 30 words",
        "a 40-word mail",
        "2 sentences",
        'open with "Dear" and the recipient\'s last name',
        "say I, never we; I'd rather than I would",
        "address them as Mr and the last name",
        "name berth 42",
        "call the boat Skylark",
        "ask about the Old Harbour, see https://harbour.example",
        "sign as Nora",
        'say "let me know if that is all right"',
    ],
)
def test_a_rule_of_style_stays(instruction: str) -> None:
    """Lengths are style; what x holds may be named."""
    assert kept(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "mention invoice 4711",
        "end with the room number 12b",
        "give 3 reasons",
        "sign with nora@falk.example",
        "link to www.falk.example",
        "point to https://falk.example/boats",
        "greet Wilhelmina as well",
        'close with "See you in Hamburg"',
        "always mention Hamburg, the office",
        'say "the tide is out at seven and so are all of us"',
    ],
)
def test_a_rule_that_holds_a_fact_of_its_own_mail_is_dropped(instruction: str) -> None:
    """It would be written into every later mail."""
    assert not kept(instruction)


def test_what_stays_keeps_its_order() -> None:
    """The others are given back too, to be counted."""
    rules = [Rule(aspect="tone", instruction=i) for i in ("warm", "for 88 people", "calm")]
    keep, drop = filter_facts(rules, AN_X)
    assert [rule.instruction for rule in keep] == ["warm", "calm"]
    assert [rule.instruction for rule in drop] == ["for 88 people"]
