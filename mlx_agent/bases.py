"""Base models on disk: where one is, how it wants x rendered, and what it is by content.

A base is a directory that mlx-lm loads: the pocket base that ships with trimtab, a path, or a model
that the Hugging Face cache holds already. `auto` is the largest of SIZES that suits this machine's
memory, and the pocket base where MLX has no GPU that it is known to be fast on. Nothing is
downloaded here: that is `mlx_agent.hub`, on the user's word.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import psutil

from mlx_agent import codec, pocket
from mlx_agent.errors import BaseDamaged, BaseNotFound
from mlx_agent.records import RenderSettings

AUTO, POCKET = "auto", "pocket"
_GB = 1 << 30
SIZES: tuple[tuple[int, str], ...] = (
    (15 * _GB, "mlx-community/Meta-Llama-3-8B-Instruct-4bit"),
    (7 * _GB, "mlx-community/Llama-3.2-3B-Instruct-4bit"),
    (0, "mlx-community/Llama-3.2-1B-Instruct-4bit"),
)
"""From so many bytes of memory on, which model; a machine of 16 GB may count a little less."""
_PREFIX = 1 << 20
"""Bytes of each weight file that go into the hash: its index, which names shapes and offsets."""


def is_fast() -> bool:
    """Whether models of billions of weights train and answer here in a night: on Apple Silicon.

    On NVIDIA they do as well, with another build of MLX than the one that trimtab installs: who has
    that names the base.
    """
    return sys.platform == "darwin" and platform.machine() == "arm64"


def choose(memory: int, cached: Collection[str], *, fast: bool) -> str:
    """The model for a machine of so many bytes: of those that suit it the largest that is there.

    Where none is, the one that it should have; the pocket base for one that is not `fast`. Pure.
    """
    if not fast:
        return POCKET
    suiting = [model for least, model in SIZES if memory >= least]
    return next((model for model in suiting if model in cached), suiting[0])


def named(base: str) -> str:
    """The base by the name that an adapter is to remember: `auto` is what it stands for today."""
    if base != AUTO:
        return base
    there = {model for _, model in SIZES if cached(model)}
    return choose(psutil.virtual_memory().total, there, fast=is_fast())


def find(base: str) -> Path:
    """The directory of a base by name or path; raises BaseNotFound."""
    base = named(base)
    if base == POCKET:
        path = pocket.path()
    elif "/" in base and (snapshot := cached(base)):
        path = snapshot
    else:
        path = _expanded(base)
    if not (path / "config.json").is_file():
        raise BaseNotFound(base)
    return path


def hub_cache() -> Path:
    """Where Hugging Face's own programs keep models, and `mlx_agent.hub` puts them."""
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"


def cached(model_id: str) -> Path | None:
    """The newest snapshot of a model in the Hugging Face cache, None if it is not there."""
    snapshots = hub_cache() / f"models--{model_id.replace('/', '--')}" / "snapshots"
    found = [path for path in snapshots.glob("*") if (path / "config.json").is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def render_settings(path: Path) -> RenderSettings:
    """How x is rendered for this base: as its `trimtab.json` says, else the default."""
    try:
        data = json.loads((path / "trimtab.json").read_text("utf-8"))
        return codec.from_data(RenderSettings, asdict(RenderSettings(**data)))
    except FileNotFoundError:
        return RenderSettings()
    except (OSError, ValueError, TypeError) as error:
        raise BaseDamaged(path.name, "its trimtab.json cannot be read") from error


def base_hash(path: Path) -> str:
    """What a base is by content: config, tokenizer, and the head and size of each weight file.

    An 8B base has 5 GB; reading all of it for each training would take longer than the check helps.
    """
    digest = hashlib.sha256()
    for file in sorted([*path.glob("*.json"), *path.glob("*.jinja"), *path.glob("*.model")]):
        digest.update(f"{file.name}\x00{file.stat().st_size}\x00".encode() + file.read_bytes())
    for file in sorted(path.glob("*.safetensors")):
        digest.update(f"{file.name}\x00{file.stat().st_size}\x00".encode())
        with file.open("rb") as content:
            digest.update(content.read(_PREFIX))
    return digest.hexdigest()


def _expanded(base: str) -> Path:
    try:
        return Path(base).expanduser()
    except RuntimeError as error:  # ~ and a user whom nobody knows
        raise BaseNotFound(base) from error
