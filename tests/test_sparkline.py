"""A curve in one line: its shape, its width, and what it makes of odd values."""

import math

from hypothesis import given
from hypothesis import strategies as st

from daemon.sparkline import BLOCKS, sparkline


def test_a_falling_curve_falls() -> None:
    """From the highest block to the lowest."""
    assert sparkline([(x, 8 - x) for x in range(8)], 8) == BLOCKS[::-1]


def test_a_column_is_the_mean_of_its_points() -> None:
    """By where they stand, not by how many there are: one far out does not move the others."""
    dense = [(x / 10, 4.0) for x in range(10)]
    assert sparkline([*dense, (1, 2), (2, 1.5), (3, 0.5)], 3) == "█▃▁"


def test_a_gap_goes_on_as_before() -> None:
    """Thinned-out steps leave columns empty."""
    assert sparkline([(0, 2), (1, 2), (9, 0), (10, 0)], 4) == "███▁"


def test_what_is_no_number_is_left_out() -> None:
    """A training that diverges still has the curve before it."""
    assert sparkline([(1, 2.0), (2, 1.0), (3, math.nan), (4, math.inf)], 9) == "█▁"
    assert sparkline([(1, math.nan)], 9) == ""
    assert sparkline([], 9) == ""


POINTS = st.lists(st.floats(-1e6, 1e6), max_size=40)


@given(POINTS, st.integers(1, 30))
def test_any_curve_fits_its_width_and_is_made_of_blocks(values: list[float], width: int) -> None:
    """Whatever the values are."""
    line = sparkline(list(enumerate(values)), width)
    assert len(line) == min(width, len(values))
    assert set(line) <= set(BLOCKS)
