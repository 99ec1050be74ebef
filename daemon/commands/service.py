"""`service install | uninstall | status`: trimtab at every log-in, by the user's service manager.

What a unit says is for `daemon.service`. Here it is written, and launchctl or systemctl called.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon import service as units
from daemon.commands.output import print_json, say
from daemon.commands.run import run_daemon
from daemon.errors import ConfigMissing, ServiceRefused, ServiceUnreachable
from daemon.files import refusals, write_whole
from daemon.paths import Paths, find_paths, make_directories
from daemon.service import LABEL, UNIT, Installed, Service, State
from mlx_agent.log_lines import bound

ANSWER_S = 60
BOOTSTRAPS, PAUSE_S = 10, 0.5
"""launchctl bootout returns before the old service is gone, and bootstrap fails until it is."""
SHOWN = "ActiveState,MainPID,ExecMainStatus,UnitFileState"
LINGER = "It runs while you are logged in; with `loginctl enable-linger`, always."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command of the service manager's said."""

    code: int
    out: str
    err: str


def install(*, as_json: bool = False) -> None:
    """Write the unit and start it, at once and at every log-in; again mends what has changed.

    Raises ConfigMissing, ServiceUnreachable, ServiceRefused and FileRefused.
    """
    paths, service = find_paths(), units.here()
    if not paths.config.exists():
        raise ConfigMissing(paths.config)
    _reach(service)
    make_directories(paths)
    before, unit = units.installed(service), _wanted(service, paths)
    write_whole(service.file, units.text(service, unit), folder_mode=0o755)
    _start(service)
    changed = units.changes(before.unit if before else None, unit)
    if as_json:
        return print_json({"file": str(service.file), "changed": list(changed)})
    for line in changed:
        say(line)
    say(f"trimtab runs now, and at every log-in ({service.file}).")
    if service.manager == "systemd":
        say(LINGER)
    return None


def uninstall(*, as_json: bool = False) -> None:
    """End the service and remove its unit; harmless where there is none."""
    removed = remove(find_paths(), units.here())
    if as_json:
        return print_json({"removed": [str(path) for path in removed]})
    for path in removed:
        say(f"Removed {path}.")
    if not removed:
        say("There is no service to remove.")
    return None


def remove(paths: Paths, service: Service) -> list[Path]:
    """End the service, and remove what is there of it: also where its manager does not answer."""
    links = [service.file.parent / "default.target.wants" / UNIT]
    there = [path for path in (service.file, *links) if path.is_symlink() or path.exists()]
    if not there:
        return []
    with suppress(ServiceUnreachable):
        if service.manager == "launchd":
            _call("launchctl", "bootout", f"{_domain()}/{LABEL}")
        else:
            _call("systemctl", "--user", "disable", "--now", UNIT)
    for path in there:
        with refusals(path):
            path.unlink(missing_ok=True)
    if service.manager == "systemd":
        with suppress(ServiceUnreachable):
            _call("systemctl", "--user", "daemon-reload")
    with suppress(OSError):
        (paths.logs / units.LOG).unlink()
    with suppress(OSError):  # something else is in it, or it is not there
        links[0].parent.rmdir()
    return [path for path in there if path == service.file] or there


def status(*, as_json: bool = False) -> None:
    """Print whether the service is there and runs; exit code 1 where something is wrong."""
    paths, service = find_paths(), units.here()
    found = units.installed(service)
    if found is None:
        if as_json:
            return print_json({"installed": False})
        return say("There is no service; `trimtab service install` makes one.")
    unit = _wanted(service, paths)
    wrong = list(units.problems(found, unit, units.text(service, unit)))
    try:
        state = _state(service)
    except ServiceUnreachable:
        state = State(loaded=False, running=False)
        wrong.append(f"{service.manager} does not answer here, so it cannot start the service.")
    if as_json:
        print_json(_data(found, state, wrong))
    else:
        say(_line(found, state))
        for line in wrong:
            say(line)
    if wrong:
        sys.exit(1)
    return None


async def run() -> None:
    """What the unit starts: the daemon, whose log is its log file alone."""
    bound(2)
    await run_daemon(aloud=False)


def _line(found: Installed, state: State) -> str:
    if state.running:
        pid = f" as process {state.pid}" if state.pid else ""
        return f"trimtab runs{pid}, and starts at every log-in ({found.file})."
    ended = "" if state.last_exit is None else f" It ended with exit code {state.last_exit} last."
    loaded = "is loaded, but does not run" if state.loaded else "is not loaded"
    return f"The service {loaded} ({found.file}).{ended}"


def _data(found: Installed, state: State, wrong: list[str]) -> dict[str, Any]:
    unit = found.unit
    return {
        "installed": True,
        "file": str(found.file),
        "python": str(unit.python) if unit else None,
        "home": unit.home if unit else None,
        "loaded": state.loaded,
        "running": state.running,
        "pid": state.pid,
        "last_exit": state.last_exit,
        "problems": wrong,
    }


def _wanted(service: Service, paths: Paths) -> units.Unit:
    return units.wanted(service, paths, sys.executable, os.environ.get(units.HOME))


# --- the managers' commands -----------------------------------------------------------------------


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _reach(service: Service) -> None:
    """Raises ServiceUnreachable where nothing would come of writing a unit."""
    if service.manager == "launchd":
        asked = _call("launchctl", "print", _domain())
    else:
        asked = _call("systemctl", "--user", "show-environment")
    if asked.code:
        raise ServiceUnreachable(_named(service), _reason(asked))


def _start(service: Service) -> None:
    """Start the unit of now, ending the one of before."""
    if service.manager == "systemd":
        for step in (("daemon-reload",), ("enable", UNIT), ("restart", UNIT)):
            _done(_call("systemctl", "--user", *step), "systemctl", "--user", *step)
        return
    target = f"{_domain()}/{LABEL}"
    _call("launchctl", "bootout", target)  # fails where it is not loaded
    _call("launchctl", "enable", target)  # or one that was switched off would stay so
    words = ("launchctl", "bootstrap", _domain(), str(service.file))
    answer = _call(*words)
    for _ in range(BOOTSTRAPS - 1):
        if not answer.code:
            break
        time.sleep(PAUSE_S)
        answer = _call(*words)
    _done(answer, *words)


def _state(service: Service) -> State:
    """Raises ServiceUnreachable."""
    if service.manager == "launchd":
        answer = _call("launchctl", "print", f"{_domain()}/{LABEL}")
        return units.print_state(answer.out, loaded=not answer.code)
    answer = _call("systemctl", "--user", "show", UNIT, "--property", SHOWN)
    if answer.code:
        raise ServiceUnreachable(_named(service), _reason(answer))
    return units.show_state(answer.out)


def _call(*words: str) -> Answer:
    """Run a command to its end; raises ServiceUnreachable where there is none of that name."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceUnreachable(words[0], type(error).__name__) from error
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr)


def _done(answer: Answer, *words: str) -> None:
    if answer.code:
        raise ServiceRefused(" ".join(words), _reason(answer))


def _reason(answer: Answer) -> str:
    lines = (answer.err or answer.out).strip().splitlines()
    return lines[0].rstrip(".") if lines else f"exit code {answer.code}"


def _named(service: Service) -> str:
    return "launchd" if service.manager == "launchd" else "`systemd --user`"
