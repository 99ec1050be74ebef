"""Which sent mail was which draft."""

from dataclasses import replace
from datetime import timedelta

import pytest
from draft_examples import NOON, NORA, TIM, a_draft, a_mail

from daemon.pairing import Sought, bare_subject, copied, pair
from mlx_agent.records import Address, Draft, Mail

TEXT = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora"
OTHER = "Please send me the invoice for the new sails before the end of the month."


@pytest.mark.parametrize("subject", ["The Boat", "Re: the boat", "AW: RE: Re[2]: the  boat"])
def test_marks_of_reply_do_not_count_in_a_subject(subject: str) -> None:
    """In any language that mail programs use."""
    assert bare_subject(subject) == "the boat"


# --- which mail was which draft ---------------------------------------------------------------


def matched(mail: Mail, *drafts: Draft, saved: dict[str, Draft] | None = None) -> str | None:
    pairs = pair([mail], Sought(drafts=drafts, by_message_id=saved or {}))
    return f"{pairs[0].draft.id} by {pairs[0].matched_by}" if pairs else None


def test_the_mails_own_header_is_believed_first() -> None:
    """Whatever subject, recipient and text have become."""
    mail = a_mail(own_text=OTHER, draft_id="d1", subject="Sails", to=(NORA,))
    drafts = a_draft("d1", text=TEXT), a_draft("d2", text=OTHER)
    assert matched(mail, *drafts) == "d1 by header"


def test_a_message_id_under_which_a_draft_was_saved_is_known() -> None:
    """The draft was opened in a mail program, which dropped our header."""
    draft = a_draft(text=TEXT)
    mail = a_mail(own_text=OTHER, subject="Sails")
    assert matched(mail, draft, saved={mail.message_id: draft}) == "d1 by message-id"


def test_our_own_message_id_names_its_draft() -> None:
    """Even where the draft was sent, or reported as sent, under another one since."""
    mail = a_mail(own_text=OTHER, subject="Sails", message_id="<d1@trimtab.invalid>")
    assert matched(mail, a_draft(text=TEXT)) == "d1 by message-id"


def test_subject_and_recipient_make_a_thread() -> None:
    """A reply that was copied out of the draft and rewritten."""
    draft = a_draft(text=TEXT)
    mail = a_mail(own_text=OTHER, subject="RE: The boat", sent_at=NOON + timedelta(days=3))
    assert matched(mail, draft) == "d1 by thread"


def test_of_two_drafts_in_a_thread_the_nearer_text_was_sent() -> None:
    """The user asked for a second draft and sent that one."""
    drafts = a_draft("d1", text=OTHER), a_draft("d2", text=TEXT)
    assert matched(a_mail(own_text=TEXT + " Soon!"), *drafts) == "d2 by thread"


def test_a_similar_text_to_the_same_recipient_is_the_draft() -> None:
    """Under another subject; the address's capitals do not matter."""
    loud = type(TIM)(name="T.", address=TIM.address.upper())
    mail = a_mail(own_text=TEXT.replace("Friday", "Monday"), subject="Sails", to=(loud,))
    assert matched(mail, a_draft(text=TEXT)) == "d1 by similarity"


@pytest.mark.parametrize(
    "mail",
    [
        a_mail(own_text=OTHER, subject="Sails"),
        a_mail(own_text=TEXT, to=(NORA,)),
        a_mail(own_text=TEXT, to=()),
        a_mail(own_text=TEXT, flags=frozenset({"forward"})),
        a_mail(own_text=TEXT, forwarded="---- Forwarded message"),
        a_mail(own_text=TEXT, sent_at=NOON + timedelta(days=15)),
        a_mail(own_text=TEXT, sent_at=NOON - timedelta(hours=1)),
        a_mail(own_text=TEXT, draft_id="of-another-machine"),
        a_mail(own_text=TEXT, message_id="<lost@trimtab.invalid>"),
        a_mail(own_text=TEXT, sender=TIM),
        a_mail(own_text=TEXT, flags=frozenset({"automatic"})),
        a_mail(own_text="", flags=frozenset({"encrypted"}), draft_id="d1"),
        a_mail(own_text="", flags=frozenset({"forward"}), draft_id="d1"),
        a_mail(own_text=f"{TEXT}\n\nWhen?", flags=frozenset({"unsure"}), draft_id="d1"),
    ],
    ids=[
        "other text and subject",
        "other recipient",
        "no recipient",
        "forward",
        "forward with own text",
        "too late",
        "before the draft",
        "another draft's",
        "a lost draft's",
        "somebody else's",
        "automatic",
        "encrypted",
        "forward of what the draft answers",
        "where its quote ends is unknown",
    ],
)
def test_what_was_not_the_draft_is_not_matched(mail: Mail) -> None:
    """A wrong match would teach the agent a stranger's mail."""
    assert matched(mail, a_draft(text=TEXT)) is None


def test_drafts_without_a_subject_are_no_thread() -> None:
    """Two mails with empty subjects have nothing in common."""
    mail = a_mail(own_text=OTHER, subject="")
    assert matched(mail, a_draft(text=TEXT, subject="Re: ")) is None


def test_a_draft_is_sent_once() -> None:
    """The follow-up in the same thread was written by hand."""
    first = a_mail("m1", own_text=TEXT)
    later = a_mail("m2", own_text=TEXT, sent_at=NOON + timedelta(hours=2))
    pairs = pair([later, first], Sought(drafts=[a_draft(text=TEXT)]))
    assert [each.mail.id for each in pairs] == ["m1"]


def test_no_guess_takes_a_draft_that_a_later_mail_names() -> None:
    """What is certain is settled before what is likely."""
    early = a_mail("m1", own_text=TEXT)
    named = a_mail("m2", own_text=OTHER, sent_at=NOON + timedelta(days=1), draft_id="d1")
    pairs = pair([early, named], Sought(drafts=[a_draft("d1", text=TEXT)]))
    assert [(each.mail.id, each.matched_by) for each in pairs] == [("m2", "header")]


# --- threads ----------------------------------------------------------------------------------

ANSWERED = "<7@oduya.example>"


def an_answer(draft_id: str = "d1", *, text: str = TEXT, to: str = ANSWERED) -> Draft:
    """A draft that answers the mail of that Message-ID."""
    return replace(a_draft(draft_id, text=text), in_reply_to=to, references=("<1@a.example>", to))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"in_reply_to": ANSWERED}, "d1 by thread"),
        ({"references": ("<0@a.example>", ANSWERED)}, "d1 by thread"),
        ({"references": ("<1@a.example>",)}, "d1 by thread"),
        ({"in_reply_to": "<8@oduya.example>"}, None),
        ({}, None),
    ],
    ids=["same parent", "parent in the thread", "same root", "another thread", "no thread"],
)
def test_a_thread_is_told_by_message_ids(changes: dict[str, object], found: str | None) -> None:
    """Whatever its subject has become, and whatever the text."""
    assert matched(a_mail(own_text=OTHER, subject="Sails", **changes), an_answer()) == found


def test_a_subject_alone_is_a_thread_where_message_ids_are_missing() -> None:
    """But not where they say that it is another one, as with `Re: Invoice` every month."""
    by_hand = a_mail(own_text=OTHER, subject="Re: The boat")
    assert matched(by_hand, an_answer()) == "d1 by thread"
    assert matched(replace(by_hand, in_reply_to="<8@oduya.example>"), an_answer()) is None


def test_an_answer_to_the_same_mail_goes_first() -> None:
    """Before a later one in the thread, though that one's text is nearer."""
    answer = a_mail("m1", own_text=OTHER, in_reply_to=ANSWERED)
    later = a_mail("m2", own_text=TEXT, in_reply_to="<m1@falk.example>", references=(ANSWERED,))
    (found,) = pair([later, answer], Sought(drafts=[an_answer()]))
    assert (found.mail.id, found.matched_by) == ("m1", "thread")


def test_a_quick_word_before_the_answer_is_not_the_draft() -> None:
    """Of two answers to one mail the nearer text was the draft, though it came later."""
    quick = a_mail("m1", own_text="Got it, more tomorrow.", in_reply_to=ANSWERED)
    answer = a_mail("m2", own_text=f"{TEXT} Soon!", in_reply_to=ANSWERED)
    (found,) = pair([quick, answer], Sought(drafts=[an_answer()]))
    assert found.mail.id == "m2"


def test_every_thread_is_found_before_anything_similar() -> None:
    """An older mail that is merely similar does not take the draft of a thread."""
    similar = a_mail("m1", own_text=TEXT, subject="Sails")
    answer = a_mail("m2", own_text=OTHER, in_reply_to=ANSWERED, sent_at=NOON + timedelta(days=1))
    pairs = pair([similar, answer], Sought(drafts=[an_answer()]))
    assert [(each.mail.id, each.matched_by) for each in pairs] == [("m2", "thread")]


def test_every_header_is_believed_before_any_message_id() -> None:
    """Though the mail with the Message-ID is older."""
    draft = a_draft(text=TEXT)
    by_id = a_mail("m1", own_text=TEXT)
    by_header = a_mail("m2", own_text=OTHER, draft_id="d1", sent_at=NOON + timedelta(days=1))
    sought = Sought(drafts=[draft], by_message_id={by_id.message_id: draft})
    assert [each.mail.id for each in pair([by_id, by_header], sought)] == ["m2"]


def test_a_draft_without_recipient_answers_the_same_mail() -> None:
    """The compose window had none yet."""
    draft = replace(an_answer(), x=a_draft(text=TEXT, to=()).x)
    assert matched(a_mail(own_text=TEXT, in_reply_to=ANSWERED), draft) == "d1 by thread"
    assert matched(a_mail(own_text=TEXT, references=(ANSWERED,)), draft) is None


# --- whom it is to, whom it is from -----------------------------------------------------------


def test_a_recipient_may_have_been_added_before_the_drafts() -> None:
    """Order in the To field is no meaning."""
    assert matched(a_mail(own_text=TEXT, to=(NORA, TIM)), a_draft(text=TEXT)) == "d1 by thread"


def test_any_address_of_the_account_may_send_the_draft() -> None:
    """A mail program answers from the address that was written to."""
    mail = a_mail(own_text=TEXT, sender=Address(address="Nora@Sails.example"))
    sought = Sought(drafts=[a_draft(text=TEXT)])
    assert pair([mail], sought) == []
    assert [each.mail.id for each in pair([mail], sought, {"nora@sails.example"})] == ["m1"]


# --- what is known already --------------------------------------------------------------------


def test_a_text_that_a_client_reported_finds_its_mail() -> None:
    """The user rewrote the draft, and the server gave the mail another Message-ID."""
    mail = a_mail(own_text=OTHER, subject="Sails")
    drafts = [a_draft(text=TEXT)]
    assert pair([mail], Sought(drafts=drafts)) == []
    (found,) = pair([mail], Sought(drafts=drafts, reported={"d1": f"{OTHER} Soon!"}))
    assert found.matched_by == "similarity"


def test_a_draft_that_has_a_guessed_mail_is_found_by_name_alone() -> None:
    """No second guess; but a mail that names it is surer than the first."""
    sought = Sought(drafts=[a_draft(text=TEXT)], guessed={"d1"})
    assert pair([a_mail(own_text=TEXT)], sought) == []
    (found,) = pair([a_mail(own_text=TEXT, draft_id="d1")], sought)
    assert found.matched_by == "header"


# --- copies -----------------------------------------------------------------------------------


def test_what_was_copied_out_of_a_draft_is_told() -> None:
    """To somebody else, in part, and long after; but not what merely shares some words."""
    copy = TEXT.replace("Tim", "Ann").replace("Cheers", "Best")
    later = NOON + timedelta(days=90)
    mails = [
        a_mail("copy", own_text=copy, sent_at=later),
        a_mail("part", own_text="the boat is ready on Friday. Can you bring the keys?"),
        a_mail("own", own_text=f"{OTHER} The boat is ready on Friday."),
        a_mail("before", own_text=copy, sent_at=NOON - timedelta(days=1)),
        a_mail("empty", own_text="", sent_at=later),
    ]
    assert copied(mails, [a_draft(text=TEXT)]) == {"copy", "part"}
    assert copied(mails, []) == frozenset()
