"""A draft into the Drafts folder: one, whatever the network does, and never a second time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest
from dovecot_server import PASSWORD, Dovecot
from proxy import Fault, Proxy, running_proxy
from scripted_imap import Close, Command, Folder, Reset, ScriptedImap, Step, first, usual
from store_samples import ADA, a_draft

from daemon.config import Account, Imap
from daemon.errors import (
    AppendRefused,
    FolderNotFound,
    MailboxFull,
    MessageTooBig,
    SavingUnknown,
    ServerBusy,
    ServerMissing,
    ServerUnreachable,
    TrimtabError,
)
from daemon.explain import explain
from daemon.mailbox.message_ids import message_id
from daemon.mailbox.outbox import Delivered, Outbox, compose
from daemon.records import DeliveryState
from daemon.store import deliveries
from daemon.store import drafts as draft_store
from daemon.store.database import Database

NOW = datetime(2026, 3, 3, 9, 31, tzinfo=UTC)
DRAFT = a_draft(created_at=NOW, in_reply_to="<p@yard.example>")
RAW = compose(DRAFT).as_bytes()
SAVED = Delivered(message_id=message_id(DRAFT), already=False)
WAS_SAVED = replace(SAVED, already=True)
MakeOutbox = Callable[..., Outbox]


@pytest.fixture
async def outbox(database: Database) -> MakeOutbox:
    """The ways out of the draft, by the IMAP server on that port."""
    await database.write(draft_store.add_draft, DRAFT)

    def made(port: int, user: str = "ada", **fields: Any) -> Outbox:
        imap = Imap(
            host="127.0.0.1", port=port, security="plain", user=user, password=PASSWORD, **fields
        )
        account = Account(addresses=(ADA.address,), imap=imap)
        return Outbox(draft=DRAFT, account=account, database=database, clock=lambda: NOW)

    return made


async def state(outbox: Outbox) -> tuple[DeliveryState, int]:
    row = await outbox.database.read(deliveries.delivery, DRAFT.id, "save")
    assert row is not None
    return row.state, row.attempts


def scripted(**changes: Any) -> ScriptedImap:
    return ScriptedImap({"Drafts": Folder(flags=r"\Drafts")}, **changes)


# --- the usual ---------------------------------------------------------------------------------


@pytest.mark.dovecot
async def test_a_draft_is_saved_as_one(dovecot: Dovecot, user: str, outbox: MakeOutbox) -> None:
    """It names itself, answers its mail, is marked as a draft, and is not news to the user."""
    box = outbox(dovecot.port, user)
    assert await box.save() == SAVED
    assert await state(box) == ("done", 1)
    assert dovecot.messages(user, dovecot.drafts) == [RAW]
    found = message_from_bytes(RAW)
    assert found["X-Trimtab-Draft"] == DRAFT.id
    assert found["In-Reply-To"] == found["References"] == "<p@yard.example>"
    link = dovecot.connect(user)
    link.select(dovecot.drafts, readonly=True)
    assert link.search(None, "DRAFT SEEN")[1] == [b"1"]
    link.logout()


@pytest.mark.dovecot
async def test_a_draft_is_saved_once(dovecot: Dovecot, user: str, outbox: MakeOutbox) -> None:
    """Asked again the answer says that it was there; asked twice at once, too."""
    box = outbox(dovecot.port, user)
    answers = await asyncio.gather(box.save(), box.save())
    assert answers == [SAVED, WAS_SAVED]
    assert await box.save() == WAS_SAVED
    assert dovecot.messages(user, dovecot.drafts) == [RAW]


async def test_an_account_without_imap_has_no_drafts(outbox: MakeOutbox) -> None:
    """It is the server that is missing, not the folder."""
    box = replace(outbox(1), account=Account(addresses=(ADA.address,)))
    with pytest.raises(ServerMissing):
        await box.save()


@pytest.mark.dovecot
async def test_a_drafts_folder_that_is_not_there_is_named(
    dovecot: Dovecot, user: str, outbox: MakeOutbox
) -> None:
    """A configured folder is never replaced by a guess; once it is there, the draft is saved."""
    box = outbox(dovecot.port, user, drafts_folder="Elsewhere")
    with pytest.raises(FolderNotFound) as raised:
        await box.save()
    assert (raised.value.folder, raised.value.role) == ("Elsewhere", "drafts")
    assert await state(box) == ("failed", 1)
    link = dovecot.connect(user)
    link.create("Elsewhere")
    link.logout()
    assert await box.save() == SAVED
    assert dovecot.messages(user, "Elsewhere") == [RAW]


# --- D1: the link dies ------------------------------------------------------------------------


async def saved_at_last(box: Outbox, proxy: Proxy) -> None:
    """Save while the faults hold, and then without them until the answer is a good one."""
    try:
        await box.save()
    except (SavingUnknown, ServerUnreachable):
        assert (await state(box))[0] in {"unknown", "failed"}
    proxy.faults = ()
    await box.save()
    assert (await state(box))[0] == "done"
    assert await box.save() == WAS_SAVED


@pytest.mark.dovecot
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "until repaired"])
async def test_d1_a_link_that_dies_anywhere_leaves_one_draft(
    dovecot: Dovecot, outbox: MakeOutbox, direction: Any, lasting: Any
) -> None:
    """From before the literal to after the tagged OK, in steps that miss no line."""
    with running_proxy(dovecot.port) as whole:
        await outbox(whole.port, f"whole-{direction}-{lasting}").save()
        total = getattr(whole.counts(), direction)
    last, step = (len(RAW) + 80, 40) if direction == "up" else (220, 13)
    for number, after in enumerate(range(total - last, total + 1, step)):
        user = f"cut-{direction}-{lasting}-{after}"
        fault = Fault(
            kind="reset" if number % 2 else "close",
            after=after,
            direction=direction,
            connection=None if lasting else 1,
        )
        with running_proxy(dovecot.port, faults=[fault]) as proxy:
            await forget(outbox(1).database)
            await saved_at_last(outbox(proxy.port, user), proxy)
        assert dovecot.messages(user, dovecot.drafts) == [RAW], f"cut after {after} of {total}"


async def forget(database: Database) -> None:
    """As if the draft had never been asked for."""
    await database.write(lambda c: c.execute("DELETE FROM delivery").close())


def stored_unsaid(command: Command) -> Step:
    """The message is stored; the tagged OK is lost."""
    usual(command)
    return Reset()


async def test_d1_a_lost_answer_is_looked_up_at_once(outbox: MakeOutbox) -> None:
    """The draft is there, so the user hears of no trouble."""
    with scripted() as server:
        server.answers["APPEND"] = first(stored_unsaid)
        box = outbox(server.port)
        assert await box.save() == SAVED
        assert await box.save() == WAS_SAVED
        assert len(server.seen("APPEND")) == 1
        assert await state(box) == ("done", 1)


async def test_d1_a_draft_that_did_not_arrive_is_told_and_saved_later(
    outbox: MakeOutbox,
) -> None:
    """Nothing is repeated by itself."""
    with scripted() as server:
        server.answers["APPEND"] = first(lambda _: Close())
        box = outbox(server.port)
        with pytest.raises(SavingUnknown) as raised:
            await box.save()
        assert "Save it again" in explain(raised.value)
        assert await state(box) == ("unknown", 1)
        assert await box.save() == SAVED
        assert len(server.folders["Drafts"].messages) == 1


async def test_d1_a_crash_in_the_middle_is_looked_up(outbox: MakeOutbox) -> None:
    """What a process left at `trying` may be there, or not."""
    for there in (True, False):
        with scripted() as server:
            box = outbox(server.port)
            await forget(box.database)
            await box.database.write(deliveries.begin, DRAFT.id, "save", SAVED.message_id, NOW)
            if there:
                server.folders["Drafts"].add(RAW)
            assert await box.save() == replace(SAVED, already=there)
            assert len(server.folders["Drafts"].messages) == 1


async def test_the_attempt_is_written_down_before_anything_is_sent(outbox: MakeOutbox) -> None:
    """A crash at any moment is seen afterwards."""
    with scripted() as server:
        box = outbox(server.port)
        cut_off = asyncio.create_task(box.save())
        await asyncio.to_thread(server.wait_for, "LOGIN")
        cut_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut_off
        assert await state(box) == ("trying", 1)


# --- D2: no UIDPLUS ---------------------------------------------------------------------------


async def test_d2_without_uidplus_a_draft_is_found_by_its_headers(outbox: MakeOutbox) -> None:
    """No APPENDUID is told; nothing of ours waits for one."""
    with scripted(capabilities="IMAP4rev1") as server:

        def plain(command: Command) -> bytes:
            usual(command)
            return command.ok("done")

        server.answers["APPEND"] = first(stored_unsaid)
        box = outbox(server.port)
        assert await box.save() == SAVED
        await forget(box.database)
        server.folders["Drafts"].messages.clear()
        server.answers["APPEND"] = plain
        assert await box.save() == SAVED
        assert len(server.folders["Drafts"].messages) == 1


async def test_d2_a_message_id_made_anew_by_the_server_hides_nothing(outbox: MakeOutbox) -> None:
    """Our own header, or the one in which Outlook keeps the old Message-ID, is found as well."""
    ours = f"Message-ID: {message_id(DRAFT)}".encode()
    header = f"X-Trimtab-Draft: {DRAFT.id}\r\n".encode()
    changed = RAW.replace(ours, b"Message-ID: <new@outlook.example>")
    kept = changed.replace(header, b"X-Microsoft-Original-" + ours + b"\r\n")
    for raw in (changed, kept):
        with scripted() as server:
            server.folders["Drafts"].add(raw)
            box = outbox(server.port)
            await forget(box.database)
            assert await box.save() == WAS_SAVED
            assert server.seen("APPEND") == []


# --- D3: the server says no -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("[OVERQUOTA] Quota exceeded (mailbox for user is full)", MailboxFull("work")),
        ("Over quota", MailboxFull("work")),
        ("[TRYCREATE] Mailbox doesn't exist", FolderNotFound("work", "Drafts", "drafts")),
        ("[TOOBIG] Message exceeds APPENDLIMIT", MessageTooBig("work")),
        ("Message size exceeds the size limit", MessageTooBig("work")),
        ("[NOPERM] no", AppendRefused("work", "Drafts")),
        ("not today", AppendRefused("work", "Drafts")),
        ("[UNAVAILABLE] try again later", ServerBusy("work", "127.0.0.1", 60.0)),
    ],
    ids=lambda value: value.split(" ")[0] if isinstance(value, str) else type(value).__name__,
)
async def test_d3_a_refusal_is_told_by_its_kind(
    outbox: MakeOutbox, said: str, error: TrimtabError
) -> None:
    """In a sentence of its own, without the server's words; later it may be tried again."""
    with scripted() as server:
        server.answers["APPEND"] = first(lambda command: command.no(said))
        box = outbox(server.port)
        with pytest.raises(type(error)) as raised:
            await box.save()
        assert vars(raised.value) == vars(error)
        assert said not in explain(raised.value)
        assert await state(box) == ("failed", 1)
        assert await box.save() == SAVED
        assert await state(box) == ("done", 2)
        assert len(server.folders["Drafts"].messages) == 1


# --- D4: the user was there -------------------------------------------------------------------


@pytest.mark.dovecot
async def test_d4_a_draft_that_the_user_deleted_stays_deleted(
    dovecot: Dovecot, user: str, outbox: MakeOutbox
) -> None:
    """Saving it again says that it was saved, and puts nothing there."""
    box = outbox(dovecot.port, user)
    await box.save()
    link = dovecot.connect(user)
    link.select(dovecot.drafts)
    link.store("1", "+FLAGS", r"(\Deleted)")
    link.expunge()
    assert await box.save() == WAS_SAVED
    assert link.select(dovecot.drafts) == ("OK", [b"0"])
    link.logout()


@pytest.mark.dovecot
@pytest.mark.parametrize("keeps_header", [True, False])
async def test_d4_a_draft_that_the_user_edited_stays_as_it_is(
    dovecot: Dovecot, user: str, outbox: MakeOutbox, keeps_header: Any
) -> None:
    """Mail programs put a new message in its place; some drop headers that they do not know."""
    box = outbox(dovecot.port, user)
    await box.save()
    edited = RAW.replace(b"Tuesday", b"Friday").replace(b"@trimtab.invalid", b"@program.example")
    if not keeps_header:
        edited = edited.replace(b"X-Trimtab-Draft: draft-1\r\n", b"")
    link = dovecot.connect(user)
    link.select(dovecot.drafts)
    link.store("1", "+FLAGS", r"(\Deleted)")
    link.expunge()
    link.logout()
    dovecot.append(user, [edited], dovecot.drafts)
    assert await box.save() == WAS_SAVED
    assert dovecot.messages(user, dovecot.drafts) == [edited]


async def test_d4_a_draft_that_may_be_there_is_not_put_over_the_users(
    outbox: MakeOutbox,
) -> None:
    """The link died, the user found the draft and changed it, and then asked to save it."""
    with scripted() as server:
        server.answers["APPEND"] = first(stored_unsaid)
        server.answers["UID SEARCH"] = lambda c: usual(c) if c.number <= 3 else Close()
        box = outbox(server.port)
        with pytest.raises(SavingUnknown):
            await box.save()
        folder = server.folders["Drafts"]
        edited = RAW.replace(b"Tuesday", b"Friday").replace(b"draft-1@", b"new@")
        folder.messages.clear()
        folder.add(edited)
        server.answers.clear()
        assert await box.save() == WAS_SAVED
        assert [message.raw for message in folder.messages] == [edited]


# --- D5: nothing but APPEND -------------------------------------------------------------------


@pytest.mark.dovecot
async def test_d5_what_others_marked_as_deleted_is_left_to_them(
    dovecot: Dovecot, user: str, outbox: MakeOutbox
) -> None:
    """We expunge nothing, so nothing of theirs goes."""
    dovecot.append(user, [b"Subject: theirs\r\n\r\nhi\r\n"], dovecot.drafts)
    link = dovecot.connect(user)
    link.select(dovecot.drafts)
    link.store("1", "+FLAGS", r"(\Deleted)")
    box = outbox(dovecot.port, user)
    await box.save()
    await box.save()
    assert len(dovecot.messages(user, dovecot.drafts)) == 2
    link.logout()


async def test_d5_the_only_command_that_writes_is_append(outbox: MakeOutbox) -> None:
    """In the good case, after a lost answer, after a refusal, and when asked again."""
    faults = [usual, stored_unsaid, lambda _: Close(), lambda command: command.no("no")]
    for fault in faults:
        with scripted() as server:
            server.answers["APPEND"] = first(fault)
            box = outbox(server.port)
            await forget(box.database)
            for _ in range(3):
                try:
                    await box.save()
                except TrimtabError:
                    continue
            names = {line.removeprefix("UID ").split(" ")[0] for line in server.seen()}
        assert names <= {"CAPABILITY", "LOGIN", "LIST", "EXAMINE", "SEARCH", "APPEND", "LOGOUT"}
