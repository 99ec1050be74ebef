"""What tests need from the system; a missing tool is told loudly, or is a failure.

With TRIMTAB_REQUIRE_ALL=1, as in continuous integration, nothing may be missing.
"""

import os
import shutil
import socket

import pytest

MISSING: set[str] = set()


def require(tool: str, package: str) -> str:
    """The path of a program; skips the test, or fails it, where it is not installed."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        absent(f"{tool} (Debian: {package})")
    assert found is not None
    return found


def free_port() -> int:
    """A port on 127.0.0.1 at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def absent(what: str) -> None:
    """Skip the test for want of `what`, or fail it."""
    if os.environ.get("TRIMTAB_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing, and TRIMTAB_REQUIRE_ALL=1 lets nothing be missing")
    MISSING.add(what)
    pytest.skip(f"{what} is missing")
