"""The closed wording of the offline model's rules: a manner to rules and back."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, OWN_TEXTS, TIM

from mlx_agent.large.offline import baseline
from mlx_agent.large.offline_rules import manner_of, rules_for, rules_of
from mlx_agent.records import ASPECTS, Metadata, Rule, X
from mlx_agent.rules import (
    MAX_INSTRUCTION,
    MAX_RULES,
    filter_facts,
    format_rules,
    most_telling,
    parse_rules,
)
from mlx_agent.style import LENGTHS, MARKS, SIGNATURES, Manner, measure
from mlx_agent.wording import SHORTHAND

NAMELESS = Manner(
    greeting="Ahoy", opening="", words=400, closing="", sign_off="Bye", signature="initials"
)
"""Differs from whatever is tested in greeting, sign-off, length and signature; quotes nothing."""

GREETINGS = [
    f"{word}{end}"
    for word in ("Hi {first}", "Dear {name}", "Dear Mr {last}", "Hi", "Dear all", "{first}")
    for end in ("", ",", "!", ":", ".", " -", " --", " –")
]
VALUES: dict[str, tuple[Any, ...]] = {
    "greeting": ("", *GREETINGS),
    "opening": ("", "Hope you are well.", "How's it?"),
    "words": (0, *LENGTHS),
    "sentences": ("short", "medium", "long"),
    "contractions": (False, True),
    "requests": ("please", "could you", "bare"),
    "exclamation": (0, 1, 2),
    "lower_case": (False, True),
    "drop_subject": (False, True),
    "layout": (
        "one block",
        "short paragraphs",
        "a paragraph for each point",
        "numbered list",
        "bulleted list",
    ),
    "shorthand": ((), *((form,) for form in SHORTHAND.values()), tuple(SHORTHAND.values())),
    "marks": ((), *((mark,) for mark in MARKS), MARKS),
    "closing": ("", "Let me know!", "don't wait..."),
    "sign_off": ("", "Best", "Kind regards,", "cheers!", "Thanks.", "Best-", "Best--"),
    "signature": SIGNATURES,
}
MANNERS = st.builds(
    Manner,
    inline=st.booleans(),
    shorthand=st.sets(st.sampled_from(list(SHORTHAND.values()))).map(
        lambda chosen: tuple(form for form in SHORTHAND.values() if form in chosen)
    ),
    marks=st.sets(st.sampled_from(MARKS)).map(
        lambda chosen: tuple(mark for mark in MARKS if mark in chosen)
    ),
    **{
        name: st.sampled_from(values)
        for name, values in VALUES.items()
        if name not in {"shorthand", "marks"}
    },
).map(lambda manner: manner if manner.greeting else replace(manner, inline=False))


INSTRUCTIONS = [rule.instruction for rule in rules_of(Manner(), None)]


def read_back(rules: tuple[Rule, ...], default: Manner) -> Manner:
    """Through the text form, as the agent's rules come."""
    return manner_of(parse_rules(format_rules(rules)), default)


@pytest.mark.parametrize(
    ("slot", "value"), [(slot, value) for slot, values in VALUES.items() for value in values]
)
def test_every_value_of_every_slot_survives_its_rule(slot: str, value: object) -> None:
    """Said, written down, parsed and heard."""
    changed: dict[str, Any] = {slot: value}
    manner = replace(NAMELESS, **changed)
    assert read_back(rules_of(manner, None), Manner()) == manner


@given(MANNERS, MANNERS)
def test_a_manner_survives_its_rules(manner: Manner, default: Manner) -> None:
    """All of them, or what differs from a default."""
    assert read_back(rules_of(manner, None), default) == manner
    assert read_back(rules_of(manner, default), default) == manner


@given(MANNERS)
def test_the_rules_are_short_and_hold_no_fact(manner: Manner) -> None:
    """They are right for a mail to anybody."""
    rules = rules_of(manner, None)
    nobody = X(intent=(), metadata=Metadata(sender=NORA))
    assert filter_facts(rules, nobody) == (rules, ())
    assert all(len(rule.instruction) <= MAX_INSTRUCTION for rule in rules)
    assert all("{" not in rule.instruction for rule in rules)


@given(MANNERS)
def test_what_is_as_in_the_default_is_not_said(manner: Manner) -> None:
    """Except for what a reader sees first."""
    said = [rule.aspect for rule in rules_of(manner, manner)]
    assert said == ["greeting", "length", "sign-off", "signature"]


def test_every_aspect_but_two_is_said_where_there_is_no_default() -> None:
    """Tone and phrases cannot be measured."""
    said = [rule.aspect for rule in rules_of(Manner(), None)]
    assert said == [aspect for aspect in ASPECTS if aspect not in {"tone", "phrases"}]


def test_the_generic_manner_in_words() -> None:
    """A base model was trained on these very words."""
    assert format_rules(rules_of(replace(Manner(), words=40), None)).splitlines() == [
        'Greeting: open with "Dear", the recipient\'s full name and a comma',
        'Opening: begin with "Hope you are well."',
        "Length: about 40 words",
        "Sentences: of medium length",
        "Contractions: use no contractions",
        'Requests: ask with "please"',
        "Exclamation: use no exclamation mark",
        "Capitals: begin sentences with a capital",
        'Subject: keep the "I"',
        "Layout: one block",
        "Shorthand: write every word out",
        "Marks: use commas and full stops alone",
        'Closing: close with "Please do not hesitate."',
        'Sign-off: sign off with "Kind regards" and a comma',
        "Signature: sign with the full name",
    ]


@pytest.mark.parametrize(
    ("aspect", "instruction"),
    [
        ("greeting", "use no greeting."),
        ("greeting", "open with"),
        ("greeting", "open with the recipient's nick name"),
        ("greeting", 'open with "Hi" and a semicolon'),
        ("greeting", 'never open with "Hi"'),
        ("opening", "begin with a joke"),
        ("length", "exactly 43 words"),
        ("length", "about 41 words"),
        ("sentences", "short"),
        ("tone", "warm"),
        ("contractions", "use few contractions"),
        ("requests", "ask nicely"),
        ("exclamation", "use three"),
        ("capitals", "SHOUT"),
        ("subject", "leave it out"),
        ("layout", "three paragraphs"),
        ("shorthand", 'never write "u"'),
        ("shorthand", 'write "lol"'),
        ("marks", "use no dashes"),
        ("phrases", 'say "ahoy"'),
        ("closing", "close warmly"),
        ("sign-off", 'sign off with "Best" and a flourish'),
        ("sign-off", 'sign off without "Best"'),
        ("signature", "sign with the nickname"),
        ("colour", "red"),
    ],
)
def test_an_unknown_wording_changes_nothing(aspect: str, instruction: str) -> None:
    """It is passed over, and the other rules still hold."""
    odd = Rule(aspect=aspect, instruction=instruction)
    assert manner_of((odd,), NAMELESS) == NAMELESS
    heard = manner_of((Rule(aspect="layout", instruction="one block"), odd), NAMELESS)
    assert heard == replace(NAMELESS, layout="one block")


@given(st.sampled_from(ASPECTS), st.text() | st.sampled_from(INSTRUCTIONS))
def test_any_rule_is_heard_or_passed_over(aspect: str, instruction: str) -> None:
    """Nothing raises, whatever a small model writes."""
    heard = manner_of((Rule(aspect=aspect, instruction=instruction),), NAMELESS)
    changed = {
        f.name for f in fields(Manner) if getattr(heard, f.name) != getattr(NAMELESS, f.name)
    }
    said = {rule.aspect for rule in rules_of(heard, NAMELESS)}
    assert said <= {aspect, "greeting", "length", "sign-off", "signature"}
    assert len(changed) <= (2 if aspect == "greeting" else 1)


@pytest.mark.parametrize("own_text", OWN_TEXTS)
def test_the_rules_of_a_mail_are_those_of_its_manner(own_text: str) -> None:
    """With a baseline, what it does not show already; without, everything."""
    x = X(intent=("The boat is ready",), metadata=Metadata(sender=NORA, to=(TIM,)))
    whole = rules_for(x, own_text, None)
    assert whole == most_telling(rules_of(measure(own_text, NORA, (TIM,), Manner()), None))
    assert len(whole) == MAX_RULES
    generic = measure(baseline(x), NORA, (TIM,), Manner())
    found = measure(own_text, NORA, (TIM,), generic)
    distilled = rules_for(x, own_text, baseline(x))
    assert set(distilled) < set(rules_of(found, None))
    assert manner_of(distilled, generic) == found


@pytest.mark.parametrize("before", [True, False])
def test_a_long_courtesy_is_quoted_in_its_short_form(before: bool) -> None:
    """For five words of a mail are a piece of it; a courtesy that says more is no courtesy."""
    x = X(intent=("The boat is ready",), metadata=Metadata(sender=NORA, to=(TIM,)))
    own_text = "I hope you are doing well. The boat is ready. let me know what you think!\n\nNora"
    rules = rules_for(x, own_text, baseline(x) if before else None)
    said = {rule.aspect: rule.instruction for rule in rules}
    assert said["opening"] == 'begin with "Hope you are well."'
    assert said["closing"] == 'close with "let me know!"'
    full = rules_for(x, own_text.replace("doing well", "not at sea"), baseline(x))
    assert {r.aspect: r.instruction for r in full}["opening"] == "go straight to the point"


def test_the_rules_of_one_mail() -> None:
    """Word for word, in the fixed order."""
    x = X(intent=("The boat is ready",), metadata=Metadata(sender=NORA, to=(TIM,)))
    text = "hi Tim -\n\nboat's ready! can't wait...\n\ncheers\nn."
    assert format_rules(rules_for(x, text, baseline(x))).splitlines() == [
        'Greeting: open with "hi", the recipient\'s first name and a dash',
        "Opening: go straight to the point",
        "Length: about 10 words",
        "Contractions: use contractions",
        "Exclamation: use one exclamation mark",
        "Capitals: begin sentences with a small letter",
        "Marks: use dots",
        "Closing: add no closing line",
        'Sign-off: sign off with "cheers"',
        "Signature: sign with the initial in small letters and a full stop",
    ]
