"""The manner of a text, measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, TIM

from mlx_agent.records import Address
from mlx_agent.style import (
    LENGTHS,
    MARKS,
    SIGNATURES,
    Manner,
    bucket,
    greeting_form,
    measure,
    register,
    sign,
    sign_off_form,
    signature_form,
)

OTHER = Manner(
    greeting="",
    inline=True,
    opening="",
    sentences="long",
    contractions=True,
    requests="bare",
    lower_case=True,
    drop_subject=True,
    layout="numbered list",
    closing="",
    sign_off="",
    signature="no name",
)
"""Differs from the default in all that a text may be silent about."""


def measured(text: str, default: Manner | None = None) -> Manner:
    return measure(text, NORA, (TIM,), default or Manner())


def test_a_mail_is_measured_aspect_by_aspect() -> None:
    """All that the closed wording of the rules can speak of."""
    text = (
        "hey Tim!\n\nthanks for your mail! got the mast; it's great... pls send the sails asap\n\n"
        "- the jib\n- the main\n\nlet me know! :)\n\ncheers!!\nn"
    )
    assert measured(text) == Manner(
        greeting="hey {first}!",
        inline=False,
        opening="thanks for your mail!",
        words=30,
        sentences="short",
        contractions=True,
        requests="please",
        exclamation=2,
        lower_case=True,
        drop_subject=True,
        layout="bulleted list",
        shorthand=("pls", "asap"),
        marks=("semicolons", "dots", "a smiley"),
        closing="let me know!",
        sign_off="cheers!",
        signature="initial in small letters",
    )


SILENT = ("sentences", "contractions", "requests", "lower_case", "drop_subject", "layout")


@pytest.mark.parametrize("default", [Manner(), OTHER])
def test_where_a_text_shows_nothing_the_default_is_kept(default: Manner) -> None:
    """A mail without a request says nothing of how its writer asks."""
    found = measured("Hi Tim,\n\nBest,\nNora", default)
    assert [getattr(found, name) for name in SILENT] == [getattr(default, name) for name in SILENT]
    assert (found.greeting, found.sign_off, found.signature) == (
        "Hi {first},",
        "Best,",
        "first name",
    )


@given(
    st.text()
    | st.lists(st.sampled_from(("Hi", "- a", ":)", "I", ".", "\n", "we're")), max_size=9).map(
        " ".join
    )
)
def test_any_text_has_a_manner(text: str) -> None:
    """It is in the closed sets, and the same each time."""
    found = measured(text)
    assert found == measured(text)
    assert found.words in LENGTHS
    assert found.exclamation in {0, 1, 2}
    assert found.signature in SIGNATURES
    assert set(found.marks) <= set(MARKS)
    assert found.sentences in {"short", "medium", "long"}


@pytest.mark.parametrize(
    ("words", "length"),
    [(0, 5), (7, 5), (8, 10), (35, 30), (36, 40), (57, 50), (58, 65), (9999, 3000)],
)
def test_a_length_is_the_nearest_of_a_few(words: int, length: int) -> None:
    """The smaller of two equally near ones."""
    assert bucket(words) == length


@pytest.mark.parametrize("length", LENGTHS)
def test_a_stated_length_is_its_own(length: int) -> None:
    """Stating and measuring agree."""
    assert bucket(length) == length


@pytest.mark.parametrize(
    ("text", "aspect", "value"),
    [
        ("It is late. It's late. It's so.", "contractions", True),
        ("It's late. It is dark.", "contractions", False),
        ("I have a boat. We're here.", "contractions", True),
        ("Please let us know. We're here.", "contractions", True),
        ("Send it. Please call. Read it.", "requests", "bare"),
        ("Could you send it?", "requests", "could you"),
        ("See you on Friday!", "requests", "please"),
        ("It is here!! So is he! Good!", "exclamation", 2),
        ("it is here. so is he. Good.", "lower_case", True),
        ("https://sea.example is here. So.\n\nhttps://sea.example/a too.", "lower_case", False),
        ("Got it. Sent it. I had it.", "drop_subject", True),
        ("Also, it is late.", "drop_subject", False),
        ("One is here. Two is there.", "layout", "one block"),
        ("One is here.\n\nTwo is there.", "layout", "a paragraph for each point"),
        ("One is here. Two is there.\n\nThree is far.", "layout", "short paragraphs"),
        ("1) one\n2) two", "layout", "numbered list"),
        ("* one\n* two", "layout", "bulleted list"),
        ("* one is alone", "layout", "one block"),
        ("u and I, w/ thx", "shorthand", ("thx", "u", "w/")),
        ("Go - it is late; so.", "marks", ("semicolons", "dashes")),
        ("Go -- it is late.  So is she.", "marks", ("double dashes", "two spaces")),
        ("Well… go", "marks", ("dots", "no final stop")),
        ("It is done. :)", "marks", ("a smiley",)),
        ("It is done :)", "marks", ("a smiley", "no final stop")),
        ("It is late. So.  It is dark. So.", "marks", ()),
        ("A twenty-word mail, at 10:30 or so.", "marks", ()),
    ],
)
def test_an_aspect_is_measured(text: str, aspect: str, value: object) -> None:
    """By what most of the text does."""
    assert getattr(measured(text), aspect) == value


@pytest.mark.parametrize(
    ("mean", "default", "sentences"),
    [
        (4, "medium", "short"),
        (6, "medium", "medium"),
        (8, "short", "short"),
        (9, "short", "medium"),
        (18, "medium", "medium"),
        (23, "medium", "long"),
        (15, "long", "long"),
        (12, "long", "medium"),
    ],
)
def test_the_defaults_bucket_reaches_further(mean: int, default: str, sentences: str) -> None:
    """A sentence more or less is noise, and noise is not a rule."""
    text = " ".join(["word"] * mean) + "."
    assert measured(text.capitalize(), Manner(sentences=default)).sentences == sentences


# --- the name under a mail --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "signed"),
    [*zip(SIGNATURES, ("", "Nora", "Nora Falk", "N", "NF", "nora", "n", "N.", "n."), strict=True)],
)
def test_every_form_of_signature_is_written_and_known(form: str, signed: str) -> None:
    """Both ways."""
    assert sign(form, NORA) == signed
    assert signature_form(signed, NORA) == form


@pytest.mark.parametrize("form", SIGNATURES)
def test_nobody_signs_with_nothing(form: str) -> None:
    """Not even with a full stop."""
    assert sign(form, Address()) == ""


@pytest.mark.parametrize(
    ("signature", "form"),
    [
        ("-- Nora", "first name"),
        ("Nora.", "first name"),
        ("nora!", "first name in small letters"),
        ("N. Falk", "full name"),
        ("-J", "initial"),
        ("~j", "initial in small letters"),
    ],
)
def test_another_signature_counts_as_the_nearest_form(signature: str, form: str) -> None:
    """Marks around it are not the writer's name."""
    assert signature_form(signature, NORA) == form


# --- what the recipient is remembered by ------------------------------------------------------


def test_greeting_and_sign_off_are_remembered_as_forms() -> None:
    """Of the mail's own text alone."""
    text = "Hello Tim,\n\nit is blue.\n\nCheers !!\nNora"
    assert greeting_form(text, (TIM,)) == "Hello {first},"
    assert sign_off_form(text, NORA) == "Cheers!"
    assert (greeting_form("It is blue.", (TIM,)), sign_off_form("It is blue.", NORA)) == ("", "")


@pytest.mark.parametrize(
    ("sign_off", "form"),
    [
        ("Best ,", "Best,"),
        ("Best -", "Best-"),
        ("Best --", "Best--"),
        ("best wishes", "best wishes"),
    ],
)
def test_blanks_in_a_sign_off_do_not_matter(sign_off: str, form: str) -> None:
    """Equal habits have equal forms."""
    assert sign_off_form(f"It is blue.\n\n{sign_off}\nNora", NORA) == form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear Ms Falk,\n\nIt is late.\n\nKind regards,\nTim", "formal"),
        ("Hello,\n\nIt is due.\n\nYours sincerely,", "formal"),
        ("Hello,\n\nIt is due.\n\nYours sincerely,\nTim", "formal"),
        ("Dear Nora, it's late! we're gone! :)", "casual"),
        ("hey nora! it's late, u know :)", "casual"),
        ("Hi Nora,\n\nIt is late!", "casual"),
        ("Hello Nora,\n\nIt is late.", "plain"),
        ("Hi Nora,\n\nIt is late.", "plain"),
        ("", "plain"),
    ],
)
def test_a_register_is_read_from_the_whole_mail(text: str, expected: str) -> None:
    """Formal words count against casual ones."""
    assert register(text) == expected
