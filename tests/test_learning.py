"""Which sent mail was which draft, and how far the user moved it."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from draft_examples import NOON, NORA, TIM, a_draft, a_mail, clock, opened
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import DraftNotFound
from daemon.learning import (
    bare_subject,
    edit_distance,
    find_edits,
    normalise,
    pair,
    record_sent,
    word_edits,
)
from daemon.records import Batch, Incoming, Source
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Draft, Mail

TEXT = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora"
OTHER = "Please send me the invoice for the new sails before the end of the month."


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


# --- how far apart ----------------------------------------------------------------------------


def textbook(first: list[str], second: list[str]) -> int:
    """Wagner and Fischer's table, row by row."""
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=80)


@given(WORDS, WORDS)
def test_word_edits_is_the_levenshtein_distance(first: list[str], second: list[str]) -> None:
    """The bit-parallel form agrees with the textbook's table, beyond 64 words too."""
    assert word_edits(first, second) == textbook(first, second)


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_distance_is_symmetric_and_between_0_and_1(first: str, second: str) -> None:
    """For any texts at all, empty ones included."""
    assert 0 <= edit_distance(first, second) <= 1
    assert edit_distance(first, second) == edit_distance(second, first)
    assert edit_distance(first, first) == 0


def test_the_distance_counts_words_of_the_longer_text() -> None:
    """One word replaced and one added, of five."""
    assert edit_distance("the boat is ready", "the ship is ready now") == pytest.approx(2 / 5)


def test_two_thousand_words_are_compared_at_once() -> None:
    """A long mail does not hold up the daemon's loop."""
    first = [f"word{number * 7919 % 613}" for number in range(2000)]
    second = [f"word{number * 104729 % 613}" for number in range(2000)]
    begun = time.perf_counter()
    assert 0 < word_edits(first, second) <= 2000
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    "sent",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("ready on Friday. Can", "ready on\nFriday. Can"),
        TEXT.replace("Hello Tim,", "Hello\u00a0Tim,  "),
        f"\n{TEXT}\n\n",
    ],
    ids=["line ends", "hard wraps", "blanks", "outer blank lines"],
)
def test_what_a_mail_program_does_to_a_text_is_no_edit(sent: str) -> None:
    """Wrapping and white space are not the user's."""
    assert edit_distance(TEXT, sent) == 0


def test_typographic_signs_are_no_edit() -> None:
    """Mail programs exchange quotes, dashes and dots as one types."""
    assert normalise("It’s “done” — well… –") == normalise('It\'s "done" -- well... -')


def test_a_changed_capital_is_an_edit() -> None:
    """Capitals are style, and style is what is learnt."""
    assert edit_distance("the boat", "The boat") == 0.5


@pytest.mark.parametrize("subject", ["The Boat", "Re: the boat", "AW: RE: Re[2]: the  boat"])
def test_marks_of_reply_do_not_count_in_a_subject(subject: str) -> None:
    """In any language that mail programs use."""
    assert bare_subject(subject) == "the boat"


# --- which mail was which draft ---------------------------------------------------------------


def matched(mail: Mail, *drafts: Draft, saved: dict[str, Draft] | None = None) -> str | None:
    pairs = pair([mail], drafts, saved or {})
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
    pairs = pair([later, first], [a_draft(text=TEXT)], {})
    assert [each.mail.id for each in pairs] == ["m1"]


def test_no_guess_takes_a_draft_that_a_later_mail_names() -> None:
    """What is certain is settled before what is likely."""
    early = a_mail("m1", own_text=TEXT)
    named = a_mail("m2", own_text=OTHER, sent_at=NOON + timedelta(days=1), draft_id="d1")
    pairs = pair([early, named], [a_draft("d1", text=TEXT)], {})
    assert [(each.mail.id, each.matched_by) for each in pairs] == [("m2", "header")]


# --- the store --------------------------------------------------------------------------------


async def store_mail(database: Database, *mails: Mail) -> None:
    source = Source(header=b"", plain="", html=None)
    incoming = tuple(Incoming(mail=mail, source=source) for mail in mails)
    await database.write(mail_store.add_batch, Batch(account="home", incoming=incoming), 1)


async def test_edits_are_found_once(database: Database) -> None:
    """A repeat of the job is harmless."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    await store_mail(database, a_mail(own_text=TEXT.replace("Friday", "Monday")))
    (edit,) = await find_edits(database, "home", clock)
    assert (edit.draft_id, edit.mail_id, edit.matched_by) == ("d1", "m1", "thread")
    assert edit.distance == pytest.approx(1 / 15)
    assert not edit.unchanged
    assert await find_edits(database, "home", clock) == []
    assert await database.read(edit_store.edits, "home") == [edit]


async def test_a_draft_sent_as_it_was_is_marked_unchanged(database: Database) -> None:
    """Such a mail must not teach: it is trimtab's own text."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    await store_mail(database, a_mail(own_text=TEXT.replace("\n\n", "\n")))
    (edit,) = await find_edits(database, "home", clock)
    assert edit.unchanged


async def test_a_second_draft_does_not_get_the_mail_of_the_first(database: Database) -> None:
    """The one that was not sent stays without an edit, at every later run."""
    await database.write(draft_store.add_draft, a_draft("d1", text=TEXT))
    await database.write(draft_store.add_draft, a_draft("d2", text=TEXT + " Soon!"))
    await store_mail(database, a_mail(own_text=TEXT))
    assert [edit.draft_id for edit in await find_edits(database, "home", clock)] == ["d1"]
    assert await find_edits(database, "home", clock) == []


async def test_other_accounts_mails_are_not_looked_at(database: Database) -> None:
    """Accounts do not mix."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    await store_mail(database, a_mail(own_text=TEXT))
    assert await find_edits(database, "work", clock) == []


async def test_what_a_client_reports_is_an_edit_without_quote_and_signature(
    database: Database,
) -> None:
    """The compose window holds more than the user wrote."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    window = (
        f"{TEXT}\n\n-- \nNora Falk\nFalk Boats\n\nOn 1 March 2026, Tim wrote:\n> and the boat?\n"
    )
    edit = await record_sent(database, "d1", window, "", clock)
    assert (edit.matched_by, edit.mail_id, edit.unchanged) == ("client", None, True)
    assert await database.read(edit_store.edits, "home") == [edit]


async def test_the_mail_of_a_reported_edit_is_linked_when_it_comes(database: Database) -> None:
    """Only then can teaching leave out a mail that trimtab wrote."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    mail = a_mail(own_text=TEXT, subject="Sails", to=(NORA,))
    await record_sent(database, "d1", TEXT, mail.message_id, clock)
    await store_mail(database, mail)
    (edit,) = await find_edits(database, "home", clock)
    assert (edit.mail_id, edit.matched_by, edit.unchanged) == ("m1", "message-id", True)
    assert await find_edits(database, "home", clock) == []


async def test_what_a_report_cites_is_no_edit(database: Database) -> None:
    """A passage above the answer is another's, in a window as in the mail that comes back."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    edit = await record_sent(database, "d1", f"> When is the boat ready?\n\n{TEXT}", "", clock)
    assert (edit.final_text, edit.unchanged) == (TEXT, True)


async def test_a_report_may_be_repeated(database: Database) -> None:
    """The client may not have seen our answer."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    for _ in range(2):
        await record_sent(database, "d1", TEXT, "<1@falk.example>", clock)
    assert len(await database.read(edit_store.edits, "home")) == 1


async def test_a_report_on_an_unknown_draft_is_refused(database: Database) -> None:
    """By its id alone."""
    with pytest.raises(DraftNotFound):
        await record_sent(database, "nowhere", TEXT, "", clock)
