"""What `status` shows, as text: accounts, jobs, and what could not be read."""

import io
from typing import Any

from rich.console import Console

from daemon.tui import render_status

ACCOUNT: dict[str, Any] = {
    "account": "work",
    "mails": 12,
    "quarantined": 0,
    "lessons": 9,
    "drafts": 1,
    "edits": 0,
    "adapter": None,
    "last_sync": "2026-03-03T09:30:00.000000+00:00",
    "unreadable": [],
}


BUDGET = {"night_usd": 0.0, "night_left_usd": 5.0, "month_usd": 0.0, "month_left_usd": 20.0}


def shown(
    budget: dict[str, float] = BUDGET, progress: dict[str, Any] | None = None, **account: Any
) -> list[str]:
    """The status of one account, line by line."""
    console = Console(width=100, file=io.StringIO())
    state = {"accounts": [ACCOUNT | account], "jobs": [], "progress": progress, "budget": budget}
    console.print(render_status(state))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_an_account_is_one_line() -> None:
    """With the style card in the agent's place until there is one."""
    line = shown()[1]
    assert line.split() == ("work 12 9 1 0 none yet: style card 2026-03-03 09:30".split())


def test_what_cannot_be_read_is_told_with_its_reason_and_uid() -> None:
    """Grouped by reason, so that one fault of the server's is one line."""
    refused = "the server refuses it (IMAPClientError)"
    unreadable = [
        {"uid": 7, "reason": refused},
        {"uid": 8, "reason": "the server does not hand it out"},
        {"uid": 9, "reason": refused},
    ]
    lines = shown(quarantined=3, unreadable=unreadable)
    assert "12 (3 unreadable)" in lines[1]
    assert f"work: {refused}: UID 7, 9" in lines
    assert "work: the server does not hand it out: UID 8" in lines


def test_many_unreadable_mails_are_counted() -> None:
    """The list is short; the number is whole."""
    unreadable = [{"uid": 7, "reason": "no header"}]
    assert "work: and more, 40 in all" in shown(quarantined=40, unreadable=unreadable)


def test_what_large_models_cost_is_told_with_what_is_left() -> None:
    """Of the night and of the month; nothing where nothing was ever paid."""
    spent = {"night_usd": 0.5, "night_left_usd": 4.5, "month_usd": 7.25, "month_left_usd": 12.75}
    told = "Large models: 0.50 USD this night (4.50 left), 7.25 USD this month (12.75 left)"
    assert told in shown(budget=spent)
    assert not any("USD" in line for line in shown())


def test_why_the_newest_agent_is_not_used_is_told() -> None:
    """As long as that is so."""
    why = "only 80% of its rule lists parse"
    assert f"work: the agent trained last is kept, but not used: {why}." in shown(kept=why)
    assert not any("kept" in line for line in shown(kept=None))


def test_how_the_drafts_serve_is_told_once_one_was_sent() -> None:
    """In one line that 80 columns hold."""
    use = {"drafts": 1240, "sent": 1005, "unchanged": 423, "share": 0.421, "distance": 0.0834}
    told = "work: 1005 of 1240 drafts sent, 42% as they were; median edit distance 0.08"
    assert told in shown(use=use)
    assert len(told) <= 80
    unsent = {"drafts": 3, "sent": 0, "unchanged": 0, "share": None, "distance": None}
    assert not any("drafts sent" in line for line in shown(use=unsent))


def test_a_training_under_way_shows_its_loss_and_the_curve() -> None:
    """Other jobs have no curve."""
    curve = [{"step": step, "loss": 4.0 - step} for step in range(1, 4)]
    progress = {"step": "train", "done": 3, "total": 9, "note": "loss 1.00", "curve": curve}
    assert "train: 3 of 9 loss 1.00 █▅▁" in shown(progress=progress)
    sync = {"step": "sync", "done": 3, "total": None, "note": "", "curve": []}
    assert "sync: 3" in shown(progress=sync)
