"""Adapters on disk: complete or not there, intact or refused, and who is current."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_samples import NOW, an_adapter

from mlx_agent import adapters, bases
from mlx_agent.adapters import KEPT, MANIFEST
from mlx_agent.errors import AdapterDamaged, AdapterNotFound, BaseNotFound
from mlx_agent.train.records import Adapter

BAD_IDS = ["../adapter-1", "a/b", "a\\b", "/etc", "", ".", "..", ".adapter-1.1", "A", "a\n", "a b"]
DEAD_PROCESS = """
import os, signal, sys
from pathlib import Path
from store_samples import an_adapter
from mlx_agent import adapters

def write(directory):
    (directory / "adapters.safetensors").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

adapters.save(Path(sys.argv[1]), an_adapter(1), write)
"""


def fill(directory: Path) -> None:
    (directory / "adapters.safetensors").write_bytes(b"weights")
    (directory / "adapter_config.json").write_text("{}\n", "utf-8")


def save(root: Path, number: int = 1, **changes: object) -> Adapter:
    return adapters.save(root, an_adapter(number, **changes), fill)


def edit_manifest(path: Path, edit: Callable[[Any], object], *, seal: bool = False) -> None:
    """Change a manifest, and with `seal` its hash along with it."""
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    if seal:
        rest = {name: value for name, value in data.items() if name != "hash"}
        text = json.dumps(rest, sort_keys=True)
        data["hash"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(data), "utf-8")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- saving ----------------------------------------------------------------------------------


def test_a_saved_adapter_is_found_as_it_was(tmp_path: Path) -> None:
    """The manifest gives every field of the record back."""
    saved = save(tmp_path, 1, parent="adapter-0")
    assert adapters.verify(tmp_path, "adapter-1") == saved == an_adapter(1, parent="adapter-0")
    assert adapters.adapters(tmp_path, "work") == [saved]


def test_the_manifest_names_the_hash_of_each_file(tmp_path: Path) -> None:
    """SHA-256, of every file but itself."""
    save(tmp_path)
    manifest = json.loads((tmp_path / "adapter-1" / MANIFEST).read_text("utf-8"))
    assert manifest["files"] == {
        "adapter_config.json": "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356",
        "adapters.safetensors": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
    }


def test_adapters_are_for_their_user_alone(tmp_path: Path) -> None:
    """Directories 0700, files 0600, the pointer too."""
    save(tmp_path)
    adapters.promote(tmp_path, "work", "adapter-1")
    assert mode(tmp_path / "adapter-1") == 0o700
    files = [*(tmp_path / "adapter-1").iterdir(), tmp_path / "work.current"]
    assert [mode(file) for file in files] == [0o600] * 4


def test_an_id_is_never_written_twice(tmp_path: Path) -> None:
    """The adapter that is there stays as it is, and nothing else is left."""
    first = save(tmp_path)
    with pytest.raises(OSError, match="adapter-1"):
        save(tmp_path, 1, lessons=7)
    assert adapters.verify(tmp_path, "adapter-1") == first
    assert [path.name for path in tmp_path.iterdir()] == ["adapter-1"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Its error comes through."""

    def fail(directory: Path) -> None:
        fill(directory)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        adapters.save(tmp_path, an_adapter(), fail)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_save_left_is_no_adapter_and_goes_with_the_next(tmp_path: Path) -> None:
    """A directory that is being built is seen by nobody."""
    tests = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": f"{tests}:{Path(tests).parent}"}
    killed = subprocess.run(
        [sys.executable, "-c", DEAD_PROCESS, str(tmp_path)], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".adapter-1.")
    assert adapters.adapters(tmp_path, "work") == []
    save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["adapter-2"]


def test_a_save_killed_before_its_last_step_is_no_adapter(tmp_path: Path) -> None:
    """It has its manifest, and not yet its name."""
    save(tmp_path)
    (tmp_path / "adapter-1").rename(tmp_path / ".adapter-1.1")
    assert adapters.adapters(tmp_path, "work") == []


def test_what_another_live_process_builds_is_left_alone(tmp_path: Path) -> None:
    """Here the process with the number of this one's parent."""
    building = tmp_path / f".adapter-9.{os.getppid()}"
    building.mkdir()
    save(tmp_path)
    assert building.is_dir()


# --- listing and verifying -------------------------------------------------------------------


def test_adapters_are_listed_by_account_oldest_first(tmp_path: Path) -> None:
    """Nothing learned from one account is used for another."""
    for number in (3, 1, 2):
        save(tmp_path, number, account="home" if number == 2 else "work")
    assert [one.id for one in adapters.adapters(tmp_path, "work")] == ["adapter-1", "adapter-3"]
    assert [one.id for one in adapters.adapters(tmp_path, "home")] == ["adapter-2"]


def test_no_directory_means_no_adapters(tmp_path: Path) -> None:
    """Nothing was trained yet."""
    assert adapters.adapters(tmp_path / "none", "work") == []
    assert adapters.current(tmp_path / "none", "work") is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"adapter": {}, "files": {}}'])
def test_without_a_manifest_that_reads_there_is_no_adapter(
    tmp_path: Path, text: str | None
) -> None:
    """The list leaves it out; asked for by its id, it is damaged."""
    save(tmp_path)
    manifest = tmp_path / "adapter-1" / MANIFEST
    manifest.unlink()
    if text is not None:
        manifest.write_text(text, "utf-8")
    assert adapters.adapters(tmp_path, "work") == []
    with pytest.raises(AdapterDamaged) as raised:
        adapters.verify(tmp_path, "adapter-1")
    assert raised.value.reason == "its manifest is missing or cannot be read"


def test_a_changed_file_is_damage(tmp_path: Path) -> None:
    """One byte is enough, and the error names the file."""
    save(tmp_path)
    (tmp_path / "adapter-1" / "adapters.safetensors").write_bytes(b"weightz")
    with pytest.raises(AdapterDamaged) as raised:
        adapters.verify(tmp_path, "adapter-1")
    assert raised.value.adapter_id == "adapter-1"
    assert raised.value.reason == "adapters.safetensors is missing or changed"


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    """The weights without their configuration are of no use."""
    save(tmp_path)
    (tmp_path / "adapter-1" / "adapter_config.json").unlink()
    with pytest.raises(AdapterDamaged, match="adapter_config"):
        adapters.verify(tmp_path, "adapter-1")


@pytest.mark.parametrize(
    "change", [{"lessons": 41}, {"base": "another"}, {"metrics": {"valid_loss": 0.0}}]
)
def test_an_edited_manifest_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    """Its own hash is over all of it: neither the base nor a figure can be put in."""
    save(tmp_path)
    edit_manifest(tmp_path / "adapter-1" / MANIFEST, lambda data: data["adapter"].update(change))
    with pytest.raises(AdapterDamaged) as raised:
        adapters.verify(tmp_path, "adapter-1")
    assert raised.value.reason == "its manifest was changed"


def test_a_manifest_of_an_earlier_trimtab_is_read(tmp_path: Path) -> None:
    """It has no hash, no versions and no settings, and what it has counts."""

    def as_it_was(data: dict[str, Any]) -> None:
        del data["hash"], data["versions"], data["adapter"]["settings"]

    save(tmp_path)
    edit_manifest(tmp_path / "adapter-1" / MANIFEST, as_it_was)
    assert adapters.verify(tmp_path, "adapter-1") == an_adapter(1)
    assert adapters.verified(tmp_path, "adapter-1").versions == {}


def test_a_manifest_of_a_later_trimtab_is_whole(tmp_path: Path) -> None:
    """It says more than we know, and its hash is over that too."""
    save(tmp_path)
    path = tmp_path / "adapter-1" / MANIFEST
    edit_manifest(path, lambda data: data["adapter"].update(mood="calm"), seal=True)
    assert adapters.verify(tmp_path, "adapter-1") == an_adapter(1)
    edit_manifest(path, lambda data: data["adapter"].update(mood="wild"))
    with pytest.raises(AdapterDamaged):
        adapters.verify(tmp_path, "adapter-1")


def test_the_manifest_says_by_what_and_with_what_settings_it_was_made(tmp_path: Path) -> None:
    """So that an adapter can be understood, and made once more."""
    save(tmp_path, 1, settings={"rank": 16, "learning_rate": 0.002, "start": "base"})
    found = adapters.verified(tmp_path, "adapter-1")
    assert found.adapter.settings == {"rank": 16, "learning_rate": 0.002, "start": "base"}
    assert sorted(found.versions) == ["mlx", "mlx-lm", "trimtab"]


def test_an_adapter_is_of_use_with_its_own_base_alone(tmp_path: Path) -> None:
    """One that was trained on what has changed since would write nonsense."""
    pocket = bases.base_hash(bases.find("pocket"))
    save(tmp_path, 1, base_hash=pocket)
    save(tmp_path, 2)
    save(tmp_path, 3, base="gone")
    assert adapters.verify_usable(tmp_path, "adapter-1").id == "adapter-1"
    with pytest.raises(AdapterDamaged, match="base model has changed"):
        adapters.verify_usable(tmp_path, "adapter-2")
    with pytest.raises(BaseNotFound):
        adapters.verify_usable(tmp_path, "adapter-3")


def test_a_renamed_adapter_is_damage(tmp_path: Path) -> None:
    """Whoever verified one id must not load the weights of another."""
    save(tmp_path)
    (tmp_path / "adapter-1").rename(tmp_path / "adapter-2")
    with pytest.raises(AdapterDamaged) as raised:
        adapters.verify(tmp_path, "adapter-2")
    assert raised.value.reason == "its manifest is another adapter's"


def test_an_unknown_id_is_not_found(tmp_path: Path) -> None:
    """By its id."""
    with pytest.raises(AdapterNotFound) as raised:
        adapters.verify(tmp_path, "adapter-1")
    assert raised.value.adapter_id == "adapter-1"


@pytest.mark.parametrize("bad", BAD_IDS)
def test_what_cannot_be_an_id_is_refused(tmp_path: Path, bad: str) -> None:
    """Before it is made a path: nothing outside the directory is read or written."""
    root = tmp_path / "adapters"
    save(tmp_path)
    root.mkdir()
    with pytest.raises(AdapterNotFound):
        adapters.verify(root, bad)
    with pytest.raises(AdapterNotFound):
        adapters.promote(root, "work", bad)
    with pytest.raises(AdapterNotFound):
        adapters.current(root, bad)
    with pytest.raises(AdapterNotFound):
        save(root, 1, id=bad)
    assert list(root.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter-1", "adapters"]


def test_ids_sort_by_time_within_an_account() -> None:
    """And two trainings of the same lessons have two ids."""
    first = adapters.new_id("work", "d", "s", NOW)
    later = adapters.new_id("work", "d", "s", NOW + timedelta(seconds=1))
    same_second = adapters.new_id("work", "d", "s", NOW + timedelta(microseconds=1))
    assert first.startswith("work-20260303-093000-")
    assert first < later
    assert len({first, later, same_second}) == 3


# --- promotion and roll-back -----------------------------------------------------------------


def test_nobody_is_current_before_a_promotion(tmp_path: Path) -> None:
    """A trained adapter is not used by that alone."""
    save(tmp_path)
    assert adapters.current(tmp_path, "work") is None


def test_the_promoted_adapter_is_current_for_its_account_alone(tmp_path: Path) -> None:
    """Accounts do not mix."""
    adapters.promote(tmp_path, "work", "a1")
    adapters.promote(tmp_path, "work", "a2")
    assert adapters.current(tmp_path, "work") == "a2"
    assert adapters.current(tmp_path, "home") is None


def promoted(root: Path, *numbers: int) -> None:
    for number in numbers:
        if not (root / f"adapter-{number}").exists():
            save(root, number)
        adapters.promote(root, "work", f"adapter-{number}")


def test_roll_back_goes_through_the_history_to_none(tmp_path: Path) -> None:
    """And stays there."""
    promoted(tmp_path, 1, 2, 3)
    went = [adapters.rollback(tmp_path, "work") for _ in range(4)]
    assert went == ["adapter-2", "adapter-1", None, None]
    assert adapters.current(tmp_path, "work") is None


def test_roll_back_passes_over_what_cannot_be_used(tmp_path: Path) -> None:
    """One is gone, one is damaged: the last one that is whole is used."""
    promoted(tmp_path, 1, 2, 3, 4)
    shutil.rmtree(tmp_path / "adapter-3")
    (tmp_path / "adapter-2" / "adapters.safetensors").write_bytes(b"weig")
    assert adapters.rollback(tmp_path, "work") == "adapter-1"
    assert adapters.promoted(tmp_path, "work") == ("adapter-1",)


def test_the_history_is_bounded(tmp_path: Path) -> None:
    """The newest are kept."""
    for number in range(KEPT + 3):
        adapters.promote(tmp_path, "work", f"a{number}")
    assert (tmp_path / "work.current").read_text("utf-8").split() == ["a3", "a4", "a5", "a6", "a7"]


def test_an_adapter_promoted_again_stands_once_in_the_history(tmp_path: Path) -> None:
    """So that roll-back never leads to where one is."""
    promoted(tmp_path, 1, 2, 1)
    assert adapters.rollback(tmp_path, "work") == "adapter-2"


def test_promotion_replaces_the_pointer_in_one_step(tmp_path: Path) -> None:
    """Whoever has the old file open reads all of it, and no half-written file stays."""
    adapters.promote(tmp_path, "work", "a1")
    with (tmp_path / "work.current").open(encoding="utf-8") as before:
        adapters.promote(tmp_path, "work", "a2")
        assert before.read() == "a1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["work.current"]


# --- pruning ---------------------------------------------------------------------------------


def present(root: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("adapter-")) for path in root.glob("adapter-*"))


def test_the_last_five_promoted_and_the_five_newest_stay(tmp_path: Path) -> None:
    """The rest goes, oldest first, and nothing is left of it."""
    promoted(tmp_path, *range(1, 8))
    for number in range(8, 15):
        save(tmp_path, number)
    assert adapters.prune(tmp_path, "work") == [f"adapter-{n}" for n in (1, 2, 8, 9)]
    assert present(tmp_path) == [3, 4, 5, 6, 7, 10, 11, 12, 13, 14]
    assert adapters.prune(tmp_path, "work") == []
    assert not list(tmp_path.glob(".adapter*"))


def test_the_current_adapter_stays_however_old_it_is(tmp_path: Path) -> None:
    """Also after it was promoted again, or gone back to."""
    promoted(tmp_path, 1, 2)
    for number in range(3, 12):
        save(tmp_path, number)
    adapters.rollback(tmp_path, "work")
    assert adapters.prune(tmp_path, "work")[0] == "adapter-2"
    assert adapters.current(tmp_path, "work") == "adapter-1"
    assert adapters.verify(tmp_path, "adapter-1")


def test_pruning_is_of_one_account_alone(tmp_path: Path) -> None:
    """Another one's adapters are not even counted."""
    for number in range(1, 8):
        save(tmp_path, number, account="home")
    save(tmp_path, 8)
    assert adapters.prune(tmp_path, "work") == []
    assert len(present(tmp_path)) == 8


def test_what_a_killed_pruning_left_goes_with_the_next(tmp_path: Path) -> None:
    """It has left its place already, so nobody could load half of it."""
    save(tmp_path)
    (tmp_path / "adapter-1").rename(tmp_path / f".adapter-1.{os.getpid()}")
    assert adapters.prune(tmp_path, "work") == []
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_not_change_the_pointer_at_once(tmp_path: Path) -> None:
    """The second waits for the first, so that no promotion is lost."""
    promoted(tmp_path, 1)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    waiting = threading.Thread(target=adapters.promote, args=(tmp_path, "work", "adapter-2"))
    waiting.start()
    (tmp_path / "work.current").write_text("adapter-1\nadapter-7\n", "utf-8")
    os.close(other)
    waiting.join()
    assert adapters.promoted(tmp_path, "work") == ("adapter-1", "adapter-7", "adapter-2")
