"""`trimtab service`: what the units say, and what the service managers are told.

The managers are programs that write down what they were called with: none of them runs in a test's
machine. What a unit says is checked by systemd itself where it is installed.
"""

import os
import plistlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import sentence, trimtab
from tools import require

from daemon import service as units
from daemon.commands import service as command
from daemon.config import Paths
from daemon.errors import ServiceRefused, ServiceUnreachable
from daemon.paths import find_paths
from daemon.service import LABEL, State, Unit, platform_service
from mlx_agent.log_lines import bound
from mlx_agent.train.background import BACKGROUND, FOREGROUND, PROCESS, in_background

MAC = platform_service("darwin", Path("/Users/ada"))
LINUX = platform_service("linux", Path("/home/ada"))
ODD = 'a "b" \\c $HOME 100% ü'
A_UNIT = Unit(python=Path("/opt/my env/bin/python"), home=None, log=Path("/logs/service.log"))
PROGRAM = ["/opt/my env/bin/python", "-P", "-m", "daemon", "service", "run"]
ACCOUNT = '[accounts.work]\naddresses = ["ada@field.example"]\n'
LOADED = """\
gui/501/local.trimtab.daemon = {
\tactive count = 1
\tpath = /Users/ada/Library/LaunchAgents/local.trimtab.daemon.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /opt/env/bin/python
\tinherited environment = {
\t\tpid = 1
\t}
\truns = 3
\tpid = 4711
\tlast exit code = 1
}
"""


def plist(unit: Unit) -> dict[str, object]:
    return dict(plistlib.loads(units.text(MAC, unit)))


def test_the_plist_says_when_it_runs_and_how() -> None:
    said = plist(A_UNIT)
    assert (said["Label"], said["ProgramArguments"]) == (LABEL, PROGRAM)
    assert (said["RunAtLoad"], said["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert said["ThrottleInterval"] == 30
    assert said["StandardOutPath"] == said["StandardErrorPath"] == "/logs/service.log"
    assert (said["LowPriorityBackgroundIO"], said["Nice"], said["Umask"]) == (True, 5, 0o077)


def test_a_unit_holds_nothing_of_the_environment_but_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Keys are often in the environment."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    assert "EnvironmentVariables" not in plist(A_UNIT)
    for service in (MAC, LINUX):
        paths = find_paths(str(tmp_path))
        unit = units.wanted(service, paths, sys.executable, str(tmp_path))
        text = units.text(service, unit)
        assert b"secret" not in text
        assert str(tmp_path).encode() in text
    assert plist(unit)["EnvironmentVariables"] == {"TRIMTAB_HOME": str(tmp_path)}


@pytest.mark.parametrize("home", [None, "/home/ada/mail", f"/home/{ODD}"])
@pytest.mark.parametrize("service", [MAC, LINUX], ids=["launchd", "systemd"])
def test_what_a_unit_says_is_read_back(
    service: units.Service, home: str | None, tmp_path: Path
) -> None:
    log = Path("/logs/service.log") if service is MAC else None
    unit = Unit(python=Path(f"/opt/{ODD}/python"), home=home, log=log)
    file = tmp_path / "unit"
    file.write_bytes(units.text(service, unit))
    found = units.installed(units.Service(manager=service.manager, file=file))
    assert found
    assert found.unit == unit
    assert list(units.problems(found, unit, found.text)) == [
        f"/opt/{ODD}/python is gone; `trimtab service install` names the one of today."
    ]


@pytest.mark.parametrize("content", [b"", b"<plist", b"\xff\x00", b"ExecStart='", b"[1]"])
@pytest.mark.parametrize("service", [MAC, LINUX], ids=["launchd", "systemd"])
def test_a_damaged_unit_is_told_and_replaced(
    service: units.Service, content: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "unit"
    file.write_bytes(content)
    found = units.installed(units.Service(manager=service.manager, file=file))
    assert found
    assert found.unit is None
    assert ["something else" in one for one in units.problems(found, A_UNIT, b"")] == [True]
    assert units.changes(found.unit, A_UNIT) == ()


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """Its own verifier reads it, odd names and all."""
    verify = require("systemd-analyze", "systemd")
    unit = Unit(python=tmp_path / ODD / "python", home=f"/home/{ODD}", log=None)
    file = tmp_path / units.UNIT
    file.write_bytes(units.text(LINUX, unit))
    done = subprocess.run(
        [verify, "verify", "--user", "--man=no", file],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, units.UNIT in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("answer", "loaded", "state"),
    [
        (LOADED, True, State(loaded=True, running=True, pid=4711, last_exit=1)),
        ("\tstate = not running\n", True, State(loaded=True, running=False)),
        ("\tlast exit code = (never exited)\n", True, State(loaded=True, running=False)),
        ("\tlast exit code = 78: X\n", True, State(loaded=True, running=False, last_exit=78)),
        ("Could not find service", False, State(loaded=False, running=False)),
    ],
)  # fmt: skip
def test_what_launchctl_prints_is_understood(answer: str, *, loaded: bool, state: State) -> None:
    assert units.print_state(answer, loaded=loaded) == state


def test_what_systemctl_shows_is_understood() -> None:
    runs = "ActiveState=active\nMainPID=12\nExecMainStatus=0\nUnitFileState=enabled\n"
    ended = "ActiveState=activating\nMainPID=0\nExecMainStatus=1\nUnitFileState=enabled\n"
    assert units.show_state(runs) == State(loaded=True, running=True, pid=12)
    assert units.show_state(ended) == State(loaded=True, running=False, last_exit=1)
    assert units.show_state("") == State(loaded=False, running=False)


def test_training_is_in_the_background_on_macos_alone() -> None:
    """And in the foreground again afterwards, however it ended."""
    said: list[tuple[int, int, int]] = []

    def note(*call: int) -> None:
        said.append((call[0], call[1], call[2]))

    with in_background("linux", note):
        pass
    assert said == []
    with pytest.raises(ZeroDivisionError), in_background("darwin", note):
        raise ZeroDivisionError
    assert said == [(PROCESS, 0, BACKGROUND), (PROCESS, 0, FOREGROUND)]


# --- the commands ---------------------------------------------------------------------------------

Manager = Callable[[str, str], Path]


@pytest.fixture
def manager(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Manager:
    """Puts a program first on PATH; its calls are lines of the file that is returned."""
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("user")))

    def make(name: str, script: str) -> Path:
        calls = folder / "calls"
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{script}\n')
        program.chmod(0o700)
        return calls

    return make


@pytest.fixture
def configured(home: Paths) -> Paths:
    home.config.write_text(ACCOUNT, "utf-8")
    return home


def test_install_and_uninstall_on_linux(
    manager: Manager, configured: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = manager("systemctl", "")
    command.install()
    file = units.here().file
    assert calls.read_text().splitlines() == [
        "--user show-environment",
        "--user daemon-reload",
        "--user enable trimtab.service",
        "--user restart trimtab.service",
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    found = units.installed()
    assert found
    assert found.unit == Unit(
        python=Path(sys.executable), home=str(configured.database.parent), log=None
    )
    calls.unlink()
    command.uninstall()
    assert calls.read_text().splitlines() == [
        "--user disable --now trimtab.service",
        "--user daemon-reload",
    ]
    assert units.installed() is None
    command.uninstall()
    assert "no service" in capsys.readouterr().out


def test_install_again_says_what_has_changed(
    manager: Manager,
    configured: Paths,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An update in place, and a home that has moved."""
    manager("systemctl", "echo ActiveState=active; echo UnitFileState=enabled")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/old/bin/python")
        command.install()
    with pytest.raises(SystemExit):
        command.status()
    assert "/old/bin/python is gone" in capsys.readouterr().out
    moved = tmp_path_factory.mktemp("moved")
    (moved / "config.toml").write_text(ACCOUNT)
    monkeypatch.setenv("TRIMTAB_HOME", str(moved))
    with pytest.raises(SystemExit):
        command.status()
    assert f"another home ({configured.database.parent})" in " ".join(
        capsys.readouterr().out.split()
    )
    command.install()
    said = " ".join(capsys.readouterr().out.split())
    assert f"started by {sys.executable} now, no longer by /old/bin/python" in said
    assert f"home is {moved} now, no longer {configured.database.parent}" in said
    command.status()
    assert "trimtab runs" in capsys.readouterr().out


def test_where_systemd_cannot_be_reached_nothing_is_written(
    manager: Manager, configured: Paths
) -> None:
    """A container has no bus; one sentence says what to do."""
    manager("systemctl", "echo Failed to connect to bus: No medium found >&2; exit 1")
    with pytest.raises(ServiceUnreachable) as raised:
        command.install()
    assert raised.value.reason == "Failed to connect to bus: No medium found"
    assert units.installed() is None
    said = sentence(trimtab("service", "install", home=configured.database.parent, code=1))
    assert "let what starts its programs start `trimtab run`" in said


def test_install_and_status_on_macos(
    manager: Manager,
    configured: Paths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As launchctl would be called; bootstrap is tried again while the old service is ending."""
    monkeypatch.setattr(units, "here", lambda: platform_service("darwin"))
    monkeypatch.setattr(command, "PAUSE_S", 0.0)
    domain = f"gui/{os.getuid()}"
    calls = manager("launchctl", "")
    busy = f"[ $1 = bootstrap ] && [ $(grep -c bootstrap {calls}) -lt 3 ] && exit 5"
    manager("launchctl", f"{busy}\ncat <<'END'\n{LOADED}END")
    command.install()
    file = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    tries = [f"bootstrap {domain} {file}"] * 3
    assert calls.read_text().splitlines() == [
        f"print {domain}",
        f"bootout {domain}/{LABEL}",
        f"enable {domain}/{LABEL}",
        *tries,
    ]
    assert plistlib.loads(file.read_bytes())["ProgramArguments"][0] == sys.executable
    command.status()
    assert "trimtab runs as process 4711" in capsys.readouterr().out
    command.uninstall()
    assert not file.exists()


def test_a_manager_that_refuses_is_quoted(
    manager: Manager, configured: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager("systemctl", '[ $2 = restart ] && { echo "Unit is masked." >&2; exit 1; }; exit 0')
    with pytest.raises(ServiceRefused) as raised:
        command.install()
    assert raised.value.reason == "Unit is masked"


def test_without_a_config_no_service_is_installed(manager: Manager, home: Paths) -> None:
    """It would start, fail, and start again."""
    calls = manager("systemctl", "")
    said = sentence(trimtab("service", "install", home=home.database.parent, code=1))
    assert "trimtab init" in said
    assert not calls.exists()


def test_the_log_of_the_manager_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"x" * 1_000_001)
    with log.open("ab") as opened:
        bound(opened.fileno())
        opened.write(b"new")
    assert log.read_bytes() == b"new"


def test_what_the_unit_starts_is_the_daemon(home: Paths) -> None:
    """Word for word, from another directory: without a config it ends with its one sentence."""
    service = platform_service("linux")
    unit = units.wanted(service, home, sys.executable, None)
    done = subprocess.run(
        units._program(unit), cwd="/", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "trimtab init" in done.stderr
