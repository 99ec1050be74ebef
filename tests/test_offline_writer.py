"""Mails written by plain code: the bullets, in the manner that the rules give."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NORA, TIM

from mlx_agent.checks import uncovered
from mlx_agent.large.offline_rules import rules_for, rules_of
from mlx_agent.large.offline_writer import baseline, compose, write
from mlx_agent.records import Address, Metadata, Rule, X
from mlx_agent.style import MARKS, SIGNATURES, Manner, measure
from mlx_agent.wording import SHORTHAND

POINTS = (
    "The boat is ready on Friday",
    "I will bring the keys",
    "Send me the plan",
    "It is not the mast that is broken",
    "Is Anna at the yard?",
)
BULLETS = st.lists(
    st.sampled_from(
        (
            *POINTS, "call Bo about the 12 sails", "can't come tmrw", "report is late",
            "https://sea.example/a", "could you print it?", "so: be it", "so on...", "See you :)",
            "Also, 3.5 pages are missing", "Mark will come", "thanks; it works", "really?!",
        )
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip
MANNERS = st.builds(
    Manner,
    greeting=st.sampled_from(
        ("", "Hi {first},", "Dear {name},", "{first} -", "Dear Mr {last}", "Hi!")
    ),
    inline=st.booleans(),
    opening=st.sampled_from(("", "Hope all is well.", "Thanks for your mail!")),
    contractions=st.booleans(),
    requests=st.sampled_from(("please", "could you", "bare")),
    exclamation=st.sampled_from((0, 1, 2)),
    lower_case=st.booleans(),
    drop_subject=st.booleans(),
    layout=st.sampled_from(
        (
            "one block",
            "short paragraphs",
            "a paragraph for each point",
            "numbered list",
            "bulleted list",
        )
    ),
    shorthand=st.sampled_from(((), tuple(SHORTHAND.values()))),
    marks=st.sets(st.sampled_from(MARKS)).map(tuple),
    closing=st.sampled_from(("", "Let me know.")),
    sign_off=st.sampled_from(("", "Best,", "cheers")),
    signature=st.sampled_from(SIGNATURES),
)


def an_x(*bullets: str, **metadata: Any) -> X:
    return X(
        intent=bullets or POINTS, metadata=Metadata(**{"sender": NORA, "to": (TIM,), **metadata})
    )


def plain(**changes: Any) -> Manner:
    """The bare content, and what is asked for."""
    silent = Manner(greeting="", opening="", closing="", sign_off="", signature="no name")
    return replace(silent, **changes)


def body(bullet: str, **changes: Any) -> str:
    return compose(an_x(bullet), plain(**changes))


def test_the_generic_mail() -> None:
    """What nobody in particular would write from the bullets."""
    assert baseline(an_x()) == (
        "Dear Tim Oduya,\n\n"
        "I hope this message finds you well. The boat is ready on Friday. I will bring the keys. "
        "Please send me the plan. It is not the mast that is broken. Is Anna at the yard? "
        "Please do not hesitate to contact me.\n\n"
        "Kind regards,\nNora Falk"
    )


def test_a_mail_under_many_rules() -> None:
    """Each is obeyed."""
    manner = Manner(
        greeting="hey {first} -",
        opening="thanks for your mail!",
        contractions=True,
        requests="could you",
        exclamation=2,
        lower_case=True,
        drop_subject=True,
        layout="short paragraphs",
        shorthand=("tmrw", "w/"),
        marks=("semicolons", "dots", "a smiley", "two spaces"),
        closing="",
        sign_off="cheers",
        signature="initial in small letters",
    )
    x = an_x("It is done", "I will come tomorrow with Anna", "Send it", "Who is in?")
    assert write(x, rules_of(manner, None)) == (
        "hey Tim -\n\nthanks for your mail!\n\n"
        "it's done; will come tmrw w/ Anna...  could you send it?\n\n"
        "who is in? :)\n\ncheers\nn"
    )


@given(BULLETS, MANNERS)
def test_every_bullet_is_said(bullets: list[str], manner: Manner) -> None:
    """Whatever the manner: no word with content, number, name or link is lost."""
    text = compose(an_x(*bullets), manner)
    assert uncovered(an_x(*bullets), text) == ()
    for fact in re.findall(r"\d+(?:\.\d+)?|https://\S+|Anna|Bo\b|Mark", " ".join(bullets)):
        assert fact.lower() in text.lower()


@given(BULLETS)
def test_the_generic_mail_says_every_bullet(bullets: list[str]) -> None:
    """And is neither shorter than they are nor without a frame."""
    text = baseline(an_x(*bullets))
    assert uncovered(an_x(*bullets), text) == ()
    assert text.startswith("Dear Tim Oduya,\n\nI hope this message finds you well. ")
    assert text.endswith(" Please do not hesitate to contact me.\n\nKind regards,\nNora Falk")


@given(BULLETS, MANNERS)
def test_no_mark_is_doubled(bullets: list[str], manner: Manner) -> None:
    """No stop after a question mark, a colon, a smiley or another stop."""
    text = compose(an_x(*bullets), manner)
    assert not re.search(r"[?!:,;]\.|(?<!\.)\.\.(?!\.)|\.{4}|:\)\.|\?!", text)


@given(BULLETS, MANNERS)
def test_writing_is_deterministic(bullets: list[str], manner: Manner) -> None:
    """The same x in the same manner is the same mail."""
    assert compose(an_x(*bullets), manner) == compose(an_x(*bullets), manner)


SHOWN = [
    ("greeting", ""), ("greeting", "Hi {first},"), ("greeting", "Hello {first} -"),
    ("greeting", "Dear Mr {last}:"), ("greeting", "Hey!"), ("greeting", "{first},"),
    ("greeting", "Hi all,"), ("inline", True), ("opening", ""), ("opening", "How are you?"),
    ("contractions", True), ("requests", "could you"), ("requests", "bare"), ("exclamation", 1),
    ("exclamation", 2), ("lower_case", True), ("drop_subject", True),
    ("layout", "short paragraphs"), ("layout", "a paragraph for each point"),
    ("layout", "numbered list"), ("layout", "bulleted list"), ("marks", ("semicolons",)),
    ("marks", ("dashes",)), ("marks", ("double dashes",)), ("marks", ("dots",)),
    ("marks", ("a smiley",)), ("marks", ("two spaces",)), ("marks", ("no final stop",)),
    ("closing", ""), ("closing", "Looking forward to it."), ("sign_off", ""),
    ("sign_off", "Best"), ("sign_off", "Cheers!"), *(("signature", form) for form in SIGNATURES),
]  # fmt: skip


@pytest.mark.parametrize(("slot", "value"), SHOWN)
def test_what_a_rule_names_is_measured_in_the_mail(slot: str, value: Any) -> None:
    """One rule changed, all others as in the generic mail; a rule moves nothing but its aspect."""
    x = an_x()
    manner = replace(Manner(), **{slot: value})
    text = write(x, rules_of(manner, Manner()))
    found = measure(text, NORA, (TIM,), Manner())
    assert getattr(found, slot) == value
    generic = measure(baseline(x), NORA, (TIM,), Manner())
    moved = {
        name
        for name in Manner.__dataclass_fields__
        if getattr(found, name) != getattr(generic, name)
    }
    beside = {"exclamation": {"opening", "closing"}, "marks": {"closing", "sentences"}}
    beside |= {"opening": {"exclamation"}, "lower_case": {"opening", "closing"}}
    beside |= {"contractions": {"sentences"}}
    assert moved <= {slot, "words", *beside.get(slot, set())}


@pytest.mark.parametrize("form", SHORTHAND.values())
def test_each_form_of_shorthand_is_measured_where_it_fits(form: str) -> None:
    """Alone, as the rule names it alone."""
    x = an_x(*(f"It is {long} that" for long in SHORTHAND))
    text = write(x, rules_of(replace(Manner(), shorthand=(form,), closing=""), None))
    assert measure(text, NORA, (TIM,), Manner()).shorthand == (form,)


@given(BULLETS, MANNERS)
def test_rules_measured_from_a_mail_write_a_mail_of_that_manner(
    bullets: list[str], manner: Manner
) -> None:
    """What a reader sees first is exactly so; that is how teaching and drafting meet."""
    alone = manner.inline and manner.greeting == "{first} -"  # is not seen as a greeting
    manner = replace(manner, inline=manner.inline and not alone)
    x = an_x(*bullets)
    text = compose(x, replace(manner, marks=(), shorthand=(), exclamation=0, lower_case=False))
    again = write(x, rules_for(x, text, baseline(x)))
    one, other = (measure(each, NORA, (TIM,), Manner()) for each in (text, again))
    for slot in ("greeting", "opening", "contractions", "closing", "sign_off", "signature"):
        assert getattr(one, slot) == getattr(other, slot)


def test_an_unknown_rule_changes_nothing() -> None:
    """The mail is the generic one."""
    odd = (Rule(aspect="tone", instruction="warm"), Rule(aspect="layout", instruction="a poem"))
    assert write(an_x(), odd) == baseline(an_x())


# --- single habits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bullet", "changes", "text"),
    [
        ("boat is ready", {}, "Boat is ready."),
        ("will come at 5", {}, "I will come at 5."),
        ("will come at 5", {"drop_subject": True}, "Will come at 5."),
        ("can't come", {}, "I cannot come."),
        ("cannot come on Friday", {"contractions": True}, "I can't come on Friday."),
        ("could you call?", {}, "Please call."),
        ("please call", {"requests": "could you"}, "Could you call?"),
        ("call!", {"requests": "bare"}, "Call."),
        ("Mark will come", {"requests": "could you"}, "Mark will come."),
        ("See you on Friday", {}, "See you on Friday."),
        ("pls send the msg", {}, "Please send the message."),
        ("send the message", {"shorthand": ("pls", "msg")}, "Pls send the msg."),
        ("coming?!", {}, "Coming?"),
        ("we need these:", {}, "We need these:"),
        ("and so on...", {}, "And so on."),
        ("it is (so to say.)", {}, "It is (so to say.)"),
        ("see you :)", {}, "See you."),
        ("https://sea.example/a", {}, "https://sea.example/a."),
        ("it is late", {"lower_case": True}, "it is late."),
        ("I am late", {"lower_case": True}, "I am late."),
        ("NATO is late", {"lower_case": True}, "NATO is late."),
        ("it is late", {"exclamation": 2}, "It is late!"),
        ("is it late?", {"exclamation": 1}, "Is it late?"),
        ("it is late", {"marks": ("dots",), "exclamation": 1}, "It is late..."),
        ("it is late", {"marks": ("a smiley",)}, "It is late. :)"),
        ("it is late", {"marks": ("a smiley", "no final stop")}, "It is late :)"),
        ("it is late", {"layout": "numbered list"}, "It is late."),
    ],
)
def test_a_bullet_becomes_a_sentence(bullet: str, changes: dict[str, Any], text: str) -> None:
    """However the user typed it."""
    assert body(bullet, **changes) == text


@pytest.mark.parametrize(
    ("second", "mark", "text"),
    [
        ("the mast is red", "semicolons", "It is late; the mast is red."),
        ("Anna is here", "semicolons", "It is late; Anna is here."),
        ("send the sail", "dashes", "It is late - please send the sail."),
        ("Mark will come", "double dashes", "It is late -- Mark will come."),
        ("I am here", "dashes", "It is late. I am here."),
    ],
)
def test_two_statements_are_joined_by_the_writers_mark(second: str, mark: str, text: str) -> None:
    """A name keeps its capital."""
    assert compose(an_x("it is late", second), plain(marks=(mark,))) == text


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("one block", "A. B. C. D. E. F. G."),
        ("short paragraphs", "A.\n\nB. C.\n\nD. E.\n\nF.\n\nG."),
        ("a paragraph for each point", "A.\n\nB.\n\nC.\n\nD.\n\nE.\n\nF.\n\nG."),
        ("numbered list", "A.\n\n1. B.\n2. C.\n3. D.\n4. E.\n5. F.\n\nG."),
        ("bulleted list", "A.\n\n- B.\n- C.\n- D.\n- E.\n- F.\n\nG."),
    ],
)
def test_a_layout_sets_the_points_and_leaves_the_courtesies_apart(layout: str, text: str) -> None:
    """Opening and closing are no points."""
    manner = plain(layout=layout, opening="A.", closing="G.")
    assert compose(an_x(*"bcdef"), manner) == text


@pytest.mark.parametrize(
    ("form", "to", "inline", "start"),
    [
        ("Hi {first},", (TIM, KIM), False, "Hi Tim,\n\nIt"),
        ("Hi {first},", (TIM,), True, "Hi Tim, It"),
        ("Hi {first}", (TIM,), True, "Hi Tim\n\nIt"),
        ("Hi {first},", (), False, "Hi,\n\nIt"),
        (
            "Dear {name},",
            (Address(address="ben.hollis@sea.example"),),
            False,
            "Dear Ben Hollis,\n\nIt",
        ),
        ("Dear Mr {last}", (Address(name="ODUYA, TIM"),), False, "Dear Mr Oduya\n\nIt"),
        ("{first} -", (), False, "It"),
        ("{first},", (Address(address="42@sea.example"),), True, "It"),
        ("", (TIM,), True, "It"),
    ],
)
def test_a_greeting_is_filled_in(
    form: str, to: tuple[Address, ...], inline: bool, start: str
) -> None:
    """With the first recipient's name; where there is none, no mark stands alone."""
    text = compose(an_x("it is late", to=to), plain(greeting=form, inline=inline))
    assert text == f"{start} is late."


def test_a_list_does_not_begin_in_the_greetings_line() -> None:
    """`Hi Tim, 1. ...` would be no list."""
    manner = plain(greeting="Hi {first},", inline=True, layout="numbered list")
    assert compose(an_x("a", "b"), manner) == "Hi Tim,\n\n1. A.\n2. B."


def test_nobody_signs_with_nothing() -> None:
    """A sender without a name leaves no lone full stop."""
    x = an_x("it is late", sender=Address())
    manner = plain(sign_off="Best,", signature="initial and a full stop")
    assert compose(x, manner) == "It is late.\n\nBest,"


@pytest.mark.parametrize(
    ("instruction", "start"),
    [
        ("", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("Make it brief", "hey Tim\n\nIt's late!"),
        ("a SHORTER one", "hey Tim\n\nIt's late!"),
        ("I'll be back shortly", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("more formal please", "Dear Tim Oduya,\n\nHope all is well. It is late. Let me know."),
        ("less formal", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("not too formal", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("don't be formal", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("informal", "hey Tim\n\nHope all is well. It's late! Let me know."),
        ("sing it", "hey Tim\n\nHope all is well. It's late! Let me know."),
    ],
)
def test_an_instruction_goes_before_the_rules(instruction: str, start: str) -> None:
    """The words understood are few, and not understood when they are denied."""
    manner = Manner(
        greeting="hey {first}",
        opening="Hope all is well.",
        contractions=True,
        closing="Let me know.",
        sign_off="Cheers",
        exclamation=1,
    )
    text = write(an_x("it is late"), rules_of(manner, None), instruction)
    sign_off = "Regards," if start.startswith("Dear") else "Cheers"
    expected = f"{start}\n\n{sign_off}\nNora Falk"
    assert text == expected.replace("late! Let me know.", "late. Let me know!")


def test_a_friendly_mail_has_an_exclamation_mark() -> None:
    """And contractions; it stays one mark where there are several already."""
    manner = plain(contractions=False)
    x = an_x("it is late", "it is dark")
    assert write(x, rules_of(manner, None), "friendlier") == "It's late. It's dark!"
    assert write(x, rules_of(plain(exclamation=2), None), "warmer") == "It's late! It's dark!"
