"""Scratch directories for workers, with the kernels that were compiled before.

MLX's CPU build compiles each kernel once, for a second or more, into the temporary directory. A
worker has a private one; from a copy, no test that kills one can leave half a kernel to others.
"""

import shutil
import tempfile
from pathlib import Path


def scratch_in(home: Path) -> Path:
    """A new scratch directory there, with what this machine has of kernels so far."""
    scratch = home / "scratch"
    scratch.mkdir(mode=0o700)
    compiled = Path(tempfile.gettempdir()) / "mlx"
    if compiled.is_dir():
        shutil.copytree(compiled, scratch / "mlx")
    return scratch
