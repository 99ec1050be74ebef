"""What HTTP says, whoever the provider: how long to wait, and what went wrong. Pure."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from mlx_agent.errors import ModelUnreachable

_UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
"""Errors of before a request is sent."""


def delay_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, in any of its forms; RFC 9110, 10.2.3."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = _seconds(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def unreachable(model: str, error: BaseException) -> ModelUnreachable:
    """Our error for one of the transport's."""
    return ModelUnreachable(model, _reason(error), sent=not isinstance(error, _UNSENT))


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        at = parsedate_to_datetime(value)
        return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "time-out"
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "TLS"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "unknown host"
    return "no connection" if isinstance(error, _UNSENT) else "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
