"""Facts: what is one, and whether x holds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, TIM

from mlx_agent.facts import RUN, Fact, find, foreign, held, names_in, runs
from mlx_agent.records import Address, ContextMessage, Metadata, Recipient, X

AN_X = X(
    intent=("the boat is ready on Friday", "berth 15 costs 1,200 a year", "train at 5pm"),
    metadata=Metadata(
        sender=NORA,
        to=(TIM,),
        cc=(KIM,),
        subject="The Skylark",
        recipient=Recipient(sign_off="Fair winds and high tides,"),
    ),
    context=(
        ContextMessage(
            author=Address(address="mo.berg@sea.example"),
            text="Is Old Harbour open? See https://sea.example/a, and plan.pdf for $40",
        ),
    ),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to tim@oduya.example!", {"tim@oduya.example": "address"}),
        ("see https://sea.example/a).", {"https://sea.example/a": "link"}),
        ("see www.sea.example or sea.com/x", {"www.sea.example": "link", "sea.com/x": "link"}),
        ("the plan.pdf, boat-2.XLSX", {"plan.pdf": "file", "boat-2.XLSX": "file"}),
        ("$5, 20 euros, 3%", {"$5": "amount", "20 euros": "amount", "3%": "amount"}),
        ("within two days", {"two days": "amount"}),
        ("twenty dollars", {"twenty dollars": "amount"}),
        ("at 5pm or 17:30", {"5pm": "time", "17:30": "time"}),
        ("at noon, half past nine", {"noon": "time", "half past nine": "time"}),
        ("three o'clock", {"three o'clock": "time"}),
        ("on friday, the 3rd of June", {"friday": "date", "3rd": "number", "June": "date"}),
        ("on the fifth of May", {"fifth of May": "date"}),
        ("by Wed or in Sept.", {"Wed": "date", "Sept": "date"}),
        ("berth 12b costs 1,200", {"12b": "number", "1,200": "number"}),
        ("so Nora's boat and Élodie", {"Nora": "name", "Élodie": "name"}),
        ("costs US$5", {"US$5": "number"}),
        ("now:https://sea.example/a", {"https://sea.example/a": "link"}),
        ("Seehttps://sea.example/a", {"https://sea.example/a": "link"}),
        ("thewww.sea.example", {"www.sea.example": "link"}),
        ("euros€5", {"euros€5": "number"}),
        ('Boats. Masts; "Sails" (Oars) - Ropes: Tar', {}),
        ("Dear Mr Everyone, I am, I'm ok with Kind Regards", {}),
        ("one may march in the sun", {}),
        ("the first two sails, with one mast", {}),
        ("", {}),
    ],
)
def test_a_fact_is_known_by_its_looks(text: str, found: dict[str, str]) -> None:
    """With the marks of the sentence left out."""
    assert {fact.text: fact.kind for fact in find(text)} == found


@pytest.mark.parametrize(
    "text",
    [
        "berth 15 and 1,200",
        "at 5 pm or 5",
        "on Friday and friday",
        "ask Tim, Kim or Mo Berg",
        "ask Oduya of Old Harbour",
        "https://sea.example/a and Plan.pdf",
        "the 15th",
        "$40 or 40 dollars",
    ],
)
def test_x_holds_what_stands_in_it(text: str) -> None:
    """In its points, subject and context, or as a name of its people; written like that or near."""
    assert foreign(find(text), held(AN_X, addresses=False)) == ()


@pytest.mark.parametrize(
    "text",
    ["1 o", "a 200", "at 15:00", "in June", "ask Ann", "https://sea.example/b", "boat.pdf", "15b"],
)
def test_x_does_not_hold_the_part_of_a_whole(text: str) -> None:
    """The 200 of 1,200 is another number."""
    assert len(foreign(find(text), held(AN_X, addresses=False))) == 1


def test_addresses_belong_to_x_where_they_are_asked_for() -> None:
    """Nobody who reads a rendered x sees them."""
    (fact,) = find("write to tim@oduya.example")
    assert held(AN_X, addresses=True).holds(fact)
    assert not held(AN_X, addresses=False).holds(fact)


@given(st.text())
def test_x_holds_every_fact_of_its_own_text(text: str) -> None:
    """Whatever it is."""
    known = held(X(intent=(text,), metadata=Metadata(sender=NORA)), addresses=False)
    assert foreign(find(text), known) == ()
    assert known.holds_run(text)


@given(st.text())
def test_facts_stand_where_they_say(text: str) -> None:
    """In order, without overlap."""
    end = 0
    for fact in find(text):
        assert isinstance(fact, Fact)
        assert end <= fact.start < fact.end
        assert text[fact.start : fact.end] == fact.text
        end = fact.end


def test_a_run_is_five_words() -> None:
    """In small letters, whatever marks and lines stand between them."""
    text = "Let me know,\nif it's Fine."
    assert [run for run, _, _ in runs(text)] == [
        ("let", "me", "know", "if", "it's"),
        ("me", "know", "if", "it's", "fine"),
    ]
    assert next(text[start:end] for _, start, end in runs(text)) == "Let me know,\nif it's"
    assert list(runs("one two three four")) == []
    assert RUN == 5


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("the boat is ready on Friday", True),
        ("THE BOAT, is ready on", True),
        ("boat is ready", True),
        ("fair winds and high tides", True),
        ("is Old Harbour open see", True),
        ("the boat is ready on Monday", False),
        ("ready on Friday berth 15", True),
        ("so the boat is ready", False),
    ],
)
def test_x_holds_a_run_of_its_words(words: str, holds: bool) -> None:
    """Fewer than five are none."""
    assert held(AN_X, addresses=False).holds_run(words) is holds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi Ann,\n\nI saw Bo's boat.\n\nCheers,\nNory", {"Ann", "Bo", "Nory"}),
        ("Hi Ann,\n\nthanks!\n\nNory Falk", {"Ann", "Nory", "Falk"}),
        ("I will ask Will, and will ask Mark. A mark.", set()),
        ("Sounds Great", {"Great"}),
        ("It is late.\n\nKind Regards", set()),
        ("It is late.\n\nSee you later", set()),
        ("", set()),
    ],
)
def test_the_names_of_a_mail(text: str, found: set[str]) -> None:
    """Inside its sentences, and under it; no word that it writes in small letters too."""
    assert names_in(text) == found


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "1", "1,", "Aa ", "a+", "5pm ", "www.", "\"'"])
def test_a_long_text_is_searched_in_one_go(piece: str) -> None:
    """A text of a hundred thousand letters would else never end."""
    find(piece * (100_000 // len(piece)))
