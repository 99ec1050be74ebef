"""A process in the background while it trains, so that the user's own programs go first.

macOS has a state for that which can be taken back, setpriority(2)'s PRIO_DARWIN_BG: the efficiency
cores, and disk and network after everyone else's. What it costs a training was not measured yet.
Elsewhere nothing is done here, for there a process may lower its priority but not raise it again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PROCESS, BACKGROUND, FOREGROUND = 4, 0x1000, 0
"""PRIO_DARWIN_PROCESS, PRIO_DARWIN_BG, and neither, of <sys/resource.h>."""

SetPriority = Callable[[int, int, int], None]


@contextmanager
def in_background(
    platform: str = sys.platform, set_priority: SetPriority = os.setpriority
) -> Iterator[None]:
    """This process in the background for the `with` block, where the system knows of such a state.

    A system that refuses changes nothing for the work.
    """
    if platform != "darwin":
        yield
        return
    with suppress(OSError):
        set_priority(PROCESS, 0, BACKGROUND)
    try:
        yield
    finally:
        with suppress(OSError):
            set_priority(PROCESS, 0, FOREGROUND)
