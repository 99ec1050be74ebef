"""A draft held against x: whether all of x is in it, and all of it in x, in the right language."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, TIM

from mlx_agent.checks import check, uncovered, unsupported
from mlx_agent.findings import Checks, Uncovered, Unsupported, WrongLanguage
from mlx_agent.large.offline import baseline
from mlx_agent.records import ContextMessage, DraftTask, Metadata, Rule, X

ABOUT = Metadata(sender=NORA, to=(TIM,), cc=(KIM,), subject="The Skylark")
AN_X = X(
    intent=("the boat is ready on Friday", "berth 15 costs 1,200 a year", "train at 5pm"),
    metadata=ABOUT,
    context=(ContextMessage(author=TIM, text="Is Old Harbour open? See https://sea.example/a."),),
)


def an_x(*points: str) -> X:
    return X(intent=points, metadata=ABOUT)


def odd(draft: str, x: X = AN_X) -> tuple[str, ...]:
    """The unsupported facts, each once."""
    return tuple(dict.fromkeys(fact.text for fact in unsupported(draft, DraftTask(x=x))))


# --- bullets ----------------------------------------------------------------------------------


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
    assert uncovered(an_x(point), draft) == ()


@pytest.mark.parametrize(
    ("point", "draft"),
    [
        ("away until the 14th, can't make it", "I can't make it, as I'll be away until 14 May."),
        ("ask if he can send the invoice again", "Could you please resend the invoice?"),
        ("meeting moved to 3pm", "The meeting has been rescheduled to 15:00."),
        ("ok with the price", "The price is fine with me."),
        ("need the report by Monday", "I would need your report by Monday at the latest."),
        ("thank him for the photos", "Many thanks for the pictures!"),
        ("tell Tim I'll be late by 20 minutes", "I'm running about twenty minutes late."),
        ("two tickets for Saturday please", "Could we have 2 tickets for Saturday?"),
        ("budget is 1,000 euros", "Our budget is €1000."),
        ("call me on 555-0134", "You can reach me by phone at 555-0134."),
        ("Anna Bell will join", "Anna will be joining us."),
        ("confirm the booking for 4 people", "This confirms our booking for four people."),
        ("deadline is 4 June", "The deadline is June 4th."),
        ("is the hall free at 7.30pm?", "Would the hall be available at 19:30?"),
        ("two boats are in", "Both boats are in."),
        ("late by 30 minutes", "I shall be 30\nminutes late."),
        ("see https://sea.example/a?b=1", "Have a look: [here](https://sea.example/a?b=1)."),
        ("they offered me the job", "They have offered me the position."),
        ("no, too expensive", "I'm afraid that is too expensive for us."),
        ("I do not agree", "I disagree."),
        ("do not want it", "I am unable to take it, though I wanted it."),
        ("Treffen um 15 Uhr am Montag", "Wir sehen uns am Montag um 15:00 zum Treffen."),
        ("rendez-vous lundi à 15h", "Je confirme notre rendez-vous de lundi à 15 heures."),
    ],
)
def test_a_paraphrase_covers_a_bullet(point: str, draft: str) -> None:
    """Its facts are there in another form, and most words by their like."""
    assert uncovered(an_x(point), draft) == ()


@pytest.mark.parametrize(
    ("point", "draft", "facts"),
    [
        ("the boat is ready", "The mast is ready now.", ()),
        ("does this boat float", "This does, thanks.", ()),
        ("thank him for the photos", "See you on Monday.", ()),
        ("berth 15", "berth 150", ("15",)),
        ("ask Anna", "Ask her.", ("Anna",)),
        ("ask Anna Bell", "Ask the bellman.", ("Anna Bell",)),
        ("can't make it on Thursday", "I can't make it on Tuesday.", ("Thursday",)),
        ("meeting at 3pm", "The meeting is at 4pm.", ("3pm",)),
        ("budget is 1,000 euros", "Our budget is 100 euros.", ("1,000 euros",)),
        ("two tickets", "Three tickets, please.", ("two",)),
        ("the invoice comes on 4 May", "The invoice comes on 5 May.", ("4",)),
        ("pay 40 dollars", "Please pay 40 euros.", ("40 dollars",)),
        ("see plan.pdf", "See sketch.pdf", ("plan.pdf",)),
        ("look at https://sea.example/a", "Look at sea.example/b", ("https://sea.example/a",)),
        ("it is not open", "It is open.", ()),
        ("I can't come on Friday", "I can come on Friday.", ()),
        ("the invoice is not paid", "The invoice is paid, for your information.", ()),
    ],
)
def test_a_bullet_is_missing_where_its_words_or_facts_are(
    point: str, draft: str, facts: tuple[str, ...]
) -> None:
    """The user is shown which bullet, and which facts of it."""
    assert uncovered(an_x("", point, ""), draft) == (Uncovered(position=1, facts=facts),)


def test_of_a_bullet_in_another_language_the_facts_are_looked_for() -> None:
    """Nobody here translates: a number, a day and a name are the same in both."""
    x = an_x("invoice for Mia Berg comes on May 4", "it is 40 euros")
    draft = "Hallo Tim,\n\ndie Rechnung für Mia kommt am 4. Mai und es sind 40 Euro.\n\nGrüße\nNora"
    assert uncovered(x, draft) == ()
    less = draft.replace("40 Euro", "viele Euro").replace("4. Mai", "5. Mai")
    assert [one.facts for one in uncovered(x, less)] == [("4",), ("40 euros",)]


@given(st.lists(st.text(), max_size=4))
def test_what_says_everything_covers_everything(points: list[str]) -> None:
    """Whatever the bullets are."""
    assert uncovered(an_x(*points), "\n".join(points)) == ()


@given(st.lists(st.text(max_size=20), max_size=4), st.text())
def test_positions_are_those_of_the_bullets(points: list[str], draft: str) -> None:
    """In order, each once."""
    found = [one.position for one in uncovered(an_x(*points), draft)]
    assert sorted(set(found)) == found
    assert set(found) <= set(range(len(points)))


# --- facts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "found"),
    [
        ("We need 5 sails", ()),
        ("We need 15 sails", ()),
        ("We need 20 sails", ("20",)),
        ("We need twenty sails", ("twenty",)),
        ("All three are said", ()),
        ("It is 1,200 and not 1,300.", ("1,300",)),
        ("It is 1200, or 1.200", ()),
        ("At 1 sharp", ("1",)),
        ("It leaves at 17:00, at 5 p.m.", ()),
        ("It leaves at 5am, 18:00", ("5am", "18:00")),
        ("Friday or Freitag, not Monday", ("Monday",)),
        ("1. The boat\n2. The berth", ()),
        ("See https://sea.example/a)", ()),
        ("See https://sea.example/b.", ("https://sea.example/b",)),
        ("Write to tim@oduya.example!", ()),
        ("Write to im@oduya.example!", ("im@oduya.example",)),
        ("Write to tim@sea.example!", ("tim@sea.example",)),
        ("I asked Kim and Ann, so Nora's boat is in Old Harbour", ("Ann",)),
        ("Ann will join. Ann Bell is late. Dinner is ready.", ("Ann", "Bell")),
        ("Dear Mr Oduya, is it OK? I'm, as Tim is, on the Skylark", ()),
        ("Hello Everyone, hi All", ()),
        ("Dear Bo, so it is. Boats are dear.", ("Bo",)),
        ("It costs 99, yes 99, says Bo; Bo says so", ("99", "Bo")),
        ("It is ready.\n\nCheers,\nNora", ()),
        ("It is ready.\n\nCheers,\nMia", ("Mia",)),
        ("See the plan.pdf for $40", ("plan.pdf", "$40")),
        ("", ()),
    ],
)
def test_a_fact_that_x_does_not_hold_is_named(draft: str, found: tuple[str, ...]) -> None:
    """In whatever form x may hold it, without the marks around it."""
    assert odd(draft) == found


def test_a_german_noun_is_no_name() -> None:
    """Where every noun has a capital, a name is known by the greeting before it."""
    x = replace(AN_X, intent=("Boot ist fertig",))
    said = "Hallo Herr Oduya,\n\ndas Boot ist fertig und die Rechnung kommt mit der Post."
    assert odd(said, x) == ()
    assert odd(said.replace("Oduya", "Bo"), x) == ("Bo",)


def test_the_users_own_word_supports_a_fact() -> None:
    """An instruction, and the phrases that a rule quotes; what a rule counts is none of it."""
    draft = "It is 40 euros. Happy Friday! We need 20."
    task = DraftTask(x=an_x("the price"))
    assert [fact.text for fact in unsupported(draft, task)] == ["40 euros", "Friday", "20"]
    told = replace(
        task,
        instruction="say that it costs 40 euros",
        rules=(
            Rule(aspect="closing", instruction='close with "Happy Friday!"'),
            Rule(aspect="length", instruction="about 20 words"),
        ),
    )
    assert [fact.text for fact in unsupported(draft, told)] == ["20"]


def test_a_fact_has_its_kind_and_its_place() -> None:
    """Offsets into the draft's own text, list numbers and line ends included."""
    draft = "1. Ask Bo.\n2. Pay 40\neuros by 6 June, 7pm:\nbo@sea.example, www.sea.example, a.pdf"
    found = unsupported(draft, DraftTask(x=an_x("ask")))
    assert [fact.kind for fact in found] == [
        *("name", "amount", "number", "date", "time", "address", "link", "file"),
    ]
    assert all(draft[fact.start : fact.end] == fact.text for fact in found)


@given(st.text())
def test_any_draft_is_checked(draft: str) -> None:
    """What is named stands there in the draft, in order, and not in x."""
    end = 0
    for fact in unsupported(draft, DraftTask(x=AN_X)):
        assert isinstance(fact, Unsupported)
        assert end <= fact.start < fact.end
        assert draft[fact.start : fact.end] == fact.text
        end = fact.end
    assert odd(draft, replace(AN_X, intent=(draft,))) == ()


# --- together ---------------------------------------------------------------------------------


def test_the_generic_mail_holds_nothing_of_its_own() -> None:
    """And says everything."""
    assert check(baseline(AN_X), DraftTask(x=AN_X)) == Checks()
    assert Checks().findings == 0


def test_a_draft_in_the_wrong_language_is_found() -> None:
    """Against that of the mail it answers, unless the instruction names one."""
    german = "Können Sie mir bitte sagen, ob das Boot am Freitag fertig ist und was es kostet?"
    x = replace(AN_X, context=(ContextMessage(author=TIM, text=german),))
    draft = "Hi Tim,\n\nthe boat is ready on Friday and you can have it then.\n\nCheers,\nNora"
    wrong = WrongLanguage(written="en", wanted="de")
    assert check(draft, DraftTask(x=x)).language == wrong
    assert check(draft, DraftTask(x=x, instruction="in English")).language is None
    assert check("Ok!", DraftTask(x=x)).language is None


def test_findings_are_counted_once_each() -> None:
    """The same fact twice is one thing to mend."""
    fact = Unsupported(kind="name", text="Bo", start=0, end=2)
    found = Checks(
        uncovered=(Uncovered(position=0),),
        unsupported=(fact, replace(fact, start=5, end=7), replace(fact, text="Mia")),
        language=WrongLanguage(written="en", wanted="de"),
    )
    assert found.findings == 4


@pytest.mark.parametrize(
    "piece",
    ["a", "a-", "a.", "1", "1,", "1.", "Aa ", "a+", "5pm ", "www.", "\"'", "a/", "two ", "–"],
)
def test_a_long_draft_is_checked_in_one_go(piece: str) -> None:
    """The pieces of which it is made would else be read over and over."""
    long = piece * (20_000 // len(piece))
    check(long, DraftTask(x=AN_X))
    check("It is.", DraftTask(x=an_x(long)))
