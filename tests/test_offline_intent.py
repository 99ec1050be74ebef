"""The core of a mail as bullets, without how it was said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, TIM

from mlx_agent.large.offline_intent import intent_points, neutral
from mlx_agent.records import Metadata

METADATA = Metadata(sender=NORA, to=(TIM,), subject="The boat")
SENTENCES = st.sampled_from(
    (
        "The boat is ready on Friday.", "Could you bring 12 keys?", "pls send it :)", "I'm late!",
        "got the mast; Anna has the sail", "See https://sea.example/a?b=1 - it's 10 - 12 pages...",
        "It's been 3.5 weeks -- Bo is in Hamburg", "Are you coming?!", "Meet at 5 p.m.?",
        "will come on 2 May", "Also, Cleo writes to nora@falk.example.", "Have a look at No. 7.",
    )
)  # fmt: skip
GREETINGS = st.sampled_from(("Hi Tim,\n\n", "Dear Tim, ", "Tim --\n", ""))
ENDINGS = st.sampled_from(("\n\nBest,\nNora", "\n\nThanks!\n\nN.", "\n\nNora", ""))
JOINTS = st.sampled_from((" ", "\n\n", "  "))
CORES = st.tuples(st.lists(SENTENCES, min_size=1, max_size=5), JOINTS).map(
    lambda core: core[1].join(core[0])
)


def points(text: str) -> tuple[str, ...]:
    return intent_points(text, METADATA)


@pytest.mark.parametrize(
    ("said", "point"),
    [
        ("I'm here.", "I am here"),
        ("it’s been ages!!", "It has been ages"),
        ("pls send the msg tmrw", "Send the message tomorrow"),
        ("Could you please send it?", "Send it"),
        ("Could you be there?", "Could you be there?"),
        ("Got it...", "I got it"),
        ("so... i'll go", "So I will go"),
        ("Are you coming?!", "Are you coming?"),
        ("Are you coming??", "Are you coming?"),
        ("Is it late ?", "Is it late?"),
        ("At 5 p.m.?", "At 5 p.m.?"),
        ("(Is it?)", "(Is it?)"),
        ("We need these:", "We need these:"),
        ("https://sea.example/x", "https://sea.example/x"),
        ("Also, it is late", "Also, it is late"),
        ("Would be great to meet", "Would be great to meet"),
        ("i.e. the boat", "I.e. the boat"),
        ("!!", ""),
        ("", ""),
    ],
)
def test_a_sentence_is_made_plain(said: str, point: str) -> None:
    """Contractions, shorthand, softening words and marks go; the statement stays."""
    assert neutral(said) == point


@given(SENTENCES)
def test_a_plain_sentence_is_as_it_is(sentence: str) -> None:
    """Making it plain twice changes nothing, so a bullet may go through again."""
    assert neutral(neutral(sentence)) == neutral(sentence)


def test_the_bullets_of_a_mail() -> None:
    """In its order, without greeting, courtesies, sign-off and layout."""
    text = (
        "Hi Tim,\n\nThanks for your mail! got the mast; Anna has the sail -- it's red.\n\n"
        "1. Could you call Bo at 10 - 12?\n2. See you on Friday :)\n\nLet me know!\n\nBest,\nNora"
    )
    assert points(text) == (
        "I got the mast",
        "Anna has the sail",
        "It is red",
        "Call Bo at 10-12",
        "See you on Friday",
    )


@given(GREETINGS, CORES, ENDINGS)
def test_no_number_name_or_link_of_the_core_is_lost(greeting: str, core: str, ending: str) -> None:
    """Each stands in a bullet, as often as it was said."""
    said = " ".join(points(f"{greeting}{core}{ending}"))
    for fact in (
        r"\d+(?:\.\d+)?",
        r"\b(?:Anna|Bo|Cleo|Friday|Hamburg|May)\b",
        r"\S+(?:://|@)\S+\w",
    ):
        assert sorted(re.findall(fact, said)) == sorted(re.findall(fact, core))


@given(GREETINGS, CORES, ENDINGS)
def test_no_greeting_or_sign_off_is_left(greeting: str, core: str, ending: str) -> None:
    """They are how, not what."""
    found = points(f"{greeting}{core}{ending}")
    assert found == points(core)
    assert not {"Hi Tim", "Dear Tim", "Tim", "Best", "Thanks", "Nora", "N"} & set(found)


@given(
    st.lists(
        st.sampled_from(("Is it?! :)", "At 5 p.m.?", "Late??", "(Is it?)", "It is.", "Why not ?")),
        min_size=1,
    ),
    JOINTS,
)
def test_a_question_stays_a_question(sentences: list[str], joint: str) -> None:
    """With one mark, and nothing else becomes one."""
    asked = ["?" in sentence for sentence in sentences]
    assert ["?" in point for point in points(joint.join(sentences))] == asked


@given(st.text())
def test_any_text_has_bullets_of_one_line(text: str) -> None:
    """At least one where it holds anything, and none is blank."""
    found = points(text)
    assert bool(found) == bool(text.strip())
    assert all(len(point.splitlines()) == 1 and point.strip() for point in found)


@pytest.mark.parametrize(
    ("text", "bullets"),
    [
        ("Hi Tim,\n\nThanks!\n\nNora", ("Hi Tim, Thanks! Nora",)),
        ("Thanks for your mail!", ("Thanks for your mail",)),
        (":)", (":)",)),
        ("!!!", ("!!!",)),
        (" \n", ()),
    ],
)
def test_a_mail_that_is_all_courtesy_is_its_own_bullet(text: str, bullets: tuple[str, ...]) -> None:
    """Something was said, and a draft must say it."""
    assert points(text) == bullets


@pytest.mark.parametrize(
    ("text", "bullets"),
    [
        ("so be it - or not", ("So be it", "Or not")),
        ("so be it--or not", ("So be it", "Or not")),
        ("so be it – or not; well", ("So be it", "Or not", "Well")),
        ("a two-part thing, 10 – 12 wide", ("A two-part thing, 10-12 wide",)),
    ],
)
def test_a_dash_parts_two_statements(text: str, bullets: tuple[str, ...]) -> None:
    """But not the ends of a range, nor the parts of a word."""
    assert points(text) == bullets
