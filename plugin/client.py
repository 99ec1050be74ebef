"""An asyncio client of the daemon's socket. Needs httpx and nothing of trimtab's.

    async with Client(socket_path) as client:
        async for event in client.draft(request):
            ...

Every failure is an ApiError with a code for programs and a sentence for people; leaving the loop
over a draft hangs up, and the daemon then abandons the work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

POLL_SECONDS = 0.2
SILENCE_SECONDS = 60.0
"""The daemon sends a comment every 15 s while it works; a longer silence means that it hangs."""

DELIVERY_SECONDS = 900.0
"""A mail server may take ten minutes to accept a mail."""


@dataclass(eq=False)
class ApiError(Exception):
    """The daemon's answer was an error; `code` is stable, `message` is for the user."""

    code: str
    message: str


class DaemonNotRunning(ApiError):
    """Nothing answers at the socket."""

    def __init__(self, where: Path | str) -> None:
        super().__init__(
            "daemon_not_running", f"No daemon answers at {where}; start it with `trimtab run`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A server-sent event of a draft: `rules`, `text`, `replace` or `done`."""

    name: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """The daemon's port on 127.0.0.1, where its config has one; `token` is what run/token holds."""

    number: int
    token: str = field(repr=False)


class Client:
    """One client of one daemon; an asynchronous context manager, safe to use concurrently."""

    def __init__(self, where: Path | Port) -> None:
        """`where` is the Unix socket's path; a Port is for programs that can use none."""
        self._where = where if isinstance(where, Path) else f"127.0.0.1:{where.number}"
        self._http = _over_tcp(where) if isinstance(where, Port) else _over_unix(where)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def health(self) -> dict[str, Any]:
        """The API's version; raises DaemonNotRunning."""
        return await self._call("GET", "/health")

    async def status(self) -> dict[str, Any]:
        """Accounts, jobs and the running job's progress."""
        return await self._call("GET", "/status")

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """The status, now and whenever it has changed; leaving the loop hangs up."""
        with self._failures():
            async with self._http.stream("GET", "/events") as response:
                if response.is_error:
                    await response.aread()
                    raise _api_error(response)
                async for event in _events(response.aiter_lines()):
                    yield event.data
        raise _lost()

    async def warm(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Have the agent `ready` for a draft whose bullets are being typed, or say `why` it is not.

        The request is a draft's without its key, its bullets and what goes with them.
        """
        return await self._call("POST", "/warm", dict(request))

    async def draft(self, request: Mapping[str, Any]) -> AsyncGenerator[Event, None]:
        """`rules` (with the draft's id), `text` pieces, perhaps one `replace`, then `done`.

        The `text` of `replace` is the whole draft, mended by the writer: show it in place of the
        pieces. `done` holds the draft as it is stored, which lacks what does not belong into a mail
        (a preamble, a second sign-off), and `checks`: the bullets that are left out
        (`uncovered`: `position`, `facts`), the facts that nothing given holds (`unsupported`:
        `kind`, `text`, `start` and `end` in the draft's text), and the wrong `language` (`written`,
        `wanted`) or null. Raises ApiError on `error`.
        """
        with self._failures():
            async with self._http.stream("POST", "/drafts", **_json(dict(request))) as response:
                if response.is_error:
                    await response.aread()
                    raise _api_error(response)
                finished = False
                async for event in _events(response.aiter_lines()):
                    if event.name == "error":
                        raise _error_of(event.data)
                    finished = event.name == "done"
                    yield event
        if not finished:
            raise _lost()

    async def cancel(self, draft_id: str) -> None:
        """Abort a draft that is being written, by its id or by the key that it was asked under."""
        await self._call("DELETE", f"/drafts/{quote(draft_id, safe='')}")

    async def sent(
        self, draft_id: str, text: str = "", message_id: str = "", *, html: str = ""
    ) -> dict[str, Any]:
        """Tell what the user sent, as text or as HTML; how far it is from the draft."""
        body = {"text": text, "html": html, "message_id": message_id}
        return await self._call("POST", f"/drafts/{draft_id}/sent", body)

    async def take_back(self, draft_id: str) -> None:
        """Have nothing learned from what became of a draft, now or later."""
        await self._call("DELETE", f"/drafts/{draft_id}/sent")

    async def save(self, draft_id: str) -> dict[str, Any]:
        """Put a draft into the Drafts folder: its `message_id`, and whether it was `already` so."""
        return await self._call("POST", f"/drafts/{draft_id}/save", seconds=DELIVERY_SECONDS)

    async def send(self, draft_id: str, *, again: bool = False) -> dict[str, Any]:
        """Send a draft, which the user must have asked for; the answer as for `save`.

        A mail that may have been sent is sent only `again`, by a second word of the user's.
        """
        body = {"again": again}
        return await self._call("POST", f"/drafts/{draft_id}/send", body, seconds=DELIVERY_SECONDS)

    async def rules(self, account: str) -> dict[str, Any]:
        """The account's `pinned` rules and `banned` aspects."""
        return await self._call("GET", f"{_account(account)}/rules")

    async def set_rules(self, account: str, rules: Mapping[str, Any]) -> None:
        """Replace the account's `pinned` rules and `banned` aspects."""
        await self._call("PUT", f"{_account(account)}/rules", dict(rules))

    async def answer_deletions(self, account: str, answer: str) -> None:
        """Say of mails that a folder lost at once: `forget` them, or `keep` learning from them."""
        await self._call("PUT", f"{_account(account)}/deletions", {"answer": answer})

    async def jobs(self) -> list[dict[str, Any]]:
        """The last jobs, newest first."""
        return list((await self._call("GET", "/jobs"))["jobs"])

    async def submit_job(self, kind: str, account: str) -> dict[str, Any]:
        """Queue a job; the job, or that of its kind which waits already."""
        return await self._call("POST", f"/jobs/{kind}", {"account": account})

    async def pause_nights(self, *, paused: bool) -> dict[str, Any]:
        """Learn at night no more, or again; how the nights stand then, as the status has it."""
        return await self._call("POST", "/nights", {"paused": paused})

    async def run_job(
        self,
        kind: str,
        account: str,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Run a job to its end; its outcome. Raises ApiError with the job's error if it failed."""
        job = await self.submit_job(kind, account)
        while job["state"] in {"queued", "running"}:
            await asyncio.sleep(POLL_SECONDS)
            if on_progress is not None and job["state"] == "running":
                progress = (await self.status())["progress"]
                if progress:
                    on_progress(progress)
            job = await self._call("GET", f"/jobs/{job['id']}")
        if job["state"] != "done":
            raise ApiError(
                f"job_{job['state']}", job["error"] or f"The {kind} job was interrupted."
            )
        return dict(job["outcome"])

    async def _call(
        self, method: str, path: str, body: Any = None, *, seconds: float = SILENCE_SECONDS
    ) -> dict[str, Any]:
        with self._failures():
            response = await self._http.request(method, path, **_json(body), timeout=seconds)
        if response.is_error:
            raise _api_error(response)
        return dict(response.json()) if response.content else {}

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise DaemonNotRunning(self._where) from error
        except httpx.TransportError as error:
            raise _lost() from error


def _json(body: Any) -> dict[str, Any]:
    """The body in ASCII, so that a broken character is the daemon's to refuse; None is no body."""
    if body is None:
        return {}
    return {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}


def _over_unix(path: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(
        transport=transport, base_url="http://trimtab/v1", timeout=SILENCE_SECONDS
    )


def _over_tcp(port: Port) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port.number}/v1",
        headers={"Authorization": f"Bearer {port.token}"},
        timeout=SILENCE_SECONDS,
        trust_env=False,  # no proxy of the environment gets to see the token
    )


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Parse server-sent events (HTML standard, 9.2.6) as the daemon sends them: one data line."""
    name, data = "", ""
    async for line in lines:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            data = value
        elif not line and data:
            yield Event(name=name, data=json.loads(data))
            name, data = "", ""


def _account(name: str) -> str:
    return f"/accounts/{quote(name, safe='')}"


def _api_error(response: httpx.Response) -> ApiError:
    try:
        return _error_of(response.json())
    except (ValueError, KeyError, TypeError):
        return ApiError("unexpected_answer", f"The daemon answered {response.status_code}.")


def _error_of(data: dict[str, Any]) -> ApiError:
    return ApiError(str(data["error"]["code"]), str(data["error"]["message"]))


def _lost() -> ApiError:
    return ApiError("connection_lost", "The daemon went away; try again.")
