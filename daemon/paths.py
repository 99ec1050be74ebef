"""Where everything is on disk.

Apart from the config, so that the daemon knows where to answer before it has read its settings.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where everything is.

    `run` holds the socket and the lock. It is not the system's own runtime directory: that is
    missing in many sessions, and what stands in for it may be anybody's.
    """

    config: Path
    database: Path
    adapters: Path
    datasets: Path
    logs: Path
    run: Path

    @property
    def socket(self) -> Path:
        """The daemon's Unix socket."""
        return self.run / "trimtab.sock"

    @property
    def token(self) -> Path:
        """What a client on 127.0.0.1 has to show."""
        return self.run / "token"

    @property
    def plugin(self) -> Path:
        """What a mail program starts and installs."""
        return self.run.parent / "plugin"

    @property
    def evaluation(self) -> Path:
        """The adapters and data sets of experiments, apart from those that drafts need."""
        return self.database.parent / "evaluation"

    @property
    def scratch(self) -> Path:
        """Where the worker's libraries put what they would put into the temporary directory."""
        return self.run / "scratch"

    @property
    def lock(self) -> Path:
        """Held by the one process that may write this home."""
        return self.run / "trimtab.lock"


def find_paths(home: str | None = None) -> Paths:
    """Paths under `home`, else under `TRIMTAB_HOME`, else in the platform's own places."""
    home = home or os.environ.get("TRIMTAB_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        config, data, logs = root, root, root / "logs"
    else:
        dirs = platformdirs.PlatformDirs("trimtab", appauthor=False)
        config, data, logs = map(
            Path, (dirs.user_config_dir, dirs.user_data_dir, dirs.user_log_dir)
        )
    return Paths(
        config=config / "config.toml",
        database=data / "trimtab.db",
        adapters=data / "adapters",
        datasets=data / "datasets",
        logs=logs,
        run=data / "run",
    )


def make_directories(paths: Paths) -> None:
    """Create what is missing, readable by the user alone (0700)."""
    parents = [paths.config.parent, paths.database.parent]
    for directory in [*parents, paths.adapters, paths.datasets, paths.logs, paths.run]:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths.run.chmod(0o700)
