"""A counter's reading memory: first in, first out, and when full the oldest readings go silently."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["ReadingsMemory"]


class ReadingsMemory:
    """Readings waiting to be fetched, kept in the blocks in which they came.

    Parameters
    ----------
    capacity
        Largest number of readings.
    """

    def __init__(self, capacity: int) -> None:
        self._full_capacity = self._capacity = capacity
        self._blocks: deque[NDArray[np.float64]] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def restrict(self, capacity: int | None) -> None:
        """Hold so many readings at most, as if something else filled the memory; None for as many as at first."""
        self._capacity = self._full_capacity if capacity is None else capacity

    def append(self, readings: NDArray[np.float64]) -> bool:
        """Add readings, shape (n_reading,); return whether older ones were lost."""
        if len(readings):
            self._blocks.append(readings)
            self._count += len(readings)
        excess = self._count - self._capacity
        if excess <= 0:
            return False
        self.take(excess)
        return True

    def take(self, count: int) -> NDArray[np.float64]:
        """Remove and return at most `count` of the oldest readings."""
        parts = []
        left = min(count, self._count)
        self._count -= left
        while left:
            block = self._blocks[0]
            if len(block) <= left:
                parts.append(self._blocks.popleft())
                left -= len(block)
            else:
                parts.append(block[:left])
                self._blocks[0] = block[left:]
                left = 0
        return np.concatenate(parts) if parts else np.zeros(0)

    def all(self) -> NDArray[np.float64]:
        """Return all readings and keep them."""
        return np.concatenate(list(self._blocks)) if self._blocks else np.zeros(0)

    def last(self) -> float | None:
        """Return the latest reading, None if there is none."""
        return float(self._blocks[-1][-1]) if self._blocks else None

    def clear(self) -> None:
        """Forget all readings."""
        self._blocks.clear()
        self._count = 0
