"""What the worker keeps loaded beside what, and what it unloads."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from local_models import a_model

from mlx_agent import models, pocket
from mlx_agent.chatting import LocalModel
from mlx_agent.models import Models
from mlx_agent.protocol import Asked
from mlx_agent.records import RenderSettings
from mlx_agent.room import Machine

pytestmark = pytest.mark.mlx
GB = 10**9
ROOMY = Machine(total=16 * GB, available=9 * GB)
FULL = Machine(total=16 * GB, available=0)


@dataclass
class Host:
    """A machine and a clock that say what a test sets."""

    machine: Machine = ROOMY
    now: float = 0.0
    models: Models = field(init=False)

    def __post_init__(self) -> None:
        self.models = Models(idle_s=60, look=lambda: self.machine, clock=lambda: self.now)


def asked(base: Path) -> Asked:
    return Asked(base=str(base), adapter=None, render=RenderSettings(context_words=25))


@pytest.fixture
def host() -> Host:
    return Host()


def test_room_is_made_before_a_model_is_loaded(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stay, the least used goes; of large models there is only one at a time."""
    beside: list[list[str]] = []

    class Watched(LocalModel):
        def __init__(self, directory: Path) -> None:
            beside.append(host.models.names())
            super().__init__(directory)

    monkeypatch.setattr(models, "LocalModel", Watched)
    one, two = a_model(tmp_path / "one"), a_model(tmp_path / "two")
    for base in (pocket.path(), one):
        host.models.agent(asked(base))
    for model in (one, one, two):
        host.models.large(str(model))
    assert beside == [["Agent one"], ["Agent one"]]
    assert host.models.names() == ["Agent one", "Watched two"]
    host.models.agent(asked(two))
    assert host.models.names() == ["Watched two", "Agent two"]


def test_a_loaded_model_is_not_loaded_again(host: Host) -> None:
    """It is the same one."""
    assert host.models.agent(asked(pocket.path())) is host.models.agent(asked(pocket.path()))


def test_an_idle_model_goes_and_a_used_one_stays(host: Host, tmp_path: Path) -> None:
    """The time counts from its last use."""
    other = a_model(tmp_path / "other")
    host.models.agent(asked(pocket.path()))
    host.models.agent(asked(other))
    host.now = 59
    host.models.sweep()
    host.models.agent(asked(other))
    host.now = 60
    host.models.sweep()
    assert host.models.names() == ["Agent other"]


def test_short_memory_unloads(host: Host) -> None:
    """Before a swap file does worse; the next request loads again."""
    host.models.agent(asked(pocket.path()))
    host.machine = FULL
    host.models.sweep()
    assert host.models.names() == []


def test_a_training_leaves_an_agent_that_fits_beside_it(host: Host) -> None:
    """A large model always goes."""
    host.models.agent(asked(pocket.path()))
    host.models.large("pocket")
    host.models.make_way("pocket")
    assert host.models.names() == ["Agent base"]
    host.machine = FULL
    host.models.make_way("pocket")
    assert host.models.names() == []


def test_an_agent_answers_if_it_is_loaded_or_fits(host: Host) -> None:
    """Beside a training."""
    here = asked(pocket.path())
    assert host.models.can_answer(here)
    host.machine = FULL
    assert not host.models.can_answer(here)
    host.machine = ROOMY
    host.models.agent(here)
    host.machine = FULL
    assert host.models.can_answer(here)
