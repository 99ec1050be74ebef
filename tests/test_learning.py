"""Edits in the store: found in mail, told by clients, taken back; and what mails go back to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from draft_examples import NOON, NORA, a_draft, a_mail, clock, opened
from store_samples import a_lesson

from daemon.errors import DraftNotFound
from daemon.learning import SentText, find_edits, origins, record_sent, take_back
from daemon.mailbox.parse import parse
from daemon.mailbox.reading import VERSION, incoming
from daemon.records import Batch, Incoming, Source, Tails
from daemon.store import cut_rules
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.differences import replay
from mlx_agent.records import Mail

TEXT = "Hello Tim,\n\nthe boat is ready on Friday. Can you bring the keys?\n\nCheers,\nNora"
OTHER = "Please send me the invoice for the new sails before the end of the month."


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


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
    edit = await record_sent(database, "d1", SentText(text=window), clock)
    assert (edit.matched_by, edit.mail_id, edit.unchanged) == ("client", None, True)
    assert await database.read(edit_store.edits, "home") == [edit]


@pytest.mark.parametrize("named", ["<m1@falk.example>", "m1@falk.example"])
async def test_the_mail_of_a_reported_edit_is_linked_when_it_comes(
    database: Database, named: str
) -> None:
    """By its Message-ID, which Thunderbird tells without brackets."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    mail = a_mail(own_text=TEXT, subject="Sails", to=(NORA,))
    await record_sent(database, "d1", SentText(text=TEXT, message_id=named), clock)
    await store_mail(database, mail)
    (edit,) = await find_edits(database, "home", clock)
    assert (edit.mail_id, edit.matched_by, edit.unchanged) == ("m1", "message-id", True)
    assert await find_edits(database, "home", clock) == []


async def test_what_a_report_cites_is_no_edit(database: Database) -> None:
    """A passage above the answer is another's, in a window as in the mail that comes back."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    edit = await record_sent(database, "d1", SentText(text=f"> When?\n\n{TEXT}"), clock)
    assert (edit.final_text, edit.unchanged) == (TEXT, True)


async def test_a_report_may_be_repeated(database: Database) -> None:
    """The client may not have seen our answer."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    for _ in range(2):
        await record_sent(database, "d1", SentText(text=TEXT, message_id="<1@falk.example>"), clock)
    assert len(await database.read(edit_store.edits, "home")) == 1


async def test_a_report_on_an_unknown_draft_is_refused(database: Database) -> None:
    """By its id alone."""
    with pytest.raises(DraftNotFound):
        await record_sent(database, "nowhere", SentText(text=TEXT), clock)
    with pytest.raises(DraftNotFound):
        await take_back(database, "nowhere", clock)


# --- one normaliser ---------------------------------------------------------------------------

HTML = """<html><body><p>Hello Tim,</p><p>the boat is ready on Friday.&nbsp;Can you bring
the keys?</p><p>Cheers,<br>Nora</p><div class="moz-signature">-- <br>Nora Falk<br>Boats</div>
<div class="moz-cite-prefix">On 1 March 2026, Tim wrote:<br></div>
<blockquote type="cite">and the boat?</blockquote></body></html>"""


@pytest.mark.parametrize(
    "sent",
    [
        SentText(html=HTML),
        SentText(text=" \n", html=HTML),
        SentText(text=f"{TEXT}\r\n\r\n-- \r\nNora Falk\r\nBoats\r\n"),
        SentText(text=TEXT.replace("the boat", "the\u00a0boat")),
    ],
    ids=["HTML", "HTML and no text", "signature", "no-break space"],
)
async def test_a_window_of_any_kind_is_compared_as_text(database: Database, sent: SentText) -> None:
    """As HTML it would never be equal to a draft."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    edit = await record_sent(database, "d1", sent, clock)
    assert (edit.unchanged, edit.final_text.split()) == (True, TEXT.split())


TAIL = "The Boat Yard that never sleeps at all"
TAILS = Tails(lines=frozenset({TAIL.lower(), TAIL}))


async def test_a_recurring_tail_is_cut_off_in_both_texts(database: Database) -> None:
    """By what was learned from the account's own mails, as when its mail is read."""
    await database.write(draft_store.add_draft, a_draft(text=f"{TEXT}\n{TAIL}"))
    await database.write(cut_rules.keep_tails, "home", TAILS, 30)
    rules = await database.read(cut_rules.rules, "home", VERSION)
    raw = f"From: nora@falk.example\r\n\r\n{TEXT}\r\n{TAIL}\r\n".encode()
    as_read = incoming("home", parse(raw, NOON), rules).mail.own_text
    assert as_read == TEXT
    edit = await record_sent(database, "d1", SentText(text=f"{TEXT}\n{TAIL}"), clock)
    assert (edit.draft_text, edit.final_text, edit.unchanged) == (TEXT, TEXT, True)


async def test_an_edit_says_what_was_changed(database: Database) -> None:
    """As the store gives it back, from which the final text can be had."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    final = TEXT.replace("on Friday", "next Monday").replace("Cheers", "Love")
    await store_mail(database, a_mail(own_text=final, signature="-- \nNora Falk"))
    await find_edits(database, "home", clock)
    (edit,) = await database.read(edit_store.edits, "home")
    assert [(each.removed, each.put) for each in edit.changes] == [
        ("on Friday.", "next Monday."),
        ("Cheers,", "Love,"),
    ]
    assert replay(edit.draft_text, edit.changes).split() == final.split()


# --- which edit stands ------------------------------------------------------------------------


async def standing(database: Database) -> list[tuple[str | None, str]]:
    found = await database.read(edit_store.standing, "home")
    return [(edit.mail_id, edit.matched_by) for edit in found]


async def test_a_mail_that_names_its_draft_stands_before_one_that_was_guessed(
    database: Database,
) -> None:
    """The first sync saw but a quick word in the thread; the draft was sent later."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    await store_mail(database, a_mail("m1", own_text=OTHER))
    await find_edits(database, "home", clock)
    assert await standing(database) == [("m1", "thread")]
    await store_mail(database, a_mail("m2", own_text=f"{TEXT} Soon!", draft_id="d1"))
    assert len(await find_edits(database, "home", clock)) == 1
    assert await standing(database) == [("m2", "header")]
    mails = await database.read(mail_store.mails, "home")
    assert dict((await origins(database, "home", mails)).baselines) == {"m2": TEXT}


async def test_of_what_clients_reported_the_last_stands_until_the_mail_comes(
    database: Database,
) -> None:
    """A sending may fail, and the user changes the text before the next."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    for text in (TEXT, f"{TEXT} Soon!"):
        await record_sent(database, "d1", SentText(text=text), clock)
    assert await standing(database) == [(None, "client")]
    (edit,) = await database.read(edit_store.standing, "home")
    assert edit.final_text.endswith("Soon!")
    await store_mail(database, a_mail(own_text=f"{TEXT} Soon!", subject="Sails"))
    await find_edits(database, "home", clock)
    assert await standing(database) == [("m1", "similarity")]


# --- taken back -------------------------------------------------------------------------------


async def test_what_was_taken_back_is_not_learned_from(database: Database) -> None:
    """Its lessons go, and no other's; the edit is kept, but does not stand. It may be repeated."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    mails = [a_mail("m1", own_text=f"{TEXT} Soon!", draft_id="d1"), a_mail("m2", own_text=OTHER)]
    await store_mail(database, *mails)
    await find_edits(database, "home", clock)
    for number, mail in enumerate(mails, 1):
        lesson = a_lesson(number, account="home", sample_id=mail.id)
        await database.write(lesson_store.add_lesson, lesson)
    for _ in range(2):
        await take_back(database, "d1", clock)
    assert await standing(database) == []
    assert len(await database.read(edit_store.edits, "home")) == 1
    assert (await origins(database, "home", mails)).taken_back == {"m1"}
    left = await database.read(lesson_store.lessons, "home")
    assert [lesson.sample_id for lesson in left] == ["m2"]


async def test_it_may_be_taken_back_before_the_mail_comes(database: Database) -> None:
    """And stays so, whatever a client repeats."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    await take_back(database, "d1", clock)
    await record_sent(database, "d1", SentText(text=f"{TEXT} Soon!"), clock)
    mail = a_mail("m1", own_text=f"{TEXT} Soon!")
    await store_mail(database, mail)
    await find_edits(database, "home", clock)
    assert await standing(database) == []
    assert (await origins(database, "home", [mail])).taken_back == {"m1"}


# --- what a mail goes back to -----------------------------------------------------------------


async def test_a_mail_that_names_a_draft_is_never_taught_as_if_it_were_none(
    database: Database,
) -> None:
    """Not even before its edit was looked for, nor where it is the second of that draft."""
    await database.write(draft_store.add_draft, a_draft(text=TEXT))
    changed = a_mail("m1", own_text=f"{TEXT} Soon!", draft_id="d1")
    again = a_mail("m2", own_text=f"{TEXT} Now!", draft_id="d1", to=(NORA,))
    as_it_was = a_mail("m3", own_text=TEXT, draft_id="d1")
    lost = a_mail("m4", own_text=OTHER, draft_id="lost")
    copy = a_mail("m5", own_text=TEXT, to=(NORA,), subject="Sails")
    own = a_mail("m6", own_text=OTHER)
    mails = [changed, again, as_it_was, lost, copy, own]
    await store_mail(database, changed)
    for _ in range(2):
        found = await origins(database, "home", mails)
        assert dict(found.baselines) == {"m1": TEXT, "m2": TEXT}
        assert found.unchanged == {"m3", "m4", "m5"}
        await find_edits(database, "home", clock)


async def test_a_baseline_is_cut_as_its_mail_is(database: Database) -> None:
    """Or the rules would be about the signature that one text has and the other has not."""
    await database.write(draft_store.add_draft, a_draft(text=f"{TEXT}\n\n-- \nNora Falk"))
    mail = a_mail(own_text=f"{TEXT} Soon!", signature="-- \nNora Falk", draft_id="d1")
    found = await origins(database, "home", [mail])
    assert dict(found.baselines) == {"m1": TEXT}
