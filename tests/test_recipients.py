"""What the store knew of the recipient when a mail was written."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, NOON, NORA, QUESTION, TIM, a_mail, recipient_after

from mlx_agent.recipients import is_reply, metadata_of, walk
from mlx_agent.records import Address, ContextMessage, Mail, Recipient

FORMAL = "Dear Mr Oduya,\n\nplease find the offer below.\n\nKind regards,\nNora Falk"
BARE = "the keys are under the mat"


def test_of_a_stranger_only_the_domain_is_known() -> None:
    """No greeting was used yet, which is not the same as none being wanted."""
    assert recipient_after(NORA, (TIM,), [], ()) == Recipient(
        earlier_mails=0, same_domain=False, greeting=None, sign_off=None, register=None
    )


def test_the_form_of_the_latest_mail_to_them_is_known() -> None:
    """Names are replaced, so that no name stands in what the agent sees."""
    known = recipient_after(NORA, (TIM,), [a_mail(1, own_text=FORMAL), a_mail(2)], ())
    assert known is not None
    assert (known.earlier_mails, known.greeting, known.sign_off) == (2, "Hello {first},", "Cheers,")


def test_a_mail_without_greeting_is_remembered_as_one() -> None:
    """An empty form: nothing was used."""
    known = recipient_after(NORA, (TIM,), [a_mail(own_text=BARE)], ())
    assert known is not None
    assert (known.greeting, known.sign_off) == ("", "")


def test_only_mails_to_the_same_first_recipient_count() -> None:
    """Capitals of an address do not matter; a copy to somebody is no mail to them."""
    loud = Address(name="T", address=TIM.address.upper())
    earlier = [a_mail(1, to=(loud,)), a_mail(2, to=(KIM, TIM)), a_mail(3, to=(KIM,), cc=(TIM,))]
    known = recipient_after(NORA, (TIM, KIM), earlier, ())
    assert known is not None
    assert known.earlier_mails == 1


@pytest.mark.parametrize("own_text", ["", " \n "])
def test_a_mail_without_own_text_says_nothing_of_its_recipient(own_text: str) -> None:
    """A forward must not read as a mail without greeting."""
    assert recipient_after(NORA, (TIM,), [a_mail(own_text=own_text)], ()) == Recipient()


def test_a_mail_without_recipient_has_none() -> None:
    """All in Bcc."""
    assert recipient_after(NORA, (), [a_mail()], ()) is None


def test_the_same_domain_is_told() -> None:
    """A colleague is written to in another way."""
    known = recipient_after(NORA, (KIM,), [], ())
    assert known is not None
    assert known.same_domain


def test_their_register_is_read_from_the_mail_being_answered() -> None:
    """From the nearest message alone."""
    casual = ContextMessage(author=TIM, text="hey! it's late, cu")
    for context, expected in [((QUESTION, casual), "formal"), ((casual, QUESTION), "casual")]:
        known = recipient_after(NORA, (TIM,), [], context)
        assert known is not None
        assert known.register == expected


MAILS = st.lists(
    st.builds(
        a_mail,
        st.integers(1, 9),
        to=st.sampled_from([(TIM,), (KIM,), (KIM, TIM), ()]),
        own_text=st.sampled_from([FORMAL, BARE, "Hi Kim,\nwhere is it?\nThanks,\nNora", ""]),
        context=st.sampled_from([(), (QUESTION,)]),
    ),
    max_size=8,
)


@given(MAILS)
def test_teaching_sees_what_drafting_would_have_seen(mails: list[Mail]) -> None:
    """Each mail of a walk knows exactly what the mails before it say: use equals training."""
    for position, (mail, known) in enumerate(walk(mails)):
        assert mail is mails[position]
        assert known == recipient_after(mail.sender, mail.to, mails[:position], mail.context)


def test_the_metadata_holds_the_mails_own_fields() -> None:
    """And what was known of the recipient then."""
    known = Recipient(earlier_mails=3)
    mail = a_mail(cc=(KIM,), sent_at=NOON + timedelta(days=1), in_reply_to="<0@oduya.example>")
    metadata = metadata_of(mail, known)
    assert (metadata.sender, metadata.to, metadata.cc) == (NORA, (TIM,), (KIM,))
    assert (metadata.subject, metadata.reply, metadata.recipient) == ("The boat", True, known)


@pytest.mark.parametrize(
    ("subject", "in_reply_to", "has_context", "expected"),
    [
        ("The boat", "", False, False),
        ("The boat", "<1@x>", False, True),
        ("The boat", "", True, True),
        (" RE: The boat", "", False, True),
        ("Regarding the boat", "", False, False),
    ],
)
def test_a_reply_is_known_by_header_quote_or_subject(
    subject: str, in_reply_to: str, has_context: bool, expected: bool
) -> None:
    """Any of the three will do: clients leave one or the other out."""
    assert is_reply(subject, in_reply_to, has_context=has_context) is expected
