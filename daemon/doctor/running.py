"""What runs: the daemon at its socket, its service, the plugin, and the clock."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import psutil

from daemon import service
from daemon.api.front import API_VERSION
from daemon.doctor.findings import Finding, Scene, ok, skipped, warn, wrong
from daemon.store.inspection import inspect
from mlx_agent.errors import TrimtabError

CONNECT_S = 5.0
OLDEST = datetime(2025, 1, 1, tzinfo=UTC)
"""This program is younger than that."""
AHEAD = timedelta(days=1)
_CLOCK = "Have the system set its clock by the network: mails and runs are dated by it."


# --- the daemon ----------------------------------------------------------------------------------


def look_at_socket(scene: Scene) -> Iterator[Finding]:
    """Whether a daemon runs on this home, and is of this version."""
    path, holder = scene.paths.socket, _holder(scene.paths.lock)
    if not path.exists():
        if holder is None:
            yield skipped("daemon", "It does not run; `trimtab run` starts it.")
        else:
            what = "A process has this home and no socket: a command, or a daemon that lost it."
            yield warn("daemon", what, f"If that stays so, stop process {holder.pid}.")
        return
    if not _is_listened_to(path):
        if holder is not None:  # another one than it was
            yield _silent(holder)
            return
        what = f"{path} was left by a daemon that was killed."
        yield warn("socket", what, "Start the daemon again (`trimtab run`): it replaces it.")
        return
    try:
        said = scene.health()
    except OSError:
        yield _silent(holder)
        return
    yield from _judge_daemon(said, holder)


def _silent(holder: psutil.Process | None) -> Finding:
    who = f"process {holder.pid}" if holder else "it"
    return wrong("daemon", "It runs, and does not answer.", f"Stop {who}, and start it again.")


def _judge_daemon(said: dict[str, object], holder: psutil.Process | None) -> Iterator[Finding]:
    again = "Stop the daemon and start it again."
    if said.get("api") != API_VERSION:
        yield wrong("daemon", "It is of another version than this command.", again)
    elif holder is not None and holder.create_time() < _installed():
        yield warn("daemon", "It was started before trimtab was updated.", again)
    else:
        yield ok("daemon", "It answers." if said.get("ready") else "It is starting.")


def _holder(lock: Path) -> psutil.Process | None:
    """The process that has the home, by what it wrote into the lock, if it is alive.

    The lock itself is not tried: a daemon that starts in that moment would find it taken.
    """
    try:
        process = psutil.Process(int(lock.read_text("ascii")))
        mine = "trimtab" in " ".join(process.cmdline())
    except (OSError, ValueError, psutil.Error):
        return None
    return process if mine and process.create_time() <= lock.stat().st_mtime + 1 else None


def _installed() -> float:
    """When this installation was made, in seconds since the epoch."""
    made = [Path(str(one.locate())) for one in metadata.files("trimtab") or ()]
    return max((path.stat().st_mtime for path in made if path.name == "RECORD"), default=0.0)


def _is_listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def look_at_service(scene: Scene) -> Iterator[Finding]:
    """Whether the system starts the daemon by itself."""
    del scene
    if service.installed() is None:
        yield skipped("service", "Not installed (`trimtab service install`).")
    else:
        yield ok("service", "The system starts the daemon.")


# --- the plugin ----------------------------------------------------------------------------------


def look_at_plugin(scene: Scene) -> Iterator[Finding]:
    """What `trimtab plugin doctor` says, where it was ever installed."""
    said = scene.plugin()
    if said is None:
        yield skipped("plugin", "Not installed; `trimtab plugin install` lets Thunderbird find it.")
        return
    for one in said:
        check = f"plugin/{one.piece}"
        if one.state == "wrong" and one.piece != "daemon":  # of which the socket's check has spoken
            yield wrong(check, one.said, "See `trimtab plugin doctor`.")
        elif one.state == "wrong":
            yield skipped(check, one.said)
        else:
            yield ok(check, one.said)


# --- the clock -----------------------------------------------------------------------------------


def look_at_clock(scene: Scene) -> Iterator[Finding]:
    """By what this machine knows itself; servers that are asked anyway have their say, too."""
    newest = None
    try:
        if scene.paths.database.exists():
            newest = _time(inspect(scene.paths.database).newest_mail)
    except TrimtabError:
        pass  # which the store's own check tells
    yield judge_clock(scene.now, newest, scene.synchronised())


def judge_clock(now: datetime, newest: datetime | None, synchronised: bool | None) -> Finding:
    """Of the time it shows, the newest mail's, and whether it is set by the network. Pure."""
    if now < OLDEST:
        return wrong("clock", f"It shows {now:%Y-%m-%d}, which is past.", _CLOCK)
    if newest is not None and newest - now > AHEAD:
        what = f"It shows {now:%Y-%m-%d}, and your newest mail is of {newest:%Y-%m-%d}."
        return warn("clock", what, _CLOCK)
    if synchronised is False:
        return warn("clock", "The system does not set it by the network.", _CLOCK)
    return ok("clock", f"It shows {now:%Y-%m-%d %H:%M} UTC.")


def synchronised() -> bool | None:
    """Whether the system says that its clock is set by the network; None where it says nothing."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None
