"""Server-sent events, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_agent.large.event_stream import Event, EventReader

STREAM = 'event: a\ndata: {"x": 1}\n\n: nothing\n\ndata:two\ndata: lines\n\nevent: ü\ndata: é\n\n'
EVENTS = [
    Event("a", b'{"x": 1}'),
    Event("", b"two\nlines"),
    Event("ü", "é".encode()),
]


def read(*pieces: bytes) -> list[Event]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(cuts=st.lists(st.integers(0, len(STREAM) * 2), max_size=8))
def test_events_are_the_same_wherever_the_bytes_are_cut(end: str, cuts: list[int]) -> None:
    """Also within a character, and between the two of an end of a line."""
    data = STREAM.replace("\n", end).encode()
    places = [0, *sorted(cuts), len(data)]
    assert read(*(data[a:b] for a, b in pairwise(places))) == EVENTS


def test_what_has_not_ended_is_no_event() -> None:
    """A connection that breaks leaves a piece behind, which says nothing."""
    assert read(b"event: a\ndata: 1\n\nevent: b\ndata: 2\n") == [Event("a", b"1")]
