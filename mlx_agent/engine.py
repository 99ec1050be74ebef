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

from mlx_agent.errors import AdapterDamaged, BaseDamaged  # noqa: E402

__all__ = ["BLAS", "Model", "load", "mx", "nn"]

Model = Any
"""mlx-lm's models and tokenizers are not typed."""


def load(base: Path, adapter: Path | None = None) -> tuple[Model, Any]:
    """A model with its tokenizer, and with an adapter if given.

    Raises BaseDamaged and AdapterDamaged, whatever it is that the libraries raise: for a broken
    file they have a dozen classes, Exception itself among them.
    """
    try:
        model, tokenizer = mlx_lm_utils.load(str(base))[:2]
    except Exception as error:
        raise BaseDamaged(base.name, type(error).__name__) from error
    if adapter is not None:
        try:
            model = mlx_lm_utils.load_adapters(model, str(adapter))
            model.eval()
        except Exception as error:
            raise AdapterDamaged(adapter.name, type(error).__name__) from error
    return model, tokenizer
