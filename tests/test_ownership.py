"""What is the user's to take along or to remove: export, backup, restore and uninstall."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import sentence, trimtab
from hypothesis import given
from hypothesis import strategies as st
from keychains import InMemory, Locked
from running_daemon import a_home, running, started, wait_until_ready
from store_samples import an_adapter
from test_forget import fill

from daemon import ownership
from daemon.commands import backup as backups
from daemon.commands.uninstall import uninstall
from daemon.config import Paths
from daemon.errors import (
    BackupUnreadable,
    FileForeign,
    FolderTaken,
    HomeInUse,
    KeychainMissing,
    StoreTooNew,
)
from daemon.lock import HomeLock
from daemon.paths import find_paths, make_directories
from daemon.store import mail
from daemon.store.database import Database
from mlx_agent import adapters

CONFIG = """
[accounts.work]
name = "Ada Lindqvist"
addresses = ["ada@lindqvist-arkitekter.example"]
[accounts.work.imap]
host = "127.0.0.1"
port = 1
security = "plain"
user = "ada"
password = "hunter2"
[large.claude]
provider = "anthropic"
model = "claude-sonnet-5-5"
key_command = "echo sk-secret"
"""
MBOX = Path(__file__).parent.parent / "daemon" / "sample"


def listing(root: Path) -> dict[str, str]:
    """Every directory and file under a home, with what is in it."""
    return {
        str(path.relative_to(root)): "" if path.is_dir() else path.read_text("utf-8", "replace")
        for path in root.rglob("*")
    }


def modes(folder: Path) -> dict[str, int]:
    """The files of a folder, each with who may read it."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def filled(paths: Paths) -> None:
    """Mails with all that can be made of them, an agent in use, and a data set."""
    make_directories(paths)
    paths.config.write_text(CONFIG, "utf-8")
    database = await Database.open(paths.database)
    await database.write(fill)
    await database.close()
    adapters.save(paths.adapters, an_adapter(1), lambda path: path.joinpath("w").write_text("w"))
    adapters.promote(paths.adapters, "work", "adapter-1")
    (paths.datasets / "d").mkdir()
    (paths.datasets / "d" / "train.jsonl").write_text("{}\n")


# --- export ---------------------------------------------------------------------------------------


async def test_an_export_is_whole_and_readable(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each row of each table that tells of the user, and no secret."""
    await filled(home)
    folder = tmp_path_factory.mktemp("out") / "mine"
    done = trimtab("export", folder, "--json", home=home.database.parent)
    counts = json.loads(done.stdout)["rows"]
    assert (counts["mail"], counts["lesson"], counts["draft"], counts["edit"]) == (3, 3, 3, 4)
    rows = [json.loads(line) for line in (folder / "mail.jsonl").read_text("utf-8").splitlines()]
    assert "zwetschgenkuchen" in {word for row in rows for word in row["own_text"].split()}
    assert rows[0]["sender"] == {"name": "Ada Lindqvist", "address": "ada@field.example"}
    text = "".join(path.read_text("utf-8") for path in folder.iterdir())
    assert "hunter2" not in text
    assert "sk-secret" not in text
    said = (folder / "README.txt").read_text("utf-8")
    assert [name for name in counts if name not in said] == []
    assert set(modes(folder).values()) == {0o600}
    assert modes(folder.parent)["mine"] == 0o700


def test_an_export_writes_over_nothing(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home.config.write_text(CONFIG, "utf-8")
    folder = tmp_path_factory.mktemp("mine")
    (folder / "thesis").touch()
    said = sentence(trimtab("export", folder, home=home.database.parent, code=1))
    assert "is not empty" in said
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".mine")] == []


@given(key=st.sampled_from(["password", "key", "key_command"]), value=st.text(min_size=1))
def test_no_secret_is_left_however_deep(key: str, value: str) -> None:
    data = {"accounts": {"work": [{"imap": {key: value, "host": "h"}}]}}
    cleaned = ownership.without_secrets(data)
    assert cleaned["accounts"]["work"][0]["imap"] == {key: ownership.LEFT_OUT, "host": "h"}


# --- backup and restore ---------------------------------------------------------------------------


def test_a_backup_of_a_running_home_is_restored_elsewhere(tmp_path: Path) -> None:
    """The daemon runs while it is made, and another one on the restored home."""
    file = tmp_path / "b.tar.gz"
    with a_home() as root:
        trimtab("import", _mbox(tmp_path), home=root)
        with started(root) as daemon:
            wait_until_ready(daemon)
            trimtab("backup", file, home=root)
            assert daemon.process.poll() is None
            before = _mails(daemon.paths)
    assert modes(tmp_path)["b.tar.gz"] == 0o600
    assert [name for name in modes(tmp_path) if name.startswith(".")] == []
    assert before > 10
    with running(tcp=False) as other:
        said = sentence(
            trimtab("restore", file, "--force", home=other.paths.database.parent, code=1)
        )
        assert "Another trimtab is running" in said
    new = tmp_path / "new"
    trimtab("restore", file, home=new)
    assert _mails(find_paths(str(new))) == before
    found = modes(new)
    assert (found["config.toml"], found["trimtab.db"], found["adapters"]) == (0o600, 0o600, 0o700)
    assert [name for name in found if name.startswith(".")] == []
    drafted = trimtab("draft", "--to", "ben@yard.example", home=new, stdin="- I come on Tuesday\n")
    assert "Tuesday" in drafted.stdout


def _mbox(folder: Path) -> Path:
    packed = MBOX / "ada.mbox.gz"
    path = folder / "sent.mbox"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def _mails(paths: Paths) -> int:
    done = trimtab("export", paths.database.parent / "all", "--json", home=paths.database.parent)
    shutil.rmtree(paths.database.parent / "all")
    return int(json.loads(done.stdout)["rows"]["mail"])


async def test_agents_and_data_sets_come_back_and_the_old_stay_aside(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await filled(home)
    file = tmp_path_factory.mktemp("out") / "b.tar.gz"
    await backups.backup(file, as_json=True)
    assert list(home.adapters.glob(".*")) == []
    before = await _all_mails(home)
    home.config.write_text(CONFIG + "# changed\n", "utf-8")
    adapters.remove(home.adapters, "work", {"adapter-1"})
    with pytest.raises(FolderTaken):
        await backups.restore(file, force=False, as_json=True)
    await backups.restore(file, force=True, as_json=True)
    assert home.config.read_text("utf-8") == CONFIG
    assert adapters.verify(home.adapters, "adapter-1") == an_adapter(1)
    assert adapters.current(home.adapters, "work") == "adapter-1"
    assert (home.datasets / "d" / "train.jsonl").read_text() == "{}\n"
    assert await _all_mails(home) == before
    root = home.database.parent
    (aside,) = root.parent.glob(f"{root.name}.aside-*")
    assert (aside / "config.toml").read_text("utf-8").endswith("# changed\n")
    assert list(root.glob(".restore*")) == []
    shutil.rmtree(aside)


async def _all_mails(paths: Paths) -> list[str]:
    database = await Database.open(paths.database)
    found = await database.read(mail.mails, "work")
    await database.close()
    return [one.own_text for one in found]


async def test_a_backup_goes_over_a_backup_only(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await filled(home)
    thesis = tmp_path_factory.mktemp("out") / "thesis.tar.gz"
    thesis.write_text("years")
    with pytest.raises(FileForeign):
        await backups.backup(thesis, as_json=True)
    assert thesis.read_text() == "years"
    thesis.unlink()
    await backups.backup(thesis, as_json=True)
    await backups.backup(thesis, as_json=True)
    assert backups._is_backup(thesis)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that is not there yet; whatever a test does, nothing of it comes into being."""
    root = tmp_path / "empty"
    monkeypatch.setenv("TRIMTAB_HOME", str(root))
    yield root
    parts = ownership.kept(find_paths(str(root))).values()
    assert [part for part in parts if backups._holds(part)] == []
    assert list(root.glob(".restore*")) == []


def packed(file: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz") as target:
        for name, content in ((ownership.ABOUT, b"{}"), *members):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return file


@pytest.mark.parametrize(
    "name", ["../../evil", "/evil", "adapters/../../evil", "other", "run/token", "."]
)
async def test_a_backup_cannot_write_elsewhere(name: str, empty: Path, tmp_path: Path) -> None:
    """It may come from anybody."""
    file = packed(tmp_path / "b", ("config.toml", b""), ("trimtab.db", b""), (name, b"evil"))
    with pytest.raises(BackupUnreadable):
        await backups.restore(file, force=False, as_json=True)
    assert "evil" not in listing(tmp_path).values()


async def test_a_link_in_a_backup_is_refused(empty: Path, tmp_path: Path) -> None:
    file = tmp_path / "b"
    with tarfile.open(file, "w:gz") as target:
        target.addfile(tarfile.TarInfo(ownership.ABOUT))
        link = tarfile.TarInfo("adapters")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        target.addfile(link)
    with pytest.raises(BackupUnreadable):
        await backups.restore(file, force=False, as_json=True)


async def test_what_is_no_backup_or_a_damaged_one_is_refused(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    source = find_paths(str(tmp_path / "source"))
    await filled(source)
    with monkeypatch.context() as patch:
        patch.setenv("TRIMTAB_HOME", str(tmp_path / "source"))
        await backups.backup(whole, as_json=True)
    content = whole.read_bytes()
    cut, turned = tmp_path / "cut", tmp_path / "turned"
    cut.write_bytes(content[: len(content) // 2])
    middle = len(content) // 2
    turned.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    text = tmp_path / "text"
    text.write_text("no backup")
    bare = packed(tmp_path / "bare")
    newer = tmp_path / "newer.db"
    shutil.copy(source.database, newer)
    database = await Database.open(newer)
    await database.write(lambda c: c.execute("INSERT INTO migration VALUES (99, '')").close())
    await database.close()
    late = packed(tmp_path / "late", ("config.toml", b""), ("trimtab.db", newer.read_bytes()))
    for file in (cut, turned, text, bare, tmp_path / "no-such"):
        with pytest.raises(BackupUnreadable):
            await backups.restore(file, force=False, as_json=True)
    with pytest.raises(StoreTooNew):
        await backups.restore(late, force=False, as_json=True)


async def test_a_home_that_is_held_is_not_restored(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = packed(tmp_path_factory.mktemp("out") / "b")
    with HomeLock(home.lock), pytest.raises(HomeInUse):
        await backups.restore(file, force=False, as_json=True)


# --- uninstall ------------------------------------------------------------------------------------


@pytest.fixture
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with something in it, and the programs that a service needs."""
    root = tmp_path_factory.mktemp("user")
    (root / "Documents").mkdir()
    (root / "Documents" / "thesis").write_text("years")
    (root / ".config" / "other").mkdir(parents=True)
    return root


@pytest.mark.parametrize("own_home", [None, "mail/trimtab"], ids=["platform", "TRIMTAB_HOME"])
def test_nothing_stays(user: Path, own_home: str | None, tmp_path: Path) -> None:
    """From init to a daemon that runs: the user's home is as it was before, to every file."""
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    program.chmod(0o700)
    kept = {"PYTHON_KEYRING_BACKEND": "keychains.InFile", "TEST_KEYCHAIN": str(tmp_path / "keys")}
    tests = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    environment = (
        {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "TRIMTAB_"))
        }
        | kept
        | {"HOME": str(user), "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": tests}
    )
    if own_home:
        environment["TRIMTAB_HOME"] = str(user / own_home)
    before = listing(user)

    def call(*words: str | Path, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "daemon", *map(str, words)],
            cwd=Path(__file__).parent.parent,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ours = ("--address", "ada@lindqvist-arkitekter.example", "--name", "Ada Lindqvist")
    call("init", *ours, "--password-env", "NONE", "--no-check", "--yes")
    call("import", _mbox(tmp_path))
    call("key", "claude", stdin="sk-secret\n")
    call("plugin", "install")
    call("service", "install")
    call("teach", "--limit", "3")
    call("draft", "--to", "kim@yard.example", stdin="- the boat is ready\n")
    call("backup", tmp_path / "b.tar.gz")
    daemon = subprocess.Popen(
        [sys.executable, "-m", "daemon", "run"],
        cwd=Path(__file__).parent.parent,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not json.loads(call("status", "--json"))["daemon"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert len(list(user.rglob("*"))) > len(before) + 10
    assert json.loads((tmp_path / "keys").read_text()) != {}
    said = call("uninstall", stdin="y\n")
    assert daemon.wait(60) == 0
    assert listing(user) == before, said
    assert json.loads((tmp_path / "keys").read_text()) == {}
    assert "--user disable --now trimtab.service" in (tmp_path / "calls").read_text()


def test_a_daemon_that_runs_is_ended_first(monkeypatch: pytest.MonkeyPatch, user: Path) -> None:
    """As Ctrl-C would."""
    monkeypatch.setenv("HOME", str(user))
    with running(tcp=False) as daemon:
        root = daemon.paths.database.parent
        done = trimtab(
            "uninstall", "--yes", home=root, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring"
        )
        assert daemon.process.wait(60) == 0
        assert {path.name for path in root.iterdir()} == {"said"}
        assert "more in it than trimtab's" in " ".join(done.stdout.split())


@pytest.mark.parametrize("keychain", [Locked], indirect=True)
async def test_a_locked_keychain_keeps_everything(
    home: Paths, keychain: InMemory, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nobody would know any more what is in it."""
    monkeypatch.setenv("HOME", str(user))
    await filled(home)
    with pytest.raises(KeychainMissing):
        uninstall(yes=True)
    assert home.database.exists()


async def test_only_yes_uninstalls(home: Paths) -> None:
    await filled(home)
    for answer in ("n\n", ""):
        trimtab("uninstall", home=home.database.parent, stdin=answer, code=1)
    assert home.database.exists()
