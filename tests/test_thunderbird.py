"""The extension in the real Thunderbird: from bullets to a sent mail, and what is learned from it.

One Thunderbird for all, each test with a mail of its own. The daemon is `trimtab run`, reached by
the host that `trimtab plugin install` installs; the writer is a server that speaks Claude's wire
format and takes a while to its first words; mails go to a real SMTP server.

With TRIMTAB_SCREENSHOTS=DIRECTORY the states of the window are kept there as pictures.
"""

import asyncio
import email
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from anthropic_server import process
from command import trimtab
from large_homes import HOME, fill, settings, some_mails
from running_daemon import Running, a_home, started, wait_until_ready
from smtp_server import SmtpServer, running_smtp
from thunderbird import COMPOSE, LIMIT_S, Thunderbird, thunderbird

import plugin
from daemon.paths import Paths, find_paths
from daemon.store import drafts as draft_store
from daemon.store.database import Database

FOLDER = Path(plugin.__file__).parent / "thunderbird"
LATENCY_S = "1.5"
"""Of the writer: long enough for a window to be closed meanwhile."""
BULLETS = "Thursday works for me\nI bring 3 samples of oak"
MAIL = """From: Alice Brown <alice@brown.example>
To: nora@falk.example
Subject: Project plan {name}
Message-ID: <{name}@brown.example>
Date: Mon, 23 Nov 2026 04:00:00 +0000
Content-Type: text/plain; charset=utf-8

Could you come on Thursday?
Alice

"""

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="a Mac's needs a display")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A user's desk: Thunderbird, the daemon, and the mails that left."""

    thunderbird: Thunderbird
    daemon: Running
    sent: "queue.Queue[bytes]"

    def edits(self) -> list[dict[str, Any]]:
        """What is learned from, newest first."""
        told = trimtab("edits", "--json", home=self.daemon.paths.config.parent)
        return list(json.loads(told.stdout))

    def left(self) -> EmailMessage:
        """The next mail that has left."""
        content = self.sent.get(timeout=LIMIT_S)
        mail = email.message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("desk")
    home = directory / "user"
    home.mkdir()
    with (
        process("--latency", LATENCY_S) as url,
        smtp_sink() as (smtp, sent),
        with_mails(settings(url)) as where,
        started(where) as daemon,
    ):
        wait_until_ready(daemon)
        trimtab("plugin", "install", home=where, HOME=str(home))
        with thunderbird(directory, home, smtp.port) as bird:
            bird.install(FOLDER)
            yield Desk(thunderbird=bird, daemon=daemon, sent=sent)


@contextmanager
def with_mails(data: dict[str, Any]) -> Iterator[Path]:
    """A home with this config and enough mails for a style card."""

    async def filled(paths: Paths) -> None:
        database = await Database.open(paths.database)
        await fill(database, some_mails(6))
        await database.close()

    with a_home(tomli_w.dumps(data)) as home:
        asyncio.run(filled(find_paths(str(home))))
        yield home


@pytest.fixture(autouse=True)
def tidy_up(desk: Desk) -> Iterator[None]:
    yield
    desk.thunderbird.discard()


@contextmanager
def smtp_sink() -> Iterator[tuple[SmtpServer, "queue.Queue[bytes]"]]:
    """An SMTP server in a loop and a thread of its own, and what it was given."""
    sent: queue.Queue[bytes] = queue.Queue()
    ready: queue.Queue[tuple[SmtpServer, Callable[[], object]]] = queue.Queue()

    async def serve() -> None:
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        async with running_smtp() as server:
            server.on_mail = sent.put
            ready.put((server, lambda: loop.call_soon_threadsafe(end.set)))
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    server, stop = ready.get(timeout=LIMIT_S)
    try:
        yield server, sent
    finally:
        stop()
        thread.join()


# --- what a user does -------------------------------------------------------------------------


def reply(desk: Desk, name: str, *, html: bool = True) -> Thunderbird:
    """Open a reply to a mail of that name."""
    uri = desk.thunderbird.folder(name, MAIL.format(name=name))
    desk.thunderbird.compose("ReplyToSender", uri, html=html)
    return desk.thunderbird


def type_bullets(bird: Thunderbird, text: str = BULLETS) -> None:
    """Open the window and write into it."""
    bird.open_window()
    bird.window(
        "at('bullets').value = args[0]; at('bullets').dispatchEvent(new Event('input'));", text
    )


def ask(bird: Thunderbird) -> None:
    """Ctrl+Enter, as the keyboard does it."""
    bird.window(
        "const key = new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true});"
        "document.activeElement.dispatchEvent(key);"
    )


def drafted(bird: Thunderbird) -> str:
    """The draft, once it is done."""
    return str(bird.window_until("return !at('insert').disabled && at('text').textContent"))


def insert(bird: Thunderbird) -> str:
    """Put it into the mail; the body then."""
    before = bird.body()
    bird.window("at('insert').click();")
    bird.until(COMPOSE + "return w.GetCurrentEditor().document.body.innerHTML != args[0]", before)
    body = bird.body()
    assert "3 samples" in body
    return body


def picture(bird: Thunderbird, name: str) -> None:
    """Keep a picture of the window, where pictures are asked for."""
    if directory := os.environ.get("TRIMTAB_SCREENSHOTS"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        bird.picture(Path(directory) / f"{name}.png")


def words(text: str) -> str:
    return " ".join(text.split())


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


def test_a_cancelled_draft_leaves_the_bullets(desk: Desk) -> None:
    """At once, and nothing comes after it."""
    bird = reply(desk, "cancelled")
    type_bullets(bird)
    before = bird.body()
    ask(bird)
    bird.window_until("return at('rules').children.length && !at('cancel').hidden")
    bird.window("at('cancel').click();")
    bird.window_until("return at('cancel').hidden && !at('draft').disabled")
    assert bird.window("return at('bullets').value") == BULLETS
    assert bird.window("return at('insert').disabled")
    assert bird.body() == before
    ask(bird)
    assert "3 samples" in drafted(bird)


def test_a_stored_draft_is_known_when_it_is_opened_again(desk: Desk) -> None:
    """Saved, closed, opened, edited and sent: the daemon hears of it, and no header leaves."""
    bird = reply(desk, "stored")
    type_bullets(bird)
    ask(bird)
    drafted(bird)
    insert(bird)
    bird.do("cmd_saveAsDraft")
    bird.until(COMPOSE + "return !w.gSaveOperationInProgress && !w.gContentChanged")
    bird.discard()
    bird.compose("Draft", "mailbox://nobody@Local%20Folders/Drafts")
    bird.js(
        COMPOSE
        + "const d = w.GetCurrentEditor().document, m = d.querySelector('[data-trimtab-draft]');"
        "d.getSelection().selectAllChildren(m.lastElementChild ?? m);"
        "d.getSelection().collapseToEnd();"
    )
    bird.write(" Written the next day.")
    bird.send()
    assert_ours_is_out(desk.left())
    found = eventually(lambda: [e for e in desk.edits() if "next day" in e["final_text"]])
    assert found


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


def ruled(desk: Desk) -> list[list[str]]:
    """The aspects of the rules of the account's drafts, oldest first."""

    async def read() -> list[list[str]]:
        database = await Database.open(desk.daemon.paths.database)
        found = await database.read(draft_store.drafts, HOME)
        await database.close()
        return [[rule.aspect for rule in draft.rules] for draft in reversed(found)]

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
        time.sleep(0.2)
    return found
