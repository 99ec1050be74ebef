"""Whether a base on the disk is whole: nothing missing, nothing cut off, nothing altered.

A safetensors file tells its own length: https://huggingface.co/docs/safetensors (8 bytes of length,
a header in JSON with each array's end, the arrays). A blob of the Hugging Face cache is named by
its hash.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from mlx_agent.hub import digest_of

_LARGEST_HEADER = 100_000_000
"""As the format bounds it."""


def faults(base: Path) -> Iterator[str]:
    """What is wrong with a base's files, a few words each; quick, for it reads heads alone."""
    if not _is_object(base / "config.json"):
        yield "config.json cannot be read"
    if not any((base / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        yield "there is no tokenizer"
    names = {path.name for path in base.glob("*.safetensors")} | set(_indexed(base))
    if not names:
        yield "there are no weights"
    for name in sorted(names):
        if not (base / name).is_file():
            yield f"{name} is missing"
        elif not _is_whole(base / name):
            yield f"{name} is cut off or damaged"


def altered(base: Path) -> Iterator[str]:
    """The large files that are not what their blob's name says. Reads all of them."""
    for path in sorted(base.glob("*.safetensors")):
        blob = path.resolve()
        if re.fullmatch(r"[0-9a-f]{64}", blob.name) and digest_of(blob, large=True) != blob.name:
            yield path.name


def is_checkable(base: Path) -> bool:
    """Whether the hash of any of its large files is known."""
    names = (path.resolve().name for path in base.glob("*.safetensors"))
    return any(re.fullmatch(r"[0-9a-f]{64}", name) for name in names)


def _indexed(base: Path) -> Iterator[str]:
    """The weights' files that an index names, where they are several."""
    try:
        index = json.loads((base / "model.safetensors.index.json").read_text("utf-8"))
        yield from {str(name) for name in index["weight_map"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text("utf-8")), dict)
    except (OSError, ValueError):
        return False


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as content:
            (length,) = struct.unpack("<Q", content.read(8))
            if length > _LARGEST_HEADER:
                return False
            header = json.loads(content.read(length))
        arrays = [one for name, one in header.items() if name != "__metadata__"]
        end = max((one["data_offsets"][1] for one in arrays), default=0)
        return bool(path.stat().st_size == 8 + length + end)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error):
        return False
