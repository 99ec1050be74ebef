"""Base models on disk: where one is found, how it wants x rendered, what it is by content."""

import json
import os
import shutil
from pathlib import Path

import pytest

from mlx_agent import bases, pocket
from mlx_agent.errors import BaseDamaged, BaseNotFound
from mlx_agent.records import RenderSettings

MODEL = "mlx-community/Tiny-4bit"


@pytest.fixture(autouse=True)
def hugging_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face home, not the user's own."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf"


def a_base(path: Path, **files: str) -> Path:
    """A directory that looks like a model's."""
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}\n", "utf-8")
    for name, text in files.items():
        (path / name.replace("_json", ".json")).write_text(text, "utf-8")
    return path


def a_snapshot(home: Path, revision: str, model: str = MODEL) -> Path:
    """A revision of a model, as the Hugging Face cache lays it out."""
    return a_base(home / "hub" / f"models--{model.replace('/', '--')}" / "snapshots" / revision)


# --- where -----------------------------------------------------------------------------------


def test_pocket_is_the_base_that_ships_with_trimtab() -> None:
    """Wherever trimtab is installed."""
    assert bases.find("pocket") == pocket.path()
    assert (pocket.path() / "model.safetensors").is_file()


def test_a_base_is_found_by_its_path(tmp_path: Path) -> None:
    """Whatever the directory is called."""
    assert bases.find(str(a_base(tmp_path / "llama"))) == tmp_path / "llama"


def test_a_path_may_begin_at_the_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one writes it in a config."""
    monkeypatch.setenv("HOME", str(tmp_path))
    a_base(tmp_path / "models" / "llama")
    assert bases.find("~/models/llama") == tmp_path / "models" / "llama"


def test_a_model_is_found_in_the_hugging_face_cache(hugging_face: Path) -> None:
    """By the name it has on the hub, and without a network."""
    snapshot = a_snapshot(hugging_face, "abc123")
    assert bases.find(MODEL) == snapshot


def test_of_several_snapshots_the_newest_whole_one_is_used(hugging_face: Path) -> None:
    """A download that stopped early has no config yet."""
    times = {"first": 1_000, "second": 3_000, "third": 2_000}
    for revision, at in times.items():
        os.utime(a_snapshot(hugging_face, revision), (at, at))
    (hugging_face / "hub" / "models--mlx-community--Tiny-4bit" / "snapshots" / "partial").mkdir()
    assert bases.find(MODEL).name == "second"


@pytest.mark.parametrize("base", [MODEL, "llama", "/nowhere/llama", "~nobody-here/llama"])
def test_a_base_that_is_nowhere_is_not_found(base: str) -> None:
    """Nothing is downloaded; the error names the base as the config does."""
    with pytest.raises(BaseNotFound) as raised:
        bases.find(base)
    assert raised.value.base == base


def test_a_directory_without_a_config_is_no_base(tmp_path: Path) -> None:
    """It may be anything."""
    with pytest.raises(BaseNotFound):
        bases.find(str(tmp_path))


# --- which one -------------------------------------------------------------------------------

BIG, MIDDLE, SMALL = (model for _, model in bases.SIZES)


@pytest.mark.parametrize(
    ("gigabytes", "cached", "chosen"),
    [
        (64, {BIG, MIDDLE, SMALL}, BIG),
        (16, {BIG, SMALL}, BIG),
        (15.5, {BIG, SMALL}, BIG),
        (16, {MIDDLE, SMALL}, MIDDLE),
        (8, {BIG, MIDDLE}, MIDDLE),
        (8, {BIG, SMALL}, SMALL),
        (4, {BIG, MIDDLE}, SMALL),
        (16, set[str](), BIG),
        (8, set[str](), MIDDLE),
    ],
)
def test_auto_is_the_largest_model_that_suits_and_is_there(
    gigabytes: float, cached: set[str], chosen: str
) -> None:
    """Where none is there, the one that should be; never one that is too large."""
    assert bases.choose(int(gigabytes * (1 << 30)), cached, fast=True) == chosen


def test_auto_is_the_pocket_base_where_nothing_larger_would_end() -> None:
    """However much memory there is, and whatever is in the cache."""
    assert bases.choose(64 << 30, {BIG, MIDDLE, SMALL}, fast=False) == "pocket"


@pytest.mark.parametrize(
    ("system", "machine", "fast"),
    [("darwin", "arm64", True), ("darwin", "x86_64", False), ("linux", "aarch64", False)],
)
def test_only_apple_silicon_is_fast(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, fast: bool
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert bases.is_fast() == fast


def test_auto_looks_into_the_cache(hugging_face: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is remembered by the model's own name, for a larger one may come tomorrow."""
    monkeypatch.setattr(bases, "is_fast", lambda: True)
    snapshot = a_snapshot(hugging_face, "abc123", SMALL)
    assert bases.find("auto") == snapshot
    assert bases.named("auto") == SMALL
    assert bases.named("pocket") == "pocket"


def test_auto_without_any_model_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the error can say how to get it."""
    monkeypatch.setattr(bases, "is_fast", lambda: True)
    with pytest.raises(BaseNotFound) as raised:
        bases.find("auto")
    assert raised.value.base in {model for _, model in bases.SIZES}


# --- how x is rendered -----------------------------------------------------------------------


def test_the_pocket_base_wants_a_short_context() -> None:
    """As it was pre-trained."""
    assert bases.render_settings(pocket.path()) == RenderSettings(context_words=25)


def test_a_base_may_say_how_x_is_rendered(tmp_path: Path) -> None:
    """What it does not say is as by default."""
    base = a_base(tmp_path / "b", trimtab_json='{"recipient": false}')
    assert bases.render_settings(base) == RenderSettings(context_words=300, recipient=False)


def test_a_base_that_says_nothing_has_the_default(tmp_path: Path) -> None:
    """As any model from elsewhere."""
    assert bases.render_settings(a_base(tmp_path / "b")) == RenderSettings()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"context": 3}', '{"context_words": "many"}', '{"context_words": null}'],
)
def test_a_trimtab_json_that_cannot_be_read_is_damage(tmp_path: Path, text: str) -> None:
    """A base rendered otherwise than it was trained would fail in silence."""
    with pytest.raises(BaseDamaged) as raised:
        bases.render_settings(a_base(tmp_path / "b", trimtab_json=text))
    assert (raised.value.base, raised.value.reason) == ("b", "its trimtab.json cannot be read")


def test_a_trimtab_json_that_is_no_file_is_damage(tmp_path: Path) -> None:
    """Or not to be opened, or not in UTF-8."""
    base = a_base(tmp_path / "b")
    (base / "trimtab.json").mkdir()
    with pytest.raises(BaseDamaged):
        bases.render_settings(base)
    (base / "trimtab.json").rmdir()
    (base / "trimtab.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(BaseDamaged):
        bases.render_settings(base)


# --- what it is ------------------------------------------------------------------------------


def test_a_copy_is_the_same_base(tmp_path: Path) -> None:
    """Neither its place nor its times count, and neither does the model card."""
    copy = shutil.copytree(pocket.path(), tmp_path / "elsewhere")
    (copy / "README.md").write_text("another text", "utf-8")
    assert bases.base_hash(copy) == bases.base_hash(pocket.path())


@pytest.mark.parametrize(
    "name", ["config.json", "trimtab.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_another_config_or_tokenizer_is_another_base(tmp_path: Path, name: str) -> None:
    """One byte is enough, of the same length and at the very end."""
    copy = shutil.copytree(pocket.path(), tmp_path / "copy")
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + b" ")
    assert content[-1:] != b" "
    assert bases.base_hash(copy) != bases.base_hash(pocket.path())


def test_a_long_tokenizer_counts_to_its_end(tmp_path: Path) -> None:
    """Llama 3's has 9 MB; merges stand at its end."""
    one = a_base(tmp_path / "one", tokenizer_json=json.dumps("x" * 2_000_000 + "a"))
    two = a_base(tmp_path / "two", tokenizer_json=json.dumps("x" * 2_000_000 + "b"))
    assert bases.base_hash(one) != bases.base_hash(two)


def test_another_chat_template_is_another_base(tmp_path: Path) -> None:
    """Newer models keep it in a file of its own."""
    base = a_base(tmp_path / "b")
    before = bases.base_hash(base)
    (base / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    assert bases.base_hash(base) != before


def test_other_weights_are_another_base(tmp_path: Path) -> None:
    """By their size, and by what stands at the head of the file."""
    copy = shutil.copytree(pocket.path(), tmp_path / "copy")
    weights = copy / "model.safetensors"
    content = weights.read_bytes()
    hashes = {bases.base_hash(copy)}
    for changed in (content + b"x", content[:200_000] + b"#" + content[200_001:]):
        weights.write_bytes(changed)
        hashes.add(bases.base_hash(copy))
    assert len(hashes) == 3
