"""A draft held against x: whether all of x is in it, and all of it in x."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, TIM

from mlx_agent.checks import uncovered, unsupported
from mlx_agent.large.offline import baseline
from mlx_agent.records import ContextMessage, Metadata, X

AN_X = X(
    intent=("the boat is ready on Friday", "berth 15 costs 1,200 a year", "train at 5pm"),
    metadata=Metadata(sender=NORA, to=(TIM,), cc=(KIM,), subject="The Skylark"),
    context=(ContextMessage(author=TIM, text="Is Old Harbour open? See https://sea.example/a."),),
)


@pytest.mark.parametrize(
    ("point", "draft"),
    [
        ("the boats are ready", "The boat is ready."),
        ("I do not agree", "I don't agree."),
        ("I don't agree", "I do not agree."),
        ("it's done", "All of it is done."),
        ("send the message tomorrow", "Pls send the msg tmrw"),
        ("BERTH 15", "berth 15"),
        ("is this it?", "Yes."),
        ("please thank them", ""),
        ("", ""),
        ("ask Anna for the big red sail", "Anna, what of the red sail?"),
    ],
)
def test_a_bullet_is_covered_by_most_of_its_words(point: str, draft: str) -> None:
    """In any case and number, contracted or short; small words do not count."""
    assert uncovered([point], draft) == ()


@pytest.mark.parametrize(
    ("point", "draft"),
    [
        ("the boat is ready", "The mast is ready now."),
        ("berth 15", "berth 150"),
        ("does this boat float", "This does, thanks."),
        ("ask Anna", "Ask her."),
        ("so be it", ""),
    ],
)
def test_a_bullet_is_missing_where_its_words_are(point: str, draft: str) -> None:
    """The user is shown which."""
    assert uncovered(["", point, ""], draft) == ((1,) if point != "so be it" else ())


@given(st.lists(st.text(), max_size=4))
def test_what_says_everything_covers_everything(points: list[str]) -> None:
    """Whatever the bullets are."""
    assert uncovered(points, "\n".join(points)) == ()


@given(st.lists(st.text(max_size=20), max_size=4), st.text())
def test_positions_are_those_of_the_bullets(points: list[str], draft: str) -> None:
    """In order, each once."""
    found = uncovered(points, draft)
    assert sorted(set(found)) == list(found)
    assert set(found) <= set(range(len(points)))


@pytest.mark.parametrize(
    ("draft", "odd"),
    [
        ("We need 5 sails", ()),
        ("We need 15 sails", ()),
        ("We need 20 sails", ("20",)),
        ("It is 1,200 and not 1,300.", ("1,300",)),
        ("At 1 sharp", ("1",)),
        ("1. The boat\n2. The berth", ()),
        ("See https://sea.example/a)", ()),
        ("See https://sea.example/b.", ("https://sea.example/b",)),
        ("Write to tim@oduya.example!", ()),
        ("Write to tim@sea.example!", ("tim@sea.example",)),
        ("I asked Kim and Ann, so Nora's boat is in Old Harbour", ("Ann",)),
        ("Dear Mr Oduya, is it OK? I'm, as Tim is, on the Skylark", ()),
        ("Hello Everyone, hi All", ()),
        ("Dear Bo, so it is. Boats are dear.", ("Bo",)),
        ("It costs 99, yes 99, says Bo; Bo says so", ("99", "Bo")),
        ("", ()),
    ],
)
def test_a_fact_that_x_does_not_hold_is_named(draft: str, odd: tuple[str, ...]) -> None:
    """Numbers, links, addresses and names, each once, without the marks around it."""
    assert unsupported(draft, AN_X) == odd


def test_the_generic_mail_holds_nothing_of_its_own() -> None:
    """And says everything."""
    draft = baseline(AN_X)
    assert unsupported(draft, AN_X) == ()
    assert uncovered(AN_X.intent, draft) == ()


@given(st.text())
def test_any_draft_is_checked(draft: str) -> None:
    """What is named stands in the draft, and not in x."""
    odd = unsupported(draft, AN_X)
    assert all(fact in draft for fact in odd)
    assert unsupported(draft, X(intent=(draft,), metadata=AN_X.metadata)) == ()
