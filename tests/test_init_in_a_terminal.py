"""From the first question to the first draft, as a user types it: tmux, and a real Dovecot."""

import os
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from command import TRIMTAB
from dovecot_server import PASSWORD, Dovecot
from test_terminal_clients import Terminal

from daemon.paths import Paths

ROOT = Path(__file__).parent.parent
MAIL = (
    b"From: Ada <ada@x.example>\r\nTo: Tim <tim@oduya.example>\r\nSubject: Plan %d\r\n"
    b"Message-ID: <%d@x.example>\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n\r\n"
    b"Hi Tim,\r\n\r\nThursday works for me, and I bring %d samples of oak to the workshop.\r\n\r\n"
    b"Best,\r\nAda\r\n"
)


@pytest.mark.dovecot
def test_from_the_first_question_to_the_first_draft(
    home: Paths, dovecot: Dovecot, user: str, tmp_path: Path
) -> None:
    """Every question answered; the password is on no screen."""
    dovecot.append(user, [MAIL % (n, n, n) for n in range(2, 6)])
    screen = Terminal(
        f"trimtab-init-{os.getpid()}",
        {
            "HOME": str(tmp_path),
            "TRIMTAB_HOME": str(home.config.parent),
            "PYTHON_KEYRING_BACKEND": "keychains.InFile",
            "TEST_KEYCHAIN": str(tmp_path / "keychain"),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            "PS1": "$ ",
        },
    )
    answers = [
        ("Your address", "ada@x.example"),
        ("A short name for the account", ""),
        ("Your name", "Ada"),
        ("Every address", ""),
        ("on an IMAP server?", "y"),
        ("IMAP server [", "127.0.0.1"),
        ("Port", str(dovecot.port)),
        ("Security", ""),
        ("User name there", user),
        ("(SMTP)?", "n"),
        ("Password", PASSWORD),
        ("Your choice", ""),
        *([("as a service?", "n")] if find_spec("daemon.commands.service") else []),
        ("Thunderbird?", "n"),
    ]
    try:
        screen.start(["sh"])
        screen.type(f"{shlex.quote(str(TRIMTAB))} init", "Enter")
        for question, said in answers:
            screen.until(question)
            screen.type(*([said] if said else []), "Enter")
        screen.until("Wrote")
        shown = screen.shown()
        assert "About 4 mails would be looked at" in " ".join(shown.split())
        assert PASSWORD not in shown
        for command, words in (
            ("sync", "DONE-1"),
            ("teach", "DONE-2"),
            ("draft --to tim@oduya.example", "DONE-3"),
        ):
            typed = f"{shlex.quote(str(TRIMTAB))} {command}; echo DONE-$((0+{words[-1]}))"
            given = "printf '%s\\n' '- Thursday works' | " if command.startswith("draft") else ""
            screen.type(given + typed, "Enter")
            screen.until(words)
        shown = screen.shown()
        assert "Thursday works" in shown.rpartition("draft --to")[2]
        assert PASSWORD not in shown
    finally:
        screen.end()
