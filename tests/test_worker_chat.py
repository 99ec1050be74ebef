"""The worker's `chat` by its protocol, and what stays loaded beside what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_models import a_model, an_endless_model
from training_examples import a_request
from wire import Wire

from mlx_agent import codec
from mlx_agent.records import Message

pytestmark = pytest.mark.mlx
SECRET = "Zanzibar"
"""A word of a mail that must be in no log."""
MESSAGES = (
    Message(role="system", content="Write the rules for this mail."),
    Message(role="user", content=f"Points:\n- the boat sails to {SECRET}"),
)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with Wire(tmp_path_factory.mktemp("worker") / "worker.log") as wire:
        yield wire


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(an_endless_model(tmp_path_factory.mktemp("models") / "endless"))


def params(model: str = "pocket", **changes: Any) -> dict[str, Any]:
    usual = {"max_tokens": 200, "temperature": 0.0, "thinking": True}
    messages = [codec.to_data(message) for message in MESSAGES]
    return {"model": model, "messages": messages, **usual, **changes}


def test_text_comes_piece_by_piece_and_then_the_counts(wire: Wire) -> None:
    """The result says how it ended."""
    number = wire.ask("chat", **params())
    pieces = []
    while "event" in (line := wire.next()):
        assert set(line["event"]) == {"text"}
        pieces.append(line["event"]["text"])
    assert line["id"] == number
    assert len(pieces) > 20
    assert all(pieces)
    assert line["result"]["ended"] == "stop"
    assert line["result"]["output_tokens"] >= len(pieces)


def test_it_ends_within_a_token_when_it_is_cancelled(wire: Wire, endless: str) -> None:
    """The next request is served; the model is as good as before."""
    number = wire.ask("chat", **params(endless, max_tokens=1 << 19))
    assert wire.next()["event"]["text"]
    wire.ask("cancel", id=number)
    assert wire.error(number) == {"type": "Cancelled", "fields": {}}
    assert wire.result(wire.ask("chat", **params(endless)))["ended"] == "length"


def test_it_is_refused_at_once_during_training(wire: Wire, tmp_path: Path) -> None:
    """As rules are."""
    training = wire.ask_training(a_request(tmp_path, 4, settings={"epochs": 500}))
    assert "event" in wire.next()
    refused = wire.ask("chat", **params())
    while (line := wire.next())["id"] == training:
        assert "event" in line
    assert line == {"id": refused, "error": {"type": "WorkerBusy", "fields": {}}}
    wire.ask("cancel", id=training)
    assert wire.error(training)["type"] == "Cancelled"


def test_errors_of_ours_come_with_their_fields(wire: Wire, tmp_path: Path) -> None:
    """A model that is nowhere, one that is broken, and a prompt that does not fit."""
    error = wire.error(wire.ask("chat", **params("nowhere")))
    assert error == {"type": "BaseNotFound", "fields": {"base": "nowhere"}}
    broken = a_model(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"")
    error = wire.error(wire.ask("chat", **params(str(broken))))
    assert (error["type"], error["fields"]["base"]) == ("BaseDamaged", "broken")
    narrow = str(a_model(tmp_path / "narrow", max_position_embeddings=8))
    assert wire.error(wire.ask("chat", **params(narrow)))["type"] == "PromptTooLong"


def test_no_mail_is_in_its_log(wire: Wire) -> None:
    """Neither after a chat nor after parameters that were wrong."""
    assert wire.result(wire.ask("chat", **params()))["ended"] == "stop"
    error = wire.error(wire.ask("chat", **params(messages=[SECRET])))
    assert error == {"type": "ValidationError", "fields": {}}
    assert SECRET not in wire.log.read_text("utf-8")
