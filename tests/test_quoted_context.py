"""Quotes within quotes as messages, and the dates above them."""

from datetime import UTC, datetime

import pytest

from daemon.mailbox.cutting.dates import read_date
from daemon.mailbox.text import cut
from mlx_agent.records import Address, ContextMessage

ON = "On Tue, 3 Mar 2026 at 09:30, Ben <ben@yard.example> wrote:"
EARLIER = "On Mon, 2 Mar 2026 at 08:00, Ada <ada@field.example> wrote:"
BEN = Address(name="Ben", address="ben@yard.example")
ADA = Address(name="Ada", address="ada@field.example")


def context(text: str) -> list[tuple[str, str]]:
    return [(message.author.name, message.text) for message in cut(text, None).context]


def test_each_level_of_marks_is_a_message() -> None:
    """Nearest first, each with its author and date, without its marks."""
    text = f"Yes.\n\n{ON}\n> When?\n>\n> {EARLIER}\n>> Hi.\n>>\n>> Shall I come?\n>>\n> Ben\n"
    assert cut(text, None).context == (
        ContextMessage(
            author=BEN, sent_at=datetime(2026, 3, 3, 9, 30, tzinfo=UTC), text="When?\n\nBen"
        ),
        ContextMessage(
            author=ADA, sent_at=datetime(2026, 3, 2, 8, tzinfo=UTC), text="Hi.\n\nShall I come?"
        ),
    )


def test_levels_without_introductions_are_messages_too() -> None:
    """Whose, nobody tells."""
    assert context("Yes.\n\n> When?\n>> Soon\n>>> How soon?\n\n> Ben") == [
        ("", "When?\n\nBen"),
        ("", "Soon"),
        ("", "How soon?"),
    ]


def test_each_header_block_is_a_message() -> None:
    """A chain of unmarked quotes, as Outlook writes it."""
    text = (
        "Yes.\n\nFrom: Ben <ben@yard.example>\nSent: Tuesday, March 3, 2026 9:30 AM\nTo: Ada\n"
        "Subject: RE: it\n\nWhen?\n\n-----Original Message-----\nFrom: Ada <ada@field.example>\n"
        "Sent: Monday, March 2, 2026 8:00 AM\nTo: Ben\nSubject: it\n\nShall I come?\n"
    )
    assert context(text) == [("Ben", "When?"), ("Ada", "Shall I come?")]


def test_a_message_that_is_quoted_in_pieces_is_one() -> None:
    """The user's answers between them are own text."""
    text = f"{ON}\n> When?\n\nTuesday.\n\n> Where?\n>\n> Ben\n\nAt the yard.\n\nAda"
    found = cut(text, None)
    assert found.own_text == "Tuesday.\n\nAt the yard.\n\nAda"
    assert context(text) == [("Ben", "When?\n\nWhere?\n\nBen")]
    assert [reason.line for reason in found.cuts] == [1, 6]


def test_two_introductions_are_two_messages() -> None:
    """An answer to two people quotes both."""
    text = f"{ON}\n> When?\n\nTuesday.\n\n{EARLIER}\n> Where?\n\nHere."
    assert context(text) == [("Ben", "When?"), ("Ada", "Where?")]


def test_a_program_that_marks_its_introduction_too_tells_the_author() -> None:
    """As Apple Mail does."""
    assert context(f"Yes.\n\n> {ON}\n>\n> When?") == [("Ben", "When?")]


def test_what_was_forwarded_to_the_user_is_context() -> None:
    """Whoever forwarded it, it was not the user."""
    forward = "> ---------- Forwarded message ---------\n> From: Eve\n>\n> Hi"
    text = f"No.\n\n{ON}\n> See below.\n>\n{forward}"
    found = cut(text, None)
    assert (found.own_text, found.forwarded) == ("No.", "")
    assert context(text) == [("Ben", "See below."), ("Eve", "Hi")]
    notes = (
        "No.\n\nBen Hollis@YARD\n03/03/2026 09:30 AM\nTo: Ada/FLD@FLD\ncc:\nSubject: it\n\nSee.\n"
        "---------------------- Forwarded by Ben Hollis/YARD on 03/03/2026 \n"
        "09:29 AM ---------------------------\n\nEve Ray\n03/02/2026 08:00 AM\nTo: Ben/YARD@YARD\n"
        "cc:\nSubject: it\n\nHi"
    )
    assert (cut(notes, None).own_text, cut(notes, None).forwarded) == ("No.", "")
    assert context(notes) == [("Ben Hollis", "See."), ("Eve Ray", "Hi")]


def test_levels_deeper_than_anybody_reads_are_left_as_they_are() -> None:
    """Twenty are taken apart."""
    lines = [f"{'>' * depth} level {depth}" for depth in range(1, 60)]
    found = context("Yes.\n\n" + "\n".join(lines))
    assert found[0] == ("", "level 1")
    assert found[10] == ("", "level 11")
    assert found[-1][1].endswith("level 59")
    assert len(found) < 30


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("On Tue, 3 Mar 2026 at 17:30, Ben wrote:", (3, 17, 30)),
        ("Tuesday, March 3rd, 2026 at 5:30 PM", (3, 17, 30)),
        ("Tuesday, March 3, 2026 12:05 AM", (3, 0, 5)),
        ("Tue, 3 Mar 2026 17:30:00 +0100", (3, 16, 30)),
        ("Tue, 3 Mar 2026 23:30:00 -0800", (4, 7, 30)),
        ("2026-03-03 17:30 GMT+01:00 Ben", (3, 16, 30)),
        ("2026-03-03T17:30:00", (3, 17, 30)),
        ("03/04/2026 05:30 PM", None),
        ("13/03/2026 17:30", (13, 17, 30)),
        ("03/13/2026 17:30", (13, 17, 30)),
        ("3.3.26, 17.30", (3, 17, 30)),
        ("3. maaliskuuta 2026 17.30", (3, 17, 30)),
        ("3 de marzo de 2026 17:30", (3, 17, 30)),
        ("martes, 3 de marzo de 2026 5:30 p. m.", (3, 17, 30)),
        ("Dienstag, 3. März 2026 17:30", (3, 17, 30)),
        ("3 марта 2026 г. 17:30", (3, 17, 30)),
        ("2026. március 3. 17:30", (3, 17, 30)),
        ("2026年3月3日 下午5:30", (3, 17, 30)),
        ("2026년 3월 3일 오후 5:30", (3, 17, 30)),
        ("3 thg 3, 2026 vào lúc 17:30", (3, 17, 30)),
        ("ยังไม่มี 3 มี.ค. 2026 17:30", (3, 17, 30)),
        ("3 March 2026", (3, 0, 0)),
    ],
)
def test_a_date_is_read_in_its_language(told: str, read: tuple[int, int, int] | None) -> None:
    """As if in UTC, for a quote does not tell its zone, unless an offset is written."""
    expected = datetime(2026, 3, *read, tzinfo=UTC) if read else datetime(
        2026, 3, 4, 17, 30, tzinfo=UTC
    )  # fmt: skip
    assert read_date(told) == expected


@pytest.mark.parametrize(
    "told",
    ["", "Tuesday at noon", "31 February 2026", "99/99/2026", "3 March 1026", "in 2019 and 2020",
     "12 apples 2026 pears", "3 Mar 2026 09:30 +9999" * 50],
)  # fmt: skip
def test_what_is_no_date_is_none(told: str) -> None:
    """Nothing raises; a time or an offset that cannot be is left out."""
    found = read_date(told)
    assert found is None or found == datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
