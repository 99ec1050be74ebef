"""`trimtab doctor`: each planted fault is found by name, with what mends it.

A healthy home has none. Against a real Dovecot, real certificates, a real daemon, and a store that
was really damaged.
"""

import asyncio
import json
import os
import socket
import sqlite3
import stat
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from command import trimtab
from conftest import account_toml
from dovecot_server import Dovecot, running_dovecot
from keychains import Locked
from running_daemon import running
from small_disks import small_disk
from smtp_server import running_smtp
from tls_front import ADDRESS, make_certificate, tls_front
from tools import free_port

from daemon.commands import doctor
from daemon.config import Imap, Paths, Train, find_paths, make_directories
from daemon.doctor import home as at_home
from daemon.doctor import mail, models
from daemon.doctor import running as at_work
from daemon.doctor.findings import Finding, examine, of_error, ok
from daemon.errors import FileRefused, ServerUnreachable
from daemon.mailbox.quota import Quota
from daemon.store.database import Database
from mlx_agent import offers
from mlx_agent.room import Machine

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ACCOUNT = '[accounts.work]\nname = "Ada Field"\naddresses = ["ada@field.example"]\n'
GOOD = {"ok", "skipped"}
Found = Callable[..., list[Finding]]


@pytest.fixture(autouse=True)
def user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throwaway HOME, and no models but the one that ships with trimtab."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setattr(at_work, "synchronised", lambda: None)
    return home


@pytest.fixture
def found(home: Paths, monkeypatch: pytest.MonkeyPatch) -> Found:
    """What is found in the home with this config; without the worker, which takes seconds."""
    monkeypatch.delitem(doctor.LOOKS, "mlx")

    def look(config: str | None = ACCOUNT, *, offline: bool = True) -> list[Finding]:
        if config is not None:
            write(home, config)
        scene = doctor.scene_of(home)
        return examine(doctor.all_looks(scene, offline=offline), scene)

    return look


def write(home: Paths, config: str) -> None:
    home.config.write_text(config, "utf-8")
    home.config.chmod(0o600)


def the(findings: list[Finding], check: str, state: str) -> Finding:
    """The one finding of that check in that state; all others of other checks are good."""
    return next(
        (one for one in findings if one.check == check and one.state == state),
        Finding(check=str(findings), state="ok", what=""),
    )


def bad(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.state for one in findings if one.state not in GOOD}


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.mlx
async def test_a_healthy_home_has_no_finding(home: Paths, dovecot: Dovecot, user: str) -> None:
    """As the command says it, by the network, and nothing is written."""
    await (await Database.open(home.database)).close()
    config = account_toml("work", "ada@field.example", dovecot.port, "u1", password="")
    write(home, f'{config}password_env = "THE_PASSWORD"\n')
    before = listing(home.config.parent)
    done = trimtab("doctor", THE_PASSWORD="secret")
    assert "Nothing is wrong." in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    said = json.loads(trimtab("doctor", "--json", THE_PASSWORD="secret").stdout)
    assert {one["state"] for one in said} == GOOD
    checks = {one["check"] for one in said}
    assert {"login/work", "folders/work", "mlx", "store", "base", "disk", "clock"} <= checks
    assert listing(home.config.parent) == before


def listing(directory: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_mtime_ns) for path in directory.rglob("*"))


def test_a_running_daemon_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lock, its socket and its store are looked at while it has them."""
    monkeypatch.delitem(doctor.LOOKS, "mlx")
    with running(tcp=False) as daemon:
        daemon.paths.config.chmod(0o600)
        scene = doctor.scene_of(daemon.paths)
        findings = examine(doctor.all_looks(scene, offline=True), scene)
        assert bad(findings) == {}
        assert the(findings, "daemon", "ok").what == "It answers."
        assert the(findings, "store", "ok").what.startswith("Whole")
        assert daemon.process.poll() is None
        scene = replace(scene, health=lambda: {"api": 99, "ready": True})
        said = the(list(at_work.look_at_socket(scene)), "daemon", "wrong")
        assert said.mend == "Stop the daemon and start it again."
        daemon.kill()
        stale = the(list(at_work.look_at_socket(scene)), "socket", "warn")
        assert "it replaces it" in stale.mend


def test_nothing_at_all_is_no_crash(tmp_path: Path) -> None:
    """The first thing that anybody does."""
    done = trimtab("doctor", "--offline", "--json", home=tmp_path / "nowhere", code=1)
    said = [one for one in json.loads(done.stdout) if one["state"] not in GOOD]
    assert [(one["check"], one["mend"]) for one in said] == [
        ("config", "Make one with `trimtab init`.")
    ]
    assert not (tmp_path / "nowhere").exists()


# --- the home ------------------------------------------------------------------------------------


def test_a_broken_config_is_told_and_the_rest_is_looked_at(found: Found) -> None:
    """What needs a config says so."""
    findings = found("[accounts.work]\naddress = 1\n")
    assert bad(findings) == {"config": "wrong"}
    assert "accounts.work.address: is not a setting" in the(findings, "config", "wrong").mend
    assert the(findings, "base", "skipped").what == "It needs a config."
    assert bad(found("[accounts")) == {"config": "wrong"}


def test_a_config_that_others_may_read_is_told(found: Found, home: Paths) -> None:
    """With the command that mends it, which does."""
    write(home, ACCOUNT)
    home.config.chmod(0o644)
    said = the(found(None), "config permissions", "wrong")
    command = said.mend.partition("`")[2].partition("`")[0]
    subprocess.run(command, shell=True, check=True)
    assert bad(found(None)) == {}
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


def test_a_secret_in_clear_text_is_named_and_not_shown(found: Found) -> None:
    """Each by its setting."""
    large = '[large.claude]\nprovider = "anthropic"\nmodel = "m"\nkey = "hunter22"\n'
    config = account_toml("work", "ada@field.example", 1, "u", password="hunter22")
    told = [one for one in found(config + large) if one.check == "secrets"]
    assert [one.what.split()[0] for one in told] == [
        "accounts.work.imap.password",
        "large.claude.key",
    ]
    assert "`trimtab key claude`" in told[1].mend
    assert "hunter22" not in str(told)


@pytest.fixture
def open_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A home that is not within a directory of one's own, as pytest's are."""
    made = subprocess.run(["mktemp", "-d", "/tmp/ttXXXXXX"], capture_output=True, check=True)
    directory = Path(made.stdout.decode().strip())
    monkeypatch.setenv("TRIMTAB_HOME", str(directory))
    paths = find_paths()
    make_directories(paths)
    yield paths
    subprocess.run(["rm", "-r", directory], check=True)


def test_files_that_others_may_read_are_named(open_home: Paths) -> None:
    """Only where they can get to them; the command that is named mends it."""
    paths = open_home
    write(paths, ACCOUNT)
    scene = doctor.scene_of(paths)
    (paths.logs / "trimtab.log").write_text("")
    (paths.logs / "trimtab.log").chmod(0o644)
    assert bad(list(at_home.look_at_home(scene))) == {}
    for directory in (paths.logs.parent, paths.logs):
        directory.chmod(0o755)
    said = the(list(at_home.look_at_home(scene)), "permissions", "wrong")
    assert "trimtab.log" in said.what
    command = said.mend.partition("`")[2].partition("`")[0]
    subprocess.run(command, shell=True, check=True)
    assert bad(list(at_home.look_at_home(scene))) == {}


async def test_a_damaged_store_is_told(home: Paths, found: Found) -> None:
    """One that is none, and one of which a page is lost; neither is changed."""
    await (await Database.open(home.database)).close()
    whole = home.database.read_bytes()
    with closing(sqlite3.connect(home.database)) as connection:
        page = connection.execute("PRAGMA page_size").fetchone()[0]
    for damaged in (b"no database" * 1000, whole[:page] + bytes(page) + whole[2 * page :]):
        home.database.write_bytes(damaged)
        said = the(found(), "store", "wrong")
        assert said.mend.startswith("Nothing was changed in it. Put a backup in its place")
        assert home.database.read_bytes() == damaged
        assert not home.database.with_name("trimtab.db-wal").exists()


async def test_a_store_of_a_newer_version_is_told(home: Paths, found: Found) -> None:
    """It is not touched."""
    await (await Database.open(home.database)).close()
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("INSERT INTO migration VALUES (999, CURRENT_TIMESTAMP)")
    assert "newer trimtab" in the(found(), "store", "wrong").what + str(found())


def test_a_disk_that_is_full_or_read_only_is_told(
    found: Found, home: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the home, which is on it."""
    with small_disk(tmp_path / "small", 4) as disk:
        paths = find_paths(str(disk))
        make_directories(paths)
        write(paths, ACCOUNT)
        scene = doctor.scene_of(paths)
        assert "Make room" in the(list(at_home.look_at_disk(scene)), "disk", "wrong").mend
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        said = the(list(at_home.look_at_home(scene)), "home", "wrong")
        assert "mount its disk for writing" in said.mend
        assert bad(list(at_home.look_at_logs(scene))) == {"logs": "wrong"}


def test_a_log_that_cannot_be_written_is_told(found: Found, home: Paths) -> None:
    """A directory in its place, say."""
    (home.logs / "trimtab.log").mkdir()
    assert bad(found()) == {"logs": "wrong"}


def test_a_home_whose_path_is_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    """The daemon could not start."""
    paths = find_paths(str(tmp_path / ("x" * 120)))
    make_directories(paths)
    said = the(list(at_home.look_at_home(doctor.scene_of(paths))), "home", "wrong")
    assert "Set TRIMTAB_HOME to a shorter path" in said.mend


@pytest.mark.parametrize("pointer", ["work-19990101-000000-abcdef\n", "../../x\n", "\xff"])
def test_an_agent_that_is_not_there_is_told(found: Found, home: Paths, pointer: str) -> None:
    """Whatever the pointer holds."""
    (home.adapters / "work.current").write_bytes(pointer.encode("latin-1"))
    said = the(found(), "agent/work", "wrong")
    assert "trimtab adapters" in said.mend


def test_a_damaged_agent_is_told(found: Found, home: Paths) -> None:
    """Its manifest is no manifest."""
    (home.adapters / "work-1").mkdir()
    (home.adapters / "work-1" / "manifest.json").write_text("{}")
    (home.adapters / "work.current").write_text("work-1\n")
    said = the(found(), "agent/work", "wrong")
    assert "its manifest is missing or cannot be read" in said.what
    assert said.mend == "Go back with `trimtab adapters rollback`, or train again."


# --- models --------------------------------------------------------------------------------------


def test_a_base_that_is_missing_is_told(found: Found) -> None:
    """With the command that fetches it."""
    base = "mlx-community/Llama-3.2-1B-Instruct-4bit"
    said = the(found(f'{ACCOUNT}[train]\nbase = "{base}"\n'), "base", "wrong")
    assert f"`trimtab models download {base}`" in said.mend


@pytest.mark.parametrize("fault", ["cut off", "is missing", "no tokenizer", "config.json"])
def test_a_base_that_is_not_whole_is_told(found: Found, tmp_path: Path, fault: str) -> None:
    """By the file that is wrong."""
    base = a_base(tmp_path / "base")
    assert bad(found(f'{ACCOUNT}[train]\nbase = "{base}"\n')) == {}
    weights = base / "model-1.safetensors"
    match fault:
        case "cut off":
            weights.write_bytes(weights.read_bytes()[:-1])
        case "is missing":
            weights.unlink()
        case "no tokenizer":
            (base / "tokenizer.json").unlink()
        case "config.json":
            (base / "config.json").write_text("{")
    said = the(found(f'{ACCOUNT}[train]\nbase = "{base}"\n'), "base", "wrong")
    assert fault in said.what
    assert said.mend == "Download or convert it again."


def a_base(path: Path) -> Path:
    """A base as its files tell of it: one array of eight bytes, and an index that names it."""
    path.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(8)
    (path / "model-1.safetensors").write_bytes(data)
    index = {"weight_map": {"w": "model-1.safetensors"}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    (path / "config.json").write_text("{}")
    (path / "tokenizer.json").write_text("{}")
    return path


def test_weights_that_were_altered_are_told(found: Found, tmp_path: Path) -> None:
    """Their blob's name is the hash that they ought to have."""
    base = a_base(tmp_path / "base")
    blob = tmp_path / ("0" * 64)
    (base / "model-1.safetensors").rename(blob)
    (base / "model-1.safetensors").symlink_to(blob)
    said = the(found(f'{ACCOUNT}[train]\nbase = "{base}"\n'), "base", "wrong")
    assert "was altered" in said.what


@pytest.mark.parametrize(
    ("memory", "available", "state"), [(4, 4, "wrong"), (16, 16, "ok"), (16, 2, "warn")]
)
def test_a_base_has_to_fit_the_machine(memory: int, available: int, state: str) -> None:
    """Llama 3 8B, on machines of so many GiB."""
    machine = Machine(total=memory << 30, available=available << 30)
    shape = offers.LLAMA_3_8B
    size = offers.weights_of(shape)
    assert [f.state for f in models.judge_memory(size, shape, Train(), machine)] == [state]


def test_a_training_that_does_not_fit_is_told() -> None:
    """Though the base can answer."""
    shape, machine = offers.LLAMA_3_8B, Machine(total=8 << 30, available=8 << 30)
    told = list(models.judge_memory(offers.weights_of(shape), shape, Train(), machine))
    assert [one.state for one in told] == ["wrong"]
    assert "Training would take" in told[0].what
    assert "trimtab models list" in told[0].mend


@pytest.mark.parametrize(
    ("device", "platform", "state"),
    [
        ("Device(gpu, 0)", "darwin", "ok"),
        ("Device(cpu, 0)", "darwin", "wrong"),
        ("Device(cpu, 0)", "linux", "ok"),
    ],
)
def test_a_mac_computes_on_its_gpu(device: str, platform: str, state: str) -> None:
    """By what the worker says of itself."""
    assert models.judge_device({"mlx": "1", "device": device}, platform).state == state


# --- large models --------------------------------------------------------------------------------


@contextmanager
def large_server(status: int, names: list[str], date: datetime) -> Iterator[tuple[int, list[str]]]:
    """A server with a list of models as OpenAI and Anthropic give it; its port, and what it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def date_time_string(self, _timestamp: float | None = None) -> str:
            return date.strftime("%a, %d %b %Y %H:%M:%S GMT")

        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers.get('authorization')}")
            body = json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "names", "days", "expected"),
    [
        (200, ["small-1"], 0, {}),
        (200, ["another"], 0, {"large/mine": "warn"}),
        (401, [], 0, {"large/mine": "wrong"}),
        (404, [], 0, {"large/mine": "warn"}),
        (529, [], 0, {"large/mine": "warn"}),
        (200, ["small-1"], 3, {"clock": "wrong"}),
    ],
)
def test_a_large_model_is_asked_for_its_list_alone(
    found: Found, status: int, names: list[str], days: int, expected: dict[str, str]
) -> None:
    """One request, which costs nothing; its Date tells of this machine's clock."""
    at = datetime.now(UTC) + timedelta(days=days)
    with large_server(status, names, at) as (port, seen):
        config = large_toml(port, 'key_env = "A_KEY"')
        os.environ["A_KEY"] = "k1"
        try:
            findings = found(config, offline=False)
            assert seen == ["/v1/models Bearer k1"]
            assert bad(findings) == expected
            assert bad(found(config, offline=True)) == {}
            assert len(seen) == 1
        finally:
            del os.environ["A_KEY"]


def large_toml(port: int, key: str) -> str:
    return (
        f'{ACCOUNT}[large.mine]\nprovider = "openai"\nmodel = "small-1"\n'
        f'base_url = "http://127.0.0.1:{port}/v1"\n{key}\n[models]\nwriter = "mine"\n'
    )


def test_a_large_model_without_key_or_server_is_told(found: Found) -> None:
    """Each with what mends it."""
    said = the(found(large_toml(1, 'key_env = "NO_SUCH_KEY"')), "large/mine", "wrong")
    assert "`trimtab key mine`" in said.mend
    said = the(found(large_toml(free_port(), ""), offline=False), "large/mine", "wrong")
    assert "no connection" in said.what


# --- mail ----------------------------------------------------------------------------------------


def imap_toml(host: str, port: int, user: str, *, security: str = "tls", more: str = "") -> str:
    return (
        f'{ACCOUNT}[accounts.work.imap]\nhost = "{host}"\nport = {port}\nuser = "{user}"\n'
        f'security = "{security}"\npassword_command = "echo secret"\n{more}'
    )


@pytest.mark.dovecot
def test_a_mailbox_is_looked_at_over_one_connection(found: Found, dovecot: Dovecot) -> None:
    """Login, both folders, and the quota that Dovecot does not tell."""
    findings = found(imap_toml("127.0.0.1", dovecot.tls_port, "u2"), offline=False)
    assert bad(findings) == {}
    said = [one.what for one in findings if one.check == "folders/work"]
    assert said == ["Sent is 'Gesendet'.", "Drafts is 'Drafts'."]
    assert the(findings, "quota/work", "skipped").what == "The server tells no limit."


@pytest.mark.dovecot
def test_a_refused_password_and_a_missing_folder_are_told(found: Found, dovecot: Dovecot) -> None:
    """A wrong password says nothing against the connection."""
    config = imap_toml("127.0.0.1", dovecot.tls_port, "u3").replace("echo secret", "echo wrong")
    findings = found(config, offline=False)
    assert bad(findings) == {"login/work": "wrong"}
    assert "app password" in the(findings, "login/work", "wrong").mend
    assert the(findings, "tls/work", "ok").what
    more = 'drafts_folder = "Nowhere"\n'
    findings = found(imap_toml("127.0.0.1", dovecot.tls_port, "u3", more=more), offline=False)
    assert bad(findings) == {"folders/work": "wrong"}
    assert "accounts.work.imap.drafts_folder" in the(findings, "folders/work", "wrong").mend


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("days", "trusted", "address", "check", "state", "said"),
    [
        (90, True, ADDRESS, "tls/work", "ok", "valid until"),
        (5, True, ADDRESS, "tls/work", "warn", "ends on"),
        (-2, True, ADDRESS, "tls/work", "wrong", "has expired"),
        (90, True, "127.0.0.3", "tls/work", "wrong", "is for another host"),
        (90, False, ADDRESS, "tls/work", "wrong", "signed by nobody that this system trusts"),
    ],
)
def test_a_certificate_is_looked_at(
    found: Found, dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    *, days: int, trusted: bool, address: str, check: str, state: str, said: str,
) -> None:  # fmt: skip
    """Real ones, before a real Dovecot."""
    certificate = make_certificate(tmp_path, days=days, address=address)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_front(certificate, dovecot.port) as port:
        findings = found(imap_toml(ADDRESS, port, "u4"), offline=False)
    assert said in the(findings, check, state).what, findings
    assert bad(findings) == ({} if state == "ok" else {check: state})


def test_a_server_that_is_not_there_or_says_nothing_is_told(
    found: Found, home: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that says nothing is given up after a while, and the other checks have their say."""
    findings = found(imap_toml("127.0.0.1", free_port(), "u"), offline=False)
    assert "check host, port and network" in the(findings, "tls/work", "wrong").mend.lower()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        write(home, imap_toml("127.0.0.1", silent.getsockname()[1], "u", security="plain"))
        scene = doctor.scene_of(home)
        looks = {"disk": at_home.look_at_disk, **dict(mail.looks(scene, offline=False))}
        findings = examine(looks, scene, 0.5)
    assert the(findings, "imap/work", "warn").what == "No answer in 0 s."
    assert the(findings, "disk", "ok")


async def test_the_sending_server_is_logged_in_to_and_given_nothing(found: Found) -> None:
    """A refused password and a server that is not there are told."""
    async with running_smtp() as server:
        for password, state in (("secret", "ok"), ("wrong", "wrong")):
            config = smtp_toml(server.port, password)
            findings = await asyncio.to_thread(found, config, offline=False)
            assert bad(findings) == ({} if state == "ok" else {"smtp/work": "wrong"})
        assert server.received == []
        assert server.connections == 2
    findings = await asyncio.to_thread(found, smtp_toml(free_port(), "secret"), offline=False)
    assert "accounts.work.smtp" in the(findings, "smtp/work", "wrong").mend


def smtp_toml(port: int, password: str) -> str:
    return (
        f'{ACCOUNT}[accounts.work.smtp]\nhost = "127.0.0.1"\nport = {port}\nuser = "u"\n'
        f'security = "plain"\npassword_command = "echo {password}"\n'
    )


@pytest.mark.parametrize("keychain", [Locked], indirect=True)
def test_a_locked_keychain_is_told(found: Found, keychain: object) -> None:
    """By what the config needs of it."""
    config = imap_toml("127.0.0.1", 1, "u").replace('password_command = "echo secret"\n', "")
    said = the(found(config), "keychain/work", "wrong")
    assert "the keychain is locked" in said.what
    assert said.mend.startswith("Unlock it")


def test_a_keychain_without_the_password_is_told(found: Found, keychain: object) -> None:
    """It is there, and has no entry."""
    config = imap_toml("127.0.0.1", 1, "u").replace('password_command = "echo secret"\n', "")
    said = the(found(config), "secret/work", "wrong")
    assert "the keychain has no entry" in said.what
    assert "`trimtab init`" in said.mend


def test_an_account_that_is_not_signed_in_is_told(found: Found, keychain: object) -> None:
    """By OAuth."""
    config = imap_toml("127.0.0.1", 1, "u", more='auth = "xoauth2"\n').replace(
        'password_command = "echo secret"\n', ""
    )
    oauth = '[accounts.work.oauth]\nprovider = "google"\nclient_id = "c"\n'
    assert "`trimtab login" in the(found(config + oauth), "secret/work", "wrong").mend


QUOTA = """
protocol imap {
  mail_plugins = quota imap_quota
}
plugin {
  quota = count:User quota
  quota_rule = *:storage=200K
  quota_vsizes = yes
}
"""


@pytest.mark.dovecot
def test_the_room_in_the_mailbox_is_what_the_server_tells(found: Found) -> None:
    """By IMAP's own extension."""
    mail_of_195k = b"From: a@b.example\r\n\r\n" + (b"z" * 70 + b"\r\n") * 2770
    with running_dovecot(QUOTA) as server:
        config = imap_toml("127.0.0.1", server.port, "u9", security="plain")
        assert the(found(config, offline=False), "quota/work", "ok").what.startswith("0 of 0 MB")
        server.append("u9", [mail_of_195k])
        assert bad(found(config, offline=False)) == {"quota/work": "warn"}


@pytest.mark.parametrize(
    ("used", "state"), [(10, "ok"), (96, "warn"), (100, "wrong"), (130, "wrong")]
)
def test_a_full_mailbox_is_told(used: int, state: str) -> None:
    """Drafts could not be saved in it."""
    assert mail.judge_quota("quota", Quota(used=used, limit=100)).state == state


@pytest.mark.parametrize(("code", "said"), [(9, "not valid yet"), (10, "expired"), (18, "nobody")])
def test_a_certificate_that_is_not_taken_has_a_reason(code: int, said: str) -> None:
    """By OpenSSL's code."""
    assert said in mail.judge_refusal("tls", "x:993", code, "work").what


def test_a_certificate_of_a_bridge_on_this_machine_is_not_judged() -> None:
    """It is home-made, and nobody verifies it."""
    server = Imap(host="127.0.0.1", user="u", port=993)
    assert mail.judge_certificate("tls", server, None, NOW).state == "ok"


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "newest", "synchronised", "state"),
    [
        (NOW, None, None, "ok"),
        (NOW, NOW + timedelta(hours=3), True, "ok"),
        (NOW, NOW + timedelta(days=2), None, "warn"),
        (NOW, None, False, "warn"),
        (datetime(1970, 1, 1, tzinfo=UTC), None, None, "wrong"),
    ],
)
def test_a_clock_is_judged_by_what_is_known(
    now: datetime, newest: datetime | None, synchronised: bool | None, state: str
) -> None:
    """The newest mail, and the system's own word."""
    assert at_work.judge_clock(now, newest, synchronised).state == state


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sat, 99 Nov 2026"])
def test_a_server_that_tells_no_time_says_nothing_of_the_clock(date: str | None) -> None:
    """Nor one that tells nonsense."""
    assert list(models.judge_clock(date, NOW)) == []


# --- the shell -----------------------------------------------------------------------------------


def test_a_check_that_hangs_or_fails_hides_no_other(home: Paths) -> None:
    """Each is told, and the rest is as it is."""
    end = threading.Event()

    def hangs(_: object) -> Iterator[Finding]:
        end.wait(60)
        yield ok("late", "")

    def fails(_: object) -> Iterator[Finding]:
        yield ok("never", "")
        raise ZeroDivisionError

    looks = {"hangs": hangs, "fails": fails, "fine": lambda _: [ok("fine", "Fine.")]}
    findings = examine(looks, doctor.scene_of(home), 1.0)
    end.set()
    assert {one.check: one.state for one in findings} == {
        "hangs": "warn",
        "fails": "warn",
        "fine": "ok",
    }
    assert "ZeroDivisionError" in the(findings, "fails", "warn").what


def test_what_is_wrong_ends_in_one_sentence() -> None:
    """With how many."""
    good, bad_one = ok("a", ""), Finding(check="b", state="wrong", what="", mend="")
    assert doctor.verdict([good]) == "Nothing is wrong."
    assert doctor.verdict([good, bad_one]) == "1 thing is wrong."
    assert doctor.verdict([bad_one, bad_one]) == "2 things are wrong."


# --- the report ----------------------------------------------------------------------------------

PRIVATE = """
[accounts.zephyr]
name = "Ottilie Quandt"
addresses = ["ottilie.quandt@quandtwerke.example", "otti@briefkasten.example"]
cloud = "drafts"
[accounts.zephyr.exclude]
words = ["Kuckucksei"]
folders = ["Scheidung"]
[accounts.zephyr.imap]
host = "mx7.quandtwerke.example"
port = 993
user = "oquandt"
password = "hunter22!x"
sent_folder = "Abgeschickt-Otti"
[large.pythia]
provider = "openai"
model = "geheimmodell-9"
base_url = "https://gpu.quandtwerke.example/v1"
key = "sk-abcdef123456"
[models]
writer = "pythia"
[train]
base = "/srv/geheim/otti-base"
"""
SECRETS = (
    "zephyr ottilie quandt otti briefkasten kuckucksei scheidung mx7 oquandt hunter22 abgeschickt "
    "pythia geheimmodell sk-abcdef gpu.quandt /srv geheim tresorwort betreff10 wohnort"
).split()


@pytest.mark.parametrize(
    "config", [PRIVATE, PRIVATE + "\nunknown_otti = 1\n", PRIVATE + "[broken", None]
)
async def test_a_report_holds_nothing_private(
    home: Paths, user: Path, keychain: object, monkeypatch: pytest.MonkeyPatch,
    *, config: str | None,
) -> None:  # fmt: skip
    """Whatever the config is: names, addresses, hosts, secrets and paths are planted everywhere."""
    monkeypatch.delitem(doctor.LOOKS, "mlx")
    lost = ServerUnreachable("zephyr", "mx7.quandtwerke.example", 993, "no answer in time")
    monkeypatch.setitem(doctor.LOOKS, "lost", lambda _: [of_error("tls/zephyr", lost)])
    monkeypatch.setenv("USER", "oquandt")
    monkeypatch.setenv("LOGNAME", "oquandt")
    if config is not None:
        write(home, config)
        home.config.chmod(0o644)
        keychain.set_password("trimtab", "zephyr/oquandt", "tresorwort")  # type: ignore[attr-defined]
        (home.adapters / "zephyr.current").write_text("zephyr-2\n")
        lines = (
            "2026-11-27 03:00:00,000 INFO job 3 of zephyr: mx7.quandtwerke.example:993 was lost\n"
            "2026-11-27 03:00:01,000 ERROR 'Betreff10' to otti@briefkasten.example, /srv/geheim/x\n"
            "Traceback: wohnort\n"
        )
    else:
        monkeypatch.delitem(doctor.LOOKS, "lost")
        lines = f"2026-11-27 03:00:00,000 INFO {user}/x\n"
    (home.logs / "trimtab.log").write_text(lines)
    await (await Database.open(home.database)).close()
    path = user / "report.txt"
    with pytest.raises(SystemExit):
        doctor.doctor(offline=True, report=path, as_json=True)
    text = path.read_text("utf-8")
    assert [word for word in SECRETS if word in text.lower()] == []
    assert str(user) not in text
    assert str(home.config.parent) not in text
    assert socket.gethostname() not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for wanted in ("trimtab 0.", "Findings", "wrong    config", "2026-11-27 03:00:00,000 INFO"):
        assert wanted in text
    with pytest.raises(FileRefused):
        doctor.write_report(path, doctor.scene_of(home), [])
    assert path.read_text("utf-8") == text
