"""What the demo does, step by step, as any client of the daemon would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any

import tomli_w

from daemon import config, sample
from daemon.app import App
from daemon.commands.evaluate import AGENT, agent_rules, rivals
from daemon.config import Config, Paths
from daemon.demo_imap import EmbeddedImap
from daemon.habits import shown
from daemon.mailbox import outbox
from daemon.store import drafts as draft_store
from daemon.store import edits as edit_store
from daemon.store import lessons as lesson_store
from mlx_agent import adapters, codec
from mlx_agent.anatomy import dissect
from mlx_agent.evaluate.compare import Condition, Measured, measure, pool
from mlx_agent.large.offline import Offline
from mlx_agent.names import first_name
from mlx_agent.records import Address, Lesson, Rule
from mlx_agent.teach.dataset import split
from plugin.client import Client

PASSWORD = "demo"  # noqa: S105  # of a server that is gone in five minutes
ANOTHER = "another's agent"
BULLETS = (
    "I have looked at the plan",
    "We need 4 more chairs",
    "Send me the key by Friday",
)
STRANGER = {"name": "Robin Hale", "address": "robin@hale.example"}

OnProgress = Callable[[str, dict[str, Any]], None]

_HANDLED = {"sync": ("added", "known", "quarantined"), "teach": ("lessons", "known", "set_aside")}
"""What makes up the size of a job that may be over before anybody looks at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What became of one person's mailbox."""

    person: str
    mails: int
    lessons: int
    left_out: dict[str, int]
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """One person's draft for the demo's bullets, and the rules that made it."""

    person: str
    draft_id: str
    rules: tuple[Rule, ...]
    text: str
    rung: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What the user changed in a draft, and what was learned from it."""

    draft: str
    sent: str
    distance: float
    found_by: str
    rules: tuple[Rule, ...]


def passwords() -> dict[str, str]:
    """The server's users."""
    return {person.key: PASSWORD for person in sample.people()}


def write_config(paths: Paths, port: int) -> Config:
    """Write a config.toml as `init` would, and load it as the daemon does."""
    accounts = {
        person.key: {
            "name": person.address.name,
            "addresses": [person.address.address],
            "imap": {
                "host": "127.0.0.1",
                "port": port,
                "security": "plain",
                "user": person.key,
                "password": PASSWORD,
            },
        }
        for person in sample.people()
    }
    config.make_directories(paths)
    train = {"base": "pocket"}  # the only one that is on every machine
    paths.config.write_text(tomli_w.dumps({"accounts": accounts, "train": train}), "utf-8")
    return config.load(paths.config)


async def fill_mailboxes(server: EmbeddedImap) -> None:
    """Put each person's sample mails into their Sent folder."""
    for person in sample.people():
        await server.deliver(person.key, sample.load(person.key))


async def learn(client: Client, on_progress: OnProgress) -> list[Learned]:
    """Sync, teach and train each account."""
    learned = []
    for person in sample.people():
        outcomes = {}
        for kind in ("sync", "teach", "train"):

            def show(at: dict[str, Any], who: str = person.address.name) -> None:
                on_progress(who, at)

            outcomes[kind] = await client.run_job(kind, person.key, on_progress=show)
            if kind in _HANDLED:
                size = sum(outcomes[kind][part] for part in _HANDLED[kind])
                show({"step": kind, "done": size, "total": size, "note": ""})
        taught = outcomes["teach"]
        learned.append(
            Learned(
                person=person.key,
                mails=outcomes["sync"]["added"],
                lessons=taught["lessons"],
                left_out=taught["left_out"],
                verdict=outcomes["train"]["why"],
            )
        )
    return learned


async def evaluate(app: App, on_progress: OnProgress) -> dict[str, list[Measured]]:
    """Each person's held-out mails under every condition, and all of them together."""
    keys = [person.key for person in sample.people()]
    writer = Offline()
    found: dict[str, list[Measured]] = {}
    parts = {key: split(await app.database.read(lesson_store.lessons, key)) for key in keys}
    for position, key in enumerate(keys):
        on_progress("all", {"step": "evaluate", "done": position, "total": len(keys), "note": ""})
        other, test = keys[(position + 1) % len(keys)], parts[key].test
        conditions = [
            *rivals(parts[key]),
            Condition(name=ANOTHER, rules=await _rules(app, other, test, parts[other].train)),
            Condition(name=AGENT, rules=await _rules(app, key, test, parts[key].train)),
        ]
        found[key] = await measure(test, conditions, writer)
    on_progress("all", {"step": "evaluate", "done": len(keys), "total": len(keys), "note": ""})
    together = [pool(list(same)) for same in zip(*found.values(), strict=True)]
    return {**found, "all": together}


async def _rules(
    app: App, account: str, test: Sequence[Lesson], known: Sequence[Lesson]
) -> tuple[tuple[Rule, ...], ...]:
    """The rules of an account's newest adapter, promoted or not, which sees its own lessons."""
    newest = adapters.adapters(app.paths.adapters, account)[-1]
    return await agent_rules(app.worker, app.paths.adapters, newest.id, shown(test, known))


async def draft(client: Client) -> list[Drafted]:
    """The same bullets to the same stranger, by two people's agents, over the socket."""
    return [await _draft(client, person) for person in sample.people()[:2]]


async def _draft(client: Client, person: sample.SamplePerson) -> Drafted:
    request = {
        "account": person.key,
        "key": "demo-1",
        "from": codec.to_data(person.address),
        "to": [STRANGER],
        "subject": "Chairs",
        "bullets": list(BULLETS),
    }
    async for event in client.draft(request):
        if event.name == "done":
            made = event.data["draft"]
    return Drafted(
        person=person.address.name,
        draft_id=made["id"],
        rules=tuple(codec.from_data(Rule, rule) for rule in made["rules"]),
        text=made["text"],
        rung=made["provenance"]["rung"],
    )


async def edit(client: Client, app: App, server: EmbeddedImap, drafted: Drafted) -> Edited:
    """Change the draft as a user might, send it, and let the daemon find out."""
    person = sample.people()[0]
    key = person.key
    stored = await app.database.read(draft_store.draft, drafted.draft_id)
    assert stored is not None
    message = message_from_bytes(outbox.compose(stored).as_bytes(), policy=policy.SMTP)
    message.set_content(_edited(drafted.text, person.address))
    await server.deliver(key, [message.as_bytes()])
    for kind in ("sync", "edits", "teach"):
        await client.run_job(kind, key)
    found = (await app.database.read(edit_store.edits, key))[-1]
    lesson = await _lesson_of(app, key, found.mail_id)
    return Edited(
        draft=found.draft_text,
        sent=found.final_text,
        distance=found.distance,
        found_by=found.matched_by,
        rules=lesson.rules if lesson else (),
    )


async def _lesson_of(app: App, account: str, mail_id: str | None) -> Lesson | None:
    lessons = await app.database.read(lesson_store.lessons, account)
    return next((lesson for lesson in lessons if lesson.sample_id == mail_id), None)


def _edited(text: str, sender: Address) -> str:
    """What is said, under a warmer greeting and a shorter end."""
    to = Address(**STRANGER)
    core = dissect(text, sender, (to,)).paragraphs
    body = "\n\n".join(" ".join(paragraph) for paragraph in core)
    return f"Hi {first_name(to)}!\n\n{body}\n\nCheers,\n{first_name(sender)}\n"
