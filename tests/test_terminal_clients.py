"""mutt, NeoMutt and aerc, the real ones, in a terminal: from the reply to the recorded edit.

They run in tmux. The user's hands are a script: `trimtab-edit` opens it where a user's editor would
be, and it types the bullets, and then an edit. Mails leave by a `sendmail` that keeps them.
"""

import email
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import policy
from pathlib import Path

import pytest
from command import trimtab
from running_daemon import Running, running
from terminal import Terminal, eventually
from tools import require

import plugin

SCRIPT = Path(plugin.__file__).parent / "editor" / "trimtab-edit"
CONFIG = '[accounts.home]\nname = "Nora"\naddresses = ["nora@falk.example"]\n'
MAIL = """From: Tim Oduya <tim@oduya.example>
To: Nora <nora@falk.example>
Subject: The plan
Message-ID: <plan@oduya.example>
Date: Mon, 23 Nov 2026 04:00:00 +0000
Content-Type: text/plain; charset=utf-8

Can you come on Thursday?
"""
HANDS = """#!{python}
import os, pathlib, sys
mail = pathlib.Path(sys.argv[1])
turn = pathlib.Path(os.environ["TURN"])
text = mail.read_text()
if not turn.exists():
    turn.write_text(text)
    head, blank, body = text.partition("\\n\\n") if text.startswith("From:") else ("", "", text)
    mail.write_text(head + blank + "- Thursday works\\n- I bring 3 samples\\n\\n" + body)
else:
    turn.with_suffix(".draft").write_text(text)
    mail.write_text(text.replace("3 samples", "3 fine samples"))
"""
SENDMAIL = """#!/bin/sh
cat > "$SENT.part" && mv "$SENT.part" "$SENT"
"""
MUTT = """
set folder = "{maildir}"
set spoolfile = "{maildir}"
set mbox_type = Maildir
set header_cache = ""
set from = "Nora <nora@falk.example>"
set use_from
set edit_headers
set editor = "{editor} %s"
set sendmail = "{sendmail}"
set record = ""
set include = yes
set fast_reply
set quit = yes
set wait_key = no
set postpone = no
set sidebar_visible = no
"""
AERC = """
[home]
source = maildir://{folders}
default = INBOX
from = Nora <nora@falk.example>
outgoing = {sendmail}
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    with running(CONFIG, tcp=False) as started:
        yield started


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A Maildir with a mail, the user's hands, and a sendmail."""
    inbox = tmp_path / "folders" / "INBOX"
    for name in ("cur", "new", "tmp"):
        (inbox / name).mkdir(parents=True)
    (inbox / "new" / "1.2.host").write_text(MAIL)
    for name, text in (("hands", HANDS.format(python=sys.executable)), ("sendmail", SENDMAIL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    paths = {name: tmp_path / name for name in ("hands", "sendmail", "folders", "sent", "turn")}
    return paths | {"maildir": inbox, "root": tmp_path}


@contextmanager
def terminal(places: dict[str, Path], daemon: Running) -> Iterator[Terminal]:
    started = Terminal(
        f"trimtab-{os.getpid()}",
        {
            "HOME": str(places["root"]),
            "XDG_CONFIG_HOME": str(places["root"] / "config"),
            "XDG_DATA_HOME": str(places["root"] / "data"),
            "TRIMTAB_HOME": str(daemon.paths.config.parent),
            "TRIMTAB_EDITOR": str(places["hands"]),
            "TURN": str(places["turn"]),
            "SENT": str(places["sent"]),
        },
    )
    try:
        yield started
    finally:
        started.end()


def assert_learned(places: dict[str, Path], daemon: Running, shown: Callable[[], str]) -> None:
    """The mail left as it was edited, below it the quote; the daemon knows of the edit."""
    assert eventually(places["sent"].exists), shown()
    mail = email.message_from_bytes(places["sent"].read_bytes(), policy=policy.default)
    assert isinstance(mail, email.message.EmailMessage)
    text = mail.get_content()
    assert text.index("3 fine samples") < text.index("> Can you come on Thursday?")
    assert "- Thursday works" not in text
    assert "3 samples" in places["turn"].with_suffix(".draft").read_text()
    told = trimtab("edits", "--json", home=daemon.paths.config.parent).stdout
    assert "3 fine samples" in told


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_a_reply_in_mutt(places: dict[str, Path], daemon: Running, program: str) -> None:
    """`r`, bullets, the draft, an edit, `y`."""
    binary = require(program, program)
    config = places["root"] / "muttrc"
    editor = f"{sys.executable} {SCRIPT}"
    config.write_text(MUTT.format(editor=editor, **places))
    with terminal(places, daemon) as screen:
        screen.start([binary, "-n", "-F", str(config)])
        screen.until("The plan")
        screen.type("r")
        screen.until("y:Send")
        screen.type("y")
        assert_learned(places, daemon, screen.shown)


def test_a_reply_in_aerc(places: dict[str, Path], daemon: Running) -> None:
    """`:reply -q`, bullets, the draft, an edit, `:send`."""
    binary = require("aerc", "aerc")
    config = places["root"] / "config" / "aerc"
    config.mkdir(parents=True)
    (config / "accounts.conf").write_text(AERC.format(**places))
    (config / "accounts.conf").chmod(0o600)
    (config / "aerc.conf").write_text(f"[compose]\neditor={sys.executable} {SCRIPT}\n")
    with terminal(places, daemon) as screen:
        screen.start([binary])
        screen.until("The plan")
        screen.type(":reply -q", "Enter")
        screen.until("Send this email?")
        screen.type(":send", "Enter")
        assert_learned(places, daemon, screen.shown)
