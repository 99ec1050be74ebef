"""Anthropic's Messages API on this machine: messages, streams, errors, limits and batches.

It is light (more than 400 messages a second on one core), strict where the real one is
(`anthropic_wire`), and can break an answer in the ways that a test needs.

    async with serving() as server:             in the test's own event loop
        client = Anthropic(ModelSettings(model=..., base_url=server.url), key)

    with process("--latency", "0.3") as url:    in a process of its own, for measuring

What it was asked stands in `server.seen`; wait for it with `await server.asked(n)`. Each has an
event `gone`, which is set when the client hangs up before the answer is out. `server.next` holds
what comes before the right answers, first in, first out:

    Said(text=...)      other words, another stop reason, another usage
    Refusal(429, ...)   an error of the API
    Told(body=...)      a whole HTTP response of any kind
    Broken(n, end)      the right stream, ended after n events
    Held(event)         the right answer, but not before the event
    None                the right answer

`server.ledger` says what had to be paid: an entry for every message that the model was set to work
on, live or in a batch, and whether its answer went out whole. With a path it is a file of JSON
lines, and a server that is started with it again knows what was paid before; `Ledger(path)` reads
it from another process.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import anthropic_wire as wire
from anthropic_http import Connection, Seen, Told
from anthropic_offline import offline_answer
from anthropic_wire import Refusal, Said

KEY = "sk-ant-test-0123456789"
KINDS = ("succeeded", "errored", "canceled", "expired")


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream that ends after so many events.

    `end`: the response is finished all the same, the connection is closed or reset, nothing more
    comes, or an event says what went wrong. The events of a `garbled` one are no JSON.
    """

    events: int
    end: Literal["finish", "close", "reset", "hang", "overloaded_error"] = "finish"
    garbled: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The right answer, but not before the event."""

    until: asyncio.Event


Next = Said | Refusal | Told | Broken | Held | None


@dataclass(slots=True, kw_only=True)
class Paid:
    """A message that the model was set to work on; `answered` when all of it went out."""

    hash: str
    batch: str = ""
    answered: bool = False


class Ledger:
    """What had to be paid, in memory and, with a path, in a file that outlives the server."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Paid] = []
        self._path = path
        if path and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self._apply(json.loads(line))

    def begin(self, content_hash: str, batch: str = "") -> int:
        """A message is begun; its number."""
        number = len(self.entries)
        self._write({"number": number, "hash": content_hash, "batch": batch})
        return number

    def answered(self, number: int) -> None:
        """All of its answer is out."""
        self._write({"number": number, "answered": True})

    def times(self) -> Counter[str]:
        """How often each message was paid, by the hash of its content."""
        return Counter(entry.hash for entry in self.entries)

    def _write(self, line: dict[str, Any]) -> None:
        self._apply(line)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def _apply(self, line: dict[str, Any]) -> None:
        if "hash" in line:
            self.entries.append(Paid(hash=line["hash"], batch=line["batch"]))
        else:
            self.entries[line["number"]].answered = True


@dataclass(slots=True, kw_only=True)
class Batch:
    """A batch. Once it was looked at often enough it ends, with its results in another order."""

    id: str
    version: str
    created_at: datetime
    requests: list[dict[str, Any]]
    looks_left: int
    ended_at: datetime | None = None
    canceled_at: datetime | None = None
    results: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True)
class Server:
    """The API's state and its settings, which may be changed while it runs.

    A message goes out `latency_s` after its request was there; beyond `limit` messages at a time
    it answers 429, to come again in `retry_after`. A stream has `piece` characters in an event. A
    system prompt of `cache_minimum` tokens is kept in the cache. A batch ends at the look of number
    `polls`, at once with 0; `fate` makes of a request in it, by its custom id, what else can become
    of one: "canceled", "expired", an error, or other words.
    """

    answer: Callable[[str, str], str] = offline_answer
    thought: str = "Let me think about what was said here."
    latency_s: float = 0.0
    limit: int = 1_000_000
    retry_after: str = "1"
    piece: int = 24
    cache_minimum: int = 512
    polls: int = 0
    fate: Callable[[str], str | Refusal | Said | None] = lambda _: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    key: str = KEY
    port: int = 0
    path: Path | None = None
    next: deque[Next] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    batches: dict[str, Batch] = field(default_factory=dict)
    most_in_flight: int = 0
    connections: list[Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.path)
        self.failures: list[Exception] = []
        self._in_flight = 0
        self._cached: set[str] = set()
        self._numbers = itertools.count(1)
        self._come = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def asked(self, count: int = 1) -> Seen:
        """Wait for the request of that number, counted from 1."""
        async with self._come:
            await self._come.wait_for(lambda: len(self.seen) >= count)
        return self.seen[count - 1]

    def connection(self) -> Connection:
        """A new connection."""
        self.connections.append(Connection(self.serve))
        return self.connections[-1]

    # --- one request -----------------------------------------------------------------------

    async def serve(self, wired: Connection, seen: Seen) -> None:
        """Answer one request."""
        self.seen.append(seen)
        async with self._come:
            self._come.notify_all()
        request_id = f"req_{next(self._numbers):024}"
        try:
            await self._route(wired, seen, request_id)
        except Refusal as refusal:
            headers = {"request-id": request_id, **refusal.headers}
            if refusal.status == 429 and not refusal.code:
                headers.setdefault("retry-after", self.retry_after)
            wired.json(refusal.status, refusal.body(request_id), headers)
        except Exception as error:  # noqa: BLE001  # told at the end of `serving`
            self.failures.append(error)
            wired.reset()

    async def _route(self, wired: Connection, seen: Seen, request_id: str) -> None:
        version = self._let_in(seen.headers)
        if (seen.method, seen.path) == ("POST", "/v1/messages"):
            await self._message(wired, seen, version, request_id)
            return
        match self.next.popleft() if self.next else None:
            case Refusal() as refusal:
                raise refusal
            case Told() as told:
                wired.told(told)
                return
        parts = seen.path.removeprefix("/v1/messages/").split("/")
        if seen.method == "GET" and parts[0] == "batches" and parts[2:] == ["results"]:
            await self._results(wired, self._batch(parts[1]))
            return
        wired.json(200, self._of_batches(seen, parts, version), {"request-id": request_id})

    def _let_in(self, headers: dict[str, str]) -> str:
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if key != self.key:
            raise Refusal(401, "authentication_error", "invalid x-api-key")
        version = headers.get("anthropic-version", "")
        if version not in wire.VERSIONS:
            raise wire.invalid("anthropic-version: header is required")
        return version

    # --- messages --------------------------------------------------------------------------

    async def _message(self, wired: Connection, seen: Seen, version: str, name: str) -> None:
        wire.check(seen.body, version)
        if self._in_flight >= self.limit:
            raise Refusal(429, "rate_limit_error", "too many requests at a time")
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            await self._say(wired, seen, self.next.popleft() if self.next else None, name)
        finally:
            self._in_flight -= 1

    async def _say(self, wired: Connection, seen: Seen, plan: Next, name: str) -> None:
        params = seen.body
        if isinstance(plan, Refusal):
            raise plan
        if isinstance(plan, Told):
            wired.told(plan)
            return
        number = self.ledger.begin(wire.content_hash(params))
        said = plan if isinstance(plan, Said) else self._words(params)
        if isinstance(plan, Held):
            await plan.until.wait()
        if self.latency_s:  # what finding the words took is a part of it
            await asyncio.sleep(seen.at + self.latency_s - time.monotonic())
        whole = self.made(params, said)
        if params.get("stream"):
            wired.start(200, {"content-type": "text/event-stream", "request-id": name})
            await self._stream(wired, whole, plan if isinstance(plan, Broken) else None)
        else:
            wired.json(200, whole, {"request-id": name})
        await wired.drained()
        self.ledger.answered(number)

    async def _stream(self, wired: Connection, whole: Any, broken: Broken | None) -> None:
        events = list(wire.events(whole, self.piece))
        if broken is None:
            wired.chunk(b"".join(events))
            wired.finish()
            return
        for event in events[: broken.events]:
            wired.chunk(event.replace(b"data: {", b"data: {{") if broken.garbled else event)
        match broken.end:
            case "finish":
                wired.finish()
                return
            case "close":
                wired.close()
            case "reset":
                await asyncio.sleep(0)  # a reset takes with it what was not sent yet
                wired.reset()
            case "overloaded_error":
                error = {"type": "overloaded_error", "message": "Overloaded"}
                wired.chunk(wire.event({"type": "error", "error": error}))
                wired.finish()
                return
        await asyncio.Event().wait()  # until the client is gone: this was not answered

    def made(self, params: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        """The message that answers a request."""
        system = wire.text_of(params.get("system", ""))
        user = wire.text_of(params["messages"][-1]["content"])
        said = said or self._words(params)
        return wire.message(params, said, {**self._usage(params, system, user, said), **said.usage})

    def _words(self, params: dict[str, Any]) -> Said:
        system = wire.text_of(params.get("system", ""))
        user = wire.text_of(params["messages"][-1]["content"])
        thinking = self.thought if wire.thinks(params) else ""
        return Said(text=self.answer(system, user), thinking=thinking)

    def _usage(self, params: dict[str, Any], system: str, user: str, said: Said) -> dict[str, Any]:
        size = wire.tokens(system)
        blocks = params.get("system")
        marked = isinstance(blocks, list) and "cache_control" in blocks[-1]
        cached = marked and size >= self.cache_minimum
        prefix = f"{params['model']} {system}"
        known = cached and prefix in self._cached
        if cached:
            self._cached.add(prefix)
        return {
            "input_tokens": wire.tokens(user) + (0 if cached else size),
            "cache_creation_input_tokens": size if cached and not known else 0,
            "cache_read_input_tokens": size if known else 0,
            "output_tokens": wire.tokens(said.thinking + said.text),
            "output_tokens_details": {"thinking_tokens": len(said.thinking) // 4},
            "service_tier": "standard",
        }

    # --- batches ---------------------------------------------------------------------------

    def _of_batches(self, seen: Seen, parts: list[str], version: str) -> dict[str, Any]:
        match seen.method, parts:
            case "POST", ["batches"]:
                return self._shown(self._submitted(seen.body, version))
            case "GET", ["batches"]:
                return self._listed(seen.query)
            case "GET", ["batches", name]:
                return self._shown(self._looked_at(self._batch(name)))
            case "POST", ["batches", name, "cancel"]:
                batch = self._batch(name)
                if batch.ended_at is None:
                    batch.canceled_at = batch.canceled_at or self.now()
                return self._shown(batch)
        raise Refusal(404, "not_found_error", "Not found")

    def _submitted(self, body: Any, version: str) -> Batch:
        batch = Batch(
            id=f"msgbatch_{next(self._numbers):024}",
            version=version,
            created_at=self.now(),
            requests=wire.check_batch(body),
            looks_left=self.polls,
        )
        self.batches[batch.id] = batch
        return batch if self.polls else self._ended(batch)

    def _batch(self, name: str) -> Batch:
        if name not in self.batches:
            raise Refusal(404, "not_found_error", "no such batch")
        return self.batches[name]

    def _looked_at(self, batch: Batch) -> Batch:
        batch.looks_left -= 1
        return self._ended(batch) if batch.ended_at is None and batch.looks_left <= 0 else batch

    def _ended(self, batch: Batch) -> Batch:
        batch.ended_at = self.now()
        for request in reversed(batch.requests):
            result = self._result(batch, request["custom_id"], request["params"])
            batch.results.append({"custom_id": request["custom_id"], "result": result})
        return batch

    def _result(self, batch: Batch, custom_id: str, params: Any) -> dict[str, Any]:
        fate = "canceled" if batch.canceled_at else self.fate(custom_id)
        if isinstance(fate, str):
            return {"type": fate}
        try:
            if isinstance(fate, Refusal):
                raise fate
            wire.check(params, batch.version)
        except Refusal as refusal:
            return {"type": "errored", "error": refusal.body(f"req_{next(self._numbers):024}")}
        self.ledger.answered(self.ledger.begin(wire.content_hash(params), batch.id))
        return {"type": "succeeded", "message": self.made(params, fate)}

    def _shown(self, batch: Batch) -> dict[str, Any]:
        status = "canceling" if batch.canceled_at else "in_progress"
        ended = batch.ended_at is not None
        counts = Counter(result["result"]["type"] for result in batch.results)
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else status,
            "request_counts": {
                "processing": 0 if ended else len(batch.requests),
                **{kind: counts[kind] for kind in KINDS},
            },
            "created_at": batch.created_at.isoformat(),
            "expires_at": (batch.created_at + timedelta(hours=24)).isoformat(),
            "ended_at": batch.ended_at.isoformat() if batch.ended_at else None,
            "cancel_initiated_at": batch.canceled_at.isoformat() if batch.canceled_at else None,
            "archived_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{batch.id}/results" if ended else None,
        }

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        names = sorted(self.batches, reverse=True)
        limit = int(query.get("limit", "20"))
        if not 1 <= limit <= 1000:
            raise wire.invalid("limit: out of range")
        if "after_id" in query:
            names = names[names.index(query["after_id"]) + 1 :]
        if "before_id" in query:
            names = names[: names.index(query["before_id"])][-limit:]
        page = names[:limit]
        return {
            "data": [self._shown(self.batches[name]) for name in page],
            "has_more": len(names) > len(page),
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        }

    async def _results(self, wired: Connection, batch: Batch) -> None:
        if batch.ended_at is None:
            raise Refusal(404, "not_found_error", "no results yet")
        wired.start(200, {"content-type": "application/x-jsonl"})
        for result in batch.results:
            wired.chunk(json.dumps(result, ensure_ascii=False).encode() + b"\n")
            await wired.drained()
        wired.finish()


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Server]:
    """A server in this event loop. What it choked on is raised at the end."""
    server = Server(**settings)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server.connection, "127.0.0.1", server.port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for connection in server.connections:
            connection.close()
        await listening.wait_closed()
    if server.failures:
        raise ExceptionGroup("the server failed", server.failures)


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    """A server in a process of its own, by its URL. The arguments are the command's."""
    command = [sys.executable, "-m", "anthropic_server", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        try:
            yield started.stdout.readline().strip()
        finally:
            started.terminate()


async def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="anthropic_server", description="Anthropic's Messages API on this machine."
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each message")
    parser.add_argument("--limit", type=int, default=1_000_000, help="messages at a time")
    parser.add_argument("--polls", type=int, default=0, help="looks at a batch before it ends")
    parser.add_argument("--piece", type=int, default=24, help="characters in an event")
    parser.add_argument("--ledger", type=Path, help="the file of what was paid")
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    parser.add_argument("--said", type=Path, help="a file: while it is there, every answer")
    asked = parser.parse_args()

    def answer(system: str, user: str) -> str:
        if asked.said and asked.said.exists():
            return asked.said.read_text("utf-8")
        return offline_answer(system, user)

    async with serving(
        answer=answer,
        latency_s=asked.latency,
        limit=asked.limit,
        polls=asked.polls,
        piece=asked.piece,
        path=asked.ledger,
        port=asked.port,
    ) as server:
        print(server.url, flush=True)
        told = asyncio.Event()  # to end, when what is being written down is
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await told.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main())
