"""The worker process by its protocol: lines in, lines out, and nothing ends it but its parent."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from training_examples import Trained, a_request, lessons_of
from wire import Wire

from mlx_agent import adapters, codec
from mlx_agent.records import Adapter, AgentAnswer, TrainEvent, X

pytestmark = pytest.mark.mlx
SECRET = "Zanzibar"
"""A word of a mail that must be in no log."""
X_1, X_2 = (lesson.x for lesson in lessons_of(2))
SECRET_X: X = replace(X_1, intent=(f"The boat sails to {SECRET}",))
LONG = {"epochs": 500}
"""Settings of a training that no test waits for."""


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One process for the tests that leave it alive."""
    with Wire(tmp_path_factory.mktemp("worker") / "worker.log") as wire:
        yield wire


def begin(wire: Wire, root: Path) -> int:
    """A training under way: its first event has come."""
    number = wire.ask_training(a_request(root, 4, settings=LONG))
    assert "event" in wire.next()
    return number


def answers_to(wire: Wire, *numbers: int) -> dict[int, dict[str, object]]:
    """The ends of requests of which events of others may come between, in their order."""
    found: dict[int, dict[str, object]] = {}
    while set(found) != set(numbers):
        line = wire.next()
        if "event" not in line:
            found[line["id"]] = line
    return found


# --- requests --------------------------------------------------------------------------------


def test_hello_says_what_runs(wire: Wire) -> None:
    """Versions, device and BLAS, for `trimtab doctor`."""
    said = wire.result(wire.ask("hello"))
    assert set(said) == {"version", "mlx", "mlx_lm", "device", "blas"}
    assert (said["version"], said["mlx"]) == (1, metadata.version("mlx"))
    assert said["device"].startswith("Device(")


def test_rules_come_one_by_one_and_then_all(wire: Wire) -> None:
    """An event for each x with its position, and the result."""
    number = wire.ask_rules(X_1, X_2)
    events = [wire.next(), wire.next()]
    result = wire.result(number)
    assert [event["event"]["index"] for event in events] == [0, 1]
    assert [event["event"]["answer"] for event in events] == result
    assert all(codec.from_data(AgentAnswer, answer).valid for answer in result)


def test_training_tells_its_steps_and_then_the_adapter(wire: Wire, tmp_path: Path) -> None:
    """The adapter can be asked at once: the worker is not busy any more."""
    request = a_request(tmp_path, 8)
    number = wire.ask_training(request)
    event = codec.from_data(TrainEvent, wire.next()["event"])
    assert (event.step, event.steps) == (1, 1)
    adapter = codec.from_data(Adapter, wire.result(number))
    assert adapters.verify(request.adapters_root, adapter.id) == adapter
    path = str(request.adapters_root / adapter.id)
    (answer,) = wire.result(wire.ask_rules(X_1, adapter=path))
    assert answer["valid"]


@pytest.mark.parametrize("base", ["nowhere", "org/model"])
def test_errors_of_ours_come_with_their_fields(wire: Wire, base: str) -> None:
    """So that the daemon can raise them again."""
    error = wire.error(wire.ask_rules(X_1, base=base))
    assert error == {"type": "BaseNotFound", "fields": {"base": base}}


def test_a_broken_adapter_is_named(wire: Wire, trained: Trained, tmp_path: Path) -> None:
    """By its id, before a library is asked to load it."""
    broken = tmp_path / "work-1"
    broken.mkdir()
    error = wire.error(wire.ask_rules(X_1, adapter=str(broken)))
    fields = {"adapter_id": "work-1", "reason": "its manifest is missing or cannot be read"}
    assert error == {"type": "AdapterDamaged", "fields": fields}


def test_a_bug_is_told_by_its_class_alone(wire: Wire) -> None:
    """Its text may quote mail."""
    assert wire.error(wire.ask("dance")) == {"type": "KeyError", "fields": {}}
    error = wire.error(wire.ask("rules", base="pocket", xs=[SECRET]))
    assert error == {"type": "ValidationError", "fields": {}}


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"7", None),
        (b"\xff\xfe\x00", None),
        (b"[" * 100_000, None),
        (b'{"v": 1, "op": "hello"}', None),
        (b'{"v": 1, "id": "x", "op": "hello"}', None),
        (b'{"v": 1, "id": 901}', 901),
        (b'{"v": 1, "id": 902, "op": "rules", "params": "Zanzibar"}', 902),
        (b'{"v": 1, "id": 903, "op": "cancel"}', 903),
        (b'{"v": 1, "id": 904, "op": "cancel", "params": {"id": "Zanzibar"}}', 904),
    ],
)
def test_a_line_that_is_no_request_is_answered(wire: Wire, line: bytes, number: int | None) -> None:
    """With its id where it has one; the next request is served."""
    wire.write(line)
    assert wire.next() == {"id": number, "error": {"type": "RequestMalformed", "fields": {}}}
    assert wire.result(wire.ask("hello"))["version"] == 1


# --- while it trains -------------------------------------------------------------------------


def test_during_training_rules_are_refused_at_once(wire: Wire, tmp_path: Path) -> None:
    """Drafting goes down the ladder and does not wait; when it is cancelled, rules come again."""
    training = begin(wire, tmp_path)
    refused = wire.ask_rules(X_1)
    assert answers_to(wire, refused)[refused] == {
        "id": refused,
        "error": {"type": "WorkerBusy", "fields": {}},
    }
    wire.ask("cancel", id=training)
    assert wire.error(training) == {"type": "Cancelled", "fields": {}}
    assert wire.result(wire.ask_rules(X_1))[0]["valid"]
    assert not (tmp_path / "adapters").exists()


def test_rules_are_refused_as_long_as_a_training_waits(wire: Wire, tmp_path: Path) -> None:
    """The end of the first does not make room before the second."""
    first = begin(wire, tmp_path)
    second = wire.ask_training(a_request(tmp_path, 4, settings=LONG))
    wire.ask("cancel", id=first)
    assert wire.error(first)["type"] == "Cancelled"
    assert set(wire.next()) == {"id", "event"}
    refused = wire.ask_rules(X_1)
    assert answers_to(wire, refused)[refused]["error"] == {"type": "WorkerBusy", "fields": {}}
    wire.ask("cancel", id=second)
    assert wire.error(second)["type"] == "Cancelled"


def test_a_request_is_cancelled_while_it_waits(wire: Wire, tmp_path: Path) -> None:
    """It never begins."""
    training = begin(wire, tmp_path)
    waiting = wire.ask_training(a_request(tmp_path / "second", 4))
    wire.ask("cancel", id=waiting)
    wire.ask("cancel", id=training)
    found = answers_to(wire, training, waiting)
    assert [line["error"] for line in found.values()] == [{"type": "Cancelled", "fields": {}}] * 2
    assert not (tmp_path / "second" / "adapters").exists()


def test_a_request_during_training_is_served_after_it(wire: Wire, tmp_path: Path) -> None:
    """Only rules are in a hurry."""
    training = wire.ask_training(a_request(tmp_path, 4))
    hello = wire.ask("hello")
    assert list(answers_to(wire, training, hello)) == [training, hello]


# --- its streams and its end -----------------------------------------------------------------


def test_its_output_holds_the_protocol_alone(wire: Wire, tmp_path: Path) -> None:
    """Whatever the trainer draws, and after all that was asked of this process."""
    wire.result(wire.ask_training(a_request(tmp_path, 4)))
    assert len(wire.lines) >= 2
    for line in wire.lines:
        answer = json.loads(line)
        (kind,) = set(answer) - {"id"}
        assert kind in {"event", "result", "error"}
        assert line == json.dumps(answer).encode() + b"\n"


def test_no_mail_is_in_its_log(wire: Wire) -> None:
    """Not after rules, nor after lines and parameters that were wrong."""
    assert wire.result(wire.ask_rules(SECRET_X))[0]["text"]
    wire.write(f'{{"v": 1, "op": "{SECRET}"'.encode())
    assert wire.next()["error"]["type"] == "RequestMalformed"
    assert wire.error(wire.ask("rules", base=SECRET))["type"] == "ValidationError"
    log = wire.log.read_text("utf-8")
    assert SECRET not in log
    assert not re.search(r"Traceback|^Subject|^From", log, re.MULTILINE)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """At the end of its standard input, in the middle of a training too; nothing is left."""
    with Wire(tmp_path / "worker.log") as wire:
        begin(wire, tmp_path)
        assert wire.process.stdin is not None
        wire.process.stdin.close()
        assert wire.process.wait(timeout=20) == 0
    assert not (tmp_path / "adapters").exists()
