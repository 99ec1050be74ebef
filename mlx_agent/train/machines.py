"""The machines that share a training: which one this is, and what they tell each other.

Under `mlx.launch` there are several, each with the same program; alone there is one.
"""

from __future__ import annotations

from mlx_agent.engine import Array, mx


class Machines:
    """All of them. `rank` is this one's number from 0, `size` how many there are."""

    def __init__(self) -> None:
        self._group = mx.distributed.init()
        self.rank: int = self._group.rank()
        self.size: int = self._group.size()

    def sum(self, value: Array) -> Array:
        """The sum of what each has."""
        if self.size == 1:
            return value
        return mx.distributed.all_sum(value, group=self._group, stream=mx.cpu)

    def agree(self, said: bool) -> bool:
        """What the first one says, known to all."""
        if self.size == 1:
            return said
        return bool(self.sum(mx.array(float(said and self.rank == 0))).item() > 0)
