"""From a draft to the lesson that its edit teaches, over the socket and a real Dovecot."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import pytest
from conftest import account_toml
from dovecot_server import Dovecot

from daemon import sample
from daemon.app import App, open_app
from daemon.config import Config, Paths
from daemon.jobs.tasks import lessons_to_train
from daemon.store import edits as edit_store
from daemon.store import lessons as lesson_store
from mlx_agent.differences import edit_distance, replay
from mlx_agent.records import Lesson, RenderSettings
from mlx_agent.rules import format_rules
from mlx_agent.teach.dataset import split, write_dataset
from plugin.client import Client

pytestmark = pytest.mark.dovecot

ADA = sample.people()[0]
ROBIN = {"name": "Robin Hale", "address": "robin@hale.example"}
ANSWERED = "<question-1@hale.example>"
BULLETS = ["I have looked at the plan", "We need 4 more chairs", "Send me the key by Friday"]


@pytest.fixture
async def app(
    dovecot: Dovecot, user: str, write_config: Callable[[str], Config], home: Paths
) -> AsyncIterator[App]:
    """A daemon that has synced and taught 40 of Ada's mails."""
    dovecot.append(user, list(sample.load(ADA.key)[:40]))
    config = write_config(account_toml("work", ADA.address.address, dovecot.port, user))
    async with open_app(home, config) as app, app.serving():
        yield app


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    async with Client(app.paths.socket) as client:
        await learn(client)
        yield client


async def learn(client: Client) -> None:
    """Sync, look for edits, teach: as by day and by night."""
    for kind in ("sync", "edits", "teach"):
        await client.run_job(kind, "work")


async def drafted(client: Client, key: str, bullets: list[str] = BULLETS) -> dict[str, Any]:
    """A draft that answers Robin's mail."""
    request = {
        "account": "work",
        "key": key,
        "from": {"name": ADA.address.name, "address": ADA.address.address},
        "to": [ROBIN],
        "subject": "Re: Chairs",
        "reply": True,
        "in_reply_to": ANSWERED,
        "bullets": bullets,
    }
    made = [event async for event in client.draft(request)][-1].data["draft"]
    return dict(made)


def pasted(text: str, subject: str = "Re: Chairs") -> bytes:
    """The mail that a program made of the text: HTML, a signature, the mail it answers; no header.

    As Thunderbird writes it.
    """
    message = EmailMessage()
    message["From"] = f"{ADA.address.name} <{ADA.address.address}>"
    message["To"] = f"{ROBIN['name']} <{ROBIN['address']}>"
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{abs(hash(text))}@field.example>"
    message["In-Reply-To"] = ANSWERED
    paragraphs = "".join(f"<p>{part}</p>" for part in text.replace("'", "’").split("\n\n"))
    html = paragraphs.replace("\n", "<br>\n") + (
        '<div class="moz-signature">-- <br>Ada Lindqvist<br>Field Works</div>'
        '<div class="moz-cite-prefix">On 1 March 2026, Robin Hale wrote:<br></div>'
        '<blockquote type="cite"><p>How many chairs do we need?</p></blockquote>'
    )
    message.set_content(f"<html><body>{html}</body></html>", subtype="html")
    return message.as_bytes()


async def lesson_of(app: App, mail_id: str | None) -> list[Lesson]:
    lessons = await app.database.read(lesson_store.lessons, "work")
    return [lesson for lesson in lessons if lesson.sample_id == mail_id]


async def dataset(app: App) -> str:
    """What an agent would be trained on tonight, as one text."""
    lessons = await lessons_to_train(app.config, app.database, app.door, "work")
    made = write_dataset(app.paths.datasets, "work", split(lessons), RenderSettings())
    return "".join(path.read_text("utf-8") for path in made.path.glob("*.jsonl"))


async def test_what_the_user_changed_becomes_a_lesson_against_the_draft(
    app: App, client: Client, dovecot: Dovecot, user: str
) -> None:
    """Found by its thread; the baseline is the draft, which saves a call; and it can be undone."""
    draft = await drafted(client, "changed")
    final = draft["text"].replace("need 4 more chairs", "really need 4 more chairs!!")
    assert final != draft["text"]
    dovecot.append(user, [pasted(final)])
    await learn(client)

    (edit,) = await app.database.read(edit_store.edits, "work")
    assert (edit.draft_id, edit.matched_by, edit.unchanged) == (draft["id"], "thread", False)
    assert edit.draft_text == draft["text"]
    assert edit_distance(edit.final_text, final) == 0
    assert edit_distance(replay(edit.draft_text, edit.changes), final) == 0

    (lesson,) = await lesson_of(app, edit.mail_id)
    assert lesson.baseline == draft["text"]
    assert [call.prompt for call in lesson.calls] == ["intent", "rules_distill"]
    others = [one for one in await app.database.read(lesson_store.lessons, "work") if one != lesson]
    assert {call.prompt for one in others for call in one.calls} >= {"baseline"}
    assert format_rules(lesson.rules).splitlines()[0] in await dataset(app)
    assert "4 more chairs" in await dataset(app)

    await client.take_back(draft["id"])
    assert await lesson_of(app, edit.mail_id) == []
    assert "4 more chairs" not in await dataset(app)
    await learn(client)
    assert await lesson_of(app, edit.mail_id) == []


async def test_what_the_user_did_not_change_is_never_learned_from(
    app: App, client: Client, dovecot: Dovecot, user: str
) -> None:
    """Neither as the mail it was written for, nor sent to the same person once more."""
    before = {one.id for one in await app.database.read(lesson_store.lessons, "work")}
    draft = await drafted(client, "unchanged")
    mails = [pasted(draft["text"]), pasted(draft["text"], subject="Once more")]
    dovecot.append(user, mails)
    await learn(client)
    (edit,) = await app.database.read(edit_store.edits, "work")
    assert (edit.unchanged, edit.distance, edit.changes) == (True, 0, ())
    after = {one.id for one in await app.database.read(lesson_store.lessons, "work")}
    assert after == before
    (row,) = (await client.status())["accounts"]
    assert row["use"] == {"drafts": 1, "sent": 1, "unchanged": 1, "share": 1.0, "distance": 0.0}
