"""The worker process by its protocol: lines in, lines out, and nothing ends it but its parent."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from local_models import an_endless_model
from training_examples import Trained, a_request, lessons_of
from wire import Wire

from mlx_agent import adapters, codec, pocket
from mlx_agent.chat import encode
from mlx_agent.engine import load
from mlx_agent.protocol import VERSION
from mlx_agent.records import AgentAnswer, RenderSettings, X
from mlx_agent.render import agent_messages
from mlx_agent.train.records import Adapter, TrainEvent

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
    """A training under way: its first step is done."""
    number = wire.ask_training(a_request(root, 4, settings=LONG))
    while not wire.next()["event"]["step"]:
        pass
    return number


def answers_to(wire: Wire, *numbers: int) -> dict[int, dict[str, object]]:
    """The ends of requests of which events of others may come between, in their order."""
    found: dict[int, dict[str, object]] = {}
    while set(found) != set(numbers):
        line = wire.next()
        if "event" not in line:
            found[line["id"]] = line
    return found


def tokens_of(x: X) -> int:
    """How long the prompt for x is."""
    _, tokenizer = load(pocket.path())
    chat = [codec.to_data(one) for one in agent_messages(x, RenderSettings(context_words=25))]
    return len(encode(tokenizer, chat, answering=True))


# --- requests --------------------------------------------------------------------------------


def test_hello_says_what_runs(wire: Wire) -> None:
    """Versions, device and BLAS, for `trimtab doctor`."""
    said = wire.result(wire.ask("hello"))
    assert set(said) == {"version", "mlx", "mlx_lm", "device", "blas", "loaded"}
    assert (said["version"], said["mlx"]) == (VERSION, metadata.version("mlx"))
    assert said["device"].startswith("Device(")


def test_a_list_comes_rule_by_rule(wire: Wire) -> None:
    """Each as soon as its line is complete; then the answer, which counts."""
    number = wire.ask_rules(X_1, hints=["Greeting: none."])
    events = []
    while "event" in (line := wire.next()):
        events.append(line["event"])
    assert line["id"] == number
    *told, last = events
    rules = line["result"][0]["rules"]
    assert last == {"index": 0, "answer": line["result"][0]}
    assert [event["rule"] for event in told] == rules[: len(told)]
    assert len(told) >= len(rules) - 1


def test_another_version_is_refused(wire: Wire) -> None:
    """In either direction; the next request is served."""
    for asked in (1, VERSION + 1):
        wire.write(f'{{"v": {asked}, "id": 7, "op": "hello"}}'.encode())
        fields = {"asked": asked, "spoken": VERSION}
        assert wire.next() == {"id": 7, "error": {"type": "ProtocolRefused", "fields": fields}}
    assert wire.result(wire.ask("hello"))["version"] == VERSION


def test_rules_are_cancelled_between_two_tokens(wire: Wire, tmp_path: Path) -> None:
    """A long list ends where it is."""
    endless = str(an_endless_model(tmp_path / "endless"))
    number = wire.ask_rules(X_1, base=endless)
    assert "rule" in wire.next()["event"]
    wire.ask("cancel", id=number)
    assert wire.error(number) == {"type": "Cancelled", "fields": {}}


def test_idle_models_are_unloaded(tmp_path: Path) -> None:
    """By the worker itself, after the time it was given."""
    with Wire(tmp_path / "worker.log", "--idle-seconds", "0.05") as quick:
        assert quick.result(quick.ask_rules(X_1))[0]["valid"]
        while quick.result(quick.ask("hello"))["loaded"]:
            pass
        assert quick.result(quick.ask_rules(X_1))[0]["valid"]


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
        (b'{"v": 2, "op": "hello"}', None),
        (b'{"v": 2, "id": "x", "op": "hello"}', None),
        (b'{"v": 2, "id": 901}', 901),
        (b'{"v": 2, "id": 905, "op": "dance"}', 905),
        (b'{"v": 2, "id": 902, "op": "rules", "params": "Zanzibar"}', 902),
        (b'{"v": 2, "id": 903, "op": "cancel"}', 903),
        (b'{"v": 2, "id": 904, "op": "cancel", "params": {"id": "Zanzibar"}}', 904),
    ],
)
def test_a_line_that_is_no_request_is_answered(wire: Wire, line: bytes, number: int | None) -> None:
    """With its id where it has one; the next request is served."""
    wire.write(line)
    assert wire.next() == {"id": number, "error": {"type": "RequestMalformed", "fields": {}}}
    assert wire.result(wire.ask("hello"))["version"] == VERSION


# --- while it trains -------------------------------------------------------------------------


def test_during_training_rules_are_answered_between_two_steps(wire: Wire, tmp_path: Path) -> None:
    """They wait for one step at the most; the training goes on, and can be cancelled."""
    alone = wire.result(wire.ask_rules(X_1))[0]["text"]
    training = begin(wire, tmp_path)
    asked = wire.ask_rules(X_1)
    found = [wire.next()]
    while found[-1]["id"] == training or "event" in found[-1]:
        found.append(wire.next())
    assert found[-1]["result"][0]["text"] == alone
    warmed = wire.ask_warm(X_1)
    assert answers_to(wire, warmed)[warmed]["result"] == {"tokens": tokens_of(X_1)}
    assert sum(line["id"] == training for line in found) <= 2  # the step, and one told before
    assert {line["id"] for line in found} <= {training, asked}
    wire.ask("cancel", id=training)
    assert wire.error(training) == {"type": "Cancelled", "fields": {}}
    assert not adapters.adapters(tmp_path / "adapters", "work")


def test_answers_in_between_do_not_change_a_training(wire: Wire, tmp_path: Path) -> None:
    """Its weights are to the bit those of a training that nobody disturbed."""
    weights = []
    for disturbed in (False, True):
        root = tmp_path / str(disturbed)
        request = a_request(root, 28, settings={"epochs": 3})
        training = wire.ask_training(request)
        answered = 0
        while "result" not in (line := wire.next()) or line["id"] != training:
            if disturbed and line["id"] == training and "event" in line:
                wire.ask_rules(X_2, base=str(pocket.path()), adapter=None)
            answered += "result" in line
        assert bool(answered) == disturbed
        path = request.adapters_root / line["result"]["id"]
        weights.append((path / "adapters.safetensors").read_bytes())
        wire.settle()
    assert weights[0] == weights[1]


def test_rules_are_answered_while_another_training_waits(wire: Wire, tmp_path: Path) -> None:
    """Whether there is a moment between the two or not."""
    first = begin(wire, tmp_path)
    second = wire.ask_training(a_request(tmp_path, 4, settings=LONG))
    wire.ask("cancel", id=first)
    assert wire.error(first)["type"] == "Cancelled"
    while not wire.next()["event"]["step"]:
        pass
    asked = wire.ask_rules(X_1)
    assert "result" in answers_to(wire, asked)[asked]
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
    assert not adapters.adapters(tmp_path / "second" / "adapters", "work")


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
    wire.write(f'{{"v": 2, "op": "{SECRET}"'.encode())
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
        assert wire.process.wait(timeout=60) == 0
    assert not adapters.adapters(tmp_path / "adapters", "work")
