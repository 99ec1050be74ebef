"""From a model's name in the config to its client."""

from __future__ import annotations

from mlx_agent.errors import ModelUnknown
from mlx_agent.large import LargeModel
from mlx_agent.large.offline import Offline


def open_model(role: str, name: str) -> LargeModel:
    """The client for `name`, for one role of the config; raises ModelUnknown."""
    if name == "offline":
        return Offline()
    raise ModelUnknown(role, name)
