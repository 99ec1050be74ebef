"""Rules: their text form, and the facts that they must not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, OWN_TEXTS, TIM

from benchmarks import leaks
from mlx_agent import codec
from mlx_agent.large.offline import baseline, rules_for
from mlx_agent.records import ASPECTS, ContextMessage, Metadata, Rule, X
from mlx_agent.rules import (
    LEAST_TELLING,
    MAX_INSTRUCTION,
    MAX_RULES,
    RulesMalformed,
    Trusted,
    filter_facts,
    format_rules,
    in_order,
    most_telling,
    parse_rules,
    trusted,
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
    "line",
    [
        "- Sign-off: use none",
        "* sign off: use none",
        "• Signoff: use none",
        "3. Sign-off: use none",
        "12) SIGN-OFF: use none",
        "**Sign-off:** use none",
        "**Sign-off**: use none",
        "**Sign-off: use none**",
        "- **Sign off:**  use none",
        "1. __Sign-off__: use none",
        "Valediction : use none",
        "```\nSign-off: use none\n```",
        "---\n\nSign-off: use none\n\n***",
        "Sign-off: use none\n- sign off: use none",
    ],
)
def test_what_models_put_around_a_rule_is_passed_over(line: str) -> None:
    """Bullets, numbers, bold type, fences, near synonyms, and a rule said twice."""
    assert parse_rules(line) == (Rule(aspect="sign-off", instruction="use none"),)


@pytest.mark.parametrize(
    ("name", "aspect"),
    [
        ("Salutation", "greeting"),
        ("Opening line", "opening"),
        ("Sentence length", "sentences"),
        ("Exclamation marks", "exclamation"),
        ("Capitalization", "capitals"),
        ("Formatting", "layout"),
        ("Punctuation", "marks"),
        ("Common phrases", "phrases"),
        ("Closing_line", "closing"),
    ],
)
def test_near_synonyms_of_an_aspect_are_known(name: str, aspect: str) -> None:
    """Models change the names that they are given a little."""
    assert parse_rules(f"{name}: so")[0].aspect == aspect


def test_an_instruction_keeps_its_own_marks() -> None:
    """Only what stands around the aspect goes."""
    for said in ("**short** sentences", "- no dash", "1. then 2.", "a: b", "use __ and **"):
        assert parse_rules(f"Tone: {said}")[0].instruction == said


def test_two_rules_of_one_aspect_are_one() -> None:
    """If there is room for both."""
    assert parse_rules("Tone: warm\nLength: 9\ntone: dry") == (
        Rule(aspect="length", instruction="9"),
        Rule(aspect="tone", instruction="warm; dry"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no rule"),
        ("---\n```", "no rule"),
        (" \n ", "no rule"),
        ("Be brief.", "a line without a known aspect"),
        ("Tone: warm\nSure, here are the rules:", "a line without a known aspect"),
        ("Colour: red", "a line without a known aspect"),
        ("Colour: red\nTone: warm", "a line without a known aspect"),
        ("Tone and length: warm", "a line without a known aspect"),
        ("Tone - warm", "a line without a known aspect"),
        ("**Tone**", "a line without a known aspect"),
        (f"Tone: {'x' * 150}\ntone: {'y' * 150}", "an aspect occurs twice"),
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


# --- how many -------------------------------------------------------------------------------


@given(RULE_LISTS)
def test_the_least_telling_rules_leave_a_long_list(rules: list[Rule]) -> None:
    """What a reader sees first stays, and of two others the more telling one."""
    kept = most_telling(rules)
    assert len(kept) == min(len(rules), MAX_RULES)
    assert [rule for rule in in_order(rules) if rule in kept] == list(kept)
    gone = {rule.aspect for rule in rules} - {rule.aspect for rule in kept}
    stays = [aspect for aspect in LEAST_TELLING if aspect in {rule.aspect for rule in kept}]
    assert gone <= {*LEAST_TELLING}
    if gone and stays:
        assert max(map(LEAST_TELLING.index, gone)) < LEAST_TELLING.index(stays[0])


def test_every_aspect_but_four_may_leave() -> None:
    """And each is named once."""
    assert sorted((*LEAST_TELLING, "greeting", "length", "sign-off", "signature")) == sorted(
        ASPECTS
    )


# --- facts, where x alone is known ------------------------------------------------------------


def filtered(instruction: str, aspect: str = "phrases") -> str | None:
    """The instruction as it may stay beside AN_X; None if it is dropped."""
    rule = Rule(aspect=aspect, instruction=instruction)
    keep, drop = filter_facts([rule], AN_X)
    if drop:
        assert (keep, drop) == ((), (rule,))
        return None
    assert keep[0].aspect == aspect
    return keep[0].instruction


@pytest.mark.parametrize(
    "instruction",
    [
        "write exactly 43 words",
        "keep to 25-30 words in 2 short paragraphs",
        "between 20 and 30 words",
        "a 40-word mail",
        "2 sentences",
        "at most 1 exclamation mark, 3 bullet points",
        'open with "Dear" and the recipient\'s last name',
        "say I, never we; I'd rather than I would",
        "address them as Mr and the last name",
        "name berth 42",
        "call the boat Skylark",
        "ask about the Old Harbour, see https://harbour.example",
        "sign as Nora",
        'say "let me know", "thanks so much again"',
        'sign off with "Kind Regards" or "Best Wishes"',
        'say "the boat is ready on Friday"',
        "Put the request first. Then give the reason.",
        "use “curly” quotes, 'single' ones, and don't",
    ],
)
def test_a_rule_of_style_stays_as_it_is(instruction: str) -> None:
    """Lengths are style; what x holds may be named, and quoted at any length."""
    assert filtered(instruction) == instruction


@pytest.mark.parametrize(
    "instruction",
    [
        "mention invoice 4711",
        "end with the room number 12b",
        "give 3 reasons",
        "sign with nora@falk.example",
        "link to www.falk.example",
        "point to https://falk.example/boats",
        "attach boats.pdf",
        "greet Wilhelmina as well",
        "always mention Hamburg, the office",
        "answer by Monday",
        "close on the fifth of May",
        "offer twenty dollars",
        "call at half past nine",
    ],
)
def test_a_rule_that_holds_a_fact_of_its_own_mail_is_dropped(instruction: str) -> None:
    """It would be written into every later mail."""
    assert filtered(instruction) is None


@pytest.mark.parametrize(
    ("instruction", "generalised"),
    [
        ('say "let me know if that is all right"', 'say "let me know if..."'),
        ('close with "See you in Hamburg"', 'close with "See you in..."'),
        ('use "ahoy", "off to Hamburg" and "so long"', 'use "ahoy", "off to..." and "so long"'),
        ("be warm (as in Hamburg), but brief", "be warm, but brief"),
        ("be warm, e.g. by naming Hamburg", "be warm"),
        ("be warm; name Hamburg; be brief", "be warm; be brief"),
        ("Be warm. Name invoice 4711.", "Be warm."),
        ("be warm and brief, naming Hamburg", "be warm and brief"),
        ("be warm, unlike the generic mail", "be warm"),
    ],
)
def test_a_rule_is_generalised_where_that_leaves_something(
    instruction: str, generalised: str
) -> None:
    """The quotation, the aside, the clause or the sentence with the fact goes."""
    assert filtered(instruction) == generalised


def test_what_stays_keeps_its_order() -> None:
    """The others are given back too, to be counted."""
    rules = [Rule(aspect="tone", instruction=i) for i in ("warm", "for 88 people", "calm")]
    keep, drop = filter_facts(rules, AN_X)
    assert [rule.instruction for rule in keep] == ["warm", "calm"]
    assert [rule.instruction for rule in drop] == ["for 88 people"]


# --- what a teacher says ----------------------------------------------------------------------

OWN_TEXT = """Hi Tim,

Hope you had a great weekend in Hamburg with Wilhelmina! The boat is ready on Friday, berth 42 is
ours and costs 120 euros. Please let me know if that suits you both.

Cheers,
Nory"""
GENERIC = "Dear Tim Oduya,\n\nI hope this message finds you well. The boat is ready.\n\nNora Falk"


def taught(aspect: str, instruction: str) -> tuple[str | None, Trusted]:
    """What becomes of one rule of a teacher's beside a length that is right."""
    rules = [Rule(aspect=aspect, instruction=instruction)]
    rules += [Rule(aspect="length", instruction="about 40 words")] if aspect != "length" else []
    made = trusted(rules, AN_X, OWN_TEXT, GENERIC)
    return next((r.instruction for r in made.rules if r.aspect == aspect), None), made


@pytest.mark.parametrize(
    ("aspect", "instruction", "generalised", "why"),
    [
        ("greeting", 'Open with "Hi Tim," alone', 'Open with "Hi {first}," alone', "name"),
        ("greeting", "Say “dear tim oduya”", 'Say "dear {name}"', "name"),
        ("greeting", "'Hello Mr Oduya'", '"Hello Mr {last}"', "name"),
        ("greeting", "Start with Hi Tim", "Start with Hi the recipient's first name", "name"),
        ("tone", "Be Tim's friend, tell Tim", "Be the recipient's friend, tell the recipient",
         "name"),
        ("phrases", 'Use "so", "Hamburg" and "ahoy"', 'Use "so" and "ahoy"', "name"),
        ("phrases", 'Use "Hamburg" or "ahoy"', 'Use "ahoy"', "name"),
        ("greeting", 'Write "Hi Wilhelmina,"', 'Write "Hi"', "name"),
        ("opening", "A remark, like a wish for Hamburg", "A remark", "name"),
        ("opening", 'Say "Hope you had a great weekend"', 'Say "Hope you had a..."', "run"),
        ("opening", "Hope you had a great time; be brief", "be brief", "run"),
        ("opening", 'Never "I hope this message finds you well"', 'Never "I hope this message..."',
         "run"),
        ("tone", "Warm. Wilhelmina is family. Be dry.", "Warm. Be dry.", "name"),
        ("sign-off", 'End with "Cheers, Nory"', 'End with "Cheers"', "name"),
        ("tone", "Casual, unlike the generic mail", "Casual", "comparison"),
        ("tone", "Unlike the original, be dry", "be dry", "comparison"),
        ("sign-off", 'Use "Cheers," rather than the baseline\'s "Regards"', 'Use "Cheers,"',
         "comparison"),
        ("length", "About 40 words, shorter than the generic mail", "About 40 words", "comparison"),
        ("length", "Exactly 90 words in one block", "about 40 words in one block", "length"),
        ("length", "Keep it short", "about 40 words; Keep it short", "length"),
    ],
)  # fmt: skip
def test_what_belongs_to_the_mail_is_taken_out_of_a_rule(
    aspect: str, instruction: str, generalised: str, why: str
) -> None:
    """And counted by what it was."""
    said, made = taught(aspect, instruction)
    assert said == generalised
    assert (made.generalised, made.dropped) == ({why: 1}, {})


@pytest.mark.parametrize(
    ("aspect", "instruction", "why"),
    [
        ("signature", 'Sign as "Nory"', "name"),
        ("signature", "Nory", "name"),
        ("phrases", 'Say "Hamburg"', "name"),
        ("greeting", '"Wilhelmina,"', "name"),
        ("tone", "Shorter and warmer than the original", "comparison"),
        ("tone", "The person's mail is warm", "comparison"),
        ("closing", "Ask for an answer by Monday", "date"),
        ("phrases", "Say that it costs 120 euros", "amount"),
        ("opening", "Say that you hope you had a great weekend", "run"),
    ],
)
def test_a_rule_of_which_nothing_is_left_is_dropped(
    aspect: str, instruction: str, why: str
) -> None:
    """And counted."""
    said, made = taught(aspect, instruction)
    assert said is None
    assert (made.generalised, made.dropped) == ({}, {why: 1})


@pytest.mark.parametrize(
    ("aspect", "instruction"),
    [
        ("greeting", 'Open with "Hi" and the recipient\'s first name'),
        ("greeting", "No greeting"),
        ("sign-off", 'Use "Cheers," rather than "Kind Regards,"'),
        ("signature", 'Sign with "Nora"'),
        ("length", "Three sentences of about 12 words each"),
        ("length", "35 to 40 words"),
        ("layout", "Two short paragraphs, the news first"),
        ("opening", "Thank the recipient for their message"),
        ("phrases", 'Use "suits you both"'),
        ("tone", "Write as to a friend, in the original sense"),
    ],
)
def test_what_can_be_trusted_stays_as_it_is(aspect: str, instruction: str) -> None:
    """A rule of style that stands alone."""
    said, made = taught(aspect, instruction)
    if "original" not in instruction:
        assert said == instruction
        assert (made.generalised, made.dropped) == ({}, {})


def test_a_length_that_is_missing_is_stated() -> None:
    """In the closed wording, for we can count."""
    made = trusted([Rule(aspect="tone", instruction="dry")], AN_X, OWN_TEXT, GENERIC)
    assert made.rules[0] == Rule(aspect="length", instruction="about 40 words")
    assert made.generalised == {"length": 1}


def test_where_nothing_is_left_nothing_is_added() -> None:
    """So that the sample can be set aside."""
    made = trusted([Rule(aspect="tone", instruction="as in Hamburg")], AN_X, OWN_TEXT, None)
    assert made == Trusted(rules=(), generalised={}, dropped={"name": 1})


def test_a_list_of_every_aspect_is_brought_to_twelve() -> None:
    """The five least telling go, and are counted."""
    rules = [Rule(aspect=aspect, instruction="so, 40 words") for aspect in ASPECTS]
    made = trusted(rules, AN_X, OWN_TEXT, GENERIC)
    assert {r.aspect for r in rules} - {r.aspect for r in made.rules} == {*LEAST_TELLING[:5]}
    assert (made.generalised, made.dropped) == ({}, {"over twelve": 5})


PIECES = st.sampled_from(
    [
        *("Use", "no", "be brief", "warm", "the recipient", "rather than", "unlike", "with", "and"),
        *("the generic mail", "the original", ",", ";", ".", "(", ")", "e.g.", "like", "Tim's"),
        *("Hamburg", "Wilhelmina", "Nory", "Tim", "Friday", "Monday", "4711", "5pm", "120 euros"),
        *('"Hi Tim,"', '"Hope you had a great weekend in Hamburg"', "'See you Monday'", "x@y.org"),
        *("let me know if that suits you both", '"', "“", "a.pdf", "www.a.de", "20 words", "-"),
        *("hope you had a great weekend", '"Wilhelmina"', "“finds you well. The boat is ready”"),
    ]
)
SAID = st.lists(PIECES, min_size=1, max_size=12).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from(ASPECTS), SAID | INSTRUCTION), min_size=1, max_size=8))
def test_whatever_a_teacher_says_nothing_leaks(said: list[tuple[str, str]]) -> None:
    """By the independent checker; and what is trusted once is trusted again."""
    rules = [Rule(aspect=a, instruction=i) for a, i in dict(said).items() if len(i) <= 240]
    made = trusted(rules, AN_X, OWN_TEXT, GENERIC)
    lesson = leaks.Lesson(
        codec.to_data(AN_X), [codec.to_data(rule) for rule in made.rules], OWN_TEXT, GENERIC
    )
    for rule in lesson.rules:
        assert leaks.leaks(lesson, rule["instruction"]) == set()
        assert leaks.flaws(lesson, rule) == set()
    if made.rules:
        assert "length" in {rule.aspect for rule in made.rules}
    assert trusted(made.rules, AN_X, OWN_TEXT, GENERIC).rules == made.rules
    assert filter_facts(made.rules, AN_X) == (made.rules, ())


@pytest.mark.parametrize("own_text", OWN_TEXTS)
def test_the_stand_in_needs_no_correction(own_text: str) -> None:
    """Its rules are trusted as they are."""
    x = X(intent=("The boat is ready",), metadata=Metadata(sender=NORA, to=(TIM, KIM)))
    for before in (baseline(x), None):
        rules = rules_for(x, own_text, before)
        made = trusted(rules, x, own_text, before)
        assert made == Trusted(rules=rules, generalised={}, dropped={})
