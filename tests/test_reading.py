"""What was fetched becomes mails: all of it, whatever one message does, and anew by newer rules."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from store_samples import A_FOLDER, a_mail, a_source, add_cut, an_incoming

from daemon.mailbox import reading
from daemon.mailbox.reading import VERSION, ReadResult, cut_anew, read_account
from daemon.records import Batch, FetchedBatch, Progress, RawMessage, TextPart
from daemon.store import fetched as fetched_store
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
    await database.write(
        mail_store.add_batch, Batch(account="work", incoming=(an_incoming(2),)), VERSION
    )
    assert await cut_anew("work", database, lambda _: None) == 1
    first, second = await database.read(mail_store.mails, "work")
    assert (first.own_text, first.id, first.subject) == (
        "Tuesday suits.",
        a_mail(1).id,
        a_mail(1).subject,
    )
    assert second == a_mail(2)
    assert await cut_anew("work", database, lambda _: None) == 0
