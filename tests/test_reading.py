"""What was fetched becomes mails: all of it, whatever one message does, and anew by newer rules."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from store_samples import A_FOLDER, a_batch, a_lesson, a_mail, a_source, add_cut, an_incoming

from daemon.mailbox import reading
from daemon.mailbox.reading import VERSION, ReadResult, read_account, settle_cuts
from daemon.records import Batch, FetchedBatch, Progress, RawMessage, Tails, TextPart
from daemon.store import cut_rules as rules_store
from daemon.store import fetched as fetched_store
from daemon.store import lessons as lesson_store
from daemon.store import mail as mail_store
from daemon.store.database import Database

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)


def raw(uid: int, text: str) -> RawMessage:
    part = TextPart(
        subtype="plain", encoding="", charset="utf-8", flowed=False, payload=text.encode()
    )
    header = b"From: ada@yard.example\r\nMessage-ID: <%d@yard.example>\r\n\r\n" % uid
    return RawMessage(uid=uid, header=header, received_at=NOW, parts=(part,), types=("text/plain",))


async def fetch(database: Database, *messages: RawMessage) -> None:
    await database.write(fetched_store.add, FetchedBatch(folder=A_FOLDER, messages=messages))


async def test_what_was_fetched_is_read_once(database: Database) -> None:
    """In pieces or whole, the same mail; a second reading finds nothing."""
    whole = RawMessage(
        uid=3,
        header=b"From: ada@yard.example\r\n\r\nThe rope is here.\r\n",
        received_at=NOW,
        parts=None,
    )
    await fetch(database, raw(1, "Tuesday suits.\n> When?\n"), raw(2, "The rope is here."), whole)
    told: list[Progress] = []
    assert await read_account("work", database, told.append) == ReadResult(
        read=3, added=2, quarantined=0
    )
    assert [(at.step, at.done, at.total) for at in told] == [("read", 3, 3)]
    mails = await database.read(mail_store.mails, "work")
    assert {mail.own_text for mail in mails} == {"Tuesday suits.", "The rope is here."}
    again = await read_account("work", database, told.append)
    assert again == ReadResult(read=0, added=0, quarantined=0)


async def test_a_message_that_trips_us_up_is_set_aside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours costs one mail, with its reason, and never the rest."""
    usual = reading.build

    def faulty(account: str, parsed: Any) -> Any:
        if parsed.message_id == "<2@yard.example>":
            raise RuntimeError("with words of the mail")
        return usual(account, parsed)

    monkeypatch.setattr(reading, "build", faulty)
    await fetch(database, raw(1, "One."), raw(2, "Two."), raw(3, "Three."))
    result = await read_account("work", database, lambda _: None)
    assert result == ReadResult(read=2, added=2, quarantined=1)
    (aside,) = await database.read(mail_store.quarantined, "work")
    assert (aside.uid, aside.reason) == (2, "trimtab cannot read it (RuntimeError)")


async def test_mails_are_cut_anew_by_newer_rules(database: Database) -> None:
    """From what was fetched of them; those that are cut by these rules are left alone."""
    source = replace(a_source(1), plain="Tuesday suits.\n\n> When?\n")
    old = replace(an_incoming(1), mail=a_mail(1, own_text="Tuesday suits. When?"), source=source)
    await database.write(add_cut, Batch(account="work", incoming=(old,)))
    rules = await database.read(rules_store.rules, "work", VERSION)
    new = Batch(account="work", incoming=(an_incoming(2),))
    await database.write(mail_store.add_batch, new, rules.version)
    assert await settle_cuts("work", database, lambda _: None) == 1
    first, second = await database.read(mail_store.mails, "work")
    assert first.own_text == "Tuesday suits."
    assert (first.id, first.subject) == (a_mail(1).id, a_mail(1).subject)
    assert second == a_mail(2)
    assert await settle_cuts("work", database, lambda _: None) == 0


async def test_a_lesson_goes_with_the_text_that_it_taught(database: Database) -> None:
    """Of a mail whose own text is another one now; other lessons stay."""
    await database.write(add_cut, a_batch(1, 2))
    for number in (1, 2):
        lesson = a_lesson(number, sample_id=a_mail(number).id)
        await database.write(lesson_store.add_lesson, lesson)
    cuts = [(a_mail(1, own_text="Another."), ""), (a_mail(2), "")]
    await database.write(mail_store.replace_cuts, cuts, 2)
    left = await database.read(lesson_store.lessons, "work")
    assert [lesson.sample_id for lesson in left] == [a_mail(2).id]


TAIL = "Lindqvist Arkitekter, Malmö\nHouses that last"
WORDS = ("rope", "mast", "tide", "keel", "anchor", "harbour", "sail", "chart")


def signed(number: int, tail: str) -> RawMessage:
    return raw(number, f"Please bring the {WORDS[number]}.\n\nBest,\nAda\n\n{tail}\n")


def own(number: int) -> str:
    return f"Please bring the {WORDS[number]}.\n\nBest,\nAda"


async def test_the_accounts_recurring_tails_are_learned_and_taken_off(database: Database) -> None:
    """From the mails that are there, then from each new one; the sign-off is style and stays."""
    await fetch(database, *(signed(number, TAIL) for number in range(6)))
    await read_account("work", database, lambda _: None)
    assert await settle_cuts("work", database, lambda _: None) == 6
    mails = await database.read(mail_store.mails, "work")
    assert {mail.own_text for mail in mails} == {own(number) for number in range(6)}
    assert {mail.signature for mail in mails} == {TAIL}
    await fetch(database, signed(6, TAIL))
    await read_account("work", database, lambda _: None)
    newest = await database.read(mail_store.mails, "work")
    assert {mail.own_text for mail in newest} == {own(number) for number in range(7)}


async def test_learning_tails_again_changes_nothing(database: Database) -> None:
    """They are learned from the texts with their tails, so what is taken off is not forgotten."""
    await fetch(database, *(signed(number, TAIL) for number in range(6)))
    for _ in range(3):
        await read_account("work", database, lambda _: None)
        await settle_cuts("work", database, lambda _: None)
        await database.write(forget_when_learned)
    before = await database.read(rules_store.rules, "work", VERSION)
    assert await settle_cuts("work", database, lambda _: None) == 0
    after = await database.read(rules_store.rules, "work", VERSION)
    assert (after.tails, after.version) == (before.tails, before.version)
    assert after.tails.lines
    assert after.tails.lines <= set(TAIL.split("\n"))


def forget_when_learned(connection: sqlite3.Connection) -> None:
    """So that it is time to learn again."""
    connection.execute("UPDATE cut_rules SET learned_from = 0")


async def test_a_store_without_tails_learns_none(database: Database) -> None:
    """A sign-off and a name recur as well."""
    await fetch(database, *(raw(n, own(n)) for n in range(6)))
    await read_account("work", database, lambda _: None)
    assert await settle_cuts("work", database, lambda _: None) == 0
    rules = await database.read(rules_store.rules, "work", VERSION)
    assert (rules.tails, rules.learned_from) == (Tails(), 6)
