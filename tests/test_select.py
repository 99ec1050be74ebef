"""Which mails teach, and the one reason why each other mail does not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teaching_examples import KIM, TIM, a_mail

from mlx_agent.records import Address, Mail
from mlx_agent.teach.select import LeftOut, SelectSettings, counts, select

SETTINGS = SelectSettings(
    min_words=4, max_words=40, limit=100, addresses=frozenset({"nora@falk.example"})
)


def settings(**changes: Any) -> SelectSettings:
    fields = {name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__}
    return SelectSettings(**(fields | changes))


def test_an_ordinary_mail_teaches() -> None:
    """Also under another spelling of the account's address."""
    loud = a_mail(2, sender=Address(name="N", address="Nora@Falk.Example"))
    chosen = select([a_mail(1), loud], SETTINGS)
    assert [mail.id for mail in chosen.chosen] == ["m001", "m002"]
    assert chosen.left_out == ()


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (a_mail(sender=KIM), "from another address"),
        (a_mail(flags=frozenset({"automatic"})), "automatic"),
        (a_mail(8), "excluded"),
        (a_mail(flags=frozenset({"calendar"})), "calendar"),
        (a_mail(flags=frozenset({"encrypted"})), "encrypted"),
        (a_mail(flags=frozenset({"unsure"})), "unsure where its quote ends"),
        (a_mail(own_text=" \n", forwarded="Begin forwarded message:"), "forward without own text"),
        (a_mail(own_text=" \n"), "empty"),
        (a_mail(own_text="thanks a lot"), "too short"),
        (a_mail(own_text="word " * 41), "too long"),
        (a_mail(7), "drafted and unchanged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mail_that_must_not_teach_is_left_out(mail: Mail, reason: str) -> None:
    """Each with its reason."""
    found = select([mail], settings(unchanged=frozenset({"m007"}), excluded=frozenset({"m008"})))
    assert found.chosen == ()
    assert found.left_out == (LeftOut(mail_id=mail.id, reason=reason),)


@pytest.mark.parametrize("words", [4, 40])
def test_the_bounds_are_inside(words: int) -> None:
    """From min_words to max_words."""
    assert select([a_mail(own_text="word " * words)], SETTINGS).chosen


def test_a_forward_with_a_word_of_ones_own_teaches() -> None:
    """The user wrote it."""
    assert select([a_mail(forwarded="Begin forwarded message:")], SETTINGS).chosen


def test_the_first_reason_that_applies_is_given() -> None:
    """Who wrote it comes before the user's word on it, and that before what it says."""
    mail = a_mail(sender=KIM, own_text="", flags=frozenset({"automatic"}))
    excluded = settings(excluded=frozenset({mail.id}))
    assert select([mail], excluded).left_out[0].reason == "from another address"
    own = replace(mail, sender=a_mail().sender)
    assert select([own], excluded).left_out[0].reason == "excluded"
    assert select([own], SETTINGS).left_out[0].reason == "automatic"


def test_what_the_user_writes_to_a_mailing_list_teaches() -> None:
    """The list's mark alone makes no mail automatic."""
    assert select([a_mail(flags=frozenset({"list"}))], SETTINGS).chosen


def test_of_equal_texts_the_oldest_teaches() -> None:
    """Copies carry other Message-IDs, recipients and line ends; they are one sample."""
    text = "Hello,\nthe harbour is closed until May."
    first, copy = (
        a_mail(1, own_text=text),
        a_mail(2, own_text=text.replace("\n", " \n\n"), to=(KIM,)),
    )
    found = select([copy, first], SETTINGS)
    assert [mail.id for mail in found.chosen] == ["m001"]
    assert found.left_out == (LeftOut(mail_id="m002", reason="duplicate"),)


@pytest.mark.parametrize(
    ("text", "other", "to"),
    [
        ("Hello Tim,\nthe boat is ready at 9:30.", "Hello Kim,\nthe boat is ready at 17:45.", KIM),
        ("Invoice 4711 is due on 3 May.", "Invoice 4712 is due on 12 May.", TIM),
        ("tim, the boat is ready now", "kim, the boat is ready now", KIM),
        (
            "We thank you for the order of the Merlin and send it to Leeds by road on Monday.",
            "We thank you for the order of the Osprey and send it to Hull by road on Friday.",
            TIM,
        ),
    ],
    ids=["recipient and time", "numbers", "small letters", "long, other names"],
)
def test_the_same_text_with_another_name_or_number_is_a_duplicate(
    text: str, other: str, to: Address
) -> None:
    """A form letter teaches once."""
    found = select([a_mail(1, own_text=text), a_mail(2, own_text=other, to=(to,))], SETTINGS)
    assert [mail.id for mail in found.chosen] == ["m001"]
    assert found.left_out == (LeftOut(mail_id="m002", reason="duplicate"),)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("See you at the Harbour then.", "See you at the Yard then."),
        ("The boat is ready, come soon.", "The mast is ready, come soon."),
        ("Is the boat ready for Tim?", "Is the boat ready for you?"),
    ],
)
def test_texts_that_say_something_else_are_none(text: str, other: str) -> None:
    """In a short text, a capital alone makes no name."""
    assert len(select([a_mail(1, own_text=text), a_mail(2, own_text=other)], SETTINGS).chosen) == 2


def test_equal_texts_to_people_called_by_words_of_it_are_duplicates() -> None:
    """A name that is a word of the text hides no copy."""
    will = Address(name="Will Ready", address="will@oduya.example")
    text = "the boat will be ready soon"
    found = select([a_mail(1, own_text=text), a_mail(2, own_text=text, to=(will,))], SETTINGS)
    assert [out.reason for out in found.left_out] == ["duplicate"]


def test_a_text_left_out_does_not_make_a_later_one_a_duplicate() -> None:
    """The copy that somebody else sent earlier is not the user's."""
    text = "the harbour is closed until May"
    found = select([a_mail(1, own_text=text, sender=KIM), a_mail(2, own_text=text)], SETTINGS)
    assert [mail.id for mail in found.chosen] == ["m002"]


def varied(number: int, **changes: Any) -> Mail:
    """A mail like no other."""
    words = f"{number:b}".replace("0", "no ").replace("1", "yes ")
    return a_mail(number, own_text=f"So be it: {words}", **changes)


def test_within_the_limit_the_newest_teach_oldest_first() -> None:
    """Style drifts: the latest mails say most of the next one."""
    found = select([varied(number) for number in (3, 1, 4, 2)], settings(limit=2))
    assert [mail.id for mail in found.chosen] == ["m003", "m004"]
    assert [out.reason for out in found.left_out] == ["beyond the limit"] * 2


def ids_of(mails: list[Mail], limit: int) -> list[int]:
    return [int(mail.id[1:]) for mail in select(mails, settings(limit=limit)).chosen]


def test_one_recipient_does_not_fill_the_limit() -> None:
    """A fifth of it at most, by their newest mails, while there are older ones to others."""
    others = [varied(n, to=(Address(address=f"{n}@oduya.example"),)) for n in range(1, 31)]
    loud = [varied(n) for n in range(31, 71)]
    assert ids_of([*others, *loud], 20) == [*range(15, 31), *range(67, 71)]


def test_one_thread_does_not_fill_the_limit() -> None:
    """Two mails are no crowd, however small the limit."""
    quiet = [varied(n, to=(Address(address=f"{n}@oduya.example"),)) for n in range(1, 31)]
    thread = [
        varied(n, to=(Address(address=f"{n}@oduya.example"),), references=("<root@x>",))
        for n in range(31, 41)
    ]
    assert ids_of([*quiet, *thread], 20) == [*range(13, 31), 39, 40]


def test_a_crowd_takes_the_places_that_nobody_else_wants() -> None:
    """Someone who writes to one person alone is learned from all the same: by the newest."""
    few = [varied(n, to=(KIM,)) for n in range(1, 3)]
    loud = [varied(n) for n in range(3, 43)]
    assert ids_of([*few, *loud], 10) == [1, 2, *range(35, 43)]
    assert len(ids_of([*few, *loud], 100)) == 42


@given(
    st.lists(
        st.builds(
            a_mail,
            st.integers(1, 30),
            sender=st.sampled_from([KIM, TIM, a_mail().sender]),
            own_text=st.sampled_from(["", "too short", "one two three four", "a b c d e f"]),
            flags=st.sets(st.sampled_from(["list", "calendar"])).map(frozenset),
        ),
        unique_by=lambda mail: mail.id,
        max_size=12,
    ),
    st.integers(0, 4),
)
def test_every_mail_is_chosen_or_left_out_once(mails: list[Mail], limit: int) -> None:
    """None is lost, none has two reasons, and the order of the mails given says nothing."""
    found = select(mails, settings(limit=limit))
    ids = [mail.id for mail in found.chosen] + [out.mail_id for out in found.left_out]
    assert sorted(ids) == sorted(mail.id for mail in mails)
    assert len(found.chosen) <= limit
    assert found == select(mails[::-1], settings(limit=limit))


def test_counts_name_the_commonest_reason_first() -> None:
    """As they are shown to the user."""
    left_out = [LeftOut(mail_id=str(n), reason=r) for n, r in enumerate(["empty"] + ["list"] * 2)]  # type: ignore[arg-type]
    assert list(counts(left_out).items()) == [("list", 2), ("empty", 1)]
