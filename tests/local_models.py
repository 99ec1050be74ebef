"""Model directories made on the spot from the pocket base, for what that one never does."""

import json
import shutil
from pathlib import Path
from typing import Any

from mlx_agent import pocket

THINKING = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking %}<think>\n{% endif %}{% endif %}"
)
"""A chat template that opens a block of thinking, as some reasoning models have it."""


def a_model(directory: Path, tokenizer: dict[str, Any] | None = None, **config: Any) -> Path:
    """The pocket base with other settings in its two configs."""
    shutil.copytree(pocket.path(), directory)
    changes = (("config.json", config), ("tokenizer_config.json", tokenizer or {}))
    for name, changed in changes:
        path = directory / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changed), "utf-8")
    return directory


def an_endless_model(directory: Path) -> Path:
    """One that never ends an answer by itself, in a window of a million tokens."""
    return a_model(
        directory, {"eos_token": None}, eos_token_id=None, max_position_embeddings=1 << 20
    )
