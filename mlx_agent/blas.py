"""Load a fast BLAS before MLX, on Linux.

MLX's CPU build for Linux brings the reference BLAS: 4 GFLOP/s where OpenBLAS does 79 on the same
core (1024 x 1024, float32). Symbols that are already loaded win, so that loading OpenBLAS globally
before `import mlx.core` is all it takes. Where the system has none, the one inside the wheel of
faiss-cpu serves: that is the only reason why it is a dependency. macOS has Accelerate and Metal.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

_BEFORE = ("libquadmath", "libgfortran", "libgomp")
"""What the wheel's OpenBLAS needs, in this order; its loader does not look beside itself."""


def load() -> str | None:
    """Load an OpenBLAS and say which; None where there is none or no need. Never raises.

    One thread: on the small matrices of a pocket base a second one only spins.
    """
    if sys.platform != "linux":
        return None
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    system = ctypes.util.find_library("openblas")
    candidates = [[system]] if system else []
    for libraries in [*candidates, list(_in_wheel())]:
        if libraries and all(_loads(library) for library in libraries):
            return libraries[-1]
    return None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def _in_wheel() -> Iterator[str]:
    try:
        installed = metadata.distribution("faiss-cpu").locate_file("faiss_cpu.libs")
    except metadata.PackageNotFoundError:
        return
    directory = Path(str(installed))
    for stem in (*_BEFORE, "libopenblas"):
        yield from sorted(str(path) for path in directory.glob(f"{stem}*.so*"))
