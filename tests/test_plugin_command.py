"""`trimtab plugin`: what it writes for Thunderbird, what it leaves alone, what it finds wrong."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from command import sentence, trimtab
from host_process import hosting
from hypothesis import given
from hypothesis import strategies as st
from running_daemon import Running, running
from tools import free_port

from daemon.api.token import load_token
from daemon.commands import plugin
from daemon.config import Config, Paths
from daemon.errors import ExtensionMissing, FileForeign, FileRefused, PortMissing, TokenMissing
from daemon.lock import HomeLock
from daemon.paths import find_paths
from daemon.plugin_files import (
    EXTENSION,
    Start,
    archive,
    is_our_manifest,
    is_our_storage,
    launcher,
    places,
    started_by,
)

WriteConfig = Callable[[str], Config]
ACCOUNT = '[accounts.work]\naddresses = ["ada@field.example"]\n'
FILES = {
    "manifest.json": "{}",
    "window/window.html": "<!doctype html>",
    "window/latest.test.txt": "for tests",
    "_locales/en/messages.json": "{}",
    "tests/pure.test.mjs": "for tests",
    ".eslintrc": "hidden",
    ".hidden/file": "hidden",
}
PACKED = ["_locales/en/messages.json", "manifest.json", "window/window.html"]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extension's files, in another place each time."""
    return an_extension(tmp_path_factory.mktemp("extension"))


@pytest.fixture
def user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throwaway HOME."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """The JSON that was printed."""
    return lambda: json.loads(capsys.readouterr().out)


def an_extension(folder: Path, files: dict[str, str] = FILES) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def all_files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def mode(path: str | Path) -> int:
    return Path(path).stat().st_mode & 0o777


# --- install -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "manifest"),
    [
        ("linux", ".mozilla/native-messaging-hosts/trimtab.json"),
        ("darwin", "Library/Mozilla/NativeMessagingHosts/trimtab.json"),
    ],
)
def test_the_manifest_is_where_thunderbird_looks(
    home: Paths, user: Path, folder: Path, *, said: Callable[[], Any], platform: str, manifest: str
) -> None:
    """It names a launcher of the user's alone, and lets our extension start it, and no other."""
    plugin.install(http=False, as_json=True, folder=folder, platform=platform)
    written = said()
    assert written == {
        "manifest": str(user / manifest),
        "launcher": str(home.plugin / "native-host"),
        "package": str(home.plugin / "trimtab.xpi"),
        "storage": [],
    }
    assert all_files(user) == {manifest}
    assert json.loads((user / manifest).read_text("utf-8")) | {"description": ""} == {
        "name": "trimtab",
        "description": "",
        "path": written["launcher"],
        "type": "stdio",
        "allowed_extensions": ["plugin@trimtab.local"],
    }
    assert mode(written["launcher"]) == 0o700
    assert Path(written["launcher"]).read_text("utf-8").startswith("#!/bin/sh\nexec /")


def test_it_says_how_to_install_the_package(
    home: Paths, user: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line is the path alone, to be copied."""
    plugin.install(http=False, as_json=False, folder=folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("In Thunderbird: Add-ons Manager, the gear, Install Add-on From")
    assert Path(lines[-1].strip()) == home.plugin / "trimtab.xpi"
    assert str(user) in lines[0]


async def test_the_launcher_starts_the_host(running_home: Running, user: Path) -> None:
    """As Thunderbird starts it: two arguments, and an environment without a PATH of the user's."""
    launcher_path = running_home.paths.plugin / "native-host"
    async with hosting(Path("/unused"), ["/usr/bin/env", "-i", launcher_path]) as host:
        answer = await host.answer("1", "GET", "/v1/health")
    assert answer == {"status": 200, "data": {"api": 1, "ready": True}}


def test_an_installation_is_renewed(home: Paths, user: Path, folder: Path) -> None:
    """A second one writes the same files anew; nothing else is left beside them."""
    plugin.install(http=False, as_json=False, folder=folder)
    (home.plugin / "native-host").write_text("broken")
    before = all_files(user) | all_files(home.plugin)
    plugin.install(http=False, as_json=False, folder=folder)
    assert all_files(user) | all_files(home.plugin) == before
    assert started_by((home.plugin / "native-host").read_text("utf-8")) is not None


@pytest.mark.parametrize("text", ['{"name": "trimtab", "path": "/bin/other"}', "{", "", "[" * 9999])
def test_a_file_of_another_program_stays(
    home: Paths, user: Path, folder: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written at all, and removing leaves it, too."""
    where = places(home, user, sys.platform).manifest
    where.parent.mkdir(parents=True)
    where.write_text(text)
    with pytest.raises(FileForeign) as caught:
        plugin.install(http=False, as_json=False, folder=folder)
    assert caught.value.path == where
    plugin.uninstall(as_json=False)
    assert "another program's" in capsys.readouterr().out
    assert where.read_text() == text
    assert not home.plugin.exists()


def test_a_directory_that_takes_no_file_is_told(home: Paths, user: Path, folder: Path) -> None:
    """By the path, and the system's reason."""
    (user / ".mozilla").write_text("a file")
    with pytest.raises(FileRefused) as caught:
        plugin.install(http=False, as_json=False, folder=folder, platform="linux")
    assert caught.value.reason == "Not a directory"


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(
    home: Paths, user: Path, folder: Path
) -> None:
    """And no manifest, which is written last."""
    (home.plugin / "native-host").mkdir(parents=True)
    with pytest.raises(FileRefused) as caught:
        plugin.install(http=False, as_json=False, folder=folder)
    assert caught.value.path == home.plugin / "native-host"
    assert all_files(user) | all_files(home.plugin) == {"trimtab.xpi"}


def test_an_installation_without_the_extension_is_told(home: Paths, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(ExtensionMissing):
        plugin.install(http=False, as_json=False, folder=tmp_path / "nowhere")
    assert not home.plugin.exists()


# --- for a Thunderbird in a sandbox --------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "storage"),
    [
        ("linux", ".mozilla/managed-storage/plugin@trimtab.local.json"),
        ("darwin", "Library/Mozilla/ManagedStorage/plugin@trimtab.local.json"),
    ],
)
def test_the_port_and_the_token_are_for_the_extension_alone(
    home: Paths, user: Path, folder: Path, *, write_config: WriteConfig, platform: str, storage: str
) -> None:
    """In a file that the user alone can read; the token is the daemon's."""
    port = free_port()
    write_config(f"{ACCOUNT}[api]\nport = {port}\n")
    plugin.install(http=True, as_json=False, folder=folder, platform=platform)
    data = json.loads((user / storage).read_text("utf-8"))
    assert (data["name"], data["type"]) == (EXTENSION, "storage")
    assert data["data"] == {"port": port, "token": load_token(home.token)}
    assert mode(user / storage) == 0o600


def test_a_snap_gets_them_in_its_own_home(
    home: Paths, user: Path, folder: Path, write_config: WriteConfig, said: Callable[[], Any]
) -> None:
    """It sees no other."""
    write_config(f"{ACCOUNT}[api]\nport = {free_port()}\n")
    (user / "snap" / "thunderbird" / "common").mkdir(parents=True)
    plugin.install(http=True, as_json=True, folder=folder, platform="linux")
    first, second = (Path(path) for path in said()["storage"])
    assert first.read_text("utf-8") == second.read_text("utf-8")
    assert second.is_relative_to(user / "snap" / "thunderbird" / "common" / ".mozilla")


def test_without_a_port_there_is_none_to_give(
    home: Paths, user: Path, folder: Path, write_config: WriteConfig
) -> None:
    """Nothing is written."""
    write_config(ACCOUNT)
    with pytest.raises(PortMissing):
        plugin.install(http=True, as_json=False, folder=folder)
    assert all_files(user) == set()


def test_a_daemon_that_runs_without_a_token_is_to_be_restarted(
    home: Paths, user: Path, folder: Path, write_config: WriteConfig
) -> None:
    """It alone may make one; one that it has made is taken."""
    write_config(f"{ACCOUNT}[api]\nport = {free_port()}\n")
    with HomeLock(home.lock):
        with pytest.raises(TokenMissing):
            plugin.install(http=True, as_json=False, folder=folder)
        token = load_token(home.token)
        plugin.install(http=True, as_json=False, folder=folder)
    assert token in places(home, user, sys.platform).storage[0].read_text("utf-8")


def test_a_storage_of_another_program_stays(
    home: Paths, user: Path, folder: Path, write_config: WriteConfig
) -> None:
    """It is not looked at where no port is asked for."""
    write_config(f"{ACCOUNT}[api]\nport = {free_port()}\n")
    where = places(home, user, sys.platform).storage[0]
    where.parent.mkdir(parents=True)
    where.write_text("{}")
    with pytest.raises(FileForeign):
        plugin.install(http=True, as_json=False, folder=folder)
    plugin.install(http=False, as_json=False, folder=folder)
    assert where.read_text() == "{}"


# --- uninstall -----------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_all_of_it_goes_and_a_second_time_is_harmless(
    home: Paths,
    user: Path,
    folder: Path,
    *,
    write_config: WriteConfig,
    said: Callable[[], Any],
    platform: str,
) -> None:
    """The token stays, which is the daemon's."""
    write_config(f"{ACCOUNT}[api]\nport = {free_port()}\n")
    plugin.install(http=True, as_json=True, folder=folder, platform=platform)
    written = said()
    paths = [written["manifest"], *written["storage"], written["launcher"], written["package"]]
    plugin.uninstall(as_json=True, platform=platform)
    assert said() == {"removed": paths, "left": []}
    assert all_files(user) == set()
    assert not home.plugin.exists()
    assert home.token.exists()
    plugin.uninstall(as_json=True, platform=platform)
    assert said() == {"removed": [], "left": []}


def test_a_file_of_the_users_beside_it_stays(home: Paths, user: Path, folder: Path) -> None:
    """The directory stays with it."""
    plugin.install(http=False, as_json=False, folder=folder)
    (home.plugin / "mine").write_text("a file")
    plugin.uninstall(as_json=False)
    assert all_files(home.plugin) == {"mine"}


# --- build ---------------------------------------------------------------------------------------


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    """Whenever and in what order they were written, with what modes; tests are left out."""
    one = an_extension(tmp_path / "one")
    other = an_extension(tmp_path / "other", dict(reversed(FILES.items())))
    (other / "manifest.json").chmod(0o755)
    (other / "window" / "window.html").touch()
    assert plugin.packed(one) == plugin.packed(other)
    (other / "manifest.json").write_text('{"version": "2"}')
    assert plugin.packed(one) != plugin.packed(other)


def test_the_package_holds_what_thunderbird_needs(
    home: Paths, folder: Path, tmp_path: Path, said: Callable[[], Any]
) -> None:
    """As a zip that others can read."""
    plugin.build(tmp_path / "new" / "it.xpi", as_json=True, folder=folder)
    with zipfile.ZipFile(said()["package"]) as package:
        assert package.testzip() is None
        assert package.namelist() == PACKED
        assert package.read("window/window.html") == b"<!doctype html>"
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_package_is_known_by_its_bytes() -> None:
    """It is the same on every machine: this is what it was on the first."""
    names = ("b/a.js", "a.js", "manifest.json")
    packed = archive({PurePosixPath(name): name.encode() for name in names})
    assert (
        hashlib.sha256(packed).hexdigest()
        == "8401c3b3040794a45de98629e5d4e8411096ed1c867e8868889deb9c808d0004"
    )


# --- doctor --------------------------------------------------------------------------------------


@pytest.fixture
def running_home(user: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A daemon with a port, and the plugin installed for it."""
    with running(ACCOUNT) as daemon:
        monkeypatch.setenv("TRIMTAB_HOME", str(daemon.paths.config.parent))
        plugin.install(http=True, as_json=False, folder=folder)
        yield daemon


@pytest.fixture
def diagnose(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, str]]:
    """What the doctor finds wrong, by piece; that its exit code says so."""

    def diagnose() -> dict[str, str]:
        capsys.readouterr()
        code = 0
        try:
            plugin.doctor(as_json=True, folder=folder)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 2
        found = json.loads(capsys.readouterr().out)
        wrong = {check["piece"]: check["said"] for check in found if check["state"] == "wrong"}
        assert code == bool(wrong)
        return wrong

    return diagnose


def test_all_is_well(
    running_home: Running, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each piece; the daemon was asked through the host."""
    capsys.readouterr()
    plugin.doctor(as_json=False, folder=folder)
    lines = capsys.readouterr().out.splitlines()
    pieces = ["manifest", "extension", "launcher", "daemon", "package", "storage"]
    assert [line.split()[:2] for line in lines] == [["ok", piece] for piece in pieces]


def test_a_home_without_anything_is_told_to_install(
    home: Paths, user: Path, diagnose: Callable[[], dict[str, str]]
) -> None:
    """Of what would hang on it nothing is said."""
    wrong = diagnose()
    assert wrong.keys() == {"manifest", "package"}
    assert all("run `trimtab plugin install`" in said for said in wrong.values())


def test_what_is_broken_is_named(
    running_home: Running, user: Path, folder: Path, diagnose: Callable[[], dict[str, str]]
) -> None:
    """One fault after another, each mended before the next."""
    where = places(running_home.paths, user, sys.platform)
    manifest = json.loads(where.manifest.read_text("utf-8"))
    script = where.launcher.read_text("utf-8")
    start = started_by(script)
    assert start is not None
    stranger = {"allowed_extensions": ["other@elsewhere"]}
    gone = Start(python=Path("/gone/python"), host=start.host, socket=start.socket)
    astray = Start(python=start.python, host=start.host, socket=Path("/other/s"))
    no_host = Start(python=start.python, host=Path("/gone/host.py"), socket=start.socket)
    storage = where.storage[0].read_text("utf-8")
    for path, broken, piece, words in [
        (where.manifest, "{", "manifest", "is not trimtab's"),
        (where.manifest, json.dumps(manifest | {"type": "x"}), "manifest", "is not trimtab's"),
        (where.manifest, json.dumps(manifest | {"path": 1}), "manifest", "names no program"),
        (where.manifest, json.dumps(manifest | stranger), "extension", f"allow {EXTENSION}"),
        (where.manifest, json.dumps(manifest | {"path": "/no"}), "launcher", "is not there"),
        (where.launcher, "#!/bin/sh\n", "launcher", "is not what it was"),
        (where.launcher, launcher(astray), "launcher", "another home"),
        (where.launcher, launcher(gone), "launcher", "/gone/python, is gone"),
        (where.launcher, launcher(no_host), "daemon", "ended without an answer"),
        (where.package, "old", "package", "of another version"),
        (where.storage[0], storage.replace("token", "tokem"), "storage", "install --http`"),
    ]:
        good = path.read_bytes()
        path.write_text(broken, "utf-8")
        wrong = diagnose()
        assert wrong.keys() == {piece}, broken
        assert words in wrong[piece]
        path.write_bytes(good)
    where.launcher.chmod(0o600)
    assert diagnose().keys() == {"launcher"}
    where.launcher.chmod(0o700)
    assert diagnose() == {}
    running_home.end()
    assert "start it with `trimtab run`" in diagnose()["daemon"]
    running_home.paths.config.write_text(ACCOUNT)
    assert "api.port in the config names none" in diagnose()["storage"]


def test_a_thunderbird_in_a_sandbox_is_noticed(
    home: Paths, user: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a note: there may be another one."""
    (user / ".var" / "app" / "org.mozilla.Thunderbird").mkdir(parents=True)
    (user / "snap" / "thunderbird" / "common").mkdir(parents=True)
    with pytest.raises(SystemExit):
        plugin.doctor(as_json=False, folder=folder)
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")]
    assert ["Flatpak" in notes[0], "Snap" in notes[1]] == [True, True]


# --- the pure parts ------------------------------------------------------------------------------

PATHS = st.text(min_size=1, max_size=40).map(lambda text: Path("/" + text.replace("\0", "")))


@given(PATHS, PATHS, PATHS)
def test_a_launcher_can_be_read_back(python: Path, host: Path, socket: Path) -> None:
    """Whatever signs are in the paths."""
    start = Start(python=python, host=host, socket=socket)
    assert started_by(launcher(start)) == start


def test_a_shell_reads_it_the_same_way(tmp_path: Path) -> None:
    """Spaces, quotes and dollars in every path; the last two arguments are Thunderbird's."""
    odd = tmp_path / 'it\'s a "$HOME" `dir`'
    odd.mkdir()
    python = odd / "python"
    python.symlink_to("/bin/echo")
    script = odd / "start"
    script.write_text(launcher(Start(python=python, host=odd / "h.py", socket=odd / "s")))
    script.chmod(0o700)
    done = subprocess.run([script, "m n", "id"], capture_output=True, text=True, check=True)
    assert done.stdout == f"-I -S {odd / 'h.py'} --socket {odd / 's'} m n id\n"


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_other_json_is_another_programs(data: Any) -> None:
    """Nothing is ours by accident, and nothing makes us stumble."""
    for text in (json.dumps(data), json.dumps({"name": "trimtab", "allowed_extensions": data})):
        assert not is_our_manifest(text)
        assert not is_our_storage(text)


# --- the command ---------------------------------------------------------------------------------


def test_the_extension_is_built_and_installed_by_the_command(user: Path, tmp_path: Path) -> None:
    """Twice the same bytes, whose manifest has the identifier that the host allows."""
    home = tmp_path / "home"
    first = json.loads(trimtab("plugin", "build", "--json", home=home).stdout)["package"]
    trimtab("plugin", "build", "--to", tmp_path / "again.xpi", home=home)
    assert Path(first).read_bytes() == (tmp_path / "again.xpi").read_bytes()
    with zipfile.ZipFile(first) as package:
        manifest = json.loads(package.read("manifest.json"))
        assert not [name for name in package.namelist() if "test" in name]
    assert manifest["browser_specific_settings"]["gecko"]["id"] == EXTENSION
    trimtab("plugin", "install", home=home)
    found = trimtab("plugin", "doctor", home=home, code=1)
    assert "daemon     No daemon answers at" in found.stdout
    assert found.stderr == ""
    trimtab("plugin", "uninstall", home=home)
    assert all_files(user) == set()


def test_what_is_in_the_way_is_told_in_one_sentence(user: Path, tmp_path: Path) -> None:
    """With exit code 1."""
    home = tmp_path / "home"
    where = places(find_paths(str(home)), user, sys.platform)
    assert "trimtab init" in sentence(trimtab("plugin", "install", "--http", home=home, code=1))
    where.manifest.parent.mkdir(parents=True)
    where.manifest.write_text("{}")
    assert sentence(trimtab("plugin", "install", home=home, code=1)) == (
        f"{where.manifest} is another program's, and was left as it is; move it away and try again."
    )
    shutil.rmtree(where.manifest.parent)
    where.manifest.parent.write_text("")
    assert "cannot be changed" in sentence(trimtab("plugin", "install", home=home, code=1))
