"""The wire format of Anthropic's Messages API: what a request may be, and what an answer is.

Sources: the types of the SDK `anthropic` 2.12 and the pages of platform.claude.com as of 2026-11
(Messages, Streaming, Errors, Message Batches, Thinking, API version 2026-10-21). The table of
models is written down here again and not taken from the client, so that a test compares the two.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

VERSIONS = ("2023-06-01", "2026-10-21")
"""Of the API; the later one knows no sampling parameters at all, for whatever model."""
SAMPLING = {"temperature", "top_p", "top_k"}
FIELDS = set(
    "cache_control container diagnostics inference_geo max_tokens messages metadata model speed "
    "output_config service_tier stop_sequences stream system thinking tool_choice tools".split()
)
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MOST_TOKENS = 128_000
OLD_MODEL = re.compile(r"claude-(opus|sonnet|haiku)-4-[56](-\d{8})?")
"""Those that are sampled at a temperature, by requests in the old version."""


@dataclass(frozen=True, slots=True)
class Model:
    """The types of thinking that a model takes, and whether it thinks when none is named."""

    takes: frozenset[str]
    by_default: bool = False


def _model(takes: str, *, by_default: bool = False) -> Model:
    return Model(frozenset(takes.split()), by_default)


MODELS = {
    "claude-opus-5-5": _model("adaptive", by_default=True),
    "claude-sonnet-5-5": _model("adaptive between_tools", by_default=True),
    "claude-haiku-5-5": _model("adaptive disabled", by_default=True),
    "claude-fable-5-1": _model("adaptive", by_default=True),
    "claude-opus-5": _model("adaptive disabled", by_default=True),
    "claude-sonnet-5": _model("adaptive disabled", by_default=True),
    "claude-opus-4-8": _model("adaptive"),
    "claude-opus-4-7": _model("adaptive"),
    "claude-opus-4-6": _model("adaptive enabled disabled"),
    "claude-sonnet-4-6": _model("adaptive enabled disabled"),
    "claude-haiku-4-5": _model("enabled disabled"),
    "claude-haiku-4-5-20251001": _model("enabled disabled"),
    "claude-opus-4-5": _model("enabled disabled"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the model says to one request. `usage` is laid over what the server counts."""

    text: str
    thinking: str = ""
    stop_reason: str = "end_turn"
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Refusal(Exception):
    """An error of the API, by its HTTP status and its type; `code` is its finer one."""

    status: int
    kind: str
    message: str = "no"
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, Any]:
        """The error's envelope."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.code:
            error["details"] = {"error_code": self.code}
        return {"type": "error", "error": error, "request_id": request_id}


def invalid(message: str) -> Refusal:
    """What the API answers to a request of a wrong form."""
    return Refusal(400, "invalid_request_error", message)


# --- requests ----------------------------------------------------------------------------------


def check(params: Any, version: str) -> None:
    """Raise what the API would, of a request to make a message."""
    if not isinstance(params, dict):
        raise invalid("the body is no object")
    _check_fields(params, version)
    if not isinstance(params["max_tokens"], int) or not 1 <= params["max_tokens"] <= MOST_TOKENS:
        raise invalid("max_tokens: out of range")
    if params["model"] not in MODELS:
        raise Refusal(404, "not_found_error", f"model: {params['model']}")
    _check_messages(params["messages"])
    _check_system(params.get("system", ""))
    _check_thinking(params, MODELS[params["model"]])
    effort = params.get("output_config", {}).get("effort", "high")
    if effort not in ("low", "medium", "high", "xhigh", "max"):
        raise invalid("output_config.effort: no such level")


def _check_fields(params: dict[str, Any], version: str) -> None:
    old = version == VERSIONS[0]
    for name in ("model", "max_tokens", "messages"):
        if name not in params:
            raise invalid(f"{name}: Field required")
    for name in params.keys() - (FIELDS | SAMPLING if old else FIELDS):
        raise invalid(f"{name}: Extra inputs are not permitted")
    for name in params.keys() & SAMPLING:
        if not OLD_MODEL.fullmatch(params["model"]):
            raise invalid(f"`{name}` is not supported for this model")
        if not 0 <= params[name] <= 1:
            raise invalid(f"{name}: range: 0..1")


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise invalid("messages: at least one message is required")
    for index, message in enumerate(messages):
        if set(message) != {"role", "content"} or message["role"] not in ("user", "assistant"):
            raise invalid(f"messages.{index}: Extra inputs are not permitted")
        if not text_of(message["content"]).strip():
            raise invalid(f"messages.{index}: text content blocks must be non-empty")
    if messages[-1]["role"] != "user":
        raise invalid("this model does not support assistant message prefill")


def _check_system(system: Any) -> None:
    for index, block in enumerate(system if isinstance(system, list) else []):
        if block.keys() - {"type", "text", "cache_control"} or block["type"] != "text":
            raise invalid(f"system.{index}: Extra inputs are not permitted")
        if block.get("cache_control", {"type": "ephemeral"}).get("type") != "ephemeral":
            raise invalid(f"system.{index}.cache_control.type: Input should be 'ephemeral'")


def _check_thinking(params: dict[str, Any], model: Model) -> None:
    thinking = params.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in model.takes:
        raise invalid(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "enabled" and not 1024 <= thinking["budget_tokens"] < params["max_tokens"]:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens` of 1024 or more")
    if kind in ("enabled", "adaptive") and params.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")


def thinks(params: dict[str, Any]) -> bool:
    """Whether the model thinks before it answers."""
    kind = params.get("thinking", {}).get("type")
    model = MODELS[params["model"]]
    return model.by_default if kind is None else kind in ("adaptive", "enabled")


def check_batch(body: Any) -> list[dict[str, Any]]:
    """The requests of a batch. What is wrong inside their parameters comes out in the results."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not requests or body.keys() != {"requests"}:
        raise invalid("requests: Field required")
    for index, request in enumerate(requests):
        if request.keys() != {"custom_id", "params"}:
            raise invalid(f"requests.{index}: Extra inputs are not permitted")
        if not CUSTOM_ID.fullmatch(request["custom_id"]):
            raise invalid(f"requests.{index}.custom_id: String should match pattern")
    if len({r["custom_id"] for r in requests}) < len(requests):
        raise invalid("requests: `custom_id` must be unique")
    return list(requests)


def text_of(content: Any) -> str:
    """The text of a system prompt or of a message, in either of its forms."""
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def content_hash(params: dict[str, Any]) -> str:
    """Names a request by everything that its answer depends on."""
    rest = {name: value for name, value in params.items() if name != "stream"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


# --- answers -----------------------------------------------------------------------------------

_numbers = itertools.count(1)


def tokens(text: str) -> int:
    """A count of tokens that follows from the text."""
    return max(1, len(text) // 4)


def message(params: dict[str, Any], said: Said, usage: dict[str, Any]) -> dict[str, Any]:
    """A whole message."""
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}]
    if said.thinking:
        block = {"type": "thinking", "thinking": said.thinking, "signature": "c2lnbmVk"}
        content.insert(0, block)
    return {
        "id": f"msg_{next(_numbers):024}",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": content,
        "stop_reason": said.stop_reason,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": usage,
    }


def events(whole: dict[str, Any], piece: int) -> Iterator[bytes]:
    """The same message as server-sent events, its text in pieces of `piece` characters."""
    begun: dict[str, Any] = {
        "content": [],
        "stop_reason": None,
        "usage": {**whole["usage"], "output_tokens": 1},
    }
    yield event({"type": "message_start", "message": {**whole, **begun}})
    yield event({"type": "ping"})
    for index, block in enumerate(whole["content"]):
        yield from _block(index, block, piece)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None, "stop_details": None}
    yield event({"type": "message_delta", "delta": delta, "usage": whole["usage"]})
    yield event({"type": "message_stop"})


def _block(index: int, block: dict[str, Any], piece: int) -> Iterator[bytes]:
    kind = block["type"]
    empty = {name: value if name == "type" else "" for name, value in block.items()}
    yield event({"type": "content_block_start", "index": index, "content_block": empty})
    text = block[kind]
    deltas = [
        {"type": f"{kind}_delta", kind: text[i : i + piece]} for i in range(0, len(text), piece)
    ]
    if kind == "thinking":
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    for delta in deltas:
        yield event({"type": "content_block_delta", "index": index, "delta": delta})
    yield event({"type": "content_block_stop", "index": index})


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event, named by its type."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()
