"""The parts of a mail's own text."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import NORA, TIM

from mlx_agent.anatomy import SMILEY, Anatomy, dissect, greeting_form, is_phrase, is_signature
from mlx_agent.records import Address

WORD = re.compile(r"\w+")
LETTER = st.text(st.characters(categories=("L", "N", "P", "Z", "Cc")), max_size=200)
PIECE = st.sampled_from(
    (
        "Hi Tim,", "Dear all,", "Hello", "Tim --", "Hi", "Hey!", "Tim -", "I hope all is well.",
        "Thanks for your mail!", "the boat is ready.", "Is it 5 p.m. now?", "see 3.5 (e.g. page 7)",
        "- a sail", "2) the mast", "* and 10 - 12 oars", "so be it :)", "Let me know.",
        "Looking forward to it! :)", "Have a nice day!", "Best,", "Thanks", "Cheers, Nora", "Nora",
        "N", "nf", "Nora Falk", "...", "I", "i'll come", "\n", "\n\n", "  \n",
    )
)  # fmt: skip
TEXTS = st.lists(st.tuples(PIECE, st.sampled_from((" ", "\n", "\n\n", "\r\n"))), max_size=10).map(
    lambda pieces: "".join(part for piece in pieces for part in piece)
)


def cut(text: str) -> Anatomy:
    return dissect(text, NORA, (TIM,))


def words_of(parts: Anatomy) -> Counter[str]:
    said = [parts.greeting, parts.opening, *parts.sentences, *parts.markers]
    said += [parts.closing, parts.sign_off, parts.signature]
    return Counter(WORD.findall(" ".join(said)))


@given(LETTER | TEXTS)
def test_every_word_of_any_text_is_in_one_part(text: str) -> None:
    """None is lost, none is doubled; only a smiley beside a courtesy goes."""
    kept, whole = words_of(cut(text)), Counter(WORD.findall(SMILEY.sub("", text)))
    assert kept & whole == whole
    assert set((kept - whole).keys()) <= {"D", "P"}


@given(LETTER | TEXTS)
def test_no_part_is_blank(text: str) -> None:
    """No paragraph, sentence or marker is empty, and parts have no outer blanks."""
    parts = cut(text)
    assert all(parts.paragraphs)
    assert all(sentence.strip() == sentence != "" for sentence in parts.sentences)
    assert all(marker.strip() == marker != "" for marker in parts.markers)


@given(TEXTS)
def test_the_line_ends_do_not_matter(text: str) -> None:
    """Mail is written with either."""
    assert cut(text.replace("\r\n", "\n")) == cut(text)


def test_a_whole_mail_is_taken_apart() -> None:
    """All parts, as written, hard wraps undone."""
    text = (
        "Hi Tim,\n\nThanks for your mail! The boat that we spoke about last week in Hamburg\n"
        "is ready. Can you come?\n\n1. a sail\n2. the mast\n\nLet me know what you think! :)\n\n"
        "Best,\nNora\n"
    )
    assert cut(text) == Anatomy(
        greeting="Hi Tim,",
        inline=False,
        opening="Thanks for your mail!",
        paragraphs=(
            (
                "The boat that we spoke about last week in Hamburg is ready.",
                "Can you come?",
            ),
            ("a sail",),
            ("the mast",),
        ),
        markers=("1.", "2."),
        closing="Let me know what you think!",
        sign_off="Best,",
        signature="Nora",
    )


@pytest.mark.parametrize(
    ("line", "greeting", "inline"),
    [
        ("Hi Tim,", "Hi Tim,", False),
        ("hi tim", "hi tim", False),
        ("hey dad,", "hey dad,", False),
        ("Dear IT,", "Dear IT,", False),
        ("Dear Dr. Oduya,", "Dear Dr. Oduya,", False),
        ("Dear Tim and Anna,", "Dear Tim and Anna,", False),
        ("dear sir or madam,", "dear sir or madam,", False),
        ("Hi all,", "Hi all,", False),
        ("Hey!!", "Hey!!", False),
        ("Good morning -", "Good morning -", False),
        ("Tim --", "Tim --", False),
        ("team,", "team,", False),
        ("Hi Tim, the boat is here.", "Hi Tim,", True),
        ("Hi Tim and Anna, the boat is here.", "Hi Tim and Anna,", True),
        ("Hi all: the boat is here.", "Hi all:", True),
        ("Hello. The boat is here.", "Hello.", True),
        ("Hi I need help.", "", False),
        ("Hello this is Nora.", "", False),
        ("Hi please send the plan", "", False),
        ("Hey call me!", "", False),
        ("Hey please call me!", "", False),
        ("Evening works for me.", "", False),
        ("Greetings from Paris!", "", False),
        ("Hi so. I'm late.", "", False),
        ("Hidden cost,", "", False),
        ("Anna,", "", False),
    ],
)
def test_a_greeting_is_a_greeting(line: str, greeting: str, inline: bool) -> None:
    """And a sentence that begins with such a word stays one."""
    parts = cut(f"{line}\n\nIt is blue.")
    assert (parts.greeting, parts.inline) == (greeting, inline)
    assert " ".join(parts.sentences).endswith("It is blue.")


@pytest.mark.parametrize(
    ("greeting", "form"),
    [
        ("Hi Tim,", "Hi {first},"),
        ("Dear Tim Oduya,", "Dear {name},"),
        ("Dear Mr. Oduya,", "Dear Mr {last},"),
        ("Hello Oduya!", "Hello {last}!"),
        ("Hi Timmy!!", "Hi {first}!"),
        ("Hi Tim -", "Hi {first} -"),
        ("Hi Tim —", "Hi {first} –"),
        ("Tim --", "{first} --"),
        ("Hi All,", "Hi all,"),
        ("Good evening", "Good evening"),
        ("the boat", ""),
        ("", ""),
    ],
)
def test_a_greeting_has_a_form_without_the_name(greeting: str, form: str) -> None:
    """So that it can be used with somebody else."""
    assert greeting_form(greeting, (TIM,)) == form


@pytest.mark.parametrize(
    ("ending", "sign_off", "signature"),
    [
        ("Best,\nNora", "Best,", "Nora"),
        ("Kind regards,\n\nNora Falk", "Kind regards,", "Nora Falk"),
        ("thx\nn", "thx", "n"),
        ("Cheers!\nNF", "Cheers!", "NF"),
        ("-- Nora", "", "-- Nora"),
        ("Nora", "", "Nora"),
        ("Thanks, Nora", "Thanks,", "Nora"),
        ("Best,", "Best,", ""),
        ("Best,\nTim", "", ""),
        ("Best, from Paris", "", ""),
        ("Nora 5", "", ""),
    ],
)
def test_an_ending_is_a_sign_off_and_a_name(ending: str, sign_off: str, signature: str) -> None:
    """One of them, both, on one line, or neither."""
    parts = cut(f"It is blue.\n\n{ending}")
    assert (parts.sign_off, parts.signature) == (sign_off, signature)


@pytest.mark.parametrize(
    ("line", "sender", "signs"),
    [
        ("ms", Address(name="Maya Sand"), True),
        ("Dr. Nora Falk", NORA, True),
        ("~ nora", NORA, True),
        ("Nora F.", NORA, True),
        ("x", Address(), True),
        ("Nora and Tim", NORA, False),
        ("Tim", NORA, False),
        ("", NORA, False),
        ("Nora", Address(), False),
    ],
)
def test_a_signature_is_the_senders_name(line: str, sender: Address, signs: bool) -> None:
    """In any of its forms; initials that are also a title are initials."""
    assert is_signature(line, sender) is signs


@pytest.mark.parametrize(
    ("first", "opening"),
    [
        ("I hope you are well.", "I hope you are well."),
        ("hope all is well!", "hope all is well!"),
        ("Great to hear from you! :)", "Great to hear from you!"),
        ("How are you?", "How are you?"),
        ("Thanks for the plan of the Skylark.", ""),
        ("Thanks for the 3 sails.", ""),
        ("I hope that you are all well, and that the summer is long.", ""),
        ("I hoped for more.", ""),
    ],
)
def test_an_opening_is_a_short_courtesy_without_facts(first: str, opening: str) -> None:
    """Whatever holds a name or a number is content."""
    parts = cut(f"{first} It is blue.")
    assert parts.opening == opening
    assert parts.sentences[-1] == "It is blue."
    assert len(parts.sentences) == 1 + (not opening)


@pytest.mark.parametrize(
    ("last", "closing"),
    [
        ("Let me know.", "Let me know."),
        ("I look forward to hearing from you.", "I look forward to hearing from you."),
        ("Looking forward to it! :)", "Looking forward to it!"),
        ("Have a lovely weekend!", "Have a lovely weekend!"),
        ("Please do not hesitate to call.", "Please do not hesitate to call."),
        ("Have a look at the mast.", ""),
        ("Let me know by 5.", ""),
        ("Let me know whether Anna comes.", ""),
    ],
)
def test_a_closing_is_a_short_courtesy_without_facts(last: str, closing: str) -> None:
    """A request for something is content."""
    parts = cut(f"It is blue.\n\n{last}")
    assert parts.closing == closing
    assert len(parts.sentences) == 2 - bool(closing)


def test_a_mail_that_is_one_courtesy_keeps_it() -> None:
    """Something must have been said."""
    assert cut("Thanks a lot!").sentences == ("Thanks a lot!",)
    assert cut("Let me know.").sentences == ("Let me know.",)


@pytest.mark.parametrize(
    ("block", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("See Dr. Stone, e.g. at 5 p.m. today. Then go.", None),
        ("It is done :) Now go.", ["It is done :)", "Now go."]),
        ("It is done! :) Now go.", ["It is done! :)", "Now go."]),
        ("It is done! :)", ["It is done! :)"]),
        ("There are five (five!) boats. Go.", ["There are five (five!) boats.", "Go."]),
        ('He said "go." So go.', ['He said "go."', "So go."]),
        ("Version 3.5 is out.", ["Version 3.5 is out."]),
    ],
)
def test_a_block_is_cut_at_its_stops(block: str, sentences: list[str] | None) -> None:
    """Not at abbreviations, not inside a sentence, and a smiley belongs to what it ends."""
    expected = sentences or ["See Dr. Stone, e.g. at 5 p.m. today.", "Then go."]
    assert list(cut(block).sentences) == expected


def test_a_list_item_may_go_on_in_the_next_line() -> None:
    """An indented line belongs to the item; a line after a short item does not."""
    parts = cut("I need\n- a sail\n  of linen\n- a mast\nThat is all.")
    assert parts.paragraphs == (
        ("I need",),
        ("a sail of linen",),
        ("a mast",),
        ("That is all.",),
    )
    assert parts.markers == ("-", "-")


def test_a_short_line_was_ended_by_its_writer() -> None:
    """A long one by the mail program."""
    parts = cut("It is blue.\nThe mast\nis long.")
    assert parts.paragraphs == (("It is blue.",), ("The mast is long.",))


@pytest.mark.parametrize(
    ("sentence", "quotable"),
    [
        ("Let me know what you think!", True),
        ("hope I'm not late", True),
        ("I hope I'm not late", False),
        ("I hope this mail finds you well.", True),
        ("Thanks for all of it, now and then", False),
        ("Thanks for the heads-up.", False),
        ("Give my love to Anna", False),
        ("At 5", False),
        ('Say "so"', False),
        ("see: this", False),
        ("", False),
    ],
)
def test_a_phrase_may_be_quoted_if_it_holds_no_fact(sentence: str, quotable: bool) -> None:
    """It goes into a rule, and so into other mails; a long one does if its short form says all."""
    assert is_phrase(sentence) is quotable
