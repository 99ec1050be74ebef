"""The API's description of itself, completed: what FastAPI does not know of its own routes.

That is the one shape of errors, the statuses of every call, the events of a stream, and the token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

from daemon.api.sse import NAMES

VERSION = "3.2.0"
"""Of the standard: the first that knows events."""

_REFS = "#/components/schemas/{model}"
_METHODS = frozenset({"get", "put", "post", "delete"})
_ALWAYS = (400, 401, 403, 431, 500, 503)
"""What any call may be answered, by the gate or by the store."""
_WITH_BODY = (408, 413, 415, 422)
_OWN: dict[tuple[str, str], tuple[int, ...]] = {
    ("post", "/v1/drafts"): (429,),
    ("post", "/v1/warm"): (404,),
    ("post", "/v1/drafts/{draft_id}/send"): (409,),
    ("post", "/v1/jobs/{kind}"): (404,),
}
_FINDS = frozenset({"account", "draft_id", "job_id"})
"""Parameters of the path that name a thing that may not be there."""


class ErrorDetail(BaseModel):
    """`code` is stable and for programs; `message` is a sentence for the user."""

    code: str
    message: str


class Error(BaseModel):
    """The body of every answer that is no success, and the data of an `error` event."""

    error: ErrorDetail


class DescribedApi(FastAPI):
    """A FastAPI whose OpenAPI document is complete."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with errors, events and the token in it; changes it in place."""
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = _schemas() | schemas
    document["openapi"] = VERSION
    document["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "On 127.0.0.1: what run/token holds. On the Unix socket: none.",
        }
    }
    document["security"] = [{}, {"token": []}]
    for path, method, operation in _operations(document):
        for status in _statuses(path, method, operation):
            operation["responses"][str(status)] = _error(status)
    for path, method, items in (
        ("/v1/drafts", "post", _draft_events()),
        ("/v1/events", "get", _event("status", {"type": "object"})),
    ):
        stream = document["paths"][path][method]["responses"]["200"]
        stream["content"]["text/event-stream"] = {"itemSchema": items}
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS & item.keys():
            yield path, method, item[method]


def _statuses(path: str, method: str, operation: Mapping[str, Any]) -> list[int]:
    names = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
    found = {*_ALWAYS, *_OWN.get((method, path), ())}
    if names:
        found.add(422)
    if names & _FINDS:
        found.add(404)
    if "requestBody" in operation:
        found.update(_WITH_BODY)
    return sorted(found)


def _error(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REFS.format(model="Error")}}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _schemas() -> dict[str, Any]:
    """What no route names: errors, and what the events hold."""
    kinds: tuple[type, ...] = (Error, *NAMES)
    _, definitions = TypeAdapter.json_schemas(
        [(kind.__name__, "validation", TypeAdapter(kind)) for kind in kinds], ref_template=_REFS
    )
    return dict(definitions["$defs"])


def _draft_events() -> dict[str, Any]:
    """The events of a draft (OpenAPI 3.2), each with its name and the JSON of its data."""
    holding = {name: kind.__name__ for kind, name in NAMES.items()} | {"error": Error.__name__}
    events = [_event(name, {"$ref": _REFS.format(model=model)}) for name, model in holding.items()]
    return {"oneOf": events}


def _event(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": schema,
    }
    properties = {"event": {"const": name}, "data": data}
    return {"type": "object", "required": ["event", "data"], "properties": properties}
