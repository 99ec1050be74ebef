"""How drafts serve their user: the figures, and how `eval --use` shows them."""

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import trimtab
from rich.console import Console
from store_samples import NOW, a_draft, an_edit

from daemon.commands.evaluate import use_table
from daemon.config import Paths
from daemon.mailbox import outbox
from daemon.records import Outcome
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store.database import Connection, Database
from daemon.use import Use, by_week, use_of, week_of

ADAPTER = "work-20260301-213000-1a2b3c"
NOTHING = {"share": None, "distance": None}
CONFIG = """
[accounts.work]
name = "Ada Lindqvist"
addresses = ["ada@field.example"]
[accounts.home]
name = "Ada Lindqvist"
addresses = ["ada@home.example"]
"""


def made(days: int = 0, by: str = ADAPTER, distance: float | None = None) -> Outcome:
    """A draft of so many days after NOW, a Tuesday."""
    at = NOW + timedelta(days=days)
    return Outcome(made_at=at, made_by=by, distance=distance, unchanged=distance == 0)


# --- the figures ------------------------------------------------------------------------------


def test_shares_are_of_what_was_sent() -> None:
    """A draft that was not sent is made, and else counts for nothing."""
    found = use_of([made(distance=0), made(distance=0.25), made(distance=0.5), made()])
    assert found == Use(drafts=4, sent=3, unchanged=1, share=1 / 3, distance=0.25)


def test_of_nothing_sent_no_figure_is_made_up() -> None:
    """Nor of no draft."""
    assert use_of([made()]) == Use(drafts=1, sent=0, unchanged=0, share=None, distance=None)
    assert use_of([]) == Use(drafts=0, sent=0, unchanged=0, share=None, distance=None)


def test_each_week_and_agent_is_a_row_the_latest_first() -> None:
    """Drafts without an agent are of their rung."""
    outcomes = [made(0, "style-card", 0.5), made(1), made(5, distance=0.0), made(6), made(6)]
    assert [(row.week, row.made_by, row.use.drafts) for row in by_week(outcomes)] == [
        ("2026-W11", ADAPTER, 2),
        ("2026-W10", ADAPTER, 2),
        ("2026-W10", "style-card", 1),
    ]


@pytest.mark.parametrize(
    ("day", "week"), [((2026, 1, 1), "2026-W01"), ((2027, 1, 3), "2026-W53")], ids=str
)
def test_weeks_are_those_of_iso_8601(day: tuple[int, int, int], week: str) -> None:
    """A year's first days may be of the last week of the year before."""
    assert week_of(datetime(*day, tzinfo=UTC)) == week


# --- the store --------------------------------------------------------------------------------


def test_what_became_of_each_draft_is_read_without_its_text(connection: Connection) -> None:
    """By the edit that stands; of what was taken back, nothing is known."""
    by_adapter = replace(a_draft(1).provenance, rung="adapter", adapter=ADAPTER)
    for draft in (a_draft(1, provenance=by_adapter), a_draft(2), a_draft(3)):
        draft_store.add_draft(connection, draft)
    guessed = an_edit(1, matched_by="thread", mail_id="sha256:9", distance=0.9, final_text="?")
    for edit in (guessed, an_edit(1, distance=0.0, unchanged=True), an_edit(3)):
        edit_store.add_edit(connection, edit)
    edit_store.take_back(connection, "draft-3", NOW)
    times = [NOW + timedelta(minutes=number) for number in (1, 2, 3)]
    assert edit_store.outcomes(connection, "work") == [
        Outcome(made_at=times[0], made_by=ADAPTER, distance=0.0, unchanged=True),
        Outcome(made_at=times[1], made_by="style-card"),
        Outcome(made_at=times[2], made_by="style-card"),
    ]
    assert edit_store.outcomes(connection, "home") == []


# --- what is shown ----------------------------------------------------------------------------


def test_the_table_fits_80_columns() -> None:
    """Names of agents whole, and a total below."""
    outcomes = [made(-7, "few-shot", 0.3), *(made(0, distance=0.0) for _ in range(1234)), made(0)]
    console = Console(width=80, file=io.StringIO())
    console.print(use_table("a-long-name-of-an-account", outcomes))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert [row for row in rows if len(row) > 1] == [
        ["week", "rules by", "made", "sent", "unchanged", "distance"],
        ["2026-W10", ADAPTER, "1235", "1234", "1234 (100%)", "0.00"],
        ["2026-W09", "few-shot", "1", "1", "0 (0%)", "0.30"],
        ["all", "1236", "1235", "1234 (100%)", "0.00"],
    ]


async def test_the_command_shows_every_account(home: Paths) -> None:
    """For people and for programs; one may be named, and status tells the same."""
    home.config.write_text(CONFIG, "utf-8")
    database = await Database.open(home.database)
    await database.write(draft_store.add_draft, a_draft(1))
    await database.write(edit_store.add_edit, an_edit(1))
    await database.close()
    use = {"drafts": 1, "sent": 1, "unchanged": 0, "share": 0.0, "distance": 1 / 3}
    data = json.loads(trimtab("eval", "--use", "--json").stdout)
    week = {"week": "2026-W10", "made_by": "style-card", "use": use}
    assert data["work"] == {"total": use, "weeks": [week]}
    assert data["home"] == {"total": dict.fromkeys(use, 0) | NOTHING, "weeks": []}
    shown = trimtab("eval", "--use").stdout
    assert "Drafts of work" in shown
    assert "home: no draft has been made yet." in shown
    assert trimtab("eval", "--use", "-a", "home").stdout == "home: no draft has been made yet.\n"
    rows = json.loads(trimtab("status", "--json").stdout)["accounts"]
    assert [row["use"] for row in rows] == [use, data["home"]["total"]]
    assert "1 of 1 drafts sent, 0% as they were" in trimtab("status", "--once").stdout


async def test_mail_from_files_is_looked_through_for_drafts(home: Paths, tmp_path: Path) -> None:
    """An account without a server has no sync after which it would be."""
    home.config.write_text(CONFIG, "utf-8")
    database = await Database.open(home.database)
    await database.write(draft_store.add_draft, a_draft(1))
    await database.close()
    sent = outbox.compose(a_draft(1)).as_bytes().replace(b"Tuesday", b"Wednesday")
    (tmp_path / "sent.eml").write_bytes(sent)
    trimtab("import", tmp_path / "sent.eml", "-a", "work")
    data = json.loads(trimtab("eval", "--use", "--json", "-a", "work").stdout)
    assert data["work"]["total"] == {
        "drafts": 1, "sent": 1, "unchanged": 0, "share": 0.0, "distance": 0.5,
    }  # fmt: skip
