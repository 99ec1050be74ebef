"""What the gate refuses is told in the log, by its class, and not over and over."""

import logging

import pytest
from starlette.types import Message, Receive, Scope, Send

from daemon.api.gate import Gate
from mlx_agent.log_lines import LineFormatter

SECRET = "https://secret.example"


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("it was let in")


async def nothing() -> Message:
    return {"type": "http.request"}


def asked(origin: str) -> Scope:
    headers = [(b"origin", origin.encode())]
    return {"type": "http", "headers": headers, "raw_path": b"/v1/status", "query_string": b""}


async def test_a_refusal_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A page could ask a thousand times a second, and its address is nobody's business."""
    gate, said = Gate(passed), list[Message]()

    async def send(message: Message) -> None:
        said.append(message)

    with caplog.at_level(logging.WARNING, "daemon.api.gate"):
        for _ in range(3):
            await gate(asked(SECRET), nothing, send)
    assert [one["status"] for one in said if "status" in one] == [403, 403, 403]
    (record,) = caplog.records
    line = LineFormatter().format(record)
    assert line.endswith("WARNING request was refused error=OriginRefused")
