"""A whole daemon to break, for tests.

Its socket and its client, its store, Claude at a server on this machine and, where asked for, a
trained agent in a real worker process.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import tomli_w
from anthropic_server import KEY, Server
from kernels import scratch_in
from teaching_examples import a_mail
from training_examples import PERSON, Trained

from daemon import config
from daemon.app import App, open_app
from daemon.config import Config, Paths
from daemon.records import Batch, Incoming, Source
from daemon.store import drafts as draft_store
from daemon.store import mail as mail_store
from mlx_agent import adapters
from mlx_agent.pocket.personas import lesson, persona
from mlx_agent.records import Mail
from plugin.client import ApiError, Client, Event

WORK = "work"
WHO = persona(Random(PERSON))
PATIENCE_S = 60
"""How long a test waits for what must come; no measure of anything."""
BEGUN = 10
"""Events of an answer, the first words of its text among them."""
BULLETS = ("the boat is ready on Friday", "can you bring the keys?")


def some_mails(count: int) -> list[Mail]:
    """Mails of the agent's person."""
    random = Random(PERSON)
    made = [lesson(random, WHO) for _ in range(count)]
    return [
        a_mail(
            number,
            account=WORK,
            sender=one.x.metadata.sender,
            to=one.x.metadata.to,
            subject=one.x.metadata.subject,
            own_text=one.own_text,
        )
        for number, one in enumerate(made)
    ]


def settings(
    url: str, *, stand_in: str = "", writer: str = "claude", silence_s: float = 20.0
) -> dict[str, Any]:
    """A config's data: one account, whose drafts are written by Claude at `url`."""
    return {
        "accounts": {WORK: {"addresses": [some_mails(1)[0].sender.address], "cloud": "drafts"}},
        "large": {
            "claude": {
                "provider": "anthropic",
                "model": "claude-sonnet-5-5",
                "base_url": url,
                "key": KEY,
                "timeout_s": silence_s,
            }
        },
        "models": {"writer": writer, "local_writer": stand_in},
        "train": {"base": "pocket", "epochs": 100},
    }


@contextmanager
def home() -> Iterator[Path]:
    """An empty directory: pytest's own paths are too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="tt") as root:
        yield Path(root)


def write_home(root: Path, data: dict[str, Any]) -> tuple[Paths, Config]:
    """A home with this config."""
    paths = config.find_paths(str(root))
    config.make_directories(paths)
    paths.config.write_text(tomli_w.dumps(data), "utf-8")
    return paths, config.load(paths.config)


def give_agent(paths: Paths, trained: Trained) -> None:
    """Put the trained agent into the home, with the kernels that this machine has compiled."""
    shutil.copytree(trained.request.adapters_root, paths.adapters, dirs_exist_ok=True)
    adapters.promote(paths.adapters, WORK, trained.adapter.id)
    scratch_in(paths.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon that answers on its socket, and its client."""

    app: App
    client: Client

    async def draft(self, key: str = "k1", **changes: Any) -> dict[str, Any]:
        """The data of `done`; raises ApiError."""
        return (await events(self.client, key, **changes))[-1].data

    async def refused(self, key: str = "k1", **changes: Any) -> tuple[str, str]:
        """The code and the sentence of the error that a draft must end in; nothing is stored."""
        before = await self.stored()
        try:
            await self.draft(key, **changes)
        except ApiError as error:
            assert await self.stored() == before
            return error.code, error.message
        raise AssertionError("a draft was made")

    async def stored(self) -> int:
        """How many drafts there are."""
        return len(await self.app.database.read(draft_store.drafts, WORK))

    async def take_in(self, mails: list[Mail]) -> None:
        """Put mails into the store, as if they had been imported."""
        source = Source(header=b"", plain=None, html=None)
        incoming = tuple(Incoming(mail=mail, source=source) for mail in mails)
        await self.app.database.write(
            mail_store.add_batch, Batch(account=WORK, incoming=incoming), 0
        )


def body(key: str = "k1", **changes: Any) -> dict[str, Any]:
    """A request for a draft, as a client sends it."""
    sender = some_mails(1)[0].sender
    return {
        "account": WORK,
        "key": key,
        "from": {"name": sender.name, "address": sender.address},
        "to": [{"name": "Tim Oduya", "address": "tim@oduya.example"}],
        "subject": "The boat",
        "bullets": list(BULLETS),
    } | changes


async def events(client: Client, key: str = "k1", **changes: Any) -> list[Event]:
    """All events of a draft."""
    async with asyncio.timeout(PATIENCE_S):
        return [event async for event in client.draft(body(key, **changes))]


async def broken(
    client: Client, hear: Callable[[Event], object] = lambda _: None, key: str = "k1"
) -> tuple[list[str], ApiError]:
    """The names of a draft's events, and the error that must end them; `hear` gets the events."""
    names: list[str] = []
    try:
        async for event in client.draft(body(key)):
            names.append(event.name)
            hear(event)
    except ApiError as error:
        return names, error
    raise AssertionError("a draft was made")


def came(done: dict[str, Any]) -> dict[str, Any]:
    """The provenance of a draft."""
    return dict(done["draft"]["provenance"])


async def assert_works(running: Daemon, key: str = "k1") -> None:
    """A draft is made by the writer, by default under the key of the one that failed."""
    before = await running.stored()
    told = came(await running.draft(key))
    assert (told["writer"], told["stand_in"]) == ("claude-sonnet-5-5", None)
    assert await running.stored() == before + 1


@asynccontextmanager
async def daemon(
    root: Path, data: dict[str, Any], trained: Trained | None = None
) -> AsyncIterator[Daemon]:
    """The daemon of a home with this config, in this event loop; with an agent, if one is given."""
    paths, chosen = write_home(root, data)
    if trained is not None:
        give_agent(paths, trained)
    async with open_app(paths, chosen) as app, app.serving(), Client(paths.socket) as client:
        yield Daemon(app=app, client=client)


@asynccontextmanager
async def light(server: Server, **chosen: Any) -> AsyncIterator[Daemon]:
    """A daemon in a home of its own without an agent."""
    with home() as root:
        async with daemon(root, settings(server.url, **chosen)) as running:
            yield running
