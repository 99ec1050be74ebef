"""Mail from files into a real store: mbox, Maildir, a directory of .eml, one file; never twice."""

import gzip
import mailbox
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon import sample
from daemon.errors import SourceUnreadable
from daemon.mailbox.importing import add_messages, import_path
from daemon.mailbox.parse import cut_mail
from daemon.mailbox.parsing.mail_files import FileMessage
from daemon.mailbox.reading import VERSION, settle_cuts
from daemon.records import Progress, SyncResult
from daemon.store import cut_rules as rules_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Mail

RAW = list(sample.load("ada"))[:6]
FROM = b"From ada@field.example Tue Mar  3 09:31:00 2026\n"


def raw(number: int, text: str = "Tuesday suits.") -> bytes:
    return (
        f"From: Ada <ada@field.example>\nTo: ben@yard.example\nSubject: mail {number}\n"
        f"Date: Tue, 3 Mar 2026 09:{number:02}:00 +0000\n\n{text}\n"
    ).encode()


def ignore(progress: Progress) -> None:
    """No bar."""


async def imported(path: Path, database: Database) -> tuple[int, int]:
    result = await import_path(path, "work", database, ignore)
    return result.added, result.known


async def stored(database: Database) -> list[Mail]:
    return await database.read(mail_store.mails, "work")


async def own_texts(database: Database) -> list[str]:
    return [mail.own_text for mail in await stored(database)]


def an_mbox(path: Path, *messages: bytes) -> Path:
    path.write_bytes(b"".join(FROM + message + b"\n" for message in messages))
    return path


async def test_an_mbox_is_imported(tmp_path: Path, database: Database) -> None:
    """Every message of it, in the account that was named."""
    box = an_mbox(tmp_path / "sent", raw(1), raw(2), raw(3))
    result = await import_path(box, "work", database, ignore)
    assert result == SyncResult(account="work", added=3, known=0, quarantined=0)
    assert [mail.subject for mail in await stored(database)] == ["mail 1", "mail 2", "mail 3"]


async def test_an_mbox_that_python_writes_is_imported(tmp_path: Path, database: Database) -> None:
    """The standard library's writer and this reader agree."""
    box = mailbox.mbox(tmp_path / "sent.mbox")
    for message in RAW:
        box.add(message)
    box.close()
    assert await imported(tmp_path / "sent.mbox", database) == (6, 0)


async def test_escaped_lines_are_undone(tmp_path: Path, database: Database) -> None:
    """`>From ` was `From `, and `>>From ` was `>From `: a quoted line."""
    text = ">From Monday on I am away.\n\n> When?\n>>From when on?\n\nSee you."
    box = an_mbox(tmp_path / "sent", raw(1, text), raw(2))
    assert await imported(box, database) == (2, 0)
    assert await own_texts(database) == [
        "From Monday on I am away.\n\nSee you.",
        "Tuesday suits.",
    ]
    (first, _) = await stored(database)
    assert [message.text for message in first.context] == ["When?\nFrom when on?"]


async def test_a_sentence_is_not_the_beginning_of_a_message(
    tmp_path: Path, database: Database
) -> None:
    """A program that escapes nothing may leave `From` at the beginning of a paragraph."""
    text = "All is well.\n\nFrom what I know, it was in 2024\nor later."
    box = an_mbox(tmp_path / "sent", raw(1, text), raw(2))
    assert await imported(box, database) == (2, 0)
    assert await own_texts(database) == [text, "Tuesday suits."]


@pytest.mark.parametrize(
    "line",
    [
        b"From - Tue Mar 03 09:31:00 2026",
        b"From 1234@xxx Tue Mar 03 09:31:00 +0000 2026",
        b"From ada at field.example  Tue Mar  3 09:31:00 2026",
        b"From ada@field.example Tue Mar  3 09:31:00 2026 +0100",
        b"From ada@field.example Tue Mar  3 09:31 2026\r",
    ],
)
async def test_lines_between_messages_differ(
    tmp_path: Path, database: Database, line: bytes
) -> None:
    """As Thunderbird, Gmail's export, list archives and others write them."""
    path = tmp_path / "sent"
    path.write_bytes(b"\n".join([line, raw(1), line, raw(2), b""]))
    assert await imported(path, database) == (2, 0)
    assert await own_texts(database) == ["Tuesday suits."] * 2


async def test_a_maildir_is_imported(tmp_path: Path, database: Database) -> None:
    """Read and unread messages."""
    box = mailbox.Maildir(tmp_path / "Sent", create=True)
    for message in RAW:
        box.add(message)
    seen = mailbox.MaildirMessage(raw(7))
    seen.set_subdir("cur")
    seen.set_flags("S")
    box.add(seen)
    assert await imported(tmp_path / "Sent", database) == (7, 0)


async def test_a_maildir_may_lack_its_empty_directories(tmp_path: Path, database: Database) -> None:
    """A backup keeps files alone."""
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur" / "1.mail:2,S").write_bytes(raw(1))
    (tmp_path / "cur" / ".hidden").write_bytes(b"not mail")
    assert await imported(tmp_path, database) == (1, 0)


async def test_a_directory_of_eml_files_is_imported(tmp_path: Path, database: Database) -> None:
    """With those below it and in any case of letters; nothing else in it is read."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "not-mail.eml").mkdir()
    (tmp_path / "a.eml").write_bytes(raw(1))
    (tmp_path / "deep" / "er" / "b.EML").write_bytes(raw(2))
    (tmp_path / "notes.txt").write_bytes(raw(3))
    assert await imported(tmp_path, database) == (2, 0)


async def test_one_file_is_one_message(tmp_path: Path, database: Database) -> None:
    """Whatever it is called."""
    path = tmp_path / "a message"
    path.write_bytes(raw(1).replace(b"\n", b"\r\n"))
    assert await imported(path, database) == (1, 0)
    assert await own_texts(database) == ["Tuesday suits."]


async def test_importing_twice_adds_nothing(tmp_path: Path, database: Database) -> None:
    """The same path, and the same mails in another form."""
    box = an_mbox(tmp_path / "sent", raw(1), raw(2))
    assert await imported(box, database) == (2, 0)
    assert await imported(box, database) == (0, 2)
    (tmp_path / "sent.eml").write_bytes(raw(2).replace(b"\n", b"\r\n"))
    assert await imported(tmp_path / "sent.eml", database) == (0, 1)
    assert len(await stored(database)) == 2


async def test_a_mail_without_a_date_is_known_again(tmp_path: Path, database: Database) -> None:
    """The time of the import stands in for its date, and is not of its identity."""
    undated = raw(1).replace(b"Date: ", b"X-Was: ")
    (tmp_path / "a.eml").write_bytes(undated)
    assert await imported(tmp_path, database) == (1, 0)
    (first,) = await stored(database)
    (tmp_path / "a.eml").write_bytes(b"Date: never\n" + undated)
    assert await imported(tmp_path, database) == (0, 1)
    assert [mail.id for mail in await stored(database)] == [first.id]


async def test_each_batch_is_reported(tmp_path: Path, database: Database) -> None:
    """How many were read, while the whole is unknown."""
    box = an_mbox(tmp_path / "sent", *(raw(1, f"Mail {n}.") for n in range(501)))
    reports: list[Progress] = []
    await import_path(box, "work", database, reports.append)
    assert reports == [Progress(step="import", done=500), Progress(step="import", done=501)]
    assert len(await stored(database)) == 501


@pytest.mark.parametrize("content", [b"", b"\n \r\n"])
async def test_an_empty_file_is_no_mail(tmp_path: Path, database: Database, content: bytes) -> None:
    """It says so, and nothing is stored."""
    path = tmp_path / "sent"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable) as raised:
        await import_path(path, "work", database, ignore)
    assert (raised.value.path, raised.value.reason) == (path, "there is no message in it")
    assert await stored(database) == []


async def test_an_empty_directory_is_no_mail(tmp_path: Path, database: Database) -> None:
    """Nor is one without .eml files."""
    (tmp_path / "notes.txt").write_bytes(b"hello")
    with pytest.raises(SourceUnreadable) as raised:
        await import_path(tmp_path, "work", database, ignore)
    assert raised.value.reason == "there is no message in it"


async def test_a_path_that_is_not_there_is_named(tmp_path: Path, database: Database) -> None:
    """With the system's own words."""
    with pytest.raises(SourceUnreadable) as raised:
        await import_path(tmp_path / "nowhere", "work", database, ignore)
    assert raised.value.path == tmp_path / "nowhere"
    assert raised.value.reason == "No such file or directory"


# --- what exporting programs and mail servers leave -----------------------------------------------


async def subjects(database: Database) -> list[str]:
    return [mail.subject for mail in await stored(database)]


async def test_a_mailbox_that_apple_mail_exports(tmp_path: Path, database: Database) -> None:
    """A directory `Sent.mbox` that holds a file `mbox` beside an index."""
    (tmp_path / "Sent.mbox").mkdir()
    an_mbox(tmp_path / "Sent.mbox" / "mbox", raw(1), raw(2))
    (tmp_path / "Sent.mbox" / "table_of_contents").write_bytes(b"\x00")
    assert await imported(tmp_path / "Sent.mbox", database) == (2, 0)


async def test_apple_mails_own_files(tmp_path: Path, database: Database) -> None:
    """`.emlx`: the length stands above the message, notes of the program below it."""
    notes = b'<?xml version="1.0"?>\n<plist><dict/></plist>\n'
    folder = tmp_path / "Sent.mbox" / "Messages"
    folder.mkdir(parents=True)
    framed = b"%-10d\n" % len(raw(1)) + raw(1) + notes
    (folder / "1.emlx").write_bytes(framed)
    (folder / "2.partial.emlx").write_bytes(b"%d\n" % len(raw(2)) + raw(2) + notes)
    (folder / "3.emlx").write_bytes(raw(3))
    assert await imported(tmp_path, database) == (3, 0)
    assert await own_texts(database) == ["Tuesday suits."] * 3


@pytest.mark.parametrize(
    "status",
    [b"X-Mozilla-Status: 0009", b"X-Status: AD", b"X-Status: T", b"x-mozilla-status: 000F"],
)
async def test_what_an_mbox_marks_as_gone_stays_out(
    tmp_path: Path, database: Database, status: bytes
) -> None:
    """Deleted mail that was not yet cleared away, and drafts."""
    box = an_mbox(tmp_path / "sent", status + b"\n" + raw(1), b"X-Status: A\n" + raw(2))
    assert await imported(box, database) == (1, 0)
    assert await subjects(database) == ["mail 2"]


async def test_trashed_mail_and_drafts_of_a_maildir_stay_out(
    tmp_path: Path, database: Database
) -> None:
    """Flags T and D, behind any of the marks that file systems allow."""
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    names = ["1.host:2,S", "2.host:2,ST", "3.host:2,DS", "4.host,S=9:2,RS", "5.host;2,T", "6.TD"]
    for number, name in enumerate(names, 1):
        (tmp_path / "cur" / name).write_bytes(raw(number))
    (tmp_path / "new" / "7.host").write_bytes(raw(7))
    (tmp_path / "tmp" / "8.host").write_bytes(raw(8))
    assert await imported(tmp_path, database) == (4, 0)
    assert await subjects(database) == ["mail 1", "mail 4", "mail 6", "mail 7"]


async def test_a_maildirs_subfolders_are_folders_of_their_own(
    tmp_path: Path, database: Database
) -> None:
    """The one that is given is imported: its root holds what others wrote."""
    root = mailbox.Maildir(tmp_path / "mail", create=True)
    root.add(raw(1))
    root.add_folder("Sent").add(raw(2))
    assert await imported(tmp_path / "mail", database) == (1, 0)
    assert await imported(tmp_path / "mail" / ".Sent", database) == (1, 0)
    assert await subjects(database) == ["mail 1", "mail 2"]


# --- what cannot be read --------------------------------------------------------------------------


def unreadable(path: Path) -> None:
    """Make a file that exists and cannot be read, for the superuser too."""
    if os.geteuid() == 0:
        path.symlink_to("/proc/self/mem")
    else:
        path.write_bytes(raw(1))
        path.chmod(0)


async def test_what_cannot_be_read_is_set_aside(tmp_path: Path, database: Database) -> None:
    """Named by a reason and counted; the rest is imported, and a repeat sets nothing more aside."""
    (tmp_path / "a.eml").write_bytes(raw(1))
    unreadable(tmp_path / "b.eml")
    (tmp_path / "c.eml").write_bytes(b" \n")
    (tmp_path / "d.eml").write_bytes(b"\x89PNG\r\n\x1a\n: no mail")
    (tmp_path / "e.eml").write_bytes(raw(2))
    (tmp_path / "f.eml").symlink_to("nowhere")
    for added in (2, 0):
        result = await import_path(tmp_path, "work", database, ignore)
        assert (result.added, result.known, result.quarantined) == (added, 2 - added, 3)
    reasons = {item.reason for item in await database.read(mail_store.quarantined, "work")}
    assert len(reasons) == 3
    assert {"there is no message in it", "it has no header of a mail"} < reasons
    assert not any(name in reason for reason in reasons for name in ("b.eml", str(tmp_path)))


async def test_a_truncated_mbox_is_imported(tmp_path: Path, database: Database) -> None:
    """What stands above its first border is no mail, and its last message ends early."""
    box = an_mbox(tmp_path / "sent.mbox", raw(1), raw(2), raw(3))
    box.write_bytes(box.read_bytes()[len(FROM) + len(raw(1)) - 9 : -9])
    result = await import_path(box, "work", database, ignore)
    assert (result.added, result.quarantined) == (2, 1)
    assert await own_texts(database) == ["Tuesday suits.", "Tuesday"]


@pytest.mark.parametrize(
    "content", [gzip.compress(raw(1)), b"\x89PNG\r\n\x1a\n", b"Dear Ben,\nno.\n"]
)
async def test_a_file_of_another_kind_is_no_mail(
    tmp_path: Path, database: Database, content: bytes
) -> None:
    """A compressed one neither: what is given is read as it is."""
    path = tmp_path / "sent"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable) as raised:
        await import_path(path, "work", database, ignore)
    assert (raised.value.path, raised.value.reason) == (path, "it has no header of a mail")


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, database: Database) -> None:
    """If it is the one that was given."""
    unreadable(tmp_path / "sent")
    with pytest.raises(SourceUnreadable):
        await import_path(tmp_path / "sent", "work", database, ignore)


# --- batches and dates ----------------------------------------------------------------------------


async def test_a_batch_is_bounded_by_bytes(tmp_path: Path, database: Database) -> None:
    """So that five hundred large mails are never held at once."""
    large = raw(1).split(b"\n\n")[0] + b"\nContent-Type: multipart/mixed; boundary=b\n\n"
    large += b"--b\n\n%d\n--b\nContent-Type: image/png\n\n" + b"A" * 3_000_000 + b"\n--b--\n"
    for number in range(7):
        (tmp_path / f"{number}.eml").write_bytes(large.replace(b"%d", b"%d" % number))
    reports: list[Progress] = []
    await import_path(tmp_path, "work", database, reports.append)
    assert [one.done for one in reports if one.step == "import"] == [3, 6, 7]


@pytest.mark.parametrize("line", [FROM, b"From - Tue Mar 03 09:31:00 2026\n"])
async def test_a_mail_without_a_date_came_when_its_mbox_says(
    tmp_path: Path, database: Database, line: bytes
) -> None:
    """The line above it tells."""
    undated = raw(1).replace(b"Date: ", b"X-Was: ")
    (tmp_path / "sent").write_bytes(line + undated)
    await imported(tmp_path / "sent", database)
    (mail,) = await stored(database)
    assert mail.sent_at == datetime(2026, 3, 3, 9, 31, tzinfo=UTC)


@pytest.mark.parametrize("days", [-1000, 1000])
async def test_a_mail_without_a_date_is_as_old_as_its_file(
    tmp_path: Path, database: Database, days: int
) -> None:
    """But never of the future."""
    file = tmp_path / "a.eml"
    file.write_bytes(raw(1).replace(b"Date: ", b"X-Was: "))
    written = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    os.utime(file, (written.timestamp(), written.timestamp()))
    await imported(tmp_path, database)
    (mail,) = await stored(database)
    assert (mail.sent_at == written) is (days < 0)
    assert mail.sent_at <= datetime.now(UTC)


WHOLE = (
    "On Monday the harbor wrote:\n\n> the mast came back\n\n-- \nNora Falk\n\nSent from my iPhone"
)


async def test_nothing_is_cut_off_a_text_that_is_whole(database: Database) -> None:
    """Neither now nor by later rules: it is no mail, and no program added anything to it."""
    mails = [
        FileMessage(raw=raw(number, f"{number} {WHOLE}"), received_at=datetime.now(UTC))
        for number in range(5)  # enough for its ending to be learned as a tail
    ]
    result = await add_messages(iter(mails), "work", database, ignore, frozenset({"whole"}))
    assert result == SyncResult(account="work", added=5, known=0, quarantined=0)
    await settle_cuts("work", database, ignore)
    rules = await database.read(rules_store.rules, "work", VERSION)
    outdated = await database.read(mail_store.outdated, "work", rules.version + 1, 9)
    assert len(outdated) == 5
    again = [cut_mail(mail, source) for mail, source in outdated]
    for mails_now in (await stored(database), sorted(again, key=lambda mail: mail.sent_at)):
        assert [mail.own_text for mail in mails_now] == [f"{n} {WHOLE}" for n in range(5)]
        assert not any(mail.context or mail.signature or mail.forwarded for mail in mails_now)


async def test_no_header_says_that_a_mail_is_whole(tmp_path: Path, database: Database) -> None:
    """The flag is given by who stores a text, never by the text."""
    file = tmp_path / "one.eml"
    file.write_bytes(b"X-Flags: whole\nwhole: whole\n" + raw(1, f"Well.\n\n{WHOLE}"))
    await imported(file, database)
    assert "whole" not in (await stored(database))[0].flags
    assert await own_texts(database) != [f"Well.\n\n{WHOLE}"]
