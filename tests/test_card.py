"""The style card: what most of an account's mails do."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, OWN_TEXTS, TIM

from mlx_agent.card import majority, style_card
from mlx_agent.large.offline import intent_points, write
from mlx_agent.records import ASPECTS, Metadata, Rule, StyleCard, X
from mlx_agent.rules import format_rules, most_telling

METADATA = Metadata(sender=NORA, to=(TIM,), subject="The boat")
RULES = st.lists(
    st.builds(Rule, aspect=st.sampled_from(ASPECTS), instruction=st.sampled_from("abc")),
    unique_by=lambda rule: rule.aspect,
)


def of(*instructions: str) -> list[list[Rule]]:
    """A list of tones, a rule each; an empty one is silence."""
    return [[Rule(aspect="tone", instruction=i)] if i else [] for i in instructions]


def an_x(own_text: str) -> X:
    return X(intent=intent_points(own_text, METADATA), metadata=METADATA)


def test_a_card_is_measured_from_mails() -> None:
    """The usual rule of each aspect, in the fixed order, and from how many mails."""
    card = style_card([(an_x(text), text) for text in OWN_TEXTS])
    assert card.mails == 4
    assert format_rules(card.rules).splitlines() == [
        'Greeting: open with "Hello", the recipient\'s first name and a comma',
        "Opening: go straight to the point",
        "Length: about 15 words",
        "Contractions: use contractions",
        "Closing: add no closing line",
        'Sign-off: sign off with "Cheers" and a comma',
        "Signature: sign with the first name",
    ]


def test_a_draft_by_the_card_is_in_the_usual_manner() -> None:
    """It is what drafts fall back to before there is an agent."""
    card = style_card([(an_x(text), text) for text in OWN_TEXTS])
    x = X(intent=("It is not the mast", "Bring the sail"), metadata=METADATA)
    assert write(x, card.rules) == (
        "Hello Tim,\n\nIt's not the mast. Please bring the sail.\n\nCheers,\nNora"
    )


def test_no_mails_make_no_rules() -> None:
    """The card is then silent."""
    assert style_card([]) == majority([]) == StyleCard(rules=(), mails=0)


@pytest.mark.parametrize(
    ("said", "usual"),
    [
        (("warm", "cold", "warm"), "warm"),
        (("warm", "", ""), ""),
        (("warm", "warm", ""), "warm"),
        (("warm", "cold"), "cold"),
        (("", "warm"), ""),
        (("warm", "cold", "dry", "", ""), ""),
    ],
)
def test_the_commonest_instruction_wins(said: tuple[str, ...], usual: str) -> None:
    """Silence counts as one; of a tie, the first in order of the alphabet, silence before all."""
    expected = (Rule(aspect="tone", instruction=usual),) if usual else ()
    assert majority(of(*said)) == StyleCard(rules=expected, mails=len(said))


@given(RULES, st.integers(1, 4))
def test_equal_mails_have_their_own_rules_as_a_card(rules: list[Rule], times: int) -> None:
    """In the order and the number of any list of rules."""
    assert majority([rules] * times) == StyleCard(rules=most_telling(rules), mails=times)


@given(st.lists(RULES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_mails_does_not_matter(lists: list[list[Rule]], random: Random) -> None:
    """A card is of all of them, and says nothing that none of them says."""
    card = majority(lists)
    assert majority(random.sample(lists, len(lists))) == card
    assert {*card.rules} <= {rule for rules in lists for rule in rules}
