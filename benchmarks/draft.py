"""Drafting over the socket, measured (`make bench-draft`): our share of the wait and the memory.

    PYTHONPATH=tests python -m benchmarks.draft [--brief] [--only SECTION...]

The daemon is `trimtab run`, a process of its own; the writer is a server on this machine that
speaks Claude's wire format and takes a fixed time to its first words (`tests/anthropic_server.py`).
Sections:

    overhead  milliseconds from the request to the writer's first words on the socket, less the
              writer's own, with 1 and with 20 drafts in flight: what who sends bytes over a bare
              socket waits for them at the daemon, and at the writer. Beside it the same by the
              writer's client alone, and through the daemon's client in Python. The home holds
              1,000 mails and no agent: what is measured is everything but agent and writer
    agent     milliseconds to an agent's rules: its model not loaded, loaded, and after `/v1/warm`.
              Needs the people's mail beside the repository and is left out without it
    memory    resident memory of the idle daemon, and its growth over 10,000 drafts
    abort     milliseconds from a client's hanging up, and from `DELETE`, to the writer's seeing it

Ends with 1 where a bound is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import psutil
from anthropic_server import process, serving
from draft_examples import body
from large_homes import fill, settings, write_home
from rich.console import Console
from rich.table import Table

from benchmarks import people
from benchmarks.agent import trained
from benchmarks.teach import Result, opened, some_mails
from daemon.config import Config, Paths
from daemon.large_models import Models, settings_of
from daemon.store.database import Database
from mlx_agent import adapters, codec
from mlx_agent.large.anthropic_request import request
from mlx_agent.records import Address, DraftTask, Metadata, X
from plugin.client import ApiError, Client, DaemonNotRunning

SECTIONS = ("overhead", "memory", "abort", "agent")
FIRST_WORDS_S = 1.0
"""What the writer takes to its first words; a real one takes about as long."""
MAILS, AT_ONCE, DRAFTS, MANY, SETTLED = 1_000, 20, 200, 10_000, 300
BOUNDS_MS = {1: 15.0, AT_ONCE: 60.0}
IDLE_MB, GROWTH_MB, ABORT_MS = 120, 10, 100
WHO = "isabel"
MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running daemon: its process and its socket."""

    process: psutil.Process
    client: Client

    @property
    def resident_mb(self) -> float:
        """Resident memory of the daemon alone, without the worker."""
        return float(self.process.memory_info().rss / MB)


@asynccontextmanager
async def running(paths: Paths) -> AsyncIterator[Daemon]:
    """`trimtab run` on a home, from its first answer to its end."""
    command = [str(Path(sys.executable).with_name("trimtab")), "run"]
    environment = {"TRIMTAB_HOME": str(paths.database.parent)}
    with _started(command, environment) as started:
        async with Client(paths.socket) as client:
            while True:
                with suppress(DaemonNotRunning):
                    await client.health()
                    break
                await asyncio.sleep(0.02)
            yield Daemon(process=psutil.Process(started.pid), client=client)


@contextmanager
def _started(command: list[str], more: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, env=os.environ | more, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        try:
            yield started
        finally:
            started.terminate()


def far_away() -> dict[str, str]:
    """A schedule whose night is half a day off."""
    now = datetime.now().astimezone()
    night_at, ends_at = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (12, 13))
    return {"night_at": night_at, "ends_at": ends_at}


async def a_home(root: Path, url: str, mails: int) -> tuple[Paths, Config]:
    """A home with so many mails, whose writer is at `url`, and whose nights are far away."""
    data = settings(url) | {
        "schedule": far_away(),
        "budget": {"night_usd": 1e6, "month_usd": 1e6},
    }
    paths, config = write_home(root, data)
    database = await Database.open(paths.database)
    try:
        await fill(database, some_mails(mails))
    finally:
        await database.close()
    return paths, config


def a_body() -> dict[str, Any]:
    """A request under a key of its own."""
    return body(uuid.uuid4().hex)


async def first_words(client: Client) -> float:
    """Milliseconds from a request to the first text of its draft, which is then read to its end."""
    begun = time.perf_counter()
    found = 0.0
    async for event in client.draft(a_body()):
        if event.name == "text" and not found:
            found = 1000 * (time.perf_counter() - begun)
    return found


async def first_words_on(socket: Path) -> float:
    """The same for who sends bytes over the bare socket and looks for them."""
    content = json.dumps(a_body()).encode()
    head = (
        "POST /v1/drafts HTTP/1.1\r\nHost: trimtab\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_unix_connection(socket)
    begun, found, came = time.perf_counter(), 0.0, b""
    writer.write(head.encode() + content)
    async with asyncio.timeout(60):
        while piece := await reader.read(65536):
            came += piece
            if not found and b"event: text" in came:
                found = 1000 * (time.perf_counter() - begun)
    writer.close()
    assert b"event: done" in came, came
    return found


async def many(
    work: Callable[[], Awaitable[float]], count: int, at_once: int, apart_s: float
) -> list[float]:
    """What `work` gives, so many times, so many at once, which begin one after the other."""
    waiting, found = iter(range(count)), []

    async def worker(number: int) -> None:
        await asyncio.sleep(number * apart_s)
        found.extend([await work() for _ in waiting])

    await asyncio.gather(*(worker(number) for number in range(at_once)))
    return found


# --- overhead ---------------------------------------------------------------------------------


async def overhead(scratch: Path, *, brief: bool) -> list[Result]:
    """Beyond the writer's own time, through the daemon and by the client of the writer alone."""
    drafts = AT_ONCE if brief else DRAFTS
    results = []
    with process("--latency", str(FIRST_WORDS_S)) as url:
        paths, config = await a_home(scratch / "overhead", url, MAILS)
        task = a_task()
        async with running(paths) as daemon, _bare(config, task) as alone:
            await many(lambda: first_words(daemon.client), AT_ONCE, AT_ONCE, 0.0)
            await alone()
            for at_once, bound in BOUNDS_MS.items():
                count = max(drafts // (5 if at_once == 1 else 1), 5)
                ways = {
                    "writer": lambda: writers_own(url, config, task),
                    "client": alone,
                    "ours": lambda: first_words_on(paths.socket),
                    "through": lambda: first_words(daemon.client),
                }
                apart = FIRST_WORDS_S / at_once
                took = {name: await many(way, count, at_once, apart) for name, way in ways.items()}
                results += _overheads(at_once, bound, took)
    return results


def a_task() -> DraftTask:
    """What the writer is asked where it is asked without a daemon."""
    sender = Address(name="Nora", address="nora@falk.example")
    return DraftTask(x=X(intent=("the boat is ready",), metadata=Metadata(sender=sender)))


async def writers_own(url: str, config: Config, task: DraftTask) -> float:
    """Milliseconds to the first text for who sends bytes over a bare socket and looks for it."""
    where, chosen = urlsplit(url), config.large["claude"]
    asked = {**request(task, settings_of(chosen)).params, "stream": True}
    content = json.dumps(asked).encode()
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: {where.netloc}\r\nX-Api-Key: {chosen.key}\r\n"
        "Anthropic-Version: 2026-10-21\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    begun, came = time.perf_counter(), b""
    writer.write(head.encode() + content)
    async with asyncio.timeout(60):
        while b"text_delta" not in came:
            piece = await reader.read(65536)
            assert piece, came
            came += piece
    found = 1000 * (time.perf_counter() - begun)
    writer.close()
    return found


@asynccontextmanager
async def _bare(config: Config, task: DraftTask) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """The writer's client without a daemon: milliseconds to the first text."""

    async def no_chat(*_: object) -> None:
        raise AssertionError("no model of this machine is asked")

    models = Models(config, no_chat)  # type: ignore[arg-type]

    async def work() -> float:
        begun, found = time.perf_counter(), 0.0
        async for piece in models["claude"].stream(task):
            if not found and isinstance(piece, str):
                found = 1000 * (time.perf_counter() - begun)
        return found

    try:
        yield work
    finally:
        await models.close()


def _overheads(at_once: int, bound: float, took: dict[str, list[float]]) -> list[Result]:
    own = median(took["writer"])
    names = ("ours", "client", "through")
    beyond, least, through = ([ms - own for ms in took[name]] for name in names)
    high = quantiles(beyond, n=20)[-1]
    return [
        Result(
            what=f"overhead to the first words, {at_once} in flight, {len(beyond)} drafts",
            measured=f"p50 {median(beyond):.1f} ms, p95 {high:.1f} ms",
            bound=f"{bound:.0f} ms",
            met=high <= bound,
        ),
        Result(
            what="  of it by the writer's client alone",
            measured=f"p50 {median(least):.1f} ms, p95 {quantiles(least, n=20)[-1]:.1f} ms",
        ),
        Result(
            what="  through plugin/client.py instead of a bare socket",
            measured=f"p50 {median(through):.1f} ms, p95 {quantiles(through, n=20)[-1]:.1f} ms",
        ),
        Result(what="  the writer's own, taken off", measured=f"p50 {own:.1f} ms"),
    ]


# --- memory -----------------------------------------------------------------------------------


async def memory(scratch: Path, *, brief: bool) -> list[Result]:
    """Of the idle daemon, and after many drafts."""
    count = SETTLED if brief else MANY
    with process() as url:
        paths, _ = await a_home(scratch / "memory", url, MAILS)
        async with running(paths) as daemon:
            await asyncio.sleep(2)
            idle = daemon.resident_mb
            await many(lambda: first_words(daemon.client), SETTLED, 8, 0.0)
            settled = daemon.resident_mb
            await many(lambda: first_words(daemon.client), count, 8, 0.0)
            grown = daemon.resident_mb - settled
    return [
        Result(
            what="resident memory of the idle daemon",
            measured=f"{idle:.0f} MB",
            bound=f"{IDLE_MB} MB",
            met=idle <= IDLE_MB,
        ),
        Result(what=f"  after {SETTLED} drafts", measured=f"{settled:.0f} MB"),
        Result(
            what=f"  growth over {count} drafts more",
            measured=f"{grown:+.1f} MB",
            bound=f"{GROWTH_MB} MB",
            met=grown <= GROWTH_MB,
        ),
    ]


# --- abort ------------------------------------------------------------------------------------


async def abort(scratch: Path, *, brief: bool) -> list[Result]:
    """How soon the writer's connection is closed."""
    times = 5 if brief else 20
    async with serving(latency_s=60.0) as server:
        paths, _ = await a_home(scratch / "abort", server.url, 0)
        async with running(paths) as daemon:
            found = {
                name: [await _aborted(server, daemon.client, how) for _ in range(times)]
                for name, how in (("hanging up", _hang_up), ("DELETE", _delete))
            }
    return [
        Result(
            what=f"from {name} to the writer's seeing it, {times} times",
            measured=f"median {median(ms):.0f} ms, most {max(ms):.0f} ms",
            bound=f"{ABORT_MS} ms",
            met=max(ms) <= ABORT_MS,
        )
        for name, ms in found.items()
    ]


async def _aborted(server: Any, client: Client, how: Callable[..., Any]) -> float:
    """Milliseconds from the abort of a draft that the writer is at until it has lost its client."""
    before = len(server.seen)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def follow() -> None:
        async for event in client.draft(a_body()):
            if event.name == "rules":
                ready.set_result(event.data["draft_id"])

    following = asyncio.create_task(follow())
    draft_id = await ready
    seen = await server.asked(before + 1)
    begun = time.perf_counter()
    await how(client, following, draft_id)
    await seen.gone.wait()
    found = 1000 * (time.perf_counter() - begun)
    await asyncio.gather(following, return_exceptions=True)
    return found


async def _hang_up(_client: Client, following: asyncio.Task[None], _draft_id: str) -> None:
    following.cancel()


async def _delete(client: Client, _following: asyncio.Task[None], draft_id: str) -> None:
    with suppress(ApiError):
        await client.cancel(draft_id)


# --- agent ------------------------------------------------------------------------------------


async def agent(scratch: Path, *, brief: bool) -> list[Result]:
    """The time to an agent's rules over the socket: with nothing kept, prefix kept, and warm."""
    times = 3 if brief else 12
    with process() as url:
        claude = settings(url)["large"]
        given = {"schedule": far_away(), "large": claude}
        paths, config = await people.fill(
            scratch / "agent", given | {"models": {"writer": "claude"}}, iter((WHO,))
        )
        async with opened(paths, config) as tasks:
            try:
                person = await trained(tasks, WHO)
            finally:
                await tasks.worker.close()
        adapters.promote(paths.adapters, WHO, person.adapter.id)
        first, second, third = (person.xs[n * times : (n + 1) * times] for n in range(3))
        found: dict[str, list[float]] = {"nothing": [], "kept": [], "loaded": [], "warm": []}
        for x, y in zip(first, second, strict=True):
            shutil.rmtree(paths.scratch / "prefixes", ignore_errors=True)
            async with running(paths) as daemon:
                found["nothing"].append(await _to_rules(daemon.client, x))
            async with running(paths) as daemon:
                found["kept"].append(await _to_rules(daemon.client, y))
        async with running(paths) as daemon:
            await _to_rules(daemon.client, person.xs[0])
            for x in second:
                found["loaded"].append(await _to_rules(daemon.client, x))
            for x in third:
                await daemon.client.warm(_known(x))
                found["warm"].append(await _to_rules(daemon.client, x))
    names = {
        "nothing": "the daemon just started, nothing kept",
        "kept": "just started, the shared prefix kept",
        "loaded": "loaded, the shared prefix kept",
        "warm": "warm",
    }
    return [
        Result(what=f"an agent's rules, {names[name]}", measured=f"median {median(ms):.0f} ms")
        for name, ms in found.items()
    ]


def _known(x: X) -> dict[str, Any]:
    """What is known of a mail when its window opens, as a client says it."""
    about = x.metadata
    return {
        "account": WHO,
        "from": codec.to_data(about.sender),
        "to": [codec.to_data(one) for one in about.to],
        "cc": [codec.to_data(one) for one in about.cc],
        "subject": about.subject,
        "reply": about.reply,
        "context": [codec.to_data(one) for one in x.context],
    }


async def _to_rules(client: Client, x: X) -> float:
    """Milliseconds from a request to its rules, which must be the agent's."""
    request = _known(x) | {"key": uuid.uuid4().hex, "bullets": list(x.intent)}
    begun, found = time.perf_counter(), 0.0
    async for event in client.draft(request):
        if event.name == "rules":
            found = 1000 * (time.perf_counter() - begun)
            assert event.data["rung"] == "adapter", event.data["degraded"]
    return found


# --- the command ------------------------------------------------------------------------------


async def run(only: list[str], scratch: Path, *, brief: bool) -> list[Result]:
    """The sections that were asked for."""
    sections = {"overhead": overhead, "memory": memory, "abort": abort, "agent": agent}
    results: list[Result] = []
    for name in only:
        if name != "agent" or people.FOLDER.is_dir():
            results += await sections[name](scratch, brief=brief)
    return results


def main() -> None:
    """Measure, print, and end with 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brief", action="store_true", help="fewer drafts")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tt") as scratch:
        results = asyncio.run(run(list(chosen.only), Path(scratch), brief=chosen.brief))
    table = Table("what", "measured", "bound", "")
    for one in results:
        sign = ("met" if one.met else "MISSED") if one.bound else ""
        table.add_row(one.what, one.measured, one.bound, sign)
    Console(width=120).print(table)
    sys.exit(not all(one.met for one in results))


if __name__ == "__main__":
    main()
