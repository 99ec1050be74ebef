"""What stays loaded, by the sizes of models and the machine's memory."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.room import Loaded, Machine, fits, look, to_drop, to_drop_for, weights

GB = 10**9
MAC = Machine(total=16 * GB, available=8 * GB)
FULL = Machine(total=16 * GB, available=GB // 2)
AGENT = Loaded(key="agent", size=5 * GB, idle_s=30.0)
LARGE = Loaded(key="large", size=8 * GB, idle_s=400.0)
SIZES = st.integers(0, 100 * GB)
MACHINES = st.builds(Machine, total=SIZES, available=SIZES, pressed=st.booleans())
MODELS = st.lists(
    st.builds(Loaded, key=st.integers(), size=SIZES, idle_s=st.floats(0, 1e6)),
    max_size=4,
    unique_by=lambda one: one.key,
)


def test_an_8b_agent_fits_into_half_of_a_small_mac() -> None:
    """Not into what is left beside a training of the like."""
    assert fits(5 * GB, MAC)
    assert not fits(5 * GB, Machine(total=16 * GB, available=5 * GB))
    assert not fits(1, FULL)


def test_what_is_idle_for_too_long_goes() -> None:
    """The rest stays while there is memory."""
    assert to_drop([AGENT, LARGE], 300, MAC) == ["large"]
    assert to_drop([AGENT, LARGE], 900, MAC) == []


def test_where_memory_is_short_the_idlest_goes_first() -> None:
    """And no more than helps."""
    assert to_drop([AGENT, LARGE], 900, FULL) == ["large"]


def test_everything_goes_where_the_system_complains() -> None:
    """It knows better than the figures."""
    pressed = Machine(total=16 * GB, available=8 * GB, pressed=True)
    assert to_drop([AGENT, LARGE], 900, pressed) == ["agent", "large"]
    assert not fits(1, pressed)


def test_a_training_gets_the_room_it_needs() -> None:
    """The largest model goes first, and none where all fit."""
    assert to_drop_for(9 * GB, [AGENT, LARGE], MAC) == ["large"]
    assert to_drop_for(5 * GB, [AGENT, LARGE], MAC) == []


@given(MODELS, st.floats(0, 1e6), MACHINES)
def test_what_is_dropped_was_loaded(loaded: list[Loaded], longest: float, machine: Machine) -> None:
    """Each once; whatever is idle for too long is among it."""
    gone = to_drop(loaded, longest, machine)
    assert len(gone) == len(set(gone))
    assert set(gone) <= {one.key for one in loaded}
    assert {one.key for one in loaded if one.idle_s >= longest} <= set(gone)


def test_this_machine_has_memory(tmp_path: Path) -> None:
    """As the system counts it; a model is as large as its weights."""
    machine = look()
    assert 0 < machine.available <= machine.total
    (tmp_path / "model-1.safetensors").write_bytes(b"x" * 70)
    (tmp_path / "model-2.safetensors").write_bytes(b"x" * 30)
    (tmp_path / "config.json").write_bytes(b"{}")
    assert weights(tmp_path) == 100
