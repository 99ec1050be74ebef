"""`trimtab models`: fetched whole and checked or not there, resumed, removed; what suits a machine.

The hub is a server on this machine that speaks the real one's wire format.
"""

import fcntl
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import TRIMTAB, sentence, trimtab
from hub_server import COMMIT, Hub, running_hub, sha256
from small_disks import small_disk
from tools import free_port

from daemon.config import Paths
from mlx_agent import bases, hub, offers
from mlx_agent.errors import (
    BaseNotFound,
    DownloadDamaged,
    DownloadRunning,
    HubRefused,
    HubUnreachable,
    RoomMissing,
)
from mlx_agent.room import Machine

WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    ".gitattributes": b"*.safetensors filter=lfs",
    "README.md": b"# A model",
    "modeling.py": b"raise SystemExit",
    "../../escaped.json": b"{}",
    "onnx/config.json": b"{}",
}
MODEL = "mlx-community/Tiny-4bit"
GB = 1_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face home, not the user's own."""
    home = tmp_path_factory.mktemp("hf")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return home


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that holds one small model."""
    with running_hub(Hub(dict(FILES))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def silent(step: str, done: int, whole: int) -> None:
    """A report that nobody reads."""


def parts(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


# --- fetched -------------------------------------------------------------------------------------


def test_a_model_is_found_by_its_name_once_it_is_fetched(remote: Hub, cache: Path) -> None:
    """Weights, tokenizer and config, to the byte; no code, and nothing outside its place."""
    path = hub.download(MODEL, silent)
    assert bases.find(MODEL) == path
    files = {file.name: file.read_bytes() for file in path.iterdir()}
    wanted = ("config.json", "tokenizer.json", "model.safetensors")
    assert files == {name: FILES[name] for name in wanted}
    assert not list(cache.rglob("escaped.json"))
    assert not parts(cache)


def test_it_lies_as_the_hubs_own_programs_put_it(remote: Hub, cache: Path) -> None:
    """Blobs by their hash, a snapshot of links, and what `main` is: one copy serves all."""
    hub.download(MODEL, silent)
    root = cache / "hub" / "models--mlx-community--Tiny-4bit"
    link = root / "snapshots" / COMMIT / "model.safetensors"
    assert link.readlink() == Path("..", "..", "blobs", sha256(WEIGHTS))
    assert (root / "refs" / "main").read_text() == COMMIT


def test_progress_ends_at_the_whole_models_size(remote: Hub) -> None:
    """It never goes back within a step."""
    told: list[tuple[str, int, int]] = []
    hub.download(MODEL, lambda *one: told.append(one))
    whole = sum(len(FILES[n]) for n in ("config.json", "tokenizer.json", "model.safetensors"))
    assert told[-1] == ("checking", whole, whole)
    fetched = [done for step, done, _ in told if step == "fetching"]
    assert fetched == sorted(fetched)


def test_what_is_here_is_checked_and_not_fetched_again(remote: Hub) -> None:
    """A file that was damaged since is."""
    path = hub.download(MODEL, silent)
    remote.asked.clear()
    hub.download(MODEL, silent)
    assert len(remote.asked) == 1
    (path / "model.safetensors").resolve().write_bytes(WEIGHTS[:-1] + b"?")
    hub.download(MODEL, silent)
    assert (path / "model.safetensors").read_bytes() == WEIGHTS


# --- stopped -------------------------------------------------------------------------------------


def test_a_killed_download_goes_on_where_it_stopped(home: Paths, remote: Hub, cache: Path) -> None:
    """Until then there is no such base; the rest alone is asked for."""
    weights = random.Random(2).randbytes(24_000_000)  # the library hands on 10 MB at a time
    remote.files["model.safetensors"] = weights
    remote.stop_after = 22_000_000
    process = subprocess.Popen([TRIMTAB, "models", "download", MODEL], stderr=subprocess.PIPE)
    try:
        assert remote.stopped.wait(60)
        wait_for_bytes(cache, 10_000_000)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    with pytest.raises(BaseNotFound):
        bases.find(MODEL)
    have = parts(cache)[0].stat().st_size
    remote.stop_after = None
    remote.go_on.set()
    remote.asked.clear()
    path = hub.download(MODEL, silent)
    assert (path / "model.safetensors").read_bytes() == weights
    ranges = [asked for _, _, asked in remote.asked if asked]
    assert set(ranges) == {f"bytes={have}-"}


def wait_for_bytes(cache: Path, count: int) -> None:
    """Raises AssertionError where they have not been written after a minute."""
    until = time.monotonic() + 60
    while not any(part.stat().st_size >= count for part in parts(cache)):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_hub_that_knows_no_ranges_sends_all_again(remote: Hub, cache: Path) -> None:
    """The half that was there is not put before it."""
    part = part_of_weights(cache, WEIGHTS[:100_000])
    remote.ranges = False
    path = hub.download(MODEL, silent)
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    assert not part.exists()


def test_a_half_that_is_another_files_is_found_out(remote: Hub, cache: Path) -> None:
    """Its size is right in the end, and its hash is not; the next time it is fetched anew."""
    part_of_weights(cache, bytes(100_000))
    with pytest.raises(DownloadDamaged):
        hub.download(MODEL, silent)
    hub.download(MODEL, silent)
    assert bases.find(MODEL)


def part_of_weights(cache: Path, data: bytes) -> Path:
    blobs = cache / "hub" / "models--mlx-community--Tiny-4bit" / "blobs"
    blobs.mkdir(parents=True)
    part = blobs / f"{sha256(WEIGHTS)}.incomplete"
    part.write_bytes(data)
    return part


# --- wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_not_the_hubs_is_refused(remote: Hub, cache: Path, name: str) -> None:
    """By one byte; no part of it stays, and there is no such base."""
    remote.altered[name] = b"?" + FILES[name][1:]
    with pytest.raises(DownloadDamaged) as raised:
        hub.download(MODEL, silent)
    assert raised.value.file == name
    assert not parts(cache)
    with pytest.raises(BaseNotFound):
        bases.find(MODEL)


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    remote: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it lacks; large files are not begun."""
    remote.files["model.safetensors"] = bytes(3_000_000)
    with small_disk(tmp_path / "small", 2) as disk:
        monkeypatch.setenv("HF_HOME", str(disk))
        with pytest.raises(RoomMissing) as raised:
            hub.download(MODEL, silent)
    assert 3_000_000 <= raised.value.need < 3_001_000
    assert not any("lfs" in path for _, path, _ in remote.asked)


def test_a_disk_that_fills_meanwhile_is_one_sentence(
    remote: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program took the room after it was looked at."""
    remote.files["model.safetensors"] = bytes(3_000_000)
    monkeypatch.setattr(hub, "_make_sure_of_room", lambda *_: None)
    with small_disk(tmp_path / "small", 2) as disk:
        monkeypatch.setenv("HF_HOME", str(disk))
        with pytest.raises(RoomMissing):
            hub.download(MODEL, silent)


def test_no_network_is_one_sentence(home: Paths) -> None:
    """As the command says it."""
    nobody = f"http://127.0.0.1:{free_port()}"
    done = trimtab("models", "download", MODEL, code=1, HF_ENDPOINT=nobody)
    assert "cannot be reached (no connection); look at the network" in sentence(done)


def test_a_hub_in_trouble_is_no_missing_model(remote: Hub) -> None:
    """It may answer later."""
    remote.status = 503
    with pytest.raises(HubUnreachable) as raised:
        hub.download(MODEL, silent)
    assert raised.value.reason == "it answered 503"


@pytest.mark.parametrize("name", ["mlx-community/Unknown-4bit", "pocket?", "a/b/c", "../../x"])
def test_a_model_that_the_hub_has_not_is_refused(remote: Hub, cache: Path, name: str) -> None:
    """And leaves nothing behind."""
    with pytest.raises(HubRefused):
        hub.download(name, silent)
    assert not list(cache.rglob("*"))


def test_what_mlx_lm_could_not_load_is_refused(remote: Hub) -> None:
    """Such as a repository of other weights."""
    del remote.files["model.safetensors"]
    with pytest.raises(HubRefused, match="it is no model that mlx-lm loads"):
        hub.download(MODEL, silent)


def test_two_do_not_write_one_file(remote: Hub, cache: Path) -> None:
    """The second is told of the first."""
    root = cache / "hub" / "models--mlx-community--Tiny-4bit"
    root.mkdir(parents=True)
    lock = os.open(root, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with pytest.raises(DownloadRunning):
            hub.download(MODEL, silent)
    finally:
        os.close(lock)


# --- removed -------------------------------------------------------------------------------------


def test_a_removed_model_is_gone_with_all_its_files(home: Paths, remote: Hub, cache: Path) -> None:
    """Others stay."""
    other = cache / "hub" / "models--mlx-community--Other-4bit" / "snapshots" / "1"
    other.mkdir(parents=True)
    hub.download(MODEL, silent)
    said = json.loads(trimtab("models", "remove", MODEL, "--json").stdout)
    assert said["bytes"] >= len(WEIGHTS)
    assert [path.name for path in (cache / "hub").iterdir()] == [other.parent.parent.name]
    with pytest.raises(BaseNotFound):
        hub.remove(MODEL)


def test_the_configs_base_is_removed_by_force_only(home: Paths, remote: Hub) -> None:
    """The sentence says what needs it."""
    hub.download(MODEL, silent)
    home.config.write_text(f'[train]\nbase = "{MODEL}"\n')
    assert "the train.base of the config" in sentence(trimtab("models", "remove", MODEL, code=1))
    assert bases.find(MODEL)
    trimtab("models", "remove", MODEL, "--force")
    with pytest.raises(BaseNotFound):
        bases.find(MODEL)


# --- what suits ----------------------------------------------------------------------------------


def test_the_list_names_what_is_known_and_what_is_here(home: Paths, remote: Hub) -> None:
    """Each with size, memory and speed; what the machine does not tell is unknown."""
    shape = {
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "vocab_size": 100,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    }  # fmt: skip
    remote.files["config.json"] = json.dumps(shape).encode()
    hub.download(MODEL, silent)
    listed = {one["model"]: one for one in json.loads(trimtab("models", "list", "--json").stdout)}
    assert set(listed) == {*offers.KNOWN, "pocket", MODEL}
    assert {name for name, one in listed.items() if one["here"]} == {"pocket", MODEL}
    assert listed[MODEL]["size"] == len(WEIGHTS)
    told = trimtab("models", "list").stdout
    assert "Llama-3.2-1B-Instruct-4bit" in told
    assert "estimates" in told
    assert all(len(line) <= 80 for line in told.splitlines()[:6])


def test_the_models_of_the_table_are_those_that_auto_chooses_from() -> None:
    """So that what is listed is what `auto` means."""
    assert {model for _, model in bases.SIZES} == set(offers.KNOWN)


@pytest.mark.parametrize(
    ("memory", "fitting", "training"), [(8, 2, 0), (16, 3, 1), (64, 3, 3)], ids=str
)
def test_larger_machines_hold_more(memory: int, fitting: int, training: int) -> None:
    """At least so many of the three can answer, and be trained."""
    machine = Machine(total=memory << 30, available=memory << 30)
    made = [offers.offer(m, s, machine, None, size=None) for m, s in offers.KNOWN.items()]
    assert sum(one.fits for one in made) >= fitting
    assert sum(one.trains for one in made) >= training


def test_the_8b_takes_what_was_measured() -> None:
    """Llama 3 8B in 4 bits: 4.5 GB of weights, and training within 16 GiB."""
    machine = Machine(total=16 << 30, available=16 << 30)
    model = "mlx-community/Meta-Llama-3-8B-Instruct-4bit"
    made = offers.offer(model, offers.LLAMA_3_8B, machine, 68, size=None)
    assert 4.4 * GB < made.size < 4.7 * GB
    assert made.trains
    assert made.tokens_s is not None
    assert 9 < made.tokens_s < 12


@pytest.mark.parametrize(
    ("chip", "bandwidth"),
    [
        ("Apple M1", 68),
        ("Apple M1 Pro\n", 200),
        ("Apple M4 Max", 410),
        ("Apple M99", None),
        ("Apple M1 Virtual", None),
        ("Intel(R) Core(TM) i7", None),
        ("", None),
    ],
)
def test_a_chip_that_is_unknown_has_no_speed(chip: str, bandwidth: int | None) -> None:
    """Nothing is guessed."""
    assert offers.bandwidth_of(chip) == bandwidth
