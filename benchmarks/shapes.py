"""Bases of random weights with Llama-3-8B's proportions, for benchmarks of training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_agent import pocket
from mlx_agent.engine import Model, mx, nn, save_arrays

from mlx.utils import tree_flatten, tree_map  # isort: skip  # after the engine
from mlx_lm.models import llama  # isort: skip

Config = Mapping[str, Any]

LLAMA_3_8B: Config = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "quantization": {"group_size": 64, "bits": 4},
}
SMALL_4BIT: Config = LLAMA_3_8B | {
    "hidden_size": 512,
    "intermediate_size": 1792,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "vocab_size": 2000,
}
"""An eighth of the blocks and of the width, and as large a head for them: 16 million weights."""
SMALL: Config = {name: value for name, value in SMALL_4BIT.items() if name != "quantization"} | {
    "torch_dtype": "float32"
}
TINY: Config = SMALL | {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
"""For trying a benchmark out on a CPU, where 4-bit products take a hundred times as long."""
SPREAD = 0.02
"""The standard deviation of a quantised base's weights, so that its logits are sane."""


def make_base(path: Path, config: Config) -> None:
    """A model of random weights in a shape, with the pocket base's tokenizer; `path` is new.

    `config` is that of a Llama, as in `config.json`; "quantization" in it makes the weights so many
    bits. What is complete has a `config.json`.
    """
    path.mkdir(parents=True)
    for file in pocket.path().glob("token*.json"):
        (path / file.name).write_bytes(file.read_bytes())
    mx.random.seed(1)
    model = llama.Model(llama.ModelArgs.from_dict(dict(config)))
    if "quantization" in config:
        _quantise(model, **config["quantization"])
    for block in model.layers:  # one after the other, for all before they are quantised are 16 GB
        mx.eval(block.parameters())
    save_arrays(path / "model.safetensors", dict(tree_flatten(model.parameters())))
    (path / "config.json").write_text(json.dumps(config), "utf-8")
    del model
    mx.clear_cache()


def _quantise(model: Model, group_size: int, bits: int) -> None:
    """Other weights and fewer bits, none of which is computed yet; scales and norms in bfloat16."""

    def drawn(one: mx.array) -> mx.array:
        weights = mx.random.normal(one.shape) * SPREAD if one.ndim == 2 else one
        return weights.astype(mx.bfloat16)

    model.update(tree_map(drawn, model.parameters()))
    nn.quantize(model, group_size, bits)
