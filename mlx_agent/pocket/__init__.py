"""The pocket base: a tiny Llama of our own, so that everything runs anywhere.

`base/` is an ordinary model directory that mlx-lm loads. `pretrain` makes it, from invented people
(`personas`) writing invented mails (`world`); see `base/README.md`.
"""

from pathlib import Path


def path() -> Path:
    """The shipped base's directory."""
    return Path(__file__).parent / "base"
