"""`trimtab-edit`: what it takes for bullets, and that nothing but them is changed in a file."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from command import trimtab
from hypothesis import given
from hypothesis import strategies as st
from running_daemon import Running, a_home, running

import plugin

SCRIPT = Path(plugin.__file__).parent / "editor" / "trimtab-edit"
CONFIG = '[accounts.home]\nname = "Nora"\naddresses = ["nora@falk.example"]\n'
HEAD = "From: Nora <nora@falk.example>\nTo: Tim <tim@oduya.example>\nSubject: Re: Plan\n\n"
QUOTE = "On Monday, Tim Oduya\nwrote:\n> Can you come on Thursday?\n> > Is it ready?\n"
BULLETS = "- Thursday works\n* I bring 3 samples\n"


def loaded() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("trimtab_edit", str(SCRIPT))
    spec = importlib.util.spec_from_loader("trimtab_edit", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


edit = loaded()


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (BULLETS, ["Thursday works", "I bring 3 samples"]),
        (HEAD + BULLETS, ["Thursday works", "I bring 3 samples"]),
        (f"{BULLETS}\n{QUOTE}", ["Thursday works", "I bring 3 samples"]),
        (f"{QUOTE}\n{BULLETS}-- \nNora\n", ["Thursday works", "I bring 3 samples"]),
        ("- one\n\n-  two,\n   and more\n", ["one", "two, and more"]),
        ("- one\r\n- two\r\n", ["one", "two"]),
        ("- see: the plan\n> quoted\n", ["see: the plan"]),
        ("", None),
        (QUOTE, None),
        ("Hello Tim,\n- one\n- two\n", None),
        ("- one\nand so on\n", None),
        ("- one\n> a quote\n- two\n", None),
        ("-- \n- not mine\n", None),
        ("-\n", None),
    ],
)
def test_bullets_are_all_that_was_written(text: str, points: list[str] | None) -> None:
    """Or there are none: a list in a mail is a list."""
    found = edit.bullets_of(edit.read_mail(text))
    assert (found and found.points) == points


@given(
    st.sampled_from(["", HEAD, HEAD.replace("\n", "\r\n")]),
    st.text("ab >-*:\n\r\u2028\u0085é", max_size=60),
)
def test_nothing_but_the_bullets_changes(head: str, body: str) -> None:
    """Whatever else is in the file."""
    text = head + body
    mail = edit.read_mail(text)
    assert "".join(mail.lines) == text
    if bullets := edit.bullets_of(mail):
        before = "".join(mail.lines[: bullets.start])
        after = "".join(mail.lines[bullets.end :])
        new = edit.with_draft(mail, bullets, "Dear Tim,\n\nyes.")
        assert new.startswith(before)
        assert new.endswith(after)
        assert new[len(before) : len(new) - len(after)].split() == ["Dear", "Tim,", "yes."]


def test_what_is_quoted_is_the_mail_that_is_answered() -> None:
    """Without what that one quotes; the people come from the headers."""
    mail = edit.read_mail(f"{HEAD}{BULLETS}\n{QUOTE}")
    account = {"account": "home", "addresses": ["nora@falk.example"]}
    request = edit.request_for(mail, edit.bullets_of(mail), account)
    assert request["context"][0]["text"] == "Can you come on Thursday?\n"
    assert request["to"] == [{"name": "Tim", "address": "tim@oduya.example"}]
    assert (request["subject"], request["reply"]) == ("Re: Plan", True)


def test_the_account_is_the_senders() -> None:
    """Or the one that is named, or the only one; otherwise it is asked for."""
    home = {"account": "home", "addresses": ["nora@falk.example"]}
    work = {"account": "work", "addresses": ["n.falk@yard.example"]}
    mail, bare = edit.read_mail(HEAD + BULLETS), edit.read_mail(BULLETS)
    assert edit.account_for(mail, "", [work, home]) is home
    assert edit.account_for(mail, "work", [work, home]) is work
    assert edit.account_for(bare, "", [work]) is work
    for name in ("", "other"):
        with pytest.raises(edit.Failed, match="home, work"):
            edit.account_for(bare, name, [home, work])


# --- the command ------------------------------------------------------------------------------

HANDS = """#!/bin/sh
# A user's editor: it does the next thing of a list, and keeps what it saw.
cp "$1" "$HANDS/seen.$(ls "$HANDS" | grep -c seen)"
next=$(ls "$HANDS" | grep '^do' | head -n 1)
[ -n "$next" ] || exit 0
sh "$HANDS/$next" "$1"; code=$?
rm "$HANDS/$next"
exit $code
"""


@pytest.fixture(scope="module")
def daemon() -> "Running":
    with running(CONFIG, tcp=False) as started:
        yield started


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    """The folder of an editor that does what lies in it as `do.1`, `do.2` with the file."""
    (tmp_path / "hands").mkdir()
    (tmp_path / "editor").write_text(HANDS)
    (tmp_path / "editor").chmod(0o755)
    return tmp_path / "hands"


def edited(home: Path, hands: Path, file: Path) -> subprocess.CompletedProcess[str]:
    more = {"TRIMTAB_HOME": str(home), "HANDS": str(hands)}
    more["TRIMTAB_EDITOR"] = str(hands.parent / "editor")
    return subprocess.run(
        [sys.executable, SCRIPT, file],
        env=os.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_bullets_become_a_draft_and_the_edit_is_told(
    daemon: Running, hands: Path, tmp_path: Path
) -> None:
    """At their place, with the quote as it was; the editor opens again."""
    home, file = daemon.paths.config.parent, tmp_path / "mail"
    file.write_text(f"{HEAD}\n{QUOTE}")
    (hands / "do.1").write_text(f"printf '%s' '{HEAD}{BULLETS}\n{QUOTE}' > \"$1\"\n")
    (hands / "do.2").write_text('sed -i "s/3 samples/3 fine samples/" "$1"\n')
    done = edited(home, hands, file)
    assert done.returncode == 0, done.stderr
    drafted = (hands / "seen.1").read_text()
    assert drafted.startswith(HEAD)
    assert drafted.endswith(QUOTE)
    assert "I bring 3 samples" in drafted
    assert "A draft without your voice" in done.stderr
    told = trimtab("edits", "--json", home=home).stdout
    assert "I bring 3 fine samples" in told
    assert "Can you come" not in told


@pytest.mark.parametrize("text", ["Hello Tim,\n- a list\n", QUOTE, ""])
def test_without_bullets_it_is_the_editor(
    daemon: Running, hands: Path, tmp_path: Path, text: str
) -> None:
    """Which is opened once, and whose exit code is passed on."""
    file = tmp_path / "mail"
    file.write_text(text)
    (hands / "do.1").write_text("exit 3\n")
    done = edited(daemon.paths.config.parent, hands, file)
    assert (done.returncode, done.stderr) == (3, "")
    assert file.read_text() == text
    assert not (hands / "seen.1").exists()


def test_without_a_daemon_the_file_stays(hands: Path, tmp_path: Path) -> None:
    """One sentence says what to do; the bytes are the same, also those that are no UTF-8."""
    file = tmp_path / "mail"
    content = BULLETS.encode() + b"- caf\xe9\n"
    file.write_bytes(content)
    with a_home() as home:
        done = edited(home, hands, file)
    assert done.returncode == 0
    assert "trimtab run" in done.stderr
    assert done.stderr.endswith("Your mail is as you wrote it.\n")
    assert file.read_bytes() == content
