"""The one door to MLX: a fast BLAS first, then MLX, then a model with its tokenizer.

Every module that touches arrays imports `mx` and `nn` from here, so that the order is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlx_agent import blas

BLAS = blas.load()

import mlx.core as mx  # noqa: E402  # after the BLAS
from mlx import nn  # noqa: E402
from mlx_lm import utils as mlx_lm_utils  # noqa: E402

from mlx_agent.errors import AdapterDamaged, BaseDamaged, DiskFull  # noqa: E402

__all__ = ["BLAS", "Array", "Model", "load", "load_arrays", "mx", "nn", "save_arrays"]

Array = Any
"""MLX's arrays, whose methods are typed too widely to be of use."""
Model = Any
"""mlx-lm's models and tokenizers are not typed."""


def load(base: Path, adapter: Path | None = None, *, lazy: bool = False) -> tuple[Model, Any]:
    """A model with its tokenizer, and with an adapter if given; `lazy`: weights when needed.

    Raises BaseDamaged and AdapterDamaged, whatever it is that the libraries raise: for a broken
    file they have a dozen classes, Exception itself among them.
    """
    try:
        model, tokenizer = mlx_lm_utils.load(str(base), lazy=lazy)[:2]
    except Exception as error:
        raise BaseDamaged(base.name, type(error).__name__) from error
    if adapter is not None:
        try:
            model = mlx_lm_utils.load_adapters(model, str(adapter))
            model.eval()
        except Exception as error:
            raise AdapterDamaged(adapter.name, type(error).__name__) from error
    return model, tokenizer


def load_arrays(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata of a safetensors file; raises what MLX does for a broken one."""
    loaded: Any = mx.load(str(path), return_metadata=True)
    arrays, metadata = loaded
    return arrays, metadata


def save_arrays(
    path: Path, arrays: dict[str, mx.array], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file for the user alone; raises DiskFull.

    MLX tells a full disk as any other error of writing, in words alone.
    """
    try:
        mx.save_safetensors(str(path), arrays, metadata or {})
    except RuntimeError as error:
        if "Unable to write" in str(error):
            raise DiskFull from error
        raise
    path.chmod(0o600)
