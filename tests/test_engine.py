"""The door to MLX: a fast BLAS under it, and whatever is broken named by one error."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from training_examples import Trained

from mlx_agent import pocket
from mlx_agent.engine import load, mx
from mlx_agent.errors import AdapterDamaged, BaseDamaged

pytestmark = pytest.mark.mlx
ROOT = Path(__file__).parent.parent
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS brings its own BLAS")


def python(code: str, **environment: str) -> str:
    """What the code prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pocket base, to be broken."""
    return shutil.copytree(pocket.path(), tmp_path / "llama")


# --- BLAS ------------------------------------------------------------------------------------


@on_linux
def test_mlx_computes_with_the_fast_blas() -> None:
    """The reference BLAS of MLX's Linux wheel does 4 GFLOP/s; the best of ten products counts."""
    found = python(
        """
        from time import perf_counter
        from mlx_agent.engine import BLAS, mx
        a = mx.random.normal((768, 768))
        mx.eval(a)
        best = 1.0
        for _ in range(10):
            started = perf_counter()
            mx.eval(a @ a)
            best = min(best, perf_counter() - started)
        print("openblas" in BLAS, 2 * 768**3 / best / 1e9)
        """
    )
    loaded, speed = found.split()
    assert loaded == "True"
    assert float(speed) > 12


@on_linux
def test_blas_gets_one_thread_unless_the_user_says_otherwise() -> None:
    """On small matrices a second one only spins."""
    code = "import os; from mlx_agent import blas; blas.load(); print(os.environ['{}'])"
    assert python(code.format("OPENBLAS_NUM_THREADS"), OPENBLAS_NUM_THREADS="3") == "3"
    cleared = f"import os; os.environ.pop('OMP_NUM_THREADS', 0); {code.format('OMP_NUM_THREADS')}"
    assert python(cleared) == "1"


@on_linux
def test_without_one_in_the_system_the_wheels_blas_serves() -> None:
    """faiss-cpu carries it, with the libraries that it needs."""
    libraries = python(
        """
        from mlx_agent import blas
        names = list(blas._in_wheel())
        print(all(blas._loads(name) for name in names), "openblas" in names[-1])
        """
    )
    assert libraries == "True True"


def test_elsewhere_no_blas_is_loaded() -> None:
    """On macOS Accelerate does the work."""
    code = """
        import sys
        sys.platform = "darwin"
        from mlx_agent import blas
        print(blas.load())
    """
    assert python(code) == "None"


# --- models ----------------------------------------------------------------------------------


def test_a_base_loads_with_its_tokenizer() -> None:
    """Ready for use, not for training."""
    model, tokenizer = load(pocket.path())
    assert len(model.layers) == 4
    assert not model.training
    assert tokenizer.eos_token == "<|end|>"


def edit_config(path: Path, key: str, value: object) -> None:
    config = json.loads((path / "config.json").read_text("utf-8"))
    (path / "config.json").write_text(json.dumps(config | {key: value}), "utf-8")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", None),
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("config.json", b'{"model_type": "llama"}'),
        ("config.json", b"\xff\xfe"),
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("model.safetensors", b"x" * 1000),
        ("tokenizer.json", None),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b'{"added_tokens": [], "model": {}}'),
        ("tokenizer_config.json", b"x"),
    ],
)
def test_a_broken_file_is_a_damaged_base(copy: Path, file: str, content: bytes | None) -> None:
    """Missing, empty, of another form: whatever the libraries make of it."""
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_bytes(content)
    with pytest.raises(BaseDamaged) as raised:
        load(copy)
    assert raised.value.base == "llama"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "unheard-of"),
        ("hidden_size", 64),
        ("hidden_size", "wide"),
        ("num_attention_heads", 0),
        ("num_hidden_layers", 5),
        ("vocab_size", 10),
    ],
)
def test_a_config_of_another_model_is_a_damaged_base(copy: Path, key: str, value: object) -> None:
    """The weights do not fit it."""
    edit_config(copy, key, value)
    with pytest.raises(BaseDamaged):
        load(copy)


def test_half_a_download_is_a_damaged_base(copy: Path) -> None:
    """Its reason is a class alone."""
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2_000_000])
    with pytest.raises(BaseDamaged) as raised:
        load(copy)
    assert raised.value.reason == "RuntimeError"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("adapters.safetensors", None),
        ("adapters.safetensors", b"x" * 100),
        ("adapter_config.json", None),
        ("adapter_config.json", b"x"),
        ("adapter_config.json", b"{}"),
        ("adapter_config.json", b"[]"),
    ],
)
def test_a_broken_file_of_an_adapter_is_a_damaged_adapter(
    trained: Trained, tmp_path: Path, file: str, content: bytes | None
) -> None:
    """The base is not to blame, and is not to be downloaded again."""
    broken = shutil.copytree(trained.path, tmp_path / trained.adapter.id)
    (broken / file).unlink()
    if content is not None:
        (broken / file).write_bytes(content)
    with pytest.raises(AdapterDamaged) as raised:
        load(pocket.path(), broken)
    assert raised.value.adapter_id == trained.adapter.id


def test_an_adapter_of_another_base_is_a_damaged_adapter(trained: Trained, tmp_path: Path) -> None:
    """Its weights fit no layer of this one."""
    broken = shutil.copytree(trained.path, tmp_path / "other")
    weights = mx.load(str(broken / "adapters.safetensors"))
    wider = {name: mx.concatenate([value, value]) for name, value in weights.items()}
    mx.save_safetensors(str(broken / "adapters.safetensors"), wider)
    with pytest.raises(AdapterDamaged):
        load(pocket.path(), broken)
