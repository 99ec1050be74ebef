"""The API's description of itself: complete, and fuzzed against a real daemon and its socket."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from draft_examples import body
from hypothesis import HealthCheck, given, settings
from running_daemon import ACCOUNT, Running, running
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from daemon.api.routes import build_api
from daemon.explain import explain
from plugin.client import ApiError, Event

DOCUMENT: dict[str, Any] = build_api(None, explain).openapi()  # type: ignore[arg-type]
OPERATIONS = [one.ok() for one in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
CASES = [
    pytest.param(one, mode, id=f"{one.label} {mode.value}")
    for one in OPERATIONS
    for mode in GenerationMode
    if one.label != "GET /v1/events"  # which goes on for as long as somebody listens
    if mode is GenerationMode.POSITIVE or one.body or one.path_parameters
]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    with running(ACCOUNT.replace(".work", ".home")) as daemon:
        yield daemon


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_as_described(
    operation: schemathesis.APIOperation, mode: GenerationMode, daemon: Running
) -> None:
    """Whatever is sent: no bug, and no status, type or body that the document does not name.

    What the document calls valid may be refused all the same (an account that is not there).
    """

    @settings(max_examples=20, suppress_health_check=list(HealthCheck), database=None)
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE and operation.label == "POST /v1/drafts":
            case.body["account"] = "home"  # or no draft would ever be written
        answer = case.call_and_validate(
            base_url=f"http://127.0.0.1:{daemon.port}",
            headers={"Authorization": f"Bearer {daemon.token}"},
            excluded_checks=[positive_data_acceptance],
        )
        assert b"internal_error" not in answer.content

    check()


async def test_events_are_as_described(daemon: Running) -> None:
    """Those of a draft, and an error."""
    async with daemon.client() as client:
        events = [event async for event in client.draft(body())]
        with pytest.raises(ApiError) as caught:
            _ = [event async for event in client.draft(body(account="nobody"))]
    assert {event.name for event in events} == {"rules", "text", "done"}
    error = {"error": {"code": caught.value.code, "message": caught.value.message}}
    for event in (*events, Event(name="error", data=error)):
        assert_described(event)


def assert_described(event: Event) -> None:
    stream = DOCUMENT["paths"]["/v1/drafts"]["post"]["responses"]["200"]["content"]
    kinds = stream["text/event-stream"]["itemSchema"]["oneOf"]
    named = {kind["properties"]["event"]["const"]: kind["properties"]["data"] for kind in kinds}
    schema = named[event.name]["contentSchema"] | {"components": DOCUMENT["components"]}
    jsonschema_rs.validate(schema, event.data)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, {})


def test_every_call_tells_of_its_errors() -> None:
    """In the one shape; those that any call may have, and its own."""
    shape = {"$ref": "#/components/schemas/Error"}
    for operation in OPERATIONS:
        answers = DOCUMENT["paths"][operation.path][operation.method]["responses"]
        assert {"400", "401", "403", "431", "500", "503"} <= set(answers), operation.label
        for status, answer in answers.items():
            if status >= "4":
                assert answer["content"] == {"application/json": {"schema": shape}}
    assert "429" in DOCUMENT["paths"]["/v1/drafts"]["post"]["responses"]
    assert "HTTPValidationError" not in json.dumps(DOCUMENT)
