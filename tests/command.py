"""The `trimtab` command as a user runs it: a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

TRIMTAB = Path(sys.executable).with_name("trimtab")


def trimtab(
    *arguments: str | Path,
    home: Path | None = None,
    stdin: str = "",
    code: int = 0,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, which must come with the exit code `code`.

    `home` is its TRIMTAB_HOME; None leaves that to the test's own environment.
    """
    where = {"TRIMTAB_HOME": str(home)} if home else {}
    done = subprocess.run(
        [TRIMTAB, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=1200,  # the demo trains three agents, on however slow a machine
        env=os.environ | where | environment,
        check=False,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command said: one line, no traceback, and nothing on standard output."""
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]
