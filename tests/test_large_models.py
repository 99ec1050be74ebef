"""The large models of the config: opened when they are asked for, and closed at the end."""

import subprocess
import sys

import pytest

from daemon.config import Config
from daemon.large_models import Models
from mlx_agent.large.local import Chat

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-5-5", "key": "k"}
CONFIG = Config.model_validate(
    {"large": {"claude": CLAUDE, "other": CLAUDE}, "models": {"writer": "claude"}}
)


def no_chat() -> Chat:
    async def chat(*_: object) -> None:
        raise AssertionError("no model of this machine is asked")

    return chat  # type: ignore[return-value]


async def test_a_model_is_opened_once() -> None:
    """And is the same for every role that names it."""
    models = Models(CONFIG, no_chat())
    assert models["claude"] is models["claude"]
    await models.close()


async def test_only_models_with_a_role_are_there() -> None:
    """What is configured and used for nothing is never opened."""
    models = Models(CONFIG, no_chat())
    assert set(models) == {"offline", "claude"}
    assert len(models) == 2
    with pytest.raises(KeyError):
        models["other"]
    await models.close()


def test_an_idle_daemon_has_no_sdk_loaded() -> None:
    """It takes a second to load, and memory that nobody may ever need."""
    code = (
        "import sys; from daemon.config import Config; from daemon.large_models import Models;"
        f"Models(Config.model_validate({{'large': {{'claude': {CLAUDE!r}}},"
        "'models': {'writer': 'claude'}}), None); print('anthropic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
