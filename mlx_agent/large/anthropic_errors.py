"""From the errors of Anthropic's API, its SDK and the network to ours.

The API says the same in three places: in a response, in the middle of a stream, and in a batch's
results. Its message is read where the API has no code for the thing, and kept nowhere, for it may
quote the request: ours are raised without a cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import anthropic
import httpx2
from aiohttp.http_exceptions import HttpProcessingError

from mlx_agent.errors import (
    KeyRefused,
    ModelMissing,
    ModelOverloaded,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    TrimtabError,
)
from mlx_agent.large.transport import delay_s, unreachable

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
}
"""The status that stands for a type of error where there is none; any other type is the API's."""
_NO_CREDIT = {
    "contract_spend_limit_reached",
    "enforced_spend_limit_reached",
    "linked_organization_billing_unavailable",
    "linked_organization_spend_limit_reached",
    "organization_on_hold",
}
"""Codes of 400, 402 and 429 that no waiting helps against, only the account's owner."""
_NO_CREDIT_SAID = re.compile(
    r"credit balance|specified (workspace )?API usage limits", re.IGNORECASE
)
_TOO_LONG_SAID = re.compile(r"prompt is too long|exceeds? (the )?context limit", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


@contextmanager
def told(
    model: str, prompt: str = "", *, odd: tuple[type[Exception], ...] = (ValueError,)
) -> Iterator[None]:
    """Raise our error for what goes wrong inside; `prompt` names the task, if it is about one.

    `odd` is what an answer of a wrong form makes the code inside raise.
    """
    try:
        yield
    except anthropic.APIStatusError as error:
        body, headers = error.body, error.response.headers
        raise typed(error.status_code, body, model, prompt, headers) from None
    except anthropic.APIConnectionError as error:
        raise unreachable(model, _happened(error.__cause__ or error)) from None
    except (httpx2.HTTPError, aiohttp.ClientError, HttpProcessingError) as error:
        raise unreachable(model, _happened(error)) from None
    except anthropic.AnthropicError as error:
        raise RequestRefused(model, type(error).__name__) from None
    except odd:
        raise ModelUnreachable(model, "not the answer of a model", sent=True) from None


def typed(
    status: int | None, body: object, model: str, prompt: str, headers: Mapping[str, str] = {}
) -> TrimtabError:
    """Our error for an error object of the API's; without a `status`, by its type alone."""
    kind, code, message = _parts(body)
    status = status if status and status >= 400 else _STATUS.get(kind, status or 500)
    reason = code or kind or f"HTTP {status}"
    if status in {401, 402, 403} or code in _NO_CREDIT:
        return KeyRefused(model, reason)
    if status == 400 and _NO_CREDIT_SAID.search(message):
        return KeyRefused(model, "billing_error")
    if prompt and (status == 413 or (status == 400 and _TOO_LONG_SAID.search(message))):
        return PromptTooLong(prompt)
    return _by_status(status, reason, model, prompt, delay_s(headers))


def _happened(error: BaseException) -> BaseException:
    """The transport's error, or its cause where it takes a lost connection for one never made."""
    cause = error.__cause__
    unmade = isinstance(cause, aiohttp.ClientConnectorError)
    if isinstance(error, httpx2.ConnectError) and not unmade:
        return cause or error
    return error


def _by_status(
    status: int, reason: str, model: str, prompt: str, delay: float | None
) -> TrimtabError:
    if prompt and status == 404:
        return ModelMissing(model)
    if status == 429:
        return RateLimited(model, delay)
    if status in {504, 524}:  # a gateway's patience ended, and not the model's work
        return ModelUnreachable(model, reason, sent=True)
    if status >= 500 or status in {408, 409}:
        return ModelOverloaded(model, delay)
    return RequestRefused(model, reason)


def _parts(body: object) -> tuple[str, str, str]:
    """Type, code and message of an error object; the first two one word each, or empty."""
    found = body.get("error") if isinstance(body, dict) else None
    error: dict[str, Any] = found if isinstance(found, dict) else {}
    details = error.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    return _word(error.get("type")), _word(code), str(error.get("message", ""))


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
