"""`trimtab run` under a clock that a test turns: so many seconds ahead of the real one, by a file.

    AHEAD=FILE TRIMTAB_HOME=DIRECTORY python -m night_daemon

All else is the daemon's own; what is due at night is looked for twice a second instead of once a
minute, or a night that is over in a minute would have no time for its steps.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daemon import app, cli
from daemon.jobs import schedule

AHEAD = Path(os.environ["AHEAD"])


def ahead() -> timedelta:
    """By how much the clock has been turned."""
    return timedelta(seconds=float(AHEAD.read_text("ascii")))


def main() -> None:
    """Run until the signal, as `trimtab run`."""
    app.now = lambda: datetime.now(UTC) + ahead()
    app.local_now = lambda: datetime.now().astimezone() + ahead()
    schedule.LOOK_AT_THE_CLOCK = timedelta(seconds=0.5)
    sys.argv = ["trimtab", "run"]
    cli.main()


if __name__ == "__main__":
    main()
