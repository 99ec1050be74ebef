"""Ways of saying the same, each in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.wording import (
    _CONTRACTIONS,
    _COURTESIES,
    _DROPPABLE,
    SHORTHAND,
    VERBS,
    bare_request,
    capitalised,
    contract,
    count_contractions,
    count_expanded,
    drop_subject,
    dropped_subject,
    expand,
    first_word,
    has_subject,
    joined_on,
    lengthen,
    request_style,
    restore_subject,
    short_courtesy,
    shorten,
    shorthand_used,
)

ALL_FORMS = tuple(SHORTHAND.values())
WORDS = st.sampled_from(
    "I you we it they he is am are have will would not do did that there the boat ready to "
    "please thanks your with about and tomorrow because know let us been".split()
)
SENTENCES = st.lists(WORDS, max_size=12).map(" ".join)


# --- contractions -----------------------------------------------------------------------------


@pytest.mark.parametrize("long", sorted(_CONTRACTIONS))
def test_every_contraction_is_undone(long: str) -> None:
    """In the middle of a sentence, at its start, and with a typographic apostrophe."""
    short = _CONTRACTIONS[long]
    assert contract(f"now {long} gone") == f"now {short} gone"
    assert expand(f"now {short} gone") == f"now {long} gone"
    assert expand(f"now {short.replace(chr(39), '’')} gone") == f"now {long} gone"
    assert expand(short.capitalize()) == long[:1].upper() + long[1:]


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("I have not seen it, I will not come", "I haven't seen it, I won't come"),
        ("It is not late", "It's not late"),
        ("I am here, as I am.", "I'm here, as I am."),
        ("I know where it is", "I know where it is"),
        ("Is it what it is?", "Is it what it is?"),
        ("I cannot.", "I can't."),
        ("Let us meet", "Let's meet"),
        ("Please let us know", "Please let us know"),
        ("Let us have the keys", "Let us have the keys"),
        ("I have to go", "I have to go"),
        ("Do you have the keys?", "Do you have the keys?"),
        ("That is all I have on the mast", "That's all I have on the mast"),
        ("We have 3 sails", "We have 3 sails"),
        ("We have sent 3 sails", "We've sent 3 sails"),
        ("a-it is", "a-it is"),
    ],
)
def test_a_contraction_is_made_where_people_make_one(long: str, short: str) -> None:
    """Not at the end of a clause, and not where `have` is the verb itself."""
    assert contract(long) == short


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("It's been a while", "It has been a while"),
        ("he’s got it", "he has got it"),
        ("She's really become good", "She has really become good"),
        ("I'd better go", "I had better go"),
        ("I'd go", "I would go"),
        ("it's late", "it is late"),
        ("Nora's boat", "Nora's boat"),
    ],
)
def test_a_contraction_is_written_out_as_what_it_means(short: str, long: str) -> None:
    """`'s` is `has` before `been` and `got`; a genitive is no contraction."""
    assert expand(short) == long


@given(SENTENCES)
def test_writing_out_leaves_no_contraction(text: str) -> None:
    """Whatever was contracted."""
    assert count_contractions(expand(contract(text))) == 0


@given(SENTENCES)
def test_contracting_and_writing_out_lose_no_word(text: str) -> None:
    """The text without contractions comes back."""
    assert expand(contract(text)).lower() == expand(text).lower()


@given(SENTENCES)
def test_contracting_twice_changes_nothing(text: str) -> None:
    """And then no contraction is avoided any more."""
    assert contract(contract(text)) == contract(text)
    assert count_expanded(contract(text)) == 0


def test_used_and_avoided_contractions_are_counted() -> None:
    """Each by its own form."""
    text = "I'm here, but I have not seen it and it’s late. Let us know."
    assert (count_contractions(text), count_expanded(text)) == (2, 1)


# --- shorthand --------------------------------------------------------------------------------


@pytest.mark.parametrize("long", sorted(SHORTHAND))
def test_every_form_of_shorthand_is_undone(long: str) -> None:
    """As a word of its own, in the middle and at the start."""
    form = SHORTHAND[long]
    assert shorten(f"now {long} then", ALL_FORMS) == f"now {form} then"
    assert lengthen(f"now {form} then") == f"now {long} then"
    assert shorthand_used(f"now {form} then") == (form,)
    assert lengthen("Pls come") == "Please come"


def test_only_the_forms_asked_for_are_used() -> None:
    """A person has habits, not a system."""
    assert shorten("thanks for your message", ("msg",)) == "thanks for your msg"
    assert shorten("thanks for your message", ()) == "thanks for your message"


@pytest.mark.parametrize("text", ["AT&T", "we live in BC now", "x/u/y", "u@b.example", "you're"])
def test_what_only_looks_like_shorthand_stays(text: str) -> None:
    """Companies, provinces, paths, addresses and contractions."""
    assert lengthen(text) == text
    assert shorthand_used(text) == ()


def test_the_forms_used_come_in_the_order_of_the_table() -> None:
    """Each once, in any case, so that equal habits have equal words."""
    assert shorthand_used("Msg me, THX & thx, pls") == ("pls", "thx", "&", "msg")


@given(SENTENCES, st.sets(st.sampled_from(ALL_FORMS)))
def test_shortening_and_writing_out_lose_no_word(text: str, forms: set[str]) -> None:
    """For any of the forms."""
    assert lengthen(shorten(text, tuple(forms))) == text


# --- requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "bare", "style"),
    [
        ("Could you send it?", "Send it", "could you"),
        ("Would you please send it today?", "Send it today", "could you"),
        ("please can you send it?", "Send it", "please"),
        ("Please send it.", "Send it", "please"),
        ("pls send it!", "Send it", "please"),
        ("Kindly confirm", "Confirm", "please"),
        ("Send it.", None, "bare"),
        ("Have a look at the mast", None, "bare"),
        ("Think about it", None, "bare"),
        ("Let us know", None, "bare"),
        ("Find attached the plan", None, "bare"),
        ("Read and sign it", None, "bare"),
        ("Send 20 sails", None, "bare"),
        ("Could you?", None, None),
        ("Can you send it?", None, None),
        ("Send what?", None, None),
        ("The boat is ready", None, None),
        ("", None, None),
    ],
)
def test_a_request_is_known_and_made_bare(
    sentence: str, bare: str | None, style: str | None
) -> None:
    """However it is softened."""
    assert (bare_request(sentence), request_style(sentence)) == (bare, style)


@pytest.mark.parametrize(
    "sentence",
    [
        "Mark will come at five",
        "Mark and Anna join us",
        "Work is fine",
        "Order 42 is late",
        "Report attached",
        "Copy of the plan attached",
        "Update: the train is late",
        "See you on Friday!",
        "Let us meet on Friday",
        "Have a wonderful holiday",
        "Have sent the mast",
        "Think the mast is better",
        "Plan to come at five",
    ],
)
def test_a_statement_that_begins_like_a_request_is_none(sentence: str) -> None:
    """Otherwise the writer would say `Please mark will come at five`."""
    assert request_style(sentence) is None


@given(st.sampled_from(sorted(VERBS)))
def test_every_verb_asks(verb: str) -> None:
    """In each of the three styles."""
    said = verb.capitalize()
    assert bare_request(f"Could you {verb} Tim?") == f"{said} Tim"
    assert request_style(f"Please {verb} Tim.") == "please"


# --- dropped subjects -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "will come on Friday",
        "have had a cold",
        "have sent the mast",
        "just had a call",
        "also think so",
        "just wanted to ask",
        "would be happy to come",
        "was ill",
        "plan to come",
        "hope you are well",
        "attached the plan",
        "did it",
    ],
)
def test_a_subject_is_dropped_and_restored(rest: str) -> None:
    """`I will come` and `Will come` say the same."""
    with_subject, without = f"I {rest}", rest[0].upper() + rest[1:]
    assert has_subject(with_subject)
    assert not dropped_subject(with_subject)
    assert drop_subject(with_subject) == without
    assert dropped_subject(without)
    assert not has_subject(without)
    assert restore_subject(without) == with_subject


@pytest.mark.parametrize(
    "sentence",
    [
        "Also, the invoice is missing",
        "Also the report is late",
        "Just a reminder",
        "Just to be sure",
        "Just checking",
        "Just send it",
        "Will Smith is here",
        "Will is here",
        "Can Anna come",
        "Can you come",
        "Should you have questions, call",
        "Had we known",
        "Would that work",
        "Would be great to meet",
        "Was really good to see you",
        "Attached is the plan",
        "Attached please find the plan",
        "Plan is to meet at five",
        "Have a nice weekend",
        "Have a look",
        "Did you see it?",
        "Got it?",
        "The boat is ready",
        "",
    ],
)
def test_where_another_subject_stands_none_was_dropped(sentence: str) -> None:
    """Otherwise the intent would say `I also, the invoice is missing`."""
    assert not dropped_subject(sentence)
    assert restore_subject(sentence) == sentence


def test_two_blanks_after_the_subject_do_not_matter() -> None:
    """The verb gets the capital."""
    assert drop_subject("I  will come") == "Will come"


@given(st.lists(WORDS | st.sampled_from(sorted(_DROPPABLE | VERBS)), max_size=5).map(" ".join))
def test_no_sentence_is_a_request_and_a_statement(text: str) -> None:
    """And what has a subject to drop can have it back."""
    assert not (dropped_subject(text) and request_style(text) == "bare")
    said = f"I {text}"
    if has_subject(said):
        assert restore_subject(drop_subject(said)) == said


# --- letters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "capital"),
    [
        ("the boat", "The boat"),
        ("i", "I"),
        ("https://boat.example is up", "https://boat.example is up"),
        ("www.boat.example", "www.boat.example"),
        ("nora@falk.example wrote", "nora@falk.example wrote"),
        ("iPad or not", "iPad or not"),
        ("", ""),
    ],
)
def test_a_link_gets_no_capital(text: str, capital: str) -> None:
    """It might not work any more."""
    assert capitalised(text) == capital


@pytest.mark.parametrize(
    ("sentence", "joined"),
    [
        ("The boat is ready.", "the boat is ready."),
        ("Please call.", "please call."),
        ("Send it.", "send it."),
        ("Got it.", "got it."),
        ("I know.", "I know."),
        ("Nora comes.", "Nora comes."),
        ("Mark will come.", "Mark will come."),
        ("Will Smith comes.", "Will Smith comes."),
        ("Boats are dear.", "Boats are dear."),
        ("IT is down.", "IT is down."),
        ("May is warm.", "May is warm."),
        ("A boat is here.", "a boat is here."),
    ],
)
def test_a_name_keeps_its_capital_after_a_dash(sentence: str, joined: str) -> None:
    """Only words that cannot be names lose it."""
    assert joined_on(sentence) == joined


@pytest.mark.parametrize(
    ("text", "word"), [("(Also) it", "also"), ("It's", "it's"), (" \n", ""), ('"Send" it', "send")]
)
def test_a_word_is_read_without_its_marks(text: str, word: str) -> None:
    """In small letters."""
    assert first_word(text) == word


@pytest.mark.parametrize(
    ("sentence", "short"),
    [
        ("I hope that this email finds you well.", "Hope you are well."),
        ("hope you're doing well!", "hope you are well!"),
        ("Hope all is well with you", "Hope all is well"),
        ("I trust that this helps.", "Hope this helps."),
        ("Thank you very much for your message.", "Thank you for writing."),
        ("Many thanks for your note.", "Thanks for writing."),
        ("thanks for getting in touch!", "thanks for writing!"),
        ("Thanks so much for the quick reply!", "Thanks for replying!"),
        ("Thank you for letting me know.", "Thanks for telling me."),
        ("Thanks again for all your help.", "Thanks for helping."),
        ("Thank you for your time.", "Thank you very much."),
        ("Thank you in advance for your help.", "Thank you in advance."),
        ("It was so nice to hear from you!", "Nice hearing from you!"),
        ("I look forward to hearing from you soon,", "Look forward to hearing,"),
        ("Looking forward to your reply.", "Looking forward to hearing."),
        ("Please let me know what you think...", "Please let me know..."),
        ("let me know if that works for you", "let me know"),
        ("Let me know if you have any further questions.", "Let me know."),
        ("Please don't hesitate to call me with any questions.", "Please don't hesitate."),
        ("Please feel free to write to me at any time.", None),
        ("Feel free to call me any time.", "Feel free to call."),
        ("I hope you liked the boat.", None),
        ("Thanks for the boat.", None),
        ("Thanks in advance for sending the boat.", None),
        ("Let me know if the boat is ready.", None),
        ("Looking forward to seeing you at sea.", None),
        ("", None),
    ],
)
def test_a_courtesy_that_says_nothing_is_put_shortly(sentence: str, short: str | None) -> None:
    """With its mark and case; one that says something is left alone."""
    assert short_courtesy(sentence) == short


def test_no_short_courtesy_is_long() -> None:
    """Four words at most, with whatever is filled in."""
    for _, short in _COURTESIES:
        filled = short.format(kind="do not" if "hesitate" in short else "so", thanks="thank you")
        assert len(filled.split()) <= 4


@given(st.text())
def test_any_text_can_be_put_otherwise(text: str) -> None:
    """Nothing raises, and a text without a letter stays as it is."""
    changed = [contract(text), lengthen(text), shorten(text, ALL_FORMS), drop_subject(text)]
    changed += [restore_subject(text), capitalised(text), joined_on(text)]
    changed += [short_courtesy(text) or text]
    if not any(map(str.isalpha, text)):
        assert {one.replace("&", "and") for one in changed} == {text.replace("&", "and")}
