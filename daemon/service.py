"""trimtab as a service of the user's: what launchd and `systemd --user` are told, and back. Pure.

`wanted` is what a unit of this installation says, `installed` what the one on disk says. Files are
only read: that one, and the template. A unit holds the interpreter, the log, and the home where
that is not the platform's own: no secret, and nothing else of the environment.

Sources: launchd.plist(5), launchctl(1); systemd.unit(5), systemd.service(5), systemd.exec(5). Tried
on Linux, not yet on macOS.
"""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.parsers.expat import ExpatError

from daemon.paths import Paths

LABEL = "local.trimtab.daemon"
UNIT = "trimtab.service"
LOG = "service.log"
"""What the daemon says before it has a log of its own; launchd's only, systemd has its journal."""
HOME = "TRIMTAB_HOME"
TEMPLATE = Path(__file__).parent.parent / "launchd" / "trimtab.plist"
"""Beside this package, in a source tree as where it is installed."""

Manager = Literal["launchd", "systemd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service manager, and where it looks for our unit."""

    manager: Manager
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a unit says: the interpreter, the home if it names one, and launchd's log."""

    python: Path
    home: str | None
    log: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The unit on disk. `unit` is None where it starts no trimtab that we know."""

    file: Path
    text: bytes
    unit: Unit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the manager says of the service."""

    loaded: bool
    running: bool
    pid: int | None = None
    last_exit: int | None = None


def platform_service(
    platform: str = sys.platform, user: Path | None = None, config: str | None = None
) -> Service:
    """The manager of a platform; `user` is the user's home, `config` their XDG_CONFIG_HOME."""
    home = user or Path.home()
    if platform == "darwin":
        return Service(manager="launchd", file=home / "Library" / "LaunchAgents" / f"{LABEL}.plist")
    root = Path(config) if config else home / ".config"
    return Service(manager="systemd", file=root / "systemd" / "user" / UNIT)


def here() -> Service:
    """This machine's."""
    return platform_service(config=os.environ.get("XDG_CONFIG_HOME"))


def wanted(service: Service, paths: Paths, python: str, home: str | None) -> Unit:
    """The unit of this installation; `home` is what TRIMTAB_HOME says now, if anything."""
    return Unit(
        python=Path(python).absolute(),  # not resolved: an environment's python is a link
        home=str(Path(home).expanduser().absolute()) if home else None,
        log=paths.logs / LOG if service.manager == "launchd" else None,
    )


def text(service: Service, unit: Unit) -> bytes:
    """The file that says so."""
    return _plist(unit) if service.manager == "launchd" else _systemd(unit).encode()


def installed(service: Service | None = None) -> Installed | None:
    """The unit on disk, None where there is none; of whatever home, for there is one per user."""
    service = service or here()
    try:
        content = service.file.read_bytes()
    except OSError:
        return None
    read = _from_plist if service.manager == "launchd" else _from_systemd
    return Installed(file=service.file, text=content, unit=read(content))


def changes(old: Unit | None, new: Unit) -> tuple[str, ...]:
    """What differs between two units, a sentence each."""
    if old is None:
        return ()
    said = []
    if old.python != new.python:
        said.append(f"It is started by {new.python} now, no longer by {old.python}.")
    if old.home != new.home:
        said.append(f"Its home is {home_of(new)} now, no longer {home_of(old)}.")
    return tuple(said)


def home_of(unit: Unit) -> str:
    """A unit's home, in words."""
    return unit.home or "the platform's own places"


def problems(found: Installed, unit: Unit, expected: bytes) -> Iterator[str]:
    """What is wrong with the unit on disk, and what to do; `unit` is what it should say."""
    if found.unit is None:
        yield "The unit starts something else than trimtab; `trimtab service install` replaces it."
        return
    if found.unit.home != unit.home:
        yield (
            f"The service uses another home ({home_of(found.unit)}) than this command "
            f"({home_of(unit)}); `trimtab service install` makes it use this one."
        )
    if not found.unit.python.exists():
        yield f"{found.unit.python} is gone; `trimtab service install` names the one of today."
    elif found.unit == unit and found.text != expected:
        yield "The unit is of another trimtab; `trimtab service install` brings it up to date."


def print_state(answer: str, *, loaded: bool) -> State:
    """What `launchctl print` says; its output is for people, so only three lines are looked for."""
    if not loaded:
        return State(loaded=False, running=False)
    found = dict(re.findall(r"^\t(state|pid|last exit code) = (.+)$", answer, re.MULTILINE))
    pid, code = found.get("pid", ""), found.get("last exit code", "").partition(":")[0]
    return State(
        loaded=True,
        running=found.get("state") == "running",
        pid=int(pid) if pid.isdigit() else None,
        last_exit=int(code) if code.isdigit() else None,
    )


def show_state(answer: str) -> State:
    """What `systemctl show` says of ActiveState, MainPID, ExecMainStatus and UnitFileState."""
    found = dict(line.partition("=")[::2] for line in answer.splitlines())
    pid, code = found.get("MainPID", ""), found.get("ExecMainStatus", "")
    return State(
        loaded=found.get("UnitFileState", "").startswith("enabled"),
        running=found.get("ActiveState") == "active",
        pid=int(pid) if pid.isdigit() and pid != "0" else None,
        last_exit=int(code) if code.isdigit() and found.get("ActiveState") != "active" else None,
    )


# --- launchd --------------------------------------------------------------------------------------


def _plist(unit: Unit) -> bytes:
    data: dict[str, Any] = plistlib.loads(TEMPLATE.read_bytes())
    data["ProgramArguments"] = _program(unit)
    if unit.log is not None:
        data |= dict.fromkeys(("StandardOutPath", "StandardErrorPath"), str(unit.log))
    if unit.home is not None:
        data["EnvironmentVariables"] = {HOME: unit.home}
    return plistlib.dumps(data)


def _from_plist(content: bytes) -> Unit | None:
    try:
        data = plistlib.loads(content)
    except (ExpatError, ValueError, TypeError, OverflowError):
        return None
    if not isinstance(data, dict):
        return None
    words, named = data.get("ProgramArguments"), data.get("EnvironmentVariables")
    log = data.get("StandardErrorPath")
    home = named.get(HOME) if isinstance(named, dict) else None
    return _unit(words, home, log)


# --- systemd --------------------------------------------------------------------------------------

_ENV = "/usr/bin/env"
"""Starts the interpreter, for systemd takes a program only whose name holds no odd characters."""
_SYSTEMD = """\
# Written by `trimtab service install`; removed by `trimtab service uninstall`.
[Unit]
Description=trimtab, which drafts mail in your voice
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={program}
{environment}Restart=on-failure
RestartSec=30
TimeoutStopSec=20
UMask=0077
# Teaching and training run while nobody waits: they yield to whatever the user does.
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=7

[Install]
WantedBy=default.target
"""


def _systemd(unit: Unit) -> str:
    environment = f"Environment={_quoted(f'{HOME}={unit.home}')}\n" if unit.home else ""
    words = (_quoted(word).replace("$", "$$") for word in _program(unit))
    return _SYSTEMD.format(program=" ".join((_ENV, *words)), environment=environment)


def _quoted(word: str) -> str:
    """A word of a unit: in quotation marks, with C's escapes, and `%` doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.replace("%", "%%")


def _from_systemd(content: bytes) -> Unit | None:
    lines = (line.partition("=") for line in content.decode(errors="replace").splitlines())
    found: Mapping[str, str] = {name: value for name, _, value in lines}
    try:
        words = shlex.split(found.get("ExecStart", "").replace("$$", "$").replace("%%", "%"))
        named = shlex.split(found.get("Environment", "").replace("%%", "%"))
    except ValueError:
        return None
    home = next((w.partition("=")[2] for w in named if w.startswith(f"{HOME}=")), None)
    return _unit(words[1:], home, None) if words[:1] == [_ENV] else None


# --- both -----------------------------------------------------------------------------------------


def _program(unit: Unit) -> list[str]:
    return [str(unit.python), "-P", "-m", "daemon", "service", "run"]


def _unit(words: object, home: object, log: object) -> Unit | None:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    if words[1:] != ["-P", "-m", "daemon", "service", "run"]:
        return None
    return Unit(
        python=Path(words[0]),
        home=home if isinstance(home, str) else None,
        log=Path(log) if isinstance(log, str) else None,
    )
