"""The extension in the real Thunderbird: from bullets to a sent mail, and what is learned from it.

One Thunderbird for all, each test with a mail of its own. The daemon is `trimtab run`, reached by
the host that `trimtab plugin install` installs; the writer is a server that speaks Claude's wire
format and takes a while to its first words; mails go to a real SMTP server.

With TRIMTAB_SCREENSHOTS=DIRECTORY the states of the window are kept there as pictures.
"""

import asyncio
import email
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import trimtab
from desk import (
    BULLETS,
    FOLDER,
    MAIL,
    SEALED,
    USER,
    Desk,
    a_desk,
    ask,
    drafted,
    insert,
    reply,
    type_bullets,
    words,
)
from large_homes import HOME
from running_daemon import started, wait_until_ready
from thunderbird import COMPOSE, LIMIT_S, Thunderbird, thunderbird
from tools import absent

from daemon.store import drafts as draft_store
from daemon.store import mail as mail_store
from daemon.store.database import Database
from mlx_agent.records import Draft, Mail

LATENCY_S = 2.5
"""Of the writer: long enough for a window to be closed meanwhile, or a draft cancelled."""

AT_SERVER = f"imap://{USER}@127.0.0.1"

SCHEME = "browser.theme.toolbar-theme"
COLOURS = """
    const seen = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility());
    const texts = seen.filter((one) =>
      [...one.childNodes].some((each) => each.nodeType === 3 && each.data.trim()) || one.value);
    const style = (one) => getComputedStyle(one);
    const clear = (one) => style(one).backgroundColor.includes(", 0)");
    const behind = (one) => clear(one) ? behind(one.parentElement) : style(one).backgroundColor;
    return texts.filter((one) => !one.disabled && one.type !== "checkbox").map((one) =>
      ({ name: one.id || one.tagName, text: style(one).color, behind: behind(one) }));
"""
"""Of each text that can be seen, its colour and that of what is behind it."""

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="a Mac's needs a display")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("desk"), LATENCY_S) as laid:
        yield laid


@pytest.fixture(autouse=True)
def tidy_up(desk: Desk) -> Iterator[None]:
    yield
    desk.thunderbird.discard()


def picture(bird: Thunderbird, name: str) -> None:
    """Keep a picture of the window, where pictures are asked for."""
    if directory := os.environ.get("TRIMTAB_SCREENSHOTS"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        bird.picture(Path(directory) / f"{name}.png")


# --- the tests --------------------------------------------------------------------------------


def test_bullets_become_a_mail_that_is_learned_from(desk: Desk) -> None:
    """Rules, one ticked off, draft, insert, undo, redo, an edit by hand; nothing of ours leaves."""
    bird = reply(desk, "whole")
    before = bird.body()
    type_bullets(bird)
    picture(bird, "bullets")
    ask(bird)
    names = bird.window_until(
        "return at('rules').querySelector('input')"
        " && [...at('rules').querySelectorAll('input')].map((box) => box.name)"
    )
    picture(bird, "writing")
    first = drafted(bird)
    assert "your usual greeting" in bird.window("return at('provenance').textContent")
    bird.window("at('rules').querySelector('input').click();")
    bird.window("at('again').click();")
    bird.window_until("return at('insert').disabled")
    text = drafted(bird)
    picture(bird, "draft")
    assert ruled(desk)[-1] == [*names[1:]]
    assert "3 samples" in first
    body = insert(bird)
    assert body.index("3 samples") < body.index("moz-cite-prefix") < body.index("Could you come")
    assert "Boatyard" in body
    bird.do("cmd_undo")
    assert words(bird.body()) == words(before)
    bird.do("cmd_redo")
    assert bird.body() == body
    bird.write(" See you at the yard.")
    bird.send()
    assert_ours_is_out(desk.left())
    assert bird.window_until("return !at('noticed').hidden && at('noticed').innerText")
    picture(bird, "noticed")
    edit = desk.edits()[0]
    assert words(edit["draft_text"]) == words(text)
    assert "See you at the yard." in words(edit["final_text"])
    bird.window("at('takeback').click();")
    bird.window_until("return at('takeback').hidden")
    assert edit["draft_id"] not in {each["draft_id"] for each in desk.edits()}


def test_the_keyboard_is_enough(desk: Desk) -> None:
    """The shortcut opens a window that has it; Ctrl+Enter drafts, with Shift it inserts."""
    bird = reply(desk, "keyboard")
    bird.press("J", "Control", "Shift", window=COMPOSE)
    bird.window_until("return document.hasFocus() && document.activeElement === at('bullets')")
    for key in ["a", "Enter", "b"]:
        bird.press(key)
    bird.window_until("return at('bullets').value == 'a\\nb'")
    bird.press("Enter", "Control")
    drafted(bird)
    before = bird.body()
    bird.press("Enter", "Control", "Shift")
    bird.until(COMPOSE + "return w.GetCurrentEditor().document.body.innerHTML != args[0]", before)


def test_the_identity_says_which_account(desk: Desk) -> None:
    """Another one's voice is never lent."""
    bird = desk.thunderbird
    bird.compose("New", identity=1)
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    assert "without your voice" in bird.window("return at('provenance').textContent").lower()
    assert ruled(desk, "work") == [[]]


def test_plain_text_stays_plain_text(desk: Desk) -> None:
    """Below the quote, where the user answers there; the signature stays last."""
    desk.thunderbird.set_identity("replyOnTop", 0)
    try:
        bird = reply(desk, "plain", html=False)
    finally:
        desk.thunderbird.set_identity("replyOnTop", 1)
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    body = insert(bird)
    assert body.index("Could you come") < body.index("3 samples") < body.index("Boatyard")
    bird.write(" Until then!")
    bird.send()
    mail = desk.left()
    assert mail.get_content_type() == "text/plain"
    assert_ours_is_out(mail)
    assert "Until then!" in words(desk.edits()[0]["final_text"])


def test_bullets_in_a_new_mail_are_taken_along(desk: Desk) -> None:
    """They are in the window when it opens, and the draft takes their place; a second one, its."""
    bird = desk.thunderbird
    bird.compose("New")
    bird.write("- Thursday works for me\n- I bring 3 samples of oak")
    bird.open_window()
    bird.window_until("return at('bullets').value == args[0]", BULLETS)
    ask(bird)
    drafted(bird)
    once = insert(bird)
    assert "- Thursday" not in once
    bird.window("at('shorter').click();")
    bird.window_until("return at('insert').disabled")
    drafted(bird)
    assert insert(bird).count("3 samples") == 1


def test_a_closed_window_loses_nothing(desk: Desk) -> None:
    """Closed while the draft is being written, it has it when it is opened again."""
    bird = reply(desk, "closed")
    type_bullets(bird)
    ask(bird)
    bird.window_until("return !at('cancel').hidden")
    bird.close_window()
    bird.open_window()
    assert bird.window("return at('bullets').value") == BULLETS
    assert "3 samples" in drafted(bird)


EARLY = """
    addEventListener("DOMDocElementInserted", () => {
      const page = content.document;
      const type = () => {
        const bullets = page.getElementById("bullets");
        if (bullets && page.readyState === "interactive") bullets.value = "And 2 of elm";
      };
      page.addEventListener("readystatechange", type);
    }, true);
"""


def test_keys_before_the_window_is_ready_are_kept(desk: Desk) -> None:
    """It has the keyboard before its code has loaded; they go below what was there."""
    bird = reply(desk, "early")
    type_bullets(bird)
    bird.close_window()
    with bird.in_each_window(EARLY):
        bird.open_window()
    both = f"{BULLETS}\nAnd 2 of elm"
    assert bird.window_until("return at('bullets').value === args[0]", both)
    bird.close_window()
    bird.open_window()
    assert bird.window_until("return at('bullets').value === args[0]", both)


def test_a_cancelled_draft_leaves_the_bullets(desk: Desk) -> None:
    """At once, and nothing comes after it; the writer sees its client go."""
    bird = reply(desk, "cancelled")
    type_bullets(bird)
    before, unanswered = bird.body(), desk.unanswered()
    ask(bird)
    bird.window_until("return at('rules').children.length && !at('cancel').hidden")
    assert eventually(lambda: desk.unanswered() > unanswered)  # the writer is at work
    bird.window("at('cancel').click();")
    bird.window_until("return at('cancel').hidden && !at('draft').disabled")
    assert bird.window("return at('bullets').value") == BULLETS
    assert bird.window("return at('insert').disabled")
    assert bird.body() == before
    ask(bird)
    assert "3 samples" in drafted(bird)
    assert desk.unanswered() == unanswered + 1


def test_what_a_draft_makes_up_is_marked_in_it(desk: Desk) -> None:
    """A price that nobody named is marked, and what is not in the draft is told; both in words."""
    bird = reply(desk, "made up")
    type_bullets(bird)
    desk.said.write_text("Hello Alice,\n\nThursday works for me, for 950 euros.\n\nNora", "utf-8")
    try:
        ask(bird)
        drafted(bird)
    finally:
        desk.said.unlink()
    picture(bird, "findings")
    marks = bird.window(
        "return [...document.querySelectorAll('#text mark')].map(m => m.textContent)"
    )
    assert marks == ["950 euros"]
    found = bird.window("return [...at('findings').children].map((item) => item.textContent)")
    assert len(found) == 2
    assert any("I bring 3 samples of oak" in line for line in found)
    assert any("950 euros" in line for line in found)


def test_a_forward_is_written_above_what_it_forwards(desk: Desk) -> None:
    """What is forwarded is context, and no mail that is answered."""
    bird = reply(desk, "forwarded", kind="ForwardInline")
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    body = insert(bird)
    assert body.index("3 samples") < body.index("moz-email-headers") < body.index("Could you come")
    x = drafts(desk)[-1].x
    assert not x.metadata.reply
    assert [words(one.text) for one in x.context] == ["Could you come on Thursday? Alice"]


def test_of_an_encrypted_mail_nothing_is_told(desk: Desk) -> None:
    """Neither its subject nor its text, as long as the user has not allowed it."""
    bird = reply(desk, "sealed", mail=SEALED)
    type_bullets(bird)
    ask(bird)
    assert "3 samples" in drafted(bird)
    x = drafts(desk)[-1].x
    assert (x.metadata.subject, x.context) == ("", ())
    assert x.metadata.reply


def test_a_stored_draft_is_known_when_it_is_opened_again(desk: Desk) -> None:
    """Saved, closed, opened, edited and sent: the daemon hears of it, and no header leaves."""
    bird = reply(desk, "stored")
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    insert(bird)
    save_and_close(bird)
    bird.compose("Draft", "mailbox://nobody@Local%20Folders/Drafts")
    write_on(bird, " Written the next day.")
    bird.send()
    assert_ours_is_out(desk.left())
    found = eventually(lambda: [e for e in desk.edits() if "next day" in e["final_text"]])
    assert found


def test_a_mail_on_a_server_goes_the_whole_round(desk: Desk) -> None:
    """Answered from the inbox, kept among the drafts there, sent, filed, synced; learned once."""
    bird, server = desk.thunderbird, desk.server
    server.append(USER, [MAIL.format(name="remote").encode()], "INBOX")
    bird.fetch(f"{AT_SERVER}/INBOX", "remote@brown.example")
    bird.compose("ReplyToSender", f"{AT_SERVER}/INBOX", identity=2)
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    insert(bird)
    save_and_close(bird)
    (kept,) = server.messages(USER, "Drafts")
    assert b"X-Trimtab-Draft" in kept
    bird.fetch(f"{AT_SERVER}/Drafts", message_id(kept))
    bird.compose("Draft", f"{AT_SERVER}/Drafts", identity=2)
    write_on(bird, " Written the day after.")
    bird.send()
    mail = desk.left()
    assert_ours_is_out(mail)
    assert eventually(lambda: server.messages(USER, server.sent))
    (filed,) = server.messages(USER, server.sent)
    assert b"trimtab" not in filed.lower()
    assert eventually(lambda: not server.messages(USER, "Drafts"))
    synced = eventually(
        lambda: [one for one in mails(desk) if one.message_id == mail["Message-ID"]]
    )
    assert "Written the day after." in words(synced[0].own_text)
    edits = eventually(lambda: [e for e in desk.edits() if "the day after" in e["final_text"]])
    assert [edit["draft_id"] for edit in edits] == [drafts(desk)[-1].id]


def test_text_can_be_read_in_light_and_in_dark(desk: Desk) -> None:
    """Every text stands out from what is behind it at least as WCAG 2.2 asks for (4.5 to 1)."""
    bird = reply(desk, "dark")
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    behind = {}
    for scheme, number in (("light", 1), ("dark", 0)):
        bird.js("Services.prefs.setIntPref(args[0], args[1])", SCHEME, number)
        wanted = f"return matchMedia('(prefers-color-scheme: {scheme})').matches"
        assert bird.window_until(wanted)
        picture(bird, f"draft-{scheme}")
        found = bird.window(COLOURS)
        behind[scheme] = {one["behind"] for one in found}
        assert len(found) > 20
        assert [one for one in found if contrast(one["text"], one["behind"]) < 4.5] == []
    bird.js("Services.prefs.clearUserPref(args[0])", SCHEME)
    assert not behind["light"] & behind["dark"]


def test_it_speaks_german_to_germans(tmp_path: Path) -> None:
    """Also where the daemon, which speaks English, does not answer."""
    if not list(Path("/usr/lib").glob("thunderbird/**/langpack-de@*.xpi")):
        absent("Thunderbird in German (Debian: thunderbird-l10n-de)")
    (home := tmp_path / "user").mkdir()
    trimtab("plugin", "install", home=tmp_path / "home", HOME=str(home))
    with thunderbird(tmp_path, home, intl_locale_requested="de") as bird:
        bird.install(FOLDER)
        bird.compose("New")
        bird.open_window()
        said = bird.window_until("return !at('trouble').hidden && at('trouble').textContent")
        picture(bird, "german")
        assert bird.window("return document.documentElement.lang") == "de"
        names = "['draft', 'cancel', 'insert'].map((id) => at(id).textContent)"
        assert bird.window(f"return {names}") == ["Schreiben", "Abbrechen", "Einfügen"]
        assert "starten Sie ihn mit `trimtab run`" in said


def test_without_its_host_the_port_serves(desk: Desk) -> None:
    """As in a sandbox, where Thunderbird starts no program: with the token of managed storage."""
    (manifest,) = desk.user.rglob("native-messaging-hosts/trimtab.json")
    aside = manifest.rename(manifest.with_suffix(".aside"))
    hosts = [one for one in psutil.process_iter() if "native_host.py" in " ".join(_command(one))]
    for host in hosts:
        if str(desk.daemon.paths.socket) in _command(host):
            host.terminate()
    psutil.wait_procs(hosts, LIMIT_S)
    try:
        bird = reply(desk, "sandboxed")
        type_bullets(bird)
        ask(bird)
        assert "3 samples" in drafted(bird)
        assert "your usual greeting" in bird.window("return at('provenance').textContent")
    finally:
        aside.rename(manifest)


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_a_daemon_that_does_not_run_is_said_to(desk: Desk) -> None:
    """What to do, and no bullet is lost; started again, it drafts."""
    home = desk.daemon.paths.config.parent
    bird = reply(desk, "stopped")
    desk.daemon.end()
    type_bullets(bird)
    ask(bird)
    said = bird.window_until("return !at('trouble').hidden && at('trouble').textContent")
    picture(bird, "trouble")
    assert "trimtab run" in said
    assert bird.window("return at('bullets').value") == BULLETS
    with started(home) as again:
        wait_until_ready(again)
        bird.window_until("return !at('draft').disabled")
        ask(bird)
        assert "3 samples" in drafted(bird)


def contrast(one: str, other: str) -> float:
    """Of two CSS colours, 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of `rgb(r, g, b)`, 0 to 1."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ruled(desk: Desk, account: str = HOME) -> list[list[str]]:
    """The aspects of the rules of an account's drafts, oldest first."""
    return [[rule.aspect for rule in draft.rules] for draft in drafts(desk, account)]


def drafts(desk: Desk, account: str = HOME) -> list[Draft]:
    """An account's drafts, oldest first."""
    return stored(desk, draft_store.drafts, account)[::-1]


def save_and_close(bird: Thunderbird) -> None:
    """Keep the mail among the drafts."""
    bird.do("cmd_saveAsDraft")
    bird.until(COMPOSE + "return !w.gSaveOperationInProgress && !w.gContentChanged")
    bird.discard()


def write_on(bird: Thunderbird, text: str) -> None:
    """Type below our draft in a mail that was opened again."""
    bird.js(
        COMPOSE
        + "const d = w.GetCurrentEditor().document, m = d.querySelector('[data-trimtab-draft]');"
        "d.getSelection().selectAllChildren(m.lastElementChild ?? m);"
        "d.getSelection().collapseToEnd();"
    )
    bird.write(text)


def message_id(content: bytes) -> str:
    """Of a mail, as Thunderbird names it."""
    return str(email.message_from_bytes(content)["Message-ID"]).strip("<>")


def mails(desk: Desk) -> list[Mail]:
    """What the daemon has of the account's mails."""
    return stored(desk, mail_store.mails, HOME)


def stored(desk: Desk, query: Callable[..., list[Any]], account: str) -> list[Any]:
    """What a query of the daemon's database finds of an account."""

    async def read() -> list[Any]:
        database = await Database.open(desk.daemon.paths.database)
        found = await database.read(query, account)
        await database.close()
        return found

    return asyncio.run(read())


def assert_ours_is_out(mail: EmailMessage) -> None:
    """The mail says what was written, and nothing of us."""
    part = mail.get_body(("plain", "html"))
    assert part is not None
    assert "3 samples" in words(part.get_content())
    assert "trimtab" not in mail.as_string().lower()


def eventually(look: Callable[[], Any]) -> Any:
    """What it finds, as soon as that is something."""
    until = time.monotonic() + LIMIT_S
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
